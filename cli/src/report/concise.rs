//! One line a finding, as compilers print them, so that editors and `grep` understand.

use std::fmt::Write;

use super::{findings, level, place, plain};
use crate::workspace::Workspace;

pub(super) fn render(workspaces: &[Workspace]) -> String {
    let mut out = String::new();
    for (workspace, d) in findings(workspaces) {
        let span = d.primary.span;
        let (line, column) = place(workspace, span.file, span.start);
        let (path, level, name) = (workspace.file_name(span.file), level(d.severity), d.code.name());
        let message = plain::text(&d.message).replace('\n', " ");
        let _ = writeln!(out, "{path}:{line}:{column}: {level}[{} {name}]: {message}", d.code);
    }
    out
}
