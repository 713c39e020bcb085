//! The stack machine: computes values until an instruction has an effect, which is then [`advance`](super::advance)'s
//! to carry out. It reads only what [`Env`] shows it, and every instruction has an answer for every operand.

use std::borrow::Cow;

use journey_bytecode::{Channel, Clause, HandleIx, Instant, LocalWindow, MessageRef, Op, Pc, Span, StatusKind, Value};
use smol_str::SmolStr;

use super::contact::{Contact, Run, SentMessage};
use super::link::{Linked, Prepared};
use crate::time::{self, Zone};

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
}

/// What an instruction can read of its run.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
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
            entered_at: run.entered_at,
            trigger: &run.trigger,
            slots: &run.slots,
            handles: &run.handles,
            last_message: run.last_message,
        }
    }

    /// Of a run that has not begun: clauses of the header see the trigger alone.
    pub(crate) fn before(now: Instant, trigger: &'a Value) -> Self {
        Self { entered_at: now, trigger, slots: &[], handles: &[], last_message: None }
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

const UNSET: Value = Value::Unset;

impl<'a> Env<'a> {
    /// The value of a clause; unset if it needs more fuel than there is.
    pub(crate) fn value(&self, clause: Clause, fuel: &mut u32) -> Value {
        match self.run(Pc(clause.0), fuel, |_| {}) {
            Stop::Return(value) => value,
            Stop::Effect(..) | Stop::Fuel => Value::Unset,
        }
    }

    /// Whether a clause holds.
    pub(crate) fn holds(&self, clause: Clause, fuel: &mut u32) -> bool {
        self.value(clause, fuel).is_true()
    }

    /// Computes from `pc` to the next instruction with an effect.
    pub(crate) fn run(&self, mut pc: Pc, fuel: &mut u32, mut decided: impl FnMut(bool)) -> Stop {
        let program = &self.prepared.program;
        let mut stack: Vec<Operand<'a>> = Vec::with_capacity(usize::from(program.max_stack));
        loop {
            let Some(&op) = program.code.get(pc.index()) else { return Stop::Return(Value::Unset) };
            let Some(left) = fuel.checked_sub(1) else { return Stop::Fuel };
            *fuel = left;
            let here = pc;
            pc = Pc(pc.0 + 1);
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
                Op::Decide => decided(stack.last().is_some_and(|top| top.is_true())),
                Op::SetAttribute(_) | Op::Store(_) => {
                    return Stop::Effect(op, here, pop(&mut stack).into_owned());
                }
                Op::Step(_) | Op::Send(_) | Op::Wait(_) | Op::AddTag(_) | Op::RemoveTag(_) | Op::End => {
                    return Stop::Effect(op, here, Value::Unset);
                }
                _ => {
                    let value = self.compute(op, &mut stack);
                    stack.push(value);
                }
            }
        }
    }

    /// Instructions that take values and give one.
    fn compute(&self, op: Op, stack: &mut Vec<Operand<'a>>) -> Operand<'a> {
        let owned = Cow::Owned;
        match op {
            Op::Const(ix) => Cow::Borrowed(self.prepared.program.consts.get(ix.index()).unwrap_or(&UNSET)),
            Op::Attribute(ix) => {
                let name = self.name(ix.index());
                let given = self.contact.attributes.get(name);
                Cow::Borrowed(given.or_else(|| self.prepared.defaults.get(ix.index())).unwrap_or(&UNSET))
            }
            Op::Trigger(ix) => Cow::Borrowed(field(self.frame.trigger, self.name(ix.index()))),
            Op::Field(ix) => Cow::Borrowed(field(self.event, self.name(ix.index()))),
            Op::Load(ix) => Cow::Borrowed(self.frame.slots.get(ix.index()).unwrap_or(&UNSET)),
            Op::Now => owned(Value::Instant(self.now)),
            Op::Today => owned(Value::Date(self.zone().today(self.now))),
            Op::EnteredAt => owned(Value::Instant(self.frame.entered_at)),
            Op::WaitStart => owned(Value::Instant(self.since)),
            Op::HasTag(ix) => owned(Value::Bool(self.contact.tags.contains(self.name(ix.index())))),
            Op::Status(kind, message) => owned(Value::Bool(self.status(kind, message))),
            Op::ClickedLink(ix, message) => owned(Value::Bool(self.clicked(self.name(ix.index()), message))),
            Op::StatusWithin(kind, channel) => {
                let within = pop(stack);
                owned(Value::Bool(self.status_within(kind, channel, &within)))
            }
            Op::WeekdayOf => owned(self.weekday(&pop(stack))),
            Op::HourOf => owned(match self.instant(&pop(stack)) {
                Some(at) => Value::int(i64::from(self.zone().hour(at))),
                None => Value::Unset,
            }),
            Op::Member(ix) => match pop(stack) {
                Cow::Borrowed(record) => Cow::Borrowed(field(record, self.name(ix.index()))),
                Cow::Owned(record) => owned(record.field(self.name(ix.index()))),
            },
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
            _ => {
                let (b, a) = (pop(stack), pop(stack));
                owned(self.binary(op, &a, &b))
            }
        }
    }

    fn binary(&self, op: Op, a: &Value, b: &Value) -> Value {
        use std::cmp::Ordering::{Equal, Less};
        match op {
            Op::Equal => Value::Bool(a.is_set() && a == b),
            Op::Less => Value::Bool(a.order(b) == Some(Less)),
            Op::LessOrEqual => Value::Bool(matches!(a.order(b), Some(Less | Equal))),
            Op::Add => self.add(a, b),
            Op::Subtract => self.subtract(a, b),
            Op::Multiply => multiply(a, b),
            Op::Divide => divide(a, b),
            Op::In => Value::Bool(matches!(b, Value::List(list) if a.is_set() && list.contains(a))),
            Op::Contains => Value::Bool(match (a, b) {
                (Value::List(list), value) => value.is_set() && list.contains(value),
                (Value::Text(text), Value::Text(part)) => text.to_lowercase().contains(&part.to_lowercase()),
                _ => false,
            }),
            Op::StartsWith => Value::Bool(texts(a, b, |text, part| text.starts_with(part))),
            Op::EndsWith => Value::Bool(texts(a, b, |text, part| text.ends_with(part))),
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
        let (one, many, since) = match message {
            MessageRef::None => (None, None, Instant(i64::MIN)),
            MessageRef::Handle(_) | MessageRef::Last => (number, None, Instant(i64::MIN)),
            MessageRef::SinceEntry => (None, Some(None), self.frame.entered_at),
            MessageRef::Any(channel) => (None, Some(channel), Instant(i64::MIN)),
        };
        let one = one.and_then(|number| self.contact.state.message(number));
        let many = many.into_iter().flat_map(|channel: Option<Channel>| {
            self.contact.state.messages.iter().filter(move |m| channel.is_none_or(|channel| m.channel == channel))
        });
        (one.into_iter().chain(many), since)
    }

    /// The number of the one message that is meant.
    pub(crate) fn number(&self, message: MessageRef) -> Option<u32> {
        match message {
            MessageRef::Handle(handle) => {
                self.frame.handles.iter().find(|(known, _)| *known == handle).map(|(_, number)| *number)
            }
            MessageRef::Last => self.frame.last_message,
            MessageRef::None | MessageRef::SinceEntry | MessageRef::Any(_) => None,
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

    fn status_within(&self, kind: StatusKind, channel: Option<Channel>, within: &Value) -> bool {
        let Value::Span(span) = within else { return false };
        let since = self.zone().add(self.now, span.negated());
        let (mut messages, _) = self.messages(MessageRef::Any(channel));
        messages.any(|m| m.status(kind).is_some_and(|status| status.last >= since))
    }

    fn name(&self, ix: usize) -> &'a SmolStr {
        static EMPTY: SmolStr = SmolStr::new_static("");
        self.prepared.program.names.get(ix).unwrap_or(&EMPTY)
    }
}

/// The contact's zone, the project's without a valid one.
pub(crate) fn zone_of(linked: &Linked, contact: &Contact) -> Zone {
    let name = linked.zone_attribute().and_then(|attribute| match contact.attributes.get(attribute) {
        Some(Value::Text(name)) => Some(name.as_str()),
        _ => None,
    });
    Zone::resolve(name, linked.zone())
}

fn pop<'a>(stack: &mut Vec<Operand<'a>>) -> Operand<'a> {
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

fn texts(a: &Value, b: &Value, test: impl Fn(&str, &str) -> bool) -> bool {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => test(&a.to_lowercase(), &b.to_lowercase()),
        _ => false,
    }
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
