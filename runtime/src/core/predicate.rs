//! What conditions are mostly made of, found when a program is linked: comparisons of two things that are only named, and tags.
//! Each knows where the machine goes on when it holds and when it does not, so that nothing of it lies on the stack.

use journey_bytecode::{NameIx, Op, Pc, Program};

/// Something that holds or does not.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    /// Two instructions that name something, and the comparison of the two.
    Compared(Op, Op, Op),
    /// Whether the contact has the tag.
    Tagged(NameIx),
}

/// A predicate of a program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Predicate {
    pub(crate) asked: Asked,
    /// What comes when it holds.
    pub(crate) then: After,
    /// What comes when it does not.
    pub(crate) otherwise: After,
}

/// What comes after a predicate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct After {
    pub(crate) next: Next,
    /// How many instructions stand for the predicate and this.
    pub(crate) fuel: u32,
}

/// Where the machine goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    /// There, with the stack as it was.
    At(Pc),
    /// There, with this on top of it.
    With(bool, Pc),
    /// The clause is done.
    Return(bool),
}

/// So many instructions are followed at most, so that linking a condition takes no longer than its length asks for.
const FAR: usize = 64;

/// By place in the code: the predicate that begins there.
pub(crate) fn predicates(program: &Program) -> Vec<Option<Box<Predicate>>> {
    let code = &program.code;
    let at = |place: usize| {
        let (asked, fuel) = match *code.get(place..)? {
            [left, right, comparison, ..] if is_name(left) && is_name(right) && is_comparison(comparison) => {
                (Asked::Compared(left, right, comparison), 3)
            }
            [Op::HasTag(name), ..] => (Asked::Tagged(name), 1),
            _ => return None,
        };
        let after = |holds| after(code, place + fuel, holds, fuel);
        Some(Box::new(Predicate { asked, then: after(true), otherwise: after(false) }))
    };
    (0..code.len()).map(at).collect()
}

const fn is_name(op: Op) -> bool {
    matches!(op, Op::Const(_) | Op::Attribute(_) | Op::Trigger(_) | Op::Field(_) | Op::Load(_))
}

const fn is_comparison(op: Op) -> bool {
    matches!(op, Op::Equal | Op::Less | Op::LessOrEqual | Op::In)
}

/// What comes at a place where it is known what lies on top of the stack.
fn after(code: &[Op], mut place: usize, mut holds: bool, mut fuel: usize) -> After {
    let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
    let pc = |place| Pc(count(place));
    let next = loop {
        match code.get(place).filter(|_| fuel < FAR) {
            Some(Op::AndJump(_)) if holds => break Next::At(pc(place + 1)),
            Some(Op::OrJump(_)) if !holds => break Next::At(pc(place + 1)),
            // Forward alone: a program that turns in a circle does so where fuel is used up.
            Some(Op::AndJump(to) | Op::OrJump(to)) if to.index() > place => place = to.index(),
            Some(Op::JumpUnless(to)) => break Next::At(if holds { pc(place + 1) } else { *to }),
            Some(Op::Not) => (holds, place) = (!holds, place + 1),
            Some(Op::Return) => break Next::Return(holds),
            _ => return After { next: Next::With(holds, pc(place)), fuel: count(fuel) },
        }
        fuel += 1;
    };
    After { next, fuel: count(fuel + 1) }
}
