//! Findings as text: for people, for editors and `grep`, for programs, for the places where teams review.

mod concise;
pub(crate) mod diff;
mod github;
mod gitlab;
mod human;
mod json;
mod junit;
mod plain;
mod sarif;
mod statistics;
mod suggestion;

use std::path::PathBuf;

use clap::ValueEnum;
use journey_compiler::diagnostic::Severity;

use crate::checked::{Checked, Finding, count, findings, level, place};
use crate::terminal::Terminal;

pub(crate) use statistics::statistics;

/// How findings are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum Format {
    /// With the source, the reason and what to do
    #[default]
    Human,
    /// One line a finding: PATH:LINE:COLUMN: LEVEL[CODE NAME]: MESSAGE
    Concise,
    /// One JSON document
    Json,
    /// One JSON object a line and finding
    Jsonl,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// The code quality report of GitLab
    Gitlab,
    /// JUnit's XML: a failed test for each finding of --fail-level, a skipped one for the others
    Junit,
}

/// `--output-format FORMAT[=FILE]`
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Output {
    pub(crate) format: Format,
    /// stdout without.
    pub(crate) file: Option<PathBuf>,
}

impl Output {
    /// Reads `FORMAT` or `FORMAT=FILE`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (format, file) = text.split_once('=').map_or((text, None), |(format, file)| (format, Some(file)));
        let format = Format::from_str(format, false).map_err(|_| {
            let names: Vec<_> = Format::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect();
            let names: Vec<_> = names.iter().map(clap::builder::PossibleValue::get_name).collect();
            format!("there is no format `{format}`; there are {}", names.join(", "))
        })?;
        match file {
            Some("") => Err("the name of a file is missing behind `=`".to_owned()),
            file => Ok(Self { format, file: file.map(PathBuf::from) }),
        }
    }
}

/// The report on these projects. `fail` is the mildest level that counts as a failure.
pub(crate) fn render(format: Format, checked: &[Checked], fail: Severity, terminal: Terminal) -> String {
    match format {
        Format::Human => human::render(checked, terminal),
        Format::Concise => concise::render(checked),
        Format::Json => json::render(checked),
        Format::Jsonl => json::lines(checked),
        Format::Sarif => sarif::render(checked),
        Format::Github => github::render(checked),
        Format::Gitlab => gitlab::render(checked),
        Format::Junit => junit::render(checked, fail),
    }
}

/// A path as part of a URI.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

#[cfg(test)]
mod tests;
