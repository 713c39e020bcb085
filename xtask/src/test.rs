//! `cargo xtask test`: everything that must hold before something lands.

use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What is run, in this order; a failure does not keep the later ones from running.
const STEPS: &[(&str, &[&str])] = &[
    ("formatting", &["fmt", "--all", "--check"]),
    ("lints", &["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
    ("build of the tests", &["test", "--workspace", "--locked", "--no-run"]),
    ("tests", &["test", "--workspace", "--locked", "--no-fail-fast"]),
];

/// Random tests begin with this seed here, so that a landing fails by its own fault only. `cargo test` draws a new one
/// each time, and finds more.
const SEED: (&str, &str) = ("PROPTEST_RNG_SEED", "20261128");

/// Runs all of it and says how long each part took.
pub(crate) fn run() -> ExitCode {
    let start = Instant::now();
    heading("system packages");
    if let Err(missing) = crate::packages::provide() {
        return missing.explain();
    }
    let mut results = Vec::new();
    for (name, args) in STEPS {
        heading(&format!("{name}: cargo {}", args.join(" ")));
        let begin = Instant::now();
        results.push((*name, cargo(args), begin.elapsed()));
    }
    heading("summary");
    for (name, passed, took) in &results {
        println!("{:<20} {:<7} {:>8}", name, if *passed { "passed" } else { "FAILED" }, duration(*took));
    }
    let failed = results.iter().filter(|(_, passed, _)| !passed).count();
    println!("{:<20} {:<7} {:>8}", "total", "", duration(start.elapsed()));
    if failed == 0 {
        println!("\nAll is well.");
        ExitCode::SUCCESS
    } else {
        println!("\n{failed} of {} parts failed; look for FAILED and for `error` above.", results.len());
        ExitCode::FAILURE
    }
}

fn cargo(args: &[&str]) -> bool {
    // With CI set, a suite that needs a foreign program fails without it instead of skipping, and snapshots are
    // compared, never written.
    let seed = std::env::var(SEED.0).unwrap_or_else(|_| SEED.1.to_owned());
    let status = crate::cargo().args(args).env("CI", "true").env(SEED.0, seed).status();
    match status {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("cargo does not start: {error}");
            false
        }
    }
}

fn heading(text: &str) {
    println!("\n━━ {text}");
}

fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60)
    }
}
