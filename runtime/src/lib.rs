//! Moves contacts through programs: the pure core, the stores, the engine, the senders, tracking and the HTTP API.

pub mod api;
pub mod clock;
pub mod core;
pub mod deploy;
pub mod engine;
pub mod explain;
pub mod ingest;
pub mod journey_test;
pub mod preview;
pub mod render;
pub mod send;
pub mod sim;
pub mod spam;
pub mod store;
pub mod story;
#[cfg(test)]
mod testing;
pub mod time;
pub mod track;
pub mod trial;
pub mod voucher;
