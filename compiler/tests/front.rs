//! What is said about settings, messages and templates.
#![allow(missing_docs, clippy::string_slice, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use journey_bytecode::{Attribute, Event, Field, Policy, Purpose, Schema, Topic, Type, Value};
use journey_compiler::diagnostic::{Applicability, Diagnostic, sort};
use journey_compiler::messages;
use journey_compiler::project::{FileId, MAX_FILE, Project};
use journey_compiler::sources::Sources;
use journey_compiler::template::{Piece, Template};
use proptest::prelude::*;

fn schema() -> Schema {
    let attribute = |name: &str, ty, optional| Attribute { name: name.into(), ty, optional, default: None };
    let list = || Type::List(Arc::new(Type::Text));
    let words = |words: &[&str]| Type::Enum(words.iter().map(|&word| word.into()).collect());
    let mut schema = Schema {
        attributes: vec![
            attribute("email", Type::Email, false),
            attribute("first_name", Type::Text, true),
            attribute("nickname", Type::Text, true),
            attribute("birthday", Type::Date, true),
            attribute("visits_left", Type::Number, true),
            attribute("visits", Type::Number, false),
            attribute("balance", Type::Money, false),
            attribute("plan", words(&["free", "pro"]), true),
            attribute("language", words(&["en", "de"]), false),
            attribute("interests", list(), false),
            attribute("tips", list(), true),
        ],
        events: vec![Event {
            name: "purchase".into(),
            fields: vec![Field { name: "amount".into(), ty: Type::Money, optional: false }],
        }],
        topics: ["news", "offers"].map(|name| Topic { name: name.into(), title: name.to_owned() }).to_vec(),
        ..Schema::default()
    };
    // Optional, and yet never unset.
    schema.attributes[7].default = Some(Value::text("free"));
    schema
}

fn findings(project: &Project) -> Vec<Diagnostic> {
    let sources = Sources::read(project);
    let mut found = sources.findings.clone();
    for message in &sources.messages {
        let purpose = message.purpose.as_ref().map_or(Purpose::Marketing, |purpose| purpose.value);
        found.extend(messages::check(message, &schema(), &Policy::default(), purpose, &BTreeSet::new()));
    }
    sort(&mut found);
    support::assert_sound(project, &found);
    found
}

#[test]
fn findings_read_well() {
    insta::glob!("front/*.txt", |path| {
        let fixture = std::fs::read_to_string(path).unwrap();
        let mut out = String::new();
        for (title, text) in support::cases(&fixture) {
            let project = support::project(&text);
            let rendered = support::render(&project, &findings(&project));
            let rendered = if rendered.is_empty() { "nothing\n".to_owned() } else { rendered };
            out.push_str(&format!("=== {title}\n{rendered}\n"));
        }
        insta::assert_snapshot!(out);
    });
}

/// A fix that claims to be safe does away with what it is offered for, and breaks nothing else.
#[test]
fn safe_fixes_mend() {
    insta::glob!("front/*.txt", |path| {
        let fixture = std::fs::read_to_string(path).unwrap();
        for (title, text) in support::cases(&fixture) {
            let project = support::project(&text);
            let before = findings(&project);
            for found in &before {
                for fix in found.fixes.iter().filter(|fix| fix.applicability == Applicability::Safe) {
                    let after = findings(&support::apply(&project, fix));
                    let again = |d: &Diagnostic| (d.code, &d.message) == (found.code, &found.message);
                    let count = |all: &[Diagnostic]| all.iter().filter(|d| again(d)).count();
                    assert!(count(&after) < count(&before), "{title}: {} does not mend {found:?}", fix.title);
                }
            }
        }
    });
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "---\n",
        "subject: x\n",
        "{{ ",
        " }}",
        "{% if x %}",
        "{% endif %}",
        "{% else %}",
        "{#",
        "first_name",
        " | ",
        "default(\"x\")",
        "trigger.",
        "\"",
        "'",
        "\n",
        " ",
        "[project]\n",
        "name = ",
        "timezone = \"UTC\"\n",
        "[email]\n",
        "=",
        "smtp://",
        "journey a {",
        "}",
        "on tag x ",
        "send email ",
        "wait 3d ",
        "25:00",
        "ä",
        "„",
        "😀",
        "\\",
        "\u{feff}",
        "{% raw %}",
        "{% for x in ",
        "{%",
        "%}",
        "[0]",
        "(",
        ")",
        "\0",
        "\r\n",
        "`",
    ];
    let piece = prop_oneof![
        8 => proptest::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
        1 => "\\PC{0,4}".prop_map(String::into_bytes),
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Any bytes in any kind of file: no panic, and every place is inside of its file.
    #[test]
    fn any_bytes_are_read(files in proptest::collection::vec((0..6_usize, bytes()), 1..4)) {
        let paths = ["journey.toml", "a.journey", "messages/a.email.md", "messages/a.email.html", "messages/a.sms.txt", "messages/a.push.json"];
        let files: std::collections::BTreeMap<_, _> = files.into_iter().map(|(path, bytes)| (paths[path].to_owned(), bytes)).collect();
        let project = support::of_files(files);
        for found in findings(&project) {
            // Whoever shows it can.
            prop_assert!(!support::render(&project, &[found]).is_empty());
        }
    }

    /// Any text between quotes of a journey is read as a message, and its places are inside of the quotes.
    #[test]
    fn any_text_in_a_journey_is_read(text in "(\\\\.|[^\"\\\\\r\n]|\\{\\{ x \\}\\}){0,20}") {
        let source = format!("send sms \"{text}\"");
        let piece = Piece::literal(FileId(0), &source, 9..source.len());
        for usage in Template::parse(&piece).uses {
            prop_assert!(usage.span.start >= 10 && (usage.span.end as usize) < source.len());
            prop_assert_eq!(&source[usage.span.range()], usage.name());
        }
    }
}

/// Files that are no text, or no longer one.
#[test]
fn bytes_that_are_no_text() {
    let files: [(&str, Vec<u8>); 9] = [
        ("latin.journey", b"journey a {\n  on tag lead\n  send sms \"Gr\xfc\xdfe\"\n}\n".to_vec()),
        ("utf16.journey", "\u{feff}on tag lead".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("mark.journey", "\u{feff}on tag lead\nreenter never\nsend email welcome\n".as_bytes().to_vec()),
        ("cut.journey", b"on tag lead send sms \"\xe2\x82".to_vec()),
        ("zeros.journey", vec![0; 100]),
        ("image.journey", (0..=255).cycle().take(1000).collect()),
        ("large.journey", vec![b' '; MAX_FILE + 1]),
        ("messages/photo.email.html", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        ("messages/photo.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
    ];
    let mut out = String::new();
    for (path, bytes) in files {
        let large = bytes.len() > 2000;
        let project = support::of_files([(path.to_owned(), bytes)]);
        let found = findings(&project);
        let rendered = match large {
            true => found.iter().map(|d| format!("[{}] {}\n", d.code, d.message)).collect(),
            false => support::render(&project, &found),
        };
        out.push_str(&format!("=== {path}\n{}\n", if rendered.is_empty() { "nothing\n" } else { &rendered }));
    }
    insta::assert_snapshot!(out);
}
