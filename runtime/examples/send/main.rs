//! `cargo xtask bench send`: mails a second from due runs to SMTP acknowledgements, rendered and durable, into Postfix's
//! `smtp-sink`; beside them, into the same sink, senders that only send, and what rendering and signing alone allow.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark talks, and ends where it fails"
)]

mod peers;

use std::sync::Arc;
use std::time::{Duration, Instant as Moment};

use journey_bytecode::{Channel, Instant};
use journey_compiler::compile;
use journey_compiler::project::{File, Project};
use journey_runtime::clock::VirtualClock;
use journey_runtime::core::effect::Outgoing;
use journey_runtime::core::{Linked, advance};
use journey_runtime::engine::{Engine, Outlet};
use journey_runtime::ingest::Gate;
use journey_runtime::render::{Rendered, Renderer};
use journey_runtime::send::{Dkim, FileTransport, Secret, SmtpSettings, SmtpTransport, Transport};
use journey_runtime::store::{Advanced, AnyStore, Database, MemoryStore, NewInput, Store};
use journey_runtime::track::{Keys, Links};
use journey_tests::foreign::ForeignSink;
use journey_tests::postgres::Cluster;
use journey_tests::project;
use journey_tests::usage::cpu_time;
use peers::Letter;
use serde_json::json;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Contacts that one batch holds.
const BATCH: usize = 1_000;

/// Connections to the sink.
const CONNECTIONS: [usize; 3] = [1, 4, 16];

/// How often each is measured, all in turn; the best counts.
const ROUNDS: usize = 3;

/// Different mails that the peers have; they send them over and over.
const LETTERS: usize = 1_000;

/// Mails by which everybody proves that they arrive.
const PROOF: usize = 40;

/// Mails a connection of lettre's default transport, which needs a second for 23.
const SLOW: usize = 50;

/// When the carts were filled, and when their owners are reminded.
const START: Instant = Instant(1_772_442_000_000);
const DUE: Instant = Instant(START.0 + 3_600_000);

/// A key that signs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    None,
    Ed25519,
    Rsa,
}

impl Key {
    const fn name(self) -> &'static str {
        match self {
            Self::None => "without DKIM",
            Self::Ed25519 => "Ed25519",
            Self::Rsa => "RSA-2048",
        }
    }

    fn dkim(self) -> Option<Dkim> {
        let file = match self {
            Self::None => return None,
            Self::Ed25519 => "ed25519.pem",
            Self::Rsa => "rsa.pem",
        };
        let key = Secret::document(&journey_tests::root().join("tests/tests/keys").join(file)).unwrap();
        Some(Dkim::new("teehaus-nord.example").unwrap().with_key("mail", &key).unwrap())
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let mails = args.next().and_then(|count| count.parse().ok()).unwrap_or(10_000);
    let only = args.next().unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run(mails, only));
}

async fn run(mails: usize, only: String) {
    let Some(sink) = ForeignSink::forgetful() else { return };
    let shop = Shop::read();
    let outgoing = shop.outgoing(LETTERS).await;
    let renderer = shop.renderer();
    let rendered: Vec<Rendered> = outgoing.iter().map(|outgoing| renderer.render(outgoing).unwrap()).collect();
    let letters = Arc::new(letters(&rendered).await);
    shop.prove(&letters).await;
    println!(
        "{mails} mails of {} bytes, the best of {ROUNDS} rounds",
        letters.iter().map(|l| l.text.len()).sum::<usize>() / LETTERS
    );

    let cluster = Cluster::start();
    let mut table = Table { only, best: Vec::new() };
    for _ in 0..ROUNDS {
        table.note("rendering alone, two threads", async || rendering(&renderer, &outgoing, mails)).await;
        for key in [Key::Ed25519, Key::Rsa] {
            let name = format!("signing alone, {}, two threads", key.name());
            table.note(&name, async || signing(&key.dkim().unwrap(), &letters, mails)).await;
        }
        for connections in CONNECTIONS {
            let at = &sink.address;
            let on = |name: &str| format!("{name}, {connections} connections");
            let pipelined = async || measure(mails, peers::pipelined(at, connections, &letters, mails)).await;
            table.note(&on("plain pipelining"), pipelined).await;
            let lettre = async || measure(mails, peers::lettre(at, connections, &letters, mails)).await;
            table.note(&on("lettre without delay"), lettre).await;
            let few = SLOW * connections;
            let slow = async || measure(few, peers::lettre_as_it_comes(at, connections, &letters, few)).await;
            table.note(&on("lettre as it comes"), slow).await;
            for key in [Key::None, Key::Ed25519, Key::Rsa] {
                let ours = async || {
                    let folder = tempfile::tempdir().unwrap();
                    let database = Database::Sqlite(folder.path().join("journey.db"));
                    shop.send(&database, at, connections, key, mails).await
                };
                table.note(&on(&format!("journey, SQLite, {}", key.name())), ours).await;
            }
            if let Some(cluster) = &cluster {
                let ours = async || {
                    let database = Database::parse(&cluster.database()).unwrap();
                    shop.send(&database, at, connections, Key::None, mails).await
                };
                table.note(&on("journey, PostgreSQL, without DKIM"), ours).await;
            }
        }
    }
    println!("{:<52} {:>10} {:>22}", "", "mails/s", "our CPU ms a 1,000");
    for (name, took) in table.best {
        println!("{name:<52} {:>10.0} {:>22.0}", took.rate, took.work * 1e6);
    }
}

/// The best of each, in the order in which they came first.
struct Table {
    /// What is measured: names that hold this.
    only: String,
    best: Vec<(String, Took)>,
}

impl Table {
    async fn note(&mut self, name: &str, measure: impl AsyncFnOnce() -> Took) {
        if !name.contains(&self.only) {
            return;
        }
        let took = measure().await;
        match self.best.iter_mut().find(|(known, _)| known == name) {
            Some((_, best)) if best.rate >= took.rate => {}
            Some((_, best)) => *best = took,
            None => self.best.push((name.to_owned(), took)),
        }
    }
}

/// How fast it was, and the work of the processor for one mail, in seconds.
#[derive(Clone, Copy)]
struct Took {
    rate: f64,
    work: f64,
}

async fn measure(mails: usize, sending: impl Future<Output = ()>) -> Took {
    let (begin, cpu) = (Moment::now(), cpu_time());
    sending.await;
    took(mails, begin, cpu)
}

fn took(mails: usize, begin: Moment, cpu: f64) -> Took {
    let mails = mails as f64;
    Took { rate: mails / begin.elapsed().as_secs_f64(), work: (cpu_time() - cpu) / mails }
}

/// On two threads.
fn on_both(mails: usize, each: impl Fn(usize) + Sync) -> Took {
    let (begin, cpu) = (Moment::now(), cpu_time());
    std::thread::scope(|scope| {
        for half in 0..2 {
            let each = &each;
            scope.spawn(move || (half..mails).step_by(2).for_each(each));
        }
    });
    took(mails, begin, cpu)
}

fn rendering(renderer: &Renderer, outgoing: &[Outgoing], mails: usize) -> Took {
    on_both(mails, |n| {
        renderer.render(outgoing.get(n % LETTERS).unwrap()).unwrap();
    })
}

fn signing(dkim: &Dkim, letters: &[Letter], mails: usize) -> Took {
    on_both(mails, |n| {
        dkim.sign(&letters.get(n % LETTERS).unwrap().text).unwrap();
    })
}

/// The mails as they go over the wire, without signatures.
async fn letters(rendered: &[Rendered]) -> Vec<Letter> {
    let folder = tempfile::tempdir().unwrap();
    FileTransport::new(folder.path()).deliver(rendered).await;
    let mut paths: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert_eq!(paths.len(), rendered.len());
    let letter = |(path, rendered): (&std::path::PathBuf, &Rendered)| {
        Letter::new("tee@teehaus-nord.example", &rendered.to, std::fs::read_to_string(path).unwrap())
    };
    paths.iter().zip(rendered).map(letter).collect()
}

/// The example `cart`, whose journey reminds of carts by a mail in HTML.
struct Shop {
    linked: Arc<Linked>,
}

impl Shop {
    fn read() -> Self {
        let files = project::sources(&journey_tests::root().join("examples/cart")).into_iter();
        let files = files.map(|(path, bytes)| File { path, bytes: bytes.into() }).collect();
        let compiled = compile(&Project { files, lone: false });
        let bundle = compiled.bundle.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
        Self { linked: Arc::new(Linked::new(bundle, []).unwrap()) }
    }

    fn renderer(&self) -> Renderer {
        let links = Links::tracked("https://t.teehaus-nord.example", Keys::new([[7; 32]]).unwrap()).unwrap();
        Renderer::new(self.linked.bundle(), links).unwrap()
    }

    /// What fills these carts.
    fn inputs(&self, carts: std::ops::Range<usize>) -> Vec<NewInput> {
        let gate = Gate::new(Arc::clone(&self.linked));
        let of = |n: usize| {
            let id = format!("c{n:07}");
            let attributes = json!({"email": format!("{id}@example.com"), "first_name": format!("Zoë {n}")});
            let items = json!(["Assam Second Flush, 100 g", "Glass teapot, 0.8 l", "Sencha Uji, 50 g"]);
            let cart = json!({"items": items, "total": format!("{}.80 EUR", 20 + n % 80)});
            [
                gate.contact(&json!({"id": id, "attributes": attributes}), START).unwrap(),
                gate.event(&json!({"contact": id, "event": "cart_updated", "data": cart}), START).unwrap(),
            ]
        };
        carts.flat_map(of).collect()
    }

    /// So many carts are filled, and their owners wait to be reminded.
    async fn fill(&self, store: &impl Store, mails: usize) {
        for first in (0..mails).step_by(BATCH) {
            store.accept(&self.inputs(first..mails.min(first + BATCH)), START).await.unwrap();
            assert!(self.step(store, START).await.is_empty());
        }
    }

    /// Advances everybody who has something to do; what they decided.
    async fn step(&self, store: &impl Store, now: Instant) -> Vec<Outgoing> {
        let mut decided = Vec::new();
        loop {
            let claimed = store.claim(now, BATCH).await.unwrap();
            if claimed.contacts.is_empty() {
                return decided;
            }
            let step = |mut pending: journey_runtime::store::Pending| {
                let outcome = advance(&self.linked, &mut pending.contact, &pending.inputs, now);
                decided.extend(outcome.outgoing.iter().cloned());
                Advanced { contact: pending.contact, outcome }
            };
            let advanced = claimed.contacts.into_iter().map(step).collect();
            store.commit(claimed.lease, advanced, 0).await.unwrap();
        }
    }

    /// So many messages as the journey decides them.
    async fn outgoing(&self, count: usize) -> Vec<Outgoing> {
        let store = MemoryStore::default();
        self.fill(&store, count).await;
        self.step(&store, DUE).await
    }

    /// Everybody whose cart is filled is due: how fast the last one's reminder is acknowledged, and that is on disk.
    async fn send(&self, database: &Database, at: &str, connections: usize, key: Key, mails: usize) -> Took {
        let store = AnyStore::open(database).await.unwrap();
        self.fill(&store, mails).await;
        store.close().await;
        let mut settings = SmtpSettings::parse(&format!("smtp://{at}")).unwrap().with_connections(connections);
        if let Some(dkim) = key.dkim() {
            settings = settings.with_dkim(dkim);
        }
        let smtp: Arc<dyn Transport> = Arc::new(SmtpTransport::new(settings).unwrap());
        let outlet = Outlet::new(self.renderer(), [(Channel::Email, smtp)].into());
        let store = AnyStore::open(database).await.unwrap();
        let clock = Arc::new(VirtualClock::new(DUE));
        let (begin, cpu) = (Moment::now(), cpu_time());
        let engine = Engine::start(store, Arc::clone(&self.linked), outlet, clock).await.unwrap();
        while engine.metrics().delivered < mails as u64 {
            let done = engine.metrics();
            assert!(done.failed + done.retried == 0 && begin.elapsed() < Duration::from_secs(600), "{done:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let took = took(mails, begin, cpu);
        engine.stop(Duration::from_secs(10)).await.unwrap();
        took
    }

    /// Everybody's mails arrive, each once, as they should: whoever loses some is fast too.
    async fn prove(&self, letters: &Arc<Vec<Letter>>) {
        let arrived = |name: &str, sink: ForeignSink, has: &[&str]| {
            let messages = sink.messages();
            let text = |message: &Vec<u8>| String::from_utf8_lossy(message).into_owned();
            let mut to: Vec<String> = (messages.iter())
                .filter_map(|message| text(message).lines().find(|line| line.starts_with("To: ")).map(str::to_owned))
                .collect();
            to.sort();
            to.dedup();
            assert_eq!((messages.len(), to.len()), (PROOF, PROOF), "{name}");
            let whole = |message| has.iter().all(|part| text(message).contains(part));
            assert!(messages.iter().all(whole), "{name}: {}", text(messages.first().unwrap()));
        };
        let sink = || ForeignSink::postfix().unwrap();
        let has = ["\nSubject: ", "\nList-Unsubscribe-Post: ", "text/html"];
        let to = sink();
        peers::pipelined(&to.address, 2, letters, PROOF).await;
        arrived("plain pipelining", to, &has);
        let to = sink();
        peers::lettre(&to.address, 2, letters, PROOF).await;
        arrived("lettre without delay", to, &has);
        let to = sink();
        peers::lettre_as_it_comes(&to.address, 2, letters, PROOF).await;
        arrived("lettre as it comes", to, &has);
        for (key, signature) in
            [(Key::None, "\nFrom: "), (Key::Ed25519, "a=ed25519-sha256"), (Key::Rsa, "a=rsa-sha256")]
        {
            let (to, folder) = (sink(), tempfile::tempdir().unwrap());
            let database = Database::Sqlite(folder.path().join("journey.db"));
            self.send(&database, &to.address, 2, key, PROOF).await;
            arrived(key.name(), to, &[&has[..], &[signature]].concat());
        }
    }
}
