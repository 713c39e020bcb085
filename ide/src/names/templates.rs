//! The names in templates: attributes and fields of what started the run.

use journey_compiler::messages::TextFile;
use journey_compiler::project::FileId;
use journey_compiler::template::{Piece, Template, Use};
use journey_grammar::{SyntaxKind, TextRange, Tree};

use super::declarations::{Declarations, EXPIRES};
use super::{Kind, Occurrence, Role, Symbol};

/// The names in a message's text.
pub(super) fn message(declarations: &Declarations, source: &str, text: &TextFile) -> Vec<Occurrence> {
    let uses = text.parts().flat_map(|part| &part.template.uses);
    let mut names: Vec<_> = uses.filter_map(|usage| occurrence(declarations, source, usage)).collect();
    if let Some(topic) = &text.topic {
        let range = TextRange::new(topic.span.start, topic.span.end);
        let symbol = Symbol::global(Kind::Topic, topic.value.as_str());
        names.push(Occurrence { range, symbol, role: Role::Reads });
    }
    names
}

/// The names in texts that stand in journeys.
pub(super) fn inline(declarations: &Declarations, file: FileId, tree: &Tree) -> Vec<Occurrence> {
    let texts = tree.tokens().filter(|token| token.kind() == SyntaxKind::String && token.text().contains("{{"));
    let names = texts.flat_map(|token| {
        let template = Template::parse(&Piece::literal(file, tree.text(), token.range().to_usize()));
        let names = template.uses.iter().filter_map(|usage| occurrence(declarations, tree.text(), usage));
        names.collect::<Vec<_>>()
    });
    names.collect()
}

fn occurrence(declarations: &Declarations, source: &str, usage: &Use) -> Option<Occurrence> {
    let (symbol, span) = if usage.is_trigger() {
        let field = usage.path.get(1)?;
        let mut events = declarations.events.iter();
        let (event, _) = events.find(|(_, fields)| fields.iter().any(|known| known.name == field.as_str()))?;
        (Symbol::new(Kind::Field, event.clone(), field.as_str()), usage.steps.get(1)?)
    } else {
        let name = usage.path.first()?;
        let known = declarations.attributes.contains_key(name.as_str());
        let attribute = known.then(|| Symbol::global(Kind::Attribute, name.as_str()));
        let named = attribute.or_else(|| local(declarations, name)).or_else(|| declarations.voucher(name));
        (named?, usage.steps.first()?)
    };
    // The moment at which a code is no longer good is called after the code.
    let end = span.start.saturating_add(u32::try_from(symbol.name.len()).unwrap_or(0)).min(span.end);
    let span = journey_compiler::diagnostic::Span { end, ..*span };
    // A name of the template's own, as that of a loop, stands for the thing and is not called so.
    let written = source.get(span.range()) == Some(symbol.name.as_str());
    written.then(|| Occurrence { range: TextRange::new(span.start, span.end), symbol, role: Role::Reads })
}

/// A local variable of a journey that messages can say.
fn local(declarations: &Declarations, name: &str) -> Option<Symbol> {
    let called = |name: &str| {
        declarations.items.keys().find(|symbol| symbol.kind == Kind::Local && symbol.name == name).cloned()
    };
    called(name).or_else(|| called(name.strip_suffix(EXPIRES)?))
}
