//! What a program learns before its release: which code is hot when it works on the examples. The compiler lays the final
//! program out after that (<https://doc.rust-lang.org/rustc/profile-guided-optimization.html>).

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{copy, editor, entries};

/// Times that each thing is done, so that work weighs more than starting.
const TIMES: usize = 20;

/// Times that the examples are checked: what is hot is told by its share of all counts, checking is what is done most, and the
/// examples are few beside the contacts of a simulation.
const CHECKS: usize = 10 * TIMES;

/// What a build does with counts.
pub(super) enum Profile {
    /// Nothing.
    None,
    /// The program counts, and leaves its counts in this folder.
    Count(PathBuf),
    /// The program is laid out after these counts.
    Use(PathBuf),
}

impl Profile {
    /// The flags for rustc.
    pub(super) fn flags(&self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::Count(folder) => vec![format!("-Cprofile-generate={}", folder.display())],
            Self::Use(file) => vec![format!("-Cprofile-use={}", file.display())],
        }
    }
}

/// The counts of a program that counts, put together. They have their name from the program: the same one learns once.
pub(super) fn learn(merger: &Path, counting: &Path, counts: &Path) -> Result<PathBuf, String> {
    let mut hasher = DefaultHasher::new();
    fs::read(counting).map_err(|error| format!("{}: {error}", counting.display()))?.hash(&mut hasher);
    let learned = counts.join(format!("{:016x}.profdata", hasher.finish()));
    if !learned.exists() {
        // Counts of an older build would be of other code.
        let _ = fs::remove_dir_all(counts);
        train(counting, counts)?;
        merge(merger, counts, &learned)?;
    }
    Ok(learned)
}

/// Does with the program what people do with it most, on copies of the examples.
fn train(program: &Path, counts: &Path) -> Result<(), String> {
    let folder = counts.join("examples");
    copy(&crate::root().join("examples"), &folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    // A server names files without detours.
    let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
    let projects = entries(&folder)?;
    let journey = |args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args).current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match command.status() {
            // 1: findings, which have to be printed too.
            Ok(status) if matches!(status.code(), Some(0 | 1)) => Ok(()),
            Ok(status) => Err(format!("{command:?} ended with {status}")),
            Err(error) => Err(format!("{command:?} does not start: {error}")),
        }
    };
    for _ in 0..CHECKS {
        for format in ["human", "concise", "json"] {
            journey(&["check", "--no-cache", "--output-format", format, "."])?;
        }
    }
    for _ in 0..TIMES {
        journey(&["check", "--cache-dir", "../cache", "."])?;
        journey(&["fmt", "--check", "."])?;
    }
    for project in &projects {
        let project = project.display().to_string();
        for _ in 0..TIMES {
            journey(&["test", "--project", &project])?;
        }
        journey(&["simulate", &project, "--contacts", "500", "--days", "30", "--seed", "1"])?;
        editor::write_in(program, Path::new(&project), TIMES)?;
    }
    Ok(())
}

/// The program that puts counts together, of the LLVM that rustc has in it.
pub(super) fn merger() -> Result<PathBuf, String> {
    let sysroot = said("rustc", &["--print", "sysroot"])?;
    let version = said("rustc", &["--version", "--verbose"])?;
    let llvm = field(&version, "LLVM version: ");
    let major = llvm.split('.').next().unwrap_or_default();
    let own = Path::new(sysroot.trim()).join("lib/rustlib").join(field(&version, HOST)).join("bin/llvm-profdata");
    let packaged = format!("llvm-profdata-{major}");
    [own, packaged.clone().into()]
        .into_iter()
        .find(|program| {
            let mut command = Command::new(program);
            command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        })
        .ok_or_else(|| {
            format!(
                "A release learns from examples, and for that llvm-profdata {major} is missing: `rustup component add \
                 llvm-tools`, or the package llvm-{major} of Debian and Ubuntu."
            )
        })
}

/// What this machine's programs are built for.
pub(super) fn host() -> Result<String, String> {
    said("rustc", &["--version", "--verbose"]).map(|version| field(&version, HOST).to_owned())
}

/// The line of rustc's version that says for what machine it builds.
const HOST: &str = "host: ";

fn field<'v>(version: &'v str, name: &str) -> &'v str {
    version.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default()
}

/// Puts the counts of all runs together.
fn merge(merger: &Path, counts: &Path, learned: &Path) -> Result<(), String> {
    // What is half written has another name.
    let merged = counts.join("all.profdata");
    let runs = entries(counts)?.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "profraw"));
    match Command::new(merger).arg("merge").args(runs).arg("--output").arg(&merged).status() {
        Ok(status) if status.success() => {
            fs::rename(&merged, learned).map_err(|error| format!("{}: {error}", merged.display()))
        }
        _ => Err(format!("{} does not put the counts in {} together", merger.display(), counts.display())),
    }
}

fn said(program: &str, args: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(args).output().map_err(|error| format!("{program}: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
