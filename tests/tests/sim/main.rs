//! The whole runtime, simulated: clock, store, peers, people, and two workers that crash. A seed makes a project's rules, a few
//! contacts, what they do, what somebody does to the project, and all that goes wrong; the engine, the core and the outbox are
//! the real ones. There is no real time and no other thread, so that a seed is the same life each time.
//!
//! A failing seed prints its number; `JOURNEY_SEED=7 JOURNEY_SEEDS=1 cargo test -p journey-tests --test sim -- --nocapture`
//! lives through it again and tells what happens. `JOURNEY_SEEDS=10000` lives through so many.
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

mod life;
mod peers;
mod people;
mod project;
mod promises;
mod seat;
mod world;

/// How many seeds a plain run of the tests lives through.
const SEEDS: u64 = 200;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|value| value.parse().ok())
}

#[test]
fn whatever_happens_the_promises_hold() {
    let (first, seeds) = (number("JOURNEY_SEED").unwrap_or(0), number("JOURNEY_SEEDS").unwrap_or(SEEDS));
    match life::lives(first, seeds) {
        Ok(sum) => eprintln!("{sum}"),
        Err(broken) => panic!("{broken}"),
    }
}

#[test]
fn a_seed_is_the_same_life_each_time() {
    for seed in 0..8 {
        assert_eq!(life::live(seed, false).print, life::live(seed, false).print, "seed {seed}");
    }
}
