//! What the language promises that only a whole run shows: rates, trials of splits, contacts that are erased.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failure is a failing test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use journey_tests::binary::{self, Server};
use journey_tests::project::Project;
use journey_tests::{http, wait_until};
use serde_json::json;

const SETTINGS: &str = "[project]\nname = \"promises\"\ntimezone = \"Europe/Berlin\"\n";
const HELLO: &str = "---\nsubject: Hello\npurpose: transactional\n---\nHello!\n";

fn lead(server: &Server, key: &str, number: usize) {
    let attributes = json!({"email": format!("{key}@walk.example"), "phone": format!("+4915112340{number:03}")});
    let contact = json!({"id": key, "attributes": attributes, "tags": ["lead"]});
    let answer =
        http::post(&server.address, "/v1/contacts", "application/json", contact.to_string().as_bytes()).unwrap();
    assert!(answer.status < 300, "{}", answer.text());
}

/// When the messages whose files end so were written, in order.
fn written(project: &Project, ending: &str) -> Vec<SystemTime> {
    let files = std::fs::read_dir(project.path().join("outbox")).into_iter().flatten();
    let files = files.map(|entry| entry.unwrap().path()).filter(|path| path.to_string_lossy().ends_with(ending));
    let mut times: Vec<SystemTime> = files.map(|path| path.metadata().unwrap().modified().unwrap()).collect();
    times.sort();
    times
}

#[test]
fn a_rate_holds_for_its_channel_alone() {
    let project = Project::of(&[
        ("journey.toml", SETTINGS),
        (
            "lead.journey",
            "contact { email: email phone: phone }
             tags { lead }
             policy { rate email 2 messages per 1s }
             journey lead {
               on tag lead
               reenter never
               purpose transactional
               send sms \"Hello\"
               send email hello
             }",
        ),
        ("messages/hello.email.txt", HELLO),
    ]);
    let server = Server::start(project.path());
    for (number, key) in ["ada", "bo", "cy", "di", "ed"].into_iter().enumerate() {
        lead(&server, key, number);
    }
    wait_until("all mails have left", Duration::from_secs(30), || written(&project, ".eml").len() == 5);
    assert!(server.terminate().0.success());
    let (mails, texts) = (written(&project, ".eml"), written(&project, ".txt"));
    assert_eq!(texts.len(), 5);
    let early =
        mails.windows(3).filter(|three| three[2].duration_since(three[0]).unwrap() < Duration::from_millis(900));
    assert_eq!(early.count(), 0, "three mails within a second: {mails:?}");
    assert!(texts[4] < mails[4], "text messages have no rate to wait for");
}

#[test]
fn nothing_is_left_of_a_contact_that_a_journey_deletes() {
    let project = Project::of(&[
        ("journey.toml", SETTINGS),
        (
            "lead.journey",
            "contact { email: email phone: phone }
             tags { lead }
             event forget { }
             journey forgotten {
               on forget
               reenter never
               purpose transactional
               delete contact
             }
             journey other {
               on tag lead
               reenter never
               purpose transactional
               send email hello
               wait 30d
               send email hello
             }",
        ),
        ("messages/hello.email.txt", HELLO),
    ]);
    let server = Server::start(project.path());
    lead(&server, "ada", 1);
    lead(&server, "bo", 2);
    wait_until("both are greeted", Duration::from_secs(30), || written(&project, ".eml").len() == 2);
    let forget = json!({"contact": "ada", "event": "forget"}).to_string();
    let answer = http::post(&server.address, "/v1/events", "application/json", forget.as_bytes()).unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text());
    let known = |key: &str| http::get(&server.address, &format!("/v1/contacts/{key}")).unwrap().text();
    wait_until("ada is forgotten", Duration::from_secs(30), || known("ada").contains("\"suppressed\":\"erased\""));
    assert!(!known("ada").contains("walk.example") && known("bo").contains("bo@walk.example"));
    assert!(server.terminate().0.success());
    let mut stored = Vec::new();
    for entry in std::fs::read_dir(project.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains(".db") {
            stored.extend(std::fs::read(path).unwrap());
        }
    }
    let holds = |text: &str| stored.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("bo@walk.example") && holds("+4915112340002"));
    assert!(!holds("ada@walk.example") && !holds("+4915112340001"), "an address is left in the database");
}

/// How many contacts come in the first days of a trial, and how many when it is over.
const FIRST: usize = 120;
const LATER: usize = 40;

#[test]
fn a_trial_is_compared_once_and_later_contacts_take_the_better_side() {
    let project = Project::of(&[
        ("journey.toml", SETTINGS),
        (
            "lead.journey",
            "contact { email: email }
             tags { lead }
             event purchase { }
             journey lead {
               on tag lead
               reenter never
               purpose transactional
               split words {
                 50% plain { send email plain }
                 50% bold { send email bold }
               } measure purchase within 1d for at least 2d then best
             }",
        ),
        ("messages/plain.email.txt", HELLO),
        ("messages/bold.email.txt", HELLO),
    ]);
    let mut contacts = "id,email\n".to_owned();
    let mut events = String::new();
    for number in 0..FIRST + LATER {
        let _ = writeln!(contacts, "c{number},c{number}@walk.example");
        let day = if number < FIRST { 2 } else { 9 };
        let tagged =
            json!({"contact": format!("c{number}"), "at": format!("2026-03-0{day}T10:00:00+01:00"), "tag": "lead"});
        let _ = writeln!(events, "{tagged}");
    }
    project.write("contacts.csv", &contacts);
    project.write("events.ndjson", &events);
    let run = || {
        let finished = binary::command(["run", "."]).current_dir(project.path()).output().unwrap();
        assert!(finished.status.success(), "{}", String::from_utf8_lossy(&finished.stderr));
        String::from_utf8(finished.stdout).unwrap()
    };
    // Who got which mail: the file's name has the message's, and its text the address.
    let sides = || {
        let mut sides = BTreeMap::new();
        for (name, bytes) in project.files("outbox").into_iter().filter(|(name, _)| name.ends_with(".eml")) {
            let mail = mail_parser::MessageParser::default().parse(&bytes).unwrap();
            let to = mail.to().unwrap().first().unwrap().address().unwrap().to_owned();
            let number: usize = to.trim_start_matches('c').split('@').next().unwrap().parse().unwrap();
            sides.insert(number, if name.contains("bold") { "bold" } else { "plain" });
        }
        sides
    };
    run();
    let before = sides();
    assert_eq!(before.len(), FIRST + LATER);
    let bold = |sides: &BTreeMap<usize, &str>| sides.range(FIRST..).filter(|(_, side)| **side == "bold").count();
    assert!((5..LATER - 5).contains(&bold(&before)), "without a winner the sides stay even: {}", bold(&before));
    // All who read the bold words buy, and one in four of the others.
    let mut bought = String::new();
    for (number, side) in before.range(..FIRST) {
        if *side == "bold" || number % 4 == 0 {
            let purchase =
                json!({"contact": format!("c{number}"), "at": "2026-03-02T18:00:00+01:00", "event": "purchase"});
            let _ = writeln!(bought, "{purchase}");
        }
    }
    let (first, later) = events.split_at(events.match_indices('\n').nth(FIRST - 1).unwrap().0 + 1);
    project.write("events.ndjson", &format!("{first}{bought}{later}"));
    std::fs::remove_dir_all(project.path().join("outbox")).unwrap();
    let table = run();
    assert!(table.contains("bold"), "{table}");
    let after = sides();
    assert_eq!(after.range(..FIRST).collect::<Vec<_>>(), before.range(..FIRST).collect::<Vec<_>>());
    assert_eq!(bold(&after), LATER, "who comes later takes the better side\n{table}");
}
