//! `cargo xtask bench engine`: durable steps per second on SQLite and on PostgreSQL, beside a plain loop over the same
//! database that pops due rows, updates each and commits.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark talks, and ends where it fails"
)]

use std::sync::Arc;
use std::time::Instant as Moment;

use journey_bytecode::{Instant, Value};
use journey_compiler::compile;
use journey_compiler::project::{File, Project};
use journey_runtime::core::input::InputKind;
use journey_runtime::core::{Linked, advance};
use journey_runtime::store::{Advanced, AnyStore, Database, NewInput, Store, Whose};
use sqlx::{Connection, Executor};

/// Contacts that one batch holds.
const BATCH: usize = 1_000;

const JOURNEY: &str = "\
tags { lead }
journey bench {
  on tag lead
  reenter never
  wait 3d
  wait 3d
  end
}
";

const START: Instant = Instant(1_772_442_000_000);
const DAY: i64 = 86_400_000;

fn linked() -> Arc<Linked> {
    let file = |path: &str, text: &str| File { path: path.into(), bytes: text.as_bytes().to_vec().into() };
    let files =
        vec![file("bench.journey", JOURNEY), file("journey.toml", "[project]\nname = \"bench\"\ntimezone = \"UTC\"\n")];
    let compiled = compile(&Project { files, lone: false });
    let bundle = compiled.bundle.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    Arc::new(Linked::new(bundle, []).unwrap())
}

fn main() {
    let argument = |at: usize| std::env::args().nth(at);
    let contacts: usize = argument(1).and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let url = argument(2).filter(|url| !url.is_empty());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Database::Sqlite(folder.path().join("journey.db"));
        println!("{contacts} contacts, batches of {BATCH}; every figure is per second\n");
        println!("{:<24} {:>10} {:>10} {:>10} {:>10} {:>8}", "", "accepted", "entered", "timers", "raw loop", "bytes");
        measure("SQLite, full sync", &sqlite, contacts, 1).await;
        if let Some(url) = url {
            for workers in [1, 2] {
                let database = Database::parse(&fresh(&url).await).unwrap();
                measure(&format!("PostgreSQL, {workers} claiming"), &database, contacts, workers).await;
            }
        }
    });
}

/// A new database beside this one.
async fn fresh(url: &str) -> String {
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    let name =
        format!("bench_{}", std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros());
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    format!("{}/{name}", url.rsplit_once('/').unwrap().0)
}

async fn measure(name: &str, database: &Database, contacts: usize, workers: usize) {
    let linked = linked();
    let store = Arc::new(AnyStore::open(database).await.unwrap());
    let rate = |since: Moment| contacts as f64 / since.elapsed().as_secs_f64();

    let begin = Moment::now();
    for batch in 0..contacts / BATCH {
        let input = |n: usize| NewInput {
            contact: Whose::Key(format!("c{:07}", batch * BATCH + n).into()),
            id: None,
            fingerprint: [0; 16],
            at: START,
            kind: InputKind::Upsert { attributes: vec![], add_tags: vec!["lead".into()], remove_tags: vec![] },
            creates: true,
        };
        store.accept(&(0..BATCH).map(input).collect::<Vec<_>>(), START).await.unwrap();
    }
    let accepted = rate(begin);
    let begin = Moment::now();
    assert_eq!(step_all(&store, &linked, START, workers).await, contacts);
    let entered = rate(begin);
    let bytes = size(database).await / contacts as u64;
    let begin = Moment::now();
    assert_eq!(step_all(&store, &linked, Instant(START.0 + 3 * DAY), workers).await, contacts);
    let timers = rate(begin);
    drop(store);
    let begin = Moment::now();
    raw(database, contacts).await;
    let raw = rate(begin);
    println!("{name:<24} {accepted:>10.0} {entered:>10.0} {timers:>10.0} {raw:>10.0} {bytes:>8}");
}

/// Advances everybody who has something to do; how many that were.
async fn step_all(store: &Arc<AnyStore>, linked: &Arc<Linked>, now: Instant, workers: usize) -> usize {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..workers {
        let (store, linked) = (Arc::clone(store), Arc::clone(linked));
        tasks.spawn(async move {
            let mut stepped = 0;
            loop {
                let claimed = store.claim(now, BATCH).await.unwrap();
                if claimed.contacts.is_empty() {
                    return stepped;
                }
                stepped += claimed.contacts.len();
                let step = |mut pending: journey_runtime::store::Pending| {
                    let outcome = advance(&linked, &mut pending.contact, &pending.inputs, now);
                    Advanced { contact: pending.contact, outcome }
                };
                let advanced = claimed.contacts.into_iter().map(step).collect();
                store.commit(claimed.lease, advanced).await.unwrap();
            }
        });
    }
    tasks.join_all().await.into_iter().sum()
}

/// How large the database is, in bytes.
async fn size(database: &Database) -> u64 {
    match database {
        Database::Sqlite(path) => {
            let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
            let pages: i64 =
                sqlx::query_scalar("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
                    .fetch_one(&mut connection)
                    .await
                    .unwrap();
            pages.unsigned_abs()
        }
        Database::Postgres(url) => {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            let bytes: i64 = sqlx::query_scalar("SELECT pg_database_size(current_database())")
                .fetch_one(&mut connection)
                .await
                .unwrap();
            bytes.unsigned_abs()
        }
    }
}

/// A plain loop over the same database: pop due rows, give each a new body and moment, commit.
async fn raw(database: &Database, contacts: usize) {
    let body = Value::text("x".repeat(100)).to_string();
    match database {
        Database::Sqlite(path) => {
            let url = format!("sqlite:{}", path.with_extension("raw").display());
            let options: sqlx::sqlite::SqliteConnectOptions = url.parse().unwrap();
            let options = options
                .create_if_missing(true)
                .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
                .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
                .pragma("wal_autocheckpoint", "20000");
            let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
            let fill = format!(
                "CREATE TABLE raw (contact INTEGER PRIMARY KEY, due INTEGER NOT NULL, body TEXT NOT NULL);
                 CREATE INDEX raw_due ON raw (due);
                 WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {contacts})
                 INSERT INTO raw SELECT n, 1, '{body}' FROM n"
            );
            connection.execute(sqlx::AssertSqlSafe(fill)).await.unwrap();
            for _ in 0..contacts / BATCH {
                let step = "BEGIN IMMEDIATE;
                     UPDATE raw SET due = 9, body = body || '' WHERE contact IN
                         (SELECT contact FROM raw WHERE due <= 1 ORDER BY due LIMIT 1000);
                     COMMIT";
                connection.execute(sqlx::raw_sql(step)).await.unwrap();
            }
        }
        Database::Postgres(url) => {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            let fill = format!(
                "CREATE TABLE raw (contact bigint PRIMARY KEY, due bigint NOT NULL, body text NOT NULL);
                 CREATE INDEX raw_due ON raw (due);
                 INSERT INTO raw SELECT n, 1, '{body}' FROM generate_series(1, {contacts}) n;
                 ANALYZE raw"
            );
            connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(fill))).await.unwrap();
            for _ in 0..contacts / BATCH {
                let step = "UPDATE raw SET due = 9, body = body || '' WHERE contact IN
                     (SELECT contact FROM raw WHERE due <= 1 ORDER BY due LIMIT 1000 FOR UPDATE SKIP LOCKED)";
                connection.execute(sqlx::raw_sql(step)).await.unwrap();
            }
        }
    }
}
