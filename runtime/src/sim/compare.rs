//! Who would have received what: two runs of the same inputs, message by message.

use std::collections::BTreeMap;

use journey_bytecode::Instant;
use smol_str::SmolStr;

/// A message that a contact received.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Received {
    /// Who received it.
    pub contact: SmolStr,
    /// Its channel's name.
    pub channel: SmolStr,
    /// Its name.
    pub message: SmolStr,
    /// When.
    pub at: Instant,
}

/// How two runs differ.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Comparison {
    /// What contacts receive otherwise, by contact and moment.
    pub differences: Vec<Difference>,
    /// Each message, by channel and name.
    pub messages: Vec<MessageTotals>,
}

/// A message that only one of two runs sends to a contact, or that comes at another time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Whose.
    pub contact: SmolStr,
    /// Its channel's name.
    pub channel: SmolStr,
    /// Its name.
    pub message: SmolStr,
    /// When it comes before; not at all without.
    pub before: Option<Instant>,
    /// When it comes after; not at all without.
    pub after: Option<Instant>,
}

impl Difference {
    /// Where it is told.
    fn place(&self) -> (&str, Option<Instant>, &str, &str) {
        (&self.contact, self.after.or(self.before), &self.channel, &self.message)
    }
}

/// How often a message comes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MessageTotals {
    /// Its channel's name.
    pub channel: SmolStr,
    /// Its name.
    pub message: SmolStr,
    /// How often before.
    pub before: u64,
    /// How often after.
    pub after: u64,
    /// How often only before.
    pub gone: u64,
    /// How often only after.
    pub new: u64,
    /// How often at another time.
    pub moved: u64,
}

impl Comparison {
    /// Compares what was received before and after. A message that comes at the same moment is the same one; those that are
    /// left are taken together in the order of their moments.
    pub fn of(before: &[Received], after: &[Received]) -> Self {
        type Moments = (Vec<Instant>, Vec<Instant>);
        let mut by_contact: BTreeMap<(&str, &str, &str), Moments> = BTreeMap::new();
        fn key(received: &Received) -> (&str, &str, &str) {
            (&received.contact, &received.channel, &received.message)
        }
        for received in before {
            by_contact.entry(key(received)).or_default().0.push(received.at);
        }
        for received in after {
            by_contact.entry(key(received)).or_default().1.push(received.at);
        }
        let mut totals: BTreeMap<(&str, &str), MessageTotals> = BTreeMap::new();
        let mut differences = Vec::new();
        for ((contact, channel, message), (mut before, mut after)) in by_contact {
            let total = totals.entry((channel, message)).or_insert_with(|| MessageTotals {
                channel: channel.into(),
                message: message.into(),
                ..MessageTotals::default()
            });
            total.before += before.len() as u64;
            total.after += after.len() as u64;
            (before, after) = (without(&before, &after), without(&after, &before));
            for place in 0..before.len().max(after.len()) {
                let (before, after) = (before.get(place).copied(), after.get(place).copied());
                match (before, after) {
                    (Some(_), Some(_)) => total.moved += 1,
                    (Some(_), None) => total.gone += 1,
                    (None, _) => total.new += 1,
                }
                let (contact, channel, message) = (contact.into(), channel.into(), message.into());
                differences.push(Difference { contact, channel, message, before, after });
            }
        }
        differences.sort_by(|a, b| a.place().cmp(&b.place()));
        Self { differences, messages: totals.into_values().collect() }
    }

    /// What each contact receives otherwise; none is empty.
    pub fn by_contact(&self) -> impl Iterator<Item = &[Difference]> {
        self.differences.chunk_by(|a, b| a.contact == b.contact)
    }

    /// How many contacts receive something else.
    pub fn contacts(&self) -> usize {
        self.by_contact().count()
    }
}

/// The moments that are not among others, each as often as it comes more often; sorted.
fn without(moments: &[Instant], others: &[Instant]) -> Vec<Instant> {
    let mut counts: BTreeMap<Instant, usize> = BTreeMap::new();
    for moment in others {
        *counts.entry(*moment).or_default() += 1;
    }
    let mut left: Vec<Instant> = moments.to_vec();
    left.sort_unstable();
    left.retain(|moment| match counts.get_mut(moment).filter(|count| **count > 0) {
        Some(count) => {
            *count -= 1;
            false
        }
        None => true,
    });
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(contact: &str, message: &str, at: i64) -> Received {
        Received { contact: contact.into(), channel: "email".into(), message: message.into(), at: Instant(at) }
    }

    fn told(before: &[(&str, &str, i64)], after: &[(&str, &str, i64)]) -> Vec<String> {
        let list =
            |given: &[(&str, &str, i64)]| -> Vec<_> { given.iter().map(|(c, m, at)| received(c, m, *at)).collect() };
        let moment = |at: Option<Instant>| at.map_or_else(|| "-".to_owned(), |at| at.0.to_string());
        let compared = Comparison::of(&list(before), &list(after));
        let line = |d: &Difference| format!("{} {} {} {}", d.contact, d.message, moment(d.before), moment(d.after));
        compared.differences.iter().map(line).collect()
    }

    #[test]
    fn what_comes_at_the_same_moment_is_the_same() {
        assert!(told(&[("ada", "a", 1), ("bo", "a", 2)], &[("bo", "a", 2), ("ada", "a", 1)]).is_empty());
        // Twice at one moment is once too often.
        assert_eq!(told(&[("ada", "a", 1), ("ada", "a", 1)], &[("ada", "a", 1)]), ["ada a 1 -"]);
        // The one that is gone is the one whose moment nobody has.
        assert_eq!(told(&[("ada", "a", 1), ("ada", "a", 9)], &[("ada", "a", 9)]), ["ada a 1 -"]);
    }

    #[test]
    fn what_is_left_is_taken_together_in_order() {
        let before = [("bo", "a", 5), ("ada", "a", 1), ("ada", "b", 4)];
        let after = [("ada", "a", 3), ("ada", "a", 2), ("bo", "c", 5)];
        assert_eq!(told(&before, &after), ["ada a 1 2", "ada a - 3", "ada b 4 -", "bo a 5 -", "bo c - 5"]);
        let compared = Comparison::of(
            &before.map(|(contact, message, at)| received(contact, message, at)),
            &after.map(|(contact, message, at)| received(contact, message, at)),
        );
        assert_eq!(compared.contacts(), 2);
        let counts: Vec<_> = compared.messages.iter().map(|m| (m.before, m.after, m.gone, m.new, m.moved)).collect();
        assert_eq!(counts, [(2, 2, 1, 1, 1), (1, 0, 1, 0, 0), (0, 1, 0, 1, 0)]);
    }
}
