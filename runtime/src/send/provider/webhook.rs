//! Messages as signed webhooks.

use std::fmt;
use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::super::{Secret, Verdict, signing};
use super::{Provider, ProviderRequest};
use crate::clock::Clock;
use crate::render::{Content, Rendered};
use crate::time::rfc3339;
use crate::track::BoxFuture;

/// A system that takes messages as JSON, signed as https://www.standardwebhooks.com says.
pub struct Webhook {
    /// Its address.
    url: String,
    /// The key that signs.
    secret: Option<Secret>,
    /// Stamps each attempt.
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Webhook {
    /// A system at this address.
    pub fn new(url: impl Into<String>, secret: Option<Secret>, clock: Arc<dyn Clock>) -> Self {
        Self { url: url.into(), secret, clock }
    }

    fn prepare(&self, rendered: &Rendered) -> Result<ProviderRequest, String> {
        let id = id_of(rendered);
        let (key, value): (_, Value) = match &rendered.content {
            Content::Text(text) => ("text", text.as_str().into()),
            Content::Json(json) => ("body", serde_json::from_str(json).map_err(|error| error.to_string())?),
            _ => return Err("this does not go as a webhook".to_owned()),
        };
        let mut body = json!({
            "type": rendered.channel.name(),
            "timestamp": rfc3339(rendered.at),
            "id": id,
            "message": rendered.message.as_str(),
        });
        if let Some(fields) = body.as_object_mut() {
            if !rendered.to.is_empty() {
                fields.insert("to".to_owned(), rendered.to.as_str().into());
            }
            if let Some(from) = &rendered.from {
                fields.insert("from".to_owned(), from.as_str().into());
            }
            fields.insert(key.to_owned(), value);
            if let Some(callback) = &rendered.callback {
                fields.insert("callback".to_owned(), callback.as_str().into());
            }
        }
        let body = body.to_string();
        let seconds = self.clock.now().0.div_euclid(1_000);
        let mut headers = signing::headers(&id, self.secret.as_ref(), seconds, &body);
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert(HeaderName::from_static("idempotency-key"), id);
        }
        Ok(ProviderRequest { url: self.url.clone(), headers, body: body.into_bytes() })
    }
}

/// The id of a message towards a provider: the same on every attempt, and no other message's of this database.
pub(super) fn id_of(rendered: &Rendered) -> String {
    format!("{}.{}", rendered.id.contact.0, rendered.id.number)
}

impl Provider for Webhook {
    fn request<'a>(&'a self, rendered: &'a Rendered) -> BoxFuture<'a, Result<ProviderRequest, Verdict>> {
        Box::pin(std::future::ready(self.prepare(rendered).map_err(|cause| Verdict::Failed { cause })))
    }
}
