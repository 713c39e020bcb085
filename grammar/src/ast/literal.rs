//! What a literal's text says.

/// The text that a string token stands for; none if it is malformed.
pub fn string_value(token: &str) -> Option<String> {
    let inner = token.strip_prefix('"')?.strip_suffix('"')?;
    let mut value = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        value.push(match character {
            '\\' => match characters.next()? {
                'n' => '\n',
                escaped => escaped,
            },
            plain => plain,
        });
    }
    Some(value)
}

/// The unit of a part of a duration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Unit {
    /// `s`
    Second,
    /// `m`
    Minute,
    /// `h`
    Hour,
    /// `d`
    Day,
    /// `w`
    Week,
    /// `mo`
    Month,
    /// `y`
    Year,
}

/// A duration's parts as written: `1d12h` is a day and twelve hours. None if it is malformed or a number is too large.
pub fn duration_parts(token: &str) -> Option<Vec<(u64, Unit)>> {
    let (first, mut rest) = duration_part(token)?;
    let mut parts = vec![first];
    while !rest.is_empty() {
        let (part, after) = duration_part(rest)?;
        parts.push(part);
        rest = after;
    }
    Some(parts)
}

/// The first part of a duration, and what stands behind it.
pub fn duration_part(token: &str) -> Option<((u64, Unit), &str)> {
    let digits = token.bytes().position(|byte| !byte.is_ascii_digit())?;
    let (number, after) = token.split_at_checked(digits)?;
    let length = after.bytes().position(|byte| byte.is_ascii_digit()).unwrap_or(after.len());
    let (unit, after) = after.split_at_checked(length)?;
    let unit = match unit {
        "s" => Unit::Second,
        "m" => Unit::Minute,
        "h" => Unit::Hour,
        "d" => Unit::Day,
        "w" => Unit::Week,
        "mo" => Unit::Month,
        "y" => Unit::Year,
        _ => return None,
    };
    Some(((number.parse().ok()?, unit), after))
}

/// Hour and minute of a time token, if there is such a time.
pub fn time_parts(token: &str) -> Option<(u32, u32)> {
    let colon = token.bytes().position(|byte| byte == b':')?;
    let (hour, minute) = (token.get(..colon)?, token.get(colon + 1..)?);
    let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some((hour, minute))
}

/// Year, month and day of a date token as written; whether there is such a day is for the calendar to say.
pub fn date_parts(token: &str) -> Option<(i32, u32, u32)> {
    let mut parts = token.split('-');
    let year = parts.next()?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some((year, month, day))
}

#[cfg(test)]
mod tests {
    use super::{Unit, date_parts, duration_parts, string_value, time_parts};

    #[test]
    fn literals_say_what_they_say() {
        assert_eq!(string_value(r#""a \"b\" \\ \{ \n""#).as_deref(), Some("a \"b\" \\ { \n"));
        assert_eq!(string_value("\"open"), None);
        assert_eq!(duration_parts("1mo2d30m"), Some(vec![(1, Unit::Month), (2, Unit::Day), (30, Unit::Minute)]));
        assert_eq!(duration_parts("3days"), None);
        assert_eq!(duration_parts("99999999999999999999d"), None);
        assert_eq!(time_parts("9:05"), Some((9, 5)));
        assert_eq!(time_parts("24:00"), None);
        assert_eq!(date_parts("2026-03-01"), Some((2026, 3, 1)));
    }
}
