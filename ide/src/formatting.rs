//! Formatting as small edits, so that cursors and folds stay where they are.

use journey_compiler::diagnostic::{Edit, Span};
use journey_compiler::project::FileId;
use journey_grammar::TextRange;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::Snapshot;

/// What formatting changes in a journey file, line by line; nothing in other files.
pub fn format(snapshot: &Snapshot, file: FileId) -> Vec<Edit> {
    if snapshot.tree(file).is_none() {
        return Vec::new();
    }
    let text = snapshot.text(file);
    let formatted = journey_grammar::format(text);
    if formatted == text {
        return Vec::new();
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (lines(text), lines(&formatted));
    let starts: Vec<usize> = std::iter::once(0)
        .chain(old.iter().scan(0, |at, line| {
            *at += line.len();
            Some(*at)
        }))
        .collect();
    let place = |line: usize| starts.get(line).copied().unwrap_or(text.len());
    let ops = capture_diff_slices(Algorithm::Myers, &old, &new);
    let changes = ops.into_iter().filter(|op| !matches!(op, DiffOp::Equal { .. }));
    let edit = |op: DiffOp| {
        let range = place(op.old_range().start)..place(op.old_range().end);
        let text_of = new.get(op.new_range()).unwrap_or_default().concat();
        Edit { span: Span::new(file, text, range), text: text_of }
    };
    changes.map(edit).collect()
}

/// What formatting changes in the lines that a range touches; lines that change together stay together.
pub fn format_range(snapshot: &Snapshot, file: FileId, range: TextRange) -> Vec<Edit> {
    let text = snapshot.text(file);
    let start = text.get(..range.start as usize).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let after = text.get(range.end as usize..).unwrap_or_default();
    let end = after.find('\n').map_or(text.len(), |at| range.end as usize + at + 1);
    let touches = |edit: &Edit| (edit.span.start as usize) < end && start < edit.span.end as usize;
    format(snapshot, file).into_iter().filter(touches).collect()
}

/// What formatting changes when a closing brace was typed right before the offset: in what the brace closes.
pub fn format_on_type(snapshot: &Snapshot, file: FileId, offset: u32) -> Vec<Edit> {
    let block = snapshot.tree(file).and_then(|tree| {
        let brace = tree.tokens_at(offset).left.filter(|token| token.text() == "}")?;
        Some(brace.parent().range())
    });
    block.map(|range| format_range(snapshot, file, range)).unwrap_or_default()
}

/// The lines of a text, each with what ends it.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}
