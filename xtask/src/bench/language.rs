//! `cargo xtask bench language`

use super::check::{heading, pinned, print};
use super::{Place, best, corpus, fresh, tools};

/// Runs of each measurement; the best counts.
const RUNS: u32 = 5;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many files the corpora have.
    #[arg(long, default_value_t = 1_000)]
    files: usize,

    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let (journey, folder) = args.place.open()?;
    let journeys = folder.join("language-journeys");
    let bytes = fresh(&journeys, |at| corpus::journeys(at, args.files))?;

    println!("Without a process around it, on one core:");
    let mut speed = crate::cargo();
    speed.args([
        "run",
        "--quiet",
        "--release",
        "--locked",
        "--package",
        "journey-compiler",
        "--example",
        "speed",
        "--",
    ]);
    let status = speed.arg(&journeys).env("RAYON_NUM_THREADS", "1").status();
    if !status.is_ok_and(|status| status.success()) {
        return Err("the example `speed` of journey-compiler fails".to_owned());
    }

    println!("\nAs processes:");
    heading();
    let python = folder.join("language-python");
    let of_python = fresh(&python, |at| corpus::PYTHON.write(at, args.files, bytes))?;
    let ruff = tools::TOOLS.iter().find_map(|tool| tool.program(&folder.join("tools"))).filter(|p| p.ends_with("ruff"));
    for cores in [1, 2] {
        for (name, options) in [("check", ["check", "--no-cache"].as_slice()), ("fmt", &["fmt", "--check"])] {
            let ours = || {
                let mut command = pinned(&journey, cores);
                command.args(options).arg(&journeys);
                command
            };
            print(&format!("journey {name}"), cores, args.files, bytes, best(RUNS, ours)?);
        }
        let Some(ruff) = &ruff else {
            println!("SKIPPED: ruff is not there");
            continue;
        };
        for (name, options) in [
            ("check", ["check", "--no-cache", "--quiet"].as_slice()),
            ("format", &["format", "--no-cache", "--check", "--quiet"]),
        ] {
            let theirs = || {
                let mut command = pinned(ruff, cores);
                command.args(options).arg(&python).current_dir(&python);
                command
            };
            print(&format!("ruff {name}"), cores, args.files, of_python, best(RUNS, theirs)?);
        }
    }
    Ok(())
}
