//! `journey serve`: how it starts, stops, and says why it cannot.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use super::support::Sandbox;

const JOURNEY: &str =
    "journey welcome {\n  on tag lead\n  reenter never\n  purpose transactional\n  send email hello\n  end\n}\n";

fn shop() -> Sandbox {
    let here = Sandbox::new();
    here.write("shop/journey.toml", "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n")
        .write(
            "shop/declarations.journey",
            "contact { email: email }\ntags { lead }\npolicy { sender \"Shop <hello@shop.example>\" }\n",
        )
        .write("shop/welcome.journey", JOURNEY)
        .write("shop/messages/hello.email.md", "---\nsubject: Hello\n---\nHello!\n");
    here
}

/// One request; the status line of the answer.
fn post(address: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}");
    stream.write_all(format!("{head}\r\nConnection: close\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
#[cfg(unix)]
fn it_serves_until_it_is_told_to_stop() {
    let here = shop();
    let mut child = here
        .command(&["serve", "shop", "--listen", "127.0.0.1:0", "--log-format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    let address = loop {
        assert!(out.read_line(&mut said).unwrap() > 0, "it stopped: {said}");
        if let Some((_, address)) = said.trim_end().rsplit_once("http://") {
            break address.to_owned();
        }
    };
    let contact = r#"{"id": "ada", "attributes": {"email": "canary@example.com"}}"#;
    assert_eq!(post(&address, "/v1/contacts", contact), "HTTP/1.1 202 Accepted");
    assert_eq!(post(&address, "/v1/events", r#"{"contact": "ada", "tag": "lead"}"#), "HTTP/1.1 202 Accepted");
    let mail = |path: &String| path.starts_with("shop/outbox/") && path.ends_with("-hello.eml");
    while !here.files().iter().any(mail) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }

    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    out.read_to_string(&mut said).unwrap();
    let mut log = String::new();
    child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{log}");
    insta::assert_snapshot!(said.replace(&address, "[address]"));
    assert!(log.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{log}");
    assert!(!log.contains("canary"), "no personal data in the log: {log}");
}

#[test]
fn it_says_why_it_cannot_start() {
    let here = shop();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    here.write("broken.db", b"this is no database, whatever its name says\n".repeat(200));
    let serve = |more: &[&str]| here.journey(&[&["serve", "shop"], more].concat());
    let listen = ["--listen", "127.0.0.1:0"];
    let all = [
        serve(&["--listen", &address]),
        serve(&[&listen[..], &["--db", "sqlite:broken.db"]].concat()),
        serve(&[&listen[..], &["--db", "postgres://user:canary@127.0.0.1:1/db"]].concat()),
        serve(&["--listen", "nowhere"]),
    ];
    let all = all.join("\n").replace(&address, "[address]");
    insta::assert_snapshot!(all);
    assert!(
        !all.split("$ journey").any(|shown| shown.split_once('\n').is_some_and(|(_, said)| said.contains("canary")))
    );

    let settings = std::fs::read_to_string(here.path("shop/journey.toml")).unwrap();
    let with = |more: &str| {
        here.write("shop/journey.toml", format!("{settings}{more}"));
        serve(&listen)
    };
    let all = [
        with("[email]\nsmtp = \"http://mail.example\"\n"),
        with("[email]\nsmtp = \"smtp://mail.example\"\nuser = \"me\"\npassword = \"env:JOURNEY_TEST_UNSET\"\n"),
        with("[track]\nsecret = \"file:missing\"\n"),
    ];
    insta::assert_snapshot!(all.join("\n").replace(&here.path("").display().to_string(), "[here]/"));
}

#[test]
#[cfg(unix)]
fn one_database_serves_one_process() {
    let here = shop();
    let mut first = here.command(&["serve", "shop", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(first.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let second = here.journey(&["serve", "shop", "--listen", "127.0.0.1:0"]);
    first.kill().unwrap();
    first.wait().unwrap();
    insta::assert_snapshot!(second.replace(&here.path("").canonicalize().unwrap().display().to_string(), "[here]"));
}
