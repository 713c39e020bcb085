//! Editor features as pure functions: a [`Snapshot`] and offsets in, plain data out. One file a feature; no protocol,
//! no disk.

mod assists;
mod calls;
pub mod changes;
mod completion;
mod diagnostics;
mod fixes;
mod formatting;
mod graph;
mod hover;
mod inlays;
mod lenses;
mod links;
mod mend;
mod names;
mod navigate;
mod rename;
mod signature;
mod snapshot;
mod structure;
mod symbols;
mod tokens;
mod words;

pub use assists::{Assist, AssistKind, assists};
pub use calls::{Call, Caller, incoming, journey_at, journey_named, outgoing};
pub use completion::{Completion, CompletionKind, completions, documentation};
pub use diagnostics::{FileDiagnostics, diagnostics, is_deprecated, is_unnecessary, same_as_before};
pub use fixes::{Action, fix_all, fixes};
pub use formatting::{format, format_on_type, format_range};
pub use graph::{Edge, Graph, Node, Shape, graph_at};
pub use hover::{Hover, hover};
pub use inlays::{Inlay, inlays};
pub use journey_compiler::diagnostic::{Encoding, LineIndex, Position};
pub use journey_grammar::TextRange;
pub use lenses::{Runnable, runnables};
pub use links::{Link, links};
pub use mend::{Mended, mend};
pub use names::{Kind, Occurrence, Role, Symbol};
pub use navigate::{Definition, Target, definition, highlights, references};
pub use rename::{Change, file_renamed, prepare_rename, rename};
pub use signature::{Signature, signature};
pub use snapshot::Snapshot;
pub use structure::{Fold, folds, selections};
pub use symbols::{Found, Outline, OutlineKind, outline, search};
pub use tokens::{Coloured, TokenKind, tokens};
