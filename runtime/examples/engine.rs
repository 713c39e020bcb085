//! `cargo xtask bench engine`: durable steps per second on SQLite and on PostgreSQL, beside plain loops over the same
//! database that pop due rows, update each, write a row of what was done or none, and commit; then a real engine with
//! everybody due at once, and how soon it commits an event and fires a timer.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark talks, and ends where it fails"
)]

use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use journey_bytecode::{Instant, Value};
use journey_compiler::compile;
use journey_compiler::project::{File, Project};
use journey_runtime::clock::SystemClock;
use journey_runtime::core::input::InputKind;
use journey_runtime::core::{Linked, advance};
use journey_runtime::engine::{Engine, Outlet};
use journey_runtime::render::Renderer;
use journey_runtime::store::{Advanced, AnyStore, Database, NewInput, Store, Whose};
use journey_runtime::track::{Keys, Links};
use journey_tests::postgres::Cluster;
use journey_tests::usage::{cpu_time, forget_peak, peak};
use sqlx::{Connection, Executor};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Contacts that one batch holds.
const BATCH: usize = 1_000;

/// Events a second while latencies are measured, and how many there are.
const RATE: usize = 1_000;
const EVENTS: usize = 5_000;

/// How long a contact waits after each of them.
const WAIT: Duration = Duration::from_secs(10);

const JOURNEY: &str = "\
tags { lead }
event ping { n: number }
journey bench {
  on tag lead
  reenter never
  wait 3d
  wait 3d
  wait 3d
  end
}
journey quick {
  on ping
  reenter always
  wait 10s
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
    let contacts = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("{contacts} contacts, batches of {BATCH}");
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Database::Sqlite(folder.path().join("journey.db"));
    runtime.block_on(measure("SQLite, full sync", &sqlite, contacts));
    if let Some(cluster) = Cluster::start() {
        let postgres = Database::parse(&cluster.database()).unwrap();
        runtime.block_on(measure("PostgreSQL", &postgres, contacts));
    }
}

async fn measure(name: &str, database: &Database, contacts: usize) {
    let linked = linked();
    println!("\n{name}");
    let rate = |since: Moment| contacts as f64 / since.elapsed().as_secs_f64();

    let mut plain = Vec::new();
    for kind in Loop::ALL {
        let begin = raw(database, contacts, kind).await;
        let rate = rate(begin);
        println!("  {:<28} {rate:>12.0} rows/s", kind.name());
        plain.push(rate);
    }
    let steps = |what: &str, rate: f64| {
        let shares: Vec<_> = plain.iter().map(|plain| format!("{:.0} %", 100.0 * rate / plain)).collect();
        println!("  {what:<28} {rate:>12.0} contacts/s, {} of the plain loops", shares.join(" and "));
    };

    let store = Arc::new(AnyStore::open(database).await.unwrap());
    let (begin, cpu) = (Moment::now(), cpu_time());
    for batch in 0..contacts / BATCH {
        let input = |n: usize| NewInput {
            contact: Whose::Key(key(batch * BATCH + n).into()),
            id: None,
            fingerprint: [0; 16],
            at: START,
            kind: InputKind::Upsert { attributes: vec![], add_tags: vec!["lead".into()], remove_tags: vec![] },
            creates: true,
        };
        store.accept(&(0..BATCH).map(input).collect::<Vec<_>>(), START).await.unwrap();
    }
    steps("inputs accepted", rate(begin));
    let begin = Moment::now();
    assert_eq!(step_all(&store, &linked, START, 1).await, contacts);
    steps("contacts entered", rate(begin));
    let (waiting, all) = size(database).await;
    println!("  a waiting run                {:>12} bytes, indexes included", waiting / contacts as u64);
    println!("  the whole database           {:>12} bytes a contact", all / contacts as u64);
    for (round, claiming) in [(1, 1), (2, 2)] {
        let begin = Moment::now();
        assert_eq!(step_all(&store, &linked, Instant(START.0 + round * 3 * DAY), claiming).await, contacts);
        steps(&format!("timers fired, {claiming} claiming"), rate(begin));
    }
    let used = cpu_time() - cpu;
    println!("  our own CPU for all of this  {:>12.1} ms a 1,000 contacts", used * 1e6 / contacts as f64);
    if let Some(store) = Arc::into_inner(store) {
        store.close().await;
    }
    serve(database, &linked, contacts).await;
}

fn key(n: usize) -> String {
    format!("c{n:07}")
}

/// A real engine on the real clock: everybody is due, then events come in.
async fn serve(database: &Database, linked: &Arc<Linked>, contacts: usize) {
    forget_peak();
    let store = AnyStore::open(database).await.unwrap();
    let renderer = Renderer::new(linked.bundle(), Links::untracked(Keys::new([[7; 32]]).unwrap())).unwrap();
    let outlet = Outlet::new(renderer, Default::default());
    let begin = Moment::now();
    let engine = Engine::start(store, Arc::clone(linked), outlet, Arc::new(SystemClock::default())).await.unwrap();
    until(&engine, |done| done.stepped >= contacts as u64).await;
    let rate = contacts as f64 / begin.elapsed().as_secs_f64();
    println!("  an engine, all due at once   {rate:>12.0} contacts/s, {} MB at the peak", peak() >> 20);

    let base = engine.metrics();
    let submitter = engine.submitter();
    let feeder = tokio::spawn(async move {
        let (begin, mut begun, mut pending) = (Moment::now(), Vec::new(), tokio::task::JoinSet::new());
        for n in 0..EVENTS {
            let due = begin + Duration::from_secs(1) * u32::try_from(n).unwrap() / u32::try_from(RATE).unwrap();
            tokio::time::sleep_until(due.into()).await;
            let at = submitter.now();
            begun.push(Moment::now());
            let payload = Value::Record([("n".into(), Value::int(1))].into_iter().collect());
            let kind = InputKind::Event { name: "ping".into(), payload };
            let contact = Whose::Key(key(n).into());
            let input = NewInput { contact, id: None, fingerprint: [0; 16], at, kind, creates: false };
            let submitter = submitter.clone();
            pending.spawn(async move { submitter.submit(vec![input]).await.unwrap() });
        }
        pending.join_all().await;
        begun
    });
    let committed = moments(&engine, |done| done.applied - base.applied).await;
    let begun = feeder.await.unwrap();
    let fired = moments(&engine, |done| (done.stepped - base.stepped).saturating_sub(EVENTS as u64)).await;
    let late = |since: &[Moment], ready: &[Moment], wait: Duration| {
        let mut late: Vec<_> =
            since.iter().zip(ready).map(|(at, then)| then.saturating_duration_since(*at + wait)).collect();
        late.sort_unstable();
        let at = |share: usize| late.get(late.len() * share / 100).copied().unwrap_or_default().as_secs_f64() * 1e3;
        format!("{:>8.1} ms p50 {:>8.1} ms p99", at(50), at(99))
    };
    println!("  from an event to its commit  {}, at {RATE}/s", late(&begun, &committed, Duration::ZERO));
    println!("  lateness of a timer          {}, at {RATE}/s", late(&begun, &fired, WAIT));
    engine.stop(Duration::from_secs(10)).await.unwrap();
}

/// When a counter came to 1, 2, 3 and so on.
async fn moments(engine: &Engine<AnyStore>, count: impl Fn(journey_runtime::engine::Snapshot) -> u64) -> Vec<Moment> {
    let mut moments = Vec::new();
    while moments.len() < EVENTS {
        let there = usize::try_from(count(engine.metrics())).unwrap();
        moments.resize(there.min(EVENTS).max(moments.len()), Moment::now());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    moments
}

async fn until(engine: &Engine<AnyStore>, done: impl Fn(journey_runtime::engine::Snapshot) -> bool) {
    while !done(engine.metrics()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
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
                store.commit(claimed.lease, advanced, 0).await.unwrap();
            }
        });
    }
    tasks.join_all().await.into_iter().sum()
}

/// How large what waits is, and the whole database, in bytes.
async fn size(database: &Database) -> (u64, u64) {
    let (waiting, all): (i64, i64) = match database {
        Database::Sqlite(path) => {
            let mut connection = sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
            // The log is folded in first.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
            let rows = "SELECT sum(pgsize) FROM dbstat WHERE name = 'states'";
            let pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
            (
                sqlx::query_scalar(rows).fetch_one(&mut connection).await.unwrap(),
                sqlx::query_scalar(pages).fetch_one(&mut connection).await.unwrap(),
            )
        }
        Database::Postgres(url) => {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            let sizes = "SELECT pg_total_relation_size('journey.states'), pg_database_size(current_database())";
            sqlx::query_as(sizes).fetch_one(&mut connection).await.unwrap()
        }
    };
    (waiting.unsigned_abs(), all.unsigned_abs())
}

/// What a plain loop does to a due row.
#[derive(Clone, Copy)]
enum Loop {
    /// It gets a new body and moment.
    Update,
    /// What was done is noted as well, in a row of its own: as a step does.
    UpdateAndNote,
}

impl Loop {
    const ALL: [Self; 2] = [Self::Update, Self::UpdateAndNote];

    const fn name(self) -> &'static str {
        match self {
            Self::Update => "plain loop, a row updated",
            Self::UpdateAndNote => "plain loop, and one noted",
        }
    }
}

/// A plain loop over the same kind of database takes 1,000 due rows a commit, which never leave the database. When it began,
/// its table filled.
async fn raw(database: &Database, contacts: usize, kind: Loop) -> Moment {
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
                "DROP TABLE IF EXISTS raw;
                 DROP TABLE IF EXISTS done;
                 CREATE TABLE raw (contact INTEGER PRIMARY KEY, due INTEGER NOT NULL, body TEXT NOT NULL);
                 CREATE TABLE done (place INTEGER PRIMARY KEY, contact INTEGER NOT NULL, body TEXT NOT NULL);
                 CREATE INDEX raw_due ON raw (due);
                 WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {contacts})
                 INSERT INTO raw SELECT n, 1, '{body}' FROM n"
            );
            connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(fill))).await.unwrap();
            let note = "INSERT INTO done (contact, body) SELECT contact, body FROM raw WHERE due <= 1 ORDER BY due LIMIT 1000;";
            let update = "UPDATE raw SET due = 9, body = body || '' WHERE contact IN
                (SELECT contact FROM raw WHERE due <= 1 ORDER BY due LIMIT 1000);";
            let step = match kind {
                Loop::Update => ["BEGIN IMMEDIATE;", update, "COMMIT"].concat(),
                Loop::UpdateAndNote => ["BEGIN IMMEDIATE;", note, update, "COMMIT"].concat(),
            };
            let begin = Moment::now();
            for _ in 0..contacts / BATCH {
                connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(step.clone()))).await.unwrap();
            }
            begin
        }
        Database::Postgres(url) => {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            let fill = format!(
                "DROP TABLE IF EXISTS raw;
                 DROP TABLE IF EXISTS done;
                 CREATE TABLE raw (contact bigint PRIMARY KEY, due bigint NOT NULL, body text NOT NULL);
                 CREATE TABLE done (place bigserial PRIMARY KEY, contact bigint NOT NULL, body text NOT NULL);
                 CREATE INDEX raw_due ON raw (due);
                 INSERT INTO raw SELECT n, 1, '{body}' FROM generate_series(1, {contacts}) n;
                 ANALYZE raw"
            );
            connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(fill))).await.unwrap();
            let update = "UPDATE raw SET due = 9, body = body || '' WHERE contact IN
                (SELECT contact FROM raw WHERE due <= 1 ORDER BY due LIMIT 1000 FOR UPDATE SKIP LOCKED)";
            let step = match kind {
                Loop::Update => update.to_owned(),
                Loop::UpdateAndNote => format!(
                    "WITH stepped AS ({update} RETURNING contact, body)
                     INSERT INTO done (contact, body) SELECT contact, body FROM stepped"
                ),
            };
            let begin = Moment::now();
            for _ in 0..contacts / BATCH {
                connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(step.clone()))).await.unwrap();
            }
            begin
        }
    }
}
