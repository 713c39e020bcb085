//! From a running system to a replay: what a server was told is exported, and happens once more in two versions.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failure is a failing test")]

use std::time::Duration;

use journey_tests::binary::{self, Server};
use journey_tests::project::walk;
use journey_tests::sink::Sink;
use journey_tests::{git, http, wait_until};
use serde_json::{Value as Json, json};

fn post(server: &Server, path: &str, body: &Json) {
    let answer = http::post(&server.address, path, "application/json", body.to_string().as_bytes()).unwrap();
    assert!(answer.status == 202 && answer.text().contains("\"refused\":[]"), "{}", answer.text());
}

#[test]
fn what_a_server_was_told_happens_once_more() {
    happens_once_more("");
}

#[test]
fn what_a_server_on_postgres_was_told_happens_once_more() {
    let Some(url) = journey_tests::postgres::database() else { return };
    happens_once_more(&format!("\n[database]\nurl = \"{url}\""));
}

fn happens_once_more(database: &str) {
    let sink = Sink::accepting();
    let project = walk(&format!("smtp = \"{}\"{database}", sink.url()));
    let git = |args: &[&str]| git(project.path(), args);
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "before"]);
    let path = project.path().display().to_string();

    let server = Server::start(project.path());
    for name in ["ada", "bo"] {
        let contact = json!({"id": name, "attributes": {"email": format!("{name}@walk.example")}, "tags": ["begun"]});
        post(&server, "/v1/contacts", &contact);
        post(&server, "/v1/events", &json!({"contact": name, "event": "ping", "data": {"n": 1}}));
    }
    wait_until("all have their mails", Duration::from_secs(30), || sink.count() == 4);
    post(
        &server,
        "/v1/events",
        &json!([{"contact": "ada", "opened": "second"}, {"contact": "bo", "unsubscribed": true}]),
    );
    let heard = || http::get(&server.address, "/v1/contacts/ada").unwrap().text().contains("opened");
    wait_until("the last event is applied", Duration::from_secs(30), heard);
    assert!(server.terminate().0.success());

    let exported = binary::run(["export", "--events", "--project", &path]).success().stdout;
    let lines: Vec<Json> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| -> Vec<&Json> { lines.iter().filter(|l| l["id"] == name || l["contact"] == name).collect() };
    let (ada, bo) = (of("ada"), of("bo"));
    assert_eq!((ada.len(), bo.len(), lines.len()), (3, 3, 6), "deliveries are no events:\n{exported}");
    assert_eq!(
        (&ada[0]["tags"], &ada[1]["event"], &ada[2]["opened"]),
        (&json!(["begun"]), &json!("ping"), &json!("second"))
    );
    assert_eq!(bo[2]["unsubscribed"], true, "{exported}");
    assert_eq!(binary::run(["export", "--events", "ada", "--project", &path]).success().stdout.lines().count(), 3);

    project.write("events.ndjson", &exported);
    let events = project.path().join("events.ndjson").display().to_string();
    let journey = project.read("journeys/walk.journey");
    project.write("journeys/walk.journey", &journey.replace("wait 1s", "wait 1h"));
    let replay = ["simulate", &path, "--replay", &events, "--against", "HEAD", "--output-format", "json"];
    let told: Json = serde_json::from_str(&binary::run(replay).success().stdout).unwrap();
    assert_eq!((&told["lines"], &told["contacts"]["different"]), (&json!(6), &json!(2)), "{told:#}");
    for (place, name) in ["ada", "bo"].iter().enumerate() {
        let difference = &told["differences"][place];
        let messages = difference["messages"].as_array().unwrap();
        assert_eq!((&difference["contact"], messages.len()), (&json!(name), 1), "{told:#}");
        assert!(messages[0]["message"] == "second" && messages[0]["before"] != messages[0]["after"], "{told:#}");
        assert!(messages[0]["after"].is_string(), "{told:#}");
    }
    // What ada opened came an hour later now.
    assert_eq!(told["left_out"]["after"][0]["lines"], 1, "{told:#}");
    assert_eq!(told["left_out"]["before"], json!([]), "{told:#}");
}
