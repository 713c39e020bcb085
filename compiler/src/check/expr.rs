//! Names and types of expressions.

use std::collections::BTreeMap;

use journey_bytecode::{LocalWindow, MessageRef, SlotIx, Span, StatusKind, Type, Value, Weekday};
use smol_str::SmolStr;

use super::implied::Implied;
use super::index::Index;
use super::types::{a, comparable};
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit};
use crate::hir::{self, About, AboutKind, ArithmeticOp, BinaryOp, ExprKind as H, Loc, Name, Within};
use crate::text::Text;
use crate::typed::{self, Comparison, Expr, ExprKind as T, Optional, Place, Slot};

/// Checks one journey (or one declaration's constants) against the index.
pub(crate) struct Checker<'a> {
    pub(super) index: &'a Index<'a>,
    pub(super) text: &'a Text<'a>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Only literals and enum values are allowed.
    pub(super) constants: bool,
    /// The fields of the event that starts the run.
    pub(super) trigger: Fields,
    /// The fields of the event at hand, inside its `where`.
    pub(super) event: Option<Fields>,
    /// Local variables in sight, innermost last.
    pub(super) scope: Vec<(SmolStr, SlotIx)>,
    pub(super) slots: Vec<Slot>,
    pub(super) handles: super::handles::Handles,
    pub(super) implied: Implied,
    pub(super) journey_name: SmolStr,
    pub(super) sends: Vec<super::Sent>,
    pub(super) inline: Vec<super::Inline>,
    /// Some step cannot be run yet, so that what is sent is not known.
    pub(super) partial: bool,
    /// Whether it is a segment, which knows contacts and no runs.
    pub(super) in_segment: bool,
    /// While segments are checked: those that are.
    pub(super) segments: Option<&'a BTreeMap<SmolStr, Option<Expr>>>,
    /// Some trigger is not known, so that its fields are not, either.
    pub(super) trigger_unknown: bool,
}

/// The fields of an event.
#[derive(Clone, Default, Debug)]
pub(super) struct Fields {
    pub(super) known: BTreeMap<SmolStr, FieldShape>,
    /// Events whose fields are declared by their use.
    pub(super) open: Vec<SmolStr>,
    /// What they are the fields of, for messages: `purchase`.
    pub(super) of: String,
}

/// A field of one or several events.
#[derive(Clone, Debug)]
pub(super) struct FieldShape {
    pub(super) ty: Option<Type>,
    pub(super) optional: bool,
    /// The events do not agree on its type.
    pub(super) conflict: bool,
}

/// What is expected of an expression.
#[derive(Clone, Copy)]
pub(super) enum Want<'t> {
    /// Anything.
    Any,
    /// A value of this type: bare words are looked up among its values first.
    Type(&'t Type),
    /// Nobody knows, because something else is wrong: unknown words are not worth telling.
    Unknown,
}

impl<'a> Checker<'a> {
    pub(super) fn new(index: &'a Index<'a>, text: &'a Text<'a>) -> Self {
        Self {
            index,
            text,
            diagnostics: Vec::new(),
            constants: false,
            trigger: Fields::default(),
            event: None,
            scope: Vec::new(),
            slots: Vec::new(),
            handles: super::handles::Handles::default(),
            implied: Implied::default(),
            journey_name: SmolStr::default(),
            sends: Vec::new(),
            inline: Vec::new(),
            partial: false,
            in_segment: false,
            segments: None,
            trigger_unknown: false,
        }
    }

    /// A checker for places where only constants can stand.
    pub(super) fn constants(index: &'a Index<'a>, text: &'a Text<'a>) -> Self {
        Self { constants: true, ..Self::new(index, text) }
    }

    pub(super) fn report(&mut self, code: Code, loc: Loc, message: impl Into<String>) -> Report<'_, 'a> {
        let diagnostic = Diagnostic::new(code, self.text.span(loc), message);
        Report { checker: self, diagnostic: Some(diagnostic) }
    }

    /// A constant of the type.
    pub(super) fn constant(&mut self, e: &hir::Expr, ty: &Type) -> Option<Value> {
        let checked = self.expr(e, Want::Type(ty));
        let checked = self.assigned(checked, ty, "this");
        match checked.kind {
            T::Const(value) => Some(value),
            T::ToInstant(inner) => match inner.kind {
                T::Const(value) => Some(value),
                _ => None,
            },
            T::Error => None,
            _ => {
                if checked.ty.is_some() {
                    self.report(Code::TypeMismatch, e.loc, "only a constant can stand here").label("not a constant");
                }
                None
            }
        }
    }

    /// A constant of a type that nobody declared.
    pub(super) fn any_constant(&mut self, e: &hir::Expr) -> Option<Value> {
        match self.expr(e, Want::Any).kind {
            T::Const(value) => Some(value),
            _ => None,
        }
    }

    /// A condition.
    pub(super) fn condition(&mut self, e: &hir::Expr) -> Expr {
        let checked = self.expr(e, Want::Type(&Type::Bool));
        match &checked.ty {
            None | Some(Type::Bool) => checked,
            Some(ty) => {
                let source = self.text.show(e.loc);
                let help = match ty {
                    _ if matches!(checked.kind, T::Const(_)) => "compare something with it".to_owned(),
                    Type::Enum(values) => {
                        let value = values.first().map_or("..", |value| value.as_str());
                        format!("compare it: `{source} is {value}`")
                    }
                    Type::Text => {
                        format!("compare it: `{source} is \"..\"`, or ask whether it is there: `{source} is set`")
                    }
                    Type::Number => format!("compare it: `{source} > 0`"),
                    _ => format!("compare it, or ask whether it is there: `{source} is set`"),
                };
                let message = format!("`{source}` is {}, not a condition", a(ty));
                self.report(Code::NotACondition, e.loc, message).label("neither true nor false").help(help);
                Expr::error(e.loc)
            }
        }
    }

    /// An expression.
    pub(super) fn expr(&mut self, e: &hir::Expr, want: Want<'_>) -> Expr {
        let loc = e.loc;
        let constant = |value: Value, ty: Type| Expr::constant(value, ty, loc);
        match &e.kind {
            H::Error => Expr::error(loc),
            H::Later(later) => {
                self.diagnostics.push(super::not_yet(later, self.text));
                Expr::error(loc)
            }
            H::Bool(truth) => constant(Value::Bool(*truth), Type::Bool),
            H::Number(number) => constant(Value::Number(*number), Type::Number),
            H::Money(money) => constant(Value::Money(money.clone()), Type::Money),
            H::Text(text) => self.text_literal(text, loc, want),
            H::Span(span) => constant(Value::Span(*span), Type::Duration),
            H::Time(time) => constant(Value::Time(*time), Type::Time),
            H::Date(date) => constant(Value::Date(*date), Type::Date),
            H::Local(millis) => to_instant(constant(Value::Local(*millis), Type::DateTime)),
            H::Name(name) => self.name(name, loc, want),
            H::Member(of, name) => self.member(of, name, loc),
            H::List(items) => self.list(items, loc, want),
            H::Not(inner) => {
                let inner = self.condition(inner);
                truth(T::Not(Box::new(inner)), loc)
            }
            H::Negate(inner) => self.negate(inner, loc),
            H::And(parts) => {
                let parts = parts.iter().map(|part| self.condition(part)).collect();
                truth(T::And(parts), loc)
            }
            H::Or(parts) => {
                let parts = parts.iter().map(|part| self.condition(part)).collect();
                truth(T::Or(parts), loc)
            }
            H::Binary(op, sides) => self.binary(*op, &sides.0, &sides.1, loc),
            H::Arithmetic(first, rest) => self.arithmetic(first, rest, loc),
            H::In(sides) => self.within_list(&sides.0, &sides.1, loc),
            H::Between(parts) => {
                let (value, low, high) = (&parts.0, &parts.1, &parts.2);
                let low = self.binary(BinaryOp::GreaterOrEqual, value, low, loc);
                if low.ty.is_none() {
                    return Expr::error(loc);
                }
                let high = self.binary(BinaryOp::LessOrEqual, value, high, loc);
                truth(T::And(vec![low, high]), loc)
            }
            H::IsSet(inner) => {
                let inner = self.expr(inner, Want::Any);
                truth(T::IsSet(Box::new(inner)), loc)
            }
            H::IsEmpty(inner) => self.is_empty(inner, loc),
            H::Within(value, within) => self.within(value, *within, loc),
            H::Ago(span) => ago(*span, loc),
            H::Function(name, of) => self.function(name, of, loc),
            H::Status(status, about) => self.status(*status, about, loc),
            H::HasTag(tag) => match self.tag(tag) {
                Some(tag) => truth(T::HasTag(tag), loc),
                None => Expr::error(loc),
            },
            H::InGroup(name) => self.in_group(name, loc),
            H::InJourney(name) => match self.journey_named(name) {
                Some(journey) => truth(T::InJourney(journey), loc),
                None => Expr::error(loc),
            },
            H::WasInJourney(name, within) => match self.journey_named(name) {
                Some(journey) => truth(T::WasInJourney(journey, *within), loc),
                None => Expr::error(loc),
            },
            H::Consents(topic, channel) => match self.topic(topic) {
                Some(topic) => truth(T::Consents(topic, *channel), loc),
                None => Expr::error(loc),
            },
            H::Did(did) => self.did(did, loc),
            H::Aggregate(aggregate) => self.aggregate(aggregate, loc),
            H::Chance(share) => truth(T::Chance(*share), loc),
        }
    }

    fn text_literal(&mut self, text: &SmolStr, loc: Loc, want: Want<'_>) -> Expr {
        let value = Value::Text(text.clone());
        let Want::Type(ty) = want else { return Expr::constant(value, Type::Text, loc) };
        match ty {
            Type::Enum(values) => {
                let report = self.report(
                    Code::TypeMismatch,
                    loc,
                    format!("the values of an enum are bare words, and this is text: `\"{text}\"`"),
                );
                let report = report.label("text in quotes");
                let report = if values.contains(text) {
                    report.replace(loc, text, format!("Remove the quotes: `{text}`"))
                } else {
                    report.suggest(text, values.iter().map(SmolStr::as_str))
                };
                report.help(format!("write one of {}", crate::diagnostic::one_of(values.iter().map(SmolStr::as_str))));
                Expr::error(loc)
            }
            Type::Country if !super::codes::is_country(text) => self.no_such(text, ty, loc),
            Type::TimeZone if !super::codes::is_zone(text) => self.no_such(text, ty, loc),
            Type::Email if !text.contains('@') => self.no_such(text, ty, loc),
            Type::Phone if !super::codes::is_phone(text) => self.no_such(text, ty, loc),
            ty if ty.is_textual() => Expr::constant(value, ty.clone(), loc),
            _ => Expr::constant(value, Type::Text, loc),
        }
    }

    fn no_such(&mut self, text: &str, ty: &Type, loc: Loc) -> Expr {
        let help = match ty {
            Type::Country => "countries are two capitals (ISO 3166-1), such as `DE`, `AT` or `US`",
            Type::TimeZone => "zones are named as in the zone database: `Europe/Berlin`",
            Type::Phone => "phone numbers are international: `+4915112345678`",
            Type::Language => "languages are tags such as `de` or `pt_BR`",
            _ => "a mail address has the form `name@example.com`",
        };
        self.report(Code::UnknownValue, loc, format!("`{text}` is not {}", a(ty))).label("no such value").help(help);
        Expr::error(loc)
    }

    /// A bare word.
    fn name(&mut self, name: &SmolStr, loc: Loc, want: Want<'_>) -> Expr {
        // A value of the type that is expected comes first: in `plan is pro`, `pro` is a plan.
        if let Want::Type(ty) = want {
            match ty {
                Type::Enum(values) if values.contains(name) => {
                    return Expr::constant(Value::Text(name.clone()), ty.clone(), loc);
                }
                Type::Country if super::codes::is_country(name) => {
                    return Expr::constant(Value::Text(name.clone()), ty.clone(), loc);
                }
                Type::Language if super::codes::is_language(name) && !self.is_known(name) => {
                    return Expr::constant(Value::Text(name.clone()), ty.clone(), loc);
                }
                _ => {}
            }
        }
        if self.constants {
            return self.unknown_name(name, loc, want);
        }
        if let Some(found) = self.known(name, loc) {
            return found;
        }
        self.unknown_name(name, loc, want)
    }

    /// Whether the word names something by itself.
    fn is_known(&self, name: &str) -> bool {
        self.scope.iter().any(|(known, _)| known == name)
            || self.event.as_ref().is_some_and(|fields| fields.known.contains_key(name))
            || self.index.attributes.contains_key(name)
    }

    /// What the word names by itself: local variable, field of the event at hand, attribute, or a word of the language.
    fn known(&mut self, name: &SmolStr, loc: Loc) -> Option<Expr> {
        if let Some((_, slot)) = self.scope.iter().rev().find(|(known, _)| known == name) {
            let ty = self.slots.get(slot.index()).and_then(|slot| slot.ty.clone());
            return Some(Expr { kind: T::Place(Place::Slot(*slot), Optional::No), ty, loc });
        }
        if let Some(shape) = self.event.as_ref().and_then(|fields| fields.known.get(name)) {
            return Some(field(Place::Field(name.clone()), shape, loc));
        }
        if let Some(attribute) = self.attribute_place(name, loc) {
            return Some(attribute);
        }
        Some(match name.as_str() {
            "now" => Expr { kind: T::Now, ty: Some(Type::DateTime), loc },
            "today" => Expr { kind: T::Today, ty: Some(Type::Date), loc },
            "weekday" => weekday_of(now(loc)),
            "hour" => Expr { kind: T::HourOf(Box::new(now(loc))), ty: Some(Type::Number), loc },
            "created" => Expr { kind: T::CreatedAt, ty: Some(Type::DateTime), loc },
            "true" | "false" => Expr::constant(Value::Bool(name == "true"), Type::Bool, loc),
            _ => {
                // The fields of an event that is declared by its use are, too.
                let open = self.event.as_ref().filter(|fields| !fields.open.is_empty())?;
                let shape = self.implied.field(&open.open, name);
                return Some(field(Place::Field(name.clone()), &shape, loc));
            }
        })
    }

    pub(super) fn attribute_place(&self, name: &SmolStr, loc: Loc) -> Option<Expr> {
        let info = self.index.attributes.get(name)?;
        let optional = if info.may_be_unset { Optional::Yes } else { Optional::No };
        Some(Expr { kind: T::Place(Place::Attribute(name.clone()), optional), ty: info.ty.clone(), loc })
    }

    fn unknown_name(&mut self, name: &SmolStr, loc: Loc, want: Want<'_>) -> Expr {
        match want {
            Want::Unknown => return Expr::error(loc),
            Want::Type(ty @ Type::Enum(values)) => {
                let names: Vec<&str> = values.iter().map(SmolStr::as_str).collect();
                let list = crate::diagnostic::one_of(names.iter().copied());
                self.report(Code::UnknownValue, loc, format!("`{name}` is not {}", a(ty)))
                    .label("no such value")
                    .suggest(name, names)
                    .help(format!("write {list}"));
                return Expr::error(loc);
            }
            Want::Type(ty @ (Type::Country | Type::Language)) if !self.is_known(name) => {
                return self.no_such(name, ty, loc);
            }
            Want::Type(Type::Bool) if matches!(name.as_str(), "yes" | "no") => {
                let instead = if name == "yes" { "true" } else { "false" };
                self.report(Code::UnknownName, loc, format!("`{name}` is written `{instead}`"))
                    .label("not a word for truth")
                    .replace(loc, instead, format!("Replace `{name}` with `{instead}`"));
                return Expr::error(loc);
            }
            Want::Type(ty) if self.constants => {
                self.report(Code::UnknownName, loc, format!("`{name}` is not {}", a(ty))).label("not a constant");
                return Expr::error(loc);
            }
            Want::Type(_) | Want::Any => {}
        }
        let names: Vec<SmolStr> = (self.scope.iter().map(|(name, _)| name.clone()))
            .chain(self.event.iter().flat_map(|fields| fields.known.keys().cloned()))
            .chain(self.index.attributes.keys().cloned())
            .chain(["now", "today", "weekday", "hour"].map(SmolStr::new_static))
            .collect();
        if self.index.unsure.attributes {
            return Expr::error(loc);
        }
        let in_trigger = self.trigger.known.contains_key(name);
        let lone = self.index.lone;
        let report = self.report(Code::UnknownName, loc, format!("nothing here is called `{name}`"));
        if in_trigger {
            let instead = format!("trigger.{name}");
            let help = format!("the event that started the run has a field `{name}`: write `{instead}`");
            report.label("a field of the trigger").replace(loc, &instead, format!("Write `{instead}`")).help(help);
        } else {
            let help = if lone {
                format!("to ask for an attribute, declare it: `contact {{ {name}: text? }}`")
            } else {
                "a bare word is an attribute of the contact, a field of the event inside its `where`, or a value of an enum; text stands in quotes".to_owned()
            };
            report.suggest_or(name, names.iter().map(SmolStr::as_str), "no such name", help);
        }
        Expr::error(loc)
    }

    /// `contact.plan`, `trigger.amount`.
    fn member(&mut self, of: &hir::Expr, name: &Name, loc: Loc) -> Expr {
        if self.constants {
            self.report(Code::UnknownName, loc, "only a constant can stand here").label("not a constant");
            return Expr::error(loc);
        }
        match &of.kind {
            H::Name(word) if word == "contact" => match self.attribute_place(&name.text, loc) {
                Some(place) => place,
                None => {
                    self.unknown_attribute(name);
                    Expr::error(loc)
                }
            },
            H::Name(word) if word == "trigger" => self.trigger_field(name, loc),
            _ => {
                let checked = self.expr(of, Want::Any);
                if let Some(ty) = &checked.ty {
                    let message = format!("`{}` is {} and has no parts", self.text.show(of.loc), a(ty));
                    self.report(Code::UnknownField, name.loc, message).label("no such part").help(
                        "write `contact.NAME` for an attribute and `trigger.NAME` for a field of the event that started the run",
                    );
                }
                Expr::error(loc)
            }
        }
    }

    /// A field of the event that started the run.
    pub(super) fn trigger_field(&mut self, name: &Name, loc: Loc) -> Expr {
        let place = Place::Trigger(name.text.clone());
        if let Some(shape) = self.trigger.known.get(&name.text).cloned() {
            if shape.conflict {
                let message = format!("the triggers of this journey do not agree on what `{}` is", name.text);
                self.report(Code::TypeMismatch, name.loc, message)
                    .label("of two types")
                    .help("give the field one type in all events, or make two journeys");
                return Expr::error(loc);
            }
            return field(place, &shape, loc);
        }
        if !self.trigger.open.is_empty() {
            let shape = self.implied.field(&self.trigger.open.clone(), &name.text);
            return field(place, &shape, loc);
        }
        if self.trigger_unknown {
            return Expr::error(loc);
        }
        if self.in_segment {
            self.needs_a_run(loc, "trigger");
            return Expr::error(loc);
        }
        if self.event.as_ref().is_some_and(|event| event.known.contains_key(&name.text)) {
            self.report(Code::UnknownField, loc, "inside the `where` of an event its fields have bare names")
                .label("a field of this event")
                .replace(loc, &name.text, format!("Write `{}`", name.text));
            return Expr::error(loc);
        }
        let names: Vec<SmolStr> = self.trigger.known.keys().cloned().collect();
        let of = self.trigger.of.clone();
        let message = match of.as_str() {
            "" => format!("what starts this journey has no field `{}`", name.text),
            of => format!("`{of}` has no field `{}`", name.text),
        };
        let report = self.report(Code::UnknownField, name.loc, message).label("no such field");
        let report = report.suggest(&name.text, names.iter().map(SmolStr::as_str));
        if names.is_empty() {
            report.help("only events carry fields; a tag carries none");
        } else {
            report.help(format!("its fields: {}", names.join(", ")));
        }
        Expr::error(loc)
    }

    pub(super) fn unknown_attribute(&mut self, name: &Name) {
        if self.index.unsure.attributes {
            return;
        }
        let names: Vec<SmolStr> = self.index.attributes.keys().cloned().collect();
        self.report(Code::UnknownAttribute, name.loc, format!("contacts have no attribute `{}`", name.text))
            .suggest_or(
                &name.text,
                names.iter().map(SmolStr::as_str),
                "no such attribute",
                format!("attributes are declared once: `contact {{ {}: text? }}`", name.text),
            );
    }

    fn list(&mut self, items: &[hir::Expr], loc: Loc, want: Want<'_>) -> Expr {
        let mut element = match want {
            Want::Type(Type::List(of)) => Some((**of).clone()),
            _ => None,
        };
        let mut values = Vec::with_capacity(items.len());
        let mut wrong = false;
        for item in items {
            let want = element.as_ref().map_or(Want::Any, Want::Type);
            let checked = self.expr(item, want);
            let Some(ty) = checked.ty.clone() else {
                wrong = true;
                continue;
            };
            match &element {
                Some(element) if !comparable(&ty, element) => {
                    if !wrong {
                        let source = self.text.show(item.loc);
                        let message = format!("`{source}` does not fit into this list: it is {}", a(&ty));
                        self.report(Code::TypeMismatch, item.loc, message)
                            .label(a(&ty))
                            .help(format!("the others, or what is looked for, is {}", a(element)));
                    }
                    wrong = true;
                }
                Some(_) => {}
                None => element = Some(ty),
            }
            match checked.kind {
                T::Const(value) => values.push(value),
                _ => {
                    self.report(Code::TypeMismatch, item.loc, "a list is made of constants").label("not a constant");
                    wrong = true;
                }
            }
        }
        if wrong {
            return Expr::error(loc);
        }
        let ty = Type::List(element.unwrap_or(Type::Text).into());
        Expr::constant(Value::List(values.into()), ty, loc)
    }

    fn within_list(&mut self, value: &hir::Expr, list: &hir::Expr, loc: Loc) -> Expr {
        let value = self.expr(value, Want::Any);
        let Some(ty) = value.ty.clone() else {
            if let (Some(open), H::List(items)) = (self.open_field(&value), &list.kind) {
                return self.infer_from(open, value, items.first().unwrap_or(list), loc, |checker, value| {
                    checker.list_of(value, list, loc)
                });
            }
            self.expr(list, Want::Unknown);
            return Expr::error(loc);
        };
        let _ = ty;
        self.list_of(value, list, loc)
    }

    fn list_of(&mut self, value: Expr, list: &hir::Expr, loc: Loc) -> Expr {
        let Some(ty) = value.ty.clone() else { return Expr::error(loc) };
        let of = Type::List(ty.clone().into());
        let list = self.expr(list, Want::Type(&of));
        match &list.ty {
            None => Expr::error(loc),
            Some(Type::List(of)) if comparable(&ty, of) => truth(T::In(Box::new((value, list))), loc),
            Some(Type::List(of)) => {
                self.unlike(&ty, value.loc, of, list.loc);
                Expr::error(loc)
            }
            Some(other) => {
                let message = format!("`in` looks into a list, and this is {}", a(other));
                self.report(Code::TypeMismatch, list.loc, message).label("not a list").help("write `in [a, b]`");
                Expr::error(loc)
            }
        }
    }

    fn is_empty(&mut self, inner: &hir::Expr, loc: Loc) -> Expr {
        let inner = self.expr(inner, Want::Any);
        let nothing = match &inner.ty {
            None => return Expr::error(loc),
            Some(Type::List(_)) => Value::List(Vec::new().into()),
            Some(ty) if ty.is_textual() => Value::text(""),
            Some(ty) => {
                let message = format!("only text and lists can be empty, and this is {}", a(ty));
                let help = format!("to ask whether there is a value, write `{} is not set`", self.text.show(inner.loc));
                self.report(Code::TypeMismatch, inner.loc, message).label("never empty").help(help);
                return Expr::error(loc);
            }
        };
        let ty = inner.ty.clone().unwrap_or(Type::Text);
        let nothing = Expr::constant(nothing, ty, loc);
        truth(T::Compare(Comparison::Equal, Box::new((inner, nothing))), loc)
    }

    fn function(&mut self, name: &Name, of: &hir::Expr, loc: Loc) -> Expr {
        let moment = self.expr(of, Want::Any);
        match &moment.ty {
            None => return Expr::error(loc),
            Some(Type::DateTime | Type::Date) => {}
            Some(ty) => {
                let message = format!("`{} of` needs a moment or a day, and this is {}", name.text, a(ty));
                self.report(Code::NotAMoment, moment.loc, message).label("no moment");
                return Expr::error(loc);
            }
        }
        match name.text.as_str() {
            "weekday" => Expr { loc, ..weekday_of(moment) },
            "hour" => Expr { kind: T::HourOf(Box::new(moment)), ty: Some(Type::Number), loc },
            _ => {
                self.report(Code::UnknownName, name.loc, format!("there is no `{} of`", name.text)).suggest_or(
                    &name.text,
                    ["weekday", "hour"],
                    "not known",
                    "of a moment there is `weekday of` and `hour of`",
                );
                Expr::error(loc)
            }
        }
    }

    /// `opened story`.
    fn status(&mut self, status: StatusKind, about: &About, loc: Loc) -> Expr {
        let Some((message, link)) = self.about(status, about, loc) else { return Expr::error(loc) };
        match (about.within, message) {
            (None, message) => match link {
                Some(link) => truth(T::ClickedLink(link, message), loc),
                None => truth(T::Status(status, message), loc),
            },
            (Some(within), typed::About::Is(MessageRef::Any(channel))) if link.is_none() => {
                truth(T::StatusWithin(status, channel, within), loc)
            }
            (Some(_), _) => {
                let later = hir::Later { what: "within".into(), loc };
                self.diagnostics.push(super::not_yet(&later, self.text).help(format!(
                    "`within` can be asked of any message so far: `{} any email within 30d`",
                    status.name()
                )));
                Expr::error(loc)
            }
        }
    }

    /// Which message, and which link of it.
    pub(super) fn about(
        &mut self,
        status: StatusKind,
        about: &About,
        loc: Loc,
    ) -> Option<(typed::About, Option<SmolStr>)> {
        let link = match &about.link {
            Some(link) if status != StatusKind::Clicked => {
                let message = format!("a link can be clicked, not {}", status.name());
                self.report(Code::ImpossibleStatus, link.loc, message)
                    .label("not a link's")
                    .help(format!("write `clicked .. link \"{}\"`", link.text));
                return None;
            }
            Some(link) => Some(link.text.clone()),
            None => None,
        };
        if self.in_segment && !matches!(about.kind, AboutKind::Any(_) | AboutKind::AnyNamed(_)) {
            self.needs_a_run(loc, status.name());
            return None;
        }
        let message = match &about.kind {
            AboutKind::Bare => typed::About::Bare,
            AboutKind::Any(channel) => typed::About::Is(MessageRef::Any(*channel)),
            AboutKind::Named(name) => typed::About::Is(MessageRef::Handle(self.handle(name)?)),
            AboutKind::AnyNamed(name) => {
                let later = hir::Later { what: format!("any {}", name.text).into(), loc: name.loc };
                self.diagnostics.push(
                    super::not_yet(&later, self.text)
                        .help("ask of a channel: `any email`, `any sms`, `any push`, or `any message`"),
                );
                return None;
            }
        };
        Some((message, link))
    }

    /// `a is b`, `a < b`, `a contains b`.
    fn binary(&mut self, op: BinaryOp, left: &hir::Expr, right: &hir::Expr, loc: Loc) -> Expr {
        // The side that is no bare word says what the other can be: `pro is plan` is unusual, not wrong.
        let swapped =
            matches!((&left.kind, &right.kind), (H::Name(l), H::Name(r)) if !self.is_known(l) && self.is_known(r));
        let (mut a, mut b);
        if swapped {
            b = self.expr(right, Want::Any);
            a = self.against(left, &b);
        } else {
            a = self.expr(left, Want::Any);
            b = match (op, &a.ty) {
                (BinaryOp::Contains, Some(Type::List(of))) => {
                    let of = of.clone();
                    self.expr(right, Want::Type(&of))
                }
                (BinaryOp::Contains | BinaryOp::StartsWith | BinaryOp::EndsWith, Some(_)) => {
                    self.expr(right, Want::Type(&Type::Text))
                }
                _ => self.against(right, &a),
            };
        }
        // A field that is declared by its use has the type of what it is compared with.
        self.infer(&mut a, &b);
        self.infer(&mut b, &a);
        if a.ty.is_none() || b.ty.is_none() {
            return Expr::error(loc);
        }
        match op {
            BinaryOp::Is => self.compare(Comparison::Equal, a, b, loc),
            BinaryOp::IsNot => self.compare(Comparison::NotEqual, a, b, loc),
            BinaryOp::Less | BinaryOp::Before => self.compare(Comparison::Less, a, b, loc),
            BinaryOp::LessOrEqual => self.compare(Comparison::LessOrEqual, a, b, loc),
            BinaryOp::Greater | BinaryOp::After => self.compare(Comparison::Greater, a, b, loc),
            BinaryOp::GreaterOrEqual => self.compare(Comparison::GreaterOrEqual, a, b, loc),
            BinaryOp::Contains | BinaryOp::StartsWith | BinaryOp::EndsWith => self.contains(op, a, b, loc),
        }
    }

    /// An expression that is compared with another.
    pub(super) fn against(&mut self, e: &hir::Expr, other: &Expr) -> Expr {
        if let Some(ty) = &other.ty {
            return self.expr(e, Want::Type(ty));
        }
        if self.open_field(other).is_none() {
            return self.expr(e, Want::Unknown);
        }
        match &e.kind {
            // A bare word beside a field that nobody declared: a value of an enum that nobody declared.
            H::Name(name) if !self.is_known(name) => Expr::constant(Value::Text(name.clone()), Type::Text, e.loc),
            _ => self.expr(e, Want::Any),
        }
    }

    fn contains(&mut self, op: BinaryOp, left: Expr, right: Expr, loc: Loc) -> Expr {
        let (Some(of), Some(part)) = (&left.ty, &right.ty) else { return Expr::error(loc) };
        let fits = match (op, of) {
            (BinaryOp::Contains, Type::List(of)) => comparable(of, part),
            (_, of) => of.is_textual() && part.is_textual() && !matches!(of, Type::Enum(_)),
        };
        if !fits {
            let word = match op {
                BinaryOp::StartsWith => "starts with",
                BinaryOp::EndsWith => "ends with",
                _ => "contains",
            };
            let message = format!(
                "`{word}` looks for text in text{}: this is {} and {}",
                if op == BinaryOp::Contains { ", or for a value in a list" } else { "" },
                a(of),
                a(part)
            );
            self.report(Code::TypeMismatch, loc, message).label("they do not go together");
            return Expr::error(loc);
        }
        let sides = Box::new((left, right));
        truth(
            match op {
                BinaryOp::StartsWith => T::StartsWith(sides),
                BinaryOp::EndsWith => T::EndsWith(sides),
                _ => T::Contains(sides),
            },
            loc,
        )
    }

    pub(super) fn compare(&mut self, comparison: Comparison, left: Expr, right: Expr, loc: Loc) -> Expr {
        let (Some(x), Some(y)) = (left.ty.clone(), right.ty.clone()) else { return Expr::error(loc) };
        if !comparable(&x, &y) {
            self.unlike(&x, left.loc, &y, right.loc);
            return Expr::error(loc);
        }
        if let (T::Const(Value::Money(x)), T::Const(Value::Money(y))) = (&left.kind, &right.kind)
            && x.currency != y.currency
        {
            let message = format!("`{}` and `{}` are two currencies", x.currency, y.currency);
            self.report(Code::TypeMismatch, loc, message).label("they cannot be compared");
            return Expr::error(loc);
        }
        let ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if ordered && !(x.is_ordered() && y.is_ordered()) {
            let message = format!("{} has no order", a(&x));
            self.report(Code::NotOrdered, loc, message)
                .label("neither more nor less")
                .help("only numbers, money, dates, times, moments and durations are ordered; to ask for some values, write `in [a, b]`");
            return Expr::error(loc);
        }
        Self::compared(comparison, left, right, loc)
    }

    /// Says that two values cannot be compared.
    pub(super) fn unlike(&mut self, x: &Type, x_loc: Loc, y: &Type, y_loc: Loc) {
        let (left, right) = (self.text.show(x_loc), self.text.show(y_loc));
        let message = format!("`{left}` and `{right}` cannot be compared");
        let at = self.text.span(y_loc);
        let report = self.report(Code::TypeMismatch, x_loc, message).label(a(x)).also(at, a(y));
        match (x, y) {
            (Type::Money, Type::Number) | (Type::Number, Type::Money) => {
                report.help("an amount of money has a currency: `100 EUR`");
            }
            (Type::Duration, Type::DateTime | Type::Date) | (Type::DateTime | Type::Date, Type::Duration) => {
                report
                    .note("A duration is a length, not a moment.")
                    .help("write a moment, such as `now - 30d` or `30d ago`");
            }
            _ => {}
        }
    }

    fn negate(&mut self, inner: &hir::Expr, loc: Loc) -> Expr {
        let inner = self.expr(inner, Want::Any);
        let nothing = match &inner.ty {
            None => return Expr::error(loc),
            Some(Type::Number) => match inner.kind {
                T::Const(Value::Number(n)) => {
                    let negative = journey_bytecode::Number(n.0.saturating_neg());
                    return Expr::constant(Value::Number(negative), Type::Number, loc);
                }
                _ => Expr::constant(Value::int(0), Type::Number, loc),
            },
            Some(Type::Money) => match &inner.kind {
                T::Const(Value::Money(money)) => {
                    let mut money = money.clone();
                    money.amount = journey_bytecode::Number(money.amount.0.saturating_neg());
                    return Expr::constant(Value::Money(money), Type::Money, loc);
                }
                _ => Expr::constant(Value::int(0), Type::Number, loc),
            },
            Some(Type::Duration) => Expr::constant(Value::Span(Span::default()), Type::Duration, loc),
            Some(ty) => {
                let message = format!("`-` needs a number, and this is {}", a(ty));
                self.report(Code::TypeMismatch, inner.loc, message).label("not a number");
                return Expr::error(loc);
            }
        };
        if inner.ty == Some(Type::Money) {
            let minus_one = Expr::constant(Value::int(-1), Type::Number, loc);
            return Expr {
                kind: T::Arithmetic(Box::new(inner), vec![(ArithmeticOp::Multiply, minus_one)]),
                ty: Some(Type::Money),
                loc,
            };
        }
        let ty = inner.ty.clone();
        Expr { kind: T::Arithmetic(Box::new(nothing), vec![(ArithmeticOp::Subtract, inner)]), ty, loc }
    }

    fn arithmetic(&mut self, first: &hir::Expr, rest: &[(ArithmeticOp, hir::Expr)], loc: Loc) -> Expr {
        let first = self.expr(first, Want::Any);
        let mut ty = first.ty.clone();
        let mut operands = Vec::with_capacity(rest.len());
        let mut so_far = first.loc;
        for (op, operand) in rest {
            let want = if ty.is_none() { Want::Unknown } else { Want::Any };
            let operand = self.expr(operand, want);
            let (Some(x), Some(y)) = (&ty, &operand.ty) else {
                ty = None;
                continue;
            };
            let result = calculated(*op, x, y);
            if result.is_none() {
                let (x, y) = (a(x), a(y));
                let (message, label) = match op {
                    ArithmeticOp::Add => (format!("{} and {y} cannot be added", x), "cannot be added"),
                    ArithmeticOp::Subtract => (format!("{} cannot be taken from {x}", y), "cannot be subtracted"),
                    ArithmeticOp::Multiply => (format!("{} and {y} cannot be multiplied", x), "cannot be multiplied"),
                    ArithmeticOp::Divide => (format!("{} cannot be divided by {y}", x), "cannot be divided"),
                };
                let at = self.text.span(so_far);
                self.report(Code::TypeMismatch, operand.loc, message).label(label).also(at, x);
            }
            so_far = so_far.cover(operand.loc);
            ty = result;
            operands.push((*op, operand));
        }
        if ty.is_none() {
            return Expr::error(loc);
        }
        Expr { kind: T::Arithmetic(Box::new(first), operands), ty, loc }
    }

    /// `created within last 30d`, `now within weekdays 09:00 to 17:00`.
    fn within(&mut self, value: &hir::Expr, within: Within, loc: Loc) -> Expr {
        let value = self.expr(value, Want::Any);
        match &value.ty {
            None => return Expr::error(loc),
            Some(Type::DateTime | Type::Date) => {}
            Some(ty) => {
                let message = format!("only a moment or a day is within a time, and this is {}", a(ty));
                self.report(Code::NotAMoment, value.loc, message).label("no moment");
                return Expr::error(loc);
            }
        }
        let moment = if value.ty == Some(Type::Date) { to_instant(value) } else { value };
        let reached = |e: Expr| truth(T::Reached(Box::new(e)), loc);
        match within {
            Within::Last(span) => {
                let since = reached(shifted(moment.clone(), span));
                truth(T::And(vec![reached(moment), truth(T::Not(Box::new(since)), loc)]), loc)
            }
            Within::Next(span) => {
                let soon = reached(shifted(moment.clone(), span.negated()));
                truth(T::And(vec![truth(T::Not(Box::new(reached(moment))), loc), soon]), loc)
            }
            Within::Window(window) => {
                let next = next_within(window, moment.clone());
                truth(T::Compare(Comparison::Equal, Box::new((next, moment))), loc)
            }
        }
    }

    /// The value as it is kept where the type is declared.
    pub(super) fn assigned(&mut self, value: Expr, ty: &Type, what: &str) -> Expr {
        let Some(from) = value.ty.clone() else { return value };
        if super::types::assignable(&from, ty) {
            return match (&from, ty) {
                (Type::Date, Type::DateTime) => to_instant(value),
                _ => value,
            };
        }
        let message = format!("{what} is {}, and this is {}", a(ty), a(&from));
        let mut report = self.report(Code::TypeMismatch, value.loc, message).label(a(&from));
        if matches!((&from, ty), (Type::Number, Type::Money)) {
            report.help("an amount of money has a currency: `100 EUR`");
        } else if from == Type::Text && ty.is_textual() {
            report = report.label("any text");
            report.help(format!("declare where it comes from as `{ty}`, so that it is checked when it arrives"));
        }
        Expr::error(value.loc)
    }

    /// The field, if its type is still open.
    fn open_field(&self, e: &Expr) -> Option<(Vec<SmolStr>, SmolStr)> {
        match &e.kind {
            T::Place(Place::Field(name), _) if e.ty.is_none() => {
                let open = self.event.as_ref().map(|fields| fields.open.clone()).filter(|open| !open.is_empty())?;
                Some((open, name.clone()))
            }
            T::Place(Place::Trigger(name), _) if e.ty.is_none() && !self.trigger.open.is_empty() => {
                Some((self.trigger.open.clone(), name.clone()))
            }
            _ => None,
        }
    }

    pub(super) fn infer(&mut self, e: &mut Expr, other: &Expr) {
        if let (Some((events, name)), Some(ty)) = (self.open_field(e), &other.ty) {
            self.implied.set(&events, &name, ty);
            e.ty = Some(ty.clone());
        }
    }

    /// Takes the type of an open field from another expression, and goes on with it.
    fn infer_from(
        &mut self,
        (events, name): (Vec<SmolStr>, SmolStr),
        mut value: Expr,
        from: &hir::Expr,
        loc: Loc,
        go_on: impl FnOnce(&mut Self, Expr) -> Expr,
    ) -> Expr {
        let example = match &from.kind {
            H::Name(_) => Some(Type::Text),
            _ => self.expr(from, Want::Any).ty,
        };
        let Some(ty) = example else { return Expr::error(loc) };
        self.implied.set(&events, &name, &ty);
        value.ty = Some(ty);
        go_on(self, value)
    }
}

/// A finding under construction; it is told when it goes out of sight.
pub(super) struct Report<'c, 'a> {
    checker: &'c mut Checker<'a>,
    diagnostic: Option<Diagnostic>,
}

impl Report<'_, '_> {
    fn with(mut self, more: impl FnOnce(Diagnostic) -> Diagnostic) -> Self {
        self.diagnostic = self.diagnostic.take().map(more);
        self
    }

    pub(super) fn label(self, text: impl Into<String>) -> Self {
        self.with(|d| d.label(text))
    }

    pub(super) fn also(self, span: crate::diagnostic::Span, text: impl Into<String>) -> Self {
        self.with(|d| d.also(span, text))
    }

    pub(super) fn note(self, text: impl Into<String>) -> Self {
        self.with(|d| d.note(text))
    }

    pub(super) fn help(self, text: impl Into<String>) {
        drop(self.with(|d| d.help(text)));
    }

    pub(super) fn suggest<'n>(self, word: &str, names: impl IntoIterator<Item = &'n str>) -> Self {
        self.with(|d| d.suggest(word, names))
    }

    /// Offers the nearest name; if none is near, says so here and what to do.
    pub(super) fn suggest_or<'n>(
        self,
        word: &str,
        names: impl IntoIterator<Item = &'n str>,
        label: &str,
        help: impl Into<String>,
    ) {
        drop(self.with(|d| {
            let d = d.suggest(word, names);
            if d.fixes.is_empty() { d.label(label).help(help) } else { d }
        }));
    }

    pub(super) fn fix(self, title: impl Into<String>, applicability: Applicability, edits: Vec<Edit>) -> Self {
        self.with(|d| d.fix(title, applicability, edits))
    }

    pub(super) fn span_of(&self, loc: Loc) -> crate::diagnostic::Span {
        self.checker.text.span(loc)
    }

    /// Offers to put another text in the place of this one.
    pub(super) fn replace(self, loc: Loc, text: &str, title: String) -> Self {
        let span = self.checker.text.span(loc);
        let edit = Edit { span, text: text.to_owned() };
        self.with(|d| d.fix(title, Applicability::Safe, vec![edit]))
    }
}

impl Drop for Report<'_, '_> {
    fn drop(&mut self) {
        self.checker.diagnostics.extend(self.diagnostic.take());
    }
}

fn truth(kind: T, loc: Loc) -> Expr {
    Expr::truth(kind, loc)
}

fn now(loc: Loc) -> Expr {
    Expr { kind: T::Now, ty: Some(Type::DateTime), loc }
}

/// The type of weekdays.
pub(super) fn weekday_type() -> Type {
    Type::Enum(Weekday::ALL.map(|day| SmolStr::new_static(day.name())).into())
}

fn weekday_of(moment: Expr) -> Expr {
    let loc = moment.loc;
    Expr { kind: T::WeekdayOf(Box::new(moment)), ty: Some(weekday_type()), loc }
}

fn ago(span: Span, loc: Loc) -> Expr {
    shifted(now(loc), span.negated())
}

fn field(place: Place, shape: &FieldShape, loc: Loc) -> Expr {
    let optional = if shape.optional { Optional::Yes } else { Optional::No };
    Expr { kind: T::Place(place, optional), ty: shape.ty.clone(), loc }
}

/// The moment of a day or of a wall-clock time.
pub(super) fn to_instant(e: Expr) -> Expr {
    let loc = e.loc;
    Expr { kind: T::ToInstant(Box::new(e)), ty: Some(Type::DateTime), loc }
}

/// The moment, so much later.
pub(super) fn shifted(moment: Expr, by: Span) -> Expr {
    let (loc, ty) = (moment.loc, moment.ty.clone());
    let by = Expr::constant(Value::Span(by), Type::Duration, loc);
    Expr { kind: T::Arithmetic(Box::new(moment), vec![(ArithmeticOp::Add, by)]), ty, loc }
}

/// The next moment inside the window.
pub(super) fn next_within(window: LocalWindow, from: Expr) -> Expr {
    let loc = from.loc;
    Expr { kind: T::NextWithin(window, Box::new(from)), ty: Some(Type::DateTime), loc }
}

/// The type of what an operator gives.
fn calculated(op: ArithmeticOp, x: &Type, y: &Type) -> Option<Type> {
    use ArithmeticOp::{Add, Divide, Multiply, Subtract};
    Some(match (op, x, y) {
        (_, Type::Number, Type::Number) => Type::Number,
        (Add | Subtract, Type::Money, Type::Money) => Type::Money,
        (Add | Subtract, Type::Duration, Type::Duration) => Type::Duration,
        (Add | Subtract, Type::DateTime, Type::Duration) => Type::DateTime,
        (Add, Type::Duration, Type::DateTime) => Type::DateTime,
        (Add | Subtract, Type::Date, Type::Duration) => Type::Date,
        (Add, Type::Duration, Type::Date) => Type::Date,
        (Subtract, Type::DateTime, Type::DateTime) | (Subtract, Type::Date, Type::Date) => Type::Duration,
        (Multiply, Type::Money, Type::Number) | (Multiply, Type::Number, Type::Money) => Type::Money,
        (Divide, Type::Money, Type::Number) => Type::Money,
        (Divide, Type::Money, Type::Money) => Type::Number,
        _ => return None,
    })
}
