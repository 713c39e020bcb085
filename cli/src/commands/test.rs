//! `journey test`

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::ValueEnum;
use journey_bytecode::TestCase;
use journey_runtime::core::Linked;
use journey_runtime::journey_test::{self, Adversary, Broken, TestFailure, TestResult};
use quick_junit::{NonSuccessKind, Report, TestCaseStatus, TestSuite};
use rayon::prelude::*;
use serde_json::json;

use super::{Exit, Outcome, compiled};
use crate::checked::count;
use crate::discover;
use crate::failure::Failure;
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

With --adversary, the story of each test is also told under worse conditions: in nights
in which clocks change, on 29 February, with an event at the very moment of a time-out,
with an event that comes twice, with an unsubscribe at each wait. Whatever happens then,
nothing may be sent to who wants no more, nor against caps and hours, no step may send
twice at one moment, and every run must end.

Examples:
  journey test                       every test of the project here
  journey test silent                those with `silent` in their title or file
  journey test examples/cart         those of this project, folder or file
  journey test --adversary           every test, and each under worse conditions
  journey test --project shop --output-format junit > tests.xml
  journey test --output-format json

Exit codes: 0 all passed, 1 some failed or the project has errors, 2 the command
could not do its work.";

/// Run the tests that stand in journeys
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Only tests with this text in their title or file; a path means the tests that lie there
    #[arg(value_name = "FILTER")]
    filter: Option<String>,

    /// A project or a `.journey` file
    #[arg(long, value_name = "PATH", default_value = ".")]
    project: PathBuf,

    /// Also tell each test's story under worse conditions, and check what must always hold
    #[arg(long)]
    adversary: bool,

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
    let there = args.place();
    let workspace = discover::find_one(there.as_deref().unwrap_or(&args.project))?;
    let Some(bundle) = compiled(&workspace, terminal) else { return Ok(Exit::FINDINGS) };
    let linked = Linked::new(bundle.clone(), []).map_err(|error| Failure::new(error.to_string()))?;
    let all = &workspace.compilation().tests;
    let filter = args.filter.as_deref().unwrap_or_default();
    let wanted = |test: &&TestCase| match &there {
        Some(place) => workspace.lies_in(&test.source, place),
        None => test.title.contains(filter) || test.source.contains(filter),
    };
    let tests: Vec<&TestCase> = all.iter().filter(wanted).collect();
    let results: Vec<TestResult> = tests.par_iter().map(|test| journey_test::run(&linked, test)).collect();
    let worse: Vec<Adversary> = if args.adversary {
        tests.par_iter().map(|test| journey_test::adversary(&linked, test)).collect()
    } else {
        Vec::new()
    };
    let text = match args.output_format {
        Format::Human => {
            let told = human(&workspace, &tests, &results, all.len());
            let journeys = || bundle.programs.iter().map(|program| program.name.as_str());
            told + &if args.adversary { told_worse(&tests, &worse, journeys()) } else { String::new() }
        }
        Format::Junit => junit(&tests, &results, &worse)?,
        Format::Json => json(&tests, &results, &worse),
    };
    terminal.out(text)?;
    let broken = worse.iter().any(|worse| !worse.broken.is_empty());
    let failed = broken || results.iter().any(|result| !result.failures.is_empty());
    Ok(if failed { Exit::FINDINGS } else { Exit::CLEAN })
}

impl Args {
    /// Where the tests lie, if the filter names a file or folder.
    fn place(&self) -> Option<PathBuf> {
        let named = self.project.join(self.filter.as_ref()?);
        named.canonicalize().ok()
    }
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
        let why = if all == 0 {
            "this project has no tests"
        } else {
            "no test lies there, or has this text in its title or file"
        };
        let _ = writeln!(text, "{why}");
    } else {
        let style = if failed == 0 { GREEN } else { RED };
        let summary = format!("{}: {} passed, {failed} failed", count(tests.len(), "test"), tests.len() - failed);
        let rest = if left_out == 0 { String::new() } else { format!(", {left_out} left out") };
        let _ = writeln!(text, "\n{style}{summary}{style:#}{rest}");
    }
    text
}

fn json(tests: &[&TestCase], results: &[TestResult], worse: &[Adversary]) -> String {
    let failure =
        |failure: &TestFailure| json!({ "line": failure.line, "expected": failure.expected, "actual": failure.actual });
    let broken = |broken: &Broken| json!({ "what": broken.what, "laws": broken.laws, "trace": broken.trace });
    let one = |(place, (test, result)): (usize, (&&TestCase, &TestResult))| {
        let mut told = json!({
            "title": test.title,
            "file": test.source,
            "line": test.line,
            "passed": result.failures.is_empty(),
            "failures": result.failures.iter().map(failure).collect::<Vec<_>>(),
            "trace": result.trace,
        });
        if let (Some(worse), Some(told)) = (worse.get(place), told.as_object_mut()) {
            let broken: Vec<_> = worse.broken.iter().map(broken).collect();
            told.insert("adversary".to_owned(), json!({ "stories": worse.cases, "broken": broken }));
        }
        told
    };
    let tests: Vec<_> = tests.iter().zip(results).enumerate().map(one).collect();
    format!("{:#}\n", json!({ "tests": tests }))
}

/// How many broken stories of one test are shown.
const SHOWN: usize = 3;

fn told_worse<'a>(tests: &[&TestCase], worse: &[Adversary], journeys: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text);
    for (test, adversary) in tests.iter().zip(worse) {
        for broken in adversary.broken.iter().take(SHOWN) {
            let _ = writeln!(text, "{RED}FAIL{RED:#}  {}", test.title);
            let _ = writeln!(text, "      {BOLD}{}{BOLD:#}", broken.what);
            for law in &broken.laws {
                let _ = writeln!(text, "      {RED}! {law}{RED:#}");
            }
            let _ = writeln!(text, "      {FAINT}all that happened:{FAINT:#}");
            for line in &broken.trace {
                let _ = writeln!(text, "        {FAINT}{line}{FAINT:#}");
            }
        }
        if let Some(more) = adversary.broken.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            let _ = writeln!(text, "      and {} more of this test", stories_of(more));
        }
    }
    let stories: usize = worse.iter().map(|adversary| adversary.cases).sum();
    let broken: usize = worse.iter().map(|adversary| adversary.broken.len()).sum();
    let style = if broken == 0 { GREEN } else { RED };
    let verdict = if broken == 0 { "nothing broke".to_owned() } else { format!("{broken} broke") };
    let _ = writeln!(
        text,
        "{style}adversary: {} from {}, {verdict}{style:#}",
        stories_of(stories),
        count(tests.len(), "test")
    );
    let entered: BTreeSet<&str> = worse.iter().flat_map(|worse| &worse.entered).map(|name| name.as_str()).collect();
    let left: Vec<String> = journeys.filter(|name| !entered.contains(name)).map(|name| format!("`{name}`")).collect();
    if !left.is_empty() {
        let _ = writeln!(text, "no test enters {}: nothing was tried there", left.join(", "));
    }
    text
}

fn stories_of(stories: usize) -> String {
    if stories == 1 { "1 story".to_owned() } else { format!("{stories} stories") }
}

fn junit(tests: &[&TestCase], results: &[TestResult], worse: &[Adversary]) -> Result<String, Failure> {
    let mut report = Report::new("journey");
    let mut suites: Vec<TestSuite> = Vec::new();
    let mut cases = Vec::new();
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
        cases.push((test, test.title.clone(), status));
    }
    for (test, adversary) in tests.iter().zip(worse) {
        let mut status = TestCaseStatus::success();
        if let Some(first) = adversary.broken.first() {
            status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(format!("{}: {}", first.what, first.laws.join("; ")));
            let lines = adversary.broken.iter().map(|broken| format!("{}: {}\n", broken.what, broken.laws.join("; ")));
            status.set_description(lines.collect::<String>());
        }
        cases.push((test, format!("{} (adversary)", test.title), status));
    }
    for (test, title, status) in cases {
        let mut case = quick_junit::TestCase::new(title, status);
        case.set_classname(test.source.as_str());
        case.extra.insert("file".into(), test.source.as_str().into());
        case.extra.insert("line".into(), test.line.to_string().into());
        match suites.iter_mut().find(|suite| suite.name.as_str() == test.source.as_str()) {
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
