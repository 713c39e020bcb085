//! A project and where it lies.

use std::env;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use journey_bytecode::Date;
use journey_compiler::Compilation;
use journey_compiler::config::{self, Config};
use journey_compiler::project::{CONFIG, File, FileId, Project};
use journey_ide::Snapshot;

/// A project on disk, as read.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    /// Its directory; of a lone file, the file's.
    pub(crate) root: PathBuf,
    /// Its files and what the compiler says of them; if that is remembered, only the files that it speaks of have bytes.
    pub(crate) snapshot: Snapshot,
    /// The file itself if there is no project around it.
    pub(crate) lone: Option<PathBuf>,
    /// What the compiler makes of it, once somebody wants more than findings.
    compiled: Arc<OnceLock<Compilation>>,
}

impl Workspace {
    /// These files, of a project or a lone one.
    pub(crate) fn of(root: PathBuf, lone: Option<PathBuf>, files: Vec<File>) -> Self {
        let snapshot = Snapshot::on(Project { files, lone: lone.is_some() }, today());
        Self { root, snapshot, lone, compiled: Arc::default() }
    }

    /// The same place with other contents.
    pub(crate) fn with(&self, project: Project) -> Self {
        Self { snapshot: Snapshot::on(project, today()), compiled: Arc::default(), ..self.clone() }
    }

    /// What the compiler makes of it today: findings, bundle and tests.
    pub(crate) fn compilation(&self) -> &Compilation {
        self.compiled.get_or_init(|| compile(self.snapshot.project()))
    }

    /// Its settings; a lone file has the defaults.
    pub(crate) fn config(&self) -> Config {
        let file =
            self.snapshot.file(CONFIG).and_then(|id| Some((id, self.snapshot.project().files.get(id.0 as usize)?)));
        // What is wrong with them, the compiler says.
        file.map(|(id, file)| config::read(id, &String::from_utf8_lossy(&file.bytes)).0).unwrap_or_default()
    }

    /// Where it lies: its directory, or the lone file.
    pub(crate) fn place(&self) -> &Path {
        self.lone.as_ref().unwrap_or(&self.root)
    }

    /// What to call the project.
    pub(crate) fn name(&self) -> String {
        show(self.place())
    }

    /// Where one of its files lies.
    pub(crate) fn path_of(&self, file: FileId) -> PathBuf {
        let path = self.snapshot.project().file(file).map(|file| file.path.as_str());
        self.root.join(path.unwrap_or_default())
    }

    /// Whether one of its files is the one at this path, or lies below it; the path is absolute and without `..`.
    pub(crate) fn lies_in(&self, file: &str, place: &Path) -> bool {
        self.root.canonicalize().is_ok_and(|root| root.join(file).starts_with(place))
    }

    /// What to call one of its files: the path as seen from here.
    pub(crate) fn file_name(&self, file: FileId) -> String {
        show(&self.path_of(file))
    }
}

/// What the compiler says of a project today.
pub(crate) fn compile(project: &Project) -> Compilation {
    today().map_or_else(|| journey_compiler::compile(project), |today| journey_compiler::compile_on(project, today))
}

/// What is wrong with a project today; no bundle is made.
pub(crate) fn judge(project: &Project) -> Compilation {
    journey_compiler::judge(project, today())
}

/// The present day at Greenwich.
pub(crate) fn today() -> Option<Date> {
    let days = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs() / 86_400;
    i32::try_from(days).ok().map(Date)
}

/// A path as seen from the working directory, with `/` on every system.
pub(crate) fn show(path: &Path) -> String {
    static HERE: OnceLock<PathBuf> = OnceLock::new();
    let here = HERE.get_or_init(|| env::current_dir().and_then(|here| here.canonicalize()).unwrap_or_default());
    let relative = relative(path, here);
    let parts: Vec<_> = relative.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    match relative.components().next() {
        None => ".".to_owned(),
        Some(Component::RootDir) => format!("/{}", parts.get(1..).unwrap_or_default().join("/")),
        Some(_) => parts.join("/"),
    }
}

/// `path` as seen from `base`; both absolute and without `..`. As it is if they share nothing but the root.
fn relative(path: &Path, base: &Path) -> PathBuf {
    for (up, ancestor) in base.ancestors().enumerate() {
        if ancestor.parent().is_none() && up > 0 {
            break;
        }
        if let Ok(rest) = path.strip_prefix(ancestor) {
            return std::iter::repeat_n(Path::new(".."), up).collect::<PathBuf>().join(rest);
        }
    }
    path.to_path_buf()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_from_here() {
        let relative = |path: &str, base: &str| relative(Path::new(path), Path::new(base)).display().to_string();
        assert_eq!(relative("/a/b/c.journey", "/a/b"), "c.journey");
        assert_eq!(relative("/a/b/c.journey", "/a/b/journeys"), "../c.journey");
        assert_eq!(relative("/a/x/c.journey", "/a/b/journeys"), "../../x/c.journey");
        assert_eq!(relative("/x/c.journey", "/a/b"), "/x/c.journey");
        assert_eq!(relative("/a/b", "/a/b"), "");
        assert_eq!(relative("/x", "/"), "x");
    }
}
