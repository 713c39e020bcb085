//! Changes as one JSON document. What every field means stands in `docs/diff.schema.json`; tests hold us to it.

use journey_ide::changes::{Change, Changes, Elapsed, JourneyChange, JourneyKind, Line, TextKind};
use serde_json::{Value, json};

use super::UnderWay;

/// Changes only when a reader would have to.
const VERSION: u32 = 1;

pub(super) fn render(changes: &Changes, under_way: &UnderWay) -> String {
    let project = changes.project.iter().map(|change| {
        json!({ "what": change.what, "before": change.before, "after": change.after, "journeys": change.journeys })
    });
    let messages = changes.messages.iter().map(|message| {
        json!({
            "path": message.path,
            "message": message.message,
            "kind": match message.kind {
                TextKind::Added => "added",
                TextKind::Removed => "removed",
                TextKind::Changed => "changed",
            },
            "subject": message.subject.as_ref().map(|(old, new)| json!({ "before": old, "after": new })),
            "lines": { "added": message.lines.0, "removed": message.lines.1 },
            "journeys": message.journeys,
        })
    });
    let document = json!({
        "version": VERSION,
        "journeys": changes.journeys.iter().map(|change| journey(change, under_way.of(change))).collect::<Vec<_>>(),
        "project": project.collect::<Vec<_>>(),
        "messages": messages.collect::<Vec<_>>(),
    });
    // Strings and numbers always serialise.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

fn journey(journey: &JourneyChange, under_way: Option<u64>) -> Value {
    let (kind, from) = match &journey.kind {
        JourneyKind::Added => ("added", None),
        JourneyKind::Removed => ("removed", None),
        JourneyKind::Renamed { from } => ("renamed", Some(from)),
        JourneyKind::Changed => ("changed", None),
    };
    let (before, after) = journey.most_messages;
    let (pressure_before, pressure_after) = journey.pressure;
    let pressure = |(day, week): (usize, usize)| json!({ "per_day": day, "per_week": week });
    json!({
        "name": journey.name,
        "kind": kind,
        "from": from,
        "who": journey.who,
        "most_messages": { "before": before, "after": after },
        "weeks": { "before": journey.weeks.0, "after": journey.weeks.1 },
        "pressure": { "before": pressure_before.map(pressure), "after": pressure_after.map(pressure) },
        "under_way": under_way,
        "changes": journey.changes.iter().map(change).collect::<Vec<_>>(),
    })
}

fn change(change: &Change) -> Value {
    json!({
        "subject": change.subject.name(),
        "before": change.before.as_ref().map(line),
        "after": change.after.as_ref().map(line),
    })
}

fn line(line: &Line) -> Value {
    let when = line.when.map(|Elapsed { least, most }| json!({ "least_seconds": least, "most_seconds": most }));
    json!({ "text": line.text, "path": line.path, "when": when })
}
