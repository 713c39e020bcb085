//! Push messages by Firebase Cloud Messaging, HTTP v1: https://firebase.google.com/docs/cloud-messaging/send/v1-api.

use std::fmt;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::super::http::{HttpAnswer, HttpClient};
use super::super::{Secret, Verdict};
use super::{PATIENCE, Provider, ProviderRequest};
use crate::clock::Clock;
use crate::render::{Content, Rendered};
use crate::track::BoxFuture;

const SEND: &str = "https://fcm.googleapis.com";
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";

/// How long an assertion is valid, in seconds; Google takes no longer one.
const VALID: i64 = 3_600;

/// So long before its end an access token is not used any more, in milliseconds.
const MARGIN: i64 = 60_000;

/// Fields of a push message with a meaning of their own; the others are data of the app.
const KNOWN: [&str; 5] = ["title", "body", "image", "link", "data"];

/// The service account of a Firebase project, as Google hands it out.
#[derive(Deserialize)]
struct Account {
    project_id: String,
    client_email: String,
    private_key: String,
    token_uri: String,
}

/// Why a service account cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FcmError {
    /// It cannot be read.
    #[error("the service account is not the JSON file that Firebase hands out ({0})")]
    Account(String),
    /// Its key cannot be used.
    #[error("the private key of the service account cannot be read")]
    Key,
}

/// Firebase Cloud Messaging, for one project.
pub struct Fcm {
    account: Account,
    key: RsaKeyPair,
    base: String,
    client: HttpClient,
    clock: Arc<dyn Clock>,
    token: Mutex<Option<Token>>,
}

struct Token {
    header: HeaderValue,
    /// When it is no longer used, in milliseconds since 1970.
    until: i64,
}

impl fmt::Debug for Fcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fcm").field("project", &self.account.project_id).finish_non_exhaustive()
    }
}

impl Fcm {
    /// A project by its service account; `base` is another address than Google's.
    pub fn new(
        account: &Secret,
        base: Option<&str>,
        client: HttpClient,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, FcmError> {
        // The error's own words may quote the key.
        let unreadable = |error: serde_json::Error| FcmError::Account(format!("line {}", error.line()));
        let account: Account = serde_json::from_str(account.reveal()).map_err(unreadable)?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(account.private_key.as_bytes()).map_err(|_| FcmError::Key)?;
        let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| FcmError::Key)?;
        let base = base.unwrap_or(SEND).trim_end_matches('/').to_owned();
        Ok(Self { account, key, base, client, clock, token: Mutex::new(None) })
    }

    /// What proves that the account asks: a JWT (RFC 7519), signed with RS256.
    fn assertion(&self, seconds: i64) -> Option<String> {
        let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = encode(json!({ "alg": "RS256", "typ": "JWT" }));
        let claims = encode(json!({
            "iss": self.account.client_email,
            "scope": SCOPE,
            "aud": self.account.token_uri,
            "iat": seconds,
            "exp": seconds.saturating_add(VALID),
        }));
        let signed = format!("{head}.{claims}");
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The header that lets us in; asked for once an hour.
    async fn authorization(&self) -> Result<HeaderValue, Verdict> {
        let mut token = self.token.lock().await;
        let now = self.clock.now().0;
        if let Some(token) = token.as_ref().filter(|token| now < token.until) {
            return Ok(token.header.clone());
        }
        let failed = |cause: &str| Verdict::Failed { cause: cause.to_owned() };
        let assertion = self.assertion(now.div_euclid(1_000)).ok_or_else(|| failed("the key cannot sign"))?;
        let grant = utf8_percent_encode("urn:ietf:params:oauth:grant-type:jwt-bearer", NON_ALPHANUMERIC);
        let body = format!("grant_type={grant}&assertion={assertion}").into_bytes();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, form)]);
        let answer = self.client.post(&self.account.token_uri, headers, body, PATIENCE).await.map_err(Verdict::from)?;
        // Whatever is wrong with the account, the messages are not: they wait until it is mended.
        let later = |cause: String| Verdict::Retry { after: None, cause: format!("Google gives no access: {cause}") };
        if !answer.status.is_success() {
            return Err(later(answer.status.to_string()));
        }
        let said: Value =
            serde_json::from_slice(&answer.body).map_err(|_| later("its answer is no JSON".to_owned()))?;
        let (access, seconds) = (said.get("access_token").and_then(Value::as_str), said.get("expires_in"));
        let header = access.and_then(|access| HeaderValue::try_from(format!("Bearer {access}")).ok());
        let mut header = header.ok_or_else(|| later("its answer has no token".to_owned()))?;
        header.set_sensitive(true);
        let life = seconds.and_then(Value::as_i64).unwrap_or(VALID).saturating_mul(1_000);
        *token = Some(Token { header: header.clone(), until: now.saturating_add(life).saturating_sub(MARGIN) });
        Ok(header)
    }

    async fn prepare(&self, rendered: &Rendered) -> Result<ProviderRequest, Verdict> {
        let body = body(rendered).map_err(|cause| Verdict::Failed { cause })?;
        let json = HeaderValue::from_static("application/json");
        let headers = [(header::CONTENT_TYPE, json), (header::AUTHORIZATION, self.authorization().await?)];
        Ok(ProviderRequest {
            url: format!("{}/v1/projects/{}/messages:send", self.base, self.account.project_id),
            headers: headers.into_iter().collect(),
            body: body.to_string().into_bytes(),
        })
    }
}

impl Provider for Fcm {
    fn request<'a>(&'a self, rendered: &'a Rendered) -> BoxFuture<'a, Result<ProviderRequest, Verdict>> {
        Box::pin(self.prepare(rendered))
    }

    fn judge(&self, answer: &HttpAnswer) -> Verdict {
        let said: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let text = |path: &str| said.as_ref().and_then(|said| said.pointer(path)).and_then(Value::as_str);
        if answer.status.is_success() {
            let name = text("/name").map(|name| format!(": {name}")).unwrap_or_default();
            return Verdict::Delivered { response: format!("{}{name}", answer.status) };
        }
        let code = text("/error/details/0/errorCode").or_else(|| text("/error/status")).unwrap_or_default();
        match (answer.status, code) {
            // The app is gone from the device, or the address is one of another project.
            (StatusCode::NOT_FOUND, _) | (_, "UNREGISTERED" | "SENDER_ID_MISMATCH") => {
                Verdict::Failed { cause: super::dead_address(answer.status, code) }
            }
            (StatusCode::UNAUTHORIZED, _) => {
                // The next attempt asks for a new token.
                if let Ok(mut token) = self.token.try_lock() {
                    *token = None;
                }
                Verdict::Retry { after: None, cause: answer.status.to_string() }
            }
            _ => answer.refusal(),
        }
    }
}

/// The message as Firebase wants it.
fn body(rendered: &Rendered) -> Result<Value, String> {
    let fields = fields(&rendered.content)?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let mut notification = Map::new();
    for name in ["title", "body", "image"] {
        if let Some(text) = text(name) {
            notification.insert(name.to_owned(), text.into());
        }
    }
    // Data is text alone there.
    let data = fields.get("data").and_then(Value::as_object).into_iter().flatten();
    let others = fields.iter().filter(|(key, _)| !KNOWN.contains(&key.as_str()));
    let mut data: Map<String, Value> = data.chain(others).map(|(key, value)| (key.clone(), shown(value))).collect();
    let mut message = json!({ "token": rendered.to.as_str(), "notification": notification });
    if let Some(message) = message.as_object_mut() {
        if let Some(link) = text("link") {
            data.insert("link".to_owned(), link.into());
            message.insert("webpush".to_owned(), json!({ "fcm_options": { "link": link } }));
        }
        if !data.is_empty() {
            message.insert("data".to_owned(), data.into());
        }
    }
    Ok(json!({ "message": message }))
}

fn shown(value: &Value) -> Value {
    match value {
        Value::String(text) => text.as_str().into(),
        other => other.to_string().into(),
    }
}

/// A push message's fields; a plain text is its body.
pub(super) fn fields(content: &Content) -> Result<Map<String, Value>, String> {
    match content {
        Content::Text(text) => Ok(Map::from_iter([("body".to_owned(), text.as_str().into())])),
        Content::Json(text) => match serde_json::from_str(text).map_err(|error| error.to_string())? {
            Value::Object(fields) => Ok(fields),
            _ => Err("a push message is a text, or a JSON object with `title` and `body`".to_owned()),
        },
        _ => Err("this does not go as a push message".to_owned()),
    }
}
