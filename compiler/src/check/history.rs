//! Questions about past events: `did purchase`, `sum of purchase.amount within 90d`.

use journey_bytecode::{Aggregate as Made, Money, Number, StatusKind, Type, Value, past_change};
use smol_str::SmolStr;

use super::event::field_is;
use super::expr::{Checker, Want, to_instant};
use super::moments;
use super::types::a;
use crate::diagnostic::Code;
use crate::hir::{Aggregate, Bound, Changed, Function, Loc, Past, When};
use crate::typed::{About, Comparison, Expr, ExprKind, History, MessageHistory, Stretch};

impl Checker<'_> {
    /// `did EVENT`: how often it happened.
    pub(super) fn did(&mut self, past: &Past, loc: Loc) -> Expr {
        let made = if past.when.count.is_some_and(|count| count.days) { Made::Days } else { Made::Count };
        let Some(history) = self.past(past, made) else { return Expr::error(loc) };
        often(ExprKind::History(Box::new(history)), &past.when, loc)
    }

    /// `plan changed from free to pro within 30d`
    pub(super) fn changed(&mut self, changed: &Changed, loc: Loc) -> Expr {
        let Some(ty) = self.attribute_type(&changed.attribute) else { return Expr::error(loc) };
        let mut parts = Vec::new();
        for (field, value) in [("old", &changed.from), ("new", &changed.to)] {
            let Some(value) = self.change_value(value.as_ref(), ty.as_ref()) else { return Expr::error(loc) };
            parts.extend(value.map(|value| field_is(field, value, loc)));
        }
        let filter = match parts.len() {
            0 => None,
            _ => Some(Expr::truth(ExprKind::And(parts), loc)),
        };
        let Some(stretch) = self.stretch(&changed.when) else { return Expr::error(loc) };
        let days = changed.when.count.is_some_and(|count| count.days);
        let aggregate = if days { Made::Days } else { Made::Count };
        let event = past_change(&changed.attribute.text);
        let history = History { event, filter, stretch, aggregate, watched: None };
        often(ExprKind::History(Box::new(history)), &changed.when, loc)
    }

    /// `opened any email at least 2 times within 30d`
    pub(super) fn messages(
        &mut self,
        status: StatusKind,
        about: About,
        link: Option<SmolStr>,
        when: &When,
        loc: Loc,
    ) -> Expr {
        if let Some(count) = when.count.filter(|count| count.days) {
            self.no_days(count.loc, "what became of messages");
            return Expr::error(loc);
        }
        let Some(stretch) = self.stretch(when) else { return Expr::error(loc) };
        often(ExprKind::Messages(Box::new(MessageHistory { status, about, link, stretch })), when, loc)
    }

    /// Says that only events are remembered by day.
    pub(super) fn no_days(&mut self, loc: Loc, what: &str) {
        self.report(Code::ImpossibleValue, loc, format!("{what} is not counted by days"))
            .label("counted in times")
            .help("write `times`; days are counted of events: `did purchase at least 2 days`");
    }

    /// Since when and until when.
    pub(super) fn stretch(&mut self, when: &When) -> Option<Stretch> {
        let mut stretch = Stretch { within: when.within, ..Stretch::default() };
        let Some(since) = &when.since else { return Some(stretch) };
        if since.from.is_none() && self.in_segment {
            self.needs_a_run(since.loc, "since entry");
            return None;
        }
        stretch.since_entry = since.from.is_none();
        // The moments are no fields of the event that is asked about.
        let event = self.event.take();
        let moments = [&since.from, &since.until].map(|moment| match moment {
            Some(moment) => self.moment(moment).map(Some),
            None => Some(None),
        });
        self.event = event;
        let [from, until] = moments;
        (stretch.since, stretch.until) = (from?, until?);
        Some(stretch)
    }

    fn moment(&mut self, e: &crate::hir::Expr) -> Option<Expr> {
        let checked = self.expr(e, Want::Type(&Type::DateTime));
        match checked.ty.as_ref()? {
            Type::DateTime => Some(checked),
            Type::Date => Some(to_instant(checked)),
            ty => {
                self.report(Code::NotAMoment, e.loc, format!("this needs a moment or a day, and this is {}", a(ty)))
                    .label("when is that?")
                    .help("write a moment such as `2026-03-01`, `30d ago` or `first purchase at`");
                None
            }
        }
    }

    /// `sum of EVENT.FIELD`, `last EVENT.FIELD`, `first EVENT at`.
    pub(super) fn aggregate(&mut self, aggregate: &Aggregate, loc: Loc) -> Expr {
        let event = &aggregate.past.event;
        let field = match (aggregate.function, &aggregate.field) {
            (Function::Count, field) if aggregate.distinct => match field {
                Some(field) => Some(field),
                None => {
                    let message = format!("`distinct` needs a field of `{}` to look at", event.text);
                    self.report(Code::UnknownField, event.loc, message)
                        .label("different in what?")
                        .help(format!("name it: `count of distinct {}.webinar`", event.text));
                    return Expr::error(loc);
                }
            },
            (function, _) if aggregate.distinct => {
                let word = if function == Function::Sum { "sum" } else { "others" };
                let message = format!("only a count can be of different values, and this is a {word}");
                self.report(Code::UselessPart, loc, message)
                    .label("distinct")
                    .help(format!("write `count of distinct {}.FIELD`, or leave `distinct` out", event.text));
                return Expr::error(loc);
            }
            (Function::Count | Function::FirstAt | Function::LastAt, None) => None,
            (Function::Count | Function::FirstAt | Function::LastAt, Some(field)) => {
                let message = format!("this asks about `{}` itself, not about its fields", event.text);
                self.report(Code::UnknownField, field.loc, message)
                    .label("not asked for")
                    .help(format!("write `{}` alone", event.text));
                return Expr::error(loc);
            }
            (_, None) => {
                let message = format!("this needs a field of `{}` to look at", event.text);
                self.report(Code::UnknownField, event.loc, message)
                    .label("which field?")
                    .help(format!("name it: `{}.amount`", event.text));
                return Expr::error(loc);
            }
            (_, Some(field)) => Some(field),
        };
        let field = match field {
            Some(name) => match self.event_field(event, name) {
                Some(ty) => Some((name.text.clone(), ty)),
                None => return Expr::error(loc),
            },
            None => None,
        };
        let (made, ty) = match (aggregate.function, field) {
            (Function::Count, Some((field, _))) => (Made::Distinct(field), Some(Type::Number)),
            (Function::Count, None) => (Made::Count, Some(Type::Number)),
            (Function::FirstAt, _) => (Made::FirstAt, Some(Type::DateTime)),
            (Function::LastAt, _) => (Made::LastAt, Some(Type::DateTime)),
            (Function::Sum, Some((field, ty))) => (Made::Sum(field), ty),
            (Function::Average, Some((field, ty))) => (Made::Average(field), ty),
            (Function::Min, Some((field, ty))) => (Made::Min(field), ty),
            (Function::Max, Some((field, ty))) => (Made::Max(field), ty),
            (Function::First, Some((field, ty))) => (Made::First(field), ty),
            (Function::Last, Some((field, ty))) => (Made::Last(field), ty),
            (_, None) => return Expr::error(loc),
        };
        if let Some(ty) = &ty {
            let fits = match made {
                Made::Sum(_) | Made::Average(_) => matches!(ty, Type::Number | Type::Money | Type::Duration),
                Made::Min(_) | Made::Max(_) => ty.is_ordered(),
                _ => true,
            };
            if !fits {
                let at = aggregate.field.as_ref().map_or(loc, |field| field.loc);
                let word = if matches!(made, Made::Min(_) | Made::Max(_)) { "compared" } else { "added up" };
                self.report(Code::TypeMismatch, at, format!("this field is {} and cannot be {word}", a(ty)))
                    .label(a(ty))
                    .help("take a field that is a number, an amount of money or a duration");
                return Expr::error(loc);
            }
        }
        match self.past(&aggregate.past, made) {
            Some(history) => Expr { kind: ExprKind::History(Box::new(history)), ty, loc },
            None => Expr::error(loc),
        }
    }

    fn past(&mut self, past: &Past, aggregate: Made) -> Option<History> {
        let fields = self.declared(&past.event)?;
        let stretch = self.stretch(&past.when);
        let filter = past.filter.as_ref().map(|filter| self.filter(filter, fields));
        Some(History { event: past.event.text.clone(), filter, stretch: stretch?, aggregate, watched: None })
    }

    /// A comparison in which a value of no past event may stand: it never holds without one, except that a sum of
    /// nothing is zero.
    pub(super) fn compared(comparison: Comparison, left: Expr, right: Expr, loc: Loc) -> Expr {
        // Most comparisons are of a plain value with a constant.
        let plain = |e: &Expr| matches!(e.kind, ExprKind::Const(_) | ExprKind::Place(..));
        if plain(&left) && plain(&right) {
            return moments::compare(comparison, left, right, loc);
        }
        let sum = |e: &Expr| matches!(&e.kind, ExprKind::History(h) if matches!(h.aggregate, Made::Sum(_)));
        if sum(&right) && !sum(&left) {
            return Self::compared(comparison.mirrored(), right, left, loc);
        }
        if sum(&left) {
            let zero = match &right.kind {
                ExprKind::Const(Value::Money(money)) => {
                    Value::Money(Money { amount: Number(0), currency: money.currency.clone() })
                }
                ExprKind::Const(Value::Span(_)) => Value::Span(journey_bytecode::Span::default()),
                _ => Value::int(0),
            };
            let zero = Expr::constant(zero, left.ty.clone().unwrap_or(Type::Number), loc);
            let some = Expr::truth(ExprKind::IsSet(Box::new(left.clone())), loc);
            let none = Expr::truth(ExprKind::Not(Box::new(some.clone())), loc);
            let of_none = match (&zero.kind, &right.kind) {
                (ExprKind::Const(zero), ExprKind::Const(other)) if comparison.holds(zero, other) => none,
                (_, ExprKind::Const(_)) => return and(some, moments::compare(comparison, left, right, loc), loc),
                _ => and(none, moments::compare(comparison, zero, right.clone(), loc), loc),
            };
            let of_some = and(some, moments::compare(comparison, left, right, loc), loc);
            return Expr::truth(ExprKind::Or(vec![of_none, of_some]), loc);
        }
        let mut asked = Vec::new();
        may_be_none(&left, &mut asked);
        may_be_none(&right, &mut asked);
        let compared = moments::compare(comparison, left, right, loc);
        asked.into_iter().rev().fold(compared, |compared, history| {
            let some = Expr::truth(ExprKind::IsSet(Box::new(history)), loc);
            and(some, compared, loc)
        })
    }
}

/// How often, compared as is asked for: at least once without.
fn often(kind: ExprKind, when: &When, loc: Loc) -> Expr {
    let (bound, number) = when.count.map_or((Bound::AtLeast, 1), |count| (count.bound, count.number));
    let count = Expr { kind, ty: Some(Type::Number), loc };
    let number = Expr::constant(Value::int(i64::from(number)), Type::Number, loc);
    Expr::truth(ExprKind::Compare(comparison(bound), Box::new((count, number))), loc)
}

pub(super) const fn comparison(bound: Bound) -> Comparison {
    match bound {
        Bound::AtLeast => Comparison::GreaterOrEqual,
        Bound::AtMost => Comparison::LessOrEqual,
        Bound::Exactly => Comparison::Equal,
    }
}

fn and(a: Expr, b: Expr, loc: Loc) -> Expr {
    Expr::truth(ExprKind::And(vec![a, b]), loc)
}

/// The questions inside that have no answer if nothing happened.
fn may_be_none(e: &Expr, found: &mut Vec<Expr>) {
    match &e.kind {
        ExprKind::History(history) if !is_number(&history.aggregate) => found.push(e.clone()),
        ExprKind::History(_) => {}
        _ => e.children().into_iter().for_each(|child| may_be_none(child, found)),
    }
}

/// Whether it has an answer also if nothing happened.
pub(crate) const fn is_number(made: &Made) -> bool {
    matches!(made, Made::Count | Made::Days | Made::Distinct(_))
}
