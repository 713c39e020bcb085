//! Events: what starts a run, ends it, or wakes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use journey_bytecode::{
    BuiltinEvent, Channel, Date, Field, MessageRef, MessageScope, StatusKind, TriggerKind, Type, Value, WRITTEN_WORD,
    WeekdaySet, builtin_fields, past_entry, past_segment, written_word,
};
use smol_str::SmolStr;

use super::expr::{Checker, FieldShape, Fields, Want, shifted, to_instant};
use super::index::FieldInfo;
use super::moments::day_of;
use super::types::a;
use super::uses::Named;
use super::wait::{next_at, wait_start};
use crate::diagnostic::Code;
use crate::hir::{About, AboutKind, EventKind, EventPattern, Expr, Loc, Name};
use crate::template::TriggerShape;
use crate::typed::{self, Comparison, ExprKind, On, Optional, Pattern, Place, Trigger};

/// How often a schedule may begin runs: every hour, in milliseconds.
const LEAST_INTERVAL: i64 = 3_600_000;

impl Checker<'_> {
    /// A trigger, and the fields that it hands to the run.
    pub(super) fn trigger_of(&mut self, pattern: &EventPattern) -> Option<(Trigger, Fields, TriggerShape)> {
        let builtin = |event| builtin(event, "");
        let event = On::Event;
        let mut segment = None;
        let (kind, fields) = match &pattern.kind {
            EventKind::Error => return None,
            EventKind::Named(name) => {
                let fields = self.declared(name)?;
                (event(TriggerKind::Event(name.text.clone())), fields)
            }
            EventKind::Created => (event(TriggerKind::Created), builtin(BuiltinEvent::Created)),
            EventKind::Tag(tag) => (event(TriggerKind::Tag(self.tag(tag)?)), builtin(BuiltinEvent::Tagged)),
            EventKind::Untag(tag) => (event(TriggerKind::Untag(self.tag(tag)?)), builtin(BuiltinEvent::Untagged)),
            EventKind::Changes { attribute, from, to } => {
                let ty = self.attribute_type(attribute)?;
                let from = self.change_value(from.as_deref(), ty.as_ref())?;
                let to = self.change_value(to.as_deref(), ty.as_ref())?;
                let kind = TriggerKind::Changes { attribute: attribute.text.clone(), from, to };
                (event(kind), changed_fields(ty.as_ref()))
            }
            EventKind::Status(status, about) => self.message_trigger(*status, about, pattern.loc)?,
            EventKind::Subscribed(topic, channel) => {
                let topic = self.topic_of(topic.as_ref())?;
                (event(TriggerKind::Subscribed(topic, *channel)), builtin(BuiltinEvent::Subscribed))
            }
            EventKind::Unsubscribed(topic, channel) => {
                let topic = self.topic_of(topic.as_ref())?;
                (event(TriggerKind::Unsubscribed(topic, *channel)), builtin(BuiltinEvent::Unsubscribed))
            }
            EventKind::Message(text, channel) => {
                (event(TriggerKind::Inbound(text.clone(), *channel)), builtin(BuiltinEvent::Message))
            }
            EventKind::Segment(name, enters) => {
                let condition = self.segment(name)?.put_at(name.loc);
                let on = if *enters { On::Enters } else { On::Leaves };
                (on(name.text.clone(), condition), Fields::default())
            }
            EventKind::Reaches(stage) => {
                let (funnel, stage) = self.stage_of(stage)?;
                (event(TriggerKind::Reaches { funnel, stage }), builtin(BuiltinEvent::Moved))
            }
            EventKind::Every { days, time, from, segment: who } => {
                if let Some(name) = who {
                    segment = Some(self.segment(name)?.put_at(name.loc));
                }
                let start = wait_start(pattern.loc);
                let start = match from {
                    Some(from) => later(start, day(*from, pattern.loc)),
                    None => start,
                };
                (On::Moment(next_at(*days, start, *time)), Fields::default())
            }
            EventKind::EverySpan { span: (span, loc), from, time, segment: who } => {
                if let Some(name) = who {
                    segment = Some(self.segment(name)?.put_at(name.loc));
                }
                if span.rough_millis() < LEAST_INTERVAL {
                    self.report(Code::ImpossibleValue, *loc, "this begins more often than every hour")
                        .label("too often")
                        .help("choose an hour at least: every contact is looked at each time");
                    return None;
                }
                let start = match from {
                    Some(from) => day(*from, pattern.loc),
                    None => typed::Expr { kind: ExprKind::CreatedAt, ty: Some(Type::DateTime), loc: pattern.loc },
                };
                let sides = Box::new((wait_start(pattern.loc), start));
                let kind = ExprKind::NextEvery(sides, *span, *time);
                (On::Moment(typed::Expr { kind, ty: Some(Type::DateTime), loc: pattern.loc }), Fields::default())
            }
            EventKind::Date(date, offset, time) => {
                let date = self.date(date)?;
                let moved = if offset.millis == 0 || date.ty == Some(Type::DateTime) {
                    shifted(date, *offset)
                } else {
                    shifted(to_instant(date), *offset)
                };
                let begin = if moved.ty == Some(Type::Date) { to_instant(moved) } else { to_instant(day_of(moved)) };
                (On::Moment(next_at(WeekdaySet::ALL, begin, *time)), Fields::default())
            }
            EventKind::Anniversary(date, time) => {
                let date = self.date(date)?;
                let day = if date.ty == Some(Type::DateTime) { day_of(date) } else { date };
                let (loc, sides) = (day.loc, Box::new((wait_start(day.loc), day)));
                let next = ExprKind::NextAnniversary(sides, *time);
                (On::Moment(typed::Expr { kind: next, ty: Some(Type::DateTime), loc }), Fields::default())
            }
            EventKind::Call(_) => {
                let handed = self.index.handed.get(&self.journey_name).map_or(&[][..], Vec::as_slice);
                let known = handed.iter().map(|field| {
                    let shape = FieldShape { ty: field.ty.clone(), optional: field.optional, conflict: false };
                    (field.name.clone(), shape)
                });
                let fields =
                    Fields { known: Arc::new(known.collect()), open: Vec::new(), of: SmolStr::new_static("call") };
                (event(TriggerKind::Call), fields)
            }
        };
        self.in_trigger = true;
        let filter = match &pattern.filter {
            Some(filter) if segment.is_none() => Some(self.filter(filter, fields.clone())),
            _ => segment,
        };
        self.in_trigger = false;
        let name = match &kind {
            On::Event(TriggerKind::Tag(tag)) => format!("tag {tag}"),
            On::Event(TriggerKind::Untag(tag)) => format!("untag {tag}"),
            On::Event(TriggerKind::Event(_)) => fields.of.to_string(),
            _ => self.text.show(pattern.loc),
        };
        let shape = TriggerShape { name, fields: declared_fields(&fields) };
        Some((Trigger { kind, filter, loc: pattern.loc }, fields, shape))
    }

    /// `on clicked price`: of any send of a message of this name, or of any message.
    fn message_trigger(&mut self, status: StatusKind, about: &About, loc: Loc) -> Option<(On, Fields)> {
        let message = match &about.kind {
            AboutKind::Bare | AboutKind::Any(None) => MessageScope::Any,
            AboutKind::Any(Some(channel)) => MessageScope::Channel(*channel),
            AboutKind::AnyNamed(name) => match self.any_named(name)? {
                typed::About::Topic(topic) => MessageScope::Topic(topic),
                _ => MessageScope::Named(name.text.clone()),
            },
            AboutKind::Named(name) => {
                if !self.index.has_message(None, &name.text) && !self.index.lone {
                    let names: Vec<SmolStr> = self.index.messages.keys().map(|(_, name)| name.clone()).collect();
                    self.report(Code::UnknownMessage, name.loc, format!("there is no message `{}`", name.text))
                        .suggest_or(
                            &name.text,
                            names.iter().map(SmolStr::as_str),
                            "no such message",
                            "name a message of the project; names given with `as` are known inside their journey alone",
                        );
                    return None;
                }
                MessageScope::Named(name.text.clone())
            }
        };
        if status == StatusKind::Skipped {
            self.report(Code::ImpossibleStatus, loc, "nothing begins when a message is skipped")
                .label("known to the run that sends it")
                .help("ask behind the send: `if skipped { .. }`");
            return None;
        }
        let link = self.link(status, about.link.as_ref())?;
        let fields = BuiltinEvent::parse(status.name()).map(|event| builtin(event, "")).unwrap_or_default();
        Some((On::Event(TriggerKind::Message(status, message, link)), fields))
    }

    /// The topic, if one is named; the outer `None` is an unknown one.
    #[expect(clippy::option_option, reason = "said above")]
    fn topic_of(&mut self, topic: Option<&Name>) -> Option<Option<SmolStr>> {
        match topic {
            Some(topic) => self.topic(topic).map(Some),
            None => Some(None),
        }
    }

    /// The day or moment of a trigger; if it is unset, there is none, and nothing starts.
    fn date(&mut self, date: &Expr) -> Option<typed::Expr> {
        let checked = self.expr(date, Want::Any);
        match checked.ty.as_ref()? {
            Type::Date | Type::DateTime => Some(checked),
            ty => {
                let message = format!("a trigger at a date needs a day or a moment, and this is {}", a(ty));
                self.report(Code::NotAMoment, date.loc, message).label("when is that?");
                None
            }
        }
    }

    /// An event that ends a run, counts as success, or wakes it.
    pub(super) fn pattern(&mut self, pattern: &EventPattern) -> Option<Pattern> {
        let loc = pattern.loc;
        let none = typed::About::Is(MessageRef::None);
        let made = |event: BuiltinEvent, filter: Option<typed::Expr>| Pattern {
            event: event.name().into(),
            about: none.clone(),
            link: None,
            filter: filter.map(Box::new),
            watched: None,
            loc,
        };
        Some(match &pattern.kind {
            EventKind::Error => return None,
            EventKind::Named(name) => {
                let filter = self.filter_on(name, pattern.filter.as_deref())?.map(Box::new);
                Pattern { event: name.text.clone(), about: none, link: None, filter, watched: None, loc }
            }
            EventKind::Segment(name, enters) => {
                let condition = self.segment(name)?.put_at(name.loc);
                let event = if *enters { past_entry(&name.text) } else { past_segment(&name.text) };
                let watched = Some(Box::new((name.text.clone(), condition)));
                Pattern { event, about: none, link: None, filter: None, watched, loc }
            }
            EventKind::Reaches(stage) => {
                let (funnel, stage) = self.stage_of(stage)?;
                let parts =
                    vec![field_is("funnel", Value::Text(funnel), loc), field_is("stage", Value::Text(stage), loc)];
                made(BuiltinEvent::Moved, Some(typed::Expr::truth(ExprKind::And(parts), loc)))
            }
            // Only a trigger can be one of these.
            EventKind::Every { .. }
            | EventKind::EverySpan { .. }
            | EventKind::Date(..)
            | EventKind::Anniversary(..)
            | EventKind::Call(_) => {
                return None;
            }
            EventKind::Created => made(BuiltinEvent::Created, None),
            EventKind::Tag(tag) => {
                let tag = self.tag(tag)?;
                made(BuiltinEvent::Tagged, Some(field_is("tag", Value::Text(tag), loc)))
            }
            EventKind::Untag(tag) => {
                let tag = self.tag(tag)?;
                made(BuiltinEvent::Untagged, Some(field_is("tag", Value::Text(tag), loc)))
            }
            EventKind::Changes { attribute, from, to } => {
                let ty = self.attribute_type(attribute)?;
                let mut parts = vec![field_is("attribute", Value::Text(attribute.text.clone()), loc)];
                for (field, value) in [("old", from), ("new", to)] {
                    let value = self.change_value(value.as_deref(), ty.as_ref())?;
                    parts.extend(value.map(|value| field_is(field, value, loc)));
                }
                made(BuiltinEvent::Changed, Some(typed::Expr::truth(ExprKind::And(parts), loc)))
            }
            EventKind::Subscribed(topic, channel) => {
                let topic = self.topic_of(topic.as_ref())?;
                let mut parts: Vec<_> =
                    topic.map(|topic| field_is("topic", Value::Text(topic), loc)).into_iter().collect();
                parts.extend(channel.map(|channel| on_channel(channel, loc)));
                made(BuiltinEvent::Subscribed, all(parts, loc))
            }
            EventKind::Unsubscribed(topic, channel) => {
                // Who wants nothing at all wants none of the topic.
                let of =
                    |topic| either(field_is("topic", Value::Text(topic), loc), field_is("topic", Value::text(""), loc));
                let mut parts: Vec<_> = self.topic_of(topic.as_ref())?.map(of).into_iter().collect();
                parts.push(match channel {
                    Some(channel) => on_channel(*channel, loc),
                    None => field_is("channel", Value::text(""), loc),
                });
                made(BuiltinEvent::Unsubscribed, all(parts, loc))
            }
            EventKind::Message(text, channel) => {
                let word = text.as_ref().map(|text| field_is(WRITTEN_WORD, Value::Text(written_word(text)), loc));
                let mut parts: Vec<_> = word.into_iter().collect();
                parts.extend(channel.map(|channel| field_is("channel", Value::text(channel.name()), loc)));
                let fields = || builtin(BuiltinEvent::Message, "message");
                parts.extend(pattern.filter.as_ref().map(|filter| self.filter(filter, fields())));
                made(BuiltinEvent::Message, all(parts, loc))
            }
            EventKind::Status(StatusKind::Skipped, about) => {
                self.skipped(about, loc);
                return None;
            }
            EventKind::Status(status, about) => {
                let (about, link) = self.about(*status, about, loc)?;
                Pattern { event: status.name().into(), about, link, filter: None, watched: None, loc }
            }
        })
    }

    /// Whether a message is skipped is known as soon as it is sent.
    fn skipped(&mut self, about: &About, loc: Loc) {
        let question = match &about.kind {
            AboutKind::Named(name) => format!("if skipped {} {{ .. }}", name.text),
            _ => "if skipped { .. }".to_owned(),
        };
        self.report(Code::ImpossibleStatus, loc, "`skipped` is known at once and cannot be waited for")
            .label("never happens later")
            .help(format!("ask behind the send: `{question}`"));
    }

    /// The fields of a declared event.
    pub(super) fn declared(&mut self, name: &Name) -> Option<Fields> {
        self.event_named(name)?;
        let of = name.text.clone();
        Some(match self.index.events.get(&name.text) {
            Some(event) => Fields { known: Arc::clone(&event.shapes), open: Vec::new(), of },
            None => Fields { known: Arc::default(), open: vec![name.text.clone()], of },
        })
    }

    /// A condition on a declared event: the outer `None` is an unknown event, the inner one stands for no condition.
    #[expect(clippy::option_option, reason = "said above")]
    pub(super) fn filter_on(&mut self, name: &Name, filter: Option<&Expr>) -> Option<Option<typed::Expr>> {
        match filter {
            Some(filter) => self.declared(name).map(|fields| Some(self.filter(filter, fields))),
            None => self.event_named(name).map(|()| None),
        }
    }

    /// Sees to it that the event is declared.
    fn event_named(&mut self, name: &Name) -> Option<()> {
        if self.index.events.contains_key(&name.text) {
            self.uses.note(Named::Event, &name.text);
            return Some(());
        }
        if self.index.lone {
            self.implied.events.entry(name.text.clone()).or_default();
            return Some(());
        }
        if self.index.unsure.events {
            return None;
        }
        let attribute = self.index.attributes.contains_key(&name.text);
        let tag = self.index.tags.contains_key(&name.text);
        let names: Vec<SmolStr> = self.index.events.keys().cloned().collect();
        let message = format!("there is no event `{}`", name.text);
        let report = self.report(Code::UnknownEvent, name.loc, message);
        if tag {
            let report = report.label("a tag");
            let report = report.replace(name.loc, &format!("tag {}", name.text), format!("Write `tag {}`", name.text));
            report.help(format!("`{0}` is a tag: write `tag {0}`", name.text));
        } else if attribute {
            report.label("an attribute").help(format!("`{0}` is an attribute: write `{0} changes`", name.text));
        } else {
            let help = format!("declare it in a `.journey` file: `event {} {{ amount: money }}`", name.text);
            report.suggest_or(&name.text, names.iter().map(SmolStr::as_str), "no such event", help);
        }
        None
    }

    /// The fields of a declared event, to be given values: the outer `None` is an unknown event, the inner one an event
    /// whose fields are declared by their use.
    #[expect(clippy::option_option, reason = "said above")]
    pub(super) fn event_fields(&mut self, name: &Name) -> Option<Option<Vec<FieldInfo>>> {
        let fields = self.declared(name)?;
        let known = fields.known.iter().map(|(name, shape)| FieldInfo {
            name: name.clone(),
            ty: shape.ty.clone(),
            optional: shape.optional,
        });
        Some(fields.open.is_empty().then(|| known.collect()))
    }

    /// The type of an event's field; the inner `None` is one that nobody knows yet.
    #[expect(clippy::option_option, reason = "said above")]
    pub(super) fn event_field(&mut self, event: &Name, name: &Name) -> Option<Option<Type>> {
        let fields = self.declared(event)?;
        if let Some(shape) = fields.known.get(&name.text) {
            return Some(shape.ty.clone());
        }
        if !fields.open.is_empty() {
            return Some(self.implied.field(&fields.open, &name.text).ty);
        }
        let names: Vec<SmolStr> = fields.known.keys().cloned().collect();
        let list = names.join(", ");
        self.report(Code::UnknownField, name.loc, format!("`{}` has no field `{}`", event.text, name.text)).suggest_or(
            &name.text,
            names.iter().map(SmolStr::as_str),
            "no such field",
            format!("its fields: {list}"),
        );
        None
    }

    /// `where` of an event; bare words are its fields first.
    pub(super) fn filter(&mut self, filter: &Expr, fields: Fields) -> typed::Expr {
        let outer = self.event.replace(fields);
        // Within a question about the past, the event that the trigger means is reached as `trigger`.
        let hidden = outer.as_ref().filter(|_| self.in_trigger).cloned();
        let trigger = hidden.map(|hidden| std::mem::replace(&mut self.trigger, hidden));
        let checked = self.condition(filter);
        self.event = outer;
        if let Some(trigger) = trigger {
            self.trigger = trigger;
        }
        checked
    }

    /// The type of an attribute; the outer `None` is an unknown one.
    pub(super) fn attribute_type(&mut self, name: &Name) -> Option<Option<Type>> {
        match self.index.attributes.get(&name.text) {
            Some(info) => Some(info.ty.clone()),
            None => {
                self.unknown_attribute(name);
                None
            }
        }
    }

    /// `to pro`; the outer `None` is a wrong one.
    #[expect(clippy::option_option, reason = "said above")]
    pub(super) fn change_value(&mut self, value: Option<&Expr>, ty: Option<&Type>) -> Option<Option<Value>> {
        let Some(value) = value else { return Some(None) };
        match ty {
            Some(ty) => self.constant(value, ty).map(Some),
            None => {
                self.expr(value, Want::Unknown);
                None
            }
        }
    }

    /// A tag that is declared.
    pub(super) fn tag(&mut self, name: &Name) -> Option<SmolStr> {
        if self.index.tags.contains_key(&name.text) {
            self.uses.note(Named::Tag, &name.text);
            return Some(name.text.clone());
        }
        if self.index.lone {
            self.implied.tags.insert(name.text.clone());
            return Some(name.text.clone());
        }
        if self.index.unsure.tags {
            return None;
        }
        let names: Vec<SmolStr> = self.index.tags.keys().cloned().collect();
        self.report(Code::UnknownTag, name.loc, format!("there is no tag `{}`", name.text)).suggest_or(
            &name.text,
            names.iter().map(SmolStr::as_str),
            "no such tag",
            format!("tags are declared once: `tags {{ {} }}`", name.text),
        );
        None
    }

    /// A topic that is declared.
    pub(super) fn topic(&mut self, name: &Name) -> Option<SmolStr> {
        if self.index.topics.contains_key(&name.text) {
            self.uses.note(Named::Topic, &name.text);
            return Some(name.text.clone());
        }
        if self.index.lone {
            self.implied.topics.insert(name.text.clone());
            return Some(name.text.clone());
        }
        if self.index.unsure.topics {
            return None;
        }
        let names: Vec<SmolStr> = self.index.topics.keys().cloned().collect();
        self.report(Code::UnknownTopic, name.loc, format!("there is no topic `{}`", name.text)).suggest_or(
            &name.text,
            names.iter().map(SmolStr::as_str),
            "no such topic",
            format!("declare it in a `.journey` file: `topic {} \"Offers and news\"`", name.text),
        );
        None
    }
}

/// The fields that all of several events have, some of them only some.
pub(super) fn joined(mut all: Vec<Fields>) -> Fields {
    let count = all.len();
    if count == 1 {
        return all.pop().unwrap_or_default();
    }
    let mut open = Vec::new();
    let mut joined: BTreeMap<SmolStr, FieldShape> = BTreeMap::new();
    let mut seen: BTreeMap<SmolStr, usize> = BTreeMap::new();
    for fields in all {
        open.extend(fields.open);
        for (name, shape) in &*fields.known {
            *seen.entry(name.clone()).or_default() += 1;
            match joined.get_mut(name) {
                Some(known) => {
                    known.optional |= shape.optional;
                    known.conflict |= known.ty.is_some() && shape.ty.is_some() && known.ty != shape.ty;
                    known.ty = known.ty.take().or_else(|| shape.ty.clone());
                }
                None => drop(joined.insert(name.clone(), shape.clone())),
            }
        }
    }
    for (name, shape) in &mut joined {
        shape.optional |= seen.get(name).is_none_or(|seen| *seen < count);
    }
    Fields { known: Arc::new(joined), open, of: SmolStr::default() }
}

/// All of them; none if there are none.
fn all(mut parts: Vec<typed::Expr>, loc: Loc) -> Option<typed::Expr> {
    match parts.len() {
        0 | 1 => parts.pop(),
        _ => Some(typed::Expr::truth(ExprKind::And(parts), loc)),
    }
}

fn either(a: typed::Expr, b: typed::Expr) -> typed::Expr {
    let loc = a.loc;
    typed::Expr::truth(ExprKind::Or(vec![a, b]), loc)
}

/// What concerns the channel: what holds for all channels holds for each.
fn on_channel(channel: Channel, loc: Loc) -> typed::Expr {
    either(field_is("channel", Value::text(channel.name()), loc), field_is("channel", Value::text(""), loc))
}

/// The later one of two moments.
fn later(a: typed::Expr, b: typed::Expr) -> typed::Expr {
    let loc = a.loc;
    typed::Expr { kind: ExprKind::Later(Box::new((a, b))), ty: Some(Type::DateTime), loc }
}

/// A day.
fn day(date: Date, loc: Loc) -> typed::Expr {
    typed::Expr::constant(Value::Date(date), Type::Date, loc)
}

fn builtin(event: BuiltinEvent, of: &str) -> Fields {
    let known = builtin_fields(event).iter().map(|(name, ty)| {
        (SmolStr::new_static(name), FieldShape { ty: Some(ty.clone()), optional: false, conflict: false })
    });
    Fields { known: Arc::new(known.collect()), open: Vec::new(), of: of.into() }
}

/// The fields of a change: the values have the attribute's type, and there may have been or be none.
fn changed_fields(ty: Option<&Type>) -> Fields {
    let mut fields = builtin(BuiltinEvent::Changed, "");
    let known = Arc::make_mut(&mut fields.known);
    for name in ["old", "new"] {
        if let Some(shape) = known.get_mut(name) {
            shape.ty = ty.cloned();
            shape.optional = true;
        }
    }
    fields
}

fn declared_fields(fields: &Fields) -> Option<Vec<Field>> {
    let known = fields.known.iter().filter_map(|(name, shape)| {
        Some(Field { name: name.clone(), ty: shape.ty.clone()?, optional: shape.optional })
    });
    fields.open.is_empty().then(|| known.collect())
}

/// A condition on a field of the event at hand.
pub(super) fn field_is(field: &'static str, value: Value, loc: Loc) -> typed::Expr {
    let place = Place::Field(SmolStr::new_static(field));
    let field = typed::Expr { kind: ExprKind::Place(place, Optional::No), ty: Some(Type::Text), loc };
    let value = typed::Expr::constant(value, Type::Text, loc);
    typed::Expr::truth(ExprKind::Compare(Comparison::Equal, Box::new((field, value))), loc)
}
