//! Where contacts, what happened to them, their messages and their traces are kept.
//!
//! A contact is loaded, advanced and written as a whole. Inputs are durable before they are acknowledged; a step's state,
//! messages and trace are written in one transaction; a message leaves only after the transaction that decided it.

mod codec;
#[cfg(test)]
mod conformance;
mod list;
mod memory;
mod merged;
mod open;
mod postgres;
mod sqlite;
mod wake;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use journey_bytecode::{Bundle, Channel, Instant, Message, NOTICE_CHANNEL, Program, RequestKind, StatusKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::core::contact::{Contact, ContactId, ERASED};
use crate::core::effect::{MessageId, Outcome, Outgoing, TraceEntry};
use crate::core::input::{Answer, Backlog, Input, InputKind, MessageName};
use crate::send::is_dead_address;
use crate::spam::{SpamCount, SpamSender, Traffic};
use crate::trial::Trials;

use list::{
    HEARD_FOR, LIST, address_hash, hash_of_address, own_address_hash, resubscribed, silenced, suppressed_name,
    words_on_topics,
};
pub use list::{Heard, Keeps, ListChange, Listed};
pub use memory::MemoryStore;
pub use merged::contact_of_id;
pub use open::{AnyStore, Database};
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;

/// The most inputs of one contact that one advance takes; the rest follows in the next one.
pub const MAX_INPUTS_PER_ADVANCE: i64 = 100;

/// A store of contacts. All methods may be called at the same time. No transaction needs two contacts to be correct, and every
/// row belongs to one contact.
pub trait Store: Send + Sync + 'static {
    /// The right to commit the contacts of one claim. Dropped without a commit, it gives them back.
    type Lease: Send + 'static;

    /// Takes inputs, in their order, in one transaction; when it returns, they are durable. Answers in the same order.
    fn accept(
        &self,
        inputs: &[NewInput],
        now: Instant,
    ) -> impl Future<Output = Result<Vec<Acceptance>, StoreError>> + Send;

    /// Claims contacts with pending inputs or a due timer, at most so many and no two claims the same, in id order.
    fn claim(&self, now: Instant, most: usize)
    -> impl Future<Output = Result<Claimed<Self::Lease>, StoreError>> + Send;

    /// Writes what became of claimed contacts, in one transaction. A claimed contact that is missing in `advanced` is
    /// left as it is, and set aside until the store is opened again. Nothing is written if there is a newer revision than
    /// the one under which they were advanced: what was paused stands still, and nobody acts on a version that he does not
    /// know.
    fn commit(
        &self,
        lease: Self::Lease,
        advanced: Vec<Advanced>,
        revision: i64,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Makes a revision the one that counts, unless its number is taken already; when it returns true, nothing more is
    /// committed under an older one. What it deploys is kept, where that is given.
    fn revise(
        &self,
        revision: &Revision,
        bundle: Option<&[u8]>,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The revisions, newest first, at most so many.
    fn revisions(&self, most: usize) -> impl Future<Output = Result<Vec<Revision>, StoreError>> + Send;

    /// What was deployed under this name.
    fn deployment(&self, id: DeploymentId) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>> + Send;

    /// Notes that all contacts concerned have been told of a revision.
    fn told(&self, revision: i64) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// When the next contact has something to do; a moment in the past for "now".
    fn next_due(&self) -> impl Future<Output = Result<Option<Instant>, StoreError>> + Send;

    /// Claims messages that are due, at most so many, oldest first. A claim is safe to lose: nothing has left yet.
    fn claim_messages(&self, now: Instant, most: usize)
    -> impl Future<Output = Result<Vec<Queued>, StoreError>> + Send;

    /// Writes, in one transaction, what became of messages (and tells their contacts), and that other claimed messages go
    /// on the wire now: from here until its result a crash leaves it open whether such a message arrived. Survives this
    /// process; where it may be lost with the machine, what was claimed counts as on the wire. Returns those that may *not*
    /// go, and why.
    fn record(
        &self,
        results: &[Delivery],
        leaving: &[MessageId],
    ) -> impl Future<Output = Result<Vec<(MessageId, Stays)>, StoreError>> + Send;

    /// Whether [`Store::record`] waits for a disk: then it pays to write more at once.
    fn waits_for_notes(&self) -> bool {
        true
    }

    /// When the next message is due; a moment in the past for "now".
    fn next_message_due(&self) -> impl Future<Output = Result<Option<Instant>, StoreError>> + Send;

    /// Takes over the messages of workers that are gone: what they had claimed is free again. What they had on the wire is
    /// queued again under its id, so that a receiver may get it twice, or held until somebody decides.
    fn take_over(&self, now: Instant) -> impl Future<Output = Result<TakenOver, StoreError>> + Send;

    /// Messages of one kind, oldest contact first, at most so many.
    fn outbox(&self, which: Kept, most: usize) -> impl Future<Output = Result<Vec<KeptMessage>, StoreError>> + Send;

    /// Queues messages again that are held or have failed; returns those.
    fn requeue(
        &self,
        ids: &[MessageId],
        now: Instant,
    ) -> impl Future<Output = Result<Vec<MessageId>, StoreError>> + Send;

    /// Gives up messages that wait or are held, and forgets those that have failed; returns those. A contact hears of a
    /// message that is given up as of one that was skipped.
    fn give_up(
        &self,
        ids: &[MessageId],
        now: Instant,
    ) -> impl Future<Output = Result<Vec<MessageId>, StoreError>> + Send;

    /// Returns when another worker tells that there is something to do. It may return without a reason, and never does
    /// where there are no other workers.
    fn changed(&self) -> impl Future<Output = ()> + Send;

    /// Keeps programs, with the messages that they send, so that runs can finish on the version they entered.
    fn keep_programs(&self, programs: &[KeptProgram]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// All programs kept, oldest first.
    fn programs(&self) -> impl Future<Output = Result<Vec<KeptProgram>, StoreError>> + Send;

    /// A secret of this store, made when it was created: it signs the links in messages.
    fn secret(&self) -> impl Future<Output = Result<[u8; 32], StoreError>> + Send;

    /// The contact of this key.
    fn contact(&self, key: &str) -> impl Future<Output = Result<Option<Contact>, StoreError>> + Send;

    /// Contacts after this one in id order, at most so many.
    fn contacts_after(
        &self,
        after: ContactId,
        most: usize,
    ) -> impl Future<Output = Result<Vec<Contact>, StoreError>> + Send;

    /// A contact's trace, oldest first: what each wake-up did.
    fn trace(&self, contact: ContactId) -> impl Future<Output = Result<Vec<TraceEntry>, StoreError>> + Send;

    /// All that a contact was told, in order, what is not applied yet among it.
    fn inputs(&self, contact: ContactId) -> impl Future<Output = Result<Vec<Input>, StoreError>> + Send;

    /// What became of a contact's messages, by number. Of those in the outbox only those are listed that did not go at once: when
    /// they go, and why not before.
    fn deliveries(&self, contact: ContactId) -> impl Future<Output = Result<Vec<Delivery>, StoreError>> + Send;

    /// Adds codes of a voucher to those that can be given out; those that are known already change nothing. How many are
    /// new.
    fn offer_codes(&self, voucher: &str, codes: &[SmolStr]) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Takes a code that nobody else gets, however many ask at once; the same one again if it is asked again. None if
    /// there is none left, or the one that was made is taken.
    fn take_code(&self, take: &TakeCode) -> impl Future<Output = Result<Option<SmolStr>, StoreError>> + Send;

    /// Contacts to whom messages went at this address, in id order, at most so many.
    fn contacts_at(
        &self,
        channel: Channel,
        address: &str,
        most: usize,
    ) -> impl Future<Output = Result<Vec<Contact>, StoreError>> + Send;

    /// Whether a provider's word under this id was taken before.
    fn was_heard(&self, id: &str) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Notes that a provider's word was taken, and changes the list with it, in one transaction. How many addresses that
    /// concerned; none if the word was taken before, and then nothing changes.
    fn hear(&self, heard: &Heard) -> impl Future<Output = Result<Option<u64>, StoreError>> + Send;

    /// Keeps messages from addresses of a list, whoever has them. How many are new.
    fn suppress(&self, listed: &Listed) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Takes addresses off the list again; what contacts decided by themselves stays. How many were on it.
    fn lift(&self, listed: &Listed) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// What was counted for trials of splits.
    fn trials(&self) -> impl Future<Output = Result<Trials, StoreError>> + Send;

    /// Adds to what is counted of sending domains; forgets what was counted in hours before this one.
    fn count_traffic(&self, counted: &Traffic, since: i64) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// How sending domains stand, by what was counted from this hour on; those that are held are among them.
    fn senders(&self, since: i64) -> impl Future<Output = Result<Vec<SpamSender>, StoreError>> + Send;

    /// Notes that the marketing of a domain is held from now on, and what was counted; one that is held stays as it is.
    fn hold_sender(
        &self,
        domain: &str,
        now: Instant,
        counted: SpamCount,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Lets the marketing of a domain go again, and counts anew; whether it was held.
    fn lift_sender(&self, domain: &str) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// How much there is of everything.
    fn counts(&self) -> impl Future<Output = Result<Counts, StoreError>> + Send;

    /// Closes it tidily. A store that is dropped loses nothing either.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// A code that is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TakeCode {
    /// The voucher.
    pub voucher: SmolStr,
    /// Who asks: the same code for the same question.
    pub id: MessageId,
    /// When it was asked for.
    pub at: Instant,
    /// When it is no longer good.
    pub expires: Option<Instant>,
    /// A code that was made; without, one of those that were offered is taken, in their order.
    pub made: Option<SmolStr>,
}

/// Something that happened to a contact, as it reached us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewInput {
    /// Whose.
    pub contact: Whose,
    /// The sender's id of it: what comes twice under one id counts once. Ids of two contacts never meet.
    pub id: Option<SmolStr>,
    /// Tells whether two bodies under one id are the same.
    pub fingerprint: [u8; 16],
    /// When it happened.
    pub at: Instant,
    /// What.
    pub kind: InputKind,
    /// Whether it may be the first that we hear of the contact.
    pub creates: bool,
}

impl NewInput {
    /// That a contact is to be forgotten.
    pub fn erasing(key: &str, now: Instant) -> Self {
        let contact = Whose::Key(key.into());
        Self { contact, id: None, fingerprint: [0; 16], at: now, kind: InputKind::Delete, creates: false }
    }
}

/// How a new input names its contact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whose {
    /// As the sender's own systems know it.
    Key(SmolStr),
    /// As we know it.
    Id(ContactId),
}

/// What became of a new input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acceptance {
    /// It is durable and will be applied.
    Accepted {
        /// Its contact.
        contact: ContactId,
        /// Its place.
        seq: i64,
    },
    /// It was accepted before.
    Duplicate,
    /// Another body was accepted under its id.
    Conflict,
    /// Nobody knows the contact, and this input cannot create it.
    UnknownContact,
    /// The alias that it names is another contact's already.
    AliasTaken,
}

impl Acceptance {
    /// Whether it is not taken, and was not taken before.
    pub const fn is_refused(&self) -> bool {
        matches!(self, Self::Conflict | Self::UnknownContact | Self::AliasTaken)
    }
}

/// Contacts claimed for one batch.
#[derive(Debug)]
pub struct Claimed<L> {
    /// Needed to commit.
    pub lease: L,
    /// The contacts, in id order.
    pub contacts: Vec<Pending>,
    /// Contacts that could not be read, and why; they are set aside until the store is opened again.
    pub damaged: Vec<(ContactId, String)>,
}

impl KeptMessage {
    /// A message as it is stored, with its result where it has failed, else with what it waits for.
    fn read(
        at: Instant,
        attempts: u32,
        body: &[u8],
        result: Option<&[u8]>,
        waits_for: Option<String>,
    ) -> Result<Self, StoreError> {
        let outgoing = decode(body, || "a message in the outbox".into())?;
        let result = result.map(|result| decode(result, || "a delivery".into())).transpose()?;
        let cause = match result {
            Some(DeliveryResult::Failed { cause, .. } | DeliveryResult::Answered { answer: Answer::None(cause) }) => {
                Some(cause)
            }
            _ => waits_for,
        };
        Ok(Self { outgoing, attempts, at, cause })
    }
}

impl<L> Claimed<L> {
    /// The same under another kind of lease.
    fn map<M>(self, wrap: impl FnOnce(L) -> M) -> Claimed<M> {
        Claimed { lease: wrap(self.lease), contacts: self.contacts, damaged: self.damaged }
    }
}

/// A contact with its inputs that are not applied yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pending {
    /// The contact.
    pub contact: Contact,
    /// Its pending inputs, oldest first.
    pub inputs: Vec<Input>,
}

/// A contact after a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Advanced {
    /// The contact.
    pub contact: Contact,
    /// What follows.
    pub outcome: Outcome,
}

/// A message in the outbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Queued {
    /// The message.
    pub outgoing: Outgoing,
    /// How often it was tried before.
    pub attempts: u32,
}

impl Queued {
    /// A message as it is stored. One that cannot be read stays claimed, so that it stops no other.
    fn read(attempts: u32, bytes: &[u8]) -> Option<Self> {
        match codec::read(bytes) {
            Ok(outgoing) => Some(Self { outgoing, attempts }),
            Err(cause) => {
                tracing::error!(cause, "a message in the outbox cannot be read; it is set aside");
                None
            }
        }
    }
}

/// Why a message does not go on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stays {
    /// The contact unsubscribed after it was decided, or another contact did whom we wrote to at the same address. It stays
    /// claimed and needs a result.
    Unsubscribed,
    /// Another worker has taken it over and sees to it.
    TakenOver,
}

/// What workers left behind that are gone.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TakenOver {
    /// Messages that were on the wire and go again.
    pub again: Vec<MessageId>,
    /// Messages that were on the wire and are held.
    pub held: Vec<MessageId>,
}

/// Which messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// Those that go when they are due.
    Waiting,
    /// Those on the wire.
    OnWire,
    /// Those that may have arrived, and wait for somebody to decide.
    Held,
    /// Those that were given up.
    Failed,
}

impl Kept {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::OnWire, Self::Held, Self::Failed];

    /// The word for it: `held`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::OnWire => "on-wire",
            Self::Held => "held",
            Self::Failed => "failed",
        }
    }

    /// The kind of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|which| which.name() == name)
    }
}

/// A message, and how it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptMessage {
    /// The message.
    pub outgoing: Outgoing,
    /// How often it was tried.
    pub attempts: u32,
    /// Since when it is held or has failed; else when it is due.
    pub at: Instant,
    /// Why it failed, or did not go at once.
    pub cause: Option<String>,
}

/// What became of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// Which.
    pub id: MessageId,
    /// When.
    pub at: Instant,
    /// How often it was tried.
    pub attempts: u32,
    /// What.
    pub result: DeliveryResult,
}

impl Delivery {
    /// A message given up by hand.
    const fn given_up(id: MessageId, attempts: u32, at: Instant, cause: String) -> Self {
        Self { id, at, attempts, result: DeliveryResult::Failed { status: StatusKind::Skipped, cause } }
    }

    /// When it goes again, if it does.
    pub(super) const fn retry_at(&self) -> Option<Instant> {
        match self.result {
            DeliveryResult::Retry { due, .. } | DeliveryResult::PutOff { due, .. } => Some(due),
            _ => None,
        }
    }

    /// Why it is still in the outbox.
    pub(super) fn waits_for(&self) -> Option<&str> {
        match &self.result {
            DeliveryResult::Retry { cause, .. }
            | DeliveryResult::PutOff { cause, .. }
            | DeliveryResult::Held { cause } => Some(cause),
            _ => None,
        }
    }

    /// What is known of a message as it is stored: its result where it has left the outbox, else what it waits for there.
    fn read(
        id: MessageId,
        at: Instant,
        attempts: u32,
        result: Option<&[u8]>,
        held_since: Option<i64>,
        waits_for: Option<String>,
    ) -> Result<Self, StoreError> {
        match result {
            Some(result) => {
                let result = decode(result, || format!("a delivery of contact {}", id.contact.0))?;
                Ok(Self { id, at, attempts, result })
            }
            None => Ok(Self::waiting(id, at, attempts, held_since.map(Instant), waits_for.unwrap_or_default())),
        }
    }

    /// What is known of a message that is in the outbox, as it is kept there.
    fn waiting(id: MessageId, due: Instant, attempts: u32, held_since: Option<Instant>, cause: String) -> Self {
        let (at, result) = match held_since {
            Some(since) => (since, DeliveryResult::Held { cause }),
            None => (due, DeliveryResult::PutOff { due, cause }),
        };
        Self { id, at, attempts, result }
    }

    /// What the contact hears of it.
    pub(super) fn news(&self) -> Option<InputKind> {
        if self.id.contact == LIST {
            return None;
        }
        let number = MessageName::Number(self.id.number);
        let status = match self.result {
            DeliveryResult::Delivered { .. } => StatusKind::Delivered,
            DeliveryResult::Failed { status: StatusKind::Bounced, ref cause }
                if cause.split_whitespace().nth(1).is_some_and(is_dead_address) =>
            {
                return Some(InputKind::Undeliverable { message: number });
            }
            DeliveryResult::Failed { status, .. } => status,
            DeliveryResult::Retry { .. } | DeliveryResult::PutOff { .. } | DeliveryResult::Held { .. } => return None,
            DeliveryResult::Answered { ref answer } => {
                return Some(InputKind::Answer { number: self.id.number, answer: answer.clone() });
            }
        };
        Some(InputKind::Message { message: number, status, link: None, machine: false })
    }
}

/// The secret of a database, as it is kept there.
fn read_secret(kept: Option<&[u8]>) -> Result<[u8; 32], StoreError> {
    let damaged = || StoreError::Damaged { what: "the secret".into(), cause: "it has not 32 bytes".into() };
    kept.and_then(|kept| kept.try_into().ok()).ok_or_else(damaged)
}

/// Why a message has failed that somebody has given up.
const GIVEN_UP: &str = "given up by hand";

/// How an attempt ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum DeliveryResult {
    /// The provider has it.
    Delivered {
        /// What it answered.
        answer: String,
    },
    /// Not now.
    Retry {
        /// When to try again.
        due: Instant,
        /// Why.
        cause: String,
    },
    /// It may have arrived, and somebody has to decide.
    Held {
        /// Why nobody knows.
        cause: String,
    },
    /// Never.
    Failed {
        /// What the contact's journeys see: bounced, or skipped when it was our own doing.
        status: StatusKind,
        /// Why.
        cause: String,
    },
    /// A call has its answer, or will never have one.
    Answered {
        /// The answer.
        answer: Answer,
    },
    /// Not now, and nothing was tried.
    PutOff {
        /// When it may go.
        due: Instant,
        /// Why.
        cause: String,
    },
}

impl DeliveryResult {
    /// Whether it did not come to what was wanted, and never will.
    pub(super) const fn is_failure(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Answered { answer: Answer::None(_) })
    }

    /// What is left of the result once the contact is erased: providers name addresses in their answers.
    fn erased(failed: bool) -> Self {
        if failed {
            Self::Failed { status: StatusKind::Skipped, cause: ERASED.to_owned() }
        } else {
            Self::Delivered { answer: ERASED.to_owned() }
        }
    }
}

/// The name of a deployed project: the hash of what was compiled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct DeploymentId(pub [u8; 16]);

impl DeploymentId {
    /// Of a compiled project.
    pub fn of(bundle: &[u8]) -> Self {
        Self(blake3::hash(bundle).as_bytes().first_chunk().copied().unwrap_or_default())
    }
}

/// Eight digits of it: what people tell each other.
impl std::fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What counts from a moment on: which project is deployed, and which of its journeys are paused. Every change is a new one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Revision {
    /// From 1, without gaps.
    pub number: i64,
    /// When it was made.
    pub at: Instant,
    /// The project.
    pub deployment: DeploymentId,
    /// The journeys that stand still, each with the moment since when.
    pub paused: BTreeMap<SmolStr, Instant>,
    /// What was changed.
    pub change: Change,
    /// Whether all contacts have been told whom it concerns.
    pub told: bool,
}

impl Revision {
    /// A revision as it is stored, with what is noted beside it.
    fn read(body: &[u8], told: bool) -> Result<Self, StoreError> {
        Ok(Self { told, ..decode(body, || "a revision".into())? })
    }
}

/// What a revision changes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Change {
    /// Another project.
    Deploy {
        /// Whether runs of older versions go on in the new one.
        moves: bool,
    },
    /// A journey stands still from now on.
    Pause {
        /// Which.
        journey: SmolStr,
    },
    /// A journey goes on.
    Resume {
        /// Which.
        journey: SmolStr,
        /// Since when it was paused.
        paused: Instant,
        /// What becomes of what fell due meanwhile.
        backlog: Backlog,
    },
}

/// A program that runs may still need.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeptProgram {
    /// The program.
    pub program: Program,
    /// The messages that it sends.
    pub messages: Vec<Message>,
}

impl KeptProgram {
    /// The programs of a bundle, each with the messages that it sends.
    pub fn all(bundle: &Bundle) -> Vec<Self> {
        let messages = |program: &Program| {
            let sent = program.sends.iter().flat_map(|send| &send.choices).map(|(channel, name)| (*channel, name));
            let asked = program.requests.iter().filter_map(|request| match &request.kind {
                RequestKind::Ask { message, .. } => Some(message),
                RequestKind::Call { .. } | RequestKind::Voucher { .. } => None,
            });
            let told = program.notices.iter().map(|notice| &notice.message).chain(asked);
            let all: BTreeSet<_> = sent.chain(told.map(|name| (NOTICE_CHANNEL, name))).collect();
            all.into_iter().filter_map(|(channel, name)| bundle.message(channel, name).cloned()).collect()
        };
        let keep = |program: &Program| Self { program: program.clone(), messages: messages(program) };
        bundle.programs.iter().map(keep).collect()
    }
}

impl From<KeptProgram> for Bundle {
    fn from(kept: KeptProgram) -> Self {
        Self { programs: vec![kept.program], messages: kept.messages, ..Self::default() }
    }
}

/// How much there is of everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Contacts.
    pub contacts: u64,
    /// Inputs accepted and not applied yet.
    pub pending: u64,
    /// Messages in the outbox, those held among them.
    pub queued: u64,
    /// Messages held, because it is not known whether they arrived.
    pub held: u64,
    /// Messages delivered.
    pub delivered: u64,
    /// Messages given up.
    pub failed: u64,
}

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the file.
    #[error(
        "the database {database} is in use by another process; one SQLite file serves one `journey serve` at a time. Stop the \
         other one, or give this one a database of its own"
    )]
    InUse {
        /// Which.
        database: String,
    },
    /// The file cannot be opened.
    #[error("the database {database} cannot be opened: {cause}")]
    Open {
        /// Which.
        database: String,
        /// Why.
        cause: String,
    },
    /// A newer journey wrote it.
    #[error(
        "the database {database} was written by a newer version of journey (its schema is {found}, this one knows {known}); \
         use that version, or restore a backup from before the upgrade"
    )]
    Newer {
        /// Which.
        database: String,
        /// Its schema's number.
        found: i64,
        /// The newest one known.
        known: i64,
    },
    /// An older journey wrote it, and only a server brings it up to date.
    #[error(
        "the database {database} was written by an older version of journey (its schema is {found}, this one knows \
         {known}); start `journey serve` of this version once"
    )]
    Older {
        /// Which.
        database: String,
        /// Its schema's number.
        found: i64,
        /// The newest one known.
        known: i64,
    },
    /// It holds something else.
    #[error("what is in {database} belongs to another program, not to journey")]
    Foreign {
        /// Which.
        database: String,
    },
    /// The database is not there at the moment. It is asked again; what was not acknowledged may have been taken.
    #[error("the database cannot be reached at the moment: {0}")]
    Unavailable(Arc<str>),
    /// There is a newer revision: whoever advances contacts has to take it up.
    #[error("a newer revision has been made")]
    Revised,
    /// Something stored cannot be read.
    #[error("what is stored of {what} is damaged: {cause}")]
    Damaged {
        /// What.
        what: String,
        /// Why.
        cause: String,
    },
    /// The database failed. After a failed write nothing that it says can be trusted, so nothing more is accepted.
    #[error(
        "the database failed ({0}); nothing more is accepted, so that nothing is acknowledged that is not on disk. \
         Restart when the cause is gone: all that was acknowledged is there"
    )]
    Failed(Arc<str>),
}

impl StoreError {
    /// Whether the process has to stop.
    pub const fn is_fatal(&self) -> bool {
        !matches!(self, Self::Damaged { .. } | Self::Unavailable(_) | Self::Revised)
    }
}

/// Reads something stored.
fn decode<T: DeserializeOwned>(bytes: &[u8], what: impl FnOnce() -> String) -> Result<T, StoreError> {
    codec::read(bytes).map_err(|cause| StoreError::Damaged { what: what(), cause })
}
