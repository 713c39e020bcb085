//! The HTTP API: contacts and events come in, and are durable when the answer says so.
//!
//! `POST /v1/contacts` and `POST /v1/events` take one JSON object, an array of them, or one a line
//! (`application/x-ndjson`). The answer is 202 when at least one was taken; it counts what was accepted and what was known
//! already, and lists what was refused with its line (or place in the array, from 1). Where nothing was taken it is 422,
//! or 409 if everything clashes with what was accepted under the same id before.

mod consent;
mod hooks;
mod intake;
mod look;
mod mail;
mod server;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde_json::json;
use subtle::ConstantTimeEq;

use crate::engine::{Inside, Live, Submitter};
use crate::track::{self, Keys, Tracking};

pub use hooks::{Hooked, Hooks};
pub use intake::{BODY_PATIENCE, MAX_LINES};
pub use server::{ServeConfig, ServeError, Server, Serving};

/// The largest body that is read: 8 MiB.
pub const MAX_BODY: usize = 8 * 1024 * 1024;

/// The longest request id that is taken over from a client.
const MAX_REQUEST_ID: usize = 128;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the routes share.
#[derive(Clone)]
struct Api {
    submitter: Submitter,
    live: Live,
    inside: Inside,
    tokens: Arc<Hashes>,
    requests: Arc<RequestIds>,
    /// They tell our own messages in mail that comes back.
    keys: Keys,
    hooks: Arc<Hooks>,
}

/// What a request may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Role {
    /// Hand in contacts and events.
    Ingest,
    /// Look into the server.
    Read,
    /// Change what is in it.
    Operate,
}

/// The bearer tokens that the API asks for; with none at all it is open.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Tokens {
    /// May do everything.
    pub all: Option<String>,
    /// May hand in contacts and events.
    pub ingest: Option<String>,
    /// May look into the server.
    pub read: Option<String>,
    /// May look into the server, and change what is in it.
    pub operate: Option<String>,
}

/// Without the tokens: they do not belong in logs.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(..)")
    }
}

impl Tokens {
    /// Whether everybody may do everything.
    pub const fn is_open(&self) -> bool {
        self.all.is_none() && self.ingest.is_none() && self.read.is_none() && self.operate.is_none()
    }
}

/// The hashes of the tokens, each with what it may do: hashes are of one length and compared in constant time.
struct Hashes(Vec<(blake3::Hash, &'static [Role])>);

impl Hashes {
    fn of(tokens: &Tokens) -> Self {
        let Tokens { all, ingest, read, operate } = tokens;
        let roles: [(&Option<String>, &'static [Role]); 4] = [
            (all, &[Role::Ingest, Role::Read, Role::Operate]),
            (ingest, &[Role::Ingest]),
            (read, &[Role::Read]),
            (operate, &[Role::Read, Role::Operate]),
        ];
        let hash = |(token, roles): (&Option<String>, _)| Some((blake3::hash(token.as_ref()?.as_bytes()), roles));
        Self(roles.into_iter().filter_map(hash).collect())
    }

    /// What somebody with this token may do; nothing with an unknown one.
    fn roles(&self, given: &str) -> Option<Vec<Role>> {
        let given = blake3::hash(given.as_bytes());
        let same = |hash: &blake3::Hash| bool::from(given.as_bytes().ct_eq(hash.as_bytes()));
        let roles: Vec<&[Role]> = self.0.iter().filter(|(hash, _)| same(hash)).map(|(_, roles)| *roles).collect();
        (!roles.is_empty()).then(|| roles.concat())
    }
}

/// Gives requests their ids.
struct RequestIds {
    /// Keeps the ids of two starts apart.
    start: i64,
    next: std::sync::atomic::AtomicU64,
}

impl RequestIds {
    fn next(&self) -> String {
        let number = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        format!("{:x}-{number:x}", self.start)
    }
}

/// The routes, over an engine's way in, and those of tracking. It starts a task; call it within the runtime.
pub fn router(
    submitter: Submitter,
    inside: Inside,
    live: Live,
    tokens: &Tokens,
    tracking: Tracking,
    hooks: Hooks,
) -> Router {
    let requests = RequestIds { start: submitter.now().0, next: 1.into() };
    let tokens = Arc::new(Hashes::of(tokens));
    let keys = tracking.keys.clone();
    let api = Api { submitter, live, inside, tokens, requests: Arc::new(requests), keys, hooks: Arc::new(hooks) };
    let only =
        |role, routes: Router<Api>| routes.route_layer(middleware::from_fn_with_state((api.clone(), role), authorize));
    let ingest = Router::new()
        .route("/v1/contacts", post(intake::contacts))
        .route("/v1/events", post(intake::events))
        .route("/v1/mail", post(mail::take));
    let read = Router::new()
        .route("/v1/contacts/{id}", get(look::contact))
        .route("/v1/contacts/{id}/consent", get(consent::ledger))
        .route("/v1/journeys", get(look::journeys))
        .route("/v1/outbox", get(look::outbox))
        .route("/metrics", get(look::metrics));
    let operate = Router::new()
        .route("/v1/contacts/{id}", delete(intake::erase))
        .route("/v1/outbox/retry", post(look::retry))
        .route("/v1/outbox/drop", post(look::drop));
    Router::new()
        .merge(only(Role::Ingest, ingest))
        .merge(only(Role::Read, read))
        .merge(only(Role::Operate, operate))
        .route("/v1/openapi.json", get(look::openapi))
        .route("/hooks/sms", post(hooks::sms))
        .route("/hooks/whatsapp", get(hooks::challenge).post(hooks::whatsapp))
        .route("/healthz", get(|| async { axum::Json(json!({"status": "ok"})) }))
        .route("/readyz", get(ready))
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "there is nothing here") })
        .method_not_allowed_fallback(|| async {
            problem(StatusCode::METHOD_NOT_ALLOWED, "this address does not know this method")
        })
        .with_state(api.clone())
        .merge(track::router(tracking))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(api, identify))
}

/// An answer that is an error.
fn problem(status: StatusCode, error: impl Into<String>) -> Response {
    (status, axum::Json(json!({"error": error.into()}))).into_response()
}

async fn ready(State(api): State<Api>) -> Response {
    if api.submitter.is_open() {
        axum::Json(json!({"status": "ready"})).into_response()
    } else {
        problem(StatusCode::SERVICE_UNAVAILABLE, "the engine is stopping, or its database failed")
    }
}

/// Lets requests pass whose token has the role.
async fn authorize(State((api, role)): State<(Api, Role)>, request: Request, next: Next) -> Response {
    if api.tokens.0.is_empty() {
        return next.run(request).await;
    }
    let given = bearer(request.headers());
    let error = match given.map(|given| api.tokens.roles(given)) {
        Some(Some(roles)) if roles.contains(&role) => return next.run(request).await,
        Some(Some(_)) => return problem(StatusCode::FORBIDDEN, "this token may not do that; ask for one that may"),
        Some(None) => "the token is not the one of this server",
        None => "this server asks for a token: send the header `Authorization: Bearer TOKEN`",
    };
    let mut response = problem(StatusCode::UNAUTHORIZED, error);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Gives every answer the id of its request: the client's own, where it sent one.
async fn identify(State(api): State<Api>, request: Request, next: Next) -> Response {
    let sane = |id: &&HeaderValue| {
        id.len() <= MAX_REQUEST_ID && !id.is_empty() && id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    let given = request.headers().get(REQUEST_ID).filter(sane).cloned();
    let id = given.or_else(|| HeaderValue::try_from(api.requests.next()).ok());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = next.run(request).await;
    if let Some(id) = id {
        if response.status().is_server_error() {
            let (status, request) = (response.status().as_u16(), id.to_str().unwrap_or_default());
            tracing::warn!(%method, path, status, request, "a request failed");
        }
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

#[cfg(test)]
mod tests;
