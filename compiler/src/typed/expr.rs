//! Expressions whose names and types are checked.

use std::cmp::Ordering;

use journey_bytecode::{
    Aggregate, Channel, Function, LocalWindow, SlotIx, Span, StatusKind, TextMatch, Time, Type, Value, WeekdaySet,
};
use smallvec::{SmallVec, smallvec};
use smol_str::SmolStr;

use super::About;
use crate::hir::Loc;

/// A typed expression.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Expr {
    /// What it is.
    pub(crate) kind: ExprKind,
    /// Its type; none where something was wrong with it, and has been said.
    pub(crate) ty: Option<Type>,
    /// Where it stands.
    pub(crate) loc: Loc,
}

impl Expr {
    /// What stands for an expression that is wrong.
    pub(crate) const fn error(loc: Loc) -> Self {
        Self { kind: ExprKind::Error, ty: None, loc }
    }

    /// A constant.
    pub(crate) const fn constant(value: Value, ty: Type, loc: Loc) -> Self {
        Self { kind: ExprKind::Const(value), ty: Some(ty), loc }
    }

    /// A truth.
    pub(crate) const fn truth(kind: ExprKind, loc: Loc) -> Self {
        Self { kind, ty: Some(Type::Bool), loc }
    }
}

/// A value that something outside the expression holds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Place {
    /// An attribute of the contact.
    Attribute(SmolStr),
    /// A field of the event that started the run.
    Trigger(SmolStr),
    /// A field of the event at hand.
    Field(SmolStr),
    /// A local variable.
    Slot(SlotIx),
    /// A field of an answer that a local variable holds, and whether every answer has it.
    Answer(SlotIx, SmolStr, bool),
}

/// The kinds of typed expressions.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum ExprKind {
    /// Something was wrong with it, and has been said.
    Error,
    /// A constant.
    Const(Value),
    /// A value that may be unset if the flag says so.
    Place(Place, Optional),
    /// The present moment.
    Now,
    /// The present day.
    Today,
    /// When the contact was created.
    CreatedAt,
    /// When the wait began.
    WaitStart,
    /// The weekday of a moment.
    WeekdayOf(Box<Expr>),
    /// The hour of a moment.
    HourOf(Box<Expr>),
    /// What a function makes of a value.
    Function(Function, Box<Expr>),
    /// A score.
    Score(SmolStr),
    /// A moment between two, drawn once for each wait.
    Between(Box<(Expr, Expr)>),
    /// The moment at which so much time inside the window is over: moment and duration.
    AddWithin(LocalWindow, Box<(Expr, Expr)>),
    /// The first moment, from the one on, that is the time on the day or a whole number of spans later.
    NextEvery(Box<(Expr, Expr)>, Span, Time),
    /// The later one of two moments.
    Later(Box<(Expr, Expr)>),
    /// A list with a value.
    With(Box<(Expr, Expr)>),
    /// A list without a value.
    Without(Box<(Expr, Expr)>),
    /// The next moment, from the first one on, on which the day comes round at the time.
    NextAnniversary(Box<(Expr, Expr)>, Time),
    /// A moment of a day or wall-clock time.
    ToInstant(Box<Expr>),
    /// The day of a moment.
    DayOf(Box<Expr>),
    /// Whether a moment has come.
    Reached(Box<Expr>),
    /// Whether a day comes round on another.
    Anniversary(Box<(Expr, Expr)>),
    /// The next moment when the clock shows this.
    NextAt(WeekdaySet, Box<(Expr, Expr)>),
    /// The next moment inside the window.
    NextWithin(LocalWindow, Box<Expr>),
    /// Truth, turned.
    Not(Box<Expr>),
    /// All of them.
    And(Vec<Expr>),
    /// One of them.
    Or(Vec<Expr>),
    /// A comparison.
    Compare(Comparison, Box<(Expr, Expr)>),
    /// Text in text or value in list: `a contains b`.
    Contains(Box<(Expr, Expr)>),
    /// Text.
    StartsWith(Box<(Expr, Expr)>),
    /// Text.
    EndsWith(Box<(Expr, Expr)>),
    /// Whether one of a list's values is found, or all of them.
    Each(TextMatch, crate::hir::Each, Box<(Expr, Expr)>),
    /// Whether a pattern matches somewhere in a text.
    Matches(Box<Expr>, SmolStr),
    /// How many of the conditions hold, compared with a number.
    NumberOf(Comparison, u32, Vec<Expr>),
    /// Value in list.
    In(Box<(Expr, Expr)>),
    /// Arithmetic, from left to right.
    Arithmetic(Box<Expr>, Vec<(crate::hir::ArithmeticOp, Expr)>),
    /// Whether there is a value.
    IsSet(Box<Expr>),
    /// What history tells.
    History(Box<History>),
    /// The contact's stage in the funnel.
    Stage(SmolStr),
    /// Whether the contact can be written to on the channel.
    Reachable(Channel),
    /// Whether the contact consents to the topic.
    Consents(SmolStr, Option<Channel>),
    /// Whether the contact has a run of the journey.
    InJourney(SmolStr),
    /// Whether the contact had a run of the journey, within a time or ever.
    WasInJourney(SmolStr, Option<Span>),
    /// Whether a stable draw falls into the share, in parts of a million.
    Chance(u32),
    /// Whether the contact has the tag.
    HasTag(SmolStr),
    /// What happened to a message.
    Status(StatusKind, About),
    /// A link clicked in a message.
    ClickedLink(SmolStr, About),
    /// How many messages something happened to.
    Messages(Box<MessageHistory>),
}

/// A question about what became of messages.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct MessageHistory {
    /// What happened.
    pub(crate) status: StatusKind,
    /// To which.
    pub(crate) about: About,
    /// By which link.
    pub(crate) link: Option<SmolStr>,
    /// Since when and until when.
    pub(crate) stretch: Stretch,
}

/// A stretch of the past.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Stretch {
    /// How far back.
    pub(crate) within: Option<Span>,
    /// Only since the run began.
    pub(crate) since_entry: bool,
    /// Only from this moment on.
    pub(crate) since: Option<Expr>,
    /// Only before this moment.
    pub(crate) until: Option<Expr>,
}

impl Stretch {
    /// Whether it is all that ever was.
    pub(crate) const fn is_all(&self) -> bool {
        self.within.is_none() && !self.since_entry && self.since.is_none() && self.until.is_none()
    }
}

/// A question about past events.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct History {
    /// The event.
    pub(crate) event: SmolStr,
    /// Which occurrences count.
    pub(crate) filter: Option<Expr>,
    /// Since when and until when.
    pub(crate) stretch: Stretch,
    /// What is asked.
    pub(crate) aggregate: Aggregate,
    /// The segment that it is about, which must be watched for it.
    pub(crate) watched: Option<(SmolStr, Expr)>,
}

/// Whether a place may be without a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Optional {
    /// It always has one.
    No,
    /// It may be unset.
    Yes,
}

/// How two values compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Expr {
    /// The expressions directly inside.
    pub(crate) fn children(&self) -> SmallVec<[&Self; 4]> {
        match &self.kind {
            ExprKind::WeekdayOf(of)
            | ExprKind::HourOf(of)
            | ExprKind::Function(_, of)
            | ExprKind::Matches(of, _)
            | ExprKind::ToInstant(of)
            | ExprKind::DayOf(of)
            | ExprKind::Reached(of)
            | ExprKind::Not(of)
            | ExprKind::IsSet(of)
            | ExprKind::NextWithin(_, of) => smallvec![&**of],
            ExprKind::NextAt(_, sides)
            | ExprKind::Between(sides)
            | ExprKind::AddWithin(_, sides)
            | ExprKind::NextEvery(sides, ..)
            | ExprKind::Later(sides)
            | ExprKind::With(sides)
            | ExprKind::Without(sides)
            | ExprKind::Each(_, _, sides)
            | ExprKind::NextAnniversary(sides, _)
            | ExprKind::Anniversary(sides)
            | ExprKind::Compare(_, sides)
            | ExprKind::Contains(sides)
            | ExprKind::StartsWith(sides)
            | ExprKind::EndsWith(sides)
            | ExprKind::In(sides) => smallvec![&sides.0, &sides.1],
            ExprKind::And(parts) | ExprKind::Or(parts) | ExprKind::NumberOf(_, _, parts) => parts.iter().collect(),
            ExprKind::Arithmetic(first, rest) => {
                std::iter::once(&**first).chain(rest.iter().map(|(_, operand)| operand)).collect()
            }
            ExprKind::History(history) => {
                history.filter.iter().chain(&history.stretch.since).chain(&history.stretch.until).collect()
            }
            ExprKind::Messages(asked) => asked.stretch.since.iter().chain(&asked.stretch.until).collect(),
            _ => SmallVec::new(),
        }
    }

    /// The expressions directly inside.
    pub(crate) fn children_mut(&mut self) -> SmallVec<[&mut Self; 4]> {
        match &mut self.kind {
            ExprKind::WeekdayOf(of)
            | ExprKind::HourOf(of)
            | ExprKind::Function(_, of)
            | ExprKind::Matches(of, _)
            | ExprKind::ToInstant(of)
            | ExprKind::DayOf(of)
            | ExprKind::Reached(of)
            | ExprKind::Not(of)
            | ExprKind::IsSet(of)
            | ExprKind::NextWithin(_, of) => smallvec![&mut **of],
            ExprKind::NextAt(_, sides)
            | ExprKind::Between(sides)
            | ExprKind::AddWithin(_, sides)
            | ExprKind::NextEvery(sides, ..)
            | ExprKind::Later(sides)
            | ExprKind::With(sides)
            | ExprKind::Without(sides)
            | ExprKind::Each(_, _, sides)
            | ExprKind::NextAnniversary(sides, _)
            | ExprKind::Anniversary(sides)
            | ExprKind::Compare(_, sides)
            | ExprKind::Contains(sides)
            | ExprKind::StartsWith(sides)
            | ExprKind::EndsWith(sides)
            | ExprKind::In(sides) => {
                let (left, right) = &mut **sides;
                smallvec![left, right]
            }
            ExprKind::And(parts) | ExprKind::Or(parts) | ExprKind::NumberOf(_, _, parts) => parts.iter_mut().collect(),
            ExprKind::Arithmetic(first, rest) => {
                std::iter::once(&mut **first).chain(rest.iter_mut().map(|(_, operand)| operand)).collect()
            }
            ExprKind::History(history) => {
                let stretch = &mut history.stretch;
                history.filter.iter_mut().chain(&mut stretch.since).chain(&mut stretch.until).collect()
            }
            ExprKind::Messages(asked) => asked.stretch.since.iter_mut().chain(&mut asked.stretch.until).collect(),
            _ => SmallVec::new(),
        }
    }

    /// Whether this or an expression inside is so.
    pub(crate) fn any(&self, is: &impl Fn(&Self) -> bool) -> bool {
        is(self) || self.children().into_iter().any(|child| child.any(is))
    }

    /// The same expression, standing somewhere else; where it stood before, everything unset was seen to.
    #[must_use]
    pub(crate) fn put_at(mut self, loc: Loc) -> Self {
        self.loc = loc;
        if let ExprKind::Place(_, optional) = &mut self.kind {
            *optional = Optional::No;
        }
        for child in self.children_mut() {
            let moved = std::mem::replace(child, Self::error(loc)).put_at(loc);
            *child = moved;
        }
        self
    }
}

impl Comparison {
    /// What holds when this one does not.
    #[must_use]
    pub(crate) const fn negated(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
        }
    }

    /// Whether it holds between two values.
    pub(crate) fn holds(self, a: &Value, b: &Value) -> bool {
        let order = a.order(b);
        match self {
            Self::Equal => a == b,
            Self::NotEqual => a != b,
            Self::Less => order.is_some_and(Ordering::is_lt),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order.is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }

    /// The same with its sides changed.
    #[must_use]
    pub(crate) const fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }
}
