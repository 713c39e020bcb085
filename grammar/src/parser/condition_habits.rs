//! Conditions in the words of other tools: what was meant is certain, so they are read as that.

use super::{Mark, Marker, Parser};
use crate::error::Habit;
use crate::kind::SyntaxKind::{self, *};

impl Parser<'_> {
    /// Whether this word stands there.
    pub(super) fn nth_is_word(&self, n: usize, words: &[&str]) -> bool {
        self.nth(n) == Ident && words.contains(&self.text_of(self.position + n))
    }

    /// A question in other words, with which a condition begins; whether one is here.
    pub(super) fn question_of_others(&mut self) -> bool {
        let next = self.nth(1);
        match self.current() {
            IsKw if next == InKw => {
                self.needless(Habit::InSegment, 1);
                self.member_expr();
            }
            IsKw if next == SubscribedKw && self.nth(2) == ToKw => self.subscribed(3),
            SubscribedKw if next == ToKw => self.subscribed(2),
            SubscribedKw if next == Ident => self.subscribed(1),
            UnsubscribedKw if next == FromKw && self.nth(2) == Ident => self.not_subscribed(2),
            UnsubscribedKw if next == Ident => self.not_subscribed(1),
            HasKw if next == Ident => self.has_without_tag(),
            HasKw if matches!(next, TagsKw | AnyKw | AllKw | NoneKw) => self.has_tags(),
            SegmentKw if next == Ident => {
                let node = self.other_words(1, "in");
                self.bump();
                self.close(node);
            }
            ContactKw if next == Ident => {
                self.needless(Habit::ContactWord, 1);
                self.comparison();
            }
            NeverKw if next.is_status() => self.status_of_others(1, "not"),
            NoKw if next == Ident && matches!(self.nth(2), WithinKw | SinceKw | WhereKw) => {
                let node = self.other_words(1, "did not");
                self.bump();
                self.where_clause();
                self.history();
                self.close(node);
            }
            Ident if self.is_event_with_history() && !self.in_where_of_event() => {
                self.habit(Habit::Did, 0, Some("did"));
                self.did_expr();
            }
            Ident if next == ToKw && self.nth_is_word(0, &["consent", "consented"]) => self.subscribed(2),
            Ident if next == Percent && self.nth_is_word(0, &["random"]) => {
                let node = self.other_words(1, "chance");
                self.bump();
                self.close(node);
            }
            _ => return false,
        }
        true
    }

    /// `did opened story`, `did not open story`; whether it is here. No event is followed by a name.
    pub(super) fn did_status(&mut self) -> bool {
        let not = self.nth(1) == NotKw;
        let at = if not { 2 } else { 1 };
        if !matches!(self.nth(at + 1), Ident | AnyKw) {
            return false;
        }
        let word = self.nth(at);
        if word.is_status() {
            match not {
                true => self.status_of_others(2, "not"),
                false => {
                    self.needless(Habit::DidStatus, 1);
                    self.status_expr();
                }
            }
            return true;
        }
        let statuses = ["open", "click", "reply", "bounce", "fail", "send", "receive"];
        let said = ["opened", "clicked", "replied", "bounced", "failed", "sent", "delivered"];
        let text = self.text_of(self.position + at);
        let Some((_, said)) = statuses.iter().zip(said).find(|(status, _)| **status == text) else { return false };
        let said = if not { format!("not {said}") } else { said.to_owned() };
        let node = self.other_words(at + 1, &said);
        self.message_reference();
        self.history();
        self.close(node);
        true
    }

    /// Tells of words too many, and passes over them.
    pub(super) fn needless(&mut self, habit: Habit, tokens: usize) {
        self.habit(habit, tokens, Some(""));
        self.take(tokens);
    }

    /// Tells what the next words are written as, and passes over them in a node that is to be closed behind what follows.
    pub(super) fn other_words(&mut self, tokens: usize, instead: &str) -> Marker {
        self.habit(Habit::OtherWords, tokens, Some(instead));
        let node = self.open(Error);
        (0..tokens).for_each(|_| self.bump());
        node
    }

    /// `in segment big_spender`
    pub(super) fn needless_segment(&mut self) {
        if self.at2(SegmentKw, Ident) {
            self.needless(Habit::InSegment, 1);
        }
    }

    fn subscribed(&mut self, words: usize) {
        self.habit(Habit::OtherWords, words, Some("consents to"));
        let node = self.open(ConsentExpr);
        self.take(words);
        self.name();
        self.via_clause();
        self.close(node);
    }

    /// `unsubscribed from offers`
    fn not_subscribed(&mut self, words: usize) {
        let node = self.other_words(words, "not consents to");
        self.bump();
        self.via_clause();
        self.close(node);
    }

    /// `has tags [lead, vip]`, `has any tag [lead, vip]`
    fn has_tags(&mut self) {
        let words =
            (1..4).find(|n| !matches!(self.nth(*n), TagsKw | TagKw | AnyKw | AllKw | NoneKw | OfKw)).unwrap_or(4);
        self.habit(Habit::SeveralTags, words, None);
        let node = self.open(Error);
        (0..words).for_each(|_| self.bump());
        self.sum();
        self.close(node);
    }

    /// `has vip`
    fn has_without_tag(&mut self) {
        let node = self.open(HasTagExpr);
        self.bump();
        self.habit(Habit::Tag, 0, Some("tag"));
        self.name();
        self.close(node);
    }

    /// `never opened story`, `did not opened story`
    fn status_of_others(&mut self, words: usize, instead: &str) {
        let node = self.other_words(words, instead);
        self.status_expr();
        self.close(node);
    }

    /// `purchase within 30d`, `purchase at least 2 times`: no value is followed by these.
    fn is_event_with_history(&self) -> bool {
        match self.nth(1) {
            WithinKw => self.nth(2) == Duration,
            SinceKw => true,
            AtKw => matches!(self.nth(2), LeastKw | MostKw) && self.nth_is_count(3),
            _ => false,
        }
    }

    /// Whether how often may be said here of what is asked about outside.
    fn in_where_of_event(&self) -> bool {
        self.open
            .windows(2)
            .any(|kinds| matches!(kinds, [outer, WhereClause] if !matches!(outer, Journey | BareJourney)))
    }

    /// `3 times`
    fn nth_is_count(&self, n: usize) -> bool {
        self.nth(n) == Number && matches!(self.nth(n + 1), TimesKw | TimeKw | DaysKw | DayKw)
    }

    /// `opened email story`
    pub(super) fn channel_of_status(&mut self) {
        if self.nth(1) == Ident && self.nth_is_word(0, &["email", "sms", "push", "whatsapp"]) && self.on_same_line() {
            self.needless(Habit::ChannelOfStatus, 1);
        }
    }

    /// `did purchase 3 times`, `.. more than 3 times`, `.. once`; whether it is here.
    pub(super) fn how_often(&mut self) -> bool {
        let times = |kind: SyntaxKind| matches!(kind, TimesKw | TimeKw);
        let than = self.nth_is_word(1, &["than"]);
        let words = if self.at(Number) && times(self.nth(1)) {
            2
        } else if than && self.nth(2) == Number && times(self.nth(3)) {
            4
        } else if self.nth_is_word(0, &["once", "twice"]) && self.on_same_line() {
            1
        } else {
            return false;
        };
        self.habit(Habit::HowOften, words, None);
        self.take(words);
        true
    }

    /// What compares in other words, behind a value; whether it is here.
    pub(super) fn comparison_of_others(&mut self, mark: Mark, is: bool, not: bool) -> bool {
        let before = usize::from(is) + usize::from(not);
        let (habit, words, instead) = match self.compares_otherwise(is, not) {
            Some((words, instead)) => (Habit::OtherWords, before + words, Some(instead)),
            None if self.nth_is_word(before, &["like"]) && self.nth(before + 1) == String => {
                (Habit::Wildcards, before + 1, None)
            }
            None => match self.stretch(before) {
                Some(words) => (Habit::Stretch, before + words, None),
                None => return false,
            },
        };
        self.habit(habit, words, instead);
        let node = self.wrap(mark, Error);
        (0..words).for_each(|_| self.bump());
        match instead {
            Some("is within" | "is not within") => self.within_target(),
            Some("is set" | "is not set") => {}
            None if habit == Habit::Stretch => {}
            _ => {
                self.eat(WithKw);
                self.quantifier();
                self.sum();
            }
        }
        self.close(node);
        true
    }

    /// `next month`, `in this week`: how many words it has.
    fn stretch(&self, n: usize) -> Option<usize> {
        let at = n + usize::from(self.nth(n) == InKw);
        let which = matches!(self.nth(at), LastKw | NextKw) || self.nth_is_word(at, &["this"]);
        (at > 0 && which && self.nth_is_word(at + 1, &["week", "month", "quarter", "year"])).then_some(at + 2 - n)
    }

    /// How many words compare here, behind `is` and `not`, and what all of them are written as; nothing if that is not certain.
    fn compares_otherwise(&self, is: bool, not: bool) -> Option<(usize, &'static str)> {
        let before = usize::from(is) + usize::from(not);
        let next = self.nth(before + 1);
        let either = |yes: &'static str, no: &'static str| if not { no } else { yes };
        Some(match self.nth(before) {
            AtKw if matches!(next, LeastKw | MostKw) && !self.nth_is_count(before + 2) => {
                (2, if next == LeastKw { either(">=", "<") } else { either("<=", ">") })
            }
            InKw if matches!(next, LastKw | NextKw) && self.nth(before + 2) == Duration => {
                (1, either("is within", "is not within"))
            }
            OnKw if is && next == Date => (1, either("is", "is not")),
            Less if next == Greater && before == 0 => (2, "is not"),
            Ident => self.word_compares(before, is, not)?,
            _ => return None,
        })
    }

    /// The same, where it begins with a word that is none of the language.
    fn word_compares(&self, before: usize, is: bool, not: bool) -> Option<(usize, &'static str)> {
        let next = self.nth(before + 1);
        if is && !(matches!(next, Ident | OfKw | ToKw) || next.is_literal()) {
            return None;
        }
        let either = |yes: &'static str, no: &'static str| if not { no } else { yes };
        let than = self.nth_is_word(before + 1, &["than"]);
        let words = if than { 2 } else { 1 };
        // More than three days ago is before then.
        let ago = self.nth(before + words) == Duration && self.nth(before + words + 1) == AgoKw;
        let (more, less) =
            if ago { (either("<", ">="), either(">", "<=")) } else { (either(">", "<="), either("<", ">=")) };
        Some(match self.text_of(self.position + before) {
            "more" | "greater" | "higher" | "larger" | "bigger" if than => (words, more),
            "less" | "fewer" | "lower" | "smaller" if than => (words, less),
            "later" if than => (words, either(">", "<=")),
            "earlier" if than => (words, either("<", ">=")),
            "above" | "over" if next.is_literal() => (words, more),
            "below" | "under" if next.is_literal() => (words, less),
            "equals" if !is => (1, either("is", "is not")),
            "equal" if is && next == ToKw => (2, either("is", "is not")),
            "one" if next == OfKw && self.nth(before + 2) == LBracket => (2, either("in", "not in")),
            "exists" if before == 0 => (1, "is set"),
            "does" if before == 0 && next == NotKw => (3, self.negated_word(2)?),
            _ => return None,
        })
    }

    /// `contain` behind `does not`, and what both are written as.
    fn negated_word(&self, n: usize) -> Option<&'static str> {
        Some(match (self.nth(n), self.text_of(self.position + n)) {
            (StartKw, _) => "not starts",
            (EndKw, _) => "not ends",
            (Ident, "contain") => "not contains",
            (Ident, "match") => "not matches",
            (Ident, "exist") => "is not set",
            (Ident, "equal") => "is not",
            _ => return None,
        })
    }
}
