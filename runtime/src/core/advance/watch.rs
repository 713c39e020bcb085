//! What the contact itself watches, outside any run: segments that it enters and leaves, moments of the calendar.

use journey_bytecode::{Instant, TriggerKind, Value, past_entry, past_segment};

use super::enter::trigger_words;
use super::{Advance, CLAUSE_FUEL, Happening, MAX_CHAIN, MAX_TIMERS, PUNCTUAL, Pending};
use crate::core::contact::{Moment, Watch};
use crate::core::link::{TriggerAt, TriggerKey, Watched};
use crate::core::vm::Frame;

/// How close two moments of one trigger may follow each other: a minute, in milliseconds.
const MOMENT_STEP: i64 = 60_000;

impl Advance<'_> {
    /// Notes, for segments and moments that are new to the contact, how things stand before anything happens. A contact
    /// that is new itself is in no segment yet.
    pub(super) fn begin_watches(&mut self) {
        let linked = self.linked;
        if !linked.needs_every_contact() {
            let state = &mut self.contact.state;
            state.watches.clear();
            state.moments.clear();
            return;
        }
        let is_new = self.contact.state.applied == 0;
        self.contact.state.watches.retain(|watch| linked.watched().iter().any(|w| w.segment == watch.segment));
        for watched in linked.watched() {
            if self.contact.state.watches.iter().any(|watch| watch.segment == watched.segment) {
                continue;
            }
            let (holds, recheck) = if is_new { (false, None) } else { self.is_in(watched) };
            self.contact.state.watches.push(Watch { segment: watched.segment.clone(), holds, recheck });
        }
        if !is_new {
            self.plan_new_moments();
        }
    }

    fn is_in(&self, watched: &Watched) -> (bool, Option<Instant>) {
        let Some(prepared) = self.linked.current(watched.program) else { return (false, None) };
        self.changes.set(Instant::NEVER);
        let env = self.env(prepared, Frame::before(self.clock, &Value::Unset), &Value::Unset);
        (env.holds(watched.clause, &mut CLAUSE_FUEL.clone()), self.recheck())
    }

    /// Looks again at all segments; whether the contact entered or left one. Journeys that throw a contact out of a
    /// segment and back into it, over and over, are no longer triggered after [`MAX_CHAIN`] changes.
    pub(super) fn watch(&mut self) -> bool {
        let linked = self.linked;
        let mut crossed = false;
        for watched in linked.watched() {
            let (holds, recheck) = self.is_in(watched);
            let known = self.contact.state.watches.iter_mut().find(|watch| watch.segment == watched.segment);
            let Some(watch) = known else { continue };
            watch.recheck = recheck;
            if std::mem::replace(&mut watch.holds, holds) != holds {
                crossed = true;
                self.chain += 1;
                if self.chain > MAX_CHAIN {
                    return false;
                }
                let segment = watched.segment.clone();
                let (event, starts) = match holds {
                    true => (past_entry(&segment), TriggerKey::Enters(segment)),
                    false => (past_segment(&segment), TriggerKey::Leaves(segment)),
                };
                if !holds {
                    self.keep(&event, self.clock, &Value::Unset);
                }
                let happening = Happening { event, payload: empty(), message: None };
                self.queue.push_back(Pending::Crossed(happening, starts));
            }
        }
        crossed
    }

    /// Computes the next moment of every trigger, as after a change of an attribute.
    pub(super) fn plan_moments(&mut self) {
        let linked = self.linked;
        for at in linked.moments() {
            self.plan_moment(*at, self.clock);
        }
    }

    /// Computes the next moment of triggers that the contact does not know in this version; what was before now is not
    /// made up for.
    fn plan_new_moments(&mut self) {
        let linked = self.linked;
        let known = |moment: &Moment| {
            linked.moments().iter().any(|at| {
                let current = linked.current(at.program);
                usize::from(moment.trigger) == at.trigger
                    && current.is_some_and(|p| p.version == moment.version && p.program.name == moment.journey)
            })
        };
        self.contact.state.moments.retain(known);
        for at in linked.moments() {
            let Some(prepared) = linked.current(at.program) else { continue };
            let same = |m: &Moment| m.version == prepared.version && usize::from(m.trigger) == at.trigger;
            if !self.contact.state.moments.iter().any(same) {
                self.plan_moment(*at, self.wall.max(self.clock));
            }
        }
    }

    /// Computes the next moment of a trigger, not before `since` and after the last one.
    fn plan_moment(&mut self, at: TriggerAt, since: Instant) -> Option<Instant> {
        let prepared = self.linked.current(at.program).cloned()?;
        let trigger = prepared.program.triggers.get(at.trigger)?;
        let place = u16::try_from(at.trigger).ok()?;
        let TriggerKind::Moment(clause) = &trigger.kind else { return None };
        let moments = &self.contact.state.moments;
        let known = moments.iter().position(|m| m.version == prepared.version && m.trigger == place);
        let fired = known.and_then(|known| moments.get(known)).and_then(|moment| moment.fired);
        let since = fired.map_or(since, |fired| since.max(Instant(fired.0.saturating_add(MOMENT_STEP))));
        let since = if self.fired > MAX_TIMERS { since.max(self.wall) } else { since };
        let mut env = self.env(&prepared, Frame::before(self.clock, &Value::Unset), &Value::Unset);
        env.since = since;
        let next = env.instant(&env.value(*clause, &mut CLAUSE_FUEL.clone()));
        let next = next.filter(|next| *next >= since && *next != Instant::NEVER);
        match known.and_then(|known| self.contact.state.moments.get_mut(known)) {
            Some(moment) => moment.next = next,
            None => {
                let journey = prepared.program.name.clone();
                let moment = Moment { journey, version: prepared.version, trigger: place, next, fired };
                self.contact.state.moments.push(moment);
            }
        }
        next
    }

    /// Begins the journeys whose moment it is. Of moments that were missed in a row, as after an outage, only the last
    /// one counts: nobody wants three Mondays' mails at once.
    pub(super) fn fire_moments(&mut self, due: Instant) {
        let linked = self.linked;
        for at in linked.moments() {
            let Some(prepared) = linked.current(at.program).cloned() else { continue };
            let Some(trigger) = prepared.program.triggers.get(at.trigger) else { continue };
            let known = |m: &&mut Moment| m.version == prepared.version && usize::from(m.trigger) == at.trigger;
            let Some(moment) = self.contact.state.moments.iter_mut().find(known) else { continue };
            let Some(fired) = moment.next.filter(|next| *next <= due) else { continue };
            moment.fired = Some(fired);
            let next = self.plan_moment(*at, fired);
            if next.is_some_and(|next| next.0 <= self.wall.0.saturating_sub(PUNCTUAL)) {
                continue;
            }
            let env = self.env(&prepared, Frame::before(self.clock, &Value::Unset), &Value::Unset);
            if trigger.filter.is_none_or(|filter| env.holds(filter, &mut CLAUSE_FUEL.clone())) {
                self.enter(&prepared, trigger_words(&trigger.kind), &empty());
            }
        }
    }
}

/// What such triggers carry: nothing.
fn empty() -> Value {
    Value::Record(std::iter::empty().collect())
}
