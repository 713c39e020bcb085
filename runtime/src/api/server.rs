//! A server: one project on one database, with its API, until it is told to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use journey_bytecode::{Bundle, Channel, NOTICE_CHANNEL, RequestKind};
use tokio::net::TcpListener;

use super::{Tokens, router};
use crate::clock::{Clock, SystemClock};
use crate::core::{LinkError, Linked};
use crate::engine::{Engine, GRACE, Outlet};
use crate::ingest::Gate;
use crate::render::{RenderError, Renderer};
use crate::send::{Limit, Transport, limited};
use crate::store::{AnyStore, Database, KeptProgram, Store, StoreError};
use crate::track::{Keys, Links, LinksError, Tracking};
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
    /// Codes of vouchers, by voucher, to be given out.
    pub codes: Vec<Pool>,
    /// The way to colleagues, if journeys tell or ask any.
    pub notices: Option<Arc<dyn Transport>>,
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
            codes: Vec::new(),
            notices: None,
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
    grace: Duration,
}

impl Server {
    /// Opens the database, starts the engine, and listens. Runs that began on other versions of the journeys finish on
    /// those.
    pub async fn start(config: ServeConfig, bundle: Bundle) -> Result<Self, ServeError> {
        let store = AnyStore::open(&config.database).await?;
        store.keep_programs(&kept(&bundle)).await?;
        for (voucher, codes) in &config.codes {
            store.offer_codes(voucher, codes).await?;
        }
        let current: BTreeSet<_> = bundle.programs.iter().map(|program| program.version()).collect();
        let older: Vec<Bundle> = store
            .programs()
            .await?
            .into_iter()
            .rev()
            .filter(|kept| !current.contains(&kept.program.version()))
            .map(Bundle::from)
            .collect();
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
        let opt_in = bundle.policy.opt_in.contains(&Channel::Email);
        let topics = bundle.schema.topics.iter().map(|topic| (topic.name.clone(), topic.title.clone())).collect();
        let renderer = Renderer::new(&with_messages(&bundle, &older), links)?;
        let linked = Arc::new(Linked::new(bundle, &older)?);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let rates = linked.bundle().policy.rates.iter();
        let limits: Vec<_> = rates.map(|rate| (rate.channel, Arc::new(Limit::new(rate, Arc::clone(&clock))))).collect();
        let transports = config.transports.into_iter();
        let transports = transports.map(|(channel, way)| (channel, limited(way, channel, &limits))).collect();
        let mut outlet = Outlet::new(renderer, transports);
        if let Some(calls) = config.calls {
            outlet = outlet.calling(calls);
        }
        if let Some(notices) = config.notices {
            outlet = outlet.telling(notices);
        }
        let gate = Gate::new(Arc::clone(&linked));
        let engine = Engine::start(store, linked, outlet, clock).await?;
        let tracking = Tracking { intake: Arc::new(engine.submitter()), keys, topics, opt_in };
        let router = router(engine.submitter(), engine.inside(), gate, &config.tokens, tracking);
        Ok(Self { engine, router, listener, address, grace: config.grace })
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

/// The programs of a bundle, each with the messages that it sends.
fn kept(bundle: &Bundle) -> Vec<KeptProgram> {
    let messages = |program: &journey_bytecode::Program| {
        let sent = program.sends.iter().flat_map(|send| &send.choices).map(|(channel, name)| (*channel, name));
        let asked = program.requests.iter().filter_map(|request| match &request.kind {
            RequestKind::Ask { message, .. } => Some(message),
            RequestKind::Call { .. } | RequestKind::Voucher { .. } => None,
        });
        let told = program.notices.iter().map(|notice| &notice.message).chain(asked);
        let all: BTreeSet<_> = sent.chain(told.map(|name| (NOTICE_CHANNEL, name))).collect();
        all.into_iter().filter_map(|(channel, name)| bundle.message(channel, name).cloned()).collect()
    };
    let keep =
        |program: &journey_bytecode::Program| KeptProgram { program: program.clone(), messages: messages(program) };
    bundle.programs.iter().map(keep).collect()
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

impl From<KeptProgram> for Bundle {
    fn from(kept: KeptProgram) -> Self {
        Self { programs: vec![kept.program], messages: kept.messages, ..Self::default() }
    }
}
