//! The registry of codes. A code is never reused and never changes its meaning; a retired one stays reserved.
//!
//! Ranges: `J00xx` files and projects · `J01xx` syntax · `J02xx` names · `J03xx` types and unset values · `J04xx` flow ·
//! `J05xx` messages and templates · `J06xx` policy, consent and pressure · `J07xx` time · `J08xx` across journeys ·
//! `J09xx` tests · `J1xxx` lints.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Group, Level, Severity};

macro_rules! codes {
    (@group) => { Group::Correctness };
    (@group $group:ident) => { Group::$group };
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $name:literal, $level:ident $(, $group:ident)?;)*) => {
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

            /// Its level unless configured otherwise. An error stays one: what does not compile cannot be run.
            pub const fn level(self) -> Level {
                match self { $(Self::$variant => Level::$level,)* }
            }

            /// The group by which its level can be set.
            pub const fn group(self) -> Group {
                match self { $(Self::$variant => codes!(@group $($group)?),)* }
            }

            /// How bad it is unless configured otherwise; what is off is a warning once somebody asks for it.
            pub const fn severity(self) -> Severity {
                match self.level() {
                    Level::Error => Severity::Error,
                    Level::Warning | Level::Off => Severity::Warning,
                    Level::Hint => Severity::Hint,
                }
            }

            /// Whether `[lint]` can set its level.
            pub const fn is_lint(self) -> bool {
                !matches!(self.level(), Level::Error)
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
    EmptyFile = 4, "empty-file", Warning, Hygiene;
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
    /// The compiler made a program that the verifier refuses: a mistake of ours.
    Internal = 12, "internal", Error;
    /// A comment for the checker that it cannot read.
    BadAllow = 50, "bad-allow", Warning, Hygiene;
    /// An `allow` for a finding that does not exist.
    UnknownLint = 51, "unknown-lint", Warning, Hygiene;
    /// An `allow` that gives no reason.
    AllowWithoutReason = 52, "allow-without-reason", Warning, Hygiene;
    /// An `allow` for something that is not found there.
    UnusedAllow = 53, "unused-allow", Warning, Hygiene;
    /// An `allow` for an error.
    AllowOfError = 54, "allow-of-error", Warning, Hygiene;
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
    // 190, not-yet, was for what an earlier version could read and not run.
    /// A tag that no `tags` declaration lists.
    UnknownTag = 201, "unknown-tag", Error;
    /// An event that no `event` declaration describes.
    UnknownEvent = 202, "unknown-event", Error;
    /// A field that the event does not have.
    UnknownField = 203, "unknown-field", Error;
    /// A word in a condition that is no value.
    UnknownName = 204, "unknown-name", Error;
    /// A message for which there is no file.
    UnknownMessage = 205, "unknown-message", Error;
    /// A status of a message that this journey does not send.
    UnknownHandle = 206, "unknown-handle", Error;
    /// A topic that no `topic` declaration names.
    UnknownTopic = 207, "unknown-topic", Error;
    /// A value that the enum, or list of codes, does not have.
    UnknownValue = 208, "unknown-value", Error;
    /// A type that the language does not have.
    UnknownType = 209, "unknown-type", Error;
    /// A segment that no `segment` declaration defines.
    UnknownSegment = 210, "unknown-segment", Error;
    /// A journey that the project does not have.
    UnknownJourney = 211, "unknown-journey", Error;
    /// An attribute that the contact does not have.
    UnknownAttribute = 212, "unknown-attribute", Error;
    /// A channel that messages do not have.
    UnknownChannel = 213, "unknown-channel", Error;
    /// A funnel, or a stage of one, that no `funnel` declaration has.
    UnknownStage = 214, "unknown-stage", Error;
    /// A segment that asks for itself.
    SegmentCycle = 215, "segment-cycle", Error;
    /// A question about a run where there is none.
    NeedsARun = 216, "needs-a-run", Error;
    /// A name that is declared twice.
    DuplicateName = 220, "duplicate-name", Error;
    /// A line of a header that may stand only once.
    DuplicateClause = 221, "duplicate-clause", Error;
    /// A name that the language itself uses.
    ReservedName = 222, "reserved-name", Error;
    /// A call of a system that `journey.toml` does not describe.
    UnknownService = 230, "unknown-service", Error;
    /// A colleague, or a place where colleagues read, that nobody knows.
    UnknownColleague = 231, "unknown-colleague", Error;
    /// A voucher that no `voucher` declaration describes.
    UnknownVoucher = 232, "unknown-voucher", Error;
    /// A voucher whose file is not there, or holds no code.
    NoCodes = 233, "no-codes", Warning, Correctness;
    /// A code that stands twice in the file of a voucher.
    CodeTwice = 234, "code-twice", Warning, Correctness;
    /// Two addresses of the same type, and neither has the name of the type.
    UnclearAddress = 235, "unclear-address", Error;
    /// A run is to go on at a place that the journey does not have.
    UnknownPlace = 240, "unknown-place", Error;
    /// Values of two types that have nothing to do with each other.
    TypeMismatch = 301, "type-mismatch", Error;
    /// An order of values that have none.
    NotOrdered = 302, "not-ordered", Error;
    /// A value that may be unset where one is needed.
    UnsetValue = 303, "unset-value", Error;
    /// A value that makes no sense where it stands, such as a wait of no time at all.
    ImpossibleValue = 304, "impossible-value", Error;
    /// A value where a condition is needed.
    NotACondition = 305, "not-a-condition", Error;
    /// A value where a moment is needed.
    NotAMoment = 306, "not-a-moment", Error;
    /// The pattern behind `matches` cannot be read, or is too large.
    BadPattern = 340, "bad-pattern", Error;
    /// A step that no way leads to.
    Unreachable = 401, "unreachable", Error;
    /// A condition that is always true or never.
    ConstantCondition = 402, "constant-condition", Error;
    /// A journey without a step.
    EmptyJourney = 403, "empty-journey", Error;
    /// A journey that nothing starts.
    NoTrigger = 404, "no-trigger", Error;
    /// A message that is asked about where it was not sent on every way.
    NotSentOnEveryPath = 405, "not-sent-on-every-path", Error;
    /// A message that is asked about before it is sent.
    NotSentYet = 406, "not-sent-yet", Error;
    /// A status that messages of this channel never have.
    ImpossibleStatus = 407, "impossible-status", Error;
    /// A journey larger than a program can be.
    JourneyTooLarge = 408, "journey-too-large", Error;
    /// A part of a step that can never do anything.
    UselessPart = 409, "useless-part", Error;
    /// A choice that leaves out a value.
    NotExhaustive = 410, "not-exhaustive", Error;
    /// A split whose sides do not add up to 100 %.
    UnevenShares = 411, "uneven-shares", Error;
    /// A wait that may never end.
    NoEnd = 412, "no-end", Warning, Timing;
    /// A split that is to name its winner and cannot.
    UndecidedSplit = 440, "undecided-split", Error;
    /// An exit that already holds when a run begins.
    ExitsAtOnce = 450, "exits-at-once", Error;
    /// An event of a race that an earlier one always takes.
    ShadowedEvent = 452, "shadowed-event", Error;
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
    LongSms = 509, "long-sms", Warning, Style;
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
    UnusedLanguage = 524, "unused-language", Warning, Hygiene;
    /// A message's topic is not declared.
    UnknownMessageTopic = 525, "unknown-message-topic", Error;
    /// A template applies a filter to a value that it is not for.
    WrongFilter = 526, "wrong-filter", Error;
    /// A step on a channel for which contacts have no address.
    NoAddress = 550, "no-address", Error;
    /// A click on a message without links.
    NoLinks = 551, "no-links", Error;
    /// A step whose text cannot stand in the journey itself.
    NotInline = 552, "not-inline", Error;
    /// A partial or layout that does not exist.
    UnknownPart = 560, "unknown-part", Error;
    /// A partial or layout that brings in itself.
    PartCycle = 561, "part-cycle", Error;
    /// A partial or layout in a markup that does not fit the text around it.
    PartFormat = 562, "part-format", Error;
    /// A block for which the layout has no place.
    UnknownBlock = 563, "unknown-block", Error;
    /// Text of a message that stands outside of the blocks of its layout.
    TextOutsideBlocks = 564, "text-outside-blocks", Error;
    /// A partial or layout that no message uses.
    UnusedPart = 565, "unused-part", Warning, Hygiene;
    /// MJML that cannot become HTML.
    BadMjml = 566, "bad-mjml", Error;
    /// One run can send more than a cap of the policy allows.
    OverCap = 650, "over-cap", Warning, Pressure;
    /// Journeys that start together can send more than a cap of the policy allows.
    OverCapTogether = 651, "over-cap-together", Warning, Pressure;
    /// All journeys together can send more than a cap of the policy allows.
    ProjectPressure = 652, "project-pressure", Off, Pressure;
    /// Marketing that belongs to no topic.
    NoTopic = 655, "no-topic", Warning, Consent;
    /// Something transactional that belongs to a topic.
    TransactionalTopic = 656, "transactional-topic", Warning, Consent;
    /// A message of one topic in a journey of another.
    TopicMismatch = 657, "topic-mismatch", Warning, Consent;
    /// Marketing mail without a postal address in the policy.
    NoPostalAddress = 658, "no-postal-address", Warning, Consent;
    /// Marketing mail leaves this machine, and nobody could unsubscribe.
    NoBaseUrl = 660, "no-base-url", Error;
    /// A link that confirms a subscription, in a message without a topic.
    ConfirmsNothing = 661, "confirms-nothing", Error;
    /// A message that always waits for its window.
    AlwaysDeferred = 750, "always-deferred", Warning, Timing;
    /// A journey whose hours lie within the quiet hours.
    NeverOpen = 751, "never-open", Error;
    /// A wait until a day that is past.
    PastDate = 752, "past-date", Warning, Timing;
    /// A wait until a moment that is past by then.
    AlreadyPast = 753, "already-past", Warning, Timing;
    /// Journeys that start each other in a ring.
    JourneyRing = 850, "journey-ring", Warning, Pressure;
    /// The same message from two journeys that start together.
    SameMessageTwice = 851, "same-message-twice", Warning, Pressure;
    /// A line of a test speaks of a contact that the test does not give.
    UnknownTestContact = 901, "unknown-test-contact", Error;
    /// A test that expects nothing cannot fail.
    TestExpectsNothing = 902, "test-expects-nothing", Warning, Hygiene;
    /// A test names a reason for an end or a refusal that does not exist.
    UnknownReason = 903, "unknown-reason", Error;
    /// An event lacks a field that every such event has.
    MissingField = 904, "missing-field", Error;
    /// A bare status before the journey sent anything: it means any message since the contact entered.
    StatusSinceEntry = 1001, "status-since-entry", Hint;
    /// A journey that does not say whether a contact may come again.
    NoReenter = 1002, "no-reenter", Warning, Hygiene;
    /// Names of a lone file that are declared by their use.
    DeclaredByUse = 1003, "declared-by-use", Hint, Hygiene;
    /// A branch that asks for opens alone.
    BranchOnOpen = 1050, "branch-on-open", Off, Correctness;
    /// A wait behind which nothing happens.
    TrailingWait = 1051, "trailing-wait", Warning, Timing;
    /// Two waits in a row.
    AdjacentWaits = 1052, "adjacent-waits", Warning, Style;
    /// A branch without a step.
    EmptyBranch = 1053, "empty-branch", Warning, Style;
    /// A branch whose two ways do the same.
    SameBranches = 1054, "same-branches", Warning, Correctness;
    /// A step that changes nothing.
    NoOp = 1055, "no-op", Warning, Correctness;
    /// Two messages on one channel without a wait between them.
    SendsInARow = 1056, "sends-in-a-row", Warning, Pressure;
    /// A journey that does not say what it is to achieve.
    NoGoal = 1057, "no-goal", Off, Hygiene;
    /// A journey that no test starts.
    Untested = 1058, "untested", Off, Hygiene;
    /// A journey that goes on after its goal is reached.
    IgnoredGoal = 1059, "ignored-goal", Warning, Correctness;
    /// A journey with very many steps.
    LongJourney = 1060, "long-journey", Warning, Style;
    /// Steps that are nested deep.
    DeepNesting = 1061, "deep-nesting", Warning, Style;
    /// A side of a split that is too small to tell.
    SmallShare = 1062, "small-share", Warning, Correctness;
    /// A loop that reminds without asking whether it worked.
    ReminderLoop = 1063, "reminder-loop", Warning, Pressure;
    /// A reminder of something abandoned that comes at once.
    Hasty = 1064, "hasty", Warning, Timing;
    /// Advertising by text message at any time of the day.
    SmsAtNight = 1065, "sms-at-night", Warning, Consent;
    /// A wait that is longer than the goal counts.
    WaitBeyondGoal = 1066, "wait-beyond-goal", Warning, Timing;
    /// Marketing that a contact gets as often as it is started.
    ReenterAlways = 1067, "reenter-always", Hint, Pressure;
    /// A journey without a line that says what it is for.
    MissingDoc = 1068, "missing-doc", Off, Style;
    /// A subject that shouts.
    LoudSubject = 1069, "loud-subject", Warning, Style;
    /// A subject that pretends to be an answer.
    FakeReply = 1070, "fake-reply", Warning, Consent;
    /// A name that is not in small letters.
    Naming = 1071, "naming", Hint, Style;
    /// A tag that no journey uses.
    UnusedTag = 1072, "unused-tag", Warning, Hygiene;
    /// An event that no journey uses.
    UnusedEvent = 1073, "unused-event", Warning, Hygiene;
    /// A topic that nothing belongs to.
    UnusedTopic = 1074, "unused-topic", Warning, Hygiene;
    /// A segment that nothing asks for.
    UnusedSegment = 1075, "unused-segment", Warning, Hygiene;
    /// A funnel that nothing uses.
    UnusedFunnel = 1076, "unused-funnel", Warning, Hygiene;
    /// A message that no journey sends.
    UnusedMessage = 1077, "unused-message", Warning, Hygiene;
    /// A name of a message that nothing asks about.
    UnusedHandle = 1078, "unused-handle", Warning, Hygiene;
    /// A local variable that nothing uses.
    UnusedLet = 1079, "unused-let", Warning, Hygiene;
    /// A tag that is asked for and that nothing sets.
    TagNeverSet = 1080, "tag-never-set", Hint, Hygiene;
    /// A tag that is set and that nothing asks for.
    TagNeverRead = 1081, "tag-never-read", Off, Hygiene;
    /// A wait of more than a year.
    LongWait = 1082, "long-wait", Hint, Timing;
    /// A wait of whole days that counts in hours.
    HoursForDays = 1083, "hours-for-days", Hint, Timing;
    /// A message at a fixed time at which people sleep.
    AtNight = 1084, "at-night", Warning, Timing;
    /// Several journeys send marketing, and the policy has no cap.
    NoCap = 1085, "no-cap", Off, Pressure;
    /// One run can send very many messages in a day.
    ManyMessages = 1086, "many-messages", Warning, Pressure;
    /// A trigger that stands twice.
    DuplicateTrigger = 1087, "duplicate-trigger", Warning, Correctness;
    /// A message behind a step that unsubscribes from it.
    AfterUnsubscribe = 1088, "after-unsubscribe", Warning, Correctness;
    /// A holdout that is compared by nothing.
    HoldoutWithoutGoal = 1089, "holdout-without-goal", Warning, Correctness;
    /// A transactional message that sells.
    PromotionalTransactional = 1090, "promotional-transactional", Warning, Consent;
    /// A loop that runs once.
    RepeatOnce = 1091, "repeat-once", Warning, Style;
    /// A question about a message at the moment at which it is sent.
    AskedTooSoon = 1092, "asked-too-soon", Warning, Correctness;
    /// An event that starts a journey and also ends it.
    ExitOnTrigger = 1093, "exit-on-trigger", Warning, Correctness;
    /// An `if` alone inside an `if`.
    NestedIf = 1094, "nested-if", Hint, Style;
    /// Many `if` in a row that ask for one value.
    IfChain = 1095, "if-chain", Hint, Style;
    /// A split without anything to tell its sides apart by.
    UnmeasuredSplit = 1096, "unmeasured-split", Off, Hygiene;
    /// Two segments of the same contacts.
    DuplicateSegment = 1097, "duplicate-segment", Warning, Hygiene;
    /// A loop that waits the first time only.
    LoopAtOnce = 1098, "loop-at-once", Warning, Timing;
    /// A goal that counts at any time.
    EndlessGoal = 1099, "endless-goal", Off, Hygiene;
    /// A journey that asks for something and never looks whether it was done.
    NoExit = 1100, "no-exit", Warning, Correctness;
    /// A trial of a split that is over before all weekdays have come.
    ShortTrial = 1101, "short-trial", Warning, Correctness;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "J{:04}", self.number())
    }
}

/// By its number: names are for people.
impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.number())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u16::deserialize(deserializer)?;
        let code = Self::ALL.iter().copied().find(|code| code.number() == number);
        code.ok_or_else(|| D::Error::custom(format_args!("there is no code with the number {number}")))
    }
}
