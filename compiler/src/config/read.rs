//! Reads `journey.toml`, strictly: what is not known or does not fit is an error at its place.

use std::net::SocketAddr;
use std::ops::Range;

use journey_bytecode::{AfterCrash, Channel};
use smol_str::SmolStr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::lint::{self, LintConfig, Target};
use super::{Config, SecretRef, Smtp, SmtpScheme};
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Group, Level, Profile, Span, nearest, one_of, quote};
use crate::project::FileId;

/// Every section and its keys; `[lint]` knows every finding and group as well.
pub const SECTIONS: &[(&str, &[&str])] = &[
    ("project", &["name", "timezone"]),
    (
        "email",
        &[
            "smtp",
            "user",
            "password",
            "from",
            "connections",
            "bounces",
            "dkim",
            "dkim_selector",
            "dkim_domain",
            "dkim_ed25519",
            "dkim_ed25519_selector",
        ],
    ),
    ("track", &["base_url", "secret"]),
    ("consent", &["opt_in"]),
    ("outbox", &["transactional", "marketing"]),
    ("spam", &["hold_at", "at_least", "within"]),
    ("database", &["url"]),
    ("server", &["listen"]),
    (LINT, &[lint::PROFILES, "max_steps", "max_depth", "max_per_day", "min_share"]),
    ("call", &["allow_private"]),
    ("notify", &[]),
    ("sms", &["provider", "url", "account", "from", "secret", "headers", "body", "encoding", "incoming"]),
    ("push", &["firebase", "url", "web_key", "web_contact"]),
    ("whatsapp", &["phone_id", "secret", "url", "incoming"]),
    ("webhook", &["url", "secret"]),
];

/// The section that sets levels.
const LINT: &str = "lint";

/// Reads the settings; one that is not valid has its default.
pub fn read(file: FileId, text: &str) -> (Config, Vec<Diagnostic>) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { file, text, document: document.get_ref(), found: Vec::new() };
    reader.shape();
    let config = reader.config();
    match errors.first() {
        // What else is wrong may follow from it.
        Some(error) => (config, vec![reader.syntax(error)]),
        None => (config, reader.found),
    }
}

/// What a secret is for.
pub(super) struct SecretUse {
    pub(super) key: &'static str,
    pub(super) variable: &'static str,
    pub(super) path: &'static str,
    pub(super) danger: &'static str,
}

const SIGNING: SecretUse = SecretUse {
    key: "secret",
    variable: "JOURNEY_SECRET",
    path: "/etc/journey/secret",
    danger: "Whoever can read the project, or its history, could sign links in your name.",
};

const PASSWORD: SecretUse = SecretUse {
    key: "password",
    variable: "SMTP_PASSWORD",
    path: "/etc/journey/smtp-password",
    danger: "Whoever can read the project, or its history, could send mail in your name.",
};

const DKIM: SecretUse = SecretUse {
    key: "dkim",
    variable: "DKIM_KEY",
    path: "/etc/journey/dkim.pem",
    danger: "Whoever can read the project, or its history, could sign mail in your name.",
};

/// The most connections to one mail server.
const MAX_CONNECTIONS: i64 = 64;

pub(super) struct Reader<'a> {
    file: FileId,
    text: &'a str,
    pub(super) document: &'a DeTable<'a>,
    pub(super) found: Vec<Diagnostic>,
}

/// A setting: its value, and where that stands.
pub(super) type Setting<'a> = (&'a str, Span);

impl<'a> Reader<'a> {
    fn config(&mut self) -> Config {
        let mut config = Config::default();
        if let Some(name) = self.string("project", "name").and_then(|setting| self.name(setting)) {
            config.project.name = name;
        }
        if let Some(zone) = self.string("project", "timezone").and_then(|setting| self.zone(setting)) {
            config.project.timezone = zone;
        }
        config.email.smtp = self.string("email", "smtp").and_then(|setting| self.smtp(setting));
        config.email.user = self.string("email", "user").and_then(|setting| self.user(setting));
        config.email.password = self.string("email", "password").and_then(|setting| self.secret(setting, &PASSWORD));
        self.login();
        config.email.connections = self.connections();
        config.email.bounces = self.string("email", "bounces").and_then(|setting| self.bounces(setting));
        self.dkim(&mut config);
        config.email.from = self.string("email", "from").and_then(|setting| self.from(setting));
        config.track.base_url = self.string("track", "base_url").and_then(|setting| self.base_url(setting));
        config.track.secret = self.string("track", "secret").and_then(|setting| self.secret(setting, &SIGNING));
        config.consent.opt_in = self.opt_in();
        if let Some(rule) = self.string("outbox", "transactional").and_then(|setting| self.after_crash(setting)) {
            config.outbox.transactional = rule;
        }
        if let Some(rule) = self.string("outbox", "marketing").and_then(|setting| self.after_crash(setting)) {
            config.outbox.marketing = rule;
        }
        config.spam = self.spam();
        if let Some(url) = self.string("database", "url").and_then(|setting| self.database(setting)) {
            config.database.url = url;
        }
        if let Some(listen) = self.string("server", "listen").and_then(|setting| self.listen(setting)) {
            config.server.listen = listen;
        }
        config.lint = self.lint();
        config.call = self.calls();
        config.notify = self.notify();
        self.channels(&mut config);
        config
    }

    pub(super) fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.file, self.text, range)
    }

    pub(super) fn bad<T>(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) -> Option<T> {
        self.found.push(Diagnostic::new(Code::BadConfig, span, message).help(help));
        None
    }

    fn syntax(&self, error: &toml::de::Error) -> Diagnostic {
        let span = error.span().map_or(Span::beginning(self.file), |range| self.span(range));
        let found = |span, message| Diagnostic::new(Code::BadConfig, span, message);
        match self.unquoted(span) {
            Some(text) => {
                let written = self.text.get(text.range()).unwrap_or_default();
                let edit = Edit { span: text, text: format!("\"{written}\"") };
                found(text, "a text in `journey.toml` stands in quotes").fix(
                    "Write quotes around it",
                    Applicability::Safe,
                    vec![edit],
                )
            }
            None => found(span.visible(self.text), "`journey.toml` cannot be read from here on")
                .note(format!("The reader of TOML files says: {}.", error.message()))
                .help("write a setting as `timezone = \"Europe/Berlin\"`, below its section in brackets: `[project]`"),
        }
    }

    /// The value on the line of this place, if it is words without quotes.
    fn unquoted(&self, at: Span) -> Option<Span> {
        let start = self.text.get(..at.start as usize)?.rfind('\n').map_or(0, |at| at + 1);
        let line = self.text.get(start..)?.lines().next()?;
        let (key, value) = line.split_once('=')?;
        let begin = start + key.len() + 1 + (value.len() - value.trim_start().len());
        let value = value.trim();
        let words = value.starts_with(char::is_alphabetic) && !value.contains(['"', '\'', '#', '=']);
        (words && self.text.get(..at.start as usize)?.len() >= begin).then(|| self.span(begin..begin + value.len()))
    }

    /// Says what is unknown, what stands in the wrong place, and what is missing.
    fn shape(&mut self) {
        let mut misplaced = Vec::new();
        for (key, value) in self.document {
            let name: &str = key.get_ref();
            let span = self.span(key.span());
            match (SECTIONS.iter().find(|(section, _)| *section == name), value.get_ref()) {
                // Its names are looked up where they are read.
                (Some((LINT, _)), DeValue::Table(_)) => {}
                // Its sections have names of their own.
                (Some(("call" | "notify", _)), DeValue::Table(_)) => {}
                (Some((section, keys)), DeValue::Table(table)) => self.section(section, keys, table),
                (Some((section, _)), _) => {
                    let help = format!("write `[{section}]` on a line of its own, and its settings below it");
                    self.bad::<()>(span, format!("`{section}` is a section, not a setting"), help);
                }
                (None, DeValue::Table(_)) => self.unknown_section(name, span),
                (None, _) => misplaced.push((name, span)),
            }
        }
        misplaced.sort_by_key(|(_, span)| *span);
        for (name, span) in &misplaced {
            self.misplaced(name, *span);
        }
        for key in ["name", "timezone"] {
            let misspelt = format!("did you mean `{key}`?");
            let said = misplaced.iter().any(|(name, _)| *name == key)
                || self.found.iter().any(|found| found.primary.text == misspelt);
            if !said && self.value("project", key).is_none() {
                self.missing(key);
            }
        }
    }

    fn section(&mut self, section: &str, keys: &[&str], table: &DeTable<'_>) {
        for key in table.keys() {
            let name: &str = key.get_ref();
            if keys.contains(&name) {
                continue;
            }
            let message = format!("there is no setting {name} in `[{section}]`", name = quote(name));
            let found = Diagnostic::new(Code::UnknownSetting, self.span(key.span()), message);
            let found = match section_of(name) {
                Some(other) => found.label(format!("belongs below `[{other}]`")),
                None => {
                    let free = keys.iter().copied().filter(|key| self.value(section, key).is_none());
                    found.suggest(name, free)
                }
            };
            self.found.push(found.help(format!("`[{section}]` knows {}", all_of(keys))));
        }
    }

    fn unknown_section(&mut self, name: &str, span: Span) {
        let sections: Vec<_> = SECTIONS.iter().map(|(section, _)| *section).collect();
        let found = Diagnostic::new(Code::UnknownSetting, span, format!("there is no section `[{name}]`"))
            .suggest(name, sections.iter().copied())
            .help(format!("the sections are {}", all_of(&sections)));
        self.found.push(found);
    }

    /// A setting above every section; a missing heading is said once.
    fn misplaced(&mut self, name: &str, span: Span) {
        let found = Diagnostic::new(
            Code::UnknownSetting,
            span,
            format!("{name} stands outside of a section", name = quote(name)),
        );
        let found = match section_of(name) {
            Some(section) => {
                let label = format!("belongs below `[{section}]`");
                if self.found.iter().any(|d| d.primary.text == label) {
                    return;
                }
                let found = found.label(label);
                if self.document.contains_key(section) {
                    found
                } else {
                    let start = self.text.get(..span.start as usize).and_then(|before| before.rfind('\n'));
                    let start = self.span(start.map_or(0, |at| at + 1)..0).before();
                    let edit = Edit { span: start, text: format!("[{section}]\n") };
                    found.fix(format!("Write `[{section}]` above it"), Applicability::Safe, vec![edit])
                }
            }
            None => found.help("settings stand below a section, as `[project]`"),
        };
        self.found.push(found);
    }

    fn missing(&mut self, key: &str) {
        let (message, help) = match key {
            "name" => ("the project has no name", "write `name = \"nurture\"` below `[project]`"),
            _ => ("the project has no time zone", "write `timezone = \"Europe/Berlin\"` below `[project]`"),
        };
        let heading = self.text.find("[project]").map_or(0..0, |at| at..at + "[project]".len());
        let found = Diagnostic::new(Code::MissingSetting, self.span(heading), message).help(help);
        self.found.push(match key {
            "name" => found,
            _ => {
                found.note("Waits and quiet hours count in the zone of each contact; this one is for contacts without.")
            }
        });
    }

    pub(super) fn value(&self, section: &str, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        match self.document.get(section)?.get_ref() {
            DeValue::Table(table) => table.get(key),
            _ => None,
        }
    }

    pub(super) fn string(&mut self, section: &str, key: &str) -> Option<Setting<'a>> {
        let value = self.value(section, key)?;
        let span = self.span(value.span());
        match value.get_ref() {
            DeValue::String(text) => Some((text, span)),
            other => {
                let written = self.text.get(span.range()).unwrap_or_default().trim();
                let message = format!("`{key}` must be a text in quotes, and this is {}", type_name(other));
                self.bad(span, message, format!("write `{key} = \"{}\"`", written.replace(['"', '`', '\n'], "")))
            }
        }
    }

    /// `[lint]`: numbers, profiles, and levels of findings and groups.
    fn lint(&mut self) -> LintConfig {
        let mut config = LintConfig::default();
        let Some(DeValue::Table(table)) = self.document.get(LINT).map(Spanned::get_ref) else { return config };
        let mut said = Vec::new();
        for (key, value) in table {
            let name: &str = key.get_ref();
            let span = self.span(value.span());
            match name {
                lint::PROFILES => said.extend(self.profiles(value)),
                "max_steps" => config.max_steps = self.number(name, value).unwrap_or(config.max_steps),
                "max_depth" => config.max_depth = self.number(name, value).unwrap_or(config.max_depth),
                "max_per_day" => config.max_per_day = self.number(name, value).unwrap_or(config.max_per_day),
                "min_share" => config.min_share = self.number(name, value).unwrap_or(config.min_share),
                _ => match Target::parse(name) {
                    Some(Target::Code(code)) if !code.is_lint() => {
                        let message = format!("`{name}` is an error and stays one");
                        let key = self.span(key.span());
                        self.bad::<()>(key, message, "mend what it says; a project with errors cannot be run");
                    }
                    Some(target) => {
                        let level = value.get_ref().as_str().and_then(Level::parse);
                        match level {
                            Some(level) => said.push((target, level)),
                            None => {
                                let levels = one_of(Level::ALL.map(Level::name));
                                let message = format!("the level of `{name}` is {levels}");
                                self.bad::<()>(span, message, format!("write `{name} = \"warn\"`"));
                            }
                        }
                    }
                    None => {
                        let key = self.span(key.span());
                        self.unknown_lint(name, key);
                    }
                },
            }
        }
        config.set(said);
        config
    }

    fn unknown_lint(&mut self, name: &str, span: Span) {
        let codes = Code::ALL.iter().filter(|code| code.is_lint()).map(|code| code.name());
        let known = codes.chain(Group::ALL.map(Group::name)).chain(lint::NUMBERS).chain([lint::PROFILES, lint::ALL]);
        let message = format!("there is no finding, group or setting {}", quote(name));
        let found = Diagnostic::new(Code::UnknownSetting, span, message).suggest(name, known);
        let groups = all_of(&Group::ALL.map(Group::name));
        self.found.push(found.help(format!("the groups are {groups}; `journey explain` lists all findings")));
    }

    fn profiles(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<(Target, Level)> {
        let known = Profile::ALL.map(Profile::name);
        let help = format!("write `profiles = [\"eu\"]`; there are {}", all_of(&known));
        let DeValue::Array(names) = value.get_ref() else {
            let span = self.span(value.span());
            self.bad::<()>(span, "`profiles` is a list of names", help);
            return Vec::new();
        };
        let mut said = Vec::new();
        for item in names {
            let name = item.get_ref().as_str().unwrap_or_default();
            match Profile::parse(name) {
                // The profile itself knows the level of each finding.
                Some(profile) => said.push((Target::Profile(profile), Level::Warning)),
                None => {
                    let span = self.span(item.span());
                    let written = self.text.get(span.range()).unwrap_or_default();
                    let message = format!("there is no profile {}", quote(written.trim_matches('"')));
                    self.bad::<()>(span, message, help.clone());
                }
            }
        }
        said
    }

    fn number(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<u32> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        number.filter(|number| *number > 0).or_else(|| {
            let span = self.span(value.span());
            self.bad(span, format!("`{key}` must be a whole number above 0"), format!("write `{key} = 10`"))
        })
    }

    fn name(&mut self, (text, span): Setting<'_>) -> Option<SmolStr> {
        match text.trim() {
            "" => self.bad(span, "the project's name is empty", "write a name, as `name = \"nurture\"`"),
            name => Some(SmolStr::new(name)),
        }
    }

    fn zone(&mut self, (text, span): Setting<'_>) -> Option<SmolStr> {
        if let Ok(zone) = text.parse::<chrono_tz::Tz>() {
            return Some(SmolStr::new_static(zone.name()));
        }
        let zones = || chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
        // Most people think of their city.
        let city = text.replace(' ', "_");
        let near = zones()
            .find(|zone| zone.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(&city)))
            .or_else(|| nearest(text, zones()));
        let found =
            Diagnostic::new(Code::UnknownTimezone, span, format!("there is no time zone {text}", text = quote(text)));
        let found = match near {
            Some(zone) => found.label(format!("did you mean `{zone}`?")).fix(
                format!("Replace {} with `{zone}`", quote(text)),
                Applicability::Safe,
                vec![Edit { span, text: format!("\"{zone}\"") }],
            ),
            None => found,
        };
        self.found.push(found.help("zones have names such as `Europe/Berlin` or `America/New_York`; `UTC` is one too"));
        None
    }

    fn smtp(&mut self, (text, span): Setting<'_>) -> Option<Smtp> {
        const HELP: &str =
            "write host and port, as `smtp = \"smtp://127.0.0.1:2525\"` or `smtp = \"smtps://mail.example.com\"`";
        let scheme = |name: &str| SmtpScheme::ALL.into_iter().find(|scheme| scheme.name() == name);
        let Some((scheme, rest)) = text.split_once("://").and_then(|(name, rest)| Some((scheme(name)?, rest))) else {
            let schemes = SmtpScheme::ALL.map(|scheme| format!("{}://", scheme.name()));
            let schemes = one_of(schemes.iter().map(String::as_str));
            return self.bad(span, format!("the mail server's address must begin with {schemes}"), HELP);
        };
        if rest.contains('@') {
            self.found.push(
                Diagnostic::new(Code::LiteralSecret, span, "a password does not belong in `journey.toml`")
                    .note("Whoever can read the project could read it.")
                    .help("give host and port alone, and write `user` and `password = \"env:SMTP_PASSWORD\"` below it"),
            );
            return None;
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => {
                let Some(port) = port.parse().ok().filter(|&port| port != 0) else {
                    return self.bad(span, "the mail server's port must be a number from 1 to 65535", HELP);
                };
                (host, Some(port))
            }
            _ => (rest, None),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || !host.chars().all(plain) {
            return self.bad(span, format!("{host} is not the name of a mail server", host = quote(host)), HELP);
        }
        Some(Smtp { scheme, host: host.to_owned(), port, at: Some(span) })
    }

    fn user(&mut self, (text, span): Setting<'_>) -> Option<String> {
        if text.is_empty() || text.contains(char::is_control) {
            let help = "write the name that the mail server knows, as `user = \"hello@moosbett.example\"`";
            return self.bad(span, format!("{text} is not a name to log in with", text = quote(text)), help);
        }
        Some(text.to_owned())
    }

    /// A login is a user and a password, and there is a server to log in to.
    fn login(&mut self) {
        for (key, other) in [("user", "smtp"), ("user", "password"), ("password", "user")] {
            if self.alone("email", key, other) {
                return;
            }
        }
    }

    /// Says if a setting stands without the one that it needs.
    pub(super) fn alone(&mut self, section: &str, key: &str, other: &str) -> bool {
        let Some(value) = self.value(section, key).filter(|_| self.value(section, other).is_none()) else {
            return false;
        };
        let span = self.span(value.span());
        let message = format!("`{key}` is of no use without `{other}`");
        self.bad::<()>(span, message, format!("write `{other}` below `[{section}]` as well, or leave out `{key}`"));
        true
    }

    fn opt_in(&mut self) -> Vec<Channel> {
        const HELP: &str = "write the channels in brackets, as `opt_in = [\"sms\", \"push\"]`";
        let Some(value) = self.value("consent", "opt_in") else { return Vec::new() };
        let span = self.span(value.span());
        let DeValue::Array(items) = value.get_ref() else {
            self.bad::<()>(span, "`opt_in` must be a list of channels", HELP);
            return Vec::new();
        };
        let mut channels = Vec::new();
        for item in items {
            let name = item.get_ref().as_str().unwrap_or_default();
            match Channel::parse(name) {
                Some(channel) => channels.push(channel),
                None => {
                    let span = self.span(item.span());
                    let found = Diagnostic::new(Code::BadConfig, span, "this is not the name of a channel");
                    self.found.push(found.help(format!(
                        "the channels are {}",
                        one_of(Channel::ALL.iter().map(|channel| channel.name())).replace(" or ", " and ")
                    )));
                }
            }
        }
        channels.sort();
        channels.dedup();
        channels
    }

    fn connections(&mut self) -> Option<u16> {
        let value = self.value("email", "connections")?;
        let span = self.span(value.span());
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().parse::<i64>().ok(),
            _ => None,
        };
        match number
            .filter(|number| (1..=MAX_CONNECTIONS).contains(number))
            .and_then(|number| u16::try_from(number).ok())
        {
            Some(number) => Some(number),
            None => self.bad(
                span,
                format!("`connections` must be a number from 1 to {MAX_CONNECTIONS}"),
                "write `connections = 4`, or as many as your mail server allows",
            ),
        }
    }

    fn bounces(&mut self, (text, span): Setting<'_>) -> Option<String> {
        if is_mailbox(text) && !text.contains(['<', '+']) {
            return Some(text.trim().to_owned());
        }
        let message = format!("{text} is not a mailbox for mails that come back", text = quote(text));
        self.bad(span, message, "write an address alone, as `bounces = \"bounces@news.moosbett.example\"`")
    }

    /// Each key has its name in the DNS.
    fn dkim(&mut self, config: &mut Config) {
        let email = &mut config.email;
        email.dkim = self.string("email", "dkim").and_then(|setting| self.secret(setting, &DKIM));
        email.dkim_selector = self.string("email", "dkim_selector").and_then(|setting| self.dns_name(setting));
        email.dkim_domain = self.string("email", "dkim_domain").and_then(|setting| self.dns_name(setting));
        let ed25519 = SecretUse { key: "dkim_ed25519", ..DKIM };
        email.dkim_ed25519 = self.string("email", "dkim_ed25519").and_then(|setting| self.secret(setting, &ed25519));
        email.dkim_ed25519_selector =
            self.string("email", "dkim_ed25519_selector").and_then(|setting| self.dns_name(setting));
        for (key, other) in [
            ("dkim", "dkim_selector"),
            ("dkim_selector", "dkim"),
            ("dkim_ed25519", "dkim_ed25519_selector"),
            ("dkim_ed25519_selector", "dkim_ed25519"),
            ("dkim_domain", "dkim"),
        ] {
            self.alone("email", key, other);
        }
    }

    fn dns_name(&mut self, (text, span): Setting<'_>) -> Option<String> {
        let plain = |label: &str| {
            !label.is_empty()
                && label.len() < 64
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        if text.split('.').all(plain) {
            return Some(text.to_owned());
        }
        let message = format!("{text} cannot be a name in the DNS", text = quote(text));
        self.bad(span, message, "it has letters, digits and `-`, as `dkim_selector = \"journey1\"`")
    }

    fn from(&mut self, (text, span): Setting<'_>) -> Option<String> {
        if is_mailbox(text) {
            return Some(text.trim().to_owned());
        }
        let help = "write it as `from = \"Moosbett <hello@moosbett.example>\"`";
        self.bad(span, format!("{text} is not a mail address", text = quote(text)), help)
    }

    fn base_url(&mut self, (text, span): Setting<'_>) -> Option<String> {
        const HELP: &str = "write it as `base_url = \"https://t.example.com\"`";
        let base = text.trim_end_matches('/');
        let Some(rest) = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://")) else {
            return self.bad(span, "the address of links must begin with `https://` (or `http://`)", HELP);
        };
        let strange = |c: char| !c.is_ascii_graphic() || matches!(c, '"' | '\'' | '<' | '>' | '?' | '#');
        if rest.is_empty() || rest.starts_with('/') || rest.contains(strange) {
            return self.bad(
                span,
                format!("{text} is not an address that links can begin with", text = quote(text)),
                HELP,
            );
        }
        Some(base.to_owned())
    }

    pub(super) fn secret(&mut self, (text, span): Setting<'_>, secret: &SecretUse) -> Option<SecretRef> {
        let &SecretUse { key, variable, path, danger } = secret;
        let help = format!(
            "name an environment variable, as `{key} = \"env:{variable}\"`, or a file outside of the project, as \
             `{key} = \"file:{path}\"`"
        );
        match text.split_once(':') {
            Some(("env", name)) => {
                let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if name.is_empty() || !name.chars().all(plain) {
                    return self.bad(
                        span,
                        format!("{name} is not the name of an environment variable", name = quote(name)),
                        help,
                    );
                }
                Some(SecretRef::Env(name.to_owned()))
            }
            Some(("file", "")) => self.bad(span, format!("the path of the {key}'s file is missing"), help),
            Some(("file", path)) => Some(SecretRef::File(path.to_owned())),
            _ => {
                // The secret is not repeated: findings end up in logs.
                let message = format!("the {key} itself does not belong in `journey.toml`");
                self.found.push(Diagnostic::new(Code::LiteralSecret, span, message).note(danger).help(help));
                None
            }
        }
    }

    fn after_crash(&mut self, (text, span): Setting<'_>) -> Option<AfterCrash> {
        let rule = AfterCrash::parse(text);
        if rule.is_none() {
            let message = format!("after a crash messages are `resend` or `hold`, not {text}", text = quote(text));
            let found = Diagnostic::new(Code::BadConfig, span, message);
            self.found.push(found.suggest(text, AfterCrash::ALL.map(AfterCrash::name)).help(
                "`resend` loses no message and may bring one twice; `hold` brings none twice and asks you what to do",
            ));
        }
        rule
    }

    fn database(&mut self, (text, span): Setting<'_>) -> Option<String> {
        const HELP: &str = "write it as `url = \"sqlite:journey.db\"` (a path relative to the project), or as \
             `url = \"postgres://user@host/name\"`";
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.trim_start_matches('/').is_empty() => Some(text.to_owned()),
            Some(("sqlite", _)) => self.bad(span, "the database's path is missing", HELP),
            Some(("postgres" | "postgresql", address)) => {
                let Some(rest) = address.strip_prefix("//").filter(|rest| !rest.is_empty()) else {
                    return self.bad(span, "the database's host is missing", HELP);
                };
                // The password is not repeated: findings end up in logs.
                let user = rest.split('/').next().and_then(|place| Some(place.rsplit_once('@')?.0));
                if user.is_some_and(|user| user.contains(':')) {
                    let message = "a database's password does not belong in `journey.toml`";
                    let danger = "Whoever reads the project can use the database.";
                    let help = "leave `url` out, and set the environment variable `DATABASE_URL` where the server runs";
                    self.found.push(Diagnostic::new(Code::LiteralSecret, span, message).note(danger).help(help));
                    return None;
                }
                Some(text.to_owned())
            }
            _ => self.bad(span, "the database's address must begin with `sqlite:` or `postgres://`", HELP),
        }
    }

    fn listen(&mut self, (text, span): Setting<'_>) -> Option<SocketAddr> {
        let text = text.replace("localhost", "127.0.0.1");
        match text.parse() {
            Ok(address) => Some(address),
            Err(_) => {
                let help = "write it as `listen = \"127.0.0.1:8080\"`; `0.0.0.0:8080` is reached from everywhere";
                self.bad(span, format!("{text} is not an address with a port", text = quote(&text)), help)
            }
        }
    }
}

/// The section that knows this key.
fn section_of(key: &str) -> Option<&'static str> {
    SECTIONS.iter().find(|(_, keys)| keys.contains(&key)).map(|(section, _)| *section)
}

pub(super) fn all_of(names: &[&str]) -> String {
    one_of(names.iter().copied()).replace(" or ", " and ")
}

/// `NAME <ADDRESS>` or `ADDRESS`, roughly: the mail server has the last word.
pub(super) fn is_mailbox(text: &str) -> bool {
    let text = text.trim();
    let address = match text.strip_suffix('>') {
        Some(rest) => rest.rsplit_once('<').map_or("", |(_, address)| address),
        None => text,
    };
    let (local, domain) = address.rsplit_once('@').unwrap_or_default();
    let plain = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,;".contains(c))
    };
    plain(local) && plain(domain) && !domain.starts_with('.') && !domain.ends_with('.') && !text.contains(['\r', '\n'])
}

pub(super) fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}
