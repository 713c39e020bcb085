//! Expressions to code.

use journey_bytecode::{Op, Value};

use super::emit::{Code, Tables};
use crate::hir::ArithmeticOp;
use crate::typed::{Comparison, Expr, ExprKind, Place};

/// Leaves the expression's value on the stack.
pub(super) fn expr(code: &mut Code, tables: &mut Tables, e: &Expr) {
    match &e.kind {
        ExprKind::Error => constant(code, tables, &Value::Unset),
        ExprKind::Const(value) => constant(code, tables, value),
        ExprKind::Place(place, _) => code.op(match place {
            Place::Attribute(name) => Op::Attribute(tables.name(name)),
            Place::Trigger(name) => Op::Trigger(tables.name(name)),
            Place::Field(name) => Op::Field(tables.name(name)),
            Place::Slot(slot) => Op::Load(*slot),
        }),
        ExprKind::Now => code.op(Op::Now),
        ExprKind::Today => code.op(Op::Today),
        ExprKind::CreatedAt => code.op(Op::CreatedAt),
        ExprKind::WaitStart => code.op(Op::WaitStart),
        ExprKind::WeekdayOf(of) => unary(code, tables, of, Op::WeekdayOf),
        ExprKind::HourOf(of) => unary(code, tables, of, Op::HourOf),
        ExprKind::ToInstant(of) => unary(code, tables, of, Op::ToInstant),
        ExprKind::DayOf(of) => unary(code, tables, of, Op::DayOf),
        ExprKind::Reached(of) => unary(code, tables, of, Op::Reached),
        ExprKind::Anniversary(sides) => binary(code, tables, sides, Op::Anniversary),
        ExprKind::Not(of) => unary(code, tables, of, Op::Not),
        ExprKind::IsSet(of) => unary(code, tables, of, Op::IsSet),
        ExprKind::NextAt(days, sides) => binary(code, tables, sides, Op::NextAt(*days)),
        ExprKind::NextAnniversary(sides, time) => {
            expr(code, tables, &sides.0);
            expr(code, tables, &sides.1);
            constant(code, tables, &Value::Time(*time));
            code.op(Op::NextAnniversary);
        }
        ExprKind::NextWithin(window, from) => {
            expr(code, tables, from);
            constant(code, tables, &Value::Time(window.from));
            constant(code, tables, &Value::Time(window.to));
            code.op(Op::NextWithin(window.days));
        }
        ExprKind::And(parts) => chain(code, tables, parts, Op::AndJump),
        ExprKind::Or(parts) => chain(code, tables, parts, Op::OrJump),
        ExprKind::Compare(comparison, sides) => compare(code, tables, *comparison, sides),
        ExprKind::Contains(sides) => binary(code, tables, sides, Op::Contains),
        ExprKind::StartsWith(sides) => binary(code, tables, sides, Op::StartsWith),
        ExprKind::EndsWith(sides) => binary(code, tables, sides, Op::EndsWith),
        ExprKind::In(sides) => binary(code, tables, sides, Op::In),
        ExprKind::Arithmetic(first, rest) => {
            expr(code, tables, first);
            for (operator, operand) in rest {
                unary(
                    code,
                    tables,
                    operand,
                    match operator {
                        ArithmeticOp::Add => Op::Add,
                        ArithmeticOp::Subtract => Op::Subtract,
                        ArithmeticOp::Multiply => Op::Multiply,
                        ArithmeticOp::Divide => Op::Divide,
                    },
                );
            }
        }
        ExprKind::History(history) => code.op(Op::History(tables.history(history))),
        ExprKind::Stage(funnel) => code.op(Op::Stage(tables.name(funnel))),
        ExprKind::Consents(topic, channel) => code.op(Op::Consents(tables.name(topic), *channel)),
        ExprKind::InJourney(journey) => code.op(Op::InJourney(tables.name(journey))),
        ExprKind::WasInJourney(journey, within) => {
            constant(code, tables, &within.map_or(Value::Unset, Value::Span));
            code.op(Op::WasInJourney(tables.name(journey)));
        }
        ExprKind::Chance(share) => code.op(Op::Chance(*share)),
        ExprKind::HasTag(tag) => code.op(Op::HasTag(tables.name(tag))),
        ExprKind::Status(status, about) => code.op(Op::Status(*status, about.settled())),
        ExprKind::ClickedLink(link, about) => code.op(Op::ClickedLink(tables.name(link), about.settled())),
        ExprKind::StatusWithin(status, channel, span) => {
            constant(code, tables, &Value::Span(*span));
            code.op(Op::StatusWithin(*status, *channel));
        }
    }
}

fn constant(code: &mut Code, tables: &mut Tables, value: &Value) {
    code.op(Op::Const(tables.constant(value)));
}

fn unary(code: &mut Code, tables: &mut Tables, operand: &Expr, op: Op) {
    expr(code, tables, operand);
    code.op(op);
}

fn binary(code: &mut Code, tables: &mut Tables, sides: &(Expr, Expr), op: Op) {
    expr(code, tables, &sides.0);
    expr(code, tables, &sides.1);
    code.op(op);
}

fn compare(code: &mut Code, tables: &mut Tables, comparison: Comparison, sides: &(Expr, Expr)) {
    let (a, b) = sides;
    let (a, b, op) = match comparison {
        Comparison::Equal | Comparison::NotEqual => (a, b, Op::Equal),
        Comparison::Less => (a, b, Op::Less),
        Comparison::LessOrEqual => (a, b, Op::LessOrEqual),
        Comparison::Greater => (b, a, Op::Less),
        Comparison::GreaterOrEqual => (b, a, Op::LessOrEqual),
    };
    expr(code, tables, a);
    expr(code, tables, b);
    code.op(op);
    if comparison == Comparison::NotEqual {
        code.op(Op::Not);
    }
}

/// `a and b and c`: the first that decides leaves its value and skips the rest.
fn chain(code: &mut Code, tables: &mut Tables, parts: &[Expr], jump: fn(journey_bytecode::Pc) -> Op) {
    let Some((last, front)) = parts.split_last() else {
        return constant(code, tables, &Value::Unset);
    };
    let mut jumps = Vec::with_capacity(front.len());
    for part in front {
        expr(code, tables, part);
        jumps.push(code.jump(jump));
    }
    expr(code, tables, last);
    jumps.into_iter().for_each(|jump| code.land(jump));
}

/// Whether an attribute of the contact decides the value, so that a change of it must be looked at again.
pub(super) fn reads_contact(e: &Expr) -> bool {
    e.any(&|e| matches!(e.kind, ExprKind::Place(Place::Attribute(_), _) | ExprKind::HasTag(_)))
}
