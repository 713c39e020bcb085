//! No marketing leaves in quiet hours, on a holiday or outside its journey's hours: simulated sends in all zones, many of them
//! around the nights in which clocks change, against a look at each minute that shares no code with ours.
//!
//! `JOURNEY_SENDS=1000000` makes it more than the sample that every run takes; `cargo xtask prove` does.
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

mod sends;

use journey_tests::random::Random;

/// How many sends a plain run of the tests simulates.
const SENDS: u64 = 20_000;

#[test]
fn no_message_leaves_outside_its_window() {
    let sends = std::env::var("JOURNEY_SENDS").map_or(SENDS, |sends| sends.parse().expect("JOURNEY_SENDS is a number"));
    match sends::sends(sends, &mut Random::seeded("nights")) {
        Ok(told) => eprintln!("{told}"),
        Err(broken) => panic!("{broken}"),
    }
}
