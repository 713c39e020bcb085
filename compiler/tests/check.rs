//! What is said about journeys, and the programs that they become.
#![allow(missing_docs, clippy::string_slice, clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod support;

use journey_bytecode::{Bundle, Date, verify};
use journey_compiler::diagnostic::{Applicability, Code, Diagnostic, Level, Severity};
use journey_compiler::project::Project;
use journey_compiler::{Compilation, compile_on};
use proptest::prelude::*;

/// The day on which all of this is checked: 2026-06-01.
const TODAY: Date = Date(20_605);

/// Compiles, and asserts what must hold of every compilation.
fn checked(project: &Project) -> Compilation {
    let compilation = compile_on(project, TODAY);
    support::assert_sound(project, &compilation.diagnostics);
    let judged = journey_compiler::judge(project, Some(TODAY));
    assert_eq!(judged.diagnostics, compilation.diagnostics, "the same is found without a bundle");
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
const PROJECT: &str = r##"
// file: journey.toml
[project]
name = "shop"
timezone = "Europe/Berlin"
[call.crm.grade]
url = "https://crm.example.com/hooks/grade"
answer = { grade = "enum { hot cold }", note = "text?" }
[call.crm.touch]
url = "https://crm.example.com/hooks/touch"
[notify]
sales = "sales@shop.example"
owner = "office@shop.example"
[notify.slack]
"#sales" = "env:SLACK_SALES"
[lint]
LEVELS
// file: declarations.journey
contact {
  email: email
  phone: phone?
  push_token: text?
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
  owner: user?
  manager: user?
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
"##;

/// What is told of a fixture beside errors: little, so that it shows what it is for.
const LEVELS: &str = "all = \"off\"\nno-reenter = \"warn\"\nstatus-since-entry = \"info\"\nno-end = \"warn\"\n\
    long-sms = \"warn\"\nunused-language = \"warn\"\ntest-expects-nothing = \"warn\"";

/// A fixture; one about lints begins its title with their names, before a colon, and those are told.
fn fixture(title: &str, text: &str) -> Project {
    let names = title.split_once(':').map_or("", |(names, _)| names).split(", ");
    let lints: Vec<Code> = names.filter_map(Code::parse).filter(|code| code.is_lint()).collect();
    let level = |code: &Code| match code.level() {
        Level::Off => Level::Warning,
        level => level,
    };
    let set = lints.iter().map(|code| format!("\n{} = \"{}\"", code.name(), level(code).name()));
    let levels =
        if lints.is_empty() { LEVELS.to_owned() } else { set.fold("all = \"off\"".to_owned(), |all, one| all + &one) };
    if title.starts_with("alone") {
        return support::project(text);
    }
    let settings = "// file: journey.toml\n";
    if text.contains(settings) && !text.contains("[lint]") {
        return support::project(&text.replacen(settings, &format!("{settings}[lint]\n{levels}\n"), 1));
    }
    if text.contains(settings) {
        return support::project(text);
    }
    let base = PROJECT.trim_start().replace("LEVELS", &levels);
    if text.contains("// file: ") && !lints.is_empty() {
        // Its own files beside those of the project, and in place of those of the same name.
        let mut project = support::project(text);
        for file in support::project(&base).files {
            if project.files.iter().all(|own| own.path != file.path) {
                project.files.push(file);
            }
        }
        project.files.sort_by(|a, b| a.path.cmp(&b.path));
        project.lone = false;
        return project;
    }
    if text.contains("// file: ") {
        return support::project(text);
    }
    support::project(&format!("{base}// file: main.journey\n{text}"))
}

/// Findings as people see them.
fn findings(title: &str, text: &str) -> String {
    let project = fixture(title, text);
    let rendered = support::render(&project, &checked(&project).diagnostics);
    if rendered.is_empty() { "nothing\n".to_owned() } else { rendered }
}

/// What is said of the cases of a fixture.
fn cases(path: &std::path::Path) -> String {
    let fixture = std::fs::read_to_string(path).unwrap();
    let cases = support::cases(&fixture).into_iter();
    cases.map(|(title, text)| format!("=== {title}\n{}\n", findings(&title, &text))).collect()
}

#[test]
fn findings_read_well() {
    insta::glob!("check/*.txt", |path| insta::assert_snapshot!(cases(path)));
}

#[test]
fn advice_reads_well() {
    insta::glob!("lint/*.txt", |path| insta::assert_snapshot!(cases(path)));
}

/// A fix that claims to be safe does away with what it is offered for, and breaks nothing else.
#[test]
fn safe_fixes_mend() {
    insta::glob!("{check,lint}/*.txt", |path| {
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
        let mut compilation = checked(&project);
        // Advice is shown by fixtures of its own.
        compilation.diagnostics.retain(|d| !d.code.is_lint() || matches!(d.code.number(), 1000..1050));
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

/// The same tokens in another layout, with comments.
fn in_other_layout(text: &str) -> String {
    let parse = journey_grammar::parse(text);
    let mut out = String::from("// A remark.\n");
    for token in parse.tree.tokens().filter(|token| !token.kind().is_trivia()) {
        out.push_str(token.text());
        out.push_str(if token.text() == "{" { " // remark\n\n" } else { "\n\t" });
    }
    out
}

#[test]
fn versions_are_of_what_a_journey_does() {
    let versions = |text: &str| -> Vec<_> {
        let compilation = checked(&support::project(text));
        compilation.bundle.unwrap().programs.iter().map(journey_bytecode::Program::version).collect()
    };
    insta::glob!("programs/*.journey", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        // Names of messages that stand in the journey, and all else, stay the same.
        assert_eq!(versions(&text), versions(&in_other_layout(&text)), "{}", path.display());
    });
    let nurture = include_str!("programs/nurture.journey");
    assert_ne!(versions(nurture), versions(&nurture.replace("wait 3d", "wait 4d")));
    assert_ne!(versions(nurture), versions(&nurture.replace("brand_story", "brand_history")));
}

#[test]
fn compiling_twice_gives_the_same() {
    let project = support::project(include_str!("programs/nurture.journey"));
    let (a, b) = (checked(&project), checked(&project));
    assert_eq!(a.diagnostics, b.diagnostics);
    assert_eq!(a.bundle.unwrap().encode().unwrap(), b.bundle.unwrap().encode().unwrap());
}

#[test]
fn one_journey_does_not_hide_what_is_wrong_with_another() {
    let wrong = "journey wrong { on tag leed reenter never if plann is pro send email welcom }\n";
    let alone: Vec<_> = codes(&fixture("", wrong));
    for broken in ["journey b { on created reenter never end wait 1d }\n", "journey b { on tag { send }\n"] {
        let both = codes(&fixture("", &format!("{wrong}{broken}")));
        assert!(both.len() > alone.len() && both.starts_with(&alone), "{both:?}");
    }
}

/// What is said about a file stays the same, whatever is wrong with the others.
#[test]
fn one_file_does_not_hide_what_is_wrong_with_another() {
    let wrong = "journey zz_a { on tag { send } }\njourney zz_b { on tag leed if plann is pro send email welcom end wait 1d }\n";
    let of_main = |project: &Project| -> Vec<(Code, String, std::ops::Range<usize>)> {
        let main = project.files.iter().position(|file| file.path == "main.journey").unwrap();
        let found = checked(project).diagnostics.into_iter();
        let found = found.filter(|d| d.primary.span.file.0 as usize == main);
        found.map(|d| (d.code, d.message, d.primary.span.range())).collect()
    };
    insta::glob!("check/*.txt", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        for (title, text) in support::cases(&text) {
            if title.starts_with("alone") || text.contains("// file: ") {
                continue;
            }
            let project = fixture(&title, &text);
            for name in ["a_first.journey", "z_last.journey"] {
                let mut both = project.clone();
                let bytes = wrong.as_bytes().into();
                both.files.push(journey_compiler::project::File { path: name.to_owned(), bytes });
                both.files.sort_by(|a, b| a.path.cmp(&b.path));
                assert_eq!(of_main(&both), of_main(&project), "{title}, beside {name}");
            }
        }
    });
}

fn codes(project: &Project) -> Vec<Code> {
    checked(project).diagnostics.iter().map(|d| d.code).collect()
}

/// Every code of the checker has a case that shows it.
#[test]
fn every_code_has_a_case() {
    // Said when nothing else can be: shown by tests of their own, or by none because they are mistakes of ours.
    const NOT_HERE: &[Code] = &[Code::Internal, Code::JourneyTooLarge];
    let seen = std::sync::Mutex::new(std::collections::BTreeSet::new());
    insta::glob!("{check,lint}/*.txt", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        for (title, text) in support::cases(&text) {
            seen.lock().unwrap().extend(codes(&fixture(&title, &text)));
        }
    });
    let seen = seen.into_inner().unwrap();
    let ours = |code: &Code| matches!(code.number(), 50..=59 | 190..=499 | 550..=559 | 570..=899 | 1000..=1199);
    let missing: Vec<_> =
        Code::ALL.iter().filter(|code| ours(code) && !seen.contains(code) && !NOT_HERE.contains(code)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Texts that were journeys once: pieces of the fixtures, some left out, doubled or put elsewhere.
fn mutated() -> impl Strategy<Value = String> {
    let mut corpus: Vec<String> = vec![
        include_str!("programs/nurture.journey").to_owned(),
        include_str!("programs/cart.journey").to_owned(),
        include_str!("programs/sentence.journey").to_owned(),
    ];
    for text in [
        include_str!("check/names.txt"),
        include_str!("check/types.txt"),
        include_str!("check/unset.txt"),
        include_str!("check/flow.txt"),
        include_str!("check/waits.txt"),
        include_str!("check/header.txt"),
        include_str!("check/choose.txt"),
        include_str!("check/colleagues.txt"),
    ] {
        corpus.extend(support::cases(text).into_iter().map(|(_, text)| text));
    }
    let texts: Vec<Vec<String>> = corpus
        .iter()
        .map(|text| journey_grammar::parse(text).tree.tokens().map(|token| token.text().to_owned()).collect())
        .collect();
    let all: Vec<String> = texts.iter().flatten().cloned().collect();
    let edit = (0..4_u8, any::<prop::sample::Index>(), any::<prop::sample::Index>());
    (prop::sample::select(texts), prop::collection::vec(edit, 0..6)).prop_map(move |(mut tokens, edits)| {
        for (kind, at, other) in edits {
            if tokens.is_empty() {
                break;
            }
            let at = at.index(tokens.len());
            match kind {
                0 => drop(tokens.remove(at)),
                1 => tokens.insert(at, format!(" {} ", other.get(&all))),
                2 => tokens[at] = format!(" {} ", other.get(&all)),
                _ => {
                    let other = other.index(tokens.len());
                    tokens.swap(at, other);
                }
            }
        }
        tokens.concat()
    })
}

proptest! {
    #[test]
    fn anything_can_be_compiled(text in "\\PC{0,200}") {
        checked(&fixture("", &text));
        checked(&fixture("alone", &text));
    }

    #[test]
    fn what_was_a_journey_can_be_compiled(text in mutated()) {
        checked(&fixture("", &text.replace("// file: ", "// ")));
        checked(&fixture("alone", &text.replace("// file: ", "// ")));
    }
}
