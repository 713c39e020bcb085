//! Shared by the tests of this crate: projects from text, findings as people see them, and what must hold of every
//! finding.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "test support, which may panic; not every test file uses all of it"
)]

use std::fmt::Write;

use ariadne::{CharSet, Config, Label, Report, ReportKind};
use journey_compiler::diagnostic::{Applicability, Diagnostic, Fix, Severity, Span};
use journey_compiler::project::{CONFIG, File, FileId, Project};

/// A project from one text: `// file: PATH` begins a file. Without such a line, the text is `main.journey`, alone.
pub fn project(text: &str) -> Project {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("// file: ") {
            Some(path) => files.push((path.trim().to_owned(), String::new())),
            None if files.is_empty() => files.push(("main.journey".to_owned(), line.to_owned())),
            None => files.last_mut().unwrap().1.push_str(line),
        }
    }
    if files.len() > 1 && files[0].0 == "main.journey" && files[0].1.trim().is_empty() {
        files.remove(0);
    }
    of_files(files.into_iter().map(|(path, text)| (path, text.into_bytes())))
}

/// A project of files.
pub fn of_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Project {
    let mut files: Vec<_> = files.into_iter().map(|(path, bytes)| File { path, bytes: bytes.into() }).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let lone = !files.iter().any(|file| file.path == CONFIG);
    Project { files, lone }
}

/// Asserts what must hold of every finding, whoever made it.
pub fn assert_sound(project: &Project, found: &[Diagnostic]) {
    for d in found {
        let sound = |span: Span| {
            let file = project.file(span.file).unwrap_or_else(|| panic!("{d:?} names a file that does not exist"));
            let (start, end) = (span.start as usize, span.end as usize);
            assert!(start <= end && end <= file.bytes.len(), "{d:?} is outside of its file");
            if let Ok(text) = std::str::from_utf8(&file.bytes) {
                assert!(text.is_char_boundary(start) && text.is_char_boundary(end), "{d:?} splits a character");
            }
        };
        sound(d.primary.span);
        d.secondary.iter().for_each(|label| sound(label.span));
        d.fixes.iter().flat_map(|fix| &fix.edits).for_each(|edit| sound(edit.span));
        for fix in &d.fixes {
            let mut edits: Vec<_> = fix.edits.iter().map(|edit| edit.span).collect();
            edits.sort();
            assert!(edits.windows(2).all(|pair| pair[0].file != pair[1].file || pair[0].end <= pair[1].start), "{d:?}");
        }
        assert_worded(d);
    }
}

/// Asserts what a machine can check of `docs/diagnostics-style.md`.
fn assert_worded(d: &Diagnostic) {
    const JARGON: &[&str] = &[
        "boolean",
        "expression",
        "identifier",
        "illegal",
        "invalid",
        "literal",
        "null",
        "parse",
        "parser",
        "please",
        "string",
        "syntax",
        "token",
        "undefined",
    ];
    let message = &d.message;
    assert!(!message.is_empty() && !message.contains('\n'), "{message:?}");
    assert!(!message.ends_with('.') && !message.starts_with(|c: char| c.is_ascii_uppercase()), "{message:?}");
    assert!(d.notes.iter().all(|note| note.ends_with(['.', '"', '`'])), "notes are sentences: {:?}", d.notes);
    assert!(d.help.iter().all(|help| !help.ends_with('.')), "{:?}", d.help);
    let fixes = d.fixes.iter().map(|fix| &fix.title);
    assert!(fixes.clone().all(|title| title.starts_with(char::is_uppercase) && !title.ends_with('.')), "{:?}", d.fixes);
    for text in [message, &d.primary.text].into_iter().chain(&d.help).chain(&d.notes).chain(fixes) {
        assert!(text.matches('`').count() % 2 == 0, "a backtick is missing in {text:?}");
        // What others say is quoted, and what is in backticks is to be typed.
        let ours =
            if text.starts_with("The reader of ") { String::new() } else { text.split('`').step_by(2).collect() };
        let word =
            |jargon: &&str| ours.split(|c: char| !c.is_alphabetic()).any(|word| word.eq_ignore_ascii_case(jargon));
        assert_eq!(JARGON.iter().find(|jargon| word(jargon)), None, "in {text:?}");
    }
}

/// The findings as people see them, without colour, and what each fix makes of its line.
pub fn render(project: &Project, found: &[Diagnostic]) -> String {
    let mut out = String::new();
    for d in found {
        out.push_str(&finding(project, d));
        for fix in &d.fixes {
            let safe = if fix.applicability == Applicability::Safe { "safe" } else { "to be looked at" };
            let _ = writeln!(out, "fix ({safe}): {}", fix.title);
            for line in changed_lines(project, fix) {
                let _ = writeln!(out, "    {line}");
            }
        }
        out.push('\n');
    }
    out
}

fn finding(project: &Project, d: &Diagnostic) -> String {
    let name = |file: FileId| project.file(file).unwrap().path.clone();
    let kind = match d.severity {
        Severity::Error => ReportKind::Error,
        Severity::Warning => ReportKind::Warning,
        Severity::Hint => ReportKind::Advice,
    };
    // With places in bytes, ariadne panics where several files have labels: it mixes bytes with characters.
    let place = |span: Span| {
        let text = shown(project.file(span.file).unwrap());
        let visible = span.visible(&text);
        let chars = |offset: u32| text[..offset as usize].chars().count();
        (name(span.file), chars(visible.start)..chars(visible.end))
    };
    let config = Config::new().with_color(false).with_char_set(CharSet::Ascii);
    let (file, range) = place(d.primary.span);
    let mut report = Report::build(kind, (file, range)).with_config(config).with_code(d.code).with_message(&d.message);
    for label in [&d.primary].into_iter().chain(&d.secondary) {
        let marked = Label::new(place(label.span));
        report = report.with_label(if label.text.is_empty() { marked } else { marked.with_message(&label.text) });
    }
    report.with_notes(&d.notes);
    report.with_helps(&d.help);
    let sources = project.files.iter().map(|file| (file.path.clone(), shown(file)));
    let mut bytes = Vec::new();
    report.finish().write(ariadne::sources(sources), &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// A file's text; as long in bytes as the file, also where that is no text.
fn shown(file: &File) -> String {
    String::from_utf8(file.bytes.to_vec())
        .unwrap_or_else(|_| file.bytes.iter().map(|&b| if b.is_ascii() { char::from(b) } else { '?' }).collect())
}

/// A project with a fix applied.
pub fn apply(project: &Project, fix: &Fix) -> Project {
    let mut project = project.clone();
    let mut edits = fix.edits.clone();
    edits.sort();
    for edit in edits.iter().rev() {
        let file = &mut project.files[edit.span.file.0 as usize];
        let mut bytes = file.bytes.to_vec();
        bytes.splice(edit.span.start as usize..edit.span.end as usize, edit.text.bytes());
        file.bytes = bytes.into();
    }
    project
}

fn changed_lines(project: &Project, fix: &Fix) -> Vec<String> {
    let lines = |project: &Project, file: FileId| -> Vec<String> {
        String::from_utf8_lossy(&project.file(file).unwrap().bytes).lines().map(str::to_owned).collect()
    };
    let after = apply(project, fix);
    let mut files: Vec<_> = fix.edits.iter().map(|edit| edit.span.file).collect();
    files.dedup();
    let mut changed = Vec::new();
    for file in files {
        let before = lines(project, file);
        changed.extend(lines(&after, file).into_iter().filter(|line| !before.contains(line)));
    }
    changed
}

/// The cases of a fixture: each begins with a line `=== TITLE`.
pub fn cases(fixture: &str) -> Vec<(String, String)> {
    let mut cases: Vec<(String, String)> = Vec::new();
    for line in fixture.split_inclusive('\n') {
        match line.strip_prefix("=== ") {
            Some(title) => cases.push((title.trim().to_owned(), String::new())),
            None => cases.last_mut().expect("a fixture begins with `=== TITLE`").1.push_str(line),
        }
    }
    cases
}
