//! Programs and histories by chance.
//!
//! Journeys may form circles; those that never come to rest are stopped by both sides after so many rounds, and such a
//! history is passed over.

use journey_tests::random::Random;

use crate::program::{
    Act, Aggregate, BIRTHS, Channel, Collect, Cond, DAYS, EVENTS, Exit, For, Gathering, INTERESTS, Journey, Leave,
    MAILS, NAMES, On, PLANS, Pattern, Program, Reenter, SEGMENTS, SENDERS, STAGES, Status, Step, TEXTS, TOPICS, Until,
    WINDOWS, WORDS,
};

mod values;

use values::{day, text, value};

/// What is made by chance.
pub struct Dice(Random);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(Random::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d)))
    }

    /// From 0 to below.
    pub fn below(&mut self, most: i64) -> i64 {
        i64::try_from(self.0.draw() % u64::try_from(most).unwrap()).unwrap()
    }

    /// From 0 to below, in the type that is asked for.
    fn up_to<T: TryFrom<i64>>(&mut self, most: usize) -> T {
        T::try_from(self.below(i64::try_from(most).unwrap())).ok().unwrap()
    }

    /// From so many to so many, both included.
    fn between<T: TryFrom<i64>>(&mut self, from: i64, to: i64) -> T {
        T::try_from(from + self.below(to - from + 1)).ok().unwrap()
    }

    /// One time in so many.
    fn one_in(&mut self, times: i64) -> bool {
        self.below(times) == 0
    }

    fn maybe<T>(&mut self, times: i64, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.one_in(times).then(|| make(self))
    }

    fn any<const N: usize>(&mut self, of: [&str; N]) -> usize {
        self.up_to(of.len())
    }

    fn channel(&mut self) -> Channel {
        if self.one_in(2) { Channel::Email } else { Channel::Sms }
    }

    fn hour(&mut self) -> u32 {
        self.up_to(24)
    }
}

pub fn program(dice: &mut Dice) -> Program {
    let count = 1 + dice.up_to::<usize>(3);
    let place = Place {
        journey: 0,
        count,
        amount: false,
        batch: false,
        segments: false,
        body: false,
        ids: 0,
        locals: Vec::new(),
        once: false,
    };
    let segments = [cond(dice, 1, &place), cond(dice, 1, &place)];
    Program { segments, journeys: (0..count).map(|number| journey(dice, number, count)).collect() }
}

/// What may be said at a place.
#[derive(Clone)]
struct Place {
    journey: usize,
    count: usize,
    /// Whether every trigger brings an amount.
    amount: bool,
    /// Whether triggers are gathered.
    batch: bool,
    /// Whether segments may be asked: not inside of one.
    segments: bool,
    /// Whether there is a run, with messages of its own.
    body: bool,
    /// How many names were given.
    ids: usize,
    /// The names that `let` gave to values.
    locals: Vec<(usize, Kind)>,
    /// Whether it is asked at one moment, and not waited for: what the clock says to the minute is no matter for waits.
    once: bool,
}

/// What a name stands for.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Number,
    Text,
    Day,
}

impl Place {
    /// A new name's number, its own in the whole program.
    fn id(&mut self) -> usize {
        self.ids += 1;
        self.journey * 1000 + self.ids
    }

    /// The same, for what is asked at one moment.
    fn once(&self) -> Self {
        Self { once: true, ..self.clone() }
    }
}

fn on(dice: &mut Dice, number: usize) -> On {
    match dice.below(24) {
        0..4 => On::Tag(dice.up_to(2)),
        4 => On::Untag(dice.up_to(2)),
        5..10 => On::Event(pattern(dice)),
        10 => On::Created,
        11 => On::Plan(dice.maybe(3, |dice| dice.any(PLANS)), None),
        12 => On::Plan(None, Some(dice.any(PLANS))),
        13 => On::Opened(dice.any(MAILS)),
        14 => match dice.below(3) {
            0 => On::Clicked(dice.any(MAILS)),
            1 => On::Bounced(dice.channel()),
            _ => On::Sent(dice.any(MAILS)),
        },
        15 => On::Subscribed(dice.any(TOPICS)),
        16 => On::Unsubscribed(dice.maybe(2, |dice| dice.any(TOPICS)), dice.maybe(2, Dice::channel)),
        17 if dice.one_in(2) => On::Written(dice.any(WORDS)),
        17 => On::WrittenVia(dice.channel()),
        18 | 19 if dice.one_in(2) => On::Enters(dice.any(SEGMENTS)),
        18 | 19 => On::Leaves(dice.any(SEGMENTS)),
        20 => On::Reaches(dice.any(STAGES)),
        21 if dice.one_in(2) => On::BeforeRenewal(dice.between(1, 3), dice.hour()),
        21 => On::Renewal(dice.hour()),
        22 if dice.one_in(3) => On::EveryDay(dice.hour()),
        22 => On::Every(dice.any(DAYS), dice.hour(), dice.maybe(2, |dice| dice.any(SEGMENTS))),
        _ if number > 0 => On::Call,
        _ => On::Event(pattern(dice)),
    }
}

fn journey(dice: &mut Dice, number: usize, count: usize) -> Journey {
    let mut triggers = vec![on(dice, number)];
    if dice.one_in(3) {
        triggers.push(on(dice, number));
    }
    if number > 0 && !triggers.iter().any(|on| matches!(on, On::Call)) {
        // So that others can start it.
        triggers.push(On::Call);
    }
    let amount = triggers.iter().all(On::has_amount);
    let collect = dice.maybe(6, |dice| Collect {
        until: if dice.one_in(2) { Gathering::Minutes(dice.between(10, 600)) } else { Gathering::Hour(dice.hour()) },
        most: dice.maybe(2, |dice| dice.between(1, 3)),
    });
    let outside = Place {
        journey: number,
        count,
        amount: false,
        batch: false,
        segments: true,
        body: false,
        ids: 500,
        locals: Vec::new(),
        once: false,
    };
    let mut place = Place { amount, batch: collect.is_some(), body: true, ids: 0, ..outside.clone() };
    let mut exit = Place { amount, ..outside.clone() };
    let exits = (0..dice.below(3))
        .map(|_| {
            exit.locals.clear();
            let when = (0..=dice.below(2) / 2).map(|_| leave(dice, &outside)).collect();
            let then = dice.maybe(3, |dice| (0..=dice.below(3)).map(|_| simple(dice, &mut exit)).collect());
            Exit { when, then }
        })
        .collect();
    let goal = dice.maybe(3, |dice| (pattern(dice), dice.maybe(2, |dice| dice.between(1, 5)), dice.one_in(2)));
    let mut body = vec![Step::Level, Step::First];
    body.extend(block(dice, 3, &mut place));
    Journey {
        filter: dice.maybe(6, |dice| cond(dice, 1, &Place { amount, ..outside.once() })),
        per: amount && dice.one_in(3),
        reenter: match dice.below(5) {
            0 => Reenter::Never,
            1 | 2 => Reenter::Always,
            3 => Reenter::AfterDays(dice.between(1, 4)),
            _ => Reenter::Restart,
        },
        on: triggers,
        collect,
        exit_after: dice.maybe(6, |dice| dice.between(2, 9)),
        exits,
        goal,
        topic: dice.maybe(2, |dice| dice.any(TOPICS)),
        hours: dice.maybe(5, |dice| dice.up_to(WINDOWS.len())),
        priority: match dice.below(5) {
            0 => 1,
            1 => -1,
            _ => 0,
        },
        holdout: dice.maybe(10, |dice| dice.between(10, 60)).unwrap_or(0),
        level: dice.below(3),
        body,
    }
}

fn leave(dice: &mut Dice, place: &Place) -> Leave {
    if dice.one_in(2) { Leave::Event(pattern(dice)) } else { Leave::When(cond(dice, 1, place)) }
}

fn pattern(dice: &mut Dice) -> Pattern {
    Pattern { event: dice.any(EVENTS), least: dice.maybe(3, |dice| dice.between(1, 4)) }
}

fn what(dice: &mut Dice, place: &Place) -> For {
    match dice.below(17) {
        0..4 => For::Event(pattern(dice)),
        4 | 5 if place.amount => For::SameAmount(dice.any(EVENTS)),
        4..7 => For::OpenedFirst,
        7 => For::ClickedLast,
        8 => For::ClickedLink,
        9 => For::OpenedAny,
        10 => For::Tag(dice.up_to(5)),
        11 => For::PlanTo(dice.any(PLANS)),
        12 => For::Enters(dice.any(SEGMENTS)),
        13 => For::Leaves(dice.any(SEGMENTS)),
        14 => For::Reaches(dice.any(STAGES)),
        15 if dice.one_in(2) => For::Subscribed(dice.any(TOPICS)),
        15 => For::Unsubscribed(dice.any(TOPICS)),
        _ => For::Written(dice.any(WORDS)),
    }
}

fn status(dice: &mut Dice) -> Status {
    [
        Status::Opened,
        Status::Opened,
        Status::Clicked,
        Status::Replied,
        Status::Bounced,
        Status::Delivered,
        Status::Complained,
        Status::Failed,
        Status::Skipped,
    ][dice.up_to::<usize>(9)]
}

fn cond(dice: &mut Dice, depth: u32, place: &Place) -> Cond {
    if depth > 0 && dice.one_in(3) {
        let side = |dice: &mut Dice| cond(dice, depth - 1, place);
        return match dice.below(8) {
            0..3 => Cond::Not(Box::new(side(dice))),
            3 | 4 => Cond::And(Box::new((side(dice), side(dice)))),
            5 | 6 => Cond::Or(Box::new((side(dice), side(dice)))),
            _ => {
                let of = (0..3).map(|_| side(dice)).collect();
                if dice.one_in(2) { Cond::AtLeast(2, of) } else { Cond::Exactly(1, of) }
            }
        };
    }
    let topic = |dice: &mut Dice| dice.any(TOPICS);
    if dice.one_in(4) {
        return values::cond(dice, place);
    }
    match dice.below(if place.body { 38 } else { 28 }) {
        0 => Cond::Plan(dice.any(PLANS)),
        1 | 2 => Cond::VisitsAtLeast(dice.between(1, 4)),
        3 => Cond::VisitsBetween(1, dice.between(2, 4)),
        4 | 5 => Cond::HasTag(dice.up_to(5)),
        6 => Cond::InStage(dice.any(STAGES)),
        7 => Cond::WasInStage(dice.any(STAGES), dice.between(1, 4)),
        8 => Cond::CountAtLeast(pattern(dice), dice.between(1, 3)),
        9 => Cond::OpenedAny(dice.maybe(3, |dice| dice.between(1, 2)), dice.between(1, 3)),
        10..13 => {
            let times = dice.maybe(3, |dice| dice.between(2, 3));
            let days = dice.maybe(2, |dice| dice.between(1, 3));
            Cond::Did(pattern(dice), times, days, place.body && dice.one_in(3))
        }
        13 => Cond::DidNot(pattern(dice), dice.between(1, 3)),
        14 => Cond::DidOnDays(pattern(dice), 2, dice.between(2, 5)),
        15 => Cond::DidSince(dice.any(EVENTS), dice.any(EVENTS)),
        16 => Cond::DistinctAtLeast(dice.any(EVENTS), 2),
        17 | 18 => {
            let sum = aggregate(dice);
            Cond::SumAtLeast(sum, pattern(dice), dice.maybe(2, |dice| dice.between(1, 3)), dice.between(1, 5))
        }
        19 => Cond::PlanChanged(
            dice.maybe(3, |dice| dice.any(PLANS)),
            dice.maybe(3, |dice| dice.any(PLANS)),
            dice.maybe(2, |dice| dice.between(1, 3)),
        ),
        20 => Cond::Consents(topic(dice), dice.maybe(2, Dice::channel)),
        21 => Cond::Reachable(dice.channel()),
        22 => Cond::Interested(dice.any(INTERESTS)),
        23 if dice.one_in(2) => Cond::ScoreAbove(dice.between(0, 30)),
        23 => Cond::ScoreFrom(dice.between(1, 30)),
        24 => Cond::RenewalWithin(dice.between(1, 4)),
        25 if dice.one_in(2) => Cond::Weekday(dice.any(DAYS)),
        25 => Cond::Within(dice.up_to(WINDOWS.len())),
        26 | 27 if place.segments && dice.one_in(2) => Cond::InSegment(dice.any(SEGMENTS)),
        26 | 27 if place.segments => Cond::WasInSegment(dice.any(SEGMENTS), dice.between(1, 3)),
        26 | 27 => Cond::VisitsAtLeast(dice.between(1, 4)),
        28..31 => Cond::First(status(dice)),
        31 | 32 => Cond::Last(status(dice)),
        33 => Cond::ClickedLink,
        34 => Cond::InJourney(dice.up_to(place.count)),
        35 => Cond::WasInJourney(dice.up_to(place.count), dice.maybe(2, |dice| dice.between(1, 3))),
        36 if place.amount => Cond::Amount(dice.between(1, 4)),
        37 if place.batch => Cond::Gathered(dice.between(2, 3)),
        _ => Cond::Level(dice.between(1, 4)),
    }
}

fn aggregate(dice: &mut Dice) -> Aggregate {
    [Aggregate::Sum, Aggregate::Average, Aggregate::Min, Aggregate::Max, Aggregate::First, Aggregate::Last]
        [dice.up_to::<usize>(6)]
}

fn block(dice: &mut Dice, depth: u32, place: &mut Place) -> Vec<Step> {
    let outer = place.locals.len();
    let mut steps: Vec<Step> = (0..=dice.below(4)).map(|_| step(dice, depth, place)).collect();
    place.locals.truncate(outer);
    if depth < 3 && dice.one_in(6) {
        steps.push(Step::End);
    }
    steps
}

fn step(dice: &mut Dice, depth: u32, place: &mut Place) -> Step {
    if depth == 0 || dice.one_in(2) {
        return simple(dice, place);
    }
    let hours = dice.between(1, 60);
    macro_rules! inner {
        () => {
            block(dice, depth - 1, place)
        };
    }
    match dice.below(20) {
        0..4 => {
            let (condition, then) = (cond(dice, 2, &place.once()), inner!());
            let otherwise = if dice.one_in(2) { Some(inner!()) } else { None };
            Step::If(condition, then, otherwise)
        }
        4 if dice.one_in(2) => Step::Choose(inner!(), inner!()),
        4 => Step::ChooseVisits(dice.between(0, 3), inner!(), inner!(), inner!()),
        5 | 6 => {
            let until = dice.maybe(2, |dice| cond(dice, 1, &place.once()));
            Step::Repeat(dice.between(1, 3), until, inner!())
        }
        7..10 => {
            let (what, from_now, window) =
                (what(dice, place), dice.one_in(4), dice.maybe(5, |d| d.up_to(WINDOWS.len())));
            let otherwise = if dice.one_in(2) { Some(inner!()) } else { None };
            Step::WaitFor { what, from_now, hours, window, otherwise }
        }
        10 | 11 => {
            let until = cond(dice, 1, place);
            let otherwise = if dice.one_in(2) { Some(inner!()) } else { None };
            Step::WaitWhile { until, hours, otherwise }
        }
        12 | 13 => {
            let arms = (0..=dice.below(2)).map(|_| (what(dice, place), dice.one_in(5), inner!())).collect();
            Step::Race(arms, hours, inner!())
        }
        14 => {
            let mut days = dice.between(-3, 0);
            let points = (0..=dice.below(3))
                .map(|_| {
                    let point = (days, dice.maybe(2, Dice::hour), inner!());
                    days += dice.between::<i32>(1, 2);
                    point
                })
                .collect();
            Step::Countdown(points, inner!())
        }
        15 => Step::WaitRenewal(dice.between(0, 3), dice.hour(), inner!()),
        16 => Step::Split {
            id: place.id(),
            percent: dice.between(1, 99),
            sides: Box::new((inner!(), inner!())),
            measure: dice.maybe(2, |dice| (pattern(dice), dice.between(1, 5))),
        },
        17 => {
            let id = place.id();
            let otherwise = dice.one_in(2).then(|| {
                let mut steps = inner!();
                steps.push(Step::End);
                steps
            });
            Step::Call { id, hours, hot: inner!(), otherwise }
        }
        18 => {
            let otherwise = if dice.one_in(2) { Some(inner!()) } else { None };
            let hours = dice.maybe(2, |_| hours);
            Step::Ask { hours, yes: inner!(), no: inner!(), otherwise }
        }
        _ => Step::Chance(dice.between(10, 90), inner!()),
    }
}

/// A step without steps of its own.
fn simple(dice: &mut Dice, place: &mut Place) -> Step {
    match dice.below(50) {
        0..5 => Step::Send(dice.any(MAILS)),
        5 => {
            let mail = TEXTS[dice.up_to::<usize>(2)];
            let both = [Channel::Email, Channel::Sms];
            let mut channels: Vec<_> = both.into_iter().filter(|_| dice.one_in(2)).collect();
            if dice.one_in(2) {
                channels.reverse();
            }
            if channels.is_empty() {
                channels.push(Channel::Sms);
            }
            Step::SendBy(channels, mail)
        }
        6 => Step::SendToSales(dice.any(MAILS)),
        7..10 => Step::Wait(dice.between(1, 3)),
        10 => Step::WaitHours(dice.between(1, 30)),
        11 => Step::WaitBetween(dice.between(1, 5), dice.between(6, 30)),
        12 => Step::WaitUntilHour(dice.hour()),
        13 => Step::WaitUntilDay(dice.any(DAYS), dice.hour()),
        14 => Step::WaitUntilWindow(dice.up_to(WINDOWS.len())),
        15 => Step::WaitWithin(dice.between(1, 12), dice.up_to(WINDOWS.len())),
        16 | 17 => Step::AddTag(dice.up_to(5)),
        18 => Step::RemoveTag(dice.up_to(5)),
        19 | 20 => Step::AddVisits(dice.between(1, 2)),
        21 => Step::SetPlan(dice.any(PLANS)),
        22 => Step::SetRenewal(dice.between(0, 5)),
        23 => Step::AddInterest(dice.any(INTERESTS)),
        24 => Step::RemoveInterest(dice.any(INTERESTS)),
        25 | 26 => Step::MoveTo(dice.any(STAGES)),
        27 | 28 => Step::Record(dice.below(5)),
        29 | 39 => {
            let until = match dice.below(4) {
                0 | 1 => Some(Until::Hours(dice.between(-2, 60))),
                2 => Some(Until::Day(day(dice, 1, place))),
                _ => None,
            };
            Step::Subscribe(dice.any(TOPICS), dice.maybe(2, Dice::channel), until)
        }
        30 if dice.one_in(2) => Step::Unsubscribe(dice.maybe(3, |dice| dice.any(TOPICS)), dice.maybe(2, Dice::channel)),
        31 if dice.one_in(6) => Step::Suppress,
        32 if dice.one_in(6) => Step::Delete,
        33 => Step::Notify,
        34 => Step::Voucher { id: place.id(), expires: dice.maybe(2, |dice| dice.between(1, 3)) },
        35 => Step::Label(place.id()),
        36..39 if place.count > 1 => {
            let other = 1 + dice.up_to::<usize>(place.count - 1);
            if dice.one_in(3) { Step::Stop(dice.up_to(place.count)) } else { Step::Start(other, dice.below(5)) }
        }
        40 | 41 => {
            let subject = dice.maybe(2, |dice| dice.any(NAMES));
            Step::SendAs(dice.any(MAILS), subject, dice.maybe(2, |dice| dice.any(SENDERS)))
        }
        42..46 => {
            let (id, (kind, value)) = (place.id(), value(dice, place));
            place.locals.push((id, kind));
            Step::Let(id, value)
        }
        46 => Step::SetVisits(values::small(dice, place)),
        47 => Step::SetName(text(dice, place)),
        48 => Step::SetRenewalTo(day(dice, 2, place)),
        49 => Step::RecordValue(values::small(dice, place)),
        _ => Step::AddVisits(1),
    }
}

/// What happens, in milliseconds after the beginning.
pub fn history(dice: &mut Dice, journeys: usize) -> Vec<(i64, Act)> {
    const MINUTE: i64 = 60_000;
    let mut at = 0;
    let mut acts = Vec::new();
    for _ in 0..6 + dice.below(16) {
        at += match dice.below(6) {
            0 => 0,
            1 => dice.below(60) * MINUTE,
            // Whole hours, so that events and time-outs meet.
            2 | 3 => dice.below(26) * 60 * MINUTE,
            4 => dice.below(4) * 24 * 60 * MINUTE,
            _ => dice.below(40 * 60) * MINUTE,
        };
        acts.push((at, act(dice, journeys)));
    }
    acts
}

fn act(dice: &mut Dice, journeys: usize) -> Act {
    match dice.below(43) {
        0..5 => Act::Tag(dice.up_to(5)),
        5..7 => Act::Untag(dice.up_to(5)),
        7..16 => Act::Event(dice.any(EVENTS), dice.below(5)),
        16 => Act::Plan(dice.any(PLANS)),
        17 | 18 => Act::Visits(dice.below(5)),
        19 | 20 => Act::Renewal(dice.maybe(4, |_| ()).map_or_else(|| Some(dice.between(0, 12)), |()| None)),
        21 => Act::Interests((0..INTERESTS.len()).filter(|_| dice.one_in(2)).collect()),
        22..25 => Act::Message(dice.any(MAILS), Status::Opened, dice.one_in(6)),
        25 | 26 => Act::Message(dice.any(MAILS), Status::Clicked, dice.one_in(6)),
        27 | 28 => Act::Message(dice.any(MAILS), status(dice), false),
        29 => Act::Unsubscribed(dice.maybe(2, |dice| dice.any(TOPICS)), dice.maybe(3, Dice::channel)),
        30 | 40 => {
            let hours = dice.maybe(2, |dice| dice.between(-3, 90));
            Act::Subscribed(dice.any(TOPICS), dice.maybe(3, Dice::channel), hours)
        }
        41 => Act::Name(dice.any(NAMES)),
        42 => Act::Born(dice.up_to(BIRTHS.len())),
        31 => Act::Written(dice.any(WORDS), dice.channel()),
        32 => Act::Stage(dice.any(STAGES)),
        33 if journeys > 1 => Act::Started(1 + dice.up_to::<usize>(journeys - 1), dice.below(5)),
        33 => Act::Visits(dice.below(5)),
        34 => Act::Address(dice.channel(), dice.maybe(2, |dice| dice.up_to(2))),
        35..38 => Act::Answer(dice.up_to(2), if dice.one_in(4) { None } else { Some(dice.one_in(2)) }),
        _ => Act::Decision(dice.one_in(2), dice.maybe(2, |dice| dice.up_to(journeys))),
    }
}
