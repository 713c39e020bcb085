//! Why a command could not do its work: exit code 2.

use std::fmt::Display;
use std::io;
use std::path::Path;

use crate::terminal::{BLUE, RED, Terminal};

/// What went wrong, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    help: Option<String>,
    /// Whoever read our output has gone; nobody is to be told.
    gone: bool,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, gone: false }
    }

    /// Something could not be done to a file or directory: `cannot read`.
    pub(crate) fn path(what: &str, path: &Path, error: &impl Display) -> Self {
        Self::new(format!("{what} `{}`: {error}", path.display()))
    }

    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) const fn is_gone(&self) -> bool {
        self.gone
    }

    /// What went wrong, without what to do.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn print(&self, terminal: Terminal) {
        let Self { message, help, .. } = self;
        terminal.err(format!("{RED}error{RED:#}: {message}\n"));
        if let Some(help) = help {
            terminal.err(format!("{BLUE}help{BLUE:#}: {help}\n"));
        }
    }
}

/// Writing to stdout failed.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let gone = error.kind() == io::ErrorKind::BrokenPipe;
        Self { gone, ..Self::new(format!("cannot write the output: {error}")) }
    }
}
