//! Scores: numbers that happenings raise and lower, and that fade by half in a fixed time.
//!
//! A score is kept with its value at the moment of its last change ([`Points`]) and faded whenever somebody looks, in
//! integers alone: the same on every machine, whoever looks how often.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::program::{EventPattern, Program};
use crate::value::{Instant, Number};

/// The scores of a project.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Scores {
    /// Holds the rules' conditions; it does nothing.
    pub program: Program,
    /// The scores, sorted by name.
    pub scores: Vec<Score>,
}

/// `score NAME { .. halves every 30d }`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Score {
    /// Its name.
    pub name: SmolStr,
    /// In how many milliseconds it fades to half; never without.
    pub halves: Option<i64>,
    /// What happenings are worth, in source order; of several that fit, each counts.
    pub rules: Vec<ScoreRule>,
}

/// `purchase where amount > 50 EUR: +20`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ScoreRule {
    /// What happens; its clauses stand in [`Scores::program`].
    pub pattern: EventPattern,
    /// What it is worth.
    pub points: Number,
}

/// A score's value at a moment, in parts of a millionth: see [`Points::UNIT`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
pub struct Points(pub i128);

impl Points {
    /// How many parts make a millionth. So fine that rounding at every change moves no millionth in 2⁴⁰ changes.
    pub const UNIT: i128 = 1 << 40;

    /// The most and, negative, the least that a score can be: what a number can hold.
    const MOST: i128 = i64::MAX as i128 * Self::UNIT;

    /// With so many more points; saturates.
    #[must_use]
    pub fn plus(self, points: Number) -> Self {
        let sum = self.0.saturating_add(i128::from(points.0).saturating_mul(Self::UNIT));
        Self(sum.clamp(-Self::MOST, Self::MOST))
    }

    /// With those of another one; saturates.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0).clamp(-Self::MOST, Self::MOST))
    }

    /// What is left after so many milliseconds.
    #[must_use]
    pub fn faded(self, millis: i64, halves: Option<i64>) -> Self {
        let Some(half) = halves.filter(|half| *half > 0) else { return self };
        let millis = millis.max(0);
        let whole = millis / half;
        if whole >= 127 {
            return Self(0);
        }
        // Both are below 2^63, so the quotient is a fraction of 2^64.
        let fraction = ((i128::from(millis % half) << 64) / i128::from(half)).unsigned_abs();
        let magnitude = times_q64(self.0.unsigned_abs(), half_to(fraction)) >> whole.unsigned_abs();
        let magnitude = i128::try_from(magnitude).unwrap_or(Self::MOST);
        Self(if self.0 < 0 { -magnitude } else { magnitude })
    }

    /// To six places, to the nearest.
    pub fn number(self) -> Number {
        let half = if self.0 < 0 { -Self::UNIT / 2 } else { Self::UNIT / 2 };
        Number(i64::try_from((self.0 + half) / Self::UNIT).unwrap_or(if self.0 < 0 { i64::MIN } else { i64::MAX }))
    }

    /// When, fading from `at` on, a property of the number that can change once on its way to zero changes after `now`;
    /// [`Instant::NEVER`] if it does not.
    pub fn changes(self, at: Instant, halves: Option<i64>, now: Instant, holds: impl Fn(Number) -> bool) -> Instant {
        let Some(half) = halves.filter(|half| *half > 0) else { return Instant::NEVER };
        let after = |moment: i64| holds(self.faded(moment.saturating_sub(at.0), halves).number());
        let known = after(now.0);
        let (mut low, mut high) = (now.0, at.0.max(now.0).saturating_add(half.saturating_mul(127)));
        if after(high) == known {
            return Instant::NEVER;
        }
        // The property holds as now at `low` and otherwise at `high`.
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if after(middle) == known { low = middle } else { high = middle }
        }
        Instant(high)
    }
}

/// Two to the power of a negative fraction of 2⁶⁴, in parts of 2⁶⁴.
fn half_to(fraction: u128) -> u128 {
    let mut product = 1u128 << 64;
    for (place, root) in roots().iter().enumerate() {
        if fraction >> (63 - place) & 1 == 1 {
            product = times_q64(product, *root);
        }
    }
    product
}

/// In parts of 2⁶⁴: one half to the powers of ½, ¼, ⅛ and so on, by square roots.
fn roots() -> &'static [u128; 64] {
    static ROOTS: OnceLock<[u128; 64]> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut last = 1u128 << 63;
        std::array::from_fn(|_| {
            // The root of n parts of 2^64 is the root of n·2^64, which 128 bits hold below one.
            last = (last << 64).isqrt();
            last
        })
    })
}

/// A number times a fraction in parts of 2⁶⁴ that is one at most; rounded down.
const fn times_q64(number: u128, fraction: u128) -> u128 {
    let (high, low) = (number >> 64, number & (u64::MAX as u128));
    if fraction >> 64 != 0 {
        return number;
    }
    high * fraction + ((low * fraction) >> 64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400_000;

    fn points(n: i64) -> Points {
        Points::default().plus(Number::from_int(n))
    }

    #[test]
    fn a_score_halves() {
        let left = |millis| points(40).faded(millis, Some(30 * DAY)).number().to_string();
        assert_eq!(left(0), "40");
        assert_eq!(left(30 * DAY), "20");
        assert_eq!(left(60 * DAY), "10");
        // 40 · 2^-½
        assert_eq!(left(15 * DAY), "28.284271");
        // 40 · 2^-⅓
        assert_eq!(left(10 * DAY), "31.748021");
        assert_eq!(left(i64::MAX), "0");
        assert_eq!(points(-40).faded(30 * DAY, Some(30 * DAY)).number().to_string(), "-20");
        assert_eq!(points(40).faded(DAY, None), points(40));
    }

    #[test]
    fn it_says_when_an_answer_changes() {
        let from = Instant(1000);
        let changes = |n: i64, holds: fn(Number) -> bool| points(n).changes(from, Some(DAY), from, holds);
        let above_20 = |score: Number| score > Number::from_int(20);
        let until = changes(40, above_20);
        // After a day there are 20 left; half a millionth above still counts as 20.
        assert!(until.0 <= 1000 + DAY && until.0 > 1000 + DAY - 10, "{until:?}");
        assert!(above_20(points(40).faded(until.0 - 1 - 1000, Some(DAY)).number()));
        assert!(!above_20(points(40).faded(until.0 - 1000, Some(DAY)).number()));
        assert_eq!(changes(10, above_20), Instant::NEVER);
        assert_ne!(changes(-40, |score| score > Number::from_int(-20)), Instant::NEVER);
        assert_eq!(changes(40, |score| score >= Number(0)), Instant::NEVER);
    }

    proptest! {
        /// Looking in between changes next to nothing, and nothing ever traps.
        #[test]
        fn fading_in_steps_is_fading_at_once(n in -1_000_000i64..1_000_000, a in 0i64..200 * DAY, b in 0i64..200 * DAY) {
            let half = Some(7 * DAY);
            let (at_once, in_steps) = (points(n).faded(a + b, half), points(n).faded(a, half).faded(b, half));
            prop_assert!((at_once.0 - in_steps.0).abs() <= Points::UNIT / 1000);
        }

        #[test]
        fn it_never_grows(value: i128, a in 0..i64::MAX / 2, b in 0..i64::MAX / 2, half in 1..i64::MAX) {
            let points = Points(value.clamp(-Points::MOST, Points::MOST));
            let (sooner, later) = (points.faded(a, Some(half)), points.faded(a + b, Some(half)));
            prop_assert!(later.0.abs() <= sooner.0.abs() && sooner.0.abs() <= points.0.abs());
        }
    }
}
