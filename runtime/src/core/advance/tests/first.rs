//! The sentence that the language was born from.

use super::*;

/// `on tag x wait 2d if opened send email follow_up`
fn sentence() -> Program {
    let mut asm = Asm::new("sentence", TriggerKind::Tag("x".into()));
    let two_days = asm.constant(Value::Span(Span { days: 2, ..Span::default() }));
    let at = asm.clause(&[Op::WaitStart, two_days, Op::Add]);
    let wait = asm.step("wait 2d");
    asm.0.entry = asm.pc();
    asm.op(Op::Step(wait)).op(Op::Wait(WaitIx(0)));
    let after = asm.pc();
    let deadline = Deadline { at, replans: false, target: after, past: None };
    asm.0.waits.push(WaitDef { deadline: Some(deadline), arms: Vec::new(), conditions: Vec::new(), step: wait });
    let decide = asm.step("if opened");
    asm.op(Op::Step(decide)).op(Op::Status(StatusKind::Opened, MessageRef::SinceEntry)).op(Op::Decide);
    let end = Pc(asm.pc().0 + 3);
    asm.op(Op::JumpUnless(end));
    let send = asm.send(Channel::Email, "follow_up");
    asm.op(send).op(Op::End);
    asm.0
}

#[test]
fn the_sentence() {
    let mut welcome = Asm::new("welcome", TriggerKind::Created);
    let send = welcome.send(Channel::Email, "welcome");
    welcome.op(send).op(Op::End);
    let linked = Linked::new(bundle(vec![sentence(), welcome.0]), []).unwrap();

    for opens in [true, false] {
        let mut contact = Contact::new(ContactId(1), "ada", at("2026-03-27 10:00"));
        let start = [input(1, "2026-03-27 10:00", upsert(&[("email", "a@b.example"), ("first_name", "Ada")], &["x"]))];
        let out = advance(&linked, &mut contact, &start, at("2026-03-27 10:00"));
        assert_eq!(out.outgoing.len(), 1);
        // Two calendar days, one of them with 23 hours.
        assert_eq!(out.due, Some(at("2026-03-29 10:00")));
        if opens {
            let out =
                advance(&linked, &mut contact, &[input(2, "2026-03-28 09:00", opened(0))], at("2026-03-28 09:00"));
            assert_eq!(out.due, Some(at("2026-03-29 10:00")));
        }
        let early = advance(&linked, &mut contact, &[], at("2026-03-29 09:59"));
        assert_eq!(early.trace, []);
        let out = advance(&linked, &mut contact, &[], at("2026-03-29 10:00"));
        assert_eq!(out.due, None);
        let decided = out.trace.iter().any(|entry| {
            let saw = vec![Seen { fact: "opened".into(), value: Value::Bool(opens) }];
            entry.event == TraceEvent::Decided { holds: opens, saw }
        });
        assert!(decided, "{:?}", out.trace);
        assert_eq!(out.outgoing.len(), usize::from(opens));
        if let Some(mail) = out.outgoing.first() {
            assert_eq!(mail.message, "follow_up");
            assert_eq!(mail.to, "a@b.example");
            assert_eq!(mail.id.number, 1);
            assert_eq!(mail.data.field("first_name"), Value::text("Ada"));
            assert_eq!(mail.data.field("trigger").field("tag"), Value::text("x"));
        }
        let sentence = contact.state.ended.iter().find(|ended| ended.journey == "sentence").unwrap();
        assert_eq!(sentence.reason, EndReason::Ended);
        let again = advance(&linked, &mut contact, &start, at("2026-03-29 10:00"));
        assert_eq!(again, Outcome::default());
    }
}

#[test]
fn a_mail_of_another_system_counts_where_names_are_declared_by_their_use() {
    for open in [true, false] {
        let mut bundle = bundle(vec![sentence()]);
        bundle.schema.open = open;
        let linked = Linked::new(bundle, []).unwrap();
        let mut contact = Contact::new(ContactId(1), "ada", at("2026-03-02 10:00"));
        let newsletter = InputKind::Message {
            message: MessageName::Newest("newsletter".into()),
            status: StatusKind::Opened,
            link: None,
            machine: false,
        };
        let inputs = [
            input(1, "2026-03-02 10:00", upsert(&[("email", "a@b.example")], &["x"])),
            input(2, "2026-03-03 10:00", newsletter),
        ];
        advance(&linked, &mut contact, &inputs, at("2026-03-03 10:00"));
        let out = advance(&linked, &mut contact, &[], at("2026-03-04 10:00"));
        assert_eq!(out.outgoing.len(), usize::from(open));
    }
}

#[test]
fn a_waiting_contact_is_small() {
    let linked = Linked::new(bundle(vec![sentence()]), []).unwrap();
    let mut contact = Contact::new(ContactId(1), "ada", at("2026-03-27 10:00"));
    let tagged = [input(1, "2026-03-27 10:00", upsert(&[("email", "a@b.example")], &["x"]))];
    advance(&linked, &mut contact, &tagged, at("2026-03-27 10:00"));
    assert_eq!(contact.state.runs.len(), 1);
    let bytes = postcard::to_stdvec(&contact.state).unwrap().len();
    assert!(bytes <= 100, "{bytes} bytes");
}

#[test]
fn what_is_decided_before_an_unsubscribe_does_not_know_it() {
    let linked = Linked::new(bundle(vec![sentence()]), []).unwrap();
    let mut contact = Contact::new(ContactId(1), "ada", at("2026-03-02 10:00"));
    let sent = [
        input(1, "2026-03-02 10:00", upsert(&[("email", "a@b.example")], &["x"])),
        input(2, "2026-03-02 11:00", InputKind::Event { name: "other".into(), payload: Value::Unset }),
    ];
    advance(&linked, &mut contact, &sent, at("2026-03-02 11:00"));
    let mut opened = contact.state.clone();
    opened.messages.push(SentMessage {
        number: 9,
        run: Some(0),
        journey: "sentence".into(),
        name: "welcome".into(),
        channel: Channel::Email,
        topic: None,
        marketing: true,
        at: at("2026-03-02 10:00"),
        statuses: vec![MessageStatus {
            kind: StatusKind::Opened,
            first: contact.state.clock,
            last: contact.state.clock,
        }],
        clicked: Vec::new(),
    });
    contact.state = opened;
    // The wait is over five minutes before the unsubscribe; both are heard of in one advance.
    let out = [input(3, "2026-03-04 10:05", InputKind::Unsubscribe { topic: None })];
    let out = advance(&linked, &mut contact, &out, at("2026-03-04 10:05"));
    let decided: Vec<_> =
        out.decided(contact.state.applied).map(|(sent, knew)| (sent.message.as_str(), knew)).collect();
    assert_eq!((decided.as_slice(), contact.state.applied), ([("follow_up", 2)].as_slice(), 3));
}
