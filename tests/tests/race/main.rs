//! Unsubscribes against the queue: nothing leaves to an address after somebody who has it was told that they are off, also across
//! `kill -9`, whichever server told them. On SQLite with one process, on PostgreSQL with three.
//!
//! `JOURNEY_QUEUED=100000` makes it more than the sample that every run takes; `cargo xtask prove` does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failure is a failing test"
)]

mod run;

use journey_tests::postgres;
use run::{Race, Word};

/// How many messages are queued in a plain run of the tests, and how many of their contacts unsubscribe.
const SAMPLE: (usize, usize) = (600, 120);

fn size() -> (usize, usize) {
    let Ok(queued) = std::env::var("JOURNEY_QUEUED") else { return SAMPLE };
    let queued: usize = queued.parse().expect("JOURNEY_QUEUED is a number");
    (queued, (queued / 5).min(1_000))
}

#[test]
fn nothing_leaves_after_an_unsubscribe_was_answered() {
    let (queued, leaving) = size();
    Race { name: "SQLite", workers: 1, database: None, queued, leaving, word: Word::Unsubscribe }.run().holds_good();
}

#[test]
fn nothing_leaves_after_a_list_was_taken_beside_the_server() {
    let (queued, leaving) = size();
    Race { name: "SQLite, suppress", workers: 1, database: None, queued, leaving, word: Word::Suppress }
        .run()
        .holds_good();
}

#[test]
fn nothing_leaves_from_another_server_either() {
    let Some(url) = postgres::database() else { return };
    let (queued, leaving) = size();
    Race { name: "PostgreSQL, 3 workers", workers: 3, database: Some(url), queued, leaving, word: Word::Unsubscribe }
        .run()
        .holds_good();
}
