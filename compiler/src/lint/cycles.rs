//! What journeys do to each other: rings of journeys that start one another, and those that start together.

use std::collections::{BTreeMap, BTreeSet, VecDeque, btree_map, hash_map};
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;

use journey_bytecode::{Channel, MessageScope, Reenter, StatusKind, TriggerKind, Value};
use rustc_hash::{FxBuildHasher, FxHashMap};
use smol_str::SmolStr;

use crate::diagnostic::{Code, Diagnostic, Severity, Span};
use crate::flow;
use crate::shift::Shift;
use crate::typed::{Block, Expr, ExprKind, Journey, On, Place, StepKind};

use super::pressure::Counts;
use super::{Scene, length};

/// Most journeys let no more happen, and send no more.
const COMMON: usize = 14;

/// Something that happens to a contact and can start a journey.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Happening {
    Tag(SmolStr),
    Untag(SmolStr),
    Event(SmolStr),
    Created,
    /// An attribute changes.
    Changes(SmolStr),
    /// An attribute changes to this value.
    Becomes(SmolStr, String),
    Reaches(SmolStr, SmolStr),
    /// A segment begins or ceases to hold.
    Segment(SmolStr),
    /// Another journey starts this one.
    Start(SmolStr),
    Message(StatusKind, Option<SmolStr>),
    Subscribed(Option<SmolStr>),
    Unsubscribed(Option<SmolStr>),
    /// A moment of the calendar, by its words.
    Moment(String),
}

impl Happening {
    pub(super) fn becomes(attribute: &SmolStr, value: &Value) -> Self {
        Self::Becomes(attribute.clone(), format!("{value:?}"))
    }

    /// Whether it does not happen again as long as nothing changes it back.
    const fn lasts(&self) -> bool {
        matches!(self, Self::Tag(_) | Self::Untag(_) | Self::Becomes(..) | Self::Reaches(..) | Self::Segment(_))
    }
}

/// What the findings about several journeys need of each.
#[derive(Clone)]
pub(crate) struct Summary {
    pub(super) name: SmolStr,
    pub(super) head: Span,
    reenter: Reenter,
    /// What starts it.
    triggers: Vec<(Happening, Span)>,
    /// What it asks of those whom a segment lets in: what changes can do that.
    watched: BTreeSet<Happening>,
    /// What its steps let happen, and where first.
    causes: FxHashMap<Happening, Span>,
    /// The messages that it sends, and where first.
    sends: FxHashMap<(Channel, SmolStr), Span>,
    /// Those that it sends to somebody else than the contact.
    elsewhere: Vec<(Channel, SmolStr)>,
    /// Tags that its steps add or remove, each time.
    pub(super) changed_tags: Vec<SmolStr>,
    /// What is known of a contact that enters.
    entry: flow::Entry,
    pub(super) counts: Counts,
}

impl Summary {
    pub(super) fn of(scene: &Scene<'_>, journey: &Journey, entry: flow::Entry, counts: Counts) -> Self {
        let mut summary = Self {
            name: journey.name.clone(),
            head: scene.text.span(journey.head),
            reenter: journey.reenter,
            triggers: Vec::new(),
            watched: BTreeSet::new(),
            causes: FxHashMap::with_capacity_and_hasher(COMMON, FxBuildHasher),
            sends: FxHashMap::with_capacity_and_hasher(COMMON, FxBuildHasher),
            elsewhere: Vec::new(),
            changed_tags: Vec::new(),
            entry,
            counts,
        };
        for trigger in &journey.triggers {
            let happening = match &trigger.kind {
                On::Event(kind) => happening(kind, &journey.name),
                On::Enters(segment, condition) | On::Leaves(segment, condition) => {
                    watched(condition, &mut summary.watched);
                    Some(Happening::Segment(segment.clone()))
                }
                On::Moment(_) => Some(Happening::Moment(scene.text.show(trigger.loc))),
            };
            summary.triggers.extend(happening.map(|happening| (happening, scene.text.span(trigger.loc))));
        }
        journey.exits.iter().filter_map(|exit| exit.then.as_ref()).for_each(|then| summary.collect(scene, then));
        summary.collect(scene, &journey.body);
        summary
    }

    fn collect(&mut self, scene: &Scene<'_>, block: &Block) {
        for step in block {
            let at = || scene.text.span(step.head);
            if let StepKind::AddTag(tag) | StepKind::RemoveTag(tag) = &step.kind {
                self.changed_tags.push(tag.clone());
            }
            let cause = match &step.kind {
                StepKind::AddTag(tag) => Some(Happening::Tag(tag.clone())),
                StepKind::RemoveTag(tag) => Some(Happening::Untag(tag.clone())),
                StepKind::Set(attribute, value) => {
                    if let ExprKind::Const(value) = &value.kind {
                        self.causes.entry(Happening::becomes(attribute, value)).or_insert_with(at);
                    }
                    Some(Happening::Changes(attribute.clone()))
                }
                StepKind::MoveTo(funnel, stage) => Some(Happening::Reaches(funnel.clone(), stage.clone())),
                StepKind::Record(event, _) => Some(Happening::Event(event.clone())),
                StepKind::Subscribe(topic, ..) => Some(Happening::Subscribed(Some(topic.clone()))),
                StepKind::StartJourney(journey, _) => Some(Happening::Start(journey.clone())),
                StepKind::Send(send) if send.to.is_some() => {
                    self.elsewhere.extend_from_slice(&send.choices);
                    None
                }
                StepKind::Send(send) => {
                    for choice in &send.choices {
                        if let hash_map::Entry::Vacant(first) = self.sends.entry(choice.clone()) {
                            first.insert(at());
                            let sent = Happening::Message(StatusKind::Sent, Some(choice.1.clone()));
                            self.causes.entry(sent).or_insert_with(at);
                        }
                    }
                    None
                }
                _ => None,
            };
            if let Some(cause) = cause {
                self.causes.entry(cause).or_insert_with(at);
            }
            step.kind.each_block(|inner| self.collect(scene, inner));
        }
    }

    /// The same journey behind a change of its file.
    pub(super) fn shifted(&self, shift: Shift) -> Self {
        let mut moved = self.clone();
        shift.span(&mut moved.head);
        let places = moved.triggers.iter_mut().map(|(_, at)| at).chain(moved.causes.values_mut());
        places.chain(moved.sends.values_mut()).for_each(|at| shift.span(at));
        moved
    }

    /// What starts it.
    pub(super) fn triggers(&self) -> impl Iterator<Item = &Happening> {
        self.triggers.iter().map(|(happening, _)| happening)
    }

    /// Tags that start it.
    pub(super) fn starting_tags(&self) -> impl Iterator<Item = &SmolStr> {
        self.triggers().filter_map(|happening| match happening {
            Happening::Tag(tag) | Happening::Untag(tag) => Some(tag),
            _ => None,
        })
    }

    /// The messages that it sends to anybody.
    pub(super) fn messages(&self) -> impl Iterator<Item = &(Channel, SmolStr)> {
        self.sends.keys().chain(&self.elsewhere)
    }

    /// The tags that its steps add.
    pub(super) fn adds(&self) -> impl Iterator<Item = &SmolStr> {
        self.causes.keys().filter_map(|cause| match cause {
            Happening::Tag(tag) => Some(tag),
            _ => None,
        })
    }
}

fn happening(kind: &TriggerKind, journey: &SmolStr) -> Option<Happening> {
    Some(match kind {
        TriggerKind::Tag(tag) => Happening::Tag(tag.clone()),
        TriggerKind::Untag(tag) => Happening::Untag(tag.clone()),
        TriggerKind::Event(event) => Happening::Event(event.clone()),
        TriggerKind::Created => Happening::Created,
        TriggerKind::Changes { attribute, to: Some(value), .. } => Happening::becomes(attribute, value),
        TriggerKind::Changes { attribute, .. } => Happening::Changes(attribute.clone()),
        TriggerKind::Reaches { funnel, stage } => Happening::Reaches(funnel.clone(), stage.clone()),
        TriggerKind::Message(status, MessageScope::Named(name), _) => Happening::Message(*status, Some(name.clone())),
        TriggerKind::Message(status, ..) => Happening::Message(*status, None),
        TriggerKind::Subscribed(topic, _) => Happening::Subscribed(topic.clone()),
        TriggerKind::Unsubscribed(topic, _) => Happening::Unsubscribed(topic.clone()),
        TriggerKind::Call => Happening::Start(journey.clone()),
        _ => return None,
    })
}

/// What can change the answer of a segment.
fn watched(condition: &Expr, found: &mut BTreeSet<Happening>) {
    match &condition.kind {
        ExprKind::HasTag(tag) => {
            found.insert(Happening::Tag(tag.clone()));
            found.insert(Happening::Untag(tag.clone()));
        }
        ExprKind::Place(Place::Attribute(name), _) => {
            found.insert(Happening::Changes(name.clone()));
        }
        ExprKind::History(history) => {
            found.insert(Happening::Event(history.event.clone()));
        }
        ExprKind::Compare(_, sides) => {
            if let (ExprKind::Stage(funnel), ExprKind::Const(Value::Text(stage))) = (&sides.0.kind, &sides.1.kind) {
                found.insert(Happening::Reaches(funnel.clone(), stage.clone()));
            }
        }
        _ => {}
    }
    condition.children().into_iter().for_each(|child| watched(child, found));
}

/// What several journeys do together.
pub(super) fn project(scene: &super::Together<'_>, summaries: &[Arc<Summary>], found: &mut Vec<Diagnostic>) {
    rings(summaries, found);
    let mut by_trigger: FxHashMap<&Happening, Vec<(&Summary, Span)>> = FxHashMap::default();
    for summary in summaries {
        for (happening, span) in &summary.triggers {
            by_trigger.entry(happening).or_default().push((summary, *span));
        }
    }
    let mut together: Vec<_> = by_trigger.iter().filter(|(_, journeys)| journeys.len() > 1).collect();
    together.sort_by_key(|(happening, _)| **happening);
    for (_, journeys) in &together {
        same_message(journeys, found);
        for cap in scene.caps.iter().filter(|cap| cap.channel.is_none()) {
            over_cap(cap.most as usize, cap.per.rough_millis(), journeys, found);
        }
    }
    whole(scene, summaries, found);
}

/// The same message from two journeys that start at the same moment.
fn same_message(journeys: &[(&Summary, Span)], found: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<&(Channel, SmolStr), Vec<(&Summary, Span)>> = BTreeMap::new();
    for (journey, trigger) in journeys {
        let mut sends: Vec<_> = journey.sends.iter().filter(|((_, name), _)| !name.contains('.')).collect();
        sends.sort_unstable();
        for (message, span) in sends {
            let others = first.entry(message).or_default();
            // Journeys for different contacts never meet.
            if let Some((other, at)) = others.iter().find(|(other, _)| !other.entry.excludes(&journey.entry)) {
                let (channel, name) = message;
                let text =
                    format!("`{}` and `{}` both send `{channel} {name}`, and start together", other.name, journey.name);
                found.push(
                    Diagnostic::new(Code::SameMessageTwice, *span, text)
                        .label("sent here")
                        .also(*at, "and here")
                        .also(*trigger, "both start here")
                        .note("A contact that enters both gets it twice.")
                        .help("send it from one of them, or part the journeys by `where`"),
                );
            } else if others.len() < 8 {
                others.push((journey, *span));
            }
        }
    }
}

/// More messages than the policy allows from journeys that start at the same moment, although none does so alone.
fn over_cap(most: usize, window: i64, journeys: &[(&Summary, Span)], found: &mut Vec<Diagnostic>) {
    let mut chosen: Vec<(&Summary, usize)> = Vec::new();
    let mut sum = 0;
    for (journey, _) in journeys {
        let count = journey.counts.from_entry.iter().filter(|at| **at < window).count();
        if count == 0 || chosen.iter().any(|(other, _)| other.entry.excludes(&journey.entry)) {
            continue;
        }
        if count > most {
            return;
        }
        chosen.push((journey, count));
        sum += count;
        if sum > most {
            break;
        }
    }
    let Some((last, _)) = chosen.last().filter(|_| sum > most) else { return };
    let names: Vec<_> = chosen.iter().map(|(journey, count)| format!("`{}` ({count})", journey.name)).collect();
    let message = format!(
        "journeys that start together can send {sum} messages within {}, and the policy allows {most}",
        length(window)
    );
    let mut d = Diagnostic::new(Code::OverCapTogether, last.head, message).label(format!("with `{}`", last.name));
    for (journey, _) in chosen.iter().take(chosen.len() - 1) {
        d = d.also(journey.head, "starts at the same moment");
    }
    found.push(
        d.note(format!("At most from each: {}.", names.join(", ")))
            .help("part them by `where`, let one wait, or make them one journey"),
    );
}

/// The most that one contact can get from all journeys, if all run at the same time.
fn whole(scene: &super::Together<'_>, summaries: &[Arc<Summary>], found: &mut Vec<Diagnostic>) {
    let day: usize = summaries.iter().map(|summary| summary.counts.day).sum();
    let week: usize = summaries.iter().map(|summary| summary.counts.week).sum();
    let caps = scene.caps.iter().filter(|cap| cap.channel.is_none());
    let over = caps.filter(|cap| {
        let window = cap.per.rough_millis();
        let count = if window <= super::pressure::DAY { day } else { week };
        count > cap.most as usize
    });
    let Some(cap) = over.min_by_key(|cap| cap.most) else { return };
    let mut senders: Vec<_> = summaries.iter().filter(|summary| summary.counts.week > 0).collect();
    senders.sort_by_key(|summary| std::cmp::Reverse(summary.counts.week));
    let Some(first) = senders.first().filter(|_| senders.len() > 1) else { return };
    let named: Vec<_> =
        senders.iter().take(5).map(|summary| format!("`{}` ({})", summary.name, summary.counts.week)).collect();
    let message = format!(
        "all journeys together can send {day} messages in 24 hours and {week} in 7 days to one contact, and the policy \
         allows {} per {}",
        cap.most, cap.per
    );
    found.push(
        Diagnostic::new(Code::ProjectPressure, first.head, message)
            .label("the most from this one")
            .note(format!("The most in 7 days from one run of each: {}.", named.join(", ")))
            .help("what is over the cap is not sent; give the journeys that matter most `priority high`"),
    );
}

/// What leads to what: first the journeys, each with what it lets happen, then the happenings, each with what they start.
type Graph = Vec<Vec<(usize, Span)>>;

/// Rings of journeys, each of which starts the next.
fn rings(summaries: &[Arc<Summary>], found: &mut Vec<Diagnostic>) {
    // Any journey can be started by its name, if one is.
    let starts = |summary: &Arc<Summary>| summary.causes.keys().any(|cause| matches!(cause, Happening::Start(_)));
    let named: Vec<_> = match summaries.iter().any(starts) {
        true => summaries.iter().map(|summary| Happening::Start(summary.name.clone())).collect(),
        false => Vec::new(),
    };
    let mut places: FxHashMap<&Happening, usize> = FxHashMap::default();
    // Most of what steps let happen is of a kind that starts nothing.
    let mut kinds: Vec<Discriminant<Happening>> = Vec::new();
    let mut graph: Graph = vec![Vec::new(); summaries.len()];
    for (n, summary) in summaries.iter().enumerate() {
        for happening in summary.triggers().chain(&summary.watched).chain(named.get(n)) {
            let kind = discriminant(happening);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
            let place = *places.entry(happening).or_insert_with(|| {
                graph.push(Vec::new());
                graph.len() - 1
            });
            if let Some(starts) = graph.get_mut(place) {
                starts.push((n, summary.head));
            }
        }
    }
    for (n, summary) in summaries.iter().enumerate() {
        let causes = summary.causes.iter().filter(|(cause, _)| kinds.contains(&discriminant(*cause)));
        let starting = causes.filter_map(|(cause, span)| Some((cause, (*places.get(cause)?, *span))));
        let mut next: Vec<_> = starting.collect();
        next.sort_unstable_by_key(|(cause, _)| *cause);
        if let Some(causes) = graph.get_mut(n) {
            causes.extend(next.into_iter().map(|(_, next)| next));
        }
    }
    let lasting: BTreeSet<usize> =
        places.iter().filter(|(happening, _)| happening.lasts()).map(|(_, place)| *place).collect();
    for part in strong(&graph) {
        if let Some(mut path) = shortest_ring(&part, &graph) {
            let is_journey = |n: usize| n < summaries.len();
            let lasts = path.iter().all(|(n, _)| is_journey(*n) || lasting.contains(n));
            path.retain(|(n, _)| is_journey(*n));
            tell(summaries, &path, lasts, found);
        }
    }
}

/// The parts of the graph in which everything leads to everything else.
fn strong(graph: &Graph) -> Vec<BTreeSet<usize>> {
    // Tarjan's, with its own stack: a chain of journeys can be long.
    let count = graph.len();
    let target = |n: usize, number: usize| graph.get(n)?.get(number).map(|(target, _)| *target);
    let mut order = vec![usize::MAX; count];
    let mut low = vec![usize::MAX; count];
    let mut on_stack = vec![false; count];
    let (mut stack, mut parts, mut number) = (Vec::new(), Vec::new(), 0);
    for root in 0..count {
        if order.get(root) != Some(&usize::MAX) {
            continue;
        }
        // Each with the number of the target to look at next.
        let mut work: Vec<(usize, usize)> = Vec::new();
        let mut enter = Some(root);
        loop {
            if let Some(n) = enter.take() {
                set(&mut order, n, number);
                set(&mut low, n, number);
                set(&mut on_stack, n, true);
                number += 1;
                stack.push(n);
                work.push((n, 0));
            }
            let Some((n, next)) = work.last_mut() else { break };
            let n = *n;
            if let Some(target) = target(n, *next) {
                *next += 1;
                if order.get(target) == Some(&usize::MAX) {
                    enter = Some(target);
                } else if on_stack.get(target) == Some(&true) {
                    let least = at(&low, n).min(at(&order, target));
                    set(&mut low, n, least);
                }
                continue;
            }
            work.pop();
            if let Some((parent, _)) = work.last() {
                let (parent, least) = (*parent, at(&low, n));
                let least = least.min(at(&low, parent));
                set(&mut low, parent, least);
            }
            if at(&low, n) == at(&order, n) {
                // Most stand for themselves.
                if stack.pop_if(|last| *last == n).is_some() {
                    set(&mut on_stack, n, false);
                    continue;
                }
                let mut part = BTreeSet::new();
                while let Some(member) = stack.pop() {
                    set(&mut on_stack, member, false);
                    part.insert(member);
                    if member == n {
                        break;
                    }
                }
                parts.push(part);
            }
        }
    }
    parts
}

fn at(list: &[usize], n: usize) -> usize {
    list.get(n).copied().unwrap_or(usize::MAX)
}

fn set<T>(list: &mut [T], n: usize, value: T) {
    if let Some(place) = list.get_mut(n) {
        *place = value;
    }
}

/// The shortest way from the first journey of a part back to itself, with the step that leads on from each.
fn shortest_ring(part: &BTreeSet<usize>, graph: &Graph) -> Option<Vec<(usize, Span)>> {
    let start = *part.first()?;
    let mut from: BTreeMap<usize, (usize, Span)> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(n) = queue.pop_front() {
        let next = graph.get(n).into_iter().flatten().copied();
        for (target, span) in next.filter(|(target, _)| part.contains(target)) {
            if target == start {
                let mut path = vec![(n, span)];
                let mut here = n;
                while here != start {
                    let (before, span) = *from.get(&here)?;
                    path.push((before, span));
                    here = before;
                }
                path.reverse();
                return Some(path);
            }
            if let btree_map::Entry::Vacant(place) = from.entry(target) {
                place.insert((n, span));
                queue.push_back(target);
            }
        }
    }
    None
}

/// `lasts`: whatever starts the next one does not happen again as long as nothing changes it back.
fn tell(summaries: &[Arc<Summary>], path: &[(usize, Span)], lasts: bool, found: &mut Vec<Diagnostic>) {
    let members: Vec<&Summary> = path.iter().filter_map(|(n, _)| summaries.get(*n)).map(Arc::as_ref).collect();
    // A tag that a journey asks not to be there, and that the ring sets and leaves, lets nobody in twice.
    let closed = members.iter().any(|member| {
        let barred = member.entry.barred_tags();
        barred.into_iter().any(|tag| {
            let adds = members.iter().any(|other| other.causes.contains_key(&Happening::Tag(tag.clone())));
            let removes = members.iter().any(|other| other.causes.contains_key(&Happening::Untag(tag.clone())));
            adds && !removes
        })
    });
    let (Some((_, first)), Some(start), false) = (path.first(), members.first(), closed) else { return };
    let once = members.iter().find(|member| member.reenter == Reenter::Never);
    let names: Vec<_> = members.iter().chain([start]).map(|member| format!("`{}`", member.name)).collect();
    let message = match members.len() {
        1 => format!("the journey `{}` starts itself again", start.name),
        _ => format!("journeys start each other in a ring: {}", names.join(" starts ")),
    };
    let mut d = Diagnostic::new(Code::JourneyRing, *first, message).label("from here on");
    for (_, span) in path.iter().skip(1) {
        d = d.also(*span, "and on from here");
    }
    d = match once {
        Some(member) => {
            d.severity = Severity::Hint;
            d.note(format!("It ends after one round, because nobody enters `{}` twice.", member.name))
        }
        None if lasts => d.note(
            "What is so already starts nothing; as soon as something changes it back, a contact goes round again.",
        ),
        None => d.note("A contact can go round for ever."),
    };
    found.push(d.help("break the ring: take out a step, or let a `where` ask for what the ring has not done yet"));
}
