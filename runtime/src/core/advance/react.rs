//! How runs and journeys react to what happens: exits, goals, waits.

use std::sync::Arc;

use journey_bytecode::{BuiltinEvent, EventPattern, ExitKind, Instant, MessageRef, Pc, Value, WaitDef};
use smol_str::SmolStr;

use super::{Advance, CLAUSE_FUEL, Happening, MAX_UNUSED};
use crate::core::contact::{EndReason, Occurrence, Parked, Run};
use crate::core::effect::{TraceEvent, WokenBy};
use crate::core::link::{Prepared, TriggerKey};
use crate::core::vm::Frame;
use crate::trial::TrialEvent;

impl Advance<'_> {
    /// Lets everybody react, then the journeys begin that this starts.
    pub(super) fn happen(&mut self, happening: Happening) {
        self.reactions(&happening);
        self.trigger(&happening);
        if happening.is(BuiltinEvent::Changed) {
            self.plan_moments();
        }
    }

    /// The same, for a segment that the contact entered or left.
    pub(super) fn crossed(&mut self, happening: &Happening, starts: &TriggerKey) {
        self.reactions(happening);
        self.triggered(starts, happening);
    }

    /// Counts it for scores, lets runs react, oldest first, then ended runs that hope for a goal.
    fn reactions(&mut self, happening: &Happening) {
        self.count(happening);
        for number in self.active() {
            self.react(number, happening);
        }
        self.late_goals(happening);
    }

    /// Lets one run react.
    pub(super) fn react(&mut self, number: u32, happening: &Happening) {
        let Some((mut run, prepared)) = self.take(number) else { return };
        let program = &prepared.program;
        self.changes.set(Instant::NEVER);
        // A run that is leaving has nothing more to leave for.
        let exits = if run.leaving.is_none() { program.exits.as_slice() } else { &[] };
        for exit in exits {
            if let ExitKind::Event(pattern) = &exit.kind
                && self.matches(&run, &prepared, pattern, happening)
            {
                return self.exit(run, &prepared, EndReason::Exit(pattern.event.clone()), exit.then);
            }
        }
        if let Some((reason, then)) = self.exit_condition(&run, &prepared) {
            return self.exit(run, &prepared, reason, then);
        }
        run.recheck = self.recheck();
        if self.goals(&mut run, &prepared, happening) && run.leaving.is_none() {
            return self.end(run, &prepared, EndReason::Goal);
        }
        let Parked::Wait { wait, .. } = run.parked else {
            self.remember(&mut run, &prepared, happening);
            return self.put(run);
        };
        let Some(wait) = program.waits.get(wait.index()) else {
            return self.put(run);
        };
        let arm = wait.arms.iter().find(|arm| self.matches(&run, &prepared, &arm.pattern, happening));
        if let Some(target) = arm.map(|arm| arm.target) {
            return self.resume(run, &prepared, WokenBy::Event(happening.event.clone()), target);
        }
        self.remember(&mut run, &prepared, happening);
        if let Some(target) = self.condition(&run, &prepared, wait) {
            return self.resume(run, &prepared, WokenBy::Condition, target);
        }
        run.recheck = self.recheck();
        if happening.is(BuiltinEvent::Changed) && wait.deadline.as_ref().is_some_and(|deadline| deadline.replans) {
            return self.replan(run, &prepared);
        }
        self.put(run);
    }

    /// The first `exit when COND` that holds, or `exit after` whose time has come: why, and what is still done.
    pub(super) fn exit_condition(&self, run: &Run, prepared: &Prepared) -> Option<(EndReason, Option<Pc>)> {
        if run.leaving.is_some() {
            return None;
        }
        let env = self.env(prepared, Frame::of(run), &Value::Unset);
        prepared.program.exits.iter().find_map(|exit| match exit.kind {
            ExitKind::Condition(clause) => {
                env.holds(clause, &mut CLAUSE_FUEL.clone()).then_some((EndReason::ExitCondition, exit.then))
            }
            ExitKind::After(span) => {
                let end = self.zone().add(run.entered_at, span);
                env.reached(end).then_some((EndReason::ExitAfter, exit.then))
            }
            ExitKind::Event(_) => None,
        })
    }

    /// Ends a run that was taken out, after the steps that it still does.
    pub(super) fn exit(&mut self, mut run: Run, prepared: &Arc<Prepared>, reason: EndReason, then: Option<Pc>) {
        match then {
            Some(then) => {
                run.leaving = Some(reason);
                run.recheck = None;
                self.trace(Some(run.number), &run.journey, TraceEvent::Woke { by: WokenBy::Exit });
                self.go(run, prepared, then);
            }
            None => self.end(run, prepared, reason),
        }
    }

    /// Counts it for the sides of splits that the run took.
    fn measures(&mut self, run: &mut Run, prepared: &Prepared, happening: &Happening) {
        for place in 0..run.sides.len() {
            let Some(taken) = run.sides.get(place).copied().filter(|taken| !taken.reached) else { continue };
            let Some(split) = prepared.program.splits.get(taken.split.index()) else { continue };
            let Some(measure) = &split.measure else { continue };
            let open = measure.within.is_none_or(|within| self.clock <= self.zone().add(taken.at, within));
            if !open || !self.matches(run, prepared, &measure.pattern, happening) {
                continue;
            }
            if let Some(known) = run.sides.get_mut(place) {
                known.reached = true;
            }
            let side = split.sides.get(usize::from(taken.side)).map(|(_, side, _)| side.clone()).unwrap_or_default();
            self.out.trials.push(TrialEvent {
                version: prepared.version,
                split: split.name.clone(),
                side: side.clone(),
                took: taken.at,
                reached: true,
            });
            let measured = TraceEvent::Measured { split: split.name.clone(), side, took: taken.at };
            self.trace(Some(run.number), &run.journey, measured);
        }
    }

    /// Notes the goals that this reaches; whether one of them ends the run.
    fn goals(&mut self, run: &mut Run, prepared: &Prepared, happening: &Happening) -> bool {
        self.measures(run, prepared, happening);
        let mut exits = false;
        for (place, goal) in prepared.program.goals.iter().enumerate() {
            let Ok(place) = u16::try_from(place) else { break };
            let open = !run.reached.contains(&place) && goal.within.is_none_or(|within| self.within(run, within));
            if open && self.matches(run, prepared, &goal.pattern, happening) {
                run.reached.push(place);
                self.trace(Some(run.number), &run.journey, TraceEvent::GoalReached);
                exits |= goal.exits;
            }
        }
        exits
    }

    /// Goals of runs that are over.
    fn late_goals(&mut self, happening: &Happening) {
        for place in 0..self.contact.state.ended.len() {
            let Some(mut run) = self.contact.state.ended.get_mut(place).and_then(|ended| ended.goal.take()) else {
                continue;
            };
            let Some(prepared) = self.linked.prepared(run.version) else { continue };
            self.goals(&mut run, &prepared, happening);
            if let Some(ended) = self.contact.state.ended.get_mut(place) {
                ended.goal = Some(run);
            }
        }
    }

    /// Whether this is one of the events that the pattern means.
    fn matches(&self, run: &Run, prepared: &Prepared, pattern: &EventPattern, happening: &Happening) -> bool {
        self.is_meant(Frame::of(run), prepared, pattern, happening)
    }

    /// Whether this is one of the events that the pattern means, for a run or for nobody.
    pub(super) fn is_meant(
        &self,
        frame: Frame<'_>,
        prepared: &Prepared,
        pattern: &EventPattern,
        happening: &Happening,
    ) -> bool {
        if pattern.event != happening.event {
            return false;
        }
        let env = self.env(prepared, frame, &happening.payload);
        let meant = match pattern.message {
            MessageRef::None | MessageRef::SinceEntry => true,
            MessageRef::Handle(_) | MessageRef::Last => {
                happening.message.is_some() && env.number(pattern.message) == happening.message
            }
            MessageRef::Any(_) | MessageRef::Named(_) | MessageRef::Topic(_) => {
                let message = happening.message.and_then(|number| self.contact.state.message(number));
                message.is_some_and(|message| env.means(pattern.message, message))
            }
        };
        let link = || match &pattern.link {
            Some(link) => happening.payload.field("link") == Value::Text(link.clone()),
            None => true,
        };
        meant && link() && pattern.filter.is_none_or(|filter| env.holds(filter, &mut CLAUSE_FUEL.clone()))
    }

    /// Keeps the occurrence for waits to come, if the program has any that may use it.
    fn remember(&self, run: &mut Run, prepared: &Prepared, happening: &Happening) {
        if !prepared.remembers.contains(&happening.event) {
            return;
        }
        if run.unused.len() >= MAX_UNUSED {
            run.unused.remove(0);
        }
        run.unused.push(Occurrence {
            event: happening.event.clone(),
            at: self.clock,
            payload: happening.payload.clone(),
            message: happening.message,
        });
    }

    /// The first arm that an unused occurrence since entry satisfies, earliest occurrence first; uses it up.
    pub(super) fn earlier(&self, run: &mut Run, prepared: &Prepared, wait: &WaitDef) -> Option<(SmolStr, Pc)> {
        let found = run.unused.iter().enumerate().find_map(|(place, occurrence)| {
            let happening = Happening {
                event: occurrence.event.clone(),
                payload: occurrence.payload.clone(),
                message: occurrence.message,
            };
            let arm =
                wait.arms.iter().find(|arm| !arm.from_now && self.matches(run, prepared, &arm.pattern, &happening))?;
            Some((place, arm.target))
        });
        let (place, target) = found?;
        Some((run.unused.remove(place).event, target))
    }
}
