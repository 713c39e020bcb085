//! What was probably meant: the nearest word, the number without its mistake.

/// The nearest of `words` to a misspelt `word`, if one is near enough to be believed.
pub fn nearest<'w>(word: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let length = word.chars().count();
    // Short words are near to everything: a slip in three letters is already a different word.
    let allowed = match length {
        0..=2 => 0,
        3..=5 => 1,
        6..=8 => 2,
        _ => 3,
    };
    let lower = word.to_lowercase();
    words
        .into_iter()
        .filter_map(|candidate| {
            let distance = distance(&lower, candidate, allowed)?;
            Some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words, a swap of neighbours being one; none if there are more than `limit`.
fn distance(a: &str, b: &str, limit: usize) -> Option<usize> {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    if a.len().abs_diff(b.len()) > limit {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &y) in b.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, j + 1) + 1).min(at(&row, j) + 1).min(at(&last, j) + usize::from(x != y));
            if i > 0 && j > 0 && a.get(i - 1) == Some(&y) && b.get(j - 1) == Some(&x) {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().filter(|distance| *distance <= limit)
}

/// The number that a malformed one was probably meant to be: `3days` is `3d`, `20EUR` is `20 EUR`, `1.5h` is `1h30m`,
/// `9am` is `09:00`.
pub(crate) fn number(text: &str) -> Option<String> {
    if let Some(time) = time_of_twelve_hours(text) {
        return Some(time);
    }
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (digits, unit) = text.split_at_checked(split)?;
    if unit.len() == 3 && unit.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Some(format!("{digits} {unit}"));
    }
    let unit = match unit.to_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        "w" | "wk" | "wks" | "week" | "weeks" => "w",
        "mo" | "mos" | "mon" | "month" | "months" => "mo",
        "y" | "yr" | "yrs" | "year" | "years" => "y",
        _ => return None,
    };
    let Some((whole, fraction)) = digits.split_once('.') else {
        return Some(format!("{digits}{unit}"));
    };
    let (smaller, per) = match unit {
        "m" => ("s", 60),
        "h" => ("m", 60),
        "d" => ("h", 24),
        "w" => ("d", 7),
        "y" => ("mo", 12),
        _ => return None,
    };
    let scale = 10u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let parts = fraction.parse::<u64>().ok()?.checked_mul(per)?;
    if parts % scale != 0 {
        return None;
    }
    let rest = parts / scale;
    Some(match (whole.trim_start_matches('0'), rest) {
        ("", rest) => format!("{rest}{smaller}"),
        (_, 0) => format!("{whole}{unit}"),
        (_, rest) => format!("{whole}{unit}{rest}{smaller}"),
    })
}

/// `9am`, `9:30pm`
fn time_of_twelve_hours(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let (time, add) = match lower.strip_suffix("am") {
        Some(time) => (time, 0),
        None => (lower.strip_suffix("pm")?, 12),
    };
    let (hour, minute) = time.split_once(':').unwrap_or((time, "0"));
    let (hour, minute) = (hour.parse::<u32>().ok()?, minute.parse::<u32>().ok()?);
    ((1..=12).contains(&hour) && minute < 60).then(|| format!("{:02}:{minute:02}", hour % 12 + add))
}

#[cfg(test)]
mod tests {
    use super::{nearest, number};

    #[test]
    fn the_nearest_word() {
        let words = ["send", "set", "wait", "unsubscribe", "subscribe"];
        assert_eq!(nearest("sedn", words), Some("send"));
        assert_eq!(nearest("Send", words), Some("send"));
        assert_eq!(nearest("unsubscirbe", words), Some("unsubscribe"));
        assert_eq!(nearest("follow_up", words), None);
        assert_eq!(nearest("", words), None);
    }

    #[test]
    fn the_number_that_was_meant() {
        let meant = |text| number(text).unwrap_or_default();
        assert_eq!(meant("3days"), "3d");
        assert_eq!(meant("20EUR"), "20 EUR");
        assert_eq!(meant("1.5h"), "1h30m");
        assert_eq!(meant("0.5d"), "12h");
        assert_eq!(meant("1.3w"), "");
        assert_eq!(meant("3foo"), "");
        assert_eq!(meant("9am"), "09:00");
        assert_eq!(meant("12am"), "00:00");
        assert_eq!(meant("12:05PM"), "12:05");
        assert_eq!(meant("9:30pm"), "21:30");
        assert_eq!(meant("13pm"), "");
    }
}
