//! Opening the file: nobody else serves it, it is on disk, and what there is to do is known.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use journey_bytecode::Instant;
use sqlx::{Row, SqliteConnection};

use super::message_id;
use super::rows::list;
use crate::core::contact::ContactId;
use crate::core::effect::MessageId;
use crate::store::StoreError;
use crate::store::wake::Wake;

/// Puts the names of the database's files on disk. SQLite does so too, and does not look whether it failed.
pub(super) fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Elsewhere folders are no files that could be opened.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// The file beside the database whose name ends so.
pub(super) fn companion(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Keeps other processes out.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let lock_path = companion(path, ".lock");
    let open = |error: std::io::Error| StoreError::Open {
        database: lock_path.display().to_string(),
        cause: error.to_string(),
    };
    let file = File::options().create(true).truncate(false).write(true).open(&lock_path).map_err(open)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { database: path.display().to_string() }),
        Err(TryLockError::Error(error)) => Err(open(error)),
    }
}

/// What there is to do, as the database knows it.
pub(super) async fn agenda(connection: &mut SqliteConnection) -> sqlx::Result<(Wake, BTreeSet<(Instant, MessageId)>)> {
    let wake = Wake::default();
    let mut last = ContactId(i64::MIN);
    loop {
        let page = "SELECT c.id, coalesce(s.due, ?2), c.accepted > coalesce(s.applied, 0)
             FROM contacts c LEFT JOIN states s ON s.contact = c.id WHERE c.id > ?1 ORDER BY c.id LIMIT 10000";
        let rows = sqlx::query(page).bind(last.0).bind(Instant::NEVER.0).fetch_all(&mut *connection).await?;
        for row in &rows {
            last = ContactId(row.try_get(0)?);
            wake.set_timer(last, Instant(row.try_get(1)?));
            if row.try_get(2)? {
                wake.run(last);
            }
        }
        if rows.is_empty() {
            break;
        }
    }
    let open = "SELECT json_group_array(json_array(contact, number, due)) FROM outbox o
         WHERE NOT EXISTS (SELECT 1 FROM wire w WHERE w.contact = o.contact AND w.number = o.number)
             AND NOT EXISTS (SELECT 1 FROM held h WHERE h.contact = o.contact AND h.number = o.number)";
    let rows = list::<(i64, u32, i64)>(sqlx::query(open), &mut *connection).await?;
    sqlx::raw_sql("DELETE FROM requeued; DELETE FROM nudged").execute(connection).await?;
    let queue = rows.into_iter().map(|(contact, number, due)| (Instant(due), message_id((contact, number)))).collect();
    Ok((wake, queue))
}

/// The next contact's number, and the next place in the trace.
pub(super) async fn next_numbers(connection: &mut SqliteConnection) -> sqlx::Result<(i64, i64)> {
    let next =
        "SELECT (SELECT coalesce(max(id), 0) + 1 FROM contacts), (SELECT coalesce(max(place), 0) + 1 FROM trace)";
    sqlx::query_as(next).fetch_one(connection).await
}

/// Leaves nothing of what was erased in the write-ahead log: its pages go into the file, and it is cut off. Where
/// another process still reads an older state, this happens at the next occasion.
pub(super) async fn empty_log(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(connection).await?;
    if row.try_get::<i64, _>(0)? != 0 {
        tracing::warn!("somebody reads the database; what was erased stays in its write-ahead log for now");
    }
    Ok(())
}
