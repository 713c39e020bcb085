//! What the engine writes: stepped contacts, and what became of messages.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use journey_bytecode::{AfterCrash, Instant, Purpose};
use smol_str::SmolStr;
use sqlx::SqliteConnection;

use super::append::{Log, LogRow};
use super::join::Joins;
use super::revise::{FENCE, is_fence};
use super::rows::{MOST, Script, hex, json, list, unhex};
use super::{Writer, message_id, message_keys};
use crate::core::contact::{Contact, ContactId};
use crate::core::effect::{Handover, MessageId, Outgoing};
use crate::store::list::unwanted;
use crate::store::{
    Advanced, Delivery, DeliveryResult, GIVEN_UP, HEARD_FOR, Heard, KeptProgram, LIST, ListChange, Listed, Stays,
    TakeCode, address_hash, codec, own_address_hash, resubscribed, silenced,
};
use crate::trial::{TrialCount, TrialKey, Trials};

/// The rows of one commit, made before the writer is taken.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Messages for the queue.
    pub(super) queued: Vec<(Instant, MessageId)>,
    stepped: Vec<Stepped>,
    outbox: Vec<OutboxRow>,
    /// contact and hash of an address
    addressed: BTreeSet<(i64, [u8; 16])>,
    trials: Trials,
    /// Contacts of which nothing may stay, each with its new key and the moment.
    erased: Vec<(i64, SmolStr, i64)>,
    /// The states of those of them that did not step themselves.
    forgotten: Vec<(i64, Vec<u8>)>,
    /// contact, hash of an address, moment
    silenced: Vec<(i64, String, i64)>,
    /// hash of an address, topic that is wanted there again, since when
    resubscribed: Vec<(String, SmolStr, i64)>,
    /// What contacts hand over.
    handed: Vec<Handover>,
}

/// A contact that stepped.
#[derive(Debug)]
struct Stepped {
    contact: i64,
    due: i64,
    applied: i64,
    state: Vec<u8>,
    /// The place in the trace of what it did before.
    before: Option<i64>,
    /// What it did now; nothing that is worth a line, maybe.
    trace: Option<Vec<u8>>,
}

/// Messages for the queue, and contacts that somebody joins.
pub(super) type Written = (Vec<(Instant, MessageId)>, Vec<ContactId>);

/// Counts for trials.
const COUNT_TRIALS: &str = "INSERT INTO trials (version, split, side, hour, took, reached)
     SELECT unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
     FROM jsonb_each(?) WHERE true
     ON CONFLICT (version, split, side, hour) DO UPDATE SET
         took = took + excluded.took, reached = reached + excluded.reached;";

/// Notes since when topics are wanted again at addresses.
const RESUBSCRIBE: &str = "INSERT INTO resubscribed (hash, topic, at)
     SELECT unhex(value ->> 0), value ->> 1, value ->> 2 FROM jsonb_each(?) WHERE true
     ON CONFLICT (hash, topic) DO UPDATE SET at = max(at, excluded.at);";

/// Forgets contacts, of which nothing but the numbers is left: what waits stays behind, what is on the wire gets its result
/// and does not go again. At their addresses nothing more goes to anybody.
const ERASE: &str =
    "CREATE TEMP TABLE IF NOT EXISTS erased (contact INTEGER PRIMARY KEY, key TEXT NOT NULL, at INTEGER NOT NULL);
     INSERT INTO erased SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?);
     INSERT INTO suppressed (hash, topic, contact, at)
         SELECT a.hash, '', a.contact, e.at FROM erased e CROSS JOIN addressed a ON a.contact = e.contact
         UNION ALL SELECT unhex(value ->> 1), '', value ->> 0, value ->> 2 FROM jsonb_each(?) WHERE true
         ON CONFLICT (hash, topic, contact) DO UPDATE SET at = max(at, excluded.at);
     DELETE FROM addressed WHERE contact IN (SELECT contact FROM erased);
     INSERT OR REPLACE INTO unsubscribed (contact, topic, channel, seq)
         SELECT e.contact, '', '', c.accepted FROM erased e CROSS JOIN contacts c ON c.id = e.contact;
     DELETE FROM outbox WHERE contact IN (SELECT contact FROM erased) AND NOT EXISTS
         (SELECT 1 FROM wire w WHERE w.contact = outbox.contact AND w.number = outbox.number AND w.leaves);
     UPDATE outbox SET marketing = 1, applied = -1, cause = NULL WHERE contact IN (SELECT contact FROM erased);
     DELETE FROM held WHERE contact IN (SELECT contact FROM erased);
     WITH RECURSIVE chain (contact, place, before) AS (
         SELECT t.contact, t.place, t.before FROM erased e CROSS JOIN states s ON s.contact = e.contact
             CROSS JOIN trace t ON t.place = s.traced AND t.contact = s.contact
         UNION ALL SELECT t.contact, t.place, t.before FROM chain c CROSS JOIN trace t
             ON t.place = c.before AND t.contact = c.contact)
     DELETE FROM trace WHERE place IN (SELECT place FROM chain);
     UPDATE states SET traced = NULL WHERE contact IN (SELECT contact FROM erased);";

/// The state of a contact of which nothing is left, and which did not step itself: all that it was told is applied.
const FORGET: &str = "INSERT OR REPLACE INTO states (contact, due, applied, body)
     SELECT id, ?, accepted, ? FROM contacts WHERE id = ?;";

/// Ends what [`ERASE`] began.
const ERASED: &str = "UPDATE deliveries SET message = NULL, result = CASE WHEN failed THEN ? ELSE ? END
         WHERE contact IN (SELECT contact FROM erased);
     UPDATE inputs SET id = NULL, fingerprint = NULL, body = x'' WHERE contact IN (SELECT contact FROM erased)
         AND seq <= (SELECT applied FROM states WHERE states.contact = inputs.contact);
     UPDATE contacts SET key = e.key FROM erased e WHERE e.contact = contacts.id;
     DELETE FROM erased;";

/// A message on its way into the outbox.
#[derive(Debug)]
struct OutboxRow {
    id: MessageId,
    due: i64,
    /// The last input known.
    applied: i64,
    marketing: bool,
    topic: Option<SmolStr>,
    /// Whether a crash holds it.
    hold: bool,
    channel: &'static str,
    /// The hash of its address; empty for none.
    address: Vec<u8>,
    body: Vec<u8>,
}

impl OutboxRow {
    fn new(message: &Outgoing, due: Instant, applied: i64) -> Self {
        Self {
            id: message.id,
            due: due.0,
            applied,
            marketing: message.purpose == Purpose::Marketing,
            topic: message.topic.clone(),
            hold: message.after_crash == AfterCrash::Hold,
            channel: message.channel.name(),
            address: address_hash(message).map(|hash| hash.to_vec()).unwrap_or_default(),
            body: codec::bytes(message),
        }
    }

    /// Puts messages into the outbox.
    fn write_to(rows: Vec<Self>, script: &mut Script) -> sqlx::Result<()> {
        let into = "INSERT INTO outbox
             (contact, number, due, attempts, applied, marketing, topic, hold, channel, address, body)";
        script.insert(into, 11, rows, |script, row| {
            script.bind(row.id.contact.0)?;
            script.bind(row.id.number)?;
            script.bind(row.due)?;
            script.bind(0)?;
            script.bind(row.applied)?;
            script.bind(row.marketing)?;
            script.bind(row.topic.as_deref())?;
            script.bind(row.hold)?;
            script.bind(row.channel)?;
            script.bind(row.address)?;
            script.bind(row.body)
        })
    }
}

impl Batch {
    /// What there is to write of contacts; `traced` says where in the trace each stood when it was claimed.
    pub(super) fn of(advanced: &[Advanced], traced: impl Fn(ContactId) -> Option<i64>) -> Self {
        let mut batch = Self::default();
        for Advanced { contact, outcome } in advanced {
            if contact.is_merged() && outcome.handed.is_none() {
                continue;
            }
            let id = contact.id.0;
            let applied = outcome.handed.as_ref().map_or(contact.state.applied, |handed| handed.applied);
            batch.handed.extend(outcome.handed.as_deref().cloned());
            let tells = !outcome.trace.is_empty() && !outcome.erase;
            batch.stepped.push(Stepped {
                contact: id,
                due: outcome.due.unwrap_or(Instant::NEVER).0,
                applied,
                state: codec::bytes(contact),
                before: traced(contact.id),
                trace: tells.then(|| codec::bytes(&outcome.trace)),
            });
            outcome.trials.iter().for_each(|event| batch.trials.add(event));
            let at = contact.state.clock.0;
            batch.resubscribed.extend(resubscribed(outcome).map(|(hash, topic, at)| (hex(&hash), topic.clone(), at.0)));
            batch.erased.extend(outcome.erase.then(|| (id, contact.key.clone(), at)));
            for left in outcome.erased.iter().map(|alias| Contact::erased(*alias)) {
                batch.forgotten.push((left.id.0, codec::bytes(&left)));
                batch.erased.push((left.id.0, left.key, at));
            }
            batch.silenced.extend(silenced(outcome).map(|hash| (id, hex(&hash), at)));
            for (message, knew) in outcome.decided(applied) {
                batch.outbox.push(OutboxRow::new(message, message.at, knew));
                batch.queued.push((message.at, message.id));
                batch.addressed.extend(own_address_hash(message).map(|hash| (id, hash)));
            }
        }
        batch
    }

    /// Writes the rows; returns what there is to do for others. Nothing is written if there is a newer revision.
    pub(super) async fn write(mut self, writer: &mut Writer, revision: i64) -> sqlx::Result<Option<Written>> {
        let connection = &mut writer.connection;
        let joins = if self.handed.is_empty() {
            None
        } else {
            begin(&mut *connection).await?;
            Some(Joins::read(&mut *connection, std::mem::take(&mut self.handed)).await?)
        };
        let joined = joins.as_ref().map(Joins::joined).unwrap_or_default();
        let mut script = Script::of(if joins.is_some() { "" } else { "BEGIN IMMEDIATE;" });
        script.say(FENCE);
        script.bind(revision)?;
        let next_trace = step(self.stepped, writer.next_trace, &mut script)?;
        if !self.erased.is_empty() {
            script.say(ERASE);
            script.bind(json(&self.erased))?;
            script.bind(json(&self.silenced))?;
            for (contact, state) in self.forgotten {
                script.say(FORGET);
                script.bind(Instant::NEVER.0)?;
                script.bind(state)?;
                script.bind(contact)?;
            }
            script.say(ERASED);
            script.bind(codec::bytes(&DeliveryResult::erased(true)))?;
            script.bind(codec::bytes(&DeliveryResult::erased(false)))?;
        }
        if !self.resubscribed.is_empty() {
            script.each(RESUBSCRIBE, 1, &self.resubscribed)?;
        }
        if !self.trials.0.is_empty() {
            let row = |(key, count): (&TrialKey, &TrialCount)| {
                (hex(&key.version.0), key.split.clone(), key.side.clone(), key.hour, count.took, count.reached)
            };
            script.each(COUNT_TRIALS, 1, &self.trials.0.iter().map(row).collect::<Vec<_>>())?;
        }
        OutboxRow::write_to(self.outbox, &mut script)?;
        // To which addresses messages of contacts went.
        let addressed = "INSERT OR IGNORE INTO addressed (contact, hash)";
        script.insert(addressed, 2, self.addressed, |script, (contact, hash)| {
            script.bind(contact)?;
            script.bind(hash.to_vec())
        })?;
        if let Some(joins) = joins {
            joins.write_to(&mut script)?;
        }
        script.say("COMMIT");
        match script.query().execute(&mut *connection).await {
            Ok(_) => {
                writer.next_trace = next_trace;
                Ok(Some((self.queued, joined)))
            }
            Err(error) if is_fence(&error) => {
                sqlx::raw_sql("ROLLBACK").execute(connection).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Writes the states of contacts that stepped, and what they did as the newest part of the chain of each; returns the next free
/// place in the trace.
fn step(stepped: Vec<Stepped>, next_trace: i64, script: &mut Script) -> sqlx::Result<i64> {
    let mut place = next_trace;
    let mut states = Vec::with_capacity(stepped.len());
    let mut told = Vec::with_capacity(stepped.len());
    for Stepped { contact, due, applied, state, before, trace } in stepped {
        states.push((contact, due, applied, trace.as_ref().map_or(before, |_| Some(place)), state));
        if let Some(trace) = trace {
            told.push((place, contact, before, trace));
            place += 1;
        }
    }
    let traces = "INSERT INTO trace (place, contact, before, body)";
    script.insert(traces, 4, told, |script, (place, contact, before, trace)| {
        script.bind(place)?;
        script.bind(contact)?;
        script.bind(before)?;
        script.bind(trace)
    })?;
    let into = "INSERT OR REPLACE INTO states (contact, due, applied, traced, body)";
    script.insert(into, 5, states, |script, (contact, due, applied, traced, state)| {
        script.bind(contact)?;
        script.bind(due)?;
        script.bind(applied)?;
        script.bind(traced)?;
        script.bind(state)
    })?;
    Ok(place)
}

/// What was recorded.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    /// Contacts that hear of a result.
    pub(super) told: HashSet<ContactId>,
    /// Messages that may not go on the wire.
    pub(super) staying: Vec<(MessageId, Stays)>,
}

/// How messages stand that are about to leave, or have a result, which is what the third column says: of the former whether their
/// contacts unsubscribed, of the latter the logs of their contacts. Those that are not in the outbox are left out.
const STANDING: &str = concat!(
    "SELECT json_group_array(json_array(o.number, o.contact, j.column3, j.column3 AND (",
    unwanted!(),
    "
         OR o.address IS NULL AND o.marketing AND EXISTS (SELECT 1
             FROM addressed a CROSS JOIN suppressed s ON s.hash = a.hash
             AND (s.topic IN ('', '*') OR s.topic = o.topic) AND s.contact <> o.contact WHERE a.contact = o.contact)),
         c.accepted, m.merged_into, m.handed)) FROM "
);

/// The tables of [`STANDING`], behind its rows.
const STANDING_OF: &str = " j CROSS JOIN outbox o ON o.contact = j.column1 AND o.number = j.column2
     LEFT JOIN contacts c ON NOT j.column3 AND c.id = o.contact
     LEFT JOIN merged m ON NOT j.column3 AND m.contact = o.contact";

/// number, contact, whether it is about to leave and may not; and of its log otherwise: inputs accepted, whom the contact turned
/// out to be, whether it has handed over
type StandingRow = (u32, i64, u8, u8, Option<i64>, Option<i64>, Option<u8>);

/// Asks how messages stand, in the transaction that this begins, or that has begun.
async fn standing(
    connection: &mut SqliteConnection,
    begins: bool,
    results: &[Delivery],
    leaving: &[MessageId],
) -> sqlx::Result<Vec<StandingRow>> {
    let tried = results.iter().map(|delivery| (delivery.id, false));
    let asked: Vec<(MessageId, bool)> = tried.chain(leaving.iter().map(|id| (*id, true))).collect();
    let mut rows = Vec::new();
    let mut opening = if begins { "BEGIN IMMEDIATE;" } else { "" };
    for some in asked.chunks(MOST) {
        let mut script = Script::of(std::mem::take(&mut opening));
        script.say(STANDING);
        script.values(3, some.iter(), |script, (id, leaves)| {
            script.bind(id.contact.0)?;
            script.bind(id.number)?;
            script.bind(*leaves)
        })?;
        script.say(STANDING_OF);
        rows.extend(list::<StandingRow>(script.query(), connection).await?);
    }
    Ok(rows)
}

/// Takes messages off the wire.
const OFF_WIRE: &str =
    "DELETE FROM wire WHERE (contact, number) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(?));";

/// Lets messages wait in the outbox, or holds them. The upsert finds its rows by key; an UPDATE with a join may read the whole
/// outbox.
const WAIT: &str = "INSERT INTO outbox (contact, number, due, attempts, applied, marketing, topic, hold, body, cause)
         SELECT o.contact, o.number, coalesce(j.value ->> 2, o.due), j.value ->> 3, o.applied, o.marketing, o.topic, o.hold,
             o.body, j.value ->> 4
         FROM jsonb_each(?) j CROSS JOIN outbox o ON o.contact = j.value ->> 0 AND o.number = j.value ->> 1
         WHERE true
         ON CONFLICT (contact, number) DO UPDATE SET
             due = excluded.due, attempts = excluded.attempts, cause = excluded.cause;
     INSERT OR REPLACE INTO held SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?);";

/// Moves a message out of the outbox and off the wire, with its result.
pub(super) const SETTLED: &str =
    "CREATE TEMP VIEW settled AS SELECT contact, number, at, attempts, failed, result FROM deliveries;
     CREATE TEMP TRIGGER settle INSTEAD OF INSERT ON settled BEGIN
         INSERT OR REPLACE INTO deliveries (contact, number, at, attempts, failed, result, message)
             SELECT o.contact, o.number, NEW.at, NEW.attempts, NEW.failed, NEW.result,
                 CASE WHEN NEW.failed AND o.contact <> 0 THEN o.body END
             FROM outbox o WHERE o.contact = NEW.contact AND o.number = NEW.number;
         DELETE FROM outbox WHERE contact = NEW.contact AND number = NEW.number;
         DELETE FROM held WHERE contact = NEW.contact AND number = NEW.number;
         DELETE FROM wire WHERE contact = NEW.contact AND number = NEW.number;
     END;";

/// Writes results, and which messages go on the wire.
pub(super) async fn record(
    connection: &mut SqliteConnection,
    results: &[Delivery],
    leaving: &[MessageId],
) -> sqlx::Result<Recorded> {
    if results.is_empty() && leaving.is_empty() {
        return Ok(Recorded::default());
    }
    record_in(connection, true, results, leaving, false).await
}

/// Begins a transaction: what is read in it holds until it is written.
async fn begin(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(connection).await.map(|_| ())
}

/// Writes in a transaction, which it begins or which has begun, and commits it. `beside` notes who hears of a result for the
/// server, which is another process.
async fn record_in(
    connection: &mut SqliteConnection,
    begins: bool,
    results: &[Delivery],
    leaving: &[MessageId],
    beside: bool,
) -> sqlx::Result<Recorded> {
    let rows = standing(connection, begins, results, leaving).await?;
    let (leaves, open): (Vec<StandingRow>, Vec<_>) = rows.into_iter().partition(|(_, _, leaves, ..)| *leaves == 1);
    let (leaving, staying) = leave(leaving, &leaves);
    let mut log = Log::default();
    let of_log = |(_, contact, _, _, accepted, into, handed): &StandingRow| -> Option<LogRow> {
        Some((None, *contact, (*accepted)?, *into, *handed))
    };
    log.open(connection, open.iter().filter_map(of_log).collect()).await?;
    let open: HashSet<MessageId> = open.iter().map(|(number, contact, ..)| message_id((*contact, *number))).collect();

    let (mut waits, mut holds) = (Vec::new(), Vec::new());
    let mut done = BTreeMap::new();
    for delivery in results {
        let id = delivery.id;
        // What is not in the outbox has had its result: a contact hears of it once.
        if !open.contains(&id) {
            continue;
        }
        if let Some(cause) = delivery.waits_for() {
            let due = delivery.retry_at();
            waits.push((id.contact.0, id.number, due.map(|due| due.0), delivery.attempts, cause));
            holds.extend(due.is_none().then_some((id.contact.0, id.number, delivery.at.0)));
        } else if done.insert(id, delivery).is_none()
            && let Some(kind) = delivery.news()
        {
            log.push(id.contact, delivery.at, &kind, None);
        }
    }
    let told = log.changed().collect();
    let mut script = Script::default();
    if !log.is_empty() {
        log.write_to(&mut script, beside)?;
    }
    let off: Vec<MessageId> = results.iter().map(|delivery| delivery.id).filter(|id| !done.contains_key(id)).collect();
    if !off.is_empty() {
        script.say(OFF_WIRE);
        script.bind(message_keys(&off))?;
    }
    if !waits.is_empty() {
        script.say(WAIT);
        script.bind(json(&waits))?;
        script.bind(json(&holds))?;
    }
    let done: Vec<&Delivery> = done.into_values().collect();
    script.insert(
        "INSERT INTO settled (contact, number, at, attempts, failed, result)",
        6,
        &done,
        |script, delivery| {
            script.bind(delivery.id.contact.0)?;
            script.bind(delivery.id.number)?;
            script.bind(delivery.at.0)?;
            script.bind(delivery.attempts)?;
            script.bind(delivery.result.is_failure())?;
            script.bind(codec::bytes(&delivery.result))
        },
    )?;
    // A row of the wire says that its message leaves, unless it says otherwise.
    script.insert("INSERT OR REPLACE INTO wire (contact, number)", 2, &leaving, |script, id| {
        script.bind(id.contact.0)?;
        script.bind(id.number)
    })?;
    script.say("COMMIT");
    script.query().execute(connection).await?;
    Ok(Recorded { told, staying })
}

/// Which messages may leave, and which may not; of those that are in the outbox it is known whether their contacts unsubscribed.
fn leave(leaving: &[MessageId], known: &[StandingRow]) -> (Vec<MessageId>, Vec<(MessageId, Stays)>) {
    let known: HashMap<MessageId, u8> =
        known.iter().map(|(number, contact, _, out, ..)| (message_id((*contact, *number)), *out)).collect();
    let (mut may, mut staying) = (Vec::new(), Vec::new());
    for id in leaving {
        match known.get(id) {
            Some(0) => may.push(*id),
            Some(_) => staying.push((*id, Stays::Unsubscribed)),
            // Somebody beside the server gave it up.
            None => staying.push((*id, Stays::TakenOver)),
        }
    }
    (may, staying)
}

/// Queues messages again that are held or have failed; notes them for the server if it is another process.
pub(super) async fn requeue(
    connection: &mut SqliteConnection,
    ids: &[MessageId],
    now: Instant,
    note: bool,
) -> sqlx::Result<Vec<MessageId>> {
    let held = "SELECT json_group_array(json_array(h.contact, h.number)) FROM jsonb_each(?1) j
         CROSS JOIN held h ON h.contact = j.value ->> 0 AND h.number = j.value ->> 1";
    let held = list::<(i64, u32)>(sqlx::query(held).bind(message_keys(ids)), &mut *connection).await?;
    let held: Vec<MessageId> = held.into_iter().map(message_id).collect();
    let failed = "SELECT json_group_array(hex(d.message)) FROM jsonb_each(?1) j
         CROSS JOIN deliveries d ON d.contact = j.value ->> 0 AND d.number = j.value ->> 1
         WHERE d.failed AND d.message IS NOT NULL";
    let failed = list::<String>(sqlx::query(failed).bind(message_keys(ids)), &mut *connection).await?;
    let mut outbox = Vec::new();
    let mut again = Vec::new();
    for outgoing in failed.iter().filter_map(|body| codec::read::<Outgoing>(&unhex(body)).ok()) {
        // Whoever has unsubscribed since gets nothing: the decision counts as older than all that we know.
        outbox.push(OutboxRow::new(&outgoing, now, 0));
        again.push(outgoing.id);
    }
    let mut script = Script::of("BEGIN IMMEDIATE;");
    script
        .say("DELETE FROM deliveries WHERE (contact, number) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(?));");
    script.bind(message_keys(&again))?;
    OutboxRow::write_to(outbox, &mut script)?;
    again.extend(&held);
    let noted = if note { message_keys(&again) } else { message_keys(&[]) };
    script.say(
        "DELETE FROM held WHERE (contact, number) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(?));
         UPDATE outbox SET due = ?, cause = NULL WHERE (contact, number) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(?));
         INSERT OR IGNORE INTO requeued SELECT value ->> 0, value ->> 1 FROM jsonb_each(?);
         COMMIT",
    );
    script.bind(message_keys(&held))?;
    script.bind(now.0)?;
    script.bind(message_keys(&held))?;
    script.bind(noted)?;
    script.query().execute(connection).await?;
    Ok(again)
}

/// What somebody beside the server left for it.
#[derive(Debug, Default)]
pub(super) struct LeftBeside {
    /// Messages that were queued again.
    pub(super) requeued: Vec<(Instant, MessageId)>,
    /// Contacts that have something to do.
    pub(super) nudged: Vec<ContactId>,
}

/// The number of the database's version as another process left it; where that has changed, what it left for us.
pub(super) async fn changed(
    connection: &mut SqliteConnection,
    known: Option<i64>,
) -> sqlx::Result<(i64, Option<LeftBeside>)> {
    let version: i64 = sqlx::query_scalar("PRAGMA data_version").fetch_one(&mut *connection).await?;
    if known == Some(version) {
        return Ok((version, None));
    }
    begin(connection).await?;
    let requeued = "SELECT json_group_array(json_array(o.contact, o.number, o.due)) FROM requeued r
         CROSS JOIN outbox o ON o.contact = r.contact AND o.number = r.number";
    let requeued = list::<(i64, u32, i64)>(sqlx::query(requeued), &mut *connection).await?;
    let nudged = list::<i64>(sqlx::query("SELECT json_group_array(contact) FROM nudged"), &mut *connection).await?;
    let forget = if requeued.is_empty() && nudged.is_empty() {
        "ROLLBACK"
    } else {
        "DELETE FROM requeued; DELETE FROM nudged; COMMIT"
    };
    sqlx::raw_sql(forget).execute(connection).await?;
    let due = |(contact, number, due)| (Instant(due), message_id((contact, number)));
    let requeued = requeued.into_iter().map(due).collect();
    Ok((version, Some(LeftBeside { requeued, nudged: nudged.into_iter().map(ContactId).collect() })))
}

/// Gives up messages that wait or are held, and forgets those that have failed; says which, and which contacts hear of it.
pub(super) async fn give_up(
    connection: &mut SqliteConnection,
    ids: &[MessageId],
    now: Instant,
    beside: bool,
) -> sqlx::Result<(Vec<MessageId>, HashSet<ContactId>)> {
    begin(connection).await?;
    let waiting = waiting(connection, ids).await?;
    let given_up = |(id, attempts)| Delivery::given_up(id, attempts, now, GIVEN_UP.to_owned());
    let results: Vec<Delivery> = waiting.into_iter().map(given_up).collect();
    // What has failed first: what is given up now has failed as well.
    let mut done = forget(connection, ids).await?;
    let recorded = record_in(connection, false, &results, &[], beside).await?;
    done.extend(results.iter().map(|delivery| delivery.id));
    Ok((done, recorded.told))
}

/// Which of the messages are in the outbox and not on the wire, and how often each was tried.
async fn waiting(connection: &mut SqliteConnection, ids: &[MessageId]) -> sqlx::Result<Vec<(MessageId, u32)>> {
    let waiting = "SELECT json_group_array(json_array(o.contact, o.number, o.attempts)) FROM jsonb_each(?1) j
         CROSS JOIN outbox o ON o.contact = j.value ->> 0 AND o.number = j.value ->> 1
         WHERE NOT EXISTS (SELECT 1 FROM wire w WHERE w.contact = o.contact AND w.number = o.number AND w.leaves)";
    let rows = list::<(i64, u32, u32)>(sqlx::query(waiting).bind(message_keys(ids)), connection).await?;
    Ok(rows.into_iter().map(|(contact, number, attempts)| (message_id((contact, number)), attempts)).collect())
}

/// Forgets messages that have failed; returns those.
async fn forget(connection: &mut SqliteConnection, ids: &[MessageId]) -> sqlx::Result<Vec<MessageId>> {
    let failed = "SELECT json_group_array(json_array(d.contact, d.number)) FROM jsonb_each(?1) j
         CROSS JOIN deliveries d ON d.contact = j.value ->> 0 AND d.number = j.value ->> 1
         WHERE d.failed AND d.message IS NOT NULL";
    let failed = list::<(i64, u32)>(sqlx::query(failed).bind(message_keys(ids)), &mut *connection).await?;
    let failed: Vec<MessageId> = failed.into_iter().map(message_id).collect();
    let forget = "UPDATE deliveries SET message = NULL
         WHERE (contact, number) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(?1))";
    sqlx::query(forget).bind(message_keys(&failed)).execute(connection).await?;
    Ok(failed)
}

/// Notes a provider's word and changes the list; how many rows that were, none for a word that was noted before, and the
/// answer that waits in the outbox now.
pub(super) async fn hear(
    connection: &mut SqliteConnection,
    heard: &Heard,
) -> sqlx::Result<Option<(u64, Option<(Instant, MessageId)>)>> {
    begin(connection).await?;
    let note = "INSERT OR IGNORE INTO heard (id, at) VALUES (?, ?)";
    let noted = sqlx::query(note).bind(heard.id.to_string()).bind(heard.at.0).execute(&mut *connection).await?;
    if noted.rows_affected() == 0 {
        sqlx::raw_sql("ROLLBACK").execute(connection).await?;
        return Ok(None);
    }
    let changed = match &heard.change {
        ListChange::Nothing => 0,
        ListChange::Suppress(listed) => list_of(connection, SUPPRESS, listed).await?,
        ListChange::Lift(listed) => list_of(connection, LIFT, listed).await?,
    };
    let forget = "DELETE FROM heard WHERE at <= ?";
    sqlx::query(forget).bind(heard.at.0.saturating_sub(HEARD_FOR)).execute(&mut *connection).await?;
    let next = "SELECT 1 + max(coalesce((SELECT max(number) FROM outbox WHERE contact = ?1), -1),
         coalesce((SELECT max(number) FROM deliveries WHERE contact = ?1), -1))";
    let number: u32 = sqlx::query_scalar(next).bind(LIST.0).fetch_one(&mut *connection).await?;
    let answer = heard.answered(changed, number);
    if let Some(answer) = &answer {
        let mut script = Script::default();
        OutboxRow::write_to(vec![OutboxRow::new(answer, answer.at, 0)], &mut script)?;
        script.query().execute(&mut *connection).await?;
    }
    sqlx::raw_sql("COMMIT").execute(connection).await?;
    Ok(Some((changed, answer.map(|answer| (answer.at, answer.id)))))
}

/// Puts addresses on the list.
pub(super) const SUPPRESS: &str =
    "INSERT OR IGNORE INTO suppressed (hash, topic, contact) SELECT unhex(value), ?2, ?3 FROM jsonb_each(?1)";

/// Takes them off again.
pub(super) const LIFT: &str =
    "DELETE FROM suppressed WHERE (hash, topic, contact) IN (SELECT unhex(value), ?2, ?3 FROM jsonb_each(?1))";

/// Changes which addresses stand on the list; how many rows that were.
pub(super) async fn list_of(
    connection: &mut SqliteConnection,
    change: &'static str,
    listed: &Listed,
) -> sqlx::Result<u64> {
    let hashes = json(&listed.hashes().iter().map(|hash| hex(hash)).collect::<Vec<_>>());
    let query = sqlx::query(change).bind(hashes).bind(listed.keeps.stored().to_owned()).bind(LIST.0);
    Ok(query.execute(connection).await?.rows_affected())
}

/// Keeps programs; of one that is kept already, the messages become the given ones.
pub(super) async fn keep_programs(connection: &mut SqliteConnection, programs: &[KeptProgram]) -> sqlx::Result<()> {
    for kept in programs {
        let keep = "INSERT INTO programs (version, body) VALUES (?1, ?2)
             ON CONFLICT (version) DO UPDATE SET body = excluded.body";
        let version = kept.program.version().0.to_vec();
        sqlx::query(keep).bind(version).bind(codec::bytes(kept)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Offers codes of a voucher; how many are new.
pub(super) async fn offer(connection: &mut SqliteConnection, voucher: &str, codes: &[SmolStr]) -> sqlx::Result<u64> {
    let offer = "INSERT OR IGNORE INTO codes (voucher, code) SELECT ?, value FROM jsonb_each(?)";
    let offered = sqlx::query(offer).bind(voucher.to_owned()).bind(json(codes)).execute(connection).await?;
    Ok(offered.rows_affected())
}

/// Takes a code: the one that this question has, else the one that was made, else the next one offered.
pub(super) async fn take(connection: &mut SqliteConnection, take: &TakeCode) -> sqlx::Result<Option<SmolStr>> {
    let (contact, number) = (take.id.contact.0, i64::from(take.id.number));
    let had = "SELECT code FROM codes WHERE contact = ? AND number = ?";
    let had: Option<String> =
        sqlx::query_scalar(had).bind(contact).bind(number).fetch_optional(&mut *connection).await?;
    if let Some(had) = had {
        return Ok(Some(had.into()));
    }
    let (at, expires) = (take.at.0, take.expires.map(|expires| expires.0));
    let taken: Option<String> = match &take.made {
        Some(made) => {
            let insert = "INSERT OR IGNORE INTO codes (voucher, code, contact, number, at, expires)
                 VALUES (?, ?, ?, ?, ?, ?) RETURNING code";
            let insert = sqlx::query_scalar(insert).bind(take.voucher.to_string()).bind(made.to_string());
            insert.bind(contact).bind(number).bind(at).bind(expires).fetch_optional(connection).await?
        }
        None => {
            let next = "UPDATE codes SET contact = ?, number = ?, at = ?, expires = ? WHERE place =
                     (SELECT place FROM codes WHERE voucher = ? AND contact IS NULL ORDER BY place LIMIT 1)
                 RETURNING code";
            let next = sqlx::query_scalar(next).bind(contact).bind(number).bind(at).bind(expires);
            next.bind(take.voucher.to_string()).fetch_optional(connection).await?
        }
    };
    Ok(taken.map(SmolStr::from))
}
