//! `kill -9` of `journey serve` at random moments, while contacts run: what was acknowledged is kept, state advances
//! exactly once, no message is lost, and a message that comes twice keeps its id.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failure is a failing test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use journey_bytecode::{StatusKind, Value};
use journey_runtime::core::contact::ContactId;
use journey_runtime::core::effect::{TraceEntry, TraceEvent};
use journey_runtime::store::{SqliteStore, Store};
use journey_tests::binary::Server;
use journey_tests::project::walk;
use journey_tests::random::Random;
use journey_tests::sink::{Attempt, Sink, Verdict};
use journey_tests::{free_port, http, wait_until};

const CONTACTS: usize = 10_000;
/// Contacts in one request.
const BATCH: usize = 50;
const KILLS: usize = 20;
/// The mails that each contact gets.
const MAILS: usize = 2;
/// The pings that each contact sends, counted by a journey of their own.
const PINGS: usize = 2;

/// Sends a request again and again until it is acknowledged; says how often it was not.
fn until_acknowledged(address: &str, path: &str, body: &str) -> usize {
    let start = Instant::now();
    let mut failures = 0;
    while start.elapsed() < Duration::from_secs(120) {
        match http::post(address, path, "application/x-ndjson", body.as_bytes()) {
            Ok(answer) if answer.status < 300 => return failures,
            Ok(answer) => panic!("{path}: {} {}", answer.status, answer.text()),
            Err(_) => failures += 1,
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{path} is not acknowledged");
}

/// Sends all contacts and what happens to them, a part of it between any two kills.
fn feed(address: &str, kills: &AtomicUsize) -> usize {
    let mut failures = 0;
    let batches = CONTACTS / BATCH;
    for batch in 0..batches {
        while kills.load(Ordering::SeqCst) * batches < batch * KILLS {
            std::thread::sleep(Duration::from_millis(1));
        }
        let contacts = || (batch * BATCH..(batch + 1) * BATCH).map(|n| format!("c{n:05}"));
        let people: String = contacts()
            .map(|id| format!("{{\"id\":\"{id}\",\"attributes\":{{\"email\":\"{id}@walk.example\"}}}}\n"))
            .collect();
        failures += until_acknowledged(address, "/v1/contacts", &people);
        let tags: String =
            contacts().map(|id| format!("{{\"id\":\"{id}-tag\",\"contact\":\"{id}\",\"tag\":\"begun\"}}\n")).collect();
        failures += until_acknowledged(address, "/v1/events", &tags);
        for ping in 0..PINGS {
            let pings: String = contacts()
                .map(|id| {
                    format!(
                        "{{\"id\":\"{id}-ping{ping}\",\"contact\":\"{id}\",\"event\":\"ping\",\"data\":{{\"n\":{ping}}}}}\n"
                    )
                })
                .collect();
            failures += until_acknowledged(address, "/v1/events", &pings);
        }
    }
    failures
}

#[test]
fn nothing_is_lost_and_nothing_happens_twice() {
    let mut random = Random::seeded("kill");
    // Between the server's taking a mail and its saying so lie up to 4 ms: the gap that a kill may hit.
    let sink = Sink::scripted(|attempt| {
        let spread = attempt.data.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
        Verdict::AcceptAfter(Duration::from_micros(spread % 4000))
    });
    let project = walk(&format!("smtp = \"{}\"", sink.url()));
    let address = format!("127.0.0.1:{}", free_port());
    let kills = Arc::new(AtomicUsize::new(0));

    let mut server = Server::start_at(project.path(), &address);
    let feeder = {
        let (address, kills) = (address.clone(), Arc::clone(&kills));
        std::thread::spawn(move || feed(&address, &kills))
    };
    let mut cut = 0;
    for _ in 0..KILLS {
        std::thread::sleep(Duration::from_millis(random.within(150..900)));
        cut += sink.open_connections();
        server.kill();
        kills.fetch_add(1, Ordering::SeqCst);
        server = Server::start_at(project.path(), &address);
    }
    let unacknowledged = feeder.join().expect("the feeder ends");

    // What was decided before a kill is sent after it: in the end each contact has all its mails.
    wait_until("every mail has come", Duration::from_secs(600), || sink.distinct() >= CONTACTS * MAILS);
    // Nothing more comes: a third mail, or a second copy that no kill explains.
    std::thread::sleep(Duration::from_secs(3));
    let (status, log) = server.terminate();
    assert!(status.success(), "{status}: {log}");

    let accepted = sink.accepted();
    let duplicates = check_mails(&accepted, cut);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(check_contacts(&project.path().join("journey.db")));
    eprintln!(
        "kill: {KILLS} kills, {CONTACTS} contacts, {} mails taken, {duplicates} of them twice over {cut} cut \
         connections, {unacknowledged} requests repeated",
        accepted.len()
    );
}

/// Every contact has each mail; a mail that came twice is the same to the byte, and there are no more of them than
/// connections were cut. Says how many came twice.
fn check_mails(accepted: &[Attempt], cut: usize) -> usize {
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
    let expected: BTreeSet<_> = (0..CONTACTS)
        .map(|n| format!("c{n:05}@walk.example"))
        .flat_map(|to| ["First", "Second"].map(|subject| (to.clone(), format!("{subject} for {to}"))))
        .collect();
    assert_eq!(distinct.len(), CONTACTS * MAILS, "no mail has two ids");
    assert!(distinct.into_iter().collect::<BTreeSet<_>>() == expected, "every contact has every mail");
    // A copy that was not the last one went over a connection that a kill has cut, and no connection had two such.
    let lost = by_id.values().flat_map(|mails| mails.iter().rev().skip(1)).map(|mail| mail.connection);
    let mut of_connection: BTreeMap<usize, usize> = BTreeMap::new();
    lost.for_each(|connection| *of_connection.entry(connection).or_default() += 1);
    assert!(of_connection.values().all(|copies| *copies == 1), "more than one a connection: {of_connection:?}");
    assert!(of_connection.len() <= cut, "{} mails came twice, and {cut} connections were cut", of_connection.len());
    of_connection.len()
}

fn subject(data: &[u8]) -> String {
    String::from_utf8_lossy(data).lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default().to_owned()
}

/// Every contact went through its journeys step by step, each exactly once.
async fn check_contacts(database: &Path) {
    let store = SqliteStore::open(database).await.unwrap();
    let counts = store.counts().await.unwrap();
    assert_eq!(
        (counts.contacts, counts.pending, counts.queued, counts.delivered, counts.failed),
        (CONTACTS as u64, 0, 0, (CONTACTS * MAILS) as u64, 0)
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
            assert_eq!(delivered, MAILS, "{}", contact.key);
        }
    }
    assert_eq!(seen, CONTACTS);
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
