//! When steps happen: what the clock can show at each, and which moments are past by then.

use std::rc::Rc;

use journey_bytecode::{LocalWindow, Purpose, Time, Value, Weekday, WeekdaySet};
use smallvec::{SmallVec, smallvec};

use crate::diagnostic::{Code, Diagnostic};
use crate::hir::{ArithmeticOp, Loc};
use crate::typed::{Block, Deadline, Expr, ExprKind, Journey, On, Place, Step, StepKind, Wait};

use super::pressure::DAY;
use super::{Scene, length};

/// A day, in minutes.
const MINUTES: u16 = 24 * 60;

/// The most stretches of the week that are told apart.
const MAX_PARTS: usize = 8;

/// The most moments that are kept in mind.
const MAX_PAST: usize = 16;

/// A stretch of a day, on some days of the week.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Part {
    days: WeekdaySet,
    /// Minutes from midnight.
    from: u16,
    /// Not part of it; a moment is a minute long. At most [`MINUTES`].
    to: u16,
}

/// What the clock can show, and the step that made it so.
struct Shown {
    parts: SmallVec<[Part; 2]>,
    since: Loc,
}

/// What is known of the present at a place.
#[derive(Clone, Default)]
struct Known {
    /// What the clock can show; anything without. Ways that part share it.
    clock: Option<Rc<Shown>>,
    /// Moments that are past: what they are counted from, how many milliseconds after it, and the wait.
    past: Vec<(Base, i64, Loc)>,
}

/// What moments are counted from; it never changes while a run goes on.
#[derive(Clone, PartialEq, Debug)]
enum Base {
    Place(Place),
    /// The wall clock's zero.
    Wall,
}

/// Follows a journey, and tells of sends that always wait for a window and of moments that are always past.
pub(super) fn journey(scene: &Scene<'_>, journey: &Journey, found: &mut Vec<Diagnostic>) {
    // Where channels have quiet hours of their own, no window holds for all messages.
    let quiet = scene.index.policy.quiet_hours.filter(|_| scene.index.policy.quiet_channels.is_empty());
    let mut clock = Clock { scene, journey, found };
    if let (Some(hours), Some(quiet)) = (journey.hours, quiet)
        && never_open(hours, quiet)
    {
        let message = format!("no message of `{}` can ever leave: its hours lie within the quiet hours", journey.name);
        clock.found.push(
            Diagnostic::new(Code::NeverOpen, scene.text.span(journey.head), message)
                .label(format!("hours {}", hours))
                .note(format!("The policy keeps quiet {}.", quiet))
                .help("choose `hours` that leave some time outside of the quiet hours"),
        );
        return;
    }
    let mut begin: Option<Known> = None;
    for trigger in &journey.triggers {
        let parts = match &trigger.kind {
            On::Moment(at) => parts_of(at, &Known::default()),
            _ => None,
        };
        let clock = parts.map(|parts| Rc::new(Shown { parts, since: trigger.loc }));
        let known = Known { clock, past: Vec::new() };
        begin = Some(begin.map_or(known.clone(), |begin| join(begin, known)));
    }
    clock.block(&journey.body, begin.unwrap_or_default());
}

struct Clock<'a> {
    scene: &'a Scene<'a>,
    journey: &'a Journey,
    found: &'a mut Vec<Diagnostic>,
}

impl Clock<'_> {
    fn block(&mut self, block: &Block, mut known: Known) -> Option<Known> {
        for step in block {
            known = self.step(step, known)?;
        }
        Some(known)
    }

    fn step(&mut self, step: &Step, known: Known) -> Option<Known> {
        Some(match &step.kind {
            // What goes to somebody else leaves at once; of the rest nothing can be said where the clock may show anything.
            StepKind::Send(send) if send.to.is_some() || known.clock.is_none() => known,
            StepKind::Send(send) => {
                let marketing = (send.choices.iter()).all(|(channel, message)| {
                    self.scene.purpose(self.journey, *channel, message) == Purpose::Marketing
                });
                let mut quiet = send.choices.iter().map(|(channel, _)| self.scene.index.policy.quiet(*channel));
                let first = quiet.next().flatten().filter(|_| marketing);
                let quiet = first.filter(|first| quiet.all(|other| other == Some(*first)));
                self.send(step, quiet, known)
            }
            StepKind::Wait(wait) => return self.wait(wait, step, known),
            StepKind::End => return None,
            StepKind::StopJourney(name) if *name == self.journey.name => return None,
            StepKind::If { then, otherwise, .. } => {
                let yes = self.block(then, known.clone());
                let no = self.block(otherwise, known);
                return either(yes, no);
            }
            StepKind::Sequence(steps) => return self.block(steps, known),
            StepKind::Repeat { body, .. } => {
                // The second time begins at another moment than the first: only what is past stays so.
                let again = Known { clock: None, past: known.past };
                return self.block(body, again);
            }
            StepKind::Choose { arms, otherwise, .. } => {
                let mut after = match otherwise {
                    Some(otherwise) => self.block(otherwise, known.clone()),
                    None => Some(known.clone()),
                };
                for (_, then) in arms {
                    let arm = self.block(then, known.clone());
                    after = either(after, arm);
                }
                return after;
            }
            other => {
                let blocks = other.blocks();
                if blocks.is_empty() {
                    return Some(known);
                }
                // Whatever else has steps inside may take its time before them.
                let begin = match other {
                    StepKind::Split(..) => known,
                    _ => Known { clock: None, past: known.past },
                };
                let mut after = None;
                for block in blocks {
                    let way = self.block(block, begin.clone());
                    after = either(after, way);
                }
                return after;
            }
        })
    }

    fn send(&mut self, step: &Step, quiet: Option<LocalWindow>, known: Known) -> Known {
        let hours = self.journey.hours;
        let Some(shown) = known.clock.clone() else { return known };
        let Shown { parts, since } = &*shown;
        let closed = |day: u8, minute: u16| {
            quiet.is_some_and(|quiet| is_within(quiet, day, minute))
                || hours.is_some_and(|hours| !is_within(hours, day, minute))
        };
        let edges: Vec<u16> =
            [quiet, hours].into_iter().flatten().flat_map(|w| [minute_of(w.from), minute_of(w.to)]).collect();
        let always = !parts.is_empty() && parts.iter().all(|part| moments(*part, &edges).all(|(d, m)| closed(d, m)));
        if always {
            let by_quiet = quiet
                .is_some_and(|quiet| parts.iter().all(|p| moments(*p, &edges).all(|(d, m)| is_within(quiet, d, m))));
            let (what, hours) = match (quiet, hours) {
                (Some(quiet), _) if by_quiet => ("the quiet hours of the policy", quiet),
                (_, Some(hours)) => ("the hours of this journey", hours),
                _ => return known,
            };
            let text = self.scene.text;
            let source = text.show(step.head);
            self.found.push(
                Diagnostic::new(Code::AlwaysDeferred, text.span(step.head), format!("`{source}` never leaves at once"))
                    .label(format!("here it is {}", in_words(parts)))
                    .also(text.span(*since), "the time is set here")
                    .note(format!("It always waits for {what}, which are {}.", hours))
                    .help("choose a time at which it may leave"),
            );
        }
        // What was held back leaves at another time.
        let sure = parts.iter().all(|part| moments(*part, &edges).all(|(day, minute)| !closed(day, minute)));
        Known { clock: known.clock.filter(|_| sure), ..known }
    }

    fn wait(&mut self, wait: &Wait, step: &Step, known: Known) -> Option<Known> {
        let mut after = None;
        for then in wait.arms.iter().map(|arm| &arm.then).chain(wait.conditions.iter().map(|(_, then)| then)) {
            let way = self.block(then, Known { clock: None, past: known.past.clone() });
            after = either(after, way);
        }
        if let Some(Deadline { at, then, past, .. }) = &wait.deadline {
            let alone = wait.arms.is_empty() && wait.conditions.is_empty();
            // What is counted from the wait's beginning is to come.
            let relative =
                matches!(&at.kind, ExprKind::Arithmetic(from, _) if matches!(from.kind, ExprKind::WaitStart));
            let counted = if relative { None } else { moment(at) };
            let gone = alone && !relative && self.gone(at, counted.as_ref(), &known);
            let clock = parts_of(at, &known).map(|parts| Rc::new(Shown { parts, since: step.head }));
            let before = past.as_ref().map(|past| (past, known.clone()));
            let mut due = Known { clock, past: known.past };
            // A moment that may be past is no time of day.
            if !gone && let Some((base, offset)) = counted {
                if due.past.len() < MAX_PAST {
                    due.past.push((base, offset, step.head));
                }
                let may_be_past = alone && !matches!(at.kind, ExprKind::NextAt(..) | ExprKind::NextWithin(..));
                due.clock = due.clock.filter(|_| !may_be_past);
            }
            let way = self.block(then, due);
            after = either(after, way);
            if let Some((past, before)) = before {
                let way = self.block(past, before);
                after = either(after, way);
            }
        }
        after
    }

    /// Whether the moment is past whenever a contact comes here; says so.
    fn gone(&mut self, at: &Expr, counted: Option<&(Base, i64)>, known: &Known) -> bool {
        let text = self.scene.text;
        let d = |message: String| Diagnostic::new(Code::AlreadyPast, text.span(at.loc), message);
        if let Some(offset) = from_now(at).filter(|offset| *offset <= 0) {
            let when = if offset == 0 { "now".to_owned() } else { format!("{} ago", length(-offset)) };
            self.found.push(
                d(format!("`{}` is always past, so this wait is over at once", text.show(at.loc)))
                    .label(format!("that is {when}"))
                    .help("name a moment to come, such as `now + 2d`, or write `wait 2d`"),
            );
            return true;
        }
        let Some((base, offset)) = counted else { return false };
        let Some((_, _, before)) = known.past.iter().find(|(past, by, _)| past == base && offset <= by) else {
            return self.passed(at, base, *offset);
        };
        self.found.push(
            d(format!("`{}` is past when a contact comes here", text.show(at.loc)))
                .label("over at once")
                .also(text.span(*before), "this wait lasts as long or longer")
                .help("write the waits in the order in which their moments come"),
        );
        true
    }

    /// Whether a day written out is over, as far as the present day is told.
    fn passed(&mut self, at: &Expr, base: &Base, offset: i64) -> bool {
        let (Some(today), Base::Wall) = (self.scene.today, base) else { return false };
        let day = offset.div_euclid(DAY);
        let ago = i64::from(today.0) - day;
        if ago <= 0 {
            return false;
        }
        let text = self.scene.text;
        let message = format!("`{}` is past, so this wait is over at once", text.show(at.loc));
        self.found.push(
            Diagnostic::new(Code::PastDate, text.span(at.loc), message)
                .label(format!("{} ago", length(ago.saturating_mul(DAY))))
                .help("name a day to come, or remove the wait"),
        );
        true
    }
}

/// How far from the present the moment is, if that is all that it depends on: at most, for a whole day.
fn from_now(at: &Expr) -> Option<i64> {
    match &at.kind {
        ExprKind::Now | ExprKind::Today => Some(0),
        ExprKind::ToInstant(of) | ExprKind::DayOf(of) => from_now(of),
        ExprKind::Arithmetic(first, rest) => moved(from_now(first)?, rest),
        _ => None,
    }
}

/// A moment that is always the same for a run: what it is counted from, and how many milliseconds after that.
fn moment(at: &Expr) -> Option<(Base, i64)> {
    match &at.kind {
        ExprKind::Place(place @ (Place::Trigger(_) | Place::Slot(_)), _) => Some((Base::Place(place.clone()), 0)),
        ExprKind::Const(Value::Date(date)) => Some((Base::Wall, i64::from(date.0).saturating_mul(DAY))),
        ExprKind::Const(Value::Local(wall)) => Some((Base::Wall, *wall)),
        ExprKind::ToInstant(of) => moment(of),
        ExprKind::Arithmetic(first, rest) => {
            let (base, offset) = moment(first)?;
            Some((base, moved(offset, rest)?))
        }
        // The time on a day: as long as the day itself is known.
        ExprKind::NextAt(days, sides) if *days == WeekdaySet::ALL => match (&sides.0.kind, &sides.1.kind) {
            (ExprKind::ToInstant(_), ExprKind::Const(Value::Time(time))) => {
                let (base, offset) = moment(&sides.0)?;
                matches!(base, Base::Wall).then(|| (base, offset.saturating_add(millis_of(*time))))
            }
            _ => None,
        },
        _ => None,
    }
}

fn moved(offset: i64, by: &[(ArithmeticOp, Expr)]) -> Option<i64> {
    by.iter().try_fold(offset, |sum, (op, operand)| match (&operand.kind, op) {
        (ExprKind::Const(Value::Span(span)), ArithmeticOp::Add) => Some(sum.saturating_add(span.rough_millis())),
        (ExprKind::Const(Value::Span(span)), ArithmeticOp::Subtract) => Some(sum.saturating_sub(span.rough_millis())),
        _ => None,
    })
}

fn millis_of(time: Time) -> i64 {
    i64::from(minute_of(time)).saturating_mul(60_000)
}

fn minute_of(time: Time) -> u16 {
    u16::try_from(time.0 / 60).unwrap_or(MINUTES) % MINUTES
}

/// What the clock shows at the moment; none if it may show anything.
fn parts_of(at: &Expr, known: &Known) -> Option<SmallVec<[Part; 2]>> {
    match &at.kind {
        ExprKind::NextAt(days, sides) => match sides.1.kind {
            ExprKind::Const(Value::Time(time)) => Some(smallvec![instant(*days, time)]),
            _ => None,
        },
        ExprKind::NextAnniversary(_, time) => Some(smallvec![instant(WeekdaySet::ALL, *time)]),
        ExprKind::NextWithin(window, _) => Some(parts_of_window(*window)),
        // So many whole days later the clock shows the same.
        ExprKind::Arithmetic(first, rest) if matches!(first.kind, ExprKind::WaitStart) => {
            let shown = known.clock.as_ref()?;
            let [(ArithmeticOp::Add, Expr { kind: ExprKind::Const(Value::Span(span)), .. })] = rest.as_slice() else {
                return None;
            };
            (span.millis == 0).then(|| {
                let turned = |part: &Part| Part {
                    days: if span.months == 0 { turn(part.days, span.days) } else { WeekdaySet::ALL },
                    ..*part
                };
                shown.parts.iter().map(turned).collect()
            })
        }
        _ => None,
    }
}

fn instant(days: WeekdaySet, time: Time) -> Part {
    let from = minute_of(time);
    Part { days: some(days), from, to: from + 1 }
}

/// No day at all means every day.
fn some(days: WeekdaySet) -> WeekdaySet {
    if Weekday::ALL.into_iter().any(|day| days.contains(day)) { days } else { WeekdaySet::ALL }
}

fn turn(days: WeekdaySet, by: i32) -> WeekdaySet {
    let by = usize::try_from(by.rem_euclid(7)).unwrap_or_default();
    let moved = Weekday::ALL.into_iter().enumerate().filter(|(_, day)| days.contains(*day));
    let moved = moved.filter_map(|(n, _)| Weekday::ALL.get((n + by) % 7).copied());
    moved.map(WeekdaySet::only).reduce(WeekdaySet::with).unwrap_or(WeekdaySet::ALL)
}

fn parts_of_window(window: LocalWindow) -> SmallVec<[Part; 2]> {
    let (from, to, days) = (minute_of(window.from), minute_of(window.to), some(window.days));
    if from < to {
        smallvec![Part { days, from, to }]
    } else {
        // Overnight: its day is that on which it begins.
        smallvec![Part { days, from, to: MINUTES }, Part { days: turn(days, 1), from: 0, to }]
    }
}

/// Moments of the part between which nothing changes: its first one, its last one, and those beside the edges inside.
fn moments(part: Part, edges: &[u16]) -> impl Iterator<Item = (u8, u16)> {
    let last = part.to.saturating_sub(1);
    let inside: Vec<u16> = [part.from, last]
        .into_iter()
        .chain(edges.iter().flat_map(|edge| [*edge, edge.saturating_sub(1)]))
        .filter(|minute| (part.from..=last).contains(minute))
        .collect();
    (0..7_u8)
        .filter(move |day| Weekday::ALL.get(usize::from(*day)).is_some_and(|day| part.days.contains(*day)))
        .flat_map(move |day| inside.clone().into_iter().map(move |minute| (day, minute)))
}

fn is_within(window: LocalWindow, day: u8, minute: u16) -> bool {
    let (from, to, days) = (minute_of(window.from), minute_of(window.to), some(window.days));
    let on = |day: u8| Weekday::ALL.get(usize::from(day % 7)).is_some_and(|day| days.contains(*day));
    if from < to {
        on(day) && (from..to).contains(&minute)
    } else {
        on(day) && minute >= from || on(day + 6) && minute < to
    }
}

/// Whether all of the hours lie within the quiet ones.
fn never_open(hours: LocalWindow, quiet: LocalWindow) -> bool {
    let edges = [minute_of(quiet.from), minute_of(quiet.to)];
    parts_of_window(hours).into_iter().all(|part| moments(part, &edges).all(|(day, m)| is_within(quiet, day, m)))
}

fn join(a: Known, b: Known) -> Known {
    let clock = match (a.clock, b.clock) {
        (Some(a), Some(b)) if Rc::ptr_eq(&a, &b) => Some(a),
        (Some(a), Some(b)) => {
            let mut parts = a.parts.clone();
            for part in &b.parts {
                if !parts.contains(part) {
                    parts.push(*part);
                }
            }
            (parts.len() <= MAX_PARTS).then(|| Rc::new(Shown { parts, since: a.since }))
        }
        _ => None,
    };
    let mut past = a.past;
    past.retain(|past| b.past.contains(past));
    Known { clock, past }
}

fn either(a: Option<Known>, b: Option<Known>) -> Option<Known> {
    match (a, b) {
        (Some(a), Some(b)) => Some(join(a, b)),
        (one, None) | (None, one) => one,
    }
}

fn in_words(parts: &[Part]) -> String {
    let time = |minute: u16| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    let one = |part: &Part| {
        let days = if part.days == WeekdaySet::ALL { String::new() } else { format!("{} ", part.days) };
        match part.to - part.from {
            1 => format!("{days}{}", time(part.from)),
            _ => format!("{days}{} to {}", time(part.from), time(part.to)),
        }
    };
    parts.iter().map(one).collect::<Vec<_>>().join(" or ")
}
