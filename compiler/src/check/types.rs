//! Types by their words, and which of them go together.

use std::collections::BTreeSet;

use journey_bytecode::{Field, Type};
use smol_str::SmolStr;

use super::index::twice;
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit};
use crate::hir::{self, Item, TypeKind, TypeRef};
use crate::project::FileId;
use crate::text::Text;

/// The types by their words.
const WORDS: [(&str, Type); 15] = [
    ("text", Type::Text),
    ("number", Type::Number),
    ("bool", Type::Bool),
    ("money", Type::Money),
    ("date", Type::Date),
    ("time", Type::Time),
    ("datetime", Type::DateTime),
    ("duration", Type::Duration),
    ("email", Type::Email),
    ("phone", Type::Phone),
    ("url", Type::Url),
    ("country", Type::Country),
    ("language", Type::Language),
    ("timezone", Type::TimeZone),
    ("user", Type::User),
];

/// What people write for a type that has another name here.
const OTHER_WORDS: [(&str, &str); 10] = [
    ("string", "text"),
    ("str", "text"),
    ("int", "number"),
    ("integer", "number"),
    ("float", "number"),
    ("decimal", "number"),
    ("boolean", "bool"),
    ("timestamp", "datetime"),
    ("mail", "email"),
    ("zone", "timezone"),
];

/// The type that is meant.
pub(super) fn resolve(ty: &TypeRef, text: &Text<'_>, diagnostics: &mut Vec<Diagnostic>) -> Option<Type> {
    match &ty.kind {
        TypeKind::Word(word) => {
            if let Some((_, ty)) = WORDS.iter().find(|(known, _)| known == word) {
                return Some(ty.clone());
            }
            let unknown = Diagnostic::new(Code::UnknownType, text.span(ty.loc), format!("there is no type `{word}`"));
            let known = || WORDS.iter().map(|(word, _)| *word);
            let unknown = match OTHER_WORDS.iter().find(|(other, _)| other.eq_ignore_ascii_case(word)) {
                Some((_, ours)) => unknown.label(format!("did you mean `{ours}`?")).fix(
                    format!("Replace `{word}` with `{ours}`"),
                    Applicability::Safe,
                    vec![Edit { span: text.span(ty.loc), text: (*ours).to_owned() }],
                ),
                None => unknown.suggest(word, known()),
            };
            let list = known().collect::<Vec<_>>().join(", ");
            diagnostics.push(unknown.help(format!("the types are {list}, `enum {{ a b }}` and `list of` any of them")));
            None
        }
        TypeKind::Enum(values) => {
            let mut names: Vec<SmolStr> = Vec::with_capacity(values.len());
            let mut seen = BTreeSet::new();
            for value in values {
                if seen.insert(&value.text) {
                    names.push(value.text.clone());
                } else {
                    let first = values.iter().find(|first| first.text == value.text).unwrap_or(value);
                    diagnostics.push(twice("value", value, text.span(value.loc), text.span(first.loc)));
                }
            }
            Some(Type::Enum(names.into()))
        }
        TypeKind::List(of) => resolve(of, text, diagnostics).map(|of| Type::List(of.into())),
        TypeKind::Error => None,
    }
}

/// A field that something else than a journey file declares, or what is wrong with it.
pub(crate) fn declared_field(name: &str, ty: &str) -> Result<Field, String> {
    let source = format!("event e {{ {name}: {ty} }}");
    let parse = journey_grammar::parse(&source);
    if !parse.errors.is_empty() {
        return Err("it cannot be read".to_owned());
    }
    let lowered = hir::lower(FileId(0), &parse.tree);
    let mut items = lowered.file.items.into_iter();
    let (Some(Item::Event(event)), None) = (items.next(), items.next()) else {
        return Err("it is more than a type".to_owned());
    };
    let [field] = event.fields.as_slice() else { return Err("it is more than a type".to_owned()) };
    if field.default.is_some() {
        return Err("an answer has no defaults".to_owned());
    }
    let mut diagnostics = Vec::new();
    let bytes = source.as_bytes().into();
    let text = Text::new(FileId(0), "", &source, &bytes);
    let ty = resolve(&field.ty, &text, &mut diagnostics);
    match (ty, diagnostics.first()) {
        (Some(ty), None) => Ok(Field { name: field.name.text.clone(), ty, optional: field.optional }),
        (_, Some(found)) => Err(found.message.clone()),
        (None, None) => Err("it cannot be read".to_owned()),
    }
}

/// Whether values of the two types can be equal. A moment and a day can: the moment is on that day.
pub(super) fn comparable(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Enum(a), Type::Enum(b)) => a.iter().any(|value| b.contains(value)),
        (Type::Enum(_), _) | (_, Type::Enum(_)) => false,
        (Type::Text, b) => b.is_textual(),
        (a, Type::Text) => a.is_textual(),
        (Type::Date, Type::DateTime) | (Type::DateTime, Type::Date) => true,
        (Type::List(a), Type::List(b)) => comparable(a, b),
        (a, b) => a == b,
    }
}

/// Whether a value of the one type can be kept where the other is declared.
pub(super) fn assignable(from: &Type, to: &Type) -> bool {
    match (from, to) {
        (Type::Enum(from), Type::Enum(to)) => from.iter().all(|value| to.contains(value)),
        (from, Type::Text) => from.is_textual(),
        (Type::Date, Type::DateTime) => true,
        (Type::List(from), Type::List(to)) => assignable(from, to),
        (from, to) => from == to,
    }
}

/// The type with its article, for sentences: `a number`, `an enum`.
pub(super) fn a(ty: &Type) -> String {
    match ty {
        Type::Bool => "yes or no".into(),
        Type::Text => "text".into(),
        Type::Money => "an amount of money".into(),
        Type::Time => "a time of day".into(),
        Type::DateTime => "a moment".into(),
        Type::Email => "a mail address".into(),
        Type::Phone => "a phone number".into(),
        Type::Url => "a web address".into(),
        Type::TimeZone => "a time zone".into(),
        Type::Enum(values) if values.len() <= 6 => format!("one of {}", values.join(", ")),
        Type::Enum(_) => "one of its values".into(),
        Type::List(of) => format!("a list of {of}"),
        Type::Record(_) => "a record".into(),
        Type::Number | Type::Date | Type::Duration | Type::Country | Type::Language | Type::User => format!("a {ty}"),
    }
}
