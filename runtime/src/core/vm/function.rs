//! Functions of values, and scores.

use journey_bytecode::{Date, Function, Instant, Money, Number, Points, Time, Value};
use smol_str::SmolStr;

use super::Env;
use crate::time;

const DAY: i64 = time::DAY;
const HOUR: i64 = 3_600_000;

impl Env<'_> {
    /// What a function makes of a value; unset for one of another type.
    pub(super) fn function(&self, function: Function, value: &Value) -> Value {
        let count = |n: usize| Value::int(i64::try_from(n).unwrap_or(i64::MAX));
        match (function, value) {
            (_, Value::Unset) => Value::Unset,
            (Function::Year | Function::Month | Function::Day, value) => match self.day(value) {
                Some(day) => {
                    let (year, month, day) = time::year_month_day(day);
                    Value::int(match function {
                        Function::Year => i64::from(year),
                        Function::Month => i64::from(month),
                        _ => i64::from(day),
                    })
                }
                None => Value::Unset,
            },
            (Function::Age | Function::Anniversary, value) => match self.day(value) {
                Some(day) => {
                    self.changes_at(self.zone().next_day(self.now));
                    let today = self.zone().today(self.now);
                    match function {
                        Function::Age => Value::int(time::whole_years(day, today)),
                        _ => self.anniversary(day, today),
                    }
                }
                None => Value::Unset,
            },
            (Function::Days, Value::Span(span)) => Value::int(span.rough_millis() / DAY),
            (Function::Hours, Value::Span(span)) => Value::int(span.rough_millis() / HOUR),
            (Function::Length, Value::Text(text)) => count(text.chars().count()),
            (Function::Length, Value::List(values)) => count(values.len()),
            (Function::Lower, Value::Text(text)) => Value::text(text.to_lowercase()),
            (Function::Domain, Value::Text(text)) => domain(text).map_or(Value::Unset, Value::text),
            (Function::Round | Function::Floor | Function::Ceil, Value::Number(number)) => {
                Value::Number(whole(function, *number))
            }
            (Function::Round | Function::Floor | Function::Ceil, Value::Money(money)) => {
                Value::Money(Money { amount: whole(function, money.amount), currency: money.currency.clone() })
            }
            _ => Value::Unset,
        }
    }

    /// The next day on which the day comes round, today included.
    fn anniversary(&self, day: Date, today: Date) -> Value {
        let next = self.zone().next_anniversary(self.zone().start_of(today), day, Time(0));
        if next == Instant::NEVER { Value::Unset } else { Value::Date(self.zone().today(next)) }
    }

    /// A day, or the day that a moment is on for the contact.
    pub(super) fn day(&self, value: &Value) -> Option<Date> {
        match value {
            Value::Date(day) => Some(*day),
            Value::Local(wall) => Some(time::date_of_wall(*wall)),
            Value::Instant(at) => Some(self.zone().today(*at)),
            _ => None,
        }
    }

    /// A score as a number. Whoever computes with it looks again every hour.
    pub(super) fn score(&self, name: &SmolStr) -> Value {
        let Some(score) = self.linked.score(name) else { return Value::Unset };
        let (points, at) = self.points(name);
        if points != Points::default() && score.halves.is_some() {
            self.changes_at(self.zone().next_hour(self.now));
        }
        Value::Number(points.faded(self.now.0.saturating_sub(at.0), score.halves).number())
    }

    /// How a score compares with a number; notes when time changes that.
    pub(super) fn score_compared(&self, name: &SmolStr, to: &Value, holds: fn(Number, Number) -> bool) -> Value {
        let (Some(score), Value::Number(to)) = (self.linked.score(name), to) else { return Value::Bool(false) };
        let (points, at) = self.points(name);
        let holds = |score| holds(score, *to);
        self.changes_at(points.changes(at, score.halves, self.now, holds));
        Value::Bool(holds(points.faded(self.now.0.saturating_sub(at.0), score.halves).number()))
    }

    fn points(&self, name: &SmolStr) -> (Points, Instant) {
        self.contact.state.scores.get(name).map_or((Points::default(), self.now), |kept| (kept.points, kept.at))
    }
}

fn whole(function: Function, number: Number) -> Number {
    let scale = Number::SCALE;
    let down = number.0.div_euclid(scale);
    let rest = number.0.rem_euclid(scale);
    let whole = match function {
        Function::Ceil if rest > 0 => down + 1,
        // Halves go away from zero.
        Function::Round if rest * 2 > scale || rest * 2 == scale && number.0 > 0 => down + 1,
        _ => down,
    };
    Number::from_int(whole)
}

/// What stands behind the `@` of a mail address, or the host of a web address.
fn domain(text: &str) -> Option<String> {
    let host = match text.split_once("://") {
        Some((_, rest)) => {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            let host = authority.rsplit('@').next().unwrap_or(authority);
            host.split(':').next().unwrap_or(host)
        }
        None => text.rsplit_once('@')?.1,
    };
    (!host.is_empty()).then(|| host.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        let all = |text: &str| {
            let number = Number::parse(text).unwrap();
            [Function::Round, Function::Floor, Function::Ceil].map(|f| whole(f, number).to_string())
        };
        assert_eq!(all("2.5"), ["3", "2", "3"]);
        assert_eq!(all("2.4"), ["2", "2", "3"]);
        assert_eq!(all("-2.5"), ["-3", "-3", "-2"]);
        assert_eq!(all("-2.4"), ["-2", "-3", "-2"]);
        assert_eq!(all("7"), ["7", "7", "7"]);
    }

    #[test]
    fn domains() {
        assert_eq!(domain("ada@Example.COM").as_deref(), Some("example.com"));
        assert_eq!(domain("https://ada:pw@shop.example:8443/a?b#c").as_deref(), Some("shop.example"));
        assert_eq!(domain("nobody"), None);
    }
}
