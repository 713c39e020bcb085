//! The race, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use journey_runtime::store::{AnyStore, Counts, Database, Store};
use journey_tests::binary::{self, Server};
use journey_tests::project::Project;
use journey_tests::random::Random;
use journey_tests::sink::{Sink, Verdict};
use journey_tests::{free_port, http, wait_until};

/// How many contacts come in one request.
const BATCH: usize = 5_000;

/// Two contacts share the address of every so many: who unsubscribes by one of them gets nothing by the other.
const SHARED: usize = 10;

/// What was noted as on the wire when the answer was given begins so much later at most: the mail before it on its connection ends first.
const ON_THE_WIRE: Duration = Duration::from_millis(700);

const JOURNEY: &str = r#"
contact { email: email  name: text }
event ping { n: number }
topic offers "Offers and news"
policy { sender "Walk <walk@walk.example>"  address "Walk Ltd, 1 Path, Walkton" }

journey offers {
  on ping
  reenter always
  topic offers
  send email offer
  end
}
"#;

/// How it is said that an address wants no more.
#[derive(Clone, Copy)]
pub(crate) enum Word {
    /// The contact unsubscribes, at a server.
    Unsubscribe,
    /// `journey suppress` takes over a list, in a process beside the server.
    Suppress,
}

/// So many messages wait while so many of their contacts unsubscribe.
pub(crate) struct Race {
    pub(crate) name: &'static str,
    pub(crate) workers: usize,
    /// The address of a PostgreSQL; without, one worker has a SQLite of its own.
    pub(crate) database: Option<String>,
    pub(crate) queued: usize,
    pub(crate) leaving: usize,
    pub(crate) word: Word,
}

/// What came of it.
pub(crate) struct Raced {
    name: &'static str,
    queued: usize,
    /// How many unsubscribed, and how many addresses that concerned.
    unsubscribed: usize,
    kills: usize,
    /// Messages that stayed behind for it.
    held_back: usize,
    /// Messages that began to leave after the answer and were on the wire by then, and how long after it the last one did.
    on_the_wire: usize,
    last: Duration,
    /// Messages that began to leave later.
    late: Vec<String>,
    /// Messages that did not arrive, and nobody had unsubscribed.
    missing: Vec<String>,
    seconds: f64,
}

impl std::fmt::Display for Raced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, queued, unsubscribed, kills, held_back, on_the_wire, last, late, missing, seconds } = self;
        write!(
            f,
            "{name}: {queued} messages queued, {unsubscribed} unsubscribes over {kills} kills: {held_back} messages stayed \
             behind, {on_the_wire} were on the wire when the answer came (the last one began {} ms after it), {} left later, \
             {} of others are missing; {seconds:.0} s",
            last.as_millis(),
            late.len(),
            missing.len()
        )
    }
}

impl Raced {
    /// Fails unless what is promised was kept.
    pub(crate) fn holds_good(&self) {
        assert!(self.late.is_empty(), "{self}\n{:?}", self.late);
        assert!(self.missing.is_empty(), "{self}\n{:?}", self.missing);
        assert!(self.held_back > self.unsubscribed / 10, "too few came in time to say anything: {self}");
    }
}

fn name(number: usize) -> String {
    format!("c{number:06}")
}

fn address(number: usize) -> String {
    // The one behind has the same.
    let number = if number % SHARED == 1 { number - 1 } else { number };
    format!("{}@walk.example", name(number))
}

impl Race {
    /// Queues, opens the mail server, unsubscribes and kills while it takes what waits, and looks at what came.
    pub(crate) fn run(self) -> Raced {
        let (start, mut random) = (Instant::now(), Random::seeded(self.name));
        // Nothing is taken before everything is queued.
        let open = Arc::new(AtomicBool::new(false));
        let opened = Arc::clone(&open);
        // A few would be gone before anybody has unsubscribed.
        let each = Duration::from_millis(if self.queued > 5_000 { 2 } else { 25 });
        let sink = Sink::scripted(move |_| {
            while !opened.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(5));
            }
            Verdict::AcceptAfter(each)
        });
        let project = project(&sink.url());
        let addresses: Vec<String> = (0..self.workers).map(|_| format!("127.0.0.1:{}", free_port())).collect();
        let mut workers: Vec<Server> = addresses.iter().map(|address| self.worker(&project, address)).collect();
        let all: Vec<usize> = (0..self.queued).collect();
        for some in all.chunks(BATCH) {
            post(&addresses, "/v1/contacts", some, &|n| {
                let (id, email) = (name(n), address(n));
                format!("{{\"id\":\"{id}\",\"attributes\":{{\"email\":\"{email}\",\"name\":\"{id}\"}}}}")
            });
            post(&addresses, "/v1/events", some, &|n| {
                let id = name(n);
                format!("{{\"id\":\"ping-{id}\",\"contact\":\"{id}\",\"event\":\"ping\",\"data\":{{\"n\":1}}}}")
            });
        }
        let database = self.at(&project);
        let patience = Duration::from_secs(120 + self.queued as u64 / 20);
        wait_until("all of them are queued", patience, || {
            counts(&database).is_some_and(|counts| counts.pending == 0 && counts.queued == self.queued as u64)
        });

        open.store(true, Ordering::SeqCst);
        let (mut answered, mut left, mut kills) = (BTreeMap::new(), BTreeSet::new(), 0);
        while left.len() < self.leaving {
            let number = random.below(self.queued);
            if !left.insert(number) {
                continue;
            }
            let (round, id) = (left.len(), name(number));
            match self.word {
                Word::Unsubscribe => {
                    let line = format!("{{\"id\":\"u-{id}\",\"contact\":\"{id}\",\"unsubscribed\":\"offers\"}}\n");
                    until_taken(&addresses, round, "/v1/events", &line);
                }
                Word::Suppress => suppress(&project, &address(number)),
            }
            answered.entry(address(number)).or_insert_with(Instant::now);
            if round % self.leaving.div_ceil(4) == 0 {
                let worker = random.below(self.workers);
                workers.remove(worker).kill();
                workers.insert(worker, self.worker(&project, &addresses[worker]));
                kills += 1;
            }
        }
        wait_until("the queue is empty", patience, || {
            std::thread::sleep(Duration::from_millis(200));
            counts(&database).is_some_and(|counts| counts.queued == 0)
        });
        for worker in workers {
            let (status, log) = worker.terminate();
            assert!(status.success(), "{status}: {log}");
        }
        let mut raced = Raced {
            name: self.name,
            queued: self.queued,
            unsubscribed: left.len(),
            kills,
            held_back: 0,
            on_the_wire: 0,
            last: Duration::ZERO,
            late: Vec::new(),
            missing: Vec::new(),
            seconds: 0.0,
        };
        raced.look(&sink, &answered);
        raced.seconds = start.elapsed().as_secs_f64();
        eprintln!("{raced}");
        raced
    }

    fn worker(&self, project: &Project, address: &str) -> Server {
        let environment: Vec<_> = self.database.iter().map(|url| ("DATABASE_URL", url.as_str())).collect();
        Server::start_at(project.path(), address, &environment)
    }

    fn at(&self, project: &Project) -> Database {
        match &self.database {
            Some(url) => Database::parse(url).unwrap(),
            None => project.path().join("journey.db").into(),
        }
    }
}

impl Raced {
    fn look(&mut self, sink: &Sink, answered: &BTreeMap<String, Instant>) {
        let mut there = BTreeSet::new();
        for mail in sink.accepted() {
            there.insert(whose(&mail.data));
            let Some(answered) = answered.get(&mail.to[0]) else { continue };
            let after = mail.began.saturating_duration_since(*answered);
            if after > ON_THE_WIRE {
                self.late.push(format!("{} {after:?} after the answer", mail.to[0]));
            } else if !after.is_zero() {
                self.on_the_wire += 1;
                self.last = self.last.max(after);
            }
        }
        for number in (0..self.queued).filter(|number| !there.contains(&name(*number))) {
            if answered.contains_key(&address(number)) {
                self.held_back += 1;
            } else {
                self.missing.push(name(number));
            }
        }
    }
}

/// A blow holds nothing: whoever did not unsubscribe gets the mail.
fn project(smtp: &str) -> Project {
    let settings = format!(
        "[project]\nname = \"race\"\ntimezone = \"Europe/Berlin\"\n\n[email]\nsmtp = \"{smtp}\"\n\n\
         [track]\nbase_url = \"https://t.walk.example\"\n\n[outbox]\nmarketing = \"resend\"\n"
    );
    Project::of(&[
        ("journey.toml", &settings),
        ("journeys/offers.journey", JOURNEY),
        (
            "messages/offer.email.txt",
            "---\nsubject: Offer for {{ name }}\n---\nCheap.\n[Unsubscribe]({{ unsubscribe_url }})\n",
        ),
    ])
}

fn post(addresses: &[String], path: &str, contacts: &[usize], line: &dyn Fn(usize) -> String) {
    let body: String = contacts.iter().map(|number| line(*number) + "\n").collect();
    until_taken(addresses, 0, path, &body);
}

fn suppress(project: &Project, address: &str) {
    project.write("list.txt", &format!("{address}\n"));
    let list = project.path().join("list.txt");
    let told = binary::run(["suppress".as_ref(), list.as_os_str(), "--project".as_ref(), project.path().as_os_str()]);
    assert_eq!(told.code, Some(0), "{}", told.stderr);
}

/// Sends a request to one worker after the other, until it is taken: some of them may just have been killed.
fn until_taken(addresses: &[String], first: usize, path: &str, body: &str) {
    let mut attempt = first;
    wait_until("a request is taken", Duration::from_secs(120), || {
        let address = &addresses[attempt % addresses.len()];
        attempt += 1;
        match http::post(address, path, "application/x-ndjson", body.as_bytes()) {
            Ok(answer) if answer.status < 300 => {
                assert!(answer.text().contains("\"refused\":[]"), "{path}: {}", answer.text());
                true
            }
            Ok(answer) => {
                assert_eq!(answer.status, 503, "{path}: {}", answer.text());
                false
            }
            Err(_) => false,
        }
    });
}

fn counts(database: &Database) -> Option<Counts> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { AnyStore::beside(database).await.ok()?.counts().await.ok() })
}

/// The name of the contact that a mail is for, by its subject.
fn whose(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    let subject = text.lines().find_map(|line| line.strip_prefix("Subject: Offer for "));
    subject.unwrap_or_default().trim().to_owned()
}
