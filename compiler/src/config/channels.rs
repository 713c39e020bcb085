//! `[sms]`, `[push]`, `[whatsapp]` and `[webhook]`: the way out for messages that are no mail.

use journey_bytecode::PLACEHOLDERS;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::read::{Reader, SecretUse, Setting, all_of, type_name};
use super::{Config, IncomingConfig, SecretRef};
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Span, nearest, quote};

/// `[sms]`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SmsConfig {
    /// `provider`, required: who takes text messages, or how.
    pub provider: SmsProvider,
    /// `url`: the provider's address; `twilio` has its own.
    pub url: Option<String>,
    /// `account`: the name of the account there.
    pub account: Option<String>,
    /// `from`: the number, or the name, that text messages come from.
    pub from: Option<String>,
    /// `secret`: where the key of the account stands.
    pub secret: Option<SecretRef>,
    /// `headers`: headers of the request, as `{ Authorization = "Bearer {secret}" }`.
    pub headers: Vec<(String, String)>,
    /// `body`: what the request says, as `{ to = "{to}", text = "{text}" }`.
    pub body: Value,
    /// `encoding`: how the body is written; JSON by default.
    pub encoding: Encoding,
    /// `[sms.incoming]`: how answers come in; without it, nobody hears them.
    pub incoming: Option<IncomingConfig>,
}

/// Who takes text messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SmsProvider {
    /// `twilio`: Twilio, or whoever speaks as it does.
    Twilio,
    /// `http`: anybody who takes a POST that `headers` and `body` describe.
    Http,
    /// `webhook`: a system of one's own that takes signed webhooks.
    Webhook,
}

impl SmsProvider {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Twilio, Self::Http, Self::Webhook];

    /// The word in the settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Twilio => "twilio",
            Self::Http => "http",
            Self::Webhook => "webhook",
        }
    }

    /// What has to be said beside it.
    const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Twilio => &["account", "secret", "from"],
            Self::Http => &["url", "body"],
            Self::Webhook => &["url"],
        }
    }

    /// What it does not look at.
    const fn ignores(self) -> &'static [&'static str] {
        match self {
            Self::Twilio => &["headers", "body", "encoding"],
            Self::Http => &[],
            Self::Webhook => &["account", "from", "headers", "body", "encoding"],
        }
    }
}

/// How a body is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Encoding {
    /// `json`
    #[default]
    Json,
    /// `form`
    Form,
}

/// `[push]`
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PushConfig {
    /// `firebase`: where the service account of a Firebase project stands, as the JSON file that Firebase hands out.
    pub firebase: Option<SecretRef>,
    /// `url`: the address of Firebase, where it is another one.
    pub url: Option<String>,
    /// `web_key`: where the private VAPID key for browsers stands.
    pub web_key: Option<SecretRef>,
    /// `web_contact`: whom the push services of browsers ask, as `mailto:push@moosbett.example`.
    pub web_contact: Option<String>,
}

/// `[whatsapp]`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WhatsAppConfig {
    /// `phone_id`, required: the id of the telephone number that messages come from.
    pub phone_id: String,
    /// `secret`, required: where the access token stands.
    pub secret: SecretRef,
    /// `url`: the address of the Graph API with its version, where it is another one.
    pub url: Option<String>,
    /// `[whatsapp.incoming]`: how answers come in; without it, nobody hears them.
    pub incoming: Option<IncomingConfig>,
}

/// `[webhook]`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WebhookConfig {
    /// `url`, required: the address that webhook messages go to.
    pub url: String,
    /// `secret`: where the key stands that signs them.
    pub secret: Option<SecretRef>,
}

const SMS: SecretUse = SecretUse {
    key: "secret",
    variable: "SMS_SECRET",
    path: "/etc/journey/sms-secret",
    danger: "Whoever can read the project, or its history, could send text messages in your name.",
};

const PUSH: SecretUse = SecretUse {
    key: "firebase",
    variable: "FIREBASE_ACCOUNT",
    path: "/etc/journey/firebase.json",
    danger: "Whoever can read the project, or its history, could send push messages in your name.",
};

const WHATSAPP: SecretUse = SecretUse {
    key: "secret",
    variable: "WHATSAPP_TOKEN",
    path: "/etc/journey/whatsapp-token",
    danger: "Whoever can read the project, or its history, could write to people in your name.",
};

const WEBHOOK: SecretUse = SecretUse {
    key: "secret",
    variable: "WEBHOOK_SECRET",
    path: "/etc/journey/webhook-secret",
    danger: "Whoever can read the project, or its history, could sign webhooks in your name.",
};

const BODY: &str = "write it as `body = { to = \"{to}\", text = \"{text}\" }`";

impl<'a> Reader<'a> {
    pub(super) fn channels(&mut self, config: &mut Config) {
        config.sms = self.sms();
        config.push = self.push();
        config.whatsapp = self.whatsapp();
        config.webhook = self.webhook();
    }

    fn sms(&mut self) -> Option<SmsConfig> {
        let at = self.heading("sms")?;
        let providers = || SmsProvider::ALL.map(SmsProvider::name);
        let Some((name, span)) = self.string("sms", "provider") else {
            if self.value("sms", "provider").is_none() {
                self.lacking("sms", "provider", at, &format!("there are {}", all_of(&providers())));
            }
            return None;
        };
        let Some(provider) = SmsProvider::ALL.into_iter().find(|provider| provider.name() == name) else {
            let found = Diagnostic::new(Code::BadConfig, span, format!("there is no provider {}", quote(name)));
            let found = match nearest(name, providers()) {
                Some(near) => found.label(format!("did you mean `{near}`?")).fix(
                    format!("Replace {} with `{near}`", quote(name)),
                    Applicability::Safe,
                    vec![Edit { span, text: format!("\"{near}\"") }],
                ),
                None => found,
            };
            let found = found.help(format!("there are {}", all_of(&providers())));
            self.found.push(found);
            return None;
        };
        for key in provider.needs() {
            if self.value("sms", key).is_none() {
                self.lacking("sms", key, at, &format!("`provider = \"{name}\"` needs it"));
            }
        }
        for key in provider.ignores() {
            if let Some(value) = self.value("sms", key) {
                let span = self.span(value.span());
                let message = format!("`{key}` is of no use with `provider = \"{name}\"`");
                self.bad::<()>(span, message, format!("leave out `{key}`, or write `provider = \"http\"`"));
            }
        }
        let (headers, body) = (self.headers(), self.body());
        Some(SmsConfig {
            provider,
            url: self.string("sms", "url").and_then(|setting| self.call_url(setting)),
            account: self.plain("sms", "account"),
            from: self.plain("sms", "from"),
            secret: self.secret_of("sms", &SMS),
            headers,
            body,
            encoding: self.encoding(),
            incoming: self.incoming_sms(provider),
        })
    }

    fn push(&mut self) -> Option<PushConfig> {
        let at = self.heading("push")?;
        let push = PushConfig {
            firebase: self.secret_of("push", &PUSH),
            url: self.string("push", "url").and_then(|setting| self.call_url(setting)),
            web_key: self.secret_of(
                "push",
                &SecretUse { key: "web_key", variable: "VAPID_KEY", path: "/etc/journey/vapid", ..PUSH },
            ),
            web_contact: self.string("push", "web_contact").and_then(|setting| self.web_contact(setting)),
        };
        if self.value("push", "firebase").is_none() && self.value("push", "web_key").is_none() {
            self.lacking("push", "firebase", at, "for apps it is `firebase`, for browsers `web_key`");
        }
        for (key, other) in [("web_key", "web_contact"), ("web_contact", "web_key"), ("url", "firebase")] {
            self.alone("push", key, other);
        }
        Some(push)
    }

    fn whatsapp(&mut self) -> Option<WhatsAppConfig> {
        let at = self.heading("whatsapp")?;
        for key in ["phone_id", "secret"] {
            if self.value("whatsapp", key).is_none() {
                self.lacking("whatsapp", key, at, "Meta shows it where the telephone number is set up");
            }
        }
        let url = self.string("whatsapp", "url").and_then(|setting| self.call_url(setting));
        let secret = self.secret_of("whatsapp", &WHATSAPP);
        let phone_id = self.string("whatsapp", "phone_id").and_then(|(text, span)| {
            if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
                return Some(text.to_owned());
            }
            let help = "write the id that Meta shows beside the number, as `phone_id = \"105512345678901\"`";
            self.bad(span, format!("{} is not the id of a telephone number", quote(text)), help)
        });
        let incoming = self.incoming_whatsapp();
        Some(WhatsAppConfig { phone_id: phone_id?, secret: secret?, url, incoming })
    }

    fn webhook(&mut self) -> Option<WebhookConfig> {
        let at = self.heading("webhook")?;
        if self.value("webhook", "url").is_none() {
            self.lacking("webhook", "url", at, "write `url = \"https://..\"` below `[webhook]`");
        }
        let secret = self.secret_of("webhook", &WEBHOOK);
        let url = self.string("webhook", "url").and_then(|setting| self.call_url(setting))?;
        Some(WebhookConfig { url, secret })
    }

    /// Where a section begins, if there is one.
    fn heading(&self, section: &str) -> Option<Span> {
        let (key, value) = self.document.get_key_value(section)?;
        matches!(value.get_ref(), DeValue::Table(_)).then(|| self.span(key.span()))
    }

    fn lacking(&mut self, section: &str, key: &str, at: Span, help: &str) {
        let found = Diagnostic::new(Code::MissingSetting, at, format!("`[{section}]` has no `{key}`"));
        self.found.push(found.help(help.to_owned()));
    }

    fn secret_of(&mut self, section: &str, secret: &SecretUse) -> Option<SecretRef> {
        self.string(section, secret.key).and_then(|setting| self.secret(setting, secret))
    }

    fn plain(&mut self, section: &str, key: &str) -> Option<String> {
        let (text, span) = self.string(section, key)?;
        if text.is_empty() || text.contains(char::is_control) {
            return self.bad(span, format!("`{key}` is empty, or has a line break in it"), "write it on one line");
        }
        Some(text.to_owned())
    }

    fn web_contact(&mut self, (text, span): Setting<'_>) -> Option<String> {
        if text.starts_with("mailto:") || text.starts_with("https://") {
            return Some(text.to_owned());
        }
        let help = "write it as `web_contact = \"mailto:push@moosbett.example\"`";
        self.bad(span, format!("{} is neither a mail address nor a page", quote(text)), help)
    }

    fn encoding(&mut self) -> Encoding {
        match self.string("sms", "encoding") {
            None | Some(("json", _)) => Encoding::Json,
            Some(("form", _)) => Encoding::Form,
            Some((text, span)) => {
                let message = format!("a body is not written as {}", quote(text));
                self.bad::<()>(span, message, "write `encoding = \"json\"` or `encoding = \"form\"`");
                Encoding::Json
            }
        }
    }

    fn table(&mut self, key: &str, help: &str) -> Option<&'a DeTable<'a>> {
        let value = self.value("sms", key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            other => {
                let span = self.span(value.span());
                self.bad(span, format!("`{key}` must be a table, and this is {}", type_name(other)), help)
            }
        }
    }

    fn headers(&mut self) -> Vec<(String, String)> {
        const HELP: &str = "write it as `headers = { Authorization = \"Bearer {secret}\" }`";
        let Some(table) = self.table("headers", HELP) else { return Vec::new() };
        let mut headers = Vec::new();
        for (key, value) in table {
            let span = self.span(value.span());
            match value.get_ref() {
                DeValue::String(text) if !text.contains(char::is_control) => {
                    self.placeholders(text, span);
                    headers.push((key.get_ref().to_string(), text.to_string()));
                }
                _ => drop(self.bad::<()>(span, "a header is one line of text", HELP)),
            }
        }
        headers
    }

    fn body(&mut self) -> Value {
        let Some(table) = self.table("body", BODY) else { return Value::Null };
        let mut text = false;
        let body = self.json_of(table, &mut text);
        if !text && let Some(value) = self.value("sms", "body") {
            let span = self.span(value.span());
            self.bad::<()>(span, "the message itself, `{text}`, is not in the body", BODY);
        }
        let flat = body.as_object().is_some_and(|fields| fields.values().all(Value::is_string));
        if !flat
            && let Some(("form", _)) = self.string("sms", "encoding")
            && let Some(value) = self.value("sms", "body")
        {
            let span = self.span(value.span());
            self.bad::<()>(span, "a form has texts alone", "write each value in quotes, or `encoding = \"json\"`");
        }
        body
    }

    fn json_of(&mut self, table: &DeTable<'_>, has_text: &mut bool) -> Value {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut fields = Map::new();
        for (key, value) in entries {
            let span = self.span(value.span());
            let value = self.json(value.get_ref(), span, has_text);
            fields.insert(key.get_ref().to_string(), value);
        }
        Value::Object(fields)
    }

    fn json(&mut self, value: &DeValue<'_>, span: Span, has_text: &mut bool) -> Value {
        match value {
            DeValue::String(text) => {
                *has_text |= text.contains("{text}");
                self.placeholders(text, span);
                Value::String(text.to_string())
            }
            DeValue::Boolean(flag) => Value::Bool(*flag),
            DeValue::Table(table) => self.json_of(table, has_text),
            DeValue::Array(items) => {
                items.iter().map(|item| self.json(item.get_ref(), self.span(item.span()), has_text)).collect()
            }
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => number.into(),
                Err(_) => self.bad(span, "this number is too large", BODY).unwrap_or_default(),
            },
            DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
            DeValue::Datetime(_) => self.bad(span, "write a date in quotes", BODY).unwrap_or_default(),
        }
    }

    /// Each `{word}` must be one that is filled in.
    fn placeholders(&mut self, text: &str, span: Span) {
        for part in text.split('{').skip(1) {
            let Some((name, _)) = part.split_once('}') else { continue };
            let is_word = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if is_word && !PLACEHOLDERS.contains(&name) {
                let shown: Vec<_> = PLACEHOLDERS.iter().map(|name| format!("{{{name}}}")).collect();
                let shown: Vec<_> = shown.iter().map(String::as_str).collect();
                let message = format!("nothing fills in `{{{name}}}`");
                let found = Diagnostic::new(Code::BadConfig, span, message);
                let found = match nearest(name, PLACEHOLDERS) {
                    Some(near) => found.label(format!("did you mean `{{{near}}}`?")),
                    None => found,
                };
                self.found.push(found.help(format!("what is filled in: {}", all_of(&shown))));
            }
        }
    }
}
