//! `journey why`

use std::fmt::Write as _;

use journey_bytecode::Bundle;
use journey_runtime::core::Linked;
use journey_runtime::explain::{Explanation, JourneyExplanation, Known, Line, Place, RunExplanation, explain};
use journey_runtime::store::{AnyStore, Database, Store, StoreError};
use journey_runtime::story;

use super::at::{At, Format};
use super::{Exit, Outcome, compiled};
use crate::checked::count;
use crate::database;
use crate::discover;
use crate::failure::Failure;
use crate::terminal::{BOLD, FAINT, GREEN, Terminal, YELLOW};
use crate::workspace::{Workspace, show};

const EXAMPLES: &str = "\
The database is read beside a server that may be running on it.

Examples:
  journey why ada                   what all journeys did with the contact `ada`
  journey why ada welcome           and what this one did
  journey why ada --project shop --output-format json

Exit codes: 0 it is told, 1 the project has errors or does not have the journey, 2 the
command could not do its work, as when nobody knows the contact.";

/// Say what journeys did with a contact, why, and what it waits for
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The contact, by the id that your systems gave it
    contact: String,

    /// Only this journey
    journey: Option<String>,

    #[command(flatten)]
    at: At,
}

pub(super) fn run(args: &Args, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.at.project)?;
    let Some(bundle) = compiled(&workspace, terminal) else { return Ok(Exit::FINDINGS) };
    let database = database::of(args.at.db.as_deref(), &workspace)?;
    let found = database::beside(&database, async |store| look(&store, bundle, args).await)?;
    let Some(told) = found? else { return Err(unknown(&args.contact, &database)) };
    if let Some(journey) = args.journey.as_ref().filter(|_| told.journeys.is_empty()) {
        let names: Vec<_> = bundle.programs.iter().map(|program| format!("`{}`", program.name)).collect();
        terminal.err(format!("{YELLOW}there is no journey `{journey}`{YELLOW:#}; there is {}\n", names.join(", ")));
        return Ok(Exit::FINDINGS);
    }
    terminal.out(match args.at.output_format {
        Format::Human => human(&told, &workspace),
        Format::Json => serde_json::to_string_pretty(&told).unwrap_or_default() + "\n",
    })?;
    Ok(Exit::CLEAN)
}

fn unknown(contact: &str, database: &Database) -> Failure {
    let help = "the id is the one that your systems sent, as `id` of a contact or `contact` of an event";
    Failure::new(format!("{} has no contact `{contact}`", database::name(database))).help(help)
}

type Looked = Result<Option<Explanation>, Failure>;

async fn look(store: &AnyStore, bundle: &Bundle, args: &Args) -> Result<Looked, StoreError> {
    let Some(contact) = store.contact(&args.contact).await? else { return Ok(Ok(None)) };
    let older: Vec<Bundle> = store.programs().await?.into_iter().map(Bundle::from).collect();
    let linked = match Linked::new(bundle.clone(), &older) {
        Ok(linked) => linked,
        Err(error) => return Ok(Err(Failure::new(error.to_string()))),
    };
    let (trace, deliveries) = (story::trace(store, &contact).await?, story::deliveries(store, &contact).await?);
    let known = Known { contact: &contact, trace: &trace, deliveries: &deliveries };
    Ok(Ok(Some(explain(&linked, &known, args.journey.as_deref()))))
}

fn human(told: &Explanation, workspace: &Workspace) -> String {
    let mut out = String::new();
    // Writing to memory does not fail.
    let _ = writeln!(out, "{BOLD}{}{BOLD:#}, times of {}", told.contact, told.zone);
    let attributes: Vec<_> = told.attributes.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let tags: Vec<_> = told.tags.iter().map(|tag| tag.as_str()).collect();
    for (what, values) in [("attributes", attributes.join(", ")), ("tags", tags.join(", "))] {
        if !values.is_empty() {
            let _ = writeln!(out, "  {FAINT}{what:<12}{FAINT:#}  {values}");
        }
    }
    if !told.unsubscribed.is_empty() {
        let topics: Vec<_> = told.unsubscribed.iter().map(|topic| topic.as_str()).collect();
        let _ = writeln!(out, "  {YELLOW}unsubscribed{YELLOW:#}  {}", topics.join(", "));
    }
    for alias in &told.aliases {
        let _ = writeln!(out, "  {FAINT}alias{FAINT:#}         {}, since {}", alias.id, alias.since);
    }
    if let Some(why) = &told.suppressed {
        let _ = writeln!(out, "  {YELLOW}suppressed{YELLOW:#}    {why}");
    }
    for journey in &told.journeys {
        out.push('\n');
        out.push_str(&self::journey(journey, workspace));
    }
    out
}

fn journey(told: &JourneyExplanation, workspace: &Workspace) -> String {
    let mut out = format!("{BOLD}{}{BOLD:#}", told.journey);
    if !told.file.is_empty() {
        let _ = write!(out, "  {FAINT}{}{FAINT:#}", show(&workspace.root.join(told.file.as_str())));
    }
    out.push('\n');
    for run in &told.runs {
        out.push_str(&self::run_of(run));
    }
    if !told.refused.is_empty() {
        let _ = writeln!(out, "  {YELLOW}not entered{YELLOW:#}, {}", count(told.refused.len(), "time"));
        told.refused.iter().for_each(|refused| line(&mut out, refused, None));
    }
    if told.runs.is_empty() && told.refused.is_empty() {
        let begins = if told.begins.is_empty() { "nothing".to_owned() } else { told.begins.join(", or ") };
        let _ = writeln!(
            out,
            "  {YELLOW}never entered{YELLOW:#}: it begins by {begins}; that did not happen to this contact"
        );
    }
    out
}

fn run_of(run: &RunExplanation) -> String {
    let mut out = String::new();
    let version = if run.current { String::new() } else { format!(", on the older version {}", run.version) };
    let state = if run.waits.is_some() { format!("{GREEN}under way{GREEN:#}") } else { "over".to_owned() };
    let _ = writeln!(out, "  run {}, {state}{version}", run.run + 1);
    let mut last = None;
    for told in &run.lines {
        line(&mut out, told, last);
        last = told.place.as_ref();
    }
    if let Some(waits) = &run.waits {
        let place = waits.place.as_ref().map(|place| format!(" at {}", at(place))).unwrap_or_default();
        let until = waits.until.as_ref().map_or_else(
            || "; only what happens moves it".to_owned(),
            |until| format!(", until {until} at the latest"),
        );
        let _ = writeln!(out, "    {GREEN}now{GREEN:#} it {}{place}{until}", waits.what);
    }
    out
}

/// One line; the statement is named where it is another one than before.
fn line(out: &mut String, told: &Line, last: Option<&Place>) {
    let place = told.place.as_ref();
    let _ = write!(out, "    {FAINT}{}{FAINT:#}  ", told.at);
    if let Some(place) = place.filter(|_| place != last) {
        let _ = write!(out, "{}  ", at(place));
    }
    let saw: Vec<_> = told.saw.iter().map(|seen| format!("{} = {}", seen.fact, seen.value)).collect();
    let _ = write!(out, "{}", told.what);
    if !saw.is_empty() {
        let _ = write!(out, " {FAINT}({}){FAINT:#}", saw.join(", "));
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
}

fn at(place: &Place) -> String {
    format!("{}:{} `{}`", place.file, place.line, place.statement)
}
