//! Signatures of requests, as https://www.standardwebhooks.com describes them: on what goes out, and on what comes in.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::Secret;

/// How far the clocks of two systems may be apart, in seconds.
const SKEW: u64 = 300;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// The headers of a request with a JSON body: the same id on every attempt, so that the receiver can tell a second one.
pub(super) fn headers(id: &str, secret: Option<&Secret>, seconds: i64, body: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(header::CONTENT_TYPE, "application/json");
    put(ID, id);
    put(TIMESTAMP, &seconds.to_string());
    if let Some(signature) = secret.and_then(|secret| signature(secret, id, seconds, body.as_bytes())) {
        put(SIGNATURE, &signature);
    }
    headers
}

/// Whether somebody who has the secret made the request, about `now` (in seconds).
pub(crate) fn is_signed(headers: &HeaderMap, secret: &Secret, now: i64, body: &[u8]) -> bool {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    let (Some(id), Some(given)) = (text(ID), text(SIGNATURE)) else { return false };
    let seconds = text(TIMESTAMP).and_then(|seconds| seconds.parse::<i64>().ok());
    let Some(seconds) = seconds.filter(|seconds| seconds.abs_diff(now) <= SKEW) else { return false };
    let Some(ours) = signature(secret, id, seconds, body) else { return false };
    // While a key is changed, a sender signs with both.
    given.split(' ').fold(false, |found, given| found | bool::from(given.as_bytes().ct_eq(ours.as_bytes())))
}

/// `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64. A key that begins with `whsec_` is base64 itself.
fn signature(secret: &Secret, id: &str, seconds: i64, body: &[u8]) -> Option<String> {
    let encoded = secret.reveal().strip_prefix("whsec_").and_then(|key| BASE64_STANDARD.decode(key).ok());
    let key = encoded.unwrap_or_else(|| secret.reveal().as_bytes().to_vec());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, text).unwrap();
        Secret::file(&path).unwrap()
    }

    const BODY: &str = r#"{"test": 2432232314}"#;
    const WHEN: i64 = 1_614_265_330;

    /// The example of the specification, https://github.com/standard-webhooks/standard-webhooks.
    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        let secret = secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n");
        let signed = headers("msg_p5jXN8AQM9LWM0D4loKWxJek", Some(&secret), WHEN, BODY);
        assert_eq!(signed[SIGNATURE], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn only_what_was_signed_about_now_is_verified() {
        let key = secret("a key of a provider");
        let good = headers("7", Some(&key), WHEN, BODY);
        assert!(is_signed(&good, &key, WHEN + 299, BODY.as_bytes()));
        assert!(!is_signed(&good, &key, WHEN + 301, BODY.as_bytes()), "too old");
        assert!(!is_signed(&good, &key, WHEN - 301, BODY.as_bytes()), "from the future");
        assert!(!is_signed(&good, &key, WHEN, b"{}"), "another body");
        assert!(!is_signed(&good, &secret("another key"), WHEN, BODY.as_bytes()));
        for name in [ID, TIMESTAMP, SIGNATURE] {
            let mut less = good.clone();
            less.remove(&name);
            assert!(!is_signed(&less, &key, WHEN, BODY.as_bytes()), "without {name}");
            let mut other = good.clone();
            other.insert(&name, HeaderValue::from_static("1614265331"));
            assert!(!is_signed(&other, &key, WHEN, BODY.as_bytes()), "another {name}");
        }
        let mut both = good.clone();
        let two = format!("v1,AAAA {}", good[SIGNATURE].to_str().unwrap());
        both.insert(SIGNATURE, HeaderValue::try_from(two).unwrap());
        assert!(is_signed(&both, &key, WHEN, BODY.as_bytes()), "one of two keys");
    }
}
