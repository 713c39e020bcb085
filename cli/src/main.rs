//! The `journey` binary: one file a command under [`commands`], [`report`] renders findings, [`discover`] turns paths
//! into projects.

use std::process::ExitCode;

mod cache;
mod checked;
mod commands;
mod crash;
mod discover;
mod failure;
mod files;
mod git;
mod pages;
mod report;
mod terminal;
mod workspace;

fn main() -> ExitCode {
    crash::guard(commands::main)
}
