//! Editor features as pure functions: a [`Snapshot`] and offsets in, plain data out. One file a feature; no protocol,
//! no disk.

mod diagnostics;
mod fixes;
mod graph;
mod snapshot;

pub use diagnostics::{FileDiagnostics, diagnostics, is_unnecessary};
pub use fixes::{Action, fixes};
pub use graph::{Edge, Graph, Node, Shape};
pub use journey_compiler::diagnostic::{Encoding, LineIndex, Position};
pub use snapshot::Snapshot;
