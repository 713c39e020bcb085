//! A piece of a file that is read as a text of its own, and where each byte of it stands in the file.

use std::ops::Range;

use crate::diagnostic::Span;
use crate::project::FileId;

/// A piece of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    file: FileId,
    text: String,
    /// From this byte of the text on, it stands there in the file.
    places: Vec<(usize, usize)>,
    /// Where the file's text ends for this piece.
    end: usize,
}

impl Piece {
    /// A stretch of a file, as it stands there.
    pub fn slice(file: FileId, source: &str, range: Range<usize>) -> Self {
        let range = Span::new(file, source, range).range();
        let text = source.get(range.clone()).unwrap_or_default().to_owned();
        Self { file, text, places: vec![(0, range.start)], end: range.end }
    }

    /// The text of a string literal of the language; the range includes its quotes.
    pub fn literal(file: FileId, source: &str, range: Range<usize>) -> Self {
        let range = Span::new(file, source, range).range();
        let written = source.get(range.clone()).unwrap_or_default();
        let inner = written.strip_prefix('"').unwrap_or(written);
        let inner = inner.strip_suffix('"').unwrap_or(inner);
        let begin = range.start + usize::from(inner.len() < written.len());
        let mut piece = Self { file, text: String::new(), places: vec![(0, begin)], end: begin + inner.len() };
        let mut chars = inner.char_indices();
        while let Some((_, c)) = chars.next() {
            let escaped = if c == '\\' { chars.next() } else { None };
            match escaped {
                Some((at, c)) => {
                    piece.text.push(match c {
                        'n' => '\n',
                        other => other,
                    });
                    piece.places.push((piece.text.len(), begin + at + c.len_utf8()));
                }
                None => piece.text.push(c),
            }
        }
        piece
    }

    /// A text that no file holds; all of it stands for one place.
    pub fn made(text: String, at: Span) -> Self {
        Self { file: at.file, text, places: vec![(0, at.start as usize)], end: at.start as usize }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The file.
    pub const fn file(&self) -> FileId {
        self.file
    }

    /// Where all of it stands.
    pub fn whole(&self) -> Span {
        self.span(0..self.text.len())
    }

    /// Where a stretch of the text stands in the file; clamped to the text and to whole characters.
    pub fn span(&self, range: Range<usize>) -> Span {
        let inside = Span::new(self.file, &self.text, range);
        let start = self.place(inside.start as usize);
        let end = self.place(inside.end as usize).max(start);
        Span { start: narrow(start), end: narrow(end), ..inside }
    }

    fn place(&self, at: usize) -> usize {
        let behind = self.places.partition_point(|(text, _)| *text <= at);
        let (text, file) = behind.checked_sub(1).and_then(|n| self.places.get(n)).copied().unwrap_or_default();
        (file + at.saturating_sub(text)).min(self.end)
    }
}

fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_keep_their_places() {
        let source = r#"send sms "a\"ß\n{{ x }}""#;
        let piece = Piece::literal(FileId(0), source, 9..source.len());
        assert_eq!(piece.text(), "a\"ß\n{{ x }}");
        let at = |word: &str| {
            let start = piece.text().find(word).unwrap();
            &source[piece.span(start..start + word.len()).range()]
        };
        assert_eq!(at("x"), "x");
        assert_eq!(at("ß"), "ß");
        assert_eq!(at("\""), r#"\""#);
        assert_eq!(at("\n"), r"\n");
        assert_eq!(&source[piece.whole().range()], r#"a\"ß\n{{ x }}"#);
    }
}
