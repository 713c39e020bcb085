//! How many messages one contact can get from one run, over every way through the journey.
//!
//! Followed from the end to the beginning: for each place it is known how soon, at the earliest, the first, second, third ..
//! message behind it can have left. Where ways part, the sooner one counts for each number; a wait makes all of them later;
//! a send puts itself before them. So one pass finds the fullest stretch of any length, and the way that leads there.

use std::rc::Rc;

use journey_bytecode::{Cap, Channel, Purpose, Value};
use smol_str::SmolStr;

use crate::diagnostic::{Code, Diagnostic};
use crate::hir::{ArithmeticOp, Loc};
use crate::text::Text;
use crate::typed::{Block, Deadline, Expr, ExprKind, Journey, Send, Step, StepKind, Wait};

use super::{Scene, length};

/// A day and a week, in milliseconds.
pub(super) const DAY: i64 = 86_400_000;
pub(super) const WEEK: i64 = 7 * DAY;

/// The most messages that are counted in one stretch.
const MOST: usize = 64;

/// The most steps that are looked at, loops counted again: beyond that nothing is said.
const MAX_VISITS: u32 = 200_000;

/// A message that can leave, at the earliest so long after a place.
#[derive(Clone, Debug)]
struct Entry {
    /// Milliseconds from the place to this message.
    at: i64,
    /// Milliseconds from the place to the first stop of the way to it.
    lead: i64,
    /// The way to it, if ways are told.
    way: Option<Rc<Stop>>,
}

/// A stop on a way: a message, or a decision.
#[derive(Debug)]
struct Stop {
    loc: Loc,
    /// What was decided; none for a message.
    decision: Option<Decision>,
    /// How long until the next stop.
    gap: i64,
    next: Option<Rc<Stop>>,
}

/// What was decided on a way; put into words only for the one that is told.
#[derive(Clone, Debug)]
enum Decision {
    Holds(Loc),
    DoesNotHold(Loc),
    Side(SmolStr),
    Case(Loc),
    Happens(Loc),
    TimeOver,
    MomentPast,
    Leaves,
}

impl Decision {
    fn words(&self, text: &Text<'_>) -> String {
        match self {
            Self::Holds(loc) => format!("`{}` holds", text.show(*loc)),
            Self::DoesNotHold(loc) => format!("`{}` does not hold", text.show(*loc)),
            Self::Side(name) => format!("on side `{name}`"),
            Self::Case(loc) => format!("for `{}`", text.show(*loc)),
            Self::Happens(loc) => format!("`{}` happens", text.show(*loc)),
            Self::TimeOver => "the time is over".to_owned(),
            Self::MomentPast => "the moment is past".to_owned(),
            Self::Leaves => "the run leaves".to_owned(),
        }
    }
}

impl Drop for Stop {
    // One after the other: a long way would not fit onto the stack.
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some(mut stop) = next.and_then(Rc::into_inner) {
            next = stop.next.take();
        }
    }
}

/// How soon so many messages can have left: the first, the second and so on.
type Profile = Vec<Entry>;

/// The fullest stretch of a length, and its first stop.
#[derive(Clone, Debug, Default)]
struct Fullest {
    count: usize,
    way: Option<Rc<Stop>>,
}

/// What one run can send at most.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// In 24 hours.
    pub(crate) day: usize,
    /// In 7 days.
    pub(crate) week: usize,
    /// How soon after entry, in milliseconds, the first, second .. message can have left.
    pub(crate) from_entry: Vec<i64>,
}

/// Counts the marketing messages of a journey, and compares them with the policy.
pub(super) fn journey(scene: &Scene<'_>, journey: &Journey, found: &mut Vec<Diagnostic>) -> Counts {
    // One pass counts for all caps that hold for every channel.
    let caps: Vec<&Cap> = scene.index.policy.caps.iter().filter(|cap| is_counted(cap)).collect();
    let windows: Vec<i64> = [DAY, WEEK].into_iter().chain(caps.iter().map(|cap| cap.per.rough_millis())).collect();
    let Some((profile, fullest)) = follow(scene, journey, None, &windows, false) else { return Counts::default() };
    let [day, week, of_caps @ ..] = fullest.as_slice() else { return Counts::default() };
    let counts =
        Counts { day: day.count, week: week.count, from_entry: profile.iter().map(|entry| entry.at).collect() };
    // Who sends little needs no closer look: most journeys.
    let before = found.len();
    for (cap, fullest) in caps.into_iter().zip(of_caps) {
        // A channel has no more than all have together.
        if fullest.count > cap.most as usize {
            over_cap(scene, journey, cap, found);
        }
    }
    let most = scene.config.max_per_day as usize;
    if found.len() == before
        && counts.day > most
        && let Some((_, fullest)) = follow(scene, journey, None, &[DAY], true)
        && let Some(fullest) = fullest.first()
    {
        let message = format!("one run of `{}` can send {} messages in 24 hours", journey.name, shown(fullest.count));
        let help = "put longer waits between them, or set `max_per_day` below `[lint]`";
        found.extend(told(scene.text, Code::ManyMessages, message, fullest, most).map(|d| d.help(help)));
    }
    counts
}

/// Whether more than it allows can be counted.
const fn is_counted(cap: &Cap) -> bool {
    (cap.most as usize) < MOST && cap.per.rough_millis() > 0
}

fn over_cap(scene: &Scene<'_>, journey: &Journey, cap: &Cap, found: &mut Vec<Diagnostic>) {
    let (most, window) = (cap.most as usize, cap.per.rough_millis());
    let Some((_, fullest)) = follow(scene, journey, cap.channel, &[window], true) else { return };
    let Some(fullest) = fullest.first().filter(|fullest| fullest.count > most) else { return };
    let (what, per) = (cap.channel.map_or("messages", what), length(window));
    let message = format!(
        "one run of `{}` can come to {} {what} within {per}, and the policy allows {most}",
        journey.name,
        shown(fullest.count)
    );
    let d = told(scene.text, Code::OverCap, message, fullest, most);
    found.extend(d.map(|d| {
        d.note("What is over the cap is not sent, and `skipped` is true for it.")
            .help("put longer waits between them, or send fewer")
    }));
}

/// What messages of the channel are called.
const fn what(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "mails",
        Channel::Sms => "text messages",
        Channel::Push => "push messages",
        Channel::Webhook => "webhooks",
        Channel::WhatsApp => "WhatsApp messages",
    }
}

fn shown(count: usize) -> String {
    if count >= MOST { format!("{MOST} or more") } else { count.to_string() }
}

/// The finding at the first message that is too many, with the way that leads there.
fn told(text: &Text<'_>, code: Code, message: String, fullest: &Fullest, most: usize) -> Option<Diagnostic> {
    let mut steps: Vec<String> = Vec::new();
    let mut labels: Vec<(Loc, String)> = Vec::new();
    let (mut at, mut since, mut number) = (0, 0, 0_usize);
    let mut stop = fullest.way.clone();
    let mut place = None;
    while let Some(here) = stop {
        match &here.decision {
            None => {
                number += 1;
                let when = if at == 0 { "at once".to_owned() } else { format!("{} after the first", length(at)) };
                if number == 1 {
                    labels.push((here.loc, "the first".to_owned()));
                } else if number <= most + 1 && labels.iter().all(|(loc, _)| *loc != here.loc) {
                    labels.push((here.loc, format!("the {}, {when}", ordinal(number))));
                }
                if number == most + 1 {
                    place = Some((here.loc, format!("the {}, {when}", ordinal(number))));
                }
                let source = text.show(here.loc);
                steps.push(match (number, since) {
                    (1, _) => format!("`{source}`"),
                    (_, 0) => format!("at once `{source}`"),
                    (_, gap) => format!("{} later `{source}`", length(gap)),
                });
                since = 0;
            }
            Some(decision) => steps.push(decision.words(text)),
        }
        if number > most {
            break;
        }
        at += here.gap;
        since += here.gap;
        stop = here.next.clone();
    }
    let (loc, label) = place?;
    let mut d = Diagnostic::new(code, text.span(loc), message).label(label);
    for (other, label) in labels.into_iter().filter(|(other, _)| *other != loc) {
        d = d.also(text.span(other), label);
    }
    Some(d.note(format!("The fullest way: {}.", steps.join(", "))))
}

fn ordinal(n: usize) -> String {
    let suffix = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{suffix}")
}

/// The profile at the beginning, and the fullest stretch of each length; none if the journey is too large to tell.
fn follow(
    scene: &Scene<'_>,
    journey: &Journey,
    channel: Option<Channel>,
    windows: &[i64],
    tell: bool,
) -> Option<(Profile, Vec<Fullest>)> {
    let horizon = windows.iter().copied().max().unwrap_or_default();
    let fullest = vec![Fullest::default(); windows.len()];
    let exits = Profile::new();
    let mut follow = Follow { scene, journey, channel, windows, horizon, tell, fullest, visits: 0, exits };
    // What a run still sends when it leaves can follow wherever it waits.
    for then in journey.exits.iter().filter_map(|exit| exit.then.as_ref()) {
        let way = follow.block(then, Profile::new());
        follow.exits = sooner(std::mem::take(&mut follow.exits), way);
    }
    let profile = follow.block(&journey.body, Profile::new());
    (follow.visits < MAX_VISITS).then_some((profile, follow.fullest))
}

struct Follow<'a> {
    scene: &'a Scene<'a>,
    journey: &'a Journey,
    channel: Option<Channel>,
    windows: &'a [i64],
    horizon: i64,
    /// Whether ways are told, not only counted.
    tell: bool,
    fullest: Vec<Fullest>,
    visits: u32,
    /// What is sent when the run leaves.
    exits: Profile,
}

impl Follow<'_> {
    /// What can be sent from the beginning of the steps on, if `after` can be sent behind them.
    fn block(&mut self, block: &Block, mut after: Profile) -> Profile {
        for step in block.iter().rev() {
            after = self.step(step, after);
        }
        after
    }

    fn step(&mut self, step: &Step, after: Profile) -> Profile {
        self.visits += 1;
        if self.visits >= MAX_VISITS {
            return after;
        }
        match &step.kind {
            StepKind::Send(send) => self.send(send, step.head, after),
            StepKind::Wait(wait) => self.wait(wait, step.head, after),
            StepKind::If { condition, then, otherwise } => {
                let yes = self.block(then, after.clone());
                let no = self.block(otherwise, after);
                let yes = self.decided(step.head, yes, &Decision::Holds(condition.loc));
                let no = self.decided(step.head, no, &Decision::DoesNotHold(condition.loc));
                sooner(yes, no)
            }
            StepKind::Split(split) => {
                let mut best = Profile::new();
                for (_, name, then) in &split.sides {
                    let side = self.block(then, after.clone());
                    best = sooner(best, self.decided(step.head, side, &Decision::Side(name.clone())));
                }
                best
            }
            StepKind::Choose { arms, otherwise, .. } => {
                let mut best = Profile::new();
                for (condition, then) in arms {
                    let arm = self.block(then, after.clone());
                    best = sooner(best, self.decided(step.head, arm, &Decision::Case(condition.loc)));
                }
                let rest = match otherwise {
                    Some(otherwise) => self.block(otherwise, after),
                    None => after,
                };
                sooner(best, rest)
            }
            StepKind::Repeat { times, until, body, .. } => self.repeat(*times, until.is_some(), body, after),
            StepKind::End => Profile::new(),
            StepKind::StopJourney(name) if *name == self.journey.name => Profile::new(),
            // Whatever else has steps inside: any of them may be taken, at once.
            other => {
                let mut best: Option<Profile> = None;
                other.each_block(|block| {
                    let way = self.block(block, after.clone());
                    best = Some(sooner(best.take().unwrap_or_default(), way));
                });
                best.unwrap_or(after)
            }
        }
    }

    fn send(&mut self, send: &Send, loc: Loc, mut profile: Profile) -> Profile {
        let counts = |(channel, message): &(Channel, SmolStr)| {
            self.channel.is_none_or(|only| only == *channel)
                && *channel != Channel::Webhook
                && self.scene.purpose(self.journey, *channel, message) == Purpose::Marketing
        };
        if send.to.is_some() || !send.choices.iter().any(counts) {
            return profile;
        }
        let tell = self.tell;
        let stop = |gap, next| tell.then(|| Rc::new(Stop { loc, decision: None, gap, next }));
        profile.truncate(MOST - 1);
        for entry in &mut profile {
            entry.way = stop(entry.lead, entry.way.take());
            entry.lead = 0;
        }
        profile.insert(0, Entry { at: 0, lead: 0, way: stop(0, None) });
        for (window, fullest) in self.windows.iter().zip(&mut self.fullest) {
            let inside = profile.partition_point(|entry| entry.at < *window);
            if inside > fullest.count {
                let way = inside.checked_sub(1).and_then(|last| profile.get(last)?.way.clone());
                *fullest = Fullest { count: inside, way };
            }
        }
        profile
    }

    fn wait(&mut self, wait: &Wait, head: Loc, after: Profile) -> Profile {
        let alone = wait.arms.is_empty() && wait.conditions.is_empty();
        // Most waits have one way.
        if let Some(Deadline { at, then, past: None, .. }) = &wait.deadline
            && alone
            && self.exits.is_empty()
        {
            let way = self.block(then, after);
            return self.later(way, shortest(at));
        }
        let mut best = Profile::new();
        if !self.exits.is_empty() {
            best = self.decided(head, self.exits.clone(), &Decision::Leaves);
        }
        for arm in &wait.arms {
            let way = self.block(&arm.then, after.clone());
            best = sooner(best, self.decided(head, way, &Decision::Happens(arm.pattern.loc)));
        }
        for (condition, then) in &wait.conditions {
            let way = self.block(then, after.clone());
            best = sooner(best, self.decided(head, way, &Decision::Holds(condition.loc)));
        }
        if let Some(Deadline { at, then, past, .. }) = &wait.deadline {
            let before = past.as_ref().map(|past| (past, after.clone()));
            let way = self.block(then, after);
            let way = if alone && past.is_none() { way } else { self.decided(head, way, &Decision::TimeOver) };
            best = sooner(best, self.later(way, shortest(at)));
            if let Some((past, before)) = before {
                let way = self.block(past, before);
                best = sooner(best, self.decided(head, way, &Decision::MomentPast));
            }
        }
        best
    }

    /// Each time may be the last one if something is asked behind it.
    fn repeat(&mut self, times: u32, until: bool, body: &Block, after: Profile) -> Profile {
        let mut left = after.clone();
        // Whoever has come so far sends the most that is counted, or has waited beyond all stretches.
        let rounds = times.min(u32::try_from(2 * MOST).unwrap_or(times));
        for _ in 0..rounds {
            let again = if until { sooner(after.clone(), left.clone()) } else { left.clone() };
            let before = self.block(body, again);
            let same = before.len() == left.len() && before.iter().zip(&left).all(|(a, b)| a.at == b.at);
            if same || self.visits >= MAX_VISITS {
                return before;
            }
            left = before;
        }
        left
    }

    fn later(&self, mut profile: Profile, by: i64) -> Profile {
        if by > 0 {
            for entry in &mut profile {
                entry.at = entry.at.saturating_add(by);
                entry.lead = entry.lead.saturating_add(by);
            }
            let horizon = self.horizon;
            profile.retain(|entry| entry.at < horizon);
        }
        profile
    }

    /// Puts a decision before every way, if ways are told.
    #[inline]
    fn decided(&self, loc: Loc, profile: Profile, decision: &Decision) -> Profile {
        if self.tell { behind(loc, decision, profile) } else { profile }
    }
}

/// What can be sent behind a decision.
fn behind(loc: Loc, decision: &Decision, mut profile: Profile) -> Profile {
    for entry in &mut profile {
        let stop = Stop { loc, decision: Some(decision.clone()), gap: entry.lead, next: entry.way.take() };
        entry.way = Some(Rc::new(stop));
        entry.lead = 0;
    }
    profile
}

/// For each number the way that is sooner.
fn sooner(a: Profile, b: Profile) -> Profile {
    let (mut longer, shorter) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    if shorter.is_empty() {
        return longer;
    }
    for (best, other) in longer.iter_mut().zip(shorter) {
        if other.at < best.at {
            *best = other;
        }
    }
    longer
}

/// The shortest time, in milliseconds, until a moment that a wait waits for.
pub(super) fn shortest(at: &Expr) -> i64 {
    match &at.kind {
        ExprKind::Arithmetic(first, rest) if matches!(first.kind, ExprKind::WaitStart) => {
            let sum = rest.iter().try_fold(0_i64, |sum, (op, operand)| match (&operand.kind, op) {
                (ExprKind::Const(Value::Span(span)), ArithmeticOp::Add) => {
                    Some(sum.saturating_add(span.rough_millis()))
                }
                (ExprKind::Const(Value::Span(span)), ArithmeticOp::Subtract) => {
                    Some(sum.saturating_sub(span.rough_millis()))
                }
                _ => None,
            });
            sum.unwrap_or_default().max(0)
        }
        ExprKind::AddWithin(_, sides) => match sides.1.kind {
            ExprKind::Const(Value::Span(span)) => shortest(&sides.0).saturating_add(span.rough_millis().max(0)),
            _ => shortest(&sides.0),
        },
        ExprKind::Later(sides) => shortest(&sides.0).max(shortest(&sides.1)),
        ExprKind::Between(sides) => shortest(&sides.0).min(shortest(&sides.1)),
        ExprKind::NextAt(_, sides) | ExprKind::NextAnniversary(sides, _) => shortest(&sides.0),
        ExprKind::NextWithin(_, of) => shortest(of),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        let all: Vec<_> = [1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111].map(ordinal).into();
        assert_eq!(all.join(" "), "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 101st 111th");
    }
}
