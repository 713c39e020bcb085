//! `journey completions`

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Exit, Outcome};
use crate::terminal::Terminal;

const EXAMPLES: &str = "\
Examples:
  journey completions bash > ~/.local/share/bash-completion/completions/journey
  journey completions zsh > ~/.zfunc/_journey      with `fpath+=~/.zfunc` in ~/.zshrc
  journey completions fish > ~/.config/fish/completions/journey.fish
  journey completions powershell >> $PROFILE";

/// Print what a shell needs to complete commands and options
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "journey", &mut script);
    terminal.out(script)?;
    Ok(Exit::CLEAN)
}
