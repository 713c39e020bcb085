//! The graph in Mermaid's language, which GitHub, GitLab and many wikis draw.

use std::fmt::Write;

use super::{Graph, Shape};

impl Graph {
    /// The graph as a Mermaid flowchart.
    pub fn mermaid(&self) -> String {
        let mut text = String::from("flowchart TD\n");
        for (at, node) in self.nodes.iter().enumerate() {
            let (open, close) = match node.shape {
                Shape::Start | Shape::End => ("([", "])"),
                Shape::Message => ("[", "]"),
                Shape::Wait => ("(", ")"),
                Shape::Decision => ("{", "}"),
                Shape::Action => ("[[", "]]"),
            };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  n{at}{open}\"{}\"{close}", escape(&node.text));
        }
        for edge in &self.edges {
            let arrow = if edge.back { "-.->" } else { "-->" };
            let label = if edge.label.is_empty() { String::new() } else { format!("|\"{}\"|", escape(&edge.label)) };
            let _ = writeln!(text, "  n{} {arrow}{label} n{}", edge.from, edge.to);
        }
        text
    }
}

/// Mermaid reads entities, not escapes, and takes a leading number for a list.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => escaped.push_str("#quot;"),
            '#' => escaped.push_str("#35;"),
            '<' => escaped.push_str("#lt;"),
            '>' => escaped.push_str("#gt;"),
            '\n' | '\r' => escaped.push(' '),
            plain => escaped.push(plain),
        }
    }
    escaped
}
