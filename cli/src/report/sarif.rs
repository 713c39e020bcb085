//! SARIF 2.1.0: findings with their rules, the rules' pages, fixes and fingerprints, for code scanning.

use std::collections::BTreeSet;

use journey_compiler::diagnostic::{Code, Edit, Fix, Severity, Span};
use serde_json::{Value, json};

use super::{Checked, Finding, findings, place, uri};
use crate::pages;
use crate::workspace::Workspace;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// How our fingerprints are made; a new way gets a new name.
const FINGERPRINT: &str = "journey/v1";

pub(super) fn render(checked: &[Checked]) -> String {
    let findings = findings(checked);
    let codes: Vec<Code> = findings.iter().map(|f| f.diagnostic.code).collect::<BTreeSet<_>>().into_iter().collect();
    let results: Vec<Value> = findings.iter().map(|finding| result(finding, &codes)).collect();
    let report = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "journey",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().copied().map(rule).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    // Strings and numbers always serialise.
    serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
}

fn rule(code: Code) -> Value {
    let page = pages::page(code).unwrap_or_default();
    json!({
        "id": code.to_string(),
        "name": code.name(),
        "shortDescription": { "text": code.summary() },
        "help": { "text": page, "markdown": page },
        "defaultConfiguration": { "level": level(code.severity()) },
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Hint => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn result(finding: &Finding<'_>, codes: &[Code]) -> Value {
    let Finding { workspace, diagnostic: d, fingerprint } = finding;
    let related = d.secondary.iter().zip(1..).map(|(label, id)| {
        let mut location = location(workspace, label.span);
        set(&mut location, "id", json!(id));
        set(&mut location, "message", json!({ "text": label.text }));
        location
    });
    let advice: Vec<_> = [d.message.as_str()].into_iter().chain(d.help.as_deref()).collect();
    let mut result = json!({
        "ruleId": d.code.to_string(),
        "ruleIndex": codes.binary_search(&d.code).unwrap_or_default(),
        "level": level(d.severity),
        "message": { "text": advice.join("\n") },
        "locations": [location(workspace, d.primary.span)],
        "partialFingerprints": { FINGERPRINT: fingerprint.to_string() },
    });
    if !d.secondary.is_empty() {
        set(&mut result, "relatedLocations", related.collect());
    }
    if !d.fixes.is_empty() {
        set(&mut result, "fixes", d.fixes.iter().map(|f| fix(workspace, f)).collect());
    }
    result
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

fn location(workspace: &Workspace, span: Span) -> Value {
    json!({ "physicalLocation": {
        "artifactLocation": artifact(workspace, span),
        "region": region(workspace, span),
    } })
}

fn artifact(workspace: &Workspace, span: Span) -> Value {
    let name = workspace.file_name(span.file);
    match name.starts_with('/') {
        true => json!({ "uri": format!("file://{}", uri(&name)) }),
        false => json!({ "uri": uri(&name), "uriBaseId": "%SRCROOT%" }),
    }
}

fn region(workspace: &Workspace, span: Span) -> Value {
    let (start_line, start_column) = place(workspace, span.file, span.start);
    let (end_line, end_column) = place(workspace, span.file, span.end);
    json!({
        "startLine": start_line, "startColumn": start_column, "endLine": end_line, "endColumn": end_column,
        "byteOffset": span.start, "byteLength": span.end - span.start,
    })
}

/// A change, file by file; whether it can be taken without looking stands in its properties.
fn fix(workspace: &Workspace, fix: &Fix) -> Value {
    let mut edits: Vec<&Edit> = fix.edits.iter().collect();
    edits.sort();
    let changes = edits.chunk_by(|a, b| a.span.file == b.span.file).filter_map(|edits| {
        let replacements = edits.iter().map(
            |edit| json!({ "deletedRegion": region(workspace, edit.span), "insertedContent": { "text": edit.text } }),
        );
        let artifact = artifact(workspace, edits.first()?.span);
        Some(json!({ "artifactLocation": artifact, "replacements": replacements.collect::<Vec<_>>() }))
    });
    json!({
        "description": { "text": fix.title },
        "artifactChanges": changes.collect::<Vec<_>>(),
        "properties": { "applicability": fix.applicability },
    })
}
