//! Signatures of providers.

use axum::http::{HeaderMap, HeaderName};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::send::Secret;

const TWILIO: HeaderName = HeaderName::from_static("x-twilio-signature");

/// Whether two texts are the same, in a time that does not tell where they differ.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// Whether Twilio signed it: HMAC-SHA1 of the address and the sorted fields, in base64, as
/// https://www.twilio.com/docs/usage/security says.
pub(super) fn twilio(
    headers: &HeaderMap,
    secret: &Secret,
    url: &str,
    query: Option<&str>,
    form: &[(String, String)],
) -> bool {
    let Some(given) = headers.get(TWILIO) else { return false };
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(secret.reveal().as_bytes()) else { return false };
    mac.update(url.as_bytes());
    if let Some(query) = query {
        mac.update(b"?");
        mac.update(query.as_bytes());
    }
    let mut sorted: Vec<_> = form.iter().collect();
    sorted.sort();
    sorted.dedup();
    for (key, value) in sorted {
        mac.update(key.as_bytes());
        mac.update(value.as_bytes());
    }
    same(BASE64_STANDARD.encode(mac.finalize().into_bytes()).as_bytes(), given.as_bytes())
}

/// Whether a header holds the HMAC-SHA256 of the body: in hexadecimal digits or in base64, with `sha256=` before it or not.
pub(super) fn hmac(headers: &HeaderMap, header: &HeaderName, secret: &Secret, body: &[u8]) -> bool {
    let Some(given) = headers.get(header).and_then(|value| value.to_str().ok()) else { return false };
    let given = given.trim();
    let given = given.strip_prefix("sha256=").unwrap_or(given);
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes()) else { return false };
    mac.update(body);
    let ours = mac.finalize().into_bytes();
    let hex: String = ours.iter().map(|byte| format!("{byte:02x}")).collect();
    same(hex.as_bytes(), given.to_ascii_lowercase().as_bytes())
        || same(BASE64_STANDARD.encode(ours).as_bytes(), given.as_bytes())
}
