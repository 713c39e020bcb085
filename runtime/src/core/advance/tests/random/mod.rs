//! What holds for every program and every history.

mod built;
mod made;

use built::{assemble, project};
pub(super) use made::Expr;
use made::{SEGMENTS, history, journey, journeys};
use proptest::prelude::*;
use smol_str::SmolStr;

use super::*;
use crate::core::{FUEL, MAX_CHAIN, PUNCTUAL, advance_part};
use crate::time::DAY;

fn caps() -> Policy {
    let cap = |channel, most, days| Cap { channel, most, per: Span { days, ..Span::default() } };
    Policy { caps: vec![cap(None, 3, 7), cap(Some(Channel::Sms), 1, 2)], ..Policy::default() }
}

/// What came of a history: the contact, all messages, all of the trace.
#[derive(Clone, PartialEq, Debug)]
struct Told {
    contact: Contact,
    outgoing: Vec<Outgoing>,
    trace: Vec<TraceEntry>,
}

const LAST: i64 = 12 * DAY;

/// Advances the contact when something happens or falls due, each time so late, until 12 days after the last input.
fn tell(
    linked: &Linked,
    inputs: &[Input],
    mut late: impl FnMut() -> i64,
    mut each: impl FnMut(&mut Contact, &[Input], Instant),
) -> Told {
    let contact = Contact::new(ContactId(7), "ada", inputs[0].at);
    let mut told = Told { contact, outgoing: Vec::new(), trace: Vec::new() };
    let mut rest = inputs;
    let end = Instant(inputs.last().unwrap().at.0 + LAST);
    let mut now = Instant(i64::MIN);
    loop {
        let due = told.contact.state.due().unwrap_or(Instant::NEVER);
        let next = rest.first().map_or(due, |input| due.min(input.at));
        if next > end {
            // A last call, so that all histories end at the same time.
            let out = advance(linked, &mut told.contact, &[], end);
            assert_eq!(out.trace, []);
            return told;
        }
        now = Instant(next.0 + late()).max(now);
        let (happened, later) = rest.split_at(rest.partition_point(|input| input.at <= now));
        rest = later;
        each(&mut told.contact, happened, now);
        let out = advance(linked, &mut told.contact, happened, now);
        assert!(out.due.is_none_or(|due| due > now), "due {:?} at {now:?}", out.due);
        assert_eq!(out.due, told.contact.state.due());
        told.outgoing.extend(out.outgoing);
        told.trace.extend(out.trace);
    }
}

fn on_time(linked: &Linked, inputs: &[Input]) -> Told {
    tell(linked, inputs, || 0, |_, _, _| {})
}

/// The channels and topics on which a contact gets nothing; the last topic stands for none.
fn silent(state: &State, now: Instant) -> Vec<(Option<SmolStr>, Option<Channel>)> {
    let topics = [Some("offers".into()), Some("events".into()), None];
    let channels = Channel::ALL.iter().map(|channel| Some(*channel)).chain([None]);
    let all = channels.flat_map(|channel| topics.iter().map(move |topic: &Option<SmolStr>| (topic.clone(), channel)));
    let silent = |(topic, channel): &(Option<SmolStr>, Option<Channel>)| match channel {
        Some(channel) => state.unsubscribed_via(topic.as_ref(), *channel, now),
        None => state.unsubscribed_from(topic.as_ref(), now),
    };
    all.filter(silent).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn two_become_one(journeys in journeys(), one in history(), two in history(), three in history()) {
        let linked = project(&journeys, Policy::default());
        let (one, mut two) = (on_time(&linked, &one).contact, on_time(&linked, &two).contact);
        let now = one.state.clock.max(two.state.clock);
        let mut one = Contact { id: ContactId(8), key: "bea".into(), ..one };
        let merge = Input { seq: one.state.applied + 1, at: now, kind: InputKind::MergeInto { contact: two.id } };
        let handed = *advance(&linked, &mut one, &[merge], now).handed.unwrap();
        prop_assert_eq!(one.state.due(), None);
        let (theirs, ours) = (silent(&handed.contact.state, now), silent(&two.state, now));
        let absorb = InputKind::Absorb { contact: Box::new(handed.contact.clone()) };
        let seq = two.state.applied + 1;
        let joined = advance(&linked, &mut two, &[Input { seq, at: now, kind: absorb }], now);
        let state = &two.state;
        // Journeys that something new sets going may send and subscribe; whatever either wanted no more of stays so.
        let subscribes = state.ledger.iter().any(|entry| entry.at == now && entry.act == Act::Given);
        for wish in theirs.iter().chain(&ours).filter(|_| !subscribes) {
            prop_assert!(silent(state, now).contains(wish), "{:?}", wish);
        }
        prop_assert!(state.runs.is_sorted_by(|a, b| a.number < b.number));
        prop_assert!(state.messages.is_sorted_by(|a, b| a.number < b.number));
        prop_assert!(state.history.is_sorted_by_key(|past| past.at));
        prop_assert!(state.ledger.is_sorted_by_key(|entry| entry.at));
        prop_assert!(state.runs.iter().all(|run| run.number < state.runs_begun));
        prop_assert!(state.messages.iter().all(|message| message.number < state.messages_begun));
        for (place, run) in state.runs.iter().enumerate() {
            let same = |other: &Run| other.journey == run.journey && other.key == run.key;
            prop_assert!(!state.runs[..place].iter().any(same), "two runs of {}", run.journey);
        }
        // What hears of the joining may take a tag away, and says so.
        let taken = |tag: &SmolStr| joined.trace.iter().any(|entry| entry.event == TraceEvent::TagRemoved(tag.clone()));
        for tag in handed.contact.tags.iter() {
            prop_assert!(two.tags.contains(tag) || taken(tag), "{}: {:?}", tag, joined.trace);
        }
        // Whatever happens next, it goes on.
        for (seq, input) in (seq + 1..).zip(three) {
            let at = Instant(now.0 + input.at.0 % DAY);
            let out = advance(&linked, &mut two, &[Input { seq, at, ..input }], at);
            prop_assert!(out.due.is_none_or(|due| due > at));
        }
    }

    #[test]
    fn the_story_is_consistent(journeys in journeys(), history in history()) {
        let linked = project(&journeys, caps());
        let told = on_time(&linked, &history);
        let moments: Vec<_> = told.trace.iter().map(|entry| entry.at).collect();
        prop_assert!(moments.is_sorted());
        let numbers: Vec<_> = told.outgoing.iter().map(|message| message.id.number).collect();
        prop_assert!(numbers.is_sorted_by(|a, b| a < b));
        for run in 0..told.contact.state.runs_begun {
            let of_run: Vec<_> = told.trace.iter().filter(|entry| entry.run == Some(run)).collect();
            let begins = of_run.iter().filter(|e| matches!(e.event, TraceEvent::Entered { .. })).count();
            let ends = of_run.iter().filter(|e| matches!(e.event, TraceEvent::Ended(_))).count();
            let active = told.contact.state.runs.iter().any(|r| r.number == run);
            prop_assert_eq!((begins, ends), (1, usize::from(!active)));
            let is_begin = matches!(of_run[0].event, TraceEvent::Entered { .. });
            prop_assert!(is_begin);
        }
        for (place, run) in told.contact.state.runs.iter().enumerate() {
            let twin = told.contact.state.runs[..place].iter().any(|r| r.journey == run.journey && r.key == run.key);
            prop_assert!(!twin, "two active runs of one journey and key");
        }
    }

    #[test]
    fn a_little_late_is_the_same(
        journeys in journeys(),
        history in history(),
        lates in prop::collection::vec(0..PUNCTUAL, 20),
    ) {
        let linked = project(&journeys, caps());
        let mut lates = lates.iter().cycle();
        let late = tell(&linked, &history, || *lates.next().unwrap(), |_, _, _| {});
        prop_assert_eq!(late, on_time(&linked, &history));
    }

    #[test]
    fn duplicates_and_idle_calls_change_nothing(journeys in journeys(), history in history()) {
        let linked = project(&journeys, caps());
        let mut past: Vec<Input> = Vec::new();
        let told = tell(&linked, &history, || 0, |contact, happened, now| {
            let before = contact.clone();
            let mut idle = if before.state.applied == 0 { now } else { before.state.clock };
            while idle < now {
                let out = advance(&linked, contact, &past, idle);
                assert_eq!((out.trace.len(), out.outgoing.len()), (0, 0));
                idle.0 += 37 * 3_600_000;
            }
            assert_eq!(*contact, before);
            past.extend(happened.iter().cloned());
        });
        prop_assert_eq!(told, on_time(&linked, &history));
    }

    #[test]
    fn nobody_is_disturbed(journeys in journeys(), history in history()) {
        let quiet = LocalWindow { days: WeekdaySet::ALL, from: Time(20 * 3600), to: Time(9 * 3600) };
        let linked = project(&journeys, Policy { quiet_hours: Some(quiet), ..caps() });
        let told = on_time(&linked, &history);
        let all = history.iter().find(|i| i.kind == InputKind::Unsubscribe { topic: None }).map(|i| i.at);
        let topic = history.iter().find(|i| matches!(i.kind, InputKind::Unsubscribe { topic: Some(_) })).map(|i| i.at);
        let back = history.iter().any(|i| matches!(i.kind, InputKind::Subscribe { .. }))
            || told.trace.iter().any(|e| matches!(e.event, TraceEvent::Subscribed { .. }));
        // The outbox may report that it sent a message not after all; such a message does not count.
        let unsent = |m: &&Outgoing| {
            told.trace.iter().any(|e| {
                let skipped = StatusKind::Skipped;
                e.event == TraceEvent::Message { message: m.id.number, status: skipped, machine: false }
            })
        };
        let marketing = told.outgoing.iter().filter(|m| m.purpose == Purpose::Marketing);
        let marketing: Vec<_> = marketing.filter(|m| !unsent(m)).collect();
        for (place, message) in marketing.iter().enumerate() {
            prop_assert!(!linked.zone().is_within(message.at, quiet));
            prop_assert!(back || all.is_none_or(|at| message.at <= at));
            prop_assert!(back || message.topic.is_none() || topic.is_none_or(|at| message.at <= at));
            for cap in &linked.bundle().policy.caps {
                let zone = linked.zone();
                let counted = |m: &&&Outgoing| zone.add(m.at, cap.per) > message.at && cap.channel.is_none_or(|c| c == m.channel);
                if cap.channel.is_none_or(|channel| channel == message.channel) {
                    let count = marketing[..=place].iter().filter(counted).count();
                    prop_assert!(count <= cap.most as usize);
                }
            }
        }
    }

    #[test]
    fn nothing_is_sent_in_the_past_or_in_quiet_hours_after_an_outage(
        journeys in journeys(),
        history in history(),
        lates in prop::collection::vec(prop_oneof![Just(0), 0..9 * DAY], 20),
    ) {
        let quiet = LocalWindow { days: WeekdaySet::ALL, from: Time(20 * 3600), to: Time(9 * 3600) };
        let linked = project(&journeys, Policy { quiet_hours: Some(quiet), ..caps() });
        let mut lates = lates.iter().cycle();
        let mut contact = Contact::new(ContactId(7), "ada", history[0].at);
        let mut now = Instant(i64::MIN);
        let mut rest = history.as_slice();
        for _ in 0..200 {
            let due = contact.state.due().unwrap_or(Instant::NEVER);
            let next = rest.first().map_or(due, |input| due.min(input.at));
            if next == Instant::NEVER {
                break;
            }
            now = Instant(next.0 + lates.next().unwrap()).max(now);
            let (happened, later) = rest.split_at(rest.partition_point(|input| input.at <= now));
            rest = later;
            let left = advance(&linked, &mut contact, happened, now).outgoing;
            // Colleagues are told of what happened when it happened.
            for message in left.into_iter().filter(|left| left.errand == Errand::Message) {
                prop_assert!(message.at <= now && now.0 - message.at.0 <= PUNCTUAL);
                prop_assert!(message.purpose == Purpose::Transactional || !linked.zone().is_within(now, quiet));
            }
        }
    }

    #[test]
    fn inputs_may_come_in_parts(journeys in journeys(), history in history(), parts in 1usize..5) {
        let linked = project(&journeys, caps());
        let now = Instant(history.last().unwrap().at.0 + DAY);
        let mut whole = Contact::new(ContactId(7), "ada", history[0].at);
        let mut apart = whole.clone();
        let knew = |out: &Outcome, contact: &Contact| -> Vec<i64> {
            out.decided(contact.state.applied).map(|(_, knew)| knew).collect()
        };
        let mut at_once = advance(&linked, &mut whole, &history, now);
        at_once.knew = knew(&at_once, &whole);
        let mut told = Outcome::default();
        for part in history.chunks(parts) {
            let out = advance_part(&linked, &mut apart, part, now);
            told.knew.extend(knew(&out, &apart));
            told.outgoing.extend(out.outgoing);
            told.trace.extend(out.trace);
            told.trials.extend(out.trials);
            told.resubscribed.extend(out.resubscribed);
        }
        let out = advance(&linked, &mut apart, &[], now);
        told.knew.extend(knew(&out, &apart));
        told.outgoing.extend(out.outgoing);
        told.trace.extend(out.trace);
        told.trials.extend(out.trials);
        told.due = out.due;
        // A journey that runs away is stopped sooner or later: each advance has its own measure of work.
        let stopped = |entry: &TraceEntry| matches!(&entry.event, TraceEvent::Ended(EndReason::Failed(why)) if why.contains("more than"));
        prop_assume!(!told.trace.iter().chain(&at_once.trace).any(stopped));
        prop_assert_eq!(told, at_once);
        prop_assert_eq!(apart, whole);
    }

    #[test]
    fn a_contact_survives_storage_at_any_time(journeys in journeys(), history in history()) {
        let linked = project(&journeys, caps());
        let told = tell(&linked, &history, || 0, |contact, _, _| {
            let bytes = postcard::to_stdvec(contact).unwrap();
            *contact = postcard::from_bytes(&bytes).unwrap();
        });
        prop_assert_eq!(told, on_time(&linked, &history));
    }

    #[test]
    fn damaged_but_verified_programs_do_no_harm(
        journey in journey(),
        history in history(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6),
    ) {
        let segments = vec![Expr::HasTag(1); SEGMENTS];
        let mut program = assemble("j0", &journey, &segments);
        for (from, to) in damage {
            let (from, to) = (from.index(program.code.len()), to.index(program.code.len()));
            program.code[to] = program.code[from];
        }
        if verify(&program).is_ok() {
            let linked = Linked::new(Bundle { programs: vec![program], ..project(&(Vec::new(), Vec::new()), caps()).bundle().clone() }, []).unwrap();
            let mut contact = Contact::new(ContactId(7), "ada", history[0].at);
            for input in &history {
                let out = advance(&linked, &mut contact, std::slice::from_ref(input), input.at);
                prop_assert!(out.due.is_none_or(|due| due > input.at));
            }
        }
    }
}

#[test]
fn endless_programs_fail() {
    let mut asm = Asm::new("loop", TriggerKind::Tag("t0".into()));
    let step = asm.step("again");
    asm.0.entry = asm.pc();
    let entry = asm.0.entry;
    asm.op(Op::Step(step)).op(Op::Jump(entry));
    let mut chain = Asm::new("chain", TriggerKind::Tag("t1".into()));
    chain.0.reenter = Reenter::Restart;
    chain.0.entry = chain.pc();
    let tag = chain.name("t1");
    chain.op(Op::RemoveTag(tag)).op(Op::AddTag(tag)).op(Op::End);
    let linked = Linked::new(bundle(vec![asm.0, chain.0]), []).unwrap();
    let mut contact = Contact::new(ContactId(7), "ada", at("2026-03-25 09:10"));
    let start = [input(1, "2026-03-25 09:10", upsert(&[], &["t0", "t1"]))];
    let out = advance(&linked, &mut contact, &start, start[0].at);
    let failures: Vec<_> =
        out.trace.iter().filter(|e| matches!(e.event, TraceEvent::Ended(EndReason::Failed(_)))).collect();
    let failed = |why: String| TraceEvent::Ended(EndReason::Failed(why));
    assert_eq!(failures.len(), 2);
    assert_eq!(failures[0].event, failed(format!("it took more than {FUEL} instructions at once")));
    assert_eq!(failures[1].event, failed(format!("more than {MAX_CHAIN} changes followed from one event")));
    assert_eq!(contact.state.runs, []);
}
