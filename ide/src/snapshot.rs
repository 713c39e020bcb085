//! A project at one moment: what every feature reads.

use std::sync::{Arc, OnceLock};

use journey_compiler::messages::{Sight, Vocabulary};
use journey_compiler::project::{FileId, Project};
use journey_compiler::sources::Sources;
use journey_compiler::{Compilation, Date, Kept, compile_again};
use journey_grammar::Tree;

use crate::LineIndex;
use crate::names::{self, Declarations, Names};

/// A project at one moment, unsaved texts included. Cheap to clone and to send; what is computed from it is computed
/// once, by whoever asks first.
#[derive(Clone, Debug)]
pub struct Snapshot(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    project: Project,
    lines: Vec<OnceLock<Arc<LineIndex>>>,
    /// An earlier state, whose unchanged files need not be read again.
    earlier: Sources,
    /// What was found out about an earlier state.
    kept: Kept,
    sources: OnceLock<Sources>,
    declarations: OnceLock<Declarations>,
    names: Vec<OnceLock<Names>>,
    compilation: OnceLock<(Compilation, Kept)>,
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
        Self::with(project, lines, Sources::default(), Kept::default(), today)
    }

    /// Freezes a later state of the same project.
    #[must_use]
    pub fn later(&self, project: Project) -> Self {
        // Sources are lists of shared files: cheap to clone.
        let earlier = self.0.sources.get().unwrap_or(&self.0.earlier).clone();
        let kept = self.0.compilation.get().map_or(&self.0.kept, |(_, kept)| kept).clone();
        let before = self.0.project.files.iter().zip(&self.0.lines);
        let mut lines: Vec<_> = (project.files.iter().zip(before))
            .map(|(file, (before, lines))| if file == before { lines.clone() } else { OnceLock::new() })
            .collect();
        lines.resize_with(project.files.len(), OnceLock::new);
        Self::with(project, lines, earlier, kept, self.0.today)
    }

    fn with(
        project: Project,
        lines: Vec<OnceLock<Arc<LineIndex>>>,
        earlier: Sources,
        kept: Kept,
        today: Option<Date>,
    ) -> Self {
        let names = project.files.iter().map(|_| OnceLock::new()).collect();
        let (sources, declarations, compilation) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self(Arc::new(Inner { project, lines, earlier, kept, sources, declarations, names, compilation, today }))
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
        let lines = self.0.lines.get(file.0 as usize)?;
        Some(lines.get_or_init(|| Arc::new(LineIndex::new(source.bytes.clone()))))
    }

    /// The path of a file, relative to the project.
    pub fn path(&self, file: FileId) -> &str {
        self.0.project.file(file).map(|file| file.path.as_str()).unwrap_or_default()
    }

    /// The text of a file; empty if it is none.
    pub fn text(&self, file: FileId) -> &str {
        self.0.project.file(file).and_then(|file| std::str::from_utf8(&file.bytes).ok()).unwrap_or_default()
    }

    /// The tree of a journey file.
    pub fn tree(&self, file: FileId) -> Option<&Tree> {
        self.sources().journey_file(file).map(|journeys| &journeys.tree)
    }

    /// The files, read.
    pub fn sources(&self) -> &Sources {
        self.0.sources.get_or_init(|| self.0.earlier.read_again(&self.0.project))
    }

    pub(crate) fn declarations(&self) -> &Declarations {
        let path = |file| self.path(file).to_owned();
        self.0.declarations.get_or_init(|| Declarations::of(self.sources(), path))
    }

    /// The names in a file.
    pub(crate) fn names(&self, file: FileId) -> Option<&Names> {
        Some(self.0.names.get(file.0 as usize)?.get_or_init(|| names::names(self, file)))
    }

    /// What the compiler says.
    pub fn compilation(&self) -> &Compilation {
        &self.compiled().0
    }

    /// What texts can speak of that are sent in the places that `sent` picks.
    pub(crate) fn vocabulary(&self, sent: impl Fn(&Sight) -> bool) -> Option<Vocabulary<'_>> {
        self.compiled().1.vocabulary(sent)
    }

    fn compiled(&self) -> &(Compilation, Kept) {
        let compile = || compile_again(&self.0.project, self.sources(), self.0.today, &self.0.kept);
        self.0.compilation.get_or_init(compile)
    }
}
