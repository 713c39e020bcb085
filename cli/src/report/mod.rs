//! Findings as text: for people, for editors and `grep`, for programs.

mod concise;
mod human;
mod json;
mod plain;
mod suggestion;

use clap::ValueEnum;
use journey_compiler::diagnostic::{Diagnostic, Severity};
use journey_compiler::project::FileId;
use journey_ide::{Encoding, Position};

use crate::terminal::Terminal;
use crate::workspace::Workspace;

/// `--output-format`
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum Format {
    /// With the source, the reason and what to do
    #[default]
    Human,
    /// One line a finding: PATH:LINE:COLUMN: LEVEL[CODE NAME]: MESSAGE
    Concise,
    /// One JSON document
    Json,
}

/// The report on these projects.
pub(crate) fn render(format: Format, workspaces: &[Workspace], terminal: Terminal) -> String {
    match format {
        Format::Human => human::render(workspaces, terminal),
        Format::Concise => concise::render(workspaces),
        Format::Json => json::render(workspaces),
    }
}

/// How many findings there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
    pub(crate) hints: usize,
    /// Files looked at.
    files: usize,
    /// Files with findings.
    touched: usize,
}

impl Counts {
    pub(crate) fn of(workspaces: &[Workspace]) -> Self {
        let mut counts = Self::default();
        for file in workspaces.iter().flat_map(|workspace| journey_ide::diagnostics(&workspace.snapshot)) {
            let of = |severity| file.diagnostics.iter().filter(|d| d.severity == severity).count();
            counts.errors += of(Severity::Error);
            counts.warnings += of(Severity::Warning);
            counts.hints += of(Severity::Hint);
            counts.files += 1;
            counts.touched += usize::from(!file.diagnostics.is_empty());
        }
        counts
    }
}

/// "2 errors, 1 warning in 3 files"
impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [(self.errors, "error"), (self.warnings, "warning"), (self.hints, "hint")];
        let parts: Vec<_> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| count(*n, what)).collect();
        match parts.as_slice() {
            [] => write!(f, "no findings in {}", count(self.files, "file")),
            parts => write!(f, "{} in {}", parts.join(", "), count(self.touched, "file")),
        }
    }
}

/// "1 file", "2 files"
pub(crate) fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Hint => "hint",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// All findings in order, with their project.
fn findings(workspaces: &[Workspace]) -> impl Iterator<Item = (&Workspace, &Diagnostic)> {
    workspaces.iter().flat_map(|workspace| {
        let files = journey_ide::diagnostics(&workspace.snapshot).into_iter();
        files.flat_map(|file| file.diagnostics).map(move |diagnostic| (workspace, diagnostic))
    })
}

/// Line and column, from 1, in characters.
fn place(workspace: &Workspace, file: FileId, offset: u32) -> (u32, u32) {
    let lines = workspace.snapshot.lines(file);
    let Position { line, column } = lines.map_or_else(Position::default, |l| l.position(offset, Encoding::Utf32));
    (line + 1, column + 1)
}

#[cfg(test)]
mod tests;
