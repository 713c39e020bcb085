//! Contacts that are erased, and addresses that get no more marketing.

use journey_bytecode::{Channel, Purpose};

use super::{Kind, NOW, Sqlite, accepted, event, outgoing, step};
use crate::core::contact::ContactId;
use crate::core::effect::{MessageId, Outcome, Outgoing, TraceEntry, TraceEvent};
use crate::store::{Advanced, Keeps, Listed, NewInput, Pending, Stays, Store, Whose};

pub(super) async fn nothing_stays_of_who_is_erased(kind: impl Kind) {
    let store = kind.open().await;
    let (mut ada, mut left) = (ContactId(0), Vec::new());
    for (id, erase) in [("1", false), ("2", true)] {
        store.accept(&[event("ada", id, "e")], NOW).await.unwrap();
        let mut claimed = store.claim(NOW, 10).await.unwrap();
        let mut contact = claimed.contacts.remove(0).contact;
        contact.state.applied += 1;
        let id = MessageId { contact: contact.id, number: 1 };
        let trace = TraceEntry { at: NOW, run: None, journey: "j".into(), event: TraceEvent::GoalReached };
        let mut outcome = Outcome { trace: vec![trace], erase, ..Outcome::default() };
        if erase {
            contact.key = "erased:1".into();
            outcome.silenced = vec![(Channel::Email, "old@x.example".into())];
        } else {
            outcome.outgoing.push(outgoing(id, NOW, Purpose::Marketing, None));
        }
        ada = contact.id;
        store.commit(claimed.lease, vec![Advanced { contact, outcome }], 0).await.unwrap();
        left.push((store.trace(ada).await.unwrap().len(), store.counts().await.unwrap().queued));
    }
    assert_eq!(left, [(1, 1), (0, 0)]);
    assert_eq!(store.claim_messages(NOW, 10).await.unwrap(), []);
    assert_eq!(store.contact("ada").await.unwrap(), None);
    // Under the same id and key comes somebody new; at the addresses nothing more goes to anybody.
    let again = store.accept(&[event("ada", "1", "e"), event("bo", "1", "e")], NOW).await.unwrap();
    let (new, bo) = (ContactId(ada.0 + 1), ContactId(ada.0 + 2));
    assert_eq!(again, [accepted(new.0, 1), accepted(bo.0, 1)]);
    let to = |contact, number, to: &str| Outgoing {
        to: to.into(),
        ..outgoing(MessageId { contact, number }, NOW, Purpose::Marketing, None)
    };
    let messages = [to(new, 1, "Ada@x.example"), to(bo, 1, "old@x.example"), to(bo, 2, "else@x.example")];
    assert_eq!(decided(&store, &messages[..2]).await, [true, true]);
    assert_eq!(decided(&store, &messages[2..]).await, [false]);
}

/// Decides messages of contacts, and says of each whether it stays when it is about to leave.
pub(super) async fn decided(store: &impl Store, messages: &[Outgoing]) -> Vec<bool> {
    for message in messages {
        store.accept(&[NewInput { contact: Whose::Id(message.id.contact), ..event("", "", "e") }], NOW).await.unwrap();
        let claimed = store.claim(NOW, 10).await.unwrap();
        let step = |pending: Pending| {
            let mut advanced = step(pending, None);
            let ours = advanced.contact.id == message.id.contact;
            advanced.outcome.outgoing.extend(ours.then(|| message.clone()));
            advanced
        };
        let steps = claimed.contacts.into_iter().map(step).collect();
        store.commit(claimed.lease, steps, 0).await.unwrap();
    }
    let ids: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
    assert_eq!(store.claim_messages(NOW, 10).await.unwrap().len(), ids.len());
    let stays = store.record(&[], &ids).await.unwrap();
    ids.iter().map(|id| stays.contains(&(*id, Stays::Unsubscribed))).collect()
}

pub(super) async fn a_list_keeps_marketing_from_addresses(kind: impl Kind) {
    let store = kind.open().await;
    let listed = |topic: Option<&str>| Listed {
        channel: Channel::Email,
        addresses: vec![" ADA@x.example".into(), "ada@x.example".into()],
        keeps: topic.map_or(Keeps::Marketing, |topic| Keeps::Topic(topic.into())),
    };
    assert_eq!(store.suppress(&listed(Some("offers"))).await.unwrap(), 1);
    assert_eq!(store.suppress(&listed(Some("offers"))).await.unwrap(), 0);
    store.accept(&[event("ada", "1", "e")], NOW).await.unwrap();
    let message =
        |number, purpose, topic| outgoing(MessageId { contact: ContactId(1), number }, NOW, purpose, Some(topic));
    let of = [
        message(1, Purpose::Marketing, "offers"),
        message(2, Purpose::Marketing, "news"),
        message(3, Purpose::Transactional, "offers"),
    ];
    assert_eq!(decided(&store, &of).await, [true, false, false]);
    assert_eq!(store.lift(&listed(None)).await.unwrap(), 0);
    assert_eq!(store.lift(&listed(Some("offers"))).await.unwrap(), 1);
    assert_eq!(decided(&store, &[message(4, Purpose::Marketing, "offers")]).await, [false]);
    assert_eq!(store.suppress(&listed(None)).await.unwrap(), 1);
    assert_eq!(decided(&store, &[message(5, Purpose::Marketing, "news")]).await, [true]);
}

/// Once nobody knows the contact any more, none of the database's files does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_forgotten_is_in_no_file() {
    let kind = Sqlite::new().await.unwrap();
    let folder = kind.0.path().to_owned();
    let store = std::sync::Arc::new(kind.open().await);
    for n in 0..20 {
        let key = format!("canary-{n:04}");
        store.accept(&[event(&key, "1", "e")], NOW).await.unwrap();
        let mut claimed = store.claim(NOW, 10).await.unwrap();
        let mut contact = claimed.contacts.remove(0).contact;
        contact.state.applied += 1;
        contact.key = format!("erased:{n}").into();
        let looks = tokio::spawn({
            let (store, folder, key) = (std::sync::Arc::clone(&store), folder.clone(), key.clone());
            async move {
                while store.contact(&key).await.unwrap().is_some() {}
                let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
                let holds = |text: &[u8]| text.windows(key.len()).any(|part| part == key.as_bytes());
                files.filter(|file| holds(&std::fs::read(file).unwrap())).collect::<Vec<_>>()
            }
        });
        let outcome = Outcome { erase: true, ..Outcome::default() };
        store.commit(claimed.lease, vec![Advanced { contact, outcome }], 0).await.unwrap();
        assert_eq!(looks.await.unwrap(), Vec::<std::path::PathBuf>::new());
    }
}
