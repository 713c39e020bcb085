//! The database of a project.

use std::env;
use std::future::Future;

use journey_runtime::store::{AnyStore, Database, StoreError};

use crate::failure::Failure;
use crate::workspace::{Workspace, show};

/// Where contacts and runs are kept, if it is set.
const URL: &str = "DATABASE_URL";

/// The database that the command line names, else the environment, else the settings.
pub(crate) fn of(given: Option<&str>, workspace: &Workspace) -> Result<Database, Failure> {
    // A path on the command line is seen from where the command is typed.
    if let Some(url) = given {
        return at(url);
    }
    match env::var(URL).ok().filter(|url| !url.is_empty()) {
        Some(url) => at(&url),
        None => Ok(at(&workspace.config().database.url)?.within(&workspace.root)),
    }
}

/// The database at an address.
fn at(url: &str) -> Result<Database, Failure> {
    Database::parse(url).ok_or_else(|| {
        // An address may hold a password: only its beginning is shown.
        let kind = url.split(':').next().unwrap_or_default();
        let help = "write `sqlite:PATH` or `postgres://USER@HOST/NAME`";
        Failure::new(format!("a database at `{kind}:...` cannot be used")).help(help)
    })
}

/// What to call it.
pub(crate) fn name(database: &Database) -> String {
    match database {
        Database::Sqlite(path) => show(path),
        Database::Postgres(_) => database.to_string(),
    }
}

/// Opens the database to write contacts into it: a SQLite file has one process, and is made if it is not there.
pub(crate) fn alone<T, F: Future<Output = Result<T, StoreError>>>(
    database: &Database,
    work: impl FnOnce(AnyStore) -> F,
) -> Result<T, Failure> {
    let opened = async {
        match database {
            Database::Sqlite(_) => AnyStore::open(database).await,
            Database::Postgres(_) => AnyStore::beside(database).await,
        }
    };
    with(opened, work)
}

/// Opens the database beside a server that may be running, and does something with it.
pub(crate) fn beside<T, F: Future<Output = Result<T, StoreError>>>(
    database: &Database,
    work: impl FnOnce(AnyStore) -> F,
) -> Result<T, Failure> {
    with(AnyStore::beside(database), work)
}

fn with<T, F: Future<Output = Result<T, StoreError>>>(
    store: impl Future<Output = Result<AnyStore, StoreError>>,
    work: impl FnOnce(AnyStore) -> F,
) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    let worked = runtime.block_on(async { work(store.await?).await });
    worked.map_err(|error| Failure::new(error.to_string()))
}
