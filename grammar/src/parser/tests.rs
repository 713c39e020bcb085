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
        if self.contact_in_test() {
            self.given_contact(1);
            return;
        }
        let mark = self.mark();
        match self.current() {
            WaitKw if self.wait_in_test() => {}
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
        } else if self.nth_is_stimulus(0) {
            let node = self.wrap(mark, TestEvent);
            self.stimulus();
            self.for_contact();
            self.close(node);
        } else if self.event_in_test() {
            let node = self.wrap(mark, TestEvent);
            let event = self.open(EventStimulus);
            self.event_and_fields();
            self.close(event);
            self.for_contact();
            self.close(node);
        } else {
            let moment = self.position > mark.position;
            if !self.step_in_test() {
                if moment {
                    self.expected(&[Expected::TestStep]);
                } else {
                    self.unexpected(&[Expected::TestStep]);
                }
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
            ContactKw => self.given_contact(2),
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

    /// `given contact`, behind its first words.
    fn given_contact(&mut self, words: usize) {
        let node = self.open(GivenContact);
        (0..words).for_each(|_| self.bump());
        self.handle();
        if self.at(LBrace) {
            self.record_literal();
        }
        loop {
            if self.at_given_fact() {
                self.eat(AndKw);
                self.question();
            } else if !self.with_tag() {
                break;
            }
        }
        self.close(node);
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

    pub(super) fn nth_is_stimulus(&self, n: usize) -> bool {
        let word = self.nth(n);
        word.is_line_alone()
            || matches!(word, TagKw | UntagKw | EventKw | SetKw | MoveKw | AnswerKw | StartKw | DeleteKw)
    }

    fn stimulus(&mut self) {
        match self.current() {
            EventKw => self.part(EventStimulus, Self::event_and_fields),
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

    fn event_and_fields(&mut self) {
        self.name();
        if self.at(LBrace) {
            self.record_literal();
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
                        parser.expected_message();
                    }
                }
            }),
            EndKw => self.part(ExpectEnd, Self::because_clause),
            SkippedKw => self.part(ExpectSkipped, |parser| {
                parser.expected_message();
                parser.because_clause();
            }),
            WaitKw => self.part(ExpectWait, |parser| {
                if parser.eat(UntilKw) {
                    parser.date_or_time();
                }
            }),
            SuppressKw if !self.compared_alone() => self.part(ExpectEffect, |_| {}),
            UnsubscribeKw if !self.compared_alone() => self.part(ExpectEffect, |parser| {
                parser.before_topic(FromKw);
                if parser.current().is_handle() {
                    parser.path();
                }
                parser.via_clause();
            }),
            TagKw | UntagKw | StageKw | PathKw | NotifyKw | CallKw | RecordKw | VoucherKw | AskKw | SubscribeKw
            | StartKw | GoalKw
                if !compares(self.nth(1)) && self.nth(1) != NotKw =>
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

    /// Whether a comparison makes a name of this word, which could be all of its line: `after 2d` begins the next one.
    fn compared_alone(&self) -> bool {
        let next = self.nth(1);
        compares(next) && !(next == AfterKw && self.nth(2) == Duration)
    }

    /// `expected_message`: a name, unless its word begins what comes next.
    fn expected_message(&mut self) {
        let word = self.current();
        let alone = word.is_line_alone();
        let begins = alone
            || matches!(word, TagKw | UntagKw | EventKw | AnswerKw)
            || matches!(word, GivenKw | ExpectKw | AtKw | AfterKw | ForKw | BecauseKw);
        let last = matches!(self.nth(1), RBrace | GivenKw | ExpectKw | AtKw | AfterKw | ForKw | BecauseKw);
        if word.is_name() && (!begins || !alone && last) && !self.at_strict_item() {
            self.name();
        } else if self.reserved_for_name() {
            self.reserved_word(Expected::Message);
            self.leaf(Name);
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
