//! Words for colleagues by `journey serve`: a notice reaches a chat, a question comes by mail and is answered on its page.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failure is a failing test")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use journey_runtime::store::{SqliteStore, Store};
use journey_tests::binary::Server;
use journey_tests::project::Project;
use journey_tests::{http, wait_until};
use mail_parser::MessageParser;
use serde_json::json;

/// A chat's incoming webhook: what it was sent.
fn chat() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let said = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&said);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut raw = Vec::new();
            while !raw.ends_with(b"}") {
                let mut chunk = [0; 4096];
                let read = stream.read(&mut chunk).unwrap();
                raw.extend_from_slice(&chunk[..read]);
            }
            let text = String::from_utf8(raw).unwrap();
            seen.lock().unwrap().push(text.split_once("\r\n\r\n").unwrap().1.to_owned());
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok").unwrap();
        }
    });
    (address, said)
}

#[test]
fn a_colleague_is_told_and_asked_and_the_first_answer_counts() {
    let (address, said) = chat();
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
    project.write("slack", &format!("http://{address}/services/T0\n"));
    let server = Server::start(project.path());
    let ada = json!({"id": "ada", "attributes": {"email": "ada@walk.example", "first_name": "Ada", "owner": "eva@shop.example"},
                     "tags": ["lead"]});
    http::post(&server.address, "/v1/contacts", "application/json", ada.to_string().as_bytes()).unwrap();

    wait_until("the chat hears of it", Duration::from_secs(30), || !said.lock().unwrap().is_empty());
    assert_eq!(said.lock().unwrap().as_slice(), [json!({"text": "A lead: ada@walk.example"}).to_string()]);
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
