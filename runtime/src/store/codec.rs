//! How contacts, inputs and messages are written as bytes: one byte with the format's number, then postcard.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The format written now. A reader of every earlier format stays.
const FORMAT: u8 = 1;

/// A value's bytes.
pub(super) fn bytes<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    bytes.push(FORMAT);
    // Writing to memory cannot fail; if it ever did, the empty content would be reported as damaged when read.
    let _ = postcard::to_io(value, &mut bytes);
    bytes
}

/// Reads a value.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match bytes.split_first() {
        Some((&FORMAT, content)) => postcard::from_bytes(content).map_err(|error| error.to_string()),
        Some((format, _)) => Err(format!("its format is {format}, and this version of journey knows {FORMAT}")),
        None => Err("it is empty".into()),
    }
}
