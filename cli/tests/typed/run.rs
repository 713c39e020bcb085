//! `journey run` and `journey build`, with real files.

use std::fs;

use super::support::Sandbox;

const JOURNEY: &str = "\
/// Says hello, and once more to those who read it.
journey welcome {
  on tag lead
  where plan is not pro
  reenter never
  exit when purchase
  topic offers
  send email story as story
  wait 3d
  if opened story {
    send sms thanks
    add tag customer
  }
  wait for purchase up to 30d
  end
}
";

const DECLARATIONS: &str = "\
contact {
  email: email
  phone: phone?
  first_name: text?
  timezone: timezone?
  plan: enum { free pro } = free
}
tags { lead customer }
event purchase { amount: money }
topic offers \"Offers and news\"
policy {
  sender \"Shop <hello@shop.example>\"
  address \"Shop GmbH, Teststr. 1, 53177 Bonn\"
}
";

const CONTACTS: &str = "\
id,email,phone,first_name,timezone,plan,tags
ada,ada@example.com,+4915112345601,Ada,Europe/Berlin,free,
ben,ben@example.com,,Ben,America/New_York,free,
cho,cho@example.com,,Cho,,pro,
bad,not an address,,Bad,,free,
eve,eve@example.com,,Eve,,gold,
";

const EVENTS: &str = "\
{\"id\":\"1\",\"contact\":\"ada\",\"at\":\"2026-03-02T10:00:00+01:00\",\"tag\":\"lead\"}
{\"id\":\"2\",\"contact\":\"ben\",\"at\":\"2026-03-02T10:05:00+01:00\",\"tag\":\"lead\"}
{\"id\":\"3\",\"contact\":\"cho\",\"at\":\"2026-03-02T10:10:00+01:00\",\"tag\":\"lead\"}
{\"id\":\"4\",\"contact\":\"ada\",\"at\":\"2026-03-03T08:00:00+01:00\",\"opened\":\"story\"}
{\"id\":\"5\",\"contact\":\"ben\",\"at\":\"2026-03-03T09:00:00+01:00\",\"opened\":\"story\"}
{\"id\":\"6\",\"contact\":\"ben\",\"at\":\"2026-03-09T09:00:00+01:00\",\"event\":\"purchase\",\"data\":{\"amount\":\"20 EUR\"}}
{\"id\":\"6\",\"contact\":\"ben\",\"at\":\"2026-03-09T09:00:00+01:00\",\"event\":\"purchase\",\"data\":{\"amount\":\"30 EUR\"}}
{\"id\":\"7\",\"contact\":\"nobody\",\"at\":\"2026-03-09T10:00:00+01:00\",\"event\":\"purchase\",\"data\":{\"amount\":\"20 EUR\"}}
{\"contact\":\"ada\",\"event\":\"purchasse\"}
not JSON
";

fn shop() -> Sandbox {
    let here = Sandbox::new();
    here.write("shop/journey.toml", "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n")
        .write("shop/declarations.journey", DECLARATIONS)
        .write("shop/welcome.journey", JOURNEY)
        .write(
            "shop/messages/story.email.md",
            "---\nsubject: Our story\n---\nHello {{ first_name | default('there') }}!\n",
        )
        .write("shop/messages/thanks.sms.txt", "Thank you, {{ first_name | default('you') }}!\n")
        .write("shop/contacts.csv", CONTACTS)
        .write("shop/events.ndjson", EVENTS);
    here
}

/// The first four columns of the contacts that are sound.
fn sound() -> Sandbox {
    let here = shop();
    let lines = |text: &str, n: usize| text.lines().take(n).map(|line| format!("{line}\n")).collect::<String>();
    here.write("shop/contacts.csv", lines(CONTACTS, 4)).write("shop/events.ndjson", lines(EVENTS, 6));
    here
}

#[test]
fn a_run_with_everything() {
    let here = shop();
    insta::assert_snapshot!(here.journey(&["run", "shop"]));
}

#[test]
fn a_run_is_the_same_every_time_and_leaves_the_files_of_others_alone() {
    let here = sound();
    here.write("shop/outbox/mine.eml", "mine").write("shop/outbox/20260101T000000Z-000001-001-a-b.eml", "mine too");
    let outbox = || {
        let files = here.files().into_iter().filter(|path| path.starts_with("shop/outbox/"));
        files.map(|path| (path.clone(), fs::read(here.path(&path)).unwrap())).collect::<Vec<_>>()
    };
    let first = (here.journey(&["run", "shop"]), outbox());
    let second = (here.journey(&["run", "shop"]), outbox());
    assert_eq!(first, second);
    assert!(first.0.ends_with("--- exit 0\n"), "{}", first.0);

    // A run that writes less takes back what the one before wrote.
    let third = here.journey(&["run", "shop", "--until", "1h"]);
    let names: Vec<_> = outbox().into_iter().map(|(path, _)| path).collect();
    insta::assert_snapshot!(format!("{third}\n{}", names.join("\n")));
}

#[test]
fn where_it_goes_and_when_it_stops() {
    let here = sound();
    let all = [
        here.journey(&["run", "shop", "--until", "2026-03-03 12:00", "--out", "elsewhere"]),
        here.journey(&["run", "shop", "--until", "soon"]),
        here.journey(&["run", "shop", "--until", "99999999999y"]),
        here.journey(&["run", "shop", "--contacts", "nowhere.csv"]),
        here.journey(&["run", "shop", "--contacts", "shop/events.ndjson"]),
        here.journey(&["run", "shop", "--out", "shop/journey.toml"]),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_lone_file_runs_with_sample_contacts() {
    let here = Sandbox::new();
    here.write("hello.journey", "on tag X wait 2d if opened send email follow_up");
    let first = here.journey(&["run", "hello.journey"]);
    let seen = [first, here.files().join("\n"), here.journey(&["run", "."])];
    insta::assert_snapshot!(seen.join("\n"));
}

#[test]
fn a_project_without_people_says_so() {
    let here = sound();
    fs::remove_file(here.path("shop/contacts.csv")).unwrap();
    fs::remove_file(here.path("shop/events.ndjson")).unwrap();
    insta::assert_snapshot!(here.journey(&["run", "shop"]));
}

#[test]
fn several_projects_are_one_too_many() {
    let here = sound();
    here.write("other/journey.toml", "").write("other/x.journey", "");
    insta::assert_snapshot!(here.journey(&["run"]));
}

#[test]
fn build_writes_one_file_or_prints() {
    let here = sound();
    here.write("hello.journey", "on tag X wait 2d if opened send email follow_up");
    let built = here.journey(&["build", "shop"]);
    let bytes = fs::read(here.path("shop/shop.journeyc")).unwrap();
    assert!(bytes.starts_with(b"journey"), "it begins with the magic bytes");
    let again = here.journey(&["build", "shop", "-o", "out.journeyc"]);
    assert_eq!(fs::read(here.path("out.journeyc")).unwrap(), bytes, "the same project gives the same bytes");
    let all = [
        built,
        again,
        here.journey(&["build", "hello.journey", "--emit", "tree"]),
        here.journey(&["build", "hello.journey", "--emit", "bytecode"]),
        here.journey(&["build", "shop", "-o", "no/such/folder/x.journeyc"]),
        here.journey(&["build", "shop", "-o", "x", "--emit", "tree"]),
    ];
    // The size of the file and the version are the compiler's affair.
    let size = format!("{} bytes", bytes.len());
    let all = all.join("\n").replace(&size, "[size] bytes");
    let version = all.split("version ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    insta::assert_snapshot!(all.replace(&version, "[version]"));
    assert!(here.files().iter().all(|path| !path.contains(".new")), "nothing unfinished is left");
}

#[test]
fn what_new_makes_checks_clean_and_runs() {
    let here = Sandbox::new();
    for template in ["nurture", "cart"] {
        here.journey(&["new", template, "--template", template]);
        let checked = here.journey(&["check", template, "--fail-level", "warning"]);
        assert!(checked.ends_with("--- exit 0\n"), "{checked}");
        let run = here.journey(&["run", template]);
        assert!(run.ends_with("--- exit 0\n"), "{run}");
    }
}

#[test]
fn a_forecast_is_the_same_for_everybody() {
    let here = Sandbox::new();
    here.journey(&["new", "welcome"]);
    insta::assert_snapshot!(here.journey(&["simulate", "welcome", "--contacts", "40", "--days", "40"]));
    here.write("welcome/behaviour.toml", "[messages.email]\nopened = 2\n[happens]\n\"tag nobody\" = 1\n");
    let wrong = here.journey(&["simulate", "welcome"]);
    here.write("welcome/behaviour.toml", "[mesages.email]\nopened = 0.2\n");
    insta::assert_snapshot!("a_forecast_needs_sense", wrong + "\n" + &here.journey(&["simulate", "welcome"]));
}
