//! Two ids that turn out to be one person, in a real server on either database.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failure is a failing test")]

use std::time::Duration;

use journey_tests::binary::{self, Finished, Server};
use journey_tests::project::{Project, walk};
use journey_tests::sink::Sink;
use journey_tests::{http, postgres, wait_until};
use serde_json::{Value as Json, json};

const PATIENCE: Duration = Duration::from_secs(30);

fn post(server: &Server, path: &str, body: &Json) -> (u16, Json) {
    let answer = http::post(&server.address, path, "application/json", body.to_string().as_bytes()).unwrap();
    (answer.status, serde_json::from_str(&answer.text()).unwrap())
}

fn journey(project: &Project, args: &[&str]) -> Finished {
    let path = project.path().display().to_string();
    binary::run([args, &["--project", &path]].concat())
}

fn person(id: &str) -> Json {
    json!({"id": id, "attributes": {"email": format!("{id}@walk.example")}})
}

fn two_ids_become_one_person(database: &str) {
    let sink = Sink::accepting();
    let project = walk(&format!("smtp = \"{}\"{database}", sink.url()));
    let source = project.read("journeys/walk.journey");
    project.write("journeys/walk.journey", &source.replace("wait 1s", "wait for ping up to 9d else end"));
    let server = Server::start(project.path());
    let why = |id: &str| journey(&project, &["why", id]).success().stdout;
    let exported =
        |id: &str| -> Json { serde_json::from_str(&journey(&project, &["export", id]).success().stdout).unwrap() };

    post(&server, "/v1/contacts", &person("visitor-17"));
    post(&server, "/v1/events", &json!({"contact": "visitor-17", "tag": "begun"}));
    wait_until("the first mail", PATIENCE, || sink.count() == 1);
    post(&server, "/v1/contacts", &json!([person("ada"), person("bo")]));
    let alias = |contact: &str| json!({"id": "a1", "contact": contact, "alias": "visitor-17"});
    let (status, answer) = post(&server, "/v1/events", &json!([alias("ada"), alias("ada"), alias("bo")]));
    assert_eq!((status, &answer["accepted"], &answer["duplicates"]), (202, &json!(1), &json!(1)), "{answer}");
    let why_not = answer["refused"][0]["error"].as_str().unwrap();
    assert!(why_not.starts_with("\"visitor-17\" is an alias of another contact already"), "{answer}");
    assert_eq!(post(&server, "/v1/events", &alias("bo")).0, 409);
    let (status, answer) = post(&server, "/v1/events", &json!({"contact": "bo", "alias": "bo"}));
    assert_eq!((status, &answer["refused"][0]["field"]), (422, &json!("alias")), "{answer}");

    // The run goes on where it was, with what comes under either id.
    post(&server, "/v1/events", &json!({"id": "p1", "contact": "visitor-17", "event": "ping", "data": {"n": 1}}));
    wait_until("the second mail", PATIENCE, || sink.count() == 2);
    wait_until("it is ada's", PATIENCE, || exported("ada")["messages"].as_array().is_some_and(|all| all.len() == 2));
    let known = exported("visitor-17");
    assert_eq!((&known["id"], &known["aliases"][0]["id"]), (&json!("ada"), &json!("visitor-17")), "{known:#}");
    assert_eq!((&known["attributes"]["pings"], &known["tags"]), (&json!(1), &json!(["begun", "walked"])), "{known:#}");
    assert_eq!(known["attributes"]["email"], "ada@walk.example");
    let told = why("visitor-17");
    assert!(told.starts_with("ada,") && told.contains("alias         visitor-17, since "), "{told}");
    assert!(told.contains("send email first") && told.contains("send email second"), "{told}");
    let answer = http::get(&server.address, "/v1/contacts/visitor-17").unwrap().text();
    assert!(answer.contains("\"aliases\":[{\"id\":\"visitor-17\""), "{answer}");
    wait_until("both are delivered", PATIENCE, || {
        let messages = exported("ada")["messages"].clone();
        (0..2).all(|place| messages[place]["statuses"]["delivered"].is_string())
    });
    let lines = journey(&project, &["export", "--events", "ada"]).success().stdout;
    let lines: Vec<Json> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let whose: Vec<_> = lines.iter().map(|line| line["contact"].as_str().or(line["id"].as_str()).unwrap()).collect();
    assert_eq!(whose, ["visitor-17", "visitor-17", "ada", "ada", "ada"], "{lines:#?}");
    assert_eq!(journey(&project, &["export"]).success().stdout.lines().count(), 2, "two people");
    let all = journey(&project, &["export", "--events"]).success().stdout;
    assert_eq!(all.lines().count(), 6, "{all}");

    // Whoever is erased under one id is erased under both.
    assert!(journey(&project, &["erase", "visitor-17"]).success().stdout.contains("Erased"));
    for id in ["ada", "visitor-17"] {
        assert_eq!(journey(&project, &["export", id]).code, Some(1), "{id}");
    }
    assert!(server.terminate().0.success());
    project.write(
        "people.csv",
        "id,email,aliases\ncleo,cleo@walk.example,web-1; web-2\nbo,bo@walk.example,bo\ndee,dee@walk.example,web-1\n",
    );
    let people = project.path().join("people.csv").display().to_string();
    let imported = journey(&project, &["import", &people]);
    assert_eq!(imported.code, Some(1));
    assert!(imported.stdout.contains("2 rows taken, 2 refused"), "{}\n{}", imported.stdout, imported.stderr);
    let server = Server::start(project.path());
    wait_until("they are one", PATIENCE, || exported("web-2")["aliases"].as_array().is_some_and(|all| all.len() == 2));
    assert_eq!(exported("web-1")["id"], "cleo");
    assert!(server.terminate().0.success());
}

#[test]
fn two_ids_become_one_person_on_sqlite() {
    two_ids_become_one_person("");
}

#[test]
fn two_ids_become_one_person_on_postgres() {
    let Some(url) = postgres::database() else { return };
    two_ids_become_one_person(&format!("\n[database]\nurl = \"{url}\""));
}
