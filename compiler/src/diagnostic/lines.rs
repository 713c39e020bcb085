//! Offsets to lines and columns and back, in the units that editors count in. Whoever shows a place to a person uses
//! this: compiler, reports and editors agree on every line ending.

use std::ops::Range;
use std::sync::Arc;

use memchr::memchr2_iter;

/// What a column counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units: what editors count unless agreed otherwise.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    const fn units(self, c: char) -> u32 {
        match self {
            Self::Utf8 => c.len_utf8() as u32,
            Self::Utf16 => c.len_utf16() as u32,
            Self::Utf32 => 1,
        }
    }
}

/// A place in a text, both from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in the units of an [`Encoding`].
    pub column: u32,
}

/// Where the lines of a text begin. Works on bytes, because a file need not be text: a byte that is not part of a
/// character counts as one of every unit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineIndex {
    bytes: Arc<[u8]>,
    starts: Vec<u32>,
}

impl LineIndex {
    /// Finds the lines; `\n`, `\r\n` and `\r` end one, as in the language server protocol.
    pub fn new(bytes: Arc<[u8]>) -> Self {
        // A line has about thirty bytes.
        let mut starts = Vec::with_capacity(1 + bytes.len() / 24);
        starts.push(0);
        for at in memchr2_iter(b'\n', b'\r', &bytes) {
            if bytes.get(at) == Some(&b'\n') || bytes.get(at + 1) != Some(&b'\n') {
                starts.push(clamp(at + 1));
            }
        }
        Self { bytes, starts }
    }

    /// How many lines there are; an empty text has one.
    pub const fn len(&self) -> usize {
        self.starts.len()
    }

    /// Never: even an empty text has a line.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of a line without what ends it; none behind the last line.
    pub fn line(&self, line: u32) -> Option<Range<usize>> {
        let start = *self.starts.get(line as usize)? as usize;
        let end = self.starts.get(line as usize + 1).map_or(self.bytes.len(), |&next| next as usize);
        let text = self.bytes.get(start..end)?;
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        Some(start..start + text.len())
    }

    /// The place of a byte; offsets past the end stand at the end, offsets inside a character before it.
    pub fn position(&self, offset: u32, encoding: Encoding) -> Position {
        let offset = (offset as usize).min(self.bytes.len());
        let line = self.starts.partition_point(|&start| start as usize <= offset).saturating_sub(1);
        let start = self.starts.get(line).map_or(0, |&start| start as usize);
        let before = self.bytes.get(start..offset).unwrap_or_default();
        if before.is_ascii() && self.bytes.get(offset).is_none_or(u8::is_ascii) {
            return Position { line: clamp(line), column: clamp(before.len()) };
        }
        let end = self.starts.get(line + 1).map_or(self.bytes.len(), |&next| next as usize);
        let mut column = 0;
        let mut at = start;
        for c in chars(self.bytes.get(start..end).unwrap_or_default()) {
            at += c.len;
            if at > offset {
                break;
            }
            column += c.units(encoding);
        }
        Position { line: clamp(line), column }
    }

    /// The byte of a place; columns past the end of the line stand at its end, lines past the last one at the end of
    /// the text, columns inside a character before it.
    pub fn offset(&self, position: Position, encoding: Encoding) -> u32 {
        let Some(line) = self.line(position.line) else { return clamp(self.bytes.len()) };
        let mut column = 0;
        let mut at = line.start;
        for c in chars(self.bytes.get(line).unwrap_or_default()) {
            column += c.units(encoding);
            if column > position.column {
                break;
            }
            at += c.len;
        }
        clamp(at)
    }
}

/// A character, or a byte that is none.
struct Char {
    char: Option<char>,
    len: usize,
}

impl Char {
    fn units(&self, encoding: Encoding) -> u32 {
        self.char.map_or(1, |c| encoding.units(c))
    }
}

fn chars(bytes: &[u8]) -> impl Iterator<Item = Char> {
    bytes.utf8_chunks().flat_map(|chunk| {
        let valid = chunk.valid().chars().map(|c| Char { char: Some(c), len: c.len_utf8() });
        valid.chain(chunk.invalid().iter().map(|_| Char { char: None, len: 1 }))
    })
}

/// Spans are 32 bits wide; no source comes near 4 GB.
fn clamp(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(text: &str) -> LineIndex {
        LineIndex::new(text.as_bytes().into())
    }

    const fn at(line: u32, column: u32) -> Position {
        Position { line, column }
    }

    #[test]
    fn every_line_ending_counts_once() {
        let lines = index("a\nb\r\nc\rd");
        assert_eq!(lines.len(), 4);
        assert_eq!((0..4).map(|n| lines.line(n).unwrap()).collect::<Vec<_>>(), [0..1, 2..3, 5..6, 7..8]);
        assert_eq!(lines.line(4), None);
        assert_eq!(index("").len(), 1);
        assert_eq!(index("a\n").line(1), Some(2..2));
    }

    #[test]
    fn columns_count_in_the_agreed_units() {
        let lines = index("ä𝄞x");
        assert_eq!(lines.position(6, Encoding::Utf8), at(0, 6));
        assert_eq!(lines.position(6, Encoding::Utf16), at(0, 3));
        assert_eq!(lines.position(6, Encoding::Utf32), at(0, 2));
        assert_eq!(lines.offset(at(0, 3), Encoding::Utf16), 6);
        assert_eq!(lines.offset(at(0, 2), Encoding::Utf16), 2, "between surrogates: before the character");
        assert_eq!(lines.position(4, Encoding::Utf8), at(0, 2), "inside a character: before it");
    }

    #[test]
    fn places_outside_are_clamped() {
        let lines = index("ab\ncd\n");
        assert_eq!(lines.offset(at(0, 99), Encoding::Utf8), 2);
        assert_eq!(lines.offset(at(99, 0), Encoding::Utf8), 6);
        assert_eq!(lines.position(99, Encoding::Utf8), at(2, 0));
    }

    #[test]
    fn bytes_that_are_no_text_count_one_each() {
        let lines = LineIndex::new(vec![b'a', 0xff, 0xc3, b'b'].into());
        assert_eq!(lines.position(3, Encoding::Utf16), at(0, 3));
        assert_eq!(lines.offset(at(0, 3), Encoding::Utf16), 3);
    }

    proptest::proptest! {
        #[test]
        fn positions_and_offsets_agree(text in "(\\PC|[\n\r\t]){0,40}") {
            let lines = index(&text);
            for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
                for (offset, _) in text.char_indices() {
                    // The `\n` of `\r\n` is inside the line's end, where no position points.
                    if text[..offset].ends_with('\r') && text[offset..].starts_with('\n') {
                        continue;
                    }
                    let position = lines.position(offset as u32, encoding);
                    proptest::prop_assert_eq!(lines.offset(position, encoding) as usize, offset);
                }
            }
        }
    }
}
