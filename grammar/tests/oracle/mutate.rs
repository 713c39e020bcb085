//! Small damage to a text: tokens deleted, doubled, swapped, replaced, and characters thrown in.

use super::random::Random;
use journey_grammar::lex;

const TOKENS: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ",",
    ":",
    ".",
    "?",
    "|",
    "->",
    "=",
    "==",
    "!=",
    "<",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "x",
    "1",
    "2d",
    "09:00",
    "2026-03-01",
    "45%",
    "20 EUR",
    "\"t\"",
    "3days",
    "2026-03-011",
    "end",
    "else",
    "if",
    "send",
    "wait",
    "not",
    "and",
    "or",
    "is",
    "in",
    "any",
    "of",
    "opened",
    "within",
    "last",
    "at",
    "to",
    "from",
    "where",
    "on",
    "tag",
    "after",
    "event",
    "test",
    "journey",
];

const CHARACTERS: &[&str] =
    &["§", "\\", "\"", "'", ";", "!", "%", "é", "\u{feff}", "\u{0}", "\r", "\n", "/", "0", "_", "\u{201c}", "🎉"];

pub(crate) fn mutate(text: &str, random: &mut Random) -> String {
    let starts: Vec<usize> = lex(text).iter().map(|(_, start)| start as usize).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let mut tokens: Vec<String> = starts.iter().zip(ends).map(|(start, end)| text[*start..end].to_owned()).collect();
    for _ in 0..=random.below(2) {
        if tokens.is_empty() {
            break;
        }
        let at = random.below(tokens.len());
        match random.below(7) {
            0 => drop(tokens.remove(at)),
            1 => tokens.insert(at, tokens[at].clone()),
            2 => {
                let other = random.below(tokens.len());
                tokens.swap(at, other);
            }
            3 => tokens[at] = (*random.pick(TOKENS)).to_owned(),
            4 => tokens.insert(at, format!(" {} ", random.pick(TOKENS))),
            5 => tokens.truncate(at),
            _ => {
                let token = &mut tokens[at];
                let places: Vec<usize> = (0..=token.len()).filter(|place| token.is_char_boundary(*place)).collect();
                let place = *random.pick(&places);
                token.insert_str(place, CHARACTERS[random.below(CHARACTERS.len())]);
            }
        }
    }
    tokens.concat()
}
