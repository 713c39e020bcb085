//! Messages as they would be for somebody, without a journey around them: to look at, and to send to oneself.

use std::collections::BTreeMap;

use journey_bytecode::{
    AfterCrash, Bundle, Channel, Date, Field, Instant, Message, Money, Number, Purpose, Span, StepIx, Time, Type,
    Value, Version,
};
use smol_str::SmolStr;

use crate::core::contact::ContactId;
use crate::core::effect::{Errand, MessageId, Outgoing};
use crate::core::input::InputKind;
use crate::store::NewInput;

/// What is known of a contact.
pub type Attributes = Vec<(SmolStr, Value)>;

/// For whom a message is shown.
#[derive(Clone, Debug)]
pub struct Guise<'a> {
    /// The attributes of a contact; a made-up one without.
    pub contact: Option<&'a Attributes>,
    /// The local variables that its journeys have in sight: their values are made up.
    pub locals: &'a [Field],
    /// The language, whatever the contact's is.
    pub language: Option<&'a str>,
    /// Where it goes.
    pub to: &'a str,
    /// When.
    pub at: Instant,
    /// Its number: no two mails that leave bear one.
    pub number: u32,
}

/// The attributes that a contact comes in with.
pub fn attributes(input: &NewInput) -> Attributes {
    match &input.kind {
        InputKind::Upsert { attributes, .. } => attributes.clone(),
        _ => Vec::new(),
    }
}

/// The message as it would go to somebody. What their attributes do not say is made up, and so is the event that would have
/// begun the journey: nobody is known by the id that it bears.
pub fn outgoing(bundle: &Bundle, message: &Message, guise: &Guise<'_>) -> Outgoing {
    let of_contact = |name: &str| match guise.contact {
        Some(attributes) => {
            let given = attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            given.or_else(|| bundle.schema.attribute(name).and_then(|attribute| attribute.default.clone()))
        }
        None => Some(match bundle.schema.attribute(name) {
            Some(attribute) => attribute.default.clone().unwrap_or_else(|| sample(name, &attribute.ty)),
            None => sample(name, &Type::Text),
        }),
    };
    let mut top: BTreeMap<SmolStr, Value> = BTreeMap::new();
    let mut trigger: BTreeMap<SmolStr, Value> = BTreeMap::new();
    for variable in &message.variables {
        match variable.0.as_slice() {
            [root, field, ..] if root == "trigger" => {
                let fields = bundle.schema.events.iter().flat_map(|event| &event.fields);
                let ty =
                    fields.into_iter().find(|known| known.name == *field).map_or(Type::Text, |known| known.ty.clone());
                trigger.insert(field.clone(), sample(field, &ty));
            }
            [name, ..] => {
                let local = guise.locals.iter().find(|local| local.name == *name);
                let local = local.map(|local| sample(name, &local.ty));
                let score = || bundle.scores.scores.iter().any(|score| score.name == *name).then(|| Value::int(12));
                if let Some(value) = local.or_else(score).or_else(|| of_contact(name)) {
                    top.insert(name.clone(), value);
                }
            }
            [] => {}
        }
    }
    top.insert(SmolStr::new_static("trigger"), Value::Record(trigger.into_iter().collect()));
    let text = |ty: &Type| {
        let attribute = bundle.schema.attributes.iter().find(|attribute| attribute.ty == *ty)?;
        match of_contact(&attribute.name).filter(|_| guise.contact.is_some())? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    };
    let language = guise.language.map(SmolStr::from).or_else(|| match bundle.schema.language_attribute() {
        Some(attribute) => match of_contact(&attribute.name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        },
        None => None,
    });
    Outgoing {
        id: MessageId { contact: ContactId(0), number: guise.number },
        at: guise.at,
        journey: SmolStr::new_static("preview"),
        version: Version([0; 16]),
        step: StepIx(0),
        channel: message.channel,
        message: message.name.clone(),
        to: guise.to.into(),
        language,
        zone: text(&Type::TimeZone).unwrap_or_else(|| bundle.default_zone.clone()),
        country: None,
        subject: None,
        from: None,
        purpose: message.purpose.unwrap_or(Purpose::Marketing),
        topic: message.topic.clone().or_else(|| bundle.schema.topics.first().map(|topic| topic.name.clone())),
        after_crash: AfterCrash::Resend,
        data: Value::Record(top.into_iter().collect()),
        errand: Errand::Message,
    }
}

/// A value of a type that looks real.
fn sample(name: &str, ty: &Type) -> Value {
    match ty {
        Type::Bool => Value::Bool(true),
        Type::Number => Value::int(3),
        Type::Money => Value::Money(Money { amount: Number::from_int(49), currency: "EUR".into() }),
        Type::Date => Value::Date(Date(20_514)),
        Type::Time => Value::Time(Time(9 * 3_600)),
        Type::DateTime => Value::Instant(Instant(1_772_442_000_000)),
        Type::Duration => Value::Span(Span { months: 0, days: 2, millis: 0 }),
        Type::Enum(values) => values.first().map_or(Value::Unset, |value| Value::Text(value.clone())),
        Type::List(of) => Value::List((0..3).map(|_| sample(name, of)).collect()),
        Type::Record(fields) => {
            Value::Record(fields.iter().map(|(name, ty)| (name.clone(), sample(name, ty))).collect())
        }
        _ => Value::text(match name {
            "first_name" | "nickname" => "Ada",
            "last_name" => "Lovelace",
            "name" => "Ada Lovelace",
            _ => match ty {
                Type::Email => "ada@example.com",
                Type::Phone => "+4915112345678",
                Type::Country => "DE",
                Type::Language => "en",
                Type::TimeZone => "Europe/Berlin",
                _ if name.contains("url") || name.contains("link") => "https://example.com/sample",
                _ => return Value::Text(name.replace('_', " ").into()),
            },
        }),
    }
}

/// The messages of a name, on one channel or on all.
pub fn messages<'a>(bundle: &'a Bundle, name: &str, channel: Option<Channel>) -> Vec<&'a Message> {
    let wanted = |message: &&Message| message.name == name && channel.is_none_or(|channel| message.channel == channel);
    bundle.messages.iter().filter(wanted).collect()
}
