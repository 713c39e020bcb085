//! When what comes next.

use super::*;

impl<'p> World<'p> {
    /// When a run has something to do by itself: its wait is over, or time alone may have changed what it asks.
    pub(super) fn due(&self, run: &Run<'p>) -> Instant {
        let (until, condition) = match &run.parked {
            Parked::Wait(until, _, condition, _) => (*until, *condition),
            Parked::Held(until) => (*until, None),
            Parked::Nothing => (Instant::NEVER, None),
        };
        let mut moments = vec![until];
        for exit in &self.journey(run.journey).exits {
            if let Exit::When(condition) = exit {
                self.turns(condition, &mut moments);
            }
        }
        if let Some(condition) = condition {
            self.turns(condition, &mut moments);
        }
        moments.into_iter().filter(|moment| *moment > self.now || *moment == until).min().unwrap_or(Instant::NEVER)
    }

    /// The moments at which time alone changes the condition.
    pub(super) fn turns(&self, condition: &Cond, moments: &mut Vec<Instant>) {
        match condition {
            Cond::Did(pattern, _, Some(days), _) => {
                let events = self.history.iter().filter(|(event, ..)| *event == pattern.event);
                moments.extend(events.map(|(.., at)| self.days(*at, *days)));
            }
            Cond::OpenedAny(days) => {
                moments.extend(self.messages.iter().filter_map(|m| m.opened).map(|at| self.days(at, *days)));
            }
            Cond::Not(inner) => self.turns(inner, moments),
            Cond::And(sides) | Cond::Or(sides) => {
                self.turns(&sides.0, moments);
                self.turns(&sides.1, moments);
            }
            _ => {}
        }
    }

    pub(super) fn fire(&mut self, end: Instant) {
        loop {
            let Some(next) = self.runs.iter().map(|run| self.due(run)).min().filter(|next| *next <= end) else {
                return;
            };
            let due: BTreeSet<usize> =
                self.runs.iter().filter(|run| self.due(run) == next).map(|run| run.number).collect();
            self.now = self.now.max(next);
            for number in self.active() {
                if due.contains(&number)
                    && let Some(run) = self.take(number)
                {
                    self.wake(run);
                    self.settle();
                }
            }
        }
    }

    pub(super) fn wake(&mut self, mut run: Run<'p>) {
        if self.exits(&run) {
            return self.end(run, "exit");
        }
        match run.parked.clone() {
            Parked::Wait(until, _, condition, then) => {
                if until <= self.now {
                    self.say(run.journey, "goes on: time");
                    run.frames.push(Frame::Block(then, 0));
                    self.go(run);
                } else if condition.is_some_and(|condition| self.holds(condition, Some(&run))) {
                    self.say(run.journey, "goes on: condition");
                    self.go(run);
                } else {
                    self.put(run);
                }
            }
            Parked::Held(until) if until <= self.now => {
                self.say(run.journey, "goes on: window");
                self.go(run);
            }
            _ => self.put(run),
        }
    }
}
