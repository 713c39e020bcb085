//! Everything that is known of a contact, for the contact or for another system.

use serde_json::{Map, Value as Json, json};

use super::value::json_of;
use crate::core::contact::{Contact, LedgerEntry, SentMessage};
use crate::time::rfc3339;

/// A contact as one JSON object: what it is, where it stands, what it got and did, and its ledger of consent.
pub fn export(contact: &Contact) -> Json {
    let state = &contact.state;
    let attributes: Map<String, Json> =
        contact.attributes.iter().map(|(name, value)| (name.to_string(), json_of(value))).collect();
    let consents = state.consents.iter().map(|consent| {
        json!({
            "topic": consent.topic, "channel": consent.channel.map(|channel| channel.name()), "at": rfc3339(consent.at),
            "until": consent.until.map(rfc3339),
        })
    });
    let withdrawn = state.withdrawn.iter().map(|(topic, channel)| json!({ "topic": topic, "channel": channel.name() }));
    let runs = state
        .runs
        .iter()
        .map(|run| json!({ "journey": run.journey, "key": json_of(&run.key), "entered_at": rfc3339(run.entered_at) }));
    let ended = state.ended.iter().map(|run| {
        json!({
            "journey": run.journey, "key": json_of(&run.key), "entered_at": rfc3339(run.entered_at),
            "ended_at": rfc3339(run.ended_at),
        })
    });
    let events = state
        .history
        .iter()
        .map(|past| json!({ "event": past.event, "at": rfc3339(past.at), "data": json_of(&past.payload) }));
    let aliases = state.identities.aliases.iter().map(|alias| json!({ "id": alias.key, "since": rfc3339(alias.at) }));
    json!({
        "id": contact.key,
        "aliases": aliases.collect::<Vec<_>>(),
        "created_at": rfc3339(contact.created_at),
        "attributes": attributes,
        "tags": contact.tags,
        "stages": state.stages,
        "unsubscribed": state.unsubscribed,
        "unsubscribed_from_everything": state.unsubscribed_all,
        "withdrawn": withdrawn.collect::<Vec<_>>(),
        "suppressed": state.suppressed,
        "consents": consents.collect::<Vec<_>>(),
        "ledger": state.ledger.iter().map(ledger_entry).collect::<Vec<_>>(),
        "runs": runs.collect::<Vec<_>>(),
        "ended": ended.collect::<Vec<_>>(),
        "events": events.collect::<Vec<_>>(),
        "messages": state.messages.iter().map(message).collect::<Vec<_>>(),
    })
}

/// An entry of the ledger of consent.
pub fn ledger_entry(entry: &LedgerEntry) -> Json {
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

fn message(message: &SentMessage) -> Json {
    let statuses: Map<String, Json> =
        (message.statuses.iter()).map(|status| (status.kind.name().to_owned(), rfc3339(status.first).into())).collect();
    json!({
        "name": message.name, "channel": message.channel.name(), "journey": message.journey, "at": rfc3339(message.at),
        "topic": message.topic, "statuses": statuses, "clicked": message.clicked,
    })
}
