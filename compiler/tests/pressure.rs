//! The most messages in a stretch of time, against all ways written out.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

mod support;

use std::fmt::Write;

use journey_compiler::compile;
use proptest::prelude::*;

/// A step; times are in hours.
#[derive(Clone, Debug)]
enum Step {
    Send,
    Wait(u32),
    /// A wait for an event, and what follows if it does not come.
    WaitFor(u32, Vec<Step>),
    If(Vec<Step>, Vec<Step>),
    /// A way that ends.
    IfEnd(Vec<Step>),
    Repeat(u32, bool, Vec<Step>),
}

fn text(steps: &[Step], out: &mut String) {
    for step in steps {
        let block = |steps: &[Step], end: &str| {
            let mut inner = String::new();
            text(steps, &mut inner);
            format!("{{ {inner} {end} }}")
        };
        let written = match step {
            Step::Send => "send email welcome".to_owned(),
            Step::Wait(hours) => format!("wait {hours}h"),
            Step::WaitFor(hours, late) => format!("wait for purchase up to {hours}h else {}", block(late, "")),
            Step::If(yes, no) => format!("if chance 50% {} else {}", block(yes, ""), block(no, "")),
            Step::IfEnd(yes) => format!("if chance 50% {}", block(yes, "end")),
            Step::Repeat(times, until, body) => {
                let until = if *until { "until chance 10% " } else { "" };
                format!("repeat up to {times} times {until}{}", block(body, ""))
            }
        };
        writeln!(out, "{written}").unwrap();
    }
}

/// A way: the hour at which it is, when it sent, and whether it goes on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    on: bool,
    hour: u32,
    sent: Vec<u32>,
}

/// More ways than this are not written out.
const MAX_WAYS: usize = 4000;

fn ways(steps: &[Step], begin: Vec<Way>) -> Option<Vec<Way>> {
    let mut all = begin;
    for step in steps {
        let (here, mut done): (Vec<Way>, Vec<Way>) = all.into_iter().partition(|way| way.on);
        let later = |hours: u32| here.iter().map(move |way| Way { hour: way.hour + hours, ..way.clone() });
        match step {
            Step::Send => done.extend(here.iter().map(|way| {
                let mut way = way.clone();
                way.sent.push(way.hour);
                way
            })),
            Step::Wait(hours) => done.extend(later(*hours)),
            Step::WaitFor(hours, late) => {
                done.extend(here.iter().cloned());
                done.extend(ways(late, later(*hours).collect())?);
            }
            Step::If(yes, no) => {
                done.extend(ways(yes, here.clone())?);
                done.extend(ways(no, here.clone())?);
            }
            Step::IfEnd(yes) => {
                let ended = ways(yes, here.clone())?;
                done.extend(ended.into_iter().map(|way| Way { on: false, ..way }));
                done.extend(here.iter().cloned());
            }
            Step::Repeat(times, until, body) => {
                let mut rest = here;
                for _ in 0..*times {
                    rest = ways(body, rest)?;
                    if *until {
                        done.extend(rest.iter().cloned());
                    }
                }
                done.extend(rest);
            }
        }
        done.sort();
        done.dedup();
        if done.len() > MAX_WAYS {
            return None;
        }
        all = done;
    }
    Some(all)
}

/// The most messages within so many hours, on any way.
fn most(ways: &[Way], hours: u32) -> usize {
    let of_way = |way: &Way| {
        let from = |first: &u32| way.sent.iter().filter(|at| **at >= *first && **at < first + hours).count();
        way.sent.iter().map(from).max().unwrap_or_default()
    };
    ways.iter().map(of_way).max().unwrap_or_default()
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let leaf = prop_oneof![3 => Just(Step::Send), 3 => (1..60_u32).prop_map(Step::Wait)];
    let step = leaf.prop_recursive(3, 16, 4, |inner| {
        let block = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            2 => inner.clone(),
            1 => (1..60_u32, block()).prop_map(|(hours, late)| Step::WaitFor(hours, late)),
            1 => (block(), block()).prop_map(|(yes, no)| Step::If(yes, no)),
            1 => block().prop_map(Step::IfEnd),
            1 => (1..4_u32, any::<bool>(), block()).prop_map(|(times, until, body)| Step::Repeat(times, until, body)),
        ]
    });
    prop::collection::vec(step, 1..6)
}

const PROJECT: &str = "// file: journey.toml\n[project]\nname = \"a\"\ntimezone = \"UTC\"\n\
    // file: messages/welcome.email.md\n---\nsubject: Welcome\n---\nHello\n\
    // file: main.journey\ncontact { email: email }\nevent purchase\njourney a {\non created\nreenter never\n";

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn no_way_sends_more_and_one_sends_as_many(steps in steps()) {
        let begin = vec![Way { on: true, hour: 0, sent: Vec::new() }];
        let Some(ways) = ways(&steps, begin) else { return Ok(()) };
        let mut journey = String::new();
        text(&steps, &mut journey);
        let compilation = compile(&support::project(&format!("{PROJECT}{journey}}}\n")));
        let pressure = compilation.pressure.first().unwrap();
        prop_assert_eq!((pressure.per_day, pressure.per_week), (most(&ways, 24), most(&ways, 24 * 7)), "{}", journey);
    }
}
