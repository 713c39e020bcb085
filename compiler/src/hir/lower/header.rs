//! Headers of journeys, and what can happen.

use journey_bytecode::{Purpose, Reenter, Time, WeekdaySet};
use journey_grammar::ast::{self, AstNode};

use super::super::{EventKind, EventOrCondition, EventPattern, Gathering, Header, HeaderKind, Name, When};
use super::expr::{about, path_expr, status_kind};
use super::{Lower, literal, name, path_name, string};
use crate::diagnostic::{Code, one_of};

impl Lower<'_> {
    pub(super) fn clause(&mut self, clause: ast::Clause<'_>, header: &mut Vec<Header>) {
        let loc = clause.range();
        // `collect .. per KEY` is two things in one line.
        if let ast::Clause::Collect(collect) = clause {
            let key = collect.per().and_then(ast::PerClause::key).and_then(path_expr);
            header.extend(key.map(|key| Header { kind: HeaderKind::Per(key), loc }));
        }
        header.push(Header { kind: self.clause_kind(clause).unwrap_or_default(), loc });
    }

    fn clause_kind(&mut self, clause: ast::Clause<'_>) -> Option<HeaderKind> {
        Some(match clause {
            ast::Clause::Trigger(on) => HeaderKind::On(self.trigger(on.trigger()?)),
            ast::Clause::Where(filter) => HeaderKind::Where(self.expr(filter.condition()?)),
            ast::Clause::Per(per) => HeaderKind::Per(path_expr(per.key()?)?),
            ast::Clause::Reenter(reenter) => HeaderKind::Reenter(match reenter.rule()? {
                ast::Reenter::Never => Reenter::Never,
                ast::Reenter::Always => Reenter::Always,
                ast::Reenter::Restart => Reenter::Restart,
                ast::Reenter::After(span) => Reenter::After(literal::duration(span)?),
            }),
            ast::Clause::Goal(goal) => {
                let within = match goal.within() {
                    Some(span) => Some(literal::duration(span)?),
                    None => None,
                };
                HeaderKind::Goal { pattern: self.pattern(goal.pattern()?), within }
            }
            ast::Clause::Topic(topic) => HeaderKind::Topic(name(topic.name()?)),
            ast::Clause::Purpose(purpose) => HeaderKind::Purpose(self.purpose(purpose.name()?)?),
            ast::Clause::Hours(hours) => HeaderKind::Hours(self.window(hours.window()?)?),
            ast::Clause::Exit(exit) => return self.exit(exit),
            ast::Clause::Collect(collect) => {
                let most = match collect.limit() {
                    Some(limit) => Some(self.count(limit)?),
                    None => None,
                };
                let until = match collect.duration() {
                    Some(duration) => Gathering::For(literal::duration(duration)?),
                    None => Gathering::Until(
                        collect.days().map_or(Some(WeekdaySet::ALL), literal::days)?,
                        collect.time().map_or(Some(Time(0)), literal::time)?,
                    ),
                };
                HeaderKind::Collect { until, most, name: name(collect.name()?) }
            }
            ast::Clause::Priority(priority) => HeaderKind::Priority(self.priority(priority.name()?)?),
            ast::Clause::Holdout(holdout) => HeaderKind::Holdout(literal::share(holdout.percent()?)?),
            ast::Clause::Migrate(migrate) => {
                let to = if migrate.to_end() { None } else { Some(name(migrate.to()?)) };
                HeaderKind::Migrate(name(migrate.from()?), to)
            }
        })
    }

    fn purpose(&mut self, name: ast::Name<'_>) -> Option<Purpose> {
        match name.text() {
            "marketing" => Some(Purpose::Marketing),
            "transactional" => Some(Purpose::Transactional),
            other => {
                let known = ["marketing", "transactional"];
                self.report(Code::UnknownValue, name.range(), format!("there is no purpose `{other}`"), |d| {
                    d.label("no such purpose").suggest(other, known).help(format!("write {}", one_of(known)))
                });
                None
            }
        }
    }

    fn priority(&mut self, name: ast::Name<'_>) -> Option<i8> {
        const KNOWN: [(&str, i8); 3] = [("low", -1), ("normal", 0), ("high", 1)];
        let known = KNOWN.iter().find(|(word, _)| *word == name.text());
        if known.is_none() {
            let words = || KNOWN.iter().map(|(word, _)| *word);
            self.report(Code::UnknownValue, name.range(), format!("there is no priority `{}`", name.text()), |d| {
                d.label("no such priority").suggest(name.text(), words()).help(format!("write {}", one_of(words())))
            });
        }
        known.map(|(_, priority)| *priority)
    }

    /// Each thing behind `exit when` ends the run by itself.
    fn exit(&mut self, exit: ast::ExitClause<'_>) -> Option<HeaderKind> {
        if exit.on_goal() {
            return Some(HeaderKind::ExitOnGoal);
        }
        if let Some(after) = exit.after() {
            return literal::duration(after).map(HeaderKind::ExitAfter);
        }
        let items = exit.items().map(|item| self.exit_item(item)).collect();
        let then = exit.block().map(|block| self.block(Some(block)));
        Some(HeaderKind::ExitWhen(items, then))
    }

    fn exit_item(&mut self, item: ast::ExitItem<'_>) -> EventOrCondition {
        match item {
            ast::ExitItem::Pattern(pattern) => EventOrCondition::Event(Box::new(self.pattern(pattern))),
            ast::ExitItem::Condition(ast::Expr::Path(path)) => match path.single() {
                Some(word) => EventOrCondition::Word(Name { text: word.text().into(), loc: word.range() }),
                None => EventOrCondition::Condition(Box::new(self.expr(ast::Expr::Path(path)))),
            },
            ast::ExitItem::Condition(condition) => {
                let checked = self.expr(condition);
                match checked.kind {
                    super::ExprKind::Status(status, asked) if asked.1 == When::default() => {
                        let kind = EventKind::Status(status, Box::new(asked.0));
                        EventOrCondition::Event(Box::new(EventPattern { kind, filter: None, loc: checked.loc }))
                    }
                    _ => EventOrCondition::Condition(Box::new(checked)),
                }
            }
        }
    }

    fn trigger(&mut self, trigger: ast::Trigger<'_>) -> EventPattern {
        match trigger {
            ast::Trigger::Pattern(pattern) => self.pattern(pattern),
            _ => EventPattern { kind: self.moment(trigger).unwrap_or_default(), filter: None, loc: trigger.range() },
        }
    }

    /// A trigger that no event is.
    fn moment(&mut self, trigger: ast::Trigger<'_>) -> Option<EventKind> {
        Some(match trigger {
            ast::Trigger::Pattern(_) => return None,
            ast::Trigger::Call(call) => EventKind::Call(self.fields(call.fields())),
            ast::Trigger::Schedule(schedule) => {
                let time = schedule.time().map_or(Some(Time(0)), literal::time)?;
                let segment = schedule.segment().map(name);
                let from = match schedule.from() {
                    Some(date) => Some(literal::date(date)?),
                    None => None,
                };
                if let Some(token) = schedule.interval() {
                    let span = (literal::duration(token)?, token.range());
                    return Some(EventKind::EverySpan { span, from, time, segment });
                }
                let days = match schedule.days() {
                    Some(days) => literal::days(days)?,
                    None if schedule.every_day() => WeekdaySet::ALL,
                    None => return None,
                };
                EventKind::Every { days, time, from, segment }
            }
            ast::Trigger::Date(date) => {
                let offset = literal::duration(date.offset()?)?;
                let offset = if date.is_before() { offset.negated() } else { offset };
                let time = date.time().map_or(Some(Time(0)), literal::time)?;
                EventKind::Date(Box::new(path_expr(date.date()?)?), offset, time)
            }
            ast::Trigger::Anniversary(date) => {
                let time = date.time().map_or(Some(Time(0)), literal::time)?;
                EventKind::Anniversary(Box::new(path_expr(date.date()?)?), time)
            }
        })
    }

    pub(super) fn pattern(&mut self, pattern: ast::Pattern<'_>) -> EventPattern {
        let loc = pattern.range();
        let filter = match pattern {
            ast::Pattern::Event(event) => event.filter().map(|filter| Box::new(self.expr(filter))),
            ast::Pattern::Message(message) => message.filter().map(|filter| Box::new(self.expr(filter))),
            _ => None,
        };
        EventPattern { kind: self.event_kind(pattern).unwrap_or_default(), filter, loc }
    }

    fn event_kind(&mut self, pattern: ast::Pattern<'_>) -> Option<EventKind> {
        Some(match pattern {
            ast::Pattern::Event(event) => EventKind::Named(name(event.name()?)),
            ast::Pattern::Created(_) => EventKind::Created,
            ast::Pattern::Tag(tag) if tag.is_untag() => EventKind::Untag(name(tag.name()?)),
            ast::Pattern::Tag(tag) => EventKind::Tag(name(tag.name()?)),
            ast::Pattern::Change(change) => EventKind::Changes {
                attribute: attribute(change.attribute()?)?,
                from: change.from().map(|value| Box::new(self.expr(value))),
                to: change.to().map(|value| Box::new(self.expr(value))),
            },
            ast::Pattern::Status(status) => {
                EventKind::Status(status_kind(status.status()?)?, Box::new(about(status.message()?, status.link())))
            }
            ast::Pattern::Consent(consent) => {
                let (topic, channel) = (consent.topic().map(name), self.via(consent.channel())?);
                match consent.is_subscribed() {
                    true => EventKind::Subscribed(topic, channel),
                    false => EventKind::Unsubscribed(topic, channel),
                }
            }
            ast::Pattern::Message(message) => {
                EventKind::Message(message.text().map(string), self.via(message.channel())?)
            }
            ast::Pattern::Segment(segment) => EventKind::Segment(path_name(segment.segment()?), segment.is_enter()),
            ast::Pattern::Stage(stage) => EventKind::Reaches(path_name(stage.stage()?)),
        })
    }
}

/// The attribute of a path: `plan` or `contact.plan`.
pub(super) fn attribute(path: ast::Path<'_>) -> Option<Name> {
    let mut segments = path.segments();
    let first = segments.next()?;
    let last = match (first.text(), segments.next()) {
        ("contact", Some(second)) => second,
        (_, None) => first,
        // Said when the name is looked up: contacts have no attribute of this name.
        _ => return Some(path_name(path)),
    };
    Some(Name { text: last.text().into(), loc: last.range() })
}
