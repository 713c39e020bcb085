//! A project as plain data: the files' paths and contents. Whoever has a disk, an editor or a test makes one.

mod text;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
pub use text::text;

/// A file of the project, by its place in [`Project::files`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct FileId(pub u32);

/// One file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    /// Its path relative to the project's root, with `/` on every system: `journeys/nurture.journey`.
    pub path: String,
    /// Its bytes, as read; the compiler says so if they are not UTF-8.
    pub bytes: Arc<[u8]>,
}

/// Whether a file of this path, relative to the root, belongs to a project: `journey.toml`, `holidays.txt`,
/// `**/*.journey`, `messages/**` and `vouchers/**`.
pub fn belongs(path: &str) -> bool {
    path == CONFIG
        || path == HOLIDAYS
        || path.starts_with("messages/")
        || path.starts_with(CODES)
        || path.ends_with(".journey")
}

/// The days on which no marketing leaves.
pub const HOLIDAYS: &str = "holidays.txt";

/// Where the codes of vouchers stand.
pub const CODES: &str = "vouchers/";

/// Beside a project, and not part of it: the people to try it with.
pub const CONTACTS: &str = "contacts.csv";

/// Beside a project, and not part of it: what happens to them.
pub const EVENTS: &str = "events.ndjson";

/// Beside a project, and not part of it: how people behave in a forecast.
pub const BEHAVIOUR: &str = "behaviour.toml";

/// What lies beside a project and names what it declares.
pub const DATA: [&str; 3] = [CONTACTS, EVENTS, BEHAVIOUR];

/// The most bytes that one file may have: more than any journey or mail that people wrote.
pub const MAX_FILE: usize = 1 << 20;

/// Where the texts stand that messages share.
const SHARED: [&str; 2] = ["messages/partials/", "messages/layouts/"];

/// The file that makes a directory a project.
pub const CONFIG: &str = "journey.toml";

/// All files that [belong](belongs) to a project.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Project {
    /// The files, sorted by path.
    pub files: Vec<File>,
    /// Whether there is no `journey.toml`: a lone file, whose names count as declared by their use.
    pub lone: bool,
}

impl Project {
    /// The files with their ids.
    pub fn ids(&self) -> impl Iterator<Item = (FileId, &File)> {
        (0..).map(FileId).zip(&self.files)
    }

    /// The file of this id.
    pub fn file(&self, id: FileId) -> Option<&File> {
        self.files.get(id.0 as usize)
    }
}

impl File {
    /// What kind of file it is.
    pub fn kind(&self) -> FileKind {
        if self.path == CONFIG {
            FileKind::Config
        } else if self.path == HOLIDAYS {
            FileKind::Holidays
        } else if self.path.starts_with("messages/") && !self.path.ends_with(".journey") {
            let shared = SHARED.iter().any(|folder| self.path.starts_with(folder));
            if shared { FileKind::Shared } else { FileKind::Message }
        } else if self.path.starts_with(CODES) && !self.path.ends_with(".journey") {
            FileKind::Codes
        } else {
            FileKind::Journey
        }
    }
}

/// What a file is read as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    /// `journey.toml`
    Config,
    /// `holidays.txt`
    Holidays,
    /// Declarations and journeys.
    Journey,
    /// The text of a message in one language.
    Message,
    /// A text that messages share: a partial or a layout.
    Shared,
    /// Codes of a voucher.
    Codes,
}
