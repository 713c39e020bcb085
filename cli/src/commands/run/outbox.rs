//! Where a run writes its messages. It keeps a list of them, so that the next run removes exactly these.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use journey_runtime::render::Rendered;
use journey_runtime::send::{FileTransport, Settle, Transport, file_name};
use journey_runtime::track::BoxFuture;

use crate::failure::Failure;
use crate::workspace::show;

/// The list of the messages that the last run wrote, one a line.
const LIST: &str = ".written-by-journey-run";

/// The folder of a run, empty of what earlier runs wrote.
pub(super) struct Outbox {
    folder: PathBuf,
    files: FileTransport,
    list: Mutex<List>,
}

struct List {
    file: File,
    written: BTreeSet<String>,
    /// The first thing that went wrong with it.
    error: Option<io::Error>,
}

impl Outbox {
    /// Removes what the last run wrote, and nothing else.
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        let wrong = |error: io::Error| Failure::path("cannot write into", folder, &error);
        fs::create_dir_all(folder).map_err(wrong)?;
        let folder = folder.canonicalize().map_err(wrong)?;
        let list = folder.join(LIST);
        for name in fs::read_to_string(&list).unwrap_or_default().lines().filter(|name| is_plain(name)) {
            match fs::remove_file(folder.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(wrong(error)),
                _ => {}
            }
        }
        let file = OpenOptions::new().create(true).write(true).truncate(true).open(&list).map_err(wrong)?;
        let list = Mutex::new(List { file, written: BTreeSet::new(), error: None });
        Ok(Self { files: FileTransport::new(&folder), folder, list })
    }

    /// The folder as seen from here.
    pub(super) fn name(&self) -> String {
        show(&self.folder)
    }

    /// How many messages were written.
    pub(super) fn close(&self) -> Result<usize, Failure> {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        match list.error.take() {
            None => Ok(list.written.len()),
            Some(error) => Err(Failure::path("cannot write", &self.folder.join(LIST), &error)),
        }
    }

    /// Puts messages on the list, before they are written.
    fn list(&self, batch: &[Rendered]) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let List { file, written, error } = &mut *list;
        let names: String = batch.iter().map(|rendered| file_name(rendered) + "\n").collect();
        if let Err(new) = file.write_all(names.as_bytes()) {
            error.get_or_insert(new);
        }
        written.extend(names.lines().map(str::to_owned));
    }
}

impl Transport for Outbox {
    fn deliver_each<'a>(&'a self, batch: &'a [Rendered], settle: &'a dyn Settle) -> BoxFuture<'a, ()> {
        self.list(batch);
        self.files.deliver_each(batch, settle)
    }
}

/// Whether a line of the list names a file of the folder, and not one elsewhere.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_wrote_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("outbox");
        fs::create_dir(&folder).unwrap();
        let write = |path: &Path| fs::write(path, "x").unwrap();
        let ours = folder.join("20260302T090000Z-000001-001-ada-story.eml");
        let theirs = folder.join("20260302T090000Z-000001-001-ada-other.eml");
        let outside = parent.path().join("outside");
        [&ours, &theirs, &outside].into_iter().for_each(|path| write(path));
        fs::write(
            folder.join(LIST),
            format!("{}\n../outside\n..\n\n/\ngone\n", ours.file_name().unwrap().to_str().unwrap()),
        )
        .unwrap();

        let outbox = Outbox::open(&folder).unwrap();
        assert!(!ours.exists() && theirs.exists() && outside.exists());
        assert_eq!(outbox.close().unwrap(), 0);
        assert_eq!(fs::read_to_string(folder.join(LIST)).unwrap(), "");
    }
}
