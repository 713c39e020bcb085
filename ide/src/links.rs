//! Names that open a file: the messages that a journey sends.

use journey_compiler::project::FileId;
use journey_grammar::TextRange;

use crate::Snapshot;
use crate::names::Kind;

/// A name and the file that it opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    /// The name.
    pub range: TextRange,
    /// The file.
    pub target: FileId,
}

/// The messages that a file names, each with its first text.
pub fn links(snapshot: &Snapshot, file: FileId) -> Vec<Link> {
    let names = snapshot.names(file).map(|names| names.all()).unwrap_or_default();
    let messages = names.iter().filter(|name| name.symbol.kind == Kind::Message);
    let link = |name: &crate::names::Occurrence| {
        let message = snapshot.declarations().messages.get(&name.symbol.name)?.first()?;
        Some(Link { range: name.range, target: *message.files.first()? })
    };
    messages.filter_map(link).collect()
}
