use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::ingest::Gate;
use crate::send::Verdict;
use crate::store::{MemoryStore, SqliteStore};
use crate::testing::{Recorder, linked};

fn scenario() -> Scenario {
    let gate = Gate::new(linked());
    let contact = |id: &str, attributes: serde_json::Value, tags: &[&str]| {
        gate.contact(&json!({"id": id, "attributes": attributes, "tags": tags}), Instant::NEVER).unwrap()
    };
    let event = |json: serde_json::Value| gate.event(&json, Instant::NEVER).unwrap();
    Scenario {
        contacts: vec![
            contact("ada", json!({"email": "ada@x.example", "zone": "Europe/Berlin", "first_name": "Ada"}), &[]),
            contact(
                "bob",
                json!({"email": "bob@x.example", "phone": "+4915112345678", "zone": "Mars/Base"}),
                &["lead"],
            ),
            contact("cy", json!({"email": "cy@x.example"}), &["lead"]),
            contact("dee", json!({"first_name": "Dee"}), &["lead"]),
        ],
        events: vec![
            event(json!({"contact": "ada", "at": "2026-03-03 10:00", "opened": "story"})),
            event(json!({"id": "1", "contact": "ada", "at": "2026-03-02 10:00", "tag": "lead"})),
            event(json!({"id": "1", "contact": "ada", "at": "2026-03-02 10:00", "tag": "lead"})),
            event(json!({"id": "1", "contact": "ada", "at": "2026-03-02 10:00", "tag": "vip"})),
            event(
                json!({"contact": "cy", "at": "2026-03-05 09:59:59", "event": "purchase", "data": {"amount": "9 EUR"}}),
            ),
            event(json!({"contact": "eve", "at": "2026-03-05 10:00", "tag": "lead"})),
        ],
        ..Scenario::default()
    }
}

async fn simulate<S: Store>(store: &S, transport: &std::sync::Arc<Recorder>, scenario: Scenario) -> Report {
    run(store, &linked(), &transport.outlet(), scenario).await.unwrap()
}

#[tokio::test]
async fn a_scenario_runs_to_its_end() {
    let transport = Recorder::new();
    let report = simulate(&MemoryStore::default(), &transport, scenario()).await;
    insta::assert_debug_snapshot!(report);
    let seen: Vec<_> =
        transport.seen.lock().unwrap().iter().map(|m| (m.at.0, m.to.clone(), m.message.clone())).collect();
    insta::assert_debug_snapshot!(seen);
}

#[tokio::test]
async fn it_is_the_same_each_time_and_in_every_store() {
    let first = simulate(&MemoryStore::default(), &Recorder::new(), scenario()).await;
    assert_eq!(simulate(&MemoryStore::default(), &Recorder::new(), scenario()).await, first);
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("journey.db")).await.unwrap();
    assert_eq!(simulate(&store, &Recorder::new(), scenario()).await, first);
}

#[tokio::test]
async fn a_contact_under_two_ids_is_counted_once() {
    let gate = Gate::new(linked());
    let contact = |id: &str| {
        let json = json!({"id": id, "attributes": {"email": format!("{id}@x.example")}});
        gate.contact(&json, Instant::NEVER).unwrap()
    };
    let event = |json: serde_json::Value| gate.event(&json, Instant::NEVER).unwrap();
    let scenario = Scenario {
        contacts: vec![contact("web-1"), contact("ada"), contact("bob")],
        events: vec![
            event(json!({"contact": "web-1", "at": "2026-03-02 10:00", "tag": "lead"})),
            event(json!({"contact": "ada", "at": "2026-03-02 11:00", "alias": "web-1"})),
            event(json!({"contact": "bob", "at": "2026-03-02 12:00", "alias": "web-1"})),
            event(json!({"contact": "web-1", "at": "2026-03-02 13:00", "opened": "story"})),
        ],
        ..Scenario::default()
    };
    let report = simulate(&MemoryStore::default(), &Recorder::new(), scenario).await;
    assert_eq!(report.refused_events, [(2, Acceptance::AliasTaken)]);
    let journey = &report.journeys[0];
    assert_eq!((report.contacts, journey.entered, journey.active), (2, 1, 0));
    assert!(journey.steps.iter().all(|step| step.waiting == 0), "{:?}", journey.steps);
    let story = report.messages.iter().find(|message| message.name == "story").unwrap();
    assert_eq!((story.sent, story.delivered, story.opened), (1, 1, 1));
}

#[tokio::test]
async fn it_stops_when_it_is_told() {
    let until = |until| Scenario { until: Some(until), ..scenario() };
    let span = Span { days: 2, ..Span::default() };
    let report = simulate(&MemoryStore::default(), &Recorder::new(), until(Until::After(span))).await;
    assert_eq!(report.end.0 - report.start.0, 2 * crate::time::DAY);
    assert_eq!(report.journeys[0].steps[1].waiting, 3);
    assert_eq!(report.journeys[0].active, 3);
    let moment = Until::Moment(Instant(report.start.0 + 1));
    assert_eq!(simulate(&MemoryStore::default(), &Recorder::new(), until(moment)).await.end.0, report.start.0 + 1);
}

#[tokio::test]
async fn without_events_time_begins_on_a_monday() {
    let scenario = Scenario { events: vec![], ..scenario() };
    let report = simulate(&MemoryStore::default(), &Recorder::new(), scenario).await;
    assert_eq!(crate::time::rfc3339(report.start), "2026-01-05T09:00:00Z");
    assert_eq!(report.end.0 - report.start.0, 3 * crate::time::DAY);
}

#[tokio::test]
async fn refused_messages_come_again_and_failed_ones_are_counted() {
    let transport = Recorder::answering(|rendered, before| match (rendered.to.as_str(), before) {
        ("bob@x.example", 0 | 1) => Verdict::Retry { after: None, cause: "421 later".into() },
        ("cy@x.example", _) => Verdict::Failed { cause: "550 unknown".into() },
        _ => Verdict::Delivered { response: "250 ok".into() },
    });
    let report = simulate(&MemoryStore::default(), &transport, scenario()).await;
    let story = report.messages.iter().find(|message| message.name == "story").unwrap();
    assert_eq!((story.sent, story.delivered), (3, 2));
    assert_eq!(story.failed, [("550 unknown".to_owned(), 1)].into());
    assert_eq!(transport.log().iter().filter(|(contact, _)| *contact == 2).count(), 3 + 1, "story thrice, nudge once");
}

#[tokio::test]
async fn ten_thousand_contacts() {
    let gate = Gate::new(linked());
    let contact = |n: usize| {
        let json = json!({"id": format!("c{n}"), "attributes": {"email": format!("c{n}@x.example")}, "tags": ["lead"]});
        gate.contact(&json, Instant::NEVER).unwrap()
    };
    let contacts: Vec<_> = (0..10_000).map(contact).collect();
    let transport = Recorder::new();
    let report = simulate(&MemoryStore::default(), &transport, Scenario { contacts, ..Scenario::default() }).await;
    assert_eq!((report.contacts, report.journeys[0].ended["ended"]), (10_000, 10_000));
    assert_eq!(report.messages.iter().map(|message| message.sent).sum::<u64>(), 10_000, "nobody has a phone");
}

/// What a store knows in the end: every contact, with its trace and what became of its messages.
async fn all<S: Store>(store: &S) -> String {
    let mut all = Vec::new();
    for contact in store.contacts_after(crate::core::contact::ContactId(0), 1_000).await.unwrap() {
        let (trace, deliveries) = (store.trace(contact.id).await.unwrap(), store.deliveries(contact.id).await.unwrap());
        all.push((contact, trace, deliveries));
    }
    format!("{all:#?} {:?}", store.counts().await.unwrap())
}

/// A transport that is often busy, and sometimes refuses, depending on the message and the attempt alone.
fn moody(seed: u64) -> std::sync::Arc<Recorder> {
    Recorder::answering(move |rendered, before| {
        let mood = seed.wrapping_mul(31) ^ (rendered.id.contact.0 as u64 * 7) ^ u64::from(rendered.id.number + before);
        match mood % 5 {
            0 => Verdict::Failed { cause: "550".into() },
            1 | 2 => Verdict::Retry { after: None, cause: "421".into() },
            _ => Verdict::Delivered { response: "250".into() },
        }
    })
}

/// Somebody, something, and after how many hours.
type Happening = (u8, u8, u32);

fn random_scenario(happenings: &[Happening]) -> Scenario {
    let gate = Gate::new(linked());
    let events = happenings.iter().map(|(who, what, hours)| {
        let contact = format!("c{}", who % 4);
        let at = crate::time::rfc3339(Instant(DEFAULT_START.0 + i64::from(*hours % 240) * 3_600_000));
        let id = format!("e{}", u32::from(*what) * 3 + hours % 3);
        let json = match what % 8 {
            0 => json!({"contact": contact, "at": at, "tag": "lead"}),
            1 => json!({"contact": contact, "at": at, "untag": "lead"}),
            2 => json!({"contact": contact, "at": at, "opened": "story"}),
            3 => json!({"contact": contact, "at": at, "event": "purchase", "data": {"amount": "9 EUR"}, "id": id}),
            4 => json!({"contact": contact, "at": at, "unsubscribed": true}),
            5 => json!({"contact": contact, "at": at, "set": {"phone": "+4915112345678"}}),
            6 => json!({"contact": contact, "at": at, "set": {"email": "new@x.example"}, "id": id}),
            _ => json!({"contact": contact, "at": at, "clicked": "price", "link": "buy"}),
        };
        gate.event(&json, Instant::NEVER).unwrap()
    });
    let contact = |n: u8| {
        let tags: &[&str] = if n == 0 { &["lead"] } else { &[] };
        let json = json!({"id": format!("c{n}"), "attributes": {"email": format!("c{n}@x.example")}, "tags": tags});
        gate.contact(&json, Instant::NEVER).unwrap()
    };
    Scenario { contacts: (0..3).map(contact).collect(), events: events.collect(), ..Scenario::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_store_comes_to_the_same(happenings in prop::collection::vec(any::<Happening>(), 0..24), seed: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (memory, in_memory) = (MemoryStore::default(), moody(seed));
            let first = simulate(&memory, &in_memory, random_scenario(&happenings)).await;
            let folder = tempfile::tempdir().unwrap();
            let (sqlite, in_sqlite) = (SqliteStore::open(folder.path().join("journey.db")).await.unwrap(), moody(seed));
            let second = simulate(&sqlite, &in_sqlite, random_scenario(&happenings)).await;
            prop_assert_eq!(first, second);
            prop_assert_eq!(in_memory.log(), in_sqlite.log());
            prop_assert_eq!(all(&memory).await, all(&sqlite).await);
            Ok(())
        })?;
    }
}
