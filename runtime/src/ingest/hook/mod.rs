//! What providers of text messages and of WhatsApp tell: what contacts wrote, and what became of messages.
//!
//! Anybody can send such requests; only what its provider signed is read.

mod read;
mod signature;

use axum::http::{HeaderMap, HeaderName};
use smol_str::SmolStr;

use super::wish::Wish;
use crate::send::Secret;
use crate::track::Reported;

use signature::same;

/// How a provider's requests are known, and what they look like.
#[derive(Clone, Debug)]
pub enum Hook {
    /// As Twilio signs and writes them.
    Twilio {
        /// The account's token.
        secret: Secret,
        /// The address that Twilio calls, as contacts' networks see it: it is signed as well.
        url: String,
    },
    /// As standard-webhooks describes it; the body has the fields `id`, `from` and `text`.
    Webhook {
        /// The key that signs.
        secret: Secret,
    },
    /// A header with an HMAC-SHA256 of the body.
    Described {
        /// The key that signs.
        secret: Secret,
        /// The header.
        header: HeaderName,
        /// Where things stand in the body.
        fields: Fields,
    },
    /// As Meta does.
    WhatsApp {
        /// The secret of the app.
        secret: Secret,
        /// What Meta has to show before it is answered.
        verify: Secret,
        /// The telephone number that counts; an app may have several.
        phone_id: String,
    },
}

/// Where things stand in a body: names of a form's fields, or paths in JSON, as `data.from`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fields {
    /// The provider's id of what was written.
    pub id: String,
    /// Whose number it came from.
    pub from: String,
    /// What was written.
    pub text: String,
}

/// Texts with which a wish is answered, once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Answers {
    /// Who says stop.
    pub stopped: Option<String>,
    /// Who says start.
    pub started: Option<String>,
    /// Who asks for help.
    pub help: Option<String>,
}

/// One thing that a provider tells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// Somebody wrote.
    Wrote(Written),
    /// Something became of a message.
    Report {
        /// The address that the message carried, at which it may be told.
        callback: String,
        /// What.
        reported: Reported,
    },
}

/// What somebody wrote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// The provider's id of it.
    pub id: SmolStr,
    /// The number that it came from.
    pub from: SmolStr,
    /// What.
    pub text: SmolStr,
    /// What is meant.
    pub wish: Wish,
    /// Whether the provider has answered the wish.
    pub answered: bool,
}

/// Why a request is not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotTaken {
    /// It is not the provider's.
    Forged,
    /// It is, and makes no sense.
    Malformed(String),
}

impl Hook {
    /// A provider that signs in a header of this name; nothing if no header has such a name.
    pub fn described(secret: Secret, header: &str, fields: Fields) -> Option<Self> {
        let header = HeaderName::try_from(header).ok()?;
        Some(Self::Described { secret, header, fields })
    }

    /// What a request tells at `now` (in milliseconds), once it is known to be the provider's. `query` is what stands behind the
    /// `?` of its address.
    pub fn read(&self, headers: &HeaderMap, query: Option<&str>, body: &[u8], now: i64) -> Result<Vec<Told>, NotTaken> {
        let known = |signed: bool| signed.then_some(()).ok_or(NotTaken::Forged);
        match self {
            Self::Twilio { secret, url } => {
                let form = read::form(body);
                known(signature::twilio(headers, secret, url, query, &form))?;
                Ok(vec![Told::Wrote(read::twilio(&form)?)])
            }
            Self::Webhook { secret } => {
                known(crate::send::is_signed(headers, secret, now.div_euclid(1_000), body))?;
                let fields = Fields { id: "id".to_owned(), from: "from".to_owned(), text: "text".to_owned() };
                Ok(vec![Told::Wrote(read::described(&fields, body)?)])
            }
            Self::Described { secret, header, fields } => {
                known(signature::hmac(headers, header, secret, body))?;
                Ok(vec![Told::Wrote(read::described(fields, body)?)])
            }
            Self::WhatsApp { secret, phone_id, .. } => {
                known(signature::hmac(headers, &HeaderName::from_static("x-hub-signature-256"), secret, body))?;
                read::whatsapp(phone_id, body)
            }
        }
    }

    /// What Meta is answered that asks whether the address is ours; nothing if it does not show what it must.
    pub fn challenge(&self, query: Option<&str>) -> Option<String> {
        let Self::WhatsApp { verify, .. } = self else { return None };
        let form = read::form(query.unwrap_or_default().as_bytes());
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let shown = field("hub.verify_token").unwrap_or_default();
        let ours = field("hub.mode") == Some("subscribe") && same(shown.as_bytes(), verify.reveal().as_bytes());
        field("hub.challenge").filter(|_| ours).map(ToOwned::to_owned)
    }
}

#[cfg(test)]
mod tests;
