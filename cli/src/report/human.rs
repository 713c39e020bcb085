//! For people: the source with its labels, the reason, what to do, and a last line that sums up.

use std::collections::BTreeMap;
use std::fmt::Write;

use ariadne::{CharSet, Color, Config, Label, Report, ReportKind, Source};
use journey_compiler::diagnostic::{Diagnostic, Severity, Span};
use journey_compiler::project::FileId;
use journey_ide::{Encoding, LineIndex, Position};

use super::{count, level, plain, suggestion};
use crate::checked::{Checked, Counts};
use crate::terminal::{BOLD, GREEN, Terminal};
use crate::workspace::Workspace;

/// Of longer lines only the part around the labels is shown.
const MAX_COLUMNS: usize = 120;
/// How much of it stands before the first label.
const BEFORE: usize = 40;

/// More findings of one file than a person reads at once; the rest is counted.
const MAX_PER_FILE: usize = 50;

pub(super) fn render(checked: &[Checked], terminal: Terminal) -> String {
    let mut out = String::new();
    for project in checked {
        let workspace = &project.workspace;
        for (file, diagnostics) in project.by_file() {
            for diagnostic in diagnostics.iter().take(MAX_PER_FILE) {
                let rendered = finding(workspace, diagnostic, terminal);
                for line in rendered.lines() {
                    let _ = writeln!(out, "{}", line.trim_end());
                }
                out.push('\n');
            }
            let rest = diagnostics.len().saturating_sub(MAX_PER_FILE);
            if rest > 0 {
                let (rest, name) = (count(rest, "more finding"), workspace.file_name(file));
                let _ = writeln!(out, "{rest} in {name}; `--output-format concise` lists all\n");
            }
        }
    }
    let counts = Counts::of(checked);
    let style = if counts.errors + counts.warnings == 0 { GREEN } else { BOLD };
    let _ = writeln!(out, "{style}{counts}{style:#}");
    out
}

pub(super) fn finding(workspace: &Workspace, d: &Diagnostic, terminal: Terminal) -> String {
    let color = match d.severity {
        Severity::Error => Color::Red,
        Severity::Warning => Color::Yellow,
        Severity::Hint => Color::Blue,
    };
    let here = |text: &str| if text.is_empty() { "here".to_owned() } else { plain::text(text) };
    let mut labels = vec![(d.primary.span, here(&d.primary.text), color)];
    labels.extend(d.secondary.iter().map(|label| (label.span, here(&label.text), Color::Cyan)));
    // One section a file, the file of the finding first, its labels from top to bottom.
    labels.sort_by_key(|(span, ..)| (span.file != d.primary.span.file, span.file, span.end, span.start));

    let mut excerpts: BTreeMap<FileId, Excerpt> = BTreeMap::new();
    for &(Span { file, .. }, ..) in &labels {
        let spans = labels.iter().map(|(span, ..)| *span).filter(|span| span.file == file);
        excerpts.entry(file).or_insert_with(|| Excerpt::new(workspace, file, spans));
    }
    let span = |span: Span| (span.file, excerpts.get(&span.file).map_or(0..0, |e| e.span(span)));

    let header = format!("{}[{} {}]", level(d.severity), d.code, d.code.name());
    let charset = if terminal.unicode { CharSet::Unicode } else { CharSet::Ascii };
    let mut report = Report::build(ReportKind::Custom(&header, color), span(d.primary.span))
        .with_config(Config::new().with_char_set(charset))
        .with_message(plain::text(&d.message))
        .with_labels(
            labels.into_iter().map(|(s, text, color)| Label::new(span(s)).with_message(text).with_color(color)),
        );
    report.with_helps(d.help.iter().map(|help| plain::text(help)));
    report.with_helps(d.fixes.iter().map(|fix| suggestion::render(workspace, fix)));
    report.with_notes(d.notes.iter().map(|note| plain::text(note)));

    let mut out = Vec::new();
    // Writing to memory does not fail.
    let _ = report.finish().write(Sources(&excerpts), &mut out);
    let out = String::from_utf8_lossy(&out).into_owned();
    excerpts.values().fold(out, |out, excerpt| excerpt.correct_place(out, d.primary.span))
}

/// What is shown of a file: its lines with labels; the others are empty, so that line numbers are right.
struct Excerpt {
    name: String,
    source: Source<String>,
    lines: BTreeMap<u32, ShownLine>,
    index: LineIndex,
}

/// A line as it is shown.
struct ShownLine {
    /// Where it begins, in characters of the excerpt.
    start: usize,
    /// The byte of the file behind each character shown.
    offsets: Vec<u32>,
}

impl Excerpt {
    fn new(workspace: &Workspace, file: FileId, spans: impl Iterator<Item = Span>) -> Self {
        let index = workspace.snapshot.lines(file).cloned().unwrap_or_else(|| LineIndex::new([].into()));
        let place = |offset| index.position(offset, Encoding::Utf32);
        // Of each line with labels: the columns between which they lie.
        let mut wanted: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        for Position { line, column } in spans.flat_map(|s| [place(s.start), place(last(s))]) {
            let (from, to) = wanted.entry(line).or_insert((column, column));
            (*from, *to) = ((*from).min(column), (*to).max(column));
        }

        let mut text = String::new();
        let mut lines = BTreeMap::new();
        let mut start = 0;
        for line in 0..=wanted.last_key_value().map_or(0, |(line, _)| *line) {
            if let Some(&(from, _)) = wanted.get(&line) {
                let (shown, offsets) = show_line(&index, line, from as usize);
                text.push_str(&shown);
                start += offsets.len();
                lines.insert(line, ShownLine { start: start - offsets.len(), offsets });
            }
            text.push('\n');
            start += 1;
        }
        Self { name: workspace.file_name(file), source: Source::from(text), lines, index }
    }

    /// A span in characters of the excerpt, never empty.
    fn span(&self, span: Span) -> std::ops::Range<usize> {
        let start = self.char(span.start, span.start);
        start..self.char(span.end, last(span)).max(start + 1)
    }

    /// The character of an offset on the line of another.
    fn char(&self, offset: u32, on_line_of: u32) -> usize {
        let line = self.index.position(on_line_of, Encoding::Utf32).line;
        let Some(line) = self.lines.get(&line) else { return 0 };
        let at = line.offsets.partition_point(|&o| o < offset);
        // The last character is a blank behind the line: line ends are shown there.
        line.start + at.min(line.offsets.len().saturating_sub(1))
    }

    /// Writes the column that it has in the file, where the beginning of its line is not shown.
    fn correct_place(&self, report: String, primary: Span) -> String {
        let Position { line, column } = self.index.position(primary.start, Encoding::Utf32);
        let Some(shown) = self.lines.get(&line) else { return report };
        let shown = self.char(primary.start, primary.start) - shown.start;
        if shown == column as usize {
            return report;
        }
        let place = |column| format!("{}:{}:{column} ", self.name, line + 1);
        report.replacen(&place(shown + 1), &place(column as usize + 1), 1)
    }
}

/// The last byte of a span: a span that ends behind a line end does not reach into the next line.
fn last(span: Span) -> u32 {
    span.end.saturating_sub(1).max(span.start)
}

/// A line and where each of its characters comes from: the part around column `from`, and a blank behind it.
fn show_line(index: &LineIndex, line: u32, from: usize) -> (String, Vec<u32>) {
    let range = index.line(line).unwrap_or_default();
    let bytes = index.bytes().get(range.clone()).unwrap_or_default();
    let mut chars = Vec::new();
    let mut at = range.start;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            chars.push((plain::shown(c), at));
            at += c.len_utf8();
        }
        for _ in chunk.invalid() {
            chars.push((plain::REPLACEMENT, at));
            at += 1;
        }
    }
    if chars.len() > MAX_COLUMNS {
        let begin = from.saturating_sub(BEFORE).min(chars.len() - MAX_COLUMNS);
        let end = begin + MAX_COLUMNS;
        let cut = |chars: &mut Vec<(char, usize)>, at: usize| {
            if let Some((c, _)) = chars.get_mut(at) {
                *c = '…';
            }
        };
        if end < chars.len() {
            chars.truncate(end);
            cut(&mut chars, end - 1);
        }
        if begin > 0 {
            chars.drain(..begin);
            cut(&mut chars, 0);
        }
    }
    chars.push((' ', at));
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    (chars.iter().map(|(c, _)| c).collect(), chars.iter().map(|(_, at)| offset(*at)).collect())
}

/// What ariadne asks us for.
struct Sources<'a>(&'a BTreeMap<FileId, Excerpt>);

impl ariadne::Cache<FileId> for Sources<'_> {
    type Storage = String;

    fn fetch(&mut self, id: &FileId) -> Result<&Source<String>, impl std::fmt::Debug> {
        self.0.get(id).map(|excerpt| &excerpt.source).ok_or("not loaded")
    }

    fn display<'a>(&self, id: &'a FileId) -> Option<impl std::fmt::Display + 'a> {
        self.0.get(id).map(|excerpt| excerpt.name.clone())
    }
}
