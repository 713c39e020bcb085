//! One finding for each of the parser's errors.

use journey_grammar::{Expected, Parse, SyntaxError, SyntaxErrorKind, SyntaxKind, TextRange};

use super::{expected, habit};
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Span, quote};
use crate::project::FileId;

/// What a finding is made from.
pub(super) struct Context<'a> {
    pub(super) file: FileId,
    pub(super) parse: &'a Parse,
    pub(super) span: Span,
}

impl<'a> Context<'a> {
    pub(super) fn text(&self) -> &'a str {
        self.parse.tree.text()
    }

    fn span_of(&self, range: TextRange) -> Span {
        Span::new(self.file, self.text(), range.to_usize())
    }

    /// What stands at the place of the error.
    pub(super) fn written(&self) -> &'a str {
        self.text().get(self.span.range()).unwrap_or_default()
    }

    pub(super) fn found(&self, code: Code, message: impl Into<String>) -> Diagnostic {
        self.found_at(code, self.span.visible(self.text()), message)
    }

    pub(super) fn found_at(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, span, message)
    }

    /// The word or the blank that begins where the place ends.
    pub(super) fn next_token(&self) -> Span {
        let next = self.parse.tree.tokens_at(self.span.end).right;
        next.map_or(self.span.after(), |token| self.span_of(token.range()))
    }

    fn replace(&self, text: impl Into<String>) -> Vec<Edit> {
        vec![Edit { span: self.span, text: text.into() }]
    }
}

pub(super) fn finding(file: FileId, parse: &Parse, error: &SyntaxError) -> Diagnostic {
    let span = Span::new(file, parse.tree.text(), error.range.to_usize());
    let cx = Context { file, parse, span };
    let written = cx.written();
    match &error.kind {
        SyntaxErrorKind::Expected { expected, found, within } => expected::finding(&cx, expected, *found, *within),
        SyntaxErrorKind::Unclosed { bracket, opened } => unclosed(&cx, *bracket, *opened),
        SyntaxErrorKind::UnopenedBracket { bracket } => {
            let message = format!("this `{}` closes nothing", bracket.text().unwrap_or_default());
            cx.found(Code::UnopenedBracket, message).help("remove it, or open what it should close").fix(
                "Remove it",
                Applicability::Unsafe,
                cx.replace(""),
            )
        }
        SyntaxErrorKind::Misspelt { suggestion } => {
            cx.found(Code::MisspeltWord, format!("there is no word `{written}` here")).replace_with(written, suggestion)
        }
        SyntaxErrorKind::ReservedWord { expected, word } => reserved(&cx, *expected, word),
        SyntaxErrorKind::HyphenInName { suggestion } => cx
            .found(Code::HyphenInName, format!("a name has no hyphen: `{written}`"))
            .note("Between two values, `-` subtracts.")
            .fix(format!("Write `{suggestion}`"), Applicability::Unsafe, cx.replace(suggestion)),
        SyntaxErrorKind::MisplacedClause { word, step } => {
            let found = cx.found(Code::ClauseAfterStep, format!("`{word}` belongs above the first step"));
            let found = match step {
                Some(step) => found.also(cx.span_of(*step), "the first step"),
                None => found,
            };
            found
                .note(
                    "What stands above the first step is true for the whole journey; the steps happen one after the other.",
                )
                .help(format!("move the line with `{word}` up"))
        }
        SyntaxErrorKind::ForeignOperator { suggestion } => cx
            .found(Code::MisspeltWord, format!("`{written}` is written as a word: `{suggestion}`"))
            .replace_with(written, suggestion),
        SyntaxErrorKind::Habit { habit, instead } => habit::finding(&cx, *habit, instead.as_deref()),
        SyntaxErrorKind::OutsideJourney => cx
            .found(Code::OutsideJourney, format!("`{written}` stands outside of every journey"))
            .note("In a file with `journey NAME { .. }`, every step belongs into such a block.")
            .help("move it into a journey, or close the journey further down"),
        SyntaxErrorKind::ItemAfterSentence { word } => cx
            .found(Code::ItemAfterSentence, format!("`{word}` stands behind a journey without a block"))
            .note("A journey without a block goes on to the end of its file.")
            .help("put declarations above it, or write the journey as `journey NAME { .. }`"),
        SyntaxErrorKind::ChainedComparison => cx
            .found(Code::ChainedComparison, "a comparison has two sides, and this would be a third")
            .help("write `age between 18 and 65`, or join two comparisons with `and`"),
        SyntaxErrorKind::UnterminatedString => {
            let edit = Edit { span: cx.span.after(), text: "\"".to_owned() };
            let opening = Span::new(file, cx.text(), error.range.start as usize..error.range.start as usize + 1);
            Diagnostic::new(Code::UnterminatedString, opening, "the closing quote of this text is missing")
                .label("opened here")
                .note("A text ends on the line it began on; a line break in it is written `\\n`.")
                .fix("Close it at the end of the line", Applicability::Unsafe, vec![edit])
        }
        SyntaxErrorKind::UnknownEscape { escaped } => {
            let found =
                cx.found(Code::UnknownEscape, format!("{written} means nothing in a text", written = quote(written)));
            let text = format!("\\\\{escaped}");
            found.help("behind a backslash stands `n` for a line break, `\"`, `{` or another backslash").fix(
                "Write the backslash itself, as `\\\\`",
                Applicability::Unsafe,
                cx.replace(text),
            )
        }
        SyntaxErrorKind::TypographicQuotes { suggestion } => cx
            .found(Code::TypographicQuotes, "quotes around a text must be straight: `\"`")
            .fix("Write straight quotes", Applicability::Safe, cx.replace(suggestion)),
        SyntaxErrorKind::MalformedNumber { suggestion } => malformed(&cx, suggestion.as_deref()),
        SyntaxErrorKind::UnknownCharacter => unknown_character(&cx),
        SyntaxErrorKind::NestingTooDeep { limit } => cx
            .found(Code::NestingTooDeep, format!("more than {limit} blocks or brackets stand inside of each other"))
            .help("put the inner part into a journey of its own"),
        SyntaxErrorKind::SourceTooLong { limit } => cx
            .found(Code::FileTooLarge, format!("the file is longer than {limit} bytes"))
            .help("split it into several files"),
    }
}

fn unclosed(cx: &Context<'_>, bracket: SyntaxKind, opened: TextRange) -> Diagnostic {
    let open = bracket.text().unwrap_or_default();
    let close = match bracket {
        SyntaxKind::LBrace => "}",
        SyntaxKind::LParen => ")",
        _ => "]",
    };
    let message = format!("this `{open}` is never closed");
    let mut found = Diagnostic::new(Code::UnclosedBracket, cx.span_of(opened), message).label("opened here");
    let end = cx.span.visible(cx.text());
    if end != found.primary.span {
        found = found.also(end, format!("`{close}` is missing here at the latest"));
    }
    found.help(format!("write `{close}` where it ends"))
}

fn reserved(cx: &Context<'_>, expected: Expected, word: &str) -> Diagnostic {
    let what = match expected {
        Expected::FieldName => "a field",
        Expected::Message => "a message",
        _ => "anything",
    };
    cx.found(Code::ReservedWord, format!("`{word}` is a word of the language and cannot be the name of {what}"))
        .fix(format!("Write `{word}_`"), Applicability::Unsafe, cx.replace(format!("{word}_")))
        .help(format!("choose another name, as `my_{word}`"))
}

fn malformed(cx: &Context<'_>, suggestion: Option<&str>) -> Diagnostic {
    let written = cx.written();
    let found =
        cx.found(Code::MalformedNumber, format!("`{written}` is neither a number nor a duration, time or date"));
    match suggestion {
        Some(better) => found.replace_with(written, better),
        None if written.starts_with(|c: char| c.is_ascii_digit()) && written.contains(char::is_alphabetic) => {
            found.help("names begin with a letter; durations are written `30s`, `15m`, `2h`, `3d`, `1w`, `6mo` or `1y`")
        }
        None => found.help("write `100`, `45%`, `3d`, `09:00` or `2026-12-24`"),
    }
}

fn unknown_character(cx: &Context<'_>) -> Diagnostic {
    let written = cx.written();
    let help = match written {
        ";" => Some("a statement needs no `;`: it ends where the next one begins"),
        "&" | "&&" => Some("write `and`"),
        "||" => Some("write `or`"),
        "!" => Some("write `not`"),
        "'" => Some("texts stand in double quotes: `\"`"),
        "#" => Some("a remark begins with `//`"),
        "%" => Some("a percentage is written without a space, as `45%`"),
        "€" | "$" | "£" => Some("amounts are written with the currency's code, as `20 EUR`"),
        _ => None,
    };
    let shown: String = written.chars().take(12).collect();
    let shown =
        if shown.contains(|c: char| c.is_control() || c == '`') { "this".to_owned() } else { format!("`{shown}`") };
    let found = cx.found(Code::UnknownCharacter, format!("{shown} means nothing here"));
    let replacement = match written {
        ";" => Some(("Remove it", "")),
        "&" | "&&" => Some(("Write `and`", "and")),
        _ => None,
    };
    let found = match replacement {
        Some((title, text)) => found.fix(title, Applicability::Safe, cx.replace(text)),
        None => found,
    };
    match help {
        Some(help) => found.help(help),
        None => found,
    }
}
