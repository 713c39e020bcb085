//! The lines between `---` at the beginning of a message: `key: value`, one a line.
//!
//! It looks like YAML and is far less: a value is the rest of its line. YAML would read `subject: Yes` as a truth and
//! `subject: Sale: 20 %` not at all; its readers give no places either, or are no longer kept up.

use std::ops::Range;

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::project::FileId;

/// What begins and ends the front matter, alone on its line.
const FENCE: &str = "---";

/// One line: key and value, as places in the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Line {
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
}

/// The front matter of a file, and where the body begins.
#[derive(Debug)]
pub(super) struct FrontMatter {
    pub(super) lines: Vec<Line>,
    /// The opening fence, if there is one.
    pub(super) fence: Option<Range<usize>>,
    pub(super) body: usize,
    pub(super) findings: Vec<Diagnostic>,
}

/// Takes a file apart.
pub(super) fn split(file: FileId, text: &str) -> FrontMatter {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut front = FrontMatter { lines: Vec::new(), fence: None, body: start, findings: Vec::new() };
    let mut at = start;
    for raw in text.get(start..).unwrap_or_default().split_inclusive('\n') {
        let line = raw.trim_end();
        let begin = at;
        at += raw.len();
        if front.fence.is_none() {
            if line != FENCE {
                return front;
            }
            front.fence = Some(begin..begin + line.len());
            continue;
        }
        if line == FENCE {
            front.body = at;
            return front;
        }
        let content = line.trim_start();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        match self::line(line, begin) {
            Some(line) => front.lines.push(line),
            None => front.findings.push(
                Diagnostic::new(
                    Code::FrontMatter,
                    Span::new(file, text, begin..begin + line.len()),
                    "this line says nothing about the message",
                )
                .help(
                    "write `key: value` on one line, as `subject: Your order`; the text begins below the second `---`",
                ),
            ),
        }
    }
    if let Some(fence) = front.fence.clone() {
        front.findings = vec![
            Diagnostic::new(Code::FrontMatter, Span::new(file, text, fence), "the second `---` is missing")
                .label("opened here")
                .help("write `---` on a line of its own, between subject and text"),
        ];
        front.body = text.len();
    }
    front
}

fn line(line: &str, begin: usize) -> Option<Line> {
    let colon = line.find(':')?;
    let (key, value) = line.split_at_checked(colon)?;
    let value = value.get(1..)?;
    if key.trim().is_empty() || key.trim().contains(char::is_whitespace) {
        return None;
    }
    let key_start = begin + (key.len() - key.trim_start().len());
    let value_start = begin + colon + 1 + (value.len() - value.trim_start().len());
    let value = value.trim();
    let mut range = value_start..value_start + value.len();
    let quoted = |quote: char| value.len() >= 2 && value.starts_with(quote) && value.ends_with(quote);
    if quoted('"') || quoted('\'') {
        range = range.start + 1..range.end - 1;
    }
    Some(Line { key: key_start..key_start + key.trim().len(), value: range })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> (Vec<(&str, &str)>, &str, usize) {
        let front = split(FileId(0), text);
        let lines = front.lines.iter().map(|line| (&text[line.key.clone()], &text[line.value.clone()])).collect();
        (lines, &text[front.body..], front.findings.len())
    }

    #[test]
    fn a_value_is_the_rest_of_its_line() {
        let text = "---\r\nsubject: Sale: \"20 %\" # not a remark\r\n# remark\r\n  topic : offers\nx: \"quoted\"\n---\nHi\n---\n";
        let lines = vec![("subject", "Sale: \"20 %\" # not a remark"), ("topic", "offers"), ("x", "quoted")];
        assert_eq!(keys(text), (lines, "Hi\n---\n", 0));
    }

    #[test]
    fn a_text_need_not_have_any() {
        assert_eq!(keys("Hi\n---\n"), (vec![], "Hi\n---\n", 0));
        assert_eq!(keys(""), (vec![], "", 0));
        assert_eq!(keys("\u{feff}---\n---\nHi"), (vec![], "Hi", 0));
    }

    #[test]
    fn slips_are_found() {
        assert_eq!(keys("---\nsubject: x\nHi").2, 1, "no second fence");
        assert_eq!(keys("---\nHello there\n: x\n---\n").2, 2);
        assert_eq!(keys("---").2, 1);
    }

    proptest::proptest! {
        #[test]
        fn every_place_is_inside(text in "(---\n|\\PC|[\n:\"']){0,40}") {
            let front = split(FileId(0), &text);
            for line in &front.lines {
                proptest::prop_assert!(text.get(line.key.clone()).is_some() && text.get(line.value.clone()).is_some());
            }
            proptest::prop_assert!(text.get(front.body..).is_some());
        }
    }
}
