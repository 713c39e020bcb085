//! The parser's errors in plain words.

use minijinja::Error;

use super::Piece;
use crate::diagnostic::{Code, Diagnostic};

/// What the parser calls its tokens, and what they look like.
const WORDS: &[(&str, &str)] = &[
    ("end of variable block", "`}}`"),
    ("start of variable block", "`{{`"),
    ("end of block", "`%}`"),
    ("start of block", "`{%`"),
    ("end of input", "the end of the text"),
    ("assignment operator", "`=`"),
    ("block keyword", "a word such as `if`"),
    ("identifier or integer", "a name or a number"),
    ("identifier", "a name"),
    ("expression", "a value"),
    ("template-data", "text"),
    ("string", "a text in quotes"),
    ("integer", "a number"),
    ("float", "a number"),
    ("comma", "`,`"),
    ("in", "`in`"),
];

/// The finding of a syntax error.
pub(super) fn syntax(error: &Error, piece: &Piece) -> Diagnostic {
    let detail = error.detail().unwrap_or_default();
    let range = error.range().unwrap_or_default();
    let span = piece.span(range.clone());
    let whole = piece.text();
    let opened = whole.get(..range.end.min(whole.len())).and_then(|before| before.rfind("{{").max(before.rfind("{%")));
    let message = match detail {
        "unexpected end of string" => "a text in quotes is never closed".to_owned(),
        "unexpected end of comment" => "this `{#` is never closed with `#}`".to_owned(),
        "unexpected end of raw block" => "this `{% raw %}` is never closed with `{% endraw %}`".to_owned(),
        "unexpected character" => "this character means nothing between `{{` and `}}`".to_owned(),
        "template exceeds maximum recursion limits" => {
            return Diagnostic::new(Code::TemplateTooComplex, span, "too many brackets stand inside of each other")
                .help("split it with `{% set name = .. %}`");
        }
        detail => plain(detail),
    };
    let unfinished = detail.starts_with("unexpected end of");
    let found = match opened.filter(|_| unfinished && !detail.ends_with("string")) {
        Some(at) => Diagnostic::new(Code::TemplateSyntax, piece.span(at..at + 2), message).label("opened here"),
        None => Diagnostic::new(Code::TemplateSyntax, span, message),
    };
    found.help("values are written `{{ first_name }}`, decisions `{% if first_name %} .. {% endif %}`")
}

fn plain(detail: &str) -> String {
    let Some((unexpected, expected)) =
        detail.strip_prefix("unexpected ").and_then(|rest| rest.split_once(", expected "))
    else {
        return match detail.strip_prefix("unexpected ") {
            Some(rest) => format!("{} does not belong here", word(rest)),
            None => format!("the template cannot be read: {detail}"),
        };
    };
    if unexpected == "end of input" {
        return format!("the text ends where {} should stand", word(expected));
    }
    format!("{} stands where {} should", word(unexpected), word(expected))
}

fn word(technical: &str) -> &str {
    WORDS.iter().find(|(theirs, _)| *theirs == technical).map_or(technical, |(_, ours)| ours)
}
