//! Puts a text together with the partials and layouts that it names, before anything is checked: what stands in them is
//! checked where it is used, with the variables that are known there, and every finding names its place in its own file.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use journey_bytecode::CONTENT;
use smol_str::SmolStr;

use super::shared::{Act, SharedText, Tag, tags, unknown};
use super::{Markup, Part, Text, TextFile, mjml};
use crate::diagnostic::{Code, Diagnostic, Span, quote};
use crate::project::MAX_FILE;
use crate::template::{Piece, Template};

/// The most partials and layouts inside of each other.
const MAX_PARTS_DEPTH: usize = 16;

/// Fills in the partials and layouts of all texts, and turns MJML into HTML.
pub fn assemble(texts: &mut [Arc<TextFile>], shared: &[Arc<SharedText>]) -> Vec<Diagnostic> {
    let mut used = BTreeSet::new();
    let mut found = Vec::new();
    let mut whole = true;
    for text in texts {
        let language = text.language.clone();
        let mut assembler = Assembler::new(shared, language.as_deref(), text.markup);
        match assembler.file(&text.body.piece) {
            Ok(None) => {}
            Ok(Some((body, layout))) => {
                let text = Arc::make_mut(text);
                text.body = Text::new(Part::Body, body);
                text.layout = layout.map(|(piece, markup)| {
                    let mut layout = Text::new(Part::Layout, piece);
                    if markup == Markup::Mjml {
                        to_html(&mut layout);
                    }
                    layout
                });
                text.body_line = 0;
            }
            Err(finding) => {
                whole = false;
                // What else stands in a text that cannot be put together is nothing to go by.
                Arc::make_mut(text).body.template = Template { findings: vec![*finding], ..Template::default() };
            }
        }
        found.append(&mut assembler.found);
        used.append(&mut assembler.used);
        if text.markup == Markup::Mjml {
            to_html(&mut Arc::make_mut(text).body);
        }
    }
    for unused in shared.iter().enumerate().filter(|(at, _)| !used.contains(at)).map(|(_, text)| text) {
        let alone = alone(unused, shared);
        // A message that could not be put together may want to use it.
        found.extend(alone.into_iter().filter(|found| whole || found.code != Code::UnusedPart));
    }
    found
}

/// Makes the HTML of a text in MJML.
fn to_html(text: &mut Text) {
    if text.template.findings.is_empty() {
        match mjml::html(&text.piece) {
            Ok(html) => text.html = Some(html),
            Err(findings) => text.template.findings = findings,
        }
    }
}

/// What can be said of a text that no message uses.
fn alone(text: &SharedText, shared: &[Arc<SharedText>]) -> Vec<Diagnostic> {
    let mut assembler = Assembler::new(shared, text.language.as_deref(), text.markup);
    let mut found = match assembler.file(&text.piece) {
        Err(finding) => vec![*finding],
        Ok(assembled) => {
            let piece = assembled.map_or_else(|| text.piece.clone(), |(body, _)| body);
            Text::new(Part::Body, piece).template.findings
        }
    };
    found.append(&mut assembler.found);
    if found.is_empty() {
        let at = text.piece.whole().before();
        let message = format!("no message uses {}", quote(&text.path));
        let tag = if text.name.starts_with("layouts/") { "extends" } else { "include" };
        found.push(
            Diagnostic::new(Code::UnusedPart, at, message)
                .help(format!("write `{{% {tag} \"{}\" %}}` in a message, or remove the file", text.name)),
        );
    }
    found
}

/// A text with its tags.
struct Source {
    piece: Piece,
    tags: Vec<Tag>,
}

/// What a block is filled with.
#[derive(Clone)]
struct Filling {
    source: Rc<Source>,
    range: Range<usize>,
    /// Where its name stands.
    at: Span,
}

/// What the texts so far say for each block, the one nearest to the message first.
type Blocks = BTreeMap<SmolStr, Vec<Filling>>;

/// A layout of its own around a body.
type Layout = Option<(Piece, Markup)>;

type Assembled<T> = Result<T, Box<Diagnostic>>;

struct Assembler<'a> {
    shared: &'a [Arc<SharedText>],
    language: Option<&'a str>,
    markup: Markup,
    /// The texts that are being put in, by place: none stands in itself.
    inside: Vec<usize>,
    used: BTreeSet<usize>,
    placed: BTreeSet<SmolStr>,
    found: Vec<Diagnostic>,
    out: Piece,
}

impl<'a> Assembler<'a> {
    fn new(shared: &'a [Arc<SharedText>], language: Option<&'a str>, markup: Markup) -> Self {
        let out = Piece::empty();
        let (inside, used, placed, found) = (Vec::new(), BTreeSet::new(), BTreeSet::new(), Vec::new());
        Self { shared, language, markup, inside, used, placed, found, out }
    }

    /// Puts a text together; none if it stands for itself.
    fn file(&mut self, piece: &Piece) -> Assembled<Option<(Piece, Layout)>> {
        let tags = tags(piece)?;
        if tags.is_empty() {
            return Ok(None);
        }
        let source = Rc::new(Source { piece: piece.clone(), tags });
        let layout = match extended(&source) {
            Some((path, tag)) => {
                let place = self.find(path, tag.argument, "layout", |own, layout| own.stands_in(layout))?;
                self.shared.get(place).filter(|layout| self.markup == Markup::Markdown && layout.markup != self.markup)
            }
            None => None,
        };
        let Some(layout) = layout else {
            self.text(&source, Blocks::new())?;
            return Ok(Some((std::mem::replace(&mut self.out, Piece::empty()), None)));
        };
        // Markdown becomes HTML before it stands in its layout.
        let body = self.markdown_body(&source)?;
        let at = source.tags.first().map_or(body.at, |tag| tag.argument);
        let hole = Piece::made(CONTENT, at.before());
        let length = hole.text().len();
        let hole = Filling { source: Rc::new(Source { piece: hole, tags: Vec::new() }), range: 0..length, at };
        let blocks = Blocks::from([(SmolStr::new_static("content"), vec![hole])]);
        self.write(&body.source, &body.range, &Blocks::new(), None)?;
        let body = std::mem::replace(&mut self.out, Piece::empty());
        let markup = self.markup;
        self.markup = layout.markup;
        self.extend(&source, blocks)?;
        self.markup = markup;
        let around = std::mem::replace(&mut self.out, Piece::empty());
        Ok(Some((body, Some((around, layout.markup)))))
    }

    /// The text of a Markdown message that stands in a layout of HTML: its block `content`, or all of it.
    fn markdown_body(&mut self, source: &Rc<Source>) -> Assembled<Filling> {
        let mut blocks = own_blocks(source);
        let start = source.tags.first().map_or(0, |tag| tag.range.end);
        let at = source.piece.span(start..start);
        if blocks.is_empty() {
            return Ok(Filling { source: Rc::clone(source), range: start..source.piece.text().len(), at });
        }
        self.stray(source);
        let content = blocks.remove("content");
        for (name, filling) in blocks {
            let message =
                format!("a text in Markdown fills the block `content` of a layout alone, not {}", quote(&name));
            self.found.push(
                Diagnostic::new(Code::UnknownBlock, filling.at, message)
                    .help("write the message in HTML or MJML, or leave the block out"),
            );
        }
        Ok(content.unwrap_or(Filling { source: Rc::clone(source), range: start..start, at }))
    }

    /// Writes a whole text, in the layout that it extends.
    fn text(&mut self, source: &Rc<Source>, mut blocks: Blocks) -> Assembled<()> {
        if extended(source).is_none() {
            self.write(source, &(0..source.piece.text().len()), &blocks, None)?;
            self.unplaced(&blocks);
            return Ok(());
        }
        self.stray(source);
        for (name, filling) in own_blocks(source) {
            blocks.entry(name).or_default().push(filling);
        }
        self.extend(source, blocks)
    }

    /// Writes the layout that a text extends.
    fn extend(&mut self, source: &Rc<Source>, blocks: Blocks) -> Assembled<()> {
        let Some((path, tag)) = extended(source) else { return Ok(()) };
        let place = self.find(path, tag.argument, "layout", Markup::stands_in)?;
        let layout = self.enter(place, tag)?;
        self.text(&layout, blocks)?;
        self.inside.pop();
        Ok(())
    }

    /// Writes a stretch of a text. `block` is the one that it fills, and how many texts filled it before.
    fn write(
        &mut self,
        source: &Rc<Source>,
        range: &Range<usize>,
        blocks: &Blocks,
        block: Option<(&Filling, &[Filling])>,
    ) -> Assembled<()> {
        let mut at = range.start;
        let mut next = source.tags.partition_point(|tag| tag.range.start < range.start);
        while let Some(tag) = source.tags.get(next).filter(|tag| tag.range.end <= range.end) {
            self.copy(&source.piece, at..tag.range.start, tag.argument)?;
            at = tag.range.end;
            next += 1;
            match &tag.act {
                Act::Include(path) => {
                    let place = self.find(path, tag.argument, "partial", Markup::takes)?;
                    let part = self.enter(place, tag)?;
                    self.open(tag);
                    self.text(&part, Blocks::new())?;
                    self.close(tag);
                    self.inside.pop();
                }
                Act::Block(name) => {
                    let end = next + end_of_block(source.tags.get(next..).unwrap_or_default());
                    let last = source.tags.get(end).unwrap_or(tag);
                    let own =
                        Filling { source: Rc::clone(source), range: at..last.range.start.max(at), at: tag.argument };
                    let mut fillings = blocks.get(name).cloned().unwrap_or_default();
                    fillings.push(own);
                    self.placed.insert(name.clone());
                    self.open(tag);
                    self.fill(&fillings, blocks)?;
                    self.close(last);
                    at = last.range.end;
                    next = end + 1;
                }
                Act::Super => match block {
                    Some((_, rest)) => self.fill(rest, blocks)?,
                    None => self.found.push(
                        Diagnostic::new(Code::TemplateSyntax, tag.argument, "`super()` stands outside of every block")
                            .help("write it inside of a `{% block .. %}` that replaces one of the layout"),
                    ),
                },
                Act::Extends(_) => self.found.push(
                    Diagnostic::new(Code::TemplateSyntax, tag.argument, "`{% extends %}` stands behind other text")
                        .help("make it the first thing in the text"),
                ),
                Act::EndBlock => {}
            }
        }
        let rest = at..range.end;
        let place = source.piece.span(rest.clone()).before();
        self.copy(&source.piece, rest, place)
    }

    /// Writes what fills a block; the rest is what `super()` brings.
    fn fill(&mut self, fillings: &[Filling], blocks: &Blocks) -> Assembled<()> {
        let Some((first, rest)) = fillings.split_first() else { return Ok(()) };
        self.write(&first.source, &first.range, blocks, Some((first, rest)))
    }

    fn copy(&mut self, piece: &Piece, range: Range<usize>, at: Span) -> Assembled<()> {
        self.out.append(piece, range);
        if self.out.text().len() <= MAX_FILE {
            return Ok(());
        }
        let message = format!("with its partials and layouts this text is longer than {MAX_FILE} bytes");
        Err(Box::new(Diagnostic::new(Code::TemplateTooComplex, at, message).help("include less")))
    }

    /// What a part sets stays in it.
    fn open(&mut self, tag: &Tag) {
        self.glue(if tag.trims.0 { "{%- with %}" } else { "{% with %}" }, tag);
    }

    fn close(&mut self, tag: &Tag) {
        self.glue(if tag.trims.1 { "{% endwith -%}" } else { "{% endwith %}" }, tag);
    }

    fn glue(&mut self, text: &str, tag: &Tag) {
        self.out.append(&Piece::made(text, tag.argument), 0..text.len());
    }

    /// The text of this path in the language, by place.
    fn find(
        &mut self,
        path: &SmolStr,
        at: Span,
        what: &str,
        fits: impl Fn(Markup, Markup) -> bool,
    ) -> Assembled<usize> {
        let language = self.language.map(|language| language.replace('-', "_"));
        let base = language.as_deref().and_then(|language| language.split('_').next()).map(str::to_owned);
        let of = |language: Option<&str>| {
            self.shared.iter().position(|text| text.name == *path && text.language.as_deref() == language)
        };
        let exact = || self.shared.iter().position(|text| text.path == *path);
        let place = of(language.as_deref()).or_else(|| of(base.as_deref())).or_else(|| of(None)).or_else(exact);
        let Some((place, text)) = place.and_then(|place| Some((place, self.shared.get(place)?))) else {
            return Err(Box::new(unknown(path, at, what, self.shared, |markup| fits(self.markup, markup))));
        };
        if !fits(self.markup, text.markup) {
            let message =
                format!("a text in .{} cannot take in a {what} in .{}", self.markup.ending(), text.markup.ending());
            return Err(Box::new(
                Diagnostic::new(Code::PartFormat, at, message)
                    .note("What a contact's name may hold is escaped by how the text around it is written.")
                    .help(format!("write the {what} in .{}", self.markup.ending())),
            ));
        }
        self.used.insert(place);
        Ok(place)
    }

    fn enter(&mut self, place: usize, tag: &Tag) -> Assembled<Rc<Source>> {
        let name = self.shared.get(place).map_or("", |text| text.path.as_str());
        if self.inside.contains(&place) {
            let message = format!("{} brings in itself", quote(name));
            return Err(Box::new(
                Diagnostic::new(Code::PartCycle, tag.argument, message)
                    .help("remove one of the tags that lead around in the circle"),
            ));
        }
        if self.inside.len() >= MAX_PARTS_DEPTH {
            let message = format!("more than {MAX_PARTS_DEPTH} partials and layouts stand inside of each other");
            return Err(Box::new(
                Diagnostic::new(Code::TemplateTooComplex, tag.argument, message).help("put some of them together"),
            ));
        }
        self.inside.push(place);
        let piece = self.shared.get(place).map_or_else(Piece::empty, |text| text.piece.clone());
        Ok(Rc::new(Source { tags: tags(&piece)?, piece }))
    }

    /// Text outside of the blocks would be lost.
    fn stray(&mut self, source: &Source) {
        let mut at = 0;
        let mut next = 0;
        while let Some(tag) = source.tags.get(next) {
            self.stray_between(source, at..tag.range.start);
            next += 1;
            if matches!(tag.act, Act::Block(_)) {
                next += end_of_block(source.tags.get(next..).unwrap_or_default()) + 1;
            }
            at = next.checked_sub(1).and_then(|last| source.tags.get(last)).map_or(at, |last| last.range.end);
        }
        self.stray_between(source, at..source.piece.text().len());
    }

    fn stray_between(&mut self, source: &Source, range: Range<usize>) {
        let text = source.piece.text().get(range.clone()).unwrap_or_default();
        let Some(first) = without_comments(text).find(|c: char| !c.is_whitespace()) else { return };
        let line = text.get(first..).and_then(|rest| rest.lines().next()).unwrap_or_default().trim_end().len();
        let start = range.start + first;
        let found = Diagnostic::new(
            Code::TextOutsideBlocks,
            source.piece.span(start..start + line),
            "this text stands outside of every block, and would be lost",
        );
        self.found.push(
            found.help(
                "put it between `{% block content %}` and `{% endblock %}`, by the name of a block of the layout",
            ),
        );
    }

    /// Blocks for which the layout has no place.
    fn unplaced(&mut self, blocks: &Blocks) {
        for (name, fillings) in blocks {
            let Some(filling) = fillings.first().filter(|_| !self.placed.contains(name)) else { continue };
            let message = match filling.source.tags.is_empty() && filling.source.piece.text() == CONTENT {
                true => "the layout has no block `content` for the text".to_owned(),
                false => format!("the layout has no block {}", quote(name)),
            };
            let names = self.placed.iter().map(SmolStr::as_str);
            let found = Diagnostic::new(Code::UnknownBlock, filling.at, message).suggest(name, names);
            self.found.push(
                found.help(format!("write `{{% block {name} %}}{{% endblock %}}` where it belongs in the layout")),
            );
        }
    }
}

/// The layout that a text extends, if it begins with that tag.
fn extended(source: &Source) -> Option<(&SmolStr, &Tag)> {
    let tag = source.tags.first()?;
    let Act::Extends(path) = &tag.act else { return None };
    let before = source.piece.text().get(..tag.range.start).unwrap_or_default();
    without_comments(before).trim().is_empty().then_some((path, tag))
}

/// The blocks of a text that stand in no other block.
fn own_blocks(source: &Rc<Source>) -> BTreeMap<SmolStr, Filling> {
    let mut blocks = BTreeMap::new();
    let mut next = 0;
    while let Some(tag) = source.tags.get(next) {
        next += 1;
        if let Act::Block(name) = &tag.act {
            next += end_of_block(source.tags.get(next..).unwrap_or_default());
            let end = source.tags.get(next).map_or(tag.range.end, |end| end.range.start);
            let filling = Filling { source: Rc::clone(source), range: tag.range.end..end, at: tag.argument };
            blocks.entry(name.clone()).or_insert(filling);
            next += 1;
        }
    }
    blocks
}

/// The place of the tag that closes a block, among those that follow its opening.
fn end_of_block(tags: &[Tag]) -> usize {
    let mut depth = 0_usize;
    for (at, tag) in tags.iter().enumerate() {
        match tag.act {
            Act::Block(_) => depth += 1,
            Act::EndBlock if depth == 0 => return at,
            Act::EndBlock => depth -= 1,
            _ => {}
        }
    }
    tags.len()
}

/// The text with spaces in place of comments.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("{#") {
        let length = comment.find("#}").map_or(comment.len(), |end| end + 2);
        out.push_str(before);
        out.extend(std::iter::repeat_n(' ', length + 2));
        rest = comment.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}
