//! Push messages to browsers (RFC 8030), encrypted for each (RFC 8291), signed by the sender (VAPID, RFC 8292).

use std::fmt;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};
use web_push_native::p256::ecdsa::signature::Signer;
use web_push_native::p256::ecdsa::{Signature, SigningKey};
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint;
use web_push_native::p256::{PublicKey, SecretKey};
use web_push_native::{Auth, encrypt};

use super::super::http::HttpAnswer;
use super::super::{Secret, Verdict};
use super::{Provider, ProviderRequest, fcm};
use crate::clock::Clock;
use crate::render::Rendered;
use crate::track::BoxFuture;

/// How long a push service keeps a message for a browser that is off, in seconds: four weeks, the most that all take.
const KEPT: u32 = 28 * 24 * 3_600;

/// How long a signature is valid, in seconds; RFC 8292 allows a day.
const VALID: i64 = 12 * 3_600;

/// The most that all push services take, in bytes: RFC 8030, section 7.2, less what encryption adds.
const MAX_BODY: usize = 3_993;

/// What a browser gives to whoever may send: `JSON.stringify(subscription)`.
#[derive(Deserialize)]
struct Subscription {
    endpoint: String,
    keys: SubscriptionKeys,
}

#[derive(Deserialize)]
struct SubscriptionKeys {
    p256dh: String,
    auth: String,
}

/// Why a sender of push messages cannot be set up.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WebPushError {
    /// The key cannot be used.
    #[error(
        "the key for web push is not a private VAPID key: 32 bytes in base64url, as `web-push generate-vapid-keys` prints it"
    )]
    Key,
}

/// The push services of all browsers.
pub struct WebPush {
    key: SigningKey,
    public: String,
    contact: String,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for WebPush {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebPush").field("public", &self.public).finish_non_exhaustive()
    }
}

impl WebPush {
    /// A sender with this private key. `contact`, as `mailto:push@moosbett.example`, is whom a push service asks if something
    /// goes wrong.
    pub fn new(key: &Secret, contact: &str, clock: Arc<dyn Clock>) -> Result<Self, WebPushError> {
        let bytes = decode(key.reveal().trim()).ok_or(WebPushError::Key)?;
        let secret = SecretKey::from_slice(&bytes).map_err(|_| WebPushError::Key)?;
        let public = URL_SAFE_NO_PAD.encode(secret.public_key().to_encoded_point(false));
        Ok(Self { key: SigningKey::from(secret), public, contact: contact.to_owned(), clock })
    }

    /// The public half of the key: a page needs it to ask for a subscription.
    pub fn public_key(&self) -> &str {
        &self.public
    }

    /// `vapid t=.., k=..` for the push service of an address.
    fn authorization(&self, endpoint: &Uri) -> String {
        let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let authority = endpoint.authority().map(ToString::to_string).unwrap_or_default();
        let audience = format!("{}://{authority}", endpoint.scheme_str().unwrap_or("https"));
        let until = self.clock.now().0.div_euclid(1_000).saturating_add(VALID);
        let head = encode(json!({ "typ": "JWT", "alg": "ES256" }));
        let claims = encode(json!({ "aud": audience, "exp": until, "sub": self.contact }));
        let signature: Signature = self.key.sign(format!("{head}.{claims}").as_bytes());
        format!("vapid t={head}.{claims}.{}, k={}", URL_SAFE_NO_PAD.encode(signature.to_bytes()), self.public)
    }

    fn prepare(&self, rendered: &Rendered) -> Result<ProviderRequest, String> {
        let unusable = |why: &str| super::dead_address(StatusCode::BAD_REQUEST, why);
        let subscription: Subscription =
            serde_json::from_str(&rendered.to).map_err(|_| unusable("it is no subscription of a browser"))?;
        let endpoint: Uri = subscription.endpoint.parse().map_err(|_| unusable("its endpoint is no address"))?;
        let public = decode(&subscription.keys.p256dh).and_then(|bytes| PublicKey::from_sec1_bytes(&bytes).ok());
        let public = public.ok_or_else(|| unusable("its key `p256dh` cannot be read"))?;
        let auth = decode(&subscription.keys.auth).filter(|auth| auth.len() == 16);
        let auth = auth.ok_or_else(|| unusable("its key `auth` cannot be read"))?;
        let content = Value::from(fcm::fields(&rendered.content)?).to_string();
        if content.len() > MAX_BODY {
            return Err(format!("a push message has at most {MAX_BODY} bytes, and this one has {}", content.len()));
        }
        let body =
            encrypt(content.into_bytes(), &public, Auth::from_slice(&auth)).map_err(|error| error.to_string())?;
        let text = |text: String| HeaderValue::try_from(text).map_err(|error| error.to_string());
        let headers = HeaderMap::from_iter([
            (header::AUTHORIZATION, text(self.authorization(&endpoint))?),
            (header::CONTENT_ENCODING, HeaderValue::from_static("aes128gcm")),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
            (HeaderName::from_static("ttl"), HeaderValue::from(KEPT)),
            (HeaderName::from_static("urgency"), HeaderValue::from_static("normal")),
        ]);
        Ok(ProviderRequest { url: subscription.endpoint, headers, body })
    }
}

impl Provider for WebPush {
    fn request<'a>(&'a self, rendered: &'a Rendered) -> BoxFuture<'a, Result<ProviderRequest, Verdict>> {
        Box::pin(std::future::ready(self.prepare(rendered).map_err(|cause| Verdict::Failed { cause })))
    }

    fn judge(&self, answer: &HttpAnswer) -> Verdict {
        match answer.status {
            status if status.is_success() => Verdict::Delivered { response: status.to_string() },
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                Verdict::Failed { cause: super::dead_address(answer.status, "the browser's subscription has ended") }
            }
            _ => answer.refusal(),
        }
    }
}

/// Base64url with or without its padding: browsers differ.
fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}
