//! Events: what starts a run, ends it, or wakes it.

use std::collections::BTreeMap;

use journey_bytecode::{BuiltinEvent, Field, MessageRef, StatusKind, TriggerKind, Type, Value, builtin_fields};
use smol_str::SmolStr;

use super::expr::{Checker, FieldShape, Fields, Want};
use super::index::FieldInfo;
use super::not_yet;
use crate::diagnostic::Code;
use crate::hir::{About, AboutKind, EventKind, EventPattern, Expr, Later, Loc, Name};
use crate::typed::{self, Comparison, ExprKind, Optional, Pattern, Place, Trigger};

/// The fields that a trigger hands to the run, as templates see them.
pub(crate) struct TriggerFields {
    /// `purchase`, `tag lead`
    pub(crate) name: String,
    /// None if nobody declares them.
    pub(crate) fields: Option<Vec<Field>>,
}

impl Checker<'_> {
    /// A trigger, and the fields that it hands to the run.
    pub(super) fn trigger_of(&mut self, pattern: &EventPattern) -> Option<(Trigger, Fields, TriggerFields)> {
        let builtin = |event| builtin(event, "");
        let (kind, fields) = match &pattern.kind {
            EventKind::Error => return None,
            EventKind::Later(later) => {
                self.diagnostics.push(not_yet(later, self.text));
                return None;
            }
            EventKind::Named(name) => {
                let fields = self.declared(name)?;
                (TriggerKind::Event(name.text.clone()), fields)
            }
            EventKind::Created => (TriggerKind::Created, builtin(BuiltinEvent::Created)),
            EventKind::Tag(tag) => (TriggerKind::Tag(self.tag(tag)?), builtin(BuiltinEvent::Tagged)),
            EventKind::Untag(tag) => (TriggerKind::Untag(self.tag(tag)?), builtin(BuiltinEvent::Untagged)),
            EventKind::Changes { attribute, from, to } => {
                let ty = self.attribute_type(attribute)?;
                let from = self.change_value(from.as_deref(), ty.as_ref())?;
                let to = self.change_value(to.as_deref(), ty.as_ref())?;
                let kind = TriggerKind::Changes { attribute: attribute.text.clone(), from, to };
                (kind, changed_fields(ty.as_ref()))
            }
            EventKind::Status(..) | EventKind::Unsubscribed(_) => {
                let what = self.text.slice(pattern.loc).split_whitespace().next().unwrap_or("this");
                let later = Later { what: format!("on {what}").into(), loc: pattern.loc };
                self.diagnostics.push(not_yet(&later, self.text));
                return None;
            }
        };
        let filter = self.filter(pattern.filter.as_deref(), &fields);
        let name = match &kind {
            TriggerKind::Tag(tag) => format!("tag {tag}"),
            TriggerKind::Untag(tag) => format!("untag {tag}"),
            TriggerKind::Changes { attribute, .. } => format!("{attribute} changes"),
            TriggerKind::Created => "created".to_owned(),
            _ => fields.of.clone(),
        };
        let shape = TriggerFields { name, fields: declared_fields(&fields) };
        Some((Trigger { kind, filter, loc: pattern.loc }, fields, shape))
    }

    /// An event that ends a run, counts as success, or wakes it.
    pub(super) fn pattern(&mut self, pattern: &EventPattern) -> Option<Pattern> {
        let loc = pattern.loc;
        let none = typed::About::Is(MessageRef::None);
        let made = |event: BuiltinEvent, filter: Option<typed::Expr>| Pattern {
            event: event.name().into(),
            about: none,
            link: None,
            filter,
            loc,
        };
        Some(match &pattern.kind {
            EventKind::Error => return None,
            EventKind::Later(later) => {
                self.diagnostics.push(not_yet(later, self.text));
                return None;
            }
            EventKind::Named(name) => {
                let fields = self.declared(name)?;
                let filter = self.filter(pattern.filter.as_deref(), &fields);
                Pattern { event: name.text.clone(), about: none, link: None, filter, loc }
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
            EventKind::Unsubscribed(topic) => {
                let filter = match topic {
                    Some(topic) => Some(field_is("topic", Value::Text(self.topic(topic)?), loc)),
                    None => None,
                };
                made(BuiltinEvent::Unsubscribed, filter)
            }
            EventKind::Status(StatusKind::Skipped, about) => {
                self.skipped(about, loc);
                return None;
            }
            EventKind::Status(status, about) => {
                let (about, link) = self.about(*status, about, loc)?;
                Pattern { event: status.name().into(), about, link, filter: None, loc }
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
        if let Some(event) = self.index.events.get(&name.text) {
            let known = event.fields.iter().map(|field| {
                let shape = FieldShape { ty: field.ty.clone(), optional: field.optional, conflict: false };
                (field.name.clone(), shape)
            });
            return Some(Fields { known: known.collect(), open: Vec::new(), of: name.text.to_string() });
        }
        if self.index.lone {
            self.implied.events.entry(name.text.clone()).or_default();
            let open = vec![name.text.clone()];
            return Some(Fields { known: BTreeMap::new(), open, of: name.text.to_string() });
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
        let known = fields.known.into_iter();
        let known = known.map(|(name, shape)| FieldInfo { name, ty: shape.ty, optional: shape.optional });
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
    pub(super) fn filter(&mut self, filter: Option<&Expr>, fields: &Fields) -> Option<typed::Expr> {
        let filter = filter?;
        let outer = self.event.replace(fields.clone());
        let checked = self.condition(filter);
        self.event = outer;
        Some(checked)
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
    fn change_value(&mut self, value: Option<&Expr>, ty: Option<&Type>) -> Option<Option<Value>> {
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
pub(super) fn joined(all: Vec<Fields>) -> Fields {
    let count = all.len();
    let mut joined = Fields::default();
    let mut seen: BTreeMap<SmolStr, usize> = BTreeMap::new();
    let names: Vec<String> = all.iter().map(|fields| fields.of.clone()).filter(|of| !of.is_empty()).collect();
    joined.of = match names.as_slice() {
        [one] if count == 1 => one.clone(),
        _ => String::new(),
    };
    for fields in all {
        joined.open.extend(fields.open);
        for (name, shape) in fields.known {
            *seen.entry(name.clone()).or_default() += 1;
            match joined.known.get_mut(&name) {
                Some(known) => {
                    known.optional |= shape.optional;
                    known.conflict |= known.ty.is_some() && shape.ty.is_some() && known.ty != shape.ty;
                    known.ty = known.ty.take().or(shape.ty);
                }
                None => drop(joined.known.insert(name, shape)),
            }
        }
    }
    for (name, shape) in &mut joined.known {
        shape.optional |= seen.get(name).is_none_or(|seen| *seen < count);
    }
    joined
}

fn builtin(event: BuiltinEvent, of: &str) -> Fields {
    let known = builtin_fields(event).iter().map(|(name, ty)| {
        (SmolStr::new_static(name), FieldShape { ty: Some(ty.clone()), optional: false, conflict: false })
    });
    Fields { known: known.collect(), open: Vec::new(), of: of.to_owned() }
}

/// The fields of a change: the values have the attribute's type, and there may have been or be none.
fn changed_fields(ty: Option<&Type>) -> Fields {
    let mut fields = builtin(BuiltinEvent::Changed, "");
    for name in ["old", "new"] {
        if let Some(shape) = fields.known.get_mut(name) {
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
fn field_is(field: &'static str, value: Value, loc: Loc) -> typed::Expr {
    let place = Place::Field(SmolStr::new_static(field));
    let field = typed::Expr { kind: ExprKind::Place(place, Optional::No), ty: Some(Type::Text), loc };
    let value = typed::Expr::constant(value, Type::Text, loc);
    typed::Expr::truth(ExprKind::Compare(Comparison::Equal, Box::new((field, value))), loc)
}
