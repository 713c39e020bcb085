//! `journey test`

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::ValueEnum;
use journey_bytecode::TestCase;
use journey_runtime::core::Linked;
use journey_runtime::journey_test::{self, TestFailure, TestResult};
use quick_junit::{NonSuccessKind, Report, TestCaseStatus, TestSuite};
use rayon::prelude::*;
use serde_json::json;

use super::{Exit, Outcome, compiled};
use crate::discover;
use crate::failure::Failure;
use crate::report::count;
use crate::terminal::{BOLD, FAINT, GREEN, RED, Terminal};
use crate::workspace::Workspace;

const EXAMPLES: &str = "\
Tests stand in `.journey` files, beside the journeys that they are about:

  test \"who opens gets the follow-up\" {
    given contact { first_name: \"Ada\" }
    at 2026-03-02 10:00 tag lead
    expect send email welcome
    after 1d opened welcome
    after 1d expect send email follow_up
    expect end
  }

Time is virtual: a test of months takes milliseconds. A message that no line expects
fails the test.

Examples:
  journey test                       every test of the project here
  journey test silent                those with `silent` in their title or file
  journey test --project shop --output-format junit > tests.xml
  journey test --output-format json

Exit codes: 0 all passed, 1 some failed or the project has errors, 2 the command
could not do its work.";

/// Run the tests that stand in journeys
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Only tests with this text in their title or file
    #[arg(value_name = "FILTER")]
    filter: Option<String>,

    /// A project or a `.journey` file
    #[arg(long, value_name = "PATH", default_value = ".")]
    project: PathBuf,

    /// How results are written to stdout
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    output_format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Human,
    /// JUnit's XML, for CI
    Junit,
    /// JSON, for editors and scripts
    Json,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.project)?;
    let Some(bundle) = compiled(&workspace, terminal) else { return Ok(Exit::FINDINGS) };
    let linked = Linked::new(bundle.clone(), []).map_err(|error| Failure::new(error.to_string()))?;
    let all = &workspace.snapshot.compilation().tests;
    let wanted = |test: &&TestCase| {
        let filter = args.filter.as_deref().unwrap_or_default();
        test.title.contains(filter) || test.source.contains(filter)
    };
    let tests: Vec<&TestCase> = all.iter().filter(wanted).collect();
    let results: Vec<TestResult> = tests.par_iter().map(|test| journey_test::run(&linked, test)).collect();
    let text = match args.output_format {
        Format::Human => human(&workspace, &tests, &results, all.len()),
        Format::Junit => junit(&tests, &results)?,
        Format::Json => json(&tests, &results),
    };
    terminal.out(text)?;
    let failed = results.iter().any(|result| !result.failures.is_empty());
    Ok(if failed { Exit::FINDINGS } else { Exit::CLEAN })
}

fn human(workspace: &Workspace, tests: &[&TestCase], results: &[TestResult], all: usize) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for (test, result) in tests.iter().zip(results) {
        let (style, word) = if result.failures.is_empty() { (GREEN, "pass") } else { (RED, "FAIL") };
        let _ = writeln!(text, "{style}{word}{style:#}  {}", test.title);
        for failure in &result.failures {
            let place = workspace
                .snapshot
                .file(&test.source)
                .map_or_else(|| test.source.to_string(), |file| workspace.file_name(file));
            let _ = writeln!(text, "      {BOLD}{place}:{}{BOLD:#}", failure.line);
            let _ = writeln!(text, "      {GREEN}- {}{GREEN:#}", failure.expected);
            for actual in &failure.actual {
                let _ = writeln!(text, "      {RED}+ {actual}{RED:#}");
            }
        }
        if !result.failures.is_empty() && !result.trace.is_empty() {
            let _ = writeln!(text, "      {FAINT}all that happened:{FAINT:#}");
            for line in &result.trace {
                let _ = writeln!(text, "        {FAINT}{line}{FAINT:#}");
            }
        }
    }
    let failed = results.iter().filter(|result| !result.failures.is_empty()).count();
    let left_out = all - tests.len();
    if tests.is_empty() {
        let why = if all == 0 { "this project has no tests" } else { "no test has this text in its title or file" };
        let _ = writeln!(text, "{why}");
    } else {
        let style = if failed == 0 { GREEN } else { RED };
        let summary = format!("{}: {} passed, {failed} failed", count(tests.len(), "test"), tests.len() - failed);
        let rest = if left_out == 0 { String::new() } else { format!(", {left_out} left out") };
        let _ = writeln!(text, "\n{style}{summary}{style:#}{rest}");
    }
    text
}

fn json(tests: &[&TestCase], results: &[TestResult]) -> String {
    let failure =
        |failure: &TestFailure| json!({ "line": failure.line, "expected": failure.expected, "actual": failure.actual });
    let one = |(test, result): (&&TestCase, &TestResult)| {
        json!({
            "title": test.title,
            "file": test.source,
            "line": test.line,
            "passed": result.failures.is_empty(),
            "failures": result.failures.iter().map(failure).collect::<Vec<_>>(),
            "trace": result.trace,
        })
    };
    let tests: Vec<_> = tests.iter().zip(results).map(one).collect();
    format!("{:#}\n", json!({ "tests": tests }))
}

fn junit(tests: &[&TestCase], results: &[TestResult]) -> Result<String, Failure> {
    let mut report = Report::new("journey");
    let mut suites: Vec<TestSuite> = Vec::new();
    for (test, result) in tests.iter().zip(results) {
        let mut status = TestCaseStatus::success();
        if let Some(first) = result.failures.first() {
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(format!("line {}: expected `{}`", first.line, first.expected));
            let lines = result.failures.iter().map(|failure| {
                format!(
                    "{}:{}: expected {}, but: {}\n",
                    test.source,
                    failure.line,
                    failure.expected,
                    failure.actual.join("; ")
                )
            });
            status.set_description(lines.collect::<String>());
        }
        let mut case = quick_junit::TestCase::new(test.title.as_str(), status);
        case.set_classname(test.source.as_str());
        case.extra.insert("file".into(), test.source.as_str().into());
        case.extra.insert("line".into(), test.line.to_string().into());
        match suites.last_mut().filter(|suite| suite.name.as_str() == test.source.as_str()) {
            Some(suite) => drop(suite.add_test_case(case)),
            None => {
                let mut suite = TestSuite::new(test.source.as_str());
                suite.add_test_case(case);
                suites.push(suite);
            }
        }
    }
    report.add_test_suites(suites);
    report.to_string().map_err(|error| Failure::new(format!("cannot write the report: {error}")))
}
