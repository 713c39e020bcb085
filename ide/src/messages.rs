//! Which message a place is about.

use journey_compiler::project::FileId;
use journey_grammar::SyntaxKind;

use crate::Snapshot;

/// The message of the file, or the one that the step at an offset sends.
pub fn message_at(snapshot: &Snapshot, file: FileId, offset: u32) -> Option<String> {
    if let Some(text) = snapshot.sources().text_file(file) {
        return Some(text.name.to_string());
    }
    let around = snapshot.tree(file)?.tokens_at(offset);
    let mut nodes = around.left.into_iter().chain(around.right).flat_map(|token| token.parent().ancestors());
    let send = nodes.find(|node| node.kind() == SyntaxKind::SendStep)?;
    let name = send.child(SyntaxKind::Name)?.text();
    snapshot.declarations().messages.contains_key(name).then(|| name.to_owned())
}
