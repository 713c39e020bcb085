//! Tests of the core: hand-assembled programs, and what holds for every program.

mod decided;
mod first;
mod merged;
mod random;
mod wider;

use journey_bytecode::*;

use crate::core::contact::*;
use crate::core::effect::*;
use crate::core::input::*;
use crate::core::{Linked, advance};
use crate::time::Zone;

/// Assembles a program.
struct Asm(Program, Vec<random::Expr>);

impl Asm {
    fn new(name: &str, trigger: TriggerKind) -> Self {
        let mut asm = Self(Program { name: name.into(), max_stack: 8, ..Program::default() }, Vec::new());
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

    fn shape(&mut self, fields: &[&str]) -> ShapeIx {
        self.0.shapes.push(fields.iter().map(|field| (*field).into()).collect());
        ShapeIx(self.0.shapes.len() as u16 - 1)
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
        self.0.map.steps.push(StepInfo { label: label.into(), name: None, depth: 0, line: 1, column: 1 });
        StepIx(self.0.map.steps.len() as u16 - 1)
    }

    fn send(&mut self, channel: Channel, message: &str) -> Op {
        let step = self.step(&format!("send {channel} {message}"));
        let choices = vec![(channel, message.into())];
        self.0.sends.push(SendDef { choices, handle: None, subject: None, from: None, to: None, step });
        self.op(Op::Step(step));
        Op::Send(SendIx(self.0.sends.len() as u16 - 1))
    }
}

fn bundle(programs: Vec<Program>) -> Bundle {
    let attribute = |name: &str, ty| Attribute { name: name.into(), ty, optional: true, default: None };
    let message = |name: &str| Message {
        name: name.into(),
        channel: Channel::Email,
        purpose: None,
        topic: None,
        after_crash: None,
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
