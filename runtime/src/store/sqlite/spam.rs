//! What is counted of sending domains.

use journey_bytecode::Instant;
use smol_str::SmolStr;
use sqlx::SqliteConnection;

use super::rows::{json, list};
use crate::spam::{SpamCount, SpamSender, Traffic, senders};

pub(super) async fn count(connection: &mut SqliteConnection, counted: &Traffic, since: i64) -> sqlx::Result<()> {
    let rows: Vec<_> = counted
        .iter()
        .map(|((sender, hour), count)| (sender.clone(), *hour, count.delivered, count.complained))
        .collect();
    let write = "BEGIN IMMEDIATE;
         DELETE FROM traffic WHERE hour < ?;
         INSERT INTO traffic (sender, hour, delivered, complained)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM jsonb_each(?) WHERE true
             ON CONFLICT (sender, hour) DO UPDATE SET
                 delivered = delivered + excluded.delivered, complained = complained + excluded.complained;
         COMMIT";
    sqlx::query(write).bind(since).bind(json(&rows)).execute(connection).await.map(|_| ())
}

pub(super) async fn read(connection: &mut SqliteConnection, since: i64) -> sqlx::Result<Vec<SpamSender>> {
    let counted = "SELECT json_group_array(json_array(sender, delivered, complained)) FROM traffic WHERE hour >= ?";
    let counted = list::<(SmolStr, u64, u64)>(sqlx::query(counted).bind(since), &mut *connection).await?;
    let held = "SELECT json_group_array(json_array(sender, since, delivered, complained)) FROM held_senders";
    let held = list::<(SmolStr, i64, u64, u64)>(sqlx::query(held), connection).await?;
    let count = |delivered, complained| SpamCount { delivered, complained };
    Ok(senders(
        counted.into_iter().map(|(sender, delivered, complained)| (sender, count(delivered, complained))),
        held.into_iter()
            .map(|(sender, since, delivered, complained)| (sender, Instant(since), count(delivered, complained))),
    ))
}

pub(super) async fn hold(
    connection: &mut SqliteConnection,
    domain: &str,
    now: Instant,
    counted: SpamCount,
) -> sqlx::Result<()> {
    let hold = "INSERT OR IGNORE INTO held_senders (sender, since, delivered, complained) VALUES (?, ?, ?, ?)";
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let hold = sqlx::query(hold).bind(domain.to_owned()).bind(now.0);
    hold.bind(number(counted.delivered)).bind(number(counted.complained)).execute(connection).await.map(|_| ())
}

pub(super) async fn lift(connection: &mut SqliteConnection, domain: &str) -> sqlx::Result<bool> {
    let anew = "DELETE FROM traffic WHERE sender = ?";
    sqlx::query(anew).bind(domain.to_owned()).execute(&mut *connection).await?;
    let lift = "DELETE FROM held_senders WHERE sender = ?";
    Ok(sqlx::query(lift).bind(domain.to_owned()).execute(connection).await?.rows_affected() > 0)
}
