//! What contacts tell by a channel: that they want no more of it.

use journey_bytecode::{Channel, Instant, Purpose, StatusKind};

use super::forgotten::decided;
use super::{Kind, NOW, delivered, event, outgoing};
use crate::core::contact::ContactId;
use crate::core::effect::{Errand, MessageId, Outgoing};
use crate::core::input::{Evidence, InputKind};
use crate::store::{
    Counts, Delivery, DeliveryResult, HEARD_FOR, Heard, Keeps, Kept, ListChange, Listed, NewInput, Queued, Store, Whose,
};

const PHONE: &str = "+4915112345678";

fn message(contact: i64, number: u32, channel: Channel, purpose: Purpose) -> Outgoing {
    let to = if channel == Channel::Email { "ada@x.example" } else { PHONE };
    let id = MessageId { contact: ContactId(contact), number };
    Outgoing { channel, to: to.into(), ..outgoing(id, NOW, purpose, Some("offers")) }
}

pub(super) async fn who_says_stop_gets_nothing_more_and_is_heard_once(kind: impl Kind) {
    use Purpose::{Marketing, Transactional};
    let store = kind.open().await;
    store.accept(&[event("ada", "1", "e"), event("bo", "1", "e"), event("cy", "1", "e")], NOW).await.unwrap();
    let elsewhere = Outgoing { errand: Errand::Elsewhere, ..message(3, 1, Channel::Sms, Transactional) };
    let of = [message(1, 1, Channel::Sms, Marketing), message(2, 1, Channel::Sms, Marketing), elsewhere];
    assert_eq!(decided(&store, &of).await, [false; 3]);
    let there = async |channel, address: &str, most| {
        let there = store.contacts_at(channel, address, most).await.unwrap();
        there.into_iter().map(|contact| contact.id.0).collect::<Vec<_>>()
    };
    // What goes elsewhere goes to somebody else.
    assert_eq!(there(Channel::Sms, PHONE, 9).await, [1, 2]);
    assert_eq!(there(Channel::Sms, PHONE, 1).await, [1]);
    assert_eq!(there(Channel::WhatsApp, PHONE, 9).await, [0; 0]);
    assert_eq!(there(Channel::Sms, "", 9).await, [0; 0]);

    let listed = Listed { channel: Channel::Sms, addresses: vec![PHONE.into()], keeps: Keeps::Everything };
    let heard = |id: &str, change| Heard { id: id.into(), at: NOW, change, answer: None };
    let stop = heard("sms:1", ListChange::Suppress(listed.clone()));
    assert!(!store.was_heard("sms:1").await.unwrap());
    assert_eq!(store.hear(&stop).await.unwrap(), Some(1));
    assert!(store.was_heard("sms:1").await.unwrap());
    let of = [
        message(1, 2, Channel::Sms, Transactional),
        message(2, 2, Channel::Sms, Marketing),
        message(2, 3, Channel::WhatsApp, Marketing),
        message(2, 4, Channel::Email, Marketing),
    ];
    assert_eq!(decided(&store, &of).await, [true, true, false, false]);

    assert_eq!(store.hear(&heard("sms:2", ListChange::Suppress(listed.clone()))).await.unwrap(), Some(0), "known");
    assert_eq!(store.hear(&heard("sms:3", ListChange::Lift(listed))).await.unwrap(), Some(1));
    // The provider tells the old word again.
    assert_eq!(store.hear(&stop).await.unwrap(), None);
    assert_eq!(decided(&store, &[message(1, 3, Channel::Sms, Transactional)]).await, [false]);
    // It does so for some days, and no longer.
    let late = Heard { at: Instant(NOW.0 + HEARD_FOR), ..heard("sms:4", ListChange::Nothing) };
    assert_eq!(store.hear(&late).await.unwrap(), Some(0));
    assert!(!store.was_heard("sms:1").await.unwrap() && store.was_heard("sms:4").await.unwrap());
}

pub(super) async fn an_answer_leaves_once_though_its_address_is_silent(kind: impl Kind) {
    let store = kind.open().await;
    let listed = Listed { channel: Channel::Sms, addresses: vec![PHONE.into()], keeps: Keeps::Everything };
    let words = Outgoing { errand: Errand::Answer, ..message(0, 0, Channel::Sms, Purpose::Transactional) };
    let heard = |id: &str, change| Heard { id: id.into(), at: NOW, change, answer: Some(words.clone()) };
    let stop = |id| heard(id, ListChange::Suppress(listed.clone()));
    let id = |number| MessageId { contact: ContactId(0), number };
    assert_eq!(store.hear(&stop("1")).await.unwrap(), Some(1));
    assert_eq!(store.next_message_due().await.unwrap(), Some(NOW));
    assert_eq!(store.hear(&stop("1")).await.unwrap(), None, "told again");
    assert_eq!(store.hear(&stop("2")).await.unwrap(), Some(0), "said again");
    let queued = store.claim_messages(NOW, 9).await.unwrap();
    assert_eq!(queued.iter().map(|queued| queued.outgoing.id).collect::<Vec<_>>(), [id(0)]);
    assert_eq!(store.record(&[], &[id(0)]).await.unwrap(), []);
    store.record(&[delivered(id(0))], &[]).await.unwrap();

    // Whoever asks gets an answer each time; one that fails is forgotten, and nobody hears of either.
    for (number, word) in [(1, "3"), (2, "4")] {
        assert_eq!(store.hear(&heard(word, ListChange::Nothing)).await.unwrap(), Some(0));
        assert_eq!(store.claim_messages(NOW, 9).await.unwrap()[0].outgoing.id, id(number));
        assert_eq!(store.record(&[], &[id(number)]).await.unwrap(), []);
        let failed = DeliveryResult::Failed { status: StatusKind::Bounced, cause: "550 5.1.1 no".into() };
        store.record(&[Delivery { result: failed, ..delivered(id(number)) }], &[]).await.unwrap();
    }
    assert_eq!(store.outbox(Kept::Failed, 9).await.unwrap(), []);
    assert_eq!((store.next_due().await.unwrap(), store.next_message_due().await.unwrap()), (None, None));
    assert_eq!(store.counts().await.unwrap(), Counts { delivered: 1, failed: 2, ..Counts::default() });
}

pub(super) async fn an_answer_survives(kind: impl Kind) {
    let store = kind.open().await;
    let answer = Outgoing { errand: Errand::Answer, ..message(0, 0, Channel::Sms, Purpose::Transactional) };
    store
        .hear(&Heard { id: "1".into(), at: NOW, change: ListChange::Nothing, answer: Some(answer.clone()) })
        .await
        .unwrap();
    drop(store);
    let queued = kind.open().await.claim_messages(NOW, 9).await.unwrap();
    assert_eq!(queued, [Queued { outgoing: answer, attempts: 0 }]);
}

pub(super) async fn a_channel_withdrawn_is_asked_at_the_wire(kind: impl Kind) {
    let store = kind.open().await;
    store.accept(&[event("ada", "1", "e")], NOW).await.unwrap();
    // Messages decided before it was withdrawn, as when they are queued again.
    let messages = async |first: u32| {
        let of = [Channel::Sms, Channel::Email, Channel::WhatsApp];
        let of = of.into_iter().zip(first..).map(|(channel, number)| message(1, number, channel, Purpose::Marketing));
        decided(&store, &of.map(|message| Outgoing { to: "x".into(), ..message }).collect::<Vec<_>>()).await
    };
    let say = async |kind| {
        let input = NewInput { contact: Whose::Id(ContactId(1)), kind, ..event("", "", "e") };
        store.accept(&[input], NOW).await.unwrap();
    };
    assert_eq!(messages(1).await, [false; 3]);
    let via = |channel| InputKind::UnsubscribeVia { topic: Some("offers".into()), channel };
    say(via(Channel::Sms)).await;
    say(via(Channel::WhatsApp)).await;
    let ids: Vec<MessageId> = (1..4).map(|number| MessageId { contact: ContactId(1), number }).collect();
    let stays = store.record(&[], &ids).await.unwrap();
    assert_eq!(stays.iter().map(|(id, _)| id.number).collect::<Vec<_>>(), [1, 3]);
    let again = |channel| InputKind::Subscribe { topic: "offers".into(), channel, evidence: Evidence::default() };
    say(again(Some(Channel::Sms))).await;
    assert_eq!(store.record(&[], &ids).await.unwrap().len(), 1);
    say(InputKind::UnsubscribeVia { topic: None, channel: Channel::Email }).await;
    assert_eq!(store.record(&[], &ids).await.unwrap().len(), 2);
    say(again(None)).await;
    assert_eq!(store.record(&[], &ids).await.unwrap().iter().map(|(id, _)| id.number).collect::<Vec<_>>(), [2]);
}

pub(super) async fn a_channel_withdrawn_counts_for_all_who_share_the_address(kind: impl Kind) {
    use Purpose::{Marketing, Transactional};
    let store = kind.open().await;
    let of = |contact| {
        let at = |number, channel, purpose| message(contact, number, channel, purpose);
        [at(0, Channel::Sms, Marketing), at(1, Channel::Email, Marketing), at(2, Channel::Sms, Transactional)]
    };
    for (contact, key) in [(1, "ada"), (2, "bo")] {
        store.accept(&[event(key, "", "e")], NOW).await.unwrap();
        decided(&store, &of(contact)).await;
    }
    let sms = |contact| MessageId { contact: ContactId(contact), number: 0 };
    let all: Vec<MessageId> = [1, 2].into_iter().flat_map(of).map(|message| message.id).collect();
    let says = async |key: &str, kind| {
        store.accept(&[NewInput { kind, ..event(key, "", "u") }], NOW).await.unwrap();
        let stays = store.record(&[], &all).await.unwrap();
        stays.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    let leaves = |topic: Option<&str>, channel| InputKind::UnsubscribeVia { topic: topic.map(Into::into), channel };
    let comes = || InputKind::Subscribe { topic: "offers".into(), channel: None, evidence: Evidence::default() };
    assert_eq!(says("ada", leaves(Some("news"), Channel::Sms)).await, []);
    assert_eq!(
        says("ada", leaves(Some("offers"), Channel::Email)).await.len(),
        2,
        "their mails, which go to one address"
    );
    assert_eq!(says("ada", comes()).await, []);
    assert_eq!(says("ada", leaves(Some("offers"), Channel::Sms)).await, [sms(1), sms(2)], "and nothing transactional");
    assert_eq!(says("ada", comes()).await, []);
    assert_eq!(
        says("ada", leaves(None, Channel::Sms)).await,
        [sms(1), sms(2)],
        "everything is marketing about anything"
    );
}
