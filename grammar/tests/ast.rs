//! The typed views: what each accessor answers on a source that has its part, and on one that does not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::string_slice, clippy::indexing_slicing)]

use journey_grammar::ast::{
    ArmValue, AstNode, Bound, Clause, CompareOp, ExitItem, Expectation, Expr, File, Item, MessageRef, MessageSource,
    Moment, Pattern, Quantifier, Reenter, Step, Stimulus, TestStep, Trigger, Within,
};
use journey_grammar::{Tree, parse};

fn tree(source: &str) -> Tree {
    let parse = parse(source);
    assert_eq!(parse.errors, [], "{source}");
    parse.tree
}

fn step(source: &str, look: impl FnOnce(Step<'_>)) {
    let tree = tree(source);
    look(File::of(&tree).journeys().next().unwrap().steps().next().unwrap());
}

fn clause(source: &str, look: impl FnOnce(Clause<'_>)) {
    let tree = tree(source);
    look(File::of(&tree).journeys().next().unwrap().clauses().next().unwrap());
}

fn expr(source: &str, look: impl FnOnce(Expr<'_>)) {
    let tree = tree(&format!("segment s = {source}"));
    let Some(Item::Segment(segment)) = File::of(&tree).items().next() else { panic!("no segment") };
    look(segment.condition().unwrap());
}

/// Takes the variant out of an enum or fails.
macro_rules! is {
    ($value:expr, $pattern:pat => $out:expr) => {
        match $value {
            $pattern => $out,
            other => panic!("{other:?}"),
        }
    };
}

#[test]
fn files_and_declarations() {
    let tree = tree(
        "/// Everybody.\ncontact { email: email /// How it goes.\n plan: enum { free pro }? = free }\n\
         voucher a \"A\" from file \"a.csv\" voucher b \"B\" generate \"B-#\"\n\
         score s { purchase where amount > 5 EUR: +20 opened -2 halves every 30d }\n\
         funnel f { new -> won | lost } /// Says hello.\njourney j { end } test \"t\" { }",
    );
    let items: Vec<_> = File::of(&tree).items().collect();
    let contact = is!(items[0], Item::Contact(contact) => contact);
    assert_eq!(contact.syntax().docs().unwrap(), "Everybody.");
    let plan = contact.fields().nth(1).unwrap();
    assert_eq!(plan.name().unwrap().text(), "plan");
    assert_eq!(plan.docs().unwrap(), "How it goes.");
    assert!(plan.type_ref().unwrap().optional().is_some());
    let values: Vec<_> = plan.type_ref().unwrap().enum_type().unwrap().values().map(|value| value.text()).collect();
    assert_eq!(values, ["free", "pro"]);
    assert_eq!(plan.default().unwrap().syntax().text(), "free");
    let (a, b) = (is!(items[1], Item::Voucher(a) => a), is!(items[2], Item::Voucher(b) => b));
    assert_eq!((a.file().unwrap().text(), a.pattern()), ("\"a.csv\"", None));
    assert_eq!((b.file(), b.pattern().unwrap().text()), (None, "\"B-#\""));
    let score = is!(items[3], Item::Score(score) => score);
    let points: Vec<_> = score.rules().map(|rule| (rule.points().unwrap().text(), rule.is_negative())).collect();
    assert_eq!(points, [("20", false), ("2", true)]);
    assert_eq!(score.decay().unwrap().half_life().unwrap().text(), "30d");
    let funnel = is!(items[4], Item::Funnel(funnel) => funnel);
    let stages: Vec<Vec<_>> = funnel.groups().map(|group| group.stages().map(|name| name.text()).collect()).collect();
    assert_eq!(stages, [vec!["new"], vec!["won", "lost"]]);
    let journey = is!(items[5], Item::Journey(journey) => journey);
    assert_eq!((journey.name().unwrap().text(), journey.docs().unwrap().as_str()), ("j", "Says hello."));
}

#[test]
fn header_clauses() {
    clause("on plan changes from free to pro end", |clause| {
        let trigger = is!(clause, Clause::Trigger(on) => on.trigger().unwrap());
        let change = is!(trigger, Trigger::Pattern(Pattern::Change(change)) => change);
        assert_eq!(change.attribute().unwrap().single().unwrap().text(), "plan");
        assert_eq!(change.from().unwrap().syntax().text(), "free");
        assert_eq!(change.to().unwrap().syntax().text(), "pro");
    });
    clause("on every monday to friday, sunday at 09:00 for engaged end", |clause| {
        let schedule = is!(clause, Clause::Trigger(on) => is!(on.trigger().unwrap(), Trigger::Schedule(it) => it));
        let days: Vec<_> = schedule.days().unwrap().parts().map(|(a, b)| (a.text(), b.map(|b| b.text()))).collect();
        assert_eq!(days, [("monday", Some("friday")), ("sunday", None)]);
        assert_eq!(schedule.time().unwrap().text(), "09:00");
        assert_eq!(schedule.segment().unwrap().text(), "engaged");
    });
    clause("reenter after 90d end", |clause| {
        let rule = is!(clause, Clause::Reenter(reenter) => reenter.rule().unwrap());
        assert_eq!(is!(rule, Reenter::After(duration) => duration.text()), "90d");
    });
    clause("exit when purchase or tag vip or plan is pro { end } end", |clause| {
        let exit = is!(clause, Clause::Exit(exit) => exit);
        let items: Vec<_> = exit.items().collect();
        assert_eq!(items.len(), 3);
        assert!(matches!(items[0], ExitItem::Condition(Expr::Path(_))));
        assert!(matches!(items[1], ExitItem::Pattern(Pattern::Tag(_))));
        assert!(matches!(items[2], ExitItem::Condition(Expr::Compare(_))));
        assert_eq!(exit.block().unwrap().steps().count(), 1);
        assert!(!exit.on_goal() && exit.after().is_none());
    });
    clause("collect until friday 16:00 per page at most 50 as week end", |clause| {
        let collect = is!(clause, Clause::Collect(collect) => collect);
        assert!(collect.duration().is_none() && collect.days().is_some());
        assert_eq!(collect.time().unwrap().text(), "16:00");
        assert_eq!(collect.per().unwrap().key().unwrap().syntax().text(), "page");
        assert_eq!((collect.limit().unwrap().text(), collect.name().unwrap().text()), ("50", "week"));
    });
    clause("migrate old to end end", |clause| {
        let migrate = is!(clause, Clause::Migrate(migrate) => migrate);
        assert!(migrate.to_end() && migrate.to().is_none());
        assert_eq!(migrate.from().unwrap().text(), "old");
    });
}

#[test]
fn steps() {
    step("send push or sms nudge as n with subject \"S\" from \"F\" to owner", |step| {
        let send = is!(step, Step::Send(send) => send);
        let channels: Vec<_> = send.channels().map(|name| name.text()).collect();
        assert_eq!(channels, ["push", "sms"]);
        assert_eq!(is!(send.message().unwrap(), MessageSource::Name(name) => name.text()), "nudge");
        assert_eq!(send.handle().unwrap().text(), "n");
        assert_eq!(send.settings().next().unwrap().name().unwrap().text(), "subject");
        assert_eq!(send.from().unwrap().syntax().text(), "\"F\"");
        assert_eq!(send.to().unwrap().syntax().text(), "owner");
    });
    step("send sms \"Hi\"", |step| {
        let send = is!(step, Step::Send(send) => send);
        assert_eq!(is!(send.message().unwrap(), MessageSource::Text(text) => text.text()), "\"Hi\"");
        assert!(send.handle().is_none());
    });
    step("wait 1h to 3h within weekdays", |step| {
        let wait = is!(step, Step::Wait(wait) => wait);
        assert_eq!(wait.duration().unwrap().syntax().text(), "1h");
        assert_eq!(wait.longest().unwrap().syntax().text(), "3h");
        assert!(wait.window().unwrap().days().is_some());
    });
    step("wait until tuesday at 12:00", |step| {
        let moment = is!(step, Step::WaitUntil(wait) => wait.moment().unwrap());
        assert_eq!(is!(moment, Moment::Days(_, time) => time.unwrap().text()), "12:00");
    });
    step("wait until starts_at - 1d at 09:00 else end", |step| {
        let wait = is!(step, Step::WaitUntil(wait) => wait);
        assert!(wait.otherwise().is_some() && wait.up_to().is_none());
        let (value, time) = is!(wait.moment().unwrap(), Moment::Value(value, time) => (value, time));
        assert_eq!((value.syntax().text(), time.unwrap().text()), ("starts_at - 1d", "09:00"));
    });
    step("wait for opened any email from now up to 4h within 09:00 to 17:00 else { end }", |step| {
        let wait = is!(step, Step::WaitFor(wait) => wait);
        let status = is!(wait.pattern().unwrap(), Pattern::Status(status) => status);
        assert_eq!(status.status().unwrap().text(), "opened");
        assert_eq!(is!(status.message().unwrap(), MessageRef::Any(name) => name.text()), "email");
        assert!(wait.from_now());
        let up_to = wait.up_to().unwrap();
        assert_eq!(up_to.duration().unwrap().text(), "4h");
        assert_eq!(up_to.window().unwrap().to().unwrap().text(), "17:00");
        assert_eq!(wait.otherwise().unwrap().steps().count(), 1);
    });
    step("choose plan { free, -1 to 9 { end } else end }", |step| {
        let choose = is!(step, Step::Choose(choose) => choose);
        let values: Vec<_> = choose.arms().next().unwrap().values().collect();
        assert!(matches!(values[0], ArmValue::Constant(Expr::Path(_))));
        let range = is!(values[1], ArmValue::Range(range) => range);
        assert_eq!((range.from().unwrap().syntax().text(), range.to().unwrap().syntax().text()), ("-1", "9"));
        assert!(choose.otherwise().is_some());
    });
    step("add x to contact.list", |step| {
        let add = is!(step, Step::Add(add) => add);
        assert_eq!(add.value().unwrap().syntax().text(), "x");
        assert_eq!(add.attribute().unwrap().syntax().text(), "contact.list");
    });
    step("set a.b to c + 1", |step| {
        let set = is!(step, Step::Set(set) => set);
        assert_eq!(set.attribute().unwrap().segments().map(|word| word.text()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(set.value().unwrap().syntax().text(), "c + 1");
    });
    step("notify slack \"#sales\" \"text\"", |step| {
        let notify = is!(step, Step::Notify(notify) => notify);
        assert_eq!(notify.recipient().unwrap().syntax().text(), "slack");
        assert_eq!((notify.target().unwrap().text(), notify.text().unwrap().text()), ("\"#sales\"", "\"text\""));
    });
    step("notify owner \"text\"", |step| {
        let notify = is!(step, Step::Notify(notify) => notify);
        assert_eq!((notify.target(), notify.text().unwrap().text()), (None, "\"text\""));
    });
    step("split s { 45% a { } 55% b { end } } measure purchase within 14d for at least 7d then best", |step| {
        let split = is!(step, Step::Split(split) => split);
        let arms: Vec<_> =
            split.arms().map(|arm| (arm.percent().unwrap().text(), arm.name().unwrap().text())).collect();
        assert_eq!(arms, [("45%", "a"), ("55%", "b")]);
        assert_eq!(split.measure().unwrap().within().unwrap().text(), "14d");
        assert_eq!(split.run_for().unwrap().text(), "7d");
        assert!(split.then_best());
    });
}

#[test]
fn conditions_and_values() {
    for (source, operator) in [
        ("a is b", CompareOp::Is),
        ("a is not b", CompareOp::IsNot),
        ("a == b", CompareOp::Is),
        ("a != b", CompareOp::IsNot),
        ("a <= b", CompareOp::LessOrEqual),
        ("a before b", CompareOp::Before),
        ("a is not after b", CompareOp::NotAfter),
    ] {
        expr(source, |expr| {
            let compare = is!(expr, Expr::Compare(compare) => compare);
            assert_eq!(compare.operator(), Some(operator), "{source}");
            assert_eq!(compare.left().unwrap().syntax().text(), "a");
            assert_eq!(compare.right().unwrap().syntax().text(), "b");
        });
    }
    expr("a between 1 and b + 2 and c", |expr| {
        let and = is!(expr, Expr::And(and) => and);
        let between = is!(and.operands().next().unwrap(), Expr::Between(between) => between);
        assert_eq!(between.low().unwrap().syntax().text(), "1");
        assert_eq!(between.high().unwrap().syntax().text(), "b + 2");
        assert_eq!(and.operands().nth(1).unwrap().syntax().text(), "c");
    });
    expr("a is not within next 3d", |expr| {
        let within = is!(expr, Expr::Within(within) => within);
        assert!(within.is_negated());
        assert_eq!(is!(within.within().unwrap(), Within::Next(duration) => duration.text()), "3d");
    });
    expr("a not contains any of [b]", |expr| {
        let matches = is!(expr, Expr::Match(matches) => matches);
        assert!(matches.is_negated());
        assert_eq!(matches.quantifier(), Some(Quantifier::Any));
        assert_eq!(matches.right().unwrap().syntax().text(), "[b]");
    });
    expr("did not purchase where a > 1 at least 2 days since entry until b", |expr| {
        let did = is!(expr, Expr::Did(did) => did);
        assert!(did.is_negated());
        assert_eq!(did.event().unwrap().text(), "purchase");
        assert_eq!(did.filter().unwrap().syntax().text(), "a > 1");
        let count = did.count().unwrap();
        assert_eq!((count.bound(), count.number().unwrap().text()), (Some(Bound::AtLeast), "2"));
        assert!(count.counts_days());
        let since = did.since().unwrap();
        assert!(since.since_entry() && since.from().is_none());
        assert_eq!(since.until().unwrap().syntax().text(), "b");
    });
    expr("at most 2 of [a, b]", |expr| {
        let quantified = is!(expr, Expr::Quantified(quantified) => quantified);
        let (bound, number) = quantified.bound().unwrap();
        assert_eq!((bound, number.text()), (Bound::AtMost, "2"));
        assert_eq!(quantified.list().unwrap().elements().count(), 2);
    });
    expr("was in journey j within 3d", |expr| {
        let member = is!(expr, Expr::Member(member) => member);
        assert!(member.was() && member.group().is_none());
        assert_eq!((member.journey().unwrap().text(), member.within().unwrap().text()), ("j", "3d"));
    });
    expr("first purchase at before ((2d ago))", |expr| {
        let compare = is!(expr, Expr::Compare(compare) => compare);
        let occurrence = is!(compare.left().unwrap(), Expr::Occurrence(occurrence) => occurrence);
        assert!(occurrence.is_first() && occurrence.asks_when());
        assert!(matches!(compare.right().unwrap().unparenthesised(), Some(Expr::Ago(_))));
    });
}

#[test]
fn tests_of_journeys() {
    let tree = tree(
        "test \"t\" { given contact ada { a: 1 } consents to offers has tag vip \
         given call x.y fails after 2d event purchase { amount: 3 EUR } for ada \
         at 2026-03-02 10:00 expect no send sms nudge expect end because goal for ada expect plan is pro }",
    );
    let test = File::of(&tree).tests().next().unwrap();
    assert_eq!(test.title().unwrap().text(), "\"t\"");
    let steps: Vec<_> = test.steps().collect();
    let contact = is!(steps[0], TestStep::Contact(contact) => contact);
    assert_eq!(contact.name().unwrap().text(), "ada");
    assert_eq!(contact.attributes().unwrap().fields().next().unwrap().name().unwrap().text(), "a");
    assert_eq!(contact.facts().count(), 2);
    assert!(is!(steps[1], TestStep::Call(call) => call.fails()));
    let event = is!(steps[2], TestStep::Event(event) => event);
    assert!(event.moment().is_some());
    assert_eq!(event.contact().unwrap().text(), "ada");
    let stimulus = is!(event.stimulus().unwrap(), Stimulus::Event(stimulus) => stimulus);
    assert_eq!(stimulus.event().unwrap().text(), "purchase");
    let expect = is!(steps[3], TestStep::Expect(expect) => expect);
    assert!(expect.is_negated() && expect.moment().is_some());
    let send = is!(expect.expectation().unwrap(), Expectation::Send(send) => send);
    assert_eq!((send.channel().unwrap().text(), send.message().unwrap().text()), ("sms", "nudge"));
    let end =
        is!(steps[4], TestStep::Expect(expect) => is!(expect.expectation().unwrap(), Expectation::End(end) => end));
    assert_eq!(end.reason().unwrap().text(), "goal");
    let condition = is!(steps[5], TestStep::Expect(expect) => expect.expectation().unwrap());
    assert!(matches!(condition, Expectation::Condition(Expr::Compare(_))));
}
