//! Messages that leave over HTTP: to providers of text messages, push services, WhatsApp, and one's own systems.

mod described;
mod fcm;
mod web_push;
mod webhook;

use std::fmt;

use axum::http::HeaderMap;
use futures_util::StreamExt;
use futures_util::stream;

use super::http::{HttpAnswer, HttpClient};
use super::{Part, Settle, Transport, Verdict};
use crate::render::Rendered;
use crate::track::BoxFuture;

pub use described::{Body, Described};
pub use fcm::{Fcm, FcmError};
pub use web_push::{WebPush, WebPushError};
pub use webhook::Webhook;

/// How many requests to one provider are under way at once.
const AT_ONCE: usize = 8;

/// How long one attempt may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Knows how a provider wants to be asked, and what its answers mean.
pub trait Provider: Send + Sync + 'static {
    /// The request that hands a message over; a verdict where none can be made.
    fn request<'a>(&'a self, rendered: &'a Rendered) -> BoxFuture<'a, Result<ProviderRequest, Verdict>>;

    /// What its answer means.
    fn judge(&self, answer: &HttpAnswer) -> Verdict {
        match answer.status.is_success() {
            true => Verdict::Delivered { response: answer.status.to_string() },
            false => answer.refusal(),
        }
    }
}

/// A POST.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderRequest {
    /// Where to.
    pub url: String,
    /// Its headers, which may hold secrets.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl fmt::Debug for ProviderRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderRequest(..)")
    }
}

/// Hands messages to a provider, each in a request of its own.
pub struct ProviderTransport<P> {
    client: HttpClient,
    provider: P,
}

impl<P> fmt::Debug for ProviderTransport<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderTransport(..)")
    }
}

impl<P: Provider> ProviderTransport<P> {
    /// A transport to a provider.
    pub const fn new(client: HttpClient, provider: P) -> Self {
        Self { client, provider }
    }

    async fn deliver_one(&self, place: usize, rendered: &Rendered, settle: &dyn Settle) {
        if settle.may_go(place).await {
            settle.settle(place, self.hand_over(rendered).await).await;
        }
    }

    async fn hand_over(&self, rendered: &Rendered) -> Verdict {
        let ProviderRequest { url, headers, body } = match self.provider.request(rendered).await {
            Ok(request) => request,
            Err(verdict) => return verdict,
        };
        match self.client.post(&url, headers, body, PATIENCE).await {
            Ok(answer) => self.provider.judge(&answer),
            Err(error) => error.into(),
        }
    }
}

impl<P: Provider> Transport for ProviderTransport<P> {
    fn deliver_each<'a>(&'a self, batch: &'a [Rendered], settle: &'a dyn Settle) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let all = batch.iter().enumerate().map(|(place, rendered)| self.deliver_one(place, rendered, settle));
            let all: Vec<_> = all.collect();
            stream::iter(all).buffer_unordered(AT_ONCE).collect::<()>().await;
        })
    }
}

/// The cause of a failure that says, with an enhanced status code (RFC 3463), that an address takes nothing any more.
fn dead_address(status: axum::http::StatusCode, why: &str) -> String {
    format!("{} 5.1.1 the address takes no messages any more: {why}", status.as_u16())
}

/// A transport for addresses of two kinds: those that a test picks go the first way, the others the second.
pub struct EitherWay {
    /// Whether an address goes the first way.
    pub is_first: fn(&str) -> bool,
    /// The two ways.
    pub ways: [Box<dyn Transport>; 2],
}

impl fmt::Debug for EitherWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EitherWay(..)")
    }
}

impl Transport for EitherWay {
    fn deliver_each<'a>(&'a self, batch: &'a [Rendered], settle: &'a dyn Settle) -> BoxFuture<'a, ()> {
        let part = |first: bool| -> (Vec<usize>, Vec<Rendered>) {
            let all = batch.iter().enumerate().filter(|(_, rendered)| (self.is_first)(&rendered.to) == first);
            all.map(|(place, rendered)| (place, rendered.clone())).unzip()
        };
        let [first, second] = &self.ways;
        Box::pin(async move {
            let deliver = async |way: &dyn Transport, (places, batch): (Vec<usize>, Vec<Rendered>)| {
                if !batch.is_empty() {
                    way.deliver_each(&batch, &Part { settle, places: &places }).await;
                }
            };
            tokio::join!(deliver(first.as_ref(), part(true)), deliver(second.as_ref(), part(false)));
        })
    }
}

#[cfg(test)]
mod tests;
