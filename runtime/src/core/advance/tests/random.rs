//! What holds for every program and every history.

use proptest::prelude::*;
use smol_str::SmolStr;

use super::*;
use crate::core::{FUEL, MAX_CHAIN, PUNCTUAL, advance_part};
use crate::time::DAY;

const ATTRIBUTES: [&str; 4] = ["email", "phone", "plan", "renewal"];
const TAGS: [&str; 3] = ["t0", "t1", "t2"];
const EVENTS: [&str; 2] = ["purchase", "visit"];
const FIELDS: [&str; 3] = ["amount", "page", "tag"];
const MINUTE: i64 = 60_000;
const SEGMENTS: usize = 2;

/// Clauses with numbers from here on are not placed yet.
const LATER: u32 = 1 << 30;

#[derive(Clone, Debug)]
pub(super) enum Expr {
    Const(Value),
    Leaf(Op),
    Attribute(usize),
    Trigger(usize),
    Field(usize),
    HasTag(usize),
    Messages(StatusKind, MessageRef, i32, Option<Box<Expr>>),
    Unary(Op, Box<Expr>),
    Binary(Op, Box<(Expr, Expr)>),
    Within(WeekdaySet, Box<(Expr, Expr, Expr)>),
    /// Four operands: `add-within`, `next-every`.
    Four(Op, Box<[Expr; 4]>),
    Matches(&'static str, Box<Expr>),
    History(Box<Question>),
    /// Facts of a name: stage, consent, journeys.
    Named(Op, &'static str),
    WasInJourney(&'static str, i32),
    Record(Box<(Expr, Expr)>),
    And(Box<(Expr, Expr)>),
    Or(Box<(Expr, Expr)>),
}

/// Event, filter, days, since entry, since, aggregate.
type Question = (&'static str, Option<Expr>, Option<i32>, bool, Option<Expr>, Aggregate);

#[derive(Clone, Debug)]
struct Pattern {
    event: &'static str,
    message: MessageRef,
    filter: Option<Expr>,
}

#[derive(Clone, Debug)]
enum Stmt {
    Send { channels: Vec<Channel>, message: usize, handle: Option<u16> },
    Wait { deadline: Option<(Expr, bool, bool)>, arms: Vec<(Pattern, bool, Vec<Stmt>)>, conditions: Vec<Expr> },
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    Repeat(u8, Vec<Stmt>),
    AddTag(usize),
    RemoveTag(usize),
    Set(usize, Expr),
    Split(Vec<Stmt>, Vec<Stmt>),
    Record(&'static str, Expr),
    MoveTo(&'static str),
    Named(Op, &'static str),
    Suppress(Expr),
    Notify,
    End,
}

#[derive(Clone, Debug)]
enum On {
    Plain(TriggerKind),
    Enters(usize, bool),
    Moment(Expr),
}

#[derive(Clone, Debug)]
struct Journey {
    triggers: Vec<On>,
    priority: i8,
    holdout: u32,
    collect: Option<(i64, Option<u32>)>,
    filter: Option<Expr>,
    key: Option<Expr>,
    reenter: Reenter,
    exits: Vec<Result<Pattern, Expr>>,
    goals: Vec<(Pattern, Option<i32>, bool)>,
    topic: bool,
    steps: Vec<Stmt>,
}

const MESSAGES: [&str; 3] = ["news", "offer", "receipt"];

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Unset),
        any::<bool>().prop_map(Value::Bool),
        (-5i64..100).prop_map(Value::int),
        prop::sample::select(vec!["free", "pro", "monday", "a@b.example", "+491511", ""]).prop_map(Value::text),
        (20_500i32..20_600).prop_map(|day| Value::Date(Date(day))),
        (0u32..86_400).prop_map(|second| Value::Time(Time(second))),
        (20_500i64..20_600).prop_map(|day| Value::Instant(Instant(day * DAY + 37 * MINUTE))),
        (20_500i64..20_600).prop_map(|day| Value::Local(day * DAY)),
        span().prop_map(Value::Span),
        Just(Value::List([Value::text("pro"), Value::int(1)].into())),
    ]
}

fn span() -> impl Strategy<Value = Span> {
    prop_oneof![
        (0i32..5).prop_map(|days| Span { days, ..Span::default() }),
        (-1i32..2).prop_map(|months| Span { months, ..Span::default() }),
        (0i64..600).prop_map(|minutes| Span { millis: minutes * MINUTE, ..Span::default() }),
    ]
}

fn message_ref() -> impl Strategy<Value = MessageRef> {
    prop::sample::select(vec![
        MessageRef::Last,
        MessageRef::SinceEntry,
        MessageRef::Handle(HandleIx(0)),
        MessageRef::Handle(HandleIx(1)),
        MessageRef::Any(None),
        MessageRef::Any(Some(Channel::Sms)),
        MessageRef::None,
    ])
}

fn status() -> impl Strategy<Value = StatusKind> {
    prop::sample::select(vec![
        StatusKind::Delivered,
        StatusKind::Opened,
        StatusKind::Clicked,
        StatusKind::Bounced,
        StatusKind::Skipped,
    ])
}

fn days() -> impl Strategy<Value = WeekdaySet> {
    (0u8..128).prop_map(WeekdaySet)
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        3 => value().prop_map(Expr::Const),
        2 => Just(Expr::Const(Value::Bool(true))),
        2 => (0..ATTRIBUTES.len()).prop_map(Expr::Attribute),
        1 => (0..FIELDS.len()).prop_map(Expr::Trigger),
        1 => (0..FIELDS.len()).prop_map(Expr::Field),
        1 => (0..TAGS.len()).prop_map(Expr::HasTag),
        1 => prop::sample::select(vec![Op::Now, Op::Today, Op::EnteredAt, Op::WaitStart, Op::Load(SlotIx(0))])
            .prop_map(Expr::Leaf),
        2 => (status(), message_ref()).prop_map(|(status, message)| Expr::Leaf(Op::Status(status, message))),
        1 => message_ref().prop_map(|message| Expr::Leaf(Op::ClickedLink(NameIx(0), message))),
        1 => (status(), message_ref(), 0i32..10)
            .prop_map(|(status, message, days)| Expr::Messages(status, message, days, None)),
        1 => prop::sample::select(vec![Op::Reachable(Channel::Email), Op::Reachable(Channel::Sms)]).prop_map(Expr::Leaf),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        let pair = || (inner.clone(), inner.clone()).prop_map(Box::new);
        let aggregate = prop::sample::select(vec![
            Aggregate::Count,
            Aggregate::Days,
            Aggregate::Distinct("page".into()),
            Aggregate::Sum("amount".into()),
            Aggregate::Average("amount".into()),
            Aggregate::Min("amount".into()),
            Aggregate::Max("amount".into()),
            Aggregate::First("page".into()),
            Aggregate::Last("page".into()),
            Aggregate::FirstAt,
            Aggregate::LastAt,
        ]);
        let history = (
            prop::sample::select(EVENTS.to_vec()),
            prop::option::weighted(0.3, inner.clone()),
            prop::option::of(0i32..6),
            any::<bool>(),
            prop::option::weighted(0.2, inner.clone()),
            aggregate,
        );
        let named = prop::sample::select(vec![
            (Op::Stage(NameIx(0)), "sales"),
            (Op::Consents(NameIx(0), None), "offers"),
            (Op::Consents(NameIx(0), Some(Channel::Sms)), "offers"),
            (Op::InJourney(NameIx(0)), "j0"),
            (Op::InJourney(NameIx(0)), "j1"),
            (Op::Score(NameIx(0)), "engagement"),
        ]);
        let mut unary = vec![
            Op::ScoreAbove(NameIx(0)),
            Op::ScoreFrom(NameIx(0)),
            Op::Reached,
            Op::Not,
            Op::IsSet,
            Op::WeekdayOf,
            Op::HourOf,
            Op::ToInstant,
            Op::Member(NameIx(0)),
        ];
        unary.extend(Function::ALL.map(Op::Function));
        let binary = vec![
            Op::MatchAny(TextMatch::Contains),
            Op::MatchAll(TextMatch::EndsWith),
            Op::Tally,
            Op::Append,
            Op::Without,
            Op::Later,
            Op::Between,
            Op::Equal,
            Op::Less,
            Op::LessOrEqual,
            Op::Add,
            Op::Subtract,
            Op::Multiply,
            Op::Divide,
            Op::In,
            Op::Contains,
            Op::StartsWith,
            Op::EndsWith,
        ];
        prop_oneof![
            2 => (prop::sample::select(unary), inner.clone()).prop_map(|(op, of)| Expr::Unary(op, Box::new(of))),
            3 => (prop::sample::select(binary), pair()).prop_map(|(op, sides)| Expr::Binary(op, sides)),
            1 => (days(), pair()).prop_map(|(days, sides)| Expr::Binary(Op::NextAt(days), sides)),
            1 => (days(), inner.clone(), 0u32..1440, 0u32..1440).prop_map(|(days, at, from, to)| {
                let time = |minute: u32| Expr::Const(Value::Time(Time(minute * 60)));
                Expr::Within(days, Box::new((at, time(from), time(to))))
            }),
            1 => (days(), [inner.clone(), inner.clone(), inner.clone(), inner.clone()])
                .prop_map(|(days, four)| Expr::Four(Op::AddWithin(days), Box::new(four))),
            1 => [inner.clone(), inner.clone(), inner.clone(), inner.clone()]
                .prop_map(|four| Expr::Four(Op::NextEvery, Box::new(four))),
            1 => (prop::sample::select(vec!["fr", "^[0-9]+$"]), inner.clone())
                .prop_map(|(pattern, of)| Expr::Matches(pattern, Box::new(of))),
            1 => (status(), message_ref(), 0i32..10, inner.clone()).prop_map(|(status, message, days, since)| {
                Expr::Messages(status, message, days, Some(Box::new(since)))
            }),
            2 => history.prop_map(|history| Expr::History(Box::new(history))),
            1 => named.prop_map(|(op, name)| Expr::Named(op, name)),
            1 => (0i32..5).prop_map(|days| Expr::WasInJourney("j1", days)),
            1 => (0u32..1_000_000).prop_map(|share| Expr::Leaf(Op::Chance(share))),
            1 => pair().prop_map(Expr::Record),
            1 => pair().prop_map(Expr::And),
            1 => pair().prop_map(Expr::Or),
        ]
    })
}

/// Mostly `wait SPAN`, so that runs get somewhere.
fn moment() -> impl Strategy<Value = Expr> {
    let later = |span| Expr::Binary(Op::Add, Box::new((Expr::Leaf(Op::WaitStart), Expr::Const(Value::Span(span)))));
    prop_oneof![4 => span().prop_map(later), 1 => expr()]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let of_messages = (prop::sample::select(vec!["opened", "clicked", "delivered"]), message_ref());
    let declared =
        (prop::sample::select(vec!["purchase", "visit", "tagged", "changed", "unsubscribed"]), Just(MessageRef::None));
    let event = prop_oneof![of_messages, declared];
    (event, prop::option::weighted(0.3, expr())).prop_map(|((event, message), filter)| Pattern {
        event,
        message,
        filter,
    })
}

fn steps() -> impl Strategy<Value = Vec<Stmt>> {
    let leaf = prop_oneof![
        4 => (prop::collection::vec(prop::sample::select(vec![Channel::Email, Channel::Sms]), 1..3), 0..MESSAGES.len(), prop::option::of(0u16..2))
            .prop_map(|(channels, message, handle)| Stmt::Send { channels, message, handle }),
        3 => moment().prop_map(|at| Stmt::Wait { deadline: Some((at, false, false)), arms: vec![], conditions: vec![] }),
        1 => (0..TAGS.len()).prop_map(Stmt::AddTag),
        1 => (0..TAGS.len()).prop_map(Stmt::RemoveTag),
        1 => (0..ATTRIBUTES.len(), expr()).prop_map(|(name, value)| Stmt::Set(name, value)),
        1 => (prop::sample::select(EVENTS.to_vec()), expr()).prop_map(|(event, amount)| Stmt::Record(event, amount)),
        1 => prop::sample::select(vec!["new", "won"]).prop_map(Stmt::MoveTo),
        1 => prop::sample::select(vec![
            (Op::Subscribe(NameIx(0), None), "offers"),
            (Op::Subscribe(NameIx(0), Some(Channel::Sms)), "offers"),
            (Op::Unsubscribe(NameIx(0), None), "offers"),
            (Op::Unsubscribe(NameIx(0), Some(Channel::Email)), "offers"),
            (Op::StartJourney(NameIx(0)), "j0"),
            (Op::StartJourney(NameIx(0)), "j1"),
            (Op::StopJourney(NameIx(0)), "j0"),
            (Op::StopJourney(NameIx(0)), "j1"),
        ])
        .prop_map(|(op, name)| Stmt::Named(op, name)),
        1 => expr().prop_map(Stmt::Suppress),
        1 => Just(Stmt::Notify),
        1 => Just(Stmt::End),
    ];
    let stmt = leaf.prop_recursive(3, 16, 4, |inner| {
        let block = || prop::collection::vec(inner.clone(), 0..3);
        let deadline = prop::option::weighted(0.8, (moment(), any::<bool>(), any::<bool>()));
        let arms = prop::collection::vec((pattern(), any::<bool>(), block()), 0..3);
        prop_oneof![
            3 => (deadline, arms, prop::collection::vec(expr(), 0..2))
                .prop_map(|(deadline, arms, conditions)| Stmt::Wait { deadline, arms, conditions }),
            2 => (expr(), block(), block()).prop_map(|(condition, yes, no)| Stmt::If(condition, yes, no)),
            1 => (block(), block()).prop_map(|(a, b)| Stmt::Split(a, b)),
            1 => (1u8..4, block()).prop_map(|(times, body)| Stmt::Repeat(times, body)),
        ]
    });
    prop::collection::vec(stmt, 1..5)
}

fn journey() -> impl Strategy<Value = Journey> {
    let trigger = prop_oneof![
        3 => prop::sample::select(TAGS.to_vec()).prop_map(|tag| TriggerKind::Tag(tag.into())),
        1 => prop::sample::select(TAGS.to_vec()).prop_map(|tag| TriggerKind::Untag(tag.into())),
        3 => prop::sample::select(EVENTS.to_vec()).prop_map(|event| TriggerKind::Event(event.into())),
        1 => Just(TriggerKind::Created),
        1 => Just(TriggerKind::Reaches { funnel: "sales".into(), stage: "won".into() }),
        1 => Just(TriggerKind::Message(StatusKind::Opened, MessageScope::Any, None)),
        1 => Just(TriggerKind::Message(StatusKind::Clicked, MessageScope::Named("news".into()), None)),
        1 => Just(TriggerKind::Unsubscribed(Some("offers".into()), None)),
        1 => Just(TriggerKind::Changes { attribute: "plan".into(), from: None, to: Some(Value::text("pro")) }),
    ];
    let trigger = prop_oneof![
        8 => trigger.prop_map(On::Plain),
        1 => (0..SEGMENTS, any::<bool>()).prop_map(|(segment, enters)| On::Enters(segment, enters)),
        1 => (days(), 0u32..1440).prop_map(|(days, minute)| {
            let time = Expr::Const(Value::Time(Time(minute * 60)));
            On::Moment(Expr::Binary(Op::NextAt(days), Box::new((Expr::Leaf(Op::WaitStart), time))))
        }),
        1 => (0..ATTRIBUTES.len()).prop_map(|name| On::Moment(Expr::Attribute(name))),
    ];
    let reenter = prop_oneof![
        Just(Reenter::Never),
        Just(Reenter::Always),
        Just(Reenter::Restart),
        span().prop_map(Reenter::After),
    ];
    let exits = prop::collection::vec(prop_oneof![2 => pattern().prop_map(Ok), 1 => expr().prop_map(Err)], 0..2);
    let goals = prop::collection::vec((pattern(), prop::option::of(0i32..10), any::<bool>()), 0..2);
    let extras = (
        -1i8..2,
        prop_oneof![4 => Just(0u32), 1 => Just(500_000)],
        prop::option::weighted(0.15, (0i64..900, prop::option::of(1u32..4))),
    );
    (
        (prop::collection::vec(trigger, 1..3), extras),
        prop::option::weighted(0.1, expr()),
        prop::option::weighted(0.3, expr()),
        reenter,
        exits,
        goals,
        any::<bool>(),
        steps(),
    )
        .prop_map(
            |((triggers, (priority, holdout, collect)), filter, key, reenter, exits, goals, topic, steps)| Journey {
                triggers,
                priority,
                holdout,
                collect,
                filter,
                key,
                reenter,
                exits,
                goals,
                topic,
                steps,
            },
        )
}

fn kind() -> impl Strategy<Value = InputKind> {
    let attribute = (prop::sample::select(ATTRIBUTES.to_vec()), value());
    let tags = || prop::collection::vec(prop::sample::select(TAGS.to_vec()), 0..2);
    let smol = |names: Vec<&str>| names.into_iter().map(SmolStr::from).collect::<Vec<_>>();
    let payload = (value(), prop::sample::select(vec!["home", "pricing"])).prop_map(|(amount, page)| {
        Value::Record([("amount".into(), amount), ("page".into(), Value::text(page))].into_iter().collect())
    });
    let names = prop_oneof![
        (0u32..8).prop_map(MessageName::Number),
        prop::sample::select(MESSAGES.to_vec()).prop_map(|name| MessageName::Newest(name.into())),
    ];
    prop_oneof![
        3 => (prop::collection::vec(attribute, 0..3), tags(), tags()).prop_map(move |(attributes, add, remove)| {
            let attributes = attributes.into_iter().map(|(name, value)| (name.into(), value)).collect();
            InputKind::Upsert { attributes, add_tags: smol(add), remove_tags: smol(remove) }
        }),
        4 => (prop::sample::select(EVENTS.to_vec()), payload)
            .prop_map(|(name, payload)| InputKind::Event { name: name.into(), payload }),
        4 => (names, status(), prop::option::of(Just("pricing".into())), prop::bool::weighted(0.2))
            .prop_map(|(message, status, link, machine)| InputKind::Message { message, status, link, machine }),
        1 => prop::option::of(Just(SmolStr::from("offers"))).prop_map(|topic| InputKind::Unsubscribe { topic }),
        1 => prop::option::of(Just(Channel::Email))
            .prop_map(|channel| InputKind::Subscribe {
                topic: "offers".into(),
                channel,
                evidence: Evidence::default(),
            }),
        1 => Just(InputKind::Start { journey: "j0".into(), payload: Value::Unset }),
    ]
}

/// A history: a contact with addresses, and then anything, in order.
fn history() -> impl Strategy<Value = Vec<Input>> {
    let gap = prop_oneof![1 => Just(0), 2 => 0i64..60 * MINUTE, 3 => 0i64..3 * DAY];
    prop::collection::vec((gap, kind()), 0..14).prop_map(|events| {
        let mut at = at("2026-03-25 09:10");
        let email = upsert(&[("email", "a@b.example"), ("phone", "+491511")], &["t0"]);
        let mut inputs = vec![Input { seq: 1, at, kind: email }];
        for (gap, kind) in events {
            at.0 += gap;
            inputs.push(Input { seq: inputs.len() as i64 + 1, at, kind });
        }
        inputs
    })
}

fn expression(asm: &mut Asm, code: &mut Vec<Op>, base: u32, e: &Expr) {
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

fn assemble(name: &str, journey: &Journey, segments: &[Expr]) -> Program {
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
fn project((journeys, segments): &(Vec<Journey>, Vec<Expr>), policy: Policy) -> Linked {
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

fn journeys() -> impl Strategy<Value = (Vec<Journey>, Vec<Expr>)> {
    (prop::collection::vec(journey(), 1..4), prop::collection::vec(expr(), SEGMENTS))
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 2000, ..ProptestConfig::default() })]

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
        let at_once = advance(&linked, &mut whole, &history, now);
        let mut told = Outcome::default();
        for part in history.chunks(parts) {
            let out = advance_part(&linked, &mut apart, part, now);
            told.outgoing.extend(out.outgoing);
            told.trace.extend(out.trace);
            told.trials.extend(out.trials);
        }
        let out = advance(&linked, &mut apart, &[], now);
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
