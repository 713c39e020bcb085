//! `cargo xtask fuzz`: the targets of `fuzz/`, on the stable compiler.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

/// The version of cargo-fuzz that is installed where there is none.
const CARGO_FUZZ: &str = "0.13.2";

/// The targets.
const TARGETS: [&str; 4] = ["parser", "formatter", "checker", "verifier"];

/// Where texts of the language lie, to begin with.
const SEEDS: [&str; 4] = ["examples", "grammar/tests/fixtures", "grammar/tests/broken", "tests/pains"];

/// What is fuzzed, and for how long.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these targets
    #[arg(value_name = "TARGET", value_parser = TARGETS)]
    targets: Vec<String>,

    /// How long each target runs
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    seconds: u64,
}

/// Runs the targets; the exit code is 1 if one found something.
pub(crate) fn run(args: &Args) -> ExitCode {
    match all(args) {
        Ok(broken) if broken.is_empty() => {
            println!("\nNothing found.");
            ExitCode::SUCCESS
        }
        Ok(broken) => {
            println!("\nFound something: {}. What broke them lies in fuzz/artifacts/.", broken.join(", "));
            ExitCode::FAILURE
        }
        Err(cause) => {
            eprintln!("{cause}");
            ExitCode::from(2)
        }
    }
}

fn all(args: &Args) -> Result<Vec<&str>, String> {
    let installed = crate::cargo().args(["fuzz", "--version"]).output().is_ok_and(|output| output.status.success());
    if !installed {
        println!("installing cargo-fuzz {CARGO_FUZZ} from crates.io");
        succeed(crate::cargo().args(["install", "cargo-fuzz", "--version", CARGO_FUZZ, "--locked"]))?;
    }
    let chosen =
        TARGETS.into_iter().filter(|target| args.targets.is_empty() || args.targets.iter().any(|t| t == target));
    let mut broken = Vec::new();
    for target in chosen {
        println!("\n━━ {target}, {} s", args.seconds);
        let corpus = crate::root().join("fuzz/corpus").join(target);
        fs::create_dir_all(&corpus).map_err(|error| format!("cannot make {}: {error}", corpus.display()))?;
        if target != "verifier" {
            for folder in SEEDS {
                seed(&crate::root().join(folder), &corpus)?;
            }
        }
        let limit = format!("-max_total_time={}", args.seconds);
        // Sanitizers need a nightly compiler; what is unsafe here is none of our code.
        let mut command = crate::cargo();
        command.args(["fuzz", "run", "--sanitizer", "none", target, "--", &limit, "-timeout=20", "-max_len=16384"]);
        if succeed(&mut command).is_err() {
            broken.push(target);
        }
    }
    Ok(broken)
}

/// Copies the texts below a folder into a corpus.
fn seed(folder: &Path, corpus: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            seed(&path, corpus)?;
        } else if path.extension().is_some_and(|extension| extension == "journey") {
            let name: String =
                path.to_string_lossy().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
            let name: String = name.chars().rev().take(80).collect();
            fs::copy(&path, corpus.join(name)).map_err(failed)?;
        }
    }
    Ok(())
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{command:?} does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}")) }
}
