//! Signatures of mails (DKIM, RFC 6376 and 8463), over the bytes as they go on the wire.

use std::fmt;

use mail_auth::common::crypto::{Algorithm, Ed25519Key, HashOutput, RsaKey, Sha256, SigningKey};
use mail_auth::common::headers::{HeaderWriter, Writable, Writer};
use mail_auth::dkim::{DkimSigner, Done};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

use super::{PublicKey, Secret};

/// What is signed. One-click unsubscribing asks for both of its headers (RFC 8058, 4). A header that stands here once more
/// than a mail has it cannot be added on the way.
const HEADERS: [&str; 12] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "From",
    "Subject",
];

/// Room for what is hashed of most mails, in bytes.
const USUAL_MAIL: usize = 8 * 1024;

/// Signs mails in the name of a domain, once with each of its keys.
pub struct Dkim {
    domain: String,
    keys: Vec<(String, PublicKey, Key)>,
}

enum Key {
    Rsa(DkimSigner<AtOnce<RsaKey<Sha256>>, Done>),
    Ed25519(DkimSigner<AtOnce<Ed25519Key>, Done>),
}

/// A key that is given everything at once. mail-auth writes byte for byte, and calling a hash function costs more than a byte.
struct AtOnce<K>(K);

impl<K: SigningKey> SigningKey for AtOnce<K> {
    type Hasher = K::Hasher;

    fn sign(&self, input: impl Writable) -> mail_auth::Result<Vec<u8>> {
        self.0.sign(Gathered::of(input).0.as_slice())
    }

    fn hash(&self, data: impl Writable) -> HashOutput {
        self.0.hash(Gathered::of(data).0.as_slice())
    }

    fn algorithm(&self) -> Algorithm {
        self.0.algorithm()
    }
}

/// Bytes that were written one by one.
struct Gathered(Vec<u8>);

impl Gathered {
    fn of(written: impl Writable) -> Self {
        let mut gathered = Self(Vec::with_capacity(USUAL_MAIL));
        written.write(&mut gathered);
        gathered
    }
}

impl Writer for Gathered {
    fn write(&mut self, bytes: &[u8]) {
        match bytes {
            [byte] => self.0.push(*byte),
            _ => self.0.extend_from_slice(bytes),
        }
    }
}

/// Why a key cannot sign.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DkimError {
    /// It is no key.
    #[error("the DKIM key `{0}` is not a private key in PEM form, as `openssl genpkey` writes it")]
    NotPem(String),
    /// It is not of a kind that receivers accept.
    #[error("the DKIM key `{0}` is neither RSA of 2048 to 4096 bits nor Ed25519")]
    Unfit(String),
    /// The name or the domain cannot stand in a DNS name.
    #[error("`{0}` cannot be part of a DNS name")]
    Name(String),
}

impl Dkim {
    /// For mails of a domain; it signs nothing until it has a key.
    pub fn new(domain: &str) -> Result<Self, DkimError> {
        Ok(Self { domain: dns_name(domain)?, keys: Vec::new() })
    }

    /// Signs with this key too. Its public half stands in the DNS under `SELECTOR._domainkey.DOMAIN`.
    pub fn with_key(mut self, selector: &str, key: &Secret) -> Result<Self, DkimError> {
        let selector = dns_name(selector)?;
        let not_pem = |_| DkimError::NotPem(selector.clone());
        let der = PrivateKeyDer::from_pem_slice(key.reveal().as_bytes()).map_err(not_pem)?;
        let domain = self.domain.clone();
        let pkcs8 = match &der {
            PrivateKeyDer::Pkcs8(der) => Some(der.secret_pkcs8_der().to_vec()),
            _ => None,
        };
        let (public, key) = match (RsaKey::<Sha256>::from_key_der(der), pkcs8) {
            (Ok(key), _) => {
                let public = PublicKey::Rsa(key.public_key());
                (
                    public,
                    Key::Rsa(DkimSigner::from_key(AtOnce(key)).domain(domain).selector(&selector).headers(HEADERS)),
                )
            }
            (Err(_), Some(der)) => {
                let unfit = |_| DkimError::Unfit(selector.clone());
                let key = Ed25519Key::from_pkcs8_maybe_unchecked_der(&der).map_err(unfit)?;
                let public = PublicKey::Ed25519(key.public_key());
                (
                    public,
                    Key::Ed25519(DkimSigner::from_key(AtOnce(key)).domain(domain).selector(&selector).headers(HEADERS)),
                )
            }
            (Err(_), None) => return Err(DkimError::Unfit(selector)),
        };
        self.keys.push((selector, public, key));
        Ok(self)
    }

    /// The signatures of a mail with CRLF line ends, as headers to stand before it.
    pub fn sign(&self, mail: &str) -> Result<String, String> {
        let mut headers = String::new();
        for (_, _, key) in &self.keys {
            let signed = match key {
                Key::Rsa(signer) => signer.sign(mail.as_bytes()),
                Key::Ed25519(signer) => signer.sign(mail.as_bytes()),
            };
            headers.push_str(&signed.map_err(|error| format!("the mail cannot be signed: {error}"))?.to_header());
        }
        Ok(headers)
    }

    /// The selector and the public half of each key.
    pub fn public_keys(&self) -> impl Iterator<Item = (&str, &PublicKey)> {
        self.keys.iter().map(|(selector, public, _)| (selector.as_str(), public))
    }

    /// The domain that answers for the mails.
    pub fn domain(&self) -> &str {
        &self.domain
    }
}

impl fmt::Debug for Dkim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dkim").field("domain", &self.domain).field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

fn dns_name(name: &str) -> Result<String, DkimError> {
    let ascii = idna::domain_to_ascii(name).unwrap_or_default();
    let plain = |label: &str| {
        !label.is_empty()
            && label.len() < 64
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    if ascii.split('.').all(plain) { Ok(ascii) } else { Err(DkimError::Name(name.to_owned())) }
}
