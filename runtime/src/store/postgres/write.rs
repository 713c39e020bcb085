//! What the engine writes: stepped contacts, and what became of messages.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use journey_bytecode::{AfterCrash, Instant, Purpose};
use smol_str::SmolStr;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::append::Log;
use super::{FIRST_KEY, execute, join, message_columns, message_id, number};
use crate::core::contact::Contact;
use crate::core::effect::{Handover, MessageId, Outgoing};
use crate::store::list::unwanted;
use crate::store::{
    Advanced, Delivery, DeliveryResult, GIVEN_UP, HEARD_FOR, Heard, KeptProgram, LIST, ListChange, Listed, Stays,
    TakeCode, TakenOver, address_hash, codec, own_address_hash, resubscribed, silenced,
};
use crate::trial::Trials;

/// The rows of one commit, column by column.
#[derive(Debug, Default)]
pub(super) struct Batch {
    contacts: Vec<i64>,
    dues: Vec<i64>,
    applied: Vec<i64>,
    states: Vec<Vec<u8>>,
    /// Whether it is the first state of the contact.
    first: Vec<bool>,
    trace: (Vec<i64>, Vec<Vec<u8>>),
    outbox: Outbox,
    /// Contact and hash of an address.
    addressed: BTreeSet<(i64, [u8; 16])>,
    trials: Trials,
    /// Contacts of which nothing may stay.
    erased: (Vec<i64>, Vec<String>),
    /// contacts and hashes of addresses
    silenced: (Vec<i64>, Vec<Vec<u8>>),
    /// What contacts hand over.
    handed: Vec<Handover>,
    /// hashes of addresses, topics that are wanted there again, since when
    resubscribed: (Vec<Vec<u8>>, Vec<String>, Vec<i64>),
    /// The latest of the contacts' moments.
    clock: Instant,
}

#[derive(Debug, Default)]
struct Outbox {
    contacts: Vec<i64>,
    numbers: Vec<i32>,
    dues: Vec<i64>,
    applied: Vec<i64>,
    marketing: Vec<bool>,
    topics: Vec<Option<String>>,
    holds: Vec<bool>,
    channels: Vec<&'static str>,
    /// Hashes; empty for none.
    addresses: Vec<Vec<u8>>,
    bodies: Vec<Vec<u8>>,
}

impl Outbox {
    fn push(&mut self, message: &Outgoing, due: Instant, applied: i64) {
        self.contacts.push(message.id.contact.0);
        self.numbers.push(number(message.id));
        self.dues.push(due.0);
        self.applied.push(applied);
        self.marketing.push(message.purpose == Purpose::Marketing);
        self.topics.push(message.topic.as_ref().map(ToString::to_string));
        self.holds.push(message.after_crash == AfterCrash::Hold);
        self.channels.push(message.channel.name());
        self.addresses.push(address_hash(message).map(Vec::from).unwrap_or_default());
        self.bodies.push(codec::bytes(message));
    }

    async fn write(self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let queue =
            "INSERT INTO outbox (contact, number, due, attempts, applied, marketing, topic, hold, channel, address, body)
             SELECT contact, number, due, 0, applied, marketing, topic, hold, channel, address, body
             FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::bigint[], $5::boolean[], $6::text[],
                 $7::boolean[], $8::text[], $9::bytea[], $10::bytea[])
                 AS u (contact, number, due, applied, marketing, topic, hold, channel, address, body)";
        let queue = sqlx::query(queue).bind(self.contacts).bind(self.numbers).bind(self.dues).bind(self.applied);
        let queue = queue.bind(self.marketing).bind(self.topics).bind(self.holds);
        let queue = queue.bind(self.channels).bind(self.addresses).bind(self.bodies);
        execute(connection, queue).await
    }
}

impl Batch {
    /// `new` are the contacts that have no state yet.
    pub(super) fn of(advanced: &[Advanced], new: &HashSet<i64>) -> Self {
        let mut batch = Self::default();
        for Advanced { contact, outcome } in advanced {
            if contact.is_merged() && outcome.handed.is_none() {
                continue;
            }
            let id = contact.id.0;
            let applied = outcome.handed.as_ref().map_or(contact.state.applied, |handed| handed.applied);
            batch.handed.extend(outcome.handed.as_deref().cloned());
            batch.clock = batch.clock.max(contact.state.clock);
            for (hash, topic, at) in resubscribed(outcome) {
                batch.resubscribed.0.push(hash.to_vec());
                batch.resubscribed.1.push(topic.to_string());
                batch.resubscribed.2.push(at.0);
            }
            batch.contacts.push(id);
            batch.dues.push(outcome.due.unwrap_or(Instant::NEVER).0);
            batch.applied.push(applied);
            batch.states.push(codec::bytes(contact));
            batch.first.push(new.contains(&id));
            outcome.trials.iter().for_each(|event| batch.trials.add(event));
            if outcome.erase {
                batch.erased.0.push(id);
                batch.erased.1.push(contact.key.to_string());
                for hash in silenced(outcome) {
                    batch.silenced.0.push(id);
                    batch.silenced.1.push(hash.to_vec());
                }
                for alias in &outcome.erased {
                    let left = Contact::erased(*alias);
                    batch.contacts.push(alias.0);
                    batch.dues.push(Instant::NEVER.0);
                    batch.applied.push(0);
                    batch.states.push(codec::bytes(&left));
                    batch.first.push(false);
                    batch.erased.0.push(alias.0);
                    batch.erased.1.push(left.key.to_string());
                }
            }
            if !outcome.trace.is_empty() && !outcome.erase {
                batch.trace.0.push(id);
                batch.trace.1.push(codec::bytes(&outcome.trace));
            }
            for (message, knew) in outcome.decided(applied) {
                batch.outbox.push(message, message.at, knew);
                batch.addressed.extend(own_address_hash(message).map(|hash| (id, hash)));
            }
        }
        batch
    }

    /// Writes the rows; whether there is something to do for others: messages, or contacts that somebody joins.
    pub(super) async fn write(self, connection: &mut PgConnection) -> sqlx::Result<bool> {
        let write = "WITH applied AS (
                 DELETE FROM inputs i USING unnest($1::bigint[], $4::bigint[]) AS u (contact, applied)
                     WHERE i.contact = u.contact AND i.seq <= u.applied
                     RETURNING i.contact, i.seq, i.at, i.body),
             kept AS (
                 INSERT INTO told (contact, seq, at, body) SELECT contact, seq, at, body FROM applied),
             begun AS (
                 INSERT INTO states (contact, due, body) SELECT contact, due, body
                     FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $5::boolean[]) AS u (contact, due, body, first)
                     WHERE first)
             UPDATE states s SET due = u.due, body = u.body
                 FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS u (contact, due, body)
                 WHERE s.contact = u.contact";
        let write = sqlx::query(write).bind(self.contacts).bind(self.dues).bind(self.states).bind(self.applied);
        execute(connection, write.bind(self.first)).await?;
        if !self.erased.0.is_empty() {
            erase(connection, self.erased, self.silenced, self.clock).await?;
        }
        let (again, topics, moments) = self.resubscribed;
        if !again.is_empty() {
            let note = "INSERT INTO resubscribed AS r (hash, topic, at)
                 SELECT hash, topic, max(at) FROM unnest($1::bytea[], $2::text[], $3::bigint[]) AS u (hash, topic, at)
                     GROUP BY hash, topic ORDER BY hash, topic
                 ON CONFLICT (hash, topic) DO UPDATE SET at = greatest(r.at, excluded.at)";
            execute(connection, sqlx::query(note).bind(again).bind(topics).bind(moments)).await?;
        }
        if !self.trials.0.is_empty() {
            count(connection, &self.trials).await?;
        }
        let (contacts, bodies) = self.trace;
        if !contacts.is_empty() {
            let trace = "INSERT INTO trace (contact, body) SELECT * FROM unnest($1::bigint[], $2::bytea[])";
            execute(connection, sqlx::query(trace).bind(contacts).bind(bodies)).await?;
        }
        let queued = !self.outbox.contacts.is_empty();
        if queued {
            self.outbox.write(connection).await?;
        }
        if !self.addressed.is_empty() {
            let note = "INSERT INTO addressed (contact, hash)
                 SELECT * FROM unnest($1::bigint[], $2::bytea[]) ON CONFLICT DO NOTHING";
            let (contacts, hashes): (Vec<i64>, Vec<Vec<u8>>) =
                self.addressed.into_iter().map(|(contact, hash)| (contact, hash.to_vec())).unzip();
            execute(connection, sqlx::query(note).bind(contacts).bind(hashes)).await?;
        }
        let joins = !self.handed.is_empty();
        if joins {
            join::hand_over(connection, self.handed).await?;
        }
        Ok(queued || joins)
    }
}

/// What was recorded.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    /// Messages that may not go on the wire.
    pub(super) staying: Vec<(MessageId, Stays)>,
    /// Whether contacts hear of results.
    pub(super) told: bool,
    /// Whether messages went back into the queue.
    pub(super) queued: bool,
}

/// Writes results of a worker, and which messages it puts on the wire.
pub(super) async fn record(
    connection: &mut PgConnection,
    worker: Option<i32>,
    results: &[Delivery],
    leaving: &[MessageId],
) -> sqlx::Result<Recorded> {
    // Whoever accepts an unsubscribe holds its contact: it is acknowledged either before the gate below looks, or after the
    // message was on the wire.
    let contacts: BTreeSet<i64> =
        results.iter().map(|d| d.id).chain(leaving.iter().copied()).map(|id| id.contact.0).collect();
    let log = Log::lock(connection, &contacts).await?;
    let staying = leave(connection, worker, leaving).await?;
    let open = open_messages(connection, worker, results).await?;

    let (told, queued) = finish(connection, log, &open, results).await?;
    Ok(Recorded { staying, told, queued })
}

/// Writes results of messages that are in the outbox (those of this worker, or of nobody, are `true`); whether contacts hear
/// of it, and whether messages went back into the queue.
async fn finish(
    connection: &mut PgConnection,
    mut log: Log,
    open: &HashMap<MessageId, bool>,
    results: &[Delivery],
) -> sqlx::Result<(bool, bool)> {
    let (mut done, mut retries) = (BTreeMap::new(), Waits::default());
    let mut holds = Waits::default();
    for delivery in results {
        let id = delivery.id;
        // What is not in the outbox has had its result: a contact hears of it once.
        let Some(ours) = open.get(&id) else { continue };
        match delivery.retry_at() {
            Some(due) if *ours => retries.push(delivery, due),
            None if *ours && matches!(delivery.result, DeliveryResult::Held { .. }) => {
                holds.push(delivery, delivery.at)
            }
            None if matches!(delivery.result, DeliveryResult::Held { .. }) => {}
            // What arrived has arrived, whoever has the message now.
            None if *ours || matches!(delivery.result, DeliveryResult::Delivered { .. }) => {
                if done.insert(id, delivery).is_none()
                    && let Some(kind) = delivery.news()
                {
                    log.push(id.contact, delivery.at, &kind, None);
                }
            }
            // Another worker has it, and will see for itself.
            _ => {}
        }
    }
    let queued = !retries.contacts.is_empty();
    retries.write(connection, "due = u.at, held_since = NULL").await?;
    holds.write(connection, "held_since = u.at").await?;
    if !done.is_empty() {
        settle(connection, &done).await?;
    }
    Ok((log.write(connection).await?, queued))
}

/// Messages that stay in the outbox.
#[derive(Debug, Default)]
struct Waits {
    contacts: Vec<i64>,
    numbers: Vec<i32>,
    /// Until when, or since when.
    moments: Vec<i64>,
    attempts: Vec<i32>,
    causes: Vec<String>,
}

impl Waits {
    fn push(&mut self, delivery: &Delivery, at: Instant) {
        self.contacts.push(delivery.id.contact.0);
        self.numbers.push(number(delivery.id));
        self.moments.push(at.0);
        self.attempts.push(i32::try_from(delivery.attempts).unwrap_or(i32::MAX));
        self.causes.push(delivery.waits_for().unwrap_or_default().to_owned());
    }

    /// Gives them back; `set` says what becomes of their moment.
    async fn write(self, connection: &mut PgConnection, set: &'static str) -> sqlx::Result<()> {
        if self.contacts.is_empty() {
            return Ok(());
        }
        let back = format!(
            "UPDATE outbox o SET {set}, attempts = u.attempts, cause = u.cause, worker = NULL, on_wire = false
             FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::integer[], $5::text[])
                 AS u (contact, number, at, attempts, cause)
             WHERE o.contact = u.contact AND o.number = u.number"
        );
        let back = sqlx::query(AssertSqlSafe(back)).bind(self.contacts).bind(self.numbers).bind(self.moments);
        execute(connection, back.bind(self.attempts).bind(self.causes)).await
    }
}

/// The lock of the last gate. Whoever lets messages pass shares it; whoever changes what addresses get has it alone, so that it is
/// acknowledged either before those look, or after what they let pass is noted as on the wire. It is taken behind the rows of
/// contacts and before those of messages.
const GATE: i32 = FIRST_KEY + 3;

/// Closes the last gate until the transaction ends.
pub(super) async fn close_gate(connection: &mut PgConnection) -> sqlx::Result<()> {
    let gate = "SELECT pg_advisory_xact_lock($1, 0)";
    execute(connection, sqlx::query(gate).bind(GATE)).await
}

/// Puts messages on the wire; says which may not go.
async fn leave(
    connection: &mut PgConnection,
    worker: Option<i32>,
    leaving: &[MessageId],
) -> sqlx::Result<Vec<(MessageId, Stays)>> {
    let Some(worker) = worker.filter(|_| !leaving.is_empty()) else { return Ok(Vec::new()) };
    let gate = "SELECT pg_advisory_xact_lock_shared($1, 0)";
    execute(connection, sqlx::query(gate).bind(GATE)).await?;
    let leave = concat!(
        "UPDATE outbox o SET on_wire = true
         FROM unnest($1::bigint[], $2::integer[]) AS u (contact, number)
         WHERE o.contact = u.contact AND o.number = u.number AND o.worker = $3
         RETURNING o.contact, o.number, ",
        unwanted!(),
        "
             OR o.address IS NULL AND o.marketing AND EXISTS (SELECT 1 FROM addressed a JOIN suppressed s ON s.hash = a.hash
                 WHERE a.contact = o.contact AND (s.topic IN ('', '*') OR s.topic = o.topic) AND s.contact <> o.contact)"
    );
    let (contacts, numbers) = message_columns(leaving);
    let rows = sqlx::query(leave).bind(contacts).bind(numbers).bind(worker).fetch_all(&mut *connection).await?;
    let mut may = HashMap::new();
    for row in &rows {
        may.insert(message_id(row.try_get(0)?, row.try_get(1)?), !row.try_get::<bool, _>(2)?);
    }
    let mut staying = Vec::new();
    for id in leaving {
        match may.get(id) {
            Some(true) => {}
            Some(false) => staying.push((*id, Stays::Unsubscribed)),
            None => staying.push((*id, Stays::TakenOver)),
        }
    }
    let unsubscribed: Vec<MessageId> =
        staying.iter().filter(|(_, why)| *why == Stays::Unsubscribed).map(|(id, _)| *id).collect();
    if !unsubscribed.is_empty() {
        let back = "UPDATE outbox o SET on_wire = false FROM unnest($1::bigint[], $2::integer[]) AS u (contact, number)
             WHERE o.contact = u.contact AND o.number = u.number";
        let (contacts, numbers) = message_columns(&unsubscribed);
        execute(connection, sqlx::query(back).bind(contacts).bind(numbers)).await?;
    }
    Ok(staying)
}

/// Which of the messages are in the outbox, and whether they are this worker's.
async fn open_messages(
    connection: &mut PgConnection,
    worker: Option<i32>,
    results: &[Delivery],
) -> sqlx::Result<HashMap<MessageId, bool>> {
    if results.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: BTreeSet<MessageId> = results.iter().map(|delivery| delivery.id).collect();
    let (contacts, numbers) = message_columns(&ids.into_iter().collect::<Vec<_>>());
    let open = "SELECT o.contact, o.number, coalesce(o.worker = $3, false) OR o.held_since IS NOT NULL
         FROM unnest($1::bigint[], $2::integer[]) AS u (contact, number)
         JOIN outbox o ON o.contact = u.contact AND o.number = u.number FOR NO KEY UPDATE OF o";
    let rows = sqlx::query(open).bind(contacts).bind(numbers).bind(worker).fetch_all(connection).await?;
    rows.iter().map(|row| Ok((message_id(row.try_get(0)?, row.try_get(1)?), row.try_get(2)?))).collect()
}

/// Moves messages from the outbox to those done.
async fn settle(connection: &mut PgConnection, done: &BTreeMap<MessageId, &Delivery>) -> sqlx::Result<()> {
    let (contacts, numbers) = message_columns(&done.keys().copied().collect::<Vec<_>>());
    let mut columns: (Vec<i64>, Vec<i32>, Vec<bool>, Vec<Vec<u8>>) = Default::default();
    for delivery in done.values() {
        columns.0.push(delivery.at.0);
        columns.1.push(i32::try_from(delivery.attempts).unwrap_or(i32::MAX));
        columns.2.push(delivery.result.is_failure());
        columns.3.push(codec::bytes(&delivery.result));
    }
    let settle = "WITH u AS (
             SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::integer[], $5::boolean[], $6::bytea[])
                 AS u (contact, number, at, attempts, failed, result)),
         gone AS (
             DELETE FROM outbox o USING u WHERE o.contact = u.contact AND o.number = u.number
             RETURNING o.contact, o.number, o.body)
         INSERT INTO deliveries (contact, number, at, attempts, failed, result, message)
             SELECT u.contact, u.number, u.at, u.attempts, u.failed, u.result, CASE WHEN u.failed AND u.contact <> 0 THEN g.body END
             FROM u JOIN gone g ON g.contact = u.contact AND g.number = u.number
         ON CONFLICT (contact, number) DO UPDATE SET at = excluded.at, attempts = excluded.attempts,
             failed = excluded.failed, result = excluded.result, message = excluded.message";
    let settle = sqlx::query(settle).bind(contacts).bind(numbers);
    execute(connection, settle.bind(columns.0).bind(columns.1).bind(columns.2).bind(columns.3)).await
}

/// Gives back what a worker left that is gone.
pub(super) async fn take_over(connection: &mut PgConnection, worker: i32, now: Instant) -> sqlx::Result<TakenOver> {
    let take = "WITH left_behind AS (
             SELECT contact, number, on_wire FROM outbox WHERE worker = $1 FOR NO KEY UPDATE)
         UPDATE outbox o
         SET worker = NULL, on_wire = false, held_since = CASE WHEN l.on_wire AND o.hold THEN $2::bigint END
         FROM left_behind l WHERE o.contact = l.contact AND o.number = l.number
         RETURNING o.contact, o.number, l.on_wire, o.hold";
    let mut taken = TakenOver::default();
    for row in sqlx::query(take).bind(worker).bind(now.0).fetch_all(connection).await? {
        let id = message_id(row.try_get(0)?, row.try_get(1)?);
        if row.try_get(2)? {
            if row.try_get(3)? { taken.held.push(id) } else { taken.again.push(id) }
        }
    }
    taken.again.sort_unstable();
    taken.held.sort_unstable();
    Ok(taken)
}

/// Queues messages again that are held or have failed.
pub(super) async fn requeue(
    connection: &mut PgConnection,
    ids: &[MessageId],
    now: Instant,
) -> sqlx::Result<Vec<MessageId>> {
    let (contacts, numbers) = message_columns(ids);
    let held = "UPDATE outbox o SET held_since = NULL, due = $3, cause = NULL
         FROM unnest($1::bigint[], $2::integer[]) AS u (contact, number)
         WHERE o.contact = u.contact AND o.number = u.number AND o.held_since IS NOT NULL
         RETURNING o.contact, o.number";
    let held = sqlx::query(held).bind(&contacts).bind(&numbers).bind(now.0).fetch_all(&mut *connection).await?;
    let mut again = Vec::new();
    for row in &held {
        again.push(message_id(row.try_get(0)?, row.try_get(1)?));
    }
    let failed = "DELETE FROM deliveries d USING unnest($1::bigint[], $2::integer[]) AS u (contact, number)
         WHERE d.contact = u.contact AND d.number = u.number AND d.failed AND d.message IS NOT NULL
         RETURNING d.message";
    let mut outbox = Outbox::default();
    for row in sqlx::query(failed).bind(contacts).bind(numbers).fetch_all(&mut *connection).await? {
        let outgoing: Outgoing = codec::read(row.try_get(0)?).map_err(|cause| sqlx::Error::Decode(cause.into()))?;
        // Whoever has unsubscribed since gets nothing: the decision counts as older than all that we know.
        outbox.push(&outgoing, now, 0);
        again.push(outgoing.id);
    }
    outbox.write(connection).await?;
    Ok(again)
}

/// Gives up messages that wait or are held, and forgets those that have failed; says which, and whether contacts hear of it.
pub(super) async fn give_up(
    connection: &mut PgConnection,
    ids: &[MessageId],
    now: Instant,
) -> sqlx::Result<(Vec<MessageId>, bool)> {
    let (contacts, numbers) = message_columns(ids);
    let log = Log::lock(connection, &contacts.iter().copied().collect()).await?;
    let failed =
        "UPDATE deliveries d SET message = NULL FROM unnest($1::bigint[], $2::integer[]) AS u (contact, number)
         WHERE d.contact = u.contact AND d.number = u.number AND d.failed AND d.message IS NOT NULL
         RETURNING d.contact, d.number";
    let mut done = Vec::new();
    for row in sqlx::query(failed).bind(&contacts).bind(&numbers).fetch_all(&mut *connection).await? {
        done.push(message_id(row.try_get(0)?, row.try_get(1)?));
    }
    let waiting =
        "SELECT o.contact, o.number, o.attempts FROM unnest($1::bigint[], $2::integer[]) AS u (contact, number)
         JOIN outbox o ON o.contact = u.contact AND o.number = u.number WHERE o.worker IS NULL FOR NO KEY UPDATE OF o";
    let mut results = Vec::new();
    for row in sqlx::query(waiting).bind(contacts).bind(numbers).fetch_all(&mut *connection).await? {
        let id = message_id(row.try_get(0)?, row.try_get(1)?);
        let attempts = row.try_get::<i32, _>(2)?.unsigned_abs();
        results.push(Delivery::given_up(id, attempts, now, GIVEN_UP.to_owned()));
        done.push(id);
    }
    let open = results.iter().map(|delivery| (delivery.id, true)).collect();
    let (told, _) = finish(connection, log, &open, &results).await?;
    Ok((done, told))
}

/// Notes a provider's word and changes the list; how many rows that were, none for a word that was noted before.
pub(super) async fn hear(connection: &mut PgConnection, heard: &Heard) -> sqlx::Result<Option<u64>> {
    let note = "INSERT INTO heard (id, at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let noted = sqlx::query(note).bind(heard.id.as_str()).bind(heard.at.0).execute(&mut *connection).await?;
    if noted.rows_affected() == 0 {
        return Ok(None);
    }
    let changed = match &heard.change {
        ListChange::Nothing => 0,
        ListChange::Suppress(listed) => list_of(connection, SUPPRESS, listed).await?,
        ListChange::Lift(listed) => list_of(connection, LIFT, listed).await?,
    };
    let forget = "DELETE FROM heard WHERE at <= $1";
    execute(connection, sqlx::query(forget).bind(heard.at.0.saturating_sub(HEARD_FOR))).await?;
    if heard.answer.is_some() {
        // Its number comes next: nobody else takes one now.
        close_gate(connection).await?;
        let next = "SELECT 1 + greatest((SELECT max(number) FROM outbox WHERE contact = $1),
             (SELECT max(number) FROM deliveries WHERE contact = $1), -1)";
        let number: i32 = sqlx::query_scalar(next).bind(LIST.0).fetch_one(&mut *connection).await?;
        if let Some(answer) = heard.answered(changed, number.unsigned_abs()) {
            let mut outbox = Outbox::default();
            outbox.push(&answer, answer.at, 0);
            outbox.write(connection).await?;
        }
    }
    Ok(Some(changed))
}

/// Puts addresses on the list.
pub(super) const SUPPRESS: &str =
    "INSERT INTO suppressed (hash, topic, contact) SELECT hash, $2, $3 FROM unnest($1::bytea[]) AS u (hash)
     ON CONFLICT DO NOTHING";

/// Takes them off again.
pub(super) const LIFT: &str = "DELETE FROM suppressed WHERE hash = ANY($1) AND topic = $2 AND contact = $3";

/// Changes which addresses stand on the list; how many rows that were.
pub(super) async fn list_of(connection: &mut PgConnection, change: &'static str, listed: &Listed) -> sqlx::Result<u64> {
    close_gate(connection).await?;
    let hashes: Vec<Vec<u8>> = listed.hashes().iter().map(|hash| hash.to_vec()).collect();
    let query = sqlx::query(change).bind(hashes).bind(listed.keeps.stored()).bind(LIST.0);
    Ok(query.execute(connection).await?.rows_affected())
}

/// Keeps programs; of one that is kept already, the messages become the given ones.
pub(super) async fn keep_programs(connection: &mut PgConnection, programs: &[KeptProgram]) -> sqlx::Result<()> {
    for kept in programs {
        let keep = "INSERT INTO programs (version, body) VALUES ($1, $2)
             ON CONFLICT (version) DO UPDATE SET body = excluded.body";
        let version = kept.program.version().0.to_vec();
        execute(connection, sqlx::query(keep).bind(version).bind(codec::bytes(kept))).await?;
    }
    Ok(())
}

/// Forgets contacts, of which nothing but the numbers is left: what waits stays behind, what a worker has gets its result
/// and does not go again. At their addresses nothing more goes to anybody.
async fn erase(
    connection: &mut PgConnection,
    (contacts, keys): (Vec<i64>, Vec<String>),
    (owners, hashes): (Vec<i64>, Vec<Vec<u8>>),
    at: Instant,
) -> sqlx::Result<()> {
    let silence = "INSERT INTO suppressed AS s (hash, topic, contact, at)
             SELECT hash, '', contact, $4 FROM addressed WHERE contact = ANY($1)
             UNION SELECT hash, '', contact, $4 FROM unnest($2::bigint[], $3::bytea[]) AS u (contact, hash)
         ON CONFLICT (hash, topic, contact) DO UPDATE SET at = greatest(s.at, excluded.at)";
    execute(connection, sqlx::query(silence).bind(&contacts).bind(owners).bind(hashes).bind(at.0)).await?;
    for forget in [
        "DELETE FROM addressed WHERE contact = ANY($1)",
        "INSERT INTO unsubscribed (contact, topic, channel, seq)
             SELECT contact, '', '', accepted FROM contacts WHERE contact = ANY($1)
             ON CONFLICT (contact, topic, channel) DO UPDATE SET seq = excluded.seq",
        "DELETE FROM outbox WHERE contact = ANY($1) AND worker IS NULL",
        "UPDATE outbox SET marketing = true, applied = -1, cause = NULL WHERE contact = ANY($1)",
        "DELETE FROM trace WHERE contact = ANY($1)",
        "DELETE FROM told WHERE contact = ANY($1)",
        "DELETE FROM input_ids WHERE contact = ANY($1)",
        "DELETE FROM keys k USING contacts c WHERE c.contact = ANY($1) AND k.key = c.key AND k.contact = c.contact",
    ] {
        execute(connection, sqlx::query(forget).bind(&contacts)).await?;
    }
    let results = "UPDATE deliveries SET message = NULL, result = CASE WHEN failed THEN $2 ELSE $3 END
         WHERE contact = ANY($1)";
    let left = |failed| codec::bytes(&DeliveryResult::erased(failed));
    execute(connection, sqlx::query(results).bind(&contacts).bind(left(true)).bind(left(false))).await?;
    let keyless = "UPDATE contacts c SET key = u.key FROM unnest($1::bigint[], $2::text[]) AS u (contact, key)
         WHERE c.contact = u.contact";
    execute(connection, sqlx::query(keyless).bind(contacts).bind(keys)).await
}

/// Counts for trials; in one order, so that workers do not wait for each other in a ring.
async fn count(connection: &mut PgConnection, trials: &Trials) -> sqlx::Result<()> {
    let (mut versions, mut splits, mut sides) = (Vec::new(), Vec::new(), Vec::new());
    let (mut hours, mut took, mut reached) = (Vec::new(), Vec::new(), Vec::new());
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    for (key, count) in &trials.0 {
        versions.push(key.version.0.to_vec());
        splits.push(key.split.to_string());
        sides.push(key.side.to_string());
        hours.push(key.hour);
        took.push(number(count.took));
        reached.push(number(count.reached));
    }
    let count = "INSERT INTO trials AS t (version, split, side, hour, took, reached)
         SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
         ON CONFLICT (version, split, side, hour) DO UPDATE SET
             took = t.took + excluded.took, reached = t.reached + excluded.reached";
    let query = sqlx::query(count).bind(versions).bind(splits).bind(sides).bind(hours).bind(took).bind(reached);
    execute(connection, query).await
}

/// Offers codes of a voucher; how many are new.
pub(super) async fn offer(connection: &mut PgConnection, voucher: &str, codes: &[SmolStr]) -> sqlx::Result<u64> {
    let offer = "INSERT INTO codes (voucher, code) SELECT $1, code FROM unnest($2::text[]) AS u (code)
         ON CONFLICT (voucher, code) DO NOTHING";
    let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
    Ok(sqlx::query(offer).bind(voucher).bind(codes).execute(connection).await?.rows_affected())
}

/// Takes a code: the one that this question has, else the one that was made, else the next one offered.
pub(super) async fn take(connection: &mut PgConnection, take: &TakeCode) -> sqlx::Result<Option<SmolStr>> {
    let (contact, number) = (take.id.contact.0, number(take.id));
    let had = "SELECT code FROM codes WHERE contact = $1 AND number = $2";
    let had: Option<String> =
        sqlx::query_scalar(had).bind(contact).bind(number).fetch_optional(&mut *connection).await?;
    if let Some(had) = had {
        return Ok(Some(had.into()));
    }
    let (at, expires) = (take.at.0, take.expires.map(|expires| expires.0));
    let taken: Option<String> = match &take.made {
        Some(made) => {
            let insert = "INSERT INTO codes (voucher, code, contact, number, at, expires)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING code";
            let insert = sqlx::query_scalar(insert).bind(take.voucher.as_str()).bind(made.as_str());
            insert.bind(contact).bind(number).bind(at).bind(expires).fetch_optional(connection).await?
        }
        None => {
            let next = "UPDATE codes SET contact = $1, number = $2, at = $3, expires = $4
                 WHERE (voucher, code) = (SELECT voucher, code FROM codes WHERE voucher = $5 AND contact IS NULL
                     ORDER BY place LIMIT 1 FOR UPDATE SKIP LOCKED)
                 RETURNING code";
            let next = sqlx::query_scalar(next).bind(contact).bind(number).bind(at).bind(expires);
            let taken = next.bind(take.voucher.as_str()).fetch_optional(&mut *connection).await;
            match taken {
                // Another worker asked the same at this moment.
                Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                    let had = "SELECT code FROM codes WHERE contact = $1 AND number = $2";
                    sqlx::query_scalar(had).bind(contact).bind(number).fetch_optional(connection).await?
                }
                taken => taken?,
            }
        }
    };
    Ok(taken.map(SmolStr::from))
}
