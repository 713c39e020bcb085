//! One JSON document, or one JSON object a line. Lines and columns count from 1, in characters; offsets from 0, in
//! bytes. What every field means stands in `docs/check.schema.json`; tests hold us to it.

use journey_compiler::diagnostic::{Applicability, Edit, Fix, Severity, Span};
use serde::Serialize;

use super::{Checked, findings, place};
use crate::checked::{self, Counts};
use crate::workspace::Workspace;

/// Changes only when a reader would have to.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    findings: Vec<JsonFinding<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    code: String,
    name: &'static str,
    severity: Severity,
    message: &'a str,
    #[serde(flatten)]
    place: Place,
    label: &'a str,
    related: Vec<Related<'a>>,
    notes: &'a [String],
    help: Option<&'a str>,
    fixes: Vec<JsonFix<'a>>,
    fingerprint: String,
}

#[derive(Serialize)]
struct Place {
    path: String,
    start: Point,
    end: Point,
}

#[derive(Serialize)]
struct Point {
    line: u32,
    column: u32,
    offset: u32,
}

#[derive(Serialize)]
struct Related<'a> {
    #[serde(flatten)]
    place: Place,
    label: &'a str,
}

#[derive(Serialize)]
struct JsonFix<'a> {
    title: &'a str,
    applicability: Applicability,
    edits: Vec<JsonEdit<'a>>,
}

#[derive(Serialize)]
struct JsonEdit<'a> {
    #[serde(flatten)]
    place: Place,
    text: &'a str,
}

#[derive(Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    hints: usize,
    files: usize,
}

pub(super) fn render(checked: &[Checked]) -> String {
    let Counts { errors, warnings, hints, files, .. } = Counts::of(checked);
    let report = Report {
        version: VERSION,
        findings: findings(checked).iter().map(finding).collect(),
        summary: Summary { errors, warnings, hints, files },
    };
    // Strings and numbers always serialise.
    serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
}

/// A line for each finding, like an entry of the document's `findings`.
pub(super) fn lines(checked: &[Checked]) -> String {
    findings(checked).iter().map(|f| serde_json::to_string(&finding(f)).unwrap_or_default() + "\n").collect()
}

fn finding<'a>(finding: &checked::Finding<'a>) -> JsonFinding<'a> {
    let checked::Finding { workspace, diagnostic: d, fingerprint } = *finding;
    JsonFinding {
        code: d.code.to_string(),
        name: d.code.name(),
        severity: d.severity,
        message: &d.message,
        place: place_of(workspace, d.primary.span),
        label: &d.primary.text,
        related: (d.secondary.iter())
            .map(|label| Related { place: place_of(workspace, label.span), label: &label.text })
            .collect(),
        notes: &d.notes,
        help: d.help.as_deref(),
        fixes: d.fixes.iter().map(|fix| json_fix(workspace, fix)).collect(),
        fingerprint: fingerprint.to_string(),
    }
}

fn json_fix<'a>(workspace: &Workspace, fix: &'a Fix) -> JsonFix<'a> {
    let edit = |edit: &'a Edit| JsonEdit { place: place_of(workspace, edit.span), text: &edit.text };
    JsonFix { title: &fix.title, applicability: fix.applicability, edits: fix.edits.iter().map(edit).collect() }
}

fn place_of(workspace: &Workspace, span: Span) -> Place {
    let point = |offset| {
        let (line, column) = place(workspace, span.file, offset);
        Point { line, column, offset }
    };
    Place { path: workspace.file_name(span.file), start: point(span.start), end: point(span.end) }
}
