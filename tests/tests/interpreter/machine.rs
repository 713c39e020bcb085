//! The compiler and the core, driven as the runtime drives them: at each moment that is due.

use journey_bytecode::{Instant, StatusKind, Value};
use journey_compiler::diagnostic::Severity;
use journey_compiler::project::{File, Project};
use journey_runtime::core::contact::{Contact, ContactId, EndReason};
use journey_runtime::core::effect::{NotEntered, Refusal, TraceEntry, TraceEvent, WokenBy};
use journey_runtime::core::input::{Evidence, Input, InputKind, MessageName};
use journey_runtime::core::{Linked, advance};

use crate::interpret::{LAST_WORD, START};
use crate::program::{Act, DECLARATIONS, EVENTS, MAILS, PLANS, TAGS, ZONE};

pub struct Machine {
    linked: Linked,
}

impl Machine {
    /// The program in its project; what is wrong with it otherwise.
    pub fn of(source: &str) -> Result<Self, Vec<String>> {
        let mut files = vec![
            ("declarations.journey".to_owned(), DECLARATIONS.to_owned()),
            ("journey.toml".to_owned(), format!("[project]\nname = \"random\"\ntimezone = \"{ZONE}\"\n")),
        ];
        for mail in MAILS {
            let text = "---\nsubject: A word\n---\n[Look](https://shop.example/look)\n".to_owned();
            files.push((format!("messages/{mail}.email.md"), text));
        }
        files.push(("random.journey".to_owned(), source.to_owned()));
        let file = |(path, text): (String, String)| File { path, bytes: text.into_bytes().into() };
        let compilation =
            journey_compiler::compile(&Project { files: files.into_iter().map(file).collect(), lone: false });
        let errors = compilation.diagnostics.iter().filter(|finding| finding.severity == Severity::Error);
        let errors: Vec<String> = errors.map(|error| format!("{} {}", error.code, error.message)).collect();
        match compilation.bundle.filter(|_| errors.is_empty()) {
            Some(bundle) => Ok(Self { linked: Linked::new(bundle, []).expect("what is compiled can be verified") }),
            None => Err(errors),
        }
    }

    /// What happens to a contact with this history.
    pub fn live(&self, history: &[(i64, Act)]) -> Vec<String> {
        let mut contact = Contact::new(ContactId(1), "random", START);
        let mut trace = Vec::new();
        let first = Input { seq: 1, at: START, kind: address(true) };
        trace.extend(advance(&self.linked, &mut contact, &[first], START).trace);
        for (number, (after, act)) in (2..).zip(history) {
            let at = Instant(START.0 + after);
            self.until(&mut contact, Instant(at.0 - 1), &mut trace);
            let input = Input { seq: number, at, kind: kind(act) };
            trace.extend(advance(&self.linked, &mut contact, &[input], at).trace);
        }
        let last = history.last().map_or(0, |(after, _)| *after);
        self.until(&mut contact, Instant(START.0 + last + LAST_WORD), &mut trace);
        trace.iter().filter_map(words).collect()
    }

    fn until(&self, contact: &mut Contact, end: Instant, trace: &mut Vec<TraceEntry>) {
        while let Some(due) = contact.state.due().filter(|due| *due <= end) {
            trace.extend(advance(&self.linked, contact, &[], due).trace);
        }
    }
}

fn address(has: bool) -> InputKind {
    let address = if has { Value::text("ada@example.com") } else { Value::Unset };
    InputKind::Upsert { attributes: vec![("email".into(), address)], add_tags: vec![], remove_tags: vec![] }
}

fn kind(act: &Act) -> InputKind {
    let upsert = |attributes, add_tags, remove_tags| InputKind::Upsert { attributes, add_tags, remove_tags };
    let message = |mail: usize, status| InputKind::Message {
        message: MessageName::Newest(MAILS[mail].into()),
        status,
        link: None,
        machine: false,
    };
    match act {
        Act::Tag(tag) => upsert(vec![], vec![TAGS[*tag].into()], vec![]),
        Act::Untag(tag) => upsert(vec![], vec![], vec![TAGS[*tag].into()]),
        Act::Event(event, amount) => InputKind::Event {
            name: EVENTS[*event].into(),
            payload: Value::Record([("amount".into(), Value::int(*amount))].into_iter().collect()),
        },
        Act::Plan(plan) => upsert(vec![("plan".into(), Value::text(PLANS[*plan]))], vec![], vec![]),
        Act::Visits(visits) => upsert(vec![("visits".into(), Value::int(*visits))], vec![], vec![]),
        Act::Address(has) => address(*has),
        Act::Opened(mail) => message(*mail, StatusKind::Opened),
        Act::Clicked(mail) => message(*mail, StatusKind::Clicked),
        Act::Unsubscribed => InputKind::Unsubscribe { topic: Some("offers".into()) },
        Act::Subscribed => {
            InputKind::Subscribe { topic: "offers".into(), channel: None, evidence: Evidence::default() }
        }
    }
}

/// A line of the trace, if it tells of an effect.
fn words(entry: &TraceEntry) -> Option<String> {
    let what = match &entry.event {
        TraceEvent::Entered { .. } => "enters".to_owned(),
        TraceEvent::NotEntered { reason } => {
            let why = match reason {
                NotEntered::Trigger { .. } => "trigger",
                NotEntered::Filter { .. } => "filter",
                NotEntered::Active => "active",
                NotEntered::Never => "never",
                NotEntered::TooEarly { .. } => "early",
                NotEntered::Unsubscribed => "unsubscribed",
                other => panic!("{other:?}"),
            };
            format!("refuses: {why}")
        }
        TraceEvent::Sent { name, .. } => format!("sends {name}"),
        TraceEvent::Skipped { name, reason, .. } => {
            let why = match reason {
                Refusal::NoAddress => "address",
                Refusal::Unsubscribed => "unsubscribed",
                Refusal::Cap { .. } => "cap",
                other => panic!("{other:?}"),
            };
            format!("skips {name}: {why}")
        }
        TraceEvent::Deferred { until, .. } => format!("holds until {}", until.0 - START.0),
        TraceEvent::Waiting { until } => format!("waits until {}", until.0 - START.0),
        TraceEvent::Woke { by } => match by {
            WokenBy::Deadline => "goes on: time".to_owned(),
            WokenBy::Event(event) => format!("goes on: {event}"),
            WokenBy::Condition => "goes on: condition".to_owned(),
            WokenBy::Window => "goes on: window".to_owned(),
            WokenBy::Exit => "goes on: exit".to_owned(),
            WokenBy::Answer => "goes on: answer".to_owned(),
            WokenBy::NoAnswer => "goes on: no answer".to_owned(),
            WokenBy::Resumed => "goes on: resumed".to_owned(),
        },
        TraceEvent::TagAdded(tag) => format!("adds {tag}"),
        TraceEvent::TagRemoved(tag) => format!("removes {tag}"),
        TraceEvent::AttributeSet(name, value) => format!("sets {name} to {value}"),
        TraceEvent::MovedTo { stage, .. } => format!("moves to {stage}"),
        TraceEvent::Recorded(event) => format!("records {event}"),
        TraceEvent::Unsubscribed { topic, .. } => format!("unsubscribes {topic}"),
        TraceEvent::GoalReached => "reaches its goal".to_owned(),
        TraceEvent::Ended(reason) => {
            let why = match reason {
                EndReason::Ended => "ended".to_owned(),
                EndReason::Goal => "goal".to_owned(),
                EndReason::Exit(event) => format!("exit {event}"),
                EndReason::ExitCondition => "exit".to_owned(),
                EndReason::Unsubscribed => "unsubscribed".to_owned(),
                EndReason::Restarted => "restarted".to_owned(),
                EndReason::Stopped => "stopped".to_owned(),
                EndReason::Migrated => "migrated".to_owned(),
                other => panic!("a program that checks clean never fails: {other:?}"),
            };
            format!("ends: {why}")
        }
        TraceEvent::Step(_) | TraceEvent::Decided { .. } | TraceEvent::Message { .. } => return None,
        other => panic!("{other:?}"),
    };
    Some(format!("{} {} {what}", entry.at.0 - START.0, entry.journey))
}
