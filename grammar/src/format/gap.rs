//! What stands between two elements of a list: remarks and empty lines.

use crate::kind::SyntaxKind;
use crate::tree::Tree;

/// A remark on a line of its own.
#[derive(Clone, Copy)]
pub(super) struct Remark<'t> {
    pub(super) text: &'t str,
    /// An empty line stands above it.
    pub(super) blank: bool,
}

#[derive(Default)]
pub(super) struct Gap<'t> {
    /// The remark that ends the line before.
    pub(super) trailing: Option<&'t str>,
    pub(super) remarks: Vec<Remark<'t>>,
    /// An empty line stands above the next element.
    pub(super) blank: bool,
}

impl<'t> Gap<'t> {
    /// The gap between two tokens, given by their numbers; commas in it do not count.
    pub(super) fn between(tree: &'t Tree, from: usize, to: usize) -> Self {
        let mut gap = Self::default();
        let mut lines = 0;
        for token in tree.tokens_between(from, to) {
            match token.kind() {
                SyntaxKind::Whitespace => lines += token.text().matches('\n').count(),
                SyntaxKind::Comment | SyntaxKind::DocComment => {
                    let text = token.text().trim_end();
                    if lines == 0 && gap.remarks.is_empty() && gap.trailing.is_none() && from > 0 {
                        gap.trailing = Some(text);
                    } else {
                        gap.remarks.push(Remark { text, blank: lines > 1 });
                    }
                    lines = 0;
                }
                _ => {}
            }
        }
        gap.blank = lines > 1;
        gap
    }

    pub(super) fn has_remarks(&self) -> bool {
        self.trailing.is_some() || !self.remarks.is_empty()
    }

    /// All remarks, the trailing one first.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'t str> {
        self.trailing.into_iter().chain(self.remarks.iter().map(|remark| remark.text))
    }
}

/// Whether a remark stands between two tokens.
pub(super) fn has_comments(tree: &Tree, from: usize, to: usize) -> bool {
    tree.tokens_between(from, to).any(|token| matches!(token.kind(), SyntaxKind::Comment | SyntaxKind::DocComment))
}
