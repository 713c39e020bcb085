//! The binary as people type it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unreachable,
    reason = "a failure is a failing test"
)]

mod broken;
mod check;
mod ci;
mod commands;
mod fmt;
mod replay;
mod run;
mod serve;
mod support;
mod tests_in_journeys;
