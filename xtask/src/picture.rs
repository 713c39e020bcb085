//! `cargo xtask pictures`: what a terminal shows, as SVG and as text for the README, made from the real output.

use std::fmt::Write;
use std::process::{Command, ExitCode};
use std::{fs, io};

use crate::copy;

/// A picture: where it goes, and what is run to make it.
struct Picture {
    file: &'static str,
    command: &'static [&'static str],
    /// What is changed in the example first: path, text, other text.
    slips: &'static [(&'static str, &'static str, &'static str)],
    /// The exit code of a run that did what the picture is to show.
    exit: i32,
}

const PICTURES: &[Picture] = &[
    Picture { file: "docs/pictures/run.svg", command: &["run", "nurture"], slips: &[], exit: 0 },
    Picture {
        file: "docs/pictures/check.svg",
        command: &["check", "nurture"],
        slips: &[
            ("nurture/journeys/nurture.journey", "on tag mattress_lead", "on tag matress_lead"),
            ("nurture/journeys/nurture.journey", "clicked price", "clicked reviews"),
            ("nurture/messages/nudge.sms.txt", "first_name | default(\"there\")", "first_name"),
        ],
        exit: 1,
    },
];

/// Makes all pictures anew.
pub(crate) fn run() -> ExitCode {
    for picture in PICTURES {
        if let Err(cause) = make(picture) {
            eprintln!("{}: {cause}", picture.file);
            return ExitCode::FAILURE;
        }
        println!("{} shows `journey {}`", picture.file, picture.command.join(" "));
    }
    if let Err(cause) = put_into_readme() {
        eprintln!("README.md: {cause}");
        return ExitCode::FAILURE;
    }
    println!("README.md shows the table as text");
    ExitCode::SUCCESS
}

/// Puts the first picture's text into the README's block of that kind.
fn put_into_readme() -> Result<(), String> {
    let run = PICTURES.first().ok_or("there is no picture of a run")?;
    let text = output(run).map_err(|error| error.to_string())?;
    let plain: String = pieces(&text)
        .iter()
        .map(|line| line.iter().map(|piece| piece.text.as_str()).collect::<String>().trim_end().to_owned() + "\n")
        .collect();
    // The picture is taken elsewhere.
    let plain = plain.replace("nurture/outbox", "examples/nurture/outbox");
    let path = crate::root().join("README.md");
    let readme = fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let parts =
        readme.split_once("\n```text\n").and_then(|(before, rest)| Some((before, rest.split_once("\n```\n")?.1)));
    let (before, after) = parts.ok_or("there is no block that begins with ```text")?;
    fs::write(path, format!("{before}\n```text\n{plain}```\n{after}")).map_err(|error| error.to_string())
}

fn make(picture: &Picture) -> Result<(), String> {
    let text = output(picture).map_err(|error| error.to_string())?;
    let shown = format!("\u{1b}[2m$\u{1b}[0m journey {}\n\n{}", picture.command.join(" "), text.trim_end());
    let path = crate::root().join(picture.file);
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&path, svg(&shown)))
        .map_err(|e| e.to_string())
}

/// What the command prints about a fresh copy of the examples.
fn output(picture: &Picture) -> io::Result<String> {
    let root = crate::root().canonicalize()?;
    let stage = root.join("target/pictures");
    if stage.exists() {
        fs::remove_dir_all(&stage)?;
    }
    copy(&root.join("examples"), &stage)?;
    for (file, text, slip) in picture.slips {
        let whole = fs::read_to_string(stage.join(file))?;
        if !whole.contains(text) {
            return Err(io::Error::other(format!("{file} does not say `{text}` any more")));
        }
        fs::write(stage.join(file), whole.replacen(text, slip, 1))?;
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built =
        Command::new(cargo).args(["build", "--quiet", "--package", "journey-cli"]).current_dir(&root).status()?;
    if !built.success() {
        return Err(io::Error::other("journey does not build"));
    }
    let output = Command::new(root.join("target/debug/journey"))
        .args(["--color", "always"])
        .args(picture.command)
        .env("COLUMNS", "100")
        .current_dir(&stage)
        .output()?;
    if output.status.code() != Some(picture.exit) {
        let cause = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(format!("the run ended with {}:\n{cause}", output.status)));
    }
    String::from_utf8(output.stdout).map_err(io::Error::other)
}

const CHARACTER: f64 = 8.4;
const LINE: f64 = 18.0;
const MARGIN: f64 = 20.0;

/// Terminal text with colours, as a picture.
fn svg(text: &str) -> String {
    let lines: Vec<Vec<Piece>> = pieces(text);
    let columns = lines.iter().map(|line| line.iter().map(Piece::width).sum::<usize>()).max().unwrap_or(0);
    let width = columns as f64 * CHARACTER + 2.0 * MARGIN;
    let height = lines.len() as f64 * LINE + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1d2021\"/>\n\
         <g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\" fill=\"#ebdbb2\" xml:space=\"preserve\">\n",
    );
    for (row, line) in lines.iter().enumerate() {
        let y = MARGIN + (row as f64 + 0.75) * LINE;
        let mut column = 0;
        for piece in line {
            // A fixed length keeps columns under each other whatever font the reader has.
            let text = piece.text.trim();
            if !text.is_empty() {
                let indent = piece.width() - piece.text.trim_start().chars().count();
                let x = MARGIN + (column + indent) as f64 * CHARACTER;
                let length = text.chars().count() as f64 * CHARACTER;
                // Writing to a String cannot fail.
                let _ = writeln!(
                    svg,
                    "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\"{}>{}</text>",
                    piece.style.attributes(),
                    escape(text)
                );
            }
            column += piece.width();
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A piece of a line in one style.
#[derive(Default)]
struct Piece {
    text: String,
    style: Style,
}

impl Piece {
    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

#[derive(Clone, Default, PartialEq)]
struct Style {
    color: Option<String>,
    bold: bool,
    faint: bool,
    italic: bool,
    underline: bool,
}

impl Style {
    fn attributes(&self) -> String {
        let mut text = String::new();
        if let Some(color) = &self.color {
            text.push_str(&format!(" fill=\"{color}\""));
        }
        for (on, attribute) in [
            (self.bold, " font-weight=\"bold\""),
            (self.faint, " opacity=\"0.6\""),
            (self.italic, " font-style=\"italic\""),
            (self.underline, " text-decoration=\"underline\""),
        ] {
            if on {
                text.push_str(attribute);
            }
        }
        text
    }

    /// Applies the numbers of one `ESC [ … m`.
    fn apply(&mut self, codes: &str) {
        let mut codes = codes.split([';', ':']).map(|code| code.parse().unwrap_or(0_u8));
        while let Some(code) = codes.next() {
            match code {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.faint = true,
                3 => self.italic = true,
                4 => self.underline = true,
                22 => (self.bold, self.faint) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                30..=37 => self.color = Some(indexed(code - 30)),
                90..=97 => self.color = Some(indexed(code - 90 + 8)),
                39 => self.color = None,
                38 => match codes.next() {
                    Some(5) => self.color = codes.next().map(indexed),
                    Some(2) => {
                        let mut next = || codes.next().unwrap_or(0);
                        self.color = Some(format!("#{:02x}{:02x}{:02x}", next(), next(), next()));
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    }
}

/// The colour of this number in a terminal of 256 colours.
fn indexed(number: u8) -> String {
    const BASIC: [&str; 16] = [
        "#3c3836", "#fb4934", "#b8bb26", "#fabd2f", "#83a598", "#d3869b", "#8ec07c", "#d5c4a1", "#928374", "#fb4934",
        "#b8bb26", "#fabd2f", "#83a598", "#d3869b", "#8ec07c", "#fbf1c7",
    ];
    if let Some(color) = BASIC.get(usize::from(number)) {
        return (*color).to_owned();
    }
    if number >= 232 {
        let gray = 8 + (number - 232) * 10;
        return format!("#{gray:02x}{gray:02x}{gray:02x}");
    }
    let level = |part: u8| if part == 0 { 0 } else { 55 + part * 40 };
    let cube = number - 16;
    format!("#{:02x}{:02x}{:02x}", level(cube / 36), level(cube / 6 % 6), level(cube % 6))
}

/// The lines of a terminal's text, each in pieces of one style.
fn pieces(text: &str) -> Vec<Vec<Piece>> {
    let mut style = Style::default();
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut pieces = Vec::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("\u{1b}[") {
            push(&mut pieces, before, &style);
            // Only colours are looked for: nothing else comes from a program that prints a table.
            let (codes, behind) = after.split_once('m').unwrap_or((after, ""));
            style.apply(codes);
            rest = behind;
        }
        push(&mut pieces, rest, &style);
        lines.push(pieces);
    }
    lines
}

fn push(pieces: &mut Vec<Piece>, text: &str, style: &Style) {
    if let Some(last) = pieces.last_mut().filter(|last| last.style == *style) {
        last.text.push_str(text);
    } else if !text.is_empty() {
        pieces.push(Piece { text: text.to_owned(), style: style.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_attributes_and_columns_keep_their_place() {
        let picture = svg("a\u{1b}[1;31m<b>\u{1b}[0m c\n\u{1b}[38;5;81mx\u{1b}[39m");
        assert!(picture.contains("x=\"20.0\" y=\"33.5\" textLength=\"8.4\" lengthAdjust=\"spacingAndGlyphs\">a<"));
        assert!(picture.contains("x=\"28.4\"") && picture.contains("fill=\"#fb4934\" font-weight=\"bold\">&lt;b&gt;<"));
        assert!(picture.contains("x=\"62.0\"") && picture.contains(">c<"));
        assert!(picture.contains("fill=\"#5fd7ff\">x<"), "{picture}");
    }
}
