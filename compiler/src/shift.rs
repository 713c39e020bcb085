//! What becomes of places when the text before them grows or shrinks.

use crate::diagnostic::{Diagnostic, Span};
use crate::project::FileId;

/// A change of a file: what stands behind it stands further back now, or further front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift {
    pub(crate) file: FileId,
    /// The first byte behind the change, as the file was.
    pub(crate) from: u32,
    /// How many bytes further back it is now.
    pub(crate) by: i64,
}

impl Shift {
    /// Moves a place that is behind the change.
    pub(crate) fn span(self, span: &mut Span) {
        if span.file == self.file && span.start >= self.from {
            (span.start, span.end) = (self.offset(span.start), self.offset(span.end));
        }
    }

    /// Where a byte behind the change is now. Texts are far smaller than the numbers.
    pub(crate) fn offset(self, at: u32) -> u32 {
        u32::try_from(i64::from(at) + self.by).unwrap_or(u32::MAX)
    }

    /// Moves the places that a finding speaks of.
    pub(crate) fn diagnostic(self, found: &mut Diagnostic) {
        self.span(&mut found.primary.span);
        found.secondary.iter_mut().for_each(|label| self.span(&mut label.span));
        let edits = found.fixes.iter_mut().flat_map(|fix| &mut fix.edits);
        edits.for_each(|edit| self.span(&mut edit.span));
    }
}
