//! Changes for people, on a terminal.

use std::fmt::Write;

use journey_ide::changes::Changes;

use super::{UnderWay, headline, messages, text, told, weeks, who};
use crate::terminal::{BOLD, FAINT, GREEN, RED, YELLOW};

pub(super) fn render(changes: &Changes, under_way: &UnderWay) -> String {
    let mut out = String::new();
    for journey in &changes.journeys {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{BOLD}journey {}{BOLD:#} {}", journey.name, headline(journey));
        for told in [who(journey), messages(journey), weeks(journey)].into_iter().flatten() {
            let _ = writeln!(out, "  {FAINT}{told}{FAINT:#}");
        }
        if let Some(runs) = under_way.told(journey) {
            let _ = writeln!(out, "  {YELLOW}{runs}{YELLOW:#}");
        }
        for group in journey.changes.chunk_by(|a, b| a.subject == b.subject) {
            let title = group.first().map_or("", |change| change.subject.title());
            let _ = writeln!(out, "  {title}");
            for change in group {
                let (sign, text) = told(change);
                out.push_str(&signed(sign, &text));
            }
        }
        out.push('\n');
    }
    if !changes.project.is_empty() {
        let _ = writeln!(out, "{BOLD}for all journeys{BOLD:#}");
        for change in &changes.project {
            let speak = match change.journeys.as_slice() {
                [] => String::new(),
                journeys => format!("; in {}", journeys.join(", ")),
            };
            let what = change.what;
            out.push_str(&match (&change.before, &change.after) {
                (Some(old), Some(new)) => signed('~', &format!("{what}: {new}, was: {old}{speak}")),
                (None, Some(new)) => signed('+', &format!("{what}: {new}{speak}")),
                (Some(old), None) => signed('-', &format!("{what}: {old}{speak}")),
                (None, None) => String::new(),
            });
        }
        out.push('\n');
    }
    if !changes.messages.is_empty() {
        let _ = writeln!(out, "{BOLD}texts{BOLD:#}");
        for message in &changes.messages {
            let _ = writeln!(out, "    {}: {}", message.path, text(message));
        }
        out.push('\n');
    }
    if changes.is_empty() {
        let _ = writeln!(out, "{GREEN}Nothing changes for people.{GREEN:#}");
    } else {
        // The blank line behind the last group.
        out.pop();
    }
    out
}

fn signed(sign: char, text: &str) -> String {
    let style = match sign {
        '+' => GREEN,
        '-' => RED,
        _ => YELLOW,
    };
    format!("    {style}{sign}{style:#} {text}\n")
}
