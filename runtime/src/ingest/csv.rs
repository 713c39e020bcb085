//! Contacts from a CSV file: a header row with `id`, attributes, and `tags`.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read;

use journey_bytecode::{Instant, Type, Value};
use smol_str::SmolStr;

use super::{Gate, Refused, check_key, value};
use crate::store::NewInput;

/// Why a CSV file as a whole is refused.
#[derive(Debug, thiserror::Error)]
pub enum CsvError {
    /// Its header names what is not there.
    #[error("column {column}: {error}")]
    Header {
        /// The column, from 1.
        column: usize,
        /// What is wrong.
        error: Refused,
    },
    /// A column is named that it does not have.
    #[error("the header row has no column `{0}`")]
    NoColumn(String),
    /// It has no `id` column.
    #[error("the header row has no column `id`; the first row names the columns: `id`, attributes, `tags`, `aliases`")]
    NoId,
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] csv::Error),
}

/// What a column holds.
#[derive(Debug)]
enum Column {
    Id,
    Tags,
    Aliases,
    Attribute(SmolStr),
    LeftOut,
}

/// Reads contacts row by row.
pub struct CsvReader<'a, R> {
    gate: &'a Gate,
    columns: Vec<Column>,
    records: csv::StringRecordsIntoIter<R>,
    /// Other ids of the contact of the last row, and its line.
    aliases: VecDeque<(u64, NewInput)>,
    now: Instant,
}

impl<'a, R: Read> CsvReader<'a, R> {
    /// Reads the header. Contacts are as of `now`. An empty cell leaves an attribute as it is; tags and the values of
    /// lists stand between semicolons.
    pub fn new(gate: &'a Gate, source: R, now: Instant) -> Result<Self, CsvError> {
        Self::mapped(gate, source, now, &BTreeMap::new())
    }

    /// The same, where some columns have other names than their attributes, or none: those are left out.
    pub fn mapped(
        gate: &'a Gate,
        source: R,
        now: Instant,
        names: &BTreeMap<String, Option<String>>,
    ) -> Result<Self, CsvError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(source);
        let mut columns = Vec::new();
        let header: Vec<String> =
            reader.headers()?.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
        if let Some(missing) = names.keys().find(|name| !header.contains(name)) {
            return Err(CsvError::NoColumn(missing.clone()));
        }
        for (place, name) in header.iter().map(String::as_str).enumerate() {
            let name = match names.get(name) {
                Some(Some(meant)) => meant.as_str(),
                Some(None) => {
                    columns.push(Column::LeftOut);
                    continue;
                }
                None => name,
            };
            let column = match name {
                "id" => Ok(Column::Id),
                "tags" => Ok(Column::Tags),
                "aliases" => Ok(Column::Aliases),
                name => gate.attribute(name, |_| Ok(Value::Bool(true))).map(|_| Column::Attribute(name.into())),
            };
            let earlier = |columns: &[Column]| columns.iter().any(|known| known.name() == name);
            let column = match column {
                Ok(_) if earlier(&columns) => Err(Refused::new(format!("there are two columns `{name}`"))),
                other => other,
            };
            columns.push(column.map_err(|error| CsvError::Header { column: place + 1, error })?);
        }
        if !columns.iter().any(|column| matches!(column, Column::Id)) {
            return Err(CsvError::NoId);
        }
        Ok(Self { gate, columns, records: reader.into_records(), aliases: VecDeque::new(), now })
    }

    /// The contact of a row, and the other ids that it has.
    fn row(&self, record: &csv::StringRecord) -> Result<(NewInput, Vec<NewInput>), Refused> {
        if record.len() != self.columns.len() {
            let (cells, columns) = (record.len(), self.columns.len());
            return Err(Refused::new(format!("the row has {cells} cells, and the header {columns}")));
        }
        let zone = self.gate.linked.zone();
        let (mut id, mut attributes, mut tags) = (SmolStr::default(), Vec::new(), Vec::new());
        let mut aliases = Vec::new();
        for (column, cell) in self.columns.iter().zip(record) {
            match column {
                Column::Id => id = check_key(cell).map_err(|error| Refused::of("id", error))?,
                Column::LeftOut => {}
                Column::Attribute(_) if cell.is_empty() => {}
                Column::Attribute(name) => {
                    let read = |ty: Option<&Type>| value::read_text(ty.unwrap_or(&Type::Text), cell, zone);
                    let value = self.gate.attribute(name, read).map_err(|error| error.inside(name))?;
                    attributes.push((name.clone(), value));
                }
                Column::Tags => {
                    let known = parts(cell).map(|tag| self.gate.tag(tag)).collect::<Result<_, _>>();
                    tags = known.map_err(|error| error.inside("tags"))?;
                }
                Column::Aliases => {
                    let read = parts(cell).map(check_key).collect::<Result<_, _>>();
                    aliases = read.map_err(|error| Refused::of("aliases", error))?;
                }
            }
        }
        let aliases: Result<_, _> = aliases.into_iter().map(|alias| self.gate.alias(&id, alias, self.now)).collect();
        let aliases = aliases.map_err(|error: Refused| error.inside("aliases"))?;
        Ok((self.gate.upsert(id, attributes, tags, Vec::new(), self.now), aliases))
    }
}

/// What stands between semicolons.
fn parts(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(';').map(str::trim).filter(|part| !part.is_empty())
}

impl Column {
    fn name(&self) -> &str {
        match self {
            Self::Id => "id",
            Self::Tags => "tags",
            Self::Aliases => "aliases",
            Self::Attribute(name) => name,
            // No attribute has this name.
            Self::LeftOut => "",
        }
    }
}

impl<R: Read> Iterator for CsvReader<'_, R> {
    /// The row's line, from 1, and the contact or why it is refused; the same line once more for each of its other ids.
    type Item = Result<(u64, Result<NewInput, Refused>), CsvError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some((line, alias)) = self.aliases.pop_front() {
            return Some(Ok((line, Ok(alias))));
        }
        match self.records.next()? {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                let row = self.row(&record).map(|(contact, aliases)| {
                    self.aliases.extend(aliases.into_iter().map(|alias| (line, alias)));
                    contact
                });
                Some(Ok((line, row)))
            }
            // A row that is not text is refused; the rows after it can still be read.
            Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                let line = error.position().map_or(0, csv::Position::line);
                Some(Ok((line, Err(Refused::new("the row is not UTF-8; save the file as UTF-8")))))
            }
            Err(error) => Some(Err(error.into())),
        }
    }
}
