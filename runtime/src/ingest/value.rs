//! From JSON and CSV cells to typed values.

use journey_bytecode::{Field, Instant, Money, Number, Span, Type, Value};
use serde_json::Value as Json;
use smol_str::SmolStr;

use super::Refused;
use crate::time::{Zone, read_date, read_time, rfc3339};

/// The longest text that an attribute or field may hold, in bytes.
pub const MAX_TEXT: usize = 16 * 1024;

/// The most values that a list may hold.
pub const MAX_LIST: usize = 1_000;

/// How much of a refused value a message shows, in characters.
const MAX_SHOWN: usize = 60;

/// Reads a JSON value as a type; `null` is unset. Date-times without an offset are of the zone.
pub(super) fn read(ty: &Type, json: &Json, zone: Zone) -> Result<Value, Refused> {
    let wrong = || Refused::new(format!("expected {}, got {}", expected(ty), shown(json)));
    match (ty, json) {
        (_, Json::Null) => Ok(Value::Unset),
        (Type::Bool, Json::Bool(truth)) => Ok(Value::Bool(*truth)),
        (Type::Number, Json::Number(number)) => number_of(number).map(Value::Number).ok_or_else(wrong),
        (Type::Money, Json::Object(parts)) if parts.len() == 2 => {
            let amount = match parts.get("amount") {
                Some(Json::Number(amount)) => number_of(amount),
                Some(Json::String(amount)) => Number::parse(amount),
                _ => None,
            };
            let currency = parts.get("currency").and_then(Json::as_str).and_then(currency);
            let money = amount.zip(currency).map(|(amount, currency)| Money { amount, currency });
            money.map(Value::Money).ok_or_else(wrong)
        }
        (Type::List(of), Json::Array(values)) => {
            if values.len() > MAX_LIST {
                return Err(too_long_a_list(values.len()));
            }
            let value = |(place, value): (usize, &Json)| {
                let read = read(of, value, zone).map_err(|error| error.inside(&format!("[{place}]")))?;
                let empty = || Refused::new("a list cannot hold null").inside(&format!("[{place}]"));
                if read.is_set() { Ok(read) } else { Err(empty()) }
            };
            values.iter().enumerate().map(value).collect::<Result<Vec<_>, _>>().map(|list| Value::List(list.into()))
        }
        (Type::Record(fields), Json::Object(given)) => {
            for name in given.keys() {
                if fields.iter().all(|(field, _)| field != name) {
                    let names = fields.iter().map(|(field, _)| field.as_str());
                    return Err(Refused::unknown("field", name, names).inside(name));
                }
            }
            let field = |(name, ty): &(SmolStr, Type)| {
                let value = read(ty, given.get(name.as_str())?, zone).map_err(|error| error.inside(name));
                Some(value.map(|value| (name.clone(), value)))
            };
            fields.iter().filter_map(field).collect::<Result<Vec<_>, _>>().map(|record| Value::Record(record.into()))
        }
        (Type::Bool | Type::Number | Type::List(_) | Type::Record(_), _) => Err(wrong()),
        (_, Json::String(text)) => read_text(ty, text, zone),
        _ => Err(wrong()),
    }
}

/// Reads another system's answer: a record of these fields. Whatever else it says is left aside.
pub(crate) fn answer(fields: &[Field], body: &[u8], zone: Zone) -> Result<Value, String> {
    if fields.is_empty() {
        return Ok(Value::Record(Vec::new().into()));
    }
    let json: Json = serde_json::from_slice(body).map_err(|_| "it is not a JSON object".to_owned())?;
    let Json::Object(given) = &json else { return Err("it is not an object".to_owned()) };
    let mut record = Vec::with_capacity(fields.len());
    for Field { name, ty, optional } in fields {
        let value = given.get(name.as_str()).unwrap_or(&Json::Null);
        let value = read(ty, value, zone).map_err(|refused| refused.inside(name).to_string())?;
        match value {
            Value::Unset if *optional => {}
            Value::Unset => return Err(format!("`{name}` is missing")),
            value => record.push((name.clone(), value)),
        }
    }
    Ok(Value::Record(record.into()))
}

/// A value as JSON, which [`read`] reads back; what is unset inside a record is left out.
pub(crate) fn json_of(value: &Value) -> Json {
    match value {
        Value::Unset => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        // A number of ours is one of JSON's as it stands.
        Value::Number(number) => serde_json::from_str(&number.to_string()).unwrap_or(Json::Null),
        Value::Money(money) => serde_json::json!({
            "amount": json_of(&Value::Number(money.amount)),
            "currency": money.currency.as_str(),
        }),
        Value::Text(text) => Json::String(text.to_string()),
        Value::Instant(at) => Json::String(rfc3339(*at)),
        Value::List(values) => values.iter().map(json_of).collect(),
        Value::Record(fields) => {
            let set = fields.iter().filter(|(_, value)| value.is_set());
            Json::Object(set.map(|(name, value)| (name.to_string(), json_of(value))).collect())
        }
        other => Json::String(other.to_string()),
    }
}

/// Reads text, as a CSV cell holds it, as a type. The parts of a list stand between semicolons.
pub(super) fn read_text(ty: &Type, text: &str, zone: Zone) -> Result<Value, Refused> {
    if text.len() > MAX_TEXT {
        return Err(Refused::new(format!("the text is {} bytes long; at most {MAX_TEXT} are allowed", text.len())));
    }
    let some_text = |text: Option<SmolStr>| text.map(Value::Text);
    let value = match ty {
        Type::Bool => match text {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        Type::Number => Number::parse(text).map(Value::Number),
        Type::Text => Some(Value::text(text)),
        Type::Money => money(text).map(Value::Money),
        Type::Date => read_date(text).map(Value::Date),
        Type::Time => read_time(text).map(Value::Time),
        Type::DateTime => zone.read(text).map(Value::Instant),
        Type::Duration => span(text).map(Value::Span),
        Type::Email | Type::User => text.parse::<lettre::Address>().ok().map(|_| Value::text(text)),
        Type::Phone => some_text(phone(text)),
        Type::Url => some_text(url(text)),
        Type::Country => some_text(letters(text, 2)),
        Type::Language => some_text(language(text)),
        // A zone that nobody knows is kept as it came: the project's own takes its place, and the report counts it.
        Type::TimeZone => (!text.is_empty()).then(|| Value::text(text)),
        Type::Enum(values) => {
            if !values.iter().any(|value| value == text) {
                return Err(Refused::unknown("value", text, values.iter().map(SmolStr::as_str)));
            }
            Some(Value::text(text))
        }
        Type::List(of) => {
            let parts: Vec<_> = text.split(';').map(str::trim).filter(|part| !part.is_empty()).collect();
            if parts.len() > MAX_LIST {
                return Err(too_long_a_list(parts.len()));
            }
            let list = parts.iter().map(|part| read_text(of, part, zone)).collect::<Result<Vec<_>, _>>()?;
            Some(Value::List(list.into()))
        }
        Type::Record(_) => None,
    };
    value.ok_or_else(|| {
        Refused::new(format!("expected {}, got {}", expected(ty), shown(&Json::String(text.to_owned()))))
    })
}

/// Reads a value that nothing declares: text stays text.
pub(super) fn infer(json: &Json) -> Result<Value, Refused> {
    Ok(match json {
        Json::Null => Value::Unset,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => {
            let wrong = || Refused::new(format!("expected {}, got {number}", expected(&Type::Number)));
            Value::Number(number_of(number).ok_or_else(wrong)?)
        }
        Json::String(text) => read_text(&Type::Text, text, Zone::UTC)?,
        Json::Array(values) if values.len() > MAX_LIST => return Err(too_long_a_list(values.len())),
        Json::Array(values) => Value::List(values.iter().map(infer).collect::<Result<Vec<_>, _>>()?.into()),
        Json::Object(fields) => {
            let field = |(name, value): (&String, &Json)| {
                Ok((SmolStr::from(name), infer(value).map_err(|error: Refused| error.inside(name))?))
            };
            Value::Record(fields.iter().map(field).collect::<Result<Vec<_>, Refused>>()?.into())
        }
    })
}

/// A JSON value as a message shows it, with its kind where the look does not tell.
pub(super) fn shown(json: &Json) -> String {
    let text = json.to_string();
    let mut short: String = text.chars().take(MAX_SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    match json {
        Json::String(_) => format!("the text {short}"),
        Json::Number(_) => format!("the number {short}"),
        Json::Array(_) => format!("the list {short}"),
        Json::Object(_) => format!("the object {short}"),
        Json::Null | Json::Bool(_) => short,
    }
}

fn too_long_a_list(length: usize) -> Refused {
    Refused::new(format!("the list has {length} values; at most {MAX_LIST} are allowed"))
}

fn expected(ty: &Type) -> String {
    match ty {
        Type::Bool => "`true` or `false`".into(),
        Type::Number => "a number with at most six decimal places, as 12.5".into(),
        Type::Text => "text".into(),
        Type::Money => "an amount of money, as \"120 EUR\"".into(),
        Type::Date => "a date, as \"2026-03-31\"".into(),
        Type::Time => "a time of day, as \"09:00\"".into(),
        Type::DateTime => "a date and time, as \"2026-03-31T10:00:00+02:00\"".into(),
        Type::Duration => "a duration, as \"1d12h\"".into(),
        Type::Email => "a mail address, as \"ada@example.com\"".into(),
        Type::User => "the mail address of a person of the team, as \"ada@example.com\"".into(),
        Type::Phone => "an international phone number, as \"+4915112345678\"".into(),
        Type::Url => "a web address, as \"https://example.com/\"".into(),
        Type::Country => "a country of two letters, as \"DE\"".into(),
        Type::Language => "a language, as \"de\" or \"pt_BR\"".into(),
        Type::TimeZone => "a time zone, as \"Europe/Berlin\"".into(),
        Type::Enum(values) => format!("one of {}", values.join(", ")),
        Type::List(of) => format!("a list of {of}"),
        Type::Record(_) => "an object".into(),
    }
}

fn number_of(number: &serde_json::Number) -> Option<Number> {
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => Number::parse(&whole.to_string()),
        // `{}` of a float is its shortest decimal form, never with an exponent.
        (None, Some(float)) => Number::parse(&format!("{float}")),
        (None, None) => None,
    }
}

fn currency(text: &str) -> Option<SmolStr> {
    letters(text, 3)
}

/// So many ASCII letters, as capitals.
fn letters(text: &str, count: usize) -> Option<SmolStr> {
    let fits = text.len() == count && text.bytes().all(|b| b.is_ascii_alphabetic());
    fits.then(|| text.to_ascii_uppercase().into())
}

/// `120 EUR`, `9.99 EUR`
fn money(text: &str) -> Option<Money> {
    let (amount, code) = text.trim().split_once(' ')?;
    Some(Money { amount: Number::parse(amount)?, currency: currency(code.trim())? })
}

/// `+49 151 123-45678` as `+4915112345678`
pub(super) fn phone(text: &str) -> Option<SmolStr> {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '/' | '(' | ')')).collect();
    let number = digits.strip_prefix('+')?;
    let fits = (7..=15).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    (fits && !number.starts_with('0')).then(|| digits.into())
}

fn url(text: &str) -> Option<SmolStr> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '<' | '>'));
    (!host.is_empty() && plain).then(|| text.into())
}

/// `de`, `pt_BR`; `pt-BR` is accepted.
fn language(text: &str) -> Option<SmolStr> {
    let mut parts = text.split(['_', '-']);
    let first = parts.next()?;
    let fits = (2..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_lowercase());
    let rest = parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    (fits && rest).then(|| text.replace('-', "_").into())
}

/// `1d12h`, as in the language.
fn span(text: &str) -> Option<Span> {
    const UNITS: [(&str, Span); 7] = [
        ("y", Span { months: 12, days: 0, millis: 0 }),
        ("mo", Span { months: 1, days: 0, millis: 0 }),
        ("w", Span { months: 0, days: 7, millis: 0 }),
        ("d", Span { months: 0, days: 1, millis: 0 }),
        ("h", Span { months: 0, days: 0, millis: 3_600_000 }),
        ("m", Span { months: 0, days: 0, millis: 60_000 }),
        ("s", Span { months: 0, days: 0, millis: 1_000 }),
    ];
    let mut span = Span::default();
    let mut rest = text;
    while !rest.is_empty() {
        let number = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        let after = rest.strip_prefix(number)?;
        let unit = after.split(|c: char| c.is_ascii_digit()).next()?;
        rest = after.strip_prefix(unit)?;
        let count: i32 = number.parse().ok()?;
        let (_, one) = UNITS.iter().find(|(name, _)| *name == unit)?;
        span.months = span.months.checked_add(one.months.checked_mul(count)?)?;
        span.days = span.days.checked_add(one.days.checked_mul(count)?)?;
        span.millis = span.millis.checked_add(one.millis.checked_mul(count.into())?)?;
    }
    (!text.is_empty()).then_some(span)
}

/// The moment that an input names; without an offset, in the zone.
pub(super) fn moment(json: &Json, zone: Zone) -> Result<Instant, Refused> {
    match read(&Type::DateTime, json, zone)? {
        Value::Instant(at) => Ok(at),
        _ => Err(Refused::new(format!("expected {}, got null", expected(&Type::DateTime)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn types() -> Vec<Type> {
        vec![
            Type::Bool,
            Type::Number,
            Type::Text,
            Type::Money,
            Type::Date,
            Type::Time,
            Type::DateTime,
            Type::Duration,
            Type::Email,
            Type::Phone,
            Type::Url,
            Type::Country,
            Type::Language,
            Type::TimeZone,
            Type::User,
            Type::Enum(["free".into(), "pro".into()].into()),
            Type::List(Type::Number.into()),
            Type::Record([("name".into(), Type::Text), ("price".into(), Type::Money)].into()),
        ]
    }

    #[test]
    fn values_of_every_type() {
        let zone = Zone::parse("Europe/Berlin").unwrap();
        let json = [
            "true",
            "12",
            "0.000001",
            "1e3",
            "12.1234567",
            "1e300",
            r#""x""#,
            r#""120 EUR""#,
            r#""9.99 eur""#,
            r#"{"amount":9.5,"currency":"EUR"}"#,
            r#"{"amount":"9.5","currency":"E"}"#,
            r#""2026-02-28""#,
            r#""2026-02-30""#,
            r#""09:00""#,
            r#""24:00""#,
            r#""2026-03-02T10:00:00+01:00""#,
            r#""2026-03-02 10:00""#,
            r#""1d12h""#,
            r#""2mo""#,
            r#""99999999999d""#,
            r#""d""#,
            r#""ada@example.com""#,
            r#""ada@""#,
            r#""+49 151 123-45678""#,
            r#""0151 12345678""#,
            r#""https://example.com/a?b""#,
            r#""ftp://x""#,
            r#""de""#,
            r#""pt-BR""#,
            r#""Europe/Berlin""#,
            r#""pro""#,
            r#""prro""#,
            r#"["1"]"#,
            "[1,2.5]",
            "[1,null]",
            r#"{"name":"x","price":"1 EUR"}"#,
            r#"{"name":"x","prize":"1 EUR"}"#,
            "null",
        ];
        let mut table = String::new();
        for ty in types() {
            table.push_str(&format!("{ty}\n"));
            for json in json {
                let value = read(&ty, &serde_json::from_str(json).unwrap(), zone);
                match value {
                    Ok(value) => table.push_str(&format!("    {json} is {value:?}\n")),
                    Err(error) if json == "true" || json.contains("rr") || json.contains("iz") => {
                        table.push_str(&format!("    {json}: {error}\n"));
                    }
                    Err(_) => {}
                }
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn cells_hold_the_same_as_json() {
        let same = |ty: &Type, cell: &str, json: &str| {
            let json = read(ty, &serde_json::from_str(json).unwrap(), Zone::UTC);
            assert_eq!(read_text(ty, cell, Zone::UTC), json);
        };
        same(&Type::Bool, "true", "true");
        same(&Type::Number, "-0.5", "-0.5");
        same(&Type::List(Type::Text.into()), "a; b;", r#"["a","b"]"#);
        let list = read(&Type::List(Type::Text.into()), &serde_json::json!(["a", null]), Zone::UTC);
        assert_eq!(list.unwrap_err().to_string(), "[1]: a list cannot hold null");
    }

    proptest! {
        #[test]
        fn any_json_is_a_value_or_a_refusal(text in "\\PC{0,40}", number: f64, whole: i64) {
            let json = [Json::from(text.clone()), Json::from(number), Json::from(whole), Json::from(vec![text])];
            for json in &json {
                for ty in types() {
                    let _ = read(&ty, json, Zone::UTC);
                }
                let _ = infer(json);
            }
        }
    }
}
