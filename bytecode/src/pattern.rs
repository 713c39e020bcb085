//! What `matches` looks for: regular expressions that take linear time on every text, of a limited size.

use regex::{Regex, RegexBuilder};

/// The longest pattern, in bytes.
pub const MAX_PATTERN: usize = 1000;

/// The most memory that a compiled pattern may take, in bytes.
const MAX_COMPILED: usize = 1 << 20;

/// Why a text is no pattern.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PatternError {
    /// It does not follow the syntax of regular expressions; the place is in bytes.
    #[error("{what}")]
    Syntax {
        /// What is wrong.
        what: String,
        /// Where that begins.
        start: usize,
        /// Where it ends.
        end: usize,
    },
    /// It is longer than [`MAX_PATTERN`], or means more than fits into a compiled one.
    #[error("it is too large")]
    Size,
}

/// Compiles a pattern. It is looked for anywhere in a text and without regard to case; `(?-i)` inside asks for the case.
pub fn compile(pattern: &str) -> Result<Regex, PatternError> {
    if pattern.len() > MAX_PATTERN {
        return Err(PatternError::Size);
    }
    if let Err(error) = regex_syntax::Parser::new().parse(pattern) {
        return Err(syntax(&error));
    }
    let built = RegexBuilder::new(pattern).case_insensitive(true).size_limit(MAX_COMPILED).build();
    built.map_err(|_| PatternError::Size)
}

fn syntax(error: &regex_syntax::Error) -> PatternError {
    let (what, span) = match error {
        regex_syntax::Error::Parse(error) => (error.kind().to_string(), *error.span()),
        regex_syntax::Error::Translate(error) => (error.kind().to_string(), *error.span()),
        _ => return PatternError::Size,
    };
    PatternError::Syntax { what, start: span.start.offset, end: span.end.offset }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_found_anywhere_without_regard_to_case() {
        let matches = |pattern: &str, text: &str| compile(pattern).unwrap().is_match(text);
        assert!(matches("gmail|gmx", "ada@GMX.de"));
        assert!(matches(r"^\d{5}$", "53177"));
        assert!(!matches(r"^\d{5}$", "5317"));
        assert!(!matches("(?-i)GmbH", "Moosbett gmbh"));
    }

    #[test]
    fn what_is_wrong_has_a_place() {
        let error = |pattern: &str| compile(pattern).unwrap_err();
        let what = "repetition operator missing expression".to_owned();
        assert_eq!(error("a|*b"), PatternError::Syntax { what, start: 2, end: 2 });
        assert_eq!(error(&"a".repeat(MAX_PATTERN + 1)), PatternError::Size);
        assert_eq!(error(r"(\w{100}){100}"), PatternError::Size);
    }
}
