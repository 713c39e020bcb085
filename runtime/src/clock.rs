//! Where the present moment comes from: the machine, or a simulation.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use journey_bytecode::Instant;

/// Gives the present moment; it never goes backwards.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Instant;
}

/// The machine's clock. When it is set back, the present stands still until the clock has caught up, so that nothing
/// happens before what caused it.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest: AtomicI64,
}

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        Instant(self.latest.fetch_max(now, Ordering::AcqRel).max(now))
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct VirtualClock {
    now: AtomicI64,
}

impl VirtualClock {
    /// A clock that shows this moment.
    pub const fn new(start: Instant) -> Self {
        Self { now: AtomicI64::new(start.0) }
    }

    /// Moves forward to the moment; a moment in the past changes nothing.
    pub fn advance_to(&self, moment: Instant) {
        self.now.fetch_max(moment.0, Ordering::AcqRel);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Instant {
        Instant(self.now.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_goes_backwards() {
        let clock = SystemClock::default();
        clock.latest.store(i64::MAX - 1, Ordering::Release);
        assert_eq!(clock.now(), Instant(i64::MAX - 1));
        let clock = VirtualClock::new(Instant(10));
        clock.advance_to(Instant(5));
        assert_eq!(clock.now(), Instant(10));
        clock.advance_to(Instant(15));
        assert_eq!(clock.now(), Instant(15));
    }
}
