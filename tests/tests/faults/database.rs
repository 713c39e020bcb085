//! What stands in a database file.

use std::path::Path;

use journey_bytecode::Value;
use journey_runtime::core::contact::Contact;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

pub(crate) fn blocking<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// An error unless SQLite finds nothing wrong with the file.
pub(crate) async fn is_whole(file: &Path) -> Result<(), String> {
    let told = |error: sqlx::Error| format!("{}: {error}", file.display());
    let mut connection = SqliteConnectOptions::new().filename(file).connect().await.map_err(told)?;
    let found: Vec<String> =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut connection).await.map_err(told)?;
    connection.close().await.map_err(told)?;
    if found == ["ok"] { Ok(()) } else { Err(format!("the file is corrupt: {}", found.join("; "))) }
}

/// How often the contact was seen to ping.
pub(crate) fn pings(contact: &Contact) -> usize {
    match contact.attributes.get("pings") {
        Some(Value::Number(number)) => usize::try_from(number.0 / 1_000_000).unwrap_or(0),
        _ => 0,
    }
}
