//! Recorded inputs: contacts and events one a line, each with its moment, as they were and as another project reads them.

use std::collections::HashMap;
use std::fmt;

use journey_bytecode::{Instant, StatusKind, Value};
use serde_json::{Map, Value as Json, json};
use smol_str::SmolStr;

use super::value::json_of;
use super::{Gate, Refused};
use crate::core::effect::{TraceEntry, TraceEvent};
use crate::core::input::{Answer, Input, InputKind, MessageName};
use crate::store::NewInput;
use crate::time::rfc3339;

/// Something that a recorded line names beside others: without it, the rest of the line still says something.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Part {
    /// An attribute.
    Attribute(String),
    /// A tag of several.
    Tag(String),
    /// A field of an event.
    Field {
        /// The event.
        event: String,
        /// The field.
        field: String,
    },
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(name) => write!(f, "the attribute `{name}`"),
            Self::Tag(name) => write!(f, "the tag `{name}`"),
            Self::Field { event, field } => write!(f, "the field `{field}` of event `{event}`"),
        }
    }
}

impl Gate {
    /// Reads a recorded line: an event, which names its `contact`, or a contact.
    pub fn recorded(&self, json: &Json, now: Instant) -> Result<NewInput, Refused> {
        if json.get("contact").is_some() { self.event(json, now) } else { self.contact(json, now) }
    }

    /// Whether the project has it. The fields of an event that it does not have are no matter.
    pub fn knows(&self, part: &Part) -> bool {
        let schema = &self.linked.bundle().schema;
        schema.open
            || match part {
                Part::Attribute(name) => schema.attribute(name).is_some(),
                Part::Tag(name) => schema.tags.iter().any(|known| known == name),
                Part::Field { event, field } => {
                    let fields = schema.event(event).map(|event| &event.fields);
                    fields.is_none_or(|fields| fields.iter().any(|known| known.name == *field))
                }
            }
    }
}

/// The objects and lists of a line whose parts stand beside others.
const ATTRIBUTES: [&str; 2] = ["attributes", "set"];
const TAGS: [&str; 2] = ["tags", "remove_tags"];

/// What a recorded line names beside others.
pub fn parts(line: &Json) -> Vec<Part> {
    let objects = ATTRIBUTES.iter().filter_map(|place| line.get(place)?.as_object());
    let attributes = objects.flat_map(Map::keys).cloned().map(Part::Attribute);
    let lists = TAGS.iter().filter_map(|place| line.get(place)?.as_array());
    let tags = lists.flatten().filter_map(Json::as_str).map(|tag| Part::Tag(tag.to_owned()));
    let event = line.get("event").and_then(Json::as_str).unwrap_or_default();
    let fields = line.get("data").and_then(Json::as_object).into_iter().flat_map(Map::keys);
    let fields = fields.map(|field| Part::Field { event: event.to_owned(), field: field.clone() });
    attributes.chain(tags).chain(fields).collect()
}

/// The line without one of its parts.
pub fn without(line: &mut Json, part: &Part) {
    let Json::Object(line) = line else { return };
    match part {
        Part::Attribute(name) => {
            for place in ATTRIBUTES {
                if let Some(Json::Object(attributes)) = line.get_mut(place) {
                    attributes.remove(name);
                }
            }
        }
        Part::Tag(name) => {
            for place in TAGS {
                if let Some(Json::Array(tags)) = line.get_mut(place) {
                    tags.retain(|tag| tag.as_str() != Some(name));
                }
            }
        }
        Part::Field { field, .. } => {
            if let Some(Json::Object(data)) = line.get_mut("data") {
                data.remove(field);
            }
        }
    }
}

/// What the numbers of a contact's messages and questions mean.
#[derive(Clone, Debug, Default)]
pub struct Numbers {
    messages: HashMap<u32, SmolStr>,
    /// The journey that asked a colleague.
    questions: HashMap<u32, SmolStr>,
}

impl Numbers {
    /// As the contact's trace tells.
    pub fn of(trace: &[TraceEntry]) -> Self {
        let mut numbers = Self::default();
        for entry in trace {
            match &entry.event {
                TraceEvent::Sent { message, name, .. } => _ = numbers.messages.insert(*message, name.clone()),
                TraceEvent::Asked { number, .. } => _ = numbers.questions.insert(*number, entry.journey.clone()),
                _ => {}
            }
        }
        numbers
    }
}

/// An input as a line that can be replayed; none of what came of our own doing: deliveries, answers that we asked for, and
/// what operators did.
pub fn line(contact: &str, input: &Input, numbers: &Numbers) -> Option<Json> {
    let event = |fields: &[(&str, Json)]| {
        let all = [("contact", Json::from(contact)), ("at", rfc3339(input.at).into())];
        let fields = all.iter().chain(fields).filter(|(_, value)| !value.is_null());
        Some(Json::Object(fields.map(|(name, value)| ((*name).to_owned(), value.clone())).collect()))
    };
    let text = |text: &SmolStr| if text.is_empty() { Json::Null } else { Json::from(text.as_str()) };
    let topic = |topic: &Option<SmolStr>| topic.as_ref().map_or(Json::Bool(true), |topic| Json::from(topic.as_str()));
    let called = |message: &MessageName| match message {
        MessageName::Number(number) => numbers.messages.get(number).cloned(),
        MessageName::Newest(name) => Some(name.clone()),
    };
    match &input.kind {
        InputKind::Upsert { attributes, add_tags, remove_tags } => {
            let attributes: Map<String, Json> =
                attributes.iter().map(|(name, value)| (name.to_string(), json_of(value))).collect();
            let tags = |tags: &[SmolStr]| tags.iter().map(SmolStr::as_str).collect::<Json>();
            Some(json!({
                "id": contact, "at": rfc3339(input.at), "attributes": attributes,
                "tags": tags(add_tags), "remove_tags": tags(remove_tags),
            }))
        }
        InputKind::Event { name, payload } => event(&[("event", name.as_str().into()), ("data", json_of(payload))]),
        InputKind::Message { message, status, link, machine: false } => {
            let link = link.as_ref().map_or(Json::Null, |link| Json::from(link.as_str()));
            match status {
                StatusKind::Sent | StatusKind::Delivered | StatusKind::Skipped => None,
                status => event(&[(status.name(), called(message)?.as_str().into()), ("link", link)]),
            }
        }
        InputKind::Undeliverable { message } => event(&[("bounced", called(message)?.as_str().into())]),
        InputKind::Subscribe { topic, channel, evidence } => event(&[
            ("subscribed", topic.as_str().into()),
            ("channel", channel.map_or(Json::Null, |channel| channel.name().into())),
            ("basis", text(&evidence.basis)),
            ("wording", text(&evidence.wording)),
            ("source", text(&evidence.source)),
            ("until", evidence.until.map_or(Json::Null, |until| rfc3339(until).into())),
        ]),
        InputKind::Unsubscribe { topic: from } => event(&[("unsubscribed", topic(from))]),
        InputKind::UnsubscribeVia { topic: from, channel } => {
            event(&[("unsubscribed", topic(from)), ("channel", channel.name().into())])
        }
        // Whoever has the address said stop; the contact is the one that is known to have it.
        InputKind::Silence { channel, .. } => {
            event(&[("unsubscribed", true.into()), ("channel", channel.name().into())])
        }
        InputKind::Inbound { channel, text } => {
            event(&[("message", text.as_str().into()), ("channel", channel.name().into())])
        }
        InputKind::MoveTo { funnel, stage } => event(&[("stage", format!("{funnel}.{stage}").into())]),
        InputKind::Decision { answer, journey } => {
            let journey = journey.as_ref().map_or(Json::Null, |journey| Json::from(journey.as_str()));
            event(&[("answer", answer.as_str().into()), ("journey", journey)])
        }
        InputKind::Answer { number, answer: Answer::Given(Value::Text(answer)) } => {
            let journey = numbers.questions.get(number)?;
            event(&[("answer", answer.as_str().into()), ("journey", journey.as_str().into())])
        }
        InputKind::Alias { key } => event(&[("alias", key.as_str().into())]),
        InputKind::OfAlias { .. }
        | InputKind::MergeInto { .. }
        | InputKind::Absorb { .. }
        | InputKind::Message { machine: true, .. }
        | InputKind::Start { .. }
        | InputKind::Delete
        | InputKind::Answer { .. }
        | InputKind::Migrate { .. }
        | InputKind::Resume { .. }
        | InputKind::Deployed
        | InputKind::EndSilence { .. } => None,
    }
}
