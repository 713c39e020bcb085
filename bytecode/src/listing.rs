//! A program as text, for `journey build --emit bytecode`, tests and people.

use std::fmt::{self, Display, Formatter, Write};

use crate::outside::RequestKind;
use crate::program::{
    Aggregate, Clause, ConstIx, EventPattern, ExitKind, HandleIx, MessageRef, NameIx, Op, Pc, Program, Reenter,
    SendDef, SlotIx,
};
use crate::schema::{LocalWindow, Weekday, WeekdaySet};
use crate::trigger::{Trigger, TriggerKind};
use crate::value::{Date, Instant, Number, Span, Time, Value};
use crate::{Channel, Purpose};

impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "journey {} version {}", self.name, self.version())?;
        self.header(f)?;
        writeln!(f, "  stack {}", self.max_stack)?;
        for (place, op) in self.code.iter().enumerate() {
            let pc = Pc(u32::try_from(place).unwrap_or(u32::MAX));
            if pc == self.entry {
                writeln!(f, "entry:")?;
            }
            self.clause_names(pc, f)?;
            let text = Listed { program: self, op: *op }.to_string();
            match *op {
                Op::Step(step) => {
                    let info = self.map.steps.get(step.index());
                    let indent = "  ".repeat(info.map_or(0, |info| usize::from(info.depth)));
                    let label = info.map_or("?", |info| info.label.as_str());
                    writeln!(f, "{place:>5}  {text:<28} ; {indent}{label}")?;
                }
                _ => writeln!(f, "{place:>5}  {}", text.trim_end())?,
            }
            self.details(*op, f)?;
        }
        Ok(())
    }
}

impl Program {
    fn header(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for trigger in &self.triggers {
            writeln!(f, "  on {}", On(trigger))?;
        }
        for (word, clause) in [("where", self.filter), ("per", self.key)] {
            if let Some(clause) = clause {
                writeln!(f, "  {word} @{}", clause.0)?;
            }
        }
        match self.reenter {
            Reenter::Never => writeln!(f, "  reenter never")?,
            Reenter::Always => writeln!(f, "  reenter always")?,
            Reenter::After(span) => writeln!(f, "  reenter after {span}")?,
            Reenter::Restart => writeln!(f, "  reenter restart")?,
        }
        for exit in &self.exits {
            match &exit.kind {
                ExitKind::Event(pattern) => write!(f, "  exit when {}", self.pattern(pattern))?,
                ExitKind::Condition(clause) => write!(f, "  exit when @{}", clause.0)?,
                ExitKind::After(span) => write!(f, "  exit after {span}")?,
            }
            match exit.then {
                Some(then) => writeln!(f, " -> {}", then.0)?,
                None => writeln!(f)?,
            }
        }
        for goal in &self.goals {
            write!(f, "  goal {}", self.pattern(&goal.pattern))?;
            if let Some(within) = goal.within {
                write!(f, " within {within}")?;
            }
            writeln!(f, "{}", if goal.exits { " exits" } else { "" })?;
        }
        if let Some(topic) = &self.topic {
            writeln!(f, "  topic {topic}")?;
        }
        match self.purpose {
            Some(Purpose::Marketing) => writeln!(f, "  purpose marketing")?,
            Some(Purpose::Transactional) => writeln!(f, "  purpose transactional")?,
            None => {}
        }
        if let Some(hours) = self.hours {
            writeln!(f, "  hours {hours}")?;
        }
        if let Some(collect) = &self.collect {
            let most = collect.most.map_or(String::new(), |most| format!(" at most {most}"));
            writeln!(f, "  collect until @{}{most} as {}", collect.until.0, self.slot(collect.slot))?;
        }
        if self.priority != 0 {
            writeln!(f, "  priority {}", self.priority)?;
        }
        if self.holdout != 0 {
            writeln!(f, "  holdout {}%", Number(i64::from(self.holdout) * 100))?;
        }
        Ok(())
    }

    /// Says what a clause that begins here is for.
    fn clause_names(&self, pc: Pc, f: &mut Formatter<'_>) -> fmt::Result {
        let here = |clause: &Clause| clause.0 == pc.0;
        let header = [("where", self.filter), ("per", self.key)];
        for (word, _) in header.iter().filter(|(_, clause)| clause.as_ref().is_some_and(here)) {
            writeln!(f, "{word}:")?;
        }
        let triggers = self.triggers.iter().filter_map(|t| t.filter).any(|c| here(&c));
        let exits = self.exits.iter().any(|exit| match &exit.kind {
            ExitKind::Event(pattern) => pattern.filter.is_some_and(|c| here(&c)),
            ExitKind::Condition(clause) => here(clause),
            ExitKind::After(_) => false,
        });
        let collect = self.collect.as_ref().is_some_and(|collect| here(&collect.until));
        let measured = self.splits.iter().flat_map(|split| &split.measure);
        let measures = measured.filter_map(|measure| measure.pattern.filter).any(|c| here(&c));
        let goals = self.goals.iter().filter_map(|goal| goal.pattern.filter).any(|c| here(&c));
        let of_sends = |clause: fn(&SendDef) -> Option<Clause>| self.sends.iter().filter_map(clause).any(|c| here(&c));
        let (subjects, from, to) =
            (of_sends(|send| send.subject), of_sends(|send| send.from), of_sends(|send| send.to));
        for (ix, history) in self.histories.iter().enumerate() {
            if [history.filter, history.since, history.until].iter().flatten().any(here) {
                writeln!(f, "history {ix}:")?;
            }
        }
        for (ix, asked) in self.messages.iter().enumerate() {
            if [asked.since, asked.until].iter().flatten().any(here) {
                writeln!(f, "messages {ix}:")?;
            }
        }
        for (segment, _) in self.segments.iter().filter(|(_, clause)| here(clause)) {
            writeln!(f, "segment {segment}:")?;
        }
        let named = [
            ("trigger", triggers),
            ("collect", collect),
            ("exit", exits),
            ("goal", goals),
            ("measure", measures),
            ("subject", subjects),
            ("from", from),
            ("to", to),
        ];
        for (word, _) in named.iter().filter(|(_, is)| *is) {
            writeln!(f, "{word}:")?;
        }
        for (ix, wait) in self.waits.iter().enumerate() {
            let filters = wait.arms.iter().filter_map(|arm| arm.pattern.filter).any(|c| here(&c));
            let conditions = wait.conditions.iter().any(|(c, _)| here(c));
            let deadline = wait.deadline.as_ref().is_some_and(|d| here(&d.at));
            if filters || conditions || deadline {
                writeln!(f, "wait {ix}:")?;
            }
        }
        for (ix, _) in self.requests.iter().enumerate().filter(|(_, request)| request.until.as_ref().is_some_and(here))
        {
            writeln!(f, "request {ix}:")?;
        }
        Ok(())
    }

    /// What a send sends and a wait waits for.
    fn details(&self, op: Op, f: &mut Formatter<'_>) -> fmt::Result {
        const MARGIN: &str = "           ";
        match op {
            Op::Send(ix) => {
                let Some(send) = self.sends.get(ix.index()) else { return Ok(()) };
                let choices: Vec<_> = send.choices.iter().map(|(channel, name)| format!("{channel} {name}")).collect();
                write!(f, "{MARGIN}{}", choices.join(" or "))?;
                if let Some(handle) = send.handle {
                    write!(f, " as {}", self.handle(handle))?;
                }
                for (word, clause) in [("with subject", send.subject), ("from", send.from), ("to", send.to)] {
                    if let Some(clause) = clause {
                        write!(f, " {word} @{}", clause.0)?;
                    }
                }
                writeln!(f)
            }
            Op::Wait(ix) => {
                let Some(wait) = self.waits.get(ix.index()) else { return Ok(()) };
                for arm in &wait.arms {
                    let from_now = if arm.from_now { " from now" } else { "" };
                    writeln!(f, "{MARGIN}{}{from_now} -> {}", self.pattern(&arm.pattern), arm.target.0)?;
                }
                for (condition, target) in &wait.conditions {
                    writeln!(f, "{MARGIN}condition @{} -> {}", condition.0, target.0)?;
                }
                if let Some(deadline) = &wait.deadline {
                    let replans = if deadline.replans { " replans" } else { "" };
                    write!(f, "{MARGIN}deadline @{}{replans} -> {}", deadline.at.0, deadline.target.0)?;
                    if let Some(past) = deadline.past {
                        write!(f, ", past -> {}", past.0)?;
                    }
                    writeln!(f)?;
                }
                Ok(())
            }
            Op::Request(ix) => {
                let Some(request) = self.requests.get(ix.index()) else { return Ok(()) };
                match &request.kind {
                    RequestKind::Call { service, .. } => write!(f, "{MARGIN}call {service}")?,
                    RequestKind::Voucher { name, .. } => write!(f, "{MARGIN}voucher {name}")?,
                    RequestKind::Ask { to, message, .. } => write!(f, "{MARGIN}ask {} {message}", to.place)?,
                }
                if let Some(until) = request.until {
                    write!(f, " until @{}", until.0)?;
                }
                if let Some(slot) = request.slot {
                    write!(f, " as {}", self.slot(slot))?;
                }
                match &request.kind {
                    RequestKind::Call { .. } | RequestKind::Voucher { .. } => write!(f, " -> {}", request.answered.0)?,
                    RequestKind::Ask { arms, .. } => {
                        arms.iter().try_for_each(|(answer, target)| write!(f, ", {answer} -> {}", target.0))?;
                    }
                }
                if let Some(failed) = request.failed {
                    write!(f, ", failed -> {}", failed.0)?;
                }
                writeln!(f)
            }
            Op::History(ix) => {
                let Some(history) = self.histories.get(ix.index()) else { return Ok(()) };
                write!(f, "{MARGIN}{} of {}", history.aggregate, history.event)?;
                if let Some(filter) = history.filter {
                    write!(f, " where @{}", filter.0)?;
                }
                let times = (history.within, history.since_entry, history.since, history.until);
                self.times(times, f)
            }
            Op::Messages(ix) => {
                let Some(asked) = self.messages.get(ix.index()) else { return Ok(()) };
                write!(f, "{MARGIN}{} {}", asked.status.name(), self.message(asked.message))?;
                if let Some(link) = &asked.link {
                    write!(f, " link {link:?}")?;
                }
                self.times((asked.within, asked.since_entry, asked.since, asked.until), f)
            }
            Op::Split(ix) => {
                let Some(split) = self.splits.get(ix.index()) else { return Ok(()) };
                for (share, side, target) in &split.sides {
                    writeln!(f, "{MARGIN}{}% {side} -> {}", Number(i64::from(*share) * 100), target.0)?;
                }
                if let Some(measure) = &split.measure {
                    write!(f, "{MARGIN}measure {}", self.pattern(&measure.pattern))?;
                    for (word, span) in [("within", measure.within), ("for at least", measure.at_least)] {
                        if let Some(span) = span {
                            write!(f, " {word} {span}")?;
                        }
                    }
                    writeln!(f, "{}", if measure.best { " then best" } else { "" })?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Since when and until when.
    fn times(
        &self,
        (within, entry, since, until): (Option<Span>, bool, Option<Clause>, Option<Clause>),
        f: &mut Formatter<'_>,
    ) -> fmt::Result {
        if let Some(within) = within {
            write!(f, " within {within}")?;
        }
        f.write_str(if entry { " since entry" } else { "" })?;
        for (word, clause) in [("since", since), ("until", until)] {
            if let Some(clause) = clause {
                write!(f, " {word} @{}", clause.0)?;
            }
        }
        writeln!(f)
    }

    fn pattern(&self, pattern: &EventPattern) -> String {
        let mut text = pattern.event.to_string();
        if pattern.message != MessageRef::None {
            let _ = write!(text, " {}", self.message(pattern.message));
        }
        if let Some(link) = &pattern.link {
            let _ = write!(text, " link {link:?}");
        }
        if let Some(filter) = pattern.filter {
            let _ = write!(text, " where @{}", filter.0);
        }
        text
    }

    fn message(&self, message: MessageRef) -> String {
        match message {
            MessageRef::None => "-".into(),
            MessageRef::Handle(handle) => self.handle(handle).into(),
            MessageRef::Last => "last".into(),
            MessageRef::SinceEntry => "any since entry".into(),
            MessageRef::Any(None) => "any".into(),
            MessageRef::Any(Some(channel)) => format!("any {channel}"),
            MessageRef::Named(name) => format!("any {}", self.name(name)),
            MessageRef::Topic(topic) => format!("any of topic {}", self.name(topic)),
        }
    }

    fn handle(&self, handle: HandleIx) -> &str {
        self.handles.get(handle.index()).map_or("?", |handle| handle.name.as_str())
    }

    fn name(&self, name: NameIx) -> &str {
        self.names.get(name.index()).map_or("?", |name| name.as_str())
    }

    fn constant(&self, constant: ConstIx) -> String {
        self.consts.get(constant.index()).map_or("?".into(), Value::to_string)
    }

    fn topic(&self, topic: NameIx, channel: Option<Channel>) -> String {
        via(self.name(topic), channel)
    }

    fn slot(&self, slot: SlotIx) -> &str {
        self.slots.get(slot.index()).map_or("?", |slot| slot.as_str())
    }
}

/// An instruction with the names that it means.
struct Listed<'a> {
    program: &'a Program,
    op: Op,
}

fn via(what: &str, channel: Option<Channel>) -> String {
    channel.map_or_else(|| what.to_owned(), |channel| format!("{what} via {channel}"))
}

impl Display for Listed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let p = self.program;
        let mut line = |word: &str, operand: &dyn Display| write!(f, "{word:<11} {operand}");
        match self.op {
            Op::Const(ix) => line("const", &p.constant(ix)),
            Op::Attribute(ix) => line("attribute", &p.name(ix)),
            Op::Trigger(ix) => line("trigger", &p.name(ix)),
            Op::Field(ix) => line("field", &p.name(ix)),
            Op::Load(ix) => line("load", &p.slot(ix)),
            Op::Now => line("now", &""),
            Op::Today => line("today", &""),
            Op::CreatedAt => line("created-at", &""),
            Op::NextAnniversary => line("next-anniv.", &""),
            Op::EnteredAt => line("entered-at", &""),
            Op::WaitStart => line("wait-start", &""),
            Op::DayOf => line("day-of", &""),
            Op::Anniversary => line("anniversary", &""),
            Op::WeekdayOf => line("weekday-of", &""),
            Op::HourOf => line("hour-of", &""),
            Op::Member(ix) => line("member", &p.name(ix)),
            Op::Function(function) => line("function", &function.name()),
            Op::Not => line("not", &""),
            Op::Equal => line("equal", &""),
            Op::Less => line("less", &""),
            Op::LessOrEqual => line("less-equal", &""),
            Op::Add => line("add", &""),
            Op::Subtract => line("subtract", &""),
            Op::Multiply => line("multiply", &""),
            Op::Divide => line("divide", &""),
            Op::In => line("in", &""),
            Op::Contains => line("contains", &""),
            Op::StartsWith => line("starts-with", &""),
            Op::EndsWith => line("ends-with", &""),
            Op::MatchAny(how) => line("match-any", &how.name()),
            Op::MatchAll(how) => line("match-all", &how.name()),
            Op::Matches(ix) => line("matches", &p.constant(ix)),
            Op::Tally => line("tally", &""),
            Op::Append => line("append", &""),
            Op::Without => line("without", &""),
            Op::IsSet => line("is-set", &""),
            Op::ToInstant => line("to-instant", &""),
            Op::NextAt(days) => line("next-at", &days),
            Op::NextWithin(days) => line("next-within", &days),
            Op::AddWithin(days) => line("add-within", &days),
            Op::NextEvery => line("next-every", &""),
            Op::Later => line("later", &""),
            Op::Between => line("between", &""),
            Op::Reached => line("reached", &""),
            Op::History(ix) => line("history", &ix.0),
            Op::HasTag(ix) => line("has-tag", &p.name(ix)),
            Op::Stage(ix) => line("stage", &p.name(ix)),
            Op::Reachable(channel) => line("reachable", &channel),
            Op::Messages(ix) => line("messages", &ix.0),
            Op::Consents(ix, channel) => line("consents", &p.topic(ix, channel)),
            Op::Score(ix) => line("score", &p.name(ix)),
            Op::ScoreAbove(ix) => line("score-above", &p.name(ix)),
            Op::ScoreFrom(ix) => line("score-from", &p.name(ix)),
            Op::InJourney(ix) => line("in-journey", &p.name(ix)),
            Op::WasInJourney(ix) => line("was-in", &p.name(ix)),
            Op::Chance(share) => line("chance", &share),
            Op::MakeRecord(ix, _) => {
                line("record-of", &p.shapes.get(ix.index()).map_or("?".into(), |names| names.join(" ")))
            }
            Op::Status(status, message) => line(status.name(), &p.message(message)),
            Op::ClickedLink(ix, message) => {
                line("clicked", &format_args!("{} link {:?}", p.message(message), p.name(ix)))
            }
            Op::Jump(to) => line("jump", &to.0),
            Op::JumpUnless(to) => line("jump-unless", &to.0),
            Op::AndJump(to) => line("and-jump", &to.0),
            Op::OrJump(to) => line("or-jump", &to.0),
            Op::Return => line("return", &""),
            Op::Step(ix) => line("step", &ix.0),
            Op::Decide => line("decide", &""),
            Op::Send(ix) => line("send", &ix.0),
            Op::Wait(ix) => line("wait", &ix.0),
            Op::Request(ix) => line("request", &ix.0),
            Op::AddTag(ix) => line("add-tag", &p.name(ix)),
            Op::RemoveTag(ix) => line("remove-tag", &p.name(ix)),
            Op::SetAttribute(ix) => line("set", &p.name(ix)),
            Op::Store(ix) => line("store", &p.slot(ix)),
            Op::Split(ix) => line("split", &p.splits.get(ix.index()).map_or("?", |split| split.name.as_str())),
            Op::MoveTo(funnel, stage) => line("move-to", &format_args!("{}.{}", p.name(funnel), p.name(stage))),
            Op::Record(ix) => line("record", &p.name(ix)),
            Op::Subscribe(ix, channel) => line("subscribe", &p.topic(ix, channel)),
            Op::Unsubscribe(ix, channel) => line("unsubscribe", &p.topic(ix, channel)),
            Op::UnsubscribeAll(channel) => line("unsubscribe", &via("everything", channel)),
            Op::Delete => line("delete", &""),
            Op::Suppress => line("suppress", &""),
            Op::StartJourney(ix) => line("start", &p.name(ix)),
            Op::StopJourney(ix) => line("stop", &p.name(ix)),
            Op::Notify(ix) => line(
                "notify",
                &p.notices
                    .get(ix.index())
                    .map_or("?".into(), |notice| format!("{} {}", notice.to.place, notice.message)),
            ),
            Op::End => line("end", &""),
        }
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (word, field) = match self {
            Self::Count => return f.write_str("count"),
            Self::Days => return f.write_str("days"),
            Self::Distinct(field) => ("different", field),
            Self::FirstAt => return f.write_str("first moment"),
            Self::LastAt => return f.write_str("last moment"),
            Self::Sum(field) => ("sum", field),
            Self::Average(field) => ("average", field),
            Self::Min(field) => ("least", field),
            Self::Max(field) => ("greatest", field),
            Self::First(field) => ("first", field),
            Self::Last(field) => ("last", field),
        };
        write!(f, "{word} {field}")
    }
}

struct On<'a>(&'a Trigger);

impl Display for On<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            TriggerKind::Tag(tag) => write!(f, "tag {tag}")?,
            TriggerKind::Untag(tag) => write!(f, "untag {tag}")?,
            TriggerKind::Event(event) => write!(f, "{event}")?,
            TriggerKind::Created => f.write_str("created")?,
            TriggerKind::Enters(segment, clause) => write!(f, "enters {segment} @{}", clause.0)?,
            TriggerKind::Leaves(segment, clause) => write!(f, "leaves {segment} @{}", clause.0)?,
            TriggerKind::Reaches { funnel, stage } => write!(f, "reaches {funnel}.{stage}")?,
            TriggerKind::Moment(clause) => write!(f, "moment @{}", clause.0)?,
            TriggerKind::Message(status, message, link) => {
                write!(f, "{} {message}", status.name())?;
                if let Some(link) = link {
                    write!(f, " link {link:?}")?;
                }
            }
            TriggerKind::Subscribed(topic, channel) => {
                write!(f, "subscribed {}", via(topic.as_deref().unwrap_or("any"), *channel))?;
            }
            TriggerKind::Unsubscribed(topic, channel) => {
                write!(f, "unsubscribed {}", via(topic.as_deref().unwrap_or("any"), *channel))?;
            }
            TriggerKind::Inbound(text, channel) => {
                let text = text.as_ref().map_or_else(|| "any".to_owned(), |text| format!("{text:?}"));
                write!(f, "message {}", via(&text, *channel))?;
            }
            TriggerKind::Call => f.write_str("call")?,
            TriggerKind::Changes { attribute, from, to } => {
                write!(f, "{attribute} changes")?;
                for (word, value) in [("from", from), ("to", to)] {
                    if let Some(value) = value {
                        write!(f, " {word} {value}")?;
                    }
                }
            }
        }
        self.0.filter.map_or(Ok(()), |filter| write!(f, " where @{}", filter.0))
    }
}

/// As it would be written in a journey; moments, which have no literal, as milliseconds.
impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => f.write_str("unset"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Money(money) => write!(f, "{money}"),
            Self::Instant(Instant(millis)) => write!(f, "moment {millis}"),
            Self::Date(date) => write!(f, "{date}"),
            Self::Time(time) => write!(f, "{time}"),
            Self::Local(millis) => {
                let day = millis.div_euclid(DAY_MILLIS);
                let second = millis.rem_euclid(DAY_MILLIS) / 1000;
                let date = Date(i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX }));
                write!(f, "{date} {}", Time(u32::try_from(second).unwrap_or(0)))
            }
            Self::Span(span) => write!(f, "{span}"),
            Self::List(values) => {
                f.write_char('[')?;
                for (at, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if at == 0 { "" } else { ", " })?;
                }
                f.write_char(']')
            }
            Self::Record(fields) => {
                f.write_char('{')?;
                for (at, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}{name}: {value}", if at == 0 { " " } else { ", " })?;
                }
                f.write_str(" }")
            }
        }
    }
}

const DAY_MILLIS: i64 = 86_400_000;

/// `2026-03-01`
impl Display for Date {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Days to a civil date in the proleptic Gregorian calendar, in eras of 400 years.
        let days = i64::from(self.0) + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// `09:00`, or `09:00:30`
impl Display for Time {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (hour, minute, second) = (self.0 / 3600, self.0 / 60 % 60, self.0 % 60);
        write!(f, "{hour:02}:{minute:02}")?;
        if second == 0 { Ok(()) } else { write!(f, ":{second:02}") }
    }
}

/// `1d12h`; nothing at all is `0s`.
impl Display for Span {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return f.write_str("0s");
        }
        if self.months < 0 || self.days < 0 || self.millis < 0 {
            f.write_char('-')?;
        }
        let months = i64::from(self.months).abs();
        let millis = self.millis.saturating_abs();
        let parts = [
            (months / 12, "y"),
            (months % 12, "mo"),
            (i64::from(self.days).abs(), "d"),
            (millis / 3_600_000, "h"),
            (millis / 60_000 % 60, "m"),
            (millis / 1000 % 60, "s"),
            (millis % 1000, "ms"),
        ];
        parts.iter().filter(|(n, _)| *n != 0).try_for_each(|(n, unit)| write!(f, "{n}{unit}"))
    }
}

/// `weekdays`, `monday, friday`, and nothing for every day.
impl Display for WeekdaySet {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ALL => Ok(()),
            Self::WEEKDAYS => f.write_str("weekdays"),
            Self::WEEKEND => f.write_str("weekends"),
            days => {
                let names: Vec<_> =
                    Weekday::ALL.into_iter().filter(|day| days.contains(*day)).map(Weekday::name).collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}

/// `weekdays 09:00 to 17:00`
impl Display for LocalWindow {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let space = if self.days == WeekdaySet::ALL { "" } else { " " };
        write!(f, "{}{space}{} to {}", self.days, self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_they_are_written() {
        assert_eq!(Date(0).to_string(), "1970-01-01");
        assert_eq!(Date(20_513).to_string(), "2026-03-01");
        assert_eq!(Date(19_782).to_string(), "2024-02-29");
        assert_eq!(Date(-1).to_string(), "1969-12-31");
        assert_eq!(Time(32_400).to_string(), "09:00");
        assert_eq!(Value::Local(20_513 * DAY_MILLIS + 32_400_000).to_string(), "2026-03-01 09:00");
        let span = Span { months: 14, days: 3, millis: 5_400_000 };
        assert_eq!(span.to_string(), "1y2mo3d1h30m");
        assert_eq!(span.negated().to_string(), "-1y2mo3d1h30m");
        assert_eq!(Span::default().to_string(), "0s");
        assert_eq!(WeekdaySet::only(Weekday::Friday).to_string(), "friday");
    }
}
