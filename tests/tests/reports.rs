//! Reports are what their readers expect: SARIF by its official schema, JSON by ours, JUnit by a reader of others.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failure is a failing test")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use journey_tests::project::Project;
use journey_tests::{binary, foreign, git, root};
use serde_json::Value;

const SLIPS: &str = "journey nurture {\n  on tag leed\n  wait 2d\n  add tag custommer\n  end\n}\n";
const CLEAN: &str = "journey welcome {\n  on tag lead\n  reenter never\n  wait 2d\n  end\n}\n";

/// A project with errors that have fixes and other places, a warning, a clean file, and a name that URIs escape.
fn shop() -> Project {
    Project::of(&[
        ("journey.toml", "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n"),
        ("declarations.journey", "contact { email: email }\ntags { lead customer }\ntopic a \"A\"\ntopic a \"B\"\n"),
        ("journeys/nurture, 100%.journey", SLIPS),
        ("journeys/größe.journey", CLEAN),
    ])
}

fn check(project: &Project, format: &str) -> String {
    let output = binary::command(["check", "--output-format", format]).current_dir(project.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Python's `jsonschema` takes the document for the schema; nothing where it is missing.
fn matches(schema: &Path, document: &str) {
    const SCRIPT: &str =
        "import json, sys, jsonschema; jsonschema.validate(json.load(sys.stdin), json.load(open(sys.argv[1])))";
    let Some(python) = foreign::python_with("jsonschema") else { return };
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT]).arg(schema).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(document.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{document}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn sarif_is_sarif() {
    let report = check(&shop(), "sarif");
    matches(&root().join("tests/tests/schemas/sarif-2.1.0.json"), &report);
    let report: Value = serde_json::from_str(&report).unwrap();
    let run = &report["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert!(results.len() >= 4, "{report:#}");
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        let rule = &run["tool"]["driver"]["rules"][index];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["help"]["markdown"].as_str().unwrap().contains("```journey"), "{rule}");
        assert!(result["partialFingerprints"]["journey/v1"].is_string());
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.contains([' ', '%']) || uri.contains("nurture%2C%20100%25"), "{uri}");
    }
    assert!(results.iter().any(|result| result["fixes"][0]["artifactChanges"][0]["replacements"].is_array()));
    assert!(results.iter().any(|result| result["relatedLocations"].is_array()));
}

#[test]
fn json_is_what_its_schema_says() {
    let project = shop();
    let report = check(&project, "json");
    matches(&root().join("docs/check.schema.json"), &report);
    let report: Value = serde_json::from_str(&report).unwrap();
    let lines: Vec<Value> = check(&project, "jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(report["findings"], Value::Array(lines));
}

#[test]
fn changes_are_what_their_schema_says() {
    let project = Project::example("nurture");
    let git = |args: &[&str]| git(project.path(), args);
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "before"]);
    let path = "journeys/nurture.journey";
    let text = project.read(path).replace("wait 3d", "wait 5d");
    project.write(path, &text);
    project.write("messages/nudge.sms.txt", "Seen it?");
    project.write("journeys/new.journey", CLEAN);
    let diff = |format: &str| {
        let args = ["diff", "HEAD", "--output-format", format];
        let output = binary::command(args).current_dir(project.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let report = diff("json");
    matches(&root().join("docs/diff.schema.json"), &report);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["journeys"][0]["name"], "nurture");
    assert!(diff("markdown").contains("wait 5 days, was: wait 3 days"), "{}", diff("markdown"));
    assert!(diff("human").contains("journey welcome is new"), "{}", diff("human"));
}

#[test]
fn a_reader_of_junit_reads_it() {
    const SCRIPT: &str = "\
import sys, junitparser
report = junitparser.JUnitXml.fromfile(sys.argv[1])
for suite in report:
    for case in suite:
        print(suite.name, '|', case.name, '|', ' '.join(type(result).__name__ for result in case.result))
";
    let Some(python) = foreign::python_with("junitparser") else { return };
    let project = shop();
    project.write("report.xml", &check(&project, "junit"));
    let output = Command::new(python).args(["-c", SCRIPT]).arg(project.path().join("report.xml")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

#[test]
fn gitlab_and_github_get_their_shapes() {
    let project = shop();
    let issues: Vec<Value> = serde_json::from_str(&check(&project, "gitlab")).unwrap();
    let mut prints: Vec<_> = issues.iter().map(|issue| issue["fingerprint"].as_str().unwrap().to_owned()).collect();
    prints.sort();
    prints.dedup();
    assert_eq!(prints.len(), issues.len(), "each finding has a fingerprint of its own");
    for issue in &issues {
        assert!(issue["description"].is_string() && issue["check_name"].is_string(), "{issue}");
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&issue["severity"].as_str().unwrap()));
        assert!(issue["location"]["lines"]["begin"].as_u64() >= Some(1), "{issue}");
        assert!(fs::exists(project.path().join(issue["location"]["path"].as_str().unwrap())).unwrap(), "{issue}");
    }
    for line in check(&project, "github").lines() {
        let (command, rest) = line.strip_prefix("::").unwrap().split_once(' ').unwrap();
        assert!(["error", "warning", "notice"].contains(&command), "{line}");
        let (properties, message) = rest.split_once("::").unwrap();
        assert!(!message.is_empty());
        let names: Vec<_> = properties.split(',').map(|property| property.split_once('=').unwrap().0).collect();
        assert!(names.starts_with(&["file", "line", "endLine"]) && names.ends_with(&["title"]), "{line}");
    }
}
