//! Hand-assembled programs.

use journey_bytecode::*;

use crate::core::contact::*;
use crate::core::effect::*;
use crate::core::input::*;
use crate::core::{Linked, advance};
use crate::time::Zone;

/// Assembles a program.
struct Asm(Program);

impl Asm {
    fn new(name: &str, trigger: TriggerKind) -> Self {
        let mut asm = Self(Program { name: name.into(), max_stack: 8, ..Program::default() });
        asm.0.triggers.push(Trigger { kind: trigger, filter: None });
        asm
    }

    fn constant(&mut self, value: Value) -> Op {
        self.0.consts.push(value);
        Op::Const(ConstIx(self.0.consts.len() as u16 - 1))
    }

    fn name(&mut self, name: &str) -> NameIx {
        self.0.names.push(name.into());
        NameIx(self.0.names.len() as u16 - 1)
    }

    fn pc(&self) -> Pc {
        Pc(self.0.code.len() as u32)
    }

    fn op(&mut self, op: Op) -> &mut Self {
        self.0.code.push(op);
        self
    }

    fn clause(&mut self, ops: &[Op]) -> Clause {
        let clause = Clause(self.pc().0);
        self.0.code.extend(ops);
        self.op(Op::Return);
        clause
    }

    fn step(&mut self, label: &str) -> StepIx {
        self.0.map.steps.push(StepInfo { label: label.into(), depth: 0, line: 1, column: 1 });
        StepIx(self.0.map.steps.len() as u16 - 1)
    }

    fn send(&mut self, channel: Channel, message: &str) -> Op {
        let step = self.step(&format!("send {channel} {message}"));
        let choices = vec![(channel, message.into())];
        self.0.sends.push(SendDef { choices, handle: None, subject: None, step });
        self.op(Op::Step(step));
        Op::Send(SendIx(self.0.sends.len() as u16 - 1))
    }
}

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

fn bundle(programs: Vec<Program>) -> Bundle {
    let attribute = |name: &str, ty| Attribute { name: name.into(), ty, optional: true, default: None };
    let message = |name: &str| Message {
        name: name.into(),
        channel: Channel::Email,
        purpose: None,
        topic: None,
        variants: Vec::new(),
        variables: vec![
            TemplateVariable(vec!["first_name".into()]),
            TemplateVariable(vec!["trigger".into(), "tag".into()]),
        ],
    };
    Bundle {
        default_zone: "Europe/Berlin".into(),
        schema: Schema {
            attributes: vec![
                attribute("email", Type::Email),
                attribute("first_name", Type::Text),
                attribute("zone", Type::TimeZone),
            ],
            ..Schema::default()
        },
        messages: vec![message("follow_up"), message("welcome")],
        programs,
        ..Bundle::default()
    }
}

fn at(text: &str) -> Instant {
    Zone::parse("Europe/Berlin").unwrap().read(text).unwrap()
}

fn input(seq: i64, when: &str, kind: InputKind) -> Input {
    Input { seq, at: at(when), kind }
}

fn upsert(attributes: &[(&str, &str)], tags: &[&str]) -> InputKind {
    InputKind::Upsert {
        attributes: attributes.iter().map(|(name, value)| ((*name).into(), Value::text(*value))).collect(),
        add_tags: tags.iter().map(|tag| (*tag).into()).collect(),
        remove_tags: Vec::new(),
    }
}

fn opened(number: u32) -> InputKind {
    let message = MessageName::Number(number);
    InputKind::Message { message, status: StatusKind::Opened, link: None, machine: false }
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
        let decided = out.trace.iter().any(|entry| entry.event == TraceEvent::Decided(opens));
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
