//! Taking inputs: all callers that wait share one transaction.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use journey_bytecode::{Instant, StatusKind};
use smol_str::SmolStr;
use tokio::sync::{mpsc, oneshot, watch};

use super::metrics::{Metrics, Snapshot};
use super::{Shared, Spam};
use crate::clock::Clock;
use crate::core::contact::{Contact, ContactId};
use crate::core::effect::MessageId;
use crate::core::input::InputKind;
use crate::store::{Acceptance, NewInput, Store, StoreError, Whose, contact_of_id};
use crate::track::{BoxFuture, Intake, IntakeError, RecentlySent};

/// How many callers may wait for their inputs to be taken; more wait outside.
const MAX_CALLERS: usize = 1_024;

/// A transaction takes callers until it has so many inputs.
const MAX_GROUP: usize = 10_000;

/// Inputs of one caller.
#[derive(Debug)]
pub(super) struct Submission {
    inputs: Vec<NewInput>,
    /// Whose mails are called spam by it; the project's own sender without.
    sender: Option<SmolStr>,
    reply: oneshot::Sender<Result<Vec<Acceptance>, StoreError>>,
}

/// The callers' end.
pub(super) type Door = mpsc::Sender<Submission>;

/// A way in.
pub(super) fn door() -> (Door, mpsc::Receiver<Submission>) {
    mpsc::channel(MAX_CALLERS)
}

/// What callers share with the engine; it does not keep the store open.
pub(super) struct Front {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sent: RecentlySent,
    pub(super) metrics: Metrics,
    pub(super) spam: Spam,
    /// How many transactions with an unsubscribe were taken.
    pub(super) withdrawals: AtomicU64,
    /// Reads contacts, as long as the engine runs.
    pub(super) contacts: OnceLock<Box<dyn Contacts>>,
    /// Closed when the engine stops.
    pub(super) door: Mutex<Option<Door>>,
    pub(super) failure: watch::Sender<Option<StoreError>>,
}

impl Front {
    pub(super) fn failure(&self) -> Option<StoreError> {
        self.failure.borrow().clone()
    }

    fn door(&self) -> Option<Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads contacts.
pub(super) trait Contacts: Send + Sync {
    fn contact(&self, id: ContactId) -> BoxFuture<'_, Result<Option<Contact>, StoreError>>;

    fn contact_of_key<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Contact>, StoreError>>;
}

impl<S: Store> Contacts for Weak<Shared<S>> {
    fn contact(&self, id: ContactId) -> BoxFuture<'_, Result<Option<Contact>, StoreError>> {
        Box::pin(async move {
            let Some(shared) = self.upgrade() else { return Ok(None) };
            contact_of_id(&shared.store, id).await
        })
    }

    fn contact_of_key<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Contact>, StoreError>> {
        Box::pin(async move {
            match self.upgrade() {
                Some(shared) => shared.store.contact(key).await,
                None => Ok(None),
            }
        })
    }
}

/// Hands inputs to the engine.
#[derive(Clone)]
pub struct Submitter(pub(super) Arc<Front>);

impl std::fmt::Debug for Submitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Submitter(..)")
    }
}

/// Why inputs were not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SubmitError {
    /// The engine stops; another one, or this one later, takes them.
    #[error("the server is stopping; send it again to the next one")]
    Stopping,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Submitter {
    /// The time.
    pub fn now(&self) -> Instant {
        self.0.clock.now()
    }

    /// Takes inputs, in their order; when it returns, those accepted are durable.
    pub async fn submit(&self, inputs: Vec<NewInput>) -> Result<Vec<Acceptance>, SubmitError> {
        self.submit_of(inputs, None).await
    }

    /// The same of mails that this domain sent.
    pub async fn submit_of(
        &self,
        inputs: Vec<NewInput>,
        sender: Option<SmolStr>,
    ) -> Result<Vec<Acceptance>, SubmitError> {
        let (reply, answer) = oneshot::channel();
        let door = self.0.door().ok_or_else(|| self.closed())?;
        door.send(Submission { inputs, sender, reply }).await.map_err(|_| self.closed())?;
        drop(door);
        Ok(answer.await.map_err(|_| self.closed())??)
    }

    /// The contact of this key.
    pub async fn contact_of_key(&self, key: &str) -> Result<Option<Contact>, SubmitError> {
        match self.0.contacts.get() {
            Some(contacts) => Ok(contacts.contact_of_key(key).await?),
            None => Err(SubmitError::Stopping),
        }
    }

    /// What the engine has done so far.
    pub fn metrics(&self) -> Snapshot {
        self.0.metrics.snapshot()
    }

    /// The sending domains whose marketing is held because too many readers call it spam.
    pub fn held_senders(&self) -> usize {
        self.0.spam.held()
    }

    /// Whether inputs are taken.
    pub fn is_open(&self) -> bool {
        self.0.door().is_some()
    }

    fn closed(&self) -> SubmitError {
        self.0.failure().map_or(SubmitError::Stopping, SubmitError::Store)
    }
}

/// Takes inputs until every caller is gone.
pub(super) async fn take_inputs<S: Store>(shared: Arc<Shared<S>>, mut submissions: mpsc::Receiver<Submission>) {
    while let Some(first) = submissions.recv().await {
        let mut inputs = first.inputs;
        let mut callers = vec![(inputs.len(), first.sender, first.reply)];
        while inputs.len() < MAX_GROUP
            && let Ok(next) = submissions.try_recv()
        {
            callers.push((next.inputs.len(), next.sender, next.reply));
            inputs.extend(next.inputs);
        }
        match shared.store.accept(&inputs, shared.front.clock.now()).await {
            Ok(answers) => {
                let withdraws = |kind: &InputKind| {
                    matches!(kind, InputKind::Unsubscribe { .. } | InputKind::UnsubscribeVia { .. } | InputKind::Delete)
                };
                if inputs.iter().any(|input| withdraws(&input.kind)) {
                    shared.front.withdrawals.fetch_add(1, Ordering::AcqRel);
                }
                shared.count_answers(&answers);
                shared.contacts.notify_one();
                let mut answers = answers.into_iter();
                let mut taken = inputs.into_iter();
                for (count, sender, reply) in callers {
                    let answers: Vec<Acceptance> = answers.by_ref().take(count).collect();
                    let complaints = taken.by_ref().take(count).zip(&answers).filter(|(input, answer)| {
                        matches!(answer, Acceptance::Accepted { .. }) && is_complaint(&input.kind)
                    });
                    shared.count_complaints(complaints.count(), sender);
                    // A caller that has gone away will send again, under the same ids.
                    let _ = reply.send(Ok(answers));
                }
            }
            Err(error) => {
                for (_, _, reply) in callers {
                    let _ = reply.send(Err(error.clone()));
                }
                if !shared.bears(error).await {
                    return;
                }
            }
        }
    }
}

/// Whether somebody calls a mail spam.
fn is_complaint(kind: &InputKind) -> bool {
    matches!(kind, InputKind::Message { status: StatusKind::Complained, .. })
}

impl<S> Shared<S> {
    fn count_complaints(&self, count: usize, sender: Option<SmolStr>) {
        if count == 0 {
            return;
        }
        self.front.metrics.complaints.add(count);
        let Some(sender) = sender.or_else(|| self.live.get().outlet.renderer().sender_domain()) else { return };
        self.front.spam.complained(sender, self.front.clock.now(), count as u64);
    }

    fn count_answers(&self, answers: &[Acceptance]) {
        let count = |is: fn(&Acceptance) -> bool| answers.iter().filter(|answer| is(answer)).count();
        self.front.metrics.intakes.add(1);
        self.front.metrics.accepted.add(count(|answer| matches!(answer, Acceptance::Accepted { .. })));
        self.front.metrics.duplicates.add(count(|answer| matches!(answer, Acceptance::Duplicate)));
        self.front.metrics.refused.add(count(Acceptance::is_refused));
    }
}

impl Intake for Submitter {
    fn now(&self) -> Instant {
        Self::now(self)
    }

    fn sent_at(&self, message: MessageId) -> Option<Instant> {
        self.0.sent.get(message)
    }

    fn contact(&self, contact: ContactId) -> BoxFuture<'_, Result<Option<Contact>, IntakeError>> {
        Box::pin(async move {
            let unavailable = |cause: String| IntakeError::Unavailable(cause);
            let contacts = self.0.contacts.get().ok_or_else(|| unavailable("the engine is starting".to_owned()))?;
            contacts.contact(contact).await.map_err(|error| unavailable(error.to_string()))
        })
    }

    fn submit(
        &self,
        id: String,
        contact: ContactId,
        at: Instant,
        kind: InputKind,
    ) -> BoxFuture<'_, Result<(), IntakeError>> {
        Box::pin(async move {
            // The first character keeps our ids apart from everybody else's, which hold no control characters.
            let id = Some(format!("\u{1}{id}").into());
            let at = at.min(Self::now(self));
            let whose = Whose::Id(contact);
            let input = NewInput { contact: whose, id, fingerprint: [0; 16], at, kind, creates: false };
            match Self::submit(self, vec![input]).await {
                Ok(answers) if answers.contains(&Acceptance::UnknownContact) => Err(IntakeError::Unknown),
                Ok(_) => Ok(()),
                Err(error) => Err(IntakeError::Unavailable(error.to_string())),
            }
        })
    }
}
