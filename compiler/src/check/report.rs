//! How a finding is put together.

use super::expr::Checker;
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit};
use crate::hir::Loc;

impl<'a> Checker<'a> {
    pub(super) fn report(&mut self, code: Code, loc: Loc, message: impl Into<String>) -> Report<'_, 'a> {
        let diagnostic = Diagnostic::new(code, self.text.span(loc), message);
        Report { checker: self, diagnostic: Some(diagnostic) }
    }
}

/// A finding under construction; it is told when it goes out of sight.
pub(super) struct Report<'c, 'a> {
    checker: &'c mut Checker<'a>,
    diagnostic: Option<Diagnostic>,
}

impl Report<'_, '_> {
    fn with(mut self, more: impl FnOnce(Diagnostic) -> Diagnostic) -> Self {
        self.diagnostic = self.diagnostic.take().map(more);
        self
    }

    pub(super) fn label(self, text: impl Into<String>) -> Self {
        self.with(|d| d.label(text))
    }

    pub(super) fn also(self, span: crate::diagnostic::Span, text: impl Into<String>) -> Self {
        self.with(|d| d.also(span, text))
    }

    pub(super) fn note(self, text: impl Into<String>) -> Self {
        self.with(|d| d.note(text))
    }

    pub(super) fn help(self, text: impl Into<String>) {
        drop(self.with(|d| d.help(text)));
    }

    pub(super) fn suggest<'n>(self, word: &str, names: impl IntoIterator<Item = &'n str>) -> Self {
        self.with(|d| d.suggest(word, names))
    }

    /// Offers the nearest name; if none is near, says so here and what to do.
    pub(super) fn suggest_or<'n>(
        self,
        word: &str,
        names: impl IntoIterator<Item = &'n str>,
        label: &str,
        help: impl Into<String>,
    ) {
        drop(self.with(|d| {
            let d = d.suggest(word, names);
            if d.fixes.is_empty() { d.label(label).help(help) } else { d }
        }));
    }

    pub(super) fn fix(self, title: impl Into<String>, applicability: Applicability, edits: Vec<Edit>) -> Self {
        self.with(|d| d.fix(title, applicability, edits))
    }

    pub(super) fn span_of(&self, loc: Loc) -> crate::diagnostic::Span {
        self.checker.text.span(loc)
    }

    /// Offers to put another text in the place of this one.
    pub(super) fn replace(self, loc: Loc, text: &str, title: String) -> Self {
        self.put(loc, text, title, Applicability::Safe)
    }

    /// The same, where it may not be what was meant.
    pub(super) fn put(self, loc: Loc, text: &str, title: String, applicability: Applicability) -> Self {
        let edit = Edit { span: self.span_of(loc), text: text.to_owned() };
        self.fix(title, applicability, vec![edit])
    }
}

impl Drop for Report<'_, '_> {
    fn drop(&mut self) {
        self.checker.diagnostics.extend(self.diagnostic.take());
    }
}
