//! The changes that findings offer, taken all together: to the point where none is left that makes the project better.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use journey_compiler::Compilation;
use journey_compiler::diagnostic::{Applicability, Diagnostic, Edit, Fix, Severity};
use journey_compiler::project::{File, FileId, Project};

/// A project after its findings were mended.
#[derive(Clone, Debug)]
pub struct Mended {
    /// The project as it now is.
    pub project: Project,
    /// How many findings' changes were taken.
    pub applied: usize,
}

/// Takes the changes that findings offer, again and again, until there is none left that helps. Each finding's first
/// change counts, if it is `allowed` and the finding is `wanted`.
///
/// A change is taken only if the project is better for it: fewer errors; or as many, of which more belong to later
/// stages, as a name that can be looked up at last; or the same errors and fewer warnings, then hints. So there are
/// never more errors than before, it comes to an end, and a second time changes nothing.
pub fn mend(
    project: &Project,
    allowed: Applicability,
    wanted: impl Fn(&Diagnostic) -> bool,
    compile: impl Fn(&Project) -> Compilation,
) -> Mended {
    let mut state = State::new(project.clone(), &compile);
    let mut applied = 0;
    loop {
        let fixes = state.fixes(allowed, &wanted);
        let Some((next, taken)) = better(&state, &fixes, &compile) else { break };
        state = next;
        applied += taken;
    }
    Mended { project: state.project, applied }
}

/// A project and what is wrong with it.
struct State {
    project: Project,
    diagnostics: Vec<Diagnostic>,
    burden: Burden,
}

/// How much is wrong: errors by stage, then warnings, then hints. Less is better.
#[derive(PartialEq, Eq, Debug)]
struct Burden {
    errors: usize,
    /// Findings that are too many to be told.
    hidden: usize,
    /// Errors by hundreds of their codes: files, syntax, names, types and so on.
    stages: BTreeMap<u16, usize>,
    warnings: usize,
    hints: usize,
}

impl Burden {
    fn of(compilation: &Compilation) -> Self {
        let mut burden = Self { errors: 0, hidden: compilation.hidden, stages: BTreeMap::new(), warnings: 0, hints: 0 };
        for d in &compilation.diagnostics {
            match d.severity {
                Severity::Error => {
                    burden.errors += 1;
                    *burden.stages.entry(d.code.number() / 100).or_default() += 1;
                }
                Severity::Warning => burden.warnings += 1,
                Severity::Hint => burden.hints += 1,
            }
        }
        burden
    }

    fn is_less_than(&self, other: &Self) -> bool {
        let count = |burden: &Self, stage: u16| burden.stages.get(&stage).copied().unwrap_or_default();
        let stages = (0..100).map(|stage| count(self, stage).cmp(&count(other, stage)));
        let order = (self.errors.cmp(&other.errors))
            .then(self.hidden.cmp(&other.hidden))
            .then_with(|| stages.fold(Ordering::Equal, Ordering::then))
            .then(self.warnings.cmp(&other.warnings))
            .then(self.hints.cmp(&other.hints));
        order == Ordering::Less
    }
}

impl State {
    fn new(project: Project, compile: &impl Fn(&Project) -> Compilation) -> Self {
        let compilation = compile(&project);
        let burden = Burden::of(&compilation);
        Self { project, diagnostics: compilation.diagnostics, burden }
    }

    /// The changes on offer, of which no two touch.
    fn fixes(&self, allowed: Applicability, wanted: &impl Fn(&Diagnostic) -> bool) -> Vec<&Fix> {
        let mut taken: BTreeMap<FileId, Vec<(u32, u32)>> = BTreeMap::new();
        let fits = |fix: &&Fix| fix.applicability <= allowed && !fix.edits.is_empty();
        let mut fixes = Vec::new();
        for d in self.diagnostics.iter().filter(|d| wanted(d)) {
            let Some(fix) = d.fixes.iter().find(fits) else { continue };
            let free = |edit: &Edit| {
                let mut others = taken.get(&edit.span.file).into_iter().flatten();
                others.all(|&(start, end)| end < edit.span.start || edit.span.end < start)
            };
            if fix.edits.iter().all(free) {
                for Edit { span, .. } in &fix.edits {
                    taken.entry(span.file).or_default().push((span.start, span.end));
                }
                fixes.push(fix);
            }
        }
        fixes
    }
}

/// The project with as many of the changes as make it better, and how many those are; none if none does.
fn better(state: &State, fixes: &[&Fix], compile: &impl Fn(&Project) -> Compilation) -> Option<(State, usize)> {
    if fixes.is_empty() {
        return None;
    }
    let next = State::new(applied(&state.project, fixes)?, compile);
    if next.burden.is_less_than(&state.burden) {
        return Some((next, fixes.len()));
    }
    let (first, second) = fixes.split_at(fixes.len() / 2);
    if first.is_empty() {
        return None;
    }
    better(state, first, compile).or_else(|| better(state, second, compile))
}

/// The project with these changes; none if one of them does not fit.
fn applied(project: &Project, fixes: &[&Fix]) -> Option<Project> {
    with_edits(project, fixes.iter().flat_map(|fix| &fix.edits))
}

/// The project after these edits; none if one of them does not fit.
pub(crate) fn with_edits<'e>(project: &Project, edits: impl Iterator<Item = &'e Edit>) -> Option<Project> {
    let mut by_file: BTreeMap<FileId, Vec<&Edit>> = BTreeMap::new();
    for edit in edits {
        by_file.entry(edit.span.file).or_default().push(edit);
    }
    let mut project = project.clone();
    for (file, mut edits) in by_file {
        edits.sort_by_key(|edit| edit.span);
        let file: &mut File = project.files.get_mut(file.0 as usize)?;
        let mut bytes = Vec::with_capacity(file.bytes.len());
        let mut at = 0;
        for edit in edits {
            bytes.extend_from_slice(file.bytes.get(at..edit.span.start as usize)?);
            bytes.extend_from_slice(edit.text.as_bytes());
            at = edit.span.end as usize;
        }
        bytes.extend_from_slice(file.bytes.get(at..)?);
        file.bytes = bytes.into();
    }
    Some(project)
}
