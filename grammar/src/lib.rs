//! Text to tree: tokens, the error-resilient parser, the lossless tree, typed syntax views and the formatter.
//!
//! `journey.pest` beside this crate's sources is the language's grammar, written to be read: every node kind here is a rule there.
//! Nothing in this crate judges meaning; that is the compiler's.

pub mod ast;
pub mod error;
mod format;
mod kind;
mod lexer;
mod parser;
pub mod reference;
pub mod suggest;
mod text;
pub mod tree;

pub use error::{Describe, Expected, Habit, SyntaxError, SyntaxErrorKind};
pub use format::{LINE_WIDTH, format, format_parsed};
pub use kind::{CONNECTIVES, KEYWORDS, NODE_KINDS, RESERVED, SyntaxKind};
pub use lexer::{MAX_SOURCE_LEN, Tokens, lex};
pub use parser::{MAX_NESTING, Parse, parse, parse_again};
pub use text::{TextRange, alike};
pub use tree::{Node, NodeId, Token, Tree};
