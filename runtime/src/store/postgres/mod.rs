//! A store in PostgreSQL, for any number of workers.
//!
//! PostgreSQL alone decides who owns what. A claim locks its contacts in the transaction that commits their steps, and
//! passes over what others have locked; a worker that dies or freezes loses its transaction. Messages are claimed under a
//! worker's number, which counts as long as the worker's session lives. Accepting inputs waits for no step: a contact's
//! log and its state are two rows. Batches travel as arrays, one statement a table. A database that goes away is only a
//! delay: what was not committed is done again.

mod append;
mod join;
mod look;
mod revise;
mod schema;
mod spam;
mod worker;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::str::FromStr;
use std::sync::{Arc, Mutex as SyncMutex, MutexGuard as SyncGuard, OnceLock, PoisonError};
use std::time::Duration;

use journey_bytecode::{Channel, Instant, Version};
use smol_str::SmolStr;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgListener, PgPool, PgPoolOptions, PgRow};
use sqlx::query::Query as SqlxQuery;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Postgres, Row, Transaction};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::merged::followed;
use super::{
    Acceptance, Advanced, Claimed, Counts, Delivery, DeploymentId, Heard, Kept, KeptMessage, KeptProgram, Listed,
    MAX_INPUTS_PER_ADVANCE, NewInput, Pending, Queued, Revision, Stays, Store, StoreError, TakeCode, TakenOver, codec,
    decode, hash_of_address, read_secret,
};
use crate::core::contact::{Contact, ContactId};
use crate::core::effect::{MessageId, TraceEntry};
use crate::core::input::{Input, InputKind};
use crate::spam::{SpamCount, SpamSender, Traffic};
use crate::trial::{TrialCount, TrialKey, Trials};
use worker::Worker;

/// How long a transaction may be silent before PostgreSQL ends it, in milliseconds: then others get what it claimed.
const SILENCE: &str = "5000";

/// How many connections there are beside those that listen and show that the worker lives.
const CONNECTIONS: u32 = 10;

/// How long to wait for a connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// The first number of our advisory locks: "Jr", and which.
const FIRST_KEY: i32 = 0x4a72_0000;

/// The channel on which workers tell each other that there is something to do.
const CHANNEL: &str = "journey";

/// How long after a start of PostgreSQL nobody counts as gone, in seconds: all sessions have ended, and workers that live
/// are coming back.
const RETURN: f64 = if cfg!(test) { 0.0 } else { 10.0 };

/// Errors that pass: connections that broke, a database that stops, starts or is full, transactions that got into each
/// other's way, sessions that were silent for too long.
const PASSING: [&str; 6] = ["08", "25P03", "40", "53", "55P03", "57P"];

/// A store in PostgreSQL.
#[derive(Debug)]
pub struct PostgresStore {
    pool: PgPool,
    /// Whoever only operates the store is none.
    worker: Option<Worker>,
    listener: Mutex<Option<PgListener>>,
    /// Contacts that could not be read or advanced.
    aside: SyncMutex<BTreeSet<i64>>,
    /// Where the last claim ended, and whether the next one begins with timers.
    round: SyncMutex<(i64, bool)>,
    /// Messages that were claimed and have neither a result nor another worker: if others took one over and gave it back
    /// while this process was frozen, whoever holds it here sees to it, and nobody else.
    in_hand: SyncMutex<HashSet<MessageId>>,
    failed: OnceLock<Arc<str>>,
}

/// The right to commit claimed contacts: the transaction that holds them.
#[derive(Debug)]
pub struct Lease {
    transaction: Option<Transaction<'static, Postgres>>,
    claimed: Vec<i64>,
    /// Those of them that have no state yet.
    new: HashSet<i64>,
}

fn open_error(database: &str, error: &sqlx::Error) -> StoreError {
    StoreError::Open { database: database.to_owned(), cause: error.to_string() }
}

/// How the connections to an address are made.
fn options(url: &str) -> Result<PgConnectOptions, StoreError> {
    // The address may hold a password, and what is wrong with it may quote it.
    let wrong = |_| StoreError::Open { database: "of this address".into(), cause: "it is not a valid one".into() };
    let options =
        PgConnectOptions::from_str(url).map_err(wrong)?.application_name("journey").disable_statement_logging();
    Ok(options.options([
        ("search_path", schema::SCHEMA),
        ("idle_in_transaction_session_timeout", SILENCE),
        // Batches are small beside their tables, and queues grow and shrink faster than plans are thrown away.
        ("plan_cache_mode", "force_custom_plan"),
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        // An index gives its rows in order, and a claim takes the first few of very many.
        ("enable_bitmapscan", "off"),
        ("enable_hashagg", "off"),
        // Compiling a statement takes longer than a batch.
        ("jit", "off"),
    ]))
}

/// The pool of connections, once the database answers: one that starts at the same time has a while.
async fn pool(url: &str) -> Result<PgPool, StoreError> {
    let options = options(url)?;
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE);
    let pool = pool.connect_lazy_with(options.clone());
    let cause = match pool.acquire().await {
        Ok(_) => return Ok(pool),
        // What keeps it from answering, only a connection by itself tells.
        Err(sqlx::Error::PoolTimedOut) => match timeout(PATIENCE, PgConnection::connect_with(&options)).await {
            Ok(Ok(_)) => return Ok(pool),
            Ok(Err(sqlx::Error::Io(error))) => format!("nothing answers there ({error}); does PostgreSQL run?"),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "nothing answers there; does PostgreSQL run, and can it be reached from here?".to_owned(),
        },
        Err(error) => error.to_string(),
    };
    Err(StoreError::Open { database: shown(url), cause })
}

/// An address as it may be shown: without user and password.
pub(super) fn shown(url: &str) -> String {
    options(url).map_or_else(
        |_| "postgres:".to_owned(),
        |options| {
            let database = options.get_database().unwrap_or_default();
            format!("postgres://{}:{}/{database}", options.get_host(), options.get_port())
        },
    )
}

impl PostgresStore {
    /// Opens the database at an address like `postgres://user:password@host/database`: makes the tables if they are not
    /// there, and brings older ones up to date.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let (pool, database) = (pool(url).await?, shown(url));
        schema::migrate(&pool, &database).await?;
        let worker = Worker::register(options(url)?).await.map_err(|error| open_error(&database, &error))?;
        Ok(Self::over(pool, Some(worker)))
    }

    /// Opens a database that is there, whoever works on it meanwhile.
    pub async fn beside(url: &str) -> Result<Self, StoreError> {
        let (pool, database) = (pool(url).await?, shown(url));
        schema::check(&pool, &database).await?;
        Ok(Self::over(pool, None))
    }

    fn over(pool: PgPool, worker: Option<Worker>) -> Self {
        Self {
            pool,
            worker,
            listener: Mutex::new(None),
            aside: SyncMutex::default(),
            round: SyncMutex::new((i64::MIN, false)),
            in_hand: SyncMutex::default(),
            failed: OnceLock::new(),
        }
    }

    /// The number of this worker; whoever only operates the store has none.
    fn me(&self) -> Option<i32> {
        self.worker.as_ref().map(|worker| worker.number)
    }

    fn in_hand(&self) -> SyncGuard<'_, HashSet<MessageId>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn aside(&self) -> SyncGuard<'_, BTreeSet<i64>> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error for a failed operation. One that does not pass is the last: from here on every operation fails.
    fn fail(&self, error: sqlx::Error) -> StoreError {
        if passes(&error) {
            return StoreError::Unavailable(error.to_string().into());
        }
        StoreError::Failed(Arc::clone(self.failed.get_or_init(|| error.to_string().into())))
    }

    async fn begin(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        match self.failed.get() {
            Some(cause) => Err(StoreError::Failed(Arc::clone(cause))),
            None => self.pool.begin().await.map_err(|error| self.fail(error)),
        }
    }

    async fn commit_all(&self, transaction: Transaction<'static, Postgres>) -> Result<(), StoreError> {
        transaction.commit().await.map_err(|error| self.fail(error))
    }

    /// Changes which addresses stand on a list; how many rows that were.
    async fn list_of(&self, change: &'static str, listed: &Listed) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let changed = write::list_of(&mut transaction, change, listed).await.map_err(|error| self.fail(error))?;
        self.commit_all(transaction).await?;
        Ok(changed)
    }

    async fn fetch(&self, query: Query<'_>) -> Result<Vec<PgRow>, StoreError> {
        if let Some(cause) = self.failed.get() {
            return Err(StoreError::Failed(Arc::clone(cause)));
        }
        query.fetch_all(&self.pool).await.map_err(|error| self.fail(error))
    }

    /// Tells the other workers, when the transaction commits, that there is something to do.
    async fn tell(&self, transaction: &mut Transaction<'static, Postgres>) -> sqlx::Result<()> {
        let me = self.me().unwrap_or_default().to_string();
        execute(transaction, sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(me)).await
    }

    async fn contacts(&self, query: Query<'_>) -> Result<Vec<Contact>, StoreError> {
        let read = |error| self.fail(error);
        let contact = |row: &PgRow| {
            let id = ContactId(row.try_get(0).map_err(read)?);
            match row.try_get::<Option<&[u8]>, _>(1).map_err(read)? {
                Some(body) => decode(body, || format!("contact {}", id.0)),
                None => {
                    let key: String = row.try_get(2).map_err(read)?;
                    Ok(Contact::new(id, key, Instant(row.try_get(3).map_err(read)?)))
                }
            }
        };
        self.fetch(query).await?.iter().map(contact).collect()
    }
}

fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| PASSING.iter().any(|passing| code.starts_with(passing)))
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Protocol(_) => true,
        _ => false,
    }
}

type Query<'q> = SqlxQuery<'q, Postgres, PgArguments>;

async fn execute(connection: &mut PgConnection, query: Query<'_>) -> sqlx::Result<()> {
    query.execute(connection).await.map(|_| ())
}

/// A message's number as PostgreSQL counts. Nobody gets two billion messages.
fn number(id: MessageId) -> i32 {
    i32::try_from(id.number).unwrap_or(i32::MAX)
}

fn message_id(contact: i64, number: i32) -> MessageId {
    MessageId { contact: ContactId(contact), number: number.unsigned_abs() }
}

fn message_columns(ids: &[MessageId]) -> (Vec<i64>, Vec<i32>) {
    ids.iter().map(|id| (id.contact.0, number(*id))).unzip()
}

/// A contact's timer and its state; none before its first step.
type Standing = Option<(i64, Vec<u8>)>;

/// Locks contacts for a claim.
struct Claim<'a> {
    transaction: &'a mut Transaction<'static, Postgres>,
    standing: BTreeMap<i64, Standing>,
    aside: Vec<i64>,
    most: usize,
}

impl Claim<'_> {
    /// The contacts of rows with a contact, its timer and its state.
    async fn lock(&mut self, query: Query<'_>) -> sqlx::Result<Vec<(i64, Standing)>> {
        let rows = query.fetch_all(&mut **self.transaction).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, Some((row.try_get(1)?, row.try_get(2)?))))).collect()
    }

    fn room(&self) -> i64 {
        i64::try_from(self.most.saturating_sub(self.standing.len())).unwrap_or(i64::MAX)
    }

    /// Contacts with inputs, after one contact and up to another.
    async fn with_inputs(&mut self, after: i64, to: i64) -> sqlx::Result<Option<i64>> {
        if self.room() == 0 {
            return Ok(None);
        }
        let (room, aside) = (self.room(), self.aside.clone());
        // What has no state has no row to hold but its first input, which goes with the first step.
        let new = "SELECT i.contact FROM inputs i
             WHERE i.seq = 1 AND i.contact > $1 AND i.contact <= $2 AND i.contact <> ALL($4)
                 AND NOT EXISTS (SELECT FROM states s WHERE s.contact = i.contact)
             ORDER BY i.contact LIMIT $3 FOR NO KEY UPDATE OF i SKIP LOCKED";
        let new = sqlx::query_scalar::<_, i64>(new).bind(after).bind(to).bind(room).bind(&aside);
        let mut found: Vec<(i64, Standing)> =
            new.fetch_all(&mut **self.transaction).await?.into_iter().map(|contact| (contact, None)).collect();
        let full = usize::try_from(room).is_ok_and(|room| found.len() >= room);
        let to = found.last().filter(|_| full).map_or(to, |(last, _)| *last);
        let pending = "SELECT s.contact, s.due, s.body
             FROM (SELECT DISTINCT contact FROM inputs WHERE contact > $1 AND contact <= $2) i
             JOIN states s ON s.contact = i.contact WHERE s.contact <> ALL($4)
             ORDER BY i.contact LIMIT $3 FOR NO KEY UPDATE OF s SKIP LOCKED";
        found.extend(self.lock(sqlx::query(pending).bind(after).bind(to).bind(room).bind(aside)).await?);
        found.sort_unstable_by_key(|(contact, _)| *contact);
        found.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        let last = found.last().map(|(contact, _)| *contact);
        self.standing.extend(found);
        Ok(last)
    }

    /// Contacts whose timers are due.
    async fn with_timers(&mut self, now: Instant) -> sqlx::Result<()> {
        if self.room() > 0 {
            let due = "SELECT contact, due, body FROM states
                     WHERE due <= $1 AND due < 9223372036854775807 AND contact <> ALL($3)
                 ORDER BY due, contact LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED";
            let (room, aside) = (self.room(), self.aside.clone());
            let found = self.lock(sqlx::query(due).bind(now.0).bind(room).bind(aside)).await?;
            self.standing.extend(found);
        }
        Ok(())
    }

    /// The inputs of the contacts, by contact; inputs that cannot be read are errors.
    async fn inputs(&mut self) -> sqlx::Result<HashMap<i64, Result<Vec<Input>, String>>> {
        let ids: Vec<i64> = self.standing.keys().copied().collect();
        let inputs = "SELECT i.contact, i.seq, i.at, i.body FROM unnest($1::bigint[]) AS u (contact)
             CROSS JOIN LATERAL (SELECT * FROM inputs WHERE contact = u.contact ORDER BY seq LIMIT $2) i
             ORDER BY i.contact, i.seq";
        let rows =
            sqlx::query(inputs).bind(ids).bind(MAX_INPUTS_PER_ADVANCE).fetch_all(&mut **self.transaction).await?;
        let mut inputs: HashMap<i64, Result<Vec<Input>, String>> = HashMap::new();
        for row in &rows {
            let (seq, at) = (row.try_get(1)?, Instant(row.try_get(2)?));
            let known = inputs.entry(row.try_get(0)?).or_insert_with(|| Ok(Vec::new()));
            match codec::read::<InputKind>(row.try_get(3)?) {
                Ok(kind) => known.iter_mut().for_each(|known| known.push(Input { seq, at, kind: kind.clone() })),
                Err(cause) => *known = Err(format!("input {seq}: {cause}")),
            }
        }
        Ok(inputs)
    }

    /// The contacts that have no state yet.
    async fn new_contacts(&mut self) -> sqlx::Result<HashMap<i64, Contact>> {
        let new = self.standing.iter().filter(|(_, standing)| standing.is_none());
        let new: Vec<i64> = new.map(|(contact, _)| *contact).collect();
        if new.is_empty() {
            return Ok(HashMap::new());
        }
        let contacts = "SELECT contact, key, created_at FROM contacts WHERE contact = ANY($1)";
        let rows = sqlx::query(contacts).bind(new).fetch_all(&mut **self.transaction).await?;
        let contact = |row: &PgRow| {
            let (id, key): (i64, String) = (row.try_get(0)?, row.try_get(1)?);
            Ok((id, Contact::new(ContactId(id), key, Instant(row.try_get(2)?))))
        };
        rows.iter().map(contact).collect()
    }
}

impl PostgresStore {
    async fn claim_all(
        &self,
        mut transaction: Transaction<'static, Postgres>,
        now: Instant,
        most: usize,
    ) -> sqlx::Result<Claimed<Lease>> {
        // Claims go round like a lift: neighbours are written together, and nobody waits longer than one round.
        let (cursor, timers_first) = {
            let mut round = self.round.lock().unwrap_or_else(PoisonError::into_inner);
            round.1 = !round.1;
            *round
        };
        let aside = self.aside().iter().copied().collect();
        let mut claim = Claim { transaction: &mut transaction, standing: BTreeMap::new(), aside, most };
        if timers_first {
            claim.with_timers(now).await?;
        }
        let mut last = claim.with_inputs(cursor, i64::MAX).await?;
        if claim.room() > 0 && cursor > i64::MIN {
            last = claim.with_inputs(i64::MIN, cursor).await?.or(last);
        }
        if !timers_first {
            claim.with_timers(now).await?;
        }
        let lease = Lease { transaction: None, claimed: vec![], new: HashSet::new() };
        let mut claimed = Claimed { lease, contacts: vec![], damaged: vec![] };
        if claim.standing.is_empty() {
            return Ok(claimed);
        }
        let mut inputs = claim.inputs().await?;
        let mut new = claim.new_contacts().await?;
        claimed.lease.new = new.keys().copied().collect();
        for (id, standing) in std::mem::take(&mut claim.standing) {
            let inputs = inputs.remove(&id);
            // What another worker has done since we looked for it needs nothing.
            if inputs.is_none() && standing.as_ref().is_none_or(|(due, _)| *due > now.0) {
                continue;
            }
            let contact = match standing {
                Some((_, body)) => codec::read(&body),
                None => new.remove(&id).ok_or_else(|| "it has no row among the contacts".to_owned()),
            };
            match contact.and_then(|contact| Ok((contact, inputs.unwrap_or(Ok(Vec::new()))?))) {
                Ok((contact, inputs)) => claimed.contacts.push(Pending { contact, inputs }),
                Err(cause) => claimed.damaged.push((ContactId(id), cause)),
            }
        }
        self.round.lock().unwrap_or_else(PoisonError::into_inner).0 = last.unwrap_or(i64::MIN);
        self.aside().extend(claimed.damaged.iter().map(|(id, _)| id.0));
        claimed.lease.claimed = claimed.contacts.iter().map(|pending| pending.contact.id.0).collect();
        claimed.lease.transaction = Some(transaction);
        Ok(claimed)
    }
}

impl Store for PostgresStore {
    type Lease = Lease;

    async fn accept(&self, inputs: &[NewInput], now: Instant) -> Result<Vec<Acceptance>, StoreError> {
        let mut transaction = self.begin().await?;
        let answers = append::accept(&mut transaction, inputs, now).await.map_err(|error| self.fail(error))?;
        if answers.iter().any(|answer| matches!(answer, Acceptance::Accepted { .. })) {
            self.tell(&mut transaction).await.map_err(|error| self.fail(error))?;
        }
        self.commit_all(transaction).await?;
        Ok(answers)
    }

    async fn claim(&self, now: Instant, most: usize) -> Result<Claimed<Lease>, StoreError> {
        let transaction = self.begin().await?;
        self.claim_all(transaction, now, most).await.map_err(|error| self.fail(error))
    }

    async fn commit(&self, lease: Lease, advanced: Vec<Advanced>, revision: i64) -> Result<(), StoreError> {
        let Some(mut transaction) = lease.transaction else { return Ok(()) };
        if revise::newest(&mut transaction).await.map_err(|error| self.fail(error))? > revision {
            return Err(StoreError::Revised);
        }
        let done: BTreeSet<i64> = advanced.iter().map(|advanced| advanced.contact.id.0).collect();
        if !advanced.is_empty() {
            let queued = write::Batch::of(&advanced, &lease.new)
                .write(&mut transaction)
                .await
                .map_err(|error| self.fail(error))?;
            if queued {
                self.tell(&mut transaction).await.map_err(|error| self.fail(error))?;
            }
        }
        self.commit_all(transaction).await?;
        self.aside().extend(lease.claimed.into_iter().filter(|id| !done.contains(id)));
        Ok(())
    }

    async fn next_due(&self) -> Result<Option<Instant>, StoreError> {
        let aside: Vec<i64> = self.aside().iter().copied().collect();
        let next = "SELECT CASE
                 WHEN EXISTS (SELECT 1 FROM inputs WHERE contact <> ALL($1)) THEN '-9223372036854775808'::bigint
                 ELSE (SELECT due FROM states WHERE due < 9223372036854775807 AND contact <> ALL($1) ORDER BY due LIMIT 1)
             END";
        let rows = self.fetch(sqlx::query(next).bind(aside)).await?;
        let due = rows.first().map_or(Ok(None), |row| row.try_get::<Option<i64>, _>(0));
        Ok(due.map_err(|error| self.fail(error))?.map(Instant))
    }

    async fn claim_messages(&self, now: Instant, most: usize) -> Result<Vec<Queued>, StoreError> {
        let claim = "WITH next AS (
                 SELECT contact, number FROM outbox WHERE worker IS NULL AND held_since IS NULL AND due <= $1
                 ORDER BY due, contact, number LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED)
             UPDATE outbox o SET worker = $3 FROM next n WHERE o.contact = n.contact AND o.number = n.number
             RETURNING o.due, o.attempts, o.body, o.contact, o.number";
        let me = self.me().unwrap_or_default();
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut transaction = self.begin().await?;
        let read = |error| self.fail(error);
        let rows =
            sqlx::query(claim).bind(now.0).bind(most).bind(me).fetch_all(&mut *transaction).await.map_err(read)?;
        let mut claimed = Vec::with_capacity(rows.len());
        for row in &rows {
            let id = message_id(row.try_get(3).map_err(read)?, row.try_get(4).map_err(read)?);
            if self.in_hand().insert(id) {
                let (due, attempts): (i64, i32) = (row.try_get(0).map_err(read)?, row.try_get(1).map_err(read)?);
                let queued = Queued::read(attempts.unsigned_abs(), row.try_get(2).map_err(read)?);
                claimed.extend(queued.map(|queued| (due, queued)));
            }
        }
        claimed.sort_by_key(|(due, queued)| (*due, queued.outgoing.id));
        // If nobody hears how the commit went, the messages may be ours: whoever puts them on the wire asks once more, and
        // they would lie here for ever if we did not try.
        if let Err(error) = self.commit_all(transaction).await
            && error.is_fatal()
        {
            return Err(error);
        }
        Ok(claimed.into_iter().map(|(_, queued)| queued).collect())
    }

    async fn record(&self, results: &[Delivery], leaving: &[MessageId]) -> Result<Vec<(MessageId, Stays)>, StoreError> {
        let mut transaction = self.begin().await?;
        let recorded = write::record(&mut transaction, self.me(), results, leaving).await;
        let recorded = recorded.map_err(|error| self.fail(error))?;
        if recorded.told || recorded.queued {
            self.tell(&mut transaction).await.map_err(|error| self.fail(error))?;
        }
        self.commit_all(transaction).await?;
        let mut in_hand = self.in_hand();
        let taken_over = recorded.staying.iter().filter(|(_, why)| *why == Stays::TakenOver).map(|(id, _)| *id);
        for id in results.iter().map(|delivery| delivery.id).chain(taken_over) {
            in_hand.remove(&id);
        }
        drop(in_hand);
        Ok(recorded.staying)
    }

    async fn next_message_due(&self) -> Result<Option<Instant>, StoreError> {
        let next = "SELECT due FROM outbox WHERE worker IS NULL AND held_since IS NULL ORDER BY due LIMIT 1";
        let rows = self.fetch(sqlx::query(next)).await?;
        let due = rows.first().map(|row| row.try_get(0).map(Instant)).transpose();
        due.map_err(|error| self.fail(error))
    }

    async fn take_over(&self, now: Instant) -> Result<TakenOver, StoreError> {
        // What is claimed here and in nobody's hand was given back just when its holder let go of it.
        let (contacts, numbers) = message_columns(&self.in_hand().iter().copied().collect::<Vec<_>>());
        let own = "UPDATE outbox o SET worker = NULL WHERE o.worker = $1 AND NOT o.on_wire AND NOT EXISTS (
                 SELECT 1 FROM unnest($2::bigint[], $3::integer[]) AS u (contact, number)
                 WHERE u.contact = o.contact AND u.number = o.number)";
        self.fetch(sqlx::query(own).bind(self.me()).bind(contacts).bind(numbers)).await?;
        let others = "SELECT DISTINCT worker FROM outbox WHERE worker IS NOT NULL AND worker IS DISTINCT FROM $1
             AND clock_timestamp() - pg_postmaster_start_time() > make_interval(secs => $2)";
        let rows = self.fetch(sqlx::query(others).bind(self.me()).bind(RETURN)).await?;
        let mut all = TakenOver::default();
        for row in &rows {
            let other = row.try_get(0).map_err(|error| self.fail(error))?;
            let mut transaction = self.begin().await?;
            if worker::is_gone(&mut transaction, other).await.map_err(|error| self.fail(error))? {
                let taken = write::take_over(&mut transaction, other, now).await.map_err(|error| self.fail(error))?;
                self.commit_all(transaction).await?;
                all.again.extend(taken.again);
                all.held.extend(taken.held);
            }
        }
        Ok(all)
    }

    async fn outbox(&self, which: Kept, most: usize) -> Result<Vec<KeptMessage>, StoreError> {
        self.messages(which, most).await
    }

    async fn requeue(&self, ids: &[MessageId], now: Instant) -> Result<Vec<MessageId>, StoreError> {
        let mut transaction = self.begin().await?;
        let again = write::requeue(&mut transaction, ids, now).await.map_err(|error| self.fail(error))?;
        self.tell(&mut transaction).await.map_err(|error| self.fail(error))?;
        self.commit_all(transaction).await?;
        Ok(again)
    }

    async fn give_up(&self, ids: &[MessageId], now: Instant) -> Result<Vec<MessageId>, StoreError> {
        let mut transaction = self.begin().await?;
        let (done, told) = write::give_up(&mut transaction, ids, now).await.map_err(|error| self.fail(error))?;
        if told {
            self.tell(&mut transaction).await.map_err(|error| self.fail(error))?;
        }
        self.commit_all(transaction).await?;
        Ok(done)
    }

    async fn changed(&self) {
        let mut listener = self.listener.lock().await;
        let mine = |payload: &str| self.me().is_some_and(|number| number.to_string() == payload);
        loop {
            let Some(listening) = listener.as_mut() else {
                // What happened before we began to listen counts as a change.
                let begun = async {
                    let mut new = PgListener::connect_with(&self.pool).await?;
                    new.ignore_pool_close_event(true);
                    new.listen(CHANNEL).await?;
                    Ok::<_, sqlx::Error>(new)
                };
                match begun.await {
                    Ok(new) => *listener = Some(new),
                    Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
                }
                return;
            };
            match listening.recv().await {
                Ok(told) if mine(told.payload()) => {}
                Ok(_) => return,
                Err(_) => *listener = None,
            }
        }
    }

    async fn keep_programs(&self, programs: &[KeptProgram]) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        write::keep_programs(&mut transaction, programs).await.map_err(|error| self.fail(error))?;
        self.commit_all(transaction).await
    }

    async fn revise(&self, revision: &Revision, bundle: Option<&[u8]>) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let ours = revise::revise(&mut transaction, revision, bundle).await.map_err(|error| self.fail(error))?;
        self.tell(&mut transaction).await.map_err(|error| self.fail(error))?;
        self.commit_all(transaction).await?;
        Ok(ours)
    }

    async fn revisions(&self, most: usize) -> Result<Vec<Revision>, StoreError> {
        let newest = sqlx::query("SELECT body, told FROM revisions ORDER BY number DESC LIMIT $1");
        let rows = self.fetch(newest.bind(i64::try_from(most).unwrap_or(i64::MAX))).await?;
        let read = |error| self.fail(error);
        let revision = |row: &PgRow| Revision::read(row.try_get(0).map_err(read)?, row.try_get(1).map_err(read)?);
        rows.iter().map(revision).collect()
    }

    async fn deployment(&self, id: DeploymentId) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self.fetch(sqlx::query("SELECT body FROM deployments WHERE id = $1").bind(id.0.to_vec())).await?;
        rows.first().map(|row| row.try_get(0).map_err(|error| self.fail(error))).transpose()
    }

    async fn told(&self, revision: i64) -> Result<(), StoreError> {
        let told = sqlx::query("UPDATE revisions SET told = true WHERE number = $1");
        self.fetch(told.bind(revision)).await.map(|_| ())
    }

    async fn programs(&self) -> Result<Vec<KeptProgram>, StoreError> {
        let rows = self.fetch(sqlx::query("SELECT body FROM programs ORDER BY place")).await?;
        let program = |row: &PgRow| decode(row.try_get(0).map_err(|error| self.fail(error))?, || "a program".into());
        rows.iter().map(program).collect()
    }

    async fn secret(&self) -> Result<[u8; 32], StoreError> {
        let rows = self.fetch(sqlx::query("SELECT value FROM meta WHERE name = 'secret'")).await?;
        read_secret(rows.first().and_then(|row| row.try_get(0).ok()))
    }

    async fn contact(&self, key: &str) -> Result<Option<Contact>, StoreError> {
        let contact =
            "SELECT c.contact, s.body, c.key, c.created_at FROM keys k JOIN contacts c ON c.contact = k.contact
             LEFT JOIN states s ON s.contact = k.contact WHERE k.key = $1";
        followed(self, self.contacts(sqlx::query(contact).bind(key)).await?.pop()).await
    }

    async fn contacts_after(&self, after: ContactId, most: usize) -> Result<Vec<Contact>, StoreError> {
        let page =
            "SELECT c.contact, s.body, c.key, c.created_at FROM contacts c LEFT JOIN states s ON s.contact = c.contact
             WHERE c.contact > $1 ORDER BY c.contact LIMIT $2";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.contacts(sqlx::query(page).bind(after.0).bind(most)).await
    }

    async fn trace(&self, contact: ContactId) -> Result<Vec<TraceEntry>, StoreError> {
        let rows = sqlx::query("SELECT body FROM trace WHERE contact = $1 ORDER BY place").bind(contact.0);
        let mut trace = Vec::new();
        for row in self.fetch(rows).await? {
            let body = row.try_get(0).map_err(|error| self.fail(error))?;
            trace.extend(decode::<Vec<TraceEntry>>(body, || format!("the trace of contact {}", contact.0))?);
        }
        Ok(trace)
    }

    async fn inputs(&self, contact: ContactId) -> Result<Vec<Input>, StoreError> {
        self.told_and_pending(contact).await
    }

    async fn deliveries(&self, contact: ContactId) -> Result<Vec<Delivery>, StoreError> {
        self.results(contact).await
    }

    async fn offer_codes(&self, voucher: &str, codes: &[SmolStr]) -> Result<u64, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(|error| self.fail(error))?;
        write::offer(&mut connection, voucher, codes).await.map_err(|error| self.fail(error))
    }

    async fn take_code(&self, take: &TakeCode) -> Result<Option<SmolStr>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(|error| self.fail(error))?;
        write::take(&mut connection, take).await.map_err(|error| self.fail(error))
    }

    async fn contacts_at(&self, channel: Channel, address: &str, most: usize) -> Result<Vec<Contact>, StoreError> {
        let Some(hash) = hash_of_address(channel, address) else { return Ok(Vec::new()) };
        let there =
            "SELECT c.contact, s.body, c.key, c.created_at FROM addressed a JOIN contacts c ON c.contact = a.contact
             LEFT JOIN states s ON s.contact = a.contact WHERE a.hash = $1 ORDER BY a.contact LIMIT $2";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.contacts(sqlx::query(there).bind(hash.to_vec()).bind(most)).await
    }

    async fn was_heard(&self, id: &str) -> Result<bool, StoreError> {
        Ok(!self.fetch(sqlx::query("SELECT 1 FROM heard WHERE id = $1").bind(id)).await?.is_empty())
    }

    async fn hear(&self, heard: &Heard) -> Result<Option<u64>, StoreError> {
        let mut transaction = self.begin().await?;
        let changed = write::hear(&mut transaction, heard).await.map_err(|error| self.fail(error))?;
        if heard.answer.is_some() {
            self.tell(&mut transaction).await.map_err(|error| self.fail(error))?;
        }
        self.commit_all(transaction).await?;
        Ok(changed)
    }

    async fn suppress(&self, listed: &Listed) -> Result<u64, StoreError> {
        self.list_of(write::SUPPRESS, listed).await
    }

    async fn lift(&self, listed: &Listed) -> Result<u64, StoreError> {
        self.list_of(write::LIFT, listed).await
    }

    async fn trials(&self) -> Result<Trials, StoreError> {
        let rows = self.fetch(sqlx::query("SELECT version, split, side, hour, took, reached FROM trials")).await?;
        let row = |row: &PgRow| {
            let version = row.try_get::<&[u8], _>(0)?.first_chunk::<16>().copied().unwrap_or_default();
            let (split, side): (String, String) = (row.try_get(1)?, row.try_get(2)?);
            let key =
                TrialKey { version: Version(version), split: split.into(), side: side.into(), hour: row.try_get(3)? };
            let count = |column: usize| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
            Ok((key, TrialCount { took: count(4)?, reached: count(5)? }))
        };
        let read: sqlx::Result<_> = rows.iter().map(row).collect();
        read.map(Trials).map_err(|error| self.fail(error))
    }

    async fn count_traffic(&self, counted: &Traffic, since: i64) -> Result<(), StoreError> {
        self.add_traffic(counted, since).await
    }

    async fn senders(&self, since: i64) -> Result<Vec<SpamSender>, StoreError> {
        self.read_senders(since).await
    }

    async fn hold_sender(&self, domain: &str, now: Instant, counted: SpamCount) -> Result<(), StoreError> {
        self.hold_domain(domain, now, counted).await
    }

    async fn lift_sender(&self, domain: &str) -> Result<bool, StoreError> {
        self.lift_domain(domain).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        let counts =
            "SELECT (SELECT count(*) FROM contacts), (SELECT count(*) FROM inputs), (SELECT count(*) FROM outbox),
             (SELECT count(*) FROM deliveries WHERE NOT failed), (SELECT count(*) FROM deliveries WHERE failed),
             (SELECT count(*) FROM outbox WHERE held_since IS NOT NULL)";
        let rows = self.fetch(sqlx::query(counts)).await?;
        let number = |column: usize| {
            let number = rows.first().map_or(Ok(0), |row| row.try_get::<i64, _>(column));
            number.map(i64::unsigned_abs).map_err(|error| self.fail(error))
        };
        Ok(Counts {
            contacts: number(0)?,
            pending: number(1)?,
            queued: number(2)?,
            delivered: number(3)?,
            failed: number(4)?,
            held: number(5)?,
        })
    }

    async fn close(self) {
        drop(self.listener);
        self.pool.close().await;
    }
}

#[cfg(test)]
pub(super) mod tests;
