//! MJML to HTML, once, when a project is compiled. The template's tags go through as marks that MJML knows nothing of, and come
//! back in the HTML; where MJML wants elements, the marks stand in elements.

use std::ops::Range;

use minijinja::machinery::{Token, tokenize};
use mrml::prelude::parser::{Error, Span as Position};
use mrml::prelude::render::RenderOptions;

use crate::diagnostic::{Code, Diagnostic, nearest, quote};
use crate::template::Piece;

/// The most elements inside of each other: the reader of MJML calls itself for each.
pub(super) const MAX_MJML_DEPTH: usize = 64;

/// Begins and ends a mark; nobody types these.
const MARK: [char; 2] = ['\u{f0000}', '\u{f0001}'];

/// Elements that hold elements and no text: a tag among them stands in `mj-raw`.
const CONTAINERS: &[&str] = &["mj-body", "mj-column", "mj-group", "mj-head", "mj-hero", "mj-section", "mj-wrapper"];

/// The elements of MJML. There is no `mj-include`: `{% include %}` does that.
const ELEMENTS: &[&str] = &[
    "mj-accordion",
    "mj-accordion-element",
    "mj-accordion-text",
    "mj-accordion-title",
    "mj-all",
    "mj-attributes",
    "mj-body",
    "mj-breakpoint",
    "mj-button",
    "mj-carousel",
    "mj-carousel-image",
    "mj-class",
    "mj-column",
    "mj-divider",
    "mj-font",
    "mj-group",
    "mj-head",
    "mj-hero",
    "mj-image",
    "mj-navbar",
    "mj-navbar-link",
    "mj-preview",
    "mj-raw",
    "mj-section",
    "mj-social",
    "mj-social-element",
    "mj-spacer",
    "mj-style",
    "mj-table",
    "mj-text",
    "mj-title",
    "mj-wrapper",
    "mjml",
];

/// The HTML of a text in MJML.
pub(super) fn html(piece: &Piece) -> Result<String, Vec<Diagnostic>> {
    let tags = tags(piece.text());
    let marked = Marked::new(piece, &tags);
    let mut found = marked.elements();
    let marked = if found.is_empty() { marked.wrapped() } else { return Err(found) };
    let parsed = match mrml::parse(&marked.text) {
        Ok(parsed) => parsed,
        Err(error) => return Err(vec![marked.wrong(&error)]),
    };
    for warning in &parsed.warnings {
        found.push(
            bad(&marked, &warning.span, "this attribute, or style, does nothing here".to_owned())
                .help("remove it; styles stand in `mj-style` without `inline`"),
        );
    }
    // Where they come from is not reported.
    let options = RenderOptions::default();
    let html = parsed.element.render(&options).map_err(|error| {
        vec![Diagnostic::new(Code::BadMjml, piece.whole().before(), format!("this MJML cannot become HTML: {error}"))]
    })?;
    if found.is_empty() { Ok(restore(&html, piece.text(), &tags)) } else { Err(found) }
}

/// Where the tags of a template stand, several in a row together: what is between its texts.
fn tags(text: &str) -> Vec<Range<usize>> {
    let mut tags = Vec::new();
    let mut at = 0;
    for (token, span) in tokenize(text, false, Default::default()).map_while(Result::ok) {
        if matches!(token, Token::TemplateData(_)) {
            let (start, end) = (span.start_offset as usize, span.end_offset as usize);
            if at < start {
                tags.push(at..start);
            }
            at = end;
        }
    }
    // The engine drops the line end at the end of a text; it is no tag.
    if text.get(at..).is_some_and(|rest| rest.contains('{')) {
        tags.push(at..text.len());
    }
    tags
}

/// The HTML with the template's tags in place of their marks.
fn restore(html: &str, text: &str, tags: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, behind)) = rest.split_once(MARK[0]) {
        let (number, after) = behind.split_once(MARK[1]).unwrap_or((behind, ""));
        let tag = number.parse::<usize>().ok().and_then(|number| tags.get(number)).cloned();
        out.push_str(before);
        out.push_str(tag.and_then(|tag| text.get(tag)).unwrap_or_default());
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A text with marks in place of tags.
struct Marked<'a> {
    piece: &'a Piece,
    text: String,
    /// From this byte of the marked text on, it stands there in the piece.
    places: Vec<(usize, usize)>,
}

impl<'a> Marked<'a> {
    fn new(piece: &'a Piece, tags: &[Range<usize>]) -> Self {
        let mut marked = Self { piece, text: String::new(), places: vec![(0, 0)] };
        let mut at = 0;
        for (number, tag) in tags.iter().enumerate() {
            marked.text.push_str(piece.text().get(at..tag.start).unwrap_or_default());
            marked.places.push((marked.text.len(), tag.start));
            marked.text.push_str(&format!("{}{number}{}", MARK[0], MARK[1]));
            marked.places.push((marked.text.len(), tag.end));
            at = tag.end;
        }
        marked.text.push_str(piece.text().get(at..).unwrap_or_default());
        marked
    }

    /// What is no element of MJML, or stands too deep.
    fn elements(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let mut depth = 0_usize;
        for event in events(&self.text) {
            let Event::Tag { name, range, closes, empty } = event else { continue };
            let is_mjml = name == "mjml" || name.starts_with("mj-");
            if closes {
                depth = depth.saturating_sub(1);
            } else if !empty && !VOID.contains(&name) {
                depth += 1;
            }
            let place = range.start + 1..range.start + 1 + name.len();
            if depth > MAX_MJML_DEPTH {
                let message = format!("more than {MAX_MJML_DEPTH} elements stand inside of each other");
                found.push(Diagnostic::new(Code::TemplateTooComplex, self.span(place), message).help("nest less"));
                return found;
            }
            if is_mjml && !closes && !ELEMENTS.contains(&name) {
                let diagnostic = Diagnostic::new(
                    Code::BadMjml,
                    self.span(place),
                    format!("there is no element {} in MJML", quote(name)),
                );
                found.push(match (name, nearest(name, ELEMENTS.iter().copied())) {
                    ("mj-include", _) => diagnostic.help("write `{% include \"partials/footer.mjml\" %}`"),
                    // Its closing tag would have to change as well.
                    (_, Some(near)) => diagnostic.label(format!("did you mean `{near}`?")),
                    (_, None) => diagnostic.help("use one that MJML has, as `mj-text`"),
                });
            }
        }
        found
    }

    /// The same with the marks in elements that stand where elements must.
    fn wrapped(&self) -> Self {
        let mut wrapped = Self { piece: self.piece, text: String::with_capacity(self.text.len()), places: Vec::new() };
        let mut inside: Vec<&str> = Vec::new();
        // The reader of MJML stumbles over space around the root.
        let mut at = self.text.len() - self.text.trim_start().len();
        for event in events(&self.text) {
            match event {
                Event::Tag { name, closes: true, .. } => {
                    if let Some(place) = inside.iter().rposition(|open| *open == name) {
                        inside.truncate(place);
                    }
                }
                Event::Tag { name, empty: false, .. } if ELEMENTS.contains(&name) => inside.push(name),
                Event::Mark(range) if inside.last().is_some_and(|open| CONTAINERS.contains(open)) => {
                    wrapped.copy(self, at..range.start);
                    wrapped.text.push_str("<mj-raw>");
                    wrapped.copy(self, range.clone());
                    wrapped.text.push_str("</mj-raw>");
                    at = range.end;
                }
                Event::Tag { .. } | Event::Mark(_) => {}
            }
        }
        wrapped.copy(self, at..self.text.trim_end().len().max(at));
        wrapped
    }

    fn copy(&mut self, other: &Self, range: Range<usize>) {
        let base = self.text.len();
        self.places.push((base, other.original(range.start)));
        let inside = other.places.iter().filter(|(text, _)| range.contains(text));
        self.places.extend(inside.map(|(text, place)| (base + text - range.start, *place)));
        self.text.push_str(other.text.get(range).unwrap_or_default());
    }

    /// Where a byte of the marked text stands in the piece.
    fn original(&self, at: usize) -> usize {
        let behind = self.places.partition_point(|(text, _)| *text <= at);
        let (text, place) = behind.checked_sub(1).and_then(|n| self.places.get(n)).copied().unwrap_or_default();
        place + at.saturating_sub(text)
    }

    fn span(&self, range: Range<usize>) -> crate::diagnostic::Span {
        let (start, end) = (self.original(range.start), self.original(range.end));
        self.piece.span(start..end.max(start))
    }

    fn wrong(&self, error: &Error) -> Diagnostic {
        let help = "MJML is strict: every element is closed, every attribute has quotes, and text stands in `mj-text`";
        let (position, message) = match error {
            Error::UnexpectedElement { position, .. } => (Some(position), "this element cannot stand here"),
            Error::UnexpectedToken { position, .. } => (Some(position), "this cannot stand here"),
            Error::MissingAttribute { position, .. } => (Some(position), "an attribute is missing here"),
            Error::InvalidAttribute { position, .. } => (Some(position), "this attribute cannot be read"),
            Error::InvalidFormat { position, .. } => (Some(position), "this cannot be read"),
            Error::IncludeLoaderError { position, .. } => (Some(position), "the include of MJML is not read"),
            Error::EndOfStream { .. } => (None, "an element is never closed"),
            Error::NoRootNode => (None, "the text is not enclosed in `<mjml>` and `</mjml>`"),
            Error::SizeLimit { .. } | Error::ParserError { .. } => (None, "this MJML cannot be read"),
        };
        match position {
            Some(position) => bad(self, position, message.to_owned()).help(help),
            None => {
                let found = Diagnostic::new(Code::BadMjml, self.piece.whole().before(), message).help(help);
                match error {
                    Error::ParserError { source, .. } => found.note(format!("The reader of MJML says: {source}.")),
                    _ => found,
                }
            }
        }
    }
}

fn bad(marked: &Marked<'_>, position: &Position, message: String) -> Diagnostic {
    Diagnostic::new(Code::BadMjml, marked.span(position.start..position.end), message)
}

/// Elements of HTML without an end tag.
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// What a reader of markup meets.
enum Event<'a> {
    Tag { name: &'a str, range: Range<usize>, closes: bool, empty: bool },
    Mark(Range<usize>),
}

/// The tags of markup, and the marks that stand between them.
fn events(text: &str) -> Vec<Event<'_>> {
    let mut events = Vec::new();
    let mut at = 0;
    let find = |from: usize, what: &str| text.get(from..).and_then(|rest| rest.find(what)).map(|found| from + found);
    while let Some(start) = text.get(at..).and_then(|rest| rest.find(['<', MARK[0]])).map(|found| at + found) {
        let rest = text.get(start..).unwrap_or_default();
        if rest.starts_with(MARK[0]) {
            at = find(start, "\u{f0001}").map_or(text.len(), |end| end + MARK[1].len_utf8());
            events.push(Event::Mark(start..at));
            continue;
        }
        if rest.starts_with("<!--") {
            at = find(start, "-->").map_or(text.len(), |end| end + "-->".len());
            continue;
        }
        let closes = rest.starts_with("</");
        let from = start + 1 + usize::from(closes);
        let name = text.get(from..).unwrap_or_default();
        let name =
            name.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | ':')).next().unwrap_or_default();
        at = end_of_tag(text, from);
        if !name.is_empty() {
            let empty = text.get(..at).is_some_and(|tag| tag.ends_with("/>"));
            events.push(Event::Tag { name, range: start..at, closes, empty });
        }
    }
    events
}

/// Behind the `>` of a tag, wherever quotes hide others.
fn end_of_tag(text: &str, from: usize) -> usize {
    let mut quote = None;
    for (at, c) in text.get(from..).unwrap_or_default().char_indices() {
        match (quote, c) {
            (None, '>') => return from + at + 1,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    text.len()
}
