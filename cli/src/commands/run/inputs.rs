//! The people and events of a run: from files, or samples.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use journey_bytecode::{Instant, TriggerKind};
use journey_compiler::project::{CONTACTS, EVENTS};
use journey_runtime::core::Linked;
use journey_runtime::ingest::{CsvReader, Gate, Refused, ndjson};
use journey_runtime::sim::{DEFAULT_START, Report};
use journey_runtime::store::NewInput;
use journey_runtime::time::{DAY, rfc3339};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::terminal::{BLUE, YELLOW};
use crate::workspace::{Workspace, show};

/// Happens when time begins, whenever that is.
const AT_THE_BEGINNING: Instant = Instant::NEVER;

/// What a run is made of.
pub(super) struct Inputs {
    pub(super) contacts: Vec<NewInput>,
    pub(super) events: Vec<NewInput>,
    /// When time begins, if not with the first event.
    pub(super) start: Option<Instant>,
    /// Rows that are left out.
    pub(super) refused: Vec<RefusedRow>,
    /// What the user should know before.
    pub(super) notes: Vec<String>,
    gate: Gate,
    contact_rows: Rows,
    event_rows: Rows,
}

/// Where inputs stand: the file, the line of each, and the inputs themselves, for what is found out only when they come.
#[derive(Default)]
struct Rows {
    file: String,
    lines: Vec<u64>,
    inputs: Vec<NewInput>,
}

/// A row that is left out.
pub(super) struct RefusedRow {
    file: String,
    line: u64,
    why: String,
}

impl fmt::Display for RefusedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, why } = self;
        write!(f, "{YELLOW}refused{YELLOW:#} {file}:{line}: {why}")
    }
}

/// Reads the files that are named, else those beside the project.
pub(super) fn read(
    contacts: Option<&Path>,
    events: Option<&Path>,
    workspace: &Workspace,
    linked: &Arc<Linked>,
) -> Result<Inputs, Failure> {
    let mut inputs = Inputs {
        contacts: Vec::new(),
        events: Vec::new(),
        start: None,
        refused: Vec::new(),
        notes: Vec::new(),
        gate: Gate::new(linked.clone()),
        contact_rows: Rows::default(),
        event_rows: Rows::default(),
    };
    let beside = |name: &str| Some(workspace.root.join(name)).filter(|path| path.is_file());
    let contacts_file = contacts.map(Path::to_path_buf).or_else(|| beside(CONTACTS));
    let events_file = events.map(Path::to_path_buf).or_else(|| beside(EVENTS));
    match (contacts_file, events_file) {
        (None, None) if workspace.lone.is_some() => inputs.sample(linked)?,
        (None, None) => {
            let message = format!("`{}` has nobody to walk through it", workspace.name());
            return Err(Failure::new(message).help(
                "put people into `contacts.csv` and what happens to them into `events.ndjson` beside its \
                 `journey.toml`, or name such files with --contacts and --events",
            ));
        }
        (contacts, events) => {
            if let Some(path) = contacts {
                inputs.contacts_from(&path)?;
            }
            if let Some(path) = events {
                inputs.events_from(&path)?;
            }
        }
    }
    Ok(inputs)
}

impl Inputs {
    fn contacts_from(&mut self, path: &Path) -> Result<(), Failure> {
        let file = name(path);
        let bytes = bytes(path)?;
        let broken = |error| Failure::new(format!("`{file}` is no list of contacts: {error}"));
        let rows = CsvReader::new(&self.gate, bytes.as_slice(), AT_THE_BEGINNING).map_err(broken)?;
        for row in rows {
            let (line, row) = row.map_err(broken)?;
            match row {
                Ok(input) => {
                    self.contact_rows.lines.push(line);
                    self.contacts.push(input);
                }
                Err(error) => self.refused.push(RefusedRow { file: file.clone(), line, why: error.to_string() }),
            }
        }
        self.contact_rows = Rows { file, inputs: self.contacts.clone(), ..std::mem::take(&mut self.contact_rows) };
        Ok(())
    }

    fn events_from(&mut self, path: &Path) -> Result<(), Failure> {
        let file = name(path);
        for (line, row) in ndjson(&bytes(path)?) {
            match row.and_then(|json| self.gate.event(&json, AT_THE_BEGINNING)) {
                Ok(input) => {
                    self.event_rows.lines.push(line);
                    self.events.push(input);
                }
                Err(error) => self.refused.push(RefusedRow { file: file.clone(), line, why: error.to_string() }),
            }
        }
        self.event_rows = Rows { file, inputs: self.events.clone(), ..std::mem::take(&mut self.event_rows) };
        Ok(())
    }

    /// Three people, and what the journeys wait for. The first one reads what she gets, on the next day.
    fn sample(&mut self, linked: &Linked) -> Result<(), Failure> {
        const PEOPLE: [(&str, &str, &str); 3] =
            [("ada", "Ada", "Europe/Berlin"), ("ben", "Ben", "America/New_York"), ("cho", "Cho", "Asia/Seoul")];
        let wrong = |error: Refused| {
            let message =
                format!("there is no `contacts.csv`, and the sample contacts do not fit this journey: {error}");
            Failure::new(message).help("name a file of contacts with --contacts")
        };
        let schema = &linked.bundle().schema;
        let known = |attribute: &str| schema.open || schema.attribute(attribute).is_some();
        for (id, first_name, zone) in PEOPLE {
            let attributes =
                [("email", format!("{id}@example.com")), ("first_name", first_name.into()), ("timezone", zone.into())];
            let attributes: serde_json::Map<String, Value> =
                attributes.into_iter().filter(|(name, _)| known(name)).map(|(n, v)| (n.to_owned(), v.into())).collect();
            let contact = json!({ "id": id, "attributes": attributes });
            self.contacts.push(self.gate.contact(&contact, AT_THE_BEGINNING).map_err(wrong)?);
        }
        let mut happenings = Vec::new();
        for trigger in linked.bundle().programs.iter().flat_map(|program| &program.triggers) {
            match &trigger.kind {
                TriggerKind::Tag(tag) => happenings.push(("tag", tag)),
                TriggerKind::Event(event) => happenings.push(("event", event)),
                _ => {}
            }
        }
        happenings.sort();
        happenings.dedup();
        for (kind, name) in &happenings {
            for (id, ..) in PEOPLE {
                let event = json!({ "contact": id, *kind: name.as_str() });
                self.events.push(self.gate.event(&event, AT_THE_BEGINNING).map_err(wrong)?);
            }
        }
        let next_day = rfc3339(Instant(DEFAULT_START.0 + DAY));
        let sends = linked.bundle().programs.iter().flat_map(|program| &program.sends);
        let mut read: BTreeSet<&str> = sends.flat_map(|send| &send.choices).map(|(_, name)| name.as_str()).collect();
        // For journeys that ask whether anything was opened.
        read.insert("newsletter");
        for message in read {
            let event = json!({ "contact": "ada", "opened": message, "at": next_day });
            self.events.push(self.gate.event(&event, AT_THE_BEGINNING).map_err(wrong)?);
        }
        self.start = Some(DEFAULT_START);

        let get = happenings.iter().map(|(kind, name)| format!("the {kind} `{name}`")).collect::<Vec<_>>();
        let get = if get.is_empty() { String::new() } else { format!(" all get {};", get.join(" and ")) };
        self.notes.push(format!(
            "{BLUE}note{BLUE:#}: there is neither `contacts.csv` nor `events.ndjson` here, so it runs with three sample \
             contacts:{get} ada opens her messages a day later"
        ));
        Ok(())
    }

    /// Adds what was refused while it ran.
    pub(super) fn refuse(&mut self, report: &Report) {
        for (rows, refused) in
            [(&self.contact_rows, &report.refused_contacts), (&self.event_rows, &report.refused_events)]
        {
            for (place, acceptance) in refused {
                let (Some(line), Some(input)) = (rows.lines.get(*place), rows.inputs.get(*place)) else { continue };
                let Some(why) = self.gate.not_taken(input, acceptance) else { continue };
                self.refused.push(RefusedRow { file: rows.file.clone(), line: *line, why: why.to_string() });
            }
        }
        self.refused.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::path("cannot read", path, &error))
}

fn name(path: &Path) -> String {
    show(&path.canonicalize().unwrap_or_else(|_| PathBuf::from(path)))
}
