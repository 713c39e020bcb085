//! `journey run`: a project on the virtual clock.

mod inputs;
mod outbox;

use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use journey_bytecode::{Bundle, Channel, Codes, Span};
use journey_grammar::ast::{Unit, duration_parts};
use journey_runtime::core::Linked;
use journey_runtime::engine::Outlet;
use journey_runtime::render::Renderer;
use journey_runtime::send::Transport;
use journey_runtime::sim::{self, MadeUp, Report, Scenario, Until};
use journey_runtime::store::{MemoryStore, Store};
use journey_runtime::time::Zone;
use journey_runtime::track::{Keys, Links};
use journey_runtime::voucher::Pool;

use super::table::{self, Around};
use super::{Exit, Outcome, compiled};
use crate::discover;
use crate::failure::Failure;
use crate::terminal::Terminal;
use crate::workspace::Workspace;
use outbox::Outbox;

/// Signs the links of a simulation's mails, so that they are the same on every run. No server accepts them: each has a
/// key of its own.
const KEY: &[u8] = b"journey run: links that lead nowhere";

const EXAMPLES: &str = "\
Time is virtual: months pass in a moment, and the same files give the same
messages and the same table, byte for byte. Nothing leaves this machine: every
message becomes a file in the outbox. What an earlier run wrote there is removed
first; other files are left alone.

Contacts come from `contacts.csv` and events from `events.ndjson` beside the
project's `journey.toml`. A lone `.journey` file without them runs with three
sample contacts that get what the journey waits for.

Examples:
  journey run welcome
  journey run welcome --until 60d            look at it after two months
  journey run welcome --until 2026-12-24     or on a day
  journey run x.journey --contacts ours.csv

Exit codes: 0 it ran, 1 the project has errors (then it did not run) or rows of the
input files were refused (then it ran without them), 2 the command could not do
its work.";

/// Walk a project's contacts through its journeys, in virtual time
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A project or a `.journey` file
    #[arg(value_name = "PROJECT", default_value = ".")]
    path: PathBuf,

    /// When to stop: after a time, as `60d`, or at one, as `2026-12-24 08:00` in the project's zone; without, when
    /// nothing is left to do
    #[arg(long, value_name = "WHEN")]
    until: Option<Stop>,

    /// Where messages are written [default: `outbox` beside the project's settings]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// The contacts [default: `contacts.csv` beside the project's settings]
    #[arg(long, value_name = "FILE")]
    contacts: Option<PathBuf>,

    /// The events [default: `events.ndjson` beside the project's settings]
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
}

/// `--until`
#[derive(Clone, Debug)]
enum Stop {
    After(Span),
    /// A moment, as it was written; only the project knows its zone.
    At(String),
}

impl FromStr for Stop {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is neither a time, as 60d or 1mo12h, nor a moment, as 2026-12-24 08:00");
        if let Some(parts) = duration_parts(text) {
            return span(&parts).map(Self::After).ok_or_else(wrong);
        }
        Zone::UTC.read(text).map(|_| Self::At(text.to_owned())).ok_or_else(wrong)
    }
}

fn span(parts: &[(u64, Unit)]) -> Option<Span> {
    let mut span = Span::default();
    for (number, unit) in parts {
        let (count, millis) = (i32::try_from(*number).ok()?, i64::try_from(*number).ok()?);
        let exact = |unit: i64| span.millis.checked_add(millis.checked_mul(unit)?);
        match unit {
            Unit::Second => span.millis = exact(1_000)?,
            Unit::Minute => span.millis = exact(60_000)?,
            Unit::Hour => span.millis = exact(3_600_000)?,
            Unit::Day => span.days = span.days.checked_add(count)?,
            Unit::Week => span.days = span.days.checked_add(count.checked_mul(7)?)?,
            Unit::Month => span.months = span.months.checked_add(count)?,
            Unit::Year => span.months = span.months.checked_add(count.checked_mul(12)?)?,
        }
    }
    Some(span)
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.path)?;
    let Some(bundle) = compiled(&workspace, terminal) else { return Ok(Exit::FINDINGS) };
    let linked = Linked::new(bundle.clone(), []).map_err(|error| Failure::new(error.to_string()))?;
    let linked = Arc::new(linked);
    let mut inputs = inputs::read(args.contacts.as_deref(), args.events.as_deref(), &workspace, &linked)?;
    for note in &inputs.notes {
        terminal.err(format!("{note}\n"));
    }

    let outbox = Outbox::open(&args.out.clone().unwrap_or_else(|| workspace.root.join("outbox")))?;
    let outbox = Arc::new(outbox);
    let outlet = outlet(&workspace, bundle, &(Arc::clone(&outbox) as Arc<dyn Transport>))?;
    let codes = codes(&workspace, bundle)?;
    let until = args.until.as_ref().map(|stop| match stop {
        Stop::After(span) => Until::After(*span),
        Stop::At(text) => Until::Moment(linked.zone().read(text).unwrap_or(journey_bytecode::Instant::NEVER)),
    });
    let scenario = Scenario {
        contacts: std::mem::take(&mut inputs.contacts),
        events: std::mem::take(&mut inputs.events),
        start: inputs.start,
        until,
        ..Scenario::default()
    };
    let progress = terminal.progress("running");
    let report = simulate(&linked, &outlet, &codes, scenario)?;
    drop(progress);
    let written = outbox.close()?;

    inputs.refuse(&report);
    for row in &inputs.refused {
        terminal.err(format!("{row}\n"));
    }
    let around = Around { outbox: &outbox.name(), written, refused: inputs.refused.len() };
    terminal.out(table::render(&report, &linked, &around, terminal))?;
    Ok(if inputs.refused.is_empty() { Exit::CLEAN } else { Exit::FINDINGS })
}

/// Every channel leads there.
pub(super) fn outlet(
    workspace: &Workspace,
    bundle: &Bundle,
    transport: &Arc<dyn Transport>,
) -> Result<Outlet, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::new(format!("the project cannot be run: {error}"));
    let keys = Keys::new([KEY]).ok_or_else(|| wrong(&"its links cannot be signed"))?;
    let links = match &workspace.config().track.base_url {
        Some(base_url) => Links::tracked(base_url, keys).map_err(|error| wrong(&error))?,
        None => Links::untracked(keys),
    };
    let renderer = Renderer::new(bundle, links).map_err(|error| wrong(&error))?;
    let transports = Channel::ALL.map(|channel| (channel, Arc::clone(transport))).into();
    Ok(Outlet::new(renderer, transports)
        .calling(Arc::new(MadeUp::new(Arc::clone(transport))))
        .telling(Arc::clone(transport)))
}

/// The codes of vouchers that stand in files of the project.
pub(super) fn codes(workspace: &Workspace, bundle: &Bundle) -> Result<Vec<Pool>, Failure> {
    let mut found = Vec::new();
    for voucher in &bundle.schema.vouchers {
        let Codes::File(path) = &voucher.codes else { continue };
        let file = workspace.root.join(path.as_str());
        let text = fs::read_to_string(&file).map_err(|error| {
            Failure::path(&format!("cannot read the codes of `{}`, which stand in", voucher.name), &file, &error)
        })?;
        found.push((voucher.name.clone(), Codes::listed(&text).map(|(_, code)| code.into()).collect()));
    }
    Ok(found)
}

pub(super) fn simulate(
    linked: &Linked,
    outlet: &Outlet,
    codes: &[Pool],
    scenario: Scenario,
) -> Result<Report, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::new(format!("the run broke off: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| wrong(&error))?;
    let store = MemoryStore::default();
    runtime
        .block_on(async {
            for (voucher, codes) in codes {
                store.offer_codes(voucher, codes).await?;
            }
            sim::run(&store, linked, outlet, scenario).await
        })
        .map_err(|error| wrong(&error))
}
