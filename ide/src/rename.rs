//! Gives a thing another name, wherever it is named: in journeys, tests, templates, the names of files, and the files beside
//! the project.

use std::collections::BTreeSet;

use journey_compiler::diagnostic::{Code, Diagnostic, Edit, Severity, Span};
use journey_compiler::project::{CODES, CONTACTS, FileId, FileKind};
use journey_grammar::{Node, SyntaxKind, TextRange, Token};

use crate::names::{self, Kind, Occurrence, Role, Symbol};
use crate::{Snapshot, mend};

/// A change of the project.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Change {
    /// New files: path and text.
    pub create: Vec<(String, String)>,
    /// Replaced pieces of files.
    pub edits: Vec<Edit>,
    /// Files with a new path.
    pub rename: Vec<(FileId, String)>,
}

/// The name under the cursor, if it can be changed; else why not.
pub fn prepare_rename(snapshot: &Snapshot, file: FileId, offset: u32) -> Result<(TextRange, String), String> {
    let occurrence = occurrence(snapshot, file, offset)?;
    is_declared(snapshot, &occurrence.symbol)?;
    let written = snapshot.text(file).get(occurrence.range.to_usize()).unwrap_or_default();
    Ok((occurrence.range, written.to_owned()))
}

fn occurrence(snapshot: &Snapshot, file: FileId, offset: u32) -> Result<&Occurrence, String> {
    let found = snapshot.names(file).and_then(|names| names.at(offset));
    found.ok_or_else(|| "there is no name here that could be changed".to_owned())
}

/// Gives the thing under the cursor another name. An error is a sentence for the user.
pub fn rename(snapshot: &Snapshot, file: FileId, offset: u32, name: &str) -> Result<Change, String> {
    let symbol = &occurrence(snapshot, file, offset)?.symbol;
    is_declared(snapshot, symbol)?;
    is_name(name, symbol.kind)?;
    if name == called(symbol) {
        return Ok(Change::default());
    }
    let mut change = Change::default();
    let all = linked(snapshot, symbol);
    for symbol in &all {
        if is_declared(snapshot, &renamed(symbol, name)).is_ok() {
            return Err(format!("there is another {} `{name}` already", symbol.kind.noun()));
        }
        change.edits.extend(edits(snapshot, symbol, name)?);
        change.rename.extend(renamed_files(snapshot, symbol, name));
    }
    change.edits.sort();
    change.edits.dedup();
    keeps_meaning(snapshot, &all, name, &change)?;
    Ok(change)
}

/// What has one name wherever it is meant: fields of several events that a text knows as one `trigger.FIELD`.
fn linked(snapshot: &Snapshot, symbol: &Symbol) -> BTreeSet<Symbol> {
    let mut all = BTreeSet::from([symbol.clone()]);
    let names = snapshot.files().filter_map(|file| snapshot.names(file)).flat_map(|names| names.all());
    let shared: Vec<&Occurrence> = names.filter(|name| !name.also.is_empty()).collect();
    loop {
        let before = all.len();
        for name in &shared {
            if name.symbols().any(|symbol| all.contains(symbol)) {
                all.extend(name.symbols().cloned());
            }
        }
        if all.len() == before {
            return all;
        }
    }
}

/// The word that stands where a thing is named.
fn called(symbol: &Symbol) -> &str {
    match symbol.kind {
        Kind::Part => {
            let file = symbol.name.rsplit('/').next().unwrap_or_default();
            file.split('.').next().unwrap_or_default()
        }
        _ => &symbol.name,
    }
}

/// The thing under its new name.
fn renamed(symbol: &Symbol, name: &str) -> Symbol {
    let name = if symbol.kind == Kind::Part { with_stem(&symbol.name, name) } else { name.to_owned() };
    Symbol::new(symbol.kind, symbol.owner.clone(), name)
}

/// The files that are called after a thing, with their new paths.
fn renamed_files(snapshot: &Snapshot, symbol: &Symbol, name: &str) -> Vec<(FileId, String)> {
    let declarations = snapshot.declarations();
    let files: Vec<FileId> = match symbol.kind {
        Kind::Message => {
            let messages = declarations.messages.get(&symbol.name).into_iter().flatten();
            messages.flat_map(|message| message.files.iter().copied()).collect()
        }
        Kind::Part => declarations.shared.get(&symbol.name).cloned().unwrap_or_default(),
        // A sentence without a block is named after its file.
        Kind::Journey => {
            let item = declarations.items.get(symbol);
            let bare = |at: &Span| snapshot.text(at.file).get(at.range()) != Some(symbol.name.as_str());
            item.map(|item| item.at).filter(bare).map(|at| at.file).into_iter().collect()
        }
        _ => Vec::new(),
    };
    files.into_iter().map(|file| (file, with_stem(snapshot.path(file), name))).collect()
}

/// What else must change when a file gets another path: every place that names it, if it has the name alone.
pub fn file_renamed(snapshot: &Snapshot, file: FileId, path: &str) -> Result<Vec<Edit>, String> {
    if snapshot.project().file(file).is_some_and(|file| file.kind() == FileKind::Codes) {
        let named = |other: FileId| {
            let codes = code_files(snapshot, other).into_iter().filter(|(_, named)| named == snapshot.path(file));
            codes.map(move |(range, _)| names::span(other, range)).collect::<Vec<_>>()
        };
        let places = snapshot.files().flat_map(named);
        return Ok(places.map(|span| Edit { span, text: path.to_owned() }).collect());
    }
    let Some(symbol) = named_after(snapshot, file) else { return Ok(Vec::new()) };
    let Some(new) = symbol_of_path(symbol.kind, path) else { return Ok(Vec::new()) };
    if new == symbol.name || renamed_files(snapshot, &symbol, "_").len() != 1 {
        return Ok(Vec::new());
    }
    if symbol.kind != Kind::Part {
        return if is_name(&new, symbol.kind).is_ok() { edits(snapshot, &symbol, &new) } else { Ok(Vec::new()) };
    }
    // The whole path changes, and not only the name in it.
    let places = names::everywhere(snapshot, &symbol).into_iter();
    let before = u32::try_from(symbol.name.rfind('/').map_or(0, |slash| slash + 1)).unwrap_or_default();
    let length = u32::try_from(symbol.name.len()).unwrap_or_default();
    let edit = |(span, _): (Span, Role)| {
        let start = span.start.saturating_sub(before);
        Edit { span: Span { start, end: start + length, ..span }, text: new.clone() }
    };
    Ok(places.map(edit).collect())
}

/// What a file is the name of.
fn named_after(snapshot: &Snapshot, file: FileId) -> Option<Symbol> {
    if let Some(text) = snapshot.sources().text_file(file) {
        return Some(Symbol::global(Kind::Message, text.name.as_str()));
    }
    let declarations = snapshot.declarations();
    if let Some((name, _)) = declarations.shared.iter().find(|(_, files)| files.contains(&file)) {
        return Some(Symbol::global(Kind::Part, name.as_str()));
    }
    let bare = snapshot.tree(file)?.root().child(SyntaxKind::BareJourney)?;
    Some(Symbol::global(Kind::Journey, names::journey_name(bare, snapshot.path(file))))
}

/// The files of codes that a file's vouchers name, each with the place of its path.
pub(crate) fn code_files(snapshot: &Snapshot, file: FileId) -> Vec<(TextRange, String)> {
    let vouchers = snapshot.tree(file).into_iter().flat_map(|tree| tree.root().children());
    let tokens = vouchers.filter(|item| item.kind() == SyntaxKind::VoucherDecl).flat_map(Node::own_tokens);
    let path = |token: Token<'_>| {
        let range = token.range();
        let inside = TextRange::new(range.start + 1, range.end.saturating_sub(1).max(range.start + 1));
        let path = snapshot.text(file).get(inside.to_usize())?;
        path.starts_with(CODES).then(|| (inside, path.to_owned()))
    };
    tokens.filter(|token| token.kind() == SyntaxKind::String).filter_map(path).collect()
}

/// The name that a path gives to what is called after it.
fn symbol_of_path(kind: Kind, path: &str) -> Option<String> {
    let file = path.rsplit('/').next()?;
    match kind {
        Kind::Part => {
            let (folder, ending) = (path.strip_prefix("messages/")?.strip_suffix(file)?, file.rsplit('.').next()?);
            Some(format!("{folder}{}.{ending}", file.split('.').next()?))
        }
        Kind::Journey => file.strip_suffix(JOURNEY).map(str::to_owned),
        _ => file.split('.').next().map(str::to_owned),
    }
}

fn edits(snapshot: &Snapshot, symbol: &Symbol, name: &str) -> Result<Vec<Edit>, String> {
    let data = names::in_data(snapshot, symbol)?;
    if symbol.kind == Kind::Attribute && names::data::COLUMNS.contains(&name) && !data.is_empty() {
        return Err(format!("in `{CONTACTS}`, the column `{name}` is no attribute"));
    }
    let places = names::everywhere(snapshot, symbol).into_iter().map(|(span, _)| span).chain(data);
    Ok(places.map(|span| Edit { span, text: name.to_owned() }).collect())
}

/// Sees to it that the new name means the thing in every place that named it, and in no other.
fn keeps_meaning(snapshot: &Snapshot, all: &BTreeSet<Symbol>, name: &str, change: &Change) -> Result<(), String> {
    let own = change.edits.iter().filter(|edit| snapshot.project().file(edit.span.file).is_some());
    let Some(mut project) = mend::with_edits(snapshot.project(), own) else { return Ok(()) };
    for (file, path) in &change.rename {
        if let Some(file) = project.files.get_mut(file.0 as usize) {
            file.path.clone_from(path);
        }
    }
    project.files.sort_by(|a, b| a.path.cmp(&b.path));
    let after = snapshot.later(project);
    let all: Vec<Symbol> = all.iter().map(|symbol| renamed(symbol, name)).collect();
    for file in snapshot.files() {
        let moved = change.rename.iter().find(|(renamed, _)| *renamed == file).map(|(_, path)| path.as_str());
        let there = after.file(moved.unwrap_or_else(|| snapshot.path(file))).and_then(|file| after.names(file));
        let is_named = |found: &&Occurrence| all.iter().any(|symbol| found.names(symbol));
        let named = there.into_iter().flat_map(|names| names.all()).filter(is_named).count();
        if named != change.edits.iter().filter(|edit| edit.span.file == file).count() {
            let path = snapshot.path(file);
            return Err(format!("`{name}` means something else in `{path}`, so the two could not be told apart"));
        }
    }
    // Some names mean something by themselves, such as that of the attribute to which push messages go.
    match new_error(snapshot, &after) {
        Some(error) => Err(format!("called `{name}`, it would break something: {}", error.message)),
        None => Ok(()),
    }
}

/// An error of a sort of which there are more than before.
fn new_error<'s>(before: &Snapshot, after: &'s Snapshot) -> Option<&'s Diagnostic> {
    let errors = |snapshot: &'s Snapshot| {
        let all = snapshot.compilation().diagnostics.iter();
        all.filter(|found| found.severity == Severity::Error).collect::<Vec<_>>()
    };
    let (now, then) = (errors(after), before.compilation().diagnostics.iter().map(|found| found.code));
    let mut known: Vec<Code> = then.collect();
    now.into_iter().find(|error| match known.iter().position(|code| *code == error.code) {
        Some(at) => {
            known.swap_remove(at);
            false
        }
        None => true,
    })
}

fn is_declared(snapshot: &Snapshot, symbol: &Symbol) -> Result<(), String> {
    let declarations = snapshot.declarations();
    let known = match symbol.kind {
        Kind::Attribute => declarations.attributes.contains_key(&symbol.name),
        Kind::Field => declarations.event_field(&symbol.owner, &symbol.name).is_some(),
        Kind::Message => declarations.messages.contains_key(&symbol.name),
        Kind::Part => declarations.shared.contains_key(&symbol.name),
        Kind::Value | Kind::Contact => {
            names::everywhere(snapshot, symbol).iter().any(|(_, role)| *role == Role::Declares)
        }
        _ => declarations.items.contains_key(symbol),
    };
    match known {
        true => Ok(()),
        false => Err(format!("the {} `{}` is not declared in this project", symbol.kind.noun(), symbol.name)),
    }
}

/// Words that mean something by themselves wherever a value stands.
const VALUES: [&str; 8] = ["contact", "created", "false", "hour", "now", "today", "trigger", "true"];

/// Whether a thing of this kind can be called so.
fn is_name(name: &str, kind: Kind) -> Result<(), String> {
    if kind == Kind::Part {
        let fits = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        return match fits {
            true => Ok(()),
            false => Err(format!("`{name}` is no name of a file: write letters, digits, `_` and `-`, and no ending")),
        };
    }
    let letters = name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if name.is_empty() || !letters || name.starts_with(|c: char| c.is_numeric()) {
        return Err(format!(
            "`{name}` is not a name: names are made of letters, digits and `_`, and begin with a letter"
        ));
    }
    let word = SyntaxKind::of_keyword(name).unwrap_or(SyntaxKind::Ident);
    let fits = match kind {
        Kind::Handle | Kind::Local | Kind::Contact => word.is_handle(),
        Kind::Attribute | Kind::Value => word.is_name() && !VALUES.contains(&name),
        // Any word can be a field.
        Kind::Field => true,
        _ => word.is_name(),
    };
    if fits { Ok(()) } else { Err(format!("`{name}` is a word of the language and cannot be a name here")) }
}

/// A path whose file is called otherwise, up to the first point.
fn with_stem(path: &str, name: &str) -> String {
    let (folder, file) = path.rfind('/').map_or(("", path), |slash| path.split_at(slash + 1));
    // All of a journey's file is its name.
    let ending = if file.ends_with(JOURNEY) { file.rfind('.') } else { file.find('.') };
    format!("{folder}{name}{}", ending.and_then(|dot| file.get(dot..)).unwrap_or_default())
}

/// What the names of files of journeys end in.
const JOURNEY: &str = ".journey";
