//! What is kept, and in which order it is listed.

use super::*;

pub(super) async fn programs_are_kept(kind: impl Kind) {
    let store = kind.open().await;
    store.keep_programs(&[program("a"), program("b")]).await.unwrap();
    store.keep_programs(&[program("c"), program("a")]).await.unwrap();
    assert_eq!(store.programs().await.unwrap(), [program("a"), program("b"), program("c")]);
    assert_eq!(store.secret().await.unwrap(), store.secret().await.unwrap());
}

pub(super) async fn contacts_are_listed_in_order(kind: impl Kind) {
    let store = kind.open().await;
    let batch: Vec<_> = ["z", "y", "x"].map(|key| event(key, "", "a")).into();
    store.accept(&batch, NOW).await.unwrap();
    step_all(&store, NOW, None).await;
    let keys = |page: Vec<Contact>| page.into_iter().map(|contact| contact.key).collect::<Vec<_>>();
    assert_eq!(keys(store.contacts_after(ContactId(0), 2).await.unwrap()), ["z", "y"]);
    assert_eq!(keys(store.contacts_after(ContactId(2), 2).await.unwrap()), ["x"]);
}
