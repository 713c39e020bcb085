//! What a contact consents to, and what follows when it takes that back.

use std::collections::BTreeMap;

use journey_bytecode::{BuiltinEvent, Channel, Instant};
use smol_str::SmolStr;

use super::{Advance, Happening};
use crate::core::contact::{Act, Consent, EndReason, LedgerEntry};
use crate::core::effect::Resubscribed;
use crate::core::input::Evidence;

/// The most entries of a contact's ledger of consent.
const MAX_LEDGER: usize = 2_000;

impl Advance<'_> {
    /// Records consent, and by what it can be proved. What it gives for the journeys to react to, if it is news.
    pub(super) fn subscribe(
        &mut self,
        topic: &SmolStr,
        channel: Option<Channel>,
        evidence: &Evidence,
    ) -> Option<Happening> {
        self.expire_consents();
        let (at, until) = (self.clock, evidence.until);
        self.enter_in_ledger(Act::Given, Some(topic), channel, evidence);
        let state = &mut self.contact.state;
        let mut news = state.unsubscribed.remove(topic);
        let withdrawn = state.withdrawn.len();
        state
            .withdrawn
            .retain(|(of, via)| of.as_ref() != Some(topic) || channel.is_some_and(|channel| channel != *via));
        news |= withdrawn != state.withdrawn.len();
        match state.consents.iter_mut().find(|known| known.topic == *topic && known.channel == channel) {
            Some(known) => known.until = until,
            None => {
                state.consents.push(Consent { topic: topic.clone(), channel, at, until });
                news = true;
            }
        }
        news.then(|| Happening::consent(BuiltinEvent::Subscribed, Some(topic.clone()), channel))
    }

    /// Notes that the contact itself wants to hear of a topic at its present addresses.
    pub(super) fn resubscribe(&mut self, topic: &SmolStr, channel: Option<Channel>, at: Instant) {
        for channel in Channel::ALL.iter().copied().filter(|known| channel.is_none_or(|only| only == *known)) {
            let topic = topic.clone();
            let again = self.address(channel).map(|address| Resubscribed { channel, address, topic, at });
            self.out.resubscribed.extend(again);
        }
    }

    /// Writes into the ledger, which nothing is ever taken from.
    pub(super) fn enter_in_ledger(
        &mut self,
        act: Act,
        topic: Option<&SmolStr>,
        channel: Option<Channel>,
        evidence: &Evidence,
    ) {
        let (topic, evidence) = (topic.cloned(), evidence.clone());
        let ledger = &mut self.contact.state.ledger;
        if ledger.len() >= MAX_LEDGER {
            // What stands between an old beginning and the present says nothing about either.
            ledger.remove(1);
        }
        ledger.push(LedgerEntry { at: self.clock, act, topic, channel, evidence });
    }

    /// Consent that was given for a time ends with it.
    pub(super) fn expire_consents(&mut self) {
        let now = self.clock;
        let over = |consent: &Consent| consent.until.is_some_and(|until| until <= now);
        if !self.contact.state.consents.iter().any(over) {
            return;
        }
        self.stirred = true;
        let (gone, stay) = std::mem::take(&mut self.contact.state.consents).into_iter().partition(over);
        self.contact.state.consents = stay;
        let gone: Vec<Consent> = gone;
        for Consent { topic, channel, until, .. } in gone {
            let evidence = Evidence { until, ..Evidence::default() };
            self.enter_in_ledger(Act::Expired, Some(&topic), channel, &evidence);
        }
    }

    /// Withdraws consent; whether there is any news in it.
    pub(super) fn withdraw(&mut self, topic: Option<&SmolStr>) -> bool {
        self.expire_consents();
        let state = &mut self.contact.state;
        let consents = state.consents.len();
        state.consents.retain(|consent| topic.is_some_and(|topic| consent.topic != *topic));
        let news = match topic {
            Some(topic) => state.unsubscribed.insert(topic.clone()),
            None => !std::mem::replace(&mut state.unsubscribed_all, true),
        };
        let news = news || consents != state.consents.len();
        if news {
            self.enter_in_ledger(Act::Withdrawn, topic, None, &Evidence::default());
        }
        news
    }

    /// Withdraws consent on one channel; whether there is any news in it.
    pub(super) fn withdraw_via(&mut self, topic: Option<&SmolStr>, channel: Channel, evidence: &Evidence) -> bool {
        self.expire_consents();
        let state = &mut self.contact.state;
        let consents = state.consents.len();
        let meant = |consent: &Consent| topic.is_none_or(|topic| consent.topic == *topic);
        state.consents.retain(|consent| !meant(consent) || consent.channel != Some(channel));
        let mut news = consents != state.consents.len();
        // What was consented to on all channels holds for the others.
        let on_all = state.consents.iter().filter(|consent| meant(consent) && consent.channel.is_none());
        let topics: Vec<_> = on_all.map(|consent| Some(consent.topic.clone())).chain([topic.cloned()]).collect();
        for topic in topics {
            news |= state.withdrawn.insert((topic, channel));
        }
        if news {
            self.enter_in_ledger(Act::Withdrawn, topic, Some(channel), evidence);
        }
        news
    }

    /// Whoever has the address wants nothing more on the channel, whatever its purpose.
    pub(super) fn silence(&mut self, channel: Channel, address: &SmolStr, words: &SmolStr) {
        // A number that the contact had once is somebody else's now.
        if self.address(channel).as_ref() != Some(address) {
            return;
        }
        self.give_up_address(channel);
        if self.withdraw_via(None, channel, &written(words)) {
            self.withdrawn(None, Some(channel));
        }
    }

    /// They want messages again: what the contact had consented to on the channel holds as before.
    pub(super) fn end_silence(&mut self, channel: Channel, address: &SmolStr, words: &SmolStr) {
        if self.address(channel).as_ref() != Some(address) {
            return;
        }
        self.expire_consents();
        let stood = self.consented_before(channel);
        let (at, state) = (self.clock, &mut self.contact.state);
        self.stirred = true;
        state.unreachable.remove(&channel);
        state.bounced.remove(&channel);
        let before = state.withdrawn.len();
        state.withdrawn.retain(|(topic, via)| {
            let silenced = topic.as_ref().is_none_or(|topic| stood.keys().any(|(stood, _)| stood == topic));
            *via != channel || !silenced
        });
        if before == state.withdrawn.len() {
            return;
        }
        for ((topic, via), until) in stood {
            let known = state.consents.iter().any(|consent| consent.topic == topic && consent.channel == via);
            if !known && until.is_none_or(|until| at < until) {
                state.consents.push(Consent { topic, channel: via, at, until });
            }
        }
        self.enter_in_ledger(Act::Given, None, Some(channel), &written(words));
        self.happen(Happening::consent(BuiltinEvent::Subscribed, None, Some(channel)));
    }

    /// What the contact consents to that a message on the channel may be about, as if nothing had silenced the channel as a
    /// whole: topics, by the channel that they were given for, with the moment at which each ends.
    fn consented_before(&self, channel: Channel) -> BTreeMap<(SmolStr, Option<Channel>), Option<Instant>> {
        let mut stood: BTreeMap<(SmolStr, Option<Channel>), Option<Instant>> = BTreeMap::new();
        let concerned = |entry: &&LedgerEntry| entry.channel.is_none_or(|via| via == channel);
        for LedgerEntry { act, topic, channel: via, evidence, .. } in self.contact.state.ledger.iter().filter(concerned)
        {
            match (act, topic) {
                (Act::Given, Some(topic)) => _ = stood.insert((topic.clone(), *via), evidence.until),
                (Act::Withdrawn, Some(topic)) => stood.retain(|(known, _), _| known != topic),
                (Act::Withdrawn, None) if via.is_none() => stood.clear(),
                (Act::Expired, Some(topic)) => _ = stood.remove(&(topic.clone(), *via)),
                (Act::Given | Act::Withdrawn | Act::Expired, None) => {}
            }
        }
        stood
    }

    /// Ends the runs whose topic it was, at once; those of other channels go on.
    pub(super) fn withdrawn(&mut self, topic: Option<SmolStr>, channel: Option<Channel>) {
        self.end_unsubscribed();
        self.happen(Happening::consent(BuiltinEvent::Unsubscribed, topic, channel));
    }

    /// Ends the runs whose topic the contact wants no more of.
    pub(super) fn end_unsubscribed(&mut self) {
        for number in self.active() {
            let Some((run, prepared)) = self.take(number) else { continue };
            if self.is_unsubscribed(&prepared) {
                self.end(run, &prepared, EndReason::Unsubscribed);
            } else {
                self.put(run);
            }
        }
    }
}

/// The proof of what somebody wrote to us.
fn written(words: &SmolStr) -> Evidence {
    let source = SmolStr::new_static("answer to a message");
    Evidence { wording: words.clone(), source, ..Evidence::default() }
}
