//! A contact with everything that its steps may read and change. It is loaded, advanced and stored as a whole, so that
//! nothing between two waits is ever visible half-done.

use std::collections::{BTreeMap, BTreeSet};

use journey_bytecode::{
    Channel, HandleIx, Instant, Pc, Points, RequestIx, SplitIx, StatusKind, StepIx, Value, Version, WaitIx,
};
use serde::{Deserialize, Deserializer, Serialize};
use smol_str::{SmolStr, format_smolstr};

use super::facts::{Attributes, Tags};
use super::input::Evidence;

/// A contact's number, given in order of entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct ContactId(pub i64);

/// A contact.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Contact {
    /// Its number.
    pub id: ContactId,
    /// The id that the sender's own systems know it by.
    pub key: SmolStr,
    /// When we first heard of it.
    pub created_at: Instant,
    /// Attributes that have a value; defaults are not stored.
    pub attributes: Attributes,
    /// Its tags.
    pub tags: Tags,
    /// Its runs and messages.
    pub state: State,
}

impl Contact {
    /// A contact to whom nothing has happened yet.
    pub fn new(id: ContactId, key: impl Into<SmolStr>, created_at: Instant) -> Self {
        Self {
            id,
            key: key.into(),
            created_at,
            attributes: Attributes::new(),
            tags: Tags::new(),
            state: State::default(),
        }
    }

    /// What is left of a contact that was erased.
    pub fn erased(id: ContactId) -> Self {
        let mut left = Self::new(id, erased_key(id), Instant::default());
        left.state.applied = i64::MAX;
        left.state.suppressed = Some(SmolStr::new_static(ERASED));
        left
    }

    /// Whether it was erased: whatever still reaches it is forgotten at once.
    pub fn is_erased(&self) -> bool {
        is_erased_key(&self.key)
    }

    /// Whether it turned out to be another contact, which has everything that it had.
    pub const fn is_merged(&self) -> bool {
        self.state.identities.merged_into.is_some()
    }
}

/// Why nothing may be sent to a contact that was erased, and how its key begins: what was its key belongs to nobody.
pub const ERASED: &str = "erased";

/// The key of a contact that was erased.
pub fn erased_key(id: ContactId) -> SmolStr {
    format_smolstr!("{ERASED}:{}", id.0)
}

/// Whether it is the key of a contact that was erased; nobody else may have such a one.
pub fn is_erased_key(key: &str) -> bool {
    key.strip_prefix(ERASED).is_some_and(|rest| rest.starts_with(':'))
}

/// Where a contact stands in its journeys.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// The place of the last input applied, 0 before the first; inputs at or before it are duplicates.
    pub applied: i64,
    /// The contact's time: the moment of the last thing that happened to it. It never goes back.
    pub clock: Instant,
    /// How many runs it ever had; the next one's number.
    pub runs_begun: u32,
    /// How many messages were ever decided for it; the next one's number.
    pub messages_begun: u32,
    /// How many wake-ups were traced; the next one's place.
    pub traced: i64,
    /// Active runs, oldest first.
    pub runs: Vec<Run>,
    /// The newest ended run of each journey and key.
    pub ended: Vec<EndedRun>,
    /// Messages that a run, a cap or a condition may still ask for, oldest first.
    pub messages: Vec<SentMessage>,
    /// Topics that the contact unsubscribed from.
    pub unsubscribed: BTreeSet<SmolStr>,
    /// Whether it unsubscribed from everything; what it consented to since stands in `consents`.
    pub unsubscribed_all: bool,
    /// What it consented to, and has not withdrawn.
    pub consents: Vec<Consent>,
    /// Channels on which it wants no more of a topic, or of anything.
    pub withdrawn: BTreeSet<(Option<SmolStr>, Channel)>,
    /// Everything that ever happened to its consent, oldest first. Nothing is taken from it.
    pub ledger: Vec<LedgerEntry>,
    /// How many messages in a row came back, by channel.
    pub bounced: BTreeMap<Channel, u32>,
    /// Why nothing at all may be sent to it.
    pub suppressed: Option<SmolStr>,
    /// Addresses that take no more messages; another address of the channel may.
    pub unreachable: BTreeMap<Channel, SmolStr>,
    /// Its stage in each funnel.
    pub stages: BTreeMap<SmolStr, SmolStr>,
    /// Its scores, as far as anything ever counted for them.
    pub scores: BTreeMap<SmolStr, Kept>,
    /// Past events that programs ask for, by the time at which they happened; bounded.
    pub history: Vec<PastEvent>,
    /// Segments that some journey listens to.
    pub watches: Vec<Watch>,
    /// Moments of the calendar at which journeys begin.
    pub moments: Vec<Moment>,
    /// Which other ids are the contact's as well.
    #[serde(deserialize_with = "last_or_none")]
    pub identities: Identities,
}

/// The last field, where a contact was written before there was one: its bytes end before it.
fn last_or_none<'de, D: Deserializer<'de>>(bytes: D) -> Result<Identities, D::Error> {
    Ok(Identities::deserialize(bytes).unwrap_or_default())
}

/// Which contacts turned out to be one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Identities {
    /// The contact that this one turned out to be.
    pub merged_into: Option<ContactId>,
    /// The contacts that turned out to be this one, oldest first.
    pub aliases: Vec<Alias>,
}

/// A contact that turned out to be another one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Alias {
    /// Its number.
    pub contact: ContactId,
    /// The id that the sender's own systems know it by.
    pub key: SmolStr,
    /// Since when.
    pub at: Instant,
    /// How much higher the numbers of its messages are here.
    pub messages: u32,
    /// How much higher the numbers of its runs are here.
    pub runs: u32,
}

/// A score as it stood when it last changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// Its value then.
    pub points: Points,
    /// When.
    pub at: Instant,
}

/// A contact wants to hear of a topic.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Consent {
    /// The topic.
    pub topic: SmolStr,
    /// On which channel; on every one without.
    pub channel: Option<Channel>,
    /// Since when.
    pub at: Instant,
    /// When it ends by itself.
    pub until: Option<Instant>,
}

/// One entry of the ledger of consent: what happened to it, when, and by what that can be proved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// When.
    pub at: Instant,
    /// What.
    pub act: Act,
    /// The topic; everything without.
    pub topic: Option<SmolStr>,
    /// The channel; every one without.
    pub channel: Option<Channel>,
    /// The proof.
    pub evidence: Evidence,
}

/// What happened to consent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Act {
    /// The contact gave it.
    Given,
    /// The contact withdrew it.
    Withdrawn,
    /// It was given for a time, which is over.
    Expired,
}

impl Act {
    /// In a word: `given`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }
}

/// An event that happened, as far as programs ask for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PastEvent {
    /// Its name.
    pub event: SmolStr,
    /// When it happened, as its sender says.
    pub at: Instant,
    /// The fields that programs ask for.
    pub payload: Value,
}

/// A segment that some journey listens to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Watch {
    /// The segment.
    pub segment: SmolStr,
    /// Whether the contact is in it.
    pub holds: bool,
    /// When time alone may change that.
    pub recheck: Option<Instant>,
}

/// The next moment of a trigger like `every monday at 09:00`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Moment {
    /// The journey.
    pub journey: SmolStr,
    /// The version for which it was computed.
    pub version: Version,
    /// Which of its triggers.
    pub trigger: u16,
    /// The next one; none if there is none at present.
    pub next: Option<Instant>,
    /// The last one.
    pub fired: Option<Instant>,
}

impl State {
    /// The message of this number, if it is still remembered.
    pub fn message(&self, number: u32) -> Option<&SentMessage> {
        let place = self.messages.binary_search_by_key(&number, |message| message.number).ok()?;
        self.messages.get(place)
    }

    /// Whether it consented to the topic on the channel (on any without), did not withdraw, and that has not ended at `at`.
    pub fn consents_to(&self, topic: &str, channel: Option<Channel>, at: Instant) -> bool {
        let withdrawn = |channel| self.withdrawn.contains(&(Some(topic.into()), channel));
        !channel.is_some_and(withdrawn)
            && self.consents.iter().any(|consent| {
                consent.topic == topic
                    && consent.until.is_none_or(|until| at < until)
                    && (consent.channel == channel || consent.channel.is_none() || channel.is_none())
            })
    }

    /// Whether it wants no more of the topic (of anything, without one) on the channel at `at`.
    pub fn unsubscribed_via(&self, topic: Option<&SmolStr>, channel: Channel, at: Instant) -> bool {
        let of_topic = topic.is_some_and(|topic| self.withdrawn.contains(&(Some(topic.clone()), channel)));
        let of_all = self.withdrawn.contains(&(None, channel))
            && !topic.is_some_and(|topic| self.consents_to(topic, Some(channel), at));
        of_topic || of_all || self.unsubscribed_from(topic, at)
    }

    /// Whether it wants no more of the topic (of anything, without one) at `at`.
    pub fn unsubscribed_from(&self, topic: Option<&SmolStr>, at: Instant) -> bool {
        match topic {
            Some(topic) if self.unsubscribed.contains(topic) => true,
            Some(topic) => self.unsubscribed_all && !self.consents_to(topic, None, at),
            None => self.unsubscribed_all,
        }
    }

    /// The versions that the contact's runs need, each once.
    pub fn versions(&self) -> BTreeSet<Version> {
        let hoping = self.ended.iter().filter_map(|ended| ended.goal.as_deref());
        self.runs.iter().chain(hoping).map(|run| run.version).collect()
    }

    /// When the contact next has something to do by itself.
    pub fn due(&self) -> Option<Instant> {
        let runs = self.runs.iter().map(Run::due).filter(|due| *due != Instant::NEVER);
        let watches = self.watches.iter().filter_map(|watch| watch.recheck);
        let moments = self.moments.iter().filter_map(|moment| moment.next);
        runs.chain(watches).chain(moments).min()
    }
}

/// One contact (and key) in one version of one journey.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Its number among the contact's runs.
    pub number: u32,
    /// The journey.
    pub journey: SmolStr,
    /// The version it entered.
    pub version: Version,
    /// Its key; unset without `per`.
    pub key: Value,
    /// When it began.
    pub entered_at: Instant,
    /// The payload of the event that started it.
    pub trigger: Value,
    /// Local variables.
    pub slots: Vec<Value>,
    /// The last message sent under each handle, by number.
    pub handles: Vec<(HandleIx, u32)>,
    /// The last message that it sent, by number.
    pub last_message: Option<u32>,
    /// What it waits for.
    pub parked: Parked,
    /// When to look again at conditions that change with time alone; none without such conditions.
    pub recheck: Option<Instant>,
    /// Occurrences since entry that a wait may still use, oldest first; bounded.
    pub unused: Vec<Occurrence>,
    /// The goals that it reached, by place.
    pub reached: Vec<u16>,
    /// The sides that it took of splits that measure something.
    pub sides: Vec<TakenSide>,
    /// Why it ends after the steps that it still does: `exit when .. { .. }`.
    pub leaving: Option<EndReason>,
}

impl Run {
    /// When it goes on by itself; [`Instant::NEVER`] without a deadline.
    pub const fn until(&self) -> Instant {
        match self.parked {
            Parked::Wait { until, .. }
            | Parked::Deferred { until, .. }
            | Parked::Collecting { until }
            | Parked::Asking { until, .. }
            | Parked::Paused { until, .. } => until,
        }
    }

    /// When it next has something to do by itself; [`Instant::NEVER`] if never.
    pub fn due(&self) -> Instant {
        self.until().min(self.recheck.unwrap_or(Instant::NEVER))
    }
}

/// A side of a split that measures something.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TakenSide {
    /// The split.
    pub split: SplitIx,
    /// The side's place.
    pub side: u16,
    /// When the run took it.
    pub at: Instant,
    /// Whether what is measured has happened since.
    pub reached: bool,
}

/// Why a run stands still.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Parked {
    /// At a wait statement.
    Wait {
        /// Which.
        wait: WaitIx,
        /// When it began.
        since: Instant,
        /// When it ends by itself; [`Instant::NEVER`] without a deadline.
        until: Instant,
    },
    /// At a send whose window is closed.
    Deferred {
        /// Where it goes on: the send itself.
        at: Pc,
        /// When the window opens.
        until: Instant,
    },
    /// Before its first step: it gathers its triggers.
    Collecting {
        /// Until then.
        until: Instant,
    },
    /// At a question to somebody outside.
    Asking {
        /// Which.
        request: RequestIx,
        /// Its number among all that left for the contact; the answer names it.
        number: u32,
        /// When no answer counts any more.
        until: Instant,
    },
    /// Between two statements: its journey is paused.
    Paused {
        /// Where it goes on.
        at: Pc,
        /// When it came there.
        since: Instant,
        /// When it goes on; [`Instant::NEVER`] as long as the journey is paused.
        until: Instant,
    },
}

/// An event that happened to a run and that no wait has used yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Occurrence {
    /// The event's name.
    pub event: SmolStr,
    /// When it happened.
    pub at: Instant,
    /// Its payload.
    pub payload: Value,
    /// For events of a message: which, by number.
    pub message: Option<u32>,
}

/// The newest ended run of a journey and key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EndedRun {
    /// Its number among the contact's runs.
    pub number: u32,
    /// The journey.
    pub journey: SmolStr,
    /// Its key.
    pub key: Value,
    /// When it began.
    pub entered_at: Instant,
    /// When it ended.
    pub ended_at: Instant,
    /// Why.
    pub reason: EndReason,
    /// The run as it ended, as long as it may still reach a goal.
    pub goal: Option<Box<Run>>,
}

/// Why a run ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum EndReason {
    /// It reached an end.
    Ended,
    /// It reached its goal.
    Goal,
    /// `exit when` an event.
    Exit(SmolStr),
    /// `exit when` a condition.
    ExitCondition,
    /// `exit after`
    ExitAfter,
    /// The contact unsubscribed from its topic.
    Unsubscribed,
    /// It was started again.
    Restarted,
    /// `stop journey`
    Stopped,
    /// The contact was erased.
    Deleted,
    /// The program could not go on; the text says why.
    Failed(String),
    /// `migrate .. to end`: its place is gone in the version to which runs were moved.
    Migrated,
    /// The same journey had begun earlier under another id of the contact.
    Merged,
}

/// A message decided for the contact, sent or not; or one that another system sent and told us about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SentMessage {
    /// Its number among the contact's messages.
    pub number: u32,
    /// The run that sent it; none of ours if another system did.
    pub run: Option<u32>,
    /// That run's journey.
    pub journey: SmolStr,
    /// Its name.
    pub name: SmolStr,
    /// Its channel.
    pub channel: Channel,
    /// Its topic, if it has one.
    pub topic: Option<SmolStr>,
    /// Whether caps count it.
    pub marketing: bool,
    /// When it was decided.
    pub at: Instant,
    /// What happened to it.
    pub statuses: Vec<MessageStatus>,
    /// Links that a person clicked.
    pub clicked: Vec<SmolStr>,
}

/// Something that happened to a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MessageStatus {
    /// What.
    pub kind: StatusKind,
    /// When it first did.
    pub first: Instant,
    /// When it last did.
    pub last: Instant,
}

impl SentMessage {
    /// Whether it has this status.
    pub fn has(&self, kind: StatusKind) -> bool {
        self.status(kind).is_some()
    }

    /// When it got this status. What was not skipped is sent.
    pub fn status(&self, kind: StatusKind) -> Option<MessageStatus> {
        if kind == StatusKind::Sent {
            let sent = MessageStatus { kind, first: self.at, last: self.at };
            return (!self.has(StatusKind::Skipped)).then_some(sent);
        }
        self.statuses.iter().find(|status| status.kind == kind).copied()
    }
}

/// Where a statement of a run stands, for the trace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Place {
    /// The run.
    pub run: u32,
    /// The statement.
    pub step: StepIx,
}
