//! What a project holds beside the steps of journeys, and what is different there.

use std::collections::{BTreeMap, BTreeSet};

use journey_compiler::messages;
use journey_compiler::project::{CONFIG, FileKind, Project, text};
use journey_grammar::Node;
use journey_grammar::ast::{self, AstNode, Item, PolicyRule};
use similar::{ChangeTag, TextDiff};

use super::outline::Outline;
use super::{MessageChange, ProjectChange, TextKind};
use crate::graph::words::all;

/// What a declaration declares: its kind and name. Rules of the policy are told apart by their kind and channel.
type Key = (&'static str, String);

/// A version of a project, read.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) journeys: Vec<Outline>,
    /// What declarations say, in words.
    declarations: BTreeMap<Key, String>,
    /// The texts below `messages/`, by path.
    messages: BTreeMap<String, Message>,
}

/// A text of a message.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    /// Channel and name, if it is one.
    of: Option<(String, String)>,
    subject: Option<String>,
    text: String,
}

impl Content {
    pub(super) fn of(project: &Project) -> Self {
        let mut content = Self::default();
        for (id, file) in project.ids() {
            let bytes = String::from_utf8_lossy(&file.bytes);
            match file.kind() {
                FileKind::Config => content.settings(&bytes),
                FileKind::Holidays => {
                    let days = bytes.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
                    for day in days.filter(|day| !day.is_empty()) {
                        let said = format!("holiday {day}");
                        content.declarations.insert(("policy", said.clone()), said);
                    }
                }
                FileKind::Message => {
                    // What is no text says only whether it is the same.
                    let read = text(id, file).ok().and_then(|text| messages::read(id, &file.path, text).0);
                    let message = Message {
                        of: read.as_ref().map(|read| (read.channel.to_string(), read.name.to_string())),
                        subject: read.and_then(|read| Some(read.subject?.piece.text().trim().to_owned())),
                        text: bytes.into_owned(),
                    };
                    content.messages.insert(file.path.clone(), message);
                }
                FileKind::Shared => {
                    let message = Message { of: None, subject: None, text: bytes.into_owned() };
                    content.messages.insert(file.path.clone(), message);
                }
                // Which codes there are changes nothing that a journey does.
                FileKind::Codes => {}
                FileKind::Journey => {
                    let parsed = journey_grammar::parse(&bytes);
                    let name = file.path.rsplit('/').next().and_then(|name| name.strip_suffix(".journey"));
                    let name = name.unwrap_or(&file.path);
                    for item in ast::File::of(&parsed.tree).items() {
                        content.item(item, name);
                    }
                }
            }
        }
        content
    }

    /// The lines of `journey.toml`, each under its section.
    fn settings(&mut self, text: &str) {
        let mut section = String::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[') {
                name.trim_end_matches(']').clone_into(&mut section);
            } else if let Some((name, _)) = line.split_once('=') {
                let name = format!("{section}.{}", name.trim());
                self.declarations.insert((CONFIG, name), format!("[{section}] {line}"));
            }
        }
    }

    fn item(&mut self, item: Item<'_>, file: &str) {
        let name = |name: Option<ast::Name<'_>>| name.map_or_else(String::new, |name| name.text().to_owned());
        let mut say = |what, name: String, node: Node<'_>| {
            self.declarations.insert((what, name), all(node));
        };
        match item {
            Item::Journey(journey) => self.journeys.push(Outline::of(journey, file)),
            Item::Contact(contact) => {
                for field in contact.fields() {
                    let name = field.name().map_or_else(String::new, |name| name.text().to_owned());
                    say("attribute", name, field.syntax());
                }
            }
            Item::Tags(tags) => tags.names().for_each(|tag| say("tag", tag.text().to_owned(), tag.syntax())),
            Item::Event(event) => say("event", name(event.name()), event.syntax()),
            Item::Topic(topic) => say("topic", name(topic.name()), topic.syntax()),
            Item::Funnel(funnel) => say("funnel", name(funnel.name()), funnel.syntax()),
            Item::Segment(segment) => say("segment", name(segment.name()), segment.syntax()),
            Item::Score(score) => say("score", name(score.name()), score.syntax()),
            Item::Voucher(voucher) => say("voucher", name(voucher.name()), voucher.syntax()),
            Item::Policy(policy) => {
                for rule in policy.rules() {
                    let channel = match rule {
                        PolicyRule::Sender(rule) => rule.channel(),
                        PolicyRule::Address(_) => None,
                        PolicyRule::QuietHours(rule) => rule.channel(),
                        PolicyRule::Cap(rule) => rule.channel(),
                        PolicyRule::Rate(rule) => rule.channel(),
                    };
                    // Two caps of one channel differ in their period.
                    let period = match rule {
                        PolicyRule::Cap(rule) => rule.per().map_or("", |per| per.text()),
                        PolicyRule::Rate(rule) => rule.per().map_or("", |per| per.text()),
                        _ => "",
                    };
                    let key = format!("{:?} {} {period}", rule.syntax().kind(), name(channel));
                    say("policy", key, rule.syntax());
                }
            }
            Item::Test(_) => {}
        }
    }

    /// The journeys that say this word.
    fn speak_of(&self, word: &str) -> impl Iterator<Item = String> {
        let speak = self.journeys.iter().filter(move |journey| journey.words.iter().any(|other| other == word));
        speak.map(|journey| journey.name.clone())
    }
}

pub(super) fn declarations(before: &Content, after: &Content) -> Vec<ProjectChange> {
    let keys: BTreeSet<&Key> = before.declarations.keys().chain(after.declarations.keys()).collect();
    let changed = keys.into_iter().filter_map(|key| {
        let (old, new) = (before.declarations.get(key), after.declarations.get(key));
        let (what, name) = (key.0, key.1.as_str());
        (old != new).then(|| ProjectChange {
            what,
            before: old.cloned(),
            after: new.cloned(),
            journeys: match what {
                CONFIG | "policy" => Vec::new(),
                _ => before.speak_of(name).chain(after.speak_of(name)).collect::<BTreeSet<_>>().into_iter().collect(),
            },
        })
    });
    changed.collect()
}

pub(super) fn messages(before: &Content, after: &Content) -> Vec<MessageChange> {
    let paths: BTreeSet<&String> = before.messages.keys().chain(after.messages.keys()).collect();
    let changed = paths.into_iter().filter_map(|path| {
        let (old, new) = (before.messages.get(path), after.messages.get(path));
        if old == new {
            return None;
        }
        let of = new.or(old).and_then(|message| message.of.as_ref());
        let text = |message: Option<&Message>| message.map_or_else(String::new, |message| message.text.clone());
        let (old_text, new_text) = (text(old), text(new));
        let diff = TextDiff::from_lines(&old_text, &new_text);
        let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
        let subjects = old.zip(new).map(|(old, new)| (old.subject.clone(), new.subject.clone()));
        let senders = of.map(|(_, name)| before.speak_of(name).chain(after.speak_of(name)).collect::<BTreeSet<_>>());
        Some(MessageChange {
            path: path.clone(),
            message: of.map(|(channel, name)| format!("{channel} {name}")),
            kind: match (old, new) {
                (None, _) => TextKind::Added,
                (_, None) => TextKind::Removed,
                _ => TextKind::Changed,
            },
            subject: subjects.filter(|(old, new)| old != new),
            lines: (count(ChangeTag::Insert), count(ChangeTag::Delete)),
            journeys: senders.unwrap_or_default().into_iter().collect(),
        })
    });
    changed.collect()
}
