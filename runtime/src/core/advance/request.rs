//! Questions to somebody outside: they leave with the outbox, and their answers come back as inputs.

use std::sync::Arc;

use journey_bytecode::{
    AfterCrash, Channel, Colleague, Instant, NOTICE_CHANNEL, NoticeIx, Purpose, RequestIx, RequestKind, StepIx, Value,
};
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
        let until = request.until.and_then(|until| env.instant(&env.value(until, &mut CLAUSE_FUEL.clone())));
        let until = until.unwrap_or(Instant::NEVER);
        let number = self.contact.state.messages_begun;
        self.contact.state.messages_begun = number.saturating_add(1);
        // An earlier answer is not the one to this question.
        if let Some(slot) = request.slot.and_then(|slot| run.slots.get_mut(slot.index())) {
            *slot = Value::Unset;
        }
        let outgoing = match &request.kind {
            RequestKind::Call { service, answer } => {
                self.trace(
                    Some(run.number),
                    &run.journey,
                    TraceEvent::Called { number, service: service.clone(), until },
                );
                let errand = Errand::Call { answer: answer.clone(), until };
                let key = self.contact.key.clone();
                Outgoing { data: value, ..self.errand(run, request.step, number, service.clone(), key, errand) }
            }
            RequestKind::Voucher { name, expires } => {
                let ends = expires.and_then(|slot| run.slots.get_mut(slot.index()));
                ends.into_iter().for_each(|ends| *ends = value.field("expires"));
                self.trace(Some(run.number), &run.journey, TraceEvent::Voucher { number, name: name.clone() });
                let key = self.contact.key.clone();
                Outgoing { data: value, ..self.errand(run, request.step, number, name.clone(), key, Errand::Voucher) }
            }
            RequestKind::Ask { to, message, text, arms } => {
                let asked = TraceEvent::Asked { number, to: to.place.clone(), text: text.to_string(), until };
                self.trace(Some(run.number), &run.journey, asked);
                let answers = arms.iter().map(|(answer, _)| answer.clone()).collect();
                let errand = Errand::Question { place: to.place.clone(), answers, until };
                self.told(run, prepared, request.step, number, to, message, errand)
            }
        };
        self.out.outgoing.push(outgoing);
        Some(Parked::Asking { request: ix, number, until })
    }

    /// Tells a colleague something.
    pub(super) fn notify(&mut self, run: &Run, prepared: &Prepared, ix: NoticeIx) {
        let Some(notice) = prepared.program.notices.get(ix.index()) else { return };
        let number = self.contact.state.messages_begun;
        self.contact.state.messages_begun = number.saturating_add(1);
        let told = TraceEvent::Notified { to: notice.to.place.clone(), text: notice.text.to_string() };
        self.trace(Some(run.number), &run.journey, told);
        let errand = Errand::Notice { place: notice.to.place.clone() };
        let outgoing = self.told(run, prepared, notice.step, number, &notice.to, &notice.message, errand);
        self.out.outgoing.push(outgoing);
    }

    /// Words for a colleague, with all that their text needs.
    #[expect(clippy::too_many_arguments, reason = "each says something else of the words")]
    fn told(
        &self,
        run: &Run,
        prepared: &Prepared,
        step: StepIx,
        number: u32,
        to: &Colleague,
        message: &SmolStr,
        errand: Errand,
    ) -> Outgoing {
        let address = self.text(to.attribute.as_ref()).unwrap_or_default();
        let text = self.linked.message(NOTICE_CHANNEL, message);
        let data = text.map(|text| self.data(run, prepared, text)).unwrap_or_default();
        Outgoing { channel: NOTICE_CHANNEL, data, ..self.errand(run, step, number, message.clone(), address, errand) }
    }

    /// Something for the outbox that is no message to the contact.
    fn errand(&self, run: &Run, step: StepIx, number: u32, message: SmolStr, to: SmolStr, errand: Errand) -> Outgoing {
        Outgoing {
            id: MessageId { contact: self.contact.id, number },
            at: self.clock,
            journey: run.journey.clone(),
            version: run.version,
            step,
            channel: Channel::Webhook,
            message,
            to,
            language: None,
            zone: SmolStr::new_static(self.zone().name()),
            country: None,
            subject: None,
            from: None,
            purpose: Purpose::Transactional,
            topic: None,
            // A second call or question is known by its id, and a notice may come twice.
            after_crash: AfterCrash::Resend,
            data: Value::Unset,
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
        let target = match (&request.kind, &value) {
            (RequestKind::Ask { arms, .. }, Value::Text(given)) => {
                arms.iter().find(|(known, _)| known == given).map(|arm| arm.1)
            }
            (RequestKind::Ask { .. }, _) => None,
            (RequestKind::Call { .. } | RequestKind::Voucher { .. }, _) => Some(request.answered),
        };
        // Nobody asked for such an answer.
        let Some(target) = target else { return self.put(run) };
        self.trace(Some(run.number), &run.journey, TraceEvent::Answered { number, answer: answer.clone() });
        if let Some(slot) = request.slot.and_then(|slot| run.slots.get_mut(slot.index())) {
            *slot = value;
        }
        self.resume(run, &prepared, WokenBy::Answer, target);
    }

    /// Takes the decision of a colleague for the oldest question that it answers.
    pub(super) fn decided(&mut self, answer: &SmolStr, journey: Option<&SmolStr>) {
        let asks = |run: &Run| {
            let Parked::Asking { request, number, .. } = run.parked else { return None };
            let prepared = self.linked.prepared(run.version)?;
            let RequestKind::Ask { arms, .. } = &prepared.program.requests.get(request.index())?.kind else {
                return None;
            };
            let meant = journey.is_none_or(|journey| *journey == run.journey);
            (meant && arms.iter().any(|(known, _)| known == answer)).then_some(number)
        };
        if let Some(number) = self.contact.state.runs.iter().find_map(asks) {
            self.answered(number, &Answer::Given(Value::Text(answer.clone())));
        }
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
                let what = match &request.kind {
                    RequestKind::Call { service, .. } => format!("call {service}"),
                    RequestKind::Voucher { name, .. } => format!("voucher {name}"),
                    RequestKind::Ask { to, .. } => format!("ask {}", to.place),
                };
                self.end(run, prepared, EndReason::Failed(format!("`{what}` failed: {why}")));
            }
        }
    }
}
