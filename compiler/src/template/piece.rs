//! A piece of a file that is read as a text of its own, and where each byte of it stands in the file.

use std::ops::Range;

use crate::diagnostic::Span;
use crate::project::FileId;

/// A text that is read from files: a stretch of one, the text of a string, or stretches of several behind each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    text: String,
    /// By the place in the text.
    segments: Vec<Segment>,
}

/// From one byte of the text on, it stands in this file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Segment {
    /// The byte of the text.
    text: usize,
    file: FileId,
    /// The byte of the file.
    at: usize,
    /// Where the file's text ends for this segment.
    end: usize,
}

impl Segment {
    fn place(&self, at: usize) -> usize {
        (self.at + at.saturating_sub(self.text)).min(self.end)
    }
}

impl Piece {
    /// A stretch of a file, as it stands there.
    pub fn slice(file: FileId, source: &str, range: Range<usize>) -> Self {
        let range = Span::new(file, source, range).range();
        let text = source.get(range.clone()).unwrap_or_default().to_owned();
        Self { text, segments: vec![Segment { text: 0, file, at: range.start, end: range.end }] }
    }

    /// The text of a string literal of the language; the range includes its quotes.
    pub fn literal(file: FileId, source: &str, range: Range<usize>) -> Self {
        let range = Span::new(file, source, range).range();
        let written = source.get(range.clone()).unwrap_or_default();
        let inner = written.strip_prefix('"').unwrap_or(written);
        let inner = inner.strip_suffix('"').unwrap_or(inner);
        let begin = range.start + usize::from(inner.len() < written.len());
        let end = begin + inner.len();
        let mut piece = Self { text: String::new(), segments: vec![Segment { text: 0, file, at: begin, end }] };
        let mut chars = inner.char_indices();
        while let Some((_, c)) = chars.next() {
            let escaped = if c == '\\' { chars.next() } else { None };
            match escaped {
                Some((at, c)) => {
                    piece.text.push(match c {
                        'n' => '\n',
                        other => other,
                    });
                    let text = piece.text.len();
                    piece.segments.push(Segment { text, file, at: begin + at + c.len_utf8(), end });
                }
                None => piece.text.push(c),
            }
        }
        piece
    }

    /// A text that no file holds; all of it stands for one place.
    pub fn made(text: impl Into<String>, at: Span) -> Self {
        let place = at.start as usize;
        Self { text: text.into(), segments: vec![Segment { text: 0, file: at.file, at: place, end: place }] }
    }

    /// A text without a letter, to append to.
    pub const fn empty() -> Self {
        Self { text: String::new(), segments: Vec::new() }
    }

    /// Puts a stretch of another piece behind this one.
    pub fn append(&mut self, other: &Self, range: Range<usize>) {
        let Some(text) = other.text.get(range.clone()).filter(|text| !text.is_empty()) else { return };
        let base = self.text.len();
        let first = other.segment(range.start);
        let later = other.segments.iter().filter(|segment| range.contains(&segment.text) && segment.text > range.start);
        for segment in std::iter::once(&first).chain(later) {
            let inside = segment.text.max(range.start);
            // What follows this stretch in the file does not follow it here.
            let end = segment.end.min(segment.place(range.end));
            let at = segment.place(inside);
            self.segments.push(Segment { text: base + inside - range.start, file: segment.file, at, end });
        }
        self.text.push_str(text);
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where all of it stands; of several files, what stands in the first.
    pub fn whole(&self) -> Span {
        self.span(0..self.text.len())
    }

    /// Where a stretch of the text stands in its file; clamped to the text and to whole characters. One that reaches over
    /// several files ends with the first.
    pub fn span(&self, range: Range<usize>) -> Span {
        let first = self.segment(range.start);
        let inside = Span::new(first.file, &self.text, range);
        let (from, to) = (inside.start as usize, inside.end as usize);
        let start = first.place(from);
        let same = |segment: &Segment| segment.file == first.file && segment.place(to) >= start;
        let last = [self.segment(to), self.segment(to.saturating_sub(1).max(from)), first].into_iter().find(same);
        let end = last.unwrap_or(first).place(to).max(start);
        Span { start: narrow(start), end: narrow(end), ..inside }
    }

    /// The segment that a byte of the text stands in.
    fn segment(&self, at: usize) -> Segment {
        let behind = self.segments.partition_point(|segment| segment.text <= at);
        let none = Segment { text: 0, file: FileId(0), at: 0, end: 0 };
        behind.checked_sub(1).and_then(|n| self.segments.get(n)).copied().unwrap_or(none)
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

    #[test]
    fn stretches_of_several_files_keep_their_places() {
        let (outer, inner) = ("one {x} two", "(é)");
        let (a, b) = (Piece::slice(FileId(0), outer, 0..outer.len()), Piece::slice(FileId(1), inner, 0..inner.len()));
        let mut piece = Piece::empty();
        piece.append(&a, 0..4);
        piece.append(&Piece::made("{% with %}", a.span(4..7)), 0..10);
        piece.append(&b, 0..inner.len());
        piece.append(&a, 7..11);
        assert_eq!(piece.text(), "one {% with %}(é) two");
        let at = |word: &str| {
            let start = piece.text().find(word).unwrap();
            let span = piece.span(start..start + word.len());
            (span.file.0, &[outer, inner][span.file.0 as usize][span.range()])
        };
        assert_eq!(at("one"), (0, "one"));
        assert_eq!(at("one "), (0, "one "));
        assert_eq!(at("é"), (1, "é"));
        assert_eq!(at("(é)"), (1, "(é)"));
        assert_eq!(at(" two"), (0, " two"));
        assert_eq!(at("é) two"), (1, "é)"));
        assert_eq!(at("with"), (0, ""));
        let mut again = Piece::empty();
        again.append(&piece, 2..piece.text().len() - 1);
        assert_eq!(again.text(), "e {% with %}(é) tw");
        assert_eq!(again.span(13..15), piece.span(15..17));
    }
}
