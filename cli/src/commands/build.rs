//! `journey build`

use std::path::PathBuf;

use clap::ValueEnum;
use journey_bytecode::Bundle;

use super::{Exit, Outcome, compiled};
use crate::checked::count;
use crate::discover;
use crate::failure::Failure;
use crate::files;
use crate::terminal::{BOLD, GREEN, Terminal};
use crate::workspace::{Workspace, show};

const EXAMPLES: &str = "\
The bytecode file holds everything that a run needs: journeys, declarations,
policy and messages. Findings go to stderr.

Examples:
  journey build                         NAME.journeyc beside the project's journey.toml
  journey build welcome -o out.journeyc
  journey build --emit bytecode         print the instructions instead
  journey build --emit tree x.journey   print how a file was understood

Exit codes: 0 built, 1 the project has errors, 2 the command could not do its work.";

/// Compile a project to one bytecode file
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A project or a `.journey` file
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,

    /// Where the bytecode goes
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Print it to stdout instead of writing a file
    #[arg(long, value_enum, value_name = "WHAT", conflicts_with = "output")]
    emit: Option<Emit>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Emit {
    /// The syntax trees of the `.journey` files, also if they have errors
    Tree,
    /// The programs, instruction by instruction
    Bytecode,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.path)?;
    if args.emit == Some(Emit::Tree) {
        // Also of a project with errors: a tree shows how a text was understood.
        terminal.out(trees(&workspace))?;
        return Ok(Exit::CLEAN);
    }
    let Some(bundle) = compiled(&workspace, terminal) else { return Ok(Exit::FINDINGS) };
    if args.emit == Some(Emit::Bytecode) {
        terminal.out(listing(bundle))?;
        return Ok(Exit::CLEAN);
    }
    let path = args.output.clone().unwrap_or_else(|| beside(&workspace));
    let bytes = bundle.encode().map_err(|error| Failure::new(format!("cannot encode the bytecode: {error}")))?;
    files::replace(&path, &bytes).map_err(|error| Failure::path("cannot write", &path, &error))?;
    terminal.out(format!(
        "{GREEN}Built{GREEN:#} {BOLD}{}{BOLD:#}: {}, {}, {} bytes\n",
        path.canonicalize().map_or_else(|_| path.display().to_string(), |path| show(&path)),
        count(bundle.programs.len(), "journey"),
        count(bundle.messages.len(), "message"),
        bytes.len(),
    ))?;
    Ok(Exit::CLEAN)
}

fn trees(workspace: &Workspace) -> String {
    let files = workspace.snapshot.files().zip(&workspace.snapshot.project().files);
    let journeys = files.filter(|(_, file)| file.path.ends_with(".journey"));
    let tree = |bytes: &[u8]| journey_grammar::parse(&String::from_utf8_lossy(bytes)).tree.outline();
    journeys.map(|(id, file)| format!("# {}\n{}", workspace.file_name(id), tree(&file.bytes))).collect()
}

fn listing(bundle: &Bundle) -> String {
    bundle.programs.iter().map(|program| format!("{program}\n")).collect()
}

/// Beside the settings of a project, under its name; beside a lone file, under its.
fn beside(workspace: &Workspace) -> PathBuf {
    workspace.lone.as_ref().map_or_else(
        || {
            let name = workspace.root.file_name().map_or("project".into(), |name| name.to_string_lossy());
            workspace.root.join(format!("{name}.journeyc"))
        },
        |file| file.with_extension("journeyc"),
    )
}
