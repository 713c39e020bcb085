//! Secrets and names of people go where they are meant to go and nowhere else: not into logs, errors, bytecode or an editor's
//! traffic. Canaries stand for them, and all that the binary says and writes is searched.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failure is a failing test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::time::Duration;

use journey_tests::binary::{self, Server};
use journey_tests::peer::Peer;
use journey_tests::project::Project;
use journey_tests::sink::{Sink, Verdict};
use journey_tests::{http, wait_until};
use serde_json::{Value as Json, json};

/// Secrets in the environment, by the variables that hold them.
const ENVIRONMENT: [(&str, &str); 6] = [
    ("CANARY_LINKS", "canary-of-links-5d1c"),
    ("CANARY_HOOKS", "canary-of-hooks-77ab"),
    ("CANARY_CALLS", "canary-of-calls-03fe"),
    ("CANARY_SLACK", "http://127.0.0.1:9/canary-of-slack-a1b2"),
    ("JOURNEY_API_TOKEN", "canary-of-the-api-4c5d"),
    ("CANARY_SMTP", "canary-of-smtp-6e2f"),
];

/// The mail server's password as it goes over the wire, with its user.
const LOGIN: &str = "AHdhbGtlcgBjYW5hcnktb2Ytc210cC02ZTJm";

/// What Google lets us in with.
const ACCESS: &str = "canary-of-google-8f21";

/// The key of the Firebase account.
const KEY: &str = include_str!("keys/rsa.pem");

/// A secret in a file.
const FILE: &str = "canary-of-a-file-99e0";

/// What nobody but the contact, the sender's database and the provider shall see.
const PEOPLE: [&str; 5] =
    ["kanarienvogel", "canary@walk.example", "+4915100000017", "4915100000017", "device-of-a-canary-31"];

fn secrets() -> Vec<&'static str> {
    let mut all: Vec<&str> = ENVIRONMENT.iter().map(|(_, secret)| *secret).collect();
    all.extend([FILE, "canary-of-slack-a1b2", LOGIN, ACCESS, KEY.lines().nth(9).unwrap()]);
    all
}

const JOURNEY: &str = r##"
contact { email: email  name: text = "you"  phone: phone?  push_token: text? }
tags { lead known }
topic offers "Offers"
policy { sender "Walk <walk@walk.example>"  address "Walk Ltd, 1 Path, Walkton" }
/// Greets.
journey greet {
  on tag lead
  reenter never
  topic offers
  purpose transactional
  send email hello
  send sms hi
  send push note
  send webhook told
  call crm.grade { email: email, phone: phone } as graded up to 5m else { notify slack "#sales" "no grade for {{ name }}" }
  if name is not "you" { add tag known }
}
"##;

fn project(sink: &Sink, peer: &Peer, google: &Peer) -> Project {
    let project = Project::of(&[
        (
            "journey.toml",
            &format!(
                "[project]\nname = \"canaries\"\ntimezone = \"Europe/Berlin\"\n\
                 [track]\nbase_url = \"https://t.example\"\nsecret = \"env:CANARY_LINKS\"\n\
                 [email]\nsmtp = \"{}\"\nuser = \"walker\"\npassword = \"env:CANARY_SMTP\"\n\
                 [sms]\nprovider = \"twilio\"\nurl = \"http://{peer}/sms\"\naccount = \"AC7\"\nfrom = \"+4930123\"\n\
                 secret = \"file:secret\"\n\
                 [push]\nfirebase = \"file:account.json\"\nurl = \"http://{google}\"\n\
                 [webhook]\nurl = \"http://{peer}/hooks\"\nsecret = \"env:CANARY_HOOKS\"\n\
                 [notify.slack]\n\"#sales\" = \"env:CANARY_SLACK\"\n\
                 [call]\nallow_private = true\n[call.crm.grade]\nurl = \"http://{peer}/grade\"\n\
                 secret = \"env:CANARY_CALLS\"\nanswer = {{ grade = \"text\" }}\n",
                sink.url(),
                peer = peer.address,
                google = google.address
            ),
        ),
        ("greet.journey", JOURNEY),
        (
            "messages/hello.email.md",
            "---\nsubject: Hello {{ name }}\n---\nHello. [Unsubscribe]({{ unsubscribe_url }})\n",
        ),
        ("messages/hi.sms.txt", "Hello {{ name }}\n"),
        ("messages/note.push.json", "{\"title\": \"Hello {{ name }}\"}"),
        ("messages/told.webhook.json", "{\"name\": \"{{ name }}\"}"),
    ]);
    project.write("secret", &format!("{FILE}\n"));
    let account = json!({"project_id": "walk", "client_email": "us@walk.example", "private_key": KEY,
        "token_uri": format!("http://{}/token", google.address)});
    project.write("account.json", &account.to_string());
    project
}

/// Fails where one of these is found, whatever the case of its letters.
fn holds_none_of(what: &str, text: &[u8], canaries: &[&str]) {
    let text = String::from_utf8_lossy(text).to_lowercase();
    for canary in canaries {
        let canary = canary.to_lowercase();
        let line = || text.lines().find(|line| line.contains(&canary)).unwrap_or_default();
        assert!(!text.contains(&canary), "{what} holds {canary}: {}", line());
    }
}

fn run(args: &[&str]) -> (String, String) {
    let output = binary::command(args).envs(ENVIRONMENT).output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn api(server: &Server, path: &str, body: &Json) -> http::Answer {
    let bearer = format!("Bearer {}", ENVIRONMENT[4].1);
    let headers = [("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
    http::request(&server.address, "POST", path, &headers, body.to_string().as_bytes()).unwrap()
}

#[test]
fn a_server_and_its_commands_tell_no_secrets_and_the_log_no_names() {
    // Everybody refuses, and quotes whom it refuses: what goes wrong says most.
    let sink = Sink::scripted(|_| Verdict::Refuse("550 5.1.1 Kanarienvogel <canary@walk.example> is unknown"));
    let peer = Peer::answering(&[("503 Later", "Kanarienvogel +4915100000017 sleeps")]);
    let google = Peer::answering(&[
        ("200 OK", "{\"access_token\": \"canary-of-google-8f21\", \"expires_in\": 3600}"),
        ("503 Later", "device-of-a-canary-31 sleeps, says canary-of-google-8f21"),
    ]);
    let project = project(&sink, &peer, &google);
    let path = project.path().display().to_string();
    let environment: Vec<_> = ENVIRONMENT.into_iter().chain([("RUST_LOG", "trace")]).collect();
    let server = Server::start_with(project.path(), &environment);
    let person = json!({"id": "c1", "attributes": {
        "email": "canary@walk.example", "name": "Kanarienvogel", "phone": "+4915100000017",
        "push_token": "device-of-a-canary-31"}, "tags": ["lead"]});
    assert_eq!(api(&server, "/v1/contacts", &person).status, 202);
    // What is refused is answered to whoever sent it, and not logged.
    let wrong = json!({"id": "c2", "attributes": {"email": "Kanarienvogel", "phone": "canary@walk.example"}});
    assert_eq!(api(&server, "/v1/contacts", &wrong).status, 422);
    assert_eq!(api(&server, "/v1/events", &json!({"contact": "Kanarienvogel", "event": "none"})).status, 422);
    wait_until("all are tried", Duration::from_secs(60), || {
        sink.refused().len() + peer.asked().len() > 3 && !sink.refused().is_empty() && google.asked().len() > 1
    });
    assert_eq!(sink.logins().first().map(String::as_str), Some(LOGIN));
    assert_eq!(google.asked()[1].headers["authorization"], format!("Bearer {ACCESS}"));
    let mut said = Vec::new();
    for args in [
        &["why", "c1"][..],
        &["outbox", "list"],
        &["export", "c1"],
        &["erase", "Kanarienvogel"],
        &["doctor"],
        &["plan"],
        &["check"],
    ] {
        let (out, err) = run(&[args, &["--project", &path]].concat());
        said.push((args.join(" "), out, err));
    }
    let (status, log) = server.terminate();
    assert!(status.success() && log.len() > 1_000, "{log}");
    holds_none_of("the log", log.as_bytes(), &secrets());
    holds_none_of("the log", log.as_bytes(), &PEOPLE);
    for (args, out, err) in &said {
        holds_none_of(args, out.as_bytes(), &secrets());
        holds_none_of(args, err.as_bytes(), &secrets());
    }
    let (out, err) = run(&["build", &path]);
    assert!(err.is_empty() || !out.is_empty(), "{err}");
    let files = project.files("");
    assert!(
        files.iter().any(|(name, _)| name.ends_with(".journeyc")),
        "{:?}",
        files.iter().map(|f| &f.0).collect::<Vec<_>>()
    );
    for (name, bytes) in files.iter().filter(|(name, _)| name != "secret" && name != "account.json") {
        holds_none_of(name, bytes, &secrets());
        // People are in the database alone.
        if !name.contains("journey.db") {
            holds_none_of(name, bytes, &PEOPLE);
        }
    }
}

/// What cannot be read, cannot be right, or is not there is said by the name of the place, not by what stands there.
#[test]
fn settings_that_cannot_work_are_explained_without_their_secrets() {
    let (sink, peer) = (Sink::accepting(), Peer::answering(&[("200 OK", "{}")]));
    let project = project(&sink, &peer, &peer);
    let path = project.path().display().to_string();
    let settings = project.read("journey.toml");
    let clean = binary::run(["check", &path]);
    assert_eq!(clean.code, Some(0), "{}", clean.stderr);
    for (from, to) in [
        ("secret = \"file:secret\"", "secret = \"file:absent\""),
        ("secret = \"env:CANARY_CALLS\"", "secret = \"canary-of-calls-03fe\""),
        ("secret = \"env:CANARY_LINKS\"", "secret = \"env:CANARY_ABSENT\""),
        ("password = \"env:CANARY_SMTP\"", "password = \"file:absent\""),
        ("firebase = \"file:account.json\"", "firebase = \"file:secret\""),
        ("[push]\n", "[push]\nweb_key = \"env:CANARY_HOOKS\"\nweb_contact = \"mailto:a@walk.example\"\n"),
        ("[email]\n", "[email]\ndkim = \"file:secret\"\ndkim_selector = \"a\"\n"),
        ("[notify.slack]\n\"#sales\" = \"env:CANARY_SLACK\"", "[notify.slack]\n\"#sales\" = \"env:CANARY_HOOKS\""),
    ] {
        assert!(settings.contains(from), "{from}");
        project.write("journey.toml", &settings.replace(from, to));
        for args in [&["check"][..], &["serve", "--listen", "127.0.0.1:99999"], &["preview", "hello"], &["doctor"]] {
            let project = ["--project", path.as_str()];
            let place = if args[0] == "preview" { &project[..] } else { &project[1..] };
            let (out, err) = run(&[args, place].concat());
            // A secret that stands in the settings themselves is shown where it stands; that is what the finding is about.
            let stands_there = to.contains("canary-of-calls-03fe");
            let secrets: Vec<_> =
                secrets().into_iter().filter(|secret| !stands_there || *secret != "canary-of-calls-03fe").collect();
            holds_none_of(&format!("{args:?} with {to}"), (out + &err).as_bytes(), &secrets);
        }
    }
    let database = "postgres://walker:canary-of-the-database@127.0.0.1:1/walk";
    for args in [["why", "c1"], ["export", "c1"], ["outbox", "list"]] {
        let (out, err) = run(&[&args[..], &["--project", &path, "--db", database]].concat());
        holds_none_of(args[0], (out + &err).as_bytes(), &["canary-of-the-database"]);
        assert!(!err.is_empty(), "{args:?}");
    }
}

/// An editor opens all files of a project whose environment and files hold secrets, and asks about every word.
#[test]
fn an_editor_hears_no_secrets() {
    let (sink, peer) = (Sink::accepting(), Peer::answering(&[("200 OK", "{}")]));
    let project = project(&sink, &peer, &peer);
    project.write("contacts.csv", "id,email,name,phone\nc1,canary@walk.example,Kanarienvogel,+4915100000017\n");
    let mut child = binary::command(["lsp"])
        .envs(ENVIRONMENT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut say = |message: Json| {
        let body = message.to_string();
        write!(stdin, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        stdin.flush().unwrap();
    };
    let root = format!("file://{}", project.path().display());
    let capabilities = json!({"general": {"positionEncodings": ["utf-8"]}});
    say(json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "processId": null, "rootUri": root, "capabilities": capabilities,
        "workspaceFolders": [{"uri": root, "name": "canaries"}]}}));
    say(json!({"jsonrpc": "2.0", "method": "initialized", "params": {}}));
    let mut asked = 0;
    for (name, language) in
        [("journey.toml", "toml"), ("greet.journey", "journey"), ("messages/hello.email.md", "markdown")]
    {
        let (uri, text) = (format!("{root}/{name}"), project.read(name));
        let document = json!({"uri": uri, "languageId": language, "version": 1, "text": text});
        say(json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}}));
        for (row, line) in text.lines().enumerate() {
            for column in (0..=line.len()).step_by(6) {
                for method in ["textDocument/hover", "textDocument/completion", "textDocument/definition"] {
                    asked += 1;
                    say(json!({"jsonrpc": "2.0", "id": asked, "method": method, "params": {
                        "textDocument": {"uri": uri}, "position": {"line": row, "character": column}}}));
                }
            }
        }
        asked += 1;
        say(json!({"jsonrpc": "2.0", "id": asked, "method": "textDocument/documentSymbol",
            "params": {"textDocument": {"uri": uri}}}));
    }
    let mut traffic = Vec::new();
    let mut answered = 0;
    while answered <= asked {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(stdout.read_line(&mut line).unwrap() > 0, "it goes on");
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        stdout.read_exact(&mut body).unwrap();
        let message: Json = serde_json::from_slice(&body).unwrap();
        answered += u64::from(message["id"].is_u64() && message["method"].is_null());
        traffic.extend(body);
        traffic.push(b'\n');
    }
    say(json!({"jsonrpc": "2.0", "id": asked + 1, "method": "shutdown"}));
    say(json!({"jsonrpc": "2.0", "method": "exit"}));
    let output = child.wait_with_output().unwrap();
    assert!(asked > 300 && traffic.len() > 10_000, "{asked} {}", traffic.len());
    let heard = [traffic, output.stderr].concat();
    holds_none_of("the editor's traffic", &heard, &secrets());
    holds_none_of("the editor's traffic", &heard, &PEOPLE);
}
