//! A journey as a list of what it says, each thing with the decisions that lead to it and the time at which it comes.

use journey_grammar::SyntaxKind;
use journey_grammar::ast::{self, AnyJourney, AstNode, Body, Clause, Moment, Step};

use super::elapsed::{WEEK, seconds};
use super::{Elapsed, Line, Subject};
use crate::graph::words::{all, head, up_to_brace};

const DAY: u64 = 24 * 60 * 60;

/// A journey.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Outline {
    pub(super) name: String,
    /// The header, then the steps, in source order.
    pub(super) items: Vec<Item>,
    /// The most messages that one run sends.
    pub(super) most_messages: Sent,
    /// Its words, to find out of what it speaks.
    pub(super) words: Vec<String>,
}

/// A clause or step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Item {
    pub(super) subject: Subject,
    pub(super) kind: SyntaxKind,
    pub(super) line: Line,
}

impl Outline {
    pub(super) fn of(journey: AnyJourney<'_>, file: &str) -> Self {
        let mut walk = Walk { items: Vec::new(), path: Vec::new() };
        for clause in journey.clauses() {
            let subject = match clause {
                Clause::Trigger(_) | Clause::Where(_) | Clause::Per(_) | Clause::Reenter(_) | Clause::Collect(_) => {
                    Subject::Entry
                }
                Clause::Holdout(_) => Subject::Entry,
                Clause::Exit(_) => Subject::Exit,
                Clause::Goal(_) => Subject::Goal,
                Clause::Topic(_) | Clause::Purpose(_) => Subject::Consent,
                Clause::Hours(_) | Clause::Priority(_) => Subject::Timing,
                Clause::Migrate(_) => Subject::Action,
            };
            walk.push(subject, clause.syntax().kind(), all(clause.syntax()), None);
        }
        let sent = walk.steps(journey.steps(), At::START).sent;
        let words = journey.syntax().tokens().filter(|token| token.kind().is_word());
        Self {
            name: journey.name().map_or_else(|| file.to_owned(), |name| name.text().to_owned()),
            items: walk.items,
            most_messages: sent,
            words: words.map(|token| token.text().to_owned()).collect(),
        }
    }
}

/// Where a run may be.
#[derive(Clone, Copy)]
struct At {
    /// None behind the end.
    when: Option<Elapsed>,
    /// The most messages sent so far.
    sent: Sent,
}

/// How many weeks after entry are told apart; what comes later counts for the last.
const WEEKS: usize = 13;

/// The most messages of one run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Sent {
    /// Altogether.
    pub(super) all: u64,
    /// In each week after entry. One that may come in several counts in each of them.
    weeks: [u64; WEEKS],
}

impl Sent {
    /// The weeks up to the last in which there is one.
    pub(super) fn weeks(&self) -> Vec<u64> {
        let last = self.weeks.iter().rposition(|sent| *sent > 0);
        self.weeks.iter().take(last.map_or(0, |last| last + 1)).copied().collect()
    }

    /// So many more, at most so many of them in one week.
    fn plus(mut self, all: u64, weekly: u64, when: Elapsed) -> Self {
        let week = |seconds: u64| usize::try_from(seconds / WEEK).unwrap_or(WEEKS).min(WEEKS - 1);
        let (first, last) = (week(when.least), when.most.map_or(WEEKS - 1, week));
        self.all = self.all.saturating_add(all);
        for sent in self.weeks.iter_mut().take(last + 1).skip(first) {
            *sent = sent.saturating_add(weekly);
        }
        self
    }

    /// On the one way or the other.
    fn or(self, other: Self) -> Self {
        let mut weeks = self.weeks;
        weeks.iter_mut().zip(other.weeks).for_each(|(sent, other)| *sent = (*sent).max(other));
        Self { all: self.all.max(other.all), weeks }
    }
}

impl At {
    const START: Self = Self { when: Some(Elapsed::START), sent: Sent { all: 0, weeks: [0; WEEKS] } };

    fn plus(self, least: u64, most: Option<u64>) -> Self {
        Self { when: self.when.map(|when| when.plus(least, most)), ..self }
    }

    fn or(self, other: Self) -> Self {
        let when = match (self.when, other.when) {
            (Some(a), Some(b)) => Some(a.or(b)),
            (a, b) => a.or(b),
        };
        Self { when, sent: self.sent.or(other.sent) }
    }
}

struct Walk {
    items: Vec<Item>,
    /// The decisions that lead here.
    path: Vec<String>,
}

impl Walk {
    fn push(&mut self, subject: Subject, kind: SyntaxKind, text: String, when: Option<Elapsed>) {
        let line = Line { text, path: self.path.clone(), when };
        self.items.push(Item { subject, kind, line });
    }

    fn steps<'t>(&mut self, steps: impl Iterator<Item = Step<'t>>, mut at: At) -> At {
        for step in steps {
            at = self.step(step, at);
        }
        at
    }

    /// Steps on one of several ways.
    fn way(&mut self, label: String, body: Option<Body<'_>>, at: At) -> At {
        self.path.push(label);
        let at = self.steps(body.into_iter().flat_map(Body::steps), at);
        self.path.pop();
        at
    }

    fn step(&mut self, step: Step<'_>, at: At) -> At {
        let node = step.syntax();
        let say = |walk: &mut Self, subject, text| walk.push(subject, node.kind(), text, at.when);
        match step {
            Step::Send(_) => {
                say(self, Subject::Message, all(node));
                At { sent: at.when.map_or(at.sent, |when| at.sent.plus(1, 1, when)), ..at }
            }
            Step::Wait(wait) => {
                say(self, Subject::Timing, head(node));
                let length = |expr: Option<ast::Expr<'_>>| seconds(expr?.syntax().text().trim());
                match (length(wait.duration()), wait.longest()) {
                    // Time inside a window passes more slowly.
                    (Some(least), _) if wait.window().is_some() => at.plus(least, None),
                    (Some(least), None) => at.plus(least, Some(least)),
                    (Some(least), longest) => at.plus(least, length(longest)),
                    (None, _) => at.plus(0, None),
                }
            }
            Step::WaitUntil(wait) => {
                say(self, Subject::Timing, head(node));
                let limit = up_to(wait.up_to());
                let most = match wait.moment() {
                    Some(Moment::Window(_) | Moment::Days(..)) => Some(WEEK),
                    Some(Moment::Value(expr, None)) if is_time(expr) => Some(DAY),
                    _ => None,
                };
                let most = match (most, limit) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (a, b) => a.or(b),
                };
                self.otherwise(at.plus(0, most), wait.otherwise(), at.plus(0, limit))
            }
            Step::WaitFor(wait) => {
                say(self, Subject::Timing, head(node));
                let limit = up_to(wait.up_to());
                self.otherwise(at.plus(0, limit), wait.otherwise(), at.plus(limit.unwrap_or_default(), limit))
            }
            Step::Race(race) => self.race(race, at),
            Step::Countdown(countdown) => {
                let date = countdown.date().map_or_else(String::new, |date| all(date.syntax()));
                for point in countdown.points() {
                    say(self, Subject::Timing, format!("countdown to {date}: {}", head(point.syntax())));
                }
                let mut then = at.plus(0, None);
                for point in countdown.points() {
                    then = self.way(head(point.syntax()), point.body(), then).plus(0, None);
                }
                self.otherwise(then, countdown.otherwise(), at)
            }
            Step::If(choice) => {
                let question = choice.condition().map_or_else(String::new, |condition| all(condition.syntax()));
                say(self, Subject::Decision, format!("if {question}"));
                let then = self.way(format!("if {question}"), choice.then(), at);
                match choice.otherwise() {
                    None => then.or(at),
                    otherwise => then.or(self.way(format!("if not {question}"), otherwise, at)),
                }
            }
            Step::Choose(choose) => {
                let value = choose.value().map_or_else(String::new, |value| all(value.syntax()));
                say(self, Subject::Decision, format!("choose {value}"));
                let arms = choose.arms().map(|arm| (format!("{value} is {}", head(arm.syntax())), arm.block()));
                let arms: Vec<_> = arms.collect();
                // Without `else` no value may be missing; the checker sees to it.
                let rest = choose.otherwise().map(|otherwise| (format!("{value} is anything else"), otherwise));
                self.fork(arms, rest, at)
            }
            Step::Split(split) => {
                let name = split.name().map_or("", ast::Name::text);
                say(self, Subject::Decision, format!("split {name}"));
                let arms = split.arms().map(|arm| (format!("{name}: {}", head(arm.syntax())), arm.block())).collect();
                self.fork(arms, None, at)
            }
            Step::Repeat(repeat) => self.repeat(repeat, at),
            Step::Ask(ask) => {
                say(self, Subject::Action, up_to_brace(node));
                let then = at.plus(0, up_to(ask.up_to()));
                let arms = ask.arms().map(|arm| (format!("answer {}", head(arm.syntax())), arm.block())).collect();
                let rest = ask.otherwise().map(|otherwise| ("no answer".to_owned(), otherwise));
                self.fork(arms, rest, then)
            }
            Step::Call(call) => {
                say(self, Subject::Action, head(node));
                let then = at.plus(0, up_to(call.up_to()).or(Some(0)));
                self.otherwise(then, call.otherwise(), then)
            }
            Step::End(_) => {
                say(self, Subject::Exit, all(node));
                At { when: None, ..at }
            }
            Step::Subscribe(_) | Step::Unsubscribe(_) | Step::Suppress(_) | Step::Delete(_) => {
                say(self, Subject::Consent, all(node));
                at
            }
            _ => {
                say(self, Subject::Action, head(node));
                at
            }
        }
    }

    /// What a step does if what it waits for does not come.
    fn otherwise(&mut self, then: At, otherwise: Option<Body<'_>>, at: At) -> At {
        match otherwise {
            None => then,
            otherwise => then.or(self.way("else".to_owned(), otherwise, at)),
        }
    }

    fn fork(&mut self, arms: Vec<(String, Option<ast::Block<'_>>)>, rest: Option<(String, Body<'_>)>, at: At) -> At {
        let mut after: Option<At> = None;
        let arms = arms.into_iter().map(|(label, block)| (label, block.map(Body::Block)));
        for (label, body) in arms.chain(rest.map(|(label, body)| (label, Some(body)))) {
            let end = self.way(label, body, at);
            after = Some(after.map_or(end, |after| after.or(end)));
        }
        after.unwrap_or(at)
    }

    fn race(&mut self, race: ast::RaceStep<'_>, at: At) -> At {
        self.push(Subject::Timing, race.syntax().kind(), "wait for the first of several".to_owned(), at.when);
        let limit = race.timeouts().filter_map(|arm| seconds(arm.duration()?.text())).min();
        let mut after: Option<At> = None;
        let mut join = |end: At| after = Some(after.map_or(end, |after| after.or(end)));
        for arm in race.arms() {
            let label = head(arm.syntax());
            self.push(Subject::Timing, arm.syntax().kind(), format!("wait for {label}"), at.when);
            join(self.way(label, arm.block().map(Body::Block), at.plus(0, limit)));
        }
        for arm in race.timeouts() {
            let label = head(arm.syntax());
            self.push(Subject::Timing, arm.syntax().kind(), format!("wait at most: {label}"), at.when);
            let length = arm.duration().and_then(|duration| seconds(duration.text()));
            join(self.way(label, arm.block().map(Body::Block), at.plus(length.unwrap_or_default(), length)));
        }
        after.unwrap_or(at)
    }

    fn repeat(&mut self, repeat: ast::RepeatStep<'_>, at: At) -> At {
        let node = repeat.syntax();
        self.push(Subject::Decision, node.kind(), head(node), at.when);
        let times = repeat.times().and_then(|times| times.text().parse::<u64>().ok()).unwrap_or(1).max(1);
        let once = self.way(head(node), repeat.block().map(Body::Block), at);
        let when = once.when.zip(at.when).map(|(after, before)| {
            let length = after.most.zip(before.most).map(|(a, b)| a.saturating_sub(b).saturating_mul(times));
            let most = length.zip(before.most).map(|(length, before)| before.saturating_add(length));
            Elapsed { least: after.least, most }
        });
        let each = once.sent.all.saturating_sub(at.sent.all);
        let sent = at.when.map_or(at.sent, |before| {
            let shortest = once.when.map_or(0, |after| after.least.saturating_sub(before.least));
            let rounds = WEEK.checked_div(shortest).map_or(times, |rounds| times.min(rounds.saturating_add(1)));
            let until = Elapsed { least: before.least, most: when.and_then(|when| when.most) };
            at.sent.plus(each.saturating_mul(times), each.saturating_mul(rounds), until)
        });
        At { when, sent }
    }
}

fn up_to(clause: Option<ast::UpToClause<'_>>) -> Option<u64> {
    let clause = clause?;
    match clause.window() {
        None => seconds(clause.duration()?.text()),
        // Time inside a window passes more slowly.
        Some(_) => None,
    }
}

/// Whether it is a time of day, which comes within a day.
fn is_time(expr: ast::Expr<'_>) -> bool {
    let mut tokens = expr.syntax().tokens().filter(|token| !token.kind().is_trivia());
    tokens.next().is_some_and(|token| token.kind() == SyntaxKind::Time) && tokens.next().is_none()
}
