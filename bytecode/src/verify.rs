//! The verifier: a program that passes cannot leave its code, its tables or its stack, whoever made it.

use crate::outside::RequestKind;
use crate::pattern;
use crate::program::{Clause, EventPattern, ExitKind, HandleIx, MessageRef, Op, Pc, Program, StepIx};
use crate::trigger::TriggerKind;
use crate::value::Value;

/// The most instructions that a program may have.
pub const MAX_CODE: usize = 1 << 20;

/// The deepest operand stack that a program may need.
pub const MAX_STACK: u16 = 256;

/// Why a program is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum VerifyError {
    /// More than [`MAX_CODE`] instructions, or none.
    #[error("it has {0} instructions; 1 to {MAX_CODE} are allowed")]
    Size(usize),
    /// A jump or fragment begins outside the code.
    #[error("place {0} is outside its code")]
    Outside(u32),
    /// An instruction names an entry that its table does not have.
    #[error("the instruction at {0} names an entry that does not exist")]
    Table(u32),
    /// An instruction finds too few values, leaves too many, or two ways meet with different stacks.
    #[error("the stack does not fit at {0}")]
    Stack(u32),
    /// A step stands in a clause, or a clause's end among the steps.
    #[error("the instruction at {0} does not belong into this kind of fragment")]
    Kind(u32),
    /// A constant that an instruction takes for a pattern is none.
    #[error("the pattern of the instruction at {0} cannot be read")]
    Pattern(u32),
    /// A wait, send or trigger names an entry that does not exist.
    #[error("its tables name an entry that does not exist")]
    Definition,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fragment {
    Steps,
    Clause,
}

/// Checks that every instruction stays inside code, tables and stack, and that each fragment has its proper end.
pub fn verify(program: &Program) -> Result<(), VerifyError> {
    if program.code.is_empty() || program.code.len() > MAX_CODE {
        return Err(VerifyError::Size(program.code.len()));
    }
    if program.max_stack > MAX_STACK {
        return Err(VerifyError::Stack(0));
    }
    let mut seen = vec![None; program.code.len()];
    let mut work = vec![(program.entry, 0, Fragment::Steps)];
    definitions(program, &mut work)?;
    work.extend(program.exits.iter().filter_map(|exit| exit.then).map(|then| (then, 0, Fragment::Steps)));
    while let Some((pc, depth, fragment)) = work.pop() {
        let place = seen.get_mut(pc.index()).ok_or(VerifyError::Outside(pc.0))?;
        match place {
            Some(known) if *known == (depth, fragment) => continue,
            Some((_, other)) if *other != fragment => return Err(VerifyError::Kind(pc.0)),
            Some(_) => return Err(VerifyError::Stack(pc.0)),
            None => *place = Some((depth, fragment)),
        }
        let op = *program.code.get(pc.index()).ok_or(VerifyError::Outside(pc.0))?;
        if !tables_hold(program, op) {
            return Err(VerifyError::Table(pc.0));
        }
        if let Op::Matches(ix) = op
            && !matches!(program.consts.get(ix.index()), Some(Value::Text(text)) if pattern::compile(text).is_ok())
        {
            return Err(VerifyError::Pattern(pc.0));
        }
        if is_step(op) && fragment == Fragment::Clause || matches!(op, Op::Return) && fragment == Fragment::Steps {
            return Err(VerifyError::Kind(pc.0));
        }
        let (takes, gives) = stack_effect(op);
        let after = depth.checked_sub(takes).ok_or(VerifyError::Stack(pc.0))? + gives;
        if after > program.max_stack || is_boundary(op) && after != 0 {
            return Err(VerifyError::Stack(pc.0));
        }
        let next = Pc(pc.0 + 1);
        match op {
            Op::Return if depth == 1 => {}
            Op::Return => return Err(VerifyError::Stack(pc.0)),
            Op::End => {}
            Op::Jump(to) => work.push((to, after, fragment)),
            Op::JumpUnless(to) => work.extend([(to, after, fragment), (next, after, fragment)]),
            Op::AndJump(to) | Op::OrJump(to) => work.extend([(to, depth, fragment), (next, after, fragment)]),
            Op::Split(ix) => {
                let split = program.splits.get(ix.index()).ok_or(VerifyError::Table(pc.0))?;
                work.extend(split.sides.iter().map(|(_, _, target)| (*target, 0, Fragment::Steps)));
            }
            Op::Request(ix) => {
                let request = program.requests.get(ix.index()).ok_or(VerifyError::Table(pc.0))?;
                let answered: Vec<Pc> = match &request.kind {
                    RequestKind::Ask { arms, .. } => arms.iter().map(|(_, target)| *target).collect(),
                    RequestKind::Call { .. } | RequestKind::Voucher { .. } => vec![request.answered],
                };
                let ways = answered.into_iter().chain(request.failed);
                work.extend(ways.map(|target| (target, 0, Fragment::Steps)));
            }
            Op::Wait(ix) => {
                let wait = program.waits.get(ix.index()).ok_or(VerifyError::Table(pc.0))?;
                let arms = wait.arms.iter().map(|arm| arm.target);
                let conditions = wait.conditions.iter().map(|(_, target)| *target);
                let deadline = wait.deadline.iter().flat_map(|d| std::iter::once(d.target).chain(d.past));
                work.extend(arms.chain(conditions).chain(deadline).map(|target| (target, 0, Fragment::Steps)));
            }
            _ => work.push((next, after, fragment)),
        }
    }
    Ok(())
}

fn definitions(program: &Program, work: &mut Vec<(Pc, u16, Fragment)>) -> Result<(), VerifyError> {
    let steps = program.map.steps.len();
    let step_exists = |ix: StepIx| ix.index() < steps;
    let mut clause = |clause: &Clause| work.push((Pc(clause.0), 0, Fragment::Clause));
    program.filter.iter().chain(&program.key).for_each(&mut clause);
    let mut pattern = |pattern: &EventPattern| {
        pattern.filter.iter().for_each(&mut clause);
        message_exists(program, pattern.message)
    };
    let mut sound = program.exits.iter().all(|exit| match &exit.kind {
        ExitKind::Event(event) => pattern(event),
        ExitKind::Condition(_) | ExitKind::After(_) => true,
    });
    sound &= program.goals.iter().all(|goal| pattern(&goal.pattern));
    sound &= program.splits.iter().flat_map(|split| &split.measure).all(|measure| pattern(&measure.pattern));
    sound &=
        program.waits.iter().all(|wait| wait.arms.iter().all(|arm| pattern(&arm.pattern)) && step_exists(wait.step));
    for exit in &program.exits {
        if let ExitKind::Condition(condition) = &exit.kind {
            clause(condition);
        }
    }
    for trigger in &program.triggers {
        trigger.filter.iter().for_each(&mut clause);
        if let TriggerKind::Enters(_, condition) | TriggerKind::Leaves(_, condition) | TriggerKind::Moment(condition) =
            &trigger.kind
        {
            clause(condition);
        }
        sound &= !matches!(&trigger.kind, TriggerKind::Event(name) if name.is_empty());
    }
    for wait in &program.waits {
        wait.conditions.iter().for_each(|(condition, _)| clause(condition));
        wait.deadline.iter().for_each(|deadline| clause(&deadline.at));
    }
    let parts = |h: &crate::program::History| [h.filter, h.since, h.until];
    program.histories.iter().flat_map(parts).flatten().for_each(|part| clause(&part));
    program.messages.iter().flat_map(|m| [m.since, m.until]).flatten().for_each(|part| clause(&part));
    program.segments.iter().for_each(|(_, condition)| clause(condition));
    sound &= program.messages.iter().all(|asked| message_exists(program, asked.message));
    program.collect.iter().for_each(|collect| clause(&collect.until));
    sound &= program.collect.as_ref().is_none_or(|collect| collect.slot.index() < program.slots.len());
    sound &=
        program.splits.iter().all(|split| split.sides.iter().map(|side| u64::from(side.0)).sum::<u64>() == 1_000_000);
    sound &= program
        .requests
        .iter()
        .all(|request| step_exists(request.step) && request.slots().all(|slot| slot.index() < program.slots.len()));
    program.requests.iter().filter_map(|request| request.until).for_each(|until| clause(&until));
    sound &= program.notices.iter().all(|notice| step_exists(notice.step));
    for send in &program.sends {
        [send.subject, send.from, send.to].iter().flatten().for_each(&mut clause);
        sound &= !send.choices.is_empty() && step_exists(send.step);
        sound &= send.handle.is_none_or(|handle| handle_exists(program, handle));
    }
    if sound { Ok(()) } else { Err(VerifyError::Definition) }
}

fn handle_exists(program: &Program, handle: HandleIx) -> bool {
    handle.index() < program.handles.len()
}

fn message_exists(program: &Program, message: MessageRef) -> bool {
    match message {
        MessageRef::Handle(handle) => handle_exists(program, handle),
        MessageRef::Named(name) | MessageRef::Topic(name) => name.index() < program.names.len(),
        MessageRef::None | MessageRef::Last | MessageRef::SinceEntry | MessageRef::Any(_) => true,
    }
}

fn tables_hold(program: &Program, op: Op) -> bool {
    match op {
        Op::Const(ix) | Op::Matches(ix) => ix.index() < program.consts.len(),
        Op::ClickedLink(ix, message) => ix.index() < program.names.len() && message_exists(program, message),
        Op::Attribute(ix)
        | Op::Trigger(ix)
        | Op::Field(ix)
        | Op::Member(ix)
        | Op::HasTag(ix)
        | Op::AddTag(ix)
        | Op::RemoveTag(ix)
        | Op::SetAttribute(ix)
        | Op::Stage(ix)
        | Op::Consents(ix, _)
        | Op::Score(ix)
        | Op::ScoreAbove(ix)
        | Op::ScoreFrom(ix)
        | Op::InJourney(ix)
        | Op::WasInJourney(ix)
        | Op::Record(ix)
        | Op::Subscribe(ix, _)
        | Op::Unsubscribe(ix, _)
        | Op::StartJourney(ix)
        | Op::StopJourney(ix) => ix.index() < program.names.len(),
        Op::Notify(ix) => ix.index() < program.notices.len(),
        Op::MoveTo(funnel, stage) => funnel.index() < program.names.len() && stage.index() < program.names.len(),
        Op::History(ix) => ix.index() < program.histories.len(),
        Op::Messages(ix) => ix.index() < program.messages.len(),
        Op::Split(ix) => ix.index() < program.splits.len(),
        Op::MakeRecord(ix, fields) => {
            program.shapes.get(ix.index()).is_some_and(|names| names.len() == usize::from(fields))
        }
        Op::Load(ix) | Op::Store(ix) => ix.index() < program.slots.len(),
        Op::Status(_, message) => message_exists(program, message),
        Op::Step(ix) => ix.index() < program.map.steps.len(),
        Op::Send(ix) => ix.index() < program.sends.len(),
        Op::Wait(ix) => ix.index() < program.waits.len(),
        Op::Request(ix) => ix.index() < program.requests.len(),
        _ => true,
    }
}

const fn is_step(op: Op) -> bool {
    matches!(
        op,
        Op::Step(_)
            | Op::Decide
            | Op::Send(_)
            | Op::Wait(_)
            | Op::Request(_)
            | Op::AddTag(_)
            | Op::RemoveTag(_)
            | Op::SetAttribute(_)
            | Op::Store(_)
            | Op::Split(_)
            | Op::MoveTo(..)
            | Op::Record(_)
            | Op::Subscribe(..)
            | Op::Unsubscribe(..)
            | Op::UnsubscribeAll(_)
            | Op::Delete
            | Op::Suppress
            | Op::StartJourney(_)
            | Op::StopJourney(_)
            | Op::Notify(_)
            | Op::End
    )
}

/// Statements that leave nothing on the stack: between them a run can be parked.
const fn is_boundary(op: Op) -> bool {
    is_step(op) && !matches!(op, Op::Decide)
}

/// How many values an instruction takes from the operand stack, and how many it puts there.
pub const fn stack_effect(op: Op) -> (u16, u16) {
    match op {
        Op::MakeRecord(_, fields) => (fields, 1),
        Op::Const(_)
        | Op::Attribute(_)
        | Op::Trigger(_)
        | Op::Field(_)
        | Op::Load(_)
        | Op::Now
        | Op::Today
        | Op::CreatedAt
        | Op::EnteredAt
        | Op::WaitStart
        | Op::HasTag(_)
        | Op::Status(..)
        | Op::ClickedLink(..)
        | Op::History(_)
        | Op::Messages(_)
        | Op::Reachable(_)
        | Op::Stage(_)
        | Op::Consents(..)
        | Op::Score(_)
        | Op::InJourney(_)
        | Op::Chance(_) => (0, 1),
        Op::DayOf
        | Op::WeekdayOf
        | Op::HourOf
        | Op::Member(_)
        | Op::Not
        | Op::IsSet
        | Op::ToInstant
        | Op::Function(_)
        | Op::Matches(_)
        | Op::ScoreAbove(_)
        | Op::ScoreFrom(_)
        | Op::Reached
        | Op::WasInJourney(_)
        | Op::Decide => (1, 1),
        Op::Equal
        | Op::Less
        | Op::LessOrEqual
        | Op::Add
        | Op::Subtract
        | Op::Multiply
        | Op::Divide
        | Op::In
        | Op::Contains
        | Op::StartsWith
        | Op::EndsWith
        | Op::MatchAny(_)
        | Op::MatchAll(_)
        | Op::Tally
        | Op::Append
        | Op::Without
        | Op::NextAt(_)
        | Op::Between
        | Op::Later
        | Op::Anniversary => (2, 1),
        Op::NextWithin(_) | Op::NextAnniversary => (3, 1),
        Op::AddWithin(_) | Op::NextEvery => (4, 1),
        Op::JumpUnless(_)
        | Op::AndJump(_)
        | Op::OrJump(_)
        | Op::Return
        | Op::SetAttribute(_)
        | Op::Store(_)
        | Op::Record(_)
        | Op::Request(_)
        | Op::StartJourney(_)
        | Op::Subscribe(..)
        | Op::Suppress => (1, 0),
        Op::Split(_)
        | Op::MoveTo(..)
        | Op::Unsubscribe(..)
        | Op::UnsubscribeAll(_)
        | Op::Delete
        | Op::StopJourney(_)
        | Op::Jump(_)
        | Op::Step(_)
        | Op::Send(_)
        | Op::Wait(_)
        | Op::Notify(_)
        | Op::AddTag(_)
        | Op::RemoveTag(_)
        | Op::End => (0, 0),
    }
}
