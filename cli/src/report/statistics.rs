//! `--statistics`: how often each finding was made.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

use journey_compiler::diagnostic::{Applicability, Code, Severity};

use super::{Checked, level};

/// A line a code, the most frequent first; those that `--fix` mends are marked.
pub(crate) fn statistics(checked: &[Checked]) -> String {
    let mut counts: BTreeMap<(Severity, Code), (usize, usize)> = BTreeMap::new();
    for d in checked.iter().flat_map(|project| &project.diagnostics) {
        let (all, fixable) = counts.entry((d.severity, d.code)).or_default();
        *all += 1;
        *fixable += usize::from(d.fixes.iter().any(|fix| fix.applicability == Applicability::Safe));
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|((severity, code), (all, _))| (Reverse(*all), Reverse(*severity), *code));
    let mut out = String::new();
    for ((severity, code), (all, fixable)) in counts {
        let fix = if fixable > 0 { format!(" ({fixable} with --fix)") } else { String::new() };
        let _ = writeln!(out, "{all:>6}  {:<8} {code} {}{fix}", level(severity), code.name());
    }
    out
}
