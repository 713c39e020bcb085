//! A server: one project on one database, with its API, until it is told to stop.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use journey_bytecode::{Bundle, Channel, Instant};
use tokio::net::TcpListener;

use super::{Hooks, Tokens, router};
use crate::clock::{Clock, SystemClock};
use crate::core::{LinkError, Linked};
use crate::deploy::{self, DeployError};
use crate::engine::{Deployed, Engine, GRACE, Outlet, Readies};
use crate::render::{RenderError, Renderer};
use crate::send::{Limit, Transport, limited};
use crate::spam::SpamRule;
use crate::store::{AnyStore, Database, KeptProgram, Revision, Store, StoreError};
use crate::track::{Keys, Links, LinksError, Topics, Tracking};
use crate::voucher::Pool;

/// What a server needs to know beside the project.
#[derive(Clone)]
pub struct ServeConfig {
    /// Where it listens; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// The database.
    pub database: Database,
    /// The bearer tokens that the API asks for.
    pub tokens: Tokens,
    /// Where the links in messages point; without, they are not tracked, and the unsubscribe link points at the address
    /// itself.
    pub base_url: Option<String>,
    /// The mailbox for mails that cannot be delivered; without, they come back to the sender.
    pub bounces: Option<String>,
    /// The secrets that sign links, newest first; without, the database's own.
    pub secrets: Vec<String>,
    /// The ways out.
    pub transports: BTreeMap<Channel, Arc<dyn Transport>>,
    /// The way to other systems, if journeys call any.
    pub calls: Option<Arc<dyn Transport>>,
    /// When the marketing of a sending domain is held because too many call it spam.
    pub spam: SpamRule,
    /// Codes of vouchers, by voucher, to be given out.
    pub codes: Vec<Pool>,
    /// The way to colleagues, if journeys tell or ask any.
    pub notices: Option<Arc<dyn Transport>>,
    /// The providers that may tell what contacts write.
    pub hooks: Hooks,
    /// How long stopping may take.
    pub grace: Duration,
}

impl ServeConfig {
    /// A server on a database that listens on an address; nothing leaves it until it has transports.
    pub fn new(listen: SocketAddr, database: impl Into<Database>) -> Self {
        Self {
            listen,
            database: database.into(),
            tokens: Tokens::default(),
            base_url: None,
            bounces: None,
            secrets: Vec::new(),
            transports: BTreeMap::new(),
            calls: None,
            spam: SpamRule::DEFAULT,
            codes: Vec::new(),
            notices: None,
            hooks: Hooks::default(),
            grace: GRACE,
        }
    }
}

impl fmt::Debug for ServeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No secrets in logs.
        f.debug_struct("ServeConfig")
            .field("listen", &self.listen)
            .field("database", &self.database)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// Why a server does not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is deployed.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// A program.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A template.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The base address of links.
    #[error(transparent)]
    Links(#[from] LinksError),
    /// A secret.
    #[error("a secret that signs links must be at least {} bytes long", crate::track::MIN_KEY)]
    Secret,
    /// The address.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        cause: std::io::Error,
    },
    /// The connections.
    #[error("the server broke off: {0}")]
    Serve(std::io::Error),
}

/// A server that listens, and does not answer yet.
#[derive(Debug)]
pub struct Server {
    engine: Engine<AnyStore>,
    router: Router,
    listener: TcpListener,
    address: SocketAddr,
    serving: Serving,
    grace: Duration,
}

/// What a server serves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Serving {
    /// The project that it was started with.
    Given,
    /// What was deployed after that project.
    Newer(Revision),
}

/// Deploys the project, unless it was deployed before: then the newest deployment is served, so that a worker that comes
/// back with an old project does not undo what others have deployed since. What is served; the revision, if it is new.
async fn settle_on(
    store: &AnyStore,
    ways: &Ways,
    bundle: &Bundle,
    now: Instant,
) -> Result<(Serving, Option<Revision>), ServeError> {
    let ours = deploy::id(bundle)?;
    let revisions = store.revisions(usize::MAX).await?;
    match revisions.first() {
        Some(newest) if newest.deployment == ours => {
            // Where two sources differ in words alone, the programs kept are those of this one.
            store.keep_programs(&KeptProgram::all(bundle)).await?;
            Ok((Serving::Given, None))
        }
        Some(newest) if revisions.iter().any(|revision| revision.deployment == ours) => {
            Ok((Serving::Newer(newest.clone()), None))
        }
        _ => {
            // What cannot be made ready here must not count for others.
            ways.make(bundle.clone(), &[])?;
            Ok((Serving::Given, Some(deploy::deploy(store, bundle, false, now).await?)))
        }
    }
}

/// How messages leave this server, whatever is deployed.
struct Ways {
    links: Links,
    transports: BTreeMap<Channel, Arc<dyn Transport>>,
    calls: Option<Arc<dyn Transport>>,
    spam: SpamRule,
    notices: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
}

impl Ways {
    fn make(&self, bundle: Bundle, older: &[Bundle]) -> Result<(Linked, Outlet), ServeError> {
        let renderer = Renderer::new(&with_messages(&bundle, older), self.links.clone())?;
        let limits: Vec<_> = (bundle.policy.rates.iter())
            .map(|rate| (rate.channel, Arc::new(Limit::new(rate, Arc::clone(&self.clock)))))
            .collect();
        let ways = self.transports.iter();
        let ways = ways.map(|(channel, way)| (*channel, limited(Arc::clone(way), *channel, &limits))).collect();
        let mut outlet = Outlet::new(renderer, ways);
        outlet = outlet.holding(self.spam);
        if let Some(calls) = &self.calls {
            outlet = outlet.calling(Arc::clone(calls));
        }
        if let Some(notices) = &self.notices {
            outlet = outlet.telling(Arc::clone(notices));
        }
        Ok((Linked::new(bundle, older)?, outlet))
    }
}

impl Readies for Ways {
    fn ready(&self, bundle: Bundle, older: &[Bundle], revision: &Revision) -> Result<Deployed, String> {
        let (linked, outlet) = self.make(bundle, older).map_err(|error| error.to_string())?;
        let linked = linked.pausing(revision.paused.keys().cloned()).at(revision.number);
        Ok(Deployed { linked: Arc::new(linked), outlet })
    }
}

impl Server {
    /// Opens the database, deploys the project unless it was deployed before, starts the engine, and listens. Runs that
    /// began on other versions of the journeys finish on those.
    pub async fn start(config: ServeConfig, bundle: Bundle) -> Result<Self, ServeError> {
        let store = AnyStore::open(&config.database).await?;
        for (voucher, codes) in &config.codes {
            store.offer_codes(voucher, codes).await?;
        }
        let keys = match config.secrets.as_slice() {
            [] => Keys::new([store.secret().await?]),
            secrets => Keys::new(secrets),
        };
        let keys = keys.ok_or(ServeError::Secret)?;
        let address = config.listen;
        let listen = |cause| ServeError::Listen { address, cause };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let links = match &config.base_url {
            Some(base_url) => Links::tracked(base_url, keys.clone())?,
            None => Links::untracked(keys.clone()).at(&format!("http://{address}"))?,
        };
        let links = match &config.bounces {
            Some(mailbox) => links.with_bounces(mailbox),
            None => links,
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let ways = Ways {
            links,
            transports: config.transports,
            calls: config.calls,
            spam: config.spam,
            notices: config.notices,
            clock: Arc::clone(&clock),
        };
        let (serving, made) = settle_on(&store, &ways, &bundle, clock.now()).await?;
        let engine = Engine::follow(store, Arc::new(ways), Arc::clone(&clock)).await?;
        if let Some(made) = made {
            engine.tell(made);
        }
        let live = engine.live();
        let topics = Arc::new(move || Topics::of(live.linked().bundle()));
        let tracking = Tracking { intake: Arc::new(engine.submitter()), keys, topics };
        let router = router(engine.submitter(), engine.inside(), engine.live(), &config.tokens, tracking, config.hooks);
        Ok(Self { engine, router, listener, address, serving, grace: config.grace })
    }

    /// What it serves.
    pub const fn serving(&self) -> &Serving {
        &self.serving
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The engine.
    pub const fn engine(&self) -> &Engine<AnyStore> {
        &self.engine
    }

    /// Answers until `shutdown` is ready, then stops within the grace: requests under way are answered, batches
    /// finished, messages on the wire get their results. Ends with an error as soon as the database fails.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send + 'static) -> Result<(), ServeError> {
        let Self { engine, router, listener, grace, .. } = self;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let failed = engine.failed();
        let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
            tokio::select! {
                () = shutdown => {}
                _ = failed => {}
            }
            let _ = stop.send(());
        });
        let mut serving = tokio::spawn(async move { serving.await });
        let served = tokio::select! {
            served = &mut serving => served,
            _ = stopped => {
                tracing::info!("stopping");
                let answered = tokio::time::timeout(grace, &mut serving).await;
                answered.unwrap_or_else(|_| {
                    tracing::warn!("connections were still open when the grace was over");
                    serving.abort();
                    Ok(Ok(()))
                })
            }
        };
        if !engine.stop(grace).await? {
            tracing::warn!("not everything was finished when the grace was over; it is taken up at the next start");
        }
        match served {
            Ok(served) => served.map_err(ServeError::Serve),
            Err(error) => Err(ServeError::Serve(std::io::Error::other(error))),
        }
    }
}

/// The bundle, with messages that it no longer has and older programs still send.
fn with_messages(bundle: &Bundle, older: &[Bundle]) -> Bundle {
    let mut all = bundle.clone();
    for message in older.iter().flat_map(|bundle| &bundle.messages) {
        if all.message(message.channel, &message.name).is_none() {
            all.messages.push(message.clone());
        }
    }
    all
}
