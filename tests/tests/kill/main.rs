//! `kill -9` of `journey serve` at random moments, while contacts run: what was acknowledged is kept, state advances
//! exactly once, no message is lost, and a message that comes twice keeps its id. On SQLite with one process, on
//! PostgreSQL with four.
//!
//! `cargo xtask prove` does it with more contacts and kills (`examples/prove.rs`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failure is a failing test"
)]

mod figures;
mod fleet;

use fleet::{Fleet, Size};
use journey_tests::postgres::{self, Cluster};

#[test]
fn nothing_is_lost_and_nothing_happens_twice() {
    let fleet = Fleet::start(1, None, Size { contacts: 1_400, blows: 10, hold: false });
    fleet.run("kill", |fleet, _| fleet.kill(0)).hold_good();
}

#[test]
fn who_is_held_gets_nothing_twice() {
    let fleet = Fleet::start(1, None, Size { contacts: 700, blows: 6, hold: true });
    fleet.run("kill-hold", |fleet, _| fleet.kill(0)).hold_good();
}

#[test]
fn four_workers_lose_nothing_either() {
    let Some(url) = postgres::database() else { return };
    let fleet = Fleet::start(4, Some(url), Size { contacts: 700, blows: 8, hold: false });
    fleet.run("kill-postgres", |fleet, random| fleet.kill(random.below(4))).hold_good();
}

#[test]
fn a_frozen_worker_stops_nobody() {
    let Some(url) = postgres::database() else { return };
    let mut fleet = Fleet::start(2, Some(url), Size { contacts: 350, blows: 1, hold: false });
    fleet.shared = true;
    fleet.run("freeze", |fleet, _| fleet.freeze(0)).hold_good();
}

#[test]
fn a_database_that_crashes_is_only_a_delay() {
    let Some(cluster) = Cluster::start() else { return };
    let fleet = Fleet::start(2, Some(cluster.database()), Size { contacts: 350, blows: 2, hold: false });
    fleet
        .run("crash-postgres", |fleet, _| {
            fleet.cut += fleet.sink.open_connections();
            cluster.crash();
        })
        .hold_good();
}
