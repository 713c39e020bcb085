//! People who do not exist: made up from a seed, they come, act, read, click and leave at random, the same each time.
//!
//! Each number follows from the seed and from what it is for, never from the order of questions, so that a change of a
//! journey leaves everybody else's life as it was.

use std::collections::{BTreeMap, BTreeSet};

use journey_bytecode::{
    Bundle, Channel, Instant, Money, Number, Schema, Span, StatusKind, Time, TriggerKind, Type, Value, WeekdaySet,
};
use smol_str::SmolStr;

use super::behaviour::{Behaviour, Known};
use crate::core::Linked;
use crate::core::contact::ContactId;
use crate::core::effect::MessageId;
use crate::core::input::{InputKind, MessageName};
use crate::store::{NewInput, Whose};
use crate::time::{DAY, Zone};

const HOUR: i64 = 3_600_000;

/// How often in 30 days something happens that only a wait, an exit or a condition asks for.
const SELDOM: f64 = 0.1;

/// Chance by name: the same seed and the same words give the same number.
#[derive(Clone, Copy, Debug)]
struct Chance(u64);

impl Chance {
    fn of(self, words: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0.to_le_bytes());
        for word in words {
            hasher.update(word.as_bytes()).update(&[0]);
        }
        Self(hasher.finalize().as_bytes().first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes)))
    }

    /// From 0 to below 1.
    #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn share(self) -> f64 {
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From 0 to below.
    fn below(self, most: i64) -> i64 {
        scaled(self.share(), most)
    }

    /// One of these, each equally likely; none of none.
    fn one_of<T>(self, of: &[T]) -> Option<&T> {
        of.get(usize::try_from(self.below(i64::try_from(of.len()).unwrap_or(1))).unwrap_or(0))
    }

    /// A length of time whose mean is this one, as between things that happen independently of each other.
    fn pause(self, mean: f64) -> i64 {
        whole(-(1.0 - self.share()).ln() * mean)
    }
}

fn scaled(share: f64, most: i64) -> i64 {
    #[allow(clippy::cast_precision_loss, reason = "lengths of time and counts")]
    let most = most as f64;
    whole(share * most)
}

fn whole(number: f64) -> i64 {
    #[allow(clippy::cast_possible_truncation, reason = "saturates")]
    let whole = number as i64;
    whole
}

/// The people of a forecast.
#[derive(Debug)]
pub struct Crowd {
    behaviour: Behaviour,
    chance: Chance,
    /// What is going to happen, by moment, and in the order in which it was decided.
    pending: BTreeMap<(Instant, u64), NewInput>,
    decided: u64,
    zones: BTreeMap<ContactId, Zone>,
}

impl Crowd {
    /// So many people, who come within the first half of `days` and live until their end.
    pub fn new(linked: &Linked, behaviour: Behaviour, contacts: u32, days: u32, seed: u64, start: Instant) -> Self {
        let mut crowd =
            Self { behaviour, chance: Chance(seed), pending: BTreeMap::new(), decided: 0, zones: BTreeMap::new() };
        let rates = crowd.rates(linked.bundle());
        let length = i64::from(days) * DAY;
        let end = Instant(start.0 + length);
        for number in 1..=contacts {
            let key = SmolStr::from(format!("c{number:06}"));
            let comes = Instant(start.0 + crowd.chance.of(&["comes", &key]).below(length / 2));
            let attributes = crowd.attributes(linked, &key, comes);
            let kind = InputKind::Upsert { attributes, add_tags: Vec::new(), remove_tags: Vec::new() };
            crowd.plan(comes, Whose::Key(key.clone()), kind, true);
            for (what, (rate, first)) in &rates {
                crowd.happenings(linked, &key, what, *rate, *first, comes, end);
            }
        }
        crowd
    }

    /// What does not fit the project: names that it does not have.
    pub fn unknown(behaviour: &Behaviour, bundle: &Bundle) -> Vec<String> {
        let schema = &bundle.schema;
        let mut unknown: Vec<String> = Vec::new();
        let attributes = behaviour.contacts.keys().filter(|name| schema.attribute(name).is_none());
        unknown.extend(attributes.map(|name| format!("`contacts.{name}`: contacts have no such attribute")));
        for name in behaviour.happens.keys() {
            let known = match name.split_once(' ') {
                Some(("tag" | "untag", tag)) => schema.open || schema.tags.iter().any(|known| known == tag),
                _ => schema.open || schema.event(name).is_some(),
            };
            if !known {
                unknown.push(format!(
                    "`happens.\"{name}\"`: neither an event of the project nor `tag` with one of its tags"
                ));
            }
        }
        let sends = bundle.programs.iter().flat_map(|program| &program.sends).flat_map(|send| &send.choices);
        let names: BTreeSet<&str> = sends.map(|(_, name)| name.as_str()).collect();
        for name in behaviour.messages.keys() {
            if Channel::parse(name).is_none() && !names.contains(name.as_str()) {
                unknown.push(format!("`messages.{name}`: neither a channel nor a message that a journey sends"));
            }
        }
        unknown
    }

    /// When the next thing happens.
    pub(super) fn next(&self) -> Option<Instant> {
        self.pending.keys().next().map(|(at, _)| *at)
    }

    /// What has happened by now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<NewInput> {
        let later = self.pending.split_off(&(Instant(now.0 + 1), 0));
        std::mem::replace(&mut self.pending, later).into_values().collect()
    }

    /// A contact lives in this zone.
    pub(super) fn lives(&mut self, contact: ContactId, zone: Zone) {
        self.zones.insert(contact, zone);
    }

    /// A message has arrived; the contact may do something with it.
    pub(super) fn receives(&mut self, id: MessageId, name: &str, channel: &str, now: Instant) {
        let number = format!("{}/{}", id.contact.0, id.number);
        let chance = |crowd: &Self, what: &str| crowd.chance.of(&["message", &number, what]);
        let [opened, clicked, replied, unsubscribed, bounced] = self.behaviour.reactions(name, channel);
        let news =
            |status| InputKind::Message { message: MessageName::Number(id.number), status, link: None, machine: false };
        let who = Whose::Id(id.contact);
        if chance(self, "bounced").share() < bounced {
            let later = Instant(now.0 + chance(self, "bounces").pause(60_000.0));
            return self.plan(later, who, news(StatusKind::Bounced), false);
        }
        // Half of those who look do so within some hours, a few after days.
        let looks = Instant(now.0 + chance(self, "looks").pause(5.0 * 3_600_000.0));
        let looks = self.awake(id.contact, looks, chance(self, "wakes"));
        let mood = chance(self, "mood").share();
        let soon = |minutes: i64| Instant(looks.0 + 20_000 + chance(self, "acts").below(minutes * 60_000));
        let (reads, acts, answers) = (mood < opened.max(clicked), soon(3), soon(90));
        let (clicks, leaves) = (mood < clicked, chance(self, "leaves").share() < unsubscribed);
        let replies = chance(self, "replies").share() < replied;
        if reads {
            self.plan(looks, who.clone(), news(StatusKind::Opened), false);
        }
        if clicks {
            self.plan(acts, who.clone(), news(StatusKind::Clicked), false);
        }
        if replies {
            self.plan(answers, who.clone(), news(StatusKind::Replied), false);
        }
        if leaves {
            self.plan(acts, who, InputKind::Unsubscribe { topic: None }, false);
        }
    }

    fn plan(&mut self, at: Instant, contact: Whose, kind: InputKind, creates: bool) {
        self.decided += 1;
        let input = NewInput { contact, id: None, fingerprint: [0; 16], at, kind, creates };
        self.pending.insert((at, self.decided), input);
    }

    /// The moment itself if people look at messages then, else one of their next morning.
    fn awake(&self, contact: ContactId, at: Instant, chance: Chance) -> Instant {
        let zone = self.zones.get(&contact).copied().unwrap_or(Zone::UTC);
        if (self.behaviour.awake.from..self.behaviour.awake.to).contains(&zone.hour(at)) {
            return at;
        }
        Instant(zone.next_at(at, WeekdaySet::ALL, self.behaviour.awake.opens()).0 + chance.pause(3_600_000.0))
    }

    /// What happens to contacts: how often in 30 days, and whether once for sure.
    fn rates(&self, bundle: &Bundle) -> BTreeMap<String, (f64, bool)> {
        let mut rates: BTreeMap<String, (f64, bool)> =
            bundle.schema.events.iter().map(|event| (event.name.to_string(), (SELDOM, false))).collect();
        for trigger in bundle.programs.iter().flat_map(|program| &program.triggers) {
            match &trigger.kind {
                TriggerKind::Tag(tag) => drop(rates.insert(format!("tag {tag}"), (0.0, true))),
                TriggerKind::Event(event) => drop(rates.insert(event.to_string(), (0.0, true))),
                _ => {}
            }
        }
        rates.extend(self.behaviour.happens.iter().map(|(what, rate)| (what.clone(), (*rate, false))));
        rates
    }

    #[allow(clippy::too_many_arguments, reason = "one happening, told whole")]
    fn happenings(
        &mut self,
        linked: &Linked,
        key: &SmolStr,
        what: &str,
        rate: f64,
        once: bool,
        comes: Instant,
        end: Instant,
    ) {
        let month = 30 * DAY;
        let mut at = comes.0;
        for round in 0..10_000 {
            let chance = self.chance.of(&["happens", key, what, &round.to_string()]);
            at += match (once, round) {
                (true, 0) => chance.below(month.min((end.0 - comes.0).max(1))),
                _ if rate > 0.0 => chance.pause(30.0 * 86_400_000.0 / rate).max(1),
                _ => return,
            };
            if at > end.0 {
                return;
            }
            let kind = match what.split_once(' ') {
                Some(("tag", tag)) => upsert(&[tag], &[]),
                Some(("untag", tag)) => upsert(&[], &[tag]),
                _ => InputKind::Event { name: what.into(), payload: self.payload(linked, what, chance, Instant(at)) },
            };
            self.plan(Instant(at), Whose::Key(key.clone()), kind, false);
        }
    }

    fn payload(&self, linked: &Linked, event: &str, chance: Chance, at: Instant) -> Value {
        let fields = linked.bundle().schema.event(event).map(|event| event.fields.as_slice()).unwrap_or_default();
        let value = |field: &journey_bytecode::Field| {
            let value = random(&field.ty, &field.name, chance.of(&[&field.name]), at, linked.zone());
            (field.name.clone(), value)
        };
        Value::Record(fields.iter().map(value).collect())
    }

    fn attributes(&self, linked: &Linked, key: &SmolStr, comes: Instant) -> Vec<(SmolStr, Value)> {
        let schema: &Schema = &linked.bundle().schema;
        let mut attributes = Vec::new();
        for attribute in &schema.attributes {
            let chance = self.chance.of(&["attribute", key, &attribute.name]);
            let any = |chance| match attribute.ty {
                Type::Email => Value::text(format!("{key}@example.com")),
                _ => random(&attribute.ty, &attribute.name, chance, comes, linked.zone()),
            };
            let value = match self.behaviour.contacts.get(attribute.name.as_str()) {
                Some(Known::Share(share)) if chance.share() < *share => any(chance.of(&["value"])),
                Some(Known::Share(_)) => continue,
                Some(Known::Shares(shares)) => {
                    let mut left = chance.share();
                    let found = shares.iter().find(|(_, share)| {
                        left -= **share;
                        left < 0.0
                    });
                    let Some((value, _)) = found else { continue };
                    written(&attribute.ty, value)
                }
                Some(Known::Between([from, to])) => {
                    let number = from + (to - from) * chance.share();
                    match attribute.ty {
                        Type::Money => money(number),
                        _ => Value::int(whole(number.round())),
                    }
                }
                Some(Known::OneOf(values)) => {
                    let Some(value) = chance.one_of(values) else { continue };
                    written(&attribute.ty, value)
                }
                // What has a value from the start keeps it; zones are the project's own unless the file says otherwise.
                None if attribute.default.is_some() || attribute.ty == Type::TimeZone => continue,
                None if attribute.optional && chance.share() < 0.2 => continue,
                None => any(chance.of(&["value"])),
            };
            attributes.push((attribute.name.clone(), value));
        }
        attributes
    }
}

fn upsert(add: &[&str], remove: &[&str]) -> InputKind {
    let tags = |tags: &[&str]| tags.iter().map(|tag| SmolStr::from(*tag)).collect();
    InputKind::Upsert { attributes: Vec::new(), add_tags: tags(add), remove_tags: tags(remove) }
}

fn money(amount: f64) -> Value {
    Value::Money(Money {
        amount: Number(whole((amount * 100.0).round()) * (Number::SCALE / 100)),
        currency: "EUR".into(),
    })
}

/// A value as the file of behaviour writes it.
fn written(ty: &Type, text: &str) -> Value {
    match ty {
        Type::Bool => Value::Bool(text == "true"),
        Type::Number => text.parse::<i64>().map_or(Value::Unset, Value::int),
        _ => Value::text(text),
    }
}

/// Some value of the type.
fn random(ty: &Type, name: &str, chance: Chance, now: Instant, zone: Zone) -> Value {
    const NAMES: [&str; 12] =
        ["Ada", "Ben", "Cho", "Dara", "Emil", "Fatma", "Grace", "Hugo", "Ines", "Jun", "Kofi", "Lena"];
    const COUNTRIES: [&str; 6] = ["DE", "AT", "CH", "US", "FR", "GB"];
    let pick = |of: &[&str]| Value::text(chance.one_of(of).copied().unwrap_or_default());
    let (ahead, back) = (chance.below(60 * DAY), chance.below(80 * 365 * DAY));
    match ty {
        Type::Bool => Value::Bool(chance.share() < 0.5),
        Type::Number => Value::int(chance.below(20)),
        Type::Money => money(5.0 - 60.0 * (1.0 - chance.share()).ln()),
        Type::Date if name.contains("birth") => Value::Date(zone.today(Instant(now.0 - back))),
        Type::Date => Value::Date(zone.today(Instant(now.0 + ahead))),
        Type::Time => Value::Time(Time(u32::try_from(8 + chance.below(10)).unwrap_or(9) * 3_600)),
        Type::DateTime => Value::Instant(Instant(now.0 + ahead)),
        Type::Duration => Value::Span(Span { millis: HOUR * (1 + chance.below(72)), ..Span::default() }),
        Type::Email | Type::User => Value::text(format!("p{:06}@example.com", chance.below(1_000_000))),
        Type::Phone => Value::text(format!("+4915{:08}", chance.below(100_000_000))),
        Type::Url => Value::text(format!("https://example.com/{}", chance.below(1_000))),
        Type::Country => pick(&COUNTRIES),
        Type::Language => Value::text("en"),
        Type::TimeZone => Value::text(zone.name()),
        Type::Text if name.contains("name") => pick(&NAMES),
        Type::Text => Value::text(format!("{name} {}", chance.below(5))),
        Type::Enum(values) => chance.one_of(values).map_or(Value::Unset, |value| Value::Text(value.clone())),
        Type::List(of) => {
            let count = chance.of(&["length"]).below(4);
            let one = |place: i64| random(of, name, chance.of(&["item", &place.to_string()]), now, zone);
            Value::List((0..count).map(one).collect())
        }
        Type::Record(fields) => {
            let one = |(name, ty): &(SmolStr, Type)| (name.clone(), random(ty, name, chance.of(&[name]), now, zone));
            Value::Record(fields.iter().map(one).collect())
        }
    }
}

#[cfg(test)]
#[path = "crowd_tests.rs"]
mod tests;
