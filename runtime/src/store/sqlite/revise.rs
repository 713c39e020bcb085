//! Revisions: what is deployed and what is paused.

use sqlx::SqliteConnection;

use crate::store::{Revision, codec};

/// Fails where there is a newer revision than the one bound, and writes nothing: a batch that was advanced under an older
/// one is undone as a whole.
pub(super) const FENCE: &str = "INSERT INTO revisions (number, body, told)
     SELECT number, body, told FROM revisions WHERE number > ? LIMIT 1;";

/// Whether an error is that of the [`FENCE`].
pub(super) fn is_fence(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.message().contains("revisions.number"))
}

/// Makes a revision the one that counts, unless its number is taken.
pub(super) async fn revise(
    connection: &mut SqliteConnection,
    revision: &Revision,
    bundle: Option<&[u8]>,
) -> sqlx::Result<bool> {
    let body = codec::bytes(revision);
    let write = "BEGIN IMMEDIATE;
         INSERT OR IGNORE INTO deployments (id, body) SELECT ?1, ?2 WHERE ?2 IS NOT NULL;
         INSERT OR IGNORE INTO revisions (number, body, told) VALUES (?3, ?4, ?5);
         COMMIT";
    let id = revision.deployment.0.to_vec();
    let query = sqlx::query(write).bind(id).bind(bundle.map(<[u8]>::to_vec));
    query.bind(revision.number).bind(body.clone()).bind(revision.told).execute(&mut *connection).await?;
    let ours: Vec<u8> = sqlx::query_scalar("SELECT body FROM revisions WHERE number = ?")
        .bind(revision.number)
        .fetch_one(connection)
        .await?;
    Ok(ours == body)
}

/// Notes that all contacts concerned have been told.
pub(super) async fn told(connection: &mut SqliteConnection, revision: i64) -> sqlx::Result<()> {
    sqlx::query("UPDATE revisions SET told = 1 WHERE number = ?").bind(revision).execute(connection).await?;
    Ok(())
}
