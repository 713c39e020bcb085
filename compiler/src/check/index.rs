//! What all files of a project declare together, looked up by name. Built once; journeys are checked against it apart.

use std::collections::BTreeMap;
use std::sync::Arc;

use journey_bytecode::{
    Attribute, BuiltinEvent, Cap, Channel, Codes, Event, Field, PUSH, Policy, Purpose, Rate, Schema, Topic, Type,
    Value, Voucher,
};
use smol_str::SmolStr;

use super::expr::{Checker, FieldShape};
use super::table::Table;
use super::types::resolve;
use crate::config::{NotifyConfig, ServiceConfig};
use crate::diagnostic::{Code, Diagnostic, Span};
use crate::flow::Messages;
use crate::hir::{self, Item, Name, PolicyKind, Unsure};
use crate::messages::MessageSource;
use crate::project::CODES;
use crate::text::Text;
use crate::typed::Expr;

/// The fewest characters of a code that are drawn: so many make a thousand million codes.
const LEAST_DRAWN: usize = 6;

/// A file with its text.
pub(crate) struct Source<'a> {
    pub(crate) text: Text<'a>,
    pub(crate) file: &'a hir::File,
}

/// What the index knows of a message.
#[derive(Clone, Default, Debug)]
pub(crate) struct MessageInfo<'a> {
    /// Its texts, if they can be read.
    pub(crate) source: Option<&'a MessageSource>,
    /// Whether it has a link.
    pub(crate) links: bool,
    /// Whether it speaks of the event that starts a run.
    pub(crate) asks_trigger: bool,
}

/// What a message says of itself, whichever journey sends it.
pub(crate) struct OwnTerms {
    pub(crate) purpose: Option<Purpose>,
    pub(crate) topic: Option<SmolStr>,
}

/// The declarations of a project.
#[derive(Default)]
pub(crate) struct Index<'a> {
    /// Whether names count as declared by their use.
    pub(crate) lone: bool,
    pub(crate) attributes: Table<SmolStr, AttributeInfo>,
    /// The attributes' names in order of declaration.
    order: Vec<SmolStr>,
    /// Whether there are mail addresses among them, and phone numbers.
    addresses: [bool; 2],
    pub(crate) tags: Table<SmolStr, Span>,
    pub(crate) events: Table<SmolStr, EventInfo>,
    pub(crate) topics: Table<SmolStr, TopicInfo>,
    pub(crate) segments: BTreeMap<SmolStr, SegmentInfo<'a>>,
    /// The segments' conditions, once they are checked.
    pub(crate) conditions: BTreeMap<SmolStr, Option<Expr>>,
    pub(crate) funnels: BTreeMap<SmolStr, FunnelInfo>,
    pub(crate) scores: Table<SmolStr, ScoreInfo<'a>>,
    pub(crate) journeys: Table<SmolStr, Span>,
    /// What is handed over to journeys that are started (`on call { .. }`), by journey.
    pub(crate) handed: BTreeMap<SmolStr, Vec<FieldInfo>>,
    pub(crate) messages: Table<(Channel, SmolStr), MessageInfo<'a>>,
    /// Of the messages that say something of themselves: most leave it to their journeys.
    pub(crate) terms: BTreeMap<(Channel, SmolStr), OwnTerms>,
    pub(crate) policy: Policy,
    /// The systems that journeys may call.
    pub(crate) services: BTreeMap<SmolStr, ServiceConfig>,
    /// Colleagues, and places where they read.
    pub(crate) notify: NotifyConfig,
    pub(crate) vouchers: BTreeMap<SmolStr, (Span, Voucher)>,
    /// Which declarations could not be read, so that nobody is told that a name does not exist.
    pub(crate) unsure: Unsure,
}

/// An attribute of the contact.
pub(crate) struct AttributeInfo {
    pub(crate) ty: Option<Type>,
    /// Marked `?` and without a default.
    pub(crate) may_be_unset: bool,
    optional: bool,
    default: Option<Value>,
    /// Where it is declared, unless it is built in.
    pub(crate) span: Option<Span>,
}

/// A declared event.
pub(crate) struct EventInfo {
    pub(crate) fields: Vec<FieldInfo>,
    /// The same, as they are looked up.
    pub(super) shapes: Arc<BTreeMap<SmolStr, FieldShape>>,
    pub(crate) span: Span,
}

/// A field of a declared event.
#[derive(Clone)]
pub(crate) struct FieldInfo {
    pub(crate) name: SmolStr,
    pub(crate) ty: Option<Type>,
    pub(crate) optional: bool,
}

impl From<Field> for FieldInfo {
    fn from(field: Field) -> Self {
        Self { name: field.name, ty: Some(field.ty), optional: field.optional }
    }
}

/// A topic.
pub(crate) struct TopicInfo {
    title: SmolStr,
    pub(crate) span: Span,
}

/// A funnel.
pub(crate) struct FunnelInfo {
    pub(crate) stages: Vec<SmolStr>,
    pub(crate) span: Span,
}

/// A segment, to be put in wherever it is asked for.
#[derive(Clone, Copy)]
pub(crate) struct SegmentInfo<'a> {
    /// The file of the declaration.
    pub(crate) file: usize,
    pub(crate) declaration: &'a hir::SegmentDecl,
}

/// A score.
#[derive(Clone, Copy)]
pub(crate) struct ScoreInfo<'a> {
    /// The file of the declaration.
    pub(crate) file: usize,
    pub(crate) declaration: &'a hir::ScoreDecl,
}

/// The attributes of a lone file without a `contact` block: what every mailing list knows of its people.
const DEFAULT_ATTRIBUTES: [(&str, Type); 8] = [
    ("email", Type::Email),
    ("phone", Type::Phone),
    (PUSH, Type::Text),
    ("first_name", Type::Text),
    ("last_name", Type::Text),
    ("country", Type::Country),
    ("language", Type::Language),
    ("timezone", Type::TimeZone),
];

impl<'a> Index<'a> {
    /// Gathers the declarations of all files.
    pub(crate) fn build(
        sources: &'a [Source<'a>],
        lone: bool,
        unsure: Unsure,
        messages: Table<(Channel, SmolStr), MessageInfo<'a>>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut index = Self { lone, unsure, messages, ..Self::default() };
        let mut contact: Option<Span> = None;
        for (number, source) in sources.iter().enumerate() {
            index.unsure = index.unsure.or(source.file.unsure);
            for item in &source.file.items {
                match item {
                    Item::Contact(declaration) => {
                        let span = source.text.span(declaration.loc);
                        match contact {
                            Some(first) => diagnostics.push(
                                Diagnostic::new(Code::DuplicateName, span, "the contact is declared twice")
                                    .label("declared again")
                                    .also(first, "declared here")
                                    .help("put all attributes into one `contact` block"),
                            ),
                            None => {
                                contact = Some(span);
                                index.contact(declaration, &source.text, diagnostics);
                            }
                        }
                    }
                    Item::Segment(declaration) => {
                        let span = source.text.span(declaration.name.loc);
                        if let Some(first) = index.segments.get(&declaration.name.text) {
                            let first = sources.get(first.file).map(|s| s.text.span(first.declaration.name.loc));
                            diagnostics.push(twice("segment", &declaration.name, span, first.unwrap_or(span)));
                        } else {
                            let segment = SegmentInfo { file: number, declaration };
                            index.segments.insert(declaration.name.text.clone(), segment);
                        }
                    }
                    Item::Score(declaration) => {
                        let span = source.text.span(declaration.name.loc);
                        if let Some(first) = index.scores.get(&declaration.name.text) {
                            let first = sources.get(first.file).map(|s| s.text.span(first.declaration.name.loc));
                            diagnostics.push(twice("score", &declaration.name, span, first.unwrap_or(span)));
                        } else {
                            let score = ScoreInfo { file: number, declaration };
                            index.scores.insert(declaration.name.text.clone(), score);
                        }
                    }
                    other => index.item(other, &source.text, diagnostics),
                }
            }
        }
        for (name, score) in index.scores.iter() {
            let attribute = index.attributes.get(name).and_then(|attribute| attribute.span);
            if let (Some(first), Some(source)) = (attribute, sources.get(score.file)) {
                let span = source.text.span(score.declaration.name.loc);
                diagnostics.push(
                    Diagnostic::new(Code::DuplicateName, span, format!("contacts have an attribute `{name}`"))
                        .label("choose another name")
                        .also(first, "declared here")
                        .note("From here on nobody could tell which of the two is meant."),
                );
            }
        }
        if contact.is_none() && lone {
            for (name, ty) in DEFAULT_ATTRIBUTES {
                let may_be_unset = ty != Type::Email;
                let info =
                    AttributeInfo { ty: Some(ty), may_be_unset, optional: may_be_unset, default: None, span: None };
                index.order.push(name.into());
                index.attributes.insert(name.into(), info);
            }
        }
        let known = || index.order.iter().filter_map(|name| index.attributes.get(name)?.ty.as_ref());
        index.addresses = [Type::Email, Type::Phone].map(|ty| known().any(|known| *known == ty));
        index
    }

    fn item(&mut self, item: &Item, text: &Text<'_>, diagnostics: &mut Vec<Diagnostic>) {
        match item {
            Item::Tags(names) => {
                for name in names {
                    let span = text.span(name.loc);
                    match self.tags.get(&name.text) {
                        Some(first) => diagnostics.push(twice("tag", name, span, *first)),
                        None => drop(self.tags.insert(name.text.clone(), span)),
                    }
                }
            }
            Item::Event(declaration) => self.event(declaration, text, diagnostics),
            Item::Topic(declaration) => {
                let span = text.span(declaration.name.loc);
                if let Some(first) = self.topics.get(&declaration.name.text) {
                    diagnostics.push(twice("topic", &declaration.name, span, first.span));
                } else {
                    let topic = TopicInfo { title: declaration.title.clone(), span };
                    self.topics.insert(declaration.name.text.clone(), topic);
                }
            }
            Item::Funnel(funnel) => self.funnel(funnel, text, diagnostics),
            Item::Policy(policy) => self.policy(policy, text, diagnostics),
            Item::Journey(journey) => {
                let name = journey_name(journey, text);
                let loc = journey.name.as_ref().map_or(journey.head, |name| name.loc);
                let span = text.span(loc);
                if let Some(first) = self.journeys.get(&name) {
                    diagnostics.push(twice("journey", &Name { text: name, loc }, span, *first));
                } else {
                    self.handed(&name, journey, text, diagnostics);
                    self.journeys.insert(name, span);
                }
            }
            Item::Voucher(declaration) => self.voucher(declaration, text, diagnostics),
            Item::Contact(_) | Item::Test(_) | Item::Segment(_) | Item::Score(_) => {}
        }
    }

    fn voucher(&mut self, declaration: &hir::VoucherDecl, text: &Text<'_>, diagnostics: &mut Vec<Diagnostic>) {
        let span = text.span(declaration.name.loc);
        if let Some((first, _)) = self.vouchers.get(&declaration.name.text) {
            diagnostics.push(twice("voucher", &declaration.name, span, *first));
            return;
        }
        let (source, at) = (&declaration.source, text.span(declaration.source_loc));
        let drawn = source.chars().filter(|c| *c == '#').count();
        let wrong = |message: String| Diagnostic::new(Code::ImpossibleValue, at, message);
        if declaration.from_file {
            let inside = source.starts_with(CODES) && !source.split(['/', '\\']).any(|part| part == "..");
            if !inside {
                diagnostics.push(
                    wrong("the codes of a voucher stand in a file below `vouchers/`".to_owned())
                        .label("outside of it")
                        .help("name it from the folder of `journey.toml` on: `from file \"vouchers/cart10.csv\"`"),
                );
            }
        } else if let Some(bad) = source.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '#' | '-' | '_')) {
            diagnostics.push(
                wrong(format!("a code cannot have `{bad}` in it"))
                    .label("letters, digits, `-`, `_` and `#`")
                    .help("each `#` becomes a letter or a digit: `generate \"CART-######\"`"),
            );
        } else if drawn < LEAST_DRAWN {
            diagnostics.push(
                wrong("codes with so few drawn characters could be guessed".to_owned())
                    .label(format!("{drawn} of at least {LEAST_DRAWN}"))
                    .note("Each `#` becomes one of 32 letters and digits.")
                    .help("add `#` signs: `generate \"CART-######\"`"),
            );
        }
        let codes = match declaration.from_file {
            true => Codes::File(source.clone()),
            false => Codes::Generated(source.clone()),
        };
        let voucher = Voucher { name: declaration.name.text.clone(), title: declaration.title.to_string(), codes };
        self.vouchers.insert(declaration.name.text.clone(), (span, voucher));
    }

    /// What is handed over to a journey that is started.
    fn handed(&mut self, name: &SmolStr, journey: &hir::Journey, text: &Text<'_>, diagnostics: &mut Vec<Diagnostic>) {
        for line in &journey.header {
            if let hir::HeaderKind::On(hir::EventPattern { kind: hir::EventKind::Call(fields), .. }) = &line.kind {
                let fields = declared_fields(fields, "what a journey is started with", text, diagnostics);
                self.handed.entry(name.clone()).or_default().extend(fields);
            }
        }
    }

    fn contact(&mut self, declaration: &hir::ContactDecl, text: &Text<'_>, diagnostics: &mut Vec<Diagnostic>) {
        for field in &declaration.fields {
            let span = text.span(field.name.loc);
            if let Some(first) = self.attributes.get(&field.name.text).and_then(|info| info.span) {
                diagnostics.push(twice("attribute", &field.name, span, first));
                continue;
            }
            let ty = resolve(&field.ty, text, diagnostics);
            let default = field.default.as_ref().zip(ty.as_ref()).and_then(|(value, ty)| {
                let mut checker = Checker::constants(self, text);
                let value = checker.constant(value, ty);
                diagnostics.append(&mut checker.diagnostics);
                value
            });
            let info = AttributeInfo {
                may_be_unset: field.optional && field.default.is_none(),
                optional: field.optional,
                ty,
                default,
                span: Some(span),
            };
            self.order.push(field.name.text.clone());
            self.attributes.insert(field.name.text.clone(), info);
        }
        for ty in [Type::Email, Type::Phone] {
            diagnostics.extend(self.unclear_address(&ty));
        }
    }

    /// Of several addresses, the one with the name of its type is where messages go.
    fn unclear_address(&self, ty: &Type) -> Option<Diagnostic> {
        let of_type = |name: &&SmolStr| self.attributes.get(*name).is_some_and(|info| info.ty.as_ref() == Some(ty));
        let names: Vec<&SmolStr> = self.order.iter().filter(of_type).collect();
        let (first, second) = (names.first()?, names.get(1)?);
        let own = ty.to_string();
        if names.contains(&&SmolStr::from(own.as_str())) {
            return None;
        }
        let at = |name: &SmolStr| self.attributes.get(name).and_then(|info| info.span);
        let message = format!("nobody knows whether messages go to `{first}` or to `{second}`");
        let found = Diagnostic::new(Code::UnclearAddress, at(second)?, message).label(format!("of type `{own}`, too"));
        Some(found.also(at(first)?, "one address").help(format!(
            "call the one that messages go to `{own}`; the address of a colleague is of type `user`, any other of type `text`"
        )))
    }

    fn event(&mut self, declaration: &hir::EventDecl, text: &Text<'_>, diagnostics: &mut Vec<Diagnostic>) {
        let span = text.span(declaration.name.loc);
        if BuiltinEvent::parse(&declaration.name.text).is_some() {
            let message = format!("`{}` is an event that every project has", declaration.name.text);
            diagnostics.push(
                Diagnostic::new(Code::ReservedName, span, message)
                    .label("choose another name")
                    .note("Journey makes this event itself, so no other system can send one of this name."),
            );
            return;
        }
        if let Some(first) = self.events.get(&declaration.name.text) {
            diagnostics.push(twice("event", &declaration.name, span, first.span));
            return;
        }
        let fields = declared_fields(&declaration.fields, "an event", text, diagnostics);
        let shapes = fields.iter().map(|field| {
            let shape = FieldShape { ty: field.ty.clone(), optional: field.optional, conflict: false };
            (field.name.clone(), shape)
        });
        let shapes = Arc::new(shapes.collect());
        self.events.insert(declaration.name.text.clone(), EventInfo { fields, shapes, span });
    }

    fn funnel(&mut self, funnel: &hir::FunnelDecl, text: &Text<'_>, diagnostics: &mut Vec<Diagnostic>) {
        let span = text.span(funnel.name.loc);
        if let Some(first) = self.funnels.get(&funnel.name.text) {
            diagnostics.push(twice("funnel", &funnel.name, span, first.span));
            return;
        }
        let mut stages: Vec<SmolStr> = Vec::with_capacity(funnel.stages.len());
        for stage in &funnel.stages {
            if stages.contains(&stage.text) {
                let first = funnel.stages.iter().find(|first| first.text == stage.text).unwrap_or(stage);
                diagnostics.push(twice("stage", stage, text.span(stage.loc), text.span(first.loc)));
            } else {
                stages.push(stage.text.clone());
            }
        }
        self.funnels.insert(funnel.name.text.clone(), FunnelInfo { stages, span });
    }

    fn policy(&mut self, policy: &hir::PolicyDecl, text: &Text<'_>, diagnostics: &mut Vec<Diagnostic>) {
        for item in &policy.items {
            let again = match &item.kind {
                PolicyKind::Sender(None, sender) => {
                    self.policy.sender.replace(sender.to_string()).map(|_| "the sender".to_owned())
                }
                PolicyKind::Sender(Some(channel), sender) => {
                    let again = self.policy.senders.iter().any(|(known, _)| known == channel);
                    self.policy.senders.push((*channel, sender.to_string()));
                    again.then(|| format!("the sender of {channel}"))
                }
                PolicyKind::Address(address) => {
                    self.policy.address.replace(address.to_string()).map(|_| "the address".to_owned())
                }
                PolicyKind::QuietHours(None, window) => {
                    self.policy.quiet_hours.replace(*window).map(|_| "quiet hours".to_owned())
                }
                PolicyKind::QuietHours(Some(channel), window) => {
                    let again = self.policy.quiet_channels.iter().any(|(known, _)| known == channel);
                    self.policy.quiet_channels.push((*channel, *window));
                    again.then(|| format!("quiet hours of {channel}"))
                }
                PolicyKind::Cap { channel, most, per } => {
                    self.policy.caps.push(Cap { channel: *channel, most: *most, per: *per });
                    None
                }
                PolicyKind::Rate { channel, most, per } => {
                    let again = self.policy.rates.iter().any(|rate| rate.channel == *channel);
                    self.policy.rates.push(Rate { channel: *channel, most: *most, per: per.rough_millis() });
                    again.then(|| match channel {
                        Some(channel) => format!("the rate of {channel}"),
                        None => "the rate".to_owned(),
                    })
                }
                PolicyKind::Error => None,
            };
            if let Some(what) = again {
                let message = format!("the policy gives {what} twice");
                diagnostics.push(
                    Diagnostic::new(Code::DuplicateClause, text.span(item.loc), message)
                        .label("given again")
                        .help("there is one policy for the whole project; keep one of the two"),
                );
            }
        }
    }

    /// Whether contacts have an attribute that a message on the channel can be addressed to.
    pub(crate) fn has_address(&self, channel: Channel) -> bool {
        let [email, phone] = self.addresses;
        match channel {
            Channel::Email => email,
            Channel::Sms | Channel::WhatsApp => phone,
            Channel::Push => {
                let ty = self.attributes.get(PUSH).and_then(|info| info.ty.as_ref());
                ty.is_some_and(Type::is_textual)
            }
            Channel::Webhook => true,
        }
    }

    /// Whether there is a message of this name, on the channel or any.
    pub(crate) fn has_message(&self, channel: Option<Channel>, name: &SmolStr) -> bool {
        let on = |channel| self.messages.contains_key(&(channel, name.clone()));
        channel.map_or_else(|| Channel::ALL.into_iter().any(on), on)
    }

    /// The schema that a bundle carries.
    pub(crate) fn schema(&self) -> Schema {
        let attributes = self.order.iter().filter_map(|name| {
            let info = self.attributes.get(name)?;
            Some(Attribute {
                name: name.clone(),
                ty: info.ty.clone()?,
                optional: info.optional,
                default: info.default.clone(),
            })
        });
        let events = self.events.iter().map(|(name, event)| Event {
            name: name.clone(),
            fields: (event.fields.iter())
                .filter_map(|f| Some(Field { name: f.name.clone(), ty: f.ty.clone()?, optional: f.optional }))
                .collect(),
        });
        let topics =
            self.topics.iter().map(|(name, topic)| Topic { name: name.clone(), title: topic.title.to_string() });
        Schema {
            attributes: attributes.collect(),
            tags: self.tags.keys().cloned().collect(),
            events: events.collect(),
            topics: topics.collect(),
            vouchers: self.vouchers.values().map(|(_, voucher)| voucher.clone()).collect(),
            funnels: self.funnels.iter().map(|(name, funnel)| (name.clone(), funnel.stages.clone())).collect(),
            open: self.lone,
        }
    }
}

impl Messages for Index<'_> {
    fn has_links(&self, channel: Channel, name: &str) -> bool {
        self.messages.get(&(channel, name.into())).is_none_or(|info| info.links)
    }
}

/// The name of a journey; a bare sentence has that of its file.
pub(crate) fn journey_name(journey: &hir::Journey, text: &Text<'_>) -> SmolStr {
    match &journey.name {
        Some(name) => name.text.clone(),
        None => {
            let file = text.path().rsplit('/').next().unwrap_or_default();
            let stem = file.strip_suffix(".journey").unwrap_or(file);
            stem.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' }).collect()
        }
    }
}

/// Fields that somebody gives; `what` carries them.
fn declared_fields(
    declared: &[hir::FieldDecl],
    what: &str,
    text: &Text<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<FieldInfo> {
    let mut fields: Vec<FieldInfo> = Vec::with_capacity(declared.len());
    let mut seen: BTreeMap<&SmolStr, Span> = BTreeMap::new();
    for field in declared {
        let span = text.span(field.name.loc);
        if let Some(first) = seen.get(&field.name.text) {
            diagnostics.push(twice("field", &field.name, span, *first));
            continue;
        }
        seen.insert(&field.name.text, span);
        if let Some(default) = &field.default {
            let message = format!("a field of {what} has no default");
            diagnostics.push(
                Diagnostic::new(Code::TypeMismatch, text.span(default.loc), message).label("not here").help(format!(
                    "whoever gives it gives the value. Write `{}?` if it may be missing",
                    text.show(field.ty.loc).trim_end_matches('?')
                )),
            );
        }
        let ty = resolve(&field.ty, text, diagnostics);
        fields.push(FieldInfo { name: field.name.text.clone(), ty, optional: field.optional });
    }
    fields
}

/// A name that is declared twice.
pub(crate) fn twice(what: &str, name: &Name, span: Span, first: Span) -> Diagnostic {
    let message = format!("the {what} `{}` is declared twice", name.text);
    Diagnostic::new(Code::DuplicateName, span, message).label("declared again").also(first, "declared here")
}
