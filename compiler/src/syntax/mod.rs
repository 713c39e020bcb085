//! What the parser found wrong, in plain words.

mod expected;
mod habit;
mod literal;
mod wording;

use journey_grammar::{Parse, SyntaxKind};

use crate::diagnostic::{Code, Diagnostic, Span, quote};
use crate::project::FileId;

/// The most findings about the writing of one file: who has so many mends the first ones and looks again.
pub const MAX_SYNTAX_FINDINGS: usize = 20;

/// What is wrong with the writing of a file.
pub fn findings(file: FileId, path: &str, parse: &Parse) -> Vec<Diagnostic> {
    let text = parse.tree.text();
    if parse.tree.tokens().all(|token| token.kind().is_trivia()) {
        return vec![empty(file, path)];
    }
    if is_gibberish(parse) {
        return vec![gibberish(file, path, parse)];
    }
    let mut found: Vec<_> = parse.errors.iter().map(|error| wording::finding(file, parse, error)).collect();
    found.extend(literal::findings(file, &parse.tree));
    crate::diagnostic::sort(&mut found);
    if let Some(next) = found.get(MAX_SYNTAX_FINDINGS).map(|d| d.primary.span) {
        let more = found.len() - MAX_SYNTAX_FINDINGS;
        found.truncate(MAX_SYNTAX_FINDINGS);
        let places = if more == 1 { "1 more place" } else { &format!("{more} more places") };
        let message = format!("{places} in {path} cannot be understood", path = quote(path));
        found.push(
            Diagnostic::new(Code::MoreFindings, next.visible(text), message)
                .label("the next one")
                .help("mend the first ones; the others often follow from them"),
        );
    }
    found
}

fn empty(file: FileId, path: &str) -> Diagnostic {
    Diagnostic::new(Code::EmptyFile, Span::beginning(file), format!("{path} is empty", path = quote(path)))
        .help("write a journey, as `on tag lead send email welcome`, or remove the file")
}

/// Whether a file is another kind of text: nothing in it could be made sense of, or very much in it is wrong and little
/// is right.
pub(crate) fn is_gibberish(parse: &Parse) -> bool {
    if parse.errors.is_empty() {
        return false;
    }
    let mut children = parse.tree.root().children().peekable();
    if children.peek().is_some() && children.all(|node| node.kind() == SyntaxKind::Error) {
        return true;
    }
    let mut lost = 0;
    let mut end = 0;
    for node in parse.tree.root().descendants().filter(|node| node.kind() == SyntaxKind::Error) {
        let range = node.range();
        lost += range.end.saturating_sub(range.start.max(end)) as usize;
        end = end.max(range.end);
    }
    parse.errors.len() > MAX_SYNTAX_FINDINGS && lost > parse.tree.text().len() / 2
}

fn gibberish(file: FileId, path: &str, parse: &Parse) -> Diagnostic {
    let text = parse.tree.text();
    let first = parse.errors.first().map_or(Span::beginning(file), |e| Span::new(file, text, e.range.to_usize()));
    Diagnostic::new(
        Code::NotAJourney,
        first.visible(text),
        format!("{path} does not hold a journey", path = quote(path)),
    )
    .label("nothing from here on can be understood")
    .help("write a journey, as `on tag lead send email welcome`, or give the file another ending than `.journey`")
}
