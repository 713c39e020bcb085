//! Every kind of token and of node, and the words of the language.

use std::ops::Range;

/// Declares [`SyntaxKind`] and its tables from one list, so that a word is written down once.
macro_rules! syntax_kinds {
    (
        verbs { $($verb:ident $verb_text:literal)* }
        operators { $($operator:ident $operator_text:literal)* }
        connectives { $($connective:ident $connective_text:literal)* }
        statuses { $($status:ident $status_text:literal)* }
        days { $($day:ident $day_text:literal)* }
        contextual { $($contextual:ident $contextual_text:literal)* }
        punctuation { $($punctuation:ident $punctuation_text:literal)* }
        tokens { $(#[doc = $token_doc:literal] $token:ident)* }
        nodes { $(#[doc = $node_doc:literal] $node:ident)* }
    ) => {
        /// A kind of token or of node.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u16)]
        pub enum SyntaxKind {
            $(#[doc = concat!("`", $verb_text, "`")] $verb,)*
            $(#[doc = concat!("`", $operator_text, "`")] $operator,)*
            $(#[doc = concat!("`", $connective_text, "`")] $connective,)*
            $(#[doc = concat!("`", $status_text, "`")] $status,)*
            $(#[doc = concat!("`", $day_text, "`")] $day,)*
            $(#[doc = concat!("`", $contextual_text, "`")] $contextual,)*
            $(#[doc = concat!("`", $punctuation_text, "`")] $punctuation,)*
            $(#[doc = $token_doc] $token,)*
            $(#[doc = $node_doc] $node,)*
        }

        /// Words that are never a name on their own: a statement begins with them, or they join conditions.
        /// They still name fields, segments of a dotted path, and an operand that an operator follows.
        pub const RESERVED: &[&str] = &[$($verb_text,)* $($operator_text,)*];

        /// Words that may be names, but not of a message's handle: where a handle may be left out,
        /// they begin what comes next.
        pub const CONNECTIVES: &[&str] = &[$($connective_text,)* $($status_text,)* $($day_text,)*];

        /// Every word with a meaning of its own somewhere in the language.
        pub const KEYWORDS: &[(&str, SyntaxKind)] = &[
            $(($verb_text, SyntaxKind::$verb),)*
            $(($operator_text, SyntaxKind::$operator),)*
            $(($connective_text, SyntaxKind::$connective),)*
            $(($status_text, SyntaxKind::$status),)*
            $(($day_text, SyntaxKind::$day),)*
            $(($contextual_text, SyntaxKind::$contextual),)*
        ];

        /// Every kind of node.
        pub const NODE_KINDS: &[SyntaxKind] = &[$(SyntaxKind::$node,)*];

        impl SyntaxKind {
            /// The token's text, where the kind decides it.
            pub const fn text(self) -> Option<&'static str> {
                match self {
                    $(Self::$verb => Some($verb_text),)*
                    $(Self::$operator => Some($operator_text),)*
                    $(Self::$connective => Some($connective_text),)*
                    $(Self::$status => Some($status_text),)*
                    $(Self::$day => Some($day_text),)*
                    $(Self::$contextual => Some($contextual_text),)*
                    $(Self::$punctuation => Some($punctuation_text),)*
                    _ => None,
                }
            }

            /// A reserved word that begins a step.
            pub const fn is_verb(self) -> bool {
                matches!(self, $(Self::$verb)|*)
            }

            /// A word that is never a name on its own.
            pub const fn is_reserved(self) -> bool {
                self.is_verb() || matches!(self, $(Self::$operator)|*)
            }

            /// A word that may be a name but not a handle.
            pub const fn is_connective(self) -> bool {
                self.is_status() || self.is_day() || matches!(self, $(Self::$connective)|*)
            }

            /// What a message's delivery may come to: `opened`, `clicked` and so on.
            pub const fn is_status(self) -> bool {
                matches!(self, $(Self::$status)|*)
            }

            /// A day of the week, `weekdays` or `weekends`.
            pub const fn is_day(self) -> bool {
                matches!(self, $(Self::$day)|*)
            }

            /// A word that means something in some places and is an ordinary name everywhere else.
            pub const fn is_contextual(self) -> bool {
                matches!(self, $(Self::$contextual)|*)
            }

            /// A word of the language, whether reserved or not.
            pub const fn is_keyword(self) -> bool {
                self.is_reserved() || self.is_connective() || self.is_contextual()
            }

            /// Brackets, operators and separators.
            pub const fn is_punctuation(self) -> bool {
                matches!(self, $(Self::$punctuation)|*)
            }

            /// A node; everything else is a token.
            pub const fn is_node(self) -> bool {
                matches!(self, $(Self::$node)|*)
            }
        }
    };
}

syntax_kinds! {
    verbs {
        SendKw "send" WaitKw "wait" CountdownKw "countdown" IfKw "if" ChooseKw "choose" SplitKw "split"
        RepeatKw "repeat" AddKw "add" RemoveKw "remove" SetKw "set" MoveKw "move" RecordKw "record"
        SubscribeKw "subscribe" UnsubscribeKw "unsubscribe" SuppressKw "suppress" DeleteKw "delete"
        NotifyKw "notify" CallKw "call" VoucherKw "voucher" LetKw "let" AskKw "ask" StartKw "start"
        StopKw "stop" StepKw "step" EndKw "end"
    }
    operators {
        AndKw "and" OrKw "or" NotKw "not" IsKw "is" InKw "in" ElseKw "else" OnKw "on" WhereKw "where"
    }
    connectives {
        JourneyKw "journey" TestKw "test" ContactKw "contact" TagsKw "tags" EventKw "event" TopicKw "topic"
        FunnelKw "funnel" SegmentKw "segment" ScoreKw "score" PolicyKw "policy"
        PerKw "per" ReenterKw "reenter" CollectKw "collect" ExitKw "exit" GoalKw "goal" PurposeKw "purpose"
        HoursKw "hours" PriorityKw "priority" HoldoutKw "holdout" MigrateKw "migrate"
        AsKw "as" AtKw "at" UpKw "up" ToKw "to" FromKw "from" ViaKw "via" WithKw "with" LinkKw "link"
        WithinKw "within" SinceKw "since" UntilKw "until" ForKw "for" BeforeKw "before" AfterKw "after"
        BetweenKw "between" ContainsKw "contains" StartsKw "starts" EndsKw "ends" MatchesKw "matches"
        ChangesKw "changes" ChangedKw "changed" ExactlyKw "exactly" MeasureKw "measure" ThenKw "then"
        ExpiresKw "expires" BecauseKw "because" OfKw "of"
        GivenKw "given" ExpectKw "expect" TagKw "tag" UntagKw "untag" SubscribedKw "subscribed"
        UnsubscribedKw "unsubscribed" MessageKw "message" CreatedKw "created" EntersKw "enters"
        LeavesKw "leaves" ReachesKw "reaches" AnswerKw "answer" HasKw "has" ConsentsKw "consents"
    }
    statuses {
        SentKw "sent" DeliveredKw "delivered" OpenedKw "opened" ClickedKw "clicked" RepliedKw "replied"
        BouncedKw "bounced" ComplainedKw "complained" FailedKw "failed" SkippedKw "skipped"
    }
    days {
        MondayKw "monday" TuesdayKw "tuesday" WednesdayKw "wednesday" ThursdayKw "thursday" FridayKw "friday"
        SaturdayKw "saturday" SundayKw "sunday" WeekdaysKw "weekdays" WeekendsKw "weekends"
    }
    contextual {
        AnyKw "any" AllKw "all" NoneKw "none" NoKw "no" FirstKw "first" LastKw "last" NextKw "next"
        CountKw "count" SumKw "sum" AverageKw "average" MinKw "min" MaxKw "max" DistinctKw "distinct"
        DidKw "did" WasKw "was" ReachableKw "reachable" ChanceKw "chance"
        LeastKw "least" MostKw "most" TimesKw "times" TimeKw "time" DayKw "day" DaysKw "days" TheKw "the"
        EntryKw "entry" AgoKw "ago" NowKw "now" EmptyKw "empty" WhenKw "when" NeverKw "never"
        AlwaysKw "always" RestartKw "restart" EveryKw "every" QuietKw "quiet" CapKw "cap" RateKw "rate"
        MessagesKw "messages" SenderKw "sender" AddressKw "address" HalvesKw "halves" FileKw "file"
        GenerateKw "generate" EnumKw "enum" ListKw "list" BestKw "best" ReturnsKw "returns" FailsKw "fails"
        StageKw "stage" PathKw "path"
    }
    punctuation {
        LBrace "{" RBrace "}" LParen "(" RParen ")" LBracket "[" RBracket "]" Comma "," Colon ":" Dot "."
        Question "?" Pipe "|" Arrow "->" Eq "=" EqEq "==" BangEq "!=" Less "<" LessEq "<=" Greater ">"
        GreaterEq ">=" Plus "+" Minus "-" Star "*" Slash "/"
    }
    tokens {
        /// A word that is no keyword.
        Ident
        /// `1`, `1.5`
        Number
        /// `45%`
        Percent
        /// `30s`, `2d`, `1d12h`
        Duration
        /// `09:00`
        Time
        /// `2026-03-01`
        Date
        /// `"text"`
        String
        /// A string with an unknown escape, without its closing quote, or in typographic quotes.
        BadString
        /// A digit that begins nothing known, such as `3days`.
        BadNumber
        /// Spaces and line ends.
        Whitespace
        /// `// remark`
        Comment
        /// `/// documentation`
        DocComment
        /// Characters that no token begins with.
        Unknown
        /// The end of the source; never in a tree.
        Eof
    }
    nodes {
        /// The whole source.
        File
        /// Tokens that fit nowhere.
        Error

        /// `mattress_lead`
        Name
        /// `plan`, `trigger.amount`, `sales.prospect`
        Path

        /// `contact { email: email }`
        ContactDecl
        /// `tags { lead customer }`
        TagsDecl
        /// `event purchase { amount: money }`
        EventDecl
        /// `topic offers "Offers and news"`
        TopicDecl
        /// `funnel sales { new -> prospect -> customer | lost }`
        FunnelDecl
        /// `customer | lost`
        StageGroup
        /// `segment engaged = opened any email within 30d`
        SegmentDecl
        /// `score engagement { opened +2 halves every 30d }`
        ScoreDecl
        /// `opened +2`
        ScoreRule
        /// `halves every 30d`
        ScoreDecay
        /// `voucher cart10 "10 % off" from file "vouchers/cart10.csv"`
        VoucherDecl
        /// `policy { cap 3 messages per 7d }`
        PolicyDecl
        /// `sender "Moosbett <hello@moosbett.example>"`
        SenderRule
        /// `address "Moosbett GmbH, Teststr. 1, 53177 Bonn"`
        AddressRule
        /// `quiet hours 21:00 to 08:00`
        QuietHoursRule
        /// `cap sms 1 per 7d`
        CapRule
        /// `rate email 1000 per 1h`
        RateRule
        /// `{ amount: money, voucher: text? }`
        FieldList
        /// `plan: enum { free pro } = free`
        Field
        /// `text?`
        TypeRef
        /// `enum { free pro }`
        EnumType
        /// `list of text`
        ListType

        /// `journey nurture { .. }`
        Journey
        /// A journey without a block; its name is the file's.
        BareJourney

        /// `on tag lead`
        TriggerClause
        /// `call { order: text }`
        CallTrigger
        /// `every monday at 09:00 for engaged`
        ScheduleTrigger
        /// `14d before renewal_date at 09:00`
        DateTrigger
        /// `birthday at 09:00`
        AnniversaryTrigger
        /// `where country is DE`
        WhereClause
        /// `per appointment_id`
        PerClause
        /// `reenter after 90d`
        ReenterClause
        /// `collect for 15m per page_id at most 50 as comments`
        CollectClause
        /// `at most 50`
        LimitClause
        /// `exit when purchase`
        ExitClause
        /// `goal purchase within 30d`
        GoalClause
        /// `topic offers`
        TopicClause
        /// `purpose transactional`
        PurposeClause
        /// `hours weekdays 09:00 to 18:00`
        HoursClause
        /// `priority high`
        PriorityClause
        /// `holdout 5%`
        HoldoutClause
        /// `migrate old_step to new_step`
        MigrateClause

        /// `purchase where amount > 100 EUR`
        EventPattern
        /// `opened story`
        StatusPattern
        /// `tag lead`, `untag lead`
        TagPattern
        /// `unsubscribed offers via email`
        ConsentPattern
        /// `message "STOP" via sms`
        MessagePattern
        /// `created`
        CreatedPattern
        /// `enters engaged`, `leaves engaged`
        SegmentPattern
        /// `reaches sales.customer`
        StagePattern
        /// `plan changes from free to pro`
        ChangePattern
        /// `any email`
        AnyMessage
        /// `link "pricing"`
        LinkClause

        /// `{ .. }`
        Block
        /// `send email welcome as hello`
        SendStep
        /// `push or sms`
        ChannelList
        /// `wait 2d`, `wait 1h to 3h`
        WaitStep
        /// `wait until tuesday 12:00`, `wait until in engaged up to 30d`
        WaitUntilStep
        /// `wait for opened story up to 2d else end`
        WaitForStep
        /// `wait for first { purchase { .. } after 3d { .. } }`
        RaceStep
        /// `purchase { .. }`
        RaceArm
        /// `after 3d { .. }`
        TimeoutArm
        /// `countdown to expires_at { 30d before send email renew }`
        CountdownStep
        /// `30d before send email renew`, `on the day end`
        CountdownPoint
        /// `if opened story send email thanks else end`
        IfStep
        /// `else end`
        ElseBranch
        /// `choose plan { free { .. } else { .. } }`
        ChooseStep
        /// `free, pro { .. }`
        ChooseArm
        /// `9 to 10`
        ValueRange
        /// `split subject_test { 50% a { .. } 50% b { .. } } measure purchase within 14d`
        SplitStep
        /// `50% a { .. }`
        SplitArm
        /// `measure purchase within 14d`
        MeasureClause
        /// `for at least 14d`
        RunForClause
        /// `then best`
        BestClause
        /// `repeat up to 3 times until purchased { .. }`
        RepeatStep
        /// `until purchased`
        UntilClause
        /// `add tag lead`
        AddTagStep
        /// `remove tag lead`
        RemoveTagStep
        /// `add "sleep" to interests`
        AddStep
        /// `remove "sleep" from interests`
        RemoveStep
        /// `set plan to pro`
        SetStep
        /// `move to sales.prospect`
        MoveStep
        /// `record signed_up { source: "mail" }`
        RecordStep
        /// `subscribe offers via email`
        SubscribeStep
        /// `unsubscribe offers`
        UnsubscribeStep
        /// `suppress "asked by phone"`
        SuppressStep
        /// `delete contact`
        DeleteStep
        /// `notify slack "#sales" "A lead is warm"`
        NotifyStep
        /// `call crm.update { email: email } as result up to 30s else end`
        CallStep
        /// `voucher cart10 as code expires 3d`
        VoucherStep
        /// `let price = trigger.amount * 2`
        LetStep
        /// `ask owner "Call now?" up to 1d { yes { .. } no { .. } }`
        AskStep
        /// `yes { .. }`
        AskArm
        /// `start journey winback with { reason: "silent" }`
        StartStep
        /// `stop journey winback`
        StopStep
        /// `step reminder:`
        StepLabel
        /// `end`
        EndStep

        /// `as story`
        AsClause
        /// `with subject "Hello"`
        WithClause
        /// `from "Ada <ada@example.com>"`
        FromClause
        /// `to owner`
        ToClause
        /// `via email`
        ViaClause
        /// `at 09:00`
        AtClause
        /// `up to 3d`
        UpToClause
        /// `within weekdays 09:00 to 17:00`
        WindowClause
        /// `expires 3d`
        ExpiresClause
        /// `from now`
        FromNow
        /// `weekdays 09:00 to 17:00`, `22:00 to 06:00`
        Window
        /// `monday to friday, sunday`
        DaySet
        /// `{ amount: 20 EUR, items: [] }`
        RecordLiteral
        /// `amount: 20 EUR`
        FieldValue

        /// `a or b`
        OrExpr
        /// `a and b`
        AndExpr
        /// `not a`
        NotExpr
        /// `plan is pro`, `visits >= 3`, `created before 30d ago`
        CompareExpr
        /// `email ends with "@example.com"`, `interests contains any of ["a", "b"]`
        MatchExpr
        /// `country in [DE, AT]`
        InExpr
        /// `visits between 3 and 5`
        BetweenExpr
        /// `phone is set`, `interests is not empty`
        PresenceExpr
        /// `renewal_date within next 30d`, `now within weekdays 09:00 to 17:00`
        WithinExpr
        /// `plan changed to pro within 30d`
        ChangedExpr
        /// `a + b`
        SumExpr
        /// `a * b`
        ProductExpr
        /// `-a`
        NegExpr
        /// `(a)`
        ParenExpr
        /// `[DE, AT]`
        ListExpr
        /// `3`, `"text"`, `45%`, `2d`, `09:00`, `2026-03-01`
        Literal
        /// `20 EUR`
        MoneyLiteral
        /// `2026-03-01 09:00`
        DateTimeLiteral
        /// `30d ago`
        AgoExpr
        /// `month of birthday`
        FunctionExpr
        /// `sum of purchase.amount where amount > 5 EUR within 30d`
        AggregateExpr
        /// `last purchase.amount`, `first purchase at`
        OccurrenceExpr
        /// `at least 2 of [a, b, c]`
        QuantifiedExpr
        /// `opened story within 2d`
        StatusExpr
        /// `has tag vip`
        HasTagExpr
        /// `in engaged`, `in journey winback`, `was in journey winback within 30d`
        MemberExpr
        /// `consents to offers via email`
        ConsentExpr
        /// `reachable via sms`
        ReachableExpr
        /// `did purchase at least 2 times within 30d`
        DidExpr
        /// `chance 10%`
        ChanceExpr
        /// `at least 2 times`
        CountClause
        /// `within 30d`
        WithinClause
        /// `since entry`
        SinceClause

        /// `test "a silent lead" { .. }`
        Test
        /// `given contact ada { email: "ada@example.com" } consents to offers`
        GivenContact
        /// `given call crm.update returns { ok: yes }`
        GivenCall
        /// `at 2026-03-02 10:00 tag lead for ada`
        TestEvent
        /// `after 3d expect send sms nudge for ada`
        Expect
        /// `at 2026-03-02 10:00`
        AtMoment
        /// `after 3d`
        AfterMoment
        /// `for ada`
        ForClause
        /// `event purchase { amount: 20 EUR }`
        EventStimulus
        /// `set plan to pro` in a test
        AttributeChange
        /// `answer yes`
        AnswerStimulus
        /// `send sms nudge` after `expect`
        ExpectSend
        /// `end because goal` after `expect`
        ExpectEnd
        /// `skipped nudge because cap` after `expect`
        ExpectSkipped
        /// `wait until 2026-03-05 10:00` after `expect`
        ExpectWait
        /// `tag nurtured` after `expect`
        ExpectEffect
        /// `because goal`
        BecauseClause
    }
}

impl SyntaxKind {
    /// Whitespace, comments and unknown characters: the parser looks past them.
    pub const fn is_trivia(self) -> bool {
        matches!(self, Self::Whitespace | Self::Comment | Self::DocComment | Self::Unknown)
    }

    /// A number, a text, or a length or point of time.
    pub const fn is_literal(self) -> bool {
        matches!(
            self,
            Self::Number
                | Self::Percent
                | Self::Duration
                | Self::Time
                | Self::Date
                | Self::String
                | Self::BadString
                | Self::BadNumber
        )
    }

    /// A number, or a length or point of time.
    pub const fn is_quantity(self) -> bool {
        matches!(self, Self::Number | Self::Percent | Self::Duration | Self::Time | Self::Date)
    }

    /// A word, whatever it means.
    pub const fn is_word(self) -> bool {
        matches!(self, Self::Ident) || self.is_keyword()
    }

    /// A word that can be all of a line of a test, so that no message is told from it there.
    pub const fn is_line_alone(self) -> bool {
        self.is_status()
            || matches!(self, Self::CreatedKw | Self::SubscribedKw | Self::UnsubscribedKw | Self::MessageKw)
    }

    /// A word that can be a name on its own.
    pub const fn is_name(self) -> bool {
        self.is_word() && !self.is_reserved()
    }

    /// A word that can be a handle, or any other name that may be left out.
    pub const fn is_handle(self) -> bool {
        matches!(self, Self::Ident) || self.is_contextual()
    }

    /// The word's kind if it has a meaning of its own.
    pub fn of_keyword(word: &str) -> Option<Self> {
        keyword_table::find(keyword_table::number(word.as_bytes()))
    }

    /// The same of the word that stands somewhere in a source.
    pub(crate) fn of_keyword_in(source: &str, word: Range<usize>) -> Option<Self> {
        let behind = source.as_bytes().get(word.start..)?;
        match keyword_table::first(behind, word.len()) {
            Some(number) => keyword_table::find(number),
            None => Self::of_keyword(source.get(word)?),
        }
    }

    /// The words that begin a step.
    pub fn verbs() -> impl Iterator<Item = &'static str> {
        words(Self::is_verb)
    }

    /// The words that begin a header clause.
    pub fn clause_words() -> impl Iterator<Item = &'static str> {
        words(Self::begins_clause)
    }

    /// The words that begin a declaration, a journey or a test.
    pub fn item_words() -> impl Iterator<Item = &'static str> {
        words(Self::begins_item)
    }

    /// A word that begins a header clause.
    pub const fn begins_clause(self) -> bool {
        matches!(
            self,
            Self::OnKw
                | Self::WhereKw
                | Self::PerKw
                | Self::ReenterKw
                | Self::CollectKw
                | Self::ExitKw
                | Self::GoalKw
                | Self::TopicKw
                | Self::PurposeKw
                | Self::HoursKw
                | Self::PriorityKw
                | Self::HoldoutKw
                | Self::MigrateKw
        )
    }

    /// A word that begins a declaration, a journey or a test.
    pub const fn begins_item(self) -> bool {
        matches!(
            self,
            Self::JourneyKw
                | Self::TestKw
                | Self::ContactKw
                | Self::TagsKw
                | Self::EventKw
                | Self::TopicKw
                | Self::FunnelKw
                | Self::SegmentKw
                | Self::ScoreKw
                | Self::VoucherKw
                | Self::PolicyKw
        )
    }
}

fn words(wanted: impl Fn(SyntaxKind) -> bool) -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().filter(move |(_, kind)| wanted(*kind)).map(|(word, _)| *word)
}

/// Open addressing over a word's bytes as one number, built at compile time: the lexer asks for every word of a file.
mod keyword_table {
    use super::{KEYWORDS, SyntaxKind};

    const SLOTS: usize = 2048;
    /// Marks a free slot.
    const FREE: u8 = u8::MAX;
    /// So many bytes are one number; the longest word has 12.
    const LONGEST: usize = 16;

    static WORDS: [(u128, SyntaxKind); KEYWORDS.len()] = words();
    static TABLE: [u8; SLOTS] = build();
    /// By how many bytes are kept.
    static MASKS: [u128; LONGEST] = masks();

    /// The bytes as a number; those of a word that is too long are no word's.
    pub(super) const fn number(word: &[u8]) -> u128 {
        if word.len() > LONGEST {
            return 0;
        }
        let mut number = 0;
        let mut rest = word;
        while let [left @ .., last] = rest {
            number = number << 8 | *last as u128;
            rest = left;
        }
        number
    }

    /// The number of so many first bytes, read at once with what stands behind them; none if there are too few or too many.
    pub(super) fn first(bytes: &[u8], length: usize) -> Option<u128> {
        Some(u128::from_le_bytes(*bytes.first_chunk()?) & MASKS.get(length)?)
    }

    const fn slot(number: u128) -> usize {
        let mixed = (number as u64 ^ ((number >> 64) as u64).rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 53) as usize % SLOTS
    }

    #[expect(clippy::indexing_slicing, reason = "runs at compile time")]
    const fn masks() -> [u128; LONGEST] {
        let mut masks = [0; LONGEST];
        let mut length = 1;
        while length < LONGEST {
            masks[length] = (1 << (8 * length)) - 1;
            length += 1;
        }
        masks
    }

    #[expect(clippy::indexing_slicing, reason = "runs at compile time")]
    const fn words() -> [(u128, SyntaxKind); KEYWORDS.len()] {
        let mut words = [(0, SyntaxKind::Eof); KEYWORDS.len()];
        let mut index = 0;
        while index < KEYWORDS.len() {
            let word = KEYWORDS[index].0.as_bytes();
            assert!(!word.is_empty() && word.len() <= LONGEST);
            words[index] = (number(word), KEYWORDS[index].1);
            index += 1;
        }
        words
    }

    #[expect(clippy::indexing_slicing, reason = "runs at compile time")]
    const fn build() -> [u8; SLOTS] {
        assert!(KEYWORDS.len() < FREE as usize);
        let mut table = [FREE; SLOTS];
        let mut index = 0;
        while index < KEYWORDS.len() {
            let mut at = slot(number(KEYWORDS[index].0.as_bytes()));
            while table[at] != FREE {
                at = (at + 1) % SLOTS;
            }
            table[at] = index as u8;
            index += 1;
        }
        table
    }

    pub(super) fn find(number: u128) -> Option<SyntaxKind> {
        let mut at = slot(number);
        loop {
            let (word, kind) = WORDS.get(usize::from(*TABLE.get(at)?))?;
            if *word == number {
                return Some(*kind);
            }
            at = (at + 1) % SLOTS;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{KEYWORDS, SyntaxKind};
    use std::collections::BTreeSet;

    #[test]
    fn every_keyword_is_found_and_written_once() {
        let words: BTreeSet<_> = KEYWORDS.iter().map(|(word, _)| *word).collect();
        assert_eq!(words.len(), KEYWORDS.len());
        for (word, kind) in KEYWORDS {
            assert_eq!(SyntaxKind::of_keyword(word), Some(*kind));
            assert_eq!(kind.text(), Some(*word));
            assert!(kind.is_keyword() && !kind.is_node());
        }
        assert_eq!(SyntaxKind::of_keyword("mattress_lead"), None);
        assert_eq!(SyntaxKind::of_keyword(""), None);
    }
}
