//! How runs begin: triggers, filters, keys, re-entry, moments of the calendar.

use super::*;

impl<'p> World<'p> {
    /// Whether the trigger is about this at all.
    fn listens(&self, on: &On, happening: &Happening) -> bool {
        let via = |of: Option<Channel>, channel: Option<Channel>| channel.is_none() || of.is_none() || of == channel;
        match (on, happening) {
            (On::Tag(tag), Happening::Tagged(other)) | (On::Untag(tag), Happening::Untagged(other)) => tag == other,
            (On::Event(pattern), Happening::Event(event, _)) => pattern.event == *event,
            (On::Created, Happening::Created) => true,
            (On::Plan(from, to), Happening::Plan(before, after)) => {
                from.is_none_or(|from| from == *before) && to.is_none_or(|to| to == *after)
            }
            (On::Opened(mail), Happening::Message(Status::Opened, place))
            | (On::Clicked(mail), Happening::Message(Status::Clicked, place))
            | (On::Sent(mail), Happening::Sent(place)) => self.messages[*place].name == *mail,
            (On::Bounced(channel), Happening::Message(Status::Bounced, place)) => {
                self.messages[*place].channel == *channel
            }
            (On::Subscribed(topic), Happening::Subscribed(other, _)) => topic == other,
            (On::Unsubscribed(topic, channel), Happening::Unsubscribed(other, of)) => {
                (topic.is_none() || other.is_none() || topic == other)
                    && via(*of, *channel)
                    && (channel.is_some() || of.is_none())
            }
            (On::Written(word), Happening::Written(other, _)) => word == other,
            (On::WrittenVia(channel), Happening::Written(_, other)) => channel == other,
            (On::Enters(segment), Happening::Entered(other)) | (On::Leaves(segment), Happening::Left(other)) => {
                segment == other
            }
            (On::Reaches(stage), Happening::Moved(other)) => stage == other,
            _ => false,
        }
    }

    /// Lets the journeys begin that this starts, each once.
    pub(super) fn trigger(&mut self, happening: &Happening) {
        let mut refused = Vec::new();
        for number in self.by_rank() {
            let listening: Vec<&On> = self.journey(number).on.iter().filter(|on| self.listens(on, happening)).collect();
            let amount = match happening {
                Happening::Event(_, amount) => Some(*amount),
                _ => None,
            };
            let fits = |on: &&On| match on {
                On::Event(pattern) => pattern.least.is_none_or(|least| amount.is_some_and(|amount| amount >= least)),
                _ => true,
            };
            if listening.iter().any(fits) {
                self.enter(number, amount);
            } else if !listening.is_empty() {
                refused.push(number);
            }
        }
        for number in refused {
            self.say(number, "refuses: trigger");
        }
    }

    pub(super) fn enter(&mut self, number: usize, amount: Option<i64>) {
        let journey = self.journey(number);
        let key = if journey.per { amount } else { None };
        let mut run = Run {
            number: self.begun,
            journey: number,
            key,
            entered: self.now,
            amount,
            gathered: 1,
            level: 0,
            locals: BTreeMap::new(),
            code: self.now,
            first: None,
            last: None,
            frames: vec![Frame::Block(&journey.body, 0)],
            parked: Parked::Nothing,
            unused: Vec::new(),
            reached: false,
            leaving: None,
            sides: Vec::new(),
        };
        if journey.filter.as_ref().is_some_and(|filter| !self.holds(filter, Some(&run))) {
            return self.say(number, "refuses: filter");
        }
        let same = |run: &Run<'_>| run.journey == number && run.key == key;
        if let Some(collect) = &journey.collect {
            let gathers = |run: &&Run<'_>| same(run) && matches!(run.parked, Parked::Collecting(_));
            if let Some(open) = self.runs.iter().find(gathers).map(|run| run.number) {
                let mut open = self.take(open).unwrap();
                open.gathered += 1;
                if collect.most.is_some_and(|most| open.gathered >= i64::from(most)) {
                    return self.goes_on(open, "condition", NOTHING);
                }
                return self.put(open);
            }
        }
        if journey.topic.is_some_and(|topic| self.unsubscribed_from(topic)) {
            return self.say(number, "refuses: unsubscribed");
        }
        let active: Vec<usize> = self.runs.iter().filter(|run| same(run)).map(|run| run.number).collect();
        if !active.is_empty() && journey.reenter != Reenter::Restart {
            return self.say(number, "refuses: active");
        }
        let last = self.ended.iter().find(|ended| same(&ended.run));
        match (journey.reenter, last.map(|last| last.run.entered)) {
            (Reenter::Never, Some(_)) => return self.say(number, "refuses: never"),
            (Reenter::AfterDays(days), Some(entered)) if self.now < self.days(entered, days) => {
                return self.say(number, "refuses: early");
            }
            _ => {}
        }
        if drawn(&format!("holdout\0j{number}")) < journey.holdout * 10_000 {
            return self.say(number, "refuses: holdout");
        }
        for other in active {
            let run = self.take(other).unwrap();
            self.end(run, "restarted");
        }
        for ended in &mut self.ended {
            if same(&ended.run) {
                ended.hopes = false;
            }
        }
        self.begun += 1;
        self.say(number, "enters");
        if let Some((why, then)) = self.exits(&run) {
            return self.exit(run, why, then);
        }
        match &journey.collect {
            Some(collect) if collect.most != Some(1) => {
                let until = match collect.until {
                    Gathering::Minutes(minutes) => Instant(self.now.0 + minutes * 60_000),
                    Gathering::Hour(hour) => self.zone.next_at(self.now, WeekdaySet::ALL, Time(hour * 3600)),
                };
                self.say(number, &format!("waits until {}", until.0 - START.0));
                run.parked = Parked::Collecting(until);
                self.put(run);
            }
            _ => self.go(run),
        }
    }

    /// Computes the next time of every trigger on the calendar; what is past is not made up for.
    pub(super) fn plan_moments(&mut self) {
        for journey in 0..self.program.journeys.len() {
            for trigger in 0..self.journey(journey).on.len() {
                self.plan_moment(journey, trigger);
            }
        }
    }

    fn plan_moment(&mut self, journey: usize, trigger: usize) {
        let known = self.moments.iter().position(|known| known.journey == journey && known.trigger == trigger);
        let fired = known.and_then(|place| self.moments[place].fired);
        let since = fired.map_or(self.now, |fired| self.now.max(Instant(fired.0 + 60_000)));
        let on = &self.journey(journey).on[trigger];
        let time = |hour: u32| Time(hour * 3600);
        let next = match on {
            On::EveryDay(hour) => Some(self.zone.next_at(since, WeekdaySet::ALL, time(*hour))),
            On::Every(day, hour, _) => Some(self.zone.next_at(since, WeekdaySet(1 << day), time(*hour))),
            On::Renewal(hour) => {
                self.renewal.map(|renewal| self.zone.next_anniversary(since, Date(renewal), time(*hour)))
            }
            On::BeforeRenewal(days, hour) => {
                self.moment(When::Renewal(-days, Some(*hour))).filter(|moment| *moment >= since)
            }
            _ => return,
        };
        match known {
            Some(place) => self.moments[place].next = next,
            None => self.moments.push(Moment { journey, trigger, next, fired }),
        }
    }

    /// Begins the journeys whose moment it is; whether there are triggers of which it is.
    pub(super) fn fire_moments(&mut self) -> bool {
        let mut fired = false;
        for place in 0..self.moments.len() {
            let Some(next) = self.moments[place].next.filter(|next| *next <= self.now) else { continue };
            let (journey, trigger) = (self.moments[place].journey, self.moments[place].trigger);
            fired = true;
            self.moments[place].fired = Some(next);
            self.plan_moment(journey, trigger);
            let holds = match &self.journey(journey).on[trigger] {
                On::Every(_, _, Some(segment)) => self.holds(&self.program.segments[*segment], None),
                _ => true,
            };
            if holds {
                self.enter(journey, None);
            }
        }
        fired
    }
}

/// A number below a million that follows from a name and the contact: what decides splits and holdouts, for good.
pub(super) fn drawn(name: &str) -> u32 {
    let hash = blake3::hash(format!("{name}\0{KEY}").as_bytes());
    let first = hash.as_bytes().first_chunk::<8>().unwrap();
    u32::try_from(u64::from_le_bytes(*first) % 1_000_000).unwrap()
}
