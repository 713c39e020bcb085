//! `journey deploy` and `journey rollback`: what counts from now on, for every worker.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use journey_bytecode::{Bundle, Program};
use journey_runtime::clock::{Clock as _, SystemClock};
use journey_runtime::core::Linked;
use journey_runtime::deploy::{self, DeployError, Unclear};
use journey_runtime::explain::{Standing, standing};
use journey_runtime::store::{AnyStore, DeploymentId, KeptProgram, Revision, Store};
use serde_json::json;

use super::at::{At, Format};
use super::status::moves_of;
use super::{Exit, Outcome, compiled, run};
use crate::checked::count;
use crate::database;
use crate::discover;
use crate::failure::Failure;
use crate::terminal::{BOLD, GREEN, RED, Terminal, YELLOW};

const DEPLOY: &str = "\
From now on contacts enter the journeys of this project, on every server of the database:
each takes it up before its next step, without a restart. What they need beside the
project (mail server, secrets) stays as they were started with. A server that is started
with a project that was never deployed deploys it.

Contacts finish a journey on the version on which they entered it, unless --migrate moves
them. A step with a name (`step NAME:`) is the same in both versions; `migrate A to B` in
the new version says where runs go that wait at A. A step without a name is the same if
what it says stands as often in both. If there is a place from which nobody knows where to
go, nothing is deployed, and all such places are told. What has passed of a wait counts.

Examples:
  journey plan                       what would change
  journey deploy
  journey deploy --migrate --dry-run where runs of older versions would go on
  journey deploy --migrate

Exit codes: 0 it is done, 1 the project has errors or a place has no counterpart, 2 the
command could not do its work.";

const ROLLBACK: &str = "\
Makes what was deployed before count again: the last deployment that differs from the
present one, or another that `journey status` names. Runs that began on the present
version finish on it, unless --migrate moves them back.

Examples:
  journey rollback
  journey rollback --to 3f2a9c1d --migrate

Exit codes: 0 it is done, 1 a place has no counterpart, 2 the command could not do its
work.";

/// Make the project count from now on
#[derive(clap::Args, Debug)]
#[command(after_help = DEPLOY)]
pub(super) struct DeployArgs {
    #[command(flatten)]
    at: At,

    /// Let runs of older versions go on in the new one
    #[arg(long)]
    migrate: bool,

    /// Only say what would go where
    #[arg(long, requires = "migrate")]
    dry_run: bool,
}

/// Make what was deployed before count again
#[derive(clap::Args, Debug)]
#[command(after_help = ROLLBACK)]
pub(super) struct RollbackArgs {
    #[command(flatten)]
    at: At,

    /// A deployment, as `journey status` names it [default: the one before]
    #[arg(long, value_name = "DEPLOYMENT")]
    to: Option<String>,

    /// Let runs go on in that version
    #[arg(long)]
    migrate: bool,
}

/// What came of it.
enum Done {
    /// Nothing: there are places without a counterpart, each with the runs that are there.
    Unclear(Vec<(Unclear, u64)>),
    /// Nothing was asked for but to look.
    Looked(Vec<Standing>),
    /// It counts already.
    Same(Revision),
    /// It counts now; so many contacts were told.
    Made(Revision, u64, Vec<Standing>),
}

pub(super) fn deploy(args: &DeployArgs, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.at.project)?;
    let Some(bundle) = compiled(&workspace, terminal) else { return Ok(Exit::FINDINGS) };
    let database = database::of(args.at.db.as_deref(), &workspace)?;
    let codes = run::codes(&workspace, bundle)?;
    let done = database::beside(&database, async |store| {
        if !args.dry_run {
            for (voucher, codes) in &codes {
                store.offer_codes(voucher, codes).await?;
            }
        }
        Ok(make(&store, bundle, args.migrate, args.dry_run).await)
    })?;
    finish(done.map_err(explain)?, &args.at, terminal)
}

pub(super) fn rollback(args: &RollbackArgs, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.at.project)?;
    let database = database::of(args.at.db.as_deref(), &workspace)?;
    let done = database::beside(&database, async |store| {
        Ok(match earlier(&store, args.to.as_deref()).await {
            Ok(bundle) => make(&store, &bundle, args.migrate, false).await.map_err(explain),
            Err(failure) => Err(failure),
        })
    })?;
    finish(done?, &args.at, terminal)
}

fn explain(error: DeployError) -> Failure {
    Failure::new(error.to_string())
}

/// What was deployed before.
async fn earlier(store: &AnyStore, to: Option<&str>) -> Result<Bundle, Failure> {
    let revisions = store.revisions(usize::MAX).await.map_err(|error| explain(error.into()))?;
    let newest = revisions.first().ok_or_else(|| explain(DeployError::Nothing))?;
    let meant = |revision: &&Revision| match to {
        Some(to) => revision.deployment.to_string() == to,
        None => revision.deployment != newest.deployment,
    };
    let known = || {
        let mut known: Vec<DeploymentId> = Vec::new();
        for revision in &revisions {
            if !known.contains(&revision.deployment) {
                known.push(revision.deployment);
            }
        }
        known.iter().map(DeploymentId::to_string).collect::<Vec<_>>().join(", ")
    };
    let found = revisions.iter().find(meant).ok_or_else(|| match to {
        Some(to) => Failure::new(format!("there is no deployment `{to}`")).help(format!("there are {}", known())),
        None => Failure::new("nothing else was deployed before".to_owned()),
    })?;
    deploy::bundle(store, found).await.map_err(explain)
}

async fn make(store: &AnyStore, bundle: &Bundle, moves: bool, dry_run: bool) -> Result<Done, DeployError> {
    let kept = store.programs().await?;
    let older: Vec<Bundle> = kept.iter().cloned().map(Bundle::from).collect();
    // What no worker could run is not deployed either.
    let linked = Linked::new(bundle.clone(), &older).map_err(|error| DeployError::Unready(error.to_string()))?;
    let mut left_over = if moves { standing(store, &linked).await? } else { Vec::new() };
    left_over.retain(Standing::is_left_over);
    let unclear = places_without(&kept, bundle, &left_over);
    if !unclear.is_empty() {
        return Ok(Done::Unclear(unclear));
    }
    if dry_run {
        return Ok(Done::Looked(left_over));
    }
    let now = SystemClock::default().now();
    let ours = deploy::id(bundle)?;
    let newest = store.revisions(1).await?.pop();
    let revision = match newest {
        Some(newest) if newest.deployment == ours && !moves => {
            if newest.told {
                return Ok(Done::Same(newest));
            }
            newest
        }
        _ => deploy::deploy(store, bundle, moves, now).await?,
    };
    let told = deploy::tell(store, &revision, now).await?;
    Ok(Done::Made(revision, told, left_over))
}

/// The places of older versions that have no counterpart, each with the runs that are there.
fn places_without(kept: &[KeptProgram], bundle: &Bundle, older: &[Standing]) -> Vec<(Unclear, u64)> {
    let new: BTreeMap<_, &Program> = bundle.programs.iter().map(|program| (&program.name, program)).collect();
    let mut found = Vec::new();
    for standing in older {
        let old = kept.iter().map(|kept| &kept.program).find(|old| old.version().to_string() == standing.version);
        let Some((old, new)) = old.zip(new.get(&standing.journey)) else { continue };
        found.extend(deploy::unclear(old, new).into_iter().map(|unclear| {
            let here = standing.places.iter().find(|at| {
                at.place.as_ref().is_some_and(|place| (place.line, place.column) == (unclear.line, unclear.column))
            });
            let runs = here.map_or(0, |at| at.runs);
            (unclear, runs)
        }));
    }
    found
}

fn finish(done: Done, at: &At, terminal: Terminal) -> Outcome {
    let (revision, told, standing) = match done {
        Done::Unclear(places) => {
            let mut text = String::new();
            for (Unclear { file, version, line, statement, .. }, runs) in &places {
                let runs = count(*runs, "run");
                // Writing to memory does not fail.
                let _ = writeln!(text, "  {file} (version {version}) line {line} `{statement}`: {runs} there now");
            }
            terminal.err(format!(
                "{RED}error{RED:#}: from these places nobody knows where to go:\n{text}Give the step a name in both versions, \
                 or its name a `migrate NAME to NAME` or `migrate NAME to end` in the new one.\n"
            ));
            return Ok(Exit::FINDINGS);
        }
        Done::Looked(standing) => (None, 0, standing),
        Done::Same(revision) => (Some((revision, false)), 0, Vec::new()),
        Done::Made(revision, told, standing) => (Some((revision, true)), told, standing),
    };
    terminal.out(match at.output_format {
        Format::Json => {
            let revision = revision.map(|(revision, made)| {
                json!({
                    "revision": revision.number, "deployment": revision.deployment.to_string(), "made": made,
                    "contacts_told": told,
                })
            });
            serde_json::to_string_pretty(&json!({ "deployed": revision, "moves": standing })).unwrap_or_default() + "\n"
        }
        Format::Human => {
            let mut out: String = standing.iter().map(moves_of).collect();
            // Writing to memory does not fail.
            let _ = match &revision {
                None => writeln!(out, "{BOLD}Nothing was deployed.{BOLD:#}"),
                Some((revision, false)) => writeln!(
                    out,
                    "{GREEN}Nothing to do:{GREEN:#} {} counts already, as revision {}",
                    revision.deployment, revision.number
                ),
                Some((revision, true)) => writeln!(
                    out,
                    "{GREEN}Deployed{GREEN:#} {BOLD}{}{BOLD:#}, revision {}{}",
                    revision.deployment,
                    revision.number,
                    if told == 0 { String::new() } else { format!("; {} told of it", count(told, "contact")) }
                ),
            };
            if let Some((revision, _)) = &revision {
                for journey in revision.paused.keys() {
                    let _ = writeln!(
                        out,
                        "{YELLOW}{journey} is paused{YELLOW:#}; `journey resume {journey}` lets it go on"
                    );
                }
            }
            out
        }
    })?;
    Ok(Exit::CLEAN)
}
