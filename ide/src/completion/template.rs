//! What can be written in a message: attributes, fields, filters and tags between braces, and settings above the text.

use journey_compiler::project::FileId;
use journey_compiler::template::{BUILTIN_VARIABLES, FILTERS};
use journey_grammar::{SyntaxKind, TextRange, Token, Tree};

use super::{Completion, CompletionKind};
use crate::Snapshot;
use crate::hover::short;
use crate::names::{Kind, Symbol, fields_of_triggers};

/// The tags, and what closes them.
const TAGS: &[(&str, &str)] = &[
    ("if", "if ${1:condition} %}$0{% endif"),
    ("elif", "elif ${1:condition}"),
    ("else", "else"),
    ("endif", "endif"),
    ("for", "for ${1:item} in ${2:list} %}$0{% endfor"),
    ("endfor", "endfor"),
    ("set", "set ${1:name} = ${2:value}"),
    ("with", "with ${1:name} = ${2:value} %}$0{% endwith"),
    ("endwith", "endwith"),
];

const SETTINGS: [&str; 4] = ["subject", "preheader", "purpose", "topic"];

/// In a file of `messages/`.
pub(super) fn in_message(snapshot: &Snapshot, file: FileId, offset: u32) -> Vec<Completion> {
    let text = snapshot.text(file);
    let Some(before) = text.get(..offset as usize) else { return Vec::new() };
    let name = snapshot.sources().text_file(file).map(|text| text.name.to_string());
    if let Some(inside) = open_tag(before) {
        return in_tag(snapshot, inside, before, offset, name.as_deref());
    }
    if in_front_matter(text, before) { settings(snapshot, text, before, offset) } else { Vec::new() }
}

/// In a text of a journey.
pub(super) fn in_string(snapshot: &Snapshot, file: FileId, tree: &Tree, offset: u32) -> Vec<Completion> {
    let text = snapshot.text(file);
    let start = tree.tokens_at(offset).left.map_or(0, |token| token.range().start as usize);
    let Some(before) = text.get(..offset as usize) else { return Vec::new() };
    let written = before.get(start..).unwrap_or_default();
    let journey = tree.tokens_at(offset).left.map(Token::parent).and_then(|node| {
        node.ancestors().find(|node| matches!(node.kind(), SyntaxKind::Journey | SyntaxKind::BareJourney))
    });
    let Some(inside) = open_tag(written) else { return Vec::new() };
    let mut found = in_tag(snapshot, inside, before, offset, None);
    if let Some(journey) =
        journey.filter(|_| inside.trim_end().ends_with("trigger.") || word(inside).ends_with("trigger."))
    {
        let fields = fields_of_triggers(snapshot.declarations(), journey, snapshot.path(file));
        found.extend(fields.into_iter().map(|(owner, field)| {
            variable(snapshot, Symbol::new(Kind::Field, owner, field.name.clone()), replaced(before, offset))
        }));
    }
    // A text with quotes inside a text would end it.
    for offer in &mut found {
        offer.insert = offer.insert.replace('"', "'");
    }
    found
}

/// What stands between the braces that are open here, the braces included.
fn open_tag(before: &str) -> Option<&str> {
    let start = before.rfind("{{").max(before.rfind("{%"))?;
    let inside = before.get(start..)?;
    (!inside.contains("}}") && !inside.contains("%}")).then_some(inside)
}

/// The word before the end, dots included.
fn word(text: &str) -> &str {
    let start = text
        .rfind(|c: char| !c.is_alphanumeric() && c != '_' && c != '.')
        .map_or(0, |at| at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
    text.get(start..).unwrap_or_default()
}

/// The last part of the word, which is replaced.
fn replaced(before: &str, offset: u32) -> TextRange {
    let last = word(before).rsplit('.').next().unwrap_or_default();
    TextRange::new(offset.saturating_sub(u32::try_from(last.len()).unwrap_or_default()), offset)
}

fn in_tag(snapshot: &Snapshot, inside: &str, before: &str, offset: u32, message: Option<&str>) -> Vec<Completion> {
    let replace = replaced(before, offset);
    let written = word(inside);
    let lead = inside.get(..inside.len() - written.len()).unwrap_or_default().trim_end();
    let declarations = snapshot.declarations();
    if lead.ends_with('|') {
        return FILTERS.iter().map(|filter| plain(filter, CompletionKind::Function, replace)).collect();
    }
    if lead == "{%" || lead == "{%-" {
        let tag = |(label, body): &(&str, &str)| Completion {
            insert: (*body).to_owned(),
            snippet: body.contains('$'),
            ..plain(label, CompletionKind::Keyword, replace)
        };
        return TAGS.iter().map(tag).collect();
    }
    if let Some((root, _)) = written.split_once('.') {
        return match root {
            "contact" => attributes(snapshot, replace, false),
            "trigger" => message.map(|message| trigger_fields(snapshot, message, replace)).unwrap_or_default(),
            _ => Vec::new(),
        };
    }
    let printed = lead == "{{" || lead == "{{-";
    let mut found = attributes(snapshot, replace, printed);
    found.extend(BUILTIN_VARIABLES.iter().map(|name| plain(name, CompletionKind::Constant, replace)));
    if message.is_some_and(|message| !trigger_fields(snapshot, message, replace).is_empty()) {
        found.push(Completion { insert: "trigger.".into(), ..plain("trigger", CompletionKind::Keyword, replace) });
    }
    found.retain(|offer| {
        offer.kind != CompletionKind::Name(Kind::Attribute) || declarations.attributes.contains_key(&offer.label)
    });
    found
}

/// The attributes; one that may be unset comes with a default where it is printed.
fn attributes(snapshot: &Snapshot, replace: TextRange, printed: bool) -> Vec<Completion> {
    let offer = |field: &crate::names::Field| {
        let mut offer = variable(snapshot, Symbol::global(Kind::Attribute, field.name.clone()), replace);
        if printed && field.optional && field.default.is_none() {
            offer.insert = format!("{} | default(\"${{1:there}}\")", field.name);
            offer.snippet = true;
        }
        offer
    };
    snapshot.declarations().attributes.values().map(offer).collect()
}

/// The fields that every journey which sends the message has in its trigger.
fn trigger_fields(snapshot: &Snapshot, message: &str, replace: TextRange) -> Vec<Completion> {
    let mut common: Option<Vec<Symbol>> = None;
    for file in snapshot.files() {
        for journey in snapshot.tree(file).into_iter().flat_map(|tree| tree.root().children()) {
            let sends = journey.descendants().any(|node| {
                node.kind() == SyntaxKind::SendStep
                    && node.child(SyntaxKind::Name).is_some_and(|name| name.text() == message)
            });
            if sends {
                let fields = fields_of_triggers(snapshot.declarations(), journey, snapshot.path(file));
                let fields: Vec<_> = fields
                    .into_iter()
                    .map(|(owner, field)| Symbol::new(Kind::Field, owner, field.name.clone()))
                    .collect();
                common = Some(match common {
                    Some(before) => before.into_iter().filter(|s| fields.iter().any(|f| f.name == s.name)).collect(),
                    None => fields,
                });
            }
        }
    }
    common.into_iter().flatten().map(|symbol| variable(snapshot, symbol, replace)).collect()
}

fn variable(snapshot: &Snapshot, symbol: Symbol, replace: TextRange) -> Completion {
    let detail = short(snapshot.declarations(), &symbol);
    let kind = CompletionKind::Name(symbol.kind);
    Completion { detail, symbol: Some(symbol.clone()), ..plain(&symbol.name, kind, replace) }
}

fn plain(label: &str, kind: CompletionKind, replace: TextRange) -> Completion {
    Completion {
        label: label.to_owned(),
        kind,
        detail: String::new(),
        insert: label.to_owned(),
        snippet: false,
        replace,
        rank: 1,
        symbol: None,
    }
}

/// Whether the place is between the lines of dashes at the top.
fn in_front_matter(text: &str, before: &str) -> bool {
    text.starts_with("---") && before.matches("\n---").count() == 0 && before.contains('\n')
}

fn settings(snapshot: &Snapshot, text: &str, before: &str, offset: u32) -> Vec<Completion> {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let replace = replaced(before, offset);
    match line.split_once(':').map(|(key, _)| key.trim()) {
        Some("purpose") => {
            ["marketing", "transactional"].iter().map(|word| plain(word, CompletionKind::Constant, replace)).collect()
        }
        Some("topic") => {
            let topics = snapshot.declarations().items.keys().filter(|symbol| symbol.kind == Kind::Topic);
            topics.map(|topic| variable(snapshot, topic.clone(), replace)).collect()
        }
        Some(_) => Vec::new(),
        None => {
            let head = text.get(3..).and_then(|rest| rest.split("\n---").next()).unwrap_or_default();
            let given = |key: &str| head.lines().any(|line| line.starts_with(key) && line.contains(':'));
            let keys = SETTINGS.iter().filter(|key| !given(key));
            keys.map(|key| Completion { insert: format!("{key}: "), ..plain(key, CompletionKind::Setting, replace) })
                .collect()
        }
    }
}
