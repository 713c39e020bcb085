//! `journey graph`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use journey_grammar::ast;
use journey_ide::Graph;

use super::{Exit, Outcome};
use crate::discover;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::workspace::Workspace;

const EXAMPLES: &str = "\
The picture shows waits, conditions and messages in words. A project with errors is
drawn as far as it is understood; `journey check` says what is wrong with it.

Examples:
  journey graph welcome                        Mermaid, for a pull request or a wiki
  journey graph welcome.journey --format svg > welcome.svg
  journey graph shop --journey cart --format dot | dot -Tpdf -o cart.pdf

Exit codes: 0 drawn, 2 the command could not do its work.";

/// Draw journeys as graphs
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A project or a `.journey` file
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,

    /// Draw only the journey of this name
    #[arg(long, value_name = "NAME")]
    journey: Option<String>,

    /// The language of the picture
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Mermaid)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// For GitHub, GitLab and wikis
    Mermaid,
    /// For Graphviz
    Dot,
    /// A picture for every browser; one journey only
    Svg,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.path)?;
    let only = args.path.is_file().then_some(args.path.as_path());
    let mut graphs = graphs(&workspace, only);
    if let Some(name) = &args.journey {
        let names = names(&graphs);
        graphs.retain(|graph| graph.name == *name);
        if graphs.is_empty() {
            return Err(Failure::new(format!("there is no journey `{name}` here")).help(names));
        }
    }
    match (args.format, graphs.as_slice()) {
        (_, []) => return Err(Failure::new(format!("`{}` holds no journey to draw", args.path.display()))),
        (Format::Svg, [graph]) => terminal.out(graph.svg())?,
        (Format::Svg, several) => {
            let message = format!("an SVG shows one journey, and there are {} here", several.len());
            return Err(Failure::new(message).help(format!("choose one with --journey; {}", names(several))));
        }
        (Format::Dot, several) => terminal.out(several.iter().map(Graph::dot).collect::<String>())?,
        (Format::Mermaid, [graph]) => terminal.out(graph.mermaid())?,
        (Format::Mermaid, several) => terminal.out(document(several))?,
    }
    Ok(Exit::CLEAN)
}

/// The journeys of a project, or of one of its files.
fn graphs(workspace: &Workspace, only: Option<&Path>) -> Vec<Graph> {
    let only = only.and_then(|path| path.canonicalize().ok());
    let mut graphs = Vec::new();
    for file in &workspace.snapshot.project().files {
        let wanted = only.as_ref().is_none_or(|path| workspace.root.join(&file.path) == *path);
        let Some(stem) = file.path.strip_suffix(".journey").filter(|_| wanted) else { continue };
        let name = stem.rsplit('/').next().unwrap_or(stem);
        let parse = journey_grammar::parse(&String::from_utf8_lossy(&file.bytes));
        graphs.extend(ast::File::of(&parse.tree).journeys().map(|journey| Graph::of(journey, name)));
    }
    graphs
}

/// Several journeys as one Markdown text.
fn document(graphs: &[Graph]) -> String {
    let mut text = String::new();
    for graph in graphs {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "## {}\n", graph.name);
        if let Some(docs) = &graph.docs {
            let _ = writeln!(text, "{docs}\n");
        }
        let _ = writeln!(text, "```mermaid\n{}```\n", graph.mermaid());
    }
    text
}

fn names(graphs: &[Graph]) -> String {
    let names: Vec<_> = graphs.iter().map(|graph| format!("`{}`", graph.name)).collect();
    format!("the journeys are {}", names.join(", "))
}
