//! What stays in the outbox, and why.

use super::*;

pub(super) async fn what_did_not_go_at_once_says_why(kind: impl Kind) {
    let store = kind.open().await;
    let id = with_message(&store, Purpose::Marketing, None).await;
    assert_eq!(store.deliveries(id.contact).await.unwrap(), [], "it has only just been decided");
    store.claim_messages(NOW, 9).await.unwrap();
    assert_eq!(store.record(&[], &[id]).await.unwrap(), []);
    let (due, cause) = (Instant(7_000), "at night".to_owned());
    let put_off = Delivery { id, at: NOW, attempts: 0, result: DeliveryResult::PutOff { due, cause: cause.clone() } };
    store.record(std::slice::from_ref(&put_off), &[]).await.unwrap();
    assert_eq!(store.next_message_due().await.unwrap(), Some(due));
    let waits = store.outbox(Kept::Waiting, 9).await.unwrap();
    let outgoing = outgoing(id, NOW, Purpose::Marketing, None);
    assert_eq!(waits, [KeptMessage { outgoing, attempts: 0, at: due, cause: Some(cause) }]);
    assert_eq!(store.deliveries(id.contact).await.unwrap(), [Delivery { at: due, ..put_off }]);

    store.claim_messages(due, 9).await.unwrap();
    assert_eq!(store.record(&[], &[id]).await.unwrap(), []);
    let held = Delivery { result: DeliveryResult::Held { cause: "cut off".into() }, ..delivered(id) };
    store.record(std::slice::from_ref(&held), &[]).await.unwrap();
    assert_eq!(store.outbox(Kept::Held, 9).await.unwrap()[0].cause.as_deref(), Some("cut off"));
    assert_eq!(store.deliveries(id.contact).await.unwrap(), [held]);
    assert_eq!(store.requeue(&[id], NOW).await.unwrap(), [id]);
    assert_eq!(store.outbox(Kept::Waiting, 9).await.unwrap()[0].cause, None, "it goes at once now");
    store.claim_messages(NOW, 9).await.unwrap();
    assert_eq!(store.record(&[], &[id]).await.unwrap(), []);
    store.record(&[delivered(id)], &[]).await.unwrap();
    assert_eq!(store.deliveries(id.contact).await.unwrap(), [delivered(id)]);
}
