//! What contacts were told, also after it was applied.

use super::*;

pub(super) async fn what_a_contact_was_told_is_kept(kind: impl Kind) {
    let store = kind.open().await;
    let many = MAX_INPUTS_PER_ADVANCE + 3;
    let told: Vec<_> = (0..many).map(|n| event("ada", &n.to_string(), &format!("e{n}"))).collect();
    store.accept(&told, NOW).await.unwrap();
    store.accept(&[event("bob", "", "b")], NOW).await.unwrap();
    let expected = |n: i64| Input { seq: n + 1, at: NOW, kind: told[n as usize].kind.clone() };
    let all: Vec<Input> = (0..many).map(expected).collect();
    let (ada, bob) = (ContactId(1), ContactId(2));
    assert_eq!(store.inputs(ada).await.unwrap(), all, "before it is applied");

    let claimed = store.claim(NOW, 1).await.unwrap();
    let advanced = claimed.contacts.into_iter().map(|pending| step(pending, None)).collect();
    store.commit(claimed.lease, advanced, 0).await.unwrap();
    assert_eq!(store.inputs(ada).await.unwrap(), all, "partly applied");
    step_all(&store, NOW, None).await;
    assert_eq!(store.counts().await.unwrap().pending, 0);
    assert_eq!(store.inputs(ada).await.unwrap(), all, "applied");
    assert_eq!(store.inputs(bob).await.unwrap().len(), 1);
    assert_eq!(store.inputs(ContactId(3)).await.unwrap(), []);

    store.accept(&[NewInput::erasing("ada", NOW)], NOW).await.unwrap();
    let mut claimed = store.claim(NOW, 1).await.unwrap();
    let mut advanced = step(claimed.contacts.pop().unwrap(), None);
    (advanced.contact.key, advanced.outcome.erase) = ("erased:1".into(), true);
    store.commit(claimed.lease, vec![advanced], 0).await.unwrap();
    assert_eq!(store.inputs(ada).await.unwrap(), [], "of who is erased nothing stays");
    assert_eq!(store.inputs(bob).await.unwrap().len(), 1);
}
