//! Calls of other systems by `journey serve`: signed, tried again under one id, answered with a type, never into the house
//! unless the project allows it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failure is a failing test")]

mod stored;

use std::time::Duration;

use journey_runtime::core::contact::EndReason;
use journey_tests::binary::Server;
use journey_tests::peer::{Asked, Peer};
use journey_tests::project::Project;
use journey_tests::{http, wait_until};
use serde_json::{Value as Json, json};
use stored::stored;

fn project(settings: &str) -> Project {
    Project::of(&[
        ("journey.toml", &format!("[project]\nname = \"calls\"\ntimezone = \"Europe/Berlin\"\n{settings}")),
        (
            "grade.journey",
            "contact { email: email  phone: phone? }
             tags { lead hot cold failed }
             journey grade {
               on tag lead
               reenter never
               call crm.grade { email: email, phone: phone } as graded up to 5m else { add tag failed  end }
               choose graded.grade { hot { add tag hot } cold { add tag cold } }
             }",
        ),
    ])
}

fn lead(server: &Server) {
    let ada = json!({"id": "ada", "attributes": {"email": "ada@walk.example"}, "tags": ["lead"]});
    let answer = http::post(&server.address, "/v1/contacts", "application/json", ada.to_string().as_bytes()).unwrap();
    assert_eq!(answer.status, 202);
}

#[test]
fn a_call_is_tried_again_under_its_id_and_its_answer_moves_the_run() {
    let crm = Peer::answering(&[("503 Later", ""), ("200 OK", "{\"grade\": \"hot\", \"more\": 1}")]);
    let address = &crm.address;
    let project = project(&format!(
        "[call]\nallow_private = true\n[call.crm.grade]\nurl = \"http://{address}/grade?x=1\"\n\
         secret = \"file:secret\"\nanswer = {{ grade = \"enum {{ hot cold }}\" }}\n"
    ));
    project.write("secret", "a key of the test\n");
    let server = Server::start(project.path());
    lead(&server);
    wait_until("it is called twice", Duration::from_secs(30), || crm.asked().len() == 2);
    // What is on the wire gets its result before the server stops.
    assert!(server.terminate().0.success());
    // The answer may have come too late to be applied before the stop.
    let server = Server::start(project.path());
    std::thread::sleep(Duration::from_millis(300));
    assert!(server.terminate().0.success());
    let ada = stored(project.path(), "ada");
    assert!(ada.tags.contains("hot") && !ada.tags.contains("failed"), "{:?}", ada.tags);

    let asked = crm.asked();
    let [first, second] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(first.headers["webhook-id"], second.headers["webhook-id"]);
    assert_eq!(first.body, second.body);
    let body: Json = serde_json::from_str(&first.body).unwrap();
    assert_eq!(
        (&body["type"], &body["contact"], &body["journey"], &body["data"]),
        (&json!("crm.grade"), &json!("ada"), &json!("grade"), &json!({"email": "ada@walk.example"}))
    );
    for Asked { headers, .. } in [first, second] {
        assert!(headers["webhook-timestamp"].parse::<i64>().unwrap() > 1_700_000_000);
        assert!(headers["webhook-signature"].starts_with("v1,"));
        assert_eq!(headers["content-type"], "application/json");
    }
}

#[test]
fn the_house_is_not_called_and_a_wrong_answer_counts_for_nothing() {
    let crm = Peer::answering(&[("200 OK", "{\"grade\": \"lukewarm\"}")]);
    let address = &crm.address;
    for (allow, calls) in [(false, 0), (true, 1)] {
        let project = project(&format!(
            "[call]\nallow_private = {allow}\n[call.crm.grade]\nurl = \"http://{address}/\"\n\
             answer = {{ grade = \"enum {{ hot cold }}\" }}\n"
        ));
        let server = Server::start(project.path());
        lead(&server);
        std::thread::sleep(Duration::from_millis(1_500));
        assert!(server.terminate().0.success());
        let ada = stored(project.path(), "ada");
        assert!(ada.tags.contains("failed"), "{allow}: {:?}", ada.tags);
        assert!(ada.state.ended.iter().all(|run| run.reason == EndReason::Ended));
        assert_eq!(crm.asked().len(), calls);
    }
}
