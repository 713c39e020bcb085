//! Source in words: one line, durations spelt out.

use journey_grammar::SyntaxKind::{
    Colon, Comma, Comment, DocComment, Dot, Duration, LBracket, LParen, RBracket, RParen, Whitespace,
};
use journey_grammar::ast::{Unit, duration_parts};
use journey_grammar::{Node, TextRange, Token};

/// The node's text up to the first of its steps, in words.
pub(crate) fn head(node: Node<'_>) -> String {
    use journey_grammar::SyntaxKind::{Block, ElseBranch};
    let end = node
        .children()
        .find(|child| matches!(child.kind(), Block | ElseBranch))
        .map_or(node.range().end, |c| c.range().start);
    within(node, TextRange { start: node.range().start, end })
}

/// What stands before the arms of a step that lists them in braces of its own.
pub(crate) fn up_to_brace(step: Node<'_>) -> String {
    let brace = step.token(journey_grammar::SyntaxKind::LBrace).map_or(step.range().end, |brace| brace.range().start);
    within(step, TextRange { start: step.range().start, end: brace })
}

/// The node's text in words.
pub(crate) fn all(node: Node<'_>) -> String {
    within(node, node.range())
}

/// The text of a node's tokens inside a range, in words.
pub(crate) fn within(node: Node<'_>, range: TextRange) -> String {
    let mut text = String::new();
    let mut tight = true;
    for token in node.tokens() {
        let inside = token.range().start >= range.start && token.range().end <= range.end;
        if !inside || matches!(token.kind(), Whitespace | Comment | DocComment) {
            continue;
        }
        if !tight && !matches!(token.kind(), Comma | Colon | Dot | RParen | RBracket) {
            text.push(' ');
        }
        text.push_str(&word(token));
        tight = matches!(token.kind(), Dot | LParen | LBracket);
    }
    text
}

/// The token as people say it.
pub(crate) fn word(token: Token<'_>) -> String {
    if token.kind() == Duration { duration(token.text()) } else { token.text().to_owned() }
}

fn duration(text: &str) -> String {
    let Some(parts) = duration_parts(text) else { return text.to_owned() };
    parts.into_iter().map(length).collect::<Vec<_>>().join(" ")
}

/// One part of a length of time: `3 days`.
pub(crate) fn length((count, unit): (u64, Unit)) -> String {
    let unit = match unit {
        Unit::Second => "second",
        Unit::Minute => "minute",
        Unit::Hour => "hour",
        Unit::Day => "day",
        Unit::Week => "week",
        Unit::Month => "month",
        Unit::Year => "year",
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// The text with a capital first letter.
pub(crate) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// The text in lines of about so many characters, broken between words.
pub(crate) fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
