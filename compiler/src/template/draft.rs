//! A template that is still being written: it ends in the middle of a tag.

use std::collections::BTreeSet;

use smol_str::SmolStr;

use super::{Compared, Piece, Template, Use, tags};
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

impl Template {
    /// Reads a text of which the whole cannot be read: each tag alone, without those that make no sense alone. What the
    /// text gives a name to itself is not known.
    pub fn tag_by_tag(piece: &Piece) -> Self {
        // The names of the text's own, by the blocks that are open.
        let (mut all, mut own) = (Self::default(), vec![BTreeSet::new()]);
        let text = piece.text();
        let mut at = 0;
        while let Some(start) = text.get(at..).and_then(|rest| rest.find('{')).map(|found| at + found) {
            at = start + 1;
            let tag = text.get(start..).unwrap_or_default();
            let close = match tag.as_bytes().get(1) {
                Some(b'{') => "}}",
                Some(b'%') => "%}",
                _ => continue,
            };
            let Some(end) = tag.find(close).map(|found| start + found) else { continue };
            at = end + close.len();
            let inside = text.get(start + 2..end).unwrap_or_default();
            let words = inside.trim_start_matches('-').trim_start();
            let (word, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
            let value = match (close, word) {
                ("}}", _) => words,
                (_, "if" | "elif") => rest,
                (_, "for") => rest.split_once(" in ").map_or("", |(_, list)| list),
                (_, "set" | "with") => rest.split_once('=').map_or("", |(_, value)| value),
                _ => "",
            };
            let mut alone = Piece::empty();
            let brace = |text: &str| Piece::made(text, piece.span(end..end));
            alone.append(&brace("{{ "), 0..3);
            alone.append(piece, end - value.len()..end - (value.len() - value.trim_end_matches('-').len()));
            alone.append(&brace(" }}"), 0..3);
            let read = Self::parse(&alone);
            let is_own = |usage: &Use| {
                !usage.explicit && usage.path.first().is_some_and(|root| own.iter().any(|names| names.contains(root)))
            };
            if !read.uses.iter().any(is_own) {
                let before = all.uses.len();
                all.uses.extend(read.uses);
                all.compared.extend(read.compared.into_iter().map(|c| Compared { with: c.with + before, ..c }));
            }
            match word {
                "for" | "with" => own.push(BTreeSet::new()),
                "endfor" | "endwith" if own.len() > 1 => drop(own.pop()),
                _ => {}
            }
            let names = rest.strip_suffix(value).filter(|_| matches!(word, "for" | "set" | "with")).unwrap_or_default();
            let names = names.trim_end_matches([' ', '=']).trim_end_matches(" in").split(',');
            if let Some(inner) = own.last_mut() {
                inner.extend(names.map(|name| SmolStr::new(name.trim())));
            }
        }
        all
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
    fn of_a_broken_text_the_tags_are_read() {
        let text = "{{ a b }} {{ c | upper }} {%- if d == 'x' -%} {% for e in f %}{{ e }}{% endfor %}{{ e }}{% set g = h.i %}{{ g }}{{ contact.j }} {{ k";
        assert!(!Template::parse(&Piece::slice(FileId(0), text, 0..text.len())).findings.is_empty());
        let template = Template::tag_by_tag(&Piece::slice(FileId(0), text, 0..text.len()));
        let uses = template.uses.iter().filter(|usage| !usage.path.is_empty());
        let uses: Vec<_> = uses.map(|usage| (usage.name(), &text[usage.span.range()])).collect();
        let expected = [("c", "c"), ("d", "d"), ("f", "f"), ("e", "e"), ("h.i", "h.i"), ("j", "contact.j")];
        assert_eq!(uses, expected.map(|(name, text)| (name.to_owned(), text)));
        let compared: Vec<_> = template.compared.iter().map(|c| (c.with, &text[c.span.range()])).collect();
        assert_eq!(compared, [(1, "x")]);
    }

    #[test]
    fn what_is_broken_before_does_not_count() {
        let template = draft("Hello {{ a b }}, {{ c | upper");
        assert_eq!(template.uses.len(), 1, "{template:?}");
        assert_eq!(template.uses[0].span.range(), 20..21);
    }
}
