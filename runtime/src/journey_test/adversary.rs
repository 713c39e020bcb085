//! The same story under worse conditions: on nights when clocks change, on 29 February, with an event at the very moment
//! of a time-out, an event that comes twice, and an unsubscribe at each wait. What a test expects no longer applies then;
//! what must hold of every story does, and is checked here without asking the core.

mod law;

use std::collections::BTreeSet;

use journey_bytecode::{Date, Instant, Stimulus, TestCase, Value};
use smol_str::SmolStr;

use super::{Bench, MAX_WAKES};
use crate::core::Linked;
use crate::core::contact::EndReason;
use crate::core::effect::{TraceEvent, WokenBy};
use crate::time::{self, DAY, Zone};

/// How long a story goes on after its last line: longer than any wait that people write.
const LAST_WORD: i64 = 50 * 366 * DAY;

/// The most waits of a test that are turned against it.
const MAX_WAITS: usize = 24;

/// A zone that changes its clocks, for contacts whose own does not.
const CHANGING: &str = "Europe/Berlin";

/// What came of turning a test against its journeys.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Adversary {
    /// How many stories were told.
    pub cases: usize,
    /// Those in which something did not hold.
    pub broken: Vec<Broken>,
    /// The journeys that some story entered.
    pub entered: BTreeSet<SmolStr>,
}

/// A story in which something did not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// What was done to the test: `ada unsubscribes at 2026-03-02 10:00:00`.
    pub what: String,
    /// What did not hold, one line each.
    pub laws: Vec<String>,
    /// What happened, as in a test's result.
    pub trace: Vec<String>,
}

/// Something that happens in a story.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Act {
    pub(super) at: Instant,
    pub(super) contact: usize,
    pub(super) stimulus: Stimulus,
    /// Whether it is delivered a second time, under the same id.
    pub(super) twice: bool,
}

/// A test without its expectations.
#[derive(Clone)]
struct Story {
    test: TestCase,
    start: Instant,
    acts: Vec<Act>,
}

/// A wait that a story came to.
#[derive(Clone, PartialEq, Debug)]
struct Wait {
    contact: usize,
    run: u32,
    journey: SmolStr,
    since: Instant,
    until: Instant,
}

/// Tells the test's story in many worse ways.
pub fn adversary(linked: &Linked, test: &TestCase) -> Adversary {
    let told = super::told(linked, test);
    let story = Story { test: test.clone(), start: told.start, acts: told.acts.clone() };
    let base = tell(linked, &story);
    let mut waits = waits(&base);
    waits.truncate(MAX_WAITS);
    let mut found = Adversary::default();
    let mut put = |what: String, story: &Story, also: &dyn Fn(&Bench<'_>) -> Option<String>| {
        let bench = tell(linked, story);
        found.cases += 1;
        let entered = bench.seen.iter().filter(|seen| matches!(seen.entry.event, TraceEvent::Entered { .. }));
        found.entered.extend(entered.map(|seen| seen.entry.journey.clone()));
        let mut laws = law::broken(&bench, story);
        laws.extend(also(&bench));
        if !laws.is_empty() {
            found.broken.push(Broken { what, laws, trace: bench.trace() });
        }
    };
    let nothing = |_: &Bench<'_>| None;
    put("as it is, to the end".to_owned(), &story, &nothing);
    repeated(&story, &base, &mut put);
    unsubscribed(&story, &base, &waits, &mut put);
    tied(linked, &story, &base, &waits, &mut put);
    for (what, shifted) in elsewhen(linked, &story, &base, &waits) {
        put(what, &shifted, &nothing);
    }
    found
}

type Put<'p> = dyn FnMut(String, &Story, &dyn Fn(&Bench<'_>) -> Option<String>) + 'p;

/// Each event a second time: under its own id, which must change nothing, and as a new one.
fn repeated(story: &Story, base: &Bench<'_>, put: &mut Put<'_>) {
    let expected = sent(base);
    for (place, act) in story.acts.iter().enumerate() {
        // What other systems answer from some moment on does not come twice.
        if matches!(act.stimulus, Stimulus::Answers(..)) {
            continue;
        }
        let name = words(base, act);
        let mut again = story.clone();
        if let Some(act) = again.acts.get_mut(place) {
            act.twice = true;
        }
        put(format!("{name} is delivered twice, under one id"), &again, &|bench| {
            (sent(bench) != expected).then(|| "what is delivered twice under one id counts once".to_owned())
        });
        if matches!(act.stimulus, Stimulus::Event(..)) {
            let mut again = story.clone();
            again.acts.insert(place + 1, Act { at: Instant(act.at.0 + 1000), ..act.clone() });
            again.acts.sort_by_key(|act| act.at);
            put(format!("{name}, and again a second later"), &again, &|_| None);
        }
    }
}

/// An unsubscribe from everything as each wait begins, and at the moment in which it ends.
fn unsubscribed(story: &Story, base: &Bench<'_>, waits: &[Wait], put: &mut Put<'_>) {
    let moments: BTreeSet<(usize, Instant)> =
        waits.iter().flat_map(|wait| [wait.since, wait.until].map(|at| (wait.contact, at))).collect();
    for (contact, at) in moments {
        if at == Instant::NEVER {
            continue;
        }
        let act = Act { at, contact, stimulus: Stimulus::Unsubscribed(None, None), twice: false };
        let mut left = story.clone();
        let place = left.acts.partition_point(|act| act.at <= at);
        left.acts.insert(place, act);
        put(format!("{} unsubscribes at {}", base.name(contact), base.show(contact, at)), &left, &|_| None);
    }
}

/// The next thing that happens to a waiting contact at the very moment of the time-out: the event wins.
fn tied(linked: &Linked, story: &Story, base: &Bench<'_>, waits: &[Wait], put: &mut Put<'_>) {
    for wait in waits.iter().filter(|wait| wait.until != Instant::NEVER) {
        let later = |act: &&Act| act.contact == wait.contact && act.at > wait.since;
        let Some(act) = story.acts.iter().find(later) else { continue };
        let moved = |at: Instant| {
            let mut moved = story.clone();
            moved.acts.retain(|other| other != act);
            let place = moved.acts.partition_point(|act| act.at <= at);
            moved.acts.insert(place, Act { at, ..act.clone() });
            moved
        };
        let just_before = Instant(wait.until.0 - 1);
        if just_before <= wait.since {
            continue;
        }
        let woken = woken_by_event(&tell(linked, &moved(just_before)), wait, just_before);
        let what = format!("{} at {}, when a wait ends", words(base, act), base.show(wait.contact, wait.until));
        put(what, &moved(wait.until), &|bench| {
            (woken && !woken_by_event(bench, wait, wait.until))
                .then(|| format!("of an event and a time-out at one moment, the event wins (`{}`)", wait.journey))
        });
    }
}

/// Whether an event moved the run on, or ended it, at this moment.
fn woken_by_event(bench: &Bench<'_>, wait: &Wait, at: Instant) -> bool {
    let mut events = bench
        .seen
        .iter()
        .filter(|seen| seen.contact == wait.contact && seen.entry.run == Some(wait.run) && seen.entry.at == at);
    events.any(|seen| match &seen.entry.event {
        TraceEvent::Woke { by } => matches!(by, WokenBy::Event(_)),
        TraceEvent::Ended(reason) => matches!(reason, EndReason::Exit(_)),
        _ => false,
    })
}

/// The story at other times: such that it begins, or a wait ends, in a night in which clocks go forward or back, on
/// 29 February, or at the end of a long month.
fn elsewhen(linked: &Linked, story: &Story, base: &Bench<'_>, waits: &[Wait]) -> Vec<(String, Story)> {
    let mut found = Vec::new();
    let anchor = story.acts.first().map_or((0, story.start), |act| (act.contact, act.at));
    let ends = waits.iter().filter(|wait| wait.until != Instant::NEVER).map(|wait| (wait.contact, wait.until));
    let points: BTreeSet<(usize, Instant)> = ends.chain([anchor]).collect();
    let changing = Zone::parse(CHANGING).unwrap_or(Zone::UTC);
    for (contact, at) in points {
        let own = base.zone(contact);
        let day = time::date_of_wall(own.wall(at));
        let own_changes = changes(own, day).map(|found| (own, found));
        let Some((zone, (gap, fold))) = own_changes.or_else(|| changes(changing, day).map(|found| (changing, found)))
        else {
            continue;
        };
        let moved = zone != own;
        let targets = [
            ("the night in which clocks go forward", Some(gap)),
            ("the night in which clocks go back", Some(fold)),
            ("the noon of 29 February", next(day, "02-29 12:00")),
            ("the noon of 31 January", next(day, "01-31 12:00")),
        ];
        let targets = targets.into_iter().filter_map(|(night, wall)| Some((night, wall?)));
        for (night, wall) in targets {
            let what = if (contact, at) == anchor {
                "the story begins".to_owned()
            } else {
                format!("what is due at {} falls", base.show(contact, at))
            };
            let shifted = shift(linked, story, wall - own.wall(at), moved.then_some(zone));
            found.push((format!("{what} in {night}, {}", zone.name()), shifted));
        }
    }
    found
}

/// The next such day, in a year that has it.
fn next(day: Date, date: &str) -> Option<i64> {
    let year: i32 = time::show_date(day).split('-').next()?.parse().ok()?;
    (year + 1..year + 9).find_map(|year| time::read_wall(&format!("{year}-{date}")))
}

/// The next wall-clock time that the zone skips, and the next that it shows twice; none if it leaves its clocks alone.
fn changes(zone: Zone, since: Date) -> Option<(i64, i64)> {
    let start = time::wall_of_date(since);
    let offset = |wall: i64| zone.wall(Instant(wall)) - wall;
    let (mut gap, mut fold) = (None, None);
    for day in 0..366 {
        let (from, to) = (start + day * DAY, start + (day + 1) * DAY);
        let (before, after) = (offset(from), offset(to));
        if before == after {
            continue;
        }
        let (mut low, mut high) = (from, to);
        while high - low > 1 {
            let middle = i64::midpoint(low, high);
            if offset(middle) == before { low = middle } else { high = middle }
        }
        // The middle of what is skipped, or shown twice.
        let wall = high + i64::midpoint(before, after);
        if after > before { gap = gap.or(Some(wall)) } else { fold = fold.or(Some(wall)) }
    }
    gap.zip(fold)
}

/// The story so much later on the wall, its dates with it; in another zone, if one is given.
fn shift(linked: &Linked, story: &Story, by: i64, zone: Option<Zone>) -> Story {
    let mut shifted = story.clone();
    let attribute = linked.zone_attribute();
    let mut zones = Vec::new();
    for contact in &mut shifted.test.contacts {
        let named = |value: &Value| match value {
            Value::Text(name) => Some(name.clone()),
            _ => None,
        };
        let own = contact.attributes.iter().find(|(name, _)| Some(name) == attribute).and_then(|(_, v)| named(v));
        let before = Zone::resolve(own.as_deref(), linked.zone());
        let mut after = before;
        if let (Some(zone), Some(attribute)) = (zone, attribute) {
            contact.attributes.retain(|(name, _)| name != attribute);
            contact.attributes.push((attribute.clone(), Value::text(zone.name())));
            after = zone;
        }
        zones.push((before, after));
        for (_, value) in &mut contact.attributes {
            *value = moved(value, by, (before, after));
        }
    }
    let default = (linked.zone(), linked.zone());
    let first = zones.first().copied().unwrap_or(default);
    let later = |at: Instant, (before, after): (Zone, Zone)| after.instant(before.wall(at) + by);
    shifted.start = later(story.start, first);
    for act in &mut shifted.acts {
        let zones = zones.get(act.contact).copied().unwrap_or(default);
        act.at = later(act.at, zones);
        if let Stimulus::Event(_, payload) | Stimulus::Start(_, payload) | Stimulus::Set(_, payload) = &mut act.stimulus
        {
            *payload = moved(payload, by, zones);
        }
    }
    shifted.acts.sort_by_key(|act| act.at);
    shifted
}

/// A value whose dates and moments are so much later.
fn moved(value: &Value, by: i64, zones: (Zone, Zone)) -> Value {
    match value {
        Value::Date(day) => {
            let days = i32::try_from(by.div_euclid(DAY)).unwrap_or_default();
            Value::Date(Date(day.0.saturating_add(days)))
        }
        Value::Local(wall) => Value::Local(wall + by),
        Value::Instant(at) => Value::Instant(zones.1.instant(zones.0.wall(*at) + by)),
        Value::List(list) => Value::List(list.iter().map(|value| moved(value, by, zones)).collect()),
        Value::Record(fields) => {
            Value::Record(fields.iter().map(|(name, value)| (name.clone(), moved(value, by, zones))).collect())
        }
        other => other.clone(),
    }
}

/// Tells a story, and waits until its runs have ended.
fn tell<'a>(linked: &'a Linked, story: &'a Story) -> Bench<'a> {
    let mut bench = Bench::begin(linked, &story.test, story.start);
    for act in &story.acts {
        bench.advance_to(act.at);
        bench.happen(act.contact, &act.stimulus);
        if act.twice {
            bench.again();
        }
    }
    let last = bench.now;
    let end = Instant(last.0.saturating_add(LAST_WORD));
    for _ in 0..MAX_WAKES {
        let of_the_story = |run: &crate::core::contact::Run| run.entered_at <= last;
        if !bench.contacts.iter().any(|contact| contact.state.runs.iter().any(of_the_story)) {
            break;
        }
        let due = bench.contacts.iter().filter_map(|contact| contact.state.due()).min();
        let Some(due) = due.filter(|due| *due <= end) else { break };
        bench.now = bench.now.max(due);
        bench.settle();
    }
    bench
}

/// The waits of a story, in order.
fn waits(bench: &Bench<'_>) -> Vec<Wait> {
    let waits = bench.seen.iter().filter_map(|seen| match (&seen.entry.event, seen.entry.run) {
        (TraceEvent::Waiting { until } | TraceEvent::Deferred { until, .. }, Some(run)) => Some(Wait {
            contact: seen.contact,
            run,
            journey: seen.entry.journey.clone(),
            since: seen.entry.at,
            until: *until,
        }),
        _ => None,
    });
    waits.collect()
}

/// What was sent, and when.
fn sent(bench: &Bench<'_>) -> Vec<(usize, Instant, SmolStr)> {
    bench.outgoing.iter().map(|(contact, message)| (*contact, message.at, message.message.clone())).collect()
}

fn words(bench: &Bench<'_>, act: &Act) -> String {
    let who = bench.name(act.contact);
    let what = match &act.stimulus {
        Stimulus::Created => "`created`".to_owned(),
        Stimulus::Tag(tag) => format!("`tag {tag}`"),
        Stimulus::Untag(tag) => format!("`untag {tag}`"),
        Stimulus::Event(event, _) => format!("`event {event}`"),
        Stimulus::Set(attribute, _) => format!("`set {attribute}`"),
        Stimulus::Message(status, message, _) => {
            let message = message.as_ref().map_or_else(String::new, |message| format!(" {message}"));
            format!("`{}{message}`", status.name())
        }
        Stimulus::Subscribed(topic, _) => format!("`subscribed {topic}`"),
        Stimulus::Unsubscribed(Some(topic), _) => format!("`unsubscribed {topic}`"),
        Stimulus::Unsubscribed(None, _) => "`unsubscribed`".to_owned(),
        Stimulus::Inbound(text, channel) => format!("`message {text:?} via {channel}`"),
        Stimulus::Moved(funnel, stage) => format!("`move to {funnel}.{stage}`"),
        Stimulus::Deleted => "`delete contact`".to_owned(),
        Stimulus::Start(journey, _) => format!("`start journey {journey}`"),
        Stimulus::Decision(answer) => format!("`answer {answer}`"),
        Stimulus::Answers(service, _) => format!("`given call {service}`"),
    };
    format!("{what} for {who}")
}
