//! Times, dates, durations and numbers that are written well and do not exist.

use chrono::NaiveDate;
use journey_bytecode::Number;
use journey_grammar::ast::{Unit, date_parts, duration_parts, time_parts};
use journey_grammar::{SyntaxKind, Token, Tree};

use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Span};
use crate::project::FileId;

/// The longest duration, in years: longer than any campaign, and far from what dates can hold.
const MAX_YEARS: u64 = 100;

pub(super) fn findings(file: FileId, tree: &Tree) -> Vec<Diagnostic> {
    tree.quantities().filter_map(|token| finding(file, tree, token)).collect()
}

fn finding(file: FileId, tree: &Tree, token: Token<'_>) -> Option<Diagnostic> {
    let (kind, length) = (token.kind(), token.range().len());
    // No duration of two digits is too long, and no short number too large or too exact.
    let is_short = match kind {
        SyntaxKind::Duration => length <= 3,
        SyntaxKind::Number | SyntaxKind::Percent => length <= 7,
        _ => false,
    };
    if is_short {
        return None;
    }
    let text = token.text();
    let span = || Span::new(file, tree.text(), token.range().to_usize());
    match kind {
        SyntaxKind::Time if time_parts(text).is_none() => Some(time(span(), text)),
        SyntaxKind::Date => date(span(), text),
        SyntaxKind::Duration => duration(span(), text),
        SyntaxKind::Number => number(span(), text, text),
        SyntaxKind::Percent => number(span(), text, text.trim_end_matches('%')),
        _ => None,
    }
}

fn time(span: Span, text: &str) -> Diagnostic {
    let found = Diagnostic::new(Code::BadTime, span, format!("there is no time `{text}`"));
    if text == "24:00" {
        let edit = Edit { span, text: "00:00".to_owned() };
        return found.label("midnight is `00:00`").fix("Replace `24:00` with `00:00`", Applicability::Safe, vec![edit]);
    }
    found.help("times go from `00:00` to `23:59`")
}

fn date(span: Span, text: &str) -> Option<Diagnostic> {
    let (year, month, day) = date_parts(text)?;
    if NaiveDate::from_ymd_opt(year, month, day).is_some() {
        return None;
    }
    let found = Diagnostic::new(Code::BadDate, span, format!("there is no day `{text}`"));
    Some(match last_day(year, month).filter(|last| day > *last) {
        Some(last) => found.label(format!("this month ends on the {last}{}", ordinal(last))),
        None => found.help("dates are written year, month, day, as `2026-12-24`"),
    })
}

const fn ordinal(day: u32) -> &'static str {
    match day {
        31 => "st",
        _ => "th",
    }
}

fn last_day(year: i32, month: u32) -> Option<u32> {
    (28..=31).rev().find(|day| NaiveDate::from_ymd_opt(year, month, *day).is_some())
}

fn duration(span: Span, text: &str) -> Option<Diagnostic> {
    let per_year = |unit: Unit| match unit {
        Unit::Second => 31_536_000,
        Unit::Minute => 525_600,
        Unit::Hour => 8_760,
        Unit::Day => 365,
        Unit::Week => 52,
        Unit::Month => 12,
        Unit::Year => 1,
    };
    let years =
        |parts: Vec<(u64, Unit)>| parts.iter().map(|(n, unit)| n / per_year(*unit)).fold(0, u64::saturating_add);
    if duration_parts(text).map(years).is_some_and(|years| years < MAX_YEARS) {
        return None;
    }
    let message = format!("`{text}` is too long: a duration is shorter than {MAX_YEARS} years");
    Some(Diagnostic::new(Code::BadDuration, span, message).help("to wait for ever, wait for an event without `up to`"))
}

fn number(span: Span, text: &str, digits: &str) -> Option<Diagnostic> {
    if Number::parse(digits).is_some() {
        return None;
    }
    let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let found = |message| Diagnostic::new(Code::BadNumber, span, message);
    Some(if decimals > 6 {
        found(format!("`{text}` has {decimals} digits behind the point, and six are kept")).help("shorten it")
    } else {
        found(format!("`{text}` is too large")).help("numbers go up to about nine million million")
    })
}
