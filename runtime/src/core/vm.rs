//! The stack machine: computes values until an instruction has an effect, which is then [`advance`](super::advance)'s
//! to carry out. It reads only what [`Env`] shows it, and every instruction has an answer for every operand.

use std::borrow::Cow;
use std::cell::Cell;

use journey_bytecode::{
    Channel, Clause, HandleIx, Instant, LocalWindow, MessageRef, Number, Op, Pc, Span, StatusKind, TextMatch, Value,
    WeekdaySet,
};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::contact::{Contact, Run, SentMessage};
use super::link::{Linked, Prepared};
use super::predicate::Next;
use super::witness::Witness;
use crate::time::{self, Zone};
use condition::compared;

mod condition;
mod function;
mod past;
mod text;

pub use condition::Condition;

/// All that an instruction can read.
#[derive(Clone, Copy)]
pub(crate) struct Env<'a> {
    pub(crate) linked: &'a Linked,
    pub(crate) prepared: &'a Prepared,
    pub(crate) contact: &'a Contact,
    pub(crate) frame: Frame<'a>,
    /// The payload of the event at hand.
    pub(crate) event: &'a Value,
    pub(crate) now: Instant,
    /// When the wait at hand began.
    pub(crate) since: Instant,
    /// When time alone may first change what was computed; whoever asks sets it to [`Instant::NEVER`] before.
    pub(crate) changes: &'a Cell<Instant>,
    /// How many filters of histories lie around this one.
    pub(crate) depth: u8,
}

/// What an instruction can read of its run.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    /// The run's number and journey, once it has begun.
    pub(crate) run: Option<(u32, &'a SmolStr)>,
    pub(crate) entered_at: Instant,
    pub(crate) trigger: &'a Value,
    pub(crate) slots: &'a [Value],
    pub(crate) handles: &'a [(HandleIx, u32)],
    pub(crate) last_message: Option<u32>,
}

impl<'a> Frame<'a> {
    /// Of a run.
    pub(crate) fn of(run: &'a Run) -> Self {
        Self {
            run: Some((run.number, &run.journey)),
            entered_at: run.entered_at,
            trigger: &run.trigger,
            slots: &run.slots,
            handles: &run.handles,
            last_message: run.last_message,
        }
    }

    /// Of a run that has not begun: clauses of the header see the trigger alone.
    pub(crate) fn before(now: Instant, trigger: &'a Value) -> Self {
        Self { run: None, entered_at: now, trigger, slots: &[], handles: &[], last_message: None }
    }
}

/// Why the machine stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A clause is done.
    Return(Value),
    /// An instruction has an effect; the value is the one it takes, if it takes one.
    Effect(Op, Pc, Value),
    /// The fuel is used up.
    Fuel,
}

type Operand<'a> = Cow<'a, Value>;

/// Typical conditions need no more than this many operands, and so no memory of their own.
type Stack<'a> = SmallVec<[Operand<'a>; 8]>;

const UNSET: Value = Value::Unset;

/// The most values that a list may come to have by `add .. to`.
const MAX_LIST: usize = 1000;

/// How deep filters of histories may nest.
const MAX_DEPTH: u8 = 4;

impl<'a> Env<'a> {
    /// The value of a clause; unset if it needs more fuel than there is.
    pub(crate) fn value(&self, clause: Clause, fuel: &mut u32) -> Value {
        self.witnessed(clause, fuel, &mut ())
    }

    /// The value of a clause, for somebody who watches.
    pub(crate) fn witnessed(&self, clause: Clause, fuel: &mut u32, witness: &mut impl Witness) -> Value {
        match self.run(Pc(clause.0), fuel, witness) {
            Stop::Return(value) => value,
            Stop::Effect(..) | Stop::Fuel => Value::Unset,
        }
    }

    /// Computes from `pc` to the next instruction with an effect.
    pub(crate) fn run<W: Witness>(&self, pc: Pc, fuel: &mut u32, witness: &mut W) -> Stop {
        self.go_on(Next::At(pc), fuel, witness)
    }

    /// The same from wherever it is.
    fn go_on<W: Witness>(&self, next: Next, fuel: &mut u32, witness: &mut W) -> Stop {
        let program = &self.prepared.program;
        let mut stack = Stack::new();
        // The truth that would lie on top of the stack: nearly always the next instruction asks for it.
        let (mut truth, mut pc) = match next {
            Next::At(pc) => (None, pc),
            Next::With(holds, pc) => (Some(holds), pc),
            Next::Return(holds) => return Stop::Return(Value::Bool(holds)),
        };
        loop {
            if truth.is_none() {
                match self.ask(pc, fuel, witness) {
                    Next::At(to) => pc = to,
                    Next::With(holds, to) => (truth, pc) = (Some(holds), to),
                    Next::Return(holds) => return Stop::Return(Value::Bool(holds)),
                }
            }
            let Some(&op) = program.code.get(pc.index()) else { return Stop::Return(Value::Unset) };
            let Some(left) = fuel.checked_sub(1) else { return Stop::Fuel };
            *fuel = left;
            let here = pc;
            pc = Pc(pc.0 + 1);
            if let Some(holds) = truth.take() {
                match op {
                    Op::AndJump(to) | Op::OrJump(to) => {
                        if holds == matches!(op, Op::OrJump(_)) {
                            (truth, pc) = (Some(holds), to);
                        }
                        continue;
                    }
                    Op::JumpUnless(to) => {
                        if !holds {
                            pc = to;
                        }
                        continue;
                    }
                    Op::Return => return Stop::Return(Value::Bool(holds)),
                    Op::Decide => {
                        witness.decided(holds);
                        truth = Some(holds);
                        continue;
                    }
                    _ => stack.push(Cow::Owned(Value::Bool(holds))),
                }
            }
            match op {
                Op::Jump(to) => pc = to,
                Op::JumpUnless(to) => {
                    if !is_true(stack.pop()) {
                        pc = to;
                    }
                }
                Op::AndJump(to) => match stack.last().is_some_and(|top| top.is_true()) {
                    true => drop(stack.pop()),
                    false => pc = to,
                },
                Op::OrJump(to) => match stack.last().is_some_and(|top| top.is_true()) {
                    true => pc = to,
                    false => drop(stack.pop()),
                },
                Op::Return => return Stop::Return(pop(&mut stack).into_owned()),
                Op::Decide => witness.decided(stack.last().is_some_and(|top| top.is_true())),
                Op::SetAttribute(_)
                | Op::Store(_)
                | Op::Record(_)
                | Op::Request(_)
                | Op::StartJourney(_)
                | Op::Subscribe(..)
                | Op::Suppress => {
                    return Stop::Effect(op, here, pop(&mut stack).into_owned());
                }
                Op::Step(_)
                | Op::Send(_)
                | Op::Wait(_)
                | Op::AddTag(_)
                | Op::RemoveTag(_)
                | Op::Split(_)
                | Op::MoveTo(..)
                | Op::Unsubscribe(..)
                | Op::UnsubscribeAll(_)
                | Op::Delete
                | Op::StopJourney(_)
                | Op::Notify(_)
                | Op::End => return Stop::Effect(op, here, Value::Unset),
                Op::History(ix) => {
                    let value = self.history(ix, fuel);
                    witness.saw(program, op, &value);
                    stack.push(Cow::Owned(value));
                }
                Op::Messages(ix) => {
                    let value = self.messages_asked(ix, fuel);
                    witness.saw(program, op, &value);
                    stack.push(Cow::Owned(value));
                }
                Op::Chance(share) => {
                    let run = self.frame.run.map_or(0, |(number, _)| number);
                    let name = format!("{}\0{run}\0{}", program.name, here.0);
                    stack.push(Cow::Owned(Value::Bool(draw(&name, &self.contact.key) < share)));
                }
                Op::Between => {
                    let (to, from) = (pop(&mut stack), pop(&mut stack));
                    stack.push(Cow::Owned(self.between(here, &from, &to)));
                }
                Op::Const(_) | Op::Attribute(_) | Op::Trigger(_) | Op::Field(_) | Op::Load(_) => {
                    let value = self.named(op);
                    witness.saw(program, op, value);
                    stack.push(Cow::Borrowed(value));
                }
                _ => {
                    let value = self.compute(op, &mut stack);
                    witness.saw(program, op, &value);
                    match &*value {
                        Value::Bool(holds) => truth = Some(*holds),
                        _ => stack.push(value),
                    }
                }
            }
        }
    }

    /// What is there already, and only named; mostly an attribute or a constant.
    #[inline(always)]
    fn named(&self, op: Op) -> &'a Value {
        match op {
            Op::Attribute(ix) => match self.prepared.attributes.get(ix.index()) {
                Some(of) => self.contact.attributes.expected(&of.name, of.place).unwrap_or(&of.default),
                None => &UNSET,
            },
            Op::Const(ix) => self.prepared.program.consts.get(ix.index()).unwrap_or(&UNSET),
            _ => self.named_of_run(op),
        }
    }

    #[inline(never)]
    fn named_of_run(&self, op: Op) -> &'a Value {
        match op {
            Op::Trigger(ix) => field(self.frame.trigger, self.name(ix.index())),
            Op::Field(ix) => field(self.event, self.name(ix.index())),
            Op::Load(ix) => self.frame.slots.get(ix.index()).unwrap_or(&UNSET),
            _ => &UNSET,
        }
    }

    /// Instructions that take values and give one.
    fn compute(&self, op: Op, stack: &mut Stack<'a>) -> Operand<'a> {
        let owned = Cow::Owned;
        match op {
            Op::Now => {
                // Conditions ask `Reached`; what else depends on the clock is looked at every hour.
                self.changes_at(self.zone().next_hour(self.now));
                owned(Value::Instant(self.now))
            }
            Op::Today => {
                self.changes_at(self.zone().next_day(self.now));
                owned(Value::Date(self.zone().today(self.now)))
            }
            Op::CreatedAt => owned(Value::Instant(self.contact.created_at)),
            Op::NextAnniversary => {
                let (time, day, from) = (pop(stack), pop(stack), pop(stack));
                owned(match (self.instant(&from), &*day, &*time) {
                    (Some(from), Value::Date(day), Value::Time(time)) => {
                        Value::Instant(self.zone().next_anniversary(from, *day, *time))
                    }
                    _ => Value::Unset,
                })
            }
            Op::EnteredAt => owned(Value::Instant(self.frame.entered_at)),
            Op::WaitStart => owned(Value::Instant(self.since)),
            Op::Reached => {
                let moment = self.instant(&pop(stack));
                owned(Value::Bool(moment.is_some_and(|moment| self.reached(moment))))
            }
            Op::Stage(ix) => {
                let stage = self.contact.state.stages.get(self.name(ix.index()));
                owned(stage.map_or(Value::Unset, |stage| Value::Text(stage.clone())))
            }
            Op::Consents(ix, channel) => {
                let of_topic = self.contact.state.consents.iter().filter(|of| of.topic == *self.name(ix.index()));
                let to_come = of_topic.filter_map(|consent| consent.until).filter(|until| *until > self.now);
                to_come.for_each(|until| self.changes_at(until));
                owned(Value::Bool(self.contact.state.consents_to(self.name(ix.index()), channel, self.now)))
            }
            Op::HasTag(ix) => owned(Value::Bool(self.contact.tags.has(self.name(ix.index())))),
            Op::InJourney(ix) => owned(Value::Bool(self.in_journey(self.name(ix.index())))),
            Op::WasInJourney(ix) => {
                let within = pop(stack);
                owned(Value::Bool(self.was_in_journey(self.name(ix.index()), &within)))
            }
            Op::MakeRecord(ix, count) => {
                let names = self.prepared.program.shapes.get(ix.index()).map_or(&[][..], Vec::as_slice);
                let values: Vec<_> = stack.drain(stack.len().saturating_sub(usize::from(count))..).collect();
                let fields = names.iter().cloned().zip(values.into_iter().map(Cow::into_owned));
                owned(Value::Record(fields.collect()))
            }
            Op::Status(kind, message) => owned(Value::Bool(self.status(kind, message))),
            Op::ClickedLink(ix, message) => owned(Value::Bool(self.clicked(self.name(ix.index()), message))),
            Op::DayOf => owned(match self.instant(&pop(stack)) {
                Some(at) => Value::Date(self.zone().today(at)),
                None => Value::Unset,
            }),
            Op::WeekdayOf => owned(self.weekday(&pop(stack))),
            Op::HourOf => owned(match self.instant(&pop(stack)) {
                Some(at) => Value::int(i64::from(self.zone().hour(at))),
                None => Value::Unset,
            }),
            Op::Member(ix) => match pop(stack) {
                Cow::Borrowed(record) => Cow::Borrowed(field(record, self.name(ix.index()))),
                Cow::Owned(record) => owned(record.field(self.name(ix.index()))),
            },
            Op::Function(function) => owned(self.function(function, &pop(stack))),
            Op::Matches(ix) => {
                let found = match &*pop(stack) {
                    Value::Text(text) => self.prepared.patterns.get(&ix).is_some_and(|pattern| pattern.is_match(text)),
                    _ => false,
                };
                owned(Value::Bool(found))
            }
            Op::Reachable(channel) => owned(Value::Bool(self.reachable(channel))),
            Op::ScoreAbove(ix) => {
                owned(self.score_compared(self.name(ix.index()), &pop(stack), |score, to| score > to))
            }
            Op::ScoreFrom(ix) => {
                owned(self.score_compared(self.name(ix.index()), &pop(stack), |score, to| score >= to))
            }
            Op::Score(ix) => owned(self.score(self.name(ix.index()))),
            Op::Not => owned(Value::Bool(!pop(stack).is_true())),
            Op::IsSet => owned(Value::Bool(pop(stack).is_set())),
            Op::ToInstant => owned(self.instant(&pop(stack)).map_or(Value::Unset, Value::Instant)),
            Op::NextAt(days) => {
                let (time, from) = (pop(stack), pop(stack));
                owned(match (self.instant(&from), &*time) {
                    (Some(from), Value::Time(time)) => Value::Instant(self.zone().next_at(from, days, *time)),
                    _ => Value::Unset,
                })
            }
            Op::NextWithin(days) => {
                let (to, from, moment) = (pop(stack), pop(stack), pop(stack));
                owned(match (self.instant(&moment), &*from, &*to) {
                    (Some(moment), Value::Time(from), Value::Time(to)) => {
                        let window = LocalWindow { days, from: *from, to: *to };
                        Value::Instant(self.zone().next_within(moment, window))
                    }
                    _ => Value::Unset,
                })
            }
            Op::AddWithin(days) => {
                let (to, from, span, moment) = (pop(stack), pop(stack), pop(stack), pop(stack));
                owned(self.add_within(days, [&moment, &span, &from, &to]))
            }
            Op::NextEvery => {
                let (time, span, day, moment) = (pop(stack), pop(stack), pop(stack), pop(stack));
                owned(match (self.instant(&moment), self.day(&day), &*span, &*time) {
                    (Some(moment), Some(day), Value::Span(span), Value::Time(time)) => {
                        Value::Instant(self.zone().next_every(moment, day, *span, *time))
                    }
                    _ => Value::Unset,
                })
            }
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
            | Op::Later
            | Op::Anniversary => {
                let (b, a) = (pop(stack), pop(stack));
                owned(self.binary(op, &a, &b))
            }
            // Those that `run` carries out or hands over.
            Op::Const(_)
            | Op::Attribute(_)
            | Op::Trigger(_)
            | Op::Field(_)
            | Op::Load(_)
            | Op::History(_)
            | Op::Messages(_)
            | Op::Between
            | Op::Chance(_)
            | Op::Jump(_)
            | Op::JumpUnless(_)
            | Op::AndJump(_)
            | Op::OrJump(_)
            | Op::Return
            | Op::Step(_)
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
            | Op::Suppress
            | Op::StartJourney(_)
            | Op::UnsubscribeAll(_)
            | Op::Delete
            | Op::StopJourney(_)
            | Op::Notify(_)
            | Op::End => owned(Value::Unset),
        }
    }

    fn binary(&self, op: Op, a: &Value, b: &Value) -> Value {
        match op {
            Op::Anniversary => Value::Bool(match (a, b) {
                (Value::Date(day), Value::Date(on)) => time::comes_round(*day, *on),
                _ => false,
            }),
            Op::Equal | Op::Less | Op::LessOrEqual | Op::In => Value::Bool(compared(op, a, b)),
            Op::Add => self.add(a, b),
            Op::Subtract => self.subtract(a, b),
            Op::Multiply => multiply(a, b),
            Op::Divide => divide(a, b),
            Op::Contains => Value::Bool(text::found(TextMatch::Contains, a, b)),
            Op::StartsWith => Value::Bool(text::found(TextMatch::StartsWith, a, b)),
            Op::EndsWith => Value::Bool(text::found(TextMatch::EndsWith, a, b)),
            Op::MatchAny(how) => Value::Bool(list(b).iter().any(|part| text::found(how, a, part))),
            Op::MatchAll(how) => {
                Value::Bool(matches!(b, Value::List(parts) if parts.iter().all(|part| text::found(how, a, part))))
            }
            Op::Tally => match a {
                Value::Number(number) if b.is_true() => Value::Number(number.plus(Number::from_int(1))),
                number => number.clone(),
            },
            Op::Later => match (self.instant(a), self.instant(b)) {
                (Some(a), Some(b)) => Value::Instant(a.max(b)),
                _ => Value::Unset,
            },
            Op::Append => append(a, b),
            Op::Without => match a {
                Value::List(values) => Value::List(values.iter().filter(|value| *value != b).cloned().collect()),
                other => other.clone(),
            },
            _ => Value::Unset,
        }
    }

    fn add(&self, a: &Value, b: &Value) -> Value {
        match (a, b) {
            (Value::Number(a), Value::Number(b)) => Value::Number(a.plus(*b)),
            (Value::Money(a), Value::Money(b)) if a.currency == b.currency => {
                Value::Money(journey_bytecode::Money { amount: a.amount.plus(b.amount), currency: a.currency.clone() })
            }
            (Value::Span(a), Value::Span(b)) => Value::Span(Span {
                months: a.months.saturating_add(b.months),
                days: a.days.saturating_add(b.days),
                millis: a.millis.saturating_add(b.millis),
            }),
            (Value::Instant(at), Value::Span(span)) | (Value::Span(span), Value::Instant(at)) => {
                Value::Instant(self.zone().add(*at, *span))
            }
            (Value::Date(date), Value::Span(span)) | (Value::Span(span), Value::Date(date)) => {
                if span.millis == 0 {
                    Value::Date(time::add_to_date(*date, *span))
                } else {
                    Value::Local(time::add_to_wall(time::wall_of_date(*date), *span))
                }
            }
            (Value::Local(wall), Value::Span(span)) | (Value::Span(span), Value::Local(wall)) => {
                Value::Local(time::add_to_wall(*wall, *span))
            }
            _ => Value::Unset,
        }
    }

    fn subtract(&self, a: &Value, b: &Value) -> Value {
        match (a, b) {
            (Value::Number(a), Value::Number(b)) => Value::Number(a.minus(*b)),
            (Value::Money(a), Value::Money(b)) if a.currency == b.currency => {
                Value::Money(journey_bytecode::Money { amount: a.amount.minus(b.amount), currency: a.currency.clone() })
            }
            (Value::Date(a), Value::Date(b)) => Value::Span(Span { days: a.0.saturating_sub(b.0), ..Span::default() }),
            (Value::Instant(a), Value::Instant(b)) => {
                Value::Span(Span { millis: a.0.saturating_sub(b.0), ..Span::default() })
            }
            (a, Value::Span(span)) => self.add(a, &Value::Span(span.negated())),
            _ => Value::Unset,
        }
    }

    fn weekday(&self, value: &Value) -> Value {
        let day = match value {
            Value::Date(date) => time::weekday_of_date(*date),
            Value::Local(wall) => time::weekday_of_date(time::date_of_wall(*wall)),
            Value::Instant(at) => self.zone().weekday(*at),
            _ => return Value::Unset,
        };
        Value::Text(SmolStr::new_static(day.name()))
    }

    /// A moment, or the moment that a date or a wall-clock date-time is for the contact.
    pub(crate) fn instant(&self, value: &Value) -> Option<Instant> {
        match value {
            Value::Instant(at) => Some(*at),
            Value::Date(date) => Some(self.zone().start_of(*date)),
            Value::Local(wall) => Some(self.zone().instant(*wall)),
            _ => None,
        }
    }

    /// The contact's zone, the project's without a valid one.
    pub(crate) fn zone(&self) -> Zone {
        zone_of(self.linked, self.contact)
    }

    /// The messages that are meant, and since when what happened to them counts.
    fn messages(&self, message: MessageRef) -> (impl Iterator<Item = &'a SentMessage> + use<'a>, Instant) {
        let number = self.number(message);
        let since = if message == MessageRef::SinceEntry { self.frame.entered_at } else { Instant(i64::MIN) };
        let one = number.and_then(|number| self.contact.state.message(number));
        let env = *self;
        let many = self.contact.state.messages.iter().filter(move |sent| env.means(message, sent));
        (one.into_iter().chain(many), since)
    }

    /// Whether a message is one of those of any run that are meant.
    pub(crate) fn means(&self, message: MessageRef, sent: &SentMessage) -> bool {
        match message {
            MessageRef::None | MessageRef::Handle(_) | MessageRef::Last => false,
            MessageRef::SinceEntry => true,
            MessageRef::Any(channel) => channel.is_none_or(|channel| sent.channel == channel),
            MessageRef::Named(name) => sent.name == *self.name(name.index()),
            MessageRef::Topic(topic) => sent.topic.as_ref() == Some(self.name(topic.index())),
        }
    }

    /// The number of the one message that is meant.
    pub(crate) fn number(&self, message: MessageRef) -> Option<u32> {
        match message {
            MessageRef::Handle(handle) => {
                self.frame.handles.iter().find(|(known, _)| *known == handle).map(|(_, number)| *number)
            }
            MessageRef::Last => self.frame.last_message,
            _ => None,
        }
    }

    /// Whether a message that is meant has the status.
    pub(crate) fn status(&self, kind: StatusKind, message: MessageRef) -> bool {
        let (mut messages, since) = self.messages(message);
        messages.any(|m| m.status(kind).is_some_and(|status| status.last >= since))
    }

    /// Whether the link was clicked in a message that is meant.
    pub(crate) fn clicked(&self, link: &SmolStr, message: MessageRef) -> bool {
        let (mut messages, since) = self.messages(message);
        messages.any(|m| {
            m.status(StatusKind::Clicked).is_some_and(|status| status.last >= since) && m.clicked.contains(link)
        })
    }

    /// Whether less than `span` has passed since; notes when that changes.
    fn is_within(&self, at: Instant, span: Span) -> bool {
        let until = self.zone().add(at, span);
        if until <= self.now {
            return false;
        }
        self.changes_at(until);
        true
    }

    /// Whether a moment has come; notes when it will.
    pub(crate) fn reached(&self, moment: Instant) -> bool {
        if moment > self.now {
            self.changes_at(moment);
        }
        moment <= self.now
    }

    /// Notes that time alone may change what is being computed.
    fn changes_at(&self, at: Instant) {
        self.changes.set(self.changes.get().min(at));
    }

    fn in_journey(&self, journey: &SmolStr) -> bool {
        // A run that executes is not among the contact's runs at that moment.
        let own = self.frame.run.is_some_and(|(_, own)| own == journey);
        own || self.contact.state.runs.iter().any(|run| run.journey == *journey)
    }

    fn was_in_journey(&self, journey: &SmolStr, within: &Value) -> bool {
        let mut ended = self.contact.state.ended.iter().filter(|ended| ended.journey == *journey);
        self.in_journey(journey)
            || match within {
                Value::Span(span) => {
                    ended.map(|ended| ended.ended_at).max().is_some_and(|last| self.is_within(last, *span))
                }
                _ => ended.next().is_some(),
            }
    }

    /// A moment between two: drawn, but always the same one for the contact, the run and this beginning of the wait.
    fn between(&self, here: Pc, from: &Value, to: &Value) -> Value {
        let (Some(from), Some(to)) = (self.instant(from), self.instant(to)) else { return Value::Unset };
        let (from, to) = (from.min(to), from.max(to));
        let run = self.frame.run.map_or(0, |(number, _)| number);
        let name = format!("{}\0{run}\0{}\0{}", self.prepared.program.name, here.0, self.since.0);
        let width = u128::from(to.0.abs_diff(from.0)) + 1;
        let drawn = (u128::from(drawn(&name, &self.contact.key)) * width) >> 64;
        Value::Instant(Instant(from.0.saturating_add(i64::try_from(drawn).unwrap_or(i64::MAX))))
    }

    fn add_within(&self, days: WeekdaySet, [moment, span, from, to]: [&Value; 4]) -> Value {
        match (self.instant(moment), span, from, to) {
            (Some(moment), Value::Span(span), Value::Time(from), Value::Time(to)) => {
                let window = LocalWindow { days, from: *from, to: *to };
                Value::Instant(self.zone().add_within(moment, *span, window))
            }
            _ => Value::Unset,
        }
    }

    /// Whether the contact can be written to on the channel.
    fn reachable(&self, channel: Channel) -> bool {
        let address = self.linked.address_attribute(channel).and_then(|name| self.contact.attributes.get(name));
        let dead = self.contact.state.unreachable.get(&channel);
        let takes = |address: &SmolStr| !address.is_empty() && Some(address) != dead;
        let has = channel == Channel::Webhook || matches!(address, Some(Value::Text(address)) if takes(address));
        has && self.contact.state.suppressed.is_none()
    }

    fn name(&self, ix: usize) -> &'a SmolStr {
        static EMPTY: SmolStr = SmolStr::new_static("");
        self.prepared.program.names.get(ix).unwrap_or(&EMPTY)
    }
}

/// A number below a million, drawn from a name and the contact's key: always the same one, and even over contacts.
pub(crate) fn draw(name: &str, key: &str) -> u32 {
    u32::try_from(drawn(name, key) % 1_000_000).unwrap_or(0)
}

fn drawn(name: &str, key: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(name.as_bytes()).update(&[0]).update(key.as_bytes());
    hasher.finalize().as_bytes().first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The contact's zone, the project's without a valid one.
pub(crate) fn zone_of(linked: &Linked, contact: &Contact) -> Zone {
    let name = linked.zone_attribute().and_then(|attribute| match contact.attributes.get(attribute) {
        Some(Value::Text(name)) => Some(name.as_str()),
        _ => None,
    });
    Zone::resolve(name, linked.zone())
}

fn pop<'a>(stack: &mut Stack<'a>) -> Operand<'a> {
    stack.pop().unwrap_or(Cow::Borrowed(&UNSET))
}

fn is_true(operand: Option<Operand<'_>>) -> bool {
    operand.is_some_and(|value| value.is_true())
}

fn field<'a>(record: &'a Value, name: &str) -> &'a Value {
    match record {
        Value::Record(fields) => fields.iter().find(|(known, _)| known == name).map_or(&UNSET, |(_, value)| value),
        _ => &UNSET,
    }
}

fn list(value: &Value) -> &[Value] {
    match value {
        Value::List(values) => values,
        _ => &[],
    }
}

/// A list with a value behind it, unless it has it already; of a full list the first value goes.
fn append(list: &Value, value: &Value) -> Value {
    let values = self::list(list);
    if !value.is_set() || values.contains(value) {
        return list.clone();
    }
    let over = (values.len() + 1).saturating_sub(MAX_LIST);
    Value::List(values.iter().skip(over).chain([value]).cloned().collect())
}

fn multiply(a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => Value::Number(a.times(*b)),
        (Value::Money(money), Value::Number(n)) | (Value::Number(n), Value::Money(money)) => {
            Value::Money(journey_bytecode::Money { amount: money.amount.times(*n), currency: money.currency.clone() })
        }
        _ => Value::Unset,
    }
}

fn divide(a: &Value, b: &Value) -> Value {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => Value::Number(a.over(*b)),
        (Value::Money(money), Value::Number(n)) => {
            Value::Money(journey_bytecode::Money { amount: money.amount.over(*n), currency: money.currency.clone() })
        }
        (Value::Money(a), Value::Money(b)) if a.currency == b.currency => Value::Number(a.amount.over(b.amount)),
        _ => Value::Unset,
    }
}
