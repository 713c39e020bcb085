//! `journey simulate --replay EVENTS --against REV`: recorded inputs through two versions of a project.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use journey_bytecode::{Bundle, Codes, Instant, Span};
use journey_runtime::core::Linked;
use journey_runtime::core::input::{InputKind, MessageName};
use journey_runtime::ingest::{Gate, Part, Refused as Refusal, ndjson, parts, without};
use journey_runtime::send::Transport;
use journey_runtime::sim::{Comparison, DEFAULT_START, Report, Scenario, Until};
use journey_runtime::store::{Acceptance, NewInput, Whose};
use journey_runtime::voucher::Pool;

use super::super::rows::{self, Refused};
use super::super::{Exit, Outcome, compiled, run};
use super::{Args, Format, Nowhere, told};
use crate::discover;
use crate::failure::Failure;
use crate::git::Repository;
use crate::revision::Place;
use crate::terminal::Terminal;
use crate::workspace::{Workspace, show};

/// How many days are waited after the last input for what is still to come.
const DAYS: u32 = 30;

/// Happens when time begins, whenever that is.
const AT_THE_BEGINNING: Instant = Instant::NEVER;

/// What both versions make of the same inputs.
pub(super) struct Replayed {
    /// The file of inputs.
    pub(super) file: String,
    /// How many lines were taken by a version.
    pub(super) lines: usize,
    /// The project in the revision, and as it is now.
    pub(super) versions: [Version; 2],
    /// What came of them.
    pub(super) reports: [Report; 2],
    /// Who receives something else.
    pub(super) comparison: Comparison,
    /// Lines that neither version takes.
    pub(super) refused: Vec<Refused>,
}

/// One of the versions.
pub(super) struct Version {
    /// The revision, or `now`.
    pub(super) name: String,
    pub(super) linked: Arc<Linked>,
    gate: Gate,
    inputs: Vec<NewInput>,
    /// Where each input stands.
    lines: Vec<u64>,
    /// What it left out, in words: of how many lines, and of which first.
    pub(super) notes: BTreeMap<String, (u64, u64)>,
}

impl Version {
    fn of(name: &str, bundle: &Bundle) -> Result<Self, Failure> {
        let linked = Linked::new(bundle.clone(), []).map_err(|error| Failure::new(error.to_string()))?;
        let linked = Arc::new(linked);
        let gate = Gate::new(Arc::clone(&linked));
        let (inputs, lines, notes) = (Vec::new(), Vec::new(), BTreeMap::new());
        Ok(Self { name: name.to_owned(), linked, gate, inputs, lines, notes })
    }

    fn note(&mut self, line: u64, what: String) {
        let (lines, first) = self.notes.entry(what).or_insert((0, line));
        (*lines, *first) = (*lines + 1, line.min(*first));
    }

    fn take(&mut self, line: u64, input: NewInput) {
        self.lines.push(line);
        self.inputs.push(input);
    }

    /// Runs what it took, with the messages and vouchers of its files.
    fn run(&self, workspace: &Workspace, start: Instant, until: Until) -> Result<Report, Failure> {
        let bundle = self.linked.bundle();
        let outlet = run::outlet(workspace, bundle, &(Arc::new(Nowhere) as Arc<dyn Transport>))?;
        let scenario = Scenario {
            events: self.inputs.clone(),
            start: Some(start),
            until: Some(until),
            tells_who: true,
            ..Scenario::default()
        };
        run::simulate(&self.linked, &outlet, &codes(workspace, bundle), scenario)
    }

    /// Why the store refused one of its inputs: the line and the reason.
    fn refused(&self, (place, why): &(usize, Acceptance)) -> Option<(u64, Refusal)> {
        let (line, input) = (self.lines.get(*place)?, self.inputs.get(*place)?);
        Some((*line, self.gate.not_taken(input, why)?))
    }

    /// Notes what people did with messages that they had not got in this version.
    fn note_reactions(&mut self, report: &Report) {
        let mut first: HashMap<(&str, &str), Instant> = HashMap::new();
        for received in &report.received {
            let known = first.entry((&received.contact, &received.message)).or_insert(received.at);
            *known = received.at.min(*known);
        }
        let mut lines = Vec::new();
        for (line, input) in self.lines.iter().zip(&self.inputs) {
            let (Whose::Key(contact), InputKind::Message { message: MessageName::Newest(name), .. }) =
                (&input.contact, &input.kind)
            else {
                continue;
            };
            if first.get(&(contact.as_str(), name.as_str())).is_none_or(|first| *first > input.at) {
                lines.push(*line);
            }
        }
        for line in lines {
            self.note(line, "the contact had not received that message".to_owned());
        }
    }
}

/// The codes of vouchers that stand in files of this version.
fn codes(workspace: &Workspace, bundle: &Bundle) -> Vec<Pool> {
    let files = &workspace.snapshot.project().files;
    let pools = bundle.schema.vouchers.iter().filter_map(|voucher| {
        let Codes::File(path) = &voucher.codes else { return None };
        let file = files.iter().find(|file| file.path == path.as_str())?;
        let text = String::from_utf8_lossy(&file.bytes).into_owned();
        Some((voucher.name.clone(), Codes::listed(&text).map(|(_, code)| code.into()).collect()))
    });
    pools.collect()
}

pub(super) fn run(args: &Args, events: &Path, revision: &str, terminal: Terminal) -> Outcome {
    let workspace = discover::find_one(&args.path)?;
    let place = Place::of(workspace.place())?;
    let before = place.at(&Repository::around(&place.directory)?, revision)?;
    if before.files.is_empty() {
        return Err(Failure::new(format!("there was no `{}` in `{revision}` yet", workspace.name()))
            .help("name a revision in which the project is there"));
    }
    let before = workspace.with(before);
    let Some(after_bundle) = compiled(&workspace, terminal) else { return Ok(Exit::FINDINGS) };
    let Some(before_bundle) = before.compilation().bundle.as_ref() else {
        terminal.err(format!("nothing can be replayed through `{revision}`: as it was then, the project has errors\n"));
        compiled(&before, terminal);
        return Ok(Exit::FINDINGS);
    };
    let mut versions = [Version::of(revision, before_bundle)?, Version::of("now", after_bundle)?];
    let mut refused = read(events, &mut versions)?;

    let moments = versions.iter().flat_map(|version| &version.inputs).map(|input| input.at);
    let moments: Vec<Instant> = moments.filter(|at| *at != AT_THE_BEGINNING).collect();
    let start = moments.iter().min().copied().unwrap_or(DEFAULT_START);
    let last = moments.iter().max().copied().unwrap_or(start);
    let days = i32::try_from(args.days.unwrap_or(DAYS)).unwrap_or(i32::MAX);
    let [was, is] = &mut versions;
    let until = Until::Moment(is.linked.zone().add(last, Span { days, ..Span::default() }));
    let progress = terminal.progress("replaying");
    let reports = [was.run(&before, start, until)?, is.run(&workspace, start, until)?];
    drop(progress);
    let [before, after] = &reports;

    // Who is unknown to both is a mistake of the file.
    let refusals = |version: &Version, report: &Report| -> BTreeMap<u64, Refusal> {
        report.refused_events.iter().filter_map(|refused| version.refused(refused)).collect()
    };
    let (by_was, by_is) = (refusals(was, before), refusals(is, after));
    let taken = |version: &Version, line: &u64| version.lines.binary_search(line).is_ok();
    for (line, why) in &by_is {
        if by_was.contains_key(line) || !taken(was, line) {
            refused.push((*line, why.to_string()));
        } else {
            is.note(*line, why.to_string());
        }
    }
    for (line, why) in by_was.iter().filter(|(line, _)| !by_is.contains_key(line)) {
        if taken(is, line) {
            was.note(*line, why.to_string());
        } else {
            refused.push((*line, why.to_string()));
        }
    }
    was.note_reactions(before);
    is.note_reactions(after);
    refused.sort_unstable();
    let mut lines: Vec<u64> = versions.iter().flat_map(|version| &version.lines).copied().collect();
    lines.sort_unstable();
    lines.dedup();
    lines.retain(|line| refused.binary_search_by_key(line, |(refused, _)| *refused).is_err());
    let comparison = Comparison::of(&before.received, &after.received);
    let file = show(&events.canonicalize().unwrap_or_else(|_| events.to_path_buf()));
    let replayed = Replayed { file, lines: lines.len(), versions, reports, comparison, refused };
    rows::tell(&replayed.refused, events, "--output-format json tells", terminal);
    terminal.out(match args.output_format {
        Format::Human => {
            terminal.err(told::notes(&replayed));
            told::human(&replayed, terminal)
        }
        Format::Json => told::json(&replayed),
    })?;
    Ok(if replayed.refused.is_empty() { Exit::CLEAN } else { Exit::FINDINGS })
}

/// Reads the file for both versions; returns the lines that neither takes.
fn read(events: &Path, versions: &mut [Version; 2]) -> Result<Vec<Refused>, Failure> {
    let bytes = fs::read(events).map_err(|error| Failure::path("cannot read", events, &error))?;
    let mut refused = Vec::new();
    let mut lines = 0;
    for (line, json) in ndjson(&bytes) {
        lines += 1;
        let json = match json {
            Ok(json) => json,
            Err(why) => {
                refused.push((line, why.to_string()));
                continue;
            }
        };
        let [was, is] = &mut *versions;
        let parts = parts(&json);
        // What only the other version knows is left out; what neither knows is a mistake of the line.
        let read = |version: &Version, other: &Version| {
            let mut json = json.clone();
            let foreign = |part: &&Part| !version.gate.knows(part) && other.gate.knows(part);
            let foreign: Vec<_> = parts.iter().filter(foreign).collect();
            foreign.iter().for_each(|part| without(&mut json, part));
            let unknown: Vec<String> = foreign.iter().map(|part| format!("{part} is not known")).collect();
            (version.gate.recorded(&json, AT_THE_BEGINNING), unknown)
        };
        let (by_was, by_is) = (read(was, is), read(is, was));
        if let (Err(_), Err(why)) = (&by_was.0, &by_is.0) {
            refused.push((line, why.to_string()));
            continue;
        }
        for (version, (input, unknown)) in [(was, by_was), (is, by_is)] {
            unknown.into_iter().for_each(|unknown| version.note(line, unknown));
            match input {
                Ok(input) => version.take(line, input),
                Err(why) => version.note(line, why.to_string()),
            }
        }
    }
    if lines == 0 {
        return Err(Failure::new(format!("`{}` holds nothing to replay", events.display()))
            .help("`journey export --events` writes what a database was told, one JSON object a line"));
    }
    Ok(refused)
}
