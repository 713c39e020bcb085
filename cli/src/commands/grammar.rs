//! `journey grammar`

use std::fmt::Write;

use journey_compiler::diagnostic::nearest;
use journey_grammar::reference::{self, Rule};

use super::{Exit, Outcome};
use crate::failure::Failure;
use crate::terminal::{BOLD, FAINT, Terminal};

const EXAMPLES: &str = "\
The grammar is the specification of the language: rules in small letters, words of the
language in capitals. `~` means followed by, `|` or, `?` perhaps, `*` any number of times,
`+` at least once, `!` not before, `&` only before.

Examples:
  journey grammar                      all of it
  journey grammar send_step            one rule, and the rules that it uses
  journey grammar > journey.pest       for an editor or a prompt

Exit codes: 0 printed, 2 there is no such rule.";

/// Print the language's grammar, or one rule of it
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A rule, as `send_step`
    rule: Option<String>,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let Some(name) = &args.rule else {
        terminal.out(reference::SOURCE)?;
        return Ok(Exit::CLEAN);
    };
    let rules = reference::rule(name).ok_or_else(|| unknown(name))?;
    let rules: Vec<String> = rules.iter().map(show).collect();
    terminal.out(rules.join("\n"))?;
    Ok(Exit::CLEAN)
}

fn show(rule: &Rule) -> String {
    let mut shown = String::new();
    if !rule.comment.is_empty() {
        // Writing to a string cannot fail.
        let _ = writeln!(shown, "{FAINT}/// {}{FAINT:#}", rule.comment);
    }
    let rest = rule.text.strip_prefix(rule.name).unwrap_or(rule.text);
    let _ = writeln!(shown, "{BOLD}{}{BOLD:#}{rest}", rule.name);
    shown
}

fn unknown(name: &str) -> Failure {
    let sections = reference::sections();
    let names = sections.iter().flat_map(|section| section.rules.iter().map(|rule| rule.name));
    let failure = Failure::new(format!("the grammar has no rule `{name}`"));
    // `send` is asked for more often than `send_step`.
    let longer = names.clone().find(|rule| rule.strip_prefix(name).is_some_and(|rest| rest.starts_with('_')));
    match longer.or_else(|| nearest(name, names)) {
        Some(near) => failure.help(format!("did you mean `journey grammar {near}`?")),
        None => failure.help("`journey grammar` prints all rules"),
    }
}
