//! Checked journey to program.

mod emit;
mod expr;

use journey_bytecode::{
    Arm, Clause, Collect, Deadline, EventPattern, Exit, ExitKind, Goal, Handle, History, MAX_CODE, MAX_STACK, Measure,
    MessageHistory, Notice, NoticeIx, Op, Pc, Program, Request, RequestIx, RequestKind, Score, ScoreRule, Scores,
    SendDef, SendIx, SlotIx, SourceMap, Split, SplitIx, StepInfo, StepIx, Trigger, TriggerKind, Value, WaitDef, WaitIx,
};

use smol_str::SmolStr;

use crate::hir::Loc;
use crate::text::Text;
use crate::typed;
use emit::{Code, Tables};

/// Why there is no program: the journey needs more of something than a program can have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TooLarge(
    /// Of what.
    pub &'static str,
);

/// Makes the program of a journey that checked clean.
pub(crate) fn generate(journey: &typed::Journey, text: &Text<'_>) -> Result<Program, TooLarge> {
    Generator::new(text).journey(journey)
}

/// Makes a program that holds conditions and does nothing.
pub(crate) fn conditions(conditions: &[typed::Expr], text: &Text<'_>) -> (Program, Vec<Clause>) {
    let mut generator = Generator::new(text);
    generator.steps.op(Op::End);
    let base = generator.steps.len();
    let clauses = conditions.iter().map(|c| Clause(generator.clause(c).0.saturating_add(base))).collect();
    (generator.clauses_alone(), clauses)
}

/// The scores of a project. Their program holds the conditions of their rules and does nothing.
pub(crate) fn scores(scores: &[typed::Score], text: &Text<'_>) -> Result<Scores, TooLarge> {
    let mut generator = Generator::new(text);
    generator.steps.op(Op::End);
    let base = generator.steps.len();
    let mut made = Vec::with_capacity(scores.len());
    for score in scores {
        let mut rules = Vec::with_capacity(score.rules.len());
        for (pattern, points) in &score.rules {
            let mut pattern = generator.pattern(pattern);
            pattern.filter = pattern.filter.map(|filter| Clause(filter.0.saturating_add(base)));
            rules.push(ScoreRule { pattern, points: *points });
        }
        made.push(Score { name: score.name.clone(), halves: score.halves, rules });
    }
    let program = generator.clauses_alone();
    generator.limits(&program)?;
    Ok(Scores { program, scores: made })
}

struct Generator<'a> {
    text: &'a Text<'a>,
    steps: Code,
    clauses: Code,
    tables: Tables,
    sends: Vec<SendDef>,
    waits: Vec<WaitDef>,
    splits: Vec<Split>,
    requests: Vec<Request>,
    notices: Vec<Notice>,
    infos: Vec<StepInfo>,
    /// Where the last step stands: offset, line and column.
    last: (u32, u32, u32),
}

impl<'a> Generator<'a> {
    fn new(text: &'a Text<'a>) -> Self {
        Self {
            text,
            steps: Code::default(),
            clauses: Code::default(),
            tables: Tables::default(),
            sends: Vec::new(),
            waits: Vec::new(),
            splits: Vec::new(),
            requests: Vec::new(),
            notices: Vec::new(),
            infos: Vec::new(),
            last: (0, 0, 0),
        }
    }

    fn journey(&mut self, journey: &typed::Journey) -> Result<Program, TooLarge> {
        let triggers = (journey.triggers.iter())
            .map(|trigger| {
                let kind = match &trigger.kind {
                    typed::On::Event(kind) => kind.clone(),
                    typed::On::Enters(segment, condition) => {
                        TriggerKind::Enters(segment.clone(), self.clause(condition))
                    }
                    typed::On::Leaves(segment, condition) => {
                        TriggerKind::Leaves(segment.clone(), self.clause(condition))
                    }
                    typed::On::Moment(moment) => TriggerKind::Moment(self.clause(moment)),
                };
                Trigger { kind, filter: trigger.filter.as_ref().map(|filter| self.clause(filter)) }
            })
            .collect();
        let filter = journey.filter.as_ref().map(|filter| self.clause(filter));
        let key = journey.key.as_ref().map(|key| self.clause(key));
        let collect = journey.collect.as_ref().map(|collect| Collect {
            until: self.clause(&collect.until),
            most: collect.most,
            slot: collect.slot,
        });
        let exits = journey.exits.iter().flat_map(|exit| self.exit(exit)).collect();
        let goals = (journey.goals.iter())
            .map(|goal| Goal { pattern: self.pattern(&goal.pattern), within: goal.within, exits: goal.exits })
            .collect();
        let entry = self.steps.label();
        self.block(&journey.body);
        if self.steps.reachable() {
            self.steps.op(Op::End);
        }
        let (segments, histories, messages) = self.asked();
        let mut program = Program {
            name: journey.name.clone(),
            triggers,
            filter,
            key,
            reenter: journey.reenter,
            exits,
            goals,
            topic: journey.topic.clone(),
            purpose: journey.purpose,
            hours: journey.hours,
            collect,
            priority: journey.priority,
            holdout: journey.holdout,
            splits: std::mem::take(&mut self.splits),
            requests: std::mem::take(&mut self.requests),
            notices: std::mem::take(&mut self.notices),
            entry,
            code: Vec::new(),
            consts: Vec::new(),
            names: Vec::new(),
            sends: std::mem::take(&mut self.sends),
            waits: std::mem::take(&mut self.waits),
            handles: journey.handles.iter().map(|name| Handle { name: name.clone() }).collect(),
            histories,
            messages,
            segments,
            slots: journey.slots.iter().map(|slot| slot.name.clone()).collect(),
            max_stack: self.steps.max_stack().max(self.clauses.max_stack()),
            map: SourceMap {
                source: self.text.path().into(),
                doc: journey.doc.clone(),
                steps: std::mem::take(&mut self.infos),
                migrations: journey.migrations.clone(),
            },
            ..Program::default()
        };
        self.assemble(&mut program);
        self.limits(&program)?;
        Ok(program)
    }

    /// What ends a run, and what it still does: the steps stand before those of the body, as in the source.
    fn exit(&mut self, exit: &typed::Exit) -> Vec<Exit> {
        let then = exit.then.as_ref().map(|then| {
            let place = self.steps.label();
            self.block(then);
            if self.steps.reachable() {
                self.steps.op(Op::End);
            }
            place
        });
        let kinds = exit.kinds.iter().map(|kind| match kind {
            typed::ExitKind::Event(pattern) => ExitKind::Event(self.pattern(pattern)),
            typed::ExitKind::Condition(condition) => ExitKind::Condition(self.clause(condition)),
            typed::ExitKind::After(span) => ExitKind::After(*span),
        });
        kinds.map(|kind| Exit { kind, then }).collect()
    }

    /// A program of the clauses generated so far.
    fn clauses_alone(&mut self) -> Program {
        let (segments, histories, messages) = self.asked();
        let max_stack = self.clauses.max_stack();
        let mut program = Program { histories, messages, segments, max_stack, ..Program::default() };
        self.assemble(&mut program);
        program
    }

    /// Puts the clauses behind the steps.
    fn assemble(&mut self, program: &mut Program) {
        let base = self.steps.len();
        program.code = self.steps.take();
        program.code.extend(self.clauses.take().into_iter().map(|op| emit::moved(op, base)));
        for clause in clauses(program) {
            clause.0 = clause.0.saturating_add(base);
        }
        (program.consts, program.names, program.shapes) = self.tables.take();
    }

    fn limits(&self, program: &Program) -> Result<(), TooLarge> {
        let table = usize::from(u16::MAX);
        let counts = [
            (program.code.len(), MAX_CODE, "instructions"),
            (program.consts.len(), table, "constants"),
            (program.names.len(), table, "names"),
            (program.sends.len(), table, "sends"),
            (program.waits.len(), table, "waits"),
            (program.splits.len(), table, "splits"),
            (program.requests.len(), table, "calls and questions"),
            (program.notices.len(), table, "notices"),
            (program.histories.len(), table, "questions about past events"),
            (program.messages.len(), table, "questions about messages"),
            (program.map.steps.len(), table, "steps"),
            (program.handles.len(), table, "named messages"),
            (program.slots.len(), table, "local variables"),
            (usize::from(program.max_stack), usize::from(MAX_STACK), "nested operators"),
        ];
        counts.into_iter().find(|(count, most, _)| count > most).map_or(Ok(()), |(_, _, what)| Err(TooLarge(what)))
    }

    /// What the clauses ask of the past, with clauses of its own, which may ask more.
    fn asked(&mut self) -> (Vec<(SmolStr, Clause)>, Vec<History>, Vec<MessageHistory>) {
        let (mut segments, mut histories, mut messages) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            if let Some((name, condition)) = self.tables.watched(segments.len()) {
                segments.push((name, self.clause(&condition)));
            } else if let Some(asked) = self.tables.asked(histories.len()) {
                histories.push(History {
                    filter: asked.filter.as_ref().map(|filter| self.clause(filter)),
                    since: asked.stretch.since.as_ref().map(|since| self.clause(since)),
                    until: asked.stretch.until.as_ref().map(|until| self.clause(until)),
                    within: asked.stretch.within,
                    since_entry: asked.stretch.since_entry,
                    event: asked.event,
                    aggregate: asked.aggregate,
                });
            } else if let Some(asked) = self.tables.asked_of_messages(messages.len()) {
                messages.push(MessageHistory {
                    status: asked.status,
                    message: self.tables.message(&asked.about),
                    since: asked.stretch.since.as_ref().map(|since| self.clause(since)),
                    until: asked.stretch.until.as_ref().map(|until| self.clause(until)),
                    within: asked.stretch.within,
                    since_entry: asked.stretch.since_entry,
                    link: asked.link,
                });
            } else {
                return (segments, histories, messages);
            }
        }
    }

    fn clause(&mut self, expr: &typed::Expr) -> Clause {
        let at = Clause(self.clauses.len());
        expr::expr(&mut self.clauses, &mut self.tables, expr);
        self.clauses.op(Op::Return);
        at
    }

    fn pattern(&mut self, pattern: &typed::Pattern) -> EventPattern {
        self.tables.watch(pattern.watched.as_deref());
        EventPattern {
            event: pattern.event.clone(),
            message: self.tables.message(&pattern.about),
            link: pattern.link.clone(),
            filter: pattern.filter.as_ref().map(|filter| self.clause(filter)),
        }
    }

    /// Line and column of a step. Steps come in source order, so only what lies between two of them is counted, however
    /// long the line.
    fn place(&mut self, offset: u32) -> (u32, u32) {
        let (last, line, column) = self.last;
        let between = (last <= offset && line > 0).then(|| self.text.slice(Loc { start: last, end: offset }));
        let (line, column) = match between {
            Some(between) if !between.contains(['\n', '\r']) => {
                let characters = u32::try_from(between.chars().count()).unwrap_or(u32::MAX);
                (line, column.saturating_add(characters))
            }
            _ => self.text.line_column(offset),
        };
        self.last = (offset, line, column);
        (line, column)
    }

    fn block(&mut self, block: &[typed::Step]) {
        let mut named: Option<(&typed::Step, &SmolStr)> = None;
        for step in block {
            let name = match &step.kind {
                typed::StepKind::Label(name) => Some((step, name)),
                _ => None,
            };
            if name.is_some() {
                self.mark(named);
                named = name;
            } else {
                self.step(step, named.take());
            }
        }
        self.mark(named);
    }

    /// A name that no step follows, or another name: a place of its own.
    fn mark(&mut self, named: Option<(&typed::Step, &SmolStr)>) {
        if let Some((step, name)) = named {
            self.info(step, self.text.label(step.head), Some(name.clone()));
        }
    }

    fn info(&mut self, step: &typed::Step, label: String, name: Option<SmolStr>) -> StepIx {
        let ix = StepIx(emit::narrow(self.infos.len()));
        let (line, column) = self.place(step.head.start);
        self.infos.push(StepInfo { label, name, depth: step.depth, line, column });
        self.steps.op(Op::Step(ix));
        ix
    }

    fn step(&mut self, step: &typed::Step, named: Option<(&typed::Step, &SmolStr)>) {
        let mut label = self.text.label(step.head);
        if let Some((_, name)) = named {
            label = format!("{name}: {label}");
        }
        let ix = self.info(step, label, named.map(|(_, name)| name.clone()));
        match &step.kind {
            typed::StepKind::Send(send) => self.send(ix, send),
            typed::StepKind::Wait(wait) => self.wait(ix, wait),
            typed::StepKind::If { condition, then, otherwise } => {
                expr::expr(&mut self.steps, &mut self.tables, condition);
                self.steps.op(Op::Decide);
                let unless = self.steps.jump(Op::JumpUnless);
                self.block(then);
                if otherwise.is_empty() {
                    self.steps.land(unless);
                } else {
                    let over = self.steps.reachable().then(|| self.steps.jump(Op::Jump));
                    self.steps.land(unless);
                    self.block(otherwise);
                    over.into_iter().for_each(|over| self.steps.land(over));
                }
            }
            typed::StepKind::Choose { arms, otherwise, .. } => self.choose(arms, otherwise.as_ref()),
            typed::StepKind::AddTag(tag) => self.steps.op(Op::AddTag(self.tables.name(tag))),
            typed::StepKind::RemoveTag(tag) => self.steps.op(Op::RemoveTag(self.tables.name(tag))),
            typed::StepKind::Set(attribute, value) => {
                expr::expr(&mut self.steps, &mut self.tables, value);
                self.steps.op(Op::SetAttribute(self.tables.name(attribute)));
            }
            typed::StepKind::Let(slot, value) => {
                expr::expr(&mut self.steps, &mut self.tables, value);
                self.steps.op(Op::Store(*slot));
            }
            typed::StepKind::Split(split) => self.split(split),
            typed::StepKind::Repeat { slot, times, until, body } => self.repeat(*slot, *times, until.as_deref(), body),
            typed::StepKind::Sequence(steps) => self.block(steps),
            typed::StepKind::MoveTo(funnel, stage) => {
                self.steps.op(Op::MoveTo(self.tables.name(funnel), self.tables.name(stage)));
            }
            typed::StepKind::Record(event, fields) => {
                self.record(fields);
                self.steps.op(Op::Record(self.tables.name(event)));
            }
            typed::StepKind::Subscribe(topic, channel, proofs) => {
                self.record(proofs);
                self.steps.op(Op::Subscribe(self.tables.name(topic), *channel));
            }
            typed::StepKind::Unsubscribe(topic, channel) => {
                let topic = topic.as_ref().map(|topic| self.tables.name(topic));
                let of_topic = |topic| Op::Unsubscribe(topic, *channel);
                self.steps.op(topic.map_or(Op::UnsubscribeAll(*channel), of_topic));
            }
            typed::StepKind::Delete => self.steps.op(Op::Delete),
            typed::StepKind::Suppress(reason) => {
                let reason = self.tables.constant(&Value::Text(reason.clone()));
                self.steps.op(Op::Const(reason));
                self.steps.op(Op::Suppress);
            }
            typed::StepKind::Request(request) => self.request(ix, request),
            typed::StepKind::Notify(notice) => self.notify(ix, notice),
            typed::StepKind::StartJourney(name, fields) => {
                self.record(fields);
                self.steps.op(Op::StartJourney(self.tables.name(name)));
            }
            typed::StepKind::StopJourney(name) => self.steps.op(Op::StopJourney(self.tables.name(name))),
            // Its name is that of the next step.
            typed::StepKind::Label(_) => {}
            typed::StepKind::End | typed::StepKind::Error => self.steps.op(Op::End),
        }
    }

    fn choose(&mut self, arms: &[(typed::Expr, typed::Block)], otherwise: Option<&typed::Block>) {
        let mut overs = Vec::new();
        for (condition, then) in arms {
            expr::expr(&mut self.steps, &mut self.tables, condition);
            self.steps.op(Op::Decide);
            let unless = self.steps.jump(Op::JumpUnless);
            self.block(then);
            if self.steps.reachable() {
                overs.push(self.steps.jump(Op::Jump));
            }
            self.steps.land(unless);
        }
        otherwise.into_iter().for_each(|otherwise| self.block(otherwise));
        overs.into_iter().for_each(|over| self.steps.land(over));
    }

    fn split(&mut self, typed::Split { name, sides, measure }: &typed::Split) {
        let ix = SplitIx(emit::narrow(self.splits.len()));
        let measure = measure.as_ref().map(|measure| Measure {
            pattern: self.pattern(&measure.pattern),
            within: measure.within,
            at_least: measure.at_least,
            best: measure.best,
        });
        self.splits.push(Split { name: name.clone(), sides: Vec::new(), measure });
        self.steps.op(Op::Split(ix));
        self.steps.unreachable();
        let mut overs = Vec::new();
        let mut targets = Vec::new();
        for (share, side, then) in sides {
            targets.push((*share, side.clone(), self.steps.label()));
            self.block(then);
            if self.steps.reachable() {
                overs.push(self.steps.jump(Op::Jump));
            }
        }
        overs.into_iter().for_each(|over| self.steps.land(over));
        if let Some(split) = self.splits.get_mut(ix.index()) {
            split.sides = targets;
        }
    }

    /// The steps, then the question whether that was enough, then back.
    fn repeat(&mut self, slot: SlotIx, times: u32, until: Option<&typed::Expr>, body: &typed::Block) {
        let number = |tables: &mut Tables, n: i64| Op::Const(tables.constant(&Value::int(n)));
        self.steps.op(number(&mut self.tables, 0));
        self.steps.op(Op::Store(slot));
        let top = self.steps.label();
        self.block(body);
        if !self.steps.reachable() {
            return;
        }
        let mut overs = Vec::new();
        if let Some(until) = until {
            expr::expr(&mut self.steps, &mut self.tables, until);
            self.steps.op(Op::Decide);
            let unless = self.steps.jump(Op::JumpUnless);
            overs.push(self.steps.jump(Op::Jump));
            self.steps.land(unless);
        }
        self.steps.op(Op::Load(slot));
        self.steps.op(number(&mut self.tables, 1));
        self.steps.op(Op::Add);
        self.steps.op(Op::Store(slot));
        self.steps.op(Op::Load(slot));
        self.steps.op(number(&mut self.tables, i64::from(times)));
        self.steps.op(Op::Less);
        overs.push(self.steps.jump(Op::JumpUnless));
        self.steps.op(Op::Jump(top));
        overs.into_iter().for_each(|over| self.steps.land(over));
    }

    /// A record of these fields.
    fn record(&mut self, fields: &[(SmolStr, typed::Expr)]) {
        for (_, value) in fields {
            expr::expr(&mut self.steps, &mut self.tables, value);
        }
        let shape = self.tables.shape(fields.iter().map(|(name, _)| name.clone()).collect());
        self.steps.op(Op::MakeRecord(shape, emit::narrow(fields.len())));
    }

    fn notify(&mut self, step: StepIx, notice: &typed::Notice) {
        let typed::Notice { to, message, text, .. } = notice.clone();
        self.steps.op(Op::Notify(NoticeIx(emit::narrow(self.notices.len()))));
        self.notices.push(Notice { to, message, text, step });
    }

    /// The question, then what follows each answer of a person, then if there is none; behind it goes on who has one.
    fn request(&mut self, step: StepIx, request: &typed::Request) {
        self.record(&request.fields);
        let until = request.until.as_ref().map(|until| self.clause(until));
        let ix = RequestIx(emit::narrow(self.requests.len()));
        self.steps.op(Op::Request(ix));
        self.steps.unreachable();
        self.requests.push(Request {
            kind: request.kind.clone(),
            until,
            slot: request.slot,
            answered: Pc(0),
            failed: None,
            step,
        });
        let mut overs = Vec::new();
        let mut way = |generator: &mut Self, block: &typed::Block| {
            let target = generator.steps.label();
            generator.block(block);
            overs.extend(generator.steps.reachable().then(|| generator.steps.jump(Op::Jump)));
            generator.steps.unreachable();
            target
        };
        let targets: Vec<Pc> = request.arms.iter().map(|(_, then)| way(self, then)).collect();
        let failed = request.otherwise.as_ref().map(|otherwise| way(self, otherwise));
        let answered = match request.arms.is_empty() || !overs.is_empty() {
            true => self.steps.label(),
            false => Pc(0),
        };
        overs.into_iter().for_each(|over| self.steps.land(over));
        if let Some(def) = self.requests.get_mut(ix.index()) {
            (def.answered, def.failed) = (answered, failed);
            if let RequestKind::Ask { arms, .. } = &mut def.kind {
                arms.iter_mut().zip(targets).for_each(|(arm, target)| arm.1 = target);
            }
        }
    }

    fn send(&mut self, step: StepIx, send: &typed::Send) {
        let subject = send.subject.as_ref().map(|text| {
            let text = Value::Text(text.clone());
            let loc = crate::hir::Loc::default();
            self.clause(&typed::Expr::constant(text, journey_bytecode::Type::Text, loc))
        });
        let from = send.from.as_ref().map(|from| self.clause(from));
        let to = send.to.as_ref().map(|to| self.clause(to));
        let ix = SendIx(emit::narrow(self.sends.len()));
        self.sends.push(SendDef { choices: send.choices.to_vec(), handle: send.handle, subject, from, to, step });
        self.steps.op(Op::Send(ix));
    }

    /// The wait, then what follows each of its ends, in source order; all meet behind the last.
    fn wait(&mut self, step: StepIx, wait: &typed::Wait) {
        let ix = WaitIx(emit::narrow(self.waits.len()));
        self.waits.push(WaitDef { deadline: None, arms: Vec::new(), conditions: Vec::new(), step });
        self.steps.op(Op::Wait(ix));
        self.steps.unreachable();
        let arms: Vec<_> = (wait.arms.iter()).map(|arm| (self.pattern(&arm.pattern), arm.from_now)).collect();
        let conditions: Vec<_> = wait.conditions.iter().map(|(condition, _)| self.clause(condition)).collect();
        let deadline = wait.deadline.as_ref().map(|d| (self.clause(&d.at), expr::reads_contact(&d.at)));

        let mut overs = Vec::new();
        let blocks = (wait.arms.iter().map(|arm| &arm.then))
            .chain(wait.conditions.iter().map(|(_, then)| then))
            .chain(wait.deadline.iter().flat_map(|d| std::iter::once(&d.then).chain(&d.past)));
        let mut targets: Vec<Option<Pc>> = Vec::new();
        for block in blocks {
            if block.is_empty() {
                targets.push(None);
                continue;
            }
            targets.push(Some(self.steps.label()));
            self.block(block);
            if self.steps.reachable() {
                overs.push(self.steps.jump(Op::Jump));
            }
        }
        if targets.contains(&None) || !overs.is_empty() {
            let behind = self.steps.label();
            overs.into_iter().for_each(|over| self.steps.land(over));
            targets.iter_mut().for_each(|target| *target = Some(target.unwrap_or(behind)));
        }
        let mut targets = targets.into_iter().flatten();
        let mut target = || targets.next().unwrap_or_default();
        let arms = (arms.into_iter()).map(|(pattern, from_now)| Arm { pattern, from_now, target: target() }).collect();
        let conditions = conditions.into_iter().map(|condition| (condition, target())).collect();
        let past = wait.deadline.as_ref().is_some_and(|d| d.past.is_some());
        let deadline =
            deadline.map(|(at, replans)| Deadline { at, replans, target: target(), past: past.then(&mut target) });
        if let Some(def) = self.waits.get_mut(ix.index()) {
            *def = WaitDef { deadline, arms, conditions, step };
        }
    }
}

/// All clauses that the program's tables name.
fn clauses(program: &mut Program) -> impl Iterator<Item = &mut Clause> {
    let exits = program.exits.iter_mut().filter_map(|exit| match &mut exit.kind {
        ExitKind::Event(pattern) => pattern.filter.as_mut(),
        ExitKind::Condition(condition) => Some(condition),
        ExitKind::After(_) => None,
    });
    let waits = program.waits.iter_mut().flat_map(|wait| {
        (wait.arms.iter_mut().filter_map(|arm| arm.pattern.filter.as_mut()))
            .chain(wait.conditions.iter_mut().map(|(condition, _)| condition))
            .chain(wait.deadline.as_mut().map(|deadline| &mut deadline.at))
    });
    let moments = program.triggers.iter_mut().flat_map(|trigger| {
        let moment = match &mut trigger.kind {
            TriggerKind::Enters(_, clause) | TriggerKind::Leaves(_, clause) | TriggerKind::Moment(clause) => {
                Some(clause)
            }
            _ => None,
        };
        moment.into_iter().chain(&mut trigger.filter)
    });
    moments
        .chain(&mut program.filter)
        .chain(&mut program.key)
        .chain(exits)
        .chain(program.goals.iter_mut().filter_map(|goal| goal.pattern.filter.as_mut()))
        .chain(program.splits.iter_mut().filter_map(|split| split.measure.as_mut()?.pattern.filter.as_mut()))
        .chain(waits)
        .chain(program.requests.iter_mut().filter_map(|request| request.until.as_mut()))
        .chain(
            program.sends.iter_mut().flat_map(|send| {
                [&mut send.subject, &mut send.from, &mut send.to].into_iter().filter_map(Option::as_mut)
            }),
        )
        .chain(program.collect.as_mut().map(|collect| &mut collect.until))
        .chain(program.segments.iter_mut().map(|(_, condition)| condition))
        .chain(program.histories.iter_mut().flat_map(|h| [&mut h.filter, &mut h.since, &mut h.until]).flatten())
        .chain(program.messages.iter_mut().flat_map(|asked| [&mut asked.since, &mut asked.until]).flatten())
}
