//! The form of the step that is being written, and which part of it comes now.

use journey_compiler::project::FileId;
use journey_grammar::{Node, SyntaxKind};

use crate::Snapshot;
use crate::words;

/// A step's form.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signature {
    /// The form.
    pub text: String,
    /// The places of its parts in that text, in bytes; it is ASCII.
    pub parts: Vec<(u32, u32)>,
    /// The part that comes now.
    pub active: u32,
    /// What it does.
    pub meaning: &'static str,
}

/// The form of the step at an offset.
pub fn signature(snapshot: &Snapshot, file: FileId, offset: u32) -> Option<Signature> {
    let tree = snapshot.tree(file)?;
    let mut token = tree.tokens_at(offset).left?;
    while token.kind().is_trivia() || token.range().end > offset && token.range().start == offset {
        // On a new line a new step begins.
        if token.kind() == SyntaxKind::Whitespace && token.text().matches('\n').count() > 1 {
            return None;
        }
        token = token.previous()?;
    }
    if matches!(token.kind(), SyntaxKind::LBrace | SyntaxKind::RBrace) {
        return None;
    }
    let statement = token.parent().ancestors().find(|node| is_statement(*node))?;
    // What a test expects may stand behind a moment.
    let expects =
        statement.own_tokens().filter(|token| token.kind() == SyntaxKind::ExpectKw && token.range().end <= offset);
    let word = expects.last().or(statement.first_token())?;
    let form = words::form(word.text())?;
    let mut parts = Vec::new();
    let mut at = 0;
    for part in form.parts {
        let length = u32::try_from(part.len()).unwrap_or_default();
        parts.push((at, at + length));
        at += length + 1;
    }
    let written = tree.tokens().filter(|t| t.range().start >= word.range().start && t.range().end <= offset);
    let written: Vec<_> = written.filter(|token| !token.kind().is_trivia()).collect();
    // Inside its braces other steps stand, and what is not understood there is none of its parts.
    let of_block =
        |token: &journey_grammar::Token<'_>| token.parent() == statement || token.parent().kind() == SyntaxKind::Block;
    let braces = |kind| written.iter().filter(|token| token.kind() == kind && of_block(token)).count();
    if braces(SyntaxKind::LBrace) > braces(SyntaxKind::RBrace) {
        return None;
    }
    let begun = |part: &str| {
        let word = part.trim_start_matches('[').split([' ', ']']).next().unwrap_or_default();
        word.chars().all(|c| c.is_ascii_lowercase()) && written.iter().skip(1).any(|token| token.text() == word)
    };
    let last = form.parts.len().saturating_sub(1);
    let by_word = form.parts.iter().rposition(|part| begun(part));
    let words_of_first = form.parts.first().map_or(1, |part| part.split(' ').count());
    let by_count = (written.len().saturating_sub(words_of_first) + usize::from(written.len() >= words_of_first)).min(2);
    let active = by_word.unwrap_or(by_count).min(last);
    Some(Signature {
        text: form.text(),
        parts,
        active: u32::try_from(active).unwrap_or_default(),
        meaning: form.meaning,
    })
}

fn is_statement(node: Node<'_>) -> bool {
    let kind = node.first_token().map(|token| token.kind());
    let first = kind.is_some_and(|kind| {
        kind.is_verb()
            || kind.begins_clause()
            || kind.begins_item()
            || matches!(kind, SyntaxKind::GivenKw | SyntaxKind::ExpectKw | SyntaxKind::AtKw | SyntaxKind::AfterKw)
    });
    first
        && !matches!(
            node.kind(),
            SyntaxKind::File | SyntaxKind::Block | SyntaxKind::BareJourney | SyntaxKind::Name | SyntaxKind::Path
            // Parts of other statements that begin with the word of a step.
                | SyntaxKind::CallTrigger
                | SyntaxKind::GivenCall
                | SyntaxKind::EventStimulus
                | SyntaxKind::ExpectSend
                | SyntaxKind::ExpectEnd
                | SyntaxKind::ExpectWait
                | SyntaxKind::ExpectEffect
                // `at least`, `at 09:00`
                | SyntaxKind::AtClause
        )
}
