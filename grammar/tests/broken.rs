//! Broken sources: what is reported, where, and that no error echoes another.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::string_slice, clippy::indexing_slicing)]

use journey_grammar::{SyntaxError, SyntaxErrorKind, parse};

fn describe(source: &str, error: &SyntaxError) -> String {
    let before = &source[..error.range.start as usize];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let text = &source[error.range.to_usize()];
    let what = match &error.kind {
        SyntaxErrorKind::Expected { expected, found, within } => {
            let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
            format!("expected {}, found {found:?}, within {within:?}", expected.join(" or "))
        }
        SyntaxErrorKind::Unclosed { bracket, opened } => {
            let line = source[..opened.start as usize].matches('\n').count() + 1;
            format!("{bracket:?} of line {line} is not closed")
        }
        SyntaxErrorKind::MisplacedClause { word, step } => {
            format!("clause `{word}` {}", if step.is_some() { "after a step" } else { "in a block" })
        }
        other => format!("{other:?}"),
    };
    format!("{line}:{column} {text:?}: {what}\n")
}

#[test]
fn every_broken_file_says_what_is_wrong() {
    insta::glob!("broken/*.journey", |path| {
        let source = std::fs::read_to_string(path).unwrap();
        let parse = parse(&source);
        assert_eq!(parse.tree.text(), source);
        assert!(!parse.errors.is_empty(), "{} has no error", path.display());
        let errors: String = parse.errors.iter().map(|error| describe(&source, error)).collect();
        insta::with_settings!({ description => source, omit_expression => true }, {
            insta::assert_snapshot!(errors);
        });
    });
}
