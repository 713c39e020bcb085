//! Moves contacts and messages: takes inputs, advances contacts that have something to do, delivers what they decided.
//!
//! Three kinds of tasks share one store: intake (callers that wait share a transaction), steppers (a batch of contacts a
//! transaction) and delivery. Nobody polls: a task sleeps until the next moment that the store knows, or until another
//! task tells it that there is work. The first failure of the store stops everything.

mod deliver;
mod inside;
mod intake;
mod live;
mod metrics;
mod outlet;
mod spam;
mod step;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use journey_bytecode::{Instant, Program, Split};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::core::Linked;
use crate::deploy::DeployError;
use crate::store::{Revision, Store, StoreError, TakenOver};
use crate::track::RecentlySent;
use crate::trial::{Trials, Verdict};

pub use deliver::GRACE;
pub use inside::Inside;
pub use intake::{SubmitError, Submitter};
pub use live::{Deployed, Live, Readies};
pub use metrics::Snapshot;
pub(crate) use outlet::Gate;
pub use outlet::Outlet;
pub use step::Stepped;

pub(crate) use spam::Spam;
pub(crate) use step::step;

/// How many contacts one step takes at most.
const BATCH: usize = 1_000;

/// How many batches are under way at once: while one is written, the next is advanced.
const STEPPERS: usize = 2;

/// How long a stepper rests after a batch that was not full: what comes in meanwhile shares a transaction, and the one
/// writer has time for others. The first batch after a rest is taken at once.
const REST: Duration = Duration::from_millis(20);

/// How long a task waits before it asks a store again that could not be reached.
const AGAIN: Duration = Duration::from_millis(250);

/// How often an engine looks for what workers left that are gone.
const TAKE_OVER: Duration = Duration::from_secs(2);

/// How often the engine looks for winners of splits.
const JUDGE: Duration = Duration::from_secs(60);

/// How long a task sleeps at most: a machine's clock may be set, and a timer then comes early.
const MAX_SLEEP: Duration = Duration::from_secs(1);

/// A running engine.
#[derive(Debug)]
pub struct Engine<S> {
    shared: Arc<Shared<S>>,
    tasks: JoinSet<()>,
}

/// What the tasks of an engine share.
struct Shared<S> {
    store: S,
    live: Live,
    /// Makes newer revisions ready; without, what it was started with counts for good.
    readies: Option<Arc<dyn Readies>>,
    taking_up: tokio::sync::Mutex<()>,
    /// Up to which revision all contacts concerned have been told, as far as we know.
    told: AtomicI64,
    front: Arc<intake::Front>,
    /// Tells steppers that a contact has something to do.
    contacts: Notify,
    /// Tells delivery that there are messages.
    messages: Notify,
    stopping: watch::Sender<bool>,
}

impl<S> std::fmt::Debug for Shared<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("metrics", &self.front.metrics).finish_non_exhaustive()
    }
}

impl<S> Shared<S> {
    /// The store failed: nothing more is accepted, and everything stops.
    fn fail(&self, error: StoreError) {
        tracing::error!(%error, "the store failed");
        self.front.failure.send_if_modified(|failure| {
            let first = failure.is_none();
            failure.get_or_insert(error);
            first
        });
        self.stop();
    }

    /// What a task does about an error of the store: nothing, after a while, if it passes. Otherwise everything stops.
    async fn bears(&self, error: StoreError) -> bool
    where
        S: Store,
    {
        let error = match error {
            StoreError::Revised => match self.take_up().await {
                Ok(_) => return true,
                Err(error) => error,
            },
            error => error,
        };
        if error.is_fatal() {
            self.fail(error);
            return false;
        }
        tracing::warn!(%error, "the store is asked again");
        tokio::time::sleep(AGAIN).await;
        true
    }

    fn took_over(&self, taken: TakenOver) {
        self.front.metrics.resent.add(taken.again.len());
        for id in taken.again {
            let (contact, message) = (id.contact.0, id.number);
            tracing::warn!(contact, message, "a crash left open whether a message arrived; it is sent again");
        }
        self.front.metrics.held.add(taken.held.len());
        for id in taken.held {
            let (contact, message) = (id.contact.0, id.number);
            tracing::warn!(contact, message, "a crash left open whether a message arrived; it is held: journey outbox");
        }
        self.messages.notify_one();
    }

    fn stop(&self) {
        self.front.door.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.stopping.send_replace(true);
    }
}

impl<S: Store> Engine<S> {
    /// Starts with a project that counts as long as it runs. Messages whose fate a crash left open go again, under the
    /// same ids.
    pub async fn start(
        store: S,
        linked: Arc<Linked>,
        outlet: Outlet,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        Self::run(store, Live::new(Deployed { linked, outlet }), None, clock).await
    }

    /// The same with what the database has as the newest revision, and follows it.
    pub async fn follow(store: S, readies: Arc<dyn Readies>, clock: Arc<dyn Clock>) -> Result<Self, DeployError> {
        let newest = store.revisions(1).await?.pop().ok_or(DeployError::Nothing)?;
        let live = Live::new(live::load(&store, &newest, &*readies).await?);
        Ok(Self::run(store, live, Some(readies), clock).await?)
    }

    async fn run(
        store: S,
        live: Live,
        readies: Option<Arc<dyn Readies>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let taken = store.take_over(clock.now()).await?;
        let (door, submissions) = intake::door();
        let front = intake::Front {
            clock,
            sent: RecentlySent::default(),
            metrics: metrics::Metrics::default(),
            spam: spam::Spam::default(),
            withdrawals: AtomicU64::new(0),
            contacts: OnceLock::new(),
            door: Mutex::new(Some(door)),
            failure: watch::Sender::new(None),
        };
        let shared = Arc::new(Shared {
            store,
            live,
            readies,
            taking_up: tokio::sync::Mutex::default(),
            told: AtomicI64::new(0),
            front: Arc::new(front),
            contacts: Notify::new(),
            messages: Notify::new(),
            stopping: watch::Sender::new(false),
        });
        let _ = shared.front.contacts.set(Box::new(Arc::downgrade(&shared)));
        shared.took_over(taken);
        let rule = shared.live.get().outlet.spam_rule();
        shared.front.spam.settle(&shared.store, &rule, shared.front.clock.now()).await?;
        judge(&shared.store.trials().await?, &shared.live.linked(), shared.front.clock.now());
        let mut tasks = JoinSet::new();
        tasks.spawn(intake::take_inputs(Arc::clone(&shared), submissions));
        for _ in 0..STEPPERS {
            tasks.spawn(advance_contacts(Arc::clone(&shared)));
        }
        tasks.spawn(deliver::deliver(Arc::clone(&shared)));
        tasks.spawn(listen(Arc::clone(&shared)));
        tasks.spawn(take_over(Arc::clone(&shared)));
        tasks.spawn(judge_trials(Arc::clone(&shared)));
        tasks.spawn(spam::watch(Arc::clone(&shared)));
        Ok(Self { shared, tasks })
    }

    /// A way in.
    pub fn submitter(&self) -> Submitter {
        Submitter(Arc::clone(&self.shared.front))
    }

    /// A way to look into it, and to operate its outbox.
    pub fn inside(&self) -> Inside {
        Inside::new(&self.shared)
    }

    /// Tells the contacts of a revision whom it concerns, beside everything else.
    pub fn tell(&self, revision: Revision) {
        let shared = Arc::clone(&self.shared);
        let mut stopping = self.shared.stopping.subscribe();
        tokio::spawn(async move {
            // If it is cut off here, whoever starts next or follows the revisions does it.
            tokio::select! {
                biased;
                () = shared.tell(&revision) => {}
                _ = stopping.changed() => {}
            }
        });
    }

    /// What counts at present.
    pub fn live(&self) -> Live {
        self.shared.live.clone()
    }

    /// The store, to look into.
    pub fn store(&self) -> &S {
        &self.shared.store
    }

    /// The counters.
    pub fn metrics(&self) -> Snapshot {
        self.shared.front.metrics.snapshot()
    }

    /// Returns when the store has failed: the process should end, and be started again when the cause is gone.
    pub fn failed(&self) -> impl Future<Output = StoreError> + Send + 'static {
        let mut failure = self.shared.front.failure.subscribe();
        async move {
            let failed = failure.wait_for(Option::is_some).await.ok().and_then(|failed| failed.clone());
            match failed {
                Some(error) => error,
                // The engine is gone, and it did not fail.
                None => std::future::pending().await,
            }
        }
    }

    /// Stops: takes what callers have handed over, finishes batches under way, and gives messages on the wire so long to
    /// get their results. Returns whether everything was finished; what was not is taken up at the next start.
    pub async fn stop(mut self, grace: Duration) -> Result<bool, StoreError> {
        self.shared.stop();
        let finished = tokio::time::timeout(grace, async { while self.tasks.join_next().await.is_some() {} }).await;
        self.tasks.shutdown().await;
        if let Some(failure) = self.shared.front.failure() {
            return Err(failure);
        }
        if let Some(shared) = Arc::into_inner(self.shared) {
            shared.store.close().await;
        }
        Ok(finished.is_ok())
    }
}

/// Hears from other workers until the engine stops.
async fn listen<S: Store>(shared: Arc<Shared<S>>) {
    let mut stopping = shared.stopping.subscribe();
    while !*stopping.borrow_and_update() {
        tokio::select! {
            biased;
            () = shared.store.changed() => {
                shared.contacts.notify_one();
                shared.messages.notify_one();
            }
            _ = stopping.changed() => {}
        }
    }
}

/// Looks for winners of splits until the engine stops.
async fn judge_trials<S: Store>(shared: Arc<Shared<S>>) {
    let mut stopping = shared.stopping.subscribe();
    while !*stopping.borrow_and_update() {
        let linked = shared.live.linked();
        if trials(&linked).next().is_some() {
            match shared.store.trials().await {
                Ok(counted) => judge(&counted, &linked, shared.front.clock.now()),
                Err(error) if !shared.bears(error.clone()).await => return,
                Err(_) => {}
            }
        }
        tokio::select! {
            biased;
            () = tokio::time::sleep(JUDGE) => {}
            _ = stopping.changed() => {}
        }
    }
}

/// The splits that send later contacts to their winner.
fn trials(linked: &Linked) -> impl Iterator<Item = (&Program, &Split)> {
    let best = |split: &&Split| split.measure.as_ref().is_some_and(|measure| measure.best);
    let programs = linked.bundle().programs.iter();
    programs.flat_map(move |program| program.splits.iter().filter(best).map(move |split| (program, split)))
}

/// Lets the core know the winners that there are.
pub(crate) fn judge(counted: &Trials, linked: &Linked, now: Instant) {
    for (program, split) in trials(linked) {
        let version = program.version();
        let (_, verdict) = counted.judge(version, split, linked.zone(), now);
        if let Verdict::Winner(side) = verdict
            && linked.set_winner(version, split.name.clone(), side.clone())
        {
            let (journey, split) = (program.name.as_str(), split.name.as_str());
            tracing::info!(journey, split, side = side.as_str(), "a split has a winner; later contacts take its side");
        }
    }
}

/// Takes over what other workers left, and takes up what others deployed, until the engine stops.
async fn take_over<S: Store>(shared: Arc<Shared<S>>) {
    let mut stopping = shared.stopping.subscribe();
    while !*stopping.borrow_and_update() {
        tokio::select! {
            biased;
            () = tokio::time::sleep(TAKE_OVER) => {}
            _ = stopping.changed() => return,
        }
        let now = shared.front.clock.now();
        let taken = match shared.store.take_over(now).await {
            Ok(taken) => shared.follow(now).await.map(|()| taken),
            Err(error) => Err(error),
        };
        match taken {
            Ok(taken) if taken == TakenOver::default() => {}
            Ok(taken) => shared.took_over(taken),
            Err(error) => {
                if !shared.bears(error).await {
                    return;
                }
            }
        }
    }
}

/// Advances contacts until the engine stops.
async fn advance_contacts<S: Store>(shared: Arc<Shared<S>>) {
    let mut stopping = shared.stopping.subscribe();
    while !*stopping.borrow_and_update() {
        let now = shared.front.clock.now();
        let mut joins = false;
        let linked = shared.live.linked();
        let stepped =
            match step(&shared.store, &linked, now, BATCH, |next| joins |= next.outcome.handed.is_some()).await {
                Ok(stepped) => stepped,
                Err(error) => {
                    if shared.bears(error).await {
                        continue;
                    }
                    return;
                }
            };
        if joins {
            // What either contact wanted no more of counts for both.
            shared.front.withdrawals.fetch_add(1, Ordering::AcqRel);
        }
        shared.front.metrics.stepped.add(stepped.contacts);
        shared.front.metrics.applied.add(stepped.inputs);
        shared.front.metrics.decided.add(stepped.messages);
        shared.front.metrics.set_aside.add(stepped.set_aside);
        if stepped.messages > 0 {
            shared.messages.notify_one();
        }
        if stepped != Stepped::default() {
            shared.front.metrics.batches.add(1);
            // Where there was work there may be more, for the other stepper too.
            shared.contacts.notify_one();
            if stepped.contacts < BATCH {
                tokio::select! {
                    biased;
                    () = tokio::time::sleep(REST) => {}
                    _ = stopping.changed() => {}
                }
            }
            continue;
        }
        let next = match shared.store.next_due().await {
            // What is due and could not be claimed is in the hands of another worker.
            Ok(next) if next.is_some_and(|next| next <= now) => REST,
            Ok(next) => pause(next, now),
            Err(error) => {
                if shared.bears(error).await {
                    continue;
                }
                return;
            }
        };
        tokio::select! {
            biased;
            () = tokio::time::sleep(next) => {}
            () = shared.contacts.notified() => {}
            _ = stopping.changed() => {}
        }
    }
}

/// How long to sleep until a moment.
fn pause(until: Option<Instant>, now: Instant) -> Duration {
    let millis = until.map_or(i64::MAX, |until| until.0.saturating_sub(now.0));
    Duration::from_millis(u64::try_from(millis).unwrap_or(0)).min(MAX_SLEEP)
}

#[cfg(test)]
mod tests;
