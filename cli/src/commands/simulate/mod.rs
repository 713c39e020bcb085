//! `journey simulate`: a forecast with people who do not exist, or what a change would have meant for those who do.

mod replay;
mod told;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::ValueEnum;

use journey_bytecode::{Bundle, Span};
use journey_compiler::project::BEHAVIOUR;
use journey_runtime::core::Linked;
use journey_runtime::render::Rendered;
use journey_runtime::send::{Settle, Transport, Verdict};
use journey_runtime::sim::{Behaviour, Crowd, DEFAULT_START, MessageReport, Report, Scenario, Until};
use journey_runtime::time::DAY;
use journey_runtime::track::BoxFuture;
use serde_json::json;

use super::{Exit, Outcome, compiled, run, table};
use crate::checked::count;
use crate::discover;
use crate::failure::Failure;
use crate::terminal::{BOLD, Terminal};
use crate::workspace::{Workspace, show};

const EXAMPLES: &str = "\
People are made up from the seed: who they are, when they come, what happens to them,
what they open, click, answer. The same project, numbers and seed give the same
forecast, byte for byte. Nothing is sent.

How they behave stands in `behaviour.toml` beside the project's `journey.toml`. What
is left out is as usual: each trigger happens once to everybody within 30 days, other
events to one of ten a month, and of mails 35 % are opened, 5 % clicked.

  [contacts]
  plan = { free = 0.8, pro = 0.2 }   # each value and its share
  phone = 0.6                        # so many have one
  visits = [0, 20]                   # evenly between
  [happens]                          # how often in 30 days
  purchase = 0.15
  \"tag lead\" = 0.5
  [messages.email]                   # by channel, or by name
  opened = 0.42
  [messages.welcome]
  clicked = 0.2
  [awake]                            # when messages are looked at
  from = 7
  to = 22

Examples:
  journey simulate welcome
  journey simulate welcome --contacts 10000 --days 180 --seed 7
  journey simulate welcome --output-format json

With --replay, people are not made up: what was recorded happens once more, in the
project as it is now and as it was in a revision of git, and you see who would have
received what. Each line is a contact or an event as the HTTP API takes it, with `at`;
`journey export --events` writes such a file. What one of the versions does not know
is left out there, and told.

  journey export --events > events.ndjson
  journey simulate welcome --replay events.ndjson --against main

Exit codes: 0 it ran, 1 the project has errors (then it did not run) or neither version
takes some of the recorded lines (then it ran without them), 2 the command could not do
its work.";

/// Forecast what a project would do to many people, or replay what happened to real ones
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A project or a `.journey` file
    #[arg(value_name = "PROJECT", default_value = ".")]
    path: PathBuf,

    /// How many people
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    contacts: u32,

    /// How many days [default: 90, and people come in the first half; with --replay 30 after the last line]
    #[arg(long, value_name = "D", value_parser = clap::value_parser!(u32).range(1..=1_825))]
    days: Option<u32>,

    /// Other people with every other number
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,

    /// How people behave [default: `behaviour.toml` beside the project's settings, if there is one]
    #[arg(long, value_name = "FILE")]
    behaviour: Option<PathBuf>,

    /// Let what is recorded in this file happen, one JSON object a line
    #[arg(long, value_name = "EVENTS", requires = "against", conflicts_with_all = ["contacts", "seed", "behaviour"])]
    replay: Option<PathBuf>,

    /// Compare with the project as it was in this git revision
    #[arg(long, value_name = "REV", requires = "replay")]
    against: Option<String>,

    /// How the forecast is written to stdout
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    output_format: Format,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Human,
    /// JSON, for scripts
    Json,
}

/// How many days a forecast covers.
const DAYS: u32 = 90;

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    if let (Some(events), Some(revision)) = (&args.replay, &args.against) {
        return replay::run(args, events, revision, terminal);
    }
    let workspace = discover::find_one(&args.path)?;
    let Some(bundle) = compiled(&workspace, terminal) else { return Ok(Exit::FINDINGS) };
    let linked = Linked::new(bundle.clone(), []).map_err(|error| Failure::new(error.to_string()))?;
    let behaviour = behaviour(args.behaviour.as_deref(), &workspace, bundle)?;
    let outlet = run::outlet(&workspace, bundle, &(Arc::new(Nowhere) as Arc<dyn Transport>))?;
    let codes = run::codes(&workspace, bundle)?;
    let length = args.days.unwrap_or(DAYS);
    let days = i32::try_from(length).unwrap_or(i32::MAX);
    let scenario = Scenario {
        crowd: Some(Crowd::new(&linked, behaviour, args.contacts, length, args.seed, DEFAULT_START)),
        start: Some(DEFAULT_START),
        until: Some(Until::After(Span { days, ..Span::default() })),
        ..Scenario::default()
    };
    let (behind, whole) = (Arc::clone(&scenario.behind), i64::from(days) * DAY);
    #[allow(clippy::cast_precision_loss, reason = "a share for the eye")]
    let progress = terminal.progress_bar("simulating", move || behind.load(Ordering::Relaxed) as f64 / whole as f64);
    let report = run::simulate(&linked, &outlet, &codes, scenario)?;
    drop(progress);
    terminal.out(match args.output_format {
        Format::Human => table::came_to(&report, &linked, terminal) + &forecast(&report, terminal),
        Format::Json => json(args, &report),
    })?;
    Ok(Exit::CLEAN)
}

/// Takes every message, and that is all.
struct Nowhere;

impl Transport for Nowhere {
    fn deliver_each<'a>(&'a self, batch: &'a [Rendered], settle: &'a dyn Settle) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            for place in 0..batch.len() {
                settle.settle(place, Verdict::Delivered { response: "simulated".to_owned() }).await;
            }
        })
    }
}

fn behaviour(named: Option<&Path>, workspace: &Workspace, bundle: &Bundle) -> Result<Behaviour, Failure> {
    let beside = workspace.root.join(BEHAVIOUR);
    let path = match named {
        Some(path) => path,
        None if beside.is_file() => &beside,
        None => return Ok(Behaviour::default()),
    };
    let text = std::fs::read_to_string(path).map_err(|error| Failure::path("cannot read", path, &error))?;
    let name = show(&path.canonicalize().unwrap_or_else(|_| path.to_path_buf()));
    let wrong = |why: &str| Failure::new(format!("`{name}` does not say how people behave: {why}"));
    let behaviour: Behaviour = toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end()))?;
    let mut mistakes = behaviour.mistakes();
    mistakes.extend(Crowd::unknown(&behaviour, bundle));
    if mistakes.is_empty() { Ok(behaviour) } else { Err(wrong(&mistakes.join("; "))) }
}

/// What the numbers mean for those who get the messages.
fn forecast(report: &Report, terminal: Terminal) -> String {
    let mut out = String::new();
    // Writing to memory does not fail.
    let header = ["of all who got it", "opened", "clicked", "replied"].map(str::to_owned);
    let rows: Vec<_> = report.messages.iter().filter(|message| message.delivered > 0).map(shares).collect();
    if !rows.is_empty() {
        let _ = writeln!(out, "{}", table::table(&header, rows, &[1, 2, 3], terminal));
    }
    let header = ["most messages in 7 days", "contacts"].map(str::to_owned);
    let rows: Vec<_> =
        report.pressure.iter().map(|(most, contacts)| vec![most.to_string(), contacts.to_string()]).collect();
    if !rows.is_empty() {
        let _ = writeln!(out, "{}", table::table(&header, rows, &[0, 1], terminal));
    }
    for (why, times) in &report.deferred {
        let _ = writeln!(out, "{BOLD}{}{BOLD:#} waited for {why}", count(*times as usize, "message"));
    }
    let caps: u64 = report.messages.iter().flat_map(|message| &message.skipped).filter(is_cap).map(|(_, n)| n).sum();
    if caps > 0 {
        let _ = writeln!(out, "{BOLD}{}{BOLD:#} refused by a cap", count(caps as usize, "message"));
    }
    out
}

fn is_cap((reason, _): &(&String, &u64)) -> bool {
    reason.starts_with("cap ")
}

fn shares(message: &MessageReport) -> Vec<String> {
    let share = |n: u64| {
        #[allow(clippy::cast_precision_loss, reason = "a share for the eye")]
        let share = 100.0 * n as f64 / message.delivered as f64;
        if n == 0 { "-".to_owned() } else { format!("{share:.1} %") }
    };
    let label = format!("{} {}", message.channel, message.name);
    vec![label, share(message.opened), share(message.clicked), share(message.replied)]
}

fn json(args: &Args, report: &Report) -> String {
    let journeys = report.journeys.iter().map(|journey| {
        let steps = journey.steps.iter().map(|step| {
            json!({ "line": step.line, "depth": step.depth, "step": step.label, "came": step.came,
                    "went": step.went, "left": step.left, "waiting": step.waiting })
        });
        json!({
            "journey": journey.journey, "entered": journey.entered, "active": journey.active, "goals": journey.goals,
            "ended": journey.ended, "not_entered": journey.not_entered, "steps": steps.collect::<Vec<_>>(),
        })
    });
    let messages = report.messages.iter().map(|message| {
        json!({
            "message": message.name, "channel": message.channel, "sent": message.sent, "delivered": message.delivered,
            "opened": message.opened, "clicked": message.clicked, "replied": message.replied,
            "skipped": message.skipped, "failed": message.failed,
        })
    });
    let told = json!({
        "contacts": args.contacts, "days": args.days.unwrap_or(DAYS), "seed": args.seed,
        "journeys": journeys.collect::<Vec<_>>(), "messages": messages.collect::<Vec<_>>(),
        "most_messages_in_7_days": report.pressure, "deferred": report.deferred,
    });
    format!("{told:#}\n")
}
