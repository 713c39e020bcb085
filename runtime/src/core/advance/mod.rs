//! Advances one contact: applies what happened to it, fires the timers that are due, and says what follows.
//!
//! # Time
//!
//! Everything happens in the order of its moments, also when it is processed late: a timer that fell due before an event
//! fires before it, as of the moment for which it was planned, so that calendar computations come out as if nobody had
//! been late. At one instant the event comes first, then segments that time alone changes, then runs go on; when none is
//! due any more, the calendar begins new ones, so that a run that ends now is in nobody's way. The contact's own time
//! ([`State::clock`](super::contact::State)) never goes back: an event that reaches us after later things were processed
//! counts as happening now.
//!
//! A message cannot leave in the past. When one leaves more than [`PUNCTUAL`] after its moment, as after an outage, the
//! contact's time jumps to the real one: what the journey wanted a day apart stays a day apart, and nothing is sent
//! early. Quiet hours are kept at the planned moment and at the real one.

mod consent;
mod enter;
mod gate;
mod merge;
mod migrate;
mod pause;
mod prune;
mod react;
mod request;
mod score;
mod steps;
mod watch;

pub use enter::trigger_words;

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;

use journey_bytecode::{
    BuiltinEvent, Channel, ExitKind, Instant, Pc, Span, StatusKind, Value, Version, WRITTEN_WORD, past_change,
    past_journey, written_word,
};
use smol_str::SmolStr;

use super::contact::{
    Contact, ERASED, EndReason, EndedRun, MessageStatus, Parked, PastEvent, Run, SentMessage, State, erased_key,
};
use super::effect::{Errand, Outcome, TraceEntry, TraceEvent, WokenBy};
use super::input::{Answer, Evidence, Input, InputKind, MessageName};
use super::link::{Linked, Prepared, TriggerKey};
use super::vm::{Env, Frame, zone_of};
use crate::time::Zone;

/// How late a message may leave and still count as sent at its planned moment: a quarter of an hour, in milliseconds.
pub const PUNCTUAL: i64 = 15 * 60_000;

/// The most instructions that the runs of one contact in one journey execute in one advance.
pub const FUEL: u32 = 1_000_000;

/// What a send costs of it: caps look at every message that the contact remembers, so a run that sends without end must
/// stop long before one that only counts.
const SEND_FUEL: u32 = 500;

/// The most timers that one advance fires in the order of their moments, as after an outage: conditions that change with
/// time and moments of the calendar are beyond it looked at once more, at the end.
pub const MAX_TIMERS: u32 = 10_000;

/// Why a run fails that could never go on.
const HOPELESS: &str = "it waits, without a time-out, for something to happen to a message that was not sent";

/// Why there is no answer if none came.
const LATE: &str = "no answer came in time";

/// How close two looks at a condition that changes with time may follow each other: a second, in milliseconds.
const RECHECK_STEP: i64 = 1000;

/// The most instructions of one clause.
pub const CLAUSE_FUEL: u32 = 100_000;

/// The most changes of tags and attributes by runs that may follow from one input or timer.
pub const MAX_CHAIN: u32 = 256;

/// The most unused occurrences that a run remembers; the oldest is dropped.
pub const MAX_UNUSED: usize = 64;

/// The most past events that a contact remembers; the oldest is dropped.
pub const MAX_HISTORY: usize = 1000;

/// The most triggers that one run gathers; with so many it begins.
pub const MAX_COLLECTED: usize = 1000;

/// The most ended runs that a contact remembers; the oldest is dropped.
pub const MAX_ENDED: usize = 512;

/// The most messages that a contact remembers; the oldest is dropped, of those that were refused first.
pub const MAX_MESSAGES: usize = 512;

/// After so many messages in a row that came back, nothing more goes to the address.
const BOUNCES: u32 = 3;

/// Applies the inputs (in the order of their places; those applied before are ignored) and fires the timers that are due
/// at `now`.
pub fn advance(linked: &Linked, contact: &mut Contact, inputs: &[Input], now: Instant) -> Outcome {
    run(linked, contact, inputs, now, now)
}

/// Applies the first inputs of more that have happened before `now`: timers that are due after the last of these do not
/// fire yet, so that the contact may be due already when it returns.
pub fn advance_part(linked: &Linked, contact: &mut Contact, inputs: &[Input], now: Instant) -> Outcome {
    run(linked, contact, inputs, now, Instant(i64::MIN))
}

fn run(linked: &Linked, contact: &mut Contact, inputs: &[Input], now: Instant, until: Instant) -> Outcome {
    let mut advance = Advance {
        linked,
        contact,
        wall: now,
        clock: Instant::default(),
        out: Outcome::default(),
        queue: VecDeque::new(),
        chain: 0,
        fuel: Vec::new(),
        changes: Cell::new(Instant::NEVER),
        fired: 0,
        skipping: None,
        stirred: false,
    };
    advance.clock = advance.contact.state.clock;
    if advance.contact.is_erased() {
        advance.forget(inputs);
        return advance.out;
    }
    if advance.contact.is_merged() {
        return advance.out;
    }
    advance.begin_watches();
    for input in inputs {
        if input.seq > advance.contact.state.applied {
            advance.input(input);
        }
    }
    advance.fire(until);
    advance.contact.state.clock = advance.clock;
    let mut out = advance.out;
    out.due = contact.state.due();
    out
}

/// An advance under way.
struct Advance<'a> {
    linked: &'a Linked,
    contact: &'a mut Contact,
    /// The real time.
    wall: Instant,
    /// The contact's time.
    clock: Instant,
    out: Outcome,
    /// What runs did to the contact, for other runs to react to.
    queue: VecDeque<Pending>,
    /// How many changes followed from the present input or timer.
    chain: u32,
    /// What is left to each journey that has executed.
    fuel: Vec<(Version, u32)>,
    /// When time alone may change the conditions asked last.
    changes: Cell<Instant>,
    /// How many timers it fired.
    fired: u32,
    /// The run that sends nothing until it parks, because its messages fell due while its journey was paused.
    skipping: Option<u32>,
    /// Whether something changed that no event tells of: which runs there are, messages, addresses, consent.
    stirred: bool,
}

/// What is still to be done about something that a run did.
enum Pending {
    /// Others may react.
    Happened(Happening),
    /// The contact entered or left a segment; what that starts.
    Crossed(Happening, TriggerKey),
    /// A journey is to be started.
    Start(SmolStr, Value),
    /// Consent to a topic, or to everything, was withdrawn, perhaps on one channel alone.
    Withdrawn(Option<SmolStr>, Option<Channel>),
    /// The contact is to be erased.
    Erase,
}

/// Something that runs can react to.
struct Happening {
    event: SmolStr,
    payload: Value,
    /// For events of a message: which.
    message: Option<u32>,
}

impl Happening {
    fn builtin<const N: usize>(event: BuiltinEvent, fields: [(&'static str, Value); N]) -> Self {
        Self { event: SmolStr::new_static(event.name()), payload: record(fields), message: None }
    }

    fn tagged(tag: SmolStr) -> Self {
        Self::builtin(BuiltinEvent::Tagged, [("tag", Value::Text(tag))])
    }

    fn untagged(tag: SmolStr) -> Self {
        Self::builtin(BuiltinEvent::Untagged, [("tag", Value::Text(tag))])
    }

    fn changed(attribute: SmolStr, old: Value, new: Value) -> Self {
        Self::builtin(BuiltinEvent::Changed, [("attribute", Value::Text(attribute)), ("old", old), ("new", new)])
    }

    /// Consent was given or withdrawn: to a topic or to everything, on one channel or all.
    fn consent(event: BuiltinEvent, topic: Option<SmolStr>, channel: Option<Channel>) -> Self {
        let channel = channel.map_or("", Channel::name).into();
        Self::builtin(event, [("topic", Value::Text(topic.unwrap_or_default())), ("channel", Value::Text(channel))])
    }

    fn is(&self, event: BuiltinEvent) -> bool {
        self.event == event.name()
    }
}

fn record<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
    Value::Record(fields.map(|(name, value)| (SmolStr::new_static(name), value)).into_iter().collect())
}

impl Advance<'_> {
    fn input(&mut self, input: &Input) {
        let moment = input.at.min(self.wall).max(self.clock);
        self.fire(Instant(moment.0.saturating_sub(1)));
        // A message that left late may have moved the contact's time.
        self.clock = self.clock.max(moment);
        self.chain = 0;
        self.expire_consents();
        let first = self.contact.state.applied == 0;
        // What was decided until here does not know this input, which may be an unsubscribe.
        self.out.knew.resize(self.out.outgoing.len(), self.contact.state.applied);
        self.contact.state.applied = input.seq;
        if self.contact.is_erased() {
            return self.forget_alias(input);
        }
        if let InputKind::MergeInto { contact } = input.kind {
            return self.hand_over(contact, input.seq);
        }
        if first && !matches!(input.kind, InputKind::Upsert { .. }) {
            self.happen(Happening::builtin(BuiltinEvent::Created, []));
        }
        let Some(kind) = input.kind.here(&self.contact.state.identities) else { return };
        match &*kind {
            InputKind::Upsert { attributes, add_tags, remove_tags } => {
                self.upsert(first, attributes, add_tags, remove_tags);
            }
            InputKind::Event { name, payload } => {
                self.keep(name, input.at.min(self.wall), payload);
                self.happen(Happening { event: name.clone(), payload: payload.clone(), message: None });
            }
            InputKind::Message { message, status, link, machine } => {
                self.message(message, *status, link.as_ref(), *machine);
            }
            InputKind::Subscribe { topic, channel, evidence } => {
                self.resubscribe(topic, *channel, input.at.min(self.wall));
                if let Some(subscribed) = self.subscribe(topic, *channel, evidence) {
                    self.happen(subscribed);
                }
            }
            InputKind::Unsubscribe { topic } => {
                if self.withdraw(topic.as_ref()) {
                    self.withdrawn(topic.clone(), None);
                }
            }
            InputKind::UnsubscribeVia { topic, channel } => {
                if self.withdraw_via(topic.as_ref(), *channel, &Evidence::default()) {
                    self.withdrawn(topic.clone(), Some(*channel));
                }
            }
            InputKind::Silence { channel, address, words } => self.silence(*channel, address, words),
            InputKind::EndSilence { channel, address, words } => self.end_silence(*channel, address, words),
            InputKind::Inbound { channel, text } => self.written(*channel, text),
            InputKind::MoveTo { funnel, stage } => {
                if let Some(moved) = self.move_stage(funnel, stage) {
                    self.happen(moved);
                }
            }
            InputKind::Delete => self.erase(),
            InputKind::Start { journey, payload } => self.start(journey, payload),
            InputKind::Undeliverable { message } => {
                if let Some(channel) = self.message(message, StatusKind::Bounced, None, false) {
                    self.give_up_address(channel);
                }
            }
            InputKind::Answer { number, answer } => self.answered(*number, answer),
            InputKind::Decision { answer, journey } => self.decided(answer, journey.as_ref()),
            InputKind::Migrate { to } => self.migrate(*to),
            InputKind::Resume { journey, paused, backlog } => {
                self.resume_journey(journey, *paused, input.at.min(self.clock), *backlog);
            }
            InputKind::Absorb { contact } => self.absorb(contact),
            // What there is to do is done at the beginning of each advance; whoever has the id joins in an input of its own.
            InputKind::Deployed | InputKind::Alias { .. } => {}
            InputKind::MergeInto { .. } | InputKind::OfAlias { .. } => {}
        }
        if first {
            self.plan_moments();
        }
        self.settle();
    }

    /// Takes over attributes and tags, all at once, and then lets runs react to each change.
    fn upsert(&mut self, first: bool, attributes: &[(SmolStr, Value)], add: &[SmolStr], remove: &[SmolStr]) {
        let mut happenings = Vec::new();
        if first {
            happenings.push(Happening::builtin(BuiltinEvent::Created, []));
        }
        for (name, value) in attributes {
            let changed = self.set(name, value.clone());
            // What a contact is born with did not change.
            if let Some(changed) = changed.filter(|_| !first) {
                self.keep_change(&changed);
                happenings.push(changed);
            }
        }
        for tag in remove {
            if self.contact.tags.remove(tag) {
                happenings.push(Happening::untagged(tag.clone()));
            }
        }
        for tag in add {
            if self.contact.tags.insert(tag.clone()) {
                happenings.push(Happening::tagged(tag.clone()));
            }
        }
        for happening in happenings {
            self.happen(happening);
        }
    }

    /// Sets an attribute; what changed, if it did.
    fn set(&mut self, name: &SmolStr, value: Value) -> Option<Happening> {
        let default = self.linked.default_of(name);
        let effective = |given: Option<&Value>| given.or(default).cloned().unwrap_or_default();
        let old = effective(self.contact.attributes.get(name));
        if value.is_set() {
            self.contact.attributes.insert(name.clone(), value);
        } else {
            self.contact.attributes.remove(name);
        }
        let new = effective(self.contact.attributes.get(name));
        (old != new).then(|| Happening::changed(name.clone(), old, new))
    }

    /// Records what happened to a message. What a program did is told in the trace and counts for nothing else. Nobody
    /// clicks what they have not opened, so a click counts as an open if none was seen. Returns the message's channel.
    fn message(
        &mut self,
        message: &MessageName,
        status: StatusKind,
        link: Option<&SmolStr>,
        machine: bool,
    ) -> Option<Channel> {
        let messages = &self.contact.state.messages;
        let place = match message {
            MessageName::Number(number) => messages.binary_search_by_key(number, |m| m.number).ok(),
            MessageName::Newest(name) => {
                let named = messages.iter().enumerate().filter(|(_, message)| message.name == *name);
                let newest = named.max_by_key(|(place, message)| (message.at, *place)).map(|(place, _)| place);
                newest.or_else(|| self.foreign(name))
            }
        };
        let sent = self.contact.state.messages.get_mut(place?)?;
        let (number, run, journey, channel) = (sent.number, sent.run, sent.journey.clone(), sent.channel);
        let implied = status == StatusKind::Clicked && !machine && !sent.has(StatusKind::Opened);
        let clock = self.clock;
        let mut record = |kind| match sent.statuses.iter_mut().find(|known| known.kind == kind) {
            Some(known) => known.last = clock,
            None => sent.statuses.push(MessageStatus { kind, first: clock, last: clock }),
        };
        if implied {
            record(StatusKind::Opened);
        }
        if !machine {
            record(status);
            if let Some(link) = link
                && !sent.clicked.contains(link)
            {
                sent.clicked.push(link.clone());
            }
        }
        for status in implied.then_some(StatusKind::Opened).into_iter().chain([status]) {
            self.trace(run, &journey, TraceEvent::Message { message: number, status, machine });
            let event = match status {
                StatusKind::Delivered => BuiltinEvent::Delivered,
                StatusKind::Opened => BuiltinEvent::Opened,
                StatusKind::Clicked => BuiltinEvent::Clicked,
                StatusKind::Replied => BuiltinEvent::Replied,
                StatusKind::Bounced => BuiltinEvent::Bounced,
                StatusKind::Complained => BuiltinEvent::Complained,
                StatusKind::Failed => BuiltinEvent::Failed,
                // We know that ourselves.
                StatusKind::Sent => continue,
                StatusKind::Skipped => {
                    // The outbox could not send it after all: nobody need wait for its open.
                    self.active().into_iter().for_each(|run| self.look_again(run));
                    continue;
                }
            };
            if !machine {
                let link = link.filter(|_| status == StatusKind::Clicked).cloned().map(Value::Text);
                let fields = link.map(|link| [("link", link)]);
                let mut happening = match fields {
                    Some(fields) => Happening::builtin(event, fields),
                    None => Happening::builtin(event, []),
                };
                happening.message = Some(number);
                self.happen(happening);
            }
        }
        if !machine {
            self.count_bounces(channel, status);
            // Whoever calls it spam wants no more of it.
            if status == StatusKind::Complained && self.withdraw(None) {
                self.withdrawn(None, None);
            }
        }
        Some(channel)
    }

    /// What comes back again and again has no reader. A server's taking a message is no sign of one; a person's act is.
    fn count_bounces(&mut self, channel: Channel, status: StatusKind) {
        let bounced = &mut self.contact.state.bounced;
        match status {
            StatusKind::Bounced | StatusKind::Failed => {
                let count = bounced.entry(channel).or_default();
                *count = count.saturating_add(1);
                if *count >= BOUNCES {
                    bounced.remove(&channel);
                    self.give_up_address(channel);
                }
            }
            StatusKind::Opened | StatusKind::Clicked | StatusKind::Replied => _ = bounced.remove(&channel),
            StatusKind::Sent | StatusKind::Delivered | StatusKind::Complained | StatusKind::Skipped => {}
        }
    }

    /// Nothing more goes to the contact's present address on the channel.
    pub(super) fn give_up_address(&mut self, channel: Channel) {
        if let Some(address) = self.address(channel) {
            self.stirred = true;
            self.contact.state.unreachable.insert(channel, address);
        }
    }

    /// A message that we know of by its status alone: where names count as declared by their use, another system may
    /// have sent it. Its place among the contact's messages.
    fn foreign(&mut self, name: &SmolStr) -> Option<usize> {
        if !self.linked.bundle().schema.open {
            return None;
        }
        let state = &mut self.contact.state;
        let number = state.messages_begun;
        state.messages_begun = number.saturating_add(1);
        state.messages.push(SentMessage {
            number,
            run: None,
            journey: SmolStr::default(),
            name: name.clone(),
            channel: Channel::Email,
            topic: None,
            marketing: false,
            at: self.clock,
            statuses: Vec::new(),
            clicked: Vec::new(),
        });
        state.messages.len().checked_sub(1)
    }

    /// The contact wrote to us.
    fn written(&mut self, channel: Channel, text: &SmolStr) {
        let fields = [
            ("text", Value::Text(text.clone())),
            ("channel", Value::Text(channel.name().into())),
            (WRITTEN_WORD, Value::Text(written_word(text))),
        ];
        self.happen(Happening::builtin(BuiltinEvent::Message, fields));
    }

    /// Ends all runs and forgets everything about the contact; whoever keeps it forgets the rest.
    fn erase(&mut self) {
        self.out.silenced =
            Channel::ALL.iter().filter_map(|channel| Some((*channel, self.address(*channel)?))).collect();
        for number in self.active() {
            if let Some((run, prepared)) = self.take(number) {
                self.end(run, &prepared, EndReason::Deleted);
            }
        }
        self.out.erased.extend(self.contact.state.identities.aliases.iter().map(|alias| alias.contact));
        let state = &mut self.contact.state;
        let kept = State {
            applied: state.applied,
            clock: state.clock,
            runs_begun: state.runs_begun,
            messages_begun: state.messages_begun,
            traced: state.traced,
            suppressed: Some(SmolStr::new_static(ERASED)),
            ..State::default()
        };
        *state = kept;
        self.contact.key = erased_key(self.contact.id);
        self.contact.attributes.clear();
        self.contact.tags.clear();
        self.queue.clear();
        self.out.outgoing.retain(|outgoing| !matches!(outgoing.errand, Errand::Message | Errand::Elsewhere));
        self.out.knew.clear();
        self.out.erase = true;
    }

    /// What comes to a contact that was erased goes the same way.
    fn forget(&mut self, inputs: &[Input]) {
        let state = &mut self.contact.state;
        state.applied = inputs.iter().map(|input| input.seq).fold(state.applied, i64::max);
        inputs.iter().for_each(|input| self.forget_alias(input));
        self.out.erase = true;
    }

    /// Remembers a change of an attribute.
    fn keep_change(&mut self, changed: &Happening) {
        if let Value::Text(attribute) = changed.payload.field("attribute") {
            self.keep(&past_change(&attribute), self.clock, &changed.payload);
        }
    }

    /// Remembers an event if a program asks for it, in the order in which events happened.
    fn keep(&mut self, event: &SmolStr, at: Instant, payload: &Value) {
        let Some(memory) = self.linked.asks_for(event) else { return };
        let fields = memory.fields.iter().map(|name| (name.clone(), payload.field(name)));
        let payload = Value::Record(fields.filter(|(_, value)| value.is_set()).collect());
        let history = &mut self.contact.state.history;
        let place = history.partition_point(|past| past.at <= at);
        history.insert(place, PastEvent { event: event.clone(), at, payload });
    }

    /// Fires the timers that are due at `until`, in the order of their moments.
    fn fire(&mut self, until: Instant) {
        while let Some(due) = self.contact.state.due().filter(|due| *due <= until) {
            if due > self.clock {
                self.chain = 0;
            }
            self.clock = self.clock.max(due);
            self.expire_consents();
            self.fired = self.fired.saturating_add(1);
            // Segments that time alone changes: what follows from that comes before what is due.
            self.rest();
            // Of two runs that are due at one moment, that of the more important journey goes first.
            let runs = self.contact.state.runs.iter().filter(|run| run.due() == due);
            let first = runs.min_by_key(|run| (self.rank(run), run.number));
            match first.map(|run| run.number) {
                Some(number) => self.wake(number),
                None => self.fire_moments(due),
            }
            self.settle();
        }
    }

    /// Lets a run go on whose timer fired, or looks again at its conditions.
    fn wake(&mut self, number: u32) {
        let Some((run, prepared)) = self.take(number) else { return };
        self.changes.set(Instant::NEVER);
        if let Some((reason, then)) = self.exit_condition(&run, &prepared) {
            return self.exit(run, &prepared, reason, then);
        }
        // A condition that holds wins over the time-out, as an event does.
        if run.until() > self.clock || self.holds_at_wait(&run, &prepared) {
            return self.look_at_wait(run, &prepared);
        }
        let (by, target) = match run.parked {
            Parked::Deferred { at, .. } => (WokenBy::Window, Some(at)),
            Parked::Paused { at, .. } => (WokenBy::Resumed, Some(at)),
            Parked::Asking { number, .. } => {
                return self.unanswered(run, &prepared, number, Answer::None(LATE.to_owned()));
            }
            Parked::Collecting { .. } => (WokenBy::Deadline, Some(prepared.program.entry)),
            Parked::Wait { wait, .. } => {
                let wait = prepared.program.waits.get(wait.index());
                (WokenBy::Deadline, wait.and_then(|wait| wait.deadline.as_ref()).map(|deadline| deadline.target))
            }
        };
        match target {
            Some(target) => self.resume(run, &prepared, by, target),
            None => self.end(run, &prepared, EndReason::Failed("it waited for nothing".to_owned())),
        }
    }

    /// Looks again at the conditions of a parked run.
    fn look_again(&mut self, number: u32) {
        let Some((run, prepared)) = self.take(number) else { return };
        self.changes.set(Instant::NEVER);
        if let Some((reason, then)) = self.exit_condition(&run, &prepared) {
            return self.exit(run, &prepared, reason, then);
        }
        self.look_at_wait(run, &prepared);
    }

    fn holds_at_wait(&self, run: &Run, prepared: &Prepared) -> bool {
        let Parked::Wait { wait, .. } = run.parked else { return false };
        prepared.program.waits.get(wait.index()).is_some_and(|wait| self.condition(run, prepared, wait).is_some())
    }

    /// Lets a run go on whose wait has come to nothing, or one of whose conditions holds.
    fn look_at_wait(&mut self, mut run: Run, prepared: &Arc<Prepared>) {
        if let Parked::Wait { wait, .. } = run.parked
            && let Some(wait) = prepared.program.waits.get(wait.index())
        {
            if let Some(target) = self.condition(&run, prepared, wait) {
                return self.resume(run, prepared, WokenBy::Condition, target);
            }
            if self.is_hopeless(&run, prepared, wait) {
                return match &wait.deadline {
                    Some(deadline) => self.resume(run, prepared, WokenBy::Deadline, deadline.target),
                    None => self.end(run, prepared, EndReason::Failed(HOPELESS.to_owned())),
                };
            }
        }
        run.recheck = self.recheck();
        self.put(run);
    }

    /// When to look again at the conditions asked last.
    fn recheck(&self) -> Option<Instant> {
        let changes = self.changes.get();
        let now = if self.fired > MAX_TIMERS { self.wall.max(self.clock) } else { self.clock };
        let next = changes.max(Instant(now.0.saturating_add(RECHECK_STEP)));
        (changes != Instant::NEVER && next != Instant::NEVER).then_some(next)
    }

    /// Traces the wake-up and goes on.
    fn resume(&mut self, run: Run, prepared: &Arc<Prepared>, by: WokenBy, target: Pc) {
        self.trace(Some(run.number), &run.journey, TraceEvent::Woke { by });
        self.go(run, prepared, target);
    }

    /// Lets everything react to what runs did to the contact, until nothing more follows.
    fn settle(&mut self) {
        self.rest();
        self.prune();
    }

    /// The same, and forgets nothing.
    fn rest(&mut self) {
        self.drain();
        if std::mem::take(&mut self.stirred) {
            self.look_at_all();
        }
    }

    fn drain(&mut self) {
        loop {
            while let Some(pending) = self.queue.pop_front() {
                match pending {
                    Pending::Happened(happening) => self.happen(happening),
                    Pending::Crossed(happening, starts) => self.crossed(&happening, &starts),
                    Pending::Start(journey, payload) => self.start(&journey, &payload),
                    Pending::Withdrawn(topic, channel) => self.withdrawn(topic, channel),
                    Pending::Erase => self.erase(),
                }
            }
            if !self.watch() {
                return;
            }
        }
    }

    /// Lets all runs that ask conditions look again at this moment, in their order.
    fn look_at_all(&mut self) {
        for run in &mut self.contact.state.runs {
            let Some(prepared) = self.linked.prepared(run.version) else { continue };
            let exits = prepared.program.exits.iter().any(|exit| matches!(exit.kind, ExitKind::Condition(_)));
            let waits = match run.parked {
                Parked::Wait { wait, .. } => prepared.program.waits.get(wait.index()),
                _ => None,
            };
            if exits && run.leaving.is_none() || waits.is_some_and(|wait| !wait.conditions.is_empty()) {
                run.recheck = Some(self.clock);
            }
        }
    }

    /// The numbers of the active runs: those of more important journeys first, then oldest first.
    fn active(&self) -> Vec<u32> {
        let runs = &self.contact.state.runs;
        let mut order: Vec<_> = runs.iter().map(|run| (self.rank(run), run.number)).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, number)| number).collect()
    }

    /// Less for runs of more important journeys.
    fn rank(&self, run: &Run) -> Reverse<i8> {
        Reverse(self.linked.prepared(run.version).map_or(0, |prepared| prepared.program.priority))
    }

    /// Takes an active run out of the contact, with its program. A run whose program is not loaded ends.
    fn take(&mut self, number: u32) -> Option<(Run, Arc<Prepared>)> {
        let place = self.contact.state.runs.binary_search_by_key(&number, |run| run.number).ok()?;
        let run = self.contact.state.runs.remove(place);
        match self.linked.prepared(run.version) {
            Some(prepared) => Some((run, prepared)),
            None => {
                let reason = EndReason::Failed(format!("version {} of its journey is not loaded", run.version));
                self.close(run, reason, false);
                None
            }
        }
    }

    /// Puts an active run back.
    fn put(&mut self, run: Run) {
        let runs = &mut self.contact.state.runs;
        let place = runs.partition_point(|other| other.number < run.number);
        runs.insert(place, run);
    }

    /// Ends a run that was taken out.
    fn end(&mut self, run: Run, prepared: &Prepared, reason: EndReason) {
        let hopes = hopes(&run, prepared, self.clock, self.zone());
        self.close(run, reason, hopes);
    }

    fn close(&mut self, run: Run, reason: EndReason, hopes: bool) {
        self.stirred = true;
        self.keep(&past_journey(&run.journey), self.clock, &Value::Unset);
        self.trace(Some(run.number), &run.journey, TraceEvent::Ended(reason.clone()));
        let ended = &mut self.contact.state.ended;
        ended.retain(|other| other.journey != run.journey || other.key != run.key);
        ended.push(EndedRun {
            number: run.number,
            journey: run.journey.clone(),
            key: run.key.clone(),
            entered_at: run.entered_at,
            ended_at: self.clock,
            reason,
            goal: hopes.then(|| Box::new(run)),
        });
    }

    /// Whether no more than `span` has passed since the run began.
    fn within(&self, run: &Run, span: Span) -> bool {
        self.clock <= self.zone().add(run.entered_at, span)
    }

    fn zone(&self) -> Zone {
        zone_of(self.linked, self.contact)
    }

    /// What the machine can read, for clauses of a run.
    fn env<'e>(&'e self, prepared: &'e Prepared, frame: Frame<'e>, event: &'e Value) -> Env<'e> {
        Env {
            linked: self.linked,
            prepared,
            contact: self.contact,
            frame,
            event,
            now: self.clock,
            since: self.clock,
            changes: &self.changes,
            depth: 0,
        }
    }

    fn trace(&mut self, run: Option<u32>, journey: &SmolStr, event: TraceEvent) {
        self.out.trace.push(TraceEntry { at: self.clock, run, journey: journey.clone(), event });
    }
}

/// Whether a goal or a split of the run may still count what happens.
fn hopes(run: &Run, prepared: &Prepared, clock: Instant, zone: Zone) -> bool {
    let open = |since, within: Option<Span>| within.is_none_or(|within| clock <= zone.add(since, within));
    let goals = prepared.program.goals.iter().enumerate().any(|(place, goal)| {
        let reached = run.reached.iter().any(|known| usize::from(*known) == place);
        !reached && open(run.entered_at, goal.within)
    });
    let measures = run.sides.iter().any(|taken| {
        let measure = prepared.program.splits.get(taken.split.index()).and_then(|split| split.measure.as_ref());
        !taken.reached && measure.is_some_and(|measure| open(taken.at, measure.within))
    });
    goals || measures
}

#[cfg(test)]
mod tests;
