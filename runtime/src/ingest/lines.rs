//! JSON, one value a line.

use serde_json::Value as Json;

use super::Refused;

/// The values of newline-delimited JSON with their lines, from 1; empty lines are passed over.
pub fn ndjson(bytes: &[u8]) -> impl Iterator<Item = (u64, Result<Json, Refused>)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    (1..).zip(lines).filter(|(_, line)| !line.is_empty()).map(|(number, line)| (number, json(line)))
}

/// Reads one JSON value.
pub fn json(bytes: &[u8]) -> Result<Json, Refused> {
    serde_json::from_slice(bytes).map_err(|error| {
        // The position within a text of one line is its column.
        Refused::new(format!("it is not JSON: {error}").replace(" at line 1 column", " at column"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted() {
        let seen: Vec<_> = ndjson(b"\xef\xbb\xbf{\"a\":1}\r\n\n  \n[2\n\"\xff\"\n3").collect();
        let numbers: Vec<_> = seen.iter().map(|(number, json)| (*number, json.is_ok())).collect();
        assert_eq!(numbers, [(1, true), (4, false), (5, false), (6, true)]);
        let error = seen[1].1.clone().unwrap_err().to_string();
        assert_eq!(error, "it is not JSON: EOF while parsing a list at column 2");
        assert_eq!(ndjson(b"").count(), 0);
    }
}
