//! Every example checks clean, is formatted, and passes its tests, also under worse conditions; and what each campaign
//! among them counts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure is a failing test")]

use std::fs;
use std::path::{Path, PathBuf};

use journey_tests::project::{Project, examples};
use journey_tests::{binary, root};

/// Runs the binary in a copy of an example; what it printed, if it failed.
fn fails(project: &Project, arguments: &[&str]) -> Option<String> {
    let output = binary::command(arguments).current_dir(project.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code() != Some(0)).then_some(text)
}

#[test]
fn every_example_checks_without_a_warning() {
    let wrong: Vec<String> = examples()
        .iter()
        .filter_map(|name| fails(&Project::example(name), &["check", "--fail-level", "warning", "."]))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_example_passes_its_tests_also_under_worse_conditions() {
    for name in examples() {
        if name == "sentence" {
            // One sentence alone in its file has no test beside it; `tests/run.rs` says what it does.
            continue;
        }
        let project = Project::example(&name);
        let output = binary::command(["test", "--adversary"]).current_dir(project.path()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}: {text}");
        assert!(text.contains(" passed, 0 failed") && text.contains("nothing broke"), "{name} has no tests: {text}");
        assert!(!text.contains("no test enters"), "{name}: {text}");
    }
}

/// The `.journey` files below a folder.
fn journeys(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            journeys(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "journey") {
            found.push(path);
        }
    }
}

#[test]
fn every_example_is_formatted() {
    let mut files = Vec::new();
    journeys(&root().join("examples"), &mut files);
    journeys(&root().join("tests/pains"), &mut files);
    for file in files {
        // The sentence stands on one line, as people say it.
        if file.ends_with("sentence/follow_up.journey") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let formatted = journey_grammar::format(&text);
        if std::env::var_os("JOURNEY_FORMAT").is_some_and(|value| value == "write") {
            fs::write(&file, formatted).unwrap();
        } else {
            assert!(formatted == text, "{} should be (JOURNEY_FORMAT=write writes it):\n{formatted}", file.display());
        }
    }
}

/// The counts of a campaign with parallel branches, fixed instants and timers measured from a decision.
#[test]
fn the_campaign_counts_as_its_source_does() {
    let project = Project::example("campaign");
    let at = |until: &str| {
        let output = binary::command(["run", "--until", until, "."]).current_dir(project.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    insta::assert_snapshot!("campaign_before_the_first_mail", at("2036-03-03 08:59"));
    insta::assert_snapshot!("campaign_after_half_have_opened", at("2036-03-03 11:59"));
    insta::assert_snapshot!("campaign_after_the_decision", at("2036-03-03 12:01"));
}
