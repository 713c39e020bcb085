//! `journey serve` over HTTP: what comes in counts once, what is wrong is refused line by line, what comes back from mails
//! moves people and nobody else, and a stop is clean.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failure is a failing test")]

use std::path::Path;
use std::time::Duration;

use journey_bytecode::Value;
use journey_runtime::core::contact::{Contact, EndReason};
use journey_runtime::core::effect::{NotEntered, TraceEntry, TraceEvent};
use journey_runtime::store::{Counts, SqliteStore, Store};
use journey_tests::binary::{self, Server};
use journey_tests::http::{self, Answer};
use journey_tests::project::{Project, walk};
use journey_tests::sink::Sink;
use journey_tests::wait_until;
use mail_parser::MessageParser;
use serde_json::{Value as Json, json};

const NDJSON: &str = "application/x-ndjson";

fn post(server: &Server, path: &str, body: &Json) -> (u16, Json) {
    let answer = http::post(&server.address, path, "application/json", body.to_string().as_bytes()).unwrap();
    (answer.status, serde_json::from_str(&answer.text()).unwrap_or_else(|_| panic!("{}", answer.text())))
}

fn lines(server: &Server, path: &str, body: &str) -> (u16, Json) {
    let answer = http::post(&server.address, path, NDJSON, body.as_bytes()).unwrap();
    (answer.status, serde_json::from_str(&answer.text()).unwrap_or_else(|_| panic!("{}", answer.text())))
}

fn taken(accepted: u64, duplicates: u64) -> (u16, Json) {
    (202, json!({"accepted": accepted, "duplicates": duplicates, "refused": []}))
}

/// What a stopped server left in its database: the counts, a contact and its trace.
fn stored(project: &Path, contact: &str) -> (Counts, Contact, Vec<TraceEntry>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(project.join("journey.db")).await.unwrap();
        let contact = store.contact(contact).await.unwrap().unwrap();
        let trace = store.trace(contact.id).await.unwrap();
        (store.counts().await.unwrap(), contact, trace)
    })
}

fn ada() -> Json {
    json!({"id": "ada", "attributes": {"email": "ada@walk.example"}})
}

fn ping(id: &str) -> Json {
    json!({"id": id, "contact": "ada", "event": "ping", "data": {"n": 1}})
}

#[test]
fn what_comes_twice_counts_once_also_across_restarts() {
    let project = walk("");
    let server = Server::start(project.path());
    assert_eq!(post(&server, "/v1/contacts", &ada()), taken(1, 0));
    assert_eq!(post(&server, "/v1/events", &ping("e1")), taken(1, 0));
    assert_eq!(post(&server, "/v1/events", &ping("e1")), taken(0, 1));
    assert_eq!(post(&server, "/v1/events", &json!([ping("e1"), ping("e2"), ping("e2")])), taken(1, 2));
    server.kill();
    let server = Server::start(project.path());
    assert_eq!(post(&server, "/v1/events", &ping("e2")), taken(0, 1));
    let (status, answer) = post(&server, "/v1/events", &json!({"id": "e2", "contact": "ada", "tag": "begun"}));
    assert_eq!(status, 409, "another content under a known id: {answer}");
    assert_eq!(post(&server, "/v1/events", &ping("e3")), taken(1, 0));
    assert!(server.terminate().0.success());
    let server = Server::start(project.path());
    assert_eq!(post(&server, "/v1/events", &ping("e3")), taken(0, 1));
    assert!(server.terminate().0.success());
    let (counts, ada, _) = stored(project.path(), "ada");
    assert_eq!((counts.contacts, counts.pending), (1, 0));
    assert_eq!(ada.attributes.get("pings"), Some(&Value::int(3)));
}

#[test]
fn bad_lines_are_refused_one_by_one() {
    let project = walk("");
    let server = Server::start(project.path());
    let body = "{\"id\":\"ada\",\"attributes\":{\"email\":\"ada@walk.example\"}}\n\
                {\"id\":\"bo\",\"attributes\":{\"email\":\"not an address\"}}\n\
                this is not JSON\n\
                \n\
                {\"id\":\"cy\",\"attributes\":{\"email\":\"cy@walk.example\",\"shoe_size\":42}}\n\
                {\"id\":\"di\",\"attributes\":{\"email\":\"di@walk.example\"}}";
    let (status, answer) = lines(&server, "/v1/contacts", body);
    assert_eq!(status, 202);
    insta::assert_json_snapshot!("contacts", answer);
    let body = "{\"id\":\"1\",\"contact\":\"ada\",\"tag\":\"begnu\"}\n\
                {\"id\":\"2\",\"contact\":\"ada\",\"event\":\"ping\",\"data\":{\"n\":\"many\"}}\n\
                {\"id\":\"3\",\"contact\":\"nobody\",\"tag\":\"begun\"}\n\
                {\"id\":\"4\",\"contact\":\"ada\",\"tag\":\"begun\",\"untag\":\"begun\"}\n\
                {\"id\":\"5\",\"contact\":\"ada\",\"event\":\"ping\",\"data\":{\"n\":5}}\n";
    let (status, answer) = lines(&server, "/v1/events", body);
    assert_eq!(status, 202);
    insta::assert_json_snapshot!("events", answer);
    let (status, _) = lines(&server, "/v1/events", "[]garbage");
    assert_eq!(status, 422, "nothing was taken");
    assert_eq!(http::post(&server.address, "/v1/events", "text/plain", b"x").unwrap().status, 415);
    assert_eq!(http::get(&server.address, "/v1/events").unwrap().status, 405);
    assert_eq!(http::get(&server.address, "/v2/events").unwrap().status, 404);
}

#[test]
fn a_token_is_asked_for_where_one_is_set() {
    let project = walk("");
    let server = Server::start_with(project.path(), &[("JOURNEY_API_TOKEN", "open sesame")]);
    assert_eq!(post(&server, "/v1/contacts", &ada()).0, 401);
    let with = |token: &str| {
        let headers = [("Content-Type", "application/json"), ("Authorization", token)];
        http::request(&server.address, "POST", "/v1/contacts", &headers, ada().to_string().as_bytes()).unwrap().status
    };
    assert_eq!((with("Bearer guess"), with("Bearer open sesame")), (401, 202));
}

/// A project whose mails carry tracked links, without a mail server: its mails are files.
fn tracked() -> Project {
    Project::of(&[
        (
            "journey.toml",
            "[project]\nname = \"follow\"\ntimezone = \"Europe/Berlin\"\n\n[track]\nbase_url = \"http://t.walk.example\"\n",
        ),
        (
            "journeys/follow.journey",
            r#"
contact { email: email }
tags { begun asked }
topic offers "Offers and news"
policy { sender "Walk <walk@walk.example>"  address "Walk Ltd, 1 Path, Walkton" }

journey follow {
  on tag begun
  reenter never
  topic offers
  send email first as first
  wait for clicked first up to 1h else end
  send email second
  wait 1h
  end
}

journey answer {
  on tag asked
  reenter always
  topic offers
  send email second
  end
}
"#,
        ),
        ("messages/first.email.md", "---\nsubject: First\n---\n[Look](https://shop.example/a?b=1&c=%C3%BC#top)\n"),
        ("messages/second.email.txt", "---\nsubject: Second\n---\nHello again.\n"),
    ])
}

/// The addresses of a mail: its pixel, its first link, its unsubscribe link, as paths on the server.
struct Addresses {
    pixel: String,
    link: String,
    unsubscribe: String,
}

fn mails(project: &Project) -> Vec<Vec<u8>> {
    let files = project.files("outbox").into_iter();
    files.filter(|(name, _)| name.ends_with(".eml")).map(|(_, bytes)| bytes).collect()
}

fn addresses(mail: &[u8]) -> Addresses {
    let mail = MessageParser::default().parse(mail).unwrap();
    let html = mail.body_html(0).unwrap().into_owned();
    let path = |text: &str, kind: &str| {
        let start = text.find(&format!("http://t.walk.example/t/{kind}/")).unwrap_or_else(|| panic!("{text}"));
        let address = text.get(start..).unwrap().split(['"', '>']).next().unwrap();
        address.strip_prefix("http://t.walk.example").unwrap().to_owned()
    };
    let unsubscribe = path(mail.header_raw("List-Unsubscribe").unwrap(), "u");
    Addresses { pixel: path(&html, "o"), link: path(&html, "c"), unsubscribe }
}

const BROWSER: (&str, &str) = ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0");

fn fetch(server: &Server, method: &str, path: &str, agent: (&str, &str), body: &[u8]) -> Answer {
    let headers = [agent, ("Content-Type", "application/x-www-form-urlencoded")];
    http::request(&server.address, method, path, &headers, body).unwrap()
}

#[test]
fn opens_clicks_and_unsubscribes_come_back() {
    let project = tracked();
    let server = Server::start(project.path());
    post(&server, "/v1/contacts", &ada());
    post(&server, "/v1/events", &json!({"id": "1", "contact": "ada", "tag": "begun"}));
    wait_until("the first mail is written", Duration::from_secs(20), || mails(&project).len() == 1);
    let Addresses { pixel, link, unsubscribe } = addresses(&mails(&project)[0]);

    // Programs follow links, and move nobody.
    for (method, agent) in [("GET", ("User-Agent", "python-requests/2.31")), ("HEAD", BROWSER)] {
        for path in [&pixel, &link, &unsubscribe] {
            let answer = fetch(&server, method, path, agent, b"");
            assert!(answer.status < 400, "{method} {path}: {}", answer.status);
        }
    }
    // A forged address leads nowhere, wherever it was changed.
    for path in [&pixel, &link, &unsubscribe] {
        for at in path.rfind('/').unwrap() + 1..path.len() {
            let mut forged = path.clone().into_bytes();
            forged[at] = if forged[at] == b'x' { b'y' } else { b'x' };
            let answer = fetch(&server, "GET", &String::from_utf8(forged).unwrap(), BROWSER, b"");
            assert_eq!((answer.status, answer.header("location"), answer.text().as_str()), (404, None, "not found\n"));
        }
    }
    // A restart keeps the key.
    server.kill();
    let server = Server::start(project.path());

    // A person looks, and clicks.
    std::thread::sleep(Duration::from_millis(2_100));
    let answer = fetch(&server, "GET", &pixel, BROWSER, b"");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/gif")));
    assert!(answer.body.starts_with(b"GIF89a"));
    assert_eq!(mails(&project).len(), 1, "nothing that came before was a person's click");
    let answer = fetch(&server, "GET", &link, BROWSER, b"");
    assert_eq!((answer.status, answer.header("location")), (302, Some("https://shop.example/a?b=1&c=%C3%BC#top")));
    wait_until("the second mail is written", Duration::from_secs(20), || mails(&project).len() == 2);

    // Looking at the unsubscribe page changes nothing.
    let page = fetch(&server, "GET", &unsubscribe, BROWSER, b"");
    assert_eq!(page.status, 200);
    assert!(
        page.text().contains("<form method=\"post\"") && page.text().contains("Offers and news"),
        "{}",
        page.text()
    );
    post(&server, "/v1/events", &json!({"id": "2", "contact": "ada", "tag": "asked"}));
    wait_until("a mail is written after that", Duration::from_secs(20), || mails(&project).len() == 3);

    // What a mail program does.
    let answer = fetch(&server, "POST", &unsubscribe, BROWSER, b"List-Unsubscribe=One-Click");
    assert_eq!((answer.status, answer.header("location"), answer.header("set-cookie")), (200, None, None));
    post(&server, "/v1/events", &json!({"id": "3", "contact": "ada", "untag": "asked"}));
    post(&server, "/v1/events", &json!({"id": "4", "contact": "ada", "tag": "asked"}));
    std::thread::sleep(Duration::from_secs(1));
    assert!(server.terminate().0.success());
    assert_eq!(mails(&project).len(), 3, "nothing after the unsubscribe");

    let (counts, _, trace) = stored(project.path(), "ada");
    assert_eq!((counts.pending, counts.queued, counts.delivered), (0, 0, 3));
    let of = |journey: &'static str| trace.iter().filter(move |line| line.journey == journey).map(|line| &line.event);
    assert_eq!(of("follow").next_back(), Some(&TraceEvent::Ended(EndReason::Unsubscribed)));
    assert_eq!(of("answer").next_back(), Some(&TraceEvent::NotEntered { reason: NotEntered::Unsubscribed }));
    let machine = |event: &&TraceEvent| matches!(event, TraceEvent::Message { machine: true, .. });
    assert!(of("follow").filter(machine).count() >= 2, "what programs did is told: {trace:?}");
}

#[test]
fn a_stop_under_load_is_clean() {
    let sink = Sink::accepting();
    let project = walk(&format!("smtp = \"{}\"", sink.url()));
    let server = Server::start(project.path());
    let (mut people, mut events) = (String::new(), String::new());
    for n in 0..500 {
        people.push_str(&format!("{{\"id\":\"c{n}\",\"attributes\":{{\"email\":\"c{n}@walk.example\"}}}}\n"));
        events.push_str(&format!("{{\"id\":\"e{n}\",\"contact\":\"c{n}\",\"tag\":\"begun\"}}\n"));
    }
    assert_eq!(lines(&server, "/v1/contacts", &people), taken(500, 0));
    assert_eq!(lines(&server, "/v1/events", &events), taken(500, 0));
    // In the middle of sending.
    wait_until("mail leaves", Duration::from_secs(20), || sink.count() > 20);
    let (status, log) = server.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
    let sent = sink.count();
    let server = Server::start(project.path());
    wait_until("all mail has left", Duration::from_secs(120), || sink.distinct() == 1_000);
    assert!(server.terminate().0.success());
    assert_eq!(sink.count(), 1_000, "no mail left twice; {sent} had left before the stop");
}

/// Starting a second server on one database, or a project with errors, says what is wrong.
#[test]
fn what_cannot_start_says_why() {
    let project = walk("");
    let server = Server::start(project.path());
    let second =
        binary::run(["serve".as_ref(), project.path().as_os_str(), "--listen".as_ref(), "127.0.0.1:0".as_ref()]);
    assert_eq!(second.code, Some(2));
    assert!(second.stderr.contains("is in use by another process"), "{}", second.stderr);
    drop(server);
    project.write("journeys/broken.journey", "journey broken { on tag nothing_known end }\n");
    let broken =
        binary::run(["serve".as_ref(), project.path().as_os_str(), "--listen".as_ref(), "127.0.0.1:0".as_ref()]);
    assert_eq!(broken.code, Some(1));
    assert!((broken.stdout + &broken.stderr).contains("nothing_known"));
}
