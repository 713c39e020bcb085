//! `journey init`

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::{Exit, Outcome};
use crate::failure::Failure;
use crate::files;
use crate::terminal::{BOLD, GREEN, Terminal};

/// What is written, with this in the place of where the tool comes from.
const SOURCE: &str = "{{ source }}";

const GITHUB: &str = include_str!("../../../ci/github-workflow.yml");
const GITLAB: &str = include_str!("../../../ci/gitlab-job.yml");

const EXAMPLES: &str = "\
What is written checks every change of the journeys: layout, findings beside the changed
lines, tests, and what changes for people. Nothing that exists is overwritten.

Examples:
  journey init --ci github --from acme/journey@v0.1.0     the action: OWNER/REPOSITORY@TAG
  journey init --ci gitlab --from registry.acme.example/journey:0.1.0     the image

Exit codes: 0 written, 2 it could not be written.";

/// Make the files that CI needs to check journeys
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Where your repository is
    #[arg(long, value_enum, value_name = "WHERE")]
    ci: Ci,

    /// Where CI takes this tool from: on GitHub the action, on GitLab the image
    #[arg(long, value_name = "SOURCE")]
    from: String,

    /// The top directory of the repository
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Ci {
    /// A workflow of GitHub Actions
    Github,
    /// A job of GitLab CI
    Gitlab,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    check_source(args.ci, &args.from)?;
    let (path, template) = match args.ci {
        Ci::Github => (".github/workflows/journeys.yml", GITHUB),
        // A pipeline that is there is somebody's; ours is included.
        Ci::Gitlab if args.directory.join(".gitlab-ci.yml").exists() => (".gitlab/journeys.yml", GITLAB),
        Ci::Gitlab => (".gitlab-ci.yml", GITLAB),
    };
    write(&args.directory.join(path), &template.replace(SOURCE, &args.from))?;
    let mut text = format!("{GREEN}Made{GREEN:#} {BOLD}{path}{BOLD:#}.\n");
    if path.starts_with(".gitlab/") {
        text.push_str("\nInclude it in .gitlab-ci.yml:\n\n  include:\n    - local: .gitlab/journeys.yml\n");
    }
    terminal.out(text)?;
    Ok(Exit::CLEAN)
}

fn check_source(ci: Ci, source: &str) -> Result<(), Failure> {
    let plain = !source.is_empty() && source.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@".contains(c));
    let fits = match ci {
        Ci::Github => source.split_once('@').is_some_and(|(name, tag)| name.contains('/') && !tag.is_empty()),
        Ci::Gitlab => true,
    };
    let help = match ci {
        Ci::Github => "an action is OWNER/REPOSITORY@TAG, such as `acme/journey@v0.1.0`",
        Ci::Gitlab => "an image is NAME:TAG, such as `registry.acme.example/journey:0.1.0`",
    };
    if plain && fits { Ok(()) } else { Err(Failure::new(format!("`{source}` cannot be it")).help(help)) }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if path.exists() {
        let message = format!("`{}` exists already", path.display());
        return Err(Failure::new(message).help("move it away first; nothing was changed"));
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(parent).and_then(|()| files::replace(path, text.as_bytes()));
    written.map_err(|error| Failure::path("cannot write", path, &error))
}
