//! Executes the steps of a run until it parks or ends.

use std::sync::Arc;

use journey_bytecode::{
    Arm, BuiltinEvent, Channel, Deadline, Instant, MessageRef, NameIx, Op, Pc, SplitIx, StatusKind, Value, Version,
    WaitDef, past_stage,
};
use smol_str::SmolStr;

use super::gate::Gate;
use super::{Advance, CLAUSE_FUEL, FUEL, HOPELESS, Happening, MAX_CHAIN, Pending, SEND_FUEL};
use crate::core::contact::{EndReason, Parked, Run, TakenSide};
use crate::core::effect::{TraceEvent, WokenBy};
use crate::core::input::Evidence;
use crate::core::link::Prepared;
use crate::core::vm::{Frame, Stop, draw};
use crate::core::witness::Decisions;
use crate::time;
use crate::trial::TrialEvent;

/// Why a run fails whose program does what no compiler emits.
const DAMAGED: &str = "its program is damaged";

/// What becomes of a run that comes to a wait.
enum Waiting {
    /// It goes on at once.
    Passes(WokenBy, Pc),
    /// It parks.
    Parks(Instant),
    /// It can never go on.
    Hopeless,
}

impl Advance<'_> {
    /// Executes from `pc` and puts the run back, or ends it.
    pub(super) fn go(&mut self, mut run: Run, prepared: &Arc<Prepared>, mut pc: Pc) {
        if self.linked.is_paused(&run.journey) {
            return self.pause(run, prepared, pc);
        }
        let mut fuel = self.fuel_of(run.version);
        let reason = loop {
            let mut decisions = Decisions::default();
            let stop = self.env(prepared, Frame::of(&run), &Value::Unset).run(pc, &mut fuel, &mut decisions);
            for (holds, saw) in decisions.made {
                self.trace(Some(run.number), &run.journey, TraceEvent::Decided { holds, saw });
            }
            let (op, at, value) = match stop {
                Stop::Effect(op, at, value) => (op, at, value),
                Stop::Fuel => break EndReason::Failed(format!("it took more than {FUEL} instructions at once")),
                Stop::Return(_) => break EndReason::Failed(DAMAGED.to_owned()),
            };
            pc = Pc(at.0.saturating_add(1));
            let name = |ix: NameIx| prepared.program.names.get(ix.index());
            let change = match op {
                Op::Step(step) => {
                    self.trace(Some(run.number), &run.journey, TraceEvent::Step(step));
                    continue;
                }
                Op::Store(slot) => {
                    if let Some(place) = run.slots.get_mut(slot.index()) {
                        *place = value;
                    }
                    continue;
                }
                Op::End => break run.leaving.take().unwrap_or(EndReason::Ended),
                Op::Wait(ix) => {
                    let Some(wait) = prepared.program.waits.get(ix.index()) else {
                        break EndReason::Failed(DAMAGED.to_owned());
                    };
                    match self.begin_wait(&mut run, prepared, wait) {
                        Waiting::Passes(by, target) => {
                            self.trace(Some(run.number), &run.journey, TraceEvent::Woke { by });
                            pc = target;
                            continue;
                        }
                        Waiting::Parks(until) => {
                            self.trace(Some(run.number), &run.journey, TraceEvent::Waiting { until });
                            run.parked = Parked::Wait { wait: ix, since: self.clock, until };
                            self.leave(run.version, fuel);
                            return self.park(run, prepared);
                        }
                        Waiting::Hopeless => break EndReason::Failed(HOPELESS.to_owned()),
                    }
                }
                Op::Request(ix) => {
                    let Some(parked) = self.request(&mut run, prepared, ix, value) else {
                        break EndReason::Failed(DAMAGED.to_owned());
                    };
                    run.parked = parked;
                    self.leave(run.version, fuel);
                    return self.park(run, prepared);
                }
                Op::Send(ix) => match self.send(&mut run, prepared, ix) {
                    Gate::Sent(message) if self.linked.hears_sends() => {
                        fuel = fuel.saturating_sub(SEND_FUEL);
                        let mut sent = Happening::builtin(BuiltinEvent::Sent, []);
                        sent.message = Some(message);
                        Some(Pending::Happened(sent))
                    }
                    Gate::Sent(_) | Gate::Done => {
                        fuel = fuel.saturating_sub(SEND_FUEL);
                        continue;
                    }
                    Gate::Deferred(until, reason) => {
                        self.trace(Some(run.number), &run.journey, TraceEvent::Deferred { until, reason });
                        run.parked = Parked::Deferred { at, until };
                        self.leave(run.version, fuel);
                        return self.park(run, prepared);
                    }
                    Gate::Failed(why) => break EndReason::Failed(why),
                },
                Op::AddTag(ix) => name(ix).filter(|tag| self.contact.tags.insert((*tag).clone())).map(|tag| {
                    self.trace(Some(run.number), &run.journey, TraceEvent::TagAdded(tag.clone()));
                    Pending::Happened(Happening::tagged(tag.clone()))
                }),
                Op::RemoveTag(ix) => name(ix).filter(|tag| self.contact.tags.remove(tag)).map(|tag| {
                    self.trace(Some(run.number), &run.journey, TraceEvent::TagRemoved(tag.clone()));
                    Pending::Happened(Happening::untagged(tag.clone()))
                }),
                Op::SetAttribute(ix) => name(ix).and_then(|name| {
                    let changed = self.set(name, value.clone())?;
                    self.keep_change(&changed);
                    self.trace(Some(run.number), &run.journey, TraceEvent::AttributeSet(name.clone(), value));
                    Some(Pending::Happened(changed))
                }),
                Op::Split(ix) => match self.side(prepared, ix) {
                    Some((took, taken, target)) => {
                        if let (Some(taken), TraceEvent::Took { split, side }) = (taken, &took) {
                            let (version, split, side) = (prepared.version, split.clone(), side.clone());
                            self.out.trials.push(TrialEvent { version, split, side, took: taken.at, reached: false });
                        }
                        self.trace(Some(run.number), &run.journey, took);
                        if let Some(taken) = taken {
                            run.sides.retain(|known| known.split != taken.split);
                            run.sides.push(taken);
                        }
                        pc = target;
                        continue;
                    }
                    None => break EndReason::Failed(DAMAGED.to_owned()),
                },
                Op::MoveTo(funnel, stage) => {
                    name(funnel).zip(name(stage)).and_then(|(funnel, stage)| self.move_to(&run, funnel, stage))
                }
                Op::Record(ix) => name(ix).map(|event| {
                    self.trace(Some(run.number), &run.journey, TraceEvent::Recorded(event.clone()));
                    self.keep(event, self.clock, &value);
                    Pending::Happened(Happening { event: event.clone(), payload: value, message: None })
                }),
                Op::Subscribe(ix, channel) => name(ix).cloned().and_then(|topic| {
                    let evidence = self.evidence(&run, &value);
                    let subscribed = self.subscribe(&topic, channel, &evidence);
                    self.trace(Some(run.number), &run.journey, TraceEvent::Subscribed { topic, channel });
                    subscribed.map(Pending::Happened)
                }),
                Op::Unsubscribe(ix, channel) => {
                    name(ix).and_then(|topic| self.unsubscribe(&run, Some(topic.clone()), channel))
                }
                Op::UnsubscribeAll(channel) => self.unsubscribe(&run, None, channel),
                Op::Delete => {
                    self.leave(run.version, fuel);
                    self.end(run, prepared, EndReason::Deleted);
                    // Nothing that waits to happen is about anybody any more.
                    self.queue.clear();
                    return self.queue.push_back(Pending::Erase);
                }
                Op::Suppress => {
                    self.stirred = true;
                    let reason = time::show_value(&value, self.zone());
                    self.contact.state.suppressed.get_or_insert_with(|| reason.as_str().into());
                    self.trace(Some(run.number), &run.journey, TraceEvent::Suppressed(reason));
                    continue;
                }
                Op::StartJourney(ix) => name(ix).map(|journey| Pending::Start(journey.clone(), value)),
                Op::StopJourney(ix) => match name(ix) {
                    Some(journey) if *journey == run.journey => break EndReason::Stopped,
                    journey => {
                        journey.into_iter().for_each(|journey| self.stop(journey));
                        continue;
                    }
                },
                Op::Notify(ix) => {
                    self.notify(&run, prepared, ix);
                    continue;
                }
                _ => break EndReason::Failed(DAMAGED.to_owned()),
            };
            if let Some(change) = change {
                self.chain += 1;
                if self.chain > MAX_CHAIN {
                    break EndReason::Failed(format!("more than {MAX_CHAIN} changes followed from one event"));
                }
                self.queue.push_back(change);
            }
        };
        self.leave(run.version, fuel);
        self.end(run, prepared, reason);
    }

    /// The side of a split on which the contact falls: the winner's, once there is one.
    fn side(&self, prepared: &Prepared, ix: SplitIx) -> Option<(TraceEvent, Option<TakenSide>, Pc)> {
        let split = prepared.program.splits.get(ix.index())?;
        let drawn = draw(&split.name, &self.contact.key);
        let best = split.measure.as_ref().filter(|measure| measure.best);
        let winner = best.and_then(|_| self.linked.winner(prepared.version, &split.name));
        let mut upto = 0u32;
        let mut fits = |share: u32, side: &SmolStr| {
            upto = upto.saturating_add(share);
            winner.as_ref().map_or(drawn < upto, |winner| winner == side)
        };
        let place = split.sides.iter().position(|(share, side, _)| fits(*share, side))?;
        let (_, side, target) = split.sides.get(place)?;
        let taken = TakenSide { split: ix, side: u16::try_from(place).ok()?, at: self.clock, reached: false };
        let took = TraceEvent::Took { split: split.name.clone(), side: side.clone() };
        Some((took, split.measure.is_some().then_some(taken), *target))
    }

    /// Withdraws consent; what follows from it, if it is news.
    fn unsubscribe(&mut self, run: &Run, topic: Option<SmolStr>, channel: Option<Channel>) -> Option<Pending> {
        let news = match channel {
            Some(channel) => self.withdraw_via(topic.as_ref(), channel, &Evidence::default()),
            None => self.withdraw(topic.as_ref()),
        };
        news.then(|| {
            let withdrawn = TraceEvent::Unsubscribed { topic: topic.clone().unwrap_or_default(), channel };
            self.trace(Some(run.number), &run.journey, withdrawn);
            Pending::Withdrawn(topic, channel)
        })
    }

    /// What a journey says that proves consent.
    fn evidence(&self, run: &Run, given: &Value) -> Evidence {
        let text = |field| match given.field(field) {
            Value::Text(text) => text,
            _ => SmolStr::default(),
        };
        let until = match given.field("until") {
            Value::Instant(until) => Some(until),
            _ => None,
        };
        let source = Some(text("source")).filter(|source| !source.is_empty());
        let source = source.unwrap_or_else(|| format!("journey {}", run.journey).into());
        Evidence { basis: text("basis"), wording: text("wording"), source, until }
    }

    fn move_to(&mut self, run: &Run, funnel: &SmolStr, stage: &SmolStr) -> Option<Pending> {
        let moved = self.move_stage(funnel, stage)?;
        let told = TraceEvent::MovedTo { funnel: funnel.clone(), stage: stage.clone() };
        self.trace(Some(run.number), &run.journey, told);
        Some(Pending::Happened(moved))
    }

    /// Puts the contact at a stage; what happened, if it was not there.
    pub(super) fn move_stage(&mut self, funnel: &SmolStr, stage: &SmolStr) -> Option<Happening> {
        let before = self.contact.state.stages.insert(funnel.clone(), stage.clone());
        if before.as_ref() == Some(stage) {
            return None;
        }
        if let Some(before) = before {
            self.keep(&past_stage(funnel, &before), self.clock, &Value::Unset);
        }
        let fields = [("funnel", Value::Text(funnel.clone())), ("stage", Value::Text(stage.clone()))];
        Some(Happening::builtin(BuiltinEvent::Moved, fields))
    }

    /// Ends the contact's other runs of a journey.
    fn stop(&mut self, journey: &str) {
        let runs = self.contact.state.runs.iter().filter(|run| run.journey == journey);
        let numbers: Vec<u32> = runs.map(|run| run.number).collect();
        for number in numbers {
            if let Some((run, prepared)) = self.take(number) {
                self.end(run, &prepared, EndReason::Stopped);
            }
        }
    }

    fn fuel_of(&self, version: Version) -> u32 {
        self.fuel.iter().find(|(known, _)| *known == version).map_or(FUEL, |(_, left)| *left)
    }

    fn leave(&mut self, version: Version, left: u32) {
        match self.fuel.iter_mut().find(|(known, _)| *known == version) {
            Some((_, fuel)) => *fuel = left,
            None => self.fuel.push((version, left)),
        }
    }

    /// Puts a run back that stands still, unless it must not go on at all.
    pub(super) fn park(&mut self, mut run: Run, prepared: &Arc<Prepared>) {
        self.changes.set(Instant::NEVER);
        if let Some((reason, then)) = self.exit_condition(&run, prepared) {
            return self.exit(run, prepared, reason, then);
        }
        if let Parked::Wait { wait, .. } = run.parked
            && let Some(wait) = prepared.program.waits.get(wait.index())
        {
            // None holds, or the run would not have parked; it matters when that changes.
            self.condition(&run, prepared, wait);
        }
        run.recheck = self.recheck();
        self.put(run);
    }

    fn begin_wait(&self, run: &mut Run, prepared: &Prepared, wait: &WaitDef) -> Waiting {
        if let Some((event, target)) = self.already(run, prepared, wait).or_else(|| self.earlier(run, prepared, wait)) {
            return Waiting::Passes(WokenBy::Event(event), target);
        }
        if let Some(target) = self.condition(run, prepared, wait) {
            return Waiting::Passes(WokenBy::Condition, target);
        }
        let hopeless = self.is_hopeless(run, prepared, wait);
        match &wait.deadline {
            Some(deadline) if hopeless => Waiting::Passes(WokenBy::Deadline, deadline.target),
            None if hopeless => Waiting::Hopeless,
            None => Waiting::Parks(Instant::NEVER),
            Some(deadline) => match self.deadline(run, prepared, deadline, self.clock) {
                Some(until) if until > self.clock => Waiting::Parks(until),
                Some(until) if until == self.clock => Waiting::Passes(WokenBy::Deadline, deadline.target),
                _ => Waiting::Passes(WokenBy::Deadline, deadline.past.unwrap_or(deadline.target)),
            },
        }
    }

    /// The arm whose message has its status already.
    pub(super) fn already(&self, run: &Run, prepared: &Prepared, wait: &WaitDef) -> Option<(SmolStr, Pc)> {
        let env = self.env(prepared, Frame::of(run), &Value::Unset);
        let holds = |arm: &&Arm| {
            let pattern = &arm.pattern;
            let one = matches!(pattern.message, MessageRef::Handle(_) | MessageRef::Last);
            let Some(status) = status_of(&pattern.event) else { return false };
            let holds = match &pattern.link {
                Some(link) => env.clicked(link, pattern.message),
                None => env.status(status, pattern.message),
            };
            one && !arm.from_now && pattern.filter.is_none() && holds
        };
        wait.arms.iter().find(holds).map(|arm| (arm.pattern.event.clone(), arm.target))
    }

    /// Whether all that the wait waits for are messages that were not sent.
    pub(super) fn is_hopeless(&self, run: &Run, prepared: &Prepared, wait: &WaitDef) -> bool {
        wait.conditions.is_empty()
            && !wait.arms.is_empty()
            && wait.arms.iter().all(|arm| self.is_skipped(run, prepared, arm.pattern.message))
    }

    fn is_skipped(&self, run: &Run, prepared: &Prepared, message: MessageRef) -> bool {
        let env = self.env(prepared, Frame::of(run), &Value::Unset);
        matches!(message, MessageRef::Handle(_) | MessageRef::Last) && env.status(StatusKind::Skipped, message)
    }

    /// Where the first condition that holds leads.
    pub(super) fn condition(&self, run: &Run, prepared: &Prepared, wait: &WaitDef) -> Option<Pc> {
        let env = self.env(prepared, Frame::of(run), &Value::Unset);
        let holds = |clause| env.holds(clause, &mut CLAUSE_FUEL.clone());
        wait.conditions.iter().find(|(clause, _)| holds(*clause)).map(|(_, target)| *target)
    }

    fn deadline(&self, run: &Run, prepared: &Prepared, deadline: &Deadline, since: Instant) -> Option<Instant> {
        let mut env = self.env(prepared, Frame::of(run), &Value::Unset);
        env.since = since;
        env.instant(&env.value(deadline.at, &mut CLAUSE_FUEL.clone()))
    }

    /// Computes the end of the present wait again. A moment that is past now goes on like one that was past at the
    /// beginning. A moment that there is no more leads to `else`; without one the wait holds until there is one again.
    pub(super) fn replan(&mut self, mut run: Run, prepared: &Arc<Prepared>) {
        let Parked::Wait { wait: ix, since, until } = run.parked else { return self.put(run) };
        let deadline = prepared.program.waits.get(ix.index()).and_then(|wait| wait.deadline.as_ref());
        let Some(deadline) = deadline else { return self.put(run) };
        let planned = self.deadline(&run, prepared, deadline, since);
        if planned.is_none()
            && let Some(past) = deadline.past
        {
            return self.resume(run, prepared, WokenBy::Deadline, past);
        }
        let planned = planned.unwrap_or(Instant::NEVER);
        if planned < self.clock {
            return self.resume(run, prepared, WokenBy::Deadline, deadline.past.unwrap_or(deadline.target));
        }
        if planned != until {
            self.trace(Some(run.number), &run.journey, TraceEvent::Waiting { until: planned });
            run.parked = Parked::Wait { wait: ix, since, until: planned };
        }
        self.put(run);
    }
}

/// The status that an event of a message gives it.
fn status_of(event: &str) -> Option<StatusKind> {
    use StatusKind::{Bounced, Clicked, Delivered, Opened, Replied};
    [Delivered, Opened, Clicked, Replied, Bounced].into_iter().find(|status| status.name() == event)
}
