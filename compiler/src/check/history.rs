//! Questions about past events: `did purchase`, `sum of purchase.amount within 90d`.

use journey_bytecode::{Aggregate as Made, Money, Number, Type, Value};

use super::expr::Checker;
use super::moments;
use super::types::a;
use crate::diagnostic::Code;
use crate::hir::{Aggregate, Bound, Did, Function, Loc, Past};
use crate::typed::{Comparison, Expr, ExprKind, History};

impl Checker<'_> {
    /// `did EVENT`: how often it happened.
    pub(super) fn did(&mut self, did: &Did, loc: Loc) -> Expr {
        let Some(history) = self.past(&did.past, Made::Count) else { return Expr::error(loc) };
        let (bound, number) = did.count.unwrap_or((Bound::AtLeast, 1));
        let comparison = match bound {
            Bound::AtLeast => Comparison::GreaterOrEqual,
            Bound::AtMost => Comparison::LessOrEqual,
            Bound::Exactly => Comparison::Equal,
        };
        let count = Expr { kind: ExprKind::History(Box::new(history)), ty: Some(Type::Number), loc };
        let number = Expr::constant(Value::int(i64::from(number)), Type::Number, loc);
        Expr::truth(ExprKind::Compare(comparison, Box::new((count, number))), loc)
    }

    /// `sum of EVENT.FIELD`, `last EVENT.FIELD`, `first EVENT at`.
    pub(super) fn aggregate(&mut self, aggregate: &Aggregate, loc: Loc) -> Expr {
        let event = &aggregate.past.event;
        let field = match (aggregate.function, &aggregate.field) {
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
            (Function::Count, _) => (Made::Count, Some(Type::Number)),
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
        if past.since_entry && self.in_segment {
            self.needs_a_run(past.event.loc, "since entry");
            return None;
        }
        let filter = self.filter(past.filter.as_ref(), &fields);
        Some(History {
            event: past.event.text.clone(),
            filter,
            within: past.within,
            since_entry: past.since_entry,
            aggregate,
        })
    }

    /// A comparison in which a value of no past event may stand: it never holds without one, except that a sum of
    /// nothing is zero.
    pub(super) fn compared(comparison: Comparison, left: Expr, right: Expr, loc: Loc) -> Expr {
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

fn and(a: Expr, b: Expr, loc: Loc) -> Expr {
    Expr::truth(ExprKind::And(vec![a, b]), loc)
}

/// The questions inside that have no answer if nothing happened.
fn may_be_none(e: &Expr, found: &mut Vec<Expr>) {
    match &e.kind {
        ExprKind::History(history) if history.aggregate != Made::Count => found.push(e.clone()),
        ExprKind::History(_) => {}
        _ => e.children().into_iter().for_each(|child| may_be_none(child, found)),
    }
}
