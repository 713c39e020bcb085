//! Values that programs compute with, and their types.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A decimal number with six places after the point, held exactly: `0.1 + 0.2` is `0.3`.
///
/// Arithmetic saturates at about ±9.2 million million, so that no program can trap on a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Number(pub i64);

impl Number {
    /// How many millionths make one.
    pub const SCALE: i64 = 1_000_000;

    /// A whole number; saturates.
    pub const fn from_int(n: i64) -> Self {
        Self(n.saturating_mul(Self::SCALE))
    }

    /// The sum; saturates.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference; saturates.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The product, rounded towards zero at the sixth place; saturates.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        Self(clamp(i128::from(self.0) * i128::from(other.0) / i128::from(Self::SCALE)))
    }

    /// The quotient, rounded towards zero at the sixth place; dividing by zero gives zero.
    #[must_use]
    pub fn over(self, other: Self) -> Self {
        if other.0 == 0 {
            return Self(0);
        }
        Self(clamp(i128::from(self.0) * i128::from(Self::SCALE) / i128::from(other.0)))
    }

    /// Reads `12`, `-1.5`, `0.000001`; more than six decimal places or a number out of range is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !plain(whole) || !plain(fraction) || fraction.len() > 6 {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let missing = 6 - u32::try_from(fraction.len()).ok()?;
        let padded = fraction.parse::<i64>().ok()? * 10_i64.pow(missing);
        let value = whole.checked_mul(Self::SCALE)?.checked_add(padded)?;
        Some(Self(if negative { -value } else { value }))
    }
}

fn clamp(wide: i128) -> i64 {
    i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let scale = Self::SCALE.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = format!("{:06}", magnitude % scale);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() {
            write!(f, "{sign}{}", magnitude / scale)
        } else {
            write!(f, "{sign}{}.{fraction}", magnitude / scale)
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An amount in one currency (ISO 4217). Amounts in two currencies are never compared; the checker sees to it where it
/// can, and at run time such a comparison is false.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// How much, in the currency's main unit.
    pub amount: Number,
    /// Three capitals, as `EUR`.
    pub currency: SmolStr,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Instant(pub i64);

impl Instant {
    /// The last moment there is: what never comes.
    pub const NEVER: Self = Self(i64::MAX);
}

/// A calendar day: days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Date(pub i32);

/// A time of day on the wall clock: seconds since midnight, below 86,400.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Time(pub u32);

/// A duration: calendar parts (`d w mo y`, same wall-clock time in the contact's zone) and an exact part (`s m h`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Span {
    /// Calendar months; a year is twelve.
    pub months: i32,
    /// Calendar days; a week is seven.
    pub days: i32,
    /// Exact milliseconds.
    pub millis: i64,
}

impl Span {
    /// The same length backwards.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self {
            months: self.months.saturating_neg(),
            days: self.days.saturating_neg(),
            millis: self.millis.saturating_neg(),
        }
    }

    /// The most milliseconds that it can last: months count 31 days, days 26 hours.
    pub const fn longest_millis(self) -> i64 {
        let days = (self.months as i64).saturating_mul(31).saturating_add(self.days as i64);
        days.saturating_mul(26 * 3_600_000).saturating_add(self.millis)
    }

    /// A length to compare and to estimate with: months count 30 days, days 24 hours.
    pub const fn rough_millis(self) -> i64 {
        let days = (self.months as i64).saturating_mul(30).saturating_add(self.days as i64);
        days.saturating_mul(86_400_000).saturating_add(self.millis)
    }
}

/// What a value can be, as the schema declares it and the checker knows it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Type {
    /// `bool`
    Bool,
    /// `number`
    Number,
    /// `text`
    Text,
    /// `money`
    Money,
    /// `date`
    Date,
    /// `time`
    Time,
    /// `datetime`: a moment
    DateTime,
    /// `duration`
    Duration,
    /// `email`: text that is a mail address
    Email,
    /// `phone`: text that is an international number, as `+4915112345678`
    Phone,
    /// `url`: text that is an http(s) address
    Url,
    /// `country`: ISO 3166-1 alpha-2
    Country,
    /// `language`: a language tag, as `de` or `pt_BR`
    Language,
    /// `timezone`: a name of the zone database, as `Europe/Berlin`
    TimeZone,
    /// `user`: a person of the team, by address
    User,
    /// `enum { a b c }`
    Enum(Arc<[SmolStr]>),
    /// `list of T`
    List(Arc<Type>),
    /// What a template or a digest sees as an object: fields by name
    Record(Arc<[(SmolStr, Type)]>),
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::Number => "number",
            Self::Text => "text",
            Self::Money => "money",
            Self::Date => "date",
            Self::Time => "time",
            Self::DateTime => "datetime",
            Self::Duration => "duration",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::Country => "country",
            Self::Language => "language",
            Self::TimeZone => "timezone",
            Self::User => "user",
            Self::Enum(values) => return write!(f, "enum {{ {} }}", values.join(" ")),
            Self::List(of) => return write!(f, "list of {of}"),
            Self::Record(_) => "record",
        })
    }
}

impl Type {
    /// Whether values of this type are held as [`Value::Text`].
    pub const fn is_textual(&self) -> bool {
        matches!(
            self,
            Self::Text
                | Self::Email
                | Self::Phone
                | Self::Url
                | Self::Country
                | Self::Language
                | Self::TimeZone
                | Self::User
                | Self::Enum(_)
        )
    }

    /// Whether `<` and `>` make sense.
    pub const fn is_ordered(&self) -> bool {
        matches!(self, Self::Number | Self::Money | Self::Date | Self::Time | Self::DateTime | Self::Duration)
    }
}

/// A value at run time. The checker proves that [`Value::Unset`] never reaches an operator that needs a value; if it
/// does all the same, every operator has a total answer, so that a program never traps.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Value {
    /// The attribute or field has no value.
    #[default]
    Unset,
    /// Truth.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text of any textual type, enum values and codes included.
    Text(SmolStr),
    /// An amount of money.
    Money(Money),
    /// A moment.
    Instant(Instant),
    /// A day.
    Date(Date),
    /// A time of day.
    Time(Time),
    /// A wall-clock date and time, not yet in any zone: milliseconds since 1970-01-01 00:00 on the wall.
    Local(i64),
    /// A duration.
    Span(Span),
    /// Several values.
    List(Arc<[Value]>),
    /// Values by name, in the order of their declaration.
    Record(Arc<[(SmolStr, Value)]>),
}

impl Value {
    /// Text.
    pub fn text(text: impl Into<SmolStr>) -> Self {
        Self::Text(text.into())
    }

    /// A whole number.
    pub const fn int(n: i64) -> Self {
        Self::Number(Number::from_int(n))
    }

    /// Whether there is a value.
    pub const fn is_set(&self) -> bool {
        !matches!(self, Self::Unset)
    }

    /// `true` for `Bool(true)` alone.
    pub const fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// The order of two values of one ordered type; `None` for anything else (other types, two currencies, unset).
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Some(a.cmp(b)),
            (Self::Money(a), Self::Money(b)) if a.currency == b.currency => Some(a.amount.cmp(&b.amount)),
            (Self::Instant(a), Self::Instant(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::Time(a), Self::Time(b)) => Some(a.cmp(b)),
            (Self::Local(a), Self::Local(b)) => Some(a.cmp(b)),
            (Self::Span(a), Self::Span(b)) => Some(a.rough_millis().cmp(&b.rough_millis())),
            _ => None,
        }
    }

    /// The field of a record; [`Value::Unset`] where there is none.
    pub fn field(&self, name: &str) -> Self {
        match self {
            Self::Record(fields) => {
                fields.iter().find(|(n, _)| n == name).map_or(Self::Unset, |(_, value)| value.clone())
            }
            _ => Self::Unset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_decimal() {
        let n = |s| Number::parse(s).unwrap();
        assert_eq!(n("0.1").plus(n("0.2")), n("0.3"));
        assert_eq!(n("1.5").times(n("-2")), n("-3"));
        assert_eq!(n("1").over(n("3")).to_string(), "0.333333");
        assert_eq!(n("1").over(n("0")), n("0"));
        assert_eq!(Number::parse("1.1234567"), None);
        assert_eq!(Number::parse("99999999999999999999"), None);
        assert_eq!(Number::parse("-"), None);
        assert_eq!(Number::parse("1."), None);
    }

    proptest! {
        #[test]
        fn numbers_print_and_parse_back(raw in -i64::MAX..i64::MAX) {
            prop_assert_eq!(Number::parse(&Number(raw).to_string()), Some(Number(raw)));
        }

        #[test]
        fn arithmetic_is_total(a: i64, b: i64) {
            let (a, b) = (Number(a), Number(b));
            let _ = (a.plus(b), a.minus(b), a.times(b), a.over(b));
        }
    }
}
