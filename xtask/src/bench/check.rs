//! `cargo xtask bench check`

use super::{LINES, Place, Took, best, corpus, fresh, tools};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Runs of each measurement; the best counts.
const RUNS: u32 = 5;

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
    heading();
    for count in &args.files {
        corpora(&journey, &folder, *count)?;
    }
    one_file(&journey, &folder)
}

fn corpora(journey: &Path, folder: &Path, count: usize) -> Result<(), String> {
    let at = folder.join(format!("journeys-{count}"));
    let bytes = fresh(&at, |at| corpus::journeys(at, count))?;
    let cache = folder.join("cache");
    for cores in [1, 2] {
        let check = |options: &[&str]| {
            let mut command = pinned(journey, cores);
            command.args(["check", "--output-format", "concise"]).args(options).arg("--cache-dir").arg(&cache).arg(&at);
            command
        };
        let uncached = || {
            let mut command = pinned(journey, cores);
            command.args(["check", "--output-format", "concise", "--no-cache"]).arg(&at);
            command
        };
        print("journey check, cold", cores, count, bytes, best(RUNS, uncached)?);
        best(1, || check(&[]))?;
        // Stamps of files that were written a moment ago are not trusted; a second run finds them settled.
        std::thread::sleep(Duration::from_secs(3));
        best(1, || check(&[]))?;
        print("journey check, warm", cores, count, bytes, best(RUNS, || check(&[]))?);
    }
    for tool in &tools::TOOLS {
        let Some(program) = tool.program(&folder.join("tools")) else {
            println!("SKIPPED: {} is not there", tool.name);
            continue;
        };
        let at = folder.join(format!("{}-{count}", tool.language.name));
        let bytes = fresh(&at, |at| tool.language.write(at, count, bytes))?;
        for cores in [1, 2] {
            let lint = || {
                let mut command = pinned(&program, cores);
                command.args(tool.args).arg(&at).current_dir(&at);
                command
            };
            print(tool.name, cores, count, bytes, best(RUNS, lint)?);
        }
    }
    Ok(())
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
    let name = format!("one file of {} lines, cold process", text.lines().count());
    print(&name, 2, 1, text.len() as u64, best(4 * RUNS, check)?);
    Ok(())
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

pub(super) fn heading() {
    println!("{:<44} {:>7} {:>6} {:>10} {:>10} {:>8}", "", "files", "MB", "seconds", "MB/s", "CPU s");
}

pub(super) fn print(name: &str, cores: usize, files: usize, bytes: u64, took: Took) {
    let megabytes = bytes as f64 / 1e6;
    let seconds = took.best.as_secs_f64();
    let work = took.work.map_or_else(|| "-".to_owned(), |work| format!("{:.3}", work.as_secs_f64()));
    let name = format!("{name}, {cores} core{}", if cores == 1 { "" } else { "s" });
    println!("{name:<44} {files:>7} {megabytes:>6.1} {seconds:>10.4} {:>10.1} {work:>8}", megabytes / seconds);
}
