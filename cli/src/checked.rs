//! Projects with what is to be said of them: what reports are made from.

use std::collections::BTreeSet;
use std::fmt;

use journey_compiler::diagnostic::{Diagnostic, Encoding, Fingerprint, Position, Severity, fingerprints};
use journey_compiler::project::FileId;

use crate::workspace::{self, Workspace};

/// A project and its findings, by file, place and code.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) workspace: Workspace,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// One finding, with its project.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finding<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) diagnostic: &'a Diagnostic,
    /// Its name for as long as the line that it is about says the same.
    pub(crate) fingerprint: Fingerprint,
}

impl Checked {
    /// A project with all that the compiler says.
    pub(crate) fn all(workspace: &Workspace) -> Self {
        let diagnostics = workspace.compilation().diagnostics.clone();
        Self { workspace: workspace.clone(), diagnostics }
    }

    /// A project with all that the compiler says today.
    pub(crate) fn fresh(workspace: Workspace) -> Self {
        let diagnostics = workspace::judge(workspace.snapshot.project()).diagnostics;
        Self { workspace, diagnostics }
    }

    /// The findings of each file that has some, by file.
    pub(crate) fn by_file(&self) -> impl Iterator<Item = (FileId, &[Diagnostic])> {
        let chunks = self.diagnostics.chunk_by(|a, b| a.primary.span.file == b.primary.span.file);
        chunks.filter_map(|chunk| Some((chunk.first()?.primary.span.file, chunk)))
    }

    /// The findings with their fingerprints.
    pub(crate) fn findings(&self) -> Vec<Finding<'_>> {
        let prints = fingerprints(self.workspace.snapshot.project(), &self.diagnostics);
        (self.diagnostics.iter().zip(prints))
            .map(|(diagnostic, fingerprint)| Finding { workspace: &self.workspace, diagnostic, fingerprint })
            .collect()
    }
}

/// The files that findings speak of.
pub(crate) fn files_of(diagnostics: &[Diagnostic]) -> BTreeSet<FileId> {
    let spans = diagnostics.iter().flat_map(|d| {
        let fixes = d.fixes.iter().flat_map(|fix| &fix.edits).map(|edit| edit.span);
        d.secondary.iter().chain([&d.primary]).map(|label| label.span).chain(fixes)
    });
    spans.map(|span| span.file).collect()
}

/// All findings in order.
pub(crate) fn findings(checked: &[Checked]) -> Vec<Finding<'_>> {
    checked.iter().flat_map(Checked::findings).collect()
}

/// Line and column, from 1, in characters.
pub(crate) fn place(workspace: &Workspace, file: FileId, offset: u32) -> (u32, u32) {
    let lines = workspace.snapshot.lines(file);
    let Position { line, column } = lines.map_or_else(Position::default, |l| l.position(offset, Encoding::Utf32));
    (line + 1, column + 1)
}

/// How many findings there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
    pub(crate) hints: usize,
    /// Files looked at.
    pub(crate) files: usize,
    /// Files with findings.
    pub(crate) touched: usize,
}

impl Counts {
    pub(crate) fn of(checked: &[Checked]) -> Self {
        let mut counts = Self::default();
        for project in checked {
            for d in &project.diagnostics {
                match d.severity {
                    Severity::Error => counts.errors += 1,
                    Severity::Warning => counts.warnings += 1,
                    Severity::Hint => counts.hints += 1,
                }
            }
            counts.files += project.workspace.snapshot.project().files.len();
            let touched: BTreeSet<_> = project.diagnostics.iter().map(|d| d.primary.span.file).collect();
            counts.touched += touched.len();
        }
        counts
    }

    /// How many are of this level or worse.
    pub(crate) const fn at_least(&self, severity: Severity) -> usize {
        match severity {
            Severity::Error => self.errors,
            Severity::Warning => self.errors + self.warnings,
            Severity::Hint => self.errors + self.warnings + self.hints,
        }
    }
}

/// "2 errors, 1 warning in 3 files"
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.errors, "error"), (self.warnings, "warning"), (self.hints, "hint")];
        let parts: Vec<_> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| count(*n, what)).collect();
        match parts.as_slice() {
            [] => write!(f, "no findings in {}", count(self.files, "file")),
            parts => write!(f, "{} in {}", parts.join(", "), count(self.touched, "file")),
        }
    }
}

/// "1 file", "2 files"
pub(crate) fn count<N: fmt::Display + PartialEq + From<u8>>(n: N, what: &str) -> String {
    format!("{n} {what}{}", if n == N::from(1) { "" } else { "s" })
}

/// What a level is called.
pub(crate) const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Hint => "hint",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_read_as_a_sentence() {
        let counts = Counts { errors: 2, warnings: 1, hints: 0, files: 7, touched: 3 };
        assert_eq!(counts.to_string(), "2 errors, 1 warning in 3 files");
        assert_eq!(Counts { files: 1, ..Counts::default() }.to_string(), "no findings in 1 file");
        assert_eq!((counts.at_least(Severity::Error), counts.at_least(Severity::Hint)), (2, 3));
    }
}
