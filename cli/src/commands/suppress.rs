//! `journey suppress`: lists of addresses that want no marketing.

use std::io::Read;
use std::path::PathBuf;

use clap::ValueEnum;
use journey_bytecode::{Bundle, Channel};
use journey_runtime::ingest::{AddressReader, ListError};
use journey_runtime::store::{AnyStore, Keeps, Listed, Store, StoreError};
use serde_json::json;

use super::at::{At, Format};
use super::rows::{self, Refused};
use super::{Exit, Outcome, compiled};
use crate::checked::count;
use crate::database;
use crate::discover;
use crate::failure::Failure;
use crate::terminal::{BOLD, GREEN, Terminal};

/// How many addresses are taken together.
const PAGE: usize = 10_000;

const EXAMPLES: &str = "\
The file is a CSV file, or has one address a line. With a header the column is that of the
name `email` (`phone` for text messages), or the one that --column names. Only hashes of the
addresses are kept. No marketing goes to any of them from now on, whoever has the address;
other messages do. It works beside a running server.

Examples:
  journey suppress unsubscribed.csv
  journey suppress stop.csv --channel sms --column mobile
  journey suppress - --topic offers < offers.txt
  journey suppress mistake.csv --lift

Exit codes: 0 all rows were taken, 1 some were refused, 2 the command could not do its work.";

/// Keep marketing from addresses: take over a suppression list
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The list; `-` for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// What the addresses are
    #[arg(long, value_enum, value_name = "CHANNEL", default_value_t)]
    channel: Of,

    /// Only marketing of this topic
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,

    /// The column with the addresses
    #[arg(long, value_name = "COLUMN")]
    column: Option<String>,

    /// Take the addresses off again; what people decided by themselves stays
    #[arg(long)]
    lift: bool,

    #[command(flatten)]
    at: At,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
enum Of {
    /// Mail addresses
    #[default]
    Email,
    /// Telephone numbers, for text messages
    Sms,
    /// Telephone numbers, for WhatsApp
    Whatsapp,
}

impl From<Of> for Channel {
    fn from(of: Of) -> Self {
        match of {
            Of::Email => Self::Email,
            Of::Sms => Self::Sms,
            Of::Whatsapp => Self::WhatsApp,
        }
    }
}

/// What came of the rows.
#[derive(Default)]
struct Taken {
    rows: u64,
    /// How many of them changed anything.
    changed: u64,
    refused: Vec<Refused>,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.at.project)?;
    if let Some(topic) = &args.topic {
        let Some(bundle) = compiled(&workspace, terminal) else { return Ok(Exit::FINDINGS) };
        is_topic(topic, bundle)?;
    }
    let (source, _) = rows::open(&args.file)?;
    let broken = |error: ListError| Failure::new(format!("`{}` is no list of addresses: {error}", args.file.display()));
    let rows = AddressReader::new(source, args.channel.into(), args.column.as_deref()).map_err(broken)?;
    let database = database::of(args.at.db.as_deref(), &workspace)?;
    let progress = terminal.progress("reading");
    let taken = database::beside(&database, async |store| match take(&store, rows, args).await {
        Err(Broken::Store(error)) => Err(error),
        Err(Broken::List(error)) => Ok(Err(error)),
        Ok(taken) => Ok(Ok(taken)),
    })?;
    drop(progress);
    finish(args, &taken.map_err(broken)?, terminal)
}

fn is_topic(topic: &str, bundle: &Bundle) -> Result<(), Failure> {
    let topics = &bundle.schema.topics;
    if topics.iter().any(|known| known.name == topic) {
        return Ok(());
    }
    let names: Vec<_> = topics.iter().map(|known| format!("`{}`", known.name)).collect();
    let help = if names.is_empty() { "it has none".to_owned() } else { format!("there is {}", names.join(", ")) };
    Err(Failure::new(format!("the project has no topic `{topic}`")).help(help))
}

/// Why a list was not taken to its end; what was taken before stays.
enum Broken {
    List(ListError),
    Store(StoreError),
}

async fn take<R: Read>(store: &AnyStore, rows: AddressReader<R>, args: &Args) -> Result<Taken, Broken> {
    let mut taken = Taken::default();
    let keeps = args.topic.as_deref().map_or(Keeps::Marketing, |topic| Keeps::Topic(topic.into()));
    let listed = || Listed { channel: args.channel.into(), addresses: Vec::new(), keeps: keeps.clone() };
    let mut page = listed();
    for row in rows {
        match row.map_err(Broken::List)? {
            (_, Ok(address)) => page.addresses.push(address),
            (line, Err(error)) => taken.refused.push((line, error)),
        }
        if page.addresses.len() >= PAGE {
            hand_in(store, args, &std::mem::replace(&mut page, listed()), &mut taken).await?;
        }
    }
    hand_in(store, args, &page, &mut taken).await?;
    Ok(taken)
}

async fn hand_in(store: &AnyStore, args: &Args, page: &Listed, taken: &mut Taken) -> Result<(), Broken> {
    let changed = if args.lift { store.lift(page).await } else { store.suppress(page).await };
    taken.changed += changed.map_err(Broken::Store)?;
    taken.rows += page.addresses.len() as u64;
    Ok(())
}

fn finish(args: &Args, taken: &Taken, terminal: Terminal) -> Outcome {
    terminal.out(match args.at.output_format {
        Format::Json => {
            let refused = rows::json(&taken.refused);
            let json = json!({ "taken": taken.rows, "changed": taken.changed, "refused": refused });
            serde_json::to_string_pretty(&json).unwrap_or_default() + "\n"
        }
        Format::Human => {
            rows::tell(&taken.refused, &args.file, "--output-format json lists", terminal);
            let rows = count(taken.rows, "row");
            let changed = match (args.lift, taken.changed) {
                (true, n) => format!("{n} taken off the list"),
                (false, n) => format!("{n} of them new on the list"),
            };
            format!("{GREEN}{BOLD}{rows}{BOLD:#}{GREEN:#} read, {changed}\n")
        }
    })?;
    Ok(if taken.refused.is_empty() { Exit::CLEAN } else { Exit::FINDINGS })
}
