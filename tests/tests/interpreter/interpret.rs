//! A naive interpreter: the rules of the manual, written down once more, as plainly as they can be.

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

    // What happens ---------------------------------------------------------------------------------------------------

    fn act(&mut self, act: &Act) {
        match act {
            Act::Tag(tag) => {
                if self.tags.insert(*tag) {
                    self.happen(&Happening::Tagged(*tag));
                }
            }
            Act::Untag(tag) => {
                if self.tags.remove(tag) {
                    self.happen(&Happening::Untagged(*tag));
                }
            }
            Act::Event(event, amount) => {
                self.history.push((*event, *amount, self.now));
                self.happen(&Happening::Event(*event, *amount));
            }
            Act::Plan(plan) => {
                if self.plan != *plan {
                    self.plan = *plan;
                    self.happen(&Happening::PlanTo(*plan));
                }
            }
            Act::Visits(visits) => {
                if self.visits != *visits {
                    self.visits = *visits;
                    self.happen(&Happening::Changed("visits"));
                }
            }
            Act::Address(has) => {
                if self.address != *has {
                    self.address = *has;
                    self.happen(&Happening::Changed("email"));
                }
            }
            Act::Opened(mail) => self.message(*mail, false),
            Act::Clicked(mail) => self.message(*mail, true),
            Act::Unsubscribed => {
                if !self.unsubscribed {
                    self.unsubscribed = true;
                    self.withdrawn();
                }
            }
            Act::Subscribed => self.unsubscribed = false,
        }
    }

    fn message(&mut self, mail: usize, click: bool) {
        let Some(place) = self.messages.iter().rposition(|message| message.name == mail) else { return };
        let now = self.now;
        let message = &mut self.messages[place];
        let opens = !click || message.opened.is_none();
        if opens {
            message.opened = Some(now);
        }
        message.clicked |= click;
        if opens {
            self.happen(&Happening::Opened(place));
        }
        if click {
            self.happen(&Happening::Clicked(place));
        }
    }

    fn withdrawn(&mut self) {
        for number in self.active() {
            let marketing = |run: &Run<'_>| self.journey(run.journey).marketing;
            if self.runs.iter().any(|run| run.number == number && marketing(run)) {
                let run = self.take(number).unwrap();
                self.end(run, "unsubscribed");
            }
        }
        self.happen(&Happening::Unsubscribed);
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

    fn happen(&mut self, happening: &Happening) {
        for number in self.active() {
            if let Some(run) = self.take(number) {
                self.react(run, happening);
            }
        }
        for place in 0..self.ended.len() {
            let mut ended = self.ended[place].run.clone();
            if self.ended[place].hopes && self.goal(&mut ended, happening) {
                self.ended[place].hopes = false;
            }
        }
        self.trigger(happening);
    }

    fn trigger(&mut self, happening: &Happening) {
        let mut refused = Vec::new();
        for number in self.by_rank() {
            let listens = match (&self.journey(number).on, happening) {
                (On::Tag(tag), Happening::Tagged(other)) | (On::Untag(tag), Happening::Untagged(other)) => tag == other,
                (On::Event(pattern), Happening::Event(event, _)) => pattern.event == *event,
                (On::PlanTo(plan), Happening::PlanTo(other)) => plan == other,
                (On::Opened, Happening::Opened(place)) => self.messages[*place].name == 0,
                _ => false,
            };
            if !listens {
                continue;
            }
            match (&self.journey(number).on, happening) {
                (On::Event(pattern), Happening::Event(_, amount)) => {
                    if pattern.least.is_none_or(|least| *amount >= least) {
                        self.enter(number, Some(*amount));
                    } else {
                        refused.push(number);
                    }
                }
                _ => self.enter(number, None),
            }
        }
        for number in refused {
            self.say(number, "refuses: trigger");
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

    // How runs begin ---------------------------------------------------------------------------------------------------

    fn enter(&mut self, number: usize, amount: Option<i64>) {
        let journey = self.journey(number);
        let key = if journey.per { amount } else { None };
        let stranger = Run {
            number: self.begun,
            journey: number,
            key,
            entered: self.now,
            level: self.visits + journey.level,
            first: None,
            last: None,
            frames: vec![Frame::Block(&journey.body, 0)],
            parked: Parked::Nothing,
            unused: Vec::new(),
            reached: false,
        };
        if journey.filter.as_ref().is_some_and(|filter| !self.holds(filter, None)) {
            return self.say(number, "refuses: filter");
        }
        if journey.marketing && self.unsubscribed {
            return self.say(number, "refuses: unsubscribed");
        }
        let active = self.runs.iter().any(|run| run.journey == number && run.key == key);
        if active && journey.reenter != Reenter::Restart {
            return self.say(number, "refuses: active");
        }
        let last = self.ended.iter().find(|ended| ended.run.journey == number && ended.run.key == key);
        match (journey.reenter, last.map(|last| last.run.entered)) {
            (Reenter::Never, Some(_)) => return self.say(number, "refuses: never"),
            (Reenter::AfterDays(days), Some(entered)) if self.now < self.days(entered, days) => {
                return self.say(number, "refuses: early");
            }
            _ => {}
        }
        let same: Vec<usize> =
            self.runs.iter().filter(|run| run.journey == number && run.key == key).map(|run| run.number).collect();
        for other in same {
            let run = self.take(other).unwrap();
            self.end(run, "restarted");
        }
        for ended in &mut self.ended {
            if ended.run.journey == number && ended.run.key == key {
                ended.hopes = false;
            }
        }
        self.begun += 1;
        self.say(number, "enters");
        if self.exits(&stranger) {
            return self.end(stranger, "exit");
        }
        self.go(stranger);
    }

    // How runs react ---------------------------------------------------------------------------------------------------

    fn react(&mut self, mut run: Run<'p>, happening: &Happening) {
        for exit in &self.journey(run.journey).exits {
            if let Exit::Event(pattern) = exit
                && is(pattern, happening)
            {
                return self.end(run, &format!("exit {}", EVENTS[pattern.event]));
            }
        }
        if self.exits(&run) {
            return self.end(run, "exit");
        }
        if self.goal(&mut run, happening) && self.journey(run.journey).goal.as_ref().is_some_and(|goal| goal.2) {
            return self.end(run, "goal");
        }
        if let Parked::Wait(_, arms, condition, _) = run.parked.clone() {
            if let Some((_, then)) = arms.iter().find(|(what, _)| self.meets(&run, what, happening)) {
                self.say(run.journey, &format!("goes on: {}", happening.name()));
                run.frames.push(Frame::Block(then, 0));
                return self.go(run);
            }
            run.unused.push(happening.clone());
            if condition.is_some_and(|condition| self.holds(condition, Some(&run))) {
                self.say(run.journey, "goes on: condition");
                return self.go(run);
            }
            return self.put(run);
        }
        run.unused.push(happening.clone());
        self.put(run);
    }

    /// Whether a condition behind `exit when` holds.
    fn exits(&self, run: &Run<'p>) -> bool {
        self.journey(run.journey).exits.iter().any(|exit| match exit {
            Exit::When(condition) => self.holds(condition, Some(run)),
            Exit::Event(_) => false,
        })
    }

    /// Whether this reaches the goal, for the first time and in time.
    fn goal(&mut self, run: &mut Run<'p>, happening: &Happening) -> bool {
        let Some((pattern, days, _)) = &self.journey(run.journey).goal else { return false };
        let in_time = days.is_none_or(|days| self.now <= self.days(run.entered, days));
        let reached = !run.reached && in_time && is(pattern, happening);
        if reached {
            run.reached = true;
            self.say(run.journey, "reaches its goal");
        }
        reached
    }

    fn meets(&self, run: &Run<'p>, what: &For, happening: &Happening) -> bool {
        match (what, happening) {
            (For::Event(pattern), _) => is(pattern, happening),
            (For::OpenedFirst, Happening::Opened(place)) => run.first == Some(*place),
            (For::ClickedLast, Happening::Clicked(place)) => run.last == Some(*place),
            (For::Tag(tag), Happening::Tagged(other)) => tag == other,
            _ => false,
        }
    }

    // Time -------------------------------------------------------------------------------------------------------------

    /// When a run has something to do by itself: its wait is over, or time alone may have changed what it asks.
    fn due(&self, run: &Run<'p>) -> Instant {
        let (until, condition) = match &run.parked {
            Parked::Wait(until, _, condition, _) => (*until, *condition),
            Parked::Held(until) => (*until, None),
            Parked::Nothing => (Instant::NEVER, None),
        };
        let mut moments = vec![until];
        for exit in &self.journey(run.journey).exits {
            if let Exit::When(condition) = exit {
                self.turns(condition, &mut moments);
            }
        }
        if let Some(condition) = condition {
            self.turns(condition, &mut moments);
        }
        moments.into_iter().filter(|moment| *moment > self.now || *moment == until).min().unwrap_or(Instant::NEVER)
    }

    /// The moments at which time alone changes the condition.
    fn turns(&self, condition: &Cond, moments: &mut Vec<Instant>) {
        match condition {
            Cond::Did(pattern, _, Some(days), _) => {
                let events = self.history.iter().filter(|(event, ..)| *event == pattern.event);
                moments.extend(events.map(|(.., at)| self.days(*at, *days)));
            }
            Cond::OpenedAny(days) => {
                moments.extend(self.messages.iter().filter_map(|m| m.opened).map(|at| self.days(at, *days)));
            }
            Cond::Not(inner) => self.turns(inner, moments),
            Cond::And(sides) | Cond::Or(sides) => {
                self.turns(&sides.0, moments);
                self.turns(&sides.1, moments);
            }
            _ => {}
        }
    }

    fn fire(&mut self, end: Instant) {
        loop {
            let Some(next) = self.runs.iter().map(|run| self.due(run)).min().filter(|next| *next <= end) else {
                return;
            };
            let due: BTreeSet<usize> =
                self.runs.iter().filter(|run| self.due(run) == next).map(|run| run.number).collect();
            self.now = self.now.max(next);
            for number in self.active() {
                if due.contains(&number)
                    && let Some(run) = self.take(number)
                {
                    self.wake(run);
                    self.settle();
                }
            }
        }
    }

    fn wake(&mut self, mut run: Run<'p>) {
        if self.exits(&run) {
            return self.end(run, "exit");
        }
        match run.parked.clone() {
            Parked::Wait(until, _, condition, then) => {
                if until <= self.now {
                    self.say(run.journey, "goes on: time");
                    run.frames.push(Frame::Block(then, 0));
                    self.go(run);
                } else if condition.is_some_and(|condition| self.holds(condition, Some(&run))) {
                    self.say(run.journey, "goes on: condition");
                    self.go(run);
                } else {
                    self.put(run);
                }
            }
            Parked::Held(until) if until <= self.now => {
                self.say(run.journey, "goes on: window");
                self.go(run);
            }
            _ => self.put(run),
        }
    }

    // Steps ------------------------------------------------------------------------------------------------------------

    /// Goes on until the run parks or ends.
    fn go(&mut self, mut run: Run<'p>) {
        run.parked = Parked::Nothing;
        loop {
            let step: &'p Step = match run.frames.pop() {
                None => return self.end(run, "ended"),
                Some(Frame::Loop(left, until, body)) => {
                    let over = until.is_some_and(|until| self.holds(until, Some(&run)));
                    if !over && left > 1 {
                        run.frames.push(Frame::Loop(left - 1, until, body));
                        run.frames.push(Frame::Block(body, 0));
                    }
                    continue;
                }
                Some(Frame::Block(steps, at)) => match steps.get(at) {
                    None => continue,
                    Some(step) => {
                        run.frames.push(Frame::Block(steps, at + 1));
                        step
                    }
                },
            };
            match step {
                Step::First | Step::Send(_) => {
                    let mail = if let Step::Send(mail) = step { *mail } else { 0 };
                    if let Some(until) = self.send(&mut run, mail, matches!(step, Step::First)) {
                        self.say(run.journey, &format!("holds until {}", until.0 - START.0));
                        // The send itself is tried again.
                        if let Some(Frame::Block(_, at)) = run.frames.last_mut() {
                            *at -= 1;
                        }
                        return self.park(run, Parked::Held(until));
                    }
                }
                Step::Wait(days) => {
                    let until = self.days(self.now, *days);
                    return self.wait(run, until, Vec::new(), None, NOTHING);
                }
                Step::WaitHours(hours) => {
                    let until = Instant(self.now.0 + hours * HOUR);
                    return self.wait(run, until, Vec::new(), None, NOTHING);
                }
                Step::WaitUntilHour(hour) => {
                    let until = self.zone.next_at(self.now, WeekdaySet::ALL, Time(hour * 3600));
                    if until > self.now {
                        return self.wait(run, until, Vec::new(), None, NOTHING);
                    }
                    self.say(run.journey, "goes on: time");
                }
                Step::WaitFor { what, from_now, hours, otherwise } => {
                    let otherwise = otherwise.as_deref().unwrap_or(NOTHING);
                    let arms = vec![(what, NOTHING)];
                    if let Some(run) = self.begin(run, arms, *from_now, *hours, otherwise) {
                        return self.go(run);
                    }
                    return;
                }
                Step::Race(arms, hours, timeout) => {
                    let arms = arms.iter().map(|(what, then)| (what, then.as_slice())).collect();
                    if let Some(run) = self.begin(run, arms, false, *hours, timeout) {
                        return self.go(run);
                    }
                    return;
                }
                Step::WaitWhile { until, hours, otherwise } => {
                    if self.holds(until, Some(&run)) {
                        self.say(run.journey, "goes on: condition");
                        continue;
                    }
                    let end = Instant(self.now.0 + hours * HOUR);
                    return self.wait(run, end, Vec::new(), Some(until), otherwise.as_deref().unwrap_or(NOTHING));
                }
                Step::If(condition, then, otherwise) => {
                    let holds = self.holds(condition, Some(&run));
                    let steps = if holds { then } else { otherwise.as_deref().unwrap_or(NOTHING) };
                    run.frames.push(Frame::Block(steps, 0));
                }
                Step::Choose(free, pro) => {
                    run.frames.push(Frame::Block(if self.plan == 0 { free } else { pro }, 0));
                }
                Step::Repeat(times, until, body) => {
                    run.frames.push(Frame::Loop(*times, until.as_ref(), body));
                    run.frames.push(Frame::Block(body, 0));
                }
                Step::AddTag(tag) => {
                    if self.tags.insert(*tag) {
                        self.say(run.journey, &format!("adds {}", TAGS[*tag]));
                        self.queue.push_back(Pending::Happened(Happening::Tagged(*tag)));
                    }
                }
                Step::RemoveTag(tag) => {
                    if self.tags.remove(tag) {
                        self.say(run.journey, &format!("removes {}", TAGS[*tag]));
                        self.queue.push_back(Pending::Happened(Happening::Untagged(*tag)));
                    }
                }
                Step::AddVisits(more) => {
                    self.visits += more;
                    self.say(run.journey, &format!("sets visits to {}", self.visits));
                    self.queue.push_back(Pending::Happened(Happening::Changed("visits")));
                }
                Step::SetPlan(plan) => {
                    if self.plan != *plan {
                        self.plan = *plan;
                        self.say(run.journey, &format!("sets plan to \"{}\"", PLANS[*plan]));
                        self.queue.push_back(Pending::Happened(Happening::PlanTo(*plan)));
                    }
                }
                Step::MoveTo(stage) => {
                    if self.stage != Some(*stage) {
                        self.stage = Some(*stage);
                        self.say(run.journey, &format!("moves to {}", STAGES[*stage]));
                        self.queue.push_back(Pending::Happened(Happening::Moved));
                    }
                }
                Step::Record(amount) => {
                    self.say(run.journey, "records noted");
                    self.history.push((2, *amount, self.now));
                    self.queue.push_back(Pending::Happened(Happening::Event(2, *amount)));
                }
                Step::Unsubscribe => {
                    if !self.unsubscribed {
                        self.unsubscribed = true;
                        self.say(run.journey, "unsubscribes offers");
                        self.queue.push_back(Pending::Withdrawn);
                    }
                }
                Step::Start(journey) => self.queue.push_back(Pending::Start(*journey)),
                Step::Stop(journey) => {
                    let runs: Vec<usize> =
                        self.runs.iter().filter(|run| run.journey == *journey).map(|run| run.number).collect();
                    for number in runs {
                        let stopped = self.take(number).unwrap();
                        self.end(stopped, "stopped");
                    }
                }
                Step::End => return self.end(run, "ended"),
            }
        }
    }

    /// Begins to wait for events. The run comes back if it goes on at once.
    fn begin(
        &mut self,
        mut run: Run<'p>,
        arms: Vec<(&'p For, &'p [Step])>,
        from_now: bool,
        hours: i64,
        otherwise: &'p [Step],
    ) -> Option<Run<'p>> {
        if !from_now {
            // What a message has come to already counts, and so does what happened since entry and no wait has used.
            let known = |what: &For| match what {
                For::OpenedFirst => run.first.is_some_and(|place| self.messages[place].opened.is_some()),
                For::ClickedLast => run.last.is_some_and(|place| self.messages[place].clicked),
                _ => false,
            };
            if let Some((what, then)) = arms.iter().find(|(what, _)| known(what)) {
                let name = if matches!(what, For::OpenedFirst) { "opened" } else { "clicked" };
                self.say(run.journey, &format!("goes on: {name}"));
                run.frames.push(Frame::Block(then, 0));
                return Some(run);
            }
            let earlier = run.unused.iter().enumerate().find_map(|(place, happening)| {
                let arm = arms.iter().find(|(what, _)| self.meets(&run, what, happening))?;
                Some((place, arm.1))
            });
            if let Some((place, then)) = earlier {
                let happening = run.unused.remove(place);
                self.say(run.journey, &format!("goes on: {}", happening.name()));
                run.frames.push(Frame::Block(then, 0));
                return Some(run);
            }
        }
        // Nobody opens what was not sent.
        let never = |what: &For| match what {
            For::OpenedFirst => run.first.is_some_and(|place| self.messages[place].skipped),
            For::ClickedLast => run.last.is_some_and(|place| self.messages[place].skipped),
            _ => false,
        };
        if arms.iter().all(|(what, _)| never(what)) {
            self.say(run.journey, "goes on: time");
            run.frames.push(Frame::Block(otherwise, 0));
            return Some(run);
        }
        let until = Instant(self.now.0 + hours * HOUR);
        self.wait(run, until, arms, None, otherwise);
        None
    }

    fn wait(
        &mut self,
        run: Run<'p>,
        until: Instant,
        arms: Vec<(&'p For, &'p [Step])>,
        condition: Option<&'p Cond>,
        then: &'p [Step],
    ) {
        self.say(run.journey, &format!("waits until {}", until.0 - START.0));
        self.park(run, Parked::Wait(until, arms, condition, then));
    }

    fn park(&mut self, mut run: Run<'p>, parked: Parked<'p>) {
        run.parked = parked;
        if self.exits(&run) {
            return self.end(run, "exit");
        }
        self.put(run);
    }

    /// Sends or refuses; until when it must be held otherwise.
    fn send(&mut self, run: &mut Run<'p>, mail: usize, first: bool) -> Option<Instant> {
        let marketing = self.journey(run.journey).marketing;
        let within = |message: &&Message| message.marketing && !message.skipped;
        let recent = self.messages.iter().filter(within).filter(|m| self.days(m.at, CAP.1) > self.now).count();
        let refusal = if marketing && self.unsubscribed {
            Some("unsubscribed")
        } else if !self.address {
            Some("address")
        } else if marketing && recent >= CAP.0 {
            Some("cap")
        } else {
            None
        };
        if refusal.is_none() && marketing && self.zone.is_within(self.now, QUIET) {
            return Some(self.zone.next_outside(self.now, QUIET));
        }
        let place = self.messages.len();
        let (now, skipped) = (self.now, refusal.is_some());
        self.messages.push(Message { name: mail, at: now, marketing, skipped, opened: None, clicked: false });
        run.last = Some(place);
        if first {
            run.first = Some(place);
        }
        match refusal {
            Some(why) => self.say(run.journey, &format!("skips {}: {why}", MAILS[mail])),
            None => self.say(run.journey, &format!("sends {}", MAILS[mail])),
        }
        None
    }

    // Conditions -------------------------------------------------------------------------------------------------------

    fn holds(&self, condition: &Cond, run: Option<&Run<'p>>) -> bool {
        let last = || run.and_then(|run| run.last).map(|place| &self.messages[place]);
        let first = || run.and_then(|run| run.first).map(|place| &self.messages[place]);
        let entered = run.map_or(self.now, |run| run.entered);
        match condition {
            Cond::Plan(plan) => self.plan == *plan,
            Cond::VisitsAtLeast(least) => self.visits >= *least,
            Cond::HasTag(tag) => self.tags.contains(tag),
            Cond::OpenedFirst => first().is_some_and(|message| message.opened.is_some()),
            Cond::OpenedLast => last().is_some_and(|message| message.opened.is_some()),
            Cond::ClickedLast => last().is_some_and(|message| message.clicked),
            Cond::Skipped => last().is_some_and(|message| message.skipped),
            Cond::OpenedAny(days) => {
                self.messages.iter().filter_map(|m| m.opened).any(|at| self.days(at, *days) > self.now)
            }
            Cond::Did(pattern, times, days, since_entry) => {
                let counted = self.history.iter().filter(|(event, amount, at)| {
                    is(pattern, &Happening::Event(*event, *amount))
                        && days.is_none_or(|days| self.days(*at, days) > self.now)
                        && (!since_entry || *at >= entered)
                });
                counted.count() >= times.unwrap_or(1) as usize
            }
            Cond::CountAtLeast(pattern, least) => {
                let counted =
                    self.history.iter().filter(|(event, amount, _)| is(pattern, &Happening::Event(*event, *amount)));
                counted.count() >= usize::try_from(*least).unwrap()
            }
            Cond::InStage(stage) => self.stage == Some(*stage),
            Cond::InJourney(journey) => {
                let own = run.is_some_and(|run| run.journey == *journey);
                own || self.runs.iter().any(|run| run.journey == *journey)
            }
            Cond::Level(least) => run.is_some_and(|run| run.level >= *least),
            Cond::Not(inner) => !self.holds(inner, run),
            Cond::And(sides) => self.holds(&sides.0, run) && self.holds(&sides.1, run),
            Cond::Or(sides) => self.holds(&sides.0, run) || self.holds(&sides.1, run),
        }
    }
}

fn is(pattern: &Pattern, happening: &Happening) -> bool {
    match happening {
        Happening::Event(event, amount) => {
            *event == pattern.event && pattern.least.is_none_or(|least| *amount >= least)
        }
        _ => false,
    }
}
