//! Names that are declared and used by nobody, and what the project's tests leave out.

use std::collections::{BTreeMap, BTreeSet};

use journey_bytecode::{Channel, Stimulus, TestAct, TestCase};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;

use super::Lints;
use super::cycles::Happening;
use crate::check::{Index, Named, Source, UseCounts};
use crate::diagnostic::{Code, Diagnostic, Level, Span};
use crate::hir::Item;
use crate::sources::Sources;

/// What a test lets happen, and the tags that it gives.
pub(super) fn tested(case: &TestCase, happened: &mut BTreeSet<Happening>, tags: &mut BTreeSet<SmolStr>) {
    tags.extend(case.contacts.iter().flat_map(|contact| contact.tags.iter().cloned()));
    for line in &case.lines {
        let TestAct::Happens(stimulus) = &line.act else { continue };
        let happening = match stimulus {
            Stimulus::Created => Some(Happening::Created),
            Stimulus::Tag(tag) => {
                tags.insert(tag.clone());
                Some(Happening::Tag(tag.clone()))
            }
            Stimulus::Untag(tag) => Some(Happening::Untag(tag.clone())),
            Stimulus::Event(event, _) => Some(Happening::Event(event.clone())),
            Stimulus::Subscribed(topic, _) => Some(Happening::Subscribed(Some(topic.clone()))),
            Stimulus::Moved(funnel, stage) => Some(Happening::Reaches(funnel.clone(), stage.clone())),
            Stimulus::Set(attribute, value) => {
                happened.insert(Happening::becomes(attribute, value));
                Some(Happening::Changes(attribute.clone()))
            }
            _ => None,
        };
        happened.extend(happening);
    }
}

/// What nobody uses, and what no test starts.
pub(super) fn project(
    lints: &mut Lints,
    uses: &UseCounts<'_>,
    index: &Index<'_>,
    files: &[Source<'_>],
    sources: &Sources,
) {
    let mut changed: FxHashMap<&SmolStr, u32> = FxHashMap::default();
    for tag in lints.summaries.iter().flat_map(|summary| &summary.changed_tags) {
        *changed.entry(tag).or_default() += 1;
    }
    let (mut added, mut starting) = (FxHashSet::default(), FxHashSet::default());
    let mut sent: FxHashSet<&(Channel, SmolStr)> = FxHashSet::default();
    for summary in &lints.summaries {
        added.extend(summary.adds());
        starting.extend(summary.starting_tags());
        sent.extend(summary.messages());
    }
    let told = |code| sources.config.lint.level(code) != Level::Off;
    let mut found = Vec::new();
    for (tag, span) in index.tags.iter() {
        let used = uses.count(Named::Tag, tag);
        let read = used > changed.get(tag).copied().unwrap_or_default();
        if used == 0 {
            found.push(unused(Code::UnusedTag, *span, format!("no journey uses the tag `{tag}`")));
        } else if !read {
            let message = format!("the tag `{tag}` is set, and no journey or test asks for it");
            found.push(
                Diagnostic::new(Code::TagNeverRead, *span, message)
                    .label("set only")
                    .help("ask for it, expect it in a test, or remove it and the steps that set it"),
            );
        } else if !added.contains(tag) && !lints.given_tags.contains(tag) && !starting.contains(tag) {
            let message = format!("no journey adds the tag `{tag}`, and no test gives it");
            found.push(
                Diagnostic::new(Code::TagNeverSet, *span, message)
                    .label("asked for only")
                    .note("Unless another system sets it, what asks for it never holds.")
                    .help("add it in a journey, or give it to a contact in a test, which shows that it comes from outside"),
            );
        }
    }
    for (event, info) in index.events.iter() {
        if uses.count(Named::Event, event) == 0 {
            found.push(unused(Code::UnusedEvent, info.span, format!("no journey uses the event `{event}`")));
        }
    }
    let of_messages: BTreeSet<_> = sources.messages.iter().filter_map(|m| Some(&m.topic.as_ref()?.value)).collect();
    for (topic, info) in index.topics.iter() {
        if uses.count(Named::Topic, topic) == 0 && !of_messages.contains(topic) {
            let message = format!("no journey and no message has the topic `{topic}`");
            found.push(unused(Code::UnusedTopic, info.span, message));
        }
    }
    let mut conditions: BTreeMap<String, &SmolStr> = BTreeMap::new();
    for (segment, info) in &index.segments {
        let Some(source) = files.get(info.file) else { continue };
        let span = source.text.span(info.declaration.name.loc);
        if uses.count(Named::Segment, segment) == 0 {
            found.push(unused(Code::UnusedSegment, span, format!("nothing uses the segment `{segment}`")));
        }
        let Some(Some(condition)) = index.conditions.get(segment) else { continue };
        let form = format!("{:?}", condition.clone().put_at(crate::hir::Loc::new(0, 0)).kind);
        match conditions.get(&form) {
            Some(first) => found.push(
                Diagnostic::new(
                    Code::DuplicateSegment,
                    span,
                    format!("the segment `{segment}` is the same as `{first}`"),
                )
                .label("the same contacts")
                .help(format!("use `{first}` alone")),
            ),
            None => {
                conditions.insert(form, segment);
            }
        }
    }
    for (funnel, info) in &index.funnels {
        if uses.count(Named::Funnel, funnel) == 0 {
            found.push(unused(Code::UnusedFunnel, info.span, format!("nothing uses the funnel `{funnel}`")));
        }
    }
    for (message, info) in index.messages.iter() {
        let text = info.source.and_then(|source| source.texts.first());
        let Some(at) = text.filter(|_| !sent.contains(message)).map(|text| text.head) else { continue };
        let (channel, name) = message;
        let message = format!("no journey sends `{channel} {name}`");
        found.push(
            Diagnostic::new(Code::UnusedMessage, at, message).label("never sent").help("send it, or remove its files"),
        );
    }
    let looked_at = if told(Code::Untested) { lints.summaries.as_slice() } else { &[] };
    for summary in looked_at {
        let asked = summary.triggers().any(|trigger| lints.tested.contains(trigger));
        // Tests cannot let everything happen that starts a journey.
        let can = summary.triggers().any(|trigger| {
            matches!(
                trigger,
                Happening::Created
                    | Happening::Tag(_)
                    | Happening::Untag(_)
                    | Happening::Event(_)
                    | Happening::Changes(_)
                    | Happening::Becomes(..)
            )
        });
        if can && !asked {
            let message = format!("no test starts the journey `{}`", summary.name);
            found.push(
                Diagnostic::new(Code::Untested, summary.head, message)
                    .label("untested")
                    .help("write a `test` that lets its trigger happen and expects what follows"),
            );
        }
    }
    if let (true, Some(first)) = (index.policy.caps.is_empty() && lints.marketing > 1, lints.first_mail) {
        let message = format!("{} journeys send marketing, and no cap says how much is enough", lints.marketing);
        found.push(
            Diagnostic::new(Code::NoCap, first, message)
                .label("one of them")
                .help("write `cap 3 messages per 7d` into the `policy`"),
        );
    }
    names(files, &mut found);
    lints.found.append(&mut found);
}

fn unused(code: Code, at: Span, message: String) -> Diagnostic {
    Diagnostic::new(code, at, message).label("unused").help("use it, or remove it")
}

/// Names that are written unlike the language's own.
fn names(files: &[Source<'_>], found: &mut Vec<Diagnostic>) {
    for source in files {
        for item in &source.file.items {
            let names: Vec<&crate::hir::Name> = match item {
                Item::Tags(names) => names.iter().collect(),
                Item::Event(event) => vec![&event.name],
                Item::Topic(topic) => vec![&topic.name],
                Item::Segment(segment) => vec![&segment.name],
                Item::Funnel(funnel) => vec![&funnel.name],
                Item::Contact(contact) => contact.fields.iter().map(|field| &field.name).collect(),
                Item::Journey(journey) => journey.name.iter().collect(),
                _ => Vec::new(),
            };
            for name in names.into_iter().filter(|name| name.text.contains(char::is_uppercase)) {
                let better = snake(&name.text);
                let message = format!("`{}` is not written like other names", name.text);
                found.push(
                    Diagnostic::new(Code::Naming, source.text.span(name.loc), message)
                        .label(format!("`{better}` is easier to read and to type"))
                        .help("write names in small letters, with `_` between words"),
                );
            }
        }
    }
}

/// `mattressLead`, `MattressLead` to `mattress_lead`.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut small = false;
    for c in name.chars() {
        if c.is_uppercase() && small {
            out.push('_');
        }
        small = c.is_lowercase() || c.is_numeric();
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::snake;

    #[test]
    fn names_in_small_letters() {
        assert_eq!(["mattressLead", "VIP", "Lead2Go", "a_B"].map(snake).join(" "), "mattress_lead vip lead2_go a_b");
    }
}
