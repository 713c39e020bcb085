//! What an expression needs to be evaluated, and what is known after a condition came out one way or the other.

use journey_bytecode::{Aggregate, Channel, MessageRef, StatusKind, Type, Value};

use super::Flow;
use super::domain::{Domain, MAX_VALUES, Values};
use super::state::{Asked, State, Subject, Ways};
use crate::check::is_number;
use crate::diagnostic::Code;
use crate::hir::Loc;
use crate::typed::{About, Comparison, Expr, ExprKind, History, Optional, Place, Stretch};

/// How a condition can come out.
pub(super) struct Decision {
    /// What is known if it holds; none if it never does.
    pub(super) yes: Option<State>,
    /// What is known if it does not hold; none if it always does.
    pub(super) no: Option<State>,
    /// The widest parts that can only come out one way.
    constants: Vec<(Loc, bool)>,
}

impl Decision {
    fn open(state: State) -> Self {
        Self { yes: Some(state.clone()), no: Some(state), constants: Vec::new() }
    }

    /// If it holds, the subject is one thing, else another.
    fn parted(state: State, subject: Subject, if_yes: Domain, if_no: Domain) -> Self {
        let (yes, no) = state.either(subject, if_yes, if_no);
        Self { yes, no, constants: Vec::new() }
    }
}

/// Takes for set what the condition asks for: a way that is never taken is no reason to tell of its values too.
fn suppose_set(e: &Expr, state: &mut State) {
    match &e.kind {
        ExprKind::IsSet(inner) => {
            if let ExprKind::Place(place, _) = &inner.kind {
                state.assume_set(place);
            }
        }
        ExprKind::Not(inner) => suppose_set(inner, state),
        ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().for_each(|part| suppose_set(part, state)),
        _ => {}
    }
}

impl Flow<'_> {
    /// Follows a condition, and tells if it is none. Where it can only come out one way, the other is followed all the
    /// same, so that one mistake is told once.
    pub(super) fn condition(&mut self, e: &mut Expr, state: State) -> (State, State) {
        let decision = self.decide(e, state.clone());
        // `countdown to DATE` asks whether there is a date without saying so.
        let unsaid = matches!(&e.kind, ExprKind::IsSet(inner) if inner.loc == e.loc);
        for (loc, truth) in decision.constants {
            let source = self.text.show(loc);
            let (says, so) = match (unsaid, truth) {
                (false, true) => ("is always true", "always true here"),
                (false, false) => ("can never be true", "never true here"),
                (true, true) => ("is always set here", "the `else` is never taken"),
                (true, false) => ("is never set here", "only the `else` is ever taken"),
            };
            self.report(Code::ConstantCondition, loc, format!("`{source}` {says}"), |d| {
                d.label(so).note("What is known here already decides it, so one of the two ways would never be taken.")
            });
        }
        let supposed = || {
            let mut supposed = state.clone();
            suppose_set(e, &mut supposed);
            supposed
        };
        (decision.yes.unwrap_or_else(supposed), decision.no.unwrap_or_else(supposed))
    }

    /// The condition of a case: how it can come out, and at which of its values it never holds.
    pub(super) fn case(&mut self, e: &mut Expr, state: State) -> (Decision, Vec<Loc>) {
        let ExprKind::Or(values) = &mut e.kind else { return (self.decide(e, state), Vec::new()) };
        let decision = self.any(values, state);
        let comes_out = |loc: Loc, holds| decision.constants.contains(&(loc, holds));
        // Behind one that always holds, nobody looks at the others.
        let always = values.iter().position(|value| comes_out(value.loc, true)).unwrap_or(values.len());
        let never = |(n, loc): &(usize, Loc)| *n > always || comes_out(*loc, false);
        let never = values.iter().map(|value| value.loc).enumerate().filter(never).map(|(_, loc)| loc).collect();
        (decision, never)
    }

    /// Whether one of the parts holds.
    fn any(&mut self, parts: &mut [Expr], mut state: State) -> Decision {
        if let Some((subject, among, left)) = self.alternatives(parts, &mut state) {
            return Decision::parted(state, subject, among, left);
        }
        let (no, yes, constants) = self.parts(parts, state, |d| (d.no, d.yes));
        Decision { yes, no, constants }
    }

    /// Follows it both ways, and tells only what is wrong inside it.
    pub(super) fn decide(&mut self, e: &mut Expr, state: State) -> Decision {
        let mut decision = self.outcome(e, state);
        // The whole of it can only come out one way: that counts, and no part of it.
        match (&decision.yes, &decision.no) {
            (None, Some(_)) => decision.constants = vec![(e.loc, false)],
            (Some(_), None) => decision.constants = vec![(e.loc, true)],
            _ => {}
        }
        decision
    }

    fn outcome(&mut self, e: &mut Expr, mut state: State) -> Decision {
        let loc = e.loc;
        match &mut e.kind {
            ExprKind::Const(Value::Bool(truth)) => {
                let way = |taken: bool| taken.then(|| state.clone());
                Decision { yes: way(*truth), no: way(!*truth), constants: Vec::new() }
            }
            ExprKind::Not(inner) => {
                let inner = self.decide(inner, state);
                Decision { yes: inner.no, no: inner.yes, constants: inner.constants }
            }
            ExprKind::And(parts) => {
                let (yes, no, constants) = self.parts(parts, state, |d| (d.yes, d.no));
                Decision { yes, no, constants }
            }
            ExprKind::Or(parts) => self.any(parts, state),
            ExprKind::Compare(comparison, sides) => {
                let comparison = *comparison;
                self.compared_value(&mut sides.0, &mut state);
                self.compared_value(&mut sides.1, &mut state);
                match compared(comparison, &sides.0, &sides.1, state) {
                    Ok(decision) => decision,
                    Err(state) => question(e, state),
                }
            }
            ExprKind::Reached(moment) => {
                self.compared_value(moment, &mut state);
                question(e, state)
            }
            ExprKind::In(sides) => {
                self.value(&mut sides.0, &mut state);
                self.value(&mut sides.1, &mut state);
                match (subject(&sides.0), &sides.1.kind) {
                    (Some(subject), ExprKind::Const(Value::List(values))) => {
                        let domain = state.fact(&subject, sides.0.ty.as_ref());
                        let (among, others) = (domain.among(values, true), domain.among(values, false));
                        drop(domain);
                        Decision::parted(state, subject, among, others)
                    }
                    _ => Decision::open(state),
                }
            }
            ExprKind::IsSet(inner) => {
                if let ExprKind::History(history) = &mut inner.kind {
                    self.asked(history, &state);
                }
                let ExprKind::Place(place, Optional::Yes) = &inner.kind else {
                    return Decision::open(state);
                };
                let mut decision = truth(Subject::IsSet(place.clone()), state);
                if let Some(yes) = &mut decision.yes {
                    yes.assume_set(place);
                }
                decision
            }
            ExprKind::HasTag(tag) => truth(Subject::Tag(tag.clone()), state),
            ExprKind::Status(status, about) => {
                let message = self.settle(*status, about, loc, &mut state);
                match Asked::of(message) {
                    Some(asked) => truth(Subject::Status(*status, asked), state),
                    None => Decision::open(state),
                }
            }
            ExprKind::ClickedLink(_, about) => {
                self.settle(StatusKind::Clicked, about, loc, &mut state);
                question(e, state)
            }
            ExprKind::NumberOf(_, _, parts) => {
                for part in parts {
                    self.condition(part, state.clone());
                }
                question(e, state)
            }
            ExprKind::Reachable(_) | ExprKind::Consents(..) | ExprKind::InJourney(_) | ExprKind::WasInJourney(..) => {
                question(e, state)
            }
            // Each draw is its own.
            ExprKind::Chance(_) => Decision::open(state),
            ExprKind::Place(..) => {
                self.value(e, &mut state);
                match (subject(e), &e.ty) {
                    (Some(subject), Some(Type::Bool)) => truth(subject, state),
                    _ => Decision::open(state),
                }
            }
            ExprKind::Contains(_) | ExprKind::StartsWith(_) | ExprKind::EndsWith(_) | ExprKind::Anniversary(_) => {
                self.value(e, &mut state);
                question(e, state)
            }
            _ => {
                self.value(e, &mut state);
                Decision::open(state)
            }
        }
    }

    /// One place that is compared with some of the values that it can have, as the cases of a `choose` do: what it is if it is
    /// one of them, and if it is none. Part by part it would come to the same.
    fn alternatives(&mut self, parts: &mut [Expr], state: &mut State) -> Option<(Subject, Domain, Domain)> {
        if parts.len() > MAX_VALUES {
            return None;
        }
        let mut place: Option<&Expr> = None;
        let mut values = Values::new();
        for part in parts.iter() {
            let ExprKind::Compare(Comparison::Equal, sides) = &part.kind else { return None };
            let ((ExprKind::Place(of, _), ExprKind::Const(value)), Some(_), Some(_)) =
                ((&sides.0.kind, &sides.1.kind), &sides.0.ty, &sides.1.ty)
            else {
                return None;
            };
            let same = place.is_none_or(|first| matches!(&first.kind, ExprKind::Place(first, _) if first == of));
            if !same || matches!(value, Value::Bool(_)) || values.contains(value) {
                return None;
            }
            place.get_or_insert(&sides.0);
            values.push(value.clone());
        }
        let place = place?;
        let subject = subject(place)?;
        let domain = state.fact(&subject, place.ty.as_ref());
        if !values.iter().all(|value| domain.may_be(value)) || !state.has_room_for(&subject) {
            return None;
        }
        let left = domain.among(&values, false);
        drop(domain);
        for part in parts {
            if let ExprKind::Compare(_, sides) = &mut part.kind {
                self.value(&mut sides.0, state);
            }
        }
        Some((subject, Domain::one_of(values), left))
    }

    /// A chain of parts that goes on with the first answer and is left with the second.
    fn parts(
        &mut self,
        parts: &mut [Expr],
        state: State,
        pick: impl Fn(Decision) -> (Option<State>, Option<State>),
    ) -> (Option<State>, Option<State>, Vec<(Loc, bool)>) {
        let mut on = Some(state.clone());
        let mut left = Ways::default();
        let mut constants = Vec::new();
        // Behind a part that decides it all the rest is still looked at, as if it had been open.
        let mut supposed = None;
        for at in 0..parts.len() {
            let (before, rest) = parts.split_at_mut(at);
            let Some(part) = rest.first_mut() else { break };
            let reached = on.take();
            let is_reached = reached.is_some();
            let known = reached.unwrap_or_else(|| {
                let supposed = supposed.get_or_insert_with(|| {
                    let mut supposed = state.clone();
                    before.iter().for_each(|part| suppose_set(part, &mut supposed));
                    supposed
                });
                supposed.clone()
            });
            let mut decision = self.decide(part, known);
            constants.append(&mut decision.constants);
            if is_reached {
                let (next, leave) = pick(decision);
                on = next;
                left.push(leave);
            } else if let Some(supposed) = &mut supposed {
                suppose_set(part, supposed);
            }
        }
        (on, left.meet(), constants)
    }

    /// A value that is only compared: without an answer from history, no comparison holds.
    fn compared_value(&mut self, e: &mut Expr, state: &mut State) {
        match &mut e.kind {
            ExprKind::History(history) => self.asked(history, state),
            ExprKind::Messages(_) => self.value(e, state),
            ExprKind::Arithmetic(..) | ExprKind::Function(..) | ExprKind::ToInstant(_) | ExprKind::DayOf(_) => {
                e.children_mut().into_iter().for_each(|child| self.compared_value(child, state));
            }
            _ => self.value(e, state),
        }
    }

    /// A question about past events.
    fn asked(&mut self, history: &mut History, state: &State) {
        self.stretch(&mut history.stretch, state);
        if let Some(filter) = &mut history.filter {
            let mut known = state.clone();
            known.forget_facts();
            self.condition(filter, known);
        }
    }

    fn stretch(&mut self, stretch: &mut Stretch, state: &State) {
        let mut state = state.clone();
        for moment in stretch.since.iter_mut().chain(&mut stretch.until) {
            // Without an answer from history, nothing lies in between.
            self.compared_value(moment, &mut state);
        }
    }

    /// Sees to it that everything in an expression that needs a value has one.
    pub(super) fn value(&mut self, e: &mut Expr, state: &mut State) {
        let loc = e.loc;
        match &mut e.kind {
            ExprKind::Place(place, Optional::Yes) => {
                if !state.is_set(place) {
                    self.unset(place, loc);
                    state.assume_set(place);
                }
            }
            ExprKind::Error
            | ExprKind::Const(_)
            | ExprKind::Place(_, Optional::No)
            | ExprKind::Now
            | ExprKind::Today
            | ExprKind::CreatedAt
            | ExprKind::WaitStart
            | ExprKind::Score(_)
            | ExprKind::Stage(_) => {}
            ExprKind::Messages(asked) => {
                self.stretch(&mut asked.stretch, state);
                self.settle(asked.status, &mut asked.about, loc, state);
            }
            ExprKind::History(history) => {
                self.asked(history, state);
                let certain = is_number(&history.aggregate) || happened(history, state);
                if !certain {
                    self.no_answer(&history.event.clone(), loc);
                }
            }
            ExprKind::WeekdayOf(of)
            | ExprKind::HourOf(of)
            | ExprKind::Function(_, of)
            | ExprKind::Matches(of, _)
            | ExprKind::ToInstant(of)
            | ExprKind::DayOf(of)
            | ExprKind::NextWithin(_, of) => self.value(of, state),
            ExprKind::NextAt(_, sides)
            | ExprKind::Between(sides)
            | ExprKind::AddWithin(_, sides)
            | ExprKind::NextEvery(sides, ..)
            | ExprKind::Later(sides)
            | ExprKind::With(sides)
            | ExprKind::Without(sides)
            | ExprKind::Each(_, _, sides)
            | ExprKind::NextAnniversary(sides, _)
            | ExprKind::Anniversary(sides)
            | ExprKind::Contains(sides)
            | ExprKind::StartsWith(sides)
            | ExprKind::EndsWith(sides) => {
                self.value(&mut sides.0, state);
                self.value(&mut sides.1, state);
            }
            ExprKind::Arithmetic(first, rest) => {
                self.value(first, state);
                for (_, operand) in rest {
                    self.value(operand, state);
                }
            }
            ExprKind::Not(_)
            | ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Compare(..)
            | ExprKind::In(_)
            | ExprKind::IsSet(_)
            | ExprKind::Reached(_)
            | ExprKind::NumberOf(..)
            | ExprKind::Reachable(_)
            | ExprKind::Consents(..)
            | ExprKind::InJourney(_)
            | ExprKind::WasInJourney(..)
            | ExprKind::Chance(_)
            | ExprKind::HasTag(_)
            | ExprKind::Status(..)
            | ExprKind::ClickedLink(..) => {
                self.condition(e, state.clone());
            }
        }
    }

    fn no_answer(&mut self, event: &str, loc: Loc) {
        let source = self.text.show(loc);
        self.report(Code::UnsetValue, loc, format!("`{source}` may be unset here"), |d| {
            d.label(format!("there may have been no `{event}`"))
                .help(format!("ask first: `if did {event} {{ .. }}` around this step"))
        });
    }

    fn unset(&mut self, place: &Place, loc: Loc) {
        let source = self.text.show(loc);
        let declared = match place {
            Place::Attribute(_) => "the contact may have none",
            Place::Trigger(_) => "the event that started the run may come without it",
            Place::Field(_) => "the event may come without it",
            Place::Slot(_) => "on some ways to this place nobody gave an answer",
            Place::Answer(_, _, true) => "on some ways to this place there was no answer",
            Place::Answer(_, _, false) => "the answer may come without it",
        };
        self.report(Code::UnsetValue, loc, format!("`{source}` may be unset here"), |d| {
            d.label(declared)
                .help(format!("ask first: `{source} is set and ..`, or `if {source} is set {{ .. }}` around this step"))
        });
    }

    /// Settles which message a status is about, and sees to it that it was sent and can have the status.
    pub(super) fn settle(&mut self, status: StatusKind, about: &mut About, loc: Loc, state: &mut State) -> MessageRef {
        let message = match about {
            About::Named(_) | About::Topic(_) => return MessageRef::None,
            About::Bare => self.last(status, loc, state),
            About::Is(message) => {
                let message = *message;
                match message {
                    MessageRef::Handle(handle) => {
                        self.fits(status, handle, loc);
                        self.sent(handle, loc, state);
                    }
                    MessageRef::Any(channel) => self.possible(status, channel, loc),
                    _ => {}
                }
                message
            }
        };
        *about = About::Is(message);
        message
    }

    /// Whether a message of the channel (any without) can have the status.
    fn possible(&mut self, status: StatusKind, channel: Option<Channel>, loc: Loc) {
        if let Some(channel) = channel.filter(|channel| !super::can_have(*channel, status)) {
            self.impossible(status, channel, loc);
        }
    }
}

/// A truth about a subject that can be yes or no.
fn truth(subject: Subject, state: State) -> Decision {
    let known = state.known(&subject);
    let domain = |truth| {
        let truth = Value::Bool(truth);
        match known {
            Some(known) => known.that(Comparison::Equal, &truth),
            None => Domain::only(truth),
        }
    };
    let (yes, no) = (domain(true), domain(false));
    Decision::parted(state, subject, yes, no)
}

/// Something that has one answer until a step or a wait, however often it is asked.
fn question(e: &Expr, state: State) -> Decision {
    match form(e) {
        Some(form) => truth(Subject::Question(form), state),
        None => Decision::open(state),
    }
}

/// The form of an expression: the same for two that ask the same; none where something is wrong with it, or drawn.
fn form(e: &Expr) -> Option<Box<str>> {
    let open = |e: &Expr| e.ty.is_none() || matches!(e.kind, ExprKind::Chance(_) | ExprKind::Error);
    (!e.any(&open)).then(|| format!("{:?}", e.clone().put_at(Loc::new(0, 0)).kind).into())
}

/// What is known after a comparison with a constant; if it is with something else, the state as it was.
fn compared(comparison: Comparison, a: &Expr, b: &Expr, state: State) -> Result<Decision, State> {
    if a.ty.is_none() || b.ty.is_none() {
        return Ok(Decision::open(state));
    }
    let (subject, ty, comparison, constant) = match (&a.kind, &b.kind) {
        (ExprKind::Const(a), ExprKind::Const(b)) => {
            // Two constants: the domain of the one knows how it compares with the other.
            let only = Domain::only(a.clone());
            let way = |comparison| (!only.that(comparison, b).is_empty()).then(|| state.clone());
            return Ok(Decision { yes: way(comparison), no: way(comparison.negated()), constants: Vec::new() });
        }
        (_, ExprKind::Const(constant)) => (subject(a), &a.ty, comparison, constant),
        (ExprKind::Const(constant), _) => (subject(b), &b.ty, comparison.mirrored(), constant),
        _ => return Err(state),
    };
    let Some(subject) = subject else { return Err(state) };
    let domain = state.fact(&subject, ty.as_ref());
    let (yes, no) = (domain.that(comparison, constant), domain.that(comparison.negated(), constant));
    drop(domain);
    Ok(Decision::parted(state, subject, yes, no))
}

/// What an expression reads, if that can be told apart from all else.
pub(super) fn subject(e: &Expr) -> Option<Subject> {
    match &e.kind {
        ExprKind::Place(place, _) => Some(Subject::Place(place.clone())),
        ExprKind::WeekdayOf(of) if matches!(of.kind, ExprKind::Now) => Some(Subject::Weekday),
        ExprKind::HourOf(of) if matches!(of.kind, ExprKind::Now) => Some(Subject::Hour),
        ExprKind::History(history) if is_plain_count(history) => Some(Subject::Count(history.event.clone())),
        // A count has an answer whatever happened.
        ExprKind::History(history) if history.aggregate == Aggregate::Count => form(e).map(Subject::Question),
        ExprKind::Stage(funnel) => Some(Subject::Stage(funnel.clone())),
        _ => None,
    }
}

/// Whether it asks how often an event ever happened.
fn is_plain_count(history: &History) -> bool {
    history.aggregate == Aggregate::Count && is_plain(history)
}

fn is_plain(history: &History) -> bool {
    history.filter.is_none() && history.stretch.is_all()
}

/// Whether the event is known to have happened, so that the question has an answer.
fn happened(history: &History, state: &State) -> bool {
    let count = state.fact(&Subject::Count(history.event.clone()), None);
    is_plain(history) && count.that(Comparison::LessOrEqual, &Value::int(0)).is_empty()
}
