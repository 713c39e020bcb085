//! `journey lsp`

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use journey_compiler::Date;
use journey_compiler::project::{DATA, File};
use journey_lsp::{Data, Ending};

use super::{Exit, Outcome, preview};
use crate::discover;
use crate::failure::Failure;
use crate::workspace;

const EXAMPLES: &str = "\
Editors start it and talk to it over stdin and stdout; there is nothing to type.

Example, for Neovim:
  vim.lsp.start_client({ cmd = { 'journey', 'lsp' } })";

/// Serve editors over stdin and stdout (Language Server Protocol)
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Accepted because many editors add it; there is no other way to talk
    #[arg(long, hide = true)]
    stdio: bool,
}

pub(super) fn run() -> Outcome {
    match journey_lsp::serve_stdio(Disk) {
        Ok(Ending::Asked) => Ok(Exit::CLEAN),
        // What the protocol wants of a server that is told to exit before it is told to shut down.
        Ok(Ending::Abrupt) => Ok(Exit(1)),
        Err(error) => Err(Failure::new(format!("the editor's connection broke: {error}"))),
    }
}

/// Of a larger file beside the project nobody waits for the names.
const MAX_DATA: u64 = 16 << 20;

struct Disk;

impl journey_lsp::Disk for Disk {
    fn root(&self, file: &Path) -> Option<PathBuf> {
        discover::root_of(file)
    }

    fn projects(&self, folder: &Path) -> Vec<PathBuf> {
        discover::projects_in(folder)
    }

    fn today(&self) -> Option<Date> {
        workspace::today()
    }

    fn files(&self, root: &Path) -> Result<Vec<File>, String> {
        discover::read_project(root).map_err(|failure| failure.message().to_owned())
    }

    fn data(&self, root: &Path) -> Vec<Data> {
        let read = |name: &str| {
            let path = root.join(name);
            let size = path.metadata().ok().filter(Metadata::is_file)?.len();
            let bytes = match size {
                ..=MAX_DATA => fs::read(&path).map(Into::into).map_err(|why| format!("`{name}` cannot be read: {why}")),
                _ => Err(format!(
                    "`{name}` has more than {} MB: move it out of the project's folder, as renaming changes the names in it too",
                    MAX_DATA >> 20
                )),
            };
            Some(Data { path: name.to_owned(), bytes })
        };
        DATA.into_iter().filter_map(read).collect()
    }

    fn preview(&self) -> Option<journey_lsp::Preview> {
        Some(preview::for_editor)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failure is a failing test")]

    use journey_compiler::project::CONTACTS;
    use journey_lsp::Disk as _;

    use super::*;

    #[test]
    fn what_lies_beside_a_project_is_read_unless_it_is_large() {
        let root = tempfile::tempdir().unwrap();
        let data = || Disk.data(root.path()).into_iter().map(|data| (data.path, data.bytes)).collect::<Vec<_>>();
        assert_eq!(data(), []);
        fs::write(root.path().join(CONTACTS), "id\n").unwrap();
        assert_eq!(data(), [(CONTACTS.to_owned(), Ok(b"id\n".as_slice().into()))]);
        let events = fs::File::create(root.path().join("events.ndjson")).unwrap();
        events.set_len(MAX_DATA + 1).unwrap();
        let refused = data().pop().unwrap().1.unwrap_err();
        assert!(refused.starts_with("`events.ndjson` has more than 16 MB"), "{refused}");
    }
}
