//! `journey check`

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::{Exit, Outcome};
use crate::discover;
use crate::failure::Failure;
use crate::report::{self, Counts, Format};
use crate::terminal::Terminal;
use crate::workspace::Workspace;

const EXAMPLES: &str = "\
A file is checked together with the project around it (the nearest `journey.toml`
upward); a file without one is checked alone. A directory may hold several projects.

Examples:
  journey check                              the project here
  journey check campaigns/                   every project and journey below
  journey check --output-format concise .    one line a finding, for editors and grep
  journey check --output-format json . | jq '.findings[].code'
  journey check --stdin-filename journeys/welcome.journey - < draft.journey

Exit codes: 0 nothing of the level of --fail-level, 1 findings of that level,
2 the command could not do its work.";

/// Say what is wrong with journeys, why, and what to do
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Projects, directories or `.journey` files; `-` for a text on stdin
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,

    /// How findings are written to stdout
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    output_format: Format,

    /// The mildest level that makes the exit code 1
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t)]
    fail_level: FailLevel,

    /// The file that the text on stdin stands for
    #[arg(long, value_name = "PATH")]
    stdin_filename: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum FailLevel {
    Warning,
    #[default]
    Error,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let workspaces = workspaces(args)?;
    terminal.out(report::render(args.output_format, &workspaces, terminal))?;
    let counts = Counts::of(&workspaces);
    let failed = match args.fail_level {
        FailLevel::Error => counts.errors > 0,
        FailLevel::Warning => counts.errors + counts.warnings > 0,
    };
    Ok(if failed { Exit::FINDINGS } else { Exit::CLEAN })
}

fn workspaces(args: &Args) -> Result<Vec<Workspace>, Failure> {
    let stdin = args.paths.iter().any(|path| path == Path::new("-"));
    match (stdin, &args.stdin_filename) {
        (false, None) => discover::find(&args.paths),
        (false, Some(_)) => {
            Err(Failure::new("`--stdin-filename` is given, but not `-`").help("add `-` to read the text from stdin"))
        }
        (true, _) if args.paths.len() > 1 => Err(Failure::new("`-` cannot be given together with other paths")),
        (true, filename) => {
            let mut text = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut text);
            read.map_err(|error| Failure::new(format!("cannot read stdin: {error}")))?;
            let path = filename.as_deref().unwrap_or(Path::new("stdin.journey"));
            Ok(vec![discover::with_text(path, text)?])
        }
    }
}
