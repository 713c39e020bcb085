//! Contacts that turned out to be one: to whose log an input goes.
//!
//! That one id is another contact's as well is noted when it is accepted, so that nobody can be two others, and nobody an alias
//! of itself. The contact then hands over in its own order; from that commit on, what comes for it goes to the other's log.

use std::collections::HashMap;

use smol_str::SmolStr;

use crate::core::contact::{Contact, ContactId};
use crate::core::input::InputKind;
use crate::store::{Acceptance, NewInput, Store, StoreError};

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

    /// Whether the input names an alias that is somebody's, so that it cannot become a new contact's.
    pub(super) fn is_taken(&self, input: &NewInput, keys: &HashMap<SmolStr, ContactId>) -> bool {
        let InputKind::Alias { key } = &input.kind else { return false };
        keys.get(key).is_some_and(|alias| self.0.contains_key(alias))
    }

    /// Whom an alias joins that is said to be a contact's: without effect if it is that contact already, and refused if it
    /// is another one.
    pub(super) fn join(&self, alias: ContactId, contact: ContactId) -> Result<ContactId, Acceptance> {
        let into = self.person(contact);
        match () {
            () if self.person(alias) == into => Err(Acceptance::Duplicate),
            () if self.0.contains_key(&alias) => Err(Acceptance::AliasTaken),
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
    followed(store, of_number(store, id).await?).await
}

async fn of_number<S: Store>(store: &S, id: ContactId) -> Result<Option<Contact>, StoreError> {
    let found = store.contacts_after(ContactId(id.0.saturating_sub(1)), 1).await?;
    Ok(found.into_iter().find(|contact| contact.id == id))
}

/// The contact that this one turned out to be, however often.
pub(super) async fn followed<S: Store>(store: &S, mut contact: Option<Contact>) -> Result<Option<Contact>, StoreError> {
    while let Some(into) = contact.as_ref().and_then(|contact| contact.state.identities.merged_into) {
        contact = of_number(store, into).await?;
    }
    Ok(contact)
}
