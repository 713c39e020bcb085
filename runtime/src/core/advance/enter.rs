//! How journeys begin: triggers, filters, keys, re-entry.

use std::sync::Arc;

use journey_bytecode::{
    BuiltinEvent, Channel, Clause, Collect, Instant, MessageScope, Purpose, Reenter, TriggerKind, Value, WRITTEN_WORD,
    written_word,
};
use smol_str::SmolStr;

use super::{Advance, CLAUSE_FUEL, Happening, MAX_COLLECTED};
use crate::core::contact::{EndReason, Parked, Run};
use crate::core::effect::{NotEntered, Seen, TraceEvent, WokenBy};
use crate::core::link::{Prepared, TriggerKey};
use crate::core::vm::{Env, Frame, draw};
use crate::core::witness::Decisions;

impl Advance<'_> {
    /// Lets the journeys begin that this triggers.
    pub(super) fn trigger(&mut self, happening: &Happening) {
        let text = |name: &str| match happening.payload.field(name) {
            Value::Text(text) => text,
            _ => SmolStr::default(),
        };
        let key = match BuiltinEvent::parse(&happening.event) {
            Some(BuiltinEvent::Tagged) => TriggerKey::Tag(text("tag")),
            Some(BuiltinEvent::Untagged) => TriggerKey::Untag(text("tag")),
            Some(BuiltinEvent::Created) => TriggerKey::Created,
            Some(BuiltinEvent::Changed) => TriggerKey::Changes(text("attribute")),
            Some(BuiltinEvent::Moved) => TriggerKey::Reaches(text("funnel"), text("stage")),
            Some(BuiltinEvent::Subscribed) => TriggerKey::Subscribed,
            Some(BuiltinEvent::Unsubscribed) => TriggerKey::Unsubscribed,
            Some(BuiltinEvent::Message) => TriggerKey::Inbound,
            Some(
                event @ (BuiltinEvent::Sent
                | BuiltinEvent::Delivered
                | BuiltinEvent::Opened
                | BuiltinEvent::Clicked
                | BuiltinEvent::Replied
                | BuiltinEvent::Bounced
                | BuiltinEvent::Complained
                | BuiltinEvent::Failed),
            ) => TriggerKey::Message(event.name()),
            None => TriggerKey::Event(happening.event.clone()),
        };
        self.triggered(&key, happening);
    }

    /// Lets the journeys begin that listen for this.
    pub(super) fn triggered(&mut self, key: &TriggerKey, happening: &Happening) {
        // Two triggers of one journey that mean the same event start one run.
        let mut done = Vec::new();
        let mut refused = Vec::new();
        for at in self.linked.triggers(key) {
            if done.contains(&at.program) {
                continue;
            }
            let Some(prepared) = self.linked.current(at.program).cloned() else { continue };
            let Some(trigger) = prepared.program.triggers.get(at.trigger) else { continue };
            if !self.means(&trigger.kind, happening) {
                continue;
            }
            let env = self.env(&prepared, Frame::before(self.clock, &happening.payload), &happening.payload);
            if let Some(saw) = trigger.filter.and_then(|filter| refusal(&env, filter)) {
                refused.push((at.program, prepared, saw));
            } else {
                done.push(at.program);
                self.enter(&prepared, trigger_words(&trigger.kind), &happening.payload);
            }
        }
        for (program, prepared, saw) in refused {
            if !done.contains(&program) {
                done.push(program);
                let reason = NotEntered::Trigger { saw };
                self.trace(None, &prepared.program.name, TraceEvent::NotEntered { reason });
            }
        }
    }

    /// Whether a trigger that listens for such events means this one.
    fn means(&self, trigger: &TriggerKind, happening: &Happening) -> bool {
        match trigger {
            TriggerKind::Changes { from, to, .. } => {
                from.as_ref().is_none_or(|from| *from == happening.payload.field("old"))
                    && to.as_ref().is_none_or(|to| *to == happening.payload.field("new"))
            }
            TriggerKind::Message(_, scope, link) => {
                let message = happening.message.and_then(|number| self.contact.state.message(number));
                let scoped = message.is_some_and(|message| match scope {
                    MessageScope::Any => true,
                    MessageScope::Channel(channel) => message.channel == *channel,
                    MessageScope::Named(name) => message.name == *name,
                    MessageScope::Topic(topic) => message.topic.as_ref() == Some(topic),
                });
                scoped && link.as_ref().is_none_or(|link| happening.payload.field("link") == Value::Text(link.clone()))
            }
            // Who wants nothing at all wants none of the topic, and who consents to all channels consents to each.
            TriggerKind::Subscribed(topic, channel) => {
                let given = topic.as_ref().is_none_or(|topic| happening.payload.field("topic") == text(topic));
                given && is_via(happening, *channel)
            }
            TriggerKind::Unsubscribed(topic, channel) => {
                let withdrawn = happening.payload.field("topic");
                let meant = topic.as_ref().is_none_or(|topic| withdrawn == text("") || withdrawn == text(topic));
                meant
                    && is_via(happening, *channel)
                    && (channel.is_some() || happening.payload.field("channel") == text(""))
            }
            TriggerKind::Inbound(wanted, channel) => {
                let word = happening.payload.field(WRITTEN_WORD);
                let meant = wanted.as_ref().is_none_or(|wanted| word == text(&written_word(wanted)));
                meant && channel.is_none_or(|channel| happening.payload.field("channel") == text(channel.name()))
            }
            _ => true,
        }
    }

    /// `start journey`
    pub(super) fn start(&mut self, journey: &str, payload: &Value) {
        if let Some(prepared) = self.linked.journey(journey).cloned() {
            self.enter(&prepared, "call".to_owned(), payload);
        }
    }

    /// Begins a run, or says why not.
    pub(super) fn enter(&mut self, prepared: &Arc<Prepared>, trigger: String, payload: &Value) {
        let program = &prepared.program;
        let env = self.env(prepared, Frame::before(self.clock, payload), payload);
        let filtered = program.filter.and_then(|filter| refusal(&env, filter));
        let key = program.key.map_or(Value::Unset, |key| env.value(key, &mut CLAUSE_FUEL.clone()));
        if filtered.is_none()
            && let Some(collect) = &program.collect
            && self.gather(prepared, collect, &key, payload)
        {
            return;
        }
        let refused = if let Some(saw) = filtered {
            Some(NotEntered::Filter { saw })
        } else if self.is_unsubscribed(prepared) {
            Some(NotEntered::Unsubscribed)
        } else if let Some(reason) = self.refuses_again(prepared, &key) {
            Some(reason)
        } else {
            let held = draw(&format!("holdout\0{}", program.name), &self.contact.key) < program.holdout;
            held.then_some(NotEntered::Holdout)
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
        self.stirred = true;
        let number = self.contact.state.runs_begun;
        self.contact.state.runs_begun = number.saturating_add(1);
        let mut run = Run {
            number,
            journey: program.name.clone(),
            version: prepared.version,
            key,
            entered_at: self.clock,
            trigger: payload.clone(),
            slots: vec![Value::Unset; program.slots.len()],
            handles: Vec::new(),
            last_message: None,
            parked: Parked::Collecting { until: self.clock },
            recheck: None,
            unused: Vec::new(),
            reached: Vec::new(),
            leaving: None,
            sides: Vec::new(),
        };
        self.trace(Some(number), &program.name, TraceEvent::Entered { version: prepared.version, trigger });
        self.changes.set(Instant::NEVER);
        if let Some((reason, then)) = self.exit_condition(&run, prepared) {
            return self.exit(run, prepared, reason, then);
        }
        let Some(collect) = program.collect.as_ref().filter(|collect| collect.most != Some(1)) else {
            if let Some(collect) = &program.collect {
                append(&mut run, collect, payload);
            }
            return self.go(run, prepared, program.entry);
        };
        append(&mut run, collect, payload);
        let until = {
            let env = self.env(prepared, Frame::of(&run), &Value::Unset);
            env.instant(&env.value(collect.until, &mut CLAUSE_FUEL.clone())).unwrap_or(self.clock)
        };
        self.trace(Some(number), &program.name, TraceEvent::Waiting { until });
        run.parked = Parked::Collecting { until };
        run.recheck = self.recheck();
        self.put(run);
    }

    /// Gives the trigger to a run of this journey and key that still gathers; whether there is one.
    fn gather(&mut self, prepared: &Prepared, collect: &Collect, key: &Value, payload: &Value) -> bool {
        let gathers = |run: &&Run| {
            run.version == prepared.version && run.key == *key && matches!(run.parked, Parked::Collecting { .. })
        };
        let Some(number) = self.contact.state.runs.iter().find(gathers).map(|run| run.number) else { return false };
        let Some((mut run, prepared)) = self.take(number) else { return false };
        let gathered = append(&mut run, collect, payload);
        let most = collect.most.and_then(|most| usize::try_from(most).ok()).unwrap_or(MAX_COLLECTED);
        if gathered >= most.min(MAX_COLLECTED) {
            self.resume(run, &prepared, WokenBy::Condition, prepared.program.entry);
        } else {
            self.put(run);
        }
        true
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
        program.purpose != Some(Purpose::Transactional)
            && program.topic.as_ref().is_some_and(|topic| self.contact.state.unsubscribed_from(Some(topic), self.clock))
    }
}

/// Adds a trigger's payload to the list that a run gathers; how many there are.
fn append(run: &mut Run, collect: &Collect, payload: &Value) -> usize {
    let Some(slot) = run.slots.get_mut(collect.slot.index()) else { return 0 };
    let mut list = match slot {
        Value::List(list) => list.to_vec(),
        _ => Vec::new(),
    };
    list.push(payload.clone());
    let gathered = list.len();
    *slot = Value::List(list.into());
    gathered
}

/// Whether consent on this channel is what it is about: what holds for all channels holds for each.
fn is_via(happening: &Happening, channel: Option<Channel>) -> bool {
    let of = happening.payload.field("channel");
    channel.is_none_or(|channel| of == text("") || of == text(channel.name()))
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

/// What a filter saw that does not hold. One that holds has nothing to tell, so nobody watches it.
fn refusal(env: &Env<'_>, filter: Clause) -> Option<Vec<Seen>> {
    if env.holds(filter, &mut CLAUSE_FUEL.clone()) {
        return None;
    }
    let mut decisions = Decisions::default();
    env.witnessed(filter, &mut CLAUSE_FUEL.clone(), &mut decisions);
    Some(decisions.saw)
}

/// `unsubscribed offers via sms`
fn with_channel(word: &str, what: Option<&impl std::fmt::Display>, channel: Option<Channel>) -> String {
    let what = what.map(|what| format!(" {what}")).unwrap_or_default();
    let via = channel.map(|channel| format!(" via {channel}")).unwrap_or_default();
    format!("{word}{what}{via}")
}

/// What starts a run, in words.
pub fn trigger_words(trigger: &TriggerKind) -> String {
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
        TriggerKind::Message(status, MessageScope::Any, None) => status.name().to_owned(),
        TriggerKind::Message(status, message, None) => format!("{} {message}", status.name()),
        TriggerKind::Message(status, message, Some(link)) => format!("{} {message} link {link:?}", status.name()),
        TriggerKind::Subscribed(topic, channel) => with_channel("subscribed", topic.as_ref(), *channel),
        TriggerKind::Unsubscribed(topic, channel) => with_channel("unsubscribed", topic.as_ref(), *channel),
        TriggerKind::Inbound(text, channel) => {
            with_channel("message", text.as_ref().map(|text| format!("{text:?}")).as_ref(), *channel)
        }
        TriggerKind::Call => "call".to_owned(),
    }
}
