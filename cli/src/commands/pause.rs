//! `journey pause` and `journey resume`.

use clap::ValueEnum;
use journey_runtime::clock::{Clock as _, SystemClock};
use journey_runtime::core::input::Backlog;
use journey_runtime::deploy::{self, DeployError};
use journey_runtime::store::{AnyStore, Change, Revision, Store};
use serde_json::json;

use super::at::{At, Format};
use super::{Exit, Outcome};
use crate::checked::count;
use crate::database;
use crate::discover;
use crate::failure::Failure;
use crate::terminal::{BOLD, GREEN, Terminal, YELLOW};

const PAUSE: &str = "\
The journey's runs stand still on every server, once this command has ended: none takes
another step. They hear what happens meanwhile, so that who buys leaves by `exit when` all
the same; who enters waits before the first step. Messages that were decided before leave.

Examples:
  journey pause welcome
  journey resume welcome

Exit codes: 0 it is done, 2 the command could not do its work.";

const RESUME: &str = "\
What fell due while the journey was paused is its backlog. `shift` lets all that the
journey does happen so much later as the pause was long, so that nothing comes at once.
`send` does now what fell due; quiet hours and caps hold as ever. `skip` sends no message
that fell due, and lets runs go on to their next wait.

Examples:
  journey resume welcome
  journey resume welcome --backlog skip

Exit codes: 0 it is done, 2 the command could not do its work.";

/// Let a journey stand still
#[derive(clap::Args, Debug)]
#[command(after_help = PAUSE)]
pub(super) struct PauseArgs {
    /// The journey
    #[arg(value_name = "JOURNEY")]
    journey: String,

    #[command(flatten)]
    at: At,
}

/// Let a journey go on that stands still
#[derive(clap::Args, Debug)]
#[command(after_help = RESUME)]
pub(super) struct ResumeArgs {
    /// The journey
    #[arg(value_name = "JOURNEY")]
    journey: String,

    /// What becomes of what fell due meanwhile
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    backlog: What,

    #[command(flatten)]
    at: At,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum What {
    /// It happens later, by the length of the pause
    #[default]
    Shift,
    /// It happens now
    Send,
    /// Its messages are not sent
    Skip,
}

pub(super) fn pause(args: &PauseArgs, terminal: Terminal) -> Outcome {
    let paused = with(&args.at, async |store| {
        let now = SystemClock::default().now();
        Ok((deploy::pause(store, &args.journey, now).await?, 0))
    })?;
    let journey = &args.journey;
    let words = format!("{YELLOW}Paused{YELLOW:#} {BOLD}{journey}{BOLD:#}; `journey resume {journey}` lets it go on\n");
    say(&args.at, paused, words, terminal)
}

pub(super) fn resume(args: &ResumeArgs, terminal: Terminal) -> Outcome {
    let backlog = match args.backlog {
        What::Shift => Backlog::Shift,
        What::Send => Backlog::Send,
        What::Skip => Backlog::Skip,
    };
    let (revision, told) = with(&args.at, async |store| {
        let now = SystemClock::default().now();
        let revision = match deploy::resume(store, &args.journey, backlog, now).await {
            // Somebody was interrupted before all contacts were told.
            Err(error @ DeployError::Already(..)) => unfinished(store, &args.journey).await?.ok_or(error)?,
            revision => revision?,
        };
        let told = deploy::tell(store, &revision, now).await?;
        Ok((revision, told))
    })?;
    let told_of_it = count(told, "contact");
    let words = format!("{GREEN}Resumed{GREEN:#} {BOLD}{}{BOLD:#}; {told_of_it} go on\n", args.journey);
    say(&args.at, (revision, told), words, terminal)
}

/// The newest revision, if it lets the journey go on and not everybody has been told.
async fn unfinished(store: &AnyStore, journey: &str) -> Result<Option<Revision>, DeployError> {
    let newest = store.revisions(1).await?.pop();
    let ours = |revision: &Revision| {
        matches!(&revision.change, Change::Resume { journey: resumed, .. } if resumed == journey) && !revision.told
    };
    Ok(newest.filter(ours))
}

fn with<T>(at: &At, work: impl AsyncFnOnce(&AnyStore) -> Result<T, DeployError>) -> Result<T, Failure> {
    let workspace = discover::find_one(&at.project)?;
    let database = database::of(at.db.as_deref(), &workspace)?;
    let worked = database::beside(&database, async |store| Ok(work(&store).await))?;
    worked.map_err(|error| Failure::new(error.to_string()))
}

fn say(at: &At, (revision, told): (Revision, u64), words: String, terminal: Terminal) -> Outcome {
    terminal.out(match at.output_format {
        Format::Human => words,
        Format::Json => {
            let paused: Vec<_> = revision.paused.keys().collect();
            let json = json!({ "revision": revision.number, "paused": paused, "contacts_told": told });
            serde_json::to_string_pretty(&json).unwrap_or_default() + "\n"
        }
    })?;
    Ok(Exit::CLEAN)
}
