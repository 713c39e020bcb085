//! Messages of the outbox, with their places in the source.

use serde::Serialize;
use smol_str::SmolStr;

use crate::core::Linked;
use crate::store::{Kept, KeptMessage};

/// A message of the outbox.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OutboxEntry {
    /// Its id: `12/0`.
    pub id: String,
    /// How it stands.
    pub state: &'static str,
    /// Since when it is held or has failed; else when it is due. In the project's zone.
    pub at: String,
    /// Why it failed, or did not go at once.
    pub cause: Option<String>,
    /// Its channel.
    pub channel: &'static str,
    /// Its name.
    pub message: SmolStr,
    /// The address.
    pub to: SmolStr,
    /// How often it was tried.
    pub attempts: u32,
    /// The journey that sends it.
    pub journey: SmolStr,
    /// The statement, as `FILE:LINE`; none if the version is not known any more.
    pub place: Option<String>,
}

impl OutboxEntry {
    /// Describes a message.
    pub fn new(linked: &Linked, which: Kept, kept: KeptMessage) -> Self {
        let KeptMessage { outgoing, attempts, at, cause } = kept;
        let place = linked.program(outgoing.version).and_then(|program| {
            let step = program.map.steps.get(outgoing.step.index())?;
            Some(format!("{}:{}", program.map.source, step.line))
        });
        Self {
            id: outgoing.id.to_string(),
            state: which.name(),
            at: linked.zone().show(at),
            cause,
            channel: outgoing.channel.name(),
            message: outgoing.message,
            to: outgoing.to,
            attempts,
            journey: outgoing.journey,
            place,
        }
    }
}
