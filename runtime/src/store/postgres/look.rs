//! How messages stand, for whoever looks.

use journey_bytecode::Instant;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::{PostgresStore, message_id};
use crate::core::contact::ContactId;
use crate::core::input::Input;
use crate::store::{Delivery, Kept, KeptMessage, StoreError, decode};

impl PostgresStore {
    /// Messages of one kind, oldest contact first.
    pub(super) async fn messages(&self, which: Kept, most: usize) -> Result<Vec<KeptMessage>, StoreError> {
        let query = match which {
            Kept::Waiting => {
                "SELECT due, attempts, body, NULL::bytea, cause FROM outbox WHERE NOT on_wire AND held_since IS NULL
                 ORDER BY contact, number LIMIT $1"
            }
            Kept::OnWire => {
                "SELECT due, attempts, body, NULL::bytea, cause FROM outbox WHERE on_wire
                 ORDER BY contact, number LIMIT $1"
            }
            Kept::Held => {
                "SELECT held_since, attempts, body, NULL::bytea, cause FROM outbox WHERE held_since IS NOT NULL
                 ORDER BY contact, number LIMIT $1"
            }
            Kept::Failed => {
                "SELECT at, attempts, message, result, NULL FROM deliveries WHERE failed AND message IS NOT NULL
                 ORDER BY contact, number LIMIT $1"
            }
        };
        let rows = self.fetch(sqlx::query(query).bind(i64::try_from(most).unwrap_or(i64::MAX))).await?;
        let read = |error| self.fail(error);
        let kept = |row: &PgRow| {
            KeptMessage::read(
                Instant(row.try_get(0).map_err(read)?),
                row.try_get::<i32, _>(1).map_err(read)?.unsigned_abs(),
                row.try_get(2).map_err(read)?,
                row.try_get(3).map_err(read)?,
                row.try_get(4).map_err(read)?,
            )
        };
        rows.iter().map(kept).collect()
    }

    /// What became of a contact's messages, and what those in the outbox wait for, by number.
    pub(super) async fn results(&self, contact: ContactId) -> Result<Vec<Delivery>, StoreError> {
        let done = "SELECT contact, number, at, attempts, result, NULL, NULL FROM deliveries WHERE contact = $1
             UNION ALL SELECT contact, number, due, attempts, NULL, held_since, cause FROM outbox
             WHERE contact = $1 AND cause IS NOT NULL ORDER BY 2";
        let rows = self.fetch(sqlx::query(done).bind(contact.0)).await?;
        let read = |error| self.fail(error);
        let delivery = |row: &PgRow| {
            Delivery::read(
                message_id(row.try_get(0).map_err(read)?, row.try_get(1).map_err(read)?),
                Instant(row.try_get(2).map_err(read)?),
                row.try_get::<i32, _>(3).map_err(read)?.unsigned_abs(),
                row.try_get(4).map_err(read)?,
                row.try_get(5).map_err(read)?,
                row.try_get(6).map_err(read)?,
            )
        };
        rows.iter().map(delivery).collect()
    }

    /// All that a contact was told, in order, what is not applied yet among it.
    pub(super) async fn told_and_pending(&self, contact: ContactId) -> Result<Vec<Input>, StoreError> {
        let all = "SELECT seq, at, body FROM told WHERE contact = $1
             UNION ALL SELECT seq, at, body FROM inputs WHERE contact = $1 ORDER BY 1";
        let rows = self.fetch(sqlx::query(all).bind(contact.0)).await?;
        let read = |error| self.fail(error);
        let input = |row: &PgRow| {
            let (seq, at) = (row.try_get(0).map_err(read)?, Instant(row.try_get(1).map_err(read)?));
            let body = row.try_get(2).map_err(read)?;
            Ok(Input { seq, at, kind: decode(body, || format!("input {seq} of contact {}", contact.0))? })
        };
        rows.iter().map(input).collect()
    }
}
