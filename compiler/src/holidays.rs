//! `holidays.txt`: days on which nobody is written to about offers.

use chrono::NaiveDate;
use journey_bytecode::{Date, Holiday};

use crate::check::codes::is_country;
use crate::diagnostic::{Code, Diagnostic, Span, quote};
use crate::project::FileId;

/// Reads the days, one a line: `2026-12-25 Christmas`, or `2026-07-04 US Independence Day` for contacts of one country. What
/// stands behind `#` is a remark.
pub(crate) fn read(file: FileId, text: &str) -> (Vec<Holiday>, Vec<Diagnostic>) {
    let (mut holidays, mut found) = (Vec::new(), Vec::new());
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let at = start;
        start += line.len();
        let said = line.split('#').next().unwrap_or_default();
        let mut words = said.split_whitespace();
        let Some(day) = words.next() else { continue };
        let span = |word: &str| {
            let from = at + said.find(word).unwrap_or_default();
            Span::new(file, text, from..from + word.len())
        };
        // A country is two capitals with something behind them: the name of the day may begin with any word.
        let country = words.next().filter(|word| word.len() == 2 && word.bytes().all(|b| b.is_ascii_uppercase()));
        match date(day) {
            None => {
                let message = format!("{} is not a day", quote(day));
                let help = "begin the line with year, month, day: `2026-12-25 Christmas`; a remark stands behind `#`";
                found.push(Diagnostic::new(Code::BadDate, span(day), message).help(help));
            }
            Some(_) if country.is_some_and(|country| !is_country(country)) => {
                let country = country.unwrap_or_default();
                let message = format!("there is no country {}", quote(country));
                let help = "countries are two letters, as `DE`; for contacts of every country leave it out";
                found.push(Diagnostic::new(Code::UnknownValue, span(country), message).help(help));
            }
            Some(day) => holidays.push(Holiday { day, country: country.map(Into::into) }),
        }
    }
    holidays.sort();
    holidays.dedup();
    (holidays, found)
}

fn date(text: &str) -> Option<Date> {
    let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| plain)?;
    let days = day.signed_duration_since(NaiveDate::default()).num_days();
    i32::try_from(days).ok().map(Date)
}
