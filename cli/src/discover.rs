//! Paths to projects. A file belongs to the nearest directory upward that holds a `journey.toml`; a `.journey` file
//! without one stands alone. What `.gitignore` leaves out, and hidden files, we leave out too, unless they are named.

mod glob;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use journey_compiler::project::{CONFIG, File, FileId, MAX_FILE, Project, belongs};
use rayon::prelude::*;

use crate::checked::{Checked, files_of};
use crate::failure::Failure;
use crate::workspace::{Workspace, judge, show};
use walk::Roots;

/// More of a file is never read: the compiler refuses much shorter ones.
const MAX_READ: u64 = 64 * MAX_FILE as u64;

/// Most files are shorter.
const COMMON: usize = 16 << 10;

/// So many projects are named where one was asked for.
const SHOWN: usize = 6;

/// A project or a lone file that is there; nothing of it is read yet.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its directory; of a lone file, the file's.
    pub(crate) root: PathBuf,
    /// The file itself if there is no project around it.
    pub(crate) lone: Option<PathBuf>,
    /// Its files, by path relative to the root.
    pub(crate) files: Vec<(String, PathBuf)>,
}

impl Found {
    fn project(root: PathBuf, target: Target) -> Result<Self, Failure> {
        let files = target.files(&root)?;
        Ok(Self { root, lone: None, files })
    }

    fn lone(path: PathBuf) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let root = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Self { root, lone: Some(path.clone()), files: vec![(name, path)] }
    }

    /// Where it lies: its directory, or the lone file.
    pub(crate) fn place(&self) -> &Path {
        self.lone.as_ref().unwrap_or(&self.root)
    }

    /// Reads it.
    pub(crate) fn read(self) -> Result<Workspace, Failure> {
        let files = read_all(self.files, |_| true)?;
        Ok(Workspace::of(self.root, self.lone, files))
    }

    /// Reads and judges it. Texts that no finding speaks of are not kept: of many projects they would be most of the memory.
    pub(crate) fn judge(self) -> Result<Checked, Failure> {
        let mut project = Project { files: read_all(self.files, |_| true)?, lone: self.lone.is_some() };
        let diagnostics = judge(&project).diagnostics;
        let told = files_of(&diagnostics);
        for (id, file) in (0..).map(FileId).zip(&mut project.files) {
            if !told.contains(&id) {
                file.bytes = Arc::default();
            }
        }
        Ok(Checked { workspace: Workspace::of(self.root, self.lone, project.files), diagnostics })
    }

    /// Reads the files that are wanted alone, to show places in them; the others stay empty.
    pub(crate) fn read_part(self, wanted: &BTreeSet<FileId>) -> Result<Workspace, Failure> {
        let files = read_all(self.files, |id| wanted.contains(&id))?;
        Ok(Workspace::of(self.root, self.lone, files))
    }
}

/// The projects that these paths belong to or hold, each once, by place.
pub(crate) fn find(paths: &[PathBuf]) -> Result<Vec<Found>, Failure> {
    let targets = Targets::of(paths)?;
    let projects: Vec<(PathBuf, Target)> = targets.projects.into_iter().collect();
    let projects = projects.into_par_iter().map(|(root, target)| Found::project(root, target));
    let mut found = projects.collect::<Result<Vec<_>, Failure>>()?;
    found.extend(targets.lone.into_iter().map(Found::lone));
    found.sort_by(|a, b| a.place().cmp(b.place()));
    Ok(found)
}

/// The one project that this path belongs to or holds, read.
pub(crate) fn find_one(path: &Path) -> Result<Workspace, Failure> {
    let mut found = find(&[path.to_path_buf()])?;
    if found.len() > 1 {
        let names: Vec<_> = found.iter().map(|found| format!("`{}`", show(found.place()))).collect();
        let message = format!("`{}` holds {} projects; this command takes one", path.display(), names.len());
        let more = names.len().saturating_sub(SHOWN);
        let shown = names.get(..SHOWN).filter(|_| more > 0).unwrap_or(&names).join(", ");
        let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
        return Err(Failure::new(message).help(format!("name one of {shown}{rest}")));
    }
    found.pop().ok_or_else(|| nothing(path))?.read()
}

/// The `.journey` files that these paths name or hold, each once, by path. None of their projects is looked at.
pub(crate) fn journeys(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = BTreeSet::new();
    for path in paths {
        for (shown, real) in named(path)? {
            if real.is_dir() {
                let before = found.len();
                found.extend(walk::files(&real)?.into_iter().filter(|path| is_journey(path)));
                if found.len() == before && paths.len() == 1 {
                    return Err(nothing(&shown));
                }
            } else if is_journey(&real) {
                found.insert(real);
            } else {
                return Err(Failure::new(format!("`{}` is not a `.journey` file", shown.display())));
            }
        }
    }
    Ok(found.into_iter().collect())
}

/// The project around a text that need not be on disk, with the text in its place.
pub(crate) fn with_text(path: &Path, text: Vec<u8>) -> Result<Workspace, Failure> {
    let path = std::path::absolute(path).map_err(|error| Failure::path("cannot find", path, &error))?;
    let directory = path.parent().and_then(|directory| directory.canonicalize().ok());
    let path = match (directory, path.file_name()) {
        (Some(directory), Some(name)) => directory.join(name),
        _ => path,
    };
    let Some(root) = root_of(&path) else {
        let Found { root, lone, files } = Found::lone(path);
        let files = files.into_iter().map(|(path, _)| File { path, bytes: text.as_slice().into() });
        return Ok(Workspace::of(root, lone, files.collect()));
    };
    let mut files = read_project(&root)?;
    put(&mut files, File { path: relative(&root, &path), bytes: text.into() });
    Ok(Workspace::of(root, None, files))
}

/// The directory of the nearest `journey.toml` at or above a file or directory.
pub(crate) fn root_of(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|directory| directory.join(CONFIG).is_file()).map(Path::to_path_buf)
}

/// The files of the project in this directory, sorted by path; other projects below it are not part of it.
pub(crate) fn read_project(root: &Path) -> Result<Vec<File>, Failure> {
    read_all(Target::default().files(root)?, |_| true)
}

/// These files, each empty that is not wanted.
fn read_all(files: Vec<(String, PathBuf)>, wanted: impl Fn(FileId) -> bool + Sync) -> Result<Vec<File>, Failure> {
    let ids = 0..u32::try_from(files.len()).unwrap_or(u32::MAX);
    let read = files.into_par_iter().zip(ids).map_init(Vec::new, |buffer, ((path, place), id)| {
        let bytes = if wanted(FileId(id)) { read(&place, buffer)? } else { Arc::default() };
        Ok(File { path, bytes })
    });
    read.collect()
}

/// The directories of the projects around and below a directory; what cannot be looked into holds none.
pub(crate) fn projects_in(directory: &Path) -> Vec<PathBuf> {
    let targets = Targets::of(&[directory.to_path_buf()]).ok();
    targets.into_iter().flat_map(|targets| targets.projects.into_keys()).collect()
}

/// What is loaded, each thing once.
#[derive(Debug, Default)]
struct Targets {
    /// Directories with a `journey.toml`.
    projects: BTreeMap<PathBuf, Target>,
    /// Files without one.
    lone: BTreeSet<PathBuf>,
}

/// A project to load.
#[derive(Debug, Default)]
struct Target {
    /// Its files, if somebody has looked already.
    files: Option<Vec<PathBuf>>,
    /// Files that were named, and belong to it whatever `.gitignore` says.
    named: BTreeSet<PathBuf>,
}

impl Targets {
    fn of(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut targets = Self::default();
        let mut roots = Roots::default();
        for path in paths {
            for (shown, real) in named(path)? {
                if real.is_dir() {
                    targets.directory(&shown, &real, &mut roots)?;
                } else {
                    targets.file(&shown, real, &mut roots)?;
                }
            }
        }
        Ok(targets)
    }

    fn file(&mut self, shown: &Path, real: PathBuf, roots: &mut Roots) -> Result<(), Failure> {
        match roots.of(&real) {
            Some(root) if belongs(&relative(&root, &real)) => {
                self.projects.entry(root).or_default().named.insert(real);
            }
            None if is_journey(&real) => drop(self.lone.insert(real)),
            _ => {
                return Err(Failure::new(format!("`{}` is neither a journey nor part of a project", shown.display()))
                    .help("give a `.journey` file, or the directory of a project (with a `journey.toml`)"));
            }
        }
        Ok(())
    }

    /// The project around a directory, those below it, and `.journey` files that belong to none.
    fn directory(&mut self, shown: &Path, directory: &Path, roots: &mut Roots) -> Result<(), Failure> {
        let around = roots.of_directory(directory);
        let mut below: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        let mut empty = around.is_none();
        // Files side by side belong to one project.
        for files in walk::files(directory)?.chunk_by_mut(|a, b| a.parent() == b.parent()) {
            match files.first().and_then(|file| roots.of(file)) {
                // Only part of this one was seen.
                Some(root) if around.as_ref() == Some(&root) && root != directory => {}
                Some(root) => below.entry(root).or_default().extend(files.iter_mut().map(std::mem::take)),
                None => {
                    let journeys = || files.iter().filter(|path| is_journey(path));
                    empty &= journeys().next().is_none();
                    self.lone.extend(journeys().cloned());
                }
            }
        }
        if let Some(root) = around {
            self.projects.entry(root).or_default();
        }
        for (root, files) in below {
            // A project whose settings are ignored is ignored.
            if files.iter().any(|path| path.file_name().is_some_and(|name| name == CONFIG)) {
                empty = false;
                self.projects.entry(root).or_default().files.get_or_insert(files);
            }
        }
        if empty { Err(nothing(shown)) } else { Ok(()) }
    }
}

impl Target {
    /// The files that belong to it, by path relative to its root.
    fn files(self, root: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
        let mut paths = match self.files {
            Some(paths) => paths,
            None => walk::project(root)?,
        };
        paths.extend(walk::codes(root)?);
        paths.extend(self.named);
        let named = paths.into_iter().map(|path| (relative(root, &path), path));
        let mut named: Vec<_> = named.filter(|(relative, _)| belongs(relative)).collect();
        named.sort();
        named.dedup();
        Ok(named)
    }
}

/// What a path or pattern names: as typed, and as it lies on disk.
fn named(path: &Path) -> Result<Vec<(PathBuf, PathBuf)>, Failure> {
    match path.canonicalize() {
        Ok(real) => Ok(vec![(path.to_path_buf(), real)]),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match glob::expand(path)? {
            Some(files) => Ok(files),
            None => Err(Failure::new(format!("there is no file or directory `{}`", path.display()))),
        },
        Err(error) => Err(Failure::path("cannot open", path, &error)),
    }
}

fn nothing(path: &Path) -> Failure {
    Failure::new(format!("`{}` holds no journeys", path.display()))
        .help("journeys are files that end in `.journey`; `journey new DIR` makes a project to start from")
}

fn is_journey(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "journey")
}

/// The bytes of a file. The buffer is what the last one was read into: nearly all fit, and none need be asked for its length.
fn read(path: &Path, buffer: &mut Vec<u8>) -> Result<Arc<[u8]>, Failure> {
    buffer.clear();
    buffer.reserve(COMMON);
    let read = fs::File::open(path).and_then(|file| file.take(MAX_READ).read_to_end(buffer));
    read.map_err(|error| Failure::path("cannot read", Path::new(&show(path)), &error))?;
    Ok(buffer.as_slice().into())
}

/// A path below the root, with `/` on every system.
pub(crate) fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    let mut relative = String::with_capacity(path.as_os_str().len());
    for part in path.components() {
        relative.push_str(if relative.is_empty() { "" } else { "/" });
        relative.push_str(&part.as_os_str().to_string_lossy());
    }
    relative
}

/// Adds or replaces a file in a sorted list.
fn put(files: &mut Vec<File>, file: File) {
    match files.binary_search_by(|other| other.path.cmp(&file.path)) {
        Ok(at) => files.splice(at..=at, [file]).for_each(drop),
        Err(at) => files.insert(at, file),
    }
}
