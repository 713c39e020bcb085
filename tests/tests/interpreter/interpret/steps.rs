//! Steps, one after the other, and the conditions in them.

use super::happen::is;
use super::*;

impl<'p> World<'p> {
    /// Goes on until the run parks or ends.
    pub(super) fn go(&mut self, mut run: Run<'p>) {
        run.parked = Parked::Nothing;
        loop {
            let step: &'p Step = match run.frames.pop() {
                None => return self.end(run, "ended"),
                Some(Frame::Loop(left, until, body)) => {
                    let over = until.is_some_and(|until| self.holds(until, Some(&run)));
                    if !over && left > 1 {
                        run.frames.push(Frame::Loop(left - 1, until, body));
                        run.frames.push(Frame::Block(body, 0));
                    }
                    continue;
                }
                Some(Frame::Block(steps, at)) => match steps.get(at) {
                    None => continue,
                    Some(step) => {
                        run.frames.push(Frame::Block(steps, at + 1));
                        step
                    }
                },
            };
            match step {
                Step::First | Step::Send(_) => {
                    let mail = if let Step::Send(mail) = step { *mail } else { 0 };
                    if let Some(until) = self.send(&mut run, mail, matches!(step, Step::First)) {
                        self.say(run.journey, &format!("holds until {}", until.0 - START.0));
                        // The send itself is tried again.
                        if let Some(Frame::Block(_, at)) = run.frames.last_mut() {
                            *at -= 1;
                        }
                        return self.park(run, Parked::Held(until));
                    }
                }
                Step::Wait(days) => {
                    let until = self.days(self.now, *days);
                    return self.wait(run, until, Vec::new(), None, NOTHING);
                }
                Step::WaitHours(hours) => {
                    let until = Instant(self.now.0 + hours * HOUR);
                    return self.wait(run, until, Vec::new(), None, NOTHING);
                }
                Step::WaitUntilHour(hour) => {
                    let until = self.zone.next_at(self.now, WeekdaySet::ALL, Time(hour * 3600));
                    if until > self.now {
                        return self.wait(run, until, Vec::new(), None, NOTHING);
                    }
                    self.say(run.journey, "goes on: time");
                }
                Step::WaitFor { what, from_now, hours, otherwise } => {
                    let otherwise = otherwise.as_deref().unwrap_or(NOTHING);
                    let arms = vec![(what, NOTHING)];
                    if let Some(run) = self.begin(run, arms, *from_now, *hours, otherwise) {
                        return self.go(run);
                    }
                    return;
                }
                Step::Race(arms, hours, timeout) => {
                    let arms = arms.iter().map(|(what, then)| (what, then.as_slice())).collect();
                    if let Some(run) = self.begin(run, arms, false, *hours, timeout) {
                        return self.go(run);
                    }
                    return;
                }
                Step::WaitWhile { until, hours, otherwise } => {
                    if self.holds(until, Some(&run)) {
                        self.say(run.journey, "goes on: condition");
                        continue;
                    }
                    let end = Instant(self.now.0 + hours * HOUR);
                    return self.wait(run, end, Vec::new(), Some(until), otherwise.as_deref().unwrap_or(NOTHING));
                }
                Step::If(condition, then, otherwise) => {
                    let holds = self.holds(condition, Some(&run));
                    let steps = if holds { then } else { otherwise.as_deref().unwrap_or(NOTHING) };
                    run.frames.push(Frame::Block(steps, 0));
                }
                Step::Choose(free, pro) => {
                    run.frames.push(Frame::Block(if self.plan == 0 { free } else { pro }, 0));
                }
                Step::Repeat(times, until, body) => {
                    run.frames.push(Frame::Loop(*times, until.as_ref(), body));
                    run.frames.push(Frame::Block(body, 0));
                }
                Step::AddTag(tag) => {
                    if self.tags.insert(*tag) {
                        self.say(run.journey, &format!("adds {}", TAGS[*tag]));
                        self.queue.push_back(Pending::Happened(Happening::Tagged(*tag)));
                    }
                }
                Step::RemoveTag(tag) => {
                    if self.tags.remove(tag) {
                        self.say(run.journey, &format!("removes {}", TAGS[*tag]));
                        self.queue.push_back(Pending::Happened(Happening::Untagged(*tag)));
                    }
                }
                Step::AddVisits(more) => {
                    self.visits += more;
                    self.say(run.journey, &format!("sets visits to {}", self.visits));
                    self.queue.push_back(Pending::Happened(Happening::Changed("visits")));
                }
                Step::SetPlan(plan) => {
                    if self.plan != *plan {
                        self.plan = *plan;
                        self.say(run.journey, &format!("sets plan to \"{}\"", PLANS[*plan]));
                        self.queue.push_back(Pending::Happened(Happening::PlanTo(*plan)));
                    }
                }
                Step::MoveTo(stage) => {
                    if self.stage != Some(*stage) {
                        self.stage = Some(*stage);
                        self.say(run.journey, &format!("moves to {}", STAGES[*stage]));
                        self.queue.push_back(Pending::Happened(Happening::Moved));
                    }
                }
                Step::Record(amount) => {
                    self.say(run.journey, "records noted");
                    self.history.push((2, *amount, self.now));
                    self.queue.push_back(Pending::Happened(Happening::Event(2, *amount)));
                }
                Step::Unsubscribe => {
                    if !self.unsubscribed {
                        self.unsubscribed = true;
                        self.say(run.journey, "unsubscribes offers");
                        self.queue.push_back(Pending::Withdrawn);
                    }
                }
                Step::Start(journey) => self.queue.push_back(Pending::Start(*journey)),
                Step::Stop(journey) => {
                    let runs: Vec<usize> =
                        self.runs.iter().filter(|run| run.journey == *journey).map(|run| run.number).collect();
                    for number in runs {
                        let stopped = self.take(number).unwrap();
                        self.end(stopped, "stopped");
                    }
                }
                Step::End => return self.end(run, "ended"),
            }
        }
    }

    /// Begins to wait for events. The run comes back if it goes on at once.
    pub(super) fn begin(
        &mut self,
        mut run: Run<'p>,
        arms: Vec<(&'p For, &'p [Step])>,
        from_now: bool,
        hours: i64,
        otherwise: &'p [Step],
    ) -> Option<Run<'p>> {
        if !from_now {
            // What a message has come to already counts, and so does what happened since entry and no wait has used.
            let known = |what: &For| match what {
                For::OpenedFirst => run.first.is_some_and(|place| self.messages[place].opened.is_some()),
                For::ClickedLast => run.last.is_some_and(|place| self.messages[place].clicked),
                _ => false,
            };
            if let Some((what, then)) = arms.iter().find(|(what, _)| known(what)) {
                let name = if matches!(what, For::OpenedFirst) { "opened" } else { "clicked" };
                self.say(run.journey, &format!("goes on: {name}"));
                run.frames.push(Frame::Block(then, 0));
                return Some(run);
            }
            let earlier = run.unused.iter().enumerate().find_map(|(place, happening)| {
                let arm = arms.iter().find(|(what, _)| self.meets(&run, what, happening))?;
                Some((place, arm.1))
            });
            if let Some((place, then)) = earlier {
                let happening = run.unused.remove(place);
                self.say(run.journey, &format!("goes on: {}", happening.name()));
                run.frames.push(Frame::Block(then, 0));
                return Some(run);
            }
        }
        // Nobody opens what was not sent.
        let never = |what: &For| match what {
            For::OpenedFirst => run.first.is_some_and(|place| self.messages[place].skipped),
            For::ClickedLast => run.last.is_some_and(|place| self.messages[place].skipped),
            _ => false,
        };
        if arms.iter().all(|(what, _)| never(what)) {
            self.say(run.journey, "goes on: time");
            run.frames.push(Frame::Block(otherwise, 0));
            return Some(run);
        }
        let until = Instant(self.now.0 + hours * HOUR);
        self.wait(run, until, arms, None, otherwise);
        None
    }

    pub(super) fn wait(
        &mut self,
        run: Run<'p>,
        until: Instant,
        arms: Vec<(&'p For, &'p [Step])>,
        condition: Option<&'p Cond>,
        then: &'p [Step],
    ) {
        self.say(run.journey, &format!("waits until {}", until.0 - START.0));
        self.park(run, Parked::Wait(until, arms, condition, then));
    }

    pub(super) fn park(&mut self, mut run: Run<'p>, parked: Parked<'p>) {
        run.parked = parked;
        if self.exits(&run) {
            return self.end(run, "exit");
        }
        self.put(run);
    }

    /// Sends or refuses; until when it must be held otherwise.
    pub(super) fn send(&mut self, run: &mut Run<'p>, mail: usize, first: bool) -> Option<Instant> {
        let marketing = self.journey(run.journey).marketing;
        let within = |message: &&Message| message.marketing && !message.skipped;
        let recent = self.messages.iter().filter(within).filter(|m| self.days(m.at, CAP.1) > self.now).count();
        let refusal = if marketing && self.unsubscribed {
            Some("unsubscribed")
        } else if !self.address {
            Some("address")
        } else if marketing && recent >= CAP.0 {
            Some("cap")
        } else {
            None
        };
        if refusal.is_none() && marketing && self.zone.is_within(self.now, QUIET) {
            return Some(self.zone.next_outside(self.now, QUIET));
        }
        let place = self.messages.len();
        let (now, skipped) = (self.now, refusal.is_some());
        self.messages.push(Message { name: mail, at: now, marketing, skipped, opened: None, clicked: false });
        run.last = Some(place);
        if first {
            run.first = Some(place);
        }
        match refusal {
            Some(why) => self.say(run.journey, &format!("skips {}: {why}", MAILS[mail])),
            None => self.say(run.journey, &format!("sends {}", MAILS[mail])),
        }
        None
    }

    pub(super) fn holds(&self, condition: &Cond, run: Option<&Run<'p>>) -> bool {
        let last = || run.and_then(|run| run.last).map(|place| &self.messages[place]);
        let first = || run.and_then(|run| run.first).map(|place| &self.messages[place]);
        let entered = run.map_or(self.now, |run| run.entered);
        match condition {
            Cond::Plan(plan) => self.plan == *plan,
            Cond::VisitsAtLeast(least) => self.visits >= *least,
            Cond::HasTag(tag) => self.tags.contains(tag),
            Cond::OpenedFirst => first().is_some_and(|message| message.opened.is_some()),
            Cond::OpenedLast => last().is_some_and(|message| message.opened.is_some()),
            Cond::ClickedLast => last().is_some_and(|message| message.clicked),
            Cond::Skipped => last().is_some_and(|message| message.skipped),
            Cond::OpenedAny(days) => {
                self.messages.iter().filter_map(|m| m.opened).any(|at| self.days(at, *days) > self.now)
            }
            Cond::Did(pattern, times, days, since_entry) => {
                let counted = self.history.iter().filter(|(event, amount, at)| {
                    is(pattern, &Happening::Event(*event, *amount))
                        && days.is_none_or(|days| self.days(*at, days) > self.now)
                        && (!since_entry || *at >= entered)
                });
                counted.count() >= times.unwrap_or(1) as usize
            }
            Cond::CountAtLeast(pattern, least) => {
                let counted =
                    self.history.iter().filter(|(event, amount, _)| is(pattern, &Happening::Event(*event, *amount)));
                counted.count() >= usize::try_from(*least).unwrap()
            }
            Cond::InStage(stage) => self.stage == Some(*stage),
            Cond::InJourney(journey) => {
                let own = run.is_some_and(|run| run.journey == *journey);
                own || self.runs.iter().any(|run| run.journey == *journey)
            }
            Cond::Level(least) => run.is_some_and(|run| run.level >= *least),
            Cond::Not(inner) => !self.holds(inner, run),
            Cond::And(sides) => self.holds(&sides.0, run) && self.holds(&sides.1, run),
            Cond::Or(sides) => self.holds(&sides.0, run) || self.holds(&sides.1, run),
        }
    }
}
