//! A program: one journey as bytecode for a small stack machine.
//!
//! `code` holds two kinds of fragments. *Steps* begin at [`Program::entry`], keep the operand stack empty between two
//! statements and finish with [`Op::End`]. *Clauses* ([`Clause`]) compute one value from contact, trigger, event and
//! clock, have no effects, and finish with [`Op::Return`]. [`verify`](crate::verify) proves both shapes.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::message::{Channel, Purpose};
use crate::outside::{Notice, Request};
use crate::schema::{LocalWindow, WeekdaySet};
use crate::trigger::Trigger;
use crate::value::{Span, Value};

macro_rules! index {
    ($(#[$doc:meta] $name:ident($inner:ty);)*) => {$(
        #[$doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
        pub struct $name(pub $inner);

        impl $name {
            /// The place in its table.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

index! {
    /// A place in the code.
    Pc(u32);
    /// A message that the journey gave a name (`as story`).
    HandleIx(u16);
    /// A local variable of the run.
    SlotIx(u16);
    /// A send statement.
    SendIx(u16);
    /// A wait statement.
    WaitIx(u16);
    /// A statement, in source order.
    StepIx(u16);
    /// A question about the contact's past events.
    HistoryIx(u16);
    /// A question about what became of the contact's messages.
    MessagesIx(u16);
    /// A split.
    SplitIx(u16);
    /// A statement that asks somebody outside.
    RequestIx(u16);
    /// A statement that tells a colleague something.
    NoticeIx(u16);
    /// The field names of a record that an instruction makes.
    ShapeIx(u16);
    /// A clause of the header or of a statement: where its code begins.
    Clause(u32);
    /// An entry of [`Program::consts`].
    ConstIx(u16);
    /// An entry of [`Program::names`].
    NameIx(u16);
}

/// A program's name for life: the hash of all that decides what it does, positions in the source left out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version(pub [u8; 16]);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(6).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One journey, compiled.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Program {
    /// The journey's name.
    pub name: SmolStr,
    /// What starts a run.
    pub triggers: Vec<Trigger>,
    /// `where`: who may enter; sees the trigger.
    pub filter: Option<Clause>,
    /// `per`: the run's key; sees the trigger. One run a contact without.
    pub key: Option<Clause>,
    /// Whether a contact may enter again.
    pub reenter: Reenter,
    /// What ends a run from outside, checked at every event.
    pub exits: Vec<Exit>,
    /// What counts as success.
    pub goals: Vec<Goal>,
    /// The topic of its messages where they name none.
    pub topic: Option<SmolStr>,
    /// The purpose of its messages where they name none.
    pub purpose: Option<Purpose>,
    /// `hours`: sends wait for this window, in the contact's zone.
    pub hours: Option<LocalWindow>,
    /// `collect for`: a run gathers its triggers first.
    pub collect: Option<Collect>,
    /// `priority`: higher goes first when several journeys want to send at one instant; 0 without.
    pub priority: i8,
    /// `holdout`: the share of contacts, in parts of a million, that never enters; always the same ones.
    pub holdout: u32,
    /// Where a run begins.
    pub entry: Pc,
    /// The code.
    pub code: Vec<Op>,
    /// Constants.
    pub consts: Vec<Value>,
    /// Names of attributes, fields, tags, links.
    pub names: Vec<SmolStr>,
    /// Send statements.
    pub sends: Vec<SendDef>,
    /// Wait statements.
    pub waits: Vec<WaitDef>,
    /// Named messages.
    pub handles: Vec<Handle>,
    /// Questions about past events.
    pub histories: Vec<History>,
    /// Questions about what became of messages.
    pub messages: Vec<MessageHistory>,
    /// Segments that the program asks for in the past (`was in`): their conditions.
    pub segments: Vec<(SmolStr, Clause)>,
    /// Splits.
    pub splits: Vec<Split>,
    /// Statements that ask somebody outside.
    pub requests: Vec<Request>,
    /// Statements that tell a colleague something.
    pub notices: Vec<Notice>,
    /// Field names of records, for [`Op::MakeRecord`].
    pub shapes: Vec<Vec<SmolStr>>,
    /// Local variables by place; the name is for people.
    pub slots: Vec<SmolStr>,
    /// The deepest operand stack, which the verifier checks.
    pub max_stack: u16,
    /// Positions in the source; not part of the version.
    pub map: SourceMap,
}

/// Whether a contact (and key) may enter again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Reenter {
    /// Once in a life.
    #[default]
    Never,
    /// Whenever no run is active.
    Always,
    /// When no run is active and the last one began at least so long ago.
    After(Span),
    /// The active run ends as `restarted` and a new one begins.
    Restart,
}

/// `exit ..`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Exit {
    /// What ends the run.
    pub kind: ExitKind,
    /// Steps that it still does then: where they begin. Nothing but the loss of consent ends it meanwhile.
    pub then: Option<Pc>,
}

/// What ends a run from outside.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum ExitKind {
    /// An event; the reason is `exit EVENT`.
    Event(EventPattern),
    /// A condition, as soon as it holds.
    Condition(Clause),
    /// So long after it began.
    After(Span),
}

/// `collect for 15m at most 50 as comments`: the first trigger opens a run that gathers; it begins with the list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Collect {
    /// Gives the moment until which it gathers; [`Op::WaitStart`] is that of the first trigger.
    pub until: Clause,
    /// It begins at once when so many are gathered.
    pub most: Option<u32>,
    /// Where the list of payloads goes.
    pub slot: SlotIx,
}

/// A question about the contact's past events.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct History {
    /// The declared event.
    pub event: SmolStr,
    /// Which occurrences count; sees the event's fields.
    pub filter: Option<Clause>,
    /// How far back; for ever without.
    pub within: Option<Span>,
    /// Whether only occurrences since the run began count.
    pub since_entry: bool,
    /// `since`: only those at this moment or after it; none at all if it is unset.
    pub since: Option<Clause>,
    /// `until`: only those before this moment.
    pub until: Option<Clause>,
    /// What is asked.
    pub aggregate: Aggregate,
}

/// A question about what became of the contact's messages: how many of them have the status, by when they last got it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MessageHistory {
    /// The status.
    pub status: StatusKind,
    /// Of which messages.
    pub message: MessageRef,
    /// For `clicked`: of which link.
    pub link: Option<SmolStr>,
    /// How far back; for ever without.
    pub within: Option<Span>,
    /// Whether only what happened since the run began counts.
    pub since_entry: bool,
    /// `since`: only what happened at this moment or after it; nothing at all if it is unset.
    pub since: Option<Clause>,
    /// `until`: only what happened before this moment.
    pub until: Option<Clause>,
}

/// What is made of the occurrences; of none, everything but `Count` is unset.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Aggregate {
    /// How many.
    Count,
    /// On how many days in the contact's zone.
    Days,
    /// How many different values of a field.
    Distinct(SmolStr),
    /// The sum of a field.
    Sum(SmolStr),
    /// The mean of a field.
    Average(SmolStr),
    /// The least value of a field.
    Min(SmolStr),
    /// The greatest value of a field.
    Max(SmolStr),
    /// The field of the oldest one.
    First(SmolStr),
    /// The field of the newest one.
    Last(SmolStr),
    /// When the oldest one happened.
    FirstAt,
    /// When the newest one happened.
    LastAt,
}

/// `split NAME { 45% a {..} .. }`: the same contact always falls on the same side.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Split {
    /// Its name: with the contact's key, what the side is drawn from.
    pub name: SmolStr,
    /// Share in parts of a million, name, and where it continues; the shares add up to a million.
    pub sides: Vec<(u32, SmolStr, Pc)>,
    /// `measure`: what tells which side is better.
    pub measure: Option<Measure>,
}

/// `measure EVENT within D for at least D then best`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Measure {
    /// What counts for the side that the run took.
    pub pattern: EventPattern,
    /// Counted from then; for ever without.
    pub within: Option<Span>,
    /// For how long, from the first contact on, contacts count: the trial's fixed length.
    pub at_least: Option<Span>,
    /// Whether later contacts all go to the winner.
    pub best: bool,
}

/// `goal EVENT within D`
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Goal {
    /// What counts.
    pub pattern: EventPattern,
    /// Counted from entry; for ever without.
    pub within: Option<Span>,
    /// `exit on goal`
    pub exits: bool,
}

/// Which events an exit, a goal or a wait means.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EventPattern {
    /// The event's name, built-in or declared.
    pub event: SmolStr,
    /// For events of a message: of which.
    pub message: MessageRef,
    /// For `clicked`: which link.
    pub link: Option<SmolStr>,
    /// `where`; sees the event's fields.
    pub filter: Option<Clause>,
}

/// Which of the contact's messages is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum MessageRef {
    /// Not about a message.
    None,
    /// The last one sent under this name by this run.
    Handle(HandleIx),
    /// The last one that this run sent.
    Last,
    /// Any, for what happened to it since the run began, whoever sent it.
    SinceEntry,
    /// Any of a channel, ever.
    Any(Option<Channel>),
    /// Any of this name, ever, whichever run sent it.
    Named(NameIx),
    /// Any of this topic, ever.
    Topic(NameIx),
}

/// What a function makes of a value. Of a moment or a day, in the contact's zone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Function {
    /// The year of a moment or day.
    Year,
    /// The month of a moment or day, from 1.
    Month,
    /// The day of the month of a moment or day, from 1.
    Day,
    /// Whole years since a day.
    Age,
    /// The day on which a day next comes round, today included; 29 February does on 28 February where there is none.
    Anniversary,
    /// Whole days of a duration: months count 30 days, days 24 hours.
    Days,
    /// Whole hours of a duration: days count 24.
    Hours,
    /// Characters of a text, values of a list.
    Length,
    /// What stands behind the `@` of a mail address, or the host of a web address; in small letters.
    Domain,
    /// Text in small letters.
    Lower,
    /// The nearest whole number or amount; halves away from zero.
    Round,
    /// The whole number or amount below.
    Floor,
    /// The whole number or amount above.
    Ceil,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Year,
        Self::Month,
        Self::Day,
        Self::Age,
        Self::Anniversary,
        Self::Days,
        Self::Hours,
        Self::Length,
        Self::Domain,
        Self::Lower,
        Self::Round,
        Self::Floor,
        Self::Ceil,
    ];

    /// The word in the language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::Age => "age",
            Self::Anniversary => "anniversary",
            Self::Days => "days",
            Self::Hours => "hours",
            Self::Length => "length",
            Self::Domain => "domain",
            Self::Lower => "lower",
            Self::Round => "round",
            Self::Floor => "floor",
            Self::Ceil => "ceil",
        }
    }
}

/// How a part is looked for: text in text without regard to case, or a value in a list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum TextMatch {
    /// Anywhere in the text, or in the list.
    Contains,
    /// At the text's beginning.
    StartsWith,
    /// At the text's end.
    EndsWith,
}

impl TextMatch {
    /// The words in the language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::StartsWith => "starts with",
            Self::EndsWith => "ends with",
        }
    }
}

/// What can be known of a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum StatusKind {
    /// It went to the outbox.
    Sent,
    /// The provider accepted it.
    Delivered,
    /// A person opened it.
    Opened,
    /// A person clicked a link in it.
    Clicked,
    /// The contact answered it.
    Replied,
    /// It came back.
    Bounced,
    /// The contact called it spam.
    Complained,
    /// It could not be delivered, however often it was tried.
    Failed,
    /// It was not sent, for a recorded reason.
    Skipped,
}

impl StatusKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Sent,
        Self::Delivered,
        Self::Opened,
        Self::Clicked,
        Self::Replied,
        Self::Bounced,
        Self::Complained,
        Self::Failed,
        Self::Skipped,
    ];

    /// The word in the language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Opened => "opened",
            Self::Clicked => "clicked",
            Self::Replied => "replied",
            Self::Bounced => "bounced",
            Self::Complained => "complained",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// A send statement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SendDef {
    /// Channel and message, in the order of preference; the first that reaches the contact is taken.
    pub choices: Vec<(Channel, SmolStr)>,
    /// The name it is known by afterwards.
    pub handle: Option<HandleIx>,
    /// `with subject`: text, instead of the message's own subject.
    pub subject: Option<Clause>,
    /// `from`: text, instead of the policy's sender.
    pub from: Option<Clause>,
    /// `to`: the address of somebody else. What becomes of it is not the contact's doing.
    pub to: Option<Clause>,
    /// The statement.
    pub step: StepIx,
}

/// A wait statement: it ends with the first of its arms, conditions or its deadline; at one instant the arms come first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WaitDef {
    /// When it ends by itself.
    pub deadline: Option<Deadline>,
    /// The events it waits for, in source order.
    pub arms: Vec<Arm>,
    /// Conditions it waits for, and where each continues.
    pub conditions: Vec<(Clause, Pc)>,
    /// The statement.
    pub step: StepIx,
}

/// When a wait ends by itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Deadline {
    /// Gives the moment; [`Op::WaitStart`] is when the wait began.
    pub at: Clause,
    /// Whether the moment is computed again when an attribute of the contact changes.
    pub replans: bool,
    /// Where it continues.
    pub target: Pc,
    /// Where it continues when the moment was past, or unset, when the wait began; at `target` without.
    pub past: Option<Pc>,
}

/// One event that a wait waits for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Arm {
    /// The event.
    pub pattern: EventPattern,
    /// Whether only occurrences after the wait began count (`from now`); otherwise one since entry that this run has
    /// not used yet counts as well.
    pub from_now: bool,
    /// Where it continues.
    pub target: Pc,
}

/// A named message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Handle {
    /// Its name.
    pub name: SmolStr,
}

/// One instruction. The comment gives the operand stack before and after.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Op {
    // Values
    /// → constant
    Const(ConstIx),
    /// → attribute of the contact, its default if it has none
    Attribute(NameIx),
    /// → field of the event that started the run
    Trigger(NameIx),
    /// → field of the event at hand (in a filter)
    Field(NameIx),
    /// → local variable
    Load(SlotIx),
    /// → the present moment
    Now,
    /// → the day it is for the contact
    Today,
    /// → when the contact was created
    CreatedAt,
    /// → when the run began
    EnteredAt,
    /// → when the present wait began; the present moment outside a deadline
    WaitStart,
    /// moment → the day it is then for the contact
    DayOf,
    /// day day → whether the first comes round on the second, in any year; 29 February does on 28 February where there
    /// is none
    Anniversary,
    /// moment → weekday in the contact's zone, as text: `monday`
    WeekdayOf,
    /// moment → hour in the contact's zone
    HourOf,
    /// record → its field
    Member(NameIx),
    /// value → what the function makes of it
    Function(Function),

    // Operators; an operand that is unset or of the wrong type gives false, or unset for arithmetic
    /// bool → bool
    Not,
    /// a b → bool
    Equal,
    /// a b → bool
    Less,
    /// a b → bool
    LessOrEqual,
    /// a b → sum; moment or date plus duration is calendar arithmetic in the contact's zone
    Add,
    /// a b → difference
    Subtract,
    /// a b → product
    Multiply,
    /// a b → quotient
    Divide,
    /// value list → whether the list has the value
    In,
    /// text text, or list value → bool; text without regard to case
    Contains,
    /// text text → bool, without regard to case
    StartsWith,
    /// text text → bool, without regard to case
    EndsWith,
    /// value list → whether one of the list's values is found in the value
    MatchAny(TextMatch),
    /// value list → whether all of the list's values are found in the value
    MatchAll(TextMatch),
    /// text → whether the pattern, a text among the constants, matches somewhere in it; see [`pattern`](crate::pattern)
    Matches(ConstIx),
    /// number bool → the number, one more if it is true
    Tally,
    /// list value → the list with the value behind it, unless it has it already; unset counts as an empty list
    Append,
    /// list value → the list without the value
    Without,
    /// value → whether it has a value
    IsSet,
    /// date, wall-clock date and time, or moment → moment, in the contact's zone
    ToInstant,
    /// moment time → the first moment at or after it whose wall clock in the contact's zone shows the time on one of
    /// the days
    NextAt(WeekdaySet),
    /// moment day time → the first moment at or after it that is the time on a day on which the day comes round
    NextAnniversary,
    /// moment window-from window-to → the first moment at or after it inside the window
    NextWithin(WeekdaySet),
    /// moment duration window-from window-to → the moment at which so much time inside the window is over
    AddWithin(WeekdaySet),
    /// moment day duration time → the first moment at or after it that is the time on the day or a whole number of
    /// durations later
    NextEvery,
    /// moment moment → the later one
    Later,
    /// moment moment → a moment between the two, drawn for the contact, the run and the beginning of the wait
    Between,

    // Facts
    /// moment → whether it has come; the only way in which conditions depend on time, so that whoever asks learns when
    /// the answer will change
    Reached,
    /// → what the history tells
    History(HistoryIx),
    /// → whether the contact has the tag
    HasTag(NameIx),
    /// → the contact's stage in the funnel, as text; unset before it was moved into one
    Stage(NameIx),
    /// → whether the contact has an address on the channel, and nothing forbids to write to it at all
    Reachable(Channel),
    /// → whether the contact consents to the topic on the channel (on any without)
    Consents(NameIx, Option<Channel>),
    /// → the score now, to six places; whoever looks at it as a number looks again every hour
    Score(NameIx),
    /// number → whether the score is greater now; whoever asks learns when that changes
    ScoreAbove(NameIx),
    /// number → whether the score is as great or greater now; whoever asks learns when that changes
    ScoreFrom(NameIx),
    /// → whether the contact has an active run of the journey
    InJourney(NameIx),
    /// duration → whether the contact was in the journey within it (unset: ever)
    WasInJourney(NameIx),
    /// → whether a stable draw for contact and run falls into the share, in parts of a million
    Chance(u32),
    /// values → a record of so many fields, with the names of the shape
    MakeRecord(ShapeIx, u16),
    /// → whether the message has the status
    Status(StatusKind, MessageRef),
    /// → whether a link of this name or address was clicked in the message
    ClickedLink(NameIx, MessageRef),
    /// → how many messages have what is asked for
    Messages(MessagesIx),

    // Control
    /// Continues there.
    Jump(Pc),
    /// bool → ; continues there unless it is true.
    JumpUnless(Pc),
    /// bool → bool; continues there if it is not true and leaves it, else drops it (`and`).
    AndJump(Pc),
    /// bool → bool; continues there if it is true and leaves it, else drops it (`or`).
    OrJump(Pc),
    /// value → ; the clause is done.
    Return,

    // Steps
    /// Marks the beginning of a statement: trace, reports and `why` speak of it.
    Step(StepIx),
    /// bool → bool; records what a decision saw.
    Decide,
    /// Queues the message, records a skip, or holds the run until the window opens.
    Send(SendIx),
    /// Parks the run.
    Wait(WaitIx),
    /// value → ; asks somebody outside with the value, and parks the run until the answer.
    Request(RequestIx),
    /// Adds a tag.
    AddTag(NameIx),
    /// Removes a tag.
    RemoveTag(NameIx),
    /// value → ; sets an attribute.
    SetAttribute(NameIx),
    /// value → ; sets a local variable.
    Store(SlotIx),
    /// Continues at the contact's side.
    Split(SplitIx),
    /// Moves the contact to the stage (the second name) of the funnel (the first).
    MoveTo(NameIx, NameIx),
    /// record → ; the event happens to the contact, as if another system had sent it.
    Record(NameIx),
    /// record → ; records consent to the topic on the channel (on all without), with what proves it.
    Subscribe(NameIx, Option<Channel>),
    /// Withdraws consent to the topic, on one channel or all.
    Unsubscribe(NameIx, Option<Channel>),
    /// Withdraws consent to everything, on one channel or all.
    UnsubscribeAll(Option<Channel>),
    /// text → ; nothing is sent to the contact's addresses any more, for the reason.
    Suppress,
    /// Erases the contact.
    Delete,
    /// record → ; starts the journey for the contact, with the record as its trigger.
    StartJourney(NameIx),
    /// Ends the contact's runs of the journey as `stopped`.
    StopJourney(NameIx),
    /// Tells a colleague something.
    Notify(NoticeIx),
    /// Ends the run as `ended`.
    End,
}

/// Where things stand in the source; for people only.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SourceMap {
    /// The file, relative to the project, with `/`.
    pub source: SmolStr,
    /// The doc comment of the journey, without slashes.
    pub doc: String,
    /// The statements, in source order.
    pub steps: Vec<StepInfo>,
    /// `migrate A to B`: where a run goes on that waits at a place of this name in an older version; it ends without.
    pub migrations: Vec<(SmolStr, Option<SmolStr>)>,
}

/// A statement, for reports.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StepInfo {
    /// The statement's head in canonical form: `send email story`, `wait 3d`, `if opened story`.
    pub label: String,
    /// `step NAME:` before it: its name in every version, unique in the journey.
    pub name: Option<SmolStr>,
    /// How deep it stands in blocks; 0 outermost.
    pub depth: u16,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}
