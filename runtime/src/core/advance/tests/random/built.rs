//! Those journeys as programs.

use super::super::*;
use super::made::*;
use crate::time::DAY;

pub(super) fn expression(asm: &mut Asm, code: &mut Vec<Op>, base: u32, e: &Expr) {
    let chain = |asm: &mut Asm, code: &mut Vec<Op>, sides: &(Expr, Expr), jump: fn(Pc) -> Op| {
        expression(asm, code, base, &sides.0);
        let place = code.len();
        code.push(Op::End);
        expression(asm, code, base, &sides.1);
        code[place] = jump(Pc(base + code.len() as u32));
    };
    match e {
        Expr::Const(value) => code.push(asm.constant(value.clone())),
        Expr::Leaf(Op::ClickedLink(_, message)) => {
            let link = asm.name("pricing");
            code.push(Op::ClickedLink(link, *message));
        }
        Expr::Leaf(op) => code.push(*op),
        Expr::Attribute(ix) => code.push(Op::Attribute(asm.name(ATTRIBUTES[*ix]))),
        Expr::Trigger(ix) => code.push(Op::Trigger(asm.name(FIELDS[*ix]))),
        Expr::Field(ix) => code.push(Op::Field(asm.name(FIELDS[*ix]))),
        Expr::HasTag(ix) => code.push(Op::HasTag(asm.name(TAGS[*ix]))),
        Expr::Messages(status, message, days, since) => {
            let since = since.as_ref().map(|since| asm.later(since));
            let within = since.is_none().then_some(Span { days: *days, ..Span::default() });
            let (status, message) = (*status, *message);
            let asked = MessageHistory { status, message, link: None, within, since_entry: false, since, until: None };
            asm.0.messages.push(asked);
            code.push(Op::Messages(MessagesIx(asm.0.messages.len() as u16 - 1)));
        }
        Expr::Four(op, four) => {
            for part in &**four {
                expression(asm, code, base, part);
            }
            code.push(*op);
        }
        Expr::Matches(pattern, of) => {
            expression(asm, code, base, of);
            let Op::Const(pattern) = asm.constant(Value::text(*pattern)) else { return };
            code.push(Op::Matches(pattern));
        }
        Expr::Unary(op, of) => {
            expression(asm, code, base, of);
            code.push(match op {
                Op::Member(_) => Op::Member(asm.name("amount")),
                Op::ScoreAbove(_) => Op::ScoreAbove(asm.name("engagement")),
                Op::ScoreFrom(_) => Op::ScoreFrom(asm.name("engagement")),
                op => *op,
            });
        }
        Expr::Binary(op, sides) => {
            expression(asm, code, base, &sides.0);
            expression(asm, code, base, &sides.1);
            code.push(*op);
        }
        Expr::Within(days, parts) => {
            for part in [&parts.0, &parts.1, &parts.2] {
                expression(asm, code, base, part);
            }
            code.push(Op::NextWithin(*days));
        }
        Expr::History(history) => {
            let (event, filter, within, since_entry, since, aggregate) = &**history;
            let since = since.as_ref().map(|since| asm.later(since));
            let filter = filter.as_ref().map(|filter| asm.later(filter));
            let within = within.map(|days| Span { days, ..Span::default() });
            let (event, since_entry, aggregate) = ((*event).into(), *since_entry, aggregate.clone());
            asm.0.histories.push(History { event, filter, within, since_entry, since, until: None, aggregate });
            code.push(Op::History(HistoryIx(asm.0.histories.len() as u16 - 1)));
        }
        Expr::Named(op, name) => {
            let name = asm.name(name);
            code.push(match op {
                Op::Stage(_) => Op::Stage(name),
                Op::Score(_) => Op::Score(name),
                Op::Consents(_, channel) => Op::Consents(name, *channel),
                _ => Op::InJourney(name),
            });
        }
        Expr::WasInJourney(journey, days) => {
            code.push(asm.constant(Value::Span(Span { days: *days, ..Span::default() })));
            code.push(Op::WasInJourney(asm.name(journey)));
        }
        Expr::Record(fields) => {
            expression(asm, code, base, &fields.0);
            expression(asm, code, base, &fields.1);
            code.push(Op::MakeRecord(asm.shape(&["amount", "page"]), 2));
        }
        Expr::And(sides) => chain(asm, code, sides, Op::AndJump),
        Expr::Or(sides) => chain(asm, code, sides, Op::OrJump),
    }
}

impl Asm {
    fn computed(&mut self, e: &Expr) -> Clause {
        let mut code = Vec::new();
        let base = self.pc().0;
        expression(self, &mut code, base, e);
        self.clause(&code)
    }

    /// A clause that is placed when the code at hand is complete.
    fn later(&mut self, e: &Expr) -> Clause {
        self.1.push(e.clone());
        Clause(LATER + self.1.len() as u32 - 1)
    }

    fn place_later(&mut self) {
        let mut place = 0;
        while let Some(e) = self.1.get(place).cloned() {
            let clause = self.computed(&e);
            for asked in &mut self.0.messages {
                if asked.since == Some(Clause(LATER + place as u32)) {
                    asked.since = Some(clause);
                }
            }
            for history in &mut self.0.histories {
                for part in [&mut history.filter, &mut history.since] {
                    if *part == Some(Clause(LATER + place as u32)) {
                        *part = Some(clause);
                    }
                }
            }
            place += 1;
        }
    }

    fn inline(&mut self, e: &Expr) {
        let mut code = Vec::new();
        let base = self.pc().0;
        expression(self, &mut code, base, e);
        self.0.code.extend(code);
    }

    fn pattern(&mut self, pattern: &Pattern) -> EventPattern {
        EventPattern {
            event: pattern.event.into(),
            message: pattern.message,
            link: None,
            filter: pattern.filter.as_ref().map(|filter| self.computed(filter)),
        }
    }

    /// A jump whose target `land` fills in.
    fn jump(&mut self, jump: fn(Pc) -> Op) -> (usize, fn(Pc) -> Op) {
        self.op(Op::End);
        (self.0.code.len() - 1, jump)
    }

    fn land(&mut self, (place, jump): (usize, fn(Pc) -> Op)) {
        let here = self.pc();
        self.0.code[place] = jump(here);
    }

    fn block(&mut self, steps: &[Stmt]) {
        for step in steps {
            self.stmt(step);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Send { channels, message, handle } => {
                let send = self.send(channels[0], MESSAGES[*message]);
                let definition = self.0.sends.last_mut().unwrap();
                definition.choices = channels.iter().map(|channel| (*channel, MESSAGES[*message].into())).collect();
                definition.handle = handle.map(HandleIx);
                self.op(send);
            }
            Stmt::Wait { deadline, arms, conditions } => self.wait(deadline.as_ref(), arms, conditions),
            Stmt::If(condition, yes, no) => {
                let step = self.step("if");
                self.op(Op::Step(step));
                self.inline(condition);
                self.op(Op::Decide);
                let otherwise = self.jump(Op::JumpUnless);
                self.block(yes);
                let over = self.jump(Op::Jump);
                self.land(otherwise);
                self.block(no);
                self.land(over);
            }
            Stmt::Repeat(times, body) => {
                let slot = SlotIx(self.0.slots.len() as u16);
                self.0.slots.push(format!("n{}", slot.0).into());
                let (zero, one) = (self.constant(Value::int(0)), self.constant(Value::int(1)));
                let times = self.constant(Value::int(i64::from(*times)));
                self.op(zero).op(Op::Store(slot));
                let again = self.pc();
                self.op(Op::Load(slot)).op(times).op(Op::Less);
                let over = self.jump(Op::JumpUnless);
                self.op(Op::Load(slot)).op(one).op(Op::Add).op(Op::Store(slot));
                self.block(body);
                self.op(Op::Jump(again));
                self.land(over);
            }
            Stmt::AddTag(tag) => {
                let tag = self.name(TAGS[*tag]);
                self.op(Op::AddTag(tag));
            }
            Stmt::RemoveTag(tag) => {
                let tag = self.name(TAGS[*tag]);
                self.op(Op::RemoveTag(tag));
            }
            Stmt::Set(name, value) => {
                self.inline(value);
                let name = self.name(ATTRIBUTES[*name]);
                self.op(Op::SetAttribute(name));
            }
            Stmt::Split(a, b) => {
                let ix = self.0.splits.len();
                self.0.splits.push(Split { name: format!("s{ix}").into(), sides: Vec::new(), measure: None });
                self.op(Op::Split(SplitIx(ix as u16)));
                let mut sides = Vec::new();
                let mut joins = Vec::new();
                for (share, name, body) in [(300_000, "a", a), (700_000, "b", b)] {
                    sides.push((share, name.into(), self.pc()));
                    self.block(body);
                    joins.push(self.jump(Op::Jump));
                }
                self.0.splits[ix].sides = sides;
                for join in joins {
                    self.land(join);
                }
            }
            Stmt::Record(event, amount) => {
                self.inline(amount);
                let shape = self.shape(&["amount", "page"]);
                let page = self.constant(Value::text("home"));
                let event = self.name(event);
                self.op(page).op(Op::MakeRecord(shape, 2)).op(Op::Record(event));
            }
            Stmt::MoveTo(stage) => {
                let (funnel, stage) = (self.name("sales"), self.name(stage));
                self.op(Op::MoveTo(funnel, stage));
            }
            Stmt::Named(op, name) => {
                let name = self.name(name);
                if matches!(op, Op::StartJourney(_) | Op::Subscribe(..)) {
                    let shape = self.shape(&[]);
                    self.op(Op::MakeRecord(shape, 0));
                }
                self.op(match op {
                    Op::Subscribe(_, channel) => Op::Subscribe(name, *channel),
                    Op::Unsubscribe(_, channel) => Op::Unsubscribe(name, *channel),
                    Op::StartJourney(_) => Op::StartJourney(name),
                    _ => Op::StopJourney(name),
                });
            }
            Stmt::Suppress(reason) => {
                self.inline(reason);
                self.op(Op::Suppress);
            }
            Stmt::Notify => {
                let notice = NoticeIx(u16::try_from(self.0.notices.len()).unwrap());
                let to = Colleague { place: "owner".into(), attribute: None };
                let step = self.step("notify owner");
                self.0.notices.push(Notice { to, message: "told".into(), text: "told".into(), step });
                self.op(Op::Notify(notice));
            }
            Stmt::End => {
                // What follows must stay reachable for the verifier's sake, not for the test's.
                self.op(Op::End);
            }
        }
    }

    fn wait(
        &mut self,
        deadline: Option<&(Expr, bool, bool)>,
        arms: &[(Pattern, bool, Vec<Stmt>)],
        conditions: &[Expr],
    ) {
        let step = self.step("wait");
        self.op(Op::Step(step));
        let ix = self.0.waits.len();
        self.0.waits.push(WaitDef { deadline: None, arms: Vec::new(), conditions: Vec::new(), step });
        self.op(Op::Wait(WaitIx(ix as u16)));
        let mut joins = Vec::new();
        let mut built = Vec::new();
        for (pattern, from_now, body) in arms {
            let pattern = self.pattern(pattern);
            built.push(Arm { pattern, from_now: *from_now, target: self.pc() });
            self.block(body);
            joins.push(self.jump(Op::Jump));
        }
        let conditions: Vec<Clause> = conditions.iter().map(|condition| self.computed(condition)).collect();
        let deadline = deadline.map(|(at, replans, past)| (self.computed(at), *replans, *past));
        let past = self.pc();
        let tag = self.name(TAGS[0]);
        self.op(Op::AddTag(tag));
        for join in joins {
            self.land(join);
        }
        let after = self.pc();
        let deadline =
            deadline.map(|(at, replans, other)| Deadline { at, replans, target: after, past: other.then_some(past) });
        let conditions = conditions.into_iter().map(|condition| (condition, after)).collect();
        self.0.waits[ix] = WaitDef { deadline, arms: built, conditions, step };
    }
}

pub(super) fn assemble(name: &str, journey: &Journey, segments: &[Expr]) -> Program {
    let mut asm = Asm::new(name, TriggerKind::Created);
    asm.0.max_stack = 32;
    asm.0.handles = vec![Handle { name: "first".into() }, Handle { name: "second".into() }];
    asm.0.slots = vec!["x".into()];
    asm.0.triggers.clear();
    for on in &journey.triggers {
        let kind = match on {
            On::Plain(kind) => kind.clone(),
            On::Enters(segment, enters) => {
                let clause = asm.computed(&segments[*segment]);
                let name = format!("segment{segment}").into();
                if *enters { TriggerKind::Enters(name, clause) } else { TriggerKind::Leaves(name, clause) }
            }
            On::Moment(at) => TriggerKind::Moment(asm.computed(at)),
        };
        asm.0.triggers.push(Trigger { kind, filter: None });
    }
    asm.0.priority = journey.priority;
    asm.0.holdout = journey.holdout;
    asm.0.collect = journey.collect.map(|(minutes, most)| Collect {
        until: {
            let span = Expr::Const(Value::Span(Span { millis: minutes * MINUTE, ..Span::default() }));
            asm.computed(&Expr::Binary(Op::Add, Box::new((Expr::Leaf(Op::WaitStart), span))))
        },
        most,
        slot: SlotIx(0),
    });
    asm.0.filter = journey.filter.as_ref().map(|filter| asm.computed(filter));
    asm.0.key = journey.key.as_ref().map(|key| asm.computed(key));
    asm.0.reenter = journey.reenter;
    asm.0.topic = journey.topic.then(|| "offers".into());
    for exit in &journey.exits {
        let exit = match exit {
            Ok(pattern) => ExitKind::Event(asm.pattern(pattern)),
            Err(condition) => ExitKind::Condition(asm.computed(condition)),
        };
        asm.0.exits.push(Exit { kind: exit, then: None });
    }
    for (pattern, within, exits) in &journey.goals {
        let within = within.map(|days| Span { days, ..Span::default() });
        let pattern = asm.pattern(pattern);
        asm.0.goals.push(Goal { pattern, within, exits: *exits });
    }
    asm.0.entry = asm.pc();
    asm.block(&journey.steps);
    asm.op(Op::End);
    asm.place_later();
    asm.0
}

/// A project of these journeys; messages `news` and `offer` are marketing.
pub(super) fn project((journeys, segments): &(Vec<Journey>, Vec<Expr>), policy: Policy) -> Linked {
    let programs = journeys.iter().enumerate();
    let programs = programs.map(|(n, journey)| assemble(&format!("j{n}"), journey, segments)).collect();
    let mut bundle = bundle(programs);
    let attribute = |name: &str, ty, default| Attribute { name: name.into(), ty, optional: true, default };
    bundle.schema.attributes = vec![
        attribute("email", Type::Email, None),
        attribute("phone", Type::Phone, None),
        attribute("plan", Type::Text, Some(Value::text("free"))),
        attribute("renewal", Type::Date, None),
    ];
    bundle.messages.clear();
    for name in MESSAGES {
        for channel in [Channel::Email, Channel::Sms] {
            bundle.messages.push(Message {
                name: name.into(),
                channel,
                purpose: (name == "receipt").then_some(Purpose::Transactional),
                topic: (name == "offer").then(|| "offers".into()),
                after_crash: None,
                variants: Vec::new(),
                variables: vec![TemplateVariable(vec!["plan".into()])],
            });
        }
    }
    bundle.policy = policy;
    let pattern =
        |event: &str| EventPattern { event: event.into(), message: MessageRef::None, link: None, filter: None };
    let rule = |event, points| ScoreRule { pattern: pattern(event), points: Number::from_int(points) };
    let program = Program { code: vec![Op::End], ..Program::default() };
    let rules = vec![rule("purchase", 20), rule("tagged", -3)];
    let scores = vec![Score { name: "engagement".into(), halves: Some(3 * DAY), rules }];
    bundle.scores = Scores { program, scores };
    Linked::new(bundle, []).unwrap()
}
