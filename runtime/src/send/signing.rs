//! Signatures of requests, as https://www.standardwebhooks.com describes them.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Secret;

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
}
