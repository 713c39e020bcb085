//! What past events and messages tell.

use std::cmp::Ordering;
use std::collections::HashSet;

use journey_bytecode::{Aggregate, Clause, HistoryIx, Instant, MessagesIx, Span, Value};

use super::{Env, MAX_DEPTH, divide, field};
use crate::core::contact::PastEvent;

/// A stretch of the past.
struct Stretch {
    within: Option<Span>,
    since: Option<Instant>,
    until: Option<Instant>,
}

impl Env<'_> {
    /// Since when and until when; none if one of the moments is unset.
    fn stretch(
        &self,
        within: Option<Span>,
        since_entry: bool,
        [since, until]: [Option<Clause>; 2],
        fuel: &mut u32,
    ) -> Option<Stretch> {
        let mut moment = |clause: Option<Clause>| match clause {
            Some(clause) => self.instant(&self.value(clause, fuel)).map(Some),
            None => Some(None),
        };
        let since = moment(since)?.or(since_entry.then_some(self.frame.entered_at));
        Some(Stretch { within, since, until: moment(until)? })
    }

    fn lies_in(&self, stretch: &Stretch, at: Instant) -> bool {
        stretch.since.is_none_or(|since| at >= since)
            && stretch.until.is_none_or(|until| at < until)
            && stretch.within.is_none_or(|span| self.is_within(at, span))
    }

    /// What past events tell.
    pub(super) fn history(&self, ix: HistoryIx, fuel: &mut u32) -> Value {
        let Some(history) = self.prepared.program.histories.get(ix.index()) else { return Value::Unset };
        if self.depth >= MAX_DEPTH {
            return Value::Unset;
        }
        let Some(stretch) = self.stretch(history.within, history.since_entry, [history.since, history.until], fuel)
        else {
            return match history.aggregate {
                Aggregate::Count | Aggregate::Days | Aggregate::Distinct(_) => Value::int(0),
                _ => Value::Unset,
            };
        };
        let mut counted = self.contact.state.history.iter().filter(|past| {
            past.event == history.event
                && self.lies_in(&stretch, past.at)
                && history.filter.is_none_or(|filter| {
                    Self { event: &past.payload, depth: self.depth + 1, ..*self }.holds(filter, fuel)
                })
        });
        let count = |n: usize| Value::int(i64::try_from(n).unwrap_or(i64::MAX));
        match &history.aggregate {
            Aggregate::Count => count(counted.count()),
            Aggregate::Days => count(counted.map(|past| self.zone().today(past.at)).collect::<HashSet<_>>().len()),
            Aggregate::Distinct(name) => {
                let values = counted.map(|past| field(&past.payload, name)).filter(|value| value.is_set());
                count(values.collect::<HashSet<_>>().len())
            }
            Aggregate::Sum(field) | Aggregate::Average(field) => {
                let mut count = 0i64;
                let sum = counted.map(|past| past.payload.field(field)).filter(Value::is_set).reduce(|sum, value| {
                    count += 1;
                    self.add(&sum, &value)
                });
                match (&history.aggregate, sum) {
                    (_, None) => Value::Unset,
                    (Aggregate::Sum(_), Some(sum)) => sum,
                    (_, Some(sum)) => divide(&sum, &Value::int(count + 1)),
                }
            }
            Aggregate::Min(field) => best(counted, field, Ordering::Less),
            Aggregate::Max(field) => best(counted, field, Ordering::Greater),
            Aggregate::First(field) => counted.next().map_or(Value::Unset, |past| past.payload.field(field)),
            Aggregate::Last(field) => counted.last().map_or(Value::Unset, |past| past.payload.field(field)),
            Aggregate::FirstAt => counted.next().map_or(Value::Unset, |past| Value::Instant(past.at)),
            Aggregate::LastAt => counted.last().map_or(Value::Unset, |past| Value::Instant(past.at)),
        }
    }

    /// How many messages have what is asked for.
    pub(super) fn messages_asked(&self, ix: MessagesIx, fuel: &mut u32) -> Value {
        let Some(asked) = self.prepared.program.messages.get(ix.index()) else { return Value::Unset };
        let Some(stretch) = self.stretch(asked.within, asked.since_entry, [asked.since, asked.until], fuel) else {
            return Value::int(0);
        };
        let (messages, since) = self.messages(asked.message);
        let counted = messages.filter(|sent| {
            asked.link.as_ref().is_none_or(|link| sent.clicked.contains(link))
                && sent.status(asked.status).is_some_and(|s| s.last >= since && self.lies_in(&stretch, s.last))
        });
        Value::int(i64::try_from(counted.count()).unwrap_or(i64::MAX))
    }
}

/// The least or greatest value of a field.
fn best<'a>(counted: impl Iterator<Item = &'a PastEvent>, name: &str, wanted: Ordering) -> Value {
    counted.map(|past| field(&past.payload, name)).fold(Value::Unset, |best, value| {
        if !best.is_set() || value.order(&best) == Some(wanted) { value.clone() } else { best }
    })
}
