//! What nearly every condition needs: comparisons, and looking up a few names. It is asked of each contact that comes by.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use journey_bytecode::{Clause, Instant, Op, Program, Value};
use smol_str::SmolStr;

use super::{Env, Frame, UNSET};
use crate::core::advance::CLAUSE_FUEL;
use crate::core::contact::Contact;
use crate::core::link::{Linked, Prepared};

/// A condition of a program, ready to be asked of many contacts. The program may be one that is never run: what tests expect.
#[derive(Debug)]
pub struct Condition<'a> {
    linked: &'a Linked,
    prepared: Prepared,
    clause: Clause,
}

impl<'a> Condition<'a> {
    /// A clause of a program.
    pub fn new(linked: &'a Linked, program: &Program, clause: Clause) -> Self {
        Self { linked, prepared: linked.prepare(program), clause }
    }

    /// Whether it holds for a contact at a moment.
    pub fn holds(&self, contact: &Contact, now: Instant) -> bool {
        let env = Env {
            linked: self.linked,
            prepared: &self.prepared,
            contact,
            frame: Frame::before(now, &UNSET),
            event: &UNSET,
            now,
            since: now,
            changes: &Cell::new(Instant::NEVER),
            depth: 0,
        };
        env.holds(self.clause, &mut CLAUSE_FUEL.clone())
    }
}

/// What a comparison says of two values; nothing of another instruction.
#[inline(always)]
pub(super) fn compared(op: Op, a: &Value, b: &Value) -> Option<bool> {
    Some(match op {
        Op::Equal => a.is_set() && equal(a, b),
        Op::Less => a.order(b) == Some(Ordering::Less),
        Op::LessOrEqual => matches!(a.order(b), Some(Ordering::Less | Ordering::Equal)),
        Op::In => matches!(b, Value::List(list) if a.is_set() && list.iter().any(|one| equal(a, one))),
        _ => return None,
    })
}

#[inline]
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => same(a, b),
        (a, b) => a == b,
    }
}

/// Most texts that differ do so in length or at their beginning: the rest is looked at only then.
#[inline]
fn same(a: &SmolStr, b: &SmolStr) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    a.len() == b.len() && a.first() == b.first() && a == b
}

/// So few names are looked through faster than they are ordered: most differ in length.
const FEW: usize = 8;

#[inline]
pub(super) fn found<'a>(map: &'a BTreeMap<SmolStr, Value>, name: &SmolStr) -> Option<&'a Value> {
    match map.len() <= FEW {
        true => map.iter().find(|(known, _)| same(known, name)).map(|(_, value)| value),
        false => map.get(name),
    }
}

#[inline]
pub(super) fn has(set: &BTreeSet<SmolStr>, name: &SmolStr) -> bool {
    if set.len() <= FEW { set.iter().any(|known| same(known, name)) } else { set.contains(name) }
}
