//! The parser against the grammar: a text parses without an error if and only if `journey.pest` accepts it, and the trees agree.
//!
//! The texts are generated from the grammar itself, mutated from those, and enumerated. `JOURNEY_ORACLE_CASES` sets how many of the
//! first two; the seed is fixed, so a failing case comes again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::string_slice, clippy::indexing_slicing)]

mod generate;
mod mutate;
mod random;
mod reference;

use generate::Generator;
use journey_grammar::{KEYWORDS, parse};
use random::Random;
use reference::{Shape, reference_shape, tree_shape};

/// Compares the two on a text; says how they differ.
fn difference(text: &str) -> Result<bool, String> {
    let parse = parse(text);
    assert_eq!(parse.tree.text(), text);
    match (reference_shape(text), parse.errors.is_empty()) {
        (Err(_), false) => Ok(false),
        (Ok(expected), true) => {
            let actual = tree_shape(&parse.tree);
            if actual == expected {
                Ok(true)
            } else {
                Err(format!(
                    "the trees differ\n--- text\n{text}\n--- grammar\n{}\n--- parser\n{}",
                    Shape::outline(&expected),
                    Shape::outline(&actual)
                ))
            }
        }
        (Ok(_), false) => Err(format!("only the grammar accepts\n--- text\n{text}\n--- parser\n{:#?}", parse.errors)),
        (Err(error), true) => Err(format!(
            "only the parser accepts\n--- text\n{text}\n--- grammar\n{error}\n--- parser\n{}",
            parse.tree.outline()
        )),
    }
}

/// Compares many texts and reports the shortest few mismatches; the share of accepted texts comes back.
fn agree(texts: impl Iterator<Item = String>) -> f64 {
    let mut cases = 0u32;
    let mut accepted = 0u32;
    let mut mismatches: Vec<(usize, String)> = Vec::new();
    for text in texts {
        cases += 1;
        match difference(&text) {
            Ok(true) => accepted += 1,
            Ok(false) => {}
            Err(mismatch) => mismatches.push((text.len(), mismatch)),
        }
    }
    mismatches.sort();
    mismatches.dedup();
    let shown: Vec<_> = mismatches.iter().take(4).map(|(_, text)| text.as_str()).collect();
    assert!(mismatches.is_empty(), "{} of {cases} cases:\n{}", mismatches.len(), shown.join("\n\n==========\n\n"));
    f64::from(accepted) / f64::from(cases)
}

fn cases() -> u64 {
    std::env::var("JOURNEY_ORACLE_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(5_000)
}

#[test]
fn fixtures() {
    for entry in std::fs::read_dir("tests/fixtures").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "journey") {
            let text = std::fs::read_to_string(&path).unwrap();
            if let Err(mismatch) = difference(&text) {
                panic!("{}: {mismatch}", path.display());
            }
        }
    }
}

/// Messages in a test that are called as what begins a line. The grammar for tree-sitter takes such a word for the line, so
/// they are no fixture.
#[test]
fn messages_called_as_a_line_begins() {
    let words = KEYWORDS.iter().map(|(word, _)| *word);
    let lines = [
        "}",
        "expect end }",
        "for ada }",
        "at 09:00 expect end }",
        "after 2d tag x }",
        "because cap }",
        "tag x }",
        "is set }",
    ];
    let texts = words.flat_map(|word| lines.map(|line| (word, line))).flat_map(|(word, line)| {
        ["send email", "skipped", "unsubscribe"]
            .map(|expected| format!("test \"t\" {{ expect {expected} {word} {line}"))
    });
    let accepted = agree(texts);
    assert!(accepted > 0.5, "only {accepted} of the names are names");
}

#[test]
fn generated() {
    let generator = Generator::new();
    let accepted = agree((0..cases()).map(|seed| generator.file(&mut Random::new(seed))));
    assert!(accepted > 0.5, "only {accepted} of the generated texts are journeys");
}

#[test]
fn mutated() {
    let generator = Generator::new();
    let accepted = agree((0..cases()).map(|seed| {
        let mut random = Random::new(seed ^ 0x5eed_0000_0000);
        let text = generator.file(&mut random);
        mutate::mutate(&text, &mut random)
    }));
    assert!(accepted > 0.02, "only {accepted} of the mutated texts are journeys");
}

/// Every word and sign of the language, and one of each other token.
fn vocabulary() -> Vec<&'static str> {
    let mut words: Vec<&str> = KEYWORDS.iter().map(|(word, _)| *word).collect();
    words.extend([
        "x",
        "EUR",
        "1",
        "45%",
        "2d",
        "09:00",
        "2026-03-01",
        "\"t\"",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ",",
        ":",
        ".",
        "?",
        "|",
        "->",
        "=",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "+",
        "-",
        "*",
        "/",
    ]);
    words
}

#[test]
fn enumerated_pairs() {
    let words = vocabulary();
    agree(words.iter().map(|word| (*word).to_owned()));
    agree(words.iter().flat_map(|first| words.iter().map(move |second| format!("{first} {second}"))));
}

/// All sequences of up to three words from a small vocabulary, put into a frame.
fn enumerate(frame: (&str, &str), words: &[&str], length: u32) {
    let count = words.len() as u64;
    agree((1..=length).flat_map(|length| {
        (0..count.pow(length)).map(move |mut number| {
            let mut text = frame.0.to_owned();
            for _ in 0..length {
                text.push(' ');
                text.push_str(words[(number % count) as usize]);
                number /= count;
            }
            text.push_str(frame.1);
            text
        })
    }));
}

#[test]
fn enumerated_conditions() {
    let words = [
        "x", "is", "not", "and", "in", "opened", "any", "of", "[", "]", "within", "2d", "last", "at", "least", "1",
        "between", "(", "-", ".", "set", "end",
    ];
    enumerate(("if", " end"), &words, 3);
}

#[test]
fn enumerated_steps() {
    let words = [
        "send", "wait", "if", "else", "end", "{", "}", "x", "opened", "up", "to", "2d", "for", "until", "on", "step",
        ":", "first",
    ];
    enumerate(("", ""), &words, 3);
}

#[test]
fn enumerated_headers() {
    let words = [
        "on", "where", "exit", "when", "tag", "x", "changes", "from", "now", "at", "09:00", "or", "per", "after", "2d",
        "goal",
    ];
    enumerate(("journey j { ", " end }"), &words, 3);
}

#[test]
fn enumerated_tests() {
    let words = [
        "expect", "no", "send", "x", "is", "after", "2d", "tag", "for", "end", "because", "has", "not", "changed",
        "set", "at",
    ];
    enumerate(("test \"t\" { ", " }"), &words, 3);
}
