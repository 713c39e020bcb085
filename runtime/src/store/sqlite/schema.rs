//! The tables, and how older ones become these.
//!
//! Each step of the migration is one transaction that ends by noting its number, so that an interrupted migration goes
//! on where it stopped. Rows that are written once are kept in the order of writing (`place`), with a narrow index by
//! contact: a batch touches few pages that way.

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};

use super::open_error;
use crate::store::StoreError;

/// Marks a file as ours: "Jrny".
const APPLICATION_ID: i64 = 0x4a72_6e79;

/// What leads from one version of the schema to the next, from 0.
const STEPS: &[&str] = &["
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('secret', randomblob(32));

CREATE TABLE contacts (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL) STRICT;

-- What a contact is and where it stands; no row before its first step.
CREATE TABLE states (contact INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;

-- When a contact has something to do by itself, and which of its inputs are applied: those after `applied` are not.
CREATE TABLE ready (
    contact INTEGER PRIMARY KEY, due INTEGER NOT NULL, accepted INTEGER NOT NULL, applied INTEGER NOT NULL
) STRICT;

CREATE TABLE inputs (
    place INTEGER PRIMARY KEY, contact INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL,
    id TEXT, fingerprint BLOB, body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX inputs_contact ON inputs (contact, seq);
CREATE UNIQUE INDEX inputs_id ON inputs (contact, id) WHERE id IS NOT NULL;

-- Messages decided and not done; those in `wire` as well may have left. `applied` is the last input that the decision
-- knew.
CREATE TABLE outbox (
    contact INTEGER NOT NULL, number INTEGER NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL,
    applied INTEGER NOT NULL, marketing INTEGER NOT NULL, topic TEXT, body BLOB NOT NULL, PRIMARY KEY (contact, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE wire (
    contact INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (contact, number)
) STRICT, WITHOUT ROWID;

-- Messages done; `message` is kept where it failed.
CREATE TABLE deliveries (
    contact INTEGER NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, attempts INTEGER NOT NULL,
    failed INTEGER NOT NULL, result BLOB NOT NULL, message BLOB, PRIMARY KEY (contact, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_failed ON deliveries (contact, number) WHERE failed;

-- The newest unsubscribe by topic, '' for everything: the last gate before the wire holds back what was decided before.
CREATE TABLE unsubscribed (
    contact INTEGER NOT NULL, topic TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (contact, topic)
) STRICT, WITHOUT ROWID;

CREATE TABLE trace (place INTEGER PRIMARY KEY, contact INTEGER NOT NULL, body BLOB NOT NULL) STRICT;
CREATE INDEX trace_contact ON trace (contact);

CREATE TABLE programs (place INTEGER PRIMARY KEY, version BLOB NOT NULL UNIQUE, body BLOB NOT NULL) STRICT;
", "
-- To which addresses messages of a contact went, as hashes.
CREATE TABLE addressed (
    contact INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (contact, hash)
) STRICT, WITHOUT ROWID;

-- At which addresses a contact unsubscribed, by topic, '' for everything: other contacts with the address get no more either.
CREATE TABLE suppressed (
    hash BLOB NOT NULL, topic TEXT NOT NULL, contact INTEGER NOT NULL, PRIMARY KEY (hash, topic, contact)
) STRICT, WITHOUT ROWID;
", "
-- Whether a crash holds the message that is on the wire; those that are held; those that somebody beside the server has put
-- into the outbox again.
ALTER TABLE outbox ADD COLUMN hold INTEGER NOT NULL DEFAULT 0;
CREATE TABLE held (
    contact INTEGER NOT NULL, number INTEGER NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (contact, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE requeued (
    contact INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (contact, number)
) STRICT, WITHOUT ROWID;
", "
-- How many contacts came to each side of a split within an hour, and to how many of them the thing measured happened.
CREATE TABLE trials (
    version BLOB NOT NULL, split TEXT NOT NULL, side TEXT NOT NULL, hour INTEGER NOT NULL,
    took INTEGER NOT NULL, reached INTEGER NOT NULL, PRIMARY KEY (version, split, side, hour)
) STRICT, WITHOUT ROWID;

-- Codes of vouchers; those with a contact are given out, each to the question of this number.
CREATE TABLE codes (
    place INTEGER PRIMARY KEY, voucher TEXT NOT NULL, code TEXT NOT NULL, contact INTEGER, number INTEGER, at INTEGER,
    expires INTEGER, UNIQUE (voucher, code)
) STRICT;
CREATE INDEX codes_free ON codes (voucher, place) WHERE contact IS NULL;
CREATE UNIQUE INDEX codes_taken ON codes (contact, number) WHERE contact IS NOT NULL;
", "
-- What is deployed and what is paused; the newest row counts. Contacts to whom somebody beside the server has told something.
CREATE TABLE deployments (id BLOB PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE revisions (number INTEGER PRIMARY KEY, body BLOB NOT NULL, told INTEGER NOT NULL) STRICT;
CREATE TABLE nudged (contact INTEGER PRIMARY KEY) STRICT;
", "
-- The last gate asks by channel and by the very address (its hash; empty for none) as well; what was queued before has neither.
ALTER TABLE outbox ADD COLUMN channel TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN address BLOB;
CREATE INDEX addressed_hash ON addressed (hash);
ALTER TABLE unsubscribed RENAME TO unsubscribed_before;
CREATE TABLE unsubscribed (
    contact INTEGER NOT NULL, topic TEXT NOT NULL, channel TEXT NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (contact, topic, channel)
) STRICT, WITHOUT ROWID;
INSERT INTO unsubscribed SELECT contact, topic, '', seq FROM unsubscribed_before;
DROP TABLE unsubscribed_before;

-- What providers told, by their ids: nothing counts twice.
CREATE TABLE heard (id TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX heard_at ON heard (at);
", "
-- Why a message did not go at once.
ALTER TABLE outbox ADD COLUMN cause TEXT;
", "
-- How many marketing mails of a domain were delivered within an hour, and how many were called spam; and whose marketing is held.
CREATE TABLE traffic (
    sender TEXT NOT NULL, hour INTEGER NOT NULL, delivered INTEGER NOT NULL, complained INTEGER NOT NULL,
    PRIMARY KEY (sender, hour)
) STRICT, WITHOUT ROWID;
CREATE TABLE held_senders (
    sender TEXT PRIMARY KEY, since INTEGER NOT NULL, delivered INTEGER NOT NULL, complained INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
", "
-- Whom a contact turned out to be; once it has handed over, what comes for it goes to that one's log.
CREATE TABLE merged (contact INTEGER PRIMARY KEY, merged_into INTEGER NOT NULL, handed INTEGER NOT NULL) STRICT;
", "
-- Since when a contact wants no more at an address; and since when a topic is wanted there again, by whomever: the later word
-- counts.
ALTER TABLE suppressed ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
CREATE TABLE resubscribed (
    hash BLOB NOT NULL, topic TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (hash, topic)
) STRICT, WITHOUT ROWID;
", "
-- A step writes one row of a contact: where it stands, when it has something to do by itself, and which of its inputs are
-- applied. The place of its newest input stands beside its key. No state before the first step.
ALTER TABLE contacts ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0;
UPDATE contacts SET accepted = coalesce((SELECT accepted FROM ready WHERE contact = contacts.id), 0);
ALTER TABLE states RENAME TO states_before;
CREATE TABLE states (
    contact INTEGER PRIMARY KEY, due INTEGER NOT NULL, applied INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
INSERT INTO states SELECT s.contact, r.due, r.applied, s.body
    FROM states_before s JOIN ready r ON r.contact = s.contact ORDER BY s.contact;
DROP TABLE states_before;
DROP TABLE ready;
", "
-- What each step did is a chain: a contact's row names its newest part, each part the one before it. An index by contact would
-- be written with every step.
ALTER TABLE states ADD COLUMN traced INTEGER;
ALTER TABLE trace ADD COLUMN before INTEGER;
UPDATE trace SET before = b.before
    FROM (SELECT place, lag(place) OVER (PARTITION BY contact ORDER BY place) AS before FROM trace) b
    WHERE b.place = trace.place AND b.before IS NOT NULL;
UPDATE states SET traced = t.place FROM (SELECT contact, max(place) AS place FROM trace GROUP BY contact) t
    WHERE t.contact = states.contact;
DROP INDEX trace_contact;
", "
-- A message stands here from when it is claimed; whether it goes on the wire now. `boot` in `meta` names the boot of the machine in
-- which that is noted without a sync; nothing where notes wait for the disk.
ALTER TABLE wire ADD COLUMN leaves INTEGER NOT NULL DEFAULT 1;
"];

/// Brings the database up to date.
pub(super) async fn migrate(writer: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    migrate_to(writer, path, STEPS).await
}

/// Makes sure that the database is as this version wants it.
pub(super) async fn check(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let open = |error| open_error(path, &error);
    let application = pragma(connection, "PRAGMA application_id").await.map_err(open)?;
    let found = pragma(connection, "PRAGMA user_version").await.map_err(open)?;
    let (database, known) = (path.display().to_string(), STEPS.len() as i64);
    match found {
        _ if application != APPLICATION_ID => Err(StoreError::Foreign { database }),
        found if found > known => Err(StoreError::Newer { database, found, known }),
        found if found < known => Err(StoreError::Older { database, found, known }),
        _ => Ok(()),
    }
}

async fn migrate_to(writer: &mut SqliteConnection, path: &Path, steps: &[&'static str]) -> Result<(), StoreError> {
    let open = |error| open_error(path, &error);
    let application = pragma(writer, "PRAGMA application_id").await.map_err(open)?;
    let found = pragma(writer, "PRAGMA user_version").await.map_err(open)?;
    let objects = pragma(writer, "SELECT count(*) FROM sqlite_schema").await.map_err(open)?;
    let fresh = application == 0 && found == 0 && objects == 0;
    if application != APPLICATION_ID && !fresh {
        return Err(StoreError::Foreign { database: path.display().to_string() });
    }
    let known = steps.len() as i64;
    if found > known {
        return Err(StoreError::Newer { database: path.display().to_string(), found, known });
    }
    // Not before the file is known to be ours: it stays so.
    sqlx::raw_sql("PRAGMA journal_mode = WAL").execute(&mut *writer).await.map_err(open)?;
    for (number, step) in steps.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.map_err(open)?;
        sqlx::raw_sql(*step).execute(&mut *transaction).await.map_err(open)?;
        let note = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}", number + 1);
        sqlx::raw_sql(AssertSqlSafe(note)).execute(&mut *transaction).await.map_err(open)?;
        transaction.commit().await.map_err(open)?;
    }
    Ok(())
}

async fn pragma(connection: &mut SqliteConnection, sql: &'static str) -> sqlx::Result<i64> {
    sqlx::query(sql).fetch_one(connection).await?.try_get(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn memory() -> SqliteConnection {
        SqliteConnection::connect("sqlite::memory:").await.unwrap()
    }

    async fn tables(connection: &mut SqliteConnection) -> i64 {
        pragma(connection, "SELECT count(*) FROM sqlite_schema").await.unwrap()
    }

    #[tokio::test]
    async fn an_interrupted_migration_goes_on() {
        let mut db = memory().await;
        let broken = ["CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE c (x); nonsense"];
        assert!(migrate_to(&mut db, Path::new("t.db"), &broken).await.is_err());
        assert_eq!(pragma(&mut db, "PRAGMA user_version").await.unwrap(), 1);
        assert_eq!(tables(&mut db).await, 1, "the broken step left nothing behind");
        let whole = ["CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE c (x)"];
        migrate_to(&mut db, Path::new("t.db"), &whole).await.unwrap();
        assert_eq!(tables(&mut db).await, 3);
        migrate_to(&mut db, Path::new("t.db"), &whole).await.unwrap();
    }

    #[tokio::test]
    async fn where_a_contact_stands_becomes_one_row() {
        let mut db = memory().await;
        migrate_to(&mut db, Path::new("t.db"), &STEPS[..10]).await.unwrap();
        let older = "INSERT INTO contacts VALUES (1, 'ada', 5), (2, 'bob', 6);
             INSERT INTO ready VALUES (1, 70, 3, 2), (2, 9223372036854775807, 1, 0);
             INSERT INTO states VALUES (1, x'01')";
        sqlx::raw_sql(older).execute(&mut db).await.unwrap();
        migrate_to(&mut db, Path::new("t.db"), &STEPS[..11]).await.unwrap();
        let states = "SELECT contact, due, applied, body FROM states";
        let states: Vec<(i64, i64, i64, Vec<u8>)> = sqlx::query_as(states).fetch_all(&mut db).await.unwrap();
        assert_eq!(states, [(1, 70, 2, vec![1])]);
        let accepted: Vec<i64> =
            sqlx::query_scalar("SELECT accepted FROM contacts ORDER BY id").fetch_all(&mut db).await.unwrap();
        assert_eq!(accepted, [3, 1]);
    }

    #[tokio::test]
    async fn what_each_step_did_becomes_a_chain() {
        let mut db = memory().await;
        migrate_to(&mut db, Path::new("t.db"), &STEPS[..11]).await.unwrap();
        let older = "INSERT INTO states VALUES (1, 70, 2, x'01'), (2, 80, 0, x'02'), (3, 90, 0, x'03');
             INSERT INTO trace VALUES (1, 1, x'0a'), (4, 2, x'0b'), (5, 1, x'0c'), (9, 1, x'0d')";
        sqlx::raw_sql(older).execute(&mut db).await.unwrap();
        migrate(&mut db, Path::new("t.db")).await.unwrap();
        let newest: Vec<(i64, Option<i64>)> =
            sqlx::query_as("SELECT contact, traced FROM states ORDER BY contact").fetch_all(&mut db).await.unwrap();
        assert_eq!(newest, [(1, Some(9)), (2, Some(4)), (3, None)]);
        let chain: Vec<(i64, Option<i64>)> =
            sqlx::query_as("SELECT place, before FROM trace ORDER BY place").fetch_all(&mut db).await.unwrap();
        assert_eq!(chain, [(1, None), (4, None), (5, Some(1)), (9, Some(5))]);
    }

    #[tokio::test]
    async fn other_files_are_refused() {
        let mut db = memory().await;
        sqlx::raw_sql("CREATE TABLE theirs (x)").execute(&mut db).await.unwrap();
        assert!(matches!(migrate(&mut db, Path::new("t.db")).await, Err(StoreError::Foreign { .. })));
        let mut db = memory().await;
        migrate(&mut db, Path::new("t.db")).await.unwrap();
        sqlx::raw_sql("PRAGMA user_version = 99").execute(&mut db).await.unwrap();
        let error = migrate(&mut db, Path::new("t.db")).await.unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 99, known: 13, .. }), "{error}");
    }
}
