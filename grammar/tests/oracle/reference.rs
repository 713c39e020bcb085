//! Trees of both sides in one form: kind, range in tokens, depth.

use journey_grammar::{NODE_KINDS, Tree, lex};
use pest::Parser;
use pest::iterators::Pair;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The grammar as pest runs it.
mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "../journey.pest"]
    pub(super) struct Reference;
}

use grammar::{Reference, Rule};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Shape {
    depth: usize,
    kind: String,
    tokens: (usize, usize),
}

impl Shape {
    pub(crate) fn outline(shapes: &[Shape]) -> String {
        let lines: Vec<String> = shapes
            .iter()
            .map(|shape| format!("{:1$}{2} {3:?}", "", shape.depth * 2, shape.kind, shape.tokens))
            .collect();
        lines.join("\n")
    }
}

/// The kinds' names as the grammar writes them.
static NODES: LazyLock<BTreeSet<String>> =
    LazyLock::new(|| NODE_KINDS.iter().map(|kind| snake_case(&format!("{kind:?}"))).collect());

fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(character.to_lowercase());
    }
    out
}

/// Starts and ends of the tokens that are not trivia.
struct Places(Vec<(usize, usize)>);

impl Places {
    fn of(text: &str) -> Self {
        let tokens: Vec<_> = lex(text).iter().collect();
        let ends = tokens.iter().skip(1).map(|(_, start)| *start as usize).chain([text.len()]);
        let places = tokens
            .iter()
            .zip(ends)
            .filter(|((kind, _), _)| !kind.is_trivia())
            .map(|((_, start), end)| (*start as usize, end))
            .collect();
        Self(places)
    }

    /// From the first token at or behind `start` to the last that ends by `end`: pest counts spaces at the end of a rule in.
    fn range(&self, start: usize, end: usize) -> (usize, usize) {
        let first = self.0.partition_point(|place| place.0 < start);
        let last = self.0.partition_point(|place| place.1 <= end);
        (first, last)
    }
}

pub(crate) fn tree_shape(tree: &Tree) -> Vec<Shape> {
    let places = Places::of(tree.text());
    tree.root()
        .descendants()
        .map(|node| {
            let range = node.range().to_usize();
            Shape {
                depth: node.ancestors().count() - 1,
                kind: snake_case(&format!("{:?}", node.kind())),
                tokens: places.range(range.start, range.end),
            }
        })
        .collect()
}

pub(crate) fn reference_shape(text: &str) -> Result<Vec<Shape>, String> {
    let mut pairs = Reference::parse(Rule::file, text).map_err(|error| error.to_string())?;
    let places = Places::of(text);
    let mut shapes = Vec::new();
    if let Some(file) = pairs.next() {
        for node in nodes(file) {
            flatten(&node, 0, &places, &mut shapes);
        }
    }
    Ok(shapes)
}

struct RuleNode {
    kind: String,
    span: (usize, usize),
    children: Vec<RuleNode>,
}

/// The nodes that a pair stands for: itself, or those in it if its rule is no node.
fn nodes(pair: Pair<'_, Rule>) -> Vec<RuleNode> {
    let rule = format!("{:?}", pair.as_rule());
    let span = (pair.as_span().start(), pair.as_span().end());
    let mut children: Vec<RuleNode> = pair.into_inner().flat_map(nodes).collect();
    let kind = match rule.as_str() {
        // A chain of one is its only link.
        "or_expr" | "and_expr" | "sum_expr" | "product_expr" if children.len() == 1 => return children,
        "comparison" | "full_comparison" => {
            let Some(tail) = children.pop_if(|child| child.kind.ends_with("_tail")) else {
                return children;
            };
            children.extend(tail.children);
            tail.kind.replace("_tail", "_expr")
        }
        "neg_constant" => "neg_expr".to_owned(),
        "constant_path" => "path".to_owned(),
        tail if tail.ends_with("_tail") => rule,
        node if NODES.contains(node) => rule,
        _ => return children,
    };
    vec![RuleNode { kind, span, children }]
}

fn flatten(node: &RuleNode, depth: usize, places: &Places, shapes: &mut Vec<Shape>) {
    shapes.push(Shape { depth, kind: node.kind.clone(), tokens: places.range(node.span.0, node.span.1) });
    for child in &node.children {
        flatten(child, depth + 1, places, shapes);
    }
}
