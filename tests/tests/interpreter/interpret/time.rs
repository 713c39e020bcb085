//! When what comes next.

use super::values::{Tick, ticks};
use super::*;

impl<'p> World<'p> {
    /// When a run has something to do by itself: its wait is over, or time alone may have changed what it asks.
    fn due(&self, run: &Run<'p>) -> Instant {
        let (until, condition) = match &run.parked {
            Parked::Wait(until, wait) => (*until, wait.condition),
            Parked::Held(until) | Parked::Asking(_, _, until) | Parked::Collecting(until) => (*until, None),
            Parked::Nothing => (Instant::NEVER, None),
        };
        let mut moments = Vec::new();
        if run.leaving.is_none() {
            let journey = self.journey(run.journey);
            moments.extend(journey.exit_after.map(|days| self.days(run.entered, days)));
            for leave in journey.exits.iter().flat_map(|exit| &exit.when) {
                if let Leave::When(condition) = leave {
                    self.turns(condition, &mut moments);
                }
            }
        }
        if let Some(condition) = condition {
            self.turns(condition, &mut moments);
        }
        moments.into_iter().filter(|moment| *moment > self.now).chain([until]).min().unwrap_or(Instant::NEVER)
    }

    /// The moments at which time alone changes the condition.
    fn turns(&self, condition: &Cond, moments: &mut Vec<Instant>) {
        let events = |pattern: &Pattern, days: i32, moments: &mut Vec<Instant>| {
            let events = self.history.iter().filter(|(event, ..)| *event == pattern.event);
            moments.extend(events.map(|(.., at)| self.days(*at, days)));
        };
        let left = |of: usize, days: i32, left: &[(usize, Instant)], moments: &mut Vec<Instant>| {
            moments.extend(left.iter().filter(|(other, _)| *other == of).map(|(_, at)| self.days(*at, days)));
        };
        match condition {
            Cond::Did(pattern, _, Some(days), _)
            | Cond::DidNot(pattern, days)
            | Cond::DidOnDays(pattern, _, days)
            | Cond::SumAtLeast(_, pattern, Some(days), _) => events(pattern, *days, moments),
            Cond::OpenedAny(_, days) => {
                let opened = self.messages.iter().filter_map(|message| message.since(Status::Opened));
                moments.extend(opened.map(|at| self.days(at, *days)));
            }
            Cond::PlanChanged(_, _, Some(days)) => {
                moments.extend(self.changes.iter().map(|(.., at)| self.days(*at, *days)));
            }
            Cond::WasInStage(stage, days) => left(*stage, *days, &self.stages_left, moments),
            Cond::WasInJourney(journey, Some(days)) => left(*journey, *days, &self.journeys_left, moments),
            Cond::WasInSegment(segment, days) => {
                left(*segment, *days, &self.segments_left, moments);
                self.turns(&self.program.segments[*segment], moments);
            }
            Cond::InSegment(segment) => self.turns(&self.program.segments[*segment], moments),
            Cond::RenewalWithin(_) | Cond::Weekday(_) => moments.push(self.zone.next_day(self.now)),
            Cond::Within(place) => {
                let window = window(*place);
                moments.push(if self.zone.is_within(self.now, window) {
                    self.zone.next_outside(self.now, window)
                } else {
                    self.zone.next_within(self.now, window)
                });
            }
            // Consent that was given for a time ends with it.
            Cond::Consents(..) => moments.extend(self.consents.iter().map(|(.., until)| *until)),
            Cond::ScoreAbove(_) | Cond::ScoreFrom(_) => moments.extend(self.score_turns(condition)),
            Cond::Not(inner) => self.turns(inner, moments),
            Cond::And(sides) | Cond::Or(sides) => {
                self.turns(&sides.0, moments);
                self.turns(&sides.1, moments);
            }
            Cond::AtLeast(_, of) | Cond::Exactly(_, of) => of.iter().for_each(|one| self.turns(one, moments)),
            other => match ticks(other) {
                Tick::Never => {}
                Tick::Daily => moments.push(self.zone.next_day(self.now)),
                Tick::Hourly => moments.push(self.zone.next_hour(self.now)),
            },
        }
    }

    /// The first millisecond at which the score, fading, is on the other side.
    fn score_turns(&self, condition: &Cond) -> Option<Instant> {
        let now = self.score_holds(condition, self.now);
        let (mut low, mut high) = (self.now, Instant(self.now.0 + 400 * DAY));
        if self.score_holds(condition, high) == now {
            return None;
        }
        while high.0 - low.0 > 1 {
            let middle = Instant(i64::midpoint(low.0, high.0));
            if self.score_holds(condition, middle) == now { low = middle } else { high = middle }
        }
        if high.0 - self.now.0 < GLANCE {
            self.hasty.set(true);
        }
        Some(high)
    }

    fn next(&self) -> Instant {
        let mut segments = Vec::new();
        self.program.segments.iter().for_each(|segment| self.turns(segment, &mut segments));
        segments.retain(|moment| *moment > self.now);
        let moments = self.moments.iter().filter_map(|moment| moment.next);
        self.runs.iter().map(|run| self.due(run)).chain(segments).chain(moments).min().unwrap_or(Instant::NEVER)
    }

    pub(super) fn fire(&mut self, end: Instant) {
        while !self.over() {
            // Segments that time alone changes, then one run; when none is due any more, triggers on the calendar.
            self.settle();
            let went_on = self.wakes() || self.fire_moments();
            self.settle();
            if went_on || self.over() {
                continue;
            }
            let next = self.next();
            if next > end || next == Instant::NEVER {
                return;
            }
            if next > self.now {
                self.now = next;
                self.chain = 0;
            }
        }
    }

    /// Lets one run go on that must: of two that are due at one moment, that of the more important journey first.
    fn wakes(&mut self) -> bool {
        let due = |number: &usize| self.runs.iter().any(|run| run.number == *number && self.is_due(run));
        let run = self.active().into_iter().find(due).and_then(|number| self.take(number));
        run.map(|run| self.look_again(run)).is_some()
    }

    /// Whether the run must not stand still any longer.
    fn is_due(&self, run: &Run<'p>) -> bool {
        let until = match &run.parked {
            Parked::Wait(until, _) | Parked::Held(until) | Parked::Asking(_, _, until) | Parked::Collecting(until) => {
                *until
            }
            Parked::Nothing => Instant::NEVER,
        };
        let condition = match &run.parked {
            Parked::Wait(_, wait) => wait.condition,
            _ => None,
        };
        until <= self.now
            || self.exits(run).is_some()
            || condition.is_some_and(|condition| self.holds(condition, Some(run)))
    }
}
