//! Who wants no more of what, and at which addresses: the list that is asked before anything goes on the wire.

use std::collections::BTreeSet;

use journey_bytecode::{Channel, Instant};
use smol_str::SmolStr;

use crate::core::contact::ContactId;
use crate::core::effect::{Errand, MessageId, Outcome, Outgoing, Resubscribed};
use crate::core::input::InputKind;

/// Whether a message `o` of the outbox is unwanted by its contact, or by whoever reads what comes to its address, in SQL: said since
/// it was decided.
macro_rules! unwanted {
    () => {
        "o.marketing AND EXISTS (SELECT 1 FROM unsubscribed n
             WHERE n.contact = o.contact AND (n.topic = '' OR n.topic = o.topic)
                 AND (n.channel = '' OR n.channel = o.channel) AND n.seq > o.applied)
         OR EXISTS (SELECT 1 FROM suppressed s WHERE s.hash = o.address AND s.contact <> o.contact
             AND (s.topic = '*' OR o.marketing
                 AND s.topic IN ('', o.topic, o.channel || ':', o.channel || ':' || o.topic)
                 AND (s.contact = 0 OR NOT EXISTS (SELECT 1 FROM resubscribed r
                     WHERE r.hash = s.hash AND r.topic = o.topic AND r.at > s.at))))"
    };
}
pub(super) use unwanted;

/// Addresses of a suppression list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Their channel.
    pub channel: Channel,
    /// The addresses; only hashes of them are kept.
    pub addresses: Vec<SmolStr>,
    /// What is kept from them.
    pub keeps: Keeps,
}

/// What is kept from an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Keeps {
    /// Marketing about a topic.
    Topic(SmolStr),
    /// All marketing.
    Marketing,
    /// Everything: whoever has it said stop.
    Everything,
}

impl Keeps {
    /// As it is stored: `''` is all marketing, and no topic is called `*`.
    pub(super) fn stored(&self) -> &str {
        match self {
            Self::Topic(topic) => topic,
            Self::Marketing => "",
            Self::Everything => "*",
        }
    }
}

/// A provider's word, and what follows from it for the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heard {
    /// The provider's id of it.
    pub id: SmolStr,
    /// When it came.
    pub at: Instant,
    /// What changes.
    pub change: ListChange,
    /// The answer, which goes into the outbox with it, if anything changes or nothing was to change; its number is given then.
    pub answer: Option<Outgoing>,
}

impl Heard {
    /// Whether it is to be answered, when so many rows changed: who says again what is known has had an answer.
    pub(crate) fn is_news(&self, changed: u64) -> bool {
        changed > 0 || self.change == ListChange::Nothing
    }

    /// The answer, under the number that comes next.
    pub(super) fn answered(&self, changed: u64, number: u32) -> Option<Outgoing> {
        let answer = self.answer.clone().filter(|_| self.is_news(changed))?;
        Some(Outgoing { id: MessageId { contact: LIST, number }, ..answer })
    }
}

/// How a provider's word changes the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ListChange {
    /// Not at all.
    Nothing,
    /// Messages are kept from these addresses.
    Suppress(Listed),
    /// They may go there again.
    Lift(Listed),
}

/// For how long a provider's word is remembered, in milliseconds: no provider tells it again after so many days.
pub(super) const HEARD_FOR: i64 = 30 * 24 * 3_600 * 1_000;

/// Who has addresses suppressed that stand on a list, and gets answers that concern no contact: no contact has this number.
pub(super) const LIST: ContactId = ContactId(0);

impl Listed {
    /// Each address once, as a hash.
    pub(super) fn hashes(&self) -> BTreeSet<[u8; 16]> {
        self.addresses.iter().filter_map(|address| hash_of_address(self.channel, address)).collect()
    }
}

/// Tells addresses apart without showing them; none for what goes to no address.
pub(super) fn address_hash(outgoing: &Outgoing) -> Option<[u8; 16]> {
    // Whoever says stop gets the answer to that.
    let asks = outgoing.errand != Errand::Answer;
    hash_of_address(outgoing.channel, &outgoing.to).filter(|_| asks)
}

/// The same for an address of the contact's own: what is sent elsewhere goes to somebody else's.
pub(super) fn own_address_hash(outgoing: &Outgoing) -> Option<[u8; 16]> {
    address_hash(outgoing).filter(|_| matches!(outgoing.errand, Errand::Message))
}

/// What an input says about a topic (`''` for everything) on a channel (`''` for all): true if no more of it leaves, false if
/// it may again.
pub(super) fn words_on_topics(kind: &InputKind) -> Vec<(SmolStr, &'static str, bool)> {
    let topic_of = |topic: &Option<SmolStr>| topic.clone().unwrap_or_default();
    match kind {
        InputKind::Unsubscribe { topic } => vec![(topic_of(topic), "", true)],
        InputKind::UnsubscribeVia { topic, channel } => vec![(topic_of(topic), channel.name(), true)],
        // Nothing more leaves from here on; the rest is forgotten when the contact advances.
        InputKind::Delete => vec![(SmolStr::default(), "", true)],
        InputKind::Subscribe { topic, channel, .. } => {
            let channels = Channel::ALL.iter().filter(|known| channel.is_none_or(|only| only == **known));
            let channels = std::iter::once("").chain(channels.map(|channel| channel.name()));
            channels.map(|channel| (topic.clone(), channel, false)).collect()
        }
        // What was queued before may be what the one that joins wanted no more of.
        InputKind::Absorb { contact } => {
            let state = &contact.state;
            let topics = state.unsubscribed.iter().map(|topic| (topic.clone(), "", true));
            let all = state.unsubscribed_all.then(|| (SmolStr::default(), "", true));
            let via = state.withdrawn.iter().map(|(topic, channel)| (topic_of(topic), channel.name(), true));
            topics.chain(all).chain(via).collect()
        }
        _ => Vec::new(),
    }
}

/// How the list of addresses keeps a word on a topic and a channel: `offers`, `sms:offers`, `sms:` for everything there. Neither
/// topics nor channels have a colon in their names.
pub(super) fn suppressed_name(topic: &str, channel: &str) -> SmolStr {
    if channel.is_empty() { topic.into() } else { format!("{channel}:{topic}").into() }
}

/// The hash of an address on a channel; none for no address.
pub(super) fn hash_of_address(channel: Channel, address: &str) -> Option<[u8; 16]> {
    let address = address.trim().to_lowercase();
    let hash = blake3::hash(format!("{channel}:{address}").as_bytes());
    hash.as_bytes().first_chunk().copied().filter(|_| !address.is_empty())
}

/// The hash of an address with a topic that the contact wants to hear of there again, and since when.
pub(super) fn resubscribed(outcome: &Outcome) -> impl Iterator<Item = ([u8; 16], &SmolStr, Instant)> {
    let hash = |again: &Resubscribed| hash_of_address(again.channel, &again.address);
    outcome.resubscribed.iter().filter_map(move |again| Some((hash(again)?, &again.topic, again.at)))
}

/// The hashes of the addresses at which an erased contact's silence holds.
pub(super) fn silenced(outcome: &Outcome) -> impl Iterator<Item = [u8; 16]> {
    outcome.silenced.iter().filter_map(|(channel, address)| hash_of_address(*channel, address))
}
