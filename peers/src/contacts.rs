//! Contacts that enter, send A, wait a second durably, branch, send B or C, and end: on Journey, on a plain loop over SQLite, on
//! Restate and on DBOS. Sending costs nobody anything; that it happened is on disk everywhere but in the plain loop, which keeps no
//! books of messages.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use futures_util::future::join_all;
use journey_bytecode::{Channel, Number, Value};
use journey_compiler::compile;
use journey_compiler::project::{File, Project};
use journey_runtime::clock::SystemClock;
use journey_runtime::core::Linked;
use journey_runtime::core::input::InputKind;
use journey_runtime::engine::{Engine, Outlet};
use journey_runtime::render::{Rendered, Renderer};
use journey_runtime::send::{Settle, Transport, Verdict};
use journey_runtime::store::{AnyStore, Database, NewInput, Whose};
use journey_runtime::track::{BoxFuture, Keys, Links};
use journey_tests::postgres::Cluster;
use journey_tests::usage::{cpu_time, forget_peak, peak};
use sqlx::{Connection, Executor};

/// Contacts that come in one request, and that the plain loop takes at once.
const BATCH: usize = 1_000;

/// What a contact waits; it is not counted.
const WAIT: Duration = Duration::from_secs(1);

const JOURNEY: &str = r#"
contact { email: email  visits: number = 0 }
tags { lead }
policy { sender "Bench <bench@bench.example>"  address "Bench Ltd, 1 Path, Benchton" }
journey bench {
  on tag lead
  reenter never
  purpose transactional
  send email a
  wait 1s
  if visits >= 3 { send email b } else { send email c }
  end
}
"#;

/// What it took.
struct Took {
    contacts: usize,
    seconds: f64,
    /// Of the processor.
    cpu: f64,
    /// In bytes, at most.
    memory: u64,
}

impl Took {
    fn print(&self, name: &str) {
        let Self { contacts, seconds, cpu, memory } = self;
        let rate = *contacts as f64 / (seconds - WAIT.as_secs_f64());
        let (cpu, memory) = (cpu * 1e6 / *contacts as f64, memory >> 20);
        println!("{name:<44} {contacts:>10} {rate:>12.0} {cpu:>14.0} {memory:>8}");
    }
}

/// Prints what each does in a second, and what it costs.
pub(crate) fn run(contacts: usize, folder: &Path) {
    println!(
        "\n{:<44} {:>10} {:>12} {:>14} {:>8}",
        "contacts: send, wait 1 s, branch, send, end", "contacts", "contacts/s", "CPU ms a 1,000", "MB"
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // What is fast gets more to do: else the second of waiting would be all that is measured.
    let many = contacts * 10;
    let files = tempfile::tempdir().unwrap();
    let cluster = Cluster::start();
    runtime.block_on(plain(&files.path().join("plain.db"), many)).print("a plain loop, SQLite");
    let sqlite = Database::Sqlite(files.path().join("journey.db"));
    runtime.block_on(ours(&sqlite, many)).print("Journey, SQLite");
    if let Some(cluster) = &cluster {
        let postgres = Database::parse(&cluster.database()).unwrap();
        // The database's own work is not ours to see here.
        runtime.block_on(ours(&postgres, many)).print("Journey, PostgreSQL (its own work uncounted)");
    }
    theirs("Restate, 2 partitions", folder, "restate.mjs", &[&contacts.to_string()]);
    if let Some(cluster) = &cluster {
        theirs("DBOS, PostgreSQL", folder, "dbos.mjs", &[&contacts.to_string(), &cluster.database()]);
    }
}

/// Takes everything at once.
struct Takes;

impl Transport for Takes {
    fn deliver_each<'a>(&'a self, batch: &'a [Rendered], settle: &'a dyn Settle) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let taken = || Verdict::Delivered { response: "250 2.0.0 Ok".to_owned() };
            join_all((0..batch.len()).map(|place| settle.settle(place, taken()))).await;
        })
    }
}

async fn ours(database: &Database, contacts: usize) -> Took {
    let file = |path: &str, text: &str| File { path: path.into(), bytes: text.as_bytes().to_vec().into() };
    let message = |name: &str| {
        file(
            &format!("messages/{name}.email.txt"),
            "---\nsubject: For {{ email }}\n---\nYou came {{ visits }} times.\n",
        )
    };
    let settings = "[project]\nname = \"bench\"\ntimezone = \"UTC\"\n";
    let mut files = vec![file("bench.journey", JOURNEY), file("journey.toml", settings)];
    files.extend(["a", "b", "c"].map(message));
    let compiled = compile(&Project { files, lone: false });
    let bundle = compiled.bundle.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    let linked = Arc::new(Linked::new(bundle, []).unwrap());
    let renderer = Renderer::new(linked.bundle(), Links::untracked(Keys::new([[7; 32]]).unwrap())).unwrap();
    let takes: Arc<dyn Transport> = Arc::new(Takes);
    let outlet = Outlet::new(renderer, BTreeMap::from([(Channel::Email, takes)]));
    let store = AnyStore::open(database).await.unwrap();
    forget_peak();
    let (begin, cpu) = (Moment::now(), cpu_time());
    let engine = Engine::start(store, linked, outlet, Arc::new(SystemClock::default())).await.unwrap();
    let submitter = engine.submitter();
    for first in (0..contacts).step_by(BATCH) {
        let input = |n: usize| NewInput {
            contact: Whose::Key(format!("c{n:07}").into()),
            id: Some(format!("enter{n}").into()),
            fingerprint: [0; 16],
            at: submitter.now(),
            kind: InputKind::Upsert {
                attributes: vec![
                    ("email".into(), Value::text(format!("c{n:07}@bench.example"))),
                    ("visits".into(), Value::Number(Number::from_int((n % 6) as i64))),
                ],
                add_tags: vec!["lead".into()],
                remove_tags: vec![],
            },
            creates: true,
        };
        submitter.submit((first..contacts.min(first + BATCH)).map(input).collect()).await.unwrap();
    }
    while engine.metrics().delivered < 2 * contacts as u64 {
        let done = engine.metrics();
        assert!(done.failed + done.retried == 0 && begin.elapsed() < Duration::from_secs(600), "{done:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let took = Took { contacts, seconds: begin.elapsed().as_secs_f64(), cpu: cpu_time() - cpu, memory: peak() };
    engine.stop(Duration::from_secs(10)).await.unwrap();
    took
}

/// By hand: a batch enters in one transaction, and is due a second later in another one.
async fn plain(file: &Path, contacts: usize) -> Took {
    let options: sqlx::sqlite::SqliteConnectOptions = format!("sqlite:{}", file.display()).parse().unwrap();
    let options = options
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "20000");
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    let table = "CREATE TABLE runs (contact TEXT PRIMARY KEY, due INTEGER, visits INTEGER, sent TEXT) WITHOUT ROWID;
         CREATE INDEX runs_due ON runs (due) WHERE due IS NOT NULL";
    connection.execute(table).await.unwrap();
    forget_peak();
    let (begin, cpu) = (Moment::now(), cpu_time());
    let now = || i64::try_from(begin.elapsed().as_millis()).unwrap();
    let enter = "INSERT INTO runs SELECT value ->> 0, ?1, value ->> 1, 'A' FROM json_each(?2)";
    let go_on = "UPDATE runs SET due = NULL, sent = sent || iif(visits >= 3, 'B', 'C')
         WHERE contact IN (SELECT contact FROM runs WHERE due <= ?1 ORDER BY due LIMIT 1000)";
    let (mut entered, mut ended) = (0, 0);
    while ended < contacts as u64 {
        if entered < contacts {
            let rows = (entered..contacts.min(entered + BATCH)).map(|n| serde_json::json!([format!("c{n:07}"), n % 6]));
            let rows = serde_json::Value::Array(rows.collect()).to_string();
            sqlx::query(enter).bind(now() + 1_000).bind(rows).execute(&mut connection).await.unwrap();
            entered += BATCH;
        }
        let gone = sqlx::query(go_on).bind(now()).execute(&mut connection).await.unwrap().rows_affected();
        ended += gone;
        if gone == 0 && entered >= contacts {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    Took { contacts, seconds: begin.elapsed().as_secs_f64(), cpu: cpu_time() - cpu, memory: peak() }
}

/// A peer in Node, which measures itself and says so in one line of JSON.
fn theirs(name: &str, folder: &Path, script: &str, args: &[&str]) {
    let output = Command::new("node").arg(script).args(args).current_dir(folder).output();
    let output = match output {
        Ok(output) if output.status.success() => output,
        Ok(output) => {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            println!("SKIPPED: {name}: {}", told.lines().find(|line| line.contains("rror")).unwrap_or("it fails"));
            return;
        }
        Err(error) => {
            println!("SKIPPED: {name}: node does not start: {error}");
            return;
        }
    };
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = told.lines().rev().find_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let line = line.unwrap_or_else(|| panic!("{name} says nothing: {told}"));
    let number = |field: &str| line[field].as_f64().unwrap();
    Took {
        contacts: number("contacts") as usize,
        seconds: number("seconds"),
        cpu: number("cpu"),
        memory: number("memory") as u64,
    }
    .print(name);
}
