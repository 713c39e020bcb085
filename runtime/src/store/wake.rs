//! Who has something to do, in memory: timers by moment, runnable contacts by id.
//!
//! One process owns the store, so the order of timers needs no index on disk; it is rebuilt when the store is opened.

use std::collections::{BTreeSet, HashSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journey_bytecode::Instant;

use crate::core::contact::ContactId;

#[derive(Debug, Default)]
struct Inner {
    timers: BTreeSet<(Instant, ContactId)>,
    runnable: BTreeSet<ContactId>,
    claimed: HashSet<ContactId>,
    cursor: Option<ContactId>,
}

/// Who has something to do.
#[derive(Clone, Debug, Default)]
pub(super) struct Wake(Arc<Mutex<Inner>>);

/// The contacts of one claim. Dropped before [`Lease::settle`], it makes them runnable again.
#[derive(Debug)]
pub struct Lease {
    wake: Wake,
    ids: Vec<ContactId>,
}

impl Wake {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The contact has pending inputs.
    pub(super) fn run(&self, contact: ContactId) {
        self.inner().runnable.insert(contact);
    }

    /// The contact's timer is set; it had none.
    pub(super) fn set_timer(&self, contact: ContactId, due: Instant) {
        if due < Instant::NEVER {
            self.inner().timers.insert((due, contact));
        }
    }

    /// Claims runnable contacts in id order. The order goes round like a lift: neighbours on disk are written together,
    /// and nobody waits longer than one round.
    pub(super) fn claim(&self, now: Instant, most: usize) -> Lease {
        let mut inner = self.inner();
        while let Some(&(due, contact)) = inner.timers.first() {
            if due > now {
                break;
            }
            inner.timers.pop_first();
            inner.runnable.insert(contact);
        }
        let free = |inner: &Inner, from: Bound<ContactId>, to: Bound<ContactId>, most: usize| -> Vec<ContactId> {
            let range = inner.runnable.range((from, to));
            range.filter(|id| !inner.claimed.contains(id)).take(most).copied().collect()
        };
        let after = inner.cursor.map_or(Bound::Unbounded, Bound::Excluded);
        let mut ids = free(&inner, after, Bound::Unbounded, most);
        if ids.is_empty()
            && let Some(cursor) = inner.cursor
        {
            ids = free(&inner, Bound::Unbounded, Bound::Included(cursor), most);
        }
        inner.cursor = ids.last().copied().or(inner.cursor);
        for id in &ids {
            inner.runnable.remove(id);
            inner.claimed.insert(*id);
        }
        drop(inner);
        Lease { wake: self.clone(), ids }
    }

    /// When the next contact has something to do.
    pub(super) fn next(&self) -> Option<Instant> {
        let inner = self.inner();
        if inner.runnable.iter().any(|id| !inner.claimed.contains(id)) {
            return Some(Instant(i64::MIN));
        }
        inner.timers.first().map(|(due, _)| *due)
    }
}

/// What a contact waits for after a commit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settled {
    /// The contact.
    pub(super) contact: ContactId,
    /// Its timer until now.
    pub(super) was_due: Instant,
    /// Its timer from now on.
    pub(super) due: Instant,
    /// Whether it has more inputs already.
    pub(super) more: bool,
}

impl Lease {
    /// The contacts.
    pub(super) fn ids(&self) -> &[ContactId] {
        &self.ids
    }

    /// The contacts have been written. Those not mentioned stay claimed for good: they are set aside.
    pub(super) fn settle(mut self, settled: impl IntoIterator<Item = Settled>) {
        let mut inner = self.wake.inner();
        for Settled { contact, was_due, due, more } in settled {
            inner.claimed.remove(&contact);
            inner.timers.remove(&(was_due, contact));
            if due < Instant::NEVER {
                inner.timers.insert((due, contact));
            }
            if more {
                inner.runnable.insert(contact);
            }
        }
        drop(inner);
        self.ids.clear();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let ids = std::mem::take(&mut self.ids);
        let mut inner = self.wake.inner();
        for id in ids {
            inner.claimed.remove(&id);
            inner.runnable.insert(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(lease: &Lease) -> Vec<i64> {
        lease.ids().iter().map(|id| id.0).collect()
    }

    #[test]
    fn claims_go_round_in_id_order_and_never_overlap() {
        let wake = Wake::default();
        for id in [5, 1, 3] {
            wake.run(ContactId(id));
        }
        wake.set_timer(ContactId(4), Instant(100));
        let first = wake.claim(Instant(0), 2);
        assert_eq!(ids(&first), [1, 3]);
        wake.run(ContactId(1));
        let second = wake.claim(Instant(100), 2);
        assert_eq!(ids(&second), [4, 5], "the timer is due; 1 is claimed");
        assert_eq!(ids(&wake.claim(Instant(100), 2)), [0_i64; 0]);
        let done = |contact, due| Settled { contact: ContactId(contact), was_due: Instant::NEVER, due, more: false };
        first.settle([done(1, Instant(300)), done(3, Instant::NEVER)]);
        assert_eq!(ids(&wake.claim(Instant(100), 2)), [1], "an input came while 1 was claimed");
        drop(second);
        assert_eq!(ids(&wake.claim(Instant(100), 9)), [4, 5]);
        assert_eq!(wake.next(), Some(Instant(i64::MIN)), "dropped leases give their contacts back");
    }

    #[test]
    fn a_timer_that_moved_does_not_fire() {
        let wake = Wake::default();
        wake.set_timer(ContactId(1), Instant(100));
        wake.run(ContactId(1));
        let lease = wake.claim(Instant(50), 9);
        lease.settle([Settled { contact: ContactId(1), was_due: Instant(100), due: Instant(200), more: false }]);
        assert_eq!(wake.next(), Some(Instant(200)));
        assert_eq!(ids(&wake.claim(Instant(150), 9)), [0_i64; 0]);
    }

    #[test]
    fn what_is_not_settled_is_set_aside() {
        let wake = Wake::default();
        wake.run(ContactId(1));
        wake.claim(Instant(0), 9).settle([]);
        wake.run(ContactId(1));
        assert_eq!(wake.next(), None);
    }
}
