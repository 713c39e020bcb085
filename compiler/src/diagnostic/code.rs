//! The registry of codes. A code is never reused and never changes its meaning; a retired one stays reserved.
//!
//! Ranges: `J00xx` files and projects · `J01xx` syntax · `J02xx` names · `J03xx` types and unset values · `J04xx` flow ·
//! `J05xx` messages and templates · `J06xx` policy, consent and pressure · `J07xx` time · `J08xx` across journeys ·
//! `J09xx` tests · `J1xxx` lints.

use std::fmt;

use super::Severity;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $name:literal, $severity:ident;)*) => {
        /// A kind of finding.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u16)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant = $number,)*
        }

        impl Code {
            /// All codes, by number.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The number behind the `J`.
            pub const fn number(self) -> u16 {
                self as u16
            }

            /// The name, for `allow(..)` and reports: `unknown-tag`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it says in general, one sentence.
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)+).trim_ascii(),)* }
            }

            /// How bad it is unless configured otherwise.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// The code of this text: `J0201` or its name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.name() == text || code.to_string().eq_ignore_ascii_case(text))
            }
        }
    };
}

codes! {
    /// A file cannot be read.
    UnreadableFile = 1, "unreadable-file", Error;
    /// A file is not valid UTF-8 text.
    NotUtf8 = 2, "not-utf8", Error;
    /// A file is larger than a journey file may be.
    FileTooLarge = 3, "file-too-large", Error;
    /// A file holds no journey and no declaration.
    EmptyFile = 4, "empty-file", Warning;
    /// A setting in `journey.toml` is not valid.
    BadConfig = 5, "bad-config", Error;
    /// A file is not text at all.
    NotText = 6, "not-text", Error;
    /// A file has more findings than are shown.
    MoreFindings = 7, "more-findings", Error;
    /// A section or setting that `journey.toml` does not have.
    UnknownSetting = 8, "unknown-setting", Error;
    /// A setting that every project needs is missing.
    MissingSetting = 9, "missing-setting", Error;
    /// A secret stands in `journey.toml` itself instead of a reference to it.
    LiteralSecret = 10, "literal-secret", Error;
    /// A time zone that does not exist.
    UnknownTimezone = 11, "unknown-timezone", Error;
    /// Something stands where something else should.
    Syntax = 101, "syntax", Error;
    /// A bracket is opened and never closed.
    UnclosedBracket = 102, "unclosed-bracket", Error;
    /// A bracket is closed that was never opened.
    UnopenedBracket = 103, "unopened-bracket", Error;
    /// A word of the language is not quite spelt right.
    MisspeltWord = 104, "misspelt-word", Error;
    /// A word of the language stands where a name should.
    ReservedWord = 105, "reserved-word", Error;
    /// A name has a hyphen in it.
    HyphenInName = 106, "hyphen-in-name", Error;
    /// A line that belongs above the first step stands below it.
    ClauseAfterStep = 107, "clause-after-step", Error;
    /// A step stands outside of every journey.
    OutsideJourney = 108, "outside-journey", Error;
    /// A declaration or journey follows a journey without a block.
    ItemAfterSentence = 109, "item-after-sentence", Error;
    /// Two comparisons stand in a row.
    ChainedComparison = 110, "chained-comparison", Error;
    /// The closing quote of a text is missing.
    UnterminatedString = 111, "unterminated-string", Error;
    /// A backslash stands before a character that needs none.
    UnknownEscape = 112, "unknown-escape", Error;
    /// A text stands in typographic quotes.
    TypographicQuotes = 113, "typographic-quotes", Error;
    /// What begins like a number is neither a number nor a duration, time or date.
    MalformedNumber = 114, "malformed-number", Error;
    /// A character that means nothing in the language.
    UnknownCharacter = 115, "unknown-character", Error;
    /// Blocks or brackets are nested too deeply.
    NestingTooDeep = 116, "nesting-too-deep", Error;
    /// A time that no clock shows.
    BadTime = 117, "bad-time", Error;
    /// A date that no calendar has.
    BadDate = 118, "bad-date", Error;
    /// A duration of a hundred years or more.
    BadDuration = 119, "bad-duration", Error;
    /// A number that is too large or too precise.
    BadNumber = 120, "bad-number", Error;
    /// A send does not say which message.
    MissingMessage = 121, "missing-message", Error;
    /// A file that ends in `.journey` and holds something else.
    NotAJourney = 122, "not-a-journey", Error;
    /// A name that no declaration in the project explains.
    UnknownTag = 201, "unknown-tag", Error;
    /// A file's name in `messages/` does not say which message it is.
    MessagePath = 501, "message-path", Error;
    /// A message is written in a format that this version does not read.
    UnsupportedFormat = 502, "unsupported-format", Error;
    /// Two files are the same text of the same message.
    DuplicateMessage = 503, "duplicate-message", Error;
    /// The lines between `---` at the beginning of a message are not `key: value`.
    FrontMatter = 504, "front-matter", Error;
    /// A key that messages do not have.
    UnknownMessageKey = 505, "unknown-message-key", Error;
    /// A mail has no subject.
    MissingSubject = 506, "missing-subject", Error;
    /// A message has no text.
    EmptyMessage = 507, "empty-message", Error;
    /// The texts of one message disagree about its purpose or topic.
    MessageConflict = 508, "message-conflict", Error;
    /// A text message takes very many segments.
    LongSms = 509, "long-sms", Warning;
    /// A template cannot be read.
    TemplateSyntax = 510, "template-syntax", Error;
    /// A template uses a variable that does not exist.
    UnknownVariable = 511, "unknown-variable", Error;
    /// A template uses a filter that does not exist.
    UnknownFilter = 512, "unknown-filter", Error;
    /// A template asks something with `is` that templates cannot ask.
    UnknownTest = 513, "unknown-test", Error;
    /// A template calls a function.
    UnknownFunction = 514, "unknown-function", Error;
    /// A template uses a value that may be unset, and nothing stands in for it.
    UnsetInTemplate = 515, "unset-in-template", Error;
    /// A template uses a field that the trigger of a journey does not have.
    UnknownTriggerField = 516, "unknown-trigger-field", Error;
    /// A template uses a tag that messages do without.
    UnsupportedTag = 517, "unsupported-tag", Error;
    /// A template is nested too deeply, or one of its tags is too long.
    TemplateTooComplex = 518, "template-too-complex", Error;
    /// A template prints a list as it is.
    ListInText = 519, "list-in-text", Error;
    /// The text of a push or webhook is not valid JSON.
    BadJson = 520, "bad-json", Error;
    /// A marketing mail in HTML has no unsubscribe link.
    MissingUnsubscribe = 521, "missing-unsubscribe", Error;
    /// A marketing mail in HTML has no postal address.
    MissingPostalAddress = 522, "missing-postal-address", Error;
    /// No text of a message fits contacts of some language.
    MissingLanguage = 523, "missing-language", Error;
    /// A text is written for a language that no contact can have.
    UnusedLanguage = 524, "unused-language", Warning;
    /// A message's topic is not declared.
    UnknownMessageTopic = 525, "unknown-message-topic", Error;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "J{:04}", self.number())
    }
}
