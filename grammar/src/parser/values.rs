//! Values: arithmetic, literals, names, functions and what history adds up to.

use super::Parser;
use crate::error::Expected;
use crate::kind::SyntaxKind::*;

impl Parser<'_> {
    /// `sum`
    pub(super) fn sum(&mut self) {
        let mark = self.mark();
        self.product();
        if matches!(self.current(), Plus | Minus) {
            let node = self.wrap(mark, SumExpr);
            while matches!(self.current(), Plus | Minus) {
                self.bump();
                self.product();
            }
            self.close(node);
        }
    }

    fn product(&mut self) {
        let mark = self.mark();
        self.unary();
        if matches!(self.current(), Star | Slash) {
            let node = self.wrap(mark, ProductExpr);
            while matches!(self.current(), Star | Slash) {
                self.bump();
                self.unary();
            }
            self.close(node);
        }
    }

    fn unary(&mut self) {
        if !self.at(Minus) {
            self.primary();
            return;
        }
        let node = self.open(NegExpr);
        self.bump();
        self.nested(Self::unary);
        self.close(node);
    }

    fn primary(&mut self) {
        let next = self.nth(1);
        match self.current() {
            LParen => self.paren_expr(),
            LBracket => self.list_expr(),
            Duration if next == AgoKw => {
                let node = self.open(AgoExpr);
                self.bump();
                self.bump();
                self.close(node);
            }
            Number if self.number_and_unit() => {
                self.eat(AgoKw);
            }
            Number | Percent | Duration | Time | Date | String | BadNumber | BadString => {
                self.literal();
            }
            FirstKw | LastKw if next.is_handle() => self.occurrence_expr(),
            CountKw | SumKw | AverageKw | MinKw | MaxKw if next == OfKw && self.nth_is_path(2) => {
                self.aggregate_expr();
            }
            word if word.is_name() && next == OfKw && !matches!(word, AnyKw | AllKw | NoneKw) => {
                let node = self.open(FunctionExpr);
                self.leaf(Name);
                self.bump();
                self.nested(Self::unary);
                self.close(node);
            }
            _ if self.at_path() => {
                self.path();
            }
            _ => self.expected(&[Expected::Expression]),
        }
    }

    /// A literal; whether one is here.
    pub(super) fn literal(&mut self) -> bool {
        match self.current() {
            Number if self.at_currency(1) => {
                let node = self.open(MoneyLiteral);
                self.bump();
                self.bump();
                self.close(node);
            }
            Date if self.nth(1) == Time => {
                let node = self.open(DateTimeLiteral);
                self.bump();
                self.bump();
                self.close(node);
            }
            Number | Percent | Duration | Time | Date | String | BadNumber | BadString => {
                self.leaf(Literal);
            }
            _ => return false,
        }
        true
    }

    /// Whether the nth token is a currency: three capitals.
    fn at_currency(&self, n: usize) -> bool {
        if self.nth(n) != Ident {
            return false;
        }
        let text = self.text_of(self.position + n);
        text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
    }

    fn paren_expr(&mut self) {
        let node = self.open(ParenExpr);
        let opened = self.position;
        self.bump();
        self.expr();
        self.close_bracket(RParen, LParen, opened);
        self.close(node);
    }

    pub(super) fn list_expr(&mut self) {
        let node = self.open(ListExpr);
        let opened = self.position;
        if self.expect(LBracket) {
            while !matches!(self.current(), RBracket | RBrace | Eof) {
                let before = self.position;
                self.expr();
                if self.eat(Comma) {
                    continue;
                }
                // A forgotten comma: the next element follows.
                let element = self.current().is_name() || self.current().is_literal();
                if self.position == before || !element {
                    break;
                }
                self.expected(&[Expected::Token(Comma), Expected::Token(RBracket)]);
            }
            self.close_bracket(RBracket, LBracket, opened);
        }
        self.close(node);
    }

    fn occurrence_expr(&mut self) {
        let node = self.open(OccurrenceExpr);
        self.bump();
        self.path();
        if self.at(AtKw) && !matches!(self.nth(1), Time | LeastKw | MostKw) {
            self.bump();
        }
        self.where_clause();
        self.span_of_history();
        self.close(node);
    }

    fn aggregate_expr(&mut self) {
        let node = self.open(AggregateExpr);
        self.bump();
        self.bump();
        if self.at(DistinctKw) && self.nth(1).is_handle() {
            self.bump();
        }
        self.path();
        self.where_clause();
        self.span_of_history();
        self.close(node);
    }

    /// Since when, without how often.
    fn span_of_history(&mut self) {
        loop {
            match self.current() {
                WithinKw => {
                    if !self.within_clause() {
                        return;
                    }
                }
                SinceKw => self.since_clause(),
                _ => return,
            }
        }
    }

    /// What a default or an arm can hold: a literal, a negative number or a name; a default also a list of them.
    pub(super) fn constant(&mut self) {
        match self.current() {
            Minus => {
                let node = self.open(NegExpr);
                self.bump();
                if !self.literal() {
                    self.expected(&[Expected::Constant]);
                }
                self.close(node);
            }
            _ if self.literal() => {}
            LBracket => self.list_expr(),
            word if word.is_name() || self.reserved_for_name() => {
                self.named_constant();
            }
            _ => self.expected(&[Expected::Constant]),
        }
    }

    /// A path whose first word is no reserved one, whatever follows: commas may come and go behind a default.
    fn named_constant(&mut self) {
        if self.current().is_verb() {
            self.reserved_word(Expected::Constant);
        }
        self.path_from_here();
    }

    /// `{ field: value, .. }`
    pub(super) fn record_literal(&mut self) {
        let node = self.open(RecordLiteral);
        let opened = self.position;
        if self.expect(LBrace) {
            while !matches!(self.current(), RBrace | Eof) && !self.at_strict_item() {
                let before = self.position;
                self.field_value();
                if self.eat(Comma) || self.at(RBrace) {
                    continue;
                }
                self.expected(&[Expected::Token(Comma), Expected::Token(RBrace)]);
                // A forgotten comma: the next field follows.
                if self.position > before && self.current().is_word() && self.nth(1) == Colon {
                    continue;
                }
                if self.at_step_again() {
                    break;
                }
                self.skip_until(|parser| parser.at(Comma) || parser.at_step_again());
                if !self.eat(Comma) {
                    break;
                }
            }
            self.close_bracket(RBrace, LBrace, opened);
        }
        self.close(node);
    }

    fn field_value(&mut self) {
        if !self.current().is_word() {
            self.expected(&[Expected::FieldName]);
            return;
        }
        let node = self.open(FieldValue);
        self.bump();
        if self.expect(Colon) {
            self.expr();
        }
        self.close(node);
    }
}
