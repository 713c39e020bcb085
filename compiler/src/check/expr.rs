//! Names and types of expressions.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use journey_bytecode::{Function, LocalWindow, MessageRef, SlotIx, Span, StatusKind, Type, Value, Weekday};
use smol_str::SmolStr;

use super::implied::Implied;
use super::index::Index;
use super::types::{a, comparable};
use crate::diagnostic::{Code, Diagnostic};
use crate::hir::{self, About, AboutKind, ArithmeticOp, BinaryOp, ExprKind as H, Loc, Name, When};
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
    pub(super) uses: super::Uses,
    pub(super) journey_name: SmolStr,
    pub(super) sends: Vec<super::Sent>,
    pub(super) inline: Vec<super::Inline>,
    /// Splits so far, by name.
    pub(super) splits: Vec<(SmolStr, Loc)>,
    /// Whether it is a segment, which knows contacts and no runs.
    pub(super) in_segment: bool,
    /// Whether it is the rule of a score, for which every message counts.
    pub(super) in_score: bool,
    /// Names of places so far.
    pub(super) labels: Vec<(SmolStr, Loc)>,
    /// In the `where` of a trigger, whose event has no other name yet.
    pub(super) in_trigger: bool,
    /// While segments are checked: those that are.
    pub(super) segments: Option<&'a BTreeMap<SmolStr, Option<Expr>>>,
    /// Where the only steps of an `if` without braces and without an `else` begin.
    pub(super) bare_steps: Vec<Loc>,
    /// Some trigger is not known, so that its fields are not, either.
    pub(super) trigger_unknown: bool,
    /// How large it is so far.
    pub(super) size: super::size::Size,
}

/// The fields of an event.
#[derive(Clone, Default, Debug)]
pub(super) struct Fields {
    pub(super) known: Arc<BTreeMap<SmolStr, FieldShape>>,
    /// Events whose fields are declared by their use.
    pub(super) open: Vec<SmolStr>,
    /// What they are the fields of, for messages: `purchase`.
    pub(super) of: SmolStr,
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
            uses: super::Uses::default(),
            journey_name: SmolStr::default(),
            sends: Vec::new(),
            inline: Vec::new(),
            splits: Vec::new(),
            in_segment: false,
            in_score: false,
            labels: Vec::new(),
            in_trigger: false,
            bare_steps: Vec::new(),
            segments: None,
            trigger_unknown: false,
            size: super::size::Size::default(),
        }
    }

    /// A checker for places where only constants can stand.
    pub(super) fn constants(index: &'a Index<'a>, text: &'a Text<'a>) -> Self {
        Self { constants: true, ..Self::new(index, text) }
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
        self.size.operand();
        let loc = e.loc;
        let constant = |value: Value, ty: Type| Expr::constant(value, ty, loc);
        match &e.kind {
            H::Error => Expr::error(loc),
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
            H::Status(status, asked) => self.status(*status, &asked.0, &asked.1, loc),
            H::HasTag(tag) => match self.tag(tag) {
                Some(tag) => truth(T::HasTag(tag), loc),
                None => Expr::error(loc),
            },
            H::InGroup(name) => self.in_group(name, loc),
            H::InJourney(name) => match self.journey_named(name) {
                Some(journey) => truth(T::InJourney(journey), loc),
                None => Expr::error(loc),
            },
            H::WasInJourney(name, when) => self.was_in_journey(name, when, loc),
            H::WasInGroup(name, when) => self.was_in_group(name, when, loc),
            H::Changed(changed) => self.changed(changed, loc),
            H::Reachable(channel) => {
                self.address(*channel, loc);
                truth(T::Reachable(*channel), loc)
            }
            H::Each(op, each, sides) => self.each(*op, *each, &sides.0, &sides.1, loc),
            H::NumberOf(bound, number, parts) => self.number_of(*bound, *number, parts, loc),
            H::Consents(topic, channel) => match self.topic(topic) {
                Some(topic) => truth(T::Consents(topic, *channel), loc),
                None => Expr::error(loc),
            },
            H::Did(did) => self.did(did, loc),
            H::Aggregate(aggregate) => self.aggregate(aggregate, loc),
            H::Chance(share) => truth(T::Chance(*share), loc),
        }
    }

    pub(super) fn text_literal(&mut self, text: &SmolStr, loc: Loc, want: Want<'_>) -> Expr {
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

    pub(super) fn no_such(&mut self, text: &str, ty: &Type, loc: Loc) -> Expr {
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

    pub(super) fn list(&mut self, items: &[hir::Expr], loc: Loc, want: Want<'_>) -> Expr {
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

    pub(super) fn within_list(&mut self, value: &hir::Expr, list: &hir::Expr, loc: Loc) -> Expr {
        let value = self.expr(value, Want::Any);
        if value.ty.is_none() {
            if let (Some(open), H::List(items)) = (self.open_field(&value), &list.kind) {
                return self.infer_from(open, value, items.first().unwrap_or(list), loc, |checker, value| {
                    checker.list_of(value, list, loc)
                });
            }
            self.expr(list, Want::Unknown);
            return Expr::error(loc);
        }
        self.list_of(value, list, loc)
    }

    pub(super) fn list_of(&mut self, value: Expr, list: &hir::Expr, loc: Loc) -> Expr {
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

    pub(super) fn is_empty(&mut self, inner: &hir::Expr, loc: Loc) -> Expr {
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

    /// `month of birthday`
    pub(super) fn function(&mut self, name: &Name, of: &hir::Expr, loc: Loc) -> Expr {
        let value = self.expr(of, Want::Any);
        let words = || Function::ALL.map(Function::name).into_iter().chain(["weekday", "hour"]);
        let function = Function::ALL.into_iter().find(|function| function.name() == name.text);
        if function.is_none() && !matches!(name.text.as_str(), "weekday" | "hour") {
            let list = words().map(|word| format!("`{word} of`")).collect::<Vec<_>>().join(", ");
            self.report(Code::UnknownName, name.loc, format!("there is no `{} of`", name.text)).suggest_or(
                &name.text,
                words(),
                "not known",
                format!("there is {list}"),
            );
            return Expr::error(loc);
        }
        let Some(ty) = value.ty.clone() else { return Expr::error(loc) };
        let result = match function {
            Some(function) => function_type(function, &ty),
            None => matches!(ty, Type::DateTime | Type::Date).then_some(Type::Number),
        };
        let Some(result) = result else {
            let needs = function.map_or("a moment or a day", needs);
            let code = if needs.starts_with("a moment") { Code::NotAMoment } else { Code::TypeMismatch };
            let message = format!("`{} of` needs {needs}, and this is {}", name.text, a(&ty));
            let label = if code == Code::NotAMoment { "no moment".to_owned() } else { a(&ty) };
            self.report(code, value.loc, message).label(label);
            return Expr::error(loc);
        };
        match function {
            Some(function) => Expr { kind: T::Function(function, Box::new(value)), ty: Some(result), loc },
            None if name.text == "hour" => Expr { kind: T::HourOf(Box::new(value)), ty: Some(result), loc },
            None => Expr { loc, ..weekday_of(value) },
        }
    }

    /// `at least 2 of [a, b, c]`
    fn number_of(&mut self, bound: hir::Bound, number: u32, parts: &[hir::Expr], loc: Loc) -> Expr {
        let checked: Vec<_> = parts.iter().map(|part| self.condition(part)).collect();
        let most = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let never = number > most && bound != hir::Bound::AtMost;
        let always = bound == hir::Bound::AtMost && number >= most || bound == hir::Bound::AtLeast && number == 0;
        if never || always {
            let so = if never { "never" } else { "always" };
            let message = format!("of {most} conditions, this many {so} hold");
            self.report(Code::ImpossibleValue, loc, message)
                .label(format!("{so} true"))
                .help("change the number, or the list");
            return Expr::error(loc);
        }
        truth(T::NumberOf(super::history::comparison(bound), number, checked), loc)
    }

    /// `opened story`, `opened any email at least 2 times within 30d`.
    pub(super) fn status(&mut self, status: StatusKind, about: &About, when: &When, loc: Loc) -> Expr {
        let Some((message, link)) = self.about(status, about, loc) else { return Expr::error(loc) };
        if *when != When::default() {
            return self.messages(status, message, link, when, loc);
        }
        match link {
            Some(link) => truth(T::ClickedLink(link, message), loc),
            None => truth(T::Status(status, message), loc),
        }
    }

    /// Which link of a message, if one is named; the outer `None` is a status that no link has.
    #[expect(clippy::option_option, reason = "said above")]
    pub(super) fn link(&mut self, status: StatusKind, link: Option<&Name>) -> Option<Option<SmolStr>> {
        match link {
            Some(link) if status != StatusKind::Clicked => {
                let message = format!("a link can be clicked, not {}", status.name());
                self.report(Code::ImpossibleStatus, link.loc, message)
                    .label("not a link's")
                    .help(format!("write `clicked .. link \"{}\"`", link.text));
                None
            }
            link => Some(link.map(|link| link.text.clone())),
        }
    }

    /// Which message, and which link of it.
    pub(super) fn about(
        &mut self,
        status: StatusKind,
        about: &About,
        loc: Loc,
    ) -> Option<(typed::About, Option<SmolStr>)> {
        let link = self.link(status, about.link.as_ref())?;
        if self.in_segment && !matches!(about.kind, AboutKind::Any(_) | AboutKind::AnyNamed(_)) {
            self.needs_a_run(loc, status.name());
            return None;
        }
        let message = match &about.kind {
            // What happens to any message counts for a score.
            AboutKind::Bare if self.in_score => typed::About::Is(MessageRef::Any(None)),
            AboutKind::Named(name) if self.in_score => self.any_named(name)?,
            AboutKind::Bare => typed::About::Bare,
            AboutKind::Any(channel) => typed::About::Is(MessageRef::Any(*channel)),
            AboutKind::Named(name) => typed::About::Is(MessageRef::Handle(self.handle(name)?)),
            AboutKind::AnyNamed(name) => self.any_named(name)?,
        };
        Some((message, link))
    }

    /// `any NAME`: any message of this name, or of this topic.
    pub(super) fn any_named(&mut self, name: &Name) -> Option<typed::About> {
        if self.index.topics.contains_key(&name.text) {
            self.uses.note(super::uses::Named::Topic, &name.text);
            return Some(typed::About::Topic(name.text.clone()));
        }
        if self.index.lone || self.index.has_message(None, &name.text) {
            return Some(typed::About::Named(name.text.clone()));
        }
        if self.index.unsure.topics {
            return None;
        }
        let names: Vec<SmolStr> =
            self.index.messages.keys().map(|(_, name)| name.clone()).chain(self.index.topics.keys().cloned()).collect();
        self.report(Code::UnknownMessage, name.loc, format!("there is no message or topic `{}`", name.text))
            .suggest_or(
                &name.text,
                names.iter().map(SmolStr::as_str),
                "nothing of this name",
                "name a channel (`any email`), a message or a topic; `any message` asks about all",
            );
        None
    }

    /// The value as it is kept where the type is declared.
    pub(super) fn assigned(&mut self, value: Expr, ty: &Type, what: impl Display) -> Expr {
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
    pub(super) fn open_field(&self, e: &Expr) -> Option<(Vec<SmolStr>, SmolStr)> {
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
    pub(super) fn infer_from(
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

/// What a function gives for a value of the type; nothing if it cannot take it.
fn function_type(function: Function, ty: &Type) -> Option<Type> {
    let moment = matches!(ty, Type::Date | Type::DateTime);
    match function {
        Function::Year | Function::Month | Function::Day | Function::Age => moment.then_some(Type::Number),
        Function::Anniversary => moment.then_some(Type::Date),
        Function::Days | Function::Hours => (*ty == Type::Duration).then_some(Type::Number),
        Function::Length => {
            let text = ty.is_textual() && !matches!(ty, Type::Enum(_));
            (text || matches!(ty, Type::List(_))).then_some(Type::Number)
        }
        Function::Domain => matches!(ty, Type::Email | Type::Url).then_some(Type::Text),
        Function::Lower => (ty.is_textual() && !matches!(ty, Type::Enum(_))).then_some(Type::Text),
        Function::Round | Function::Floor | Function::Ceil => {
            matches!(ty, Type::Number | Type::Money).then(|| ty.clone())
        }
    }
}

const fn needs(function: Function) -> &'static str {
    match function {
        Function::Year | Function::Month | Function::Day | Function::Age | Function::Anniversary => "a moment or a day",
        Function::Days | Function::Hours => "a duration",
        Function::Length => "text or a list",
        Function::Domain => "a mail address or a web address",
        Function::Lower => "text",
        Function::Round | Function::Floor | Function::Ceil => "a number or an amount of money",
    }
}

pub(super) fn truth(kind: T, loc: Loc) -> Expr {
    Expr::truth(kind, loc)
}

pub(super) fn now(loc: Loc) -> Expr {
    Expr { kind: T::Now, ty: Some(Type::DateTime), loc }
}

/// The type of weekdays.
pub(super) fn weekday_type() -> Type {
    Type::Enum(Weekday::ALL.map(|day| SmolStr::new_static(day.name())).into())
}

pub(super) fn weekday_of(moment: Expr) -> Expr {
    let loc = moment.loc;
    Expr { kind: T::WeekdayOf(Box::new(moment)), ty: Some(weekday_type()), loc }
}

pub(super) fn ago(span: Span, loc: Loc) -> Expr {
    shifted(now(loc), span.negated())
}

pub(super) fn field(place: Place, shape: &FieldShape, loc: Loc) -> Expr {
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
