//! Programs and histories by chance.
//!
//! Journeys form no circle: each starts only later ones, and sets nothing that starts an earlier one. What does would be
//! stopped by the machine after so many rounds, which is no subject of the language.

use crate::program::{
    Act, Cond, EVENTS, Exit, For, Journey, MAILS, On, PLANS, Pattern, Program, Reenter, STAGES, Step,
};

/// The tags that start nothing.
const FREE_TAGS: std::ops::Range<i64> = 2..5;

/// A small generator (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    /// From 0 to below.
    pub fn below(&mut self, most: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        i64::try_from((z ^ (z >> 31)) % u64::try_from(most).unwrap()).unwrap()
    }

    fn place(&mut self, most: usize) -> usize {
        usize::try_from(self.below(i64::try_from(most).unwrap())).unwrap()
    }

    fn of(&mut self, range: std::ops::Range<i64>) -> usize {
        usize::try_from(range.start + self.below(range.end - range.start)).unwrap()
    }

    /// One time in so many.
    fn one_in(&mut self, times: i64) -> bool {
        self.below(times) == 0
    }

    fn maybe<T>(&mut self, times: i64, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.one_in(times).then(|| make(self))
    }
}

pub fn program(dice: &mut Dice) -> Program {
    let count = 1 + dice.place(3);
    Program { journeys: (0..count).map(|number| journey(dice, number, count)).collect() }
}

fn journey(dice: &mut Dice, number: usize, count: usize) -> Journey {
    // Only the first journey is started by what others do not do.
    let on = match (number, dice.below(6)) {
        (0, 0 | 1) => On::Tag(0),
        (0, 2) => On::Untag(0),
        (0, 3 | 4) => On::Event(pattern(dice, 2)),
        (0, _) => On::Opened,
        (1, 0..3) => On::Tag(1),
        (1, 3 | 4) => On::PlanTo(dice.place(PLANS.len())),
        _ => On::Call,
    };
    let per = matches!(on, On::Event(_)) && dice.one_in(2);
    let reenter = match dice.below(5) {
        0 => Reenter::Never,
        1 | 2 => Reenter::Always,
        3 => Reenter::AfterDays(1 + i32::try_from(dice.below(4)).unwrap()),
        _ => Reenter::Restart,
    };
    let exits = (0..dice.below(3))
        .map(|_| if dice.one_in(2) { Exit::Event(pattern(dice, 3)) } else { Exit::When(cond(dice, 1, false)) })
        .collect();
    let goal = dice.maybe(3, |dice| {
        (pattern(dice, 3), dice.maybe(2, |dice| 1 + i32::try_from(dice.below(5)).unwrap()), dice.one_in(2))
    });
    let mut body = vec![Step::First];
    body.extend(block(dice, 3, number, count));
    Journey {
        on,
        filter: dice.maybe(5, |dice| cond(dice, 1, false)),
        per,
        reenter,
        exits,
        goal,
        marketing: dice.one_in(2),
        high: dice.one_in(4),
        level: dice.below(3),
        body,
    }
}

fn pattern(dice: &mut Dice, events: usize) -> Pattern {
    Pattern { event: dice.place(events), least: dice.maybe(3, |dice| 1 + dice.below(4)) }
}

fn what(dice: &mut Dice) -> For {
    match dice.below(6) {
        0..3 => For::Event(pattern(dice, 3)),
        3 => For::OpenedFirst,
        4 => For::ClickedLast,
        _ => For::Tag(dice.of(0..5)),
    }
}

/// A condition; only in the body it may ask about the run.
fn cond(dice: &mut Dice, depth: u32, body: bool) -> Cond {
    if depth > 0 && dice.one_in(3) {
        let side = |dice: &mut Dice| cond(dice, depth - 1, body);
        return match dice.below(3) {
            0 => Cond::Not(Box::new(side(dice))),
            1 => Cond::And(Box::new((side(dice), side(dice)))),
            _ => Cond::Or(Box::new((side(dice), side(dice)))),
        };
    }
    match dice.below(if body { 15 } else { 9 }) {
        0 => Cond::Plan(dice.place(PLANS.len())),
        1 => Cond::VisitsAtLeast(1 + dice.below(4)),
        2 | 3 => Cond::HasTag(dice.of(0..5)),
        4 => Cond::InStage(dice.place(STAGES.len())),
        5 => Cond::CountAtLeast(pattern(dice, 3), 1 + dice.below(3)),
        6 => Cond::OpenedAny(1 + i32::try_from(dice.below(3)).unwrap()),
        7 | 8 => {
            let times = dice.maybe(3, |dice| 2 + u32::try_from(dice.below(2)).unwrap());
            let days = dice.maybe(2, |dice| 1 + i32::try_from(dice.below(3)).unwrap());
            Cond::Did(pattern(dice, 3), times, days, body && dice.one_in(3))
        }
        9 => Cond::OpenedFirst,
        10 => Cond::OpenedLast,
        11 => Cond::ClickedLast,
        12 => Cond::Skipped,
        13 => Cond::InJourney(0),
        _ => Cond::Level(1 + dice.below(4)),
    }
}

fn block(dice: &mut Dice, depth: u32, number: usize, count: usize) -> Vec<Step> {
    let mut steps: Vec<Step> = (0..=dice.below(4)).map(|_| step(dice, depth, number, count)).collect();
    if depth < 3 && dice.one_in(5) {
        steps.push(Step::End);
    }
    steps
}

fn step(dice: &mut Dice, depth: u32, number: usize, count: usize) -> Step {
    if depth > 0 && dice.one_in(2) {
        let inner = |dice: &mut Dice| block(dice, depth - 1, number, count);
        let hours = 1 + dice.below(60);
        return match dice.below(7) {
            0 | 1 => {
                let (condition, then) = (cond(dice, 2, true), inner(dice));
                let otherwise = dice.one_in(2).then(|| inner(dice));
                Step::If(condition, then, otherwise)
            }
            2 => Step::Choose(inner(dice), inner(dice)),
            3 => {
                let until = dice.maybe(2, |dice| cond(dice, 1, true));
                Step::Repeat(1 + u32::try_from(dice.below(3)).unwrap(), until, inner(dice))
            }
            4 => {
                let (what, from_now) = (what(dice), dice.one_in(4));
                let otherwise = dice.one_in(2).then(|| inner(dice));
                Step::WaitFor { what, from_now, hours, otherwise }
            }
            5 => {
                let until = cond(dice, 1, true);
                let otherwise = dice.one_in(2).then(|| inner(dice));
                Step::WaitWhile { until, hours, otherwise }
            }
            _ => {
                let arms = (0..=dice.below(2)).map(|_| (what(dice), inner(dice))).collect();
                Step::Race(arms, hours, inner(dice))
            }
        };
    }
    match dice.below(16) {
        0..4 => Step::Send(dice.place(MAILS.len())),
        4 | 5 => Step::Wait(1 + i32::try_from(dice.below(3)).unwrap()),
        6 => Step::WaitHours(1 + dice.below(30)),
        7 => Step::WaitUntilHour(u32::try_from(dice.below(24)).unwrap()),
        8 => Step::AddTag(if number == 0 { dice.of(1..5) } else { dice.of(FREE_TAGS) }),
        9 => Step::RemoveTag(if number == 0 { dice.of(1..5) } else { dice.of(FREE_TAGS) }),
        10 => Step::AddVisits(1 + dice.below(2)),
        11 if number == 0 => Step::SetPlan(dice.place(PLANS.len())),
        11 | 12 => Step::MoveTo(dice.place(STAGES.len())),
        13 => Step::Record(dice.below(5)),
        14 if dice.one_in(3) => Step::Unsubscribe,
        14 | 15 if number + 1 < count => {
            let other = number + 1 + dice.place(count - number - 1);
            if dice.one_in(3) { Step::Stop(other) } else { Step::Start(other) }
        }
        _ => Step::AddVisits(1),
    }
}

/// What happens, in milliseconds after the beginning.
pub fn history(dice: &mut Dice) -> Vec<(i64, Act)> {
    const MINUTE: i64 = 60_000;
    let mut at = 0;
    let mut acts = Vec::new();
    for _ in 0..6 + dice.below(14) {
        at += match dice.below(6) {
            0 => 0,
            1 => dice.below(60) * MINUTE,
            // Whole hours, so that events and time-outs meet.
            2 | 3 => dice.below(26) * 60 * MINUTE,
            4 => dice.below(4) * 24 * 60 * MINUTE,
            _ => dice.below(40 * 60) * MINUTE,
        };
        let act = match dice.below(20) {
            0..3 => Act::Tag(dice.place(2)),
            3 => Act::Untag(dice.place(2)),
            4 => Act::Tag(dice.of(FREE_TAGS)),
            5 => Act::Untag(dice.of(FREE_TAGS)),
            6..12 => Act::Event(dice.place(EVENTS.len()), dice.below(5)),
            12 => Act::Plan(dice.place(PLANS.len())),
            13 => Act::Visits(dice.below(5)),
            14 | 15 => Act::Opened(dice.place(MAILS.len())),
            16 => Act::Clicked(dice.place(MAILS.len())),
            17 => Act::Unsubscribed,
            18 => Act::Subscribed,
            _ => Act::Address(dice.one_in(2)),
        };
        acts.push((at, act));
    }
    acts
}
