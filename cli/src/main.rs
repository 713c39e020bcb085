//! The `journey` binary: one file a command under [`commands`], [`report`] renders findings, [`discover`] turns paths
//! into projects.

use std::process::ExitCode;

mod cache;
mod checked;
mod commands;
mod crash;
mod database;
mod discover;
mod failure;
mod files;
mod git;
mod pages;
mod report;
mod revision;
mod terminal;
mod workspace;

/// Checking makes and drops many small things, on all cores at once.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    crash::guard(commands::main)
}
