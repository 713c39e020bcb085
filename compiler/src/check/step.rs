//! Steps.

use journey_bytecode::{Channel, Number, SlotIx, Span, Type, Value, WeekdaySet};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::expr::{Checker, Want, shifted, to_instant};
use super::types::a;
use super::wait::next_at;
use super::{Inline, Sent};
use crate::diagnostic::{Code, one_of};
use crate::hir::{self, Block, ChooseArm, ChooseValue, CountdownPoint, Expr, Loc, Name, SendMessage, SplitSide};
use crate::typed::{self, Comparison, Deadline, ExprKind, Optional, Place, Slot, Step, StepKind, Wait};

/// The most times that steps may be repeated.
const MAX_REPEAT: u32 = 1000;

/// What a send can be given with `with`.
const SUBJECT: &str = "subject";

/// What `subscribe` can be given to prove consent by.
const PROOFS: [&str; 4] = ["basis", "source", "until", "wording"];

/// What the local variable is called that counts how often steps were repeated; no name can be this.
const COUNTER: SmolStr = SmolStr::new_static("(times)");

/// All sides of a split, in parts of a million.
const WHOLE: u64 = 1_000_000;

impl Checker<'_> {
    /// Steps in a row; local variables live as long as their block.
    pub(super) fn block(&mut self, block: &Block, depth: u16) -> typed::Block {
        let outer = self.scope.len();
        let steps = block.iter().map(|step| self.step(step, depth)).collect();
        self.scope.truncate(outer);
        steps
    }

    fn step(&mut self, step: &hir::Step, depth: u16) -> Step {
        self.size.statement();
        let kind = self.step_kind(step, depth).unwrap_or_default();
        Step { kind, head: step.head, depth }
    }

    fn step_kind(&mut self, step: &hir::Step, depth: u16) -> Option<StepKind> {
        let inner = depth.saturating_add(1);
        Some(match &step.kind {
            hir::StepKind::Send(send) => self.send(send, step.head)?,
            hir::StepKind::Wait(wait) => StepKind::Wait(self.wait(wait, step.head, inner)?),
            hir::StepKind::If { condition, then, otherwise } => {
                if let ([only], None) = (then.as_slice(), otherwise) {
                    let between = Loc { start: condition.loc.end, end: only.head.start };
                    if !self.text.slice(between).contains('{') {
                        self.bare_steps.push(only.head);
                    }
                }
                StepKind::If {
                    condition: Box::new(self.condition(condition)),
                    then: self.block(then, inner),
                    otherwise: otherwise.as_ref().map(|block| self.block(block, inner)).unwrap_or_default(),
                }
            }
            hir::StepKind::Choose { subject, arms, otherwise } => self.choose(subject, arms, otherwise.as_ref(), inner),
            hir::StepKind::AddTag(tag) => StepKind::AddTag(self.tag(tag)?),
            hir::StepKind::RemoveTag(tag) => StepKind::RemoveTag(self.tag(tag)?),
            hir::StepKind::Set(attribute, value) => self.set(attribute, value)?,
            hir::StepKind::AddTo(list, value) => self.listed(list, value, ExprKind::With)?,
            hir::StepKind::RemoveFrom(list, value) => self.listed(list, value, ExprKind::Without)?,
            hir::StepKind::Label(name) => {
                if let Some(first) = self.labels.iter().find(|(known, _)| *known == name.text) {
                    let first = self.text.span(first.1);
                    self.report(
                        Code::DuplicateName,
                        name.loc,
                        format!("two places of this journey are called `{}`", name.text),
                    )
                    .label("again")
                    .also(first, "the first one")
                    .help("give it another name, so that a run's place is known for certain");
                }
                self.labels.push((name.text.clone(), name.loc));
                StepKind::Label(name.text.clone())
            }
            hir::StepKind::Let(name, value) => self.binding(name, value),
            hir::StepKind::Split { name, sides, measure, run_for, best } => {
                let measure = self.measure(measure.as_deref(), *run_for, *best);
                let (name, sides) = self.split(name, sides, step.head, inner);
                StepKind::Split(Box::new(typed::Split { name, sides, measure }))
            }
            hir::StepKind::Repeat { times, times_loc, until, body } => {
                if *times > MAX_REPEAT {
                    self.report(
                        Code::ImpossibleValue,
                        *times_loc,
                        format!("this repeats {times} times, and {MAX_REPEAT} is the most"),
                    )
                    .label("too often")
                    .help("repeat less often, with longer waits");
                }
                let slot = self.slot(COUNTER, Some(Type::Number));
                let body = self.block(body, inner);
                let until = until.as_ref().map(|until| Box::new(self.condition(until)));
                StepKind::Repeat { slot, times: *times, until, body }
            }
            hir::StepKind::Countdown { date, points, otherwise } => {
                self.countdown(date, points, otherwise.as_ref(), depth)?
            }
            hir::StepKind::MoveTo(stage) => {
                let (funnel, stage) = self.stage_of(stage)?;
                StepKind::MoveTo(funnel, stage)
            }
            hir::StepKind::Record(event, fields) => self.record(event, fields)?,
            hir::StepKind::Subscribe(topic, channel, proofs) => {
                let proofs = self.proofs(proofs);
                StepKind::Subscribe(self.topic(topic)?, *channel, proofs)
            }
            hir::StepKind::Unsubscribe(Some(topic), channel) => {
                StepKind::Unsubscribe(Some(self.topic(topic)?), *channel)
            }
            hir::StepKind::Unsubscribe(None, channel) => StepKind::Unsubscribe(None, *channel),
            hir::StepKind::Delete => StepKind::Delete,
            hir::StepKind::Suppress(reason) => StepKind::Suppress(reason.clone()),
            hir::StepKind::Call(call) => self.call(call, inner)?,
            hir::StepKind::Voucher { voucher, code, expires } => {
                self.voucher(voucher, code.as_ref(), expires.as_ref())?
            }
            hir::StepKind::Notify(whom, text, loc) => self.notify(whom, text, *loc)?,
            hir::StepKind::Ask(ask) => self.ask(ask, step.head, inner)?,
            hir::StepKind::StartJourney(name, given) => self.start(name, given)?,
            hir::StepKind::StopJourney(name) => StepKind::StopJourney(self.journey_named(name)?),
            hir::StepKind::End => StepKind::End,
            hir::StepKind::Error => return None,
        })
    }

    fn send(&mut self, send: &hir::Send, head: Loc) -> Option<StepKind> {
        let mut choices: SmallVec<[(Channel, SmolStr); 1]> = SmallVec::new();
        let mut known = true;
        let to = self.to(send);
        for (channel, loc) in &send.channels {
            if choices.iter().any(|(other, _)| other == channel) {
                self.report(Code::DuplicateName, *loc, format!("`{channel}` stands here twice")).label("again");
                continue;
            }
            if send.to.is_none() {
                self.address(*channel, *loc);
            }
            let message = match &send.message {
                SendMessage::Named(name) => {
                    known &= self.message(*channel, name, send.channels.len());
                    self.sends.push(Sent {
                        channel: *channel,
                        message: name.text.clone(),
                        at: self.text.span(head),
                        elsewhere: send.to.is_some(),
                    });
                    name.text.clone()
                }
                SendMessage::Inline(_, at) => self.inline(*channel, *at, *loc)?,
            };
            choices.push((*channel, message));
        }
        let subject = self.subject(send);
        if let (Some(handle), SendMessage::Named(message)) = (&send.handle, &send.message) {
            let other = self.handles.sends_named(&handle.text) && handle.text != message.text;
            if other {
                let text = format!("`{}` is also the name of a message that this journey sends", handle.text);
                self.report(Code::DuplicateName, handle.loc, text)
                    .label("which of the two?")
                    .help("give it another name, so that `opened` and the like know which one is meant");
            }
        }
        // A message that is not there is still sent as far as the rest of the journey is concerned.
        let _ = known;
        Some(StepKind::Send(Box::new(typed::Send {
            choices,
            name: super::handles::name_of(send),
            handle: None,
            subject,
            from: send.from.as_ref().and_then(|from| self.from(send, from)),
            to,
            seen: self.seen(),
        })))
    }

    /// Who sends, if the step says it.
    fn from(&mut self, send: &hir::Send, from: &Expr) -> Option<typed::Expr> {
        if send.channels.iter().all(|(channel, _)| !matches!(channel, Channel::Email | Channel::Sms)) {
            self.report(Code::UselessPart, from.loc, "only mails and text messages have a sender")
                .label("nobody sees it")
                .help("remove `from ..`");
            return None;
        }
        let checked = self.expr(from, Want::Type(&Type::Text));
        self.is_text(checked, "a sender")
    }

    /// Somebody else whom the message is for: an address.
    fn to(&mut self, send: &hir::Send) -> Option<typed::Expr> {
        let to = send.to.as_ref()?;
        if let Some((channel, loc)) =
            send.channels.iter().find(|(channel, _)| !matches!(channel, Channel::Email | Channel::Sms))
        {
            self.report(Code::UselessPart, *loc, format!("{channel} goes to the contact alone"))
                .label("nobody else has it")
                .help("send somebody else a mail or a text message, or tell them with `notify`");
        }
        if let Some((_, loc)) = send.channels.get(1) {
            self.report(Code::UselessPart, *loc, "what goes to somebody else goes one way").label("never taken");
        }
        if let Some(handle) = &send.handle {
            self.report(Code::UselessPart, handle.loc, "nobody can ask what became of a message to somebody else")
                .label("no use for a name")
                .note("Opens and clicks are counted for the contact, and this is not the contact.")
                .help("remove `as ..`");
        }
        // A name of the settings stands for its address.
        if let hir::ExprKind::Name(name) = &to.kind
            && !self.index.attributes.contains_key(name)
            && let Some(address) = self.index.notify.people.get(name)
        {
            return Some(typed::Expr::constant(Value::text(address.as_str()), Type::Text, to.loc));
        }
        let checked = self.expr(to, Want::Any);
        self.is_text(checked, "an address")
    }

    fn is_text(&mut self, value: typed::Expr, what: &str) -> Option<typed::Expr> {
        match &value.ty {
            Some(ty) if *ty == Type::Text || ty.is_textual() => Some(value),
            Some(ty) => {
                let message = format!("{what} is a text, and this is {}", a(ty));
                self.report(Code::TypeMismatch, value.loc, message).label("not a text");
                None
            }
            None => None,
        }
    }

    /// What proves consent.
    fn proofs(&mut self, given: &[(Name, Expr)]) -> Vec<(SmolStr, typed::Expr)> {
        let mut proofs: Vec<(SmolStr, typed::Expr)> = Vec::new();
        for (name, value) in given {
            let ty = if name.text == "until" { Type::DateTime } else { Type::Text };
            let value = self.expr(value, Want::Type(&ty));
            let value = self.assigned(value, &ty, format_args!("`{}`", name.text));
            if !PROOFS.contains(&name.text.as_str()) {
                let message = format!("consent has no `{}`", name.text);
                self.report(Code::UnknownMessageKey, name.loc, message).suggest_or(
                    &name.text,
                    PROOFS,
                    "no such proof",
                    format!("what proves consent is {}", one_of(PROOFS)),
                );
            } else if proofs.iter().any(|(known, _)| *known == name.text) {
                self.report(Code::DuplicateName, name.loc, format!("`{}` is given twice", name.text)).label("again");
            } else {
                proofs.push((name.text.clone(), value));
            }
        }
        proofs
    }

    pub(super) fn address(&mut self, channel: Channel, loc: Loc) {
        if self.index.has_address(channel) {
            return;
        }
        let (what, label, declaration) = match channel {
            Channel::Sms | Channel::WhatsApp => ("phone number", "no attribute is a phone number", "phone: phone?"),
            Channel::Push => ("address for push messages", "no attribute `push_token` is a text", "push_token: text?"),
            Channel::Email | Channel::Webhook => ("mail address", "no attribute is a mail address", "email: email"),
        };
        self.report(Code::NoAddress, loc, format!("contacts have no {what} to send to"))
            .label(label)
            .help(format!("declare one: `contact {{ {declaration} }}`"));
    }

    /// Whether the message is there; says so if not.
    fn message(&mut self, channel: Channel, name: &Name, channels: usize) -> bool {
        if self.index.messages.contains_key(&(channel, name.text.clone())) {
            return true;
        }
        if self.index.lone {
            let at = self.text.span(name.loc);
            self.implied.messages.entry((name.text.clone(), channel)).or_insert(at);
            return true;
        }
        let elsewhere = Channel::ALL.into_iter().find(|c| self.index.messages.contains_key(&(*c, name.text.clone())));
        let names: Vec<SmolStr> =
            self.index.messages.keys().filter(|(c, _)| *c == channel).map(|(_, name)| name.clone()).collect();
        let (what, format) = match channel {
            Channel::Email => ("mail", "email.md"),
            Channel::Sms => ("text message", "sms.txt"),
            Channel::Push => ("push message", "push.json"),
            Channel::Webhook => ("webhook message", "webhook.json"),
            Channel::WhatsApp => ("WhatsApp message", "whatsapp.txt"),
        };
        let report = self.report(Code::UnknownMessage, name.loc, format!("there is no {what} `{}`", name.text));
        match elsewhere {
            Some(other) if channels == 1 => {
                report.help(format!(
                    "`{0}` is there for {other}: write `send {other} {0}`, or add `messages/{0}.{format}`",
                    name.text
                ));
            }
            _ => report.suggest_or(
                &name.text,
                names.iter().map(SmolStr::as_str),
                "no such message",
                format!("its text is the file `messages/{}.{format}`", name.text),
            ),
        }
        false
    }

    /// A text in the journey itself; the name that its message gets.
    fn inline(&mut self, channel: Channel, at: Loc, channel_loc: Loc) -> Option<SmolStr> {
        if !matches!(channel, Channel::Sms | Channel::Push | Channel::WhatsApp) {
            let (what, file) = match channel {
                Channel::Email => ("a mail", "email.md"),
                _ => ("a webhook", "webhook.json"),
            };
            let _ = channel_loc;
            self.report(Code::NotInline, at, format!("the text of {what} cannot stand in the journey"))
                .label("too short for it")
                .help(format!(
                    "put it into a file such as `messages/welcome.{file}`, and write `send {channel} welcome`"
                ));
            return None;
        }
        let name: SmolStr = format!("{}.{}", self.journey_name, self.inline.len() + 1).into();
        self.inline.push(Inline { name: name.clone(), channel, loc: at, notice: false });
        Some(name)
    }

    fn subject(&mut self, send: &hir::Send) -> Option<SmolStr> {
        for (name, _) in send.settings.iter().filter(|(name, _)| name.text != SUBJECT) {
            let message = format!("a send has no setting `{}`", name.text);
            self.report(Code::UnknownMessageKey, name.loc, message).suggest_or(
                &name.text,
                [SUBJECT],
                "no such setting",
                "what can be given here is `with subject \"..\"`; everything else stands in the message's file",
            );
        }
        let mut subjects = send.settings.iter().filter(|(name, _)| name.text == SUBJECT);
        let (_, subject) = subjects.next()?;
        if let Some((name, _)) = subjects.next() {
            self.report(Code::DuplicateClause, name.loc, "a mail has one subject").label("given again");
        }
        if send.channels.iter().all(|(channel, _)| *channel != Channel::Email) {
            self.report(Code::UselessPart, subject.loc, "only a mail has a subject")
                .label("nobody sees it")
                .help("remove `with subject ..`");
            return None;
        }
        match self.constant(subject, &Type::Text)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn set(&mut self, attribute: &Name, value: &Expr) -> Option<StepKind> {
        let ty = self.attribute_type(attribute);
        let want = ty.as_ref().and_then(Option::as_ref).map_or(Want::Unknown, Want::Type);
        let value = self.expr(value, want);
        let ty = ty??;
        let value = self.assigned(value, &ty, format_args!("`{}`", attribute.text));
        Some(StepKind::Set(attribute.text.clone(), Box::new(value)))
    }

    /// `add EXPR to ATTRIBUTE`: the list with the value, or without it.
    fn listed(
        &mut self,
        list: &Name,
        value: &Expr,
        make: fn(Box<(typed::Expr, typed::Expr)>) -> ExprKind,
    ) -> Option<StepKind> {
        let ty = self.attribute_type(list);
        let element = match ty.as_ref().and_then(Option::as_ref) {
            Some(Type::List(of)) => Some((**of).clone()),
            Some(ty) => {
                let message =
                    format!("values are added to a list and removed from one, and `{}` is {}", list.text, a(ty));
                let help = format!("write `set {} to ..`, or declare it as a `list of` something", list.text);
                self.report(Code::TypeMismatch, list.loc, message).label(a(ty)).help(help);
                self.expr(value, Want::Any);
                return None;
            }
            None => None,
        };
        let value = self.expr(value, element.as_ref().map_or(Want::Unknown, Want::Type));
        let ty = ty??;
        let value = self.assigned(value, &element?, format_args!("a value of `{}`", list.text));
        // A list that was never set is empty.
        let place = ExprKind::Place(Place::Attribute(list.text.clone()), Optional::No);
        let old = typed::Expr { kind: place, ty: Some(ty.clone()), loc: list.loc };
        let loc = value.loc;
        let new = typed::Expr { kind: make(Box::new((old, value))), ty: Some(ty), loc };
        Some(StepKind::Set(list.text.clone(), Box::new(new)))
    }

    /// `migrate A to B`: A is a place of an older version, B one of this version.
    pub(super) fn migrations(&mut self, journey: &hir::Journey) -> Vec<(SmolStr, Option<SmolStr>)> {
        let mut migrations: Vec<(SmolStr, Option<SmolStr>)> = Vec::new();
        for line in &journey.header {
            let hir::HeaderKind::Migrate(from, to) = &line.kind else { continue };
            if let Some((_, here)) = self.labels.iter().find(|(known, _)| *known == from.text) {
                let here = self.text.span(*here);
                self.report(Code::UselessPart, from.loc, format!("`{}` is still a place of this journey", from.text))
                    .label("still there")
                    .also(here, "here")
                    .note("A run that waits there stays there.")
                    .help("remove the line, or the name of the place");
            } else if migrations.iter().any(|(known, _)| *known == from.text) {
                self.report(Code::DuplicateClause, from.loc, format!("`{}` is moved twice", from.text))
                    .label("again")
                    .help("keep one of the two");
            }
            let known = |name: &Name| self.labels.iter().any(|(known, _)| *known == name.text);
            if let Some(to) = to.as_ref().filter(|to| !known(to)) {
                let names: Vec<SmolStr> = self.labels.iter().map(|(name, _)| name.clone()).collect();
                if !self.handles.partial {
                    self.report(Code::UnknownPlace, to.loc, format!("this journey has no place `{}`", to.text))
                        .suggest_or(
                            &to.text,
                            names.iter().map(SmolStr::as_str),
                            "no such place",
                            format!("name one: `step {}:` before a step, or write `end`", to.text),
                        );
                }
                continue;
            }
            migrations.push((from.text.clone(), to.as_ref().map(|to| to.text.clone())));
        }
        migrations
    }

    fn binding(&mut self, name: &Name, value: &Expr) -> StepKind {
        let value = self.expr(value, Want::Any);
        StepKind::Let(self.local(name, value.ty.clone()), Box::new(value))
    }

    /// A local variable, in sight from here to the end of its block.
    pub(super) fn local(&mut self, name: &Name, ty: Option<Type>) -> SlotIx {
        self.local_name(name);
        let slot = self.slot(name.text.clone(), ty);
        self.scope.push((name.text.clone(), slot));
        slot
    }

    fn local_name(&mut self, name: &Name) {
        let words = ["now", "today", "weekday", "hour", "contact", "trigger", "true", "false"];
        if words.contains(&name.text.as_str()) {
            self.report(Code::ReservedName, name.loc, format!("`{}` is a word of the language", name.text))
                .label("choose another name");
        } else if self.index.attributes.contains_key(&name.text) {
            self.report(Code::DuplicateName, name.loc, format!("contacts have an attribute `{}`", name.text))
                .label("choose another name")
                .note("From here on nobody could tell which of the two is meant.");
        } else if self.index.scores.contains_key(&name.text) {
            self.report(Code::DuplicateName, name.loc, format!("there is a score `{}`", name.text))
                .label("choose another name")
                .note("From here on nobody could tell which of the two is meant.");
        } else if self.scope.iter().any(|(known, _)| *known == name.text) {
            self.report(Code::DuplicateName, name.loc, format!("`{}` already has a value here", name.text))
                .label("choose another name");
        }
    }

    fn slot(&mut self, name: SmolStr, ty: Option<Type>) -> SlotIx {
        let slot = SlotIx(u16::try_from(self.slots.len()).unwrap_or(u16::MAX));
        self.slots.push(Slot { name, ty, optional: false, answer: None });
        slot
    }

    /// What tells which side of a split is better.
    fn measure(
        &mut self,
        measure: Option<&hir::Measure>,
        run_for: Option<(Span, Loc)>,
        best: Option<Loc>,
    ) -> Option<typed::Measure> {
        let Some(measure) = measure else {
            if let Some(loc) = best.or(run_for.map(|(_, loc)| loc)) {
                self.report(Code::UndecidedSplit, loc, "nothing tells which side of this split is better")
                    .label("better in what?")
                    .help("say what counts: `measure purchase within 14d`");
            }
            return None;
        };
        let pattern = self.pattern(&measure.pattern);
        if let Some(loc) = best {
            let missing = match (measure.within, run_for) {
                (None, _) => Some("within 14d"),
                (_, None) => Some("for at least 14d"),
                _ => None,
            };
            if let Some(missing) = missing {
                self.report(Code::UndecidedSplit, loc, "this split does not say when its winner is named")
                    .label("after how long?")
                    .note(
                        "Sides are compared once, when every contact that counts had the same time: whoever looks again \
                         and again in between finds a winner by chance.",
                    )
                    .help(format!("add `{missing}`, as in `measure purchase within 14d for at least 14d then best`"));
            }
        }
        Some(typed::Measure {
            pattern: pattern?,
            within: measure.within,
            at_least: run_for.map(|(span, _)| span),
            best: best.is_some(),
        })
    }

    fn split(
        &mut self,
        name: &Name,
        sides: &[SplitSide],
        head: Loc,
        inner: u16,
    ) -> (SmolStr, Vec<(u32, SmolStr, typed::Block)>) {
        let mut seen: Vec<&Name> = Vec::new();
        for side in sides {
            if let Some(first) = seen.iter().find(|first| first.text == side.name.text) {
                let first = self.text.span(first.loc);
                self.report(Code::DuplicateName, side.name.loc, format!("two sides are called `{}`", side.name.text))
                    .label("again")
                    .also(first, "the first one")
                    .help("give each side a name of its own, so that reports can tell them apart");
            }
            seen.push(&side.name);
        }
        let sum: u64 = sides.iter().map(|side| u64::from(side.share)).sum();
        if sum != WHOLE {
            let percent = Number(i64::try_from(sum).unwrap_or(i64::MAX).saturating_mul(100));
            let loc = sides.last().map_or(head, |side| side.share_loc);
            let first = sides.first().map_or(head, |side| side.share_loc);
            self.report(
                Code::UnevenShares,
                first.cover(loc),
                format!("the sides of `{}` add up to {percent} %", name.text),
            )
            .label("100 % in all")
            .help("change the shares so that every contact falls on one side");
        }
        if let Some(first) = self.splits.iter().find(|(known, _)| *known == name.text) {
            let first = self.text.span(first.1);
            self.report(
                Code::DuplicateName,
                name.loc,
                format!("two splits of this journey are called `{}`", name.text),
            )
            .label("again")
            .also(first, "the first one")
            .help("give it another name: contacts would fall on the same sides of both");
        }
        self.splits.push((name.text.clone(), name.loc));
        let sides = sides.iter().map(|side| (side.share, side.name.text.clone(), self.block(&side.then, inner)));
        (name.text.clone(), sides.collect())
    }

    fn record(&mut self, event: &Name, given: &[(Name, Expr)]) -> Option<StepKind> {
        let fields = self.event_fields(event);
        let mut values: Vec<(SmolStr, typed::Expr)> = Vec::new();
        for (name, value) in given {
            let ty = match &fields {
                Some(Some(_)) => self.event_field(event, name),
                _ => None,
            };
            let want = match (&ty, &fields) {
                (Some(Some(ty)), _) => Want::Type(ty),
                (None, Some(None)) => Want::Any,
                _ => Want::Unknown,
            };
            let mut value = self.expr(value, want);
            if let Some(Some(ty)) = &ty {
                value = self.assigned(value, ty, format_args!("`{}`", name.text));
            }
            if values.iter().any(|(known, _)| *known == name.text) {
                self.report(Code::DuplicateName, name.loc, format!("`{}` is given twice", name.text)).label("again");
            } else {
                values.push((name.text.clone(), value));
            }
        }
        for field in fields?.iter().flatten().filter(|field| !field.optional) {
            if given.iter().all(|(name, _)| name.text != field.name) {
                let ty = field.ty.as_ref().map_or_else(|| "unknown".to_owned(), a);
                self.report(
                    Code::MissingField,
                    event.loc,
                    format!("`{}` lacks its field `{}`", event.text, field.name),
                )
                .label("without it")
                .help(format!("give it: `record {} {{ {}: .. }}`, which is {ty}", event.text, field.name));
            }
        }
        Some(StepKind::Record(event.text.clone(), values))
    }

    /// Starts another journey, with what it asks for.
    fn start(&mut self, name: &Name, given: &[(Name, Expr)]) -> Option<StepKind> {
        let handed: Vec<_> = self.index.handed.get(&name.text).cloned().unwrap_or_default();
        let mut values: Vec<(SmolStr, typed::Expr)> = Vec::new();
        let journey = self.journey_named(name);
        for (field, value) in given {
            let known = handed.iter().find(|known| known.name == field.text);
            let ty = known.and_then(|known| known.ty.as_ref());
            let mut value = self.expr(value, ty.map_or(Want::Unknown, Want::Type));
            if let Some(ty) = ty {
                value = self.assigned(value, ty, format_args!("`{}`", field.text));
            }
            if known.is_none() && journey.is_some() {
                let names: Vec<&str> = handed.iter().map(|known| known.name.as_str()).collect();
                let help = match names.as_slice() {
                    [] => format!("let `{}` begin with `on call {{ {}: text }}`", name.text, field.text),
                    names => format!("it is started with {}", names.join(", ")),
                };
                let message = format!("`{}` is not started with `{}`", name.text, field.text);
                self.report(Code::UnknownField, field.loc, message).suggest_or(
                    &field.text,
                    names,
                    "no such field",
                    help,
                );
            }
            if values.iter().any(|(known, _)| *known == field.text) {
                self.report(Code::DuplicateName, field.loc, format!("`{}` is given twice", field.text)).label("again");
            } else {
                values.push((field.text.clone(), value));
            }
        }
        for known in handed.iter().filter(|known| !known.optional) {
            if given.iter().all(|(field, _)| field.text != known.name) {
                let ty = known.ty.as_ref().map_or_else(|| "unknown".to_owned(), a);
                let message = format!("`{}` is started with the field `{}`", name.text, known.name);
                self.report(Code::MissingField, name.loc, message).label("without it").help(format!(
                    "give it: `start journey {} with {{ {}: .. }}`, which is {ty}",
                    name.text, known.name
                ));
            }
        }
        Some(StepKind::StartJourney(journey?, values))
    }

    /// A countdown is a wait for each point, which passes over it if it is past.
    fn countdown(
        &mut self,
        date: &Expr,
        points: &[CountdownPoint],
        otherwise: Option<&Block>,
        depth: u16,
    ) -> Option<StepKind> {
        let date = self.expr(date, Want::Type(&Type::DateTime));
        let inner = depth.saturating_add(1);
        let mut steps = Vec::with_capacity(points.len());
        let mut before: Option<(Span, Loc)> = None;
        for point in points {
            if let Some((last, loc)) = before
                && point.offset.rough_millis() <= last.rough_millis()
            {
                let at = self.text.span(loc);
                self.report(Code::UselessPart, point.head, "this point is not later than the one before it")
                    .label("never reached in time")
                    .also(at, "the one before")
                    .help("write the points in the order in which they come");
            }
            before = Some((point.offset, point.head));
            let then = self.block(&point.then, inner.saturating_add(1));
            let at = self.point(&date, point);
            let wait = at.map(|at| {
                let deadline = Deadline { at, then, required: otherwise.is_none(), past: Some(Vec::new()) };
                StepKind::Wait(Box::new(Wait { deadline: Some(deadline), arms: Vec::new(), conditions: Vec::new() }))
            });
            steps.push(Step { kind: wait.unwrap_or(StepKind::Error), head: point.head, depth: inner });
        }
        let otherwise = otherwise.map(|block| self.block(block, inner));
        let ty = date.ty.clone()?;
        if !matches!(ty, Type::DateTime | Type::Date) {
            self.report(
                Code::NotAMoment,
                date.loc,
                format!("a countdown needs a day or a moment, and this is {}", a(&ty)),
            )
            .label("when is that?");
            return None;
        }
        Some(match otherwise {
            None => StepKind::Sequence(steps),
            Some(otherwise) => {
                let loc = date.loc;
                let condition = Box::new(typed::Expr::truth(ExprKind::IsSet(Box::new(date)), loc));
                StepKind::If { condition, then: steps, otherwise }
            }
        })
    }

    fn point(&self, date: &typed::Expr, point: &CountdownPoint) -> Option<typed::Expr> {
        let moved = if point.offset == Span::default() { date.clone() } else { shifted(date.clone(), point.offset) };
        let moment = match date.ty.as_ref()? {
            Type::Date if point.offset.millis == 0 => to_instant(moved),
            Type::Date => shifted(to_instant(date.clone()), point.offset),
            Type::DateTime => moved,
            _ => return None,
        };
        Some(match point.at {
            Some(time) => {
                let loc = moment.loc;
                let day = typed::Expr { kind: ExprKind::DayOf(Box::new(moment)), ty: Some(Type::Date), loc };
                next_at(WeekdaySet::ALL, to_instant(day), time)
            }
            None => moment,
        })
    }

    fn choose(&mut self, subject: &Expr, arms: &[ChooseArm], otherwise: Option<&Block>, inner: u16) -> StepKind {
        let subject = self.expr(subject, Want::Any);
        let mut checked = Vec::with_capacity(arms.len());
        for arm in arms {
            let condition = match arm.values.as_slice() {
                [one] => self.arm_value(&subject, one),
                values => {
                    let parts = values.iter().map(|value| self.arm_value(&subject, value)).collect();
                    typed::Expr::truth(ExprKind::Or(parts), arm.loc)
                }
            };
            checked.push((condition, self.block(&arm.then, inner)));
        }
        StepKind::Choose {
            subject: Box::new(subject),
            arms: checked,
            otherwise: otherwise.map(|block| self.block(block, inner)),
        }
    }

    fn arm_value(&mut self, subject: &typed::Expr, value: &ChooseValue) -> typed::Expr {
        match value {
            ChooseValue::One(value) => self.arm_compare(Comparison::Equal, subject, value),
            ChooseValue::Range(low, high) => {
                let loc = low.loc.cover(high.loc);
                let low = self.arm_compare(Comparison::GreaterOrEqual, subject, low);
                if low.ty.is_none() {
                    return low;
                }
                let high = self.arm_compare(Comparison::LessOrEqual, subject, high);
                typed::Expr::truth(ExprKind::And(vec![low, high]), loc)
            }
        }
    }

    fn arm_compare(&mut self, comparison: Comparison, subject: &typed::Expr, value: &Expr) -> typed::Expr {
        let value = self.against(value, subject);
        let loc = value.loc;
        let mut subject = subject.clone();
        self.infer(&mut subject, &value);
        if subject.ty.is_none() || value.ty.is_none() {
            return typed::Expr::error(loc);
        }
        self.compare(comparison, subject, value, loc)
    }
}
