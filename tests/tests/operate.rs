//! The commands that look into a database and operate it, beside a server that runs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failure is a failing test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use journey_tests::binary::{self, Finished, Server};
use journey_tests::project::{Project, walk};
use journey_tests::sink::{Sink, Verdict};
use journey_tests::{git, http, wait_until};
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
    let git = |args: &[&str]| git(project.path(), args);
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

/// One journey that waits for long, in some version.
fn versions(journey: &str) -> String {
    format!(
        "contact {{ email: email }}\ntags {{ begun moved }}\njourney long {{\n  on tag begun\n  reenter never\n{journey}}}\n"
    )
}

const LONG: &str = "[project]\nname = \"long\"\ntimezone = \"Europe/Berlin\"\n";

fn edit(project: &Project, journey: &str) {
    project.write("journeys/long.journey", &versions(journey));
}

/// A server whose contact `ada` has begun, and who says why she is where.
fn began(server: &Server, name: &str) {
    post(server, "/v1/contacts", &json!({"id": name, "attributes": {"email": format!("{name}@walk.example")}}));
    post(server, "/v1/events", &json!({"contact": name, "tag": "begun"}));
}

#[test]
fn a_project_is_deployed_and_rolled_back_while_servers_run() {
    let Some(url) = journey_tests::postgres::database() else { return };
    for db in [None, Some(url.as_str())] {
        let project =
            Project::of(&[("journey.toml", LONG), ("journeys/long.journey", &versions("  step rest:\n  wait 9d\n"))]);
        let args: Vec<&str> = db.map_or(vec![], |db| vec!["--db", db]);
        let environment: Vec<_> = db.map(|db| ("DATABASE_URL", db)).into_iter().collect();
        let journey = |more: &[&str]| journey(&project, &[more, &args].concat());
        let server = Server::start_with(project.path(), &environment);
        began(&server, "ada");
        let why = |name: &str| journey(&["why", name, "long"]).success().stdout;
        wait_until("ada waits", Duration::from_secs(20), || why("ada").contains("`rest: wait 9d`"));
        assert!(journey(&["plan"]).success().stdout.contains("Nothing would change"));

        edit(&project, "  add tag moved\n  wait 3d\n");
        let plan = journey(&["plan"]).stdout;
        let unclear = "1  journeys/long.journey:7 `rest: wait 9d`: if moved, stays: it is not clear where to go";
        assert!(plan.contains(unclear), "{plan}");
        let refused = journey(&["deploy", "--migrate"]);
        assert_eq!(refused.code, Some(1));
        assert!(refused.stderr.contains("line 7 `rest: wait 9d`: 1 run there now"), "{}", refused.stderr);

        // Who comes after the deployment enters the new version, and who was there stays on the old one.
        let deployed = journey(&["deploy"]).success().stdout;
        assert!(deployed.contains("revision 2"), "{deployed}");
        began(&server, "bo");
        wait_until("bo is in the new version", Duration::from_secs(20), || why("bo").contains("adds tag moved"));
        assert!(why("ada").contains("`rest: wait 9d`"));
        assert!(journey(&["deploy"]).success().stdout.contains("Nothing to do"));

        edit(&project, "  migrate rest to thanks\n  wait 3d\n  step thanks:\n  add tag moved\n");
        let looked = journey(&["deploy", "--migrate", "--dry-run"]).success().stdout;
        let goes = "`rest: wait 9d`: if moved, goes on at journeys/long.journey:9 `thanks: add tag moved`";
        assert!(looked.contains(goes) && looked.contains("Nothing was deployed"), "{looked}");
        let moved = journey(&["deploy", "--migrate"]).success().stdout;
        assert!(moved.contains("revision 3; 2 contacts told of it"), "{moved}");
        wait_until("ada goes on", Duration::from_secs(20), || why("ada").contains("adds tag moved"));
        let told = why("ada");
        assert!(told.contains("goes on in version") && told.contains("ends: it came to its end"), "{told}");

        let back = journey(&["rollback"]).success().stdout;
        assert!(back.contains("revision 4"), "{back}");
        began(&server, "cy");
        wait_until("cy is in the old version", Duration::from_secs(20), || why("cy").contains("adds tag moved"));
        let status = journey(&["status"]).success().stdout;
        assert!(status.contains("Revisions") && status.contains("deployed, runs moved"), "{status}");
        let nobody = journey(&["rollback", "--to", "12345678"]);
        assert_eq!(nobody.code, Some(2));
        assert!(nobody.stderr.contains("there is no deployment `12345678`"), "{}", nobody.stderr);

        // Whoever starts again with what was rolled back does not undo the rollback.
        assert!(server.terminate().0.success());
        let server = Server::start_with(project.path(), &environment);
        began(&server, "di");
        wait_until("di is in the old version", Duration::from_secs(20), || why("di").contains("adds tag moved"));
        let (status, log) = server.terminate();
        assert!(status.success() && log.contains("this project was deployed before"), "{log}");
    }
}

#[test]
fn a_journey_is_paused_and_goes_on() {
    let project = Project::of(&[
        ("journey.toml", LONG),
        ("journeys/long.journey", &versions("  wait 1s\n  add tag moved\n  wait 9d\n")),
    ]);
    let server = Server::start(project.path());
    let why = |name: &str| journey(&project, &["why", name, "long"]).success().stdout;
    assert!(journey(&project, &["pause", "long"]).success().stdout.contains("Paused long"));
    began(&server, "ada");
    wait_until("ada stands", Duration::from_secs(20), || why("ada").contains("until the journey is resumed"));
    let status = journey(&project, &["status"]).success().stdout;
    assert!(status.contains("paused since") && status.contains("long paused"), "{status}");
    for (args, says) in [
        (["pause", "long"], "the journey `long` is paused already"),
        (["pause", "short"], "there is no journey `short` in what is deployed; there is `long`"),
        (["resume", "short"], "there is no journey `short` in what is deployed; there is `long`"),
    ] {
        let refused = journey(&project, &args);
        assert_eq!(refused.code, Some(2));
        assert!(refused.stderr.contains(says), "{}", refused.stderr);
    }
    // A pause outlives the server, and the version.
    assert!(server.terminate().0.success());
    edit(&project, "  wait 2s\n  add tag moved\n  wait 9d\n");
    let server = Server::start(project.path());
    began(&server, "bo");
    wait_until("bo stands", Duration::from_secs(20), || why("bo").contains("until the journey is resumed"));
    let resumed = journey(&project, &["resume", "long", "--backlog", "send"]).success().stdout;
    assert!(resumed.contains("2 contacts go on"), "{resumed}");
    for name in ["ada", "bo"] {
        wait_until("they go on", Duration::from_secs(20), || why(name).contains("adds tag moved"));
    }
    let refused = journey(&project, &["resume", "long"]);
    assert!(refused.stderr.contains("the journey `long` is not paused"), "{}", refused.stderr);
    assert!(server.terminate().0.success());
}

#[test]
fn contacts_are_imported_and_exported() {
    let project = Project::of(&[
        ("journey.toml", LONG),
        ("journeys/long.journey", &versions("  wait 9d\n").replace("email: email ", "email: email, visits: number? ")),
    ]);
    let rows: String = (0..2_500).map(|n| format!("c{n},c{n}@walk.example,{n},old news\n")).collect();
    let bad = "bad,not an address,1,x\nc1,,many,x\n,nobody@walk.example,1,x\n";
    let csv = format!("\u{feff}id,E-Mail,visits,Notes\n{rows}{bad}");
    project.write("people.csv", &csv);
    let path = |name: &str| project.path().join(name).to_string_lossy().into_owned();
    let (file, refused) = (path("people.csv"), path("refused.csv"));
    let unmapped = journey(&project, &["import", &file]);
    assert_eq!(unmapped.code, Some(2));
    assert!(unmapped.stderr.contains("column 2: ") && unmapped.stderr.contains("E-Mail"), "{}", unmapped.stderr);
    let absent = journey(&project, &["import", &file, "--ignore", "Nothing"]);
    assert!(absent.stderr.contains("the header row has no column `Nothing`"), "{}", absent.stderr);

    let args = ["import", &file, "--map", "E-Mail=email", "--ignore", "Notes", "--refused", &refused];
    let dry = journey(&project, &[&args[..], &["--dry-run"]].concat());
    assert_eq!(dry.code, Some(1));
    assert!(dry.stdout.contains("2500 rows would be taken, 3 would be refused"), "{}", dry.stdout);
    let done = journey(&project, &args);
    assert_eq!(done.code, Some(1));
    assert!(done.stdout.contains("2500 rows taken, 3 refused"), "{}", done.stdout);
    assert!(done.stderr.contains(":2502: email: "), "{}", done.stderr);
    let told = project.read("refused.csv");
    assert_eq!(
        told.lines().map(|line| line.split(',').next().unwrap()).collect::<Vec<_>>(),
        ["line", "2502", "2503", "2504"]
    );

    let server = Server::start(project.path());
    let busy = journey(&project, &args);
    assert_eq!(busy.code, Some(2));
    assert!(busy.stderr.contains("in use by another process"), "{}", busy.stderr);
    let one = || {
        let out = journey(&project, &["export", "c7"]).success().stdout;
        serde_json::from_str::<Json>(&out).unwrap()
    };
    wait_until("the rows are applied", Duration::from_secs(30), || one()["attributes"]["visits"] == 7);
    assert_eq!(one()["attributes"]["email"], "c7@walk.example");
    let all = journey(&project, &["export"]).success().stdout;
    assert_eq!(all.lines().count(), 2_500);
    let nobody = journey(&project, &["export", "zed"]);
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.stderr.contains("nobody knows the contact `zed`"), "{}", nobody.stderr);
    assert!(server.terminate().0.success());
}

#[test]
fn a_sender_that_too_many_call_spam_is_told_and_lifted() {
    let sink = Sink::accepting();
    let project = walk(&format!("smtp = \"{}\"", sink.url()));
    project.configure("spam", "hold_at = \"30%\"\nat_least = 3");
    project.write(
        "journeys/letter.journey",
        "topic news \"News\"\n\njourney letter {\n  on ping\n  reenter always\n  topic news\n\n  send email letter\n}\n",
    );
    project.write(
        "messages/letter.email.txt",
        "---\nsubject: A letter\n---\nNews.\n[Unsubscribe]({{ unsubscribe_url }})\n",
    );
    let server = Server::start(project.path());
    let ping = |server: &Server, name: &str, n: i32| {
        post(server, "/v1/events", &json!({"contact": name, "event": "ping", "data": {"n": n}}));
    };
    for name in ["ada", "bo", "cy"] {
        post(&server, "/v1/contacts", &json!({"id": name, "attributes": {"email": format!("{name}@walk.example")}}));
        ping(&server, name, 1);
    }
    wait_until("three letters have come", Duration::from_secs(20), || sink.count() == 3);
    let path = project.path().to_string_lossy().into_owned();
    let doctor = || binary::run(["doctor", &path, "--offline"]).stdout;
    assert!(!doctor().contains("is held"), "{}", doctor());
    post(&server, "/v1/events", &json!({"contact": "ada", "complained": "letter"}));
    let held = || journey(&project, &["status"]).success().stdout.contains("walk.example: its marketing is held since");
    wait_until("one of three is too many", Duration::from_secs(20), held);
    assert!(doctor().contains("walk.example: its marketing is held"), "{}", doctor());
    let metrics = http::get(&server.address, "/metrics").unwrap().text();
    assert!(
        metrics.contains("journey_held_senders 1\n") && metrics.contains("journey_complaints_total 1\n"),
        "{metrics}"
    );
    // It outlives whoever noted it.
    server.kill();
    let server = Server::start(project.path());
    ping(&server, "bo", 2);
    post(&server, "/v1/events", &json!({"contact": "cy", "tag": "begun"}));
    wait_until("what is transactional has come", Duration::from_secs(20), || sink.count() == 5);
    let waits = || journey(&project, &["outbox", "list", "--which", "waiting"]).success().stdout;
    wait_until("bo's letter waits", Duration::from_secs(20), || {
        waits().contains("too many call mail of walk.example spam")
    });
    let why = journey(&project, &["why", "bo"]).success().stdout;
    assert!(why.contains("too many call mail of walk.example spam"), "{why}");
    let senders = journey(&project, &["senders"]).success().stdout;
    assert!(senders.contains("walk.example  3 delivered, 1 called it spam (33.33 %)"), "{senders}");
    let lifted = journey(&project, &["senders", "--lift", "Walk.example"]).success().stdout;
    assert!(lifted.contains("walk.example sends marketing again"), "{lifted}");
    assert_eq!(journey(&project, &["senders", "--lift", "walk.example"]).code, Some(1));
    assert!(!held());
    assert_eq!(sink.count(), 5);
    assert!(server.terminate().0.success());
}
