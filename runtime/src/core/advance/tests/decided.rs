//! What a run means, case by case: each file under `decided/` is a journey and a story; the snapshot tells what came of
//! it. The first lines of a file say what it shows. A second journey behind the story is its newer version: `moved` in the
//! story deploys it and moves the runs.

use std::fmt::Write;
use std::sync::Arc;

use journey_compiler::project::{File, Project};
use serde_json::Value as Json;
use smol_str::SmolStr;

use super::*;
use crate::ingest::Gate;

const DECLARATIONS: &str = "
contact {
  email: email?
  phone: phone?
  plan: enum { free pro } = free
  renewal: date?
  birthday: date?
  interests: list of text
  wanted: list of text
  timezone: timezone?
  visits: number = 0
}
tags { lead vip customer other done }
event purchase { amount: money }
event booked { appointment: text, starts_at: datetime? }
event cancelled { appointment: text }
topic offers \"Offers and news\"
topic events \"Events\"
";

const SETTINGS: &str = "
[project]
name = \"decided\"
timezone = \"Europe/Berlin\"
[call.crm.grade]
url = \"https://crm.example.com/hooks/grade\"
answer = { grade = \"enum { hot cold }\", note = \"text?\" }
[call.crm.touch]
url = \"https://crm.example.com/hooks/touch\"
[notify]
owner = \"office@shop.example\"
";

/// Messages that every story may send: `receipt` is transactional, the others are not.
const MESSAGES: [(&str, &str); 6] = [
    ("story.email.md", "---\nsubject: Story\n---\nHello. [Prices](https://example.com/prices)\n"),
    ("price.email.md", "---\nsubject: Price\n---\nHello. [Prices](https://example.com/prices)\n"),
    ("news.email.md", "---\nsubject: News\ntopic: events\n---\nHello.\n"),
    ("nudge.sms.txt", "Hello.\n"),
    ("story.sms.txt", "Hello.\n"),
    ("receipt.email.md", "---\nsubject: Receipt\npurpose: transactional\n---\nThank you.\n"),
];

pub(super) fn compiled(name: &std::path::Path, source: &str) -> Bundle {
    let file = |path: &str, text: &str| File { path: path.to_owned(), bytes: text.as_bytes().into() };
    let mut files =
        vec![file("journey.toml", SETTINGS), file("declarations.journey", DECLARATIONS), file("story.journey", source)];
    files.extend(MESSAGES.map(|(path, text)| file(&format!("messages/{path}"), text)));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let compiled = journey_compiler::compile(&Project { files, lone: false });
    let errors: Vec<_> = compiled.diagnostics.iter().map(|d| format!("{}: {}", d.code, d.message)).collect();
    compiled.bundle.unwrap_or_else(|| panic!("{name:?} {errors:#?}"))
}

/// A line of a story: when, and what happens: JSON as the API takes it, `until`, `asleep`, `moved`, `paused`, or what
/// becomes of the backlog when the journeys are resumed: `shift`, `send`, `skip`.
fn tell(linked: &Arc<Linked>, newer: Option<&Arc<Linked>>, story: &str) -> String {
    let mut linked = linked;
    let (running, bundle) = (linked, linked.bundle());
    let names: Vec<_> = bundle.programs.iter().map(|program| program.name.clone()).collect();
    let standing = Arc::new(Linked::new(bundle.clone(), []).unwrap().pausing(names.iter().cloned()));
    let mut paused = Instant::default();
    let gate = Gate::new(Arc::clone(linked));
    let mut contact: Option<Contact> = None;
    let mut told = String::new();
    let mut seq = 0;
    // What is accepted while the engine sleeps waits here.
    let mut waiting = Vec::new();
    let mut asleep = false;
    for line in story.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("//")) {
        let (moment, what) = line.split_at(16);
        let now = linked.zone().read(moment).unwrap();
        let contact = contact.get_or_insert_with(|| Contact::new(ContactId(1), "ada", now));
        if !asleep {
            while let Some(due) = contact.state.due().filter(|due| *due < now) {
                show(linked, &mut told, &advance(linked, contact, &[], due));
            }
        }
        match what.trim() {
            "asleep" => asleep = true,
            "awake" | "until" => {
                asleep = false;
                let out = advance(linked, contact, &std::mem::take(&mut waiting), now);
                show(linked, &mut told, &out);
            }
            "moved" => {
                linked = newer.expect("a newer version");
                writeln!(told, "{} <- moved", linked.zone().show(now)).unwrap();
                for program in &linked.bundle().programs {
                    seq += 1;
                    let kind = InputKind::Migrate { to: program.version() };
                    show(linked, &mut told, &advance(linked, contact, &[Input { seq, at: now, kind }], now));
                }
            }
            "paused" => (linked, paused) = (&standing, now),
            backlog @ ("shift" | "send" | "skip") => {
                linked = running;
                writeln!(told, "{} <- {backlog}", linked.zone().show(now)).unwrap();
                let backlog = match backlog {
                    "shift" => Backlog::Shift,
                    "send" => Backlog::Send,
                    _ => Backlog::Skip,
                };
                for journey in &names {
                    seq += 1;
                    let kind = InputKind::Resume { journey: journey.clone(), paused, backlog };
                    show(linked, &mut told, &advance(linked, contact, &[Input { seq, at: now, kind }], now));
                }
            }
            json => {
                let mut json: Json = serde_json::from_str(json).unwrap();
                let object = json.as_object_mut().unwrap();
                let machine = object.remove("machine").is_some();
                object.insert("contact".into(), "ada".into());
                let answer = object.get("answer").and_then(Json::as_u64).map(|number| (number, object.clone()));
                let text = |name: &str| object.get(name).and_then(Json::as_str).map(SmolStr::new);
                let silence = text("stop").or_else(|| text("start")).zip(text("at"));
                let channel = text("channel").and_then(|channel| Channel::parse(&channel));
                let stops = object.contains_key("stop");
                let mut kind = match answer {
                    // What a provider tells, of a number.
                    None if let (Some((words, address)), Some(channel)) = (silence, channel) => match stops {
                        true => InputKind::Silence { channel, address, words },
                        false => InputKind::EndSilence { channel, address, words },
                    },
                    // What a delivery brings; nobody else can answer for a system.
                    Some((number, said)) => {
                        InputKind::Answer { number: u32::try_from(number).unwrap(), answer: answer_of(&said) }
                    }
                    None => gate.event(&json, now).unwrap_or_else(|refused| panic!("{line}: {refused}")).kind,
                };
                if let InputKind::Message { machine: by, .. } = &mut kind {
                    *by = machine;
                }
                seq += 1;
                waiting.push(Input { seq, at: now, kind });
                if !asleep {
                    writeln!(told, "{} <- {}", linked.zone().show(now), what.trim()).unwrap();
                    let inputs = std::mem::take(&mut waiting);
                    show(linked, &mut told, &advance(linked, contact, &inputs, now));
                }
            }
        }
    }
    told
}

fn answer_of(said: &serde_json::Map<String, Json>) -> Answer {
    match said.get("failed") {
        Some(why) => Answer::None(why.as_str().unwrap().to_owned()),
        None => {
            if let Some(text) = said.get("data").and_then(Json::as_str) {
                return Answer::Given(Value::text(text));
            }
            let fields = said.get("data").and_then(Json::as_object).unwrap().iter();
            Answer::Given(Value::Record(
                fields.map(|(name, value)| (name.as_str().into(), Value::text(value.as_str().unwrap()))).collect(),
            ))
        }
    }
}

fn show(linked: &Linked, told: &mut String, out: &Outcome) {
    let show = |at| linked.zone().show(at);
    for entry in &out.trace {
        let run = entry.run.map_or(String::new(), |run| format!("#{run}"));
        let what = match &entry.event {
            TraceEvent::Step(_) => continue,
            TraceEvent::Entered { trigger, .. } => format!("enters by {trigger}"),
            TraceEvent::NotEntered { reason: NotEntered::TooEarly { until } } => {
                format!("does not enter before {}", show(*until))
            }
            TraceEvent::NotEntered { reason: NotEntered::Trigger { saw } } => {
                format!("is not concerned: {}", seen(saw))
            }
            TraceEvent::NotEntered { reason: NotEntered::Filter { saw } } => format!("does not enter: {}", seen(saw)),
            TraceEvent::Decided { holds, saw } => format!("decides {holds}: {}", seen(saw)),
            TraceEvent::NotEntered { reason } => format!("does not enter: {reason:?}"),
            TraceEvent::Sent { channel, name, .. } => format!("sends {channel} {name}"),
            TraceEvent::Skipped { channel, name, reason, .. } => format!("skips {channel} {name}: {reason:?}"),
            TraceEvent::Deferred { until, reason } => format!("holds until {}: {reason:?}", show(*until)),
            TraceEvent::Waiting { until } => format!("waits until {}", show(*until)),
            TraceEvent::Message { status, machine, .. } => {
                format!("{}{}", status.name(), if *machine { " by a machine" } else { "" })
            }
            TraceEvent::Ended(reason) => format!("ends: {reason:?}"),
            TraceEvent::Asked { to, text, until, .. } => format!("asks {to} {text:?} until {}", show(*until)),
            TraceEvent::Notified { to, text } => format!("tells {to} {text:?}"),
            TraceEvent::Called { service, until, .. } => format!("calls {service} until {}", show(*until)),
            TraceEvent::Answered { number, answer: Answer::Given(answer) } => format!("answer to {number}: {answer}"),
            TraceEvent::Answered { number, answer: Answer::None(why) } => format!("no answer to {number}: {why}"),
            TraceEvent::Moved { .. } => "is moved".to_owned(),
            TraceEvent::Paused => "stands still".to_owned(),
            event => format!("{event:?}"),
        };
        writeln!(told, "{}    {}{run} {what}", show(entry.at), entry.journey).unwrap();
    }
}

fn seen(saw: &[Seen]) -> String {
    saw.iter().map(|seen| format!("{} = {}", seen.fact, seen.value)).collect::<Vec<_>>().join(", ")
}

#[test]
fn decided() {
    insta::glob!("decided/*.txt", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let mut parts = text.split("\n---\n");
        let (title, source, story) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let older = compiled(path, source);
        let newer = parts.next().map(|source| Arc::new(Linked::new(compiled(path, source), [&older]).unwrap()));
        let linked = Arc::new(Linked::new(older, []).unwrap());
        let told = tell(&linked, newer.as_ref(), story);
        insta::with_settings!({ description => title, omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(told);
        });
    });
}
