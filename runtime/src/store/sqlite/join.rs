//! Contacts that turned out to be others hand over.

use std::collections::BTreeSet;

use journey_bytecode::Instant;
use sqlx::SqliteConnection;

use super::append::Log;
use super::rows::{Script, json, list, unhex};
use crate::core::contact::ContactId;
use crate::core::effect::Handover;
use crate::core::input::InputKind;
use crate::store::codec;

/// Lets contacts join those that they turned out to be: what they were and what waits for them goes to the log of that one,
/// their addresses are its own. What they have in the outbox goes under its own ids, and asks at the last gate what the other
/// one says about its address.
const JOIN: &str = "INSERT INTO suppressed (hash, topic, contact, at)
         SELECT s.hash, s.topic, j.value ->> 1, s.at FROM jsonb_each(?) j CROSS JOIN addressed a ON a.contact = j.value ->> 0
         CROSS JOIN suppressed s ON s.hash = a.hash AND s.contact = a.contact WHERE true
         ON CONFLICT (hash, topic, contact) DO UPDATE SET at = max(at, excluded.at);
     DELETE FROM suppressed WHERE (hash, topic, contact) IN
         (SELECT s.hash, s.topic, s.contact FROM jsonb_each(?) j CROSS JOIN addressed a ON a.contact = j.value ->> 0
          CROSS JOIN suppressed s ON s.hash = a.hash AND s.contact = a.contact);
     INSERT INTO suppressed (hash, topic, contact, at)
         SELECT a.hash, CASE u.channel WHEN '' THEN u.topic ELSE u.channel || ':' || u.topic END, u.contact, j.value ->> 2
         FROM jsonb_each(?) j CROSS JOIN addressed a ON a.contact = j.value ->> 0
         CROSS JOIN unsubscribed u ON u.contact = j.value ->> 1 WHERE true
         ON CONFLICT (hash, topic, contact) DO UPDATE SET at = max(at, excluded.at);
     INSERT OR IGNORE INTO addressed (contact, hash)
         SELECT j.value ->> 1, a.hash FROM jsonb_each(?) j CROSS JOIN addressed a ON a.contact = j.value ->> 0;
     DELETE FROM addressed WHERE contact IN (SELECT value ->> 0 FROM jsonb_each(?));
     UPDATE inputs SET body = x'' WHERE contact IN (SELECT value ->> 0 FROM jsonb_each(?))
         AND seq > (SELECT applied FROM states WHERE states.contact = inputs.contact);
     UPDATE states SET applied = c.accepted FROM jsonb_each(?) j CROSS JOIN contacts c ON c.id = j.value ->> 0
         WHERE states.contact = c.id;
     UPDATE merged SET handed = 1 WHERE contact IN (SELECT value ->> 0 FROM jsonb_each(?));";

/// How often [`JOIN`] asks for the pairs.
const PAIRS: usize = 8;

/// What a commit writes of contacts that hand over, as it was read in its transaction.
#[derive(Debug)]
pub(super) struct Joins {
    /// Who joins whom, and when.
    pairs: Vec<(i64, i64, i64)>,
    log: Log,
}

impl Joins {
    pub(super) async fn read(connection: &mut SqliteConnection, handed: Vec<Handover>) -> sqlx::Result<Self> {
        let both: BTreeSet<ContactId> = handed.iter().flat_map(|handed| [handed.contact.id, handed.into]).collect();
        let mut log = Log::of(connection, &both).await?;
        for handed in &handed {
            log.merged.know(handed.contact.id, handed.into, true);
        }
        let pair = |Handover { contact, .. }: &Handover| {
            (contact.id.0, log.merged.log_of(contact.id).0, contact.state.clock.0)
        };
        let pairs = handed.iter().map(pair).collect();
        let applied: Vec<(i64, i64)> = handed.iter().map(|handed| (handed.contact.id.0, handed.applied)).collect();
        let waiting = "SELECT json_group_array(json_array(i.contact, i.at, hex(i.body)) ORDER BY i.contact, i.seq)
             FROM jsonb_each(?1) j CROSS JOIN inputs i ON i.contact = j.value ->> 0 AND i.seq > j.value ->> 1";
        let waiting = list::<(i64, i64, String)>(sqlx::query(waiting).bind(json(&applied)), connection).await?;
        for Handover { contact, .. } in handed {
            let (id, at) = (contact.id, contact.state.clock);
            log.push(id, at, &InputKind::Absorb { contact: Box::new(contact) }, None);
        }
        for (contact, at, body) in waiting {
            let kind = codec::read(&unhex(&body)).map_err(|cause| sqlx::Error::Decode(cause.into()))?;
            log.push(ContactId(contact), Instant(at), &kind, None);
        }
        Ok(Self { pairs, log })
    }

    /// Whom somebody joins.
    pub(super) fn joined(&self) -> Vec<ContactId> {
        self.log.changed().collect()
    }

    /// Appends the statements that write it.
    pub(super) fn write_to(self, script: &mut Script) -> sqlx::Result<()> {
        script.each(JOIN, PAIRS, &self.pairs)?;
        self.log.write_to(script, false)
    }
}
