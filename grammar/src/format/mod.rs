//! The formatter: one canonical style.
//!
//! One statement a line, two spaces a level, 80 columns where they suffice. Comments stay, in their order: a comment in the middle of
//! a statement moves above it. An item with a syntax error stays as it is, to the byte.

mod doc;
mod gap;
mod layout;

use crate::ast::{AstNode, File};
use crate::error::SyntaxErrorKind;
use crate::kind::SyntaxKind;
use crate::parser::{self, Parse, parse};
use crate::text::TextRange;
use crate::tree::Token;

/// The width that lines keep to where they can.
pub const LINE_WIDTH: usize = 80;

/// Formats a source.
pub fn format(source: &str) -> String {
    format_parsed(&parse(source))
}

/// Formats a source that is parsed already.
pub fn format_parsed(parse: &Parse) -> String {
    format_once(parse, true)
}

/// Formats; a source with errors whose formatted text would be formatted differently again stays as it is, if `checked`.
fn format_once(parse: &Parse, checked: bool) -> String {
    let file = File::of(&parse.tree).syntax();
    if parse.errors.is_empty() {
        return layout::file(file, |_| false);
    }
    let broken: Vec<TextRange> = parse.errors.iter().flat_map(|error| places(&error.kind, error.range)).collect();
    // Tokens that belong to no item: nothing is certain here.
    let stray = |token: Token<'_>| token.kind() == SyntaxKind::Unknown && token.parent() == file;
    if file.children().any(|item| item.kind() == SyntaxKind::Error) || parse.tree.tokens().any(stray) {
        return parse.tree.text().to_owned();
    }
    let formatted = layout::file(file, |item| {
        broken.iter().any(|place| belongs(*place, item.range()))
            || item.descendants().any(|node| node.kind() == SyntaxKind::Error)
    });
    // Line ends help the parser to find its way back: with others it may see the broken part differently.
    if checked && format_once(&parser::parse(&formatted), false) != formatted {
        return parse.tree.text().to_owned();
    }
    formatted
}

/// The places that an error is about.
fn places(kind: &SyntaxErrorKind, range: TextRange) -> impl Iterator<Item = TextRange> {
    let opened = match kind {
        SyntaxErrorKind::Unclosed { opened, .. } => Some(*opened),
        _ => None,
    };
    [range].into_iter().chain(opened)
}

/// Whether a place is in an item. An empty one stands behind the token after which something is missing.
fn belongs(place: TextRange, item: TextRange) -> bool {
    if place.is_empty() { item.start < place.start && place.start <= item.end } else { item.contains(place.start) }
}
