use super::*;

/// A new, empty database, if PostgreSQL is on this machine.
pub(in crate::store) async fn database() -> Option<String> {
    tokio::task::spawn_blocking(journey_tests::postgres::database).await.unwrap()
}

#[tokio::test]
async fn wrong_addresses_are_explained_without_secrets() {
    let error = PostgresStore::open("postgres://ada:secret@[broken").await.unwrap_err();
    assert_eq!(error.to_string(), "the database of this address cannot be opened: it is not a valid one");
    let error = PostgresStore::open("postgres://ada:secret@127.0.0.1:1/journey").await.unwrap_err();
    let said =
        "the database postgres://127.0.0.1:1/journey cannot be opened: nothing answers there (Connection refused";
    assert!(error.to_string().starts_with(said), "{error}");
    assert!(!error.to_string().contains("secret") && error.is_fatal());
}
