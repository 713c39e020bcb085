//! `kill -9` of `journey serve` at random moments, while contacts run: what was acknowledged is kept, state advances
//! exactly once, no message is lost, and a message that comes twice keeps its id. On SQLite with one process, on
//! PostgreSQL with four.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failure is a failing test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use journey_bytecode::{StatusKind, Value};
use journey_runtime::core::contact::ContactId;
use journey_runtime::core::effect::{TraceEntry, TraceEvent};
use journey_runtime::store::{AnyStore, Database, Kept, Store};
use journey_tests::binary::Server;
use journey_tests::postgres::Cluster;
use journey_tests::project::{Project, walk};
use journey_tests::random::Random;
use journey_tests::sink::{Attempt, Sink, Verdict};
use journey_tests::{free_port, http};

/// Contacts in one request.
const BATCH: usize = 50;
/// The mails that each contact gets.
const MAILS: usize = 2;
/// The pings that each contact sends, counted by a journey of their own.
const PINGS: usize = 2;

/// How long after the last blow all must be done.
const PATIENCE: Duration = Duration::from_secs(180);

/// How much is done.
#[derive(Clone, Copy)]
struct Size {
    contacts: usize,
    /// How often something is killed, stopped or crashed.
    blows: usize,
    /// Whether messages that may have arrived are held, so that nobody gets one twice.
    hold: bool,
}

/// Sends a request again and again, to one worker after the other, until it is acknowledged; says how often it was not.
fn until_acknowledged(addresses: &[String], path: &str, body: &str) -> usize {
    let start = Instant::now();
    let mut failures = 0;
    while start.elapsed() < Duration::from_secs(120) {
        let address = &addresses[failures % addresses.len()];
        match http::post(address, path, "application/x-ndjson", body.as_bytes()) {
            Ok(answer) if answer.status < 300 => return failures,
            // The database may be away for a moment.
            Ok(answer) if answer.status == 503 => failures += 1,
            Ok(answer) => panic!("{path}: {} {}", answer.status, answer.text()),
            Err(_) => failures += 1,
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{path} is not acknowledged");
}

/// Sends all contacts and what happens to them, a part of it between any two blows.
fn feed(mut addresses: Vec<String>, size: Size, blows: &AtomicUsize) -> usize {
    let mut failures = 0;
    let batches = size.contacts / BATCH;
    for batch in 0..batches {
        while blows.load(Ordering::SeqCst) * batches < batch * size.blows {
            std::thread::sleep(Duration::from_millis(1));
        }
        // What happens to one contact is told to several workers.
        let mut send = |path: &str, body: &str| {
            failures += until_acknowledged(&addresses, path, body);
            addresses.rotate_left(1);
        };
        let contacts = || (batch * BATCH..(batch + 1) * BATCH).map(|n| format!("c{n:05}"));
        let people: String = contacts()
            .map(|id| format!("{{\"id\":\"{id}\",\"attributes\":{{\"email\":\"{id}@walk.example\"}}}}\n"))
            .collect();
        send("/v1/contacts", &people);
        let tags: String =
            contacts().map(|id| format!("{{\"id\":\"{id}-tag\",\"contact\":\"{id}\",\"tag\":\"begun\"}}\n")).collect();
        send("/v1/events", &tags);
        for ping in 0..PINGS {
            let pings: String = contacts()
                .map(|id| {
                    format!(
                        "{{\"id\":\"{id}-ping{ping}\",\"contact\":\"{id}\",\"event\":\"ping\",\"data\":{{\"n\":{ping}}}}}\n"
                    )
                })
                .collect();
            send("/v1/events", &pings);
        }
    }
    failures
}

/// A mail server: between its taking a mail and its saying so lie up to 4 ms, the gap that a blow may hit.
fn slow_sink() -> Sink {
    Sink::scripted(|attempt| {
        let spread = attempt.data.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
        Verdict::AcceptAfter(Duration::from_micros(spread % 4000))
    })
}

/// Workers on one database, fed with contacts while something happens to them.
struct Fleet {
    sink: Sink,
    project: Project,
    /// The address of a PostgreSQL; without, one worker has a SQLite of its own.
    database: Option<String>,
    addresses: Vec<String>,
    workers: Vec<Server>,
    size: Size,
    /// How many connections to the mail server may have been cut.
    cut: usize,
    /// Whether a cut connection explains more than one copy: a worker that comes back meets those who took over.
    shared: bool,
}

impl Fleet {
    fn start(workers: usize, database: Option<String>, size: Size) -> Self {
        let sink = slow_sink();
        let rule = if size.hold { "\n\n[outbox]\ntransactional = \"hold\"" } else { "" };
        let project = walk(&format!("smtp = \"{}\"{rule}", sink.url()));
        let addresses: Vec<String> = (0..workers).map(|_| format!("127.0.0.1:{}", free_port())).collect();
        let mut fleet = Self { sink, project, database, addresses, workers: Vec::new(), size, cut: 0, shared: false };
        fleet.workers = (0..workers).map(|worker| fleet.worker(worker)).collect();
        fleet
    }

    fn worker(&self, number: usize) -> Server {
        let environment: Vec<_> = self.database.iter().map(|url| ("DATABASE_URL", url.as_str())).collect();
        Server::start_at(self.project.path(), &self.addresses[number], &environment)
    }

    /// Kills a worker and starts it again.
    fn kill(&mut self, number: usize) {
        self.cut += self.sink.open_connections();
        self.workers.remove(number).kill();
        let again = self.worker(number);
        self.workers.insert(number, again);
    }

    fn database(&self) -> Database {
        match &self.database {
            Some(url) => Database::parse(url).unwrap(),
            None => self.project.path().join("journey.db").into(),
        }
    }

    /// The messages that are held: recipient and message.
    fn held(&self) -> BTreeSet<(String, String)> {
        if !self.size.hold {
            return BTreeSet::new();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let kept = runtime.block_on(async {
            let store = AnyStore::beside(&self.database()).await.unwrap();
            store.outbox(Kept::Held, usize::MAX).await.unwrap()
        });
        kept.into_iter().map(|kept| (kept.outgoing.to.to_string(), kept.outgoing.message.to_string())).collect()
    }

    /// What the database still holds, for whoever looks for what is missing.
    fn standing(&self) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = AnyStore::beside(&self.database()).await.unwrap();
            let mut told = format!("{:?}", store.counts().await.unwrap());
            for kind in Kept::ALL {
                let kept = store.outbox(kind, 5).await.unwrap();
                let kept: Vec<_> = kept.iter().map(|kept| (kept.outgoing.id, kept.attempts, kept.at)).collect();
                told.push_str(&format!("; {}: {kept:?}", kind.name()));
            }
            told
        })
    }

    /// Feeds the fleet while the blows fall, waits until all is done, and checks what became of it.
    fn prove(mut self, name: &str, mut blow: impl FnMut(&mut Self, &mut Random)) {
        let mut random = Random::seeded(name);
        let (size, start) = (self.size, Instant::now());
        let blows = Arc::new(AtomicUsize::new(0));
        let feeder = {
            let (addresses, blows) = (self.addresses.clone(), Arc::clone(&blows));
            std::thread::spawn(move || feed(addresses, size, &blows))
        };
        for _ in 0..size.blows {
            std::thread::sleep(Duration::from_millis(random.within(150..900)));
            blow(&mut self, &mut random);
            blows.fetch_add(1, Ordering::SeqCst);
        }
        let unacknowledged = feeder.join().expect("the feeder ends");

        // What was decided before a blow is sent after it: in the end each contact has all its mails, but for those held.
        let expected = size.contacts * MAILS;
        let (done, mut there) = (Instant::now(), 0);
        while there < expected {
            std::thread::sleep(Duration::from_millis(20));
            there = self.sink.distinct() + self.held().len();
            assert!(
                done.elapsed() < PATIENCE,
                "{there} of {expected} mails have come or are held; {}",
                self.standing()
            );
        }
        // Nothing more comes: a third mail, or a second copy that no blow explains.
        std::thread::sleep(Duration::from_secs(3));
        for worker in self.workers.drain(..) {
            let (status, log) = worker.terminate();
            assert!(status.success(), "{status}: {log}");
        }
        let (accepted, held) = (self.sink.accepted(), self.held());
        let duplicates = check_mails(&accepted, size, &held, self.cut, self.shared);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check_contacts(&self.database(), size, held.len()));
        eprintln!(
            "{name}: {} blows, {} contacts, {} mails taken, {duplicates} of them twice over {} cut connections, {} held, \
             {unacknowledged} requests repeated, {:.1} s",
            size.blows,
            size.contacts,
            accepted.len(),
            self.cut,
            held.len(),
            start.elapsed().as_secs_f64()
        );
    }
}

#[test]
fn nothing_is_lost_and_nothing_happens_twice() {
    let fleet = Fleet::start(1, None, Size { contacts: 2_000, blows: 10, hold: false });
    fleet.prove("kill", |fleet, _| fleet.kill(0));
}

#[test]
fn who_is_held_gets_nothing_twice() {
    let fleet = Fleet::start(1, None, Size { contacts: 1_000, blows: 6, hold: true });
    fleet.prove("kill-hold", |fleet, _| fleet.kill(0));
}

#[test]
fn four_workers_lose_nothing_either() {
    let Some(url) = journey_tests::postgres::database() else { return };
    let fleet = Fleet::start(4, Some(url), Size { contacts: 1_000, blows: 8, hold: false });
    fleet.prove("kill-postgres", |fleet, random| fleet.kill(random.within(0..4) as usize));
}

#[test]
fn a_frozen_worker_stops_nobody() {
    let Some(url) = journey_tests::postgres::database() else { return };
    let mut fleet = Fleet::start(2, Some(url), Size { contacts: 500, blows: 1, hold: false });
    fleet.shared = true;
    fleet.prove("freeze", |fleet, _| {
        let pid = fleet.workers[0].pid();
        signal(pid, "STOP");
        // One mail on the wire, and one announced, a connection of the frozen worker.
        fleet.cut += 2 * fleet.sink.open_connections();
        // Longer than PostgreSQL bears a silent session.
        std::thread::sleep(Duration::from_secs(8));
        signal(pid, "CONT");
    });
}

#[test]
fn a_database_that_crashes_is_only_a_delay() {
    let Some(cluster) = Cluster::start() else { return };
    let fleet = Fleet::start(2, Some(cluster.database()), Size { contacts: 500, blows: 2, hold: false });
    fleet.prove("crash-postgres", |fleet, _| {
        fleet.cut += fleet.sink.open_connections();
        cluster.crash();
    });
}

fn signal(pid: u32, name: &str) {
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Every contact has each mail; a mail that came twice is the same to the byte, and there are no more of them than
/// connections were cut. Says how many came twice.
fn check_mails(accepted: &[Attempt], size: Size, held: &BTreeSet<(String, String)>, cut: usize, shared: bool) -> usize {
    let mut by_id: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    for mail in accepted {
        by_id.entry(&mail.message_id).or_default().push(mail);
    }
    for (id, mails) in &by_id {
        for mail in mails {
            assert_eq!((&mail.to, &mail.data), (&mails[0].to, &mails[0].data), "{id} names two mails");
        }
    }
    let of_contact = |mail: &&Attempt| (mail.to[0].clone(), subject(&mail.data));
    let distinct: Vec<_> = by_id.values().map(|mails| of_contact(&mails[0])).collect();
    let expected: BTreeSet<_> = (0..size.contacts)
        .map(|n| format!("c{n:05}@walk.example"))
        .flat_map(|to| ["First", "Second"].map(|subject| (to.clone(), format!("{subject} for {to}"))))
        .collect();
    if size.hold {
        assert_eq!(accepted.len(), distinct.len(), "nobody gets a mail twice");
        // One on the wire, and one announced, a connection; some of them had arrived.
        assert!(held.len() <= 2 * cut, "{} are held, and {cut} connections were cut", held.len());
        let there: BTreeSet<_> = distinct.into_iter().collect();
        let missing: Vec<_> = expected.difference(&there).collect();
        let is_held = |(to, subject): &&(String, String)| {
            let message = if subject.starts_with("First") { "first" } else { "second" };
            held.contains(&(to.clone(), message.to_owned()))
        };
        assert!(missing.iter().all(is_held), "what is missing is held");
        return 0;
    }
    assert_eq!(distinct.len(), size.contacts * MAILS, "no mail has two ids");
    assert!(distinct.into_iter().collect::<BTreeSet<_>>() == expected, "every contact has every mail");
    // A copy that was not the last one went over a connection that a kill has cut, and no connection had two such.
    let lost = by_id.values().flat_map(|mails| mails.iter().rev().skip(1)).map(|mail| mail.connection);
    let mut of_connection: BTreeMap<usize, usize> = BTreeMap::new();
    lost.for_each(|connection| *of_connection.entry(connection).or_default() += 1);
    let copies: usize = of_connection.values().sum();
    assert!(shared || copies == of_connection.len(), "more than one a connection: {of_connection:?}");
    assert!(copies <= cut, "{copies} mails came twice, and {cut} connections were cut");
    copies
}

fn subject(data: &[u8]) -> String {
    String::from_utf8_lossy(data).lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default().to_owned()
}

/// Every contact went through its journeys step by step, each exactly once.
async fn check_contacts(database: &Database, size: Size, held: usize) {
    let store = AnyStore::open(database).await.unwrap();
    let counts = store.counts().await.unwrap();
    assert_eq!(
        (counts.contacts, counts.pending, counts.queued, counts.delivered, counts.failed),
        (size.contacts as u64, 0, held as u64, (size.contacts * MAILS - held) as u64, 0)
    );
    let mut after = ContactId(0);
    let mut seen = 0;
    loop {
        let contacts = store.contacts_after(after, 1_000).await.unwrap();
        let Some(last) = contacts.last() else { break };
        after = last.id;
        seen += contacts.len();
        for contact in &contacts {
            assert_eq!(contact.attributes.get("pings"), Some(&Value::int(PINGS as i64)), "{}", contact.key);
            assert!(contact.tags.contains("walked"), "{}", contact.key);
            let trace = store.trace(contact.id).await.unwrap();
            let walk: Vec<_> = trace.iter().filter(|line| line.journey == "walk").filter_map(told).collect();
            assert_eq!(walk, WALK, "{}", contact.key);
            let counted: Vec<_> = trace.iter().filter(|line| line.journey == "count").filter_map(told).collect();
            assert_eq!(counted, COUNT.repeat(PINGS), "{}", contact.key);
            let delivered = trace.iter().filter(|line| is_delivered(line)).count();
            assert!(delivered == MAILS || size.hold, "{}", contact.key);
        }
    }
    assert_eq!(seen, size.contacts);
}

const WALK: [&str; 12] =
    ["entered", "step", "sent", "step", "waiting", "woke", "step", "sent", "step", "tag", "step", "ended"];
const COUNT: [&str; 5] = ["entered", "step", "set", "step", "ended"];

/// A line of the trace in a word; what became of messages comes when it comes.
fn told(line: &TraceEntry) -> Option<&'static str> {
    Some(match line.event {
        TraceEvent::Entered { .. } => "entered",
        TraceEvent::Step(_) => "step",
        TraceEvent::Sent { .. } => "sent",
        TraceEvent::Waiting { .. } => "waiting",
        TraceEvent::Woke { .. } => "woke",
        TraceEvent::TagAdded(_) => "tag",
        TraceEvent::AttributeSet(..) => "set",
        TraceEvent::Ended(_) => "ended",
        TraceEvent::Message { .. } => return None,
        _ => "something else",
    })
}

fn is_delivered(line: &TraceEntry) -> bool {
    matches!(line.event, TraceEvent::Message { status: StatusKind::Delivered, .. })
}
