//! `journey test` and `journey graph`.

use super::support::Sandbox;

const SHOP: &str = r#"contact {
  email: email
  phone: phone?
  timezone: timezone?
  plan: enum { free pro } = free
}
tags { lead vip }
event purchase { amount: money, note: text? }
topic offers "Offers"
policy {
  sender "Shop <shop@example.com>"
  address "Shop, Street 1, 12345 Town"
  quiet hours 21:00 to 08:00
  cap 2 messages per 7d
}

journey welcome {
  on tag lead
  reenter restart
  exit when purchase
  topic offers
  send email hello as first
  wait 2d
  if opened first {
    send email thanks
    wait for clicked thanks up to 1d else end
  } else {
    send sms nudge
    if skipped end
    wait 1d
    end
  }
  add tag vip
}
"#;

fn shop(tests: &str) -> Sandbox {
    let here = Sandbox::new();
    here.write("journey.toml", "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n")
        .write("shop.journey", SHOP)
        .write("tests.journey", tests)
        .write("messages/hello.email.md", "---\nsubject: Hello\n---\n[Go](https://shop.example)\n")
        .write("messages/thanks.email.md", "---\nsubject: Thanks\n---\n[Go](https://shop.example)\n")
        .write("messages/nudge.sms.txt", "Hi\n");
    here
}

#[test]
fn tests_that_pass() {
    let here = shop(
        r#"test "who opens is thanked, and who clicks is a friend" {
  given contact { timezone: "America/New_York" }
  at 2026-03-06 10:00 tag lead
  expect send email hello
  after 1d opened first
  after 1d expect send email thanks
  expect plan is free
  after 5h clicked thanks
  expect tag vip
  expect end
}

test "without a phone no text is sent, and the journey knows" {
  given contact
  at 2026-03-02 10:00 tag lead
  expect send
  after 2d expect skipped nudge because no_address
  expect end
  expect no tag vip
}

test "at night the mail waits for the morning" {
  given contact ada { timezone: "Europe/Berlin" }
  given contact ben { timezone: "Asia/Tokyo" }
  at 2026-03-02 22:00 tag lead for ada
  expect no send for ada
  expect wait until 2026-03-03 08:00 for ada
  tag lead for ben
  expect no send for ben
  after 2h expect send email hello for ben
  at 2026-03-03 08:00 expect send email hello for ada
}

test "buying ends it, also in the middle of a wait" {
  at 2026-03-02 10:00 tag lead
  expect send email hello
  after 1h event purchase { amount: 20 EUR }
  expect end because purchase
}

test "who unsubscribes leaves" {
  at 2026-03-02 10:00 tag lead
  expect send email hello
  after 1h unsubscribed offers
  expect end because unsubscribed
}
"#,
    );
    insta::assert_snapshot!(here.journey(&["test"]));
}

#[test]
fn tests_that_fail_say_what_happened_instead() {
    let here = shop(
        r#"test "too early" {
  at 2026-03-02 10:00 tag lead
  expect send email hello
  after 1d expect send email thanks
}

test "nobody expects the second mail" {
  at 2026-03-02 10:00 tag lead
  expect send email hello
  opened hello
  after 3d expect no tag vip
}

test "nothing starts it" {
  at 2026-03-02 10:00 set plan to pro
  expect send email hello
  expect end because goal
  expect plan is free
}
"#,
    );
    let all = [&["test"][..], &["test", "early", "--output-format", "junit"], &["test", "no such test"]];
    insta::assert_snapshot!(all.map(|args| here.journey(args)).join("\n"));
}

#[test]
fn the_adversary_finds_what_does_not_always_hold() {
    let here = shop(
        r#"journey careless {
  on tag vip
  reenter never
  purpose transactional
  repeat up to 2 times { send email hello }
  wait for purchase
}

test "careful" {
  given contact { timezone: "Europe/Berlin" }
  at 2026-03-06 10:00 tag lead
  expect send email hello
  after 1d opened first
  after 1d expect send email thanks
  after 1d expect end
}

test "careless" {
  at 2026-03-06 10:00 tag vip
  expect send email hello
  expect send email hello
}
"#,
    );
    let all = [
        &["test", "--adversary", "careful"][..],
        &["test", "--adversary", "careless"],
        &["test", "--adversary", "--output-format", "junit", "careless"],
    ];
    insta::assert_snapshot!(all.map(|args| here.journey(args)).join("\n"));
}

#[test]
fn tests_with_mistakes_do_not_run() {
    let here = shop(
        r#"test "mistakes" {
  given contact ada { plan: gold, size: 3 }
  given contact ada
  at 2026-03-02 10:00 tag led for ada
  event purchase { amont: 20 EUR } for ada
  expect send email helo for bea
  expect end because boredom for ada
  expect send
}

test "says nothing" {
  at 2026-03-02 10:00 tag lead
}
"#,
    );
    insta::assert_snapshot!(here.journey(&["test"]));
}

#[test]
fn graphs() {
    let here = shop("journey other { on tag vip reenter never end }\n");
    let all = [
        &["graph", "--journey", "welcome"][..],
        &["graph"],
        &["graph", "--format", "svg"],
        &["graph", "--journey", "welcom"],
        &["graph", "shop.journey", "--format", "dot"],
        &["graph", "nothing.journey"],
    ];
    insta::assert_snapshot!(all.map(|args| here.journey(args)).join("\n"));
}

#[test]
fn a_path_means_the_tests_that_lie_there() {
    let test =
        |title: &str| format!("test \"{title}\" {{\n  at 2026-03-02 10:00 tag lead\n  expect send email hello\n}}\n");
    let here = Sandbox::new();
    for name in ["a", "b"] {
        let file = |path: &str| format!("{name}/{path}");
        here.write(&file("journey.toml"), "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n")
            .write(&file("shop.journey"), SHOP)
            .write(&file("first.journey"), test("one"))
            .write(&file("more/second.journey"), test("two"))
            .write(&file("messages/hello.email.md"), "---\nsubject: Hello\n---\n[Go](https://shop.example)\n")
            .write(&file("messages/thanks.email.md"), "---\nsubject: Thanks\n---\n[Go](https://shop.example)\n")
            .write(&file("messages/nudge.sms.txt"), "Hi\n");
    }
    let told = [
        here.journey(&["test"]),
        here.journey(&["test", "a"]),
        here.journey(&["test", "a/first.journey"]),
        here.journey(&["test", "more", "--project", "b"]),
        here.journey(&["test", "two", "--project", "b"]),
        here.journey(&["test", "three", "--project", "b"]),
    ];
    insta::assert_snapshot!(told.join("\n"));
}

/// What is left out matches anything; what is said must be so. A message is expected by its name, whatever that is.
#[test]
fn withdrawn_consent_and_messages_called_like_a_line() {
    let journey = "contact { email: email phone: phone? }\ntags { lead gone }\ntopic offers \"Offers\"\n\
        policy { sender \"Shop <shop@example.com>\" address \"Shop, Street 1, 12345 Town\" }\n\
        journey texts { on tag lead reenter never unsubscribe offers via sms }\n\
        journey all { on tag gone reenter never purpose transactional send email goal unsubscribe }\n";
    let run = |test: &str| {
        let here = Sandbox::new();
        here.write("journey.toml", "[project]\nname = \"shop\"\ntimezone = \"Europe/Berlin\"\n")
            .write("shop.journey", journey)
            .write("messages/goal.email.md", "---\nsubject: Hello\npurpose: transactional\n---\nHello.\n")
            .write("tests.journey", format!("test \"it\" {{ at 2026-03-06 10:00 {test} }}\n"));
        let output = here.command(&["test"]).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    for right in [
        "tag lead expect unsubscribe",
        "tag lead expect unsubscribe offers",
        "tag lead expect unsubscribe via sms",
        "tag lead expect unsubscribe offers via sms after 1d expect no unsubscribe",
        "tag gone expect send email goal expect unsubscribe",
    ] {
        let (code, said) = run(right);
        assert_eq!(code, Some(0), "{right}: {said}");
    }
    for wrong in [
        "tag lead expect unsubscribe via email",
        "tag lead expect no unsubscribe",
        "tag gone expect send email goal expect unsubscribe offers",
    ] {
        let (code, said) = run(wrong);
        assert!(code == Some(1) && said.contains("unsubscribe"), "{wrong}: {said}");
    }
}
