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

/// Something that one journey does and another may start on.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Effect<'t> {
    /// What it is done to; all of its kind without a name.
    symbol: Symbol,
    /// Whether it is taken away: a tag, or consent.
    taken: bool,
    /// The value that an attribute gets, as written.
    value: Option<&'t str>,
}

impl<'t> Effect<'t> {
    fn of(kind: Kind, name: Option<&'t str>) -> Self {
        Self { symbol: Symbol::global(kind, name.unwrap_or_default()), taken: false, value: None }
    }

    fn taken(self, taken: bool) -> Self {
        Self { taken, ..self }
    }

    /// Whether a journey that starts on `trigger` starts because of this.
    fn starts(&self, trigger: &Self) -> bool {
        let (done, wanted) = (&self.symbol, &trigger.symbol);
        let all = done.name.is_empty() || wanted.name.is_empty();
        let other_value = self.value.zip(trigger.value).is_some_and(|(done, wanted)| done != wanted);
        done.kind == wanted.kind && self.taken == trigger.taken && (all || done.name == wanted.name) && !other_value
    }
}

/// The journeys that this one sets going.
pub fn outgoing(snapshot: &Snapshot, name: &str) -> Vec<Call> {
    let effects = effects_of(snapshot, name);
    let mut calls: BTreeMap<Caller, Vec<TextRange>> = BTreeMap::new();
    for (other, triggers) in all_triggers(snapshot) {
        for (effect, step) in &effects {
            if triggers.iter().any(|trigger| effect.starts(trigger)) {
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
        let effects = effects_of(snapshot, &journey.name).into_iter();
        let started = effects.filter(|(effect, _)| triggers.iter().any(|trigger| effect.starts(trigger)));
        started.map(|(_, step)| step).collect::<Vec<_>>()
    };
    let calls = all.iter().map(|(journey, _)| Call { journey: journey.clone(), steps: of(journey) });
    calls.filter(|call| !call.steps.is_empty()).collect()
}

fn journeys(root: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    root.children().filter(|node| matches!(node.kind(), SyntaxKind::Journey | SyntaxKind::BareJourney))
}

/// What each journey starts on; itself counts for `start journey`.
fn all_triggers(snapshot: &Snapshot) -> Vec<(Caller, Vec<Effect<'_>>)> {
    let mut all = Vec::new();
    for file in snapshot.files() {
        for journey in snapshot.tree(file).into_iter().flat_map(|tree| journeys(tree.root())) {
            let name = journey_name(journey, snapshot.path(file));
            let clauses = journey.children().filter(|child| child.kind() == SyntaxKind::TriggerClause);
            let mut triggers: Vec<_> = clauses.filter_map(|clause| trigger(clause.children().next()?)).collect();
            triggers.push(Effect { symbol: Symbol::global(Kind::Journey, name.clone()), taken: false, value: None });
            let at = journey.child(SyntaxKind::Name).map_or(journey.range(), Node::range);
            all.push((Caller { name, whole: span(file, journey.range()), at: span(file, at) }, triggers));
        }
    }
    all
}

fn trigger(pattern: Node<'_>) -> Option<Effect<'_>> {
    let name = || pattern.child(SyntaxKind::Name).map(Node::text);
    let begins = |word: SyntaxKind| pattern.first_token().is_some_and(|token| token.kind() == word);
    Some(match pattern.kind() {
        SyntaxKind::TagPattern => Effect::of(Kind::Tag, Some(name()?)).taken(begins(SyntaxKind::UntagKw)),
        SyntaxKind::EventPattern => Effect::of(Kind::Event, Some(name()?)),
        SyntaxKind::StagePattern => Effect::of(Kind::Stage, Some(pattern.child(SyntaxKind::Path)?.text())),
        SyntaxKind::ConsentPattern => {
            Effect::of(Kind::Topic, name()).taken(pattern.first_token()?.text() == "unsubscribed")
        }
        SyntaxKind::ChangePattern => {
            let to = pattern.child(SyntaxKind::ToClause).and_then(|to| to.children().next());
            Effect { value: to.map(Node::text), ..Effect::of(Kind::Attribute, Some(attribute(pattern)?)) }
        }
        _ => return None,
    })
}

/// The attribute that a step or pattern is about.
fn attribute(of: Node<'_>) -> Option<&str> {
    let path = of.children().filter(|child| child.kind() == SyntaxKind::Path);
    let path = if of.kind() == SyntaxKind::SetStep { path.into_iter().next() } else { path.last() };
    path.map(|path| path.text().trim_start_matches("contact."))
}

/// What a journey does that others may start on, and where.
fn effects_of<'s>(snapshot: &'s Snapshot, name: &str) -> Vec<(Effect<'s>, TextRange)> {
    let Some(journey) = journey_named(snapshot, name) else { return Vec::new() };
    let Some(tree) = snapshot.tree(journey.whole.file) else { return Vec::new() };
    let inside = tree
        .root()
        .descendants()
        .filter(|node| journey.whole.start <= node.range().start && node.range().end <= journey.whole.end);
    let names = snapshot.names(journey.whole.file);
    let is_value = |path: Node<'_>| {
        let named = names.and_then(|names| names.at(path.range().start));
        named.is_some_and(|named| named.symbol.kind == Kind::Value)
    };
    inside.filter_map(|node| Some((effect(node, is_value)?, node.range()))).collect()
}

fn effect<'t>(step: Node<'t>, is_value: impl Fn(Node<'_>) -> bool) -> Option<Effect<'t>> {
    let name = || step.child(SyntaxKind::Name).map(Node::text);
    Some(match step.kind() {
        SyntaxKind::StartStep => Effect::of(Kind::Journey, Some(name()?)),
        SyntaxKind::AddTagStep => Effect::of(Kind::Tag, Some(name()?)),
        SyntaxKind::RemoveTagStep => Effect::of(Kind::Tag, Some(name()?)).taken(true),
        SyntaxKind::RecordStep => Effect::of(Kind::Event, Some(name()?)),
        SyntaxKind::MoveStep => Effect::of(Kind::Stage, Some(step.child(SyntaxKind::Path)?.text())),
        SyntaxKind::SubscribeStep => Effect::of(Kind::Topic, Some(name()?)),
        SyntaxKind::UnsubscribeStep => Effect::of(Kind::Topic, name()).taken(true),
        SyntaxKind::SetStep => {
            let constant = |value: &Node<'_>| value.kind() == SyntaxKind::Literal || is_value(*value);
            let value = step.children().nth(1).filter(constant).map(Node::text);
            Effect { value, ..Effect::of(Kind::Attribute, Some(attribute(step)?)) }
        }
        SyntaxKind::AddStep | SyntaxKind::RemoveStep => Effect::of(Kind::Attribute, Some(attribute(step)?)),
        _ => return None,
    })
}
