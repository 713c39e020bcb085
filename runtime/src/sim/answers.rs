//! What other systems answer on a virtual clock: something that their types allow, and the same in every run.

use std::sync::Arc;

use journey_bytecode::{Date, Field, Instant, Money, Number, Span, Time, Type, Value};
use smol_str::SmolStr;

use crate::render::{Content, Rendered};
use crate::send::{Settle, Transport, Verdict};
use crate::track::BoxFuture;

/// One in so many fields that may be missing is.
const MISSING: u64 = 4;

/// Hands calls to another transport, such as one that writes files, and answers them itself.
pub struct MadeUp(Arc<dyn Transport>);

impl std::fmt::Debug for MadeUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeUp").finish_non_exhaustive()
    }
}

impl MadeUp {
    /// Calls go this way.
    pub fn new(way: Arc<dyn Transport>) -> Self {
        Self(way)
    }
}

impl Transport for MadeUp {
    fn deliver_each<'a>(&'a self, batch: &'a [Rendered], settle: &'a dyn Settle) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let verdicts = self.0.deliver(batch).await;
            for (place, (verdict, rendered)) in verdicts.into_iter().zip(batch).enumerate() {
                let verdict = match (&rendered.content, verdict) {
                    (Content::Call(call), Verdict::Delivered { .. }) => {
                        Verdict::Answered { answer: answer(rendered, &call.answer) }
                    }
                    (_, verdict) => verdict,
                };
                settle.settle(place, verdict).await;
            }
        })
    }
}

fn answer(rendered: &Rendered, fields: &[Field]) -> Value {
    let given = fields.iter().filter_map(|field| {
        let seed = [rendered.message.as_str(), &field.name, &rendered.to, &rendered.id.number.to_string()].join("\0");
        let hash = blake3::hash(seed.as_bytes()).as_bytes().first_chunk().copied().map_or(0, u64::from_le_bytes);
        let missing = field.optional && (hash >> 32).is_multiple_of(MISSING);
        (!missing).then(|| (field.name.clone(), value(&field.ty, hash, rendered.at)))
    });
    Value::Record(given.collect())
}

/// A value of the type.
fn value(ty: &Type, draw: u64, at: Instant) -> Value {
    let upto = |most: u64| i64::try_from(draw % most.max(1)).unwrap_or(0);
    match ty {
        Type::Bool => Value::Bool(draw.is_multiple_of(2)),
        Type::Number => Value::int(upto(101)),
        Type::Text => Value::text("sample"),
        Type::Money => Value::Money(Money { amount: Number::from_int(upto(1_000)), currency: "EUR".into() }),
        Type::Date => Value::Date(Date(i32::try_from(at.0.div_euclid(86_400_000) + upto(30)).unwrap_or(0))),
        Type::Time => Value::Time(Time(9 * 3_600)),
        Type::DateTime => Value::Instant(Instant(at.0.saturating_add(upto(30) * 86_400_000))),
        Type::Duration => Value::Span(Span { months: 0, days: 1, millis: 0 }),
        Type::Email | Type::User => Value::text("sample@example.com"),
        Type::Phone => Value::text("+4930123456"),
        Type::Url => Value::text("https://example.com/"),
        Type::Country => Value::text("DE"),
        Type::Language => Value::text("de"),
        Type::TimeZone => Value::text("Europe/Berlin"),
        Type::Enum(values) => {
            let place = usize::try_from(upto(values.len() as u64)).unwrap_or(0);
            values.get(place).map_or(Value::Unset, |value| Value::Text(value.clone()))
        }
        Type::List(of) => Value::List(vec![value(of, draw, at)].into()),
        Type::Record(fields) => {
            let field = |(name, ty): &(SmolStr, Type)| (name.clone(), value(ty, draw, at));
            Value::Record(fields.iter().map(field).collect())
        }
    }
}
