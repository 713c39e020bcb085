//! One line a finding, as compilers print them, so that editors and `grep` understand.

use std::fmt::Write;

use super::{Checked, level, place, plain};

pub(super) fn render(checked: &[Checked]) -> String {
    let mut out = String::new();
    for Checked { workspace, diagnostics } in checked {
        for d in diagnostics {
            let span = d.primary.span;
            let (line, column) = place(workspace, span.file, span.start);
            let (path, level, name) = (workspace.file_name(span.file), level(d.severity), d.code.name());
            let message = plain::text(&d.message).replace('\n', " ");
            let _ = writeln!(out, "{path}:{line}:{column}: {level}[{} {name}]: {message}", d.code);
        }
    }
    out
}
