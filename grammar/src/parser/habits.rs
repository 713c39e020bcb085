//! Habits of other languages, and of the other half of this one: what was meant is certain, so it is read as that.

use super::Parser;
use crate::error::{Habit, SyntaxErrorKind};
use crate::kind::SyntaxKind::{self, *};
use crate::suggest;
use crate::text::TextRange;

impl Parser<'_> {
    /// Reports the next `tokens`, none of them where something is missing before the next one.
    pub(super) fn habit(&mut self, habit: Habit, tokens: usize, instead: Option<&str>) {
        let first = self.range_of(self.position);
        let range = match tokens.checked_sub(1) {
            Some(more) => TextRange::new(first.start, self.range_of(self.position + more).end),
            None => TextRange::at(first.start),
        };
        let instead = instead.map(str::to_owned);
        self.error(SyntaxErrorKind::Habit { habit, instead }, range);
    }

    /// Takes tokens that were reported.
    pub(super) fn take(&mut self, tokens: usize) {
        let error = self.open(Error);
        (0..tokens).for_each(|_| self.bump());
        self.close(error);
    }

    /// `then send`, `, send`, `: {`: the step follows without it.
    pub(super) fn then(&mut self) {
        if matches!(self.current(), ThenKw | AndKw | Comma | Colon | Arrow)
            && (self.nth(1).is_verb() || self.nth(1) == LBrace)
        {
            self.habit(Habit::Then, 1, Some(""));
            self.take(1);
        }
    }

    /// `while opened { .. }`, `for 3 times { .. }`; whether one is here.
    pub(super) fn loop_of_others(&mut self) -> bool {
        let found = self.at(Ident) && self.text_of(self.position) == "while" || self.at2(ForKw, Number);
        if found {
            self.habit(Habit::Loop, 1, None);
        }
        found
    }

    /// `pro -> send ..`, `pro => send ..`, `pro: send ..`; whether one is here.
    pub(super) fn arrow(&mut self) -> bool {
        let tokens = match (self.current(), self.nth(1)) {
            (Arrow | Colon, _) => 1,
            (SyntaxKind::Eq, Greater) => 2,
            _ => return false,
        };
        let instead = (self.nth(tokens) == LBrace).then_some("");
        self.habit(Habit::Arrow, tokens, instead);
        self.take(tokens);
        true
    }

    /// `on event purchase`: the event's name is enough. No event `event` is followed by a name.
    pub(super) fn needless_event(&mut self) {
        if self.at2(EventKw, Ident) {
            self.habit(Habit::EventWord, 1, Some(""));
            self.take(1);
        }
    }

    /// `tag vip` where a condition stands: no attribute `tag` is followed by a name.
    pub(super) fn at_bare_tag(&self) -> bool {
        self.at2(TagKw, Ident)
    }

    /// `tag vip` for `has tag vip`.
    pub(super) fn bare_tag(&mut self) {
        self.habit(Habit::BareTag, 0, Some("has"));
        let node = self.open(HasTagExpr);
        self.bump();
        self.name();
        self.close(node);
    }

    /// `unsubscribe from news`, `subscribe to news`.
    pub(super) fn before_topic(&mut self, word: SyntaxKind) {
        if self.at2(word, Ident) && self.on_same_line() {
            self.habit(Habit::BeforeTopic, 1, Some(""));
            self.take(1);
        }
    }

    /// `on tag a or tag b`, `on purchase, visited`: whether another trigger follows, as in a line of its own.
    pub(super) fn another_trigger(&mut self) -> bool {
        if !matches!(self.current(), OrKw | Comma) {
            return false;
        }
        // Behind a tag, a mere name could be one as well.
        let tag = self.nodes.last().is_some_and(|node| node.kind == Name)
            && self.nodes.iter().rev().nth(1).is_some_and(|node| node.kind == TagPattern);
        let instead = if tag && self.nth(1) == Ident { None } else { Some("on") };
        self.habit(Habit::SecondTrigger, 1, instead);
        true
    }

    /// `plan is pro` where something that happens should stand; whether it is here.
    pub(super) fn state(&mut self) -> bool {
        let Some(word @ (IsKw | EqEq | BangEq | Less | LessEq | Greater | GreaterEq | SyntaxKind::Eq)) =
            self.after_path()
        else {
            return false;
        };
        let mark = self.mark();
        self.path();
        let value = self.nth(1);
        if matches!(word, IsKw | EqEq | SyntaxKind::Eq) && !matches!(value, NotKw | SetKw | EmptyKw) {
            self.habit(Habit::State, 1, Some("changes to"));
            let node = self.wrap(mark, ChangePattern);
            self.to_clause();
            self.close(node);
        } else {
            self.habit(Habit::State, 1, None);
            let node = self.wrap(mark, Error);
            let mark = self.mark();
            self.comparison_tail(mark);
            self.close(node);
        }
        true
    }

    /// The dotted name that begins there, and what stands behind it.
    pub(super) fn nth_path(&self, n: usize) -> (&str, usize) {
        let mut end = n + 1;
        while self.nth(end) == Dot {
            end += 2;
        }
        let range = TextRange::new(self.range_of(self.position + n).start, self.range_of(self.position + end - 1).end);
        (self.source.get(range.to_usize()).unwrap_or_default(), end)
    }

    /// `renewal - 3d` for `3d before renewal`; whether it is here.
    pub(super) fn date_and_distance(&mut self) -> bool {
        let Some(sign @ (Minus | Plus)) = self.after_path() else { return false };
        let (path, at) = self.nth_path(0);
        if self.nth(at + 1) != Duration {
            return false;
        }
        let word = if sign == Minus { "before" } else { "after" };
        let instead = format!("{} {word} {path}", self.text_of(self.position + at + 1));
        self.habit(Habit::Distance, at + 2, Some(&instead));
        let node = self.open(DateTrigger);
        self.path();
        self.bump();
        self.bump();
        self.at_clause();
        self.close(node);
        true
    }

    /// `wait for purchase 3d`, `.. within 3d`, `.. for 3d`: how long the wait takes at most.
    pub(super) fn up_to_habit(&mut self) {
        // A point of a countdown begins with a duration, too.
        if self.at(Duration) && !matches!(self.nth(1), BeforeKw | AfterKw) && self.on_same_line() {
            self.habit(Habit::UpTo, 0, Some("up to"));
        } else if self.at2(WithinKw, Duration) || self.at2(ForKw, Duration) {
            self.habit(Habit::UpTo, 1, Some("up to"));
        } else {
            return;
        }
        let node = self.open(UpToClause);
        if !self.at(Duration) {
            self.bump();
        }
        self.bump();
        self.close(node);
    }

    /// `wait for 3d`, `wait for 3 days`; whether it is here.
    pub(super) fn wait_for_duration(&mut self) -> bool {
        let found = self.at2(ForKw, Duration) || self.at2(ForKw, Number) && self.nth_is_unit(2);
        if found {
            self.habit(Habit::WaitFor, 1, Some(""));
            self.take(1);
        }
        found
    }

    /// `goal purchase in 30d`, `.. up to 30d`, `.. 30d`
    pub(super) fn within_habit(&mut self) {
        let words = match self.current() {
            Duration if self.on_same_line() => 0,
            InKw | ForKw if self.nth(1) == Duration => 1,
            UpKw if self.nth(1) == ToKw && self.nth(2) == Duration => 2,
            _ => return,
        };
        self.habit(Habit::Within, words, Some("within"));
        let node = self.open(WithinClause);
        (0..=words).for_each(|_| self.bump());
        self.close(node);
    }

    // Tests.

    /// `wait 2d`, `wait until 09:00` as a line of a test; whether it is here.
    pub(super) fn wait_in_test(&mut self) -> bool {
        let (words, instead, moment) = match (self.nth(1), self.nth(2)) {
            (Duration, _) => (1, "after", AfterMoment),
            (UntilKw, Date | Time) => (2, "at", AtMoment),
            _ => return false,
        };
        let mut next = words + 1;
        while matches!(self.nth(next), Time) {
            next += 1;
        }
        let begins = self.nth(next) == ExpectKw || self.nth_is_stimulus(next);
        self.habit(Habit::WaitInTest, words, begins.then_some(instead));
        let node = self.open(moment);
        (0..next).for_each(|_| self.bump());
        self.close(node);
        if !begins {
            // That nothing follows the moment has the same cause.
            self.error_at = Some(self.position);
        }
        true
    }

    /// `purchase { .. }` as a line of a test; whether it is here.
    pub(super) fn event_in_test(&mut self) -> bool {
        let word = self.text_of(self.position);
        let lines = ["given", "expect", "after", "event", "answer", "message", "created", "move"];
        if !self.at(Ident) || suggest::nearest(word, lines).is_some() {
            return false;
        }
        let next = self.nth(1);
        let whole = matches!(next, LBrace | RBrace | ForKw | AtKw | AfterKw | ExpectKw | GivenKw | EventKw);
        if whole {
            self.habit(Habit::EventInTest, 0, Some("event"));
        }
        whole
    }

    /// A step as a line of a test; whether it is here.
    pub(super) fn step_in_test(&mut self) -> bool {
        let tag = self.nth(1) == TagKw;
        match self.current() {
            AddKw if tag => self.habit(Habit::StepInTest, 2, Some("tag")),
            RemoveKw if tag => self.habit(Habit::StepInTest, 2, Some("untag")),
            SendKw | EndKw | NotifyKw | CallKw | AskKw | RecordKw | VoucherKw | SubscribeKw | UnsubscribeKw
            | SuppressKw => self.habit(Habit::StepInTest, 0, Some("expect")),
            _ => return false,
        }
        true
    }

    /// `contact ada { .. }` as a line of a test; whether it is here.
    pub(super) fn contact_in_test(&mut self) -> bool {
        let found = self.at(ContactKw);
        if found {
            self.habit(Habit::ContactInTest, 0, Some("given"));
        }
        found
    }

    /// `given contact ada with tag vip`
    pub(super) fn with_tag(&mut self) -> bool {
        let skip = usize::from(self.at(AndKw));
        let found = self.nth(skip) == WithKw && self.nth(skip + 1) == TagKw;
        if found {
            self.eat(AndKw);
            self.habit(Habit::WithTag, 1, Some("has"));
            let node = self.open(HasTagExpr);
            self.bump();
            self.bump();
            self.name();
            self.close(node);
        }
        found
    }
}
