//! A journey's header, and the small clauses that steps share.

use super::Parser;
use crate::error::Expected;
use crate::kind::SyntaxKind::{self, *};

#[expect(clippy::wrong_self_convention, reason = "named after the rules that they read")]
impl Parser<'_> {
    /// `clause`: one line of a header. `word` is its first word, which may be misspelt in the source.
    pub(super) fn clause(&mut self, word: SyntaxKind) {
        match word {
            OnKw => {
                self.clause_of(TriggerClause, Self::trigger);
                while self.another_trigger() {
                    self.clause_of(TriggerClause, Self::trigger);
                }
            }
            WhereKw => self.clause_of(WhereClause, Self::expr),
            PerKw => self.clause_of(PerClause, |parser| {
                parser.path();
            }),
            ReenterKw => self.clause_of(ReenterClause, Self::reenter),
            CollectKw => self.clause_of(CollectClause, Self::collect),
            ExitKw => self.clause_of(ExitClause, Self::exit),
            GoalKw => self.clause_of(GoalClause, |parser| {
                parser.pattern();
                if !parser.within_clause() {
                    parser.within_habit();
                }
            }),
            TopicKw => self.clause_of(TopicClause, Self::only_name),
            PurposeKw => self.clause_of(PurposeClause, Self::only_name),
            HoursKw => self.clause_of(HoursClause, Self::window),
            PriorityKw => self.clause_of(PriorityClause, Self::only_name),
            HoldoutKw => self.clause_of(HoldoutClause, |parser| {
                parser.expect_literal(Percent);
            }),
            MigrateKw => self.clause_of(MigrateClause, |parser| {
                parser.name();
                parser.expect(ToKw);
                if !parser.eat(EndKw) {
                    parser.name();
                }
            }),
            _ => self.expected(&[Expected::Clause]),
        }
    }

    fn clause_of(&mut self, kind: SyntaxKind, rest: impl FnOnce(&mut Self)) {
        let node = self.open(kind);
        self.bump();
        rest(self);
        self.close(node);
    }

    fn only_name(&mut self) {
        self.name();
    }

    fn reenter(&mut self) {
        match self.current() {
            NeverKw | AlwaysKw | RestartKw => self.bump(),
            AfterKw => {
                self.bump();
                self.expect_literal(Duration);
            }
            _ => self.expected(&[Expected::OneOf(&[NeverKw, AlwaysKw, RestartKw, AfterKw])]),
        }
    }

    fn collect(&mut self) {
        match self.current() {
            ForKw => {
                self.bump();
                self.expect_literal(Duration);
            }
            UntilKw => {
                self.bump();
                if self.current().is_day() {
                    self.day_set();
                    if self.at(Time) {
                        self.bump();
                    }
                } else {
                    self.expect_literal(Time);
                }
            }
            _ => self.expected(&[Expected::OneOf(&[ForKw, UntilKw])]),
        }
        if self.at(PerKw) {
            self.clause(PerKw);
        }
        if self.at(AtKw) {
            let node = self.open(LimitClause);
            self.bump();
            self.expect(MostKw);
            self.expect_literal(Number);
            self.close(node);
        }
        self.as_clause();
    }

    fn exit(&mut self) {
        match self.current() {
            WhenKw => {
                self.bump();
                self.exit_item();
                while self.eat(OrKw) {
                    self.exit_item();
                }
                if self.at(LBrace) {
                    self.block();
                }
            }
            OnKw => {
                self.bump();
                self.expect(GoalKw);
            }
            AfterKw => {
                self.bump();
                self.expect_literal(Duration);
            }
            _ => self.expected(&[Expected::OneOf(&[WhenKw, OnKw, AfterKw])]),
        }
    }

    fn exit_item(&mut self) {
        if self.at_pattern_only() {
            self.pattern();
        } else {
            self.nested(Self::and_expr);
        }
    }

    // Small clauses; each does nothing where its word does not stand.

    pub(super) fn as_clause(&mut self) {
        if self.at(AsKw) {
            let node = self.open(AsClause);
            self.bump();
            if !self.handle() {
                self.no_handle();
            }
            self.close(node);
        }
    }

    pub(super) fn from_clause(&mut self) {
        self.clause_of(FromClause, Self::sum);
    }

    pub(super) fn to_clause(&mut self) {
        self.clause_of(ToClause, Self::sum);
    }

    /// `with subject "Hello"`
    pub(super) fn with_clause(&mut self) {
        self.clause_of(WithClause, |parser| {
            if parser.name() {
                parser.sum();
            }
        });
    }

    pub(super) fn via_clause(&mut self) {
        if self.at(ViaKw) {
            self.clause_of(ViaClause, Self::only_name);
        }
    }

    pub(super) fn at_clause(&mut self) {
        if self.at(AtKw) {
            let node = self.open(AtClause);
            self.bump();
            self.expect_literal(Time);
            self.close(node);
        }
    }

    pub(super) fn up_to_clause(&mut self) {
        if self.at(UpKw) {
            let node = self.open(UpToClause);
            self.bump();
            self.expect(ToKw);
            self.expect_literal(Duration);
            self.window_clause();
            self.close(node);
        }
    }

    /// `within weekdays 09:00 to 17:00`
    pub(super) fn window_clause(&mut self) {
        if self.at(WithinKw) {
            self.clause_of(WindowClause, Self::window);
        }
    }

    pub(super) fn from_now(&mut self) {
        if self.at(FromKw) {
            let node = self.open(FromNow);
            self.bump();
            self.expect(NowKw);
            self.close(node);
        }
    }

    pub(super) fn run_for_clause(&mut self) {
        if self.at(ForKw) {
            let node = self.open(RunForClause);
            self.bump();
            self.expect(AtKw);
            self.expect(LeastKw);
            self.expect_literal(Duration);
            self.close(node);
        }
    }

    /// `weekdays 09:00 to 17:00`, `22:00 to 06:00`, `saturday, sunday`
    pub(super) fn window(&mut self) {
        let node = self.open(Window);
        let days = self.current().is_day();
        if days {
            self.day_set();
        }
        if self.at_literal(Time) {
            self.bump();
            self.expect(ToKw);
            self.expect_literal(Time);
        } else if !days {
            self.expected(&[Expected::Window]);
        }
        self.close(node);
    }

    /// `monday to friday, sunday`
    pub(super) fn day_set(&mut self) {
        let node = self.open(DaySet);
        loop {
            self.bump();
            if self.at(ToKw) && self.nth(1).is_day() {
                self.bump();
                self.bump();
            }
            if !(self.at(Comma) && self.nth(1).is_day()) {
                break;
            }
            self.bump();
        }
        self.close(node);
    }
}
