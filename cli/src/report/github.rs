//! Annotations: lines that GitHub Actions shows beside the changed lines of a pull request.

use std::fmt::Write;

use journey_compiler::diagnostic::{Diagnostic, Severity};

use super::{Checked, place};

pub(super) fn render(checked: &[Checked]) -> String {
    let mut out = String::new();
    for Checked { workspace, diagnostics } in checked {
        for d in diagnostics {
            let span = d.primary.span;
            let (line, column) = place(workspace, span.file, span.start);
            let (end_line, end_column) = place(workspace, span.file, span.end);
            let file = property(&workspace.file_name(span.file));
            // GitHub takes columns only where the place is on one line.
            let columns = match line == end_line {
                true => format!(",col={column},endColumn={}", end_column.max(column + 1)),
                false => String::new(),
            };
            let title = property(&format!("{} {}", d.code, d.code.name()));
            let _ = writeln!(
                out,
                "::{} file={file},line={line},endLine={end_line}{columns},title={title}::{}",
                command(d.severity),
                data(&text(d))
            );
        }
    }
    out
}

const fn command(severity: Severity) -> &'static str {
    match severity {
        Severity::Hint => "notice",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// What a reviewer reads: what is wrong, and what to do.
fn text(d: &Diagnostic) -> String {
    let fixes = d.fixes.iter().map(|fix| fix.title.as_str());
    [d.message.as_str()].into_iter().chain(d.help.as_deref()).chain(fixes).collect::<Vec<_>>().join("\n")
}

/// A text, escaped as the runner unescapes it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property, escaped as the runner unescapes it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
