//! The lossless syntax tree of one source.
//!
//! A tree is two flat arrays: the tokens in source order, trivia included, and the nodes in preorder. What always holds:
//!
//! - The tokens' texts joined are the source, whatever bytes it has.
//! - Node 0 is the [`File`](SyntaxKind::File); it spans every token, the trivia at both ends included.
//! - Any other node begins and ends with a token that is not trivia, and no such node is empty of tokens.
//! - A node's tokens lie within its parent's, and siblings neither overlap nor cross.
//! - A node's descendants are the nodes that follow it, up to its subtree's end.
//!
//! Handles ([`Node`], [`Token`]) are a reference and an index: copy them freely. A [`Tree`] is `Send + Sync` and cheap to clone.

use crate::kind::SyntaxKind;
use crate::text::TextRange;
use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A node's place in its tree, to key tables with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NodeId(u32);

impl NodeId {
    /// The node's number in preorder; the file is 0.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NodeData {
    pub(crate) kind: SyntaxKind,
    pub(crate) first_token: u32,
    /// The token behind the last one.
    pub(crate) token_end: u32,
    pub(crate) parent: u32,
    /// The node behind the last descendant.
    pub(crate) subtree_end: u32,
}

#[derive(PartialEq, Eq)]
pub(crate) struct TreeData {
    pub(crate) source: Box<str>,
    pub(crate) kinds: Vec<SyntaxKind>,
    pub(crate) starts: Vec<u32>,
    /// The tokens that are numbers, or lengths or points of time.
    pub(crate) quantities: Vec<u32>,
    pub(crate) nodes: Vec<NodeData>,
    /// Where something is wrong, in the order of the source.
    pub(crate) errors: Vec<TextRange>,
    /// Whether a token could be made of everything.
    pub(crate) sound: bool,
}

/// The syntax tree of one source.
#[derive(Clone, PartialEq, Eq)]
pub struct Tree(Arc<TreeData>);

impl Tree {
    pub(crate) fn new(data: TreeData) -> Self {
        Self(Arc::new(data))
    }

    pub(crate) fn data(&self) -> &TreeData {
        &self.0
    }

    /// The node of the whole source.
    pub fn root(&self) -> Node<'_> {
        Node { tree: self, index: 0 }
    }

    /// The source.
    pub fn text(&self) -> &str {
        &self.0.source
    }

    /// Where it could not be read, in the order of the source.
    pub fn errors(&self) -> &[TextRange] {
        &self.0.errors
    }

    /// How many of the errors touch the range.
    pub fn errors_at(&self, range: TextRange) -> usize {
        let before = self.0.errors.partition_point(|error| error.end < range.start);
        self.0.errors.partition_point(|error| error.start <= range.end).saturating_sub(before)
    }

    /// The node with this id, which must come from this tree.
    pub fn node(&self, id: NodeId) -> Option<Node<'_>> {
        self.node_at(id.0)
    }

    /// All tokens in source order, trivia included.
    pub fn tokens(&self) -> Tokens<'_> {
        self.token_range(0, self.0.kinds.len() as u32)
    }

    /// The numbers, and the lengths and points of time, in source order.
    pub fn quantities(&self) -> impl Iterator<Item = Token<'_>> {
        self.0.quantities.iter().map(|index| Token { tree: self, index: *index })
    }

    /// The tokens from one number up to, not including, another.
    pub(crate) fn tokens_between(&self, from: usize, to: usize) -> Tokens<'_> {
        self.token_range(from as u32, to as u32)
    }

    /// The tokens that touch an offset: none in an empty source, two on a boundary.
    pub fn tokens_at(&self, offset: u32) -> TokensAt<'_> {
        let after = self.0.starts.partition_point(|start| *start <= offset);
        let Some(right) = after.checked_sub(1).and_then(|index| self.token(index as u32)) else {
            return TokensAt::default();
        };
        if right.range().start == offset {
            TokensAt { left: right.previous(), right: Some(right) }
        } else if offset < right.range().end {
            TokensAt { left: Some(right), right: Some(right) }
        } else {
            TokensAt { left: Some(right), right: None }
        }
    }

    /// The smallest node that holds the range.
    pub fn covering(&self, range: TextRange) -> Node<'_> {
        let mut node = self.root();
        while let Some(child) = node.children().find(|child| child.range().contains_range(range)) {
            node = child;
        }
        node
    }

    /// The nodes of the tree as an indented outline, for tests and for `--emit tree`.
    pub fn outline(&self) -> String {
        let mut out = String::new();
        for node in self.root().descendants() {
            let depth = node.ancestors().count() - 1;
            let _ = write!(out, "{:1$}{2:?}@{3:?}", "", depth * 2, node.kind(), node.range());
            for token in node.own_tokens() {
                let _ = write!(out, " {:?}", token.text());
            }
            out.push('\n');
        }
        out
    }

    fn node_at(&self, index: u32) -> Option<Node<'_>> {
        ((index as usize) < self.0.nodes.len()).then_some(Node { tree: self, index })
    }

    fn token(&self, index: u32) -> Option<Token<'_>> {
        ((index as usize) < self.0.kinds.len()).then_some(Token { tree: self, index })
    }

    fn token_range(&self, start: u32, end: u32) -> Tokens<'_> {
        Tokens { tree: self, next: start, end }
    }

    pub(crate) fn token_start(&self, index: u32) -> u32 {
        self.0.starts.get(index as usize).copied().unwrap_or(self.0.source.len() as u32)
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.outline())
    }
}

/// The tokens that touch an offset.
#[derive(Clone, Copy, Default, Debug)]
pub struct TokensAt<'t> {
    /// The token that ends at the offset or goes over it.
    pub left: Option<Token<'t>>,
    /// The token that begins at the offset or goes over it.
    pub right: Option<Token<'t>>,
}

impl<'t> TokensAt<'t> {
    /// The one that wins by `weight`, the right one if both weigh the same.
    pub fn pick(self, weight: impl Fn(Token<'t>) -> u8) -> Option<Token<'t>> {
        match (self.left, self.right) {
            (Some(left), Some(right)) if weight(left) > weight(right) => Some(left),
            (left, right) => right.or(left),
        }
    }
}

/// A node of a tree.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    tree: &'t Tree,
    index: u32,
}

impl<'t> Node<'t> {
    fn data(self) -> NodeData {
        // A handle is only made for a node that is there.
        self.tree.0.nodes.get(self.index as usize).copied().unwrap_or(NodeData {
            kind: SyntaxKind::Error,
            first_token: 0,
            token_end: 0,
            parent: 0,
            subtree_end: 0,
        })
    }

    /// The tree that the node is in.
    pub const fn tree(self) -> &'t Tree {
        self.tree
    }

    /// The node's place, to key tables with.
    pub const fn id(self) -> NodeId {
        NodeId(self.index)
    }

    /// The node's kind.
    pub fn kind(self) -> SyntaxKind {
        self.data().kind
    }

    /// From its first token's start to its last one's end.
    pub fn range(self) -> TextRange {
        let data = self.data();
        let start = self.tree.token_start(data.first_token);
        if data.token_end <= data.first_token {
            return TextRange::at(start);
        }
        TextRange::new(start, self.tree.token_start(data.token_end))
    }

    /// The node's part of the source.
    pub fn text(self) -> &'t str {
        self.tree.text().get(self.range().to_usize()).unwrap_or_default()
    }

    /// The node around it; none for the file.
    pub fn parent(self) -> Option<Node<'t>> {
        (self.index != 0).then(|| Node { tree: self.tree, index: self.data().parent })
    }

    /// The node itself and all nodes around it, outwards.
    pub fn ancestors(self) -> impl Iterator<Item = Node<'t>> {
        std::iter::successors(Some(self), |node| node.parent())
    }

    /// The nodes directly inside it.
    pub fn children(self) -> Children<'t> {
        Children { tree: self.tree, next: self.index + 1, end: self.data().subtree_end }
    }

    /// The first node of a kind directly inside it.
    pub fn child(self, kind: SyntaxKind) -> Option<Node<'t>> {
        self.children().find(|child| child.kind() == kind)
    }

    /// The node itself and all nodes inside it, in preorder.
    pub fn descendants(self) -> impl Iterator<Item = Node<'t>> {
        let tree = self.tree;
        (self.index..self.data().subtree_end).map(move |index| Node { tree, index })
    }

    /// All tokens from its first to its last, trivia and those of nodes inside it included.
    pub fn tokens(self) -> Tokens<'t> {
        let data = self.data();
        self.tree.token_range(data.first_token, data.token_end)
    }

    /// Its tokens that belong to no node inside it, without trivia.
    pub fn own_tokens(self) -> impl Iterator<Item = Token<'t>> {
        let data = self.data();
        let mut children = self.children();
        let mut child = children.next();
        let mut next = data.first_token;
        let tree = self.tree;
        std::iter::from_fn(move || {
            while next < data.token_end {
                while let Some(inner) = child.map(Node::data) {
                    if next < inner.first_token {
                        break;
                    }
                    next = next.max(inner.token_end);
                    child = children.next();
                }
                if next >= data.token_end {
                    return None;
                }
                let token = Token { tree, index: next };
                next += 1;
                if !token.kind().is_trivia() {
                    return Some(token);
                }
            }
            None
        })
    }

    /// The first of its own tokens of a kind.
    pub fn token(self, kind: SyntaxKind) -> Option<Token<'t>> {
        let data = self.data();
        let kinds = self.tree.0.kinds.get(..data.token_end as usize).unwrap_or_default();
        let find = |from: u32, to: u32| {
            let kinds = kinds.get(from as usize..to as usize).unwrap_or_default();
            kinds.iter().position(|found| *found == kind).map(|at| Token { tree: self.tree, index: from + at as u32 })
        };
        let mut next = data.first_token;
        for child in self.children().map(Node::data) {
            let found = find(next, child.first_token);
            if found.is_some() {
                return found;
            }
            next = child.token_end;
        }
        find(next, data.token_end)
    }

    /// Its first token.
    pub fn first_token(self) -> Option<Token<'t>> {
        self.tokens().next()
    }

    /// Its last token.
    pub fn last_token(self) -> Option<Token<'t>> {
        let data = self.data();
        (data.first_token < data.token_end).then(|| data.token_end - 1).and_then(|index| self.tree.token(index))
    }

    /// The `///` lines right above it, without their slashes.
    pub fn docs(self) -> Option<String> {
        let mut lines = Vec::new();
        let mut token = self.first_token()?.previous();
        while let Some(current) = token {
            match current.kind() {
                SyntaxKind::DocComment => {
                    let text = current.text();
                    let line = text.strip_prefix("///").unwrap_or(text);
                    lines.push(line.strip_prefix(' ').unwrap_or(line).trim_end());
                }
                SyntaxKind::Whitespace => {}
                _ => break,
            }
            token = current.previous();
        }
        if lines.is_empty() {
            return None;
        }
        lines.reverse();
        Some(lines.join("\n"))
    }
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index && std::ptr::eq(self.tree, other.tree)
    }
}

impl Eq for Node<'_> {}

impl Hash for Node<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index.hash(state);
    }
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{:?}", self.kind(), self.range())
    }
}

/// A token of a tree.
#[derive(Clone, Copy)]
pub struct Token<'t> {
    tree: &'t Tree,
    index: u32,
}

impl<'t> Token<'t> {
    /// The tree that the token is in.
    pub const fn tree(self) -> &'t Tree {
        self.tree
    }

    /// The token's number in source order.
    pub const fn index(self) -> usize {
        self.index as usize
    }

    /// The token's kind.
    pub fn kind(self) -> SyntaxKind {
        self.tree.0.kinds.get(self.index as usize).copied().unwrap_or(SyntaxKind::Eof)
    }

    /// The token's place.
    pub fn range(self) -> TextRange {
        TextRange::new(self.tree.token_start(self.index), self.tree.token_start(self.index + 1))
    }

    /// The token's text.
    pub fn text(self) -> &'t str {
        self.tree.text().get(self.range().to_usize()).unwrap_or_default()
    }

    /// The smallest node that holds the token.
    pub fn parent(self) -> Node<'t> {
        let nodes = &self.tree.0.nodes;
        // In preorder the first tokens never go back, so the holder is the last node that begins in time, or one around it.
        let after = nodes.partition_point(|node| node.first_token <= self.index);
        let start = Node { tree: self.tree, index: after.saturating_sub(1) as u32 };
        start.ancestors().find(|node| self.index < node.data().token_end).unwrap_or_else(|| self.tree.root())
    }

    /// The token before it, trivia included.
    pub fn previous(self) -> Option<Token<'t>> {
        self.index.checked_sub(1).and_then(|index| self.tree.token(index))
    }

    /// The token behind it, trivia included.
    pub fn next(self) -> Option<Token<'t>> {
        self.tree.token(self.index + 1)
    }
}

impl PartialEq for Token<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index && std::ptr::eq(self.tree, other.tree)
    }
}

impl Eq for Token<'_> {}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{:?} {:?}", self.kind(), self.range(), self.text())
    }
}

/// The nodes directly inside a node.
#[derive(Clone)]
pub struct Children<'t> {
    tree: &'t Tree,
    next: u32,
    end: u32,
}

impl<'t> Iterator for Children<'t> {
    type Item = Node<'t>;

    fn next(&mut self) -> Option<Node<'t>> {
        if self.next >= self.end {
            return None;
        }
        let node = Node { tree: self.tree, index: self.next };
        // A node's own subtree has at least itself, so this always advances.
        self.next = node.data().subtree_end.max(self.next + 1);
        Some(node)
    }
}

/// A run of tokens.
#[derive(Clone)]
pub struct Tokens<'t> {
    tree: &'t Tree,
    next: u32,
    end: u32,
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        if self.next >= self.end {
            return None;
        }
        let token = self.tree.token(self.next)?;
        self.next += 1;
        Some(token)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.end.saturating_sub(self.next) as usize;
        (left, Some(left))
    }
}
