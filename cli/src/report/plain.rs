//! Text of unknown origin on a terminal: what could move the cursor, change colours or turn the line around is shown
//! as a replacement character.

/// What a character is shown as.
pub(super) fn shown(c: char) -> char {
    match c {
        '\t' => '\t',
        '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' => REPLACEMENT,
        '\u{2066}'..='\u{2069}' => REPLACEMENT,
        c if c.is_control() => REPLACEMENT,
        c => c,
    }
}

/// Stands for what cannot be shown.
pub(super) const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// A text of ours that may quote source; line ends stay.
pub(super) fn text(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { c } else { shown(c) }).collect()
}
