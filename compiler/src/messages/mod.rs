//! Messages: files of `messages/`, one a text, and texts that stand in journeys.
//!
//! [`read`] knows one file alone, [`assemble`] fills in the partials and layouts that texts share, [`collect`] puts the texts
//! of a message together, [`check`] judges a message by what the project declares.

mod assemble;
mod check;
mod collect;
mod file_name;
mod front_matter;
mod json;
mod mjml;
mod read;
mod shared;
mod sight;
mod sms;

use std::sync::Arc;

pub use assemble::assemble;
pub use check::check;
pub use collect::{collect, placeholder};
pub use file_name::{FileName, Markup, is_message};
use std::collections::BTreeSet;

pub use journey_bytecode::{AfterCrash, Channel};
use journey_bytecode::{Message, Purpose, Schema, TemplateVariable, Variant};
pub use read::{KEYS, inline, read};
pub use shared::{SharedText, parts, read_shared};
pub use sight::{Sight, Vocabulary};
use smol_str::SmolStr;

use crate::diagnostic::{Diagnostic, Span};
use crate::template::{LocalShape, Piece, Template, TriggerShape, Use, asks_trigger, check_locals, check_trigger};

/// What a part of a text is written for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// The subject.
    Subject,
    /// The line that mail programs show beside it.
    Preheader,
    /// The body.
    Body,
    /// The HTML around a body in Markdown.
    Layout,
}

/// A text with its template.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    /// What it is.
    pub part: Part,
    /// As written, and where.
    pub piece: Piece,
    /// Its template.
    pub template: Template,
    /// The HTML that was made of MJML.
    pub html: Option<String>,
}

/// A setting of the front matter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Setting<T> {
    /// What it says.
    pub value: T,
    /// Where.
    pub span: Span,
}

/// One text of a message: one file of `messages/`, or a string in a journey.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TextFile {
    /// The message's name.
    pub name: SmolStr,
    /// Its channel.
    pub channel: Channel,
    /// The language; none for the text that fits everybody.
    pub language: Option<SmolStr>,
    /// How the body is written.
    pub markup: Markup,
    /// The file, relative to the project.
    pub path: SmolStr,
    /// Where the text begins: what is said about all of it is said here.
    pub head: Span,
    /// `purpose`
    pub purpose: Option<Setting<Purpose>>,
    /// `topic`
    pub topic: Option<Setting<SmolStr>>,
    /// `after_crash`
    pub after_crash: Option<Setting<AfterCrash>>,
    /// `subject`
    pub subject: Option<Text>,
    /// `preheader`
    pub preheader: Option<Text>,
    /// The body.
    pub body: Text,
    /// The layout of its own that a body in Markdown has.
    pub layout: Option<Text>,
    /// The line where the body begins, from 1; 0 if it was put together from several files.
    pub body_line: u32,
    /// Whether it stands in a journey.
    pub inline: bool,
}

/// A message with its texts: first the one that fits everybody, if there is one, then by language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MessageSource {
    /// Its name.
    pub name: SmolStr,
    /// Its channel.
    pub channel: Channel,
    /// Its purpose, if one of its texts says so.
    pub purpose: Option<Setting<Purpose>>,
    /// Its topic, if one of its texts says so.
    pub topic: Option<Setting<SmolStr>>,
    /// What becomes of it after a crash, if one of its texts says so.
    pub after_crash: Option<Setting<AfterCrash>>,
    /// Its texts; at least one.
    pub texts: Vec<Arc<TextFile>>,
}

impl Text {
    /// Reads the template of a text.
    pub fn new(part: Part, piece: Piece) -> Self {
        Self { part, template: Template::parse(&piece), piece, html: None }
    }

    /// What the runtime fills in.
    pub fn source(&self) -> &str {
        self.html.as_deref().unwrap_or_else(|| self.piece.text())
    }
}

impl TextFile {
    /// Subject, preheader, body and layout.
    pub fn parts(&self) -> impl Iterator<Item = &Text> {
        self.subject.iter().chain(&self.preheader).chain([&self.body]).chain(&self.layout)
    }
}

impl MessageSource {
    /// All parts of all texts, each with its language.
    pub fn parts(&self) -> impl Iterator<Item = (Option<&str>, &Text)> {
        self.texts.iter().flat_map(|text| text.parts().map(|part| (text.language.as_deref(), part)))
    }

    /// Where a text has the link that confirms a subscription to the message's topic.
    pub fn confirms(&self) -> Option<Span> {
        let mut uses = self.parts().flat_map(|(_, part)| &part.template.uses);
        let confirms = |usage: &&Use| !usage.explicit && usage.path.first().is_some_and(|root| root == "confirm_url");
        uses.find(confirms).map(|usage| usage.span)
    }

    /// Whether a text uses a field of the event that started the run.
    pub fn uses_trigger(&self) -> bool {
        self.parts().any(|(_, part)| part.template.uses.iter().any(|usage| usage.is_trigger()))
    }

    /// Whether a text speaks of the event that started the run, so that it matters which journey sends it.
    pub fn asks_trigger(&self) -> bool {
        self.parts().any(|(_, part)| asks_trigger(&part.template))
    }

    /// Checks the fields of the trigger for a journey that sends it; `at` is the send statement.
    pub fn check_trigger(&self, triggers: &[TriggerShape], at: Span) -> Vec<Diagnostic> {
        self.parts().flat_map(|(language, part)| check_trigger(&part.template, triggers, language, at)).collect()
    }

    /// Checks the local variables of a journey that sends it. `all` are those of every journey that does.
    pub fn check_locals(
        &self,
        locals: &[LocalShape],
        all: &BTreeSet<SmolStr>,
        schema: &Schema,
        at: Span,
    ) -> Vec<Diagnostic> {
        let parts = self.parts();
        parts.flat_map(|(language, part)| check_locals(&part.template, locals, all, schema, language, at)).collect()
    }

    /// The message for the bundle.
    pub fn message(&self) -> Message {
        let mut variables: Vec<TemplateVariable> =
            self.parts().flat_map(|(_, part)| part.template.uses.iter().filter_map(|usage| usage.variable())).collect();
        variables.sort();
        variables.dedup();
        Message {
            name: self.name.clone(),
            channel: self.channel,
            purpose: self.purpose.as_ref().map(|purpose| purpose.value),
            topic: self.topic.as_ref().map(|topic| topic.value.clone()),
            after_crash: self.after_crash.as_ref().map(|rule| rule.value),
            variants: self.texts.iter().map(|text| text.variant()).collect(),
            variables,
        }
    }
}

impl TextFile {
    fn variant(&self) -> Variant {
        let source = |text: &Option<Text>| text.as_ref().map(|text| text.source().to_owned());
        Variant {
            language: self.language.clone(),
            subject: source(&self.subject),
            preheader: source(&self.preheader),
            format: self.markup.format(),
            body: self.body.source().to_owned(),
            layout: source(&self.layout),
            source: self.path.clone(),
            body_line: if self.body.html.is_some() { 0 } else { self.body_line },
        }
    }
}
