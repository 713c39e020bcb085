//! What was found before: findings by what the compiler was given, so that nothing is checked twice. An entry holds for
//! one build of the compiler, one content of all files of a project and one day; anything else is a miss. What cannot be
//! read is none at all: a cache may be deleted, cut short or written over at any moment.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use journey_compiler::Date;
use journey_compiler::diagnostic::Diagnostic;
use journey_compiler::project::Project;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::workspace::{Workspace, today};

/// The compiler that this binary holds: the hash of its sources, made by build.rs.
const COMPILER: &str = env!("JOURNEY_COMPILER");

/// Bytes of the checksum in front of a shelf.
const CHECKSUM: usize = blake3::OUT_LEN;

/// What all findings of a project follow from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Key([u8; 32]);

impl Key {
    pub(crate) fn of(project: &Project) -> Self {
        let hashes: Vec<_> = project.files.par_iter().map(|file| blake3::hash(&file.bytes)).collect();
        let mut hasher = blake3::Hasher::new();
        // Dates that are past by today are told.
        hasher.update(COMPILER.as_bytes()).update(&[u8::from(project.lone)]);
        hasher.update(&today().map_or(0, |Date(day)| day).to_le_bytes());
        for (file, hash) in project.files.iter().zip(hashes) {
            hasher.update(&file.path.len().to_le_bytes()).update(file.path.as_bytes()).update(hash.as_bytes());
        }
        Self(*hasher.finalize().as_bytes())
    }
}

/// The findings of one directory: of the project there, or of files that stand alone in it.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    entries: BTreeMap<String, (Key, Vec<Diagnostic>)>,
    changed: bool,
}

impl Shelf {
    /// What was found in exactly this.
    pub(crate) fn get(&self, workspace: &Workspace, key: Key) -> Option<Vec<Diagnostic>> {
        let (of, diagnostics) = self.entries.get(&entry(workspace))?;
        (*of == key).then(|| diagnostics.clone())
    }

    pub(crate) fn put(&mut self, workspace: &Workspace, key: Key, diagnostics: Vec<Diagnostic>) {
        self.entries.insert(entry(workspace), (key, diagnostics));
        self.changed = true;
    }
}

/// The project's entry has no name; a lone file's has the file's.
fn entry(workspace: &Workspace) -> String {
    let lone = workspace.lone.as_ref().and_then(|path| path.file_name());
    lone.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Where shelves lie.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    directory: PathBuf,
}

impl Cache {
    /// In this directory, in that of the environment, or in the system's for what can be made anew; none if there is no
    /// such place.
    pub(crate) fn open(directory: Option<PathBuf>) -> Option<Self> {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let system = || {
            let directory = variable("XDG_CACHE_HOME").or_else(|| match cfg!(windows) {
                true => variable("LOCALAPPDATA"),
                false => variable("HOME").map(|home| home.join(".cache")),
            });
            directory.map(|directory| directory.join("journey"))
        };
        let directory = directory.or_else(|| variable("JOURNEY_CACHE_DIR")).or_else(system)?;
        Some(Self { directory })
    }

    /// The shelf of a directory; empty if there is none that can be trusted.
    pub(crate) fn load(&self, of: &Path) -> Shelf {
        let entries = fs::read(self.path(of)).ok().and_then(|bytes| decode(&bytes)).unwrap_or_default();
        Shelf { entries, changed: false }
    }

    /// Stores a shelf, if anything on it is new.
    pub(crate) fn store(&self, of: &Path, shelf: &Shelf) {
        let Some(bytes) = shelf.changed.then(|| encode(&shelf.entries)).flatten() else { return };
        let path = self.path(of);
        let new = path.with_extension(format!("{}.new", std::process::id()));
        // Without a cache everything works, only slower: there is nothing to tell. The checksum finds half a file, so
        // it need not be synced.
        let written = fs::create_dir_all(&self.directory)
            .and_then(|()| fs::write(&new, bytes))
            .and_then(|()| fs::rename(&new, &path));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
    }

    fn path(&self, of: &Path) -> PathBuf {
        self.directory.join(format!("{}.findings", blake3::hash(of.as_os_str().as_encoded_bytes()).to_hex()))
    }
}

type Entries = BTreeMap<String, (Key, Vec<Diagnostic>)>;

fn encode(entries: &Entries) -> Option<Vec<u8>> {
    let body = postcard::to_stdvec(entries).ok()?;
    Some([blake3::hash(&body).as_bytes().as_slice(), &body].concat())
}

fn decode(bytes: &[u8]) -> Option<Entries> {
    let (checksum, body) = bytes.split_at_checked(CHECKSUM)?;
    if blake3::hash(body).as_bytes() != checksum {
        return None;
    }
    postcard::from_bytes(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use journey_compiler::diagnostic::{Applicability, Code, Edit, Span};
    use journey_compiler::project::{File, FileId};

    fn lone(text: &str) -> Workspace {
        Workspace::lone(PathBuf::from("/nowhere/a.journey"), text.as_bytes().to_vec())
    }

    fn finding() -> Diagnostic {
        let span = Span { file: FileId(0), start: 3, end: 5 };
        Diagnostic::new(Code::UnknownTag, span, "there is no tag `x`").label("here").also(span, "there").note("n").fix(
            "Replace",
            Applicability::Unsafe,
            vec![Edit { span, text: "y".into() }],
        )
    }

    #[test]
    fn what_was_found_is_found_again() {
        let here = tempfile::tempdir().unwrap();
        let cache = Cache::open(Some(here.path().join("cache"))).unwrap();
        let (workspace, place) = (lone("one"), Path::new("/nowhere"));
        let key = Key::of(workspace.snapshot.project());
        let mut shelf = cache.load(place);
        assert_eq!(shelf.get(&workspace, key), None);
        shelf.put(&workspace, key, vec![finding()]);
        cache.store(place, &shelf);
        assert_eq!(cache.load(place).get(&workspace, key), Some(vec![finding()]));
        let other = Key::of(lone("two").snapshot.project());
        assert_eq!(cache.load(place).get(&workspace, other), None, "another content");
        assert_eq!(cache.load(Path::new("/elsewhere")).get(&workspace, key), None, "another place");

        // Whatever happens to the file, there is an answer.
        let file = fs::read_dir(here.path().join("cache")).unwrap().next().unwrap().unwrap().path();
        let whole = fs::read(&file).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x41;
            fs::write(&file, &bytes).unwrap();
            assert_eq!(cache.load(place).get(&workspace, key), None, "byte {at} changed");
            fs::write(&file, &whole[..at]).unwrap();
            assert_eq!(cache.load(place).get(&workspace, key), None, "cut at {at}");
        }
    }

    #[test]
    fn every_part_of_a_project_is_in_its_key() {
        let file = |path: &str, text: &str| File { path: path.into(), bytes: text.as_bytes().into() };
        let project = |files: Vec<File>, lone| Key::of(&Project { files, lone });
        let keys = [
            project(vec![file("a", "1"), file("b", "2")], false),
            project(vec![file("a", "1"), file("b", "2")], true),
            project(vec![file("a", "1"), file("b", "3")], false),
            project(vec![file("a", "1"), file("c", "2")], false),
            project(vec![file("a", "1")], false),
            project(vec![], false),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert_eq!(keys.iter().position(|other| other == key), Some(at));
        }
    }
}
