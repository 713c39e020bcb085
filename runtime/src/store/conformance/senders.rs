//! Sending domains whose mail is called spam.

use super::*;
use crate::spam::{SpamCount, SpamSender, Traffic};

pub(super) async fn senders_are_counted_held_and_lifted(kind: impl Kind) {
    let store = kind.open().await;
    assert_eq!(store.senders(0).await.unwrap(), []);
    let count = |delivered, complained| SpamCount { delivered, complained };
    let traffic = |all: &[(&str, i64, SpamCount)]| -> Traffic {
        all.iter().map(|(domain, hour, count)| ((SmolStr::from(*domain), *hour), *count)).collect()
    };
    store.count_traffic(&traffic(&[("a.example", 7, count(10, 0)), ("b.example", 7, count(1, 1))]), 0).await.unwrap();
    store.count_traffic(&traffic(&[("a.example", 7, count(5, 1)), ("a.example", 8, count(2, 0))]), 0).await.unwrap();
    let stands = |domain: &str, counted, held| SpamSender { domain: domain.into(), counted, held };
    let (a, b) = (stands("a.example", count(17, 1), None), stands("b.example", count(1, 1), None));
    assert_eq!(store.senders(7).await.unwrap(), [a, b.clone()]);
    assert_eq!(store.senders(8).await.unwrap(), [stands("a.example", count(2, 0), None)]);

    store.hold_sender("a.example", NOW, count(17, 1)).await.unwrap();
    store.hold_sender("a.example", Instant(9_000), count(18, 2)).await.unwrap();
    let held = |counted| stands("a.example", counted, Some((NOW, count(17, 1))));
    assert_eq!(store.senders(7).await.unwrap(), [held(count(17, 1)), b.clone()], "as it was first");
    assert_eq!(store.senders(9).await.unwrap(), [held(count(0, 0))], "also when nothing counts any more");
    assert!(!store.lift_sender("b.example").await.unwrap());
    assert!(store.lift_sender("a.example").await.unwrap());
    assert_eq!(store.senders(7).await.unwrap(), [], "and what was counted of them begins anew");

    store.count_traffic(&traffic(&[("a.example", 8, count(1, 0))]), 0).await.unwrap();
    store.count_traffic(&traffic(&[("a.example", 9, count(1, 0))]), 9).await.unwrap();
    assert_eq!(store.senders(0).await.unwrap(), [stands("a.example", count(1, 0), None)], "what is old is forgotten");
}

pub(super) async fn a_held_sender_survives(kind: impl Kind) {
    let store = kind.open().await;
    let counted = SpamCount { delivered: 1_000, complained: 3 };
    store.hold_sender("a.example", NOW, counted).await.unwrap();
    drop(store);
    let held = kind.open().await.senders(0).await.unwrap();
    assert_eq!(held[0].held, Some((NOW, counted)));
}
