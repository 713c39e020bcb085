//! A small project for tests: mail `story` to whoever is tagged `lead`, three days later mail `price` to those who
//! opened it and the text message `nudge` to the others; a purchase ends it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use journey_bytecode::*;

use crate::core::Linked;
use crate::core::effect::MessageId;
use crate::engine::Outlet;
use crate::render::{Rendered, Renderer};
use crate::send::{Settle, Transport, Verdict};
use crate::track::{BoxFuture, Keys, Links};

fn message(name: &str, channel: Channel, purpose: Purpose, body: &str) -> Message {
    let variant = Variant {
        language: None,
        subject: (channel == Channel::Email).then(|| format!("The {name}")),
        preheader: None,
        format: Format::Text,
        body: body.into(),
        source: format!("messages/{name}.txt").into(),
        layout: None,
        body_line: 1,
    };
    let variables = vec![TemplateVariable(vec!["first_name".into()])];
    Message {
        name: name.into(),
        channel,
        purpose: Some(purpose),
        topic: None,
        after_crash: None,
        variants: vec![variant],
        variables,
    }
}

/// The journey.
pub(crate) fn program() -> Program {
    let step =
        |line: u32, depth: u16, label: &str| StepInfo { label: label.into(), name: None, depth, line, column: 3 };
    let send = |channel, message: &str, handle, step| SendDef {
        choices: vec![(channel, message.into())],
        handle,
        subject: None,
        from: None,
        to: None,
        step: StepIx(step),
    };
    let purchase = EventPattern { event: "purchase".into(), message: MessageRef::None, link: None, filter: None };
    Program {
        name: "nurture".into(),
        triggers: vec![Trigger { kind: TriggerKind::Tag("lead".into()), filter: None }],
        exits: vec![Exit { kind: ExitKind::Event(purchase), then: None }],
        code: vec![
            Op::Step(StepIx(0)),
            Op::Send(SendIx(0)),
            Op::Step(StepIx(1)),
            Op::Wait(WaitIx(0)),
            Op::Step(StepIx(2)),
            Op::Status(StatusKind::Opened, MessageRef::Handle(HandleIx(0))),
            Op::Decide,
            Op::JumpUnless(Pc(11)),
            Op::Step(StepIx(3)),
            Op::Send(SendIx(1)),
            Op::Jump(Pc(13)),
            Op::Step(StepIx(4)),
            Op::Send(SendIx(2)),
            Op::Step(StepIx(5)),
            Op::End,
            Op::WaitStart,
            Op::Const(ConstIx(0)),
            Op::Add,
            Op::Return,
        ],
        consts: vec![Value::Span(Span { days: 3, ..Span::default() })],
        sends: vec![
            send(Channel::Email, "story", Some(HandleIx(0)), 0),
            send(Channel::Email, "price", None, 3),
            send(Channel::Sms, "nudge", None, 4),
        ],
        waits: vec![WaitDef {
            deadline: Some(Deadline { at: Clause(15), replans: false, target: Pc(4), past: None }),
            arms: vec![],
            conditions: vec![],
            step: StepIx(1),
        }],
        handles: vec![Handle { name: "story".into() }],
        max_stack: 4,
        map: SourceMap {
            source: "nurture.journey".into(),
            doc: String::new(),
            migrations: Vec::new(),
            steps: vec![
                step(4, 0, "send email story"),
                step(5, 0, "wait 3d"),
                step(6, 0, "if opened story"),
                step(7, 1, "send email price"),
                step(9, 1, "send sms nudge"),
                step(11, 0, "end"),
            ],
        },
        ..Program::default()
    }
}

/// The project.
pub(crate) fn bundle() -> Bundle {
    let attribute = |name: &str, ty, optional| Attribute { name: name.into(), ty, optional, default: None };
    let amount = Field { name: "amount".into(), ty: Type::Money, optional: false };
    Bundle {
        project: "test".into(),
        default_zone: "Europe/Berlin".into(),
        schema: Schema {
            attributes: vec![
                attribute("email", Type::Email, false),
                attribute("first_name", Type::Text, true),
                attribute("phone", Type::Phone, true),
                attribute("zone", Type::TimeZone, true),
            ],
            tags: vec!["lead".into(), "vip".into()],
            events: vec![Event { name: "purchase".into(), fields: vec![amount] }],
            ..Schema::default()
        },
        messages: vec![
            message("nudge", Channel::Sms, Purpose::Marketing, "Hi {{ first_name | default('there') }}"),
            message("price", Channel::Email, Purpose::Marketing, "The price"),
            message("story", Channel::Email, Purpose::Marketing, "Hello {{ first_name | default('there') }}"),
        ],
        programs: vec![program()],
        // What a crash left open goes again, so that tests can count.
        after_crash: CrashRules { marketing: AfterCrash::Resend, ..CrashRules::default() },
        ..Bundle::default()
    }
}

/// The project, prepared.
pub(crate) fn linked() -> Arc<Linked> {
    Arc::new(Linked::new(bundle(), []).unwrap())
}

type Answer = dyn Fn(&Rendered, u32) -> Verdict + Send + Sync;

/// A transport that remembers what it was given, and answers as it is told: by message and by how often it came.
pub(crate) struct Recorder {
    /// Every message that came, in order.
    pub(crate) seen: Mutex<Vec<Rendered>>,
    answer: Box<Answer>,
    pause: Duration,
}

impl Recorder {
    /// Takes everything.
    pub(crate) fn new() -> Arc<Self> {
        Self::answering(|_, _| Verdict::Delivered { response: "250 ok".into() })
    }

    /// Answers so.
    pub(crate) fn answering(answer: impl Fn(&Rendered, u32) -> Verdict + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { seen: Mutex::default(), answer: Box::new(answer), pause: Duration::ZERO })
    }

    /// Takes everything, slowly.
    pub(crate) fn slow(pause: Duration) -> Arc<Self> {
        let answer = |_: &Rendered, _| Verdict::Delivered { response: "250 ok".into() };
        Arc::new(Self { seen: Mutex::default(), answer: Box::new(answer), pause })
    }

    /// What came: contact, message.
    pub(crate) fn log(&self) -> Vec<(i64, String)> {
        self.seen.lock().unwrap().iter().map(|seen| (seen.id.contact.0, seen.message.to_string())).collect()
    }

    /// The ids that came.
    pub(crate) fn ids(&self) -> Vec<MessageId> {
        self.seen.lock().unwrap().iter().map(|seen| seen.id).collect()
    }

    /// An outlet over it.
    pub(crate) fn outlet(self: &Arc<Self>) -> Outlet {
        let links = Links::untracked(Keys::new(["0123456789abcdef"]).unwrap());
        let renderer = Renderer::new(&bundle(), links).unwrap();
        let transport = |channel| (channel, Arc::clone(self) as Arc<dyn Transport>);
        Outlet::new(renderer, BTreeMap::from([transport(Channel::Email), transport(Channel::Sms)]))
    }
}

impl Transport for Recorder {
    fn deliver_each<'a>(&'a self, batch: &'a [Rendered], settle: &'a dyn Settle) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            for (place, rendered) in batch.iter().enumerate() {
                if !self.pause.is_zero() {
                    tokio::time::sleep(self.pause).await;
                }
                if !settle.may_go(place).await {
                    continue;
                }
                let verdict = {
                    let mut seen = self.seen.lock().unwrap();
                    let before = seen.iter().filter(|seen| seen.id == rendered.id).count();
                    seen.push(rendered.clone());
                    (self.answer)(rendered, before as u32)
                };
                settle.settle(place, verdict).await;
            }
        })
    }
}
