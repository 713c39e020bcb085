//! The spam rate of each sending domain: how many of its marketing mails were delivered, how many were called spam, and whether its
//! marketing is held for that.

use std::collections::BTreeMap;

use journey_bytecode::Instant;
use smol_str::SmolStr;

/// The milliseconds of an hour.
const HOUR: i64 = 3_600_000;

/// When the marketing of a sending domain is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpamRule {
    /// At so many complaints among a million delivered mails; never without.
    pub hold_at: Option<u32>,
    /// If so many were delivered at least: few say nothing.
    pub at_least: u64,
    /// Within so many hours.
    pub hours: i64,
}

impl SpamRule {
    /// What the large receivers of mail bear at most: 3 of 1,000; within a week.
    pub const DEFAULT: Self = Self { hold_at: Some(3_000), at_least: 1_000, hours: 7 * 24 };

    /// Whether the marketing of the domain is to be held.
    pub fn trips(&self, counted: &SpamCount) -> bool {
        let share =
            |hold_at| u128::from(counted.complained) * 1_000_000 >= u128::from(counted.delivered) * u128::from(hold_at);
        counted.complained > 0 && counted.delivered >= self.at_least && self.hold_at.is_some_and(|at: u32| share(at))
    }

    /// The first hour that still counts.
    pub const fn since(&self, now: Instant) -> i64 {
        hour(now).saturating_sub(self.hours) + 1
    }
}

/// The hour of a moment, from 1970.
pub const fn hour(at: Instant) -> i64 {
    at.0.div_euclid(HOUR)
}

/// Mails of a domain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SpamCount {
    /// How many were delivered.
    pub delivered: u64,
    /// How many were called spam.
    pub complained: u64,
}

impl SpamCount {
    /// Both together.
    pub const fn add(&mut self, other: Self) {
        self.delivered = self.delivered.saturating_add(other.delivered);
        self.complained = self.complained.saturating_add(other.complained);
    }

    /// As people write it: `0.31 %`.
    pub fn rate(&self) -> String {
        let hundredths = u128::from(self.complained) * 10_000 / u128::from(self.delivered.max(1));
        format!("{}.{:02} %", hundredths / 100, hundredths % 100)
    }
}

/// Counts by domain and hour.
pub type Traffic = BTreeMap<(SmolStr, i64), SpamCount>;

/// How a sending domain stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpamSender {
    /// The domain.
    pub domain: SmolStr,
    /// What was counted within the time that counts.
    pub counted: SpamCount,
    /// Since when its marketing is held, and what was counted then.
    pub held: Option<(Instant, SpamCount)>,
}

/// Puts together what was counted and who is held, by domain.
pub(crate) fn senders(
    counted: impl IntoIterator<Item = (SmolStr, SpamCount)>,
    held: impl IntoIterator<Item = (SmolStr, Instant, SpamCount)>,
) -> Vec<SpamSender> {
    let mut all: BTreeMap<SmolStr, SpamSender> = BTreeMap::new();
    let mut of = |domain: SmolStr, counted: SpamCount, held| {
        let new = SpamSender { domain: domain.clone(), counted: SpamCount::default(), held: None };
        let sender = all.entry(domain).or_insert(new);
        sender.counted.add(counted);
        sender.held = sender.held.or(held);
    };
    counted.into_iter().for_each(|(domain, counted)| of(domain, counted, None));
    held.into_iter().for_each(|(domain, since, then)| of(domain, SpamCount::default(), Some((since, then))));
    all.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_holds_at_the_very_count_and_never_for_a_few() {
        let rule = SpamRule::DEFAULT;
        let trips = |delivered, complained| rule.trips(&SpamCount { delivered, complained });
        assert!(!trips(10, 1), "one of ten says nothing");
        assert!(!trips(999, 999));
        assert!(!trips(1_000, 2));
        assert!(trips(1_000, 3));
        assert!(!trips(1_001, 3), "0.2997 %");
        assert!(trips(2_000, 6));
        assert!(!SpamRule { at_least: 0, ..rule }.trips(&SpamCount::default()));
        assert!(!SpamRule { hold_at: None, ..rule }.trips(&SpamCount { delivered: 1_000, complained: 1_000 }));
        assert_eq!(SpamCount { delivered: 1_001, complained: 3 }.rate(), "0.29 %");
        assert_eq!(rule.since(Instant(168 * HOUR)), 1);
    }
}
