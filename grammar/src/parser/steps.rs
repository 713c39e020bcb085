//! Steps: what a journey does and waits for.

use super::Parser;
use crate::error::{Expected, SyntaxErrorKind};
use crate::kind::SyntaxKind::{self, *};
use crate::suggest;

impl Parser<'_> {
    /// The inside of a journey: header clauses, then steps.
    pub(super) fn journey_body(&mut self, at_end: fn(&Self) -> bool) {
        let mut first_step = None;
        while !at_end(self) {
            let before = self.position;
            self.then();
            let word = self.current();
            if word == ExitKw && first_step.is_some() && self.step_of_others() {
            } else if word.begins_clause() {
                if first_step.is_some() {
                    self.misplaced_clause(first_step);
                }
                self.clause(word);
            } else if word.is_verb() || word == LBrace {
                if !(word.is_verb() && self.position == before && self.steps_again()) {
                    self.step_or_error();
                }
                first_step.get_or_insert(before);
            } else if self.step_of_others() {
                first_step.get_or_insert(before);
            } else {
                let words = SyntaxKind::verbs().chain(SyntaxKind::clause_words());
                match self.misspelt(words) {
                    Some(meant) if meant.begins_clause() => self.clause(meant),
                    Some(meant) => {
                        self.nested(|parser| parser.step(meant));
                        first_step.get_or_insert(before);
                    }
                    None => {
                        let expected: &[Expected] = match first_step {
                            None => &[Expected::Clause, Expected::Step],
                            Some(_) => &[Expected::Step],
                        };
                        if !self.loop_of_others() {
                            self.unexpected(expected);
                        }
                        self.skip_until(|parser| {
                            let word = parser.current();
                            parser.at_step_again() || word.begins_clause() || word.begins_item()
                        });
                    }
                }
            }
            if self.position == before {
                self.skip_one();
            }
        }
    }

    /// `step` is where the first one begins, if this is a journey.
    fn misplaced_clause(&mut self, step: Option<usize>) {
        let word = self.current().text().unwrap_or_default();
        let step = step.map(|step| self.range_of(step));
        let range = self.range_of(self.position);
        self.error(SyntaxErrorKind::MisplacedClause { word, step }, range);
    }

    /// `block`
    pub(super) fn block(&mut self) {
        let node = self.open(Block);
        self.nested(|parser| parser.braces(Self::step_or_error));
        self.close(node);
    }

    /// A step, or what stands in its place.
    fn step_or_error(&mut self) {
        self.then();
        let word = self.current();
        if word.is_verb() {
            self.nested(|parser| parser.step(word));
            return;
        }
        if word == LBrace {
            self.unexpected(&[Expected::Step]);
            self.block();
            return;
        }
        if self.step_of_others() {
            return;
        }
        if word.begins_clause() {
            self.misplaced_clause(None);
            self.clause(word);
            return;
        }
        match self.misspelt(SyntaxKind::verbs()) {
            Some(meant) => self.nested(|parser| parser.step(meant)),
            None => {
                if !self.loop_of_others() {
                    self.unexpected(&[Expected::Step]);
                }
                self.skip_until(|parser| parser.at_step_again() || parser.at(LBrace));
            }
        }
    }

    /// `body`: one step or a block.
    pub(super) fn body(&mut self) {
        self.then();
        let word = self.current();
        if word == LBrace {
            self.block();
        } else if word.is_verb() {
            self.nested(|parser| parser.step(word));
        } else if self.step_of_others() {
        } else if let Some(meant) = self.misspelt(SyntaxKind::verbs()) {
            self.nested(|parser| parser.step(meant));
        } else {
            self.missing_body();
            if matches!(word, RBrace | Eof | ElseKw) || self.at_strict_item() {
                return;
            }
            let error = self.open(Error);
            self.bump();
            while !matches!(self.current(), LBrace | RBrace | Eof | ElseKw)
                && !self.at_step_again()
                && !self.at_strict_item()
            {
                self.bump();
            }
            self.close(error);
            if self.at(LBrace) || self.at_step_again() {
                self.nested(Self::body);
            }
        }
    }

    /// Says that a step is missing, or that the name just read was one misspelt: `if opened snd email x`.
    fn missing_body(&mut self) {
        if let Some(previous) = self.position.checked_sub(1)
            && self.kind_of(previous) == Some(Ident)
            && (self.current().is_name() || self.current().is_literal())
            && self.on_same_line()
            && let Some(suggestion) = suggest::nearest(self.text_of(previous), SyntaxKind::verbs())
        {
            let range = self.range_of(previous);
            self.error(SyntaxErrorKind::Misspelt { suggestion }, range);
            return;
        }
        self.expected(&[Expected::Step]);
    }

    /// `step`. `verb` is its first word, which may be misspelt in the source.
    pub(super) fn step(&mut self, verb: SyntaxKind) {
        match verb {
            SendKw => self.send_step(),
            WaitKw => self.wait(),
            CountdownKw => self.countdown_step(),
            IfKw => self.step_of(IfStep, |parser| {
                parser.expr();
                parser.body();
                parser.else_branch();
            }),
            ChooseKw => self.choose_step(),
            SplitKw => self.split_step(),
            RepeatKw => self.repeat_step(),
            AddKw => self.add_or_remove(AddTagStep, AddStep, ToKw),
            RemoveKw => self.add_or_remove(RemoveTagStep, RemoveStep, FromKw),
            SetKw if self.nth(1) == TagKw && self.nth(2) == Ident => self.tag_step("add tag", AddTagStep, 2),
            SetKw => self.step_of(SetStep, |parser| {
                if parser.path() {
                    parser.set_to();
                    parser.expr();
                }
            }),
            MoveKw => self.move_step(),
            RecordKw => self.step_of(RecordStep, |parser| {
                parser.name();
                if parser.at(LBrace) {
                    parser.record_literal();
                }
            }),
            SubscribeKw => self.step_of(SubscribeStep, |parser| {
                parser.before_topic(ToKw);
                parser.name();
                loop {
                    match parser.current() {
                        ViaKw => parser.via_clause(),
                        WithKw => parser.with_clause(),
                        _ => break,
                    }
                }
            }),
            UnsubscribeKw => self.step_of(UnsubscribeStep, |parser| {
                parser.before_topic(FromKw);
                parser.handle();
                parser.via_clause();
            }),
            SuppressKw => self.step_of(SuppressStep, |parser| {
                if parser.at_literal(String) {
                    parser.bump();
                }
            }),
            DeleteKw => self.delete_step(),
            NotifyKw => self.step_of(NotifyStep, |parser| {
                parser.path();
                parser.expect_literal(String);
                if parser.at_literal(String) {
                    parser.bump();
                }
            }),
            CallKw => self.step_of(CallStep, |parser| {
                parser.path();
                if parser.at(LBrace) {
                    parser.record_literal();
                }
                parser.as_clause();
                parser.up_to_clause();
                parser.else_branch();
            }),
            VoucherKw => self.step_of(VoucherStep, |parser| {
                parser.name();
                parser.as_clause();
                if parser.at(ExpiresKw) {
                    let node = parser.open(ExpiresClause);
                    parser.bump();
                    parser.sum();
                    parser.close(node);
                }
            }),
            LetKw => self.step_of(LetStep, |parser| {
                parser.name();
                parser.equals_of_others();
                parser.expr();
            }),
            AskKw => self.ask_step(),
            StartKw => self.start_step(),
            StopKw if self.stop_of_others() => {}
            StopKw => self.step_of(StopStep, |parser| {
                parser.expect_word(JourneyKw);
                parser.name();
            }),
            StepKw => self.step_of(StepLabel, |parser| {
                parser.name();
                parser.expect(Colon);
            }),
            EndKw => {
                self.leaf(EndStep);
                self.end_what();
            }
            _ => self.expected(&[Expected::Step]),
        }
    }

    fn step_of(&mut self, kind: SyntaxKind, rest: impl FnOnce(&mut Self)) {
        let node = self.open(kind);
        self.bump();
        rest(self);
        self.close(node);
    }

    pub(super) fn move_step(&mut self) {
        self.step_of(MoveStep, |parser| {
            parser.expect(ToKw);
            parser.path();
        });
    }

    pub(super) fn delete_step(&mut self) {
        self.step_of(DeleteStep, |parser| {
            parser.expect(ContactKw);
        });
    }

    pub(super) fn start_step(&mut self) {
        self.step_of(StartStep, |parser| {
            parser.expect_word(JourneyKw);
            parser.name();
            if parser.eat(WithKw) {
                parser.record_literal();
            }
        });
    }

    /// `else STEP`, if `else` stands here.
    fn else_branch(&mut self) {
        if self.at(ElseKw) {
            self.step_of(ElseBranch, Self::body);
        } else {
            self.else_if();
        }
    }

    fn send_step(&mut self) {
        self.step_of(SendStep, Self::send);
    }

    /// What follows `send`.
    pub(super) fn send(&mut self) {
        let channel = self.text_of(self.position);
        let channels = self.open(ChannelList);
        self.name();
        while self.eat(OrKw) {
            self.name();
        }
        self.close(channels);
        if self.at_literal(String) {
            self.bump();
        } else if self.current().is_name() || self.reserved_for_name() {
            self.name();
        } else {
            self.expected(&[Expected::Message]);
        }
        loop {
            match self.current() {
                AsKw => self.as_clause(),
                WithKw => self.with_clause(),
                FromKw => self.from_clause(),
                ToKw => self.to_clause(),
                _ => break,
            }
        }
        self.send_of_others(channel);
    }

    fn wait(&mut self) {
        let mark = self.mark();
        self.bump();
        match self.wait_word() {
            UntilKw => {
                let node = self.wrap(mark, WaitUntilStep);
                self.bump();
                self.wait_until();
                self.close(node);
            }
            ForKw if self.nth(1) == FirstKw && self.nth(2) == LBrace => {
                let node = self.wrap(mark, RaceStep);
                self.bump();
                self.bump();
                self.braces(Self::race_arm);
                self.close(node);
            }
            ForKw if !self.wait_for_duration() => {
                let node = self.wrap(mark, WaitForStep);
                self.bump();
                self.pattern();
                self.several_events();
                self.from_now();
                self.up_to_habit();
                self.up_to_clause();
                self.else_branch();
                self.close(node);
            }
            _ => {
                let node = self.wrap(mark, WaitStep);
                if self.distance_of_wait(false) {
                    self.at_clause();
                    self.close(node);
                    return;
                }
                self.sum();
                if self.eat(ToKw) {
                    self.sum();
                }
                self.window_clause();
                self.close(node);
            }
        }
    }

    /// The word behind `wait`, be it misspelt.
    fn wait_word(&mut self) -> SyntaxKind {
        let word = self.current();
        let next = self.nth(1);
        if word == Ident
            && (next.is_literal() || matches!(next, Ident) || next.is_status())
            && let Some(meant) = self.misspelt(["until", "for"].into_iter())
        {
            return meant;
        }
        word
    }

    pub(super) fn wait_until(&mut self) {
        if self.distance_of_wait(true) || self.day_of_others() {
            self.at_clause();
            self.up_to_clause();
            self.else_branch();
            return;
        }
        match self.current() {
            WithinKw => self.window_clause(),
            word if word.is_day() => {
                self.day_set();
                if self.at(Time) {
                    self.bump();
                } else {
                    self.at_clause();
                }
            }
            _ => {
                self.expr();
                self.at_clause();
            }
        }
        self.up_to_clause();
        self.else_branch();
    }

    fn race_arm(&mut self) {
        let timeout = self.at(AfterKw) && self.nth_is_literal(1, Duration);
        let node = self.open(if timeout { TimeoutArm } else { RaceArm });
        if timeout {
            self.bump();
            self.bump();
            self.window_clause();
        } else {
            self.pattern();
            self.from_now();
        }
        self.arm_block();
        self.close(node);
    }

    /// An arm's block; without it, the arm is skipped up to the next one.
    fn arm_block(&mut self) {
        let told = self.arrow();
        if self.at(LBrace) {
            self.block();
            return;
        }
        if !told {
            self.expected(&[Expected::Token(LBrace)]);
        }
        if self.current().is_verb() {
            self.body();
            return;
        }
        let error = self.open(Error);
        while !matches!(self.current(), LBrace | RBrace | Eof) && !self.current().is_verb() && !self.at_strict_item() {
            self.bump();
        }
        self.close(error);
        if self.at(LBrace) {
            self.block();
        }
    }

    fn countdown_step(&mut self) {
        self.step_of(CountdownStep, |parser| {
            parser.expect_word(ToKw);
            parser.sum();
            parser.braces(Self::countdown_point);
            parser.else_branch();
        });
    }

    fn countdown_point(&mut self) {
        let node = self.open(CountdownPoint);
        if self.at_literal(Duration) {
            self.bump();
            self.before_or_after();
        } else if self.eat(OnKw) {
            self.expect(TheKw);
            self.expect(DayKw);
        } else {
            self.close(node);
            self.expected(&[Expected::Token(Duration), Expected::Token(OnKw)]);
            self.skip_until(|parser| matches!(parser.current(), Duration | OnKw));
            return;
        }
        self.at_clause();
        self.body();
        self.close(node);
    }

    fn choose_step(&mut self) {
        self.step_of(ChooseStep, |parser| {
            parser.sum();
            parser.braces(|parser| {
                if parser.at(ElseKw) {
                    parser.last_else();
                    return;
                }
                let node = parser.open(ChooseArm);
                parser.case_word();
                parser.arm_value();
                while parser.eat(Comma) {
                    parser.arm_value();
                }
                parser.arm_block();
                parser.close(node);
            });
        });
    }

    fn arm_value(&mut self) {
        let mark = self.mark();
        self.constant();
        if self.at(ToKw) {
            let node = self.wrap(mark, ValueRange);
            self.bump();
            self.constant();
            self.close(node);
        }
    }

    /// The `else` of a list of arms, behind which none may follow.
    fn last_else(&mut self) {
        self.else_branch();
        if !matches!(self.current(), RBrace | Eof) {
            self.expected(&[Expected::Token(RBrace)]);
        }
    }

    fn split_step(&mut self) {
        self.step_of(SplitStep, |parser| {
            if parser.split_without_name() {
                return;
            }
            parser.braces(|parser| {
                let node = parser.open(SplitArm);
                if !parser.side_of_others() {
                    parser.expect_literal(Percent);
                    parser.name();
                }
                parser.arm_block();
                parser.close(node);
            });
            if parser.at(MeasureKw) {
                let node = parser.open(MeasureClause);
                parser.bump();
                parser.pattern();
                if !parser.within_clause() {
                    parser.within_habit();
                }
                parser.close(node);
            }
            parser.run_for_clause();
            if parser.at(ThenKw) && !parser.nth(1).is_verb() {
                let node = parser.open(BestClause);
                parser.bump();
                parser.expect(BestKw);
                parser.close(node);
            }
        });
    }

    fn repeat_step(&mut self) {
        self.step_of(RepeatStep, |parser| {
            if !(parser.at(Number) && parser.missing_word(UpKw, "up to")) {
                parser.expect(UpKw);
                parser.expect(ToKw);
            }
            parser.expect_literal(Number);
            if matches!(parser.current(), TimesKw | TimeKw) {
                parser.bump();
            } else if !parser.missing_times() {
                parser.expected(&[Expected::Token(TimesKw)]);
            }
            if parser.at(UntilKw) {
                let node = parser.open(UntilClause);
                parser.bump();
                parser.expr();
                parser.close(node);
            }
            parser.arm_block();
        });
    }

    fn add_or_remove(&mut self, tag: SyntaxKind, value: SyntaxKind, word: SyntaxKind) {
        let tags = self.nth(1) == TagsKw && matches!(self.nth(2), Ident | String);
        if self.nth(1) == TagKw || tags {
            let verb = if tag == AddTagStep { "add" } else { "remove" };
            self.step_of(tag, |parser| parser.tags_of_others(verb));
            return;
        }
        if self.tag_without_word(tag, word) {
            return;
        }
        self.step_of(value, |parser| {
            parser.sum();
            if parser.expect(word) {
                parser.path();
            }
        });
    }

    fn ask_step(&mut self) {
        self.step_of(AskStep, |parser| {
            parser.path();
            parser.expect_literal(String);
            parser.up_to_clause();
            parser.braces(|parser| {
                if parser.at(ElseKw) {
                    parser.last_else();
                    return;
                }
                let node = parser.open(AskArm);
                parser.name();
                parser.arm_block();
                parser.close(node);
            });
        });
    }
}
