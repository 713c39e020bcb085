//! Why a contact stands where it stands: its trace, put together with the source of its journeys, as plain data.

mod outbox;
mod standing;
mod words;

use std::collections::BTreeMap;

use journey_bytecode::{Instant, Program};
use serde::Serialize;
use smol_str::SmolStr;

use crate::core::contact::{Contact, Parked, Run};
use crate::core::effect::{Seen, TraceEntry, TraceEvent};
use crate::core::input::Answer;
use crate::core::{Linked, trigger_words, zone_of};
use crate::store::{Delivery, DeliveryResult};
use crate::time::{Zone, show_value};

pub use outbox::OutboxEntry;
pub use standing::{Moved, Standing, StandingAt, standing};

/// Everything that there is to tell about one contact.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Explanation {
    /// The id by which the sender's systems know it.
    pub contact: SmolStr,
    /// Its other ids, under which something happened as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<AliasOf>,
    /// The zone of the moments below.
    pub zone: &'static str,
    /// Its attributes.
    pub attributes: BTreeMap<SmolStr, String>,
    /// Its tags.
    pub tags: Vec<SmolStr>,
    /// Why nothing at all is sent to it.
    pub suppressed: Option<SmolStr>,
    /// What it unsubscribed from; `everything` for all.
    pub unsubscribed: Vec<SmolStr>,
    /// Journey by journey.
    pub journeys: Vec<JourneyExplanation>,
}

/// Another id of a contact.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct AliasOf {
    /// The id.
    pub id: SmolStr,
    /// Since when.
    pub since: String,
}

/// What a contact did in one journey, or why it is not in it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct JourneyExplanation {
    /// The journey.
    pub journey: SmolStr,
    /// Its file.
    pub file: SmolStr,
    /// What begins it, in words.
    pub begins: Vec<String>,
    /// Its runs, oldest first.
    pub runs: Vec<RunExplanation>,
    /// When it might have begun and did not.
    pub refused: Vec<Line>,
}

/// One run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RunExplanation {
    /// Its number among the contact's runs.
    pub run: u32,
    /// The version of the journey.
    pub version: String,
    /// Whether that is the version of the project as it is now.
    pub current: bool,
    /// What happened, in order.
    pub lines: Vec<Line>,
    /// What it waits for; none if it is over.
    pub waits: Option<Waits>,
}

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Line {
    /// When.
    pub at: String,
    /// Where in the source.
    pub place: Option<Place>,
    /// What, in words.
    pub what: String,
    /// The values that a decision saw.
    pub saw: Vec<Fact>,
}

/// A value that a decision saw.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Fact {
    /// Which, in the words of the language.
    pub fact: SmolStr,
    /// The value.
    pub value: String,
}

/// A statement in the source.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Place {
    /// The file, relative to the project.
    pub file: SmolStr,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The statement's head.
    pub statement: String,
}

/// What a run waits for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Waits {
    /// Where.
    pub place: Option<Place>,
    /// For what, in words.
    pub what: &'static str,
    /// When it goes on by itself; without, only what happens moves it.
    pub until: Option<String>,
}

/// What is known of a contact.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    /// The contact.
    pub contact: &'a Contact,
    /// Its trace, oldest first.
    pub trace: &'a [TraceEntry],
    /// What became of its messages.
    pub deliveries: &'a [Delivery],
}

/// Explains a contact, in one journey or in all.
pub fn explain(linked: &Linked, known: &Known<'_>, journey: Option<&str>) -> Explanation {
    let Known { contact, .. } = known;
    let zone = zone_of(linked, contact);
    let mut names: Vec<&SmolStr> = linked.bundle().programs.iter().map(|program| &program.name).collect();
    // Journeys that the project no longer has come last.
    for entry in known.trace {
        if !entry.journey.is_empty() && !names.contains(&&entry.journey) {
            names.push(&entry.journey);
        }
    }
    let wanted = |name: &&&SmolStr| journey.is_none_or(|journey| journey == name.as_str());
    let teller = Teller { linked, known, zone };
    let mut unsubscribed: Vec<SmolStr> = contact.state.unsubscribed.iter().cloned().collect();
    if contact.state.unsubscribed_all {
        unsubscribed.insert(0, SmolStr::new_static("everything"));
    }
    Explanation {
        contact: contact.key.clone(),
        aliases: (contact.state.identities.aliases.iter())
            .map(|alias| AliasOf { id: alias.key.clone(), since: zone.show(alias.at) })
            .collect(),
        zone: zone.name(),
        attributes: contact.attributes.iter().map(|(name, value)| (name.clone(), show_value(value, zone))).collect(),
        tags: contact.tags.iter().cloned().collect(),
        suppressed: contact.state.suppressed.clone(),
        unsubscribed,
        journeys: names.iter().filter(wanted).map(|name| teller.journey(name)).collect(),
    }
}

struct Teller<'a> {
    linked: &'a Linked,
    known: &'a Known<'a>,
    zone: Zone,
}

impl Teller<'_> {
    fn journey(&self, name: &SmolStr) -> JourneyExplanation {
        let current = self.linked.bundle().programs.iter().find(|program| program.name == *name);
        let mut told = JourneyExplanation {
            journey: name.clone(),
            file: current.map(|program| program.map.source.clone()).unwrap_or_default(),
            begins: current
                .map(|program| program.triggers.iter().map(|trigger| trigger_words(&trigger.kind)).collect())
                .unwrap_or_default(),
            runs: Vec::new(),
            refused: Vec::new(),
        };
        // The statement at which each run is.
        let mut places: BTreeMap<u32, Place> = BTreeMap::new();
        for entry in self.known.trace.iter().filter(|entry| entry.journey == *name) {
            let Some(number) = entry.run else {
                told.refused.push(self.line(entry, None));
                continue;
            };
            if let TraceEvent::Entered { version, .. } = &entry.event {
                told.runs.push(RunExplanation {
                    run: number,
                    version: version.to_string(),
                    current: current.is_some_and(|program| program.version() == *version),
                    lines: Vec::new(),
                    waits: None,
                });
            }
            let Some(run) = told.runs.iter_mut().find(|run| run.run == number) else { continue };
            if let TraceEvent::Moved { to } = &entry.event {
                run.version = to.to_string();
                run.current = current.is_some_and(|program| program.version() == *to);
                places.remove(&number);
            }
            let program = self.program(&run.version);
            if let TraceEvent::Step(step) = &entry.event {
                match program.and_then(|program| place(program, step.index())) {
                    Some(place) => _ = places.insert(number, place),
                    None => _ = places.remove(&number),
                }
            }
            let line = self.line(entry, places.get(&number));
            // A statement that tells by itself what it did need not be told twice.
            let announced = run.lines.last().is_some_and(|last| last.what.is_empty() && last.place == line.place);
            if announced {
                run.lines.pop();
            }
            run.lines.push(line);
        }
        for run in &mut told.runs {
            let active = self.known.contact.state.runs.iter().find(|active| active.number == run.run);
            run.waits = active.map(|active| self.waits(active, places.get(&run.run)));
        }
        told
    }

    fn program(&self, version: &str) -> Option<&Program> {
        self.linked.programs().find(|(known, _)| known.to_string() == version).map(|(_, program)| program)
    }

    fn show(&self, at: Instant) -> String {
        self.zone.show(at)
    }

    fn line(&self, entry: &TraceEntry, place: Option<&Place>) -> Line {
        let saw = |saw: &[Seen]| {
            let fact = |seen: &Seen| Fact { fact: seen.fact.clone(), value: show_value(&seen.value, self.zone) };
            saw.iter().map(fact).collect()
        };
        let seen = match &entry.event {
            TraceEvent::Decided { saw: seen, .. } => saw(seen),
            TraceEvent::NotEntered { reason } => words::seen(reason).map(saw).unwrap_or_default(),
            _ => Vec::new(),
        };
        Line {
            at: self.show(entry.at),
            place: place.cloned(),
            what: words::what(&entry.event, |at| self.show(at), |number| self.fate(number)),
            saw: seen,
        }
    }

    /// What became of a message.
    fn fate(&self, number: u32) -> String {
        let done = self.known.deliveries.iter().find(|delivery| delivery.id.number == number);
        match done.map(|delivery| (&delivery.result, delivery.at, delivery.attempts)) {
            Some((DeliveryResult::Delivered { answer }, at, _)) => format!("delivered {} ({answer})", self.show(at)),
            Some((DeliveryResult::Failed { cause, .. }, at, attempts)) => {
                format!("given up {} after {attempts} attempts: {cause}", self.show(at))
            }
            Some((DeliveryResult::Retry { due, cause } | DeliveryResult::PutOff { due, cause }, ..)) => {
                format!("in the outbox until {}: {cause}", self.show(*due))
            }
            Some((DeliveryResult::Held { cause }, ..)) => format!("held, see `journey outbox`: {cause}"),
            Some((DeliveryResult::Answered { answer: Answer::Given(_) }, at, _)) => {
                format!("answered {}", self.show(at))
            }
            Some((DeliveryResult::Answered { answer: Answer::None(cause) }, at, _)) => {
                format!("no answer {}: {cause}", self.show(at))
            }
            None => "in the outbox".to_owned(),
        }
    }

    fn waits(&self, run: &Run, place: Option<&Place>) -> Waits {
        let until = run.until();
        Waits {
            place: place.cloned(),
            what: match run.parked {
                Parked::Wait { .. } => "waits",
                Parked::Deferred { .. } => "holds its message until the window opens",
                Parked::Collecting { .. } => "gathers its triggers",
                Parked::Asking { .. } => "waits for an answer",
                Parked::Paused { until: Instant::NEVER, .. } => "stands still until the journey is resumed",
                Parked::Paused { .. } => "goes on later by the time that the journey was paused",
            },
            until: (until != Instant::NEVER).then(|| self.show(until)),
        }
    }
}

fn place(program: &Program, step: usize) -> Option<Place> {
    let step = program.map.steps.get(step)?;
    let file = program.map.source.clone();
    Some(Place { file, line: step.line, column: step.column, statement: step.label.clone() })
}

#[cfg(test)]
mod tests;
