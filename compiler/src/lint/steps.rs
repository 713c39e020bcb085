//! Steps in a row and side by side: waits that nobody waits for, messages that come too close, branches that say nothing.

use std::collections::{BTreeSet, HashMap};

use journey_bytecode::{Channel, Purpose, Span as Length, StatusKind};
use smol_str::SmolStr;

use super::pressure::DAY;
use super::{Scene, Unless, length, texts};
use crate::check::{Named, inner};
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Level, Span};
use crate::hir::{
    AboutKind, BinaryOp, Block, EventKind, Expr, ExprKind, HeaderKind, Journey as Source, Loc, Send, SendMessage, Step,
    StepKind, Until, Wait,
};
use crate::typed::Journey;

/// A wait of more than this is rather a slip than a plan.
const LONG: i64 = 366 * DAY;

/// A trial takes contacts in for so long at least.
const WEEK: i64 = 7 * DAY;

/// What the names of journeys have in them that ask for something: to buy, to renew, to come back.
const CONVERSIONS: [&str; 10] =
    ["abandon", "basket", "cart", "checkout", "quote", "renewal", "trial", "upgrade", "win_back", "winback"];

/// Branches in a row that ask for the same value, from which on `choose` reads better.
const CHAIN: usize = 3;

pub(super) fn journey(
    scene: &Scene<'_>,
    (source, body): (&Source, &Block),
    journey: &Journey,
    found: &mut Vec<Diagnostic>,
    unless: &mut Vec<Unless>,
) {
    let goal = source.header.iter().find_map(|line| match &line.kind {
        HeaderKind::Goal { within: Some(within), .. } => Some((within.rough_millis(), line.loc)),
        _ => None,
    });
    let mut steps = Steps {
        scene,
        source,
        body,
        journey,
        goal,
        count: 0,
        deepest: None,
        chained: BTreeSet::new(),
        words: None,
        found,
        unless,
    };
    steps.block(body, 0, &mut Past::default());
    steps.trailing(body);
    steps.hasty();
    steps.no_exit();
    steps.size();
}

/// The most messages since the last wait that are kept in mind.
const MAX_FRESH: usize = 16;

/// What came before a step.
#[derive(Clone, Default)]
struct Past<'a> {
    /// Messages sent since the last wait, by the name under which they are asked about.
    fresh: Vec<&'a SmolStr>,
    /// Topics that the contact was unsubscribed from; nothing at all, if there is no name.
    gone: Vec<(Option<&'a SmolStr>, Loc)>,
}

impl<'a> Past<'a> {
    fn leave(&mut self, topic: Option<&'a SmolStr>, at: Loc) {
        if self.gone.iter().all(|(gone, _)| *gone != topic) {
            self.gone.push((topic, at));
        }
    }
}

struct Steps<'a> {
    scene: &'a Scene<'a>,
    source: &'a Source,
    /// Its steps as written.
    body: &'a Block,
    journey: &'a Journey,
    /// How long the goal counts, in milliseconds, and where it says so.
    goal: Option<(i64, Loc)>,
    count: u32,
    /// The first step that is nested too deep.
    deepest: Option<Loc>,
    /// Where the later parts of chains begin, which are told at their beginning.
    chained: BTreeSet<u32>,
    /// How often words stand in the journey, once somebody asks.
    words: Option<HashMap<&'a str, u32>>,
    found: &'a mut Vec<Diagnostic>,
    unless: &'a mut Vec<Unless>,
}

impl<'a> Steps<'a> {
    fn span(&self, loc: Loc) -> Span {
        self.scene.text.span(loc)
    }

    fn tell(&mut self, code: Code, loc: Loc, message: impl Into<String>, more: impl FnOnce(Diagnostic) -> Diagnostic) {
        if self.scene.config.level(code) != Level::Off {
            let d = Diagnostic::new(code, self.span(loc), message);
            self.found.push(more(d));
        }
    }

    fn block(&mut self, block: &'a Block, depth: u32, past: &mut Past<'a>) {
        if depth > self.scene.config.max_depth && self.deepest.is_none() {
            self.deepest = block.first().map(|step| step.head);
        }
        let mut before: Option<&Step> = None;
        for step in block {
            self.count += 1;
            if let Some(before) = before {
                self.pair(before, step);
            }
            before = Some(step);
            self.step(step, past);
            let mut waits = false;
            let mut gone = None;
            inner(&step.kind, |block| {
                let mut way = past.clone();
                if matches!(step.kind, StepKind::Wait(_)) {
                    way.fresh.clear();
                }
                self.block(block, depth + 1, &mut way);
                // What a way may have done is not known behind it.
                waits |= !way.fresh.starts_with(&past.fresh);
                gone.get_or_insert_with(|| past.gone.clone()).retain(|gone| way.gone.contains(gone));
            });
            if let Some(gone) = gone {
                past.gone = gone;
            }
            if waits {
                past.fresh.clear();
            }
        }
    }

    fn step(&mut self, step: &'a Step, past: &mut Past<'a>) {
        match &step.kind {
            StepKind::Send(send) => {
                self.send(send, step, past);
                past.fresh.extend(name_of(send));
                if past.fresh.len() > MAX_FRESH {
                    past.fresh.remove(0);
                }
            }
            StepKind::Wait(wait) => {
                past.fresh.clear();
                self.wait(wait, step);
            }
            StepKind::If { condition, then, otherwise } => {
                self.asked_too_soon(condition, &past.fresh);
                self.branch(step, condition, then, otherwise.as_ref());
            }
            StepKind::Split { name, sides, measure, run_for, .. } => {
                let least = self.scene.config.min_share;
                for side in sides.iter().filter(|side| side.share < least.saturating_mul(10_000)) {
                    let message = format!("the side `{}` of `{}` is too small to tell", side.name.text, name.text);
                    self.tell(Code::SmallShare, side.share_loc, message, |d| {
                        d.label(format!("less than {least} %"))
                            .note("So few contacts say nothing for certain about the others.")
                            .help("give it a larger share, or set `min_share` below `[lint]`")
                    });
                }
                if let Some((span, loc)) = run_for
                    && span.rough_millis() < WEEK
                {
                    self.tell(Code::ShortTrial, *loc, "this trial is over before every weekday has come", |d| {
                        d.label("less than a week")
                            .note("On some days people read and buy more than on others.")
                            .help("take contacts in for whole weeks: `for at least 14d`")
                    });
                }
                if self.journey.goals.is_empty() && measure.is_none() {
                    let message = format!("nothing tells which side of `{}` does better", name.text);
                    self.tell(Code::UnmeasuredSplit, step.head, message, |d| {
                        d.label("without a measure or a goal")
                            .help("say what counts, such as `measure purchase within 14d` behind its sides")
                    });
                }
            }
            StepKind::Repeat { times, times_loc, until, body } => {
                if *times == 1 {
                    self.tell(
                        Code::RepeatOnce,
                        *times_loc,
                        "this repeats its steps once, so it repeats nothing",
                        |d| d.label("once").help("take the steps out of the `repeat`, or repeat them more often"),
                    );
                }
                self.repeat(step, until.as_ref(), body);
            }
            StepKind::Let(name, _) => self.unused_let(name),
            StepKind::Unsubscribe(topic, None) => {
                past.leave(topic.as_ref().map(|topic| &topic.text), step.head);
            }
            StepKind::Suppress(_) => past.leave(None, step.head),
            StepKind::Subscribe(topic, ..) => past.gone.retain(|(gone, _)| *gone != Some(&topic.text)),
            _ => {}
        }
    }

    fn purpose(&self, send: &Send) -> Purpose {
        if send.to.is_some() {
            return Purpose::Transactional;
        }
        let SendMessage::Named(name) = &send.message else { return self.journey.purpose.unwrap_or_default() };
        let channel = send.channels.first().map_or(Channel::Email, |(channel, _)| *channel);
        self.scene.purpose(self.journey, channel, &name.text)
    }

    fn send(&mut self, send: &Send, step: &Step, past: &Past<'_>) {
        if let Some(handle) = &send.handle
            && !self.journey.handles.contains(&handle.text)
            && let SendMessage::Named(message) = &send.message
        {
            let from = self.span(message.loc).after();
            let edit = Edit { span: from.to(self.span(handle.loc)), text: String::new() };
            let finding = Diagnostic::new(
                Code::UnusedHandle,
                self.span(handle.loc),
                format!("nothing asks about `{}`", handle.text),
            )
            .label("unused")
            .fix(format!("Remove `as {}`", handle.text), Applicability::Safe, vec![edit]);
            self.unless.push(Unless { kind: Named::Handle, name: handle.text.clone(), finding });
        }
        let subject = send.settings.iter().find(|(name, _)| name.text == "subject").map(|(_, subject)| subject);
        if let Some(Expr { kind: ExprKind::Text(subject), loc }) = subject {
            let transactional = self.purpose(send) == Purpose::Transactional;
            texts::subject(subject, self.span(*loc), transactional, self.found);
        }
        if self.purpose(send) == Purpose::Marketing {
            let own = match (&send.message, send.channels.first()) {
                (SendMessage::Named(name), Some((channel, _))) => {
                    self.scene.terms(*channel, &name.text).and_then(|own| own.topic.as_ref())
                }
                _ => None,
            };
            let topic = own.or(self.journey.topic.as_ref());
            let gone = past.gone.iter().find(|(gone, _)| gone.is_none() || *gone == topic);
            if let Some((_, at)) = gone {
                let (at, source) = (self.span(*at), self.scene.text.show(step.head));
                self.tell(Code::AfterUnsubscribe, step.head, format!("`{source}` is never sent"), |d| {
                    d.label("refused")
                        .also(at, "from here on the contact gets no such message")
                        .help("send it before, or as a transactional message if the contact must have it")
                });
            }
        }
    }

    /// Two steps in a row.
    fn pair(&mut self, first: &Step, second: &Step) {
        match (&first.kind, &second.kind) {
            (StepKind::Wait(a), StepKind::Wait(b)) => {
                if let (
                    Wait::For { length: a, longest: None, window: None },
                    Wait::For { length: b, longest: None, window: None },
                ) = (&**a, &**b)
                {
                    self.adjacent_waits(first, second, a, b);
                }
            }
            (StepKind::Send(a), StepKind::Send(b)) => {
                let ([(one, _)], [(other, _)]) = (a.channels.as_slice(), b.channels.as_slice()) else { return };
                let both = self.purpose(a) == Purpose::Marketing && self.purpose(b) == Purpose::Marketing;
                if one == other && both && *one != Channel::Webhook {
                    let at = self.span(first.head);
                    let what = if *one == Channel::Email { "mail" } else { "message" };
                    self.tell(Code::SendsInARow, second.head, format!("a second {what} follows at once"), |d| {
                        d.label("no wait before it")
                            .also(at, "the first one")
                            .help("wait between them, or make them one")
                    });
                }
            }
            _ => {}
        }
    }

    fn adjacent_waits(&mut self, first: &Step, second: &Step, a: &Expr, b: &Expr) {
        let (ExprKind::Span(a), ExprKind::Span(b)) = (&a.kind, &b.kind) else { return };
        let sum = Length {
            months: a.months.saturating_add(b.months),
            days: a.days.saturating_add(b.days),
            millis: a.millis.saturating_add(b.millis),
        };
        let calendar = |span: &Length| span.months != 0 || span.days != 0;
        let exact = |span: &Length| span.millis != 0;
        // Days and hours do not add up when the clock is changed, nor months and days.
        let plain = |span: &Length| span.months == 0 || span.days == 0;
        let same = (calendar(a) == calendar(b)) && (exact(a) == exact(b)) && plain(&sum) && calendar(a) != exact(a);
        let between = Loc { start: first.loc.end, end: second.loc.start };
        let blank = self.scene.text.slice(between).trim().is_empty();
        let (span, at) = (self.span(first.loc.cover(second.loc)), self.span(first.head));
        self.tell(Code::AdjacentWaits, second.head, "two waits in a row are one", |d| {
            let d = d.label("goes on waiting").also(at, "the first one");
            if same && blank {
                let text = format!("wait {sum}");
                d.fix(format!("Write `{text}`"), Applicability::Safe, vec![Edit { span, text }])
            } else {
                d.help("write one wait that is as long as both")
            }
        });
    }

    fn wait(&mut self, wait: &Wait, step: &Step) {
        let Wait::For { length: Expr { kind: ExprKind::Span(span), loc }, window: None, .. } = wait else { return };
        let millis = span.rough_millis();
        if millis > LONG {
            self.tell(Code::LongWait, *loc, format!("this waits {}", length(millis)), |d| {
                d.label("more than a year").help("check the unit: `m` are minutes, `mo` months, `y` years")
            });
        }
        if span.months == 0 && span.days == 0 && span.millis > 0 && span.millis % DAY == 0 {
            let text = format!("{}d", span.millis / DAY);
            let edit = Edit { span: self.span(*loc), text: text.clone() };
            let message = format!("`{}` is not always `{text}`", self.scene.text.show(*loc));
            self.tell(Code::HoursForDays, *loc, message, |d| {
                d.label("an hour off when the clock is changed")
                    .note("Hours are exact; days end at the same time on the contact's clock.")
                    .fix(format!("Write `{text}`"), Applicability::Unsafe, vec![edit])
            });
        }
        if let Some((within, at)) = self.goal.filter(|(within, _)| millis > *within) {
            let at = self.span(at);
            self.tell(Code::WaitBeyondGoal, step.head, "after this wait the goal does not count any more", |d| {
                d.label(length(millis))
                    .also(at, format!("counts for {}", length(within)))
                    .help("wait less, or let the goal count for longer")
            });
        }
    }

    fn branch(&mut self, step: &Step, condition: &Expr, then: &Block, otherwise: Option<&Block>) {
        if is_open_only(condition) {
            self.tell(Code::BranchOnOpen, condition.loc, "opens are not a sign to decide by", |d| {
                d.label("opened, or fetched by a mail program")
                    .note("Some mail programs load every picture, others none, so many opens are never seen.")
                    .help("ask for a click, an answer or what the contact did: `clicked ..`, `did purchase`")
            });
        }
        let empty = then.is_empty() || otherwise.is_some_and(Vec::is_empty);
        if empty {
            let (message, help) = if then.is_empty() {
                ("this `if` does nothing when it holds", "turn it round: `if not (..) { .. }`")
            } else {
                ("the `else` of this `if` does nothing", "remove the `else`")
            };
            self.tell(Code::EmptyBranch, step.head, message, |d| d.label("an empty branch").help(help));
        }
        let Some(otherwise) = otherwise else {
            if let [Step { kind: StepKind::If { otherwise: None, condition: inner, .. }, head, .. }] = then.as_slice() {
                let (inner, at) = (self.scene.text.show(inner.loc), self.span(step.head));
                self.tell(Code::NestedIf, *head, "an `if` alone inside an `if` is one `if`", |d| {
                    d.label("nothing else stands beside it")
                        .also(at, "the outer one")
                        .help(format!("ask for both at once: `.. and ({inner})`"))
                });
            }
            return;
        };
        if !then.is_empty() && self.same(then, otherwise) {
            self.tell(Code::SameBranches, step.head, "both ways do the same", |d| {
                d.label("decides nothing").help("take the steps out of the `if`, or change one of the two")
            });
        }
        self.chain(step, condition, otherwise);
    }

    /// Whether two blocks are the same but for their layout.
    fn same(&self, a: &Block, b: &Block) -> bool {
        let words = |block: &Block| {
            let loc = block.first().zip(block.last()).map(|(first, last)| first.loc.cover(last.loc));
            loc.map_or("", |loc| self.scene.text.slice(loc)).split_whitespace()
        };
        words(a).eq(words(b))
    }

    /// `if plan is free .. else if plan is pro .. else if ..`
    fn chain(&mut self, step: &Step, condition: &Expr, otherwise: &Block) {
        if self.chained.contains(&step.loc.start) {
            return;
        }
        let Some(subject) = asked_for(condition) else { return };
        let mut length = 1;
        let mut rest = otherwise;
        while let [Step { kind: StepKind::If { condition, otherwise, .. }, loc, .. }] = rest.as_slice()
            && asked_for(condition) == Some(subject)
        {
            length += 1;
            self.chained.insert(loc.start);
            match otherwise {
                Some(otherwise) => rest = otherwise,
                None => break,
            }
        }
        if length >= CHAIN {
            let message = format!("`choose {subject}` says this more plainly");
            self.tell(Code::IfChain, step.head, message, |d| {
                d.label(format!("asks for `{subject}` again and again"))
                    .note("A `choose` is checked for values that were left out.")
                    .help(format!("write `choose {subject} {{ .. }}` with one case for each value"))
            });
        }
    }

    /// Asking what became of a message at the very moment it is sent.
    fn asked_too_soon(&mut self, condition: &Expr, fresh: &[&SmolStr]) {
        let Some(last) = fresh.last().copied() else { return };
        let mut found = Vec::new();
        statuses(condition, &mut |status, about, loc| {
            let asked = match about {
                AboutKind::Bare => Some(last),
                AboutKind::Named(name) => fresh.iter().copied().find(|known| **known == name.text),
                AboutKind::Any(_) | AboutKind::AnyNamed(_) => None,
            };
            if let Some(name) = asked.filter(|_| {
                matches!(
                    status,
                    StatusKind::Opened
                        | StatusKind::Clicked
                        | StatusKind::Replied
                        | StatusKind::Bounced
                        | StatusKind::Complained
                        | StatusKind::Failed
                )
            }) {
                found.push((loc, name.clone()));
            }
        });
        for (loc, name) in found {
            let source = self.scene.text.show(loc);
            let message = format!("`{source}` is asked at the moment at which `{name}` is sent");
            self.tell(Code::AskedTooSoon, loc, message, |d| {
                d.label("not yet")
                    .help(format!("give it time: `wait for {source} up to 2d`, or a `wait` before the `if`"))
            });
        }
    }

    fn repeat(&mut self, step: &Step, until: Option<&Expr>, body: &Block) {
        let mut look = Look::default();
        look.at(body);
        if !look.sends {
            return;
        }
        let leaves = self
            .source
            .header
            .iter()
            .any(|line| matches!(line.kind, HeaderKind::ExitWhen(..) | HeaderKind::ExitOnGoal));
        if until.is_none() && !look.asks && !leaves {
            self.tell(Code::ReminderLoop, step.head, "this reminds again and again, whatever the contact does", |d| {
                d.label("never asks whether it worked")
                    .help("ask behind each time: `repeat up to 3 times until did purchase since entry { .. }`")
            });
        }
        if look.clock_waits && !look.other_waits {
            self.tell(Code::LoopAtOnce, step.head, "from the second time on, this loop does not wait", |d| {
                d.label("all at the same moment")
                    .note("A wait for a time of day is over at once when it is that time already, as it is the second time.")
                    .help("add a wait that always lasts, such as `wait 1d`")
            });
        }
    }

    fn unused_let(&mut self, name: &crate::hir::Name) {
        // Texts inside the journey use it too, and messages by its name.
        let (text, loc) = (self.scene.text, self.source.loc);
        let words = self.words.get_or_insert_with(|| {
            let mut words: HashMap<&str, u32> = HashMap::new();
            for word in text.slice(loc).split(|c: char| !c.is_alphanumeric() && c != '_') {
                *words.entry(word).or_default() += 1;
            }
            words
        });
        if words.get(name.text.as_str()).is_none_or(|uses| *uses < 2) {
            let finding =
                Diagnostic::new(Code::UnusedLet, self.span(name.loc), format!("nothing uses `{}`", name.text))
                    .label("unused")
                    .help("remove the `let`");
            self.unless.push(Unless { kind: Named::Variable, name: name.text.clone(), finding });
        }
    }

    /// A wait at the end, behind which nothing happens.
    fn trailing(&mut self, block: &Block) {
        let mut steps = block.iter().rev();
        let mut last = steps.next();
        while last.is_some_and(|step| matches!(step.kind, StepKind::End)) {
            last = steps.next();
        }
        let Some(step) = last else { return };
        match &step.kind {
            StepKind::Wait(wait) => {
                let idle = match &**wait {
                    Wait::For { .. } | Wait::Until { until: Until::Clock(..) | Until::Window(_), .. } => true,
                    Wait::Until { otherwise, .. } | Wait::Event { otherwise, .. } => {
                        otherwise.as_ref().is_none_or(|steps| steps.iter().all(|s| matches!(s.kind, StepKind::End)))
                    }
                    Wait::First { .. } => false,
                };
                // As long as a run goes on, it can be ended, reach its goal, or keep the contact from coming again.
                let matters = self.source.header.iter().any(|line| {
                    matches!(
                        line.kind,
                        HeaderKind::ExitWhen(..)
                            | HeaderKind::Goal { .. }
                            | HeaderKind::Reenter(journey_bytecode::Reenter::Always)
                    )
                });
                if idle && !matters {
                    let finding =
                        Diagnostic::new(Code::TrailingWait, self.span(step.head), "nothing follows this wait")
                            .label("the run goes on for nothing")
                            .help("remove it, or say what happens then")
                            .fix(
                                "Remove the wait",
                                Applicability::Unsafe,
                                vec![Edit { span: self.span(step.loc), text: String::new() }],
                            );
                    // Another journey may ask whether the contact is still in this one.
                    self.unless.push(Unless { kind: Named::Journey, name: self.journey.name.clone(), finding });
                    return;
                }
                if let Wait::Until { otherwise: Some(steps), .. } | Wait::Event { otherwise: Some(steps), .. } = &**wait
                {
                    self.trailing(steps);
                }
            }
            StepKind::If { then, otherwise, .. } => {
                self.trailing(then);
                otherwise.iter().for_each(|block| self.trailing(block));
            }
            StepKind::Choose { arms, otherwise, .. } => {
                arms.iter().for_each(|arm| self.trailing(&arm.then));
                otherwise.iter().for_each(|block| self.trailing(block));
            }
            StepKind::Split { sides, .. } => sides.iter().for_each(|side| self.trailing(&side.then)),
            _ => {}
        }
    }

    /// A reminder of something left behind that comes before anybody can have come back.
    fn hasty(&mut self) {
        let starts = self.source.header.iter().filter_map(|line| match &line.kind {
            HeaderKind::On(pattern) => match &pattern.kind {
                EventKind::Named(name) | EventKind::Tag(name) => Some(&name.text),
                _ => None,
            },
            _ => None,
        });
        let abandoned = starts.chain([&self.journey.name]).any(|name| name.to_lowercase().contains("abandon"));
        let quick = |step: &&Step| {
            !matches!(step.kind, StepKind::AddTag(_) | StepKind::RemoveTag(_) | StepKind::Set(..) | StepKind::Let(..))
        };
        let gathers = self.source.header.iter().any(|line| matches!(line.kind, HeaderKind::Collect { .. }));
        let Some(first) = self.body.iter().find(quick).filter(|_| abandoned && !gathers) else { return };
        if matches!(first.kind, StepKind::Send(_)) {
            self.tell(Code::Hasty, first.head, "this reminds before anybody can have come back", |d| {
                d.label("at once").help("wait first: `wait 1h`")
            });
        }
    }

    /// A journey that asks its contacts to buy, renew or come back, and goes on whatever they do.
    fn no_exit(&mut self) {
        let looks = self.source.header.iter().any(|line| {
            matches!(line.kind, HeaderKind::ExitWhen(..) | HeaderKind::ExitOnGoal | HeaderKind::Goal { .. })
        });
        let sells = self.journey.purpose != Some(Purpose::Transactional);
        if looks || !sells {
            return;
        }
        let name = self.journey.name.to_lowercase();
        let named = CONVERSIONS.into_iter().any(|word| name.contains(word));
        let mut look = Look::default();
        look.at(self.body);
        let waits = look.clock_waits || look.other_waits;
        if named && !look.asks && look.sends && waits {
            let message = format!("`{}` goes on, whatever the contact does", self.journey.name);
            self.tell(Code::NoExit, self.journey.head, message, |d| {
                d.label("nothing ends it")
                    .note("Whoever has done what it asks for still gets the rest.")
                    .help("say what ends it, such as `exit when purchase`, or ask before each message")
            });
        }
    }

    fn size(&mut self) {
        let most = self.scene.config.max_steps;
        if self.count > most {
            let message = format!("`{}` has {} steps", self.journey.name, self.count);
            self.tell(Code::LongJourney, self.journey.head, message, |d| {
                d.label(format!("more than {most}"))
                    .help("make several journeys of it, or set `max_steps` below `[lint]`")
            });
        }
        if let Some(deep) = self.deepest {
            let most = self.scene.config.max_depth;
            self.tell(Code::DeepNesting, deep, "these steps are nested deep", |d| {
                d.label(format!("more than {most} blocks deep"))
                    .help("let a way that is done `end`, so that the rest need not stand in an `else`")
            });
        }
    }
}

/// What stands in steps that are repeated.
#[derive(Default)]
struct Look {
    sends: bool,
    /// Something can leave the loop, or change what it does.
    asks: bool,
    clock_waits: bool,
    other_waits: bool,
}

impl Look {
    fn at(&mut self, block: &Block) {
        for step in block {
            match &step.kind {
                StepKind::Send(_) => self.sends = true,
                StepKind::If { .. } | StepKind::Choose { .. } => self.asks = true,
                StepKind::Wait(wait) => match &**wait {
                    Wait::Until { until: Until::Clock(..) | Until::Window(_), .. } => self.clock_waits = true,
                    other => {
                        self.other_waits = true;
                        self.asks |= !matches!(other, Wait::For { .. });
                    }
                },
                // Whatever else there is may take its time, and may ask.
                StepKind::Split { .. }
                | StepKind::AddTag(_)
                | StepKind::RemoveTag(_)
                | StepKind::Set(..)
                | StepKind::AddTo(..)
                | StepKind::RemoveFrom(..)
                | StepKind::Label(_)
                | StepKind::Let(..) => {}
                _ => {
                    self.other_waits = true;
                    self.asks = true;
                }
            }
            inner(&step.kind, |block| self.at(block));
        }
    }
}

/// The name under which a message is asked about.
fn name_of(send: &Send) -> Option<&SmolStr> {
    match (&send.handle, &send.message) {
        (Some(handle), _) => Some(&handle.text),
        (None, SendMessage::Named(message)) => Some(&message.text),
        (None, SendMessage::Inline(..)) => None,
    }
}

/// Whether a condition asks for opens and for nothing else.
fn is_open_only(condition: &Expr) -> bool {
    match &condition.kind {
        ExprKind::Status(StatusKind::Opened, _) => true,
        ExprKind::Not(inner) => is_open_only(inner),
        ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().all(is_open_only),
        _ => false,
    }
}

/// The name that a condition compares with a value.
fn asked_for(condition: &Expr) -> Option<&SmolStr> {
    match &condition.kind {
        ExprKind::Binary(BinaryOp::Is, sides) => match &sides.0.kind {
            ExprKind::Name(name) => Some(name),
            _ => None,
        },
        _ => None,
    }
}

/// The statuses that a condition asks for.
fn statuses(condition: &Expr, each: &mut impl FnMut(StatusKind, &AboutKind, Loc)) {
    match &condition.kind {
        ExprKind::Status(status, asked) => each(*status, &asked.0.kind, condition.loc),
        ExprKind::Not(of) => statuses(of, each),
        ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().for_each(|part| statuses(part, each)),
        _ => {}
    }
}
