//! The changes that findings offer.

use std::ops::Range;

use journey_compiler::diagnostic::{Applicability, Diagnostic, Edit, Fix};
use journey_compiler::project::FileId;

use crate::Snapshot;

/// A change that mends a finding.
#[derive(Clone, Copy, Debug)]
pub struct Action<'a> {
    /// The finding.
    pub diagnostic: &'a Diagnostic,
    /// The change.
    pub fix: &'a Fix,
    /// Whether it is the one to take without looking.
    pub preferred: bool,
}

/// The changes on offer for a piece of a file, in source order.
pub fn fixes(snapshot: &Snapshot, file: FileId, range: Range<u32>) -> Vec<Action<'_>> {
    let touches = |d: &Diagnostic| {
        let span = d.primary.span;
        span.file == file && span.start <= range.end && range.start <= span.end
    };
    let mut found: Vec<_> = snapshot.compilation().diagnostics.iter().filter(|d| touches(d)).collect();
    found.sort_by_key(|d| (d.primary.span, d.code));
    found
        .into_iter()
        .flat_map(|diagnostic| {
            let single = diagnostic.fixes.len() == 1;
            diagnostic.fixes.iter().map(move |fix| Action {
                diagnostic,
                fix,
                preferred: single && fix.applicability == Applicability::Safe,
            })
        })
        .collect()
}

/// Everything in a file that can be mended without looking: the safe fixes that do not get into each other's way.
pub fn fix_all(snapshot: &Snapshot, file: FileId) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for diagnostic in snapshot.compilation().diagnostics.iter().filter(|d| d.primary.span.file == file) {
        let [fix] = diagnostic.fixes.as_slice() else { continue };
        let apart = |a: &Edit, b: &Edit| a.span.end < b.span.start || b.span.end < a.span.start;
        let fits = fix.edits.iter().all(|edit| edit.span.file == file && edits.iter().all(|other| apart(edit, other)));
        if fix.applicability == Applicability::Safe && fits {
            edits.extend(fix.edits.iter().cloned());
        }
    }
    edits.sort();
    edits
}
