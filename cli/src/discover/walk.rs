//! Files below a directory, as git sees them, and the projects that they belong to.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use ignore::{DirEntry, WalkBuilder, WalkState};
use journey_compiler::project::{CODES, CONFIG};
use rayon::prelude::*;

use crate::failure::Failure;

/// The projects around directories, each looked for once.
#[derive(Debug, Default)]
pub(super) struct Roots(BTreeMap<PathBuf, Option<PathBuf>>);

impl Roots {
    /// The project around a file.
    pub(super) fn of(&mut self, file: &Path) -> Option<PathBuf> {
        self.of_directory(file.parent()?)
    }

    /// The project in or around a directory.
    pub(super) fn of_directory(&mut self, directory: &Path) -> Option<PathBuf> {
        if let Some(root) = self.0.get(directory) {
            return root.clone();
        }
        let root = if directory.join(CONFIG).is_file() {
            Some(directory.to_path_buf())
        } else {
            directory.parent().and_then(|parent| self.of_directory(parent))
        };
        self.0.insert(directory.to_path_buf(), root.clone());
        root
    }
}

/// All files below a directory, in one order; all cores look.
pub(super) fn files(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let (sender, found) = mpsc::channel();
    builder(directory).threads(rayon::current_num_threads()).build_parallel().run(|| {
        let sender = sender.clone();
        Box::new(move |entry| match file(entry).transpose().map(|found| sender.send(found)) {
            None | Some(Ok(())) => WalkState::Continue,
            Some(Err(_)) => WalkState::Quit,
        })
    });
    drop(sender);
    let mut files = found.into_iter().collect::<Result<Vec<_>, Failure>>()?;
    // Bytes: parts of paths one by one would take longer than finding them.
    files.par_sort_unstable_by(|a: &PathBuf, b| a.as_os_str().cmp(b.as_os_str()));
    Ok(files)
}

/// The files of a project; those of projects below it are not among them.
pub(super) fn project(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let inside = |entry: &DirEntry| {
        let is_directory = entry.file_type().is_some_and(|kind| kind.is_dir());
        entry.depth() == 0 || !is_directory || !entry.path().join(CONFIG).is_file()
    };
    builder(root).filter_entry(inside).build().filter_map(|entry| file(entry).transpose()).collect()
}

/// The files of codes of a project, which git need not see.
pub(super) fn codes(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let directory = root.join(CODES);
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let mut walk = builder(&directory);
    walk.ignore(false).git_ignore(false).git_exclude(false).parents(false);
    walk.build().filter_map(|entry| file(entry).transpose()).collect()
}

fn builder(directory: &Path) -> WalkBuilder {
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
