//! `journey status` and `journey plan`: who stands where, and what becomes of them when the project is deployed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use journey_bytecode::{Bundle, Instant, Program};
use journey_runtime::core::Linked;
use journey_runtime::deploy::{self, DeployError};
use journey_runtime::explain::{Moved, Place, Standing, standing};
use journey_runtime::spam::SpamSender;
use journey_runtime::store::{AnyStore, Change, Counts, Revision, Store};
use journey_runtime::time::Zone;
use serde_json::json;
use similar::{ChangeTag, TextDiff};

use super::at::{At, Format};
use super::senders;
use super::{Exit, Outcome, compiled};
use crate::checked::count;
use crate::database;
use crate::discover;
use crate::failure::Failure;
use crate::terminal::{BOLD, FAINT, GREEN, RED, Terminal, YELLOW};
use crate::workspace::Workspace;

/// How many revisions are shown.
const SHOWN: usize = 5;

const STATUS: &str = "\
Who stands where in what is deployed, what is paused, and what changed last. Every contact
is read once; a million take some seconds.

Examples:
  journey status
  journey status --project shop --output-format json";

const PLAN: &str = "\
What would change if the project were deployed as it is now: new, changed and removed
journeys, the statements that differ, and how many contacts stand
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

/// See what would change for contacts if the project were deployed as it is now
#[derive(clap::Args, Debug)]
#[command(after_help = PLAN)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    at: At,
}

/// What the database holds.
struct Found {
    counts: Counts,
    /// Seen from what is asked about: the project, or what is deployed.
    standing: Vec<Standing>,
    /// The project.
    bundle: Bundle,
    /// What is deployed, if anything is.
    deployed: Option<Bundle>,
    /// The revisions, newest first.
    revisions: Vec<Revision>,
    /// The sending domains whose marketing is held.
    held_senders: Vec<SpamSender>,
    /// The project's zone.
    zone: Zone,
}

/// Looks into the database; `project` says whether the project is to be the current version, or what is deployed.
fn look(at: &At, terminal: Terminal, project: bool) -> Result<Option<Found>, Failure> {
    let workspace = discover::find_one(&at.project)?;
    let Some(bundle) = compiled(&workspace, terminal).cloned() else { return Ok(None) };
    let database = database::of(at.db.as_deref(), &workspace)?;
    let found = database::beside(&database, async |store| Ok(look_into(&store, bundle, project, &workspace).await))?;
    found.map(Some).map_err(|error| Failure::new(error.to_string()))
}

async fn look_into(
    store: &AnyStore,
    bundle: Bundle,
    project: bool,
    workspace: &Workspace,
) -> Result<Found, DeployError> {
    let older: Vec<Bundle> = store.programs().await?.into_iter().map(Bundle::from).collect();
    let revisions = store.revisions(usize::MAX).await?;
    let deployed = match revisions.first() {
        Some(newest) => Some(deploy::bundle(store, newest).await?),
        None => None,
    };
    let current = if project { &bundle } else { deployed.as_ref().unwrap_or(&bundle) };
    let linked = Linked::new(current.clone(), &older).map_err(|error| DeployError::Unready(error.to_string()))?;
    let (counts, standing) = (store.counts().await?, standing(store, &linked).await?);
    let mut held_senders = store.senders(senders::since(workspace)).await?;
    held_senders.retain(|sender| sender.held.is_some());
    Ok(Found { counts, standing, bundle, deployed, revisions, held_senders, zone: senders::zone(workspace) })
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
    let Some(found) = look(&args.at, terminal, false)? else { return Ok(Exit::FINDINGS) };
    let Counts { contacts, pending, queued, held, delivered, failed } = found.counts;
    terminal.out(match args.at.output_format {
        Format::Json => {
            let counts = json!({
                "contacts": contacts, "pending": pending, "queued": queued, "held": held,
                "delivered": delivered, "failed": failed,
            });
            let revisions: Vec<_> = found.revisions.iter().map(revision_json).collect();
            let held: Vec<_> = found.held_senders.iter().map(|sender| senders::told(sender, found.zone)).collect();
            text(&json!({
                "counts": counts, "journeys": found.standing, "revisions": revisions, "held_senders": held,
            }))
        }
        Format::Human => {
            let mut out = format!(
                "{BOLD}{}{BOLD:#}, {} not applied yet\n{} delivered, {queued} in the outbox, {held} of them held, {failed} failed\n",
                count(contacts, "contact"),
                count(pending, "input"),
                count(delivered, "message"),
            );
            for sender in found.held_senders.iter().filter_map(|sender| senders::held(sender, found.zone)) {
                // Writing to memory does not fail.
                let _ = writeln!(out, "{RED}{sender}{RED:#}; see `journey senders`");
            }
            let paused = found.revisions.first().map(|newest| newest.paused.clone()).unwrap_or_default();
            for journey in found.standing.iter().filter(|journey| journey.current || journey.runs > 0) {
                out.push_str(&standing_of(journey, paused.get(&journey.journey).copied()));
            }
            out.push_str(&revisions_of(&found.revisions));
            out
        }
    })?;
    Ok(Exit::CLEAN)
}

/// The last revisions, newest first.
fn revisions_of(revisions: &[Revision]) -> String {
    let mut out = String::new();
    for revision in revisions.iter().take(SHOWN) {
        let Revision { number, at, deployment, .. } = revision;
        // Writing to memory does not fail.
        let _ = writeln!(out, "  {number:>8}  {} UTC  {deployment}  {}", Zone::UTC.show(*at), change_of(revision));
    }
    if out.is_empty() { out } else { format!("\n{BOLD}Revisions{BOLD:#}, the first one counts\n{out}") }
}

fn change_of(revision: &Revision) -> String {
    match &revision.change {
        Change::Deploy { moves: false } => "deployed".to_owned(),
        Change::Deploy { moves: true } => "deployed, runs moved".to_owned(),
        Change::Pause { journey } => format!("{journey} paused"),
        Change::Resume { journey, backlog, .. } => format!("{journey} resumed, backlog {}", backlog.name()),
    }
}

fn revision_json(revision: &Revision) -> serde_json::Value {
    json!({
        "revision": revision.number, "at": Zone::UTC.show(revision.at), "deployment": revision.deployment.to_string(),
        "paused": revision.paused.keys().collect::<Vec<_>>(), "change": change_of(revision),
    })
}

fn text(json: &serde_json::Value) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default() + "\n"
}

fn standing_of(journey: &Standing, paused: Option<Instant>) -> String {
    let mut older = if journey.current { String::new() } else { format!(", older version {}", journey.version) };
    if let Some(since) = paused {
        older = format!("{older}, {YELLOW}paused since {}{YELLOW:#}", Zone::UTC.show(since));
    }
    let runs = count(journey.runs, "run");
    let mut out = format!("\n{BOLD}{}{BOLD:#}{older}: {runs} under way\n", journey.journey);
    for at in &journey.places {
        // Writing to memory does not fail.
        let _ = writeln!(out, "  {:>8}  {}", at.runs, place_of(at.place.as_ref()));
    }
    out
}

/// A statement, with its file and line.
fn place_of(place: Option<&Place>) -> String {
    match place {
        Some(place) => format!("{}:{} `{}`", place.file, place.line, place.statement),
        None => "before the first statement".to_owned(),
    }
}

/// Where the runs of an older version go on if they are moved; nothing if there are none.
pub(super) fn moves_of(standing: &Standing) -> String {
    let mut out = String::new();
    for at in &standing.places {
        let Some(moved) = &at.moved else { continue };
        let to = match moved {
            Moved::To(to) => format!("goes on at {}", place_of(to.as_ref())),
            Moved::Ends => "ends".to_owned(),
            Moved::Nowhere => format!("{YELLOW}stays: it is not clear where to go{YELLOW:#}"),
        };
        // Writing to memory does not fail.
        let _ = writeln!(out, "  {:>8}  {}: if moved, {to}", at.runs, place_of(at.place.as_ref()));
    }
    if out.is_empty() {
        out
    } else {
        format!("{BOLD}{}{BOLD:#}, version {}\n{out}", standing.journey, standing.version)
    }
}

/// What would become of one journey.
struct Difference {
    what: &'static str,
    journey: String,
    /// Runs that finish on other versions than the project's.
    finishing: u64,
    /// Statements of the version served last and of the project's, as lines of a difference.
    lines: Vec<(char, String)>,
}

pub(super) fn plan(args: &PlanArgs, terminal: Terminal) -> Outcome {
    let Some(found) = look(&args.at, terminal, true)? else { return Ok(Exit::FINDINGS) };
    let changes = changes(&found);
    terminal.out(match args.at.output_format {
        Format::Json => {
            let change = |change: &Difference| {
                let lines: Vec<_> = change.lines.iter().map(|(sign, line)| format!("{sign} {line}")).collect();
                json!({
                    "change": change.what, "journey": change.journey, "finish_on_older": change.finishing,
                    "statements": lines,
                })
            };
            let older: Vec<_> = older(&found).collect();
            text(&json!({ "changes": changes.iter().map(change).collect::<Vec<_>>(), "older_runs": older }))
        }
        Format::Human if changes.is_empty() => format!("{GREEN}Nothing would change.{GREEN:#}\n"),
        Format::Human => {
            let mut out = changes.iter().map(human).collect::<Vec<_>>().join("\n");
            let moves: String = older(&found).map(moves_of).collect();
            if !moves.is_empty() {
                let _ =
                    write!(out, "\nRuns stay on their version, unless `journey deploy --migrate` moves them.\n{moves}");
            }
            out
        }
    })?;
    Ok(if changes.is_empty() { Exit::CLEAN } else { Exit::FINDINGS })
}

/// Runs of versions that are not the project's.
fn older(found: &Found) -> impl Iterator<Item = &Standing> {
    found.standing.iter().filter(|standing| standing.is_left_over())
}

fn changes(found: &Found) -> Vec<Difference> {
    let deployed = found.deployed.iter().flat_map(|bundle| &bundle.programs);
    let names: BTreeSet<&str> =
        found.bundle.programs.iter().chain(deployed.clone()).map(|program| program.name.as_str()).collect();
    let mut changes = Vec::new();
    for name in names {
        let now = found.bundle.programs.iter().find(|program| program.name == name);
        let last = deployed.clone().find(|program| program.name == name);
        let old = |standing: &&Standing| standing.journey == name && !standing.current;
        let finishing = found.standing.iter().filter(old).map(|standing| standing.runs).sum();
        let what = match (now, last) {
            (Some(_), None) => "new",
            (Some(now), Some(last)) if now.version() != last.version() => "changed",
            (None, Some(_)) => "removed",
            _ => continue,
        };
        changes.push(Difference { what, journey: name.to_owned(), finishing, lines: difference(last, now) });
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

fn human(change: &Difference) -> String {
    let Difference { what, journey, finishing, lines } = change;
    let finish = match finishing {
        0 => String::new(),
        n => format!(", {} on older versions", count(*n, "run")),
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
