//! Which thing a word in a journey file names.

use journey_grammar::{Node, SyntaxKind, TextRange, Token, Tree};

use super::declarations::{Declarations, journey_name};
use super::place::{self, Place, Word};
use super::{Kind, Occurrence, Role, Symbol};

/// The names in a file of journeys.
pub(super) fn journeys(declarations: &Declarations, path: &str, tree: &Tree) -> Vec<Occurrence> {
    let resolver = Resolver { declarations, path };
    tree.root().descendants().flat_map(|node| resolver.node(node)).collect()
}

/// The part of a word that is the name: the moment at which a code is no longer good is called after the code.
fn called(word: TextRange, symbol: &Symbol) -> TextRange {
    let end = word.start.saturating_add(u32::try_from(symbol.name.len()).unwrap_or(0));
    TextRange::new(word.start, end.min(word.end))
}

/// Looks names up.
pub(crate) struct Resolver<'a> {
    pub(crate) declarations: &'a Declarations,
    /// The file's.
    pub(crate) path: &'a str,
}

impl Resolver<'_> {
    fn node(&self, node: Node<'_>) -> Vec<Occurrence> {
        let occurrence = |token: Token<'_>, symbol, role| Occurrence::new(token.range(), symbol, role);
        match node.kind() {
            SyntaxKind::Name => {
                let found = node.first_token().and_then(|token| {
                    let (symbol, role) = self.name(node)?;
                    Some(occurrence(token, symbol, role))
                });
                found.into_iter().collect()
            }
            SyntaxKind::Path => {
                let segments = node.own_tokens().filter(|token| token.kind().is_word());
                let role = if self.is_written(node) { Role::Writes } else { Role::Reads };
                let named = self.path(node, self.wanted(node));
                let named = segments.zip(named).filter_map(|(token, symbol)| Some((token, symbol?)));
                let of_trigger = |symbol: &Symbol| match symbol.kind {
                    Kind::Field => self.alike(node, symbol),
                    _ => Vec::new(),
                };
                named
                    .map(|(token, symbol)| {
                        let (range, also) = (called(token.range(), &symbol), of_trigger(&symbol));
                        Occurrence { range, symbol, also, role }
                    })
                    .collect()
            }
            SyntaxKind::Field => {
                let Some(token) = node.first_token() else { return Vec::new() };
                let symbol = match self.field_owner(node) {
                    Some(owner) if owner.is_empty() => Symbol::global(Kind::Attribute, token.text()),
                    Some(owner) => Symbol::new(Kind::Field, owner, token.text()),
                    None => return Vec::new(),
                };
                vec![occurrence(token, symbol, Role::Declares)]
            }
            SyntaxKind::FieldValue => {
                let Some(token) = node.first_token() else { return Vec::new() };
                let symbol = match self.record_owner(node) {
                    Some(owner) if owner.is_empty() => Symbol::global(Kind::Attribute, token.text()),
                    Some(owner) => Symbol::new(Kind::Field, owner, token.text()),
                    None => return Vec::new(),
                };
                vec![occurrence(token, symbol, Role::Writes)]
            }
            _ => Vec::new(),
        }
    }

    fn name(&self, node: Node<'_>) -> Option<(Symbol, Role)> {
        let text = node.text();
        Some(match place::of_name(node) {
            Place::New(kind) => (Symbol::new(kind, self.owner(kind, node), text), Role::Declares),
            Place::Known(kind) => {
                let role = match node.parent().map(Node::kind) {
                    Some(SyntaxKind::AddTagStep | SyntaxKind::RemoveTagStep | SyntaxKind::RecordStep) => Role::Writes,
                    _ => Role::Reads,
                };
                (Symbol::new(kind, self.owner(kind, node), text), role)
            }
            Place::Sent => (self.sent(node), Role::Reads),
            Place::AnyOf => {
                let topic = Symbol::global(Kind::Topic, text);
                let known = self.declarations.messages.contains_key(text);
                let symbol = if known { Symbol::global(Kind::Message, text) } else { topic };
                let is_name = known || self.declarations.items.contains_key(&symbol);
                (is_name.then_some(symbol)?, Role::Reads)
            }
            // A run can end because of an event.
            Place::Word(Word::EndReason) if self.declarations.events.contains_key(text) => {
                (Symbol::global(Kind::Event, text), Role::Reads)
            }
            _ => return None,
        })
    }

    /// What names of a kind belong to, around this node.
    pub(crate) fn owner(&self, kind: Kind, node: Node<'_>) -> String {
        match kind {
            Kind::Stage => {
                let funnel =
                    ancestor(node, &[SyntaxKind::FunnelDecl]).and_then(|funnel| funnel.child(SyntaxKind::Name));
                funnel.map(|name| name.text().to_owned()).unwrap_or_default()
            }
            Kind::Side => {
                let split = ancestor(node, &[SyntaxKind::SplitStep]).and_then(|split| split.child(SyntaxKind::Name));
                split.map(|name| name.text().to_owned()).unwrap_or_default()
            }
            Kind::Value => {
                let field = ancestor(node, &[SyntaxKind::Field]);
                let owner = field.and_then(|field| Some((self.field_owner(field)?, field.first_token()?.text())));
                owner.map(|(owner, field)| of_field(&owner, field)).unwrap_or_default()
            }
            Kind::Handle | Kind::Local | Kind::Step | Kind::Split => self.journey_around(node).unwrap_or_default(),
            Kind::Contact => ancestor(node, &[SyntaxKind::Test])
                .and_then(|test| test.token(SyntaxKind::String))
                .map(|title| title.text().to_owned())
                .unwrap_or_default(),
            _ => String::new(),
        }
    }

    pub(crate) fn journey_around(&self, node: Node<'_>) -> Option<String> {
        ancestor(node, JOURNEYS).map(|journey| journey_name(journey, self.path))
    }

    /// A handle if the journey, or in a test any journey, has it; else the message.
    fn sent(&self, node: Node<'_>) -> Symbol {
        let text = node.text();
        match self.journey_around(node) {
            Some(journey) if self.declarations.handles.contains_key(&(journey.clone(), text.to_owned())) => {
                Symbol::new(Kind::Handle, journey, text)
            }
            None => {
                let mut handles = self.declarations.handles.keys();
                match handles.find(|(_, handle)| handle == text) {
                    Some((journey, _)) if !self.declarations.messages.contains_key(text) => {
                        Symbol::new(Kind::Handle, journey.clone(), text)
                    }
                    _ => Symbol::global(Kind::Message, text),
                }
            }
            Some(_) => Symbol::global(Kind::Message, text),
        }
    }

    /// What each word of a path names, where values of `wanted` are expected.
    fn path(&self, node: Node<'_>, wanted: Option<String>) -> Vec<Option<Symbol>> {
        let words: Vec<&str> = node.own_tokens().filter(|token| token.kind().is_word()).map(Token::text).collect();
        let (Some(first), second) = (words.first().copied(), words.get(1).copied()) else { return Vec::new() };
        let global = |kind| Some(Symbol::global(kind, first));
        let part = |kind| second.map(|second| Symbol::new(kind, first, second));
        match place::of_path(node) {
            Place::Known(Kind::Funnel) => vec![global(Kind::Funnel), part(Kind::Stage)],
            Place::Known(Kind::Event) => vec![global(Kind::Event), part(Kind::Field)],
            Place::Known(Kind::Split) => {
                let owner = self.declarations.items.keys().find(|s| s.kind == Kind::Split && s.name == first);
                vec![owner.cloned(), part(Kind::Side)]
            }
            Place::Known(kind) => vec![global(kind)],
            Place::Group if second.is_some() && self.declarations.funnels.contains_key(first) => {
                vec![global(Kind::Funnel), part(Kind::Stage)]
            }
            Place::Group if second.is_some() => {
                let split = self.journey_around(node).map(|journey| Symbol::new(Kind::Split, journey, first));
                vec![split, part(Kind::Side)]
            }
            Place::Group => vec![global(Kind::Segment)],
            Place::EventOrValue if self.declarations.events.contains_key(first) => vec![global(Kind::Event)],
            Place::EventOrValue | Place::Value => self.value(node, first, second, wanted),
            _ => Vec::new(),
        }
    }

    /// What the words of a value name.
    fn value(&self, node: Node<'_>, first: &str, second: Option<&str>, wanted: Option<String>) -> Vec<Option<Symbol>> {
        if let Some(second) = second {
            return match first {
                "contact" => vec![None, Some(Symbol::global(Kind::Attribute, second))],
                "trigger" => {
                    let trigger = self.trigger_field(node, second).map(|owner| Symbol::new(Kind::Field, owner, second));
                    vec![None, trigger]
                }
                _ => vec![self.local(node, first)],
            };
        }
        if let Some(owner) = wanted
            && self.declarations.field(&owner).is_some_and(|field| field.values.iter().any(|value| value == first))
        {
            return vec![Some(Symbol::new(Kind::Value, owner, first))];
        }
        if let Some(local) = self.local(node, first) {
            return vec![Some(local)];
        }
        if let Some(event) = self.event_around(node)
            && self.declarations.event_field(&event, first).is_some()
        {
            return vec![Some(Symbol::new(Kind::Field, event, first))];
        }
        if node.parent().map(Node::kind) == Some(SyntaxKind::PerClause)
            && let Some(owner) = self.trigger_field(node, first)
        {
            return vec![Some(Symbol::new(Kind::Field, owner, first))];
        }
        let score = Symbol::global(Kind::Score, first);
        if self.declarations.items.contains_key(&score) {
            return vec![Some(score)];
        }
        let attribute =
            self.declarations.attributes.contains_key(first).then(|| Symbol::global(Kind::Attribute, first));
        vec![attribute.or_else(|| self.declarations.voucher(first))]
    }

    fn local(&self, node: Node<'_>, name: &str) -> Option<Symbol> {
        let journey = self.journey_around(node)?;
        self.declarations.called(name, |name| Symbol::new(Kind::Local, journey.clone(), name))
    }

    /// The event that a field of the trigger belongs to.
    fn trigger_field(&self, node: Node<'_>, field: &str) -> Option<String> {
        let journey = self.journey_around(node)?;
        let mut fields = self.declarations.fields_of_triggers(&journey);
        fields.find(|(_, known)| known.name == field).map(|(owner, _)| owner.to_owned())
    }

    /// The fields of the other events that start the journey, where a path means them too.
    fn alike(&self, path: Node<'_>, field: &Symbol) -> Vec<Symbol> {
        let of_trigger = path.own_tokens().next().is_some_and(|token| token.text() == "trigger")
            || path.parent().map(Node::kind) == Some(SyntaxKind::PerClause);
        let Some(journey) = self.journey_around(path).filter(|_| of_trigger) else { return Vec::new() };
        let fields = self.declarations.fields_of_triggers(&journey);
        let others = fields.filter(|(owner, known)| *owner != field.owner && known.name == field.name);
        others.map(|(owner, _)| Symbol::new(Kind::Field, owner, field.name.as_str())).collect()
    }

    /// The event whose fields have bare names here: inside its `where`.
    pub(crate) fn event_around(&self, node: Node<'_>) -> Option<String> {
        let clause = ancestor(node, &[SyntaxKind::WhereClause])?;
        let of = clause.parent()?;
        match of.kind() {
            SyntaxKind::EventPattern | SyntaxKind::DidExpr => {
                of.child(SyntaxKind::Name).map(|name| name.text().to_owned())
            }
            SyntaxKind::AggregateExpr | SyntaxKind::OccurrenceExpr => {
                of.child(SyntaxKind::Path)?.first_token().map(|token| token.text().to_owned())
            }
            _ => None,
        }
    }

    /// The attribute or field whose values are expected here: `plan`, `purchase.kind`.
    pub(crate) fn wanted(&self, node: Node<'_>) -> Option<String> {
        use SyntaxKind as K;
        let parent = node.parent()?;
        let other_side = |parent: Node<'_>| {
            let side = parent.children().next().filter(|side| *side != node)?;
            self.field_of(side)
        };
        match parent.kind() {
            K::CompareExpr | K::BetweenExpr | K::InExpr | K::MatchExpr => other_side(parent)
                .or_else(|| parent.children().nth(1).filter(|side| *side != node).and_then(|side| self.field_of(side))),
            K::ListExpr | K::ParenExpr | K::ValueRange => self.wanted(parent),
            K::SetStep | K::AttributeChange => other_side(parent),
            K::AddStep | K::RemoveStep => {
                parent.children().nth(1).filter(|side| *side != node).and_then(|side| self.field_of(side))
            }
            K::FromClause | K::ToClause => {
                let of = parent.parent().filter(|of| matches!(of.kind(), K::ChangePattern | K::ChangedExpr))?;
                self.field_of(of.child(K::Path)?)
            }
            K::ChooseArm => self.field_of(ancestor(parent, &[K::ChooseStep])?.children().next()?),
            K::Field => Some(of_field(&self.field_owner(parent)?, parent.first_token()?.text())),
            K::FieldValue => Some(of_field(&self.record_owner(parent)?, parent.first_token()?.text())),
            _ => None,
        }
    }

    /// The attribute or field that a value is.
    fn field_of(&self, side: Node<'_>) -> Option<String> {
        if side.kind() != SyntaxKind::Path {
            return None;
        }
        // What is expected of this side in turn does not matter: it is what the other side is measured by.
        let symbol = self.path(side, None).into_iter().flatten().last()?;
        match symbol.kind {
            Kind::Attribute => Some(symbol.name),
            Kind::Field => Some(of_field(&symbol.owner, &symbol.name)),
            _ => None,
        }
    }

    /// The event that a declared field belongs to; empty for the contact.
    fn field_owner(&self, field: Node<'_>) -> Option<String> {
        let of = field.parent()?.parent()?;
        match of.kind() {
            SyntaxKind::ContactDecl => Some(String::new()),
            SyntaxKind::EventDecl => of.child(SyntaxKind::Name).map(|name| name.text().to_owned()),
            SyntaxKind::CallTrigger => self.journey_around(of).map(|journey| format!("call {journey}")),
            _ => None,
        }
    }

    /// The event whose fields a record gives; empty for the contact.
    pub(crate) fn record_owner(&self, field: Node<'_>) -> Option<String> {
        let of = match field.kind() {
            SyntaxKind::RecordLiteral => field.parent()?,
            _ => field.parent()?.parent()?,
        };
        match of.kind() {
            SyntaxKind::GivenContact => Some(String::new()),
            SyntaxKind::RecordStep | SyntaxKind::EventStimulus => {
                of.child(SyntaxKind::Name).map(|name| name.text().to_owned())
            }
            SyntaxKind::StartStep => of.child(SyntaxKind::Name).map(|name| format!("call {}", name.text())),
            _ => None,
        }
    }

    fn is_written(&self, path: Node<'_>) -> bool {
        let Some(parent) = path.parent() else { return false };
        match parent.kind() {
            SyntaxKind::SetStep | SyntaxKind::AttributeChange => parent.child(SyntaxKind::Path) == Some(path),
            SyntaxKind::AddStep | SyntaxKind::RemoveStep => parent.children().last() == Some(path),
            SyntaxKind::MoveStep => true,
            _ => false,
        }
    }
}

const JOURNEYS: &[SyntaxKind] = &[SyntaxKind::Journey, SyntaxKind::BareJourney];

/// The nearest node around this one, itself included, of one of these kinds.
pub(crate) fn ancestor<'t>(node: Node<'t>, kinds: &[SyntaxKind]) -> Option<Node<'t>> {
    node.ancestors().find(|node| kinds.contains(&node.kind()))
}

fn of_field(owner: &str, field: &str) -> String {
    if owner.is_empty() { field.to_owned() } else { format!("{owner}.{field}") }
}
