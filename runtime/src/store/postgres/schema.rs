//! The tables, and how older ones become these.
//!
//! They lie in a schema of their own, so that the database may hold other things. Every table that a step touches leads with
//! the contact, so that rows can be spread over machines by it. Each step of the migration is one transaction that ends by
//! noting its number; a lock makes workers that start together wait for the one that migrates.

use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, PgConnection};

use super::{FIRST_KEY, open_error};
use crate::store::StoreError;

/// The schema that holds our tables.
pub(super) const SCHEMA: &str = "journey";

/// What leads from one version of the schema to the next, from 0.
const STEPS: &[&str] = &["
CREATE TABLE meta (name text PRIMARY KEY, value bytea NOT NULL);
INSERT INTO meta VALUES ('secret', uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

CREATE SEQUENCE contact_ids;
CREATE SEQUENCE worker_ids AS integer CYCLE;

CREATE TABLE keys (key text PRIMARY KEY, contact bigint NOT NULL);

-- `accepted` is the place of the contact's newest input. Whoever gives places holds the row: inputs commit in their order.
CREATE TABLE contacts (
    contact bigint PRIMARY KEY, key text NOT NULL, created_at bigint NOT NULL, accepted bigint NOT NULL
) WITH (fillfactor = 90);

-- Where a contact stands (no body before its first step), and when it has something to do by itself. Whoever advances the
-- contact holds the row; accepting inputs never waits for that.
CREATE TABLE states (contact bigint PRIMARY KEY, due bigint NOT NULL, body bytea);
CREATE INDEX states_due ON states (due, contact) WHERE due < 9223372036854775807;

-- Inputs that are not applied yet; and what was ever accepted under an id.
CREATE TABLE inputs (
    contact bigint NOT NULL, seq bigint NOT NULL, at bigint NOT NULL, body bytea NOT NULL, PRIMARY KEY (contact, seq)
);
CREATE TABLE input_ids (
    contact bigint NOT NULL, id text NOT NULL, fingerprint bytea NOT NULL, PRIMARY KEY (contact, id)
);

-- Messages decided and not done. `worker` has claimed it; one that is on the wire as well may have left. If its worker dies,
-- `hold` says that it is held from then on until somebody decides. `applied` is the last input that the decision knew.
CREATE TABLE outbox (
    contact bigint NOT NULL, number integer NOT NULL, due bigint NOT NULL, attempts integer NOT NULL,
    applied bigint NOT NULL, marketing boolean NOT NULL, topic text, body bytea NOT NULL,
    hold boolean NOT NULL, worker integer, on_wire boolean NOT NULL DEFAULT false, held_since bigint,
    PRIMARY KEY (contact, number)
);
CREATE INDEX outbox_due ON outbox (due, contact, number) WHERE worker IS NULL AND held_since IS NULL;
CREATE INDEX outbox_held ON outbox (contact, number) WHERE held_since IS NOT NULL;
CREATE INDEX outbox_worker ON outbox (worker) WHERE worker IS NOT NULL;

-- Messages done; `message` is kept where it failed.
CREATE TABLE deliveries (
    contact bigint NOT NULL, number integer NOT NULL, at bigint NOT NULL, attempts integer NOT NULL,
    failed boolean NOT NULL, result bytea NOT NULL, message bytea, PRIMARY KEY (contact, number)
);
CREATE INDEX deliveries_failed ON deliveries (contact, number) WHERE failed;

-- To which addresses messages of a contact went, as hashes; and at which a contact unsubscribed, by topic, '' for everything:
-- other contacts with the address get no more either. This one is small, and is asked by address.
CREATE TABLE addressed (contact bigint NOT NULL, hash bytea NOT NULL, PRIMARY KEY (contact, hash));
CREATE TABLE suppressed (
    hash bytea NOT NULL, topic text NOT NULL, contact bigint NOT NULL, PRIMARY KEY (hash, topic, contact)
);

-- The newest unsubscribe by topic, '' for everything: the last gate before the wire holds back what was decided before.
CREATE TABLE unsubscribed (contact bigint NOT NULL, topic text NOT NULL, seq bigint NOT NULL, PRIMARY KEY (contact, topic));

CREATE TABLE trace (
    contact bigint NOT NULL, place bigint GENERATED ALWAYS AS IDENTITY, body bytea NOT NULL, PRIMARY KEY (contact, place)
);

CREATE TABLE programs (version bytea PRIMARY KEY, place bigint GENERATED ALWAYS AS IDENTITY, body bytea NOT NULL);
", "
-- How many contacts came to each side of a split within an hour, and to how many of them the thing measured happened.
CREATE TABLE trials (
    version bytea NOT NULL, split text NOT NULL, side text NOT NULL, hour bigint NOT NULL, took bigint NOT NULL,
    reached bigint NOT NULL, PRIMARY KEY (version, split, side, hour)
);

-- Codes of vouchers; those with a contact are given out, each to the question of this number.
CREATE TABLE codes (
    voucher text NOT NULL, code text NOT NULL, place bigint GENERATED ALWAYS AS IDENTITY, contact bigint, number integer,
    at bigint, expires bigint, PRIMARY KEY (voucher, code)
);
CREATE INDEX codes_free ON codes (voucher, place) WHERE contact IS NULL;
CREATE UNIQUE INDEX codes_taken ON codes (contact, number) WHERE contact IS NOT NULL;
", "
-- What is deployed and what is paused; the newest row counts.
CREATE TABLE deployments (id bytea PRIMARY KEY, body bytea NOT NULL);
CREATE TABLE revisions (number bigint PRIMARY KEY, body bytea NOT NULL, told boolean NOT NULL);
", "
-- The last gate asks by channel and by the very address (its hash; empty for none) as well; what was queued before has neither.
ALTER TABLE outbox ADD COLUMN channel text NOT NULL DEFAULT '', ADD COLUMN address bytea;
CREATE INDEX addressed_hash ON addressed (hash, contact);
ALTER TABLE unsubscribed ADD COLUMN channel text NOT NULL DEFAULT '', DROP CONSTRAINT unsubscribed_pkey;
ALTER TABLE unsubscribed ADD PRIMARY KEY (contact, topic, channel);

-- What providers told, by their ids: nothing counts twice.
CREATE TABLE heard (id text PRIMARY KEY, at bigint NOT NULL);
CREATE INDEX heard_at ON heard (at);
", "
-- Why a message did not go at once.
ALTER TABLE outbox ADD COLUMN cause text;
", "
-- How many marketing mails of a domain were delivered within an hour, and how many were called spam; and whose marketing is held.
CREATE TABLE traffic (
    sender text NOT NULL, hour bigint NOT NULL, delivered bigint NOT NULL, complained bigint NOT NULL,
    PRIMARY KEY (sender, hour)
);
CREATE TABLE held_senders (
    sender text PRIMARY KEY, since bigint NOT NULL, delivered bigint NOT NULL, complained bigint NOT NULL
);
", "
-- Inputs that are applied: what contacts were told, to be read and never to be worked on.
CREATE TABLE told (
    contact bigint NOT NULL, seq bigint NOT NULL, at bigint NOT NULL, body bytea NOT NULL, PRIMARY KEY (contact, seq)
);
", "
-- Whom a contact turned out to be; once it has handed over, what comes for it goes to that one's log.
ALTER TABLE contacts ADD COLUMN merged_into bigint, ADD COLUMN handed boolean NOT NULL DEFAULT false;
", "
-- Since when a contact wants no more at an address; and since when a topic is wanted there again, by whomever: the later word
-- counts.
ALTER TABLE suppressed ADD COLUMN at bigint NOT NULL DEFAULT 0;
CREATE TABLE resubscribed (hash bytea NOT NULL, topic text NOT NULL, at bigint NOT NULL, PRIMARY KEY (hash, topic));
", "
-- A contact has no state before its first step: whoever takes that one holds the contact's first input instead.
DELETE FROM states WHERE body IS NULL;
ALTER TABLE states ALTER COLUMN body SET NOT NULL;
CREATE INDEX inputs_first ON inputs (contact) WHERE seq = 1;
"];

/// Brings the database up to date.
pub(super) async fn migrate(pool: &PgPool, database: &str) -> Result<(), StoreError> {
    migrate_to(pool, database, STEPS).await
}

async fn migrate_to(pool: &PgPool, database: &str, steps: &[&'static str]) -> Result<(), StoreError> {
    let open = |error| open_error(database, &error);
    let known = steps.len() as i64;
    loop {
        let mut transaction = pool.begin().await.map_err(open)?;
        sqlx::query("SELECT pg_advisory_xact_lock($1, 0)")
            .bind(FIRST_KEY)
            .execute(&mut *transaction)
            .await
            .map_err(open)?;
        let Some(found) = version(&mut transaction).await.map_err(open)? else {
            return Err(StoreError::Foreign { database: database.to_owned() });
        };
        if found > known {
            return Err(StoreError::Newer { database: database.to_owned(), found, known });
        }
        let Some(step) = usize::try_from(found).ok().and_then(|found| steps.get(found)) else { return Ok(()) };
        let note = format!(
            "CREATE SCHEMA IF NOT EXISTS {SCHEMA}; {step}; COMMENT ON SCHEMA {SCHEMA} IS 'journey {}'",
            found + 1
        );
        sqlx::raw_sql(AssertSqlSafe(note)).execute(&mut *transaction).await.map_err(open)?;
        transaction.commit().await.map_err(open)?;
    }
}

/// Makes sure that the database is as this version wants it.
pub(super) async fn check(pool: &PgPool, database: &str) -> Result<(), StoreError> {
    let open = |error| open_error(database, &error);
    let mut connection = pool.acquire().await.map_err(open)?;
    let (found, known) = (version(&mut connection).await.map_err(open)?, STEPS.len() as i64);
    let database = database.to_owned();
    match found {
        None => Err(StoreError::Foreign { database }),
        Some(0) => Err(StoreError::Open { database, cause: "it has no tables; `journey serve` makes them".into() }),
        Some(found) if found > known => Err(StoreError::Newer { database, found, known }),
        Some(found) if found < known => Err(StoreError::Older { database, found, known }),
        Some(_) => Ok(()),
    }
}

/// The number of the schema there is; none if somebody else's schema has our name.
async fn version(connection: &mut PgConnection) -> sqlx::Result<Option<i64>> {
    let comment = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1";
    let found: Option<Option<String>> = sqlx::query_scalar(comment).bind(SCHEMA).fetch_optional(connection).await?;
    Ok(match found {
        None => Some(0),
        Some(comment) => comment.and_then(|comment| comment.strip_prefix("journey ")?.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::database;
    use super::*;

    async fn tables(pool: &PgPool) -> i64 {
        let count = "SELECT count(*) FROM pg_tables WHERE schemaname = $1";
        sqlx::query_scalar(count).bind(SCHEMA).fetch_one(pool).await.unwrap()
    }

    #[tokio::test]
    async fn an_interrupted_migration_goes_on() {
        let Some(url) = database().await else { return };
        let pool = super::super::pool(&url).await.unwrap();
        let broken = ["CREATE TABLE a (x int)", "CREATE TABLE b (x int); CREATE TABLE c (x int); nonsense"];
        assert!(migrate_to(&pool, "t", &broken).await.is_err());
        assert_eq!(tables(&pool).await, 1, "the broken step left nothing behind");
        let whole = ["CREATE TABLE a (x int)", "CREATE TABLE b (x int); CREATE TABLE c (x int)"];
        let (one, two) = tokio::join!(migrate_to(&pool, "t", &whole), migrate_to(&pool, "t", &whole));
        one.unwrap();
        two.unwrap();
        assert_eq!(tables(&pool).await, 3);
        let error = migrate_to(&pool, "t", &broken[..1]).await.unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 2, known: 1, .. }), "{error}");
    }

    #[tokio::test]
    async fn contacts_without_a_state_have_no_row_for_it() {
        let Some(url) = database().await else { return };
        let pool = super::super::pool(&url).await.unwrap();
        migrate_to(&pool, "t", &STEPS[..9]).await.unwrap();
        let older = "INSERT INTO states (contact, due, body) VALUES (1, 70, '\\x01'), (2, 9223372036854775807, NULL)";
        sqlx::raw_sql(older).execute(&pool).await.unwrap();
        migrate(&pool, "t").await.unwrap();
        let left: Vec<i64> = sqlx::query_scalar("SELECT contact FROM states").fetch_all(&pool).await.unwrap();
        assert_eq!(left, [1]);
    }

    #[tokio::test]
    async fn a_schema_of_somebody_else_is_refused() {
        let Some(url) = database().await else { return };
        let pool = super::super::pool(&url).await.unwrap();
        sqlx::raw_sql("CREATE SCHEMA journey").execute(&pool).await.unwrap();
        assert!(matches!(migrate(&pool, "t").await, Err(StoreError::Foreign { .. })));
    }
}
