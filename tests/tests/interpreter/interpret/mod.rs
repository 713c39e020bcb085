//! A naive interpreter: the rules of the manual, written down once more, as plainly as they can be.

mod conditions;
mod consent;
mod enter;
mod happen;
mod send;
mod steps;
mod time;
mod values;
mod waits;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use journey_bytecode::{Date, Instant, LocalWindow, Points, Span, Time, Value, WeekdaySet};
use journey_runtime::time::{DAY, Zone};

use crate::program::{
    Act, Aggregate, BIRTHS, Channel, Cond, EVENTS, Exit, FIRST_DAY, For, Gathering, INTERESTS, Journey, Leave, MAILS,
    NAMES, On, PLANS, Pattern, Program, Reenter, SEGMENTS, SENDERS, STAGES, Status, Step, TAGS, TOPICS, Until, WINDOWS,
    ZONE,
};
pub use steps::as_said;
use values::Known;

/// Friday, 27 March 2026, 08:00 in Berlin; two days later clocks go forward.
pub const START: Instant = Instant(1_774_594_800_000);

/// How long is waited for what is still to come after the last thing that happened.
pub const LAST_WORD: i64 = 60 * DAY;

/// The contact.
pub const KEY: &str = "random";

const HOUR: i64 = 3_600_000;
const QUIET: LocalWindow = LocalWindow { days: WeekdaySet::ALL, from: Time(22 * 3600), to: Time(6 * 3600) };

/// So many messages within so many days; on one channel, if it is named.
const CAPS: [(usize, i32, Option<Channel>); 2] = [(3, 2, None), (1, 1, Some(Channel::Sms))];

/// How soon a condition is looked at again, in milliseconds. What a score does in less is not asked here.
const GLANCE: i64 = 1000;

/// So many occurrences of a contact are remembered. What comes of more is not asked here.
const REMEMBERED: usize = 1000;

/// How many changes may follow from one thing before a circle counts as endless.
const ENDLESS: u32 = 200;

/// Something that runs can react to.
#[derive(Clone, Debug, PartialEq)]
enum Happening {
    Created,
    Event(usize, i64),
    Tagged(usize),
    Untagged(usize),
    Changed,
    /// From, to.
    Plan(usize, usize),
    /// Which message, and whether its link was clicked.
    Message(Status, usize),
    Sent(usize),
    Moved(usize),
    Subscribed(usize, Option<Channel>),
    Unsubscribed(Option<usize>, Option<Channel>),
    Written(usize, Channel),
    Entered(usize),
    Left(usize),
}

impl Happening {
    fn name(&self) -> String {
        match self {
            Self::Created => "created".to_owned(),
            Self::Event(event, _) => EVENTS[*event].to_owned(),
            Self::Tagged(_) => "tagged".to_owned(),
            Self::Untagged(_) => "untagged".to_owned(),
            Self::Changed | Self::Plan(..) => "changed".to_owned(),
            Self::Message(status, _) => status.word().to_owned(),
            Self::Sent(_) => "sent".to_owned(),
            Self::Moved(_) => "moved".to_owned(),
            Self::Subscribed(..) => "subscribed".to_owned(),
            Self::Unsubscribed(..) => "unsubscribed".to_owned(),
            Self::Written(..) => "message".to_owned(),
            Self::Entered(segment) => format!("entered {}", SEGMENTS[*segment]),
            Self::Left(segment) => format!("left {}", SEGMENTS[*segment]),
        }
    }
}

enum Pending {
    Happened(Happening),
    /// The journey, and what is handed over.
    Start(usize, i64),
    Withdrawn(Option<usize>, Option<Channel>),
    Erase,
}

struct Message {
    name: usize,
    channel: Channel,
    at: Instant,
    marketing: bool,
    /// What became of it, and when last.
    statuses: Vec<(Status, Instant)>,
}

impl Message {
    fn since(&self, status: Status) -> Option<Instant> {
        self.statuses.iter().find(|(known, _)| *known == status).map(|(_, at)| *at)
    }

    fn has(&self, status: Status) -> bool {
        self.since(status).is_some()
    }
}

/// Where a run stands in its steps.
#[derive(Clone)]
enum Frame<'p> {
    Block(&'p [Step], usize),
    Loop(u32, Option<&'p Cond>, &'p [Step]),
    /// The points of a countdown that are still to come.
    Points(&'p [(i32, Option<u32>, Vec<Step>)]),
    /// A moment that is waited for next.
    Until(Instant),
}

/// When a wait is over.
#[derive(Clone, Copy)]
enum When {
    At(Instant),
    /// Days after the renewal, at an hour: it moves with the renewal.
    Renewal(i32, Option<u32>),
}

/// What is waited for, and what is done then.
#[derive(Clone, Copy)]
struct Arm<'p> {
    what: &'p For,
    from_now: bool,
    then: &'p [Step],
}

/// A side of a split that a run took.
#[derive(Clone, Copy)]
struct Side<'p> {
    split: usize,
    name: &'static str,
    /// What is measured, within how many days.
    measure: &'p (Pattern, i32),
    took: Instant,
    reached: bool,
}

#[derive(Clone)]
struct Wait<'p> {
    when: When,
    arms: Vec<Arm<'p>>,
    condition: Option<&'p Cond>,
    /// What is done when the time is over.
    then: &'p [Step],
    /// What is done if the moment is past, or there is none.
    past: Option<&'p [Step]>,
}

#[derive(Clone)]
enum Parked<'p> {
    /// Before anything.
    Nothing,
    Wait(Instant, Wait<'p>),
    /// At a send whose window is closed.
    Held(Instant),
    /// At a question: which, and until when.
    Asking(usize, &'p Step, Instant),
    /// More triggers are gathered.
    Collecting(Instant),
}

#[derive(Clone)]
struct Run<'p> {
    number: usize,
    journey: usize,
    key: Option<i64>,
    entered: Instant,
    /// What came with the trigger.
    amount: Option<i64>,
    /// How many triggers were gathered.
    gathered: i64,
    level: i64,
    /// What it gave a name to.
    locals: BTreeMap<usize, Known>,
    /// Until when its code is good.
    code: Instant,
    first: Option<usize>,
    last: Option<usize>,
    frames: Vec<Frame<'p>>,
    parked: Parked<'p>,
    unused: Vec<Happening>,
    reached: bool,
    /// Why it leaves, while it does what is to be done before.
    leaving: Option<String>,
    /// Sides of splits that measure something.
    sides: Vec<Side<'p>>,
}

struct Ended<'p> {
    run: Run<'p>,
    hopes: bool,
}

/// The next time of a trigger on the calendar.
struct Moment {
    journey: usize,
    trigger: usize,
    next: Option<Instant>,
    fired: Option<Instant>,
}

pub struct World<'p> {
    program: &'p Program,
    zone: Zone,
    now: Instant,
    /// Which mail address, and which phone number.
    addresses: [Option<usize>; 2],
    plan: usize,
    visits: i64,
    renewal: Option<i32>,
    born: i32,
    name: String,
    interests: Vec<usize>,
    tags: BTreeSet<usize>,
    stage: Option<usize>,
    score: Option<(Points, Instant)>,
    unsubscribed: BTreeSet<usize>,
    unsubscribed_all: bool,
    /// To which topic, on which channel, until when.
    consents: Vec<(usize, Option<Channel>, Instant)>,
    withdrawn: BTreeSet<(Option<usize>, Channel)>,
    suppressed: bool,
    /// Addresses that take no more, and how many messages came back in a row.
    dead: [Option<usize>; 2],
    bounced: [u32; 2],
    history: Vec<(usize, i64, Instant)>,
    /// Changes of the plan.
    changes: Vec<(usize, usize, Instant)>,
    stages_left: Vec<(usize, Instant)>,
    segments_left: Vec<(usize, Instant)>,
    journeys_left: Vec<(usize, Instant)>,
    messages: Vec<Message>,
    runs: Vec<Run<'p>>,
    begun: usize,
    ended: Vec<Ended<'p>>,
    /// Who asked.
    asked: Vec<usize>,
    segments: [bool; 2],
    moments: Vec<Moment>,
    queue: VecDeque<Pending>,
    chain: u32,
    /// What chance gave the machine: it is given to both.
    draws: VecDeque<i64>,
    erased: bool,
    /// Whether a score changes an answer sooner than anybody looks again.
    hasty: Cell<bool>,
    out: Vec<String>,
}

const NOTHING: &[Step] = &[];

impl<'p> World<'p> {
    /// What happens to a contact with this history; none if it never comes to rest, or too much happens, or too soon.
    pub fn live(program: &'p Program, history: &[(i64, Act)], draws: &[i64]) -> Option<Vec<String>> {
        let mut world = World {
            program,
            zone: Zone::parse(ZONE).unwrap(),
            now: START,
            addresses: [Some(0), Some(0)],
            plan: 0,
            visits: 0,
            renewal: None,
            born: BIRTHS[0],
            name: NAMES[0].to_owned(),
            interests: Vec::new(),
            tags: BTreeSet::new(),
            stage: None,
            score: None,
            unsubscribed: BTreeSet::new(),
            unsubscribed_all: false,
            consents: Vec::new(),
            withdrawn: BTreeSet::new(),
            suppressed: false,
            dead: [None, None],
            bounced: [0, 0],
            history: Vec::new(),
            changes: Vec::new(),
            stages_left: Vec::new(),
            segments_left: Vec::new(),
            journeys_left: Vec::new(),
            messages: Vec::new(),
            runs: Vec::new(),
            begun: 0,
            ended: Vec::new(),
            asked: Vec::new(),
            segments: [false; 2],
            moments: Vec::new(),
            queue: VecDeque::new(),
            chain: 0,
            draws: draws.iter().copied().collect(),
            erased: false,
            hasty: Cell::new(false),
            out: Vec::new(),
        };
        world.happen(&Happening::Created);
        world.plan_moments();
        world.settle();
        world.fire(START);
        for (after, act) in history {
            let at = Instant(START.0 + after);
            world.fire(Instant(at.0 - 1));
            if world.over() {
                break;
            }
            world.now = at;
            world.chain = 0;
            world.act(act);
            world.settle();
            world.fire(at);
        }
        let last = history.last().map_or(0, |(after, _)| *after);
        world.fire(Instant(START.0 + last + LAST_WORD));
        let asked = world.chain <= ENDLESS && world.occurrences() <= REMEMBERED && !world.hasty.get();
        asked.then_some(world.out)
    }

    /// How much there is to remember.
    fn occurrences(&self) -> usize {
        let left = self.stages_left.len() + self.segments_left.len() + self.journeys_left.len();
        self.history.len() + self.changes.len() + left
    }

    /// Whether nothing more is to be seen: the contact is erased, or a circle has no end.
    fn over(&self) -> bool {
        self.erased || self.chain > ENDLESS
    }

    fn say(&mut self, journey: usize, what: &str) {
        self.out.push(format!("{} j{journey} {what}", self.now.0 - START.0));
    }

    fn days(&self, from: Instant, days: i32) -> Instant {
        self.zone.add(from, Span { days, ..Span::default() })
    }

    fn journey(&self, number: usize) -> &'p Journey {
        &self.program.journeys[number]
    }

    /// Lets follow what a step did.
    fn follows(&mut self, pending: Pending) {
        self.chain += 1;
        self.queue.push_back(pending);
    }

    fn settle(&mut self) {
        loop {
            while let Some(pending) = self.queue.pop_front() {
                match pending {
                    Pending::Happened(happening) => self.happen(&happening),
                    Pending::Start(journey, amount) => self.enter(journey, Some(amount)),
                    Pending::Withdrawn(topic, channel) => self.withdrawn(topic, channel),
                    Pending::Erase => self.erase(),
                }
                if self.over() {
                    return;
                }
            }
            if !self.watch() {
                return;
            }
        }
    }

    /// Notes the segments that the contact entered or left; whether there are any.
    fn watch(&mut self) -> bool {
        let mut crossed = false;
        for segment in 0..SEGMENTS.len() {
            let holds = self.holds(&self.program.segments[segment], None);
            if self.segments[segment] != holds {
                self.segments[segment] = holds;
                crossed = true;
                if !holds {
                    self.segments_left.push((segment, self.now));
                }
                let happening = if holds { Happening::Entered(segment) } else { Happening::Left(segment) };
                self.follows(Pending::Happened(happening));
            }
        }
        crossed
    }

    fn erase(&mut self) {
        for number in self.active() {
            let run = self.take(number).unwrap();
            self.end(run, "deleted");
        }
        self.erased = true;
    }

    /// The journeys, more important ones first.
    fn by_rank(&self) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..self.program.journeys.len()).collect();
        numbers.sort_by_key(|number| -self.journey(*number).priority);
        numbers
    }

    /// The active runs: those of more important journeys first, then oldest first.
    fn active(&self) -> Vec<usize> {
        let mut order: Vec<(i8, usize)> =
            self.runs.iter().map(|run| (-self.journey(run.journey).priority, run.number)).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, number)| number).collect()
    }

    fn take(&mut self, number: usize) -> Option<Run<'p>> {
        let place = self.runs.iter().position(|run| run.number == number)?;
        Some(self.runs.remove(place))
    }

    fn put(&mut self, run: Run<'p>) {
        self.runs.push(run);
        self.runs.sort_by_key(|run| run.number);
    }

    fn end(&mut self, run: Run<'p>, why: &str) {
        self.say(run.journey, &format!("ends: {why}"));
        self.journeys_left.push((run.journey, self.now));
        let goal = match &self.journey(run.journey).goal {
            Some((_, days, _)) => !run.reached && days.is_none_or(|days| self.now <= self.days(run.entered, days)),
            None => false,
        };
        let measures = run.sides.iter().any(|side| !side.reached && self.now <= self.days(side.took, side.measure.1));
        self.ended.retain(|ended| ended.run.journey != run.journey || ended.run.key != run.key);
        self.ended.push(Ended { run, hopes: goal || measures });
    }
}

const fn window(place: usize) -> LocalWindow {
    let (_, days, from, to) = WINDOWS[place];
    LocalWindow { days: WeekdaySet(days), from: Time(from * 3600), to: Time(to * 3600) }
}
