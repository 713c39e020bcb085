//! What CI systems run, run here line for line: the steps of the GitHub action, the script of the GitLab job, and the
//! hooks of pre-commit, on a good change and on a bad one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a failure is a failing test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use journey_tests::project::Project;
use journey_tests::{binary, foreign, free_port, git, root, wait_until};
use serde_json::Value;

const SETTINGS: &str = "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n";
const DECLARATIONS: &str = "contact {\n  email: email\n}\n\ntags { lead customer }\n";
const JOURNEY: &str = "journey welcome {\n  on tag lead\n  reenter never\n\n  wait 2d\n  add tag customer\n  end\n}\n";
const GOOD: (&str, &str) = ("wait 2d", "wait 3d");
const BAD: (&str, &str) = ("add tag customer", "add tag custommer");

/// Where programs are in CI; ours is not there.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A repository with one commit, and a change on top of it; also the name of the first commit.
fn changed((old, new): (&str, &str)) -> (Project, String) {
    let project = Project::of(&[
        ("journey.toml", SETTINGS),
        ("declarations.journey", DECLARATIONS),
        ("welcome.journey", JOURNEY),
    ]);
    git(project.path(), &["init", "--quiet"]);
    git(project.path(), &["add", "."]);
    git(project.path(), &["commit", "--quiet", "--message", "before"]);
    let base = git(project.path(), &["rev-parse", "HEAD"]);
    project.write("welcome.journey", &JOURNEY.replace(old, new));
    git(project.path(), &["commit", "--quiet", "--all", "--message", "after"]);
    (project, base)
}

/// A file in YAML; nothing where nobody can read it.
fn yaml(path: &Path) -> Option<Value> {
    let python = foreign::python_with("yaml")?;
    let script = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    let output = Command::new(python).args(["-c", script]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// A release as people download it, on loopback. Dropping it ends it.
struct Release {
    child: Child,
    address: String,
    _folder: Project,
}

impl Release {
    fn serve(python: &Path) -> Self {
        let folder = Project::of(&[("releases/download/v0.1.0/x", "")]);
        let place = folder.path().join("releases/download/v0.1.0");
        let machine = Command::new("uname").arg("-m").output().unwrap().stdout;
        let archive = format!("journey-{}-unknown-linux-musl.tar.gz", String::from_utf8(machine).unwrap().trim());
        let mut tar = Command::new("tar");
        tar.args(["--create", "--gzip", "--file"]).arg(place.join(&archive));
        tar.arg("--directory").arg(binary::journey().parent().unwrap()).arg("journey");
        assert!(tar.status().unwrap().success());
        let sums = Command::new("sha256sum").arg(&archive).current_dir(&place).output().unwrap();
        // As in a release, where there are archives for other machines.
        let others = format!("{}  journey-other.tar.gz\n", "0".repeat(64));
        fs::write(place.join("SHA256SUMS"), [sums.stdout, others.into_bytes()].concat()).unwrap();
        let port = free_port();
        let mut command = Command::new(python);
        command.args(["-m", "http.server", &port.to_string(), "--bind", "127.0.0.1", "--directory"]).arg(folder.path());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let address = format!("127.0.0.1:{port}");
        wait_until("the release is served", Duration::from_secs(30), || std::net::TcpStream::connect(&address).is_ok());
        Self { child, address, _folder: folder }
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a run of the action knows.
struct Job {
    folder: PathBuf,
    /// What expressions may name, such as `inputs.paths`.
    context: BTreeMap<String, String>,
    path: String,
    runner: Project,
    log: String,
}

impl Job {
    /// The value of an expression: names and texts, compared and joined.
    fn value(&self, expression: &str) -> String {
        let expression = expression.trim();
        if let Some((a, b)) = expression.split_once("&&") {
            return if self.value(a) == "true" { self.value(b) } else { "false".to_owned() };
        }
        for (sign, wanted) in [("!=", false), ("==", true)] {
            if let Some((a, b)) = expression.split_once(sign) {
                return ((self.value(a) == self.value(b)) == wanted).to_string();
            }
        }
        if let Some(text) = expression.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            return text.to_owned();
        }
        match self.context.get(expression) {
            Some(value) => value.clone(),
            // An output that was never set is empty; anything else is a name that does not exist.
            None if expression.starts_with("steps.") => String::new(),
            None => panic!("there is no `{expression}`"),
        }
    }

    /// A text with its expressions filled in.
    fn fill(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let (expression, after) = after.split_once("}}").unwrap();
            filled += before;
            filled += &self.value(expression);
            rest = after;
        }
        filled + rest
    }

    /// Runs a step as GitHub's runner does; whether it went well.
    fn step(&mut self, step: &Value) -> bool {
        if step["if"].as_str().is_some_and(|condition| self.value(condition) != "true") {
            return true;
        }
        self.runner.write("step.sh", &self.fill(step["run"].as_str().unwrap()));
        for file in ["output", "path", "summary"] {
            self.runner.write(file, "");
        }
        let at = |file: &str| self.runner.path().join(file);
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-e", "-o", "pipefail"]).arg(at("step.sh"));
        command.current_dir(&self.folder).env_clear().env("PATH", &self.path).env("HOME", self.runner.path());
        command.env("GITHUB_OUTPUT", at("output")).env("GITHUB_PATH", at("path"));
        command.env("GITHUB_STEP_SUMMARY", at("summary")).env("RUNNER_TEMP", self.runner.path());
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            command.env(name, self.fill(value.as_str().unwrap()));
        }
        let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
        self.log += &format!("## {}\n", step["name"].as_str().unwrap());
        self.log += &String::from_utf8_lossy(&stdout);
        self.log += &String::from_utf8_lossy(&stderr);
        self.log += &self.runner.read("summary");
        for line in self.runner.read("path").lines() {
            self.path = format!("{line}:{}", self.path);
        }
        for line in self.runner.read("output").lines() {
            let (name, value) = line.split_once('=').unwrap();
            let id = step["id"].as_str().expect("a step with outputs has an id");
            self.context.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
        }
        status.success()
    }
}

/// The action on a pull request: what it said, and whether the job is green.
fn action(change: (&str, &str), release: &Release, action: &Value, event: &str) -> (String, bool, Project) {
    let (project, base) = changed(change);
    let mut context = BTreeMap::from([
        ("github.server_url".to_owned(), format!("http://{}", release.address)),
        ("github.action_repository".to_owned(), ".".to_owned()),
        ("github.action_ref".to_owned(), "v0.1.0".to_owned()),
        ("github.event_name".to_owned(), event.to_owned()),
        ("github.event.pull_request.base.sha".to_owned(), base),
    ]);
    let mut job = Job {
        folder: project.path().to_owned(),
        context: context.clone(),
        path: PATH.to_owned(),
        runner: Project::of(&[]),
        log: String::new(),
    };
    for (name, input) in action["inputs"].as_object().unwrap() {
        context.insert(format!("inputs.{name}"), job.fill(input["default"].as_str().unwrap()));
    }
    // As on loopback, there is no repository in the address.
    job.context = context;
    let steps = action["runs"]["steps"].as_array().unwrap();
    let went_well = steps.iter().all(|step| job.step(step));
    (job.log, went_well, project)
}

#[test]
fn the_github_action_tells_good_from_bad() {
    let Some(file) = yaml(&root().join("action.yml")) else { return };
    let Some(python) = foreign::python_with("http.server") else { return };
    if foreign::program("curl").is_none() {
        return;
    }
    let release = Release::serve(&python);
    let (log, is_green, project) = action(GOOD, &release, &file, "pull_request");
    assert!(is_green, "{log}");
    assert!(log.contains("journey-") && log.contains(": OK"), "the checksum is compared: {log}");
    assert!(log.contains("wait 3 days, was: wait 2 days"), "the summary says what changes: {log}");
    let sarif: Value = serde_json::from_str(&project.read("journey.sarif")).unwrap();
    assert!(sarif["runs"][0]["results"].as_array().unwrap().iter().all(|result| result["level"] != "error"));

    let (log, is_green, project) = action(BAD, &release, &file, "pull_request");
    assert!(!is_green, "{log}");
    assert!(log.contains("::error file=welcome.journey,line=6,"), "the line is annotated: {log}");
    assert!(log.contains("## What changes for people") && log.contains("Not as it should be"), "all is said: {log}");
    let sarif: Value = serde_json::from_str(&project.read("journey.sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(results.iter().any(|result| result["ruleId"] == "J0201"));

    let (log, is_green, _) = action(("  wait", "wait"), &release, &file, "push");
    assert!(!is_green && log.contains("+  wait 2d"), "layout counts, and is shown: {log}");
    assert!(!log.contains("What changes for people"), "not outside of pull requests: {log}");
}

#[test]
fn an_archive_that_was_changed_is_refused() {
    let Some(file) = yaml(&root().join("action.yml")) else { return };
    let Some(python) = foreign::python_with("http.server") else { return };
    if foreign::program("curl").is_none() {
        return;
    }
    let release = Release::serve(&python);
    let sums = release._folder.path().join("releases/download/v0.1.0/SHA256SUMS");
    let text = fs::read_to_string(&sums).unwrap();
    let other = if text.starts_with('0') { "1" } else { "0" };
    fs::write(&sums, format!("{other}{}", &text[1..])).unwrap();
    let (log, is_green, _) = action(GOOD, &release, &file, "pull_request");
    assert!(!is_green && log.contains("FAILED") && !log.contains("## Findings"), "{log}");
}

#[test]
fn the_gitlab_job_tells_good_from_bad() {
    let run = |change: (&str, &str)| {
        let (project, base) = changed(change);
        let made = binary::command(["init", "--ci", "gitlab", "--from", "registry.acme.example/journey:0.1.0"]);
        assert!({ made }.current_dir(project.path()).output().unwrap().status.success());
        let file = yaml(&project.path().join(".gitlab-ci.yml"))?;
        let lines = file["journeys"]["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
        let script = lines.collect::<Vec<_>>().join("\n");
        let mut command = Command::new("sh");
        let tools = binary::journey().parent().unwrap().display();
        // As the runner does: it stops at the first failure unless told otherwise.
        command.args(["-e", "-c", &script]).current_dir(project.path()).env_clear().env("HOME", project.path());
        command.env("PATH", format!("{tools}:{PATH}")).env("CI_MERGE_REQUEST_DIFF_BASE_SHA", base);
        for (name, value) in file["journeys"]["variables"].as_object().unwrap() {
            command.env(name, value.to_string().trim_matches('"'));
        }
        let output = command.output().unwrap();
        Some((output.status.code(), project))
    };
    let Some((code, project)) = run(GOOD) else { return };
    assert_eq!(code, Some(0));
    assert!(project.read("journey-diff.md").contains("wait 3 days, was: wait 2 days"));
    assert!(!project.read("gl-code-quality-report.json").contains("\"major\""));
    let (code, project) = run(BAD).unwrap();
    assert_eq!(code, Some(1));
    assert!(project.read("gl-code-quality-report.json").contains("unknown-tag"));
    assert!(project.read("journey-check.xml").contains("custommer"));
}

#[test]
fn the_hooks_work_in_pre_commit() {
    let Some(pre_commit) = foreign::program("pre-commit") else { return };
    // What others take the hooks from: a repository with their file.
    let hooks =
        Project::of(&[(".pre-commit-hooks.yaml", &fs::read_to_string(root().join(".pre-commit-hooks.yaml")).unwrap())]);
    git(hooks.path(), &["init", "--quiet"]);
    git(hooks.path(), &["add", "."]);
    git(hooks.path(), &["commit", "--quiet", "--message", "hooks"]);
    let revision = git(hooks.path(), &["rev-parse", "HEAD"]);
    let run = |change: (&str, &str)| {
        let (project, _) = changed(change);
        let config = format!(
            "repos:\n  - repo: {}\n    rev: {revision}\n    hooks:\n      - id: journey-fmt\n      - id: journey-check\n",
            hooks.path().display()
        );
        project.write(".pre-commit-config.yaml", &config);
        git(project.path(), &["add", "."]);
        let mut command = Command::new(&pre_commit);
        let tools = binary::journey().parent().unwrap().display();
        command.args(["run", "--all-files", "--color", "never"]).current_dir(project.path());
        command.env("PRE_COMMIT_HOME", hooks.path().join("home")).env("PATH", format!("{tools}:{PATH}"));
        command.env("NO_COLOR", "1").env("HOME", project.path());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), said, project)
    };
    let (passed, said, _) = run(GOOD);
    assert!(passed, "{said}");
    let (passed, said, _) = run(BAD);
    assert!(!passed && said.contains("custommer") && said.contains("Failed"), "{said}");
    let (passed, said, project) = run(("  wait", "wait"));
    assert!(!passed && said.contains("files were modified by this hook"), "{said}");
    assert_eq!(project.read("welcome.journey"), JOURNEY, "and laid out");
}
