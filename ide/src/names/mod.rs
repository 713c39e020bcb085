//! What every name in a project means: where it is declared, and where it is used.
//!
//! Made from trees, not from checked programs, so that it holds for files that do not compile at the moment too.

mod declarations;
mod place;
mod resolve;
mod templates;

use journey_compiler::diagnostic::Span;
use journey_compiler::project::FileId;
use journey_grammar::TextRange;

pub(crate) use declarations::{Declarations, Field, Message, fields_of_triggers, journey_name, one_line};
pub use place::Kind;
pub(crate) use place::{Place, Word, of_name, of_path};
pub(crate) use resolve::Resolver;

use crate::Snapshot;

/// Something that has a name: the same symbol is the same thing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Symbol {
    /// What kind of thing it is.
    pub kind: Kind,
    /// What it belongs to: a field's event, a stage's funnel, a handle's journey; empty where names are the project's.
    pub owner: String,
    /// Its name.
    pub name: String,
}

impl Symbol {
    pub(crate) fn new(kind: Kind, owner: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind, owner: owner.into(), name: name.into() }
    }

    pub(crate) fn global(kind: Kind, name: impl Into<String>) -> Self {
        Self::new(kind, "", name)
    }
}

/// What stands in a place does to the thing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Role {
    /// Declares it.
    Declares,
    /// Asks for it.
    Reads,
    /// Changes it.
    Writes,
}

/// One place where a thing is named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Occurrence {
    /// The name's place in its file.
    pub range: TextRange,
    /// What is named.
    pub symbol: Symbol,
    /// What is done to it.
    pub role: Role,
}

/// The names in one file, in source order.
#[derive(Debug, Default)]
pub(crate) struct Names {
    occurrences: Vec<Occurrence>,
}

impl Names {
    pub(super) fn new(mut occurrences: Vec<Occurrence>) -> Self {
        occurrences.sort_by_key(|o| (o.range, o.role));
        occurrences.dedup_by_key(|o| o.range);
        Self { occurrences }
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Occurrence] {
        &self.occurrences
    }

    /// The name that an offset touches.
    pub(crate) fn at(&self, offset: u32) -> Option<&Occurrence> {
        let behind = self.occurrences.partition_point(|o| o.range.start <= offset);
        let touching = self.occurrences.get(..behind)?.last()?;
        (offset <= touching.range.end).then_some(touching)
    }
}

/// The names in a file.
pub(crate) fn names(snapshot: &Snapshot, file: FileId) -> Names {
    let declarations = snapshot.declarations();
    let sources = snapshot.sources();
    if let Some(journeys) = sources.journey_file(file) {
        let path = snapshot.path(file);
        let mut names = resolve::journeys(declarations, path, &journeys.tree);
        names.extend(templates::inline(declarations, file, &journeys.tree));
        return Names::new(names);
    }
    match sources.text_file(file) {
        Some(text) => Names::new(templates::message(declarations, snapshot.text(file), text)),
        None => Names::default(),
    }
}

/// Every place where a thing is named, file by file in source order. A message is also what its files are called; those
/// places are not among them.
pub(crate) fn everywhere(snapshot: &Snapshot, symbol: &Symbol) -> Vec<(Span, Role)> {
    let in_file = |file: FileId| {
        let found = snapshot.names(file).map(Names::all).unwrap_or_default().iter();
        found.filter(|o| o.symbol == *symbol).map(move |o| (span(file, o.range), o.role)).collect::<Vec<_>>()
    };
    snapshot.files().flat_map(in_file).collect()
}

/// A place in a file as findings name it.
pub(crate) const fn span(file: FileId, range: TextRange) -> Span {
    Span { file, start: range.start, end: range.end }
}
