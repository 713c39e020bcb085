//! The filters of templates, as they are offered.

/// A filter's name, how it is written, and what it does. Of several ways the first that fits the value is offered.
pub(super) type Filter = (&'static str, &'static [&'static str], &'static str);

pub(super) const FILTERS: &[Filter] = &[
    ("capitalize", &["capitalize"], "the first letter large"),
    ("date", &["date"], "a date or time in the reader's zone and language"),
    ("default", &["default(\"${1:there}\")"], "what stands there if there is no value"),
    ("e", &["e"], "safe in HTML, which values are anyway"),
    ("escape", &["escape"], "safe in HTML, which values are anyway"),
    ("first", &["first", "first | default(\"${1:there}\")"], "the first of a list"),
    ("int", &["int"], "without what follows the point"),
    ("join", &["join(\"${1:, }\")"], "a list as a text"),
    ("last", &["last", "last | default(\"${1:there}\")"], "the last of a list"),
    ("length", &["length"], "how many"),
    ("lower", &["lower"], "in small letters"),
    ("money", &["money", "money(\"${1:EUR}\")"], "an amount in the reader's language"),
    ("one_of", &["one_of"], "one of several, always the same for a contact"),
    ("plural", &["plural(\"${1:one}\", \"${2:many}\")"], "the word for one, or for many"),
    ("replace", &["replace(\"${1:this}\", \"${2:that}\")"], "with one text in the place of another"),
    ("reverse", &["reverse"], "from the end"),
    ("round", &["round"], "to a whole number"),
    ("sort", &["sort"], "a list in its order"),
    ("title", &["title"], "each word with a large letter"),
    ("trim", &["trim"], "without space around it"),
    ("unique", &["unique"], "a list without what it has twice"),
    ("upper", &["upper"], "in large letters"),
];

#[cfg(test)]
mod tests {
    #[test]
    fn every_filter_is_offered() {
        let offered: Vec<&str> = super::FILTERS.iter().map(|(name, ..)| *name).collect();
        assert_eq!(offered, journey_compiler::template::FILTERS);
    }
}
