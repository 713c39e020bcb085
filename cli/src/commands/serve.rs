//! `journey serve`: a project on the real clock.

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use journey_bytecode::{Bundle, Channel};
use journey_compiler::config::{CallConfig, Config, EmailConfig, SecretRef};
use journey_runtime::api::{ServeConfig, ServeError, Server, Serving, Tokens};
use journey_runtime::clock::SystemClock;
use journey_runtime::send::{
    CallTransport, Dkim, DkimError, FileTransport, HttpClient, NoticeTransport, Place, Secret, Service, SmtpSettings,
    SmtpTransport, Transport,
};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::{Exit, Outcome, channels, compiled, hooks};
use crate::checked::count;
use crate::database;
use crate::discover;
use crate::failure::Failure;
use crate::terminal::{BOLD, GREEN, Terminal, YELLOW};
use crate::workspace::{Workspace, show};

/// Asks clients of the API for this token, if it is set; it may do everything.
const TOKEN: &str = "JOURNEY_API_TOKEN";

/// Tokens that may hand in contacts and events, look into the server, operate it.
const ROLES: [&str; 3] = ["JOURNEY_INGEST_TOKEN", "JOURNEY_READ_TOKEN", "JOURNEY_OPERATE_TOKEN"];

const EXAMPLES: &str = "\
Contacts and events come in over HTTP; an answer means that they are on disk.
Mail leaves through the mail server of `journey.toml`, other messages through the
providers there; without one, messages become files in `outbox`. Stop it with Ctrl-C or SIGTERM:
what is under way is finished, and the next start goes on where this one stopped.

Examples:
  journey serve welcome
  journey serve welcome --listen 0.0.0.0:80 --db sqlite:/var/lib/welcome.db
  curl localhost:8080/v1/contacts \\
    --json '{\"id\": \"ada\", \"attributes\": {\"email\": \"ada@example.com\"}}'
  curl localhost:8080/v1/events --json '{\"id\": \"1\", \"contact\": \"ada\", \"tag\": \"lead\"}'

Environment:
  JOURNEY_API_TOKEN   if set, /v1 asks for it: `Authorization: Bearer TOKEN`
  JOURNEY_INGEST_TOKEN, JOURNEY_READ_TOKEN, JOURNEY_OPERATE_TOKEN
                      tokens that may only hand in, look, look and operate
  DATABASE_URL        where contacts and runs are kept, unless --db says so
  RUST_LOG            what is logged to stderr [default: info]

Exit codes: 0 stopped as asked, 1 the project has errors, 2 it could not start or go on.";

/// Run a project for real: HTTP API, timers, mail
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A project or a `.journey` file
    #[arg(value_name = "PROJECT", default_value = ".")]
    path: PathBuf,

    /// Where to listen [default: `listen` of the settings, else 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,

    /// Where contacts and runs are kept, as `sqlite:PATH` or `postgres://USER@HOST/NAME` [default:
    /// DATABASE_URL, else `url` of the settings, else `journey.db` beside them]
    #[arg(long, value_name = "URL")]
    db: Option<String>,

    /// How the log on stderr is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.path)?;
    let Some(bundle) = compiled(&workspace, terminal) else { return Ok(Exit::FINDINGS) };
    let config = config(args, &workspace, bundle)?;
    log(args.log_format, terminal)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    runtime.block_on(serve(config, bundle, &workspace, terminal))?;
    Ok(Exit::CLEAN)
}

async fn serve(config: ServeConfig, bundle: &Bundle, workspace: &Workspace, terminal: Terminal) -> Result<(), Failure> {
    let stop = signals().map_err(|error| Failure::new(format!("cannot listen for signals: {error}")))?;
    let database = database::name(&config.database);
    let open = config.tokens.is_open();
    let server = Server::start(config, bundle.clone()).await.map_err(explain)?;
    let address = server.address();
    // Whether anybody reads this is not important.
    let _ = terminal.out(format!(
        "{GREEN}Serving{GREEN:#} {BOLD}{}{BOLD:#}: {}, {}\n  listening on  http://{address}\n  database      {database}\n  \
         mail          {}\n",
        bundle.project,
        count(bundle.programs.len(), "journey"),
        count(bundle.messages.len(), "message"),
        workspace.config().email.smtp.map_or_else(|| show(&outbox(workspace)), |smtp| smtp.to_string()),
    ));
    if let Serving::Newer(revision) = server.serving() {
        terminal.err(format!(
            "{YELLOW}warning{YELLOW:#}: this project was deployed before, and {} was deployed after it (revision {}): that is \
             what is served; `journey deploy` makes this project count\n",
            revision.deployment, revision.number
        ));
    }
    if open && !address.ip().is_loopback() {
        terminal.err(format!(
            "{YELLOW}warning{YELLOW:#}: whoever reaches {address} can send contacts and events; set {TOKEN} to ask for a token\n"
        ));
    }
    server.run(stop).await.map_err(explain)
}

/// Ready when somebody asks us to stop.
fn signals() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        #[cfg(unix)]
        let terminated = terminate.recv();
        #[cfg(not(unix))]
        let terminated = std::future::pending::<Option<()>>();
        tokio::select! {
            _ = terminated => {}
            // If Ctrl-C cannot be listened for, there is still the other signal.
            Ok(()) = tokio::signal::ctrl_c() => {}
        }
    })
}

fn config(args: &Args, workspace: &Workspace, bundle: &Bundle) -> Result<ServeConfig, Failure> {
    let settings = workspace.config();
    let database = database::of(args.db.as_deref(), workspace)?;
    let files: Arc<dyn Transport> = Arc::new(FileTransport::new(outbox(workspace)));
    let mut transports: BTreeMap<Channel, Arc<dyn Transport>> =
        Channel::ALL.map(|channel| (channel, Arc::clone(&files))).into();
    let client = HttpClient::new(settings.call.allow_private);
    let client = client.map_err(|error| Failure::new(format!("other systems cannot be called: {error}")))?;
    transports.extend(channels::transports(&settings, &workspace.root, &client)?);
    let mail: Arc<dyn Transport> = match mail(&settings.email, bundle.policy.sender.as_deref(), &workspace.root)? {
        Some(smtp) => Arc::new(smtp),
        None => files,
    };
    transports.insert(Channel::Email, Arc::clone(&mail));
    let mut config = ServeConfig::new(args.listen.unwrap_or(settings.server.listen), database);
    let token = |name| env::var(name).ok().filter(|token| !token.is_empty());
    let [ingest, read, operate] = ROLES.map(token);
    config.tokens = Tokens { all: token(TOKEN), ingest, read, operate };
    config.notices = Some(Arc::new(notices(&settings, mail, &workspace.root, client.clone())?));
    config.codes = super::run::codes(workspace, bundle)?;
    config.calls = Some(Arc::new(calls(&settings.call, &workspace.root, client)?));
    config.hooks = hooks::hooks(&settings, &workspace.root)?;
    config.base_url = settings.track.base_url;
    config.bounces = settings.email.bounces.clone();
    if let Some(reference) = &settings.track.secret {
        config.secrets = vec![secret(reference, &workspace.root)?.reveal().to_owned()];
    }
    config.transports = transports;
    config.spam = super::senders::rule(settings.spam);
    Ok(config)
}

/// The mail server of the settings, and who signs what goes there.
pub(super) fn mail(
    settings: &EmailConfig,
    sender: Option<&str>,
    root: &Path,
) -> Result<Option<SmtpTransport>, Failure> {
    let Some(address) = &settings.smtp else { return Ok(None) };
    let wrong = |error| Failure::new(format!("mail cannot be sent: {error}")).help("see `[email]` in `journey.toml`");
    let mut smtp = SmtpSettings::parse(&address.to_string()).map_err(wrong)?;
    if let (Some(user), Some(password)) = (&settings.user, &settings.password) {
        smtp = smtp.with_login(user, secret(password, root)?);
    }
    if let Some(connections) = settings.connections {
        smtp = smtp.with_connections(connections.into());
    }
    if let Some(dkim) = dkim(settings, sender, root)? {
        smtp = smtp.with_dkim(dkim);
    }
    SmtpTransport::new(smtp).map(Some).map_err(wrong)
}

fn notices(
    settings: &Config,
    mail: Arc<dyn Transport>,
    root: &Path,
    client: HttpClient,
) -> Result<NoticeTransport, Failure> {
    let people = settings.notify.people.iter().map(|(name, address)| (name.clone(), Place::Mail(address.into())));
    let mut places: BTreeMap<_, _> = people.collect();
    for ((kind, place), reference) in &settings.notify.places {
        places.insert(format!("{kind} {place}").into(), Place::Webhook(secret(reference, root)?));
    }
    Ok(NoticeTransport::new(mail, client, places))
}

fn calls(settings: &CallConfig, root: &Path, client: HttpClient) -> Result<CallTransport, Failure> {
    let mut services = BTreeMap::new();
    for (name, service) in &settings.services {
        let secret = service.secret.as_ref().map(|reference| secret(reference, root)).transpose()?;
        services.insert(name.clone(), Service { url: service.url.clone(), secret });
    }
    Ok(CallTransport::new(client, services, Arc::new(SystemClock::default())))
}

/// What signs mails, if the settings name a key.
pub(super) fn dkim(settings: &EmailConfig, sender: Option<&str>, root: &Path) -> Result<Option<Dkim>, Failure> {
    let keys = [(&settings.dkim, &settings.dkim_selector), (&settings.dkim_ed25519, &settings.dkim_ed25519_selector)];
    let keys: Vec<_> = keys.into_iter().filter_map(|(key, selector)| key.as_ref().zip(selector.as_ref())).collect();
    if keys.is_empty() {
        return Ok(None);
    }
    let wrong = |error: DkimError| Failure::new(error.to_string()).help("see `dkim` under `[email]` in `journey.toml`");
    let of_sender =
        || sender.and_then(|sender| sender.rsplit('@').next()).map(|domain| domain.trim_end_matches('>').trim());
    let domain = settings.dkim_domain.as_deref().or_else(of_sender).unwrap_or_default();
    let mut dkim = Dkim::new(domain).map_err(wrong)?;
    for (key, selector) in keys {
        dkim = dkim.with_key(selector, &document(key, root)?).map_err(wrong)?;
    }
    Ok(Some(dkim))
}

/// A secret of several lines.
pub(super) fn document(reference: &SecretRef, root: &Path) -> Result<Secret, Failure> {
    let secret = match reference {
        SecretRef::Env(name) => Secret::env_document(name),
        SecretRef::File(path) => Secret::document(&root.join(path)),
    };
    secret.map_err(|error| Failure::new(error.to_string()).help("`journey.toml` says where secrets are"))
}

pub(super) fn secret(reference: &SecretRef, root: &Path) -> Result<Secret, Failure> {
    let secret = match reference {
        SecretRef::Env(name) => Secret::env(name),
        SecretRef::File(path) => Secret::file(&root.join(path)),
    };
    secret.map_err(|error| Failure::new(error.to_string()).help("`journey.toml` says where secrets are"))
}

fn outbox(workspace: &Workspace) -> PathBuf {
    workspace.root.join("outbox")
}

fn log(format: LogFormat, terminal: Terminal) -> Result<(), Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::new(format!("cannot write a log: {error}"));
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env();
    let filter = filter.map_err(|error| wrong(&error).help("see RUST_LOG"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(terminal.colours_err()).try_init(),
        LogFormat::Json => log.json().try_init(),
    }
    .map_err(|error| wrong(&error))
}

fn explain(error: ServeError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        ServeError::Listen { cause, .. } if cause.kind() == io::ErrorKind::AddrInUse => {
            failure.help("another process listens there; stop it, or choose another address with --listen")
        }
        ServeError::Listen { cause, .. } if cause.kind() == io::ErrorKind::PermissionDenied => {
            failure.help("ports below 1024 are for the administrator; choose another address with --listen")
        }
        ServeError::Links(_) => failure.help("see `base_url` under `[track]` in `journey.toml`"),
        ServeError::Secret => failure.help("see `secret` under `[track]` in `journey.toml`"),
        _ => failure,
    }
}
