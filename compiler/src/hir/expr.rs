//! Expressions as written.

use journey_bytecode::{Channel, LocalWindow, Money, Number, Span, StatusKind, Time};
use smol_str::SmolStr;

use super::{About, Loc, Name};

/// An expression.
#[derive(Clone, PartialEq, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub loc: Loc,
}

/// The kinds of expressions. Chains of one level are flat, so that a long one is not a deep one.
#[derive(Clone, Default, PartialEq, Debug)]
pub enum ExprKind {
    /// Cannot be read; somebody has said so.
    #[default]
    Error,
    /// `true`, `false`
    Bool(bool),
    /// `42`
    Number(Number),
    /// `20 EUR`
    Money(Money),
    /// `"text"`
    Text(SmolStr),
    /// `3d`
    Span(Span),
    /// `09:00`
    Time(Time),
    /// `2026-03-01`
    Date(journey_bytecode::Date),
    /// `2026-03-01 09:00`, on the wall clock: milliseconds.
    Local(i64),
    /// A bare word.
    Name(SmolStr),
    /// `contact.plan`, `trigger.amount`
    Member(Box<Expr>, Name),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `not a`
    Not(Box<Expr>),
    /// `-a`
    Negate(Box<Expr>),
    /// `a and b and ..`
    And(Vec<Expr>),
    /// `a or b or ..`
    Or(Vec<Expr>),
    /// `a is b`, `a < b`, `a contains b`
    Binary(BinaryOp, Box<(Expr, Expr)>),
    /// `a + b - c`, `a * b / c`
    Arithmetic(Box<Expr>, Vec<(ArithmeticOp, Expr)>),
    /// `a contains any of b`, `a ends with all of b`: whether one of the list's values, or all of them, are found.
    Each(BinaryOp, Each, Box<(Expr, Expr)>),
    /// `at least 2 of [a, b, c]`
    NumberOf(Bound, u32, Vec<Expr>),
    /// `a in [..]`
    In(Box<(Expr, Expr)>),
    /// `a between b and c`
    Between(Box<(Expr, Expr, Expr)>),
    /// `a is set`
    IsSet(Box<Expr>),
    /// `a within last 30d`, `now within weekdays 09:00 to 17:00`
    Within(Box<Expr>, Within),
    /// `a is empty`
    IsEmpty(Box<Expr>),
    /// `weekday of a`
    Function(Name, Box<Expr>),
    /// `30d ago`
    Ago(Span),
    /// `opened story`, `opened any email at least 2 times within 30d`
    Status(StatusKind, Box<(About, When)>),
    /// `has tag vip`
    HasTag(Name),
    /// `in engaged`, `in sales.prospect`
    InGroup(Name),
    /// `in journey winback`
    InJourney(Name),
    /// `was in engaged within 30d`, `was in sales.prospect`
    WasInGroup(Name, Box<When>),
    /// `was in journey winback [within 30d]`
    WasInJourney(Name, Box<When>),
    /// `plan changed from free to pro within 30d`
    Changed(Box<Changed>),
    /// `reachable via sms`
    Reachable(Channel),
    /// `consents to offers [via email]`
    Consents(Name, Option<Channel>),
    /// `did purchase at least 2 times within 30d`
    Did(Box<Past>),
    /// `sum of purchase.amount within 90d`
    Aggregate(Box<Aggregate>),
    /// `chance 10%`, in parts of a million
    Chance(u32),
}

/// What a moment is within.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Within {
    /// `within last 30d`
    Last(Span),
    /// `within next 30d`
    Next(Span),
    /// `within weekdays 09:00 to 17:00`
    Window(LocalWindow),
}

/// A question about past events.
#[derive(Clone, PartialEq, Debug)]
pub struct Past {
    /// The event.
    pub event: Name,
    /// `where COND`
    pub filter: Option<Expr>,
    /// How often, and since when.
    pub when: When,
}

/// How often and since when something happened.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct When {
    /// `at least 2 times`
    pub count: Option<Count>,
    /// `within 30d`
    pub within: Option<Span>,
    /// `since ..`
    pub since: Option<Since>,
}

/// `at least 2 times`, `on 3 days`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count {
    /// How it is compared.
    pub bound: Bound,
    /// With what.
    pub number: u32,
    /// Whether days are counted.
    pub days: bool,
    /// Where it stands.
    pub loc: Loc,
}

/// `since entry`, `since first purchase at until now`
#[derive(Clone, PartialEq, Debug)]
pub struct Since {
    /// From when; from the beginning of the run without.
    pub from: Option<Expr>,
    /// Until when.
    pub until: Option<Expr>,
    /// Where it stands.
    pub loc: Loc,
}

/// `plan changed from free to pro within 30d`
#[derive(Clone, PartialEq, Debug)]
pub struct Changed {
    /// The attribute.
    pub attribute: Name,
    /// Its value before.
    pub from: Option<Expr>,
    /// Its value after.
    pub to: Option<Expr>,
    /// How often, and since when.
    pub when: When,
}

/// How many of a list's values must be found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Each {
    Any,
    All,
}

/// How a count is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Bound {
    AtLeast,
    AtMost,
    Exactly,
}

/// What history adds up to.
#[derive(Clone, PartialEq, Debug)]
pub struct Aggregate {
    /// What is made of it.
    pub function: Function,
    /// `distinct`: how many different values.
    pub distinct: bool,
    /// Which occurrences.
    pub past: Past,
    /// The field.
    pub field: Option<Name>,
}

/// What can be made of past events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Function {
    Count,
    Sum,
    Average,
    Min,
    Max,
    First,
    Last,
    FirstAt,
    LastAt,
}

/// Operators between two values that give a truth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryOp {
    /// `is`
    Is,
    /// `is not`
    IsNot,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `before`
    Before,
    /// `after`
    After,
    /// `contains`
    Contains,
    /// `starts with`
    StartsWith,
    /// `ends with`
    EndsWith,
    /// `matches`
    Matches,
}

/// Operators between two values that give a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ArithmeticOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}
