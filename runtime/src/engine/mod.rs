//! Moves contacts and messages.

mod outlet;
mod step;

pub use outlet::Outlet;
pub use step::Stepped;

pub(crate) use step::step;
