//! Gives a thing another name, wherever it is named: in journeys, tests, templates and the names of files.

use journey_compiler::diagnostic::Edit;
use journey_compiler::project::FileId;
use journey_grammar::{SyntaxKind, TextRange};

use crate::Snapshot;
use crate::names::{self, Kind, Role, Symbol};

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
    let found = snapshot.names(file).and_then(|names| names.at(offset));
    let Some(occurrence) = found else {
        return Err("there is no name here that could be changed".to_owned());
    };
    is_declared(snapshot, &occurrence.symbol)?;
    Ok((occurrence.range, occurrence.symbol.name.clone()))
}

/// Gives the thing under the cursor another name. An error is a sentence for the user.
pub fn rename(snapshot: &Snapshot, file: FileId, offset: u32, name: &str) -> Result<Change, String> {
    prepare_rename(snapshot, file, offset)?;
    let Some(occurrence) = snapshot.names(file).and_then(|names| names.at(offset)) else {
        return Err("there is no name here that could be changed".to_owned());
    };
    let symbol = &occurrence.symbol;
    is_name(name, symbol.kind)?;
    if name == symbol.name {
        return Ok(Change::default());
    }
    let other = Symbol::new(symbol.kind, symbol.owner.clone(), name);
    if is_declared(snapshot, &other).is_ok() {
        return Err(format!("there is another {} `{name}` already", symbol.kind.noun()));
    }
    let mut change = Change { edits: edits(snapshot, symbol, name), ..Change::default() };
    match symbol.kind {
        Kind::Message => {
            let messages = snapshot.declarations().messages.get(&symbol.name).into_iter().flatten();
            for file in messages.flat_map(|message| &message.files) {
                change.rename.push((*file, renamed(snapshot.path(*file), &symbol.name, name)));
            }
        }
        // A sentence without a block is named after its file.
        Kind::Journey => {
            if let Some(item) = snapshot.declarations().items.get(symbol)
                && snapshot.text(item.at.file).get(item.at.range()) != Some(symbol.name.as_str())
            {
                let path = snapshot.path(item.at.file);
                let folder = path.rfind('/').map_or("", |at| path.get(..=at).unwrap_or_default());
                change.rename.push((item.at.file, format!("{folder}{name}.journey")));
            }
        }
        _ => {}
    }
    Ok(change)
}

/// What else must change when a message's file gets another name; nothing if the message stays what it is called.
pub fn file_renamed(snapshot: &Snapshot, file: FileId, path: &str) -> Vec<Edit> {
    let Some(text) = snapshot.sources().text_file(file) else { return Vec::new() };
    let name = path.rsplit('/').next().and_then(|file| file.split('.').next()).unwrap_or_default();
    let of_message = snapshot.declarations().messages.get(text.name.as_str()).into_iter().flatten();
    let only = of_message.map(|message| message.files.len()).sum::<usize>() == 1;
    if !only || name == text.name || is_name(name, Kind::Message).is_err() {
        return Vec::new();
    }
    edits(snapshot, &Symbol::global(Kind::Message, text.name.as_str()), name)
}

fn edits(snapshot: &Snapshot, symbol: &Symbol, name: &str) -> Vec<Edit> {
    let places = names::everywhere(snapshot, symbol).into_iter();
    places.map(|(span, _)| Edit { span, text: name.to_owned() }).collect()
}

fn is_declared(snapshot: &Snapshot, symbol: &Symbol) -> Result<(), String> {
    let declarations = snapshot.declarations();
    let known = match symbol.kind {
        Kind::Attribute => declarations.attributes.contains_key(&symbol.name),
        Kind::Field => declarations.event_field(&symbol.owner, &symbol.name).is_some(),
        Kind::Message => declarations.messages.contains_key(&symbol.name),
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

/// The path of a message's file under another name.
fn renamed(path: &str, from: &str, to: &str) -> String {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let rest = file.strip_prefix(from).unwrap_or(file);
    format!("{folder}/{to}{rest}")
}
