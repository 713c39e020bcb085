//! What is counted of sending domains.

use journey_bytecode::Instant;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::PostgresStore;
use crate::spam::{SpamCount, SpamSender, Traffic, senders};
use crate::store::StoreError;

/// Two counts that stand in a row from a column on.
fn count(row: &PgRow, column: usize) -> sqlx::Result<SpamCount> {
    let number = |column: usize| row.try_get::<i64, _>(column).map(i64::unsigned_abs);
    Ok(SpamCount { delivered: number(column)?, complained: number(column + 1)? })
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl PostgresStore {
    pub(super) async fn add_traffic(&self, counted: &Traffic, since: i64) -> Result<(), StoreError> {
        let (mut domains, mut hours, mut delivered, mut complained) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for ((sender, hour), count) in counted {
            domains.push(sender.to_string());
            hours.push(*hour);
            delivered.push(number(count.delivered));
            complained.push(number(count.complained));
        }
        // In one order, so that workers do not wait for each other in a ring.
        let add = "INSERT INTO traffic AS t (sender, hour, delivered, complained)
             SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])
             ON CONFLICT (sender, hour) DO UPDATE SET
                 delivered = t.delivered + excluded.delivered, complained = t.complained + excluded.complained";
        self.fetch(sqlx::query(add).bind(domains).bind(hours).bind(delivered).bind(complained)).await?;
        self.fetch(sqlx::query("DELETE FROM traffic WHERE hour < $1").bind(since)).await.map(|_| ())
    }

    pub(super) async fn read_senders(&self, since: i64) -> Result<Vec<SpamSender>, StoreError> {
        let counted = "SELECT sender, delivered, complained FROM traffic WHERE hour >= $1";
        let counted = self.fetch(sqlx::query(counted).bind(since)).await?;
        let held = self.fetch(sqlx::query("SELECT sender, since, delivered, complained FROM held_senders")).await?;
        let domain = |row: &PgRow| row.try_get::<&str, _>(0).map(Into::into);
        let counted = counted.iter().map(|row| Ok((domain(row)?, count(row, 1)?))).collect::<sqlx::Result<Vec<_>>>();
        let held = held.iter().map(|row| Ok((domain(row)?, Instant(row.try_get(1)?), count(row, 2)?)));
        let held = held.collect::<sqlx::Result<Vec<_>>>();
        Ok(senders(counted.map_err(|error| self.fail(error))?, held.map_err(|error| self.fail(error))?))
    }

    pub(super) async fn hold_domain(&self, domain: &str, now: Instant, counted: SpamCount) -> Result<(), StoreError> {
        let hold = "INSERT INTO held_senders (sender, since, delivered, complained) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING";
        let hold = sqlx::query(hold).bind(domain.to_owned()).bind(now.0);
        self.fetch(hold.bind(number(counted.delivered)).bind(number(counted.complained))).await.map(|_| ())
    }

    pub(super) async fn lift_domain(&self, domain: &str) -> Result<bool, StoreError> {
        let anew = "DELETE FROM traffic WHERE sender = $1";
        self.fetch(sqlx::query(anew).bind(domain.to_owned())).await?;
        let lift = "DELETE FROM held_senders WHERE sender = $1 RETURNING sender";
        Ok(!self.fetch(sqlx::query(lift).bind(domain.to_owned())).await?.is_empty())
    }
}
