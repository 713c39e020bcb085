//! `journey man`

use std::io;

use clap::CommandFactory;
use clap_mangen::Man;

use super::{Cli, Exit, Outcome};
use crate::failure::Failure;
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  journey man | man -l -                     read it
  journey man > ~/.local/share/man/man1/journey.1
  journey man check | man -l -               the page of one command";

/// Print the man page, in roff
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The page of this command, not of all
    command: Option<String>,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let mut cli = Cli::command();
    // Options of all commands are known to each only then.
    cli.build();
    let command = match &args.command {
        None => cli,
        Some(name) => {
            let found = cli.get_subcommands().find(|command| command.get_name() == name).cloned();
            found.ok_or_else(|| {
                Failure::new(format!("there is no command `{name}`")).help("`journey --help` lists all commands")
            })?
        }
    };
    terminal.out(page(&command)?)?;
    Ok(Exit::CLEAN)
}

fn page(command: &clap::Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    Ok(page)
}
