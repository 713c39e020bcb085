//! `journey outbox`

use std::fmt::Write as _;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Subcommand, ValueEnum};
use journey_bytecode::Bundle;
use journey_runtime::clock::{Clock as _, SystemClock};
use journey_runtime::core::Linked;
use journey_runtime::core::effect::MessageId;
use journey_runtime::explain::OutboxEntry;
use journey_runtime::store::{AnyStore, Kept, Store, StoreError};
use serde_json::json;

use super::at::Format;
use super::{Exit, Outcome, compiled};
use crate::checked::count;
use crate::database;
use crate::discover;
use crate::failure::Failure;
use crate::terminal::{BOLD, FAINT, GREEN, RED, Terminal, YELLOW};

/// How many messages of one kind are shown.
const SHOWN: usize = 100;

const EXAMPLES: &str = "\
A message that was on the wire when its worker died may have arrived, or not. By its
`after_crash` it goes again (`resend`), or it is held until you decide (`hold`).
A message that no attempt brought out has failed, and is kept with the reason.

Examples:
  journey outbox list                    what is held and what has failed
  journey outbox list --which waiting    what goes when it is due
  journey outbox retry 12/0 13/4         these go again, under their ids
  journey outbox retry --which held      all that is held goes again
  journey outbox drop 12/0               give it up; nobody hears of it again

All of this works beside a server that is running.

Exit codes: 0 it is done, 1 the project has errors, or a message that was named is neither
held nor failed, 2 the command could not do its work.";

/// See messages that wait, are held or have failed; send them again, or give them up
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,

    /// A project or a `.journey` file
    #[arg(long, value_name = "PATH", default_value = ".", global = true)]
    project: PathBuf,

    /// The database, as `sqlite:PATH` or `postgres://USER@HOST/NAME` [default: as for `serve`]
    #[arg(long, value_name = "URL", global = true)]
    db: Option<String>,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Show messages
    List {
        /// Only these: waiting, on-wire, held or failed [default: held and failed]
        #[arg(long, value_name = "WHICH", value_parser = which)]
        which: Option<Kept>,

        /// How they are written to stdout
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output_format: Format,
    },
    /// Send messages again that are held or have failed
    Retry(Chosen),
    /// Give up messages that wait or are held, and forget those that have failed
    Drop(Chosen),
}

#[derive(clap::Args, Debug)]
#[group(required = true, multiple = false)]
struct Chosen {
    /// Messages, as `journey outbox list` names them
    #[arg(value_name = "MESSAGE")]
    ids: Vec<Id>,

    /// All of these
    #[arg(long, value_enum, value_name = "WHICH")]
    which: Option<Stuck>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Stuck {
    /// Those that may have arrived
    Held,
    /// Those that were given up
    Failed,
}

/// A message's id, as `12/0`.
#[derive(Clone, Copy, Debug)]
struct Id(MessageId);

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let id = MessageId::parse(text).map(Self);
        id.ok_or_else(|| "a message is named as `journey outbox list` does, as 12/0".to_owned())
    }
}

fn which(text: &str) -> Result<Kept, String> {
    let names = Kept::ALL.map(Kept::name).join(", ");
    Kept::parse(text).ok_or_else(|| format!("it is one of {names}"))
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.project)?;
    let Some(bundle) = compiled(&workspace, terminal) else { return Ok(Exit::FINDINGS) };
    let database = database::of(args.db.as_deref(), &workspace)?;
    match &args.action {
        Action::List { which, output_format } => {
            let kinds = which.map_or_else(|| vec![Kept::Held, Kept::Failed], |which| vec![which]);
            let listed = database::beside(&database, async |store| list(&store, bundle, &kinds).await)??;
            terminal.out(match output_format {
                Format::Human => human(&listed),
                Format::Json => serde_json::to_string_pretty(&json!({ "messages": listed })).unwrap_or_default() + "\n",
            })?;
            Ok(Exit::CLEAN)
        }
        Action::Retry(chosen) => {
            let done = database::beside(&database, async |store| change(&store, chosen, true).await)?;
            finish(&done, "queued again", terminal)
        }
        Action::Drop(chosen) => {
            let done = database::beside(&database, async |store| change(&store, chosen, false).await)?;
            finish(&done, "given up", terminal)
        }
    }
}

async fn list(
    store: &AnyStore,
    bundle: &Bundle,
    kinds: &[Kept],
) -> Result<Result<Vec<OutboxEntry>, Failure>, StoreError> {
    let older: Vec<Bundle> = store.programs().await?.into_iter().map(Bundle::from).collect();
    let linked = match Linked::new(bundle.clone(), &older) {
        Ok(linked) => linked,
        Err(error) => return Ok(Err(Failure::new(error.to_string()))),
    };
    let mut listed = Vec::new();
    for which in kinds {
        let kept = store.outbox(*which, SHOWN).await?;
        listed.extend(kept.into_iter().map(|kept| OutboxEntry::new(&linked, *which, kept)));
    }
    Ok(Ok(listed))
}

struct Changed {
    done: usize,
    /// Messages that were named, and to which nothing was done.
    left: Vec<MessageId>,
}

async fn change(store: &AnyStore, chosen: &Chosen, again: bool) -> Result<Changed, StoreError> {
    let now = SystemClock::default().now();
    let kind = match chosen.which {
        None => {
            let ids: Vec<MessageId> = chosen.ids.iter().map(|id| id.0).collect();
            let done = act(store, &ids, now, again).await?;
            let left = ids.into_iter().filter(|id| !done.contains(id)).collect();
            return Ok(Changed { done: done.len(), left });
        }
        Some(Stuck::Held) => Kept::Held,
        Some(Stuck::Failed) => Kept::Failed,
    };
    let mut changed = Changed { done: 0, left: Vec::new() };
    loop {
        let ids: Vec<MessageId> = store.outbox(kind, 1_000).await?.iter().map(|kept| kept.outgoing.id).collect();
        let done = act(store, &ids, now, again).await?.len();
        changed.done += done;
        if done == 0 {
            return Ok(changed);
        }
    }
}

async fn act(
    store: &AnyStore,
    ids: &[MessageId],
    now: journey_bytecode::Instant,
    again: bool,
) -> Result<Vec<MessageId>, StoreError> {
    if again { store.requeue(ids, now).await } else { store.give_up(ids, now).await }
}

fn finish(changed: &Changed, what: &str, terminal: Terminal) -> Outcome {
    terminal.out(format!("{GREEN}{}{GREEN:#} {what}\n", count(changed.done, "message")))?;
    for id in &changed.left {
        terminal.err(format!("{YELLOW}{id}{YELLOW:#} is neither held nor failed\n"));
    }
    Ok(if changed.left.is_empty() { Exit::CLEAN } else { Exit::FINDINGS })
}

fn human(listed: &[OutboxEntry]) -> String {
    let mut out = String::new();
    for entry in listed {
        let OutboxEntry { id, at, channel, message, to, journey, .. } = entry;
        let state = match (entry.state, &entry.cause) {
            ("waiting", None) => format!("due {at}"),
            ("waiting", Some(cause)) => format!("due {at}: {cause}"),
            ("held", None) => format!("{YELLOW}held{YELLOW:#} since {at}: it may have arrived"),
            ("held", Some(cause)) => format!("{YELLOW}held{YELLOW:#} since {at}: it may have arrived ({cause})"),
            ("failed", Some(cause)) => format!("{RED}failed{RED:#} {at}: {cause}"),
            (state, _) => state.to_owned(),
        };
        let place = entry.place.as_deref().unwrap_or("a version that is not known any more");
        let attempts = count(entry.attempts as usize, "attempt");
        // Writing to memory does not fail.
        let _ = writeln!(
            out,
            "{BOLD}{id}{BOLD:#}  {channel} {message} to {to}, {attempts}\n  {state}\n  {FAINT}journey {journey}, {place}{FAINT:#}"
        );
    }
    if listed.is_empty() {
        out.push_str("There are none.\n");
    }
    out
}
