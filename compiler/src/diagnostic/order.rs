//! The order of findings: by file, place and code, each said once.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Code, Diagnostic};
use crate::project::FileId;

/// Sorts by file, place and code, and drops what was said twice.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    let key = |d: &Diagnostic| (d.primary.span, d.code);
    diagnostics.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message)));
    diagnostics.dedup_by(|a, b| key(a) == key(b) && a.message == b.message);
}

/// The most findings of one file: who has more mends these first, and looks again.
pub const MAX_FINDINGS: usize = 100;

/// Keeps the worst and then the first [`MAX_FINDINGS`] of each file, says there how many more there are, and returns how
/// many those are of all files. Takes and leaves sorted findings.
pub fn limit(diagnostics: &mut Vec<Diagnostic>) -> usize {
    let mut hidden = 0;
    let mut counts: BTreeMap<FileId, usize> = BTreeMap::new();
    for d in diagnostics.iter() {
        *counts.entry(d.primary.span.file).or_default() += 1;
    }
    counts.retain(|_, count| *count > MAX_FINDINGS);
    for (file, count) in counts {
        hidden += count - MAX_FINDINGS;
        let (mut of_file, others): (Vec<_>, Vec<_>) =
            std::mem::take(diagnostics).into_iter().partition(|d| d.primary.span.file == file);
        of_file.sort_by_key(|d| Reverse(d.severity));
        let mut rest = of_file.split_off(MAX_FINDINGS.min(of_file.len()));
        rest.sort_by_key(|d| d.primary.span);
        *diagnostics = others;
        diagnostics.extend(of_file);
        if let Some(first) = rest.first() {
            let message = format!("there are {} more findings in this file", count - MAX_FINDINGS);
            let mut more = Diagnostic::new(Code::MoreFindings, first.primary.span, message)
                .label("the next one")
                .help("mend the first ones; the others often follow from them");
            more.severity = rest.iter().map(|d| d.severity).max().unwrap_or(more.severity);
            diagnostics.push(more);
        }
    }
    sort(diagnostics);
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Severity, Span};

    fn finding(file: u32, start: u32, message: &str) -> Diagnostic {
        Diagnostic::new(Code::Syntax, Span { file: FileId(file), start, end: start + 1 }, message)
    }

    #[test]
    fn order_is_by_place_and_nothing_is_said_twice() {
        let mut found = vec![finding(1, 0, "a"), finding(0, 5, "c"), finding(0, 5, "b"), finding(0, 5, "c")];
        sort(&mut found);
        let places: Vec<_> = found.iter().map(|d| (d.primary.span.file.0, d.message.as_str())).collect();
        assert_eq!(places, [(0, "b"), (0, "c"), (1, "a")]);
    }

    #[test]
    fn the_rest_is_counted_and_errors_come_first() {
        let hint = |n| Diagnostic { severity: Severity::Hint, ..finding(0, n, "hint") };
        let mut found: Vec<_> = (0..150).map(hint).chain([finding(0, 200, "error"), finding(1, 0, "other")]).collect();
        sort(&mut found);
        assert_eq!(limit(&mut found), 51);
        assert_eq!(found.iter().filter(|d| d.message == "hint").count(), MAX_FINDINGS - 1);
        assert_eq!(found.iter().filter(|d| d.severity == Severity::Error).count(), 2);
        let more: Vec<_> = found.iter().filter(|d| d.code == Code::MoreFindings).collect();
        assert_eq!(more.len(), 1);
        assert_eq!((more[0].severity, more[0].primary.span.start), (Severity::Hint, 99));
        assert_eq!(more[0].message, "there are 51 more findings in this file");
        let before = found.clone();
        sort(&mut found);
        assert_eq!(found, before);
    }
}
