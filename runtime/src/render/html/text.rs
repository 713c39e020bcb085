//! The text of HTML: what people read who want no HTML.

use super::{Piece, Tag};

/// The text of pieces of HTML.
pub(super) fn of<'p, 'a: 'p>(mut pieces: impl Iterator<Item = &'p Piece<'a>>) -> String {
    let mut text = Text::default();
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Text(raw) => text.say(&html_escape::decode_html_entities(raw)),
            Piece::Tag(tag) if tag.closing => text.close(&tag.name),
            Piece::Tag(tag) if is_hidden(tag) => skip_element(&mut pieces, &tag.name),
            Piece::Tag(tag) => text.open(tag),
            Piece::Other(_) => {}
        }
    }
    text.finish()
}

/// Elements without an end tag.
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

fn is_hidden(tag: &Tag<'_>) -> bool {
    if VOID.contains(&&*tag.name) {
        return false;
    }
    matches!(&*tag.name, "head" | "script" | "style" | "title")
        || tag.attribute("style").is_some_and(|style| hides(&style))
}

/// Whether a style has `display: none`.
fn hides(style: &str) -> bool {
    style.split(';').filter_map(|rule| rule.split_once(':')).any(|(name, value)| {
        let value = value.trim_ascii_start().as_bytes();
        name.trim_ascii().eq_ignore_ascii_case("display")
            && value.get(..4).is_some_and(|value| value.eq_ignore_ascii_case(b"none"))
    })
}

fn skip_element<'p, 'a: 'p>(pieces: &mut impl Iterator<Item = &'p Piece<'a>>, name: &str) {
    let mut depth = 1_u32;
    for piece in pieces {
        match piece {
            Piece::Tag(tag) if tag.opens(name) => depth = depth.saturating_add(1),
            Piece::Tag(tag) if tag.name == name => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}

/// Text under construction.
#[derive(Default)]
struct Text {
    out: String,
    /// Line ends that stand before the next word.
    lines: usize,
    /// Whether a space does.
    space: bool,
    preformatted: u32,
    /// How deep in quotations.
    quotes: usize,
    /// Open tables: whether their cells hold data, and how many the row has so far.
    tables: Vec<(bool, u32)>,
    /// Open lists: the next number, or none for dashes.
    lists: Vec<Option<u32>>,
    /// The open link: where it leads, and where its text began.
    link: Option<(String, usize)>,
    /// Whether a list's dash or number has just been put: what it is for stands behind it.
    marked: bool,
}

impl Text {
    fn say(&mut self, text: &str) {
        if self.preformatted > 0 {
            let mut first = true;
            for line in text.split('\n') {
                if !first {
                    self.lines = self.lines.max(1);
                    self.put("");
                }
                first = false;
                self.put(line.trim_end_matches('\r'));
            }
            return;
        }
        for (place, word) in text.split(|c: char| c.is_ascii_whitespace() || c == '\u{a0}').enumerate() {
            self.space |= place > 0;
            if !word.is_empty() {
                self.put(word);
            }
        }
    }

    fn put(&mut self, word: &str) {
        if self.lines > 0 && !self.out.is_empty() {
            let there = self.out.chars().rev().take_while(|c| *c == '\n').count();
            self.out.extend(std::iter::repeat_n('\n', self.lines.saturating_sub(there)));
            self.out.extend(std::iter::repeat_n("> ", self.quotes));
            let nested = self.lists.len().saturating_sub(1);
            self.out.extend(std::iter::repeat_n("  ", nested));
        } else if self.space && !self.out.is_empty() && !self.out.ends_with([' ', '\n']) {
            self.out.push(' ');
        }
        (self.lines, self.space, self.marked) = (0, false, false);
        self.out.push_str(word);
    }

    fn block(&mut self, name: &str) {
        if self.marked && !matches!(name, "li" | "ol" | "ul") {
            return;
        }
        let lines = match name {
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "pre" | "table" | "hr" | "dl" => 2,
            "ul" | "ol" if self.lists.is_empty() => 2,
            "address" | "article" | "aside" | "center" | "dd" | "div" | "dt" | "footer" | "form" | "header" | "li"
            | "main" | "nav" | "ol" | "section" | "tr" | "ul" => 1,
            _ => return,
        };
        self.lines = self.lines.max(lines);
    }

    fn open(&mut self, tag: &Tag<'_>) {
        self.block(&tag.name);
        match &*tag.name {
            "br" => self.lines = (self.lines + 1).min(2),
            "hr" => {
                self.put("---");
                self.lines = 2;
            }
            "blockquote" => self.quotes += 1,
            "table" => {
                let layout = tag.attribute("role").is_some_and(|role| matches!(role.trim(), "none" | "presentation"));
                self.tables.push((!layout, 0));
            }
            "tr" => {
                if let Some((_, cells)) = self.tables.last_mut() {
                    *cells = 0;
                }
            }
            "td" | "th" => {
                self.space = true;
                if let Some((data, cells)) = self.tables.last_mut() {
                    *cells += 1;
                    if *data && *cells > 1 {
                        self.put("|");
                        self.space = true;
                    }
                }
            }
            "pre" => self.preformatted += 1,
            "ul" => self.lists.push(None),
            "ol" => {
                let start = tag.attribute("start").and_then(|start| start.parse().ok()).unwrap_or(1);
                self.lists.push(Some(start));
            }
            "li" => {
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let mark = format!("{number}. ");
                        *number = number.saturating_add(1);
                        mark
                    }
                    _ => "- ".to_owned(),
                };
                self.put(&mark);
                self.marked = true;
            }
            "img" => {
                if let Some(alt) = tag.attribute("alt") {
                    self.say(&alt);
                }
            }
            "a" => {
                let href = tag.attribute("href").map(|href| href.trim().to_owned());
                self.link =
                    href.filter(|href| !href.is_empty() && !href.starts_with('#')).map(|href| (href, self.out.len()));
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "pre" => self.preformatted = self.preformatted.saturating_sub(1),
            "blockquote" => self.quotes = self.quotes.saturating_sub(1),
            "table" => {
                self.tables.pop();
            }
            "ul" | "ol" => {
                self.lists.pop();
            }
            "a" => {
                if let Some((href, from)) = self.link.take() {
                    let shown = self.out.get(from..).unwrap_or_default().trim();
                    let bare = href.strip_prefix("mailto:").or_else(|| href.strip_prefix("tel:")).unwrap_or(&href);
                    if shown != bare {
                        let href = if shown.is_empty() { bare.to_owned() } else { format!("({bare})") };
                        self.space = true;
                        self.put(&href);
                    }
                }
            }
            _ => {}
        }
        self.block(name);
    }

    fn finish(self) -> String {
        let lines: Vec<&str> = self.out.lines().map(str::trim_end).collect();
        lines.join("\n").trim().to_owned()
    }
}
