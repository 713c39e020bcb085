//! The commands, one file each.

mod at;
mod build;
mod channels;
mod check;
mod completions;
mod deploy;
mod diff;
mod doctor;
mod erase;
mod explain;
mod fmt;
mod grammar;
mod graph;
mod hooks;
mod import;
mod init;
mod lsp;
mod man;
mod new;
mod outbox;
mod pause;
mod preview;
mod rows;
mod run;
mod send_test;
mod senders;
mod serve;
mod simulate;
mod status;
mod suppress;
mod table;
mod test;
mod why;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use journey_bytecode::Bundle;
use journey_compiler::diagnostic::Severity;

use crate::checked::{Checked, Counts};
use crate::failure::Failure;
use crate::report::{self, Format};
use crate::terminal::{Color, Terminal};
use crate::workspace::Workspace;

const EXAMPLES: &str = "\
Examples:
  journey new welcome              make a project to start from
  journey check welcome            say what is wrong with it
  journey fmt welcome              lay it out in the one style
  journey test --project welcome   run the tests that stand in it
  journey run welcome              watch its contacts walk through it, in virtual time
  journey simulate welcome         forecast what it would do to a thousand people
  journey serve welcome            run it for real
  journey why ada                  see what it did with a contact, and why

Exit codes: 0 all is well, 1 findings, 2 the command could not do its work.";

/// Customer journeys as text: check them, try them on a virtual clock, run them
#[derive(Parser, Debug)]
#[command(name = "journey", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    /// When to use colour
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t, hide_possible_values = true)]
    color: Color,

    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    New(new::Args),
    Check(check::Args),
    Fmt(fmt::Args),
    Diff(diff::Args),
    Build(build::Args),
    Run(run::Args),
    Simulate(simulate::Args),
    Test(test::Args),
    Serve(serve::Args),
    Preview(preview::Args),
    SendTest(send_test::Args),
    Doctor(doctor::Args),
    Import(import::ImportArgs),
    Export(import::ExportArgs),
    Erase(erase::Args),
    Suppress(suppress::Args),
    Status(status::StatusArgs),
    Plan(status::PlanArgs),
    Deploy(deploy::DeployArgs),
    Rollback(deploy::RollbackArgs),
    Pause(pause::PauseArgs),
    Resume(pause::ResumeArgs),
    Why(why::Args),
    Outbox(outbox::Args),
    Senders(senders::Args),
    Lsp(lsp::Args),
    Explain(explain::Args),
    Grammar(grammar::Args),
    Init(init::Args),
    Completions(completions::Args),
    Man(man::Args),
    Graph(graph::Args),
}

/// The exit code of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Exit(u8);

impl Exit {
    /// All is well.
    pub(crate) const CLEAN: Self = Self(0);
    /// There are findings.
    pub(crate) const FINDINGS: Self = Self(1);
    /// Part of the work could not be done, and what stood in its way has been said.
    pub(crate) const FAILED: Self = Self(2);
}

pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come here too. If nobody reads them, that is no error.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let terminal = Terminal::new(cli.color);
    let result = match cli.command {
        Command::New(args) => new::run(&args, terminal),
        Command::Check(args) => check::run(&args, terminal),
        Command::Fmt(args) => fmt::run(&args, terminal),
        Command::Diff(args) => diff::run(&args, terminal),
        Command::Build(args) => build::run(&args, terminal),
        Command::Run(args) => run::run(&args, terminal),
        Command::Simulate(args) => simulate::run(&args, terminal),
        Command::Test(args) => test::run(&args, terminal),
        Command::Serve(args) => serve::run(&args, terminal),
        Command::Preview(args) => preview::run(&args, terminal),
        Command::SendTest(args) => send_test::run(&args, terminal),
        Command::Doctor(args) => doctor::run(&args, terminal),
        Command::Import(args) => import::import(&args, terminal),
        Command::Export(args) => import::export_contacts(&args, terminal),
        Command::Erase(args) => erase::run(&args, terminal),
        Command::Suppress(args) => suppress::run(&args, terminal),
        Command::Status(args) => status::status(&args, terminal),
        Command::Plan(args) => status::plan(&args, terminal),
        Command::Deploy(args) => deploy::deploy(&args, terminal),
        Command::Rollback(args) => deploy::rollback(&args, terminal),
        Command::Pause(args) => pause::pause(&args, terminal),
        Command::Resume(args) => pause::resume(&args, terminal),
        Command::Why(args) => why::run(&args, terminal),
        Command::Outbox(args) => outbox::run(&args, terminal),
        Command::Senders(args) => senders::run(&args, terminal),
        Command::Lsp(_) => lsp::run(),
        Command::Explain(args) => explain::run(&args, terminal),
        Command::Init(args) => init::run(&args, terminal),
        Command::Completions(args) => completions::run(&args, terminal),
        Command::Man(args) => man::run(&args, terminal),
        Command::Grammar(args) => grammar::run(&args, terminal),
        Command::Graph(args) => graph::run(&args, terminal),
    };
    match result {
        Ok(Exit(code)) => ExitCode::from(code),
        // `journey check | head` has seen enough.
        Err(failure) if failure.is_gone() => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(terminal);
            ExitCode::from(2)
        }
    }
}

/// The one way to stop a command: it could not do its work.
pub(crate) type Outcome = Result<Exit, Failure>;

/// The compiled project, for commands that do something with it. If it has errors, they are on stderr and there is
/// nothing to do; milder findings are only counted.
fn compiled(workspace: &Workspace, terminal: Terminal) -> Option<&Bundle> {
    let checked = [Checked::all(workspace)];
    let bundle = workspace.compilation().bundle.as_ref();
    let counts = Counts::of(&checked);
    if bundle.is_none() {
        terminal.err(report::render(Format::Human, &checked, Severity::Error, terminal));
    } else if counts.warnings > 0 {
        terminal.err(format!("{counts}; `journey check` shows them\n"));
    }
    bundle
}
