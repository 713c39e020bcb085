//! The proof of a contact's consent.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};

use super::{Api, problem};
use crate::ingest::ledger_entry;

/// Everything that ever happened to it, oldest first.
pub(super) async fn ledger(State(api): State<Api>, Path(id): Path<String>) -> Response {
    match api.submitter.contact_of_key(&id).await {
        Ok(Some(contact)) => {
            let ledger: Vec<Json> = contact.state.ledger.iter().map(ledger_entry).collect();
            axum::Json(json!({"contact": id, "ledger": ledger})).into_response()
        }
        Ok(None) => problem(StatusCode::NOT_FOUND, "there is no such contact"),
        Err(error) => {
            tracing::error!(%error, "a contact could not be read");
            problem(StatusCode::SERVICE_UNAVAILABLE, "the contact cannot be read now; ask again")
        }
    }
}
