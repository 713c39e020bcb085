//! What PostgreSQL knows of a worker: a number, and a session that holds a lock of this number as long as the worker
//! lives. A worker that dies or freezes loses its session, and with it the lock: then others may take over what it left.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, Postgres, Transaction};
use tokio::task::JoinHandle;

use super::{FIRST_KEY, execute};

/// How often a worker's session shows that it lives.
const PULSE: Duration = Duration::from_secs(1);

/// How long the session of a worker may be silent before PostgreSQL ends it, in milliseconds.
const SILENCE: &str = "5000";

/// How long after a failed attempt the next one follows.
const AGAIN: Duration = Duration::from_millis(500);

/// The first number of the locks that workers hold; the second one is the worker's.
const KEY: i32 = FIRST_KEY + 1;

/// A worker, known to PostgreSQL as long as this lives.
#[derive(Debug)]
pub(super) struct Worker {
    /// Its number, for life: what it has claimed bears it.
    pub(super) number: i32,
    pulse: JoinHandle<()>,
}

impl Worker {
    /// Makes the worker known.
    pub(super) async fn register(options: PgConnectOptions) -> sqlx::Result<Self> {
        let options = options.options([("idle_session_timeout", SILENCE)]);
        let mut session = PgConnection::connect_with(&options).await?;
        let number = sqlx::query_scalar("SELECT nextval('worker_ids')::integer").fetch_one(&mut session).await?;
        lock(&mut session, number).await?;
        Ok(Self { number, pulse: tokio::spawn(keep(session, options, number)) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.pulse.abort();
    }
}

async fn lock(session: &mut PgConnection, number: i32) -> sqlx::Result<()> {
    execute(session, sqlx::query("SELECT pg_advisory_lock($1, $2)").bind(KEY).bind(number)).await
}

/// Shows that the worker lives; begins a new session when the old one is lost.
async fn keep(mut session: PgConnection, options: PgConnectOptions, number: i32) {
    loop {
        tokio::time::sleep(PULSE).await;
        if session.ping().await.is_ok() {
            continue;
        }
        tracing::warn!("the session that shows that this worker lives is lost; it gets a new one");
        loop {
            match renew(&options, number).await {
                Ok(new) => {
                    session = new;
                    break;
                }
                Err(error) => tracing::warn!(%error, "there is no new session yet"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

/// A new session under the same number: the worker keeps what nobody has taken over meanwhile.
async fn renew(options: &PgConnectOptions, number: i32) -> sqlx::Result<PgConnection> {
    let mut session = PgConnection::connect_with(options).await?;
    lock(&mut session, number).await?;
    Ok(session)
}

/// Whether this worker is gone; until the transaction ends it then stays so.
pub(super) async fn is_gone(transaction: &mut Transaction<'static, Postgres>, worker: i32) -> sqlx::Result<bool> {
    let gone = "SELECT pg_try_advisory_xact_lock($1, $2)";
    sqlx::query_scalar(gone).bind(KEY).bind(worker).fetch_one(&mut **transaction).await
}
