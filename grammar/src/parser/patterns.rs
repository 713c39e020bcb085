//! Happenings: what starts a run, ends a wait or counts towards a goal.

use super::{Parser, compares};
use crate::error::Expected;
use crate::kind::SyntaxKind::{self, *};

impl Parser<'_> {
    /// `pattern`: something that happens to a contact.
    pub(super) fn pattern(&mut self) {
        if !self.word_pattern() {
            self.event_or_change();
        }
    }

    /// A pattern that begins with a word of its own.
    fn word_pattern(&mut self) -> bool {
        match self.current() {
            word if word.is_status() => {
                let node = self.open(StatusPattern);
                self.bump();
                self.message_reference();
                self.link_clause();
                self.close(node);
            }
            TagKw | UntagKw => self.word_then(TagPattern, Self::name),
            EntersKw | LeavesKw => self.word_then(SegmentPattern, Self::path),
            ReachesKw => self.word_then(StagePattern, Self::path),
            CreatedKw => self.leaf(CreatedPattern),
            SubscribedKw | UnsubscribedKw => {
                let node = self.open(ConsentPattern);
                self.bump();
                self.handle();
                self.via_clause();
                self.close(node);
            }
            MessageKw => {
                let node = self.open(MessagePattern);
                self.bump();
                if self.at_literal(String) {
                    self.bump();
                }
                self.via_clause();
                self.where_clause();
                self.close(node);
            }
            _ => return false,
        }
        true
    }

    fn word_then(&mut self, kind: SyntaxKind, rest: fn(&mut Self) -> bool) {
        let node = self.open(kind);
        self.bump();
        rest(self);
        self.close(node);
    }

    /// `purchase where amount > 5`, `plan changes to pro`
    fn event_or_change(&mut self) {
        self.needless_event();
        if self.state() {
            return;
        }
        match self.after_path() {
            Some(ChangesKw) => {
                let node = self.open(ChangePattern);
                self.path();
                self.bump();
                self.change();
                self.close(node);
            }
            _ if self.current().is_name() || self.reserved_for_name() => {
                let node = self.open(EventPattern);
                self.name();
                self.where_clause();
                self.close(node);
            }
            _ => self.expected(&[Expected::EventPattern]),
        }
    }

    /// What follows the dotted name that begins here.
    pub(super) fn after_path(&self) -> Option<SyntaxKind> {
        if !self.at_path() {
            return None;
        }
        let mut next = 1;
        while self.nth(next) == Dot && self.nth(next + 1).is_word() {
            next += 2;
        }
        Some(self.nth(next))
    }

    /// Whether a pattern begins here where a condition could stand as well; a bare status or name is left to the condition.
    pub(super) fn at_pattern_only(&self) -> bool {
        let next = self.nth(1);
        match self.current() {
            TagKw | UntagKw | EntersKw | LeavesKw | ReachesKw => next.is_name(),
            CreatedKw | SubscribedKw | UnsubscribedKw | MessageKw => !compares(next),
            word if word.is_status() => false,
            // Said where the pattern is read.
            EventKw if next == Ident => true,
            word => self.after_path() == Some(ChangesKw) || word.is_name() && next == WhereKw,
        }
    }

    /// `trigger`: a pattern, or one of the four that only start runs.
    pub(super) fn trigger(&mut self) {
        match self.current() {
            CallKw => {
                let node = self.open(CallTrigger);
                self.bump();
                if self.at(LBrace) {
                    self.field_list();
                }
                self.close(node);
            }
            EveryKw => self.schedule_trigger(),
            Duration => {
                let node = self.open(DateTrigger);
                self.bump();
                self.before_or_after();
                self.path();
                self.at_clause();
                self.close(node);
            }
            _ if self.word_pattern() => {}
            _ if self.date_and_distance() => {}
            _ if self.after_path() == Some(AtKw) => {
                let node = self.open(AnniversaryTrigger);
                self.path();
                self.at_clause();
                self.close(node);
            }
            _ if self.at_path() || self.reserved_for_name() => self.event_or_change(),
            _ => self.expected(&[Expected::Trigger]),
        }
    }

    fn schedule_trigger(&mut self) {
        let node = self.open(ScheduleTrigger);
        self.bump();
        match self.current() {
            word if word.is_day() => self.day_set(),
            DayKw | Duration | BadNumber => self.bump(),
            _ => self.expected(&[Expected::Day, Expected::Token(Duration)]),
        }
        if self.at(FromKw) {
            self.bump();
            self.expect_literal(Date);
        }
        self.at_clause();
        if self.at(ForKw) {
            let segment = self.open(ForClause);
            self.bump();
            self.name();
            self.close(segment);
        }
        self.close(node);
    }

    pub(super) fn before_or_after(&mut self) {
        if matches!(self.current(), BeforeKw | AfterKw) {
            self.bump();
        } else {
            self.expected(&[Expected::OneOf(&[BeforeKw, AfterKw])]);
        }
    }
}
