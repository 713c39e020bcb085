//! Two contacts turn out to be one: one hands over all that it is, the other takes it in.
//!
//! Nothing happens by that in the world, so no journey begins: what either contact was triggered by has begun its runs
//! already. Runs go on, and those of each side hear what the other side brings.

use std::collections::BTreeSet;

use journey_bytecode::{Channel, Instant, Points, Value};
use smol_str::{SmolStr, format_smolstr};

use super::prune::forget_messages;
use super::{Advance, Happening, MAX_MESSAGES};
use crate::core::contact::{
    Act, Alias, Consent, Contact, ContactId, EndReason, EndedRun, Identities, Kept, Parked, Run, State,
};
use crate::core::effect::Handover;
use crate::core::input::{Evidence, Input, InputKind};

impl Advance<'_> {
    /// Hands over everything to another contact; what comes later is for that one.
    pub(super) fn hand_over(&mut self, into: ContactId, applied: i64) {
        let state = &self.contact.state;
        let left = State {
            applied: i64::MAX,
            clock: self.clock,
            runs_begun: state.runs_begun,
            messages_begun: state.messages_begun,
            traced: state.traced,
            identities: Identities { merged_into: Some(into), aliases: Vec::new() },
            ..State::default()
        };
        let left =
            Contact { state: left, ..Contact::new(self.contact.id, self.contact.key.clone(), self.contact.created_at) };
        let mut contact = std::mem::replace(self.contact, left);
        contact.state.clock = self.clock;
        self.queue.clear();
        self.out.handed = Some(Box::new(Handover { into, applied, contact }));
    }

    /// Takes in a contact that turned out to be this one.
    pub(super) fn absorb(&mut self, other: &Contact) {
        let mut other = other.clone();
        let (messages, runs) = (self.contact.state.messages_begun, self.contact.state.runs_begun);
        let alias = Alias { contact: other.id, key: other.key.clone(), at: self.clock, messages, runs };
        renumber(&mut other.state, &alias);
        let (ours, theirs) = self.join_facts(&other);
        self.contact.created_at = self.contact.created_at.min(other.created_at);
        self.join_consent(&other.state, &alias.key);
        self.join_scores(&other.state);
        let theirs_runs: Vec<u32> = other.state.runs.iter().map(|run| run.number).collect();
        let ours_runs: Vec<u32> = self.contact.state.runs.iter().map(|run| run.number).collect();
        let younger = self.join_runs(&mut other.state);
        self.join_past(&mut other.state);
        let identities = &mut self.contact.state.identities;
        identities.aliases.push(alias);
        identities.aliases.extend(other.state.identities.aliases);
        for number in younger {
            if let Some((run, prepared)) = self.take(number) {
                self.end(run, &prepared, EndReason::Merged);
            }
        }
        self.end_unsubscribed();
        self.plan_moments();
        self.stirred = true;
        for (runs, news) in [(ours_runs, ours), (theirs_runs, theirs)] {
            for happening in &news {
                runs.iter().for_each(|run| self.react(*run, happening));
            }
        }
    }

    /// Joins attributes, tags and stages: what this contact has wins. What is new for the runs of this contact, and for those
    /// of the other one.
    fn join_facts(&mut self, other: &Contact) -> (Vec<Happening>, Vec<Happening>) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let both = self.contact.attributes.iter().chain(other.attributes.iter());
        let names: BTreeSet<SmolStr> = both.map(|(name, _)| name.clone()).collect();
        for name in names {
            let default = self.linked.default_of(&name);
            let effective = |given: Option<&Value>| given.or(default).cloned().unwrap_or_default();
            let (mine, given) = (self.contact.attributes.get(&name), other.attributes.get(&name));
            let (old, old_there) = (effective(mine), effective(given));
            let Some(value) = mine.or(given).cloned() else { continue };
            if old != value {
                ours.push(Happening::changed(name.clone(), old, value.clone()));
            }
            if old_there != value {
                theirs.push(Happening::changed(name.clone(), old_there, value.clone()));
            }
            self.contact.attributes.insert(name, value);
        }
        let tags = &mut self.contact.tags;
        theirs.extend(tags.iter().filter(|tag| !other.tags.contains(tag)).cloned().map(Happening::tagged));
        ours.extend(other.tags.iter().filter(|tag| tags.insert((*tag).clone())).cloned().map(Happening::tagged));
        let stages = &mut self.contact.state.stages;
        for (funnel, stage) in &other.state.stages {
            stages.entry(funnel.clone()).or_insert_with(|| stage.clone());
        }
        (ours, theirs)
    }

    /// Joins consent: it stands as far as neither took it back. What is lost by that goes into the ledger.
    fn join_consent(&mut self, other: &State, key: &SmolStr) {
        self.expire_consents();
        let at = self.clock;
        let state = &mut self.contact.state;
        let lost = join_consents(state, other, at);
        state.suppressed = state.suppressed.take().or_else(|| other.suppressed.clone());
        for (channel, count) in &other.bounced {
            let bounced = state.bounced.entry(*channel).or_default();
            *bounced = (*bounced).max(*count);
        }
        state.ledger.extend(other.ledger.iter().cloned());
        state.ledger.sort_by_key(|entry| entry.at);
        let source = format_smolstr!("alias {key}");
        for (topic, channel) in lost {
            let evidence = Evidence { source: source.clone(), ..Evidence::default() };
            self.enter_in_ledger(Act::Withdrawn, topic.as_ref(), channel, &evidence);
        }
        for (channel, address) in &other.unreachable {
            let is_ours = self.address(*channel).as_ref() == Some(address);
            let unreachable = &mut self.contact.state.unreachable;
            if is_ours || !unreachable.contains_key(channel) {
                unreachable.insert(*channel, address.clone());
            }
        }
    }

    /// Adds scores, as they stand at this moment.
    fn join_scores(&mut self, other: &State) {
        let (linked, at) = (self.linked, self.clock);
        for (name, theirs) in &other.scores {
            let score = linked.bundle().scores.scores.iter().find(|score| score.name == *name);
            let halves = score.and_then(|score| score.halves);
            let left = |kept: &Kept| kept.points.faded(at.0.saturating_sub(kept.at.0), halves);
            let mine = self.contact.state.scores.get(name).map_or(Points::default(), left);
            let points = mine.and(left(theirs));
            self.contact.state.scores.insert(name.clone(), Kept { points, at });
        }
    }

    /// Joins runs; those that end, because the same journey has an older run.
    fn join_runs(&mut self, other: &mut State) -> Vec<u32> {
        let state = &mut self.contact.state;
        let same = |one: &Run, two: &Run| one.journey == two.journey && one.key == two.key;
        let mut younger = Vec::new();
        for run in &other.runs {
            if let Some(mine) = state.runs.iter().find(|mine| same(mine, run)) {
                younger.push(if mine.entered_at <= run.entered_at { run.number } else { mine.number });
            }
        }
        state.runs.append(&mut other.runs);
        for ended in std::mem::take(&mut other.ended) {
            let same = |known: &EndedRun| known.journey == ended.journey && known.key == ended.key;
            if !state.ended.iter().any(|known| same(known) && known.ended_at >= ended.ended_at) {
                state.ended.retain(|known| !same(known));
                state.ended.push(ended);
            }
        }
        state.ended.sort_by_key(|ended| (ended.ended_at, ended.number));
        // What is bought from now on belongs to the run that goes on.
        for ended in &mut state.ended {
            if state.runs.iter().any(|run| run.journey == ended.journey && run.key == ended.key) {
                ended.goal = None;
            }
        }
        younger
    }

    /// Joins what happened, and what is watched.
    fn join_past(&mut self, other: &mut State) {
        let state = &mut self.contact.state;
        state.history.append(&mut other.history);
        state.history.sort_by_key(|past| past.at);
        state.messages.append(&mut other.messages);
        if state.messages.len() > MAX_MESSAGES {
            // Numbers no longer tell which are the oldest.
            state.messages.sort_by_key(|message| message.at);
            forget_messages(&mut state.messages);
            state.messages.sort_by_key(|message| message.number);
        }
        state.runs_begun = state.runs_begun.saturating_add(other.runs_begun);
        state.messages_begun = state.messages_begun.saturating_add(other.messages_begun);
        // Who enters a segment that either was in enters nothing.
        for watch in &mut state.watches {
            watch.holds |= other.watches.iter().any(|theirs| theirs.segment == watch.segment && theirs.holds);
        }
        for moment in std::mem::take(&mut other.moments) {
            match state.moments.iter_mut().find(|m| m.version == moment.version && m.trigger == moment.trigger) {
                Some(known) => known.fired = known.fired.max(moment.fired),
                None => state.moments.push(moment),
            }
        }
    }

    /// Whoever would have been taken in by a contact that is erased is erased too.
    pub(super) fn forget_alias(&mut self, input: &Input) {
        if let InputKind::Absorb { contact } = &input.kind {
            self.out.erased.push(contact.id);
            self.out.erased.extend(contact.state.identities.aliases.iter().map(|alias| alias.contact));
        }
    }
}

/// Joins what the other one says about consent; what is withdrawn by that which was not before.
fn join_consents(mine: &mut State, other: &State, at: Instant) -> BTreeSet<(Option<SmolStr>, Option<Channel>)> {
    let mut lost = BTreeSet::new();
    let mut withdrawn: BTreeSet<_> = mine.withdrawn.union(&other.withdrawn).cloned().collect();
    let mut consents: Vec<Consent> = Vec::new();
    for (given, against) in [(&*mine, other), (other, &*mine)] {
        for consent in &given.consents {
            let topic = Some(&consent.topic);
            let taken_back = match consent.channel {
                Some(channel) => against.unsubscribed_via(topic, channel, at),
                None => against.unsubscribed_from(topic, at),
            };
            if taken_back {
                lost.insert((Some(consent.topic.clone()), consent.channel));
                continue;
            }
            if consent.channel.is_none() {
                let via = |channel: &&Channel| against.unsubscribed_via(topic, **channel, at);
                withdrawn.extend(Channel::ALL.iter().filter(via).map(|via| (Some(consent.topic.clone()), *via)));
            }
            match consents.iter_mut().find(|known| known.topic == consent.topic && known.channel == consent.channel) {
                Some(known) => {
                    known.at = known.at.min(consent.at);
                    known.until = known.until.into_iter().chain(consent.until).min();
                }
                None => consents.push(consent.clone()),
            }
        }
    }
    let topics = other.unsubscribed.difference(&mine.unsubscribed).cloned();
    lost.extend(topics.map(|topic| (Some(topic), None)));
    lost.extend((other.unsubscribed_all && !mine.unsubscribed_all).then_some((None, None)));
    let via = withdrawn.difference(&mine.withdrawn).cloned();
    lost.extend(via.map(|(topic, channel)| (topic, Some(channel))));
    mine.consents = consents;
    mine.withdrawn = withdrawn;
    mine.unsubscribed.extend(other.unsubscribed.iter().cloned());
    mine.unsubscribed_all |= other.unsubscribed_all;
    lost
}

/// Gives runs and messages the numbers that they have from now on.
fn renumber(state: &mut State, by: &Alias) {
    let message = |number: &mut u32| *number = number.saturating_add(by.messages);
    let run = |run: &mut Run| {
        run.number = run.number.saturating_add(by.runs);
        run.handles.iter_mut().for_each(|(_, number)| message(number));
        run.last_message.iter_mut().for_each(message);
        run.unused.iter_mut().filter_map(|known| known.message.as_mut()).for_each(message);
        if let Parked::Asking { number, .. } = &mut run.parked {
            message(number);
        }
    };
    state.runs.iter_mut().for_each(run);
    for ended in &mut state.ended {
        ended.number = ended.number.saturating_add(by.runs);
        ended.goal.iter_mut().for_each(|goal| run(goal));
    }
    for sent in &mut state.messages {
        message(&mut sent.number);
        sent.run.iter_mut().for_each(|run| *run = run.saturating_add(by.runs));
    }
    for alias in &mut state.identities.aliases {
        alias.messages = alias.messages.saturating_add(by.messages);
        alias.runs = alias.runs.saturating_add(by.runs);
    }
}
