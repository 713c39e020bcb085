//! `journey diff`, `init`, `completions` and `man`.

use std::fs;

use super::check::git;
use super::support::Sandbox;

const SETTINGS: &str = "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n";
const DECLARATIONS: &str = "contact { email: email phone: phone? }\ntags { lead customer }\n";
const BEFORE: &str = "journey welcome {\n  on tag lead\n  reenter never\n  send sms \"Hello\" as hello\n  wait 2d\n  if has tag customer end\n  send sms \"Still there?\"\n  end\n}\n";

fn repository() -> Sandbox {
    let here = Sandbox::new();
    here.write("shop/journey.toml", SETTINGS)
        .write("shop/declarations.journey", DECLARATIONS)
        .write("shop/welcome.journey", BEFORE)
        .write("shop/nested/journey.toml", SETTINGS)
        .write("shop/nested/other.journey", BEFORE)
        .write("lone.journey", "on tag lead wait 2d send sms \"Hi\"");
    git(&here, &["init", "--quiet"]);
    git(&here, &["add", "."]);
    git(&here, &["commit", "--quiet", "-m", "before"]);
    here
}

#[test]
fn what_changes_for_people() {
    let here = repository();
    let mut all = vec![here.journey(&["diff", "HEAD", "shop"])];
    let after = BEFORE
        .replace("reenter never", "reenter after 30d\n  where phone is set")
        .replace("wait 2d", "// longer\n  wait 5d")
        .replace("  end\n}", "  send sms \"Bye\"\n  end\n}");
    here.write("shop/welcome.journey", &after)
        .write("shop/new.journey", "journey again { on untag lead reenter never wait 1d end }")
        .write("shop/declarations.journey", DECLARATIONS.replace("customer", "customer vip"))
        .write("lone.journey", "on tag lead wait 3d send sms \"Hi\"");
    for format in ["human", "json", "markdown"] {
        all.push(here.journey(&["diff", "HEAD", "shop", "--output-format", format]));
    }
    all.push(here.journey(&["diff", "HEAD", "lone.journey"]));
    git(&here, &["commit", "--quiet", "-a", "-m", "after"]);
    all.push(here.journey(&["diff", "HEAD~1", "--to", "HEAD", "shop/nested"]));
    all.push(here.journey(&["diff", "HEAD", "--to", "HEAD~1", "lone.journey"]));
    here.write("shop/welcome.journey", after.replace("wait 5d", "wiat 5d"));
    all.push(here.journey(&["diff", "HEAD", "shop"]));
    all.push(here.journey(&["diff", "nowhere", "shop"]));
    all.push(here.journey(&["diff", "HEAD", "."]));
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_project_that_is_new_is_all_new() {
    let here = repository();
    here.write("late/journey.toml", SETTINGS).write("late/a.journey", BEFORE);
    let shown = here.journey(&["diff", "HEAD", "late"]);
    assert!(shown.contains("journey welcome is new"), "{shown}");
}

#[test]
fn files_for_ci_are_written_once() {
    let here = Sandbox::new();
    let all = [
        here.journey(&["init", "--ci", "github", "--from", "acme/journey@v0.1.0"]),
        here.journey(&["init", "--ci", "github", "--from", "acme/journey@v0.1.0"]),
        here.journey(&["init", "--ci", "gitlab", "--from", "registry.acme.example/journey:0.1.0"]),
        here.journey(&["init", "--ci", "gitlab", "--from", "registry.acme.example/journey:0.1.0"]),
        here.journey(&["init", "--ci", "github", "--from", "journey"]),
        here.journey(&["init", "--ci", "github"]),
    ];
    insta::assert_snapshot!(all.join("\n"));
    let workflow = fs::read_to_string(here.path(".github/workflows/journeys.yml")).unwrap();
    assert!(workflow.contains("uses: acme/journey@v0.1.0") && !workflow.contains("{{ source"), "{workflow}");
    let job = fs::read_to_string(here.path(".gitlab-ci.yml")).unwrap();
    assert!(job.contains("name: registry.acme.example/journey:0.1.0"), "{job}");
}

#[test]
fn shells_complete_every_command() {
    let here = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = here.journey(&["completions", shell]);
        for word in ["check", "--output-format", "completions", "--statistics"] {
            let word = if shell == "fish" { word.trim_start_matches('-') } else { word };
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn the_man_page_has_every_command() {
    let here = Sandbox::new();
    let page = here.journey(&["man"]);
    for word in ["journey\\-check", "journey\\-diff", ".SH SYNOPSIS"] {
        assert!(page.contains(word), "{word}: {page}");
    }
    assert!(here.journey(&["man", "check"]).contains("fail\\-level"));
    assert!(here.journey(&["man", "chekc"]).ends_with("--- exit 2\n"));
}
