//! How runs and journeys react to what happens: exits, goals, waits, triggers.

use std::sync::Arc;

use journey_bytecode::{BuiltinEvent, EventPattern, Exit, MessageRef, Pc, Purpose, Reenter, TriggerKind, Value};
use smol_str::SmolStr;

use super::{Advance, CLAUSE_FUEL, Happening, MAX_UNUSED};
use crate::core::contact::{EndReason, Occurrence, Parked, Run};
use crate::core::effect::{NotEntered, TraceEvent, WokenBy};
use crate::core::link::{Prepared, TriggerKey};
use crate::core::vm::Frame;

impl Advance<'_> {
    /// Lets runs react, oldest first, then ended runs that hope for a goal, then triggers.
    pub(super) fn happen(&mut self, happening: Happening) {
        for number in self.active() {
            self.react(number, &happening);
        }
        self.late_goals(&happening);
        self.trigger(&happening);
    }

    fn react(&mut self, number: u32, happening: &Happening) {
        let Some((mut run, prepared)) = self.take(number) else { return };
        let program = &prepared.program;
        for exit in &program.exits {
            if let Exit::Event(pattern) = exit
                && self.matches(&run, &prepared, pattern, happening)
            {
                return self.end(run, &prepared, EndReason::Exit(pattern.event.clone()));
            }
        }
        if self.exit_condition(&run, &prepared) {
            return self.end(run, &prepared, EndReason::ExitCondition);
        }
        if self.goals(&mut run, &prepared, happening) {
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
        if happening.is(BuiltinEvent::Changed) && wait.deadline.as_ref().is_some_and(|deadline| deadline.replans) {
            return self.replan(run, &prepared);
        }
        self.put(run);
    }

    /// Whether some `exit when COND` holds.
    pub(super) fn exit_condition(&self, run: &Run, prepared: &Prepared) -> bool {
        let env = self.env(prepared, Frame::of(run), &Value::Unset);
        prepared.program.exits.iter().any(|exit| match exit {
            Exit::Condition(clause) => env.holds(*clause, &mut CLAUSE_FUEL.clone()),
            Exit::Event(_) => false,
        })
    }

    /// Notes the goals that this reaches; whether one of them ends the run.
    fn goals(&mut self, run: &mut Run, prepared: &Prepared, happening: &Happening) -> bool {
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
        if pattern.event != happening.event {
            return false;
        }
        let env = self.env(prepared, Frame::of(run), &happening.payload);
        let meant = match pattern.message {
            MessageRef::None | MessageRef::SinceEntry => true,
            MessageRef::Handle(_) | MessageRef::Last => {
                happening.message.is_some() && env.number(pattern.message) == happening.message
            }
            MessageRef::Any(channel) => {
                let message = happening.message.and_then(|number| self.contact.state.message(number));
                message.is_some_and(|message| channel.is_none_or(|channel| channel == message.channel))
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
    pub(super) fn earlier(
        &self,
        run: &mut Run,
        prepared: &Prepared,
        wait: &journey_bytecode::WaitDef,
    ) -> Option<(SmolStr, Pc)> {
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

    fn trigger(&mut self, happening: &Happening) {
        let text = |name: &str| match happening.payload.field(name) {
            Value::Text(text) => text,
            _ => SmolStr::default(),
        };
        let key = match BuiltinEvent::parse(&happening.event) {
            Some(BuiltinEvent::Tagged) => TriggerKey::Tag(text("tag")),
            Some(BuiltinEvent::Untagged) => TriggerKey::Untag(text("tag")),
            Some(BuiltinEvent::Created) => TriggerKey::Created,
            Some(BuiltinEvent::Changed) => TriggerKey::Changes(text("attribute")),
            _ => TriggerKey::Event(happening.event.clone()),
        };
        let mut done = None;
        for at in self.linked.triggers(&key) {
            // Two triggers of one journey that mean the same event start one run.
            if done == Some(at.program) {
                continue;
            }
            let Some(prepared) = self.linked.current(at.program).cloned() else { continue };
            let Some(trigger) = prepared.program.triggers.get(at.trigger) else { continue };
            let fits = match &trigger.kind {
                TriggerKind::Changes { from, to, .. } => {
                    from.as_ref().is_none_or(|from| *from == happening.payload.field("old"))
                        && to.as_ref().is_none_or(|to| *to == happening.payload.field("new"))
                }
                _ => true,
            };
            let env = self.env(&prepared, Frame::before(self.clock, &happening.payload), &happening.payload);
            if fits && trigger.filter.is_none_or(|filter| env.holds(filter, &mut CLAUSE_FUEL.clone())) {
                done = Some(at.program);
                self.enter(&prepared, &trigger.kind, &happening.payload);
            }
        }
    }

    fn enter(&mut self, prepared: &Arc<Prepared>, trigger: &TriggerKind, payload: &Value) {
        let program = &prepared.program;
        let env = self.env(prepared, Frame::before(self.clock, payload), payload);
        let filtered = program.filter.is_some_and(|filter| !env.holds(filter, &mut CLAUSE_FUEL.clone()));
        let key = program.key.map_or(Value::Unset, |key| env.value(key, &mut CLAUSE_FUEL.clone()));
        let refused = if filtered {
            Some(NotEntered::Filter)
        } else if self.is_unsubscribed(prepared) {
            Some(NotEntered::Unsubscribed)
        } else {
            self.refuses_again(prepared, &key)
        };
        if let Some(reason) = refused {
            return self.trace(None, &program.name, TraceEvent::NotEntered { reason });
        }
        let same = |run: &Run| run.journey == program.name && run.key == key;
        let active: Vec<u32> = self.contact.state.runs.iter().filter(|run| same(run)).map(|run| run.number).collect();
        for number in active {
            if let Some((run, prepared)) = self.take(number) {
                self.end(run, &prepared, EndReason::Restarted);
            }
        }
        // What is bought from now on belongs to the new run.
        for ended in &mut self.contact.state.ended {
            if ended.journey == program.name && ended.key == key {
                ended.goal = None;
            }
        }
        let number = self.contact.state.runs_begun;
        self.contact.state.runs_begun = number.saturating_add(1);
        let run = Run {
            number,
            journey: program.name.clone(),
            version: prepared.version,
            key,
            entered_at: self.clock,
            trigger: payload.clone(),
            slots: vec![Value::Unset; program.slots.len()],
            handles: Vec::new(),
            last_message: None,
            parked: Parked::Deferred { at: program.entry, until: self.clock },
            recheck: None,
            unused: Vec::new(),
            reached: Vec::new(),
        };
        let entered = TraceEvent::Entered { version: prepared.version, trigger: words(trigger) };
        self.trace(Some(number), &program.name, entered);
        if self.exit_condition(&run, prepared) {
            return self.end(run, prepared, EndReason::ExitCondition);
        }
        self.go(run, prepared, program.entry);
    }

    /// Why the re-entry rule lets no run begin.
    fn refuses_again(&self, prepared: &Prepared, key: &Value) -> Option<NotEntered> {
        let program = &prepared.program;
        let state = &self.contact.state;
        let active = state.runs.iter().any(|run| run.journey == program.name && run.key == *key);
        if active && program.reenter != Reenter::Restart {
            return Some(NotEntered::Active);
        }
        let last = state.ended.iter().find(|ended| ended.journey == program.name && ended.key == *key)?;
        match program.reenter {
            Reenter::Always | Reenter::Restart => None,
            Reenter::Never => Some(NotEntered::Never),
            Reenter::After(span) => {
                let until = self.zone().add(last.entered_at, span);
                (self.clock < until).then_some(NotEntered::TooEarly { until })
            }
        }
    }

    /// Whether the contact unsubscribed from the journey's topic.
    pub(super) fn is_unsubscribed(&self, prepared: &Prepared) -> bool {
        let program = &prepared.program;
        let Some(topic) = &program.topic else { return false };
        let state = &self.contact.state;
        program.purpose != Some(Purpose::Transactional)
            && (state.unsubscribed_all || state.unsubscribed.contains(topic))
    }
}

fn words(trigger: &TriggerKind) -> String {
    match trigger {
        TriggerKind::Tag(tag) => format!("tag {tag}"),
        TriggerKind::Untag(tag) => format!("untag {tag}"),
        TriggerKind::Event(event) => event.to_string(),
        TriggerKind::Created => "created".to_owned(),
        TriggerKind::Changes { attribute, .. } => format!("{attribute} changes"),
        TriggerKind::Enters(segment, _) => format!("enters {segment}"),
        TriggerKind::Leaves(segment, _) => format!("leaves {segment}"),
        TriggerKind::Reaches { funnel, stage } => format!("reaches {funnel}.{stage}"),
        TriggerKind::Moment(_) => "moment".to_owned(),
        TriggerKind::Message(status, None) => status.name().to_owned(),
        TriggerKind::Message(status, Some(message)) => format!("{} {message}", status.name()),
        TriggerKind::Unsubscribed(None) => "unsubscribed".to_owned(),
        TriggerKind::Unsubscribed(Some(topic)) => format!("unsubscribed {topic}"),
        TriggerKind::Call => "call".to_owned(),
    }
}
