//! What a project declares, as written.

use std::collections::{BTreeMap, BTreeSet};

use journey_compiler::diagnostic::Span;
use journey_compiler::messages::TextFile;
use journey_compiler::project::FileId;
use journey_compiler::sources::Sources;
use journey_grammar::ast::{self, AstNode};
use journey_grammar::{Node, SyntaxKind};

use super::{Kind, Symbol, span};

/// A declared attribute of contacts, or a field of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// Its type as written, without the `?`.
    pub(crate) ty: String,
    /// The values, if it is an enum.
    pub(crate) values: Vec<String>,
    /// Whether it may be unset.
    pub(crate) optional: bool,
    /// Its default as written.
    pub(crate) default: Option<String>,
    pub(crate) at: Span,
    pub(crate) docs: Option<String>,
}

/// A message: its files, first the one that fits everybody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Message {
    pub(crate) channel: String,
    pub(crate) subject: Option<String>,
    pub(crate) files: Vec<FileId>,
}

/// Something that is declared and has no parts that matter here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Item {
    /// The name.
    pub(crate) at: Span,
    /// The declaration.
    pub(crate) whole: Span,
    /// Its head on one line: `topic offers "Offers and news"`.
    pub(crate) text: String,
    pub(crate) docs: Option<String>,
}

/// All declarations of a project, by name.
#[derive(Debug, Default)]
pub(crate) struct Declarations {
    pub(crate) attributes: BTreeMap<String, Field>,
    pub(crate) events: BTreeMap<String, Vec<Field>>,
    /// The fields of `on call { .. }`, by journey.
    pub(crate) calls: BTreeMap<String, Vec<Field>>,
    pub(crate) funnels: BTreeMap<String, Vec<String>>,
    /// By name: the texts by channel.
    pub(crate) messages: BTreeMap<String, Vec<Message>>,
    /// Everything that has a declaration in a journey file: tags, events, topics, segments, journeys and so on.
    pub(crate) items: BTreeMap<Symbol, Item>,
    /// The handles and the messages that they name, by journey and handle.
    pub(crate) handles: BTreeMap<(String, String), String>,
    /// The journeys that send a message, by its channel and name.
    pub(super) senders: BTreeMap<(String, String), BTreeSet<String>>,
    /// What lets contacts into a journey and has fields: events, and `call NAME` for its own call.
    triggers: BTreeMap<String, Vec<String>>,
    /// The texts that messages share, by what messages call them: first the one that fits everybody.
    pub(crate) shared: BTreeMap<String, Vec<FileId>>,
}

/// What the moment at which a code is no longer good is called, behind the code's name.
pub(super) const EXPIRES: &str = "_expires";

impl Declarations {
    /// The thing that a value's name calls: one of this name, or the code whose end it is.
    pub(super) fn called(&self, name: &str, symbol: impl Fn(&str) -> Symbol) -> Option<Symbol> {
        let known = |name: &str| Some(symbol(name)).filter(|symbol| self.items.contains_key(symbol));
        known(name).or_else(|| known(name.strip_suffix(EXPIRES)?))
    }

    /// The voucher whose code has no name of its own.
    pub(super) fn voucher(&self, name: &str) -> Option<Symbol> {
        self.called(name, |name| Symbol::global(Kind::Voucher, name))
    }

    /// Gathers them; of two with one name the first counts, as for the compiler.
    pub(crate) fn of(sources: &Sources, path: impl Fn(FileId) -> String) -> Self {
        let mut all = Self::default();
        for journeys in &sources.journeys {
            let file = journeys.file;
            for item in ast::File::of(&journeys.tree).items() {
                all.item(file, item, &path(file));
            }
        }
        for message in &sources.messages {
            let first = message.texts.first();
            let subject = first.and_then(|text| text.subject.as_ref()).map(|subject| subject.piece.text().to_owned());
            let files = message.texts.iter().filter(|text| !text.inline).map(|text| text_file(text)).collect();
            let message_of = Message { channel: message.channel.to_string(), subject, files };
            all.messages.entry(message.name.to_string()).or_default().push(message_of);
        }
        for text in sources.shared() {
            let files = all.shared.entry(text.name.to_string()).or_default();
            let at = if text.language.is_none() { 0 } else { files.len() };
            files.insert(at, text.piece.whole().file);
        }
        all
    }

    fn item(&mut self, file: FileId, item: ast::Item<'_>, path: &str) {
        let node = item.syntax();
        let name = node.child(SyntaxKind::Name);
        let named = name.map(|name| name.text().to_owned()).unwrap_or_default();
        match item {
            ast::Item::Contact(_) => {
                for field in fields(file, node) {
                    self.attributes.entry(field.name.clone()).or_insert(field);
                }
            }
            ast::Item::Tags(_) => {
                for tag in node.children().filter(|child| child.kind() == SyntaxKind::Name) {
                    self.declare(file, Symbol::global(Kind::Tag, tag.text()), tag, tag, "tag");
                }
            }
            ast::Item::Event(_) => {
                self.events.entry(named).or_insert_with(|| fields(file, node));
                self.named(file, Kind::Event, node, name);
            }
            ast::Item::Funnel(_) => {
                let groups = node.children().filter(|child| child.kind() == SyntaxKind::StageGroup);
                let stages: Vec<_> = groups.flat_map(|group| group.children().collect::<Vec<_>>()).collect();
                for stage in &stages {
                    let symbol = Symbol::new(Kind::Stage, named.clone(), stage.text());
                    self.declare(file, symbol, *stage, *stage, "stage");
                }
                let stages = stages.iter().map(|stage| stage.text().to_owned()).collect();
                self.funnels.entry(named).or_insert(stages);
                self.named(file, Kind::Funnel, node, name);
            }
            ast::Item::Topic(_) => self.named(file, Kind::Topic, node, name),
            ast::Item::Segment(_) => self.named(file, Kind::Segment, node, name),
            ast::Item::Score(_) => self.named(file, Kind::Score, node, name),
            ast::Item::Voucher(_) => self.named(file, Kind::Voucher, node, name),
            ast::Item::Journey(_) => self.journey(file, node, path),
            ast::Item::Policy(_) | ast::Item::Test(_) => {}
        }
    }

    fn journey(&mut self, file: FileId, node: Node<'_>, path: &str) {
        let name = node.child(SyntaxKind::Name);
        let journey = journey_name(node, path);
        let at = name.or_else(|| node.children().next()).unwrap_or(node);
        self.declare(file, Symbol::global(Kind::Journey, journey.clone()), at, node, "journey");
        self.triggers.entry(journey.clone()).or_insert_with(|| triggers(node, &journey));
        for inner in node.descendants() {
            let local = |kind: Kind, name: &str| Symbol::new(kind, journey.clone(), name);
            let name = inner.child(SyntaxKind::Name);
            match (inner.kind(), name) {
                (SyntaxKind::CallTrigger, _) => {
                    self.calls.entry(journey.clone()).or_insert_with(|| fields(file, inner));
                }
                (SyntaxKind::SendStep, message) => {
                    let channels = inner.child(SyntaxKind::ChannelList).into_iter().flat_map(Node::children);
                    for (channel, message) in channels.zip(std::iter::repeat(message)) {
                        let sent = (channel.text().to_owned(), message.map(Node::text).unwrap_or_default().to_owned());
                        self.senders.entry(sent).or_default().insert(journey.clone());
                    }
                    let clause = inner.child(SyntaxKind::AsClause);
                    let handle = clause.and_then(|clause| clause.child(SyntaxKind::Name));
                    let Some((handle, clause)) = handle.zip(clause) else { continue };
                    let message = message.map(|message| message.text().to_owned()).unwrap_or_default();
                    self.handles.entry((journey.clone(), handle.text().to_owned())).or_insert(message);
                    self.declare(file, local(Kind::Handle, handle.text()), handle, clause, "");
                }
                (SyntaxKind::LetStep, Some(name)) => {
                    self.declare(file, local(Kind::Local, name.text()), name, inner, "");
                }
                (SyntaxKind::CallStep | SyntaxKind::VoucherStep | SyntaxKind::CollectClause, _) => {
                    let name = inner.child(SyntaxKind::AsClause).and_then(|clause| clause.child(SyntaxKind::Name));
                    if let Some(name) = name {
                        self.declare(file, local(Kind::Local, name.text()), name, inner, "");
                    }
                }
                (SyntaxKind::StepLabel, Some(name)) => {
                    self.declare(file, local(Kind::Step, name.text()), name, inner, "");
                }
                (SyntaxKind::SplitStep, Some(name)) => {
                    self.declare(file, local(Kind::Split, name.text()), name, inner, "");
                    for side in inner.children().filter(|child| child.kind() == SyntaxKind::SplitArm) {
                        if let Some(side_name) = side.child(SyntaxKind::Name) {
                            let symbol = Symbol::new(Kind::Side, name.text(), side_name.text());
                            self.declare(file, symbol, side_name, side, "");
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn named(&mut self, file: FileId, kind: Kind, node: Node<'_>, name: Option<Node<'_>>) {
        if let Some(name) = name {
            self.declare(file, Symbol::global(kind, name.text()), name, node, "");
        }
    }

    /// `word` goes before the name where the source has none beside it.
    fn declare(&mut self, file: FileId, symbol: Symbol, at: Node<'_>, whole: Node<'_>, word: &str) {
        self.items.entry(symbol).or_insert_with(|| {
            let text = match (whole.kind(), word) {
                (SyntaxKind::Journey | SyntaxKind::BareJourney, _) => head(whole.text()),
                (_, "") => one_line(whole.text()),
                (_, word) => format!("{word} {}", at.text()),
            };
            Item { at: span(file, at.range()), whole: span(file, whole.range()), text, docs: docs(whole) }
        });
    }

    /// Whether an attribute or a field has this value.
    pub(crate) fn field(&self, owner: &str) -> Option<&Field> {
        match owner.split_once('.') {
            None => self.attributes.get(owner),
            Some((event, field)) => self.event_field(event, field),
        }
    }

    /// The fields of what starts a journey, each with the event that it belongs to.
    pub(crate) fn fields_of_triggers(&self, journey: &str) -> impl Iterator<Item = (&str, &Field)> {
        let owners = self.triggers.get(journey).into_iter().flatten();
        owners.flat_map(|owner| {
            let fields = match owner.strip_prefix("call ") {
                Some(journey) => self.calls.get(journey),
                None => self.events.get(owner),
            };
            fields.into_iter().flatten().map(|field| (owner.as_str(), field))
        })
    }

    pub(crate) fn event_field(&self, event: &str, field: &str) -> Option<&Field> {
        let fields = match event.strip_prefix("call ") {
            Some(journey) => self.calls.get(journey),
            None => self.events.get(event),
        };
        fields?.iter().find(|known| known.name == field)
    }
}

/// What lets contacts into a journey and has fields.
fn triggers(journey: Node<'_>, name: &str) -> Vec<String> {
    let clauses = journey.children().filter(|child| child.kind() == SyntaxKind::TriggerClause);
    let owner = |clause: Node<'_>| {
        let trigger = clause.children().next()?;
        match trigger.kind() {
            SyntaxKind::EventPattern => trigger.child(SyntaxKind::Name).map(|event| event.text().to_owned()),
            SyntaxKind::CallTrigger => Some(format!("call {name}")),
            _ => None,
        }
    };
    clauses.filter_map(owner).collect()
}

/// The name of a journey; a bare sentence has that of its file.
pub(crate) fn journey_name(journey: Node<'_>, path: &str) -> String {
    if let Some(name) = journey.child(SyntaxKind::Name) {
        return name.text().to_owned();
    }
    let file = path.rsplit('/').next().unwrap_or_default();
    let stem = file.strip_suffix(".journey").unwrap_or(file);
    stem.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' }).collect()
}

fn text_file(text: &TextFile) -> FileId {
    text.head.file
}

fn fields(file: FileId, node: Node<'_>) -> Vec<Field> {
    let list = node.child(SyntaxKind::FieldList);
    let fields = list.into_iter().flat_map(Node::children).filter(|child| child.kind() == SyntaxKind::Field);
    fields.filter_map(|node| field(file, node)).collect()
}

fn field(file: FileId, node: Node<'_>) -> Option<Field> {
    let field = ast::Field::cast(node)?;
    let name = field.name()?;
    let ty = field.type_ref();
    let written = ty.map(|ty| one_line(ty.syntax().text())).unwrap_or_default();
    let values =
        ty.and_then(ast::TypeRef::enum_type).map(|of| of.values().map(|value| value.text().to_owned()).collect());
    Some(Field {
        name: name.text().to_owned(),
        ty: written.trim_end_matches('?').trim_end().to_owned(),
        values: values.unwrap_or_default(),
        optional: ty.is_some_and(|ty| ty.optional().is_some()),
        default: field.default().map(|value| value.syntax().text().to_owned()),
        at: span(file, name.range()),
        docs: docs(node),
    })
}

/// The comment that explains a declaration: `///` above it, or `//` behind it on its line.
fn docs(node: Node<'_>) -> Option<String> {
    if let Some(docs) = node.docs() {
        return Some(docs);
    }
    let mut token = node.last_token()?.next();
    while let Some(current) = token {
        match current.kind() {
            SyntaxKind::Whitespace if !current.text().contains('\n') => token = current.next(),
            SyntaxKind::Comma => token = current.next(),
            SyntaxKind::Comment => {
                let text = current.text().trim_start_matches('/').trim();
                return (!text.is_empty()).then(|| text.to_owned());
            }
            _ => return None,
        }
    }
    None
}

/// A declaration on one line.
pub(crate) fn one_line(source: &str) -> String {
    let mut lines =
        source.lines().map(|line| line.split("//").next().unwrap_or_default().trim()).filter(|l| !l.is_empty());
    let mut text = lines.by_ref().take(12).collect::<Vec<_>>().join(" ");
    if lines.next().is_some() {
        text.push_str(" …");
    }
    text
}

/// A journey's first line.
fn head(source: &str) -> String {
    source.lines().next().unwrap_or_default().trim_end_matches('{').trim_end().to_owned()
}
