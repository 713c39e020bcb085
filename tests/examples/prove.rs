//! `cargo xtask prove`: the tests of `tests/sim/`, `tests/nights/`, `tests/faults/`, `tests/race/` and `tests/kill/`, with as many seeds, sends,
//! faults, moments, queued messages, contacts and kills as one wants; prints what came of it.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a proof talks, and ends where it fails"
)]

#[path = "../tests/faults/database.rs"]
mod database;
#[path = "../tests/faults/errors.rs"]
mod errors;
#[path = "../tests/kill/figures.rs"]
mod figures;
#[path = "../tests/kill/fleet.rs"]
mod fleet;
#[path = "../tests/sim/life.rs"]
mod life;
#[path = "../tests/sim/peers.rs"]
mod peers;
#[path = "../tests/sim/people.rs"]
mod people;
#[path = "../tests/faults/power.rs"]
mod power;
#[path = "../tests/sim/project.rs"]
mod project;
#[path = "../tests/sim/promises.rs"]
mod promises;
#[path = "../tests/race/run.rs"]
mod run;
#[path = "../tests/sim/seat.rs"]
mod seat;
#[path = "../tests/nights/sends.rs"]
mod sends;
#[path = "../tests/faults/trace.rs"]
mod trace;
#[path = "../tests/sim/world.rs"]
mod world;

use figures::Figures;
use fleet::{Fleet, Size};
use journey_tests::foreign;
use journey_tests::postgres::Cluster;
use journey_tests::random::Random;
use run::{Race, Word};

const ARGUMENTS: &str = "SEEDS SENDS FAULTS MOMENTS QUEUED CONTACTS KILLS";

fn main() {
    let mut given = std::env::args().skip(1).map(|number| number.parse::<usize>().expect(ARGUMENTS));
    let mut given = || given.next().expect(ARGUMENTS);
    let (seeds, sends, faults, moments) = (given(), given(), given(), given());
    let (queued, contacts, blows) = (given(), given(), given());
    match life::lives(0, seeds as u64) {
        Ok(sum) => println!("{sum}"),
        Err(broken) => panic!("{broken}"),
    }
    match sends::sends(sends as u64, &mut Random::new(0)) {
        Ok(told) => println!("{told}"),
        Err(broken) => panic!("{broken}"),
    }
    if let Some(strace) = foreign::strace() {
        for fault in &errors::FAULTS {
            match errors::lives(&strace, fault, &(1..=faults).collect::<Vec<_>>()) {
                Ok(sum) => println!("{}", sum.told(fault)),
                Err(wrong) => panic!("{wrong}"),
            }
        }
        errors::no_folder(&strace);
        let sum = power::fails(&strace, moments.div_ceil(10).max(90), moments, &mut Random::new(0));
        println!("{}", sum.told());
        sum.holds_good();
    }
    let leaving = (queued / 5).min(1_000);
    for (name, word) in [("SQLite", Word::Unsubscribe), ("SQLite, suppress", Word::Suppress)] {
        Race { name, workers: 1, database: None, queued, leaving, word }.run().holds_good();
    }
    if let Some(cluster) = Cluster::start() {
        let database = Some(cluster.database());
        Race { name: "PostgreSQL, 3 workers", workers: 3, database, queued, leaving, word: Word::Unsubscribe }
            .run()
            .holds_good();
    }
    let mut all: Vec<Figures> = Vec::new();
    for hold in [false, true] {
        let size = Size { contacts, blows, hold };
        let policy = if hold { "hold" } else { "resend" };
        let fleet = Fleet::start(1, None, size);
        all.push(fleet.run(&format!("SQLite, {policy}"), |fleet, _| fleet.kill(0)));
        if let Some(cluster) = Cluster::start() {
            let fleet = Fleet::start(4, Some(cluster.database()), size);
            let name = format!("PostgreSQL, 4 workers, {policy}");
            all.push(fleet.run(&name, |fleet, random| fleet.kill(random.below(4))));
        }
    }
    if let Some(cluster) = Cluster::start() {
        // A tenth of it: each blow takes as long as the worker is frozen.
        let size = Size { contacts: contacts.div_ceil(10), blows: blows.div_ceil(10), hold: false };
        let mut fleet = Fleet::start(4, Some(cluster.database()), size);
        fleet.shared = true;
        all.push(fleet.run("PostgreSQL, 4 workers, frozen", |fleet, random| fleet.freeze(random.below(4))));
    }
    println!("\n{}", Figures::table(&all));
    all.iter().for_each(Figures::hold_good);
}
