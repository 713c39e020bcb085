//! `--baseline` and `--write-baseline`: lints that an old project lives with, so that only new ones are told.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use journey_compiler::diagnostic::{self, Filtered, Fingerprint, Severity};
use serde::{Deserialize, Serialize};

use crate::checked::{Checked, count, findings};
use crate::failure::Failure;
use crate::files;
use crate::terminal::Terminal;

/// Changes only when a reader would have to.
const VERSION: u32 = 1;

#[derive(Deserialize)]
struct Known {
    version: u32,
    findings: Vec<Entry>,
}

/// What counts is the fingerprint; the rest is for people who look into the file.
#[derive(Serialize, Deserialize)]
struct Entry {
    fingerprint: String,
    code: String,
    path: String,
    message: String,
}

/// Writes the lints, one a line and in order, so that changes of the file can be read and merged.
pub(super) fn write(path: &Path, checked: &[Checked], terminal: Terminal) -> Result<(), Failure> {
    let findings = findings(checked);
    let (lints, errors): (Vec<_>, Vec<_>) = findings.into_iter().partition(|finding| finding.diagnostic.code.is_lint());
    let mut entries: Vec<String> = Vec::new();
    for finding in &lints {
        let entry = Entry {
            fingerprint: finding.fingerprint.to_string(),
            code: finding.diagnostic.code.to_string(),
            path: finding.workspace.file_name(finding.diagnostic.primary.span.file),
            message: finding.diagnostic.message.clone(),
        };
        // Strings always serialise.
        entries.push(format!("    {}", serde_json::to_string(&entry).unwrap_or_default()));
    }
    let text = format!("{{\n  \"version\": {VERSION},\n  \"findings\": [\n{}\n  ]\n}}\n", entries.join(",\n"));
    files::replace(path, text.as_bytes()).map_err(|error| Failure::path("cannot write", path, &error))?;
    terminal.err(format!("{} written to `{}`\n", count(lints.len(), "finding"), path.display()));
    let errors = errors.iter().filter(|f| f.diagnostic.severity == Severity::Error).count();
    if errors > 0 {
        let verb = if errors == 1 { "is" } else { "are" };
        terminal.err(format!("{} {verb} not in it: what does not compile must be mended\n", count(errors, "error")));
    }
    Ok(())
}

/// Takes the lints away that the file knows, and says how many.
pub(super) fn filter(path: &Path, checked: &mut [Checked], terminal: Terminal) -> Result<(), Failure> {
    let known = read(path)?;
    let mut left_out = 0;
    let mut gone = known.clone();
    for project in checked {
        let found = std::mem::take(&mut project.diagnostics);
        let filtered = diagnostic::filter(project.workspace.snapshot.project(), found, &known);
        let Filtered { fresh, known, gone: missing } = filtered;
        let missing: BTreeSet<Fingerprint> = missing.into_iter().collect();
        gone.retain(|print| missing.contains(print));
        left_out += known;
        project.diagnostics = fresh;
    }
    if left_out > 0 {
        terminal.err(format!("{} known from `{}`\n", count(left_out, "finding"), path.display()));
    }
    if !gone.is_empty() {
        terminal.err(format!(
            "{} of `{}` not found any more; --write-baseline writes it anew\n",
            count(gone.len(), "finding"),
            path.display()
        ));
    }
    Ok(())
}

fn read(path: &Path) -> Result<BTreeSet<Fingerprint>, Failure> {
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::path("cannot read", path, &error)
            .help(format!("`journey check --write-baseline {}` writes it", path.display()))
    })?;
    let broken = |why: String| {
        Failure::new(format!("`{}` is not a baseline: {why}", path.display()))
            .help(format!("`journey check --write-baseline {}` writes it anew", path.display()))
    };
    let known: Known = serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
    if known.version != VERSION {
        return Err(broken(format!("its version is {}, and this is about version {VERSION}", known.version)));
    }
    let prints = known.findings.iter().map(|entry| {
        let print = Fingerprint::parse(&entry.fingerprint);
        print.ok_or_else(|| broken(format!("`{}` is no fingerprint", entry.fingerprint)))
    });
    prints.collect()
}
