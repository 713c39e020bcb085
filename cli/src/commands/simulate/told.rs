//! What a replay came to, for people and for scripts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use journey_bytecode::Instant;
use journey_runtime::sim::{Difference, JourneyReport, Report};
use serde_json::{Value, json};

use super::super::{rows, table};
use super::replay::Replayed;
use crate::checked::count;
use crate::terminal::{BLUE, BOLD, GREEN, RED, Terminal, YELLOW};

/// How many contacts, and how many notes on each version, are shown to people.
const SHOWN: usize = 20;

/// What each version left out.
pub(super) fn notes(replayed: &Replayed) -> String {
    let mut out = String::new();
    for version in &replayed.versions {
        let mut notes: Vec<_> = version.notes.iter().collect();
        notes.sort_by_key(|(_, (_, first))| *first);
        let more = notes.len().saturating_sub(SHOWN);
        for (what, (lines, first)) in notes.into_iter().take(SHOWN) {
            let lines = count(*lines, "line");
            // Writing to memory does not fail.
            let _ = writeln!(
                out,
                "{BLUE}note{BLUE:#}: {} leaves something out of {lines}, first {}:{first}: {what}",
                version.name, replayed.file
            );
        }
        if more > 0 {
            let _ = writeln!(out, "and {more} more; --output-format json tells all of them");
        }
    }
    out
}

pub(super) fn human(replayed: &Replayed, terminal: Terminal) -> String {
    let Replayed { versions: [was, is], reports: [before, after], comparison, .. } = replayed;
    let zone = is.linked.zone();
    let minute = |at: Instant| zone.show(at).chars().take("2026-03-02 10:00".len()).collect::<String>();
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{BOLD}{}{BOLD:#} of {} from {} to {} ({}), through {} and the files as they are now\n",
        count(replayed.lines, "line"),
        replayed.file,
        minute(after.start),
        minute(before.end.max(after.end)),
        zone.name(),
        was.name,
    );
    let contacts = comparison.contacts();
    if contacts == 0 {
        let _ = writeln!(out, "{GREEN}Everybody would have received the same.{GREEN:#}\n");
    } else {
        let known = before.contacts.max(after.contacts);
        let _ = writeln!(
            out,
            "{BOLD}{contacts} of {}{BOLD:#} would have received something else\n",
            count(known as usize, "contact")
        );
    }
    for (place, messages) in comparison.by_contact().enumerate() {
        if place == SHOWN {
            let _ = writeln!(
                out,
                "and {} more; --output-format json tells all of them\n",
                count(contacts - SHOWN, "contact")
            );
            break;
        }
        let _ = writeln!(out, "{}", messages.first().map_or("", |message| message.contact.as_str()));
        for Difference { channel, message, before, after, .. } in messages {
            let _ = match (before.map(minute), after.map(minute)) {
                (Some(before), Some(after)) => {
                    writeln!(out, "  {YELLOW}~{YELLOW:#} {after} {channel} {message}, was {before}")
                }
                (Some(before), None) => writeln!(out, "  {RED}-{RED:#} {before} {channel} {message}"),
                (None, Some(after)) => writeln!(out, "  {GREEN}+{GREEN:#} {after} {channel} {message}"),
                (None, None) => Ok(()),
            };
        }
        out.push('\n');
    }
    let header = ["message", &was.name, "now", "gone", "new", "at another time"].map(str::to_owned);
    let rows: Vec<_> = (comparison.messages.iter())
        .map(|total| {
            let mut row = vec![format!("{} {}", total.channel, total.message)];
            row.extend([total.before, total.after, total.gone, total.new, total.moved].map(table::number));
            row
        })
        .collect();
    if !rows.is_empty() {
        let _ = writeln!(out, "{}", table::table(&header, rows, &[1, 2, 3, 4, 5], terminal));
    }
    let header = ["runs", &was.name, "now"].map(str::to_owned);
    let rows: Vec<_> = (journeys(before, after).into_iter())
        .flat_map(|(name, before, after)| {
            let rows = outcomes(before, after).into_iter().map(move |(what, before, after)| {
                vec![format!("{name}: {what}"), table::number(before), table::number(after)]
            });
            rows.collect::<Vec<_>>()
        })
        .collect();
    if !rows.is_empty() {
        out.push_str(&table::table(&header, rows, &[1, 2], terminal));
    }
    out
}

/// The journeys of both, by name.
fn journeys<'a>(
    before: &'a Report,
    after: &'a Report,
) -> Vec<(&'a str, Option<&'a JourneyReport>, Option<&'a JourneyReport>)> {
    let of = |report: &'a Report| -> BTreeMap<&'a str, &'a JourneyReport> {
        report.journeys.iter().map(|journey| (journey.journey.as_str(), journey)).collect()
    };
    let (before, after) = (of(before), of(after));
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    names.into_iter().map(|name| (name, before.get(name).copied(), after.get(name).copied())).collect()
}

/// What became of a journey's runs, in words, before and after.
fn outcomes(before: Option<&JourneyReport>, after: Option<&JourneyReport>) -> Vec<(String, u64, u64)> {
    let of = |journey: Option<&JourneyReport>| -> Vec<((u8, String), u64)> {
        let Some(journey) = journey else { return Vec::new() };
        let ended = journey.ended.iter().map(|(reason, n)| ((1, reason.clone()), *n));
        let not = journey.not_entered.iter().map(|(reason, n)| ((4, format!("did not enter, {reason}")), *n));
        let counts =
            [(0, "entered", journey.entered), (2, "under way", journey.active), (3, "reached the goal", journey.goals)];
        let counts = counts.into_iter().filter(|(_, _, n)| *n > 0).map(|(rank, what, n)| ((rank, what.to_owned()), n));
        counts.chain(ended).chain(not).collect()
    };
    let mut rows: BTreeMap<(u8, String), (u64, u64)> = BTreeMap::new();
    of(before).into_iter().for_each(|(what, n)| rows.entry(what).or_default().0 = n);
    of(after).into_iter().for_each(|(what, n)| rows.entry(what).or_default().1 = n);
    rows.into_iter().map(|((_, what), (before, after))| (what, before, after)).collect()
}

pub(super) fn json(replayed: &Replayed) -> String {
    let Replayed { versions, reports: [before, after], comparison, .. } = replayed;
    let moment = |at: Option<Instant>| at.map(journey_runtime::time::rfc3339);
    let contacts = comparison.by_contact().map(|messages| {
        let told = messages.iter().map(|difference| {
            json!({
                "message": difference.message, "channel": difference.channel,
                "before": moment(difference.before), "after": moment(difference.after),
            })
        });
        json!({ "contact": messages.first().map(|first| &first.contact), "messages": told.collect::<Vec<_>>() })
    });
    let messages = comparison.messages.iter().map(|total| {
        json!({
            "message": total.message, "channel": total.channel, "before": total.before, "after": total.after,
            "gone": total.gone, "new": total.new, "at_another_time": total.moved,
        })
    });
    let journeys = journeys(before, after).into_iter().map(
        |(name, before, after)| json!({ "journey": name, "before": before.map(journey), "after": after.map(journey) }),
    );
    let notes = |place: usize| -> Vec<Value> {
        let notes = versions.get(place).into_iter().flat_map(|version| &version.notes);
        notes.map(|(what, (lines, first))| json!({ "what": what, "lines": lines, "first": first })).collect()
    };
    let document = json!({
        "events": replayed.file, "lines": replayed.lines, "refused": rows::json(&replayed.refused),
        "against": versions.first().map(|version| &version.name),
        "from": moment(Some(after.start)), "to": moment(Some(before.end.max(after.end))),
        "left_out": { "before": notes(0), "after": notes(1) },
        "contacts": { "before": before.contacts, "after": after.contacts, "different": comparison.contacts() },
        "differences": contacts.collect::<Vec<_>>(),
        "messages": messages.collect::<Vec<_>>(), "journeys": journeys.collect::<Vec<_>>(),
    });
    format!("{document:#}\n")
}

fn journey(journey: &JourneyReport) -> Value {
    json!({
        "entered": journey.entered, "active": journey.active, "goals": journey.goals, "ended": journey.ended,
        "not_entered": journey.not_entered,
    })
}
