//! What would change in a file, as a unified diff.

use similar::{ChangeTag, TextDiff};

use super::plain;
use crate::terminal::{BOLD, CYAN, GREEN, RED};

/// Lines shown around a change.
const CONTEXT: usize = 3;

/// The changes of one file; empty if there are none. Without colours it is a patch that `git apply` and `patch` read.
pub(crate) fn unified(name: &str, old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    let diff = TextDiff::from_lines(old, new);
    let mut out = format!("{BOLD}--- a/{name}{BOLD:#}\n{BOLD}+++ b/{name}{BOLD:#}\n");
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        out.push_str(&format!("{CYAN}{}{CYAN:#}\n", hunk.header()));
        for change in hunk.iter_changes() {
            let text = plain::text(change.value().trim_end_matches(['\n', '\r']));
            let ending = if change.value().ends_with("\r\n") { "\r" } else { "" };
            out.push_str(&match change.tag() {
                ChangeTag::Delete => format!("{RED}-{text}{RED:#}{ending}\n"),
                ChangeTag::Insert => format!("{GREEN}+{text}{GREEN:#}{ending}\n"),
                ChangeTag::Equal => format!(" {text}{ending}\n"),
            });
            if change.missing_newline() {
                out.push_str("\\ No newline at end of file\n");
            }
        }
    }
    out
}
