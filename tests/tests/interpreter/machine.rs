//! The compiler and the core, driven as the runtime drives them: at each moment that is due.

use std::collections::BTreeMap;

use journey_bytecode::{Channel as Via, Date, Instant, StatusKind, Value};
use journey_compiler::diagnostic::Severity;
use journey_compiler::project::{File, Project};
use journey_runtime::core::contact::{Contact, ContactId, EndReason};
use journey_runtime::core::effect::{NotEntered, Outgoing, Refusal, TraceEntry, TraceEvent, WokenBy};
use journey_runtime::core::input::{Answer, Evidence, Input, InputKind, MessageName};
use journey_runtime::core::{Linked, advance};

use crate::interpret::{KEY, LAST_WORD, START, as_said};
use crate::program::{
    Act, BIRTHS, Channel, DECLARATIONS, EVENTS, FIRST_DAY, INTERESTS, LINK, MAILS, NAMES, PLANS, SETTINGS, STAGES,
    Status, TAGS, TEXTS, TOPICS, WORDS,
};

pub struct Machine {
    linked: Linked,
    /// What the steps of each journey are called.
    labels: BTreeMap<String, Vec<String>>,
}

/// Stands for what a message said that nobody saw.
pub const UNSEEN: &str = " ?";

/// What the core gave so far.
#[derive(Default)]
struct Out {
    trace: Vec<TraceEntry>,
    outgoing: Vec<Outgoing>,
}

/// What became of a history.
pub struct Lived {
    /// The effects; none if it never comes to rest.
    pub lines: Option<Vec<String>>,
    /// What chance gave, in its order: moments in milliseconds, and 1 for what holds.
    pub draws: Vec<i64>,
}

/// A question that waits for its answer.
enum Asked {
    Call(u32),
    Voucher(u32),
    Colleague(u32),
}

impl Machine {
    /// The program in its project; what is wrong with it otherwise.
    pub fn of(source: &str) -> Result<Self, Vec<String>> {
        let mut files = vec![
            ("declarations.journey".to_owned(), DECLARATIONS.to_owned()),
            ("journey.toml".to_owned(), SETTINGS.to_owned()),
        ];
        for mail in MAILS {
            let text = format!("---\nsubject: A word\n---\n[Look]({LINK})\n");
            files.push((format!("messages/{mail}.email.md"), text));
        }
        for text in TEXTS {
            files.push((format!("messages/{}.sms.txt", MAILS[text]), "A word\n".to_owned()));
        }
        files.push(("random.journey".to_owned(), source.to_owned()));
        let file = |(path, text): (String, String)| File { path, bytes: text.into_bytes().into() };
        let compilation =
            journey_compiler::compile(&Project { files: files.into_iter().map(file).collect(), lone: false });
        let errors = compilation.diagnostics.iter().filter(|finding| finding.severity == Severity::Error);
        let errors: Vec<String> = errors.map(|error| format!("{} {}", error.code, error.message)).collect();
        let Some(bundle) = compilation.bundle.filter(|_| errors.is_empty()) else { return Err(errors) };
        let labels = bundle.programs.iter().map(|program| {
            let steps = program.map.steps.iter().map(|step| step.label.clone());
            (program.name.to_string(), steps.collect())
        });
        let labels = labels.collect();
        Ok(Self { linked: Linked::new(bundle, []).expect("what is compiled can be verified"), labels })
    }

    /// What happens to a contact with this history.
    pub fn live(&self, history: &[(i64, Act)]) -> Lived {
        let mut contact = Contact::new(ContactId(1), KEY, START);
        let mut lived = Out::default();
        let addresses = [Channel::Email, Channel::Sms].map(|channel| address(channel, Some(0)));
        let born = InputKind::Upsert { attributes: addresses.into(), add_tags: vec![], remove_tags: vec![] };
        let mut erased = self.step(&mut contact, &[Input { seq: 1, at: START, kind: born }], START, &mut lived);
        for (number, (after, act)) in (2..).zip(history) {
            let at = Instant(START.0 + after);
            erased = erased || self.until(&mut contact, Instant(at.0 - 1), &mut lived);
            if erased {
                break;
            }
            // Where nothing comes in, what is due at this moment happens all the same.
            let input = kind(act, &asked(&lived.trace), at).map(|kind| Input { seq: number, at, kind });
            erased = self.step(&mut contact, input.as_slice(), at, &mut lived);
        }
        let last = history.last().map_or(0, |(after, _)| *after);
        if !erased {
            self.until(&mut contact, Instant(START.0 + last + LAST_WORD), &mut lived);
        }
        let endless = |entry: &TraceEntry| match &entry.event {
            TraceEvent::Ended(EndReason::Failed(why)) => why.starts_with("more than "),
            _ => false,
        };
        let Out { trace, outgoing } = lived;
        let words = |entry| words(entry, &outgoing);
        let lines = (!trace.iter().any(endless)).then(|| trace.iter().filter_map(words).collect());
        Lived { lines, draws: self.draws(&trace) }
    }

    /// Whether the contact is erased.
    fn step(&self, contact: &mut Contact, inputs: &[Input], at: Instant, lived: &mut Out) -> bool {
        let out = advance(&self.linked, contact, inputs, at);
        lived.trace.extend(out.trace);
        lived.outgoing.extend(out.outgoing);
        out.erase
    }

    fn until(&self, contact: &mut Contact, end: Instant, lived: &mut Out) -> bool {
        while let Some(due) = contact.state.due().filter(|due| *due <= end) {
            if self.step(contact, &[], due, lived) {
                return true;
            }
        }
        false
    }

    /// What chance gave: how waits of a length by chance came out, and what held by chance.
    fn draws(&self, trace: &[TraceEntry]) -> Vec<i64> {
        let mut draws = Vec::new();
        let mut label = "";
        for entry in trace {
            match &entry.event {
                TraceEvent::Step(step) => label = &self.labels[entry.journey.as_str()][step.index()],
                TraceEvent::Waiting { until } if label.contains("wait ") && label.contains("h to ") => {
                    draws.push(until.0);
                    label = "";
                }
                TraceEvent::Decided { holds, .. } if label.contains("if chance ") => {
                    draws.push(i64::from(*holds));
                    label = "";
                }
                _ => {}
            }
        }
        draws
    }
}

/// All questions that were asked.
fn asked(trace: &[TraceEntry]) -> Vec<Asked> {
    let questions = trace.iter().filter_map(|entry| match entry.event {
        TraceEvent::Called { number, .. } => Some(Asked::Call(number)),
        TraceEvent::Voucher { number, .. } => Some(Asked::Voucher(number)),
        TraceEvent::Asked { number, .. } => Some(Asked::Colleague(number)),
        _ => None,
    });
    questions.collect()
}

fn via(channel: Channel) -> Via {
    match channel {
        Channel::Email => Via::Email,
        Channel::Sms => Via::Sms,
    }
}

fn address(channel: Channel, which: Option<usize>) -> (smol_str::SmolStr, Value) {
    let (attribute, addresses) = match channel {
        Channel::Email => ("email", ["ada@example.com", "ada@example.org"]),
        Channel::Sms => ("phone", ["+4915112345678", "+4915187654321"]),
    };
    (attribute.into(), which.map_or(Value::Unset, |which| Value::text(addresses[which])))
}

fn amount(amount: i64) -> Value {
    Value::Record([("amount".into(), Value::int(amount))].into_iter().collect())
}

/// What reaches us; none if there is nothing to answer.
fn kind(act: &Act, asked: &[Asked], at: Instant) -> Option<InputKind> {
    let upsert = |attributes, add_tags, remove_tags| InputKind::Upsert { attributes, add_tags, remove_tags };
    let set = |name: &str, value| upsert(vec![(name.into(), value)], vec![], vec![]);
    Some(match act {
        Act::Tag(tag) => upsert(vec![], vec![TAGS[*tag].into()], vec![]),
        Act::Untag(tag) => upsert(vec![], vec![], vec![TAGS[*tag].into()]),
        Act::Event(event, of) => InputKind::Event { name: EVENTS[*event].into(), payload: amount(*of) },
        Act::Plan(plan) => set("plan", Value::text(PLANS[*plan])),
        Act::Visits(visits) => set("visits", Value::int(*visits)),
        Act::Renewal(day) => set("renewal", day.map_or(Value::Unset, |day| Value::Date(Date(FIRST_DAY + day)))),
        Act::Name(name) => set("name", Value::text(NAMES[*name])),
        Act::Born(day) => set("born", Value::Date(Date(BIRTHS[*day]))),
        Act::Interests(interests) => {
            set("interests", Value::List(interests.iter().map(|place| Value::text(INTERESTS[*place])).collect()))
        }
        Act::Address(channel, which) => upsert(vec![address(*channel, *which)], vec![], vec![]),
        Act::Message(mail, status, machine) => InputKind::Message {
            message: MessageName::Newest(MAILS[*mail].into()),
            status: match status {
                Status::Delivered => StatusKind::Delivered,
                Status::Opened => StatusKind::Opened,
                Status::Clicked => StatusKind::Clicked,
                Status::Replied => StatusKind::Replied,
                Status::Bounced => StatusKind::Bounced,
                Status::Complained => StatusKind::Complained,
                Status::Failed => StatusKind::Failed,
                Status::Skipped => StatusKind::Skipped,
            },
            link: (*status == Status::Clicked).then(|| LINK.into()),
            machine: *machine,
        },
        Act::Unsubscribed(topic, channel) => {
            let topic = topic.map(|topic| TOPICS[topic].into());
            match channel {
                Some(channel) => InputKind::UnsubscribeVia { topic, channel: via(*channel) },
                None => InputKind::Unsubscribe { topic },
            }
        }
        Act::Subscribed(topic, channel, hours) => InputKind::Subscribe {
            topic: TOPICS[*topic].into(),
            channel: channel.map(via),
            evidence: Evidence { until: hours.map(|hours| Instant(at.0 + hours * 3_600_000)), ..Evidence::default() },
        },
        Act::Written(word, channel) => InputKind::Inbound { channel: via(*channel), text: WORDS[*word].into() },
        Act::Stage(stage) => InputKind::MoveTo { funnel: "sales".into(), stage: STAGES[*stage].into() },
        Act::Started(journey, of) => InputKind::Start { journey: format!("j{journey}").into(), payload: amount(*of) },
        Act::Answer(back, answer) => {
            let (number, good, bad) = match asked.len().checked_sub(1 + back).map(|place| &asked[place])? {
                Asked::Call(number) => {
                    let grade = |grade| Value::Record([("grade".into(), Value::text(grade))].into_iter().collect());
                    (number, grade("hot"), grade("cold"))
                }
                Asked::Voucher(number) => (number, Value::text("GIFT-A"), Value::text("GIFT-B")),
                Asked::Colleague(number) => (number, Value::text("yes"), Value::text("no")),
            };
            let answer = match answer {
                Some(true) => Answer::Given(good),
                Some(false) => Answer::Given(bad),
                None => Answer::None("out of reach".to_owned()),
            };
            InputKind::Answer { number: *number, answer }
        }
        Act::Decision(yes, journey) => InputKind::Decision {
            answer: if *yes { "yes" } else { "no" }.into(),
            journey: journey.map(|journey| format!("j{journey}").into()),
        },
    })
}

/// A line of the trace, if it tells of an effect.
fn words(entry: &TraceEntry, outgoing: &[Outgoing]) -> Option<String> {
    let on = |channel: &Option<Via>| channel.map_or_else(String::new, |channel| format!(" via {channel}"));
    let until = |until: &Instant| until.0 - START.0;
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
                NotEntered::Holdout => "holdout",
            };
            format!("refuses: {why}")
        }
        TraceEvent::Sent { name, channel, message } => {
            let of = |outgoing: &&Outgoing| outgoing.id.number == *message && outgoing.message == *name;
            // What was on its way to a contact that is erased stays behind.
            let said = outgoing
                .iter()
                .find(of)
                .map_or_else(|| UNSEEN.to_owned(), |sent| as_said(sent.subject.as_deref(), sent.from.as_deref()));
            format!("sends {channel} {name}{said}")
        }
        TraceEvent::Skipped { name, channel, reason, .. } => {
            let why = match reason {
                Refusal::NoAddress => "address",
                Refusal::Unsubscribed => "unsubscribed",
                Refusal::Cap { .. } => "cap",
                Refusal::Suppressed => "suppressed",
                other @ (Refusal::NoConsent | Refusal::Paused) => panic!("{other:?}"),
            };
            format!("skips {channel} {name}: {why}")
        }
        TraceEvent::Deferred { until: open, .. } => format!("holds until {}", until(open)),
        TraceEvent::Waiting { until: end } => format!("waits until {}", until(end)),
        TraceEvent::Woke { by } => match by {
            WokenBy::Deadline => "goes on: time".to_owned(),
            WokenBy::Event(event) => format!("goes on: {event}"),
            WokenBy::Condition => "goes on: condition".to_owned(),
            WokenBy::Window => "goes on: window".to_owned(),
            WokenBy::Exit => "goes on: exit".to_owned(),
            WokenBy::Answer => "goes on: answer".to_owned(),
            WokenBy::NoAnswer => "goes on: no answer".to_owned(),
            WokenBy::Resumed => panic!("nothing is paused"),
        },
        TraceEvent::TagAdded(tag) => format!("adds {tag}"),
        TraceEvent::TagRemoved(tag) => format!("removes {tag}"),
        TraceEvent::AttributeSet(name, value) => format!("sets {name} to {value}"),
        TraceEvent::MovedTo { stage, .. } => format!("moves to {stage}"),
        TraceEvent::Recorded(event) => format!("records {event}"),
        TraceEvent::Subscribed { topic, channel } => format!("subscribes {topic}{}", on(channel)),
        TraceEvent::Unsubscribed { topic, channel } => format!("unsubscribes {topic}{}", on(channel)),
        TraceEvent::Suppressed(_) => "suppresses".to_owned(),
        TraceEvent::Notified { to, .. } => format!("tells {to}"),
        TraceEvent::Took { split, side } => format!("takes {split}: {side}"),
        TraceEvent::Measured { split, side, .. } => format!("measures {split}: {side}"),
        TraceEvent::Called { service, until: end, .. } => format!("calls {service} until {}", until(end)),
        TraceEvent::Voucher { name, .. } => format!("asks for {name}"),
        TraceEvent::Asked { to, until: end, .. } => format!("asks {to} until {}", until(end)),
        TraceEvent::GoalReached => "reaches its goal".to_owned(),
        TraceEvent::Ended(reason) => {
            let why = match reason {
                EndReason::Ended => "ended".to_owned(),
                EndReason::Goal => "goal".to_owned(),
                EndReason::Exit(event) => format!("exit {event}"),
                EndReason::ExitCondition => "exit".to_owned(),
                EndReason::ExitAfter => "exit after".to_owned(),
                EndReason::Unsubscribed => "unsubscribed".to_owned(),
                EndReason::Restarted => "restarted".to_owned(),
                EndReason::Stopped => "stopped".to_owned(),
                EndReason::Deleted => "deleted".to_owned(),
                // Somebody outside gave no answer; nothing else lets a program that checks clean fail.
                EndReason::Failed(why) if why.ends_with("out of reach") || why.ends_with("in time") => {
                    "failed".to_owned()
                }
                EndReason::Failed(why) if why.starts_with("more than ") => "endless".to_owned(),
                other => panic!("a program that checks clean never fails: {other:?}"),
            };
            format!("ends: {why}")
        }
        TraceEvent::Step(_) | TraceEvent::Decided { .. } | TraceEvent::Message { .. } | TraceEvent::Answered { .. } => {
            return None;
        }
        other @ (TraceEvent::Moved { .. } | TraceEvent::Paused) => panic!("nothing is deployed: {other:?}"),
    };
    Some(format!("{} {} {what}", until(&entry.at), entry.journey))
}
