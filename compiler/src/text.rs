//! A file's text and how to speak of places in it.

use std::sync::{Arc, OnceLock};

use crate::diagnostic::{Encoding, LineIndex, Span};
use crate::hir::Loc;
use crate::project::FileId;

/// The longest label of a step, in characters.
const MAX_LABEL: usize = 72;

/// The longest piece of source that a finding quotes, in characters.
const MAX_QUOTE: usize = 60;

/// A source text that is valid UTF-8.
pub(crate) struct Text<'a> {
    file: FileId,
    path: &'a str,
    source: &'a str,
    bytes: &'a Arc<[u8]>,
    /// Found when somebody asks for one.
    lines: OnceLock<LineIndex>,
}

impl<'a> Text<'a> {
    pub(crate) fn new(file: FileId, path: &'a str, source: &'a str, bytes: &'a Arc<[u8]>) -> Self {
        Self { file, path, source, bytes, lines: OnceLock::new() }
    }

    pub(crate) const fn path(&self) -> &'a str {
        self.path
    }

    /// The place, as diagnostics name it.
    pub(crate) fn span(&self, loc: Loc) -> Span {
        Span::new(self.file, self.source, loc.start as usize..loc.end as usize)
    }

    /// What stands there.
    pub(crate) fn slice(&self, loc: Loc) -> &'a str {
        self.source.get(loc.start as usize..loc.end as usize).unwrap_or_default()
    }

    /// What stands there, to be quoted in a finding: short, on one line, without backticks.
    pub(crate) fn show(&self, loc: Loc) -> String {
        words(self.slice(loc), MAX_QUOTE).replace('`', "'")
    }

    /// What stands there as the name of a step in reports: its own words, without their layout.
    pub(crate) fn label(&self, loc: Loc) -> String {
        words(self.slice(loc), MAX_LABEL)
    }

    /// Line and column (in characters), both from 1.
    pub(crate) fn line_column(&self, offset: u32) -> (u32, u32) {
        let lines = self.lines.get_or_init(|| LineIndex::new(Arc::clone(self.bytes)));
        let place = lines.position(offset, Encoding::Utf32);
        (place.line.saturating_add(1), place.column.saturating_add(1))
    }
}

/// A piece of source with single spaces and without comments, cut to so many characters.
fn words(source: &str, most: usize) -> String {
    // Most pieces are so already.
    let ours = |(a, b): (&u8, &u8)| !(*b == b' ' && *a == b' ' || *b == b'/' && *a == b'/');
    let plain = |byte: &u8| matches!(byte, b' '..=b'~');
    let bytes = source.as_bytes();
    if bytes.len() <= most && bytes.iter().all(plain) && bytes.iter().zip(bytes.iter().skip(1)).all(ours) {
        return source.trim().to_owned();
    }
    let mut out = String::with_capacity(source.len().min(most * 4));
    let mut chars = source.chars().peekable();
    let mut quoted = false;
    let mut space = false;
    while let Some(c) = chars.next() {
        if !quoted && c == '/' && chars.peek() == Some(&'/') {
            while chars.next_if(|c| *c != '\n').is_some() {}
            space = true;
            continue;
        }
        if c.is_whitespace() {
            space = true;
            continue;
        }
        if std::mem::take(&mut space) && !out.is_empty() {
            out.push(' ');
        }
        out.push(c);
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => out.extend(chars.next()),
            _ => {}
        }
    }
    if out.chars().count() > most {
        out = out.chars().take(most - 1).collect();
        out.truncate(out.trim_end().len());
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn layout_does_not_show() {
        assert_eq!(words("if\n    opened // of all\n  story", 72), "if opened story");
        assert_eq!(words("send sms \"see https://x.example  now\"", 72), "send sms \"see https://x.example now\"");
        assert_eq!(words("wait   2d", 72), "wait 2d");
    }

    #[test]
    fn long_ones_are_cut() {
        let long = words(&format!("send sms \"{}\"", "ä".repeat(200)), 72);
        assert_eq!(long.chars().count(), 72);
        assert!(long.ends_with('…'));
    }
}
