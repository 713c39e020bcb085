//! Names and types: HIR to typed journeys.

pub(crate) mod codes;
mod event;
mod expr;
mod group;
mod handles;
mod header;
mod history;
mod implied;
mod index;
mod meant;
mod moments;
mod names;
mod operators;
mod outside;
mod report;
mod score;
mod size;
mod step;
mod table;
mod test;
mod types;
mod uses;
mod wait;

use journey_bytecode::Channel;
use smol_str::SmolStr;

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::hir::{self, Loc};
use crate::template::TriggerShape;
use crate::text::Text;
use crate::typed;
use expr::Checker;
pub(crate) use group::segments;
pub(crate) use handles::inner;
pub(crate) use history::is_number;
pub(crate) use implied::Implied;
pub(crate) use index::{Index, MessageInfo, OwnTerms, Source};
pub(crate) use score::scores;
pub(crate) use table::Table;
pub(crate) use test::{SentNames, test};
pub(crate) use types::declared_field;
pub(crate) use uses::{Named, UseCounts, Uses};

/// Most journeys send no more messages, and not many more names are used in them.
const COMMON: usize = 16;

/// A journey as far as it is understood.
pub(crate) struct Checked {
    /// The journey.
    pub(crate) journey: typed::Journey,
    /// What is wrong with it.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What it declares by using it.
    pub(crate) implied: Implied,
    /// The messages that it sends.
    pub(crate) sends: Vec<Sent>,
    /// Texts that stand in it.
    pub(crate) inline: Vec<Inline>,
    /// The fields that its messages find in `trigger`, by trigger.
    pub(crate) triggers: Vec<TriggerShape>,
    /// Whether all of it is understood well enough to follow its ways.
    pub(crate) whole: bool,
    /// The names that it uses.
    pub(crate) uses: Uses,
    /// Whether none of its statements is so large that a program might have no room for it.
    pub(crate) is_small: bool,
}

/// A message that a journey sends.
pub(crate) struct Sent {
    pub(crate) channel: Channel,
    pub(crate) message: SmolStr,
    pub(crate) at: Span,
    /// Whether it goes to somebody else than the contact.
    pub(crate) elsewhere: bool,
}

/// A text that stands in a journey.
pub(crate) struct Inline {
    pub(crate) name: SmolStr,
    pub(crate) channel: Channel,
    pub(crate) loc: Loc,
    /// Whether colleagues read it, and not the contact.
    pub(crate) notice: bool,
}

/// Checks names and types of a journey.
pub(crate) fn journey<'a>(
    index: &'a Index<'a>,
    text: &'a Text<'a>,
    journey: &hir::Journey,
    steps: &hir::Block,
) -> Checked {
    let mut checker = Checker::new(index, text);
    checker.uses = Uses::with_capacity(COMMON);
    checker.sends = Vec::with_capacity(COMMON);
    let exits = || {
        journey.header.iter().filter_map(|line| match &line.kind {
            hir::HeaderKind::ExitWhen(_, then) => then.as_ref(),
            _ => None,
        })
    };
    checker.handles = handles::Handles::of(exits().chain([steps]));
    checker.journey_name = index::journey_name(journey, text);
    let header = checker.header(journey);
    let body = checker.block(steps, 0);
    let whole = !journey.broken && !checker.handles.partial;
    if whole && body.is_empty() {
        let name = checker.journey_name.clone();
        checker
            .report(Code::EmptyJourney, journey.head, format!("the journey `{name}` does nothing"))
            .label("no step follows")
            .help("add a step, such as `send email welcome`");
    }
    let migrations = checker.migrations(journey);
    let handles = std::mem::take(&mut checker.handles);
    let journey = typed::Journey {
        name: checker.journey_name.clone(),
        doc: journey.doc.clone(),
        head: journey.head,
        triggers: header.triggers,
        filter: header.filter,
        key: header.key,
        reenter: header.reenter,
        exits: header.exits,
        migrations,
        goals: header.goals,
        topic: header.topic,
        purpose: header.purpose,
        hours: header.hours,
        collect: header.collect,
        priority: header.priority,
        holdout: header.holdout,
        body,
        handles: handles.used(),
        slots: checker.slots,
    };
    Checked {
        journey,
        diagnostics: checker.diagnostics,
        implied: checker.implied,
        sends: checker.sends,
        inline: checker.inline,
        triggers: header.fields,
        whole,
        uses: checker.uses,
        is_small: checker.size.is_small(),
    }
}
