//! What a step is called in reports: its own words, without their layout.

/// The longest label, in characters.
const MAX_LABEL: usize = 72;

/// The step's first words with single spaces and without comments, cut to a length that fits a line.
pub(super) fn label(head: &str) -> String {
    let mut label = String::with_capacity(head.len().min(MAX_LABEL * 4));
    let mut chars = head.chars().peekable();
    let mut quoted = false;
    let mut space = false;
    while let Some(c) = chars.next() {
        if !quoted && c == '/' && chars.peek() == Some(&'/') {
            while chars.next_if(|c| *c != '\n').is_some() {}
            space = true;
            continue;
        }
        if c.is_whitespace() {
            space = true;
            continue;
        }
        if std::mem::take(&mut space) && !label.is_empty() {
            label.push(' ');
        }
        label.push(c);
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => label.extend(chars.next()),
            _ => {}
        }
    }
    if label.chars().count() > MAX_LABEL {
        label = label.chars().take(MAX_LABEL - 1).collect();
        label.truncate(label.trim_end().len());
        label.push('…');
    }
    label
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn layout_does_not_show() {
        assert_eq!(label("if\n    opened // of all\n  story"), "if opened story");
        assert_eq!(label("send sms \"see https://x.example  now\""), "send sms \"see https://x.example now\"");
        assert_eq!(label("wait   2d"), "wait 2d");
    }

    #[test]
    fn long_ones_are_cut() {
        let long = label(&format!("send sms \"{}\"", "ä".repeat(200)));
        assert_eq!(long.chars().count(), 72);
        assert!(long.ends_with('…'));
    }
}
