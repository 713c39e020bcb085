//! Chores of the project. `cargo xtask --help` lists them.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to whoever started it")]

mod bench;
mod editor;
mod fuzz;
mod grammar;
mod packages;
mod picture;
mod prove;
mod release;
mod test;
mod tree_sitter;
mod vscode;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{fs, io};

use clap::{Parser, Subcommand};

/// Chores of the project.
#[derive(Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Install the system packages that the tests need, then check the formatting, lint, build and run every test.
    ///
    /// This is what `.ci/run` calls. Exit code 0: all is well; 1: something failed; 2: a system package is missing and
    /// cannot be installed from here.
    Test,
    /// Run the fuzz targets, one after the other; installs cargo-fuzz from crates.io where it is missing.
    Fuzz(fuzz::Args),
    /// Install the system packages that the tests need (Debian and Ubuntu; elsewhere say what to install).
    Packages,
    /// Measure how fast we are, beside other tools on the same machine.
    Bench {
        #[command(subcommand)]
        bench: bench::Bench,
    },
    /// Kill servers with `kill -9` at random moments, freeze them, let disks and power fail, and say what became of all contacts and mails.
    Prove(prove::Args),
    /// Make the manual's page of the grammar anew from `grammar/journey.pest`.
    Grammar,
    /// Make the tree-sitter parser anew from `editors/tree-sitter/grammar.js` (needs Node).
    TreeSitter,
    /// Build static binaries, put them into archives, and write their checksums and bills of materials.
    Release(release::Args),
    /// Make the README's pictures anew from what `journey` prints today.
    Pictures,
    /// Try the VS Code extension in a real VS Code (needs Node, npm and Chromium; sets itself up in `target/vscode`).
    Vscode,
}

fn main() -> ExitCode {
    match Args::parse().chore {
        Chore::Test => test::run(),
        Chore::Fuzz(args) => fuzz::run(&args),
        Chore::Bench { bench } => bench::run(&bench),
        Chore::Prove(args) => prove::run(&args),
        Chore::Grammar => grammar::run(),
        Chore::Release(args) => release::run(&args),
        Chore::TreeSitter => tree_sitter::run(),
        Chore::Pictures => picture::run(),
        Chore::Vscode => vscode::run(),
        Chore::Packages => match packages::provide() {
            Ok(()) => ExitCode::SUCCESS,
            Err(missing) => missing.explain(),
        },
    }
}

/// Cargo, at the root of the workspace, as if it had been started by hand.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What cargo told us about our own package would look like a change to build scripts, and build again.
    for (name, _) in std::env::vars_os() {
        if ["CARGO_MANIFEST_", "CARGO_PKG_"].iter().any(|own| name.to_string_lossy().starts_with(own)) {
            command.env_remove(name);
        }
    }
    command.current_dir(root());
    command
}

/// The root of the workspace: the folder above this crate's.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Copies a folder with everything in it.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// What is in a folder, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>();
    let mut entries = read().map_err(|error| format!("{}: {error}", folder.display()))?;
    entries.sort();
    Ok(entries)
}
