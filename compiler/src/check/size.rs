//! How large the statements of a journey are, roughly: whoever only asks for findings need not make the program of a small
//! one to know that it has room for all of it.

use crate::typed::Expr;

/// The most operands of a small statement. A program holds eight times as many values at a time, and no operand of the
/// source becomes more than a few.
const MAX_OPERANDS: usize = 32;

/// The most operands that segments may bring into a small journey: they stand in another place than the journey.
const MAX_INLINED: usize = 4_096;

/// Counts operands.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Size {
    /// Since the statement began.
    statement: usize,
    /// Of the largest statement.
    most: usize,
    /// Those of segments.
    inlined: usize,
}

impl Size {
    /// A statement begins.
    pub(super) const fn statement(&mut self) {
        self.statement = 0;
    }

    /// An operand.
    pub(super) const fn operand(&mut self) {
        self.statement += 1;
        if self.statement > self.most {
            self.most = self.statement;
        }
    }

    /// The condition of a segment.
    pub(super) fn inlined(&mut self, condition: &Expr) {
        let operands = operands(condition);
        self.inlined = self.inlined.saturating_add(operands);
        self.statement = self.statement.saturating_add(operands);
        self.most = self.most.max(self.statement);
    }

    pub(super) const fn is_small(self) -> bool {
        self.most <= MAX_OPERANDS && self.inlined <= MAX_INLINED
    }
}

fn operands(e: &Expr) -> usize {
    e.children().into_iter().fold(1, |sum, child| sum.saturating_add(operands(child)))
}
