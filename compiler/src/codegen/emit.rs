//! Code under construction: instructions, jumps to be filled in, and tables without duplicates.

use std::collections::HashMap;
use std::hash::Hash;

use journey_bytecode::{ConstIx, HistoryIx, MessageRef, MessagesIx, NameIx, Op, Pc, ShapeIx, Value, stack_effect};
use smol_str::SmolStr;

use crate::typed::{About, Expr, History, MessageHistory};

/// A piece of code that grows.
#[derive(Default)]
pub(super) struct Code {
    ops: Vec<Op>,
    depth: u16,
    max: u16,
    /// Whether nothing leads to the next instruction.
    dead: bool,
}

/// A jump whose target is not known yet.
pub(super) struct Jump(usize);

impl Code {
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.ops.len()).unwrap_or(u32::MAX)
    }

    pub(super) const fn max_stack(&self) -> u16 {
        self.max
    }

    pub(super) fn take(&mut self) -> Vec<Op> {
        std::mem::take(&mut self.ops)
    }

    pub(super) fn op(&mut self, op: Op) {
        let (takes, gives) = stack_effect(op);
        self.depth = self.depth.saturating_sub(takes).saturating_add(gives);
        self.max = self.max.max(self.depth);
        self.dead = matches!(op, Op::End | Op::Jump(_) | Op::Return);
        self.ops.push(op);
    }

    /// Whether the next instruction can be reached.
    pub(super) const fn reachable(&self) -> bool {
        !self.dead
    }

    /// Says that nothing falls through to the next instruction.
    pub(super) const fn unreachable(&mut self) {
        self.dead = true;
    }

    /// Here, as a target.
    pub(super) fn label(&mut self) -> Pc {
        self.dead = false;
        Pc(self.len())
    }

    pub(super) fn jump(&mut self, jump: impl Fn(Pc) -> Op) -> Jump {
        self.op(jump(Pc(0)));
        Jump(self.ops.len().saturating_sub(1))
    }

    /// Lets the jump land here.
    pub(super) fn land(&mut self, jump: Jump) {
        let here = self.label();
        if let Some(op) = self.ops.get_mut(jump.0) {
            *op = retargeted(*op, |_| here);
        }
    }
}

fn retargeted(op: Op, to: impl Fn(Pc) -> Pc) -> Op {
    match op {
        Op::Jump(pc) => Op::Jump(to(pc)),
        Op::JumpUnless(pc) => Op::JumpUnless(to(pc)),
        Op::AndJump(pc) => Op::AndJump(to(pc)),
        Op::OrJump(pc) => Op::OrJump(to(pc)),
        other => other,
    }
}

/// The instruction, when all code moves down by so much.
pub(super) fn moved(op: Op, by: u32) -> Op {
    retargeted(op, |pc| Pc(pc.0.saturating_add(by)))
}

/// A table's length as an index; one too long is found by the limits, and its program thrown away.
pub(super) fn narrow(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

/// Constants and names, each once, in the order of their first use.
#[derive(Default)]
pub(super) struct Tables {
    consts: Table<Value>,
    names: Table<SmolStr>,
    shapes: Table<Vec<SmolStr>>,
    /// Questions about past events, as they are asked; their filters are generated when nothing else is.
    histories: Vec<History>,
    /// Questions about messages, likewise.
    messages: Vec<MessageHistory>,
    /// Segments that must be watched.
    watched: Vec<(SmolStr, Expr)>,
}

impl Tables {
    pub(super) fn constant(&mut self, value: &Value) -> ConstIx {
        ConstIx(self.consts.place(value))
    }

    pub(super) fn name(&mut self, name: &SmolStr) -> NameIx {
        NameIx(self.names.place(name))
    }

    pub(super) fn shape(&mut self, names: Vec<SmolStr>) -> ShapeIx {
        ShapeIx(self.shapes.place(&names))
    }

    /// Which message is meant.
    pub(super) fn message(&mut self, about: &About) -> MessageRef {
        match about {
            About::Bare => MessageRef::SinceEntry,
            About::Is(message) => *message,
            About::Named(name) => MessageRef::Named(self.name(name)),
            About::Topic(topic) => MessageRef::Topic(self.name(topic)),
        }
    }

    /// Sees to it that a segment is watched.
    pub(super) fn watch(&mut self, watched: Option<&(SmolStr, Expr)>) {
        if let Some(segment) = watched
            && self.watched.iter().all(|(known, _)| *known != segment.0)
        {
            self.watched.push(segment.clone());
        }
    }

    /// The segment of this number that must be watched.
    pub(super) fn watched(&self, number: usize) -> Option<(SmolStr, Expr)> {
        self.watched.get(number).cloned()
    }

    pub(super) fn messages(&mut self, asked: &MessageHistory) -> MessagesIx {
        let known = self.messages.iter().position(|known| known == asked);
        MessagesIx(narrow(known.unwrap_or_else(|| {
            self.messages.push(asked.clone());
            self.messages.len() - 1
        })))
    }

    /// The question about messages of this number.
    pub(super) fn asked_of_messages(&self, number: usize) -> Option<MessageHistory> {
        self.messages.get(number).cloned()
    }

    pub(super) fn history(&mut self, history: &History) -> HistoryIx {
        self.watch(history.watched.as_ref());
        let known = self.histories.iter().position(|known| known == history);
        HistoryIx(narrow(known.unwrap_or_else(|| {
            self.histories.push(history.clone());
            self.histories.len() - 1
        })))
    }

    /// The question of this number.
    pub(super) fn asked(&self, number: usize) -> Option<History> {
        self.histories.get(number).cloned()
    }

    pub(super) fn take(&mut self) -> (Vec<Value>, Vec<SmolStr>, Vec<Vec<SmolStr>>) {
        let Self { consts, names, shapes, .. } = std::mem::take(self);
        (consts.entries, names.entries, shapes.entries)
    }
}

struct Table<T> {
    entries: Vec<T>,
    places: HashMap<T, u16>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Table<T> {
    fn place(&mut self, entry: &T) -> u16 {
        if let Some(place) = self.places.get(entry) {
            return *place;
        }
        let place = narrow(self.entries.len());
        self.entries.push(entry.clone());
        self.places.insert(entry.clone(), place);
        place
    }
}
