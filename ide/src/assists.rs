//! Changes that are worth offering where nothing is wrong, and what creates a thing that is missing.

use journey_compiler::diagnostic::{Code, Edit, Span};
use journey_compiler::project::FileId;
use journey_grammar::{Node, SyntaxKind, TextRange, Token};

use crate::Snapshot;
use crate::names::{Kind, span};
use crate::rename::Change;

/// A change on offer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assist {
    /// What it does, as an imperative.
    pub title: String,
    /// What sort of change it is.
    pub kind: AssistKind,
    /// The finding that it mends, by its place in the compilation.
    pub mends: Option<usize>,
    /// The change.
    pub change: Change,
}

/// The sorts of changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AssistKind {
    /// Mends a finding.
    Fix,
    /// Moves something to a place of its own.
    Extract,
    /// Says the same in another way.
    Rewrite,
    /// Adds something.
    Add,
}

/// The changes on offer for a piece of a file.
pub fn assists(snapshot: &Snapshot, file: FileId, range: TextRange) -> Vec<Assist> {
    let mut found = missing(snapshot, file, range);
    if let Some(tree) = snapshot.tree(file) {
        let weight = |token: Token<'_>| u8::from(!token.kind().is_trivia());
        let node = match range.is_empty() {
            true => tree.tokens_at(range.start).pick(weight).map(Token::parent),
            false => Some(tree.covering(trimmed(snapshot.text(file), range))),
        };
        if let Some(node) = node {
            found.extend(extract_segment(snapshot, file, node));
            found.extend(convert_to_choose(snapshot, file, node));
            found.extend(add_else(file, node));
            found.extend(add_test(file, node));
        }
    }
    found
}

/// The selection without the blanks at its ends.
fn trimmed(text: &str, range: TextRange) -> TextRange {
    let selected = text.get(range.to_usize()).unwrap_or_default();
    let before = selected.len() - selected.trim_start().len();
    let length = selected.trim().len();
    let start = range.start + u32::try_from(before).unwrap_or_default();
    TextRange::new(start, start + u32::try_from(length).unwrap_or_default())
}

/// Creates what findings in the range say is missing.
fn missing(snapshot: &Snapshot, file: FileId, range: TextRange) -> Vec<Assist> {
    let all = snapshot.compilation().diagnostics.iter().enumerate();
    let here = all.filter(|(_, d)| {
        let at = d.primary.span;
        at.file == file && at.start <= range.end && range.start <= at.end
    });
    let create = |(number, d): (usize, &journey_compiler::diagnostic::Diagnostic)| {
        let at = d.primary.span;
        let name = snapshot.text(file).get(at.range())?;
        let name = name.split_whitespace().last().unwrap_or(name);
        let is_word = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if !is_word {
            return None;
        }
        let (title, change) = match d.code {
            Code::UnknownTag => (format!("Declare the tag `{name}`"), declare_tag(snapshot, file, name)),
            Code::UnknownEvent => {
                (format!("Declare the event `{name}`"), declare(snapshot, file, Kind::Event, &format!("event {name}")))
            }
            Code::UnknownTopic => {
                let title = title_of(name);
                (
                    format!("Declare the topic `{name}`"),
                    declare(snapshot, file, Kind::Topic, &format!("topic {name} \"{title}\"")),
                )
            }
            Code::UnknownSegment => {
                let text = format!("segment {name} = opened any email within 30d");
                (format!("Declare the segment `{name}`"), declare(snapshot, file, Kind::Segment, &text))
            }
            Code::UnknownMessage => {
                let channel = channel_of(snapshot, file, at)?;
                let (path, text) = new_message(name, &channel);
                let change = Change { create: vec![(path.clone(), text)], ..Change::default() };
                (format!("Create the message `{path}`"), change)
            }
            _ => return None,
        };
        Some(Assist { title, kind: AssistKind::Fix, mends: Some(number), change })
    };
    here.filter_map(create).collect()
}

fn channel_of(snapshot: &Snapshot, file: FileId, at: Span) -> Option<String> {
    let tree = snapshot.tree(file)?;
    let send =
        tree.covering(TextRange::new(at.start, at.end)).ancestors().find(|n| n.kind() == SyntaxKind::SendStep)?;
    Some(send.child(SyntaxKind::ChannelList)?.children().next()?.text().to_owned())
}

/// The path and first text of a new message.
fn new_message(name: &str, channel: &str) -> (String, String) {
    let title = title_of(name);
    match channel {
        "email" => (format!("messages/{name}.email.md"), format!("---\nsubject: {title}\n---\n# {title}\n\nHello,\n")),
        "webhook" => (format!("messages/{name}.webhook.json"), "{}\n".to_owned()),
        other => (format!("messages/{name}.{other}.txt"), format!("{title}\n")),
    }
}

/// `brand_story` as a title: `Brand story`.
fn title_of(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut chars = words.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", chars.as_str())
}

fn declare_tag(snapshot: &Snapshot, file: FileId, name: &str) -> Change {
    let tags = snapshot.files().filter_map(|file| {
        let block = snapshot.tree(file)?.root().child(SyntaxKind::TagsDecl)?;
        Some((file, block))
    });
    let Some((other, block)) = tags.min_by_key(|(other, _)| *other != file) else {
        return declare(snapshot, file, Kind::Tag, &format!("tags {{ {name} }}"));
    };
    let last = block.children().last().map_or_else(
        || block.token(SyntaxKind::LBrace).map_or(block.range().end, |brace| brace.range().end),
        |last| last.range().end,
    );
    // A tag on its own line stays on its own line.
    let apart = block.text().contains('\n');
    let text = if apart { format!("\n  {name}") } else { format!(" {name}") };
    edit(other, TextRange::at(last), text)
}

/// Adds a declaration behind the last of its kind, or where the project keeps its declarations.
fn declare(snapshot: &Snapshot, file: FileId, kind: Kind, text: &str) -> Change {
    let items = &snapshot.declarations().items;
    let last = items.iter().filter(|(symbol, _)| symbol.kind == kind).map(|(_, item)| item.whole);
    if let Some(last) = last.max_by_key(|span| (span.file == file, *span)) {
        return edit(last.file, TextRange::at(last.end), format!("\n{text}"));
    }
    let declarations = snapshot.files().find(|file| snapshot.path(*file).ends_with("declarations.journey"));
    match declarations {
        Some(other) => {
            let end = snapshot.text(other).trim_end().len();
            edit(other, TextRange::at(u32::try_from(end).unwrap_or_default()), format!("\n\n{text}"))
        }
        None => edit(file, TextRange::at(0), format!("{text}\n\n")),
    }
}

fn edit(file: FileId, range: TextRange, text: String) -> Change {
    Change { edits: vec![Edit { span: span(file, range), text }], ..Change::default() }
}

/// Gives a condition a name.
fn extract_segment(snapshot: &Snapshot, file: FileId, node: Node<'_>) -> Option<Assist> {
    let condition = node.ancestors().find(|node| {
        let holder = node.parent().map(Node::kind);
        is_condition(node.kind())
            && matches!(
                holder,
                Some(SyntaxKind::IfStep | SyntaxKind::WhereClause | SyntaxKind::AndExpr | SyntaxKind::OrExpr)
            )
    })?;
    let item = condition.ancestors().find(|node| node.parent().is_some_and(|p| p.kind() == SyntaxKind::File))?;
    if !matches!(item.kind(), SyntaxKind::Journey) || inside_event(condition) {
        return None;
    }
    // A segment knows neither the run nor what started it.
    let range = condition.range();
    let own = snapshot.names(file)?.all().iter().filter(|name| range.contains_range(name.range));
    let runs_own = own.into_iter().any(|name| matches!(name.symbol.kind, Kind::Local | Kind::Handle | Kind::Message));
    let asks_run = condition.descendants().any(|node| {
        let bare = node.kind() == SyntaxKind::StatusExpr && node.child(SyntaxKind::AnyMessage).is_none();
        bare || node.kind() == SyntaxKind::Path && node.text().starts_with("trigger.")
    });
    if runs_own || asks_run {
        return None;
    }
    let taken = |name: &str| snapshot.declarations().items.keys().any(|symbol| symbol.name == name);
    let name = (1..).map(|n| format!("segment_{n}")).find(|name| !taken(name))?;
    let declaration = format!("segment {name} = {}\n\n", condition.text());
    let docs = item.docs().map_or(0, |docs| docs.lines().count());
    let start = line_before(snapshot.text(file), item.range().start, docs);
    let edits = vec![
        Edit { span: span(file, TextRange::at(start)), text: declaration },
        Edit { span: span(file, range), text: format!("in {name}") },
    ];
    let change = Change { edits, ..Change::default() };
    Some(Assist { title: "Extract into a segment".to_owned(), kind: AssistKind::Extract, mends: None, change })
}

/// The start of the line so many lines above an offset.
fn line_before(text: &str, offset: u32, lines: usize) -> u32 {
    let mut at = offset as usize;
    for _ in 0..=lines {
        at = text.get(..at).and_then(|before| before.rfind('\n')).unwrap_or(0);
    }
    u32::try_from(if at == 0 { 0 } else { at + 1 }).unwrap_or(offset)
}

fn inside_event(condition: Node<'_>) -> bool {
    let clause = condition.ancestors().find(|node| node.kind() == SyntaxKind::WhereClause);
    clause.and_then(Node::parent).is_some_and(|of| !matches!(of.kind(), SyntaxKind::Journey | SyntaxKind::BareJourney))
}

const fn is_condition(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::OrExpr
            | SyntaxKind::AndExpr
            | SyntaxKind::NotExpr
            | SyntaxKind::CompareExpr
            | SyntaxKind::InExpr
            | SyntaxKind::MatchExpr
            | SyntaxKind::BetweenExpr
            | SyntaxKind::PresenceExpr
            | SyntaxKind::WithinExpr
            | SyntaxKind::HasTagExpr
            | SyntaxKind::DidExpr
            | SyntaxKind::StatusExpr
            | SyntaxKind::ConsentExpr
    )
}

/// `if plan is free .. else if plan is pro ..` as one `choose`.
fn convert_to_choose(snapshot: &Snapshot, file: FileId, node: Node<'_>) -> Option<Assist> {
    let first = node
        .ancestors()
        .take_while(|node| node.kind() != SyntaxKind::Block)
        .find(|n| n.kind() == SyntaxKind::IfStep)?;
    let mut arms = Vec::new();
    let mut subject = None;
    let mut rest = None;
    let mut step = Some(first);
    while let Some(current) = step.take() {
        let compare = current.child(SyntaxKind::CompareExpr)?;
        let mut sides = compare.children();
        let (left, right) = (sides.next()?, sides.next()?);
        let is = compare.own_tokens().map(Token::text).collect::<Vec<_>>();
        let constant = matches!(right.kind(), SyntaxKind::Path | SyntaxKind::Literal);
        let same = subject.is_none_or(|subject| subject == left.text());
        if !matches!(is.as_slice(), ["is" | "=="]) || left.kind() != SyntaxKind::Path || !constant || !same {
            return None;
        }
        subject = Some(left.text());
        let body = current.children().find(|child| child.range().start >= compare.range().end)?;
        arms.push((right.text(), body));
        if let Some(branch) = current.child(SyntaxKind::ElseBranch) {
            let inner = branch.children().next()?;
            if inner.kind() == SyntaxKind::IfStep && inner.child(SyntaxKind::CompareExpr).is_some() {
                step = Some(inner);
            } else {
                rest = Some(inner);
            }
        }
    }
    let subject = subject?;
    if arms.len() < 2 {
        return None;
    }
    let indent = indentation(snapshot.text(file), first.range().start);
    let block = |body: Node<'_>| match body.kind() {
        SyntaxKind::Block => body.text().to_owned(),
        _ => format!("{{ {} }}", body.text()),
    };
    let mut text = format!("choose {subject} {{\n");
    for (value, body) in arms {
        text.push_str(&format!("{indent}  {value} {}\n", block(body)));
    }
    if let Some(body) = rest {
        text.push_str(&format!("{indent}  else {}\n", block(body)));
    }
    text.push_str(&format!("{indent}}}"));
    let change = edit(file, first.range(), text);
    Some(Assist { title: format!("Convert to `choose {subject}`"), kind: AssistKind::Rewrite, mends: None, change })
}

fn indentation(text: &str, offset: u32) -> String {
    let line = text.get(..offset as usize).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    line.chars().take_while(|c| c.is_whitespace()).collect()
}

/// Adds the other way to a decision or a wait that has none.
fn add_else(file: FileId, node: Node<'_>) -> Option<Assist> {
    let step = node.ancestors().take_while(|node| node.kind() != SyntaxKind::Block).find(|node| {
        let waits = node.kind() == SyntaxKind::WaitForStep && node.child(SyntaxKind::UpToClause).is_some();
        node.kind() == SyntaxKind::IfStep || waits
    })?;
    if step.child(SyntaxKind::ElseBranch).is_some() {
        return None;
    }
    let change = edit(file, TextRange::at(step.range().end), " else { }".to_owned());
    Some(Assist { title: "Add `else`".to_owned(), kind: AssistKind::Add, mends: None, change })
}

/// Adds a test of the journey behind it.
fn add_test(file: FileId, node: Node<'_>) -> Option<Assist> {
    let journey = node.ancestors().find(|node| node.kind() == SyntaxKind::Journey)?;
    let name = journey.child(SyntaxKind::Name)?;
    // Only where nothing else is meant: at the journey's head.
    if !matches!(node.kind(), SyntaxKind::Journey | SyntaxKind::Name)
        || node.parent() != name.parent() && node != journey
    {
        return None;
    }
    let trigger = journey.children().find(|child| child.kind() == SyntaxKind::TriggerClause)?.children().next()?;
    let stimulus = match trigger.kind() {
        SyntaxKind::TagPattern | SyntaxKind::CreatedPattern => trigger.text().to_owned(),
        SyntaxKind::EventPattern => format!("event {}", trigger.child(SyntaxKind::Name)?.text()),
        _ => return None,
    };
    let send = journey.descendants().find(|node| node.kind() == SyntaxKind::SendStep);
    let expectation = send.and_then(|send| {
        let channel = send.child(SyntaxKind::ChannelList)?.children().next()?.text();
        Some(format!("expect send {channel} {}", send.child(SyntaxKind::Name)?.text()))
    });
    let expectation = expectation.unwrap_or_else(|| "expect end".to_owned());
    let text = format!(
        "\n\ntest \"{}\" {{\n  given contact\n  at 2026-01-05 10:00 {stimulus}\n  {expectation}\n}}",
        title_of(name.text()),
    );
    let change = edit(file, TextRange::at(journey.range().end), text);
    Some(Assist { title: format!("Add a test of `{}`", name.text()), kind: AssistKind::Add, mends: None, change })
}
