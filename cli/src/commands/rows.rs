//! Files with rows that are taken or refused one by one.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::{Value, json};

use crate::checked::count;
use crate::failure::Failure;
use crate::terminal::{Terminal, YELLOW};

/// How many refused rows are shown.
const SHOWN: usize = 20;

/// The line of a refused row, and why.
pub(super) type Refused = (u64, String);

/// Opens a file, or stdin for `-`; with its size, where it has one.
pub(super) fn open(path: &Path) -> Result<(Box<dyn Read>, Option<u64>), Failure> {
    if path.as_os_str() == "-" {
        return Ok((Box::new(io::stdin()), None));
    }
    let cannot = |error| Failure::path("cannot read", path, &error);
    let file = File::open(path).map_err(cannot)?;
    let size = file.metadata().map_err(cannot)?.len();
    Ok((Box::new(file), Some(size)))
}

/// Says which rows of a file were refused; `all` says where the rest of them stands, if there are many.
pub(super) fn tell(refused: &[Refused], file: &Path, all: &str, terminal: Terminal) {
    for (line, why) in refused.iter().take(SHOWN) {
        terminal.err(format!("{YELLOW}refused{YELLOW:#} {}:{line}: {why}\n", file.display()));
    }
    if let Some(more) = refused.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        terminal.err(format!("and {} more; {all} all of them\n", count(more, "row")));
    }
}

/// The same for programs.
pub(super) fn json(refused: &[Refused]) -> Vec<Value> {
    refused.iter().map(|(line, why)| json!({ "line": line, "reason": why })).collect()
}
