//! `cargo xtask bench language`

use super::check::{on, pinned};
use super::{Entrant, Place, contest, corpus, fresh, tools};

/// Runs of each measurement; the best counts.
const RUNS: u32 = 7;

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
    let python = folder.join("language-python");
    let of_python = fresh(&python, |at| corpus::PYTHON.write(at, args.files, bytes))?;
    let ruff = tools::TOOLS.iter().find_map(|tool| tool.program(&folder.join("tools"))).filter(|p| p.ends_with("ruff"));
    let mut entrants = Vec::new();
    for cores in [1, 2] {
        for (name, options) in [("check", ["check", "--no-cache"].as_slice()), ("fmt", &["fmt", "--check"])] {
            let (journey, journeys) = (&journey, &journeys);
            let ours = move || {
                let mut command = pinned(journey, cores);
                command.args(options).arg(journeys);
                command
            };
            let name = on(&format!("journey {name}"), cores);
            entrants.push(Entrant { name, files: args.files, bytes, command: Box::new(ours) });
        }
        let Some(ruff) = &ruff else {
            println!("SKIPPED: ruff is not there");
            continue;
        };
        for (name, options) in [
            ("check", ["check", "--no-cache", "--quiet"].as_slice()),
            ("format", &["format", "--no-cache", "--check", "--quiet"]),
        ] {
            let python = &python;
            let theirs = move || {
                let mut command = pinned(ruff, cores);
                command.args(options).arg(python).current_dir(python);
                command
            };
            let name = on(&format!("ruff {name}"), cores);
            entrants.push(Entrant { name, files: args.files, bytes: of_python, command: Box::new(theirs) });
        }
    }
    contest(RUNS, &entrants)
}
