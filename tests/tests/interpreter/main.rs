//! The compiler and the machine against a naive interpreter: random programs that check clean, random histories, the same
//! effects at the same moments.
//!
//! The interpreter walks the program as it was made up. It never sees source text, bytecode, or a line of the compiler or
//! of the core; it shares the calendar with them (`runtime/tests/zoneinfo.rs` holds that against Python's).
//!
//! What is not decided here is not asked here: `rate` in the policy lives in the sending layer, which holds messages back
//! that the machine has decided long before (`runtime/src/send/`), and templates are filled there too.
//!
//! `JOURNEY_PROGRAMS=100000` tries so many programs; `JOURNEY_SEED=7` begins elsewhere.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failure is a failing test"
)]

mod generate;
mod interpret;
mod machine;
mod program;
mod text;
mod values;

use generate::Dice;
use interpret::World;
use program::{Act, Program};

/// How many programs a plain run of the tests tries.
const PROGRAMS: u64 = 400;

/// How many histories each program lives through.
const HISTORIES: u64 = 3;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// What both make of a history.
enum Compared {
    Same(usize),
    /// It never comes to rest.
    Endless,
    Different(String),
}

fn compare(program: &Program, machine: &machine::Machine, history: &[(i64, Act)]) -> Compared {
    let ran = machine.live(history);
    let walked = World::live(program, history, &ran.draws);
    let (Some(walked), Some(ran)) = (walked, ran.lines) else { return Compared::Endless };
    let same = |walked: &String, ran: &String| match ran.strip_suffix(machine::UNSEEN) {
        Some(seen) => walked.starts_with(seen),
        None => walked == ran,
    };
    if walked.len() == ran.len() && walked.iter().zip(&ran).all(|(walked, ran)| same(walked, ran)) {
        return Compared::Same(walked.len());
    }
    let at = walked.iter().zip(&ran).position(|(a, b)| !same(a, b)).unwrap_or(walked.len().min(ran.len()));
    let show = |lines: &[String]| {
        lines
            .iter()
            .enumerate()
            .map(|(n, line)| format!("{}{line}\n", if n == at { "> " } else { "  " }))
            .collect::<String>()
    };
    Compared::Different(format!("the interpreter:\n{}\nthe machine:\n{}", show(&walked), show(&ran)))
}

#[test]
fn the_machine_does_what_the_program_says() {
    let (first, programs) = (number("JOURNEY_SEED", 0), number("JOURNEY_PROGRAMS", PROGRAMS));
    let (mut clean, mut effects, mut endless) = (0, 0, 0);
    for seed in first..first + programs {
        let mut dice = Dice::new(seed);
        let program = generate::program(&mut dice);
        let source = program.source();
        let machine = match machine::Machine::of(&source) {
            Ok(machine) => machine,
            Err(findings) => {
                // What says the same twice, never is or is always so is refused; nothing else is wrong with these programs.
                let lawful = |finding: &String| finding.starts_with("J04") || finding.starts_with("J07");
                assert!(findings.iter().all(lawful), "seed {seed}:\n{source}\n{findings:#?}");
                continue;
            }
        };
        clean += 1;
        for _ in 0..HISTORIES {
            let history = generate::history(&mut dice, program.journeys.len());
            match compare(&program, &machine, &history) {
                Compared::Same(lines) => effects += lines,
                Compared::Endless => endless += 1,
                Compared::Different(_) => {
                    // The shortest history that still shows it.
                    let mut shorter = history;
                    let mut place = 0;
                    while place < shorter.len() {
                        let mut without = shorter.clone();
                        without.remove(place);
                        match compare(&program, &machine, &without) {
                            Compared::Different(_) => shorter = without,
                            Compared::Same(_) | Compared::Endless => place += 1,
                        }
                    }
                    if let Compared::Different(found) = compare(&program, &machine, &shorter) {
                        panic!("seed {seed}:\n{source}\n{shorter:#?}\n{found}");
                    }
                }
            }
        }
    }
    eprintln!("{clean} of {programs} programs checked clean; {effects} effects agree; {endless} histories have no end");
    assert!(clean * 3 >= programs, "only {clean} of {programs} programs check clean");
    assert!(effects as u64 > clean * 10, "the histories do little: {effects} effects");
    assert!(endless * 10 < clean * HISTORIES, "{endless} histories never come to rest");
}
