//! The one diagnostic type of the whole tool: what is wrong, where, why, and what to do.
//!
//! The compiler makes diagnostics, `cli` and `lsp` render them. Codes live in [`code`], one registry.

mod baseline;
mod code;
mod level;
mod lines;
mod order;
mod suggest;

use std::ops::Range;

pub use baseline::{Filtered, Fingerprint, filter, fingerprints};
pub use code::Code;
pub use level::{Group, Level, Profile};
pub use lines::{Encoding, LineIndex, Position};
pub use order::{MAX_FINDINGS, limit, sort};
use serde::{Deserialize, Serialize};
pub use suggest::{nearest, one_of, quote};

use crate::project::FileId;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; shown faintly.
    Hint,
    /// Probably not what was meant.
    Warning,
    /// The project does not compile.
    Error,
}

/// A place in a file: bytes, always on character boundaries and inside the file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// The byte behind the last one.
    pub end: u32,
}

impl Span {
    /// A place in a text: clamped to it, widened to whole characters. The only way to make a span from offsets that
    /// others computed, because whatever shows the span trusts it.
    pub fn new(file: FileId, text: &str, range: Range<usize>) -> Self {
        let start = text.floor_char_boundary(range.start.min(text.len()));
        let end = text.ceil_char_boundary(range.end.clamp(start, text.len()));
        Self { file, start: offset(start), end: offset(end) }
    }

    /// A place in bytes that need not be text: clamped to them.
    pub fn in_bytes(file: FileId, bytes: &[u8], range: Range<usize>) -> Self {
        let start = range.start.min(bytes.len());
        Self { file, start: offset(start), end: offset(range.end.clamp(start, bytes.len())) }
    }

    /// The beginning of a file.
    pub const fn beginning(file: FileId) -> Self {
        Self { file, start: 0, end: 0 }
    }

    /// The same place, or the character beside it if the place is empty: something to underline. At the end of a line
    /// or file that is the last character that can be seen before it.
    #[must_use]
    pub fn visible(self, text: &str) -> Self {
        if self.start < self.end {
            return self;
        }
        let (before, after) = text.split_at_checked(self.start as usize).unwrap_or((text, ""));
        if let Some(c) = after.chars().next().filter(|c| !c.is_whitespace()) {
            return Self { end: self.start + offset(c.len_utf8()), ..self };
        }
        match before.char_indices().rev().find(|(_, c)| !c.is_whitespace()) {
            Some((at, c)) => Self { start: offset(at), end: offset(at + c.len_utf8()), ..self },
            None => self,
        }
    }

    /// The empty place where it begins.
    #[must_use]
    pub const fn before(self) -> Self {
        Self { end: self.start, ..self }
    }

    /// The empty place where it ends.
    #[must_use]
    pub const fn after(self) -> Self {
        Self { start: self.end, ..self }
    }

    /// From the beginning of one to the end of the other, in one file.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end), ..self }
    }

    /// The bytes, to slice with.
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Spans are 32 bits wide; [`MAX_FILE`](crate::project::MAX_FILE) keeps every text far below.
fn offset(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A piece of source with something to say about it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What; may be empty for the primary label.
    pub text: String,
}

/// Whether a fix can be applied without looking.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Applicability {
    /// Keeps what the journey means, or corrects a plain slip.
    Safe,
    /// Changes what the journey does; a person should look.
    Unsafe,
}

/// Replaces a piece of source.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Edit {
    /// What is replaced; empty for an insertion.
    pub span: Span,
    /// With what.
    pub text: String,
}

/// A change that mends the finding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fix {
    /// What it does, as an imperative: "Replace `mattres_lead` with `mattress_lead`".
    pub title: String,
    /// Whether it can be applied without looking.
    pub applicability: Applicability,
    /// The edits; they do not overlap.
    pub edits: Vec<Edit>,
}

/// One finding.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Its code.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, one plain sentence that stands alone, without a final full stop.
    pub message: String,
    /// Where it is wrong.
    pub primary: Label,
    /// What else to look at.
    pub secondary: Vec<Label>,
    /// Why it matters, in a sentence or two.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
    /// Changes that mend it.
    pub fixes: Vec<Fix>,
}

impl Diagnostic {
    /// A finding with the code's own severity.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            primary: Label { span, text: String::new() },
            secondary: Vec::new(),
            notes: Vec::new(),
            help: None,
            fixes: Vec::new(),
        }
    }

    /// Says something at the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Points at another place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Says why it matters.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Offers the nearest name in place of the one at the primary span, if there is one near: a label and a fix.
    #[must_use]
    pub fn suggest<'a>(self, word: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(word, names) {
            Some(name) => self.replace_with(word, name),
            None => self,
        }
    }

    /// Offers this name in place of the one at the primary span: a label and a fix.
    #[must_use]
    pub fn replace_with(self, word: &str, name: &str) -> Self {
        let edit = Edit { span: self.primary.span, text: name.to_owned() };
        self.label(format!("did you mean `{name}`?")).fix(
            format!("Replace {} with `{name}`", quote(word)),
            Applicability::Safe,
            vec![edit],
        )
    }

    /// Offers a change that mends it.
    #[must_use]
    pub fn fix(mut self, title: impl Into<String>, applicability: Applicability, edits: Vec<Edit>) -> Self {
        self.fixes.push(Fix { title: title.into(), applicability, edits });
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: FileId = FileId(0);

    #[test]
    fn an_empty_place_shows_the_character_beside_it() {
        let at = |text: &str, n: usize| Span::new(FILE, text, n..n).visible(text).range();
        assert_eq!(at("ab c", 1), 1..2, "the one behind it");
        assert_eq!(at("ab\n\n", 4), 1..2, "the last one before the end");
        assert_eq!(at("ab  c", 2), 1..2, "not a blank");
        assert_eq!(at("  ", 1), 1..1, "nothing to show");
        assert_eq!(at("é", 0), 0..2);
    }

    proptest! {
        #[test]
        fn every_span_is_inside_its_text(text in "\\PC{0,20}", start: u8, end: u8) {
            let span = Span::new(FILE, &text, usize::from(start) / 4..usize::from(end) / 4);
            prop_assert!(text.get(span.range()).is_some());
            prop_assert!(text.get(span.visible(&text).range()).is_some());
        }
    }
}
