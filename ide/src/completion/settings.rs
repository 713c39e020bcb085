//! What can be written between the lines `---` at the top of a message.

use journey_compiler::messages::{AfterCrash, Channel, KEYS};
use journey_compiler::project::FileId;

use super::template::{of_symbol, plain};
use super::{Completion, CompletionKind};
use crate::names::Kind;
use crate::{Snapshot, TextRange};

/// Those that only mails have.
const OF_MAILS: [&str; 2] = ["subject", "preheader"];

/// Whether the place is between the lines of dashes.
pub(super) fn are_here(text: &str, before: &str) -> bool {
    text.starts_with("---") && before.matches("\n---").count() == 0 && before.contains('\n')
}

/// `before` is the text up to what is being written.
pub(super) fn offer(snapshot: &Snapshot, file: FileId, before: &str, replace: TextRange) -> Vec<Completion> {
    let text = snapshot.text(file);
    let line = before.rsplit('\n').next().unwrap_or_default();
    let words = |words: &[&str]| words.iter().map(|word| plain(word, CompletionKind::Constant, replace)).collect();
    match line.split_once(':').map(|(key, value)| (key.trim(), value.trim())) {
        Some((_, value)) if !value.is_empty() => Vec::new(),
        Some(("purpose", _)) => words(&["marketing", "transactional"]),
        Some(("after_crash", _)) => words(&AfterCrash::ALL.map(AfterCrash::name)),
        Some(("topic", _)) => {
            let topics = snapshot.declarations().items.keys().filter(|symbol| symbol.kind == Kind::Topic);
            topics.map(|topic| of_symbol(snapshot, topic.clone(), replace)).collect()
        }
        Some(_) => Vec::new(),
        None if !line.trim().is_empty() => Vec::new(),
        None => {
            let head = text.get(3..).and_then(|rest| rest.split("\n---").next()).unwrap_or_default();
            let given = |key: &str| head.lines().any(|line| line.split(':').next().is_some_and(|k| k.trim() == key));
            let mail = snapshot.sources().text_file(file).is_none_or(|text| text.channel == Channel::Email);
            let fits = |key: &&&str| !given(key) && (mail || !OF_MAILS.contains(key));
            let offer =
                |key: &&str| Completion { insert: format!("{key}: "), ..plain(key, CompletionKind::Setting, replace) };
            KEYS.iter().filter(fits).map(offer).collect()
        }
    }
}
