//! Which messages left a moment ago.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use journey_bytecode::Instant;

use super::machine::HUMAN_DELAY_MILLIS;
use crate::core::effect::MessageId;

/// Remembers when messages left, for as long as it tells scanners from people. It lives in memory: what it forgets in a
/// crash counts as read by a person.
#[derive(Debug, Default)]
pub struct RecentlySent {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    at: HashMap<MessageId, Instant>,
    order: VecDeque<(Instant, MessageId)>,
}

impl RecentlySent {
    /// A message left.
    pub fn note(&self, message: MessageId, at: Instant) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.at.insert(message, at);
        inner.order.push_back((at, message));
        let old = |sent: Instant| at.0.saturating_sub(sent.0) > HUMAN_DELAY_MILLIS;
        while let Some((sent, message)) = inner.order.front().copied().filter(|(sent, _)| old(*sent)) {
            inner.order.pop_front();
            if inner.at.get(&message) == Some(&sent) {
                inner.at.remove(&message);
            }
        }
    }

    /// When it left, if that was a moment ago.
    pub fn get(&self, message: MessageId) -> Option<Instant> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).at.get(&message).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::contact::ContactId;

    #[test]
    fn only_the_last_moment_is_remembered() {
        let recent = RecentlySent::default();
        let id = |number| MessageId { contact: ContactId(1), number };
        for number in 0..10_000 {
            recent.note(id(number), Instant(i64::from(number)));
        }
        recent.note(id(9_999), Instant(10_000));
        assert_eq!(recent.get(id(0)), None);
        assert_eq!(recent.get(id(9_998)), Some(Instant(9_998)));
        assert_eq!(recent.get(id(9_999)), Some(Instant(10_000)));
        let inner = recent.inner.lock().unwrap();
        assert!(inner.at.len() <= 2_002 && inner.order.len() <= 2_003, "{} {}", inner.at.len(), inner.order.len());
    }
}
