//! One batch of contacts: claimed, advanced in memory, written in one transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};

use journey_bytecode::Instant;

use crate::core::{Linked, advance, advance_part};
use crate::store::{Advanced, Claimed, MAX_INPUTS_PER_ADVANCE, Pending, Store, StoreError};

/// How long a contact is held back that an advance leaves due at once, which the core does not do: 1 minute.
const HELD_BACK: i64 = 60_000;

/// What a batch did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stepped {
    /// Contacts advanced.
    pub contacts: usize,
    /// Inputs applied.
    pub inputs: usize,
    /// Messages decided.
    pub messages: usize,
    /// Contacts set aside, because they could not be read or advanced.
    pub set_aside: usize,
}

/// Advances at most so many contacts that have something to do; `observe` sees each before it is written.
pub(crate) async fn step<S: Store>(
    store: &S,
    linked: &Linked,
    now: Instant,
    most: usize,
    mut observe: impl FnMut(&Advanced) + Send,
) -> Result<Stepped, StoreError> {
    let Claimed { lease, contacts, damaged } = store.claim(now, most).await?;
    let mut stepped = Stepped { set_aside: damaged.len(), ..Stepped::default() };
    for (contact, cause) in damaged {
        tracing::error!(contact = contact.0, cause, "a contact cannot be read; it is set aside");
    }
    let mut advanced = Vec::with_capacity(contacts.len());
    for Pending { mut contact, inputs } in contacts {
        let id = contact.id.0;
        // Inputs that do not fit into this advance come before timers that are due after these.
        let more = i64::try_from(inputs.len()).is_ok_and(|count| count >= MAX_INPUTS_PER_ADVANCE);
        let advance = if more { advance_part } else { advance };
        // The core does not panic. Should it ever, one contact stops and not all of them.
        match catch_unwind(AssertUnwindSafe(|| advance(linked, &mut contact, &inputs, now))) {
            Ok(mut outcome) => {
                if !more && outcome.due.is_some_and(|due| due <= now) {
                    tracing::error!(contact = id, "a contact is due again at once; it is held back");
                    outcome.due = Some(Instant(now.0.saturating_add(HELD_BACK)));
                }
                stepped.contacts += 1;
                stepped.inputs += inputs.len();
                stepped.messages += outcome.outgoing.len();
                let next = Advanced { contact, outcome };
                observe(&next);
                advanced.push(next);
            }
            Err(_) => {
                stepped.set_aside += 1;
                tracing::error!(contact = id, "a contact cannot be advanced; it is set aside");
            }
        }
    }
    if !advanced.is_empty() || stepped.set_aside > 0 {
        store.commit(lease, advanced, linked.revision()).await?;
    }
    Ok(stepped)
}
