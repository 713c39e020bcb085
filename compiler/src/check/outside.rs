//! Steps that reach outside: calls of other systems, words for colleagues, questions to them.

use journey_bytecode::{Colleague, Field, NOTICE_CHANNEL, Pc, RequestKind, Span, Type};
use smol_str::{SmolStr, format_smolstr};

use super::expr::{Checker, Want};
use super::{Inline, types::a};
use crate::config::CHATS;
use crate::diagnostic::Code;
use crate::hir::{self, ArithmeticOp, Loc, Name, TimeOut, Whom};
use crate::typed::{self, ExprKind, Notice, Request, Seen, StepKind};

/// How long a call may take that does not say: a day.
const CALL_PATIENCE: Span = Span { months: 0, days: 1, millis: 0 };

impl Checker<'_> {
    /// The local variables in sight here.
    pub(super) fn seen(&self) -> Seen {
        Seen { locals: self.scope.clone(), set: Vec::new() }
    }

    /// Asks another system.
    pub(super) fn call(&mut self, call: &hir::Call, inner: u16) -> Option<StepKind> {
        let answer = self.service(&call.service);
        let mut fields: Vec<(SmolStr, typed::Expr)> = Vec::new();
        for (name, value) in &call.fields {
            let value = self.expr(value, Want::Any);
            if fields.iter().any(|(known, _)| *known == name.text) {
                self.report(Code::DuplicateName, name.loc, format!("`{}` is given twice", name.text)).label("again");
            } else {
                fields.push((name.text.clone(), value));
            }
        }
        // In the steps that follow a failure there is no answer to read.
        let otherwise = call.otherwise.as_ref().map(|block| self.block(block, inner));
        let slot = call.result.as_ref().map(|name| {
            let record =
                |fields: &Vec<Field>| fields.iter().map(|field| (field.name.clone(), field.ty.clone())).collect();
            let slot = self.local(name, answer.as_ref().map(|fields| Type::Record(record(fields))));
            if let Some(slot) = self.slots.get_mut(slot.index()) {
                slot.optional = true;
                slot.answer = Some(answer.clone().unwrap_or_default());
            }
            slot
        });
        let kind = RequestKind::Call { service: call.service.text.clone(), answer: answer? };
        let patience = TimeOut { span: CALL_PATIENCE, window: None, loc: call.service.loc };
        let until = Some(self.time_out(call.up_to.unwrap_or(patience), call.service.loc));
        let (arms, seen) = (Vec::new(), self.seen());
        Some(StepKind::Request(Box::new(Request { kind, fields, until, arms, seen, slot, otherwise })))
    }

    /// What a system answers; none if nobody knows the system.
    pub(super) fn service(&mut self, name: &Name) -> Option<Vec<Field>> {
        if let Some(service) = self.index.services.get(&name.text) {
            return Some(service.answer.clone());
        }
        if self.index.lone {
            self.implied.services.insert(name.text.clone());
            return Some(Vec::new());
        }
        let known: Vec<&str> = self.index.services.keys().map(SmolStr::as_str).collect();
        self.report(Code::UnknownService, name.loc, format!("there is no system `{}` to call", name.text)).suggest_or(
            &name.text,
            known,
            "no such system",
            format!("describe it in `journey.toml`: `[call.{}]`, with its `url` below", name.text),
        );
        None
    }

    /// Takes a code, after noting until when it is good.
    pub(super) fn voucher(
        &mut self,
        voucher: &Name,
        code: Option<&Name>,
        expires: Option<&hir::Expr>,
    ) -> Option<StepKind> {
        let known = self.voucher_named(voucher);
        let code = code.unwrap_or(voucher);
        let expires = expires.map(|expires| {
            let checked = self.expr(expires, Want::Any);
            match checked.ty {
                Some(Type::Duration) => {
                    let now = typed::Expr { kind: ExprKind::Now, ty: Some(Type::DateTime), loc: checked.loc };
                    let kind = ExprKind::Arithmetic(Box::new(now), vec![(ArithmeticOp::Add, checked)]);
                    typed::Expr { kind, ty: Some(Type::DateTime), loc: expires.loc }
                }
                _ => self.assigned(checked, &Type::DateTime, "the end of a code"),
            }
        });
        let until_name = Name { text: format_smolstr!("{}_expires", code.text), loc: code.loc };
        let ends = expires.is_some().then(|| self.local(&until_name, Some(Type::DateTime)));
        let fields = expires.map(|expires| (SmolStr::new_static("expires"), expires)).into_iter().collect();
        let slot = Some(self.local(code, Some(Type::Text)));
        let kind = RequestKind::Voucher { name: known?, expires: ends };
        let (until, arms, seen) = (None, Vec::new(), self.seen());
        Some(StepKind::Request(Box::new(Request { kind, fields, until, arms, seen, slot, otherwise: None })))
    }

    /// The voucher of this name.
    pub(super) fn voucher_named(&mut self, name: &Name) -> Option<SmolStr> {
        if self.index.vouchers.contains_key(&name.text) {
            return Some(name.text.clone());
        }
        let known: Vec<SmolStr> = self.index.vouchers.keys().cloned().collect();
        self.report(Code::UnknownVoucher, name.loc, format!("there is no voucher `{}`", name.text)).suggest_or(
            &name.text,
            known.iter().map(SmolStr::as_str),
            "no such voucher",
            format!("declare it: `voucher {} \"10 % off\" generate \"CODE-######\"`", name.text),
        );
        None
    }

    pub(super) fn notify(&mut self, whom: &Whom, text: &SmolStr, loc: Loc) -> Option<StepKind> {
        let message = self.notice(loc);
        let to = self.colleague(whom, "notify")?;
        Some(StepKind::Notify(Box::new(Notice { to, message, text: text.clone(), seen: self.seen() })))
    }

    pub(super) fn ask(&mut self, ask: &hir::Ask, head: Loc, inner: u16) -> Option<StepKind> {
        let message = self.notice(ask.question.1);
        let to = self.colleague(&ask.whom, "ask");
        if ask.arms.is_empty() {
            self.report(Code::UselessPart, head, "this question has no answer")
                .label("what can be answered?")
                .help("name the answers: `ask owner \"..\" up to 1d { yes { .. } no { .. } else { .. } }`");
        }
        if ask.up_to.is_none() && ask.otherwise.is_none() {
            let who = "A contact about whom nobody decides";
            self.no_end(head, "this question may never be answered", who, "up to 1d { .. else { .. } }");
        }
        if ask.up_to.is_some() && ask.otherwise.is_none() {
            self.report(Code::NotExhaustive, head, "this question does not say what happens without an answer")
                .label("nobody may answer in time")
                .help("add `else { .. }` behind the answers");
        }
        let seen = self.seen();
        let mut arms: Vec<(SmolStr, typed::Block)> = Vec::new();
        for (answer, then) in &ask.arms {
            if arms.iter().any(|(known, _)| *known == answer.text) {
                let message = format!("the answer `{}` stands here twice", answer.text);
                self.report(Code::DuplicateName, answer.loc, message).label("again");
            }
            arms.push((answer.text.clone(), self.block(then, inner)));
        }
        let otherwise = ask.otherwise.as_ref().map(|block| self.block(block, inner));
        let targets = arms.iter().map(|(answer, _)| (answer.clone(), Pc(0))).collect();
        let kind = RequestKind::Ask { to: to?, message, text: ask.question.0.clone(), arms: targets };
        let until = ask.up_to.map(|up_to| self.time_out(up_to, head));
        let fields = Vec::new();
        Some(StepKind::Request(Box::new(Request { kind, fields, until, arms, seen, slot: None, otherwise })))
    }

    /// The name of the message that a text for a colleague becomes.
    fn notice(&mut self, loc: Loc) -> SmolStr {
        let name = format_smolstr!("{}.{}", self.journey_name, self.inline.len() + 1);
        self.inline.push(Inline { name: name.clone(), channel: NOTICE_CHANNEL, loc, notice: true });
        name
    }

    /// Who is told or asked: an attribute that holds an address, or somebody whom the settings know.
    fn colleague(&mut self, whom: &Whom, verb: &str) -> Option<Colleague> {
        let name = &whom.name;
        let settings = &self.index.notify;
        if let Some((place, loc)) = &whom.place {
            let kind = name.text.clone();
            if settings.places.contains_key(&(kind.clone(), place.clone())) || self.index.lone {
                return Some(Colleague { place: format_smolstr!("{kind} {place}"), attribute: None });
            }
            let known: Vec<SmolStr> =
                settings.places.keys().filter(|(of, _)| *of == kind).map(|(_, place)| place.clone()).collect();
            if CHATS.contains(&kind.as_str()) {
                self.report(Code::UnknownColleague, *loc, format!("`journey.toml` knows no `{place}` of {kind}"))
                    .suggest_or(
                        place,
                        known.iter().map(SmolStr::as_str),
                        "no such place",
                        format!("name its incoming webhook below `[notify.{kind}]`: `\"{place}\" = \"env:NAME\"`"),
                    );
            } else {
                self.report(Code::UnknownColleague, name.loc, format!("there is no chat `{kind}`")).suggest_or(
                    &kind,
                    CHATS,
                    "no such chat",
                    "places are known of slack and teams",
                );
            }
            return None;
        }
        let attribute = self.index.attributes.get(&name.text);
        let holds_address =
            attribute.and_then(|info| info.ty.as_ref()).is_some_and(|ty| matches!(ty, Type::User | Type::Email));
        let optional = attribute.is_some_and(|info| info.may_be_unset);
        let configured = settings.people.contains_key(&name.text) || self.index.lone;
        if holds_address && (!optional || configured) {
            return Some(Colleague { place: name.text.clone(), attribute: Some(name.text.clone()) });
        }
        if configured {
            return Some(Colleague { place: name.text.clone(), attribute: None });
        }
        let word = &name.text;
        if holds_address {
            let message = format!("a contact may have no `{word}`, and then nobody would hear of it");
            self.report(Code::UnknownColleague, name.loc, message).label("who instead?").help(format!(
                "say in `journey.toml` who it is then: `{word} = \"sales@example.com\"` below `[notify]`"
            ));
            return None;
        }
        if let Some(ty) = attribute.and_then(|info| info.ty.clone()) {
            let message = format!("`{word}` is {}, not the address of a colleague", a(&ty));
            self.report(Code::TypeMismatch, name.loc, message)
                .label("no address")
                .help(format!("declare it as one: `contact {{ {word}: user? }}`"));
            return None;
        }
        let users = self.index.attributes.iter().filter(|(_, info)| info.ty == Some(Type::User)).map(|(name, _)| name);
        let known: Vec<SmolStr> = settings.people.keys().chain(users).cloned().collect();
        self.report(Code::UnknownColleague, name.loc, format!("nobody knows whom to {verb}: `{word}`")).suggest_or(
            word,
            known.iter().map(SmolStr::as_str),
            "no such colleague",
            format!("write `{word} = \"sales@example.com\"` below `[notify]` in `journey.toml`, or declare an attribute `{word}: user?`"),
        );
        None
    }
}
