//! Calls of other systems: a POST of JSON, signed as standard-webhooks are, with an answer that is read by its type.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderValue, header};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use journey_bytecode::Field;
use smol_str::SmolStr;

use super::http::{HttpAnswer, HttpClient};
use super::{Secret, Settle, Transport, Verdict, signing};
use crate::clock::Clock;
use crate::ingest;
use crate::render::{Content, Rendered};
use crate::time::Zone;
use crate::track::BoxFuture;

/// How long one attempt may take.
const ATTEMPT_PATIENCE: Duration = Duration::from_secs(30);

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
        let mut headers = signing::headers(&call.id, service.secret.as_ref(), now.0.div_euclid(1000), &call.body);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let answer =
            self.client.post(&service.url, headers, call.body.clone().into_bytes(), left.min(ATTEMPT_PATIENCE));
        match answer.await {
            Ok(answer) => judge(&answer, &call.answer),
            Err(error) => error.into(),
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

/// What an answer means.
fn judge(answer: &HttpAnswer, fields: &[Field]) -> Verdict {
    if !answer.status.is_success() {
        return answer.refusal();
    }
    match ingest::answer(fields, &answer.body, Zone::UTC) {
        Ok(answer) => Verdict::Answered { answer },
        Err(cause) => Verdict::Failed { cause: format!("its answer does not fit: {cause}") },
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use axum::http::{HeaderMap, StatusCode};
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
}
