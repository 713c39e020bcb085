use std::collections::BTreeSet;

use super::*;
use crate::sim::{Awake, DEFAULT_START, Reactions, Scenario, Until, run};
use crate::store::{MemoryStore, SqliteStore, Store};
use crate::testing::{Recorder, linked};

fn scenario(seed: u64, behaviour: Behaviour) -> Scenario {
    Scenario {
        crowd: Some(Crowd::new(&linked(), behaviour, 200, 60, seed, DEFAULT_START)),
        start: Some(DEFAULT_START),
        until: Some(Until::After(Span { days: 60, ..Span::default() })),
        ..Scenario::default()
    }
}

async fn forecast<S: Store>(store: &S, seed: u64, behaviour: Behaviour) -> crate::sim::Report {
    run(store, &linked(), &Recorder::new().outlet(), scenario(seed, behaviour)).await.unwrap()
}

#[tokio::test]
async fn a_seed_is_a_forecast() {
    let usual = Behaviour::default;
    let first = forecast(&MemoryStore::default(), 1, usual()).await;
    assert_eq!(first.contacts, 200);
    assert!(first.messages.iter().any(|message| message.opened > 0), "{first:#?}");
    assert_eq!(forecast(&MemoryStore::default(), 1, usual()).await, first);
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("journey.db")).await.unwrap();
    assert_eq!(forecast(&store, 1, usual()).await, first);
    assert_ne!(forecast(&MemoryStore::default(), 2, usual()).await, first);
}

#[tokio::test]
async fn people_do_what_the_file_says() {
    let never = Reactions { opened: Some(0.0), clicked: Some(0.0), ..Reactions::default() };
    let asleep = Behaviour { messages: [("email".to_owned(), never)].into(), ..Behaviour::default() };
    let report = forecast(&MemoryStore::default(), 1, asleep).await;
    let sent: u64 = report.messages.iter().map(|message| message.sent).sum();
    assert!(sent > 100, "{report:#?}");
    assert!(report.messages.iter().all(|message| message.opened == 0 && message.clicked == 0), "{report:#?}");
    let all = Reactions { opened: Some(1.0), bounced: Some(0.0), ..Reactions::default() };
    let eager = Behaviour { messages: [("email".to_owned(), all)].into(), ..Behaviour::default() };
    let report = forecast(&MemoryStore::default(), 1, eager).await;
    // Those that came on the last days are still unread.
    let mails = report.messages.iter().filter(|message| message.channel == "email");
    assert!(mails.clone().all(|message| message.opened * 10 >= message.delivered * 9), "{report:#?}");
}

#[test]
fn people_look_when_they_are_awake() {
    let mut crowd = Crowd::new(&linked(), Behaviour::default(), 0, 30, 1, DEFAULT_START);
    let zone = Zone::parse("Asia/Tokyo").unwrap();
    for contact in 1..500 {
        let id = ContactId(contact);
        crowd.lives(id, zone);
        crowd.receives(MessageId { contact: id, number: 1 }, "story", "email", DEFAULT_START);
    }
    let reads: Vec<Instant> = crowd
        .pending
        .iter()
        .filter(|(_, input)| matches!(input.kind, InputKind::Message { status: StatusKind::Opened, .. }))
        .map(|((at, _), _)| *at)
        .collect();
    assert!(reads.len() > 100, "{}", reads.len());
    let hours: BTreeSet<u32> = reads.iter().map(|at| zone.hour(*at)).collect();
    assert!(hours.iter().all(|hour| (7..22).contains(hour)), "{hours:?}");
}

#[test]
fn what_makes_no_sense_is_said() {
    let reactions = Reactions { opened: Some(1.5), ..Reactions::default() };
    let behaviour = Behaviour {
        contacts: [("shoe".to_owned(), Known::OneOf(Vec::new())), ("email".to_owned(), Known::Share(-0.5))].into(),
        happens: [("tag nobody".to_owned(), 1.0), ("flood".to_owned(), -1.0)].into(),
        messages: [("email".to_owned(), reactions), ("pigeon".to_owned(), Reactions::default())].into(),
        awake: Awake { from: 9, to: 8 },
    };
    let mut said = behaviour.mistakes();
    said.extend(Crowd::unknown(&behaviour, linked().bundle()));
    insta::assert_snapshot!(said.join("\n"));
}
