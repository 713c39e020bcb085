//! A template that is still being written: it ends in the middle of a tag.

use super::{Piece, Template, tags};
use crate::project::FileId;

impl Template {
    /// Reads a text that ends in the middle of the tag that begins at `tag`: the tag is closed, and the blocks around it.
    /// Places are those in the text. If what stands before the tag cannot be read, the tag is read alone.
    pub fn draft(text: &str, tag: usize) -> Self {
        let whole = Self::parse(&closed(text, tag));
        let broken_before = |template: &Self| {
            template.findings.iter().any(|found| found.primary.span.end as usize <= tag && template.uses.is_empty())
        };
        if !broken_before(&whole) {
            return whole;
        }
        let (before, own) = text.split_at_checked(tag).unwrap_or((text, ""));
        Self::parse(&closed(&format!("{}{own}", " ".repeat(before.len())), tag))
    }
}

/// The text with its open tag closed, and then the blocks that are open.
fn closed(text: &str, tag: usize) -> Piece {
    let mut text = format!("{text}{}", end_of_tag(text.get(tag..).unwrap_or_default()));
    let piece = |text: &str| Piece::slice(FileId(0), text, 0..text.len());
    for block in tags::open_blocks(&piece(&text)).into_iter().rev() {
        text.push_str(&format!("{{% end{block} %}}"));
    }
    piece(&text)
}

/// What closes the text in quotes, the brackets and the braces of the last tag, which ends in the middle.
fn end_of_tag(text: &str) -> String {
    let tag = text.get(text.rfind("{%").max(text.rfind("{{")).unwrap_or_default()..).unwrap_or_default();
    let mut open = Vec::new();
    let mut chars = tag.chars().skip(2);
    while let Some(c) = chars.next() {
        match (open.last().copied(), c) {
            (Some('"' | '\''), '\\') => drop(chars.next()),
            (Some(quote @ ('"' | '\'')), c) if c == quote => drop(open.pop()),
            (Some('"' | '\''), _) => {}
            (_, '"' | '\'') => open.push(c),
            (_, '(') => open.push(')'),
            (_, '[') => open.push(']'),
            (_, '{') => open.push('}'),
            (Some(close), c) if c == close => drop(open.pop()),
            _ => {}
        }
    }
    let mut end: String = open.into_iter().rev().collect();
    end.push_str(if tag.starts_with("{{") { " }}" } else { " %}" });
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(text: &str) -> Template {
        Template::draft(text, text.rfind("{{").max(text.rfind("{%")).unwrap())
    }

    #[test]
    fn what_is_open_is_closed() {
        for text in [
            "Hello {{ a",
            "{{ a | default(\"x",
            "{{ [a, b] | join(",
            "{% if a",
            "{% if a %}x{% for b in c %}{{ b",
            "{% for b in c",
            "{% if a %}{% endif",
            "{% if a %}{% elif b",
            "{% set a = {'b': c",
        ] {
            assert!(draft(text).findings.is_empty(), "{text}: {:?}", draft(text).findings);
        }
        assert!(!draft("{{ a b").findings.is_empty());
    }

    #[test]
    fn what_is_broken_before_does_not_count() {
        let template = draft("Hello {{ a b }}, {{ c | upper");
        assert_eq!(template.uses.len(), 1, "{template:?}");
        assert_eq!(template.uses[0].span.range(), 20..21);
    }
}
