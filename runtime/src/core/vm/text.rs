//! Parts in texts and lists.

use journey_bytecode::{TextMatch, Value};

/// Whether a part is found in a text, without regard to case, or a value in a list.
pub(super) fn found(how: TextMatch, whole: &Value, part: &Value) -> bool {
    match (whole, part, how) {
        (Value::List(values), part, TextMatch::Contains) => part.is_set() && values.contains(part),
        (Value::Text(text), Value::Text(part), how) => {
            let (text, part) = (text.to_lowercase(), part.to_lowercase());
            match how {
                TextMatch::Contains => text.contains(&part),
                TextMatch::StartsWith => text.starts_with(&part),
                TextMatch::EndsWith => text.ends_with(&part),
            }
        }
        _ => false,
    }
}
