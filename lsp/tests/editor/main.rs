//! The server as an editor sees it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unreachable,
    reason = "a failure is a failing test"
)]

mod features;
mod findings;
mod protocol;
mod session;
mod soak;
mod support;
mod whole;
