//! What the parser found wrong: facts with places. The compiler words them.

use crate::kind::SyntaxKind;
use crate::text::TextRange;
use std::fmt;

/// A syntax error: what, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    /// What is wrong.
    pub kind: SyntaxErrorKind,
    /// Where; empty where something is missing.
    pub range: TextRange,
}

impl SyntaxError {
    pub(crate) fn new(kind: SyntaxErrorKind, range: TextRange) -> Self {
        Self { kind, range }
    }
}

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SyntaxErrorKind {
    /// Something else should stand here.
    Expected {
        /// What could stand here, the likeliest first.
        expected: Vec<Expected>,
        /// What stands here; `Eof` at the end of the source.
        found: SyntaxKind,
        /// What was being read, such as `SendStep`.
        within: SyntaxKind,
    },
    /// A bracket that is never closed.
    Unclosed {
        /// The bracket's kind: `{`, `(` or `[`.
        bracket: SyntaxKind,
        /// Where it was opened.
        opened: TextRange,
    },
    /// A closing bracket that nothing opened.
    UnopenedBracket {
        /// The bracket's kind: `}`, `)` or `]`.
        bracket: SyntaxKind,
    },
    /// A word of the language that is not quite spelt right.
    Misspelt {
        /// The word that was probably meant.
        suggestion: &'static str,
    },
    /// A reserved word where a name should be.
    ReservedWord {
        /// What was to be named.
        expected: Expected,
        /// The word.
        word: &'static str,
    },
    /// A name with a hyphen in it.
    HyphenInName {
        /// The name with underscores.
        suggestion: String,
    },
    /// A header clause behind the first step, or inside a block.
    MisplacedClause {
        /// The clause's first word.
        word: &'static str,
        /// The first step; none inside a block.
        step: Option<TextRange>,
    },
    /// An operator of other languages, such as `&&` or a single `=`.
    ForeignOperator {
        /// The word for it.
        suggestion: &'static str,
    },
    /// What another language says so, or another place of this one.
    Habit {
        /// Which habit.
        habit: Habit,
        /// What is to stand in place of what is shown, or before it where nothing is shown; none if that is not certain.
        instead: Option<String>,
    },
    /// Clauses or steps outside of a journey, in a file that has journeys.
    OutsideJourney,
    /// A declaration or journey behind a bare sentence, which goes on to the end of the file.
    ItemAfterSentence {
        /// The item's first word.
        word: &'static str,
    },
    /// A second comparison in a row, such as `1 < x < 5`.
    ChainedComparison,
    /// A string without its closing quote; it ends where the line does.
    UnterminatedString,
    /// A backslash before a character that needs none.
    UnknownEscape {
        /// The character behind the backslash.
        escaped: char,
    },
    /// A string in typographic quotes.
    TypographicQuotes {
        /// The string in straight quotes.
        suggestion: String,
    },
    /// A digit that begins neither a number nor a duration, time or date.
    MalformedNumber {
        /// What was probably meant.
        suggestion: Option<String>,
    },
    /// Characters that mean nothing here.
    UnknownCharacter,
    /// Brackets or statements nested too deeply; the rest of the item was not read.
    NestingTooDeep {
        /// The greatest depth.
        limit: u32,
    },
    /// The source was not read at all.
    SourceTooLong {
        /// The greatest length in bytes.
        limit: usize,
    },
}

impl SyntaxErrorKind {
    /// Whether it is understood all the same, as what another language says so.
    pub const fn is_habit(&self) -> bool {
        matches!(self, Self::Habit { .. })
    }
}

/// Ways to say something that this language says otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Habit {
    /// `wait 2d then send ..`: steps follow each other without a word.
    Then,
    /// `while ..`, `for 3 times ..`
    Loop,
    /// `pro -> send ..`, in a case
    Arrow,
    /// `on event purchase`
    EventWord,
    /// `if tag vip`
    BareTag,
    /// `if has vip`
    Tag,
    /// `visits at least 3`, `plan equals pro`, `delay 2d`: said in other words.
    OtherWords,
    /// `start journey` without its second word, and the like.
    Missing,
    /// `wait 2d, send ..`, `if opened: ..`, `wait until next monday`
    Needless,
    /// `send email offer at 09:00`, `.. in 2d`
    SendWhen,
    /// `wait for purchase or cancelled`
    SeveralEvents,
    /// `split { .. }`
    SplitName,
    /// `split ab { 50% { .. } }`
    SideName,
    /// `email like "%@gmx.de"`
    Wildcards,
    /// `if purchase within 30d`
    Did,
    /// `did opened story`
    DidStatus,
    /// `did purchase 3 times`
    HowOften,
    /// `is in big_spender`, `in segment big_spender`
    InSegment,
    /// `opened email story`
    ChannelOfStatus,
    /// `has tags [lead, vip]`
    SeveralTags,
    /// `contact plan is pro`
    ContactWord,
    /// `renewal is next month`
    Stretch,
    /// `unsubscribe from news`, `subscribe to news`
    BeforeTopic,
    /// `on tag a or tag b`
    SecondTrigger,
    /// `goal plan is pro`: a state, where something that happens should stand.
    State,
    /// `on renewal - 3d`
    Distance,
    /// `wait for purchase 3d`
    UpTo,
    /// `wait for 3d`
    WaitFor,
    /// `goal purchase in 30d`
    Within,
    /// `wait 2d` as a line of a test.
    WaitInTest,
    /// `purchase { .. }` as a line of a test.
    EventInTest,
    /// `send email hello` as a line of a test.
    StepInTest,
    /// `contact { .. }` as a line of a test.
    ContactInTest,
    /// `given contact with tag vip`
    WithTag,
}

/// A thing that could stand in a place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Expected {
    /// This token.
    Token(SyntaxKind),
    /// A step, such as `send email welcome`.
    Step,
    /// A header clause, such as `on tag lead`.
    Clause,
    /// A declaration, a journey or a test.
    Item,
    /// A declaration's rule inside `policy`.
    PolicyRule,
    /// A line of a `test` block.
    TestStep,
    /// What `expect` can be followed by.
    Expectation,
    /// What `given` can be followed by.
    GivenFact,
    /// A condition or value.
    Expression,
    /// What a list of constants or a default can hold.
    Constant,
    /// An event, tag or other happening.
    EventPattern,
    /// What `on` can be followed by.
    Trigger,
    /// A name; of what is said by what was being read.
    Name,
    /// A name for what a step gives, such as a message's handle.
    Handle,
    /// A dotted name.
    Path,
    /// A field's name.
    FieldName,
    /// A type.
    Type,
    /// The name of a message, or its text in quotes.
    Message,
    /// A time window such as `weekdays 09:00 to 17:00`.
    Window,
    /// A day of the week.
    Day,
    /// `times` or `days`.
    TimesOrDays,
    /// How far back: a duration, `last 30d`, `next 30d` or a window.
    Within,
    /// What a word such as `reenter` can be followed by.
    OneOf(&'static [SyntaxKind]),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(kind) => return write!(f, "{}", Describe(*kind)),
            Self::Step => "a step",
            Self::Clause => "a header clause",
            Self::Item => "a declaration, a journey or a test",
            Self::PolicyRule => "a rule of the policy",
            Self::TestStep => "a line of a test",
            Self::Expectation => "what to expect",
            Self::GivenFact => "`contact` or `call`",
            Self::Expression => "a condition or value",
            Self::Constant => "a constant",
            Self::EventPattern => "an event",
            Self::Trigger => "a trigger",
            Self::Name => "a name",
            Self::Handle => "a handle",
            Self::Path => "a name",
            Self::FieldName => "a field's name",
            Self::Type => "a type",
            Self::Message => "a message's name or its text in quotes",
            Self::Window => "a window such as `weekdays 09:00 to 17:00`",
            Self::Day => "a day of the week",
            Self::TimesOrDays => "`times` or `days`",
            Self::Within => "a duration, `last 30d`, `next 30d` or a window",
            Self::OneOf(kinds) => {
                for (index, kind) in kinds.iter().enumerate() {
                    let separator = match index {
                        0 => "",
                        _ if index + 1 == kinds.len() => " or ",
                        _ => ", ",
                    };
                    write!(f, "{separator}{}", Describe(*kind))?;
                }
                return Ok(());
            }
        })
    }
}

/// A token's kind in words.
pub struct Describe(
    /// The kind.
    pub SyntaxKind,
);

impl fmt::Display for Describe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.0.text() {
            return write!(f, "`{text}`");
        }
        f.write_str(match self.0 {
            SyntaxKind::Ident => "a name",
            SyntaxKind::Number => "a number",
            SyntaxKind::Percent => "a percentage such as `45%`",
            SyntaxKind::Duration => "a duration such as `3d`",
            SyntaxKind::Time => "a time such as `09:00`",
            SyntaxKind::Date => "a date such as `2026-03-01`",
            SyntaxKind::String | SyntaxKind::BadString => "a text in quotes",
            SyntaxKind::BadNumber => "a malformed number",
            SyntaxKind::Eof => "the end of the file",
            _ => "something else",
        })
    }
}
