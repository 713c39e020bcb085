//! Moves runs of older versions to another one.

use std::sync::Arc;

use journey_bytecode::{Instant, Op, Pc, RequestIx, StepIx, Version, WaitIx};

use super::Advance;
use crate::core::contact::{EndReason, Parked, Run};
use crate::core::effect::{TraceEvent, WokenBy};
use crate::core::link::Prepared;
use crate::core::moves::{Moves, convert, moves, step_of};

impl Advance<'_> {
    /// Moves the contact's runs of a journey to this version of it. A run whose place cannot be told stays where it is.
    pub(super) fn migrate(&mut self, to: Version) {
        let Some(target) = self.linked.prepared(to) else { return };
        for number in self.active() {
            let older = |run: &Run| run.journey == target.program.name && run.version != to;
            if !self.contact.state.runs.iter().any(|run| run.number == number && older(run)) {
                continue;
            }
            if let Some((run, prepared)) = self.take(number) {
                self.move_run(run, &prepared, &target);
            }
        }
    }

    fn move_run(&mut self, mut run: Run, prepared: &Arc<Prepared>, target: &Arc<Prepared>) {
        let (old, new) = (&prepared.program, &target.program);
        let Some(from) = step_of(old, &run) else {
            if let Parked::Paused { .. } = run.parked {
                // Nothing is left of it but its end.
                return self.put(run);
            }
            // It has not begun: it gathers its triggers.
            convert(&mut run, old, new);
            self.moved(&run, None);
            return if new.collect.is_some() { self.put(run) } else { self.go(run, target, new.entry) };
        };
        match moves(old, new, from) {
            None => self.put(run),
            Some(Moves::Ends) => self.end(run, prepared, EndReason::Migrated),
            Some(Moves::To(step)) => {
                convert(&mut run, old, new);
                self.moved(&run, Some(step));
                self.begin(run, target, step);
            }
            Some(Moves::Same(step)) => {
                convert(&mut run, old, new);
                self.moved(&run, Some(step));
                self.stand(run, target, step);
            }
        }
    }

    fn moved(&mut self, run: &Run, step: Option<StepIx>) {
        self.trace(Some(run.number), &run.journey, TraceEvent::Moved { to: run.version });
        if let Some(step) = step {
            self.trace(Some(run.number), &run.journey, TraceEvent::Step(step));
        }
    }

    fn begin(&mut self, run: Run, target: &Arc<Prepared>, step: StepIx) {
        let begins = |op: &Op| matches!(op, Op::Step(known) if *known == step);
        let place = target.program.code.iter().position(begins).and_then(|place| u32::try_from(place).ok());
        match place {
            // The step is in the trace already.
            Some(place) => self.go(run, target, Pc(place.saturating_add(1))),
            None => self.end(run, target, EndReason::Failed("its place is not there".to_owned())),
        }
    }

    /// Lets a run wait on at the same step: what has passed of the wait counts, and so does what has happened. If the step
    /// is another kind of statement now, the run begins it.
    fn stand(&mut self, mut run: Run, target: &Arc<Prepared>, step: StepIx) {
        let program = &target.program;
        match run.parked {
            Parked::Wait { since, until, .. } => {
                let found = program.waits.iter().enumerate().find(|(_, wait)| wait.step == step);
                let Some((place, wait)) = found.and_then(|(ix, wait)| Some((u16::try_from(ix).ok()?, wait))) else {
                    return self.begin(run, target, step);
                };
                let until = if wait.deadline.is_some() { until } else { Instant::NEVER };
                run.parked = Parked::Wait { wait: WaitIx(place), since, until };
                if let Some((event, to)) =
                    self.already(&run, target, wait).or_else(|| self.earlier(&mut run, target, wait))
                {
                    return self.resume(run, target, WokenBy::Event(event), to);
                }
                let number = run.number;
                self.replan(run, target);
                self.look_again(number);
            }
            Parked::Asking { number, until, .. } => {
                let found = program.requests.iter().position(|request| request.step == step);
                match found.and_then(|ix| u16::try_from(ix).ok()) {
                    Some(place) => {
                        run.parked = Parked::Asking { request: RequestIx(place), number, until };
                        self.put(run);
                    }
                    None => self.begin(run, target, step),
                }
            }
            Parked::Deferred { .. } | Parked::Collecting { .. } | Parked::Paused { .. } => {
                self.begin(run, target, step)
            }
        }
    }
}
