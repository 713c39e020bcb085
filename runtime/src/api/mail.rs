//! Taking mail that comes back, as a mail server hands it on: delivery reports, complaints, answers.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use journey_bytecode::StatusKind;
use serde_json::json;

use super::{Api, problem};
use crate::core::input::{InputKind, MessageName};
use crate::ingest::{Returned, read_mail};
use crate::store::{Acceptance, NewInput, Whose};

/// The body is one mail. What says nothing about a message of ours is answered with 200, so that nobody sends it again.
pub(super) async fn take(State(api): State<Api>, body: Bytes) -> Response {
    let Some((id, returned, sender)) = read_mail(&body, &api.keys) else {
        return axum::Json(json!({"accepted": 0, "why": "it is about no message of this server"})).into_response();
    };
    let message = MessageName::Number(id.number);
    let status = |status| InputKind::Message { message: message.clone(), status, link: None, machine: false };
    let kinds = match returned {
        Returned::Dead => vec![InputKind::Undeliverable { message }],
        Returned::Refused => vec![status(StatusKind::Bounced)],
        Returned::Reply => vec![status(StatusKind::Replied)],
        // Whoever calls it spam wants no more of it; what is on its way stays behind too.
        Returned::Complaint => vec![status(StatusKind::Complained), InputKind::Unsubscribe { topic: None }],
    };
    let hash = blake3::hash(&body);
    let mut fingerprint = [0; 16];
    fingerprint.copy_from_slice(hash.as_bytes().first_chunk::<16>().unwrap_or(&[0; 16]));
    let input = |(place, kind)| NewInput {
        contact: Whose::Id(id.contact),
        id: Some(format!("mail:{}:{place}", hash.to_hex()).into()),
        fingerprint,
        at: api.submitter.now(),
        kind,
        creates: false,
    };
    match api.submitter.submit_of(kinds.into_iter().enumerate().map(input).collect(), sender).await {
        Ok(answers) => {
            let accepted = usize::from(answers.iter().any(|answer| matches!(answer, Acceptance::Accepted { .. })));
            (StatusCode::ACCEPTED, axum::Json(json!({"accepted": accepted}))).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "mail that came back could not be stored");
            problem(StatusCode::SERVICE_UNAVAILABLE, "it could not be stored; send it again")
        }
    }
}
