//! The code quality report of GitLab, which shows findings in merge requests.

use journey_compiler::diagnostic::Severity;
use serde::Serialize;

use super::{Checked, Finding, findings, place};

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
    end: u32,
}

pub(super) fn render(checked: &[Checked]) -> String {
    let issues: Vec<Issue> = findings(checked).iter().map(issue).collect();
    // Strings and numbers always serialise.
    serde_json::to_string_pretty(&issues).unwrap_or_default() + "\n"
}

fn issue(finding: &Finding<'_>) -> Issue {
    let Finding { workspace, diagnostic: d, fingerprint } = finding;
    let span = d.primary.span;
    let path = workspace.file_name(span.file);
    let (begin, _) = place(workspace, span.file, span.start);
    let (end, _) = place(workspace, span.file, span.end);
    Issue {
        description: format!("{}: {}", d.code, d.message),
        check_name: d.code.name().to_owned(),
        // Paths in a fingerprint are those of one project; here several may be together.
        fingerprint: blake3::hash(format!("{path}\0{fingerprint}").as_bytes()).to_hex().to_string(),
        severity: match d.severity {
            Severity::Hint => "info",
            Severity::Warning => "minor",
            Severity::Error => "major",
        },
        location: Location { path, lines: Lines { begin, end } },
    }
}
