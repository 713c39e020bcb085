//! The pure core: a contact, what happened to it, and what follows. No I/O, no clock, no randomness; time comes in as an
//! argument.

pub mod contact;
pub mod effect;
pub mod input;
