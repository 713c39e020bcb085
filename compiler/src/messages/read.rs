//! One file of `messages/`, by itself.

use journey_bytecode::{AfterCrash, Channel, Purpose};
use smol_str::SmolStr;

use super::front_matter::{self, Line};
use super::{FileName, Markup, Part, Setting, Text, TextFile};
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Span, one_of, quote};
use crate::project::FileId;
use crate::template::Piece;

/// The keys of the front matter.
pub const KEYS: &[&str] = &["subject", "preheader", "purpose", "topic", "after_crash"];

/// Reads one file. It can be used unless its name says nothing.
pub fn read(file: FileId, path: &str, text: &str) -> (Option<TextFile>, Vec<Diagnostic>) {
    let name = match FileName::read(file, path) {
        Ok(name) => name,
        Err(found) => return (None, vec![found]),
    };
    let front = front_matter::split(file, text);
    let broken = !front.findings.is_empty();
    let mut reader = Reader { file, source: text, found: front.findings };
    let body = reader.text(Part::Body, front.body..text.len());
    let body_line = 1 + text.get(..front.body).unwrap_or_default().matches('\n').count();
    let head = front.fence.clone().unwrap_or(front.body..front.body);
    let mut read = TextFile {
        name: name.name,
        channel: name.channel,
        language: name.language,
        markup: name.markup,
        path: SmolStr::new(path),
        head: Span::new(file, text, head),
        purpose: None,
        topic: None,
        after_crash: None,
        subject: None,
        preheader: None,
        body,
        layout: None,
        body_line: u32::try_from(body_line).unwrap_or(u32::MAX),
        inline: false,
    };
    let mut seen: Vec<(&str, Span)> = Vec::new();
    for line in &front.lines {
        reader.setting(&mut read, line, &mut seen);
    }
    if !broken {
        reader.whole(&read, &seen);
    }
    (Some(read), reader.found)
}

/// A text that stands in a journey, with the name that its message gets.
pub fn inline(name: SmolStr, channel: Channel, path: &str, piece: Piece, line: u32) -> TextFile {
    let markup = match channel {
        Channel::Email => Markup::Markdown,
        Channel::Sms | Channel::Push | Channel::WhatsApp => Markup::Text,
        Channel::Webhook => Markup::Json,
    };
    TextFile {
        name,
        channel,
        language: None,
        markup,
        path: SmolStr::new(path),
        head: piece.whole(),
        purpose: None,
        topic: None,
        after_crash: None,
        subject: None,
        preheader: None,
        body: Text::new(Part::Body, piece),
        layout: None,
        body_line: line,
        inline: true,
    }
}

struct Reader<'a> {
    file: FileId,
    source: &'a str,
    found: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(self.file, self.source, range)
    }

    fn text(&mut self, part: Part, range: std::ops::Range<usize>) -> Text {
        Text::new(part, Piece::slice(self.file, self.source, range))
    }

    fn setting(&mut self, read: &mut TextFile, line: &Line, seen: &mut Vec<(&'a str, Span)>) {
        let key = self.source.get(line.key.clone()).unwrap_or_default();
        let value = self.source.get(line.value.clone()).unwrap_or_default();
        let (key_span, value_span) = (self.span(line.key.clone()), self.span(line.value.clone()));
        if let Some((_, first)) = seen.iter().find(|(other, _)| *other == key) {
            let found = Diagnostic::new(Code::FrontMatter, key_span, format!("`{key}` stands here twice"));
            self.found.push(found.also(*first, "already given here").help("keep one of the two lines"));
            return;
        }
        seen.push((key, key_span));
        if value.trim().is_empty() && KEYS.contains(&key) {
            let found = Diagnostic::new(Code::FrontMatter, key_span, format!("`{key}` has no value"));
            self.found.push(found.help("write it behind the colon, or remove the line"));
            return;
        }
        match key {
            "subject" | "preheader" if read.channel != Channel::Email => {
                let message = format!("{} messages have no {key}", read.channel);
                self.found.push(Diagnostic::new(Code::UnknownMessageKey, key_span, message).help("remove the line"));
            }
            "subject" => read.subject = Some(self.text(Part::Subject, line.value.clone())),
            "preheader" => read.preheader = Some(self.text(Part::Preheader, line.value.clone())),
            "purpose" => read.purpose = self.purpose(value, value_span),
            "topic" => read.topic = Some(Setting { value: SmolStr::new(value), span: value_span }),
            "after_crash" => read.after_crash = self.after_crash(value, value_span),
            _ => {
                let found = Diagnostic::new(
                    Code::UnknownMessageKey,
                    key_span,
                    format!("messages have no {key}", key = quote(key)),
                );
                let known = KEYS.iter().copied();
                let found = found.suggest(key, known.clone());
                self.found.push(found.help(format!("they have {}", one_of(known).replace(" or ", " and "))));
            }
        }
    }

    fn purpose(&mut self, value: &str, span: Span) -> Option<Setting<Purpose>> {
        let value = match value {
            "marketing" => Purpose::Marketing,
            "transactional" => Purpose::Transactional,
            _ => {
                let message =
                    format!("a message's purpose is `marketing` or `transactional`, not {value}", value = quote(value));
                let found = Diagnostic::new(Code::FrontMatter, span, message);
                self.found.push(found.suggest(value, ["marketing", "transactional"]).help(
                    "`transactional` is what belongs to something the contact did, such as an order; all else is `marketing`",
                ));
                return None;
            }
        };
        Some(Setting { value, span })
    }

    fn after_crash(&mut self, value: &str, span: Span) -> Option<Setting<AfterCrash>> {
        let rule = AfterCrash::parse(value);
        if rule.is_none() {
            let message = format!("after a crash a message is `resend` or `hold`, not {value}", value = quote(value));
            let found = Diagnostic::new(Code::FrontMatter, span, message);
            self.found.push(found.suggest(value, AfterCrash::ALL.map(AfterCrash::name)).help(
                "`resend` loses no message and may bring one twice; `hold` brings none twice and asks you what to do",
            ));
        }
        rule.map(|value| Setting { value, span })
    }

    /// What can only be said of the whole.
    fn whole(&mut self, read: &TextFile, seen: &[(&str, Span)]) {
        let tried = seen.iter().any(|(key, _)| *key == "subject");
        if read.channel == Channel::Email && read.subject.is_none() && !tried {
            let found =
                Diagnostic::new(Code::MissingSubject, read.head, format!("the mail `{}` has no subject", read.name));
            let title = sentence(&read.name);
            let (at, text) = match seen.is_empty() && read.head.start == read.head.end {
                true => (read.head, format!("---\nsubject: {title}\n---\n")),
                false => (self.line_behind(read.head), format!("subject: {title}\n")),
            };
            let edit = Edit { span: at, text };
            self.found.push(
                found.help("write `subject: ..` between two lines `---` at the beginning of the file").fix(
                    format!("Add the subject \"{title}\""),
                    Applicability::Unsafe,
                    vec![edit],
                ),
            );
        }
        if read.body.piece.text().trim().is_empty() {
            let found = Diagnostic::new(
                Code::EmptyMessage,
                read.body.piece.whole().before(),
                format!("the message `{}` has no text", read.name),
            );
            let place = if read.channel == Channel::Email { "below the second `---`" } else { "in this file" };
            self.found.push(found.help(format!("write the text {place}")));
        }
    }

    fn line_behind(&self, span: Span) -> Span {
        let rest = self.source.get(span.end as usize..).unwrap_or_default();
        let end = span.end as usize + rest.find('\n').map_or(rest.len(), |at| at + 1);
        self.span(end..end)
    }
}

/// A name as the beginning of a sentence: `brand_story` is "Brand story".
pub(super) fn sentence(name: &str) -> String {
    let words = name.replace('_', " ");
    let words = words.trim();
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
