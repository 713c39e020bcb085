//! `journey diff`

mod human;
mod json;
mod markdown;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use journey_compiler::Compilation;
use journey_compiler::diagnostic::Severity;
use journey_ide::changes::{Change, Changes, JourneyChange, JourneyKind, Line, MessageChange, TextKind};

use super::{Exit, Outcome};
use crate::checked::count;
use crate::discover;
use crate::failure::Failure;
use crate::git::Repository;
use crate::revision::Place;
use crate::terminal::{Terminal, YELLOW};
use crate::workspace;

const EXAMPLES: &str = "\
What is compared is what journeys do, not how they are written: who comes in, which
messages go out and how long after entry, what is waited for and decided, consent, and
what ends a run. Layout and comments make no difference, nor does moving a journey to
another file. Times are counted from entry, from the earliest to the latest. With --db,
every journey that changes tells how many contacts are in it.

Examples:
  journey diff HEAD                       what is not committed yet
  journey diff origin/main shop           what a branch changes
  journey diff v1.2 --to v1.3             between two revisions
  journey diff HEAD~1 --db sqlite:journey.db
  journey diff origin/main --output-format markdown | gh pr comment --body-file -

Exit codes: 0 compared, 2 the command could not do its work.";

/// Say what a change means for people
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The git revision to compare with
    #[arg(value_name = "REV")]
    revision: String,

    /// A project, or a `.journey` file without one
    #[arg(value_name = "PROJECT", default_value = ".")]
    project: PathBuf,

    /// The git revision that is compared, instead of the files as they are now
    #[arg(long, value_name = "REV")]
    to: Option<String>,

    /// Count the contacts that are under way in this database: `sqlite:PATH` or `postgres://USER@HOST/NAME`
    #[arg(long, value_name = "URL")]
    db: Option<String>,

    /// How changes are written to stdout
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    output_format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Human,
    /// One JSON document
    Json,
    /// For the comment on a pull request
    Markdown,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let place = Place::of(&args.project)?;
    let repository = Repository::around(&place.directory)?;
    let at = |revision: &str| place.at(&repository, revision);
    let before = at(&args.revision)?;
    let after = match &args.to {
        Some(revision) => at(revision)?,
        None => place.now()?,
    };
    let (was, is) = (workspace::compile(&before), workspace::compile(&after));
    for (compilation, when) in [(&was, "before"), (&is, "after")] {
        note_errors(compilation, when, terminal);
    }
    let changes = Changes::between((&before, &was), (&after, &is));
    let under_way = match &args.db {
        Some(db) => UnderWay(Some(under_way(db, &args.project, &was, &is)?)),
        None => UnderWay(None),
    };
    terminal.out(match args.output_format {
        Format::Human => human::render(&changes, &under_way),
        Format::Json => json::render(&changes, &under_way),
        Format::Markdown => markdown::render(&changes, &under_way),
    })?;
    Ok(Exit::CLEAN)
}

/// How many runs of each journey are under way, if a database was looked into.
struct UnderWay(Option<BTreeMap<String, u64>>);

impl UnderWay {
    /// Of a journey that changes, by the name that it had when they entered.
    fn of(&self, journey: &JourneyChange) -> Option<u64> {
        let name = match &journey.kind {
            JourneyKind::Renamed { from } => from,
            _ => &journey.name,
        };
        self.0.as_ref().map(|runs| runs.get(name).copied().unwrap_or_default())
    }

    /// What becomes of them, in a sentence.
    fn told(&self, journey: &JourneyChange) -> Option<String> {
        let runs = self.of(journey)?;
        let runs = (runs > 0).then(|| count(runs, "run"))?;
        Some(format!("{runs} under way: they finish on the version on which they entered"))
    }
}

fn under_way(db: &str, project: &Path, was: &Compilation, is: &Compilation) -> Result<BTreeMap<String, u64>, Failure> {
    let bundle = is.bundle.as_ref().or(was.bundle.as_ref());
    let bundle =
        bundle.ok_or_else(|| Failure::new("contacts cannot be counted: the project has errors on both sides"))?;
    super::status::under_way(db, &discover::find_one(project)?, bundle)
}

/// What cannot be read cannot be compared in full.
fn note_errors(compilation: &Compilation, when: &str, terminal: Terminal) {
    let errors = compilation.diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    if errors > 0 {
        let errors = count(errors, "error");
        terminal.err(format!("{YELLOW}warning{YELLOW:#}: the project {when} the change has {errors}\n"));
    }
}

/// What became of a journey, in a sentence.
fn headline(journey: &JourneyChange) -> String {
    match &journey.kind {
        JourneyKind::Added => "is new".to_owned(),
        JourneyKind::Removed => "is gone".to_owned(),
        JourneyKind::Renamed { from } => format!("was called {from}, and does the same"),
        JourneyKind::Changed => "does something else".to_owned(),
    }
}

/// How many messages one contact gets, where that changed.
fn messages(journey: &JourneyChange) -> Option<String> {
    let (before, after) = journey.most_messages;
    let (pressure_before, pressure_after) = journey.pressure;
    let to_u64 = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let part = |which: fn((usize, usize)) -> usize, pressure: Option<(usize, usize)>| pressure.map(which).map(to_u64);
    let rows = [
        ("a run", before, after),
        ("in 24 hours", part(|(day, _)| day, pressure_before), part(|(day, _)| day, pressure_after)),
        ("in 7 days", part(|(_, week)| week, pressure_before), part(|(_, week)| week, pressure_after)),
    ];
    let told: Vec<_> = rows.iter().filter_map(|(span, before, after)| most(span, *before, *after)).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// Whom a journey concerns, where it does something else than before.
fn who(journey: &JourneyChange) -> Option<String> {
    let stays = !matches!(journey.kind, JourneyKind::Renamed { .. });
    (stays && !journey.who.is_empty()).then(|| format!("for contacts who enter {}", journey.who.join(" ")))
}

/// How many messages one contact gets in each week after entry, where that changed.
fn weeks(journey: &JourneyChange) -> Option<String> {
    let (before, after) = (&journey.weeks.0, &journey.weeks.1);
    let numbered = (0..before.len().max(after.len())).map(|week| {
        let sent = |weeks: &[u64]| weeks.get(week).copied().unwrap_or_default();
        (week + 1, sent(before), sent(after))
    });
    let changed = numbered.filter(|(_, before, after)| before != after);
    let told: Vec<_> = match journey.kind {
        JourneyKind::Changed => changed.map(|(week, before, after)| format!("{week}: {after}, was {before}")).collect(),
        JourneyKind::Added => changed.map(|(week, _, after)| format!("{week}: {after}")).collect(),
        JourneyKind::Removed => changed.map(|(week, before, _)| format!("{week}: none, was {before}")).collect(),
        JourneyKind::Renamed { .. } => Vec::new(),
    };
    (!told.is_empty()).then(|| format!("at most so many messages in week {}", told.join("; ")))
}

fn most(span: &str, before: Option<u64>, after: Option<u64>) -> Option<String> {
    let messages = |n: u64| count(n, "message");
    match (before, after) {
        (Some(before), Some(after)) if before != after => {
            Some(format!("at most {} {span}, was {before}", messages(after)))
        }
        (None, Some(after)) => Some(format!("at most {} {span}", messages(after))),
        (Some(before), None) => Some(format!("it was at most {} {span}", messages(before))),
        _ => None,
    }
}

/// A sign and what to say of a change: what is new, what is gone, or how it was and is.
fn told(change: &Change) -> (char, String) {
    match (&change.before, &change.after) {
        (None, Some(line)) => ('+', placed(line)),
        (Some(line), None) => ('-', placed(line)),
        (Some(before), Some(after)) => ('~', {
            let mut parts = Vec::new();
            if before.text == after.text {
                parts.push(after.text.clone());
            } else {
                parts.push(format!("{}, was: {}", after.text, before.text));
            }
            if before.path == after.path {
                parts.extend(path(after));
            } else {
                let name = |line: &Line| path(line).unwrap_or_else(|| "on every way".to_owned());
                parts.push(format!("{}, was {}", name(after), name(before)));
            }
            if let (Some(new), Some(old)) = (after.when, before.when) {
                parts.push(if new == old { new.to_string() } else { format!("{new}, was {old}") });
            }
            parts.join("; ")
        }),
        (None, None) => (' ', String::new()),
    }
}

/// A line, where it stands and when it comes.
fn placed(line: &Line) -> String {
    let when = line.when.map(|when| when.to_string());
    [line.text.clone()].into_iter().chain(path(line)).chain(when).collect::<Vec<_>>().join("; ")
}

fn path(line: &Line) -> Option<String> {
    (!line.path.is_empty()).then(|| line.path.join(", "))
}

/// What became of a text.
fn text(message: &MessageChange) -> String {
    let mut parts = vec![match message.kind {
        TextKind::Added => "is new".to_owned(),
        TextKind::Removed => "is gone".to_owned(),
        TextKind::Changed => {
            let (come, gone) = message.lines;
            format!("{} new, {gone} gone", count(come, "line"))
        }
    }];
    if let Some((old, new)) = &message.subject {
        let shown = |subject: &Option<String>| subject.as_ref().map_or("none".to_owned(), |text| format!("\"{text}\""));
        parts.push(format!("subject {}, was {}", shown(new), shown(old)));
    }
    if !message.journeys.is_empty() {
        parts.push(format!("sent by {}", message.journeys.join(", ")));
    }
    parts.join("; ")
}
