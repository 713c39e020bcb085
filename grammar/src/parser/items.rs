//! The file: declarations, journeys, tests, or one sentence without a block.

use super::Parser;
use crate::error::{Expected, SyntaxErrorKind};
use crate::kind::SyntaxKind::{self, *};

/// What the file has shown so far.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    /// Declarations and tests only.
    Undecided,
    /// Journeys in blocks.
    Blocks,
    /// A bare sentence; only tests may follow.
    Sentence,
}

impl Parser<'_> {
    /// `file`
    pub(super) fn file(&mut self) {
        let file = self.open(File);
        let mut shape = Shape::Undecided;
        while !self.at(Eof) {
            let before = self.position;
            let word = self.current();
            if self.at_item(shape) {
                self.item(word, &mut shape);
            } else if word.is_verb() || word.begins_clause() {
                self.sentence(&mut shape);
            } else if matches!(word, RBrace | RParen | RBracket) {
                let range = self.range_of(self.position);
                self.error(SyntaxErrorKind::UnopenedBracket { bracket: word }, range);
                self.skip_one();
            } else {
                let words = SyntaxKind::item_words().chain(SyntaxKind::verbs()).chain(SyntaxKind::clause_words());
                match self.misspelt(words) {
                    Some(meant) if meant.begins_item() && meant != VoucherKw && meant != TopicKw => {
                        self.item(meant, &mut shape);
                    }
                    Some(_) => self.sentence(&mut shape),
                    None => {
                        self.unexpected(&[Expected::Item, Expected::Clause, Expected::Step]);
                        self.skip_until(|parser| {
                            let word = parser.current();
                            word.is_verb() || word.begins_clause() || word.begins_item()
                        });
                    }
                }
            }
            if self.position == before {
                self.skip_one();
            }
        }
        self.close_file(file);
    }

    /// The file's node spans everything, trivia at both ends included, and stays when empty.
    fn close_file(&mut self, file: super::Marker) {
        let token_end = self.tokens.kinds.len() as u32;
        let subtree_end = self.nodes.len() as u32;
        if let Some(node) = self.nodes.get_mut(file.node) {
            node.first_token = 0;
            node.token_end = token_end;
            node.subtree_end = subtree_end;
        }
    }

    /// Whether an item begins here. `topic` and `voucher` begin one with a name and a text;
    /// a topic whose text was forgotten is told by what surrounds it.
    fn at_item(&self, shape: Shape) -> bool {
        match self.current() {
            TopicKw if shape == Shape::Blocks => true,
            TopicKw if self.nth(1).is_name() && self.nth(2).begins_item() => {
                !matches!(self.nth(2), TopicKw | VoucherKw | TestKw)
            }
            TopicKw | VoucherKw => self.at_strict_item(),
            word => word.begins_item(),
        }
    }

    fn sentence(&mut self, shape: &mut Shape) {
        if *shape == Shape::Undecided {
            *shape = Shape::Sentence;
        } else {
            let range = self.range_of(self.position);
            self.error(SyntaxErrorKind::OutsideJourney, range);
        }
        let node = self.open(BareJourney);
        self.journey_body(|parser| {
            matches!(parser.current(), Eof | RBrace | RParen | RBracket)
                || parser.at_item(Shape::Sentence) && !parser.current().begins_clause()
                || parser.at_strict_item()
        });
        self.close(node);
    }

    fn item(&mut self, word: SyntaxKind, shape: &mut Shape) {
        match (word, *shape) {
            (TestKw, _) | (_, Shape::Blocks) => {}
            (JourneyKw, Shape::Undecided) => *shape = Shape::Blocks,
            (_, Shape::Undecided) => {}
            (_, Shape::Sentence) => {
                let range = self.range_of(self.position);
                let word = word.text().unwrap_or_default();
                self.error(SyntaxErrorKind::ItemAfterSentence { word }, range);
            }
        }
        match word {
            JourneyKw | TestKw if *shape != Shape::Sentence && self.item_again() => {}
            JourneyKw => self.journey(),
            TestKw => self.test(),
            ContactKw => self.declaration(ContactDecl, |parser| {
                parser.field_list();
            }),
            TagsKw => self.declaration(TagsDecl, |parser| parser.braces(Self::listed_name)),
            EventKw => self.declaration(EventDecl, |parser| {
                parser.name();
                if parser.at(LBrace) {
                    parser.field_list();
                }
            }),
            TopicKw => self.declaration(TopicDecl, |parser| {
                parser.name();
                parser.expect_literal(String);
            }),
            FunnelKw => self.declaration(FunnelDecl, Self::funnel),
            SegmentKw => self.declaration(SegmentDecl, |parser| {
                parser.name();
                parser.expect(Eq);
                parser.expr();
            }),
            ScoreKw => self.declaration(ScoreDecl, |parser| {
                parser.name();
                parser.braces(Self::score_rule);
            }),
            VoucherKw => self.declaration(VoucherDecl, Self::voucher),
            PolicyKw => {
                self.declaration(PolicyDecl, |parser| parser.braces(Self::policy_rule));
            }
            _ => self.expected(&[Expected::Item]),
        }
    }

    fn declaration(&mut self, kind: SyntaxKind, rest: impl FnOnce(&mut Self)) {
        let node = self.open(kind);
        self.bump();
        rest(self);
        self.close(node);
    }

    fn journey(&mut self) {
        let node = self.open(Journey);
        self.bump();
        self.name();
        let opened = self.position;
        if self.expect(LBrace) {
            self.journey_body(|parser| matches!(parser.current(), Eof | RBrace) || parser.at_strict_item());
            self.close_bracket(RBrace, LBrace, opened);
        }
        self.close(node);
    }

    /// A name in a list without separators, or with commas.
    fn listed_name(&mut self) {
        if !self.name() {
            self.skip_until(|parser| parser.current().is_name());
        }
        self.eat(Comma);
    }

    /// `field_list`
    pub(super) fn field_list(&mut self) {
        let node = self.open(FieldList);
        self.braces_until(Self::at_next_item, Self::field);
        self.close(node);
    }

    /// Whether a declaration begins here rather than a field of that name.
    fn at_next_item(&self) -> bool {
        self.current().begins_item() && self.nth(1) != Colon && !self.on_same_line()
    }

    fn field(&mut self) {
        if !self.current().is_word() {
            self.expected(&[Expected::FieldName]);
            self.skip_until(|parser| parser.current().is_word() && parser.nth(1) == Colon);
            return;
        }
        let node = self.open(Field);
        self.bump();
        if self.expect(Colon) {
            self.nested(Self::type_ref);
            if self.eat(SyntaxKind::Eq) {
                self.constant();
            }
        }
        self.close(node);
        self.eat(Comma);
    }

    fn type_ref(&mut self) {
        let node = self.open(TypeRef);
        match self.current() {
            EnumKw if self.nth(1) == LBrace => {
                let inner = self.open(EnumType);
                self.bump();
                self.braces(Self::listed_name);
                self.close(inner);
            }
            ListKw if self.nth(1) == OfKw => {
                let inner = self.open(ListType);
                self.bump();
                self.bump();
                self.nested(Self::type_ref);
                self.close(inner);
            }
            word if word.is_name() => self.leaf(Name),
            _ => self.expected(&[Expected::Type]),
        }
        self.eat(Question);
        self.close(node);
    }

    fn funnel(&mut self) {
        self.name();
        let opened = self.position;
        if !self.expect(LBrace) {
            return;
        }
        self.stage_group();
        while self.eat(Arrow) {
            self.stage_group();
        }
        if !matches!(self.current(), RBrace | Eof) && !self.at_strict_item() {
            self.expected(&[Expected::Token(Arrow), Expected::Token(Pipe), Expected::Token(RBrace)]);
            self.skip_until(|_| false);
        }
        self.close_bracket(RBrace, LBrace, opened);
    }

    fn stage_group(&mut self) {
        let node = self.open(StageGroup);
        self.name();
        while self.eat(Pipe) {
            self.name();
        }
        self.close(node);
    }

    fn score_rule(&mut self) {
        if self.at2(HalvesKw, EveryKw) {
            let node = self.open(ScoreDecay);
            self.bump();
            self.bump();
            self.expect_literal(Duration);
            self.close(node);
        } else {
            let node = self.open(ScoreRule);
            self.pattern();
            self.eat(Colon);
            if matches!(self.current(), Plus | Minus) {
                self.bump();
                self.expect_literal(Number);
            } else {
                self.expected(&[Expected::OneOf(&[Plus, Minus])]);
            }
            self.close(node);
        }
        self.eat(Comma);
    }

    fn voucher(&mut self) {
        self.name();
        self.expect_literal(String);
        match self.current() {
            FromKw => {
                self.bump();
                self.expect(FileKw);
                self.expect_literal(String);
            }
            GenerateKw => {
                self.bump();
                self.expect_literal(String);
            }
            _ => self.expected(&[Expected::OneOf(&[FromKw, GenerateKw])]),
        }
    }

    fn policy_rule(&mut self) {
        match self.current() {
            SenderKw => self.declaration(SenderRule, |parser| {
                parser.handle();
                parser.expect_literal(String);
            }),
            AddressKw => self.declaration(AddressRule, |parser| {
                parser.expect_literal(String);
            }),
            QuietKw => self.declaration(QuietHoursRule, |parser| {
                parser.expect(HoursKw);
                parser.handle();
                parser.window();
            }),
            CapKw => self.declaration(CapRule, Self::messages_per),
            RateKw => self.declaration(RateRule, Self::messages_per),
            _ => {
                self.unexpected(&[Expected::PolicyRule]);
                self.skip_until(|parser| matches!(parser.current(), SenderKw | AddressKw | QuietKw | CapKw | RateKw));
            }
        }
    }

    /// `sms 3 messages per 7d`
    fn messages_per(&mut self) {
        self.handle();
        self.expect_literal(Number);
        self.eat(MessagesKw);
        self.expect(PerKw);
        self.expect_literal(Duration);
    }
}
