//! Whether a text with templates in it makes valid JSON.

use super::{Markup, TextFile};
use crate::diagnostic::{Code, Diagnostic};

/// Puts a value in place of each `{{ .. }}` and reads the rest as JSON. A text with decisions in it may be valid in one
/// way and not in another; only what is sent can tell.
pub(super) fn check(text: &TextFile) -> Option<Diagnostic> {
    let source = text.body.piece.text();
    if text.markup != Markup::Json || source.contains("{%") || !text.body.template.findings.is_empty() {
        return None;
    }
    let filled = fill(source)?;
    let error = serde_json::from_str::<serde::de::IgnoredAny>(&filled).err()?;
    let line = error.line().saturating_sub(1);
    let start: usize = filled.split_inclusive('\n').take(line).map(str::len).sum();
    let at = (start + error.column().saturating_sub(1)).min(source.len());
    let message = error.to_string();
    let reason = message.split(" at line ").next().unwrap_or_default();
    let span = text.body.piece.span(at..at);
    Some(
        Diagnostic::new(Code::BadJson, span, format!("the {} message `{}` is not valid JSON", text.channel, text.name))
            .note(format!("The reader of JSON says: {reason}."))
            .help("texts stand in double quotes, and the last item of a list or object has no comma behind it"),
    )
}

/// The same text, as long in bytes, with a number in place of each hole: a number is valid where a value is, and inside
/// of a text as well.
fn fill(source: &str) -> Option<String> {
    let mut filled = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(open) = rest.find("{{").into_iter().chain(rest.find("{#")).min() {
        let (before, hole) = rest.split_at_checked(open)?;
        let comment = hole.starts_with("{#");
        let close = hole.find(if comment { "#}" } else { "}}" })? + 2;
        filled.push_str(before);
        filled.extend(std::iter::repeat_n(if comment { ' ' } else { '1' }, close));
        rest = hole.get(close..)?;
    }
    filled.push_str(rest);
    Some(filled)
}
