//! Delivering: messages are claimed, noted as on the wire, handed to their transports, and their results recorded. All
//! notes that wait share one transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant as Moment;

use super::outlet::{Attempt, Gate, Parcel};
use super::{Shared, pause};
use crate::core::effect::MessageId;
use crate::core::input::Answer;
use crate::send::{Settle, Verdict, cause_for_log};
use crate::store::{Delivery, DeliveryResult, Queued, Stays, Store, StoreError};
use crate::time::rfc3339;
use crate::track::BoxFuture;
use crate::voucher;

/// How many messages may be on their way from the outbox to their results.
const MAX_IN_FLIGHT: usize = 512;

/// How many messages are claimed together.
const CLAIM: u32 = 128;

/// How many messages are handed to a transport together. A transport may deliver them one after the other, each after
/// the result of the one before is durable: many small parcels share more transactions than a few large ones.
const PARCEL: usize = 16;

/// How long the scribe waits for those whose notes shared the last transaction, at most: they are about to write the next
/// ones. As long as that transaction took, up to this, where a commit waits for a disk; it pays to wait for more of them.
const GATHER: Duration = Duration::from_millis(5);

/// Behind a transaction that was faster nobody waits.
const FAST: Duration = Duration::from_millis(1);

/// How long the note that a parcel goes on the wire is good for. A worker that was frozen for longer asks again before
/// each message: others may have taken it over.
const FRESH: Duration = Duration::from_secs(2);

/// How many notes may wait to be written.
const MAX_NOTES: usize = 4_096;

/// Something for the store to write about messages.
enum Note {
    /// They go on the wire; the answer names those that may not.
    Leaves(Vec<MessageId>, oneshot::Sender<Vec<(MessageId, Stays)>>),
    /// A result; answered when it is durable.
    Result(Delivery, oneshot::Sender<()>),
}

/// Hands notes to the scribe. An error of a channel means that the store failed and everything stops.
#[derive(Clone)]
struct Pen(mpsc::Sender<Note>);

impl Pen {
    async fn leaves(&self, ids: Vec<MessageId>) -> Option<Vec<(MessageId, Stays)>> {
        if ids.is_empty() {
            return Some(Vec::new());
        }
        let (answer, written) = oneshot::channel();
        self.0.send(Note::Leaves(ids, answer)).await.ok()?;
        written.await.ok()
    }

    async fn result(&self, delivery: Delivery) {
        let (answer, written) = oneshot::channel();
        if self.0.send(Note::Result(delivery, answer)).await.is_ok() {
            let _ = written.await;
        }
    }
}

/// Messages of one claim, with their places among those on their way.
type Claimed = (Vec<Queued>, OwnedSemaphorePermit);

/// Delivers what is due until the engine stops, and then what is on the wire. While one claim waits for the disk, the last one is
/// rendered.
pub(super) async fn deliver<S: Store>(shared: Arc<Shared<S>>) {
    let (pen, notes) = mpsc::channel(MAX_NOTES);
    let pen = Pen(pen);
    let scribe = tokio::spawn(write_notes(Arc::clone(&shared), notes));
    let (counter, claims) = mpsc::channel(1);
    tokio::join!(claim_messages(&shared, counter), pack_claims(&shared, pen, claims));
    let _ = scribe.await;
}

/// Claims messages until the engine stops.
async fn claim_messages<S: Store>(shared: &Arc<Shared<S>>, counter: mpsc::Sender<Claimed>) {
    let room = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
    let mut stopping = shared.stopping.subscribe();
    while !*stopping.borrow_and_update() {
        let permit = tokio::select! {
            biased;
            permit = Arc::clone(&room).acquire_many_owned(CLAIM) => permit,
            _ = stopping.changed() => continue,
        };
        let Ok(mut permit) = permit else { break };
        // As many as there is room for: each claim waits for the disk.
        let free = u32::try_from(room.available_permits()).unwrap_or(0);
        if let Ok(rest) = Arc::clone(&room).try_acquire_many_owned(free) {
            permit.merge(rest);
        }
        match claim(shared, &counter, permit).await {
            Ok(None) => {}
            Ok(Some(next)) => tokio::select! {
                biased;
                () = tokio::time::sleep(next) => {}
                () = shared.messages.notified() => {}
                _ = stopping.changed() => {}
            },
            Err(error) => {
                if !shared.bears(error).await {
                    break;
                }
            }
        }
    }
}

/// Claims messages and hands them on; how long to sleep where there were none.
async fn claim<S: Store>(
    shared: &Shared<S>,
    counter: &mpsc::Sender<Claimed>,
    room: OwnedSemaphorePermit,
) -> Result<Option<Duration>, StoreError> {
    let now = shared.front.clock.now();
    let queued = shared.store.claim_messages(now, room.num_permits()).await?;
    if queued.is_empty() {
        return Ok(Some(pause(shared.store.next_message_due().await?, now)));
    }
    // Nobody takes them once the store has failed, and then the engine stops.
    let _ = counter.send((queued, room)).await;
    Ok(None)
}

/// Sends off what was claimed, in its order, and returns when all of it has its result.
async fn pack_claims<S: Store>(shared: &Arc<Shared<S>>, pen: Pen, mut claims: mpsc::Receiver<Claimed>) {
    let mut parcels = JoinSet::new();
    while let Some((queued, room)) = claims.recv().await {
        while parcels.try_join_next().is_some() {}
        if let Err(error) = pack(shared, &pen, &mut parcels, queued, room).await
            && !shared.bears(error).await
        {
            break;
        }
    }
    // What is on the wire gets its result; whoever stops us decides how long that may take.
    while parcels.join_next().await.is_some() {}
}

/// Renders messages and sends them off.
async fn pack<S: Store>(
    shared: &Arc<Shared<S>>,
    pen: &Pen,
    parcels: &mut JoinSet<()>,
    mut queued: Vec<Queued>,
    mut room: OwnedSemaphorePermit,
) -> Result<(), StoreError> {
    let now = shared.front.clock.now();
    let live = shared.live.get();
    let knows = |queued: &Queued| live.linked.program(queued.outgoing.version).is_some();
    let live = if queued.iter().all(knows) {
        live
    } else {
        // A worker that knows a newer revision decided them: their templates may be new as well.
        shared.take_up().await?;
        shared.live.get()
    };
    let given = voucher::give(&shared.store, &live.linked, &mut queued, now).await?;
    let gate = Gate { linked: &live.linked, spam: &shared.front.spam };
    let mut refused = given;
    let mut queued = queued.into_iter();
    loop {
        let few: Vec<Queued> = queued.by_ref().take(PARCEL).collect();
        if few.is_empty() {
            break;
        }
        let (packed, unfit) = live.outlet.pack(few, &gate, now);
        refused.extend(unfit);
        for mut parcel in packed {
            // A transport that does not ask gets one by one what is noted by itself.
            let alone = !parcel.transport.asks() && parcel.attempts.iter().any(|attempt| attempt.alone);
            while let Some(part) = parcel.split(if alone { 1 } else { PARCEL }) {
                let (shared, pen, room) = (Arc::clone(shared), pen.clone(), room.split(part.attempts.len()));
                parcels.spawn(async move {
                    send(&shared, pen, part).await;
                    drop(room);
                });
            }
        }
    }
    for delivery in refused {
        let (pen, room) = (pen.clone(), room.split(1));
        parcels.spawn(async move {
            pen.result(delivery).await;
            drop(room);
        });
    }
    Ok(())
}

/// Sends a parcel and records what becomes of it.
async fn send<S: Store>(shared: &Arc<Shared<S>>, pen: Pen, mut parcel: Parcel) {
    // What is noted by itself is noted right before it goes, where the transport asks.
    let later = |attempt: &&Attempt| !(attempt.alone && parcel.transport.asks());
    let ids: Vec<MessageId> = parcel.attempts.iter().filter(later).map(|attempt| attempt.id).collect();
    let asked = Asked { at: Moment::now(), withdrawals: shared.front.withdrawals.load(Ordering::Acquire) };
    let Some(staying) = pen.leaves(ids).await else { return };
    let now = shared.front.clock.now();
    let mut stays = parcel.withhold(&staying, now);
    // The answer may have taken its time.
    stays.extend(parcel.put_off(&Gate { linked: &shared.live.linked(), spam: &shared.front.spam }, now));
    for delivery in stays {
        pen.result(delivery).await;
    }
    hand_over(shared, pen, parcel, asked).await;
}

/// When it was asked whether the messages of a parcel may go.
#[derive(Clone, Copy)]
struct Asked {
    at: Moment,
    /// How many unsubscribes had been taken.
    withdrawals: u64,
}

async fn hand_over<S: Store>(shared: &Arc<Shared<S>>, pen: Pen, parcel: Parcel, asked: Asked) {
    let Parcel { transport, rendered, attempts } = parcel;
    let settled = attempts.iter().map(|_| AtomicBool::new(false)).collect();
    let desk = Arc::new(Desk { shared: Arc::clone(shared), pen, attempts, settled, asked });
    let at_desk = Arc::clone(&desk);
    // A transport that panics takes only its parcel with it.
    let handed = tokio::spawn(async move { transport.deliver_each(&rendered, &*at_desk).await });
    if let Err(error) = handed.await {
        tracing::error!(%error, "a transport failed");
    }
    for place in 0..desk.attempts.len() {
        let cause = "the transport lost the message".to_owned();
        desk.settle(place, Verdict::Unknown { cause }).await;
    }
}

/// Takes the verdicts on one parcel, the first on each message.
struct Desk<S> {
    shared: Arc<Shared<S>>,
    pen: Pen,
    attempts: Vec<Attempt>,
    settled: Vec<AtomicBool>,
    asked: Asked,
}

impl<S: Store> Settle for Desk<S> {
    /// A parcel may wait for a connection; who unsubscribes in the meantime gets nothing more, and nobody gets anything in the
    /// night that has come. The store is asked again if somebody unsubscribed, and where that is long ago.
    fn may_go(&self, place: usize) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            let (Some(attempt), Some(settled)) = (self.attempts.get(place), self.settled.get(place)) else {
                return false;
            };
            let nobody_left = self.shared.front.withdrawals.load(Ordering::Acquire) == self.asked.withdrawals;
            let mut stays = None;
            if attempt.alone || !nobody_left || self.asked.at.elapsed() >= FRESH {
                let Some(staying) = self.pen.leaves(vec![attempt.id]).await else { return false };
                stays = staying.first().map(|(_, why)| *why);
            }
            let now = self.shared.front.clock.now();
            let result = match stays {
                None => {
                    let gate = Gate { linked: &self.shared.live.linked(), spam: &self.shared.front.spam };
                    match attempt.put_off(&gate, now) {
                        None => return true,
                        later => later,
                    }
                }
                Some(Stays::Unsubscribed) => Some(attempt.unsubscribed(now)),
                Some(Stays::TakenOver) => None,
            };
            if !settled.swap(true, Ordering::AcqRel)
                && let Some(result) = result
            {
                self.pen.result(result).await;
            }
            false
        })
    }

    fn settle(&self, place: usize, verdict: Verdict) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let (Some(attempt), Some(settled)) = (self.attempts.get(place), self.settled.get(place)) else { return };
            if !settled.swap(true, Ordering::AcqRel) {
                let delivery = attempt.judge(verdict, self.shared.front.clock.now());
                if let DeliveryResult::Delivered { .. } = delivery.result {
                    self.shared.front.sent.note(delivery.id, delivery.at);
                    if let Some(sender) = &attempt.sender {
                        self.shared.front.spam.delivered(sender.clone(), delivery.at);
                    }
                }
                self.pen.result(delivery).await;
            }
        })
    }
}

/// Writes notes until every pen is gone.
async fn write_notes<S: Store>(shared: Arc<Shared<S>>, mut notes: mpsc::Receiver<Note>) {
    let (mut expected, mut patience) = (1, Duration::ZERO);
    while let Some(first) = notes.recv().await {
        let (mut results, mut leaving) = (Vec::new(), Vec::new());
        for note in gather(first, &mut notes, expected, patience).await {
            match note {
                Note::Result(delivery, written) => results.push((delivery, written)),
                Note::Leaves(ids, answer) => leaving.push((ids, answer)),
            }
        }
        let (deliveries, written): (Vec<Delivery>, Vec<_>) = results.into_iter().unzip();
        let ids: Vec<MessageId> = leaving.iter().flat_map(|(ids, _)| ids.iter().copied()).collect();
        let begun = Moment::now();
        let staying = loop {
            // Recording twice what may have been recorded changes nothing.
            match shared.store.record(&deliveries, &ids).await {
                Ok(staying) => break staying,
                Err(error) => {
                    if !shared.bears(error).await {
                        return;
                    }
                }
            }
        };
        shared.count_results(&deliveries);
        let waited = shared.store.waits_for_notes() && begun.elapsed() >= FAST;
        patience = if waited { begun.elapsed().min(GATHER) } else { Duration::ZERO };
        expected = notes.len() + written.len() + leaving.len();
        for written in written {
            let _ = written.send(());
        }
        for (ids, answer) in leaving {
            let _ = answer.send(staying.iter().filter(|(id, _)| ids.contains(id)).copied().collect());
        }
    }
}

/// The notes that wait, and those that come within a moment, until there are as many as expected.
async fn gather(first: Note, notes: &mut mpsc::Receiver<Note>, expected: usize, patience: Duration) -> Vec<Note> {
    let mut gathered = vec![first];
    if patience.is_zero() {
        gathered.extend(std::iter::from_fn(|| notes.try_recv().ok()));
        return gathered;
    }
    let coming = async {
        while gathered.len() < expected || !notes.is_empty() {
            match notes.recv().await {
                Some(note) => gathered.push(note),
                None => break,
            }
        }
    };
    let _ = tokio::time::timeout(patience, coming).await;
    gathered
}

impl<S> Shared<S> {
    fn count_results(&self, deliveries: &[Delivery]) {
        if deliveries.is_empty() {
            return;
        }
        for delivery in deliveries {
            let counter = match &delivery.result {
                DeliveryResult::Delivered { .. } | DeliveryResult::Answered { answer: Answer::Given(_) } => {
                    &self.front.metrics.delivered
                }
                DeliveryResult::Retry { cause, .. } => {
                    let (contact, message, attempts) = (delivery.id.contact.0, delivery.id.number, delivery.attempts);
                    tracing::debug!(
                        contact,
                        message,
                        attempts,
                        cause = cause_for_log(cause),
                        "a message goes again later"
                    );
                    &self.front.metrics.retried
                }
                DeliveryResult::PutOff { due, cause } => {
                    let (contact, message, until) = (delivery.id.contact.0, delivery.id.number, rfc3339(*due));
                    tracing::debug!(contact, message, until, cause = cause_for_log(cause), "a message is put off");
                    &self.front.metrics.put_off
                }
                DeliveryResult::Held { cause } => {
                    let (contact, message) = (delivery.id.contact.0, delivery.id.number);
                    let cause = cause_for_log(cause);
                    tracing::warn!(contact, message, cause, "a message may have arrived; it is held: journey outbox");
                    &self.front.metrics.held
                }
                DeliveryResult::Failed { cause, .. } | DeliveryResult::Answered { answer: Answer::None(cause) } => {
                    let (contact, message, attempts) = (delivery.id.contact.0, delivery.id.number, delivery.attempts);
                    tracing::warn!(contact, message, attempts, cause = cause_for_log(cause), "a message is given up");
                    &self.front.metrics.failed
                }
            };
            counter.add(1);
        }
        self.contacts.notify_one();
        self.messages.notify_one();
    }
}

/// How long a stopping engine waits for what is on the wire, if nobody says otherwise.
pub const GRACE: Duration = Duration::from_secs(20);
