//! How many segments a text message takes.

/// More segments than this are worth a word: each is paid for.
pub(super) const MAX_SEGMENTS: usize = 10;

/// What fits into one septet of a text message (GSM 03.38), beside ASCII letters, digits and these.
const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ÄÖÑÜ§¿äöñüà";

/// What takes two septets.
const GSM_TWO: &str = "^{}\\[~]|€";

/// The segments of a text, and the first character that makes all of it take the wide alphabet.
pub(super) fn segments(text: &str) -> (usize, Option<char>) {
    let septets = |c: char| match c {
        c if c.is_ascii_alphabetic() || GSM.contains(c) => Some(1),
        c if GSM_TWO.contains(c) => Some(2),
        _ => None,
    };
    let wide = text.chars().find(|&c| septets(c).is_none());
    let (length, single, several) = match wide {
        Some(_) => (text.encode_utf16().count(), 70, 67),
        None => (text.chars().filter_map(septets).sum(), 160, 153),
    };
    (if length <= single { 1 } else { length.div_ceil(several) }, wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_counted_as_providers_do() {
        assert_eq!(segments(""), (1, None));
        assert_eq!(segments(&"a".repeat(160)), (1, None));
        assert_eq!(segments(&"a".repeat(161)), (2, None));
        assert_eq!(segments(&"a".repeat(307)), (3, None));
        assert_eq!(segments(&"€".repeat(80)), (1, None));
        assert_eq!(segments(&"€".repeat(81)), (2, None));
        assert_eq!(segments(&format!("{}„", "a".repeat(69))), (1, Some('„')));
        assert_eq!(segments(&format!("{}„", "a".repeat(70))), (2, Some('„')));
        assert_eq!(segments("😀"), (1, Some('😀')));
    }
}
