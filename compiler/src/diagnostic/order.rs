//! The order of findings: by file, place and code, each said once.

use std::collections::BTreeMap;

use super::Diagnostic;
use crate::project::FileId;

/// Sorts by file, place and code, and drops what was said twice.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    let key = |d: &Diagnostic| (d.primary.span, d.code);
    diagnostics.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message)));
    diagnostics.dedup_by(|a, b| key(a) == key(b) && a.message == b.message);
}

/// Keeps the first so many findings of each file, in the order given, and says how many more there are of each file
/// that has more.
pub fn limit_per_file(diagnostics: &mut Vec<Diagnostic>, most: usize) -> BTreeMap<FileId, usize> {
    let mut seen = BTreeMap::new();
    diagnostics.retain(|d| {
        let count = seen.entry(d.primary.span.file).or_insert(0_usize);
        *count += 1;
        *count <= most
    });
    seen.retain(|_, count| {
        *count = count.saturating_sub(most);
        *count > 0
    });
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Code, Span};

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
    fn the_rest_is_counted() {
        let mut found: Vec<_> = (0..5).map(|n| finding(0, n, "x")).chain([finding(1, 0, "y")]).collect();
        assert_eq!(limit_per_file(&mut found, 3), BTreeMap::from([(FileId(0), 2)]));
        assert_eq!(found.len(), 4);
    }
}
