//! The examples on the virtual clock: who gets what, the same on every run.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a failure is a failing test"
)]

use std::fs;

use journey_tests::project::Project;
use journey_tests::{binary, root};
use mail_parser::MessageParser;

/// Runs the copy of an example and gives its table.
fn run(project: &Project) -> String {
    run_path(project, ".")
}

fn run_path(project: &Project, path: &str) -> String {
    let output = binary::command(["run", path]).current_dir(project.path()).output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{stdout}");
    stdout
}

/// The messages that a run wrote, without its own list of them.
fn messages(project: &Project, folder: &str) -> Vec<(String, Vec<u8>)> {
    project.files(folder).into_iter().filter(|(name, _)| !name.starts_with('.')).collect()
}

/// Who got what: the mails in the order of their dates, then the text messages.
fn received(project: &Project) -> String {
    let mut lines: Vec<(i64, String)> = Vec::new();
    for (name, bytes) in messages(project, "outbox") {
        if name.ends_with(".eml") {
            let mail = MessageParser::default().parse(&bytes).unwrap_or_else(|| panic!("{name} is no mail"));
            let to = mail.to().unwrap().first().unwrap().address().unwrap().to_owned();
            let date = mail.date().unwrap();
            lines.push((date.to_timestamp(), format!("{} {to}: {}", date.to_rfc3339(), mail.subject().unwrap())));
        } else {
            let text = String::from_utf8(bytes).unwrap();
            lines.push((i64::MAX, format!("{name}: {}", text.lines().last().unwrap())));
        }
    }
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect::<Vec<_>>().join("\n")
}

#[test]
fn nurture_is_the_same_on_every_run() {
    let (here, there) = (Project::example("nurture"), Project::example("nurture"));
    let table = run(&here);
    assert_eq!(run(&there), table, "in another folder");
    let outbox = here.files("outbox");
    assert!(outbox.len() > 20, "{}", outbox.len());
    assert!(there.files("outbox") == outbox, "the same bytes in another folder");
    assert_eq!(run(&here), table, "a second time");
    assert!(here.files("outbox") == outbox, "the same bytes a second time");
}

#[test]
fn nurture() {
    let project = Project::example("nurture");
    insta::assert_snapshot!("nurture_table", run(&project));
    insta::assert_snapshot!("nurture_received", received(&project));
    let (_, mail) = messages(&project, "outbox").swap_remove(0);
    insta::assert_snapshot!("nurture_mail", String::from_utf8(mail).unwrap().replace("\r\n", "\n"));
}

#[test]
fn cart() {
    let project = Project::example("cart");
    insta::assert_snapshot!("cart_table", run(&project));
    insta::assert_snapshot!("cart_received", received(&project));
}

#[test]
fn the_sentence() {
    let project = Project::example("sentence");
    insta::assert_snapshot!("sentence_table", run_path(&project, "follow_up.journey"));
    assert_eq!(received(&project), "2026-03-04T09:00:00Z ada@example.com: Follow up");
}

#[test]
fn a_run_can_stop_early_and_write_elsewhere() {
    let project = Project::example("nurture");
    let output =
        binary::command(["run", ".", "--until", "4d", "--out", "sent"]).current_dir(project.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(project.files("outbox").is_empty());
    let days: Vec<String> = messages(&project, "sent").into_iter().map(|(name, _)| name[..8].to_owned()).collect();
    assert_eq!(
        (days.first().map(String::as_str), days.last().map(String::as_str)),
        (Some("20260302"), Some("20260306"))
    );
}

/// Every example checks clean, so that whoever copies one begins without a finding; the bare sentence only has hints.
#[test]
fn examples_check_clean() {
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        let output =
            binary::command(["check".as_ref(), "--fail-level".as_ref(), "warning".as_ref(), path.as_os_str()]).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

/// The README shows what the run really prints.
#[test]
fn the_readme_shows_the_real_table() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let table = run(&Project::example("nurture"));
    let table = table.lines().map(str::trim_end).collect::<Vec<_>>();
    for line in table {
        assert!(line.contains("written to") || readme.contains(line), "README.md does not show this line:\n{line}");
    }
}
