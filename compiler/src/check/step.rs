//! Steps.

use journey_bytecode::{Channel, SlotIx, Type, Value};
use smol_str::SmolStr;

use super::expr::{Checker, Want};
use super::{Inline, Sent, not_yet};
use crate::diagnostic::Code;
use crate::hir::{self, Block, ChooseArm, ChooseValue, Expr, Loc, Name, SendMessage};
use crate::typed::{self, Comparison, ExprKind, Slot, Step, StepKind};

impl Checker<'_> {
    /// Steps in a row; local variables live as long as their block.
    pub(super) fn block(&mut self, block: &Block, depth: u16) -> typed::Block {
        let outer = self.scope.len();
        let steps = block.iter().map(|step| self.step(step, depth)).collect();
        self.scope.truncate(outer);
        steps
    }

    fn step(&mut self, step: &hir::Step, depth: u16) -> Step {
        let kind = self.step_kind(step, depth).unwrap_or(StepKind::Error);
        Step { kind, head: step.head, depth }
    }

    fn step_kind(&mut self, step: &hir::Step, depth: u16) -> Option<StepKind> {
        let inner = depth.saturating_add(1);
        Some(match &step.kind {
            hir::StepKind::Send(send) => self.send(send, step.head)?,
            hir::StepKind::Wait(wait) => StepKind::Wait(self.wait(wait, step.head, inner)?),
            hir::StepKind::If { condition, then, otherwise } => StepKind::If {
                condition: self.condition(condition),
                then: self.block(then, inner),
                otherwise: otherwise.as_ref().map(|block| self.block(block, inner)).unwrap_or_default(),
            },
            hir::StepKind::Choose { subject, arms, otherwise } => self.choose(subject, arms, otherwise.as_ref(), inner),
            hir::StepKind::AddTag(tag) => StepKind::AddTag(self.tag(tag)?),
            hir::StepKind::RemoveTag(tag) => StepKind::RemoveTag(self.tag(tag)?),
            hir::StepKind::Set(attribute, value) => self.set(attribute, value)?,
            hir::StepKind::Let(name, value) => self.binding(name, value),
            hir::StepKind::End => StepKind::End,
            hir::StepKind::Later(later) => {
                self.diagnostics.push(not_yet(later, self.text));
                return None;
            }
            hir::StepKind::Error => return None,
        })
    }

    fn send(&mut self, send: &hir::Send, head: Loc) -> Option<StepKind> {
        let mut choices: Vec<(Channel, SmolStr)> = Vec::new();
        let mut known = true;
        for (channel, loc) in &send.channels {
            if choices.iter().any(|(other, _)| other == channel) {
                self.report(Code::DuplicateName, *loc, format!("`{channel}` stands here twice")).label("again");
                continue;
            }
            self.address(*channel, *loc);
            let message = match &send.message {
                SendMessage::Named(name) => {
                    known &= self.message(*channel, name, send.channels.len());
                    self.sends.push(Sent { channel: *channel, message: name.text.clone(), at: self.text.span(head) });
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
        Some(StepKind::Send(typed::Send { choices, name: super::handles::name_of(send), handle: None, subject }))
    }

    fn address(&mut self, channel: Channel, loc: Loc) {
        if self.index.has_address(channel) {
            return;
        }
        let (what, declaration) = match channel {
            Channel::Sms => ("phone number", "phone: phone?"),
            _ => ("mail address", "email: email"),
        };
        self.report(Code::NoAddress, loc, format!("contacts have no {what} to send to"))
            .label(format!("no attribute is a {what}"))
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
        if !matches!(channel, Channel::Sms | Channel::Push) {
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
        self.inline.push(Inline { name: name.clone(), channel, loc: at });
        Some(name)
    }

    fn subject(&mut self, send: &hir::Send) -> Option<SmolStr> {
        let subject = send.subject.as_ref()?;
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
        let value = self.assigned(value, &ty, &format!("`{}`", attribute.text));
        Some(StepKind::Set(attribute.text.clone(), value))
    }

    fn binding(&mut self, name: &Name, value: &Expr) -> StepKind {
        let value = self.expr(value, Want::Any);
        let words = ["now", "today", "weekday", "hour", "contact", "trigger", "true", "false"];
        if words.contains(&name.text.as_str()) {
            self.report(Code::ReservedName, name.loc, format!("`{}` is a word of the language", name.text))
                .label("choose another name");
        } else if self.index.attributes.contains_key(&name.text) {
            self.report(Code::DuplicateName, name.loc, format!("contacts have an attribute `{}`", name.text))
                .label("choose another name")
                .note("From here on nobody could tell which of the two is meant.");
        } else if self.scope.iter().any(|(known, _)| *known == name.text) {
            self.report(Code::DuplicateName, name.loc, format!("`{}` already has a value here", name.text))
                .label("choose another name");
        }
        let slot = SlotIx(u16::try_from(self.slots.len()).unwrap_or(u16::MAX));
        self.slots.push(Slot { name: name.text.clone(), ty: value.ty.clone() });
        self.scope.push((name.text.clone(), slot));
        StepKind::Let(slot, value)
    }

    fn choose(&mut self, subject: &Expr, arms: &[ChooseArm], otherwise: Option<&Block>, inner: u16) -> StepKind {
        let subject = self.expr(subject, Want::Any);
        let mut checked = Vec::with_capacity(arms.len());
        for arm in arms {
            let parts: Vec<_> = arm.values.iter().map(|value| self.arm_value(&subject, value)).collect();
            let condition = match <[typed::Expr; 1]>::try_from(parts) {
                Ok([one]) => one,
                Err(parts) => typed::Expr::truth(ExprKind::Or(parts), arm.loc),
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
