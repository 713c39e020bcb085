//! Paths to projects. A file belongs to the nearest directory upward that holds a `journey.toml`; a `.journey` file
//! without one stands alone. What `.gitignore` leaves out, and hidden files, we leave out too.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};
use journey_compiler::project::{CONFIG, File, MAX_FILE, belongs};

use crate::failure::Failure;
use crate::workspace::{Workspace, show};

/// More of a file is never read: the compiler refuses much shorter ones.
const MAX_READ: u64 = 64 * MAX_FILE as u64;

/// The projects that these paths belong to or hold, each once, by root.
pub(crate) fn find(paths: &[PathBuf]) -> Result<Vec<Workspace>, Failure> {
    let mut found = BTreeMap::new();
    for path in paths {
        for target in targets(path)? {
            if let std::collections::btree_map::Entry::Vacant(entry) = found.entry(target) {
                let workspace = load(entry.key())?;
                entry.insert(workspace);
            }
        }
    }
    Ok(found.into_values().collect())
}

/// The one project that this path belongs to or holds.
pub(crate) fn find_one(path: &Path) -> Result<Workspace, Failure> {
    let targets = targets(path)?;
    match targets.as_slice() {
        [target] => load(target),
        several => {
            let names: Vec<_> = several.iter().map(|t| format!("`{}`", show(t.path()))).collect();
            let message = format!("`{}` holds {} projects; this command takes one", path.display(), names.len());
            Err(Failure::new(message).help(format!("name one of {}", names.join(", "))))
        }
    }
}

/// The project around a text that need not be on disk, with the text in its place.
pub(crate) fn with_text(path: &Path, text: Vec<u8>) -> Result<Workspace, Failure> {
    let path = std::path::absolute(path).map_err(|error| Failure::path("cannot find", path, &error))?;
    let directory = path.parent().and_then(|directory| directory.canonicalize().ok());
    let path = match (directory, path.file_name()) {
        (Some(directory), Some(name)) => directory.join(name),
        _ => path,
    };
    let Some(root) = root_of(&path) else { return Ok(Workspace::lone(path, text)) };
    let mut files = read_project(&root)?;
    put(&mut files, File { path: relative(&root, &path), bytes: text.into() });
    Ok(Workspace::project(root, files))
}

/// The directory of the nearest `journey.toml` at or above a file or directory.
pub(crate) fn root_of(path: &Path) -> Option<PathBuf> {
    path.ancestors().find(|directory| directory.join(CONFIG).is_file()).map(Path::to_path_buf)
}

/// The files of the project in this directory, sorted by path; other projects below it are not part of it.
pub(crate) fn read_project(root: &Path) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    let other_project = |entry: &DirEntry| entry.depth() > 0 && entry.path().join(CONFIG).is_file();
    for entry in walk(root).filter_entry(move |entry| !other_project(entry)).build() {
        let Some(path) = file(entry)? else { continue };
        let relative = relative(root, &path);
        if belongs(&relative) {
            files.push(File { path: relative, bytes: read(&path)?.into() });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The directories of the projects around and below a directory; what cannot be looked into holds none.
pub(crate) fn projects_in(directory: &Path) -> Vec<PathBuf> {
    let targets = in_directory(directory).ok();
    let project = |target| match target {
        Target::Project(root, _) => Some(root),
        Target::Lone(_) => None,
    };
    targets.into_iter().flatten().filter_map(project).collect()
}

/// What is loaded as one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Target {
    /// A directory with a `journey.toml`, and a file that was asked for by name, whatever `.gitignore` says.
    Project(PathBuf, Option<PathBuf>),
    /// A file without one.
    Lone(PathBuf),
}

impl Target {
    fn path(&self) -> &Path {
        match self {
            Self::Project(path, _) | Self::Lone(path) => path,
        }
    }
}

fn load(target: &Target) -> Result<Workspace, Failure> {
    match target {
        Target::Lone(path) => Ok(Workspace::lone(path.clone(), read(path)?)),
        Target::Project(root, asked) => {
            let mut files = read_project(root)?;
            if let Some(asked) = asked {
                put(&mut files, File { path: relative(root, asked), bytes: read(asked)?.into() });
            }
            Ok(Workspace::project(root.clone(), files))
        }
    }
}

fn targets(path: &Path) -> Result<Vec<Target>, Failure> {
    let real = path.canonicalize().map_err(|error| missing(path, &error))?;
    let targets = if real.is_dir() { in_directory(&real)? } else { vec![of_file(path, &real)?] };
    if targets.is_empty() {
        let message = format!("`{}` holds no journeys", path.display());
        return Err(Failure::new(message)
            .help("journeys are files that end in `.journey`; `journey new DIR` makes a project to start from"));
    }
    Ok(targets)
}

fn missing(path: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => Failure::new(format!("there is no file or directory `{}`", path.display())),
        _ => Failure::path("cannot open", path, error),
    }
}

fn of_file(path: &Path, real: &Path) -> Result<Target, Failure> {
    let name = real.to_string_lossy();
    match root_of(real) {
        Some(root) if belongs(&relative(&root, real)) => {
            let listed = read_project(&root)?.iter().any(|file| root.join(&file.path) == real);
            Ok(Target::Project(root, (!listed).then(|| real.to_path_buf())))
        }
        None if name.ends_with(".journey") => Ok(Target::Lone(real.to_path_buf())),
        _ => Err(Failure::new(format!("`{}` is neither a journey nor part of a project", path.display()))
            .help("give a `.journey` file, or the directory of a project (with a `journey.toml`)")),
    }
}

/// The project around a directory, those below it, and `.journey` files that belong to none.
fn in_directory(directory: &Path) -> Result<Vec<Target>, Failure> {
    let mut targets: Vec<_> = root_of(directory).map(|root| Target::Project(root, None)).into_iter().collect();
    for entry in walk(directory).build() {
        let Some(path) = file(entry)? else { continue };
        if path.file_name().is_some_and(|name| name == CONFIG) {
            targets.extend(path.parent().map(|root| Target::Project(root.to_path_buf(), None)));
        } else if path.extension().is_some_and(|extension| extension == "journey") && root_of(&path).is_none() {
            targets.push(Target::Lone(path));
        }
    }
    targets.sort();
    targets.dedup();
    Ok(targets)
}

fn walk(directory: &Path) -> WalkBuilder {
    let mut walk = WalkBuilder::new(directory);
    // The same answer in a checkout without `.git` and on a machine with other global settings.
    walk.require_git(false).git_global(false).follow_links(true);
    walk
}

/// The file of an entry; none for a directory, a link that leads nowhere or back to where we are, or a file that has
/// gone meanwhile.
fn file(entry: Result<DirEntry, ignore::Error>) -> Result<Option<PathBuf>, Failure> {
    match entry {
        Ok(entry) => Ok(entry.file_type().is_some_and(|kind| kind.is_file()).then(|| entry.into_path())),
        Err(error) if is_loop(&error) || error.io_error().is_some_and(|e| e.kind() == io::ErrorKind::NotFound) => {
            Ok(None)
        }
        Err(error) => Err(Failure::new(format!("cannot look for journeys: {error}"))),
    }
}

fn is_loop(error: &ignore::Error) -> bool {
    match error {
        ignore::Error::Loop { .. } => true,
        ignore::Error::WithPath { err, .. } | ignore::Error::WithDepth { err, .. } => is_loop(err),
        _ => false,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(MAX_READ).read_to_end(&mut bytes));
    read.map_err(|error| Failure::path("cannot read", Path::new(&show(path)), &error))?;
    Ok(bytes)
}

/// A path below the root, with `/` on every system.
fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// Adds or replaces a file in a sorted list.
fn put(files: &mut Vec<File>, file: File) {
    match files.binary_search_by(|other| other.path.cmp(&file.path)) {
        Ok(at) => files.splice(at..=at, [file]).for_each(drop),
        Err(at) => files.insert(at, file),
    }
}
