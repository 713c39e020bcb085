//! What a machine leaves that fails, and not only a process: notes about messages on the wire were not on its disk.

use super::*;

/// A store with a message that was claimed and not noted as on the wire, as `end` leaves it.
async fn claimed(kind: &Sqlite, end: impl AsyncFnOnce(SqliteStore)) -> MessageId {
    let store = kind.open().await;
    let id = with_message(&store, Purpose::Marketing, None).await;
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap().len(), 1);
    end(store).await;
    id
}

/// Lets the last process have run before the machine was started.
async fn start_machine(kind: &Sqlite) {
    let path = format!("sqlite:{}", kind.0.path().join("journey.db").display());
    let mut raw = <sqlx::SqliteConnection as sqlx::Connection>::connect(&path).await.unwrap();
    let other = "UPDATE meta SET value = CAST('before' AS BLOB) WHERE name = 'boot'";
    assert_eq!(sqlx::query(other).execute(&mut raw).await.unwrap().rows_affected(), 1);
}

async fn again(kind: &Sqlite) -> Vec<MessageId> {
    kind.open().await.take_over(NOW).await.unwrap().again
}

#[tokio::test]
async fn what_was_claimed_when_the_machine_failed_may_have_left() {
    let kind = Sqlite::new().await.unwrap();
    let id = claimed(&kind, async |store| drop(store)).await;
    start_machine(&kind).await;
    assert_eq!(again(&kind).await, [id]);
}

#[tokio::test]
async fn what_was_claimed_when_the_disk_failed_may_have_left() {
    let kind = Sqlite::new().await.unwrap();
    let fail = async |store: SqliteStore| {
        store.limit_pages(1).await;
        let many: Vec<NewInput> = (0..500).map(|n| event(&format!("c{n}"), "", "e")).collect();
        assert!(store.accept(&many, NOW).await.unwrap_err().is_fatal());
    };
    let id = claimed(&kind, fail).await;
    assert_eq!(again(&kind).await, [id]);
    assert_eq!(again(&kind).await, [], "that was told once");
}

#[tokio::test]
async fn what_was_claimed_before_an_end_has_not_left() {
    let kind = Sqlite::new().await.unwrap();
    let id = claimed(&kind, async |store| store.close().await).await;
    start_machine(&kind).await;
    let store = kind.open().await;
    assert_eq!(store.take_over(NOW).await.unwrap(), TakenOver::default());
    assert_eq!(store.claim_messages(NOW, 9).await.unwrap()[0].outgoing.id, id);
}
