//! What other systems let through, and what is asked of us most: each a short file, with what we say of it or what
//! happens. The first line of a file says which.
#![allow(clippy::unwrap_used, reason = "a failure is a failing test")]

use std::fs;

use journey_tests::binary;
use journey_tests::project::Project;

const MAILS: [&str; 5] = ["welcome", "story", "reminder", "offer", "thanks"];

/// A project around the file, with the messages that it sends.
fn project(journey: &str) -> Project {
    let project = Project::of(&[
        ("journey.toml", "[project]\nname = \"pains\"\ntimezone = \"Europe/Berlin\"\n"),
        ("it.journey", journey),
    ]);
    for name in MAILS.iter().filter(|name| journey.contains(&format!("email {name}"))) {
        let mail = "---\nsubject: A word\n---\n[Look](https://shop.example/look)\n";
        project.write(&format!("messages/{name}.email.md"), mail);
    }
    if journey.contains("sms nudge") {
        project.write("messages/nudge.sms.txt", "A word\n");
    }
    project
}

fn output(project: &Project, arguments: &[&str]) -> String {
    let output = binary::command(arguments).current_dir(project.path()).output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

#[test]
fn each_pain_has_its_rule() {
    insta::glob!("..", "pains/*.journey", |path| {
        let journey = fs::read_to_string(path).unwrap();
        let project = project(&journey);
        let mut told = output(&project, &["check", "."]);
        if journey.contains("\ntest \"") && !told.contains("error[") {
            told += &output(&project, &["test"]);
            assert!(!told.contains("FAIL  "), "{told}");
        }
        let says = journey.lines().next().unwrap_or_default().to_owned();
        insta::with_settings!({ description => says, omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(told);
        });
    });
}
