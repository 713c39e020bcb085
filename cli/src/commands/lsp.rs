//! `journey lsp`

use std::path::{Path, PathBuf};

use journey_compiler::Date;
use journey_compiler::project::File;
use journey_lsp::Ending;

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

    fn preview(&self) -> Option<journey_lsp::Preview> {
        Some(preview::for_editor)
    }
}
