//! Puts the texts of each message together.

use std::collections::BTreeMap;
use std::sync::Arc;

use journey_bytecode::{Channel, Purpose};
use smol_str::SmolStr;

use super::read::sentence;
use super::{Markup, MessageSource, Part, Setting, Text, TextFile};
use crate::diagnostic::{Code, Diagnostic, Span, quote};
use crate::template::Piece;

/// The messages, by name and channel.
pub fn collect(texts: Vec<Arc<TextFile>>) -> (Vec<MessageSource>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let mut groups: BTreeMap<(SmolStr, Channel), Vec<Arc<TextFile>>> = BTreeMap::new();
    for text in texts {
        let group = groups.entry((text.name.clone(), text.channel)).or_default();
        match group.iter().find(|other| other.language == text.language) {
            Some(other) => found.push(duplicate(other, &text)),
            None => group.push(text),
        }
    }
    let messages = groups.into_iter().map(|((name, channel), mut texts)| {
        texts.sort_by(|a, b| a.language.cmp(&b.language));
        let purpose = agree(&texts, "purpose", |text| text.purpose.as_ref(), purpose_name, &mut found);
        let topic = agree(&texts, "topic", |text| text.topic.as_ref(), |topic| topic.as_str(), &mut found);
        let after_crash =
            agree(&texts, "after_crash", |text| text.after_crash.as_ref(), |rule| rule.name(), &mut found);
        MessageSource { name, channel, purpose, topic, after_crash, texts }
    });
    (messages.collect(), found)
}

fn duplicate(first: &TextFile, second: &TextFile) -> Diagnostic {
    let language = match &second.language {
        Some(language) => format!(" in the language `{language}`"),
        None => String::new(),
    };
    let message = format!("the {} message `{}` has two texts{language}", second.channel, second.name);
    Diagnostic::new(Code::DuplicateMessage, second.head, message)
        .label(quote(&second.path))
        .also(first.head, quote(&first.path))
        .help("keep one of the two files, or give one of them another name or language")
}

/// What all texts say that say something.
fn agree<T: Clone + PartialEq>(
    texts: &[Arc<TextFile>],
    key: &str,
    get: impl Fn(&TextFile) -> Option<&Setting<T>>,
    name: impl Fn(&T) -> &str,
    found: &mut Vec<Diagnostic>,
) -> Option<Setting<T>> {
    let mut settings = texts.iter().filter_map(|text| get(text));
    let first = settings.next()?;
    for other in settings.filter(|other| other.value != first.value) {
        let message = format!("the texts of one message have different {key}s");
        found.push(
            Diagnostic::new(Code::MessageConflict, other.span, message)
                .label(format!("{} here", quote(name(&other.value))))
                .also(first.span, format!("{} here", quote(name(&first.value))))
                .help("make them the same; it is enough if one of the texts says it"),
        );
    }
    Some(first.clone())
}

const fn purpose_name(purpose: &Purpose) -> &str {
    match purpose {
        Purpose::Marketing => "marketing",
        Purpose::Transactional => "transactional",
    }
}

/// The message that stands in for one that has no file, in a lone file without a project: its name as a text.
pub fn placeholder(name: &str, channel: Channel, at: Span) -> MessageSource {
    let title = sentence(name);
    let text = |part, source: String| Text::new(part, Piece::made(source, at));
    let (markup, body) = match channel {
        Channel::Email => (Markup::Markdown, format!("This is the message `{name}`. Its text is not written yet.\n")),
        Channel::Sms | Channel::Push | Channel::WhatsApp => (Markup::Text, title.clone()),
        Channel::Webhook => (Markup::Json, format!("{{\"message\": \"{name}\"}}")),
    };
    let file = TextFile {
        name: SmolStr::new(name),
        channel,
        language: None,
        markup,
        path: SmolStr::default(),
        head: at,
        purpose: None,
        topic: None,
        after_crash: None,
        subject: (channel == Channel::Email).then(|| text(Part::Subject, title)),
        preheader: None,
        body: text(Part::Body, body),
        layout: None,
        body_line: 1,
        inline: true,
    };
    MessageSource {
        name: SmolStr::new(name),
        channel,
        purpose: None,
        topic: None,
        after_crash: None,
        texts: vec![Arc::new(file)],
    }
}
