//! Names and types of tests: HIR to compiled test cases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use journey_bytecode::{
    BuiltinEvent, Channel, Clause, Expectation as Expected, StatusKind, Stimulus, TestAct as Act, TestCase,
    TestContact, TestLine as Line, TestMoment as Moment, Type, Value,
};
use journey_grammar::Tree;
use journey_grammar::ast::{self, AstNode};
use smol_str::SmolStr;

use super::expr::Checker;
use super::index::FieldInfo;
use super::{Index, Named, Uses};
use crate::codegen;
use crate::diagnostic::{Code, Diagnostic, one_of};
use crate::hir::test::{Expectation, GivenContact, GivenFact, Test, TestAct, TestLine, TestMoment};
use crate::hir::{self, AboutKind, EventKind, Expr, Loc, Name};
use crate::text::Text;
use crate::typed;

/// Why a run can end, as `expect end because` names it; an event that an `exit when` names is one too.
const ENDS: [&str; 8] = ["deleted", "ended", "exit", "failed", "goal", "restarted", "stopped", "unsubscribed"];

/// Why a message can be refused, as `expect skipped because` names it.
const REFUSALS: [&str; 5] = ["cap", "no_address", "no_consent", "suppressed", "unsubscribed"];

/// What a test calls its contact if it has one only.
const CONTACT: &str = "contact";

/// The messages that the project's journeys send, as tests may call them.
#[derive(PartialEq, Eq, Default)]
pub(crate) struct SentNames {
    /// Names given with `as`, and the message that each means.
    handles: BTreeMap<SmolStr, SmolStr>,
    /// The messages' own names.
    messages: BTreeSet<SmolStr>,
    /// Texts that stand in the journeys.
    texts: BTreeSet<SmolStr>,
    /// What colleagues can answer.
    answers: BTreeSet<SmolStr>,
    /// Who is told something: `owner`, `slack`.
    told: BTreeSet<SmolStr>,
    /// Who is asked something.
    asked: BTreeSet<SmolStr>,
    /// The sides of splits.
    sides: BTreeSet<SmolStr>,
}

impl SentNames {
    /// Those of all journeys in these files.
    pub(crate) fn of<'t>(trees: impl Iterator<Item = &'t Tree>) -> Self {
        let mut names = Self::default();
        let items = trees.flat_map(|tree| ast::File::of(tree).items());
        for item in items.filter(|item| matches!(item, ast::Item::Journey(_))) {
            item.syntax().descendants().filter_map(ast::Step::cast).for_each(|step| names.add(step));
        }
        names
    }

    fn add(&mut self, step: ast::Step<'_>) {
        match step {
            ast::Step::Send(send) => match send.message() {
                Some(ast::MessageSource::Name(message)) => {
                    self.messages.insert(message.text().into());
                    if let Some(handle) = send.handle() {
                        self.handles.insert(handle.text().into(), message.text().into());
                    }
                }
                Some(ast::MessageSource::Text(text)) => _ = self.texts.insert(hir::string(text)),
                None => {}
            },
            ast::Step::Ask(ask) => {
                self.asked.extend(ask.recipient().map(|path| hir::whom(path, None).name.text));
                self.answers.extend(ask.arms().filter_map(|arm| Some(arm.answer()?.text().into())));
            }
            ast::Step::Notify(notify) => {
                self.told.extend(notify.recipient().map(|path| hir::whom(path, None).name.text));
            }
            ast::Step::Split(split) => {
                self.sides.extend(split.arms().filter_map(|side| Some(side.name()?.text().into())));
            }
            _ => {}
        }
    }
}

/// How an unknown name is told.
struct Wording {
    code: Code,
    message: &'static str,
    label: &'static str,
    help: &'static str,
}

/// A test as far as it is understood.
pub(crate) struct Tested {
    /// The test; none if it has errors.
    pub(crate) case: Option<TestCase>,
    /// What is wrong with it.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The names that it uses.
    pub(crate) uses: Uses,
}

/// Checks a test.
pub(crate) fn test<'a>(index: &'a Index<'a>, text: &'a Text<'a>, test: &Test, sent: &SentNames) -> Tested {
    let mut checker =
        TestChecker { checker: Checker::constants(index, text), sent, names: Vec::new(), conditions: Vec::new() };
    let case = checker.case(test);
    let Checker { diagnostics, uses, .. } = checker.checker;
    let sound = !test.broken && !diagnostics.iter().any(|d| d.severity == crate::diagnostic::Severity::Error);
    Tested { case: sound.then_some(case), diagnostics, uses }
}

struct TestChecker<'a> {
    checker: Checker<'a>,
    sent: &'a SentNames,
    /// What the test calls its contacts.
    names: Vec<SmolStr>,
    conditions: Vec<typed::Expr>,
}

impl TestChecker<'_> {
    fn case(&mut self, test: &Test) -> TestCase {
        let mut contacts: Vec<TestContact> = test.contacts.iter().map(|given| self.contact(given)).collect();
        if contacts.is_empty() {
            self.names.push(CONTACT.into());
            contacts.push(TestContact { name: CONTACT.into(), ..TestContact::default() });
        }
        for contact in &mut contacts {
            self.address(contact);
        }
        let mut lines: Vec<Line> = test.lines.iter().filter_map(|line| self.line(line)).collect();
        let expects = |line: &TestLine| matches!(line.act, TestAct::Expect(..) | TestAct::Error);
        if !test.broken && !test.lines.iter().any(expects) {
            self.checker
                .report(Code::TestExpectsNothing, test.head, "this test expects nothing")
                .label("cannot fail")
                .help("say what must follow: `expect send email welcome`, `expect end`");
        }
        let (checks, clauses) = codegen::conditions(&self.conditions, self.checker.text);
        for line in &mut lines {
            if let Act::Expects(Expected::Holds(clause), _) = &mut line.act {
                *clause = clauses.get(clause.index()).copied().unwrap_or_default();
            }
        }
        let (line, _) = self.checker.text.line_column(test.head.start);
        TestCase {
            title: test.title.to_string(),
            source: self.checker.text.path().into(),
            line,
            contacts,
            lines,
            checks,
        }
    }

    fn contact(&mut self, given: &GivenContact) -> TestContact {
        let name = given.name.as_ref().map_or_else(|| CONTACT.into(), |name| name.text.clone());
        if self.names.contains(&name) {
            let at = given.name.as_ref().map_or(given.loc, |name| name.loc);
            self.checker
                .report(Code::DuplicateName, at, format!("the contact `{name}` is given twice"))
                .label("given again")
                .help("give each contact a name of its own: `given contact ada { .. }`");
        }
        // Also one given twice has its place, so that places and contacts agree.
        self.names.push(name.clone());
        let mut contact = TestContact { name, ..TestContact::default() };
        for (attribute, value) in &given.attributes {
            contact.attributes.extend(self.attribute(attribute, value));
        }
        for fact in &given.facts {
            match fact {
                GivenFact::Consents(topic, channel) => {
                    contact.consents.extend(self.checker.topic(topic).map(|topic| (topic, *channel)));
                }
                GivenFact::HasTag(tag) => contact.tags.extend(self.checker.tag(tag)),
                GivenFact::Stage(stage) => contact.stages.extend(self.checker.stage_of(stage)),
                GivenFact::InJourney(name, loc) => {
                    let name = &name.text;
                    self.checker
                        .report(
                            Code::ImpossibleValue,
                            *loc,
                            "a run cannot be given, because it is somewhere in its steps",
                        )
                        .label("where in it?")
                        .help(format!("let it begin: `at 2026-03-02 10:00 start journey {name}`"));
                }
            }
        }
        contact
    }

    /// A contact has the addresses that every contact must have, also where a test does not care which.
    fn address(&self, contact: &mut TestContact) {
        for (name, info) in self.checker.index.attributes.iter() {
            let sample = match &info.ty {
                Some(Type::Email) => format!("{}@example.com", contact.name),
                Some(Type::Phone) => "+4930123456".to_owned(),
                _ => continue,
            };
            let given = contact.attributes.iter().any(|(known, _)| known == name);
            if !given && !info.may_be_unset {
                contact.attributes.push((name.clone(), Value::text(sample)));
            }
        }
    }

    fn attribute(&mut self, name: &Name, value: &Expr) -> Option<(SmolStr, Value)> {
        let ty = self.checker.attribute_type(name)??;
        Some((name.text.clone(), self.checker.constant(value, &ty)?))
    }

    fn line(&mut self, line: &TestLine) -> Option<Line> {
        let contact = self.whom(line);
        let act = match &line.act {
            TestAct::Pattern(pattern) => Act::Happens(self.pattern(&pattern.kind, pattern.loc)?),
            TestAct::Event(name, fields) => Act::Happens(self.event(name, fields)?),
            TestAct::Set(name, value) => {
                let (name, value) = self.attribute(name, value)?;
                Act::Happens(Stimulus::Set(name, value))
            }
            TestAct::Move(stage) => {
                let (funnel, stage) = self.checker.stage_of(stage)?;
                Act::Happens(Stimulus::Moved(funnel, stage))
            }
            TestAct::Delete => Act::Happens(Stimulus::Deleted),
            TestAct::Start(name, given) => {
                let journey = self.checker.journey_named(name)?;
                let handed = self.checker.index.handed.get(&journey).map_or(&[][..], Vec::as_slice);
                let payload = self.payload(name, Some(handed), given, ("start journey", " with"));
                Act::Happens(Stimulus::Start(journey, payload))
            }
            TestAct::Answer(answer) => {
                let wording = Wording {
                    code: Code::UnknownValue,
                    message: "no journey asks anything that is answered",
                    label: "no such answer",
                    help: "answers are the names before the blocks of an `ask`",
                };
                Act::Happens(Stimulus::Decision(self.named(answer, |sent| &sent.answers, &wording)?))
            }
            TestAct::GivenCall(service, answer) => {
                let fields = self.checker.service(service)?.into_iter().map(FieldInfo::from).collect::<Vec<_>>();
                let answer = answer
                    .as_ref()
                    .map(|given| self.payload(service, Some(&fields), given, ("given call", " returns")));
                Act::Happens(Stimulus::Answers(service.text.clone(), answer))
            }
            TestAct::Expect(expectation, negated) => Act::Expects(self.expectation(expectation)?, *negated),
            TestAct::Error => return None,
        };
        let moment = line.moment.map(|moment| match moment {
            TestMoment::At(date, time) => Moment::At(date, time),
            TestMoment::After(span) => Moment::After(span),
        });
        let text = self.checker.text;
        let words: Vec<&str> = text.slice(line.loc).split_whitespace().collect();
        Some(Line { line: text.line_column(line.loc.start).0, text: words.join(" "), moment, contact: contact?, act })
    }

    /// A name that some journey uses.
    fn named(
        &mut self,
        name: &Name,
        known: fn(&SentNames) -> &BTreeSet<SmolStr>,
        wording: &Wording,
    ) -> Option<SmolStr> {
        let sent = self.sent;
        let known: Vec<&str> = known(sent).iter().map(SmolStr::as_str).collect();
        if known.contains(&name.text.as_str()) {
            return Some(name.text.clone());
        }
        let message = format!("{} `{}`", wording.message, name.text);
        let report = self.checker.report(wording.code, name.loc, message);
        report.suggest_or(&name.text, known, wording.label, wording.help);
        None
    }

    /// The contact that a line is about.
    fn whom(&mut self, line: &TestLine) -> Option<u16> {
        let Some(name) = &line.contact else {
            if self.names.len() > 1 {
                let names = one_of(self.names.iter().map(SmolStr::as_str).collect::<BTreeSet<_>>());
                self.checker
                    .report(
                        Code::UnknownTestContact,
                        line.loc,
                        "this test has several contacts, and this line names none",
                    )
                    .label("for whom?")
                    .help(format!("end it with `for` and a name: {names}"));
                return None;
            }
            return Some(0);
        };
        if let Some(place) = self.names.iter().position(|known| *known == name.text) {
            return u16::try_from(place).ok();
        }
        let names = self.names.clone();
        self.checker
            .report(Code::UnknownTestContact, name.loc, format!("this test gives no contact `{}`", name.text))
            .suggest_or(
                &name.text,
                names.iter().map(SmolStr::as_str),
                "no such contact",
                format!("give it: `given contact {} {{ .. }}`", name.text),
            );
        None
    }

    fn pattern(&mut self, kind: &EventKind, loc: Loc) -> Option<Stimulus> {
        Some(match kind {
            EventKind::Created => Stimulus::Created,
            EventKind::Tag(tag) => Stimulus::Tag(self.checker.tag(tag)?),
            EventKind::Untag(tag) => Stimulus::Untag(self.checker.tag(tag)?),
            EventKind::Subscribed(Some(topic), channel) => Stimulus::Subscribed(self.checker.topic(topic)?, *channel),
            EventKind::Subscribed(None, _) => {
                self.checker
                    .report(Code::UnknownTopic, loc, "the topic to which the contact consents is missing")
                    .label("to which one?")
                    .help("name it: `subscribed offers`");
                return None;
            }
            EventKind::Unsubscribed(None, channel) => Stimulus::Unsubscribed(None, *channel),
            EventKind::Unsubscribed(Some(topic), channel) => {
                Stimulus::Unsubscribed(Some(self.checker.topic(topic)?), *channel)
            }
            EventKind::Message(text, channel) => {
                Stimulus::Inbound(text.clone().unwrap_or_default(), channel.unwrap_or(Channel::Sms))
            }
            EventKind::Status(status, about) => {
                if matches!(status, StatusKind::Sent | StatusKind::Skipped) {
                    let word = status.name();
                    self.checker
                        .report(Code::ImpossibleStatus, loc, format!("whether a message is {word} is up to the run"))
                        .label("does not come from outside")
                        .help("expect it: `expect send ..` or `expect skipped ..`");
                    return None;
                }
                let message = match &about.kind {
                    AboutKind::Named(name) | AboutKind::AnyNamed(name) => Some(self.message(None, name)?),
                    AboutKind::Bare | AboutKind::Any(_) => None,
                };
                Stimulus::Message(*status, message, about.link.as_ref().map(|link| link.text.clone()))
            }
            EventKind::Named(name) => self.event(name, &[])?,
            EventKind::Changes { .. }
            | EventKind::Segment(..)
            | EventKind::Reaches(_)
            | EventKind::Every { .. }
            | EventKind::EverySpan { .. }
            | EventKind::Date(..)
            | EventKind::Anniversary(..)
            | EventKind::Call(_)
            | EventKind::Error => return None,
        })
    }

    fn event(&mut self, name: &Name, given: &[(Name, Expr)]) -> Option<Stimulus> {
        let fields = self.checker.event_fields(name)?;
        let payload = self.payload(name, fields.as_deref(), given, ("event", ""));
        Some(Stimulus::Event(name.text.clone(), payload))
    }

    /// A record of declared fields, or of any if nobody declares them; the words stand around the name in a
    /// suggestion.
    fn payload(
        &mut self,
        name: &Name,
        fields: Option<&[FieldInfo]>,
        given: &[(Name, Expr)],
        (before, after): (&str, &str),
    ) -> Value {
        let mut payload = Vec::new();
        for (field, value) in given {
            match &fields {
                Some(fields) => match fields.iter().find(|known| known.name == field.text) {
                    Some(known) => {
                        if let Some(ty) = &known.ty {
                            payload.extend(self.checker.constant(value, ty).map(|value| (field.text.clone(), value)));
                        }
                    }
                    None => self.unknown_field(name, field, fields),
                },
                None => payload.extend(self.checker.any_constant(value).map(|value| (field.text.clone(), value))),
            }
        }
        for known in fields.into_iter().flatten().filter(|known| !known.optional) {
            if given.iter().all(|(field, _)| field.text != known.name) {
                let ty = known.ty.as_ref().map_or_else(|| "..".to_owned(), ToString::to_string);
                self.checker
                    .report(
                        Code::MissingField,
                        name.loc,
                        format!("every `{}` has the field `{}`", name.text, known.name),
                    )
                    .label(format!("without `{}`", known.name))
                    .help(format!(
                        "give it a value, which is {ty}: `{before} {}{after} {{ {}: .. }}`",
                        name.text, known.name
                    ));
            }
        }
        Value::Record(Arc::from(payload))
    }

    fn unknown_field(&mut self, event: &Name, field: &Name, fields: &[FieldInfo]) {
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        self.checker
            .report(Code::UnknownField, field.loc, format!("`{}` has no field `{}`", event.text, field.text))
            .suggest_or(
                &field.text,
                names.iter().copied(),
                "no such field",
                format!("its fields: {}", names.join(", ")),
            );
    }

    /// The message of a name: its own, or one that a journey gives it with `as`.
    fn message(&mut self, channel: Option<Channel>, name: &Name) -> Option<SmolStr> {
        let index = self.checker.index;
        if index.has_message(channel, &name.text) || index.lone && self.sent.messages.contains(&name.text) {
            return Some(name.text.clone());
        }
        if let Some(message) = self.sent.handles.get(&name.text) {
            self.checker.uses.note(Named::Handle, &name.text);
            return Some(message.clone());
        }
        // What a journey sends without it being there is no better than what stands here.
        let sent = self.sent.messages.iter().filter(|_| index.lone);
        let names: BTreeSet<SmolStr> = (index.messages.keys().map(|(_, name)| name))
            .chain(self.sent.handles.keys())
            .chain(sent)
            .cloned()
            .collect();
        let what = channel.map_or("message", |channel| match channel {
            Channel::Email => "mail",
            Channel::Sms => "text message",
            Channel::Push => "push message",
            Channel::Webhook => "webhook message",
            Channel::WhatsApp => "WhatsApp message",
        });
        self.checker
            .report(Code::UnknownMessage, name.loc, format!("there is no {what} `{}`", name.text))
            .label("no such message")
            .suggest(&name.text, names.iter().map(SmolStr::as_str));
        None
    }

    fn expectation(&mut self, expectation: &Expectation) -> Option<Expected> {
        Some(match expectation {
            Expectation::Send(channel, message) => {
                let message = match message {
                    Some(name) => Some(self.message(*channel, name)?),
                    None => None,
                };
                Expected::Send(*channel, message)
            }
            Expectation::SendText(channel, text) => {
                let wording = Wording {
                    code: Code::UnknownMessage,
                    message: "no journey sends the text",
                    label: "no such text",
                    help: "write the text just as the journey does, or expect a message by its name",
                };
                Expected::SendText(*channel, self.named(text, |sent| &sent.texts, &wording)?)
            }
            Expectation::Skipped(message, reason) => {
                let message = match message {
                    Some(name) => Some(self.message(None, name)?),
                    None => None,
                };
                Expected::Skipped(message, self.reason(reason.as_ref(), &REFUSALS, false)?)
            }
            Expectation::End(reason) => Expected::End(self.reason(reason.as_ref(), &ENDS, true)?),
            Expectation::Wait(date, time) => Expected::Wait(*date, *time),
            Expectation::Tag(tag) => Expected::Tag(self.checker.tag(tag)?),
            Expectation::Path(side) => {
                let wording = Wording {
                    code: Code::UnknownValue,
                    message: "no journey has a split with a side",
                    label: "no such side",
                    help: "sides are the names behind the shares of a `split`",
                };
                Expected::Path(self.named(side, |sent| &sent.sides, &wording)?)
            }
            Expectation::Record(event) => {
                self.checker.event_fields(event)?;
                Expected::Record(event.text.clone())
            }
            Expectation::Notify(whom) => {
                let wording = Wording {
                    code: Code::UnknownColleague,
                    message: "no journey has `notify` for",
                    label: "never told",
                    help: "name whom a journey tells: `expect notify owner`, `expect notify slack`",
                };
                Expected::Notify(self.named(whom, |sent| &sent.told, &wording)?)
            }
            Expectation::Untag(tag) => Expected::Untag(self.checker.tag(tag)?),
            Expectation::Stage(stage) => {
                let (funnel, stage) = self.checker.stage_of(stage)?;
                Expected::Stage(funnel, stage)
            }
            Expectation::Subscribe(topic) => Expected::Subscribe(self.checker.topic(topic)?),
            Expectation::Unsubscribe(topic, channel) => {
                let topic = match topic {
                    Some(topic) => Some(self.checker.topic(topic)?),
                    None => None,
                };
                Expected::Unsubscribe(topic, *channel)
            }
            Expectation::Suppress => Expected::Suppress,
            Expectation::Start(journey) => Expected::Start(self.checker.journey_named(journey)?),
            Expectation::Goal(journey) => Expected::Goal(self.checker.journey_named(journey)?),
            Expectation::Ask(whom) => {
                let wording = Wording {
                    code: Code::UnknownColleague,
                    message: "no journey has a question for",
                    label: "never asked",
                    help: "name whom a journey asks: `expect ask owner`",
                };
                Expected::Ask(self.named(whom, |sent| &sent.asked, &wording)?)
            }
            Expectation::Voucher(voucher) => Expected::Voucher(self.checker.voucher_named(voucher)?),
            Expectation::Call(service) => {
                self.checker.service(service)?;
                Expected::Call(service.text.clone())
            }
            Expectation::Condition(condition) => {
                self.checker.constants = false;
                let checked = self.checker.condition(condition);
                self.checker.constants = true;
                self.conditions.push(checked);
                // Its place among the conditions, until there is code.
                Expected::Holds(Clause(u32::try_from(self.conditions.len() - 1).unwrap_or(u32::MAX)))
            }
        })
    }

    /// `because goal`; the outer `None` is a reason that does not exist.
    #[expect(clippy::option_option, reason = "said above")]
    fn reason(&mut self, reason: Option<&Name>, known: &[&'static str], events: bool) -> Option<Option<SmolStr>> {
        let Some(reason) = reason else { return Some(None) };
        let known_event =
            || self.checker.index.events.contains_key(&reason.text) || BuiltinEvent::parse(&reason.text).is_some();
        let is_event = events && (self.checker.index.lone || known_event());
        if is_event || known.contains(&reason.text.as_str()) {
            return Some(Some(reason.text.clone()));
        }
        self.checker.report(Code::UnknownReason, reason.loc, format!("`{}` is not a reason", reason.text)).suggest_or(
            &reason.text,
            known.iter().copied(),
            "no such reason",
            format!("reasons are {}", one_of(known.iter().copied())),
        );
        None
    }
}
