//! A disk that fails, and power that fails: `journey serve` on SQLite under `strace`, which lets its calls of the disk fail, or
//! notes them, so that what a power failure may leave can be made of them.
//!
//! `JOURNEY_FAULTS=100` lets each of the first 100 calls fail instead of a dozen, `JOURNEY_MOMENTS=1000` looks at what a power
//! failure leaves at so many moments; `cargo xtask prove` does both.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failure is a failing test"
)]

mod database;
mod errors;
mod power;
mod trace;

use journey_tests::foreign;
use journey_tests::random::Random;

/// The calls that fail in a plain run of the tests.
const SAMPLE: [usize; 12] = [1, 2, 3, 5, 8, 13, 21, 32, 44, 58, 76, 100];

#[test]
fn the_first_error_of_the_disk_is_the_last_word() {
    let Some(strace) = foreign::strace() else { return };
    let numbers: Vec<usize> = match std::env::var("JOURNEY_FAULTS") {
        Ok(most) => (1..=most.parse().expect("JOURNEY_FAULTS is a number")).collect(),
        Err(_) => SAMPLE.into(),
    };
    for fault in &errors::FAULTS {
        match errors::lives(&strace, fault, &numbers) {
            Ok(sum) => eprintln!("{}", sum.told(fault)),
            Err(wrong) => panic!("{wrong}"),
        }
    }
}

#[test]
fn a_folder_that_cannot_be_synced_is_no_place_for_a_database() {
    let Some(strace) = foreign::strace() else { return };
    errors::no_folder(&strace);
}

/// The requests and moments of a plain run of the tests.
const MOMENTS: (usize, usize) = (90, 60);

#[test]
fn no_power_failure_takes_what_was_acknowledged() {
    let Some(strace) = foreign::strace() else { return };
    let (requests, moments) = match std::env::var("JOURNEY_MOMENTS") {
        Ok(moments) => (MOMENTS.0 * 3, moments.parse().expect("JOURNEY_MOMENTS is a number")),
        Err(_) => MOMENTS,
    };
    let sum = power::fails(&strace, requests, moments, &mut Random::seeded("power"));
    eprintln!("{}", sum.told());
    sum.holds_good();
}
