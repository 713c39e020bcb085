//! Steps, one after the other.

use super::enter::drawn;
use super::*;

impl<'p> World<'p> {
    /// Goes on until the run parks or ends.
    pub(super) fn go(&mut self, mut run: Run<'p>) {
        run.parked = Parked::Nothing;
        loop {
            let step: &'p Step = match run.frames.pop() {
                None => {
                    let why = run.leaving.take().unwrap_or_else(|| "ended".to_owned());
                    return self.end(run, &why);
                }
                Some(Frame::Loop(left, until, body)) => {
                    let over = until.is_some_and(|until| self.holds(until, Some(&run)));
                    if !over && left > 1 {
                        run.frames.push(Frame::Loop(left - 1, until, body));
                        run.frames.push(Frame::Block(body, 0));
                    }
                    continue;
                }
                Some(Frame::Points(points)) => {
                    let Some(((days, hour, steps), rest)) = points.split_first() else { continue };
                    run.frames.push(Frame::Points(rest));
                    let when = When::Renewal(*days, *hour);
                    let wait = Wait { when, arms: Vec::new(), condition: None, then: steps, past: Some(NOTHING) };
                    match self.wait(run, wait) {
                        Some(back) => run = back,
                        None => return,
                    }
                    continue;
                }
                Some(Frame::Until(moment)) => match self.wait_until(run, moment) {
                    Some(back) => {
                        run = back;
                        continue;
                    }
                    None => return,
                },
                Some(Frame::Block(steps, at)) => match steps.get(at) {
                    None => continue,
                    Some(step) => {
                        run.frames.push(Frame::Block(steps, at + 1));
                        step
                    }
                },
            };
            match self.step(run, step) {
                Some(back) => run = back,
                None => return,
            }
        }
    }

    /// One step. The run comes back if it goes on.
    fn step(&mut self, mut run: Run<'p>, step: &'p Step) -> Option<Run<'p>> {
        let journey = run.journey;
        match step {
            Step::Level => run.level = self.visits + self.journey(journey).level,
            Step::First => return self.sends(run, &[Channel::Email], 0, true, ""),
            Step::Send(mail) => return self.sends(run, &[Channel::Email], *mail, false, ""),
            Step::SendAs(mail, subject, from) => {
                let as_said = as_said(subject.map(|name| NAMES[name]), from.map(|from| SENDERS[from]));
                return self.sends(run, &[Channel::Email], *mail, false, &as_said);
            }
            Step::SendBy(channels, mail) => return self.sends(run, channels, *mail, false, ""),
            Step::SendToSales(mail) => self.say(journey, &format!("sends email {}", MAILS[*mail])),
            Step::Wait(_)
            | Step::WaitHours(_)
            | Step::WaitBetween(..)
            | Step::WaitUntilHour(_)
            | Step::WaitUntilDay(..)
            | Step::WaitUntilWindow(_)
            | Step::WaitWithin(..) => {
                let until = self.until(step);
                return self.wait_until(run, until);
            }
            Step::WaitRenewal(days, hour, otherwise) => {
                let when = When::Renewal(-days, Some(*hour));
                let past = Some(otherwise.as_slice());
                return self.wait(run, Wait { when, arms: Vec::new(), condition: None, then: NOTHING, past });
            }
            Step::WaitFor { what, from_now, hours, window, otherwise } => {
                let when = When::At(self.in_hours(*hours, *window));
                let arms = vec![Arm { what, from_now: *from_now, then: NOTHING }];
                let then = otherwise.as_deref().unwrap_or(NOTHING);
                return self.wait(run, Wait { when, arms, condition: None, then, past: None });
            }
            Step::Race(arms, hours, timeout) => {
                let when = When::At(self.in_hours(*hours, None));
                let arms = arms.iter().map(|(what, from_now, then)| Arm { what, from_now: *from_now, then }).collect();
                return self.wait(run, Wait { when, arms, condition: None, then: timeout, past: None });
            }
            Step::WaitWhile { until, hours, otherwise } => {
                let when = When::At(self.in_hours(*hours, None));
                let then = otherwise.as_deref().unwrap_or(NOTHING);
                return self.wait(run, Wait { when, arms: Vec::new(), condition: Some(until), then, past: None });
            }
            Step::Countdown(points, otherwise) => run.frames.push(match self.renewal {
                Some(_) => Frame::Points(points),
                None => Frame::Block(otherwise, 0),
            }),
            Step::If(condition, then, otherwise) => {
                let holds = self.holds(condition, Some(&run));
                let steps = if holds { then } else { otherwise.as_deref().unwrap_or(NOTHING) };
                run.frames.push(Frame::Block(steps, 0));
            }
            Step::Chance(_, then) => {
                if self.draws.pop_front() == Some(1) {
                    run.frames.push(Frame::Block(then, 0));
                }
            }
            Step::Choose(free, pro) => run.frames.push(Frame::Block(if self.plan == 0 { free } else { pro }, 0)),
            Step::ChooseVisits(most, few, one, many) => {
                let steps = match self.visits {
                    visits if (0..=*most).contains(&visits) => few,
                    visits if visits == most + 1 => one,
                    _ => many,
                };
                run.frames.push(Frame::Block(steps, 0));
            }
            Step::Repeat(times, until, body) => {
                run.frames.push(Frame::Loop(*times, until.as_ref(), body));
                run.frames.push(Frame::Block(body, 0));
            }
            Step::Split { id, percent, sides, measure } => {
                let is_a = drawn(&format!("s{id}")) < percent * 10_000;
                let side = if is_a { "a" } else { "b" };
                self.say(journey, &format!("takes s{id}: {side}"));
                if let Some(measure) = measure {
                    run.sides.retain(|known| known.split != *id);
                    run.sides.push(Side { split: *id, name: side, measure, took: self.now, reached: false });
                }
                run.frames.push(Frame::Block(if is_a { &sides.0 } else { &sides.1 }, 0));
            }
            Step::AddTag(tag) => {
                if self.tags.insert(*tag) {
                    self.say(journey, &format!("adds {}", TAGS[*tag]));
                    self.follows(Pending::Happened(Happening::Tagged(*tag)));
                }
            }
            Step::RemoveTag(tag) => {
                if self.tags.remove(tag) {
                    self.say(journey, &format!("removes {}", TAGS[*tag]));
                    self.follows(Pending::Happened(Happening::Untagged(*tag)));
                }
            }
            Step::AddVisits(more) => {
                self.visits += more;
                self.sets(journey, "visits", &Value::int(self.visits), Happening::Changed);
            }
            Step::Let(id, value) => {
                let value = self.known(value, Some(&run));
                run.locals.insert(*id, value);
            }
            Step::SetVisits(number) => {
                let number = self.number(number, Some(&run));
                if std::mem::replace(&mut self.visits, number) != number {
                    self.sets(journey, "visits", &Value::int(number), Happening::Changed);
                }
            }
            Step::SetName(name) => {
                let name = self.text(name, Some(&run));
                if std::mem::replace(&mut self.name, name.clone()) != name {
                    self.sets(journey, "name", &Value::text(name), Happening::Changed);
                }
            }
            Step::SetRenewalTo(day) => {
                let day = self.day(day, Some(&run));
                self.set_renewal(journey, day);
            }
            Step::SetPlan(plan) => {
                if let Some(changed) = self.change_plan(*plan) {
                    self.sets(journey, "plan", &Value::text(PLANS[*plan]), changed);
                }
            }
            Step::SetRenewal(days) => {
                let day = self.zone.today(self.now).0 + days;
                self.set_renewal(journey, day);
            }
            Step::AddInterest(interest) => {
                let mut interests = self.interests.clone();
                if !interests.contains(interest) {
                    interests.push(*interest);
                    self.set_interests(journey, interests);
                }
            }
            Step::RemoveInterest(interest) => {
                let mut interests = self.interests.clone();
                if interests.contains(interest) {
                    interests.retain(|known| known != interest);
                    self.set_interests(journey, interests);
                }
            }
            Step::MoveTo(stage) => {
                if self.move_to(*stage) {
                    self.say(journey, &format!("moves to {}", STAGES[*stage]));
                    self.follows(Pending::Happened(Happening::Moved(*stage)));
                }
            }
            Step::Record(amount) => self.records(journey, *amount),
            Step::RecordValue(amount) => {
                let amount = self.number(amount, Some(&run));
                self.records(journey, amount);
            }
            Step::Subscribe(topic, channel, until) => {
                let until = until.as_ref().map(|until| match until {
                    Until::Hours(hours) => self.in_hours(*hours, None),
                    Until::Day(day) => self.zone.start_of(Date(self.day(day, Some(&run)))),
                });
                let news = self.subscribe(*topic, *channel, until);
                self.say(journey, &format!("subscribes {}{}", TOPICS[*topic], via(*channel)));
                if news {
                    self.follows(Pending::Happened(Happening::Subscribed(*topic, *channel)));
                }
            }
            Step::Unsubscribe(topic, channel) => {
                if self.withdraw(*topic, *channel) {
                    let name = topic.map_or("", |topic| TOPICS[topic]);
                    self.say(journey, &format!("unsubscribes {name}{}", via(*channel)));
                    self.follows(Pending::Withdrawn(*topic, *channel));
                }
            }
            Step::Suppress => {
                self.suppressed = true;
                self.say(journey, "suppresses");
            }
            Step::Delete => {
                self.end(run, "deleted");
                self.queue.clear();
                self.queue.push_back(Pending::Erase);
                return None;
            }
            Step::Notify => self.say(journey, "tells sales"),
            Step::Call { hours, .. } => {
                let until = self.in_hours(*hours, None);
                self.ask(run, step, &format!("calls crm.grade until {}", until.0 - START.0), until);
                return None;
            }
            Step::Voucher { expires, .. } => {
                run.code = self.days(self.now, expires.unwrap_or(0));
                self.ask(run, step, "asks for gift", Instant::NEVER);
                return None;
            }
            Step::Ask { hours, .. } => {
                let until = hours.map_or(Instant::NEVER, |hours| self.in_hours(hours, None));
                self.ask(run, step, &format!("asks sales until {}", until.0 - START.0), until);
                return None;
            }
            Step::Start(other, amount) => self.follows(Pending::Start(*other, *amount)),
            Step::Stop(other) if *other == journey => {
                self.end(run, "stopped");
                return None;
            }
            Step::Stop(other) => {
                let runs: Vec<usize> =
                    self.runs.iter().filter(|run| run.journey == *other).map(|run| run.number).collect();
                for number in runs {
                    let stopped = self.take(number).unwrap();
                    self.end(stopped, "stopped");
                }
            }
            Step::Label(_) => {}
            Step::End => {
                let why = run.leaving.take().unwrap_or_else(|| "ended".to_owned());
                self.end(run, &why);
                return None;
            }
        }
        Some(run)
    }

    /// Until when a wait that is for time alone lasts.
    fn until(&mut self, step: &Step) -> Instant {
        let now = self.now;
        let time = |hour: u32| Time(hour * 3600);
        match step {
            Step::Wait(days) => self.days(now, *days),
            Step::WaitHours(hours) => self.in_hours(*hours, None),
            Step::WaitBetween(from, to) => {
                let drawn = self.draws.pop_front().map_or(now, Instant);
                assert!((from * HOUR..=to * HOUR).contains(&(drawn.0 - now.0)), "drawn outside of its bounds");
                drawn
            }
            Step::WaitUntilHour(hour) => self.zone.next_at(now, WeekdaySet::ALL, time(*hour)),
            Step::WaitUntilDay(day, hour) => self.zone.next_at(now, WeekdaySet(1 << day), time(*hour)),
            Step::WaitUntilWindow(place) => self.zone.next_within(now, window(*place)),
            Step::WaitWithin(hours, place) => self.in_hours(*hours, Some(*place)),
            _ => now,
        }
    }

    fn in_hours(&self, hours: i64, within: Option<usize>) -> Instant {
        match within {
            Some(place) => {
                let span = Span { millis: hours * HOUR, ..Span::default() };
                self.zone.add_within(self.now, span, window(place))
            }
            None => Instant(self.now.0 + hours * HOUR),
        }
    }

    fn sends(
        &mut self,
        mut run: Run<'p>,
        channels: &[Channel],
        mail: usize,
        first: bool,
        as_said: &str,
    ) -> Option<Run<'p>> {
        let Some(until) = self.send(&mut run, channels, mail, first, as_said) else { return Some(run) };
        self.say(run.journey, &format!("holds until {}", until.0 - START.0));
        // The send itself is tried again.
        if let Some(Frame::Block(_, at)) = run.frames.last_mut() {
            *at -= 1;
        }
        self.park(run, Parked::Held(until));
        None
    }

    fn sets(&mut self, journey: usize, attribute: &str, value: &Value, changed: Happening) {
        self.say(journey, &format!("sets {attribute} to {value}"));
        self.follows(Pending::Happened(changed));
    }

    fn set_renewal(&mut self, journey: usize, day: i32) {
        if self.renewal.replace(day) != Some(day) {
            self.sets(journey, "renewal", &Value::Date(Date(day)), Happening::Changed);
        }
    }

    fn records(&mut self, journey: usize, amount: i64) {
        self.say(journey, "records noted");
        self.history.push((2, amount, self.now));
        self.follows(Pending::Happened(Happening::Event(2, amount)));
    }

    fn set_interests(&mut self, journey: usize, interests: Vec<usize>) {
        let value = Value::List(interests.iter().map(|interest| Value::text(INTERESTS[*interest])).collect());
        self.interests = interests;
        self.sets(journey, "interests", &value, Happening::Changed);
    }
}

/// What a send says about a message's head.
pub fn as_said(subject: Option<&str>, from: Option<&str>) -> String {
    let subject = subject.map_or_else(String::new, |subject| format!(" \"{subject}\""));
    let from = from.map_or_else(String::new, |from| format!(" from {from}"));
    format!("{subject}{from}")
}

fn via(channel: Option<Channel>) -> String {
    channel.map_or_else(String::new, |channel| format!(" via {}", channel.name()))
}
