//! The names in templates: attributes, what started the run, values of the journeys that send the text, and the texts that
//! they bring in.

use std::collections::BTreeMap;

use journey_compiler::diagnostic::Span;
use journey_compiler::messages;
use journey_compiler::project::FileId;
use journey_compiler::template::{BUILTIN_VARIABLES, Piece, Template, Use};
use journey_grammar::{SyntaxKind, TextRange, Tree};

use super::declarations::{Declarations, EXPIRES};
use super::resolve::ancestor;
use super::{Kind, Occurrence, Role, Symbol, journey_name};
use crate::Snapshot;

/// The names in messages, and in the partials and layouts that they bring in, file by file. What stands in those is named
/// as every message knows it that brings them in.
pub(crate) fn in_texts(snapshot: &Snapshot) -> BTreeMap<FileId, Vec<Occurrence>> {
    let (sources, declarations) = (snapshot.sources(), snapshot.declarations());
    let everywhere = Everywhere::of(declarations);
    let mut found: BTreeMap<FileId, Vec<Occurrence>> = BTreeMap::new();
    let mut add = |scope: &Scope<'_>, template: &Template| {
        for (file, name) in scope.names(snapshot, template) {
            found.entry(file).or_default().push(name);
        }
    };
    for message in &sources.messages {
        let senders = declarations.senders.get(&(message.channel.to_string(), message.name.to_string()));
        let senders: Vec<&str> = senders.into_iter().flatten().map(String::as_str).collect();
        let scope = Scope { declarations, everywhere: Some(&everywhere), journeys: &senders };
        for text in message.texts.iter().filter(|text| !text.inline) {
            for part in text.parts() {
                let whole = readable(&part.template);
                match sources.text_file(text.head.file).filter(|_| !whole) {
                    Some(file) => file.parts().for_each(|part| add(&scope, &Template::tag_by_tag(&part.piece))),
                    None => add(&scope, &part.template),
                }
            }
        }
    }
    // Those that no message brings in, and those that it cannot bring in as they are.
    let scope = Scope { declarations, everywhere: Some(&everywhere), journeys: &[] };
    for text in sources.shared().filter(|text| !found.contains_key(&text.piece.whole().file)).collect::<Vec<_>>() {
        add_alone(&scope, snapshot, &text.piece, &mut found);
    }
    for text in snapshot.files().filter_map(|file| sources.text_file(file)) {
        if let Some(topic) = &text.topic {
            let symbol = Symbol::global(Kind::Topic, topic.value.as_str());
            let range = TextRange::new(topic.span.start, topic.span.end);
            found.entry(topic.span.file).or_default().push(Occurrence::new(range, symbol, Role::Reads));
        }
    }
    let own = snapshot.files().filter_map(|file| Some(&sources.text_file(file)?.body.piece));
    for piece in own.chain(sources.shared().map(|text| &text.piece)) {
        for (path, at) in messages::parts(piece) {
            if let Some(name) = part(snapshot, &path, at) {
                found.entry(at.file).or_default().push(name);
            }
        }
    }
    found
}

/// Whether a template could be read: one that could not has a finding, and uses nothing.
fn readable(template: &Template) -> bool {
    template.findings.is_empty() || !template.uses.is_empty()
}

fn add_alone(scope: &Scope<'_>, snapshot: &Snapshot, piece: &Piece, found: &mut BTreeMap<FileId, Vec<Occurrence>>) {
    let whole = Template::parse(piece);
    let template = if readable(&whole) { whole } else { Template::tag_by_tag(piece) };
    for (file, name) in scope.names(snapshot, &template) {
        found.entry(file).or_default().push(name);
    }
}

/// A text that is brought in. What is named is the part of the path that is its name: `footer` of `partials/footer.html`.
fn part(snapshot: &Snapshot, path: &str, at: Span) -> Option<Occurrence> {
    let known = snapshot.declarations().shared.get_key_value(path).map(|(name, _)| name.as_str());
    let exact = || snapshot.sources().shared().find(|text| text.path == path).map(|text| text.name.as_str());
    let name = known.or_else(exact)?;
    let from = path.rfind('/').map_or(0, |slash| slash + 1);
    let length = path.get(from..)?.find('.')?;
    let start = at.start + u32::try_from(from).ok()?;
    let range = TextRange::new(start, start + u32::try_from(length).ok()?);
    Some(Occurrence::new(range, Symbol::global(Kind::Part, name), Role::Reads))
}

/// The names in texts that stand in journeys.
pub(super) fn inline(declarations: &Declarations, file: FileId, path: &str, tree: &Tree) -> Vec<Occurrence> {
    let is_template = |text: &str| text.contains("{{") || text.contains("{%");
    let texts = tree.tokens().filter(|token| token.kind() == SyntaxKind::String && is_template(token.text()));
    let names = texts.flat_map(|token| {
        let piece = Piece::literal(file, tree.text(), token.range().to_usize());
        let whole = Template::parse(&piece);
        let template = if readable(&whole) { whole } else { Template::tag_by_tag(&piece) };
        let journey = ancestor(token.parent(), &[SyntaxKind::Journey, SyntaxKind::BareJourney]);
        let journey = journey.map(|journey| journey_name(journey, path));
        let journeys: Vec<&str> = journey.iter().map(String::as_str).collect();
        let scope = Scope { declarations, everywhere: None, journeys: &journeys };
        scope.occurrences(&template, |span| tree.text().get(span.range()).map(str::to_owned))
    });
    names.map(|(_, name)| name).collect()
}

/// Who has what, for texts that nobody sends yet.
struct Everywhere<'a> {
    /// The events that have a field, by its name.
    events: BTreeMap<&'a str, Vec<&'a str>>,
    /// The journeys that have a value, by its name.
    journeys: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> Everywhere<'a> {
    fn of(declarations: &'a Declarations) -> Self {
        let (mut events, mut journeys) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for (event, fields) in &declarations.events {
            for field in fields {
                events.entry(field.name.as_str()).or_default().push(event.as_str());
            }
        }
        for symbol in declarations.items.keys().filter(|symbol| symbol.kind == Kind::Local) {
            journeys.entry(symbol.name.as_str()).or_default().push(symbol.owner.as_str());
        }
        Self { events, journeys }
    }
}

/// What a text can name.
struct Scope<'a> {
    declarations: &'a Declarations,
    /// Where a name is looked up that those who send it do not have.
    everywhere: Option<&'a Everywhere<'a>>,
    /// The journeys that send it.
    journeys: &'a [&'a str],
}

impl Scope<'_> {
    fn names(&self, snapshot: &Snapshot, template: &Template) -> Vec<(FileId, Occurrence)> {
        self.occurrences(template, |span| snapshot.text(span.file).get(span.range()).map(str::to_owned))
    }

    fn occurrences(&self, template: &Template, written: impl Fn(Span) -> Option<String>) -> Vec<(FileId, Occurrence)> {
        let mut found = Vec::new();
        let mut add = |span: Span, symbols: Vec<Symbol>| {
            let mut symbols = symbols.into_iter();
            let Some(symbol) = symbols.next() else { return };
            // The moment at which a code is no longer good is called after the code.
            let end = span.start.saturating_add(u32::try_from(symbol.name.len()).unwrap_or(0)).min(span.end);
            // A name of the template's own, as that of a loop, stands for the thing and is not called so.
            if written(Span { end, ..span }).is_some_and(|text| text == symbol.name) {
                let range = TextRange::new(span.start, end);
                found.push((span.file, Occurrence { range, symbol, also: symbols.collect(), role: Role::Reads }));
            }
        };
        for usage in &template.uses {
            let step = usize::from(usage.is_trigger());
            if let Some(at) = usage.steps.get(step) {
                add(*at, self.named(usage));
            }
        }
        for compared in &template.compared {
            let named = template.uses.get(compared.with).map(|usage| (usage, self.named(usage)));
            let fields = named.into_iter().filter(|(usage, _)| usage.path.len() == 1 + usize::from(usage.is_trigger()));
            let owners = fields.flat_map(|(_, symbols)| symbols).map(|of| match of.kind {
                Kind::Field => format!("{}.{}", of.owner, of.name),
                _ => of.name,
            });
            let has = |owner: &String| {
                let field = self.declarations.field(owner);
                field.is_some_and(|field| field.values.iter().any(|value| *value == compared.text))
            };
            let values = owners.filter(has).map(|owner| Symbol::new(Kind::Value, owner, compared.text.as_str()));
            add(compared.span, values.collect());
        }
        found
    }

    /// What a variable names.
    fn named(&self, usage: &Use) -> Vec<Symbol> {
        let Some(name) = usage.path.first().map(|name| name.as_str()) else { return Vec::new() };
        if usage.is_trigger() {
            return usage.path.get(1).map(|field| self.fields(field)).unwrap_or_default();
        }
        if !usage.explicit && BUILTIN_VARIABLES.contains(&name) {
            return Vec::new();
        }
        let declarations = self.declarations;
        if declarations.attributes.contains_key(name) {
            return vec![Symbol::global(Kind::Attribute, name)];
        }
        let score = Symbol::global(Kind::Score, name);
        if declarations.items.contains_key(&score) {
            return vec![score];
        }
        let of = |journey: &&str| declarations.called(name, |name| Symbol::new(Kind::Local, *journey, name));
        let locals: Vec<_> = self.journeys.iter().filter_map(of).collect();
        if !locals.is_empty() {
            return locals;
        }
        if let Some(voucher) = declarations.voucher(name) {
            return vec![voucher];
        }
        // Nobody who sends it knows the name; if one journey alone does, that is meant.
        let known = |name: &str| self.everywhere.and_then(|all| all.journeys.get(name)).map_or(&[][..], Vec::as_slice);
        let only = [known(name), name.strip_suffix(EXPIRES).map_or(&[][..], known)];
        only.into_iter().find(|journeys| journeys.len() == 1).into_iter().flatten().filter_map(of).collect()
    }

    /// The fields of this name that what started the run may have.
    fn fields(&self, field: &str) -> Vec<Symbol> {
        let all = self.journeys.iter().flat_map(|journey| self.declarations.fields_of_triggers(journey));
        let owners = all.filter(|(_, known)| known.name == field).map(|(owner, _)| owner);
        let mut owners: Vec<&str> = owners.collect();
        owners.sort_unstable();
        owners.dedup();
        if owners.is_empty()
            && let Some([only]) = self.everywhere.and_then(|all| all.events.get(field)).map(Vec::as_slice)
        {
            owners.push(only);
        }
        owners.into_iter().map(|owner| Symbol::new(Kind::Field, owner, field)).collect()
    }
}
