//! Statements that reach outside: whom they tell, ask or call.

use super::{Block, Expr, Name, TimeOut};

/// `call SERVICE { field: value } [as NAME] [up to D] [else STEP]`
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// The system.
    pub service: Name,
    /// What it gets.
    pub fields: Vec<(Name, Expr)>,
    /// The answer's name.
    pub result: Option<Name>,
    /// How long the answer may take.
    pub up_to: Option<TimeOut>,
    /// What follows without an answer.
    pub otherwise: Option<Block>,
}
