//! The fuzz targets over mutations of everything in the language that lies about here: a smoke run of `cargo xtask fuzz`
//! that every build can afford. `JOURNEY_FUZZ_CASES=1000000` makes it a longer one.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is a failing test"
)]

#[path = "../../fuzz/src/targets.rs"]
mod targets;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use journey_compiler::project::{File, Project};
use journey_tests::random::Random;
use journey_tests::root;

/// How many mutations each target gets in a plain run.
const CASES: u64 = 1_500;

fn cases() -> u64 {
    std::env::var("JOURNEY_FUZZ_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(CASES)
}

/// Every `.journey` file below a folder.
fn collect(folder: &Path, texts: &mut Vec<String>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "journey") {
            texts.push(fs::read_to_string(&path).unwrap());
        }
    }
}

fn corpus() -> Vec<String> {
    let mut texts = Vec::new();
    for folder in ["examples", "grammar/tests/fixtures", "grammar/tests/broken", "tests/pains"] {
        collect(&root().join(folder), &mut texts);
    }
    assert!(texts.len() > 50, "the corpus is gone");
    texts
}

/// The text with some words of it, or of another, taken out, doubled, put elsewhere or cut in two.
fn mutate(texts: &[String], random: &mut Random) -> String {
    let parts =
        |text: &str| -> Vec<String> { text.split_inclusive([' ', '\n', '{', '}', '"']).map(str::to_owned).collect() };
    let mut words = parts(&texts[random.below(texts.len())]);
    let others = parts(&texts[random.below(texts.len())]);
    // A piece of a long text: most of the work would be in what did not change.
    let begin = random.below(words.len());
    let length = 1 + random.below(120);
    words = words.into_iter().skip(begin).take(length).collect();
    for _ in 0..=random.below(4) {
        let at = random.below(words.len());
        match random.below(6) {
            0 if !words.is_empty() => drop(words.remove(at)),
            1 if !words.is_empty() => words.insert(at, words[at].clone()),
            2 if !others.is_empty() => words.insert(at, others[random.below(others.len())].clone()),
            3 => {
                let other = random.below(words.len());
                if !words.is_empty() {
                    words.swap(at, other);
                }
            }
            4 if !words.is_empty() => {
                let cut: Vec<char> = words[at].chars().collect();
                words[at] = cut.iter().take(random.below(cut.len())).collect();
            }
            _ => words.insert(
                at,
                ["\u{0}", "ä", "🦀", "\r", "\"", "99999999999999999999", "{", "9y9mo"][random.below(8)].to_owned(),
            ),
        }
    }
    words.concat()
}

/// Calls the target with each text; says which one broke it.
fn over_mutations(target: fn(&str), salt: u64) {
    let texts = corpus();
    for text in &texts {
        assert!(catch_unwind(|| target(text)).is_ok(), "breaks on a file of ours:\n{text}");
    }
    for seed in 0..cases() {
        let text = mutate(&texts, &mut Random::new(seed.wrapping_mul(2) ^ salt));
        assert!(catch_unwind(|| target(&text)).is_ok(), "seed {seed} breaks it: {text:?}");
    }
}

#[test]
fn parser() {
    over_mutations(targets::parser, 1);
}

#[test]
fn formatter() {
    over_mutations(targets::formatter, 2);
}

#[test]
fn checker() {
    over_mutations(targets::checker, 3);
}

/// Bytes of programs with some of them changed: most are refused, and what is let pass runs without harm.
#[test]
fn verifier() {
    let mut programs = Vec::new();
    for text in corpus() {
        let file = File { path: "it.journey".to_owned(), bytes: text.into_bytes().into() };
        let compilation = journey_compiler::compile(&Project { files: vec![file], lone: true });
        programs.extend(compilation.bundle.into_iter().flat_map(|bundle| bundle.programs));
    }
    let programs: Vec<Vec<u8>> = programs.iter().map(|program| postcard::to_stdvec(program).unwrap()).collect();
    assert!(programs.len() > 5, "only {} programs", programs.len());
    for seed in 0..cases() * 4 {
        let mut random = Random::new(seed.wrapping_mul(2) ^ 4);
        let mut bytes = programs[random.below(programs.len())].clone();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] = bytes[at].wrapping_add(1),
                1 => bytes[at] = bytes[at].wrapping_sub(1),
                2 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
                _ => drop(bytes.remove(at)),
            }
        }
        assert!(catch_unwind(|| targets::verifier(&bytes)).is_ok(), "seed {seed} breaks it: {bytes:?}");
    }
}
