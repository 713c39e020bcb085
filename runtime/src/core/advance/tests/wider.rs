//! Constructs that the table of decided cases does not name: splits, digests, segments, moments, histories, stages.

use smol_str::SmolStr;

use super::*;
use crate::core::PUNCTUAL;

const START: &str = "2026-03-02 10:00";

/// A journey of these steps.
fn journey(name: &str, trigger: TriggerKind, steps: impl FnOnce(&mut Asm)) -> Program {
    let mut asm = Asm::new(name, trigger);
    asm.0.reenter = Reenter::Always;
    asm.0.entry = asm.pc();
    steps(&mut asm);
    asm.op(Op::End);
    asm.0
}

/// A clause placed behind the steps.
fn clause(program: &mut Program, ops: impl FnOnce(&mut Asm) -> Vec<Op>) -> Clause {
    let mut asm = Asm(std::mem::take(program), Vec::new());
    let ops = ops(&mut asm);
    let clause = asm.clause(&ops);
    *program = asm.0;
    clause
}

fn tag(asm: &mut Asm, tag: &str) {
    let tag = asm.name(tag);
    asm.op(Op::AddTag(tag));
}

fn wait_days(asm: &mut Asm, days: i32) {
    let span = asm.constant(Value::Span(Span { days, ..Span::default() }));
    let over = asm.jump_over();
    let at = asm.clause(&[Op::WaitStart, span, Op::Add]);
    asm.land_here(over);
    let step = asm.step("wait");
    asm.op(Op::Wait(WaitIx(asm.0.waits.len() as u16)));
    let deadline = Some(Deadline { at, replans: false, target: asm.pc(), past: None });
    asm.0.waits.push(WaitDef { deadline, arms: Vec::new(), conditions: Vec::new(), step });
}

impl Asm {
    fn jump_over(&mut self) -> usize {
        self.op(Op::End);
        self.0.code.len() - 1
    }

    fn land_here(&mut self, place: usize) {
        self.0.code[place] = Op::Jump(self.pc());
    }
}

/// A contact, its project, and everything that was told of it.
struct World {
    linked: Linked,
    contact: Contact,
    seq: i64,
    trace: Vec<(String, String, TraceEvent)>,
}

impl World {
    fn new(bundle: Bundle) -> Self {
        let linked = Linked::new(bundle, []).unwrap();
        let contact = Contact::new(ContactId(1), "ada", at(START));
        let mut world = Self { linked, contact, seq: 0, trace: Vec::new() };
        world.happens(START, upsert(&[("email", "a@b.example")], &[]));
        world.trace.clear();
        world
    }

    fn of(programs: Vec<Program>) -> Self {
        Self::new(bundle(programs))
    }

    fn until(&mut self, when: &str) {
        while let Some(due) = self.contact.state.due().filter(|due| *due < at(when)) {
            self.advance(&[], due);
        }
    }

    fn happens(&mut self, when: &str, kind: InputKind) {
        self.until(when);
        self.seq += 1;
        self.advance(&[Input { seq: self.seq, at: at(when), kind }], at(when));
    }

    fn event(&mut self, when: &str, name: &str, amount: i64) {
        let payload = Value::Record([("amount".into(), Value::int(amount))].into_iter().collect());
        self.happens(when, InputKind::Event { name: name.into(), payload });
    }

    fn advance(&mut self, inputs: &[Input], now: Instant) {
        let out = advance(&self.linked, &mut self.contact, inputs, now);
        let zone = self.linked.zone();
        let told = out.trace.into_iter().map(|entry| (zone.show(entry.at), entry.journey.to_string(), entry.event));
        self.trace.extend(told);
    }

    /// When which journey's runs began.
    fn entered(&self) -> Vec<(&str, &str)> {
        let entered = self.trace.iter().filter(|(_, _, event)| matches!(event, TraceEvent::Entered { .. }));
        entered.map(|(when, journey, _)| (when.as_str(), journey.as_str())).collect()
    }

    /// When which journey's runs ended, and why.
    fn ended(&self) -> Vec<(&str, &str, EndReason)> {
        let ended = self.trace.iter().filter_map(|(when, journey, event)| match event {
            TraceEvent::Ended(reason) => Some((when.as_str(), journey.as_str(), reason.clone())),
            _ => None,
        });
        ended.collect()
    }

    fn saw(&self, wanted: &TraceEvent) -> bool {
        self.trace.iter().any(|(_, _, event)| event == wanted)
    }
}

#[test]
fn a_subscription_counts_at_the_addresses_of_its_channel() {
    let mut world = World::of(vec![]);
    let kind = |channel| InputKind::Subscribe { topic: "offers".into(), channel, evidence: Evidence::default() };
    let mut told = |seq, channel| {
        let input = [Input { seq, at: at("2026-03-02 11:00"), kind: kind(channel) }];
        advance(&world.linked, &mut world.contact, &input, at("2026-03-02 12:00")).resubscribed
    };
    let (channel, address, topic) = (Channel::Email, "a@b.example".into(), "offers".into());
    let again = Resubscribed { channel, address, topic, at: at("2026-03-02 11:00") };
    assert_eq!(told(2, None), std::slice::from_ref(&again), "it has no other address");
    assert_eq!(told(3, Some(Channel::Email)), [again]);
    assert_eq!(told(4, Some(Channel::Sms)), []);
}

#[test]
fn a_split_is_stable_and_even() {
    let program = |name: &str| {
        journey(name, TriggerKind::Tag("x".into()), |asm| {
            asm.op(Op::Split(SplitIx(0)));
            let a = asm.pc();
            asm.op(Op::End);
            let sides = vec![(300_000, "a".into(), a), (700_000, "b".into(), a)];
            asm.0.splits.push(Split { name: "subject".into(), sides, measure: None });
        })
    };
    let linked = Linked::new(bundle(vec![program("one"), program("two")]), []).unwrap();
    let mut on_a = 0;
    for number in 0..2000 {
        let mut contact = Contact::new(ContactId(number), SmolStr::from(format!("c{number}")), at(START));
        let out = advance(&linked, &mut contact, &[input(1, START, upsert(&[], &["x"]))], at(START));
        let sides: Vec<_> = out
            .trace
            .iter()
            .filter_map(|entry| match &entry.event {
                TraceEvent::Took { side, .. } => Some(side.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(sides.len(), 2);
        assert_eq!(sides[0], sides[1]);
        on_a += i32::from(sides[0] == "a");
    }
    assert!((540..660).contains(&on_a), "{on_a} of 2000");
}

#[test]
fn a_holdout_never_enters() {
    let mut program = journey("j", TriggerKind::Tag("x".into()), |_| {});
    program.holdout = 100_000;
    let linked = Linked::new(bundle(vec![program]), []).unwrap();
    let mut held = 0;
    for number in 0..2000 {
        let mut contact = Contact::new(ContactId(number), SmolStr::from(format!("c{number}")), at(START));
        let out = advance(&linked, &mut contact, &[input(1, START, upsert(&[], &["x"]))], at(START));
        let reason = TraceEvent::NotEntered { reason: NotEntered::Holdout };
        held += i32::from(out.trace.iter().any(|entry| entry.event == reason));
    }
    assert!((150..250).contains(&held), "{held} of 2000");
}

#[test]
fn a_digest_gathers_and_begins_once() {
    let digest = |most| {
        let mut program = journey("digest", TriggerKind::Event("comment".into()), |asm| wait_days(asm, 30));
        program.slots = vec!["comments".into()];
        let until = clause(&mut program, |asm| {
            let quarter = asm.constant(Value::Span(Span { millis: 15 * 60_000, ..Span::default() }));
            vec![Op::WaitStart, quarter, Op::Add]
        });
        program.collect = Some(Collect { until, most, slot: SlotIx(0) });
        program
    };
    for (most, begins) in [(None, "2026-03-02 11:15:00"), (Some(2), "2026-03-02 11:05:00")] {
        let mut world = World::of(vec![digest(most)]);
        world.event("2026-03-02 11:00", "comment", 1);
        world.event("2026-03-02 11:05", "comment", 2);
        world.until("2026-03-03 10:00");
        assert_eq!(world.entered(), [("2026-03-02 11:00:00", "digest")]);
        let woke = world.trace.iter().find(|(_, _, event)| matches!(event, TraceEvent::Woke { .. })).unwrap();
        assert_eq!(woke.0, begins);
        let Value::List(comments) = &world.contact.state.runs[0].slots[0] else { panic!("no list") };
        let amounts: Vec<_> = comments.iter().map(|comment| comment.field("amount")).collect();
        assert_eq!(amounts, [Value::int(1), Value::int(2)]);
    }
}

/// All of the past.
fn past(event: &str, aggregate: Aggregate) -> History {
    let event = event.into();
    History { event, filter: None, within: None, since_entry: false, since: None, until: None, aggregate }
}

/// `did purchase within 3d`
fn bought_lately(program: &mut Program) -> Clause {
    let within = Some(Span { days: 3, ..Span::default() });
    let aggregate = Aggregate::Count;
    program.histories = vec![History { within, ..past("purchase", aggregate) }];
    clause(program, |asm| {
        let zero = asm.constant(Value::int(0));
        vec![zero, Op::History(HistoryIx(0)), Op::Less]
    })
}

#[test]
fn segments_are_entered_and_left_by_events_and_by_time() {
    let mut enters = journey("enters", TriggerKind::Created, |_| {});
    let lately = bought_lately(&mut enters);
    enters.triggers[0].kind = TriggerKind::Enters("buyers".into(), lately);
    let mut leaves = journey("leaves", TriggerKind::Created, |_| {});
    let lately = bought_lately(&mut leaves);
    leaves.triggers[0].kind = TriggerKind::Leaves("buyers".into(), lately);
    let mut world = World::of(vec![enters, leaves]);
    world.event("2026-03-03 12:00", "purchase", 1);
    world.event("2026-03-04 12:00", "purchase", 1);
    world.until("2026-04-01 10:00");
    world.event("2026-04-01 10:00", "purchase", 1);
    assert_eq!(
        world.entered(),
        [("2026-03-03 12:00:00", "enters"), ("2026-03-07 12:00:00", "leaves"), ("2026-04-01 10:00:00", "enters")]
    );
    // What nobody can ask for any more is forgotten.
    assert_eq!(world.contact.state.history.len(), 1);
}

#[test]
fn a_segment_that_is_new_to_a_contact_is_not_entered_by_being_deployed() {
    let mut enters = journey("enters", TriggerKind::Created, |_| {});
    let tagged = clause(&mut enters, |asm| vec![Op::HasTag(asm.name("vip"))]);
    enters.triggers[0].kind = TriggerKind::Enters("vips".into(), tagged);
    let before = Linked::new(bundle(vec![sentence_without_trigger()]), []).unwrap();
    let after = Linked::new(bundle(vec![enters]), []).unwrap();
    assert!(after.needs_every_contact() && !before.needs_every_contact());
    for (tags, then, enters) in [(vec!["vip"], "other", 0), (vec![], "vip", 1)] {
        let mut contact = Contact::new(ContactId(1), "ada", at(START));
        advance(&before, &mut contact, &[input(1, START, upsert(&[], &tags))], at(START));
        let later = "2026-03-05 10:00";
        let out = advance(&after, &mut contact, &[input(2, later, upsert(&[], &[then]))], at(later));
        assert_eq!(out.trace.iter().filter(|e| matches!(e.event, TraceEvent::Entered { .. })).count(), enters);
    }
}

fn sentence_without_trigger() -> Program {
    journey("nothing", TriggerKind::Call, |_| {})
}

/// `on every monday at 09:00`
fn mondays() -> Program {
    let mut program = journey("mondays", TriggerKind::Created, |_| {});
    let at = clause(&mut program, |asm| {
        let nine = asm.constant(Value::Time(Time(9 * 3600)));
        vec![Op::WaitStart, nine, Op::NextAt(WeekdaySet::only(Weekday::Monday))]
    });
    program.triggers[0].kind = TriggerKind::Moment(at);
    program
}

#[test]
fn moments_of_the_calendar() {
    // 2026-03-02 is a Monday; the contact comes at 10:00.
    let mut world = World::of(vec![mondays()]);
    world.until("2026-03-24 10:00");
    assert_eq!(
        world.entered(),
        [("2026-03-09 09:00:00", "mondays"), ("2026-03-16 09:00:00", "mondays"), ("2026-03-23 09:00:00", "mondays")]
    );
    // After five weeks of sleep only the last missed Monday counts.
    world.trace.clear();
    let late = Instant(at("2026-04-27 09:00").0 + PUNCTUAL);
    world.advance(&[], late);
    assert_eq!(world.entered(), [("2026-04-27 09:00:00", "mondays")]);
    assert_eq!(world.contact.state.due(), Some(at("2026-05-04 09:00")));
}

#[test]
fn a_date_of_the_contact_is_a_moment() {
    // `on 14d before renewal at 09:00`
    let mut program = journey("renewal", TriggerKind::Created, |_| {});
    let at_nine = clause(&mut program, |asm| {
        let fortnight = asm.constant(Value::Span(Span { days: 14, ..Span::default() }));
        let nine = asm.constant(Value::Time(Time(9 * 3600)));
        let renewal = asm.name("renewal");
        let every_day = Op::NextAt(WeekdaySet::ALL);
        vec![Op::Attribute(renewal), fortnight, Op::Subtract, Op::ToInstant, nine, every_day]
    });
    program.triggers[0].kind = TriggerKind::Moment(at_nine);
    let mut world = World::of(vec![program]);
    let renews = |on: i32| InputKind::Upsert {
        attributes: vec![("renewal".into(), Value::Date(Date(on)))],
        add_tags: Vec::new(),
        remove_tags: Vec::new(),
    };
    let day = |text: &str| crate::time::read_date(text).unwrap().0;
    world.happens("2026-03-03 10:00", renews(day("2026-05-01")));
    world.happens("2026-03-04 10:00", renews(day("2026-05-03")));
    world.until("2026-05-01 10:00");
    // A date whose moment is past already is not made up for.
    world.happens("2026-05-01 10:00", renews(day("2026-05-05")));
    world.happens("2026-05-02 10:00", renews(day("2027-05-03")));
    world.until("2028-01-01 10:00");
    assert_eq!(world.entered(), [("2026-04-19 09:00:00", "renewal"), ("2027-04-19 09:00:00", "renewal")]);
}

#[test]
fn a_condition_that_time_alone_fulfils() {
    // `exit when last purchase is more than 3d ago`
    let mut program = journey("j", TriggerKind::Event("purchase".into()), |asm| wait_days(asm, 30));
    let lately = bought_lately(&mut program);
    let not = clause(&mut program, |asm| {
        let ops = asm.0.code[lately.0 as usize..].to_vec();
        ops.into_iter().take_while(|op| !matches!(op, Op::Return)).chain([Op::Not]).collect()
    });
    program.exits = vec![Exit { kind: ExitKind::Condition(not), then: None }];
    let mut world = World::of(vec![program]);
    world.event("2026-03-03 12:00", "purchase", 1);
    world.event("2026-03-05 12:00", "purchase", 1);
    world.until("2026-04-10 10:00");
    assert_eq!(world.ended(), [("2026-03-08 12:00:00", "j", EndReason::ExitCondition)]);
}

#[test]
fn histories_add_up() {
    let over_ten = |asm: &mut Asm| {
        let ten = asm.constant(Value::int(10));
        vec![ten, Op::Field(asm.name("amount")), Op::Less]
    };
    for (aggregate, filtered, expected) in [
        (Aggregate::Count, false, Value::int(3)),
        (Aggregate::Count, true, Value::int(2)),
        (Aggregate::Sum("amount".into()), false, Value::int(60)),
        (Aggregate::Sum("amount".into()), true, Value::int(50)),
        (Aggregate::Average("amount".into()), false, Value::int(20)),
        (Aggregate::Min("amount".into()), false, Value::int(10)),
        (Aggregate::Max("amount".into()), false, Value::int(30)),
        (Aggregate::First("amount".into()), false, Value::int(20)),
        (Aggregate::Last("amount".into()), false, Value::int(30)),
        (Aggregate::FirstAt, true, Value::Instant(at("2026-03-03 10:00"))),
        (Aggregate::LastAt, false, Value::Instant(at("2026-03-05 10:00"))),
        (Aggregate::Sum("page".into()), false, Value::Unset),
    ] {
        let mut program = journey("j", TriggerKind::Tag("x".into()), |asm| {
            let result = asm.name("result");
            asm.op(Op::History(HistoryIx(0))).op(Op::SetAttribute(result));
        });
        let filter = filtered.then(|| clause(&mut program, over_ten));
        program.histories = vec![History { filter, ..past("purchase", aggregate.clone()) }];
        let mut world = World::of(vec![program]);
        world.event("2026-03-03 10:00", "purchase", 20);
        world.event("2026-03-04 10:00", "purchase", 10);
        world.event("2026-03-05 10:00", "purchase", 30);
        world.happens("2026-03-06 10:00", upsert(&[], &["x"]));
        let result = world.contact.attributes.get("result").cloned().unwrap_or_default();
        assert_eq!(result, expected, "{aggregate:?} filtered: {filtered}");
    }
}

#[test]
fn stages_records_and_other_journeys() {
    let mover = journey("mover", TriggerKind::Tag("x".into()), |asm| {
        let (sales, won, purchase) = (asm.name("sales"), asm.name("won"), asm.name("purchase"));
        let amount = asm.constant(Value::int(7));
        asm.0.shapes = vec![vec!["amount".into()]];
        asm.op(Op::MoveTo(sales, won)).op(Op::MoveTo(sales, won));
        asm.op(amount).op(Op::MakeRecord(ShapeIx(0), 1)).op(Op::Record(purchase));
        let started = asm.name("started");
        let nothing = asm.shape(&[]);
        asm.op(Op::MakeRecord(nothing, 0)).op(Op::StartJourney(started));
    });
    let stage = TriggerKind::Reaches { funnel: "sales".into(), stage: "won".into() };
    let reached = journey("reached", stage, |asm| {
        let (sales, stage) = (asm.name("sales"), asm.name("stage"));
        asm.op(Op::Stage(sales)).op(Op::SetAttribute(stage));
    });
    let bought = journey("bought", TriggerKind::Event("purchase".into()), |asm| {
        let (amount, paid) = (asm.name("amount"), asm.name("paid"));
        asm.op(Op::Trigger(amount)).op(Op::SetAttribute(paid));
    });
    let started = journey("started", TriggerKind::Call, |asm| wait_days(asm, 30));
    let stopper = journey("stopper", TriggerKind::Untag("x".into()), |asm| {
        let (started, is_in) = (asm.name("started"), asm.name("is_in"));
        asm.op(Op::InJourney(started)).op(Op::SetAttribute(is_in)).op(Op::StopJourney(started));
        let was_in = asm.name("was_in");
        let day = asm.constant(Value::Span(Span { days: 1, ..Span::default() }));
        asm.op(day).op(Op::WasInJourney(started)).op(Op::SetAttribute(was_in));
    });
    let mut world = World::of(vec![mover, reached, bought, started, stopper]);
    world.happens("2026-03-03 10:00", upsert(&[], &["x"]));
    let now = "2026-03-03 10:00:00";
    assert_eq!(world.entered(), [(now, "mover"), (now, "reached"), (now, "bought"), (now, "started")]);
    world.happens(
        "2026-03-04 10:00",
        InputKind::Upsert { attributes: Vec::new(), add_tags: Vec::new(), remove_tags: vec!["x".into()] },
    );
    let known = |name: &str| world.contact.attributes.get(name).cloned().unwrap_or_default();
    assert_eq!(known("stage"), Value::text("won"));
    assert_eq!(known("paid"), Value::int(7));
    assert_eq!((known("is_in"), known("was_in")), (Value::Bool(true), Value::Bool(true)));
    assert!(world.ended().contains(&("2026-03-04 10:00:00", "started", EndReason::Stopped)));
}

#[test]
fn consent_is_given_and_taken_by_steps() {
    // A step that withdraws the run's own topic does not cut off the steps behind it.
    let mut program = journey("winback", TriggerKind::Tag("x".into()), |asm| {
        let offers = asm.name("offers");
        asm.op(Op::Unsubscribe(offers, None));
        tag(asm, "inactive");
        wait_days(asm, 30);
    });
    program.topic = Some("offers".into());
    let asks = journey("asks", TriggerKind::Tag("y".into()), |asm| {
        let (offers, consents) = (asm.name("offers"), asm.name("consents"));
        let nothing = asm.shape(&[]);
        asm.op(Op::MakeRecord(nothing, 0)).op(Op::Subscribe(offers, Some(Channel::Email)));
        asm.op(Op::Consents(offers, Some(Channel::Email))).op(Op::SetAttribute(consents));
    });
    let mut world = World::of(vec![program, asks]);
    world.happens("2026-03-03 10:00", upsert(&[], &["x"]));
    assert!(world.contact.tags.contains("inactive"));
    assert_eq!(world.ended(), [("2026-03-03 10:00:00", "winback", EndReason::Unsubscribed)]);
    let offers = SmolStr::from("offers");
    let now = world.contact.state.clock;
    assert!(world.contact.state.unsubscribed_from(Some(&offers), now));
    world.happens("2026-03-04 10:00", InputKind::Unsubscribe { topic: None });
    world.happens("2026-03-05 10:00", upsert(&[], &["y"]));
    assert_eq!(world.contact.attributes.get("consents"), Some(&Value::Bool(true)));
    // Who unsubscribed from everything and then asks for one topic gets that one.
    let now = world.contact.state.clock;
    let state = &world.contact.state;
    assert!(!state.unsubscribed_from(Some(&offers), now) && state.unsubscribed_from(None, now));
}

#[test]
fn nothing_is_sent_to_a_suppressed_contact() {
    let program = journey("j", TriggerKind::Tag("x".into()), |asm| {
        let reason = asm.constant(Value::text("complained"));
        asm.op(reason).op(Op::Suppress);
        let send = asm.send(Channel::Email, "welcome");
        asm.op(send);
    });
    let mut bundle = bundle(vec![program]);
    for message in &mut bundle.messages {
        message.purpose = Some(Purpose::Transactional);
    }
    let mut world = World::new(bundle);
    world.happens("2026-03-03 10:00", upsert(&[], &["x"]));
    let (message, channel, name) = (0, Channel::Email, SmolStr::from("welcome"));
    assert!(world.saw(&TraceEvent::Skipped { message, channel, name, reason: Refusal::Suppressed }));
}

#[test]
fn the_more_important_journey_sends_first() {
    let sender = |name: &str, priority| {
        let mut program = journey(name, TriggerKind::Tag("x".into()), |asm| {
            wait_days(asm, 1);
            let send = asm.send(Channel::Email, "welcome");
            asm.op(send);
        });
        program.priority = priority;
        program
    };
    let mut bundle = bundle(vec![sender("low", -1), sender("middle", 0), sender("top", 1)]);
    bundle.policy.caps = vec![Cap { channel: None, most: 1, per: Span { days: 7, ..Span::default() } }];
    let mut world = World::new(bundle);
    world.happens("2026-03-03 10:00", upsert(&[], &["x"]));
    world.until("2026-03-10 10:00");
    let order: Vec<_> = world.entered().into_iter().map(|(_, journey)| journey).collect();
    assert_eq!(order, ["top", "middle", "low"]);
    let sent: Vec<_> = world.trace.iter().filter(|(_, _, e)| matches!(e, TraceEvent::Sent { .. })).collect();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].1, "top");
}

/// A journey that sends `welcome` for each `x`.
fn greets() -> Bundle {
    bundle(vec![journey("j", TriggerKind::Event("x".into()), |asm| {
        asm.0.topic = Some("offers".into());
        let send = asm.send(Channel::Email, "welcome");
        asm.op(send);
    })])
}

impl World {
    /// What became of the sends so far: sent, or why not.
    fn sends(&self) -> Vec<Option<Refusal>> {
        let sends = self.trace.iter().filter_map(|(_, _, event)| match event {
            TraceEvent::Sent { .. } => Some(None),
            TraceEvent::Skipped { reason, .. } => Some(Some(reason.clone())),
            _ => None,
        });
        sends.collect()
    }
}

#[test]
fn where_consent_is_asked_for_nothing_is_sent_without_or_after_it() {
    let mut bundle = greets();
    bundle.policy.opt_in = vec![Channel::Email];
    let mut world = World::new(bundle);
    let subscribe = |channel, until: Option<&str>| {
        let evidence = Evidence {
            basis: "express".into(),
            wording: "Yes".into(),
            source: "checkout".into(),
            until: until.map(at),
        };
        InputKind::Subscribe { topic: "offers".into(), channel, evidence }
    };
    world.event("2026-03-03 10:00", "x", 1);
    world.happens("2026-03-03 11:00", subscribe(Some(Channel::Sms), None));
    world.event("2026-03-03 12:00", "x", 2);
    world.happens("2026-03-04 10:00", subscribe(Some(Channel::Email), Some("2026-03-06 10:00")));
    world.event("2026-03-06 09:59", "x", 3);
    world.event("2026-03-06 10:00", "x", 4);
    world.happens("2026-03-07 10:00", subscribe(None, None));
    world.event("2026-03-07 11:00", "x", 5);
    world.happens("2026-03-07 12:00", InputKind::Unsubscribe { topic: Some("offers".into()) });
    world.event("2026-03-07 13:00", "x", 6);
    let none = Some(Refusal::NoConsent);
    // Who unsubscribed does not even enter.
    assert_eq!(world.sends(), [none.clone(), none.clone(), None, none, None]);
    let ledger: Vec<_> = (world.contact.state.ledger.iter())
        .map(|entry| (entry.act.name(), entry.channel.map_or("all", Channel::name), entry.evidence.source.as_str()))
        .collect();
    assert_eq!(
        ledger,
        [
            ("given", "sms", "checkout"),
            ("given", "email", "checkout"),
            ("expired", "email", ""),
            ("given", "all", "checkout"),
            ("withdrawn", "all", ""),
        ]
    );
}

#[test]
fn marketing_waits_for_the_end_of_holidays() {
    let day = |text: &str| crate::time::read_date(text).unwrap();
    let holiday = |text: &str, country: Option<&str>| Holiday { day: day(text), country: country.map(Into::into) };
    let days = [("2026-12-24", Some("DE")), ("2026-12-25", None), ("2026-12-26", None), ("2026-12-28", Some("GB"))];
    let deferrals = |country: Option<&str>, purpose| {
        let mut bundle = greets();
        let ty = Type::Country;
        bundle.schema.attributes.push(Attribute { name: "country".into(), ty, optional: true, default: None });
        bundle.policy.holidays = days.map(|(text, country)| holiday(text, country)).to_vec();
        bundle.messages.iter_mut().for_each(|message| message.purpose = Some(purpose));
        let mut world = World::new(bundle);
        if let Some(country) = country {
            world.happens("2026-12-23 09:00", upsert(&[("country", country)], &[]));
        }
        world.event("2026-12-23 23:59", "x", 1);
        world.event("2026-12-24 10:00", "x", 2);
        world.event("2026-12-25 10:00", "x", 3);
        let held = world.trace.iter().filter_map(|(when, _, event)| match event {
            TraceEvent::Deferred { until, reason } => {
                assert_eq!(*reason, Deferral::Holiday);
                Some(format!("{when} until {}", world.linked.zone().show(*until)))
            }
            _ => None,
        });
        held.collect::<Vec<_>>()
    };
    // Midnight is the contact's.
    let (eve, day) = ("2026-12-24 10:00:00 until 2026-12-27 00:00:00", "2026-12-25 10:00:00 until 2026-12-27 00:00:00");
    assert_eq!(deferrals(None, Purpose::Marketing), [day]);
    assert_eq!(deferrals(Some("DE"), Purpose::Marketing), [eve]);
    assert_eq!(deferrals(Some("GB"), Purpose::Marketing), [day]);
    assert_eq!(deferrals(Some("DE"), Purpose::Transactional), [""; 0]);
}

#[test]
fn an_address_that_takes_no_mail_is_left_alone() {
    let mut world = World::new(greets());
    world.event("2026-03-03 10:00", "x", 1);
    world.happens("2026-03-03 10:01", InputKind::Undeliverable { message: MessageName::Number(0) });
    world.event("2026-03-04 10:00", "x", 2);
    world.happens("2026-03-05 10:00", upsert(&[("email", "new@b.example")], &[]));
    world.event("2026-03-05 11:00", "x", 3);
    assert_eq!(world.sends(), [None, Some(Refusal::Suppressed), None]);
}

#[test]
fn three_in_a_row_that_come_back_are_enough() {
    let bounced = |number| InputKind::Message {
        message: MessageName::Number(number),
        status: StatusKind::Bounced,
        link: None,
        machine: false,
    };
    let mut world = World::new(greets());
    for number in 0..6 {
        world.event(&format!("2026-03-{:02} 10:00", number + 3), "x", i64::from(number));
        // A sign of life in between.
        world.happens(
            &format!("2026-03-{:02} 11:00", number + 3),
            if number == 2 { opened(number) } else { bounced(number) },
        );
    }
    world.event("2026-03-20 10:00", "x", 9);
    assert_eq!(world.sends(), [None, None, None, None, None, None, Some(Refusal::Suppressed)]);
}
