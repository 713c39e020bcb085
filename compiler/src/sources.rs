//! A project, read: its settings, its texts, its messages. What stands in one file is read from that file alone.

use std::sync::{Arc, OnceLock};

use journey_bytecode::{Channel, Holiday};
use journey_grammar::Tree;
use rayon::prelude::*;

use crate::codes::{self, CodesFile};
use crate::config::{self, Config};
use crate::diagnostic::Diagnostic;
use crate::hir::{self, Body, Item, Lowered};
use crate::holidays;
use crate::messages::{self, MessageSource, SharedText, TextFile};
use crate::project::{File, FileId, FileKind, Project, text};
use crate::syntax;

/// A project, read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sources {
    /// The settings; the defaults for a lone file.
    pub config: Config,
    /// The journey files, by path.
    pub journeys: Vec<Arc<JourneyFile>>,
    /// The messages, by name and channel; those whose text stands in a journey are not among them.
    pub messages: Vec<MessageSource>,
    /// Days on which no marketing leaves.
    pub(crate) holidays: Vec<Holiday>,
    /// Files of codes.
    pub(crate) codes: Vec<Arc<CodesFile>>,
    /// What is wrong with the files themselves.
    pub findings: Vec<Diagnostic>,
    /// What each file holds, by its id: kept for the next time.
    files: Vec<Arc<ReadFile>>,
}

/// What one file holds, and the text that it was read from.
#[derive(PartialEq, Debug)]
struct ReadFile {
    path: String,
    bytes: Arc<[u8]>,
    content: Content,
    findings: Vec<Diagnostic>,
}

/// A file of declarations and journeys, parsed.
#[derive(Clone, PartialEq, Debug)]
pub struct JourneyFile {
    /// The file.
    pub file: FileId,
    /// Its tree, with its text.
    pub tree: Tree,
    /// What it says.
    pub lowered: Lowered,
    /// The steps of its journeys, each read when it is judged first; none if they are not kept.
    pub(crate) bodies: Vec<OnceLock<Body>>,
}

impl JourneyFile {
    /// Its journeys and tests in order, with the place where the steps are kept.
    pub(crate) fn judged(&self) -> impl Iterator<Item = (&Item, Option<&OnceLock<Body>>)> {
        let mut bodies = self.bodies.iter();
        self.lowered.file.items.iter().filter_map(move |item| match item {
            Item::Journey(_) => Some((item, bodies.next())),
            Item::Test(_) => Some((item, None)),
            _ => None,
        })
    }

    /// The steps of one of its journeys.
    pub(crate) fn body(&self, journey: &hir::Journey) -> Body {
        hir::body(self.file, &self.tree, journey)
    }
}

/// What becomes of the steps of journeys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bodies {
    /// They are kept with the file: the next state of the project is likely to ask for them again.
    Kept,
    /// They are gone when the journey is judged.
    Dropped,
}

/// What one file holds.
#[derive(PartialEq, Debug)]
enum Content {
    Config(Box<Config>),
    Journey(Arc<JourneyFile>),
    Message(Arc<TextFile>),
    Shared(Arc<SharedText>),
    Codes(Arc<CodesFile>),
    Holidays(Vec<Holiday>),
    Nothing,
}

impl Sources {
    /// Reads a project, to judge it once: the steps of a journey are read when it is judged, so that they are gone again
    /// before they are out of the processor's reach.
    pub fn read(project: &Project) -> Self {
        Self::default().read_files(project, Bodies::Dropped)
    }

    /// Reads a project of which an earlier state was read: only files that changed are read anew.
    #[must_use]
    pub fn read_again(&self, project: &Project) -> Self {
        self.read_files(project, Bodies::Kept)
    }

    fn read_files(&self, project: &Project, bodies: Bodies) -> Self {
        let mut sources = Self::default();
        let (mut texts, mut shared) = (Vec::new(), Vec::new());
        // Places name their file by its id, so a file that moved in the list is another one.
        let before = |id: FileId, file: &File| self.files.get(id.0 as usize).filter(|kept| kept.path == file.path);
        let same = |(id, file): (FileId, &File)| before(id, file).filter(|kept| kept.bytes == file.bytes).cloned();
        let mut files: Vec<Option<Arc<ReadFile>>> = project.ids().map(same).collect();
        let mut changed: Vec<_> = project.ids().zip(&mut files).filter(|(_, read)| read.is_none()).collect();
        changed.par_iter_mut().for_each(|((id, file), read)| {
            let before = before(*id, file).map(|before| &before.content);
            **read = Some(Arc::new(read_file(*id, file, bodies, before)));
        });
        for read in files.into_iter().flatten() {
            sources.findings.extend(read.findings.iter().cloned());
            match &read.content {
                Content::Config(config) => sources.config = Config::clone(config),
                Content::Journey(journeys) => sources.journeys.push(Arc::clone(journeys)),
                Content::Message(text) => texts.push(Arc::clone(text)),
                Content::Shared(text) => shared.push(Arc::clone(text)),
                Content::Codes(codes) => sources.codes.push(Arc::clone(codes)),
                Content::Holidays(holidays) => sources.holidays.clone_from(holidays),
                Content::Nothing => {}
            }
            sources.files.push(read);
        }
        sources.findings.extend(messages::assemble(&mut texts, &shared));
        let (messages, findings) = messages::collect(texts);
        sources.messages = messages;
        sources.findings.extend(findings);
        sources
    }

    /// Whether two states differ at most in journey files that are the same in the eyes of the others.
    pub(crate) fn same_beside(&self, before: &Self, same: impl Fn(&JourneyFile, &JourneyFile) -> bool) -> bool {
        self.files.len() == before.files.len()
            && self.files.iter().zip(&before.files).all(|(now, then)| {
                Arc::ptr_eq(now, then)
                    || now.path == then.path
                        && match (&now.content, &then.content) {
                            (Content::Journey(now), Content::Journey(then)) => same(now, then),
                            _ => false,
                        }
            })
    }

    /// The journey file of this id.
    pub fn journey_file(&self, file: FileId) -> Option<&JourneyFile> {
        match &self.files.get(file.0 as usize)?.content {
            Content::Journey(journeys) => Some(journeys),
            _ => None,
        }
    }

    /// The message's text in the file of this id.
    pub fn text_file(&self, file: FileId) -> Option<&TextFile> {
        match &self.files.get(file.0 as usize)?.content {
            Content::Message(text) => Some(text),
            _ => None,
        }
    }

    /// The partials and layouts, by path.
    pub fn shared(&self) -> impl Iterator<Item = &SharedText> {
        self.files.iter().filter_map(|read| match &read.content {
            Content::Shared(text) => Some(&**text),
            _ => None,
        })
    }

    /// The message of this name and channel.
    pub fn message(&self, channel: Channel, name: &str) -> Option<&MessageSource> {
        let at =
            self.messages.binary_search_by(|message| (message.name.as_str(), message.channel).cmp(&(name, channel)));
        self.messages.get(at.ok()?)
    }
}

fn read_file(id: FileId, file: &File, bodies: Bodies, before: Option<&Content>) -> ReadFile {
    let (content, findings) = read_content(id, file, bodies, before);
    ReadFile { path: file.path.clone(), bytes: Arc::clone(&file.bytes), content, findings }
}

fn read_content(id: FileId, file: &File, bodies: Bodies, before: Option<&Content>) -> (Content, Vec<Diagnostic>) {
    let kind = file.kind();
    if matches!(kind, FileKind::Message | FileKind::Shared) && !messages::is_message(&file.path) {
        return (Content::Nothing, Vec::new());
    }
    if kind == FileKind::Codes {
        let (read, findings) = codes::read(id, file);
        return (Content::Codes(Arc::new(read)), findings);
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
        FileKind::Holidays => {
            let (holidays, findings) = holidays::read(id, text);
            (Content::Holidays(holidays), findings)
        }
        FileKind::Journey => {
            let parse = match before {
                Some(Content::Journey(before)) => journey_grammar::parse_again(text, &before.tree),
                _ => journey_grammar::parse(text),
            };
            let findings = syntax::findings(id, &file.path, &parse);
            // What another kind of text would declare is nothing to go by.
            match syntax::is_gibberish(&parse) {
                true => (Content::Nothing, findings),
                false => (Content::Journey(Arc::new(journey_file(id, parse.tree, bodies))), findings),
            }
        }
        FileKind::Message => {
            let (read, findings) = messages::read(id, &file.path, text);
            (read.map_or(Content::Nothing, |read| Content::Message(Arc::new(read))), findings)
        }
        FileKind::Shared => match messages::read_shared(id, &file.path, text) {
            Ok(shared) => (Content::Shared(Arc::new(shared)), Vec::new()),
            Err(finding) => (Content::Nothing, vec![finding]),
        },
        // Read above: it may be larger than any text.
        FileKind::Codes => (Content::Nothing, Vec::new()),
    }
}

fn journey_file(file: FileId, tree: Tree, kept: Bodies) -> JourneyFile {
    let lowered = hir::lower(file, &tree);
    let bodies = match kept {
        Bodies::Kept => {
            let journeys = lowered.file.items.iter().filter(|item| matches!(item, Item::Journey(_)));
            journeys.map(|_| OnceLock::new()).collect()
        }
        Bodies::Dropped => Vec::new(),
    };
    JourneyFile { file, tree, lowered, bodies }
}
