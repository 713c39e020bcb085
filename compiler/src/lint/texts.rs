//! Messages by themselves: subjects that shout or pretend, transactional mail that sells.

use journey_bytecode::{Channel, Purpose};

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::sources::Sources;

/// Words that sell, in small letters.
const SELLING: [&str; 9] = [
    "% off",
    "buy now",
    "coupon code",
    "discount code",
    "limited offer",
    "limited time",
    "promo code",
    "rabattcode",
    "special offer",
];

/// What a subject begins with that answers somebody.
const ANSWERS: [&str; 5] = ["re:", "fw:", "fwd:", "aw:", "wg:"];

/// Words that filters know, as they are written when somebody shouts.
const SHOUTED: [&str; 7] = ["$$$", "€€€", "100% FREE", "ACT NOW", "BUY NOW", "FREE!", "!!!"];

pub(super) fn project(sources: &Sources, found: &mut Vec<Diagnostic>) {
    for message in &sources.messages {
        let transactional = message.purpose.as_ref().is_some_and(|purpose| purpose.value == Purpose::Transactional);
        for text in &message.texts {
            if let (Some(part), Channel::Email) = (&text.subject, message.channel) {
                subject(part.piece.text(), part.piece.whole(), transactional, found);
            }
            if !transactional {
                continue;
            }
            for part in text.parts() {
                // The words are as long in small letters.
                let small = part.piece.text().to_ascii_lowercase();
                if let Some((at, word)) = SELLING.into_iter().find_map(|word| Some((small.find(word)?, word))) {
                    let place = part.piece.span(at..at + word.len());
                    let message = format!("`{}` is transactional, and sells: it says \"{word}\"", message.name);
                    found.push(
                        Diagnostic::new(Code::PromotionalTransactional, place, message)
                            .note("It goes to those as well who want no advertising, which the law of many countries forbids.")
                            .help("take it out, or send the message as marketing"),
                    );
                    break;
                }
            }
        }
    }
}

/// A subject; `whole` is where it stands.
pub(super) fn subject(text: &str, whole: Span, transactional: bool, found: &mut Vec<Diagnostic>) {
    let small = text.trim_start().to_lowercase();
    if let Some(answer) = ANSWERS.into_iter().find(|answer| small.starts_with(answer) && !transactional) {
        let message = format!("this subject pretends to be an answer: it begins with \"{answer}\"");
        found.push(
            Diagnostic::new(Code::FakeReply, whole, message)
                .note(
                    "The law of several countries forbids subjects that mislead, and large mail providers block them.",
                )
                .help("say what the mail is about"),
        );
    }
    // What a template puts in is not known.
    let own: String = text.split("{{").map(|part| part.split_once("}}").map_or(part, |(_, rest)| rest)).collect();
    let letters = own.chars().filter(|c| c.is_alphabetic()).count();
    let loud = letters >= 8 && !own.chars().any(char::is_lowercase) && own.chars().any(char::is_uppercase);
    let shouted = SHOUTED.into_iter().find(|word| own.contains(word));
    if loud || shouted.is_some() {
        let message = match shouted {
            Some(word) => format!("this subject shouts: it says \"{word}\""),
            None => "this subject is all capital letters".to_owned(),
        };
        found.push(
            Diagnostic::new(Code::LoudSubject, whole, message)
                .note("Filters count such marks, and so do people.")
                .help("say it calmly"),
        );
    }
}
