//! Values that programs compute: numbers, texts, days and moments; which there are, and how they read.

use crate::program::{EVENTS, FIRST_DAY, NAMES, Pattern};

/// A number. All are whole.
#[derive(Clone, Debug)]
pub enum Number {
    Is(i64),
    Visits,
    /// What came with the trigger.
    Amount,
    /// How many triggers were gathered.
    Gathered,
    Interests,
    Local(usize),
    Length(Text),
    Count(Box<Past>),
    Part(Part, Day),
    Age(Day),
    /// From the second to the first.
    DaysBetween(Day, Day),
    HourNow,
    Plus(Box<(Self, Self)>),
    Minus(Box<(Self, Self)>),
    Times(Box<Self>, i64),
    /// A share, made whole.
    Whole(Rounding, Box<Self>, i64),
}

#[derive(Clone, Copy, Debug)]
pub enum Part {
    Year,
    Month,
    Day,
}

#[derive(Clone, Copy, Debug)]
pub enum Rounding {
    Round,
    Floor,
    Ceil,
}

#[derive(Clone, Debug)]
pub enum Text {
    Is(usize),
    Name,
    Lower(Box<Self>),
    Local(usize),
}

#[derive(Clone, Debug)]
pub enum Day {
    /// After the first.
    Is(i32),
    Today,
    Born,
    Local(usize),
    /// So many days later.
    Later(Box<Self>, i32),
    /// When it next comes round.
    Round(Box<Self>),
}

/// What a `let` gives a name to.
#[derive(Clone, Debug)]
pub enum Value {
    Number(Number),
    Text(Text),
    Day(Day),
}

/// What of the past is asked: which event, since when, until when.
#[derive(Clone, Debug)]
pub struct Past {
    pub pattern: Pattern,
    pub stretch: Stretch,
}

#[derive(Clone, Debug)]
pub struct Stretch {
    pub since: Moment,
    pub until: Option<Moment>,
}

#[derive(Clone, Debug)]
pub enum Moment {
    /// Of the run; only since it.
    Entry,
    /// Where the day begins.
    Day(Day),
    First(usize),
    Last(usize),
    /// So many days.
    Ago(i32),
}

#[derive(Clone, Copy, Debug)]
pub enum Order {
    Is,
    IsNot,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Clone, Copy, Debug)]
pub enum Bound {
    AtLeast,
    AtMost,
    Exactly,
}

#[derive(Clone, Copy, Debug)]
pub enum Match {
    Is,
    IsNot,
    Contains,
    StartsWith,
    EndsWith,
}

impl Number {
    pub fn text(&self) -> String {
        match self {
            Self::Is(number) => number.to_string(),
            Self::Visits => "visits".to_owned(),
            Self::Amount => "trigger.amount".to_owned(),
            Self::Gathered => "(length of batch)".to_owned(),
            Self::Interests => "(length of interests)".to_owned(),
            Self::Local(id) => format!("n{id}"),
            Self::Length(of) => format!("(length of {})", of.text()),
            Self::Count(past) => format!("(count of {})", past.text()),
            Self::Part(part, of) => {
                let part = match part {
                    Part::Year => "year",
                    Part::Month => "month",
                    Part::Day => "day",
                };
                format!("({part} of {})", of.text())
            }
            Self::Age(of) => format!("(age of {})", of.text()),
            Self::DaysBetween(to, from) => format!("(days of ({} - {}))", to.text(), from.text()),
            Self::HourNow => "(hour of now)".to_owned(),
            Self::Plus(sides) => format!("({} + {})", sides.0.text(), sides.1.text()),
            Self::Minus(sides) => format!("({} - {})", sides.0.text(), sides.1.text()),
            Self::Times(of, times) => format!("({} * {times})", of.text()),
            Self::Whole(rounding, of, share) => {
                let rounding = match rounding {
                    Rounding::Round => "round",
                    Rounding::Floor => "floor",
                    Rounding::Ceil => "ceil",
                };
                format!("({rounding} of ({} / {share}))", of.text())
            }
        }
    }
}

impl Text {
    pub fn text(&self) -> String {
        match self {
            Self::Is(name) => format!("\"{}\"", NAMES[*name]),
            Self::Name => "name".to_owned(),
            Self::Lower(of) => format!("(lower of {})", of.text()),
            Self::Local(id) => format!("n{id}"),
        }
    }
}

impl Day {
    pub fn text(&self) -> String {
        match self {
            Self::Is(after) => {
                let (year, month, day) = calendar(FIRST_DAY + after);
                format!("{year:04}-{month:02}-{day:02}")
            }
            Self::Today => "today".to_owned(),
            Self::Born => "born".to_owned(),
            Self::Local(id) => format!("n{id}"),
            Self::Later(of, days) if *days < 0 => format!("({} - {}d)", of.text(), -days),
            Self::Later(of, days) => format!("({} + {days}d)", of.text()),
            Self::Round(of) => format!("(anniversary of {})", of.text()),
        }
    }
}

impl Value {
    pub fn text(&self) -> String {
        match self {
            Self::Number(number) => number.text(),
            Self::Text(text) => text.text(),
            Self::Day(day) => day.text(),
        }
    }
}

impl Past {
    pub fn text(&self) -> String {
        format!("{}{}", self.pattern.text(), self.stretch.text())
    }
}

impl Stretch {
    pub fn text(&self) -> String {
        let until = self.until.as_ref().map_or_else(String::new, |until| format!(" until {}", until.text()));
        format!(" since {}{until}", self.since.text())
    }
}

impl Moment {
    fn text(&self) -> String {
        match self {
            Self::Entry => "entry".to_owned(),
            Self::Day(day) => day.text(),
            Self::First(event) => format!("first {} at", EVENTS[*event]),
            Self::Last(event) => format!("last {} at", EVENTS[*event]),
            Self::Ago(days) => format!("{days}d ago"),
        }
    }
}

impl Order {
    pub fn text(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "is not",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }

    pub fn holds<T: Ord>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Is => left == right,
            Self::IsNot => left != right,
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
        }
    }
}

impl Bound {
    pub fn text(self) -> &'static str {
        match self {
            Self::AtLeast => "at least",
            Self::AtMost => "at most",
            Self::Exactly => "exactly",
        }
    }
}

impl Match {
    pub fn text(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "is not",
            Self::Contains => "contains",
            Self::StartsWith => "starts with",
            Self::EndsWith => "ends with",
        }
    }
}

/// Year, month and day of a day since 1 January 1970, counted off.
pub fn calendar(mut day: i32) -> (i32, i32, i32) {
    let mut year = 1970;
    while day < 0 {
        year -= 1;
        day += days_in_year(year);
    }
    while day >= days_in_year(year) {
        day -= days_in_year(year);
        year += 1;
    }
    let mut month = 1;
    while day >= days_in_month(year, month) {
        day -= days_in_month(year, month);
        month += 1;
    }
    (year, month, day + 1)
}

/// When a day comes round in a year; 29 February on 28 February where there is none.
pub fn round(day: i32, year: i32) -> i32 {
    let (_, month, of_month) = calendar(day);
    let years: i32 = (1970..year).map(days_in_year).sum();
    let months: i32 = (1..month).map(|month| days_in_month(year, month)).sum();
    years + months + of_month.min(days_in_month(year, month)) - 1
}

fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_year(year: i32) -> i32 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
