//! `cargo xtask bench check`

use super::{Entrant, LINES, Place, contest, corpus, fresh, time, tools};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Runs of each measurement; the best counts.
const RUNS: u32 = 7;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many files the corpora have.
    #[arg(long, value_delimiter = ',', default_value = "1000,10000")]
    files: Vec<usize>,

    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let (journey, folder) = args.place.open()?;
    for count in &args.files {
        corpora(&journey, &folder, *count)?;
    }
    one_file(&journey, &folder)
}

fn corpora(journey: &Path, folder: &Path, count: usize) -> Result<(), String> {
    let at = folder.join(format!("journeys-{count}"));
    let bytes = fresh(&at, |at| corpus::journeys(at, count))?;
    let cache = folder.join("cache");
    let check = |cores, cached: bool| {
        let mut command = pinned(journey, cores);
        command.args(["check", "--output-format", "concise"]).arg(&at);
        if cached {
            command.arg("--cache-dir").arg(&cache)
        } else {
            command.arg("--no-cache")
        };
        command
    };
    time(check(2, true))?;
    // Stamps of files that were written a moment ago are not trusted; a second run finds them settled.
    std::thread::sleep(Duration::from_secs(3));
    time(check(2, true))?;
    let mut entrants = Vec::new();
    for cores in [1, 2] {
        for (name, cached) in [("cold", false), ("warm", true)] {
            let name = on(&format!("journey check, {name}"), cores);
            entrants.push(Entrant { name, files: count, bytes, command: Box::new(move || check(cores, cached)) });
        }
    }
    for tool in &tools::TOOLS {
        let Some(program) = tool.program(&folder.join("tools")) else {
            println!("SKIPPED: {} is not there", tool.name);
            continue;
        };
        let at = folder.join(format!("{}-{count}", tool.language.name));
        let bytes = fresh(&at, |at| tool.language.write(at, count, bytes))?;
        tool.reads(&program, &at)?;
        for cores in [1, 2] {
            let (program, at) = (program.clone(), at.clone());
            let lint = move || {
                let mut command = pinned(&program, cores);
                command.args(tool.args).arg(&at).current_dir(&at);
                command
            };
            entrants.push(Entrant { name: on(tool.name, cores), files: count, bytes, command: Box::new(lint) });
        }
    }
    contest(RUNS, &entrants)
}

fn one_file(journey: &Path, folder: &Path) -> Result<(), String> {
    let at = folder.join("large.journey");
    let text = corpus::alone("large", LINES);
    fs::write(&at, &text).map_err(|error| format!("{}: {error}", at.display()))?;
    let check = || {
        let mut command = pinned(journey, 2);
        command.args(["check", "--output-format", "concise", "--no-cache"]).arg(&at);
        command
    };
    let name = on(&format!("one file of {} lines, cold process", text.lines().count()), 2);
    contest(6 * RUNS, &[Entrant { name, files: 1, bytes: text.len() as u64, command: Box::new(check) }])
}

/// What is measured, on so many cores.
pub(super) fn on(name: &str, cores: usize) -> String {
    format!("{name}, {cores} core{}", if cores == 1 { "" } else { "s" })
}

/// The program on so many cores; on all of them where there is no `taskset`.
pub(super) fn pinned(program: &Path, cores: usize) -> Command {
    if cores == 1 && Path::new("/usr/bin/taskset").exists() {
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", "0"]).arg(program).env("RAYON_NUM_THREADS", "1");
        command
    } else {
        Command::new(program)
    }
}
