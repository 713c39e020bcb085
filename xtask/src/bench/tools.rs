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

/// A language server of others.
pub(super) struct Peer {
    pub(super) name: &'static str,
    /// What it is called with.
    pub(super) args: &'static [&'static str],
    /// How editors call its language.
    pub(super) language: &'static str,
    /// The file that is open.
    pub(super) file: &'static str,
    /// The line, from 0, at whose start something is typed.
    pub(super) line: usize,
    pub(super) typed: &'static str,
    /// What the file is made of, line by line; `NAME` stands for another name each time.
    part: &'static str,
    /// Where its program is, below the folder of tools.
    program: &'static str,
}

pub(super) const SERVERS: [Peer; 2] = [
    Peer {
        name: "ruff server",
        args: &["server"],
        language: "python",
        file: "large.py",
        line: 10,
        typed: "import os\n",
        part: PYTHON.part,
        program: "python/bin/ruff",
    },
    Peer {
        name: "tombi lsp",
        args: &["lsp", "--offline"],
        language: "toml",
        file: "large.toml",
        line: 12,
        typed: "fresh = 1\n",
        part: "[NAME]\n# An order.\nnumber = 17\namount = 12.5\nplaced = 2026-03-02T10:00:00Z\nlate = false\nwords = [\"soft\", \"wide\"]\n\n",
        program: "python/bin/tombi",
    },
];

impl Peer {
    /// Its program, if it is there.
    pub(super) fn program(&self, folder: &Path) -> Option<PathBuf> {
        let program = folder.join(self.program);
        program.exists().then_some(program)
    }

    /// Writes its file with so many lines; the bytes.
    pub(super) fn write(&self, folder: &Path, lines: usize) -> std::io::Result<u64> {
        let parts = lines.div_ceil(self.part.lines().count().max(1));
        let text: String = (0..parts).map(|n| self.part.replace("NAME", &format!("Order{n}"))).collect();
        std::fs::write(folder.join(self.file), &text)?;
        Ok(text.len() as u64)
    }
}

impl Tool {
    /// Its program, if it is there.
    pub(super) fn program(&self, folder: &Path) -> Option<PathBuf> {
        let program = folder.join(self.program);
        program.exists().then_some(program)
    }

    /// That it finds nothing in a corpus, and a mistake in one more file of it: who reads nothing is fast too.
    pub(super) fn reads(&self, program: &Path, corpus: &Path) -> Result<(), String> {
        let finds = || {
            let mut lint = Command::new(program);
            lint.args(self.args).arg(corpus).current_dir(corpus).stdin(Stdio::null());
            lint.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?.code()
        };
        let clean = finds();
        let wrong = corpus.join(format!("wrong.{}", self.language.ending));
        let told = |error| format!("{}: {error}", wrong.display());
        std::fs::write(&wrong, "(\n").map_err(told)?;
        let spoilt = finds();
        std::fs::remove_file(&wrong).map_err(told)?;
        if (clean, spoilt) == (Some(0), Some(1)) {
            return Ok(());
        }
        Err(format!(
            "{} does not tell {} with a mistake in it from itself without: it does not read it",
            self.name,
            corpus.display()
        ))
    }
}

/// Installs what is missing; says what cannot be had.
pub(super) fn install(folder: &Path) {
    let missing = |program: &str| !folder.join(program).exists();
    if std::fs::create_dir_all(folder).is_err() {
        return;
    }
    if missing("python/bin/ruff") || missing("python/bin/tombi") {
        let made = run(folder, "python3", &["-m", "venv", "python"]);
        if !made || !run(folder, "python/bin/pip", &["install", "--quiet", "ruff", "tombi"]) {
            println!("SKIPPED: ruff and tombi cannot be installed with python3 and pip");
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

/// Runs a program in a folder; whether it succeeded.
pub(super) fn run(folder: &Path, program: &str, args: &[&str]) -> bool {
    let program = if program.contains('/') { folder.join(program) } else { PathBuf::from(program) };
    let status =
        Command::new(program).args(args).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
