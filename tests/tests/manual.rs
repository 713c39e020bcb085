//! What the manual shows is true: its journeys check clean, and its commands do what it says.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure is a failing test")]

use std::fs;

use journey_tests::project::Project;
use journey_tests::{binary, root};

/// The code blocks of a page, with what stands behind their opening fence.
fn blocks(page: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join("docs").join(page)).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(kind), None) => open = Some((kind.to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, block))) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

/// The settings of the project that the language page speaks of.
const SETTINGS: &str = r##"
[project]
name = "manual"
timezone = "Europe/Berlin"
[notify]
sales = "sales@moosbett.example"
[notify.slack]
"#sales" = "env:SLACK_SALES"
[call.crm.grade]
url = "https://crm.example.com/hooks/grade"
answer = { grade = "enum { hot cold }", note = "text?" }
[lint]
all = "off"
"##;

/// The project that the pages' examples stand in: the first block of the language page, and the messages that it names.
fn manual_project() -> Project {
    let (_, declarations) = blocks("language.md").into_iter().find(|(kind, _)| kind == "journey").unwrap();
    let project = Project::of(&[
        ("journey.toml", SETTINGS),
        ("declarations.journey", &declarations),
        ("messages/nudge.sms.txt", "A word\n"),
    ]);
    for name in ["welcome", "story", "reminder", "offer"] {
        let text = "---\nsubject: A word\n---\n[Look](https://moosbett.example/compare)\n";
        project.write(&format!("messages/{name}.email.md"), text);
    }
    project
}

/// A journey around steps.
fn around(steps: &str) -> String {
    format!("journey example {{\n  on tag lead\n  reenter never\n  topic offers\n  send email story\n{steps}}}\n")
}

#[test]
fn every_journey_of_the_language_page_and_of_the_tasks_checks_clean() {
    let mut all = blocks("language.md");
    all.extend(blocks("tasks.md"));
    all.extend(blocks("limits.md"));
    let blocks = all.into_iter().filter(|(kind, _)| kind.starts_with("journey")).skip(1);
    let mut files = Vec::new();
    for (kind, text) in blocks {
        match kind.as_str() {
            "journey" => files.push(text),
            "journey steps" => files.push(around(&text)),
            "journey conditions" => {
                files.extend(text.lines().map(|condition| around(&format!("if {condition} add tag vip\n"))));
            }
            other => panic!("no kind of block: {other}"),
        }
    }
    assert!(files.len() > 45, "the pages lost their examples");
    let project = manual_project();
    let mut wrong = String::new();
    for journey in files {
        project.write("example.journey", &journey);
        let output =
            binary::command(["check", "--fail-level", "warning", "."]).current_dir(project.path()).output().unwrap();
        if output.status.code() != Some(0) {
            wrong.push_str(&format!("{journey}\n{}\n", String::from_utf8_lossy(&output.stdout)));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Each decided case stands with a test in the language, and each such test holds.
#[test]
fn the_decided_cases_are_as_they_say() {
    let project = manual_project();
    let cases = blocks("cases.md");
    assert!(cases.len() > 12, "the page lost its cases");
    for (kind, case) in cases {
        assert_eq!(kind, "journey");
        project.write("example.journey", &case);
        let output = binary::command(["test"]).current_dir(project.path()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(0) && told.contains(" passed"), "{case}\n{told}");
    }
}

/// The tutorial is done as it is told: its files are written, its commands are run, and their output is on the page.
///
/// `JOURNEY_TUTORIAL=write` puts today's output onto the page.
#[test]
fn the_tutorial_does_what_it_says() {
    let path = root().join("docs/tutorial.md");
    let project = Project::of(&[]);
    let page = fs::read_to_string(&path).unwrap();
    let mut told = String::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        told.push_str(line);
        told.push('\n');
        let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) else { continue };
        let mut block = String::new();
        while let Some(line) = lines.next_if(|line| *line != "```") {
            block.push_str(line);
            block.push('\n');
        }
        if let Some((_, file)) = kind.split_once("file=") {
            project.write(file, &block);
        }
        if kind == "console" {
            let (command, _) = block.split_once('\n').unwrap();
            told.push_str(&format!("{command}\n{}", output(&project, command)));
        } else {
            told.push_str(&block);
        }
    }
    if std::env::var_os("JOURNEY_TUTORIAL").is_some_and(|value| value == "write") {
        fs::write(path, told).unwrap();
    } else {
        assert!(told == page, "docs/tutorial.md should say:\n{told}");
    }
}

fn output(project: &Project, command: &str) -> String {
    let args = command.strip_prefix("$ journey ").unwrap_or_else(|| panic!("{command}")).split(' ');
    let output = binary::command(args).env("COLUMNS", "100").current_dir(project.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
