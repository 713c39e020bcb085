//! The parser's errors in plain words.

use std::ops::Range;

use minijinja::{Error, ErrorKind};

use super::Piece;
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit};

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

const TYPOGRAPHIC: [char; 8] = ['“', '”', '„', '‟', '‘', '’', '‚', '‛'];

/// The finding of a syntax error.
pub(super) fn syntax(error: &Error, piece: &Piece) -> Diagnostic {
    let text = piece.text();
    let detail = error.detail().unwrap_or_default();
    let range = error.range().unwrap_or_default();
    let at = |range: Range<usize>, message: String| Diagnostic::new(Code::TemplateSyntax, piece.span(range), message);
    let before = text.get(..range.end.min(text.len())).unwrap_or_default();
    let tag = before.rfind("{{").max(before.rfind("{%")).unwrap_or(range.start);
    let opened = |mark: &str, message: &str| {
        let start = before.rfind(mark).unwrap_or(range.start);
        at(start..start + mark.len(), message.to_owned()).label("opened here")
    };
    let found = match detail {
        "template exceeds maximum recursion limits" => {
            return Diagnostic::new(
                Code::TemplateTooComplex,
                piece.span(range),
                "too many brackets stand inside of each other",
            )
            .help("split it with `{% set name = .. %}`");
        }
        "unexpected end of comment" => return opened("{#", "this `{#` is never closed with `#}`"),
        "unexpected end of raw block" => return opened("{%", "this `{% raw %}` is never closed with `{% endraw %}`"),
        "unexpected end of string" => {
            let quote = open_quote(text, tag).unwrap_or(range.start);
            at(quote..quote + 1, "a text in quotes is never closed".to_owned()).label("opened here")
        }
        "unexpected character" if text.get(range.start..).is_some_and(|rest| rest.starts_with(TYPOGRAPHIC)) => {
            return typographic(piece, range.start);
        }
        "unexpected character" => at(range, "this character means nothing between `{{` and `}}`".to_owned()),
        "unexpected identifier, expected end of variable block" => two_words(piece, tag, range),
        "unexpected `=`, expected end of block" => {
            let edit = Edit { span: piece.span(range.clone()), text: "==".to_owned() };
            return at(range, "a comparison is written `==`".to_owned()).fix(
                "Replace `=` with `==`",
                Applicability::Safe,
                vec![edit],
            );
        }
        "unexpected end of variable block" => at(tag..range.end, "a value is missing before `}}`".to_owned()),
        _ if error.kind() == ErrorKind::BadEscape => {
            at(range, "a backslash in this text stands before a character that needs none".to_owned())
        }
        detail if detail.starts_with("unexpected end of input") => at(tag..tag + 2, plain(detail)).label("opened here"),
        detail => at(range, plain(detail)),
    };
    found.help("values are written `{{ first_name }}`, decisions `{% if first_name %} .. {% endif %}`")
}

/// Where the last text in quotes begins, from a tag on.
fn open_quote(text: &str, tag: usize) -> Option<usize> {
    let mut open = None;
    let mut chars = text.get(tag..)?.char_indices();
    while let Some((at, c)) = chars.next() {
        match (open, c) {
            (Some(_), '\\') => drop(chars.next()),
            (None, '"' | '\'') => open = Some((tag + at, c)),
            (Some((_, quote)), c) if c == quote => open = None,
            _ => {}
        }
    }
    open.map(|(at, _)| at)
}

/// Quotes as a word processor makes them: all of the tag's at once.
fn typographic(piece: &Piece, first: usize) -> Diagnostic {
    let text = piece.text();
    let rest = text.get(first..).unwrap_or_default();
    let end = rest.find("}}").into_iter().chain(rest.find("%}")).min().unwrap_or(rest.len());
    let inside = rest.get(..end).unwrap_or_default();
    let quotes = inside.char_indices().filter(|(_, c)| TYPOGRAPHIC.contains(c)).map(|(at, c)| {
        let span = piece.span(first + at..first + at + c.len_utf8());
        Edit { span, text: "'".to_owned() }
    });
    let c = rest.chars().next().map_or(0, char::len_utf8);
    Diagnostic::new(
        Code::TemplateSyntax,
        piece.span(first..first + c),
        "quotes in a template must be straight: `\"` or `'`",
    )
    .fix("Write straight quotes", Applicability::Safe, quotes.collect())
}

/// `{{ first name }}`
fn two_words(piece: &Piece, tag: usize, second: Range<usize>) -> Diagnostic {
    let text = piece.text();
    let first = text.get(tag + 2..second.start).unwrap_or_default().trim();
    let word = text.get(second.clone()).unwrap_or_default();
    let is_name = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let found = |message| Diagnostic::new(Code::TemplateSyntax, piece.span(second.clone()), message);
    if !is_name(first) || !is_name(word) {
        return found("a name stands where `}}` should".to_owned());
    }
    let gap = tag + 2 + text.get(tag + 2..).map_or(0, |rest| rest.len() - rest.trim_start().len()) + first.len();
    let edit = Edit { span: piece.span(gap..second.start), text: "_".to_owned() };
    found(format!("a name is one word, and `{first} {word}` are two")).fix(
        format!("Write `{first}_{word}`"),
        Applicability::Unsafe,
        vec![edit],
    )
}

fn plain(detail: &str) -> String {
    if let Some((unexpected, expected)) =
        detail.strip_prefix("unexpected ").and_then(|rest| rest.split_once(", expected "))
    {
        return match unexpected {
            "end of input" => format!("the text ends where {} should stand", word(expected)),
            _ => format!("{} stands where {} should", word(unexpected), word(expected)),
        };
    }
    if let Some(name) = detail.strip_prefix("cannot assign to reserved variable name ") {
        return format!("`{name}` is a word of templates and cannot be a name");
    }
    match detail {
        _ if detail.starts_with("unexpected ") => {
            format!("{} does not belong here", word(detail.trim_start_matches("unexpected ")))
        }
        _ if detail.starts_with("unknown ") => "a word such as `if` is missing behind `{%`".to_owned(),
        "empty subscript" => "nothing stands between `[` and `]`".to_owned(),
        "non-keyword arg after keyword arg" => "values without a name stand before those with one".to_owned(),
        "'_' may not occur at end of number" | "invalid float" | "invalid integer (too large)" => {
            "this number cannot be read".to_owned()
        }
        _ => "this cannot be read".to_owned(),
    }
}

fn word(technical: &str) -> &str {
    WORDS.iter().find(|(theirs, _)| *theirs == technical).map_or(technical, |(_, ours)| ours)
}
