//! Statements that reach outside: who is asked or told, and how a run goes on.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::message::Channel;
use crate::program::{Clause, Pc, SlotIx, StepIx};
use crate::schema::Field;

/// A statement that asks somebody outside, and the ways on: the run stands still until there is an answer or none is to
/// be had any more.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// Who is asked, and what for.
    pub kind: RequestKind,
    /// When no answer counts any more, asked once, with the request as its wait's beginning; never without.
    pub until: Option<Clause>,
    /// Where the answer goes.
    pub slot: Option<SlotIx>,
    /// Where it continues with an answer; that of a person decides itself where.
    pub answered: Pc,
    /// Where it continues without one; the run fails without.
    pub failed: Option<Pc>,
    /// The statement.
    pub step: StepIx,
}

impl Request {
    /// The local variables that it sets.
    pub fn slots(&self) -> impl Iterator<Item = SlotIx> {
        let expires = match self.kind {
            RequestKind::Voucher { expires, .. } => expires,
            RequestKind::Call { .. } | RequestKind::Ask { .. } => None,
        };
        self.slot.into_iter().chain(expires)
    }
}

/// A colleague, or a place where colleagues read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Colleague {
    /// What the journey calls it: `owner`, `slack #sales`. The project's settings know where that is.
    pub place: SmolStr,
    /// The attribute that holds the address; what the settings say counts where the contact has none.
    pub attribute: Option<SmolStr>,
}

/// The channel under which the texts of notices and questions stand among a bundle's messages: plain text.
pub const NOTICE_CHANNEL: Channel = Channel::Push;

/// A statement that tells a colleague something.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Notice {
    /// Whom.
    pub to: Colleague,
    /// The message that holds the text, on [`NOTICE_CHANNEL`].
    pub message: SmolStr,
    /// The text as the journey writes it, for the trace.
    pub text: SmolStr,
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
    /// `voucher cart10 as code`: a code that nobody else gets. What is handed over says until when it is good.
    Voucher {
        /// The voucher.
        name: SmolStr,
        /// Where the moment goes at which the code is no longer good.
        expires: Option<SlotIx>,
    },
    /// `ask owner "Question?" { yes { .. } no { .. } }`: a person, who answers with one of these words.
    Ask {
        /// Whom.
        to: Colleague,
        /// The message that holds the question, on [`NOTICE_CHANNEL`].
        message: SmolStr,
        /// The question as the journey writes it, for the trace.
        text: SmolStr,
        /// The answers, and where each continues.
        arms: Vec<(SmolStr, Pc)>,
    },
}
