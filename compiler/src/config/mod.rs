//! The settings of a project: `journey.toml`.

mod read;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

pub use read::read;

/// The settings. Every key that may be left out has its default here; the file has no others.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Config {
    /// `[project]`
    pub project: ProjectConfig,
    /// `[email]`
    pub email: EmailConfig,
    /// `[track]`
    pub track: TrackConfig,
    /// `[database]`
    pub database: DatabaseConfig,
    /// `[server]`
    pub server: ServerConfig,
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
    /// `from`: the sender of mail, as `Moosbett <hello@moosbett.example>`, where no `policy` names one.
    pub from: Option<String>,
}

/// A mail server.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Smtp {
    /// Its host name or address.
    pub host: String,
    /// Its port; 25 if the setting names none.
    pub port: u16,
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

/// Where a secret stands. The secret itself never stands in a project.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretRef {
    /// `env:NAME`: in an environment variable.
    Env(String),
    /// `file:PATH`: in a file, relative to the project; its first line counts.
    File(String),
}

/// `[database]`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DatabaseConfig {
    /// `url`: where contacts and runs are kept, as `sqlite:journey.db` (a path relative to the project), the default.
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
