//! What was found before: findings by what the compiler was given, so that nothing is checked twice. An entry holds for
//! one build of the compiler, one content of all files of a project and one day; anything else is a miss. Files that the
//! file system says nobody touched since they were read are not even read again. What cannot be read is no cache at all: it
//! may be deleted, cut short or written over at any moment.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use journey_compiler::Date;
use journey_compiler::diagnostic::Diagnostic;
use journey_compiler::project::Project;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::checked::{Checked, files_of};
use crate::discover::Found;
use crate::failure::Failure;
use crate::workspace::{Workspace, today};

/// The compiler that this binary holds: the hash of its sources, made by build.rs.
const COMPILER: &str = env!("JOURNEY_COMPILER");

/// Bytes of the checksum in front of a shelf.
const CHECKSUM: usize = blake3::OUT_LEN;

/// Whoever writes a file twice within this time may leave the same stamp: the coarsest file systems count in two seconds.
const SETTLED: Duration = Duration::from_secs(2);

/// What all findings of a project follow from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Key([u8; 32]);

impl Key {
    /// By content.
    pub(crate) fn of(project: &Project) -> Self {
        let hashes: Vec<_> = project.files.par_iter().map(|file| blake3::hash(&file.bytes)).collect();
        let mut hasher = hasher(project.lone);
        for (file, hash) in project.files.iter().zip(hashes) {
            hasher.update(&file.path.len().to_le_bytes()).update(file.path.as_bytes()).update(hash.as_bytes());
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// By what the file system says of the files, and whether a later change would be seen in it.
    fn at_a_glance(found: &Found, settled_before: SystemTime) -> Option<(Self, bool)> {
        let stamp = |(_, path): &(String, PathBuf)| Some(Stamp::of(&fs::metadata(path).ok()?));
        let stamps: Vec<Stamp> = found.files.par_iter().map(stamp).collect::<Option<_>>()?;
        let mut hasher = hasher(found.lone.is_some());
        let mut settled = true;
        for ((path, _), stamp) in found.files.iter().zip(stamps) {
            hasher.update(&path.len().to_le_bytes()).update(path.as_bytes()).update(&stamp.bytes);
            settled &= stamp.last < settled_before;
        }
        Some((Self(*hasher.finalize().as_bytes()), settled))
    }
}

/// What holds for all files of a project.
fn hasher(lone: bool) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    // Dates that are past by today are told.
    hasher.update(COMPILER.as_bytes()).update(&[u8::from(lone)]);
    hasher.update(&today().map_or(0, |Date(day)| day).to_le_bytes());
    hasher
}

/// What the file system says of a file. Where it counts changes by itself (`ctime`), no program can hide one.
struct Stamp {
    bytes: Vec<u8>,
    /// The last change.
    last: SystemTime,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().unwrap_or_else(|_| SystemTime::now());
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut bytes = [metadata.len().to_le_bytes(), since.as_secs().to_le_bytes()].concat();
        bytes.extend(since.subsec_nanos().to_le_bytes());
        let last = changed(metadata, &mut bytes).map_or(modified, |changed| changed.max(modified));
        Self { bytes, last }
    }
}

#[cfg(unix)]
fn changed(metadata: &Metadata, bytes: &mut Vec<u8>) -> Option<SystemTime> {
    use std::os::unix::fs::MetadataExt;
    for number in [metadata.ctime(), metadata.ctime_nsec()] {
        bytes.extend(number.to_le_bytes());
    }
    for number in [metadata.dev(), metadata.ino()] {
        bytes.extend(number.to_le_bytes());
    }
    let (secs, nanos) = (u64::try_from(metadata.ctime()).ok()?, u64::try_from(metadata.ctime_nsec()).ok()?);
    UNIX_EPOCH.checked_add(Duration::from_secs(secs))?.checked_add(Duration::from_nanos(nanos))
}

#[cfg(not(unix))]
fn changed(_: &Metadata, _: &mut Vec<u8>) -> Option<SystemTime> {
    None
}

/// What was found in a project, or in a file that stands alone.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Entry {
    key: Key,
    /// The same at a glance, if a change would be seen in it.
    glance: Option<Key>,
    diagnostics: Vec<Diagnostic>,
}

/// The entries of one directory. The project's has no name; a lone file's has the file's.
type Shelf = BTreeMap<String, Entry>;

/// The name of an entry on its shelf.
fn name(found: &Found) -> String {
    found.lone.as_ref().and_then(|_| found.files.first()).map_or_else(String::new, |(name, _)| name.clone())
}

/// The findings of all these, remembered or made, on all cores and in their order.
pub(crate) fn check(found: Vec<Found>, cache: Option<&Cache>) -> Result<Vec<Checked>, Failure> {
    let Some(cache) = cache else {
        return found.into_par_iter().map(Found::judge).collect();
    };
    let mut by_directory: BTreeMap<PathBuf, Vec<Found>> = BTreeMap::new();
    for found in found {
        by_directory.entry(found.root.clone()).or_default().push(found);
    }
    let by_directory: Vec<(PathBuf, Vec<Found>)> = by_directory.into_iter().collect();
    let checked = by_directory.into_par_iter().map(|(directory, found)| check_in(&directory, found, cache));
    let checked: Vec<Vec<Checked>> = checked.collect::<Result<_, Failure>>()?;
    let mut checked: Vec<Checked> = checked.into_iter().flatten().collect();
    checked.sort_by(|a, b| a.workspace.place().cmp(b.workspace.place()));
    Ok(checked)
}

/// The findings of what lies in one directory.
fn check_in(directory: &Path, found: Vec<Found>, cache: &Cache) -> Result<Vec<Checked>, Failure> {
    let mut shelf = cache.load(directory);
    let found: Vec<_> = found.into_iter().map(|found| (name(&found), found)).collect();
    let known: Vec<_> = found.into_iter().map(|(name, found)| (shelf.remove(&name), name, found)).collect();
    let checked = known.into_par_iter().map(|(entry, name, found)| {
        let (workspace, entry, is_new) = remembered(found, entry, cache.settled)?;
        Ok((name, workspace, entry, is_new))
    });
    let checked = checked.collect::<Result<Vec<_>, Failure>>()?;
    let is_new = checked.iter().any(|(.., is_new)| *is_new);
    let mut workspaces = Vec::new();
    for (name, workspace, entry, _) in checked {
        workspaces.push((workspace, name.clone()));
        shelf.insert(name, entry);
    }
    if is_new {
        cache.store(directory, &shelf);
    }
    let finish = |(workspace, name): (_, String)| {
        let diagnostics = shelf.remove(&name).map(|entry| entry.diagnostics).unwrap_or_default();
        Checked { workspace, diagnostics }
    };
    Ok(workspaces.into_iter().map(finish).collect())
}

/// A project with its entry, and whether that says more than the one before.
fn remembered(found: Found, entry: Option<Entry>, settled: Duration) -> Result<(Workspace, Entry, bool), Failure> {
    // Before anything is read: what changes from now on makes another stamp.
    let before = SystemTime::now().checked_sub(settled).unwrap_or(UNIX_EPOCH);
    let glance = Key::at_a_glance(&found, before);
    let untouched = |entry: &Entry| glance.is_some_and(|(glance, _)| entry.glance == Some(glance));
    let entry = match entry {
        Some(entry) if untouched(&entry) => {
            let workspace = found.read_part(&files_of(&entry.diagnostics))?;
            return Ok((workspace, entry, false));
        }
        entry => entry,
    };
    let glance = glance.and_then(|(glance, settled)| settled.then_some(glance));
    let workspace = found.read()?;
    let key = Key::of(workspace.snapshot.project());
    if let Some(entry) = entry.filter(|entry| entry.key == key) {
        return Ok((workspace, Entry { glance, ..entry }, glance.is_some()));
    }
    let Checked { workspace, diagnostics } = Checked::fresh(workspace);
    Ok((workspace, Entry { key, glance, diagnostics }, true))
}

/// Where shelves lie.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    directory: PathBuf,
    /// A stamp of a change that is older than this will not be left again.
    settled: Duration,
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
        Some(Self { directory, settled: SETTLED })
    }

    /// The shelf of a directory; empty if there is none that can be trusted.
    fn load(&self, of: &Path) -> Shelf {
        fs::read(self.path(of)).ok().and_then(|bytes| decode(&bytes)).unwrap_or_default()
    }

    fn store(&self, of: &Path, shelf: &Shelf) {
        let Some(bytes) = encode(shelf) else { return };
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

fn encode(shelf: &Shelf) -> Option<Vec<u8>> {
    let body = postcard::to_stdvec(shelf).ok()?;
    Some([blake3::hash(&body).as_bytes().as_slice(), &body].concat())
}

fn decode(bytes: &[u8]) -> Option<Shelf> {
    let (checksum, body) = bytes.split_at_checked(CHECKSUM)?;
    if blake3::hash(body).as_bytes() != checksum {
        return None;
    }
    postcard::from_bytes(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover;
    use journey_compiler::project::File;

    const BEFORE: &str = "on tag x send email welcome\n";
    /// As long as the other, and with another finding.
    const AFTER: &str = "on tag x send email welcom1 end\n";

    fn findings(here: &Path, cache: Option<&Cache>) -> Vec<Diagnostic> {
        let checked = check(discover::find(&[here.to_path_buf()]).unwrap(), cache).unwrap();
        checked.into_iter().flat_map(|checked| checked.diagnostics).collect()
    }

    /// Puts the last change of a file so many seconds into the past, as far as programs can.
    fn age(path: &Path, seconds: u64) {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
    }

    #[test]
    fn what_was_found_is_found_again() {
        let (here, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let cache = Cache::open(Some(store.path().join("cache"))).unwrap();
        let file = here.path().join("a.journey");
        fs::write(&file, BEFORE).unwrap();
        let fresh = findings(here.path(), None);
        assert!(!fresh.is_empty());
        for _ in 0..3 {
            assert_eq!(findings(here.path(), Some(&cache)), fresh);
        }
        // A change that leaves length and time as they were is seen all the same.
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        fs::write(&file, AFTER).unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
        let changed = findings(here.path(), None);
        assert_ne!(changed, fresh);
        assert_eq!(findings(here.path(), Some(&cache)), changed);

        // Whatever happens to the cache, there is the right answer.
        let shelf = fs::read_dir(store.path().join("cache")).unwrap().next().unwrap().unwrap().path();
        let whole = fs::read(&shelf).unwrap();
        let root = here.path().canonicalize().unwrap();
        assert_eq!(cache.load(&root).len(), 1);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x41;
            fs::write(&shelf, &bytes).unwrap();
            assert!(cache.load(&root).is_empty(), "byte {at} changed");
            fs::write(&shelf, &whole[..at]).unwrap();
            assert!(cache.load(&root).is_empty(), "cut at {at}");
        }
        assert_eq!(findings(here.path(), Some(&cache)), changed);
    }

    #[test]
    fn a_glance_is_trusted_only_if_it_sees_every_change() {
        let here = tempfile::tempdir().unwrap();
        let file = here.path().join("a.journey");
        let glance =
            |before| Key::at_a_glance(&discover::find(&[here.path().to_path_buf()]).unwrap()[0], before).unwrap();
        fs::write(&file, BEFORE).unwrap();
        age(&file, 100);
        let now = SystemTime::now();
        // Programs can set the time when the content changed, and not the time when anything did.
        assert_eq!(glance(now - SETTLED).1, !cfg!(unix), "written a moment ago");
        let later = now + Duration::from_secs(60);
        assert!(glance(later).1);
        let before = glance(later).0;
        assert_eq!(glance(later).0, before);
        age(&file, 99);
        assert_ne!(glance(later).0, before, "another time");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

        /// Whatever is done to the files, what is remembered is what would be found.
        #[test]
        fn remembering_changes_nothing(changes in proptest::collection::vec((0..5_usize, 0..5_usize), 1..8)) {
            const TEXTS: [&str; 4] = [
                "journey a { on tag x reenter never wait 2d end }\n",
                "journey a { on tag y reenter never wait 2d end }\n",
                "tags { x }\n",
                "journey b { on tag x send email hello }\n",
            ];
            let (here, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let cache = Cache { directory: store.path().to_path_buf(), settled: Duration::ZERO };
            fs::write(here.path().join("journey.toml"), "[project]\nname = \"shop\"\n").unwrap();
            for (file, text) in changes {
                let path = here.path().join(["a.journey", "b.journey", "c/d.journey", "messages/hello.email.md", "e.journey"][file]);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                match TEXTS.get(text) {
                    Some(text) => fs::write(&path, text).unwrap(),
                    None => drop(fs::remove_file(&path)),
                }
                // Longer than the file system's clock ticks.
                std::thread::sleep(Duration::from_millis(12));
                let fresh = findings(here.path(), None);
                // Made, remembered by content, and at a glance.
                for _ in 0..3 {
                    proptest::prop_assert_eq!(&findings(here.path(), Some(&cache)), &fresh);
                }
            }
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
