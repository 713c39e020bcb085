//! What every store must do, run over each of them.

mod forgotten;
mod heard;
mod joined;
mod kept;
mod machine;
mod resubscribed;
mod revised;
mod senders;
mod told;
mod waiting;

use std::sync::Arc;

use journey_bytecode::{Channel, Instant, Program, Purpose, StatusKind, StepIx, Version};

use super::*;
use crate::core::effect::TraceEvent;
use crate::core::input::Evidence;
use forgotten::{a_list_keeps_marketing_from_addresses, nothing_stays_of_who_is_erased};
use heard::{
    a_channel_withdrawn_counts_for_all_who_share_the_address, a_channel_withdrawn_is_asked_at_the_wire,
    an_answer_leaves_once_though_its_address_is_silent, an_answer_survives,
    who_says_stop_gets_nothing_more_and_is_heard_once,
};
use joined::{
    aliases_join_in_chains, an_alias_joins_its_contact, an_alias_survives,
    nothing_stays_of_the_aliases_of_who_is_erased, what_either_wants_no_more_of_counts_for_both,
};
use kept::{contacts_are_listed_in_order, programs_are_kept};
use resubscribed::a_new_subscription_counts_where_somebody_left;
use revised::a_newer_revision_stops_who_does_not_know_it;
use senders::{a_held_sender_survives, senders_are_counted_held_and_lifted};
use told::what_a_contact_was_told_is_kept;
use waiting::what_did_not_go_at_once_says_why;

/// A kind of store under test.
trait Kind: Sized {
    type Store: Store;

    /// A place for one store; none where what it needs is not on this machine.
    async fn new() -> Option<Self>;

    /// Opens it: empty the first time.
    async fn open(&self) -> Self::Store;
}

struct Memory;

impl Kind for Memory {
    type Store = MemoryStore;

    async fn new() -> Option<Self> {
        Some(Self)
    }

    async fn open(&self) -> MemoryStore {
        MemoryStore::default()
    }
}

struct Sqlite(tempfile::TempDir);

impl Kind for Sqlite {
    type Store = SqliteStore;

    async fn new() -> Option<Self> {
        Some(Self(tempfile::tempdir().unwrap()))
    }

    async fn open(&self) -> SqliteStore {
        // A process that another test starts has the lock of a store that was dropped, until it is another program.
        soon(async || match SqliteStore::open(self.0.path().join("journey.db")).await {
            Err(StoreError::InUse { .. }) => None,
            opened => Some(opened.unwrap()),
        })
        .await
    }
}

struct Postgres(String);

impl Kind for Postgres {
    type Store = PostgresStore;

    async fn new() -> Option<Self> {
        postgres::tests::database().await.map(Self)
    }

    async fn open(&self) -> PostgresStore {
        PostgresStore::open(&self.0).await.unwrap()
    }
}

/// Runs each test over each kind of store.
macro_rules! over_all {
    ($($test:ident)*) => {
        over!(memory, Memory, $($test)*);
        over!(sqlite, Sqlite, $($test)*);
        over!(in_postgres, Postgres, $($test)*);
    };
}

/// The same for stores that survive their process.
macro_rules! over_durable {
    ($($test:ident)*) => {
        over!(sqlite_durable, Sqlite, $($test)*);
        over!(postgres_durable, Postgres, $($test)*);
    };
}

macro_rules! over {
    ($module:ident, $kind:ty, $($test:ident)*) => {
        mod $module {
            use super::*;
            $(#[tokio::test]
            async fn $test() {
                if let Some(kind) = <$kind as Kind>::new().await {
                    super::$test(kind).await;
                }
            })*
        }
    };
}

over_all! {
    every_code_is_given_out_once
    trials_are_counted
    senders_are_counted_held_and_lifted
    nothing_stays_of_who_is_erased
    a_list_keeps_marketing_from_addresses
    a_channel_withdrawn_is_asked_at_the_wire
    a_channel_withdrawn_counts_for_all_who_share_the_address
    who_says_stop_gets_nothing_more_and_is_heard_once
    an_answer_leaves_once_though_its_address_is_silent
    inputs_are_taken_once
    ids_belong_to_a_contact
    only_some_inputs_create_contacts
    a_claim_has_contacts_with_their_inputs
    nobody_is_claimed_twice
    timers_fire_when_they_are_due
    inputs_that_come_during_a_claim_are_next
    many_inputs_come_in_parts
    what_a_contact_was_told_is_kept
    messages_are_claimed_when_due
    contacts_hear_of_their_messages
    messages_are_tried_again
    what_did_not_go_at_once_says_why
    what_has_failed_goes_again_or_is_forgotten
    what_waits_is_given_up
    what_may_have_arrived_is_held
    an_unsubscribe_stops_queued_messages
    an_unsubscribe_counts_for_all_who_share_the_address
    programs_are_kept
    contacts_are_listed_in_order
    concurrent_intake_counts_once
    a_new_subscription_counts_where_somebody_left
    an_alias_joins_its_contact
    aliases_join_in_chains
    what_either_wants_no_more_of_counts_for_both
    nothing_stays_of_the_aliases_of_who_is_erased
    a_newer_revision_stops_who_does_not_know_it
}

over_durable! {
    what_was_acknowledged_survives
    a_claim_does_not_survive
    a_held_sender_survives
    an_alias_survives
    an_answer_survives
    what_was_on_the_wire_is_sent_again
    what_was_on_the_wire_is_held
}

const NOW: Instant = Instant(1_000);

fn event(contact: &str, id: &str, name: &str) -> NewInput {
    let kind = InputKind::Event { name: name.into(), payload: journey_bytecode::Value::Unset };
    let mut fingerprint = [0; 16];
    fingerprint[..name.len()].copy_from_slice(name.as_bytes());
    NewInput {
        contact: Whose::Key(contact.into()),
        id: (!id.is_empty()).then(|| id.into()),
        fingerprint,
        at: NOW,
        kind,
        creates: true,
    }
}

fn accepted(contact: i64, seq: i64) -> Acceptance {
    Acceptance::Accepted { contact: ContactId(contact), seq }
}

fn outgoing(id: MessageId, at: Instant, purpose: Purpose, topic: Option<&str>) -> Outgoing {
    Outgoing {
        errand: crate::core::effect::Errand::Message,
        id,
        at,
        journey: "j".into(),
        version: Version([7; 16]),
        step: StepIx(0),
        channel: Channel::Email,
        message: "story".into(),
        to: "ada@x.example".into(),
        language: None,
        zone: "UTC".into(),
        country: None,
        subject: None,
        from: None,
        purpose,
        topic: topic.map(Into::into),
        after_crash: journey_bytecode::AfterCrash::Resend,
        data: journey_bytecode::Value::Unset,
    }
}

/// What a step would make of pending inputs: all applied, one line of trace each.
fn step(pending: Pending, due: Option<Instant>) -> Advanced {
    let Pending { mut contact, inputs } = pending;
    let mut outcome = Outcome { due, ..Outcome::default() };
    for input in inputs {
        assert_eq!(input.seq, contact.state.applied + 1, "no gap, no repetition");
        contact.state.applied = input.seq;
        contact.tags.insert(format!("t{}", input.seq).into());
        let event = TraceEvent::TagAdded(format!("t{}", input.seq).into());
        outcome.trace.push(TraceEntry { at: input.at, run: None, journey: "j".into(), event });
    }
    Advanced { contact, outcome }
}

/// Claims and commits all there is at the moment; returns the contacts.
async fn step_all(store: &impl Store, now: Instant, due: Option<Instant>) -> Vec<i64> {
    let mut ids = Vec::new();
    loop {
        let claimed = store.claim(now, 100).await.unwrap();
        if claimed.contacts.is_empty() {
            return ids;
        }
        ids.extend(claimed.contacts.iter().map(|pending| pending.contact.id.0));
        let advanced = claimed.contacts.into_iter().map(|pending| step(pending, due)).collect();
        store.commit(claimed.lease, advanced, 0).await.unwrap();
    }
}

/// What will be there: a database may take a moment to notice that a connection is gone.
async fn soon<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..500 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("waited in vain");
}

/// A contact with one message in the outbox.
async fn with_message(store: &impl Store, purpose: Purpose, topic: Option<&str>) -> MessageId {
    store.accept(&[event("ada", "", "e")], NOW).await.unwrap();
    let mut claimed = store.claim(NOW, 1).await.unwrap();
    let mut advanced = step(claimed.contacts.pop().unwrap(), None);
    let id = MessageId { contact: advanced.contact.id, number: 0 };
    advanced.outcome.outgoing.push(outgoing(id, NOW, purpose, topic));
    store.commit(claimed.lease, vec![advanced], 0).await.unwrap();
    id
}

/// Puts a message on the wire and leaves it there: the store as the next one finds it.
async fn left_on_the_wire<K: Kind>(kind: &K, after_crash: journey_bytecode::AfterCrash) -> (K::Store, MessageId) {
    let store = kind.open().await;
    store.accept(&[event("ada", "", "e")], NOW).await.unwrap();
    let mut claimed = store.claim(NOW, 1).await.unwrap();
    let mut advanced = step(claimed.contacts.pop().unwrap(), None);
    let id = MessageId { contact: advanced.contact.id, number: 0 };
    advanced.outcome.outgoing.push(Outgoing { after_crash, ..outgoing(id, NOW, Purpose::Marketing, None) });
    store.commit(claimed.lease, vec![advanced], 0).await.unwrap();
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap().len(), 1);
    assert_eq!(store.record(&[], &[id]).await.unwrap(), []);
    assert_eq!(store.outbox(Kept::OnWire, 9).await.unwrap().len(), 1);
    drop(store);
    (kind.open().await, id)
}

fn delivered(id: MessageId) -> Delivery {
    Delivery { id, at: Instant(2_000), attempts: 1, result: DeliveryResult::Delivered { answer: "250 ok".into() } }
}

async fn inputs_are_taken_once(kind: impl Kind) {
    let store = kind.open().await;
    let batch = [event("ada", "1", "a"), event("ada", "1", "a"), event("ada", "1", "b"), event("ada", "2", "a")];
    let answers = store.accept(&batch, NOW).await.unwrap();
    assert_eq!(answers, [accepted(1, 1), Acceptance::Duplicate, Acceptance::Conflict, accepted(1, 2)]);
    step_all(&store, NOW, None).await;
    let answers = store.accept(&batch, NOW).await.unwrap();
    assert_eq!(answers, [Acceptance::Duplicate, Acceptance::Duplicate, Acceptance::Conflict, Acceptance::Duplicate]);
    assert_eq!(
        store.accept(&[event("ada", "", "a"), event("ada", "", "a")], NOW).await.unwrap(),
        [accepted(1, 3), accepted(1, 4)]
    );
}

async fn ids_belong_to_a_contact(kind: impl Kind) {
    let store = kind.open().await;
    let answers = store.accept(&[event("ada", "1", "a"), event("bob", "1", "b")], NOW).await.unwrap();
    assert_eq!(answers, [accepted(1, 1), accepted(2, 1)]);
    let by_number = NewInput { contact: Whose::Id(ContactId(2)), ..event("", "1", "b") };
    let nobody = NewInput { contact: Whose::Id(ContactId(3)), ..event("", "1", "b") };
    let answers = store.accept(&[by_number, nobody], NOW).await.unwrap();
    assert_eq!(answers, [Acceptance::Duplicate, Acceptance::UnknownContact]);
}

async fn only_some_inputs_create_contacts(kind: impl Kind) {
    let store = kind.open().await;
    let shy = NewInput { creates: false, ..event("ada", "1", "a") };
    let answers = store.accept(&[shy.clone(), event("ada", "2", "a"), shy.clone()], NOW).await.unwrap();
    assert_eq!(answers, [Acceptance::UnknownContact, accepted(1, 1), accepted(1, 2)]);
    assert_eq!(store.contact("ada").await.unwrap().unwrap().created_at, NOW);
    assert_eq!(store.contact("bob").await.unwrap(), None);
    assert_eq!(store.counts().await.unwrap(), Counts { contacts: 1, pending: 2, ..Counts::default() });
}

async fn a_claim_has_contacts_with_their_inputs(kind: impl Kind) {
    let store = kind.open().await;
    let awkward = "o'Hara \"é\" \\ {} [1] 😀";
    let batch = [event("cy", "", "a"), event(awkward, awkward, "b"), event("cy", "", "c"), event("dee", "", "d")];
    store.accept(&batch, NOW).await.unwrap();
    let claimed = store.claim(NOW, 2).await.unwrap();
    let seen: Vec<_> = claimed
        .contacts
        .iter()
        .map(|p| (p.contact.key.as_str(), p.inputs.iter().map(|i| (i.seq, i.kind.clone())).collect::<Vec<_>>()))
        .collect();
    let kind_of = |n: usize| batch[n].kind.clone();
    assert_eq!(seen, [("cy", vec![(1, kind_of(0)), (2, kind_of(2))]), (awkward, vec![(1, kind_of(1))])]);
}

async fn nobody_is_claimed_twice(kind: impl Kind) {
    let store = kind.open().await;
    let batch: Vec<_> = (0..10).map(|n| event(&format!("c{n}"), "", "a")).collect();
    store.accept(&batch, NOW).await.unwrap();
    let first = store.claim(NOW, 4).await.unwrap();
    let second = store.claim(NOW, 100).await.unwrap();
    let ids = |claimed: &Claimed<_>| claimed.contacts.iter().map(|p| p.contact.id.0).collect::<Vec<_>>();
    assert_eq!((ids(&first), ids(&second)), (vec![1, 2, 3, 4], vec![5, 6, 7, 8, 9, 10]));
    drop(second);
    let second = soon(async || Some(store.claim(NOW, 100).await.unwrap()).filter(|c| !c.contacts.is_empty())).await;
    assert_eq!(ids(&second), [5, 6, 7, 8, 9, 10], "a dropped claim gives back");
    drop(second);
    let advanced = first.contacts.into_iter().map(|pending| step(pending, None)).collect();
    store.commit(first.lease, advanced, 0).await.unwrap();
    let rest = soon(async || Some(step_all(&store, NOW, None).await).filter(|ids| !ids.is_empty())).await;
    assert_eq!(rest, [5, 6, 7, 8, 9, 10]);
    assert_eq!(store.next_due().await.unwrap(), None);
}

async fn timers_fire_when_they_are_due(kind: impl Kind) {
    let store = kind.open().await;
    store.accept(&[event("ada", "", "a")], NOW).await.unwrap();
    assert!(store.next_due().await.unwrap().is_some_and(|due| due <= NOW));
    step_all(&store, NOW, Some(Instant(5_000))).await;
    assert_eq!(store.next_due().await.unwrap(), Some(Instant(5_000)));
    assert_eq!(step_all(&store, Instant(4_999), None).await, [0_i64; 0]);
    // An input moves the timer: the old one is gone.
    store.accept(&[event("ada", "", "b")], NOW).await.unwrap();
    step_all(&store, NOW, Some(Instant(9_000))).await;
    assert_eq!(step_all(&store, Instant(8_999), None).await, [0_i64; 0]);
    assert_eq!(step_all(&store, Instant(9_000), None).await, [1]);
    assert_eq!(store.next_due().await.unwrap(), None);
}

async fn inputs_that_come_during_a_claim_are_next(kind: impl Kind) {
    let store = kind.open().await;
    store.accept(&[event("ada", "", "a")], NOW).await.unwrap();
    let claimed = store.claim(NOW, 9).await.unwrap();
    store.accept(&[event("ada", "", "b")], NOW).await.unwrap();
    assert_eq!(store.claim(NOW, 9).await.unwrap().contacts, []);
    let advanced = claimed.contacts.into_iter().map(|pending| step(pending, Some(Instant(9_000)))).collect();
    store.commit(claimed.lease, advanced, 0).await.unwrap();
    let next = store.claim(NOW, 9).await.unwrap();
    assert_eq!(next.contacts[0].inputs.iter().map(|input| input.seq).collect::<Vec<_>>(), [2]);
}

async fn many_inputs_come_in_parts(kind: impl Kind) {
    let store = kind.open().await;
    let many = MAX_INPUTS_PER_ADVANCE + 3;
    let batch: Vec<_> = (0..many).map(|_| event("ada", "", "a")).collect();
    store.accept(&batch, NOW).await.unwrap();
    assert_eq!(step_all(&store, NOW, None).await, [1, 1]);
    let ada = store.contact("ada").await.unwrap().unwrap();
    assert_eq!((ada.state.applied, ada.tags.len() as i64), (many, many));
    assert_eq!(store.trace(ContactId(1)).await.unwrap().len() as i64, many);
    assert_eq!(store.counts().await.unwrap().pending, 0);
}

async fn messages_are_claimed_when_due(kind: impl Kind) {
    let store = kind.open().await;
    let id = with_message(&store, Purpose::Transactional, None).await;
    assert_eq!(store.next_message_due().await.unwrap(), Some(NOW));
    assert_eq!(store.claim_messages(Instant(999), 9).await.unwrap(), []);
    let queued = store.claim_messages(NOW, 9).await.unwrap();
    let expected = outgoing(id, NOW, Purpose::Transactional, None);
    assert_eq!(queued, [Queued { outgoing: expected, attempts: 0 }]);
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap(), [], "once");
    assert_eq!(store.next_message_due().await.unwrap(), None);
}

async fn contacts_hear_of_their_messages(kind: impl Kind) {
    let store = kind.open().await;
    let id = with_message(&store, Purpose::Transactional, None).await;
    store.claim_messages(NOW, 9).await.unwrap();
    assert_eq!(store.record(&[], &[id]).await.unwrap(), []);
    store.record(&[delivered(id)], &[]).await.unwrap();
    store.record(&[delivered(id)], &[]).await.unwrap();
    let claimed = store.claim(NOW, 9).await.unwrap();
    let news = InputKind::Message {
        message: MessageName::Number(0),
        status: StatusKind::Delivered,
        link: None,
        machine: false,
    };
    assert_eq!(claimed.contacts[0].inputs, [Input { seq: 2, at: Instant(2_000), kind: news }], "once");
    assert_eq!(store.deliveries(id.contact).await.unwrap(), [delivered(id)]);
    assert_eq!(store.counts().await.unwrap().delivered, 1);
}

async fn messages_are_tried_again(kind: impl Kind) {
    let store = kind.open().await;
    let id = with_message(&store, Purpose::Transactional, None).await;
    store.claim_messages(NOW, 9).await.unwrap();
    store.record(&[], &[id]).await.unwrap();
    let result = DeliveryResult::Retry { due: Instant(7_000), cause: "421 later".into() };
    store.record(&[Delivery { result, ..delivered(id) }], &[]).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), None, "the contact hears nothing of it");
    assert_eq!(store.next_message_due().await.unwrap(), Some(Instant(7_000)));
    assert_eq!(store.claim_messages(Instant(7_000), 9).await.unwrap()[0].attempts, 1);
    let result = DeliveryResult::Failed { status: StatusKind::Bounced, cause: "550 unknown".into() };
    let failed = Delivery { attempts: 2, result, ..delivered(id) };
    store.record(std::slice::from_ref(&failed), &[]).await.unwrap();
    assert_eq!(store.deliveries(id.contact).await.unwrap(), [failed]);
    let counts = Counts { contacts: 1, pending: 1, failed: 1, ..Counts::default() };
    assert_eq!(store.counts().await.unwrap(), counts);
}

fn ids(kept: Vec<KeptMessage>) -> Vec<MessageId> {
    kept.into_iter().map(|kept| kept.outgoing.id).collect()
}

async fn what_has_failed_goes_again_or_is_forgotten(kind: impl Kind) {
    let store = kind.open().await;
    let id = with_message(&store, Purpose::Marketing, Some("offers")).await;
    let fail = async || {
        assert_eq!(store.claim_messages(NOW, 9).await.unwrap().len(), 1);
        assert_eq!(store.record(&[], &[id]).await.unwrap(), []);
        let result = DeliveryResult::Failed { status: StatusKind::Bounced, cause: "550 unknown".into() };
        store.record(&[Delivery { result, ..delivered(id) }], &[]).await.unwrap();
    };
    fail().await;
    let failed = store.outbox(Kept::Failed, 9).await.unwrap();
    let expected = outgoing(id, NOW, Purpose::Marketing, Some("offers"));
    let cause = Some("550 unknown".to_owned());
    assert_eq!(failed, [KeptMessage { outgoing: expected, attempts: 1, at: Instant(2_000), cause }]);
    let stranger = MessageId { contact: ContactId(99), number: 0 };
    assert_eq!(store.requeue(&[id, stranger], NOW).await.unwrap(), [id]);
    assert_eq!(ids(store.outbox(Kept::Waiting, 9).await.unwrap()), [id]);
    assert_eq!(
        (store.outbox(Kept::Failed, 9).await.unwrap(), store.deliveries(id.contact).await.unwrap()),
        (vec![], vec![])
    );
    fail().await;
    // Whoever unsubscribes between the failure and the decision gets nothing.
    let unsubscribe = InputKind::Unsubscribe { topic: None };
    store.accept(&[NewInput { kind: unsubscribe, ..event("ada", "", "u") }], NOW).await.unwrap();
    step_all(&store, NOW, None).await;
    assert_eq!(store.requeue(&[id], NOW).await.unwrap(), [id]);
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap().len(), 1);
    assert_eq!(store.record(&[], &[id]).await.unwrap(), [(id, Stays::Unsubscribed)]);
    let result = DeliveryResult::Failed { status: StatusKind::Skipped, cause: "unsubscribed".into() };
    store.record(&[Delivery { result, ..delivered(id) }], &[]).await.unwrap();
    assert_eq!(store.give_up(&[id, stranger], NOW).await.unwrap(), [id]);
    assert_eq!(store.give_up(&[id], NOW).await.unwrap(), []);
    assert_eq!(
        (store.outbox(Kept::Failed, 9).await.unwrap(), store.requeue(&[id], NOW).await.unwrap()),
        (vec![], vec![])
    );
    assert_eq!(store.counts().await.unwrap().failed, 1, "what became of it is still known");
}

async fn what_waits_is_given_up(kind: impl Kind) {
    let store = kind.open().await;
    let id = with_message(&store, Purpose::Marketing, None).await;
    assert_eq!(store.give_up(&[id], Instant(2_000)).await.unwrap(), [id]);
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap(), []);
    let claimed = store.claim(NOW, 9).await.unwrap();
    let news =
        InputKind::Message { message: MessageName::Number(0), status: StatusKind::Skipped, link: None, machine: false };
    assert_eq!(claimed.contacts[0].inputs, [Input { seq: 2, at: Instant(2_000), kind: news }]);
    assert_eq!(store.outbox(Kept::Failed, 9).await.unwrap()[0].cause.as_deref(), Some(GIVEN_UP));
}

async fn what_may_have_arrived_is_held(kind: impl Kind) {
    let store = kind.open().await;
    let id = with_message(&store, Purpose::Marketing, None).await;
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap().len(), 1);
    assert_eq!(store.record(&[], &[id]).await.unwrap(), []);
    let result = DeliveryResult::Held { cause: "cut off".into() };
    store.record(&[Delivery { result, ..delivered(id) }], &[]).await.unwrap();
    assert_eq!((store.next_due().await.unwrap(), store.next_message_due().await.unwrap()), (None, None));
    let held = store.outbox(Kept::Held, 9).await.unwrap();
    assert_eq!((held[0].at, store.counts().await.unwrap().held), (Instant(2_000), 1));
    assert_eq!((ids(held), store.outbox(Kept::OnWire, 9).await.unwrap()), (vec![id], vec![]));
    assert_eq!(store.give_up(&[id], NOW).await.unwrap(), [id]);
    assert_eq!((store.counts().await.unwrap().held, store.counts().await.unwrap().queued), (0, 0));
    assert_eq!(store.requeue(&[id], NOW).await.unwrap(), [id]);
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap().len(), 1);
}

async fn what_was_on_the_wire_is_held(kind: impl Kind) {
    let (store, id) = left_on_the_wire(&kind, journey_bytecode::AfterCrash::Hold).await;
    let held = soon(async || Some(store.take_over(NOW).await.unwrap()).filter(|taken| *taken != TakenOver::default()));
    assert_eq!(held.await, TakenOver { again: vec![], held: vec![id] });
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap(), [], "nobody gets it twice");
    assert_eq!(store.next_message_due().await.unwrap(), None);
    assert_eq!((ids(store.outbox(Kept::Held, 9).await.unwrap()), store.counts().await.unwrap().held), (vec![id], 1));
    drop(store);
    let store = kind.open().await;
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap(), [], "also not later");
    assert_eq!(store.requeue(&[id], NOW).await.unwrap(), [id]);
    assert_eq!(ids(store.outbox(Kept::Held, 9).await.unwrap()), []);
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap()[0].outgoing.id, id);
    assert_eq!(store.record(&[], &[id]).await.unwrap(), []);
    store.record(&[delivered(id)], &[]).await.unwrap();
    assert_eq!(store.counts().await.unwrap(), Counts { contacts: 1, pending: 1, delivered: 1, ..Counts::default() });
}

async fn an_unsubscribe_stops_queued_messages(kind: impl Kind) {
    let store = kind.open().await;
    let id = with_message(&store, Purpose::Marketing, Some("offers")).await;
    let unsubscribe = |topic: Option<&str>| NewInput {
        kind: InputKind::Unsubscribe { topic: topic.map(Into::into) },
        ..event("ada", "", "u")
    };
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap().len(), 1);
    store.accept(&[unsubscribe(Some("news"))], NOW).await.unwrap();
    assert_eq!(store.record(&[], &[id]).await.unwrap(), []);
    store.accept(&[unsubscribe(Some("offers"))], NOW).await.unwrap();
    assert_eq!(store.record(&[], &[id]).await.unwrap(), [(id, Stays::Unsubscribed)], "as soon as it is acknowledged");

    let subscribe = InputKind::Subscribe { topic: "offers".into(), channel: None, evidence: Evidence::default() };
    store.accept(&[NewInput { kind: subscribe, ..event("ada", "", "s") }], NOW).await.unwrap();
    assert_eq!(store.record(&[], &[id]).await.unwrap(), [], "and not when it is taken back");

    // What is decided in the knowledge of an unsubscribe has passed the core's own gate: a run may have asked again.
    store.accept(&[unsubscribe(Some("offers"))], NOW).await.unwrap();
    let [offer, order] = two_more(&store).await;
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap().len(), 2);
    assert_eq!(store.record(&[], &[offer, order]).await.unwrap(), []);
    store.accept(&[unsubscribe(None)], NOW).await.unwrap();
    assert_eq!(
        store.record(&[], &[offer, order]).await.unwrap(),
        [(offer, Stays::Unsubscribed)],
        "a transactional message goes"
    );

    // The step that applies an unsubscribe may have decided a message before, without knowing it.
    let mut claimed = store.claim(NOW, 1).await.unwrap();
    let pending = claimed.contacts.pop().unwrap();
    let (before, id) = (pending.contact.state.applied, MessageId { contact: pending.contact.id, number: 3 });
    let mut advanced = step(pending, None);
    advanced.outcome.outgoing.push(outgoing(id, NOW, Purpose::Marketing, Some("offers")));
    advanced.outcome.knew.push(before);
    store.commit(claimed.lease, vec![advanced], 0).await.unwrap();
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap().len(), 1);
    assert_eq!(store.record(&[], &[id]).await.unwrap(), [(id, Stays::Unsubscribed)]);
}

async fn an_unsubscribe_counts_for_all_who_share_the_address(kind: impl Kind) {
    let store = kind.open().await;
    let mut ids = Vec::new();
    // The address of the first two is one, whatever the case of its letters.
    for (contact, address) in [("ada", "home@x.example"), ("bo", "Home@X.example "), ("cy", "cy@x.example")] {
        store.accept(&[event(contact, "", "e")], NOW).await.unwrap();
        let mut claimed = store.claim(NOW, 1).await.unwrap();
        let mut advanced = step(claimed.contacts.pop().unwrap(), None);
        for (number, topic, purpose) in
            [(0, "offers", Purpose::Marketing), (1, "news", Purpose::Marketing), (2, "offers", Purpose::Transactional)]
        {
            let id = MessageId { contact: advanced.contact.id, number };
            let message = Outgoing { to: address.into(), ..outgoing(id, NOW, purpose, Some(topic)) };
            advanced.outcome.outgoing.push(message);
            ids.push(id);
        }
        store.commit(claimed.lease, vec![advanced], 0).await.unwrap();
    }
    let claimed = store.claim_messages(NOW, 100).await.unwrap();
    assert_eq!(claimed.len(), ids.len());
    let heard = async |contact: &str, kind: InputKind| {
        store.accept(&[NewInput { kind, ..event(contact, "", "u") }], NOW).await.unwrap();
        let stays = store.record(&[], &ids).await.unwrap();
        assert!(stays.iter().all(|(_, why)| *why == Stays::Unsubscribed), "{stays:?}");
        stays.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    let offers = || Some(SmolStr::from("offers"));
    let stays = heard("ada", InputKind::Unsubscribe { topic: offers() }).await;
    assert_eq!(stays, [ids[0], ids[3]], "offers of both, and nothing else");
    let subscribe = InputKind::Subscribe { topic: "offers".into(), channel: None, evidence: Evidence::default() };
    assert_eq!(heard("bo", subscribe).await, [ids[0]], "whoever subscribes again gets them again");
    let stays = heard("bo", InputKind::Unsubscribe { topic: None }).await;
    assert_eq!(stays, [ids[0], ids[1], ids[3], ids[4]], "everything that is marketing");
}

/// Two more messages of the same contact: a marketing and a transactional one.
async fn two_more(store: &impl Store) -> [MessageId; 2] {
    let mut claimed = store.claim(NOW, 1).await.unwrap();
    let mut advanced = step(claimed.contacts.pop().unwrap(), None);
    let ids = [1, 2].map(|number| MessageId { contact: advanced.contact.id, number });
    for (id, purpose) in ids.into_iter().zip([Purpose::Marketing, Purpose::Transactional]) {
        advanced.outcome.outgoing.push(outgoing(id, NOW, purpose, Some("offers")));
    }
    store.commit(claimed.lease, vec![advanced], 0).await.unwrap();
    ids
}

fn program(name: &str) -> KeptProgram {
    let program = Program { name: name.into(), code: vec![journey_bytecode::Op::End], ..Program::default() };
    KeptProgram { program, messages: vec![] }
}

async fn concurrent_intake_counts_once(kind: impl Kind) {
    let store = Arc::new(kind.open().await);
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..40 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let name = if n % 4 == 0 { "other" } else { "same" };
            let key = format!("c{}", n % 2);
            store.accept(&[event(&key, "1", name), event(&key, "", "more")], NOW).await.unwrap()
        });
    }
    let answers: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let taken = answers.iter().filter(|answer| matches!(answer, Acceptance::Accepted { .. })).count();
    assert_eq!(taken, 2 + 40, "one for each contact under the id, all without one");
    assert_eq!(step_all(&*store, NOW, None).await.len(), 2);
    assert_eq!(store.counts().await.unwrap().contacts, 2);
}

async fn what_was_acknowledged_survives(kind: impl Kind) {
    let store = kind.open().await;
    store.accept(&[event("ada", "1", "a"), event("bob", "", "a")], NOW).await.unwrap();
    step_all(&store, NOW, Some(Instant(5_000))).await;
    store.accept(&[event("bob", "", "b"), event("cy", "", "b")], NOW).await.unwrap();
    let (before, secret) = (store.counts().await.unwrap(), store.secret().await.unwrap());
    drop(store);
    let store = kind.open().await;
    assert_eq!((store.counts().await.unwrap(), store.secret().await.unwrap()), (before, secret));
    assert_eq!(store.accept(&[event("ada", "1", "a")], NOW).await.unwrap(), [Acceptance::Duplicate]);
    assert_eq!(store.accept(&[event("dee", "", "a")], NOW).await.unwrap(), [accepted(4, 1)]);
    assert_eq!(step_all(&store, NOW, None).await, [2, 3, 4], "pending inputs");
    assert_eq!(step_all(&store, Instant(5_000), None).await, [1], "a timer");
    assert_eq!(store.trace(ContactId(2)).await.unwrap().len(), 2);
}

async fn a_claim_does_not_survive(kind: impl Kind) {
    let store = kind.open().await;
    let id = with_message(&store, Purpose::Marketing, None).await;
    store.accept(&[event("bob", "", "a")], NOW).await.unwrap();
    let claimed = store.claim(NOW, 9).await.unwrap();
    assert_eq!(claimed.contacts.len(), 1);
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap().len(), 1);
    drop((claimed, store));
    let store = kind.open().await;
    let stepped = soon(async || Some(step_all(&store, NOW, None).await).filter(|ids| !ids.is_empty())).await;
    assert_eq!(stepped, [2]);
    let claimed = soon(async || {
        assert_eq!(store.take_over(NOW).await.unwrap(), TakenOver::default(), "it was claimed, and not on the wire");
        store.claim_messages(NOW, 9).await.unwrap().pop()
    });
    assert_eq!(claimed.await.outgoing.id, id);
}

async fn what_was_on_the_wire_is_sent_again(kind: impl Kind) {
    let store = kind.open().await;
    let id = with_message(&store, Purpose::Marketing, None).await;
    store.claim_messages(NOW, 9).await.unwrap();
    store.record(&[], &[id]).await.unwrap();
    drop(store);
    let store = kind.open().await;
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap(), [], "not before somebody decides");
    assert_eq!(soon(async || store.take_over(NOW).await.unwrap().again.pop()).await, id);
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap()[0].outgoing.id, id);
    store.record(&[], &[id]).await.unwrap();
    store.record(&[delivered(id)], &[]).await.unwrap();
    drop(store);
    let store = kind.open().await;
    assert_eq!(store.take_over(NOW).await.unwrap(), TakenOver::default());
    assert_eq!(store.counts().await.unwrap().delivered, 1);
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let kind = Sqlite::new().await.unwrap();
    let _store = kind.open().await;
    let error = SqliteStore::open(kind.0.path().join("journey.db")).await.unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }) && error.is_fatal(), "{error}");
}

#[tokio::test]
async fn not_a_database_is_refused() {
    let kind = Sqlite::new().await.unwrap();
    let path = kind.0.path().join("journey.db");
    std::fs::write(&path, "this is a text, and a long one, but no database at all".repeat(100)).unwrap();
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_contact_does_not_stop_the_others() {
    let kind = Sqlite::new().await.unwrap();
    let store = kind.open().await;
    store.accept(&[event("ada", "", "a"), event("bob", "", "a")], NOW).await.unwrap();
    step_all(&store, NOW, Some(Instant(5_000))).await;
    store.close().await;
    let path = format!("sqlite:{}", kind.0.path().join("journey.db").display());
    let mut raw = <sqlx::SqliteConnection as sqlx::Connection>::connect(&path).await.unwrap();
    sqlx::query("UPDATE states SET body = x'01ff' WHERE contact = 1").execute(&mut raw).await.unwrap();
    drop(raw);
    let store = kind.open().await;
    let claimed = store.claim(Instant(5_000), 9).await.unwrap();
    assert_eq!(claimed.damaged.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), [1]);
    let advanced = claimed.contacts.into_iter().map(|pending| step(pending, None)).collect();
    store.commit(claimed.lease, advanced, 0).await.unwrap();
    assert_eq!(step_all(&store, Instant(9_000), None).await, [0_i64; 0], "set aside");
    drop(store);
    let store = kind.open().await;
    assert_eq!(store.claim(Instant(9_000), 9).await.unwrap().damaged.len(), 1, "and not forgotten");
}

/// However many ask at once; who asks again gets the same code, and an empty pool gives none.
async fn every_code_is_given_out_once(kind: impl Kind) {
    let store = Arc::new(kind.open().await);
    let codes: Vec<SmolStr> = (0..20).map(|n| format!("A-{n}").into()).collect();
    assert_eq!(store.offer_codes("cart10", &codes[..15]).await.unwrap(), 15);
    assert_eq!(store.offer_codes("cart10", &codes).await.unwrap(), 5);
    let ask = |contact, made: Option<&str>| {
        let id = MessageId { contact: ContactId(contact), number: 3 };
        TakeCode { voucher: "cart10".into(), id, at: NOW, expires: None, made: made.map(SmolStr::from) }
    };
    let mut asking = tokio::task::JoinSet::new();
    for contact in 0..25 {
        let (store, take) = (Arc::clone(&store), ask(contact, None));
        asking.spawn(async move { store.take_code(&take).await.unwrap().map(|code| (contact, code)) });
    }
    let given: Vec<(i64, SmolStr)> = asking.join_all().await.into_iter().flatten().collect();
    let different: std::collections::BTreeSet<_> = given.iter().map(|(_, code)| code.clone()).collect();
    assert_eq!((given.len(), different), (20, codes.iter().cloned().collect()));
    for (contact, code) in &given {
        assert_eq!(store.take_code(&ask(*contact, None)).await.unwrap().as_ref(), Some(code));
    }
    assert_eq!(store.take_code(&ask(99, Some("A-3"))).await.unwrap(), None, "taken");
    assert_eq!(store.take_code(&ask(99, Some("B-1"))).await.unwrap(), Some("B-1".into()));
    assert_eq!(store.take_code(&ask(99, Some("B-2"))).await.unwrap(), Some("B-1".into()), "asked again");
    assert_eq!(store.take_code(&ask(98, Some("B-1"))).await.unwrap(), None, "taken");
}

async fn trials_are_counted(kind: impl Kind) {
    let store = kind.open().await;
    let counts = |side: &str, reached| crate::trial::TrialEvent {
        version: Version([7; 16]),
        split: "subject".into(),
        side: side.into(),
        took: NOW,
        reached,
    };
    for (id, trials) in
        [("1", vec![counts("a", false), counts("b", false), counts("a", true)]), ("2", vec![counts("a", false)])]
    {
        store.accept(&[event("ada", id, "e")], NOW).await.unwrap();
        let mut claimed = store.claim(NOW, 10).await.unwrap();
        let mut contact = claimed.contacts.remove(0).contact;
        contact.state.applied += 1;
        let outcome = Outcome { trials, ..Outcome::default() };
        store.commit(claimed.lease, vec![Advanced { contact, outcome }], 0).await.unwrap();
    }
    let counted: Vec<_> = (store.trials().await.unwrap().0.into_iter())
        .map(|(key, count)| (key.side.to_string(), count.took, count.reached))
        .collect();
    assert_eq!(counted, [("a".to_owned(), 2, 1), ("b".to_owned(), 1, 0)]);
}
