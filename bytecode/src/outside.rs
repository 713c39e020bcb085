//! Statements that reach outside: who is asked or told, and how a run goes on.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::program::{Clause, Pc, SlotIx, StepIx};
use crate::schema::Field;

/// A statement that asks somebody outside, and the ways on: the run stands still until there is an answer or none is to
/// be had any more.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// Who is asked, and what for.
    pub kind: RequestKind,
    /// When no answer counts any more, asked once, with the request as its wait's beginning.
    pub until: Clause,
    /// Where the answer goes.
    pub slot: Option<SlotIx>,
    /// Where it continues with an answer.
    pub answered: Pc,
    /// Where it continues without one; the run fails without.
    pub failed: Option<Pc>,
    /// The statement.
    pub step: StepIx,
}

/// Who is asked, and what for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RequestKind {
    /// `call crm.update { .. }`: another system; the operand is the record that it gets, the answer a record of these
    /// fields.
    Call {
        /// The system's name in the project's settings.
        service: SmolStr,
        /// What it answers.
        answer: Vec<Field>,
    },
}
