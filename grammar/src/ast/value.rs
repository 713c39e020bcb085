//! Expressions that are values: literals, names, arithmetic and what history adds up to.

use super::{
    AndExpr, BetweenExpr, ChanceExpr, ChangedExpr, CompareExpr, ConsentExpr, DidExpr, HasTagExpr, InExpr, MatchExpr,
    MemberExpr, Name, NotExpr, OrExpr, Path, PresenceExpr, QuantifiedExpr, ReachableExpr, SinceClause, StatusExpr,
    WhereClause, WithinExpr, child, children, choice, clause, has, one_of, views,
};
use crate::kind::SyntaxKind::*;
use crate::tree::Token;

views! {
    /// `a + b`, any number of operands
    SumExpr
    /// `a * b`, any number of operands
    ProductExpr
    /// `-a`
    NegExpr
    /// `(a)`
    ParenExpr
    /// `[DE, AT]`
    ListExpr
    /// `3`, `"text"`, `45%`, `2d`, `09:00`, `2026-03-01`
    Literal
    /// `20 EUR`
    MoneyLiteral
    /// `2026-03-01 09:00`
    DateTimeLiteral
    /// `30d ago`
    AgoExpr
    /// `month of birthday`
    FunctionExpr
    /// `sum of purchase.amount where amount > 5 EUR within 30d`
    AggregateExpr
    /// `last purchase.amount`, `first purchase at`
    OccurrenceExpr
    /// `amount: 20 EUR`
    FieldValue
}

choice! {
    /// A condition or a value.
    Expr {
        /// `a or b`
        Or(OrExpr)
        /// `a and b`
        And(AndExpr)
        /// `not a`
        Not(NotExpr)
        /// `plan is pro`
        Compare(CompareExpr)
        /// `email ends with ".."`
        Match(MatchExpr)
        /// `country in [..]`
        In(InExpr)
        /// `visits between 3 and 5`
        Between(BetweenExpr)
        /// `phone is set`
        Presence(PresenceExpr)
        /// `renewal_date within next 30d`
        Within(WithinExpr)
        /// `plan changed to pro`
        Changed(ChangedExpr)
        /// `any of [..]`
        Quantified(QuantifiedExpr)
        /// `opened story`
        Status(StatusExpr)
        /// `has tag vip`
        HasTag(HasTagExpr)
        /// `in engaged`
        Member(MemberExpr)
        /// `consents to offers`
        Consent(ConsentExpr)
        /// `reachable via sms`
        Reachable(ReachableExpr)
        /// `did purchase`
        Did(DidExpr)
        /// `chance 10%`
        Chance(ChanceExpr)
        /// `a + b`
        Sum(SumExpr)
        /// `a * b`
        Product(ProductExpr)
        /// `-a`
        Neg(NegExpr)
        /// `(a)`
        Paren(ParenExpr)
        /// `[a, b]`
        List(ListExpr)
        /// `3`
        Literal(Literal)
        /// `20 EUR`
        Money(MoneyLiteral)
        /// `2026-03-01 09:00`
        DateTime(DateTimeLiteral)
        /// `30d ago`
        Ago(AgoExpr)
        /// `month of birthday`
        Function(FunctionExpr)
        /// `sum of purchase.amount`
        Aggregate(AggregateExpr)
        /// `last purchase.amount`
        Occurrence(OccurrenceExpr)
        /// `plan`
        Path(Path)
    }
}

impl<'t> Expr<'t> {
    /// The expression inside any parentheses.
    #[must_use]
    pub fn unparenthesised(self) -> Option<Self> {
        let mut inner = self;
        while let Self::Paren(paren) = inner {
            inner = paren.inner()?;
        }
        Some(inner)
    }
}

/// An operator of arithmetic.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ArithmeticOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

/// Nodes that chain operands by operators of one rank, from left to right.
macro_rules! arithmetic {
    ($($name:ident)*) => {$(
        impl<'t> $name<'t> {
            /// The operands in order.
            pub fn operands(self) -> impl Iterator<Item = Expr<'t>> {
                children(self.0)
            }

            /// The operators between them.
            pub fn operators(self) -> impl Iterator<Item = (ArithmeticOp, Token<'t>)> {
                self.0.own_tokens().filter_map(|token| {
                    let operator = match token.kind() {
                        Plus => ArithmeticOp::Add,
                        Minus => ArithmeticOp::Subtract,
                        Star => ArithmeticOp::Multiply,
                        Slash => ArithmeticOp::Divide,
                        _ => return None,
                    };
                    Some((operator, token))
                })
            }
        }
    )*};
}

arithmetic! { SumExpr ProductExpr }

impl<'t> NegExpr<'t> {
    /// What is negated.
    pub fn operand(self) -> Option<Expr<'t>> {
        child(self.0)
    }
}

impl<'t> ParenExpr<'t> {
    /// What stands in parentheses.
    pub fn inner(self) -> Option<Expr<'t>> {
        child(self.0)
    }
}

impl<'t> ListExpr<'t> {
    /// The elements.
    pub fn elements(self) -> impl Iterator<Item = Expr<'t>> {
        children(self.0)
    }
}

impl<'t> Literal<'t> {
    /// Its token, whose kind is the literal's; a malformed one has an error of its own.
    pub fn token(self) -> Option<Token<'t>> {
        self.0.first_token()
    }
}

impl<'t> MoneyLiteral<'t> {
    /// The amount.
    pub fn amount(self) -> Option<Token<'t>> {
        self.0.token(Number)
    }

    /// The currency.
    pub fn currency(self) -> Option<Token<'t>> {
        self.0.token(Ident)
    }
}

impl<'t> DateTimeLiteral<'t> {
    /// The date.
    pub fn date(self) -> Option<Token<'t>> {
        self.0.token(Date)
    }

    /// The time.
    pub fn time(self) -> Option<Token<'t>> {
        self.0.token(Time)
    }
}

impl<'t> AgoExpr<'t> {
    /// How long ago.
    pub fn duration(self) -> Option<Token<'t>> {
        self.0.token(Duration)
    }
}

impl<'t> FunctionExpr<'t> {
    /// The function's name.
    pub fn function(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// What it is applied to.
    pub fn argument(self) -> Option<Expr<'t>> {
        child(self.0)
    }
}

/// What history is added up to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Aggregate {
    /// `count of`
    Count,
    /// `sum of`
    Sum,
    /// `average of`
    Average,
    /// `min of`
    Min,
    /// `max of`
    Max,
}

impl<'t> AggregateExpr<'t> {
    /// What is computed.
    pub fn function(self) -> Option<Aggregate> {
        let word = one_of(self.0, &[CountKw, SumKw, AverageKw, MinKw, MaxKw])?;
        Some(match word.kind() {
            CountKw => Aggregate::Count,
            SumKw => Aggregate::Sum,
            AverageKw => Aggregate::Average,
            MinKw => Aggregate::Min,
            _ => Aggregate::Max,
        })
    }

    /// Whether equal values count once.
    pub fn is_distinct(self) -> bool {
        has(self.0, DistinctKw)
    }

    /// The event, or a field of it.
    pub fn path(self) -> Option<Path<'t>> {
        child(self.0)
    }

    /// Which occurrences.
    pub fn filter(self) -> Option<Expr<'t>> {
        child::<WhereClause<'t>>(self.0)?.condition()
    }

    /// How far back.
    pub fn within(self) -> Option<Token<'t>> {
        clause::within(self.0)
    }

    /// Since when.
    pub fn since(self) -> Option<SinceClause<'t>> {
        child(self.0)
    }
}

impl<'t> OccurrenceExpr<'t> {
    /// Whether it is the first rather than the last.
    pub fn is_first(self) -> bool {
        has(self.0, FirstKw)
    }

    /// The event, or a field of it.
    pub fn path(self) -> Option<Path<'t>> {
        child(self.0)
    }

    /// Whether it asks when: `first purchase at`.
    pub fn asks_when(self) -> bool {
        has(self.0, AtKw)
    }

    /// Which occurrences.
    pub fn filter(self) -> Option<Expr<'t>> {
        child::<WhereClause<'t>>(self.0)?.condition()
    }

    /// How far back.
    pub fn within(self) -> Option<Token<'t>> {
        clause::within(self.0)
    }

    /// Since when.
    pub fn since(self) -> Option<SinceClause<'t>> {
        child(self.0)
    }
}

impl<'t> FieldValue<'t> {
    /// The field's name; any word.
    pub fn name(self) -> Option<Token<'t>> {
        self.0.first_token().filter(|token| token.kind().is_word())
    }

    /// Its value.
    pub fn value(self) -> Option<Expr<'t>> {
        child(self.0)
    }
}
