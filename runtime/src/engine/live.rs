//! What counts at present, and how a newer revision is taken up while the engine runs.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use journey_bytecode::{Bundle, Instant};

use super::{Shared, judge, outlet::Outlet};
use crate::core::Linked;
use crate::deploy::{self, DeployError};
use crate::store::{Revision, Store, StoreError};

/// How long a worker waits before it tries again to take up a revision that it cannot make ready.
const UNREADY: Duration = Duration::from_secs(5);

/// How long whoever made a revision has to tell the contacts whom it concerns, in milliseconds, before a worker does it.
const TELLING: i64 = 60_000;

/// A deployed project, ready to run.
#[derive(Debug)]
pub struct Deployed {
    /// The programs.
    pub linked: Arc<Linked>,
    /// The way out.
    pub outlet: Outlet,
}

/// What counts at present. Whoever asks gets the newest.
#[derive(Clone, Debug)]
pub struct Live(Arc<RwLock<Arc<Deployed>>>);

impl Live {
    /// A deployment.
    pub fn new(deployed: Deployed) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(deployed))))
    }

    /// The deployment that counts.
    pub fn get(&self) -> Arc<Deployed> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The programs that count.
    pub fn linked(&self) -> Arc<Linked> {
        Arc::clone(&self.get().linked)
    }

    fn set(&self, deployed: Deployed) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(deployed);
    }
}

/// Makes ready what is deployed.
pub trait Readies: Send + Sync {
    /// Makes a project ready to run, with older programs (newest first) whose runs are not over.
    fn ready(&self, bundle: Bundle, older: &[Bundle], revision: &Revision) -> Result<Deployed, String>;
}

/// Reads what a revision deploys, and makes it ready.
pub(crate) async fn load<S: Store>(
    store: &S,
    revision: &Revision,
    readies: &dyn Readies,
) -> Result<Deployed, DeployError> {
    let bundle = deploy::bundle(store, revision).await?;
    let current: Vec<_> = bundle.programs.iter().map(|program| program.version()).collect();
    let kept = store.programs().await?.into_iter().rev();
    let older: Vec<Bundle> = kept.filter(|kept| !current.contains(&kept.program.version())).map(Bundle::from).collect();
    readies.ready(bundle, &older, revision).map_err(DeployError::Unready)
}

impl<S: Store> Shared<S> {
    /// Takes up the newest revision, if it is not the one that counts here; which it is.
    pub(super) async fn take_up(&self) -> Result<Option<Revision>, StoreError> {
        let Some(readies) = &self.readies else { return Ok(None) };
        // One at a time: whoever waited finds it done.
        let _taking = self.taking_up.lock().await;
        let Some(newest) = self.store.revisions(1).await?.pop() else { return Ok(None) };
        if newest.number <= self.live.get().linked.revision() {
            return Ok(Some(newest));
        }
        match load(&self.store, &newest, &**readies).await {
            Ok(deployed) => {
                let (revision, deployment) = (newest.number, newest.deployment.to_string());
                tracing::info!(revision, deployment, "a newer revision counts");
                judge(&self.store.trials().await?, &deployed.linked, self.front.clock.now());
                self.live.set(deployed);
                self.contacts.notify_one();
                self.messages.notify_one();
            }
            Err(DeployError::Store(error)) => return Err(error),
            Err(error) => {
                let revision = newest.number;
                tracing::error!(revision, %error, "this worker cannot take up the newest revision; contacts are left to others");
                tokio::time::sleep(UNREADY).await;
            }
        }
        Ok(Some(newest))
    }

    /// Takes up the newest revision, and sees to it that the contacts whom it concerns are told; those of older ones too, if
    /// whoever made them went away before and others were made since.
    pub(super) async fn follow(&self, now: Instant) -> Result<(), StoreError> {
        let Some(newest) = self.take_up().await? else { return Ok(()) };
        let unsure = newest.number.saturating_sub(self.told.load(Ordering::Acquire));
        if unsure <= 0 {
            return Ok(());
        }
        let mut revisions = self.store.revisions(usize::try_from(unsure).unwrap_or(usize::MAX)).await?;
        revisions.retain(|revision| !revision.told);
        for late in revisions.iter().rev().filter(|revision| now.0.saturating_sub(revision.at.0) >= TELLING) {
            self.tell(late).await;
        }
        if revisions.is_empty() {
            self.told.store(newest.number, Ordering::Release);
        }
        Ok(())
    }

    /// Tells the contacts whom a revision concerns. What fails is tried again by whoever follows the revisions.
    pub(super) async fn tell(&self, revision: &Revision) {
        match deploy::tell(&self.store, revision, self.front.clock.now()).await {
            Ok(0) => {}
            Ok(contacts) => {
                tracing::info!(revision = revision.number, contacts, "contacts were told of a revision");
                self.contacts.notify_one();
            }
            Err(error) => tracing::error!(revision = revision.number, %error, "contacts cannot be told of a revision"),
        }
    }
}
