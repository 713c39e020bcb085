//! Findings known from before: fingerprints that outlive moved lines, and what is new beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{Code, Diagnostic};
use crate::project::{FileId, Project};

/// Names a finding as long as the line that it is about says the same: by code, file, words of the line, and how many of
/// the same came before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fingerprint(u64);

impl fmt::Display for Fingerprint {
    /// Sixteen digits: `3f1c00a97be24d11`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Fingerprint {
    /// Reads what [`Display`](fmt::Display) wrote.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok()).flatten().map(Self)
    }
}

/// The fingerprints of findings, in their order.
pub fn fingerprints(project: &Project, diagnostics: &[Diagnostic]) -> Vec<Fingerprint> {
    let mut seen: BTreeMap<(Code, FileId, String), u32> = BTreeMap::new();
    let print = |d: &Diagnostic| {
        let file = project.file(d.primary.span.file);
        let bytes = file.map_or(&[][..], |file| &file.bytes);
        let line = line_of(bytes, d.primary.span.start as usize);
        let nth = seen.entry((d.code, d.primary.span.file, line.clone())).or_default();
        *nth += 1;
        let mut hasher = blake3::Hasher::new();
        for part in [d.code.to_string().as_str(), file.map_or("", |file| &file.path), &line, &nth.to_string()] {
            hasher.update(part.as_bytes()).update(&[0]);
        }
        let hash = hasher.finalize();
        let (first, _) = hash.as_bytes().split_first_chunk().unwrap_or((&[0; 8], &[]));
        Fingerprint(u64::from_be_bytes(*first))
    };
    diagnostics.iter().map(print).collect()
}

/// The words of the line on which the place is.
fn line_of(bytes: &[u8], at: usize) -> String {
    let (before, after) = bytes.split_at_checked(at).unwrap_or((bytes, &[]));
    let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    let end = after.iter().position(|&b| b == b'\n').map_or(bytes.len(), |n| before.len() + n);
    let line = String::from_utf8_lossy(bytes.get(start..end).unwrap_or_default());
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Findings beside those that are known from before.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filtered {
    /// What is new, in the order given.
    pub fresh: Vec<Diagnostic>,
    /// How many were known.
    pub known: usize,
    /// What was known and is not found any more.
    pub gone: Vec<Fingerprint>,
}

/// Takes away what is known from before. Errors stay: what does not compile cannot be run, however long it is known.
pub fn filter(project: &Project, diagnostics: Vec<Diagnostic>, known: &BTreeSet<Fingerprint>) -> Filtered {
    let prints = fingerprints(project, &diagnostics);
    let mut gone = known.clone();
    let mut filtered = Filtered::default();
    for (d, print) in diagnostics.into_iter().zip(prints) {
        let listed = gone.remove(&print);
        if listed && d.code.is_lint() {
            filtered.known += 1;
        } else {
            filtered.fresh.push(d);
        }
    }
    filtered.gone = gone.into_iter().collect();
    filtered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Span;
    use crate::project::File;

    fn project(text: &str) -> Project {
        let file = File { path: "a.journey".to_owned(), bytes: text.as_bytes().into() };
        Project { files: vec![file], lone: true }
    }

    /// A finding at each place of a word.
    fn found(text: &str, word: &str, code: Code) -> Vec<Diagnostic> {
        let places = text.match_indices(word).map(|(at, _)| Span::new(FileId(0), text, at..at + word.len()));
        places.map(|span| Diagnostic::new(code, span, "said")).collect()
    }

    fn prints(text: &str) -> Vec<Fingerprint> {
        fingerprints(&project(text), &found(text, "wait", Code::NoReenter))
    }

    #[test]
    fn lines_may_move() {
        let before = prints("send a\nwait 1d\nsend b\nwait 1d\n");
        assert_eq!(prints("// new\n\nsend a\n\twait   1d\nsend c\n  wait 1d\n"), before);
        assert_ne!(before[0], before[1], "two of the same are told apart");
        assert_ne!(prints("wait 2d\n")[0], before[0]);
        assert_eq!(Fingerprint::parse(&before[0].to_string()), Some(before[0]));
    }

    #[test]
    fn what_is_known_is_taken_away() {
        let text = "wait 1d\nwait 2d\n";
        let known: BTreeSet<_> = prints("wait 2d\nwait 3d\n").into_iter().collect();
        let filtered = filter(&project(text), found(text, "wait", Code::NoReenter), &known);
        assert_eq!((filtered.fresh.len(), filtered.known, filtered.gone.len()), (1, 1, 1));
        let errors = found(text, "wait", Code::UnknownTag);
        let known = fingerprints(&project(text), &errors).into_iter().collect();
        assert_eq!(filter(&project(text), errors, &known).fresh.len(), 2, "errors stay");
    }
}
