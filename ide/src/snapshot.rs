//! A project at one moment: what every feature reads.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use journey_compiler::messages::{Sight, Vocabulary};
use journey_compiler::project::{FileId, Project};
use journey_compiler::sources::Sources;
use journey_compiler::{Compilation, Date, Kept, compile_again};
use journey_grammar::Tree;

use crate::LineIndex;
use crate::names::{self, Declarations, Names, Occurrence};

/// A project at one moment, unsaved texts included. Cheap to clone and to send; what is computed from it is computed
/// once, by whoever asks first.
#[derive(Clone, Debug)]
pub struct Snapshot {
    state: Arc<Inner>,
    /// Files beside the project that name what it declares. Their ids follow those of the project's files.
    data: Arc<[(Data, OnceLock<LineIndex>)]>,
}

/// A file beside a project: people and events to try it with.
#[derive(Clone, Debug)]
pub struct Data {
    /// Its path, relative to the project.
    pub path: String,
    /// Its bytes; else a sentence that says why they cannot be looked at.
    pub bytes: Result<Arc<[u8]>, String>,
}

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
    /// Those in messages and in what messages share.
    names_in_texts: OnceLock<BTreeMap<FileId, Vec<Occurrence>>>,
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
        let earlier = self.state.sources.get().unwrap_or(&self.state.earlier).clone();
        let kept = self.state.compilation.get().map_or(&self.state.kept, |(_, kept)| kept).clone();
        let before = self.state.project.files.iter().zip(&self.state.lines);
        let mut lines: Vec<_> = (project.files.iter().zip(before))
            .map(|(file, (before, lines))| if file == before { lines.clone() } else { OnceLock::new() })
            .collect();
        lines.resize_with(project.files.len(), OnceLock::new);
        Self::with(project, lines, earlier, kept, self.state.today)
    }

    fn with(
        project: Project,
        lines: Vec<OnceLock<Arc<LineIndex>>>,
        earlier: Sources,
        kept: Kept,
        today: Option<Date>,
    ) -> Self {
        let names = project.files.iter().map(|_| OnceLock::new()).collect();
        let (sources, declarations, names_in_texts) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let compilation = OnceLock::new();
        let state = Arc::new(Inner {
            project,
            lines,
            earlier,
            kept,
            sources,
            declarations,
            names,
            names_in_texts,
            compilation,
            today,
        });
        Self { state, data: Arc::default() }
    }

    /// The same state with files beside the project, where renaming looks too.
    #[must_use]
    pub fn with_data(&self, data: Vec<Data>) -> Self {
        let data = data.into_iter().map(|data| (data, OnceLock::new())).collect();
        Self { data, ..self.clone() }
    }

    /// The files beside the project, with their ids.
    pub(crate) fn data(&self) -> impl Iterator<Item = (FileId, &Data)> {
        let first = u32::try_from(self.state.project.files.len()).unwrap_or(u32::MAX);
        (first..).map(FileId).zip(self.data.iter().map(|(data, _)| data))
    }

    /// The file beside the project of this id.
    fn data_file(&self, file: FileId) -> Option<&(Data, OnceLock<LineIndex>)> {
        self.data.get((file.0 as usize).checked_sub(self.state.project.files.len())?)
    }

    /// The files.
    pub fn project(&self) -> &Project {
        &self.state.project
    }

    /// The file of this path, relative to the project.
    pub fn file(&self, path: &str) -> Option<FileId> {
        let at = self.state.project.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        u32::try_from(at).ok().map(FileId)
    }

    /// All files with their ids.
    pub fn files(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..u32::try_from(self.state.project.files.len()).unwrap_or(u32::MAX)).map(FileId)
    }

    /// The lines of a file; none if there is no such file.
    pub fn lines(&self, file: FileId) -> Option<&LineIndex> {
        let Some(source) = self.state.project.files.get(file.0 as usize) else {
            let (data, lines) = self.data_file(file)?;
            let bytes = data.bytes.as_ref().ok()?;
            return Some(lines.get_or_init(|| LineIndex::new(bytes.clone())));
        };
        let lines = self.state.lines.get(file.0 as usize)?;
        Some(lines.get_or_init(|| Arc::new(LineIndex::new(source.bytes.clone()))))
    }

    /// The path of a file, relative to the project.
    pub fn path(&self, file: FileId) -> &str {
        let own = self.state.project.file(file).map(|file| file.path.as_str());
        own.or_else(|| self.data_file(file).map(|(data, _)| data.path.as_str())).unwrap_or_default()
    }

    /// The text of a file; empty if it is none.
    pub fn text(&self, file: FileId) -> &str {
        let own = self.state.project.file(file).map(|file| &file.bytes);
        let bytes = own.or_else(|| self.data_file(file)?.0.bytes.as_ref().ok());
        bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// The tree of a journey file.
    pub fn tree(&self, file: FileId) -> Option<&Tree> {
        self.sources().journey_file(file).map(|journeys| &journeys.tree)
    }

    /// The files, read.
    pub fn sources(&self) -> &Sources {
        self.state.sources.get_or_init(|| self.state.earlier.read_again(&self.state.project))
    }

    pub(crate) fn declarations(&self) -> &Declarations {
        let path = |file| self.path(file).to_owned();
        self.state.declarations.get_or_init(|| Declarations::of(self.sources(), path))
    }

    /// The names in a file.
    pub(crate) fn names(&self, file: FileId) -> Option<&Names> {
        Some(self.state.names.get(file.0 as usize)?.get_or_init(|| names::names(self, file)))
    }

    pub(crate) fn names_in_texts(&self) -> &BTreeMap<FileId, Vec<Occurrence>> {
        self.state.names_in_texts.get_or_init(|| names::in_texts(self))
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
        let compile = || compile_again(&self.state.project, self.sources(), self.state.today, &self.state.kept);
        self.state.compilation.get_or_init(compile)
    }
}
