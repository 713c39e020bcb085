//! Follows every way through a journey: what is reached, what has a value there, which messages were sent before.

mod condition;
mod domain;
mod sends;
mod state;
mod taken;

use std::collections::BTreeMap;

use journey_bytecode::{Channel, HandleIx, MessageRef, RequestKind, StatusKind, TriggerKind, Value};
use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::diagnostic::{Applicability, Code, Diagnostic, Edit, Span};
use crate::hir::Loc;
use crate::text::Text;
use crate::typed::{
    Arm, Block, Deadline, ExitKind, Expr, ExprKind, Journey, On, Optional, Pattern, Place, Request, Step, StepKind,
    Wait,
};
use condition::Decision;
use domain::Domain;
use sends::{Sends, sent_in};
use state::{State, Subject, Ways, meet};
use taken::{Taken, is_backwards, values};

/// What flow analysis asks about messages.
pub(crate) trait Messages {
    /// Whether the message has a link that can be clicked; yes, if nobody knows.
    fn has_links(&self, channel: Channel, name: &str) -> bool;
}

/// What is known of a contact that enters a journey.
#[derive(Clone, Default, Debug)]
pub(crate) struct Entry(Vec<(Subject, Domain)>);

impl Entry {
    fn of(state: &State) -> Self {
        let of_contact = |subject: &Subject| {
            !matches!(subject, Subject::Question(_) | Subject::Place(Place::Trigger(_) | Place::Slot(_)))
        };
        Self(state.facts().filter(|(s, _)| of_contact(s)).map(|(s, d)| (s.clone(), d.clone())).collect())
    }

    /// Whether no contact can enter both at the same moment.
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        self.0.iter().any(|(subject, domain)| {
            let theirs = other.0.iter().find(|(known, _)| known == subject);
            theirs.is_some_and(|(_, theirs)| domain.excludes(theirs))
        })
    }

    /// The tags that a contact must not have.
    pub(crate) fn barred_tags(&self) -> Vec<SmolStr> {
        let barred = |(subject, domain): &(Subject, Domain)| match subject {
            Subject::Tag(tag) => (domain.is_only(&Value::Bool(false))).then(|| tag.clone()),
            _ => None,
        };
        self.0.iter().filter_map(barred).collect()
    }
}

/// Follows the ways through a journey, settles what only they decide, and tells what is wrong with them.
pub(crate) fn follow(
    journey: &mut Journey,
    text: &Text<'_>,
    messages: &dyn Messages,
    diagnostics: &mut Vec<Diagnostic>,
) -> Entry {
    let names = std::mem::take(&mut journey.handles);
    let exits = journey.exits.iter_mut().flat_map(|exit| &mut exit.then);
    let sends = Sends::number([&mut journey.body].into_iter().chain(exits), &names);
    let mut flow = Flow { text, messages, diagnostics, journey: journey.name.clone(), names, sends };
    let entry = flow.journey(journey);
    journey.handles = flow.names;
    entry
}

/// Sees to a condition that stands by itself.
pub(crate) fn follow_condition(
    condition: &mut Expr,
    text: &Text<'_>,
    messages: &dyn Messages,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut flow =
        Flow { text, messages, diagnostics, journey: SmolStr::default(), names: Vec::new(), sends: Sends::default() };
    flow.condition(condition, State::default());
}

struct Flow<'a> {
    text: &'a Text<'a>,
    messages: &'a dyn Messages,
    diagnostics: &'a mut Vec<Diagnostic>,
    journey: SmolStr,
    names: Vec<SmolStr>,
    sends: Sends,
}

impl Flow<'_> {
    fn report(&mut self, code: Code, loc: Loc, message: String, more: impl FnOnce(Diagnostic) -> Diagnostic) {
        self.diagnostics.push(more(Diagnostic::new(code, self.text.span(loc), message)));
    }

    fn journey(&mut self, journey: &mut Journey) -> Entry {
        let entries: Vec<_> = (journey.triggers.iter_mut())
            .map(|trigger| {
                let mut state = State::default();
                match &trigger.kind {
                    On::Event(TriggerKind::Tag(tag)) => state.learn(Subject::Tag(tag.clone()), Value::Bool(true)),
                    On::Event(TriggerKind::Untag(tag)) => state.learn(Subject::Tag(tag.clone()), Value::Bool(false)),
                    On::Event(TriggerKind::Changes { attribute, to: Some(to), .. }) => {
                        state.learn(Subject::Place(Place::Attribute(attribute.clone())), to.clone());
                    }
                    On::Event(TriggerKind::Reaches { funnel, stage }) => {
                        state.learn(Subject::Stage(funnel.clone()), Value::Text(stage.clone()));
                    }
                    _ => {}
                }
                let state = match &mut trigger.filter {
                    Some(filter) => self.condition(filter, state).0,
                    None => state,
                };
                Some(state.started())
            })
            .collect();
        let mut entry = meet(entries).unwrap_or_default();
        if let Some(filter) = &mut journey.filter {
            entry = self.condition(filter, entry).0;
        }
        if let Some(collect) = &mut journey.collect {
            self.value(&mut collect.until, &mut entry);
        }
        if let Some(key) = &mut journey.key {
            self.value(key, &mut entry);
        }
        // Exits and goals are looked at whenever something happens: of the values only those that stay are known.
        let mut always = entry.clone();
        always.wait();
        for exit in &mut journey.exits {
            for kind in &mut exit.kinds {
                match kind {
                    ExitKind::Event(pattern) => self.watched(pattern, &always),
                    ExitKind::Condition(condition) => {
                        let told = self.diagnostics.len();
                        self.condition(condition, always.clone());
                        if self.diagnostics.len() == told {
                            self.exits_at_once(condition, &entry);
                        }
                    }
                    ExitKind::After(_) => {}
                }
            }
            if let Some(then) = &mut exit.then {
                // It may come to these steps from everywhere.
                let mut anywhere = always.clone();
                anywhere.come_again(self.sends.handles(), true);
                self.block(then, Some(anywhere));
            }
        }
        for goal in &mut journey.goals {
            self.watched(&mut goal.pattern, &always);
        }
        let known = Entry::of(&entry);
        self.block(&mut journey.body, Some(entry));
        known
    }

    /// An exit that holds for everybody who enters.
    fn exits_at_once(&mut self, condition: &Expr, entry: &State) {
        let told = self.diagnostics.len();
        let stays = self.decide(&mut condition.clone(), entry.clone()).no;
        // Only the answer counts: what is unset at entry is no matter of a later moment.
        self.diagnostics.truncate(told);
        if stays.is_none() {
            let source = self.text.show(condition.loc);
            let message = format!("every run ends at once, because `{source}` holds for everybody who enters");
            self.report(Code::ExitsAtOnce, condition.loc, message, |d| {
                d.label("already so at the beginning")
                    .help("take it out, or let those in for whom it does not hold: `where not (..)`")
            });
        }
    }

    /// An event that may happen at any time, before a message that it is about was sent as well.
    fn watched(&mut self, pattern: &mut Pattern, state: &State) {
        let mut any = state.clone();
        any.assume_all_sent(self.sends.handles());
        any.assume_last();
        self.pattern(pattern, any);
    }

    /// Follows steps in a row; what is known behind them, or nothing if no way leads there.
    fn block(&mut self, block: &mut Block, mut state: Option<State>) -> Option<State> {
        let mut before: Option<Loc> = None;
        for step in block {
            let Some(known) = state else {
                let source = self.text.show(step.head);
                let why = before.map(|loc| self.text.span(loc));
                self.report(Code::Unreachable, step.head, format!("no way leads to `{source}`"), |d| {
                    let d = d.label("never reached").help("remove it, or move it to where a contact can come by");
                    match why {
                        Some(span) => d.also(span, "every way ends here"),
                        None => d,
                    }
                });
                return None;
            };
            before = Some(step.head);
            state = self.step(step, known);
        }
        state
    }

    fn step(&mut self, step: &mut Step, mut state: State) -> Option<State> {
        if changes(&step.kind) {
            self.no_op(&step.kind, step.head, &state);
            state.forget_questions();
        }
        match &mut step.kind {
            StepKind::Send(send) => {
                send.seen.set = state.locals().cloned().collect();
                let elsewhere = send.to.is_some();
                send.from.iter_mut().chain(&mut send.to).for_each(|value| self.value(value, &mut state));
                if !elsewhere {
                    state.send(send.handle, send.choices.iter().map(|(channel, _)| *channel));
                }
            }
            StepKind::Wait(wait) => return self.wait(wait, state),
            StepKind::If { condition, then, otherwise } => {
                let (yes, no) = self.condition(condition, state);
                let yes = self.block(then, Some(yes));
                let no = self.block(otherwise, Some(no));
                return meet([yes, no]);
            }
            StepKind::Choose { subject, arms, otherwise } => {
                return self.choose(subject, arms, otherwise.as_mut(), step.head, state);
            }
            StepKind::AddTag(tag) => state.learn(Subject::Tag(tag.clone()), Value::Bool(true)),
            StepKind::RemoveTag(tag) => state.learn(Subject::Tag(tag.clone()), Value::Bool(false)),
            StepKind::Set(attribute, value) => {
                self.value(value, &mut state);
                assign(&mut state, Place::Attribute(attribute.clone()), &value.kind);
            }
            StepKind::Let(slot, value) => {
                self.value(value, &mut state);
                assign(&mut state, Place::Slot(*slot), &value.kind);
            }
            StepKind::Split(split) => {
                if let Some(measure) = &mut split.measure {
                    // It may happen at any time after the split.
                    let mut later = state.clone();
                    later.wait();
                    self.watched(&mut measure.pattern, &later);
                }
                let sides = split.sides.iter_mut();
                return meet(sides.map(|(_, _, then)| self.block(then, Some(state.clone()))));
            }
            StepKind::Repeat { until, body, .. } => return self.repeat(until.as_deref_mut(), body, state),
            StepKind::Sequence(steps) => return self.block(steps, Some(state)),
            StepKind::MoveTo(funnel, stage) => {
                state.learn(Subject::Stage(funnel.clone()), Value::Text(stage.clone()));
            }
            StepKind::Record(event, fields) => {
                fields.iter_mut().for_each(|(_, value)| self.value(value, &mut state));
                state.forget(&Subject::Count(event.clone()));
            }
            StepKind::Request(request) => return self.request(request, state),
            StepKind::Notify(notice) => notice.seen.set = state.locals().cloned().collect(),
            StepKind::StartJourney(_, fields) => {
                fields.iter_mut().for_each(|(_, value)| self.value(value, &mut state));
            }
            StepKind::Subscribe(_, _, proofs) => {
                proofs.iter_mut().for_each(|(_, value)| self.value(value, &mut state));
            }
            StepKind::Unsubscribe(..) | StepKind::Suppress(_) => {}
            // A journey that stops itself ends.
            StepKind::StopJourney(journey) if *journey == self.journey => return None,
            StepKind::StopJourney(_) => {}
            StepKind::End | StepKind::Delete => return None,
            StepKind::Label(_) | StepKind::Error => {}
        }
        Some(state)
    }

    /// A step that changes nothing, because it is so already.
    fn no_op(&mut self, kind: &StepKind, head: Loc, state: &State) {
        let is = |subject: Subject, value: &Value| state.is(&subject, value);
        let so = match kind {
            StepKind::AddTag(tag) if is(Subject::Tag(tag.clone()), &Value::Bool(true)) => {
                format!("every contact has the tag `{tag}` here already")
            }
            StepKind::RemoveTag(tag) if is(Subject::Tag(tag.clone()), &Value::Bool(false)) => {
                format!("no contact has the tag `{tag}` here")
            }
            StepKind::Set(attribute, value) => {
                let place = Place::Attribute(attribute.clone());
                let same = match &value.kind {
                    ExprKind::Const(value) => is(Subject::Place(place), value),
                    ExprKind::Place(from, _) => *from == place,
                    _ => false,
                };
                if !same {
                    return;
                }
                format!("`{attribute}` is that here already")
            }
            StepKind::MoveTo(funnel, stage) if is(Subject::Stage(funnel.clone()), &Value::Text(stage.clone())) => {
                format!("every contact is in `{funnel}.{stage}` here already")
            }
            _ => return,
        };
        let source = self.text.show(head);
        self.report(Code::NoOp, head, format!("`{source}` changes nothing: {so}"), |d| {
            d.label("without effect").help("remove it")
        });
    }

    /// Somebody outside is asked. What is handed over may be unset: it is left out then.
    fn request(&mut self, request: &mut Request, mut state: State) -> Option<State> {
        for (_, value) in &mut request.fields {
            if !matches!(value.kind, ExprKind::Place(..)) {
                self.value(value, &mut state);
            }
        }
        request.seen.set = state.locals().cloned().collect();
        state.wait();
        if let Some(slot) = request.slot {
            state.no_answer(slot);
        }
        let mut answered = state.clone();
        if let Some(slot) = request.slot {
            answered.assume_set(&Place::Slot(slot));
        }
        if let RequestKind::Voucher { expires: Some(slot), .. } = request.kind {
            answered.assume_set(&Place::Slot(slot));
        }
        let mut ways = Ways::default();
        for (_, then) in &mut request.arms {
            ways.push(self.block(then, Some(answered.clone())));
        }
        if request.arms.is_empty() {
            ways.push(Some(answered));
        }
        if let Some(otherwise) = &mut request.otherwise {
            ways.push(self.block(otherwise, Some(state)));
        }
        ways.meet()
    }

    /// The steps may come again: of what they change, only what every time knows is known at their beginning.
    fn repeat(&mut self, until: Option<&mut Expr>, body: &mut Block, mut state: State) -> Option<State> {
        let mut handles = Vec::new();
        let sends = sent_in(body, &mut handles);
        state.come_again(handles.into_iter(), sends);
        let after = self.block(body, Some(state))?;
        match until {
            Some(until) => {
                let (enough, again) = self.condition(until, after);
                meet([Some(enough), Some(again)])
            }
            None => Some(after),
        }
    }

    /// The first arm that fits is taken; what is left over must have an `else`.
    fn choose(
        &mut self,
        subject: &mut Expr,
        arms: &mut [(Expr, Block)],
        otherwise: Option<&mut Block>,
        head: Loc,
        mut state: State,
    ) -> Option<State> {
        self.value(subject, &mut state);
        let mut rest = Some(state.clone());
        let mut ways = Ways::default();
        let mut taken = Taken::default();
        for (condition, then) in arms {
            let open = rest.is_some();
            let known = rest.take().unwrap_or_else(|| state.clone());
            let (Decision { yes, no, .. }, mut never) = self.case(condition, known.clone());
            let condition: &Expr = condition;
            // What is known of a value has no holes, so a range within an earlier one is found here.
            never.extend(taken.take(condition));
            let is_used = values(condition).iter().any(|value| !never.contains(&value.loc));
            if yes.is_some() && open && is_used {
                self.idle(condition, &never);
            } else {
                let source = self.text.show(condition.loc);
                self.report(
                    Code::ConstantCondition,
                    condition.loc,
                    format!("the case `{source}` is never taken"),
                    |d| match is_backwards(condition) {
                        true => d.label(BACKWARDS).help("turn it round"),
                        false => d.label("the cases before it leave nothing over").help("remove it"),
                    },
                );
            }
            ways.push(self.block(then, Some(yes.unwrap_or(known))));
            rest = no.filter(|_| open);
        }
        match (otherwise, rest) {
            (Some(otherwise), Some(left)) => ways.push(self.block(otherwise, Some(left))),
            (Some(otherwise), None) => {
                let loc = otherwise.first().map_or(head, |step| step.head);
                self.report(
                    Code::UselessPart,
                    loc,
                    "every value has a case, so this `else` is never taken".to_owned(),
                    |d| d.label("never taken").help("remove the `else`"),
                );
                ways.push(self.block(otherwise, Some(state)));
            }
            (None, Some(left)) => {
                if subject.ty.is_some() {
                    self.left_out(subject, &left, head);
                }
                ways.push(Some(left));
            }
            (None, None) => {}
        }
        ways.meet()
    }

    /// The values of a case that are never the reason to take it, if another is.
    fn idle(&mut self, case: &Expr, never: &[Loc]) {
        let values = values(case);
        for (n, value) in values.iter().enumerate().filter(|(_, value)| never.contains(&value.loc)) {
            let neighbour = |n: usize| values.get(n).map(|value| self.text.span(value.loc));
            let span = self.text.span(value.loc);
            // With its comma.
            let gone = match (n.checked_sub(1).and_then(neighbour), neighbour(n + 1)) {
                (Some(before), _) => before.after().to(span),
                (None, Some(next)) => Span { end: next.start, ..span },
                (None, None) => continue,
            };
            let source = self.text.show(value.loc);
            self.report(Code::ConstantCondition, value.loc, format!("`{source}` never leads to this case"), |d| {
                match is_backwards(value) {
                    true => d.label(BACKWARDS).help("turn it round"),
                    false => d.label("what comes before it leaves it out").fix(
                        format!("Remove `{source}`"),
                        Applicability::Safe,
                        vec![Edit { span: gone, text: String::new() }],
                    ),
                }
            });
        }
    }

    fn left_out(&mut self, subject: &Expr, left: &State, head: Loc) {
        let source = self.text.show(subject.loc);
        let values =
            condition::subject(subject).map(|s| left.fact(&s, subject.ty.as_ref()).texts()).unwrap_or_default();
        let message = if values.is_empty() {
            format!("this choice does not say what happens for other values of `{source}`")
        } else {
            let list = crate::diagnostic::one_of(values.iter().map(SmolStr::as_str));
            format!("this choice leaves out {}", list.replace(" or ", " and "))
        };
        self.report(Code::NotExhaustive, head, message, |d| {
            d.label("not every value has a case").help("add the missing cases, or `else { .. }` for all others")
        });
    }

    fn wait(&mut self, wait: &mut Wait, mut state: State) -> Option<State> {
        let Wait { deadline, arms, conditions } = wait;
        if let Some(Deadline { at, past, required, .. }) = deadline
            && !is_given(at)
        {
            // With a way for a moment that is past, one that is unset takes it too.
            let mut known = state.clone();
            if past.is_some() && !*required {
                assume_all_set(at, &mut known);
            }
            self.value(at, &mut known);
        }
        // Most waits have one way.
        if let Some(Deadline { then, past: None, .. }) = deadline
            && arms.is_empty()
            && conditions.is_empty()
        {
            state.wait();
            return self.block(then, Some(state));
        }
        let before = matches!(deadline, Some(Deadline { past: Some(_), .. })).then(|| state.clone());
        let mut waited = state;
        waited.wait();
        let mut ways = Ways::default();
        self.shadowed(arms);
        for Arm { pattern, then, .. } in arms {
            let happened = self.pattern(pattern, waited.clone());
            ways.push(self.block(then, Some(happened)));
        }
        for (condition, then) in conditions {
            let (yes, no) = self.condition(condition, waited.clone());
            ways.push(self.block(then, Some(yes)));
            waited = no;
            waited.wait();
        }
        if let Some(Deadline { then, past, .. }) = deadline {
            if let Some(past) = past {
                ways.push(self.block(past, before));
            }
            ways.push(self.block(then, Some(waited)));
        }
        ways.meet()
    }

    /// An event of a race that an earlier one always takes.
    fn shadowed(&mut self, arms: &[Arm]) {
        if arms.len() < 2 {
            return;
        }
        let mut taken: BTreeMap<&SmolStr, SmallVec<[&Arm; 1]>> = BTreeMap::new();
        for arm in arms {
            let pattern = &arm.pattern;
            let same = |other: &&&Arm| {
                let of = &other.pattern;
                of.about == pattern.about && of.link == pattern.link && other.from_now == arm.from_now
            };
            if let Some(first) = taken.get(&pattern.event).and_then(|taken| taken.iter().find(same)) {
                let (first, source) = (self.text.span(first.pattern.loc), self.text.show(pattern.loc));
                self.report(
                    Code::ShadowedEvent,
                    pattern.loc,
                    format!("`{source}` never comes first: the same event is taken before it"),
                    |d| {
                        d.label("never taken").also(first, "taken here").help("remove it, or ask for more with `where`")
                    },
                );
            } else if pattern.filter.is_none() {
                taken.entry(&pattern.event).or_default().push(arm);
            }
        }
    }

    /// Follows an event; what is known when it happened.
    fn pattern(&mut self, pattern: &mut Pattern, mut state: State) -> State {
        let of_message = pattern.about != crate::typed::About::Is(MessageRef::None);
        let mut statuses = StatusKind::ALL.into_iter().filter(|_| of_message);
        if let Some(status) = statuses.find(|status| status.name() == pattern.event) {
            let message = self.settle(status, &mut pattern.about, pattern.loc, &mut state);
            if let Some(asked) = state::Asked::of(message) {
                state.learn(Subject::Status(status, asked), Value::Bool(true));
            }
        }
        match &mut pattern.filter {
            Some(filter) => self.condition(filter, state).0.without_fields(),
            None => state,
        }
    }

    /// The message of a bare status.
    fn last(&mut self, status: StatusKind, loc: Loc, state: &mut State) -> MessageRef {
        if state.last.certain {
            let channels: Vec<_> = state.last.channels().collect();
            if let (Some(first), true) = (channels.first(), channels.iter().all(|c| !can_have(*c, status))) {
                self.impossible(status, *first, loc);
            }
            return MessageRef::Last;
        }
        if !state.last.possible {
            let word = status.name();
            self.report(
                Code::StatusSinceEntry,
                loc,
                format!("`{word}` means any message here, because this journey has sent none before"),
                |d| {
                    d.label("any message since the contact entered").note(format!(
                        "It holds if any message came to be {word} after the contact entered, whoever sent it."
                    ))
                },
            );
            return MessageRef::SinceEntry;
        }
        let word = status.name();
        self.report(
            Code::NotSentOnEveryPath,
            loc,
            format!("`{word}` asks about the last message, and on some ways to this place none was sent"),
            |d| {
                d.label("which message?").help(format!(
                    "send a message on every way that leads here, or name the one you mean: `send email NAME as story`, then `{word} story`"
                ))
            },
        );
        state.assume_last();
        MessageRef::Last
    }

    /// Sees to it that a named message can have the status at all.
    fn fits(&mut self, status: StatusKind, handle: HandleIx, loc: Loc) {
        let mut choices = self.sends.places(handle).iter().flat_map(|sent| &sent.choices);
        let Some(&(channel, _)) = choices.clone().next() else { return };
        if choices.clone().all(|(c, _)| !can_have(*c, status)) {
            self.impossible(status, channel, loc);
        } else if status == StatusKind::Clicked && choices.all(|(c, name)| !self.messages.has_links(*c, name)) {
            let name = self.names.get(handle.index()).cloned().unwrap_or_default();
            self.report(Code::NoLinks, loc, format!("`{name}` has no link that could be clicked"), |d| {
                d.label("never true").help("put a link into the message, or ask whether it was opened")
            });
        }
    }

    /// Sees to it that a named message was sent on every way.
    fn sent(&mut self, handle: HandleIx, loc: Loc, state: &mut State) {
        if state.is_sent(handle) {
            return;
        }
        let name = self.names.get(handle.index()).cloned().unwrap_or_default();
        let spans: Vec<_> = self.sends.places(handle).iter().map(|sent| self.text.span(sent.at)).collect();
        let (code, message, label, help) = if state.may_be_sent(handle) {
            (
                Code::NotSentOnEveryPath,
                format!("`{name}` was not sent on every way that leads here"),
                "on some ways it was not sent",
                "send it before the ways part, or ask inside the branch that sends it",
            )
        } else {
            (
                Code::NotSentYet,
                format!("`{name}` is asked about before it is sent"),
                "no way that leads here has sent it",
                "move the question behind the step that sends it",
            )
        };
        self.report(code, loc, message, |d| {
            let d = d.label(label).help(help);
            spans.into_iter().take(3).fold(d, |d, span| d.also(span, "sent here"))
        });
        state.assume_sent(handle);
    }

    fn impossible(&mut self, status: StatusKind, channel: Channel, loc: Loc) {
        let word = if status == StatusKind::Complained { "complained about" } else { status.name() };
        self.report(Code::ImpossibleStatus, loc, format!("nobody can know whether {} was {word}", a(channel)), |d| {
            let known: Vec<_> =
                StatusKind::ALL.into_iter().filter(|s| can_have(channel, *s)).map(StatusKind::name).collect();
            d.label("never true").help(format!(
                "what can be known of {}: {}",
                a(channel),
                crate::diagnostic::one_of(known).replace(" or ", " and ")
            ))
        });
    }
}

/// Why nothing is in a range of a case.
const BACKWARDS: &str = "a range goes from the lower value to the higher one";

/// Whether anybody tells us this of a message of this channel.
const fn can_have(channel: Channel, status: StatusKind) -> bool {
    match status {
        StatusKind::Sent | StatusKind::Delivered | StatusKind::Failed | StatusKind::Skipped => true,
        StatusKind::Opened | StatusKind::Clicked => {
            matches!(channel, Channel::Email | Channel::Push | Channel::WhatsApp)
        }
        StatusKind::Replied => matches!(channel, Channel::Email | Channel::Sms | Channel::WhatsApp),
        StatusKind::Bounced => !matches!(channel, Channel::Webhook),
        StatusKind::Complained => matches!(channel, Channel::Email),
    }
}

/// A message of the channel, in words.
const fn a(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "a mail",
        Channel::Sms => "a text message",
        Channel::Push => "a push message",
        Channel::Webhook => "a webhook call",
        Channel::WhatsApp => "a WhatsApp message",
    }
}

/// The place now holds this.
fn assign(state: &mut State, place: Place, value: &ExprKind) {
    let subject = Subject::Place(place.clone());
    match value {
        ExprKind::Const(value) => state.learn(subject, value.clone()),
        _ => state.forget(&subject),
    }
    state.learn(Subject::IsSet(place.clone()), Value::Bool(true));
    state.assume_set(&place);
}

/// Whether it has a value whatever is known, as the length of a wait and a time of day have.
fn is_given(e: &Expr) -> bool {
    match &e.kind {
        ExprKind::Const(_) | ExprKind::Now | ExprKind::Today | ExprKind::WaitStart => true,
        ExprKind::ToInstant(of) | ExprKind::NextWithin(_, of) => is_given(of),
        ExprKind::NextAt(_, sides) | ExprKind::Between(sides) | ExprKind::AddWithin(_, sides) => {
            is_given(&sides.0) && is_given(&sides.1)
        }
        ExprKind::Arithmetic(first, rest) => is_given(first) && rest.iter().all(|(_, operand)| is_given(operand)),
        _ => false,
    }
}

/// Takes everything that the expression reads as set.
fn assume_all_set(e: &Expr, state: &mut State) {
    match &e.kind {
        ExprKind::Place(place, Optional::Yes) => state.assume_set(place),
        ExprKind::ToInstant(of) | ExprKind::NextWithin(_, of) => assume_all_set(of, state),
        ExprKind::NextAt(_, sides)
        | ExprKind::Between(sides)
        | ExprKind::AddWithin(_, sides)
        | ExprKind::Later(sides) => {
            assume_all_set(&sides.0, state);
            assume_all_set(&sides.1, state);
        }
        ExprKind::Arithmetic(first, rest) => {
            assume_all_set(first, state);
            rest.iter().for_each(|(_, operand)| assume_all_set(operand, state));
        }
        _ => {}
    }
}

/// Whether the step changes something that can be asked about.
const fn changes(kind: &StepKind) -> bool {
    !matches!(
        kind,
        StepKind::Wait(_)
            | StepKind::If { .. }
            | StepKind::Choose { .. }
            | StepKind::Split(..)
            | StepKind::Repeat { .. }
            | StepKind::Sequence(_)
            | StepKind::Let(..)
            | StepKind::End
            | StepKind::Error
    )
}
