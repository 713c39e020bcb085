//! What the engine writes: stepped contacts, and what became of messages.

use std::collections::{BTreeMap, HashSet};

use journey_bytecode::{Instant, Purpose};
use smol_str::SmolStr;
use sqlx::{Row, SqliteConnection};

use super::append::Log;
use super::{begin, json, message_id, message_keys, slice};
use crate::core::contact::ContactId;
use crate::core::effect::MessageId;
use crate::store::{Advanced, Delivery, DeliveryResult, KeptProgram, codec};

/// The rows of one commit, made before the write lock is taken.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Messages for the queue.
    pub(super) queued: Vec<(Instant, MessageId)>,
    states: Vec<(i64, usize, usize)>,
    ready: Vec<(i64, i64, i64)>,
    outbox: Vec<OutboxRow>,
    trace: Vec<(i64, usize, usize)>,
    blob: Vec<u8>,
}

/// contact, number, due, last input known, whether it is marketing, topic, start and length of the message
type OutboxRow = (i64, u32, i64, i64, bool, Option<SmolStr>, usize, usize);

impl Batch {
    pub(super) fn of(advanced: &[Advanced]) -> Self {
        let mut batch = Self::default();
        let blob = &mut batch.blob;
        for Advanced { contact, outcome } in advanced {
            let id = contact.id.0;
            let (start, length) = slice(contact, blob);
            batch.states.push((id, start, length));
            batch.ready.push((id, outcome.due.unwrap_or(Instant::NEVER).0, contact.state.applied));
            if !outcome.trace.is_empty() {
                let (start, length) = slice(&outcome.trace, blob);
                batch.trace.push((id, start, length));
            }
            for message in &outcome.outgoing {
                let (start, length) = slice(message, blob);
                let marketing = message.purpose == Purpose::Marketing;
                let topic = message.topic.clone();
                let (number, applied) = (message.id.number, contact.state.applied);
                batch.outbox.push((id, number, message.at.0, applied, marketing, topic, start, length));
                batch.queued.push((message.at, message.id));
            }
        }
        batch
    }

    pub(super) async fn write(&self, connection: &mut SqliteConnection) -> sqlx::Result<()> {
        let mut transaction = begin(connection).await?;
        let states = "INSERT OR REPLACE INTO states (contact, body)
             SELECT value ->> 0, substr(?2, value ->> 1, value ->> 2) FROM json_each(?1)";
        sqlx::query(states).bind(json(&self.states)).bind(&self.blob).execute(&mut *transaction).await?;
        let ready = "INSERT INTO ready (contact, due, accepted, applied)
             SELECT value ->> 0, value ->> 1, 0, value ->> 2 FROM json_each(?1) WHERE true
             ON CONFLICT (contact) DO UPDATE SET due = excluded.due, applied = excluded.applied";
        sqlx::query(ready).bind(json(&self.ready)).execute(&mut *transaction).await?;
        if !self.outbox.is_empty() {
            let outbox = "INSERT INTO outbox (contact, number, due, attempts, applied, marketing, topic, body)
                 SELECT value ->> 0, value ->> 1, value ->> 2, 0, value ->> 3, value ->> 4, value ->> 5,
                     substr(?2, value ->> 6, value ->> 7)
                 FROM json_each(?1)";
            sqlx::query(outbox).bind(json(&self.outbox)).bind(&self.blob).execute(&mut *transaction).await?;
        }
        if !self.trace.is_empty() {
            let trace = "INSERT INTO trace (contact, body)
                 SELECT value ->> 0, substr(?2, value ->> 1, value ->> 2) FROM json_each(?1)";
            sqlx::query(trace).bind(json(&self.trace)).bind(&self.blob).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }
}

/// What was recorded.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    /// Contacts that hear of a result.
    pub(super) told: HashSet<ContactId>,
    /// Messages that may not go on the wire.
    pub(super) withheld: Vec<MessageId>,
}

/// Writes results, and which messages go on the wire.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    results: &[Delivery],
    leaving: &[MessageId],
) -> sqlx::Result<Recorded> {
    let mut transaction = begin(connection).await?;
    let mut recorded = Recorded::default();
    if !results.is_empty() {
        recorded.told = settle(&mut transaction, results).await?;
    }
    if !leaving.is_empty() {
        recorded.withheld = leave(&mut transaction, leaving).await?;
    }
    transaction.commit().await?;
    Ok(recorded)
}

/// Marks messages as on the wire; returns those withheld.
async fn leave(connection: &mut SqliteConnection, ids: &[MessageId]) -> sqlx::Result<Vec<MessageId>> {
    let withheld = "SELECT o.contact, o.number FROM json_each(?1) j
         CROSS JOIN outbox o ON o.contact = j.value ->> 0 AND o.number = j.value ->> 1
         WHERE o.marketing AND EXISTS (
             SELECT 1 FROM unsubscribed u
             WHERE u.contact = o.contact AND (u.topic = '' OR u.topic = o.topic) AND u.seq > o.applied)";
    let rows = sqlx::query(withheld).bind(message_keys(ids)).fetch_all(&mut *connection).await?;
    let withheld: Vec<MessageId> = rows.iter().map(message_id).collect::<sqlx::Result<_>>()?;
    let leaving: Vec<MessageId> = ids.iter().filter(|id| !withheld.contains(id)).copied().collect();
    let wire = "INSERT OR IGNORE INTO wire SELECT value ->> 0, value ->> 1 FROM json_each(?1)";
    sqlx::query(wire).bind(message_keys(&leaving)).execute(connection).await?;
    Ok(withheld)
}

/// Writes what became of messages; returns the contacts that hear of it.
async fn settle(connection: &mut SqliteConnection, deliveries: &[Delivery]) -> sqlx::Result<HashSet<ContactId>> {
    let ids: Vec<MessageId> = deliveries.iter().map(|delivery| delivery.id).collect();
    let wire = "DELETE FROM wire WHERE (contact, number) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))";
    sqlx::query(wire).bind(message_keys(&ids)).execute(&mut *connection).await?;

    let mut retries = Vec::new();
    let mut done = BTreeMap::new();
    for delivery in deliveries {
        match delivery.retry_at() {
            Some(due) => retries.push((delivery.id.contact.0, delivery.id.number, due.0, delivery.attempts)),
            None => _ = done.insert(delivery.id, delivery),
        }
    }
    if !retries.is_empty() {
        // An upsert finds its rows by key; an UPDATE with a join may read the whole outbox.
        let again = "INSERT INTO outbox (contact, number, due, attempts, applied, marketing, topic, body)
             SELECT o.contact, o.number, j.value ->> 2, j.value ->> 3, o.applied, o.marketing, o.topic, o.body
             FROM json_each(?1) j CROSS JOIN outbox o ON o.contact = j.value ->> 0 AND o.number = j.value ->> 1 WHERE true
             ON CONFLICT (contact, number) DO UPDATE SET due = excluded.due, attempts = excluded.attempts";
        sqlx::query(again).bind(json(&retries)).execute(&mut *connection).await?;
    }
    finish(connection, &done).await
}

async fn finish(
    connection: &mut SqliteConnection,
    done: &BTreeMap<MessageId, &Delivery>,
) -> sqlx::Result<HashSet<ContactId>> {
    if done.is_empty() {
        return Ok(HashSet::new());
    }
    let mut blob = Vec::new();
    let mut rows = Vec::with_capacity(done.len());
    for (id, delivery) in done {
        let failed = matches!(delivery.result, DeliveryResult::Failed { .. });
        let (start, length) = slice(&delivery.result, &mut blob);
        rows.push((id.contact.0, id.number, delivery.at.0, delivery.attempts, failed, start, length));
    }
    let results = "INSERT OR REPLACE INTO deliveries (contact, number, at, attempts, failed, result, message)
         SELECT o.contact, o.number, j.value ->> 2, j.value ->> 3, j.value ->> 4,
             substr(?2, j.value ->> 5, j.value ->> 6), CASE WHEN j.value ->> 4 THEN o.body END
         FROM json_each(?1) j CROSS JOIN outbox o ON o.contact = j.value ->> 0 AND o.number = j.value ->> 1";
    sqlx::query(results).bind(json(&rows)).bind(blob).execute(&mut *connection).await?;
    // What is not in the outbox has had its result: a contact hears of it once.
    let leave = "DELETE FROM outbox WHERE (contact, number) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))
         RETURNING contact, number";
    let ids: Vec<MessageId> = done.keys().copied().collect();
    let left = sqlx::query(leave).bind(message_keys(&ids)).fetch_all(&mut *connection).await?;
    let left: HashSet<MessageId> = left.iter().map(message_id).collect::<sqlx::Result<_>>()?;

    let told: HashSet<ContactId> = left.iter().map(|id| id.contact).collect();
    let mut log = Log::load(&mut *connection, told.iter().copied()).await?;
    for (id, delivery) in done.iter().filter(|(id, _)| left.contains(id)) {
        if let Some(kind) = delivery.news() {
            log.push(id.contact, delivery.at, &kind, None);
        }
    }
    log.write(connection).await?;
    Ok(told)
}

/// Queues messages again that were on the wire.
pub(super) async fn resend_ambiguous(connection: &mut SqliteConnection) -> sqlx::Result<Vec<(Instant, MessageId)>> {
    let mut transaction = begin(connection).await?;
    let ambiguous = "SELECT o.contact, o.number, o.due FROM wire w
         JOIN outbox o ON o.contact = w.contact AND o.number = w.number ORDER BY o.due, o.contact, o.number";
    let rows = sqlx::query(ambiguous).fetch_all(&mut *transaction).await?;
    let resent =
        rows.iter().map(|row| Ok((Instant(row.try_get(2)?), message_id(row)?))).collect::<sqlx::Result<_>>()?;
    sqlx::query("DELETE FROM wire").execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(resent)
}

/// Keeps programs; of one that is kept already, the messages become the given ones.
pub(super) async fn keep_programs(connection: &mut SqliteConnection, programs: &[KeptProgram]) -> sqlx::Result<()> {
    let mut transaction = begin(connection).await?;
    for kept in programs {
        let keep = "INSERT INTO programs (version, body) VALUES (?1, ?2)
             ON CONFLICT (version) DO UPDATE SET body = excluded.body";
        let version = kept.program.version().0.to_vec();
        let mut body = Vec::new();
        codec::append(kept, &mut body);
        sqlx::query(keep).bind(version).bind(body).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}
