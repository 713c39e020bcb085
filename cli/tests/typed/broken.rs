//! Files that are wrong, each in its own way: every one gets a clear answer, and none breaks us.

use super::support::Sandbox;

const SETTINGS: &str = "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n";

const DECLARATIONS: &str = "\
contact {
  email: email
  first_name: text?
  plan: enum { free pro } = free
  visits: number = 0
}
tags { lead customer }
event purchase { amount: money }
topic offers \"Offers and news\"
policy {
  sender \"Shop <hello@shop.example>\"
  address \"Shop GmbH, Teststr. 1, 53177 Bonn\"
}
";

const STORY: &str = "\
---
subject: Our story
---
Hello!

[Unsubscribe]({{ unsubscribe_url }})
";

/// A project with this journey in it.
fn project(journey: &str) -> Sandbox {
    let here = Sandbox::new();
    here.write("journey.toml", SETTINGS)
        .write("declarations.journey", DECLARATIONS)
        .write("messages/story.email.md", STORY)
        .write("journeys/welcome.journey", journey);
    here
}

fn check(journey: &str) -> String {
    project(journey).journey(&["check"])
}

#[test]
fn nothing_is_wrong() {
    insta::assert_snapshot!(check(
        "journey welcome {\n  on tag lead\n  reenter never\n  exit when purchase\n  topic offers\n  send email story as story\n  wait 3d\n  \
         if opened story add tag customer\n  end\n}\n"
    ));
}

#[test]
fn an_unclosed_brace() {
    insta::assert_snapshot!(check(
        "journey welcome {\n  on tag lead\n  reenter never\n  topic offers\n  if plan is pro {\n    wait 3d\n  \
         send email story\n  end\n}\n"
    ));
}

#[test]
fn an_unknown_tag() {
    insta::assert_snapshot!(check(
        "journey welcome {\n  on tag leed\n  reenter never\n  topic offers\n  send email story\n  add tag custommer\n  \
         end\n}\n"
    ));
}

#[test]
fn a_wrong_type() {
    insta::assert_snapshot!(check(
        "journey welcome {\n  on tag lead\n  where visits > \"many\" and plan is gold\n  reenter never\n  topic offers\n  \
         send email story\n  set visits to 2d\n  end\n}\n"
    ));
}

#[test]
fn a_missing_message() {
    insta::assert_snapshot!(check(
        "journey welcome {\n  on tag lead\n  reenter never\n  topic offers\n  send email storry\n  send sms hello\n  \
         end\n}\n"
    ));
}

#[test]
fn opened_before_sent() {
    insta::assert_snapshot!(check(
        "journey welcome {\n  on tag lead\n  reenter never\n  topic offers\n  if opened story {\n    wait 1d\n  }\n  \
         send email story as story\n  end\n}\n"
    ));
}

#[test]
fn no_end() {
    insta::assert_snapshot!(check(
        "journey welcome {\n  on tag lead\n  reenter never\n  topic offers\n  send email story\n  wait for purchase\n  \
         add tag customer\n}\n"
    ));
}

#[test]
fn bytes_that_are_no_text() {
    let here = Sandbox::new();
    here.write("latin1.journey", b"journey gr\xfc\xdfe {\n  on tag lead\n  wait 2d\n  end\n}\n".as_slice());
    insta::assert_snapshot!(here.journey(&["check", "latin1.journey"]));
}

/// The same bytes on every machine.
fn noise(length: usize, byte: impl Fn(u64) -> u8) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        byte(state >> 24)
    };
    std::iter::repeat_with(next).take(length).collect()
}

#[test]
fn a_megabyte_of_noise() {
    let here = Sandbox::new();
    here.write("bytes.journey", noise(1_000_000, |n| n as u8));
    here.write("one_line.journey", noise(1_000_000, |n| b' ' + (n % 95) as u8));
    let words = ["{", "}", "journey", "on", "tag", "\n", "if", "\"", "send", "x", "2d", "else", "(", "wait", "end"];
    let noise = noise(400_000, |n| (n % words.len() as u64) as u8);
    let text: Vec<_> = noise.iter().map(|n| words[usize::from(*n)]).collect();
    here.write("words.journey", &text.join(" ")[..1_000_000]);
    let check = |file: &str| {
        let shown = here.journey(&["check", file]);
        // However much is wrong, it can be read: few lines, and none too long.
        let longest = shown.lines().map(|line| line.chars().count()).max();
        assert!(shown.lines().count() < 1_000 && longest < Some(250), "{shown}");
        shown
    };
    insta::assert_snapshot!([check("bytes.journey"), check("one_line.journey")].join("\n"));
    // Which of its thousand mistakes are told is the grammar's affair.
    let shown = check("words.journey");
    assert!(shown.contains("error[J01") && shown.ends_with("--- exit 1\n"), "{shown}");
}

#[test]
fn more_than_a_file_may_hold() {
    let here = Sandbox::new();
    here.write("large.journey", "// x\n".repeat(300_000));
    insta::assert_snapshot!(here.journey(&["check", "large.journey"]));
}

#[test]
fn an_empty_file() {
    let here = Sandbox::new();
    here.write("empty.journey", "").write("blank.journey", "\n// nothing but this\n");
    insta::assert_snapshot!(
        [here.journey(&["check", "empty.journey"]), here.journey(&["check", "blank.journey"])].join("\n")
    );
}

#[test]
fn a_directory() {
    let here = Sandbox::new();
    here.write("nothing/readme.txt", "");
    std::fs::create_dir(here.path("x.journey")).unwrap();
    insta::assert_snapshot!([here.journey(&["check", "nothing"]), here.journey(&["check", "x.journey"])].join("\n"));
}

#[test]
fn every_command_says_it_the_same_way() {
    let here = project("journey welcome {\n  on tag leed\n  reenter never\n  wait 1d\n  end\n}\n");
    let all: Vec<_> =
        [&["check", "--output-format", "concise"][..], &["check", "--output-format", "json"], &["build"], &["run"]]
            .iter()
            .map(|args| here.journey(args))
            .collect();
    insta::assert_snapshot!(all.join("\n"));
}
