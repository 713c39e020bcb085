use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant as Moment;

use journey_bytecode::Bundle;
use serde_json::json;

use super::*;
use crate::clock::{SystemClock, VirtualClock};
use crate::core::contact::{ContactId, Parked, Run};
use crate::core::effect::TraceEvent;
use crate::core::input::{Backlog, InputKind, MessageName};
use crate::deploy;
use crate::ingest::Gate;
use crate::send::Verdict;
use crate::spam::{SpamCount, SpamRule};
use crate::store::{Acceptance, MemoryStore, NewInput, SqliteStore, Whose};
use crate::testing::{Recorder, linked};
use crate::track::Intake as _;

const START: Instant = Instant(1_772_442_000_000);
const WAIT: Duration = Duration::from_secs(20);

fn lead(key: &str) -> NewInput {
    let json = json!({"id": key, "attributes": {"email": format!("{key}@x.example")}, "tags": ["lead"]});
    Gate::new(linked()).contact(&json, START).unwrap()
}

async fn start<S: Store>(store: S, transport: &Arc<Recorder>, clock: Arc<dyn Clock>) -> Engine<S> {
    Engine::start(store, linked(), transport.outlet(), clock).await.unwrap()
}

/// Waits until something holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Moment::now();
    while !holds().await {
        assert!(begun.elapsed() < WAIT, "{what} within {WAIT:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// How often each statement was reached, in the contact's whole life.
async fn steps<S: Store>(store: &S, contact: ContactId) -> Vec<u16> {
    let trace = store.trace(contact).await.unwrap();
    let step = |event: &TraceEvent| match event {
        TraceEvent::Step(step) => Some(step.0),
        _ => None,
    };
    trace.iter().filter_map(|entry| step(&entry.event)).collect()
}

#[tokio::test]
async fn a_contact_walks_through() {
    let (transport, clock) = (Recorder::new(), Arc::new(VirtualClock::new(START)));
    let engine = start(MemoryStore::default(), &transport, clock.clone()).await;
    let submitter = engine.submitter();
    assert!(matches!(submitter.submit(vec![lead("ada")]).await.unwrap()[..], [Acceptance::Accepted { seq: 1, .. }]));
    until("the story arrives", async || engine.metrics().delivered == 1).await;
    let ada = engine.store().contact("ada").await.unwrap().unwrap().id;
    until("the wait begins", async || steps(engine.store(), ada).await == [0, 1]).await;

    let id = crate::core::effect::MessageId { contact: ada, number: 0 };
    assert_eq!(submitter.sent_at(id), Some(START));
    let kind = InputKind::Message {
        message: MessageName::Number(0),
        status: journey_bytecode::StatusKind::Opened,
        link: None,
        machine: false,
    };
    crate::track::Intake::submit(&submitter, "open".into(), ada, START, kind.clone()).await.unwrap();
    crate::track::Intake::submit(&submitter, "open".into(), ada, START, kind.clone()).await.unwrap();
    let nobody = crate::track::Intake::submit(&submitter, "open".into(), ContactId(99), START, kind).await;
    assert_eq!(nobody, Err(crate::track::IntakeError::Unknown));

    clock.advance_to(Instant(START.0 + 3 * crate::time::DAY));
    until("the price arrives", async || engine.metrics().delivered == 2).await;
    until("the run ends", async || steps(engine.store(), ada).await == [0, 1, 2, 3, 5]).await;
    assert_eq!(transport.log(), [(1, "story".to_owned()), (1, "price".to_owned())]);
    assert_eq!((engine.metrics().accepted, engine.metrics().duplicates, engine.metrics().refused), (2, 1, 1));
    assert!(engine.stop(WAIT).await.unwrap());
}

/// Makes every revision ready over one transport.
struct Ways(Arc<Recorder>);

impl Readies for Ways {
    fn ready(&self, bundle: Bundle, older: &[Bundle], revision: &Revision) -> Result<Deployed, String> {
        let linked = crate::core::Linked::new(bundle, older).map_err(|error| error.to_string())?;
        let linked = linked.pausing(revision.paused.keys().cloned()).at(revision.number);
        Ok(Deployed { linked: Arc::new(linked), outlet: self.0.outlet() })
    }
}

/// Whoever resumed a journey goes away before the contacts are told, and the next revision is made before a worker tells them.
#[tokio::test]
async fn a_revision_that_was_not_told_is_told_also_behind_a_newer_one() {
    let (transport, clock) = (Recorder::new(), Arc::new(VirtualClock::new(START)));
    let store = MemoryStore::default();
    deploy::deploy(&store, &crate::testing::bundle(), false, START).await.unwrap();
    let ways = Arc::new(Ways(Arc::clone(&transport)));
    let engine = Engine::follow(store, ways, clock.clone()).await.unwrap();
    engine.submitter().submit(vec![lead("ada")]).await.unwrap();
    until("the story arrives", async || engine.metrics().delivered == 1).await;
    deploy::pause(engine.store(), "nurture", START).await.unwrap();
    clock.advance_to(Instant(START.0 + 4 * crate::time::DAY));
    let stands = async || {
        let ada = engine.store().contact("ada").await.unwrap().unwrap();
        matches!(ada.state.runs[..], [Run { parked: Parked::Paused { .. }, .. }])
    };
    until("the run stands still", stands).await;

    let now = clock.now();
    deploy::resume(engine.store(), "nurture", Backlog::Send, now).await.unwrap();
    let mut other = crate::testing::bundle();
    other.project = "other".into();
    let newer = deploy::deploy(engine.store(), &other, false, now).await.unwrap();
    deploy::tell(engine.store(), &newer, now).await.unwrap();
    clock.advance_to(Instant(now.0 + 2 * 60_000));
    let ends = async || engine.store().contact("ada").await.unwrap().unwrap().state.runs.is_empty();
    until("the run goes on", ends).await;
    let revisions = engine.store().revisions(9).await.unwrap();
    assert!(revisions.iter().filter(|revision| revision.number > 1).all(|revision| revision.told), "{revisions:?}");
    engine.stop(WAIT).await.unwrap();
}

#[tokio::test]
async fn timers_fire_by_themselves() {
    let transport = Recorder::new();
    let clock = Arc::new(SystemClock::default());
    let late = Instant(clock.now().0 - 3 * crate::time::DAY + 300);
    let engine = start(MemoryStore::default(), &transport, clock).await;
    // The contact's time is that of its input: the three days are over 300 ms from now, and the story is late.
    let input = NewInput { at: late, ..lead("ada") };
    engine.submitter().submit(vec![input]).await.unwrap();
    until("the story arrives", async || engine.metrics().delivered == 1).await;
    assert!(engine.stop(WAIT).await.unwrap());
}

#[tokio::test]
async fn callers_that_wait_share_a_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("journey.db")).await.unwrap();
    let engine = start(store, &Recorder::new(), Arc::new(VirtualClock::new(START))).await;
    let mut callers = JoinSet::new();
    for n in 0..200 {
        let submitter = engine.submitter();
        callers.spawn(async move {
            let inputs = vec![lead(&format!("c{}", n % 50)), NewInput { id: Some("1".into()), ..lead("shared") }];
            submitter.submit(inputs).await.unwrap()
        });
    }
    let answers = callers.join_all().await;
    assert!(answers.iter().all(|answers| matches!(answers[0], Acceptance::Accepted { .. })));
    let once = answers.iter().filter(|answers| matches!(answers[1], Acceptance::Accepted { .. })).count();
    assert_eq!(once, 1, "one id, one input");
    let metrics = engine.metrics();
    assert_eq!((metrics.accepted, metrics.duplicates), (201, 199));
    assert!(metrics.intakes < 100, "{} transactions for 200 callers", metrics.intakes);
    until("everybody has a story", async || engine.metrics().delivered == 51).await;
    assert!(engine.stop(WAIT).await.unwrap());
}

#[tokio::test]
async fn stopping_finishes_what_is_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journey.db");
    let transport = Recorder::slow(Duration::from_millis(5));
    let clock = Arc::new(VirtualClock::new(START));
    let engine = start(SqliteStore::open(&path).await.unwrap(), &transport, clock.clone()).await;
    let submitter = engine.submitter();
    submitter.submit((0..200).map(|n| lead(&format!("c{n}"))).collect()).await.unwrap();
    until("some leave", async || !transport.log().is_empty()).await;
    assert!(engine.stop(WAIT).await.unwrap(), "within the grace");
    assert!(matches!(submitter.submit(vec![lead("late")]).await, Err(SubmitError::Stopping)));
    let before = transport.ids();

    let engine = start(SqliteStore::open(&path).await.unwrap(), &transport, clock).await;
    assert_eq!(engine.metrics().resent, 0, "nothing was left on the wire");
    until("the rest leaves", async || engine.store().counts().await.unwrap().delivered == 200).await;
    let mut ids = transport.ids();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), transport.ids().len()), (200, 200), "each once; {} before the stop", before.len());
    engine.stop(WAIT).await.unwrap();
}

/// A crash at a random moment, many times: everything is dropped where it stands, and opened again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_lose_nothing() {
    const CONTACTS: usize = 300;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journey.db");
    let transport = Recorder::slow(Duration::from_millis(1));
    let clock = Arc::new(VirtualClock::new(START));
    let (mut acknowledged, mut entered, mut crashes, mut resent) = (0, false, 0_u64, 0);
    let random = AtomicU32::new(7);
    let next_random = |below: u64| {
        let seed = random.load(Ordering::Relaxed).wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        random.store(seed, Ordering::Relaxed);
        u64::from(seed >> 8) % below
    };
    loop {
        let engine = start(reopen(&path).await, &transport, clock.clone()).await;
        resent += engine.metrics().resent;
        if acknowledged < CONTACTS {
            let batch: Vec<_> = (acknowledged..CONTACTS.min(acknowledged + 40))
                .map(|n| NewInput { id: Some("enter".into()), ..lead(&format!("c{n}")) })
                .collect();
            let count = batch.len();
            let (submitter, patience) = (engine.submitter(), Duration::from_millis(next_random(8 + crashes)));
            let submitted = tokio::time::timeout(patience, submitter.submit(batch));
            if submitted.await.is_ok_and(|answers| answers.is_ok()) {
                acknowledged += count;
            }
        } else if entered {
            clock.advance_to(Instant(START.0 + 3 * crate::time::DAY));
        }
        // Longer each time: a machine that is too busy to commit anything within 30 ms gets there as well.
        tokio::time::sleep(Duration::from_millis(next_random(30 + crashes))).await;
        let counts = engine.store().counts().await.unwrap();
        let all_done = counts.delivered as usize == CONTACTS && counts.pending == 0 && counts.queued == 0;
        let idle = engine.store().next_due().await.unwrap().is_none();
        if acknowledged == CONTACTS && all_done && idle {
            engine.stop(WAIT).await.unwrap();
            break;
        }
        // Before that, whoever enters late would wait longer than the clock goes.
        entered = acknowledged == CONTACTS && counts.pending == 0;
        crash(engine).await;
        crashes += 1;
        assert!(crashes < 2_000, "{counts:?}");
    }
    let store = reopen(&path).await;
    assert_eq!(store.counts().await.unwrap().contacts as usize, CONTACTS);
    for contact in store.contacts_after(ContactId(0), CONTACTS).await.unwrap() {
        // Nobody has a phone: the text message is skipped.
        assert_eq!(steps(&store, contact.id).await, [0, 1, 2, 4, 5], "contact {}", contact.key);
        assert_eq!(store.deliveries(contact.id).await.unwrap().len(), 1);
    }
    let sent = transport.ids();
    let mut once = sent.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), CONTACTS, "no message is lost");
    assert!((sent.len() - once.len()) as u64 <= resent, "what came twice was on the wire: {} of {resent}", sent.len());
    assert!(crashes > 5, "{crashes} crashes");
}

/// Waits for the lock of the crashed one.
async fn reopen(path: &std::path::Path) -> SqliteStore {
    let begun = Moment::now();
    loop {
        match SqliteStore::open(path).await {
            Ok(store) => return store,
            Err(StoreError::InUse { .. }) if begun.elapsed() < WAIT => {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Everything is dropped where it stands.
async fn crash<S: Store>(engine: Engine<S>) {
    let Engine { shared, mut tasks } = engine;
    shared.front.door.lock().unwrap().take();
    tasks.shutdown().await;
}

#[tokio::test]
async fn whoever_unsubscribes_in_time_gets_nothing() {
    // The first mail waits for peace; then the contact unsubscribes; then it would go.
    let transport = Recorder::answering(|_, before| match before {
        0 => Verdict::Retry { after: None, cause: "421".into() },
        _ => Verdict::Delivered { response: "250".into() },
    });
    let clock = Arc::new(VirtualClock::new(START));
    let engine = start(MemoryStore::default(), &transport, clock.clone()).await;
    let submitter = engine.submitter();
    submitter.submit(vec![lead("ada")]).await.unwrap();
    until("it is refused", async || engine.metrics().retried == 1).await;
    let unsubscribe = InputKind::Unsubscribe { topic: None };
    let input = NewInput { contact: Whose::Key("ada".into()), kind: unsubscribe, ..lead("ada") };
    submitter.submit(vec![input]).await.unwrap();
    clock.advance_to(Instant(START.0 + 60_000));
    until("it is given up", async || engine.metrics().failed == 1).await;
    assert_eq!(transport.ids().len(), 1, "one attempt, before");
    engine.stop(WAIT).await.unwrap();
}

#[tokio::test]
async fn whoever_unsubscribes_while_a_message_waits_for_its_transport_gets_nothing() {
    let transport = Recorder::slow(Duration::from_millis(500));
    let engine = start(MemoryStore::default(), &transport, Arc::new(VirtualClock::new(START))).await;
    let submitter = engine.submitter();
    submitter.submit(vec![lead("ada")]).await.unwrap();
    until("it is decided", async || engine.store().counts().await.unwrap().queued == 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let kind = InputKind::Unsubscribe { topic: None };
    submitter.submit(vec![NewInput { contact: Whose::Key("ada".into()), kind, ..lead("ada") }]).await.unwrap();
    until("it is given up", async || engine.metrics().failed == 1).await;
    assert_eq!(transport.ids(), []);
    engine.stop(WAIT).await.unwrap();
}

#[tokio::test]
async fn whoever_unsubscribes_at_another_worker_while_a_message_waits_for_its_transport_gets_nothing() {
    let transport = Recorder::slow(Duration::from_millis(500));
    let engine = start(MemoryStore::default(), &transport, Arc::new(VirtualClock::new(START))).await;
    engine.submitter().submit(vec![lead("ada")]).await.unwrap();
    until("it is decided", async || engine.store().counts().await.unwrap().queued == 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    // What another worker takes reaches the store alone.
    let kind = InputKind::Unsubscribe { topic: None };
    let input = NewInput { contact: Whose::Key("ada".into()), kind, ..lead("ada") };
    engine.store().accept(&[input], START).await.unwrap();
    until("it is given up", async || engine.metrics().failed == 1).await;
    assert_eq!(transport.ids(), []);
    engine.stop(WAIT).await.unwrap();
}

#[tokio::test]
async fn a_sender_that_too_many_call_spam_sends_no_more_marketing_until_it_is_lifted() {
    let (transport, clock) = (Recorder::new(), Arc::new(VirtualClock::new(START)));
    let outlet = transport.outlet().holding(SpamRule { hold_at: Some(100_000), at_least: 10, hours: 24 });
    let engine = Engine::start(MemoryStore::default(), linked(), outlet, clock.clone()).await.unwrap();
    let submitter = engine.submitter();
    submitter.submit((0..9).map(|n| lead(&format!("c{n}"))).collect()).await.unwrap();
    until("nine mails arrive", async || engine.metrics().delivered == 9).await;
    let kind = InputKind::Message {
        message: MessageName::Number(0),
        status: journey_bytecode::StatusKind::Complained,
        link: None,
        machine: false,
    };
    let complaint = NewInput { contact: Whose::Key("c0".into()), id: Some("spam".into()), kind, ..lead("c0") };
    submitter.submit(vec![complaint.clone(), complaint]).await.unwrap();
    let counted = async |delivered, complained| {
        let senders = engine.store().senders(0).await.unwrap();
        senders.first().is_some_and(|sender| sender.counted == SpamCount { delivered, complained })
    };
    until("it is counted once", async || counted(9, 1).await).await;
    assert_eq!((engine.metrics().complaints, submitter.held_senders()), (1, 0), "nine mails say nothing");

    submitter.submit(vec![lead("c9")]).await.unwrap();
    until("one of ten is too many", async || submitter.held_senders() == 1).await;
    let held = engine.store().senders(0).await.unwrap();
    assert_eq!(held[0].held, Some((START, SpamCount { delivered: 10, complained: 1 })));
    submitter.submit(vec![lead("late")]).await.unwrap();
    until("the next one waits", async || engine.metrics().put_off == 1).await;
    let waiting = engine.store().outbox(crate::store::Kept::Waiting, 9).await.unwrap();
    let why = waiting[0].cause.as_deref().unwrap();
    assert!(why.contains("spam") && why.contains(held[0].domain.as_str()), "{why}");

    assert!(engine.store().lift_sender(&held[0].domain).await.unwrap());
    until("it is lifted", async || submitter.held_senders() == 0).await;
    clock.advance_to(Instant(START.0 + 10 * 60_000));
    until("it arrives", async || engine.metrics().delivered == 11).await;
    assert!(engine.store().senders(0).await.unwrap().iter().all(|sender| sender.held.is_none()), "it counts anew");
    engine.stop(WAIT).await.unwrap();
}

/// The project with quiet hours from three seconds after the start on, for an hour.
fn with_quiet_hours() -> Arc<Linked> {
    let quiet = journey_bytecode::LocalWindow {
        days: journey_bytecode::WeekdaySet::ALL,
        from: journey_bytecode::Time(10 * 3_600 + 3),
        to: journey_bytecode::Time(11 * 3_600),
    };
    let mut bundle = crate::testing::bundle();
    bundle.policy.quiet_hours = Some(quiet);
    Arc::new(Linked::new(bundle, []).unwrap())
}

#[tokio::test]
async fn what_is_tried_again_keeps_to_quiet_hours() {
    let transport = Recorder::answering(|_, before| match before {
        0 => Verdict::Retry { after: None, cause: "421".into() },
        _ => Verdict::Delivered { response: "250".into() },
    });
    let clock = Arc::new(VirtualClock::new(START));
    let engine =
        Engine::start(MemoryStore::default(), with_quiet_hours(), transport.outlet(), clock.clone()).await.unwrap();
    engine.submitter().submit(vec![lead("ada")]).await.unwrap();
    until("it is refused", async || engine.metrics().retried == 1).await;
    clock.advance_to(Instant(START.0 + 60_000));
    until("it is put off", async || engine.metrics().put_off == 1).await;
    let waiting = engine.store().outbox(crate::store::Kept::Waiting, 9).await.unwrap();
    let opens = Instant(START.0 + 3_600_000);
    assert_eq!(
        waiting.iter().map(|kept| (kept.at, kept.attempts, kept.cause.as_deref())).collect::<Vec<_>>(),
        [(opens, 1, Some("these are the policy's quiet hours"))]
    );
    clock.advance_to(opens);
    until("it arrives", async || engine.metrics().delivered == 1).await;
    assert_eq!(transport.ids().len(), 2);
    engine.stop(WAIT).await.unwrap();
}

#[tokio::test]
async fn quiet_hours_that_begin_while_a_message_waits_for_its_transport_hold_it() {
    let transport = Recorder::slow(Duration::from_millis(500));
    let clock = Arc::new(VirtualClock::new(START));
    let engine =
        Engine::start(MemoryStore::default(), with_quiet_hours(), transport.outlet(), clock.clone()).await.unwrap();
    engine.submitter().submit(vec![lead("ada")]).await.unwrap();
    until("it is decided", async || engine.store().counts().await.unwrap().queued == 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    clock.advance_to(Instant(START.0 + 3_000));
    until("it is put off", async || engine.metrics().put_off == 1).await;
    assert_eq!(transport.ids(), []);
    clock.advance_to(Instant(START.0 + 3_600_000));
    until("it arrives", async || engine.metrics().delivered == 1).await;
    engine.stop(WAIT).await.unwrap();
}

#[tokio::test]
async fn a_transport_that_panics_loses_nothing() {
    let transport = Recorder::answering(|_, before| match before {
        0 => panic!("this test's transport panics once"),
        _ => Verdict::Delivered { response: "250".into() },
    });
    let clock = Arc::new(VirtualClock::new(START));
    let engine = start(MemoryStore::default(), &transport, clock.clone()).await;
    engine.submitter().submit(vec![lead("ada")]).await.unwrap();
    until("it goes again", async || engine.metrics().retried == 1).await;
    transport.seen.clear_poison();
    clock.advance_to(Instant(START.0 + 60_000));
    until("it arrives", async || engine.metrics().delivered == 1).await;
    engine.stop(WAIT).await.unwrap();
}

#[tokio::test]
async fn a_store_that_fails_stops_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journey.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.limit_pages(120).await;
    let engine = start(store, &Recorder::new(), Arc::new(VirtualClock::new(START))).await;
    let (submitter, failed) = (engine.submitter(), engine.failed());
    let mut acknowledged = Vec::new();
    let error = loop {
        let key = format!("c{}", acknowledged.len());
        match submitter.submit(vec![lead(&key)]).await {
            Ok(_) => acknowledged.push(key),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, SubmitError::Store(StoreError::Failed(_))), "{error}");
    assert!(failed.await.is_fatal());
    assert!(submitter.submit(vec![lead("late")]).await.is_err(), "and nothing after it");
    assert!(engine.stop(WAIT).await.is_err());
    let store = reopen(&path).await;
    for key in &acknowledged {
        assert!(store.contact(key).await.unwrap().is_some(), "{key} of {}", acknowledged.len());
    }
    assert!(!acknowledged.is_empty());
}
