//! Journeys that are paused: their runs hear what happens, and do nothing until the journey is resumed.

use std::sync::Arc;

use journey_bytecode::{Instant, Pc};

use super::Advance;
use crate::core::contact::{Parked, Run};
use crate::core::effect::{TraceEvent, WokenBy};
use crate::core::input::Backlog;
use crate::core::link::Prepared;

impl Advance<'_> {
    /// Lets a run stand still before it goes on at a place.
    pub(super) fn pause(&mut self, mut run: Run, prepared: &Arc<Prepared>, at: Pc) {
        self.trace(Some(run.number), &run.journey, TraceEvent::Paused);
        run.parked = Parked::Paused { at, since: self.clock, until: Instant::NEVER };
        self.park(run, prepared);
    }

    /// Lets the contact's runs of a journey go on that was paused, from a moment to another one.
    pub(super) fn resume_journey(&mut self, journey: &str, paused: Instant, resumed: Instant, backlog: Backlog) {
        for number in self.active() {
            if !self.contact.state.runs.iter().any(|run| run.number == number && run.journey == journey) {
                continue;
            }
            let Some((run, prepared)) = self.take(number) else { continue };
            match run.parked {
                Parked::Paused { at, since, until: Instant::NEVER } => {
                    self.go_on(run, &prepared, at, since.0.saturating_sub(paused.0), backlog);
                }
                _ if backlog == Backlog::Shift => self.shift(run, &prepared, paused, resumed),
                _ => self.put(run),
            }
        }
    }

    /// `after` is how long the journey had been paused when the run came to its place, in milliseconds.
    fn go_on(&mut self, mut run: Run, prepared: &Arc<Prepared>, at: Pc, after: i64, backlog: Backlog) {
        match backlog {
            Backlog::Shift if after > 0 => {
                let until = Instant(self.clock.0.saturating_add(after));
                self.trace(Some(run.number), &run.journey, TraceEvent::Waiting { until });
                run.parked = Parked::Paused { at, since: self.clock, until };
                self.park(run, prepared);
            }
            Backlog::Shift | Backlog::Send => self.resume(run, prepared, WokenBy::Resumed, at),
            Backlog::Skip => {
                self.skipping = Some(run.number);
                self.resume(run, prepared, WokenBy::Resumed, at);
                self.skipping = None;
            }
        }
    }

    /// Lets a wait that is not over begin so much later as the pause took of it.
    fn shift(&mut self, mut run: Run, prepared: &Arc<Prepared>, paused: Instant, resumed: Instant) {
        let Parked::Wait { wait, since, until } = run.parked else { return self.put(run) };
        let took = resumed.0.saturating_sub(paused.max(since).0).max(0);
        run.parked = Parked::Wait { wait, since: Instant(since.0.saturating_add(took)), until };
        self.replan(run, prepared);
    }
}
