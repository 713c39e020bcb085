//! A project prepared for running: every program that a run may need, and who reacts to what.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, RwLock};

use journey_bytecode::{
    Aggregate, BuiltinEvent, Bundle, Channel, Clause, ConstIx, EventPattern, ExitKind, Message, Op, Policy, Program,
    Schema, Score, StatusKind, TriggerKind, Type, Value, VerifyError, Version, pattern, verify,
};
use regex::Regex;
use smol_str::SmolStr;

use super::predicate::{Predicate, predicates};
use crate::time::{DAY, Zone};

/// How long a message is remembered at least, so that a late open still finds it: 30 days.
pub const MESSAGE_MEMORY: i64 = 30 * DAY;

/// A program that the verifier refuses.
#[derive(Debug, thiserror::Error)]
#[error("the program of journey `{journey}` is not valid: {error}")]
pub struct LinkError {
    /// The journey.
    pub journey: SmolStr,
    /// What is wrong.
    pub error: VerifyError,
}

/// A project prepared for running. The current journeys take new runs; older versions finish theirs.
#[derive(Debug)]
pub struct Linked {
    bundle: Bundle,
    zone: Zone,
    current: Vec<Arc<Prepared>>,
    programs: HashMap<Version, Arc<Prepared>>,
    messages: HashMap<SmolStr, Vec<Message>>,
    triggers: HashMap<TriggerKey, Vec<TriggerAt>>,
    attributes: WellKnown,
    message_memory: Option<i64>,
    histories: BTreeMap<SmolStr, Memory>,
    watched: Vec<Watched>,
    moments: Vec<TriggerAt>,
    /// The conditions of the scores' rules; none without scores.
    scores: Option<Arc<Prepared>>,
    /// Whether anything listens to messages being sent.
    hears_sends: bool,
    revision: i64,
    /// Journeys whose runs stand still.
    paused: BTreeSet<SmolStr>,
    /// Sides of splits that have won, by version and split: facts that the engine finds out and hands in.
    winners: RwLock<BTreeMap<(Version, SmolStr), SmolStr>>,
}

/// How much of an event programs ask for.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The fields.
    pub(crate) fields: BTreeSet<SmolStr>,
    /// For how many milliseconds; for ever is `None`.
    pub(crate) keep: Option<i64>,
    /// Whether it is asked for since a run began.
    pub(crate) since_entry: bool,
}

/// A segment that triggers listen to.
#[derive(Debug)]
pub(crate) struct Watched {
    /// Its name.
    pub(crate) segment: SmolStr,
    /// The journey whose clause says who is in it.
    pub(crate) program: usize,
    /// That clause.
    pub(crate) clause: Clause,
}

/// A program with what the machine looks up often.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The program.
    pub(crate) program: Program,
    /// Its version.
    pub(crate) version: Version,
    /// By [`NameIx`](journey_bytecode::NameIx): the attribute of this name.
    pub(crate) attributes: Vec<AttributeAt>,
    /// By [`Pc`](journey_bytecode::Pc): the predicate that begins there.
    pub(crate) predicates: Vec<Option<Box<Predicate>>>,
    /// Events that some wait may use although they came before it.
    pub(crate) remembers: Vec<SmolStr>,
    /// The patterns of `matches`, by the constant.
    pub(crate) patterns: BTreeMap<ConstIx, Regex>,
}

/// Where an attribute of contacts is found.
#[derive(Debug)]
pub(crate) struct AttributeAt {
    /// Its name.
    pub(crate) name: SmolStr,
    /// Its place among a contact's attributes when none that is declared is missing.
    pub(crate) place: usize,
    /// What it holds when nothing was given.
    pub(crate) default: Value,
}

/// What a trigger listens for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum TriggerKey {
    Tag(SmolStr),
    Untag(SmolStr),
    Event(SmolStr),
    Created,
    Changes(SmolStr),
    Enters(SmolStr),
    Leaves(SmolStr),
    Reaches(SmolStr, SmolStr),
    Message(&'static str),
    Subscribed,
    Unsubscribed,
    Inbound,
}

/// A trigger of a current journey.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TriggerAt {
    /// Which journey.
    pub(crate) program: usize,
    /// Which of its triggers.
    pub(crate) trigger: usize,
}

/// Attributes that the runtime itself reads, found by their type or name.
#[derive(Debug, Default)]
struct WellKnown {
    email: Option<SmolStr>,
    phone: Option<SmolStr>,
    push: Option<SmolStr>,
    zone: Option<SmolStr>,
    country: Option<SmolStr>,
    language: Option<SmolStr>,
    /// All that are declared, in order.
    names: Vec<SmolStr>,
    defaults: BTreeMap<SmolStr, Value>,
}

impl Linked {
    /// Prepares a project, and the older deployments (newest first) whose runs are not over.
    pub fn new<'a>(current: Bundle, older: impl IntoIterator<Item = &'a Bundle>) -> Result<Self, LinkError> {
        let mut linked = Self {
            zone: Zone::resolve(Some(&current.default_zone), Zone::UTC),
            attributes: WellKnown::of(&current.schema),
            bundle: Bundle::default(),
            current: Vec::new(),
            programs: HashMap::new(),
            messages: HashMap::new(),
            triggers: HashMap::new(),
            message_memory: Some(MESSAGE_MEMORY),
            histories: BTreeMap::new(),
            watched: Vec::new(),
            moments: Vec::new(),
            scores: None,
            hears_sends: false,
            revision: 0,
            paused: BTreeSet::new(),
            winners: RwLock::default(),
        };
        linked.add(&current)?;
        for program in &current.programs {
            let prepared = linked.programs.get(&program.version()).cloned();
            linked.listen(prepared);
        }
        // Of two journeys that react to one event, the more important one does so first.
        for listening in linked.triggers.values_mut() {
            listening.sort_by_key(|at| linked.current.get(at.program).map(|p| Reverse(p.program.priority)));
        }
        // Of two segments that are crossed at one moment, the first by name, whichever journey asks for it.
        linked.watched.sort_by(|a, b| a.segment.cmp(&b.segment));
        for bundle in older {
            linked.add(bundle)?;
        }
        if !current.scores.scores.is_empty() {
            let program = current.scores.program.clone();
            verify(&program).map_err(|error| LinkError { journey: "(scores)".into(), error })?;
            linked.scores = Some(Arc::new(linked.prepare(&program)));
        }
        linked.message_memory = linked.memory(&current.policy);
        for prepared in linked.programs.values() {
            prepared.asks(&mut linked.histories);
        }
        if let Some(scores) = &linked.scores {
            scores.asks(&mut linked.histories);
        }
        let scored = current.scores.scores.iter().flat_map(|score| &score.rules).map(|rule| &rule.pattern);
        let heard = |pattern: &EventPattern| pattern.event == BuiltinEvent::Sent.name();
        linked.hears_sends = linked.triggers.contains_key(&TriggerKey::Message(StatusKind::Sent.name()))
            || linked.programs.values().flat_map(|prepared| prepared.patterns_of()).chain(scored).any(heard);
        linked.bundle = current;
        Ok(linked)
    }

    fn add(&mut self, bundle: &Bundle) -> Result<(), LinkError> {
        for message in &bundle.messages {
            let known = self.messages.entry(message.name.clone()).or_default();
            if known.iter().all(|other| other.channel != message.channel) {
                known.push(message.clone());
            }
        }
        for program in &bundle.programs {
            verify(program).map_err(|error| LinkError { journey: program.name.clone(), error })?;
            let version = program.version();
            let prepared = || Arc::new(Prepared::new(program.clone(), version, &self.attributes));
            self.programs.entry(version).or_insert_with(prepared);
        }
        Ok(())
    }

    fn listen(&mut self, prepared: Option<Arc<Prepared>>) {
        let Some(prepared) = prepared else { return };
        for (trigger, definition) in prepared.program.triggers.iter().enumerate() {
            let at = TriggerAt { program: self.current.len(), trigger };
            let key = match &definition.kind {
                TriggerKind::Tag(tag) => TriggerKey::Tag(tag.clone()),
                TriggerKind::Untag(tag) => TriggerKey::Untag(tag.clone()),
                TriggerKind::Event(event) => TriggerKey::Event(event.clone()),
                TriggerKind::Created => TriggerKey::Created,
                TriggerKind::Changes { attribute, .. } => TriggerKey::Changes(attribute.clone()),
                TriggerKind::Enters(segment, clause) | TriggerKind::Leaves(segment, clause) => {
                    self.watch(segment, *clause);
                    match definition.kind {
                        TriggerKind::Enters(..) => TriggerKey::Enters(segment.clone()),
                        _ => TriggerKey::Leaves(segment.clone()),
                    }
                }
                TriggerKind::Reaches { funnel, stage } => TriggerKey::Reaches(funnel.clone(), stage.clone()),
                TriggerKind::Moment(_) => {
                    self.moments.push(at);
                    continue;
                }
                TriggerKind::Message(status, ..) => TriggerKey::Message(status.name()),
                TriggerKind::Subscribed(..) => TriggerKey::Subscribed,
                TriggerKind::Unsubscribed(..) => TriggerKey::Unsubscribed,
                TriggerKind::Inbound(..) => TriggerKey::Inbound,
                TriggerKind::Call => continue,
            };
            self.triggers.entry(key).or_default().push(at);
        }
        for (segment, clause) in &prepared.program.segments {
            self.watch(segment, *clause);
        }
        self.current.push(prepared);
    }

    /// Listens to a segment that the journey at hand names.
    fn watch(&mut self, segment: &SmolStr, clause: Clause) {
        if self.watched.iter().all(|watched| watched.segment != *segment) {
            let program = self.current.len();
            self.watched.push(Watched { segment: segment.clone(), program, clause });
        }
    }

    /// How long messages must be kept for caps and for conditions that look back; for ever is `None`.
    fn memory(&self, policy: &Policy) -> Option<i64> {
        let caps = policy.caps.iter().map(|cap| Some(cap.per.longest_millis()));
        let programs = self.programs.values().chain(&self.scores).map(|prepared| prepared.looks_back());
        caps.chain(programs).try_fold(MESSAGE_MEMORY, |longest, needed| needed.map(|needed| longest.max(needed)))
    }

    /// The same, with journeys whose runs stand still. They take in whoever enters, and do nothing.
    #[must_use]
    pub fn pausing(mut self, journeys: impl IntoIterator<Item = SmolStr>) -> Self {
        self.paused = journeys.into_iter().collect();
        self
    }

    /// The same, as a revision of this number.
    #[must_use]
    pub const fn at(mut self, revision: i64) -> Self {
        self.revision = revision;
        self
    }

    /// The revision that it is; 0 without any.
    pub const fn revision(&self) -> i64 {
        self.revision
    }

    pub(crate) fn is_paused(&self, journey: &str) -> bool {
        self.paused.contains(journey)
    }

    /// The project as it was compiled.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The zone of contacts without a valid one.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// All programs that a run may need, in no order.
    pub fn programs(&self) -> impl Iterator<Item = (Version, &Program)> {
        self.programs.iter().map(|(version, prepared)| (*version, &prepared.program))
    }

    /// The program of this version, if it is current or was given as older.
    pub fn program(&self, version: Version) -> Option<&Program> {
        self.programs.get(&version).map(|prepared| &prepared.program)
    }

    /// The message of this name and channel: the current one, else that of the newest older deployment that has it.
    pub fn message(&self, channel: Channel, name: &str) -> Option<&Message> {
        self.messages.get(name)?.iter().find(|message| message.channel == channel)
    }

    /// Whether anything listens to messages being sent.
    pub(crate) const fn hears_sends(&self) -> bool {
        self.hears_sends
    }

    /// What an attribute holds when nothing was given.
    pub fn default_of(&self, attribute: &str) -> Option<&Value> {
        self.attributes.defaults.get(attribute)
    }

    /// The attribute that holds the contact's zone.
    pub fn zone_attribute(&self) -> Option<&SmolStr> {
        self.attributes.zone.as_ref()
    }

    /// The attribute that holds the contact's language.
    pub fn language_attribute(&self) -> Option<&SmolStr> {
        self.attributes.language.as_ref()
    }

    /// The attribute that holds the contact's country.
    pub fn country_attribute(&self) -> Option<&SmolStr> {
        self.attributes.country.as_ref()
    }

    /// The attribute that holds the contact's address on a channel.
    pub fn address_attribute(&self, channel: Channel) -> Option<&SmolStr> {
        match channel {
            Channel::Email => self.attributes.email.as_ref(),
            Channel::Sms | Channel::WhatsApp => self.attributes.phone.as_ref(),
            Channel::Push => self.attributes.push.as_ref(),
            Channel::Webhook => None,
        }
    }

    /// A program outside the project, for its clauses.
    pub(crate) fn prepare(&self, program: &Program) -> Prepared {
        Prepared::new(program.clone(), program.version(), &self.attributes)
    }

    pub(crate) fn prepared(&self, version: Version) -> Option<Arc<Prepared>> {
        self.programs.get(&version).cloned()
    }

    pub(crate) fn current(&self, journey: usize) -> Option<&Arc<Prepared>> {
        self.current.get(journey)
    }

    pub(crate) fn triggers(&self, key: &TriggerKey) -> &[TriggerAt] {
        self.triggers.get(key).map_or(&[], Vec::as_slice)
    }

    /// The current journey of this name.
    pub(crate) fn journey(&self, name: &str) -> Option<&Arc<Prepared>> {
        self.current.iter().find(|prepared| prepared.program.name == name)
    }

    /// Segments that triggers listen to.
    pub(crate) fn watched(&self) -> &[Watched] {
        &self.watched
    }

    /// Triggers at moments of the calendar.
    pub(crate) fn moments(&self) -> &[TriggerAt] {
        &self.moments
    }

    /// Whether a contact to whom nothing happens can enter a journey all the same, so that a new deployment must advance
    /// every contact once, without inputs.
    pub fn needs_every_contact(&self) -> bool {
        !self.watched.is_empty() || !self.moments.is_empty()
    }

    /// What must be remembered of an event; nothing if no program asks for it.
    pub(crate) fn asks_for(&self, event: &str) -> Option<&Memory> {
        self.histories.get(event)
    }

    /// From now on all contacts that come to the split, in this version of its journey, take this side. Whether that is
    /// news.
    pub fn set_winner(&self, version: Version, split: SmolStr, side: SmolStr) -> bool {
        let before = self.winners.write().ok().and_then(|mut known| known.insert((version, split), side.clone()));
        before != Some(side)
    }

    /// The side of a split that has won.
    pub(crate) fn winner(&self, version: Version, split: &SmolStr) -> Option<SmolStr> {
        self.winners.read().ok()?.get(&(version, split.clone())).cloned()
    }

    /// A score of the project.
    pub(crate) fn score(&self, name: &str) -> Option<&Score> {
        let scores = &self.bundle.scores.scores;
        scores.binary_search_by(|score| score.name.as_str().cmp(name)).ok().and_then(|place| scores.get(place))
    }

    /// The conditions of the scores' rules; none without scores.
    pub(crate) fn score_rules(&self) -> Option<&Arc<Prepared>> {
        self.scores.as_ref()
    }

    pub(crate) fn message_memory(&self) -> Option<i64> {
        self.message_memory
    }
}

impl WellKnown {
    fn of(schema: &Schema) -> Self {
        let mut names: Vec<SmolStr> = schema.attributes.iter().map(|attribute| attribute.name.clone()).collect();
        names.sort();
        let first = |ty: Type| schema.attributes.iter().find(|a| a.ty == ty).map(|a| a.name.clone());
        Self {
            email: schema.email_attribute().map(|attribute| attribute.name.clone()),
            phone: schema.phone_attribute().map(|attribute| attribute.name.clone()),
            push: schema.push_attribute().map(|attribute| attribute.name.clone()),
            zone: first(Type::TimeZone),
            country: first(Type::Country),
            language: schema.language_attribute().map(|attribute| attribute.name.clone()),
            names,
            defaults: schema
                .attributes
                .iter()
                .filter_map(|attribute| {
                    // A list that was never set is empty.
                    let empty = matches!(attribute.ty, Type::List(_)) && !attribute.optional;
                    let empty = empty.then(|| Value::List([].into()));
                    Some((attribute.name.clone(), attribute.default.clone().or(empty)?))
                })
                .collect(),
        }
    }

    fn at(&self, name: &SmolStr) -> AttributeAt {
        let place = self.names.binary_search(name).unwrap_or_else(|before| before);
        AttributeAt { name: name.clone(), place, default: self.defaults.get(name).cloned().unwrap_or_default() }
    }
}

impl Prepared {
    fn new(program: Program, version: Version, attributes: &WellKnown) -> Self {
        let attributes = program.names.iter().map(|name| attributes.at(name)).collect();
        let predicates = predicates(&program);
        let mut remembers: Vec<SmolStr> = program
            .waits
            .iter()
            .flat_map(|wait| &wait.arms)
            .filter(|arm| !arm.from_now)
            .map(|arm| arm.pattern.event.clone())
            .collect();
        remembers.sort();
        remembers.dedup();
        let of = |ix: ConstIx| match program.consts.get(ix.index()) {
            Some(Value::Text(text)) => Some((ix, pattern::compile(text).ok()?)),
            _ => None,
        };
        let patterns = (program.code.iter())
            .filter_map(|op| match op {
                Op::Matches(ix) => of(*ix),
                _ => None,
            })
            .collect();
        Self { program, version, attributes, predicates, remembers, patterns }
    }

    /// The events that its runs wait for, leave for or count.
    fn patterns_of(&self) -> impl Iterator<Item = &EventPattern> {
        let program = &self.program;
        let waits = program.waits.iter().flat_map(|wait| &wait.arms).map(|arm| &arm.pattern);
        let exits = program.exits.iter().filter_map(|exit| match &exit.kind {
            ExitKind::Event(pattern) => Some(pattern),
            ExitKind::Condition(_) | ExitKind::After(_) => None,
        });
        waits.chain(exits).chain(program.goals.iter().map(|goal| &goal.pattern))
    }

    /// How long ago a message may have been sent that the program asks about; `None` if there is no limit.
    fn looks_back(&self) -> Option<i64> {
        use journey_bytecode::MessageRef::{Any, Named, Topic};
        for op in &self.program.code {
            if let Op::Status(_, message) | Op::ClickedLink(_, message) = op
                && matches!(message, Any(_) | Named(_) | Topic(_))
            {
                return None;
            }
        }
        self.program.messages.iter().try_fold(0, |longest, asked| match asked.within {
            Some(within) => Some(longest.max(within.longest_millis())),
            // What happened since entry is kept as long as the run is there.
            None if asked.since_entry || !matches!(asked.message, Any(_) | Named(_) | Topic(_)) => Some(longest),
            None => None,
        })
    }

    /// Notes which events, which of their fields and how much of the past the program asks for.
    fn asks(&self, memories: &mut BTreeMap<SmolStr, Memory>) {
        for history in &self.program.histories {
            let memory =
                memories.entry(history.event.clone()).or_insert_with(|| Memory { keep: Some(0), ..Memory::default() });
            match (history.within, history.since_entry) {
                (Some(within), _) => memory.keep = memory.keep.map(|keep| keep.max(within.longest_millis())),
                (None, true) => memory.since_entry = true,
                (None, false) => memory.keep = None,
            }
            if let Aggregate::Distinct(field)
            | Aggregate::Sum(field)
            | Aggregate::Average(field)
            | Aggregate::Min(field)
            | Aggregate::Max(field)
            | Aggregate::First(field)
            | Aggregate::Last(field) = &history.aggregate
            {
                memory.fields.insert(field.clone());
            }
            let filter = history.filter.map_or(&[][..], |clause| self.code_of(clause));
            for op in filter {
                if let Op::Field(name) = op {
                    memory.fields.extend(self.program.names.get(name.index()).cloned());
                }
            }
        }
    }

    fn code_of(&self, clause: Clause) -> &[Op] {
        let code = self.program.code.get(clause.0 as usize..).unwrap_or_default();
        let end = code.iter().position(|op| matches!(op, Op::Return)).unwrap_or(code.len());
        code.get(..end).unwrap_or_default()
    }
}
