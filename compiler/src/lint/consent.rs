//! Topics and purposes: what a contact can agree to and take back, and what the law asks for.

use std::collections::BTreeSet;

use journey_bytecode::{Channel, Purpose};

use crate::check::Sent;
use crate::diagnostic::{Code, Diagnostic};
use crate::hir::{HeaderKind, Journey as Source};
use crate::sources::Sources;
use crate::typed::Journey;

use super::Scene;

/// What is said of the sends of a journey.
pub(super) fn journey(
    scene: &Scene<'_>,
    source: &Source,
    journey: &Journey,
    sends: &[Sent],
    found: &mut Vec<Diagnostic>,
) {
    // A topic that is not declared is told of where it stands.
    let mut without = source.header.iter().any(|line| matches!(line.kind, HeaderKind::Topic(_)));
    let mut told = BTreeSet::new();
    for sent in sends.iter().filter(|sent| sent.channel != Channel::Webhook && !sent.elsewhere) {
        let own = scene.terms(sent.channel, &sent.message).and_then(|own| own.topic.as_ref());
        if scene.purpose(journey, sent.channel, &sent.message) == Purpose::Transactional {
            continue;
        }
        match (own, &journey.topic) {
            (None, None) if !without && !scene.index.lone => {
                without = true;
                let message = format!("the marketing message `{}` has no topic", sent.message);
                found.push(
                    Diagnostic::new(Code::NoTopic, sent.at, message)
                        .label("which consent does it need?")
                        .note("Without one, whoever wants no more of it can only leave everything.")
                        .help("write `topic offers` above the first step, or into the message; or `purpose transactional`"),
                );
            }
            (Some(own), Some(of_journey)) if own != of_journey && told.insert(&sent.message) => {
                let message = format!(
                    "`{}` goes out under the topic `{own}`, and this journey under `{of_journey}`",
                    sent.message
                );
                let mut d = Diagnostic::new(Code::TopicMismatch, sent.at, message)
                    .label(format!("under `{own}`"))
                    .note("A message's own topic wins: who leaves the journey's topic still gets it from elsewhere.");
                let line = source.header.iter().find(|line| matches!(line.kind, HeaderKind::Topic(_)));
                if let Some(line) = line {
                    d = d.also(scene.text.span(line.loc), "the journey's topic");
                }
                found.push(d.help("give both the same topic, or move the message to a journey of its own topic"));
            }
            _ => {}
        }
    }
    let purpose = source.header.iter().find(|line| matches!(line.kind, HeaderKind::Purpose(Purpose::Transactional)));
    let topic = source.header.iter().find(|line| matches!(line.kind, HeaderKind::Topic(_)));
    if let (Some(purpose), Some(topic)) = (purpose, topic) {
        let message = format!("`{}` is transactional and has a topic", journey.name);
        found.push(
            Diagnostic::new(Code::TransactionalTopic, scene.text.span(topic.loc), message)
                .label("nobody is asked")
                .also(scene.text.span(purpose.loc), "sent to everybody")
                .note("Transactional messages go to those as well who want no more of the topic.")
                .help("remove the topic, or send it as marketing"),
        );
    }
}

/// What is said of messages by themselves, and of the policy.
pub(super) fn project(
    sources: &Sources,
    address: Option<&str>,
    first_mail: Option<crate::diagnostic::Span>,
    found: &mut Vec<Diagnostic>,
) {
    for message in &sources.messages {
        let (Some(purpose), Some(topic)) = (&message.purpose, &message.topic) else { continue };
        // The one that asks whether its topic is wanted has to name it.
        if purpose.value == Purpose::Transactional && message.confirms().is_none() {
            let text = format!("`{}` is transactional and has a topic", message.name);
            let mut d = Diagnostic::new(Code::TransactionalTopic, topic.span, text)
                .label("nobody is asked")
                .note("A transactional message goes to those as well who want no more of the topic.")
                .help("remove the topic, or send it as marketing");
            if purpose.span.file == topic.span.file {
                d = d.also(purpose.span, "sent to everybody");
            }
            found.push(d);
        }
    }
    if let (None, Some(at)) = (address, first_mail) {
        let message = "marketing mail is sent, and the policy gives no postal address";
        found.push(
            Diagnostic::new(Code::NoPostalAddress, at, message)
                .label("the first one")
                .note("The law of several countries asks for it in every promotional mail.")
                .help("write `policy { address \"Moosbett GmbH, Teststr. 1, 53177 Bonn\" }`"),
        );
    }
}
