//! What became of all contacts and mails.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use journey_bytecode::Value;
use journey_runtime::core::contact::{Contact, ContactId};
use journey_runtime::core::effect::{TraceEntry, TraceEvent};
use journey_runtime::store::{AnyStore, Database, Store};
use journey_tests::sink::Attempt;

use crate::fleet::{Acknowledged, PINGS, Size, id, leaves};

/// A mail that is on the wire when an unsubscribe is acknowledged may come so much later.
const ON_THE_WIRE: Duration = Duration::from_secs(2);

/// The figures of one run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    name: String,
    contacts: usize,
    blows: usize,
    hold: bool,
    /// Inputs that were acknowledged, and requests that had to be sent again.
    inputs: usize,
    repeated: usize,
    /// Acknowledged inputs that left no mark.
    events_lost: usize,
    /// Contacts whose journeys did not do each of their steps exactly once.
    contacts_wrong: usize,
    /// Mails that came, each counted once.
    mails: usize,
    /// Mails that neither came nor are held, of those that must.
    mails_lost: usize,
    /// Mails that came once more.
    duplicates: usize,
    /// Copies that differ, mails with two ids, ids of two mails, and copies that no cut connection explains.
    unexplained: usize,
    /// Mails that are held, because they may have come.
    ambiguous: usize,
    /// Connections to the mail server that were cut.
    pub(crate) cut: usize,
    /// Mails of a topic that were in the outbox when the unsubscribe came, and stayed there.
    withheld: usize,
    /// Mails of a topic that came later than on the wire after the unsubscribe was acknowledged.
    after_unsubscribe: usize,
    pub(crate) shared: bool,
    pub(crate) seconds: f64,
    /// What is wrong with the first few.
    examples: Vec<String>,
}

impl Figures {
    pub(crate) fn of(name: &str, size: Size, acknowledged: &Acknowledged) -> Self {
        Self {
            name: name.to_owned(),
            contacts: size.contacts,
            blows: size.blows,
            hold: size.hold,
            inputs: acknowledged.inputs,
            repeated: acknowledged.repeated,
            ..Self::default()
        }
    }

    fn wrong(&mut self, example: impl FnOnce() -> String) {
        if self.examples.len() < 10 {
            self.examples.push(example());
        }
    }

    /// In a line.
    pub(crate) fn told(&self) -> String {
        let Self { name, contacts, blows, inputs, repeated, events_lost, contacts_wrong, mails, mails_lost, .. } = self;
        let Self { duplicates, unexplained, ambiguous, cut, after_unsubscribe, withheld, seconds, .. } = self;
        format!(
            "{name}: {contacts} contacts, {blows} blows, {inputs} inputs acknowledged ({repeated} requests repeated), \
             {events_lost} lost; {contacts_wrong} contacts with a missing or extra step; {mails} mails, {mails_lost} lost, \
             {duplicates} twice, {ambiguous} held over {cut} cut connections, {unexplained} unexplained, \
             {after_unsubscribe} after an acknowledged unsubscribe, {withheld} held back by it; {seconds:.1} s"
        )
    }

    /// As the page on reliability shows them.
    #[allow(dead_code, reason = "the small runs of the tests need no table")]
    pub(crate) fn table(all: &[Self]) -> String {
        let mut table = "| | Contacts | Blows | Acknowledged inputs lost | Contacts with a missing or extra step | Mails lost | Mails twice | Held | Mails after an unsubscribe |\n\
                         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
        for f in all {
            table.push_str(&format!(
                "| {} | {} | {} | {} of {} | {} | {} of {} | {} | {} | {} |\n",
                f.name,
                f.contacts,
                f.blows,
                f.events_lost,
                f.inputs,
                f.contacts_wrong,
                f.mails_lost,
                f.mails,
                f.duplicates,
                f.ambiguous,
                f.after_unsubscribe
            ));
        }
        table
    }

    /// Fails unless all that is promised was kept.
    pub(crate) fn hold_good(&self) {
        let Self { events_lost, contacts_wrong, mails_lost, unexplained, after_unsubscribe, .. } = self;
        let bad = [events_lost, contacts_wrong, mails_lost, unexplained, after_unsubscribe].into_iter().sum::<usize>();
        assert_eq!(bad, 0, "{}\n{:#?}", self.told(), self.examples);
        if self.hold {
            assert_eq!(self.duplicates, 0, "nobody gets a mail twice: {}", self.told());
            // One on the wire, and one announced, a connection; some of them had arrived.
            assert!(self.ambiguous <= 2 * self.cut, "{}", self.told());
        } else {
            assert!(self.ambiguous == 0 && self.duplicates <= self.cut, "{}", self.told());
        }
    }
}

/// Every contact has each mail; a mail that came twice is the same to the byte, and there are no more of them than
/// connections were cut; who unsubscribed gets none of the topic any more.
pub(crate) fn look_at_mails(
    figures: &mut Figures,
    accepted: &[Attempt],
    size: Size,
    held: &BTreeSet<(String, String)>,
    acknowledged: &Acknowledged,
) {
    let mut by_id: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
    for mail in accepted {
        by_id.entry(&mail.message_id).or_default().push(mail);
    }
    let mut there: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (id, mails) in &by_id {
        let first = mails[0];
        let same = mails.iter().all(|mail| (&mail.to, &mail.data) == (&first.to, &first.data));
        if !same {
            figures.unexplained += 1;
            figures.wrong(|| format!("{id} names two mails"));
        }
        *there.entry((first.to[0].clone(), message(&first.data))).or_default() += 1;
    }
    figures.mails = by_id.len();
    figures.duplicates = accepted.len() - by_id.len();
    figures.ambiguous = held.len();
    for ((to, message), ids) in &there {
        if *ids > 1 {
            figures.unexplained += 1;
            figures.wrong(|| format!("{message} for {to} has {ids} ids"));
        }
    }
    for n in 0..size.contacts {
        let to = format!("{}@walk.example", id(n));
        for message in ["first", "second", "third"] {
            let mail = (to.clone(), message.to_owned());
            let may_stay = message == "third" && leaves(n);
            if !may_stay && !there.contains_key(&mail) && !held.contains(&mail) {
                figures.mails_lost += 1;
                figures.wrong(|| format!("{message} for {to} is lost"));
            }
        }
    }
    // A copy that was not the last one went over a connection that a kill has cut, and no connection had two such.
    let lost = by_id.values().flat_map(|mails| mails.iter().rev().skip(1)).map(|mail| mail.connection);
    let mut of_connection: BTreeMap<usize, usize> = BTreeMap::new();
    lost.for_each(|connection| *of_connection.entry(connection).or_default() += 1);
    let shared = figures.shared;
    for (connection, copies) in of_connection.into_iter().filter(|(_, copies)| *copies > 1 && !shared) {
        figures.unexplained += copies - 1;
        figures.wrong(|| format!("{copies} mails of connection {connection} came again"));
    }
    for mail in accepted.iter().filter(|mail| message(&mail.data) == "third") {
        let Some(left) = acknowledged.left.get(&mail.to[0]) else { continue };
        let late = mail.when.saturating_duration_since(*left);
        if late > ON_THE_WIRE {
            figures.after_unsubscribe += 1;
            figures.wrong(|| format!("a mail of the topic came to {} {late:?} after the unsubscribe", mail.to[0]));
        }
    }
}

/// What a mail is called, by its subject: `First for ..`.
fn message(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    let subject = text.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default();
    subject.split(' ').next().unwrap_or_default().to_lowercase()
}

/// Every contact went through its journeys step by step, each exactly once.
pub(crate) async fn look_at_contacts(figures: &mut Figures, database: &Database, size: Size) {
    let store = AnyStore::open(database).await.unwrap();
    let counts = store.counts().await.unwrap();
    figures.events_lost += counts.pending as usize + size.contacts.saturating_sub(counts.contacts as usize);
    figures.contacts_wrong += (counts.contacts as usize).saturating_sub(size.contacts);
    // What is lost is missed where mails are looked at; these waited in the outbox when their contact unsubscribed.
    figures.withheld = counts.failed as usize;
    let (mut after, mut number) = (ContactId(0), 0);
    loop {
        let contacts = store.contacts_after(after, 1_000).await.unwrap();
        let Some(last) = contacts.last() else { break };
        after = last.id;
        for contact in &contacts {
            let lost = lost(contact);
            if lost > 0 {
                figures.events_lost += lost;
                figures.wrong(|| format!("{lost} acknowledged inputs of {} left no mark", contact.key));
            }
            let trace = store.trace(contact.id).await.unwrap();
            if let Some(wrong) = misstep(contact, &trace) {
                figures.contacts_wrong += 1;
                figures.wrong(|| format!("{}: {wrong}", contact.key));
            }
            number += 1;
        }
    }
    assert_eq!(number, counts.contacts as usize, "all contacts were looked at");
    store.close().await;
}

/// Whether a contact of this key unsubscribes.
fn key_leaves(contact: &Contact) -> bool {
    contact.key.trim_start_matches('c').parse().is_ok_and(leaves)
}

/// How many acknowledged inputs left no mark on the contact.
fn lost(contact: &Contact) -> usize {
    let pings = match contact.attributes.get("pings") {
        Some(Value::Number(number)) => usize::try_from(number.0 / 1_000_000).unwrap_or(0),
        _ => 0,
    };
    let begun = usize::from(!contact.tags.contains("begun"));
    let left = key_leaves(contact) && !contact.state.unsubscribed.contains("news");
    PINGS.saturating_sub(pings) + begun + usize::from(left)
}

const WALK: [&str; 12] =
    ["entered", "step", "sent", "step", "waiting", "woke", "step", "sent", "step", "tag", "step", "ended"];
const LETTER: [&str; 8] = ["entered", "step", "waiting", "woke", "step", "sent", "step", "ended"];
const LEFT: [&str; 4] = ["entered", "step", "waiting", "ended"];
const COUNT: [&str; 5] = ["entered", "step", "set", "step", "ended"];

/// A step that is missing or that is one too many.
fn misstep(contact: &Contact, trace: &[TraceEntry]) -> Option<String> {
    let of =
        |journey: &str| -> Vec<&str> { trace.iter().filter(|line| line.journey == journey).filter_map(told).collect() };
    let (walk, letter, count) = (of("walk"), of("letter"), of("count"));
    let letter_is_right = letter == LETTER || key_leaves(contact) && letter == LEFT;
    let active = !contact.state.runs.is_empty();
    (walk != WALK || !letter_is_right || count != COUNT.repeat(PINGS) || active)
        .then(|| format!("walk {walk:?}, letter {letter:?}, count {count:?}, active {active}"))
}

/// A line of the trace in a word; what became of messages comes when it comes.
fn told(line: &TraceEntry) -> Option<&'static str> {
    Some(match line.event {
        TraceEvent::Entered { .. } => "entered",
        TraceEvent::Step(_) => "step",
        TraceEvent::Sent { .. } => "sent",
        TraceEvent::Waiting { .. } => "waiting",
        TraceEvent::Woke { .. } => "woke",
        TraceEvent::TagAdded(_) => "tag",
        TraceEvent::AttributeSet(..) => "set",
        TraceEvent::Ended(_) => "ended",
        TraceEvent::Message { .. } => return None,
        _ => "something else",
    })
}
