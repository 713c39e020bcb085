//! Which side of a split is better: one comparison, at a time that was fixed beforehand.
//!
//! A trial begins with the first contact that comes to the split and takes contacts in for `for at least`. Each of them
//! counts if what is measured happens `within` its time. When that time is over for the last of them, all sides are
//! compared, once: whoever looks again and again in between finds a winner by chance. The side with the highest rate wins
//! if it is better than each other one by a two-proportion z-test with pooled variance, two-sided at 5 % in all
//! (Bonferroni: each of the n - 1 comparisons at 5 % / (n - 1)). Else there is no winner, and the split goes on as it is.

use std::collections::BTreeMap;

use journey_bytecode::{Instant, Measure, Split, Version};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::time::Zone;

/// How long the contacts of one count came in: an hour, in milliseconds.
pub const HOUR: i64 = 3_600_000;

/// With fewer contacts on a side, of whom fewer do or do not what is measured, the test's normal approximation does not
/// hold, and there is no winner.
pub const LEAST: u64 = 10;

/// The values that z must exceed, by the number of comparisons: the normal distribution at 1 - 0.025 / n.
const CRITICAL: [f64; 9] =
    [1.959_964, 2.241_403, 2.393_980, 2.497_705, 2.575_829, 2.638_257, 2.690_110, 2.734_369, 2.772_921];

/// The same for 10 to 50 comparisons, which is on the safe side for fewer than 50.
const CRITICAL_OF_MANY: f64 = 3.290_527;

/// A contact came to a side, or what is measured happened to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TrialEvent {
    /// The program.
    pub version: Version,
    /// The split.
    pub split: SmolStr,
    /// The side.
    pub side: SmolStr,
    /// When the contact took it.
    pub took: Instant,
    /// Whether it is the thing measured.
    pub reached: bool,
}

/// Contacts that came to one side of a split within an hour.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct TrialKey {
    /// The program.
    pub version: Version,
    /// The split.
    pub split: SmolStr,
    /// The side.
    pub side: SmolStr,
    /// The hour, counted from 1970.
    pub hour: i64,
}

/// How many they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TrialCount {
    /// Those who came.
    pub took: u64,
    /// Those of them to whom the thing measured happened in time.
    pub reached: u64,
}

/// The counts of trials.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trials(pub BTreeMap<TrialKey, TrialCount>);

/// One side of a trial.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrialSide {
    /// Its name.
    pub side: SmolStr,
    /// How many.
    pub count: TrialCount,
}

/// How a trial stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Nobody came yet, or the trial has no fixed length: nothing is decided.
    Open,
    /// It is decided then.
    Until(Instant),
    /// Too few contacts came to tell.
    TooFew,
    /// No side is better than all others.
    NoDifference,
    /// This one is.
    Winner(SmolStr),
}

impl Trials {
    /// Counts one more.
    pub fn add(&mut self, event: &TrialEvent) {
        let TrialEvent { version, split, side, took, reached } = event;
        let hour = took.0.div_euclid(HOUR);
        let key = TrialKey { version: *version, split: split.clone(), side: side.clone(), hour };
        let count = self.0.entry(key).or_default();
        if *reached {
            count.reached += 1;
        } else {
            count.took += 1;
        }
    }

    /// The sides of a split with what counts of each, and how the trial stands.
    pub fn judge(&self, version: Version, split: &Split, zone: Zone, now: Instant) -> (Vec<TrialSide>, Verdict) {
        let of_split = || self.0.iter().filter(|(key, _)| key.version == version && key.split == split.name);
        let first = of_split().map(|(key, _)| key.hour).min();
        let end = first.zip(split.measure.as_ref()).and_then(|(first, measure)| end(first, measure, zone));
        let sides: Vec<TrialSide> = split
            .sides
            .iter()
            .map(|(_, side, _)| {
                let counted = of_split().filter(|(key, _)| key.side == *side);
                let counted = counted.filter(|(key, _)| end.is_none_or(|(last, _)| key.hour <= last));
                let count = counted.fold(TrialCount::default(), |sum, (_, count)| TrialCount {
                    took: sum.took + count.took,
                    reached: sum.reached + count.reached,
                });
                TrialSide { side: side.clone(), count }
            })
            .collect();
        let verdict = match end {
            None => Verdict::Open,
            Some((_, decided)) if now < decided => Verdict::Until(decided),
            Some(_) => compare(&sides),
        };
        (sides, verdict)
    }
}

/// The last hour that counts, and when the trial is decided.
fn end(first: i64, measure: &Measure, zone: Zone) -> Option<(i64, Instant)> {
    let begun = Instant(first.saturating_mul(HOUR));
    let last = zone.add(begun, measure.at_least?);
    // An hour more, because hours are counted whole.
    Some((last.0.div_euclid(HOUR), zone.add(Instant(last.0.saturating_add(HOUR)), measure.within?)))
}

fn compare(sides: &[TrialSide]) -> Verdict {
    let few = |count: &TrialCount| count.reached < LEAST || count.took.saturating_sub(count.reached) < LEAST;
    if sides.len() < 2 || sides.iter().all(|side| few(&side.count)) {
        return Verdict::TooFew;
    }
    if sides.iter().any(|side| side.count.took < 2 * LEAST) {
        return Verdict::TooFew;
    }
    let rate = |count: TrialCount| to_f64(count.reached) / to_f64(count.took);
    let best = sides.iter().max_by(|a, b| rate(a.count).total_cmp(&rate(b.count)));
    let critical = CRITICAL.get(sides.len() - 2).copied().unwrap_or(CRITICAL_OF_MANY);
    match best {
        Some(best) if sides.iter().filter(|side| side.side != best.side).all(|o| z(best.count, o.count) > critical) => {
            Verdict::Winner(best.side.clone())
        }
        _ => Verdict::NoDifference,
    }
}

/// How many standard deviations the one rate is above the other; 0 where there is no variance at all.
fn z(a: TrialCount, b: TrialCount) -> f64 {
    let (x, n, y, m) = (to_f64(a.reached), to_f64(a.took), to_f64(b.reached), to_f64(b.took));
    let pooled = (x + y) / (n + m);
    let variance = pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m);
    if variance > 0.0 { (x / n - y / m) / variance.sqrt() } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "nobody has so many contacts")]
const fn to_f64(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use journey_bytecode::{EventPattern, MessageRef, Pc, Span};

    use super::*;

    const DAY: i64 = 24 * HOUR;

    fn split(names: &[&str]) -> Split {
        let days = |days| Some(Span { days, ..Span::default() });
        let pattern = EventPattern { event: "purchase".into(), message: MessageRef::None, link: None, filter: None };
        Split {
            name: "subject".into(),
            sides: names.iter().map(|name| (1, (*name).into(), Pc(0))).collect(),
            measure: Some(Measure { pattern, within: days(3), at_least: days(14), best: true }),
        }
    }

    fn judged(counts: &[(&str, u64, u64)], now: i64) -> Verdict {
        let mut trials = Trials::default();
        for (side, took, reached) in counts {
            let key = TrialKey { version: Version([0; 16]), split: "subject".into(), side: (*side).into(), hour: 0 };
            trials.0.insert(key, TrialCount { took: *took, reached: *reached });
        }
        let names: Vec<_> = counts.iter().map(|(name, ..)| *name).collect();
        trials.judge(Version([0; 16]), &split(&names), Zone::UTC, Instant(now)).1
    }

    #[test]
    fn it_is_decided_once_everybody_had_the_same_time() {
        let clear = [("a", 1000, 200), ("b", 1000, 100)];
        assert_eq!(judged(&clear, 17 * DAY), Verdict::Until(Instant(17 * DAY + HOUR)));
        assert_eq!(judged(&clear, 17 * DAY + HOUR), Verdict::Winner("a".into()));
        // z = 1.2077 and z = 2.1027
        assert_eq!(judged(&[("a", 1000, 120), ("b", 1000, 103)], 18 * DAY), Verdict::NoDifference);
        assert_eq!(judged(&[("a", 1000, 130), ("b", 1000, 100)], 18 * DAY), Verdict::Winner("a".into()));
        // Better than the one, by as much, and not than the other.
        let three = [("a", 1000, 130), ("b", 1000, 100), ("c", 1000, 125)];
        assert_eq!(judged(&three, 18 * DAY), Verdict::NoDifference);
        // What wins against one side must do more against two.
        assert_eq!(judged(&[("a", 1000, 130), ("b", 1000, 100), ("c", 1000, 100)], 18 * DAY), Verdict::NoDifference);
        assert_eq!(
            judged(&[("a", 1000, 140), ("b", 1000, 100), ("c", 1000, 100)], 18 * DAY),
            Verdict::Winner("a".into())
        );
        assert_eq!(judged(&[("a", 10, 9), ("b", 10, 1)], 18 * DAY), Verdict::TooFew);
        assert_eq!(judged(&[("a", 1000, 0), ("b", 1000, 0)], 18 * DAY), Verdict::TooFew);
        assert_eq!(judged(&[], 18 * DAY), Verdict::Open);
    }

    #[test]
    fn who_came_later_does_not_count() {
        let mut trials = Trials::default();
        let mut came = |side: &str, took: i64, reached| {
            let (version, split) = (Version([0; 16]), "subject".into());
            trials.add(&TrialEvent { version, split, side: side.into(), took: Instant(took), reached });
        };
        came("a", 0, false);
        came("a", 0, true);
        came("b", 14 * DAY, false);
        came("b", 15 * DAY, false);
        let (sides, _) = trials.judge(Version([0; 16]), &split(&["a", "b"]), Zone::UTC, Instant(0));
        let counts: Vec<_> = sides.iter().map(|side| (side.count.took, side.count.reached)).collect();
        assert_eq!(counts, [(1, 1), (1, 0)]);
    }
}
