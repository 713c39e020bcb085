//! Messages: what a send delivers, with its text in every language.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// The filters that templates may use; the compiler checks names against this list and the renderer provides each.
pub const FILTERS: &[&str] = &[
    "capitalize",
    "date",
    "default",
    "e",
    "escape",
    "first",
    "int",
    "join",
    "last",
    "length",
    "lower",
    "money",
    "one_of",
    "plural",
    "replace",
    "reverse",
    "round",
    "sort",
    "title",
    "trim",
    "unique",
    "upper",
];

/// Names of formats for the filter `date`; how each looks is a matter of the language.
const DATE_FORMATS: [&str; 5] = ["long", "full", "short", "time", "datetime"];

/// What can stand behind a `%` in a pattern for the filter `date`.
const DATE_PARTS: &str = "demYyHMSABIp";

/// Sees to it that a format for the filter `date` is one: a name, as `long`, or a pattern as `%d.%m.%Y`. The error says
/// what it can be.
pub fn check_date_format(format: &str) -> Result<(), String> {
    if DATE_FORMATS.contains(&format) {
        return Ok(());
    }
    if !format.contains('%') {
        let names = DATE_FORMATS.join(", ");
        return Err(format!("`{format}` is not a date format; use {names} or a pattern as %d.%m.%Y"));
    }
    let mut chars = format.chars();
    while chars.any(|c| c == '%') {
        match chars.next() {
            Some(part) if part == '%' || DATE_PARTS.contains(part) => {}
            Some(other) => {
                let parts: Vec<_> = DATE_PARTS.chars().map(|part| format!("%{part}")).collect();
                return Err(format!("a date has no part `%{other}`; it has {}", parts.join(" ")));
            }
            None => return Err("a `%` at the end of a date format; write %% for the sign itself".to_owned()),
        }
    }
    Ok(())
}

/// The tests that templates may use, as in `{% if voucher is defined %}`. There are no functions.
pub const TEMPLATE_TESTS: &[&str] = &["defined", "undefined"];

/// The variables that every template has beside the contact's and the trigger's; all text. A bare name means these
/// first; an attribute of the same name is reached as `contact.NAME`. `postal_address` and `sender` are the policy's;
/// `subject` is the rendered subject and stands in bodies alone; `unsubscribe_url` is the message's own link,
/// `preferences_url` leads to its reader's choice of topics, `confirm_url` confirms a subscription to the message's topic.
pub const BUILTIN_VARIABLES: &[&str] =
    &["confirm_url", "postal_address", "preferences_url", "sender", "subject", "unsubscribe_url"];

/// What the description of a provider can hold between `{` and `}`.
pub const PLACEHOLDERS: [&str; 8] = ["to", "from", "text", "id", "message", "callback", "account", "secret"];

/// Where the body stands in the layout of a message in Markdown. No value can bring it in: values are escaped.
pub const CONTENT: &str = "<!--journey:content-->";

/// The way a message reaches a contact.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Channel {
    Email,
    Sms,
    Push,
    Webhook,
    WhatsApp,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Email, Self::Sms, Self::Push, Self::Webhook, Self::WhatsApp];

    /// The word in the language: `email`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Push => "push",
            Self::Webhook => "webhook",
            Self::WhatsApp => "whatsapp",
        }
    }

    /// The channel of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a message is sent; the law and the policy treat the two differently.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Purpose {
    /// Promotes something: consent, caps, quiet hours and an unsubscribe link apply.
    #[default]
    Marketing,
    /// Belongs to something the contact did: an order, an appointment, a password.
    Transactional,
}

/// What becomes of a message that was on the wire when its worker died: nobody can know whether it arrived.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum AfterCrash {
    /// It goes again, under its id: it is never lost, and may arrive twice.
    Resend,
    /// It waits for somebody to decide: it never arrives twice.
    Hold,
}

impl AfterCrash {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Resend, Self::Hold];

    /// The word for it: `resend`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resend => "resend",
            Self::Hold => "hold",
        }
    }

    /// The one of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

/// What becomes of messages that were on the wire when their worker died, where they do not say it themselves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct CrashRules {
    /// Of transactional ones: sent again by default.
    pub transactional: AfterCrash,
    /// Of marketing: held by default.
    pub marketing: AfterCrash,
}

impl Default for CrashRules {
    fn default() -> Self {
        Self { transactional: AfterCrash::Resend, marketing: AfterCrash::Hold }
    }
}

impl CrashRules {
    /// The rule for messages of a purpose.
    pub const fn of(self, purpose: Purpose) -> AfterCrash {
        match purpose {
            Purpose::Transactional => self.transactional,
            Purpose::Marketing => self.marketing,
        }
    }
}

/// How a template is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Format {
    /// HTML.
    Html,
    /// Markdown, put into the default layout.
    Markdown,
    /// Plain text.
    Text,
    /// JSON, for push and webhooks.
    Json,
}

/// A message by name and channel.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Its name, as in `send email NAME`. An inline text has a name made from its journey and place.
    pub name: SmolStr,
    /// Its channel.
    pub channel: Channel,
    /// Its purpose; where it names none, that of the journey that sends it, and marketing without that.
    pub purpose: Option<Purpose>,
    /// The topic it needs consent for; where it names none, that of the journey.
    pub topic: Option<SmolStr>,
    /// What becomes of it after a crash; where it says nothing, the project's rule for its purpose.
    pub after_crash: Option<AfterCrash>,
    /// Its texts: first the one without a language, if there is one, then by language.
    pub variants: Vec<Variant>,
    /// The variables that its texts use, sorted: what an effect must carry.
    pub variables: Vec<TemplateVariable>,
}

/// The text of a message in one language.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Variant {
    /// The language, as `de`; none for the one that fits everybody.
    pub language: Option<SmolStr>,
    /// The subject, itself a template; mail only.
    pub subject: Option<String>,
    /// The line that mail programs show beside the subject, itself a template.
    pub preheader: Option<String>,
    /// How the body is written.
    pub format: Format,
    /// The body, a template.
    pub body: String,
    /// The HTML around a body in Markdown, a template in which [`CONTENT`] stands for the body; the default layout without.
    pub layout: Option<String>,
    /// The file it came from, relative to the project, with `/`.
    pub source: SmolStr,
    /// The line of the file where the body begins, from 1; 0 where no line of one file can be named.
    pub body_line: u32,
}

/// A variable of a template, as a path: `first_name`, `trigger.amount`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct TemplateVariable(pub Vec<SmolStr>);
