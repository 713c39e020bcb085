//! What happens to a contact, in the order in which it reached us.

use std::borrow::Cow;

use journey_bytecode::{Channel, Instant, StatusKind, Value, Version};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::contact::{Contact, ContactId, Identities};

/// Something that happened to a contact.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Input {
    /// Its place in the order of acceptance, from 1; grows for each contact.
    pub seq: i64,
    /// When it happened, as the sender says; never after it reached us.
    pub at: Instant,
    /// What.
    pub kind: InputKind,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum InputKind {
    /// Attributes and tags as another system knows them; the first one creates the contact. A value that is unset
    /// removes the attribute.
    Upsert {
        /// Attributes to set.
        attributes: Vec<(SmolStr, Value)>,
        /// Tags to add.
        add_tags: Vec<SmolStr>,
        /// Tags to remove.
        remove_tags: Vec<SmolStr>,
    },
    /// A declared event.
    Event {
        /// Its name.
        name: SmolStr,
        /// Its payload, a record.
        payload: Value,
    },
    /// Something happened to a message that we sent.
    Message {
        /// Which; without, the newest one of that name.
        message: MessageName,
        /// What.
        status: StatusKind,
        /// The link, for a click.
        link: Option<SmolStr>,
        /// Whether a program did it, not a person: recorded, and not counted.
        machine: bool,
    },
    /// The contact wants to hear of a topic.
    Subscribe {
        /// The topic.
        topic: SmolStr,
        /// On which channel; on every one without.
        channel: Option<Channel>,
        /// By what it can be proved.
        evidence: Evidence,
    },
    /// A journey is started for the contact, as `start journey` does.
    Start {
        /// The journey.
        journey: SmolStr,
        /// What it sees as its trigger, a record.
        payload: Value,
    },
    /// The contact wants no more of a topic, or of anything.
    Unsubscribe {
        /// The topic; everything without.
        topic: Option<SmolStr>,
    },
    /// The contact wants no more of a topic, or of anything, on one channel.
    UnsubscribeVia {
        /// The topic; everything without.
        topic: Option<SmolStr>,
        /// The channel.
        channel: Channel,
    },
    /// The contact wrote to us.
    Inbound {
        /// On which channel.
        channel: Channel,
        /// What.
        text: SmolStr,
    },
    /// The contact comes to a stage of a funnel.
    MoveTo {
        /// The funnel.
        funnel: SmolStr,
        /// The stage.
        stage: SmolStr,
    },
    /// The contact is erased.
    Delete,
    /// A message came back, because its address takes no more: nothing further goes there.
    Undeliverable {
        /// Which.
        message: MessageName,
    },
    /// Somebody outside answered what a run asked, or never will.
    Answer {
        /// The number of the question.
        number: u32,
        /// The answer.
        answer: Answer,
    },
    /// A colleague decided what a run asked: of several open questions that know the answer, the oldest.
    Decision {
        /// The answer.
        answer: SmolStr,
        /// The journey that asks; any without.
        journey: Option<SmolStr>,
    },
    /// The contact's runs of a journey go on in another version of it.
    Migrate {
        /// That version.
        to: Version,
    },
    /// A journey that was paused goes on.
    Resume {
        /// The journey.
        journey: SmolStr,
        /// Since when it was paused.
        paused: Instant,
        /// What becomes of what fell due meanwhile.
        backlog: Backlog,
    },
    /// A deployment listens to segments or to moments of the calendar that are new to the contact.
    Deployed,
    /// Whoever has this address said stop: nothing more goes there on the channel.
    Silence {
        /// The channel.
        channel: Channel,
        /// The address.
        address: SmolStr,
        /// In which words.
        words: SmolStr,
    },
    /// Whoever has this address wants messages on the channel again.
    EndSilence {
        /// The channel.
        channel: Channel,
        /// The address.
        address: SmolStr,
        /// In which words.
        words: SmolStr,
    },
    /// Another id is the contact's as well. Whoever has it hands over all that it is.
    Alias {
        /// That id.
        key: SmolStr,
    },
    /// The contact turned out to be another one: it hands over all that it is.
    MergeInto {
        /// That one.
        contact: ContactId,
    },
    /// Another contact turned out to be this one.
    Absorb {
        /// All that it was.
        contact: Box<Contact>,
    },
    /// Something for a contact that turned out to be this one, in its numbers.
    OfAlias {
        /// That contact.
        contact: ContactId,
        /// What.
        kind: Box<InputKind>,
    },
}

impl InputKind {
    /// The same in the numbers of a contact with these other ids; none for a contact that it has not taken in.
    pub fn here(&self, identities: &Identities) -> Option<Cow<'_, Self>> {
        let Self::OfAlias { contact, kind } = self else { return Some(Cow::Borrowed(self)) };
        let alias = identities.aliases.iter().find(|alias| alias.contact == *contact)?;
        let mut kind = Self::clone(kind);
        if let Self::Message { message: MessageName::Number(number), .. }
        | Self::Undeliverable { message: MessageName::Number(number) }
        | Self::Answer { number, .. } = &mut kind
        {
            *number = number.saturating_add(alias.messages);
        }
        Some(Cow::Owned(kind))
    }

    /// The same, for whoever this contact turned out to be.
    pub(crate) fn of_alias(self, contact: ContactId) -> Self {
        match self {
            Self::Message { message: MessageName::Number(_), .. }
            | Self::Undeliverable { message: MessageName::Number(_) }
            | Self::Answer { .. } => Self::OfAlias { contact, kind: Box::new(self) },
            other => other,
        }
    }
}

/// What becomes of what fell due while a journey was paused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Backlog {
    /// All that the journey does happens so much later as the pause was long.
    Shift,
    /// It happens now.
    Send,
    /// Messages that fell due are not sent; runs go on to their next wait.
    Skip,
}

impl Backlog {
    /// The word for it: `shift`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shift => "shift",
            Self::Send => "send",
            Self::Skip => "skip",
        }
    }
}

/// What came of a question to somebody outside.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Answer {
    /// The answer, a record.
    Given(Value),
    /// There is none, and why.
    None(String),
}

/// By what consent can be proved, as far as whoever recorded it says.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// On which ground messages may be sent: `express`, `double opt-in`, `existing customer`.
    pub basis: SmolStr,
    /// The words that the contact agreed to.
    pub wording: SmolStr,
    /// Where that was: `checkout`, `confirmation page`.
    pub source: SmolStr,
    /// When it ends by itself.
    pub until: Option<Instant>,
}

/// How an input names a message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum MessageName {
    /// By its number among the contact's messages.
    Number(u32),
    /// The newest one of this name.
    Newest(SmolStr),
}
