//! What can be run from where it stands.

use journey_compiler::project::FileId;
use journey_grammar::{SyntaxKind, TextRange};

use crate::Snapshot;
use crate::names::journey_name;

/// Something that can be run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Runnable {
    /// The test with this title.
    Test(String),
    /// The journey with this name.
    Journey(String),
}

/// The journeys and tests of a file, each with the place of its head.
pub fn runnables(snapshot: &Snapshot, file: FileId) -> Vec<(TextRange, Runnable)> {
    let Some(tree) = snapshot.tree(file) else { return Vec::new() };
    let runnable = |node: journey_grammar::Node<'_>| match node.kind() {
        SyntaxKind::Test => {
            let title = node.token(SyntaxKind::String)?;
            let text = journey_grammar::ast::string_value(title.text())?;
            Some((node.first_token()?.range().cover(title.range()), Runnable::Test(text.to_string())))
        }
        SyntaxKind::Journey => {
            let name = node.child(SyntaxKind::Name)?;
            Some((node.first_token()?.range().cover(name.range()), Runnable::Journey(name.text().to_owned())))
        }
        SyntaxKind::BareJourney => {
            let name = journey_name(node, snapshot.path(file));
            Some((node.first_token()?.range(), Runnable::Journey(name)))
        }
        _ => None,
    };
    tree.root().children().filter_map(runnable).collect()
}
