//! Looking into the server over HTTP, and operating its outbox.

use axum::Json as Body;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::{Api, problem};
use crate::core::effect::MessageId;
use crate::store::{Kept, StoreError};

/// How many messages one answer lists.
const MAX_LISTED: usize = 1_000;

#[derive(Deserialize)]
pub(super) struct Narrow {
    journey: Option<String>,
}

/// `GET /v1/contacts/ID`: what `journey why` tells.
pub(super) async fn contact(State(api): State<Api>, Path(key): Path<String>, Query(narrow): Query<Narrow>) -> Response {
    match api.inside.explain(&key, narrow.journey.as_deref()).await {
        Ok(Some(explanation)) => Body(explanation).into_response(),
        Ok(None) => problem(StatusCode::NOT_FOUND, "nobody knows this contact"),
        Err(error) => failed(&error),
    }
}

/// `GET /v1/journeys`: how many runs are under way, by journey, version and statement. It reads every contact once.
pub(super) async fn journeys(State(api): State<Api>) -> Response {
    match api.inside.standing().await {
        Ok(journeys) => Body(json!({ "journeys": journeys })).into_response(),
        Err(error) => failed(&error),
    }
}

#[derive(Deserialize)]
pub(super) struct Listing {
    state: Option<String>,
}

/// `GET /v1/outbox`: messages that are held or have failed, or those of one kind.
pub(super) async fn outbox(State(api): State<Api>, Query(listing): Query<Listing>) -> Response {
    let kinds = match listing.state.as_deref().map(|name| (name, Kept::parse(name))) {
        None => vec![Kept::Held, Kept::Failed],
        Some((_, Some(kind))) => vec![kind],
        Some((name, None)) => {
            let names = Kept::ALL.map(Kept::name).join(", ");
            return problem(StatusCode::BAD_REQUEST, format!("there is no state `{name}`; there is {names}"));
        }
    };
    let mut messages = Vec::new();
    for kind in kinds {
        match api.inside.outbox(kind, MAX_LISTED).await {
            Ok(listed) => messages.extend(listed),
            Err(error) => return failed(&error),
        }
    }
    Body(json!({ "messages": messages })).into_response()
}

#[derive(Deserialize)]
pub(super) struct Chosen {
    ids: Vec<String>,
}

/// `POST /v1/outbox/retry`
pub(super) async fn retry(State(api): State<Api>, Body(chosen): Body<Chosen>) -> Response {
    change(&api, &chosen, true).await
}

/// `POST /v1/outbox/drop`
pub(super) async fn drop(State(api): State<Api>, Body(chosen): Body<Chosen>) -> Response {
    change(&api, &chosen, false).await
}

async fn change(api: &Api, chosen: &Chosen, again: bool) -> Response {
    let mut ids = Vec::new();
    for name in &chosen.ids {
        match MessageId::parse(name) {
            Some(id) => ids.push(id),
            None => {
                let error = format!("`{name}` is not a message; the ids stand in `GET /v1/outbox`, as 12/0");
                return problem(StatusCode::UNPROCESSABLE_ENTITY, error);
            }
        }
    }
    let done = if again { api.inside.requeue(&ids).await } else { api.inside.give_up(&ids).await };
    match done {
        Ok(done) => {
            let left: Vec<String> = ids.iter().filter(|id| !done.contains(id)).map(ToString::to_string).collect();
            Body(json!({ "done": done.len(), "left": left })).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// What exactly failed is for the log, not for clients.
fn failed(error: &StoreError) -> Response {
    tracing::warn!(%error, "a request could not be answered");
    problem(StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached at the moment")
}

/// `GET /metrics`: the counters, as Prometheus reads them.
pub(super) async fn metrics(State(api): State<Api>) -> Response {
    let mut text = String::new();
    for (name, help, value) in api.submitter.metrics().named() {
        text.push_str(&format!(
            "# HELP journey_{name}_total {help}\n# TYPE journey_{name}_total counter\njourney_{name}_total {value}\n"
        ));
    }
    let held = api.submitter.held_senders();
    text.push_str(&format!(
        "# HELP journey_held_senders Sending domains whose marketing is held: too many call it spam.\n\
         # TYPE journey_held_senders gauge\njourney_held_senders {held}\n"
    ));
    let open = u8::from(api.submitter.is_open());
    text.push_str(&format!(
        "# HELP journey_ready Whether contacts and events are taken.\n# TYPE journey_ready gauge\njourney_ready {open}\n"
    ));
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// `GET /v1/openapi.json`
pub(super) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], include_str!("openapi.json")).into_response()
}
