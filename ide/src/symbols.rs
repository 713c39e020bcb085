//! What a file and a project hold, by name.

use journey_compiler::diagnostic::Span;
use journey_compiler::project::FileId;
use journey_grammar::ast::{self, AstNode};
use journey_grammar::{Node, SyntaxKind, TextRange};

use crate::Snapshot;
use crate::names::{Declarations, Kind, Message};

/// Something with a name in a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outline {
    /// What it is called.
    pub name: String,
    /// More about it.
    pub detail: String,
    /// What it is.
    pub kind: OutlineKind,
    /// All of it.
    pub whole: TextRange,
    /// Its name.
    pub at: TextRange,
    /// What is inside.
    pub children: Vec<Outline>,
}

/// What an entry of an outline is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum OutlineKind {
    /// Something that has a name.
    Named(Kind),
    /// `contact { .. }`
    Contact,
    /// `policy { .. }`
    Policy,
    /// A test.
    Test,
    /// A message that is sent.
    Send,
}

/// What a file holds, in source order.
pub fn outline(snapshot: &Snapshot, file: FileId) -> Vec<Outline> {
    let Some(tree) = snapshot.tree(file) else { return Vec::new() };
    ast::File::of(tree).items().filter_map(|item| entry(item, snapshot.path(file))).collect()
}

fn entry(item: ast::Item<'_>, path: &str) -> Option<Outline> {
    let node = item.syntax();
    let name = node.child(SyntaxKind::Name);
    let first = node.first_token()?;
    let named = |kind, children| {
        let name = name?;
        Some(leaf(name.text(), "", OutlineKind::Named(kind), node, name.range(), children))
    };
    let block = |what: &str, kind, children| Some(leaf(what, "", kind, node, first.range(), children));
    match item {
        ast::Item::Contact(_) => block("contact", OutlineKind::Contact, fields(node, Kind::Attribute)),
        ast::Item::Tags(_) => {
            let tags = node.children().filter(|child| child.kind() == SyntaxKind::Name);
            let tags =
                tags.map(|tag| leaf(tag.text(), "", OutlineKind::Named(Kind::Tag), tag, tag.range(), Vec::new()));
            block("tags", OutlineKind::Contact, tags.collect())
        }
        ast::Item::Policy(_) => block("policy", OutlineKind::Policy, Vec::new()),
        ast::Item::Event(_) => named(Kind::Event, fields(node, Kind::Field)),
        ast::Item::Topic(_) => named(Kind::Topic, Vec::new()),
        ast::Item::Funnel(_) => named(Kind::Funnel, Vec::new()),
        ast::Item::Segment(_) => named(Kind::Segment, Vec::new()),
        ast::Item::Score(_) => named(Kind::Score, Vec::new()),
        ast::Item::Voucher(_) => named(Kind::Voucher, Vec::new()),
        ast::Item::Test(_) => {
            let title = node.token(SyntaxKind::String)?;
            let text = title.text().trim_matches('"');
            Some(leaf(text, "test", OutlineKind::Test, node, title.range(), Vec::new()))
        }
        ast::Item::Journey(_) => {
            let at = name.map_or(first.range(), Node::range);
            let name = crate::names::journey_name(node, path);
            Some(leaf(&name, "", OutlineKind::Named(Kind::Journey), node, at, steps(node)))
        }
    }
}

/// The steps that people look for, without those around them.
fn steps(journey: Node<'_>) -> Vec<Outline> {
    let step = |node: Node<'_>| {
        let name = node.child(SyntaxKind::Name);
        match node.kind() {
            SyntaxKind::SendStep => {
                let channel = node.child(SyntaxKind::ChannelList).map(Node::text).unwrap_or_default();
                let text = name.map(Node::text).or_else(|| Some(node.token(SyntaxKind::String)?.text()))?;
                let at = name.map_or(node.range(), Node::range);
                Some(leaf(text, &format!("send {channel}"), OutlineKind::Send, node, at, Vec::new()))
            }
            SyntaxKind::StepLabel => {
                let name = name?;
                Some(leaf(name.text(), "step", OutlineKind::Named(Kind::Step), node, name.range(), Vec::new()))
            }
            SyntaxKind::SplitStep => {
                let name = name?;
                Some(leaf(name.text(), "split", OutlineKind::Named(Kind::Split), node, name.range(), Vec::new()))
            }
            _ => None,
        }
    };
    journey.descendants().filter_map(step).collect()
}

fn fields(node: Node<'_>, kind: Kind) -> Vec<Outline> {
    let list = node.child(SyntaxKind::FieldList).into_iter().flat_map(Node::children);
    let field = |node: Node<'_>| {
        let name = ast::Field::cast(node)?.name()?;
        let ty = node.child(SyntaxKind::TypeRef).map(Node::text).unwrap_or_default();
        Some(leaf(name.text(), ty, OutlineKind::Named(kind), node, name.range(), Vec::new()))
    };
    list.filter_map(field).collect()
}

fn leaf(name: &str, detail: &str, kind: OutlineKind, node: Node<'_>, at: TextRange, children: Vec<Outline>) -> Outline {
    Outline { name: name.to_owned(), detail: detail.to_owned(), kind, whole: node.range(), at, children }
}

/// Something with a name in a project.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What it belongs to.
    pub owner: String,
    /// Where it is declared.
    pub at: Span,
}

/// The most answers to one search.
const MAX_FOUND: usize = 256;

/// The things whose names have the letters of the query, in order, without regard to case.
pub fn search(snapshot: &Snapshot, query: &str) -> Vec<Found> {
    let declarations = snapshot.declarations();
    let mut found: Vec<Found> = all(declarations).filter(|found| has_letters(&found.name, query)).collect();
    let rank = |name: &str| (!name.to_lowercase().starts_with(&query.to_lowercase()), name.len());
    found.sort_by(|a, b| rank(&a.name).cmp(&rank(&b.name)).then_with(|| (&a.name, a.kind).cmp(&(&b.name, b.kind))));
    found.truncate(MAX_FOUND);
    found
}

fn all(declarations: &Declarations) -> impl Iterator<Item = Found> {
    let items = declarations.items.iter().map(|(symbol, item)| Found {
        name: symbol.name.clone(),
        kind: symbol.kind,
        owner: symbol.owner.clone(),
        at: item.at,
    });
    let attributes = declarations.attributes.values().map(|field| Found {
        name: field.name.clone(),
        kind: Kind::Attribute,
        owner: String::new(),
        at: field.at,
    });
    let messages = declarations.messages.iter().flat_map(|(name, texts)| {
        let of = |message: &Message| {
            let file = *message.files.first()?;
            let (name, owner) = (name.clone(), message.channel.clone());
            Some(Found { name, kind: Kind::Message, owner, at: Span::beginning(file) })
        };
        texts.iter().filter_map(of).collect::<Vec<_>>()
    });
    items.chain(attributes).chain(messages)
}

fn has_letters(name: &str, query: &str) -> bool {
    let mut letters = name.chars().flat_map(char::to_lowercase);
    query.chars().flat_map(char::to_lowercase).all(|wanted| letters.any(|letter| letter == wanted))
}
