//! What the engine writes: stepped contacts, and what became of messages.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use journey_bytecode::{Instant, Purpose};
use smol_str::SmolStr;
use sqlx::SqliteConnection;

use super::append::{Log, append_inputs};
use super::{Rows, hex, json, list, message_id, message_keys};
use crate::core::contact::ContactId;
use crate::core::effect::MessageId;
use crate::store::{Advanced, Delivery, KeptProgram, address_hash, codec};

/// The rows of one commit, made before the writer is taken.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Messages for the queue.
    pub(super) queued: Vec<(Instant, MessageId)>,
    states: Rows<(i64, usize, usize)>,
    ready: Vec<(i64, i64, i64)>,
    outbox: Rows<OutboxRow>,
    /// contact and hash of an address
    addressed: BTreeSet<(i64, String)>,
    trace: Rows<(i64, usize, usize)>,
}

/// contact, number, due, last input known, whether it is marketing, topic, start and length of the message
type OutboxRow = (i64, u32, i64, i64, bool, Option<SmolStr>, usize, usize);

impl Batch {
    pub(super) fn of(advanced: &[Advanced]) -> Self {
        let mut batch = Self::default();
        for Advanced { contact, outcome } in advanced {
            let id = contact.id.0;
            let (start, length) = batch.states.add(contact);
            batch.states.rows.push((id, start, length));
            batch.ready.push((id, outcome.due.unwrap_or(Instant::NEVER).0, contact.state.applied));
            if !outcome.trace.is_empty() {
                let (start, length) = batch.trace.add(&outcome.trace);
                batch.trace.rows.push((id, start, length));
            }
            for message in &outcome.outgoing {
                let (start, length) = batch.outbox.add(message);
                let marketing = message.purpose == Purpose::Marketing;
                let topic = message.topic.clone();
                let (number, applied) = (message.id.number, contact.state.applied);
                batch.outbox.rows.push((id, number, message.at.0, applied, marketing, topic, start, length));
                batch.queued.push((message.at, message.id));
                batch.addressed.extend(address_hash(message).map(|hash| (id, hex(&hash))));
            }
        }
        batch
    }

    /// Writes the rows; returns the messages for the queue.
    pub(super) async fn write(self, connection: &mut SqliteConnection) -> sqlx::Result<Vec<(Instant, MessageId)>> {
        let write = "BEGIN IMMEDIATE;
             INSERT OR REPLACE INTO states (contact, body)
                 SELECT value ->> 0, substr(?, value ->> 1, value ->> 2) FROM json_each(?);
             INSERT INTO ready (contact, due, accepted, applied)
                 SELECT value ->> 0, value ->> 1, 0, value ->> 2 FROM json_each(?) WHERE true
                 ON CONFLICT (contact) DO UPDATE SET due = excluded.due, applied = excluded.applied;
             INSERT INTO outbox (contact, number, due, attempts, applied, marketing, topic, body)
                 SELECT value ->> 0, value ->> 1, value ->> 2, 0, value ->> 3, value ->> 4, value ->> 5,
                     substr(?, value ->> 6, value ->> 7)
                 FROM json_each(?);
             INSERT OR IGNORE INTO addressed (contact, hash)
                 SELECT value ->> 0, unhex(value ->> 1) FROM json_each(?);
             INSERT INTO trace (contact, body)
                 SELECT value ->> 0, substr(?, value ->> 1, value ->> 2) FROM json_each(?);
             COMMIT";
        let query = self.states.bind(sqlx::query(write)).bind(json(&self.ready));
        let addressed: Vec<_> = self.addressed.into_iter().collect();
        let query = self.outbox.bind(query).bind(json(&addressed));
        self.trace.bind(query).execute(connection).await?;
        Ok(self.queued)
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
    // Nobody else writes, so that what is read here holds until it is written.
    let withheld = withheld(connection, leaving).await?;
    let leaving: Vec<MessageId> = leaving.iter().filter(|id| !withheld.contains(id)).copied().collect();
    let lengths = open_logs(connection, results).await?;

    let (mut retries, mut done, mut log, mut told) = (Vec::new(), BTreeMap::new(), Log::default(), HashSet::new());
    for delivery in results {
        let id = delivery.id;
        // What is not in the outbox has had its result: a contact hears of it once.
        let Some(accepted) = lengths.get(&id) else { continue };
        if let Some(due) = delivery.retry_at() {
            retries.push((id.contact.0, id.number, due.0, delivery.attempts));
        } else if done.insert(id, delivery).is_none()
            && let Some(kind) = delivery.news()
        {
            if told.insert(id.contact) {
                log.know(id.contact, *accepted);
            }
            log.push(id.contact, delivery.at, &kind, None);
        }
    }
    let mut settled = Rows::default();
    for (id, delivery) in &done {
        let failed = delivery.result.is_failure();
        let (start, length) = settled.add(&delivery.result);
        settled.rows.push((id.contact.0, id.number, delivery.at.0, delivery.attempts, failed, start, length));
    }
    let tried: Vec<MessageId> = results.iter().map(|delivery| delivery.id).collect();
    let done: Vec<MessageId> = done.into_keys().collect();

    // The upsert finds its rows by key; an UPDATE with a join may read the whole outbox.
    let write = concat!(
        "BEGIN IMMEDIATE;",
        append_inputs!(),
        "DELETE FROM wire WHERE (contact, number) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?));
         INSERT INTO outbox (contact, number, due, attempts, applied, marketing, topic, body)
             SELECT o.contact, o.number, j.value ->> 2, j.value ->> 3, o.applied, o.marketing, o.topic, o.body
             FROM json_each(?) j CROSS JOIN outbox o ON o.contact = j.value ->> 0 AND o.number = j.value ->> 1
             WHERE true
             ON CONFLICT (contact, number) DO UPDATE SET due = excluded.due, attempts = excluded.attempts;
         INSERT OR REPLACE INTO deliveries (contact, number, at, attempts, failed, result, message)
             SELECT o.contact, o.number, j.value ->> 2, j.value ->> 3, j.value ->> 4,
                 substr(?, j.value ->> 5, j.value ->> 6), CASE WHEN j.value ->> 4 THEN o.body END
             FROM json_each(?) j CROSS JOIN outbox o ON o.contact = j.value ->> 0 AND o.number = j.value ->> 1;
         DELETE FROM outbox WHERE (contact, number) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?));
         INSERT OR IGNORE INTO wire SELECT value ->> 0, value ->> 1 FROM json_each(?);
         COMMIT"
    );
    let query = log.bind(sqlx::query(write)).bind(message_keys(&tried)).bind(json(&retries));
    let query = settled.bind(query).bind(message_keys(&done)).bind(message_keys(&leaving));
    query.execute(connection).await?;
    Ok(Recorded { told, withheld })
}

/// The messages that may not leave.
async fn withheld(connection: &mut SqliteConnection, leaving: &[MessageId]) -> sqlx::Result<Vec<MessageId>> {
    if leaving.is_empty() {
        return Ok(Vec::new());
    }
    let withheld = "SELECT json_group_array(json_array(o.contact, o.number)) FROM json_each(?1) j
         CROSS JOIN outbox o ON o.contact = j.value ->> 0 AND o.number = j.value ->> 1
         WHERE o.marketing AND (
             EXISTS (SELECT 1 FROM unsubscribed u
                 WHERE u.contact = o.contact AND (u.topic = '' OR u.topic = o.topic) AND u.seq > o.applied)
             OR EXISTS (SELECT 1 FROM addressed a CROSS JOIN suppressed s ON s.hash = a.hash
                 AND (s.topic = '' OR s.topic = o.topic) AND s.contact <> o.contact WHERE a.contact = o.contact))";
    let rows = list(sqlx::query(withheld).bind(message_keys(leaving)), connection).await?;
    Ok(rows.into_iter().map(message_id).collect())
}

/// Which of the messages are in the outbox, and how long the logs of their contacts are.
async fn open_logs(connection: &mut SqliteConnection, results: &[Delivery]) -> sqlx::Result<HashMap<MessageId, i64>> {
    if results.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: BTreeSet<MessageId> = results.iter().map(|delivery| delivery.id).collect();
    let open = "SELECT json_group_array(json_array(o.contact, o.number, r.accepted)) FROM json_each(?1) j
         CROSS JOIN outbox o ON o.contact = j.value ->> 0 AND o.number = j.value ->> 1
         CROSS JOIN ready r ON r.contact = o.contact";
    let ids = message_keys(&ids.into_iter().collect::<Vec<_>>());
    let rows = list::<(i64, u32, i64)>(sqlx::query(open).bind(ids), connection).await?;
    Ok(rows.into_iter().map(|(contact, number, accepted)| (message_id((contact, number)), accepted)).collect())
}

/// Queues messages again that were on the wire.
pub(super) async fn resend_ambiguous(connection: &mut SqliteConnection) -> sqlx::Result<Vec<(Instant, MessageId)>> {
    let ambiguous =
        "SELECT json_group_array(json_array(o.contact, o.number, o.due) ORDER BY o.due, o.contact, o.number)
         FROM wire w CROSS JOIN outbox o ON o.contact = w.contact AND o.number = w.number";
    let rows = list::<(i64, u32, i64)>(sqlx::query(ambiguous), &mut *connection).await?;
    sqlx::query("DELETE FROM wire").execute(connection).await?;
    Ok(rows.into_iter().map(|(contact, number, due)| (Instant(due), message_id((contact, number)))).collect())
}

/// Keeps programs; of one that is kept already, the messages become the given ones.
pub(super) async fn keep_programs(connection: &mut SqliteConnection, programs: &[KeptProgram]) -> sqlx::Result<()> {
    for kept in programs {
        let keep = "INSERT INTO programs (version, body) VALUES (?1, ?2)
             ON CONFLICT (version) DO UPDATE SET body = excluded.body";
        let version = kept.program.version().0.to_vec();
        let mut body = Vec::new();
        codec::append(kept, &mut body);
        sqlx::query(keep).bind(version).bind(body).execute(&mut *connection).await?;
    }
    Ok(())
}
