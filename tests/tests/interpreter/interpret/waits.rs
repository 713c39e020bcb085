//! Waits and questions: how they begin, and what ends them.

use super::*;

impl<'p> World<'p> {
    /// When it is; none if there is no such moment.
    pub(super) fn moment(&self, when: When) -> Option<Instant> {
        match when {
            When::At(moment) => Some(moment),
            When::Renewal(days, hour) => {
                let wall = i64::from(self.renewal? + days) * DAY + i64::from(hour.unwrap_or(0)) * HOUR;
                Some(self.zone.instant(wall))
            }
        }
    }

    /// Waits for a moment alone.
    pub(super) fn wait_until(&mut self, run: Run<'p>, until: Instant) -> Option<Run<'p>> {
        let when = When::At(until);
        self.wait(run, Wait { when, arms: Vec::new(), condition: None, then: NOTHING, past: None })
    }

    /// Begins to wait. The run comes back if it goes on at once.
    pub(super) fn wait(&mut self, mut run: Run<'p>, wait: Wait<'p>) -> Option<Run<'p>> {
        // What a message has come to already counts, and so does what happened since entry and no wait has used.
        let status = |what: &For| match what {
            For::OpenedFirst => Some((run.first?, Status::Opened)),
            For::ClickedLink => Some((run.first?, Status::Clicked)),
            For::ClickedLast => Some((run.last?, Status::Clicked)),
            _ => None,
        };
        let known = wait.arms.iter().find_map(|Arm { what, from_now, then }| {
            let (place, status) = status(what).filter(|_| !from_now)?;
            self.messages[place].has(status).then_some((status.word().to_owned(), *then))
        });
        let earlier = || {
            run.unused.iter().enumerate().find_map(|(place, happening)| {
                let fits = |arm: &&Arm<'p>| !arm.from_now && self.meets(&run, arm.what, happening);
                wait.arms.iter().find(fits).map(|arm| (place, arm.then))
            })
        };
        let goes_on = match known {
            Some(known) => Some(known),
            None => earlier().map(|(place, then)| (run.unused.remove(place).name(), then)),
        };
        if let Some((by, then)) = goes_on {
            self.say(run.journey, &format!("goes on: {by}"));
            run.frames.push(Frame::Block(then, 0));
            return Some(run);
        }
        if wait.condition.is_some_and(|condition| self.holds(condition, Some(&run))) {
            self.say(run.journey, "goes on: condition");
            return Some(run);
        }
        let moment = self.moment(wait.when);
        let (then, parks) = match moment {
            _ if self.is_hopeless(&run, &wait) => (wait.then, None),
            Some(moment) if moment > self.now => (wait.then, Some(moment)),
            Some(moment) if moment == self.now => (wait.then, None),
            _ => (wait.past.unwrap_or(wait.then), None),
        };
        let Some(until) = parks else {
            self.say(run.journey, "goes on: time");
            run.frames.push(Frame::Block(then, 0));
            return Some(run);
        };
        self.say(run.journey, &format!("waits until {}", until.0 - START.0));
        self.park(run, Parked::Wait(until, wait));
        None
    }

    /// Nobody opens what was not sent.
    fn is_hopeless(&self, run: &Run<'p>, wait: &Wait<'p>) -> bool {
        let never = |what: &For| {
            let place = match what {
                For::OpenedFirst | For::ClickedLink => run.first,
                For::ClickedLast => run.last,
                _ => None,
            };
            place.is_some_and(|place| self.messages[place].has(Status::Skipped))
        };
        !wait.arms.is_empty() && wait.arms.iter().all(|arm| never(arm.what))
    }

    pub(super) fn park(&mut self, mut run: Run<'p>, parked: Parked<'p>) {
        run.parked = parked;
        match self.exits(&run) {
            Some((why, then)) => self.exit(run, why, then),
            None => self.put(run),
        }
    }

    /// Looks again at a run that stands still: its time may be over, or what it asks may be so now.
    pub(super) fn look_again(&mut self, run: Run<'p>) {
        if let Some((why, then)) = self.exits(&run) {
            return self.exit(run, why, then);
        }
        match run.parked.clone() {
            Parked::Wait(_, wait) if wait.condition.is_some_and(|condition| self.holds(condition, Some(&run))) => {
                self.goes_on(run, "condition", NOTHING);
            }
            Parked::Wait(until, wait) if until <= self.now || self.is_hopeless(&run, &wait) => {
                self.goes_on(run, "time", wait.then);
            }
            Parked::Held(until) if until <= self.now => self.goes_on(run, "window", NOTHING),
            Parked::Collecting(until) if until <= self.now => self.goes_on(run, "time", NOTHING),
            Parked::Asking(_, step, until) if until <= self.now => self.unanswered(run, step),
            _ => self.put(run),
        }
    }

    /// The renewal may have moved, and a wait with it.
    pub(super) fn replan(&mut self, mut run: Run<'p>) {
        let Parked::Wait(until, wait) = run.parked.clone() else { return self.put(run) };
        let When::Renewal(..) = wait.when else { return self.put(run) };
        match self.moment(wait.when) {
            Some(moment) if moment >= self.now => {
                if moment != until {
                    self.say(run.journey, &format!("waits until {}", moment.0 - START.0));
                    run.parked = Parked::Wait(moment, wait);
                }
                self.put(run);
            }
            _ => self.goes_on(run, "time", wait.past.unwrap_or(wait.then)),
        }
    }

    pub(super) fn ask(&mut self, run: Run<'p>, step: &'p Step, what: &str, until: Instant) {
        let question = self.asked.len();
        self.asked.push(run.number);
        self.say(run.journey, what);
        self.park(run, Parked::Asking(question, step, until));
    }

    /// An answer of somebody outside: the good one or the other, or none at all.
    pub(super) fn answered(&mut self, question: usize, answer: Option<bool>) {
        let asks = |run: &&Run<'_>| matches!(run.parked, Parked::Asking(other, ..) if other == question);
        let Some(number) = self.runs.iter().find(asks).map(|run| run.number) else { return };
        let mut run = self.take(number).unwrap();
        let Parked::Asking(_, step, _) = run.parked else { return };
        let Some(good) = answer else { return self.unanswered(run, step) };
        if let Step::Voucher { expires: Some(_), .. } = step {
            run.frames.push(Frame::Until(run.code));
        }
        let then = match step {
            Step::Call { hot, .. } if good => hot,
            Step::Ask { yes, no, .. } => {
                if good {
                    yes
                } else {
                    no
                }
            }
            _ => NOTHING,
        };
        self.goes_on(run, "answer", then);
    }

    fn unanswered(&mut self, run: Run<'p>, step: &'p Step) {
        match step {
            Step::Call { otherwise: Some(steps), .. } | Step::Ask { otherwise: Some(steps), .. } => {
                self.goes_on(run, "no answer", steps);
            }
            _ => self.end(run, "failed"),
        }
    }
}
