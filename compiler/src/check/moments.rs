//! Comparisons with the present. They become questions whether a moment has come, so that whoever waits for the answer
//! learns when it will change. A moment and a day compare as days.

use journey_bytecode::{Span, Type, Value};

use super::expr::{shifted, to_instant};
use crate::hir::{ArithmeticOp, Loc};
use crate::typed::{Comparison, Expr, ExprKind};

const DAY: Span = Span { months: 0, days: 1, millis: 0 };

/// The comparison of two values that can be compared.
pub(super) fn compare(comparison: Comparison, left: Expr, right: Expr, loc: Loc) -> Expr {
    let is = |e: &Expr, ty: Type| e.ty.as_ref() == Some(&ty);
    if is(&left, Type::Date) && is(&right, Type::DateTime) {
        return compare(comparison.mirrored(), right, left, loc);
    }
    if present(&left).is_some() && present(&right).is_none() {
        return compare(comparison.mirrored(), right, left, loc);
    }
    match present(&right) {
        Some(present) if self::present(&left).is_none() => {
            if is(&right, Type::DateTime) && is(&left, Type::DateTime) {
                if let Some(truth) = with_now(comparison, left.clone(), present, loc) {
                    return truth;
                }
            } else if is(&right, Type::Date) {
                return with_today(comparison, left, right, present, loc);
            }
        }
        _ if is(&left, Type::DateTime) && is(&right, Type::Date) => return with_day(comparison, left, right, loc),
        _ => {}
    }
    plain(comparison, left, right, loc)
}

fn plain(comparison: Comparison, left: Expr, right: Expr, loc: Loc) -> Expr {
    Expr::truth(ExprKind::Compare(comparison, Box::new((left, right))), loc)
}

/// How far from the present the expression is, if it is `now` or `today` and constant lengths.
fn present(e: &Expr) -> Option<Span> {
    match &e.kind {
        ExprKind::Now | ExprKind::Today => Some(Span::default()),
        ExprKind::Arithmetic(first, rest) => {
            let mut sum = present(first)?;
            for (op, operand) in rest {
                let ExprKind::Const(Value::Span(span)) = operand.kind else { return None };
                let span = match op {
                    ArithmeticOp::Add => span,
                    ArithmeticOp::Subtract => span.negated(),
                    ArithmeticOp::Multiply | ArithmeticOp::Divide => return None,
                };
                sum = Span {
                    months: sum.months.saturating_add(span.months),
                    days: sum.days.saturating_add(span.days),
                    millis: sum.millis.saturating_add(span.millis),
                };
            }
            Some(sum)
        }
        _ => None,
    }
}

/// The moment or day, so much earlier.
fn earlier(e: Expr, by: Span) -> Expr {
    if by == Span::default() { e } else { shifted(e, by.negated()) }
}

fn reached(moment: Expr, loc: Loc) -> Expr {
    Expr::truth(ExprKind::Reached(Box::new(moment)), loc)
}

fn not(truth: Expr, loc: Loc) -> Expr {
    Expr::truth(ExprKind::Not(Box::new(truth)), loc)
}

/// A moment and `now + offset`; none if they are compared for sameness.
fn with_now(comparison: Comparison, moment: Expr, offset: Span, loc: Loc) -> Option<Expr> {
    let past = reached(earlier(moment, offset), loc);
    Some(match comparison {
        Comparison::Less | Comparison::LessOrEqual => past,
        Comparison::Greater | Comparison::GreaterOrEqual => not(past, loc),
        Comparison::Equal | Comparison::NotEqual => return None,
    })
}

/// A day, or a moment on it, and `today + offset`.
fn with_today(comparison: Comparison, day: Expr, today: Expr, offset: Span, loc: Loc) -> Expr {
    if day.ty == Some(Type::Date) && offset == Span::default() {
        let anniversary = || {
            let sides = Box::new((day.clone(), today.clone()));
            Expr::truth(ExprKind::Anniversary(sides), loc)
        };
        match comparison {
            Comparison::Equal => return anniversary(),
            Comparison::NotEqual => return not(anniversary(), loc),
            _ => {}
        }
    }
    let day = if day.ty == Some(Type::DateTime) { day_of(day) } else { day };
    let day = earlier(day, offset);
    let begun = reached(to_instant(day.clone()), loc);
    let over = reached(to_instant(shifted(day, DAY)), loc);
    match comparison {
        Comparison::Less => over,
        Comparison::LessOrEqual => begun,
        Comparison::Greater => not(begun, loc),
        Comparison::GreaterOrEqual => not(over, loc),
        Comparison::Equal => Expr::truth(ExprKind::And(vec![begun, not(over, loc)]), loc),
        Comparison::NotEqual => Expr::truth(ExprKind::Or(vec![not(begun, loc), over]), loc),
    }
}

/// A moment and a day.
fn with_day(comparison: Comparison, moment: Expr, day: Expr, loc: Loc) -> Expr {
    let begin = |day: Expr| to_instant(day);
    let end = |day: Expr| to_instant(shifted(day, DAY));
    match comparison {
        Comparison::Less => plain(Comparison::Less, moment, begin(day), loc),
        Comparison::LessOrEqual => plain(Comparison::Less, moment, end(day), loc),
        Comparison::Greater => plain(Comparison::GreaterOrEqual, moment, end(day), loc),
        Comparison::GreaterOrEqual => plain(Comparison::GreaterOrEqual, moment, begin(day), loc),
        Comparison::Equal | Comparison::NotEqual => plain(comparison, day_of(moment), day, loc),
    }
}

pub(super) fn day_of(moment: Expr) -> Expr {
    let loc = moment.loc;
    Expr { kind: ExprKind::DayOf(Box::new(moment)), ty: Some(Type::Date), loc }
}
