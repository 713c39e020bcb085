//! `journey check` with all that it can be told: formats, baselines, changed files, fixes.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::support::Sandbox;

const SETTINGS: &str = "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n";
const DECLARATIONS: &str = "contact { email: email }\ntags { lead customer }\n";
const CLEAN: &str = "journey welcome {\n  on tag lead\n  reenter never\n  wait 2d\n  end\n}\n";
const SLIPS: &str = "journey nurture {\n  on tag leed\n  wait 2d\n  add tag custommer\n  end\n}\n";

/// A project with a file of every kind: errors with fixes, a warning, nothing.
fn shop() -> Sandbox {
    let here = Sandbox::new();
    here.write("shop/journey.toml", SETTINGS)
        .write("shop/declarations.journey", DECLARATIONS)
        .write("shop/journeys/nurture, 100%.journey", SLIPS)
        .write("shop/journeys/welcome.journey", CLEAN);
    here
}

#[test]
fn every_format_for_one_project() {
    let here = shop();
    for format in ["human", "concise", "json", "jsonl", "sarif", "github", "gitlab", "junit"] {
        let shown = here.journey(&["check", "shop", "--output-format", format]);
        insta::assert_snapshot!(format!("format_{format}"), stable(&shown));
    }
}

/// Pages of findings are told elsewhere, and change for their own reasons.
fn stable(shown: &str) -> String {
    let page = |line: &&str| !["\"text\": \"# J", "\"markdown\": \"# J"].iter().any(|key| line.trim().starts_with(key));
    shown.lines().filter(page).map(|line| format!("{line}\n")).collect()
}

#[test]
fn several_formats_at_once() {
    let here = shop();
    let shown = here.journey(&[
        "check",
        "shop",
        "--output-format",
        "concise",
        "--output-format",
        "json=report.json",
        "--output-format",
        "human=report.txt",
    ]);
    insta::assert_snapshot!(shown);
    let report: Value = serde_json::from_slice(&fs::read(here.path("report.json")).unwrap()).unwrap();
    assert_eq!(report["summary"]["errors"], 2);
    let text = fs::read_to_string(here.path("report.txt")).unwrap();
    assert!(text.contains("custommer") && !text.contains('\u{1b}'), "{text}");
    let wrong = [
        here.journey(&["check", "shop", "--output-format", "xml"]),
        here.journey(&["check", "shop", "--output-format", "json="]),
        here.journey(&["check", "shop", "--output-format", "json=no/such/place"]),
    ];
    insta::assert_snapshot!("wrong_outputs", wrong.join("\n"));
}

#[test]
fn exit_codes_follow_the_level() {
    let here = Sandbox::new();
    here.write("journey.toml", SETTINGS)
        .write("declarations.journey", DECLARATIONS)
        .write("a.journey", CLEAN.replace("  reenter never\n", ""));
    let exit = |args: &[&str]| {
        here.command(&[&["check", "--output-format", "concise"], args].concat()).output().unwrap().status.code()
    };
    assert_eq!(exit(&[]), Some(0), "only a warning");
    assert_eq!(exit(&["--fail-level", "warning"]), Some(1));
    assert_eq!(exit(&["--fail-level", "hint"]), Some(1));
    assert_eq!(exit(&["--fail-level", "warning", "--exit-zero"]), Some(0));
    here.write("a.journey", SLIPS);
    assert_eq!(exit(&[]), Some(1));
    assert_eq!(exit(&["--exit-zero"]), Some(0));
    assert_eq!(exit(&["--exit-zero", "missing.journey"]), Some(2), "no work was done");
    insta::assert_snapshot!(here.journey(&["check", "--output-format", "concise", "--statistics"]));
}

#[test]
fn what_is_known_is_left_out() {
    let here = Sandbox::new();
    let open = CLEAN.replace("  reenter never\n", "");
    here.write("journey.toml", SETTINGS).write("declarations.journey", DECLARATIONS).write("a.journey", &open);
    let check = |args: &[&str]| {
        here.journey(&[&["check", "--output-format", "concise", "--fail-level", "warning"], args].concat())
    };
    let mut all = vec![check(&[]), check(&["--write-baseline", "known.json"])];
    all.push(fs::read_to_string(here.path("known.json")).unwrap());
    all.push(check(&["--baseline", "known.json"]));
    here.write("a.journey", format!("// moved\n\n{open}")).write("b.journey", open.replace("welcome", "again"));
    all.push(check(&["--baseline", "known.json"]));
    here.write("a.journey", CLEAN).write("b.journey", SLIPS);
    all.push(check(&["--baseline", "known.json"]));
    all.push(check(&["--write-baseline", "known.json"]));
    all.push(check(&["--baseline", "missing.json"]));
    here.write("known.json", "{}");
    all.push(check(&["--baseline", "known.json"]));
    insta::assert_snapshot!(all.join("\n"));
}

pub(crate) fn git(here: &Sandbox, args: &[&str]) {
    let config = ["-c", "user.name=Ada", "-c", "user.email=ada@moosbett.example", "-c", "init.defaultBranch=main"];
    let output = Command::new("git").args(config).args(args).current_dir(here.path("")).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn only_what_changed() {
    let here = shop();
    let open = CLEAN.replace("  reenter never\n", "");
    here.write("shop/journeys/old.journey", open.replace("welcome", "old"))
        .write("shop/journeys/nurture, 100%.journey", CLEAN.replace("welcome", "nurture"))
        .write("other/journey.toml", SETTINGS)
        .write("other/declarations.journey", DECLARATIONS)
        .write("other/a.journey", SLIPS);
    git(&here, &["init", "--quiet"]);
    git(&here, &["add", "."]);
    git(&here, &["commit", "--quiet", "-m", "all"]);
    let check = |args: &[&str]| here.journey(&[&["check", "--output-format", "concise"], args].concat());
    let mut all = vec![check(&["--since", "HEAD"])];
    git(&here, &["switch", "--quiet", "-c", "topic"]);
    here.write("shop/journeys/welcome.journey", &open);
    all.push(check(&["--since", "main"]));
    git(&here, &["commit", "--quiet", "-a", "-m", "open"]);
    here.write("shop/journeys/new.journey", open.replace("welcome", "new"));
    all.push(check(&["--since", "main"]));
    // A tag goes: the journeys that use it did not change, and do not compile any more.
    here.write("shop/declarations.journey", "contact { email: email }\ntags { customer }\n");
    all.push(check(&["--since", "main"]));
    all.push(check(&["--since", "nowhere"]));
    all.push(check(&["--since", "--all"]));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn outside_of_a_repository_nothing_changed() {
    let here = shop();
    let shown =
        here.command(&["check", "--since", "main"]).env("GIT_CEILING_DIRECTORIES", here.path("")).output().unwrap();
    assert_eq!(shown.status.code(), Some(2));
    assert!(String::from_utf8(shown.stderr).unwrap().contains("git finds no repository here"));
}

#[test]
fn fixes_are_shown_and_taken() {
    let here = shop();
    let file = "shop/journeys/nurture, 100%.journey";
    let mut all = vec![here.journey(&["check", "shop", "--diff"])];
    assert_eq!(fs::read_to_string(here.path(file)).unwrap(), SLIPS, "nothing changed");
    all.push(here.journey(&["check", "shop", "--fix", "--output-format", "concise"]));
    all.push(fs::read_to_string(here.path(file)).unwrap());
    all.push(here.journey(&["check", "shop", "--fix", "--output-format", "concise"]));
    all.push(here.journey(&["check", "shop", "--diff"]));
    all.push(here.journey_with(&["check", "-", "--fix"], SLIPS));
    all.push(here.journey_with(&["check", "-", "--diff", "--stdin-filename", "shop/journeys/x.journey"], SLIPS));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn what_was_checked_is_remembered_and_nothing_else() {
    let here = shop();
    let check = |args: &[&str]| here.journey(&[&["check", "--output-format", "concise"], args].concat());
    let first = check(&["shop"]);
    let cache = || fs::read_dir(here.cache()).map_or(0, Iterator::count);
    assert_eq!(cache(), 1, "one project");
    assert_eq!(check(&["shop"]), first);
    here.write("shop/journeys/nurture, 100%.journey", CLEAN.replace("welcome", "nurture"));
    assert!(check(&["shop"]).ends_with("--- exit 0\n"), "another content is checked anew");
    here.write("shop/journeys/nurture, 100%.journey", SLIPS);
    for entry in fs::read_dir(here.cache()).unwrap() {
        fs::write(entry.unwrap().path(), "no cache at all").unwrap();
    }
    assert_eq!(check(&["shop"]), first, "a broken cache is none");
    assert_eq!(check(&["shop", "--no-cache"]).replace(" --no-cache", ""), first);
    fs::remove_dir_all(here.cache()).unwrap();
    fs::write(here.cache(), "not a directory").unwrap();
    assert_eq!(check(&["shop"]), first, "where nothing can be remembered, all works");
}

#[test]
fn many_named_files_of_one_project_are_read_once() {
    let here = shop();
    let mut args = vec!["check".to_owned(), "--output-format".to_owned(), "json".to_owned()];
    for n in 0..300 {
        let path = format!("shop/journeys/j{n}.journey");
        here.write(&path, CLEAN.replace("welcome", &format!("j{n}")));
        args.push(path);
    }
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let output = here.command(&args).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["summary"]["files"], 304);
    let shown = here.journey(&["check", "--output-format", "concise", "shop/**/j1?.journey"]);
    assert_eq!(shown.lines().filter(|line| line.contains("error")).count(), 2, "{shown}");
}
