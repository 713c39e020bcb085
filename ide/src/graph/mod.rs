//! A journey as a graph that a marketer can read, and its pictures: Mermaid, Graphviz and SVG.

mod build;
mod dot;
mod layout;
mod mermaid;
mod svg;
#[cfg(test)]
mod tests;
pub(crate) mod words;

use journey_compiler::project::FileId;
use journey_grammar::TextRange;
use journey_grammar::ast::{self, AstNode};

use crate::Snapshot;

/// A journey as a graph.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Graph {
    /// The journey's name.
    pub name: String,
    /// Its documentation.
    pub docs: Option<String>,
    /// The nodes, in source order; the first one is where contacts enter.
    pub nodes: Vec<Node>,
    /// The ways between them, in source order.
    pub edges: Vec<Edge>,
}

/// What a node stands for, and so how it looks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Shape {
    /// Where contacts enter.
    Start,
    /// A message.
    Message,
    /// A wait.
    Wait,
    /// A question with several ways on.
    Decision,
    /// Anything else that is done.
    Action,
    /// An end.
    End,
}

/// A step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// What it stands for.
    pub shape: Shape,
    /// What it says.
    pub text: String,
    /// Where it stands in the source: the whole step, blocks included.
    pub range: TextRange,
}

/// A way from one step to the next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edge {
    /// The place of the node that it leaves.
    pub from: usize,
    /// The place of the node that it reaches.
    pub to: usize,
    /// When it is taken; empty if always.
    pub label: String,
    /// Whether it goes back to a step that stands before.
    pub back: bool,
}

/// The graph of the journey at an offset, or of the first one in the file.
pub fn graph_at(snapshot: &Snapshot, file: FileId, offset: u32) -> Option<Graph> {
    let tree = snapshot.tree(file)?;
    let journeys: Vec<_> = ast::File::of(tree).journeys().collect();
    let around = journeys.iter().find(|journey| {
        let range = journey.range();
        range.start <= offset && offset <= range.end
    });
    let journey = around.or(journeys.first())?;
    Some(Graph::of(*journey, &crate::names::journey_name(journey.syntax(), snapshot.path(file))))
}

impl Graph {
    /// The node that shows the step at this offset of the source: the innermost one.
    pub fn node_at(&self, offset: u32) -> Option<usize> {
        let covers = |node: &Node| node.range.start <= offset && offset <= node.range.end;
        let length = |node: &Node| node.range.end - node.range.start;
        let nodes = self.nodes.iter().enumerate().filter(|(_, node)| covers(node));
        nodes.min_by_key(|(_, node)| length(node)).map(|(at, _)| at)
    }
}
