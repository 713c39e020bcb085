//! The names in files beside a project: who and what happens is given to try it with (`contacts.csv`, `events.ndjson`), and
//! how people behave in its forecasts (`behaviour.toml`).

use std::borrow::Cow;
use std::ops::Range;

use journey_compiler::messages::Channel;
use journey_compiler::project::{BEHAVIOUR, CONTACTS, EVENTS};
use journey_grammar::TextRange;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::declarations::Declarations;
use super::{Kind, Occurrence, Role, Symbol};

/// Whether things of this kind are named in files beside the project.
pub(crate) const fn can_name(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Attribute
            | Kind::Value
            | Kind::Tag
            | Kind::Event
            | Kind::Field
            | Kind::Topic
            | Kind::Funnel
            | Kind::Stage
            | Kind::Journey
            | Kind::Message
    )
}

/// The columns of `contacts.csv` that are no attributes.
pub(crate) const COLUMNS: [&str; 2] = ["id", "tags"];

/// The names in a file of this path.
pub(crate) fn names(declarations: &Declarations, path: &str, text: &str) -> Vec<(TextRange, Symbol)> {
    let found = match path {
        CONTACTS => contacts(declarations, text),
        EVENTS => events(text),
        BEHAVIOUR => behaviour(text),
        _ => Vec::new(),
    };
    found.into_iter().map(|(range, symbol)| (narrow(range), symbol)).collect()
}

fn narrow(range: Range<usize>) -> TextRange {
    let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    TextRange::new(narrow(range.start), narrow(range.end))
}

type Found = Vec<(Range<usize>, Symbol)>;

fn contacts(declarations: &Declarations, text: &str) -> Found {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let (header, mut at) = row(text, start);
    let header: Vec<Range<usize>> = header.into_iter().map(|cell| content(text, cell)).collect();
    let columns: Vec<&str> = header.iter().map(|cell| text.get(cell.clone()).unwrap_or_default()).collect();
    let mut found = Found::new();
    for (cell, name) in header.iter().zip(&columns).filter(|(_, name)| !COLUMNS.contains(name)) {
        found.push((cell.clone(), Symbol::global(Kind::Attribute, *name)));
    }
    let is_enum = |name: &str| declarations.attributes.get(name).is_some_and(|attribute| !attribute.values.is_empty());
    let enums: Vec<bool> = columns.iter().map(|name| is_enum(name)).collect();
    while at < text.len() {
        let (cells, next) = row(text, at);
        at = next;
        for ((cell, name), is_enum) in cells.into_iter().zip(&columns).zip(&enums) {
            if *name == "tags" {
                for tag in split(text, cell, ';') {
                    let symbol = Symbol::global(Kind::Tag, text.get(tag.clone()).unwrap_or_default());
                    found.push((tag, symbol));
                }
            } else if *is_enum {
                let cell = content(text, cell);
                let value = text.get(cell.clone()).unwrap_or_default();
                found.push((cell, Symbol::new(Kind::Value, *name, value)));
            }
        }
    }
    found
}

/// The cells of the row that begins at an offset, and where the next row does.
fn row(text: &str, mut at: usize) -> (Vec<Range<usize>>, usize) {
    let bytes = text.as_bytes();
    let (mut cells, mut start, mut quoted) = (Vec::new(), at, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' if quoted && bytes.get(at + 1) == Some(&b'"') => at += 1,
            b'"' if quoted || at == start => quoted = !quoted,
            b',' if !quoted => {
                cells.push(start..at);
                start = at + 1;
            }
            b'\n' if !quoted => break,
            _ => {}
        }
        at += 1;
    }
    cells.push(start..at);
    (cells, at + 1)
}

/// What a cell says: without space and quotes around it.
fn content(text: &str, cell: Range<usize>) -> Range<usize> {
    let cell = trimmed(text, cell);
    let written = text.get(cell.clone()).unwrap_or_default();
    match written.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')) {
        Some(inner) => trimmed(text, cell.start + 1..cell.start + 1 + inner.len()),
        None => cell,
    }
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let written = text.get(range.clone()).unwrap_or_default();
    let start = range.start + (written.len() - written.trim_start().len());
    start..start + written.trim().len()
}

/// The parts of a cell between these signs.
fn split(text: &str, cell: Range<usize>, between: char) -> Vec<Range<usize>> {
    let cell = content(text, cell);
    let written = text.get(cell.clone()).unwrap_or_default();
    let mut at = cell.start;
    let mut parts = Vec::new();
    for part in written.split(between) {
        parts.push(trimmed(text, at..at + part.len()));
        at += part.len() + between.len_utf8();
    }
    parts
}

fn events(text: &str) -> Found {
    let mut found = Found::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let said = said(line);
        let event = said.iter().find(|said| !said.is_key && said.path == ["event"]).map_or("", |said| said.text);
        for said in &said {
            let range = at + said.range.start..at + said.range.end;
            let global = |kind| Symbol::global(kind, said.text);
            let symbol = match (said.path.as_slice(), said.is_key) {
                (["tag" | "untag"], false) => global(Kind::Tag),
                (["event"], false) => global(Kind::Event),
                (["subscribed" | "unsubscribed"], false) => global(Kind::Topic),
                (["journey"], false) => global(Kind::Journey),
                (["opened" | "clicked" | "delivered" | "replied" | "complained" | "failed" | "bounced"], false) => {
                    global(Kind::Message)
                }
                (["set", _], true) => global(Kind::Attribute),
                (["set", attribute], false) => Symbol::new(Kind::Value, *attribute, said.text),
                (["data", _], true) => Symbol::new(Kind::Field, event, said.text),
                (["data", field], false) => Symbol::new(Kind::Value, format!("{event}.{field}"), said.text),
                (["stage"], false) => {
                    let Some((funnel, stage)) = said.text.split_once('.') else { continue };
                    let dot = range.start + funnel.len();
                    found.push((range.start..dot, Symbol::global(Kind::Funnel, funnel)));
                    found.push((dot + 1..range.end, Symbol::new(Kind::Stage, funnel, stage)));
                    continue;
                }
                _ => continue,
            };
            found.push((range, symbol));
        }
        at += line.len();
    }
    found
}

fn behaviour(text: &str) -> Found {
    let (table, _) = DeTable::parse_recoverable(text);
    let mut found = Found::new();
    // What is not written as it is called, such as a key with signs escaped, is nobody's name.
    let mut add = |range: Range<usize>, symbol: Symbol| {
        let range = unquoted(text, range);
        if text.get(range.clone()).is_some_and(|written| written == symbol.name) {
            found.push((range, symbol));
        }
    };
    for (key, value) in entries(table.get_ref(), "contacts") {
        add(key.span(), Symbol::global(Kind::Attribute, key.get_ref().as_ref()));
        let texts: Vec<(Range<usize>, &str)> = match value.get_ref() {
            DeValue::Table(shares) => shares.keys().map(|share| (share.span(), share.get_ref().as_ref())).collect(),
            DeValue::Array(texts) => {
                texts.iter().filter_map(|text| Some((text.span(), text.get_ref().as_str()?))).collect()
            }
            _ => Vec::new(),
        };
        for (range, text) in texts {
            add(range, Symbol::new(Kind::Value, key.get_ref().as_ref(), text));
        }
    }
    for (key, _) in entries(table.get_ref(), "happens") {
        match key.get_ref().strip_prefix("tag ") {
            // The name is what the key ends in.
            Some(tag) => {
                let end = key.span().end.saturating_sub(1);
                add(end.saturating_sub(tag.len())..end, Symbol::global(Kind::Tag, tag));
            }
            None => add(key.span(), Symbol::global(Kind::Event, key.get_ref().as_ref())),
        }
    }
    let is_channel = |key: &str| Channel::parse(key).is_some();
    for (key, _) in entries(table.get_ref(), "messages").filter(|(key, _)| !is_channel(key.get_ref())) {
        add(key.span(), Symbol::global(Kind::Message, key.get_ref().as_ref()));
    }
    found
}

/// The names in `journey.toml`: attributes that say who is told, where they say nothing.
pub(super) fn settings(declarations: &Declarations, text: &str) -> Vec<Occurrence> {
    let (table, _) = DeTable::parse_recoverable(text);
    let people = entries(table.get_ref(), "notify");
    let names = people.filter(|(key, _)| declarations.attributes.contains_key(key.get_ref().as_ref()));
    let name = |(key, _): (&Spanned<Cow<'_, str>>, _)| {
        let range = unquoted(text, key.span());
        let written = text.get(range.clone()) == Some(key.get_ref().as_ref());
        let symbol = Symbol::global(Kind::Attribute, key.get_ref().as_ref());
        written.then(|| Occurrence::new(narrow(range), symbol, Role::Reads))
    };
    names.filter_map(name).collect()
}

/// A key or text of TOML without its quotes.
fn unquoted(text: &str, range: Range<usize>) -> Range<usize> {
    let written = text.get(range.clone()).unwrap_or_default();
    let quotes = usize::from(written.len() > 1 && written.starts_with(['"', '\'']));
    range.start + quotes..range.end - quotes
}

/// What stands in a table of a table.
fn entries<'t, 'a>(
    table: &'t DeTable<'a>,
    of: &str,
) -> impl Iterator<Item = (&'t Spanned<Cow<'a, str>>, &'t Spanned<DeValue<'a>>)> {
    let inner = table.get(of).map(Spanned::get_ref);
    inner.and_then(|value| value.as_table()).into_iter().flat_map(DeTable::iter)
}

/// A text in a line of JSON.
struct Said<'t> {
    /// The keys around it, and itself if it is one.
    path: Vec<&'t str>,
    text: &'t str,
    is_key: bool,
    /// Without its quotes.
    range: Range<usize>,
}

/// The texts of a line of JSON, in order; those with signs that are written in another way are nobody's name.
fn said(line: &str) -> Vec<Said<'_>> {
    let bytes = line.as_bytes();
    let mut found = Vec::new();
    // The key that is being given a value, in each object and list that is open.
    let mut keys: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => keys.push(""),
            b'}' | b']' => drop(keys.pop()),
            b'"' => {
                let start = at + 1;
                at = start;
                while bytes.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if bytes.get(at) == Some(&b'\\') { 2 } else { 1 };
                }
                let text = line.get(start..at).unwrap_or_default();
                let rest = line.get(at + 1..).unwrap_or_default();
                let is_key = rest.trim_start().starts_with(':');
                if let Some(key) = keys.last_mut().filter(|_| is_key) {
                    *key = text;
                }
                found.push(Said { path: keys.clone(), text, is_key, range: start..at });
            }
            _ => {}
        }
        at += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells_are_where_they_stand() {
        let text = "id, \"first name\" ,\"a \"\"b\"\", c\"\r\n1,x\n";
        let (cells, next) = row(text, 0);
        let cells: Vec<&str> = cells.into_iter().filter_map(|cell| text.get(content(text, cell))).collect();
        assert_eq!(cells, ["id", "first name", "a \"\"b\"\", c"]);
        assert_eq!(text.get(next..), Some("1,x\n"));
    }

    proptest! {
        /// Whatever stands in such a file, places are inside of it and name what stands there.
        #[test]
        fn names_are_what_stands_there(
            text in "(\\PC|[\n\r\",;:{}\\[\\]]|id|tags|\"event\":|\"data\":|\"tag\":\"x\"|\"stage\":\"a.b\"|\\[contacts\\]\n|\\[happens\\]\n|\"tag x\" = 1|a = ){0,40}",
        ) {
            for path in [CONTACTS, EVENTS, BEHAVIOUR] {
                for (range, symbol) in names(&Declarations::default(), path, &text) {
                    prop_assert_eq!(text.get(range.to_usize()), Some(symbol.name.as_str()));
                }
            }
        }
    }
}
