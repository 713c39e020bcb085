//! `journey explain`

use std::fmt::Write;

use journey_compiler::diagnostic::{Code, Level};

use super::{Exit, Outcome};
use crate::failure::Failure;
use crate::pages;
use crate::terminal::{BOLD, Terminal};

/// Lines of prose keep to this width.
const WIDTH: usize = 88;

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
    pages::page(code).map_or_else(|| format!("{}\n", heading(code)), plain)
}

/// A page of the manual as a terminal shows it: headings stand out, examples are set in, lines keep to the width.
fn plain(page: &str) -> String {
    let mut out = String::new();
    let mut in_code = false;
    // Where lines of a paragraph end in the page does not matter.
    let mut paragraph = String::new();
    for line in page.lines() {
        let is_prose = !in_code && !line.is_empty() && !line.starts_with(['#', ' ', '|', '`']);
        if !paragraph.is_empty() && (!is_prose || line.starts_with("- ")) {
            out.push_str(&wrapped(&std::mem::take(&mut paragraph)));
        }
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code {
            let _ = writeln!(out, "{}", format!("    {line}").trim_end());
        } else if line.starts_with('#') {
            let _ = writeln!(out, "{BOLD}{}{BOLD:#}", line.trim_start_matches(['#', ' ']));
        } else if is_prose {
            paragraph.push_str(line);
            paragraph.push(' ');
        } else {
            let _ = writeln!(out, "{line}");
        }
    }
    out + &if paragraph.is_empty() { String::new() } else { wrapped(&paragraph) }
}

fn wrapped(text: &str) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > 0 {
            let fits = column + 1 + width <= WIDTH;
            out.push(if fits { ' ' } else { '\n' });
            column = if fits { column + 1 } else { 0 };
        }
        out.push_str(word);
        column += width;
    }
    out + "\n"
}

fn list() -> String {
    Code::ALL.iter().fold(String::new(), |mut out, code| {
        let _ = writeln!(out, "{}", heading(*code));
        out
    })
}

fn heading(code: Code) -> String {
    let level = match code.level() {
        Level::Error => String::new(),
        level => format!(" ({}, {})", code.group().name(), level.name()),
    };
    format!("{BOLD}{code} {}{BOLD:#}{level}: {}", code.name(), code.summary())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_shown_plainly() {
        let text = format!("{}\nword word\n\n    as it stands", "word ".repeat(18).trim_end());
        let page = format!("# J0201: unknown-tag\n\n{text}\n\n```journey\n  end\n```\n");
        let long = "word ".repeat(17).trim_end().to_owned();
        let shown =
            format!("{BOLD}J0201: unknown-tag{BOLD:#}\n\n{long}\nword word word\n\n    as it stands\n\n      end\n");
        assert_eq!(plain(&page), shown);
    }
}
