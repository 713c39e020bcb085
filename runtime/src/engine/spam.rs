//! Counts what marketing mail is called spam, and holds back that of a domain of which too many say so.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use journey_bytecode::Instant;
use smol_str::SmolStr;
use tokio::sync::Notify;

use super::{Shared, TAKE_OVER};
use crate::spam::{SpamCount, SpamRule, SpamSender, Traffic, hour};
use crate::store::{Store, StoreError};

/// What was counted and is not in the store yet, and whose marketing is held.
#[derive(Debug, Default)]
pub(crate) struct Spam {
    counted: Mutex<Traffic>,
    held: RwLock<BTreeSet<SmolStr>>,
    /// Whether anybody is held: that is asked for each mail.
    any: AtomicBool,
    complained: Notify,
}

impl Spam {
    fn count(&self, sender: SmolStr, at: Instant, count: SpamCount) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.entry((sender, hour(at))).or_default().add(count);
    }

    /// A marketing mail of the domain was delivered.
    pub(super) fn delivered(&self, sender: SmolStr, at: Instant) {
        self.count(sender, at, SpamCount { delivered: 1, complained: 0 });
    }

    /// So many mails of the domain were called spam.
    pub(super) fn complained(&self, sender: SmolStr, at: Instant, complained: u64) {
        self.count(sender, at, SpamCount { delivered: 0, complained });
        self.complained.notify_one();
    }

    /// Whether the domain's marketing is held.
    pub(crate) fn holds(&self, sender: &str) -> bool {
        self.any.load(Ordering::Acquire) && self.held.read().unwrap_or_else(PoisonError::into_inner).contains(sender)
    }

    /// How many domains are held.
    pub(super) fn held(&self) -> usize {
        self.held.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn know(&self, senders: &[SpamSender]) {
        let held: BTreeSet<SmolStr> =
            senders.iter().filter(|sender| sender.held.is_some()).map(|sender| sender.domain.clone()).collect();
        self.any.store(!held.is_empty(), Ordering::Release);
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = held;
    }

    /// Writes what was counted, and holds whom the rule says; takes up what others wrote.
    pub(super) async fn settle(&self, store: &impl Store, rule: &SpamRule, now: Instant) -> Result<(), StoreError> {
        let counted = std::mem::take(&mut *self.counted.lock().unwrap_or_else(PoisonError::into_inner));
        let since = rule.since(now);
        if !counted.is_empty()
            && let Err(error) = store.count_traffic(&counted, since).await
        {
            // It may have been written all the same; then it counts twice, and a rate is no bill.
            for ((sender, hour), count) in counted {
                let mut again = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
                again.entry((sender, hour)).or_default().add(count);
            }
            return Err(error);
        }
        let mut senders = store.senders(since).await?;
        for sender in senders.iter_mut().filter(|sender| sender.held.is_none() && rule.trips(&sender.counted)) {
            let SpamSender { domain, counted, held } = sender;
            store.hold_sender(domain, now, *counted).await?;
            *held = Some((now, *counted));
            let (domain, rate) = (domain.as_str(), counted.rate());
            tracing::error!(
                domain,
                rate,
                "too many readers call its mail spam; its marketing is held: journey senders"
            );
        }
        self.know(&senders);
        Ok(())
    }
}

/// Counts and judges until the engine stops.
pub(super) async fn watch<S: Store>(shared: Arc<Shared<S>>) {
    let mut stopping = shared.stopping.subscribe();
    loop {
        let stops = *stopping.borrow_and_update();
        let rule = shared.live.get().outlet.spam_rule();
        match shared.front.spam.settle(&shared.store, &rule, shared.front.clock.now()).await {
            Ok(()) => {}
            Err(_) if stops => return,
            Err(error) if !shared.bears(error.clone()).await => return,
            Err(_) => {}
        }
        if stops {
            return;
        }
        tokio::select! {
            biased;
            _ = stopping.changed() => {}
            () = shared.front.spam.complained.notified() => {}
            () = tokio::time::sleep(TAKE_OVER) => {}
        }
    }
}
