//! What values are, as far as filters and loops care, and what these ask of them.

use journey_bytecode::Type;
use smol_str::SmolStr;

use crate::diagnostic::Span;

/// A kind of value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Text of any type.
    Text,
    /// A number.
    Number,
    /// True or not.
    Truth,
    /// A date, a time, a moment.
    Moment,
    /// Money.
    Money,
    /// A duration.
    Duration,
    /// A list.
    List,
    /// Something with named parts.
    Record,
    /// One or the other; it can be shown, and that is all that is known.
    Mixed,
    /// It has been said that it makes no sense.
    Any,
}

impl Kind {
    /// The kind of a type.
    pub const fn of(ty: &Type) -> Self {
        match ty {
            Type::Bool => Self::Truth,
            Type::Number => Self::Number,
            Type::Money => Self::Money,
            Type::Date | Type::Time | Type::DateTime => Self::Moment,
            Type::Duration => Self::Duration,
            Type::List(_) => Self::List,
            Type::Record(_) => Self::Record,
            _ => Self::Text,
        }
    }

    /// With its article.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Truth => "true or not",
            Self::Moment => "a date or time",
            Self::Money => "an amount of money",
            Self::Duration => "a duration",
            Self::List => "a list",
            Self::Record => "something with several parts",
            Self::Mixed | Self::Any => "some value",
        }
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// A variable, by its place in [`Template::uses`](super::Template::uses).
    Use(usize),
    /// An item of a variable that is a list.
    Item(usize),
    /// The template itself.
    Kind(Kind),
}

impl Source {
    /// It has been said that it makes no sense.
    pub const ANY: Self = Self::Kind(Kind::Any);

    /// Where the items of such a value come from.
    #[must_use]
    pub const fn item(self) -> Self {
        match self {
            Self::Use(at) => Self::Item(at),
            Self::Kind(Kind::Any) => Self::ANY,
            Self::Item(_) | Self::Kind(_) => Self::Kind(Kind::Mixed),
        }
    }
}

/// What is asked of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// To stand in a text.
    Shown,
    /// To be a list.
    List,
    /// To be a list or text.
    ListOrText,
    /// To be a list of the template itself, or a text.
    Choice,
    /// To be a date or time.
    Moment,
    /// To be money.
    Money,
    /// To be money or a number.
    MoneyOrNumber,
    /// To be a number or a list.
    Countable,
    /// To be a number.
    Number,
    /// To have named parts.
    Parts,
}

impl Need {
    /// Whether a value does.
    pub const fn accepts(self, kind: Kind) -> bool {
        use Kind as K;
        match (self, kind) {
            (_, K::Any) => true,
            (Self::Shown, kind) => !matches!(kind, K::List | K::Record),
            (Self::List, kind) => matches!(kind, K::List),
            (Self::ListOrText | Self::Choice, kind) => matches!(kind, K::List | K::Text),
            (Self::Moment, kind) => matches!(kind, K::Moment),
            (Self::Money, kind) => matches!(kind, K::Money),
            (Self::MoneyOrNumber, kind) => matches!(kind, K::Money | K::Number),
            (Self::Countable, kind) => matches!(kind, K::Number | K::List),
            (Self::Number, kind) => matches!(kind, K::Number),
            (Self::Parts, kind) => matches!(kind, K::Record | K::Money),
        }
    }

    /// What it is for, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Shown => "single values",
            Self::List => "lists",
            Self::ListOrText => "lists and texts",
            Self::Choice => "texts, and lists that stand in the template",
            Self::Moment => "dates and times",
            Self::Money => "money, and for numbers with a currency",
            Self::MoneyOrNumber => "money and numbers",
            Self::Countable => "numbers and lists",
            Self::Number => "numbers",
            Self::Parts => "values with several parts",
        }
    }
}

/// Something that a template asks of a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Demand {
    /// Where the value may come from.
    pub sources: Vec<Source>,
    /// What is asked.
    pub need: Need,
    /// By what: `date`.
    pub by: SmolStr,
    /// Where.
    pub span: Span,
}
