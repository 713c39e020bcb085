//! What is offered compiles: at every word of the examples, each offer is written in the word's place, and the compiler
//! finds no fault with what was written.

use journey_compiler::diagnostic::Code;
use journey_ide::{CompletionKind, Snapshot, TextRange, completions};

use super::fixture::{apply, examples, with_text};

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
