//! What is wrong, file by file.

use journey_compiler::diagnostic::{Code, Diagnostic};
use journey_compiler::project::FileId;

use crate::Snapshot;

/// The findings of one file.
#[derive(Debug)]
pub struct FileDiagnostics<'a> {
    /// The file.
    pub file: FileId,
    /// Its findings in source order; empty if there is nothing to say.
    pub diagnostics: Vec<&'a Diagnostic>,
}

/// The findings of every file of the project, clean files included, so that an editor can take old ones back.
pub fn diagnostics(snapshot: &Snapshot) -> Vec<FileDiagnostics<'_>> {
    let mut found: Vec<_> = snapshot.compilation().diagnostics.iter().collect();
    found.sort_by_key(|d| (d.primary.span, d.code));
    let mut found = found.into_iter().peekable();
    let mut of = |file| std::iter::from_fn(|| found.next_if(|d| d.primary.span.file == file)).collect();
    snapshot.files().map(|file| FileDiagnostics { file, diagnostics: of(file) }).collect()
}

/// Which files have the findings that they had in an earlier state, at the same places: of those nothing need be told.
pub fn same_as_before(snapshot: &Snapshot, before: &Snapshot) -> Vec<bool> {
    let (now, then) = (&snapshot.project().files, &before.project().files);
    let kept: Vec<bool> = (0..now.len()).map(|at| now.get(at) == then.get(at)).collect();
    let kept_span = |file: FileId| kept.get(file.0 as usize).copied().unwrap_or_default();
    let mut then = diagnostics(before).into_iter();
    let same = diagnostics(snapshot).into_iter().map(|now| {
        let then = then.next();
        kept_span(now.file)
            && now.diagnostics.iter().flat_map(|d| &d.secondary).all(|label| kept_span(label.span.file))
            && then.is_some_and(|then| then.diagnostics == now.diagnostics)
    });
    same.collect()
}

/// Whether the finding marks source that could as well be absent: editors show it faded.
pub fn is_unnecessary(code: Code) -> bool {
    code == Code::Unreachable || code.name().starts_with("unused-")
}

/// Whether the finding marks something that is written in another way now: editors strike it through.
pub fn is_deprecated(code: Code) -> bool {
    code.name().starts_with("deprecated-")
}
