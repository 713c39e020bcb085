//! Questions to somebody outside: they leave with the outbox, and their answers come back as inputs.

use std::sync::Arc;

use journey_bytecode::{AfterCrash, Channel, Instant, Purpose, RequestIx, RequestKind, StepIx, Value};
use smol_str::SmolStr;

use super::{Advance, CLAUSE_FUEL};
use crate::core::contact::{EndReason, Parked, Run};
use crate::core::effect::{Errand, MessageId, Outgoing, TraceEvent, WokenBy};
use crate::core::input::Answer;
use crate::core::link::Prepared;
use crate::core::vm::Frame;

impl Advance<'_> {
    /// Asks, and says where the run stands then; none if its program names no such question.
    pub(super) fn request(
        &mut self,
        run: &mut Run,
        prepared: &Prepared,
        ix: RequestIx,
        value: Value,
    ) -> Option<Parked> {
        let request = prepared.program.requests.get(ix.index())?;
        let env = self.env(prepared, Frame::of(run), &Value::Unset);
        let until = env.instant(&env.value(request.until, &mut CLAUSE_FUEL.clone())).unwrap_or(Instant::NEVER);
        let number = self.contact.state.messages_begun;
        self.contact.state.messages_begun = number.saturating_add(1);
        // An earlier answer is not the one to this question.
        if let Some(slot) = request.slot.and_then(|slot| run.slots.get_mut(slot.index())) {
            *slot = Value::Unset;
        }
        let RequestKind::Call { service, answer } = &request.kind;
        self.trace(Some(run.number), &run.journey, TraceEvent::Called { number, service: service.clone(), until });
        let errand = Errand::Call { answer: answer.clone(), until };
        let outgoing = self.errand(run, request.step, number, service.clone(), value, errand);
        self.out.outgoing.push(outgoing);
        Some(Parked::Asking { request: ix, number, until })
    }

    /// Something for the outbox that is no message to the contact.
    fn errand(&self, run: &Run, step: StepIx, number: u32, to: SmolStr, data: Value, errand: Errand) -> Outgoing {
        Outgoing {
            id: MessageId { contact: self.contact.id, number },
            at: self.clock,
            journey: run.journey.clone(),
            version: run.version,
            step,
            channel: Channel::Webhook,
            message: to,
            to: self.contact.key.clone(),
            language: None,
            zone: SmolStr::new_static(self.zone().name()),
            subject: None,
            purpose: Purpose::Transactional,
            topic: None,
            // The other system knows the call by its id.
            after_crash: AfterCrash::Resend,
            data,
            errand,
        }
    }

    /// Takes an answer. One that comes after the run went on is told in the trace, and counts for nothing else.
    pub(super) fn answered(&mut self, number: u32, answer: &Answer) {
        let asks = |run: &&Run| matches!(run.parked, Parked::Asking { number: asked, .. } if asked == number);
        let asking = self.contact.state.runs.iter().find(asks).map(|run| run.number);
        let Some((mut run, prepared)) = asking.and_then(|number| self.take(number)) else {
            let answered = TraceEvent::Answered { number, answer: answer.clone() };
            return self.trace(None, &SmolStr::default(), answered);
        };
        let value = match answer {
            Answer::Given(value) => value.clone(),
            Answer::None(_) => return self.unanswered(run, &prepared, number, answer.clone()),
        };
        let Parked::Asking { request, .. } = run.parked else { return self.put(run) };
        let Some(request) = prepared.program.requests.get(request.index()) else { return self.put(run) };
        self.trace(Some(run.number), &run.journey, TraceEvent::Answered { number, answer: answer.clone() });
        if let Some(slot) = request.slot.and_then(|slot| run.slots.get_mut(slot.index())) {
            *slot = value;
        }
        self.resume(run, &prepared, WokenBy::Answer, request.answered);
    }

    /// Goes on without an answer: where the journey says what then, else nowhere.
    pub(super) fn unanswered(&mut self, run: Run, prepared: &Arc<Prepared>, number: u32, answer: Answer) {
        let Parked::Asking { request, .. } = run.parked else { return self.put(run) };
        let Some(request) = prepared.program.requests.get(request.index()) else { return self.put(run) };
        let why = match &answer {
            Answer::None(why) => why.clone(),
            Answer::Given(_) => String::new(),
        };
        self.trace(Some(run.number), &run.journey, TraceEvent::Answered { number, answer });
        match request.failed {
            Some(failed) => self.resume(run, prepared, WokenBy::NoAnswer, failed),
            None => {
                let RequestKind::Call { service, .. } = &request.kind;
                self.end(run, prepared, EndReason::Failed(format!("`call {service}` failed: {why}")));
            }
        }
    }
}
