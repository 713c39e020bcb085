//! Where a run of an older version goes on in a newer one of its journey.
//!
//! A step with a name is the same in both versions if its name is; the newer version's `migrate` clauses say where runs go
//! whose name is gone. A step without a name is the same if what it says stands as often in both versions, the first time
//! as the first time and so on. Nothing else is guessed.

use std::collections::HashMap;

use journey_bytecode::{Op, Pc, Program, StepIx};
use smol_str::SmolStr;

use super::contact::{Parked, Run};

/// Where a run goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moves {
    /// It stays where it is: the step is this one in the newer version.
    Same(StepIx),
    /// It begins this step.
    To(StepIx),
    /// It ends.
    Ends,
}

/// The statement at which a run stands; none before the first one.
pub fn step_of(program: &Program, run: &Run) -> Option<StepIx> {
    match run.parked {
        Parked::Wait { wait, .. } => Some(program.waits.get(wait.index())?.step),
        Parked::Asking { request, .. } => Some(program.requests.get(request.index())?.step),
        Parked::Deferred { at, .. } => match program.code.get(usize::try_from(at.0).ok()?)? {
            Op::Send(send) => Some(program.sends.get(send.index())?.step),
            _ => None,
        },
        Parked::Paused { at, .. } => next_step(program, at),
        Parked::Collecting { .. } => None,
    }
}

/// The statement that begins at a place, or at the one to which it leads; none where the program ends there.
fn next_step(program: &Program, mut at: Pc) -> Option<StepIx> {
    // As often as there are instructions: what leads round in a circle leads to no statement.
    for _ in 0..program.code.len() {
        match program.code.get(usize::try_from(at.0).ok()?)? {
            Op::Step(step) => return Some(*step),
            Op::Jump(to) => at = *to,
            Op::End => return None,
            _ => at = Pc(at.0.saturating_add(1)),
        }
    }
    None
}

/// The statements at which runs can stand, in source order.
pub fn standing_places(program: &Program) -> Vec<StepIx> {
    let waits = program.waits.iter().map(|wait| wait.step);
    let requests = program.requests.iter().map(|request| request.step);
    let mut places: Vec<StepIx> = waits.chain(requests).chain(program.sends.iter().map(|send| send.step)).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// Where a run goes on that stands at this step of the older version; nowhere if that cannot be told.
pub fn moves(old: &Program, new: &Program, step: StepIx) -> Option<Moves> {
    let info = old.map.steps.get(step.index())?;
    let place = |found: usize| u16::try_from(found).ok().map(StepIx);
    let named = |name: &SmolStr| new.map.steps.iter().position(|step| step.name.as_ref() == Some(name)).and_then(place);
    if let Some(name) = &info.name {
        if let Some(same) = named(name) {
            return Some(Moves::Same(same));
        }
        let (_, to) = new.map.migrations.iter().find(|(from, _)| from == name)?;
        return match to {
            Some(to) => named(to).map(Moves::To),
            None => Some(Moves::Ends),
        };
    }
    let alike = |program: &Program| -> Vec<usize> {
        let steps = program.map.steps.iter().enumerate();
        steps.filter(|(_, other)| other.name.is_none() && other.label == info.label).map(|(place, _)| place).collect()
    };
    let (before, after) = (alike(old), alike(new));
    let nth = before.iter().position(|place| *place == step.index())?;
    after.get(nth).copied().filter(|_| before.len() == after.len()).and_then(place).map(Moves::Same)
}

/// Gives a run the newer version's places for what it knows: local variables and named messages by their names, goals by
/// their events. A variable that the older version did not have is unset.
pub(crate) fn convert(run: &mut Run, old: &Program, new: &Program) {
    let mut values: HashMap<&SmolStr, Vec<journey_bytecode::Value>> = HashMap::new();
    for (name, value) in old.slots.iter().zip(run.slots.drain(..)).rev() {
        values.entry(name).or_default().push(value);
    }
    // Two variables of one name keep their order.
    run.slots = new.slots.iter().map(|name| values.get_mut(name).and_then(Vec::pop).unwrap_or_default()).collect();
    let handle = |(handle, message): &(journey_bytecode::HandleIx, u32)| {
        let name = &old.handles.get(handle.index())?.name;
        let place = new.handles.iter().position(|other| other.name == *name)?;
        Some((journey_bytecode::HandleIx(u16::try_from(place).ok()?), *message))
    };
    run.handles = run.handles.iter().filter_map(handle).collect();
    let event = |program: &Program, place: u16| {
        program.goals.get(usize::from(place)).map(|goal| (goal.pattern.event.clone(), goal.pattern.link.clone()))
    };
    run.reached.retain(|place| event(old, *place) == event(new, *place));
    run.version = new.version();
}
