//! What a simulation counts.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use journey_bytecode::{Channel, Instant, StatusKind, StepIx, Value};
use smol_str::SmolStr;

use super::{Received, RefusedInput};
use crate::core::Linked;
use crate::core::contact::{Alias, ContactId, EndReason};
use crate::core::effect::{Deferral, MessageId, NotEntered, Refusal, TraceEntry, TraceEvent};
use crate::store::{Advanced, Delivery, DeliveryResult};
use crate::time::{DAY, Zone};
use crate::trial::{TrialSide, Trials, Verdict};

/// What a simulation came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// When time began.
    pub start: Instant,
    /// When it ended: the moment of the last thing that was due, or the limit.
    pub end: Instant,
    /// How many contacts there were.
    pub contacts: u64,
    /// Each journey, by name.
    pub journeys: Vec<JourneyReport>,
    /// Each message, by name and channel.
    pub messages: Vec<MessageReport>,
    /// The most messages that a contact got within 7 days: how many contacts there are of each number, but 0.
    pub pressure: BTreeMap<u32, u64>,
    /// Messages that waited for a window, by its kind: `quiet hours`, `journey hours`.
    pub deferred: BTreeMap<&'static str, u64>,
    /// Contacts whose zone the project's own stood in for.
    pub zones: Zones,
    /// Who received what, in the order of sending; nothing unless the scenario asks for it.
    pub received: Vec<Received>,
    /// Contacts that were refused: their places in the list, and why.
    pub refused_contacts: Vec<RefusedInput>,
    /// The same for events.
    pub refused_events: Vec<RefusedInput>,
}

/// One journey.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct JourneyReport {
    /// Its name.
    pub journey: SmolStr,
    /// Runs that began.
    pub entered: u64,
    /// Runs that are still under way.
    pub active: u64,
    /// Times that a run reached a goal.
    pub goals: u64,
    /// Runs that ended, by reason: `ended`, `exit purchase`.
    pub ended: BTreeMap<String, u64>,
    /// Triggers that started no run, by reason: `filter`, `active`.
    pub not_entered: BTreeMap<String, u64>,
    /// Its statements, in source order.
    pub steps: Vec<StepReport>,
    /// Its splits that measure something, in source order.
    pub splits: Vec<SplitReport>,
}

/// A split that measures something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SplitReport {
    /// Its name.
    pub split: SmolStr,
    /// Its sides, with the contacts that count.
    pub sides: Vec<TrialSide>,
    /// Whether one is better.
    pub verdict: Verdict,
}

/// One statement. `came` is `went + left + waiting`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StepReport {
    /// Its head: `send email story`.
    pub label: String,
    /// How deep it stands in blocks.
    pub depth: u16,
    /// Its line, from 1.
    pub line: u32,
    /// How often a run came to it.
    pub came: u64,
    /// How often one went on from it.
    pub went: u64,
    /// How often a run ended there from outside: an exit, an unsubscribe, a goal, a restart.
    pub left: u64,
    /// Runs that wait there now.
    pub waiting: u64,
}

/// One message.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MessageReport {
    /// Its name.
    pub name: SmolStr,
    /// Its channel's name.
    pub channel: SmolStr,
    /// How often it was queued.
    pub sent: u64,
    /// How many of these a provider took.
    pub delivered: u64,
    /// How many of these persons opened.
    pub opened: u64,
    /// In how many of these persons clicked.
    pub clicked: u64,
    /// How many of these were answered.
    pub replied: u64,
    /// How often it was refused before it was queued, by reason: `unsubscribed`, `cap 3`.
    pub skipped: BTreeMap<String, u64>,
    /// How often it was queued and not delivered, by cause.
    pub failed: BTreeMap<String, u64>,
}

/// Contacts whose zone the project's own stood in for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Zones {
    /// They have none.
    pub missing: u64,
    /// Theirs is not in the zone database.
    pub unknown: u64,
}

/// What has to be remembered to count.
#[derive(Debug, Default)]
pub(super) struct Tally {
    journeys: BTreeMap<SmolStr, JourneyReport>,
    messages: BTreeMap<(SmolStr, SmolStr), MessageReport>,
    /// Where each active run stands.
    at: BTreeMap<(ContactId, u32), StepIx>,
    /// Which message a number means.
    names: BTreeMap<MessageId, (SmolStr, SmolStr)>,
    /// Contacts that turned out to be others.
    joined: HashSet<ContactId>,
    /// What was counted of a message already.
    seen: HashSet<(MessageId, StatusKind)>,
    zones: HashMap<ContactId, ZoneState>,
    /// What counts for splits.
    pub(super) trials: Trials,
    /// When each contact's messages of the last 7 days were sent, and the most that there ever were.
    pressure: HashMap<ContactId, (VecDeque<Instant>, u32)>,
    deferred: BTreeMap<&'static str, u64>,
    /// What contacts are called, and what they received, if that is asked for.
    who: Option<(HashMap<ContactId, SmolStr>, Vec<Received>)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ZoneState {
    Missing,
    Unknown,
    Known,
}

impl Tally {
    /// `tells_who` remembers who received what.
    pub(super) fn new(tells_who: bool) -> Self {
        Self { who: tells_who.then(Default::default), ..Self::default() }
    }

    /// Counts what became of a contact.
    pub(super) fn observe(&mut self, linked: &Linked, Advanced { contact, outcome }: &Advanced) {
        for alias in &contact.state.identities.aliases {
            if self.joined.insert(alias.contact) {
                self.join(contact.id, alias);
            }
        }
        for entry in &outcome.trace {
            self.count(linked, contact.id, entry);
        }
        if contact.is_merged() {
            self.zones.remove(&contact.id);
            return;
        }
        outcome.trials.iter().for_each(|event| self.trials.add(event));
        if let Some((names, _)) = &mut self.who {
            // One that is erased is known by what it was called.
            names.entry(contact.id).or_insert_with(|| contact.key.clone());
        }
        let zone = linked.zone_attribute().map(|attribute| contact.attributes.get(attribute));
        let state = match zone {
            Some(None) => ZoneState::Missing,
            Some(Some(Value::Text(name))) if Zone::parse(name).is_none() => ZoneState::Unknown,
            _ => ZoneState::Known,
        };
        self.zones.insert(contact.id, state);
    }

    /// From now on, what is told of a contact's runs and messages has the numbers of whoever it turned out to be.
    fn join(&mut self, contact: ContactId, alias: &Alias) {
        let runs: Vec<_> =
            self.at.range((alias.contact, 0)..=(alias.contact, u32::MAX)).map(|(at, step)| (*at, *step)).collect();
        for (at, step) in runs {
            self.at.remove(&at);
            self.at.insert((contact, at.1.saturating_add(alias.runs)), step);
        }
        let id = |number| MessageId { contact: alias.contact, number };
        let names: Vec<_> = self.names.range(id(0)..=id(u32::MAX)).map(|(id, name)| (*id, name.clone())).collect();
        for (id, name) in names {
            self.names.insert(MessageId { contact, number: id.number.saturating_add(alias.messages) }, name);
        }
        if let Some((theirs, most_of_theirs)) = self.pressure.remove(&alias.contact) {
            let (recent, most) = self.pressure.entry(contact).or_default();
            recent.extend(theirs);
            recent.make_contiguous().sort_unstable();
            *most = (*most).max(most_of_theirs);
        }
    }

    /// Counts what became of a message.
    pub(super) fn delivered(&mut self, delivery: &Delivery) {
        if let (DeliveryResult::Delivered { .. }, Some((names, received))) = (&delivery.result, &mut self.who)
            && let (Some(contact), Some((message, channel))) =
                (names.get(&delivery.id.contact), self.names.get(&delivery.id))
        {
            let (contact, channel, message) = (contact.clone(), channel.clone(), message.clone());
            received.push(Received { contact, channel, message, at: delivery.at });
        }
        if let DeliveryResult::Failed { cause, .. } = &delivery.result
            && let Some(message) = self.message(delivery.id)
        {
            *message.failed.entry(cause.clone()).or_default() += 1;
        }
    }

    /// Adds up.
    pub(super) fn report(mut self, start: Instant, end: Instant, linked: &Linked) -> Report {
        for program in &linked.bundle().programs {
            let measured = program.splits.iter().filter(|split| split.measure.is_some());
            let splits = measured.map(|split| {
                let (sides, verdict) = self.trials.judge(program.version(), split, linked.zone(), end);
                SplitReport { split: split.name.clone(), sides, verdict }
            });
            let splits = splits.collect();
            self.journey(linked, &program.name).splits = splits;
        }
        let count = |state| self.zones.values().filter(|known| **known == state).count() as u64;
        Report {
            start,
            end,
            contacts: self.zones.len() as u64,
            pressure: self.pressure.values().fold(BTreeMap::new(), |mut contacts, (_, most)| {
                *contacts.entry(*most).or_default() += 1;
                contacts
            }),
            deferred: self.deferred,
            zones: Zones { missing: count(ZoneState::Missing), unknown: count(ZoneState::Unknown) },
            journeys: self.journeys.into_values().collect(),
            messages: self.messages.into_values().collect(),
            received: self.who.map(|(_, received)| received).unwrap_or_default(),
            refused_contacts: Vec::new(),
            refused_events: Vec::new(),
        }
    }

    fn journey(&mut self, linked: &Linked, name: &SmolStr) -> &mut JourneyReport {
        self.journeys.entry(name.clone()).or_insert_with(|| {
            let program = linked.bundle().programs.iter().find(|program| program.name == *name);
            let steps = program.map(|program| program.map.steps.as_slice()).unwrap_or_default();
            let step = |info: &journey_bytecode::StepInfo| StepReport {
                label: info.label.clone(),
                depth: info.depth,
                line: info.line,
                ..StepReport::default()
            };
            JourneyReport { journey: name.clone(), steps: steps.iter().map(step).collect(), ..JourneyReport::default() }
        })
    }

    /// What a message is called, and its channel.
    pub(super) fn name(&self, id: MessageId) -> Option<(&str, &str)> {
        self.names.get(&id).map(|(name, channel)| (name.as_str(), channel.as_str()))
    }

    fn message(&mut self, id: MessageId) -> Option<&mut MessageReport> {
        let name = self.names.get(&id)?;
        self.messages.get_mut(name)
    }

    fn named(&mut self, id: MessageId, name: &SmolStr, channel: Channel) -> &mut MessageReport {
        let key = (name.clone(), SmolStr::new_static(channel.name()));
        self.names.insert(id, key.clone());
        let (name, channel) = key.clone();
        self.messages.entry(key).or_insert_with(|| MessageReport { name, channel, ..MessageReport::default() })
    }

    fn count(&mut self, linked: &Linked, contact: ContactId, entry: &TraceEntry) {
        let run = entry.run.map(|run| (contact, run));
        let id = |message: u32| MessageId { contact, number: message };
        match &entry.event {
            TraceEvent::Entered { .. } => {
                let journey = self.journey(linked, &entry.journey);
                journey.entered += 1;
                journey.active += 1;
            }
            // Such an event does not concern the journey.
            TraceEvent::NotEntered { reason: NotEntered::Trigger { .. } } => {}
            TraceEvent::NotEntered { reason } => {
                let reason = not_entered(reason).to_owned();
                *self.journey(linked, &entry.journey).not_entered.entry(reason).or_default() += 1;
            }
            TraceEvent::Step(step) => {
                let before = run.and_then(|run| self.at.insert(run, *step));
                let journey = self.journey(linked, &entry.journey);
                if let Some(before) = before.and_then(|before| journey.steps.get_mut(before.index())) {
                    before.waiting -= 1;
                    before.went += 1;
                }
                if let Some(step) = journey.steps.get_mut(step.index()) {
                    step.came += 1;
                    step.waiting += 1;
                }
            }
            TraceEvent::Ended(reason) => {
                let before = run.and_then(|run| self.at.remove(&run));
                let journey = self.journey(linked, &entry.journey);
                journey.active = journey.active.saturating_sub(1);
                *journey.ended.entry(end_reason(reason)).or_default() += 1;
                if let Some(before) = before.and_then(|before| journey.steps.get_mut(before.index())) {
                    before.waiting -= 1;
                    if *reason == EndReason::Ended {
                        before.went += 1;
                    } else {
                        before.left += 1;
                    }
                }
            }
            TraceEvent::GoalReached => self.journey(linked, &entry.journey).goals += 1,
            TraceEvent::Sent { message, channel, name } => {
                self.named(id(*message), name, *channel).sent += 1;
                let (recent, most) = self.pressure.entry(contact).or_default();
                recent.push_back(entry.at);
                while recent.pop_front_if(|at| at.0 + 7 * DAY <= entry.at.0).is_some() {}
                *most = (*most).max(u32::try_from(recent.len()).unwrap_or(u32::MAX));
            }
            TraceEvent::Deferred { reason, .. } => *self.deferred.entry(deferral(reason)).or_default() += 1,
            TraceEvent::Skipped { message, channel, name, reason } => {
                let skipped = &mut self.named(id(*message), name, *channel).skipped;
                *skipped.entry(refusal(reason)).or_default() += 1;
            }
            TraceEvent::Message { message, status, machine: false } => {
                if self.seen.insert((id(*message), *status))
                    && let Some(message) = self.message(id(*message))
                {
                    match status {
                        StatusKind::Delivered => message.delivered += 1,
                        StatusKind::Opened => message.opened += 1,
                        StatusKind::Clicked => message.clicked += 1,
                        StatusKind::Replied => message.replied += 1,
                        // Counted by cause when it happened.
                        StatusKind::Bounced | StatusKind::Failed | StatusKind::Skipped => {}
                        StatusKind::Sent | StatusKind::Complained => {}
                    }
                }
            }
            _ => {}
        }
    }
}

const fn deferral(reason: &Deferral) -> &'static str {
    match reason {
        Deferral::QuietHours => "quiet hours",
        Deferral::JourneyHours => "journey hours",
        Deferral::Holiday => "holidays",
    }
}

fn not_entered(reason: &NotEntered) -> &'static str {
    match reason {
        NotEntered::Trigger { .. } => "trigger",
        NotEntered::Filter { .. } => "filter",
        NotEntered::Active => "active",
        NotEntered::Never => "reenter never",
        NotEntered::TooEarly { .. } => "reenter after",
        NotEntered::Unsubscribed => "unsubscribed",
        NotEntered::Holdout => "holdout",
    }
}

fn end_reason(reason: &EndReason) -> String {
    match reason {
        EndReason::Ended => "ended".to_owned(),
        EndReason::Goal => "goal".to_owned(),
        EndReason::Exit(event) => format!("exit {event}"),
        EndReason::ExitCondition => "exit condition".to_owned(),
        EndReason::ExitAfter => "exit after".to_owned(),
        EndReason::Unsubscribed => "unsubscribed".to_owned(),
        EndReason::Stopped => "stopped".to_owned(),
        EndReason::Deleted => "deleted".to_owned(),
        EndReason::Migrated => "migrated".to_owned(),
        EndReason::Merged => "merged".to_owned(),
        EndReason::Restarted => "restarted".to_owned(),
        EndReason::Failed(cause) => format!("failed: {cause}"),
    }
}

fn refusal(reason: &Refusal) -> String {
    match reason {
        Refusal::Suppressed => "suppressed".to_owned(),
        Refusal::NoAddress => "no address".to_owned(),
        Refusal::Unsubscribed => "unsubscribed".to_owned(),
        Refusal::NoConsent => "no consent".to_owned(),
        Refusal::Cap { most } => format!("cap {most}"),
        Refusal::Paused => "paused".to_owned(),
    }
}
