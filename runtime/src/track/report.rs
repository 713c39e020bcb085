//! What providers tell of messages that they took: as a form, as Twilio does, or as JSON.

use journey_bytecode::StatusKind;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::core::effect::MessageId;
use crate::core::input::{InputKind, MessageName};

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reported {
    /// It arrived, or did not, or was read.
    Status(StatusKind),
    /// It did not arrive, and its address takes nothing any more.
    Dead,
}

/// Codes for numbers that take no messages: unknown or a landline (https://www.twilio.com/docs/api/errors), or without WhatsApp.
const DEAD: [&str; 3] = ["30005", "30006", "131026"];

/// Reads a report; nothing if it tells nothing that counts, as that the message is on its way.
pub(super) fn read(body: &[u8]) -> Option<Reported> {
    let (status, code) = match serde_json::from_slice::<Value>(body) {
        Ok(said) => {
            let text = |key: &str| match said.get(key) {
                Some(Value::String(text)) => Some(text.clone()),
                Some(Value::Number(number)) => Some(number.to_string()),
                _ => None,
            };
            (text("status"), text("code"))
        }
        Err(_) => {
            let body = std::str::from_utf8(body).ok()?;
            let field = |name: &str| form_field(body, name);
            (field("MessageStatus").or_else(|| field("status")), field("ErrorCode").or_else(|| field("code")))
        }
    };
    reported(&status?, code.as_deref())
}

/// What a provider's status and code of an error mean; nothing if they tell nothing that counts.
pub(crate) fn reported(status: &str, code: Option<&str>) -> Option<Reported> {
    let dead = code.is_some_and(|code| DEAD.contains(&code));
    match status.to_ascii_lowercase().as_str() {
        "delivered" => Some(Reported::Status(StatusKind::Delivered)),
        "read" | "opened" => Some(Reported::Status(StatusKind::Opened)),
        "invalid" => Some(Reported::Dead),
        "undelivered" | "failed" | "bounced" if dead => Some(Reported::Dead),
        "undelivered" | "failed" | "bounced" => Some(Reported::Status(StatusKind::Bounced)),
        _ => None,
    }
}

/// What a message's contact hears of a report, and the id of that: it hears of each thing once.
pub(crate) fn report_input(message: MessageId, reported: Reported) -> (String, InputKind) {
    let name = MessageName::Number(message.number);
    let (what, kind) = match reported {
        Reported::Status(status) => {
            (status.name(), InputKind::Message { message: name, status, link: None, machine: false })
        }
        Reported::Dead => ("dead", InputKind::Undeliverable { message: name }),
    };
    (format!("track:report:{what}:{}.{}", message.contact.0, message.number), kind)
}

/// A field of a form, decoded.
fn form_field(body: &str, name: &str) -> Option<String> {
    let pair = body.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))?;
    Some(form_text(pair.1))
}

/// A name or a value of a form, decoded.
pub(crate) fn form_text(encoded: &str) -> String {
    percent_decode_str(&encoded.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports() {
        use Reported::{Dead, Status};
        for (body, expected) in [
            (r#"{"status": "delivered"}"#, Some(Status(StatusKind::Delivered))),
            (r#"{"status": "READ"}"#, Some(Status(StatusKind::Opened))),
            (r#"{"status": "failed", "code": 30005}"#, Some(Dead)),
            (r#"{"status": "failed", "code": "7"}"#, Some(Status(StatusKind::Bounced))),
            (r#"{"status": "invalid"}"#, Some(Dead)),
            (r#"{"status": "queued"}"#, None),
            ("[]", None),
            ("7", None),
            ("", None),
            ("MessageSid=SM1&MessageStatus=delivered&To=%2B49", Some(Status(StatusKind::Delivered))),
            ("MessageStatus=undelivered&ErrorCode=30006", Some(Dead)),
            ("MessageStatus=undelivered&ErrorCode=30008", Some(Status(StatusKind::Bounced))),
            ("MessageStatus=sent", None),
            ("\u{0}\u{1}=", None),
        ] {
            assert_eq!(read(body.as_bytes()), expected, "{body}");
        }
        assert_eq!(read(&[0xff, 0xfe]), None);
        assert_eq!(
            form_field("From=%2B49+151&Body=Hallo+%26+tsch%C3%BC%C3%9F", "Body").as_deref(),
            Some("Hallo & tschüß")
        );
    }
}
