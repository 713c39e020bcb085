//! Messages that a journey can ask about: those that it sends, by the name given with `as`, or by their own.

use journey_bytecode::HandleIx;
use smol_str::SmolStr;

use super::expr::Checker;
use super::table::Table;
use crate::diagnostic::Code;
use crate::hir::{Block, Name, Send, SendMessage, StepKind, Wait};

/// Most journeys send no more messages.
const COMMON: usize = 14;

/// A name that a message could be asked about by.
#[derive(Default)]
struct Known {
    /// Its number, if it is.
    number: Option<HandleIx>,
    /// Whether a message of this name is sent under it.
    own: bool,
}

/// The names of a journey's messages.
#[derive(Default)]
pub(super) struct Handles {
    /// All that could be asked about.
    names: Table<SmolStr, Known>,
    /// Those that are asked about, by number.
    used: Vec<SmolStr>,
    /// Whether some step cannot be read, so that there may be more.
    pub(super) partial: bool,
}

impl Handles {
    /// All names that the steps give to messages.
    pub(super) fn of<'b>(blocks: impl Iterator<Item = &'b Block>) -> Self {
        let mut handles = Self { names: Table::with_capacity(COMMON), ..Self::default() };
        blocks.for_each(|block| handles.collect(block));
        handles
    }

    fn collect(&mut self, block: &Block) {
        for step in block {
            self.partial |= matches!(step.kind, StepKind::Error);
            if let StepKind::Send(send) = &step.kind
                && let Some(name) = name_of(send)
            {
                self.names.entry(name).or_default().own |= send.handle.is_none();
            }
            inner(&step.kind, |block| self.collect(block));
        }
    }

    /// Whether a message of this name is sent under its own name.
    pub(super) fn sends_named(&self, name: &SmolStr) -> bool {
        self.names.get(name).is_some_and(|known| known.own)
    }

    /// The names that are asked about, by number.
    pub(super) fn used(self) -> Vec<SmolStr> {
        self.used
    }
}

/// The name under which a send can be asked about.
pub(super) fn name_of(send: &Send) -> Option<SmolStr> {
    if send.to.is_some() {
        return None;
    }
    match (&send.handle, &send.message) {
        (Some(handle), _) => Some(handle.text.clone()),
        (None, SendMessage::Named(message)) => Some(message.text.clone()),
        (None, SendMessage::Inline(..)) => None,
    }
}

impl Checker<'_> {
    /// The number of a message's name, which from now on is asked about.
    pub(super) fn handle(&mut self, name: &Name) -> Option<HandleIx> {
        if let Some(known) = self.handles.names.get_mut(&name.text) {
            return Some(*known.number.get_or_insert_with(|| {
                let next = HandleIx(u16::try_from(self.handles.used.len()).unwrap_or(u16::MAX));
                self.handles.used.push(name.text.clone());
                next
            }));
        }
        if self.handles.partial {
            return None;
        }
        let names: Vec<SmolStr> = self.handles.names.keys().cloned().collect();
        let report = self
            .report(Code::UnknownHandle, name.loc, format!("this journey sends no message called `{}`", name.text))
            .label("no such message")
            .suggest(&name.text, names.iter().map(SmolStr::as_str));
        if names.is_empty() {
            report.help("a journey can ask about the messages that it sends itself");
        } else {
            let known = crate::diagnostic::one_of(names.iter().map(SmolStr::as_str));
            report.help(format!("it sends {}", known.replace(" or ", " and ")));
        }
        None
    }
}

/// The blocks inside a step.
pub(crate) fn inner<'s>(step: &'s StepKind, mut each: impl FnMut(&'s Block)) {
    match step {
        StepKind::If { then, otherwise, .. } => {
            each(then);
            otherwise.iter().for_each(each);
        }
        StepKind::Choose { arms, otherwise, .. } => {
            arms.iter().for_each(|arm| each(&arm.then));
            otherwise.iter().for_each(each);
        }
        StepKind::Wait(wait) => match &**wait {
            Wait::For { .. } => {}
            Wait::Until { otherwise, .. } | Wait::Event { otherwise, .. } => otherwise.iter().for_each(each),
            Wait::First { arms, after } => {
                arms.iter().for_each(|arm| each(&arm.then));
                after.iter().for_each(|(_, then)| each(then));
            }
        },
        StepKind::Split { sides, .. } => sides.iter().for_each(|side| each(&side.then)),
        StepKind::Repeat { body, .. } => each(body),
        StepKind::Countdown { points, otherwise, .. } => {
            points.iter().for_each(|point| each(&point.then));
            otherwise.iter().for_each(each);
        }
        StepKind::Ask(ask) => {
            ask.arms.iter().for_each(|(_, then)| each(then));
            ask.otherwise.iter().for_each(each);
        }
        StepKind::Call(call) => call.otherwise.iter().for_each(each),
        StepKind::Notify(..)
        | StepKind::MoveTo(_)
        | StepKind::Record(..)
        | StepKind::Subscribe(..)
        | StepKind::Unsubscribe(..)
        | StepKind::Delete
        | StepKind::Suppress(_)
        | StepKind::StartJourney(..)
        | StepKind::StopJourney(_)
        | StepKind::AddTo(..)
        | StepKind::RemoveFrom(..)
        | StepKind::Label(_)
        | StepKind::Send(_)
        | StepKind::AddTag(_)
        | StepKind::RemoveTag(_)
        | StepKind::Set(..)
        | StepKind::Let(..)
        | StepKind::End
        | StepKind::Voucher { .. }
        | StepKind::Error => {}
    }
}
