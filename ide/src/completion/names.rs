//! Names, by the place that the parser puts a word in.

use std::collections::BTreeSet;

use journey_grammar::ast::{self, AstNode as _};
use journey_grammar::{Node, SyntaxKind, Token, Tree};

use super::{Completion, CompletionKind, Site};
use crate::hover::short;
use crate::names::{self as project, Kind, Place, Resolver, Symbol, Word};

/// A word that nobody declares.
const PROBE: &str = "zz_probe";

const CHANNELS: [&str; 5] = ["email", "sms", "push", "webhook", "whatsapp"];
const TYPES: [&str; 15] = [
    "text", "number", "bool", "money", "date", "time", "datetime", "duration", "email", "phone", "url", "country",
    "language", "timezone", "user",
];
const END_REASONS: [&str; 7] = ["ended", "exit", "failed", "goal", "restarted", "stopped", "unsubscribed"];
const SKIP_REASONS: [&str; 4] = ["cap", "no_address", "suppressed", "unsubscribed"];

/// The names that can stand here.
pub(super) fn offer(site: &Site<'_>) -> Vec<Completion> {
    // What follows shows what the word is: `zz` alone may be a condition, an attribute or the subject of a change.
    for tail in ["", " is x", ": x"] {
        if let Some(tree) = site.accepts(&format!("{PROBE}{tail}")) {
            let found = of_probe(site, &tree);
            if !found.is_empty() {
                return found;
            }
        }
    }
    Vec::new()
}

fn of_probe(site: &Site<'_>, tree: &Tree) -> Vec<Completion> {
    let Some(token) = site.first(tree) else { return Vec::new() };
    let node = token.parent();
    let declarations = site.snapshot.declarations();
    let path = site.snapshot.path(site.file);
    let resolver = Resolver { declarations, path };
    let offers = Offers { site, resolver: &resolver, node };
    match node.kind() {
        SyntaxKind::Name => offers.place(project::of_name(node)),
        SyntaxKind::Path => {
            let words: Vec<&str> = node.own_tokens().filter(|t| t.kind().is_word()).map(|t| t.text()).collect();
            match words.as_slice() {
                [PROBE] => offers.place(project::of_path(node)),
                [first, PROBE] => offers.part(project::of_path(node), first),
                _ => Vec::new(),
            }
        }
        SyntaxKind::FieldValue => offers.record(node),
        _ => Vec::new(),
    }
}

struct Offers<'a, 't> {
    site: &'a Site<'a>,
    resolver: &'a Resolver<'a>,
    /// Where the probe stands.
    node: Node<'t>,
}

impl<'a> Offers<'a, '_> {
    fn place(&self, place: Place) -> Vec<Completion> {
        match place {
            Place::New(_) | Place::Free => Vec::new(),
            Place::Known(Kind::Journey) => self.of_kind(Kind::Journey, ""),
            Place::Known(Kind::Message) => self.messages(),
            Place::Known(kind @ (Kind::Step | Kind::Split)) => match self.journey() {
                Some(journey) => self.of_kind(kind, &journey),
                None => self.all_of_kind(kind),
            },
            Place::Known(Kind::Contact) => self.contacts(),
            // A stage follows.
            Place::Known(Kind::Funnel) => self.dotted(Kind::Funnel),
            Place::Known(Kind::Event) => {
                let mut found = self.of_kind(Kind::Event, "");
                found.extend(self.changes());
                found
            }
            Place::Known(kind) => self.of_kind(kind, ""),
            Place::Word(word) => self.words(word),
            Place::Sent => self.sent(),
            Place::AnyOf => {
                let mut found = self.constants(&["email", "sms", "push", "message"], CompletionKind::Type);
                found.extend(self.of_kind(Kind::Topic, ""));
                found
            }
            Place::Group => {
                let mut found = self.of_kind(Kind::Segment, "");
                found.extend(self.dotted(Kind::Funnel));
                found
            }
            Place::EventOrValue => {
                let mut found = self.of_kind(Kind::Event, "");
                found.extend(self.values());
                found
            }
            Place::Value => self.values(),
        }
    }

    /// `plan changes`, where something that happens can stand.
    fn changes(&self) -> Vec<Completion> {
        let pattern = self.node.parent().is_some_and(|parent| parent.kind() == SyntaxKind::EventPattern);
        if !pattern || self.site.accepts(&format!("{PROBE} changes")).is_none() {
            return Vec::new();
        }
        let mut found = self.attributes(2, |_| true);
        for offer in &mut found {
            offer.insert.push_str(" changes");
        }
        found
    }

    /// What stands behind a dot.
    fn part(&self, place: Place, first: &str) -> Vec<Completion> {
        let declarations = self.resolver.declarations;
        match place {
            Place::Known(Kind::Funnel) => self.of_kind(Kind::Stage, first),
            Place::Known(Kind::Event) => self.fields(first),
            Place::Known(Kind::Split) => self.of_kind(Kind::Side, first),
            Place::Group if declarations.funnels.contains_key(first) => self.of_kind(Kind::Stage, first),
            Place::Group => self.of_kind(Kind::Side, first),
            Place::Value if first == "contact" => self.attributes(2, |_| true),
            Place::Value if first == "trigger" => self.trigger_fields(),
            _ => Vec::new(),
        }
    }

    fn record(&self, node: Node<'_>) -> Vec<Completion> {
        let given: Vec<String> = node
            .parent()
            .into_iter()
            .flat_map(Node::children)
            .filter_map(|field| Some(field.first_token()?.text().to_owned()))
            .collect();
        let found = match self.resolver.record_owner(node) {
            Some(owner) if owner.is_empty() => self.attributes(1, |_| true),
            Some(owner) => self.fields(&owner),
            None => Vec::new(),
        };
        let mut found: Vec<_> = found.into_iter().filter(|offer| !given.contains(&offer.label)).collect();
        for offer in &mut found {
            offer.insert.push_str(": ");
        }
        found
    }

    fn symbol(&self, symbol: Symbol, rank: u8) -> Completion {
        let detail = short(self.resolver.declarations, &symbol);
        let kind = CompletionKind::Name(symbol.kind);
        Completion { detail, symbol: Some(symbol.clone()), ..self.site.completion(symbol.name, kind, rank) }
    }

    fn of_kind(&self, kind: Kind, owner: &str) -> Vec<Completion> {
        let all = self.resolver.declarations.items.keys();
        all.filter(|s| s.kind == kind && s.owner == owner).map(|s| self.symbol(s.clone(), 1)).collect()
    }

    fn all_of_kind(&self, kind: Kind) -> Vec<Completion> {
        let all = self.resolver.declarations.items.keys();
        all.filter(|s| s.kind == kind).map(|s| self.symbol(s.clone(), 1)).collect()
    }

    /// Names that a dot follows.
    fn dotted(&self, kind: Kind) -> Vec<Completion> {
        let mut found = self.of_kind(kind, "");
        for offer in &mut found {
            offer.insert.push('.');
        }
        found
    }

    /// The messages of the channel that stands before.
    fn messages(&self) -> Vec<Completion> {
        let list = self.node.parent().and_then(|step| step.child(SyntaxKind::ChannelList));
        let channels: Vec<&str> = list.into_iter().flat_map(Node::children).map(Node::text).collect();
        let all = self.resolver.declarations.messages.iter();
        let fits = all.filter(|(_, texts)| texts.iter().any(|text| channels.contains(&text.channel.as_str())));
        fits.map(|(name, _)| self.symbol(Symbol::global(Kind::Message, name.clone()), 1)).collect()
    }

    /// The journey that is really there: the skeleton has lost what stood before.
    fn real_journey(&self) -> Option<Node<'a>> {
        let at = self.site.replace.start;
        let journeys = self.site.tree.root().children();
        let mut journeys = journeys.filter(|node| matches!(node.kind(), SyntaxKind::Journey | SyntaxKind::BareJourney));
        journeys.find(|node| node.range().start <= at && at <= node.range().end)
    }

    fn journey(&self) -> Option<String> {
        self.resolver.journey_around(self.node)
    }

    /// The messages that the journey sends, by handle or name; in a test those of all journeys.
    fn sent(&self) -> Vec<Completion> {
        let declarations = self.resolver.declarations;
        let Some(journey) = self.journey() else {
            // `expect send sms ..`: only what goes by text message.
            let expected = self.node.parent().filter(|of| of.kind() == SyntaxKind::ExpectSend);
            let channel = expected.and_then(|of| of.child(SyntaxKind::Name)).map(Node::text);
            let fits = |message: &str| {
                let texts = declarations.messages.get(message).map(Vec::as_slice).unwrap_or_default();
                channel.is_none_or(|channel| texts.iter().any(|text| text.channel == channel))
            };
            let mut found = self.all_of_kind(Kind::Handle);
            found.retain(|offer| fits(&offer.detail));
            let messages = declarations.messages.keys().filter(|name| fits(name));
            found.extend(messages.map(|name| self.symbol(Symbol::global(Kind::Message, name.clone()), 2)));
            return found;
        };
        // Nobody can tell whether a text message was opened.
        let status = self.node.parent().and_then(Node::first_token).map(Token::kind);
        let seen = matches!(status, Some(SyntaxKind::OpenedKw | SyntaxKind::ClickedKw));
        let tells = |message: &str| {
            let texts = declarations.messages.get(message).map(Vec::as_slice).unwrap_or_default();
            !seen || texts.is_empty() || texts.iter().any(|text| matches!(text.channel.as_str(), "email" | "push"))
        };
        let sends: Vec<Node<'_>> = (self.real_journey().into_iter().flat_map(Node::descendants))
            .filter(|node| node.kind() == SyntaxKind::SendStep)
            .collect();
        // What is sent further down cannot be asked about yet; a header speaks of all that is sent.
        let here = self.site.replace.start;
        let header = sends.first().is_none_or(|first| here < first.range().start);
        let before = |at: u32| header || at < here;
        let sent_before = |name: &str| {
            let symbol = Symbol::new(Kind::Handle, journey.clone(), name);
            declarations.items.get(&symbol).is_some_and(|item| before(item.at.start))
        };
        let mut found = self.of_kind(Kind::Handle, &journey);
        found.retain(|offer| tells(&offer.detail) && sent_before(&offer.label));
        for send in sends.into_iter().filter(|send| before(send.range().start)) {
            if let Some(name) = send.child(SyntaxKind::Name)
                && send.child(SyntaxKind::AsClause).is_none()
                && declarations.messages.contains_key(name.text())
                && tells(name.text())
            {
                found.push(self.symbol(Symbol::global(Kind::Message, name.text()), 1));
            }
        }
        found
    }

    fn contacts(&self) -> Vec<Completion> {
        let title = self.resolver.owner(Kind::Contact, self.node);
        let test = self.site.tree.root().children().find(|node| {
            node.kind() == SyntaxKind::Test && node.token(SyntaxKind::String).is_some_and(|t| t.text() == title)
        });
        let given = test.into_iter().flat_map(Node::children).filter(|node| node.kind() == SyntaxKind::GivenContact);
        let names = given.filter_map(|given| given.child(SyntaxKind::Name));
        names.map(|name| self.symbol(Symbol::new(Kind::Contact, title.clone(), name.text()), 1)).collect()
    }

    fn words(&self, word: Word) -> Vec<Completion> {
        match word {
            Word::Channel => self.constants(&CHANNELS, CompletionKind::Type),
            Word::Type => self.constants(&TYPES, CompletionKind::Type),
            Word::Purpose => self.constants(&["marketing", "transactional"], CompletionKind::Constant),
            Word::Priority => self.constants(&["high", "normal", "low"], CompletionKind::Constant),
            Word::Setting => self.constants(&["subject"], CompletionKind::Setting),
            Word::EndReason => {
                let mut found = self.constants(&END_REASONS, CompletionKind::Constant);
                found.extend(self.of_kind(Kind::Event, ""));
                found
            }
            Word::SkipReason => self.constants(&SKIP_REASONS, CompletionKind::Constant),
            Word::Function => Vec::new(),
        }
    }

    fn constants(&self, words: &[&str], kind: CompletionKind) -> Vec<Completion> {
        words.iter().map(|word| self.site.completion(*word, kind, 1)).collect()
    }

    fn attributes(&self, rank: u8, fits: impl Fn(&project::Field) -> bool) -> Vec<Completion> {
        let all = self.resolver.declarations.attributes.values().filter(|field| fits(field));
        all.map(|field| self.symbol(Symbol::global(Kind::Attribute, field.name.clone()), rank)).collect()
    }

    fn fields(&self, event: &str) -> Vec<Completion> {
        let declarations = self.resolver.declarations;
        let fields = match event.strip_prefix("call ") {
            Some(journey) => declarations.calls.get(journey),
            None => declarations.events.get(event),
        };
        let fields = fields.into_iter().flatten();
        fields.map(|field| self.symbol(Symbol::new(Kind::Field, event, field.name.clone()), 1)).collect()
    }

    fn trigger_fields(&self) -> Vec<Completion> {
        let Some(journey) = self.real_journey() else { return Vec::new() };
        let name = project::journey_name(journey, self.resolver.path);
        let fields = self.resolver.declarations.fields_of_triggers(&name);
        fields.map(|(owner, field)| self.symbol(Symbol::new(Kind::Field, owner, field.name.clone()), 1)).collect()
    }

    /// Whom the journeys ask, or else tell.
    fn recipients(&self, asked: bool) -> Vec<Completion> {
        let snapshot = self.site.snapshot;
        let trees = snapshot.files().filter_map(|file| snapshot.tree(file));
        let steps = trees.flat_map(|tree| tree.root().descendants()).filter_map(ast::Step::cast);
        let paths = steps.filter_map(|step| match step {
            ast::Step::Ask(ask) if asked => ask.recipient(),
            ast::Step::Notify(notify) if !asked => notify.recipient(),
            _ => None,
        });
        let names: BTreeSet<&str> = paths.filter_map(|path| Some(path.syntax().last_token()?.text())).collect();
        let offers = names.into_iter().map(|name| match self.resolver.declarations.attributes.contains_key(name) {
            true => self.symbol(Symbol::global(Kind::Attribute, name), 1),
            false => self.site.completion(name, CompletionKind::Constant, 1),
        });
        offers.collect()
    }

    /// Attributes, fields, local names and values: those of the type that is expected, if one is.
    fn values(&self) -> Vec<Completion> {
        let declarations = self.resolver.declarations;
        // What is changed is an attribute, whatever its type.
        if self.node.parent().is_some_and(|parent| {
            let target =
                matches!(parent.kind(), SyntaxKind::SetStep | SyntaxKind::AttributeChange | SyntaxKind::ChangePattern);
            target && parent.child(SyntaxKind::Path) == Some(self.node)
        }) {
            return self.attributes(1, |_| true);
        }
        match self.node.parent() {
            Some(parent) if parent.kind() == SyntaxKind::PerClause => return self.trigger_fields(),
            // `expect ask owner`: a test speaks of those whom a journey asks or tells.
            Some(parent) if parent.kind() == SyntaxKind::ExpectEffect => {
                return self.recipients(parent.first_token().map(Token::kind) == Some(SyntaxKind::AskKw));
            }
            _ => {}
        }
        // A default, and what a test gives, is a constant.
        let constant = self.node.ancestors().any(|node| {
            use SyntaxKind as K;
            matches!(node.kind(), K::FieldList | K::GivenContact | K::GivenCall | K::EventStimulus | K::AnswerStimulus)
                || node.kind() == K::AttributeChange && node.ancestors().any(|node| node.kind() == K::Test)
        });
        let wanted = self.resolver.wanted(self.node);
        if let Some((owner, field)) = wanted.and_then(|owner| Some((owner.clone(), declarations.field(&owner)?))) {
            if !field.values.is_empty() {
                let value = |value: &String| self.symbol(Symbol::new(Kind::Value, owner.clone(), value.clone()), 0);
                return field.values.iter().map(value).collect();
            }
            let mut found = self.attributes(2, |other| !constant && other.ty == field.ty);
            if field.ty == "bool" {
                found.extend(self.constants(&["true", "false"], CompletionKind::Constant));
            }
            if field.ty == "datetime" {
                found.extend(self.constants(&["now"], CompletionKind::Constant));
            }
            if field.ty == "date" {
                found.extend(self.constants(&["today"], CompletionKind::Constant));
            }
            return found;
        }
        if constant {
            return Vec::new();
        }
        let mut found = Vec::new();
        if let Some(event) = self.resolver.event_around(self.node) {
            found.extend(self.fields(&event));
        }
        if let Some(journey) = self.journey() {
            let here = self.site.replace.start;
            let before = |name: &str| {
                let symbol = Symbol::new(Kind::Local, journey.clone(), name);
                declarations.items.get(&symbol).is_some_and(|item| item.whole.end <= here)
            };
            found.extend(self.of_kind(Kind::Local, &journey).into_iter().filter(|local| before(&local.label)));
            let has_fields = self.real_journey().is_some_and(|journey| {
                declarations.fields_of_triggers(&project::journey_name(journey, self.resolver.path)).next().is_some()
            });
            // A trigger's own condition asks of its fields bare: nothing has started yet.
            let starts = self.node.ancestors().any(|node| node.kind() == SyntaxKind::TriggerClause);
            if has_fields && !starts {
                let trigger = self.site.completion("trigger", CompletionKind::Keyword, 2);
                found.push(Completion { insert: "trigger.".into(), detail: "what started the run".into(), ..trigger });
            }
        }
        found.extend(self.of_kind(Kind::Score, ""));
        found.extend(self.attributes(1, |_| true));
        found.extend(
            ["now", "today", "weekday", "hour"].map(|word| self.site.completion(word, CompletionKind::Constant, 3)),
        );
        found
    }
}
