//! Typed views of the tree: a struct a node, an enum where one of several nodes can stand.
//!
//! A view is a node and nothing else: copy it freely. An accessor answers `None` where the source has an error, or where the part
//! may be left out; the grammar says which. Names and literals stay text: what they mean is the compiler's.

mod clause;
mod condition;
mod item;
mod literal;
mod pattern;
mod step;
mod test;
mod value;

pub use clause::*;
pub use condition::*;
pub use item::*;
pub use literal::{Unit, date_parts, duration_part, duration_parts, string_value, time_parts};
pub use pattern::*;
pub use step::*;
pub use test::*;
pub use value::*;

use crate::kind::SyntaxKind;
use crate::text::TextRange;
use crate::tree::{Node, Token};

/// A typed view of a node.
pub trait AstNode<'t>: Copy {
    /// Whether nodes of the kind have the view.
    fn fits(kind: SyntaxKind) -> bool;

    /// The view, if the node is of its kind.
    fn cast(node: Node<'t>) -> Option<Self>;

    /// The node.
    fn syntax(self) -> Node<'t>;

    /// The node's place in the source.
    fn range(self) -> TextRange {
        self.syntax().range()
    }
}

/// Declares views of one node kind each; the kind has the view's name.
macro_rules! views {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub struct $name<'t>($crate::tree::Node<'t>);

        impl<'t> $crate::ast::AstNode<'t> for $name<'t> {
            fn fits(kind: $crate::kind::SyntaxKind) -> bool {
                kind == $crate::kind::SyntaxKind::$name
            }

            fn cast(node: $crate::tree::Node<'t>) -> Option<Self> {
                (node.kind() == $crate::kind::SyntaxKind::$name).then_some(Self(node))
            }

            fn syntax(self) -> $crate::tree::Node<'t> {
                self.0
            }
        }
    )*};
}

/// Declares a view of one of several nodes.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident($inner:ident))* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name<'t> {
            $($(#[$variant_doc])* $variant($inner<'t>),)*
        }

        impl<'t> $crate::ast::AstNode<'t> for $name<'t> {
            fn fits(kind: $crate::kind::SyntaxKind) -> bool {
                $(<$inner<'t> as $crate::ast::AstNode>::fits(kind))||*
            }

            fn cast(node: $crate::tree::Node<'t>) -> Option<Self> {
                let kind = node.kind();
                // Most nodes that are asked are others.
                if !Self::fits(kind) {
                    return None;
                }
                $(if <$inner<'t> as $crate::ast::AstNode>::fits(kind) {
                    return <$inner<'t> as $crate::ast::AstNode>::cast(node).map(Self::$variant);
                })*
                None
            }

            fn syntax(self) -> $crate::tree::Node<'t> {
                match self {
                    $(Self::$variant(inner) => $crate::ast::AstNode::syntax(inner),)*
                }
            }
        }
    };
}

pub(crate) use choice;
pub(crate) use views;

fn child<'t, T: AstNode<'t>>(node: Node<'t>) -> Option<T> {
    node.children().find_map(T::cast)
}

fn children<'t, T: AstNode<'t>>(node: Node<'t>) -> impl Iterator<Item = T> {
    node.children().filter_map(T::cast)
}

fn has(node: Node<'_>, kind: SyntaxKind) -> bool {
    node.token(kind).is_some()
}

/// The first of the node's own tokens that is one of `kinds`.
fn one_of<'t>(node: Node<'t>, kinds: &[SyntaxKind]) -> Option<Token<'t>> {
    node.own_tokens().find(|token| kinds.contains(&token.kind()))
}

/// The nth of the node's own tokens of a kind.
fn nth_token(node: Node<'_>, kind: SyntaxKind, n: usize) -> Option<Token<'_>> {
    node.own_tokens().filter(|token| token.kind() == kind).nth(n)
}

views! {
    /// A name that stands on its own: `mattress_lead`.
    Name
    /// A dotted name: `plan`, `trigger.amount`.
    Path
}

impl<'t> Name<'t> {
    /// The name.
    pub fn text(self) -> &'t str {
        self.0.text()
    }
}

impl<'t> Path<'t> {
    /// Its words in order.
    pub fn segments(self) -> impl Iterator<Item = Token<'t>> {
        self.0.own_tokens().filter(|token| token.kind().is_word())
    }

    /// Its first word.
    pub fn first(self) -> Option<Token<'t>> {
        self.segments().next()
    }

    /// The word, if there is only one.
    pub fn single(self) -> Option<Token<'t>> {
        let mut segments = self.segments();
        let first = segments.next();
        if segments.next().is_some() { None } else { first }
    }
}
