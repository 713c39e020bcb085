//! What every send passes: consent, address, caps, quiet hours and the journey's hours.

use std::collections::BTreeMap;

use journey_bytecode::{Channel, Clause, Instant, Message, Number, Purpose, SendDef, SendIx, StatusKind, Value};
use smol_str::SmolStr;

use super::{Advance, CLAUSE_FUEL, PUNCTUAL};
use crate::core::contact::{Kept, MessageStatus, Run, SentMessage};
use crate::core::effect::{Deferral, Errand, MessageId, Outgoing, Refusal, TraceEvent};
use crate::core::link::Prepared;
use crate::core::vm::Frame;
use crate::core::window::Window;
use crate::time;

/// How a run leaves a send.
pub(super) enum Gate {
    /// The message of this number went to the outbox.
    Sent(u32),
    /// The message was refused, or is none of the contact's: the run goes on.
    Done,
    /// The run waits for the window.
    Deferred(Instant, Deferral),
    /// The send cannot be carried out.
    Failed(String),
}

impl Advance<'_> {
    pub(super) fn send(&mut self, run: &mut Run, prepared: &Prepared, ix: SendIx) -> Gate {
        let damaged = || Gate::Failed("its program is damaged".to_owned());
        let Some(send) = prepared.program.sends.get(ix.index()) else { return damaged() };
        if let Some(to) = send.to {
            return self.elsewhere(run, prepared, send, to);
        }
        let linked = self.linked;
        // The message leaves now, whenever it was planned for.
        let moment = if self.wall.0.saturating_sub(self.clock.0) > PUNCTUAL { self.wall } else { self.clock };
        let Some((channel, name, to)) = self.reach(prepared, send, moment) else { return damaged() };
        let Some(message) = linked.message(channel, &name) else {
            return Gate::Failed(format!("there is no {channel} message `{name}`"));
        };
        let program = &prepared.program;
        let purpose = message.purpose.or(program.purpose).unwrap_or_default();
        let topic = message.topic.as_ref().or(program.topic.as_ref());
        let marketing = purpose == Purpose::Marketing;

        let refusal = if self.skipping == Some(run.number) {
            Some(Refusal::Paused)
        } else if self.contact.state.suppressed.is_some() {
            Some(Refusal::Suppressed)
        } else if marketing && self.contact.state.unsubscribed_via(topic, channel, moment) {
            Some(Refusal::Unsubscribed)
        } else if marketing && !self.consented(topic, channel, moment) {
            Some(Refusal::NoConsent)
        } else if to.is_none() && self.contact.state.unreachable.contains_key(&channel) {
            Some(Refusal::Suppressed)
        } else if to.is_none() {
            Some(Refusal::NoAddress)
        } else if marketing {
            self.capped(channel, moment)
        } else {
            None
        };
        if refusal.is_none() {
            let real = moment.max(self.wall);
            let window =
                Window { zone: self.zone(), country: self.country(), channel, marketing, hours: program.hours };
            let closed = |at| window.closed(&linked.bundle().policy, at);
            if let Some((until, reason)) = closed(moment).or_else(|| closed(real)) {
                return Gate::Deferred(until, reason);
            }
            self.clock = moment;
        }

        let number = self.contact.state.messages_begun;
        self.contact.state.messages_begun = number.saturating_add(1);
        self.stirred = true;
        let at = self.clock;
        let skipped = MessageStatus { kind: StatusKind::Skipped, first: at, last: at };
        self.contact.state.messages.push(SentMessage {
            number,
            run: Some(run.number),
            journey: run.journey.clone(),
            name: name.clone(),
            channel,
            topic: topic.cloned(),
            marketing,
            at,
            statuses: refusal.is_some().then_some(skipped).into_iter().collect(),
            clicked: Vec::new(),
        });
        run.last_message = Some(number);
        if let Some(handle) = send.handle {
            run.handles.retain(|(known, _)| *known != handle);
            run.handles.push((handle, number));
        }
        if let Some(reason) = refusal {
            let skipped = TraceEvent::Skipped { message: number, channel, name, reason };
            self.trace(Some(run.number), &run.journey, skipped);
            return Gate::Done;
        }
        let outgoing = Outgoing {
            id: MessageId { contact: self.contact.id, number },
            at,
            journey: run.journey.clone(),
            version: run.version,
            step: send.step,
            channel,
            message: name.clone(),
            to: to.unwrap_or_default(),
            language: self.text(linked.language_attribute()),
            zone: SmolStr::new_static(self.zone().name()),
            country: self.country().filter(|_| marketing),
            subject: self.said(run, prepared, send.subject),
            from: self.said(run, prepared, send.from),
            purpose,
            topic: topic.cloned(),
            after_crash: message.after_crash.unwrap_or(linked.bundle().after_crash.of(purpose)),
            data: self.data(run, prepared, message),
            errand: Errand::Message,
        };
        self.out.outgoing.push(outgoing);
        self.trace(Some(run.number), &run.journey, TraceEvent::Sent { message: number, channel, name });
        Gate::Sent(number)
    }

    /// Sends a message to somebody else. Neither consent nor caps nor quiet hours of the contact concern it, and nothing
    /// that becomes of it is the contact's doing.
    fn elsewhere(&mut self, run: &Run, prepared: &Prepared, send: &SendDef, to: Clause) -> Gate {
        let Some((channel, name)) = send.choices.first().cloned() else {
            return Gate::Failed("its program is damaged".to_owned());
        };
        let linked = self.linked;
        let Some(message) = linked.message(channel, &name) else {
            return Gate::Failed(format!("there is no {channel} message `{name}`"));
        };
        let number = self.contact.state.messages_begun;
        self.contact.state.messages_begun = number.saturating_add(1);
        let to = self.said(run, prepared, Some(to)).filter(|to| !to.is_empty());
        let to = if self.skipping == Some(run.number) { Err(Refusal::Paused) } else { to.ok_or(Refusal::NoAddress) };
        let to = match to {
            Ok(to) => to,
            Err(reason) => {
                let skipped = TraceEvent::Skipped { message: number, channel, name, reason };
                self.trace(Some(run.number), &run.journey, skipped);
                return Gate::Done;
            }
        };
        self.out.outgoing.push(Outgoing {
            id: MessageId { contact: self.contact.id, number },
            at: self.clock,
            journey: run.journey.clone(),
            version: run.version,
            step: send.step,
            channel,
            message: name.clone(),
            to: to.into(),
            language: self.text(linked.language_attribute()),
            zone: SmolStr::new_static(self.zone().name()),
            country: None,
            subject: self.said(run, prepared, send.subject),
            from: self.said(run, prepared, send.from),
            purpose: Purpose::Transactional,
            topic: None,
            after_crash: message.after_crash.unwrap_or(linked.bundle().after_crash.of(Purpose::Transactional)),
            data: self.data(run, prepared, message),
            errand: Errand::Elsewhere,
        });
        self.trace(Some(run.number), &run.journey, TraceEvent::Sent { message: number, channel, name });
        Gate::Done
    }

    /// The first choice whose address the contact has and on whose channel it did not unsubscribe, else the first one,
    /// without an address.
    fn reach(
        &self,
        prepared: &Prepared,
        send: &SendDef,
        moment: Instant,
    ) -> Option<(Channel, SmolStr, Option<SmolStr>)> {
        let several = send.choices.len() > 1;
        let found = send.choices.iter().find_map(|(channel, name)| {
            if several && self.refuses(prepared, *channel, name, moment) {
                return None;
            }
            let address = match channel {
                // A webhook goes where its message says.
                Channel::Webhook => Some(SmolStr::default()),
                channel => {
                    let dead = self.contact.state.unreachable.get(channel);
                    self.address(*channel).filter(|address| Some(address) != dead)
                }
            };
            Some((*channel, name.clone(), Some(address?)))
        });
        found.or_else(|| send.choices.first().map(|(channel, name)| (*channel, name.clone(), None)))
    }

    /// Whether the contact wants no such message on the channel.
    fn refuses(&self, prepared: &Prepared, channel: Channel, name: &str, moment: Instant) -> bool {
        let Some(message) = self.linked.message(channel, name) else { return false };
        let purpose = message.purpose.or(prepared.program.purpose).unwrap_or_default();
        let topic = message.topic.as_ref().or(prepared.program.topic.as_ref());
        purpose == Purpose::Marketing
            && (self.contact.state.unsubscribed_via(topic, channel, moment) || !self.consented(topic, channel, moment))
    }

    /// Whether the contact agreed beforehand, where the channel asks for that.
    fn consented(&self, topic: Option<&SmolStr>, channel: Channel, moment: Instant) -> bool {
        !self.linked.bundle().policy.opt_in.contains(&channel)
            || topic.is_some_and(|topic| self.contact.state.consents_to(topic, Some(channel), moment))
    }

    /// The contact's address on a channel.
    pub(super) fn address(&self, channel: Channel) -> Option<SmolStr> {
        self.text(self.linked.address_attribute(channel))
    }

    fn capped(&self, channel: Channel, moment: Instant) -> Option<Refusal> {
        let zone = self.zone();
        self.linked.bundle().policy.caps.iter().find_map(|cap| {
            if cap.channel.is_some_and(|only| only != channel) {
                return None;
            }
            let counted = |m: &&SentMessage| {
                m.marketing
                    && zone.add(m.at, cap.per) > moment
                    && cap.channel.is_none_or(|only| only == m.channel)
                    && !m.has(StatusKind::Skipped)
            };
            let count = self.contact.state.messages.iter().filter(counted).count();
            (count >= cap.most as usize).then_some(Refusal::Cap { most: cap.most })
        })
    }

    /// The text that a clause of a send says.
    fn said(&self, run: &Run, prepared: &Prepared, clause: Option<Clause>) -> Option<String> {
        let env = self.env(prepared, Frame::of(run), &Value::Unset);
        let value = env.value(clause?, &mut CLAUSE_FUEL.clone());
        value.is_set().then(|| time::show_value(&value, self.zone()))
    }

    /// The values of the variables that the message's templates use, as a record.
    pub(super) fn data(&self, run: &Run, prepared: &Prepared, message: &Message) -> Value {
        let mut top: BTreeMap<SmolStr, Value> = BTreeMap::new();
        let mut contact: BTreeMap<SmolStr, Value> = BTreeMap::new();
        let mut trigger: BTreeMap<SmolStr, Value> = BTreeMap::new();
        for variable in &message.variables {
            let mut path = variable.0.iter();
            match (path.next().map(SmolStr::as_str), path.next()) {
                (Some("contact"), Some(name)) => {
                    contact.insert(name.clone(), self.attribute(name));
                }
                (Some("trigger"), Some(name)) => {
                    trigger.insert(name.clone(), run.trigger.field(name));
                }
                (Some("trigger"), None) => {
                    top.insert(SmolStr::new_static("trigger"), run.trigger.clone());
                }
                (Some(name), _) => {
                    let slot = prepared.program.slots.iter().position(|slot| slot == name);
                    let local = slot.and_then(|slot| run.slots.get(slot)).cloned();
                    let other = || self.score(name).unwrap_or_else(|| self.attribute(name));
                    top.insert(name.into(), local.unwrap_or_else(other));
                }
                (None, _) => {}
            }
        }
        for (name, fields) in [("contact", contact), ("trigger", trigger)] {
            if !fields.is_empty() {
                top.insert(SmolStr::new_static(name), Value::Record(fields.into_iter().collect()));
            }
        }
        Value::Record(top.into_iter().collect())
    }

    /// A score as it stands.
    fn score(&self, name: &str) -> Option<Value> {
        let score = self.linked.score(name)?;
        let kept = self.contact.state.scores.get(name);
        let left = |kept: &Kept| kept.points.faded(self.clock.0.saturating_sub(kept.at.0), score.halves).number();
        Some(Value::Number(kept.map_or(Number(0), left)))
    }

    /// The contact's country, by which it keeps holidays.
    fn country(&self) -> Option<SmolStr> {
        self.text(self.linked.country_attribute())
    }

    fn attribute(&self, name: &str) -> Value {
        let given = self.contact.attributes.get(name);
        given.or_else(|| self.linked.default_of(name)).cloned().unwrap_or_default()
    }

    pub(super) fn text(&self, attribute: Option<&SmolStr>) -> Option<SmolStr> {
        match self.attribute(attribute?) {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }
}
