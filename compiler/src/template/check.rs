//! Judges a template's variables by what the project declares.

use std::collections::BTreeSet;

use journey_bytecode::{BUILTIN_VARIABLES, Field, Policy, Schema, Type};
use smol_str::SmolStr;

use super::value::{Demand, Kind, Need, Source};
use super::{Role, Template, Use};
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Span, nearest, one_of, quote};

/// What the project declares.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Attributes and events.
    pub schema: &'a Schema,
    /// Sender and postal address.
    pub policy: &'a Policy,
    /// The language that the text is written in; none for the one that fits everybody.
    pub language: Option<&'a str>,
    /// The local variables of journeys that send the text.
    pub locals: &'a BTreeSet<SmolStr>,
}

/// A local variable of a journey, where it sends a message.
#[derive(Clone, Debug)]
pub struct LocalShape {
    /// Its name.
    pub name: SmolStr,
    /// What it holds, if that is known.
    pub ty: Option<Type>,
    /// Whether it may be unset there.
    pub optional: bool,
    /// Of an answer: its fields, each `optional` if it may be unset there.
    pub fields: Option<Vec<Field>>,
}

/// One of the triggers of a journey that sends a message.
#[derive(Clone, Debug)]
pub struct TriggerShape {
    /// What it is called: `purchase`, `tag lead`.
    pub name: String,
    /// The fields of its event; none if they are not known, because nothing declares the event.
    pub fields: Option<Vec<Field>>,
}

/// What a path leads to.
struct Meaning {
    ty: Option<Type>,
    optional: bool,
}

/// Checks every variable but those of the trigger, which depend on the journey.
pub fn check(template: &Template, scope: &Scope<'_>) -> Vec<Diagnostic> {
    judge_each(
        template,
        scope.language,
        |_| true,
        |usage| {
            if usage.is_trigger() { whole_trigger(usage) } else { meaning(usage, scope) }
        },
    )
}

/// Judges the variables that `concerns` picks, each by what it means; nothing is known of one without a meaning.
fn judge_each(
    template: &Template,
    language: Option<&str>,
    concerns: impl Fn(&Use) -> bool,
    meaning: impl Fn(&Use) -> Result<Option<Meaning>, Diagnostic>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut types = Vec::new();
    for usage in &template.uses {
        let meaning = if concerns(usage) { meaning(usage) } else { Ok(None) };
        let meaning = meaning.unwrap_or_else(|finding| {
            found.push(finding);
            None
        });
        found.extend(meaning.as_ref().and_then(|meaning| judge(usage, meaning, language)));
        types.push(meaning.and_then(|meaning| meaning.ty));
    }
    found.extend(demands(template, &types, |usage| concerns(usage)));
    found
}

/// Whether a template speaks of the event that starts a run, so that it matters which journey sends it.
pub fn asks_trigger(template: &Template) -> bool {
    let itself = |demand: &Demand| demand.sources.iter().any(|source| matches!(source, Source::Kind(_)));
    template.uses.iter().any(is_trigger_field) || template.demands.iter().any(itself)
}

fn is_trigger_field(usage: &Use) -> bool {
    usage.is_trigger() && usage.path.len() > 1
}

/// Checks the variables of the trigger in a template that a journey sends. `at` is the send statement.
pub fn check_trigger(
    template: &Template,
    triggers: &[TriggerShape],
    language: Option<&str>,
    at: Span,
) -> Vec<Diagnostic> {
    // Most say nothing of it: that is found out before a list is made.
    if !asks_trigger(template) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for trigger in triggers {
        // What does not depend on the trigger has been said.
        found.extend(judge_each(template, language, is_trigger_field, |usage| {
            trigger_field(usage, trigger, triggers).map(Some)
        }));
    }
    // One finding a place is enough: the first trigger that does not fit.
    let mut places = Vec::new();
    found.retain(|d: &Diagnostic| {
        let new = !places.contains(&d.primary.span);
        places.push(d.primary.span);
        new
    });
    found.into_iter().map(|finding| finding.also(at, "sent here")).collect()
}

/// Checks the local variables in a template that a journey sends. `all` are those of every journey that sends it, `at` is
/// the send statement.
pub fn check_locals(
    template: &Template,
    locals: &[LocalShape],
    all: &BTreeSet<SmolStr>,
    schema: &Schema,
    language: Option<&str>,
    at: Span,
) -> Vec<Diagnostic> {
    let is_local = |usage: &Use| usage.path.first().is_some_and(|root| names_local(usage, root, schema, all));
    let found = judge_each(template, language, is_local, |usage| local(usage, locals).map(Some));
    found.into_iter().map(|finding| finding.also(at, "sent here")).collect()
}

/// Whether the name means a local variable: attributes and built-in ones come first.
fn names_local(usage: &Use, root: &SmolStr, schema: &Schema, all: &BTreeSet<SmolStr>) -> bool {
    let builtin = BUILTIN_VARIABLES.contains(&root.as_str()) || root == "trigger";
    !usage.explicit && !builtin && schema.attribute(root).is_none() && all.contains(root)
}

fn local(usage: &Use, locals: &[LocalShape]) -> Result<Meaning, Diagnostic> {
    let name = usage.path.first().map_or("", SmolStr::as_str);
    let Some(local) = locals.iter().rev().find(|local| local.name == name) else {
        let message = format!("`{name}` is not known where a journey sends this");
        let found = Diagnostic::new(Code::UnknownVariable, usage.span, message);
        return Err(found
            .note("Another journey, or another step, that sends it has a value of this name.")
            .help("give it a value before this step as well, or send another message"));
    };
    match (&local.fields, usage.path.get(1), &local.ty) {
        (Some(fields), Some(step), _) => {
            let Some(field) = fields.iter().find(|field| field.name == *step) else {
                let span = usage.steps.get(1).copied().unwrap_or(usage.span);
                let message = format!("the answer `{name}` has no field {step}", step = quote(step));
                let found = Diagnostic::new(Code::UnknownVariable, span, message);
                return Err(found.suggest(step, fields.iter().map(|field| field.name.as_str())));
            };
            walk(usage, 2, field.ty.clone(), field.optional)
        }
        (_, _, Some(ty)) => walk(usage, 1, ty.clone(), local.optional),
        (_, _, None) => Ok(Meaning { ty: None, optional: local.optional }),
    }
}

/// Values that cannot do what is asked of them, as far as they come from variables that `about` picks; what the template
/// itself makes of them counts with them.
fn demands(template: &Template, types: &[Option<Type>], about: impl Fn(&Use) -> bool) -> Vec<Diagnostic> {
    let variable = |source: &Source| match source {
        Source::Use(at) | Source::Item(at) => template.uses.get(*at),
        Source::Kind(_) => None,
    };
    let concerned = |demand: &&Demand| demand.sources.iter().any(|source| variable(source).is_none_or(&about));
    let found = template.demands.iter().filter(concerned).filter_map(|demand| {
        let misfit = demand.sources.iter().find_map(|source| {
            let ty = |at: usize| types.get(at).and_then(Option::as_ref);
            let (kind, words) = match (*source, variable(source)) {
                (Source::Kind(kind), _) => (kind, None),
                (Source::Use(at), Some(usage)) => {
                    let ty = ty(at)?;
                    (Kind::of(ty), Some(format!("`{}` is {}", usage.name(), describe(ty))))
                }
                (Source::Item(at), Some(usage)) => match ty(at)? {
                    Type::List(of) => {
                        (Kind::of(of), Some(format!("an item of `{}` is {}", usage.name(), describe(of))))
                    }
                    text if Kind::of(text) == Kind::Text => {
                        (Kind::Text, Some(format!("a letter of `{}` is text", usage.name())))
                    }
                    _ => return None,
                },
                _ => return None,
            };
            // A choice has to be there: a contact's list may be empty.
            let fits =
                demand.need.accepts(kind) && !(demand.need == Need::Choice && words.is_some() && kind == Kind::List);
            (!fits).then_some((kind, words))
        });
        let name = demand.sources.iter().find_map(|source| variable(source).map(Use::name));
        misfit.map(|(kind, words)| unfit(demand, kind, words, name))
    });
    found.collect()
}

fn unfit(demand: &Demand, kind: Kind, words: Option<String>, name: Option<String>) -> Diagnostic {
    let (by, is_for) = (&demand.by, demand.need.words());
    let code = if demand.need == Need::Shown { Code::ListInText } else { Code::WrongFilter };
    let found = |message| Diagnostic::new(code, demand.span, message);
    match (words, name) {
        (Some(words), _) if by == "money" && kind == Kind::Number => {
            found(format!("`money` does not know the currency: {words}")).help("write it, as `money(\"EUR\")`")
        }
        (Some(words), _) => found(format!("`{by}` is for {is_for}, and {words}")),
        (None, Some(name)) => {
            found(format!("`{by}` is for {is_for}, and {} may stand here for `{name}`", kind.words()))
                .help(format!("write `{{% if {name} %}} .. {{% endif %}}` around the sentence instead of `default`"))
        }
        (None, None) => found(format!("`{by}` is for {is_for}, and this is {}", kind.words())),
    }
}

fn whole_trigger(usage: &Use) -> Result<Option<Meaning>, Diagnostic> {
    if usage.path.len() > 1 {
        return Ok(None);
    }
    let message = "`trigger` is the whole event that started the journey";
    let found = Diagnostic::new(Code::UnknownVariable, usage.span, message);
    Err(found.help("name one of its fields, as `trigger.amount`"))
}

fn trigger_field(usage: &Use, trigger: &TriggerShape, all: &[TriggerShape]) -> Result<Meaning, Diagnostic> {
    let Some(fields) = &trigger.fields else { return Ok(Meaning { ty: None, optional: true }) };
    let name = usage.path.get(1).map_or("", SmolStr::as_str);
    let span = usage.steps.get(1).copied().unwrap_or(usage.span);
    let Some(field) = fields.iter().find(|field| field.name == name) else {
        let message = format!("`{}` does not exist when `{}` starts the journey", usage.name(), trigger.name);
        let found = Diagnostic::new(Code::UnknownTriggerField, span, message);
        let elsewhere =
            all.iter().any(|t| t.fields.as_ref().is_some_and(|fields| fields.iter().any(|f| f.name == name)));
        let names = fields.iter().map(|field| field.name.as_str());
        return Err(match fields.as_slice() {
            _ if elsewhere => found
                .note("Not every trigger of the journey has this field.")
                .help("send another message after the other trigger, or declare the field in each of the events"),
            [] => found.help(format!("`{}` carries no data of its own; use attributes of the contact", trigger.name)),
            _ => found.help(format!("it has {}", one_of(names.clone()).replace(" or ", " and "))).suggest(name, names),
        });
    };
    walk(usage, 2, field.ty.clone(), field.optional)
}

fn meaning(usage: &Use, scope: &Scope<'_>) -> Result<Option<Meaning>, Diagnostic> {
    let Some(root) = usage.path.first() else { return Ok(None) };
    if !usage.explicit && BUILTIN_VARIABLES.contains(&root.as_str()) {
        return builtin(usage, root, scope).map(Some);
    }
    let (ty, optional) = match scope.schema.attribute(root) {
        Some(attribute) => (attribute.ty.clone(), attribute.optional && attribute.default.is_none()),
        None if names_local(usage, root, scope.schema, scope.locals) => return Ok(None),
        None if scope.schema.open && root != "contact" => return Ok(Some(Meaning { ty: None, optional: true })),
        None => return Err(unknown(usage, root, scope)),
    };
    walk(usage, 1, ty, optional).map(Some)
}

fn builtin(usage: &Use, root: &str, scope: &Scope<'_>) -> Result<Meaning, Diagnostic> {
    let missing = match root {
        "postal_address" if scope.policy.address.is_none() => Some("address \"Moosbett GmbH, Teststr. 1, 53177 Bonn\""),
        "sender" if scope.policy.sender.is_none() => Some("sender \"Moosbett <hello@moosbett.example>\""),
        _ => None,
    };
    match missing {
        Some(line) if usage.role != Role::Guarded && !scope.schema.open => {
            let message = format!("`{root}` has no value, because no policy gives it one");
            let found = Diagnostic::new(Code::UnsetInTemplate, usage.span, message);
            Err(found.help(format!("write `policy {{ {line} }}` in a `.journey` file")))
        }
        _ => walk(usage, 1, Type::Text, false),
    }
}

/// Follows the rest of a path.
fn walk(usage: &Use, from: usize, mut ty: Type, mut optional: bool) -> Result<Meaning, Diagnostic> {
    for (at, step) in usage.path.iter().enumerate().skip(from) {
        let span = usage.steps.get(at).copied().unwrap_or(usage.span);
        let fields: Vec<(SmolStr, Type)> = match &ty {
            Type::List(of) if step == "*" => {
                // Items are there; that the list may be missing was said at the loop.
                (ty, optional) = (Type::clone(of), false);
                continue;
            }
            Type::Record(fields) => fields.to_vec(),
            Type::Money => {
                vec![(SmolStr::new_static("amount"), Type::Number), (SmolStr::new_static("currency"), Type::Text)]
            }
            _ => Vec::new(),
        };
        let owner = owner(usage, at);
        if step == "*" {
            // That it is no list was said at the loop.
            return Ok(Meaning { ty: None, optional: false });
        }
        let Some((_, inner)) = fields.iter().find(|(name, _)| name == step) else {
            let message = format!("{owner} has no part {step}", step = quote(step));
            let found = Diagnostic::new(Code::UnknownVariable, span, message);
            return Err(match fields.as_slice() {
                [] => found.note(format!("It is {}.", describe(&ty))),
                _ => found.suggest(step, fields.iter().map(|(name, _)| name.as_str())),
            });
        };
        ty = inner.clone();
    }
    Ok(Meaning { ty: Some(ty), optional })
}

/// The beginning of a path in words.
fn owner(usage: &Use, steps: usize) -> String {
    let path: Vec<_> = usage.path.iter().take(steps).map(SmolStr::as_str).collect();
    match path.split_last() {
        Some((&"*", list)) => format!("an item of `{}`", list.join(".")),
        _ => format!("`{}`", path.join(".").replace(".*", "")),
    }
}

fn unknown(usage: &Use, root: &str, scope: &Scope<'_>) -> Diagnostic {
    let span = usage.steps.first().copied().unwrap_or(usage.span);
    if root == "contact" {
        let found = Diagnostic::new(Code::UnknownVariable, span, "`contact` is the whole contact");
        return found.help("name one of its attributes, as `first_name`");
    }
    let message = format!("no attribute of the contact is called `{root}`");
    let found = Diagnostic::new(Code::UnknownVariable, span, message);
    let names = || {
        let attributes = scope.schema.attributes.iter().map(|attribute| attribute.name.as_str());
        let locals = scope.locals.iter().map(SmolStr::as_str);
        attributes.chain(locals).chain(BUILTIN_VARIABLES.iter().copied()).chain(["trigger"])
    };
    let events = scope.schema.events.iter().filter(|event| event.fields.iter().any(|field| field.name == root));
    let found = match nearest(root, names()) {
        // Not every step that sends the text need know it.
        Some(near) if scope.locals.contains(near) => {
            let edit = Edit { span, text: near.to_owned() };
            found.label(format!("did you mean `{near}`?")).fix(
                format!("Replace `{root}` with `{near}`"),
                Applicability::Unsafe,
                vec![edit],
            )
        }
        Some(near) => found.replace_with(root, near),
        None => match events.map(|event| event.name.as_str()).next() {
            Some(event) => found
                .note(format!("The event `{event}` has a field of this name."))
                .replace_with(root, &format!("trigger.{root}")),
            None => found,
        },
    };
    found.help(format!("declare it, as `contact {{ {root}: text? }}`, or use one that exists"))
}

fn judge(usage: &Use, meaning: &Meaning, language: Option<&str>) -> Option<Diagnostic> {
    if meaning.optional && usage.role != Role::Guarded {
        return Some(unset(usage, meaning.ty.as_ref(), language));
    }
    match &meaning.ty {
        Some(Type::List(_)) if usage.printed => {
            let name = usage.name();
            let edit = Edit { span: usage.span.after(), text: " | join(', ')".to_owned() };
            Some(
                Diagnostic::new(Code::ListInText, usage.span, format!("`{name}` is a list and has no text of its own"))
                    .help(format!("write `{name} | join(\", \")`, or go through it with `{{% for item in {name} %}}`"))
                    .fix("Write the items with commas between them", Applicability::Unsafe, vec![edit]),
            )
        }
        Some(Type::Record(_)) if usage.printed => {
            let message = format!("`{}` has several parts and no text of its own", usage.name());
            Some(Diagnostic::new(Code::ListInText, usage.span, message).help("name one of its parts"))
        }
        _ => None,
    }
}

fn unset(usage: &Use, ty: Option<&Type>, language: Option<&str>) -> Diagnostic {
    let name = usage.name();
    let found = Diagnostic::new(
        Code::UnsetInTemplate,
        usage.span,
        format!("`{name}` may be unset, and nothing stands in for it"),
    );
    let found = match &usage.gap {
        Some(gap) => found.note(format!("Without it the text would read \"{gap}\".")),
        None => found,
    };
    let english = language.is_none_or(|language| language.starts_with("en"));
    let fallback = match ty {
        Some(Type::Number) => Some("0"),
        Some(Type::Text) | None if english && usage.path.last().is_some_and(|last| last.contains("name")) => {
            Some("'there'")
        }
        _ => None,
    };
    let found = match fallback {
        Some(fallback) => {
            let text = format!(" | default({fallback})");
            let edit = Edit { span: usage.span.after(), text };
            found.fix(format!("Fall back on {}", fallback.replace('\'', "\"")), Applicability::Unsafe, vec![edit])
        }
        None => found,
    };
    let around = match usage.role {
        Role::Printed => "put the sentence",
        _ => "do this only",
    };
    // What a filter such as `date` makes of it, it cannot make of a text that stands in for it.
    if usage.role == Role::Needed && matches!(ty, Some(Type::Date | Type::DateTime | Type::Money)) {
        return found.help(format!("put the sentence between `{{% if {name} %}}` and `{{% endif %}}`"));
    }
    found.help(format!(
        "write `{name} | default(..)` with what stands there instead, or {around} between `{{% if {name} %}}` and \
         `{{% endif %}}`"
    ))
}

fn describe(ty: &Type) -> String {
    match ty {
        Type::Enum(_) => "one of several words".to_owned(),
        Type::Bool => "yes or no".to_owned(),
        Type::Number => "a number".to_owned(),
        Type::Text => "a text".to_owned(),
        Type::Money => "an amount of money".to_owned(),
        Type::List(_) | Type::Record(_) => format!("a {ty}"),
        other => format!("of type `{other}`"),
    }
}
