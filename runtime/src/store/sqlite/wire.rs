//! What is on the wire, and what a crash leaves there.
//!
//! A message is claimed before it leaves, many in one transaction that waits for the disk. That one of them goes on the wire now, and
//! what became of it, is noted without waiting: the system keeps what a process wrote when the process dies. Only when the
//! machine fails, or a write did, are such notes in doubt; then everything claimed may have left.

use std::fs::File;

use journey_bytecode::Instant;
use sqlx::SqliteConnection;

use super::message_id;
use super::rows::{MOST, Script, columns_with_bytes, list, with_bytes};
use crate::core::effect::MessageId;

/// The name of the machine's present boot, where the system gives it one.
fn boot() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Marks that what was written last may be lost.
pub(super) fn doubt(lock: &File) -> std::io::Result<()> {
    lock.set_len(1)
}

/// Decides what the last process left: what it had only claimed is free again, unless its notes are in doubt. Returns
/// whether notes of this process need not wait for the disk.
pub(super) async fn settle(connection: &mut SqliteConnection, lock: &File) -> sqlx::Result<bool> {
    let boot = boot();
    let last = "SELECT CAST(value AS TEXT) FROM meta WHERE name = 'boot'";
    let last: Option<String> = sqlx::query_scalar(last).fetch_optional(&mut *connection).await?;
    // Without a name, notes waited for the disk.
    let in_doubt = lock.metadata()?.len() > 0 || last.is_some() && last != boot;
    let named: Vec<&str> = boot.as_deref().into_iter().collect();
    let mut script = Script::of("BEGIN IMMEDIATE;");
    script.say(if in_doubt { "UPDATE wire SET leaves = 1;" } else { "DELETE FROM wire WHERE NOT leaves;" });
    script.say("DELETE FROM meta WHERE name = 'boot';");
    script.each("INSERT INTO meta SELECT 'boot', CAST(value AS BLOB) FROM jsonb_each(?);", 1, &named)?;
    script.say("COMMIT");
    script.query().execute(connection).await?;
    lock.set_len(0)?;
    Ok(boot.is_some())
}

/// Claims messages, at most [`MOST`]: their places among them and attempts, with their bytes.
pub(super) async fn claim(
    connection: &mut SqliteConnection,
    ids: &[MessageId],
) -> sqlx::Result<Vec<((i64, u32), Option<Vec<u8>>)>> {
    let in_outbox = |script: &mut Script| {
        script.say(" FROM ");
        script.values(3, ids.iter().take(MOST).enumerate(), |script, (place, id)| {
            script.bind(id.contact.0)?;
            script.bind(id.number)?;
            script.bind(i64::try_from(place).unwrap_or(i64::MAX))
        })?;
        script.say(" j CROSS JOIN outbox o ON o.contact = j.column1 AND o.number = j.column2;");
        Ok::<_, sqlx::Error>(())
    };
    let mut script = Script::of("BEGIN IMMEDIATE;");
    script.say("INSERT OR IGNORE INTO wire (contact, number, leaves) SELECT o.contact, o.number, 0");
    in_outbox(&mut script)?;
    script.say(concat!("SELECT ", columns_with_bytes!("j.column3, o.attempts", "o.body")));
    in_outbox(&mut script)?;
    script.say("COMMIT");
    let rows = script.query().fetch_all(connection).await?;
    rows.first().map_or(Ok(Vec::new()), with_bytes)
}

/// Lets go of what is claimed and has not left.
pub(super) async fn release(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    sqlx::raw_sql("DELETE FROM wire WHERE NOT leaves").execute(connection).await.map(|_| ())
}

/// What the last process left on the wire.
#[derive(Debug, Default)]
pub(super) struct LeftBehind {
    /// Messages that go again.
    pub(super) again: Vec<(Instant, MessageId)>,
    /// Messages that are held.
    pub(super) held: Vec<MessageId>,
}

/// Queues messages again that were on the wire, or holds them.
pub(super) async fn take_over(connection: &mut SqliteConnection, now: Instant) -> sqlx::Result<LeftBehind> {
    let ambiguous =
        "SELECT json_group_array(json_array(o.contact, o.number, o.due, o.hold) ORDER BY o.due, o.contact, o.number)
         FROM wire w CROSS JOIN outbox o ON o.contact = w.contact AND o.number = w.number";
    let mut left = LeftBehind::default();
    for (contact, number, due, hold) in list::<(i64, u32, i64, u8)>(sqlx::query(ambiguous), &mut *connection).await? {
        let id = message_id((contact, number));
        if hold == 0 { left.again.push((Instant(due), id)) } else { left.held.push(id) }
    }
    let take = "BEGIN IMMEDIATE;
         INSERT OR IGNORE INTO held (contact, number, since)
             SELECT o.contact, o.number, ? FROM wire w
             CROSS JOIN outbox o ON o.contact = w.contact AND o.number = w.number WHERE o.hold;
         DELETE FROM wire;
         COMMIT";
    sqlx::query(take).bind(now.0).execute(connection).await?;
    Ok(left)
}
