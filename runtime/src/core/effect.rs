//! What follows from advancing a contact: messages for the outbox and lines for the trace.

use std::fmt;

use journey_bytecode::{AfterCrash, Channel, Field, Instant, Purpose, StatusKind, StepIx, Value, Version};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::contact::{Contact, ContactId, EndReason};
use super::input::Answer;
use crate::trial::TrialEvent;

/// A message's id for life: it never changes between attempts, and no two recipients share one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct MessageId {
    /// The contact.
    pub contact: ContactId,
    /// The number among the contact's messages.
    pub number: u32,
}

/// What an entry of the outbox is, beside a message to the contact.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Errand {
    /// A message to the contact.
    #[default]
    Message,
    /// A message to somebody else: what becomes of it is not the contact's doing.
    Elsewhere,
    /// A call of another system: `message` names it, `data` is what it gets.
    Call {
        /// The fields of its answer.
        answer: Vec<Field>,
        /// When no answer counts any more.
        until: Instant,
    },
    /// A code of a voucher: `message` names it, `data` says until when the code is good.
    Voucher,
    /// Words for a colleague: `message` holds them, `to` is an address if the contact has one for it.
    Notice {
        /// Whom the settings know: `owner`, `slack #sales`.
        place: SmolStr,
    },
    /// The same, with a question.
    Question {
        /// Whom the settings know: `owner`.
        place: SmolStr,
        /// What can be answered.
        answers: Vec<SmolStr>,
        /// When no answer counts any more.
        until: Instant,
    },
    /// Words to whoever wrote STOP, START or HELP, which `data` holds: no journey decided it, and no contact hears of it.
    Answer,
}

/// As people and programs name it: `12/0`.
impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.contact.0, self.number)
    }
}

impl MessageId {
    /// The id of this name.
    pub fn parse(name: &str) -> Option<Self> {
        let (contact, number) = name.split_once('/')?;
        Some(Self { contact: ContactId(contact.parse().ok()?), number: number.parse().ok()? })
    }
}

/// A message on its way: all that is needed to render and send it, whatever happens to the contact meanwhile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Outgoing {
    /// Its id.
    pub id: MessageId,
    /// When it was decided.
    pub at: Instant,
    /// The journey that sends it.
    pub journey: SmolStr,
    /// That journey's version.
    pub version: Version,
    /// The statement.
    pub step: StepIx,
    /// The channel.
    pub channel: Channel,
    /// The message.
    pub message: SmolStr,
    /// The address on that channel.
    pub to: SmolStr,
    /// The contact's language, to choose the variant by.
    pub language: Option<SmolStr>,
    /// The contact's zone (always valid), to show dates in.
    pub zone: SmolStr,
    /// The subject, where the journey gives one.
    pub subject: Option<String>,
    /// The sender, where the journey gives one.
    pub from: Option<String>,
    /// The purpose.
    pub purpose: Purpose,
    /// The topic.
    pub topic: Option<SmolStr>,
    /// What becomes of it if its worker dies while it is on the wire.
    pub after_crash: AfterCrash,
    /// The variables that its templates use: a record.
    pub data: Value,
    /// What it is.
    pub errand: Errand,
    /// Of marketing: the contact's country, whose holidays are asked again before it leaves.
    #[serde(deserialize_with = "last_or_none")]
    pub country: Option<SmolStr>,
}

/// The last field, where a message was written before there was one: its bytes end before it.
fn last_or_none<'de, D: serde::Deserializer<'de>>(bytes: D) -> Result<Option<SmolStr>, D::Error> {
    Ok(Option::deserialize(bytes).unwrap_or_default())
}

/// One line of a contact's trace.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TraceEntry {
    /// When it happened.
    pub at: Instant,
    /// The run it belongs to.
    pub run: Option<u32>,
    /// The journey.
    pub journey: SmolStr,
    /// What happened.
    pub event: TraceEvent,
}

/// A fact that a decision saw.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Seen {
    /// Which, in the words of the language: `plan`, `opened story`, `count of purchase`.
    pub fact: SmolStr,
    /// Its value.
    pub value: Value,
}

/// What a trace can tell.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TraceEvent {
    /// The run began.
    Entered {
        /// The version it entered.
        version: Version,
        /// What started it: `tag mattress_lead`.
        trigger: String,
    },
    /// A trigger happened and no run began.
    NotEntered {
        /// Why.
        reason: NotEntered,
    },
    /// The run came to a statement.
    Step(StepIx),
    /// A decision.
    Decided {
        /// Whether its condition held.
        holds: bool,
        /// What it saw.
        saw: Vec<Seen>,
    },
    /// A message went to the outbox.
    Sent {
        /// Its number.
        message: u32,
        /// Its channel.
        channel: Channel,
        /// Its name.
        name: SmolStr,
    },
    /// A message was refused; the run went on.
    Skipped {
        /// Its number.
        message: u32,
        /// Its channel.
        channel: Channel,
        /// Its name.
        name: SmolStr,
        /// Why.
        reason: Refusal,
    },
    /// A message waits for its window.
    Deferred {
        /// Until then.
        until: Instant,
        /// Why.
        reason: Deferral,
    },
    /// The run parked at a wait.
    Waiting {
        /// Until then; [`Instant::NEVER`] without a deadline.
        until: Instant,
    },
    /// The run goes on.
    Woke {
        /// By what.
        by: WokenBy,
    },
    /// A tag was added by the run.
    TagAdded(SmolStr),
    /// A tag was removed by the run.
    TagRemoved(SmolStr),
    /// An attribute was set by the run.
    AttributeSet(SmolStr, Value),
    /// The contact fell on a side of a split.
    Took {
        /// The split.
        split: SmolStr,
        /// The side.
        side: SmolStr,
    },
    /// What the split measures happened to the contact.
    Measured {
        /// The split.
        split: SmolStr,
        /// The side that the run took.
        side: SmolStr,
        /// When it took it.
        took: Instant,
    },
    /// The run moved the contact in a funnel.
    MovedTo {
        /// The funnel.
        funnel: SmolStr,
        /// The stage.
        stage: SmolStr,
    },
    /// The run recorded an event.
    Recorded(SmolStr),
    /// The run recorded consent.
    Subscribed {
        /// The topic.
        topic: SmolStr,
        /// The channel; every one without.
        channel: Option<Channel>,
    },
    /// The run withdrew consent.
    Unsubscribed {
        /// To the topic; to everything if it is empty.
        topic: SmolStr,
        /// On this channel; on every one without.
        channel: Option<Channel>,
    },
    /// The run suppressed the contact, for the reason.
    Suppressed(String),
    /// The run told somebody.
    Notified {
        /// Whom: `owner`, `slack #sales`.
        to: SmolStr,
        /// What.
        text: String,
    },
    /// A message's status changed.
    Message {
        /// Its number.
        message: u32,
        /// The status.
        status: StatusKind,
        /// Whether a program did it.
        machine: bool,
    },
    /// The goal was reached.
    GoalReached,
    /// The run ended.
    Ended(EndReason),
    /// The run called another system.
    Called {
        /// The call's number.
        number: u32,
        /// The system.
        service: SmolStr,
        /// Until when the run waits for the answer.
        until: Instant,
    },
    /// The run asked for a code of a voucher.
    Voucher {
        /// The number of the question.
        number: u32,
        /// The voucher.
        name: SmolStr,
    },
    /// The run asked a colleague.
    Asked {
        /// The question's number.
        number: u32,
        /// Whom: `owner`.
        to: SmolStr,
        /// The question.
        text: String,
        /// Until when the run waits for the answer; [`Instant::NEVER`] without an end.
        until: Instant,
    },
    /// An answer came; the run went on if it still waited for it.
    Answered {
        /// The number of the question.
        number: u32,
        /// The answer.
        answer: Answer,
    },
    /// The run goes on in another version of its journey.
    Moved {
        /// That version.
        to: Version,
    },
    /// The run stands still: its journey is paused.
    Paused,
}

/// Why no run began.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum NotEntered {
    /// The trigger's own `where` did not hold: such an event does not concern the journey.
    Trigger {
        /// What it saw.
        saw: Vec<Seen>,
    },
    /// The journey's `where` did not hold.
    Filter {
        /// What it saw.
        saw: Vec<Seen>,
    },
    /// A run of this key is active.
    Active,
    /// `reenter never`, and it was in before.
    Never,
    /// `reenter after`, and it is too early.
    TooEarly {
        /// When it could enter again.
        until: Instant,
    },
    /// The contact unsubscribed from the journey's topic.
    Unsubscribed,
    /// The contact belongs to those who are held out.
    Holdout,
}

/// Why a message is not sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Refusal {
    /// Nothing may be sent to the contact.
    Suppressed,
    /// The contact has no address on the channel.
    NoAddress,
    /// The contact unsubscribed.
    Unsubscribed,
    /// The channel needs consent beforehand, and the contact gave none to the topic.
    NoConsent,
    /// A cap is reached: at most so many.
    Cap {
        /// The cap's number.
        most: u32,
    },
    /// It fell due while the journey was paused, and the backlog was to be skipped.
    Paused,
}

/// Why a message waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Deferral {
    /// The policy's quiet hours.
    QuietHours,
    /// The journey's own hours.
    JourneyHours,
    /// A holiday of the contact's.
    Holiday,
}

impl Deferral {
    /// Why, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::QuietHours => "these are the policy's quiet hours",
            Self::JourneyHours => "these are not the journey's hours",
            Self::Holiday => "this is a holiday, by `holidays.txt`",
        }
    }
}

/// What ended a wait.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum WokenBy {
    /// Its deadline.
    Deadline,
    /// An event.
    Event(SmolStr),
    /// A condition.
    Condition,
    /// The window opened.
    Window,
    /// It leaves, and does what is to be done before.
    Exit,
    /// An answer.
    Answer,
    /// There is no answer.
    NoAnswer,
    /// Its journey is no longer paused.
    Resumed,
}

/// All that follows from one advance of one contact.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// For the outbox.
    pub outgoing: Vec<Outgoing>,
    /// The last input that the decision of each of these knew; of those behind the last one, the contact's last input.
    pub knew: Vec<i64>,
    /// For the trace.
    pub trace: Vec<TraceEntry>,
    /// What counts for trials of splits.
    pub trials: Vec<TrialEvent>,
    /// When the contact next has something to do by itself.
    pub due: Option<Instant>,
    /// Whether the contact is to be erased: nothing of it may stay but that it was there.
    pub erase: bool,
    /// Addresses of a contact that is erased: whoever else comes with one of them gets no marketing there.
    pub silenced: Vec<(Channel, SmolStr)>,
    /// Where the contact wants to hear of a topic again: who left before at the same address, as another contact, is heard no
    /// more on that.
    pub resubscribed: Vec<Resubscribed>,
    /// Contacts that turned out to be one that is erased: nothing of them may stay either.
    pub erased: Vec<ContactId>,
    /// What the contact hands over, because it turned out to be another one.
    pub handed: Option<Box<Handover>>,
}

/// A contact wants to hear of a topic at an address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Resubscribed {
    /// The channel.
    pub channel: Channel,
    /// The address.
    pub address: SmolStr,
    /// The topic.
    pub topic: SmolStr,
    /// Since when.
    pub at: Instant,
}

/// All that a contact was that turned out to be another one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Handover {
    /// That one.
    pub into: ContactId,
    /// The last input that it applied itself; those behind it are for that one.
    pub applied: i64,
    /// What it was.
    pub contact: Contact,
}

impl Outcome {
    /// For the outbox, each with the last input that its decision knew; `applied` is the contact's last one.
    pub fn decided(&self, applied: i64) -> impl Iterator<Item = (&Outgoing, i64)> {
        self.outgoing.iter().zip(self.knew.iter().copied().chain(std::iter::repeat(applied)))
    }
}
