//! All that happened to a contact, also under the other ids that turned out to be its own: in its own numbers.

use smol_str::SmolStr;

use crate::core::contact::{Alias, Contact};
use crate::core::effect::{TraceEntry, TraceEvent};
use crate::core::input::Input;
use crate::store::{Delivery, Store, StoreError};

/// All that a contact was told, each with the id that it was told under.
pub async fn inputs<S: Store>(store: &S, contact: &Contact) -> Result<Vec<(SmolStr, Input)>, StoreError> {
    let identities = &contact.state.identities;
    let mut all = Vec::new();
    for alias in &identities.aliases {
        let inputs = store.inputs(alias.contact).await?.into_iter();
        let own = |input: Input| Input { kind: input.kind.of_alias(alias.contact), ..input };
        all.extend(inputs.map(|input| (alias.key.clone(), own(input))));
    }
    all.extend(store.inputs(contact.id).await?.into_iter().map(|input| (contact.key.clone(), input)));
    let here = |(key, input): (SmolStr, Input)| {
        let kind = input.kind.here(identities)?.into_owned();
        Some((key, Input { kind, ..input }))
    };
    Ok(all.into_iter().filter_map(here).collect())
}

/// A contact's trace, oldest first.
pub async fn trace<S: Store>(store: &S, contact: &Contact) -> Result<Vec<TraceEntry>, StoreError> {
    let mut all = Vec::new();
    for alias in &contact.state.identities.aliases {
        let mut trace = store.trace(alias.contact).await?;
        trace.iter_mut().for_each(|entry| renumber(entry, alias));
        all.append(&mut trace);
    }
    all.append(&mut store.trace(contact.id).await?);
    if !contact.state.identities.aliases.is_empty() {
        all.sort_by_key(|entry| entry.at);
    }
    Ok(all)
}

/// What became of its messages, by number.
pub async fn deliveries<S: Store>(store: &S, contact: &Contact) -> Result<Vec<Delivery>, StoreError> {
    let mut all = store.deliveries(contact.id).await?;
    for alias in &contact.state.identities.aliases {
        let mut deliveries = store.deliveries(alias.contact).await?;
        deliveries
            .iter_mut()
            .for_each(|delivery| delivery.id.number = delivery.id.number.saturating_add(alias.messages));
        all.append(&mut deliveries);
    }
    all.sort_by_key(|delivery| delivery.id.number);
    Ok(all)
}

fn renumber(entry: &mut TraceEntry, by: &Alias) {
    entry.run.iter_mut().for_each(|run| *run = run.saturating_add(by.runs));
    match &mut entry.event {
        TraceEvent::Sent { message: number, .. }
        | TraceEvent::Skipped { message: number, .. }
        | TraceEvent::Message { message: number, .. }
        | TraceEvent::Called { number, .. }
        | TraceEvent::Voucher { number, .. }
        | TraceEvent::Asked { number, .. }
        | TraceEvent::Answered { number, .. } => *number = number.saturating_add(by.messages),
        _ => {}
    }
}
