//! What stands in the bodies of providers.

use serde_json::Value;

use super::super::value::{MAX_TEXT, phone};
use super::super::wish::{Wish, wish_of};
use super::{Fields, NotTaken, Told, Written};
use crate::track;

/// The longest id of a provider that is taken, in bytes.
const MAX_ID: usize = 256;

/// The fields of a form, decoded.
pub(super) fn form(body: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (track::form_text(key), track::form_text(value)))
        .collect()
}

/// A text message as Twilio tells it.
pub(super) fn twilio(form: &[(String, String)]) -> Result<Written, NotTaken> {
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let written = written(
        ("MessageSid", field("MessageSid").or_else(|| field("SmsSid"))),
        ("From", field("From")),
        ("Body", Some(field("Body").unwrap_or_default())),
    )?;
    // Where Twilio looks after such words itself, it says what it took them for, and has answered.
    Ok(match field("OptOutType") {
        Some("STOP") => Written { wish: Wish::Stop, answered: true, ..written },
        Some("START") => Written { wish: Wish::Start, answered: true, ..written },
        Some("HELP") => Written { wish: Wish::Help, answered: true, ..written },
        _ => written,
    })
}

/// A text message in JSON or as a form.
pub(super) fn described(fields: &Fields, body: &[u8]) -> Result<Written, NotTaken> {
    let json: Option<Value> = serde_json::from_slice(body).ok().filter(Value::is_object);
    let form = if json.is_none() { form(body) } else { Vec::new() };
    let field = |name: &str| match &json {
        Some(json) => match name.split('.').try_fold(json, |value, key| value.get(key))? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        },
        None => form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()),
    };
    let Fields { id, from, text } = fields;
    written((id, field(id).as_deref()), (from, field(from).as_deref()), (text, field(text).as_deref()))
}

fn written(id: Field<'_>, from: Field<'_>, text: Field<'_>) -> Result<Written, NotTaken> {
    let lacks = |name: &str| NotTaken::Malformed(format!("it has no `{name}`"));
    let given = |(name, value): Field<'_>| value.map(ToOwned::to_owned).ok_or_else(|| lacks(name));
    let (number, text_given) = (given(from)?, given(text)?);
    let id_given = given(id)?;
    if id_given.is_empty() || id_given.len() > MAX_ID || id_given.contains(char::is_control) {
        return Err(NotTaken::Malformed(format!("`{}` is not an id", id.0)));
    }
    if text_given.len() > MAX_TEXT {
        return Err(NotTaken::Malformed(format!("`{}` is longer than {MAX_TEXT} bytes", text.0)));
    }
    let wrong = || NotTaken::Malformed(format!("`{}` is not an international phone number", from.0));
    let from = phone(&number).ok_or_else(wrong)?;
    let wish = wish_of(&text_given);
    Ok(Written { id: id_given.into(), from, text: text_given.into(), wish, answered: false })
}

/// The name of a field, and its value.
type Field<'a> = (&'a str, Option<&'a str>);

/// All that one request of Meta's tells about a telephone number.
pub(super) fn whatsapp(phone_id: &str, body: &[u8]) -> Result<Vec<Told>, NotTaken> {
    let json: Value =
        serde_json::from_slice(body).map_err(|error| NotTaken::Malformed(format!("it is not JSON: {error}")))?;
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let changes = list(&json, "entry").into_iter().flat_map(|entry| list(&entry, "changes"));
    let mut told = Vec::new();
    for change in changes {
        let Some(value) = change.get("value") else { continue };
        let ours = value.pointer("/metadata/phone_number_id").and_then(Value::as_str) == Some(phone_id);
        if !ours || change.get("field").and_then(Value::as_str) != Some("messages") {
            continue;
        }
        for message in list(value, "messages") {
            let text = |path: &str| message.pointer(path).and_then(Value::as_str);
            // Pressed buttons say what stands on them; a picture says nothing.
            let words = text("/text/body").or_else(|| text("/button/text"));
            let words = words.or_else(|| text("/interactive/button_reply/title"));
            let from = text("/from").map(|digits| format!("+{digits}"));
            let words = Some(words.unwrap_or_default());
            told.push(Told::Wrote(written(("id", text("/id")), ("from", from.as_deref()), ("text.body", words))?));
        }
        told.extend(list(value, "statuses").iter().filter_map(status));
    }
    Ok(told)
}

/// What became of a message; nothing if it is on its way, or was sent without an address to tell it at.
fn status(status: &Value) -> Option<Told> {
    let text = |path: &str| status.pointer(path).and_then(Value::as_str);
    let code = status.pointer("/errors/0/code").and_then(Value::as_i64).map(|code| code.to_string());
    let reported = track::reported(text("/status")?, code.as_deref())?;
    Some(Told::Report { callback: text("/biz_opaque_callback_data")?.to_owned(), reported })
}
