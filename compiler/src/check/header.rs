//! Headers of journeys.

use journey_bytecode::{LocalWindow, Purpose, Reenter, Type};
use smol_str::SmolStr;

use super::event::joined;
use super::expr::{Checker, Want, shifted};
use super::wait::{next_at, wait_start};
use crate::diagnostic::{Applicability, Code, Edit};
use crate::hir::{self, EventOrCondition, ExprKind, Gathering, HeaderKind, Loc};
use crate::template::TriggerShape;
use crate::typed::{Collect, Exit, ExitKind, Expr, Goal, Trigger};

/// What a header says.
#[derive(Default)]
pub(super) struct Header {
    pub(super) triggers: Vec<Trigger>,
    pub(super) fields: Vec<TriggerShape>,
    pub(super) filter: Option<Expr>,
    pub(super) key: Option<Expr>,
    pub(super) reenter: Reenter,
    pub(super) exits: Vec<Exit>,
    pub(super) goals: Vec<Goal>,
    pub(super) topic: Option<SmolStr>,
    pub(super) purpose: Option<Purpose>,
    pub(super) hours: Option<LocalWindow>,
    pub(super) collect: Option<Collect>,
    pub(super) priority: i8,
    pub(super) holdout: u32,
}

impl Checker<'_> {
    pub(super) fn header(&mut self, journey: &hir::Journey) -> Header {
        let mut header = Header::default();
        self.triggers(journey, &mut header);
        let mut seen: Vec<(&'static str, Loc)> = Vec::new();
        let mut exit_on_goal = false;
        for line in &journey.header {
            if let Some(word) = once(&line.kind) {
                if let Some((_, first)) = seen.iter().find(|(known, _)| *known == word) {
                    let first = self.text.span(*first);
                    self.report(Code::DuplicateClause, line.loc, format!("`{word}` stands here twice"))
                        .label("given again")
                        .also(first, "given here")
                        .help("keep one of the two");
                    continue;
                }
                seen.push((word, line.loc));
            }
            match &line.kind {
                HeaderKind::On(_) | HeaderKind::Error => {}
                HeaderKind::Where(condition) => header.filter = Some(self.condition(condition)),
                HeaderKind::Per(key) => header.key = self.key(key),
                HeaderKind::Reenter(reenter) => header.reenter = *reenter,
                HeaderKind::ExitWhen(items, then) => {
                    let kinds = items.iter().filter_map(|item| self.exit(item)).collect();
                    let then = then.as_ref().map(|then| self.block(then, 1));
                    header.exits.push(Exit { kinds, then });
                }
                HeaderKind::ExitAfter(span) => {
                    header.exits.push(Exit { kinds: vec![ExitKind::After(*span)], then: None });
                }
                HeaderKind::ExitOnGoal => exit_on_goal = true,
                HeaderKind::Goal { pattern, within } => {
                    if let Some(pattern) = self.pattern(pattern) {
                        header.goals.push(Goal { pattern, within: *within, exits: false });
                    }
                }
                HeaderKind::Topic(topic) => header.topic = self.topic(topic),
                HeaderKind::Purpose(purpose) => header.purpose = Some(*purpose),
                HeaderKind::Hours(hours) => header.hours = Some(*hours),
                HeaderKind::Collect { until, most, name } => {
                    let fields = self.trigger.known.iter();
                    let fields: Option<Vec<_>> =
                        fields.map(|(name, shape)| Some((name.clone(), shape.ty.clone()?))).collect();
                    let ty = fields.map(|fields| Type::List(Type::Record(fields.into()).into()));
                    let slot = self.local(name, ty);
                    let until = match until {
                        Gathering::For(span) => shifted(wait_start(line.loc), *span),
                        Gathering::Until(days, time) => next_at(*days, wait_start(line.loc), *time),
                    };
                    header.collect = Some(Collect { until, most: *most, slot });
                }
                HeaderKind::Priority(priority) => header.priority = *priority,
                HeaderKind::Holdout(share) => header.holdout = *share,
                // Told when all places of the journey are known.
                HeaderKind::Migrate(..) => {}
            }
        }
        self.judge(journey, &mut header, &seen, exit_on_goal);
        header
    }

    fn triggers(&mut self, journey: &hir::Journey, header: &mut Header) {
        let mut fields = Vec::new();
        let mut wrong = false;
        let mut any = false;
        for line in &journey.header {
            if let HeaderKind::On(pattern) = &line.kind {
                any = true;
                match self.trigger_of(pattern) {
                    Some((trigger, known, shape)) => {
                        header.triggers.push(trigger);
                        fields.push(known);
                        header.fields.push(shape);
                    }
                    None => wrong = true,
                }
            }
        }
        self.trigger = joined(fields);
        self.trigger_unknown = wrong;
        if !any && !journey.broken {
            let name = self.journey_name.clone();
            self.report(Code::NoTrigger, journey.head, format!("nothing starts the journey `{name}`"))
                .label("it has no trigger")
                .help("begin it with a trigger, such as `on tag lead` or `on created`");
        }
    }

    fn judge(&mut self, journey: &hir::Journey, header: &mut Header, seen: &[(&str, Loc)], exit_on_goal: bool) {
        if exit_on_goal {
            header.goals.iter_mut().for_each(|goal| goal.exits = true);
            let has_goal = journey.header.iter().any(|line| matches!(line.kind, HeaderKind::Goal { .. }));
            if let (false, Some((_, loc))) = (has_goal, seen.iter().find(|(word, _)| *word == "exit on goal")) {
                self.report(Code::UselessPart, *loc, "this journey has no goal to exit on")
                    .label("never happens")
                    .help("add a goal, such as `goal purchase within 30d`");
            }
        }
        let chosen = seen.iter().any(|(word, _)| *word == "reenter");
        if !chosen && !self.index.lone && !journey.broken && !journey.bare {
            let name = self.journey_name.clone();
            let at = journey.header.iter().rev().find(|line| matches!(line.kind, HeaderKind::On(_)));
            let place = at.map(|line| self.text.span(line.loc).after());
            let message = format!("`{name}` does not say whether a contact may come again");
            let report = self.report(Code::NoReenter, journey.head, message).label("once in a life, as it stands");
            let report = match place {
                Some(span) => report.fix(
                    "Write `reenter never`, which it means now",
                    Applicability::Safe,
                    vec![Edit { span, text: "\n  reenter never".to_owned() }],
                ),
                None => report,
            };
            report.help("choose one of `reenter never`, `reenter always`, `reenter after 90d` and `reenter restart`");
        }
    }

    /// The run's key; a bare word is a field of the trigger first.
    fn key(&mut self, key: &hir::Expr) -> Option<Expr> {
        let checked = match &key.kind {
            ExprKind::Name(name) if !self.index.attributes.contains_key(name) => {
                self.trigger_field(&hir::Name { text: name.clone(), loc: key.loc }, key.loc)
            }
            ExprKind::Name(name) if self.trigger.known.contains_key(name) => {
                self.trigger_field(&hir::Name { text: name.clone(), loc: key.loc }, key.loc)
            }
            _ => self.expr(key, Want::Any),
        };
        Some(checked)
    }

    fn exit(&mut self, what: &EventOrCondition) -> Option<ExitKind> {
        match what {
            EventOrCondition::Event(pattern) => self.pattern(pattern).map(ExitKind::Event),
            EventOrCondition::Condition(condition) => Some(ExitKind::Condition(self.condition(condition))),
            EventOrCondition::Word(word) => {
                let attribute = self.index.attributes.contains_key(&word.text);
                if attribute && !self.index.events.contains_key(&word.text) {
                    let condition = hir::Expr { kind: ExprKind::Name(word.text.clone()), loc: word.loc };
                    return Some(ExitKind::Condition(self.condition(&condition)));
                }
                let kind = match word.text.as_str() {
                    "created" => hir::EventKind::Created,
                    "subscribed" => hir::EventKind::Subscribed(None, None),
                    "unsubscribed" => hir::EventKind::Unsubscribed(None, None),
                    _ => hir::EventKind::Named(word.clone()),
                };
                self.pattern(&hir::EventPattern { kind, filter: None, loc: word.loc }).map(ExitKind::Event)
            }
        }
    }
}

/// The word of a line that may stand only once.
const fn once(kind: &HeaderKind) -> Option<&'static str> {
    Some(match kind {
        HeaderKind::Where(_) => "where",
        HeaderKind::Per(_) => "per",
        HeaderKind::Reenter(_) => "reenter",
        HeaderKind::ExitOnGoal => "exit on goal",
        HeaderKind::Topic(_) => "topic",
        HeaderKind::Purpose(_) => "purpose",
        HeaderKind::Hours(_) => "hours",
        HeaderKind::Collect { .. } => "collect",
        HeaderKind::Priority(_) => "priority",
        HeaderKind::Holdout(_) => "holdout",
        HeaderKind::ExitAfter(_) => "exit after",
        HeaderKind::On(_)
        | HeaderKind::ExitWhen(..)
        | HeaderKind::Migrate(..)
        | HeaderKind::Goal { .. }
        | HeaderKind::Error => return None,
    })
}
