//! Journeys and histories by chance, as plain data.

use proptest::prelude::*;
use smol_str::SmolStr;

use super::super::*;
use crate::time::DAY;

pub(super) const ATTRIBUTES: [&str; 4] = ["email", "phone", "plan", "renewal"];
pub(super) const TAGS: [&str; 3] = ["t0", "t1", "t2"];
pub(super) const EVENTS: [&str; 2] = ["purchase", "visit"];
pub(super) const FIELDS: [&str; 3] = ["amount", "page", "tag"];
pub(super) const MINUTE: i64 = 60_000;
pub(super) const SEGMENTS: usize = 2;

/// Clauses with numbers from here on are not placed yet.
pub(super) const LATER: u32 = 1 << 30;

#[derive(Clone, Debug)]
pub(in crate::core::advance::tests) enum Expr {
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
pub(super) type Question = (&'static str, Option<Expr>, Option<i32>, bool, Option<Expr>, Aggregate);

#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) event: &'static str,
    pub(super) message: MessageRef,
    pub(super) filter: Option<Expr>,
}

#[derive(Clone, Debug)]
pub(super) enum Stmt {
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
pub(super) enum On {
    Plain(TriggerKind),
    Enters(usize, bool),
    Moment(Expr),
}

#[derive(Clone, Debug)]
pub(super) struct Journey {
    pub(super) triggers: Vec<On>,
    pub(super) priority: i8,
    pub(super) holdout: u32,
    pub(super) collect: Option<(i64, Option<u32>)>,
    pub(super) filter: Option<Expr>,
    pub(super) key: Option<Expr>,
    pub(super) reenter: Reenter,
    pub(super) exits: Vec<Result<Pattern, Expr>>,
    pub(super) goals: Vec<(Pattern, Option<i32>, bool)>,
    pub(super) topic: bool,
    pub(super) steps: Vec<Stmt>,
}

pub(super) const MESSAGES: [&str; 3] = ["news", "offer", "receipt"];

pub(super) fn value() -> impl Strategy<Value = Value> {
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

pub(super) fn span() -> impl Strategy<Value = Span> {
    prop_oneof![
        (0i32..5).prop_map(|days| Span { days, ..Span::default() }),
        (-1i32..2).prop_map(|months| Span { months, ..Span::default() }),
        (0i64..600).prop_map(|minutes| Span { millis: minutes * MINUTE, ..Span::default() }),
    ]
}

pub(super) fn message_ref() -> impl Strategy<Value = MessageRef> {
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

pub(super) fn status() -> impl Strategy<Value = StatusKind> {
    prop::sample::select(vec![
        StatusKind::Delivered,
        StatusKind::Opened,
        StatusKind::Clicked,
        StatusKind::Bounced,
        StatusKind::Skipped,
    ])
}

pub(super) fn days() -> impl Strategy<Value = WeekdaySet> {
    (0u8..128).prop_map(WeekdaySet)
}

pub(super) fn expr() -> impl Strategy<Value = Expr> {
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
pub(super) fn moment() -> impl Strategy<Value = Expr> {
    let later = |span| Expr::Binary(Op::Add, Box::new((Expr::Leaf(Op::WaitStart), Expr::Const(Value::Span(span)))));
    prop_oneof![4 => span().prop_map(later), 1 => expr()]
}

pub(super) fn pattern() -> impl Strategy<Value = Pattern> {
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

pub(super) fn steps() -> impl Strategy<Value = Vec<Stmt>> {
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

pub(super) fn journey() -> impl Strategy<Value = Journey> {
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

pub(super) fn journeys() -> impl Strategy<Value = (Vec<Journey>, Vec<Expr>)> {
    (prop::collection::vec(journey(), 1..4), prop::collection::vec(expr(), SEGMENTS))
}

pub(super) fn kind() -> impl Strategy<Value = InputKind> {
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
pub(super) fn history() -> impl Strategy<Value = Vec<Input>> {
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
