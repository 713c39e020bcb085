//! `journey status` and `journey plan`: who stands where, and what becomes of them when the project is served as it is now.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use journey_bytecode::{Bundle, Program};
use journey_runtime::core::Linked;
use journey_runtime::explain::{Standing, standing};
use journey_runtime::store::{Counts, KeptProgram, Store};
use serde_json::json;
use similar::{ChangeTag, TextDiff};

use super::at::{At, Format};
use super::{Exit, Outcome, compiled};
use crate::checked::count;
use crate::database;
use crate::discover;
use crate::failure::Failure;
use crate::terminal::{BOLD, FAINT, GREEN, RED, Terminal, YELLOW};
use crate::workspace::Workspace;

const STATUS: &str = "\
Every contact is read once; a million take some seconds.

Examples:
  journey status
  journey status --project shop --output-format json";

const PLAN: &str = "\
What would change if `journey serve` were started with the project as it is now: new,
changed and removed journeys, the statements that differ, and how many contacts stand
in them. Contacts finish a journey on the version on which they entered it.

Examples:
  journey plan
  journey plan --db postgres://journey@db.example/journeys

Exit codes: 0 nothing would change, 1 something would, or the project has errors, 2 the
command could not do its work.";

/// See how many contacts stand where
#[derive(clap::Args, Debug)]
#[command(after_help = STATUS)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    at: At,
}

/// See what would change for contacts if the project were served as it is now
#[derive(clap::Args, Debug)]
#[command(after_help = PLAN)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    at: At,
}

/// What the database holds.
struct Found {
    counts: Counts,
    standing: Vec<Standing>,
    kept: Vec<KeptProgram>,
    bundle: Bundle,
}

fn look(at: &At, terminal: Terminal) -> Result<Option<Found>, Failure> {
    let workspace = discover::find_one(&at.project)?;
    let Some(bundle) = compiled(&workspace, terminal).cloned() else { return Ok(None) };
    let database = database::of(at.db.as_deref(), &workspace)?;
    database::beside(&database, async |store| {
        let kept = store.programs().await?;
        let older: Vec<Bundle> = kept.iter().cloned().map(Bundle::from).collect();
        let linked = match Linked::new(bundle.clone(), &older) {
            Ok(linked) => linked,
            Err(error) => return Ok(Err(Failure::new(error.to_string()))),
        };
        let (counts, standing) = (store.counts().await?, standing(&store, &linked).await?);
        Ok(Ok(Some(Found { counts, standing, kept, bundle })))
    })?
}

/// How many runs of each journey are under way in a database, on whatever version.
pub(super) fn under_way(db: &str, workspace: &Workspace, bundle: &Bundle) -> Result<BTreeMap<String, u64>, Failure> {
    let database = database::of(Some(db), workspace)?;
    let linked = Linked::new(bundle.clone(), []).map_err(|error| Failure::new(error.to_string()))?;
    let found = database::beside(&database, async |store| standing(&store, &linked).await)?;
    let mut runs = BTreeMap::new();
    for standing in found {
        *runs.entry(standing.journey.to_string()).or_default() += standing.runs;
    }
    Ok(runs)
}

pub(super) fn status(args: &StatusArgs, terminal: Terminal) -> Outcome {
    let Some(found) = look(&args.at, terminal)? else { return Ok(Exit::FINDINGS) };
    let Counts { contacts, pending, queued, held, delivered, failed } = found.counts;
    terminal.out(match args.at.output_format {
        Format::Json => {
            let counts = json!({
                "contacts": contacts, "pending": pending, "queued": queued, "held": held,
                "delivered": delivered, "failed": failed,
            });
            text(&json!({ "counts": counts, "journeys": found.standing }))
        }
        Format::Human => {
            let mut out = format!(
                "{BOLD}{}{BOLD:#}, {} not applied yet\n{} delivered, {queued} in the outbox, {held} of them held, {failed} failed\n",
                count(contacts as usize, "contact"),
                count(pending as usize, "input"),
                count(delivered as usize, "message"),
            );
            for journey in found.standing.iter().filter(|journey| journey.current || journey.runs > 0) {
                out.push_str(&standing_of(journey));
            }
            out
        }
    })?;
    Ok(Exit::CLEAN)
}

fn text(json: &serde_json::Value) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default() + "\n"
}

fn standing_of(journey: &Standing) -> String {
    let older = if journey.current { String::new() } else { format!(", older version {}", journey.version) };
    let runs = count(usize::try_from(journey.runs).unwrap_or(usize::MAX), "run");
    let mut out = format!("\n{BOLD}{}{BOLD:#}{older}: {runs} under way\n", journey.journey);
    for at in &journey.places {
        let place = at.place.as_ref().map_or_else(
            || "before the first statement".to_owned(),
            |place| format!("{}:{} `{}`", place.file, place.line, place.statement),
        );
        // Writing to memory does not fail.
        let _ = writeln!(out, "  {:>8}  {place}", at.runs);
    }
    out
}

/// What would become of one journey.
struct Change {
    what: &'static str,
    journey: String,
    /// Runs that finish on other versions than the project's.
    finishing: u64,
    /// Statements of the version served last and of the project's, as lines of a difference.
    lines: Vec<(char, String)>,
}

pub(super) fn plan(args: &PlanArgs, terminal: Terminal) -> Outcome {
    let Some(found) = look(&args.at, terminal)? else { return Ok(Exit::FINDINGS) };
    let changes = changes(&found);
    terminal.out(match args.at.output_format {
        Format::Json => {
            let change = |change: &Change| {
                let lines: Vec<_> = change.lines.iter().map(|(sign, line)| format!("{sign} {line}")).collect();
                json!({
                    "change": change.what, "journey": change.journey, "finish_on_older": change.finishing,
                    "statements": lines,
                })
            };
            text(&json!({ "changes": changes.iter().map(change).collect::<Vec<_>>() }))
        }
        Format::Human if changes.is_empty() => format!("{GREEN}Nothing would change.{GREEN:#}\n"),
        Format::Human => changes.iter().map(human).collect::<Vec<_>>().join("\n"),
    })?;
    Ok(if changes.is_empty() { Exit::CLEAN } else { Exit::FINDINGS })
}

fn changes(found: &Found) -> Vec<Change> {
    let mut names: BTreeSet<&str> = found.bundle.programs.iter().map(|program| program.name.as_str()).collect();
    names.extend(found.kept.iter().map(|kept| kept.program.name.as_str()));
    let mut changes = Vec::new();
    for name in names {
        let now = found.bundle.programs.iter().find(|program| program.name == name);
        let versions: Vec<&Program> =
            found.kept.iter().map(|kept| &kept.program).filter(|program| program.name == name).collect();
        let known = now.is_some_and(|now| versions.iter().any(|program| program.version() == now.version()));
        let old = |standing: &&Standing| standing.journey == name && !standing.current;
        let finishing = found.standing.iter().filter(old).map(|standing| standing.runs).sum();
        let last = versions.last().copied();
        let what = match (now, last) {
            (Some(_), None) => "new",
            (Some(_), Some(_)) if !known => "changed",
            (None, Some(_)) if finishing > 0 => "removed",
            _ => continue,
        };
        changes.push(Change { what, journey: name.to_owned(), finishing, lines: difference(last, now) });
    }
    changes
}

fn difference(last: Option<&Program>, now: Option<&Program>) -> Vec<(char, String)> {
    let text = |program: Option<&Program>| {
        let steps = program.map(|program| program.map.steps.as_slice()).unwrap_or_default();
        let line =
            |step: &journey_bytecode::StepInfo| format!("{}{}\n", "  ".repeat(usize::from(step.depth)), step.label);
        steps.iter().map(line).collect::<String>()
    };
    let (before, after) = (text(last), text(now));
    let difference = TextDiff::from_lines(&before, &after);
    let line = |change: similar::Change<&str>| {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        (sign, change.value().trim_end().to_owned())
    };
    difference.iter_all_changes().map(line).collect()
}

fn human(change: &Change) -> String {
    let Change { what, journey, finishing, lines } = change;
    let finish = match finishing {
        0 => String::new(),
        n => format!(", {} on older versions", count(usize::try_from(*n).unwrap_or(usize::MAX), "run")),
    };
    let mut out = format!("{YELLOW}{what}{YELLOW:#} {BOLD}{journey}{BOLD:#}{finish}\n");
    for (sign, line) in lines {
        // Writing to memory does not fail.
        let _ = match sign {
            '-' => writeln!(out, "  {RED}- {line}{RED:#}"),
            '+' => writeln!(out, "  {GREEN}+ {line}{GREEN:#}"),
            _ => writeln!(out, "  {FAINT}  {line}{FAINT:#}"),
        };
    }
    out
}
