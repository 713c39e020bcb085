//! The header of a journey: who comes in and how often, what ends it, what it is for.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use journey_bytecode::{Channel, Purpose, Reenter, Time, TriggerKind};
use smol_str::SmolStr;

use super::Scene;
use crate::diagnostic::{Applicability, Code, Diagnostic, Edit};
use crate::hir::{EventKind, EventOrCondition, EventPattern, Gathering, Header, HeaderKind, Journey as Source};
use crate::typed::{Block, ExitKind, Journey, On, StepKind};

/// Before this hour and from the other one on, people sleep.
const MORNING: Time = Time(7 * 3600);
const EVENING: Time = Time(22 * 3600);

/// What a journey sends.
#[derive(Default)]
struct Sends {
    /// The most marketing messages on one way.
    marketing: usize,
    /// The first marketing text message.
    sms: Option<crate::hir::Loc>,
}

pub(super) fn journey(scene: &Scene<'_>, source: &Source, journey: &Journey, found: &mut Vec<Diagnostic>) {
    let judge = Judge { scene, source, journey, sends: OnceCell::new() };
    found.extend(judge.ignored_goal());
    found.extend(judge.reenter_always());
    found.extend(judge.sms_at_night());
    found.extend(judge.holdout());
    found.extend(judge.exit_on_trigger());
    found.extend(judge.night());
    judge.duplicate_triggers(found);
    if scene.index.lone || source.bare {
        return;
    }
    let head = scene.text.span(journey.head);
    if source.doc.is_empty() {
        found.push(
            Diagnostic::new(Code::MissingDoc, head, format!("nothing says what `{}` is for", journey.name))
                .label("no `///` above it")
                .help("write a line above it: `/// Teaches why our mattresses cost more.`"),
        );
    }
    if journey.goals.is_empty() && judge.sends().marketing > 0 {
        found.push(
            Diagnostic::new(Code::NoGoal, head, format!("nothing says what `{}` is to achieve", journey.name))
                .label("no goal")
                .help("add one, such as `goal purchase within 30d`: reports then say how many reach it"),
        );
    }
    for line in &source.header {
        if let HeaderKind::Goal { within: None, .. } = line.kind {
            found.push(
                Diagnostic::new(
                    Code::EndlessGoal,
                    scene.text.span(line.loc),
                    "this goal counts at any time after entry",
                )
                .label("within how long?")
                .help("say how long after entry it counts: `within 30d`"),
            );
        }
    }
}

/// The most marketing messages on one way through the steps.
fn count(scene: &Scene<'_>, journey: &Journey, block: &Block, sends: &mut Sends) -> usize {
    let mut most = 0;
    for step in block {
        if let StepKind::Send(send) = &step.kind
            && send.to.is_none()
        {
            let marketing = |(channel, name): &&(Channel, _)| {
                *channel != Channel::Webhook && scene.purpose(journey, *channel, name) == Purpose::Marketing
            };
            let mut of_marketing = send.choices.iter().filter(marketing).peekable();
            most += usize::from(of_marketing.peek().is_some());
            if of_marketing.any(|(channel, _)| *channel == Channel::Sms) {
                sends.sms = sends.sms.or(Some(step.head));
            }
        }
        let mut inside = 0;
        step.kind.each_block(|inner| inside = inside.max(count(scene, journey, inner, sends)));
        most += if matches!(step.kind, StepKind::Repeat { .. }) { 2 * inside } else { inside };
    }
    most
}

struct Judge<'a> {
    scene: &'a Scene<'a>,
    source: &'a Source,
    journey: &'a Journey,
    /// Counted when somebody asks.
    sends: OnceCell<Sends>,
}

impl Judge<'_> {
    fn sends(&self) -> &Sends {
        self.sends.get_or_init(|| {
            let mut sends = Sends::default();
            let mut leaving = 0;
            for then in self.journey.exits.iter().filter_map(|exit| exit.then.as_ref()) {
                leaving = leaving.max(count(self.scene, self.journey, then, &mut sends));
            }
            sends.marketing = leaving + count(self.scene, self.journey, &self.journey.body, &mut sends);
            sends
        })
    }

    fn line(&self, is: impl Fn(&HeaderKind) -> bool) -> Option<&Header> {
        self.source.header.iter().find(|line| is(&line.kind))
    }

    /// A journey that goes on mailing those who did what it wanted.
    fn ignored_goal(&self) -> Option<Diagnostic> {
        let declared = |event: &str| self.scene.index.events.contains_key(event);
        let goal = self.journey.goals.iter().find(|goal| !goal.exits && declared(&goal.pattern.event))?;
        let ends = self.journey.exits.iter().flat_map(|exit| &exit.kinds).any(|exit| match exit {
            ExitKind::Event(pattern) => pattern.event == goal.pattern.event,
            ExitKind::Condition(_) => true,
            ExitKind::After(_) => false,
        });
        if ends || self.sends().marketing < 2 {
            return None;
        }
        let line = self.line(|kind| matches!(kind, HeaderKind::Goal { .. }))?;
        let span = self.scene.text.span(line.loc);
        let message = format!("`{}` goes on after its goal is reached", self.journey.name);
        Some(
            Diagnostic::new(Code::IgnoredGoal, span, message)
                .label("only counted")
                .note(format!("Whoever did `{}` still gets the messages that ask for it.", goal.pattern.event))
                .help("write `exit on goal` below it")
                .fix(
                    "Write `exit on goal` below it",
                    Applicability::Unsafe,
                    vec![Edit { span: span.after(), text: "\n  exit on goal".to_owned() }],
                ),
        )
    }

    fn reenter_always(&self) -> Option<Diagnostic> {
        let again = self.journey.reenter == Reenter::Always && self.journey.key.is_none();
        // What comes at fixed times comes no more often than that.
        let often = self.journey.triggers.iter().any(|trigger| {
            matches!(
                trigger.kind,
                On::Event(TriggerKind::Event(_) | TriggerKind::Changes { .. } | TriggerKind::Message(..))
            )
        });
        let at_a_time = |kind: &HeaderKind| matches!(kind, HeaderKind::Collect { until: Gathering::Until(..), .. });
        if !again || !often || self.sends().marketing == 0 || self.line(at_a_time).is_some() {
            return None;
        }
        let line = self.line(|kind| matches!(kind, HeaderKind::Reenter(_)))?;
        Some(
            Diagnostic::new(
                Code::ReenterAlways,
                self.scene.text.span(line.loc),
                format!("a contact gets the marketing of `{}` as often as it is started", self.journey.name),
            )
            .label("again at once")
            .help("say how long it pauses: `reenter after 30d`; or what keeps runs apart: `per trigger.order_id`"),
        )
    }

    fn sms_at_night(&self) -> Option<Diagnostic> {
        let quiet = self.scene.index.policy.quiet(Channel::Sms);
        if quiet.is_some() || self.journey.hours.is_some() || self.scene.index.lone {
            return None;
        }
        let span = self.scene.text.span(self.sends().sms?);
        Some(
            Diagnostic::new(Code::SmsAtNight, span, "this text message may come in the middle of the night")
                .label("at any time")
                .note("The law of several countries forbids advertising by text message at night: the TCPA before 8 and after 21 o'clock.")
                .help("write `quiet hours 21:00 to 08:00` into the `policy`, or `hours 09:00 to 20:00` above the first step"),
        )
    }

    fn holdout(&self) -> Option<Diagnostic> {
        let line = self.line(|kind| matches!(kind, HeaderKind::Holdout(_)))?;
        self.journey.goals.is_empty().then(|| {
            let span = self.scene.text.span(line.loc);
            Diagnostic::new(Code::HoldoutWithoutGoal, span, "those held out are compared by nothing")
                .label("without a goal")
                .note("A holdout tells how many reach the goal without the journey.")
                .help("add a goal, such as `goal purchase within 30d`")
        })
    }

    /// The event that starts a run also ends it: a way to say `restart` in tools that have no such word.
    fn exit_on_trigger(&self) -> Option<Diagnostic> {
        fn name(pattern: &EventPattern) -> Option<&SmolStr> {
            match &pattern.kind {
                EventKind::Named(name) if pattern.filter.is_none() => Some(&name.text),
                _ => None,
            }
        }
        let starts = |event: &SmolStr| {
            self.line(|kind| matches!(kind, HeaderKind::On(pattern) if name(pattern) == Some(event))).is_some()
        };
        self.source.header.iter().find_map(|line| {
            let HeaderKind::ExitWhen(items, _) = &line.kind else { return None };
            let mut events = items.iter().filter_map(|item| match item {
                EventOrCondition::Event(pattern) => name(pattern),
                EventOrCondition::Word(word) => Some(&word.text),
                EventOrCondition::Condition(_) => None,
            });
            let event = events.find(|event| starts(event))?;
            Some({
                let span = self.scene.text.span(line.loc);
                Diagnostic::new(Code::ExitOnTrigger, span, format!("`{event}` starts this journey and also ends it"))
                    .label("ends what it started before")
                    .note("Whether a new run begins with it is not said here.")
                    .help("write `reenter restart`: the run under way ends, and a new one begins with the new event")
            })
        })
    }

    /// A message at a fixed time at which people sleep.
    fn night(&self) -> Option<Diagnostic> {
        let policy = &self.scene.index.policy;
        if policy.quiet_hours.is_some() || !policy.quiet_channels.is_empty() || self.journey.hours.is_some() {
            return None;
        }
        let first = self.journey.body.iter().find(|step| !is_note(&step.kind))?;
        if !matches!(first.kind, StepKind::Send(_)) || self.sends().marketing == 0 {
            return None;
        }
        self.source.header.iter().find_map(|line| {
            let HeaderKind::On(pattern) = &line.kind else { return None };
            let (EventKind::Every { time, .. }
            | EventKind::EverySpan { time, .. }
            | EventKind::Date(_, _, time)
            | EventKind::Anniversary(_, time)) = pattern.kind
            else {
                return None;
            };
            (time.0 < MORNING.0 || time.0 >= EVENING.0).then(|| {
                let span = self.scene.text.span(line.loc);
                Diagnostic::new(Code::AtNight, span, format!("this sends at {time}, while people sleep"))
                    .label("on the contact's own clock")
                    .help("choose a time in the day, or write `quiet hours 21:00 to 08:00` into the `policy`")
            })
        })
    }

    fn duplicate_triggers(&self, found: &mut Vec<Diagnostic>) {
        let lines = self.source.header.iter().filter(|line| matches!(line.kind, HeaderKind::On(_)));
        // Most journeys are started by one thing.
        if lines.clone().nth(1).is_none() {
            return;
        }
        let mut seen: BTreeMap<String, crate::hir::Loc> = BTreeMap::new();
        for line in lines {
            let words = self.scene.text.slice(line.loc).split_whitespace().collect::<Vec<_>>().join(" ");
            match seen.get(&words) {
                Some(first) => found.push(
                    Diagnostic::new(
                        Code::DuplicateTrigger,
                        self.scene.text.span(line.loc),
                        format!("`{}` stands here twice", self.scene.text.show(line.loc)),
                    )
                    .label("again")
                    .also(self.scene.text.span(*first), "the first one")
                    .fix(
                        "Remove it",
                        Applicability::Safe,
                        vec![Edit { span: self.scene.text.span(line.loc), text: String::new() }],
                    ),
                ),
                None => {
                    seen.insert(words, line.loc);
                }
            }
        }
    }
}

/// Steps that take no time and send nothing.
const fn is_note(kind: &StepKind) -> bool {
    matches!(kind, StepKind::AddTag(_) | StepKind::RemoveTag(_) | StepKind::Set(..) | StepKind::Let(..))
}
