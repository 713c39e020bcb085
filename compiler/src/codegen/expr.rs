//! Expressions to code.

use journey_bytecode::{Op, Value};
use smol_str::SmolStr;

use super::emit::{Code, Tables};
use crate::hir::{ArithmeticOp, Each};
use crate::typed::{Comparison, Expr, ExprKind, Place};

/// Leaves the expression's value on the stack.
pub(super) fn expr(code: &mut Code, tables: &mut Tables, e: &Expr) {
    match &e.kind {
        ExprKind::Error => constant(code, tables, &Value::Unset),
        ExprKind::Const(value) => constant(code, tables, value),
        ExprKind::Place(Place::Answer(slot, name, _), _) => {
            code.op(Op::Load(*slot));
            code.op(Op::Member(tables.name(name)));
        }
        ExprKind::Place(place, _) => code.op(match place {
            Place::Attribute(name) => Op::Attribute(tables.name(name)),
            Place::Trigger(name) => Op::Trigger(tables.name(name)),
            Place::Field(name) => Op::Field(tables.name(name)),
            Place::Slot(slot) | Place::Answer(slot, ..) => Op::Load(*slot),
        }),
        ExprKind::Now => code.op(Op::Now),
        ExprKind::Today => code.op(Op::Today),
        ExprKind::CreatedAt => code.op(Op::CreatedAt),
        ExprKind::WaitStart => code.op(Op::WaitStart),
        ExprKind::WeekdayOf(of) => unary(code, tables, of, Op::WeekdayOf),
        ExprKind::HourOf(of) => unary(code, tables, of, Op::HourOf),
        ExprKind::Function(function, of) => unary(code, tables, of, Op::Function(*function)),
        ExprKind::Score(name) => code.op(Op::Score(tables.name(name))),
        ExprKind::Between(sides) => binary(code, tables, sides, Op::Between),
        ExprKind::Later(sides) => binary(code, tables, sides, Op::Later),
        ExprKind::With(sides) => binary(code, tables, sides, Op::Append),
        ExprKind::Without(sides) => binary(code, tables, sides, Op::Without),
        ExprKind::AddWithin(window, sides) => {
            expr(code, tables, &sides.0);
            expr(code, tables, &sides.1);
            constant(code, tables, &Value::Time(window.from));
            constant(code, tables, &Value::Time(window.to));
            code.op(Op::AddWithin(window.days));
        }
        ExprKind::NextEvery(sides, span, time) => {
            expr(code, tables, &sides.0);
            expr(code, tables, &sides.1);
            constant(code, tables, &Value::Span(*span));
            constant(code, tables, &Value::Time(*time));
            code.op(Op::NextEvery);
        }
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
        ExprKind::Each(how, Each::Any, sides) => binary(code, tables, sides, Op::MatchAny(*how)),
        ExprKind::Each(how, Each::All, sides) => binary(code, tables, sides, Op::MatchAll(*how)),
        ExprKind::Matches(of, pattern) => {
            let pattern = tables.constant(&Value::Text(pattern.clone()));
            unary(code, tables, of, Op::Matches(pattern));
        }
        ExprKind::NumberOf(comparison, number, parts) => {
            let number = Value::int(i64::from(*number));
            // At least so many: the number is as small as the tally.
            if *comparison == Comparison::GreaterOrEqual {
                constant(code, tables, &number);
            }
            constant(code, tables, &Value::int(0));
            for part in parts {
                unary(code, tables, part, Op::Tally);
            }
            match comparison {
                Comparison::GreaterOrEqual => code.op(Op::LessOrEqual),
                Comparison::LessOrEqual => {
                    constant(code, tables, &number);
                    code.op(Op::LessOrEqual);
                }
                _ => {
                    constant(code, tables, &number);
                    code.op(Op::Equal);
                }
            }
        }
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
        ExprKind::Reachable(channel) => code.op(Op::Reachable(*channel)),
        ExprKind::Messages(asked) => code.op(Op::Messages(tables.messages(asked))),
        ExprKind::Consents(topic, channel) => code.op(Op::Consents(tables.name(topic), *channel)),
        ExprKind::InJourney(journey) => code.op(Op::InJourney(tables.name(journey))),
        ExprKind::WasInJourney(journey, within) => {
            constant(code, tables, &within.map_or(Value::Unset, Value::Span));
            code.op(Op::WasInJourney(tables.name(journey)));
        }
        ExprKind::Chance(share) => code.op(Op::Chance(*share)),
        ExprKind::HasTag(tag) => code.op(Op::HasTag(tables.name(tag))),
        ExprKind::Status(status, about) => code.op(Op::Status(*status, tables.message(about))),
        ExprKind::ClickedLink(link, about) => code.op(Op::ClickedLink(tables.name(link), tables.message(about))),
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
    match (&a.kind, &b.kind) {
        (ExprKind::Score(name), _) if !reads_score(b) => return score(code, tables, name, comparison, b),
        (_, ExprKind::Score(name)) if !reads_score(a) => return score(code, tables, name, comparison.mirrored(), a),
        _ => {}
    }
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

fn reads_score(e: &Expr) -> bool {
    e.any(&|e| matches!(e.kind, ExprKind::Score(_)))
}

/// A score compared with a number: so that whoever asks learns when time changes the answer.
fn score(code: &mut Code, tables: &mut Tables, name: &SmolStr, comparison: Comparison, number: &Expr) {
    let name = tables.name(name);
    expr(code, tables, number);
    match comparison {
        Comparison::Greater => code.op(Op::ScoreAbove(name)),
        Comparison::GreaterOrEqual => code.op(Op::ScoreFrom(name)),
        Comparison::Less => {
            code.op(Op::ScoreFrom(name));
            code.op(Op::Not);
        }
        Comparison::LessOrEqual => {
            code.op(Op::ScoreAbove(name));
            code.op(Op::Not);
        }
        Comparison::Equal | Comparison::NotEqual => {
            code.op(Op::ScoreFrom(name));
            let over = code.jump(Op::AndJump);
            expr(code, tables, number);
            code.op(Op::ScoreAbove(name));
            code.op(Op::Not);
            code.land(over);
            if comparison == Comparison::NotEqual {
                code.op(Op::Not);
            }
        }
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
