//! What was found out about an earlier state of a project, for the next one: a journey is judged again only if it changed, or
//! what files declare to each other; one that stands behind a change in its file is known with its places moved. A test is judged
//! again if its file changed.
//!
//! What a file declares is the text of its declarations, where they stand, and the heads of its journeys. All else that stands in a
//! journey file is its own affair. Settings and messages concern everybody.

use std::sync::Arc;

use journey_bytecode::{Channel, Date, Policy, Purpose, Schema};
use journey_grammar::{SyntaxKind, alike};
use smol_str::SmolStr;

use crate::bundle::{Judged, LocalNames};
use crate::check::{SentNames, Table};
use crate::diagnostic::Diagnostic;
use crate::hir::{Item, Journey};
use crate::messages::{Sight, Vocabulary};
use crate::shift::Shift;
use crate::sources::{JourneyFile, Sources};

/// Findings and programs of an earlier state of a project.
#[derive(Clone, Default)]
pub struct Kept(Option<Arc<Judgements>>);

/// What was judged, and all that it was judged by.
pub(crate) struct Judgements {
    pub(crate) sources: Sources,
    pub(crate) lone: bool,
    pub(crate) today: Option<Date>,
    pub(crate) sent: SentNames,
    /// By file, in the order of `sources.journeys`: its journeys and tests.
    pub(crate) files: Vec<Vec<Arc<Judged>>>,
    /// What the messages are sent for.
    pub(crate) purposes: Table<(Channel, SmolStr), Purpose>,
    /// The local variables of the journeys that send them.
    pub(crate) locals: LocalNames,
    /// The declarations as messages see them.
    pub(crate) seen_by_messages: (Schema, Policy),
    /// What is wrong with the messages.
    pub(crate) of_messages: Vec<Diagnostic>,
}

/// What of it still holds.
#[derive(Clone, Copy, Default)]
pub(crate) struct Known<'k> {
    judgements: Option<&'k Judgements>,
    tests: bool,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kept").field(&self.0.is_some()).finish()
    }
}

impl Kept {
    pub(crate) fn new(judgements: Judgements) -> Self {
        Self(Some(Arc::new(judgements)))
    }

    /// What texts can speak of that are sent in the places that `sent` picks; none if nothing was judged yet.
    pub fn vocabulary(&self, sent: impl Fn(&Sight) -> bool) -> Option<Vocabulary<'_>> {
        let kept = self.0.as_deref()?;
        let (schema, policy) = &kept.seen_by_messages;
        let sights = kept.files.iter().flatten().flat_map(|judged| judged.sights()).filter(|sight| sent(sight));
        Some(Vocabulary { schema, policy, sights: sights.collect() })
    }

    /// What still holds for this state.
    pub(crate) fn known(&self, sources: &Sources, lone: bool, today: Option<Date>, sent: &SentNames) -> Known<'_> {
        let same = |kept: &&Judgements| {
            kept.lone == lone && kept.today == today && sources.same_beside(&kept.sources, declares_the_same)
        };
        let judgements = self.0.as_deref().filter(same);
        Known { judgements, tests: judgements.is_some_and(|kept| kept.sent == *sent) }
    }
}

impl<'k> Known<'k> {
    /// What is known of the journeys and tests of the journey file of this number, in order.
    pub(crate) fn judged(self, number: usize, file: &Arc<JourneyFile>) -> Vec<Option<Arc<Judged>>> {
        let kept = self.judgements.and_then(|kept| Some((kept.sources.journeys.get(number)?, kept.files.get(number)?)));
        let Some((before, judged)) = kept else { return Vec::new() };
        if Arc::ptr_eq(before, file) {
            let known = |(item, judged): (&Item, &Arc<Judged>)| {
                (self.tests || matches!(item, Item::Journey(_))).then(|| Arc::clone(judged))
            };
            return before.judged().map(|(item, _)| item).zip(judged).map(known).collect();
        }
        let (now, then) = (file.tree.text(), before.tree.text());
        let (begin, end) = alike(now.as_bytes(), then.as_bytes());
        let shift = Shift {
            file: file.file,
            from: u32::try_from(then.len() - end).unwrap_or(u32::MAX),
            by: now.len() as i64 - then.len() as i64,
        };
        let before: Vec<(&Item, &Arc<Judged>)> = before.judged().map(|(item, _)| item).zip(judged).collect();
        let items: Vec<&Item> = file.judged().map(|(item, _)| item).collect();
        let count = items.len();
        let known = items.into_iter().enumerate().map(|(n, item)| {
            let Item::Journey(journey) = item else { return None };
            if journey.loc.end as usize <= begin {
                // What stands before the first change stands where it stood.
                return before.get(n).filter(|(then, _)| *then == item).map(|(_, judged)| Arc::clone(judged));
            }
            if (journey.loc.start as usize) < now.len() - end {
                return None;
            }
            let (then, judged) = before.get((n + before.len()).checked_sub(count)?)?;
            match then {
                Item::Journey(then) if reads_the_same(journey, then, shift) => judged.shifted(shift).map(Arc::new),
                _ => None,
            }
        });
        known.collect()
    }

    /// What is wrong with the messages, if they are sent for the same as before, beside the same local variables.
    pub(crate) fn of_messages(
        self,
        purposes: &Table<(Channel, SmolStr), Purpose>,
        locals: &LocalNames,
    ) -> Option<&'k [Diagnostic]> {
        let kept = self.judgements?;
        (kept.purposes == *purposes && kept.locals == *locals).then_some(kept.of_messages.as_slice())
    }
}

/// Whether a journey reads as it did before a change in front of it.
fn reads_the_same(now: &Journey, then: &Journey, shift: Shift) -> bool {
    // What is broken may have been made so by what stands around it.
    let sound = !now.bare && !now.broken && !then.broken;
    sound
        && (shift.offset(then.loc.start), shift.offset(then.loc.end)) == (now.loc.start, now.loc.end)
        && now.doc == then.doc
}

/// Whether other files, and what is told of them, see no difference between two states of a file.
fn declares_the_same(file: &JourneyFile, before: &JourneyFile) -> bool {
    let (now, then) = (&file.lowered.file, &before.lowered.file);
    let declarations = |item: &&Item| !matches!(item, Item::Journey(_) | Item::Test(_));
    now.unsure == then.unsure
        && texts(file).eq(texts(before))
        && heads(file).eq(heads(before))
        && now.items.iter().filter(declarations).eq(then.items.iter().filter(declarations))
}

/// The declarations as they are written, and where.
fn texts(file: &JourneyFile) -> impl Iterator<Item = (u32, &str)> {
    let own = |kind| matches!(kind, SyntaxKind::Journey | SyntaxKind::BareJourney | SyntaxKind::Test);
    let nodes = file.tree.root().children().filter(move |node| !own(node.kind()));
    nodes.map(|node| {
        let range = node.range();
        let text = file.tree.text().get(range.start as usize..range.end as usize).unwrap_or_default();
        (range.start, text)
    })
}

/// The names of the journeys and their headers, which say who can start them. Where they stand matters only if others
/// hand something over to them.
fn heads(file: &JourneyFile) -> impl Iterator<Item = (Option<&SmolStr>, Vec<(u32, &str)>)> {
    file.lowered.file.items.iter().filter_map(|item| {
        let Item::Journey(journey) = item else { return None };
        let lines = journey.header.iter().map(|line| {
            let text = file.tree.text().get(line.loc.start as usize..line.loc.end as usize).unwrap_or_default();
            let called = text.strip_prefix("on").is_some_and(|rest| rest.trim_start().starts_with("call"));
            (if called { line.loc.start } else { 0 }, text)
        });
        Some((journey.name.as_ref().map(|name| &name.text), lines.collect()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::{File, Project};
    use crate::{compile_again, compile_sources};

    const DECLARATIONS: &str = "tags { lead vip }\npolicy { address \"Here 1\" }\n";

    const JOURNEYS: &str = "\
journey a {
  on tag lead
  wait 1d
}

/// The second.
journey b {
  on tag vip
  wait 2d
  wait 3d
}

journey c {
  on created
  notify \"me@b.example\" \"{{ trigger.x }}\"
}
";

    fn project(journeys: &str) -> Project {
        let file = |path: &str, text: &str| File { path: path.to_owned(), bytes: text.as_bytes().into() };
        Project { files: vec![file("a.journey", journeys), file("declarations.journey", DECLARATIONS)], lone: false }
    }

    /// Which journeys are known after one edit; the findings are those of a cold check.
    fn known(from: &str, to: &str) -> Vec<bool> {
        let sources = Sources::default().read_again(&project(JOURNEYS));
        let (_, kept) = compile_again(&project(JOURNEYS), &sources, None, &Kept::default());
        let edited = JOURNEYS.replacen(from, to, 1);
        let later = sources.read_again(&project(&edited));
        let (found, _) = compile_again(&project(&edited), &later, None, &kept);
        let cold = compile_sources(&project(&edited), &Sources::read(&project(&edited)), None);
        assert_eq!(found.diagnostics, cold.diagnostics);
        let known = kept.known(&later, false, None, &SentNames::default());
        let file = later.journeys.first().unwrap();
        let mut known: Vec<bool> = known.judged(0, file).iter().map(Option::is_some).collect();
        known.resize(3, false);
        known
    }

    #[test]
    fn only_what_changed_is_judged_again() {
        assert_eq!(known("wait 1d", "wait 1d\n  add tag vip"), [false, true, false], "the third has a text in it");
        assert_eq!(known("wait 3d", "wait 30d"), [true, false, false]);
        assert_eq!(known("The second", "The other"), [true, false, false], "what is said of it is a part of it");
        assert_eq!(known("  wait 1d\n}", "  wait 1d\n"), [false, true, false], "a brace is missing");
        assert_eq!(known("on tag lead", "on tag vip"), [false, false, false], "others must know what starts it");
    }
}
