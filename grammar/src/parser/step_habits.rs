//! Steps in the words of other tools: what was meant is certain, so they are read as that.

use super::{Parser, compares};
use crate::error::Habit;
use crate::kind::SyntaxKind::{self, *};

/// What a journey sends by.
const CHANNELS: [&str; 5] = ["email", "sms", "push", "whatsapp", "webhook"];

impl Parser<'_> {
    /// A step that begins in other words; whether one was here. It is read to its end.
    pub(super) fn step_of_others(&mut self) -> bool {
        let next = self.nth(1);
        match self.current() {
            TagKw if next == Ident => self.tag_step("add tag", AddTagStep, 1),
            UntagKw if next == Ident => self.tag_step("remove tag", RemoveTagStep, 1),
            ExitKw if !matches!(next, WhenKw | OnKw | AfterKw) => self.end_of_others(),
            AtKw if next == Time => {
                self.habit(Habit::OtherWords, 1, Some("wait until"));
                let node = self.open(WaitUntilStep);
                self.bump();
                self.wait_until();
                self.close(node);
            }
            Ident if (next == Ident || next == String) && self.at_bare_channel() => {
                self.habit(Habit::Missing, 0, Some("send"));
                let node = self.open(SendStep);
                self.send();
                self.close(node);
            }
            Ident if next == SyntaxKind::Eq => {
                let instead = format!("set {} to", self.text_of(self.position));
                let node = self.other_words(2, &instead);
                self.expr();
                self.close(node);
            }
            Ident => return self.word_of_others(next),
            _ => return false,
        }
        true
    }

    fn word_of_others(&mut self, next: SyntaxKind) -> bool {
        let (instead, verb) = match self.text_of(self.position) {
            "delay" | "sleep" | "pause" if matches!(next, Duration | Number) => ("wait", WaitKw),
            "switch" | "match" | "case" if next.is_name() => ("choose", ChooseKw),
            "track" | "fire" | "emit" if next == Ident => ("record", RecordKw),
            "var" | "define" if next == Ident => ("let", LetKw),
            "unless" => ("if not", IfKw),
            "goto" if next == Ident => ("start journey", StartKw),
            "return" | "quit" | "finish" => {
                self.end_of_others();
                return true;
            }
            "give" if next == VoucherKw => {
                self.needless(Habit::Needless, 1);
                self.step(VoucherKw);
                return true;
            }
            _ => return false,
        };
        self.habit(Habit::OtherWords, 1, Some(instead));
        if verb == StartKw {
            let node = self.open(StartStep);
            self.bump();
            self.name();
            self.close(node);
        } else {
            self.step(verb);
        }
        true
    }

    /// Whether a channel begins a step: behind a word in its line, that is the one that is wrong, as in `snd email story`.
    fn at_bare_channel(&self) -> bool {
        let follows = self.position.checked_sub(1).is_some_and(|previous| self.kind_of(previous) == Some(Ident));
        CHANNELS.contains(&self.text_of(self.position)) && !(follows && self.on_same_line())
    }

    /// `exit`, `exit journey`, `return`
    pub(super) fn end_of_others(&mut self) {
        let words = 1 + usize::from(self.nth(1) == JourneyKw);
        self.habit(Habit::OtherWords, words, Some("end"));
        let node = self.open(EndStep);
        (0..words).for_each(|_| self.bump());
        self.close(node);
    }

    /// `tag vip`, `set tag vip`
    pub(super) fn tag_step(&mut self, instead: &str, kind: SyntaxKind, words: usize) {
        self.habit(Habit::OtherWords, words, Some(instead));
        let node = self.open(kind);
        (0..words).for_each(|_| self.bump());
        self.name();
        self.close(node);
    }

    /// `set plan = pro`, `set plan pro`, behind the name.
    pub(super) fn set_to(&mut self) {
        if self.at(SyntaxKind::Eq) {
            self.habit(Habit::OtherWords, 1, Some("to"));
            self.take(1);
        } else {
            self.expect_word(ToKw);
        }
    }

    /// `let level to 3`, behind the name.
    pub(super) fn equals_of_others(&mut self) {
        if self.at(ToKw) {
            self.habit(Habit::OtherWords, 1, Some("="));
            self.take(1);
        } else {
            self.expect(SyntaxKind::Eq);
        }
    }

    /// A word before a name or a value; only what stands in its place is told if neither follows.
    pub(super) fn expect_word(&mut self, kind: SyntaxKind) {
        if !self.missing_word(kind, kind.text().unwrap_or_default()) {
            self.expect(kind);
        }
    }

    /// `repeat up to 3 { .. }`; whether it is here.
    pub(super) fn missing_times(&mut self) -> bool {
        let missing = self.at(LBrace) && self.on_same_line();
        if missing {
            self.habit(Habit::Missing, 0, Some("times"));
        }
        missing
    }

    /// Says that a word is missing before the next one, if that stands in the line and could follow it.
    pub(super) fn missing_word(&mut self, kind: SyntaxKind, word: &str) -> bool {
        let follows = self.current().is_name() || self.current().is_literal();
        let missing = !self.at(kind) && follows && self.on_same_line();
        if missing {
            self.habit(Habit::Missing, 0, Some(word));
        }
        missing
    }

    /// `stop`, `stop journey`, which end nothing else; whether it is here.
    pub(super) fn stop_of_others(&mut self) -> bool {
        let words = 1 + usize::from(self.nth(1) == JourneyKw);
        let ends = matches!(self.nth(words), RBrace | Eof) || self.nth(words).is_verb();
        if ends {
            self.end_of_others();
        }
        ends
    }

    /// `end journey`
    pub(super) fn end_what(&mut self) {
        if self.at(JourneyKw) && self.on_same_line() {
            self.needless(Habit::Needless, 1);
        }
    }

    /// `add vip`, `remove vip`; whether it is here.
    pub(super) fn tag_without_word(&mut self, kind: SyntaxKind, list: SyntaxKind) -> bool {
        let next = self.nth(2);
        if self.nth(1) != Ident || next == list || next == OfKw || compares(next) {
            return false;
        }
        let node = self.open(kind);
        self.bump();
        self.habit(Habit::Missing, 0, Some("tag"));
        self.name();
        self.close(node);
        true
    }

    /// `add tags vip, lead`, `add tag "vip"`, behind the verb.
    pub(super) fn tags_of_others(&mut self, verb: &str) {
        if self.at(TagsKw) {
            self.habit(Habit::OtherWords, 1, Some("tag"));
        }
        self.bump();
        let quoted = self.text_of(self.position).trim_matches('"');
        let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if self.at(String) && quoted.starts_with(|first: char| first.is_ascii_alphabetic()) && is_name(quoted) {
            self.habit(Habit::OtherWords, 1, Some(quoted));
            self.take(1);
        } else {
            self.name();
        }
        while matches!(self.current(), Comma | AndKw) && self.nth(1) == Ident {
            self.habit(Habit::OtherWords, 1, Some(&format!("{verb} tag")));
            self.take(2);
        }
    }

    /// `elseif plan is pro ..`, `elif ..`
    pub(super) fn else_if(&mut self) {
        if self.nth_is_word(0, &["elseif", "elif", "elsif"]) {
            self.habit(Habit::OtherWords, 1, Some("else if"));
            let branch = self.open(ElseBranch);
            self.step(IfKw);
            self.close(branch);
        }
    }

    /// `send email a, b`, `send email a at 09:00`, behind the message.
    pub(super) fn send_of_others(&mut self, channel: &str) {
        while matches!(self.current(), Comma | AndKw) && self.nth(1) == Ident {
            self.habit(Habit::OtherWords, 1, Some(&format!("send {channel}")));
            self.take(2);
        }
        let when = match self.current() {
            AtKw => self.nth(1) == Time,
            // The next arm of a race begins so, too.
            AfterKw if self.open.contains(&RaceStep) => false,
            AfterKw | InKw => matches!(self.nth(1), Duration | Number),
            _ => false,
        };
        if when {
            self.habit(Habit::SendWhen, 2, None);
            let unit = self.nth(1) == Number && self.nth_is_unit(2);
            self.take(if unit { 3 } else { 2 });
        }
    }

    /// The short form of the unit there, such as `d` for `days`.
    fn nth_unit(&self, n: usize) -> Option<&'static str> {
        let word = match self.nth(n) {
            Ident | DayKw | DaysKw | MinKw | HoursKw => self.text_of(self.position + n),
            _ => return None,
        };
        let between =
            self.range_of(self.position + n - 1).end as usize..self.range_of(self.position + n).start as usize;
        if self.source.get(between).is_none_or(|gap| gap.contains('\n')) {
            return None;
        }
        Some(match word {
            "s" | "sec" | "secs" | "second" | "seconds" => "s",
            "min" | "mins" | "minute" | "minutes" => "m",
            "h" | "hr" | "hrs" | "hour" | "hours" => "h",
            "d" | "day" | "days" => "d",
            "w" | "week" | "weeks" => "w",
            "mo" | "month" | "months" => "mo",
            "y" | "year" | "years" => "y",
            _ => return None,
        })
    }

    pub(super) fn nth_is_unit(&self, n: usize) -> bool {
        self.nth_unit(n).is_some()
    }

    /// `2 days`; whether it is here.
    pub(super) fn number_and_unit(&mut self) -> bool {
        let Some(unit) = (self.at(Number)).then(|| self.nth_unit(1)).flatten() else { return false };
        let number = self.text_of(self.position);
        let whole = number.bytes().all(|byte| byte.is_ascii_digit());
        let instead = format!("{number}{unit}");
        self.habit(Habit::OtherWords, 2, whole.then_some(instead.as_str()));
        self.take(2);
        true
    }

    /// `wait 3d before renewal`, behind `wait` or `wait until`; whether it is here.
    pub(super) fn distance_of_wait(&mut self, until: bool) -> bool {
        if !(self.at(Duration) && matches!(self.nth(1), BeforeKw | AfterKw) && self.nth_is_path(2)) {
            return false;
        }
        let (path, end) = self.nth_path(2);
        let sign = if self.nth(1) == BeforeKw { '-' } else { '+' };
        let until = if until { "" } else { "until " };
        let instead = format!("{until}{path} {sign} {}", self.text_of(self.position));
        self.habit(Habit::OtherWords, end, Some(&instead));
        self.take(end);
        true
    }

    /// `next monday`, `tomorrow 09:00`, behind `wait until`; whether the moment is read.
    pub(super) fn day_of_others(&mut self) -> bool {
        if self.at(NextKw) && self.nth(1).is_day() {
            self.needless(Habit::Needless, 1);
            return false;
        }
        let found = self.nth_is_word(0, &["tomorrow"]) && self.nth(1) == Time;
        if found {
            self.habit(Habit::OtherWords, 1, Some("today + 1d at"));
            self.take(2);
        }
        found
    }

    /// `wait for purchase or cancelled`
    pub(super) fn several_events(&mut self) {
        while self.at(OrKw) {
            self.habit(Habit::SeveralEvents, 1, None);
            let node = self.open(Error);
            self.bump();
            self.pattern();
            self.close(node);
        }
    }

    /// `a 50% { .. }`, `50% { .. }`; whether the side is read up to its steps.
    pub(super) fn side_of_others(&mut self) -> bool {
        if self.at2(Ident, Percent) {
            let instead = format!("{} {}", self.text_of(self.position + 1), self.text_of(self.position));
            self.habit(Habit::OtherWords, 2, Some(&instead));
            self.take(2);
        } else if self.at2(Percent, LBrace) {
            self.habit(Habit::SideName, 1, None);
            self.take(1);
        } else {
            return false;
        }
        true
    }

    /// `split { .. }`, `split 50% { .. }`; whether one without a name is here, and then whether its sides are read.
    pub(super) fn split_without_name(&mut self) -> bool {
        if !self.at(LBrace) && !self.at2(Percent, LBrace) {
            self.name();
            return false;
        }
        self.habit(Habit::SplitName, 0, None);
        let sides = self.at(Percent);
        while self.at2(Percent, LBrace) {
            self.take(1);
            self.block();
        }
        sides
    }

    /// `when free { .. }`, `case free { .. }`, in a `choose`.
    pub(super) fn case_word(&mut self) {
        let word = self.at(WhenKw) || self.nth_is_word(0, &["case"]);
        if word && (self.nth(1) == Ident || self.nth(1).is_literal()) {
            self.needless(Habit::Needless, 1);
        }
    }
}
