//! What somebody means who answers a text message with a word like STOP.
//!
//! Carriers and 47 CFR 64.1200(a)(10) name words that must be honoured, and ask for any other reasonable wording too. A text
//! counts as such if nothing but politeness and the messages themselves stand beside the word: `please stop texting me` does,
//! `stop by tomorrow` does not.

/// What is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// Nothing more is to come.
    Stop,
    /// Messages may come again.
    Start,
    /// Who writes, and how does one stop it?
    Help,
    /// Something else: an answer.
    Other,
}

/// Words that end it, in the writing of [`word_of`]: those that carriers and the FCC name, then those of other languages and
/// usual slips.
const STOP: &[&str] = &[
    "stop",
    "stopall",
    "unsubscribe",
    "cancel",
    "end",
    "quit",
    "revoke",
    "optout",
    "stopp",
    "stoppen",
    "stopt",
    "stoop",
    "stpo",
    "sotp",
    "unsubscribed",
    "unsubcribe",
    "unsuscribe",
    "unsubscibe",
    "abmelden",
    "abbestellen",
    "abbestellung",
    "austragen",
    "ende",
    "arret",
    "arreter",
    "arretez",
    "desabonner",
    "desabonnement",
    "desinscrire",
    "desinscription",
    "resilier",
    "parar",
    "baja",
    "cancelar",
    "annulla",
    "afmelden",
    "sair",
];

/// Words that begin it again.
const START: &[&str] = &["start", "unstop", "restart"];

/// Words that ask who writes.
const HELP: &[&str] = &["help", "info", "hilfe", "aide", "ayuda", "aiuto"];

/// Words that change nothing about what is meant.
const BESIDE: &[&str] = &[
    "a",
    "all",
    "alle",
    "bitte",
    "contacting",
    "de",
    "die",
    "immediately",
    "ins",
    "it",
    "keine",
    "les",
    "me",
    "message",
    "messages",
    "messaging",
    "mehr",
    "merci",
    "mich",
    "mir",
    "moi",
    "my",
    "nachrichten",
    "now",
    "number",
    "please",
    "pls",
    "sending",
    "sms",
    "sofort",
    "svp",
    "text",
    "texting",
    "texts",
    "thank",
    "thanks",
    "the",
    "these",
    "this",
    "to",
    "von",
    "you",
    "your",
];

/// The most words of a text that can mean one of these.
const MOST_WORDS: usize = 8;

/// What a text means.
pub(super) fn wish_of(text: &str) -> Wish {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || c == '-').map(word_of).filter(|word| !word.is_empty()) {
        let full = words.len() >= MOST_WORDS;
        match words.last_mut() {
            // `opt out`
            Some(last) if last == "opt" && word == "out" => last.push_str("out"),
            _ if full => return Wish::Other,
            _ => words.push(word),
        }
    }
    let is = |list: &[&str], word: &String| list.contains(&word.as_str());
    let means = |list: &[&str]| {
        words.iter().any(|word| is(list, word)) && words.iter().all(|word| is(list, word) || is(BESIDE, word))
    };
    let alone = |list: &[&str]| matches!(words.as_slice(), [word] if is(list, word));
    match () {
        () if means(STOP) => Wish::Stop,
        () if alone(START) => Wish::Start,
        () if alone(HELP) => Wish::Help,
        () => Wish::Other,
    }
}

/// A word in small letters, without accents and what stands around it.
fn word_of(text: &str) -> String {
    let plain = |c: char| match c {
        'à' | 'á' | 'â' | 'ã' => 'a',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'í' | 'î' => 'i',
        'ó' | 'ô' | 'õ' => 'o',
        'ú' | 'û' => 'u',
        'ç' => 'c',
        other => other,
    };
    // An accent may be a sign of its own, which is no letter.
    text.chars().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_end_it_begin_it_and_ask() {
        for text in [
            "STOP",
            "stop",
            " Stop. ",
            "\"STOP\"",
            "stop!!!",
            "S.T.O.P",
            "STOPALL",
            "stop all",
            "UNSUBSCRIBE",
            "Cancel",
            "END",
            "quit",
            "REVOKE",
            "OPT OUT",
            "opt-out",
            "OptOut",
            "opt out please",
            "please stop",
            "Stop please",
            "STOP texting me",
            "stop sending me messages",
            "unsubscribe me",
            "Please unsubscribe me now, thanks",
            "stop 🛑",
            "STOPP",
            "Stopp bitte",
            "abmelden",
            "Bitte abmelden!",
            "mich abmelden",
            "Abbestellen",
            "ENDE",
            "ARRET",
            "arrêt",
            "ARRE\u{302}T",
            "Arrêtez svp",
            "désabonner",
            "me désabonner",
            "unsubcribe",
            "stpo",
        ] {
            assert_eq!(wish_of(text), Wish::Stop, "{text}");
        }
        for text in ["START", "unstop", "Start!", "restart"] {
            assert_eq!(wish_of(text), Wish::Start, "{text}");
        }
        for text in ["HELP", "help?", "Info", "Hilfe", "AIDE"] {
            assert_eq!(wish_of(text), Wish::Help, "{text}");
        }
        let long = "stop ".repeat(9);
        for text in [
            "",
            " ",
            "👍",
            "yes",
            "top",
            "Top!",
            "shop",
            "stop by tomorrow",
            "don't stop",
            "cancel my order",
            "when does it end",
            "can you help me",
            "please",
            "this is the end of my patience with the red sofa",
            "start tomorrow",
            "no",
            long.as_str(),
        ] {
            assert_eq!(wish_of(text), Wish::Other, "{text}");
        }
    }
}
