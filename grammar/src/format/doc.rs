//! A document of texts and places where a line may end, and its printing to a width.

use super::LINE_WIDTH;

/// Wider than any line: a group with such a part is never printed flat.
const ENDLESS: u32 = 1 << 24;

#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'t> {
    Text(&'t str),
    /// A text that is printed as it is, with line ends of its own.
    Verbatim(&'t str),
    Space,
    /// A space, or a line end if the group does not fit.
    Line,
    /// Nothing, or a line end if the group does not fit.
    SoftLine,
    /// A line end.
    Hard,
    /// An empty line.
    Blank,
    /// A space, or an empty line if the group does not fit.
    Paragraph,
    /// A text that is only there if the group fits.
    IfFlat(&'static str),
    /// A text that is only there if the group does not fit.
    IfBroken(&'static str),
    /// A remark to the end of the line.
    Comment(&'t str),
    /// The beginning of a group: its flat width and the place of its end.
    Group {
        width: u32,
        end: u32,
    },
    GroupEnd,
    Indent,
    Dedent,
}

#[derive(Default)]
pub(super) struct Doc<'t> {
    parts: Vec<Part<'t>>,
    /// The flat width of everything so far.
    width: u32,
    groups: Vec<(usize, u32)>,
}

impl<'t> Doc<'t> {
    /// One with room for so many parts.
    pub(super) fn with_capacity(parts: usize) -> Self {
        Self { parts: Vec::with_capacity(parts), ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    pub(super) fn push(&mut self, part: Part<'t>) {
        self.width = self.width.saturating_add(match part {
            Part::Text(text) => columns(text) as u32,
            Part::Space | Part::Line | Part::Paragraph => 1,
            Part::IfFlat(text) => text.len() as u32,
            Part::Hard | Part::Blank | Part::Comment(_) | Part::Verbatim(_) => ENDLESS,
            _ => 0,
        });
        self.parts.push(part);
    }

    /// Puts whole lines in front of what begins at `place`.
    pub(super) fn insert_lines(&mut self, place: usize, lines: impl Iterator<Item = &'t str>) {
        let parts: Vec<Part<'t>> = lines.flat_map(|line| [Part::Comment(line), Part::Hard]).collect();
        let moved = parts.len();
        self.width = self.width.saturating_add(ENDLESS);
        self.parts.splice(place..place, parts);
        for part in self.parts.iter_mut().skip(place + moved) {
            if let Part::Group { end, .. } = part {
                *end += moved as u32;
            }
        }
        for (start, _) in &mut self.groups {
            if *start >= place {
                *start += moved;
            }
        }
    }

    pub(super) fn open(&mut self) {
        self.groups.push((self.parts.len(), self.width));
        self.parts.push(Part::Group { width: 0, end: 0 });
    }

    pub(super) fn close(&mut self) {
        let Some((start, before)) = self.groups.pop() else {
            return;
        };
        let place = self.parts.len() as u32;
        self.parts.push(Part::GroupEnd);
        if let Some(Part::Group { width, end }) = self.parts.get_mut(start) {
            *width = self.width - before;
            *end = place;
        }
    }

    pub(super) fn print(&self, capacity: usize) -> String {
        let mut printer =
            Printer { parts: &self.parts, out: String::with_capacity(capacity), column: 0, indent: 0, line_end: true };
        printer.run();
        printer.out
    }
}

struct Printer<'d, 't> {
    parts: &'d [Part<'t>],
    out: String,
    column: usize,
    indent: usize,
    /// At the beginning of a line whose indent is not yet written.
    line_end: bool,
}

impl Printer<'_, '_> {
    fn run(&mut self) {
        let parts = self.parts;
        let mut flat: Vec<bool> = vec![false];
        for part in parts {
            let is_flat = flat.last().copied().unwrap_or(false);
            match *part {
                Part::Text(text) => self.text(text),
                Part::Verbatim(text) => {
                    self.text(text);
                    self.column = LINE_WIDTH;
                }
                Part::Space => self.space(),
                Part::Line | Part::Paragraph if is_flat => self.space(),
                Part::Line => self.end_line(),
                Part::SoftLine if is_flat => {}
                Part::SoftLine | Part::Hard => self.end_line(),
                Part::Blank | Part::Paragraph => {
                    self.end_line();
                    if !self.out.is_empty() {
                        self.out.push('\n');
                    }
                }
                Part::IfFlat(text) if is_flat => self.text(text),
                Part::IfBroken(text) if !is_flat => self.text(text),
                Part::IfFlat(_) | Part::IfBroken(_) => {}
                Part::Comment(text) => {
                    if !self.line_end {
                        self.space();
                    }
                    self.text(text);
                }
                Part::Group { width, end } => {
                    let fits = is_flat || self.fits(width, end as usize);
                    flat.push(fits);
                }
                Part::GroupEnd => {
                    flat.pop();
                }
                Part::Indent => self.indent += 1,
                Part::Dedent => self.indent -= 1,
            }
        }
        self.end_line();
    }

    /// Whether a group fits, with what stands behind it up to the next place where a line may end.
    fn fits(&self, width: u32, end: usize) -> bool {
        if width >= ENDLESS {
            return false;
        }
        let column = if self.line_end { self.indent * 2 } else { self.column };
        let mut needed = column + width as usize;
        for part in self.parts.iter().skip(end + 1) {
            match part {
                Part::Text(text) => needed += columns(text),
                Part::Space => needed += 1,
                Part::Group { .. } | Part::GroupEnd | Part::Indent | Part::Dedent => {}
                Part::IfFlat(_) | Part::IfBroken(_) => {}
                _ => break,
            }
            if needed > LINE_WIDTH {
                break;
            }
        }
        needed <= LINE_WIDTH
    }

    fn text(&mut self, text: &str) {
        if self.line_end {
            for _ in 0..self.indent {
                self.out.push_str("  ");
            }
            self.column = self.indent * 2;
            self.line_end = false;
        }
        self.out.push_str(text);
        self.column += columns(text);
    }

    fn space(&mut self) {
        if !self.line_end {
            self.out.push(' ');
            self.column += 1;
        }
    }

    fn end_line(&mut self) {
        if !self.line_end {
            self.out.push('\n');
            self.line_end = true;
        }
    }
}

/// How many columns a text takes; most have nothing but ASCII.
fn columns(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}
