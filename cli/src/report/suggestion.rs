//! What a fix would leave behind, as lines to look at.

use journey_compiler::diagnostic::{Applicability, Fix, Span};
use journey_ide::{Encoding, LineIndex};

use super::plain;
use crate::workspace::Workspace;

/// More lines than these say less than the title does.
const MAX_LINES: usize = 4;
const MAX_COLUMNS: usize = 120;

/// The title, and the mended lines if they are few.
pub(super) fn render(workspace: &Workspace, fix: &Fix) -> String {
    let mut text = plain::text(&fix.title);
    if fix.applicability == Applicability::Unsafe {
        text.push_str(" (this changes what the journey does)");
    }
    if let Some(lines) = mended(workspace, fix) {
        text.push(':');
        for line in lines {
            text.push_str("\n    ");
            text.push_str(&line);
        }
    }
    text
}

fn mended(workspace: &Workspace, fix: &Fix) -> Option<Vec<String>> {
    let file = fix.edits.first()?.span.file;
    if fix.edits.iter().any(|edit| edit.span.file != file) {
        return None;
    }
    let lines = workspace.snapshot.lines(file)?;
    let first = fix.edits.iter().map(|edit| edit.span.start).min()?;
    let last = fix.edits.iter().map(|edit| edit.span.end).max()?;
    let around = whole_lines(lines, first, last)?;

    let mut edits: Vec<_> = fix.edits.iter().collect();
    edits.sort_by_key(|edit| edit.span);
    let mut result = Vec::new();
    let mut at = around.start;
    for edit in edits {
        let Span { start, end, .. } = edit.span;
        result.extend_from_slice(lines.bytes().get(at..start as usize)?);
        result.extend_from_slice(edit.text.as_bytes());
        at = end as usize;
    }
    result.extend_from_slice(lines.bytes().get(at..around.end)?);

    let result: Vec<_> = std::str::from_utf8(&result).ok()?.lines().map(|line| plain::text(line.trim())).collect();
    let fits = result.len() <= MAX_LINES && result.iter().all(|line| line.chars().count() <= MAX_COLUMNS);
    (fits && result.iter().any(|line| !line.is_empty())).then_some(result)
}

fn whole_lines(lines: &LineIndex, first: u32, last: u32) -> Option<std::ops::Range<usize>> {
    let line = |offset| lines.line(lines.position(offset, Encoding::Utf8).line);
    Some(line(first)?.start..line(last)?.end)
}
