//! What can be written here.
//!
//! Nothing is offered on suspicion: each candidate is put in its place and parsed, and whatever the parser would find
//! fault with is left out. The names come from what the project declares, by the place that the parser put them in. In a
//! template it is the checker of templates that is asked.

mod filters;
mod names;
mod phrases;
mod settings;
mod skeleton;
mod template;

use journey_compiler::project::{FileId, FileKind};
use journey_grammar::{Parse, SyntaxKind, TextRange, Token, Tree};

use crate::Snapshot;
use crate::names::{Kind, Symbol};

/// Something that can be written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Completion {
    /// What is shown, and what typing narrows down.
    pub label: String,
    /// What it is.
    pub kind: CompletionKind,
    /// A few words beside it.
    pub detail: String,
    /// What is written; with places to fill in if `snippet`.
    pub insert: String,
    /// Whether `insert` has places to fill in: `${1:name}`.
    pub snippet: bool,
    /// The place of what is replaced.
    pub replace: TextRange,
    /// The order: what fits best comes first.
    pub rank: u8,
    /// What it names.
    pub symbol: Option<Symbol>,
}

impl Completion {
    /// What is written by an editor that has no snippets: with what stands in the places.
    pub fn text(&self) -> String {
        if self.snippet { without_places(&self.insert) } else { self.insert.clone() }
    }
}

/// A snippet with what stands in its places.
fn without_places(snippet: &str) -> String {
    let mut out = String::new();
    let mut rest = snippet;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        rest = match after.strip_prefix('{').and_then(|place| place.split_once('}')) {
            Some((place, after)) => {
                out.push_str(place.split_once(':').map_or("", |(_, text)| text));
                after
            }
            None => after.trim_start_matches(|c: char| c.is_ascii_digit()),
        };
    }
    out.push_str(rest);
    out
}

/// What kind of thing is offered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CompletionKind {
    /// A name.
    Name(Kind),
    /// A word of the language.
    Keyword,
    /// A word with a value.
    Constant,
    /// A whole statement.
    Snippet,
    /// A function or filter.
    Function,
    /// A type or channel.
    Type,
    /// A setting of a file's head.
    Setting,
}

/// What can be written at an offset.
pub fn completions(snapshot: &Snapshot, file: FileId, offset: u32) -> Vec<Completion> {
    let kind = snapshot.project().file(file).map(|file| file.kind());
    if matches!(kind, Some(FileKind::Message | FileKind::Shared)) {
        return template::in_message(snapshot, file, offset);
    }
    let Some(tree) = snapshot.tree(file) else { return Vec::new() };
    let around = tree.tokens_at(offset);
    let inside = around.left.filter(|left| left.range().end > offset || is_open(*left));
    match inside.map(Token::kind) {
        Some(SyntaxKind::Comment | SyntaxKind::DocComment) => return Vec::new(),
        Some(SyntaxKind::String | SyntaxKind::BadString) => return template::in_string(snapshot, file, tree, offset),
        Some(kind) if kind.is_literal() => return Vec::new(),
        _ => {}
    }
    let replace = word_at(tree, offset);
    let before = snapshot.text(file).get(..replace.start as usize).unwrap_or_default();
    let site = Site { snapshot, file, tree, replace, skeleton: skeleton::of(before) };
    let mut found = names::offer(&site);
    // Behind a dot only names can stand, and where the values of an enum can, nothing else fits.
    let values = found.iter().any(|offer| offer.kind == CompletionKind::Name(Kind::Value));
    if !site.skeleton.ends_with('.') && !values {
        phrases::offer(&site, &mut found);
    }
    found.sort_by(|a, b| (a.rank, &a.label).cmp(&(b.rank, &b.label)));
    found.dedup_by(|a, b| a.label == b.label);
    found
}

/// What a completion names, in Markdown.
pub fn documentation(snapshot: &Snapshot, symbol: &Symbol) -> String {
    crate::hover::describe(snapshot, symbol)
}

/// Where something is to be written.
struct Site<'a> {
    snapshot: &'a Snapshot,
    file: FileId,
    tree: &'a Tree,
    /// The word that is being written.
    replace: TextRange,
    /// A short text that ends in the same place of the grammar.
    skeleton: String,
}

impl Site<'_> {
    /// The tree of the skeleton with this behind it, if the parser finds no fault with that.
    fn accepts(&self, candidate: &str) -> Option<Tree> {
        let parse = journey_grammar::parse(&format!("{}{candidate}", self.skeleton));
        let before = u32::try_from(self.skeleton.trim_end().len()).ok()?;
        // What is missing at the end can still come.
        let end = u32::try_from(self.skeleton.len() + candidate.trim_end().len()).ok()?;
        let wrong = parse.errors.iter().any(|error| before <= error.range.start && error.range.start < end);
        // What is read as something else because of it shows before it.
        let habits = |parse: &Parse| parse.errors.iter().filter(|error| error.kind.is_habit()).count();
        let meant = habits(&parse);
        let misread = meant > 0 && meant > habits(&journey_grammar::parse(&self.skeleton));
        (!wrong && !misread).then_some(parse.tree)
    }

    /// The candidate's first token in the tree that [`Site::accepts`] gave.
    fn first<'t>(&self, tree: &'t Tree) -> Option<Token<'t>> {
        tree.tokens_at(u32::try_from(self.skeleton.len()).ok()?).right
    }

    fn completion(&self, label: impl Into<String>, kind: CompletionKind, rank: u8) -> Completion {
        let label = label.into();
        Completion {
            insert: label.clone(),
            label,
            kind,
            detail: String::new(),
            snippet: false,
            replace: self.replace,
            rank,
            symbol: None,
        }
    }
}

/// A comment or text that ends where the line or file does.
fn is_open(token: Token<'_>) -> bool {
    match token.kind() {
        SyntaxKind::Comment | SyntaxKind::DocComment => true,
        SyntaxKind::BadString => !token.text().ends_with('"') || token.text().len() == 1,
        _ => false,
    }
}

/// The word that an offset touches, or the empty place.
fn word_at(tree: &Tree, offset: u32) -> TextRange {
    let around = tree.tokens_at(offset);
    let word =
        around.left.filter(|token| token.kind().is_word()).or(around.right.filter(|token| token.kind().is_word()));
    match word.map(Token::range) {
        Some(range) if range.start <= offset && offset <= range.end => range,
        _ => TextRange::at(offset),
    }
}
