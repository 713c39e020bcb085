//! What every name in a project means: where it is declared, and where it is used.
//!
//! Made from trees, not from checked programs, so that it holds for files that do not compile at the moment too.

pub(crate) mod data;
mod declarations;
mod place;
mod resolve;
mod templates;

use journey_compiler::diagnostic::Span;
use journey_compiler::project::{CONFIG, FileId};
use journey_grammar::TextRange;

pub(crate) use declarations::{Declarations, Field, Message, journey_name, one_line};
pub use place::Kind;
pub(crate) use place::{Place, Word, of_name, of_path};
pub(crate) use resolve::Resolver;
pub(crate) use templates::in_texts;

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
    /// What else is named alike: `trigger.amount` is a field of each event that starts the run.
    pub also: Vec<Symbol>,
    /// What is done to it.
    pub role: Role,
}

impl Occurrence {
    pub(crate) const fn new(range: TextRange, symbol: Symbol, role: Role) -> Self {
        Self { range, symbol, also: Vec::new(), role }
    }

    /// All that is named.
    pub(crate) fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        std::iter::once(&self.symbol).chain(&self.also)
    }

    pub(crate) fn names(&self, symbol: &Symbol) -> bool {
        self.symbols().any(|named| named == symbol)
    }
}

/// The names in one file, in source order.
#[derive(Debug, Default)]
pub(crate) struct Names {
    occurrences: Vec<Occurrence>,
}

impl Names {
    pub(super) fn new(mut occurrences: Vec<Occurrence>) -> Self {
        occurrences.sort_by_key(|o| (o.range, o.role));
        // A text that several messages share names in one place what each of them knows by that name.
        occurrences.dedup_by(|again, first| {
            let same = again.range == first.range;
            if same {
                let more: Vec<_> = again.symbols().filter(|symbol| !first.names(symbol)).cloned().collect();
                first.also.extend(more);
            }
            same
        });
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
    if let Some(journeys) = snapshot.sources().journey_file(file) {
        let path = snapshot.path(file);
        let mut names = resolve::journeys(declarations, path, &journeys.tree);
        names.extend(templates::inline(declarations, file, path, &journeys.tree));
        return Names::new(names);
    }
    if snapshot.path(file) == CONFIG {
        return Names::new(data::settings(declarations, snapshot.text(file)));
    }
    Names::new(snapshot.names_in_texts().get(&file).cloned().unwrap_or_default())
}

/// Every place where a thing is named, file by file in source order. A message is also what its files are called; those
/// places are not among them.
pub(crate) fn everywhere(snapshot: &Snapshot, symbol: &Symbol) -> Vec<(Span, Role)> {
    let in_file = |file: FileId| {
        let found = snapshot.names(file).map(Names::all).unwrap_or_default().iter();
        found.filter(|o| o.names(symbol)).map(move |o| (span(file, o.range), o.role)).collect::<Vec<_>>()
    };
    snapshot.files().flat_map(in_file).collect()
}

/// Every place in the files beside the project where a thing is named; else why one of them cannot be looked at.
pub(crate) fn in_data(snapshot: &Snapshot, symbol: &Symbol) -> Result<Vec<Span>, String> {
    let mut found = Vec::new();
    for (file, data) in snapshot.data().filter(|_| data::can_name(symbol.kind)) {
        let bytes = data.bytes.as_ref().map_err(Clone::clone)?;
        if std::str::from_utf8(bytes).is_err() {
            return Err(format!("`{}` is not text in UTF-8, so the names in it cannot be changed", data.path));
        }
        let names = data::names(snapshot.declarations(), &data.path, snapshot.text(file));
        found.extend(names.into_iter().filter(|(_, named)| named == symbol).map(|(range, _)| span(file, range)));
    }
    Ok(found)
}

/// A place in a file as findings name it.
pub(crate) const fn span(file: FileId, range: TextRange) -> Span {
    Span { file, start: range.start, end: range.end }
}
