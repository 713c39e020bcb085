//! The proof of a contact's consent.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};

use super::{Api, problem};
use crate::core::contact::LedgerEntry;
use crate::time::rfc3339;

/// Everything that ever happened to it, oldest first.
pub(super) async fn ledger(State(api): State<Api>, Path(id): Path<String>) -> Response {
    match api.submitter.contact_of_key(&id).await {
        Ok(Some(contact)) => {
            let ledger: Vec<Json> = contact.state.ledger.iter().map(entry).collect();
            axum::Json(json!({"contact": id, "ledger": ledger})).into_response()
        }
        Ok(None) => problem(StatusCode::NOT_FOUND, "there is no such contact"),
        Err(error) => {
            tracing::error!(%error, "a contact could not be read");
            problem(StatusCode::SERVICE_UNAVAILABLE, "the contact cannot be read now; ask again")
        }
    }
}

fn entry(entry: &LedgerEntry) -> Json {
    let LedgerEntry { at, act, topic, channel, evidence } = entry;
    let texts = [
        ("topic", topic.as_deref().unwrap_or_default()),
        ("channel", channel.map_or("", |channel| channel.name())),
        ("basis", &evidence.basis),
        ("wording", &evidence.wording),
        ("source", &evidence.source),
    ];
    let mut fields = Map::new();
    fields.insert("at".to_owned(), rfc3339(*at).into());
    fields.insert("act".to_owned(), act.name().into());
    fields.extend(
        texts.iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| ((*name).to_owned(), (*text).into())),
    );
    if let Some(until) = evidence.until {
        fields.insert("until".to_owned(), rfc3339(until).into());
    }
    Json::Object(fields)
}
