//! `test` blocks.

use journey_grammar::SyntaxKind::{
    AskKw, CallKw, GoalKw, NotifyKw, PathKw, RecordKw, StageKw, StartKw, SubscribeKw, SuppressKw, TagKw, UnsubscribeKw,
    UntagKw, VoucherKw,
};
use journey_grammar::ast::{self, AstNode};

use super::header::attribute;
use super::literal::{date, duration, time};
use super::{Loc, Lower, Name, name, name_of, path_name, string};
use crate::hir::test::{Expectation, GivenContact, GivenFact, Test, TestAct, TestLine, TestMoment};
use crate::hir::{EventKind, Expr};

impl Lower<'_> {
    pub(super) fn test(&mut self, test: ast::Test<'_>) -> Test {
        let loc = test.range();
        let end = test.title().map_or(loc.end, |title| title.range().end);
        let mut lowered = Test {
            title: test.title().map(string).unwrap_or_default(),
            head: Loc { start: loc.start, end },
            contacts: Vec::new(),
            lines: Vec::new(),
            broken: self.tree.errors_at(loc) > 0,
        };
        for step in test.steps() {
            match step {
                ast::TestStep::Contact(contact) => lowered.contacts.push(self.given(contact)),
                ast::TestStep::Call(call) => lowered.lines.push(TestLine {
                    moment: None,
                    contact: None,
                    act: self.given_call(call).unwrap_or(TestAct::Error),
                    loc: call.range(),
                }),
                ast::TestStep::Event(event) => {
                    let act = event.stimulus().map_or(TestAct::Error, |stimulus| self.stimulus(stimulus));
                    let moment = event.moment().and_then(moment);
                    lowered.lines.push(TestLine {
                        moment,
                        contact: event.contact().map(name),
                        act,
                        loc: event.range(),
                    });
                }
                ast::TestStep::Expect(expect) => {
                    let expectation = expect.expectation().and_then(|expectation| self.expectation(expectation));
                    let act = expectation.map_or(TestAct::Error, |e| TestAct::Expect(e, expect.is_negated()));
                    let moment = expect.moment().and_then(moment);
                    lowered.lines.push(TestLine {
                        moment,
                        contact: expect.contact().map(name),
                        act,
                        loc: expect.range(),
                    });
                }
            }
        }
        lowered
    }

    fn given(&mut self, contact: ast::GivenContact<'_>) -> GivenContact {
        let facts = contact.facts().filter_map(|fact| {
            Some(match fact {
                ast::GivenFact::Consent(consent) => {
                    let channel = consent.channel().and_then(|channel| self.channel(channel));
                    GivenFact::Consents(name(consent.topic()?), channel)
                }
                ast::GivenFact::HasTag(tag) => GivenFact::HasTag(name(tag.name()?)),
                ast::GivenFact::Member(member) => match member.group() {
                    Some(group) => GivenFact::Stage(path_name(group)),
                    None => GivenFact::InJourney(name(member.journey()?), member.range()),
                },
            })
        });
        let facts = facts.collect();
        GivenContact {
            name: contact.name().map(name),
            attributes: self.record(contact.attributes()),
            facts,
            loc: contact.range(),
        }
    }

    fn given_call(&mut self, call: ast::GivenCall<'_>) -> Option<TestAct> {
        let answer = (!call.fails()).then(|| self.record(call.answer()));
        Some(TestAct::GivenCall(path_name(call.endpoint()?), answer))
    }

    fn record(&mut self, record: Option<ast::RecordLiteral<'_>>) -> Vec<(Name, Expr)> {
        let fields = record.into_iter().flat_map(ast::RecordLiteral::fields);
        fields.filter_map(|field| Some((name_of(field.name()?), self.expr(field.value()?)))).collect()
    }

    fn stimulus(&mut self, stimulus: ast::Stimulus<'_>) -> TestAct {
        let act = match stimulus {
            ast::Stimulus::Event(event) => {
                event.event().map(|named| TestAct::Event(name(named), self.record(event.fields())))
            }
            ast::Stimulus::Tag(tag) => Some(TestAct::Pattern(self.pattern(ast::Pattern::Tag(tag)))),
            ast::Stimulus::Status(status) => Some(TestAct::Pattern(self.pattern(ast::Pattern::Status(status)))),
            ast::Stimulus::Created(created) => Some(TestAct::Pattern(self.pattern(ast::Pattern::Created(created)))),
            ast::Stimulus::Consent(consent) => Some(TestAct::Pattern(self.pattern(ast::Pattern::Consent(consent)))),
            ast::Stimulus::Change(change) => (change.attribute().and_then(attribute))
                .zip(change.value())
                .map(|(attribute, value)| TestAct::Set(attribute, self.expr(value))),
            ast::Stimulus::Start(start) => {
                start.name().map(|journey| TestAct::Start(name(journey), self.record(start.fields())))
            }
            ast::Stimulus::Answer(answer) => answer.answer().map(|answer| TestAct::Answer(name(answer))),
            ast::Stimulus::Message(message) => Some(TestAct::Pattern(self.pattern(ast::Pattern::Message(message)))),
            ast::Stimulus::Move(to) => to.stage().map(|stage| TestAct::Move(path_name(stage))),
            ast::Stimulus::Delete(_) => Some(TestAct::Delete),
        };
        match act {
            Some(TestAct::Pattern(pattern)) => match pattern.kind {
                EventKind::Error => TestAct::Error,
                kind => TestAct::Pattern(crate::hir::EventPattern { kind, ..pattern }),
            },
            act => act.unwrap_or(TestAct::Error),
        }
    }

    fn expectation(&mut self, expectation: ast::Expectation<'_>) -> Option<Expectation> {
        Some(match expectation {
            ast::Expectation::Send(send) => {
                let channel = send.channel().and_then(|channel| self.channel(channel));
                match send.text() {
                    Some(text) => Expectation::SendText(channel, Name { text: string(text), loc: text.range() }),
                    None => Expectation::Send(channel, send.message().map(name)),
                }
            }
            ast::Expectation::Skipped(skipped) => {
                Expectation::Skipped(skipped.message().map(name), skipped.reason().map(name))
            }
            ast::Expectation::End(end) => Expectation::End(end.reason().map(name)),
            ast::Expectation::Wait(wait) => Expectation::Wait(wait.date().and_then(date), wait.time().and_then(time)),
            ast::Expectation::Effect(effect) => {
                let word = effect.word()?.kind();
                if word == SuppressKw {
                    return Some(Expectation::Suppress);
                }
                if word == UnsubscribeKw {
                    let topic = effect.subject().map(path_name);
                    return Some(Expectation::Unsubscribe(topic, self.via(effect.channel())?));
                }
                let subject = path_name(effect.subject()?);
                match word {
                    TagKw => Expectation::Tag(subject),
                    PathKw => Expectation::Path(subject),
                    RecordKw => Expectation::Record(subject),
                    NotifyKw => Expectation::Notify(subject),
                    UntagKw => Expectation::Untag(subject),
                    StageKw => Expectation::Stage(subject),
                    SubscribeKw => Expectation::Subscribe(subject),
                    StartKw => Expectation::Start(subject),
                    GoalKw => Expectation::Goal(subject),
                    AskKw => Expectation::Ask(subject),
                    CallKw => Expectation::Call(subject),
                    VoucherKw => Expectation::Voucher(subject),
                    _ => return None,
                }
            }
            ast::Expectation::Condition(condition) => Expectation::Condition(self.expr(condition)),
        })
    }
}

fn moment(moment: ast::TestMoment<'_>) -> Option<TestMoment> {
    Some(match moment {
        ast::TestMoment::At(at) => TestMoment::At(at.date().and_then(date), at.time().and_then(time)),
        ast::TestMoment::After(after) => TestMoment::After(duration(after.duration()?)?),
    })
}
