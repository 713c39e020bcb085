//! What happens, and who reacts to it.

use super::*;

impl<'p> World<'p> {
    pub(super) fn act(&mut self, act: &Act) {
        match act {
            Act::Tag(tag) => {
                if self.tags.insert(*tag) {
                    self.happen(&Happening::Tagged(*tag));
                }
            }
            Act::Untag(tag) => {
                if self.tags.remove(tag) {
                    self.happen(&Happening::Untagged(*tag));
                }
            }
            Act::Event(event, amount) => {
                self.history.push((*event, *amount, self.now));
                self.happen(&Happening::Event(*event, *amount));
            }
            Act::Plan(plan) => {
                if self.plan != *plan {
                    self.plan = *plan;
                    self.happen(&Happening::PlanTo(*plan));
                }
            }
            Act::Visits(visits) => {
                if self.visits != *visits {
                    self.visits = *visits;
                    self.happen(&Happening::Changed("visits"));
                }
            }
            Act::Address(has) => {
                if self.address != *has {
                    self.address = *has;
                    self.happen(&Happening::Changed("email"));
                }
            }
            Act::Opened(mail) => self.message(*mail, false),
            Act::Clicked(mail) => self.message(*mail, true),
            Act::Unsubscribed => {
                if !self.unsubscribed {
                    self.unsubscribed = true;
                    self.withdrawn();
                }
            }
            Act::Subscribed => self.unsubscribed = false,
        }
    }

    pub(super) fn message(&mut self, mail: usize, click: bool) {
        let Some(place) = self.messages.iter().rposition(|message| message.name == mail) else { return };
        let now = self.now;
        let message = &mut self.messages[place];
        let opens = !click || message.opened.is_none();
        if opens {
            message.opened = Some(now);
        }
        message.clicked |= click;
        if opens {
            self.happen(&Happening::Opened(place));
        }
        if click {
            self.happen(&Happening::Clicked(place));
        }
    }

    pub(super) fn withdrawn(&mut self) {
        for number in self.active() {
            let marketing = |run: &Run<'_>| self.journey(run.journey).marketing;
            if self.runs.iter().any(|run| run.number == number && marketing(run)) {
                let run = self.take(number).unwrap();
                self.end(run, "unsubscribed");
            }
        }
        self.happen(&Happening::Unsubscribed);
    }

    pub(super) fn happen(&mut self, happening: &Happening) {
        for number in self.active() {
            if let Some(run) = self.take(number) {
                self.react(run, happening);
            }
        }
        for place in 0..self.ended.len() {
            let mut ended = self.ended[place].run.clone();
            if self.ended[place].hopes && self.goal(&mut ended, happening) {
                self.ended[place].hopes = false;
            }
        }
        self.trigger(happening);
    }

    pub(super) fn trigger(&mut self, happening: &Happening) {
        let mut refused = Vec::new();
        for number in self.by_rank() {
            let listens = match (&self.journey(number).on, happening) {
                (On::Tag(tag), Happening::Tagged(other)) | (On::Untag(tag), Happening::Untagged(other)) => tag == other,
                (On::Event(pattern), Happening::Event(event, _)) => pattern.event == *event,
                (On::PlanTo(plan), Happening::PlanTo(other)) => plan == other,
                (On::Opened, Happening::Opened(place)) => self.messages[*place].name == 0,
                _ => false,
            };
            if !listens {
                continue;
            }
            match (&self.journey(number).on, happening) {
                (On::Event(pattern), Happening::Event(_, amount)) => {
                    if pattern.least.is_none_or(|least| *amount >= least) {
                        self.enter(number, Some(*amount));
                    } else {
                        refused.push(number);
                    }
                }
                _ => self.enter(number, None),
            }
        }
        for number in refused {
            self.say(number, "refuses: trigger");
        }
    }

    pub(super) fn enter(&mut self, number: usize, amount: Option<i64>) {
        let journey = self.journey(number);
        let key = if journey.per { amount } else { None };
        let stranger = Run {
            number: self.begun,
            journey: number,
            key,
            entered: self.now,
            level: self.visits + journey.level,
            first: None,
            last: None,
            frames: vec![Frame::Block(&journey.body, 0)],
            parked: Parked::Nothing,
            unused: Vec::new(),
            reached: false,
        };
        if journey.filter.as_ref().is_some_and(|filter| !self.holds(filter, None)) {
            return self.say(number, "refuses: filter");
        }
        if journey.marketing && self.unsubscribed {
            return self.say(number, "refuses: unsubscribed");
        }
        let active = self.runs.iter().any(|run| run.journey == number && run.key == key);
        if active && journey.reenter != Reenter::Restart {
            return self.say(number, "refuses: active");
        }
        let last = self.ended.iter().find(|ended| ended.run.journey == number && ended.run.key == key);
        match (journey.reenter, last.map(|last| last.run.entered)) {
            (Reenter::Never, Some(_)) => return self.say(number, "refuses: never"),
            (Reenter::AfterDays(days), Some(entered)) if self.now < self.days(entered, days) => {
                return self.say(number, "refuses: early");
            }
            _ => {}
        }
        let same: Vec<usize> =
            self.runs.iter().filter(|run| run.journey == number && run.key == key).map(|run| run.number).collect();
        for other in same {
            let run = self.take(other).unwrap();
            self.end(run, "restarted");
        }
        for ended in &mut self.ended {
            if ended.run.journey == number && ended.run.key == key {
                ended.hopes = false;
            }
        }
        self.begun += 1;
        self.say(number, "enters");
        if self.exits(&stranger) {
            return self.end(stranger, "exit");
        }
        self.go(stranger);
    }

    pub(super) fn react(&mut self, mut run: Run<'p>, happening: &Happening) {
        for exit in &self.journey(run.journey).exits {
            if let Exit::Event(pattern) = exit
                && is(pattern, happening)
            {
                return self.end(run, &format!("exit {}", EVENTS[pattern.event]));
            }
        }
        if self.exits(&run) {
            return self.end(run, "exit");
        }
        if self.goal(&mut run, happening) && self.journey(run.journey).goal.as_ref().is_some_and(|goal| goal.2) {
            return self.end(run, "goal");
        }
        if let Parked::Wait(_, arms, condition, _) = run.parked.clone() {
            if let Some((_, then)) = arms.iter().find(|(what, _)| self.meets(&run, what, happening)) {
                self.say(run.journey, &format!("goes on: {}", happening.name()));
                run.frames.push(Frame::Block(then, 0));
                return self.go(run);
            }
            run.unused.push(happening.clone());
            if condition.is_some_and(|condition| self.holds(condition, Some(&run))) {
                self.say(run.journey, "goes on: condition");
                return self.go(run);
            }
            return self.put(run);
        }
        run.unused.push(happening.clone());
        self.put(run);
    }

    /// Whether a condition behind `exit when` holds.
    pub(super) fn exits(&self, run: &Run<'p>) -> bool {
        self.journey(run.journey).exits.iter().any(|exit| match exit {
            Exit::When(condition) => self.holds(condition, Some(run)),
            Exit::Event(_) => false,
        })
    }

    /// Whether this reaches the goal, for the first time and in time.
    pub(super) fn goal(&mut self, run: &mut Run<'p>, happening: &Happening) -> bool {
        let Some((pattern, days, _)) = &self.journey(run.journey).goal else { return false };
        let in_time = days.is_none_or(|days| self.now <= self.days(run.entered, days));
        let reached = !run.reached && in_time && is(pattern, happening);
        if reached {
            run.reached = true;
            self.say(run.journey, "reaches its goal");
        }
        reached
    }

    pub(super) fn meets(&self, run: &Run<'p>, what: &For, happening: &Happening) -> bool {
        match (what, happening) {
            (For::Event(pattern), _) => is(pattern, happening),
            (For::OpenedFirst, Happening::Opened(place)) => run.first == Some(*place),
            (For::ClickedLast, Happening::Clicked(place)) => run.last == Some(*place),
            (For::Tag(tag), Happening::Tagged(other)) => tag == other,
            _ => false,
        }
    }
}

pub(super) fn is(pattern: &Pattern, happening: &Happening) -> bool {
    match happening {
        Happening::Event(event, amount) => {
            *event == pattern.event && pattern.least.is_none_or(|least| *amount >= least)
        }
        _ => false,
    }
}
