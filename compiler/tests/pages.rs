//! Every code has a page, whose wrong example yields exactly that code and whose right example is clean.
#![allow(
    missing_docs,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests"
)]

mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;

use journey_bytecode::Date;
use journey_compiler::compile_on;
use journey_compiler::diagnostic::{Code, Level};

/// Codes that no text on a page can yield: the page says in words what is wrong.
const WITHOUT_EXAMPLE: &[Code] = &[
    // About bytes, not text.
    Code::UnreadableFile,
    Code::NotUtf8,
    Code::NotText,
    // Longer than a page.
    Code::FileTooLarge,
    Code::MoreFindings,
    Code::NestingTooDeep,
    Code::TemplateTooComplex,
    Code::JourneyTooLarge,
    // A mistake of ours.
    Code::Internal,
    // About a file that stands alone, and the examples stand in a project.
    Code::DeclaredByUse,
];

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/diagnostics")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(directory().join(name)).unwrap_or_else(|error| panic!("docs/diagnostics/{name}: {error}"))
}

/// The text of the first code block below a heading, if the section has one.
fn example<'a>(page: &'a str, heading: &str) -> Option<&'a str> {
    let section = page.split_once(&format!("\n## {heading}\n"))?.1;
    let section = section.split("\n## ").next()?;
    let block = section.split_once("\n```")?.1;
    Some(block.split_once('\n')?.1.split_once("\n```")?.0)
}

/// The codes that an example yields beside the files that all examples share; its own files win.
///
/// Of all advice only the page's own counts; where it is off, it is turned on, unless the example brings settings of its own.
fn codes(base: &str, example: &str, code: Code) -> (BTreeSet<Code>, String) {
    let level = if code.level() == Level::Off { Level::Warning } else { code.level() };
    let own = if code.is_lint() { format!("{} = \"{}\"\n", code.name(), level.name()) } else { String::new() };
    let lints = format!("// file: journey.toml\n[lint]\n{own}");
    let base = &base.replacen("// file: journey.toml\n", &lints, 1);
    let example = match example.starts_with("// file: ") {
        true => example.to_owned(),
        false => format!("// file: main.journey\n{example}"),
    };
    let mut project = support::project(&format!("{example}\n"));
    for file in support::project(base).files {
        if !project.files.iter().any(|own| own.path == file.path) {
            project.files.push(file);
        }
    }
    project.files.sort_by(|a, b| a.path.cmp(&b.path));
    project.lone = false;
    // 2026-06-01
    let mut found = compile_on(&project, Date(20_605)).diagnostics;
    found.retain(|d| !d.code.is_lint() || d.code == code);
    support::assert_sound(&project, &found);
    (found.iter().map(|d| d.code).collect(), support::render(&project, &found))
}

#[test]
fn every_code_has_a_page() {
    let index = read("index.md");
    let base = example(&index, "The project of the examples").unwrap();
    let summary = read("../SUMMARY.md");
    let mut wrong = Vec::new();
    for &code in Code::ALL {
        let Ok(page) = std::fs::read_to_string(directory().join(format!("{code}.md"))) else {
            wrong.push(format!("{code} has no page"));
            continue;
        };
        let level = match code.level() {
            Level::Error => "Error".to_owned(),
            Level::Warning => format!("Warning ({})", code.group().name()),
            Level::Hint => format!("Hint ({})", code.group().name()),
            Level::Off => format!("Off by default ({})", code.group().name()),
        };
        let head = format!("# {code}: {}\n\n{level}. {}\n", code.name(), code.summary());
        if !page.starts_with(&head) {
            wrong.push(format!("{code} does not begin with\n{head}"));
        }
        if !index.contains(&format!("[{code}]({code}.md)")) {
            wrong.push(format!("{code} is not in index.md"));
        }
        if !summary.contains(&format!("(diagnostics/{code}.md)")) {
            wrong.push(format!("{code} is not in SUMMARY.md"));
        }
        let (Some(bad), Some(good)) = (example(&page, "Wrong"), example(&page, "Right")) else {
            if !WITHOUT_EXAMPLE.contains(&code) || !page.contains("\n## Wrong\n") || !page.contains("\n## Right\n") {
                wrong.push(format!("{code} lacks an example"));
            }
            continue;
        };
        if let (found, rendered) = codes(base, bad, code)
            && found != BTreeSet::from([code])
        {
            wrong.push(format!("{code}, wrong, yields {found:?}\n{rendered}"));
        }
        if let (found, rendered) = codes(base, good, code)
            && !found.is_empty()
        {
            wrong.push(format!("{code}, right, yields {found:?}\n{rendered}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_has_a_code() {
    for entry in std::fs::read_dir(directory()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let code = name.strip_suffix(".md").and_then(Code::parse).map(|code| format!("{code}.md"));
        assert!(name == "index.md" || code.as_deref() == Some(name.as_str()), "{name} is no page of a code");
    }
}
