//! `journey check --watch`: whoever saves a file sees what is wrong with it, without asking again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure is a failing test")]

use std::fs;
use std::time::Duration;

use journey_tests::binary::Running;
use journey_tests::project::Project;

const SETTINGS: &str = "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n";
const DECLARATIONS: &str = "contact { email: email }\ntags { lead customer }\n";
const CLEAN: &str = "journey welcome {\n  on tag lead\n  reenter never\n  wait 2d\n  add tag customer\n}\n";
const SLIP: &str = "journey welcome {\n  on tag leed\n  reenter never\n  wait 2d\n  add tag customer\n}\n";
const OTHER: &str = "journey other {\n  on tag customer\n  reenter never\n  wait 2d\n  add tag custommer\n}\n";

const SLIP_FOUND: &str = "journeys/welcome.journey:2:10: error[J0201 unknown-tag]";

fn watch(project: &Project) -> Running {
    Running::start([
        "check".as_ref(),
        "--watch".as_ref(),
        "--output-format=concise".as_ref(),
        project.path().as_os_str(),
    ])
}

/// Waits until so many checks are done, and gives back what all of them printed.
fn checks(running: &Running, count: usize) -> String {
    running.until(|log| log.matches("watching for changes").count() >= count)
}

#[test]
fn every_change_is_judged() {
    let project = Project::of(&[
        ("journey.toml", SETTINGS),
        ("declarations.journey", DECLARATIONS),
        ("journeys/welcome.journey", CLEAN),
    ]);
    let running = watch(&project);
    assert!(!checks(&running, 1).contains("error"));
    project.write("journeys/welcome.journey", SLIP);
    // What it prints and what it says come by two pipes, so that either may be read first.
    running.until(|log| log.contains(SLIP_FOUND));

    // A file that comes in a new directory, as editors save: another name first.
    project.write("journeys/more/new.tmp", OTHER);
    fs::rename(project.path().join("journeys/more/new.tmp"), project.path().join("journeys/more/other.journey"))
        .unwrap();
    let log = running.until(|log| log.contains("journeys/more/other.journey:5:11"));
    assert!(log.contains("unknown-tag"), "{log}");

    // Gone again, and mended.
    fs::remove_dir_all(project.path().join("journeys/more")).unwrap();
    project.write("journeys/welcome.journey", CLEAN);
    let before = log.len();
    running.until(|log| {
        let last = log.get(before..).unwrap_or_default().rsplit("watching for changes").nth(1);
        last.is_some_and(|last| !last.contains("error"))
    });
    running.stop();
}

#[test]
fn what_is_no_part_of_a_project_wakes_nobody() {
    let project = Project::of(&[
        ("journey.toml", SETTINGS),
        ("declarations.journey", DECLARATIONS),
        ("journeys/welcome.journey", CLEAN),
        ("outbox/0000.eml", "a mail"),
    ]);
    let running = watch(&project);
    checks(&running, 1);
    project.write("outbox/0001.eml", "another mail");
    project.write("notes.md", "a note");
    project.read("journeys/welcome.journey");
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(running.log().matches("watching for changes").count(), 1, "{}", running.log());
    project.write("journey.toml", "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlim\"\n");
    running.until(|log| log.contains("journey.toml:3:"));
    running.stop();
}

#[test]
fn what_cannot_be_read_now_may_be_later() {
    let project = Project::of(&[("readme.md", "nothing here")]);
    let running = watch(&project);
    running.until(|log| log.contains("holds no journeys"));
    project.write("welcome.journey", SLIP);
    running.until(|log| log.contains("no-reenter") || log.contains("welcome.journey:"));
    running.stop();
}

#[test]
fn what_cannot_be_checked_is_not_watched() {
    for path in ["-", "nowhere"] {
        let project = Project::of(&[("journey.toml", SETTINGS), ("a.journey", CLEAN)]);
        let mut command = journey_tests::binary::command(["check", "--watch", path]);
        let output = command.current_dir(project.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
