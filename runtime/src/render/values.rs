//! Our values as templates see them. Money, dates and times know how their reader writes them.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use journey_bytecode::{Number, Span, Value};
use minijinja::value::{DynObject, Enumerator, Object, ObjectRepr};
use smol_str::SmolStr;

use super::locale::Locale;

/// A value that templates have no type for: money, a moment, a day, a time of day, a duration.
#[derive(Debug)]
pub(crate) struct Quantity {
    pub(crate) value: Value,
    locale: Locale,
}

impl Object for Quantity {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<minijinja::Value> {
        match (&self.value, key) {
            (Value::Money(money), "amount") => Some(number(money.amount)),
            (Value::Money(money), "currency") => Some(minijinja::Value::from(money.currency.as_str())),
            _ => None,
        }
    }

    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Self>()?;
        // Sorting needs a total order: what cannot be compared goes by its text.
        Some(
            self.value
                .order(&other.value)
                .unwrap_or_else(|| format!("{:?}", self.value).cmp(&format!("{:?}", other.value))),
        )
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let locale = &self.locale;
        f.write_str(&match &self.value {
            Value::Money(money) => locale.money(money),
            Value::Instant(at) => locale.moment(locale.wall(*at)),
            Value::Local(wall) => locale.moment(*wall),
            Value::Date(date) => locale.long_date(*date),
            Value::Time(time) => locale.time(*time),
            Value::Span(span) => span_text(*span),
            _ => String::new(),
        })
    }
}

/// A record: what is unset in it is undefined.
#[derive(Debug)]
struct Record {
    fields: Arc<[(SmolStr, Value)]>,
    locale: Locale,
}

impl Object for Record {
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<minijinja::Value> {
        let (_, value) = self.fields.iter().find(|(name, _)| name == key)?;
        value.is_set().then(|| to_template(value, self.locale))
    }

    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let set = self.fields.iter().filter(|(_, value)| value.is_set());
        Enumerator::Values(set.map(|(name, _)| minijinja::Value::from(name.as_str())).collect())
    }
}

/// The variables of one rendering.
#[derive(Debug)]
pub(crate) struct Variables {
    /// The variables that the message carries: a record.
    pub(crate) data: Value,
    /// The built-in ones that have a value here.
    pub(crate) builtins: Vec<(&'static str, minijinja::Value)>,
    /// How its reader writes.
    pub(crate) locale: Locale,
}

impl Object for Variables {
    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<minijinja::Value> {
        if let Some((_, value)) = self.builtins.iter().find(|(name, _)| *name == key) {
            return Some(value.clone());
        }
        let value = match self.data.field(key) {
            // Whoever writes `contact.plan` means the attribute, also where the data holds it bare alone.
            Value::Unset if key == "contact" => self.data.clone(),
            value => value,
        };
        value.is_set().then(|| to_template(&value, self.locale))
    }

    fn get_value(self: &Arc<Self>, key: &minijinja::Value) -> Option<minijinja::Value> {
        self.get_value_by_str(key.as_str()?)
    }
}

/// The value as a template sees it.
pub(crate) fn to_template(value: &Value, locale: Locale) -> minijinja::Value {
    match value {
        Value::Unset => minijinja::Value::UNDEFINED,
        Value::Bool(truth) => minijinja::Value::from(*truth),
        Value::Number(n) => number(*n),
        Value::Text(text) => minijinja::Value::from(text.as_str()),
        Value::List(items) => items.iter().map(|item| to_template(item, locale)).collect(),
        Value::Record(fields) => minijinja::Value::from_object(Record { fields: Arc::clone(fields), locale }),
        Value::Money(_) | Value::Instant(_) | Value::Date(_) | Value::Time(_) | Value::Local(_) | Value::Span(_) => {
            minijinja::Value::from_object(Quantity { value: value.clone(), locale })
        }
    }
}

/// A number as templates count: whole where it is.
fn number(n: Number) -> minijinja::Value {
    if n.0 % Number::SCALE == 0 {
        minijinja::Value::from(n.0 / Number::SCALE)
    } else {
        minijinja::Value::from(n.0 as f64 / Number::SCALE as f64)
    }
}

/// A template's number as ours: rounded at the sixth place, saturating.
pub(crate) fn to_number(value: &minijinja::Value) -> Option<Number> {
    if let Some(whole) = value.as_i64() {
        return Some(Number::from_int(whole));
    }
    let float = f64::try_from(value.clone()).ok().filter(|_| value.is_number())?;
    Some(Number((float * Number::SCALE as f64).round() as i64))
}

/// A duration as the language writes it: `1mo2d3h`.
fn span_text(span: Span) -> String {
    let millis = span.millis.unsigned_abs();
    let parts = [
        (u64::from(span.months.unsigned_abs()) / 12, "y"),
        (u64::from(span.months.unsigned_abs()) % 12, "mo"),
        (u64::from(span.days.unsigned_abs()), "d"),
        (millis / 3_600_000, "h"),
        (millis / 60_000 % 60, "m"),
        (millis / 1_000 % 60, "s"),
    ];
    let text: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}
