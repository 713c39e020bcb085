//! Changes as Markdown, for the comment on a pull request.

use std::fmt::Write;

use journey_ide::changes::Changes;

use super::{UnderWay, headline, messages, text, told, weeks, who};

pub(super) fn render(changes: &Changes, under_way: &UnderWay) -> String {
    let mut out = "## What changes for people\n\n".to_owned();
    if changes.is_empty() {
        out.push_str("Nothing.\n");
        return out;
    }
    for journey in &changes.journeys {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "### Journey {} {}\n", code(&journey.name), escaped(&headline(journey)));
        for told in [who(journey), messages(journey), weeks(journey)].into_iter().flatten() {
            let _ = writeln!(out, "{}\n", escaped(&told));
        }
        if let Some(runs) = under_way.told(journey) {
            let _ = writeln!(out, "{}\n", escaped(&runs));
        }
        for group in journey.changes.chunk_by(|a, b| a.subject == b.subject) {
            let title = group.first().map_or("", |change| change.subject.title());
            let _ = writeln!(out, "**{title}**\n");
            for change in group {
                let (sign, text) = told(change);
                let _ = writeln!(out, "- {}{}", word(sign), escaped(&text));
            }
            out.push('\n');
        }
    }
    if !changes.project.is_empty() {
        out.push_str("### For all journeys\n\n| | Now | Before | In |\n| --- | --- | --- | --- |\n");
        for change in &changes.project {
            let cell = |text: &Option<String>| text.as_deref().map_or_else(|| "–".to_owned(), code);
            let journeys: Vec<_> = change.journeys.iter().map(|name| code(name)).collect();
            let (new, old) = (cell(&change.after), cell(&change.before));
            let _ = writeln!(out, "| {} | {new} | {old} | {} |", escaped(change.what), journeys.join(", "));
        }
        out.push('\n');
    }
    if !changes.messages.is_empty() {
        out.push_str("### Texts\n\n");
        for message in &changes.messages {
            let _ = writeln!(out, "- {}: {}", code(&message.path), escaped(&text(message)));
        }
        out.push('\n');
    }
    out.pop();
    out
}

const fn word(sign: char) -> &'static str {
    match sign {
        '+' => "new: ",
        '-' => "gone: ",
        _ => "",
    }
}

/// A text as code, also in the cell of a table.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace('|', "\\|").replace('\n', " "))
}

/// A text that Markdown leaves as it is.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_[]<>|#@".contains(c) {
            out.push('\\');
        }
        out.push(if c == '\n' { ' ' } else { c });
    }
    out
}
