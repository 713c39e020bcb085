//! A naive interpreter: the rules of the manual, written down once more, as plainly as they can be.

mod happen;
mod steps;
mod time;

use std::collections::{BTreeSet, VecDeque};

use journey_bytecode::{Instant, LocalWindow, Span, Time, WeekdaySet};
use journey_runtime::time::{DAY, Zone};

use crate::program::{
    Act, Cond, EVENTS, Exit, For, Journey, MAILS, On, PLANS, Pattern, Program, Reenter, STAGES, Step, TAGS, ZONE,
};

/// Friday, 27 March 2026, 08:00 in Berlin; two days later clocks go forward.
pub const START: Instant = Instant(1_774_594_800_000);

/// How long is waited for what is still to come after the last thing that happened.
pub const LAST_WORD: i64 = 60 * DAY;

const HOUR: i64 = 3_600_000;
const QUIET: LocalWindow = LocalWindow { days: WeekdaySet::ALL, from: Time(22 * 3600), to: Time(6 * 3600) };
const CAP: (usize, i32) = (3, 2);

/// Something that runs can react to.
#[derive(Clone, Debug, PartialEq)]
enum Happening {
    Event(usize, i64),
    Tagged(usize),
    Untagged(usize),
    Changed(&'static str),
    PlanTo(usize),
    Opened(usize),
    Clicked(usize),
    Moved,
    Unsubscribed,
}

impl Happening {
    const fn name(&self) -> &'static str {
        match self {
            Self::Event(event, _) => EVENTS[*event],
            Self::Tagged(_) => "tagged",
            Self::Untagged(_) => "untagged",
            Self::Changed(_) | Self::PlanTo(_) => "changed",
            Self::Opened(_) => "opened",
            Self::Clicked(_) => "clicked",
            Self::Moved => "moved",
            Self::Unsubscribed => "unsubscribed",
        }
    }
}

enum Pending {
    Happened(Happening),
    Start(usize),
    Withdrawn,
}

struct Message {
    name: usize,
    at: Instant,
    marketing: bool,
    skipped: bool,
    opened: Option<Instant>,
    clicked: bool,
}

/// Where a run stands in its steps.
#[derive(Clone)]
enum Frame<'p> {
    Block(&'p [Step], usize),
    Loop(u32, Option<&'p Cond>, &'p [Step]),
}

#[derive(Clone)]
enum Parked<'p> {
    /// Before anything.
    Nothing,
    /// At a wait: until when, which arms, which condition, and what follows in time.
    Wait(Instant, Vec<(&'p For, &'p [Step])>, Option<&'p Cond>, &'p [Step]),
    /// At a send whose window is closed.
    Held(Instant),
}

#[derive(Clone)]
struct Run<'p> {
    number: usize,
    journey: usize,
    key: Option<i64>,
    entered: Instant,
    level: i64,
    first: Option<usize>,
    last: Option<usize>,
    frames: Vec<Frame<'p>>,
    parked: Parked<'p>,
    unused: Vec<Happening>,
    reached: bool,
}

struct Ended<'p> {
    run: Run<'p>,
    hopes: bool,
}

pub struct World<'p> {
    program: &'p Program,
    zone: Zone,
    now: Instant,
    address: bool,
    plan: usize,
    visits: i64,
    tags: BTreeSet<usize>,
    stage: Option<usize>,
    unsubscribed: bool,
    history: Vec<(usize, i64, Instant)>,
    messages: Vec<Message>,
    runs: Vec<Run<'p>>,
    begun: usize,
    ended: Vec<Ended<'p>>,
    queue: VecDeque<Pending>,
    out: Vec<String>,
}

const NOTHING: &[Step] = &[];

impl<'p> World<'p> {
    pub fn live(program: &'p Program, history: &[(i64, Act)]) -> Vec<String> {
        let mut world = World {
            program,
            zone: Zone::parse(ZONE).unwrap(),
            now: START,
            address: true,
            plan: 0,
            visits: 0,
            tags: BTreeSet::new(),
            stage: None,
            unsubscribed: false,
            history: Vec::new(),
            messages: Vec::new(),
            runs: Vec::new(),
            begun: 0,
            ended: Vec::new(),
            queue: VecDeque::new(),
            out: Vec::new(),
        };
        for (after, act) in history {
            let at = Instant(START.0 + after);
            world.fire(Instant(at.0 - 1));
            world.now = at;
            world.act(act);
            world.settle();
            world.fire(at);
        }
        let last = history.last().map_or(0, |(after, _)| *after);
        world.fire(Instant(START.0 + last + LAST_WORD));
        world.out
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

    fn settle(&mut self) {
        while let Some(pending) = self.queue.pop_front() {
            match pending {
                Pending::Happened(happening) => self.happen(&happening),
                Pending::Start(journey) => self.enter(journey, None),
                Pending::Withdrawn => self.withdrawn(),
            }
        }
    }

    /// The journeys, more important ones first.
    fn by_rank(&self) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..self.program.journeys.len()).collect();
        numbers.sort_by_key(|number| !self.journey(*number).high);
        numbers
    }

    /// The active runs: those of more important journeys first, then oldest first.
    fn active(&self) -> Vec<usize> {
        let mut order: Vec<(bool, usize)> =
            self.runs.iter().map(|run| (!self.journey(run.journey).high, run.number)).collect();
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
        let hopes = match &self.journey(run.journey).goal {
            Some((_, days, _)) => !run.reached && days.is_none_or(|days| self.now <= self.days(run.entered, days)),
            None => false,
        };
        self.ended.retain(|ended| ended.run.journey != run.journey || ended.run.key != run.key);
        self.ended.push(Ended { run, hopes });
    }
}
