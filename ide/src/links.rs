//! Names that open a file: the messages that a journey sends, what messages share, codes of vouchers.

use journey_compiler::project::FileId;
use journey_grammar::TextRange;

use crate::Snapshot;
use crate::names::{Kind, Occurrence};
use crate::rename::code_files;

/// A name and the file that it opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link {
    /// The name.
    pub range: TextRange,
    /// The file.
    pub target: FileId,
}

/// The files that a file names; of several languages, the text that fits everybody.
pub fn links(snapshot: &Snapshot, file: FileId) -> Vec<Link> {
    let names = snapshot.names(file).map(|names| names.all()).unwrap_or_default();
    let declarations = snapshot.declarations();
    let link = |name: &Occurrence| {
        let target = match name.symbol.kind {
            Kind::Message => declarations.messages.get(&name.symbol.name)?.first()?.files.first()?,
            Kind::Part => declarations.shared.get(&name.symbol.name)?.first()?,
            _ => return None,
        };
        Some(Link { range: name.range, target: *target })
    };
    let codes = code_files(snapshot, file);
    let codes = codes.into_iter().filter_map(|(range, path)| Some(Link { range, target: snapshot.file(&path)? }));
    names.iter().filter_map(link).chain(codes).collect()
}
