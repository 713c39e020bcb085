//! Runs a project on a virtual clock: the same core, stores and transports as the engine, without waiting.
//!
//! Everything happens in the order of its moments, and at one moment in the order of contacts, so that the same project
//! and the same inputs give the same messages and the same report, byte for byte.

mod answers;
mod behaviour;
mod compare;
mod crowd;
mod report;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use journey_bytecode::{Instant, Span};

pub use answers::MadeUp;
pub use behaviour::{Awake, Behaviour, Known, Reactions};
pub use compare::{Comparison, Difference, MessageTotals, Received};
pub use crowd::Crowd;
pub use report::{JourneyReport, MessageReport, Report, SplitReport, StepReport, Zones};

use crate::clock::{Clock, VirtualClock};
use crate::core::Linked;
use crate::core::zone_of;
use crate::engine::{Gate, Outlet, Spam, Stepped, judge, step};
use crate::store::{Acceptance, Advanced, DeliveryResult, NewInput, Store, StoreError};
use crate::voucher;
use report::Tally;

/// Where time begins when no event says: Monday, 5 January 2026, 09:00 UTC.
pub const DEFAULT_START: Instant = Instant(1_767_603_600_000);

/// How long a simulation lasts at most without an end of its own: 5 years. Only journeys that start each other for ever
/// come so far.
pub const HORIZON: Span = Span { months: 60, days: 0, millis: 0 };

/// How many contacts one step takes.
const BATCH: usize = 1_000;

/// How many messages are delivered together.
const MESSAGES: usize = 256;

/// When a simulation ends, although something would still be due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Until {
    /// At a moment.
    Moment(Instant),
    /// So long after it began, in the project's zone.
    After(Span),
}

/// What a simulation runs on.
#[derive(Debug, Default)]
pub struct Scenario {
    /// Contacts, in the order in which they come in when time begins.
    pub contacts: Vec<NewInput>,
    /// Events. Those without a moment of their own ([`Instant::NEVER`]) happen when time begins.
    pub events: Vec<NewInput>,
    /// People who come, act and react by chance, beside those.
    pub crowd: Option<Crowd>,
    /// When time begins; without, with the first event, or at [`DEFAULT_START`].
    pub start: Option<Instant>,
    /// When it ends at the latest; without, after [`HORIZON`].
    pub until: Option<Until>,
    /// Whether the report tells who received what.
    pub tells_who: bool,
    /// Shows how far it is: the milliseconds of virtual time that are behind.
    pub behind: Arc<AtomicI64>,
}

/// An input that the store refused: its place in its list, and why.
pub type RefusedInput = (usize, Acceptance);

/// Runs a scenario until nothing is due any more, or time is up.
pub async fn run<S: Store>(
    store: &S,
    linked: &Linked,
    outlet: &Outlet,
    scenario: Scenario,
) -> Result<Report, StoreError> {
    let Scenario { contacts, events, crowd, start, until, tells_who, behind } = scenario;
    let first = events.iter().map(|event| event.at).filter(|at| *at < Instant::NEVER).min();
    let start = start.or(first).unwrap_or(DEFAULT_START);
    let end = match until.unwrap_or(Until::After(HORIZON)) {
        Until::Moment(moment) => moment,
        Until::After(span) => linked.zone().add(start, span),
    };
    let mut events: VecDeque<(usize, NewInput)> = events
        .into_iter()
        .map(|event| if event.at == Instant::NEVER { NewInput { at: start, ..event } } else { event })
        .enumerate()
        .collect();
    events.make_contiguous().sort_by_key(|(_, event)| event.at);

    let clock = VirtualClock::new(start);
    let mut simulation = Simulation { store, linked, outlet, clock, tally: Tally::new(tells_who), crowd };
    let contacts: Vec<_> = contacts.into_iter().map(|contact| NewInput { at: start, ..contact }).collect();
    let refused_contacts = simulation.accept(&contacts).await?;
    let mut refused_events = Vec::new();
    loop {
        let now = simulation.clock.now();
        behind.store(now.0 - start.0, Ordering::Relaxed);
        let (mut places, mut due) = (Vec::new(), Vec::new());
        while let Some((place, event)) = events.pop_front_if(|(_, event)| event.at <= now) {
            places.push(place);
            due.push(event);
        }
        let refused = simulation.accept(&due).await?;
        let place = |(place, why)| Some((*places.get::<usize>(place)?, why));
        refused_events.extend(refused.into_iter().filter_map(place));
        let happened = simulation.crowd.as_mut().map(|crowd| crowd.due(now)).unwrap_or_default();
        // Whoever does not exist yet or any more reacts to nothing.
        simulation.accept(&happened).await?;
        simulation.settle().await?;

        let planned = simulation.crowd.as_ref().and_then(Crowd::next);
        let next = [events.front().map(|(_, event)| event.at), planned, simulation.next().await?];
        match next.into_iter().flatten().min() {
            Some(next) if next <= end => simulation.clock.advance_to(next),
            Some(_) => {
                simulation.clock.advance_to(end);
                break;
            }
            None => break,
        }
    }
    let Simulation { clock, tally, .. } = simulation;
    Ok(Report { refused_contacts, refused_events, ..tally.report(start, clock.now(), linked) })
}

struct Simulation<'a, S> {
    store: &'a S,
    linked: &'a Linked,
    outlet: &'a Outlet,
    clock: VirtualClock,
    tally: Tally,
    crowd: Option<Crowd>,
}

impl<S: Store> Simulation<'_, S> {
    /// Takes inputs; returns those refused.
    async fn accept(&mut self, inputs: &[NewInput]) -> Result<Vec<RefusedInput>, StoreError> {
        if inputs.is_empty() {
            return Ok(Vec::new());
        }
        let answers = self.store.accept(inputs, self.clock.now()).await?;
        Ok(answers.into_iter().enumerate().filter(|(_, answer)| answer.is_refused()).collect())
    }

    /// Steps and delivers until nothing is due at this moment.
    async fn settle(&mut self) -> Result<(), StoreError> {
        let now = self.clock.now();
        judge(&self.tally.trials, self.linked, now);
        loop {
            let Self { store, linked, tally, crowd, .. } = self;
            let observe = |advanced: &Advanced| {
                tally.observe(linked, advanced);
                if let Some(crowd) = crowd {
                    crowd.lives(advanced.contact.id, zone_of(linked, &advanced.contact));
                }
            };
            let stepped = step(*store, linked, now, BATCH, observe).await?;
            if stepped == Stepped::default() && !self.deliver(now).await? {
                return Ok(());
            }
        }
    }

    /// Delivers some messages that are due; whether there were any.
    async fn deliver(&mut self, now: Instant) -> Result<bool, StoreError> {
        let mut queued = self.store.claim_messages(now, MESSAGES).await?;
        if queued.is_empty() {
            return Ok(false);
        }
        let given = voucher::give(self.store, self.linked, &mut queued, now).await?;
        let (parcels, mut results) =
            self.outlet.pack(queued, &Gate { linked: self.linked, spam: &Spam::default() }, now);
        results.extend(given);
        for mut parcel in parcels {
            let ids: Vec<_> = parcel.attempts.iter().map(|attempt| attempt.id).collect();
            let withheld = self.store.record(&[], &ids).await?;
            results.extend(parcel.withhold(&withheld, now));
            let verdicts = parcel.transport.deliver(&parcel.rendered).await;
            let judged = parcel.attempts.iter().zip(verdicts).map(|(attempt, verdict)| attempt.judge(verdict, now));
            results.extend(judged);
        }
        for result in &results {
            self.tally.delivered(result);
            if let (DeliveryResult::Delivered { .. }, Some(crowd)) = (&result.result, &mut self.crowd)
                && let Some((name, channel)) = self.tally.name(result.id)
            {
                crowd.receives(result.id, name, channel, now);
            }
        }
        self.store.record(&results, &[]).await?;
        Ok(true)
    }

    async fn next(&self) -> Result<Option<Instant>, StoreError> {
        let next = [self.store.next_due().await?, self.store.next_message_due().await?];
        Ok(next.into_iter().flatten().min())
    }
}

#[cfg(test)]
mod tests;
