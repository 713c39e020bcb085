//! Messages that are no mail, from `journey serve` to providers on this machine, and what the providers tell of them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failure is a failing test")]

mod stored;

use std::time::Duration;

use journey_tests::binary::{self, Server};
use journey_tests::peer::Peer;
use journey_tests::project::Project;
use journey_tests::{http, wait_until};
use serde_json::{Value as Json, json};
use stored::stored;

const JOURNEY: &str = "contact { email: email?  phone: phone?  push_token: text? }
    tags { lead arrived }
    journey hello {
      on tag lead
      reenter never
      purpose transactional
      send sms \"Hello {{ phone | default('you') }}\"
      send whatsapp \"Hi\" as greeting
      send push note
      send webhook told
      wait until opened greeting up to 1d
      if opened greeting { add tag arrived }
    }";

fn project(settings: &str) -> Project {
    let project = Project::of(&[
        (
            "journey.toml",
            &format!(
                "[project]\nname = \"channels\"\ntimezone = \"Europe/Berlin\"\n\
                 [track]\nbase_url = \"https://t.example\"\n{settings}"
            ),
        ),
        ("hello.journey", JOURNEY),
        ("messages/note.push.json", "{\"title\": \"Hello\", \"body\": \"from us\"}"),
        ("messages/told.webhook.json", "{\"phone\": \"{{ phone | default('') }}\"}"),
    ]);
    project.write("secret", "canary-of-channels\n");
    project
}

fn lead(server: &Server, push: &str) {
    let ada = json!({"id": "ada", "attributes": {"phone": "+4915112345678", "push_token": push}, "tags": ["lead"]});
    let answer = http::post(&server.address, "/v1/contacts", "application/json", ada.to_string().as_bytes()).unwrap();
    assert_eq!(answer.status, 202);
}

#[test]
fn each_channel_has_its_provider_and_a_report_moves_the_run() {
    let sms = Peer::answering(&[("201 Created", "{\"sid\": \"SM1\"}")]);
    let others = Peer::answering(&[("200 OK", "{}")]);
    let project = project(&format!(
        "[sms]\nprovider = \"twilio\"\nurl = \"http://{}\"\naccount = \"AC7\"\nfrom = \"+4930123\"\nsecret = \"file:secret\"\n\
         [whatsapp]\nurl = \"http://{1}/graph\"\nphone_id = \"1055\"\nsecret = \"file:secret\"\n\
         [webhook]\nurl = \"http://{1}/hooks\"\nsecret = \"file:secret\"\n",
        sms.address, others.address
    ));
    let server = Server::start(project.path());
    lead(&server, "a-device");
    wait_until("all are asked", Duration::from_secs(30), || !sms.asked().is_empty() && others.asked().len() == 2);
    let asked = &sms.asked()[0];
    assert_eq!(asked.path, "/2010-04-01/Accounts/AC7/Messages.json");
    assert!(
        asked.body.contains("To=%2B4915112345678&From=%2B4930123&Body=Hello%20%2B4915112345678&"),
        "{}",
        asked.body
    );
    assert!(asked.body.contains("StatusCallback=https%3A%2F%2Ft%2Eexample%2Ft%2Fr%2F"), "{}", asked.body);

    let mut others = others.asked();
    others.sort_by(|one, other| one.path.cmp(&other.path));
    let [whatsapp, webhook] = others.as_slice() else { panic!("{others:?}") };
    assert_eq!(whatsapp.path, "/graph/1055/messages");
    assert_eq!(whatsapp.headers["authorization"], "Bearer canary-of-channels");
    let body: Json = serde_json::from_str(&whatsapp.body).unwrap();
    assert_eq!((&body["to"], &body["text"]["body"]), (&json!("+4915112345678"), &json!("Hi")));
    let callback = body["biz_opaque_callback_data"].as_str().unwrap().strip_prefix("https://t.example/t/r/").unwrap();
    let callback = callback.to_owned();
    let body: Json = serde_json::from_str(&webhook.body).unwrap();
    assert_eq!((&body["message"], &body["body"]), (&json!("told"), &json!({"phone": "+4915112345678"})));
    assert!(webhook.headers["webhook-signature"].starts_with("v1,"));
    // Push has no provider here: it becomes a file.
    wait_until("the push is a file", Duration::from_secs(10), || {
        std::fs::read_dir(project.path().join("outbox")).is_ok_and(|mut files| files.next().is_some())
    });

    let form = "application/x-www-form-urlencoded";
    let report = |token: &str, body: &str| http::post(&server.address, &format!("/t/r/{token}"), form, body.as_bytes());
    assert_eq!(report("nonsense", "MessageStatus=read").unwrap().status, 404);
    assert_eq!(report(&callback, "MessageStatus=sent").unwrap().status, 204);
    assert_eq!(report(&callback, "MessageStatus=read").unwrap().status, 204);
    assert_eq!(report(&callback, "MessageStatus=read").unwrap().status, 204, "twice is once");
    std::thread::sleep(Duration::from_millis(500));
    let (status, log) = server.terminate();
    assert!(status.success());
    assert!(!log.contains("canary-of-channels"), "{log}");
    assert!(stored(project.path(), "ada").tags.contains("arrived"));
}

/// Whoever signs up says where a browser's push messages go: it must not lead into the house.
#[test]
fn a_subscription_that_leads_into_the_house_is_not_followed() {
    let house = Peer::answering(&[("201 Created", "")]);
    let keys = "\"p256dh\": \"BLn9b-VR0ca83knDNZ32dCHGyjJp-1riX9ZTN40MqV8K_LpQmLqxC_DoHvqvFXO_nGdAB4W9dogZb_sM-uV4JbY\", \
                \"auth\": \"_ordMnz7uTCmrpBTeUV4Bw\"";
    let subscription = format!("{{\"endpoint\": \"http://{}/push\", \"keys\": {{{keys}}}}}", house.address);
    for (allow, asked) in [(false, 0), (true, 1)] {
        let project = project(&format!(
            "[push]\nweb_key = \"file:vapid\"\nweb_contact = \"mailto:push@moosbett.example\"\n[call]\nallow_private = {allow}\n"
        ));
        project.write("vapid", "RS0WdYWWo1HajXg3NZR1olzCf31i-ZBGDkFyCs7j1jw\n");
        let server = Server::start(project.path());
        lead(&server, &subscription);
        std::thread::sleep(Duration::from_millis(1_500));
        assert!(server.terminate().0.success());
        assert_eq!(house.asked().len(), asked, "allow_private = {allow}");
    }
    assert_eq!(house.asked()[0].headers["content-encoding"], "aes128gcm");
}

/// What cannot work is said before anything starts, and without the secret.
#[test]
fn a_provider_that_cannot_work_is_said_at_the_start() {
    let project = project("[push]\nfirebase = \"file:secret\"\n");
    let refused =
        binary::run(["serve".as_ref(), project.path().as_os_str(), "--listen".as_ref(), "127.0.0.1:0".as_ref()]);
    let said = refused.stderr;
    assert_eq!(refused.code, Some(2), "{said}");
    assert!(said.contains("service account") && said.contains("`[push]`"), "{said}");
    assert!(!said.contains("canary-of-channels"), "{said}");
}
