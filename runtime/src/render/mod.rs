//! From a decided message to what a person reads: the variant in their language, the template filled in, links signed.

use journey_bytecode::{Channel, Instant};
use smol_str::SmolStr;

use crate::core::effect::MessageId;

/// A message, ready for a transport.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rendered {
    /// Its id.
    pub id: MessageId,
    /// When it was decided; the date that it bears, on every attempt.
    pub at: Instant,
    /// Its channel.
    pub channel: Channel,
    /// The message's name.
    pub message: SmolStr,
    /// The address on that channel.
    pub to: SmolStr,
    /// What it says.
    pub content: Content,
}

/// What a rendered message says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Content {
    /// A mail.
    Mail(Mail),
    /// Plain text, for a text message or a push.
    Text(String),
    /// JSON, for a push or a webhook.
    Json(String),
}

/// A rendered mail. No field holds a control character that could end a header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mail {
    /// The sender, `Name <address>`.
    pub from: String,
    /// The subject.
    pub subject: String,
    /// The body as HTML; without, the mail is plain text.
    pub html: Option<String>,
    /// The body as text.
    pub text: String,
    /// The unsubscribe link of a marketing mail, for its headers.
    pub unsubscribe: Option<String>,
    /// The Message-ID without brackets: the same on every attempt, and no other message's.
    pub message_id: String,
}
