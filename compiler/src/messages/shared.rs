//! Texts that messages share: files of `messages/partials/` and `messages/layouts/`, and the tags that bring them in.

use std::ops::Range;
use std::sync::Arc;

use minijinja::machinery::{Token, tokenize};
use smol_str::SmolStr;

use super::Markup;
use super::file_name::language_tag;
use crate::diagnostic::{Code, Diagnostic, Span, one_of, quote};
use crate::project::FileId;
use crate::template::Piece;

/// A partial or a layout.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SharedText {
    /// The file, relative to `messages/`.
    pub path: SmolStr,
    /// What messages call it: the path without the language.
    pub name: SmolStr,
    /// The language; none for the text that fits everybody.
    pub language: Option<SmolStr>,
    /// How it is written.
    pub markup: Markup,
    /// The text, without the line end at its end.
    pub piece: Piece,
}

/// Reads a partial or a layout.
pub fn read_shared(file: FileId, path: &str, text: &str) -> Result<SharedText, Diagnostic> {
    let path = path.strip_prefix("messages/").unwrap_or(path);
    let (folder, file_name) = path.rsplit_once('/').unwrap_or(("", path));
    let parts: Vec<&str> = file_name.split('.').collect();
    let bad = |message: String| {
        Diagnostic::new(Code::MessagePath, Span::beginning(file), message).help(
            "partials and layouts are called `NAME.EXTENSION`, as `footer.html`, or `footer.de.html` for one language",
        )
    };
    let (name, language, ending) = match parts.as_slice() {
        [name, ending] if !name.is_empty() => (*name, None, *ending),
        [name, language, ending] if !name.is_empty() => {
            let tag = language_tag(language);
            let language = tag.ok_or_else(|| bad(format!("{} is not the code of a language", quote(language))))?;
            (*name, Some(language), *ending)
        }
        _ => return Err(bad(format!("{} is no name of a text that messages share", quote(path)))),
    };
    let Some(markup) = Markup::of_ending(ending) else {
        let message = format!("{} has an ending that no message has: `.{ending}`", quote(path));
        let found = Diagnostic::new(Code::UnsupportedFormat, Span::beginning(file), message);
        return Err(found.help("texts that messages share end in .md, .mjml, .html, .txt or .json"));
    };
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let body = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    Ok(SharedText {
        path: SmolStr::new(path),
        name: SmolStr::new(format!("{folder}/{name}.{ending}")),
        language,
        markup,
        piece: Piece::slice(file, text, start..body.len()),
    })
}

/// The partials and layouts that a text names, each with the place of its path between the quotes.
pub fn parts(piece: &Piece) -> Vec<(SmolStr, Span)> {
    let part = |tag: Tag| match tag.act {
        Act::Include(path) | Act::Extends(path) => Some((path, tag.argument)),
        _ => None,
    };
    tags(piece).unwrap_or_default().into_iter().filter_map(part).collect()
}

/// What a tag does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// `{% include "partials/footer.html" %}`
    Include(SmolStr),
    /// `{% extends "layouts/brand.html" %}`
    Extends(SmolStr),
    /// `{% block content %}`
    Block(SmolStr),
    /// `{% endblock %}`
    EndBlock,
    /// `{{ super() }}`
    Super,
}

/// A tag that brings in a text, or marks a place for one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Tag {
    pub(super) act: Act,
    /// The whole tag, in bytes of the piece.
    pub(super) range: Range<usize>,
    /// Where its path or name stands.
    pub(super) argument: Span,
    /// Whether it takes away the space before it, and behind it.
    pub(super) trims: (bool, bool),
}

/// The tags of a text, in order; blocks are closed. A text that cannot be read has none: the template's own reader says why.
pub(super) fn tags(piece: &Piece) -> Result<Vec<Tag>, Diagnostic> {
    let text = piece.text();
    let mut tags = Vec::new();
    let mut open: Vec<Span> = Vec::new();
    let mut tokens = tokenize(text, false, Default::default());
    while let Some(token) = tokens.next() {
        let Ok((token, start)) = token else { return Ok(Vec::new()) };
        let of_block = matches!(token, Token::BlockStart);
        if !of_block && !matches!(token, Token::VariableStart) {
            continue;
        }
        let mut words = Vec::new();
        let mut end = start.end_offset as usize;
        for token in tokens.by_ref() {
            let Ok((token, span)) = token else { return Ok(Vec::new()) };
            end = span.end_offset as usize;
            if matches!(token, Token::BlockEnd | Token::VariableEnd) {
                break;
            }
            words.push((token, span.start_offset as usize..span.end_offset as usize));
        }
        let range = start.start_offset as usize..end;
        let whole = piece.span(range.clone());
        let written = text.get(range.clone()).unwrap_or_default();
        let trims = (written.starts_with("{%-"), written.ends_with("-%}"));
        let Some((first, rest)) = words.split_first() else { continue };
        let (act, argument) = match (of_block, &first.0, rest) {
            (false, Token::Ident("super"), [(Token::ParenOpen, _), (Token::ParenClose, _)]) => (Act::Super, whole),
            (true, Token::Ident(word @ ("include" | "extends")), rest) => {
                let path = match rest {
                    [(Token::Str(path), at)] => Some((SmolStr::new(path), at)),
                    [(Token::String(path), at)] => Some((SmolStr::new(path), at)),
                    _ => None,
                };
                let Some((path, at)) = path else {
                    let folder = if *word == "include" { "partials/footer" } else { "layouts/brand" };
                    let message = format!("`{{% {word} %}}` takes one path in quotes");
                    return Err(Diagnostic::new(Code::TemplateSyntax, whole, message)
                        .help(format!("write `{{% {word} \"{folder}.html\" %}}`")));
                };
                let act = if *word == "include" { Act::Include(path) } else { Act::Extends(path) };
                (act, piece.span(at.start + 1..at.end.saturating_sub(1)))
            }
            (true, Token::Ident("block"), [(Token::Ident(name), at)]) => {
                open.push(whole);
                (Act::Block(SmolStr::new(name)), piece.span(at.clone()))
            }
            (true, Token::Ident("block"), _) => {
                return Err(Diagnostic::new(Code::TemplateSyntax, whole, "a block has one name")
                    .help("write `{% block content %}`"));
            }
            (true, Token::Ident("endblock"), _) => {
                if open.pop().is_none() {
                    return Err(Diagnostic::new(Code::TemplateSyntax, whole, "this `{% endblock %}` closes nothing")
                        .help("remove it, or write `{% block content %}` before it"));
                }
                (Act::EndBlock, whole)
            }
            _ => continue,
        };
        tags.push(Tag { act, range, argument, trims });
    }
    match open.pop() {
        Some(open) => Err(Diagnostic::new(Code::TemplateSyntax, open, "this `{% block %}` is never closed")
            .label("opened here")
            .help("write `{% endblock %}` where it ends")),
        None => Ok(tags),
    }
}

impl Markup {
    /// Whether a text in this markup can take in a part that is written in another.
    pub const fn takes(self, part: Self) -> bool {
        match self {
            Self::Html => matches!(part, Self::Html),
            Self::Mjml => matches!(part, Self::Mjml | Self::Html),
            Self::Markdown => matches!(part, Self::Markdown | Self::Html),
            Self::Text => matches!(part, Self::Text),
            Self::Json => matches!(part, Self::Json),
        }
    }

    /// Whether a layout in another markup can stand around it.
    pub const fn stands_in(self, layout: Self) -> bool {
        match self {
            Self::Markdown => matches!(layout, Self::Markdown | Self::Html | Self::Mjml),
            Self::Html => matches!(layout, Self::Html),
            Self::Mjml => matches!(layout, Self::Mjml),
            Self::Text => matches!(layout, Self::Text),
            Self::Json => matches!(layout, Self::Json),
        }
    }
}

/// There is no such text.
pub(super) fn unknown(
    path: &str,
    at: Span,
    what: &str,
    known: &[Arc<SharedText>],
    fits: impl Fn(Markup) -> bool,
) -> Diagnostic {
    let mut names: Vec<&str> = known.iter().filter(|text| fits(text.markup)).map(|text| text.name.as_str()).collect();
    names.dedup();
    let found = Diagnostic::new(Code::UnknownPart, at, format!("there is no file {} in `messages/`", quote(path)));
    let of_name = |name: &&str| name.rsplit('/').next() == Some(path);
    let found = match names.iter().copied().find(|name| of_name(name)) {
        Some(near) => found.replace_with(path, near),
        None => found.suggest(path, names.iter().copied()),
    };
    found.help(match names.as_slice() {
        [] => format!("write the text of the {what} into `messages/{path}`"),
        names => format!("there are {}", one_of(names.iter().copied()).replace(" or ", " and ")),
    })
}
