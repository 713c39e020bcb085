//! Taking contacts and events over HTTP.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use journey_bytecode::Instant;
use serde_json::{Value as Json, json};

use super::{Api, MAX_BODY, problem};
use crate::engine::SubmitError;
use crate::ingest::{self, Gate, Refused};
use crate::store::{Acceptance, NewInput, StoreError};

/// The most contacts or events of one request.
pub const MAX_LINES: usize = 10_000;

/// How long a client may take to send its body.
pub const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// How long inputs may wait to be taken before the client is asked to come again.
const INTAKE_PATIENCE: Duration = Duration::from_secs(20);

/// Reads one contact or event.
type Reader = fn(&Gate, &Json, Instant) -> Result<NewInput, Refused>;

pub(super) async fn contacts(State(api): State<Api>, request: Request) -> Response {
    take(&api, request, Gate::contact).await.unwrap_or_else(|refusal| refusal)
}

pub(super) async fn events(State(api): State<Api>, request: Request) -> Response {
    take(&api, request, Gate::event).await.unwrap_or_else(|refusal| refusal)
}

/// `DELETE /v1/contacts/ID`: the contact is forgotten.
pub(super) async fn erase(State(api): State<Api>, Path(key): Path<String>) -> Response {
    match submit(&api, vec![NewInput::erasing(&key, api.submitter.now())]).await {
        Ok(answers) if answers.contains(&Acceptance::UnknownContact) => {
            problem(StatusCode::NOT_FOUND, "nobody knows this contact")
        }
        Ok(_) => (StatusCode::ACCEPTED, axum::Json(json!({"accepted": 1}))).into_response(),
        Err(refusal) => refusal,
    }
}

async fn take(api: &Api, request: Request, reader: Reader) -> Result<Response, Response> {
    let lines = lines(request).await?;
    if lines.len() > MAX_LINES {
        let error = format!("these are {} lines; send at most {MAX_LINES} in one request", lines.len());
        return Err(problem(StatusCode::PAYLOAD_TOO_LARGE, error));
    }
    let now = api.submitter.now();
    let gate = Gate::new(api.live.linked());
    let (mut places, mut inputs, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for (line, json) in lines {
        match json.and_then(|json| reader(&gate, &json, now)) {
            Ok(input) => {
                places.push(line);
                inputs.push(input);
            }
            Err(error) => refused.push((line, error)),
        }
    }
    // What the gate says of an input that the store refuses needs the input, which the store takes.
    let answers = if inputs.is_empty() { Vec::new() } else { submit(api, inputs.clone()).await? };
    let (mut accepted, mut duplicates) = (0_u64, 0_u64);
    for ((line, input), answer) in places.into_iter().zip(&inputs).zip(answers) {
        match answer {
            Acceptance::Accepted { .. } => accepted += 1,
            Acceptance::Duplicate => duplicates += 1,
            Acceptance::Conflict | Acceptance::UnknownContact | Acceptance::AliasTaken => {
                refused.extend(gate.not_taken(input, &answer).map(|why| (line, why)));
            }
        }
    }
    refused.sort_by_key(|(line, _)| *line);
    let status = match (accepted + duplicates, refused.as_slice()) {
        (0, [_, ..]) if refused.iter().all(|(_, error)| error.conflict) => StatusCode::CONFLICT,
        (0, [_, ..]) => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::ACCEPTED,
    };
    let refused: Vec<Json> = refused
        .into_iter()
        .map(|(line, Refused { field, error, .. })| match field {
            Some(field) => json!({"line": line, "field": field, "error": error}),
            None => json!({"line": line, "error": error}),
        })
        .collect();
    let body = json!({"accepted": accepted, "duplicates": duplicates, "refused": refused});
    Ok((status, axum::Json(body)).into_response())
}

async fn submit(api: &Api, inputs: Vec<NewInput>) -> Result<Vec<Acceptance>, Response> {
    let unavailable = |error: String, after: &'static str| {
        let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, error);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(after));
        response
    };
    match tokio::time::timeout(INTAKE_PATIENCE, api.submitter.submit(inputs)).await {
        Ok(Ok(answers)) => Ok(answers),
        Ok(Err(error @ SubmitError::Stopping)) => Err(unavailable(error.to_string(), "5")),
        Ok(Err(SubmitError::Store(StoreError::Unavailable(_)))) => {
            let error = "the database cannot be reached at the moment; send it again, under the same ids";
            Err(unavailable(error.into(), "5"))
        }
        // What exactly failed is for the log, not for clients. What the failed write left may be found at the next start.
        Ok(Err(SubmitError::Store(_))) => {
            Err(unavailable("the database failed; send it again later, under the same ids".into(), "30"))
        }
        // It may still be taken. Under the same ids it counts once.
        Err(_) => Err(unavailable("too much is waiting; send it again, under the same ids".into(), "10")),
    }
}

/// The lines of a request, numbered from 1.
async fn lines(request: Request) -> Result<Vec<(u64, Result<Json, Refused>)>, Response> {
    let format = format(request.headers()).ok_or_else(|| {
        let error = "send `Content-Type: application/json` (an object, or an array of them) or `application/x-ndjson` \
                     (one object a line)";
        problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, error)
    })?;
    let body = match tokio::time::timeout(BODY_PATIENCE, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let error = format!("the body is larger than {} MiB; send it in parts", MAX_BODY / (1024 * 1024));
            return Err(problem(StatusCode::PAYLOAD_TOO_LARGE, error));
        }
        Ok(Err(error)) => return Err(problem(error.status(), "the body could not be read")),
        Err(_) => return Err(problem(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
    };
    match format {
        Format::Lines => Ok(ingest::ndjson(&body).collect()),
        Format::Json => match ingest::json(&body) {
            Ok(Json::Array(values)) => Ok((1..).zip(values.into_iter().map(Ok)).collect()),
            Ok(value) => Ok(vec![(1, Ok(value))]),
            Err(error) => Err(problem(StatusCode::BAD_REQUEST, error.to_string())),
        },
    }
}

enum Format {
    Json,
    Lines,
}

fn format(headers: &HeaderMap) -> Option<Format> {
    let given = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" => Some(Format::Json),
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Format::Lines),
        _ => None,
    }
}
