//! Words for colleagues by `journey serve`: a notice reaches a chat, a question comes by mail and is answered on its page.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failure is a failing test")]

use std::time::Duration;

use journey_runtime::store::{SqliteStore, Store};
use journey_tests::binary::Server;
use journey_tests::peer::Peer;
use journey_tests::project::Project;
use journey_tests::{http, wait_until};
use mail_parser::MessageParser;
use serde_json::json;

#[test]
fn a_colleague_is_told_and_asked_and_the_first_answer_counts() {
    let chat = Peer::answering(&[("200 OK", "ok")]);
    let project = Project::of(&[
        (
            "journey.toml",
            "[project]\nname = \"colleagues\"\ntimezone = \"Europe/Berlin\"\n[call]\nallow_private = true\n\
             [notify]\nowner = \"office@shop.example\"\n[notify.slack]\n\"#sales\" = \"file:slack\"\n",
        ),
        (
            "warm.journey",
            "contact { email: email  first_name: text?  owner: user? }
             tags { lead called let_go }
             journey warm {
               on tag lead
               reenter never
               notify slack \"#sales\" \"A lead: {{ email }}\"
               ask owner \"Call {{ first_name | default('them') }}?\" up to 1d {
                 yes { add tag called }
                 no { add tag let_go }
                 else { end }
               }
             }",
        ),
    ]);
    project.write("slack", &format!("http://{}/services/T0\n", chat.address));
    let server = Server::start(project.path());
    let ada = json!({"id": "ada", "attributes": {"email": "ada@walk.example", "first_name": "Ada", "owner": "eva@shop.example"},
                     "tags": ["lead"]});
    http::post(&server.address, "/v1/contacts", "application/json", ada.to_string().as_bytes()).unwrap();

    wait_until("the chat hears of it", Duration::from_secs(30), || !chat.asked().is_empty());
    assert_eq!(chat.asked()[0].body, json!({"text": "A lead: ada@walk.example"}).to_string());
    let outbox = project.path().join("outbox");
    let mails = || -> Vec<_> {
        let names = std::fs::read_dir(&outbox).into_iter().flatten().map(|entry| entry.unwrap().path());
        names.filter(|path| path.extension().is_some_and(|ending| ending == "eml")).collect()
    };
    wait_until("the question is asked", Duration::from_secs(30), || !mails().is_empty());
    let bytes = std::fs::read(&mails()[0]).unwrap();
    let mail = MessageParser::default().parse(&bytes).unwrap();
    assert_eq!(mail.to().unwrap().first().unwrap().address(), Some("eva@shop.example"));
    assert_eq!(mail.subject(), Some("Call Ada?"));
    let text = mail.body_text(0).unwrap();
    let page = text.lines().find_map(|line| line.find("/t/a/").map(|at| line.split_at(at).1)).unwrap();

    let asked = http::get(&server.address, page).unwrap();
    assert_eq!(asked.status, 200);
    assert!(asked.text().contains("Call Ada?") && asked.text().contains("value=\"yes\""), "{}", asked.text());
    let form = "application/x-www-form-urlencoded";
    assert_eq!(http::post(&server.address, page, form, b"answer=perhaps").unwrap().status, 400);
    assert_eq!(http::post(&server.address, &page.replace("/t/a/", "/t/a/x"), form, b"answer=yes").unwrap().status, 404);
    assert_eq!(http::post(&server.address, page, form, b"answer=yes").unwrap().status, 200);
    assert_eq!(http::post(&server.address, page, form, b"answer=no").unwrap().status, 200);
    assert!(server.terminate().0.success());
    // The answers may have come too late to be applied before the stop.
    let server = Server::start(project.path());
    std::thread::sleep(Duration::from_millis(300));
    assert!(server.terminate().0.success());

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ada = runtime.block_on(async {
        let store = SqliteStore::open(project.path().join("journey.db")).await.unwrap();
        store.contact("ada").await.unwrap().unwrap()
    });
    assert!(ada.tags.contains("called") && !ada.tags.contains("let_go"), "{:?}", ada.tags);
}
