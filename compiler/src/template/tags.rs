//! The tags of a template, before it is parsed: each `{% if %}` has its `{% endif %}`, nothing is nested too deeply or
//! too long. The parser would say the first badly, and its stack would not survive the second.

use minijinja::machinery::{Token, tokenize};

use super::{MAX_TAG_TOKENS, MAX_TEMPLATE_DEPTH, Piece};
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Span, nearest, one_of};

/// The tags that templates have.
pub(super) const TAGS: &[&str] = &[
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "endfor",
    "set",
    "endset",
    "with",
    "endwith",
    "filter",
    "endfilter",
    "raw",
    "endraw",
];

/// Tags of the engine that messages do without, or that were replaced before by what they bring in; nothing turns escaping
/// off.
const UNSUPPORTED: &[&str] = &[
    "autoescape",
    "block",
    "call",
    "do",
    "endautoescape",
    "endblock",
    "endcall",
    "endmacro",
    "extends",
    "from",
    "import",
    "include",
    "macro",
];

/// A tag that is open.
struct Open {
    word: &'static str,
    span: Span,
    /// How deep the parser goes for it.
    depth: usize,
}

/// One tag: `{% if x %}`.
struct Tag<'a> {
    word: &'a str,
    word_span: Span,
    span: Span,
    assigns: bool,
}

pub(super) fn check(piece: &Piece) -> Result<(), Diagnostic> {
    match blocks(piece)?.pop() {
        Some(open) => Err(unclosed(&open)),
        None => Ok(()),
    }
}

/// The blocks that are open at the end, the innermost last; none if the tags do not fit together.
pub(super) fn open_blocks(piece: &Piece) -> Vec<&'static str> {
    blocks(piece).unwrap_or_default().into_iter().map(|open| open.word).collect()
}

fn blocks(piece: &Piece) -> Result<Vec<Open>, Diagnostic> {
    let mut open: Vec<Open> = Vec::new();
    let mut tokens = tokenize(piece.text(), false, Default::default());
    while let Some(token) = tokens.next() {
        // What cannot be read at all, the parser says.
        let Ok((token, start)) = token else { return Ok(Vec::new()) };
        if !matches!(token, Token::BlockStart | Token::VariableStart) {
            continue;
        }
        let mut word = None;
        let mut assigns = false;
        let mut end = start;
        for (count, token) in tokens.by_ref().enumerate() {
            let Ok((token, span)) = token else { return Ok(Vec::new()) };
            end = span;
            let inside = piece.span(span.start_offset as usize..span.end_offset as usize);
            match token {
                Token::BlockEnd | Token::VariableEnd => break,
                Token::Ident(first) if count == 0 => word = Some((first, inside)),
                Token::Assign => assigns = true,
                _ if count > MAX_TAG_TOKENS => {
                    let span = piece.span(start.start_offset as usize..start.end_offset as usize);
                    return Err(too_complex(span, "this tag is too long", "split it with `{% set name = .. %}`"));
                }
                _ => {}
            }
        }
        let span = piece.span(start.start_offset as usize..end.end_offset as usize);
        if let (Token::BlockStart, Some((word, word_span))) = (token, word) {
            tag(&mut open, &Tag { word, word_span, span, assigns })?;
        }
    }
    Ok(open)
}

fn tag(open: &mut Vec<Open>, tag: &Tag<'_>) -> Result<(), Diagnostic> {
    let Some(word) = TAGS.iter().copied().find(|known| *known == tag.word) else {
        return Err(unknown(tag));
    };
    let inner = open.last().map_or("", |open| open.word);
    match word {
        "if" | "for" | "with" | "filter" => push(open, word, tag.span)?,
        "set" if !tag.assigns => push(open, word, tag.span)?,
        "else" if matches!(inner, "if" | "for") => {}
        "elif" if inner == "if" => {
            let depth = open.iter().map(|open| open.depth).sum::<usize>();
            let Some(last) = open.last_mut().filter(|_| depth < MAX_TEMPLATE_DEPTH) else {
                return Err(too_deep(tag.span));
            };
            last.depth += 1;
        }
        "else" | "elif" => {
            let message = format!("this `{{% {word} %}}` has no `{{% if %}}`");
            return Err(Diagnostic::new(Code::TemplateSyntax, tag.span, message));
        }
        _ => {
            if let Some(opener) = word.strip_prefix("end") {
                close(open, opener, tag)?;
            }
        }
    }
    Ok(())
}

fn push(open: &mut Vec<Open>, word: &'static str, span: Span) -> Result<(), Diagnostic> {
    if open.iter().map(|open| open.depth).sum::<usize>() >= MAX_TEMPLATE_DEPTH {
        return Err(too_deep(span));
    }
    open.push(Open { word, span, depth: 1 });
    Ok(())
}

fn close(open: &mut Vec<Open>, opener: &str, tag: &Tag<'_>) -> Result<(), Diagnostic> {
    match open.pop() {
        Some(last) if last.word == opener => Ok(()),
        Some(last) => {
            let message =
                format!("`{{% end{opener} %}}` stands where `{{% end{} %}}` should close the inner tag", last.word);
            let edit = Edit { span: tag.word_span, text: format!("end{}", last.word) };
            let title = format!("Replace `end{opener}` with `end{}`", last.word);
            Err(Diagnostic::new(Code::TemplateSyntax, tag.span, message).also(last.span, "opened here").fix(
                title,
                Applicability::Unsafe,
                vec![edit],
            ))
        }
        None => {
            let message = format!("this `{{% end{opener} %}}` closes nothing");
            Err(Diagnostic::new(Code::TemplateSyntax, tag.span, message)
                .help(format!("remove it, or write `{{% {opener} .. %}}` before it")))
        }
    }
}

fn unclosed(open: &Open) -> Diagnostic {
    let word = open.word;
    Diagnostic::new(Code::TemplateSyntax, open.span, format!("this `{{% {word} %}}` is never closed"))
        .label("opened here")
        .help(format!("write `{{% end{word} %}}` where it ends"))
}

fn unknown(tag: &Tag<'_>) -> Diagnostic {
    let word = tag.word;
    if UNSUPPORTED.contains(&word) {
        let found =
            Diagnostic::new(Code::UnsupportedTag, tag.word_span, format!("messages cannot use `{{% {word} %}}`"));
        return match word {
            "autoescape" | "endautoescape" => found
                .note("What a contact typed must never become part of the page: values are always escaped.")
                .help("remove the tag"),
            "extends" | "include" | "block" | "endblock" => found
                .help("only the body of a message's own file takes in partials and layouts; write the text out here"),
            "import" | "from" | "macro" | "endmacro" => found.help(
                "put what several messages share into a partial, and write `{% include \"partials/footer.html\" %}`",
            ),
            _ => found.help("write the text out where it is used"),
        };
    }
    match nearest(word, TAGS.iter().copied()) {
        Some(near) => Diagnostic::new(Code::TemplateSyntax, tag.word_span, format!("there is no tag `{{% {word} %}}`"))
            .suggest(word, [near]),
        None => Diagnostic::new(Code::TemplateSyntax, tag.word_span, format!("there is no tag `{{% {word} %}}`")).help(
            format!(
                "the tags are {}; a value stands in `{{{{ .. }}}}`",
                one_of(["if", "for", "set", "with", "filter", "raw"]).replace(" or ", " and ")
            ),
        ),
    }
}

fn too_deep(span: Span) -> Diagnostic {
    let message = format!("more than {MAX_TEMPLATE_DEPTH} tags stand inside of each other");
    too_complex(span, &message, "split the message, or decide in the journey with `if` and several messages")
}

fn too_complex(span: Span, message: &str, help: &str) -> Diagnostic {
    Diagnostic::new(Code::TemplateTooComplex, span, message).help(help)
}
