//! Linters of others, put into a folder of their own by the usual clients of their registries.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::corpus::{JAVASCRIPT, Language, PYTHON};

/// A linter of others.
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) language: &'static Language,
    /// What it is called with, before the folder.
    pub(super) args: &'static [&'static str],
    /// Where its program is, below the folder of tools.
    program: &'static str,
}

pub(super) const TOOLS: [Tool; 3] = [
    Tool {
        name: "ruff check",
        language: &PYTHON,
        args: &["check", "--no-cache", "--quiet"],
        program: "python/bin/ruff",
    },
    Tool { name: "oxlint", language: &JAVASCRIPT, args: &["--silent"], program: "node_modules/.bin/oxlint" },
    Tool {
        name: "biome lint",
        language: &JAVASCRIPT,
        args: &["lint", "--max-diagnostics=1"],
        program: "node_modules/.bin/biome",
    },
];

impl Tool {
    /// Its program, if it is there.
    pub(super) fn program(&self, folder: &Path) -> Option<PathBuf> {
        let program = folder.join(self.program);
        program.exists().then_some(program)
    }
}

/// Installs what is missing; says what cannot be had.
pub(super) fn install(folder: &Path) {
    let missing = |program: &str| !folder.join(program).exists();
    if std::fs::create_dir_all(folder).is_err() {
        return;
    }
    if missing("python/bin/ruff") {
        let made = run(folder, "python3", &["-m", "venv", "python"]);
        if !made || !run(folder, "python/bin/pip", &["install", "--quiet", "ruff"]) {
            println!("SKIPPED: ruff cannot be installed with python3 and pip");
        }
    }
    if (missing("node_modules/.bin/oxlint") || missing("node_modules/.bin/biome"))
        && !run(
            folder,
            "npm",
            &["install", "--silent", "--no-audit", "--no-fund", "--prefix", ".", "oxlint", "@biomejs/biome"],
        )
    {
        println!("SKIPPED: oxlint and biome cannot be installed with npm");
    }
}

fn run(folder: &Path, program: &str, args: &[&str]) -> bool {
    let program = if program.contains('/') { folder.join(program) } else { PathBuf::from(program) };
    let status =
        Command::new(program).args(args).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
