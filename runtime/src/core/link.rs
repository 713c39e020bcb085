//! A project prepared for running: every program that a run may need, and who reacts to what.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use journey_bytecode::{
    Attribute, Bundle, Channel, Clause, Exit, Message, Op, Policy, Program, Schema, TriggerKind, Type, Value,
    VerifyError, Version, verify,
};
use smol_str::SmolStr;

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
}

/// A program with what the machine looks up often.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The program.
    pub(crate) program: Program,
    /// Its version.
    pub(crate) version: Version,
    /// By [`NameIx`](journey_bytecode::NameIx): the default of the attribute of this name.
    pub(crate) defaults: Vec<Value>,
    /// Events that some wait may use although they came before it.
    pub(crate) remembers: Vec<SmolStr>,
    /// How often the conditions of `exit when` must be looked at again, because time alone may change them.
    pub(crate) exit_pace: Pace,
    /// The same for each wait's conditions.
    pub(crate) wait_paces: Vec<Pace>,
}

/// How often a condition must be looked at although nothing happens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Pace {
    /// Time does not change it.
    #[default]
    Never,
    /// At the beginning of each day: it reads the date.
    Daily,
    /// At each full hour: it reads the clock.
    Hourly,
}

/// What a trigger listens for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum TriggerKey {
    Tag(SmolStr),
    Untag(SmolStr),
    Event(SmolStr),
    Created,
    Changes(SmolStr),
}

/// A trigger of a current journey.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TriggerAt {
    /// Which journey.
    pub(crate) program: usize,
    /// Which of its triggers.
    pub(crate) trigger: usize,
}

/// Attributes that the runtime itself reads, found by their type.
#[derive(Debug, Default)]
struct WellKnown {
    email: Option<SmolStr>,
    phone: Option<SmolStr>,
    zone: Option<SmolStr>,
    language: Option<SmolStr>,
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
        };
        linked.add(&current)?;
        for program in &current.programs {
            let prepared = linked.programs.get(&program.version()).cloned();
            linked.listen(prepared);
        }
        for bundle in older {
            linked.add(bundle)?;
        }
        linked.message_memory = linked.memory(&current.policy);
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
            let key = match &definition.kind {
                TriggerKind::Tag(tag) => TriggerKey::Tag(tag.clone()),
                TriggerKind::Untag(tag) => TriggerKey::Untag(tag.clone()),
                TriggerKind::Event(event) => TriggerKey::Event(event.clone()),
                TriggerKind::Created => TriggerKey::Created,
                TriggerKind::Changes { attribute, .. } => TriggerKey::Changes(attribute.clone()),
                // The compiler does not emit these yet.
                _ => continue,
            };
            let at = TriggerAt { program: self.current.len(), trigger };
            self.triggers.entry(key).or_default().push(at);
        }
        self.current.push(prepared);
    }

    /// How long messages must be kept for caps and for conditions that look back; for ever is `None`.
    fn memory(&self, policy: &Policy) -> Option<i64> {
        let caps = policy.caps.iter().map(|cap| Some(cap.per.longest_millis()));
        let programs = self.programs.values().map(|prepared| prepared.looks_back());
        caps.chain(programs).try_fold(MESSAGE_MEMORY, |longest, needed| needed.map(|needed| longest.max(needed)))
    }

    /// The project as it was compiled.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The zone of contacts without a valid one.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// The program of this version, if it is current or was given as older.
    pub fn program(&self, version: Version) -> Option<&Program> {
        self.programs.get(&version).map(|prepared| &prepared.program)
    }

    /// The message of this name and channel: the current one, else that of the newest older deployment that has it.
    pub fn message(&self, channel: Channel, name: &str) -> Option<&Message> {
        self.messages.get(name)?.iter().find(|message| message.channel == channel)
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

    /// The attribute that holds the contact's address on a channel.
    pub fn address_attribute(&self, channel: Channel) -> Option<&SmolStr> {
        match channel {
            Channel::Email => self.attributes.email.as_ref(),
            Channel::Sms => self.attributes.phone.as_ref(),
            Channel::Push | Channel::Webhook => None,
        }
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

    pub(crate) fn message_memory(&self) -> Option<i64> {
        self.message_memory
    }
}

impl WellKnown {
    fn of(schema: &Schema) -> Self {
        let first = |ty: Type| schema.attributes.iter().find(|a| a.ty == ty).map(|a| a.name.clone());
        let named = |a: &&Attribute| a.name == "language" && a.ty.is_textual();
        Self {
            email: first(Type::Email),
            phone: first(Type::Phone),
            zone: first(Type::TimeZone),
            language: first(Type::Language)
                .or_else(|| schema.attributes.iter().find(named).map(|attribute| attribute.name.clone())),
            defaults: schema
                .attributes
                .iter()
                .filter_map(|attribute| Some((attribute.name.clone(), attribute.default.clone()?)))
                .collect(),
        }
    }
}

impl Prepared {
    fn new(program: Program, version: Version, attributes: &WellKnown) -> Self {
        let default = |name| attributes.defaults.get(name).cloned().unwrap_or_default();
        let defaults = program.names.iter().map(default).collect();
        let mut remembers: Vec<SmolStr> = program
            .waits
            .iter()
            .flat_map(|wait| &wait.arms)
            .filter(|arm| !arm.from_now)
            .map(|arm| arm.pattern.event.clone())
            .collect();
        remembers.sort();
        remembers.dedup();
        let conditions = program.exits.iter().filter_map(|exit| match exit {
            Exit::Condition(clause) => Some(*clause),
            Exit::Event(_) => None,
        });
        let exit_pace = pace(&program, conditions);
        let wait_paces = program
            .waits
            .iter()
            .map(|wait| pace(&program, wait.conditions.iter().map(|(clause, _)| *clause)))
            .collect();
        Self { program, version, defaults, remembers, exit_pace, wait_paces }
    }

    /// How long ago a message may have been sent that the program asks about; `None` if there is no limit.
    fn looks_back(&self) -> Option<i64> {
        use journey_bytecode::MessageRef::Any;
        let code = &self.program.code;
        let mut longest = 0;
        for (place, op) in code.iter().enumerate() {
            match op {
                Op::StatusWithin(..) => {
                    let before = place.checked_sub(1).and_then(|before| code.get(before));
                    let Some(Op::Const(constant)) = before else { return None };
                    let Some(Value::Span(span)) = self.program.consts.get(constant.index()) else { return None };
                    longest = longest.max(span.longest_millis());
                }
                Op::Status(_, Any(_)) | Op::ClickedLink(_, Any(_)) => return None,
                _ => {}
            }
        }
        Some(longest)
    }
}

/// How often the fastest of these conditions must be looked at.
fn pace(program: &Program, clauses: impl Iterator<Item = Clause>) -> Pace {
    let of = |clause: Clause| {
        let code = program.code.iter().skip(clause.0 as usize).take_while(|op| !matches!(op, Op::Return));
        let paces = code.map(|op| match op {
            Op::Today => Pace::Daily,
            Op::Now | Op::StatusWithin(..) => Pace::Hourly,
            _ => Pace::Never,
        });
        paces.max().unwrap_or_default()
    };
    clauses.map(of).max().unwrap_or_default()
}
