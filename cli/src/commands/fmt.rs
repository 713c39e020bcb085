//! `journey fmt`

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use journey_compiler::project::MAX_FILE;
use journey_grammar::{format_parsed, parse};
use rayon::prelude::*;

use super::{Exit, Outcome};
use crate::checked::count;
use crate::discover;
use crate::failure::Failure;
use crate::files;
use crate::report::diff;
use crate::terminal::{BOLD, GREEN, Terminal, YELLOW};
use crate::workspace::show;

const EXAMPLES: &str = "\
There is one style, and nothing to configure: one statement a line, two spaces a level.
Comments stay, meaning stays, and what cannot be read is left as it is. A file is
replaced whole or not at all.

Examples:
  journey fmt                          every journey here and below
  journey fmt journeys/welcome.journey
  journey fmt --check                  change nothing, say what would change (for CI)
  journey fmt --diff                   show the changes as a patch
  journey fmt - < draft.journey        from stdin to stdout

Exit codes: 0 all is formatted (now), 1 something is not (with --check or --diff),
2 the command could not do its work.";

/// Lay journeys out in the one style
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Directories, `.journey` files or patterns such as 'shop/**/*.journey'; `-` for a text on stdin
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,

    /// Change nothing; name the files that are not formatted
    #[arg(long, conflicts_with = "diff")]
    check: bool,

    /// Change nothing; show what would change
    #[arg(long)]
    diff: bool,

    /// What to call the text on stdin
    #[arg(long, value_name = "PATH")]
    stdin_filename: Option<PathBuf>,
}

/// A file, and what became of it.
struct Formatted {
    path: PathBuf,
    name: String,
    old: String,
    new: String,
    /// Whether parts of it were left as they are, because they cannot be read.
    broken: bool,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    if args.paths.iter().any(|path| path == Path::new("-")) {
        return stdin(args, terminal);
    }
    if args.stdin_filename.is_some() {
        let failure = Failure::new("`--stdin-filename` is given, but not `-`");
        return Err(failure.help("add `-` to read the text from stdin"));
    }
    let paths = discover::journeys(&args.paths)?;
    let all: Vec<Result<Formatted, Failure>> = paths.into_par_iter().map(format).collect();
    let (mut changed, mut unchanged, mut failed) = (0, 0, false);
    for result in all {
        let done = result.and_then(|file| {
            note_broken(&file, terminal);
            if file.old == file.new {
                unchanged += 1;
                return Ok(());
            }
            changed += 1;
            if args.check || args.diff { tell(&file, args, terminal) } else { write(&file) }
        });
        match done {
            Ok(()) => {}
            Err(failure) if failure.is_gone() => return Err(failure),
            Err(failure) => {
                failed = true;
                failure.print(terminal);
            }
        }
    }
    let would = args.check || args.diff;
    terminal.err(summary(changed, unchanged, would));
    match (failed, would && changed > 0) {
        (true, _) => Ok(Exit::FAILED),
        (false, true) => Ok(Exit::FINDINGS),
        (false, false) => Ok(Exit::CLEAN),
    }
}

fn stdin(args: &Args, terminal: Terminal) -> Outcome {
    if args.paths.len() > 1 {
        return Err(Failure::new("`-` cannot be given together with other paths"));
    }
    let mut bytes = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut bytes);
    read.map_err(|error| Failure::new(format!("cannot read stdin: {error}")))?;
    let path = args.stdin_filename.clone().unwrap_or_else(|| PathBuf::from("stdin.journey"));
    let file = format_bytes(path.display().to_string(), path, bytes)?;
    note_broken(&file, terminal);
    if args.check || args.diff {
        tell(&file, args, terminal)?;
        return Ok(if file.old == file.new { Exit::CLEAN } else { Exit::FINDINGS });
    }
    terminal.out(&file.new)?;
    Ok(Exit::CLEAN)
}

fn format(path: PathBuf) -> Result<Formatted, Failure> {
    let name = show(&path);
    let bytes = fs::read(&path).map_err(|error| Failure::path("cannot read", Path::new(&name), &error))?;
    format_bytes(name, path, bytes)
}

fn format_bytes(name: String, path: PathBuf, bytes: Vec<u8>) -> Result<Formatted, Failure> {
    if bytes.len() > MAX_FILE {
        return Err(Failure::new(format!("`{name}` is larger than a journey may be")));
    }
    let old = String::from_utf8(bytes).map_err(|_| {
        Failure::new(format!("`{name}` is not UTF-8 text")).help(format!("`journey check {name}` says where"))
    })?;
    let parsed = parse(&old);
    let new = format_parsed(&parsed);
    Ok(Formatted { broken: !parsed.errors.is_empty(), path, name, old, new })
}

fn note_broken(file: &Formatted, terminal: Terminal) {
    if file.broken {
        let name = &file.name;
        terminal.err(format!(
            "{YELLOW}warning{YELLOW:#}: parts of `{name}` cannot be read and were left as they are; \
             `journey check {name}` says why\n"
        ));
    }
}

fn tell(file: &Formatted, args: &Args, terminal: Terminal) -> Result<(), Failure> {
    if file.old == file.new {
        return Ok(());
    }
    let text = if args.diff {
        diff::unified(&file.name, &file.old, &file.new)
    } else {
        format!("would format {BOLD}{}{BOLD:#}\n", file.name)
    };
    Ok(terminal.out(text)?)
}

fn write(file: &Formatted) -> Result<(), Failure> {
    let written = files::replace(&file.path, file.new.as_bytes());
    written.map_err(|error| Failure::path("cannot write", Path::new(&file.name), &error))
}

fn summary(changed: usize, unchanged: usize, would: bool) -> String {
    let unchanged = format!("{} as {} should be", count(unchanged, "file"), if unchanged == 1 { "it" } else { "they" });
    match (changed, would) {
        (0, _) => format!("{GREEN}{unchanged}{GREEN:#}\n"),
        (n, true) => format!("{BOLD}{} to format{BOLD:#}, {unchanged}\n", count(n, "file")),
        (n, false) => format!("{GREEN}{} formatted{GREEN:#}, {unchanged}\n", count(n, "file")),
    }
}
