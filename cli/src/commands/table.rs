//! What a run came to, as a table. The same report gives the same bytes.

use std::collections::BTreeMap;
use std::fmt::Write;

use comfy_table::{CellAlignment, ContentArrangement, ContentLineStyle, LineStyle, Table, TableStyle};
use journey_bytecode::Instant;
use journey_runtime::core::Linked;
use journey_runtime::sim::{JourneyReport, MessageReport, Report, SplitReport, Zones};
use journey_runtime::trial::Verdict;

use crate::checked::count;
use crate::terminal::{BOLD, FAINT, GREEN, Terminal, YELLOW};

/// Cells break their text to keep to this width.
const WIDTH: u16 = 100;

/// What there is to tell beside the report.
pub(super) struct Around<'a> {
    /// Where the messages are.
    pub(super) outbox: &'a str,
    /// How many there are.
    pub(super) written: usize,
    /// How many rows of the input files were left out.
    pub(super) refused: usize,
}

/// What became of contacts: how many there were and when, each journey's steps, each message.
pub(super) fn came_to(report: &Report, linked: &Linked, terminal: Terminal) -> String {
    let mut out = String::new();
    let zone = linked.zone();
    let minute = |at: Instant| zone.show(at).chars().take("2026-03-02 10:00".len()).collect::<String>();
    // Writing to memory does not fail.
    let _ = writeln!(
        out,
        "{BOLD}{}{BOLD:#} from {} to {} ({}), on a virtual clock\n",
        count(report.contacts as usize, "contact"),
        minute(report.start),
        minute(report.end),
        zone.name(),
    );
    for journey in &report.journeys {
        out.push_str(&steps(journey, terminal));
        let _ = writeln!(out, "{}\n", outcome(journey));
        if !journey.splits.is_empty() {
            out.push_str(&splits(&journey.splits, &minute, terminal));
            out.push('\n');
        }
    }
    if !report.messages.is_empty() {
        out.push_str(&messages(&report.messages, terminal));
        out.push('\n');
    }
    out
}

pub(super) fn render(report: &Report, linked: &Linked, around: &Around<'_>, terminal: Terminal) -> String {
    let mut out = came_to(report, linked, terminal);
    // Writing to memory does not fail.
    let Around { outbox, written, refused } = around;
    let _ = writeln!(out, "{GREEN}{}{GREEN:#} written to {outbox}", count(*written, "message"));
    if let Some(note) = zones(report.zones, linked.zone().name()) {
        let _ = writeln!(out, "{YELLOW}{note}{YELLOW:#}");
    }
    if *refused > 0 {
        let _ = writeln!(out, "{YELLOW}{} of the input files refused{YELLOW:#}", count(*refused, "row"));
    }
    out
}

/// Each step: how many runs came, went on, left from it, wait there now.
fn steps(journey: &JourneyReport, terminal: Terminal) -> String {
    let header =
        [format!("journey {}", journey.journey), "came".into(), "went on".into(), "left".into(), "wait".into()];
    let rows = journey.steps.iter().map(|step| {
        let label = format!("{}{}", "  ".repeat(usize::from(step.depth)), step.label);
        let mut row = vec![label];
        row.extend([step.came, step.went, step.left, step.waiting].map(number));
        row
    });
    table(&header, rows.collect(), &[1, 2, 3, 4], terminal)
}

/// Each side of the splits that measure something: how many contacts count, and how many did what is measured.
fn splits(splits: &[SplitReport], minute: &dyn Fn(Instant) -> String, terminal: Terminal) -> String {
    let header = ["split", "counted", "measured", "%", "result"].map(str::to_owned);
    let rows = splits.iter().flat_map(|split| {
        split.sides.iter().enumerate().map(move |(place, side)| {
            let share = (side.count.reached * 1000).checked_div(side.count.took).unwrap_or(0);
            let result = match &split.verdict {
                _ if place > 0 => String::new(),
                Verdict::Open => "not compared".to_owned(),
                Verdict::Until(moment) => format!("compared on {}", minute(*moment)),
                Verdict::TooFew => "too few to tell".to_owned(),
                Verdict::NoDifference => "no side is better".to_owned(),
                Verdict::Winner(side) => format!("{side} is better"),
            };
            let share = if side.count.took == 0 { "-".to_owned() } else { format!("{}.{}", share / 10, share % 10) };
            let (took, reached) = (number(side.count.took), number(side.count.reached));
            vec![format!("{}: {}", split.split, side.side), took, reached, share, result]
        })
    });
    table(&header, rows.collect(), &[1, 2, 3], terminal)
}

/// "11 entered: 8 ended, 2 exit purchase, 1 under way; 1 did not (filter)"
fn outcome(journey: &JourneyReport) -> String {
    let mut parts: Vec<_> = journey.ended.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
    if journey.active > 0 {
        parts.push(format!("{} under way", journey.active));
    }
    if journey.goals > 0 {
        parts.push(format!("{} reached the goal", journey.goals));
    }
    let mut text = format!("{} entered", journey.entered);
    if !parts.is_empty() {
        let _ = write!(text, ": {}", parts.join(", "));
    }
    let not: u64 = journey.not_entered.values().sum();
    if not > 0 {
        let _ = write!(text, "; {not} did not ({})", reasons(&journey.not_entered));
    }
    text
}

/// Each message: how many were sent, opened, clicked, and what kept the others.
fn messages(messages: &[MessageReport], terminal: Terminal) -> String {
    let header = ["message", "sent", "opened", "clicked", "not sent", "why"].map(str::to_owned);
    let rows = messages.iter().map(|message| {
        let mut kept = message.skipped.clone();
        for (cause, n) in &message.failed {
            *kept.entry(cause.clone()).or_default() += n;
        }
        let failed: u64 = message.failed.values().sum();
        let mut row = vec![format!("{} {}", message.channel, message.name)];
        let sent = message.sent.saturating_sub(failed);
        row.extend([sent, message.opened, message.clicked, kept.values().sum()].map(number));
        row.push(reasons(&kept));
        row
    });
    table(&header, rows.collect(), &[1, 2, 3, 4], terminal)
}

/// "3 filter, 1 active"; the number is left out where there is one reason only.
fn reasons(counts: &BTreeMap<String, u64>) -> String {
    match counts.iter().collect::<Vec<_>>().as_slice() {
        [(reason, _)] => (*reason).clone(),
        several => several.iter().map(|(reason, n)| format!("{n} {reason}")).collect::<Vec<_>>().join(", "),
    }
}

fn zones(zones: Zones, default: &str) -> Option<String> {
    let mut parts = Vec::new();
    if zones.missing > 0 {
        parts.push(format!("{} without a time zone", count(zones.missing as usize, "contact")));
    }
    if zones.unknown > 0 {
        parts.push(format!("{} with one that does not exist", count(zones.unknown as usize, "contact")));
    }
    (!parts.is_empty()).then(|| format!("{}: {default} stood in", parts.join(", ")))
}

/// A number; nothing for nothing, so that the eye finds what there is.
pub(super) fn number(n: u64) -> String {
    if n == 0 { "-".to_owned() } else { n.to_string() }
}

pub(super) fn table(header: &[String], rows: Vec<Vec<String>>, numbers: &[usize], terminal: Terminal) -> String {
    let line = if terminal.unicode { '─' } else { '-' };
    let mut table = Table::new();
    table
        .load_style(
            TableStyle::new()
                .header_lines(ContentLineStyle::none())
                .header_separator(LineStyle::none().fill(line).junction(line))
                .content_lines(ContentLineStyle::none()),
        )
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(header)
        .add_rows(rows);
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    for column in numbers {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut out = String::new();
    for (row, line) in table.lines().enumerate() {
        let style = match row {
            0 => BOLD,
            1 => FAINT,
            _ => clap::builder::styling::Style::new(),
        };
        let _ = writeln!(out, "{style}{}{style:#}", line.trim_end());
    }
    out
}
