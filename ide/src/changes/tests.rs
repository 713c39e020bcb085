use journey_compiler::compile;
use journey_compiler::project::File;

use super::*;

/// A project of these files: path and text.
fn project(files: &[(&str, &str)]) -> Project {
    let mut files: Vec<File> =
        files.iter().map(|(path, text)| File { path: (*path).to_owned(), bytes: text.as_bytes().into() }).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Project { files, lone: false }
}

fn changes(before: &Project, after: &Project) -> Changes {
    Changes::between((before, &compile(before)), (after, &compile(after)))
}

fn between(before: &str, after: &str) -> Changes {
    changes(&project(&[("a.journey", before)]), &project(&[("a.journey", after)]))
}

const NURTURE: &str = "\
journey nurture {
  on tag lead
  reenter never
  exit when purchase
  topic offers
  send email story
  wait 3d
  if opened story {
    wait 4d
  } else {
    send sms nudge
    wait for opened story up to 2d else end
  }
  send email price
  wait until tuesday 09:00
  repeat up to 3 times { send email again wait 1d }
  end
}
";

#[test]
fn layout_comments_and_files_make_no_difference() {
    let other = NURTURE.replace('\n', "\n\n// why\n").replace("  ", "\t");
    assert!(between(NURTURE, &other).is_empty());
    let elsewhere = changes(&project(&[("a.journey", NURTURE)]), &project(&[("b/c.journey", NURTURE)]));
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}

#[test]
fn a_journey_comes_with_all_that_it_does() {
    insta::assert_debug_snapshot!(between("", NURTURE));
    let gone = between(NURTURE, "");
    assert_eq!(gone.journeys[0].kind, JourneyKind::Removed);
    let renamed = between(NURTURE, &NURTURE.replace("journey nurture", "journey care"));
    assert_eq!(renamed.journeys[0].kind, JourneyKind::Renamed { from: "nurture".into() });
    assert_eq!(renamed.journeys.len(), 1);
}

#[test]
fn each_change_is_told_once_with_when_and_where() {
    let after = NURTURE
        .replace("on tag lead", "on tag lead\n  on tag vip\n  where country is DE")
        .replace("reenter never", "reenter after 90d")
        .replace("topic offers", "topic news")
        .replace("wait 3d", "wait 5d")
        .replace("send sms nudge", "send push nudge")
        .replace("up to 2d else end", "up to 1d")
        .replace("  end\n}", "  send email last\n  add tag done\n  end\n}");
    insta::assert_debug_snapshot!(between(NURTURE, &after));
}

#[test]
fn a_step_that_moves_is_one_change() {
    let before = "journey a { on created send email one wait 1d if opened { send email two } }";
    let after = "journey a { on created send email one if opened { wait 1d } send email two }";
    let changes = between(before, after);
    let moved: Vec<_> =
        changes.journeys[0].changes.iter().filter(|change| change.subject == Subject::Message).collect();
    assert_eq!(moved.len(), 1, "{moved:?}");
    assert_eq!(moved[0].before.as_ref().unwrap().path, ["if opened"]);
    assert_eq!(moved[0].after.as_ref().unwrap().when, Some(Elapsed { least: 0, most: Some(86_400) }));
}

#[test]
fn the_project_around_journeys() {
    let before = project(&[
        ("journey.toml", "[project]\nname = \"shop\"\ntimezone = \"UTC\"\n"),
        (
            "d.journey",
            "tags { lead }\ntopic offers \"Offers\"\nsegment big = visits > 5\npolicy { cap 3 messages per 7d cap sms 1 per 1d }",
        ),
        ("j.journey", "journey a { on tag lead where in big topic offers send email story }"),
        ("messages/story.email.md", "---\nsubject: Our story\n---\nHello!\nOne.\n"),
        ("messages/old.sms.txt", "Bye"),
    ]);
    let after = project(&[
        ("journey.toml", "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n"),
        (
            "d.journey",
            "tags { lead vip }\ntopic offers \"Offers and news\"\nsegment big = visits > 10\npolicy { cap 5 messages per 7d cap sms 1 per 1d }",
        ),
        ("j.journey", "journey a { on tag lead where in big topic offers send email story }"),
        ("messages/story.email.md", "---\nsubject: Our whole story\n---\nHello!\nTwo.\nThree.\n"),
        ("messages/new.sms.txt", "Hi"),
    ]);
    insta::assert_debug_snapshot!(changes(&before, &after));
    assert!(changes(&after, &after).is_empty());
}

#[test]
fn broken_sources_are_told_as_far_as_they_are_read() {
    let told = between(NURTURE, &NURTURE.replace("wait 3d", "wiat 3d"));
    assert!(!told.is_empty());
    assert!(changes(&project(&[("a.journey", "}{ \u{0}")]), &project(&[])).journeys.is_empty());
}
