//! What is said about settings, messages and templates.
#![allow(missing_docs, clippy::string_slice, reason = "tests")]

mod support;

use std::sync::Arc;

use journey_bytecode::{Attribute, Event, Field, Policy, Purpose, Schema, Topic, Type, Value};
use journey_compiler::diagnostic::{Diagnostic, sort};
use journey_compiler::messages;
use journey_compiler::project::Project;
use journey_compiler::sources::Sources;

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
        found.extend(messages::check(message, &schema(), &Policy::default(), purpose));
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
