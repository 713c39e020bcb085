//! From a name to the thing, and to every place that names it.

use journey_compiler::diagnostic::Span;
use journey_compiler::project::FileId;
use journey_grammar::TextRange;

use crate::Snapshot;
use crate::names::{self, Kind, Role, Symbol};

/// A place to go to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Target {
    /// The name.
    pub name: Span,
    /// All of what it names.
    pub whole: Span,
}

impl Target {
    const fn at(span: Span) -> Self {
        Self { name: span, whole: span }
    }
}

/// A name in a file, and where the thing is declared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Definition {
    /// The name that was asked about.
    pub origin: TextRange,
    /// Where the thing is declared; a message has one place a language.
    pub targets: Vec<Target>,
}

/// Where the thing under the cursor is declared.
pub fn definition(snapshot: &Snapshot, file: FileId, offset: u32) -> Option<Definition> {
    let occurrence = snapshot.names(file)?.at(offset)?;
    let targets: Vec<_> = occurrence.symbols().flat_map(|symbol| declared(snapshot, symbol)).collect();
    (!targets.is_empty()).then_some(Definition { origin: occurrence.range, targets })
}

/// Where a thing is declared.
pub(crate) fn declared(snapshot: &Snapshot, symbol: &Symbol) -> Vec<Target> {
    let declarations = snapshot.declarations();
    if symbol.kind == Kind::Message {
        let messages = declarations.messages.get(&symbol.name).into_iter().flatten();
        return messages.flat_map(|message| &message.files).map(|file| Target::at(Span::beginning(*file))).collect();
    }
    if symbol.kind == Kind::Part {
        let files = declarations.shared.get(&symbol.name).into_iter().flatten();
        return files.map(|file| Target::at(Span::beginning(*file))).collect();
    }
    if let Some(item) = declarations.items.get(symbol) {
        return vec![Target { name: item.at, whole: item.whole }];
    }
    let field = match symbol.kind {
        Kind::Attribute => declarations.attributes.get(&symbol.name),
        Kind::Field => declarations.event_field(&symbol.owner, &symbol.name),
        _ => None,
    };
    if let Some(field) = field {
        return vec![Target::at(field.at)];
    }
    let all = names::everywhere(snapshot, symbol).into_iter();
    all.filter(|(_, role)| *role == Role::Declares).map(|(span, _)| Target::at(span)).collect()
}

/// Every place that names the thing under the cursor, in file order.
pub fn references(snapshot: &Snapshot, file: FileId, offset: u32, with_declaration: bool) -> Vec<Span> {
    let Some(occurrence) = snapshot.names(file).and_then(|names| names.at(offset)) else { return Vec::new() };
    let mut spans: Vec<Span> = Vec::new();
    for symbol in occurrence.symbols() {
        let all = names::everywhere(snapshot, symbol).into_iter();
        spans.extend(all.filter(|(_, role)| with_declaration || *role != Role::Declares).map(|(span, _)| span));
        // What a file is called declares it.
        if with_declaration && matches!(symbol.kind, Kind::Message | Kind::Part) {
            spans.extend(declared(snapshot, symbol).into_iter().map(|target| target.name));
        }
    }
    spans.sort();
    spans.dedup();
    spans
}

/// The places in this file that name the thing under the cursor, and what each does.
pub fn highlights(snapshot: &Snapshot, file: FileId, offset: u32) -> Vec<(TextRange, Role)> {
    let Some(names) = snapshot.names(file) else { return Vec::new() };
    let Some(occurrence) = names.at(offset) else { return Vec::new() };
    let same = names.all().iter().filter(|other| other.symbols().any(|symbol| occurrence.names(symbol)));
    same.map(|other| (other.range, other.role)).collect()
}
