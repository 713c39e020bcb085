//! `cargo xtask bench lsp`: how long an editor waits for us, and for the language servers of others that the same client drives.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{LINES, Place, corpus, fresh, tools};
use crate::editor::{Server, position};

/// Changes before those that count, of each session.
const WARM: usize = 20;

/// Sessions of each server, all servers in turn: what else the machine does must not fall to one of them alone.
const ROUNDS: usize = 5;

/// How long a person's hands rest between two keys, at least.
const PAUSE: Duration = Duration::from_millis(5);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many changes are measured of each server, in several sessions.
    #[arg(long, default_value_t = 250)]
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
    folder: PathBuf,
    file: PathBuf,
    language: &'static str,
    /// Typed at the start of this line, and taken out again.
    line: usize,
    typed: &'static str,
    /// The offset in that line at which completion and hover are asked for.
    asked: usize,
    start: Box<dyn Fn() -> Command + 'a>,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let (journey, folder) = args.place.open()?;
    // Servers name files without detours.
    let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
    let (many, large) = (folder.join("lsp-many"), folder.join("lsp-large"));
    let project = folder.join("lsp-project");
    let count = fresh(&many, |at| corpus::many(at, "many", LINES))?;
    fresh(&large, |at| corpus::project(at, &[("large", LINES / 22)]))?;
    let names: Vec<String> = (0..args.files).map(|n| format!("j{n:05}")).collect();
    let parts: Vec<(&str, usize)> = names.iter().enumerate().map(|(n, name)| (name.as_str(), 1 + n % 4)).collect();
    fresh(&project, |at| corpus::project(at, &parts))?;

    let start_journey = || {
        let mut command = Command::new(&journey);
        command.arg("lsp");
        command
    };
    let step = |what: String, folder: &'_ Path, file: &str| Scene {
        server: "journey lsp",
        what,
        file: folder.join(file),
        folder: folder.to_owned(),
        language: "journey",
        line: 10,
        typed: "  add tag lead\n",
        asked: 7,
        start: Box::new(start_journey),
    };
    let of_project = |what: &str| format!("project of {} files, {what}", args.files);
    let mut scenes = vec![
        step(format!("one file of {LINES} lines, {count} journeys"), &many, "journeys/many.journey"),
        step(format!("one file of {LINES} lines, one journey"), &large, "journeys/large.journey"),
        step(of_project("a step"), &project, "journeys/j00003.journey"),
        Scene {
            line: 9,
            typed: "tags { fresh }\n",
            asked: 0,
            ..step(of_project("a declaration all of them use"), &project, "declarations.journey")
        },
    ];
    for peer in &tools::SERVERS {
        let Some(program) = peer.program(&folder.join("tools")) else {
            println!("SKIPPED: {} is not there", peer.name);
            continue;
        };
        let at = folder.join(format!("lsp-{}", peer.language));
        fresh(&at, |at| peer.write(at, LINES))?;
        let work = at.clone();
        scenes.push(Scene {
            server: peer.name,
            what: format!("one file of {LINES} lines"),
            file: at.join(peer.file),
            folder: at,
            language: peer.language,
            line: peer.line,
            typed: peer.typed,
            asked: 2,
            start: Box::new(move || {
                let mut command = Command::new(&program);
                command.args(peer.args).current_dir(&work);
                command
            }),
        });
    }
    let mut times: Vec<Times> = scenes.iter().map(|_| Times::default()).collect();
    for _ in 0..ROUNDS {
        for (scene, times) in scenes.iter().zip(&mut times) {
            measure(scene, args.changes.div_ceil(ROUNDS), times)?;
        }
    }
    println!(
        "{:<58} {:>7} {:^23}   {:^15}   {:^15}",
        "milliseconds", "start", "change to findings", "completion", "hover"
    );
    println!(
        "{:<58} {:>7} {:>7} {:>7} {:>7}   {:>7} {:>7}   {:>7} {:>7}",
        "", "p50", "p50", "p95", "p99", "p50", "p99", "p50", "p99"
    );
    for (scene, Times { start, findings, completion, hover }) in scenes.iter().zip(&mut times) {
        println!(
            "{:<58} {}   {}   {}   {}",
            format!("{}, {}", scene.server, scene.what),
            percentiles(start, &[50]),
            percentiles(findings, &[50, 95, 99]),
            percentiles(completion, &[50, 99]),
            percentiles(hover, &[50, 99]),
        )
    }
    Ok(())
}

/// What was measured of one scene.
#[derive(Default)]
struct Times {
    start: Vec<Duration>,
    findings: Vec<Duration>,
    completion: Vec<Duration>,
    hover: Vec<Duration>,
}

/// Milliseconds that so many percent of the times are not above; dashes if there are none.
fn percentiles(times: &mut [Duration], of: &[usize]) -> String {
    times.sort();
    let of =
        of.iter().map(|percent| match times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))) {
            Some(time) => format!("{:>7.2}", time.as_secs_f64() * 1e3),
            None => format!("{:>7}", "-"),
        });
    of.collect::<Vec<_>>().join(" ")
}

/// Starts the server, types and asks, and notes how long it took.
fn measure(scene: &Scene<'_>, changes: usize, times: &mut Times) -> Result<(), String> {
    let text = std::fs::read_to_string(&scene.file).map_err(|error| format!("{}: {error}", scene.file.display()))?;
    let uri = format!("file://{}", scene.file.display());
    let began = Instant::now();
    let mut server = Server::start((scene.start)(), &scene.folder)?;
    times.start.push(began.elapsed());
    server.open(&uri, scene.language, &text)?;
    let rows = scene.typed.matches('\n').count();
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
            times.findings.push(told);
            times.completion.extend(completed);
            times.hover.extend(hovered);
        }
    }
    server.stop()
}
