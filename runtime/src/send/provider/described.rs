//! Providers that settings describe: an address, headers, and a form or JSON with places to fill in.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use smol_str::SmolStr;

use super::super::http::HttpAnswer;
use super::super::{Secret, Verdict};
use super::{Provider, ProviderRequest};
use crate::render::{Content, Rendered};
use crate::track::BoxFuture;

/// The current version of Meta's Graph API that is spoken.
const GRAPH: &str = "https://graph.facebook.com/v22.0";

/// What a request holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// A form.
    Form(Vec<(String, String)>),
    /// JSON.
    Json(Value),
}

/// A provider, as settings describe it. Each text may hold the places of [`journey_bytecode::PLACEHOLDERS`], as `{to}`.
#[derive(Clone, Debug)]
pub struct Described {
    /// The address.
    pub url: String,
    /// The number, or the name, that messages come from where the journey and the policy name none.
    pub from: Option<String>,
    /// The name of the account.
    pub account: Option<String>,
    /// The secret for `{secret}`.
    pub secret: Option<Secret>,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    kind: Kind,
}

/// Whose answers and peculiarities are known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Any,
    Twilio,
    WhatsApp,
}

impl Described {
    /// A provider of which nothing else is known.
    pub const fn new(url: String, body: Body) -> Self {
        Self { url, from: None, account: None, secret: None, headers: Vec::new(), body, kind: Kind::Any }
    }

    /// Text messages by Twilio, or whoever speaks as it does at another address.
    pub fn twilio(base: Option<&str>, account: &str, secret: Secret, from: &str) -> Self {
        let base = base.unwrap_or("https://api.twilio.com").trim_end_matches('/');
        let login = BASE64_STANDARD.encode(format!("{account}:{}", secret.reveal()));
        // A messaging service in the place of a number chooses the number itself.
        let sender = if from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        let fields = [("To", "{to}"), (sender, "{from}"), ("Body", "{text}"), ("StatusCallback", "{callback}")];
        Self {
            url: format!("{base}/2010-04-01/Accounts/{account}/Messages.json"),
            from: Some(from.to_owned()),
            account: Some(account.to_owned()),
            secret: Some(secret),
            headers: vec![("Authorization".to_owned(), format!("Basic {login}"))],
            body: Body::Form(fields.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
            kind: Kind::Twilio,
        }
    }

    /// WhatsApp by Meta's Cloud API, from the telephone number of this id.
    pub fn whatsapp(base: Option<&str>, phone_id: &str, secret: Secret) -> Self {
        Self {
            url: format!("{}/{phone_id}/messages", base.unwrap_or(GRAPH).trim_end_matches('/')),
            from: None,
            account: None,
            secret: Some(secret),
            headers: vec![("Authorization".to_owned(), "Bearer {secret}".to_owned())],
            body: Body::Json(serde_json::json!({
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": "{to}",
                "type": "text",
                "text": { "body": "{text}" },
                "biz_opaque_callback_data": "{callback}",
            })),
            kind: Kind::WhatsApp,
        }
    }

    pub(super) fn fill(&self, template: &str, rendered: &Rendered, id: &str, text: &str) -> String {
        let value = |name: &str| match name {
            "to" => Some(rendered.to.as_str()),
            "from" => Some(rendered.from.as_deref().or(self.from.as_deref()).unwrap_or_default()),
            "text" => Some(text),
            "id" => Some(id),
            "message" => Some(rendered.message.as_str()),
            "account" => Some(self.account.as_deref().unwrap_or_default()),
            "callback" => Some(rendered.callback.as_deref().unwrap_or_default()),
            "secret" => Some(self.secret.as_ref().map(Secret::reveal).unwrap_or_default()),
            _ => None,
        };
        let mut filled = String::with_capacity(template.len() + text.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            match after.split_once('}').and_then(|(name, after)| Some((value(name)?, after))) {
                Some((value, after)) => {
                    filled.push_str(value);
                    rest = after;
                }
                None => {
                    filled.push('{');
                    rest = after;
                }
            }
        }
        filled.push_str(rest);
        filled
    }

    fn body(&self, rendered: &Rendered, fill: &dyn Fn(&str) -> String) -> Result<(&'static str, Vec<u8>), String> {
        match &self.body {
            Body::Form(fields) => {
                let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
                let pairs = fields.iter().map(|(key, value)| (key, fill(value)));
                // Without an address to call back there is nothing to say of it.
                let pairs = pairs.filter(|(key, value)| !(value.is_empty() && key.as_str() == "StatusCallback"));
                let pairs: Vec<_> = pairs.map(|(key, value)| format!("{}={}", encoded(key), encoded(&value))).collect();
                Ok(("application/x-www-form-urlencoded", pairs.join("&").into_bytes()))
            }
            Body::Json(value) => {
                let mut body = filled(value, fill);
                if let (Kind::WhatsApp, Content::Json(content), Some(body)) =
                    (self.kind, &rendered.content, body.as_object_mut())
                {
                    let content: Value = serde_json::from_str(content).map_err(|error| error.to_string())?;
                    let Value::Object(content) = content else {
                        return Err("the message is JSON and no object, as `{\"type\": \"template\", ..}`".to_owned());
                    };
                    body.shift_remove("text");
                    body.extend(content);
                }
                Ok(("application/json", body.to_string().into_bytes()))
            }
        }
    }

    fn prepare(&self, rendered: &Rendered) -> Result<ProviderRequest, String> {
        let text = match (&rendered.content, self.kind) {
            (Content::Text(text), _) => text.as_str(),
            (Content::Json(_), Kind::WhatsApp) => "",
            _ => return Err("this provider takes text alone".to_owned()),
        };
        let id = super::webhook::id_of(rendered);
        let fill = |template: &str| self.fill(template, rendered, &id, text);
        let (kind, body) = self.body(rendered, &fill)?;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Ok(id) = HeaderValue::from_str(&id) {
            headers.insert(HeaderName::from_static("idempotency-key"), id);
        }
        for (name, template) in &self.headers {
            let wrong = || format!("the header `{name}` of the settings cannot be sent");
            let name = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
            let mut value = HeaderValue::try_from(fill(template)).map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(ProviderRequest { url: self.fill(&self.url, rendered, &id, ""), headers, body })
    }
}

impl Provider for Described {
    fn request<'a>(&'a self, rendered: &'a Rendered) -> BoxFuture<'a, Result<ProviderRequest, Verdict>> {
        Box::pin(std::future::ready(self.prepare(rendered).map_err(|cause| Verdict::Failed { cause })))
    }

    fn judge(&self, answer: &HttpAnswer) -> Verdict {
        let said: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let number = |path: &str| said.as_ref().and_then(|said| said.pointer(path)).and_then(Value::as_i64);
        let text = |path: &str| said.as_ref().and_then(|said| said.pointer(path)).and_then(Value::as_str);
        if answer.status.is_success() {
            let id = text("/sid").or_else(|| text("/messages/0/id")).or_else(|| text("/id"));
            let id = id.map(|id| format!(": {}", SmolStr::new(id.get(..80).unwrap_or(id)))).unwrap_or_default();
            return Verdict::Delivered { response: format!("{}{id}", answer.status) };
        }
        // The codes of https://www.twilio.com/docs/api/errors and of
        // https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes that no other attempt changes.
        let dead = match (self.kind, number("/code"), number("/error/code")) {
            (Kind::Twilio, Some(code @ (21_211 | 21_214 | 21_217 | 21_614)), _)
            | (Kind::WhatsApp, _, Some(code @ 131_026)) => Some(code),
            _ => None,
        };
        match dead {
            Some(code) => Verdict::Failed { cause: super::dead_address(answer.status, &format!("error {code}")) },
            // Meta answers 400 to what should come later: too many requests, a service that is down.
            None if self.kind == Kind::WhatsApp
                && matches!(
                    number("/error/code"),
                    Some(4 | 80_007 | 130_429 | 131_016 | 131_048 | 131_056 | 133_016)
                ) =>
            {
                let cause = text("/error/message").unwrap_or("it asks for later").chars().take(120).collect();
                Verdict::Retry { after: None, cause }
            }
            None => answer.refusal(),
        }
    }
}

/// JSON with each text filled in.
fn filled(value: &Value, fill: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text)),
        Value::Array(items) => items.iter().map(|item| filled(item, fill)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), filled(value, fill))).collect(),
        other => other.clone(),
    }
}
