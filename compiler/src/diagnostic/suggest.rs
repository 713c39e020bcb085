//! "Did you mean": the name that was probably meant.

/// The longest word that is compared; nobody types a name of such a length by hand.
const MAX_WORD: usize = 64;

/// The name nearest to a word, if one is near enough to be what was meant: upper and lower case, `-` and `_` count as
/// equal, and about one slip in three characters is allowed. Ties go to the alphabetically first. A word that only one
/// name begins with means that name.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if length == 0 || length > MAX_WORD {
        return None;
    }
    let word = fold(word);
    let names: Vec<_> = names.into_iter().map(|name| (fold(name), name)).collect();
    let near = names.iter().filter_map(|(folded, name)| {
        let other = folded.chars().count();
        let most = allowed(length.max(other));
        let distance = (other > 0 && other.abs_diff(length) <= most).then(|| strsim::osa_distance(&word, folded))?;
        (distance <= most).then_some((distance, *name))
    });
    near.min().map(|(_, name)| name).or_else(|| {
        let mut longer = names.iter().filter(|(folded, _)| length >= MIN_PREFIX && folded.starts_with(&word));
        let only = longer.next()?;
        longer.next().is_none().then_some(only.1)
    })
}

/// The shortest beginning of a name that can stand for it.
const MIN_PREFIX: usize = 4;

/// How many slips a word of this length may have.
const fn allowed(length: usize) -> usize {
    match length {
        0..=4 => 1,
        5..=8 => 2,
        _ => length / 3,
    }
}

fn fold(word: &str) -> String {
    word.chars().flat_map(char::to_lowercase).map(|c| if c == '-' { '_' } else { c }).collect()
}

/// Names as a person lists them: `a`, `a` or `b`, `a`, `b` or `c`; every name in backticks.
pub fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// Text that people wrote, in backticks: shortened, and without what would break the line or the backticks.
pub fn quote(text: &str) -> String {
    const MOST: usize = 60;
    let plain = |c: char| match c {
        '`' => '\'',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    let mut chars = text.chars().map(plain);
    let mut quoted: String = chars.by_ref().take(MOST).collect();
    if chars.next().is_some() {
        quoted.push('…');
    }
    format!("`{quoted}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised() {
        let names = ["mattress_lead", "customer", "vip", "lead", "first_name"];
        assert_eq!(nearest("mattres_lead", names), Some("mattress_lead"));
        assert_eq!(nearest("Mattress-Lead", names), Some("mattress_lead"));
        assert_eq!(nearest("custmoer", names), Some("customer"));
        assert_eq!(nearest("vpi", names), Some("vip"));
        assert_eq!(nearest("firstname", names), Some("first_name"));
        assert_eq!(nearest("mattress", names), Some("mattress_lead"), "the only one that begins so");
        assert_eq!(nearest("purchase", names), None);
        assert_eq!(nearest("x", names), None);
        assert_eq!(nearest("", names), None);
    }

    #[test]
    fn ties_go_to_the_first_by_name() {
        assert_eq!(nearest("bat", ["rat", "cat"]), Some("cat"));
        assert_eq!(nearest("bat", ["cat", "rat"]), Some("cat"));
    }

    #[test]
    fn quotes_hold() {
        assert_eq!(quote("a `b`\nc"), "`a 'b'\u{fffd}c`");
        assert_eq!(quote(&"x".repeat(61)), format!("`{}…`", "x".repeat(60)));
    }

    #[test]
    fn lists_read_well() {
        assert_eq!(one_of([]), "");
        assert_eq!(one_of(["a"]), "`a`");
        assert_eq!(one_of(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
