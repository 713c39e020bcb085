//! Which journey sets which other one going: `start journey`, and what one does and another waits for.

use std::collections::BTreeMap;

use journey_compiler::diagnostic::Span;
use journey_compiler::project::FileId;
use journey_grammar::{Node, SyntaxKind, TextRange};

use crate::Snapshot;
use crate::names::{Kind, Symbol, journey_name, span};

/// A journey, as a caller or callee.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Caller {
    /// Its name.
    pub name: String,
    /// All of it.
    pub whole: Span,
    /// Its name's place.
    pub at: Span,
}

/// A journey that sets another one going, and by which steps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The other journey.
    pub journey: Caller,
    /// The steps, in the file of the one that does it.
    pub steps: Vec<TextRange>,
}

/// The journey around an offset, or the one that is named there.
pub fn journey_at(snapshot: &Snapshot, file: FileId, offset: u32) -> Option<Caller> {
    if let Some(named) = snapshot.names(file).and_then(|names| names.at(offset))
        && named.symbol.kind == Kind::Journey
    {
        return journey_named(snapshot, &named.symbol.name);
    }
    let tree = snapshot.tree(file)?;
    let journey =
        journeys(tree.root()).find(|journey| journey.range().start <= offset && offset <= journey.range().end)?;
    journey_named(snapshot, &journey_name(journey, snapshot.path(file)))
}

/// The journey of this name.
pub fn journey_named(snapshot: &Snapshot, name: &str) -> Option<Caller> {
    let item = snapshot.declarations().items.get(&Symbol::global(Kind::Journey, name))?;
    Some(Caller { name: name.to_owned(), whole: item.whole, at: item.at })
}

/// The journeys that this one sets going.
pub fn outgoing(snapshot: &Snapshot, name: &str) -> Vec<Call> {
    let effects = effects_of(snapshot, name);
    let mut calls: BTreeMap<Caller, Vec<TextRange>> = BTreeMap::new();
    for (other, triggers) in all_triggers(snapshot) {
        for (effect, step) in &effects {
            if triggers.contains(effect) {
                calls.entry(other.clone()).or_default().push(*step);
            }
        }
    }
    calls.into_iter().map(|(journey, steps)| Call { journey, steps }).collect()
}

/// The journeys that set this one going.
pub fn incoming(snapshot: &Snapshot, name: &str) -> Vec<Call> {
    let all = all_triggers(snapshot);
    let Some((_, triggers)) = all.iter().find(|(journey, _)| journey.name == name) else { return Vec::new() };
    let of = |journey: &Caller| {
        let steps = effects_of(snapshot, &journey.name).into_iter();
        steps.filter(|(effect, _)| triggers.contains(effect)).map(|(_, step)| step).collect::<Vec<_>>()
    };
    let calls = all.iter().map(|(journey, _)| Call { journey: journey.clone(), steps: of(journey) });
    calls.filter(|call| !call.steps.is_empty()).collect()
}

fn journeys(root: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    root.children().filter(|node| matches!(node.kind(), SyntaxKind::Journey | SyntaxKind::BareJourney))
}

/// What each journey starts on; itself counts for `start journey`.
fn all_triggers(snapshot: &Snapshot) -> Vec<(Caller, Vec<Symbol>)> {
    let mut all = Vec::new();
    for file in snapshot.files() {
        for journey in snapshot.tree(file).into_iter().flat_map(|tree| journeys(tree.root())) {
            let name = journey_name(journey, snapshot.path(file));
            let clauses = journey.children().filter(|child| child.kind() == SyntaxKind::TriggerClause);
            let mut triggers: Vec<Symbol> = clauses.filter_map(|clause| trigger(clause.children().next()?)).collect();
            triggers.push(Symbol::global(Kind::Journey, name.clone()));
            let at = journey.child(SyntaxKind::Name).map_or(journey.range(), Node::range);
            all.push((Caller { name, whole: span(file, journey.range()), at: span(file, at) }, triggers));
        }
    }
    all
}

fn trigger(pattern: Node<'_>) -> Option<Symbol> {
    match pattern.kind() {
        SyntaxKind::TagPattern if pattern.first_token()?.kind() == SyntaxKind::TagKw => {
            Some(Symbol::global(Kind::Tag, pattern.child(SyntaxKind::Name)?.text()))
        }
        SyntaxKind::EventPattern => Some(Symbol::global(Kind::Event, pattern.child(SyntaxKind::Name)?.text())),
        SyntaxKind::StagePattern => Some(Symbol::global(Kind::Stage, pattern.child(SyntaxKind::Path)?.text())),
        _ => None,
    }
}

/// What a journey does that others may wait for, and where.
fn effects_of(snapshot: &Snapshot, name: &str) -> Vec<(Symbol, TextRange)> {
    let Some(journey) = journey_named(snapshot, name) else { return Vec::new() };
    let Some(tree) = snapshot.tree(journey.whole.file) else { return Vec::new() };
    let inside = tree
        .root()
        .descendants()
        .filter(|node| journey.whole.start <= node.range().start && node.range().end <= journey.whole.end);
    let effect = |node: Node<'_>| {
        let name = || node.child(SyntaxKind::Name).map(Node::text);
        let symbol = match node.kind() {
            SyntaxKind::StartStep => Symbol::global(Kind::Journey, name()?),
            SyntaxKind::AddTagStep => Symbol::global(Kind::Tag, name()?),
            SyntaxKind::RecordStep => Symbol::global(Kind::Event, name()?),
            SyntaxKind::MoveStep => Symbol::global(Kind::Stage, node.child(SyntaxKind::Path)?.text()),
            _ => return None,
        };
        Some((symbol, node.range()))
    };
    inside.filter_map(effect).collect()
}
