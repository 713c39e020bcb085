//! The local times of a test's lines: what `after 3d` comes to on the contact's clock.

use chrono::{Days, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use journey_grammar::ast::{self, Unit};
use journey_grammar::{Node, SyntaxKind};

use crate::Inlay;

/// The local time behind each `after` of a test. Tests with several contacts have several clocks, and get none.
pub(crate) fn of_test(test: Node<'_>) -> Vec<Inlay> {
    let contacts = test.children().filter(|child| child.kind() == SyntaxKind::GivenContact).count();
    let mut now: Option<NaiveDateTime> = None;
    let mut found = Vec::new();
    for moment in test.descendants().filter(|_| contacts < 2) {
        match moment.kind() {
            SyntaxKind::AtMoment => now = at(moment.text(), now),
            SyntaxKind::AfterMoment => {
                now = now.and_then(|now| later(now, moment.token(SyntaxKind::Duration)?.text()));
                found.extend(now.map(|now| Inlay {
                    at: moment.range().end,
                    text: format!("= {}", now.format("%a %Y-%m-%d %H:%M")),
                    tooltip: "on the contact's clock, unless it is put forward or back in between".to_owned(),
                }));
            }
            _ => {}
        }
    }
    found
}

/// `at 2026-03-02 10:00`; a date is its midnight, a time the next such time.
fn at(text: &str, now: Option<NaiveDateTime>) -> Option<NaiveDateTime> {
    let mut date = None;
    let mut time = None;
    for word in text.split_whitespace().skip(1) {
        date = date.or_else(|| NaiveDate::parse_from_str(word, "%Y-%m-%d").ok());
        time = time.or_else(|| NaiveTime::parse_from_str(word, "%H:%M").ok());
    }
    match (date, time, now) {
        (Some(date), time, _) => Some(date.and_time(time.unwrap_or_default())),
        (None, Some(time), Some(now)) => {
            let today = now.date().and_time(time);
            if today < now { today.checked_add_days(Days::new(1)) } else { Some(today) }
        }
        _ => None,
    }
}

fn later(now: NaiveDateTime, span: &str) -> Option<NaiveDateTime> {
    ast::duration_parts(span)?.into_iter().try_fold(now, |now, (count, unit)| {
        let months = |each: u64| now.checked_add_months(Months::new(u32::try_from(count.checked_mul(each)?).ok()?));
        let days = |each: u64| now.checked_add_days(Days::new(count.checked_mul(each)?));
        let seconds = |each: u64| {
            let all = i64::try_from(count.checked_mul(each)?).ok()?;
            now.checked_add_signed(TimeDelta::try_seconds(all)?)
        };
        match unit {
            Unit::Second => seconds(1),
            Unit::Minute => seconds(60),
            Unit::Hour => seconds(3600),
            Unit::Day => days(1),
            Unit::Week => days(7),
            Unit::Month => months(1),
            Unit::Year => months(12),
        }
    })
}
