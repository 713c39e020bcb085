//! Contacts that turn out to be one.

use journey_bytecode::Bundle;

use super::*;

use crate::core::{Linked, advance};

fn alias(contact: &str, key: &str) -> NewInput {
    NewInput { kind: InputKind::Alias { key: key.into() }, ..event(contact, "", "") }
}

/// Advances everybody as the engine does, all that are due in one commit; `more` may add to what follows.
async fn advance_all(store: &impl Store, more: impl Fn(&mut Advanced)) {
    let linked = Linked::new(Bundle { default_zone: "UTC".into(), ..Bundle::default() }, []).unwrap();
    loop {
        let claimed = store.claim(NOW, 100).await.unwrap();
        if claimed.contacts.is_empty() {
            return;
        }
        let step = |Pending { mut contact, inputs }| {
            let outcome = advance(&linked, &mut contact, &inputs, NOW);
            let mut advanced = Advanced { contact, outcome };
            more(&mut advanced);
            advanced
        };
        let advanced = claimed.contacts.into_iter().map(step).collect();
        store.commit(claimed.lease, advanced, 0).await.unwrap();
    }
}

async fn id_of(store: &impl Store, key: &str) -> ContactId {
    store.contact(key).await.unwrap().unwrap().id
}

/// The names of the events that a contact was told; what joins it is `<`.
async fn heard(store: &impl Store, contact: i64) -> Vec<String> {
    let told = store.inputs(ContactId(contact)).await.unwrap().into_iter();
    assert_eq!(store.counts().await.unwrap().pending, 0);
    let name = |input: Input| match input.kind {
        InputKind::Event { name, .. } => Some(name.to_string()),
        InputKind::Absorb { contact } => Some(format!("<{}", contact.key)),
        _ => None,
    };
    told.filter_map(name).collect()
}

pub(super) async fn an_alias_joins_its_contact(kind: impl Kind) {
    let store = kind.open().await;
    store.accept(&[event("anon", "1", "a"), event("ada", "1", "b"), event("bob", "", "c")], NOW).await.unwrap();
    let message = MessageId { contact: ContactId(1), number: 0 };
    advance_all(&store, |advanced| {
        if advanced.contact.id == message.contact {
            advanced.outcome.outgoing.push(outgoing(message, NOW, Purpose::Transactional, None));
        }
    })
    .await;

    let answers = store.accept(&[alias("ada", "anon"), alias("ada", "anon"), alias("anon", "ada")], NOW).await.unwrap();
    assert_eq!(answers, [accepted(2, 2), Acceptance::Duplicate, Acceptance::Duplicate], "they are one, told how often");
    let answers = store.accept(&[alias("bob", "anon"), alias("nina", "anon")], NOW).await.unwrap();
    assert_eq!(answers, [Acceptance::AliasTaken; 2]);
    // What comes before it has handed over is its own, and follows it.
    assert_eq!(store.accept(&[event("anon", "2", "d")], NOW).await.unwrap(), [accepted(1, 3)]);
    assert_eq!(store.accept(&[event("ada", "2", "e")], NOW).await.unwrap(), [accepted(2, 3)]);
    advance_all(&store, |_| {}).await;
    let ada = store.contact("ada").await.unwrap().unwrap();
    assert_eq!(store.contact("anon").await.unwrap().as_ref(), Some(&ada));
    assert_eq!(contact_of_id(&store, ContactId(1)).await.unwrap().as_ref(), Some(&ada));
    let aliases: Vec<_> = ada.state.identities.aliases.iter().map(|alias| (alias.contact.0, &*alias.key)).collect();
    assert_eq!(aliases, [(1, "anon")]);

    // From then on, its events are the contact's, under its own ids.
    let later = [event("anon", "1", "a"), event("anon", "2", "x"), event("anon", "3", "f"), event("ada", "3", "g")];
    let answers = store.accept(&later, NOW).await.unwrap();
    assert!(matches!(answers[2], Acceptance::Accepted { contact: ContactId(2), .. }), "{answers:?}");
    assert_eq!((answers[0], answers[1]), (Acceptance::Duplicate, Acceptance::Conflict));
    let again = store.accept(&later, NOW).await.unwrap();
    assert_eq!([again[0], again[2], again[3]], [Acceptance::Duplicate; 3]);
    let by_number = NewInput { contact: Whose::Id(ContactId(1)), ..event("", "4", "h") };
    assert!(matches!(
        store.accept(&[by_number.clone(), by_number], NOW).await.unwrap()[..],
        [Acceptance::Accepted { contact: ContactId(2), .. }, Acceptance::Duplicate]
    ));
    assert_eq!(store.accept(&[alias("ada", "anon")], NOW).await.unwrap(), [Acceptance::Duplicate]);
    advance_all(&store, |_| {}).await;
    assert_eq!(heard(&store, 1).await, ["a"]);
    assert_eq!(heard(&store, 2).await, ["b", "e", "<anon", "d", "f", "g", "h"]);

    // Its messages go under their ids, and the contact hears of them.
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap().len(), 1);
    assert_eq!(store.record(&[], &[message]).await.unwrap(), []);
    store.record(&[delivered(message)], &[]).await.unwrap();
    let claimed = store.claim(NOW, 9).await.unwrap();
    let told: Vec<_> = claimed.contacts.iter().map(|pending| (pending.contact.id.0, &pending.inputs[0].kind)).collect();
    let status = StatusKind::Delivered;
    let news = InputKind::Message { message: MessageName::Number(0), status, link: None, machine: false };
    assert_eq!(told, [(2, &InputKind::OfAlias { contact: ContactId(1), kind: Box::new(news) })]);
    drop(claimed);
    assert_eq!(store.counts().await.unwrap().contacts, 3, "nobody else came in between");
}

pub(super) async fn aliases_join_in_chains(kind: impl Kind) {
    let store = kind.open().await;
    let new = [event("x", "", "1"), event("a", "", "2"), event("b", "", "3"), event("c", "", "4")];
    store.accept(&new, NOW).await.unwrap();
    advance_all(&store, |_| {}).await;
    // All in one commit; `d` was never heard of.
    let joins = [alias("a", "b"), alias("x", "a"), alias("b", "c"), alias("x", "d"), alias("c", "x")];
    let answers = store.accept(&joins, NOW).await.unwrap();
    assert_eq!(answers[4], Acceptance::Duplicate, "no ring: {answers:?}");
    let later: Vec<_> = ["x", "a", "b", "c", "d"].iter().map(|key| event(key, "", &format!("{key}5"))).collect();
    store.accept(&later, NOW).await.unwrap();
    advance_all(&store, |_| {}).await;
    let x = store.contact("x").await.unwrap().unwrap();
    let mut aliases: Vec<_> = x.state.identities.aliases.iter().map(|alias| &*alias.key).collect();
    aliases.sort_unstable();
    assert_eq!(aliases, ["a", "b", "c", "d"]);
    for key in ["a", "b", "c", "d"] {
        assert_eq!(id_of(&store, key).await, x.id);
    }
    // Whoever had aliases brings them along, in another commit too.
    store.accept(&[alias("y", "x"), event("c", "", "c6")], NOW).await.unwrap();
    advance_all(&store, |_| {}).await;
    let y = store.contact("d").await.unwrap().unwrap();
    assert_eq!((&*y.key, y.state.identities.aliases.len()), ("y", 5));
    let mut told = heard(&store, 1).await;
    told.extend(heard(&store, y.id.0).await);
    for event in ["1", "x5", "a5", "b5", "c5", "d5", "c6", "<x"] {
        assert_eq!(told.iter().filter(|told| *told == event).count(), 1, "{event}: {told:?}");
    }
}

/// Contacts that have a message queued at an address of their own.
async fn with_messages(store: &impl Store, keys: &[&str]) -> Vec<MessageId> {
    let inputs: Vec<_> = keys.iter().map(|key| event(key, "", "e")).collect();
    store.accept(&inputs, NOW).await.unwrap();
    let id = |contact| MessageId { contact, number: 7 };
    advance_all(store, |Advanced { contact, outcome }| {
        let to = format!("{}@x.example", contact.key).into();
        let message = outgoing(id(contact.id), NOW, Purpose::Marketing, Some("offers"));
        outcome.outgoing.push(Outgoing { to, ..message });
    })
    .await;
    let mut ids = Vec::new();
    for key in keys {
        ids.push(id(id_of(store, key).await));
    }
    ids
}

fn unsubscribe(contact: &str, topic: Option<&str>) -> NewInput {
    NewInput { kind: InputKind::Unsubscribe { topic: topic.map(Into::into) }, ..event(contact, "", "") }
}

pub(super) async fn what_either_wants_no_more_of_counts_for_both(kind: impl Kind) {
    let store = kind.open().await;
    let ids = with_messages(&store, &["anon", "ada", "anon2", "bea", "anon3", "cleo"]).await;
    let said = [unsubscribe("ada", Some("offers")), unsubscribe("anon2", None)];
    store.accept(&said, NOW).await.unwrap();
    advance_all(&store, |_| {}).await;
    store.accept(&[alias("ada", "anon"), alias("bea", "anon2"), alias("cleo", "anon3")], NOW).await.unwrap();
    advance_all(&store, |_| {}).await;
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap().len(), ids.len());
    let stay = |ids: &[MessageId]| ids.iter().map(|id| (*id, Stays::Unsubscribed)).collect::<Vec<_>>();
    assert_eq!(store.record(&[], &ids[..4]).await.unwrap(), stay(&ids[..4]));
    assert_eq!(store.record(&[], &ids[4..]).await.unwrap(), []);
    // What is said under the one id later stops what was queued under the other.
    store.accept(&[unsubscribe("anon3", Some("offers"))], NOW).await.unwrap();
    assert_eq!(store.record(&[], &ids[4..]).await.unwrap(), stay(&ids[4..]));
    // An address that both used stops nobody who has changed their mind.
    let kind = InputKind::Subscribe { topic: "offers".into(), channel: None, evidence: Evidence::default() };
    store.accept(&[NewInput { kind, ..event("anon", "", "") }], NOW).await.unwrap();
    let ada = id_of(&store, "ada").await;
    advance_all(&store, |Advanced { contact, outcome }| {
        let to = "anon@x.example".into();
        let message = outgoing(MessageId { contact: ada, number: 9 }, NOW, Purpose::Marketing, Some("offers"));
        outcome.outgoing.extend((contact.id == ada).then_some(Outgoing { to, ..message }));
    })
    .await;
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap().len(), 1);
    assert_eq!(store.record(&[], &[MessageId { contact: ada, number: 9 }]).await.unwrap(), []);
    let there = store.contacts_at(Channel::Email, "anon@x.example", 9).await.unwrap();
    assert_eq!(there.iter().map(|contact| &*contact.key).collect::<Vec<_>>(), ["ada"]);
}

pub(super) async fn nothing_stays_of_the_aliases_of_who_is_erased(kind: impl Kind) {
    let store = kind.open().await;
    with_messages(&store, &["anon", "ada"]).await;
    store.accept(&[alias("ada", "anon")], NOW).await.unwrap();
    advance_all(&store, |_| {}).await;
    // One that hands over only afterwards goes the same way.
    store.accept(&[event("late", "1", "l"), alias("ada", "late"), NewInput::erasing("anon", NOW)], NOW).await.unwrap();
    advance_all(&store, |_| {}).await;
    for key in ["anon", "ada", "late"] {
        assert_eq!(store.contact(key).await.unwrap(), None, "{key}");
    }
    for contact in store.contacts_after(ContactId(0), 9).await.unwrap() {
        assert!(contact.is_erased() && contact.attributes.is_empty(), "{contact:?}");
        assert!(store.inputs(contact.id).await.unwrap().is_empty(), "{contact:?}");
    }
    assert_eq!(store.counts().await.unwrap().queued, 0);
    assert_eq!(store.accept(&[event("anon", "", "n")], NOW).await.unwrap(), [accepted(4, 1)], "somebody new");
    // What comes for the old one by its number is forgotten.
    store.accept(&[NewInput { contact: Whose::Id(ContactId(1)), ..event("", "9", "z") }], NOW).await.unwrap();
    advance_all(&store, |_| {}).await;
    assert!(store.inputs(ContactId(2)).await.unwrap().is_empty());
}

pub(super) async fn an_alias_survives(kind: impl Kind) {
    let store = kind.open().await;
    store.accept(&[event("anon", "", "a"), event("ada", "", "b")], NOW).await.unwrap();
    advance_all(&store, |_| {}).await;
    store.accept(&[alias("ada", "anon"), event("anon", "1", "c")], NOW).await.unwrap();
    drop(store);
    let store = kind.open().await;
    // Who was claimed by the store that is gone is free a moment later.
    soon(async || {
        advance_all(&store, |_| {}).await;
        store.next_due().await.unwrap().is_none().then_some(())
    })
    .await;
    drop(store);
    let store = kind.open().await;
    assert_eq!(store.next_due().await.unwrap(), None);
    store.accept(&[event("anon", "1", "c"), event("anon", "2", "d")], NOW).await.unwrap();
    advance_all(&store, |_| {}).await;
    assert_eq!(heard(&store, 2).await, ["b", "<anon", "c", "d"]);
}

/// Two workers on one database, events under both ids, and in the middle it turns out whose they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workers_lose_and_repeat_nothing_of_who_joins() {
    const EVENTS: usize = 150;
    let Some(kind) = Postgres::new().await else { return };
    let stores = [kind.open().await, kind.open().await];
    let stores: Arc<[PostgresStore; 2]> = Arc::new(stores);
    stores[0].accept(&[event("anon", "", "first"), event("ada", "", "b")], NOW).await.unwrap();
    let mut workers = tokio::task::JoinSet::new();
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    for place in 0..2 {
        let (stores, done) = (Arc::clone(&stores), Arc::clone(&done));
        workers.spawn(async move {
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                advance_all(&stores[place], |_| {}).await;
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        });
    }
    for n in 0..EVENTS {
        let of_anon = event("anon", &n.to_string(), &format!("e{n}"));
        let of_ada = event("ada", &n.to_string(), &format!("a{n}"));
        let store = &stores[n % 2];
        store.accept(&[of_ada, of_anon.clone()], NOW).await.unwrap();
        if n == EVENTS / 2 {
            let (one, two) = (alias("ada", "anon"), alias("anon", "ada"));
            let (one, two) = ([one], [two]);
            let (one, two) = tokio::join!(stores[0].accept(&one, NOW), stores[1].accept(&two, NOW));
            let answers = [one.unwrap()[0], two.unwrap()[0]];
            assert_eq!(answers.iter().filter(|answer| **answer == Acceptance::Duplicate).count(), 1, "{answers:?}");
        }
        assert_eq!(stores[(n + 1) % 2].accept(&[of_anon], NOW).await.unwrap(), [Acceptance::Duplicate]);
    }
    soon(async || (stores[0].counts().await.unwrap().pending == 0).then_some(())).await;
    done.store(true, std::sync::atomic::Ordering::Release);
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
    // Whichever of the two was taken first stays.
    let one = stores[0].contact("anon").await.unwrap().unwrap();
    assert_eq!(stores[1].contact("ada").await.unwrap().unwrap(), one);
    let other = ContactId(3 - one.id.0);
    let (before, after) = (heard(&stores[0], other.0).await, heard(&stores[0], one.id.0).await);
    for (prefix, begin) in [("e", "first"), ("a", "b")] {
        let of =
            |told: &[String]| -> Vec<String> { told.iter().filter(|name| name.starts_with(prefix)).cloned().collect() };
        let all = [of(&before), of(&after)].concat();
        assert_eq!(all, (0..EVENTS).map(|n| format!("{prefix}{n}")).collect::<Vec<_>>(), "after {begin}");
    }
}
