//! What is known at a place of a journey, whatever way led there.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::rc::Rc;

use journey_bytecode::{Channel, HandleIx, MessageRef, SlotIx, StatusKind, Type, Value};
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::domain::Domain;
use crate::typed::Place;

/// The most facts that are kept at a time; a journey that knows more knows enough.
const MAX_FACTS: usize = 256;

/// Something that a condition asks about and that steps or waits may change.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Subject {
    Place(Place),
    IsSet(Place),
    Weekday,
    Hour,
    Tag(SmolStr),
    /// How often an event ever happened.
    Count(SmolStr),
    /// The stage in a funnel.
    Stage(SmolStr),
    Status(StatusKind, Asked),
    /// Anything else that gives the same answer until a step or a wait, by its form.
    Question(Box<str>),
}

/// A message that a status is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Asked {
    Handle(HandleIx),
    Last,
    SinceEntry,
    Any(Option<Channel>),
}

impl Asked {
    pub(super) const fn of(message: MessageRef) -> Option<Self> {
        match message {
            MessageRef::None | MessageRef::Named(_) | MessageRef::Topic(_) => None,
            MessageRef::Handle(handle) => Some(Self::Handle(handle)),
            MessageRef::Last => Some(Self::Last),
            MessageRef::SinceEntry => Some(Self::SinceEntry),
            MessageRef::Any(channel) => Some(Self::Any(channel)),
        }
    }
}

/// What is known. Cheap to clone: ways that part share what neither changes.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct State {
    /// Places that have a value, as far as the journey is concerned.
    set: Rc<BTreeSet<Place>>,
    /// What is known of values until somebody else can change them: until the next wait. Not much, at any time.
    facts: Facts,
    /// What stays known over waits; no subject is in both. Long journeys know a lot.
    lasting: Rc<Facts>,
    /// The named messages sent so far.
    sent: Rc<Sent>,
    /// The last message of the run.
    pub(super) last: Last,
}

/// Facts by subject. Ways part and meet at every step: each fact is shared, so that a copy costs no more than counting, and
/// what both ways have from before need not be compared.
#[derive(PartialEq, Debug, Default)]
struct Facts(SmallVec<[Rc<(Subject, Domain)>; 4]>);

impl Clone for Facts {
    fn clone(&self) -> Self {
        // Behind a wait there are none.
        if self.0.is_empty() { Self::default() } else { Self(self.0.clone()) }
    }
}

impl Facts {
    fn find(&self, subject: &Subject) -> Result<usize, usize> {
        self.0.binary_search_by(|fact| fact.0.cmp(subject))
    }

    fn get(&self, subject: &Subject) -> Option<&Domain> {
        self.find(subject).ok().and_then(|at| self.0.get(at)).map(|fact| &fact.1)
    }

    fn insert(&mut self, subject: Subject, domain: Domain) {
        let at = self.find(&subject);
        let fact = Rc::new((subject, domain));
        match at {
            Ok(at) => self.0.iter_mut().skip(at).take(1).for_each(|known| *known = Rc::clone(&fact)),
            Err(at) => self.0.insert(at, fact),
        }
    }

    /// All of them and one more, in one go.
    fn with(&self, subject: Subject, domain: Domain) -> Self {
        let (at, behind) = match self.find(&subject) {
            Ok(at) => (at, at + 1),
            Err(at) => (at, at),
        };
        let mut facts = SmallVec::with_capacity(self.0.len() + 1);
        facts.extend(self.0.get(..at).unwrap_or_default().iter().cloned());
        facts.push(Rc::new((subject, domain)));
        facts.extend(self.0.get(behind..).unwrap_or_default().iter().cloned());
        Self(facts)
    }

    /// Notes that the subject now is so, if there is room.
    fn note(&mut self, subject: Subject, domain: Domain) {
        match self.find(&subject) {
            Ok(at) => {
                if let Some(known) = self.0.get_mut(at).filter(|known| known.1 != domain) {
                    *known = Rc::new((subject, domain));
                }
            }
            Err(at) if self.0.len() < MAX_FACTS => self.0.insert(at, Rc::new((subject, domain))),
            Err(_) => {}
        }
    }

    /// Whether it can be noted here, too.
    fn has_room_for(&self, subject: &Subject) -> bool {
        self.0.len() < MAX_FACTS || self.find(subject).is_ok()
    }

    fn remove(&mut self, subject: &Subject) {
        if let Ok(at) = self.find(subject) {
            self.0.remove(at);
        }
    }

    /// Keeps what both know.
    fn meet(&mut self, other: &Self) {
        if self.0.is_empty() || other.0.is_empty() {
            return self.0.clear();
        }
        let mut theirs = other.0.iter().peekable();
        self.0.retain(|mine| {
            while theirs.next_if(|their| !Rc::ptr_eq(their, mine) && their.0 < mine.0).is_some() {}
            let Some(their) = theirs.next_if(|their| Rc::ptr_eq(their, mine) || their.0 == mine.0) else {
                return false;
            };
            if Rc::ptr_eq(their, mine) || their.1 == mine.1 {
                return true;
            }
            let both = mine.1.or(&their.1).map(|both| Rc::new((mine.0.clone(), both)));
            both.map(|both| *mine = both).is_some()
        });
    }

    /// Whether they are among the others, which have them from the same place.
    fn are_among(&self, other: &Self) -> bool {
        let mut theirs = other.0.iter();
        self.0.iter().all(|mine| theirs.any(|their| Rc::ptr_eq(their, mine)))
    }
}

impl FromIterator<(Subject, Domain)> for Facts {
    fn from_iter<T: IntoIterator<Item = (Subject, Domain)>>(facts: T) -> Self {
        let mut all = Self::default();
        facts.into_iter().for_each(|(subject, domain)| all.insert(subject, domain));
        all
    }
}

/// Named messages that were sent.
#[derive(Clone, PartialEq, Debug, Default)]
struct Sent {
    /// For certain.
    certain: Handles,
    /// On some way.
    possible: Handles,
}

/// Named messages, a bit for each: long journeys name hundreds, and a copy is made wherever ways part.
#[derive(Clone, PartialEq, Debug, Default)]
struct Handles(SmallVec<[u64; 2]>);

impl Handles {
    const fn place(handle: HandleIx) -> (usize, u64) {
        (handle.index() / 64, 1 << (handle.index() % 64))
    }

    fn contains(&self, handle: HandleIx) -> bool {
        let (word, bit) = Self::place(handle);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }

    fn insert(&mut self, handle: HandleIx) {
        let (word, bit) = Self::place(handle);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0.iter_mut().skip(word).take(1).for_each(|bits| *bits |= bit);
    }

    /// Keeps those that are among the others too.
    fn intersect(&mut self, others: &Self) {
        let others = others.0.iter().chain(std::iter::repeat(&0));
        self.0.iter_mut().zip(others).for_each(|(bits, others)| *bits &= others);
    }

    /// Adds the others.
    fn unite(&mut self, others: &Self) {
        if self.0.len() < others.0.len() {
            self.0.resize(others.0.len(), 0);
        }
        self.0.iter_mut().zip(&others.0).for_each(|(bits, others)| *bits |= others);
    }
}

/// The last message that the run sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Last {
    /// There is one, whatever way led here.
    pub(super) certain: bool,
    /// There is one on some way.
    pub(super) possible: bool,
    /// Its channels, one bit each.
    channels: u8,
}

impl Last {
    pub(super) fn channels(self) -> impl Iterator<Item = Channel> {
        Channel::ALL.into_iter().filter(move |channel| self.channels & bit(*channel) != 0)
    }
}

const fn bit(channel: Channel) -> u8 {
    1 << channel as u8
}

impl State {
    /// What is known of the subject; nothing without.
    pub(super) fn known(&self, subject: &Subject) -> Option<&Domain> {
        self.facts.get(subject).or_else(|| if may_last(subject) { self.lasting.get(subject) } else { None })
    }

    /// What the subject may be.
    pub(super) fn fact(&self, subject: &Subject, ty: Option<&Type>) -> Cow<'_, Domain> {
        self.known(subject).map_or_else(|| Cow::Owned(Domain::of(ty)), Cow::Borrowed)
    }

    /// The states in which the subject is so, or so; none where it cannot be.
    pub(super) fn either(self, subject: Subject, yes: Domain, no: Domain) -> (Option<Self>, Option<Self>) {
        let with = |mut state: Self, subject, domain| {
            state.note(subject, domain);
            state
        };
        let if_no = (!no.is_empty()).then(|| with(self.clone(), subject.clone(), no));
        ((!yes.is_empty()).then(|| with(self, subject, yes)), if_no)
    }

    /// Notes that the subject now is so, whatever it was.
    pub(super) fn learn(&mut self, subject: Subject, value: Value) {
        self.note(subject, Domain::only(value));
    }

    fn note(&mut self, subject: Subject, domain: Domain) {
        if !may_last(&subject) {
            return self.facts.note(subject, domain);
        }
        if self.known(&subject) == Some(&domain) {
            return;
        }
        if !lasts(&subject, &domain) {
            self.forget_lasting(&subject);
            if self.facts.has_room_for(&subject) {
                self.facts.insert(subject, domain);
            }
            return;
        }
        self.facts.remove(&subject);
        if self.lasting.has_room_for(&subject) {
            match Rc::get_mut(&mut self.lasting) {
                Some(own) => own.insert(subject, domain),
                None => self.lasting = Rc::new(self.lasting.with(subject, domain)),
            }
        }
    }

    /// Whether anything can be noted of the subject.
    pub(super) fn has_room_for(&self, subject: &Subject) -> bool {
        self.facts.has_room_for(subject) && self.lasting.has_room_for(subject)
    }

    pub(super) fn forget(&mut self, subject: &Subject) {
        self.facts.remove(subject);
        self.forget_lasting(subject);
    }

    /// Copies what lasts only if the subject is among it.
    fn forget_lasting(&mut self, subject: &Subject) {
        if may_last(subject) && self.lasting.find(subject).is_ok() {
            Rc::make_mut(&mut self.lasting).remove(subject);
        }
    }

    /// Forgets what is known of values: others may have changed them, or it was so at another time.
    pub(super) fn forget_facts(&mut self) {
        self.facts = Facts::default();
        self.lasting = Rc::default();
    }

    /// A step changes something: what was asked of more than one value may have another answer.
    pub(super) fn forget_questions(&mut self) {
        self.keep(|subject| !matches!(subject, Subject::Question(_)));
    }

    /// Whether the subject is known to have this value.
    pub(super) fn is(&self, subject: &Subject, value: &Value) -> bool {
        self.known(subject).is_some_and(|domain| domain.is_only(value))
    }

    /// What is known of values, by subject.
    pub(super) fn facts(&self) -> impl Iterator<Item = (&Subject, &Domain)> {
        self.facts.0.iter().chain(&self.lasting.0).map(|fact| (&fact.0, &fact.1))
    }

    /// Notes that the place has a value for the rest of the way.
    pub(super) fn assume_set(&mut self, place: &Place) {
        if !self.set.contains(place) {
            Rc::make_mut(&mut self.set).insert(place.clone());
        }
    }

    pub(super) fn is_set(&self, place: &Place) -> bool {
        let answered = matches!(place, Place::Answer(slot, _, true) if self.set.contains(&Place::Slot(*slot)));
        answered || self.set.contains(place)
    }

    /// What is set of local variables.
    pub(super) fn locals(&self) -> impl Iterator<Item = &Place> {
        self.set.iter().filter(|place| matches!(place, Place::Slot(_) | Place::Answer(..)))
    }

    /// An answer is asked for: what is known of the one before is known no more.
    pub(super) fn no_answer(&mut self, slot: SlotIx) {
        let of = |place: &Place| match place {
            Place::Slot(of) | Place::Answer(of, ..) => *of == slot,
            _ => false,
        };
        if self.set.iter().any(of) {
            Rc::make_mut(&mut self.set).retain(|place| !of(place));
        }
        self.keep(|subject| !matches!(subject, Subject::Place(place) | Subject::IsSet(place) if of(place)));
    }

    /// The run begins: what is known of the fields of the event is now known of the trigger.
    #[must_use]
    pub(super) fn started(mut self) -> Self {
        self.forget_questions();
        let is_field = |place: &Place| matches!(place, Place::Field(_));
        let of_field = |subject: &Subject| match subject {
            Subject::Place(place) | Subject::IsSet(place) => is_field(place),
            _ => false,
        };
        if !self.set.iter().any(is_field) && !self.facts().any(|(subject, _)| of_field(subject)) {
            return self;
        }
        let renamed = |place: &Place| match place {
            Place::Field(name) => Place::Trigger(name.clone()),
            other => other.clone(),
        };
        self.set = Rc::new(self.set.iter().map(renamed).collect());
        let (lasting, facts): (Vec<_>, Vec<_>) = self
            .facts()
            .map(|(subject, domain)| {
                let subject = match subject {
                    Subject::Place(place) => Subject::Place(renamed(place)),
                    Subject::IsSet(place) => Subject::IsSet(renamed(place)),
                    other => other.clone(),
                };
                (subject, domain.clone())
            })
            .partition(|(subject, domain)| lasts(subject, domain));
        self.facts = facts.into_iter().collect();
        self.lasting = Rc::new(lasting.into_iter().collect());
        self
    }

    /// Forgets what is known of the fields of the event at hand.
    #[must_use]
    pub(super) fn without_fields(mut self) -> Self {
        let field = |place: &Place| matches!(place, Place::Field(_));
        if self.set.iter().any(field) {
            Rc::make_mut(&mut self.set).retain(|place| !field(place));
        }
        self.keep(|subject| match subject {
            Subject::Place(place) | Subject::IsSet(place) => !field(place),
            Subject::Question(_) => false,
            _ => true,
        });
        self
    }

    /// Time goes by: others may have changed everything but what the run was started with and what has happened.
    pub(super) fn wait(&mut self) {
        self.facts.0.clear();
    }

    /// The place is reached again, after these messages may have been sent.
    pub(super) fn come_again(&mut self, sent: impl Iterator<Item = HandleIx>, sends: bool) {
        self.forget_facts();
        sent.for_each(|handle| self.sent_on_some_way(handle));
        if sends {
            self.last.possible = true;
            self.last.channels = u8::MAX;
        }
    }

    /// A message is sent, under this name. It may have to wait for its window.
    pub(super) fn send(&mut self, handle: Option<HandleIx>, channels: impl Iterator<Item = Channel>) {
        self.wait();
        self.keep(|subject| match subject {
            Subject::Status(_, Asked::Handle(h)) => Some(*h) != handle,
            Subject::Status(_, Asked::Last) => false,
            _ => true,
        });
        handle.into_iter().for_each(|handle| self.assume_sent(handle));
        self.last = Last { certain: true, possible: true, channels: channels.fold(0, |all, c| all | bit(c)) };
    }

    fn keep(&mut self, stays: impl Fn(&Subject) -> bool) {
        self.facts.0.retain(|fact| stays(&fact.0));
        if !self.lasting.0.iter().all(|fact| stays(&fact.0)) {
            let kept = self.lasting.0.iter().filter(|fact| stays(&fact.0)).cloned();
            self.lasting = Rc::new(Facts(kept.collect()));
        }
    }

    /// Takes the message as sent.
    pub(super) fn assume_sent(&mut self, handle: HandleIx) {
        if !self.is_sent(handle) {
            let sent = Rc::make_mut(&mut self.sent);
            sent.certain.insert(handle);
            sent.possible.insert(handle);
        }
    }

    /// Takes these messages as sent.
    pub(super) fn assume_all_sent(&mut self, handles: impl Iterator<Item = HandleIx>) {
        let sent = Rc::make_mut(&mut self.sent);
        handles.for_each(|handle| {
            sent.certain.insert(handle);
            sent.possible.insert(handle);
        });
    }

    fn sent_on_some_way(&mut self, handle: HandleIx) {
        if !self.may_be_sent(handle) {
            Rc::make_mut(&mut self.sent).possible.insert(handle);
        }
    }

    /// Takes a last message as given.
    pub(super) const fn assume_last(&mut self) {
        self.last.certain = true;
        self.last.possible = true;
    }

    pub(super) fn is_sent(&self, handle: HandleIx) -> bool {
        self.sent.certain.contains(handle)
    }

    pub(super) fn may_be_sent(&self, handle: HandleIx) -> bool {
        self.sent.possible.contains(handle)
    }

    fn meet_facts(&mut self, other: &Self) {
        // What lasts on one way only may be known as something fleeting on the other.
        let mixed = |fleeting: &Facts, lasting: &Facts| -> Vec<(Subject, Domain)> {
            if fleeting.0.is_empty() || lasting.0.is_empty() {
                return Vec::new();
            }
            let could = fleeting.0.iter().filter(|fact| may_last(&fact.0));
            could.filter_map(|fact| Some((fact.0.clone(), fact.1.or(lasting.get(&fact.0)?)?))).collect()
        };
        let mut both = mixed(&self.facts, &other.lasting);
        both.extend(mixed(&other.facts, &self.lasting));
        self.facts.meet(&other.facts);
        if !Rc::ptr_eq(&self.lasting, &other.lasting) {
            if other.lasting.are_among(&self.lasting) {
                self.lasting = Rc::clone(&other.lasting);
            } else if !self.lasting.are_among(&other.lasting) {
                Rc::make_mut(&mut self.lasting).meet(&other.lasting);
            }
        }
        both.into_iter().for_each(|(subject, domain)| self.note(subject, domain));
    }

    /// Keeps what is known where another way comes in, too.
    fn meet(&mut self, other: &Self) {
        if !Rc::ptr_eq(&self.set, &other.set) {
            if other.set.is_subset(&self.set) {
                self.set = Rc::clone(&other.set);
            } else if !self.set.is_subset(&other.set) {
                Rc::make_mut(&mut self.set).retain(|place| other.set.contains(place));
            }
        }
        self.meet_facts(other);
        if !Rc::ptr_eq(&self.sent, &other.sent) {
            let sent = Rc::make_mut(&mut self.sent);
            sent.certain.intersect(&other.sent.certain);
            sent.possible.unite(&other.sent.possible);
        }
        self.last = Last {
            certain: self.last.certain && other.last.certain,
            possible: self.last.possible || other.last.possible,
            channels: self.last.channels | other.last.channels,
        };
    }
}

/// Whether anything that is known of the subject can stay known while time goes by.
const fn may_last(subject: &Subject) -> bool {
    matches!(
        subject,
        Subject::Place(Place::Trigger(_) | Place::Slot(_) | Place::Answer(..))
            | Subject::IsSet(Place::Trigger(_))
            | Subject::Status(..)
            | Subject::Count(_)
    )
}

/// Whether what is known of the subject stays known while time goes by.
fn lasts(subject: &Subject, domain: &Domain) -> bool {
    match subject {
        Subject::Status(..) => domain.is_only(&Value::Bool(true)),
        // What happened has happened: only that it happened at least so often stays true.
        Subject::Count(_) => domain.is_lower_bound(),
        _ => may_last(subject),
    }
}

/// What is known where all these ways meet; nothing leads there if there is none.
pub(super) fn meet(ways: impl IntoIterator<Item = Option<State>>) -> Option<State> {
    let mut all = Ways::default();
    ways.into_iter().for_each(|way| all.push(way));
    all.meet()
}

/// Ways that lead to one place.
#[derive(Default)]
pub(super) struct Ways(Option<State>);

impl Ways {
    /// One more, if something leads along it.
    pub(super) fn push(&mut self, way: Option<State>) {
        match (&mut self.0, way) {
            (Some(known), Some(way)) => known.meet(&way),
            (Some(_), None) => {}
            (none, way) => *none = way,
        }
    }

    /// What is known where they meet; nothing leads there without any.
    pub(super) fn meet(self) -> Option<State> {
        self.0
    }
}
