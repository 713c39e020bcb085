//! Calls of other systems: a POST of JSON, signed as standard-webhooks are, with an answer that is read by its type.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hmac::{Hmac, KeyInit, Mac};
use journey_bytecode::Field;
use sha2::Sha256;
use smol_str::SmolStr;

use super::http::{HttpAnswer, HttpClient, HttpError};
use super::{Secret, Settle, Transport, Verdict};
use crate::clock::Clock;
use crate::ingest;
use crate::render::{CallBody, Content, Rendered};
use crate::time::Zone;
use crate::track::BoxFuture;

/// How long one attempt may take.
const ATTEMPT_PATIENCE: Duration = Duration::from_secs(30);

/// How much of a refusal is told, in characters.
const SHOWN: usize = 120;

/// A system that can be called.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its address.
    pub url: String,
    /// The key that signs calls of it.
    pub secret: Option<Secret>,
}

/// Calls systems over HTTP.
pub struct CallTransport {
    client: HttpClient,
    services: BTreeMap<SmolStr, Service>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for CallTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallTransport").field("services", &self.services.keys()).finish_non_exhaustive()
    }
}

impl CallTransport {
    /// A transport to these systems. The clock stamps each attempt.
    pub const fn new(client: HttpClient, services: BTreeMap<SmolStr, Service>, clock: Arc<dyn Clock>) -> Self {
        Self { client, services, clock }
    }

    async fn call(&self, rendered: &Rendered) -> Verdict {
        let Content::Call(call) = &rendered.content else {
            return Verdict::Failed { cause: "only calls go this way".to_owned() };
        };
        let Some(service) = self.services.get(&rendered.message) else {
            let cause = format!("the settings do not describe `{}` any more", rendered.message);
            return Verdict::Failed { cause };
        };
        let now = self.clock.now();
        let left = Duration::from_millis(u64::try_from(call.until.0.saturating_sub(now.0)).unwrap_or(0));
        if left.is_zero() {
            return Verdict::Failed { cause: "no answer came in time".to_owned() };
        }
        let headers = signed(call, service.secret.as_ref(), now.0.div_euclid(1000));
        let answer =
            self.client.post(&service.url, headers, call.body.clone().into_bytes(), left.min(ATTEMPT_PATIENCE));
        match answer.await {
            Ok(answer) => judge(&answer, &call.answer),
            Err(HttpError::Refused(cause)) => Verdict::Failed { cause },
            Err(HttpError::Broken(cause)) => Verdict::Retry { after: None, cause },
        }
    }
}

impl Transport for CallTransport {
    fn deliver_each<'a>(&'a self, batch: &'a [Rendered], settle: &'a dyn Settle) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let calls =
                batch.iter().enumerate().map(|(place, rendered)| async move { (place, self.call(rendered).await) });
            let mut calls: FuturesUnordered<_> = calls.collect();
            while let Some((place, verdict)) = calls.next().await {
                settle.settle(place, verdict).await;
            }
        })
    }
}

/// The headers of a call: the same id on every attempt, so that the receiver can tell a second one.
fn signed(call: &CallBody, secret: Option<&Secret>, seconds: i64) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(header::CONTENT_TYPE, "application/json");
    put(header::ACCEPT, "application/json");
    put(HeaderName::from_static("webhook-id"), &call.id);
    put(HeaderName::from_static("webhook-timestamp"), &seconds.to_string());
    if let Some(signature) = secret.and_then(|secret| signature(secret, &call.id, seconds, &call.body)) {
        put(HeaderName::from_static("webhook-signature"), &signature);
    }
    headers
}

/// `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64. A key that begins with `whsec_` is base64 itself.
fn signature(secret: &Secret, id: &str, seconds: i64, body: &str) -> Option<String> {
    let encoded = secret.reveal().strip_prefix("whsec_").and_then(|key| BASE64_STANDARD.decode(key).ok());
    let key = encoded.unwrap_or_else(|| secret.reveal().as_bytes().to_vec());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

/// What an answer means.
fn judge(answer: &HttpAnswer, fields: &[Field]) -> Verdict {
    let status = answer.status;
    let said = || {
        let text = String::from_utf8_lossy(&answer.body);
        let text: String = text.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
        if text.is_empty() { format!("it answered {status}") } else { format!("it answered {status}: {text}") }
    };
    if status.is_success() {
        return match ingest::answer(fields, &answer.body, Zone::UTC) {
            Ok(answer) => Verdict::Answered { answer },
            Err(cause) => Verdict::Failed { cause: format!("its answer does not fit: {cause}") },
        };
    }
    let again = status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS);
    if again {
        let after = answer.headers.get(header::RETRY_AFTER).and_then(|after| after.to_str().ok()?.trim().parse().ok());
        return Verdict::Retry { after: after.map(Duration::from_secs), cause: said() };
    }
    Verdict::Failed { cause: said() }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use journey_bytecode::{Type, Value};

    use super::*;

    fn answered(status: u16, body: &str, headers: HeaderMap) -> Verdict {
        let fields = [
            Field { name: "status".into(), ty: Type::Enum(["open".into(), "graded".into()].into()), optional: false },
            Field { name: "id".into(), ty: Type::Text, optional: true },
        ];
        let status = StatusCode::from_u16(status).unwrap();
        judge(&HttpAnswer { status, headers, body: Bytes::from(body.to_owned()) }, &fields)
    }

    #[test]
    fn answers_are_read_by_their_type() {
        let record = |fields: &[(&str, &str)]| {
            Value::Record(fields.iter().map(|(name, value)| ((*name).into(), Value::text(*value))).collect())
        };
        let plain = |status, body| answered(status, body, HeaderMap::new());
        assert_eq!(
            plain(200, r#"{"status": "open", "more": [1]}"#),
            Verdict::Answered { answer: record(&[("status", "open")]) }
        );
        let both = record(&[("status", "graded"), ("id", "7")]);
        assert_eq!(plain(201, r#"{"id": "7", "status": "graded"}"#), Verdict::Answered { answer: both });
        for (status, body, part) in [
            (200, r#"{"status": "closed"}"#, "status"),
            (200, r#"{"id": "7"}"#, "status"),
            (200, r#"{"status": 7}"#, "status"),
            (200, "[]", "object"),
            (204, "", "object"),
            (200, "<html>", "JSON"),
            (302, "", "302"),
            (400, "no such\r\ncontact", "no suchcontact"),
            (404, "", "404"),
        ] {
            let verdict = plain(status, body);
            assert!(
                matches!(&verdict, Verdict::Failed { cause } if cause.contains(part)),
                "{status} {body}: {verdict:?}"
            );
        }
        for status in [408, 429, 500, 503] {
            assert!(matches!(plain(status, ""), Verdict::Retry { after: None, .. }), "{status}");
        }
        let later = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static("120"))]);
        assert!(
            matches!(answered(503, "", later), Verdict::Retry { after: Some(after), .. } if after.as_secs() == 120)
        );
    }

    /// The example of the specification, https://github.com/standard-webhooks/standard-webhooks.
    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let secret = Secret::file(&path).unwrap();
        let body = r#"{"test": 2432232314}"#;
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }
}
