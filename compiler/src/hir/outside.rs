//! Statements that reach outside: whom they tell, ask or call.

use smol_str::SmolStr;

use super::{Block, Expr, Loc, Name, TimeOut};

/// A colleague, or a place such as a chat's channel.
#[derive(Clone, PartialEq, Debug)]
pub struct Whom {
    /// `owner`, `slack`
    pub name: Name,
    /// `"#sales"`
    pub place: Option<(SmolStr, Loc)>,
}

/// `ask WHOM "QUESTION" [up to D] { ANSWER { .. } .. [else ..] }`
#[derive(Clone, PartialEq, Debug)]
pub struct Ask {
    /// Who decides.
    pub whom: Whom,
    /// The question, and where it stands.
    pub question: (SmolStr, Loc),
    /// How long to wait.
    pub up_to: Option<TimeOut>,
    /// The answers.
    pub arms: Vec<(Name, Block)>,
    /// What follows without one.
    pub otherwise: Option<Block>,
}

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
