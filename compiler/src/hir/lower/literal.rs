//! What literals say.

use chrono::NaiveDate;
use journey_bytecode::{Date, LocalWindow, Money, Number, Span, Time, Weekday, WeekdaySet};
use journey_grammar::ast::{self, Unit};
use journey_grammar::{SyntaxKind, Token};

use super::Lower;
use crate::check::codes;
use crate::diagnostic::Code;

const DAY_MILLIS: i64 = 86_400_000;

impl Lower<'_> {
    pub(super) fn count(&mut self, token: Token<'_>) -> Option<u32> {
        let count = token.text().parse().ok().filter(|count| *count > 0);
        if count.is_none() && number(token).is_some() {
            let message = format!("`{}` is not a count", token.text());
            self.report(Code::ImpossibleValue, token.range(), message, |d| {
                d.label("not a count").help("write a whole number from 1")
            });
        }
        count
    }

    pub(super) fn money(&mut self, literal: ast::MoneyLiteral<'_>) -> Option<Money> {
        let amount = number(literal.amount()?)?;
        let currency = literal.currency()?;
        if !codes::is_currency(currency.text()) {
            let message = format!("there is no currency `{}`", currency.text());
            self.report(Code::UnknownValue, currency.range(), message, |d| {
                d.label("no such currency").help("currencies are three capitals (ISO 4217), such as `EUR` or `USD`")
            });
            return None;
        }
        Some(Money { amount, currency: currency.text().into() })
    }

    /// A window; without times it is open all day.
    pub(super) fn window(&mut self, window: ast::Window<'_>) -> Option<LocalWindow> {
        let days = window.days().map_or(Some(WeekdaySet::ALL), days)?;
        let (Some(from), Some(to)) = (window.from(), window.to()) else {
            return Some(LocalWindow { days, from: Time(0), to: Time(0) });
        };
        let loc = from.range().cover(to.range());
        let (from, to) = (time(from), time(to));
        let (from, to) = (from?, to?);
        if from == to {
            self.report(Code::ImpossibleValue, loc, "this window begins and ends at the same time", |d| {
                d.label("never open").help("leave the times out if it is open all day")
            });
            return None;
        }
        Some(LocalWindow { days, from, to })
    }
}

/// A number; what is wrong with it, [`syntax`](crate::syntax) says, as for all literals here.
pub(super) fn number(token: Token<'_>) -> Option<Number> {
    Number::parse(token.text())
}

pub(super) fn duration(token: Token<'_>) -> Option<Span> {
    let ((count, unit), mut rest) = ast::duration_part(token.text())?;
    let mut sum = add(Span::default(), count, unit)?;
    while !rest.is_empty() {
        let ((count, unit), after) = ast::duration_part(rest)?;
        sum = add(sum, count, unit)?;
        rest = after;
    }
    Some(sum)
}

pub(super) fn time(token: Token<'_>) -> Option<Time> {
    ast::time_parts(token.text()).map(|(hour, minute)| Time(hour * 3600 + minute * 60))
}

pub(super) fn date(token: Token<'_>) -> Option<Date> {
    let (year, month, day) = ast::date_parts(token.text())?;
    NaiveDate::from_ymd_opt(year, month, day).map(|date| Date(date.to_epoch_days()))
}

/// The wall clock's milliseconds.
pub(super) fn date_time(literal: ast::DateTimeLiteral<'_>) -> Option<i64> {
    let (date, time) = (date(literal.date()?)?, time(literal.time()?)?);
    Some(i64::from(date.0) * DAY_MILLIS + i64::from(time.0) * 1000)
}

/// A percentage, in parts of a million.
pub(super) fn share(token: Token<'_>) -> Option<u32> {
    let number = Number::parse(token.text().strip_suffix('%')?)?;
    // A number holds millionths, and a percent is ten thousand parts of a million.
    u32::try_from(number.0 / 100).ok()
}

/// The days of a set; ranges may go over the weekend.
pub(super) fn days(set: ast::DaySet<'_>) -> Option<WeekdaySet> {
    let mut days = WeekdaySet(0);
    for (first, last) in set.parts() {
        days = days.with(match (first.kind(), last) {
            (SyntaxKind::WeekdaysKw, _) => WeekdaySet::WEEKDAYS,
            (SyntaxKind::WeekendsKw, _) => WeekdaySet::WEEKEND,
            (_, None) => WeekdaySet::only(day(first)?),
            (_, Some(last)) => {
                let (first, last) = (day(first)?, day(last)?);
                let mut range = WeekdaySet(0);
                for next in Weekday::ALL.into_iter().cycle().skip_while(|day| *day != first).take(7) {
                    range = range.with(WeekdaySet::only(next));
                    if next == last {
                        break;
                    }
                }
                range
            }
        });
    }
    (days.0 != 0).then_some(days)
}

fn day(token: Token<'_>) -> Option<Weekday> {
    Weekday::ALL.into_iter().find(|day| day.name() == token.text())
}

fn add(sum: Span, count: u64, unit: Unit) -> Option<Span> {
    let small = |factor: i32| i32::try_from(count).ok()?.checked_mul(factor);
    let exact = |factor: i64| i64::try_from(count).ok()?.checked_mul(factor);
    let mut sum = sum;
    match unit {
        Unit::Second => sum.millis = sum.millis.checked_add(exact(1000)?)?,
        Unit::Minute => sum.millis = sum.millis.checked_add(exact(60_000)?)?,
        Unit::Hour => sum.millis = sum.millis.checked_add(exact(3_600_000)?)?,
        Unit::Day => sum.days = sum.days.checked_add(small(1)?)?,
        Unit::Week => sum.days = sum.days.checked_add(small(7)?)?,
        Unit::Month => sum.months = sum.months.checked_add(small(1)?)?,
        Unit::Year => sum.months = sum.months.checked_add(small(12)?)?,
    }
    Some(sum)
}
