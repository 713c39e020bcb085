//! What was found out about an earlier state of a project, for the next one: a journey or a test is judged again only if its
//! file changed, or what files declare to each other; of a file that changed, not the journeys before the change.
//!
//! What a file declares is the text of its declarations, where they stand, and the heads of its journeys. All else that stands in a
//! journey file is its own affair. Settings and messages concern everybody.

use std::collections::BTreeMap;
use std::sync::Arc;

use journey_bytecode::{Channel, Date, Policy, Purpose, Schema};
use journey_grammar::{SyntaxKind, begin_alike};
use smol_str::SmolStr;

use crate::bundle::{Judged, LocalNames};
use crate::check::SentNames;
use crate::diagnostic::Diagnostic;
use crate::hir::Item;
use crate::messages::{Sight, Vocabulary};
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
    pub(crate) purposes: BTreeMap<(Channel, SmolStr), Purpose>,
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
    /// What is known of the journeys and tests of the journey file of this number, in order; the rest is not known.
    pub(crate) fn judged(self, number: usize, file: &Arc<JourneyFile>) -> Vec<Option<&'k Arc<Judged>>> {
        let kept = self.judgements.and_then(|kept| Some((kept.sources.journeys.get(number)?, kept.files.get(number)?)));
        let Some((before, judged)) = kept else { return Vec::new() };
        let untouched = Arc::ptr_eq(before, file);
        let common =
            if untouched { 0 } else { begin_alike(file.tree.text().as_bytes(), before.tree.text().as_bytes()) };
        let known = file.judged().zip(before.judged()).zip(judged).map(|((now, then), judged)| {
            let same = match now.0 {
                Item::Test(_) => untouched && self.tests,
                // What stands before the first change stands where it stood.
                Item::Journey(journey) => untouched || (journey.loc.end as usize <= common && now == then),
                _ => false,
            };
            same.then_some(judged)
        });
        known.collect()
    }

    /// What is wrong with the messages, if they are sent for the same as before, beside the same local variables.
    pub(crate) fn of_messages(
        self,
        purposes: &BTreeMap<(Channel, SmolStr), Purpose>,
        locals: &LocalNames,
    ) -> Option<&'k [Diagnostic]> {
        let kept = self.judgements?;
        (kept.purposes == *purposes && kept.locals == *locals).then_some(kept.of_messages.as_slice())
    }
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
