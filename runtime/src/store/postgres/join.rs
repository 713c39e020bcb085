//! Contacts that turned out to be others hand over.

use std::collections::BTreeSet;

use journey_bytecode::Instant;
use sqlx::{PgConnection, Row};

use super::append::Log;
use super::execute;
use super::write::close_gate;
use crate::core::contact::ContactId;
use crate::core::effect::Handover;
use crate::core::input::InputKind;
use crate::store::codec;

/// Lets contacts join those that they turned out to be: with all that they were, what waits for them, and their addresses. What
/// they have in the outbox goes under its own ids, and asks at the last gate what the other one says about its address.
pub(super) async fn hand_over(connection: &mut PgConnection, handed: Vec<Handover>) -> sqlx::Result<()> {
    let both: BTreeSet<i64> = handed.iter().flat_map(|handed| [handed.contact.id.0, handed.into.0]).collect();
    let mut log = Log::lock(connection, &both).await?;
    close_gate(connection).await?;
    for handed in &handed {
        log.merged.know(handed.contact.id, handed.into, true);
    }
    let contacts: Vec<i64> = handed.iter().map(|handed| handed.contact.id.0).collect();
    let into: Vec<i64> = handed.iter().map(|handed| log.merged.log_of(handed.contact.id).0).collect();
    let moments: Vec<i64> = handed.iter().map(|handed| handed.contact.state.clock.0).collect();
    for change in [
        "INSERT INTO suppressed AS k (hash, topic, contact, at)
             SELECT s.hash, s.topic, u.merged_into, s.at
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (contact, merged_into, at)
             JOIN addressed a ON a.contact = u.contact JOIN suppressed s ON s.hash = a.hash AND s.contact = u.contact
         ON CONFLICT (hash, topic, contact) DO UPDATE SET at = greatest(k.at, excluded.at)",
        "DELETE FROM suppressed s USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (contact, merged_into, at)
             JOIN addressed a ON a.contact = u.contact WHERE s.hash = a.hash AND s.contact = u.contact",
        "INSERT INTO suppressed AS k (hash, topic, contact, at)
             SELECT a.hash, CASE n.channel WHEN '' THEN n.topic ELSE n.channel || ':' || n.topic END, n.contact, max(u.at)
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (contact, merged_into, at)
             JOIN addressed a ON a.contact = u.contact JOIN unsubscribed n ON n.contact = u.merged_into
             GROUP BY 1, 2, 3
         ON CONFLICT (hash, topic, contact) DO UPDATE SET at = greatest(k.at, excluded.at)",
        "INSERT INTO addressed (contact, hash)
             SELECT u.merged_into, a.hash FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (contact, merged_into, at)
             JOIN addressed a ON a.contact = u.contact
         ON CONFLICT DO NOTHING",
        "DELETE FROM addressed a USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (contact, merged_into, at)
             WHERE a.contact = u.contact",
        "UPDATE contacts c SET handed = true FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (contact, merged_into, at)
             WHERE c.contact = u.contact",
    ] {
        execute(connection, sqlx::query(change).bind(&contacts).bind(&into).bind(&moments)).await?;
    }
    let waiting = "DELETE FROM inputs WHERE contact = ANY($1) RETURNING contact, seq, at, body";
    let mut waiting: Vec<(i64, i64, i64, InputKind)> = sqlx::query(waiting)
        .bind(&contacts)
        .fetch_all(&mut *connection)
        .await?
        .iter()
        .map(|row| {
            let kind = codec::read(row.try_get(3)?).map_err(|cause| sqlx::Error::Decode(cause.into()))?;
            Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, kind))
        })
        .collect::<sqlx::Result<_>>()?;
    waiting.sort_unstable_by_key(|(contact, seq, ..)| (*contact, *seq));
    for Handover { contact, .. } in handed {
        let (id, at) = (contact.id, contact.state.clock);
        log.push(id, at, &InputKind::Absorb { contact: Box::new(contact) }, None);
    }
    for (contact, _, at, kind) in waiting {
        log.push(ContactId(contact), Instant(at), &kind, None);
    }
    log.write(connection).await.map(|_| ())
}
