//! `cargo xtask bench`: how fast we are, beside the fastest tools of the field on the same machine in the same run.

mod check;
mod corpus;
mod engine;
mod language;
mod lsp;
mod peers;
mod send;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Subcommand;

/// Lines of the one large file.
const LINES: usize = 2_000;

/// What is measured.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// `journey check`, cold and warm, beside ruff, oxlint and biome on corpora of the same size.
    Check(check::Args),
    /// Lexing, parsing, checking and formatting, beside ruff on a corpus of the same size.
    Language(language::Args),
    /// The engine's durable steps on SQLite and PostgreSQL, beside a plain loop over the same database; minutes.
    Engine(engine::Args),
    /// Mails a second from due runs to SMTP acknowledgements, beside senders that only send; needs Postfix's `smtp-sink`.
    Send(send::Args),
    /// `journey lsp`, from a change to its findings, beside the language servers of ruff and tombi.
    Lsp(lsp::Args),
    /// Contacts a second beside Restate, DBOS and a plain loop, and an entry condition beside the crates cel and zen-expression.
    Peers(peers::Args),
}

/// Measures.
pub(crate) fn run(bench: &Bench) -> ExitCode {
    let result = match bench {
        Bench::Check(args) => check::run(args),
        Bench::Language(args) => language::run(args),
        Bench::Engine(args) => engine::run(args),
        Bench::Send(args) => send::run(args),
        Bench::Lsp(args) => lsp::run(args),
        Bench::Peers(args) => peers::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("{cause}");
            ExitCode::FAILURE
        }
    }
}

/// One of those that are measured in turn.
struct Entrant<'a> {
    name: String,
    files: usize,
    bytes: u64,
    command: Box<dyn Fn() -> Command + 'a>,
}

/// What runs of a command took.
#[derive(Clone, Copy, Debug)]
struct Took {
    /// The shortest, by the clock on the wall.
    best: Duration,
    /// The work of the processor in one run, on all cores; on a machine where others are at work too it says more than the
    /// clock. None where the system does not tell.
    work: Option<Duration>,
}

/// Runs all of them in turn, so often, and prints the best of each: a machine that gets slower or faster meanwhile does it for
/// all. Exit codes up to 1 are findings, and no failure.
fn contest(runs: u32, entrants: &[Entrant<'_>]) -> Result<(), String> {
    let mut took = vec![Took { best: Duration::MAX, work: Some(Duration::ZERO) }; entrants.len()];
    for _ in 0..runs {
        for (entrant, took) in entrants.iter().zip(&mut took) {
            let once = time((entrant.command)())?;
            took.best = took.best.min(once.best);
            took.work = took.work.zip(once.work).map(|(all, once)| all.saturating_add(once));
        }
    }
    println!("{:<44} {:>7} {:>6} {:>10} {:>10} {:>8}", "", "files", "MB", "seconds", "MB/s", "CPU s");
    for (Entrant { name, files, bytes, .. }, Took { best, work }) in entrants.iter().zip(took) {
        let megabytes = *bytes as f64 / 1e6;
        let seconds = best.as_secs_f64();
        let work = work.and_then(|work| work.checked_div(runs));
        let work = work.map_or_else(|| "-".to_owned(), |work| format!("{:.3}", work.as_secs_f64()));
        println!("{name:<44} {files:>7} {megabytes:>6.1} {seconds:>10.4} {:>10.1} {work:>8}", megabytes / seconds);
    }
    Ok(())
}

/// Runs a command once.
fn time(mut command: Command) -> Result<Took, String> {
    let before = work_of_children();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().map_err(|error| format!("{command:?} does not start: {error}"))?;
    let best = start.elapsed();
    if !matches!(status.code(), Some(0 | 1)) {
        return Err(format!("{command:?} ended with {status}"));
    }
    let work = work_of_children().zip(before).and_then(|(after, before)| after.checked_sub(before));
    Ok(Took { best, work })
}

/// The processor's work for all processes that we started and that have ended, from `/proc/self/stat` (`proc(5)`).
fn work_of_children() -> Option<Duration> {
    /// What Linux counts in there: hundredths of a second.
    const TICK: Duration = Duration::from_millis(10);
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name, which may have anything in it, comes the third field; we want the 16th and the 17th.
    let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(13);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some(TICK * ticks()?.saturating_add(ticks()?))
}

/// What every benchmark measures, and where.
#[derive(clap::Args)]
struct Place {
    /// The binary to measure; without, one is built as `cargo xtask release` builds it, which takes a while.
    #[arg(long)]
    binary: Option<PathBuf>,

    /// Where corpora and the tools of others go.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
}

impl Place {
    /// The binary and the folder, with the tools of others in it.
    fn open(&self) -> Result<(PathBuf, PathBuf), String> {
        let journey = match &self.binary {
            Some(binary) => binary.clone(),
            None => crate::release::released()?,
        };
        let folder = crate::root().join(&self.folder);
        let told = |error| format!("{}: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(told)?;
        // oxlint refuses paths with `..`.
        let folder = folder.canonicalize().map_err(told)?;
        tools::install(&folder.join("tools"));
        Ok((journey, folder))
    }
}

/// Runs a release build of an example of the runtime, which measures and tells by itself.
fn example(name: &str, args: &[&str]) -> Result<(), String> {
    let mut bench = crate::cargo();
    bench.args(["run", "--release", "--locked", "--package", "journey-runtime", "--example", name, "--"]);
    measured(bench.args(args))
}

/// Runs a benchmark that measures and tells by itself.
fn measured(bench: &mut Command) -> Result<(), String> {
    // The tests' PostgreSQL need not survive a power cut; the one that is measured does.
    match bench.env("JOURNEY_TEST_FSYNC", "on").status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the benchmark ended with {status}")),
        Err(error) => Err(format!("cargo does not start: {error}")),
    }
}

/// A folder made anew.
fn fresh<T>(at: &Path, write: impl Fn(&Path) -> std::io::Result<T>) -> Result<T, String> {
    if at.exists() {
        fs::remove_dir_all(at).map_err(|error| format!("{}: {error}", at.display()))?;
    }
    fs::create_dir_all(at).and_then(|()| write(at)).map_err(|error| format!("{}: {error}", at.display()))
}
