//! What is different between the journeys of two versions.

use std::collections::BTreeMap;

use journey_grammar::SyntaxKind;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::outline::{Item, Outline};
use super::{Change, JourneyChange, JourneyKind, Most, Subject};

/// How much one run of the journey of a name can send, before and after.
type Pressure<'a> = &'a dyn Fn(&str) -> (Most, Most);

pub(super) fn journeys(before: &[Outline], after: &[Outline], pressure: Pressure<'_>) -> Vec<JourneyChange> {
    let by_name = |outlines: &[Outline]| -> BTreeMap<String, Outline> {
        outlines.iter().map(|outline| (outline.name.clone(), outline.clone())).collect()
    };
    let (mut before, mut after) = (by_name(before), by_name(after));
    let both: Vec<String> = before.keys().filter(|name| after.contains_key(*name)).cloned().collect();
    let mut found = Vec::new();
    for name in both {
        let (Some(old), Some(new)) = (before.remove(&name), after.remove(&name)) else { continue };
        let changes = changes(&old.items, &new.items);
        if !changes.is_empty() {
            found.push(change(name, JourneyKind::Changed, Some(&old), Some(&new), changes));
        }
    }
    for (name, new) in after {
        let same = before.iter().find(|(_, old)| old.items == new.items).map(|(from, _)| from.clone());
        found.push(match same {
            Some(from) => {
                let old = before.remove(&from);
                change(name, JourneyKind::Renamed { from }, old.as_ref(), Some(&new), Vec::new())
            }
            None => change(name, JourneyKind::Added, None, Some(&new), changes(&[], &new.items)),
        });
    }
    for (name, old) in before {
        found.push(change(name, JourneyKind::Removed, Some(&old), None, changes(&old.items, &[])));
    }
    for journey in &mut found {
        journey.pressure = pressure(&journey.name);
        if let JourneyKind::Renamed { from } = &journey.kind {
            journey.pressure.0 = pressure(from).0;
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn change(
    name: String,
    kind: JourneyKind,
    old: Option<&Outline>,
    new: Option<&Outline>,
    changes: Vec<Change>,
) -> JourneyChange {
    let most = |outline: Option<&Outline>| outline.map(|outline| outline.most_messages.all);
    let weeks = |outline: Option<&Outline>| outline.map(|outline| outline.most_messages.weeks()).unwrap_or_default();
    let who = |item: &&Item| matches!(item.kind, SyntaxKind::TriggerClause | SyntaxKind::WhereClause);
    let items = new.or(old).map(|outline| outline.items.as_slice()).unwrap_or_default();
    JourneyChange {
        name,
        kind,
        who: items.iter().filter(who).map(|item| item.line.text.clone()).collect(),
        most_messages: (most(old), most(new)),
        weeks: (weeks(old), weeks(new)),
        pressure: (None, None),
        changes,
    }
}

/// The changes from one list to the other, by subject.
fn changes(old: &[Item], new: &[Item]) -> Vec<Change> {
    let key = |item: &Item| (item.kind, item.line.path.clone(), item.line.text.clone());
    let keys = |items: &[Item]| items.iter().map(key).collect::<Vec<_>>();
    let mut gone = Vec::new();
    let mut come = Vec::new();
    let mut found = Vec::new();
    for op in capture_diff_slices(Algorithm::Myers, &keys(old), &keys(new)) {
        let (old, new) = (old.get(op.old_range()).unwrap_or_default(), new.get(op.new_range()).unwrap_or_default());
        match op {
            DiffOp::Equal { .. } => {
                // The same step, at another time.
                let moved = old
                    .iter()
                    .zip(new)
                    .filter(|(old, new)| old.line.when != new.line.when && matches!(old.subject, Subject::Message));
                found.extend(moved.map(|(old, new)| both(old, new)));
            }
            DiffOp::Delete { .. } => gone.extend(old),
            DiffOp::Insert { .. } => come.extend(new),
            DiffOp::Replace { .. } => {
                let mut rest: Vec<&Item> = new.iter().collect();
                for old in old {
                    // A statement that says something else in the same place.
                    let same = |new: &&Item| new.kind == old.kind && new.line.path == old.line.path;
                    match rest.iter().position(same) {
                        Some(at) => found.push(both(old, rest.remove(at))),
                        None => gone.push(old),
                    }
                }
                come.extend(rest);
            }
        }
    }
    // What went here and came there was moved.
    for old in gone {
        let same = |new: &&Item| new.kind == old.kind && new.line.text == old.line.text;
        match come.iter().position(same) {
            Some(at) => found.push(both(old, come.remove(at))),
            None => found.push(Change { subject: old.subject, before: Some(old.line.clone()), after: None }),
        }
    }
    found.extend(come.iter().map(|new| Change { subject: new.subject, before: None, after: Some(new.line.clone()) }));
    let rank = |subject| Subject::ALL.iter().position(|other| *other == subject);
    // In the order of the new version; what is gone stands where it was.
    let place = |change: &Change| {
        let at = |items: &[Item], line: &Option<super::Line>| {
            items.iter().position(|item| Some(&item.line) == line.as_ref())
        };
        at(new, &change.after).or_else(|| at(old, &change.before))
    };
    found.sort_by_cached_key(|change| (rank(change.subject), place(change)));
    found
}

fn both(old: &Item, new: &Item) -> Change {
    Change { subject: new.subject, before: Some(old.line.clone()), after: Some(new.line.clone()) }
}
