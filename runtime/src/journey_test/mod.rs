//! Runs the tests that stand in journeys, on a virtual clock, against the core alone: no store, no transport.
//!
//! Time begins with the first line that names a moment and moves with the lines. What the contacts are given is there
//! from the start and triggers nothing. What is expected must happen at the line's own moment, and each thing that
//! happened serves one line; a message that no line expects is a failure, so that a test also shows what is not sent.

mod adversary;
mod words;

use std::collections::BTreeMap;

use journey_bytecode::{
    Expectation, Instant, Stimulus, TestAct, TestCase, TestContact, TestLine, TestMoment, Time, Value, WeekdaySet,
};
use smol_str::SmolStr;

use crate::core::contact::{Consent, Contact, ContactId, EndReason};
use crate::core::effect::{Errand, Outgoing, TraceEntry, TraceEvent};
use crate::core::input::{Answer, Evidence, Input, InputKind, MessageName};
use crate::core::{Condition, Linked, advance};
use crate::sim::DEFAULT_START;
use crate::time::{self, Zone};
use adversary::Act;

pub use adversary::{Adversary, Broken, adversary};

/// The most wake-ups between two lines; journeys that start each other for ever come so far.
pub const MAX_WAKES: usize = 100_000;

/// Why a call fails that a test says fails.
const FAILS: &str = "the test says so";

/// What came of a test.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestResult {
    /// What did not come as expected; none if the test passed.
    pub failures: Vec<TestFailure>,
    /// What happened, one line each, in order: the moment on the contact's wall clock, the contact, and what.
    pub trace: Vec<String>,
}

/// Something that did not come as expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestFailure {
    /// The line of the file, from 1.
    pub line: u32,
    /// What was expected.
    pub expected: String,
    /// What happened instead.
    pub actual: Vec<String>,
}

/// Runs one test; the same test gives the same result.
pub fn run(linked: &Linked, test: &TestCase) -> TestResult {
    told(linked, test).finish(test)
}

/// A test after its last line.
fn told<'a>(linked: &'a Linked, test: &'a TestCase) -> Bench<'a> {
    let mut bench = Bench::new(linked, test);
    for line in &test.lines {
        bench.line(line);
    }
    bench
}

/// Something that a test saw, and whether a line expected it.
struct Seen {
    contact: usize,
    entry: TraceEntry,
    served: bool,
}

/// What concerns consent, in the order in which it came.
enum Heard {
    /// A contact subscribed to a topic.
    Subscribed(usize, SmolStr),
    /// A contact unsubscribed from a topic; from everything without.
    Unsubscribed(usize, Option<SmolStr>),
    /// A place of `seen`.
    Seen(usize),
}

struct Bench<'a> {
    linked: &'a Linked,
    test: &'a TestCase,
    contacts: Vec<Contact>,
    /// When time began.
    start: Instant,
    now: Instant,
    seen: Vec<Seen>,
    heard: Vec<Heard>,
    /// What was done to the contacts.
    acts: Vec<Act>,
    /// What they were sent.
    outgoing: Vec<(usize, Outgoing)>,
    /// The last input, and whose it was.
    last: Option<(usize, Input)>,
    /// How much of `seen` lies before the line at hand.
    before: usize,
    failures: Vec<TestFailure>,
    /// What other systems answer, by name.
    answers: BTreeMap<SmolStr, Answer>,
}

impl<'a> Bench<'a> {
    fn new(linked: &'a Linked, test: &'a TestCase) -> Self {
        let Some(TestLine { moment: Some(TestMoment::At(date, time)), contact, .. }) = test.lines.first() else {
            return Self::begin(linked, test, DEFAULT_START);
        };
        let given = test.contacts.get(usize::from(*contact));
        let attributes = given.into_iter().flat_map(|contact| &contact.attributes);
        let zone = zone_of(linked, attributes.map(|(name, value)| (name, value)));
        Self::begin(linked, test, moment(zone, DEFAULT_START, TestMoment::At(*date, *time)))
    }

    /// A test before its first line.
    fn begin(linked: &'a Linked, test: &'a TestCase, start: Instant) -> Self {
        let mut bench = Self {
            linked,
            test,
            contacts: Vec::new(),
            start,
            now: start,
            heard: Vec::new(),
            acts: Vec::new(),
            outgoing: Vec::new(),
            last: None,
            seen: Vec::new(),
            before: 0,
            failures: Vec::new(),
            answers: BTreeMap::new(),
        };
        for (given, id) in test.contacts.iter().zip(1..) {
            bench.contacts.push(Contact::new(ContactId(id), given.name.clone(), start));
            if let Some(contact) = bench.contacts.last_mut() {
                contact.attributes = given.attributes.iter().cloned().collect();
            }
        }
        for (place, given) in test.contacts.iter().enumerate() {
            bench.give(place, given);
        }
        bench.settle();
        bench
    }

    /// What is known of a contact before anything happens. One that a line creates is not there yet.
    fn give(&mut self, place: usize, given: &TestContact) {
        let created =
            |line: &TestLine| usize::from(line.contact) == place && line.act == TestAct::Happens(Stimulus::Created);
        let comes_later = self.test.lines.iter().any(created);
        let now = self.now;
        let Some(contact) = self.contacts.get_mut(place) else { return };
        contact.created_at = now;
        contact.state.clock = now;
        contact.tags = given.tags.iter().cloned().collect();
        let consent =
            |(topic, channel): &(SmolStr, _)| Consent { topic: topic.clone(), channel: *channel, at: now, until: None };
        contact.state.consents = given.consents.iter().map(consent).collect();
        contact.state.stages = given.stages.iter().cloned().collect();
        if comes_later {
            contact.attributes.clear();
            contact.tags.clear();
        } else {
            contact.state.applied = 1;
        }
    }

    fn line(&mut self, line: &TestLine) {
        let place = usize::from(line.contact);
        self.before = self.seen.len();
        if let Some(moment) = line.moment {
            let to = self.moment(place, self.now, moment);
            if to < self.now {
                let actual = vec![format!("it is {} already", self.show(place, self.now))];
                self.failures.push(TestFailure { line: line.line, expected: line.text.clone(), actual });
                return;
            }
            self.advance_to(to);
        }
        match &line.act {
            TestAct::Happens(stimulus) => self.happen(place, stimulus),
            TestAct::Expects(expectation, negated) => {
                self.settle();
                if self.meets(place, expectation, *negated) == *negated {
                    let actual = self.instead(place, expectation);
                    self.failures.push(TestFailure { line: line.line, expected: line.text.clone(), actual });
                }
            }
        }
    }

    fn moment(&self, place: usize, from: Instant, at: TestMoment) -> Instant {
        moment(self.zone(place), from, at)
    }

    /// Fires everything that is due before a moment, in the order of its moments.
    fn advance_to(&mut self, to: Instant) {
        for _ in 0..MAX_WAKES {
            let due = self.contacts.iter().filter_map(|contact| contact.state.due()).min();
            match due.filter(|due| *due < to) {
                Some(due) => {
                    self.now = self.now.max(due);
                    self.settle();
                }
                None => break,
            }
        }
        self.now = self.now.max(to);
    }

    /// Lets every contact do what is due now.
    fn settle(&mut self) {
        for place in 0..self.contacts.len() {
            self.step(place, None);
        }
    }

    /// Advances a contact; what it sends arrives at once.
    fn step(&mut self, place: usize, kind: Option<InputKind>) {
        let mut inputs: Vec<InputKind> = kind.into_iter().collect();
        loop {
            let Some(contact) = self.contacts.get_mut(place) else { return };
            let first = contact.state.applied + 1;
            let inputs_now: Vec<Input> = std::mem::take(&mut inputs)
                .into_iter()
                .zip(first..)
                .map(|(kind, seq)| Input { seq, at: self.now, kind })
                .collect();
            let delivered = self.apply(place, &inputs_now);
            inputs.extend(delivered);
            if inputs.is_empty() {
                return;
            }
        }
    }

    /// Advances a contact by these inputs; what comes back of what it sends.
    fn apply(&mut self, place: usize, inputs: &[Input]) -> Vec<InputKind> {
        let Some(contact) = self.contacts.get_mut(place) else { return Vec::new() };
        for input in inputs.iter().filter(|input| input.seq > contact.state.applied) {
            self.heard.extend(match &input.kind {
                InputKind::Subscribe { topic, .. } => Some(Heard::Subscribed(place, topic.clone())),
                InputKind::Unsubscribe { topic } => Some(Heard::Unsubscribed(place, topic.clone())),
                _ => None,
            });
        }
        let outcome = advance(self.linked, contact, inputs, self.now);
        for entry in outcome.trace {
            self.heard.push(Heard::Seen(self.seen.len()));
            self.seen.push(Seen { contact: place, entry, served: false });
        }
        let delivered = outcome.outgoing.iter().filter_map(|outgoing| self.outside(outgoing)).collect();
        let messages = outcome.outgoing.into_iter().filter(|outgoing| outgoing.errand == Errand::Message);
        self.outgoing.extend(messages.map(|outgoing| (place, outgoing)));
        delivered
    }

    /// What the world outside says to something that left.
    fn outside(&self, outgoing: &Outgoing) -> Option<InputKind> {
        let number = outgoing.id.number;
        Some(match &outgoing.errand {
            Errand::Notice { .. } | Errand::Question { .. } | Errand::Elsewhere | Errand::Answer => return None,
            Errand::Message => InputKind::Message {
                message: MessageName::Number(number),
                status: journey_bytecode::StatusKind::Delivered,
                link: None,
                machine: false,
            },
            // A code that nobody else gets in this test.
            Errand::Voucher => {
                let code = format!("{}-{}-{number}", outgoing.message, outgoing.id.contact.0);
                InputKind::Answer { number, answer: Answer::Given(Value::text(code)) }
            }
            Errand::Call { answer: fields, .. } => {
                let service = &outgoing.message;
                let untold = || match fields.iter().all(|field| field.optional) {
                    true => Answer::Given(Value::Record(Vec::new().into())),
                    false => Answer::None(format!("the test does not say it: `given call {service} returns {{ .. }}`")),
                };
                InputKind::Answer { number, answer: self.answers.get(service).cloned().unwrap_or_else(untold) }
            }
        })
    }

    /// Delivers the last thing that happened again, under the same id.
    fn again(&mut self) {
        if let Some((place, input)) = self.last.clone() {
            self.apply(place, &[input]);
        }
    }

    fn happen(&mut self, place: usize, stimulus: &Stimulus) {
        let upsert = |attributes, add_tags, remove_tags| InputKind::Upsert { attributes, add_tags, remove_tags };
        let kind = match stimulus {
            Stimulus::Created => {
                let Some(given) = self.test.contacts.get(place) else { return };
                upsert(given.attributes.clone(), given.tags.clone(), vec![])
            }
            Stimulus::Tag(tag) => upsert(vec![], vec![tag.clone()], vec![]),
            Stimulus::Untag(tag) => upsert(vec![], vec![], vec![tag.clone()]),
            Stimulus::Event(name, payload) => InputKind::Event { name: name.clone(), payload: payload.clone() },
            Stimulus::Set(attribute, value) => upsert(vec![(attribute.clone(), value.clone())], vec![], vec![]),
            Stimulus::Message(status, name, link) => {
                let newest = || self.contacts.get(place)?.state.messages.last().map(|message| message.name.clone());
                let Some(name) = name.clone().or_else(newest) else { return };
                let message = MessageName::Newest(name);
                InputKind::Message { message, status: *status, link: link.clone(), machine: false }
            }
            Stimulus::Subscribed(topic, channel) => {
                InputKind::Subscribe { topic: topic.clone(), channel: *channel, evidence: Evidence::default() }
            }
            Stimulus::Unsubscribed(topic, None) => InputKind::Unsubscribe { topic: topic.clone() },
            Stimulus::Unsubscribed(topic, Some(channel)) => {
                InputKind::UnsubscribeVia { topic: topic.clone(), channel: *channel }
            }
            Stimulus::Inbound(text, channel) => InputKind::Inbound { channel: *channel, text: text.clone() },
            Stimulus::Moved(funnel, stage) => InputKind::MoveTo { funnel: funnel.clone(), stage: stage.clone() },
            Stimulus::Deleted => InputKind::Delete,
            Stimulus::Start(journey, payload) => {
                InputKind::Start { journey: journey.clone(), payload: payload.clone() }
            }
            Stimulus::Decision(answer) => InputKind::Decision { answer: answer.clone(), journey: None },
            Stimulus::Answers(service, answer) => {
                let answer = answer.clone().map_or_else(|| Answer::None(FAILS.to_owned()), Answer::Given);
                self.answers.insert(service.clone(), answer);
                self.acts.push(Act { at: self.now, contact: place, stimulus: stimulus.clone(), twice: false });
                return;
            }
        };
        self.acts.push(Act { at: self.now, contact: place, stimulus: stimulus.clone(), twice: false });
        let seq = self.contacts.get(place).map_or(1, |contact| contact.state.applied + 1);
        self.last = Some((place, Input { seq, at: self.now, kind: kind.clone() }));
        self.step(place, Some(kind));
    }

    /// Whether it is as expected; what serves as the proof serves no other line.
    fn meets(&mut self, place: usize, expectation: &Expectation, negated: bool) -> bool {
        match expectation {
            Expectation::Tag(tag) => self.contacts.get(place).is_some_and(|contact| contact.tags.contains(tag)),
            Expectation::Stage(funnel, stage) => {
                self.contacts.get(place).is_some_and(|contact| contact.state.stages.get(funnel) == Some(stage))
            }
            Expectation::Wait(date, time) => {
                let until = date
                    .map(|date| self.moment(place, self.now, TestMoment::At(Some(date), *time)))
                    .or_else(|| time.map(|time| self.moment(place, self.now, TestMoment::At(None, Some(time)))));
                let Some(contact) = self.contacts.get(place) else { return false };
                contact.state.runs.iter().any(|run| until.is_none_or(|until| run.until() == until))
            }
            Expectation::Holds(clause) => self.contacts.get(place).is_some_and(|contact| {
                Condition::new(self.linked, &self.test.checks, *clause).holds(contact, self.now)
            }),
            event => {
                let (linked, now, before) = (self.linked, self.now, self.before);
                // "No send" is about the whole time since the line before.
                let mut seen = self.seen.iter_mut().enumerate().filter(|(at, seen)| {
                    seen.contact == place && !seen.served && (seen.entry.at == now || negated && *at >= before)
                });
                let found = seen.find(|(_, seen)| shows(linked, &seen.entry, event));
                found.map(|(_, seen)| seen.served = !negated).is_some()
            }
        }
    }

    /// What to say of an expectation that was not met.
    fn instead(&self, place: usize, expectation: &Expectation) -> Vec<String> {
        let mut actual: Vec<String> = self
            .seen
            .iter()
            .skip(self.before)
            .filter(|seen| seen.contact == place && words::matters(&seen.entry.event))
            .map(|seen| self.words(seen))
            .collect();
        let Some(contact) = self.contacts.get(place) else { return actual };
        for run in &contact.state.runs {
            let until = self.show(place, run.until());
            actual.push(format!("`{}` waits until {until}", run.journey));
        }
        match expectation {
            Expectation::Tag(_) => actual.push(format!("its tags: {}", words::list(&contact.tags))),
            Expectation::Stage(funnel, _) => {
                let stage = contact.state.stages.get(funnel).map_or("none", SmolStr::as_str);
                actual.push(format!("its stage in {funnel}: {stage}"));
            }
            _ if actual.is_empty() => actual.push("nothing happened, and no run is active".to_owned()),
            _ => {}
        }
        actual
    }

    fn finish(mut self, test: &TestCase) -> TestResult {
        let last = test.lines.last().map_or(test.line, |line| line.line);
        let unexpected: Vec<_> = self
            .seen
            .iter()
            .filter(|seen| !seen.served && matches!(seen.entry.event, TraceEvent::Sent { .. }))
            .map(|seen| self.words(seen))
            .collect();
        if self.failures.is_empty() && !unexpected.is_empty() {
            let expected = "no other message".to_owned();
            self.failures.push(TestFailure { line: last, expected, actual: unexpected });
        }
        TestResult { trace: self.trace(), failures: self.failures }
    }

    /// What happened, for people.
    fn trace(&self) -> Vec<String> {
        let lines = self.seen.iter().filter(|seen| words::matters(&seen.entry.event));
        lines.map(|seen| self.words(seen)).collect()
    }

    /// What the test calls a contact.
    fn name(&self, place: usize) -> &str {
        self.test.contacts.get(place).map_or("contact", |contact| contact.name.as_str())
    }

    /// A line of the trace.
    fn words(&self, seen: &Seen) -> String {
        let when = self.show(seen.contact, seen.entry.at);
        let name = self.test.contacts.get(seen.contact).filter(|_| self.contacts.len() > 1);
        let who = name.map_or_else(String::new, |contact| format!(" {}", contact.name));
        format!("{when}{who}: {}", words::event(&seen.entry.event, &seen.entry.journey))
    }

    fn show(&self, place: usize, at: Instant) -> String {
        self.zone(place).show(at)
    }

    fn zone(&self, place: usize) -> Zone {
        zone_of(self.linked, self.contacts.get(place).into_iter().flat_map(|contact| contact.attributes.iter()))
    }
}

/// The zone that these attributes name; the project's without.
fn zone_of<'v>(linked: &Linked, mut attributes: impl Iterator<Item = (&'v SmolStr, &'v Value)>) -> Zone {
    let given = linked.zone_attribute().and_then(|wanted| attributes.find(|(name, _)| *name == wanted));
    let name = match given {
        Some((_, Value::Text(name))) => Some(name.as_str()),
        _ => None,
    };
    Zone::resolve(name, linked.zone())
}

/// The moment of a line, on the wall clock of the zone.
fn moment(zone: Zone, from: Instant, at: TestMoment) -> Instant {
    match at {
        TestMoment::After(span) => zone.add(from, span),
        TestMoment::At(Some(date), time) => {
            zone.instant(time::wall_of_date(date) + i64::from(time.unwrap_or(Time(0)).0) * 1000)
        }
        TestMoment::At(None, Some(time)) => zone.next_at(from, WeekdaySet::ALL, time),
        TestMoment::At(None, None) => from,
    }
}

/// Whether what happened is what was expected.
fn shows(linked: &Linked, entry: &TraceEntry, expectation: &Expectation) -> bool {
    let fits = |wanted: &Option<SmolStr>, name: &SmolStr| wanted.as_ref().is_none_or(|wanted| wanted == name);
    match (expectation, &entry.event) {
        (Expectation::Send(channel, message), TraceEvent::Sent { channel: on, name, .. }) => {
            channel.is_none_or(|channel| channel == *on) && fits(message, name)
        }
        (Expectation::Skipped(message, reason), TraceEvent::Skipped { name, reason: why, .. }) => {
            fits(message, name) && reason.as_ref().is_none_or(|reason| *reason == words::refusal(why))
        }
        (Expectation::End(reason), TraceEvent::Ended(why)) => {
            reason.as_ref().is_none_or(|reason| *reason == ended_by(why) || reason == words::end(why))
        }
        (Expectation::Ask(whom), TraceEvent::Asked { to, .. }) => to == whom,
        (Expectation::SendText(on, text), TraceEvent::Sent { channel, name, .. }) => {
            let says = |variant: &journey_bytecode::Variant| variant.body.trim() == text.trim();
            let message = linked.message(*channel, name);
            on.is_none_or(|on| on == *channel) && message.is_some_and(|message| message.variants.iter().any(says))
        }
        (Expectation::Voucher(wanted), TraceEvent::Voucher { name, .. }) => name == wanted,
        (Expectation::Call(name), TraceEvent::Called { service, .. }) => name == service,
        (Expectation::Path(side), TraceEvent::Took { side: taken, .. }) => side == taken,
        (Expectation::Record(name), TraceEvent::Recorded(event)) => name == event,
        (Expectation::Notify(whom), TraceEvent::Notified { to, .. }) => to.split(' ').next() == Some(whom.as_str()),
        (Expectation::Untag(name), TraceEvent::TagRemoved(tag)) => name == tag,
        (Expectation::Subscribe(name), TraceEvent::Subscribed { topic, .. }) => name == topic,
        (Expectation::Unsubscribe(wanted, via), TraceEvent::Unsubscribed { topic, channel }) => {
            fits(wanted, topic) && (via.is_none() || via == channel)
        }
        (Expectation::Suppress, TraceEvent::Suppressed(_)) => true,
        (Expectation::Start(journey), TraceEvent::Entered { .. })
        | (Expectation::Goal(journey), TraceEvent::GoalReached) => *journey == entry.journey,
        _ => false,
    }
}

/// The word for why a run ended, as `expect end because` names it: of an exit by an event, the event.
fn ended_by(reason: &EndReason) -> SmolStr {
    match reason {
        EndReason::Exit(event) => event.clone(),
        other => SmolStr::new_static(words::end(other)),
    }
}
