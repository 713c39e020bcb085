//! `// journey: allow(NAME) -- REASON`: a finding that somebody looked at and lets pass, in the step or item that follows.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use journey_grammar::{SyntaxKind, Token, Tree};

use crate::config::LintConfig;
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Level, Severity, Span, quote};
use crate::project::FileId;
use crate::sources::JourneyFile;

/// How to write one.
const FORM: &str = "write `// journey: allow(no-reenter) -- why it is right here`";

/// A finding that is let pass.
struct Allow {
    code: Code,
    /// Its name in the comment.
    at: Span,
    /// The whole comment.
    comment: Span,
    /// Where it counts.
    scope: Span,
    used: bool,
}

/// Lets findings pass where comments say so, and tells what is wrong with those comments.
pub(crate) fn apply(files: &[Arc<JourneyFile>], config: &LintConfig, diagnostics: &mut Vec<Diagnostic>) {
    let mut found = Vec::new();
    let mut allows: Vec<Allow> = Vec::new();
    for file in files {
        // Few files have any.
        if file.tree.text().contains("journey:") {
            let comments = file.tree.tokens().filter(|token| token.kind() == SyntaxKind::Comment);
            comments.for_each(|comment| read(file, comment, &mut allows, &mut found));
        }
    }
    if allows.is_empty() {
        diagnostics.append(&mut found);
        return;
    }
    let mut by_code: BTreeMap<(Code, FileId), Vec<usize>> = BTreeMap::new();
    let mut in_comment: BTreeMap<Span, usize> = BTreeMap::new();
    for (n, allow) in allows.iter().enumerate() {
        by_code.entry((allow.code, allow.scope.file)).or_default().push(n);
        *in_comment.entry(allow.comment).or_default() += 1;
    }
    diagnostics.retain(|d| {
        let mut passed = false;
        for n in by_code.get(&(d.code, d.primary.span.file)).into_iter().flatten() {
            if let Some(allow) = allows.get_mut(*n).filter(|allow| holds(allow.scope, d.primary.span)) {
                allow.used = true;
                passed = true;
            }
        }
        !passed
    });
    // Where something is wrong, not everything was looked for.
    let sound = diagnostics.iter().all(|d| d.severity != Severity::Error);
    let unused = allows.iter().filter(|allow| sound && !allow.used && config.level(allow.code) != Level::Off);
    found.extend(unused.map(|allow| {
        let message = format!("`{}` is allowed here, and is not found here", allow.code.name());
        let found = Diagnostic::new(Code::UnusedAllow, allow.at, message).label("lets nothing pass");
        if in_comment.get(&allow.comment) == Some(&1) {
            let edit = Edit { span: allow.comment, text: String::new() };
            found.fix("Remove the comment", Applicability::Safe, vec![edit])
        } else {
            found.help(format!("leave out `{}`", allow.code.name()))
        }
    }));
    diagnostics.append(&mut found);
}

fn holds(scope: Span, span: Span) -> bool {
    scope.start <= span.start && span.start <= scope.end
}

fn read(file: &JourneyFile, comment: Token<'_>, allows: &mut Vec<Allow>, found: &mut Vec<Diagnostic>) {
    let text = comment.text();
    let Some(said) = text.trim_start_matches('/').trim_start().strip_prefix("journey:") else { return };
    let start = comment.range().start as usize;
    let place = |part: &str| {
        // `part` is a piece of the comment.
        let at = start + (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        Span::new(file.file, file.tree.text(), at..at + part.len())
    };
    let whole = place(text.trim_end());
    let names = said.trim_start().strip_prefix("allow").map(str::trim_start).and_then(|rest| rest.strip_prefix('('));
    let Some((names, rest)) = names.and_then(|rest| rest.split_once(')')) else {
        let message = "a comment that begins with `journey:` is for the checker, which cannot read this one";
        found.push(Diagnostic::new(Code::BadAllow, whole, message).help(FORM));
        return;
    };
    let reason = rest.trim().strip_prefix("--").map(str::trim).unwrap_or_default();
    if reason.is_empty() {
        let message = "this `allow` gives no reason, so it allows nothing";
        let d = Diagnostic::new(Code::AllowWithoutReason, whole, message).label("why is it right here?");
        let names = names.trim();
        let help = match names.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ',' | ' ')) {
            true if !names.is_empty() => FORM.replace("no-reenter", names),
            _ => FORM.to_owned(),
        };
        found.push(d.note("Whoever reads it next year must know whether it still holds.").help(help));
        return;
    }
    let scope = scope(&file.tree, comment);
    for name in names.split(',').map(str::trim) {
        let at = place(name);
        match Code::parse(name) {
            Some(code) if code.is_lint() => {
                let scope = Span::new(file.file, file.tree.text(), scope.clone());
                allows.push(Allow { code, at, comment: whole, scope, used: false });
            }
            Some(_) => {
                let message = format!("`{name}` is an error, which cannot be allowed");
                found.push(Diagnostic::new(Code::AllowOfError, at, message).help("mend what it says"));
            }
            None => {
                let names = Code::ALL.iter().filter(|code| code.is_lint()).map(|code| code.name());
                let d = Diagnostic::new(Code::UnknownLint, at, format!("there is no finding {}", quote(name)));
                found.push(d.suggest(name, names).help("`journey explain` lists all findings"));
            }
        }
    }
}

/// Where the comment counts: in the largest piece of source that begins behind it, or on its line before it.
fn scope(tree: &Tree, comment: Token<'_>) -> Range<usize> {
    let before = std::iter::successors(comment.previous(), |token| token.previous());
    let line = before.take_while(|token| token.kind() != SyntaxKind::Whitespace || !token.text().contains('\n'));
    let on_line = line.filter(|token| !token.kind().is_trivia()).last();
    let after = std::iter::successors(comment.next(), |token| token.next()).find(|token| !token.kind().is_trivia());
    let Some(first) = on_line.or(after) else { return 0..0 };
    let begin = first.range().start;
    let root = tree.root();
    let nodes = first.parent().ancestors().take_while(|node| *node != root && node.range().start == begin);
    let range = nodes.last().map_or(first.range(), |node| node.range());
    range.start as usize..range.end as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scoped(text: &str) -> Vec<String> {
        let tree = journey_grammar::parse(text).tree;
        let comments: Vec<_> = tree.tokens().filter(|token| token.kind() == SyntaxKind::Comment).collect();
        comments.into_iter().map(|comment| text[scope(&tree, comment)].to_owned()).collect()
    }

    #[test]
    fn a_comment_counts_in_what_follows_it() {
        assert_eq!(scoped("// a\ntags { lead }\n"), ["tags { lead }"]);
        assert_eq!(scoped("tags {\n  // a\n  lead\n  vip // b\n}\n"), ["lead", "vip"]);
        let journey = "journey a {\n  // a\n  on created\n  // b\n  if member { // c\n    wait 1d // d\n  }\n}\n";
        let choice = "if member { // c\n    wait 1d // d\n  }";
        assert_eq!(scoped(journey), ["on created", choice, choice, "wait 1d"]);
        assert_eq!(scoped("tags { lead }\n// nothing\n"), [""]);
    }

    #[test]
    fn comments_are_read() {
        let text = "// journey: allow(no-reenter, J1001, no-such) -- asked\ntags { lead }\n// journey: alow\n";
        let parse = journey_grammar::parse(text);
        let file = JourneyFile {
            file: FileId(0),
            tree: parse.tree,
            lowered: crate::hir::Lowered::default(),
            bodies: Vec::new(),
        };
        let mut found = vec![Diagnostic::new(Code::NoReenter, Span::new(FileId(0), text, 60..61), "said")];
        apply(&[Arc::new(file)], &LintConfig::default(), &mut found);
        let codes: Vec<_> = found.iter().map(|d| (d.code, &text[d.primary.span.range()])).collect();
        let expected =
            [(Code::UnknownLint, "no-such"), (Code::BadAllow, "// journey: alow"), (Code::UnusedAllow, "J1001")];
        assert_eq!(codes, expected);
    }
}
