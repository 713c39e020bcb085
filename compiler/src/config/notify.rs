//! `[notify]`: colleagues, and places where colleagues read.

use smol_str::SmolStr;
use toml::de::DeValue;

use super::NotifyConfig;
use super::read::{Reader, SecretUse, is_mailbox, type_name};
use crate::diagnostic::{Code, Diagnostic, Span, quote};

/// Chats that take messages by an incoming webhook.
pub(crate) const CHATS: [&str; 2] = ["slack", "teams"];

const WEBHOOK: SecretUse = SecretUse {
    key: "\"#sales\"",
    variable: "SLACK_SALES",
    path: "/etc/journey/slack-sales",
    danger: "Whoever knows the address of an incoming webhook can write there.",
};

impl Reader<'_> {
    pub(super) fn notify(&mut self) -> NotifyConfig {
        let mut config = NotifyConfig::default();
        let Some(DeValue::Table(table)) = self.document.get("notify").map(toml::Spanned::get_ref) else {
            return config;
        };
        for (key, value) in table {
            let (name, at, span) = (SmolStr::new(key.get_ref()), self.span(key.span()), self.span(value.span()));
            match value.get_ref() {
                DeValue::String(address) if is_mailbox(address) && !CHATS.contains(&name.as_str()) => {
                    config.people.insert(name, address.trim().to_owned());
                }
                DeValue::Table(places) if CHATS.contains(&name.as_str()) => {
                    for (place, value) in places {
                        let span = self.span(value.span());
                        let DeValue::String(reference) = value.get_ref() else {
                            self.not_a_webhook(value.get_ref(), span);
                            continue;
                        };
                        if let Some(secret) = self.secret((reference, span), &WEBHOOK) {
                            config.places.insert((name.clone(), SmolStr::new(place.get_ref())), secret);
                        }
                    }
                }
                DeValue::Table(_) => {
                    let found =
                        Diagnostic::new(Code::UnknownSetting, at, format!("there is no section `[notify.{name}]`"));
                    self.found
                        .push(found.suggest(&name, CHATS).help("places are `[notify.slack]` and `[notify.teams]`"));
                }
                DeValue::String(text) => {
                    let message = format!("{text} is not a mail address", text = quote(text));
                    self.bad::<()>(span, message, "write it as `owner = \"sales@moosbett.example\"`");
                }
                other => {
                    let message = format!("`{name}` must be a mail address, and this is {}", type_name(other));
                    self.bad::<()>(span, message, "write it as `owner = \"sales@moosbett.example\"`");
                }
            }
        }
        config
    }

    fn not_a_webhook(&mut self, value: &DeValue<'_>, span: Span) {
        let message = format!("a place is a text in quotes, and this is {}", type_name(value));
        self.bad::<()>(span, message, "write it as `\"#sales\" = \"env:SLACK_SALES\"`");
    }
}
