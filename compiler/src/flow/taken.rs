//! What the cases of a `choose` have taken already, as far as they are values and ranges of what has an order.

use std::cmp::Ordering;

use journey_bytecode::Value;

use crate::hir::Loc;
use crate::typed::{Comparison, Expr, ExprKind};

/// Ranges with their ends, none of which meets another.
#[derive(Default)]
pub(super) struct Taken<'a>(Vec<(&'a Value, &'a Value)>);

impl<'a> Taken<'a> {
    /// Takes the values of a case; those of them that were taken whole by what stands before.
    pub(super) fn take(&mut self, case: &'a Expr) -> Vec<Loc> {
        let ranges = values(case).iter().filter_map(|value| Some((value.loc, range(value)?)));
        ranges.filter(|(_, range)| !self.add(*range)).map(|(loc, _)| loc).collect()
    }

    /// Whether something of it was left.
    fn add(&mut self, (mut low, mut high): (&'a Value, &'a Value)) -> bool {
        if self.0.iter().any(|(from, to)| !is_above(from, low) && !is_above(high, to)) {
            return false;
        }
        self.0.retain(|(from, to)| {
            let apart = is_above(from, high) || is_above(low, to);
            if !apart {
                low = if is_above(low, from) { from } else { low };
                high = if is_above(to, high) { to } else { high };
            }
            apart
        });
        self.0.push((low, high));
        true
    }
}

/// The values of a case, each a condition.
pub(super) fn values(case: &Expr) -> &[Expr] {
    match &case.kind {
        ExprKind::Or(values) => values,
        _ => std::slice::from_ref(case),
    }
}

/// What cannot be compared is apart.
fn is_above(a: &Value, b: &Value) -> bool {
    a.order(b).is_none_or(Ordering::is_gt)
}

/// The values of one alternative, if they are a range that is not empty; a value is a range of itself.
fn range(value: &Expr) -> Option<(&Value, &Value)> {
    ends(value).filter(|(low, high)| low.order(high).is_some_and(Ordering::is_le))
}

/// Whether the alternative is a range from a higher value to a lower one, in which nothing is.
pub(super) fn is_backwards(value: &Expr) -> bool {
    ends(value).is_some_and(|(low, high)| low.order(high).is_some_and(Ordering::is_gt))
}

fn ends(value: &Expr) -> Option<(&Value, &Value)> {
    match &value.kind {
        ExprKind::And(both) => match both.as_slice() {
            [low, high] => Some((bound(low, Comparison::GreaterOrEqual)?, bound(high, Comparison::LessOrEqual)?)),
            _ => None,
        },
        _ => bound(value, Comparison::Equal).map(|one| (one, one)),
    }
}

/// What the comparison compares with, if it is of this kind.
fn bound(e: &Expr, which: Comparison) -> Option<&Value> {
    match &e.kind {
        ExprKind::Compare(comparison, sides) if *comparison == which => match &sides.1.kind {
            ExprKind::Const(value) => Some(value),
            _ => None,
        },
        _ => None,
    }
}
