//! What each word is, for colours that know what names mean.

use journey_compiler::project::FileId;
use journey_grammar::{SyntaxKind, TextRange, Token};

use crate::Snapshot;
use crate::names::{Kind, Role};

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum TokenKind {
    Comment,
    Keyword,
    Number,
    Operator,
    String,
    /// A channel or a type.
    Type,
    Function,
    Name(Kind),
}

/// A token with a colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coloured {
    /// Its place, on one line.
    pub range: TextRange,
    /// What it is.
    pub kind: TokenKind,
    /// What it does, if it is a name.
    pub role: Option<Role>,
    /// Whether it is documentation.
    pub documentation: bool,
}

/// The tokens of a file that touch the range, in source order; all without a range.
pub fn tokens(snapshot: &Snapshot, file: FileId, range: Option<TextRange>) -> Vec<Coloured> {
    let Some(names) = snapshot.names(file) else { return Vec::new() };
    let wanted = |token: TextRange| range.is_none_or(|range| token.start <= range.end && range.start <= token.end);
    let mut named = names.all().iter().filter(|name| wanted(name.range)).peekable();
    let mut found = Vec::new();
    let coloured = |range, kind| Coloured { range, kind, role: None, documentation: false };
    for token in snapshot.tree(file).into_iter().flat_map(|tree| tree.tokens()).filter(|token| wanted(token.range())) {
        let range = token.range();
        let mut from = range.start;
        let kind = kind(token);
        // Names stand in their own tokens, and in the templates of texts.
        while let Some(name) = named.next_if(|name| name.range.start < range.end) {
            if let (Some(kind), true) = (kind.filter(|_| from < name.range.start), name.range != range) {
                found.push(coloured(TextRange::new(from, name.range.start), kind));
            }
            let (range, kind) = (name.range, TokenKind::Name(name.symbol.kind));
            found.push(Coloured { range, kind, role: Some(name.role), documentation: false });
            from = range.end;
        }
        if let Some(kind) = kind.filter(|_| from < range.end) {
            let documentation = token.kind() == SyntaxKind::DocComment;
            found.push(Coloured { documentation, ..coloured(TextRange::new(from, range.end), kind) });
        }
    }
    found.extend(
        named.map(|name| Coloured { role: Some(name.role), ..coloured(name.range, TokenKind::Name(name.symbol.kind)) }),
    );
    found
}

fn kind(token: Token<'_>) -> Option<TokenKind> {
    let kind = token.kind();
    Some(match kind {
        SyntaxKind::Comment | SyntaxKind::DocComment => TokenKind::Comment,
        SyntaxKind::String | SyntaxKind::BadString => TokenKind::String,
        _ if kind.is_literal() => TokenKind::Number,
        SyntaxKind::EqEq
        | SyntaxKind::BangEq
        | SyntaxKind::Less
        | SyntaxKind::LessEq
        | SyntaxKind::Greater
        | SyntaxKind::GreaterEq
        | SyntaxKind::Plus
        | SyntaxKind::Minus
        | SyntaxKind::Star
        | SyntaxKind::Slash
        | SyntaxKind::Arrow => TokenKind::Operator,
        _ if kind.is_word() => match token.parent().kind() {
            SyntaxKind::Name => match crate::names::of_name(token.parent()) {
                crate::names::Place::Word(crate::names::Word::Function) => TokenKind::Function,
                crate::names::Place::Word(_) => TokenKind::Type,
                _ => return None,
            },
            SyntaxKind::Path => return None,
            _ if kind.is_keyword() => TokenKind::Keyword,
            _ => return None,
        },
        _ => return None,
    })
}
