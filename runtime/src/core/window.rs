//! When a message may leave: outside quiet hours and holidays, within the journey's hours, on the clock of whoever gets it. Asked
//! when it is decided, and again right before it goes on the wire.

use journey_bytecode::{Channel, Instant, LocalWindow, Policy, Purpose};
use smol_str::SmolStr;

use super::Linked;
use super::effect::{Deferral, Errand, Outgoing};
use crate::time::Zone;

/// How often windows are tried against each other before they count as never open together.
const WINDOW_ROUNDS: usize = 16;

/// What decides, beside the policy, when a message may leave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Window {
    /// The contact's zone.
    pub zone: Zone,
    /// The contact's country, whose holidays it keeps.
    pub country: Option<SmolStr>,
    /// The channel.
    pub channel: Channel,
    /// Whether it is marketing: nothing else waits for quiet hours and holidays.
    pub marketing: bool,
    /// The journey's hours.
    pub hours: Option<LocalWindow>,
}

impl Window {
    /// Of a message that was decided; none for what goes to somebody else than the contact.
    pub fn of(linked: &Linked, outgoing: &Outgoing) -> Option<Self> {
        (outgoing.errand == Errand::Message).then(|| Self {
            zone: Zone::resolve(Some(&outgoing.zone), linked.zone()),
            country: outgoing.country.clone(),
            channel: outgoing.channel,
            marketing: outgoing.purpose == Purpose::Marketing,
            hours: linked.program(outgoing.version).and_then(|program| program.hours),
        })
    }

    /// Until when no such message may leave, and why; `None` if it may leave at `moment`.
    pub fn closed(&self, policy: &Policy, moment: Instant) -> Option<(Instant, Deferral)> {
        let quiet = policy.quiet(self.channel).filter(|_| self.marketing);
        let peace = |at| if self.marketing { self.after_holidays(policy, at) } else { at };
        let awake = |at| quiet.map_or(at, |quiet| self.zone.next_outside(at, quiet));
        let open = |at| self.hours.map_or(at, |hours| self.zone.next_within(at, hours));
        let reason = if peace(moment) > moment {
            Deferral::Holiday
        } else if awake(moment) > moment {
            Deferral::QuietHours
        } else {
            Deferral::JourneyHours
        };
        let mut until = moment;
        for _ in 0..WINDOW_ROUNDS {
            let next = open(awake(peace(until)));
            if next == until {
                return (until > moment).then_some((until, reason));
            }
            until = next;
        }
        Some((Instant::NEVER, reason))
    }

    /// The first moment from `at` on that is in no holiday of the contact's.
    fn after_holidays(&self, policy: &Policy, at: Instant) -> Instant {
        let mut free = at;
        // Each turn leaves one of the days behind.
        for _ in 0..policy.holidays.len() {
            if !policy.is_holiday(self.zone.today(free), self.country.as_deref()) {
                break;
            }
            free = self.zone.next_day(free);
        }
        free
    }
}
