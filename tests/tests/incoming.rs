//! What contacts write, end to end: from a provider on this machine to `journey serve`, and what leaves after that.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failure is a failing test")]

mod stored;

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use journey_tests::binary::{self, Server};
use journey_tests::peer::Peer;
use journey_tests::project::Project;
use journey_tests::{http, wait_until};
use serde_json::json;
use stored::stored;

const PHONE: &str = "+4915112345678";
const KEY: &str = "canary-of-incoming";
const FORM: &str = "application/x-www-form-urlencoded";

const JOURNEY: &str = "contact { phone: phone?  email: email? }
    tags { lead answered asked }
    event offer
    event code
    topic offers \"Offers\"
    policy { sender \"Walk <walk@walk.example>\"  address \"Walk Ltd, 1 Path, Walkton\" }
    journey hello {
      on tag lead
      reenter never
      topic offers
      send sms \"Hello\" as hello
      wait until replied hello up to 1d
      if replied hello { add tag answered }
    }
    journey offers {
      on offer
      reenter always
      topic offers
      send sms \"Cheap\"
    }
    journey codes {
      on code
      reenter always
      purpose transactional
      send sms \"Your code\"
    }
    journey asks {
      on message \"HELP\" via sms
      reenter always
      purpose transactional
      add tag asked
    }";

fn project(provider: &str) -> Project {
    let settings = format!(
        "[project]\nname = \"incoming\"\ntimezone = \"Europe/Berlin\"\n[track]\nbase_url = \"https://t.example\"\n{provider}"
    );
    let project = Project::of(&[("journey.toml", settings.as_str()), ("hello.journey", JOURNEY)]);
    project.write("secret", &format!("{KEY}\n"));
    project
}

fn twilio(peer: &Peer) -> Project {
    project(&format!(
        "[sms]\nprovider = \"twilio\"\nurl = \"http://{}\"\naccount = \"AC7\"\nfrom = \"+4930123\"\nsecret = \"file:secret\"\n\
         [sms.incoming]\nstopped = \"No more from Walk & Co.\"\nstarted = \"Welcome back.\"\nhelp = \"Walk Ltd.\"\n",
        peer.address
    ))
}

/// What Twilio sends for a text message, and how it signs it.
fn told(id: &str, text: &str) -> (String, String) {
    let fields = [("Body", text), ("From", PHONE), ("MessageSid", id), ("To", "+4930123")];
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(KEY.as_bytes()).unwrap();
    mac.update(b"https://t.example/hooks/sms");
    fields.iter().for_each(|(key, value)| mac.update(format!("{key}{value}").as_bytes()));
    let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let body: Vec<_> = fields.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
    (body.join("&"), BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

fn post(server: &Server, path: &str, headers: &[(&str, &str)], body: &str) -> http::Answer {
    http::request(&server.address, "POST", path, headers, body.as_bytes()).unwrap()
}

fn write(server: &Server, id: &str, text: &str) -> http::Answer {
    let (body, signature) = told(id, text);
    post(server, "/hooks/sms", &[("Content-Type", FORM), ("X-Twilio-Signature", &signature)], &body)
}

fn hand_in(server: &Server, path: &str, lines: &[serde_json::Value]) {
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let answer = http::post(&server.address, path, "application/x-ndjson", body.as_bytes()).unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert!(answer.text().contains("\"refused\":[]"), "{}", answer.text());
}

fn people(server: &Server) {
    let person = |id: &str, phone: &str| json!({"id": id, "attributes": {"phone": phone}, "tags": ["lead"]});
    hand_in(server, "/v1/contacts", &[person("ada", PHONE)]);
    std::thread::sleep(Duration::from_millis(50));
    hand_in(server, "/v1/contacts", &[person("bo", PHONE), person("cy", "+4915199999999")]);
}

/// An event for all three, of which only some messages may leave; `cy`'s shows that the others had their turn.
fn all(server: &Server, event: &str) {
    let of = |contact: &str| json!({"contact": contact, "event": event, "data": {}});
    hand_in(server, "/v1/events", &[of("ada"), of("bo")]);
    std::thread::sleep(Duration::from_millis(300));
    hand_in(server, "/v1/events", &[of("cy")]);
}

fn asked(peer: &Peer, text: &str) -> usize {
    peer.asked().iter().filter(|asked| asked.body.contains(&format!("Body={}", text.replace(' ', "%20")))).count()
}

#[test]
fn who_says_stop_gets_nothing_more_under_any_name_and_after_a_restart() {
    let peer = Peer::answering(&[("201 Created", "{\"sid\": \"SM1\"}")]);
    let project = twilio(&peer);
    let server = Server::start(project.path());
    people(&server);
    wait_until("three hellos have left", Duration::from_secs(30), || asked(&peer, "Hello") == 3);

    let stopped = write(&server, "SM-stop", "Please stop!");
    assert_eq!((stopped.status, stopped.header("content-type")), (200, Some("text/xml; charset=utf-8")));
    assert!(
        stopped.text().contains("<Response><Message>No more from Walk &amp; Co.</Message></Response>"),
        "{}",
        stopped.text()
    );
    for (id, text) in [("SM-stop", "Please stop!"), ("SM-stop-2", "STOP")] {
        let again = write(&server, id, text);
        assert!(
            again.status == 200 && again.text().contains("<Response></Response>"),
            "one confirmation: {}",
            again.text()
        );
    }
    all(&server, "offer");
    all(&server, "code");
    wait_until("cy got both", Duration::from_secs(30), || asked(&peer, "Cheap") == 1 && asked(&peer, "Your code") == 1);

    // At once, and for ever.
    server.kill();
    let server = Server::start(project.path());
    hand_in(&server, "/v1/contacts", &[json!({"id": "dee", "attributes": {"phone": PHONE}, "tags": ["lead"]})]);
    all(&server, "code");
    wait_until("cy got another", Duration::from_secs(30), || asked(&peer, "Your code") == 2);
    assert_eq!((asked(&peer, "Hello"), asked(&peer, "Cheap")), (3, 1));

    let started = write(&server, "SM-start", "START");
    assert!(started.text().contains("<Message>Welcome back.</Message>"), "{}", started.text());
    // An old word that is told again changes nothing.
    assert_eq!(write(&server, "SM-stop", "Please stop!").status, 200);
    all(&server, "code");
    wait_until("all three got another", Duration::from_secs(30), || asked(&peer, "Your code") == 5);
    let (status, log) = server.terminate();
    assert!(status.success());
    assert!(!log.contains(KEY) && !log.contains(PHONE) && !log.contains("Please"), "{log}");
    let ledger = stored(project.path(), "ada").state.ledger;
    let ledger: Vec<_> = ledger.iter().map(|entry| (entry.act.name(), entry.evidence.wording.as_str())).collect();
    assert_eq!(ledger, [("withdrawn", "Please stop!"), ("given", "START")]);
}

#[test]
fn an_answer_moves_the_run_of_whoever_was_written_to_last() {
    let peer = Peer::answering(&[("201 Created", "{\"sid\": \"SM1\"}")]);
    let project = twilio(&peer);
    let server = Server::start(project.path());
    people(&server);
    wait_until("three hellos have left", Duration::from_secs(30), || asked(&peer, "Hello") == 3);
    assert!(write(&server, "SM-1", "Sounds good, thanks 👍").text().contains("<Response></Response>"));
    let help = write(&server, "SM-2", "help");
    assert!(help.text().contains("<Message>Walk Ltd.</Message>"), "{}", help.text());
    wait_until("it moved the run", Duration::from_secs(10), || {
        let answer = http::get(&server.address, "/v1/contacts/bo").unwrap();
        answer.text().contains("answered")
    });
    // Whoever did not sign learns nothing, and changes nothing.
    let (body, signature) = told("SM-3", "STOP");
    let signed = |signature: &str, body: &str| {
        let answer = post(&server, "/hooks/sms", &[("Content-Type", FORM), ("X-Twilio-Signature", signature)], body);
        (answer.status, answer.text())
    };
    let forbidden = (403, "{\"error\":\"forbidden\"}".to_owned());
    assert_eq!(signed("", &body), forbidden);
    assert_eq!(signed(&signature.replace(['A', 'a'], "b"), &format!("{body}&x=1")), forbidden);
    assert_eq!(signed(&signature, &body.replace("%53", "%54")), forbidden);
    assert_eq!(post(&server, "/hooks/sms", &[("Content-Type", FORM)], &body).status, 403);
    assert_eq!(signed(&signature, &"x".repeat(300_000)).0, 413);
    assert_eq!(http::get(&server.address, "/hooks/sms").unwrap().status, 405);
    assert_eq!(post(&server, "/hooks/whatsapp", &[], "{}").status, 404);
    all(&server, "code");
    wait_until("all have codes", Duration::from_secs(30), || asked(&peer, "Your code") == 3);
    assert!(server.terminate().0.success());
    let tags = |contact| stored(project.path(), contact).tags;
    assert!(tags("bo").contains("answered") && tags("bo").contains("asked"), "{:?}", tags("bo"));
    assert!(!tags("ada").contains("answered") && !tags("ada").contains("asked"), "{:?}", tags("ada"));
}

/// What a provider has been told is taken stays true when the server dies before the answer is out.
#[test]
fn an_answer_to_stop_outlives_the_server() {
    let peer = Peer::answering(&[("503 Later", ""), ("200 OK", "{}")]);
    let project = project(&format!(
        "[sms]\nprovider = \"http\"\nurl = \"http://{}/sms\"\nbody = {{ to = \"{{to}}\", Body = \"{{text}}\" }}\n\
         [sms.incoming]\nsecret = \"file:secret\"\nsignature = \"X-Signature\"\nstopped = \"No more.\"\n",
        peer.address
    ));
    let stop = |server: &Server, id: &str| {
        let body = json!({"id": id, "from": PHONE, "text": "STOP"}).to_string();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let headers = [("Content-Type", "application/json"), ("X-Signature", &*format!("sha256={hex}"))];
        assert_eq!(post(server, "/hooks/sms", &headers, &body).status, 200);
    };
    let server = Server::start(project.path());
    stop(&server, "1");
    wait_until("the provider does not take it", Duration::from_secs(30), || peer.asked().len() == 1);
    server.kill();
    let server = Server::start(project.path());
    stop(&server, "1");
    stop(&server, "2");
    wait_until("the answer has left", Duration::from_secs(60), || peer.asked().len() == 2);
    std::thread::sleep(Duration::from_secs(1));
    let asked = peer.asked();
    assert!(asked.len() == 2 && asked.iter().all(|asked| asked.body.contains("No more.")), "{asked:?}");
    assert!(server.terminate().0.success());
}

#[test]
fn other_providers_and_whatsapp_are_heard_too() {
    let peer = Peer::answering(&[("200 OK", "{}")]);
    let project = project(&format!(
        "[sms]\nprovider = \"http\"\nurl = \"http://{0}/sms\"\nbody = {{ to = \"{{to}}\", Body = \"{{text}}\" }}\n\
         [sms.incoming]\nsecret = \"file:secret\"\nsignature = \"X-Signature\"\nid = \"data.id\"\nfrom = \"data.from\"\n\
         text = \"data.text\"\nstopped = \"No more.\"\n\
         [whatsapp]\nurl = \"http://{0}/graph\"\nphone_id = \"1055\"\nsecret = \"file:secret\"\n\
         [whatsapp.incoming]\nsecret = \"file:secret\"\nverify = \"file:secret\"\n",
        peer.address
    ));
    let server = Server::start(project.path());
    people(&server);
    let texts = |text: &str| peer.asked().iter().filter(|asked| asked.body.contains(text)).count();
    wait_until("three hellos have left", Duration::from_secs(30), || texts("Hello") == 3);
    let signed = |path: &str, header: &str, body: &str| {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        post(&server, path, &[("Content-Type", "application/json"), (header, &format!("sha256={hex}"))], body).status
    };
    let stop = json!({"data": {"id": "1", "from": PHONE, "text": "Abmelden"}}).to_string();
    assert_eq!(post(&server, "/hooks/sms", &[("X-Signature", "sha256=00")], &stop).status, 403);
    assert_eq!(signed("/hooks/sms", "X-Signature", &stop), 200);
    wait_until("the answer has left", Duration::from_secs(10), || texts("No more.") == 1);
    assert_eq!(signed("/hooks/sms", "X-Signature", "{\"data\": {}}"), 400);
    all(&server, "code");
    wait_until("cy got a code", Duration::from_secs(30), || texts("Your code") == 1);

    let challenge = |word: &str| {
        let path = format!("/hooks/whatsapp?hub.mode=subscribe&hub.verify_token={word}&hub.challenge=4711");
        let answer = http::get(&server.address, &path).unwrap();
        (answer.status, answer.text())
    };
    assert_eq!(challenge(KEY), (200, "4711".to_owned()));
    assert_eq!(challenge("guessed").0, 403);
    let value = json!({
        "metadata": {"phone_number_id": "1055"},
        "messages": [{"from": PHONE.trim_start_matches('+'), "id": "wamid.1", "type": "text", "text": {"body": "Stop"}}],
    });
    let meta = json!({"entry": [{"changes": [{"field": "messages", "value": value}]}]}).to_string();
    assert_eq!(signed("/hooks/whatsapp", "X-Hub-Signature-256", &meta), 200);
    assert_eq!(post(&server, "/hooks/whatsapp", &[("X-Hub-Signature-256", "sha256=00")], &meta).status, 403);
    assert_eq!(signed("/hooks/whatsapp", "X-Hub-Signature-256", "nonsense"), 400);
    let (status, log) = server.terminate();
    assert!(status.success());
    assert!(!log.contains(KEY) && !log.contains(PHONE.trim_start_matches('+')) && !log.contains("Abmelden"), "{log}");
}

/// What cannot work is said before anything starts, and by the doctor; without the secret.
#[test]
fn what_is_missing_is_said() {
    let said = |settings: &str, command: &str, more: &[&str]| {
        let project = project(settings);
        let mut arguments = vec![command.as_ref(), project.path().as_os_str()];
        arguments.extend(more.iter().map(|argument| std::ffi::OsStr::new(*argument)));
        let run = binary::run(arguments);
        assert!(!run.stdout.contains(KEY) && !run.stderr.contains(KEY), "{} {}", run.stdout, run.stderr);
        (run.code, format!("{}{}", run.stdout, run.stderr))
    };
    let sms = "[sms]\nprovider = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\nsecret = \"file:secret\"\n";
    let (code, text) = said(sms, "doctor", &["--offline"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("sms: nobody hears who answers STOP") && text.contains("`[sms.incoming]`"), "{text}");
    let (_, text) = said(&format!("{sms}[sms.incoming]\nhelp = \"Walk Ltd.\"\n"), "doctor", &["--offline"]);
    assert!(text.contains("sms: answers come in at https://t.example/hooks/sms"), "{text}");
    let gone = format!("{sms}[sms.incoming]\nsecret = \"file:gone\"\n");
    let (_, text) = said(&gone, "doctor", &["--offline"]);
    assert!(text.contains("gone") && text.contains("see `[sms.incoming]`"), "{text}");
    let (code, text) = said(&gone, "serve", &["--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(2), "{text}");
}
