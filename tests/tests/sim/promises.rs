//! What must hold at the end of each life, whatever went wrong in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use journey_bytecode::{LocalWindow, Number, Purpose, StatusKind, Time, Value, WeekdaySet};
use journey_runtime::core::contact::{Contact, ContactId};
use journey_runtime::core::effect::{Errand, MessageId, Outgoing, TraceEntry, TraceEvent};
use journey_runtime::core::input::{Answer as Told, InputKind};
use journey_runtime::core::{Linked, advance, advance_part};
use journey_runtime::explain::{Known, explain};
use journey_runtime::store::{Delivery, DeliveryResult, Kept, Store};

use crate::life::Lived;
use crate::peers::Answer;
use crate::project::Rules;
use crate::world::{Decided, Journal, Step, World};

/// At most so many marketing messages in so long, where the rules are strict.
const CAP: (usize, i64) = (3, 2 * 24 * 3_600_000);

/// What was tried for so long may be given up: five days, less the longest pause before another attempt.
const TRIED_FOR: i64 = 5 * 24 * 3_600_000 - 4_800_000;

/// A contact, and all that the store knows of it.
struct Stored {
    contact: Contact,
    trace: Vec<TraceEntry>,
    deliveries: BTreeMap<MessageId, Delivery>,
}

/// Looks at everything, and says what does not hold.
pub async fn hold(world: &Arc<World>, rules: Rules) -> Lived {
    let store = &world.store;
    let mut stored = Vec::new();
    for contact in store.contacts_after(ContactId(0), usize::MAX).await.expect("memory does not fail") {
        let trace = store.trace(contact.id).await.expect("memory does not fail");
        let deliveries = store.deliveries(contact.id).await.expect("memory does not fail");
        let deliveries = deliveries.into_iter().map(|delivery| (delivery.id, delivery)).collect();
        stored.push(Stored { contact, trace, deliveries });
    }
    let held = store.outbox(Kept::Held, usize::MAX).await.expect("memory does not fail");
    let held: BTreeSet<MessageId> = held.into_iter().map(|kept| kept.outgoing.id).collect();
    let mut broken = Vec::new();
    {
        let inner = world.inner();
        let newest = inner.linked.values().next_back().map(Arc::clone).expect("something is deployed");
        nothing_acknowledged_is_lost(&inner.journal, &mut broken);
        for stored in &stored {
            everything_is_applied_once(&inner.journal, stored, &mut broken);
            the_reference_agrees(&inner.journal, &inner.linked, stored, &mut broken);
            nobody_is_left_standing(stored, &mut broken);
            nobody_is_disturbed(&inner.journal, rules, &newest, stored, &mut broken);
            it_can_be_explained(&newest, stored, &mut broken);
        }
        messages_arrive(&inner.journal, &stored, &held, &mut broken);
    }
    broken.into_iter().for_each(|what| world.breaks(what));
    let inner = world.inner();
    let journal = &inner.journal;
    let taken = |answers: &Vec<Answer>| answers.iter().filter(|answer| answer.takes()).count();
    let print =
        format!("{:?} {:?}", stored.iter().map(|s| (&s.contact, &s.trace)).collect::<Vec<_>>(), journal.attempts);
    Lived {
        inputs: journal.acknowledged.len(),
        messages: journal.decided.len(),
        attempts: journal.attempts.values().map(Vec::len).sum(),
        crashes: journal.crashes,
        outages: journal.outages,
        repeated: journal.repeated,
        held: held.len(),
        twice: journal.attempts.values().map(|answers| taken(answers).saturating_sub(1)).sum(),
        broken: journal.broken.clone(),
        print: blake3::hash(print.as_bytes()).as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes)),
    }
}

/// What was acknowledged is there, once.
fn nothing_acknowledged_is_lost(journal: &Journal, broken: &mut Vec<String>) {
    for (key, id) in journal.acknowledged.keys() {
        let places = journal.keys.get(key).and_then(|contact| journal.accepted.get(contact));
        let count = places.into_iter().flatten().filter(|(_, (known, _))| known.as_ref() == Some(id)).count();
        if count != 1 {
            broken.push(format!("{id} of {key} was acknowledged, and is there {count} times"));
        }
    }
}

/// All inputs are applied, in their order, each once.
fn everything_is_applied_once(journal: &Journal, stored: &Stored, broken: &mut Vec<String>) {
    let id = stored.contact.id;
    let (Some(accepted), Some(inputs)) = (journal.accepted.get(&id), journal.inputs.get(&id)) else {
        broken.push(format!("contact {} was never advanced", id.0));
        return;
    };
    for (place, (name, kind)) in accepted {
        if inputs.get(place).is_none_or(|input| input.kind != *kind) {
            broken.push(format!("input {place} ({name:?}) of contact {} was accepted and never applied", id.0));
        }
    }
    let last = inputs.last_key_value().map_or(0, |(place, _)| *place);
    if stored.contact.state.applied != last || inputs.len() as i64 != last {
        let (applied, count) = (stored.contact.state.applied, inputs.len());
        broken.push(format!("contact {} stands behind {applied} of {last} inputs, {count} of them known", id.0));
    }
    // A journey counts visits: by itself, without a look at what the store says.
    let visits = inputs.values().filter_map(|input| match &input.kind {
        InputKind::Event { name, payload } if name == "visited" => Some(payload.field("n")),
        _ => None,
    });
    let visits: Vec<Value> = visits.collect();
    let said = |name: &str| stored.contact.attributes.get(name).cloned().unwrap_or(Value::Number(Number::from_int(0)));
    let distinct: BTreeSet<String> = visits.iter().map(|n| format!("{n:?}")).collect();
    if distinct.len() != visits.len() || said("visits") != Value::Number(Number::from_int(visits.len() as i64)) {
        broken.push(format!("contact {} counted {:?} of the visits {visits:?}", id.0, said("visits")));
    }
    if said("last_visit") != visits.last().cloned().unwrap_or(Value::Number(Number::from_int(0))) {
        broken.push(format!("contact {} was last there {:?}, of {visits:?}", id.0, said("last_visit")));
    }
}

/// A core that is told one thing after the other, at the moments at which the workers looked, comes to the same.
fn the_reference_agrees(
    journal: &Journal,
    linked: &BTreeMap<i64, Arc<Linked>>,
    stored: &Stored,
    broken: &mut Vec<String>,
) {
    let id = stored.contact.id;
    let (Some(born), Some(steps)) = (journal.born.get(&id), journal.steps.get(&id)) else { return };
    let (mut contact, mut trace, mut outgoing) = (born.clone(), Vec::new(), Vec::<Outgoing>::new());
    for Step { revision, now, applied } in steps {
        let Some(linked) = linked.get(revision) else {
            broken.push(format!("contact {} was advanced under revision {revision}, which nobody knows", id.0));
            return;
        };
        let mut place = contact.state.applied;
        while place < *applied {
            place += 1;
            let input = journal.inputs.get(&id).and_then(|inputs| inputs.get(&place));
            let out = advance_part(linked, &mut contact, input.map_or(&[], std::slice::from_ref), *now);
            trace.extend(out.trace);
            outgoing.extend(out.outgoing);
        }
        let out = advance(linked, &mut contact, &[], *now);
        trace.extend(out.trace);
        outgoing.extend(out.outgoing);
    }
    if contact != stored.contact {
        broken.push(format!("contact {} is\n{:#?}\nand the reference says\n{contact:#?}", id.0, stored.contact));
    }
    if trace != stored.trace {
        broken
            .push(format!("the trace of contact {} is\n{:#?}\nand the reference says\n{trace:#?}", id.0, stored.trace));
    }
    let decided = journal.decided.iter().filter(|(message, _)| message.contact == id);
    let decided: Vec<&Outgoing> = decided.map(|(_, decided)| &decided.outgoing).collect();
    if outgoing.iter().collect::<Vec<_>>() != decided {
        broken.push(format!("contact {} is sent\n{decided:#?}\nand the reference says\n{outgoing:#?}", id.0));
    }
}

/// All journeys come to an end sooner or later.
fn nobody_is_left_standing(stored: &Stored, broken: &mut Vec<String>) {
    for run in &stored.contact.state.runs {
        broken.push(format!("contact {} still stands in {}: {run:?}", stored.contact.id.0, run.journey));
    }
}

/// Caps and quiet hours are kept, and nothing leaves as of the past.
fn nobody_is_disturbed(journal: &Journal, rules: Rules, linked: &Linked, stored: &Stored, broken: &mut Vec<String>) {
    let quiet = LocalWindow { days: WeekdaySet::ALL, from: Time(21 * 3_600), to: Time(8 * 3_600) };
    let mine = journal.decided.iter().filter(|(id, _)| id.contact == stored.contact.id);
    let marketing = mine.map(|(_, decided)| &decided.outgoing).filter(|sent| sent.purpose == Purpose::Marketing);
    // What is skipped at the wire after all does not count.
    let skipped = |sent: &&Outgoing| {
        let result = stored.deliveries.get(&sent.id).map(|delivery| &delivery.result);
        matches!(result, Some(DeliveryResult::Failed { status: StatusKind::Skipped, .. }))
    };
    let sent: Vec<&Outgoing> = marketing.filter(|sent| !skipped(sent)).collect();
    let (most, per) = CAP;
    for (place, message) in sent.iter().enumerate().filter(|_| rules.strict) {
        if linked.zone().is_within(message.at, quiet) {
            broken.push(format!("{} was decided in quiet hours, {}", message.id, linked.zone().show(message.at)));
        }
        let recent = sent.iter().take(place + 1).filter(|before| before.at.0 + per > message.at.0).count();
        if recent > most {
            broken.push(format!("{} is the {recent}th within the cap's time", message.id));
        }
        // Neither does it leave then, however often it had to be tried again.
        for left in journal.left.get(&message.id).into_iter().flatten() {
            if linked.zone().is_within(*left, quiet) {
                broken.push(format!("{} left in quiet hours, {}", message.id, linked.zone().show(*left)));
            }
        }
    }
}

/// `why` has an answer: it knows each run, and what it did.
fn it_can_be_explained(linked: &Linked, stored: &Stored, broken: &mut Vec<String>) {
    let deliveries: Vec<Delivery> = stored.deliveries.values().cloned().collect();
    let known = Known { contact: &stored.contact, trace: &stored.trace, deliveries: &deliveries };
    let explained = explain(linked, &known, None);
    let runs: BTreeMap<u32, usize> =
        explained.journeys.iter().flat_map(|journey| &journey.runs).map(|run| (run.run, run.lines.len())).collect();
    for run in 0..stored.contact.state.runs_begun {
        let entries = stored.trace.iter().filter(|entry| entry.run == Some(run));
        let ended = entries.clone().any(|entry| matches!(entry.event, TraceEvent::Ended(_)));
        if runs.get(&run).is_none_or(|lines| *lines == 0) || !ended {
            broken.push(format!("nobody can say what run {run} of contact {} did", stored.contact.id.0));
        }
    }
}

/// Each message that was decided has arrived, or there is a good reason; none arrives twice but by a fault that hides whether
/// it did; and what is held is what such a fault concerned.
fn messages_arrive(journal: &Journal, stored: &[Stored], held: &BTreeSet<MessageId>, broken: &mut Vec<String>) {
    let results: BTreeMap<MessageId, &Delivery> =
        stored.iter().flat_map(|stored| &stored.deliveries).map(|(id, delivery)| (*id, delivery)).collect();
    for (id, Decided { outgoing, .. }) in &journal.decided {
        let answers = journal.attempts.get(id).map(Vec::as_slice).unwrap_or_default();
        let taken = answers.iter().filter(|answer| answer.takes()).count();
        let hidden = journal.hidden.get(id).copied().unwrap_or(0);
        let holds = outgoing.after_crash == journey_bytecode::AfterCrash::Hold;
        let most = if holds { 1 } else { 1 + hidden };
        if taken > most {
            broken.push(format!("{id} arrived {taken} times; {hidden} faults hid whether it did ({answers:?})"));
        }
        if held.contains(id) != (holds && hidden > 0) {
            let is = if held.contains(id) { "held" } else { "not held" };
            broken.push(format!("{id} is {is}, and {hidden} faults hid whether it arrived ({answers:?})"));
        }
        let good = match results.get(id).map(|delivery| &delivery.result) {
            None | Some(DeliveryResult::Held { .. }) => held.contains(id),
            Some(DeliveryResult::Delivered { .. }) => taken > 0,
            Some(DeliveryResult::Answered { answer }) => match answer {
                Told::Given(_) => matches!(outgoing.errand, Errand::Call { .. }) && taken > 0,
                Told::None(_) => {
                    matches!(outgoing.errand, Errand::Call { .. }) && answers.iter().any(|a| *a != Answer::Takes)
                }
            },
            Some(DeliveryResult::Failed { status: StatusKind::Bounced, .. }) => {
                answers.iter().any(|answer| matches!(answer, Answer::RefusesForGood | Answer::KnowsNobody))
            }
            // Only whoever unsubscribed gets nothing by our own doing.
            Some(DeliveryResult::Failed { status: StatusKind::Skipped, cause }) => {
                cause.contains("unsubscribed") && outgoing.purpose == Purpose::Marketing && has_left(journal, outgoing)
            }
            // The clock has jumped so far meanwhile that nothing was tried again.
            Some(DeliveryResult::Failed { status: StatusKind::Failed, .. }) => {
                let tried = results.get(id).map_or(0, |delivery| delivery.at.0.saturating_sub(outgoing.at.0));
                tried >= TRIED_FOR && answers.iter().any(|answer| *answer != Answer::Takes)
            }
            Some(DeliveryResult::Failed { .. } | DeliveryResult::PutOff { .. } | DeliveryResult::Retry { .. }) => false,
        };
        if !good {
            broken.push(format!("{id} ({}) is lost: {:?}, {answers:?}", outgoing.message, results.get(id)));
        }
    }
    for id in journal.attempts.keys().filter(|id| !journal.decided.contains_key(id)) {
        broken.push(format!("{id} left, and nobody had decided it"));
    }
}

/// Whether the contact ever unsubscribed from what the message is about.
fn has_left(journal: &Journal, outgoing: &Outgoing) -> bool {
    journal.accepted.get(&outgoing.id.contact).into_iter().flatten().any(|(_, (_, kind))| match kind {
        InputKind::Unsubscribe { topic } => topic.is_none() || *topic == outgoing.topic,
        InputKind::UnsubscribeVia { topic, channel } => {
            (topic.is_none() || *topic == outgoing.topic) && *channel == outgoing.channel
        }
        _ => false,
    })
}
