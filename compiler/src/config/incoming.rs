//! `[sms.incoming]` and `[whatsapp.incoming]`: how what contacts write comes in.

use serde::{Deserialize, Serialize};
use toml::de::{DeTable, DeValue};

use super::SecretRef;
use super::channels::SmsProvider;
use super::read::{Reader, SecretUse, Setting, all_of, type_name};
use crate::diagnostic::{Code, Diagnostic, Span, quote};

/// `[sms.incoming]` or `[whatsapp.incoming]`
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct IncomingConfig {
    /// `secret`: where the key stands that signs what comes in; for text messages that of the account, without it.
    pub secret: Option<SecretRef>,
    /// `verify`, of WhatsApp alone and required there: where the word stands that Meta shows before it is answered.
    pub verify: Option<SecretRef>,
    /// `signature`, of `provider = "http"` alone and required there: the header with the HMAC-SHA256 of the body.
    pub signature: Option<String>,
    /// `id`: where the provider's id stands in the body, as `data.id`; `id` by default.
    pub id: Option<String>,
    /// `from`: where the number stands; `from` by default.
    pub from: Option<String>,
    /// `text`: where the text stands; `text` by default.
    pub text: Option<String>,
    /// `stopped`: what is answered to STOP; nothing by default.
    pub stopped: Option<String>,
    /// `started`: what is answered to START.
    pub started: Option<String>,
    /// `help`: what is answered to HELP.
    pub help: Option<String>,
}

/// The longest answer, in characters: as long as ten text messages.
const MAX_ANSWER: usize = 1_600;

const ANSWERS: [&str; 3] = ["stopped", "started", "help"];
const DESCRIBED: [&str; 4] = ["signature", "id", "from", "text"];

const SECRET: SecretUse = SecretUse {
    key: "secret",
    variable: "SMS_HOOK_SECRET",
    path: "/etc/journey/sms-hook-secret",
    danger: "Whoever can read the project, or its history, could write to it in the name of your contacts.",
};

const APP: SecretUse =
    SecretUse { variable: "WHATSAPP_APP_SECRET", path: "/etc/journey/whatsapp-app-secret", ..SECRET };

const VERIFY: SecretUse =
    SecretUse { key: "verify", variable: "WHATSAPP_VERIFY", path: "/etc/journey/whatsapp-verify", ..SECRET };

impl<'a> Reader<'a> {
    /// How text messages come in, if they do.
    pub(super) fn incoming_sms(&mut self, provider: SmsProvider) -> Option<IncomingConfig> {
        let (table, at) = self.incoming("sms")?;
        let described = provider == SmsProvider::Http;
        let known: Vec<_> =
            ["secret"].into_iter().chain(DESCRIBED.into_iter().filter(|_| described)).chain(ANSWERS).collect();
        self.keys("sms", table, &known);
        let incoming = self.read_incoming("sms", table, &SECRET);
        if described {
            self.required("sms", table, at, "signature", "name the header that holds the HMAC-SHA256 of the body");
            self.required("sms", table, at, "secret", "name the key that signs: `secret = \"env:SMS_HOOK_SECRET\"`");
        }
        if provider == SmsProvider::Webhook && self.value("sms", "secret").is_none() {
            self.required("sms", table, at, "secret", "name the key that signs: `secret = \"env:SMS_HOOK_SECRET\"`");
        }
        if provider == SmsProvider::Twilio && self.value("track", "base_url").is_none() {
            let found = Diagnostic::new(Code::MissingSetting, at, "nobody knows the address that Twilio calls");
            let note =
                "Twilio signs the address as the network sees it, so that it must be known to tell what is Twilio's.";
            self.found.push(found.note(note).help("write `base_url = \"https://t.example.com\"` below `[track]`"));
        }
        Some(incoming)
    }

    /// How messages of WhatsApp come in, if they do.
    pub(super) fn incoming_whatsapp(&mut self) -> Option<IncomingConfig> {
        let (table, at) = self.incoming("whatsapp")?;
        let known: Vec<_> = ["secret", "verify"].into_iter().chain(ANSWERS).collect();
        self.keys("whatsapp", table, &known);
        self.required("whatsapp", table, at, "secret", "name the secret of the app, which signs what Meta tells");
        self.required("whatsapp", table, at, "verify", "name the word that you tell Meta beside the address");
        let verify = self.text_in(table, "verify").and_then(|setting| self.secret(setting, &VERIFY));
        Some(IncomingConfig { verify, ..self.read_incoming("whatsapp", table, &APP) })
    }

    fn incoming(&mut self, section: &str) -> Option<(&'a DeTable<'a>, Span)> {
        let value = self.value(section, "incoming")?;
        match value.get_ref() {
            DeValue::Table(table) => {
                // Of a section of its own, the heading; else what stands in braces.
                let at = self.span(value.span());
                Some((table, at))
            }
            other => {
                let span = self.span(value.span());
                let message = format!("`incoming` is a section, and this is {}", type_name(other));
                self.bad(span, message, format!("write `[{section}.incoming]`, and its settings below it"))
            }
        }
    }

    fn keys(&mut self, section: &str, table: &DeTable<'_>, known: &[&str]) {
        for key in table.keys() {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let span = self.span(key.span());
            if section == "sms" && DESCRIBED.contains(&name) {
                let message = format!("`{name}` is of no use without `provider = \"http\"`");
                self.bad::<()>(span, message, format!("leave out `{name}`: how this provider writes is known"));
                continue;
            }
            let message = format!("there is no setting {} in `[{section}.incoming]`", quote(name));
            let free = known.iter().copied().filter(|key| !table.contains_key(*key));
            let found = Diagnostic::new(Code::UnknownSetting, span, message).suggest(name, free);
            self.found.push(found.help(format!("`[{section}.incoming]` knows {}", all_of(known))));
        }
    }

    fn required(&mut self, section: &str, table: &DeTable<'_>, at: Span, key: &str, help: &str) {
        if !table.contains_key(key) {
            let message = format!("`[{section}.incoming]` has no `{key}`");
            self.found.push(Diagnostic::new(Code::MissingSetting, at, message).help(help.to_owned()));
        }
    }

    fn read_incoming(&mut self, section: &str, table: &'a DeTable<'a>, secret: &SecretUse) -> IncomingConfig {
        let secret = self.text_in(table, "secret").and_then(|setting| self.secret(setting, secret));
        let mut place = |key: &str| self.text_in(table, key).and_then(|setting| self.place(key, setting));
        let [signature, id, from, text] = DESCRIBED.map(&mut place);
        let mut answer = |key: &str| self.text_in(table, key).and_then(|setting| self.reply(section, key, setting));
        let [stopped, started, help] = ANSWERS.map(&mut answer);
        IncomingConfig { secret, verify: None, signature, id, from, text, stopped, started, help }
    }

    fn text_in(&mut self, table: &'a DeTable<'a>, key: &str) -> Option<Setting<'a>> {
        let value = table.get(key)?;
        let span = self.span(value.span());
        match value.get_ref() {
            DeValue::String(text) => Some((text, span)),
            other => {
                let message = format!("`{key}` must be a text in quotes, and this is {}", type_name(other));
                self.bad(span, message, format!("write `{key} = \"..\"`"))
            }
        }
    }

    /// The name of a header or of a field.
    fn place(&mut self, key: &str, (text, span): Setting<'_>) -> Option<String> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_') || b == b'.' && key != "signature";
        if !text.is_empty() && text.bytes().all(plain) {
            return Some(text.to_owned());
        }
        let (what, example) = match key {
            "signature" => ("the name of a header", "X-Signature"),
            "id" => ("the name of a field", "data.id"),
            "from" => ("the name of a field", "data.from"),
            _ => ("the name of a field", "data.text"),
        };
        self.bad(span, format!("{} is not {what}", quote(text)), format!("write it as `{key} = \"{example}\"`"))
    }

    fn reply(&mut self, section: &str, key: &str, (text, span): Setting<'_>) -> Option<String> {
        let length = text.chars().count();
        if length == 0 || length > MAX_ANSWER {
            let message = format!("an answer has 1 to {MAX_ANSWER} characters, and this one has {length}");
            let help = format!("leave out `{key}` below `[{section}.incoming]` if nothing is to be answered");
            return self.bad(span, message, help);
        }
        Some(text.to_owned())
    }
}
