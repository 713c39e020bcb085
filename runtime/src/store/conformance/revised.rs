//! Revisions, and what comes from beside a server.

use super::*;

pub(super) async fn a_newer_revision_stops_who_does_not_know_it<K: Kind>(kind: K) {
    let store = kind.open().await;
    let revision = |number, deployed: &[u8]| Revision {
        number,
        at: NOW,
        deployment: DeploymentId::of(deployed),
        paused: [("welcome".into(), NOW)].into(),
        change: Change::Pause { journey: "welcome".into() },
        told: false,
    };
    let (one, two) = (revision(1, b"one"), revision(2, b"two"));
    assert!(store.revise(&one, Some(b"one")).await.unwrap());
    assert!(!store.revise(&revision(1, b"other"), Some(b"other")).await.unwrap(), "the number is taken");
    store.accept(&[event("ada", "", "e")], NOW).await.unwrap();
    let claimed = store.claim(NOW, 9).await.unwrap();
    let advanced = claimed.contacts.into_iter().map(|pending| step(pending, None)).collect();
    assert!(store.revise(&two, Some(b"two")).await.unwrap());
    let refused = store.commit(claimed.lease, advanced, 1).await;
    assert!(matches!(refused, Err(StoreError::Revised)), "{refused:?}");

    let again = soon(async || Some(store.claim(NOW, 9).await.unwrap()).filter(|claimed| !claimed.contacts.is_empty()));
    let again = again.await;
    let advanced = again.contacts.into_iter().map(|pending| step(pending, None)).collect();
    store.commit(again.lease, advanced, 2).await.unwrap();
    assert!(store.claim(NOW, 9).await.unwrap().contacts.is_empty(), "all is applied");

    store.told(2).await.unwrap();
    assert_eq!(store.revisions(9).await.unwrap(), [Revision { told: true, ..two.clone() }, one.clone()]);
    assert_eq!(store.revisions(1).await.unwrap(), [Revision { told: true, ..two.clone() }]);
    assert_eq!(store.deployment(one.deployment).await.unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(store.deployment(DeploymentId::of(b"none")).await.unwrap(), None);
}

/// Whoever operates a file beside its server is heard.
#[tokio::test]
async fn a_server_hears_what_comes_from_beside_it() {
    let kind = Sqlite::new().await.unwrap();
    let server = kind.open().await;
    let told = async |store: &SqliteStore| {
        let kind = InputKind::Deployed;
        let input = NewInput { contact: Whose::Key("ada".into()), creates: false, kind, ..event("ada", "r", "e") };
        store.accept(&[input], NOW).await.unwrap()
    };
    server.accept(&[event("ada", "", "e")], NOW).await.unwrap();
    step_all(&server, NOW, None).await;
    let beside = SqliteStore::beside(kind.0.path().join("journey.db")).await.unwrap();
    let refused = beside.accept(&[event("bo", "", "e")], NOW).await;
    assert!(matches!(refused, Err(StoreError::InUse { .. })), "only the server gives numbers: {refused:?}");
    assert!(matches!(told(&beside).await[..], [Acceptance::Accepted { .. }]));
    let heard = soon(async || {
        server.changed().await;
        Some(step_all(&server, NOW, None).await).filter(|contacts| !contacts.is_empty())
    });
    assert_eq!(heard.await, [1]);
    assert_eq!(told(&server).await, [Acceptance::Duplicate]);
}
