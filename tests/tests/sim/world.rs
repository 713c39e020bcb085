//! All that a seed decides, and all that is remembered of what happened: by that it is judged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use journey_bytecode::{Instant, Purpose};
use journey_runtime::clock::Clock;
use journey_runtime::core::Linked;
use journey_runtime::core::contact::{Contact, ContactId};
use journey_runtime::core::effect::{MessageId, Outgoing};
use journey_runtime::core::input::{Input, InputKind};
use journey_runtime::engine::Submitter;
use journey_runtime::store::MemoryStore;
use journey_runtime::time::rfc3339;
use journey_tests::random::Random;
use smol_str::SmolStr;

use crate::peers::Answer;

/// When each life begins: the second of March 2026, ten in the morning in Berlin.
pub const START: Instant = Instant(1_772_442_000_000);

/// Who deploys, pauses and resumes; never dies.
pub const OPERATOR: u32 = 0;

/// The wall clock: it runs with the simulation's own time, and jumps.
pub struct Wall {
    since: tokio::time::Instant,
    ahead: AtomicI64,
}

impl Wall {
    /// How long the life has lasted, without jumps.
    pub fn lasted(&self) -> Duration {
        self.since.elapsed()
    }

    pub fn jump(&self, millis: i64) {
        self.ahead.fetch_add(millis, Ordering::AcqRel);
    }
}

impl Clock for Wall {
    fn now(&self) -> Instant {
        let lasted = i64::try_from(self.lasted().as_millis()).expect("a life is short");
        Instant(START.0 + self.ahead.load(Ordering::Acquire) + lasted)
    }
}

/// How rough a life is.
#[derive(Clone, Copy, Debug)]
pub struct Temper {
    /// How many workers there are.
    pub workers: u32,
    /// After how many points a worker dies at the latest; never without.
    pub crashes: Option<u64>,
    /// One operation of the store in so many fails.
    pub outages: Option<u64>,
    /// Whether operations take their time.
    pub slow: bool,
    /// One answer of a peer in so many is not that it takes the message.
    pub refusals: Option<u64>,
    /// How far the clock jumps at once beyond the next thing to do, at most, in milliseconds.
    pub jumps: u64,
}

/// A message as it was decided.
pub struct Decided {
    pub outgoing: Outgoing,
    /// The last input that its decision knew.
    pub knew: i64,
}

/// A step that was committed.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub revision: i64,
    pub now: Instant,
    pub applied: i64,
}

/// A message in a worker's hands.
#[derive(Clone, Copy, Debug)]
pub struct InHand {
    pub worker: u32,
    pub on_wire: bool,
    pub holds: bool,
    pub attempts: u32,
}

/// What happened.
#[derive(Default)]
pub struct Journal {
    /// What the store accepted, by contact and place: the sender's id, and what.
    pub accepted: BTreeMap<ContactId, BTreeMap<i64, (Option<SmolStr>, InputKind)>>,
    /// The contacts' keys.
    pub keys: BTreeMap<SmolStr, ContactId>,
    /// What senders were told is taken, by contact and id, with its place in the order of all that happens.
    pub acknowledged: BTreeMap<(SmolStr, SmolStr), u64>,
    /// What was claimed, by contact and place.
    pub inputs: BTreeMap<ContactId, BTreeMap<i64, Input>>,
    /// Contacts before anything happened to them.
    pub born: BTreeMap<ContactId, Contact>,
    pub steps: BTreeMap<ContactId, Vec<Step>>,
    pub decided: BTreeMap<MessageId, Decided>,
    /// What peers did with each message.
    pub attempts: BTreeMap<MessageId, Vec<Answer>>,
    /// When each message was let go, each time.
    pub left: BTreeMap<MessageId, Vec<Instant>>,
    /// How often something happened to a message after which nobody could know whether it arrived.
    pub hidden: BTreeMap<MessageId, usize>,
    /// What may never happen, and did.
    pub broken: Vec<String>,
    pub crashes: usize,
    pub outages: usize,
    pub repeated: usize,
}

struct Worker {
    alive: bool,
    /// How many points are left to it.
    left: Option<u64>,
}

/// What changes.
pub struct Inner {
    pub random: Random,
    order: u64,
    /// Nothing goes wrong any more.
    pub calm: bool,
    workers: BTreeMap<u32, Worker>,
    pub in_hand: BTreeMap<MessageId, InHand>,
    pub linked: BTreeMap<i64, Arc<Linked>>,
    /// The ways in, by worker.
    pub doors: BTreeMap<u32, Submitter>,
    /// How many senders wait for an answer.
    pub senders: usize,
    pub journal: Journal,
}

/// One life.
pub struct World {
    pub store: MemoryStore,
    pub wall: Arc<Wall>,
    pub temper: Temper,
    /// Whether it is told what happens.
    tells: bool,
    inner: Mutex<Inner>,
}

impl World {
    pub fn new(mut random: Random, temper: Temper, tells: bool) -> Arc<Self> {
        let inner = Inner {
            random: Random::new(random.draw()),
            order: 0,
            calm: false,
            workers: BTreeMap::new(),
            in_hand: BTreeMap::new(),
            linked: BTreeMap::new(),
            doors: BTreeMap::new(),
            senders: 0,
            journal: Journal::default(),
        };
        let wall = Arc::new(Wall { since: tokio::time::Instant::now(), ahead: AtomicI64::new(0) });
        Arc::new(Self { store: MemoryStore::default(), wall, temper, tells, inner: Mutex::new(inner) })
    }

    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics with it")
    }

    pub fn now(&self) -> Instant {
        self.wall.now()
    }

    pub fn tell(&self, what: impl FnOnce() -> String) {
        if self.tells {
            eprintln!("{} {}", rfc3339(self.now()), what());
        }
    }

    /// Something may never happen, and does.
    pub fn breaks(&self, what: String) {
        self.tell(|| format!("BROKEN: {what}"));
        self.inner().journal.broken.push(what);
    }

    /// The next place in the order of all that happens.
    pub fn place(&self) -> u64 {
        let mut inner = self.inner();
        inner.order += 1;
        inner.order
    }

    pub fn knows(&self, revision: i64, linked: &Arc<Linked>) {
        self.inner().linked.entry(revision).or_insert_with(|| Arc::clone(linked));
    }

    /// A worker begins.
    pub fn begin(&self, worker: u32) {
        let mut inner = self.inner();
        let mortal = !inner.calm && worker != OPERATOR;
        let left = self.temper.crashes.filter(|_| mortal).map(|most| inner.random.within(1..most));
        inner.workers.insert(worker, Worker { alive: true, left });
    }

    pub fn is_alive(&self, worker: u32) -> bool {
        self.inner().workers.get(&worker).is_some_and(|worker| worker.alive)
    }

    /// A worker goes without goodbye.
    pub fn dies(&self, worker: u32) {
        let mut inner = self.inner();
        inner.doors.remove(&worker);
        inner.workers.get_mut(&worker).into_iter().for_each(|worker| worker.alive = false);
    }

    /// From here on nothing goes wrong.
    pub fn calm_down(&self) {
        let mut inner = self.inner();
        inner.calm = true;
        inner.workers.values_mut().for_each(|worker| worker.left = None);
    }

    /// A point at which a worker may be slow and may die; whether it lives.
    pub async fn point(&self, worker: u32) -> bool {
        let pause = {
            let mut inner = self.inner();
            let calm = inner.calm;
            let Some(state) = inner.workers.get_mut(&worker).filter(|worker| worker.alive) else { return false };
            if let Some(left) = &mut state.left {
                *left -= 1;
                if *left == 0 {
                    state.alive = false;
                    inner.journal.crashes += 1;
                    inner.doors.remove(&worker);
                    drop(inner);
                    self.tell(|| format!("worker {worker} dies"));
                    return false;
                }
            }
            let pause = self.temper.slow && !calm && inner.random.below(4) == 0;
            pause.then(|| Duration::from_millis(inner.random.within(1..40)))
        };
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        self.is_alive(worker)
    }

    /// The same; who dies never comes back from here.
    pub async fn survives(&self, worker: u32) {
        if !self.point(worker).await {
            std::future::pending::<()>().await;
        }
    }

    /// Whether the store fails now, for once.
    pub fn fails(&self, worker: u32) -> bool {
        let mut inner = self.inner();
        let Some(one_in) = self.temper.outages.filter(|_| !inner.calm && worker != OPERATOR) else { return false };
        let fails = inner.random.within(0..one_in) == 0;
        inner.journal.outages += usize::from(fails);
        fails
    }

    /// A message reaches a peer, after it was asked whether it may, and let go at this time.
    pub fn takes(&self, worker: u32, id: MessageId, asked: u64, left: Instant) -> Answer {
        if let Some(why) = self.forbids(id, asked) {
            self.breaks(format!("the message {id} left, and {why}"));
        }
        let mut inner = self.inner();
        inner.journal.left.entry(id).or_default().push(left);
        let refuses = match self.temper.refusals.filter(|_| !inner.calm) {
            Some(one_in) => inner.random.within(0..one_in) == 0,
            None => false,
        };
        let answer = match if refuses { inner.random.below(10) } else { 10 } {
            0..4 => Answer::RefusesForNow,
            4 => Answer::RefusesForGood,
            5 => Answer::KnowsNobody,
            6 | 7 => Answer::FallsSilent,
            8 | 9 => Answer::TakesInSilence,
            _ => Answer::Takes,
        };
        inner.journal.attempts.entry(id).or_default().push(answer);
        if answer.hides() {
            *inner.journal.hidden.entry(id).or_default() += 1;
        }
        drop(inner);
        self.tell(|| format!("worker {worker}: the peer of {id}: {answer:?}"));
        answer
    }

    /// Why a message may not leave.
    fn forbids(&self, id: MessageId, asked: u64) -> Option<String> {
        let inner = self.inner();
        let journal = &inner.journal;
        let Some(Decided { outgoing, knew }) = journal.decided.get(&id) else {
            return Some("nobody has committed that it be sent".to_owned());
        };
        if outgoing.purpose != Purpose::Marketing {
            return None;
        }
        let key = journal.keys.iter().find(|(_, contact)| **contact == id.contact).map(|(key, _)| key.clone())?;
        let known = |acknowledged: &u64| *acknowledged < asked;
        let mut left = None;
        for (place, (input, kind)) in journal.accepted.get(&id.contact).into_iter().flatten() {
            let acknowledged = input.as_ref().and_then(|input| journal.acknowledged.get(&(key.clone(), input.clone())));
            if *place > *knew && !acknowledged.is_some_and(known) {
                continue;
            }
            let its = |topic: &Option<SmolStr>| topic.is_none() || *topic == outgoing.topic;
            match kind {
                InputKind::Unsubscribe { topic } if its(topic) => left = Some(*place),
                InputKind::UnsubscribeVia { topic, channel } if its(topic) && *channel == outgoing.channel => {
                    left = Some(*place);
                }
                InputKind::Subscribe { topic, .. } if Some(topic) == outgoing.topic.as_ref() => left = None,
                _ => {}
            }
        }
        left.map(|place| format!("{key} had unsubscribed with its input {place}"))
    }

    /// The messages that workers had in hand who are dead.
    pub fn left_behind(&self) -> Vec<(MessageId, InHand)> {
        let inner = self.inner();
        let dead: BTreeSet<u32> =
            inner.workers.iter().filter(|(_, worker)| !worker.alive).map(|(number, _)| *number).collect();
        inner.in_hand.iter().filter(|(_, hand)| dead.contains(&hand.worker)).map(|(id, hand)| (*id, *hand)).collect()
    }
}
