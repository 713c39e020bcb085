//! The formatter: its style in snapshots, and what must hold for any text.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::string_slice, clippy::indexing_slicing)]

#[path = "oracle/generate.rs"]
mod generate;
#[path = "oracle/mutate.rs"]
mod mutate;
#[path = "oracle/random.rs"]
mod random;

use generate::Generator;
use journey_grammar::{SyntaxKind, Tree, format, parse};
use random::Random;

/// Kinds of the nodes in preorder, and the tokens that formatting keeps: commas come and go, and so does the colon of a score's rule.
fn meaning(tree: &Tree) -> (Vec<SyntaxKind>, Vec<String>) {
    let kinds = tree.root().descendants().map(|node| node.kind()).collect();
    let tokens = tree
        .tokens()
        .filter(|token| !token.kind().is_trivia())
        .filter(|token| token.kind() != SyntaxKind::Comma)
        .filter(|token| token.kind() != SyntaxKind::Colon || token.parent().kind() != SyntaxKind::ScoreRule)
        .flat_map(|token| match token.kind() {
            SyntaxKind::EqEq => vec!["is"],
            SyntaxKind::BangEq => vec!["is", "not"],
            _ => vec![token.text()],
        })
        .map(str::to_owned)
        .collect();
    (kinds, tokens)
}

fn comments(tree: &Tree) -> Vec<String> {
    tree.tokens()
        .filter(|token| matches!(token.kind(), SyntaxKind::Comment | SyntaxKind::DocComment))
        .map(|token| token.text().trim_end().to_owned())
        .collect()
}

/// Formatting a text without errors keeps its meaning and its comments, and formatting again changes nothing.
fn check(source: &str) -> String {
    let before = parse(source);
    let formatted = format(source);
    let after = parse(&formatted);
    let show = || format!("--- source\n{source}\n--- formatted\n{formatted}");
    if before.errors.is_empty() {
        assert_eq!(after.errors, [], "{}", show());
        assert_eq!(meaning(&before.tree), meaning(&after.tree), "{}", show());
        let mut kept = (comments(&before.tree), comments(&after.tree));
        // One in the middle of a statement moves above it, perhaps past those of its own inner parts.
        kept.0.sort();
        kept.1.sort();
        assert_eq!(kept.0, kept.1, "{}", show());
        assert!(formatted.lines().all(|line| line.trim_end() == line || line.contains("//")), "{}", show());
    }
    let again = format(&formatted);
    assert_eq!(again, formatted, "not idempotent\n{}\n--- again\n{again}", show());
    formatted
}

#[test]
fn fixtures_in_the_canonical_style() {
    for pattern in ["fixtures/*.journey", "format/*.journey"] {
        insta::glob!(pattern, |path| {
            let source = std::fs::read_to_string(path).unwrap();
            insta::assert_snapshot!(check(&source));
        });
    }
}

#[test]
fn broken_items_stay_as_they_are() {
    let source =
        "journey  a {on tag x\nsend   email y}\njourney b { on   tag\n  sedn email  z }\njourney c { on tag x end }\n";
    insta::assert_snapshot!(check(source));
    for entry in std::fs::read_dir("tests/broken").unwrap() {
        check(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
    }
}

fn cases() -> u64 {
    std::env::var("JOURNEY_ORACLE_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(2_000)
}

#[test]
fn generated_texts() {
    let generator = Generator::new();
    for seed in 0..cases() {
        check(&generator.file(&mut Random::new(seed ^ 0xf0)));
    }
}

#[test]
fn damaged_texts() {
    let generator = Generator::new();
    for seed in 0..cases() {
        let mut random = Random::new(seed ^ 0xda_0000);
        let text = generator.file(&mut random);
        check(&mutate::mutate(&text, &mut random));
    }
}
