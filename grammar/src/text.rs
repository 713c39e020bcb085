//! Places in a source.

use std::fmt;
use std::ops::Range;

/// A stretch of a source in bytes; both ends lie on character boundaries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TextRange {
    /// The first byte.
    pub start: u32,
    /// The byte behind the last one.
    pub end: u32,
}

impl TextRange {
    /// From `start` up to, not including, `end`.
    pub const fn new(start: u32, end: u32) -> Self {
        debug_assert!(start <= end);
        Self { start, end }
    }

    /// The empty range at `offset`.
    pub const fn at(offset: u32) -> Self {
        Self::new(offset, offset)
    }

    /// How many bytes.
    pub const fn len(self) -> u32 {
        self.end - self.start
    }

    /// Whether no byte is in it.
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// Whether the byte at `offset` is in it.
    pub const fn contains(self, offset: u32) -> bool {
        self.start <= offset && offset < self.end
    }

    /// Whether the whole of `other` is in it.
    pub const fn contains_range(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The smallest range with both in it.
    #[must_use]
    pub fn cover(self, other: Self) -> Self {
        Self::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// To slice with.
    pub const fn to_usize(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl fmt::Debug for TextRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// Texts are compared by so many bytes at a time.
const BLOCK: usize = 64;

/// How many bytes two texts begin with alike, and how many of the others they end with alike.
pub fn alike(one: &[u8], other: &[u8]) -> (usize, usize) {
    let blocks = one.chunks_exact(BLOCK).zip(other.chunks_exact(BLOCK));
    let blocks = BLOCK * blocks.take_while(|(one, other)| one == other).count();
    let bytes = one.iter().zip(other).skip(blocks);
    let begin = blocks + bytes.take_while(|(one, other)| one == other).count();
    let rest = |text: &'_ [u8]| text.len() - begin;
    (begin, end_alike(one, other).min(rest(one)).min(rest(other)))
}

fn end_alike(one: &[u8], other: &[u8]) -> usize {
    let blocks = one.rchunks_exact(BLOCK).zip(other.rchunks_exact(BLOCK));
    let blocks = BLOCK * blocks.take_while(|(one, other)| one == other).count();
    // To skip them from the end would take a look at each.
    let rest = |text: &'_ [u8]| text.len() - blocks;
    let (one, other) = (one.get(..rest(one)).unwrap_or_default(), other.get(..rest(other)).unwrap_or_default());
    blocks + one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count()
}
