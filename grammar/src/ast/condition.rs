//! Conditions: logic, comparisons and questions about what happened.

use super::{
    AstNode, Bound, CountClause, Expr, ListExpr, MessageRef, Name, Path, SinceClause, WhereClause, Window, child,
    children, clause, has, one_of, pattern, views,
};
use crate::kind::SyntaxKind::*;
use crate::tree::{Node, Token};

views! {
    /// `a or b`, any number of operands
    OrExpr
    /// `a and b`, any number of operands
    AndExpr
    /// `not a`
    NotExpr
    /// `plan is pro`, `visits >= 3`, `created before 30d ago`
    CompareExpr
    /// `email ends with "@example.com"`, `interests contains any of ["a", "b"]`
    MatchExpr
    /// `country in [DE, AT]`
    InExpr
    /// `visits between 3 and 5`
    BetweenExpr
    /// `phone is set`, `interests is not empty`
    PresenceExpr
    /// `renewal_date within next 30d`, `now within weekdays 09:00 to 17:00`
    WithinExpr
    /// `plan changed to pro within 30d`
    ChangedExpr
    /// `at least 2 of [a, b, c]`
    QuantifiedExpr
    /// `opened story within 2d`
    StatusExpr
    /// `has tag vip`
    HasTagExpr
    /// `in engaged`, `in journey winback`, `was in journey winback within 30d`
    MemberExpr
    /// `consents to offers via email`
    ConsentExpr
    /// `reachable via sms`
    ReachableExpr
    /// `did purchase at least 2 times within 30d`
    DidExpr
    /// `chance 10%`
    ChanceExpr
    /// `measure purchase within 14d`
    MeasureClause
    /// `for at least 14d`
    RunForClause
    /// `then best`
    BestClause
}

/// Nodes with any number of operands.
macro_rules! chains {
    ($($name:ident)*) => {$(
        impl<'t> $name<'t> {
            /// The operands in order.
            pub fn operands(self) -> impl Iterator<Item = Expr<'t>> {
                children(self.0)
            }
        }
    )*};
}

chains! { OrExpr AndExpr }

impl<'t> NotExpr<'t> {
    /// What is denied.
    pub fn operand(self) -> Option<Expr<'t>> {
        child(self.0)
    }
}

/// A comparison's operator.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CompareOp {
    /// `is`, `==`
    Is,
    /// `is not`, `!=`
    IsNot,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `before`
    Before,
    /// `after`
    After,
    /// `is not before`
    NotBefore,
    /// `is not after`
    NotAfter,
}

impl<'t> CompareExpr<'t> {
    /// The left side.
    pub fn left(self) -> Option<Expr<'t>> {
        left(self.0)
    }

    /// The operator.
    pub fn operator(self) -> Option<CompareOp> {
        let not = is_negated(self.0);
        let token = one_of(self.0, &[BeforeKw, AfterKw, EqEq, BangEq, Less, LessEq, Greater, GreaterEq]);
        Some(match (token.map(Token::kind), not) {
            (Some(EqEq), _) | (None, false) => CompareOp::Is,
            (Some(BangEq), _) | (None, true) => CompareOp::IsNot,
            (Some(Less), _) => CompareOp::Less,
            (Some(LessEq), _) => CompareOp::LessOrEqual,
            (Some(Greater), _) => CompareOp::Greater,
            (Some(GreaterEq), _) => CompareOp::GreaterOrEqual,
            (Some(BeforeKw), false) => CompareOp::Before,
            (Some(BeforeKw), true) => CompareOp::NotBefore,
            (Some(AfterKw), false) => CompareOp::After,
            (Some(AfterKw), true) => CompareOp::NotAfter,
            _ => return None,
        })
    }

    /// The right side.
    pub fn right(self) -> Option<Expr<'t>> {
        right(self.0)
    }
}

/// The operand that the node begins with, if it does.
fn left(node: Node<'_>) -> Option<Expr<'_>> {
    let first = node.children().next()?;
    (first.range().start == node.range().start).then(|| Expr::cast(first)).flatten()
}

/// The operand behind the operator.
fn right(node: Node<'_>) -> Option<Expr<'_>> {
    let skip = usize::from(left(node).is_some());
    children(node).nth(skip)
}

/// Whether the node's own words have a `not`.
fn is_negated(node: Node<'_>) -> bool {
    has(node, NotKw)
}

/// How a text or list is matched.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MatchOp {
    /// `contains`
    Contains,
    /// `starts with`
    StartsWith,
    /// `ends with`
    EndsWith,
    /// `matches`
    Matches,
}

/// How many of several.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Quantifier {
    /// `any of`
    Any,
    /// `all of`
    All,
    /// `none of`
    None,
}

fn quantifier(node: Node<'_>) -> Option<Quantifier> {
    let word = one_of(node, &[AnyKw, AllKw, NoneKw])?;
    Some(match word.kind() {
        AnyKw => Quantifier::Any,
        AllKw => Quantifier::All,
        _ => Quantifier::None,
    })
}

impl<'t> MatchExpr<'t> {
    /// The text or list.
    pub fn left(self) -> Option<Expr<'t>> {
        left(self.0)
    }

    /// Whether there is a `not`.
    pub fn is_negated(self) -> bool {
        is_negated(self.0)
    }

    /// The operator.
    pub fn operator(self) -> Option<MatchOp> {
        let word = one_of(self.0, &[ContainsKw, StartsKw, EndsKw, MatchesKw])?;
        Some(match word.kind() {
            ContainsKw => MatchOp::Contains,
            StartsKw => MatchOp::StartsWith,
            EndsKw => MatchOp::EndsWith,
            _ => MatchOp::Matches,
        })
    }

    /// How many of the values on the right, if it says.
    pub fn quantifier(self) -> Option<Quantifier> {
        quantifier(self.0)
    }

    /// What is looked for.
    pub fn right(self) -> Option<Expr<'t>> {
        right(self.0)
    }
}

impl<'t> InExpr<'t> {
    /// The value.
    pub fn left(self) -> Option<Expr<'t>> {
        left(self.0)
    }

    /// Whether there is a `not`.
    pub fn is_negated(self) -> bool {
        is_negated(self.0)
    }

    /// The list.
    pub fn right(self) -> Option<Expr<'t>> {
        right(self.0)
    }
}

impl<'t> BetweenExpr<'t> {
    /// The value.
    pub fn value(self) -> Option<Expr<'t>> {
        left(self.0)
    }

    /// Whether there is a `not`.
    pub fn is_negated(self) -> bool {
        is_negated(self.0)
    }

    /// The least.
    pub fn low(self) -> Option<Expr<'t>> {
        right(self.0)
    }

    /// The greatest, itself included.
    pub fn high(self) -> Option<Expr<'t>> {
        let skip = usize::from(left(self.0).is_some());
        children(self.0).nth(skip + 1)
    }
}

impl<'t> PresenceExpr<'t> {
    /// The value.
    pub fn value(self) -> Option<Expr<'t>> {
        child(self.0)
    }

    /// Whether there is a `not`.
    pub fn is_negated(self) -> bool {
        is_negated(self.0)
    }

    /// Whether it asks for `empty` rather than for `set`.
    pub fn is_empty(self) -> bool {
        has(self.0, EmptyKw)
    }
}

/// What a moment lies within.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Within<'t> {
    /// `last 30d`
    Last(Token<'t>),
    /// `next 30d`
    Next(Token<'t>),
    /// `weekdays 09:00 to 17:00`
    Window(Window<'t>),
}

impl<'t> WithinExpr<'t> {
    /// The moment.
    pub fn value(self) -> Option<Expr<'t>> {
        left(self.0)
    }

    /// Whether there is a `not`.
    pub fn is_negated(self) -> bool {
        is_negated(self.0)
    }

    /// What it lies within.
    pub fn within(self) -> Option<Within<'t>> {
        if let Some(window) = child(self.0) {
            return Some(Within::Window(window));
        }
        let duration = self.0.token(Duration)?;
        Some(if has(self.0, LastKw) { Within::Last(duration) } else { Within::Next(duration) })
    }
}

impl<'t> ChangedExpr<'t> {
    /// The attribute.
    pub fn attribute(self) -> Option<Path<'t>> {
        child(self.0)
    }

    /// The old value.
    pub fn from(self) -> Option<Expr<'t>> {
        child::<super::FromClause<'t>>(self.0)?.value()
    }

    /// The new value.
    pub fn to(self) -> Option<Expr<'t>> {
        child::<super::ToClause<'t>>(self.0)?.value()
    }
}

impl<'t> QuantifiedExpr<'t> {
    /// `any of`, `all of` or `none of`, unless it has a number.
    pub fn quantifier(self) -> Option<Quantifier> {
        quantifier(self.0)
    }

    /// `at least 2 of` and the like, with the number.
    pub fn bound(self) -> Option<(Bound, Token<'t>)> {
        Some((clause::bound(self.0)?, self.0.token(Number)?))
    }

    /// The conditions.
    pub fn list(self) -> Option<ListExpr<'t>> {
        child(self.0)
    }
}

/// Nodes that ask how often and since when.
macro_rules! historical {
    ($($name:ident)*) => {$(
        impl<'t> $name<'t> {
            /// How often: `at least 2 times`.
            pub fn count(self) -> Option<CountClause<'t>> {
                child(self.0)
            }

            /// How far back: `within 30d`.
            pub fn within(self) -> Option<Token<'t>> {
                clause::within(self.0)
            }

            /// Since when: `since entry`.
            pub fn since(self) -> Option<SinceClause<'t>> {
                child(self.0)
            }
        }
    )*};
}

historical! { StatusExpr DidExpr MemberExpr ChangedExpr }

impl<'t> StatusExpr<'t> {
    /// The status: `opened`, `clicked` and so on.
    pub fn status(self) -> Option<Token<'t>> {
        pattern::status(self.0)
    }

    /// The message.
    pub fn message(self) -> Option<MessageRef<'t>> {
        pattern::message_ref(self.0)
    }

    /// The link.
    pub fn link(self) -> Option<Token<'t>> {
        pattern::link(self.0)
    }
}

impl<'t> HasTagExpr<'t> {
    /// The tag.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }
}

impl<'t> MemberExpr<'t> {
    /// Whether it is `was in` rather than `in`.
    pub fn was(self) -> bool {
        has(self.0, WasKw)
    }

    /// The journey: `in journey winback`.
    pub fn journey(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// The segment, stage or side of a split.
    pub fn group(self) -> Option<Path<'t>> {
        child(self.0)
    }
}

impl<'t> ConsentExpr<'t> {
    /// The topic.
    pub fn topic(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// The channel; any without one.
    pub fn channel(self) -> Option<Name<'t>> {
        clause::via(self.0)
    }
}

impl<'t> ReachableExpr<'t> {
    /// The channel.
    pub fn channel(self) -> Option<Name<'t>> {
        child(self.0)
    }
}

impl<'t> DidExpr<'t> {
    /// Whether it is `did not`.
    pub fn is_negated(self) -> bool {
        is_negated(self.0)
    }

    /// The event.
    pub fn event(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// Which of its occurrences.
    pub fn filter(self) -> Option<Expr<'t>> {
        child::<WhereClause<'t>>(self.0)?.condition()
    }
}

impl<'t> ChanceExpr<'t> {
    /// How likely.
    pub fn percent(self) -> Option<Token<'t>> {
        self.0.token(Percent)
    }
}

impl<'t> MeasureClause<'t> {
    /// What is counted.
    pub fn pattern(self) -> Option<super::Pattern<'t>> {
        child(self.0)
    }

    /// Within how long.
    pub fn within(self) -> Option<Token<'t>> {
        clause::within(self.0)
    }
}

impl<'t> RunForClause<'t> {
    /// The least duration.
    pub fn duration(self) -> Option<Token<'t>> {
        self.0.token(Duration)
    }
}
