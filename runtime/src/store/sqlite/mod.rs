//! A store in one SQLite file, for one process.
//!
//! One connection writes, in transactions that begin with the write lock. What is acknowledged survives a power failure:
//! whoever commits waits until the log is on disk, and keeps nobody else from committing meanwhile, as [`log`] says. Only
//! notes about messages on the wire are not waited for, as [`wire`] says. Rows travel in batches, as [`rows`] says. A
//! transaction is one text of several statements, because each trip to the connection's thread costs more than a statement.
//! After the first failed operation nothing more is accepted.

mod append;
mod join;
mod log;
mod open;
mod revise;
mod rows;
mod schema;
mod spam;
mod wire;
mod write;

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, MutexGuard as SyncGuard, OnceLock, PoisonError};
use std::time::Duration;

use journey_bytecode::{Channel, Instant, Version};
use serde::de::DeserializeOwned;
use smol_str::SmolStr;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection, Row, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, RwLock};

use log::{Commit, WriteAheadLog};
use open::{agenda, empty_log, lock, next_numbers, sync_folder};
use rows::{MOST, Query, Script, columns_with_bytes, json, rows_of, unhex, with_bytes};

use super::merged::followed;
use super::wake::{self, Wake};
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

/// How many pages the log may hold before it is folded into the database: 80 MB. Rare checkpoints make batches cheaper,
/// because a page that many batches touched is then written once.
const CHECKPOINT_PAGES: &str = "20000";

/// The page cache of each connection, in KiB (negative, as SQLite wants it): 64 MB.
const CACHE_KIB: &str = "-65536";

/// How long to wait for whoever else writes into the file, as a tool for looking into it may.
const BUSY: Duration = Duration::from_secs(60);

/// How often to look whether somebody operates the store beside us.
const LOOK: Duration = Duration::from_millis(500);

/// How many connections read beside the one that writes.
const READERS: u32 = 2;

/// A store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    writer: Mutex<Writer>,
    readers: SqlitePool,
    /// Whoever reads shares it; whoever erases has it alone until nothing of what was erased is left in any file.
    erasing: RwLock<()>,
    wake: Wake,
    queue: SyncMutex<BTreeSet<(Instant, MessageId)>>,
    log: WriteAheadLog,
    health: Arc<Health>,
    /// The number of the database's version when we last looked what others had left.
    seen: SyncMutex<Option<i64>>,
    taken_over: AtomicBool,
    /// Whether what this process wrote survives it without a sync, and its successor can tell.
    trusts_system: bool,
}

/// Whether an operation has failed: nothing more is accepted then.
#[derive(Debug)]
struct Health {
    failed: OnceLock<Arc<str>>,
    // Held as long as the store is open; the operating system frees it when the process dies. Whoever only operates the
    // store beside a server has none. It is empty unless an operation has failed.
    lock: Option<File>,
}

impl Health {
    /// Notes that an operation has failed; the first cause counts.
    fn fail(&self, error: &dyn std::fmt::Display) -> Arc<str> {
        let fail = || {
            // What the system had not written yet may be lost, though the machine runs on: the next process must know.
            if let Some(Err(error)) = self.lock.as_ref().map(wire::doubt) {
                tracing::warn!(%error, "the lock of the database cannot be marked");
            }
            error.to_string().into()
        };
        Arc::clone(self.failed.get_or_init(fail))
    }
}

#[derive(Debug)]
struct Writer {
    connection: SqliteConnection,
    next_contact: i64,
    next_trace: i64,
    /// Whether somebody dropped a write before it was over.
    torn: bool,
}

/// The right to commit claimed contacts.
#[derive(Debug)]
pub struct Lease {
    wake: wake::Lease,
    was: HashMap<ContactId, Was>,
}

/// How a contact stood when it was claimed.
#[derive(Clone, Copy, Debug)]
struct Was {
    due: Instant,
    accepted: i64,
    /// Its newest place in the trace.
    traced: Option<i64>,
}

/// contact, inputs accepted; timer, inputs applied and newest place in the trace, or key and creation where there is no state yet
type ClaimRow = (i64, i64, Option<i64>, Option<i64>, Option<i64>, Option<SmolStr>, Option<i64>);

/// contact, place, moment
type InputRow = (i64, i64, i64);

fn open_error(path: &Path, error: &sqlx::Error) -> StoreError {
    StoreError::Open { database: path.display().to_string(), cause: error.to_string() }
}

impl SqliteStore {
    /// Opens the file, creates it if it is not there, and brings an older one up to date.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let lock = lock(path)?;
        Self::open_with(path, Some(lock)).await
    }

    /// Opens a file that is there, whoever works on it meanwhile.
    pub async fn beside(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        if !path.is_file() {
            let cause = "there is no such file; `journey serve` makes it".to_owned();
            return Err(StoreError::Open { database: path.display().to_string(), cause });
        }
        Self::open_with(path, None).await
    }

    async fn open_with(path: &Path, lock: Option<File>) -> Result<Self, StoreError> {
        let open = |error| open_error(path, &error);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .busy_timeout(BUSY)
            .disable_statement_logging()
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", CACHE_KIB)
            // What is erased is overwritten where it stood, and so is the old text of what changes.
            .pragma("secure_delete", "ON")
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES);
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(open)?;
        let mut trusts_system = false;
        if let Some(lock) = &lock {
            schema::migrate(&mut connection, path).await?;
            sync_folder(path).map_err(|error| open_error(path, &error.into()))?;
            trusts_system = wire::settle(&mut connection, lock).await.map_err(open)?;
            // A process that died may have left what it had just erased.
            empty_log(&mut connection).await.map_err(open)?;
        } else {
            schema::check(&mut connection, path).await?;
        }
        for writes in [append::APPENDED, write::SETTLED] {
            sqlx::raw_sql(writes).execute(&mut connection).await.map_err(open)?;
        }
        let (next_contact, next_trace) = next_numbers(&mut connection).await.map_err(open)?;
        let log = WriteAheadLog::of(path).map_err(|error| open_error(path, &error.into()))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .test_before_acquire(false)
            .connect_with(options.read_only(true).create_if_missing(false))
            .await
            .map_err(open)?;
        let agenda = if lock.is_some() { agenda(&mut connection).await.map_err(open)? } else { Default::default() };
        let (wake, queue) = agenda;
        // From here on whoever commits sees to the disk himself.
        sqlx::raw_sql("PRAGMA synchronous = NORMAL").execute(&mut connection).await.map_err(open)?;
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(Writer { connection, next_contact, next_trace, torn: false }),
            readers,
            erasing: RwLock::default(),
            wake,
            queue: SyncMutex::new(queue),
            log,
            health: Arc::new(Health { failed: OnceLock::new(), lock }),
            seen: SyncMutex::default(),
            taken_over: AtomicBool::new(false),
            trusts_system,
        })
    }

    fn queue(&self) -> SyncGuard<'_, BTreeSet<(Instant, MessageId)>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error for a failed operation; from here on every operation fails.
    fn fail(&self, error: sqlx::Error) -> StoreError {
        StoreError::Failed(self.health.fail(&error))
    }

    fn check(&self) -> Result<(), StoreError> {
        self.health.failed.get().map_or(Ok(()), |cause| Err(StoreError::Failed(Arc::clone(cause))))
    }

    /// Whether another process serves the store.
    fn is_beside(&self) -> bool {
        self.health.lock.is_none()
    }

    /// Writes; what is written is on disk when this returns.
    async fn write<T>(&self, write: impl AsyncFnOnce(&mut Writer) -> sqlx::Result<T>) -> Result<T, StoreError> {
        let (written, commit) = self.commit_to_log(write).await?;
        self.log.sync(commit, &self.health).await.map_err(StoreError::Failed)?;
        Ok(written)
    }

    /// Writes what the next process on this file knows, unless the machine fails.
    async fn note<T>(&self, write: impl AsyncFnOnce(&mut Writer) -> sqlx::Result<T>) -> Result<T, StoreError> {
        if !self.trusts_system {
            return self.write(write).await;
        }
        Ok(self.commit_to_log(write).await?.0)
    }

    /// Whoever drops this before it is over leaves its transaction to the next one, which undoes it.
    async fn commit_to_log<T>(
        &self,
        write: impl AsyncFnOnce(&mut Writer) -> sqlx::Result<T>,
    ) -> Result<(T, Commit), StoreError> {
        let mut writer = self.writer.lock().await;
        self.check()?;
        if std::mem::replace(&mut writer.torn, true) {
            writer.mend().await.map_err(|error| self.fail(error))?;
        }
        let written = write(&mut writer).await.map_err(|error| self.fail(error))?;
        writer.torn = false;
        Ok((written, self.log.committed()))
    }

    /// Reads the rows of a query that gives them as one JSON array.
    async fn list<T: DeserializeOwned>(&self, query: Query) -> Result<Vec<T>, StoreError> {
        rows_of(&self.fetch_one(query).await?, 0).map_err(|error| self.fail(error))
    }

    /// Reads the rows of a query that gives them as [`columns_with_bytes`].
    async fn list_with_bytes<T: DeserializeOwned>(
        &self,
        query: Query,
    ) -> Result<Vec<(T, Option<Vec<u8>>)>, StoreError> {
        with_bytes(&self.fetch_one(query).await?).map_err(|error| self.fail(error))
    }

    async fn fetch_one(&self, query: Query) -> Result<SqliteRow, StoreError> {
        self.check()?;
        let _shared = self.erasing.read().await;
        query.fetch_one(&self.readers).await.map_err(|error| self.fail(error))
    }

    async fn fetch(&self, query: Query) -> Result<Vec<SqliteRow>, StoreError> {
        self.check()?;
        let _shared = self.erasing.read().await;
        query.fetch_all(&self.readers).await.map_err(|error| self.fail(error))
    }
}

impl Writer {
    /// Undoes a transaction that nobody finished; it may also have been finished, with nobody there to hear of it.
    async fn mend(&mut self) -> sqlx::Result<()> {
        if sqlx::raw_sql("ROLLBACK").execute(&mut self.connection).await.is_err() {
            tracing::debug!("a dropped write was finished");
        }
        (self.next_contact, self.next_trace) = next_numbers(&mut self.connection).await?;
        Ok(())
    }
}

const fn message_id((contact, number): (i64, u32)) -> MessageId {
    MessageId { contact: ContactId(contact), number }
}

fn message_keys(ids: &[MessageId]) -> String {
    json(&ids.iter().map(|id| (id.contact.0, id.number)).collect::<Vec<_>>())
}

fn contact_from(id: ContactId, row: &SqliteRow, at: usize) -> sqlx::Result<Result<Contact, String>> {
    Ok(match row.try_get::<Option<&[u8]>, _>(at)? {
        Some(body) => codec::read(body),
        None => Ok(Contact::new(id, row.try_get::<String, _>(at + 1)?, Instant(row.try_get(at + 2)?))),
    })
}

impl Store for SqliteStore {
    type Lease = Lease;

    async fn accept(&self, inputs: &[NewInput], now: Instant) -> Result<Vec<Acceptance>, StoreError> {
        let beside = self.is_beside();
        let creates = |input: &NewInput| input.creates || matches!(input.kind, InputKind::Alias { .. });
        if beside && inputs.iter().any(creates) {
            // The process that serves the file gives contacts their numbers.
            let database = self.path.display().to_string();
            return Err(StoreError::InUse { database });
        }
        let accepted = self.write(async |writer| append::accept(writer, inputs, now, beside).await);
        let (answers, changed) = accepted.await?;
        changed.into_iter().for_each(|contact| self.wake.run(contact));
        Ok(answers)
    }

    async fn claim(&self, now: Instant, most: usize) -> Result<Claimed<Lease>, StoreError> {
        let wake = self.wake.claim(now, most);
        let mut claimed = Claimed { lease: Lease { wake, was: HashMap::new() }, contacts: vec![], damaged: vec![] };
        if claimed.lease.wake.ids().is_empty() {
            return Ok(claimed);
        }
        let mut contacts = self.claim_rows(claimed.lease.wake.ids()).await?;
        contacts.sort_unstable_by_key(|(row, _)| row.0);
        let told = |(row, _): &(ClaimRow, _)| {
            let (id, accepted, applied) = (row.0, row.1, row.3.unwrap_or_default());
            (accepted > applied).then_some((id, applied))
        };
        let told: Vec<(i64, i64)> = contacts.iter().filter_map(told).collect();
        let mut pending = self.pending(&told).await?.into_iter().peekable();
        for ((id, accepted, due, _, traced, key, created_at), body) in contacts {
            let mut contact = match key {
                None => codec::read(&body.unwrap_or_default()),
                Some(key) => Ok(Contact::new(ContactId(id), key, Instant(created_at.unwrap_or_default()))),
            };
            let mut inputs = Vec::new();
            while let Some(((_, seq, at), body)) = pending.next_if(|((contact, ..), _)| *contact == id) {
                match codec::read::<InputKind>(&body.unwrap_or_default()) {
                    Ok(kind) => inputs.push(Input { seq, at: Instant(at), kind }),
                    Err(cause) => contact = Err(format!("input {seq}: {cause}")),
                }
            }
            match contact {
                Ok(contact) => {
                    let was = Was { due: due.map_or(Instant::NEVER, Instant), accepted, traced };
                    claimed.lease.was.insert(ContactId(id), was);
                    claimed.contacts.push(Pending { contact, inputs });
                }
                Err(cause) => claimed.damaged.push((ContactId(id), cause)),
            }
        }
        Ok(claimed)
    }

    async fn commit(&self, lease: Lease, advanced: Vec<Advanced>, revision: i64) -> Result<(), StoreError> {
        let batch = write::Batch::of(&advanced, |contact| lease.was.get(&contact).and_then(|was| was.traced));
        let erases = advanced.iter().any(|advanced| advanced.outcome.erase);
        let _alone = if erases { Some(self.erasing.write().await) } else { None };
        let written = self.write(async |writer| {
            let written = batch.write(writer, revision).await?;
            if erases && written.is_some() {
                empty_log(&mut writer.connection).await?;
            }
            Ok(written)
        });
        let (queued, joined) = written.await?.ok_or(StoreError::Revised)?;
        self.queue().extend(queued);
        lease.wake.settle(advanced.iter().map(|Advanced { contact, outcome }| {
            let (was_due, accepted) =
                lease.was.get(&contact.id).map_or((Instant::NEVER, 0), |was| (was.due, was.accepted));
            let due = outcome.due.unwrap_or(Instant::NEVER);
            wake::Settled { contact: contact.id, was_due, due, more: accepted > contact.state.applied }
        }));
        joined.into_iter().for_each(|contact| self.wake.run(contact));
        Ok(())
    }

    async fn next_due(&self) -> Result<Option<Instant>, StoreError> {
        self.check()?;
        Ok(self.wake.next())
    }

    async fn claim_messages(&self, now: Instant, most: usize) -> Result<Vec<Queued>, StoreError> {
        let mut ids = Vec::new();
        {
            let mut queue = self.queue();
            while ids.len() < most.min(MOST) && queue.first().is_some_and(|(due, _)| *due <= now) {
                ids.extend(queue.pop_first().map(|(_, id)| id));
            }
        }
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut rows = self.write(async |writer| wire::claim(&mut writer.connection, &ids).await).await?;
        rows.sort_unstable_by_key(|(row, _)| *row);
        Ok(rows
            .into_iter()
            .filter_map(|((_, attempts), body)| Queued::read(attempts, &body.unwrap_or_default()))
            .collect())
    }

    async fn record(&self, results: &[Delivery], leaving: &[MessageId]) -> Result<Vec<(MessageId, Stays)>, StoreError> {
        let recorded = self.note(async |writer| write::record(&mut writer.connection, results, leaving).await);
        let write::Recorded { told, staying } = recorded.await?;
        for contact in told {
            self.wake.run(contact);
        }
        self.queue().extend(results.iter().filter_map(|delivery| Some((delivery.retry_at()?, delivery.id))));
        Ok(staying)
    }

    fn waits_for_notes(&self) -> bool {
        !self.trusts_system
    }

    async fn next_message_due(&self) -> Result<Option<Instant>, StoreError> {
        self.check()?;
        Ok(self.queue().first().map(|(due, _)| *due))
    }

    /// Nobody else works on this file: what was on the wire when it was opened is what the last process left.
    async fn take_over(&self, now: Instant) -> Result<TakenOver, StoreError> {
        if self.taken_over.swap(true, Ordering::AcqRel) {
            return Ok(TakenOver::default());
        }
        let left = self.write(async |writer| wire::take_over(&mut writer.connection, now).await).await?;
        self.queue().extend(&left.again);
        Ok(TakenOver { again: left.again.into_iter().map(|(_, id)| id).collect(), held: left.held })
    }

    async fn outbox(&self, which: Kept, most: usize) -> Result<Vec<KeptMessage>, StoreError> {
        let open = "FROM outbox o LEFT JOIN wire w ON w.contact = o.contact AND w.number = o.number AND w.leaves
             LEFT JOIN held h ON h.contact = o.contact AND h.number = o.number";
        let query = match which {
            Kept::Waiting => format!(
                "SELECT o.due, o.attempts, o.body, NULL, o.cause {open} WHERE w.contact IS NULL AND h.contact IS NULL
                 ORDER BY o.contact, o.number LIMIT ?1"
            ),
            Kept::OnWire => format!(
                "SELECT o.due, o.attempts, o.body, NULL, o.cause {open} WHERE w.contact IS NOT NULL
                 ORDER BY o.contact, o.number LIMIT ?1"
            ),
            Kept::Held => format!(
                "SELECT h.since, o.attempts, o.body, NULL, o.cause {open} WHERE h.contact IS NOT NULL
                 ORDER BY o.contact, o.number LIMIT ?1"
            ),
            Kept::Failed => "SELECT at, attempts, message, result, NULL FROM deliveries
                 WHERE failed AND message IS NOT NULL ORDER BY contact, number LIMIT ?1"
                .to_owned(),
        };
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = self.fetch(sqlx::query(sqlx::AssertSqlSafe(query)).bind(most)).await?;
        let read = |error| self.fail(error);
        let kept = |row: &SqliteRow| {
            KeptMessage::read(
                Instant(row.try_get(0).map_err(read)?),
                row.try_get(1).map_err(read)?,
                row.try_get(2).map_err(read)?,
                row.try_get(3).map_err(read)?,
                row.try_get(4).map_err(read)?,
            )
        };
        rows.iter().map(kept).collect()
    }

    async fn requeue(&self, ids: &[MessageId], now: Instant) -> Result<Vec<MessageId>, StoreError> {
        let serves = !self.is_beside();
        let again = self.write(async |writer| write::requeue(&mut writer.connection, ids, now, !serves).await).await?;
        if serves {
            self.queue().extend(again.iter().map(|id| (now, *id)));
        }
        Ok(again)
    }

    async fn give_up(&self, ids: &[MessageId], now: Instant) -> Result<Vec<MessageId>, StoreError> {
        let beside = self.is_beside();
        let given_up = self.write(async |writer| write::give_up(&mut writer.connection, ids, now, beside).await);
        let (done, told) = given_up.await?;
        for contact in told {
            self.wake.run(contact);
        }
        Ok(done)
    }

    /// Somebody may operate the store beside us.
    async fn changed(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            let known = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let looked = self.note(async |writer| write::changed(&mut writer.connection, known).await).await;
            // If it fails, those who work with the store will see.
            let Ok((version, left)) = looked else { continue };
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(version);
            if let Some(write::LeftBeside { requeued, nudged }) = left {
                self.queue().extend(requeued);
                for contact in nudged {
                    self.wake.run(contact);
                }
                return;
            }
        }
    }

    async fn keep_programs(&self, programs: &[KeptProgram]) -> Result<(), StoreError> {
        self.write(async |writer| write::keep_programs(&mut writer.connection, programs).await).await
    }

    async fn revise(&self, revision: &Revision, bundle: Option<&[u8]>) -> Result<bool, StoreError> {
        self.write(async |writer| revise::revise(&mut writer.connection, revision, bundle).await).await
    }

    async fn revisions(&self, most: usize) -> Result<Vec<Revision>, StoreError> {
        let newest = sqlx::query("SELECT body, told FROM revisions ORDER BY number DESC LIMIT ?1");
        let rows = self.fetch(newest.bind(i64::try_from(most).unwrap_or(i64::MAX))).await?;
        let read = |error| self.fail(error);
        let revision = |row: &SqliteRow| Revision::read(row.try_get(0).map_err(read)?, row.try_get(1).map_err(read)?);
        rows.iter().map(revision).collect()
    }

    async fn deployment(&self, id: DeploymentId) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self.fetch(sqlx::query("SELECT body FROM deployments WHERE id = ?1").bind(id.0.to_vec())).await?;
        rows.first().map(|row| row.try_get(0).map_err(|error| self.fail(error))).transpose()
    }

    async fn told(&self, revision: i64) -> Result<(), StoreError> {
        self.write(async |writer| revise::told(&mut writer.connection, revision).await).await
    }

    async fn programs(&self) -> Result<Vec<KeptProgram>, StoreError> {
        let rows = self.fetch(sqlx::query("SELECT body FROM programs ORDER BY place")).await?;
        let program = |row: &SqliteRow| {
            let body = row.try_get(0).map_err(|error| self.fail(error))?;
            decode(body, || "a program".into())
        };
        rows.iter().map(program).collect()
    }

    async fn secret(&self) -> Result<[u8; 32], StoreError> {
        let rows = self.fetch(sqlx::query("SELECT value FROM meta WHERE name = 'secret'")).await?;
        read_secret(rows.first().and_then(|row| row.try_get(0).ok()))
    }

    async fn contact(&self, key: &str) -> Result<Option<Contact>, StoreError> {
        let contact = "SELECT c.id, s.body, c.key, c.created_at FROM contacts c LEFT JOIN states s ON s.contact = c.id
             WHERE c.key = ?1";
        followed(self, self.contacts(sqlx::query(contact).bind(key.to_owned())).await?.pop()).await
    }

    async fn contacts_after(&self, after: ContactId, most: usize) -> Result<Vec<Contact>, StoreError> {
        let page = "SELECT c.id, s.body, c.key, c.created_at FROM contacts c LEFT JOIN states s ON s.contact = c.id
             WHERE c.id > ?1 ORDER BY c.id LIMIT ?2";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.contacts(sqlx::query(page).bind(after.0).bind(most)).await
    }

    async fn trace(&self, contact: ContactId) -> Result<Vec<TraceEntry>, StoreError> {
        let chain = "WITH RECURSIVE chain (place, before, body) AS (
                 SELECT t.place, t.before, t.body FROM states s CROSS JOIN trace t
                     ON t.place = s.traced AND t.contact = s.contact WHERE s.contact = ?1
                 UNION ALL SELECT t.place, t.before, t.body FROM chain c CROSS JOIN trace t
                     ON t.place = c.before AND t.contact = ?1)
             SELECT body FROM chain ORDER BY place";
        let mut trace = Vec::new();
        for row in self.fetch(sqlx::query(chain).bind(contact.0)).await? {
            let body = row.try_get(0).map_err(|error| self.fail(error))?;
            trace.extend(decode::<Vec<TraceEntry>>(body, || format!("the trace of contact {}", contact.0))?);
        }
        Ok(trace)
    }

    async fn inputs(&self, contact: ContactId) -> Result<Vec<Input>, StoreError> {
        // What was erased has no body.
        let told = "SELECT seq, at, body FROM inputs WHERE contact = ?1 AND length(body) > 0 ORDER BY seq";
        let rows = self.fetch(sqlx::query(told).bind(contact.0)).await?;
        let read = |error| self.fail(error);
        let input = |row: &SqliteRow| {
            let (seq, at) = (row.try_get(0).map_err(read)?, Instant(row.try_get(1).map_err(read)?));
            let body = row.try_get(2).map_err(read)?;
            Ok(Input { seq, at, kind: decode(body, || format!("input {seq} of contact {}", contact.0))? })
        };
        rows.iter().map(input).collect()
    }

    async fn deliveries(&self, contact: ContactId) -> Result<Vec<Delivery>, StoreError> {
        let done = "SELECT contact, number, at, attempts, result, NULL, NULL FROM deliveries WHERE contact = ?1
             UNION ALL SELECT o.contact, o.number, o.due, o.attempts, NULL, h.since, o.cause
             FROM outbox o LEFT JOIN held h ON h.contact = o.contact AND h.number = o.number
             WHERE o.contact = ?1 AND o.cause IS NOT NULL ORDER BY 2";
        let rows = self.fetch(sqlx::query(done).bind(contact.0)).await?;
        let read = |error| self.fail(error);
        let delivery = |row: &SqliteRow| {
            Delivery::read(
                message_id((row.try_get(0).map_err(read)?, row.try_get(1).map_err(read)?)),
                Instant(row.try_get(2).map_err(read)?),
                row.try_get(3).map_err(read)?,
                row.try_get(4).map_err(read)?,
                row.try_get(5).map_err(read)?,
                row.try_get(6).map_err(read)?,
            )
        };
        rows.iter().map(delivery).collect()
    }

    async fn offer_codes(&self, voucher: &str, codes: &[SmolStr]) -> Result<u64, StoreError> {
        self.write(async |writer| write::offer(&mut writer.connection, voucher, codes).await).await
    }

    async fn take_code(&self, take: &TakeCode) -> Result<Option<SmolStr>, StoreError> {
        self.write(async |writer| write::take(&mut writer.connection, take).await).await
    }

    async fn contacts_at(&self, channel: Channel, address: &str, most: usize) -> Result<Vec<Contact>, StoreError> {
        let Some(hash) = hash_of_address(channel, address) else { return Ok(Vec::new()) };
        let there =
            "SELECT c.id, s.body, c.key, c.created_at FROM addressed a CROSS JOIN contacts c ON c.id = a.contact
             LEFT JOIN states s ON s.contact = c.id WHERE a.hash = ?1 ORDER BY a.contact LIMIT ?2";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.contacts(sqlx::query(there).bind(hash.to_vec()).bind(most)).await
    }

    async fn was_heard(&self, id: &str) -> Result<bool, StoreError> {
        let heard = sqlx::query("SELECT 1 FROM heard WHERE id = ?1").bind(id.to_owned());
        Ok(!self.fetch(heard).await?.is_empty())
    }

    async fn hear(&self, heard: &Heard) -> Result<Option<u64>, StoreError> {
        let heard = self.write(async |writer| write::hear(&mut writer.connection, heard).await).await?;
        let Some((changed, answer)) = heard else { return Ok(None) };
        self.queue().extend(answer);
        Ok(Some(changed))
    }

    async fn suppress(&self, listed: &Listed) -> Result<u64, StoreError> {
        self.write(async |writer| write::list_of(&mut writer.connection, write::SUPPRESS, listed).await).await
    }

    async fn lift(&self, listed: &Listed) -> Result<u64, StoreError> {
        self.write(async |writer| write::list_of(&mut writer.connection, write::LIFT, listed).await).await
    }

    async fn trials(&self) -> Result<Trials, StoreError> {
        let trials = "SELECT json_group_array(json_array(hex(version), split, side, hour, took, reached)) FROM trials";
        let rows = self.list::<(String, SmolStr, SmolStr, i64, u64, u64)>(sqlx::query(trials)).await?;
        let row = |(version, split, side, hour, took, reached): (String, _, _, _, _, _)| {
            let version = unhex(&version).first_chunk::<16>().copied().unwrap_or_default();
            (TrialKey { version: Version(version), split, side, hour }, TrialCount { took, reached })
        };
        Ok(Trials(rows.into_iter().map(row).collect()))
    }

    async fn count_traffic(&self, counted: &Traffic, since: i64) -> Result<(), StoreError> {
        self.write(async |writer| spam::count(&mut writer.connection, counted, since).await).await
    }

    async fn senders(&self, since: i64) -> Result<Vec<SpamSender>, StoreError> {
        self.write(async |writer| spam::read(&mut writer.connection, since).await).await
    }

    async fn hold_sender(&self, domain: &str, now: Instant, counted: SpamCount) -> Result<(), StoreError> {
        self.write(async |writer| spam::hold(&mut writer.connection, domain, now, counted).await).await
    }

    async fn lift_sender(&self, domain: &str) -> Result<bool, StoreError> {
        self.write(async |writer| spam::lift(&mut writer.connection, domain).await).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        let counts = "SELECT (SELECT count(*) FROM contacts),
             (SELECT coalesce(sum(accepted), 0) FROM contacts) - (SELECT coalesce(sum(applied), 0) FROM states),
             (SELECT count(*) FROM outbox), (SELECT count(*) FROM deliveries WHERE NOT failed),
             (SELECT count(*) FROM deliveries WHERE failed), (SELECT count(*) FROM held)";
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

    /// Folds the log into the database. Without, the next process does so when it opens the file.
    async fn close(self) {
        self.readers.close().await;
        // Nothing is lost if this fails: all that was acknowledged is in the log.
        if !self.is_beside() {
            let _ = self.write(async |writer| wire::release(&mut writer.connection).await).await;
        }
        let _ = self.writer.into_inner().connection.close().await;
    }
}

impl SqliteStore {
    /// Lets the database grow to so many pages, as a full disk would.
    #[cfg(test)]
    pub(crate) async fn limit_pages(&self, pages: u32) {
        let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::raw_sql(limit).execute(&mut self.writer.lock().await.connection).await.unwrap();
    }

    /// How contacts stand.
    async fn claim_rows(&self, ids: &[ContactId]) -> Result<Vec<(ClaimRow, Option<Vec<u8>>)>, StoreError> {
        let contacts = concat!(
            "SELECT ",
            columns_with_bytes!(
                "c.id, c.accepted, s.due, s.applied, s.traced, iif(s.contact IS NULL, c.key, NULL),
                 iif(s.contact IS NULL, c.created_at, NULL)",
                "s.body"
            ),
            " FROM "
        );
        let mut rows = Vec::with_capacity(ids.len());
        for some in ids.chunks(MOST) {
            let mut script = Script::of(contacts);
            script.values(1, some.iter(), |script, id| script.bind(id.0)).map_err(|error| self.fail(error))?;
            script.say(" j CROSS JOIN contacts c ON c.id = j.column1 LEFT JOIN states s ON s.contact = j.column1");
            rows.extend(self.list_with_bytes(script.query()).await?);
        }
        Ok(rows)
    }

    /// The next inputs of contacts of which so many are applied, in their order.
    async fn pending(&self, told: &[(i64, i64)]) -> Result<Vec<(InputRow, Option<Vec<u8>>)>, StoreError> {
        let mut inputs = Vec::new();
        for some in told.chunks(MOST) {
            let mut script =
                Script::of(concat!("SELECT ", columns_with_bytes!("i.contact, i.seq, i.at", "i.body"), " FROM "));
            let bound = script.values(3, some.iter(), |script, (contact, applied)| {
                script.bind(*contact)?;
                script.bind(*applied)?;
                script.bind(*applied + MAX_INPUTS_PER_ADVANCE)
            });
            bound.map_err(|error| self.fail(error))?;
            script.say(
                " j CROSS JOIN inputs i
                     ON i.contact = j.column1 AND i.seq > j.column2 AND i.seq <= j.column3",
            );
            inputs.extend(self.list_with_bytes::<InputRow>(script.query()).await?);
        }
        inputs.sort_unstable_by_key(|(row, _)| *row);
        Ok(inputs)
    }

    async fn contacts(&self, query: Query) -> Result<Vec<Contact>, StoreError> {
        let rows = self.fetch(query).await?;
        let contact = |row: &SqliteRow| {
            let id = ContactId(row.try_get(0).map_err(|error| self.fail(error))?);
            let contact = contact_from(id, row, 1).map_err(|error| self.fail(error))?;
            contact.map_err(|cause| StoreError::Damaged { what: format!("contact {}", id.0), cause })
        };
        rows.iter().map(contact).collect()
    }
}
