//! What is offered compiles: at every word of the examples, each offer is written in the word's place, and the compiler
//! finds no fault with what was written.

use journey_compiler::diagnostic::{Code, Diagnostic};
use journey_compiler::project::{CONFIG, FileId, FileKind};
use journey_grammar::{SyntaxKind, Tree};
use journey_ide::{Completion, CompletionKind, Kind, Role, Snapshot, TextRange, TokenKind, completions};
use proptest::prelude::*;
use proptest::sample::Index;

use super::fixture::{all_examples, apply, examples, with_text};

/// What would be wrong with a name or word itself; a statement that is not finished is no fault of the offer.
fn is_fault(code: Code) -> bool {
    code.name().starts_with("unknown-") || matches!(code, Code::Syntax | Code::MisspeltWord | Code::ReservedWord)
}

#[test]
fn what_is_offered_compiles() {
    let mut offers = 0;
    for snapshot in examples() {
        for file in snapshot.files().filter(|file| snapshot.tree(*file).is_some()) {
            let words: Vec<TextRange> = (snapshot.tree(file).unwrap().tokens())
                .filter(|token| token.kind().is_word())
                .map(|token| token.range())
                .collect();
            // Every word once is enough for names; what stands around them differs most where statements begin.
            for word in words.iter().step_by(5) {
                offers += check(&snapshot, file, *word);
            }
        }
    }
    assert!(offers > 500, "only {offers} offers");
}

fn check(snapshot: &Snapshot, file: journey_compiler::project::FileId, word: TextRange) -> usize {
    let text = snapshot.text(file);
    let offers = completions(snapshot, file, word.end);
    for offer in offers.iter().filter(|offer| matches!(offer.kind, CompletionKind::Name(_) | CompletionKind::Keyword)) {
        let start = offer.replace.start;
        let end = start + offer.insert.len() as u32;
        let span = journey_compiler::diagnostic::Span { file, start, end: offer.replace.end };
        let edit = journey_compiler::diagnostic::Edit { span, text: offer.insert.clone() };
        // What stood behind the word was meant for the word.
        let cut = apply(&text[..offer.replace.end as usize], &[edit]);
        let after = snapshot.later(with_text(snapshot.project(), file, cut.clone()));
        let wrong = after.compilation().diagnostics.iter().find(|d| {
            let at = d.primary.span;
            let inside = at.file == file && at.start >= start && at.end <= end && at.start < at.end;
            // That more must follow is no fault of what was written.
            inside && is_fault(d.code) && ![" is missing", "does not say"].iter().any(|more| d.message.contains(more))
        });
        if let Some(wrong) = wrong {
            panic!(
                "{:?} was offered, and then: {} {}\n{}",
                offer.label,
                wrong.code,
                wrong.message,
                &cut[cut.len().saturating_sub(200)..]
            );
        }
    }
    offers.len()
}

#[test]
fn a_test_speaks_of_those_whom_a_journey_asks_or_tells() {
    let (mut asked, mut told) = (0, 0);
    for snapshot in all_examples() {
        for file in snapshot.files() {
            let text = snapshot.text(file);
            let offered = |at: usize| completions(snapshot, file, at as u32).into_iter().map(|offer| offer.label);
            for (before, count) in [("expect ask ", &mut asked), ("expect notify ", &mut told)] {
                for (at, _) in text.match_indices(before) {
                    let names: Vec<String> = offered(at + before.len()).collect();
                    assert!(!names.is_empty() && names.iter().all(|name| name != "email"), "{before}{names:?}");
                    *count += 1;
                }
            }
        }
    }
    assert!(asked > 0 && told > 0, "{asked} {told}");
}

/// Whatever is named anywhere in the examples is among what is offered in its place.
#[test]
fn what_is_meant_is_offered() {
    let (mut asked, mut missing) = (0, Vec::new());
    for snapshot in all_examples() {
        // In settings nothing is offered: editors have their schema.
        for file in snapshot.files().filter(|file| snapshot.path(*file) != CONFIG) {
            let named = journey_ide::tokens(snapshot, file, None).into_iter().filter_map(|token| match token.kind {
                TokenKind::Name(kind) if token.role != Some(Role::Declares) => Some((kind, token.range)),
                _ => None,
            });
            for (kind, range) in named.collect::<Vec<_>>().into_iter().step_by(STEP) {
                let name = &snapshot.text(file)[range.to_usize()];
                asked += 1;
                let offers = completions(snapshot, file, range.end);
                let is_meant = |offer: &Completion| {
                    offer.label == name || kind == Kind::Part && offer.label.contains(&format!("/{name}."))
                };
                if !offers.iter().any(is_meant) {
                    let line = snapshot.text(file)[..range.start as usize].matches('\n').count() + 1;
                    missing.push(format!("{kind:?} `{name}` {}:{line}", snapshot.path(file)));
                }
            }
        }
    }
    assert!(asked > 200, "only {asked} names");
    assert!(missing.is_empty(), "{} of {asked} are not offered:\n{}", missing.len(), missing.join("\n"));
}

/// Every so many names are enough: what is offered differs by what stands around.
const STEP: usize = 3;

/// The text with an offer taken in a journey: what stood behind it in the journey was meant for another word, and goes;
/// open braces are closed, and what is declared behind the journey stays.
fn taken_in_journey(snapshot: &Snapshot, file: FileId, offer: &Completion, insert: &str) -> String {
    let (text, tree) = (snapshot.text(file), snapshot.tree(file).unwrap());
    let (start, end) = (offer.replace.start, offer.replace.end);
    let braces = |kind| tree.tokens().filter(|token| token.kind() == kind && token.range().start < start).count();
    let open = braces(SyntaxKind::LBrace).saturating_sub(braces(SyntaxKind::RBrace));
    let items = tree.root().children().map(|item| item.range());
    let rest = items.filter(|range| range.start < end).map(|range| range.end).max().unwrap_or(end).max(end);
    format!("{}{insert}{}\n{}", &text[..start as usize], " }".repeat(open), &text[rest as usize..])
}

/// What is wrong inside a piece of a file.
fn faults(snapshot: &Snapshot, file: FileId, start: u32, end: u32) -> Vec<Diagnostic> {
    let inside = |d: &&Diagnostic| {
        let at = d.primary.span;
        let here = at.file == file && at.start >= start && at.end <= end && at.start < at.end;
        // That more must follow is no fault of what was written.
        let unfinished = d.message.contains(" is missing") || d.message.ends_with("names none");
        here && !unfinished
            && (is_fault(d.code)
                || matches!(
                    d.code,
                    Code::TemplateSyntax | Code::UnsetInTemplate | Code::WrongFilter | Code::ListInText
                ))
    };
    snapshot.compilation().diagnostics.iter().filter(inside).cloned().collect()
}

/// What is wrong with one of the offers in a place after it was taken; none if nothing is offered.
fn taken(snapshot: &Snapshot, file: FileId, place: Index, chosen: Index) -> Option<Result<(), String>> {
    let text = snapshot.text(file);
    let mut offset = place.index(text.len() + 1);
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let offers = completions(snapshot, file, offset as u32);
    let offer = (!offers.is_empty()).then(|| &offers[chosen.index(offers.len())])?;
    let insert = offer.text();
    let (start, end) = (offer.replace.start, offer.replace.start + insert.len() as u32);
    let in_string = |tree: &Tree| {
        let left = tree.tokens_at(offset as u32).left;
        left.is_some_and(|left| left.kind() == SyntaxKind::String && left.range().end > offset as u32)
    };
    let after = if snapshot.tree(file).is_some_and(|tree| !in_string(tree)) {
        taken_in_journey(snapshot, file, offer, &insert)
    } else {
        format!("{}{insert}{}", &text[..start as usize], &text[offer.replace.end as usize..])
    };
    let later = snapshot.later(with_text(snapshot.project(), file, after.clone()));
    // The names in a snippet's places are for the writer to replace, behind a dot one must follow, and behind what is
    // always known a comparison. A name that its only declaration lost was there before.
    // So must more behind a word that begins a line of a test: before the end of the test a message could be called so.
    let lines = ["given", "expect", "at", "after", "for", "because", "tag", "untag", "event", "answer"];
    let begins = |word| ["now", "today", "weekday", "hour"].contains(&word) || lines.contains(&word);
    let own = text[offer.replace.start as usize..offer.replace.end as usize] == offer.label;
    let open = offer.snippet || insert.ends_with('.') || begins(offer.label.as_str()) || own;
    let wrong = faults(&later, file, start, end).into_iter().find(|d| !open || !d.code.name().starts_with("unknown-"));
    let (from, to) = (start.saturating_sub(100) as usize, (end as usize + 40).min(after.len()));
    let shown = String::from_utf8_lossy(&after.as_bytes()[from..to]);
    Some(
        wrong.map_or(Ok(()), |d| {
            Err(format!("{:?} was offered, and then {} {}\n{shown}", offer.label, d.code, d.message))
        }),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// At any place of any example, in journeys, texts and messages, any offer that is taken adds no mistake.
    #[test]
    fn what_is_offered_anywhere_compiles(project: Index, file: Index, place: Index, chosen: Index) {
        let projects = all_examples();
        let snapshot = &projects[project.index(projects.len())];
        let written: Vec<FileId> = snapshot
            .files()
            .filter(|file| snapshot.project().file(*file).is_some_and(|file| file.kind() != FileKind::Config))
            .collect();
        let file = written[file.index(written.len())];
        let taken = taken(snapshot, file, place, chosen);
        prop_assume!(taken.is_some());
        prop_assert_eq!(taken, Some(Ok(())));
    }
}
