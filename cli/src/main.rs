//! The `journey` binary.

fn main() {}
