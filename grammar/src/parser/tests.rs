//! `test` blocks: what is given, what happens when, what is expected.

use super::{Parser, compares};
use crate::error::Expected;
use crate::kind::SyntaxKind::{self, *};

impl Parser<'_> {
    /// `test`
    pub(super) fn test(&mut self) {
        let node = self.open(Test);
        self.bump();
        self.expect_literal(String);
        self.in_test = true;
        self.braces(Self::test_step);
        self.in_test = false;
        self.close(node);
    }

    fn test_step(&mut self) {
        if self.at(GivenKw) {
            self.given();
            return;
        }
        let mark = self.mark();
        match self.current() {
            AtKw => {
                let moment = self.open(AtMoment);
                self.bump();
                self.date_or_time();
                self.close(moment);
            }
            AfterKw => {
                let moment = self.open(AfterMoment);
                self.bump();
                self.expect_literal(Duration);
                self.close(moment);
            }
            _ => {}
        }
        if self.at(ExpectKw) {
            let node = self.wrap(mark, Expect);
            self.bump();
            self.expectation();
            self.for_contact();
            self.close(node);
        } else if self.at_stimulus() {
            let node = self.wrap(mark, TestEvent);
            self.stimulus();
            self.for_contact();
            self.close(node);
        } else {
            let moment = self.position > mark.position;
            if moment {
                self.expected(&[Expected::TestStep]);
            } else {
                self.unexpected(&[Expected::TestStep]);
            }
            let node = moment.then(|| self.wrap(mark, TestEvent));
            self.skip_until(|parser| matches!(parser.current(), GivenKw | AtKw | AfterKw | ExpectKw));
            if let Some(node) = node {
                self.close(node);
            }
        }
    }

    fn date_or_time(&mut self) {
        if self.at(Date) {
            self.bump();
            if self.at(Time) {
                self.bump();
            }
        } else if self.at_literal(Time) {
            self.bump();
        } else {
            self.expected(&[Expected::Token(Date), Expected::Token(Time)]);
        }
    }

    fn for_contact(&mut self) {
        if self.at(ForKw) {
            let node = self.open(ForClause);
            self.bump();
            self.name();
            self.close(node);
        }
    }

    fn given(&mut self) {
        match self.nth(1) {
            ContactKw => {
                let node = self.open(GivenContact);
                self.bump();
                self.bump();
                self.handle();
                if self.at(LBrace) {
                    self.record_literal();
                }
                while self.at_given_fact() {
                    self.eat(AndKw);
                    self.question();
                }
                self.close(node);
            }
            CallKw => {
                let node = self.open(GivenCall);
                self.bump();
                self.bump();
                self.path();
                if self.eat(ReturnsKw) {
                    self.record_literal();
                } else if !self.eat(FailsKw) {
                    self.expected(&[Expected::OneOf(&[ReturnsKw, FailsKw])]);
                }
                self.close(node);
            }
            _ => {
                let error = self.open(Error);
                self.bump();
                self.close(error);
                self.expected(&[Expected::GivenFact]);
            }
        }
    }

    /// `consents to offers`, `has tag vip`, `in sales.prospect`, perhaps behind an `and`.
    fn at_given_fact(&self) -> bool {
        let skip = usize::from(self.at(AndKw));
        let next = self.nth(skip + 1);
        match self.nth(skip) {
            ConsentsKw => next == ToKw,
            HasKw => next == TagKw,
            InKw => true,
            _ => false,
        }
    }

    fn at_stimulus(&self) -> bool {
        let word = self.current();
        word.is_status()
            || matches!(
                word,
                TagKw
                    | UntagKw
                    | SubscribedKw
                    | UnsubscribedKw
                    | MessageKw
                    | CreatedKw
                    | EventKw
                    | SetKw
                    | MoveKw
                    | AnswerKw
                    | StartKw
                    | DeleteKw
            )
    }

    fn stimulus(&mut self) {
        match self.current() {
            EventKw => self.part(EventStimulus, |parser| {
                parser.name();
                if parser.at(LBrace) {
                    parser.record_literal();
                }
            }),
            SetKw => self.part(AttributeChange, |parser| {
                if parser.path() {
                    parser.expect(ToKw);
                    parser.sum();
                }
            }),
            MoveKw => self.move_step(),
            AnswerKw => self.part(AnswerStimulus, |parser| {
                parser.name();
            }),
            StartKw => self.start_step(),
            DeleteKw => self.delete_step(),
            _ => self.pattern(),
        }
    }

    fn part(&mut self, kind: SyntaxKind, rest: impl FnOnce(&mut Self)) {
        let node = self.open(kind);
        self.bump();
        rest(self);
        self.close(node);
    }

    fn expectation(&mut self) {
        let no = self.eat(NoKw);
        match self.current() {
            SendKw => self.part(ExpectSend, |parser| {
                if parser.handle() {
                    if parser.at_literal(String) {
                        parser.bump();
                    } else {
                        parser.handle();
                    }
                }
            }),
            EndKw => self.part(ExpectEnd, Self::because_clause),
            SkippedKw => self.part(ExpectSkipped, |parser| {
                parser.handle();
                parser.because_clause();
            }),
            WaitKw => self.part(ExpectWait, |parser| {
                if parser.eat(UntilKw) {
                    parser.date_or_time();
                }
            }),
            SuppressKw if !compares(self.nth(1)) => self.part(ExpectEffect, |_| {}),
            TagKw | UntagKw | StageKw | PathKw | NotifyKw | CallKw | RecordKw | VoucherKw | AskKw | SubscribeKw
            | UnsubscribeKw | StartKw | GoalKw
                if !compares(self.nth(1)) =>
            {
                self.part(ExpectEffect, |parser| {
                    parser.path();
                });
            }
            _ if no => self.expected(&[Expected::Expectation]),
            NotKw => self.not_expr(),
            _ if self.question() => {}
            word if self.at_path() || word.is_literal() || matches!(word, LParen | LBracket | Minus) => {
                let mark = self.mark();
                self.sum();
                if !self.comparison_tail(mark) {
                    self.expected(&[Expected::Token(IsKw)]);
                }
            }
            _ => self.expected(&[Expected::Expectation]),
        }
    }

    fn because_clause(&mut self) {
        if self.at(BecauseKw) {
            let node = self.open(BecauseClause);
            self.bump();
            self.name();
            self.close(node);
        }
    }
}
