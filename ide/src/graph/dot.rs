//! The graph in Graphviz's language.

use std::fmt::Write;

use super::{Graph, Shape};

impl Graph {
    /// The graph for Graphviz.
    pub fn dot(&self) -> String {
        let mut text = format!("digraph \"{}\" {{\n  node [fontname=\"sans-serif\" shape=box];\n", escape(&self.name));
        for (at, node) in self.nodes.iter().enumerate() {
            let look = match node.shape {
                Shape::Start | Shape::End => "shape=box style=rounded",
                Shape::Message => "shape=box",
                Shape::Wait => "shape=box style=\"rounded,dashed\"",
                Shape::Decision => "shape=diamond",
                Shape::Action => "shape=box peripheries=2",
            };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  n{at} [label=\"{}\" {look}];", escape(&node.text));
        }
        for edge in &self.edges {
            let style = if edge.back { " style=dashed" } else { "" };
            let _ = writeln!(text, "  n{} -> n{} [label=\"{}\"{style}];", edge.from, edge.to, escape(&edge.label));
        }
        text.push_str("}\n");
        text
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r'], " ")
}
