//! How long after entry something happens: from the earliest to the latest.

use std::fmt;

use journey_grammar::ast::{Unit, duration_parts};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// A week on the calendar.
pub(super) const WEEK: u64 = 7 * DAY;
/// A month of the mean: for a summary, and nothing that runs is computed with it.
const MONTH: u64 = 30 * DAY;
const YEAR: u64 = 365 * DAY;

/// The time since entry, in seconds; days have 24 hours and months 30 days here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Elapsed {
    /// At the earliest.
    pub least: u64,
    /// At the latest; none if there is no limit.
    pub most: Option<u64>,
}

impl Elapsed {
    /// At entry.
    pub(super) const START: Self = Self { least: 0, most: Some(0) };

    /// Later by between so much and so much.
    #[must_use]
    pub(super) fn plus(self, least: u64, most: Option<u64>) -> Self {
        let add = |most: u64| self.most.map(|before| before.saturating_add(most));
        Self { least: self.least.saturating_add(least), most: most.and_then(add) }
    }

    /// Reached in the one way or the other.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        let most = self.most.zip(other.most).map(|(a, b)| a.max(b));
        Self { least: self.least.min(other.least), most }
    }
}

/// "at once", "after 3 days", "after 3 to 5 days", "after 3 days or more", "at any time".
impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (0, Some(0)) => f.write_str("at once"),
            (0, None) => f.write_str("at any time"),
            (0, Some(most)) => write!(f, "within {}", words(most)),
            (least, None) => write!(f, "after {} or more", words(least)),
            (least, Some(most)) if least == most => write!(f, "after {}", words(least)),
            (least, Some(most)) => write!(f, "after {} to {}", words(least), words(most)),
        }
    }
}

/// "1 day 12 hours"
fn words(mut seconds: u64) -> String {
    let mut words = Vec::new();
    for (unit, name) in [(DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second")] {
        let count = seconds / unit;
        seconds %= unit;
        if count > 0 {
            words.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    words.join(" ")
}

/// The seconds of a duration as written: `1d12h`.
pub(super) fn seconds(duration: &str) -> Option<u64> {
    let parts = duration_parts(duration)?;
    parts.iter().try_fold(0_u64, |sum, (count, unit)| {
        let unit = match unit {
            Unit::Second => 1,
            Unit::Minute => MINUTE,
            Unit::Hour => HOUR,
            Unit::Day => DAY,
            Unit::Week => WEEK,
            Unit::Month => MONTH,
            Unit::Year => YEAR,
        };
        sum.checked_add(count.checked_mul(unit)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        let elapsed = |least, most| Elapsed { least, most }.to_string();
        assert_eq!(elapsed(0, Some(0)), "at once");
        assert_eq!(elapsed(3 * DAY, Some(3 * DAY)), "after 3 days");
        assert_eq!(elapsed(DAY + 12 * HOUR, Some(2 * DAY)), "after 1 day 12 hours to 2 days");
        assert_eq!(elapsed(2 * MINUTE, None), "after 2 minutes or more");
        assert_eq!(elapsed(0, Some(HOUR)), "within 1 hour");
        assert_eq!(elapsed(0, None), "at any time");
        assert_eq!(seconds("1d12h"), Some(DAY + 12 * HOUR));
        assert_eq!(seconds("soon"), None);
    }
}
