//! `cargo xtask bench lsp`: how long an editor waits for us, and for the language servers of others that the same client drives.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{LINES, Place, corpus, fresh, tools};
use crate::editor::{Server, position};

/// Changes before those that count.
const WARM: usize = 20;

/// How long a person's hands rest between two keys, at least.
const PAUSE: Duration = Duration::from_millis(5);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many changes are measured.
    #[arg(long, default_value_t = 200)]
    changes: usize,

    /// How many files the project has.
    #[arg(long, default_value_t = 500)]
    files: usize,

    #[command(flatten)]
    place: Place,
}

/// What an editor has open, and what is typed into it.
struct Scene<'a> {
    server: &'a str,
    what: String,
    folder: &'a Path,
    file: PathBuf,
    language: &'static str,
    /// Typed at the start of this line, and taken out again.
    line: usize,
    typed: &'static str,
    /// The offset in that line at which completion and hover are asked for.
    asked: usize,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let (journey, folder) = args.place.open()?;
    // Servers name files without detours.
    let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
    let large = folder.join("lsp-large");
    let project = folder.join("lsp-project");
    fresh(&large, |at| corpus::project(at, &[("large", LINES / 22)]))?;
    let names: Vec<String> = (0..args.files).map(|n| format!("j{n:05}")).collect();
    let parts: Vec<(&str, usize)> = names.iter().enumerate().map(|(n, name)| (name.as_str(), 1 + n % 4)).collect();
    fresh(&project, |at| corpus::project(at, &parts))?;

    println!(
        "{:<58} {:>7} {:^23}   {:^15}   {:^15}",
        "milliseconds", "start", "change to findings", "completion", "hover"
    );
    println!(
        "{:<58} {:>7} {:>7} {:>7} {:>7}   {:>7} {:>7}   {:>7} {:>7}",
        "", "", "p50", "p95", "p99", "p50", "p99", "p50", "p99"
    );
    let lsp = || {
        let mut command = Command::new(&journey);
        command.arg("lsp");
        command
    };
    let step = |what: String, folder: &'_ Path, file: &str| Scene {
        server: "journey lsp",
        what,
        file: folder.join(file),
        folder: &large,
        language: "journey",
        line: 10,
        typed: "  add tag lead\n",
        asked: 7,
    };
    measure(&lsp, &step(format!("one file of {LINES} lines"), &large, "journeys/large.journey"), args.changes)?;
    let several = format!("project of {} files, a step", args.files);
    let scene = Scene { folder: &project, ..step(several, &project, "journeys/j00003.journey") };
    measure(&lsp, &scene, args.changes)?;
    let declaration = format!("project of {} files, a declaration all of them use", args.files);
    let scene = Scene {
        folder: &project,
        line: 9,
        typed: "tags { fresh }\n",
        asked: 0,
        ..step(declaration, &project, "declarations.journey")
    };
    measure(&lsp, &scene, args.changes)?;
    for peer in &tools::SERVERS {
        let Some(program) = peer.program(&folder.join("tools")) else {
            println!("SKIPPED: {} is not there", peer.name);
            continue;
        };
        let at = folder.join("lsp-peer");
        fresh(&at, |at| peer.write(at, LINES))?;
        let scene = Scene {
            server: peer.name,
            what: format!("one file of {LINES} lines"),
            folder: &at,
            file: at.join(peer.file),
            language: peer.language,
            line: peer.line,
            typed: peer.typed,
            asked: 2,
        };
        let start = || {
            let mut command = Command::new(&program);
            command.args(peer.args).current_dir(&at);
            command
        };
        measure(&start, &scene, args.changes)?;
    }
    Ok(())
}

/// Starts the server, types and asks, and prints how long it took.
fn measure(start: &dyn Fn() -> Command, scene: &Scene<'_>, changes: usize) -> Result<(), String> {
    let text = std::fs::read_to_string(&scene.file).map_err(|error| format!("{}: {error}", scene.file.display()))?;
    let uri = format!("file://{}", scene.file.display());
    let began = Instant::now();
    let mut server = Server::start(start(), scene.folder)?;
    let started = began.elapsed();
    server.open(&uri, scene.language, &text)?;
    let rows = scene.typed.matches('\n').count();
    let (mut findings, mut completion, mut hover) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..WARM + changes {
        let (end, typed) = if n % 2 == 0 { (scene.line, scene.typed) } else { (scene.line + rows, "") };
        let version = n + 1;
        std::thread::sleep(PAUSE);
        let began = Instant::now();
        server.change(&uri, version, scene.line..end, typed)?;
        let told = server.findings(&uri, version)?.duration_since(began);
        let params = json!({ "textDocument": { "uri": uri }, "position": position(scene.line, scene.asked) });
        let completed = server.ask("textDocument/completion", &params)?;
        let hovered = server.ask("textDocument/hover", &params)?;
        if n >= WARM {
            findings.push(told);
            completion.extend(completed);
            hover.extend(hovered);
        }
    }
    server.stop()?;
    let name = format!("{}, {}", scene.server, scene.what);
    let shown = |times: &mut Vec<Duration>, of: &[usize]| {
        times.sort();
        let of = of.iter().map(|percent| {
            match times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))) {
                Some(time) => format!("{:>7.2}", time.as_secs_f64() * 1e3),
                None => format!("{:>7}", "-"),
            }
        });
        of.collect::<Vec<_>>().join(" ")
    };
    println!(
        "{name:<58} {:>7.1} {}   {}   {}",
        started.as_secs_f64() * 1e3,
        shown(&mut findings, &[50, 95, 99]),
        shown(&mut completion, &[50, 99]),
        shown(&mut hover, &[50, 99]),
    );
    Ok(())
}
