//! What a decision saw, so that people can be told why.

use journey_bytecode::{Aggregate, History, MessageHistory, MessageRef, Op, Program, StatusKind, Value};
use smol_str::{SmolStr, format_smolstr};

use super::effect::Seen;

/// The most facts that one decision tells.
pub const MAX_SEEN: usize = 16;

/// The longest text that a decision tells whole, in bytes.
const MAX_TEXT: usize = 100;

/// Watches the machine.
pub(crate) trait Witness {
    /// Whether it wants to be told what is seen.
    const WATCHES: bool = true;

    /// The instruction gave this value.
    fn saw(&mut self, program: &Program, op: Op, value: &Value);
    /// A decision was made.
    fn decided(&mut self, holds: bool);
}

/// Nobody watches.
impl Witness for () {
    const WATCHES: bool = false;

    fn saw(&mut self, _: &Program, _: Op, _: &Value) {}
    fn decided(&mut self, _: bool) {}
}

/// Notes decisions, each with the facts that it saw.
#[derive(Default)]
pub(crate) struct Decisions {
    /// What was seen since the last decision.
    pub(crate) saw: Vec<Seen>,
    /// The decisions, in order.
    pub(crate) made: Vec<(bool, Vec<Seen>)>,
}

impl Witness for Decisions {
    fn saw(&mut self, program: &Program, op: Op, value: &Value) {
        let tells = match value {
            Value::List(_) | Value::Record(_) => false,
            Value::Text(text) => text.len() <= MAX_TEXT,
            _ => true,
        };
        if !tells || self.saw.len() >= MAX_SEEN {
            return;
        }
        if let Some(fact) = fact(program, op)
            && self.saw.iter().all(|seen| seen.fact != fact)
        {
            self.saw.push(Seen { fact, value: value.clone() });
        }
    }

    fn decided(&mut self, holds: bool) {
        self.made.push((holds, std::mem::take(&mut self.saw)));
    }
}

/// What an instruction looks up, in the words of the language; nothing for those that only compute.
fn fact(program: &Program, op: Op) -> Option<SmolStr> {
    let name = |ix: journey_bytecode::NameIx| program.names.get(ix.index()).cloned().unwrap_or_default();
    Some(match op {
        Op::Attribute(ix) | Op::Field(ix) | Op::Stage(ix) | Op::Score(ix) => name(ix),
        Op::ScoreAbove(ix) => format_smolstr!("{} above", name(ix)),
        Op::ScoreFrom(ix) => format_smolstr!("{} from", name(ix)),
        Op::Reachable(channel) => format_smolstr!("reachable via {channel}"),
        Op::Messages(ix) => messages(program, program.messages.get(ix.index())?),
        Op::Trigger(ix) => format_smolstr!("trigger.{}", name(ix)),
        Op::Load(slot) => program.slots.get(slot.index()).cloned().unwrap_or_default(),
        Op::Now => SmolStr::new_static("now"),
        Op::Today => SmolStr::new_static("today"),
        Op::HasTag(ix) => format_smolstr!("has tag {}", name(ix)),
        Op::Status(kind, message) => status(program, kind, message),
        Op::ClickedLink(link, message) => {
            format_smolstr!("{} link {:?}", status(program, StatusKind::Clicked, message), name(link).as_str())
        }
        Op::Consents(ix, None) => format_smolstr!("consents to {}", name(ix)),
        Op::Consents(ix, Some(channel)) => format_smolstr!("consents to {} via {channel}", name(ix)),
        Op::InJourney(ix) => format_smolstr!("in journey {}", name(ix)),
        Op::WasInJourney(ix) => format_smolstr!("was in journey {}", name(ix)),
        Op::Chance(_) => SmolStr::new_static("chance"),
        Op::History(ix) => history(program.histories.get(ix.index())?),
        _ => return None,
    })
}

fn status(program: &Program, kind: StatusKind, message: MessageRef) -> SmolStr {
    match message {
        MessageRef::Handle(handle) => {
            let handle = program.handles.get(handle.index()).map_or("", |handle| handle.name.as_str());
            format_smolstr!("{} {handle}", kind.name())
        }
        MessageRef::Any(None) => format_smolstr!("{} any", kind.name()),
        MessageRef::Any(Some(channel)) => format_smolstr!("{} any {channel}", kind.name()),
        MessageRef::Named(name) | MessageRef::Topic(name) => {
            format_smolstr!("{} any {}", kind.name(), program.names.get(name.index()).map_or("", SmolStr::as_str))
        }
        MessageRef::None | MessageRef::Last | MessageRef::SinceEntry => SmolStr::new_static(kind.name()),
    }
}

fn messages(program: &Program, asked: &MessageHistory) -> SmolStr {
    let status = status(program, asked.status, asked.message);
    match &asked.link {
        Some(link) => format_smolstr!("count of {status} link {:?}", link.as_str()),
        None => format_smolstr!("count of {status}"),
    }
}

fn history(history: &History) -> SmolStr {
    let event = &history.event;
    match &history.aggregate {
        Aggregate::Count => format_smolstr!("count of {event}"),
        Aggregate::Days => format_smolstr!("days of {event}"),
        Aggregate::Distinct(field) => format_smolstr!("count of distinct {event}.{field}"),
        Aggregate::Sum(field) => format_smolstr!("sum of {event}.{field}"),
        Aggregate::Average(field) => format_smolstr!("average of {event}.{field}"),
        Aggregate::Min(field) => format_smolstr!("min of {event}.{field}"),
        Aggregate::Max(field) => format_smolstr!("max of {event}.{field}"),
        Aggregate::First(field) => format_smolstr!("first {event}.{field}"),
        Aggregate::Last(field) => format_smolstr!("last {event}.{field}"),
        Aggregate::FirstAt => format_smolstr!("first {event} at"),
        Aggregate::LastAt => format_smolstr!("last {event} at"),
    }
}
