//! Events that the runtime itself makes; a project cannot declare these names.

use smol_str::{SmolStr, format_smolstr};

use crate::value::Type;

/// An event that every project has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum BuiltinEvent {
    /// The contact was created.
    Created,
    /// A tag was added; field `tag`.
    Tagged,
    /// A tag was removed; field `tag`.
    Untagged,
    /// An attribute changed; fields `attribute`, `old`, `new`.
    Changed,
    /// The message went to the outbox.
    Sent,
    /// The provider accepted the message.
    Delivered,
    /// A person opened the message.
    Opened,
    /// A person clicked a link of the message; field `link`.
    Clicked,
    /// The contact answered.
    Replied,
    /// The message came back.
    Bounced,
    /// The contact called the message spam.
    Complained,
    /// The message could not be delivered, however often it was tried.
    Failed,
    /// The contact consented; fields `topic` and `channel`, which is empty for every one.
    Subscribed,
    /// The contact unsubscribed; fields `topic`, empty for everything, and `channel`, empty for every one.
    Unsubscribed,
    /// The contact wrote to us; fields `text` and `channel`.
    Message,
    /// The contact came to a stage of a funnel; fields `funnel`, `stage`.
    Moved,
}

impl BuiltinEvent {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Created,
        Self::Tagged,
        Self::Untagged,
        Self::Changed,
        Self::Sent,
        Self::Delivered,
        Self::Opened,
        Self::Clicked,
        Self::Replied,
        Self::Bounced,
        Self::Complained,
        Self::Failed,
        Self::Subscribed,
        Self::Unsubscribed,
        Self::Message,
        Self::Moved,
    ];

    /// The name under which it stands in programs, logs and traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Tagged => "tagged",
            Self::Untagged => "untagged",
            Self::Changed => "changed",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Opened => "opened",
            Self::Clicked => "clicked",
            Self::Replied => "replied",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Failed => "failed",
            Self::Subscribed => "subscribed",
            Self::Unsubscribed => "unsubscribed",
            Self::Message => "message",
            Self::Moved => "moved",
        }
    }

    /// The built-in event of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.name() == name)
    }
}

/// The field of [`BuiltinEvent::Message`] that journeys ask for a word by, which they cannot read themselves.
pub const WRITTEN_WORD: &str = "(word)";

/// What a contact wrote, as far as it matters for a word like `STOP`: without spaces around it, in lower case.
pub fn written_word(text: &str) -> SmolStr {
    text.trim().to_lowercase().into()
}

/// Under which name changes of an attribute are remembered; no event can have it.
pub fn past_change(attribute: &str) -> SmolStr {
    format_smolstr!("{attribute} changed")
}

/// The name of the contact's coming into a segment.
pub fn past_entry(segment: &str) -> SmolStr {
    format_smolstr!("entered {segment}")
}

/// Under which name it is remembered that the contact dropped out of a segment.
pub fn past_segment(segment: &str) -> SmolStr {
    format_smolstr!("left {segment}")
}

/// Under which name it is remembered that the contact left a stage of a funnel.
pub fn past_stage(funnel: &str, stage: &str) -> SmolStr {
    format_smolstr!("left {funnel}.{stage}")
}

/// Under which name it is remembered that a run of a journey ended.
pub fn past_journey(journey: &str) -> SmolStr {
    format_smolstr!("left journey {journey}")
}

/// The fields of a built-in event.
pub fn builtin_fields(event: BuiltinEvent) -> &'static [(&'static str, Type)] {
    match event {
        BuiltinEvent::Tagged | BuiltinEvent::Untagged => &[("tag", Type::Text)],
        BuiltinEvent::Changed => &[("attribute", Type::Text), ("old", Type::Text), ("new", Type::Text)],
        BuiltinEvent::Clicked => &[("link", Type::Text)],
        BuiltinEvent::Subscribed | BuiltinEvent::Unsubscribed => &[("topic", Type::Text), ("channel", Type::Text)],
        BuiltinEvent::Message => &[("text", Type::Text), ("channel", Type::Text)],
        BuiltinEvent::Moved => &[("funnel", Type::Text), ("stage", Type::Text)],
        _ => &[],
    }
}
