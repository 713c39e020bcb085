//! `cargo xtask grammar`: the manual's page of the language's grammar, made from the grammar itself.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use journey_grammar::reference::{self, Rule};

const INTRODUCTION: &str = "\
# The grammar

The specification of the language's form, rule by rule; what the constructs mean stands in [The language](language.md).
`journey grammar` prints the same, and `journey grammar RULE` one rule with all that it uses.

A rule in small letters is a part of a text; words of the language are in capitals and stand for themselves. `~` means
followed by, `|` or, `?` perhaps, `*` any number of times, `+` at least once, `!` not before, `&` only before. Choices are
tried in the order written. Spaces, line ends and comments may stand between any two words or signs.

This page is made by `cargo xtask grammar` from `grammar/journey.pest`; a test sees that it is up to date.
";

/// Makes the page anew.
pub(crate) fn run() -> ExitCode {
    let path = path();
    match fs::write(&path, page()) {
        Ok(()) => {
            println!("{} shows the grammar", path.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}

fn path() -> PathBuf {
    crate::root().join("docs/grammar.md")
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for section in reference::sections() {
        let _ = write!(page, "\n## {}\n", section.title);
        let (words, rules): (Vec<_>, Vec<_>) = section.rules.iter().partition(|rule| rule.is_word());
        rules.iter().for_each(|rule| page.push_str(&entry(rule)));
        if !words.is_empty() {
            let words: Vec<_> = words.iter().map(|rule| format!("`{}`", word(rule))).collect();
            let _ = write!(
                page,
                "\nThe words of the language, each a rule of its own in capitals:\n\n{}\n",
                words.join(" ")
            );
        }
    }
    page
}

fn entry(rule: &Rule) -> String {
    let mut entry = format!("\n### {}\n\n{}\n\n```text\n{}\n```\n", rule.name, rule.comment, rule.text);
    let uses: Vec<_> = rule.uses.iter().filter(|name| name.chars().any(char::is_lowercase)).collect();
    if !uses.is_empty() {
        let links: Vec<_> = uses.iter().map(|name| format!("[{name}](#{name})")).collect();
        let _ = write!(entry, "\nUses {}.\n", links.join(", "));
    }
    entry
}

/// The word itself: what stands in quotes.
fn word(rule: &Rule) -> &str {
    rule.text.split('"').nth(1).unwrap_or(rule.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_the_grammar_says() -> std::io::Result<()> {
        let shown = fs::read_to_string(path())?;
        assert!(shown == page(), "docs/grammar.md is out of date; `cargo xtask grammar` makes it anew");
        Ok(())
    }

    #[test]
    fn every_link_leads_to_a_rule() {
        let page = page();
        let links = page.split("](#").skip(1).filter_map(|rest| rest.split(')').next());
        let dead: Vec<_> = links.filter(|name| !page.contains(&format!("\n### {name}\n"))).collect();
        assert!(dead.is_empty(), "{dead:?}");
        let sections = reference::sections();
        assert!(sections.iter().all(|section| page.contains(&format!("\n## {}\n", section.title))));
    }
}
