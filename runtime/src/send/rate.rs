//! `rate email 1000 messages per 1h`: no more leave within any such time. What is too much goes later, and that is no attempt.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use journey_bytecode::{Channel, Instant, Rate};

use super::{Part, Settle, Transport, Verdict};
use crate::clock::Clock;
use crate::render::Rendered;
use crate::track::BoxFuture;

/// Lets messages pass as a rate of the policy allows; several transports may share it. It counts for one process.
pub struct Limit {
    most: usize,
    /// In milliseconds.
    per: i64,
    clock: Arc<dyn Clock>,
    left: Mutex<Left>,
}

#[derive(Default)]
struct Left {
    /// When the last messages left, at most as many as may.
    passed: VecDeque<Instant>,
    /// How many were put off since one last passed: each waits a little longer than the one before.
    waiting: i64,
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit").field("most", &self.most).field("per", &self.per).finish_non_exhaustive()
    }
}

impl Limit {
    /// The limit of a rate.
    pub fn new(rate: &Rate, clock: Arc<dyn Clock>) -> Self {
        let most = usize::try_from(rate.most).unwrap_or(usize::MAX);
        Self { most, per: rate.per, clock, left: Mutex::default() }
    }

    /// Nothing if a message may leave now; else how long it waits.
    fn wait(&self) -> Option<Duration> {
        let now = self.clock.now();
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        while left.passed.pop_front_if(|at| at.0.saturating_add(self.per) <= now.0).is_some() {}
        if left.passed.len() < self.most {
            left.passed.push_back(now);
            left.waiting = 0;
            return None;
        }
        let free = left.passed.front().map_or(now.0, |first| first.0.saturating_add(self.per));
        let each = self.per / i64::try_from(self.most.max(1)).unwrap_or(i64::MAX);
        let wait = (free - now.0).saturating_add(left.waiting.saturating_mul(each));
        left.waiting = left.waiting.saturating_add(1);
        Some(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
    }
}

/// A transport whose messages keep to limits.
pub struct Limited {
    inner: Arc<dyn Transport>,
    limits: Vec<Arc<Limit>>,
}

impl fmt::Debug for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limited").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// The transport of a channel, with what the policy's rates say of it.
pub fn limited(
    inner: Arc<dyn Transport>,
    channel: Channel,
    limits: &[(Option<Channel>, Arc<Limit>)],
) -> Arc<dyn Transport> {
    let own = limits.iter().filter(|(of, _)| of.is_none_or(|of| of == channel));
    let limits: Vec<_> = own.map(|(_, limit)| Arc::clone(limit)).collect();
    if limits.is_empty() { inner } else { Arc::new(Limited { inner, limits }) }
}

impl Transport for Limited {
    fn asks(&self) -> bool {
        self.inner.asks()
    }

    fn deliver_each<'a>(&'a self, batch: &'a [Rendered], settle: &'a dyn Settle) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let mut places = Vec::with_capacity(batch.len());
            for place in 0..batch.len() {
                match self.limits.iter().find_map(|limit| limit.wait()) {
                    Some(after) => settle.settle(place, Verdict::Later { after }).await,
                    None => places.push(place),
                }
            }
            if places.len() == batch.len() {
                return self.inner.deliver_each(batch, settle).await;
            }
            let passed: Vec<Rendered> = places.iter().filter_map(|place| batch.get(*place).cloned()).collect();
            self.inner.deliver_each(&passed, &Part { settle, places: &places }).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::VirtualClock;

    #[test]
    fn no_more_pass_within_any_such_time_than_may() {
        let clock = Arc::new(VirtualClock::new(Instant(0)));
        let limit = Limit::new(&Rate { channel: None, most: 3, per: 60_000 }, Arc::clone(&clock) as Arc<dyn Clock>);
        let mut passed = Vec::new();
        for second in 0..300 {
            clock.advance_to(Instant(second * 1_000));
            passed.extend(limit.wait().is_none().then_some(second));
        }
        assert_eq!(passed.len(), 15);
        assert!(passed.windows(4).all(|four| four[3] - four[0] >= 60), "{passed:?}");
    }

    #[test]
    fn who_waits_waits_behind_those_before() {
        let clock = Arc::new(VirtualClock::new(Instant(0)));
        let limit = Limit::new(&Rate { channel: None, most: 2, per: 60_000 }, clock as Arc<dyn Clock>);
        let waits: Vec<_> = (0..5).map(|_| limit.wait().map(|wait| wait.as_secs())).collect();
        assert_eq!(waits, [None, None, Some(60), Some(90), Some(120)]);
    }
}
