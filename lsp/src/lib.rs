//! The language server protocol: the only crate that names its types. What to say comes from `journey-ide`; where
//! files lie comes from whoever starts the server ([`Disk`]).

mod capabilities;
mod convert;
mod documents;
mod pool;
mod progress;
mod requests;
mod server;
mod transport;
mod uri;
mod view;

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use journey_compiler::Date;
use journey_compiler::project::{File, Project};
pub use journey_ide::Data;
pub use server::run;

/// What the server needs to know of the disk.
pub trait Disk: Send + 'static {
    /// The directory of the project that a file belongs to, which need not exist yet; none if it stands alone.
    fn root(&self, file: &Path) -> Option<PathBuf>;

    /// The directories of the projects that a folder belongs to or holds, sorted.
    fn projects(&self, folder: &Path) -> Vec<PathBuf>;

    /// The present day, if it is known: dates that are past by then are told.
    fn today(&self) -> Option<Date>;

    /// The files of the project in this directory, sorted by path; else a sentence that says why not.
    fn files(&self, root: &Path) -> Result<Vec<File>, String>;

    /// The files beside the project in this directory that name what it declares: renaming looks there too.
    fn data(&self, _root: &Path) -> Vec<Data> {
        Vec::new()
    }

    /// How messages are rendered, if they can be: editors ask with the command `journey.preview`.
    fn preview(&self) -> Option<Preview> {
        None
    }
}

/// Renders the texts of a message of a project, which has this directory unless it is one unsaved file; else a sentence
/// that says why not.
pub type Preview = fn(project: &Project, root: Option<&Path>, message: &str) -> Result<Vec<Previewed>, String>;

/// One text of a message, as its reader would see it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Previewed {
    /// Its channel and language: `email.de`.
    pub title: String,
    /// A mail's subject, else nothing.
    pub subject: String,
    /// A mail's sender, else nothing.
    pub from: String,
    /// A mail's HTML, where it has some.
    pub html: Option<String>,
    /// What is sent; of a mail, its text part.
    pub text: String,
}

/// How a session ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// The editor asked for it, in the order that the protocol wants.
    Asked,
    /// The editor exited without asking us to shut down, or went away.
    Abrupt,
}

/// Serves one editor over stdin and stdout until it leaves.
pub fn serve_stdio(disk: impl Disk) -> io::Result<Ending> {
    serve(BufReader::new(io::stdin()), io::stdout(), disk)
}

/// Serves one editor over a pair of streams until it leaves.
pub fn serve<R, W>(input: R, output: W, disk: impl Disk) -> io::Result<Ending>
where
    R: BufRead + Send + 'static,
    W: Write + Send + 'static,
{
    let (connection, writer) = transport::connect(input, output)?;
    let ending = run(connection, disk);
    // What is still to be said is said before the process may end.
    match writer.join() {
        Ok(written) => written.map(|()| ending),
        Err(_) => Err(io::Error::other("the writing thread panicked")),
    }
}
