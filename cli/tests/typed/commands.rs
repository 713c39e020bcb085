//! The commands as people type them.

use std::io::Read;
use std::process::Stdio;

use super::support::Sandbox;

const CLEAN: &str = "journey welcome {\n  on created\n  reenter never\n  wait 2d\n  end\n}\n";

#[test]
fn help_of_every_command() {
    let here = Sandbox::new();
    let commands = ["", "new", "check", "build", "run", "test", "serve", "graph", "lsp", "explain"];
    let all: Vec<_> = commands
        .iter()
        .map(|command| here.journey(&command.split_whitespace().chain(["--help"]).collect::<Vec<_>>()))
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn usage_errors_exit_with_2() {
    let here = Sandbox::new();
    let all: Vec<_> = [
        &["frobnicate"][..],
        &["check", "--colour", "always"],
        &["check", "--output-format", "sarif"],
        &["check", "missing.journey"],
        &["check", "--stdin-filename", "x.journey"],
        &["check", "-", "other.journey"],
        &["new"],
        &["new", "x", "--template", "nope"],
        &["explain", "J9999"],
    ]
    .iter()
    .map(|args| here.journey(args))
    .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn new_makes_a_project_and_overwrites_nothing() {
    let here = Sandbox::new();
    let made = here.journey(&["new", "welcome"]);
    let again = here.journey(&["new", "welcome"]);
    insta::assert_snapshot!(format!("{made}\n{again}\n{}", here.files().join("\n")));
    let settings = std::fs::read_to_string(here.path("welcome/journey.toml")).unwrap();
    assert!(settings.contains("name = \"welcome\""), "{settings}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let here = Sandbox::new();
    let mut child = here.command(&["explain"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
}

#[test]
fn projects_are_found_around_and_below() {
    let here = Sandbox::new();
    here.write("shop/journey.toml", "name = \"shop\"\ntimezone = \"UTC\"\n")
        .write("shop/journeys/a.journey", CLEAN)
        .write("shop/nested/journey.toml", "name = \"nested\"\ntimezone = \"UTC\"\n")
        .write("shop/nested/b.journey", CLEAN)
        .write("lone/c.journey", CLEAN)
        .write("lone/.gitignore", "drafts/\n")
        .write("lone/drafts/d.journey", CLEAN)
        .write("lone/.hidden/e.journey", CLEAN)
        .write("empty/readme.txt", "");
    // The last line says how many files were looked at.
    let files = |args: &[&str]| {
        let output = here.command(args).args(["--output-format", "json"]).output().unwrap();
        match serde_json::from_slice::<serde_json::Value>(&output.stdout) {
            Ok(report) => report["summary"]["files"].as_u64().unwrap(),
            Err(_) => panic!("{}", here.journey(args)),
        }
    };
    assert_eq!(files(&["check", "shop/journeys/a.journey"]), 2, "the project around a file");
    assert_eq!(files(&["check", "shop/journeys"]), 2, "the project around a directory");
    assert_eq!(files(&["check", "shop"]), 4, "a project and the one below it");
    assert_eq!(files(&["check", "shop/nested"]), 2, "the nearest one, not the one around it");
    assert_eq!(files(&["check", "lone"]), 1, "neither ignored nor hidden files");
    assert_eq!(files(&["check", "lone/drafts/d.journey"]), 1, "an ignored file that is named");
    assert_eq!(files(&["check", "."]), 5, "everything, each project once");
    assert_eq!(files(&["check", "shop", "shop/journeys/a.journey", "lone/c.journey"]), 5, "each once");
    insta::assert_snapshot!(
        [here.journey(&["check", "empty"]), here.journey(&["check", "empty/readme.txt"])].join("\n")
    );
}
