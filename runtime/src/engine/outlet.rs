//! From the outbox to a transport, and from a verdict to what is recorded.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use journey_bytecode::{AfterCrash, Channel, Instant, Purpose, StatusKind};
use smol_str::SmolStr;

use super::Spam;
use crate::core::effect::{Errand, MessageId, Outgoing};
use crate::core::input::Answer;
use crate::core::{Linked, Window};
use crate::render::{Rendered, Renderer};
use crate::send::{GIVE_UP_AFTER, Transport, Verdict, backoff};
use crate::spam::SpamRule;
use crate::store::{Delivery, DeliveryResult, Queued, Stays};

/// When it is asked again whether the marketing of a sender is still held: 10 minutes.
const ASKED_AGAIN: i64 = 600_000;

/// What is asked right before something leaves.
pub(crate) struct Gate<'a> {
    /// The project as it is.
    pub(crate) linked: &'a Linked,
    /// What readers say of senders.
    pub(crate) spam: &'a Spam,
}

/// By how much a pause before the next attempt may be longer than planned: a fifth. Messages that failed together do
/// not come back together.
const JITTER: u64 = 5;

/// How often a message is tried at least before it is given up, however long it was put off before: some six hours.
const LEAST_ATTEMPTS: u32 = 10;

/// The way out for messages: renders them, and knows the transport of each channel.
pub struct Outlet {
    renderer: Renderer,
    transports: BTreeMap<Channel, Arc<dyn Transport>>,
    /// The way to other systems.
    calls: Option<Arc<dyn Transport>>,
    /// The way to colleagues.
    notices: Option<Arc<dyn Transport>>,
    /// When marketing mail is held because too many call it spam.
    spam: SpamRule,
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet").field("channels", &self.transports.keys()).finish_non_exhaustive()
    }
}

/// Messages of one channel, ready for the wire.
pub(crate) struct Parcel {
    /// The way.
    pub(crate) transport: Arc<dyn Transport>,
    /// The messages.
    pub(crate) rendered: Vec<Rendered>,
    /// What the verdicts need to know, in the same order.
    pub(crate) attempts: Vec<Attempt>,
}

/// One attempt at a message.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// Which message.
    pub(crate) id: MessageId,
    /// When it was decided.
    decided: Instant,
    /// Which attempt this is, from 1.
    number: u32,
    /// Of a call or a question: when no answer counts any more.
    until: Option<Instant>,
    /// Whether a crash holds it.
    hold: bool,
    /// Whether it is noted by itself, right before it goes on the wire: because a crash holds it, or because whoever gets it may
    /// say at any worker that they want no more.
    pub(crate) alone: bool,
    /// When it may leave.
    window: Option<Window>,
    /// The domain that sends it, if it is marketing mail.
    pub(crate) sender: Option<SmolStr>,
}

/// Which way something leaves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Channel(Channel),
    Call,
    Notice,
}

impl Outlet {
    /// An outlet with the transports of the channels.
    pub const fn new(renderer: Renderer, transports: BTreeMap<Channel, Arc<dyn Transport>>) -> Self {
        Self { renderer, transports, calls: None, notices: None, spam: SpamRule::DEFAULT }
    }

    /// The same, with a way to other systems.
    #[must_use]
    pub fn calling(mut self, calls: Arc<dyn Transport>) -> Self {
        self.calls = Some(calls);
        self
    }

    /// The same, with a way to colleagues.
    #[must_use]
    pub fn telling(mut self, notices: Arc<dyn Transport>) -> Self {
        self.notices = Some(notices);
        self
    }

    /// The same, with another rule for what is called spam.
    #[must_use]
    pub const fn holding(mut self, spam: SpamRule) -> Self {
        self.spam = spam;
        self
    }

    /// When marketing mail is held because too many call it spam.
    pub(crate) const fn spam_rule(&self) -> SpamRule {
        self.spam
    }

    /// The renderer.
    pub const fn renderer(&self) -> &Renderer {
        &self.renderer
    }

    /// Renders messages and sorts them by channel; what cannot leave, or not now, has its result already.
    pub(crate) fn pack(&self, queued: Vec<Queued>, gate: &Gate<'_>, now: Instant) -> (Vec<Parcel>, Vec<Delivery>) {
        let mut parcels: BTreeMap<Way, Parcel> = BTreeMap::new();
        let mut refused = Vec::new();
        for Queued { outgoing, attempts } in queued {
            let (way, until) = match outgoing.errand {
                Errand::Message | Errand::Elsewhere | Errand::Answer => (Way::Channel(outgoing.channel), None),
                Errand::Call { until, .. } => (Way::Call, Some(until)),
                // The store gives these out, and nothing leaves.
                Errand::Voucher => continue,
                Errand::Notice { .. } => (Way::Notice, None),
                Errand::Question { until, .. } => (Way::Notice, Some(until)),
            };
            let mut attempt = Attempt {
                id: outgoing.id,
                decided: outgoing.at,
                number: attempts + 1,
                until,
                hold: outgoing.after_crash == AfterCrash::Hold,
                alone: outgoing.after_crash == AfterCrash::Hold || may_be_stopped(&outgoing),
                window: Window::of(gate.linked, &outgoing),
                sender: None,
            };
            // What may not leave now need not be rendered.
            if let Some(later) = attempt.outside_window(gate, now) {
                refused.push(later);
                continue;
            }
            match self.prepare(way, &outgoing) {
                Ok((transport, rendered)) => {
                    attempt.sender = rendered.marketing_domain();
                    if let Some(later) = attempt.held_sender(gate, now) {
                        refused.push(later);
                        continue;
                    }
                    let parcel = parcels.entry(way).or_insert_with(|| Parcel {
                        transport: Arc::clone(transport),
                        rendered: Vec::new(),
                        attempts: Vec::new(),
                    });
                    parcel.rendered.push(rendered);
                    parcel.attempts.push(attempt);
                }
                Err(cause) => refused.push(attempt.skipped(cause, now)),
            }
        }
        (parcels.into_values().collect(), refused)
    }

    fn prepare(&self, way: Way, outgoing: &Outgoing) -> Result<(&Arc<dyn Transport>, Rendered), String> {
        let transport = match way {
            Way::Channel(channel) => self.transports.get(&channel),
            Way::Call => self.calls.as_ref(),
            Way::Notice => self.notices.as_ref(),
        };
        let transport = transport.ok_or_else(|| match way {
            Way::Channel(channel) => format!("no way to send {channel} is configured"),
            Way::Call => "no way to call other systems is configured".to_owned(),
            Way::Notice => "no way to tell colleagues is configured".to_owned(),
        })?;
        let rendered = self.renderer.render(outgoing).map_err(|error| error.to_string())?;
        Ok((transport, rendered))
    }
}

/// Whether somebody may say of such a message that they want none: of marketing, and of all that comes where STOP is understood.
fn may_be_stopped(outgoing: &Outgoing) -> bool {
    outgoing.purpose == Purpose::Marketing || matches!(outgoing.channel, Channel::Sms | Channel::WhatsApp)
}

impl Parcel {
    /// Takes out at most so many of the messages; nothing if there are none.
    pub(crate) fn split(&mut self, most: usize) -> Option<Self> {
        let most = most.min(self.rendered.len());
        (most > 0).then(|| Self {
            transport: Arc::clone(&self.transport),
            rendered: self.rendered.drain(..most).collect(),
            attempts: self.attempts.drain(..most).collect(),
        })
    }

    /// Takes out messages that may not go; those whose contacts unsubscribed have their result.
    pub(crate) fn withhold(&mut self, staying: &[(MessageId, Stays)], now: Instant) -> Vec<Delivery> {
        if staying.is_empty() {
            return Vec::new();
        }
        let staying: BTreeMap<_, _> = staying.iter().copied().collect();
        self.rendered.retain(|rendered| !staying.contains_key(&rendered.id));
        let (stay, go): (Vec<_>, Vec<_>) =
            self.attempts.drain(..).partition(|attempt| staying.contains_key(&attempt.id));
        self.attempts = go;
        let unsubscribed = stay.into_iter().filter(|attempt| staying.get(&attempt.id) == Some(&Stays::Unsubscribed));
        unsubscribed.map(|attempt| attempt.unsubscribed(now)).collect()
    }

    /// Takes out messages that may not leave now; each has its result.
    pub(crate) fn put_off(&mut self, gate: &Gate<'_>, now: Instant) -> Vec<Delivery> {
        let later: Vec<Delivery> = self.attempts.iter().filter_map(|attempt| attempt.put_off(gate, now)).collect();
        let stays = |id: MessageId| later.iter().any(|delivery| delivery.id == id);
        self.rendered.retain(|rendered| !stays(rendered.id));
        self.attempts.retain(|attempt| !stays(attempt.id));
        later
    }
}

impl Attempt {
    /// The result of a message that may not leave now, by the policy as it is, its journey's hours, and what readers say of its
    /// sender: it goes later, and that was no attempt.
    pub(crate) fn put_off(&self, gate: &Gate<'_>, now: Instant) -> Option<Delivery> {
        self.outside_window(gate, now).or_else(|| self.held_sender(gate, now))
    }

    fn outside_window(&self, gate: &Gate<'_>, now: Instant) -> Option<Delivery> {
        let (due, why) = self.window.as_ref()?.closed(&gate.linked.bundle().policy, now)?;
        Some(self.later(due, why.words().to_owned(), now))
    }

    fn held_sender(&self, gate: &Gate<'_>, now: Instant) -> Option<Delivery> {
        let sender = self.sender.as_deref().filter(|sender| gate.spam.holds(sender))?;
        let why = format!("too many call mail of {sender} spam; `journey senders` says more");
        Some(self.later(Instant(now.0.saturating_add(ASKED_AGAIN)), why, now))
    }

    /// The result of a message that was not tried.
    fn later(&self, due: Instant, cause: String, now: Instant) -> Delivery {
        let result = DeliveryResult::PutOff { due, cause };
        Delivery { id: self.id, at: now, attempts: self.number.saturating_sub(1), result }
    }

    /// The result of a message that did not leave, by our own doing.
    pub(crate) fn skipped(&self, cause: String, now: Instant) -> Delivery {
        let result = self.failed(StatusKind::Skipped, cause);
        Delivery { id: self.id, at: now, attempts: self.number, result }
    }

    /// What becomes of what will never arrive.
    fn failed(&self, status: StatusKind, cause: String) -> DeliveryResult {
        match self.until {
            Some(_) => DeliveryResult::Answered { answer: Answer::None(cause) },
            None => DeliveryResult::Failed { status, cause },
        }
    }

    /// The result of a message whose contact unsubscribed after it was decided.
    pub(crate) fn unsubscribed(&self, now: Instant) -> Delivery {
        self.skipped("the contact unsubscribed".into(), now)
    }

    /// What a verdict means.
    pub(crate) fn judge(&self, verdict: Verdict, now: Instant) -> Delivery {
        let result = match verdict {
            Verdict::Delivered { response } => DeliveryResult::Delivered { answer: response },
            Verdict::Answered { answer } => DeliveryResult::Answered { answer: Answer::Given(answer) },
            Verdict::Failed { cause } => self.failed(StatusKind::Bounced, cause),
            Verdict::Unknown { cause } if self.hold => DeliveryResult::Held { cause },
            Verdict::Unknown { cause } => return self.judge(Verdict::Retry { after: None, cause }, now),
            Verdict::Later { after } => {
                let after = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
                let due = Instant(now.0.saturating_add(after));
                return self.later(due, "the policy's rate is reached".to_owned(), now);
            }
            Verdict::Retry { after, cause } => {
                let pause = after.unwrap_or_default().max(backoff(self.number));
                let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                let pause = pause.saturating_add(self.jitter(pause / JITTER));
                let due = Instant(now.0.saturating_add(i64::try_from(pause).unwrap_or(i64::MAX)));
                let given_up = i64::try_from(GIVE_UP_AFTER.as_millis()).unwrap_or(i64::MAX);
                let given_up = Instant(self.decided.0.saturating_add(given_up));
                let given_up = self.until.map_or(given_up, |until| until.min(given_up));
                if due > given_up && self.number >= LEAST_ATTEMPTS {
                    let cause = format!("given up after {} attempts; the last one: {cause}", self.number);
                    self.failed(StatusKind::Failed, cause)
                } else {
                    DeliveryResult::Retry { due, cause }
                }
            }
        };
        Delivery { id: self.id, at: now, attempts: self.number, result }
    }

    /// A part of `most` that differs from message to message and from attempt to attempt, and is always the same.
    fn jitter(&self, most: u64) -> u64 {
        let mut seed = self.id.contact.0.to_le_bytes().to_vec();
        seed.extend_from_slice(&self.id.number.to_le_bytes());
        seed.extend_from_slice(&self.number.to_le_bytes());
        let hash = blake3::hash(&seed).as_bytes().first_chunk().copied().unwrap_or_default();
        u64::from_le_bytes(hash).checked_rem(most.saturating_add(1)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::core::contact::ContactId;

    fn attempt(contact: i64, number: u32) -> Attempt {
        let id = MessageId { contact: ContactId(contact), number: 0 };
        Attempt { id, decided: Instant(0), number, until: None, hold: false, alone: false, window: None, sender: None }
    }

    fn due(attempt: Attempt, after: Option<u64>, now: i64) -> Option<i64> {
        let verdict = Verdict::Retry { after: after.map(Duration::from_secs), cause: "421".into() };
        match attempt.judge(verdict, Instant(now)).result {
            DeliveryResult::Retry { due, .. } => Some(due.0),
            _ => None,
        }
    }

    #[test]
    fn retries_wait_longer_each_time_and_apart_from_each_other() {
        let dues: Vec<i64> = (1..=5).filter_map(|number| due(attempt(7, number), None, 0)).collect();
        assert!(
            dues.iter()
                .zip([5_000, 20_000, 80_000, 320_000, 1_280_000])
                .all(|(due, least)| { (least..=least + least / 5).contains(due) }),
            "{dues:?}"
        );
        assert_ne!(due(attempt(7, 1), None, 0), due(attempt(8, 1), None, 0));
        assert_eq!(due(attempt(7, 1), None, 0), due(attempt(7, 1), None, 0));
        assert!(due(attempt(7, 1), Some(600), 0) >= Some(600_000), "the other side asked for peace");
    }

    #[test]
    fn in_the_end_it_is_given_up() {
        let days = |n: i64| n * 24 * 3_600_000;
        assert!(due(attempt(7, 90), None, days(4)).is_some());
        assert_eq!(due(attempt(7, 90), None, days(5)), None);
    }
}
