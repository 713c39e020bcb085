//! Addresses from a list: a CSV file with or without a header, or one address a line.

use std::io::Read;

use journey_bytecode::{Channel, Type, Value};
use smol_str::SmolStr;

use super::value;
use crate::time::Zone;

/// Columns that are taken for addresses where none is named, by channel.
const COLUMNS: [(Channel, &[&str]); 2] = [
    (Channel::Email, &["email", "e-mail", "email address", "email_address", "address"]),
    (Channel::Sms, &["phone", "mobile", "phone number", "phone_number", "number"]),
];

/// Why a list as a whole is refused.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Nobody knows which column.
    #[error("no column holds the addresses: the first row is {0}; name the column with --column")]
    NoColumn(String),
    /// There is no such column.
    #[error("the first row has no column `{0}`; it is {1}")]
    Unknown(String, String),
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] csv::Error),
}

/// Reads addresses row by row.
pub struct AddressReader<R> {
    channel: Channel,
    column: usize,
    /// The first row, where it is no header.
    first: Option<csv::StringRecord>,
    records: csv::StringRecordsIntoIter<R>,
}

impl<R: Read> AddressReader<R> {
    /// Reads the first row: a header, in which the column has this name or one that such columns have; or an address.
    pub fn new(source: R, channel: Channel, column: Option<&str>) -> Result<Self, ListError> {
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).has_headers(false).from_reader(source);
        let mut first = csv::StringRecord::new();
        if !reader.read_record(&mut first)? {
            return Ok(Self { channel, column: 0, first: None, records: reader.into_records() });
        }
        let names: Vec<String> = first.iter().map(|name| name.trim_start_matches('\u{feff}').to_lowercase()).collect();
        let shown = || first.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let usual = COLUMNS.iter().find(|(of, _)| *of == channel).map_or(&[][..], |(_, names)| names);
        let place = match column {
            Some(column) => {
                let wanted = column.to_lowercase();
                let place = names.iter().position(|name| *name == wanted);
                Some(place.ok_or_else(|| ListError::Unknown(column.to_owned(), shown()))?)
            }
            None => names.iter().position(|name| usual.contains(&name.as_str())),
        };
        let (column, first) = match place {
            Some(place) => (place, None),
            None => match names.iter().position(|cell| read(channel, cell).is_ok()) {
                Some(place) => (place, Some(first)),
                None => return Err(ListError::NoColumn(shown())),
            },
        };
        Ok(Self { channel, column, first, records: reader.into_records() })
    }

    fn row(&self, record: &csv::StringRecord) -> (u64, Result<SmolStr, String>) {
        let line = record.position().map_or(1, csv::Position::line);
        let cell = record.get(self.column).unwrap_or_default().trim_start_matches('\u{feff}');
        (line, read(self.channel, cell))
    }
}

/// An address of the channel.
fn read(channel: Channel, cell: &str) -> Result<SmolStr, String> {
    let ty = match channel {
        Channel::Email => Type::Email,
        Channel::Sms | Channel::WhatsApp => Type::Phone,
        Channel::Push | Channel::Webhook => Type::Text,
    };
    match value::read_text(&ty, cell, Zone::UTC) {
        Ok(Value::Text(address)) if !address.is_empty() => Ok(address),
        Ok(_) => Err("the row has no address".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

impl<R: Read> Iterator for AddressReader<R> {
    /// The row's line, from 1, and the address or why it is refused.
    type Item = Result<(u64, Result<SmolStr, String>), ListError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(first) = self.first.take() {
            return Some(Ok(self.row(&first)));
        }
        match self.records.next()? {
            Ok(record) => Some(Ok(self.row(&record))),
            // A row that is not text is refused; the rows after it can still be read.
            Err(error) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                let line = error.position().map_or(0, csv::Position::line);
                Some(Ok((line, Err("the row is not UTF-8; save the file as UTF-8".to_owned()))))
            }
            Err(error) => Some(Err(error.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The addresses, and the lines of those refused.
    fn listed(text: &str, channel: Channel, column: Option<&str>) -> Result<(Vec<SmolStr>, Vec<u64>), String> {
        let rows = AddressReader::new(text.as_bytes(), channel, column).map_err(|error| error.to_string())?;
        let (mut addresses, mut refused) = (Vec::new(), Vec::new());
        for row in rows {
            match row.map_err(|error| error.to_string())? {
                (_, Ok(address)) => addresses.push(address),
                (line, Err(_)) => refused.push(line),
            }
        }
        Ok((addresses, refused))
    }

    #[test]
    fn lists_come_with_and_without_a_header() {
        let two = |refused: Vec<u64>| Ok((vec!["a@x.example".into(), "b@x.example".into()], refused));
        let email = |text, column| listed(text, Channel::Email, column);
        assert_eq!(email("a@x.example\nb@x.example\n", None), two(vec![]));
        assert_eq!(email("\u{feff}Email,Name\na@x.example,A\nnobody,B\nb@x.example,\n", None), two(vec![3]));
        assert_eq!(email("name,a,b\nx,a@x.example,\ny,b@x.example,z@x.example\n", Some("A")), two(vec![]));
        assert_eq!(email("7,a@x.example\n8,b@x.example\n9\n", None), two(vec![3]));
        assert_eq!(email("", None), Ok((vec![], vec![])));
        let texts = listed("mobile\n+49 151 1234567\n0151\n", Channel::Sms, None);
        assert_eq!(texts, Ok((vec!["+491511234567".into()], vec![3])));
    }

    #[test]
    fn a_list_says_which_column_it_lacks() {
        let error = |text, column| listed(text, Channel::Email, column).unwrap_err();
        assert_eq!(
            error("name,who\nA,a@x.example\n", None),
            "no column holds the addresses: the first row is `name`, `who`; name the column with --column"
        );
        assert_eq!(error("name,who\n", Some("mail")), "the first row has no column `mail`; it is `name`, `who`");
    }
}
