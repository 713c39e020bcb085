//! The reference grammar as people read it: its sections and rules, each with its comment. The text is `journey.pest`
//! itself; nothing here knows what a rule means.

use std::collections::{BTreeMap, BTreeSet};

/// The reference grammar, whole.
pub const SOURCE: &str = include_str!("../journey.pest");

/// Rules of one subject, in the order written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// What they are about: `Steps`.
    pub title: &'static str,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in a sentence or two; empty for the words of the language.
    pub comment: String,
    /// The rule as written, without its comment.
    pub text: &'static str,
    /// The rules that it names, each once, in the order of their appearance.
    pub uses: Vec<&'static str>,
}

impl Rule {
    /// Whether it stands for one word of the language, and says no more than its name.
    pub fn is_word(&self) -> bool {
        self.name.chars().all(|c| c.is_ascii_uppercase() || c == '_') && self.comment.is_empty()
    }
}

/// The title of the rules that stand before the first heading.
const FIRST: &str = "Files and declarations";

/// The sections of the grammar, in order.
pub fn sections() -> Vec<Section> {
    let mut sections = vec![Section { title: FIRST, rules: Vec::new() }];
    let mut comment: Vec<&str> = Vec::new();
    let mut rest = SOURCE;
    while let Some((line, after)) = rest.split_once('\n') {
        if let Some(title) = line.strip_prefix("// ").filter(|line| line.ends_with("---")) {
            sections.push(Section { title: title.trim_end_matches('-').trim_end(), rules: Vec::new() });
        } else if let Some(text) = line.strip_prefix("///") {
            comment.push(text.trim());
        } else if let Some((name, text)) = line.split_once(" = ").and_then(|(name, _)| Some((name, whole(rest)?))) {
            let rule = Rule { name, comment: comment.join(" "), text, uses: Vec::new() };
            comment.clear();
            if let Some(section) = sections.last_mut() {
                section.rules.push(rule);
            }
            rest = rest.get(text.len()..).unwrap_or_default();
            continue;
        }
        rest = after;
    }
    let names: BTreeSet<_> = sections.iter().flat_map(|section| section.rules.iter().map(|rule| rule.name)).collect();
    for rule in sections.iter_mut().flat_map(|section| &mut section.rules) {
        rule.uses = words(rule.text).filter(|word| *word != rule.name && names.contains(word)).collect();
        let mut seen = BTreeSet::new();
        rule.uses.retain(|name| seen.insert(*name));
    }
    sections
}

/// A rule and all that it uses, itself first, then in the order of the grammar; words of the language are left out.
/// None if there is no such rule.
pub fn rule(name: &str) -> Option<Vec<Rule>> {
    let rules: Vec<Rule> = sections().into_iter().flat_map(|section| section.rules).collect();
    let by_name: BTreeMap<_, _> = rules.iter().map(|rule| (rule.name, rule)).collect();
    let first = *by_name.get(name)?;
    let mut wanted = BTreeSet::from([first.name]);
    let mut open = vec![first];
    while let Some(rule) = open.pop() {
        let used = rule.uses.iter().filter_map(|name| by_name.get(name).copied());
        open.extend(used.filter(|rule| !rule.is_word() && wanted.insert(rule.name)));
    }
    let others = rules.iter().filter(|rule| rule.name != first.name && wanted.contains(rule.name));
    Some([first].into_iter().chain(others).cloned().collect())
}

/// The rule at the beginning of a text: up to the brace that closes it.
fn whole(text: &'static str) -> Option<&'static str> {
    let mut depth = 0_u32;
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return text.get(..=at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The words of a rule that are not in quotes.
fn words(text: &'static str) -> impl Iterator<Item = &'static str> {
    // A quote in a quote is escaped; the parts between quotes alternate.
    let outside = text.split('"').scan(true, |outside, part| {
        let shown = outside.then_some(part);
        if !part.ends_with('\\') || part.ends_with("\\\\") {
            *outside = !*outside;
        }
        Some(shown.unwrap_or_default())
    });
    outside.flat_map(|part| part.split(|c: char| !c.is_alphanumeric() && c != '_')).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_found_with_its_comment() {
        let sections = sections();
        let rules: Vec<_> = sections.iter().flat_map(|section| &section.rules).collect();
        let written = SOURCE.lines().filter(|line| line.contains(" = ") && !line.starts_with([' ', '/'])).count();
        assert_eq!(rules.len(), written);
        let bare: Vec<_> = rules.iter().filter(|rule| rule.comment.is_empty() && !rule.is_word()).collect();
        assert_eq!(bare.iter().map(|rule| rule.name).collect::<Vec<_>>(), [""; 0], "every rule says what it is for");
        let titles: Vec<_> = sections.iter().map(|section| section.title).collect();
        assert_eq!(titles.first(), Some(&FIRST));
        assert!(titles.contains(&"Steps") && titles.contains(&"Words"), "{titles:?}");
    }

    #[test]
    fn a_rule_comes_with_what_it_uses() {
        let names = |name| rule(name).map(|rules| rules.iter().map(|rule| rule.name).collect::<Vec<_>>());
        assert_eq!(names("tags_decl"), Some(vec!["tags_decl", "name", "unreserved", "word", "verb", "reserved"]));
        assert_eq!(names("percent"), Some(vec!["percent", "decimal"]));
        assert_eq!(names("nothing"), None);
        let string = rule("string").unwrap();
        assert_eq!((string.len(), string[0].text.ends_with("\"\\\"\" }")), (1, true), "{string:?}");
    }
}
