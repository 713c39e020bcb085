//! JUnit's XML: a suite for each file, a test for each finding; a clean file is a test that passed.

use journey_compiler::diagnostic::{Diagnostic, Severity};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Checked, level, place};
use crate::workspace::Workspace;

pub(super) fn render(checked: &[Checked], fail: Severity) -> String {
    let mut report = Report::new("journey check");
    for project in checked {
        let workspace = &project.workspace;
        let mut found = project.by_file().peekable();
        for file in workspace.snapshot.files() {
            let name = workspace.file_name(file);
            let mut suite = TestSuite::new(name.as_str());
            match found.next_if(|(of, _)| *of == file) {
                Some((_, diagnostics)) => {
                    suite.add_test_cases(diagnostics.iter().map(|d| case(workspace, &name, d, fail)));
                }
                None => {
                    let mut case = TestCase::new("no findings", TestCaseStatus::success());
                    case.set_classname(name.as_str());
                    suite.add_test_case(case);
                }
            }
            report.add_test_suite(suite);
        }
    }
    // Writing to memory does not fail.
    report.to_string().unwrap_or_default()
}

fn case(workspace: &Workspace, name: &str, d: &Diagnostic, fail: Severity) -> TestCase {
    let (line, column) = place(workspace, d.primary.span.file, d.primary.span.start);
    let mut status = if d.severity >= fail {
        TestCaseStatus::non_success(NonSuccessKind::Failure)
    } else {
        TestCaseStatus::skipped()
    };
    status.set_message(d.message.as_str());
    status.set_type(level(d.severity));
    let advice = d.notes.iter().map(String::as_str).chain(d.help.as_deref());
    let lines: Vec<_> = advice.chain(d.fixes.iter().map(|fix| fix.title.as_str())).collect();
    status.set_description(format!("{name}:{line}:{column}: {}\n{}", d.message, lines.join("\n")));
    let mut case = TestCase::new(format!("{} {} at line {line}, column {column}", d.code, d.code.name()), status);
    case.set_classname(name);
    case.extra.insert("file".into(), name.into());
    case.extra.insert("line".into(), line.to_string().into());
    case
}
