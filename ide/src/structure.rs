//! What a file looks like from far away: what folds, and what grows when a selection does.

use journey_compiler::project::FileId;
use journey_grammar::{SyntaxKind, TextRange, Token};

use crate::Snapshot;

/// A piece that can be folded away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Fold {
    /// From the bracket or comment that begins it to the one that ends it.
    pub range: TextRange,
    /// Whether it is a comment.
    pub comment: bool,
}

/// What can be folded: braces and brackets over several lines, and comments of several lines.
pub fn folds(snapshot: &Snapshot, file: FileId) -> Vec<Fold> {
    let (Some(tree), Some(lines)) = (snapshot.tree(file), snapshot.lines(file)) else { return Vec::new() };
    let line = |offset| lines.position(offset, crate::Encoding::Utf8).line;
    let mut folds = Vec::new();
    let mut open = Vec::new();
    let mut comment: Option<TextRange> = None;
    let mut add = |range: TextRange, comment| {
        if line(range.start) < line(range.end) {
            folds.push(Fold { range, comment });
        }
    };
    for token in tree.tokens() {
        let range = token.range();
        match token.kind() {
            SyntaxKind::LBrace | SyntaxKind::LBracket => open.push(range.start),
            SyntaxKind::RBrace | SyntaxKind::RBracket => {
                if let Some(start) = open.pop() {
                    add(TextRange::new(start, range.end), false);
                }
            }
            _ => {}
        }
        match token.kind() {
            SyntaxKind::Comment | SyntaxKind::DocComment => {
                comment = Some(comment.map_or(range, |before| before.cover(range)));
            }
            SyntaxKind::Whitespace if token.text().matches('\n').count() <= 1 => {}
            _ => {
                if let Some(range) = comment.take() {
                    add(range, true);
                }
            }
        }
    }
    if let Some(range) = comment {
        add(range, true);
    }
    folds.sort();
    folds
}

/// What a selection grows to from an offset: from the word outwards to the file.
pub fn selections(snapshot: &Snapshot, file: FileId, offset: u32) -> Vec<TextRange> {
    let mut ranges: Vec<TextRange> = Vec::new();
    if let Some(tree) = snapshot.tree(file) {
        let weight = |token: Token<'_>| u8::from(!token.kind().is_trivia());
        if let Some(token) = tree.tokens_at(offset).pick(weight) {
            if token.kind() != SyntaxKind::Whitespace {
                ranges.push(token.range());
            }
            ranges.extend(token.parent().ancestors().map(|node| node.range()));
        }
    } else if let Some(occurrence) = snapshot.names(file).and_then(|names| names.at(offset)) {
        ranges.push(occurrence.range);
    }
    let whole = TextRange::new(0, u32::try_from(snapshot.text(file).len()).unwrap_or(u32::MAX));
    ranges.push(whole);
    ranges.retain(|range| range.start <= offset && offset <= range.end);
    ranges.dedup();
    if ranges.is_empty() { vec![whole] } else { ranges }
}
