//! What the thing under the cursor is.

use std::fmt::Write;

use journey_compiler::project::FileId;
use journey_grammar::ast::{self, Unit};
use journey_grammar::{Node, SyntaxKind, TextRange, Token};

use crate::Snapshot;
use crate::graph::words::length;
use crate::names::{self, Declarations, Field, Kind, Message, Symbol};
use crate::words;

/// Something to read, in Markdown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hover {
    /// What it is about.
    pub range: TextRange,
    /// The text.
    pub text: String,
}

/// How many lines of a message are shown.
const LINES: usize = 6;

/// What there is to say about the place.
pub fn hover(snapshot: &Snapshot, file: FileId, offset: u32) -> Option<Hover> {
    if let Some(occurrence) = snapshot.names(file)?.at(offset) {
        return Some(Hover { range: occurrence.range, text: describe(snapshot, &occurrence.symbol) });
    }
    let weight = |token: Token<'_>| u8::from(!token.kind().is_trivia());
    let token = snapshot.tree(file)?.tokens_at(offset).pick(weight)?;
    let text = match token.kind() {
        SyntaxKind::Duration => duration(token.text())?,
        kind if kind.is_word() => word(token)?,
        _ => return None,
    };
    Some(Hover { range: token.range(), text })
}

/// What a thing is, in Markdown.
pub(crate) fn describe(snapshot: &Snapshot, symbol: &Symbol) -> String {
    let declarations = snapshot.declarations();
    let name = &symbol.name;
    let field = |field: Option<&Field>, of: String| match field {
        Some(known) => code(&declared(known)) + &notes(Some(&of), known.docs.as_deref()),
        None => code(name) + &notes(Some(&of), None),
    };
    match symbol.kind {
        Kind::Attribute => {
            let known = declarations.attributes.get(name);
            let unset = known.is_some_and(|known| known.optional && known.default.is_none());
            let of =
                if unset { "an attribute of the contact, which may be unset" } else { "an attribute of the contact" };
            field(known, of.to_owned())
        }
        Kind::Field => {
            let of = match symbol.owner.strip_prefix("call ") {
                Some(journey) => format!("a field of the call of the journey `{journey}`"),
                None => format!("a field of the event `{}`", symbol.owner),
            };
            field(declarations.event_field(&symbol.owner, name), of)
        }
        Kind::Value => {
            let values = declarations.field(&symbol.owner).map(|field| field.values.join(" ")).unwrap_or_default();
            code(name) + &notes(Some(&format!("a value of `{}`: {values}", symbol.owner)), None)
        }
        Kind::Message => {
            message(snapshot, name, declarations.messages.get(name).map(Vec::as_slice).unwrap_or_default())
        }
        Kind::Handle => {
            let sent = declarations.handles.get(&(symbol.owner.clone(), name.clone()));
            let texts = sent.and_then(|sent| declarations.messages.get(sent)).map(Vec::as_slice).unwrap_or_default();
            let of = sent.map(|sent| format!("the message `{sent}` that this journey sends")).unwrap_or_default();
            code(name) + &notes(Some(&of), None) + "\n\n" + &message(snapshot, sent.unwrap_or(name), texts)
        }
        Kind::Part => {
            let file = declarations.shared.get(name).and_then(|files| files.first());
            let lines = file.map(|file| first_lines(snapshot.text(*file))).unwrap_or_default();
            code(name) + &notes(Some(&uses(snapshot, symbol)), None) + "\n\n" + &lines
        }
        kind => {
            let item = declarations.items.get(symbol);
            let text = item.map_or_else(|| format!("{} {name}", kind.noun()), |item| item.text.clone());
            let used = uses(snapshot, symbol);
            code(&text) + &notes(Some(&used), item.and_then(|item| item.docs.as_deref()))
        }
    }
}

/// An attribute or field as it is declared.
pub(crate) fn declared(field: &Field) -> String {
    let mut text = format!("{}: {}", field.name, field.ty);
    if field.optional {
        text.push('?');
    }
    if let Some(default) = &field.default {
        let _ = write!(text, " = {default}");
    }
    text
}

fn code(text: &str) -> String {
    format!("```journey\n{text}\n```")
}

fn notes(what: Option<&str>, docs: Option<&str>) -> String {
    let parts = [what.filter(|what| !what.is_empty()).map(sentence), docs.map(str::to_owned)];
    parts.into_iter().flatten().map(|part| format!("\n\n{part}")).collect()
}

fn sentence(what: &str) -> String {
    let mut chars = what.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

fn uses(snapshot: &Snapshot, symbol: &Symbol) -> String {
    let places = names::everywhere(snapshot, symbol);
    let count = |role| places.iter().filter(|(_, r)| *r == role).count();
    let (reads, writes) = (count(names::Role::Reads), count(names::Role::Writes));
    let times = |n: usize| if n == 1 { "once".to_owned() } else { format!("{n} times") };
    match (symbol.kind, reads, writes) {
        (_, 0, 0) => "not used yet".to_owned(),
        (Kind::Tag, 0, writes) => format!("set {}, and nothing asks for it", times(writes)),
        (Kind::Tag, reads, 0) => format!("asked for {}, and nothing here sets it", times(reads)),
        (Kind::Tag, reads, writes) => format!("set {}, asked for {}", times(writes), times(reads)),
        (_, reads, writes) => format!("used {}", times(reads + writes)),
    }
}

/// A message: its channels, subjects and first lines.
fn message(snapshot: &Snapshot, name: &str, texts: &[Message]) -> String {
    if texts.is_empty() {
        return code(&format!("message {name}")) + "\n\nThis message has no file yet.";
    }
    let one = |message: &Message| {
        let mut text = code(&format!("{} {name}", message.channel));
        let first = message.files.first().and_then(|file| snapshot.sources().text_file(*file));
        let Some(first) = first else { return text };
        if let Some(subject) = &first.subject {
            let _ = write!(text, "\n\n**{}**", subject.piece.text().trim());
        }
        let _ = write!(text, "\n\n{}", first_lines(first.body.piece.text()));
        let files = message.files.iter().filter_map(|file| snapshot.sources().text_file(*file));
        let languages: Vec<_> = files.filter_map(|text| text.language.as_ref().map(|l| l.to_string())).collect();
        if !languages.is_empty() {
            let _ = write!(text, "\n\nAlso in {}.", languages.join(", "));
        }
        text
    };
    texts.iter().map(one).collect::<Vec<_>>().join("\n\n---\n\n")
}

/// The first lines of a text, as a quotation.
fn first_lines(text: &str) -> String {
    let mut lines = text.trim().lines();
    let mut shown: Vec<String> = lines.by_ref().take(LINES).map(|line| format!("> {line}")).collect();
    if lines.next().is_some() {
        shown.push("> …".to_owned());
    }
    shown.join("\n")
}

fn word(token: Token<'_>) -> Option<String> {
    let node = token.parent();
    if matches!(node.kind(), SyntaxKind::Name | SyntaxKind::Path) {
        let meaning = words::meaning(token.text())?;
        return Some(code(token.text()) + "\n\n" + meaning);
    }
    if let Some(text) = wait(node) {
        return Some(text);
    }
    // What a test expects may stand behind a moment.
    let begins = node.first_token() == Some(token) || token.kind() == SyntaxKind::ExpectKw;
    if let Some(form) = words::form(token.text()).filter(|_| begins) {
        return Some(code(&form.text()) + "\n\n" + form.meaning);
    }
    let meaning = words::meaning(token.text())?;
    Some(code(token.text()) + "\n\n" + meaning)
}

/// What a wait means in the contact's time.
fn wait(step: Node<'_>) -> Option<String> {
    let clause = |kind| step.child(kind).map(Node::text);
    let text = match step.kind() {
        SyntaxKind::WaitStep => {
            let mut spans = step.children().filter_map(|child| child.token(SyntaxKind::Duration));
            let first = spans.next().map(|token| duration(token.text()));
            match (first, spans.next()) {
                (Some(_), Some(_)) => "Waits a random time between the two, another for each contact.".to_owned(),
                (Some(text), None) => text?,
                (None, _) => "Waits so long as the value says when the contact comes here.".to_owned(),
            }
        }
        SyntaxKind::WaitUntilStep => {
            let mut text = if step.child(SyntaxKind::WindowClause).is_some() {
                "Waits until the window is open on the contact's own clock; goes on at once if it is.".to_owned()
            } else if step.child(SyntaxKind::DaySet).is_some() {
                "Waits until the day comes on the contact's own clock.".to_owned()
            } else {
                "Waits until the moment comes or the condition is true; goes on at once if it already has. If an attribute that it names changes, the wait is planned anew.".to_owned()
            };
            if let Some(limit) = clause(SyntaxKind::UpToClause) {
                let _ = write!(text, " No longer than {}.", limit.trim_start_matches("up to "));
            }
            text
        }
        SyntaxKind::WaitForStep => {
            let mut text = "Waits for it to happen. What happened since the contact entered counts, once; with `from now` only what comes from here on.".to_owned();
            match clause(SyntaxKind::UpToClause) {
                Some(limit) => {
                    let _ = write!(text, " After {} the wait is over", limit.trim_start_matches("up to "));
                    text.push_str(match step.child(SyntaxKind::ElseBranch) {
                        Some(_) => ", and `else` follows.",
                        None => ", and the run goes on.",
                    });
                }
                None => text.push_str(" There is no limit: a contact may wait for ever."),
            }
            text
        }
        _ => return None,
    };
    Some(code(&names::one_line(step.text())) + "\n\n" + &text)
}

/// What a length of time means.
fn duration(text: &str) -> Option<String> {
    let parts = ast::duration_parts(text)?;
    let calendar = parts.iter().any(|(_, unit)| matches!(unit, Unit::Day | Unit::Week | Unit::Month | Unit::Year));
    let meaning = match calendar {
        true => "on the contact's own clock: the same time of day, whatever daylight saving does",
        false => "exactly",
    };
    let list = parts.into_iter().map(length).collect::<Vec<_>>().join(" and ");
    Some(format!("{list}, {meaning}."))
}

/// The type of what is declared, for completions.
pub(crate) fn short(declarations: &Declarations, symbol: &Symbol) -> String {
    match symbol.kind {
        Kind::Attribute => declarations.attributes.get(&symbol.name).map(of_type).unwrap_or_default(),
        Kind::Field => declarations.event_field(&symbol.owner, &symbol.name).map(of_type).unwrap_or_default(),
        Kind::Message => {
            let texts = declarations.messages.get(&symbol.name).into_iter().flatten();
            texts.map(|m| m.subject.clone().unwrap_or_else(|| m.channel.clone())).next().unwrap_or_default()
        }
        Kind::Handle => {
            declarations.handles.get(&(symbol.owner.clone(), symbol.name.clone())).cloned().unwrap_or_default()
        }
        kind => kind.noun().to_owned(),
    }
}

fn of_type(field: &Field) -> String {
    format!("{}{}", field.ty, if field.optional { "?" } else { "" })
}
