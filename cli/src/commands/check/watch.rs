//! `--watch`: check again whenever a file of a project changes.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use journey_compiler::project::belongs;
use notify::event::{ModifyKind, RemoveKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::{Args, once};
use crate::commands::Outcome;
use crate::discover::relative;
use crate::failure::Failure;
use crate::terminal::{FAINT, Terminal};

/// Editors write a file in several steps: what comes within this time is one change.
const QUIET: Duration = Duration::from_millis(50);
/// Whoever writes without a pause sees a check at least this often.
const LONGEST: Duration = Duration::from_secs(1);

/// Everything of the terminal is cleared, and what has scrolled away too.
const CLEAR: &str = "\x1b[2J\x1b[3J\x1b[H";

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    if args.paths.iter().any(|path| path == Path::new("-")) {
        return Err(Failure::new("a text on stdin cannot be watched"));
    }
    let (send, events) = mpsc::channel();
    let cannot = |error: notify::Error| Failure::new(format!("cannot watch for changes: {error}"));
    let mut watcher = notify::recommended_watcher(send).map_err(cannot)?;
    let mut watched = BTreeSet::new();
    loop {
        // What was asked for is watched before it is read, so that no change falls between.
        for path in &args.paths {
            watch(path, &mut watcher, &mut watched).map_err(cannot)?;
        }
        match once(args, terminal) {
            Ok((_, roots)) => {
                for root in roots {
                    watch(&root, &mut watcher, &mut watched).map_err(cannot)?;
                }
            }
            // Where nothing is watched, nothing will ever change: the path is misspelt.
            Err(failure) if watched.is_empty() || failure.is_gone() => return Err(failure),
            Err(failure) => failure.print(terminal),
        }
        terminal.err(format!("{FAINT}watching for changes{FAINT:#}\n"));
        wait(&events, &watched)?;
        if io::stdout().is_terminal() {
            terminal.out(CLEAR)?;
        }
    }
}

/// Watches a directory, or the one that a file is in, once.
fn watch(path: &Path, watcher: &mut RecommendedWatcher, watched: &mut BTreeSet<PathBuf>) -> notify::Result<()> {
    let Ok(real) = path.canonicalize() else { return Ok(()) };
    let directory = if real.is_dir() { real } else { real.parent().map(Path::to_path_buf).unwrap_or(real) };
    if !watched.iter().any(|other| directory.starts_with(other)) {
        watcher.watch(&directory, RecursiveMode::Recursive)?;
        watched.insert(directory);
    }
    Ok(())
}

/// Waits for a change that matters, and until there is a pause.
fn wait(events: &Receiver<notify::Result<Event>>, watched: &BTreeSet<PathBuf>) -> Result<(), Failure> {
    let stopped = || Failure::new("the system does not tell of changes any more");
    while !matters(events.recv().map_err(|_| stopped())?, watched) {}
    let begin = Instant::now();
    while begin.elapsed() < LONGEST && events.recv_timeout(QUIET).is_ok() {}
    Ok(())
}

/// Whether it may change what is found: not what a run leaves behind, nor that somebody reads a file.
fn matters(event: notify::Result<Event>, watched: &BTreeSet<PathBuf>) -> bool {
    // Events that were lost may have mattered.
    let Ok(event) = event else { return true };
    let ours = |path: &PathBuf| {
        let ignore = path.file_name().is_some_and(|name| name == ".gitignore");
        let inside = watched.iter().filter(|directory| path.starts_with(directory));
        let below = |directory: &PathBuf| {
            let path = relative(directory, path);
            // A project may lie deeper: then its messages and settings do, too.
            belongs(&path) || path.match_indices('/').filter_map(|(at, _)| path.get(at + 1..)).any(belongs)
        };
        ignore || is_directory(event.kind, path) || inside.into_iter().any(below)
    };
    !matches!(event.kind, EventKind::Access(_)) && (event.need_rescan() || event.paths.iter().any(ours))
}

/// Whether a directory came or went: what is in it by the time that it is watched, nobody tells us.
fn is_directory(kind: EventKind, path: &Path) -> bool {
    match kind {
        EventKind::Remove(kind) => kind == RemoveKind::Folder,
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(_)) => path.is_dir(),
        _ => false,
    }
}
