//! A file's text and how to speak of places in it.

use std::sync::Arc;

use crate::diagnostic::{Encoding, LineIndex, Span};
use crate::hir::Loc;
use crate::project::FileId;

/// A source text that is valid UTF-8.
pub(crate) struct Text<'a> {
    file: FileId,
    path: &'a str,
    source: &'a str,
    lines: LineIndex,
}

impl<'a> Text<'a> {
    pub(crate) fn new(file: FileId, path: &'a str, source: &'a str, bytes: &Arc<[u8]>) -> Self {
        Self { file, path, source, lines: LineIndex::new(Arc::clone(bytes)) }
    }

    pub(crate) const fn path(&self) -> &'a str {
        self.path
    }

    /// The place, as diagnostics name it.
    pub(crate) fn span(&self, loc: Loc) -> Span {
        Span::new(self.file, self.source, loc.start as usize..loc.end as usize)
    }

    /// What stands there.
    pub(crate) fn slice(&self, loc: Loc) -> &'a str {
        self.source.get(loc.start as usize..loc.end as usize).unwrap_or_default()
    }

    /// Line and column (in characters), both from 1.
    pub(crate) fn line_column(&self, offset: u32) -> (u32, u32) {
        let place = self.lines.position(offset, Encoding::Utf32);
        (place.line.saturating_add(1), place.column.saturating_add(1))
    }
}
