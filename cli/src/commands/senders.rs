//! `journey senders`: what readers say of each sending domain, and whose marketing is held for it.

use std::fmt::Write as _;

use journey_compiler::config::SpamConfig;
use journey_runtime::clock::{Clock as _, SystemClock};
use journey_runtime::spam::{SpamRule, SpamSender};
use journey_runtime::store::Store as _;
use journey_runtime::time::Zone;
use serde_json::{Value, json};

use super::at::{At, Format};
use super::{Exit, Outcome};
use crate::database;
use crate::discover;
use crate::terminal::{BOLD, FAINT, GREEN, RED, Terminal};
use crate::workspace::Workspace;

const EXAMPLES: &str = "\
If too many readers of a sending domain's marketing mail call it spam, no more of it leaves:
it waits in the outbox until you let it go again. Find out first what they did not want.
Transactional mail, and the mail of other domains, goes on. `[spam]` in `journey.toml` says
how many are too many.

Examples:
  journey senders                        what was delivered, what was called spam, who is held
  journey senders --lift news.example    its marketing goes again, and is counted anew

It works beside a server that is running; what was held goes within ten minutes.

Exit codes: 0 it is done, 1 the domain that was named is not held, 2 the command could not do
its work.";

/// See how many call a sending domain's mail spam; let its marketing go again
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Let the marketing of this domain go again, and count anew
    #[arg(long, value_name = "DOMAIN")]
    lift: Option<String>,

    #[command(flatten)]
    at: At,
}

/// The rule that the settings say.
pub(super) fn rule(settings: SpamConfig) -> SpamRule {
    SpamRule { hold_at: settings.hold_at, at_least: settings.at_least.into(), hours: settings.hours.into() }
}

/// The first hour that counts now.
pub(super) fn since(workspace: &Workspace) -> i64 {
    rule(workspace.config().spam).since(SystemClock::default().now())
}

/// A domain in a line, if its marketing is held.
pub(super) fn held(sender: &SpamSender, zone: Zone) -> Option<String> {
    let (since, then) = sender.held?;
    let (domain, rate) = (&sender.domain, then.rate());
    let (since, complained, delivered) = (zone.show(since), then.complained, then.delivered);
    Some(format!("{domain}: its marketing is held since {since}: {complained} of {delivered} called it spam ({rate})"))
}

/// As data.
pub(super) fn told(sender: &SpamSender, zone: Zone) -> Value {
    let since = sender.held.map(|(since, _)| zone.show(since));
    json!({
        "domain": sender.domain, "delivered": sender.counted.delivered, "complained": sender.counted.complained,
        "held_since": since,
    })
}

/// The project's zone, to show moments in.
pub(super) fn zone(workspace: &Workspace) -> Zone {
    Zone::resolve(Some(&workspace.config().project.timezone), Zone::UTC)
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.at.project)?;
    let database = database::of(args.at.db.as_deref(), &workspace)?;
    if let Some(domain) = &args.lift {
        let domain = domain.to_lowercase();
        let lifted = database::beside(&database, async |store| store.lift_sender(&domain).await)?;
        if !lifted {
            terminal.err(format!("the marketing of `{domain}` is not held; `journey senders` names those that are\n"));
            return Ok(Exit::FINDINGS);
        }
        terminal.out(match args.at.output_format {
            Format::Json => format!("{}\n", json!({ "lifted": domain })),
            Format::Human => {
                format!(
                    "{GREEN}{BOLD}{domain}{BOLD:#}{GREEN:#} sends marketing again, what was held within ten minutes\n"
                )
            }
        })?;
        return Ok(Exit::CLEAN);
    }
    let since = since(&workspace);
    let senders = database::beside(&database, async |store| store.senders(since).await)?;
    let zone = zone(&workspace);
    terminal.out(match args.at.output_format {
        Format::Json => {
            let all: Vec<Value> = senders.iter().map(|sender| told(sender, zone)).collect();
            serde_json::to_string_pretty(&json!({ "senders": all })).unwrap_or_default() + "\n"
        }
        Format::Human => human(&senders, &workspace, zone),
    })?;
    Ok(Exit::CLEAN)
}

fn human(senders: &[SpamSender], workspace: &Workspace, zone: Zone) -> String {
    let hours = rule(workspace.config().spam).hours;
    let within = if hours % 24 == 0 { format!("{} d", hours / 24) } else { format!("{hours} h") };
    if senders.is_empty() {
        return format!("No marketing mail was delivered within {within}.\n");
    }
    let mut out = format!("{FAINT}marketing mail within {within}{FAINT:#}\n");
    for sender in senders {
        let (domain, counted) = (&sender.domain, sender.counted);
        // Writing to memory does not fail.
        let _ = writeln!(
            out,
            "{BOLD}{domain}{BOLD:#}  {} delivered, {} called it spam ({})",
            counted.delivered,
            counted.complained,
            counted.rate()
        );
        if let Some(held) = held(sender, zone) {
            let _ = writeln!(out, "  {RED}{held}{RED:#}\n  {FAINT}journey senders --lift {domain}{FAINT:#}");
        }
    }
    out
}
