//! The schema of `journey.toml` for editors says what its reader says.
#![allow(missing_docs, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::fmt::Write;

use journey_compiler::config::{self, SECTIONS, lint};
use journey_compiler::diagnostic::{Code, Group, Level, Profile};
use journey_compiler::project::FileId;
use serde_json::Value;

fn schema() -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/journey.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value["properties"].as_object().unwrap().keys().map(String::as_str).collect()
}

fn names(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn every_setting_is_in_the_schema_and_no_other() {
    let schema = schema();
    assert_eq!(keys(&schema), SECTIONS.iter().map(|(section, _)| *section).collect());
    let lints = Code::ALL.iter().filter(|code| code.is_lint()).map(|code| code.name());
    let lints: Vec<_> = lints.chain(Group::ALL.map(Group::name)).chain([lint::ALL]).collect();
    for (section, known) in SECTIONS {
        let of_section = &schema["properties"][section];
        // Systems and colleagues have names of their own.
        let others = &of_section["additionalProperties"];
        let named = ["call", "notify"].contains(section) && others["$ref"].is_string();
        assert!(*others == false || named, "[{section}]");
        let mut known: BTreeSet<_> = known.iter().copied().collect();
        if *section == "lint" {
            known.extend(&lints);
        }
        let missing: Vec<_> = known.difference(&keys(of_section)).copied().collect();
        assert!(missing.is_empty(), "docs/journey.schema.json lacks, below [{section}]: {missing:?}");
        let wrong: Vec<_> = keys(of_section).into_iter().filter(|key| !known.contains(key)).collect();
        assert!(wrong.is_empty(), "docs/journey.schema.json has, below [{section}], what there is not: {wrong:?}");
    }
    assert_eq!(names(&schema["$defs"]["level"]["enum"]), Level::ALL.map(Level::name));
    let profiles = &schema["properties"]["lint"]["properties"]["profiles"]["items"]["enum"];
    assert_eq!(names(profiles), Profile::ALL.map(Profile::name));
}

/// The settings that the schema gives as examples, read together, with a level for each finding.
#[test]
fn the_examples_of_the_schema_can_be_read() {
    let schema = schema();
    let mut text = String::new();
    for (section, _) in SECTIONS {
        writeln!(text, "[{section}]").unwrap();
        for (key, setting) in schema["properties"][section]["properties"].as_object().unwrap() {
            assert!(setting["description"].as_str().is_some_and(|text| text.ends_with('.')), "{key} is not described");
            // A level has no examples: all are told.
            let value =
                if setting["$ref"].is_string() { "\"warn\"".to_owned() } else { toml_of(&setting["examples"][0]) };
            writeln!(text, "{key} = {value}").unwrap();
        }
    }
    let (config, found) = config::read(FileId(0), &text);
    assert!(found.is_empty(), "{text}\n{found:?}");
    assert!(Code::ALL.iter().filter(|code| code.is_lint()).all(|code| config.lint.level(*code) == Level::Warning));
    assert_eq!(config.lint.max_steps, schema["properties"]["lint"]["properties"]["max_steps"]["default"]);
    for level in Level::ALL {
        let text = text.replace("\"warn\"", &format!("\"{}\"", level.name()));
        assert!(config::read(FileId(0), &text).1.is_empty(), "{level:?}");
    }
}

/// A value as it stands behind `=`.
fn toml_of(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{key} = {}", toml_of(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        other => other.to_string(),
    }
}
