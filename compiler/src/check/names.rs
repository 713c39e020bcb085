//! What a bare or dotted name means.

use journey_bytecode::{Field, SlotIx, Type, Value};
use smol_str::SmolStr;

use super::expr::{Checker, Want, field, now, weekday_of};
use super::types::a;
use crate::diagnostic::Code;
use crate::hir::{self, ExprKind as H, Loc, Name};
use crate::typed::{Expr, ExprKind as T, Optional, Place};

impl<'a> Checker<'a> {
    /// A bare word.
    pub(super) fn name(&mut self, name: &SmolStr, loc: Loc, want: Want<'_>) -> Expr {
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
    pub(super) fn is_known(&self, name: &str) -> bool {
        self.scope.iter().any(|(known, _)| known == name)
            || self.event.as_ref().is_some_and(|fields| fields.known.contains_key(name))
            || self.index.attributes.contains_key(name)
            || self.index.scores.contains_key(name)
    }

    /// What the word names by itself: local variable, field of the event at hand, attribute, or a word of the language.
    pub(super) fn known(&mut self, name: &SmolStr, loc: Loc) -> Option<Expr> {
        if let Some((_, slot)) = self.scope.iter().rev().find(|(known, _)| known == name) {
            let known = self.slots.get(slot.index());
            let optional = if known.is_some_and(|slot| slot.optional) { Optional::Yes } else { Optional::No };
            let ty = known.and_then(|slot| slot.ty.clone());
            return Some(Expr { kind: T::Place(Place::Slot(*slot), optional), ty, loc });
        }
        if let Some(shape) = self.event.as_ref().and_then(|fields| fields.known.get(name)) {
            return Some(field(Place::Field(name.clone()), shape, loc));
        }
        if let Some(attribute) = self.attribute_place(name, loc) {
            return Some(attribute);
        }
        if self.index.scores.contains_key(name) {
            return Some(Expr { kind: T::Score(name.clone()), ty: Some(Type::Number), loc });
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

    pub(super) fn unknown_name(&mut self, name: &SmolStr, loc: Loc, want: Want<'_>) -> Expr {
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
            .chain(self.index.scores.keys().cloned())
            .chain(["now", "today", "weekday", "hour"].map(SmolStr::new_static))
            .collect();
        if self.index.unsure.attributes {
            return Expr::error(loc);
        }
        if let Some(meant) = self.meant(name, want) {
            let report = self.report(Code::UnknownName, loc, meant.message).label("not a value");
            let report = match meant.instead {
                Some((instead, how)) => report.put(loc, &instead, format!("Write `{instead}`"), how),
                None => report,
            };
            report.help(meant.help);
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
    pub(super) fn member(&mut self, of: &hir::Expr, name: &Name, loc: Loc) -> Expr {
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
            H::Name(word) if self.answer(word).is_some() => self.answer_field(word, name, loc),
            H::Name(word) if !self.is_known(word) && self.index.events.contains_key(word) => {
                let field = &name.text;
                let message = format!("`{word}` is an event, and which one is meant does not follow from its name");
                self.report(Code::UnknownName, loc, message).label("of which one?").help(format!(
                    "write `last {word}.{field}`, or ask whether there was one: `did {word} where {field} ..`"
                ));
                Expr::error(loc)
            }
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

    /// The local variable that holds an answer under this name, and the answer's fields.
    fn answer(&self, word: &str) -> Option<(SlotIx, Vec<Field>)> {
        let (_, slot) = self.scope.iter().rev().find(|(known, _)| known == word)?;
        Some((*slot, self.slots.get(slot.index())?.answer.clone()?))
    }

    /// A field of an answer.
    fn answer_field(&mut self, word: &str, name: &Name, loc: Loc) -> Expr {
        let Some((slot, fields)) = self.answer(word) else { return Expr::error(loc) };
        if let Some(field) = fields.iter().find(|field| field.name == name.text) {
            let place = Place::Answer(slot, field.name.clone(), !field.optional);
            return Expr { kind: T::Place(place, Optional::Yes), ty: Some(field.ty.clone()), loc };
        }
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        let help = match names.as_slice() {
            [] => "say in `journey.toml` what it answers: `answer = { status = \"text\" }`".to_owned(),
            _ => format!("its fields: {}", names.join(", ")),
        };
        let message = format!("the answer `{word}` has no field `{}`", name.text);
        self.report(Code::UnknownField, name.loc, message).suggest_or(
            &name.text,
            names.iter().copied(),
            "no such field",
            help,
        );
        Expr::error(loc)
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
}
