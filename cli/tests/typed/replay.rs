//! `journey simulate --replay`: what was recorded, through two revisions of a project.

use super::check::git;
use super::support::Sandbox;

const SETTINGS: &str = "[project]\nname = \"welcome\"\ntimezone = \"Europe/Berlin\"\n";

const DECLARATIONS: &str = "\
contact {
  email: email
  plan: enum { free pro } = free
}
tags { lead old }
event purchase { amount: money }
event visited { page: text }
topic offers \"Offers\"
policy {
  sender \"Shop <hello@shop.example>\"
  address \"Shop GmbH, Teststr. 1, 53177 Bonn\"
}
";

const BEFORE: &str = "\
journey welcome {
  on tag lead
  reenter never
  exit when purchase
  topic offers
  send email welcome
  wait 2d
  send email reminder
  end
}
";

const AFTER: &str = "\
journey welcome {
  on tag lead
  reenter never
  exit when purchase
  topic offers
  send email welcome
  wait 5d
  send email reminder as reminder
  wait for opened reminder up to 3d else end
  send email offer
  end
}
";

const EVENTS: &str = "\
{\"id\":\"ada\",\"at\":\"2026-03-02T10:00:00+01:00\",\"attributes\":{\"email\":\"ada@x.example\",\"plan\":\"pro\"},\"tags\":[\"lead\"]}
{\"id\":\"ben\",\"at\":\"2026-03-02T11:00:00+01:00\",\"attributes\":{\"email\":\"ben@x.example\"},\"tags\":[\"lead\"]}
{\"contact\":\"ben\",\"at\":\"2026-03-03T11:00:00+01:00\",\"event\":\"purchase\",\"data\":{\"amount\":\"20 EUR\"}}
{\"contact\":\"ada\",\"at\":\"2026-03-08T09:00:00+01:00\",\"opened\":\"reminder\"}
";

const MAIL: &str = "---\nsubject: A word\n---\nHello. [Stop]({{ unsubscribe_url }})\n";

/// A project in a repository, whose next revision has another journey and other names.
fn repository() -> Sandbox {
    let here = Sandbox::new();
    here.write("welcome/journey.toml", SETTINGS)
        .write("welcome/declarations.journey", DECLARATIONS)
        .write("welcome/welcome.journey", BEFORE);
    for name in ["welcome", "reminder"] {
        here.write(&format!("welcome/messages/{name}.email.md"), MAIL);
    }
    git(&here, &["init", "--quiet"]);
    git(&here, &["add", "."]);
    git(&here, &["commit", "--quiet", "-m", "before"]);
    git(&here, &["tag", "v1"]);
    let declarations = DECLARATIONS.replace("  plan", "  city: text?\n  plan").replace("lead old", "lead").replace(
        "event visited { page: text }\n",
        "event visited { page: text  seconds: number? }\nevent called { }\n",
    );
    here.write("welcome/declarations.journey", declarations)
        .write("welcome/welcome.journey", AFTER)
        .write("welcome/messages/offer.email.md", MAIL)
        .write("events.ndjson", EVENTS);
    here
}

const REPLAY: [&str; 6] = ["simulate", "welcome", "--replay", "events.ndjson", "--against", "v1"];

#[test]
fn who_would_have_received_what() {
    let here = repository();
    let human = here.journey(&REPLAY);
    let json = here.journey(&[&REPLAY[..], &["--output-format", "json"]].concat());
    insta::assert_snapshot!(format!("{human}\n{json}"));
    assert_eq!(here.journey(&REPLAY), human, "the same file and versions give the same bytes");
    git(&here, &["add", "."]);
    git(&here, &["commit", "--quiet", "-m", "after"]);
    let same = here.journey(&["simulate", "welcome", "--replay", "events.ndjson", "--against", "HEAD", "--days", "1"]);
    assert!(same.contains("Everybody would have received the same."), "{same}");
    assert!(same.contains("to 2026-03-08 09:00"), "{same}");
}

#[test]
fn what_a_version_does_not_take_is_told() {
    let here = repository();
    let more = "\
{\"contact\":\"ada\",\"at\":\"2026-03-09T09:00:00+01:00\",\"set\":{\"city\":\"Bonn\",\"plan\":\"free\"}}
{\"id\":\"ben\",\"at\":\"2026-03-09T09:00:00+01:00\",\"tags\":[\"old\",\"lead\"]}
{\"contact\":\"ada\",\"at\":\"2026-03-09T09:00:00+01:00\",\"event\":\"visited\",\"data\":{\"page\":\"/a\",\"seconds\":3}}
{\"contact\":\"ada\",\"at\":\"2026-03-09T09:00:00+01:00\",\"event\":\"called\"}
{\"contact\":\"ada\",\"at\":\"2026-03-09T10:00:00+01:00\",\"event\":\"called\"}
{\"contact\":\"ben\",\"at\":\"2026-03-09T09:00:00+01:00\",\"untag\":\"old\"}
{\"contact\":\"ben\",\"at\":\"2026-03-09T09:00:00+01:00\",\"opened\":\"offer\"}
{\"contact\":\"cy\",\"at\":\"2026-03-09T09:00:00+01:00\",\"tag\":\"lead\"}
{\"contact\":\"ada\",\"at\":\"2026-03-09T09:00:00+01:00\",\"set\":{\"town\":\"Bonn\"}}
{\"contact\":\"ada\",\"at\":\"yesterday\",\"tag\":\"lead\"}
{\"contact\":\"ada\",
";
    here.write("events.ndjson", EVENTS.to_owned() + more);
    let human = here.journey(&REPLAY);
    let json = here.journey(&[&REPLAY[..], &["--output-format", "json"]].concat());
    insta::assert_snapshot!(format!("{human}\n{json}"));
}

#[test]
fn what_cannot_be_replayed_says_why() {
    let here = repository();
    here.write("empty.ndjson", "\n").write("late/journey.toml", SETTINGS).write("late/a.journey", BEFORE);
    let replay = |args: &[&str]| here.journey(&[&["simulate"], args].concat());
    let mut all = vec![
        replay(&["welcome", "--replay", "events.ndjson"]),
        replay(&["welcome", "--against", "v1"]),
        replay(&["welcome", "--replay", "events.ndjson", "--against", "v1", "--seed", "3"]),
        replay(&["welcome", "--replay", "events.ndjson", "--against", "v9"]),
        replay(&["welcome", "--replay", "none.ndjson", "--against", "v1"]),
        replay(&["welcome", "--replay", "empty.ndjson", "--against", "v1"]),
        replay(&["late", "--replay", "events.ndjson", "--against", "v1"]),
    ];
    here.write("welcome/welcome.journey", BEFORE.replace("wait 2d", "wiat 2d"));
    git(&here, &["add", "."]);
    git(&here, &["commit", "--quiet", "-m", "broken"]);
    here.write("welcome/welcome.journey", AFTER);
    all.push(replay(&["welcome", "--replay", "events.ndjson", "--against", "HEAD"]));
    insta::assert_snapshot!(all.join("\n"));
}
