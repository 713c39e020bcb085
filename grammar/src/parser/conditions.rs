//! Conditions: `or`, `and`, `not`, questions about history and membership, comparisons.

use super::{Mark, Parser, compares};
use crate::error::{Expected, SyntaxErrorKind};
use crate::kind::SyntaxKind::{self, *};

impl Parser<'_> {
    /// `expr`
    pub(super) fn expr(&mut self) {
        self.nested(Self::or_expr);
    }

    fn or_expr(&mut self) {
        let mark = self.mark();
        self.and_expr();
        self.chain(mark, OrExpr, OrKw, Self::and_expr);
    }

    pub(super) fn and_expr(&mut self) {
        let mark = self.mark();
        self.not_expr();
        self.chain(mark, AndExpr, AndKw, Self::not_expr);
    }

    fn chain(&mut self, mark: Mark, kind: SyntaxKind, word: SyntaxKind, operand: fn(&mut Self)) {
        if !self.at(word) {
            return;
        }
        let node = self.wrap(mark, kind);
        while self.eat(word) {
            operand(self);
        }
        self.close(node);
    }

    pub(super) fn not_expr(&mut self) {
        if !self.at(NotKw) {
            self.condition();
            return;
        }
        let node = self.open(NotExpr);
        self.bump();
        self.nested(Self::not_expr);
        self.close(node);
    }

    /// A question, or a comparison.
    fn condition(&mut self) {
        if !self.question() {
            self.comparison();
        }
    }

    /// A condition that begins with a word of its own and is no comparison.
    pub(super) fn question(&mut self) -> bool {
        let next = self.nth(1);
        match self.current() {
            word if word.is_status() => {
                if compares(next) {
                    return false;
                }
                self.status_expr();
            }
            HasKw if next == TagKw => self.has_tag_expr(),
            TagKw if self.at_bare_tag() => self.bare_tag(),
            InKw => self.member_expr(),
            WasKw if next == InKw => self.member_expr(),
            ConsentsKw if next == ToKw => self.consent_expr(),
            ReachableKw if next == ViaKw => {
                let node = self.open(ReachableExpr);
                self.bump();
                self.bump();
                self.name();
                self.close(node);
            }
            DidKw if self.did_status() => {}
            DidKw if next == NotKw && self.nth(2).is_name() => self.did_expr(),
            DidKw if next.is_name() && !compares(next) => self.did_expr(),
            ChanceKw if self.nth_is_literal(1, Percent) => {
                let node = self.open(ChanceExpr);
                self.bump();
                self.bump();
                self.close(node);
            }
            AnyKw | AllKw | NoneKw if next == OfKw => self.quantified_expr(),
            AtKw if matches!(next, LeastKw | MostKw) => self.quantified_expr(),
            ExactlyKw if self.nth_is_literal(1, Number) => self.quantified_expr(),
            _ => return self.question_of_others(),
        }
        true
    }

    pub(super) fn status_expr(&mut self) {
        let node = self.open(StatusExpr);
        self.bump();
        self.channel_of_status();
        self.message_reference();
        self.link_clause();
        self.history();
        self.close(node);
    }

    /// `any email`, a handle, or nothing.
    pub(super) fn message_reference(&mut self) {
        if self.at(AnyKw) {
            let node = self.open(AnyMessage);
            self.bump();
            self.name();
            self.close(node);
        } else {
            self.handle();
        }
    }

    pub(super) fn link_clause(&mut self) {
        if self.at(LinkKw) {
            let node = self.open(LinkClause);
            self.bump();
            self.expect_literal(String);
            self.close(node);
        }
    }

    fn has_tag_expr(&mut self) {
        let node = self.open(HasTagExpr);
        self.bump();
        self.bump();
        self.name();
        self.close(node);
    }

    pub(super) fn member_expr(&mut self) {
        let node = self.open(MemberExpr);
        let was = self.eat(WasKw);
        self.bump();
        if self.at(JourneyKw) && self.nth(1).is_name() {
            self.bump();
            self.name();
        } else {
            self.needless_segment();
            self.path();
        }
        if was {
            self.history();
        }
        self.close(node);
    }

    pub(super) fn consent_expr(&mut self) {
        let node = self.open(ConsentExpr);
        self.bump();
        self.expect(ToKw);
        self.name();
        self.via_clause();
        self.close(node);
    }

    /// Without `did` where that is missing.
    pub(super) fn did_expr(&mut self) {
        let node = self.open(DidExpr);
        if self.eat(DidKw) {
            self.eat(NotKw);
        }
        self.name();
        self.where_clause();
        self.history();
        self.close(node);
    }

    fn quantified_expr(&mut self) {
        let node = self.open(QuantifiedExpr);
        match self.current() {
            AtKw => {
                self.bump();
                self.bump();
                self.expect_literal(Number);
            }
            ExactlyKw => {
                self.bump();
                self.bump();
            }
            _ => self.bump(),
        }
        self.expect(OfKw);
        self.list_expr();
        self.close(node);
    }

    pub(super) fn where_clause(&mut self) {
        if self.at(WhereKw) {
            let node = self.open(WhereClause);
            self.bump();
            self.expr();
            self.close(node);
        }
    }

    /// How often and since when, in any order.
    pub(super) fn history(&mut self) {
        loop {
            match self.current() {
                AtKw if matches!(self.nth(1), LeastKw | MostKw) => {
                    let node = self.open(CountClause);
                    self.bump();
                    self.bump();
                    self.count();
                    self.close(node);
                }
                ExactlyKw => {
                    let node = self.open(CountClause);
                    self.bump();
                    self.count();
                    self.close(node);
                }
                WithinKw => {
                    if !self.within_clause() {
                        return;
                    }
                }
                SinceKw => self.since_clause(),
                _ if self.how_often() => {}
                _ => return,
            }
        }
    }

    fn count(&mut self) {
        self.expect_literal(Number);
        if matches!(self.current(), TimesKw | TimeKw | DaysKw | DayKw) {
            self.bump();
        } else {
            self.expected(&[Expected::TimesOrDays]);
        }
    }

    /// `within 30d`, if a duration follows or nothing else that `within` can mean.
    pub(super) fn within_clause(&mut self) -> bool {
        if !self.at(WithinKw) || self.nth_within_compares(0) {
            return false;
        }
        let node = self.open(WithinClause);
        self.bump();
        self.expect_literal(Duration);
        self.close(node);
        true
    }

    pub(super) fn since_clause(&mut self) {
        let node = self.open(SinceClause);
        self.bump();
        if !self.eat(EntryKw) {
            self.sum();
        }
        if self.eat(UntilKw) {
            self.sum();
        }
        self.close(node);
    }

    /// A value, and what it is compared to.
    pub(super) fn comparison(&mut self) {
        let mark = self.mark();
        self.sum();
        if self.comparison_tail(mark) {
            let next = self.current();
            if compares(next) && !matches!(next, Dot | Plus | Minus | Star | Slash | BeforeKw | AfterKw) {
                let range = self.range_of(self.position);
                self.error(SyntaxErrorKind::ChainedComparison, range);
                // The rest of the chain would only be reported again.
                let before = self.position;
                let mark = self.mark();
                if self.comparison_tail(mark) && self.position > before {
                    self.error_at = Some(self.position);
                }
            }
        }
    }

    /// What follows a value that is compared; whether anything did.
    pub(super) fn comparison_tail(&mut self, mark: Mark) -> bool {
        // Words in front of the one that decides: `is`, `not`, `is not`.
        let is = usize::from(self.at(IsKw));
        let not = usize::from(self.nth(is) == NotKw);
        let before = is + not;
        let bump = |parser: &mut Self, count: usize| (0..count).for_each(|_| parser.bump());
        if self.comparison_of_others(mark, is == 1, not == 1) {
            return true;
        }
        match self.nth(before) {
            SetKw | EmptyKw if is == 1 => {
                let node = self.wrap(mark, PresenceExpr);
                bump(self, before + 1);
                self.close(node);
            }
            InKw => {
                let node = self.wrap(mark, InExpr);
                bump(self, before + 1);
                self.sum();
                self.close(node);
            }
            BetweenKw => {
                let node = self.wrap(mark, BetweenExpr);
                bump(self, before + 1);
                self.sum();
                self.expect(AndKw);
                self.sum();
                self.close(node);
            }
            WithinKw if is == 1 || self.nth_within_compares(before) => {
                let node = self.wrap(mark, WithinExpr);
                bump(self, before + 1);
                self.within_target();
                self.close(node);
            }
            ContainsKw | MatchesKw if is == 0 => {
                let node = self.wrap(mark, MatchExpr);
                bump(self, before + 1);
                self.quantifier();
                self.sum();
                self.close(node);
            }
            StartsKw | EndsKw if is == 0 => {
                let node = self.wrap(mark, MatchExpr);
                bump(self, before + 1);
                self.expect(WithKw);
                self.quantifier();
                self.sum();
                self.close(node);
            }
            BeforeKw | AfterKw if is == 1 || not == 0 => {
                let node = self.wrap(mark, CompareExpr);
                bump(self, before + 1);
                self.sum();
                self.close(node);
            }
            SyntaxKind::Eq if before == 0 => {
                let range = self.range_of(self.position);
                let suggestion = "is";
                self.error(SyntaxErrorKind::ForeignOperator { suggestion }, range);
                let node = self.wrap(mark, CompareExpr);
                self.bump();
                self.sum();
                self.close(node);
            }
            EqEq | BangEq | Less | LessEq | Greater | GreaterEq if before == 0 => {
                let node = self.wrap(mark, CompareExpr);
                self.bump();
                self.sum();
                self.close(node);
            }
            ChangedKw if before == 0 && self.is_path(mark) => {
                let node = self.wrap(mark, ChangedExpr);
                self.bump();
                self.change();
                self.history();
                self.close(node);
            }
            _ if is == 1 => {
                let node = self.wrap(mark, CompareExpr);
                bump(self, before);
                self.sum();
                self.close(node);
            }
            _ => return false,
        }
        true
    }

    /// Whether the `within` there looks at the value before it: `within last 30d`, `within weekdays`.
    fn nth_within_compares(&self, n: usize) -> bool {
        let next = self.nth(n + 1);
        matches!(next, LastKw | NextKw | Time) || next.is_day()
    }

    /// Whether a path and nothing else has been built since the mark.
    fn is_path(&self, mark: Mark) -> bool {
        self.nodes.len() == mark.node + 1 && self.nodes.get(mark.node).is_some_and(|node| node.kind == Path)
    }

    pub(super) fn within_target(&mut self) {
        if matches!(self.current(), LastKw | NextKw) {
            self.bump();
            self.expect_literal(Duration);
        } else if self.at(Time) || self.current().is_day() {
            self.window();
        } else {
            self.expected(&[Expected::Within]);
        }
    }

    /// `any of`, `all of`, `none of`
    pub(super) fn quantifier(&mut self) {
        if matches!(self.current(), AnyKw | AllKw | NoneKw) && self.nth(1) == OfKw {
            self.bump();
            self.bump();
        }
    }

    /// `from free to pro`, both optional.
    pub(super) fn change(&mut self) {
        if self.at(FromKw) && self.nth(1) != NowKw {
            self.from_clause();
        }
        if self.at(ToKw) {
            self.to_clause();
        }
    }
}
