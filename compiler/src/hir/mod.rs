//! What a file says, without its layout: declarations and journeys with names that nobody has looked up yet.
//!
//! Made from one file's tree alone, so that files can be lowered apart, in parallel, and kept as long as their text stays
//! the same. Places are byte offsets into that file.

mod declaration;
mod expr;
mod lower;
mod outside;
pub mod test;

use journey_bytecode::{Channel, LocalWindow, Purpose, Span, StatusKind, Time, WeekdaySet};
use journey_grammar::NodeId;
pub use journey_grammar::TextRange as Loc;
pub use outside::{Ask, Call, Whom};
use smallvec::SmallVec;
use smol_str::SmolStr;

pub use declaration::*;
pub use expr::*;
pub use lower::{Body, Lowered, body, lower};
pub(crate) use lower::{string, whom};

/// A name as written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name {
    /// Its text.
    pub text: SmolStr,
    /// Where it stands.
    pub loc: Loc,
}

/// A file.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct File {
    /// Declarations and journeys, in source order.
    pub items: Vec<Item>,
    /// What may be missing because the parser could not read it.
    pub unsure: Unsure,
}

/// Which declarations could not be read in full, so that a name may be declared although it is not found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each kind of name")]
pub struct Unsure {
    /// `contact`
    pub attributes: bool,
    /// `tags`
    pub tags: bool,
    /// `event`
    pub events: bool,
    /// `topic`
    pub topics: bool,
    /// `segment`
    pub segments: bool,
    /// `funnel`
    pub funnels: bool,
}

impl Unsure {
    /// Nothing can be said about any name.
    pub const ALL: Self =
        Self { attributes: true, tags: true, events: true, topics: true, segments: true, funnels: true };

    /// What either is unsure about.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            attributes: self.attributes || other.attributes,
            tags: self.tags || other.tags,
            events: self.events || other.events,
            topics: self.topics || other.topics,
            segments: self.segments || other.segments,
            funnels: self.funnels || other.funnels,
        }
    }
}

/// A declaration or journey.
#[derive(Clone, PartialEq, Debug)]
pub enum Item {
    /// `contact { .. }`
    Contact(ContactDecl),
    /// `tags { .. }`
    Tags(Vec<Name>),
    /// `event NAME { .. }`
    Event(EventDecl),
    /// `topic NAME "title"`
    Topic(TopicDecl),
    /// `policy { .. }`
    Policy(PolicyDecl),
    /// `segment NAME = COND`
    Segment(SegmentDecl),
    /// `funnel NAME { new -> customer | lost }`
    Funnel(FunnelDecl),
    /// `score NAME { .. }`
    Score(ScoreDecl),
    /// A journey.
    Journey(Journey),
    /// A test.
    Test(test::Test),
    /// `voucher NAME "title" from file ".."`
    Voucher(VoucherDecl),
}

/// A journey without its steps, which [`body`] reads once they are looked at.
#[derive(Clone, PartialEq, Debug)]
pub struct Journey {
    /// Its name; a bare sentence is named after its file.
    pub name: Option<Name>,
    /// Whether it is a sentence without a block.
    pub bare: bool,
    /// Its doc comment, without slashes.
    pub doc: String,
    /// What stands before the first step, in source order.
    pub header: Vec<Header>,
    /// Its first words: `journey NAME`, or the first trigger of a bare sentence.
    pub head: Loc,
    /// All of it.
    pub loc: Loc,
    /// Its node.
    pub node: NodeId,
    /// Whether the parser found fault with it: then what it does is not known for certain.
    pub broken: bool,
}

/// A line of a journey's header.
#[derive(Clone, PartialEq, Debug)]
pub struct Header {
    /// What it says.
    pub kind: HeaderKind,
    /// Where.
    pub loc: Loc,
}

/// What a line of a journey's header says.
#[derive(Clone, Default, PartialEq, Debug)]
pub enum HeaderKind {
    /// `on EVENT`
    On(EventPattern),
    /// `where COND`
    Where(Expr),
    /// `per EXPR`
    Per(Expr),
    /// `reenter ..`
    Reenter(journey_bytecode::Reenter),
    /// `exit when EVENT or COND [{ .. }]`: what ends the run, and what it still does then.
    ExitWhen(Vec<EventOrCondition>, Option<Block>),
    /// `exit after 91d`
    ExitAfter(Span),
    /// `exit on goal`
    ExitOnGoal,
    /// `goal EVENT [within D]`
    Goal {
        /// What counts.
        pattern: EventPattern,
        /// Counted from entry.
        within: Option<Span>,
    },
    /// `topic T`
    Topic(Name),
    /// `purpose ..`
    Purpose(Purpose),
    /// `hours ..`
    Hours(LocalWindow),
    /// `collect for 15m [at most 50] as NAME`
    Collect {
        /// Until when.
        until: Gathering,
        /// How many at most.
        most: Option<u32>,
        /// The list's name.
        name: Name,
    },
    /// `priority high`: 1, 0 or -1.
    Priority(i8),
    /// `holdout 5%`, in parts of a million.
    Holdout(u32),
    /// `migrate A to B`; to the end without.
    Migrate(Name, Option<Name>),
    /// Cannot be read; the parser has said so.
    #[default]
    Error,
}

/// Until when a run gathers its triggers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gathering {
    /// `for 15m`, from the first one on.
    For(Span),
    /// `until monday 18:00`: the next time that the clock shows it.
    Until(WeekdaySet, Time),
}

/// What stands behind `exit when`: only names decide which it is.
#[derive(Clone, PartialEq, Debug)]
pub enum EventOrCondition {
    /// An event by its form.
    Event(Box<EventPattern>),
    /// A condition by its form.
    Condition(Box<Expr>),
    /// A bare word: an event if there is one of this name, else a condition.
    Word(Name),
}

/// An event, and which of its occurrences.
#[derive(Clone, PartialEq, Debug)]
pub struct EventPattern {
    /// Which.
    pub kind: EventKind,
    /// `where COND`
    pub filter: Option<Box<Expr>>,
    /// Where it stands.
    pub loc: Loc,
}

/// What can happen.
#[derive(Clone, Default, PartialEq, Debug)]
pub enum EventKind {
    /// A declared event.
    Named(Name),
    /// `created`
    Created,
    /// `tag X`
    Tag(Name),
    /// `untag X`
    Untag(Name),
    /// `ATTRIBUTE changes [from A] [to B]`
    Changes {
        /// The attribute.
        attribute: Name,
        /// Its value before.
        from: Option<Box<Expr>>,
        /// Its value after.
        to: Option<Box<Expr>>,
    },
    /// `opened story`, `clicked price link "pricing"`
    Status(StatusKind, Box<About>),
    /// `subscribed [TOPIC] [via CHANNEL]`
    Subscribed(Option<Name>, Option<Channel>),
    /// `unsubscribed [TOPIC] [via CHANNEL]`
    Unsubscribed(Option<Name>, Option<Channel>),
    /// `message ["STOP"] [via CHANNEL]`
    Message(Option<SmolStr>, Option<Channel>),
    /// `enters SEGMENT`, or `leaves SEGMENT` without the flag.
    Segment(Name, bool),
    /// `reaches sales.customer`
    Reaches(Name),
    /// `every monday at 09:00 [for SEGMENT]`
    Every {
        /// The days.
        days: WeekdaySet,
        /// The time of day.
        time: Time,
        /// Not before this day.
        from: Option<journey_bytecode::Date>,
        /// Who, if not everybody.
        segment: Option<Name>,
    },
    /// `every 2w [from DATE] [at 09:00] [for SEGMENT]`
    EverySpan {
        /// How often, and where that stands.
        span: (Span, Loc),
        /// Counted from this day; from that of the contact's creation without.
        from: Option<journey_bytecode::Date>,
        /// The time of day.
        time: Time,
        /// Who, if not everybody.
        segment: Option<Name>,
    },
    /// `14d before renewal_date [at 09:00]`: so long after the date, before it if negative.
    Date(Box<Expr>, Span, Time),
    /// `birthday at 09:00`, every year.
    Anniversary(Box<Expr>, Time),
    /// `call`, with the fields that whoever starts it hands over.
    Call(Vec<FieldDecl>),
    /// Cannot be read; the parser has said so.
    #[default]
    Error,
}

/// Which message a status is about.
#[derive(Clone, PartialEq, Debug)]
pub struct About {
    /// Which.
    pub kind: AboutKind,
    /// `link "pricing"`
    pub link: Option<Name>,
}

/// How a status names its message.
#[derive(Clone, PartialEq, Debug)]
pub enum AboutKind {
    /// Not at all: the last one.
    Bare,
    /// By the name given with `as`, or the message's own.
    Named(Name),
    /// `any [CHANNEL]`
    Any(Option<Channel>),
    /// `any NAME`: any message of this name or topic.
    AnyNamed(Name),
}

/// A step.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// Its first words, up to the steps inside.
    pub head: Loc,
    /// All of it.
    pub loc: Loc,
}

/// Steps in a row.
pub type Block = Vec<Step>;

/// What a step does.
#[derive(Clone, Default, PartialEq, Debug)]
pub enum StepKind {
    /// `send CHANNEL MESSAGE ..`
    Send(Box<Send>),
    /// `wait ..`
    Wait(Box<Wait>),
    /// `if COND STEP [else STEP]`
    If {
        /// What is decided.
        condition: Expr,
        /// If it holds.
        then: Block,
        /// If not.
        otherwise: Option<Block>,
    },
    /// `choose EXPR { .. }`
    Choose {
        /// What is looked at.
        subject: Expr,
        /// The cases.
        arms: Vec<ChooseArm>,
        /// `else`
        otherwise: Option<Block>,
    },
    /// `add tag X`
    AddTag(Name),
    /// `remove tag X`
    RemoveTag(Name),
    /// `set ATTRIBUTE to EXPR`
    Set(Name, Expr),
    /// `add EXPR to ATTRIBUTE`
    AddTo(Name, Expr),
    /// `remove EXPR from ATTRIBUTE`
    RemoveFrom(Name, Expr),
    /// `step NAME:`
    Label(Name),
    /// `let NAME = EXPR`
    Let(Name, Expr),
    /// `split NAME { 50% a { .. } 50% b { .. } } [measure ..]`
    Split {
        /// Its name.
        name: Name,
        /// Its sides.
        sides: Vec<SplitSide>,
        /// What tells which is better.
        measure: Option<Box<Measure>>,
        /// `for at least 14d`
        run_for: Option<(Span, Loc)>,
        /// `then best`
        best: Option<Loc>,
    },
    /// `repeat up to N times [until COND] { .. }`
    Repeat {
        /// How often at most.
        times: u32,
        /// Where that stands.
        times_loc: Loc,
        /// What ends it early, asked after each time.
        until: Option<Expr>,
        /// What is repeated.
        body: Block,
    },
    /// `countdown to DATE { 30d before STEP .. }`
    Countdown {
        /// The day or moment.
        date: Expr,
        /// Its points as written.
        points: Vec<CountdownPoint>,
        /// What follows if there is no date.
        otherwise: Option<Block>,
    },
    /// `move to sales.prospect`
    MoveTo(Name),
    /// `record EVENT { field: value }`
    Record(Name, Vec<(Name, Expr)>),
    /// `subscribe TOPIC [via CHANNEL] [with source ".."]`
    Subscribe(Name, Option<Channel>, Vec<(Name, Expr)>),
    /// `unsubscribe [TOPIC] [via CHANNEL]`: from everything without.
    Unsubscribe(Option<Name>, Option<Channel>),
    /// `delete contact`
    Delete,
    /// `suppress ["reason"]`
    Suppress(SmolStr),
    /// `call SERVICE { .. }`
    Call(Box<Call>),
    /// `voucher NAME [as CODE] [expires 3d]`
    Voucher {
        /// The voucher.
        voucher: Name,
        /// The code's name.
        code: Option<Name>,
        /// Until when it is good: a moment, or a length of time.
        expires: Option<Expr>,
    },
    /// `notify owner ".."`
    Notify(Whom, SmolStr, Loc),
    /// `ask owner "..?" { yes { .. } else { .. } }`
    Ask(Box<Ask>),
    /// `start journey NAME [with { field: value }]`
    StartJourney(Name, Vec<(Name, Expr)>),
    /// `stop journey NAME`
    StopJourney(Name),
    /// `end`
    End,
    /// Cannot be read; the parser has said so.
    #[default]
    Error,
}

/// `measure EVENT within 14d`
#[derive(Clone, PartialEq, Debug)]
pub struct Measure {
    /// What counts.
    pub pattern: EventPattern,
    /// For how long, from the split on.
    pub within: Option<Span>,
    /// Where it stands.
    pub loc: Loc,
}

/// A side of a split.
#[derive(Clone, PartialEq, Debug)]
pub struct SplitSide {
    /// Its share in parts of a million.
    pub share: u32,
    /// Where that stands.
    pub share_loc: Loc,
    /// Its name.
    pub name: Name,
    /// What follows.
    pub then: Block,
}

/// A point of a countdown.
#[derive(Clone, PartialEq, Debug)]
pub struct CountdownPoint {
    /// How long after the date; before it, if negative.
    pub offset: Span,
    /// `at 09:00`
    pub at: Option<Time>,
    /// Its first words.
    pub head: Loc,
    /// What follows.
    pub then: Block,
}

/// A case of a `choose`.
#[derive(Clone, PartialEq, Debug)]
pub struct ChooseArm {
    /// The values that it is for.
    pub values: Vec<ChooseValue>,
    /// What follows.
    pub then: Block,
    /// Where it stands.
    pub loc: Loc,
}

/// A value of a case.
#[derive(Clone, PartialEq, Debug)]
pub enum ChooseValue {
    /// This one.
    One(Expr),
    /// From the one to the other, both included.
    Range(Expr, Expr),
}

/// `send CHANNEL [or CHANNEL]* MESSAGE [as NAME] [with subject ..] [from ..] [to ..]`
#[derive(Clone, PartialEq, Debug)]
pub struct Send {
    /// The channels, in the order of preference.
    pub channels: SmallVec<[(Channel, Loc); 1]>,
    /// The message.
    pub message: SendMessage,
    /// `as NAME`
    pub handle: Option<Name>,
    /// `with subject`, and whatever else is given so.
    pub settings: Vec<(Name, Expr)>,
    /// `from ".."`
    pub from: Option<Expr>,
    /// `to owner`: somebody else.
    pub to: Option<Expr>,
}

/// What a send delivers.
#[derive(Clone, PartialEq, Debug)]
pub enum SendMessage {
    /// A message of the project.
    Named(Name),
    /// The text itself, and where it stands.
    Inline(SmolStr, Loc),
}

/// `wait ..`
#[derive(Clone, PartialEq, Debug)]
pub enum Wait {
    /// `wait 2d`, `wait 1d to 3d`, `wait 4h within weekdays 09:00 to 17:00`
    For {
        /// How long; the shortest if there is a longest.
        length: Expr,
        /// The longest.
        longest: Option<Expr>,
        /// Only the time inside counts.
        window: Option<LocalWindow>,
    },
    /// `wait until ..`
    Until {
        /// What for.
        until: Until,
        /// `up to D`
        up_to: Option<TimeOut>,
        /// `else STEP`
        otherwise: Option<Block>,
    },
    /// `wait for EVENT up to D [else STEP]`
    Event {
        /// The event.
        pattern: EventPattern,
        /// `from now`
        from_now: bool,
        /// `up to D`
        up_to: Option<TimeOut>,
        /// `else STEP`
        otherwise: Option<Block>,
    },
    /// `wait for first { .. }`
    First {
        /// The events.
        arms: Vec<RaceArm>,
        /// `after D { .. }`
        after: Vec<(TimeOut, Block)>,
    },
}

/// The longest that a wait lasts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeOut {
    /// How long.
    pub span: Span,
    /// Only the time inside counts.
    pub window: Option<LocalWindow>,
    /// Where the length stands.
    pub loc: Loc,
}

/// An event of a race.
#[derive(Clone, PartialEq, Debug)]
pub struct RaceArm {
    /// Which.
    pub pattern: EventPattern,
    /// `from now`
    pub from_now: bool,
    /// What follows.
    pub then: Block,
}

/// What `wait until` waits for.
#[derive(Clone, PartialEq, Debug)]
pub enum Until {
    /// `[on] WEEKDAY [09:00]`, `09:00`: the next time the clock shows it, on one of the days.
    Clock(WeekdaySet, Time),
    /// `within weekdays 09:00 to 17:00`
    Window(LocalWindow),
    /// A moment or a condition; types decide. `at 09:00` of a day.
    Expr(Expr, Option<Time>),
    /// Cannot be read; the parser has said so.
    Error,
}
