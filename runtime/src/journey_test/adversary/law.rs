//! What must hold of every story.

use std::collections::BTreeSet;

use journey_bytecode::{Instant, Purpose};
use smol_str::SmolStr;

use super::Story;
use crate::core::contact::EndReason;
use crate::core::effect::{Outgoing, TraceEvent};
use crate::journey_test::{Bench, Heard};
use crate::time::DAY;

/// What did not hold.
pub(super) fn broken(bench: &Bench<'_>, story: &Story) -> Vec<String> {
    let mut laws = failures(bench);
    laws.extend(consent(bench));
    laws.extend(doubles(bench));
    laws.extend(hours(bench));
    laws.extend(caps(bench));
    laws.extend(ends(bench, story));
    laws
}

/// A program that checks clean never fails.
fn failures(bench: &Bench<'_>) -> Vec<String> {
    let failed = bench.seen.iter().filter_map(|seen| match &seen.entry.event {
        TraceEvent::Ended(EndReason::Failed(cause)) => {
            Some(format!("no run fails, and `{}` did: {cause}", seen.entry.journey))
        }
        _ => None,
    });
    failed.collect()
}

/// What a contact wants no more.
#[derive(Clone, Default)]
struct Unwanted {
    all: bool,
    topics: BTreeSet<SmolStr>,
    /// What it asked for since it wanted nothing.
    wanted: BTreeSet<SmolStr>,
    suppressed: bool,
}

impl Unwanted {
    fn subscribe(&mut self, topic: &SmolStr) {
        self.topics.remove(topic);
        self.wanted.insert(topic.clone());
    }

    fn unsubscribe(&mut self, topic: Option<&SmolStr>) {
        match topic {
            Some(topic) => {
                self.wanted.remove(topic);
                self.topics.insert(topic.clone());
            }
            None => {
                self.all = true;
                self.wanted.clear();
            }
        }
    }

    fn forbids(&self, message: &Outgoing) -> bool {
        if self.suppressed {
            return true;
        }
        let wanted = message.topic.as_ref().is_some_and(|topic| self.wanted.contains(topic));
        let unwanted = message.topic.as_ref().is_some_and(|topic| self.topics.contains(topic));
        message.purpose == Purpose::Marketing && (unwanted || self.all && !wanted)
    }
}

/// No marketing reaches who unsubscribed from it, and nothing who is suppressed.
fn consent(bench: &Bench<'_>) -> Vec<String> {
    let mut unwanted = vec![Unwanted::default(); bench.contacts.len()];
    let mut broken = Vec::new();
    for heard in &bench.heard {
        match heard {
            Heard::Subscribed(contact, topic) => {
                if let Some(unwanted) = unwanted.get_mut(*contact) {
                    unwanted.subscribe(topic);
                }
            }
            Heard::Unsubscribed(contact, topic) => {
                if let Some(unwanted) = unwanted.get_mut(*contact) {
                    unwanted.unsubscribe(topic.as_ref());
                }
            }
            Heard::Seen(place) => {
                let Some(seen) = bench.seen.get(*place) else { continue };
                let Some(unwanted) = unwanted.get_mut(seen.contact) else { continue };
                match &seen.entry.event {
                    TraceEvent::Subscribed { topic, .. } => unwanted.subscribe(topic),
                    TraceEvent::Unsubscribed { topic, channel: None } => {
                        unwanted.unsubscribe(Some(topic).filter(|topic| !topic.is_empty()));
                    }
                    TraceEvent::Suppressed(_) => unwanted.suppressed = true,
                    TraceEvent::Sent { message, .. } => {
                        let sent = bench
                            .outgoing
                            .iter()
                            .find(|(contact, outgoing)| *contact == seen.contact && outgoing.id.number == *message);
                        if let Some((contact, sent)) = sent.filter(|(_, sent)| unwanted.forbids(sent)) {
                            broken.push(format!(
                                "nothing is sent to who wants no more, and `{}` went to {} at {}",
                                sent.message,
                                bench.name(*contact),
                                bench.show(*contact, sent.at)
                            ));
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    broken
}

/// No run sends by one step twice at one moment.
fn doubles(bench: &Bench<'_>) -> Vec<String> {
    let mut known = BTreeSet::new();
    let mut broken = Vec::new();
    for seen in &bench.seen {
        let TraceEvent::Sent { message, name, .. } = &seen.entry.event else { continue };
        let step = bench.outgoing.iter().find(|(contact, out)| *contact == seen.contact && out.id.number == *message);
        let Some((_, outgoing)) = step else { continue };
        if !known.insert((seen.contact, seen.entry.run, outgoing.step, seen.entry.at)) {
            broken.push(format!(
                "no step sends twice at one moment, and `{name}` went to {} twice at {}",
                bench.name(seen.contact),
                bench.show(seen.contact, seen.entry.at)
            ));
        }
    }
    broken
}

/// Marketing keeps to quiet hours, and every message of a journey to its hours.
fn hours(bench: &Bench<'_>) -> Vec<String> {
    let quiet = bench.linked.bundle().policy.quiet_hours;
    let mut broken = Vec::new();
    for (contact, sent) in &bench.outgoing {
        let zone = bench.zone(*contact);
        let (who, when) = (bench.name(*contact), bench.show(*contact, sent.at));
        if sent.purpose == Purpose::Marketing && quiet.is_some_and(|quiet| zone.is_within(sent.at, quiet)) {
            broken.push(format!("quiet hours are quiet, and `{}` went to {who} at {when}", sent.message));
        }
        let hours = bench.linked.program(sent.version).and_then(|program| program.hours);
        if hours.is_some_and(|hours| !zone.is_within(sent.at, hours)) {
            broken.push(format!("`{}` keeps to its hours, and `{}` went at {when}", sent.journey, sent.message));
        }
    }
    broken
}

/// Nobody gets more marketing than the policy allows.
fn caps(bench: &Bench<'_>) -> Vec<String> {
    let mut broken = Vec::new();
    for cap in &bench.linked.bundle().policy.caps {
        for (place, (contact, sent)) in bench.outgoing.iter().enumerate() {
            let zone = bench.zone(*contact);
            let counts = |(other, message): &&(usize, Outgoing)| {
                other == contact
                    && message.purpose == Purpose::Marketing
                    && cap.channel.is_none_or(|channel| channel == message.channel)
            };
            let within = |(_, message): &&(usize, Outgoing)| zone.add(message.at, cap.per) > sent.at;
            let before = bench.outgoing.iter().take(place).filter(counts).filter(within).count();
            if counts(&&(*contact, sent.clone())) && before >= cap.most as usize {
                broken.push(format!(
                    "at most {} messages, and `{}` at {} was one more for {}",
                    cap.most,
                    sent.message,
                    bench.show(*contact, sent.at),
                    bench.name(*contact)
                ));
            }
        }
    }
    broken
}

/// Every run ends, if nothing more happens.
fn ends(bench: &Bench<'_>, story: &Story) -> Vec<String> {
    let last = story.acts.last().map_or(story.start, |act| act.at);
    let runs = bench.contacts.iter().enumerate().flat_map(|(place, contact)| {
        contact.state.runs.iter().filter(move |run| run.entered_at <= last).map(move |run| (place, run))
    });
    let broken = runs.map(|(place, run)| {
        let what = match run.until() {
            Instant::NEVER => "waits for ever".to_owned(),
            _ => format!("is not at its end {} years after all that happened", (bench.now.0 - last.0) / (365 * DAY)),
        };
        format!("every run ends, and `{}` of {} {what}", run.journey, bench.name(place))
    });
    broken.collect()
}
