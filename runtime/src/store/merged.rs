//! Contacts that turned out to be one: to whose log an input goes.
//!
//! That one id is another contact's as well is noted when it is accepted, so that nobody can be two others, and nobody an alias
//! of itself. The contact then hands over in its own order; from that commit on, what comes for it goes to the other's log.

use std::collections::HashMap;

use crate::core::contact::{Contact, ContactId};
use crate::store::{Acceptance, Store, StoreError};

/// Contacts that turn out to be others, as far as a transaction has to do with them. There is no ring among them.
#[derive(Clone, Debug, Default)]
pub(super) struct Merged(HashMap<ContactId, Joining>);

#[derive(Clone, Copy, Debug)]
struct Joining {
    into: ContactId,
    handed: bool,
}

impl Merged {
    /// Notes that a contact turned out to be another one, and whether it has handed over.
    pub(super) fn know(&mut self, contact: ContactId, into: ContactId, handed: bool) {
        self.0.insert(contact, Joining { into, handed });
    }

    /// Whether it turned out to be another one, so that it cannot become a new one's.
    pub(super) fn is_taken(&self, alias: ContactId) -> bool {
        self.0.contains_key(&alias)
    }

    /// Whom an alias joins that is said to be a contact's: without effect if it is that contact already, and refused if it
    /// is another one.
    pub(super) fn join(&self, alias: ContactId, contact: ContactId) -> Result<ContactId, Acceptance> {
        let into = self.person(contact);
        match () {
            () if self.person(alias) == into => Err(Acceptance::Duplicate),
            () if self.is_taken(alias) => Err(Acceptance::AliasTaken),
            () => Ok(into),
        }
    }

    /// The contact to whose log goes what comes for this one.
    pub(super) fn log_of(&self, contact: ContactId) -> ContactId {
        self.follow(contact, |joining| joining.handed)
    }

    /// The contact that this one is, or is about to be.
    fn person(&self, contact: ContactId) -> ContactId {
        self.follow(contact, |_| true)
    }

    fn follow(&self, mut contact: ContactId, goes: impl Fn(&Joining) -> bool) -> ContactId {
        // A damaged database may hold a ring.
        for _ in 0..self.0.len() {
            match self.0.get(&contact).filter(|joining| goes(joining)) {
                Some(joining) => contact = joining.into,
                None => break,
            }
        }
        contact
    }
}

/// The contact of this number, or the one that it turned out to be.
pub async fn contact_of_id<S: Store>(store: &S, id: ContactId) -> Result<Option<Contact>, StoreError> {
    let found = store.contacts_after(ContactId(id.0.saturating_sub(1)), 1).await?;
    followed(store, found.into_iter().find(|contact| contact.id == id)).await
}

/// The contact that this one turned out to be, however often.
pub(super) async fn followed<S: Store>(store: &S, contact: Option<Contact>) -> Result<Option<Contact>, StoreError> {
    let mut contact = contact;
    while let Some(into) = contact.as_ref().and_then(|contact| contact.state.identities.merged_into) {
        let next = store.contacts_after(ContactId(into.0.saturating_sub(1)), 1).await?;
        contact = next.into_iter().find(|next| next.id == into);
    }
    Ok(contact)
}
