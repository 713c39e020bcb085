//! Conditions.

use super::happen::is;
use super::values::counts;
use super::*;

impl<'p> World<'p> {
    pub(super) fn holds(&self, condition: &Cond, run: Option<&Run<'p>>) -> bool {
        let message = |place: Option<usize>, status| place.is_some_and(|place| self.messages[place].has(status));
        let first = run.and_then(|run| run.first);
        let last = run.and_then(|run| run.last);
        let recent = |at: Instant, days: i32| self.days(at, days) > self.now;
        let left = |of: usize, days: Option<i32>, left: &[(usize, Instant)]| {
            left.iter().any(|(other, at)| *other == of && days.is_none_or(|days| recent(*at, days)))
        };
        match condition {
            Cond::Plan(plan) => self.plan == *plan,
            Cond::VisitsAtLeast(least) => self.visits >= *least,
            Cond::VisitsBetween(low, high) => (*low..=*high).contains(&self.visits),
            Cond::HasTag(tag) => self.tags.contains(tag),
            Cond::First(status) => message(first, *status),
            Cond::Last(status) => message(last, *status),
            Cond::ClickedLink => message(first, Status::Clicked),
            Cond::OpenedAny(times, days) => {
                let mails = self.messages.iter().filter(|message| message.channel == Channel::Email);
                let opened = mails.filter_map(|mail| mail.since(Status::Opened)).filter(|at| recent(*at, *days));
                opened.count() >= times.unwrap_or(1) as usize
            }
            Cond::Did(pattern, times, days, since_entry) => {
                let since = run.filter(|_| *since_entry).map(|run| run.entered);
                self.amounts(pattern, *days, since).len() >= times.unwrap_or(1) as usize
            }
            Cond::DidNot(pattern, days) => self.amounts(pattern, Some(*days), None).is_empty(),
            Cond::DidOnDays(pattern, times, days) => {
                let fits = |(event, amount, at): &&(usize, i64, Instant)| {
                    is(pattern, &Happening::Event(*event, *amount)) && recent(*at, *days)
                };
                let on: BTreeSet<i32> =
                    self.history.iter().filter(fits).map(|(.., at)| self.zone.today(*at).0).collect();
                on.len() >= *times as usize
            }
            Cond::DidSince(event, other) => {
                let last = self.history.iter().rev().find(|(known, ..)| known == other).map(|(.., at)| *at);
                last.is_some_and(|last| self.history.iter().any(|(known, _, at)| known == event && *at >= last))
            }
            Cond::DidIn(past, bound, times) => counts(*bound, self.past(past, run).len(), *times),
            Cond::SumIn(sum, past, least) => is_at_least(*sum, &self.past(past, run), *least),
            Cond::OpenedAnyIn(stretch) => {
                let mails = self.messages.iter().filter(|message| message.channel == Channel::Email);
                mails.filter_map(|mail| mail.since(Status::Opened)).any(|at| self.lies(stretch, at, run))
            }
            Cond::FirstIn(status, stretch) => {
                let since = first.and_then(|place| self.messages[place].since(*status));
                since.is_some_and(|at| self.lies(stretch, at, run))
            }
            Cond::PlanChangedIn(stretch) => self.changes.iter().any(|(.., at)| self.lies(stretch, *at, run)),
            Cond::CountAtLeast(pattern, least) => count(&self.amounts(pattern, None, None)) >= *least,
            Cond::DistinctAtLeast(event, least) => {
                let all = self.amounts(&Pattern { event: *event, least: None }, None, None);
                all.into_iter().collect::<BTreeSet<_>>().len() >= usize::try_from(*least).unwrap()
            }
            Cond::SumAtLeast(sum, pattern, days, least) => {
                is_at_least(*sum, &self.amounts(pattern, *days, None), *least)
            }
            Cond::InStage(stage) => self.stage == Some(*stage),
            Cond::WasInStage(stage, days) => self.stage == Some(*stage) || left(*stage, Some(*days), &self.stages_left),
            Cond::InJourney(journey) => self.is_in(*journey, run),
            Cond::WasInJourney(journey, days) => {
                self.is_in(*journey, run) || left(*journey, *days, &self.journeys_left)
            }
            Cond::InSegment(segment) => self.holds(&self.program.segments[*segment], run),
            Cond::WasInSegment(segment, days) => {
                self.holds(&self.program.segments[*segment], run) || left(*segment, Some(*days), &self.segments_left)
            }
            Cond::PlanChanged(from, to, days) => self.changes.iter().any(|(before, after, at)| {
                from.is_none_or(|from| from == *before)
                    && to.is_none_or(|to| to == *after)
                    && days.is_none_or(|days| recent(*at, days))
            }),
            Cond::Consents(topic, channel) => self.consents_to(*topic, *channel),
            Cond::Reachable(channel) => !self.suppressed && self.address(*channel).is_some(),
            Cond::Interested(interest) => self.interests.contains(interest),
            Cond::ScoreAbove(_) | Cond::ScoreFrom(_) => self.score_holds(condition, self.now),
            Cond::RenewalWithin(days) => {
                self.renewal.is_some_and(|renewal| renewal <= self.zone.today(self.now).0 + days)
            }
            Cond::Within(place) => self.zone.is_within(self.now, window(*place)),
            Cond::Weekday(day) => self.zone.weekday(self.now) as usize == *day,
            Cond::Compared(left, order, right) => order.holds(&self.number(left, run), &self.number(right, run)),
            Cond::Days(left, order, right) => self.days_hold(left, *order, right, run),
            Cond::Named(text, of, name) => self.is_named(text, *of, *name, run),
            Cond::Domain(which) => self.addresses[Channel::Email as usize] == Some(*which),
            Cond::RenewalDays(order, days) => {
                self.renewal.is_some_and(|renewal| order.holds(&i64::from(renewal - self.zone.today(self.now).0), days))
            }
            Cond::Level(least) => run.is_some_and(|run| run.level >= *least),
            Cond::Amount(least) => run.and_then(|run| run.amount) >= Some(*least),
            Cond::Gathered(least) => run.is_some_and(|run| run.gathered >= *least),
            Cond::AtLeast(number, of) => of.iter().filter(|one| self.holds(one, run)).count() >= *number,
            Cond::Exactly(number, of) => of.iter().filter(|one| self.holds(one, run)).count() == *number,
            Cond::Not(inner) => !self.holds(inner, run),
            Cond::And(sides) => self.holds(&sides.0, run) && self.holds(&sides.1, run),
            Cond::Or(sides) => self.holds(&sides.0, run) || self.holds(&sides.1, run),
        }
    }

    /// The amounts of the events that are meant, in their order.
    fn amounts(&self, pattern: &Pattern, days: Option<i32>, since: Option<Instant>) -> Vec<i64> {
        let meant = |(event, amount, at): &&(usize, i64, Instant)| {
            is(pattern, &Happening::Event(*event, *amount))
                && days.is_none_or(|days| self.days(*at, days) > self.now)
                && since.is_none_or(|since| *at >= since)
        };
        self.history.iter().filter(meant).map(|(_, amount, _)| *amount).collect()
    }

    fn is_in(&self, journey: usize, run: Option<&Run<'p>>) -> bool {
        run.is_some_and(|run| run.journey == journey) || self.runs.iter().any(|run| run.journey == journey)
    }

    pub(super) fn score_at(&self, at: Instant) -> Points {
        self.score.map_or(Points::default(), |(points, since)| points.faded(at.0 - since.0, Some(3 * DAY)))
    }

    pub(super) fn score_holds(&self, condition: &Cond, at: Instant) -> bool {
        let score = self.score_at(at).number();
        match condition {
            Cond::ScoreAbove(than) => score > journey_bytecode::Number::from_int(*than),
            Cond::ScoreFrom(from) => score >= journey_bytecode::Number::from_int(*from),
            _ => false,
        }
    }
}

/// Of no amounts there is no least and no greatest, no sum and no average.
fn is_at_least(of: Aggregate, amounts: &[i64], least: i64) -> bool {
    let (Some(first), Some(last)) = (amounts.first(), amounts.last()) else { return false };
    match of {
        Aggregate::Sum => amounts.iter().sum::<i64>() >= least,
        Aggregate::Average => amounts.iter().sum::<i64>() >= least * count(amounts),
        Aggregate::Min => amounts.iter().min() >= Some(&least),
        Aggregate::Max => amounts.iter().max() >= Some(&least),
        Aggregate::First => *first >= least,
        Aggregate::Last => *last >= least,
    }
}

fn count(amounts: &[i64]) -> i64 {
    i64::try_from(amounts.len()).unwrap()
}
