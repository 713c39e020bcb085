//! `journey explain`

use std::fmt::Write;

use journey_compiler::diagnostic::Code;

use super::{Exit, Outcome};
use crate::failure::Failure;
use crate::terminal::{BOLD, Terminal};

// PAGES: the pages under docs/diagnostics, by file name without `.md`, made by build.rs.
include!(concat!(env!("OUT_DIR"), "/pages.rs"));

const EXAMPLES: &str = "\
Examples:
  journey explain J0201
  journey explain unknown-tag
  journey explain                  all codes, one a line";

/// Say what a finding's code means, with examples
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A code, as J0201, or its name, as unknown-tag
    code: Option<String>,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let text = match &args.code {
        None => list(),
        Some(text) => {
            let code = Code::parse(text).ok_or_else(|| {
                Failure::new(format!("there is no code `{text}`")).help("`journey explain` lists all codes")
            })?;
            page(code)
        }
    };
    terminal.out(text)?;
    Ok(Exit::CLEAN)
}

fn page(code: Code) -> String {
    let page = PAGES.iter().find(|(name, _)| name.eq_ignore_ascii_case(&code.to_string()));
    page.map_or_else(|| format!("{}\n", heading(code)), |(_, page)| (*page).to_owned())
}

fn list() -> String {
    Code::ALL.iter().fold(String::new(), |mut out, code| {
        let _ = writeln!(out, "{}", heading(*code));
        out
    })
}

fn heading(code: Code) -> String {
    format!("{BOLD}{code} {}{BOLD:#}: {}", code.name(), code.summary())
}
