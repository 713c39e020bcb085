use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use journey_bytecode::Channel;
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::*;
use crate::send::Transport;
use crate::store::{SqliteStore, Store};
use crate::testing::{Recorder, bundle};

/// A server on a port of its own, in a folder of its own.
struct Running {
    address: SocketAddr,
    transport: Arc<Recorder>,
    submitter: Submitter,
    folder: tempfile::TempDir,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<Result<(), ServeError>>,
}

fn config(folder: &tempfile::TempDir, transport: &Arc<Recorder>) -> ServeConfig {
    let transports = Channel::ALL.map(|channel| (channel, Arc::clone(transport) as Arc<dyn Transport>));
    ServeConfig {
        transports: BTreeMap::from(transports),
        base_url: Some("http://localhost".into()),
        ..ServeConfig::new(([127, 0, 0, 1], 0).into(), folder.path().join("journey.db"))
    }
}

async fn serve_in(folder: tempfile::TempDir, token: Option<&str>, bundle: journey_bytecode::Bundle) -> Running {
    let transport = Recorder::new();
    let tokens = Tokens { all: token.map(Into::into), read: token.map(|_| "reader".into()), ..Tokens::default() };
    let config = ServeConfig { tokens, ..config(&folder, &transport) };
    let server = Server::start(config, bundle).await.unwrap();
    let (address, submitter) = (server.address(), server.engine().submitter());
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    Running { address, transport, submitter, folder, stop, served }
}

async fn serve() -> Running {
    serve_in(tempfile::tempdir().unwrap(), None, bundle()).await
}

struct Answer {
    status: u16,
    headers: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Running {
    async fn request(&self, method: &str, path: &str, headers: &[&str], body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
        for header in headers {
            head.push_str(&format!("{header}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server may answer before it has read everything, and close.
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        let (headers, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
        let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, headers: headers.to_lowercase(), body: body.to_owned() }
    }

    async fn post(&self, path: &str, kind: &str, body: &str) -> Answer {
        self.request("POST", path, &[&format!("Content-Type: {kind}")], body.as_bytes()).await
    }

    async fn json(&self, path: &str, body: &str) -> (u16, Json) {
        let answer = self.post(path, "application/json", body).await;
        (answer.status, answer.json())
    }

    async fn messages(&self, count: usize) -> Vec<(i64, String)> {
        for _ in 0..5_000 {
            let log = self.transport.log();
            if log.len() >= count {
                return log;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("{count} messages, not {:?}", self.transport.log());
    }

    /// Waits until so many inputs are applied, the results of deliveries among them.
    async fn applied(&self, count: u64) {
        for _ in 0..5_000 {
            if self.submitter.metrics().applied >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("{count} inputs, not {:?}", self.submitter.metrics());
    }

    async fn stop(self) -> tempfile::TempDir {
        self.stop.send(()).unwrap();
        self.served.await.unwrap().unwrap();
        self.folder
    }
}

fn counted(accepted: u64, duplicates: u64) -> Json {
    serde_json::json!({"accepted": accepted, "duplicates": duplicates, "refused": []})
}

#[tokio::test]
async fn contacts_and_events_come_in() {
    let server = serve().await;
    let ada = r#"{"id":"ada","attributes":{"email":"ada@x.example"}}"#;
    assert_eq!(server.json("/v1/contacts", ada).await, (202, counted(1, 0)));
    let many = r#"[{"id":"bob","attributes":{"email":"bob@x.example"},"tags":["lead"]},{"id":"ada","tags":["vip"]}]"#;
    assert_eq!(server.json("/v1/contacts", many).await, (202, counted(2, 0)));
    let events =
        "{\"id\":\"1\",\"contact\":\"ada\",\"tag\":\"lead\"}\n\n{\"id\":\"1\",\"contact\":\"ada\",\"tag\":\"lead\"}\n";
    let answer = server.post("/v1/events", "application/x-ndjson; charset=utf-8", events).await;
    assert_eq!((answer.status, answer.json()), (202, counted(1, 1)));
    assert_eq!(server.messages(2).await, [(2, "story".to_owned()), (1, "story".to_owned())]);
    server.applied(4 + 2).await;
    let folder = server.stop().await;
    let store = SqliteStore::open(folder.path().join("journey.db")).await.unwrap();
    assert!(store.contact("ada").await.unwrap().unwrap().tags.iter().eq(["lead", "vip"]));
}

#[tokio::test]
async fn what_is_wrong_is_answered() {
    let server = serve().await;
    let mut answers = String::new();
    let mut note = |what: &str, answer: Answer| {
        answers.push_str(&format!("{what}\n    {} {}\n", answer.status, answer.body));
    };
    server.json("/v1/contacts", r#"{"id":"ada","attributes":{"email":"ada@x.example"}}"#).await;
    server.json("/v1/events", r#"{"id":"1","contact":"ada","tag":"vip"}"#).await;
    for (path, kind, body) in [
        ("/v1/contacts", "application/json", "{"),
        ("/v1/contacts", "application/json", ""),
        ("/v1/contacts", "application/json", "[]"),
        ("/v1/contacts", "application/json", "7"),
        ("/v1/contacts", "application/json", r#"{"id":"bob"}"#),
        ("/v1/contacts", "application/json", r#"{"id":"bob","attributes":{"emial":"b"}}"#),
        ("/v1/contacts", "text/plain", "{}"),
        ("/v1/events", "application/json", r#"{"id":"1","contact":"ada","tag":"lead"}"#),
        ("/v1/events", "application/json", r#"{"id":"2","contact":"nobody","tag":"lead"}"#),
        ("/v1/events", "application/json", r#"{"contact":"ada","event":"purchase","data":{"amount":"many"}}"#),
        ("/v1/events", "application/json", r#"{"contact":"ada","at":"2999-01-01T00:00:00Z","tag":"lead"}"#),
        (
            "/v1/events",
            "application/x-ndjson",
            "{\"contact\":\"ada\",\"tag\":\"lead\"}\nnonsense\n{\"contact\":\"ada\",\"tag\":\"leda\"}\n\
             {\"id\":\"1\",\"contact\":\"ada\",\"tag\":\"lead\"}\n",
        ),
        ("/v1/nothing", "application/json", "{}"),
    ] {
        // The present moment would differ each time.
        let mut answer = server.post(path, kind, body).await;
        if let Some(place) = answer.body.find("(it is ") {
            answer.body.replace_range(place..place + 36, "(..)");
        }
        note(&format!("{path} {kind} {body}"), answer);
    }
    note("GET /v1/events", server.request("GET", "/v1/events", &[], b"").await);
    note("no content type", server.request("POST", "/v1/events", &[], b"{}").await);
    let large = vec![b' '; MAX_BODY + 1];
    note("a large body", server.request("POST", "/v1/events", &["Content-Type: application/json"], &large).await);
    let lines = "{}\n".repeat(MAX_LINES + 1);
    note("many lines", server.post("/v1/events", "application/x-ndjson", &lines).await);
    insta::assert_snapshot!(answers);
    server.stop().await;
}

#[tokio::test]
async fn a_token_is_asked_for() {
    let server = serve_in(tempfile::tempdir().unwrap(), Some("s3cret"), bundle()).await;
    let body = br#"{"id":"ada","attributes":{"email":"ada@x.example"}}"#;
    let post = async |authorization: &str| {
        let headers = ["Content-Type: application/json", authorization];
        server.request("POST", "/v1/contacts", &headers, body).await
    };
    for wrong in ["X-None: 1", "Authorization: Bearer s3cre", "Authorization: Bearer", "Authorization: Basic s3cret"] {
        let answer = post(wrong).await;
        assert_eq!(answer.status, 401, "{wrong}");
        assert!(answer.headers.contains("www-authenticate: bearer"), "{}", answer.headers);
    }
    assert_eq!(post("Authorization: Bearer s3cret").await.status, 202);
    assert_eq!(server.request("GET", "/healthz", &[], b"").await.status, 200, "for whoever watches the process");
    server.stop().await;
}

#[tokio::test]
async fn every_answer_has_an_id() {
    let server = serve().await;
    let id = |answer: &Answer| {
        let mut lines = answer.headers.lines();
        lines.find_map(|line| line.strip_prefix("x-request-id: ")).map(str::to_owned).unwrap()
    };
    let own = server.request("GET", "/readyz", &["X-Request-Id: mine-7"], b"").await;
    assert_eq!((own.status, id(&own)), (200, "mine-7".to_owned()));
    let (first, second) = (server.request("GET", "/x", &[], b"").await, server.request("GET", "/x", &[], b"").await);
    assert_ne!(id(&first), id(&second));
    server.stop().await;
}

#[tokio::test]
async fn links_lead_back() {
    let server = serve().await;
    server.json("/v1/contacts", r#"{"id":"ada","attributes":{"email":"ada@x.example"},"tags":["lead"]}"#).await;
    server.messages(1).await;
    let unsubscribe = match &server.transport.seen.lock().unwrap()[0].content {
        crate::render::Content::Mail(mail) => mail.unsubscribe.clone().unwrap(),
        other => panic!("{other:?}"),
    };
    let path = unsubscribe.strip_prefix("http://localhost").unwrap().to_owned();
    let form = ["Content-Type: application/x-www-form-urlencoded"];
    let answer = server.request("POST", &path, &form, b"List-Unsubscribe=One-Click").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    server.applied(3).await;
    let folder = server.stop().await;
    let store = SqliteStore::open(folder.path().join("journey.db")).await.unwrap();
    assert!(store.contact("ada").await.unwrap().unwrap().state.unsubscribed_all);
}

#[tokio::test]
async fn runs_finish_on_the_version_they_began_on() {
    let server = serve().await;
    server.json("/v1/contacts", r#"{"id":"ada","attributes":{"email":"ada@x.example"},"tags":["lead"]}"#).await;
    server.applied(2).await;
    let folder = server.stop().await;
    // The journey loses its middle, and its messages; one contact is under way.
    let mut changed = bundle();
    changed.programs[0].code = vec![journey_bytecode::Op::Step(journey_bytecode::StepIx(5)), journey_bytecode::Op::End];
    changed.programs[0].exits.clear();
    changed.programs[0].waits.clear();
    changed.programs[0].sends.clear();
    changed.programs[0].handles.clear();
    changed.messages.clear();
    let server = serve_in(folder, None, changed).await;
    let purchase = r#"{"contact":"ada","event":"purchase","data":{"amount":"9 EUR"}}"#;
    assert_eq!(server.json("/v1/events", purchase).await.0, 202);
    server.json("/v1/contacts", r#"{"id":"bob","attributes":{"email":"bob@x.example"},"tags":["lead"]}"#).await;
    server.applied(2).await;
    let folder = server.stop().await;
    let store = SqliteStore::open(folder.path().join("journey.db")).await.unwrap();
    let ended = |contact: crate::core::contact::Contact| contact.state.ended[0].reason.clone();
    use crate::core::contact::EndReason;
    assert_eq!(ended(store.contact("ada").await.unwrap().unwrap()), EndReason::Exit("purchase".into()), "the old one");
    assert_eq!(ended(store.contact("bob").await.unwrap().unwrap()), EndReason::Ended, "the new one");
    assert_eq!(store.programs().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let server = serve().await;
    let other = tempfile::tempdir().unwrap();
    let same_port = ServeConfig { listen: server.address, ..config(&other, &server.transport) };
    let error = Server::start(same_port, bundle()).await.unwrap_err().to_string();
    assert!(error.starts_with("cannot listen on 127.0.0.1:"), "{error}");
    let same_file = config(&server.folder, &server.transport);
    let error = Server::start(same_file, bundle()).await.unwrap_err();
    assert!(matches!(error, ServeError::Store(crate::store::StoreError::InUse { .. })), "{error}");
    let short = ServeConfig { secrets: vec!["short".into()], ..config(&other, &server.transport) };
    assert!(matches!(Server::start(short, bundle()).await.unwrap_err(), ServeError::Secret));
    server.stop().await;
}

#[tokio::test]
async fn who_may_look_may_not_hand_in_or_operate() {
    let server = serve_in(tempfile::tempdir().unwrap(), Some("secret"), bundle()).await;
    let (all, reader) = ("Authorization: Bearer secret", "Authorization: Bearer reader");
    let json = "Content-Type: application/json";
    let ada = br#"{"id":"ada","attributes":{"email":"ada@x.example"},"tags":["lead"]}"#;
    assert_eq!(server.request("POST", "/v1/contacts", &[reader, json], ada).await.status, 403);
    assert_eq!(server.request("POST", "/v1/contacts", &[all, json], ada).await.status, 202);
    server.messages(1).await;
    server.applied(2).await;

    let told = server.request("GET", "/v1/contacts/ada?journey=nurture", &[reader], b"").await;
    assert_eq!((told.status, &told.json()["contact"]), (200, &Json::from("ada")));
    assert_eq!(server.request("GET", "/v1/contacts/eve", &[reader], b"").await.status, 404);
    assert_eq!(server.request("GET", "/v1/contacts/ada", &[], b"").await.status, 401);

    let metrics = server.request("GET", "/metrics", &[reader], b"").await;
    for line in ["# TYPE journey_accepted_total counter", "journey_accepted_total 1", "journey_delivered_total 1"] {
        assert!(metrics.body.lines().any(|other| other == line), "{line}: {}", metrics.body);
    }
    let outbox = server.request("GET", "/v1/outbox?state=held", &[reader], b"").await;
    assert_eq!((outbox.status, outbox.json()), (200, serde_json::json!({"messages": []})));
    assert_eq!(server.request("GET", "/v1/outbox?state=lost", &[reader], b"").await.status, 400);
    let retry =
        async |token: &str| server.request("POST", "/v1/outbox/retry", &[token, json], br#"{"ids":["1/0"]}"#).await;
    assert_eq!(retry(reader).await.status, 403);
    assert_eq!(retry(all).await.json(), serde_json::json!({"done": 0, "left": ["1/0"]}));
    let wrong = server.request("POST", "/v1/outbox/drop", &[all, json], br#"{"ids":["x"]}"#).await;
    assert_eq!(wrong.status, 422);
    server.stop().await;
}

/// Every route is described, and what is described is there.
#[tokio::test]
async fn the_description_names_every_route() {
    let server = serve().await;
    let described = server.request("GET", "/v1/openapi.json", &[], b"").await.json();
    let paths = described["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 14);
    for (path, methods) in paths {
        for method in methods.as_object().unwrap().keys() {
            let path = path.replace("{id}", "nobody");
            let answer =
                server.request(&method.to_uppercase(), &path, &["Content-Type: application/json"], b"{}").await;
            assert!(
                answer.status != 405 && !answer.body.contains("there is nothing here"),
                "{method} {path}: {}",
                answer.body
            );
        }
    }
    server.stop().await;
}
