//! What contacts want, end to end: who unsubscribed gets nothing more, also under another name; programs that follow every link
//! change nothing; secrets stay where they are. `race/` is about unsubscribes in the middle of sending.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failure is a failing test")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use journey_runtime::core::contact::ContactId;
use journey_runtime::core::effect::TraceEvent;
use journey_runtime::store::{DeliveryResult, SqliteStore, Store};
use journey_tests::binary::{self, Server};
use journey_tests::project::Project;
use journey_tests::sink::Sink;
use journey_tests::{http, wait_until};
use mail_parser::MessageParser;
use serde_json::{Value as Json, json};

const BASE: &str = "http://t.walk.example";
const KEY: &str = "canary-of-links-0f9d2c";
const TOKEN: &str = "canary-of-the-api-71b3";

/// `first` for whoever gets the tag `begun`, `second` after a click, `offer` for each `ping`.
fn project(sink: &Sink) -> Project {
    // A blow holds nothing: whoever did not unsubscribe gets the mail.
    let settings = format!(
        "[project]\nname = \"wants\"\ntimezone = \"Europe/Berlin\"\n\n[email]\nsmtp = \"{}\"\n\n\
         [track]\nbase_url = \"{BASE}\"\nsecret = \"env:LINK_KEY\"\n\n\
         [outbox]\nmarketing = \"resend\"\n",
        sink.url()
    );
    Project::of(&[
        ("journey.toml", &settings),
        (
            "journeys/wants.journey",
            r#"
contact { email: email  name: text? }
tags { begun }
event ping { n: number }
topic offers "Offers and news"
policy { sender "Walk <walk@walk.example>"  address "Walk Ltd, 1 Path, Walkton" }

journey follow {
  on tag begun
  reenter never
  topic offers
  send email first as first
  wait for clicked first up to 1d else end
  send email second
  end
}

journey offers {
  on ping
  reenter always
  topic offers
  send email offer
  end
}
"#,
        ),
        (
            "messages/first.email.md",
            "---\nsubject: First\ntopic: offers\n---\nHello {{ name | default(\"you\") }}: [look](https://shop.example/a), \
             [choose]({{ preferences_url }}), [confirm]({{ confirm_url }})\n",
        ),
        ("messages/second.email.txt", "---\nsubject: Second\n---\nHello again.\n"),
        ("messages/offer.email.txt", "---\nsubject: Offer\n---\nCheap.\n"),
    ])
}

fn start(project: &Project) -> Server {
    Server::start_with(project.path(), &[("LINK_KEY", KEY), ("JOURNEY_API_TOKEN", TOKEN)])
}

fn api(server: &Server, method: &str, path: &str, body: &str) -> http::Answer {
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("Content-Type", "application/x-ndjson"), ("Authorization", bearer.as_str())];
    http::request(&server.address, method, path, &headers, body.as_bytes()).unwrap()
}

fn post(server: &Server, path: &str, lines: impl IntoIterator<Item = Json>) {
    let body: String = lines.into_iter().map(|line| format!("{line}\n")).collect();
    let answer = api(server, "POST", path, &body);
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert!(answer.text().contains("\"refused\":[]"), "{}", answer.text());
}

fn ping(contact: &str) -> Json {
    json!({"id": format!("ping-{contact}"), "contact": contact, "event": "ping", "data": {"n": 1}})
}

/// All addresses of ours in a mail, as paths on the server.
fn links(mail: &[u8]) -> BTreeSet<String> {
    let mail = MessageParser::default().parse(mail).unwrap();
    let header = mail.header_raw("List-Unsubscribe").unwrap().to_owned();
    let html = mail.body_html(0).unwrap().into_owned();
    let text = mail.body_text(0).unwrap().into_owned();
    let mut found = BTreeSet::new();
    for text in [header, html, text] {
        for rest in text.split(BASE).skip(1) {
            let link = rest.split(|c: char| !c.is_ascii_alphanumeric() && !"/-_.".contains(c)).next().unwrap();
            found.insert(link.trim_end_matches('.').to_owned());
        }
    }
    found
}

fn link_of(mail: &[u8], kind: &str) -> String {
    let found = links(mail).into_iter().find(|link| link.starts_with(&format!("/t/{kind}/")));
    found.unwrap_or_else(|| panic!("no /t/{kind}/ in {}", String::from_utf8_lossy(mail)))
}

fn read<T>(project: &Project, read: impl AsyncFnOnce(&SqliteStore) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(project.path().join("journey.db")).await.unwrap();
        read(&store).await
    })
}

#[test]
fn one_unsubscribe_silences_two_contacts_with_one_address_and_nothing_is_told() {
    let sink = Sink::accepting();
    let project = project(&sink);
    let server = start(&project);
    let person = |id: &str, email: &str| json!({"id": id, "attributes": {"email": email, "name": "Kanarienvogelname"}});
    let people = [("ada", "home@walk.example"), ("bo", "Home@Walk.example"), ("cy", "cy@walk.example")];
    post(&server, "/v1/contacts", people.map(|(id, email)| person(id, email)));
    post(&server, "/v1/events", people.map(|(id, _)| json!({"id": id, "contact": id, "tag": "begun"})));
    wait_until("three mails have come", Duration::from_secs(30), || sink.count() == 3);
    let home = sink.accepted().into_iter().find(|mail| mail.to[0].eq_ignore_ascii_case("home@walk.example")).unwrap();
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer =
        http::request(&server.address, "POST", &link_of(&home.data, "u"), &form, b"List-Unsubscribe=One-Click")
            .unwrap();
    assert_eq!(answer.status, 200);
    post(&server, "/v1/events", people.map(|(id, _)| ping(id)));
    wait_until("the offer for cy has come", Duration::from_secs(30), || sink.count() == 4);
    assert_eq!(api(&server, "GET", "/v1/contacts/nobody/consent", "").status, 404);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(sink.accepted()[3].to, ["cy@walk.example"], "and for nobody else");
    assert_eq!(sink.count(), 4);
    let (status, log) = server.terminate();
    assert!(status.success(), "{log}");

    let skipped = read(&project, async |store| {
        let mut skipped = 0;
        for contact in ["ada", "bo"] {
            let id = store.contact(contact).await.unwrap().unwrap().id;
            let deliveries = store.deliveries(id).await.unwrap();
            skipped += deliveries.iter().filter(|d| matches!(d.result, DeliveryResult::Failed { .. })).count();
        }
        skipped
    });
    assert_eq!(skipped, 1, "one of them is not even let in, the other one's message is held back at the gate");
    assert_eq!(binary::run(["build".as_ref(), project.path().as_os_str()]).code, Some(0));
    for canary in [KEY, TOKEN] {
        assert!(!log.contains(canary), "{log}");
        for (name, bytes) in project.files("") {
            let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            assert!(!found, "{name} holds {canary}");
        }
    }
    for canary in ["Kanarienvogelname", "home@walk.example", "cy@walk.example"] {
        assert!(!log.to_lowercase().contains(&canary.to_lowercase()), "{log}");
    }
}

/// Every link, by GET, HEAD and OPTIONS; `JOURNEY_MAILS=1000` makes it more than the sample that every run takes.
#[test]
fn scanners_that_follow_everything_change_nothing() {
    let count: usize = std::env::var("JOURNEY_MAILS").map_or(60, |count| count.parse().unwrap());
    let sink = Sink::accepting();
    let project = project(&sink);
    let server = start(&project);
    let all = || (0..count).map(|n| format!("c{n}"));
    let people = all().map(|id| json!({"attributes": {"email": format!("{id}@walk.example")}, "id": id}));
    post(&server, "/v1/contacts", people);
    post(&server, "/v1/events", all().map(|id| json!({"id": id, "contact": id, "tag": "begun"})));
    wait_until("all mails have come", Duration::from_secs(60), || sink.count() == count);
    let mut kinds = BTreeMap::new();
    for mail in sink.accepted() {
        for link in links(&mail.data) {
            for (method, agent) in
                [("GET", "python-requests/2.31"), ("HEAD", "Mozilla/5.0 (X11; Linux x86_64)"), ("OPTIONS", "curl/8")]
            {
                let answer = http::request(&server.address, method, &link, &[("User-Agent", agent)], b"").unwrap();
                assert!(answer.status < 400 || method == "OPTIONS", "{method} {link}: {}", answer.status);
                assert_eq!(answer.header("set-cookie"), None);
            }
            *kinds.entry(link.get(..5).unwrap().to_owned()).or_insert(0) += 1;
        }
    }
    let expected = ["/t/c/", "/t/o/", "/t/p/", "/t/s/", "/t/u/"].map(|kind| (kind.to_owned(), count));
    assert_eq!(kinds, expected.into());
    std::thread::sleep(Duration::from_millis(500));
    let ledger = api(&server, "GET", "/v1/contacts/c0/consent", "");
    assert_eq!(ledger.text(), "{\"contact\":\"c0\",\"ledger\":[]}");
    assert!(server.terminate().0.success());
    assert_eq!(sink.count(), count, "nobody moved");
    read(&project, async |store| {
        for contact in store.contacts_after(ContactId(0), count + 1).await.unwrap() {
            assert!(contact.state.consents.is_empty() && !contact.state.unsubscribed_all, "{contact:?}");
            let trace = store.trace(contact.id).await.unwrap();
            let by_person = |event: &TraceEvent| matches!(event, TraceEvent::Message { machine: false, .. });
            let told: Vec<_> = trace.iter().filter(|entry| by_person(&entry.event)).collect();
            assert!(told.len() <= 1, "the delivery alone: {told:?}");
        }
    });
}
