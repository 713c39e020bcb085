//! The grammar in `editors/tree-sitter` reads all that the parser reads, and knows the words of the language. Neovim runs it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a failure is a failing test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use journey_grammar::{KEYWORDS, SyntaxKind, parse};
use journey_tests::{foreign, root};
use serde_json::Value;

/// Every `.journey` file of the project and every example in the manual, by a name that says where it is from.
fn corpus() -> BTreeMap<String, String> {
    fn walk(folder: &Path, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let shown = path.strip_prefix(root()).unwrap().to_string_lossy().replace(['/', '\\'], "+");
            if path.is_dir() {
                if !["target", "node_modules", ".git"].contains(&name.as_str()) {
                    walk(&path, found);
                }
            } else if name.ends_with(".journey") {
                found.insert(shown, fs::read_to_string(path).unwrap());
            } else if name.ends_with(".md") {
                let text = fs::read_to_string(path).unwrap();
                for (number, rest) in text.split("```journey\n").skip(1).enumerate() {
                    found.insert(format!("{shown}+{number}"), rest.split("```").next().unwrap().to_owned());
                }
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&root(), &mut found);
    found.retain(|_, text| parse(text).errors.is_empty());
    found
}

/// What the tests in a text expect of runs, each as one line.
fn expectations(text: &str) -> Vec<String> {
    let kinds = [
        SyntaxKind::ExpectSend,
        SyntaxKind::ExpectEnd,
        SyntaxKind::ExpectSkipped,
        SyntaxKind::ExpectWait,
        SyntaxKind::ExpectEffect,
    ];
    let tree = parse(text).tree;
    let expects = tree.root().descendants().filter(|node| kinds.contains(&node.kind()));
    expects.map(|node| node.text().split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn it_reads_all_that_the_parser_reads() {
    let Some(nvim) = foreign::program("nvim") else { return };
    let Some(compiler) = foreign::program("cc") else { return };
    let folder = tempfile::tempdir().unwrap();
    let source = root().join("editors/tree-sitter");
    let parser = folder.path().join("journey.so");
    let built = Command::new(compiler)
        .args(["-shared", "-fPIC", "-O0", "-o"])
        .arg(&parser)
        .arg("-I")
        .arg(source.join("src"))
        .arg(source.join("src/parser.c"))
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let texts = corpus();
    assert!(texts.len() > 100, "the walk misses the project: {}", texts.len());
    assert!(texts.contains_key("editors+tree-sitter+test+lines_of_tests.journey"), "the parser does not read it");
    let files = folder.path().join("corpus");
    fs::create_dir(&files).unwrap();
    for (name, text) in &texts {
        fs::write(files.join(name), text).unwrap();
    }

    let output = Command::new(nvim)
        .args(["--headless", "-u", "NONE", "-i", "NONE", "-n", "-S"])
        .arg(root().join("tests/tests/tree_sitter.lua"))
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .env("XDG_CACHE_HOME", folder.path())
        .env("XDG_STATE_HOME", folder.path())
        .env("PARSER", &parser)
        .env("CORPUS", &files)
        .env("QUERIES", source.join("queries"))
        .env("SHOWN", root().join("editors/vscode/test/grammar/nurture.journey"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let seen: Value = serde_json::from_slice(output.stdout.trim_ascii()).unwrap_or_else(|_| panic!("{stderr}"));
    assert_eq!(seen["errors"].as_array().map(Vec::len), Some(0), "{}", seen["errors"]);
    assert_eq!(seen["files"], texts.len());
    // Where a line of a test ends is the hardest to tell: a message may be called like what begins the next one.
    let mut lines = 0;
    for (name, text) in &texts {
        let expects = expectations(text);
        lines += expects.len();
        if !expects.is_empty() {
            assert_eq!(seen["expects"][name], serde_json::json!(expects), "{name}");
        }
    }
    assert!(lines > 100, "the walk misses the tests: {lines}");

    let mut colours = String::new();
    for capture in seen["shown"].as_array().unwrap() {
        let text = capture[2].as_str().unwrap().replace('\n', " ");
        let _ = writeln!(colours, "{}:{} {text} @{}", capture[0], capture[1], capture[3].as_str().unwrap());
    }
    insta::assert_snapshot!("tree_sitter_colours", colours);
}

/// The words that the grammar has made of itself: what stands there as a text, and the words in its patterns.
fn words_of_the_grammar() -> BTreeSet<String> {
    fn walk(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Array(list) => list.iter().for_each(|item| walk(item, found)),
            Value::Object(object) => {
                let text = object.get("value").and_then(Value::as_str).unwrap_or_default();
                let word = !text.is_empty() && text.chars().all(|character| character.is_ascii_lowercase());
                match object.get("type").and_then(Value::as_str) {
                    Some("STRING") if word => drop(found.insert(text.to_owned())),
                    // `at least` and `at most` are one token, so that `at 09:00` is another thing.
                    Some("PATTERN") if text == r"at\s+(least|most)" => {
                        found.extend(["at", "least", "most"].map(str::to_owned));
                    }
                    _ => object.values().for_each(|item| walk(item, found)),
                }
            }
            _ => {}
        }
    }
    let grammar = fs::read_to_string(root().join("editors/tree-sitter/src/grammar.json")).unwrap();
    let grammar: Value = serde_json::from_str(&grammar).unwrap();
    let mut found = BTreeSet::new();
    walk(&grammar["rules"], &mut found);
    found
}

#[test]
fn it_knows_the_words_of_the_language_and_colours_them() {
    let known: BTreeSet<String> = KEYWORDS.iter().map(|(word, _)| (*word).to_owned()).collect();
    let words = words_of_the_grammar();
    let missing: Vec<_> = known.difference(&words).collect();
    let unknown: Vec<_> = words.difference(&known).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "grammar.js misses {missing:?} and has too much {unknown:?}");

    let colours = fs::read_to_string(root().join("editors/tree-sitter/queries/highlights.scm")).unwrap();
    // Part of the token `bound`.
    let pale = words.iter().filter(|word| !["least", "most"].contains(&word.as_str()));
    let pale: Vec<_> = pale.filter(|word| !colours.contains(&format!("\"{word}\""))).collect();
    assert!(pale.is_empty(), "highlights.scm has no colour for {pale:?}");
}
