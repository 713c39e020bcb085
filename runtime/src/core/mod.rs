//! The pure core: a contact, what happened to it, and what follows. No I/O, no clock, no randomness; time comes in as an
//! argument.

mod advance;
pub mod contact;
pub mod effect;
pub mod facts;
pub mod input;
mod link;
pub mod moves;
mod predicate;
mod vm;
mod window;
mod witness;

pub use advance::{
    CLAUSE_FUEL, FUEL, MAX_CHAIN, MAX_COLLECTED, MAX_ENDED, MAX_HISTORY, MAX_MESSAGES, MAX_TIMERS, MAX_UNUSED,
    PUNCTUAL, advance, advance_part, trigger_words,
};
pub use link::{LinkError, Linked, MESSAGE_MEMORY};
pub use vm::Condition;
pub(crate) use vm::zone_of;
pub use window::Window;
pub use witness::MAX_SEEN;
