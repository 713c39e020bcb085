//! Judges a message by what the project declares.

use std::collections::BTreeSet;

use journey_bytecode::{Channel, Format, Policy, Purpose, Schema, Type};

use smol_str::SmolStr;

use super::{Markup, MessageSource, Part, TextFile, json, sms};
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, one_of, quote};
use crate::template::{self, Scope};

/// Everything but the fields of the trigger and the values of local variables (`locals` are their names), which depend on
/// the journey. `purpose` is what the message is sent for: its
/// own purpose, or else that of the journey.
pub fn check(
    message: &MessageSource,
    schema: &Schema,
    policy: &Policy,
    purpose: Purpose,
    locals: &BTreeSet<SmolStr>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for text in &message.texts {
        let scope = Scope { schema, policy, language: text.language.as_deref(), locals };
        for part in text.parts() {
            found.extend(part.template.findings.iter().cloned());
            found.extend(template::check(&part.template, &scope));
        }
        found.extend(subject_of_itself(text));
        found.extend(segments(text));
        found.extend(json::check(text));
        if purpose == Purpose::Marketing && text.channel == Channel::Email && text.markup.format() == Format::Html {
            found.extend(footer(text));
        }
    }
    found.extend(topic(message, schema));
    found.extend(confirmed_topic(message));
    found.extend(languages(message, schema));
    found
}

fn topic(message: &MessageSource, schema: &Schema) -> Option<Diagnostic> {
    let topic = message.topic.as_ref()?;
    let known = || schema.topics.iter().map(|topic| topic.name.as_str());
    if schema.open || known().any(|name| name == topic.value) {
        return None;
    }
    let found =
        Diagnostic::new(Code::UnknownMessageTopic, topic.span, format!("there is no topic {}", quote(&topic.value)));
    let found = found.suggest(&topic.value, known());
    Some(found.help(match schema.topics.is_empty() {
        true => "declare it in a `.journey` file, as `topic offers \"Offers and news\"`".to_owned(),
        false => format!("the topics are {}", one_of(known()).replace(" or ", " and ")),
    }))
}

/// What is confirmed is the message's own topic.
fn confirmed_topic(message: &MessageSource) -> Option<Diagnostic> {
    let at = message.confirms().filter(|_| message.topic.is_none())?;
    let text = format!("`confirm_url` confirms a subscription, and the message `{}` has no topic", message.name);
    let found = Diagnostic::new(Code::ConfirmsNothing, at, text);
    Some(found.help("write `topic: offers`, and `purpose: transactional`, between the lines `---`"))
}

fn subject_of_itself(text: &TextFile) -> impl Iterator<Item = Diagnostic> {
    let in_mail = |part: Part| text.channel == Channel::Email && matches!(part, Part::Body | Part::Layout);
    let parts = text.parts().filter(move |part| !in_mail(part.part));
    let uses = parts.flat_map(|part| &part.template.uses);
    let wrong = uses.filter(|usage| !usage.explicit && usage.path.first().is_some_and(|root| root == "subject"));
    wrong.map(|usage| {
        Diagnostic::new(Code::UnknownVariable, usage.span, "`subject` can be used in the text of a mail alone")
            .help("write the words out")
    })
}

fn segments(text: &TextFile) -> Option<Diagnostic> {
    let (count, wide) = sms::segments(&text.body.template.plain);
    if text.channel != Channel::Sms || count <= sms::MAX_SEGMENTS {
        return None;
    }
    let message = format!("this text message takes at least {count} segments, and each is paid for");
    let found = Diagnostic::new(Code::LongSms, text.body.piece.whole(), message).help("shorten it, or send a mail");
    Some(match wide {
        Some(c) => found.note(format!("Because of `{c}` a segment holds 67 characters instead of 153.")),
        None => found,
    })
}

/// HTML stands for itself: what the default layout adds to Markdown and text has to be in it.
fn footer(text: &TextFile) -> Vec<Diagnostic> {
    let body = &text.body;
    // What cannot be read may have it.
    if !body.template.findings.is_empty() {
        return Vec::new();
    }
    let uses = |name: &str| {
        body.template.uses.iter().any(|usage| !usage.explicit && usage.path.first().is_some_and(|root| root == name))
    };
    let mut found = Vec::new();
    let add = |title: &str, found: Diagnostic, html: &str| match at_the_end(text, html) {
        Some(edit) => found.fix(title, Applicability::Unsafe, vec![edit]),
        None => found,
    };
    if !uses("unsubscribe_url") {
        let missing = Diagnostic::new(
            Code::MissingUnsubscribe,
            text.head,
            format!("the marketing mail `{}` has no unsubscribe link", text.name),
        )
        .note("Who cannot leave with one click reports mail as spam, and large mail providers reject it.")
        .help("put `{{ unsubscribe_url }}` into a link; in Markdown the default layout does it for you");
        let link = "<a href=\"{{ unsubscribe_url }}\">Unsubscribe</a>";
        found.push(add("Add an unsubscribe link at the end", missing, link));
    }
    if !uses("postal_address") {
        let missing = Diagnostic::new(
            Code::MissingPostalAddress,
            text.head,
            format!("the marketing mail `{}` has no postal address", text.name),
        )
        .note("The law of several countries asks for it in every promotional mail.")
        .help("write `{{ postal_address }}`, which is the `address` of the policy, where the footer stands");
        found.push(add("Add the postal address at the end", missing, "{{ postal_address }}"));
    }
    found
}

/// What puts a paragraph at the end of a mail; none where nobody knows where that is.
fn at_the_end(mail: &TextFile, paragraph: &str) -> Option<Edit> {
    let body = &mail.body.piece;
    let (place, text) = if mail.markup == Markup::Mjml {
        let section = format!("<mj-section><mj-column><mj-text>{paragraph}</mj-text></mj-column></mj-section>\n");
        (body.text().rfind("</mj-body")?, section)
    } else {
        (body.text().rfind("</body").unwrap_or(body.text().len()), format!("<p>{paragraph}</p>\n"))
    };
    Some(Edit { span: body.span(place..place), text })
}

/// Texts for languages that no contact has, and contacts that no text is for.
fn languages(message: &MessageSource, schema: &Schema) -> Vec<Diagnostic> {
    let attribute = schema.attributes.iter().find(|attribute| attribute.name == "language");
    let values = match attribute.map(|attribute| &attribute.ty) {
        Some(Type::Enum(values)) => Some(values),
        _ => None,
    };
    let mut found = Vec::new();
    for text in &message.texts {
        let Some((language, values)) = text.language.as_ref().zip(values) else { continue };
        if !values.iter().any(|value| covers(language, value)) {
            let message = format!("no contact has the language `{language}`, so nobody gets this text");
            let known = one_of(values.iter().map(|value| value.as_str()));
            let found_here = Diagnostic::new(Code::UnusedLanguage, text.head, message);
            found.push(found_here.help(format!("the attribute `language` can be {known}")));
        }
    }
    let (Some(first), false) = (message.texts.first(), message.texts.iter().any(|text| text.language.is_none())) else {
        return found;
    };
    let always = attribute.is_some_and(|attribute| !attribute.optional || attribute.default.is_some());
    let who = match values.filter(|_| always) {
        Some(values) => {
            let has_text =
                |value: &str| message.texts.iter().filter_map(|t| t.language.as_ref()).any(|l| covers(l, value));
            let missing: Vec<_> = values.iter().map(|value| value.as_str()).filter(|value| !has_text(value)).collect();
            if missing.is_empty() {
                return found;
            }
            format!("contacts with the language {}", one_of(missing))
        }
        None => "contacts with another language, or none,".to_owned(),
    };
    let (name, channel) = (&message.name, message.channel);
    let extension = first.path.rsplit('.').next().unwrap_or_default();
    found.push(
        Diagnostic::new(Code::MissingLanguage, first.head, format!("{who} have no text of `{name}`"))
            .note("The message could not be sent to them.")
            .help(format!("add a text for everybody, as `messages/{name}.{channel}.{extension}`")),
    );
    found
}

/// Whether a text in this language is for contacts with that one: `pt` is for `pt_BR` as well.
fn covers(text: &str, contact: &str) -> bool {
    let contact = contact.replace('-', "_");
    contact.eq_ignore_ascii_case(text)
        || contact.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text))
            && contact.get(text.len()..).is_some_and(|rest| rest.starts_with('_'))
}
