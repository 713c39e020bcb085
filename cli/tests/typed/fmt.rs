//! `journey fmt` and `journey grammar`.

use super::support::Sandbox;

const UGLY: &str = "// a comment\njourney welcome{on created\n reenter   never wait 2d\n end}\n";
const BROKEN: &str = "tags{lead}\njourney welcome {\n  on created\n    wait 2d sned email x\n}\n";

#[test]
fn files_are_laid_out_in_place() {
    let here = Sandbox::new();
    here.write("a.journey", UGLY)
        .write("b/c.journey", UGLY)
        .write("b/readme.md", "x{y")
        .write(".gitignore", "drafts/\n")
        .write("drafts/d.journey", UGLY);
    let first = here.journey(&["fmt"]);
    let text = std::fs::read_to_string(here.path("a.journey")).unwrap();
    let second = here.journey(&["fmt", "."]);
    assert_eq!(std::fs::read_to_string(here.path("b/c.journey")).unwrap(), text);
    assert_eq!(std::fs::read_to_string(here.path("drafts/d.journey")).unwrap(), UGLY, "ignored");
    let named = here.journey(&["fmt", "drafts/d.journey"]);
    insta::assert_snapshot!(format!("{first}\n{second}\n{named}\n{text}"));
    assert_eq!(here.files().len(), 5, "nothing is left behind: {:?}", here.files());
}

#[test]
fn check_and_diff_change_nothing() {
    let here = Sandbox::new();
    here.write("a.journey", UGLY).write("b.journey", "on created\nreenter never\nwait 2d\n");
    let all = [
        here.journey(&["fmt", "--check"]),
        here.journey(&["fmt", "--diff"]),
        here.journey(&["fmt", "--check", "b.journey"]),
    ];
    assert_eq!(std::fs::read_to_string(here.path("a.journey")).unwrap(), UGLY);
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_patch_can_be_applied() {
    let here = Sandbox::new();
    here.write("a.journey", UGLY).write("b.journey", "on created wait 2d");
    let patch = here.command(&["fmt", "--diff"]).output().unwrap().stdout;
    here.write("fmt.patch", patch);
    let applied = std::process::Command::new("git").args(["apply", "fmt.patch"]).current_dir(here.path("")).status();
    assert!(applied.unwrap().success());
    assert!(here.journey(&["fmt", "--check"]).ends_with("--- exit 0\n"));
}

#[test]
fn stdin_goes_to_stdout() {
    let here = Sandbox::new();
    let all = [
        here.journey_with(&["fmt", "-"], UGLY),
        here.journey_with(&["fmt", "-", "--check", "--stdin-filename", "shop/x.journey"], UGLY),
        here.journey_with(&["fmt", "-", "a.journey"], UGLY),
        here.journey(&["fmt", "--stdin-filename", "x.journey"]),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn what_cannot_be_read_stays_and_is_said() {
    let here = Sandbox::new();
    here.write("broken.journey", BROKEN).write("latin1.journey", b"// gr\xfc\xdfe\n".as_slice()).write("readme.md", "");
    let all = [
        here.journey(&["fmt", "broken.journey"]),
        std::fs::read_to_string(here.path("broken.journey")).unwrap(),
        here.journey(&["fmt"]),
        here.journey(&["fmt", "readme.md"]),
        here.journey(&["fmt", "missing.journey"]),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn patterns_name_files() {
    let here = Sandbox::new();
    here.write("shop/a/x.journey", UGLY).write("shop/b/y.journey", UGLY).write("z.journey", UGLY);
    let all = [
        here.journey(&["fmt", "--check", "shop/*/x.journey"]),
        here.journey(&["fmt", "--check", "**/*.journey"]),
        here.journey(&["fmt", "--check", "shop/*.journey"]),
        here.journey(&["fmt", "--check", "shop/[a"]),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn rules_of_the_grammar() {
    let here = Sandbox::new();
    let all = [
        here.journey(&["grammar", "tags_decl"]),
        here.journey(&["grammar", "send"]),
        here.journey(&["grammar", "snd_step"]),
    ];
    insta::assert_snapshot!(all.join("\n"));
    let whole = here.command(&["grammar"]).output().unwrap().stdout;
    assert_eq!(String::from_utf8(whole).unwrap(), include_str!("../../../grammar/journey.pest"));
}
