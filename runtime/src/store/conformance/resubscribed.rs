//! Who comes back to an address where somebody had left.

use super::forgotten::decided;
use super::*;
use crate::core::effect::Resubscribed;

const ADDRESS: &str = "home@x.example";

/// Tells a contact something, and commits what the core says of it.
async fn tell(store: &impl Store, contact: i64, at: i64, kind: InputKind) {
    let (contact, at) = (ContactId(contact), Instant(at));
    store
        .accept(&[NewInput { contact: Whose::Id(contact), at, kind: kind.clone(), ..event("", "", "") }], NOW)
        .await
        .unwrap();
    let claimed = store.claim(NOW, 9).await.unwrap();
    let advanced = claimed.contacts.into_iter().map(|pending| {
        let mut advanced = step(pending, None);
        advanced.contact.state.clock = at;
        match &kind {
            InputKind::Subscribe { topic, .. } => {
                let (channel, address, topic) = (Channel::Email, ADDRESS.into(), topic.clone());
                advanced.outcome.resubscribed.push(Resubscribed { channel, address, topic, at });
            }
            InputKind::Delete => {
                advanced.contact.key = crate::core::contact::erased_key(contact);
                advanced.outcome.erase = true;
            }
            _ => {}
        }
        advanced
    });
    store.commit(claimed.lease, advanced.collect(), 0).await.unwrap();
}

pub(super) async fn a_new_subscription_counts_where_somebody_left(kind: impl Kind) {
    let store = kind.open().await;
    store.accept(&[event("ada", "", "e"), event("bo", "", "e")], NOW).await.unwrap();
    let (ada, bo) = (1, 2);
    let message = |contact, number, topic| {
        let id = MessageId { contact: ContactId(contact), number };
        Outgoing { to: ADDRESS.into(), ..outgoing(id, NOW, Purpose::Marketing, Some(topic)) }
    };
    let leaves = || InputKind::Unsubscribe { topic: None };
    let again =
        |topic: &str| InputKind::Subscribe { topic: topic.into(), channel: None, evidence: Evidence::default() };
    assert_eq!(decided(&store, &[message(ada, 1, "offers")]).await, [false]);
    tell(&store, ada, 2_000, leaves()).await;
    assert_eq!(decided(&store, &[message(bo, 1, "offers"), message(bo, 2, "news")]).await, [true, true]);

    tell(&store, bo, 1_999, again("offers")).await;
    assert_eq!(decided(&store, &[message(bo, 3, "offers")]).await, [true], "that was before");
    tell(&store, bo, 3_000, again("offers")).await;
    assert_eq!(decided(&store, &[message(bo, 4, "offers"), message(bo, 5, "news")]).await, [false, true]);
    tell(&store, ada, 4_000, leaves()).await;
    assert_eq!(decided(&store, &[message(bo, 6, "offers")]).await, [true], "the later word counts");
    tell(&store, bo, 5_000, again("offers")).await;
    assert_eq!(decided(&store, &[message(bo, 7, "offers")]).await, [false]);

    // Whoever is erased is forgotten, and comes back as somebody new.
    tell(&store, ada, 6_000, InputKind::Delete).await;
    assert_eq!(decided(&store, &[message(bo, 8, "offers")]).await, [true]);
    store.accept(&[event("cy", "", "e")], NOW).await.unwrap();
    let cy = 3;
    tell(&store, cy, 7_000, again("news")).await;
    assert_eq!(decided(&store, &[message(cy, 1, "news"), message(cy, 2, "offers")]).await, [false, true]);

    // A list of the sender's, and a STOP, stay until they are lifted.
    for keeps in [Keeps::Marketing, Keeps::Everything] {
        let listed = Listed { channel: Channel::Email, addresses: vec![ADDRESS.into()], keeps };
        store.suppress(&listed).await.unwrap();
        tell(&store, cy, 8_000, again("news")).await;
        assert_eq!(decided(&store, &[message(cy, 3, "news")]).await, [true], "{listed:?}");
        store.lift(&listed).await.unwrap();
        let last = MessageId { contact: ContactId(cy), number: 3 };
        store.record(&[delivered(last)], &[]).await.unwrap();
    }
    assert_eq!(decided(&store, &[message(cy, 4, "news")]).await, [false]);
}
