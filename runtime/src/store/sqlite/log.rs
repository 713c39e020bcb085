//! The write-ahead log, and how it comes to the disk. SQLite itself does not wait for that at each commit
//! (`synchronous=NORMAL`): it would keep others from committing for so long. Who needs a commit on disk waits for a sync that
//! began after it, and all who wait share one.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use super::Health;
use super::open::companion;

/// A commit: those before it have lower numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) struct Commit(u64);

/// The log of a database that is open, and so has one.
#[derive(Debug)]
pub(super) struct WriteAheadLog {
    file: Arc<File>,
    commits: AtomicU64,
    /// The last commit that is on disk for certain.
    synced: Mutex<Commit>,
}

impl WriteAheadLog {
    /// The log of this database. SQLite keeps its locks on other files, so that this one may be closed.
    pub(super) fn of(database: &Path) -> std::io::Result<Self> {
        let file = Arc::new(File::options().read(true).write(true).open(companion(database, "-wal"))?);
        Ok(Self { file, commits: AtomicU64::new(0), synced: Mutex::default() })
    }

    /// Counts a commit; whoever made it still has the right to write.
    pub(super) fn committed(&self) -> Commit {
        Commit(self.commits.fetch_add(1, Ordering::AcqRel) + 1)
    }

    /// Returns when the commit is on disk. After a sync that failed nobody knows what is, and no later one tells.
    pub(super) async fn sync(&self, commit: Commit, health: &Arc<Health>) -> Result<(), Arc<str>> {
        let mut synced = self.synced.lock().await;
        if let Some(cause) = health.failed.get() {
            return Err(Arc::clone(cause));
        }
        if *synced < commit {
            let newest = Commit(self.commits.load(Ordering::Acquire));
            let (file, at) = (Arc::clone(&self.file), Arc::clone(health));
            // Whoever waits may be dropped: a failure is noted all the same.
            let sync = tokio::task::spawn_blocking(move || file.sync_data().map_err(|error| at.fail(&error)));
            sync.await.unwrap_or_else(|error| Err(health.fail(&error)))?;
            *synced = newest;
        }
        Ok(())
    }
}
