//! The settings of a project: `journey.toml`.

mod call;
mod channels;
mod incoming;
pub mod lint;
mod notify;
mod read;
mod spam;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use journey_bytecode::{Channel, CrashRules, Field};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub use channels::{Encoding, PushConfig, SmsConfig, SmsProvider, WebhookConfig, WhatsAppConfig};
pub use incoming::IncomingConfig;
pub use lint::LintConfig;
pub(crate) use notify::CHATS;
pub use read::{SECTIONS, read};
pub use spam::SpamConfig;

use crate::diagnostic::Span;

/// The settings. Every key that may be left out has its default here; the file has no others.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Config {
    /// `[project]`
    pub project: ProjectConfig,
    /// `[email]`
    pub email: EmailConfig,
    /// `[track]`
    pub track: TrackConfig,
    /// `[consent]`
    pub consent: ConsentConfig,
    /// `[outbox]`: `transactional` and `marketing`, what becomes of messages of that purpose that were on the wire when
    /// their worker died: `resend` or `hold`.
    pub outbox: CrashRules,
    /// `[spam]`
    pub spam: SpamConfig,
    /// `[database]`
    pub database: DatabaseConfig,
    /// `[server]`
    pub server: ServerConfig,
    /// `[lint]`
    pub lint: LintConfig,
    /// `[call]`
    pub call: CallConfig,
    /// `[notify]`
    pub notify: NotifyConfig,
    /// `[sms]`: without it, text messages become files in `outbox/`.
    pub sms: Option<SmsConfig>,
    /// `[push]`, likewise.
    pub push: Option<PushConfig>,
    /// `[whatsapp]`, likewise.
    pub whatsapp: Option<WhatsAppConfig>,
    /// `[webhook]`, likewise.
    pub webhook: Option<WebhookConfig>,
}

/// `[project]`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProjectConfig {
    /// `name`, required: what the project is called in reports and in the bytecode file.
    pub name: SmolStr,
    /// `timezone`, required: the zone of contacts without a valid one of their own, as `Europe/Berlin`. A lone file has
    /// UTC.
    pub timezone: SmolStr,
}

impl Default for ProjectConfig {
    fn default() -> Self {
        Self { name: SmolStr::new_static("journey"), timezone: SmolStr::new_static("UTC") }
    }
}

/// `[email]`
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct EmailConfig {
    /// `smtp`: the mail server, as `smtp://127.0.0.1:2525`. Without it, every mail becomes an `.eml` file in `outbox/`.
    pub smtp: Option<Smtp>,
    /// `user`: the name to log in to the mail server with.
    pub user: Option<String>,
    /// `password`: where the password stands that belongs to it.
    pub password: Option<SecretRef>,
    /// `connections`: how many connections to the mail server are open at once, at most.
    pub connections: Option<u16>,
    /// `dkim`: where the private key stands, in PEM form, that signs mails.
    pub dkim: Option<SecretRef>,
    /// `dkim_selector`: under which name its public half stands in the DNS.
    pub dkim_selector: Option<String>,
    /// `dkim_domain`: which domain answers for the mails; that of the sender without.
    pub dkim_domain: Option<String>,
    /// `dkim_ed25519`: where a second key stands, for a second signature.
    pub dkim_ed25519: Option<SecretRef>,
    /// `dkim_ed25519_selector`: its name in the DNS.
    pub dkim_ed25519_selector: Option<String>,
    /// `bounces`: the mailbox for mails that cannot be delivered, as `bounces@news.moosbett.example`; its server must take
    /// `bounces+ANYTHING@..` as well.
    pub bounces: Option<String>,
    /// `from`: the sender of mail, as `Moosbett <hello@moosbett.example>`, where no `policy` names one.
    pub from: Option<String>,
}

/// A mail server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Smtp {
    /// How the connection is protected.
    pub scheme: SmtpScheme,
    /// Its host name or address.
    pub host: String,
    /// Its port; the usual one of the scheme if the setting names none.
    pub port: Option<u16>,
    /// Where the setting stands.
    #[serde(skip)]
    pub at: Option<Span>,
}

impl Smtp {
    /// Whether it is this machine itself.
    pub fn is_local(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
    }
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SmtpScheme {
    /// `smtp://`: encrypted by STARTTLS, and plain text only to this machine itself.
    Smtp,
    /// `smtp+starttls://`: encrypted by STARTTLS, whatever the machine.
    StartTls,
    /// `smtps://`: encrypted from the first byte.
    Smtps,
}

impl SmtpScheme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Smtp, Self::StartTls, Self::Smtps];

    /// What an address begins with: `smtp`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::StartTls => "smtp+starttls",
            Self::Smtps => "smtps",
        }
    }
}

impl std::fmt::Display for Smtp {
    /// The address: `smtp://127.0.0.1:2525`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (scheme, host) = (self.scheme.name(), &self.host);
        if host.contains(':') { write!(f, "{scheme}://[{host}]") } else { write!(f, "{scheme}://{host}") }?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// `[track]`
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TrackConfig {
    /// `base_url`: the address under which contacts reach this server, as `https://t.example.com`, without a `/` at its
    /// end. Without it, opens and clicks are not tracked.
    pub base_url: Option<String>,
    /// `secret`: where the key stands that signs links. Without it, a key is made and kept in the database.
    pub secret: Option<SecretRef>,
}

/// `[consent]`
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ConsentConfig {
    /// `opt_in`: the channels on which marketing needs consent beforehand, as `["sms", "push"]`. On the others it may be
    /// sent until the contact objects.
    pub opt_in: Vec<Channel>,
}

/// Where a secret stands. The secret itself never stands in a project.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretRef {
    /// `env:NAME`: in an environment variable.
    Env(String),
    /// `file:PATH`: in a file, relative to the project; its first line counts.
    File(String),
}

/// `[call]`
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CallConfig {
    /// `allow_private`: whether calls may go to this machine and to private networks; no by default.
    pub allow_private: bool,
    /// `[call.crm.update]`: the systems that journeys may call, by name.
    pub services: BTreeMap<SmolStr, ServiceConfig>,
}

/// `[notify]`
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct NotifyConfig {
    /// `owner = "sales@moosbett.example"`: who is meant by a name; for an attribute's name, where the contact has none.
    pub people: BTreeMap<SmolStr, String>,
    /// `[notify.slack]` and `[notify.teams]`: where the address of a place's incoming webhook stands, by kind and place.
    pub places: BTreeMap<(SmolStr, SmolStr), SecretRef>,
}

/// `[call.crm.update]`
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ServiceConfig {
    /// `url`, required: where it is called.
    pub url: String,
    /// `secret`: where the key stands that signs calls. Without it, they are not signed.
    pub secret: Option<SecretRef>,
    /// `answer`: the fields of its answers; without it, what it answers is not read.
    pub answer: Vec<Field>,
}

/// `[database]`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DatabaseConfig {
    /// `url`: where contacts and runs are kept, as `sqlite:journey.db` (a path relative to the project), the default; or
    /// as `postgres://user@host/name`, with the password elsewhere.
    pub url: String,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: "sqlite:journey.db".to_owned() }
    }
}

/// `[server]`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ServerConfig {
    /// `listen`: address and port that `journey serve` listens on; `127.0.0.1:8080` by default.
    pub listen: SocketAddr,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)) }
    }
}
