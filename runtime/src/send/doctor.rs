//! What mailbox providers look up before they take a mail: SPF, DKIM, DMARC, and where links lead.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_auth::MessageAuthenticator;
use mail_auth::hickory_resolver::Name;

use super::Dkim;
use crate::track::BoxFuture;

/// The DNS, as far as it is asked.
pub trait Records: Send + Sync {
    /// The TXT records of a name; empty if there are none.
    fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>>;

    /// Whether a host has an address.
    fn has_address<'a>(&'a self, host: &'a str) -> BoxFuture<'a, bool>;
}

/// The DNS of this machine.
pub struct SystemRecords(MessageAuthenticator);

impl SystemRecords {
    /// Reads how this machine asks.
    pub fn new() -> Result<Self, String> {
        MessageAuthenticator::new_system_conf().map(Self).map_err(|error| error.to_string())
    }
}

impl Records for SystemRecords {
    fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>> {
        Box::pin(async move {
            let name = Name::from_str_relaxed(format!("{name}.")).map_err(|error| error.to_string())?;
            let found = match self.0.resolver().txt_lookup(name).await {
                Ok(found) => found,
                Err(error) if error.is_no_records_found() || error.is_nx_domain() => return Ok(Vec::new()),
                Err(error) => return Err(error.to_string()),
            };
            let records = found.as_lookup().record_iter().filter_map(|record| record.data().as_txt());
            Ok(records.map(|txt| txt.txt_data().iter().map(|part| String::from_utf8_lossy(part)).collect()).collect())
        })
    }

    fn has_address<'a>(&'a self, host: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(
            async move { tokio::net::lookup_host((host, 443)).await.is_ok_and(|mut found| found.next().is_some()) },
        )
    }
}

/// Who sends, as a receiver sees it.
#[derive(Debug)]
pub struct Identity<'a> {
    /// The domain of `From`.
    pub from: &'a str,
    /// The domain of the return path.
    pub returns: &'a str,
    /// What signs.
    pub dkim: Option<&'a Dkim>,
    /// The host that links lead to.
    pub links: Option<&'a str>,
}

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Check {
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found.
    pub what: String,
    /// What to do.
    pub help: Option<String>,
}

impl Check {
    /// All is well.
    pub fn good(what: impl Into<String>) -> Self {
        Self { ok: true, what: what.into(), help: None }
    }

    /// Something is to be done.
    pub fn bad(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { ok: false, what: what.into(), help: Some(help.into()) }
    }
}

/// Looks up all that a receiver would.
pub async fn look_up(records: &dyn Records, identity: &Identity<'_>) -> Vec<Check> {
    let mut checks = vec![spf(records, identity.returns).await];
    match identity.dkim {
        Some(dkim) => {
            for (selector, key) in dkim.public_keys() {
                checks.push(key_record(records, dkim.domain(), selector, key).await);
            }
            checks.push(match aligned(dkim.domain(), identity.from) {
                true => Check::good(format!("DKIM: {} answers for {}", dkim.domain(), identity.from)),
                false => Check::bad(
                    format!("DKIM: {} is another domain than the sender's, {}", dkim.domain(), identity.from),
                    "leave out `dkim_domain`, so that the sender's own domain signs: DMARC counts no other",
                ),
            });
        }
        None if aligned(identity.returns, identity.from) => checks.push(Check::bad(
            "DKIM: mails are not signed",
            "write `dkim` and `dkim_selector` below `[email]`, unless the mail server signs; large providers reject bulk mail without",
        )),
        None => checks.push(Check::bad(
            format!("DKIM: mails are not signed, and {} is another domain than the sender's", identity.returns),
            "write `dkim` and `dkim_selector` below `[email]`: without either, DMARC fails",
        )),
    }
    checks.push(dmarc(records, identity.from).await);
    if let Some(host) = identity.links {
        checks.push(match records.has_address(host).await {
            true => Check::good(format!("links: {host} has an address")),
            false => Check::bad(
                format!("links: {host} has no address in the DNS"),
                "point it at the machine that runs `journey serve`; until then nobody can unsubscribe",
            ),
        });
    }
    checks
}

async fn spf(records: &dyn Records, domain: &str) -> Check {
    let found = match records.txt(domain).await {
        Ok(found) => found,
        Err(error) => return Check::bad(format!("SPF: {domain} cannot be looked up: {error}"), "try again later"),
    };
    let spf: Vec<_> = found.iter().filter(|text| text.to_ascii_lowercase().starts_with("v=spf1")).collect();
    match spf.as_slice() {
        [] => Check::bad(
            format!("SPF: {domain} says nothing about who may send for it"),
            format!("publish a TXT record at {domain}, as `v=spf1 include:YOUR-MAIL-PROVIDER -all`"),
        ),
        [one] if one.split_whitespace().any(|term| matches!(term, "+all" | "all")) => {
            Check::bad(format!("SPF: {domain} lets everybody send for it"), "end the record with `-all` or `~all`")
        }
        [_] => Check::good(format!("SPF: {domain} says who may send for it")),
        several => Check::bad(
            format!("SPF: {domain} has {} records, and receivers then count none", several.len()),
            "put them together into one",
        ),
    }
}

async fn key_record(records: &dyn Records, domain: &str, selector: &str, key: &PublicKey) -> Check {
    let name = format!("{selector}._domainkey.{domain}");
    let publish = format!("publish a TXT record at {name}: {}", key.record());
    match records.txt(&name).await {
        Err(error) => Check::bad(format!("DKIM: {name} cannot be looked up: {error}"), "try again later"),
        Ok(found) if found.is_empty() => Check::bad(format!("DKIM: there is no key at {name}"), publish),
        Ok(found) => {
            let tag = |record: &str| {
                let tags = record.split(';').filter_map(|tag| tag.split_once('='));
                let public = tags.into_iter().find(|(name, _)| name.trim() == "p").map(|(_, value)| value.to_owned());
                public.map(|public| public.split_whitespace().collect::<String>())
            };
            let own = STANDARD.encode(key.published());
            match found.iter().filter_map(|record| tag(record)).any(|public| public == own) {
                true => Check::good(format!("DKIM: the key at {name} is ours")),
                false => Check::bad(format!("DKIM: the key at {name} is another one; signatures would fail"), publish),
            }
        }
    }
}

async fn dmarc(records: &dyn Records, domain: &str) -> Check {
    // A domain without a policy has that of its parent.
    let mut at = domain;
    while at.contains('.') {
        let found = records.txt(&format!("_dmarc.{at}")).await.unwrap_or_default();
        if let Some(policy) = found.iter().find(|text| text.starts_with("v=DMARC1")) {
            let says = policy.split(';').map(str::trim).find(|tag| tag.starts_with("p=")).unwrap_or("p=?");
            return Check::good(format!("DMARC: {at} says {says}"));
        }
        at = at.split_once('.').map_or("", |(_, parent)| parent);
    }
    Check::bad(
        format!("DMARC: {domain} has no policy"),
        format!(
            "publish a TXT record at _dmarc.{domain}: v=DMARC1; p=none; rua=mailto:YOU@{domain} (large providers ask for one)"
        ),
    )
}

/// Whether two domains belong together, as DMARC's relaxed rule has it; roughly, without the list of public suffixes.
fn aligned(a: &str, b: &str) -> bool {
    a == b || a.ends_with(&format!(".{b}")) || b.ends_with(&format!(".{a}"))
}

/// The public half of a signing key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PublicKey {
    /// As PKCS #1 has it.
    Rsa(Vec<u8>),
    /// Its 32 bytes.
    Ed25519(Vec<u8>),
}

impl PublicKey {
    /// What the DNS shows of it.
    fn published(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.clone(),
            Self::Rsa(key) => {
                // SubjectPublicKeyInfo: the algorithm (rsaEncryption, no parameters) and the key as a bit string.
                let algorithm =
                    [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
                let bits = [&[0][..], key].concat();
                der(0x30, &[&algorithm[..], &der(0x03, &bits)].concat())
            }
        }
    }

    /// The text of its TXT record.
    pub fn record(&self) -> String {
        let kind = if matches!(self, Self::Rsa(_)) { "rsa" } else { "ed25519" };
        format!("v=DKIM1; k={kind}; p={}", STANDARD.encode(self.published()))
    }
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..=0x7f => out.push(length as u8),
        0x80..=0xff => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::send::Secret;

    #[derive(Default)]
    struct Zone(BTreeMap<String, Vec<String>>);

    impl Records for Zone {
        fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, String>> {
            Box::pin(async move { Ok(self.0.get(name).cloned().unwrap_or_default()) })
        }

        fn has_address<'a>(&'a self, host: &'a str) -> BoxFuture<'a, bool> {
            Box::pin(async move { host == "t.moosbett.example" })
        }
    }

    fn dkim(domain: &str) -> Dkim {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        std::fs::write(&path, key.serialize_pem()).unwrap();
        Dkim::new(domain).unwrap().with_key("j1", &Secret::document(&path).unwrap()).unwrap()
    }

    async fn bad(zone: &Zone, identity: &Identity<'_>) -> Vec<String> {
        look_up(zone, identity).await.into_iter().filter(|check| !check.ok).map(|check| check.what).collect()
    }

    #[tokio::test]
    async fn what_receivers_look_up() {
        let dkim = dkim("moosbett.example");
        let record = dkim.public_keys().next().unwrap().1.record();
        let mut zone = Zone::default();
        let identity = Identity {
            from: "news.moosbett.example",
            returns: "moosbett.example",
            dkim: Some(&dkim),
            links: Some("t.moosbett.example"),
        };
        assert_eq!(
            bad(&zone, &identity).await,
            [
                "SPF: moosbett.example says nothing about who may send for it",
                "DKIM: there is no key at j1._domainkey.moosbett.example",
                "DMARC: news.moosbett.example has no policy",
            ]
        );
        zone.0.insert("moosbett.example".into(), vec!["x".into(), "v=spf1 mx -all".into()]);
        zone.0.insert("j1._domainkey.moosbett.example".into(), vec![record]);
        zone.0.insert("_dmarc.moosbett.example".into(), vec!["v=DMARC1; p=none".into()]);
        assert_eq!(bad(&zone, &identity).await, Vec::<String>::new());
        zone.0.insert("moosbett.example".into(), vec!["v=spf1 +all".into()]);
        zone.0.insert("j1._domainkey.moosbett.example".into(), vec!["v=DKIM1; k=ed25519; p=AAAA".into()]);
        let identity = Identity { links: Some("gone.example"), from: "other.example", ..identity };
        assert_eq!(
            bad(&zone, &identity).await,
            [
                "SPF: moosbett.example lets everybody send for it",
                "DKIM: the key at j1._domainkey.moosbett.example is another one; signatures would fail",
                "DKIM: moosbett.example is another domain than the sender's, other.example",
                "DMARC: other.example has no policy",
                "links: gone.example has no address in the DNS",
            ]
        );
    }
}
