//! The commands that look into a database and operate it, beside a server that runs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failure is a failing test")]

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use journey_tests::binary::{self, Finished, Server};
use journey_tests::project::{Project, walk};
use journey_tests::sink::{Sink, Verdict};
use journey_tests::{http, wait_until};
use serde_json::{Value as Json, json};

fn post(server: &Server, path: &str, body: &Json) {
    let answer = http::post(&server.address, path, "application/json", body.to_string().as_bytes()).unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text());
}

fn journey(project: &Project, args: &[&str]) -> Finished {
    let path = project.path().to_string_lossy();
    binary::run(args.iter().copied().chain(["--project", &path]))
}

#[test]
fn what_has_failed_is_sent_again_while_the_server_runs() {
    let mended = Arc::new(AtomicBool::new(false));
    let works = Arc::clone(&mended);
    let sink =
        Sink::scripted(move |attempt| match works.load(Ordering::SeqCst) || attempt.to[0] != "ada@walk.example" {
            true => Verdict::Accept,
            false => Verdict::Refuse("550 5.7.1 Ada wants no mail of yours"),
        });
    let project = walk(&format!("smtp = \"{}\"", sink.url()));
    let server = Server::start(project.path());
    for name in ["ada", "bo"] {
        post(&server, "/v1/contacts", &json!({"id": name, "attributes": {"email": format!("{name}@walk.example")}}));
        post(&server, "/v1/events", &json!({"contact": name, "tag": "begun"}));
    }
    let list = || {
        let json = journey(&project, &["outbox", "list", "--output-format", "json"]).success().stdout;
        serde_json::from_str::<Json>(&json).unwrap()["messages"].as_array().unwrap().clone()
    };
    wait_until("both of ada's mails have failed", Duration::from_secs(20), || list().len() == 2);
    let told = journey(&project, &["outbox", "list"]).success().stdout;
    for part in
        ["1/0  email first to ada@walk.example, 1 attempt", "Ada wants no mail of yours", "journeys/walk.journey:11"]
    {
        assert!(told.contains(part), "`{part}` is missing:\n{told}");
    }
    mended.store(true, Ordering::SeqCst);
    let done = journey(&project, &["outbox", "retry", "1/0"]).success().stdout;
    assert!(done.contains("1 message queued again"), "{done}");
    wait_until("the mail has come", Duration::from_secs(10), || sink.count() == 3);
    assert_eq!(list().len(), 1);
    let done = journey(&project, &["outbox", "drop", "--which", "failed"]).success().stdout;
    assert!(done.contains("1 message given up"), "{done}");
    assert_eq!(list().len(), 0);
    let again = journey(&project, &["outbox", "retry", "1/0"]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("1/0 is neither held nor failed"), "{}", again.stderr);
    assert!(server.terminate().0.success());
    assert_eq!(sink.count(), 3);
}

#[test]
fn what_may_have_arrived_is_held() {
    let sink = Sink::scripted(|attempt| if attempt.nth == 1 { Verdict::AcceptAndCut } else { Verdict::Accept });
    let project = walk(&format!("smtp = \"{}\"\n\n[outbox]\ntransactional = \"hold\"", sink.url()));
    let server = Server::start(project.path());
    post(&server, "/v1/contacts", &json!({"id": "ada", "attributes": {"email": "ada@walk.example"}}));
    post(&server, "/v1/events", &json!({"contact": "ada", "tag": "begun"}));
    let held = || journey(&project, &["outbox", "list", "--which", "held"]).success().stdout;
    wait_until("both mails are held", Duration::from_secs(20), || held().matches("it may have arrived").count() == 2);
    let done = journey(&project, &["outbox", "retry", "--which", "held"]).success().stdout;
    assert!(done.contains("2 messages queued again"), "{done}");
    wait_until("they have come again", Duration::from_secs(10), || sink.count() == 4);
    assert_eq!(held(), "There are none.\n");
    assert!(server.terminate().0.success());
}

#[test]
fn why_tells_what_a_contact_did_while_the_server_runs() {
    let project = walk("");
    let server = Server::start(project.path());
    post(&server, "/v1/contacts", &json!({"id": "ada", "attributes": {"email": "ada@walk.example"}}));
    post(&server, "/v1/events", &json!({"id": "1", "contact": "ada", "tag": "begun"}));
    let told = || journey(&project, &["why", "ada", "walk"]).success().stdout;
    wait_until("the walk is over", Duration::from_secs(20), || told().contains("ends: it came to its end"));
    let told = told();
    for part in [
        "ada, times of Europe/Berlin",
        "email = ada@walk.example",
        "tags          begun, walked",
        "run 1, over",
        "enters by tag begun",
        "journeys/walk.journey:11 `send email first`  message 0, email first: delivered ",
        "journeys/walk.journey:12 `wait 1s`",
        "goes on: the time is up",
        "adds tag walked",
    ] {
        assert!(told.contains(part), "`{part}` is missing:\n{told}");
    }
    let other = journey(&project, &["why", "ada", "count"]).success().stdout;
    assert!(other.contains("never entered: it begins by ping; that did not happen to this contact"), "{other}");
    let json = journey(&project, &["why", "ada", "--output-format", "json"]).success().stdout;
    let json: Json = serde_json::from_str(&json).unwrap();
    assert_eq!(json["journeys"][1]["runs"][0]["lines"][1]["place"]["line"], 11);

    let nobody = journey(&project, &["why", "eve"]);
    assert_eq!(nobody.code, Some(2));
    assert!(nobody.stderr.contains("has no contact `eve`"), "{}", nobody.stderr);
    assert_eq!(journey(&project, &["why", "ada", "wlak"]).code, Some(1));
    assert!(server.terminate().0.success());
}

#[test]
fn a_diff_tells_how_many_contacts_are_under_way() {
    let project = walk("");
    let file = "journeys/walk.journey";
    project.write(file, &project.read(file).replace("wait 1s", "wait 1d"));
    let git = |args: &[&str]| {
        let named = ["-c", "user.name=Ada", "-c", "user.email=ada@walk.example"];
        let done = Command::new("git").args(named).args(args).current_dir(project.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    git(&["init", "-q"]);
    git(&["add", "journey.toml", "journeys", "messages"]);
    git(&["commit", "-q", "-m", "The walk"]);
    let server = Server::start(project.path());
    for name in ["ada", "bo"] {
        post(&server, "/v1/contacts", &json!({"id": name, "attributes": {"email": format!("{name}@walk.example")}}));
        post(&server, "/v1/events", &json!({"contact": name, "tag": "begun"}));
    }
    project.write(file, &project.read(file).replace("wait 1d", "wait 3d"));
    let database = format!("sqlite:{}", project.path().join("journey.db").display());
    let path = project.path().to_string_lossy();
    let diff = |more: &[&str]| {
        let args = ["diff", "HEAD", &path].into_iter().chain(more.iter().copied());
        binary::run(args).success().stdout
    };
    let told = || diff(&["--db", &database]);
    let told_of_two = "2 runs under way: they finish on the version on which they entered";
    wait_until("both are under way", Duration::from_secs(20), || told().contains(told_of_two));
    let json: Json = serde_json::from_str(&diff(&["--db", &database, "--output-format", "json"])).unwrap();
    assert_eq!((&json["journeys"][0]["name"], &json["journeys"][0]["under_way"]), (&json!("walk"), &json!(2)));
    assert!(diff(&["--db", &database, "--output-format", "markdown"]).contains("2 runs under way"));
    assert!(!diff(&[]).contains("under way"), "nobody is counted who was not asked for");
    assert!(server.terminate().0.success());
}
