//! Looking into a running engine, and operating its outbox.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use journey_bytecode::Channel;

use super::Shared;
use crate::core::contact::Contact;
use crate::core::effect::MessageId;
use crate::explain::{Explanation, Known, OutboxEntry, Standing, explain, standing};
use crate::store::{Heard, Kept, ListChange, Store, StoreError};
use crate::story;
use crate::track::BoxFuture;

/// A way to look into an engine that does not keep it alive.
#[derive(Clone)]
pub struct Inside(Weak<dyn Looks>);

impl std::fmt::Debug for Inside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inside(..)")
    }
}

/// What can be asked, whatever the store.
trait Looks: Send + Sync {
    fn explain<'a>(&'a self, contact: &'a str, journey: Option<&'a str>) -> Answer<'a, Option<Explanation>>;
    fn standing(&self) -> Answer<'_, Vec<Standing>>;
    fn outbox(&self, which: Kept, most: usize) -> Answer<'_, Vec<OutboxEntry>>;
    fn requeue<'a>(&'a self, ids: &'a [MessageId]) -> Answer<'a, Vec<MessageId>>;
    fn give_up<'a>(&'a self, ids: &'a [MessageId]) -> Answer<'a, Vec<MessageId>>;
    fn contacts_at<'a>(&'a self, channel: Channel, address: &'a str, most: usize) -> Answer<'a, Vec<Contact>>;
    fn was_heard<'a>(&'a self, id: &'a str) -> Answer<'a, bool>;
    fn hear<'a>(&'a self, heard: &'a Heard) -> Answer<'a, Option<u64>>;
}

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

impl<S: Store> Looks for Shared<S> {
    fn explain<'a>(&'a self, contact: &'a str, journey: Option<&'a str>) -> Answer<'a, Option<Explanation>> {
        Box::pin(async move {
            let Some(contact) = self.store.contact(contact).await? else { return Ok(None) };
            let trace = story::trace(&self.store, &contact).await?;
            let deliveries = story::deliveries(&self.store, &contact).await?;
            let known = Known { contact: &contact, trace: &trace, deliveries: &deliveries };
            Ok(Some(explain(&self.live.linked(), &known, journey)))
        })
    }

    fn standing(&self) -> Answer<'_, Vec<Standing>> {
        Box::pin(async move { standing(&self.store, &self.live.linked()).await })
    }

    fn outbox(&self, which: Kept, most: usize) -> Answer<'_, Vec<OutboxEntry>> {
        Box::pin(async move {
            let kept = self.store.outbox(which, most).await?;
            let linked = self.live.linked();
            Ok(kept.into_iter().map(|kept| OutboxEntry::new(&linked, which, kept)).collect())
        })
    }

    fn requeue<'a>(&'a self, ids: &'a [MessageId]) -> Answer<'a, Vec<MessageId>> {
        Box::pin(async move {
            let again = self.store.requeue(ids, self.front.clock.now()).await?;
            self.messages.notify_one();
            Ok(again)
        })
    }

    fn give_up<'a>(&'a self, ids: &'a [MessageId]) -> Answer<'a, Vec<MessageId>> {
        Box::pin(async move {
            let done = self.store.give_up(ids, self.front.clock.now()).await?;
            self.contacts.notify_one();
            Ok(done)
        })
    }

    fn contacts_at<'a>(&'a self, channel: Channel, address: &'a str, most: usize) -> Answer<'a, Vec<Contact>> {
        Box::pin(self.store.contacts_at(channel, address, most))
    }

    fn was_heard<'a>(&'a self, id: &'a str) -> Answer<'a, bool> {
        Box::pin(self.store.was_heard(id))
    }

    fn hear<'a>(&'a self, heard: &'a Heard) -> Answer<'a, Option<u64>> {
        Box::pin(async move {
            let changed = self.store.hear(heard).await?;
            if let ListChange::Suppress(_) = heard.change {
                // What waits for a connection asks again before it goes.
                self.front.withdrawals.fetch_add(1, Ordering::AcqRel);
            }
            self.messages.notify_one();
            Ok(changed)
        })
    }
}

impl Inside {
    pub(super) fn new<S: Store>(shared: &Arc<Shared<S>>) -> Self {
        let looks: Arc<dyn Looks> = Arc::clone(shared) as Arc<dyn Looks>;
        Self(Arc::downgrade(&looks))
    }

    fn engine(&self) -> Result<Arc<dyn Looks>, StoreError> {
        self.0.upgrade().ok_or_else(|| StoreError::Unavailable("the engine has stopped".into()))
    }

    /// What journeys did with a contact, and why; nothing if nobody knows it.
    pub async fn explain(&self, contact: &str, journey: Option<&str>) -> Result<Option<Explanation>, StoreError> {
        self.engine()?.explain(contact, journey).await
    }

    /// The runs under way, by journey, version and statement. It reads every contact once.
    pub async fn standing(&self) -> Result<Vec<Standing>, StoreError> {
        self.engine()?.standing().await
    }

    /// Messages of one kind, at most so many.
    pub async fn outbox(&self, which: Kept, most: usize) -> Result<Vec<OutboxEntry>, StoreError> {
        self.engine()?.outbox(which, most).await
    }

    /// Queues messages again that are held or have failed; returns those.
    pub async fn requeue(&self, ids: &[MessageId]) -> Result<Vec<MessageId>, StoreError> {
        self.engine()?.requeue(ids).await
    }

    /// Gives up messages that wait or are held, and forgets those that have failed; returns those.
    pub async fn give_up(&self, ids: &[MessageId]) -> Result<Vec<MessageId>, StoreError> {
        self.engine()?.give_up(ids).await
    }

    /// Contacts to whom messages went at this address, at most so many.
    pub async fn contacts_at(&self, channel: Channel, address: &str, most: usize) -> Result<Vec<Contact>, StoreError> {
        self.engine()?.contacts_at(channel, address, most).await
    }

    /// Whether a provider's word under this id was taken before.
    pub async fn was_heard(&self, id: &str) -> Result<bool, StoreError> {
        self.engine()?.was_heard(id).await
    }

    /// Notes that a provider's word was taken, and changes the list with it; how many addresses that concerned, none if the
    /// word was taken before.
    pub async fn hear(&self, heard: &Heard) -> Result<Option<u64>, StoreError> {
        self.engine()?.hear(heard).await
    }
}
