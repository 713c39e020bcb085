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

/// A shop that sends its offers to leads.
fn shop(journeys: &str) -> Project {
    let declarations = "contact { email: email phone: phone? }
         tags { lead }
         topic offers \"Offers\"
         policy { sender \"Moosbett <hello@walk.example>\" address \"Moosbett GmbH, Teststr. 1, 53177 Bonn\" }\n";
    let project = Project::of(&[
        ("journey.toml", SETTINGS),
        ("lead.journey", &format!("{declarations}{journeys}")),
        ("messages/offer.email.txt", "---\nsubject: Offer\n---\nHello!\n\n{{ unsubscribe_url }}\n"),
    ]);
    project.configure("track", "base_url = \"http://localhost:8080\"\n");
    project
}

/// By which door a contact is forgotten.
#[derive(Clone, Copy, Debug)]
enum Door {
    Step,
    Command,
    Http,
}

#[test]
fn nothing_is_left_of_who_is_erased_but_that_no_marketing_goes_there() {
    let project = shop(
        "event forget { }
             event noted { text: text }
             journey forgotten {
               on forget
               reenter never
               purpose transactional
               delete contact
             }
             journey other {
               on tag lead
               reenter never
               topic offers
               send email offer
               wait 30d
               if did noted send email offer
             }",
    );
    let server = Server::start(project.path());
    let key = |n: usize| format!("canary-key-{n:04}");
    let send = |path: &str, body: serde_json::Value| {
        let answer = http::post(&server.address, path, "application/json", body.to_string().as_bytes()).unwrap();
        assert!(answer.status == 202 && answer.text().contains("\"refused\":[]"), "{}", answer.text());
    };
    // Enough for pages of the tables to be split, joined and left.
    let contacts = |of: std::ops::Range<usize>| {
        of.map(|n| {
            let attributes =
                json!({"email": format!("canary{n:04}@walk.example"), "phone": format!("+49151123{n:05}")});
            json!({"id": key(n), "attributes": attributes, "tags": ["lead"]})
        })
    };
    send("/v1/contacts", contacts(0..CROWD).collect());
    let noted = |n: usize| {
        let id = format!("canary-input-{n:04}");
        json!({"contact": key(n), "event": "noted", "id": id, "data": {"text": format!("canary-text-{n:04}").repeat(200)}})
    };
    send("/v1/events", (0..CROWD).map(noted).collect());
    wait_until("all have mail", Duration::from_secs(60), || written(&project, ".eml").len() == CROWD);

    let forgotten = [(3, Door::Step), (40, Door::Command), (77, Door::Http)];
    for (n, door) in forgotten {
        match door {
            Door::Step => send("/v1/events", json!({"contact": key(n), "event": "forget"})),
            Door::Command => {
                let erase = ["erase", &key(n), "--project", &project.path().display().to_string()].map(str::to_owned);
                let finished = binary::run(erase).success();
                assert!(finished.stdout.contains("Erased 1 contact"), "{}", finished.stdout);
            }
            Door::Http => {
                let path = format!("/v1/contacts/{}", key(n));
                assert_eq!(http::request(&server.address, "DELETE", &path, &[], b"").unwrap().status, 202);
            }
        }
        let gone = || http::get(&server.address, &format!("/v1/contacts/{}", key(n))).unwrap().status == 404;
        wait_until("it is forgotten", Duration::from_secs(30), gone);
    }
    let stored = stored(&project);
    let holds = |text: &str| stored.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(holds("canary0004@walk.example") && holds("canary-key-0004") && holds("canary-text-0004"));
    for (n, door) in forgotten {
        for left in ["canary-key-N", "canaryN@", "canary-text-N", "canary-input-N", "+491511230N"] {
            let left = left.replace('N', &format!("{n:04}"));
            assert!(!holds(&left), "{left} is left in the database by {door:?}");
        }
    }

    // An old list comes back, under the same ids and under new ones.
    send("/v1/contacts", contacts(40..41).collect());
    let again = |n: usize| json!({"id": format!("again-{n}"), "attributes": {"email": format!("canary{n:04}@walk.example")}, "tags": ["lead"]});
    send("/v1/contacts", json!([again(3), again(77), again(40), again(9999)]));
    wait_until("the new one has mail", Duration::from_secs(30), || written(&project, ".eml").len() > CROWD);
    let unsent = |key: &str| {
        let told = || http::get(&server.address, &format!("/v1/contacts/{key}")).unwrap().text();
        wait_until("the message is settled", Duration::from_secs(30), || told().contains("unsubscribed"));
    };
    ["again-3", "again-77", "again-40", &key(40)].into_iter().for_each(unsent);
    assert!(server.terminate().0.success());
    assert_eq!(written(&project, ".eml").len(), CROWD + 1, "marketing went to somebody who was erased");
}

#[test]
fn marketing_stays_away_from_addresses_of_a_list_until_it_is_lifted() {
    let project = shop(
        "journey other {
               on tag lead
               reenter always
               topic offers
               send email offer
             }",
    );
    project.write("list.csv", "Name,E-Mail\nAda, ADA@walk.example\nNobody,none\n");
    let server = Server::start(project.path());
    let suppress = |more: &[&str]| {
        let (list, at) = (project.path().join("list.csv"), project.path().display().to_string());
        let list = list.display().to_string();
        binary::run([&["suppress", &list, "--project", &at], more].concat())
    };
    let told = suppress(&[]);
    assert_eq!(told.code, Some(1), "{}", told.stderr);
    assert!(told.stdout.contains("1 row read, 1 of them new"), "{}", told.stdout);
    assert!(told.stderr.contains("list.csv:3: expected a mail address"), "{}", told.stderr);
    assert!(suppress(&[]).stdout.contains("0 of them new"));
    let unknown = suppress(&["--topic", "offer"]);
    assert!(unknown.code == Some(2) && unknown.stderr.contains("there is `offers`"), "{}", unknown.stderr);

    ["ada", "bo"].into_iter().for_each(|key| lead(&server, key, 1));
    let known = |key: &str| http::get(&server.address, &format!("/v1/contacts/{key}")).unwrap().text();
    wait_until("bo has mail", Duration::from_secs(30), || written(&project, ".eml").len() == 1);
    wait_until("ada's is settled", Duration::from_secs(30), || known("ada").contains("skipped"));
    assert!(suppress(&["--lift"]).stdout.contains("1 taken off the list"));
    let again = json!({"contact": "ada", "tag": "lead"}).to_string();
    let untag = json!({"contact": "ada", "untag": "lead"}).to_string();
    let body = format!("{untag}\n{again}\n");
    assert_eq!(http::post(&server.address, "/v1/events", "application/x-ndjson", body.as_bytes()).unwrap().status, 202);
    wait_until("ada has mail", Duration::from_secs(30), || written(&project, ".eml").len() == 2);
    assert!(server.terminate().0.success());
}

/// How many contacts there are where some are erased.
const CROWD: usize = 400;

/// All bytes of the database and its log.
fn stored(project: &Project) -> Vec<u8> {
    let files = std::fs::read_dir(project.path()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.to_string_lossy().contains(".db")).flat_map(|path| std::fs::read(path).unwrap()).collect()
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
