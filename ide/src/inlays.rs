//! Faint words beside the source: how far a contact has come in time, when the lines of a test take place, what a message's
//! subject is, and what holds where nothing is said.

use journey_compiler::project::FileId;
use journey_grammar::ast::{self, Unit};
use journey_grammar::{Node, SyntaxKind, TextRange};

use crate::{Snapshot, moments};

/// A faint word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inlay {
    /// Behind this byte.
    pub at: u32,
    /// The word.
    pub text: String,
    /// What it means.
    pub tooltip: String,
}

/// The longest subject that is shown, in characters.
const MAX_SUBJECT: usize = 48;

/// The faint words of a file that lie in the range.
pub fn inlays(snapshot: &Snapshot, file: FileId, range: TextRange) -> Vec<Inlay> {
    let Some(tree) = snapshot.tree(file) else { return Vec::new() };
    let mut inlays = Vec::new();
    for item in tree.root().children() {
        if item.kind() == SyntaxKind::Test {
            inlays.extend(moments::of_test(item));
        }
        if !matches!(item.kind(), SyntaxKind::Journey | SyntaxKind::BareJourney) {
            continue;
        }
        inlays.extend(pressure(snapshot, item));
        steps(item, Some(Elapsed::default()), &mut inlays);
        reenter(item, &mut inlays);
        for send in item.descendants().filter(|node| node.kind() == SyntaxKind::SendStep) {
            inlays.extend(subject(snapshot, send));
        }
    }
    inlays.retain(|inlay| range.start <= inlay.at && inlay.at <= range.end);
    inlays.sort_by_key(|inlay| inlay.at);
    inlays
}

fn subject(snapshot: &Snapshot, send: Node<'_>) -> Option<Inlay> {
    let name = send.child(SyntaxKind::Name)?;
    let message = snapshot.declarations().messages.get(name.text())?;
    let subject = message.iter().find_map(|message| message.subject.as_deref())?;
    let mut text: String = subject.chars().take(MAX_SUBJECT).collect();
    if text.len() < subject.len() {
        text.push('…');
    }
    Some(Inlay { at: name.range().end, text: format!("“{text}”"), tooltip: "the message's subject".to_owned() })
}

/// How much one run can send.
fn pressure(snapshot: &Snapshot, journey: Node<'_>) -> Option<Inlay> {
    let name = journey.child(SyntaxKind::Name)?;
    let found = snapshot.compilation().pressure.iter().find(|pressure| pressure.journey == name.text())?;
    let messages = if found.per_week == 1 { "message" } else { "messages" };
    (found.per_week > 0).then(|| Inlay {
        at: name.range().end,
        text: format!("≤ {} {messages} in 7 days", found.per_week),
        tooltip: format!("the most marketing that one run can send to a contact; {} in 24 hours", found.per_day),
    })
}

/// `reenter never`, where the header does not say.
fn reenter(journey: Node<'_>, inlays: &mut Vec<Inlay>) {
    let clauses = || journey.children().filter(|child| is_clause(*child));
    if clauses().any(|clause| clause.kind() == SyntaxKind::ReenterClause) {
        return;
    }
    if let Some(trigger) = clauses().filter(|clause| clause.kind() == SyntaxKind::TriggerClause).last() {
        inlays.push(Inlay {
            at: trigger.range().end,
            text: "reenter never".to_owned(),
            tooltip: "a contact enters once, because nothing else is said".to_owned(),
        });
    }
}

fn is_clause(node: Node<'_>) -> bool {
    node.first_token().is_some_and(|token| token.kind().begins_clause())
}

/// How long a contact has been in the journey: at least and at most, in seconds.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Elapsed {
    least: u64,
    most: u64,
}

impl Elapsed {
    fn or(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }

    const fn plus(self, least: u64, most: u64) -> Self {
        Self { least: self.least.saturating_add(least), most: self.most.saturating_add(most) }
    }

    fn show(self) -> String {
        match (self.least, self.most) {
            (least, most) if least == most => format!("= {}", words(least)),
            (0, most) => format!("≤ {}", words(most)),
            (least, most) => format!("= {} to {}", words(least), words(most)),
        }
    }
}

const DAY: u64 = 86_400;

fn words(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / DAY, seconds % DAY / 3600, seconds % 3600 / 60);
    let parts = [(days, "d"), (hours, "h"), (minutes, "m")];
    let text: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if text.is_empty() { format!("{seconds}s") } else { text }
}

/// Goes through steps in their order; none when it cannot be known how long they take, or nobody comes out.
fn steps(around: Node<'_>, start: Option<Elapsed>, inlays: &mut Vec<Inlay>) -> Option<Elapsed> {
    let mut now = start;
    for step in around.children() {
        if is_clause(step) || step.kind() == SyntaxKind::Name {
            continue;
        }
        now = self::step(step, now?, inlays);
    }
    now
}

fn step(step: Node<'_>, now: Elapsed, inlays: &mut Vec<Inlay>) -> Option<Elapsed> {
    let bodies = || step.children().filter(|child| is_body(*child));
    match step.kind() {
        SyntaxKind::EndStep => None,
        SyntaxKind::WaitStep => {
            let mut spans = step.children().filter(|child| child.kind() == SyntaxKind::Literal).map(seconds);
            let least = spans.next()??;
            let most = match spans.next() {
                Some(most) => most?,
                None => least,
            };
            if step.child(SyntaxKind::WindowClause).is_some() {
                return None;
            }
            Some(tell(step, now.plus(least, most), inlays))
        }
        SyntaxKind::WaitForStep => {
            let limit = step.child(SyntaxKind::UpToClause)?;
            let most = limit.token(SyntaxKind::Duration).and_then(|token| duration(token.text()))?;
            if limit.child(SyntaxKind::WindowClause).is_some() {
                return None;
            }
            let late = Elapsed { least: now.least.saturating_add(most), most: now.most.saturating_add(most) };
            let otherwise = match step.child(SyntaxKind::ElseBranch) {
                Some(branch) => steps(branch, Some(late), inlays),
                None => Some(late),
            };
            let passed = now.plus(0, most);
            Some(tell(limit, otherwise.map_or(passed, |late| passed.or(late)), inlays))
        }
        SyntaxKind::IfStep => {
            let mut ends = Vec::new();
            let mut decided = false;
            for body in bodies() {
                decided |= body.kind() == SyntaxKind::ElseBranch;
                ends.push(enter(body, now, inlays));
            }
            if !decided {
                ends.push(Some(now));
            }
            merge(ends)
        }
        SyntaxKind::ChooseStep | SyntaxKind::SplitStep => {
            let arms = step.children().filter(|child| {
                matches!(child.kind(), SyntaxKind::ChooseArm | SyntaxKind::SplitArm | SyntaxKind::ElseBranch)
            });
            let mut ends: Vec<_> = arms.map(|arm| enter(arm, now, inlays)).collect();
            if step.kind() == SyntaxKind::ChooseStep && step.child(SyntaxKind::ElseBranch).is_none() {
                ends.push(Some(now));
            }
            merge(ends)
        }
        SyntaxKind::Block => steps(step, Some(now), inlays),
        SyntaxKind::WaitUntilStep
        | SyntaxKind::RaceStep
        | SyntaxKind::CountdownStep
        | SyntaxKind::RepeatStep
        | SyntaxKind::AskStep
        | SyntaxKind::CallStep
        | SyntaxKind::Error => None,
        _ => Some(now),
    }
}

fn is_body(node: Node<'_>) -> bool {
    matches!(node.kind(), SyntaxKind::Block | SyntaxKind::ElseBranch)
        || node.first_token().is_some_and(|token| token.kind().is_verb()) && is_step(node.kind())
}

fn is_step(kind: SyntaxKind) -> bool {
    format!("{kind:?}").ends_with("Step")
}

fn enter(node: Node<'_>, now: Elapsed, inlays: &mut Vec<Inlay>) -> Option<Elapsed> {
    match node.kind() {
        SyntaxKind::Block => steps(node, Some(now), inlays),
        SyntaxKind::ElseBranch | SyntaxKind::ChooseArm | SyntaxKind::SplitArm => {
            let body = node.children().filter(|child| is_body(*child)).last()?;
            enter(body, now, inlays)
        }
        _ => step(node, now, inlays),
    }
}

/// When the ways come together; those that end do not count.
fn merge(ends: Vec<Option<Elapsed>>) -> Option<Elapsed> {
    ends.into_iter().flatten().reduce(Elapsed::or)
}

fn tell(at: Node<'_>, now: Elapsed, inlays: &mut Vec<Inlay>) -> Elapsed {
    inlays.push(Inlay { at: at.range().end, text: now.show(), tooltip: "time since the contact entered".to_owned() });
    now
}

fn seconds(literal: Node<'_>) -> Option<u64> {
    duration(literal.token(SyntaxKind::Duration)?.text())
}

/// A duration in seconds; none where months and years make it depend on the day.
fn duration(text: &str) -> Option<u64> {
    ast::duration_parts(text)?.into_iter().try_fold(0u64, |sum, (count, unit)| {
        let one = match unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3600,
            Unit::Day => DAY,
            Unit::Week => 7 * DAY,
            _ => return None,
        };
        sum.checked_add(count.checked_mul(one)?)
    })
}
