//! What a word that is no value was meant to say: a tag, a segment or an event goes by a question of its own.

use journey_bytecode::Type;
use smol_str::SmolStr;

use super::expr::{Checker, Want};
use crate::diagnostic::Applicability;

/// What a word names, and how that is said.
pub(super) struct Meant {
    /// What is wrong.
    pub(super) message: String,
    pub(super) help: String,
    /// What to write in its place, if that is one thing.
    pub(super) instead: Option<(String, Applicability)>,
}

impl Meant {
    fn new(message: String, help: impl Into<String>) -> Self {
        Self { message, help: help.into(), instead: None }
    }

    fn written(message: String, instead: String, applicability: Applicability) -> Self {
        Self { message, help: format!("write `{instead}`"), instead: Some((instead, applicability)) }
    }
}

impl Checker<'_> {
    /// What a word that is no value was meant to say here.
    pub(super) fn meant(&self, name: &SmolStr, want: Want<'_>) -> Option<Meant> {
        use Applicability::{Safe, Unsafe};
        let is = |what: &str| format!("`{name}` is {what}, not a value");
        let day = |instead: &str| {
            let meant = Meant::written(format!("`{name}` is written `{instead}`"), instead.to_owned(), Safe);
            let help =
                format!("write `{instead}`; for a day that comes every year `anniversary of birthday is {instead}`");
            Some(Meant { help, ..meant })
        };
        match name.as_str() {
            "tomorrow" => return day("today + 1d"),
            "yesterday" => return day("today - 1d"),
            "monday" | "tuesday" | "wednesday" | "thursday" | "friday" | "saturday" | "sunday" => {
                let help = format!("write `weekday is {name}`, or `weekday of renewal is {name}`");
                return Some(Meant::new(is("a day of the week"), help));
            }
            "weekday" | "weekend" | "weekdays" | "weekends" => {
                let help = "write `now is within weekdays`, or `weekday in [saturday, sunday]`";
                return Some(Meant::new(is("several days"), help));
            }
            "tag" | "tags" => return Some(Meant::new(is("a word of the language"), "ask for a tag by `has tag vip`")),
            "time" => {
                let help = "write `now is within 09:00 to 17:00`, or `hour >= 9`";
                return Some(Meant::new(is("a word of the language"), help));
            }
            "day" | "month" | "year" | "date" => {
                let help = "write `month of today`, `day of renewal`, `today` or `weekday`";
                return Some(Meant::new(format!("of which moment `{name}` is meant is not said"), help));
            }
            "subscribed" | "unsubscribed" => {
                let help = "ask for a topic: `consents to news`, `not consents to news`";
                return Some(Meant::new(is("a word of the language"), help));
            }
            "null" | "nil" | "undefined" | "missing" | "unknown" | "blank" | "known" | "present" => {
                let help = "ask whether there is one: `first_name is set`, `first_name is not set`";
                return Some(Meant::new(format!("`{name}` is not a value"), help));
            }
            _ => {}
        }
        let index = self.index;
        // A condition of its own, in which the word can be put right by itself.
        let alone = matches!(want, Want::Type(Type::Bool));
        let says = |what: &str, instead: String, how: Applicability| {
            let meant = Meant::written(is(what), instead, how);
            Some(if alone { meant } else { Meant { instead: None, ..meant } })
        };
        if index.tags.contains_key(name) {
            return says("a tag", format!("has tag {name}"), Safe);
        }
        if index.segments.contains_key(name) {
            return says("a segment", format!("in {name}"), Safe);
        }
        if index.events.contains_key(name) {
            return says("an event", format!("did {name}"), Unsafe);
        }
        if index.topics.contains_key(name) {
            return says("a topic", format!("consents to {name}"), Unsafe);
        }
        if let Some(funnel) = index.funnels.get(name) {
            let stage = funnel.stages.first()?;
            return Some(Meant::new(is("a funnel"), format!("ask for a stage: `in {name}.{stage}`")));
        }
        let mut funnels = index.funnels.iter().filter(|(_, funnel)| funnel.stages.contains(name));
        if let Some((funnel, _)) = funnels.next() {
            let how = if funnels.next().is_none() { Safe } else { Unsafe };
            return says(&format!("a stage of `{funnel}`"), format!("in {funnel}.{name}"), how);
        }
        if index.messages.keys().any(|(_, message)| message == name) {
            let help = format!("ask what became of it: `sent {name}`, `opened {name}`");
            return Some(Meant::new(is("a message"), help));
        }
        if index.journeys.contains_key(name) {
            return says("a journey", format!("in journey {name}"), Unsafe);
        }
        let has = |ty: &Option<Type>| matches!(ty, Some(Type::Enum(values)) if values.contains(name));
        let (attribute, _) = alone.then(|| index.attributes.iter().find(|(_, info)| has(&info.ty))).flatten()?;
        let message = format!("`{name}` stands alone, and is a value of `{attribute}`");
        Some(Meant::written(message, format!("{attribute} is {name}"), Unsafe))
    }
}
