//! From what other systems send to inputs of contacts: one format for the HTTP API, `events.ndjson` and `contacts.csv`.
//!
//! A contact is `{"id":"ada","attributes":{"email":"ada@example.com"},"tags":["lead"]}`: attributes are set (`null`
//! removes one), tags are added (`remove_tags` removes some), everything else stays as it is, as of `at`. An event is
//! `{"id":"e1","contact":"ada","at":"2026-03-02T10:00:00+01:00","event":"purchase","data":{"amount":"120 EUR"}}`; in the
//! place of `event` and `data` stands `"tag":"lead"`, `"untag":"lead"`, `"set":{"plan":"pro"}`, `"opened":"MESSAGE"`, `"clicked":"MESSAGE"` with
//! `"link":"NAME"`, `"replied":"MESSAGE"`, `"bounced":"MESSAGE"`, `"answer":"yes"` to what a journey asked (its `"journey"` if
//! several ask so), `"subscribed":"TOPIC"` with a `"channel"` if it is for one alone and with
//! `"basis"`, `"wording"`, `"source"` and `"until"` to prove it by,
//! `"unsubscribed":"TOPIC"` (`true` for everything), or `"alias":"ID"`: another id of the contact, which is its own from now on.
//!
//! - The `id` of an event belongs to its contact: the same event under the same id counts once, another one is refused.
//!   Without an id every event counts.
//! - Without `at` a line holds from when it reaches us. One that lies more than [`FUTURE_TOLERANCE`] ahead is refused; less
//!   is a difference between clocks, and it happens now.
//! - The first that we hear of a contact must bring every attribute that the project requires, so that no journey meets a
//!   contact without; an event alone creates a contact only where nothing is required.

mod addresses;
mod csv;
mod export;
mod hook;
mod lines;
mod mail;
mod record;
mod value;
mod wish;

use std::fmt;
use std::sync::Arc;

use journey_bytecode::{Attribute, BuiltinEvent, Channel, Instant, Program, RequestKind, StatusKind, Type, Value};
use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

use crate::core::Linked;
use crate::core::contact::{ERASED, is_erased_key};
use crate::core::input::{Evidence, InputKind, MessageName};
use crate::store::{Acceptance, NewInput, Whose};

pub use addresses::{AddressReader, ListError};
pub use csv::{CsvError, CsvReader};
pub use export::{export, ledger_entry};
pub use hook::{Answers, Fields, Hook, NotTaken, Told, Written};
pub use lines::{json, ndjson};
pub use mail::{Returned, read_mail};
pub use record::{Numbers, Part, line, parts, without};
pub use value::{MAX_LIST, MAX_TEXT};
pub(crate) use value::{answer, json_of};
pub use wish::Wish;

/// How far ahead of our clock the sender's may be: 5 minutes, in milliseconds.
pub const FUTURE_TOLERANCE: i64 = 5 * 60_000;

/// The longest id of a contact or an event, in bytes.
pub const MAX_ID: usize = 256;

/// The most tags that one input adds or removes.
pub const MAX_TAGS: usize = 1_000;

/// Why an input is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// The field, as a path: `amount`, `interests[2]`; none if it is about the whole.
    pub field: Option<String>,
    /// What is wrong, and what would be right.
    pub error: String,
    /// Whether the input itself is sound and clashes with what is known.
    pub conflict: bool,
}

impl Refused {
    fn new(error: impl Into<String>) -> Self {
        Self { field: None, error: error.into(), conflict: false }
    }

    fn of(field: &str, error: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), ..Self::new(error) }
    }

    /// The same error, inside a field.
    fn inside(self, outer: &str) -> Self {
        let field = match self.field {
            None => outer.to_owned(),
            Some(inner) if inner.starts_with('[') => format!("{outer}{inner}"),
            Some(inner) => format!("{outer}.{inner}"),
        };
        Self { field: Some(field), ..self }
    }

    /// A name that is not among the known ones.
    fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let help = match (nearest(name, &known), known.as_slice()) {
            (Some(near), _) => format!("; did you mean `{near}`?"),
            (None, []) => "; none is declared".to_owned(),
            (None, few) if few.len() <= 12 => format!("; there is {}", few.join(", ")),
            (None, _) => String::new(),
        };
        Self::new(format!("there is no {what} {}{help}", value::shown(&Json::from(name)).replace("the text ", "")))
    }

    /// The alias is another contact's.
    pub fn alias_taken(input: &NewInput) -> Self {
        let alias = match &input.kind {
            InputKind::Alias { key } => key.as_str(),
            _ => "",
        };
        let error = format!(
            "{alias:?} is an alias of another contact already, and two people are not made one by an id that they share; \
             if they are one, name the other contact itself as the alias"
        );
        Self { conflict: true, ..Self::of("alias", error) }
    }

    /// Another input was accepted under this id.
    pub fn id_conflict(id: &str) -> Self {
        let error = format!(
            "another input of this contact was accepted under the id {id:?}, with other content; an id names one input \
             for ever"
        );
        Self { conflict: true, ..Self::of("id", error) }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.error),
            None => f.write_str(&self.error),
        }
    }
}

/// The nearest name: about one slip in three letters.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).clamp(1, 4);
    if name.len() > 64 {
        return None;
    }
    let fold = |name: &str| name.to_lowercase().replace('-', "_");
    let distances = known.iter().map(|known| (strsim::osa_distance(&fold(name), &fold(known)), *known));
    distances.filter(|(distance, _)| *distance <= allowed).min().map(|(_, known)| known)
}

/// Reads inputs, typed against what the project declares.
#[derive(Clone, Debug)]
pub struct Gate {
    linked: Arc<Linked>,
}

/// The kinds of things that can happen, as a line names them.
const HAPPENINGS: [&str; 17] = [
    "event",
    "tag",
    "untag",
    "set",
    "opened",
    "clicked",
    "delivered",
    "replied",
    "bounced",
    "complained",
    "failed",
    "answer",
    "message",
    "stage",
    "subscribed",
    "unsubscribed",
    "alias",
];

impl Gate {
    /// A gate for a project.
    pub const fn new(linked: Arc<Linked>) -> Self {
        Self { linked }
    }

    /// Reads a contact.
    pub fn contact(&self, json: &Json, now: Instant) -> Result<NewInput, Refused> {
        let fields = object(json, "a contact", &["id", "at", "attributes", "tags", "remove_tags"])?;
        let key = key(fields.get("id"), "id")?;
        let at = self.at(fields, now)?.unwrap_or(now);
        let attributes = match fields.get("attributes") {
            None | Some(Json::Null) => Vec::new(),
            Some(given) => self.attributes(given, "attributes")?,
        };
        let add_tags = self.tags(fields.get("tags")).map_err(|error| error.inside("tags"))?;
        let remove_tags = self.tags(fields.get("remove_tags")).map_err(|error| error.inside("remove_tags"))?;
        Ok(self.upsert(key, attributes, add_tags, remove_tags, at.min(now)))
    }

    /// Reads an event.
    pub fn event(&self, json: &Json, now: Instant) -> Result<NewInput, Refused> {
        let mut known =
            vec!["id", "contact", "at", "data", "link", "channel", "journey", "basis", "wording", "source", "until"];
        known.extend(HAPPENINGS);
        let fields = object(json, "an event", &known)?;
        let contact = key(fields.get("contact"), "contact")?;
        let id = match fields.get("id") {
            None | Some(Json::Null) => None,
            given => Some(key(given, "id")?),
        };
        let given_at = self.at(fields, now)?;
        let at = given_at.unwrap_or(now);
        let kind = self.happening(fields)?;
        if let InputKind::Alias { key } = &kind {
            other(key, &contact).map_err(|error| error.inside("alias"))?;
        }
        let fingerprint = fingerprint(given_at, &kind);
        let creates = self.missing(set_by(&kind)).is_empty();
        Ok(NewInput { contact: Whose::Key(contact), id, fingerprint, at: at.min(now), kind, creates })
    }

    /// When it happened, if the line says so.
    fn at(&self, fields: &Map<String, Json>, now: Instant) -> Result<Option<Instant>, Refused> {
        let at = match fields.get("at") {
            None | Some(Json::Null) => return Ok(None),
            Some(at) => value::moment(at, self.linked.zone()).map_err(|error| error.inside("at"))?,
        };
        if at.0 > now.0.saturating_add(FUTURE_TOLERANCE) {
            let error = format!(
                "{} lies in the future (it is {} here); an event is sent when it has happened",
                crate::time::rfc3339(at),
                crate::time::rfc3339(now)
            );
            return Err(Refused::of("at", error));
        }
        Ok(Some(at))
    }

    /// Why the store did not take an input, if it answered so.
    pub fn not_taken(&self, input: &NewInput, answer: &Acceptance) -> Option<Refused> {
        match answer {
            Acceptance::Accepted { .. } | Acceptance::Duplicate => None,
            Acceptance::Conflict => Some(Refused::id_conflict(input.id.as_deref().unwrap_or_default())),
            Acceptance::UnknownContact => Some(self.unknown_contact(input)),
            Acceptance::AliasTaken => Some(Refused::alias_taken(input)),
        }
    }

    /// Why an input could not create its contact.
    pub fn unknown_contact(&self, input: &NewInput) -> Refused {
        let key = match &input.contact {
            Whose::Key(key) => key.clone(),
            Whose::Id(id) => id.0.to_string().into(),
        };
        let missing: Vec<_> =
            self.missing(set_by(&input.kind)).iter().map(|attribute| format!("`{}`", attribute.name)).collect();
        let error = format!(
            "contact {key:?} is not known yet, and a new contact needs {}; send the contact first, with all of them",
            missing.join(", ")
        );
        Refused::new(error)
    }

    fn upsert(
        &self,
        key: SmolStr,
        attributes: Vec<(SmolStr, Value)>,
        add_tags: Vec<SmolStr>,
        remove_tags: Vec<SmolStr>,
        now: Instant,
    ) -> NewInput {
        let creates = self.missing(&attributes).is_empty();
        let kind = InputKind::Upsert { attributes, add_tags, remove_tags };
        NewInput { contact: Whose::Key(key), id: None, fingerprint: [0; 16], at: now, kind, creates }
    }

    /// Another id of a contact.
    fn alias(&self, contact: &SmolStr, alias: SmolStr, now: Instant) -> Result<NewInput, Refused> {
        other(&alias, contact)?;
        let creates = self.missing(&[]).is_empty();
        let (contact, kind) = (Whose::Key(contact.clone()), InputKind::Alias { key: alias });
        Ok(NewInput { contact, id: None, fingerprint: [0; 16], at: now, kind, creates })
    }

    /// The required attributes that are not among the given ones.
    fn missing(&self, given: &[(SmolStr, Value)]) -> Vec<&Attribute> {
        let schema = &self.linked.bundle().schema;
        if schema.open {
            return Vec::new();
        }
        let has = |attribute: &Attribute| given.iter().any(|(name, value)| *name == attribute.name && value.is_set());
        schema.attributes.iter().filter(|attribute| required(attribute) && !has(attribute)).collect()
    }

    fn value(&self, ty: Option<&Type>, json: &Json) -> Result<Value, Refused> {
        match ty {
            Some(ty) => value::read(ty, json, self.linked.zone()),
            None => value::infer(json),
        }
    }

    /// An attribute's value, read as its type; as it looks, where nothing declares it.
    fn attribute(
        &self,
        name: &str,
        read: impl FnOnce(Option<&Type>) -> Result<Value, Refused>,
    ) -> Result<Value, Refused> {
        let schema = &self.linked.bundle().schema;
        match schema.attribute(name) {
            Some(attribute) => {
                let value = read(Some(&attribute.ty))?;
                if required(attribute) && !value.is_set() {
                    return Err(Refused::new(format!("`{name}` is required and cannot be removed")));
                }
                Ok(value)
            }
            None if schema.open => read(None),
            None => Err(Refused::unknown("attribute", name, schema.attributes.iter().map(|a| a.name.as_str()))),
        }
    }

    fn attributes(&self, given: &Json, field: &str) -> Result<Vec<(SmolStr, Value)>, Refused> {
        let Json::Object(given) = given else {
            let error = format!("expected an object of attributes, got {}", value::shown(given));
            return Err(Refused::of(field, error));
        };
        let attribute = |(name, json): (&String, &Json)| {
            let value = self.attribute(name, |ty| self.value(ty, json)).map_err(|error| error.inside(name))?;
            Ok((name.into(), value))
        };
        given.iter().map(attribute).collect()
    }

    fn tag(&self, tag: &str) -> Result<SmolStr, Refused> {
        let schema = &self.linked.bundle().schema;
        if schema.tags.iter().any(|known| known == tag) || schema.open && !tag.is_empty() && tag.len() <= MAX_ID {
            return Ok(tag.into());
        }
        Err(Refused::unknown("tag", tag, schema.tags.iter().map(SmolStr::as_str)))
    }

    fn tags(&self, json: Option<&Json>) -> Result<Vec<SmolStr>, Refused> {
        let wrong = |other: &Json| Refused::new(format!("expected a list of tags, got {}", value::shown(other)));
        match json {
            None | Some(Json::Null) => Ok(Vec::new()),
            Some(Json::Array(tags)) if tags.len() <= MAX_TAGS => {
                tags.iter().map(|tag| self.tag(tag.as_str().ok_or_else(|| wrong(tag))?)).collect()
            }
            Some(Json::Array(tags)) => {
                Err(Refused::new(format!("these are {} tags; at most {MAX_TAGS} are allowed", tags.len())))
            }
            Some(other) => Err(wrong(other)),
        }
    }

    /// What a line says that happened.
    fn happening(&self, fields: &Map<String, Json>) -> Result<InputKind, Refused> {
        let mut happenings = HAPPENINGS.iter().filter_map(|name| Some((*name, fields.get(*name)?)));
        let Some((what, json)) = happenings.next() else {
            let error = format!("nothing happens in this line; it needs one of {}", HAPPENINGS.join(", "));
            return Err(Refused::new(error));
        };
        if let Some((second, _)) = happenings.next() {
            return Err(Refused::new(format!("both `{what}` and `{second}` happen in this line; send two lines")));
        }
        const EXTRAS: [(&str, &[&str]); 8] = [
            ("data", &["event"]),
            ("link", &["clicked"]),
            ("journey", &["answer"]),
            ("channel", &["subscribed", "unsubscribed", "message"]),
            ("basis", &["subscribed"]),
            ("wording", &["subscribed"]),
            ("source", &["subscribed"]),
            ("until", &["subscribed"]),
        ];
        for (extra, owners) in EXTRAS {
            if fields.contains_key(extra) && !owners.contains(&what) {
                let owners = owners.join("`, `");
                return Err(Refused::of(extra, format!("`{extra}` belongs to `{owners}`, and this is `{what}`")));
            }
        }
        let via = || fields.get("channel").filter(|channel| !channel.is_null()).map(channel).transpose();
        let wrong = |expected: &str| Refused::of(what, format!("expected {expected}, got {}", value::shown(json)));
        let tagged = |add: bool| {
            let tag = self.tag(json.as_str().ok_or_else(|| wrong("a tag"))?).map_err(|error| error.inside(what))?;
            let (add_tags, remove_tags) = if add { (vec![tag], vec![]) } else { (vec![], vec![tag]) };
            Ok(InputKind::Upsert { attributes: vec![], add_tags, remove_tags })
        };
        match what {
            "event" => {
                let name = json.as_str().ok_or_else(|| wrong("an event's name"))?;
                let empty = Json::Object(Map::new());
                let payload = self.payload(name, fields.get("data").unwrap_or(&empty))?;
                Ok(InputKind::Event { name: name.into(), payload })
            }
            "tag" => tagged(true),
            "untag" => tagged(false),
            "set" => {
                let attributes = self.attributes(json, what)?;
                Ok(InputKind::Upsert { attributes, add_tags: vec![], remove_tags: vec![] })
            }
            "answer" => {
                let answer = json.as_str().ok_or_else(|| wrong("an answer"))?;
                let journey = match fields.get("journey") {
                    None | Some(Json::Null) => None,
                    Some(Json::String(journey)) => Some(SmolStr::new(journey)),
                    Some(other) => {
                        return Err(Refused::of(
                            "journey",
                            format!("expected a journey's name, got {}", value::shown(other)),
                        ));
                    }
                };
                self.decision(answer, journey.as_ref()).map_err(|error| error.inside(what))?;
                Ok(InputKind::Decision { answer: answer.into(), journey })
            }
            "subscribed" => {
                let topic = self.topic(json.as_str().ok_or_else(|| wrong("a topic"))?, what)?;
                let evidence = self.evidence(fields)?;
                Ok(InputKind::Subscribe { topic, channel: via()?, evidence })
            }
            "unsubscribed" => {
                let topic = match json {
                    Json::Bool(true) => None,
                    Json::String(topic) => Some(self.topic(topic, what)?),
                    _ => return Err(wrong("a topic, or `true` for everything")),
                };
                Ok(match via()? {
                    Some(channel) => InputKind::UnsubscribeVia { topic, channel },
                    None => InputKind::Unsubscribe { topic },
                })
            }
            "alias" => Ok(InputKind::Alias { key: key(Some(json), what)? }),
            "message" => match json {
                Json::String(text) if text.len() <= MAX_TEXT => {
                    let channel =
                        via()?.ok_or_else(|| Refused::of("channel", "a message came by a `channel`, such as `sms`"))?;
                    Ok(InputKind::Inbound { channel, text: text.into() })
                }
                _ => Err(wrong("what the contact wrote")),
            },
            "stage" => {
                let stage = json.as_str().ok_or_else(|| wrong("a stage, such as `sales.prospect`"))?;
                let known = self
                    .linked
                    .bundle()
                    .schema
                    .funnels
                    .iter()
                    .flat_map(|(funnel, stages)| stages.iter().map(move |stage| format!("{funnel}.{stage}")));
                let known: Vec<String> = known.collect();
                match stage.split_once('.').filter(|_| known.iter().any(|known| known == stage)) {
                    Some((funnel, stage)) => Ok(InputKind::MoveTo { funnel: funnel.into(), stage: stage.into() }),
                    None => Err(Refused::unknown("stage", stage, known.iter().map(String::as_str)).inside(what)),
                }
            }
            _ => {
                let status = match what {
                    "opened" => StatusKind::Opened,
                    "clicked" => StatusKind::Clicked,
                    "delivered" => StatusKind::Delivered,
                    "replied" => StatusKind::Replied,
                    "complained" => StatusKind::Complained,
                    "failed" => StatusKind::Failed,
                    _ => StatusKind::Bounced,
                };
                let name = json.as_str().ok_or_else(|| wrong("a message's name"))?;
                self.message(name).map_err(|error| error.inside(what))?;
                let link = match fields.get("link") {
                    None | Some(Json::Null) => None,
                    Some(Json::String(link)) if link.len() <= MAX_TEXT => Some(link.into()),
                    Some(other) => {
                        return Err(Refused::of("link", format!("expected a link, got {}", value::shown(other))));
                    }
                };
                Ok(InputKind::Message { message: MessageName::Newest(name.into()), status, link, machine: false })
            }
        }
    }

    /// Sees to it that some journey asks what is answered so.
    fn decision(&self, answer: &str, journey: Option<&SmolStr>) -> Result<(), Refused> {
        let mut known = std::collections::BTreeSet::new();
        let meant = |program: &&Program| journey.is_none_or(|journey| program.name == *journey);
        for program in self.linked.programs().map(|(_, program)| program).filter(meant) {
            for request in &program.requests {
                if let RequestKind::Ask { arms, .. } = &request.kind {
                    known.extend(arms.iter().map(|(answer, _)| answer.as_str()));
                }
            }
        }
        if known.contains(answer) { Ok(()) } else { Err(Refused::unknown("answer", answer, known)) }
    }

    fn topic(&self, topic: &str, field: &str) -> Result<SmolStr, Refused> {
        let schema = &self.linked.bundle().schema;
        if schema.open || schema.topics.iter().any(|known| known.name == topic) {
            return Ok(topic.into());
        }
        let known = schema.topics.iter().map(|topic| topic.name.as_str());
        Err(Refused::unknown("topic", topic, known).inside(field))
    }

    /// By what a consent can be proved.
    fn evidence(&self, fields: &Map<String, Json>) -> Result<Evidence, Refused> {
        let text = |field: &str| match fields.get(field) {
            None | Some(Json::Null) => Ok(SmolStr::default()),
            Some(Json::String(text)) if text.len() <= MAX_TEXT => Ok(text.into()),
            Some(other) => Err(Refused::of(field, format!("expected a text, got {}", value::shown(other)))),
        };
        let until = match fields.get("until") {
            None | Some(Json::Null) => None,
            Some(until) => Some(value::moment(until, self.linked.zone()).map_err(|error| error.inside("until"))?),
        };
        Ok(Evidence { basis: text("basis")?, wording: text("wording")?, source: text("source")?, until })
    }

    fn message(&self, name: &str) -> Result<(), Refused> {
        let bundle = self.linked.bundle();
        let known = Channel::ALL.iter().any(|channel| self.linked.message(*channel, name).is_some());
        if known || bundle.schema.open {
            return Ok(());
        }
        Err(Refused::unknown("message", name, bundle.messages.iter().map(|message| message.name.as_str())))
    }

    fn payload(&self, name: &str, data: &Json) -> Result<Value, Refused> {
        let schema = &self.linked.bundle().schema;
        let Json::Object(given) = data else {
            let error = format!("expected an object with the fields of the event, got {}", value::shown(data));
            return Err(Refused::of("data", error));
        };
        let Some(event) = schema.event(name) else {
            if BuiltinEvent::parse(name).is_some() {
                let error = format!("`{name}` is no event of your own; it is written as in {}", example_of(name));
                return Err(Refused::of("event", error));
            }
            if schema.open && !name.is_empty() && name.len() <= MAX_ID {
                return value::infer(data);
            }
            let known = schema.events.iter().map(|event| event.name.as_str());
            return Err(Refused::unknown("event", name, known).inside("event"));
        };
        let undeclared = given.keys().find(|name| event.fields.iter().all(|field| field.name != **name));
        if let (Some(undeclared), false) = (undeclared, schema.open) {
            let known = event.fields.iter().map(|field| field.name.as_str());
            let what = format!("field of event `{name}` named");
            return Err(Refused::unknown(&what, undeclared, known).inside(undeclared));
        }
        let mut payload: Vec<(SmolStr, Value)> = Vec::with_capacity(event.fields.len());
        for field in &event.fields {
            let json = given.get(field.name.as_str()).unwrap_or(&Json::Null);
            let value = self.value(Some(&field.ty), json).map_err(|error| error.inside(&field.name))?;
            if value.is_set() {
                payload.push((field.name.clone(), value));
            } else if !field.optional {
                let error = format!("event `{name}` needs `{}` ({})", field.name, field.ty);
                return Err(Refused::of(&field.name, error));
            }
        }
        for (name, json) in given.iter().filter(|(name, _)| event.fields.iter().all(|field| field.name != **name)) {
            payload.push((name.into(), value::infer(json).map_err(|error| error.inside(name))?));
        }
        Ok(Value::Record(payload.into()))
    }
}

/// Sees to it that an alias is another id than the contact's own.
fn other(alias: &str, contact: &str) -> Result<(), Refused> {
    let error = "it is the id of the contact itself; an alias is another id of the same person";
    if alias == contact { Err(Refused::new(error)) } else { Ok(()) }
}

fn channel(json: &Json) -> Result<Channel, Refused> {
    let wrong = || {
        let names = Channel::ALL.map(Channel::name);
        Refused::of("channel", format!("expected one of {}, got {}", names.join(", "), value::shown(json)))
    };
    json.as_str().and_then(Channel::parse).ok_or_else(wrong)
}

/// The attributes that an input sets.
fn set_by(kind: &InputKind) -> &[(SmolStr, Value)] {
    match kind {
        InputKind::Upsert { attributes, .. } => attributes,
        _ => &[],
    }
}

/// Whether a contact must have it.
const fn required(attribute: &Attribute) -> bool {
    !attribute.optional && attribute.default.is_none()
}

/// How a built-in event is written.
fn example_of(name: &str) -> &'static str {
    match name {
        "opened" => r#"{"contact":"ada","opened":"MESSAGE"}"#,
        "clicked" => r#"{"contact":"ada","clicked":"MESSAGE","link":"NAME"}"#,
        "replied" => r#"{"contact":"ada","replied":"MESSAGE"}"#,
        "bounced" => r#"{"contact":"ada","bounced":"MESSAGE"}"#,
        "delivered" => r#"{"contact":"ada","delivered":"MESSAGE"}"#,
        "unsubscribed" => r#"{"contact":"ada","unsubscribed":"TOPIC"}"#,
        "tagged" => r#"{"contact":"ada","tag":"TAG"}"#,
        "untagged" => r#"{"contact":"ada","untag":"TAG"}"#,
        _ => "a contact that is sent, or sent again",
    }
}

fn object<'a>(json: &'a Json, what: &str, known: &[&str]) -> Result<&'a Map<String, Json>, Refused> {
    let Json::Object(fields) = json else {
        return Err(Refused::new(format!("expected {what} as an object, got {}", value::shown(json))));
    };
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(Refused::unknown("field", unknown, known.iter().copied()).inside(unknown)),
        None => Ok(fields),
    }
}

/// The id of a contact or an event.
fn key(json: Option<&Json>, field: &str) -> Result<SmolStr, Refused> {
    let wrong = |got: String| Refused::of(field, format!("expected an id, as \"ada\", got {got}"));
    match json {
        Some(Json::String(text)) => check_key(text).map_err(|error| Refused::of(field, error)),
        Some(Json::Number(number)) if number.is_i64() || number.is_u64() => Ok(number.to_string().into()),
        Some(other) => Err(wrong(value::shown(other))),
        None => Err(wrong("nothing".into())),
    }
}

fn check_key(text: &str) -> Result<SmolStr, String> {
    if text.is_empty() {
        return Err("an id cannot be empty".into());
    }
    if text.len() > MAX_ID {
        return Err(format!("the id is {} bytes long; at most {MAX_ID} are allowed", text.len()));
    }
    if text.chars().any(char::is_control) {
        return Err("an id cannot hold control characters".into());
    }
    if is_erased_key(text) {
        return Err(format!("ids that begin with `{ERASED}:` are those of contacts that were erased"));
    }
    Ok(text.into())
}

/// Tells whether two inputs under one id are the same.
pub(crate) fn fingerprint(given_at: Option<Instant>, kind: &InputKind) -> [u8; 16] {
    // Writing to memory cannot fail.
    let bytes = postcard::to_stdvec(&(given_at, kind)).unwrap_or_default();
    blake3::hash(&bytes).as_bytes().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
