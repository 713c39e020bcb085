//! The store at an address.

use std::fmt;
use std::path::{Path, PathBuf};

use journey_bytecode::{Channel, Instant};
use smol_str::SmolStr;

use super::{
    Acceptance, Advanced, Claimed, Counts, Delivery, DeploymentId, Heard, Kept, KeptMessage, KeptProgram, Listed,
    NewInput, PostgresStore, Queued, Revision, SqliteStore, Stays, Store, StoreError, TakeCode, TakenOver, postgres,
    sqlite,
};
use crate::core::contact::{Contact, ContactId};
use crate::core::effect::{MessageId, TraceEntry};
use crate::core::input::Input;
use crate::spam::{SpamCount, SpamSender, Traffic};
use crate::trial::Trials;

/// Where a store is.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// The address of a database in PostgreSQL.
    Postgres(String),
}

impl Database {
    /// The database at an address: `sqlite:PATH`, or `postgres://...`.
    pub fn parse(url: &str) -> Option<Self> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return (!path.is_empty()).then(|| Self::Sqlite(path.into()));
        }
        let postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
        postgres.then(|| Self::Postgres(url.to_owned()))
    }

    /// The same, with the path of a file seen from a folder.
    #[must_use]
    pub fn within(self, folder: &Path) -> Self {
        match self {
            Self::Sqlite(path) => Self::Sqlite(folder.join(path)),
            Self::Postgres(_) => self,
        }
    }
}

impl From<PathBuf> for Database {
    fn from(path: PathBuf) -> Self {
        Self::Sqlite(path)
    }
}

/// Without user and password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => f.write_str(&postgres::shown(url)),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A store of the kind that its address asks for.
#[derive(Debug)]
pub enum AnyStore {
    /// In a file of SQLite.
    Sqlite(Box<SqliteStore>),
    /// In PostgreSQL.
    Postgres(Box<PostgresStore>),
}

impl AnyStore {
    /// Opens the store; makes it if it is not there, and brings an older one up to date.
    pub async fn open(database: &Database) -> Result<Self, StoreError> {
        Ok(match database {
            Database::Sqlite(path) => Self::Sqlite(Box::new(SqliteStore::open(path).await?)),
            Database::Postgres(url) => Self::Postgres(Box::new(PostgresStore::open(url).await?)),
        })
    }

    /// Opens a store that is there, to look into it or to operate it, whoever works on it meanwhile.
    pub async fn beside(database: &Database) -> Result<Self, StoreError> {
        Ok(match database {
            Database::Sqlite(path) => Self::Sqlite(Box::new(SqliteStore::beside(path).await?)),
            Database::Postgres(url) => Self::Postgres(Box::new(PostgresStore::beside(url).await?)),
        })
    }
}

/// The right to commit claimed contacts.
#[derive(Debug)]
pub enum AnyLease {
    /// In a file of SQLite.
    Sqlite(sqlite::Lease),
    /// In PostgreSQL.
    Postgres(postgres::Lease),
}

macro_rules! either {
    ($self:expr, $store:ident => $call:expr) => {
        match $self {
            AnyStore::Sqlite($store) => $call,
            AnyStore::Postgres($store) => $call,
        }
    };
}

impl Store for AnyStore {
    type Lease = AnyLease;

    async fn accept(&self, inputs: &[NewInput], now: Instant) -> Result<Vec<Acceptance>, StoreError> {
        either!(self, store => store.accept(inputs, now).await)
    }

    async fn claim(&self, now: Instant, most: usize) -> Result<Claimed<AnyLease>, StoreError> {
        Ok(match self {
            Self::Sqlite(store) => store.claim(now, most).await?.map(AnyLease::Sqlite),
            Self::Postgres(store) => store.claim(now, most).await?.map(AnyLease::Postgres),
        })
    }

    async fn commit(&self, lease: AnyLease, advanced: Vec<Advanced>, revision: i64) -> Result<(), StoreError> {
        match (self, lease) {
            (Self::Sqlite(store), AnyLease::Sqlite(lease)) => store.commit(lease, advanced, revision).await,
            (Self::Postgres(store), AnyLease::Postgres(lease)) => store.commit(lease, advanced, revision).await,
            // A lease of another store: there is nothing that it gives a right to.
            _ => Ok(()),
        }
    }

    async fn next_due(&self) -> Result<Option<Instant>, StoreError> {
        either!(self, store => store.next_due().await)
    }

    async fn claim_messages(&self, now: Instant, most: usize) -> Result<Vec<Queued>, StoreError> {
        either!(self, store => store.claim_messages(now, most).await)
    }

    async fn record(&self, results: &[Delivery], leaving: &[MessageId]) -> Result<Vec<(MessageId, Stays)>, StoreError> {
        either!(self, store => store.record(results, leaving).await)
    }

    fn waits_for_notes(&self) -> bool {
        either!(self, store => store.waits_for_notes())
    }

    async fn next_message_due(&self) -> Result<Option<Instant>, StoreError> {
        either!(self, store => store.next_message_due().await)
    }

    async fn take_over(&self, now: Instant) -> Result<TakenOver, StoreError> {
        either!(self, store => store.take_over(now).await)
    }

    async fn outbox(&self, which: Kept, most: usize) -> Result<Vec<KeptMessage>, StoreError> {
        either!(self, store => store.outbox(which, most).await)
    }

    async fn requeue(&self, ids: &[MessageId], now: Instant) -> Result<Vec<MessageId>, StoreError> {
        either!(self, store => store.requeue(ids, now).await)
    }

    async fn give_up(&self, ids: &[MessageId], now: Instant) -> Result<Vec<MessageId>, StoreError> {
        either!(self, store => store.give_up(ids, now).await)
    }

    async fn changed(&self) {
        either!(self, store => store.changed().await);
    }

    async fn keep_programs(&self, programs: &[KeptProgram]) -> Result<(), StoreError> {
        either!(self, store => store.keep_programs(programs).await)
    }

    async fn programs(&self) -> Result<Vec<KeptProgram>, StoreError> {
        either!(self, store => store.programs().await)
    }

    async fn revise(&self, revision: &Revision, bundle: Option<&[u8]>) -> Result<bool, StoreError> {
        either!(self, store => store.revise(revision, bundle).await)
    }

    async fn revisions(&self, most: usize) -> Result<Vec<Revision>, StoreError> {
        either!(self, store => store.revisions(most).await)
    }

    async fn deployment(&self, id: DeploymentId) -> Result<Option<Vec<u8>>, StoreError> {
        either!(self, store => store.deployment(id).await)
    }

    async fn told(&self, revision: i64) -> Result<(), StoreError> {
        either!(self, store => store.told(revision).await)
    }

    async fn secret(&self) -> Result<[u8; 32], StoreError> {
        either!(self, store => store.secret().await)
    }

    async fn contact(&self, key: &str) -> Result<Option<Contact>, StoreError> {
        either!(self, store => store.contact(key).await)
    }

    async fn contacts_after(&self, after: ContactId, most: usize) -> Result<Vec<Contact>, StoreError> {
        either!(self, store => store.contacts_after(after, most).await)
    }

    async fn trace(&self, contact: ContactId) -> Result<Vec<TraceEntry>, StoreError> {
        either!(self, store => store.trace(contact).await)
    }

    async fn inputs(&self, contact: ContactId) -> Result<Vec<Input>, StoreError> {
        either!(self, store => store.inputs(contact).await)
    }

    async fn deliveries(&self, contact: ContactId) -> Result<Vec<Delivery>, StoreError> {
        either!(self, store => store.deliveries(contact).await)
    }

    async fn offer_codes(&self, voucher: &str, codes: &[SmolStr]) -> Result<u64, StoreError> {
        either!(self, store => store.offer_codes(voucher, codes).await)
    }

    async fn take_code(&self, take: &TakeCode) -> Result<Option<SmolStr>, StoreError> {
        either!(self, store => store.take_code(take).await)
    }

    async fn contacts_at(&self, channel: Channel, address: &str, most: usize) -> Result<Vec<Contact>, StoreError> {
        either!(self, store => store.contacts_at(channel, address, most).await)
    }

    async fn was_heard(&self, id: &str) -> Result<bool, StoreError> {
        either!(self, store => store.was_heard(id).await)
    }

    async fn hear(&self, heard: &Heard) -> Result<Option<u64>, StoreError> {
        either!(self, store => store.hear(heard).await)
    }

    async fn suppress(&self, listed: &Listed) -> Result<u64, StoreError> {
        either!(self, store => store.suppress(listed).await)
    }

    async fn lift(&self, listed: &Listed) -> Result<u64, StoreError> {
        either!(self, store => store.lift(listed).await)
    }

    async fn trials(&self) -> Result<Trials, StoreError> {
        either!(self, store => store.trials().await)
    }

    async fn count_traffic(&self, counted: &Traffic, since: i64) -> Result<(), StoreError> {
        either!(self, store => store.count_traffic(counted, since).await)
    }

    async fn senders(&self, since: i64) -> Result<Vec<SpamSender>, StoreError> {
        either!(self, store => store.senders(since).await)
    }

    async fn hold_sender(&self, domain: &str, now: Instant, counted: SpamCount) -> Result<(), StoreError> {
        either!(self, store => store.hold_sender(domain, now, counted).await)
    }

    async fn lift_sender(&self, domain: &str) -> Result<bool, StoreError> {
        either!(self, store => store.lift_sender(domain).await)
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        either!(self, store => store.counts().await)
    }

    async fn close(self) {
        either!(self, store => store.close().await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_a_kind_and_show_no_secret() {
        let shown = |url| Database::parse(url).map(|database| database.within(Path::new("/p")).to_string());
        assert_eq!(shown("sqlite:journey.db").as_deref(), Some("/p/journey.db"));
        assert_eq!(shown("sqlite:///var/j.db").as_deref(), Some("/var/j.db"));
        assert_eq!(
            shown("postgres://ada:secret@db.example:5433/journeys?sslmode=require").as_deref(),
            Some("postgres://db.example:5433/journeys")
        );
        assert_eq!(shown("postgresql://db.example/j").as_deref(), Some("postgres://db.example:5432/j"));
        assert_eq!((shown("mysql://x/y"), shown("sqlite:")), (None, None));
    }
}
