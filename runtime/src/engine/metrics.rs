//! What the engine has done since it started.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! metrics {
    ($(#[doc = $doc:literal] $name:ident)*) => {
        /// Counters that only grow.
        #[derive(Debug, Default)]
        pub(crate) struct Metrics {
            $(pub(crate) $name: Counter,)*
        }

        /// The counters at one moment.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct Snapshot {
            $(#[doc = $doc] pub $name: u64,)*
        }

        impl Snapshot {
            /// The counters with their names, and what each counts.
            pub fn named(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
                [$((stringify!($name), $doc, self.$name)),*].into_iter().map(|(name, doc, value)| (name, doc.trim(), value))
            }
        }

        impl Metrics {
            /// The counters now.
            pub(crate) fn snapshot(&self) -> Snapshot {
                Snapshot { $($name: self.$name.0.load(Ordering::Relaxed),)* }
            }
        }
    };
}

metrics! {
    /// Inputs accepted.
    accepted
    /// Inputs that were known already.
    duplicates
    /// Inputs refused by the store: another body under their id, or nobody's.
    refused
    /// Transactions in which inputs were accepted.
    intakes
    /// Inputs applied, results of deliveries among them.
    applied
    /// Contacts advanced.
    stepped
    /// Transactions in which contacts were advanced.
    batches
    /// Contacts set aside because they could not be read or advanced.
    set_aside
    /// Messages decided.
    decided
    /// Messages that a provider took.
    delivered
    /// Attempts that failed for now.
    retried
    /// Mails that their readers called spam.
    complaints
    /// Messages put off: outside their window, over a rate, or of a sender that is held.
    put_off
    /// Messages given up.
    failed
    /// Messages sent again because a crash left their fate open.
    resent
    /// Messages held because their fate is open.
    held
}

/// A counter.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Counts so many.
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }
}
