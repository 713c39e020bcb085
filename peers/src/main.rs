//! `cargo xtask bench peers`: the same work on ours and on what others have for it.
//!
//! `journey-peers CONTACTS FOLDER`: how many contacts the engines take, and where the packages from npm are.

mod conditions;
mod contacts;

use std::path::Path;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut args = std::env::args().skip(1);
    let contacts = args.next().and_then(|count| count.parse().ok()).expect("CONTACTS FOLDER");
    let folder = args.next().expect("CONTACTS FOLDER");
    conditions::run();
    contacts::run(contacts, Path::new(&folder));
}
