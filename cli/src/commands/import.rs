//! `journey import` and `journey export`: contacts from a file, and to one.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use journey_runtime::clock::{Clock as _, SystemClock};
use journey_runtime::core::Linked;
use journey_runtime::core::contact::{Contact, ContactId};
use journey_runtime::ingest::{CsvError, CsvReader, Gate, Numbers, export, line};
use journey_runtime::store::{AnyStore, NewInput, Store, StoreError};
use journey_runtime::story;
use serde_json::json;

use super::at::{At, Format};
use super::rows::{self, Refused};
use super::{Exit, Outcome, compiled};
use crate::checked::count;
use crate::database;
use crate::discover;
use crate::failure::Failure;
use crate::files;
use crate::terminal::{BOLD, GREEN, Terminal, YELLOW};

/// How many rows are taken together, and how many contacts are read together.
const PAGE: usize = 1_000;

const IMPORT: &str = "\
The first row names the columns: `id`, attributes of the project, `tags`, `aliases`. A contact
that is known gets what the row says, an empty cell leaves an attribute as it is, and tags
(between semicolons) are added, as are aliases: other ids of the same person. Rows that do not fit are refused with the reason, and all others are
taken; importing a file again changes nothing.

A SQLite file belongs to its server while that runs: stop it first, or send the rows to it
with POST /v1/contacts.

Examples:
  journey import contacts.csv --dry-run
  journey import contacts.csv --map 'E-Mail=email' --ignore Notes
  journey import - --refused refused.csv < contacts.csv

Exit codes: 0 all rows were taken, 1 some were refused or the project has errors, 2 the
command could not do its work.";

const EXPORT: &str = "\
One JSON object a line: attributes, tags, stages, consent with its ledger, runs, messages and
what became of them, past events. With names of contacts only those: what a person asks for
who wants to see what is kept.

With --events, it is what happened to them instead: all that the database was told, one
contact or event a line as the HTTP API takes it, each with its moment. `journey simulate
--replay` lets it happen once more.

Examples:
  journey export > contacts.ndjson
  journey export ada
  journey export --events > events.ndjson

Exit codes: 0 it is done, 1 a contact is not known, 2 the command could not do its work.";

/// Import contacts from a CSV file
#[derive(clap::Args, Debug)]
#[command(after_help = IMPORT)]
pub(super) struct ImportArgs {
    /// The file; `-` for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// A column of the file is this attribute, `id` or `tags`
    #[arg(long, value_name = "COLUMN=NAME", value_parser = mapping)]
    map: Vec<(String, String)>,

    /// Leave a column out
    #[arg(long, value_name = "COLUMN")]
    ignore: Vec<String>,

    /// Write the refused rows' lines and reasons into this file
    #[arg(long, value_name = "FILE")]
    refused: Option<PathBuf>,

    /// Only say what would be taken and refused
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    at: At,
}

/// Export contacts, each with all that is known of it
#[derive(clap::Args, Debug)]
#[command(after_help = EXPORT)]
pub(super) struct ExportArgs {
    /// Only these, by their ids
    #[arg(value_name = "CONTACT")]
    contacts: Vec<String>,

    /// What happened to them, to be replayed, instead of what is known of them
    #[arg(long)]
    events: bool,

    /// A project or a `.journey` file
    #[arg(long, value_name = "PATH", default_value = ".")]
    project: PathBuf,

    /// The database, as `sqlite:PATH` or `postgres://USER@HOST/NAME` [default: as for `serve`]
    #[arg(long, value_name = "URL")]
    db: Option<String>,
}

fn mapping(text: &str) -> Result<(String, String), String> {
    let (column, name) = text.split_once('=').ok_or("write COLUMN=NAME, as in --map 'E-Mail=email'")?;
    Ok((column.to_owned(), name.to_owned()))
}

/// What came of the rows.
#[derive(Default)]
struct Taken {
    rows: u64,
    /// The line counted last: a row may give a contact other ids as well.
    line: u64,
    refused: Vec<Refused>,
}

impl Taken {
    fn count(&mut self, line: u64) {
        self.rows += u64::from(line != self.line);
        self.line = line;
    }
}

pub(super) fn import(args: &ImportArgs, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.at.project)?;
    let Some(bundle) = compiled(&workspace, terminal) else { return Ok(Exit::FINDINGS) };
    let linked = Linked::new(bundle.clone(), []).map_err(|error| Failure::new(error.to_string()))?;
    let gate = Gate::new(Arc::new(linked));
    let (source, size) = rows::open(&args.file)?;
    let read = Arc::new(AtomicU64::new(0));
    let so_far = Arc::clone(&read);
    #[allow(clippy::cast_precision_loss, reason = "a share for the eye")]
    let progress = match size {
        Some(size) => {
            terminal.progress_bar("importing", move || so_far.load(Ordering::Relaxed) as f64 / size.max(1) as f64)
        }
        None => terminal.progress("importing"),
    };
    let source = Counting { source, read };
    let mut names: BTreeMap<String, Option<String>> =
        args.map.iter().map(|(column, name)| (column.clone(), Some(name.clone()))).collect();
    names.extend(args.ignore.iter().map(|column| (column.clone(), None)));
    let now = SystemClock::default().now();
    let rows = CsvReader::mapped(&gate, source, now, &names).map_err(|error| broken(args, &error))?;
    let taken = if args.dry_run {
        look(rows).map_err(|error| broken(args, &error))?
    } else {
        let database = database::of(args.at.db.as_deref(), &workspace)?;
        database::alone(&database, async |store| {
            let taken = take(&store, &gate, rows).await;
            store.close().await;
            Ok(taken)
        })?
        .map_err(|error| match error {
            Broken::File(error) => broken(args, &error),
            Broken::Store(error, rows) => Failure::new(format!("{error}; {} taken before", count(rows, "row"))),
        })?
    };
    drop(progress);
    finish(args, &taken, terminal)
}

fn broken(args: &ImportArgs, error: &CsvError) -> Failure {
    Failure::new(format!("`{}` is no list of contacts: {error}", args.file.display()))
}

/// Counts what is read.
struct Counting<R> {
    source: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Why an import broke off.
enum Broken {
    File(CsvError),
    /// So many rows had been taken.
    Store(StoreError, u64),
}

/// Only reads. A contact that lacks what a new one needs may be known already: only the database can tell.
fn look<R: Read>(rows: CsvReader<'_, R>) -> Result<Taken, CsvError> {
    let mut taken = Taken::default();
    for row in rows {
        match row? {
            (line, Ok(_)) => taken.count(line),
            (line, Err(error)) => taken.refused.push((line, error.to_string())),
        }
    }
    Ok(taken)
}

async fn take<R: Read>(store: &AnyStore, gate: &Gate, rows: CsvReader<'_, R>) -> Result<Taken, Broken> {
    let mut taken = Taken::default();
    let (mut lines, mut inputs) = (Vec::new(), Vec::new());
    for row in rows {
        match row.map_err(Broken::File)? {
            (line, Ok(input)) => {
                lines.push(line);
                inputs.push(input);
            }
            (line, Err(error)) => taken.refused.push((line, error.to_string())),
        }
        if inputs.len() >= PAGE {
            hand_in(store, gate, &mut taken, &mut lines, &mut inputs).await?;
        }
    }
    hand_in(store, gate, &mut taken, &mut lines, &mut inputs).await?;
    taken.refused.sort_unstable();
    Ok(taken)
}

async fn hand_in(
    store: &AnyStore,
    gate: &Gate,
    taken: &mut Taken,
    lines: &mut Vec<u64>,
    inputs: &mut Vec<NewInput>,
) -> Result<(), Broken> {
    if inputs.is_empty() {
        return Ok(());
    }
    let now = SystemClock::default().now();
    let answers = store.accept(inputs, now).await.map_err(|error| Broken::Store(error, taken.rows))?;
    for ((line, input), answer) in lines.drain(..).zip(&*inputs).zip(answers) {
        match gate.not_taken(input, &answer) {
            Some(why) => taken.refused.push((line, why.to_string())),
            None => taken.count(line),
        }
    }
    inputs.clear();
    Ok(())
}

fn finish(args: &ImportArgs, taken: &Taken, terminal: Terminal) -> Outcome {
    if let Some(path) = &args.refused {
        let quoted = |why: &str| format!("\"{}\"", why.replace('"', "\"\""));
        let rows = taken.refused.iter().map(|(line, why)| format!("{line},{}\n", quoted(why)));
        let text: String = std::iter::once("line,reason\n".to_owned()).chain(rows).collect();
        files::replace(path, text.as_bytes()).map_err(|error| Failure::path("cannot write", path, &error))?;
    }
    let would = if args.dry_run { "would be " } else { "" };
    terminal.out(match args.at.output_format {
        Format::Json => {
            let refused = rows::json(&taken.refused);
            let json = json!({ "taken": taken.rows, "dry_run": args.dry_run, "refused": refused });
            serde_json::to_string_pretty(&json).unwrap_or_default() + "\n"
        }
        Format::Human => {
            rows::tell(&taken.refused, &args.file, "--refused FILE writes", terminal);
            let refused = if taken.refused.is_empty() {
                String::new()
            } else {
                format!(", {YELLOW}{} {would}refused{YELLOW:#}", taken.refused.len())
            };
            format!("{GREEN}{BOLD}{}{BOLD:#}{GREEN:#} {would}taken{refused}\n", count(taken.rows, "row"))
        }
    })?;
    Ok(if taken.refused.is_empty() { Exit::CLEAN } else { Exit::FINDINGS })
}

pub(super) fn export_contacts(args: &ExportArgs, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.project)?;
    let database = database::of(args.db.as_deref(), &workspace)?;
    let unknown = database::beside(&database, async |store| Ok(write(&store, args, terminal).await))??;
    for contact in &unknown {
        terminal.err(format!("{YELLOW}unknown{YELLOW:#} nobody knows the contact `{contact}`\n"));
    }
    Ok(if unknown.is_empty() { Exit::CLEAN } else { Exit::FINDINGS })
}

/// Writes the contacts; returns the names that nobody knows.
async fn write(store: &AnyStore, args: &ExportArgs, terminal: Terminal) -> Result<Vec<String>, Failure> {
    let failed = |error: StoreError| Failure::new(error.to_string());
    let mut unknown = Vec::new();
    for name in &args.contacts {
        match store.contact(name).await.map_err(failed)? {
            Some(contact) => terminal.out(told(store, &contact, args.events).await?)?,
            None => unknown.push(name.clone()),
        }
    }
    let mut after = ContactId(i64::MIN);
    while args.contacts.is_empty() {
        let page = store.contacts_after(after, PAGE).await.map_err(failed)?;
        let Some(last) = page.last() else { break };
        after = last.id;
        let mut text = String::new();
        for contact in page.iter().filter(|contact| !contact.is_erased()) {
            text.push_str(&told(store, contact, args.events).await?);
        }
        terminal.out(text)?;
    }
    Ok(unknown)
}

/// A contact's lines: what is known of it, or what happened to it; none where it turned out to be another one, which tells
/// them.
async fn told(store: &AnyStore, contact: &Contact, events: bool) -> Result<String, Failure> {
    if contact.is_merged() {
        return Ok(String::new());
    }
    if !events {
        return Ok(format!("{}\n", export(contact)));
    }
    let failed = |error: StoreError| Failure::new(error.to_string());
    let inputs = story::inputs(store, contact).await.map_err(failed)?;
    let numbers = Numbers::of(&story::trace(store, contact).await.map_err(failed)?);
    let lines = inputs.iter().filter_map(|(key, input)| line(key, input, &numbers));
    Ok(lines.map(|line| format!("{line}\n")).collect())
}
