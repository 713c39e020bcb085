//! Revisions: what is deployed and what is paused.
//!
//! Whoever commits steps shares a lock until the commit; whoever makes a revision has it alone. So each step is either
//! committed before the revision is, or knows of it.

use sqlx::PgConnection;

use super::{FIRST_KEY, execute};
use crate::store::Revision;
use crate::store::codec;

/// The first number of that lock.
const KEY: i32 = FIRST_KEY + 2;

/// The newest revision; there is no newer one until the transaction is over. 0 before the first.
pub(super) async fn newest(connection: &mut PgConnection) -> sqlx::Result<i64> {
    execute(connection, sqlx::query("SELECT pg_advisory_xact_lock_shared($1, 0)").bind(KEY)).await?;
    // A statement of its own: it sees what was committed while the lock was waited for.
    sqlx::query_scalar("SELECT coalesce(max(number), 0) FROM revisions").fetch_one(connection).await
}

/// Makes a revision the one that counts, unless its number is taken.
pub(super) async fn revise(
    connection: &mut PgConnection,
    revision: &Revision,
    bundle: Option<&[u8]>,
) -> sqlx::Result<bool> {
    execute(connection, sqlx::query("SELECT pg_advisory_xact_lock($1, 0)").bind(KEY)).await?;
    if let Some(bundle) = bundle {
        let keep = "INSERT INTO deployments (id, body) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        execute(connection, sqlx::query(keep).bind(revision.deployment.0.to_vec()).bind(bundle)).await?;
    }
    let body = codec::bytes(revision);
    let write = "INSERT INTO revisions (number, body, told) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    execute(connection, sqlx::query(write).bind(revision.number).bind(&body).bind(revision.told)).await?;
    let ours = sqlx::query_scalar::<_, Vec<u8>>("SELECT body FROM revisions WHERE number = $1");
    Ok(ours.bind(revision.number).fetch_one(connection).await? == body)
}
