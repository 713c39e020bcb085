//! `journey check`

mod baseline;
mod fix;
mod since;
mod watch;

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use journey_compiler::diagnostic::Severity;
use rayon::prelude::*;

use super::{Exit, Outcome};
use crate::cache::{self, Cache};
use crate::checked::{Checked, Counts};
use crate::discover::{self, Found};
use crate::failure::Failure;
use crate::files;
use crate::report::{self, Format, Output};
use crate::terminal::Terminal;
use crate::workspace::Workspace;
use since::Changed;

const EXAMPLES: &str = "\
A file is checked together with the project around it (the nearest `journey.toml`
upward); a file without one is checked alone. A directory may hold several projects.
What .gitignore leaves out is left out. What was checked once is remembered, by
content, in the system's directory for caches.

Examples:
  journey check                              the project here
  journey check campaigns/                   every project and journey below
  journey check 'campaigns/**/*.journey'     a pattern, for where no shell expands it
  journey check --output-format concise .    one line a finding, for editors and grep
  journey check --output-format json . | jq '.findings[].code'
  journey check --output-format human --output-format sarif=check.sarif
  journey check --stdin-filename journeys/welcome.journey - < draft.journey
  journey check --since origin/main          what a pull request changed
  journey check --watch                      again whenever a file changes
  journey check --diff                       what --fix would do, as a patch
  journey check --fix                        take the changes that keep the meaning
  journey check --write-baseline known.json  from now on only what is new:
  journey check --baseline known.json

Exit codes: 0 nothing of the level of --fail-level, 1 findings of that level (with
--diff: something would change), 2 the command could not do its work.";

/// Say what is wrong with journeys, why, and what to do
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Projects, directories, `.journey` files or patterns; `-` for a text on stdin
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,

    /// How findings are written, and where if not to stdout; may be given several times. FORMAT is human, concise,
    /// json, jsonl, sarif, github, gitlab or junit
    #[arg(long, value_parser = Output::parse, value_name = "FORMAT[=FILE]", default_value = "human")]
    output_format: Vec<Output>,

    /// The mildest level that makes the exit code 1
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t)]
    fail_level: FailLevel,

    /// Exit with 0 whatever is found
    #[arg(long)]
    exit_zero: bool,

    /// Say on stderr how often each finding was made
    #[arg(long)]
    statistics: bool,

    /// The file that the text on stdin stands for
    #[arg(long, value_name = "PATH")]
    stdin_filename: Option<PathBuf>,

    /// Only what changed since we parted from this git revision: findings in changed files, and errors in their projects
    #[arg(long, value_name = "REV")]
    since: Option<String>,

    /// Write the changes that findings offer and that keep the meaning, then say what is left
    #[arg(long)]
    fix: bool,

    /// Also take changes that alter what a journey does; look at them afterwards
    #[arg(long)]
    unsafe_fixes: bool,

    /// Change nothing; show what --fix would do
    #[arg(long, conflicts_with = "fix")]
    diff: bool,

    /// Stay, and check again whenever a file changes
    #[arg(long, conflicts_with_all = ["fix", "unsafe_fixes", "diff", "write_baseline"])]
    watch: bool,

    /// Leave out the lints that this file knows
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Write the lints that there are to this file, for --baseline
    #[arg(long, value_name = "FILE", conflicts_with_all = ["baseline", "fix", "diff"])]
    write_baseline: Option<PathBuf>,

    /// Where to remember what was found, instead of JOURNEY_CACHE_DIR or the system's directory for caches
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    cache_dir: Option<PathBuf>,

    /// Remember nothing, and check all anew
    #[arg(long)]
    no_cache: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum FailLevel {
    Hint,
    Warning,
    #[default]
    Error,
}

impl Args {
    /// Whether changes that findings offer are taken or shown.
    const fn mends(&self) -> bool {
        self.fix || self.unsafe_fixes || self.diff
    }
}

impl FailLevel {
    const fn severity(self) -> Severity {
        match self {
            Self::Hint => Severity::Hint,
            Self::Warning => Severity::Warning,
            Self::Error => Severity::Error,
        }
    }
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    if args.watch { watch::run(args, terminal) } else { once(args, terminal).map(|(exit, _)| exit) }
}

/// Checks, and says where the projects lie that were looked at.
fn once(args: &Args, terminal: Terminal) -> Result<(Exit, Vec<PathBuf>), Failure> {
    let changed = args.since.as_deref().map(Changed::since).transpose()?;
    let mut checked = match text_on_stdin(args)? {
        Some(text) => {
            let workspaces = vec![text];
            if args.diff {
                return Ok((fix::show(&fix::mend(&workspaces, args, None), terminal)?, Vec::new()));
            }
            workspaces.into_iter().map(Checked::fresh).collect()
        }
        None => {
            let mut found = discover::find(&args.paths)?;
            if let Some(changed) = &changed {
                found.retain(|found| changed.touches(&found.root, found.lone.as_deref()));
            }
            if args.mends() {
                let read = found.into_par_iter().map(Found::read);
                let mended = fix::mend(&read.collect::<Result<Vec<_>, Failure>>()?, args, changed.as_ref());
                let roots = mended.iter().map(|mended| mended.after.root.clone()).collect();
                if args.diff {
                    return Ok((fix::show(&mended, terminal)?, roots));
                }
                fix::write(&mended, terminal)?;
                mended.into_par_iter().map(|mended| Checked::fresh(mended.after)).collect()
            } else {
                let cache = if args.no_cache { None } else { Cache::open(args.cache_dir.clone()) };
                cache::check(found, cache.as_ref())?
            }
        }
    };
    if let Some(changed) = &changed {
        for project in &mut checked {
            changed.keep(project);
        }
    }
    let roots = checked.iter().map(|project| project.workspace.root.clone()).collect();
    if let Some(path) = &args.write_baseline {
        baseline::write(path, &checked, terminal)?;
        return Ok((Exit::CLEAN, roots));
    }
    if let Some(path) = &args.baseline {
        baseline::filter(path, &mut checked, terminal)?;
    }
    report(args, &checked, terminal)?;
    let failed = Counts::of(&checked).at_least(args.fail_level.severity()) > 0 && !args.exit_zero;
    Ok((if failed { Exit::FINDINGS } else { Exit::CLEAN }, roots))
}

fn report(args: &Args, checked: &[Checked], terminal: Terminal) -> Result<(), Failure> {
    for Output { format, file } in &args.output_format {
        let text = report::render(*format, checked, args.fail_level.severity(), terminal);
        match file {
            None => terminal.out(text)?,
            Some(path) => {
                let plain = match format {
                    Format::Human => anstream::adapter::strip_str(&text).to_string(),
                    _ => text,
                };
                files::replace(path, plain.as_bytes()).map_err(|error| Failure::path("cannot write", path, &error))?;
            }
        }
    }
    if args.statistics {
        terminal.err(report::statistics(checked));
    }
    Ok(())
}

/// The text on stdin with the project around it, if one is to be checked.
fn text_on_stdin(args: &Args) -> Result<Option<Workspace>, Failure> {
    let stdin = args.paths.iter().any(|path| path == Path::new("-"));
    match (stdin, &args.stdin_filename) {
        (false, None) => Ok(None),
        (false, Some(_)) => {
            Err(Failure::new("`--stdin-filename` is given, but not `-`").help("add `-` to read the text from stdin"))
        }
        (true, _) if args.paths.len() > 1 => Err(Failure::new("`-` cannot be given together with other paths")),
        (true, _) if args.fix || args.unsafe_fixes && !args.diff || args.since.is_some() => {
            Err(Failure::new("a text on stdin can only be checked").help("`--diff` shows what could be mended in it"))
        }
        (true, filename) => {
            let mut text = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut text);
            read.map_err(|error| Failure::new(format!("cannot read stdin: {error}")))?;
            let path = filename.as_deref().unwrap_or(Path::new("stdin.journey"));
            Ok(Some(discover::with_text(path, text)?))
        }
    }
}
