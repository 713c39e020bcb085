//! A project, read: its settings, its texts, its messages. What stands in one file is read from that file alone.

use journey_bytecode::Channel;
use journey_grammar::{TextRange, Tree};

use crate::config::{self, Config};
use crate::diagnostic::Diagnostic;
use crate::messages::{self, MessageSource, TextFile};
use crate::project::{FileId, FileKind, Project, text};
use crate::syntax;

/// A project, read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sources {
    /// The settings; the defaults for a lone file.
    pub config: Config,
    /// The journey files, by path.
    pub journeys: Vec<JourneyFile>,
    /// The messages, by name and channel; those whose text stands in a journey are not among them.
    pub messages: Vec<MessageSource>,
    /// What is wrong with the files themselves.
    pub findings: Vec<Diagnostic>,
}

/// A file of declarations and journeys, parsed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JourneyFile {
    /// The file.
    pub file: FileId,
    /// Its tree, with its text.
    pub tree: Tree,
    /// Where it could not be read: what follows from that need not be said.
    pub errors: Vec<TextRange>,
}

/// What one file holds.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Content {
    Config(Box<Config>),
    Journey(JourneyFile),
    Message(Box<TextFile>),
    Nothing,
}

impl Sources {
    /// Reads a project.
    pub fn read(project: &Project) -> Self {
        let mut sources = Self::default();
        let mut texts = Vec::new();
        for (id, _) in project.ids() {
            let (content, findings) = read_file(project, id);
            sources.findings.extend(findings);
            match content {
                Content::Config(config) => sources.config = *config,
                Content::Journey(journeys) => sources.journeys.push(journeys),
                Content::Message(text) => texts.push(*text),
                Content::Nothing => {}
            }
        }
        let (messages, findings) = messages::collect(texts);
        sources.messages = messages;
        sources.findings.extend(findings);
        sources
    }

    /// The message of this name and channel.
    pub fn message(&self, channel: Channel, name: &str) -> Option<&MessageSource> {
        self.messages.iter().find(|message| message.name == name && message.channel == channel)
    }
}

fn read_file(project: &Project, id: FileId) -> (Content, Vec<Diagnostic>) {
    let Some(file) = project.file(id) else { return (Content::Nothing, Vec::new()) };
    let kind = file.kind();
    if kind == FileKind::Message && !messages::is_message(&file.path) {
        return (Content::Nothing, Vec::new());
    }
    let text = match text(id, file) {
        Ok(text) => text,
        Err(finding) => return (Content::Nothing, vec![finding]),
    };
    match kind {
        FileKind::Config => {
            let (config, findings) = config::read(id, text);
            (Content::Config(Box::new(config)), findings)
        }
        FileKind::Journey => {
            let parse = journey_grammar::parse(text);
            let findings = syntax::findings(id, &file.path, &parse);
            let errors = parse.errors.iter().map(|error| error.range).collect();
            // What another kind of text would declare is nothing to go by.
            match syntax::is_gibberish(&parse) {
                true => (Content::Nothing, findings),
                false => (Content::Journey(JourneyFile { file: id, tree: parse.tree, errors }), findings),
            }
        }
        FileKind::Message => {
            let (read, findings) = messages::read(id, &file.path, text);
            (read.map_or(Content::Nothing, |read| Content::Message(Box::new(read))), findings)
        }
    }
}
