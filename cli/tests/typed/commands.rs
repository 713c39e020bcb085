//! The commands as people type them.

use std::io::Read;
use std::process::Stdio;

use super::support::Sandbox;

const CLEAN: &str = "journey welcome {\n  on created\n  reenter never\n  wait 2d\n  end\n}\n";

#[test]
fn help_of_every_command() {
    let here = Sandbox::new();
    let commands = [
        "",
        "new",
        "check",
        "fmt",
        "diff",
        "build",
        "run",
        "test",
        "serve",
        "graph",
        "lsp",
        "explain",
        "grammar",
        "init",
        "completions",
        "man",
    ];
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

#[test]
fn a_text_on_stdin_stands_for_its_file() {
    let here = Sandbox::new();
    here.write("shop/journey.toml", "[project]\nname = \"shop\"\ntimezone = \"UTC\"\n")
        .write("shop/declarations.journey", "contact { email: email }\ntags { lead }\n")
        .write("shop/a.journey", CLEAN);
    let draft = "journey welcome {\n  on tag leed\n  reenter never\n  wait 2d\n}\n";
    let all = [
        here.journey_with(&["check", "-"], "on tag X wait 2d send sms \"Hi\""),
        here.journey_with(&["check", "-", "--stdin-filename", "shop/a.journey", "--output-format", "concise"], draft),
        here.journey_with(&["check", "-", "--stdin-filename", "shop/new.journey", "--output-format", "concise"], draft),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn colours_and_lines_are_what_the_terminal_can_show() {
    let here = Sandbox::new();
    here.write("x.journey", "on tag X wait 2d if opened {");
    let check = |args: &[&str], variables: &[(&str, &str)]| {
        let output = here.command(&[&["check", "x.journey"], args].concat()).envs(variables.iter().copied()).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let is_coloured = |text: &str| text.contains('\u{1b}');
    assert!(!is_coloured(&check(&[], &[])), "not into a pipe");
    assert!(is_coloured(&check(&["--color", "always"], &[("NO_COLOR", "1")])), "the option wins");
    assert!(is_coloured(&check(&[], &[("FORCE_COLOR", "1")])));
    assert!(!is_coloured(&check(&[], &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")])));
    assert!(!is_coloured(&check(&["--color", "never"], &[("FORCE_COLOR", "1")])));
    assert!(check(&[], &[]).contains('╭'));
    assert!(check(&[], &[("LC_ALL", "C")]).is_ascii(), "{}", check(&[], &[("LC_ALL", "C")]));
}

#[test]
#[cfg(unix)]
fn links_are_followed_and_those_that_lead_nowhere_left_out() {
    let here = Sandbox::new();
    here.write("elsewhere/shared.journey", CLEAN).write("shop/a.journey", CLEAN);
    let link = |to: &str, from: &str| std::os::unix::fs::symlink(here.path(to), here.path(from)).unwrap();
    link("elsewhere", "shop/elsewhere");
    link("nowhere.journey", "shop/gone.journey");
    link("shop", "shop/again");
    let output = here.journey(&["check", "shop", "--output-format", "json"]);
    assert!(output.contains("\"files\": 2"), "{output}");
}

#[test]
fn what_a_code_means() {
    let here = Sandbox::new();
    let named = here.journey(&["explain", "unknown-tag"]);
    assert!(named.contains("J0201") && named.ends_with("--- exit 0\n"), "{named}");
    let page = |shown: &str| shown.split_once('\n').unwrap().1.to_owned();
    assert_eq!(page(&here.journey(&["explain", "j0201"])), page(&named));
    let all = here.journey(&["explain"]);
    assert!(all.lines().count() > 20 && all.contains("J0201 unknown-tag"), "{all}");
}
