//! The filters that templates may use. Their names are in [`journey_bytecode::FILTERS`], and nothing else is there.

use std::cell::Cell;

use journey_bytecode::{FILTERS, Instant, Money, Value};
use minijinja::value::Rest;
use minijinja::{Environment, Error, ErrorKind, State, filters as builtin};

use super::locale::{Locale, plural_form};
use super::values::{Quantity, to_number};
use crate::core::contact::ContactId;

/// For whom a message is rendered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) contact: ContactId,
    pub(crate) language: Option<&'a str>,
    pub(crate) locale: Locale,
}

#[derive(Clone, Copy)]
struct Current {
    contact: ContactId,
    /// The language's tag, for the plural's rule.
    language: [u8; 2],
    locale: Locale,
}

thread_local! {
    // Filters see the template's state alone, and inside a macro not even its variables. Rendering never leaves its
    // thread, so the reader stands beside it.
    static READER: Cell<Option<Current>> = const { Cell::new(None) };
}

/// Renders for a reader.
pub(crate) fn reading<T>(reader: &Reader<'_>, render: impl FnOnce() -> T) -> T {
    struct Reset(Option<Current>);
    impl Drop for Reset {
        fn drop(&mut self) {
            READER.set(self.0);
        }
    }
    let language = reader.language.unwrap_or("en").as_bytes();
    let language = language.first_chunk::<2>().copied().unwrap_or(*b"en").map(|byte| byte.to_ascii_lowercase());
    let current = Current { contact: reader.contact, language, locale: reader.locale };
    let _reset = Reset(READER.replace(Some(current)));
    render()
}

fn reader() -> Result<Current, Error> {
    READER.get().ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "this filter needs a reader"))
}

/// Adds the filters, each name of [`FILTERS`] once.
pub(crate) fn add(env: &mut Environment<'_>) {
    for name in FILTERS {
        match *name {
            "capitalize" => env.add_filter(*name, builtin::capitalize),
            "date" => env.add_filter(*name, date),
            "default" => env.add_filter(*name, builtin::default),
            "e" | "escape" => env.add_filter(*name, builtin::escape),
            "first" => env.add_filter(*name, builtin::first),
            "int" => env.add_filter(*name, builtin::int),
            "join" => env.add_filter(*name, builtin::join),
            "last" => env.add_filter(*name, builtin::last),
            "length" => env.add_filter(*name, builtin::length),
            "lower" => env.add_filter(*name, builtin::lower),
            "money" => env.add_filter(*name, money),
            "one_of" => env.add_filter(*name, one_of),
            "plural" => env.add_filter(*name, plural),
            "replace" => env.add_filter(*name, builtin::replace),
            "reverse" => env.add_filter(*name, builtin::reverse),
            "round" => env.add_filter(*name, builtin::round),
            "sort" => env.add_filter(*name, builtin::sort),
            "title" => env.add_filter(*name, builtin::title),
            "trim" => env.add_filter(*name, builtin::trim),
            "unique" => env.add_filter(*name, builtin::unique),
            "upper" => env.add_filter(*name, builtin::upper),
            _ => {}
        }
    }
}

fn wrong(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}

fn undefined(filter: &str) -> Error {
    Error::new(ErrorKind::UndefinedError, format!("what `{filter}` is applied to has no value"))
}

/// `{{ starts_at | date }}`, `{{ starts_at | date("full") }}`, `{{ starts_at | date("%d.%m.%Y") }}`: in the reader's
/// zone and language.
fn date(_: &State, value: &minijinja::Value, format: Option<&str>) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(undefined("date"));
    }
    let locale = reader()?.locale;
    let quantity = value.downcast_object_ref::<Quantity>().map(|quantity| &quantity.value);
    let (wall, usual) = match quantity {
        Some(Value::Instant(Instant(i64::MAX))) => return Err(wrong("`date`: this moment never comes")),
        Some(Value::Instant(at)) => (locale.wall(*at), "long"),
        Some(Value::Local(wall)) => (*wall, "long"),
        Some(Value::Date(date)) => (crate::time::wall_of_date(*date), "long"),
        Some(Value::Time(time)) => (i64::from(time.0) * 1000, "time"),
        _ => return Err(wrong("`date` is for dates, times and moments")),
    };
    locale.date_time(wall, format.unwrap_or(usual)).map_err(|cause| wrong(format!("`date`: {cause}")))
}

/// `{{ amount | money }}` of money, `{{ price | money("EUR") }}` of a number.
fn money(_: &State, value: &minijinja::Value, currency: Option<&str>) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(undefined("money"));
    }
    let quantity = value.downcast_object_ref::<Quantity>().map(|quantity| &quantity.value);
    let locale = reader()?.locale;
    if let Some(Value::Money(money)) = quantity {
        return match currency {
            Some(other) if other != money.currency => Err(wrong(format!(
                "`money`: the amount is in {}, and nothing here converts it to {other}",
                money.currency
            ))),
            _ => Ok(locale.money(money)),
        };
    }
    let amount = to_number(value).ok_or_else(|| wrong("`money` is for money and numbers"))?;
    let currency = currency.ok_or_else(|| wrong("`money` of a number needs its currency, as `money(\"EUR\")`"))?;
    Ok(locale.money(&Money { amount, currency: currency.into() }))
}

/// `{{ count | plural("item", "items") }}`: the word that stands beside the number (or a list of that length), without the
/// number; three forms for languages that have one, few and many.
fn plural(_: &State, value: &minijinja::Value, forms: Rest<String>) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(undefined("plural"));
    }
    let number = match to_number(value) {
        Some(number) => number,
        None => {
            let length = value.len().filter(|_| value.as_str().is_none());
            let length = length.ok_or_else(|| wrong("`plural` is for numbers and lists"))?;
            journey_bytecode::Number::from_int(i64::try_from(length).unwrap_or(i64::MAX))
        }
    };
    if !(2..=3).contains(&forms.len()) {
        return Err(wrong("`plural` needs the forms for one and for many, as `plural(\"item\", \"items\")`"));
    }
    let language = reader()?.language;
    let form = plural_form(std::str::from_utf8(&language).ok(), number, forms.len());
    Ok(forms.get(form).cloned().unwrap_or_default())
}

/// `{{ ["Hi", "Hello"] | one_of }}` or `{{ "Hi" | one_of("Hello") }}`: varies from contact to contact, and stays the same
/// for one contact from send to send.
fn one_of(_: &State, value: &minijinja::Value, others: Rest<minijinja::Value>) -> Result<minijinja::Value, Error> {
    if value.is_undefined() {
        return Err(undefined("one_of"));
    }
    let mut choices: Vec<minijinja::Value> = match value.as_str() {
        Some(_) => vec![value.clone()],
        None => value.try_iter()?.collect(),
    };
    choices.extend(others.iter().cloned());
    let mut hash = blake3::Hasher::new();
    hash.update(&reader()?.contact.0.to_be_bytes());
    for choice in &choices {
        // Two places with other phrases choose independently.
        let text = choice.to_string();
        hash.update(&(text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    let draw = u64::from_be_bytes(hash.finalize().as_bytes().first_chunk::<8>().copied().unwrap_or_default());
    let place = draw.checked_rem(choices.len() as u64).ok_or_else(|| wrong("`one_of` needs at least one choice"))?;
    Ok(choices.swap_remove(place as usize))
}
