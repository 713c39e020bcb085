//! A project at one moment: what every feature reads.

use std::sync::{Arc, OnceLock};

use journey_compiler::project::{FileId, Project};
use journey_compiler::{Compilation, Date, compile, compile_on};

use crate::LineIndex;

/// A project at one moment, unsaved texts included. Cheap to clone and to send; what is computed from it is computed
/// once, by whoever asks first.
#[derive(Clone, Debug)]
pub struct Snapshot(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    project: Project,
    lines: Vec<OnceLock<LineIndex>>,
    compilation: OnceLock<Compilation>,
    /// The present day, if somebody says it.
    today: Option<Date>,
}

impl Snapshot {
    /// Freezes a project; its files must be sorted by path.
    pub fn new(project: Project) -> Self {
        Self::on(project, None)
    }

    /// Freezes a project on a day: dates that are past by then are told.
    pub fn on(project: Project, today: Option<Date>) -> Self {
        let lines = project.files.iter().map(|_| OnceLock::new()).collect();
        Self(Arc::new(Inner { project, lines, compilation: OnceLock::new(), today }))
    }

    /// The files.
    pub fn project(&self) -> &Project {
        &self.0.project
    }

    /// The file of this path, relative to the project.
    pub fn file(&self, path: &str) -> Option<FileId> {
        let at = self.0.project.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        u32::try_from(at).ok().map(FileId)
    }

    /// All files with their ids.
    pub fn files(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..u32::try_from(self.0.project.files.len()).unwrap_or(u32::MAX)).map(FileId)
    }

    /// The lines of a file; none if the project has no such file.
    pub fn lines(&self, file: FileId) -> Option<&LineIndex> {
        let source = self.0.project.files.get(file.0 as usize)?;
        Some(self.0.lines.get(file.0 as usize)?.get_or_init(|| LineIndex::new(source.bytes.clone())))
    }

    /// What the compiler says.
    pub fn compilation(&self) -> &Compilation {
        self.0.compilation.get_or_init(|| match self.0.today {
            Some(today) => compile_on(&self.0.project, today),
            None => compile(&self.0.project),
        })
    }
}
