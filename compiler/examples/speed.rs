//! How fast texts are read, judged and laid out, without a process around it: `cargo xtask bench language` runs it over its
//! corpus. `cargo run --release -p journey-compiler --example speed -- FOLDER [WHAT]` does so over any folder of projects; of
//! one thing alone, for a profiler to look at, if it is named.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "it measures and says so")]

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use journey_compiler::project::{CONFIG, File, Project, belongs};
use journey_compiler::{compile, judge};

/// What the program of the command line has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs of each measurement; the best counts, because others may be at work on the machine.
const RUNS: u32 = 5;

fn main() {
    let folder = std::env::args().nth(1).unwrap_or_else(|| "examples".to_owned());
    let mut projects = Vec::new();
    collect(Path::new(&folder), &mut projects);
    let files = || projects.iter().flat_map(|project| &project.files).filter(|file| file.path.ends_with(".journey"));
    let texts: Vec<&str> = files().map(|file| std::str::from_utf8(&file.bytes).unwrap()).collect();
    let bytes: usize = texts.iter().map(|text| text.len()).sum();
    println!("{} files, {:.1} MB", texts.len(), bytes as f64 / 1e6);
    let only = std::env::args().nth(2);
    let measure = |name: &str, work: &dyn Fn()| {
        if only.as_ref().is_some_and(|only| only != name) {
            return;
        }
        let run = |_| {
            let start = Instant::now();
            work();
            start.elapsed()
        };
        let best = (0..RUNS).map(run).min().unwrap_or(Duration::MAX);
        println!("{name:<8}{:>8.1} MB/s", bytes as f64 / 1e6 / best.as_secs_f64());
    };
    measure("lex", &|| texts.iter().for_each(|text| drop(black_box(journey_grammar::lex(text)))));
    measure("parse", &|| texts.iter().for_each(|text| drop(black_box(journey_grammar::parse(text)))));
    measure("check", &|| projects.iter().for_each(|project| drop(black_box(judge(project, None)))));
    measure("compile", &|| projects.iter().for_each(|project| drop(black_box(compile(project)))));
    measure("format", &|| texts.iter().for_each(|text| drop(black_box(journey_grammar::format(text)))));
}

/// The projects below a folder.
fn collect(folder: &Path, projects: &mut Vec<Project>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    if folder.join(CONFIG).is_file() {
        let mut files = Vec::new();
        read(folder, folder, &mut files);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        projects.push(Project { files, lone: false });
        return;
    }
    entries.into_iter().filter(|path| path.is_dir()).for_each(|path| collect(&path, projects));
}

fn read(root: &Path, folder: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(root, &path, files);
            continue;
        }
        let relative = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
        if belongs(&relative) {
            files.push(File { path: relative, bytes: fs::read(&path).unwrap().into() });
        }
    }
}
