//! What nearly every condition is made of: predicates, and comparisons. They are asked of each contact that comes by.

use std::cell::Cell;
use std::cmp::Ordering;

use journey_bytecode::{Clause, Instant, Op, Pc, Program, Value};

use super::{Env, Frame, Stop, UNSET};
use crate::core::advance::CLAUSE_FUEL;
use crate::core::contact::Contact;
use crate::core::link::{Linked, Prepared};
use crate::core::predicate::{Asked, Next};
use crate::core::witness::Witness;

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

impl Env<'_> {
    /// Whether a clause holds.
    pub(crate) fn holds(&self, clause: Clause, fuel: &mut u32) -> bool {
        let next = self.ask(Pc(clause.0), fuel, &mut ());
        match next {
            Next::Return(holds) => holds,
            Next::At(_) | Next::With(..) => {
                matches!(self.go_on(next, fuel, &mut ()), Stop::Return(value) if value.is_true())
            }
        }
    }

    /// Asks predicates as long as one comes after the other; without enough fuel none is left.
    #[inline(always)]
    pub(super) fn ask<W: Witness>(&self, mut pc: Pc, fuel: &mut u32, witness: &mut W) -> Next {
        while let Some(Some(predicate)) = self.prepared.predicates.get(pc.index()) {
            let (op, holds) = match predicate.asked {
                Asked::Compared(left, right, comparison) => {
                    let (a, b) = (self.named(left), self.named(right));
                    if W::WATCHES {
                        witness.saw(&self.prepared.program, left, a);
                        witness.saw(&self.prepared.program, right, b);
                    }
                    (comparison, compared(comparison, a, b))
                }
                Asked::Tagged(name) => (Op::HasTag(name), self.contact.tags.has(self.name(name.index()))),
            };
            if W::WATCHES {
                witness.saw(&self.prepared.program, op, &Value::Bool(holds));
            }
            let after = if holds { &predicate.then } else { &predicate.otherwise };
            let Some(left) = fuel.checked_sub(after.fuel) else {
                *fuel = 0;
                break;
            };
            *fuel = left;
            match after.next {
                Next::At(to) => pc = to,
                next => return next,
            }
        }
        Next::At(pc)
    }
}

/// What a comparison says of two values; false for another instruction.
#[inline(always)]
pub(super) fn compared(op: Op, a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => ordered(op, a.cmp(b)),
        (Value::Text(a), Value::List(list)) if op == Op::In => {
            list.iter().any(|one| matches!(one, Value::Text(one) if a == one))
        }
        _ => compared_otherwise(op, a, b),
    }
}

/// The same for pairs that are rarer than those.
#[inline(never)]
fn compared_otherwise(op: Op, a: &Value, b: &Value) -> bool {
    match (op, b) {
        (Op::Equal, _) => a.is_set() && a == b,
        (Op::In, Value::List(list)) => a.is_set() && list.contains(a),
        _ => a.order(b).is_some_and(|order| ordered(op, order)),
    }
}

#[inline(always)]
fn ordered(op: Op, order: Ordering) -> bool {
    match op {
        Op::Equal => order.is_eq(),
        Op::Less => order.is_lt(),
        Op::LessOrEqual => order.is_le(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use journey_bytecode::{Bundle, ConstIx, NameIx};
    use proptest::prelude::*;
    use smol_str::SmolStr;

    use super::*;
    use crate::core::contact::ContactId;
    use crate::core::witness::Decisions;

    const NAMES: [&str; 4] = ["age", "lead", "town", "visits"];

    fn value() -> impl Strategy<Value = Value> {
        let one = prop_oneof![
            Just(Value::Unset),
            any::<bool>().prop_map(Value::Bool),
            (0..3_i64).prop_map(Value::int),
            "[ab]".prop_map(|text| Value::text(text.as_str())),
        ];
        let list = prop::collection::vec(one.clone(), 0..3).prop_map(|values| Value::List(values.into()));
        prop_oneof![3 => one, 1 => list]
    }

    fn op() -> impl Strategy<Value = Op> {
        let name = || (0..NAMES.len() as u16).prop_map(NameIx);
        let to = || (0..24_u32).prop_map(Pc);
        prop_oneof![
            4 => name().prop_map(Op::Attribute),
            4 => (0..4_u16).prop_map(|ix| Op::Const(ConstIx(ix))),
            2 => name().prop_map(Op::HasTag),
            4 => prop::sample::select(vec![Op::Equal, Op::Less, Op::LessOrEqual, Op::In]),
            4 => prop_oneof![to().prop_map(Op::AndJump), to().prop_map(Op::OrJump)],
            2 => prop_oneof![to().prop_map(Op::Jump), to().prop_map(Op::JumpUnless)],
            3 => prop::sample::select(vec![Op::Not, Op::IsSet, Op::Tally, Op::Decide, Op::Return]),
        ]
    }

    proptest! {
        /// Whatever the code, the machine says, sees and uses up the same when nothing of it is taken for a predicate.
        #[test]
        fn predicates_are_what_their_instructions_are(
            code in prop::collection::vec(op(), 1..24),
            consts in prop::collection::vec(value(), 4),
            given in prop::collection::vec((0..NAMES.len(), value()), 0..4),
            tags in prop::collection::vec(0..NAMES.len(), 0..3),
            fuel in 0..60_u32,
        ) {
            let names = NAMES.map(SmolStr::new_static);
            let program = Program { code, consts, names: names.to_vec(), ..Program::default() };
            let linked = Linked::new(Bundle::default(), []).unwrap();
            let prepared = linked.prepare(&program);
            let mut plain = linked.prepare(&program);
            plain.predicates.clear();
            let mut contact = Contact::new(ContactId(1), "ada", Instant(0));
            contact.attributes = given.into_iter().map(|(name, value)| (names[name].clone(), value)).collect();
            contact.tags = tags.into_iter().map(|name| names[name].clone()).collect();
            let told = |prepared: &Prepared| {
                let (changes, mut decisions) = (Cell::new(Instant::NEVER), Decisions::default());
                let env = Env {
                    linked: &linked,
                    prepared,
                    contact: &contact,
                    frame: Frame::before(Instant(0), &UNSET),
                    event: &UNSET,
                    now: Instant(0),
                    since: Instant(0),
                    changes: &changes,
                    depth: 0,
                };
                let (mut watched, mut unwatched) = (fuel, fuel);
                let stop = env.run(Pc(0), &mut watched, &mut decisions);
                let holds = env.holds(Clause(0), &mut unwatched);
                // What is seen on the last drop of fuel is told to nobody.
                let saw = (watched > 0).then_some((decisions.saw, decisions.made));
                format!("{stop:?} {watched} {saw:?} {holds} {unwatched}")
            };
            prop_assert_eq!(told(&prepared), told(&plain));
        }
    }
}
