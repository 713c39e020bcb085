//! How to reach a mail server.

use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::extension::ClientId;

use super::CONNECTIONS;
use super::wire::Security;
use crate::send::{Dkim, Secret};

/// How long we wait for an answer, unless the settings say otherwise.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A mail server, and how to speak to it.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    server: String,
    host: String,
    port: u16,
    security: Security,
    hello: Option<String>,
    login: Option<(String, Secret)>,
    certificates: Option<Vec<u8>>,
    dkim: Option<Arc<Dkim>>,
    connections: usize,
    timeout: Duration,
}

/// Why settings cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SmtpError {
    /// The address is not one of a mail server.
    #[error(
        "`{0}` is not the address of a mail server; write `smtps://HOST:465`, `smtp://HOST:587`, or `smtp+starttls://HOST:PORT`"
    )]
    Address(String),
    /// The address holds a user or a password.
    #[error(
        "the mail server's address holds a login; name the user beside it, and the password by reference, as `env:SMTP_PASSWORD`"
    )]
    Login,
    /// The name for EHLO is not a domain.
    #[error("`{0}` is not a domain to greet a mail server with")]
    Hello(String),
    /// The certificates of the PEM file cannot be used.
    #[error("{0}")]
    Certificates(String),
}

impl SmtpSettings {
    /// Reads an address. `smtps://` is encrypted from the first byte (port 465); `smtp://` must become so by STARTTLS (587),
    /// but for a server on this machine, which gets plain text (25); `smtp+starttls://` asks for STARTTLS from that, too.
    pub fn parse(address: &str) -> Result<Self, SmtpError> {
        let wrong = || SmtpError::Address(address.to_owned());
        if address.contains('@') {
            return Err(SmtpError::Login);
        }
        let (scheme, rest) = address.split_once("://").ok_or_else(wrong)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':').or(port.is_empty().then_some(""))),
            None => rest.split_once(':').map_or((rest, Some("")), |(host, port)| (host, Some(port))),
        };
        let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let (security, usual) = match scheme {
            "smtp" => (Security::StartTlsOffHost, if loopback { 25 } else { 587 }),
            "smtp+starttls" => (Security::StartTls, 587),
            "smtps" => (Security::Tls, 465),
            _ => return Err(wrong()),
        };
        let port = match port.ok_or_else(wrong)? {
            "" => usual,
            port => port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?,
        };
        if host.is_empty() || !host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'_'))
        {
            return Err(wrong());
        }
        Ok(Self {
            server: address.to_owned(),
            host: host.to_owned(),
            port,
            security,
            hello: None,
            login: None,
            certificates: None,
            dkim: None,
            connections: CONNECTIONS,
            timeout: TIMEOUT,
        })
    }

    /// Logs in.
    #[must_use]
    pub fn with_login(self, user: impl Into<String>, password: Secret) -> Self {
        Self { login: Some((user.into(), password)), ..self }
    }

    /// Greets the server with a domain; without, with an address literal.
    pub fn with_hello(self, domain: &str) -> Result<Self, SmtpError> {
        let plain = !domain.is_empty() && domain.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
        if !plain {
            return Err(SmtpError::Hello(domain.to_owned()));
        }
        Ok(Self { hello: Some(domain.to_owned()), ..self })
    }

    /// Trusts the certificates of a PEM file beside the public ones.
    #[must_use]
    pub fn with_certificates(self, pem: Vec<u8>) -> Self {
        Self { certificates: Some(pem), ..self }
    }

    /// Signs every mail.
    #[must_use]
    pub fn with_dkim(self, dkim: Dkim) -> Self {
        Self { dkim: Some(Arc::new(dkim)), ..self }
    }

    /// Opens at most so many connections, and at least one.
    #[must_use]
    pub fn with_connections(self, connections: usize) -> Self {
        Self { connections: connections.max(1), ..self }
    }

    /// Waits so long for an answer.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub(super) fn server(&self) -> &str {
        &self.server
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    pub(super) const fn security(&self) -> Security {
        self.security
    }

    pub(super) fn hello(&self) -> ClientId {
        self.hello.clone().map(ClientId::Domain).unwrap_or_default()
    }

    pub(super) fn login(&self) -> Option<(&str, &Secret)> {
        self.login.as_ref().map(|(user, password)| (user.as_str(), password))
    }

    pub(super) fn certificates(&self) -> Option<&[u8]> {
        self.certificates.as_deref()
    }

    pub(super) fn dkim(&self) -> Option<&Dkim> {
        self.dkim.as_deref()
    }

    pub(super) const fn connections(&self) -> usize {
        self.connections
    }

    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let read = |address| {
            let settings = SmtpSettings::parse(address)?;
            Ok((settings.host, settings.port, settings.security))
        };
        let ok = |host: &str, port, security| Ok((host.to_owned(), port, security));
        assert_eq!(read("smtp://127.0.0.1:2525"), ok("127.0.0.1", 2525, Security::StartTlsOffHost));
        assert_eq!(read("smtp://localhost"), ok("localhost", 25, Security::StartTlsOffHost));
        assert_eq!(read("smtp://mail.example/"), ok("mail.example", 587, Security::StartTlsOffHost));
        assert_eq!(read("smtps://mail.example"), ok("mail.example", 465, Security::Tls));
        assert_eq!(read("smtp+starttls://[::1]:26"), ok("::1", 26, Security::StartTls));
        assert_eq!(read("smtp://[::1]"), ok("::1", 25, Security::StartTlsOffHost));
        assert_eq!(read("smtp://u:p@mail.example"), Err(SmtpError::Login));
        for bad in [
            "",
            "mail.example",
            "http://mail.example",
            "smtp://",
            "smtp://x:y",
            "smtp://x:0",
            "smtp://x:99999",
            "smtp://[::1",
            "smtp://[::1]x",
            "smtp://a b",
            "smtp://x/y",
        ] {
            assert_eq!(read(bad), Err(SmtpError::Address(bad.to_owned())), "{bad}");
        }
        assert!(SmtpSettings::parse("smtp://x").unwrap().with_hello("a b").is_err());
    }

    #[test]
    fn plain_text_stays_on_this_machine() {
        let to = |security: Security, ip: &str| security.starts_tls(format!("{ip}:25").parse().unwrap());
        for here in ["127.0.0.1", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]"] {
            assert!(!to(Security::StartTlsOffHost, here), "{here}");
            assert!(to(Security::StartTls, here), "{here}");
        }
        for elsewhere in ["10.0.0.1", "192.0.2.1", "[2001:db8::1]", "[::ffff:192.0.2.1]", "0.0.0.0"] {
            assert!(to(Security::StartTlsOffHost, elsewhere), "{elsewhere}");
        }
    }
}
