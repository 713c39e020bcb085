//! Values, and what of the past lies in a stretch.

use super::*;
use crate::values::{
    Bound, Day, Match, Moment, Number, Order, Part, Past, Rounding, Stretch, Text, Value as Given, calendar, round,
};

/// What a name stands for.
#[derive(Clone, Debug)]
pub enum Known {
    Number(i64),
    Text(String),
    Day(i32),
}

impl<'p> World<'p> {
    pub(super) fn known(&self, value: &Given, run: Option<&Run<'p>>) -> Known {
        match value {
            Given::Number(number) => Known::Number(self.number(number, run)),
            Given::Text(text) => Known::Text(self.text(text, run)),
            Given::Day(day) => Known::Day(self.day(day, run)),
        }
    }

    pub(super) fn number(&self, number: &Number, run: Option<&Run<'p>>) -> i64 {
        let of = |number| self.number(number, run);
        match number {
            Number::Is(number) => *number,
            Number::Visits => self.visits,
            Number::Amount => run.unwrap().amount.unwrap(),
            Number::Gathered => run.unwrap().gathered,
            Number::Interests => i64::try_from(self.interests.len()).unwrap(),
            Number::Local(id) => match run.unwrap().locals[id] {
                Known::Number(number) => number,
                ref other => panic!("{other:?} is no number"),
            },
            Number::Length(text) => i64::try_from(self.text(text, run).chars().count()).unwrap(),
            Number::Count(past) => i64::try_from(self.past(past, run).len()).unwrap(),
            Number::Part(part, day) => {
                let (year, month, day) = calendar(self.day(day, run));
                i64::from(match part {
                    Part::Year => year,
                    Part::Month => month,
                    Part::Day => day,
                })
            }
            Number::Age(day) => {
                let today = self.zone.today(self.now).0;
                let (born, year) = (self.day(day, run), calendar(today).0);
                i64::from(year - calendar(born).0) - i64::from(round(born, year) > today)
            }
            Number::DaysBetween(to, from) => i64::from(self.day(to, run) - self.day(from, run)),
            Number::HourNow => i64::from(self.zone.hour(self.now)),
            Number::Plus(sides) => of(&sides.0) + of(&sides.1),
            Number::Minus(sides) => of(&sides.0) - of(&sides.1),
            Number::Times(number, times) => of(number) * times,
            Number::Whole(rounding, number, share) => {
                let number = of(number);
                let below = number.div_euclid(*share);
                let rest = number.rem_euclid(*share);
                let above = match rounding {
                    Rounding::Floor => false,
                    Rounding::Ceil => rest > 0,
                    // To the nearest; of two that are as near, away from zero.
                    Rounding::Round => rest * 2 > *share || rest * 2 == *share && number > 0,
                };
                below + i64::from(above)
            }
        }
    }

    pub(super) fn text(&self, text: &Text, run: Option<&Run<'p>>) -> String {
        match text {
            Text::Is(name) => NAMES[*name].to_owned(),
            Text::Name => self.name.clone(),
            Text::Lower(text) => self.text(text, run).to_lowercase(),
            Text::Local(id) => match &run.unwrap().locals[id] {
                Known::Text(text) => text.clone(),
                other => panic!("{other:?} is no text"),
            },
        }
    }

    /// How two days compare. A day that is asked whether it is today comes round each year.
    pub(super) fn days_hold(&self, left: &Day, order: Order, right: &Day, run: Option<&Run<'p>>) -> bool {
        let (first, second) = (self.day(left, run), self.day(right, run));
        let (asked, today) = match (from_today(left), from_today(right)) {
            (None, Some(0)) => (first, second),
            (Some(0), None) => (second, first),
            _ => return order.holds(&first, &second),
        };
        match order {
            Order::Is => round(asked, calendar(today).0) == today,
            Order::IsNot => round(asked, calendar(today).0) != today,
            _ => order.holds(&first, &second),
        }
    }

    pub(super) fn day(&self, day: &Day, run: Option<&Run<'p>>) -> i32 {
        let today = self.zone.today(self.now).0;
        match day {
            Day::Is(after) => FIRST_DAY + after,
            Day::Today => today,
            Day::Born => self.born,
            Day::Local(id) => match run.unwrap().locals[id] {
                Known::Day(day) => day,
                ref other => panic!("{other:?} is no day"),
            },
            Day::Later(day, days) => self.day(day, run) + days,
            Day::Round(day) => {
                let (day, year) = (self.day(day, run), calendar(today).0);
                (year..).map(|year| round(day, year)).find(|round| *round >= today).unwrap()
            }
        }
    }

    pub(super) fn is_named(&self, text: &Text, of: Match, name: usize, run: Option<&Run<'p>>) -> bool {
        let (text, name) = (self.text(text, run), NAMES[name]);
        let (small, part) = (text.to_lowercase(), name.to_lowercase());
        match of {
            Match::Is => text == name,
            Match::IsNot => text != name,
            Match::Contains => small.contains(&part),
            Match::StartsWith => small.starts_with(&part),
            Match::EndsWith => small.ends_with(&part),
        }
    }

    /// The amounts of the events that are meant, in their order.
    pub(super) fn past(&self, past: &Past, run: Option<&Run<'p>>) -> Vec<i64> {
        let meant = |(event, amount, at): &&(usize, i64, Instant)| {
            super::happen::is(&past.pattern, &Happening::Event(*event, *amount)) && self.lies(&past.stretch, *at, run)
        };
        self.history.iter().filter(meant).map(|(_, amount, _)| *amount).collect()
    }

    /// Whether it lies in the stretch: the first moment does, the last does not. In one that has no beginning or no end
    /// lies nothing.
    pub(super) fn lies(&self, stretch: &Stretch, at: Instant, run: Option<&Run<'p>>) -> bool {
        let since = self.since(&stretch.since, run);
        let until = stretch.until.as_ref().map_or(Some(Instant::NEVER), |until| self.since(until, run));
        since.is_some_and(|since| since <= at) && until.is_some_and(|until| at < until)
    }

    fn since(&self, moment: &Moment, run: Option<&Run<'p>>) -> Option<Instant> {
        let mut when = self.history.iter().filter(|(event, ..)| match moment {
            Moment::First(of) | Moment::Last(of) => event == of,
            _ => false,
        });
        match moment {
            Moment::Entry => Some(run.unwrap().entered),
            Moment::Day(day) => Some(self.zone.start_of(Date(self.day(day, run)))),
            Moment::First(_) => when.next().map(|(.., at)| *at),
            Moment::Last(_) => when.next_back().map(|(.., at)| *at),
            Moment::Ago(days) => Some(self.days(self.now, -days)),
        }
    }
}

/// How often the clock alone changes a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tick {
    Never,
    Daily,
    Hourly,
}

/// How often the clock alone changes what the condition compares.
pub(super) fn ticks(condition: &Cond) -> Tick {
    match condition {
        Cond::Compared(left, _, right) => of_number(left).max(of_number(right)),
        Cond::Days(left, _, right) => of_day(left).max(of_day(right)),
        Cond::RenewalDays(..) => Tick::Daily,
        Cond::DidIn(past, ..) | Cond::SumIn(_, past, _) => of_stretch(&past.stretch),
        Cond::OpenedAnyIn(stretch) | Cond::FirstIn(_, stretch) | Cond::PlanChangedIn(stretch) => of_stretch(stretch),
        _ => Tick::Never,
    }
}

pub(super) fn counts(bound: Bound, number: usize, times: u32) -> bool {
    let times = times as usize;
    match bound {
        Bound::AtLeast => number >= times,
        Bound::AtMost => number <= times,
        Bound::Exactly => number == times,
    }
}

fn of_number(number: &Number) -> Tick {
    match number {
        Number::Count(past) => of_stretch(&past.stretch),
        Number::Part(_, day) => of_day(day),
        Number::Age(_) => Tick::Daily,
        Number::HourNow => Tick::Hourly,
        Number::DaysBetween(to, from) => of_day(to).max(of_day(from)),
        Number::Plus(sides) | Number::Minus(sides) => of_number(&sides.0).max(of_number(&sides.1)),
        Number::Times(number, _) | Number::Whole(_, number, _) => of_number(number),
        _ => Tick::Never,
    }
}

fn of_day(day: &Day) -> Tick {
    match day {
        Day::Today | Day::Round(_) => Tick::Daily,
        Day::Later(day, _) => of_day(day),
        Day::Is(_) | Day::Born | Day::Local(_) => Tick::Never,
    }
}

fn of_stretch(stretch: &Stretch) -> Tick {
    let of = |moment: &Moment| match moment {
        Moment::Day(day) => of_day(day),
        // `ago` is asked at one moment only.
        _ => Tick::Never,
    };
    stretch.until.as_ref().map_or(Tick::Never, of).max(of(&stretch.since))
}

/// How many days from today it is, where it says so.
fn from_today(day: &Day) -> Option<i32> {
    match day {
        Day::Today => Some(0),
        Day::Later(day, days) => Some(from_today(day)? + days),
        _ => None,
    }
}
