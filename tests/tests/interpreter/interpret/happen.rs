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
                if let Some(changed) = self.change_plan(*plan) {
                    self.happen(&changed);
                }
            }
            Act::Visits(visits) => {
                if std::mem::replace(&mut self.visits, *visits) != *visits {
                    self.happen(&Happening::Changed);
                }
            }
            Act::Renewal(day) => {
                let day = day.map(|day| FIRST_DAY + day);
                if std::mem::replace(&mut self.renewal, day) != day {
                    self.happen(&Happening::Changed);
                }
            }
            Act::Name(name) => {
                let name = NAMES[*name].to_owned();
                if std::mem::replace(&mut self.name, name.clone()) != name {
                    self.happen(&Happening::Changed);
                }
            }
            Act::Born(day) => {
                if std::mem::replace(&mut self.born, BIRTHS[*day]) != BIRTHS[*day] {
                    self.happen(&Happening::Changed);
                }
            }
            Act::Interests(interests) => {
                if std::mem::replace(&mut self.interests, interests.clone()) != *interests {
                    self.happen(&Happening::Changed);
                }
            }
            Act::Address(channel, address) => {
                if std::mem::replace(&mut self.addresses[*channel as usize], *address) != *address {
                    self.happen(&Happening::Changed);
                }
            }
            Act::Message(mail, status, machine) => self.message(*mail, *status, *machine),
            Act::Unsubscribed(topic, channel) => {
                if self.withdraw(*topic, *channel) {
                    self.withdrawn(*topic, *channel);
                }
            }
            Act::Subscribed(topic, channel, hours) => {
                let until = hours.map(|hours| Instant(self.now.0 + hours * HOUR));
                if self.subscribe(*topic, *channel, until) {
                    self.happen(&Happening::Subscribed(*topic, *channel));
                }
            }
            Act::Written(word, channel) => self.happen(&Happening::Written(*word, *channel)),
            Act::Stage(stage) => {
                if self.move_to(*stage) {
                    self.happen(&Happening::Moved(*stage));
                }
            }
            Act::Started(journey, amount) => self.enter(*journey, Some(*amount)),
            Act::Answer(back, answer) => {
                if let Some(question) = self.asked.len().checked_sub(1 + back) {
                    self.answered(question, *answer);
                }
            }
            Act::Decision(yes, journey) => {
                let asks = |run: &Run<'_>| match run.parked {
                    Parked::Asking(question, Step::Ask { .. }, _) => {
                        journey.is_none_or(|journey| journey == run.journey).then_some(question)
                    }
                    _ => None,
                };
                if let Some(question) = self.runs.iter().find_map(asks) {
                    self.answered(question, Some(*yes));
                }
            }
        }
    }

    pub(super) fn change_plan(&mut self, plan: usize) -> Option<Happening> {
        let before = std::mem::replace(&mut self.plan, plan);
        (before != plan).then(|| {
            self.changes.push((before, plan, self.now));
            Happening::Plan(before, plan)
        })
    }

    pub(super) fn move_to(&mut self, stage: usize) -> bool {
        let before = self.stage.replace(stage);
        if before == Some(stage) {
            return false;
        }
        if let Some(before) = before {
            self.stages_left.push((before, self.now));
        }
        true
    }

    fn message(&mut self, mail: usize, status: Status, machine: bool) {
        let Some(place) = self.messages.iter().rposition(|message| message.name == mail) else { return };
        if machine {
            return;
        }
        let channel = self.messages[place].channel;
        let opens = status == Status::Clicked && !self.messages[place].has(Status::Opened);
        let statuses: Vec<Status> = opens.then_some(Status::Opened).into_iter().chain([status]).collect();
        for status in &statuses {
            let known = &mut self.messages[place].statuses;
            known.retain(|(other, _)| other != status);
            known.push((*status, self.now));
        }
        for status in statuses {
            if status == Status::Skipped {
                for number in self.active() {
                    // One may stop another.
                    let Some(run) = self.take(number) else { continue };
                    self.look_again(run);
                }
            } else {
                self.happen(&Happening::Message(status, place));
            }
        }
        let bounced = &mut self.bounced[channel as usize];
        match status {
            Status::Bounced | Status::Failed => {
                *bounced += 1;
                if *bounced >= 3 {
                    *bounced = 0;
                    if let Some(address) = self.addresses[channel as usize] {
                        self.dead[channel as usize] = Some(address);
                    }
                }
            }
            Status::Opened | Status::Clicked | Status::Replied => *bounced = 0,
            Status::Delivered | Status::Complained | Status::Skipped => {}
        }
        if status == Status::Complained && self.withdraw(None, None) {
            self.withdrawn(None, None);
        }
    }

    pub(super) fn happen(&mut self, happening: &Happening) {
        self.count(happening);
        for number in self.active() {
            if let Some(run) = self.take(number) {
                self.react(run, happening);
            }
        }
        for place in 0..self.ended.len() {
            if self.ended[place].hopes {
                let mut run = self.ended[place].run.clone();
                self.goals(&mut run, happening);
                self.ended[place].run = run;
            }
        }
        self.trigger(happening);
        if matches!(happening, Happening::Changed | Happening::Plan(..)) {
            self.plan_moments();
        }
    }

    /// What it is worth for the score.
    fn count(&mut self, happening: &Happening) {
        let worth: &[i64] = match happening {
            Happening::Message(Status::Opened, _) => &[2],
            Happening::Message(Status::Clicked, place) if self.messages[*place].name == 0 => &[5],
            Happening::Event(0, _) => &[20],
            Happening::Event(1, 3..) => &[7],
            Happening::Untagged(3) => &[-3],
            _ => return,
        };
        let left = self.score_at(self.now);
        let points = worth.iter().fold(left, |points, more| points.plus(journey_bytecode::Number::from_int(*more)));
        self.score = Some((points, self.now));
    }

    fn react(&mut self, mut run: Run<'p>, happening: &Happening) {
        let journey = self.journey(run.journey);
        if run.leaving.is_none() {
            for exit in &journey.exits {
                for leave in &exit.when {
                    if let Leave::Event(pattern) = leave
                        && is(pattern, happening)
                    {
                        return self.exit(run, format!("exit {}", EVENTS[pattern.event]), exit.then.as_deref());
                    }
                }
            }
        }
        if let Some((why, then)) = self.exits(&run) {
            return self.exit(run, why, then);
        }
        let ends = self.goals(&mut run, happening) && journey.goal.as_ref().is_some_and(|goal| goal.2);
        if ends && run.leaving.is_none() {
            return self.end(run, "goal");
        }
        let Parked::Wait(_, wait) = run.parked.clone() else {
            run.unused.push(happening.clone());
            return self.put(run);
        };
        if let Some(Arm { then, .. }) = wait.arms.iter().find(|arm| self.meets(&run, arm.what, happening)) {
            return self.goes_on(run, &happening.name(), then);
        }
        run.unused.push(happening.clone());
        if wait.condition.is_some_and(|condition| self.holds(condition, Some(&run))) {
            return self.goes_on(run, "condition", NOTHING);
        }
        if matches!(happening, Happening::Changed | Happening::Plan(..)) {
            return self.replan(run);
        }
        self.put(run);
    }

    /// Says what the run goes on by, and goes on.
    pub(super) fn goes_on(&mut self, mut run: Run<'p>, by: &str, then: &'p [Step]) {
        self.say(run.journey, &format!("goes on: {by}"));
        run.frames.push(Frame::Block(then, 0));
        self.go(run);
    }

    /// Why the run must leave now, and what it still does.
    pub(super) fn exits(&self, run: &Run<'p>) -> Option<(String, Option<&'p [Step]>)> {
        if run.leaving.is_some() {
            return None;
        }
        let journey = self.journey(run.journey);
        if journey.exit_after.is_some_and(|days| self.days(run.entered, days) <= self.now) {
            return Some(("exit after".to_owned(), None));
        }
        let holds = |leave: &Leave| match leave {
            Leave::When(condition) => self.holds(condition, Some(run)),
            Leave::Event(_) => false,
        };
        let exit: &Exit = journey.exits.iter().find(|exit| exit.when.iter().any(holds))?;
        Some(("exit".to_owned(), exit.then.as_deref()))
    }

    pub(super) fn exit(&mut self, mut run: Run<'p>, why: String, then: Option<&'p [Step]>) {
        match then {
            Some(then) => {
                run.leaving = Some(why);
                run.frames.clear();
                self.goes_on(run, "exit", then);
            }
            None => self.end(run, &why),
        }
    }

    /// Whether this reaches the goal, for the first time and in time; what splits measure counts on the way.
    fn goals(&mut self, run: &mut Run<'p>, happening: &Happening) -> bool {
        for place in 0..run.sides.len() {
            let Side { split, name, measure: (pattern, days), took, reached } = run.sides[place];
            if !reached && self.now <= self.days(took, *days) && is(pattern, happening) {
                run.sides[place].reached = true;
                self.say(run.journey, &format!("measures s{split}: {name}"));
            }
        }
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
            (For::SameAmount(event), Happening::Event(other, amount)) => event == other && run.amount == Some(*amount),
            (For::OpenedFirst, Happening::Message(Status::Opened, place))
            | (For::ClickedLink, Happening::Message(Status::Clicked, place)) => run.first == Some(*place),
            (For::ClickedLast, Happening::Message(Status::Clicked, place)) => run.last == Some(*place),
            (For::OpenedAny, Happening::Message(Status::Opened, place)) => {
                self.messages[*place].channel == Channel::Email
            }
            (For::Tag(tag), Happening::Tagged(other)) => tag == other,
            (For::PlanTo(plan), Happening::Plan(_, to)) => plan == to,
            (For::Enters(segment), Happening::Entered(other)) | (For::Leaves(segment), Happening::Left(other)) => {
                segment == other
            }
            (For::Reaches(stage), Happening::Moved(other)) => stage == other,
            (For::Subscribed(topic), Happening::Subscribed(other, _)) => topic == other,
            (For::Unsubscribed(topic), Happening::Unsubscribed(other, None)) => {
                other.is_none_or(|other| *topic == other)
            }
            (For::Written(word), Happening::Written(other, _)) => word == other,
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
