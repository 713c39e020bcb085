//! What is said about journeys, and the programs that they become.
#![allow(missing_docs, clippy::string_slice, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod support;

use journey_bytecode::{Bundle, verify};
use journey_compiler::diagnostic::{Applicability, Diagnostic, Severity};
use journey_compiler::project::Project;
use journey_compiler::{Compilation, compile};

/// Compiles, and asserts what must hold of every compilation.
fn checked(project: &Project) -> Compilation {
    let compilation = compile(project);
    support::assert_sound(project, &compilation.diagnostics);
    let errors = compilation.diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    assert_eq!(compilation.bundle.is_none(), errors > 0, "a bundle if and only if there is no error");
    if let Some(bundle) = &compilation.bundle {
        for program in &bundle.programs {
            verify(program).unwrap();
        }
        assert_eq!(&Bundle::decode(&bundle.encode().unwrap()).unwrap(), bundle);
    }
    compilation
}

/// What the journeys of a fixture stand beside, unless they are said to be alone or bring files of their own.
const PROJECT: &str = r#"
// file: journey.toml
[project]
name = "shop"
timezone = "Europe/Berlin"
// file: declarations.journey
contact {
  email: email
  phone: phone?
  first_name: text?
  country: country?
  language: language?
  timezone: timezone?
  birthday: date?
  plan: enum { free pro enterprise } = free
  visits: number = 0
  budget: money?
  member: bool = false
  signed_up_at: datetime?
  best_time: time?
  interests: list of text
}
tags { lead customer vip }
event purchase { amount: money, items: list of text, voucher: text?, starts_at: datetime }
event refund { amount: money, reason: enum { late broken } }
event visited
topic offers "Offers and news"
policy { address "Teststr. 1, 53177 Bonn" }
// file: messages/welcome.email.md
---
subject: Welcome
topic: offers
---
Hello. [Look](https://example.com)
// file: messages/plain.email.md
---
subject: Plain
topic: offers
---
No link here.
// file: messages/nudge.sms.txt
Hello
// file: messages/hint.push.txt
Hello
// file: messages/hook.webhook.json
{"a": 1}
"#;

fn fixture(title: &str, text: &str) -> Project {
    if title.starts_with("alone") || text.contains("// file: ") {
        return support::project(text);
    }
    support::project(&format!("{}// file: main.journey\n{text}", PROJECT.trim_start()))
}

/// Findings as people see them.
fn findings(title: &str, text: &str) -> String {
    let project = fixture(title, text);
    let rendered = support::render(&project, &checked(&project).diagnostics);
    if rendered.is_empty() { "nothing\n".to_owned() } else { rendered }
}

#[test]
fn findings_read_well() {
    insta::glob!("check/*.txt", |path| {
        let fixture = std::fs::read_to_string(path).unwrap();
        let mut out = String::new();
        for (title, text) in support::cases(&fixture) {
            out.push_str(&format!("=== {title}\n{}\n", findings(&title, &text)));
        }
        insta::assert_snapshot!(out);
    });
}

/// A fix that claims to be safe does away with what it is offered for, and breaks nothing else.
#[test]
fn safe_fixes_mend() {
    insta::glob!("check/*.txt", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        for (title, text) in support::cases(&text) {
            let project = fixture(&title, &text);
            let before = checked(&project).diagnostics;
            for d in &before {
                for fix in d.fixes.iter().filter(|fix| fix.applicability == Applicability::Safe) {
                    let after = checked(&support::apply(&project, fix)).diagnostics;
                    let count = |found: &[Diagnostic]| found.iter().filter(|x| x.code == d.code).count();
                    assert!(count(&after) < count(&before), "{title}: {}", fix.title);
                }
            }
        }
    });
}

/// Programs as `journey build --emit bytecode` prints them.
#[test]
fn programs_read_well() {
    insta::glob!("programs/*.journey", |path| {
        let project = support::project(&std::fs::read_to_string(path).unwrap());
        let compilation = checked(&project);
        let mut out = support::render(&project, &compilation.diagnostics);
        for program in compilation.bundle.iter().flat_map(|bundle| &bundle.programs) {
            out.push_str(&format!("{program}\n"));
        }
        insta::assert_snapshot!(out);
    });
}

/// The project in a folder of the repository.
fn folder(root: &std::path::Path) -> Project {
    fn walk(root: &std::path::Path, at: &std::path::Path, files: &mut Vec<(String, Vec<u8>)>) {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
                continue;
            }
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            if journey_compiler::project::belongs(&name) {
                files.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    let mut files = Vec::new();
    walk(root, root, &mut files);
    support::of_files(files)
}

#[test]
fn examples_are_clean() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    for entry in std::fs::read_dir(examples).unwrap() {
        let path = entry.unwrap().path();
        let project = folder(&path);
        let compilation = checked(&project);
        let found: Vec<_> = compilation.diagnostics.into_iter().filter(|d| d.severity > Severity::Hint).collect();
        assert!(found.is_empty(), "{}:\n{}", path.display(), support::render(&project, &found));
    }
}
