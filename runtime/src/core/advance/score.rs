//! Scores: what happens counts for them, and they fade by themselves.

use journey_bytecode::{Points, Value};

use super::{Advance, Happening};
use crate::core::contact::Kept;
use crate::core::vm::Frame;

impl Advance<'_> {
    /// Adds what a happening is worth.
    pub(super) fn count(&mut self, happening: &Happening) {
        let linked = self.linked;
        let Some(rules) = linked.score_rules() else { return };
        for score in &linked.bundle().scores.scores {
            let frame = || Frame::before(self.clock, &Value::Unset);
            let fits = score.rules.iter().filter(|rule| self.is_meant(frame(), rules, &rule.pattern, happening));
            let worth: Vec<_> = fits.map(|rule| rule.points).collect();
            if worth.is_empty() {
                continue;
            }
            let clock = self.clock;
            let kept = self.contact.state.scores.get(&score.name);
            let left = kept
                .map_or(Points::default(), |kept| kept.points.faded(clock.0.saturating_sub(kept.at.0), score.halves));
            let points = worth.into_iter().fold(left, Points::plus);
            self.contact.state.scores.insert(score.name.clone(), Kept { points, at: clock });
        }
    }
}
