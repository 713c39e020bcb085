//! One life: what a seed makes of a few contacts, from the first of them to the last thing that anybody waits for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use journey_bytecode::Instant;
use journey_runtime::clock::Clock;
use journey_runtime::core::input::Backlog;
use journey_runtime::deploy::{self, DeployError};
use journey_runtime::engine::Engine;
use journey_runtime::store::{Kept, Store, StoreError};
use journey_tests::random::Random;

use crate::people::{self, News};
use crate::project::{PAUSABLE, Rules, Ways, editions};
use crate::promises;
use crate::seat::Seat;
use crate::world::{OPERATOR, START, Temper, World};

const DAY: u64 = 24 * 3_600_000;

/// How many rounds a life has at most; it never comes to rest otherwise.
const MOST_ROUNDS: usize = 50_000;

/// How many characters of what is broken are told.
const MOST_TOLD: usize = 2_000;

/// What became of a life.
#[derive(Clone, Default, Debug)]
pub struct Lived {
    pub inputs: usize,
    pub messages: usize,
    pub attempts: usize,
    pub crashes: usize,
    pub outages: usize,
    pub repeated: usize,
    pub held: usize,
    pub twice: usize,
    /// What may never happen, and did.
    pub broken: Vec<String>,
    /// All that there is to know of it, as one number: the same each time.
    pub print: u64,
}

impl Lived {
    /// Both together.
    pub fn add(&mut self, other: &Self) {
        self.inputs += other.inputs;
        self.messages += other.messages;
        self.attempts += other.attempts;
        self.crashes += other.crashes;
        self.outages += other.outages;
        self.repeated += other.repeated;
        self.held += other.held;
        self.twice += other.twice;
        self.print = self.print.wrapping_mul(31).wrapping_add(other.print);
    }
}

impl std::fmt::Display for Lived {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { inputs, messages, attempts, crashes, outages, repeated, held, twice, print, .. } = self;
        write!(
            f,
            "{inputs} inputs acknowledged ({repeated} of their requests were not), {messages} messages decided, {attempts} \
             attempts at them, {crashes} crashes, {outages} failures of the store; {held} messages held, {twice} came twice; all that happened, as one number: {print:016x}"
        )
    }
}

/// What somebody does to the project.
#[derive(Clone, Debug)]
enum Act {
    News(News),
    Deploy { edition: usize, moves: bool },
    Pause(&'static str),
    Resume(&'static str, Backlog),
}

fn temper(random: &mut Random) -> Temper {
    let one_of = |random: &mut Random, all: &[Option<u64>]| all[random.below(all.len())];
    Temper {
        workers: if random.below(3) == 0 { 1 } else { 2 },
        crashes: one_of(random, &[None, Some(3_000), Some(800), Some(200)]),
        outages: one_of(random, &[None, None, Some(400), Some(40)]),
        slow: random.below(4) > 0,
        refusals: one_of(random, &[None, Some(10), Some(3)]),
        jumps: [500, 60_000, 10 * 60_000, DAY][random.below(4)],
    }
}

fn rules(random: &mut Random) -> Rules {
    let mut coin = || random.below(2) == 0;
    Rules { marketing_holds: coin(), transactional_holds: coin(), strict: coin() }
}

/// What happens when, in milliseconds after the beginning.
fn plan(random: &mut Random) -> Vec<(u64, Act)> {
    let days = random.within(1..5);
    let mut plan: Vec<(u64, Act)> =
        people::stories(random, days).into_iter().map(|news| (news.after, Act::News(news))).collect();
    for _ in 0..random.below(3) {
        let act = Act::Deploy { edition: random.below(2), moves: random.below(2) == 0 };
        plan.push((random.within(0..days * DAY), act));
    }
    for journey in PAUSABLE {
        if random.below(5) == 0 {
            let from = random.within(0..days * DAY);
            let backlog = [Backlog::Shift, Backlog::Send, Backlog::Skip][random.below(3)];
            plan.push((from, Act::Pause(journey)));
            plan.push((from + random.within(0..DAY), Act::Resume(journey, backlog)));
        }
    }
    plan.sort_by_key(|(after, _)| *after);
    plan
}

/// Lives through so many seeds from one on, on two threads; nothing depends on which of them takes which. What came of all of
/// them, or how those broke a promise that did.
pub fn lives(first: u64, seeds: u64) -> Result<String, String> {
    let next = AtomicU64::new(first);
    let work = || {
        let seeds_left = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        let mine = seeds_left.take_while(|seed| *seed < first + seeds);
        // Who asks for one seed wants to know what happens.
        mine.map(|seed| (seed, live(seed, seeds == 1))).collect::<Vec<_>>()
    };
    let mut lives = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mut lives = work();
        lives.extend(other.join().expect("a life does not panic"));
        lives
    });
    lives.sort_by_key(|(seed, _)| *seed);
    let (mut sum, mut broken) = (Lived::default(), Vec::new());
    for (seed, lived) in lives {
        sum.add(&lived);
        if !lived.broken.is_empty() {
            let what: Vec<String> = lived.broken.iter().map(|what| what.chars().take(MOST_TOLD).collect()).collect();
            broken.push(format!(
                "seed {seed}:\n{}\nthe same life again, and told: JOURNEY_SEED={seed} JOURNEY_SEEDS=1 cargo test -p \
                 journey-tests --test sim promises -- --nocapture",
                what.join("\n")
            ));
        }
    }
    match broken.len() {
        0 => Ok(format!("{seeds} seeds: {sum}")),
        few => Err(format!("{few} of {seeds} seeds break a promise\n{}", broken.join("\n\n"))),
    }
}

/// Lives through a seed.
pub fn live(seed: u64, tells: bool) -> Lived {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let mut random = Random::new(seed);
        let (temper, rules) = (temper(&mut random), rules(&mut random));
        let world = World::new(Random::new(random.draw()), temper, tells);
        world.tell(|| format!("seed {seed}: {temper:?}, {rules:?}"));
        let plan = plan(&mut random);
        Life { world, rules, random, engines: BTreeMap::new(), hired: OPERATOR, back: Vec::new() }.through(plan).await
    })
}

struct Life {
    world: Arc<World>,
    rules: Rules,
    random: Random,
    engines: BTreeMap<u32, Engine<Seat>>,
    /// The last worker's number.
    hired: u32,
    /// When those come back that have died.
    back: Vec<Instant>,
}

impl Life {
    async fn through(mut self, plan: Vec<(u64, Act)>) -> Lived {
        self.world.begin(OPERATOR);
        self.deploy(0, false).await;
        self.back = vec![START; self.world.temper.workers as usize];
        let mut plan = plan.into_iter().peekable();
        let mut rounds = 0;
        loop {
            rounds += 1;
            if rounds > MOST_ROUNDS {
                self.world.breaks(format!("it does not come to rest: {:?}", self.world.store.counts().await));
                break;
            }
            self.bury_and_hire().await;
            let now = self.world.now();
            while let Some((_, act)) = plan.next_if(|(after, _)| moment(*after) <= now) {
                self.act(act).await;
            }
            if plan.peek().is_none() {
                self.world.calm_down();
            }
            let next = self.next(plan.peek().map(|(after, _)| moment(*after))).await;
            let busy = self.world.inner().senders > 0 || !self.world.left_behind().is_empty();
            match next {
                None if !busy && self.rests().await => break,
                Some(next) if next.0 > now.0 + 3_000 && !busy => {
                    let beyond = self.random.within(0..self.world.temper.jumps);
                    self.world.wall.jump(next.0 - now.0 + i64::try_from(beyond).expect("a jump"));
                }
                _ => {}
            }
            tokio::time::sleep(Duration::from_millis(self.random.within(20..800))).await;
        }
        promises::hold(&self.world, self.rules).await
    }

    /// When there is something to do next; none if never.
    async fn next(&self, act: Option<Instant>) -> Option<Instant> {
        let store = &self.world.store;
        let contacts = store.next_due().await.expect("memory does not fail");
        let messages = store.next_message_due().await.expect("memory does not fail");
        [act, contacts, messages].into_iter().flatten().chain(self.back.iter().copied()).min()
    }

    /// Whether nothing is under way any more.
    async fn rests(&self) -> bool {
        let counts = self.world.store.counts().await.expect("memory does not fail");
        let held = self.world.store.outbox(Kept::Held, usize::MAX).await.expect("memory does not fail").len() as u64;
        let revisions = self.world.store.revisions(usize::MAX).await.expect("memory does not fail");
        counts.pending == 0 && counts.queued == held && revisions.iter().all(|revision| revision.told)
    }

    /// The dead are gone, and others come for them.
    async fn bury_and_hire(&mut self) {
        let dead: Vec<u32> = self.engines.keys().copied().filter(|worker| !self.world.is_alive(*worker)).collect();
        for worker in dead {
            // Without goodbye: its tasks are dropped where they stand.
            self.engines.remove(&worker);
            let away = match self.random.below(10) {
                0 => self.random.within(60_000..40 * 60_000),
                _ => self.random.within(0..20_000),
            };
            self.back.push(Instant(self.world.now().0 + i64::try_from(away).expect("a pause")));
        }
        let now = self.world.now();
        let calm = self.world.inner().calm;
        let due = self.back.iter().filter(|back| calm || **back <= now).count();
        self.back.retain(|back| !calm && *back > now);
        for _ in 0..due {
            self.hire().await;
        }
    }

    async fn hire(&mut self) {
        self.hired += 1;
        let worker = self.hired;
        let world = Arc::clone(&self.world);
        world.begin(worker);
        world.tell(|| format!("worker {worker} begins"));
        let seat = Seat { world: Arc::clone(&world), worker };
        let ways = Arc::new(Ways { world: Arc::clone(&world), worker });
        let clock = Arc::clone(&world.wall) as Arc<dyn Clock>;
        // It may die while it starts, and then never returns.
        match tokio::time::timeout(Duration::from_secs(5), Engine::follow(seat, ways, clock)).await {
            Ok(Ok(engine)) if world.is_alive(worker) => {
                world.inner().doors.insert(worker, engine.submitter());
                self.engines.insert(worker, engine);
            }
            Ok(Ok(_)) | Ok(Err(DeployError::Store(StoreError::Unavailable(_)))) | Err(_) => {
                world.dies(worker);
                self.back.push(Instant(world.now().0 + 1_000));
            }
            Ok(Err(error)) => world.breaks(format!("worker {worker} does not start: {error}")),
        }
    }

    async fn act(&mut self, act: Act) {
        match act {
            Act::News(news) => self.world.hear(news),
            Act::Deploy { edition, moves } => self.deploy(edition, moves).await,
            Act::Pause(journey) => {
                self.world.tell(|| format!("{journey} is paused"));
                let paused = deploy::pause(&self.operator(), journey, self.world.now()).await;
                paused.expect("each is paused once");
            }
            Act::Resume(journey, backlog) => {
                self.world.tell(|| format!("{journey} goes on: {}", backlog.name()));
                let resumed = deploy::resume(&self.operator(), journey, backlog, self.world.now()).await;
                self.told(&resumed.expect("it was paused")).await;
            }
        }
    }

    async fn deploy(&mut self, edition: usize, moves: bool) {
        self.world.tell(|| format!("edition {edition} is deployed; runs are moved: {moves}"));
        let bundle = &editions(self.rules)[edition];
        let revision = deploy::deploy(&self.operator(), bundle, moves, self.world.now()).await.expect("it is deployed");
        self.told(&revision).await;
    }

    /// Contacts are told, unless whoever made the revision goes away before: then a worker does it.
    async fn told(&mut self, revision: &journey_runtime::store::Revision) {
        if self.random.below(4) > 0 {
            deploy::tell(&self.operator(), revision, self.world.now()).await.expect("they are told");
        }
    }

    fn operator(&self) -> Seat {
        Seat { world: Arc::clone(&self.world), worker: OPERATOR }
    }
}

fn moment(after: u64) -> Instant {
    Instant(START.0 + i64::try_from(after).expect("a life is short"))
}
