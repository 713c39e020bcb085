//! `journey check --fix` over broken projects on disk: never more errors than before, a second run changes nothing, and no
//! file is ever half-written. `JOURNEY_BROKEN=1000` makes it a thousand.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a failure is a failing test"
)]

#[path = "../../ide/tests/mend/broken.rs"]
mod broken;

use std::collections::BTreeMap;

use broken::{DECLARATIONS, SETTINGS, broken};
use journey_tests::binary;
use journey_tests::project::Project;
use serde_json::Value;

/// How many projects a plain run breaks.
const CASES: u64 = 60;

fn cases() -> u64 {
    std::env::var("JOURNEY_BROKEN").ok().and_then(|count| count.parse().ok()).unwrap_or(CASES)
}

fn name(seed: u64) -> String {
    format!("p{seed:04}")
}

/// The errors of each project.
fn errors(all: &Project) -> BTreeMap<String, usize> {
    let mut command = binary::command(["check", "--output-format", "jsonl", "--no-cache", "."]);
    let output = command.current_dir(all.path()).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
    let mut errors = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let finding: Value = serde_json::from_str(line).unwrap();
        if finding["severity"] == "error" {
            let project = finding["path"].as_str().unwrap().split('/').next().unwrap();
            *errors.entry(project.to_owned()).or_default() += 1;
        }
    }
    errors
}

/// The files of each project, by name.
fn texts(all: &Project) -> Vec<(String, Vec<(String, String)>)> {
    let of = |seed| {
        let folder = all.path().join(name(seed));
        let files = std::fs::read_dir(folder).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        });
        let mut files: Vec<_> = files.collect();
        files.sort();
        (name(seed), files)
    };
    (0..cases()).map(of).collect()
}

fn fix(all: &Project, option: &str) {
    let output = binary::command(["check", option, "."]).current_dir(all.path()).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn broken_projects_get_no_worse() {
    let all = Project::of(&[]);
    for seed in 0..cases() {
        let name = name(seed);
        all.write(&format!("{name}/journey.toml"), SETTINGS);
        all.write(&format!("{name}/declarations.journey"), DECLARATIONS);
        all.write(&format!("{name}/welcome.journey"), &broken(seed));
    }
    let mut before = errors(&all);
    let first = before.values().sum::<usize>();
    // What asks for a look comes second: there is nothing left then that does not.
    for option in ["--fix", "--unsafe-fixes"] {
        fix(&all, option);
        let (after, written) = (errors(&all), texts(&all));
        for (project, errors) in &after {
            assert!(errors <= before.get(project).unwrap_or(&0), "{project} has more errors after {option}");
        }
        for (project, files) in &written {
            let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["declarations.journey", "journey.toml", "welcome.journey"], "{project}: left behind");
        }
        fix(&all, option);
        assert_eq!(texts(&all), written, "a second {option} changes something");
        before = after;
    }
    let last = before.values().sum::<usize>();
    assert!(last < first, "{first} errors became {last}");
}
