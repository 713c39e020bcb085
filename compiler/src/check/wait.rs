//! Waits: everything becomes events, conditions and one deadline.

use journey_bytecode::{LocalWindow, Span, Time, Type, Value, WeekdaySet};

use super::expr::{Checker, Want, next_within, to_instant};
use super::report::Report;
use super::types::a;
use crate::diagnostic::{Applicability, Code, Edit};
use crate::hir::{self, Loc, TimeOut, Until};
use crate::typed::{Arm, Block, Deadline, Expr, ExprKind, Wait};

/// The most weeks that a wait may count through: ten years.
const MAX_WEEKS: i64 = 520;

impl Checker<'_> {
    pub(super) fn wait(&mut self, wait: &hir::Wait, head: Loc, inner: u16) -> Option<Box<Wait>> {
        let checked = self.any_wait(wait, head, inner)?;
        // An `else` without a time is told by itself.
        let otherwise = match wait {
            hir::Wait::Until { otherwise, .. } | hir::Wait::Event { otherwise, .. } => otherwise.is_some(),
            hir::Wait::For { .. } | hir::Wait::First { .. } => false,
        };
        if checked.deadline.is_none() && !otherwise {
            let time = if matches!(wait, hir::Wait::First { .. }) { "after 30d { end }" } else { "up to 30d else end" };
            self.no_end(head, "this wait may never end", "A contact to whom it never happens", time);
        }
        Some(checked)
    }

    /// A step that may stand still for ever.
    pub(super) fn no_end(&mut self, head: Loc, message: &str, who: &str, time: &str) {
        self.report(Code::NoEnd, head, message)
            .label("until when at the latest?")
            .note(format!("{who} stands here for ever, and cannot enter again."))
            .help(format!("say how long, and what then: `{time}`"));
    }

    fn any_wait(&mut self, wait: &hir::Wait, head: Loc, inner: u16) -> Option<Box<Wait>> {
        match wait {
            hir::Wait::For { length, longest, window } => self.wait_for(length, longest.as_ref(), *window),
            hir::Wait::Until { until, up_to, otherwise } => {
                let otherwise = otherwise.as_ref().map(|block| self.block(block, inner));
                self.wait_until(until, *up_to, otherwise, head)
            }
            hir::Wait::Event { pattern, from_now, up_to, otherwise } => {
                let checked = self.pattern(pattern);
                let otherwise = otherwise.as_ref().map(|block| self.block(block, inner));
                self.else_needs_time_out(otherwise.as_ref(), *up_to, head);
                Some(Box::new(Wait {
                    deadline: up_to.map(|up_to| self.deadline(up_to, head, otherwise.unwrap_or_default())),
                    arms: vec![Arm { pattern: checked?, from_now: *from_now, then: Vec::new() }],
                    conditions: Vec::new(),
                }))
            }
            hir::Wait::First { arms, after } => {
                let mut checked = Vec::with_capacity(arms.len());
                let mut wrong = false;
                for arm in arms {
                    let pattern = self.pattern(&arm.pattern);
                    let then = self.block(&arm.then, inner);
                    match pattern {
                        Some(pattern) => checked.push(Arm { pattern, from_now: arm.from_now, then }),
                        None => wrong = true,
                    }
                }
                let mut deadline = None;
                for (after, then) in after {
                    let then = self.block(then, inner);
                    if deadline.is_some() {
                        self.report(Code::DuplicateClause, after.loc, "a race has one time-out")
                            .label("given again")
                            .help("the shortest one always comes first; keep that one");
                        continue;
                    }
                    deadline = Some(self.deadline(*after, after.loc, then));
                }
                (!wrong).then(|| Box::new(Wait { deadline, arms: checked, conditions: Vec::new() }))
            }
        }
    }

    /// `wait 2d`, `wait 1d to 3d`, `wait 4h within weekdays 09:00 to 17:00`
    fn wait_for(
        &mut self,
        length: &hir::Expr,
        longest: Option<&hir::Expr>,
        window: Option<LocalWindow>,
    ) -> Option<Box<Wait>> {
        let shortest = self.length(length);
        let longest = match longest {
            Some(longest) => Some(self.length(longest)?),
            None => None,
        };
        let shortest = shortest?;
        let loc = length.loc;
        if let (ExprKind::Const(Value::Span(a)), Some(ExprKind::Const(Value::Span(b)))) =
            (&shortest.kind, longest.as_ref().map(|longest| &longest.kind))
            && a.rough_millis() >= b.rough_millis()
        {
            self.report(Code::ImpossibleValue, loc, "the shortest time is not shorter than the longest")
                .label("nothing in between")
                .help("write the shorter one first: `wait 1d to 3d`");
            return None;
        }
        let at = self.over(shortest, window, loc);
        let at = match longest {
            Some(longest) => {
                let sides = Box::new((at, self.over(longest, window, loc)));
                let between = Expr { kind: ExprKind::Between(sides), ty: Some(Type::DateTime), loc };
                match window {
                    Some(window) => next_within(window, between),
                    None => between,
                }
            }
            None => at,
        };
        Some(moment(at, None))
    }

    /// When a length of time from the wait's beginning is over.
    fn over(&mut self, length: Expr, window: Option<LocalWindow>, loc: Loc) -> Expr {
        let kind = match window {
            Some(window) => {
                if let ExprKind::Const(Value::Span(span)) = &length.kind {
                    self.counts(*span, window, length.loc);
                }
                ExprKind::AddWithin(window, Box::new((wait_start(loc), length)))
            }
            None => ExprKind::Arithmetic(Box::new(wait_start(loc)), vec![(hir::ArithmeticOp::Add, length)]),
        };
        Expr { kind, ty: Some(Type::DateTime), loc }
    }

    /// Sees to it that so much time inside the window comes together in a time that a contact may live to see.
    fn counts(&mut self, span: Span, window: LocalWindow, loc: Loc) {
        if span.months != 0 {
            self.report(Code::ImpossibleValue, loc, "months and years are not counted within a window")
                .label("in days or hours?")
                .help("write it in days or hours: `20d`, `8h`");
            return;
        }
        let length = match (i64::from(window.to.0) - i64::from(window.from.0)).rem_euclid(86_400) {
            0 => 86_400,
            length => length,
        };
        let days = i64::from(window.days.0.count_ones()).max(1);
        let weeks = (i64::from(span.days) / days).saturating_add(span.millis / (length * 1000) / days);
        if weeks > MAX_WEEKS {
            self.report(Code::ImpossibleValue, loc, "so much time within the window takes more than ten years")
                .label("too long for this window")
                .help("wait for less, or widen the window");
        }
    }

    /// The end of a wait that waits for something else.
    fn deadline(&mut self, after: TimeOut, loc: Loc, then: Block) -> Deadline {
        Deadline { at: self.time_out(after, loc), then, required: false, past: None }
    }

    /// When the longest time is over.
    pub(super) fn time_out(&mut self, after: TimeOut, loc: Loc) -> Expr {
        let length = Expr::constant(Value::Span(after.span), Type::Duration, after.loc);
        self.over(length, after.window, loc)
    }

    /// A length of time.
    fn length(&mut self, length: &hir::Expr) -> Option<Expr> {
        let checked = self.expr(length, Want::Type(&Type::Duration));
        let loc = checked.loc;
        match &checked.ty {
            None => return None,
            Some(Type::Duration) => {}
            Some(ty) => {
                let source = self.text.show(loc);
                let report =
                    self.report(Code::TypeMismatch, loc, format!("`wait` needs a duration, and this is {}", a(ty)));
                match ty {
                    Type::DateTime | Type::Date | Type::Time | Type::Bool => {
                        report.label("no duration").help(format!("write `wait until {source}`"));
                    }
                    Type::Number => report.label("of what?").help(format!("give it a unit: `wait {source}d`")),
                    _ => report.label("no duration").help("write a duration such as `2d`, `12h` or `30m`"),
                }
                return None;
            }
        }
        if let ExprKind::Const(Value::Span(span)) = &checked.kind
            && span.rough_millis() <= 0
        {
            self.report(Code::ImpossibleValue, loc, "this wait is over before it begins")
                .label("no time at all")
                .help("wait for at least a second, or remove the step");
            return None;
        }
        Some(checked)
    }

    fn wait_until(
        &mut self,
        until: &Until,
        up_to: Option<TimeOut>,
        otherwise: Option<Block>,
        head: Loc,
    ) -> Option<Box<Wait>> {
        match until {
            Until::Error => None,
            Until::Clock(days, time) => {
                self.always_comes(up_to, otherwise.as_ref(), head);
                Some(moment(next_at(*days, wait_start(head), *time), None))
            }
            Until::Window(window) => {
                self.always_comes(up_to, otherwise.as_ref(), head);
                Some(moment(next_within(*window, wait_start(head)), None))
            }
            Until::Expr(e, at) => self.until_expr(e, *at, up_to, otherwise, head),
        }
    }

    fn until_expr(
        &mut self,
        e: &hir::Expr,
        at: Option<Time>,
        up_to: Option<TimeOut>,
        otherwise: Option<Block>,
        head: Loc,
    ) -> Option<Box<Wait>> {
        let checked = self.expr(e, Want::Type(&Type::DateTime));
        let loc = checked.loc;
        let ty = checked.ty.clone()?;
        let at_moment = match (&ty, at) {
            (Type::Bool, None) => {
                self.else_needs_time_out(otherwise.as_ref(), up_to, head);
                return Some(Box::new(Wait {
                    deadline: up_to.map(|up_to| self.deadline(up_to, head, otherwise.unwrap_or_default())),
                    arms: Vec::new(),
                    conditions: vec![(checked, Vec::new())],
                }));
            }
            (Type::DateTime, None) => checked,
            (Type::Date, None) => to_instant(checked),
            (Type::Date, Some(time)) => next_at(WeekdaySet::ALL, to_instant(checked), time),
            (Type::DateTime, Some(time)) => {
                let day = Expr { kind: ExprKind::DayOf(Box::new(checked)), ty: Some(Type::Date), loc };
                next_at(WeekdaySet::ALL, to_instant(day), time)
            }
            (Type::Time, None) => {
                self.always_comes(up_to, otherwise.as_ref(), head);
                let sides = Box::new((wait_start(head), checked));
                Expr { kind: ExprKind::NextAt(WeekdaySet::ALL, sides), ty: Some(Type::DateTime), loc }
            }
            (ty, _) => {
                let source = self.text.show(loc);
                let message = format!("`wait until` needs a moment or a condition, and this is {}", a(ty));
                let report = self.report(Code::NotAMoment, loc, message).label("when is that?");
                if *ty == Type::Duration {
                    let edit = Edit { span: report.span_of(head), text: format!("wait {source}") };
                    report
                        .fix(format!("Write `wait {source}`"), Applicability::Safe, vec![edit])
                        .help(format!("a length of time is waited for with `wait {source}`"));
                } else {
                    report.help(
                        "write a moment such as `trigger.starts_at - 1d`, a time such as `09:00`, or a condition",
                    );
                }
                return None;
            }
        };
        if up_to.is_some() {
            self.report(Code::UselessPart, head, "`up to` belongs to a wait for an event or a condition")
                .label("this moment comes by itself")
                .help("remove `up to ..`");
        }
        Some(moment(at_moment, otherwise))
    }

    /// Time of day and windows come again and again: there is nothing to limit and nothing else to do.
    fn always_comes(&mut self, up_to: Option<TimeOut>, otherwise: Option<&Block>, head: Loc) {
        if up_to.is_none() && otherwise.is_some() && self.bare_steps.contains(&head) {
            let report =
                self.report(Code::UselessPart, head, "this moment always comes, and the `else` belongs to the wait");
            in_braces(report, head, Applicability::Safe)
                .help("put the wait in braces, so that the `else` belongs to the `if`: `if opened { wait until 09:00 } else end`");
            return;
        }
        if up_to.is_some() || otherwise.is_some() {
            let word = if up_to.is_some() { "up to" } else { "else" };
            self.report(Code::UselessPart, head, format!("this moment always comes, so `{word}` never matters"))
                .label("comes by itself")
                .help(format!("remove `{word} ..`"));
        }
    }

    pub(super) fn else_needs_time_out(&mut self, otherwise: Option<&Block>, up_to: Option<TimeOut>, head: Loc) {
        if otherwise.is_some() && up_to.is_none() && self.bare_steps.contains(&head) {
            let message = "there is no time-out here, and the `else` belongs to the wait";
            in_braces(self.report(Code::UselessPart, head, message), head, Applicability::Unsafe)
                .help("put the wait in braces, so that the `else` belongs to the `if`; or say how long it takes at most: `up to 3d else ..`");
            return;
        }
        if otherwise.is_some() && up_to.is_none() {
            self.report(Code::UselessPart, head, "there is no time-out here, so the `else` is never taken")
                .label("waits for ever")
                .help("say how long: `up to 3d else ..`");
        }
    }
}

/// An `else` goes with the nearest step that can have one: offers braces around the wait.
fn in_braces<'r, 'a>(report: Report<'r, 'a>, head: Loc, applicability: Applicability) -> Report<'r, 'a> {
    let span = report.span_of(head);
    let edit = |span, text: &str| Edit { span, text: text.to_owned() };
    let edits = vec![edit(span.before(), "{ "), edit(span.after(), " }")];
    report.label("its `else` is never taken").fix("Put the wait in braces", applicability, edits)
}

pub(super) fn wait_start(loc: Loc) -> Expr {
    Expr { kind: ExprKind::WaitStart, ty: Some(Type::DateTime), loc }
}

pub(super) fn next_at(days: WeekdaySet, from: Expr, time: Time) -> Expr {
    let loc = from.loc;
    let time = Expr::constant(Value::Time(time), Type::Time, loc);
    Expr { kind: ExprKind::NextAt(days, Box::new((from, time))), ty: Some(Type::DateTime), loc }
}

/// A wait for a moment.
fn moment(at: Expr, past: Option<Block>) -> Box<Wait> {
    Box::new(Wait {
        deadline: Some(Deadline { at, then: Vec::new(), required: false, past }),
        arms: Vec::new(),
        conditions: Vec::new(),
    })
}
