//! Steps.

use journey_bytecode::WeekdaySet;
use journey_grammar::ast::{self, AstNode};
use journey_grammar::{Node, SyntaxKind, Token};
use smallvec::SmallVec;

use super::super::{
    Ask, Block, Call, ChooseArm, ChooseValue, CountdownPoint, Expr, Loc, Measure, Name, RaceArm, Send, SendMessage,
    SplitSide, Step, StepKind, TimeOut, Until, Wait, Whom,
};
use super::header::attribute;
use super::{Lower, exactly, literal, name, name_of, path_name, string};

impl Lower<'_> {
    pub(super) fn step(&mut self, step: ast::Step<'_>) -> Step {
        let loc = step.range();
        Step { kind: self.step_kind(step).unwrap_or_default(), head: head(step.syntax(), loc), loc }
    }

    fn body(&mut self, body: Option<ast::Body<'_>>) -> Block {
        match body {
            Some(ast::Body::Step(step)) => vec![self.step(step)],
            Some(ast::Body::Block(block)) => self.block(Some(block)),
            None => Block::new(),
        }
    }

    fn otherwise(&mut self, body: Option<ast::Body<'_>>) -> Option<Block> {
        body.map(|body| self.body(Some(body)))
    }

    pub(super) fn block(&mut self, block: Option<ast::Block<'_>>) -> Block {
        let Some(block) = block else { return Block::new() };
        exactly(block.steps().count(), block.steps().map(|step| self.step(step)))
    }

    fn step_kind(&mut self, step: ast::Step<'_>) -> Option<StepKind> {
        Some(match step {
            ast::Step::Send(send) => self.send(send)?,
            ast::Step::Wait(wait) => StepKind::Wait(Box::new(Wait::For {
                length: self.expr(wait.duration()?),
                longest: wait.longest().map(|longest| self.expr(longest)),
                window: match wait.window() {
                    Some(window) => Some(self.window(window)?),
                    None => None,
                },
            })),
            ast::Step::WaitUntil(wait) => self.wait_until(wait)?,
            ast::Step::WaitFor(wait) => {
                let up_to = self.up_to(wait.up_to());
                let otherwise = self.otherwise(wait.otherwise());
                StepKind::Wait(Box::new(Wait::Event {
                    pattern: self.pattern(wait.pattern()?),
                    from_now: wait.from_now(),
                    up_to: up_to?,
                    otherwise,
                }))
            }
            ast::Step::Race(race) => self.race(race)?,
            ast::Step::If(choice) => StepKind::If {
                condition: self.optional_expr(choice.condition(), choice.range()),
                then: self.body(choice.then()),
                otherwise: self.otherwise(choice.otherwise()),
            },
            ast::Step::Choose(choose) => StepKind::Choose {
                subject: self.optional_expr(choose.value(), choose.range()),
                arms: exactly(choose.arms().count(), choose.arms().map(|arm| self.choose_arm(arm))),
                otherwise: self.otherwise(choose.otherwise()),
            },
            ast::Step::AddTag(tag) => StepKind::AddTag(name(tag.name()?)),
            ast::Step::RemoveTag(tag) => StepKind::RemoveTag(name(tag.name()?)),
            ast::Step::Set(set) => {
                StepKind::Set(attribute(set.attribute()?)?, self.optional_expr(set.value(), set.range()))
            }
            ast::Step::Let(binding) => {
                StepKind::Let(name(binding.name()?), self.optional_expr(binding.value(), binding.range()))
            }
            ast::Step::End(_) => StepKind::End,
            ast::Step::Add(add) => {
                StepKind::AddTo(attribute(add.attribute()?)?, self.optional_expr(add.value(), add.range()))
            }
            ast::Step::Remove(remove) => StepKind::RemoveFrom(
                attribute(remove.attribute()?)?,
                self.optional_expr(remove.value(), remove.range()),
            ),
            ast::Step::Label(label) => StepKind::Label(name(label.name()?)),
            ast::Step::Split(split) => self.split(split)?,
            ast::Step::Repeat(repeat) => {
                let times = repeat.times()?;
                StepKind::Repeat {
                    times: self.count(times)?,
                    times_loc: times.range(),
                    until: repeat.until().map(|until| self.expr(until)),
                    body: self.block(repeat.block()),
                }
            }
            ast::Step::Countdown(countdown) => self.countdown(countdown)?,
            ast::Step::Move(to) => StepKind::MoveTo(path_name(to.stage()?)),
            ast::Step::Record(record) => {
                let fields = self.fields_of(record.fields());
                StepKind::Record(name(record.event()?), fields)
            }
            ast::Step::Subscribe(subscribe) => {
                let channel = self.via(subscribe.channel())?;
                StepKind::Subscribe(name(subscribe.topic()?), channel, self.settings(subscribe.settings()))
            }
            ast::Step::Unsubscribe(unsubscribe) => {
                StepKind::Unsubscribe(unsubscribe.topic().map(name), self.via(unsubscribe.channel())?)
            }
            ast::Step::Delete(_) => StepKind::Delete,
            ast::Step::Suppress(suppress) => StepKind::Suppress(suppress.reason().map(string).unwrap_or_default()),
            ast::Step::Notify(notify) => {
                let text = notify.text()?;
                StepKind::Notify(whom(notify.recipient()?, notify.target()), string(text), text.range())
            }
            ast::Step::Ask(ask) => {
                let up_to = self.up_to(ask.up_to())?;
                let question = ask.question()?;
                let mut arms = Vec::new();
                for arm in ask.arms() {
                    arms.push((name(arm.answer()?), self.block(arm.block())));
                }
                StepKind::Ask(Box::new(Ask {
                    whom: whom(ask.recipient()?, None),
                    question: (string(question), question.range()),
                    up_to,
                    arms,
                    otherwise: self.otherwise(ask.otherwise()),
                }))
            }
            ast::Step::Call(call) => {
                let up_to = self.up_to(call.up_to())?;
                StepKind::Call(Box::new(Call {
                    service: path_name(call.endpoint()?),
                    fields: self.fields_of(call.fields()),
                    result: call.result().map(name),
                    up_to,
                    otherwise: self.otherwise(call.otherwise()),
                }))
            }
            ast::Step::Start(start) => StepKind::StartJourney(name(start.name()?), self.fields_of(start.fields())),
            ast::Step::Stop(stop) => StepKind::StopJourney(name(stop.name()?)),
            ast::Step::Voucher(step) => StepKind::Voucher {
                voucher: name(step.voucher()?),
                code: step.code().map(name),
                expires: step.expires().map(|expires| self.expr(expires)),
            },
        })
    }

    /// Fields with their values.
    fn fields_of(&mut self, record: Option<ast::RecordLiteral<'_>>) -> Vec<(Name, Expr)> {
        let mut fields = Vec::new();
        for field in record.into_iter().flat_map(ast::RecordLiteral::fields) {
            let Some(field_name) = field.name() else { continue };
            fields.push((name_of(field_name), self.optional_expr(field.value(), field.range())));
        }
        fields
    }

    fn send(&mut self, send: ast::SendStep<'_>) -> Option<StepKind> {
        // Without a message, what stands as the channel may be its name; the parser has said so.
        let message = send.message()?;
        let mut channels = SmallVec::new();
        for channel in send.channels() {
            channels.push((self.channel(channel)?, channel.range()));
        }
        if channels.is_empty() {
            return None;
        }
        let message = match message {
            ast::MessageSource::Name(message) => SendMessage::Named(name(message)),
            ast::MessageSource::Text(text) => SendMessage::Inline(string(text), text.range()),
        };
        Some(StepKind::Send(Box::new(Send {
            channels,
            message,
            handle: send.handle().map(name),
            settings: self.settings(send.settings()),
            from: send.from().map(|from| self.expr(from)),
            to: send.to().map(|to| self.expr(to)),
        })))
    }

    /// `with NAME VALUE`, as often as it stands there.
    fn settings<'t>(&mut self, settings: impl Iterator<Item = ast::WithClause<'t>>) -> Vec<(Name, Expr)> {
        settings.filter_map(|setting| Some((name(setting.name()?), self.expr(setting.value()?)))).collect()
    }

    fn wait_until(&mut self, wait: ast::WaitUntilStep<'_>) -> Option<StepKind> {
        let until = match wait.moment()? {
            ast::Moment::Window(window) => self.window(window).map(Until::Window),
            ast::Moment::Days(set, time) => match time {
                Some(time) => literal::days(set).zip(literal::time(time)).map(|(days, time)| Until::Clock(days, time)),
                None => literal::days(set).map(|days| Until::Clock(days, journey_bytecode::Time(0))),
            },
            ast::Moment::Value(value, at) => {
                let at = match at {
                    Some(time) => Some(literal::time(time)?),
                    None => None,
                };
                match value.unparenthesised() {
                    Some(ast::Expr::Literal(literal))
                        if at.is_none() && literal.token().is_some_and(|token| token.kind() == SyntaxKind::Time) =>
                    {
                        literal::time(literal.token()?).map(|time| Until::Clock(WeekdaySet::ALL, time))
                    }
                    _ => Some(Until::Expr(self.expr(value), at)),
                }
            }
        };
        let otherwise = self.otherwise(wait.otherwise());
        let up_to = self.up_to(wait.up_to())?;
        Some(StepKind::Wait(Box::new(Wait::Until { until: until.unwrap_or(Until::Error), up_to, otherwise })))
    }

    /// The longest wait, if one is given; the outer `None` is an error.
    #[expect(clippy::option_option, reason = "said above")]
    fn up_to(&mut self, clause: Option<ast::UpToClause<'_>>) -> Option<Option<TimeOut>> {
        let Some(clause) = clause else { return Some(None) };
        self.time_out(clause.duration()?, clause.window()).map(Some)
    }

    fn time_out(&mut self, duration: Token<'_>, window: Option<ast::Window<'_>>) -> Option<TimeOut> {
        let window = match window {
            Some(window) => Some(self.window(window)?),
            None => None,
        };
        Some(TimeOut { span: literal::duration(duration)?, window, loc: duration.range() })
    }

    fn race(&mut self, race: ast::RaceStep<'_>) -> Option<StepKind> {
        let mut arms = Vec::with_capacity(race.arms().count());
        for arm in race.arms() {
            arms.push(RaceArm {
                pattern: self.pattern(arm.pattern()?),
                from_now: arm.from_now(),
                then: self.block(arm.block()),
            });
        }
        let mut after = Vec::with_capacity(race.timeouts().count());
        for timeout in race.timeouts() {
            let time_out = self.time_out(timeout.duration()?, timeout.window())?;
            after.push((time_out, self.block(timeout.block())));
        }
        Some(StepKind::Wait(Box::new(Wait::First { arms, after })))
    }

    fn split(&mut self, split: ast::SplitStep<'_>) -> Option<StepKind> {
        let measure = match split.measure() {
            Some(measure) => Some(Box::new(Measure {
                pattern: self.pattern(measure.pattern()?),
                within: match measure.within() {
                    Some(span) => Some(literal::duration(span)?),
                    None => None,
                },
                loc: measure.range(),
            })),
            None => None,
        };
        let run_for = match split.run_for() {
            Some(token) => Some((literal::duration(token)?, token.range())),
            None => None,
        };
        let best = split.then_best().then(|| {
            let clause = split.syntax().children().find(|child| child.kind() == SyntaxKind::BestClause);
            clause.map_or(split.range(), |clause| clause.range())
        });
        let mut sides = Vec::new();
        for arm in split.arms() {
            let share = arm.percent()?;
            sides.push(SplitSide {
                share: literal::share(share)?,
                share_loc: share.range(),
                name: name(arm.name()?),
                then: self.block(arm.block()),
            });
        }
        Some(StepKind::Split { name: name(split.name()?), sides, measure, run_for, best })
    }

    fn countdown(&mut self, countdown: ast::CountdownStep<'_>) -> Option<StepKind> {
        let mut points = Vec::new();
        for point in countdown.points() {
            let offset = match point.offset() {
                Some(offset) => literal::duration(offset)?,
                None if point.on_the_day() => journey_bytecode::Span::default(),
                None => return None,
            };
            let at = match point.time() {
                Some(time) => Some(literal::time(time)?),
                None => None,
            };
            points.push(CountdownPoint {
                offset: if point.is_before() { offset.negated() } else { offset },
                at,
                head: head(point.syntax(), point.range()),
                then: self.body(point.body()),
            });
        }
        Some(StepKind::Countdown {
            date: self.optional_expr(countdown.date(), countdown.range()),
            points,
            otherwise: self.otherwise(countdown.otherwise()),
        })
    }

    fn choose_arm(&mut self, arm: ast::ChooseArm<'_>) -> ChooseArm {
        let values = arm.values().map(|value| match value {
            ast::ArmValue::Constant(value) => ChooseValue::One(self.expr(value)),
            ast::ArmValue::Range(range) => ChooseValue::Range(
                self.optional_expr(range.from(), range.range()),
                self.optional_expr(range.to(), range.range()),
            ),
        });
        ChooseArm { values: exactly(arm.values().count(), values), then: self.block(arm.block()), loc: arm.range() }
    }
}

/// Whom a step tells or asks something.
pub(crate) fn whom(path: ast::Path<'_>, place: Option<Token<'_>>) -> Whom {
    let name = attribute(path).unwrap_or_else(|| path_name(path));
    Whom { name, place: place.map(|place| (string(place), place.range())) }
}

/// A step's first words: up to the first step or block inside.
pub(super) fn head(step: Node<'_>, range: Loc) -> Loc {
    let begins = |kind: SyntaxKind| {
        use SyntaxKind::{AskArm, Block, ChooseArm, CountdownPoint, ElseBranch, RaceArm, SplitArm, TimeoutArm};
        matches!(kind, Block | ElseBranch | RaceArm | TimeoutArm | ChooseArm | SplitArm | AskArm | CountdownPoint)
            || <ast::Step<'_> as AstNode<'_>>::fits(kind)
    };
    let mut last = match step.children().find(|child| begins(child.kind())) {
        Some(inner) => inner.first_token().and_then(Token::previous),
        None => step.last_token(),
    };
    while let Some(token) = last.filter(|token| token.kind().is_trivia() || token.kind() == SyntaxKind::LBrace) {
        last = token.previous();
    }
    match last.map(Token::range) {
        Some(last) if last.start >= range.start => Loc::new(range.start, last.end),
        _ => range,
    }
}
