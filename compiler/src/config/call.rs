//! `[call]`: the systems that journeys may call, and what each answers.

use journey_bytecode::Field;
use smol_str::{SmolStr, format_smolstr};
use toml::de::{DeTable, DeValue};

use super::read::{Reader, SecretUse, all_of, type_name};
use super::{CallConfig, ServiceConfig};
use crate::check::declared_field;
use crate::diagnostic::{Code, Diagnostic, Span, quote};

/// What can be said of a system.
const KEYS: [&str; 3] = ["url", "secret", "answer"];

const HELP: &str = "describe a system as `[call.crm.update]`, with its `url` below";

const SECRET: SecretUse = SecretUse {
    key: "secret",
    variable: "CRM_SECRET",
    path: "/etc/journey/crm-secret",
    danger: "Whoever can read the project, or its history, could call that system in your name.",
};

impl Reader<'_> {
    pub(super) fn calls(&mut self) -> CallConfig {
        let mut config = CallConfig::default();
        let Some(DeValue::Table(table)) = self.document.get("call").map(toml::Spanned::get_ref) else { return config };
        for (key, value) in table {
            let span = self.span(key.span());
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("allow_private", DeValue::Boolean(allow)) => config.allow_private = *allow,
                ("allow_private", other) => {
                    let message =
                        format!("`allow_private` must be `true` or `false`, and this is {}", type_name(other));
                    self.bad::<()>(self.span(value.span()), message, "write `allow_private = true`");
                }
                (name, DeValue::Table(inner)) => self.services(&SmolStr::new(name), span, inner, &mut config),
                (name, _) => self.not_a_setting(name, span),
            }
        }
        config
    }

    /// A system, or several whose names begin alike: `[call.crm.update]` and `[call."crm.update"]` are the same.
    fn services(&mut self, name: &SmolStr, at: Span, table: &DeTable<'_>, config: &mut CallConfig) {
        let plain = |part: &str| {
            part.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_')
                && part.chars().all(|c| c.is_alphanumeric() || c == '_')
        };
        if !name.split('.').all(plain) {
            let message = format!("{name} is not a name that a journey can call", name = quote(name));
            self.bad::<()>(at, message, "use letters, digits and `_`, with dots between words, as `crm.update`");
            return;
        }
        let known = |key: &str| KEYS.contains(&key);
        if table.is_empty() || table.keys().any(|key| known(key.get_ref())) {
            let service = self.service(name, at, table);
            config.services.extend(service.map(|service| (name.clone(), service)));
            return;
        }
        for (key, value) in table {
            let span = self.span(key.span());
            match value.get_ref() {
                DeValue::Table(inner) => {
                    self.services(&format_smolstr!("{name}.{}", key.get_ref()), span, inner, config);
                }
                _ => self.not_a_setting(key.get_ref(), span),
            }
        }
    }

    fn not_a_setting(&mut self, name: &str, span: Span) {
        let message = format!("there is no setting {name} here", name = quote(name));
        let found = Diagnostic::new(Code::UnknownSetting, span, message);
        let found = match KEYS.contains(&name) {
            true => found.label("belongs below a system"),
            false => found.suggest(name, ["allow_private"]),
        };
        self.found.push(found.help(HELP));
    }

    /// A system whose answer cannot be read is there all the same, so that its calls are not unknown as well.
    fn service(&mut self, name: &str, at: Span, table: &DeTable<'_>) -> Option<ServiceConfig> {
        let (mut url, mut secret, mut answer) = (None, None, Vec::new());
        for (key, value) in table {
            let (key, at) = (key.get_ref().as_ref(), self.span(key.span()));
            let span = self.span(value.span());
            match (key, value.get_ref()) {
                ("url", DeValue::String(text)) => url = Some(self.call_url((text, span)).unwrap_or_default()),
                ("secret", DeValue::String(text)) => secret = self.secret((text, span), &SECRET),
                ("answer", DeValue::Table(fields)) => answer = self.answer(fields),
                ("answer", other) => {
                    let message = format!("`answer` must be a table of fields, and this is {}", type_name(other));
                    self.bad::<()>(
                        span,
                        message,
                        "write `answer = { status = \"enum { open closed }\", id = \"text?\" }`",
                    );
                }
                (key, other) if KEYS.contains(&key) => {
                    url = url.or_else(|| (key == "url").then(String::new));
                    let message = format!("`{key}` must be a text in quotes, and this is {}", type_name(other));
                    self.bad::<()>(span, message, HELP);
                }
                (key, _) => {
                    let message = format!("there is no setting {key} in `[call.{name}]`", key = quote(key));
                    let free = KEYS.into_iter().filter(|known| !table.keys().any(|key| key.get_ref() == known));
                    let found = Diagnostic::new(Code::UnknownSetting, at, message).suggest(key, free);
                    self.found.push(found.help(format!("`[call.{name}]` knows {}", all_of(&KEYS))));
                }
            }
        }
        if url.is_none() {
            let message = format!("`{name}` has no address");
            let found = Diagnostic::new(Code::MissingSetting, at, message);
            self.found.push(found.help(format!("write `url = \"https://..\"` below `[call.{name}]`")));
        }
        Some(ServiceConfig { url: url.unwrap_or_default(), secret, answer })
    }

    pub(super) fn call_url(&mut self, (text, span): (&str, Span)) -> Option<String> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let strange = |c: char| !c.is_ascii_graphic() || matches!(c, '"' | '\'' | '<' | '>' | '#' | '\\');
        let host = rest.map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
        match host {
            Some(host) if host.contains('@') => {
                let message = "a password does not belong in `journey.toml`";
                let found = Diagnostic::new(Code::LiteralSecret, span, message).note(SECRET.danger);
                self.found.push(found.help("calls are signed: write `secret = \"env:CRM_SECRET\"` below it"));
                None
            }
            Some(host) if !host.is_empty() && !text.contains(strange) => Some(text.to_owned()),
            _ => {
                let message = format!("{text} is not the address of a system", text = quote(text));
                self.bad(span, message, "write it as `url = \"https://crm.example.com/hooks/update\"`")
            }
        }
    }

    /// The fields of an answer, in the order of the file.
    fn answer(&mut self, table: &DeTable<'_>) -> Vec<Field> {
        const HELP: &str = "types are written as in an `event`: `\"text\"`, `\"number?\"`, `\"enum { open closed }\"`";
        let mut fields = Vec::new();
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let span = self.span(value.span());
            let DeValue::String(ty) = value.get_ref() else {
                let message = format!("a type must be a text in quotes, and this is {}", type_name(value.get_ref()));
                self.bad::<()>(span, message, HELP);
                continue;
            };
            match declared_field(key.get_ref(), ty) {
                Ok(field) => fields.push(field),
                Err(cause) => {
                    let message = format!("`{}` is not the type of an answer's field: {cause}", ty.replace('`', ""));
                    self.bad::<()>(span, message, HELP);
                }
            }
        }
        fields
    }
}
