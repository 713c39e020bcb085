use std::path::PathBuf;

use journey_compiler::diagnostic::{Applicability, Code, Diagnostic, Edit, Span};
use journey_compiler::project::{File, FileId};
use proptest::prelude::*;

use super::*;
use crate::terminal::Color;
use crate::workspace::Workspace;

const FILE: FileId = FileId(0);

fn workspace(files: &[(&str, &[u8])]) -> Workspace {
    let files = files.iter().map(|(path, bytes)| File { path: (*path).to_owned(), bytes: (*bytes).into() });
    Workspace::of(PathBuf::from("/nowhere"), None, files.collect())
}

fn span(file: FileId, start: usize, end: usize) -> Span {
    Span { file, start: start as u32, end: end as u32 }
}

/// The span of the first occurrence.
fn of(file: FileId, text: &str, part: &str) -> Span {
    let start = text.find(part).unwrap();
    span(file, start, start + part.len())
}

fn human(workspace: &Workspace, d: &Diagnostic) -> String {
    let terminal = Terminal { color: Color::Never, unicode: true };
    let text = human::finding(workspace, d, terminal);
    let plain = anstream::adapter::strip_str(&text).to_string();
    plain.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn labels_in_two_files_with_help_note_and_fix() {
    let declarations = "contact { email: email }\n\ntags { lead customer mattress_lead }\n";
    let journey = "journey nurture {\n  on tag mattres_lead\n  send email brand_story\n}\n";
    let workspace =
        workspace(&[("journeys/nurture.journey", journey.as_bytes()), ("project.journey", declarations.as_bytes())]);
    let place = of(FILE, journey, "mattres_lead");
    let finding = Diagnostic::new(Code::UnknownTag, place, "there is no tag `mattres_lead`")
        .label("not a tag of this project")
        .also(of(FILE, journey, "nurture"), "in this journey")
        .also(of(FileId(1), declarations, "lead customer mattress_lead"), "these are the tags")
        .note("A tag that nothing declares can never be set, so nobody would ever enter.")
        .help("declare the tag, or correct its name")
        .fix(
            "Replace `mattres_lead` with `mattress_lead`",
            Applicability::Safe,
            vec![Edit { span: place, text: "mattress_lead".into() }],
        );
    insta::assert_snapshot!(human(&workspace, &finding));
}

#[test]
fn places_that_are_hard_to_show() {
    let show = |bytes: &[u8], start, end| {
        let finding = Diagnostic::new(Code::Syntax, span(FILE, start, end), "this").label("label");
        human(&workspace(&[("a.journey", bytes)]), &finding)
    };
    let long = format!("{}needle{}", "x".repeat(5_000), "y".repeat(500));
    let wide = "// Größe 日本 🎈 here";
    let cases = [
        ("an empty file", show(b"", 0, 0)),
        ("behind the last line end", show(b"on tag x\n", 9, 9)),
        ("behind the last character", show(b"on tag x", 8, 8)),
        ("a line end", show(b"on tag x\nend\n", 8, 9)),
        ("characters of other widths", show(wide.as_bytes(), wide.find("here").unwrap(), wide.len())),
        ("a tab", show(b"\ton\ttag", 4, 7)),
        ("over several lines", show(b"{\n  a\n  b\n  c\n}\n", 0, 15)),
        ("bytes that are no text", show(b"on \xff\xfe tag", 3, 5)),
        ("what would move the cursor", show("a\u{1b}[31m\u{202e}b\u{85}c\u{2028}d".as_bytes(), 1, 2)),
        ("a line that is too long", show(long.as_bytes(), 5_000, 5_006)),
        ("windows line ends", show(b"on\r\ntag\r\n", 4, 7)),
    ];
    let all: String = cases.iter().map(|(what, text)| format!("# {what}\n{text}\n")).collect();
    insta::assert_snapshot!(all);
}

proptest! {
    /// Whatever the file holds and wherever the finding points, there is a report.
    #[test]
    fn nothing_makes_the_report_fail(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..400),
            "(\\PC|[\n\r\t\u{b}\u{85}\u{2028}a]){0,400}".prop_map(String::into_bytes),
        ],
        places in prop::collection::vec((0_usize..500, 0_usize..500), 1..5),
    ) {
        let workspace = workspace(&[("a.journey", &bytes)]);
        let place = |(a, b): (usize, usize)| Span::in_bytes(FILE, &bytes, a.min(b)..a.max(b));
        let mut finding = Diagnostic::new(Code::Syntax, place(places[0]), "message");
        for p in &places[1..] {
            finding = finding.also(place(*p), "label").fix("Fix", Applicability::Safe, vec![Edit {
                span: place(*p),
                text: "x".into(),
            }]);
        }
        let text = human(&workspace, &finding);
        let (line, column) = super::place(&workspace, FILE, finding.primary.span.start);
        prop_assert!(text.contains(&format!("a.journey:{line}:{column} ]")), "{}", text);
    }
}
