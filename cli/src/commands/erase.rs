//! `journey erase`: contacts that want to be forgotten.

use std::time::Duration;

use journey_runtime::clock::{Clock as _, SystemClock};
use journey_runtime::store::{Acceptance, AnyStore, NewInput, Store, StoreError};
use serde_json::json;

use super::at::{At, Format};
use super::{Exit, Outcome};
use crate::checked::count;
use crate::database;
use crate::discover;
use crate::terminal::{BOLD, GREEN, Terminal, YELLOW};

/// How long to wait for a server to do it, in steps of [`STEP`].
const PATIENCE: u32 = 50;

const STEP: Duration = Duration::from_millis(100);

const EXAMPLES: &str = "\
All runs of the contact end, messages that wait are not sent, and nothing is kept of it: no
attribute, no event, no trace, no text of a message, not even its id. Whoever comes later
under that id is somebody new. What stays is a hash of each of its addresses, so that no
marketing goes there again, whoever imports an old list.

`journey export CONTACT` first writes down what is known of it. A running server does the
work within a second; without one it is done when the next one starts, and nothing is sent
until then.

Examples:
  journey export ada > ada.json
  journey erase ada
  journey erase ada bo --db postgres://journey@db.example/journeys

Exit codes: 0 it is done, or will be when a server runs; 1 a contact is not known; 2 the
command could not do its work.";

/// Forget contacts: all that is known of them, and their ids
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The contacts, by their ids
    #[arg(value_name = "CONTACT", required = true)]
    contacts: Vec<String>,

    #[command(flatten)]
    at: At,
}

/// What became of the contacts.
#[derive(Default)]
struct Told {
    erased: Vec<String>,
    /// No server has done it yet.
    later: Vec<String>,
    unknown: Vec<String>,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.at.project)?;
    let database = database::of(args.at.db.as_deref(), &workspace)?;
    let told = database::beside(&database, async |store| erase(&store, &args.contacts).await)?;
    for contact in &told.unknown {
        terminal.err(format!("{YELLOW}unknown{YELLOW:#} nobody knows the contact `{contact}`\n"));
    }
    terminal.out(match args.at.output_format {
        Format::Human => human(&told),
        Format::Json => {
            let json = json!({ "erased": told.erased, "later": told.later, "unknown": told.unknown });
            serde_json::to_string_pretty(&json).unwrap_or_default() + "\n"
        }
    })?;
    Ok(if told.unknown.is_empty() { Exit::CLEAN } else { Exit::FINDINGS })
}

async fn erase(store: &AnyStore, contacts: &[String]) -> Result<Told, StoreError> {
    let now = SystemClock::default().now();
    let inputs: Vec<_> = contacts.iter().map(|contact| NewInput::erasing(contact, now)).collect();
    let answers = store.accept(&inputs, now).await?;
    let mut told = Told::default();
    for (contact, answer) in contacts.iter().zip(answers) {
        match answer {
            Acceptance::UnknownContact => told.unknown.push(contact.clone()),
            _ => told.later.push(contact.clone()),
        }
    }
    for _ in 0..PATIENCE {
        let mut left = Vec::new();
        for contact in std::mem::take(&mut told.later) {
            match store.contact(&contact).await? {
                Some(_) => left.push(contact),
                None => told.erased.push(contact),
            }
        }
        told.later = left;
        if told.later.is_empty() {
            break;
        }
        tokio::time::sleep(STEP).await;
    }
    Ok(told)
}

fn human(told: &Told) -> String {
    let mut out = String::new();
    if !told.erased.is_empty() {
        out += &format!("{GREEN}Erased{GREEN:#} {BOLD}{}{BOLD:#}\n", count(told.erased.len(), "contact"));
    }
    if !told.later.is_empty() {
        let contacts = count(told.later.len(), "contact");
        out += &format!("{YELLOW}Noted{YELLOW:#}: {BOLD}{contacts}{BOLD:#} will be erased when a server runs\n");
    }
    out
}
