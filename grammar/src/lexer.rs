//! Source to tokens. Every byte belongs to a token, so the tokens' texts joined are the source.

use crate::error::{SyntaxError, SyntaxErrorKind};
use crate::kind::SyntaxKind;
use crate::text::{self, TextRange};
use crate::tree::TreeData;
use logos::Logos;
use std::ops::Range;

/// The shapes that logos tells apart; a word's own kind comes from the keyword table.
#[derive(Logos, Clone, Copy, PartialEq, Eq, Debug)]
#[logos(subpattern continue = r"[\p{XID_Continue}]")]
#[logos(subpattern decimal = r"[0-9]+(\.[0-9]+)?")]
enum Shape {
    #[regex(r"[\s\u{FEFF}]+", priority = 20)]
    Whitespace,
    #[regex(r"//[^\r\n]*", allow_greedy = true, priority = 20)]
    Comment,
    #[regex(r"[\p{XID_Start}_](?&continue)*", priority = 20)]
    Word,
    #[regex(r"(?&decimal)", priority = 20)]
    Number,
    #[regex(r"(?&decimal)%", priority = 20)]
    Percent,
    #[regex(r"([0-9]+(s|m|h|d|w|mo|y))+", priority = 20)]
    Duration,
    #[regex(r"[0-9]{1,2}:[0-9]{2}", priority = 20)]
    Time,
    #[regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", priority = 20)]
    Date,
    #[regex(r"(?&decimal)[\p{XID_Start}_](?&continue)*", priority = 10)]
    #[regex(r"[0-9]{1,2}:[0-9]{2}(?&continue)+", priority = 10)]
    #[regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?&continue)+", priority = 10)]
    BadNumber,
    #[regex(r#""([^"\\\r\n]|\\["\\n{])*""#, priority = 20)]
    String,
    #[regex(r#""([^"\\\r\n]|\\[^\r\n])*""#, priority = 10)]
    BadEscape,
    #[regex(r#""([^"\\\r\n]|\\[^\r\n])*\\?"#, priority = 5)]
    Unterminated,
    #[regex("[\u{201C}\u{201D}\u{201E}][^\"\r\n\u{201C}\u{201D}\u{201E}]*[\"\u{201C}\u{201D}\u{201E}]", priority = 10)]
    TypographicQuotes,
    #[token("&")]
    #[token("&&")]
    ForeignAnd,
    #[token("||")]
    ForeignOr,
    #[token("!")]
    ForeignNot,
    #[token("{")]
    LBrace,
    #[token("}")]
    RBrace,
    #[token("(")]
    LParen,
    #[token(")")]
    RParen,
    #[token("[")]
    LBracket,
    #[token("]")]
    RBracket,
    #[token(",")]
    Comma,
    #[token(":")]
    Colon,
    #[token(".")]
    Dot,
    #[token("?")]
    Question,
    #[token("|")]
    Pipe,
    #[token("->")]
    Arrow,
    #[token("=")]
    Eq,
    #[token("==")]
    EqEq,
    #[token("!=")]
    BangEq,
    #[token("<")]
    Less,
    #[token("<=")]
    LessEq,
    #[token(">")]
    Greater,
    #[token(">=")]
    GreaterEq,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
}

/// A token that the parser sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    pub(crate) kind: SyntaxKind,
    /// Its position.
    pub(crate) token: u32,
}

/// The tokens of a source: kinds and starts side by side, trivia included.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tokens {
    pub(crate) kinds: Vec<SyntaxKind>,
    pub(crate) starts: Vec<u32>,
    /// Those that the parser sees.
    pub(crate) seen: Vec<Seen>,
    /// Positions of numbers, and of lengths and points of time.
    pub(crate) quantities: Vec<u32>,
    pub(crate) errors: Vec<SyntaxError>,
}

impl Tokens {
    /// Kind and start of each token, in the order of the source.
    pub fn iter(&self) -> impl Iterator<Item = (SyntaxKind, u32)> + '_ {
        self.kinds.iter().copied().zip(self.starts.iter().copied())
    }

    /// What no token could be made of.
    pub fn errors(&self) -> &[SyntaxError] {
        &self.errors
    }

    fn push(&mut self, kind: SyntaxKind, start: u32) {
        if kind.is_trivia() { self.pass(kind, start) } else { self.see(kind, start) }
    }

    /// Adds one that the parser sees.
    #[inline]
    fn see(&mut self, kind: SyntaxKind, start: u32) {
        // A source is shorter than `MAX_SOURCE_LEN`, so are its tokens fewer.
        self.seen.push(Seen { kind, token: self.kinds.len() as u32 });
        self.pass(kind, start);
    }

    fn pass(&mut self, kind: SyntaxKind, start: u32) {
        self.kinds.push(kind);
        self.starts.push(start);
    }
}

/// A longer source is one unknown token and an error.
pub const MAX_SOURCE_LEN: usize = 64 * 1024 * 1024;

/// Cuts a source into tokens.
pub fn lex(source: &str) -> Tokens {
    let mut tokens = Tokens::default();
    if source.len() > MAX_SOURCE_LEN {
        tokens.push(SyntaxKind::Unknown, 0);
        let range = TextRange::new(0, u32::try_from(source.len()).unwrap_or(u32::MAX));
        tokens.errors.push(SyntaxError::new(SyntaxErrorKind::SourceTooLong { limit: MAX_SOURCE_LEN }, range));
        return tokens;
    }
    // A token has about three bytes, spaces being tokens too; where they are shorter, growing would copy all.
    let expected = source.len() * 2 / 5;
    tokens.kinds.reserve(expected);
    tokens.starts.reserve(expected);
    tokens.seen.reserve(expected / 2);
    tokens.quantities.reserve(expected / 16);
    read(source, 0, &mut tokens, |_| false);
    tokens
}

/// So many tokens at both ends of a source are those of an earlier state of it, in the same lines.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Alike {
    pub(crate) begin: usize,
    pub(crate) end: usize,
}

/// Cuts a source into the same tokens, with the help of those of an earlier state of it: only the lines that changed are read.
pub(crate) fn lex_again(source: &str, before: &TreeData) -> (Tokens, Alike) {
    // Where something is wrong, more is known of a token than its kind.
    if !before.sound || source.len() > MAX_SOURCE_LEN {
        return (lex(source), Alike::default());
    }
    let (now, then) = (source.as_bytes(), before.source.as_bytes());
    let (start, end) = text::alike(now, then);

    // No token looks further than to the end of its line, and a line break ends behind all white space.
    let before_change = before.starts.partition_point(|at| (*at as usize) < start);
    let ends_line = |token: &usize| {
        let text = |end: &u32| then.get(before.starts.get(*token).map_or(0, |at| *at as usize)..*end as usize);
        before.kinds.get(*token) == Some(&SyntaxKind::Whitespace)
            && before.starts.get(token + 1).and_then(text).is_some_and(|text| text.contains(&b'\n'))
    };
    let kept = (0..before_change.saturating_sub(1)).rev().find(ends_line).map_or(0, |token| token + 1);

    let mut tokens = Tokens::default();
    tokens.kinds.reserve(before.kinds.len());
    tokens.starts.reserve(before.kinds.len());
    tokens.kinds.extend_from_slice(before.kinds.get(..kept).unwrap_or_default());
    tokens.starts.extend_from_slice(before.starts.get(..kept).unwrap_or_default());
    let from = before.starts.get(kept).map_or(0, |at| *at as usize);
    let mut next = kept;
    // From where both texts go on alike and tokens begin in both, the same tokens follow.
    let meet = |at: usize| {
        let Some(then) = (at + then.len()).checked_sub(now.len()).filter(|_| at >= now.len() - end) else {
            return false;
        };
        while before.starts.get(next).is_some_and(|start| (*start as usize) < then) {
            next += 1;
        }
        before.starts.get(next).is_some_and(|start| *start as usize == then)
    };
    let mut alike = Alike { begin: kept, end: 0 };
    if read(source, from, &mut tokens, meet) {
        alike.end = before.kinds.len().saturating_sub(next);
        let (now, then) = (now.len() as u32, then.len() as u32);
        tokens.kinds.extend_from_slice(before.kinds.get(next..).unwrap_or_default());
        tokens.starts.extend(before.starts.iter().skip(next).map(|at| at + now - then));
    }
    let all = || (0..).zip(&tokens.kinds).map(|(token, kind)| Seen { kind: *kind, token });
    tokens.seen = all().filter(|seen| !seen.kind.is_trivia()).collect();
    tokens.quantities = all().filter(|seen| seen.kind.is_quantity()).map(|seen| seen.token).collect();
    (tokens, alike)
}

/// Adds the tokens from a place on, up to the end or to where it is `enough`; whether it was.
fn read(source: &str, from: usize, tokens: &mut Tokens, mut enough: impl FnMut(usize) -> bool) -> bool {
    let mut lexer = Shape::lexer(source);
    let mut at = from;
    loop {
        if enough(at) {
            return true;
        }
        // A third of all tokens are single spaces.
        let mut rest = source.as_bytes().get(at..).unwrap_or_default();
        if let [b' ', behind @ ..] = rest
            && matches!(behind, [b'!'..=b'~', ..])
        {
            tokens.pass(SyntaxKind::Whitespace, at as u32);
            rest = behind;
            at += 1;
        } else if let Some(length) = plain::space(rest) {
            tokens.pass(SyntaxKind::Whitespace, at as u32);
            at += length;
            continue;
        }
        if let Some(length) = plain::word(rest) {
            tokens.see(kind_of(Shape::Word, source, at..at + length), at as u32);
            at += length;
            continue;
        }
        // A third of what is left are braces.
        let brace = match rest.first() {
            Some(b'{') => Some(SyntaxKind::LBrace),
            Some(b'}') => Some(SyntaxKind::RBrace),
            _ => None,
        };
        if let Some(brace) = brace {
            tokens.see(brace, at as u32);
            at += 1;
            continue;
        }
        lexer.bump(at - lexer.span().end);
        let Some(shape) = lexer.next() else { return false };
        let span = lexer.span();
        at = span.end;
        let start = span.start as u32;
        let range = TextRange::new(start, span.end as u32);
        let kind = match shape {
            Ok(shape) => kind_of(shape, source, lexer.span()),
            Err(()) => SyntaxKind::Unknown,
        };
        match kind {
            SyntaxKind::Unknown => {
                if tokens.kinds.last() == Some(&SyntaxKind::Unknown) {
                    if let Some(last) = tokens.errors.last_mut() {
                        last.range = last.range.cover(range);
                    }
                    continue;
                }
                tokens.errors.push(SyntaxError::new(SyntaxErrorKind::UnknownCharacter, range));
            }
            SyntaxKind::BadNumber => {
                let kind = SyntaxErrorKind::MalformedNumber { suggestion: crate::suggest::number(lexer.slice()) };
                tokens.errors.push(SyntaxError::new(kind, range));
            }
            SyntaxKind::AndKw | SyntaxKind::OrKw | SyntaxKind::NotKw if shape != Ok(Shape::Word) => {
                // Read on as if the word stood there.
                let suggestion = kind.text().unwrap_or_default();
                let kind = SyntaxErrorKind::ForeignOperator { suggestion };
                tokens.errors.push(SyntaxError::new(kind, range));
            }
            SyntaxKind::BadString => bad_string(shape, lexer.slice(), range, &mut tokens.errors),
            _ if kind.is_quantity() => tokens.quantities.push(tokens.kinds.len() as u32),
            _ => {}
        }
        tokens.push(kind, start);
    }
}

/// Nine in ten tokens are white space or words of plain ASCII: how long they are is told by looks at eight bytes at once.
mod plain {
    /// The highest bit of each byte.
    const HIGH: u64 = each(0x80);

    const fn each(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }

    /// The length of the spaces and line breaks that the bytes begin with; none if there are none or maybe more white space.
    pub(super) fn space(bytes: &[u8]) -> Option<usize> {
        if !matches!(bytes.first(), Some(b' ' | b'\n')) {
            return None;
        }
        let length = length(bytes, |bytes| differs(bytes, b' ') & differs(bytes, b'\n'))?;
        matches!(bytes.get(length), Some(b'!'..=b'~')).then_some(length)
    }

    /// The length of the word that the bytes begin with; none if there is none or the word may go on.
    pub(super) fn word(bytes: &[u8]) -> Option<usize> {
        if !matches!(bytes.first(), Some(b'a'..=b'z' | b'A'..=b'Z' | b'_')) {
            return None;
        }
        let length = length(bytes, |bytes| {
            let letter = within(bytes | each(0x20), b'a', b'z');
            !(letter | within(bytes, b'0', b'9') | !differs(bytes, b'_')) | bytes
        })?;
        bytes.get(length).is_some_and(u8::is_ascii).then_some(length)
    }

    /// How many bytes there are before the first that is `outside`, by its highest bit.
    fn length(bytes: &[u8], outside: impl Fn(u64) -> u64) -> Option<usize> {
        let mut length = 0;
        loop {
            let outside = outside(u64::from_le_bytes(*bytes.get(length..)?.first_chunk()?)) & HIGH;
            if outside != 0 {
                return Some(length + outside.trailing_zeros() as usize / 8);
            }
            length += 8;
        }
    }

    /// Says of each byte by its highest bit whether it is another.
    const fn differs(bytes: u64, byte: u8) -> u64 {
        let difference = bytes ^ each(byte);
        ((difference & !HIGH) + !HIGH) | difference
    }

    /// Says of each ASCII byte by its highest bit whether it is in a range.
    const fn within(bytes: u64, first: u8, last: u8) -> u64 {
        let bytes = bytes | HIGH;
        (bytes - each(first)) & !(bytes - each(last + 1))
    }
}

fn kind_of(shape: Shape, source: &str, at: Range<usize>) -> SyntaxKind {
    match shape {
        Shape::Word => SyntaxKind::of_keyword_in(source, at).unwrap_or(SyntaxKind::Ident),
        Shape::Whitespace => SyntaxKind::Whitespace,
        Shape::Comment => {
            let text = source.get(at).unwrap_or_default();
            let is_doc = text.starts_with("///") && !text.starts_with("////");
            if is_doc { SyntaxKind::DocComment } else { SyntaxKind::Comment }
        }
        Shape::Number => SyntaxKind::Number,
        Shape::Percent => SyntaxKind::Percent,
        Shape::Duration => SyntaxKind::Duration,
        Shape::Time => SyntaxKind::Time,
        Shape::Date => SyntaxKind::Date,
        Shape::BadNumber => SyntaxKind::BadNumber,
        Shape::String => SyntaxKind::String,
        Shape::BadEscape | Shape::Unterminated | Shape::TypographicQuotes => SyntaxKind::BadString,
        Shape::ForeignAnd => SyntaxKind::AndKw,
        Shape::ForeignOr => SyntaxKind::OrKw,
        Shape::ForeignNot => SyntaxKind::NotKw,
        Shape::LBrace => SyntaxKind::LBrace,
        Shape::RBrace => SyntaxKind::RBrace,
        Shape::LParen => SyntaxKind::LParen,
        Shape::RParen => SyntaxKind::RParen,
        Shape::LBracket => SyntaxKind::LBracket,
        Shape::RBracket => SyntaxKind::RBracket,
        Shape::Comma => SyntaxKind::Comma,
        Shape::Colon => SyntaxKind::Colon,
        Shape::Dot => SyntaxKind::Dot,
        Shape::Question => SyntaxKind::Question,
        Shape::Pipe => SyntaxKind::Pipe,
        Shape::Arrow => SyntaxKind::Arrow,
        Shape::Eq => SyntaxKind::Eq,
        Shape::EqEq => SyntaxKind::EqEq,
        Shape::BangEq => SyntaxKind::BangEq,
        Shape::Less => SyntaxKind::Less,
        Shape::LessEq => SyntaxKind::LessEq,
        Shape::Greater => SyntaxKind::Greater,
        Shape::GreaterEq => SyntaxKind::GreaterEq,
        Shape::Plus => SyntaxKind::Plus,
        Shape::Minus => SyntaxKind::Minus,
        Shape::Star => SyntaxKind::Star,
        Shape::Slash => SyntaxKind::Slash,
    }
}

/// Says what is wrong inside a string: each unknown escape, the missing quote, or the wrong kind of quotes.
fn bad_string(shape: Result<Shape, ()>, text: &str, range: TextRange, errors: &mut Vec<SyntaxError>) {
    if shape == Ok(Shape::TypographicQuotes) {
        let inner = text.trim_matches(['\u{201C}', '\u{201D}', '\u{201E}', '"']);
        let suggestion = format!("\"{}\"", inner.replace('\\', "\\\\"));
        errors.push(SyntaxError::new(SyntaxErrorKind::TypographicQuotes { suggestion }, range));
        return;
    }
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character != '\\' {
            continue;
        }
        match characters.next() {
            Some((_, '"' | '\\' | 'n' | '{')) | None => {}
            Some((next, escaped)) => {
                let start = range.start + at as u32;
                let end = range.start + (next + escaped.len_utf8()) as u32;
                errors.push(SyntaxError::new(SyntaxErrorKind::UnknownEscape { escaped }, TextRange::new(start, end)));
            }
        }
    }
    if shape == Ok(Shape::Unterminated) {
        errors.push(SyntaxError::new(SyntaxErrorKind::UnterminatedString, range));
    }
}

#[cfg(test)]
mod tests {
    use super::{Shape, kind_of, lex};
    use crate::kind::SyntaxKind;
    use logos::Logos;

    #[test]
    fn plain_tokens_are_those_that_their_shapes_say() {
        let ascii = (0..=0x7f_u8).map(char::from);
        let behind: Vec<char> = ascii.chain(['é', '\u{85}', '\u{a0}', '\u{b7}', '\u{301}', '\u{feff}']).collect();
        let begin = ["a", "Z_", "wait", "x9y", " ", "\n", "\n  ", "\r\n", "\t"];
        for (begin, length, next) in begin.iter().flat_map(|begin| {
            let behind = &behind;
            (0..18).flat_map(move |length| behind.iter().map(move |next| (begin, length, next)))
        }) {
            let last = begin.chars().next_back().unwrap_or_default();
            for end in ["", "b", "  until tomorrow evening"] {
                let source = format!("{begin}{}{next}{end}", last.to_string().repeat(length));
                let shapes = Shape::lexer(&source).spanned().map(|(shape, at)| match shape {
                    Ok(shape) => (kind_of(shape, &source, at.clone()), at.start as u32),
                    Err(()) => (SyntaxKind::Unknown, at.start as u32),
                });
                assert_eq!(lex(&source).iter().collect::<Vec<_>>(), shapes.collect::<Vec<_>>(), "{source:?}");
            }
        }
    }
}
