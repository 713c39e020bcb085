//! Programs as the generator makes them up.

use crate::values::{Bound, Day, Match, Number, Order, Past, Stretch, Text, Value};

/// What every program stands in.
pub const DECLARATIONS: &str = r#"contact {
  email: email?
  phone: phone?
  timezone: timezone?
  plan: enum { free pro } = free
  visits: number = 0
  renewal: date?
  born: date = 2004-02-29
  name: text = "Ada"
  interests: list of text = []
}

tags { t0 t1 x0 x1 x2 }

event purchase { amount: number }
event visited { amount: number }
event noted { amount: number }

topic offers "Offers"
topic news "News"

funnel sales { new -> won }

score engagement {
  opened +2
  clicked first +5
  purchase +20
  visited where amount >= 3: +7
  untag x1 -3
  halves every 3d
}

voucher gift "A gift" generate "GIFT-######"

policy {
  sender "Shop <shop@shop.example>"
  sender sms "Shop"
  address "Shop GmbH, Teststr. 1, 10115 Berlin"
  quiet hours 22:00 to 06:00
  cap 3 messages per 2d
  cap sms 1 messages per 1d
}
"#;

pub const SETTINGS: &str = r#"[project]
name = "random"
timezone = "Europe/Berlin"

[call.crm.grade]
url = "https://crm.example/grade"
answer = { grade = "enum { hot cold }" }

[notify]
sales = "sales@shop.example"
"#;

pub const ZONE: &str = "Europe/Berlin";
pub const TAGS: [&str; 5] = ["t0", "t1", "x0", "x1", "x2"];
pub const EVENTS: [&str; 3] = ["purchase", "visited", "noted"];
pub const MAILS: [&str; 3] = ["first", "second", "third"];
/// Those of the messages that are texts too.
pub const TEXTS: [usize; 2] = [1, 2];
pub const STAGES: [&str; 2] = ["new", "won"];
pub const PLANS: [&str; 2] = ["free", "pro"];
pub const TOPICS: [&str; 2] = ["offers", "news"];
/// In the order of their names, in which they are crossed.
pub const SEGMENTS: [&str; 2] = ["eager", "fresh"];
pub const INTERESTS: [&str; 3] = ["sleep", "travel", "food"];
/// What the contact can be called; the first one from the beginning.
pub const NAMES: [&str; 4] = ["Ada", "ADA ONE", "Zoë of Ada", "zo\u{cb}"];
/// Days on which it can be born, the first one from the beginning: 29 February 2004, 28 March 2000, 31 December 1999,
/// 1 April 1990.
pub const BIRTHS: [i32; 4] = [12_477, 11_044, 10_956, 7_395];
pub const SENDERS: [&str; 2] = ["Eva <eva@shop.example>", "Otto <otto@shop.example>"];
pub const WORDS: [&str; 2] = ["STOP", "hello"];
pub const LINK: &str = "https://shop.example/look";
/// The day on which renewals may begin to lie: 27 March 2026.
pub const FIRST_DAY: i32 = 20_539;

/// The windows there are: days (Monday lowest), and from when to when in hours.
pub const WINDOWS: [(&str, u8, u32, u32); 4] = [
    ("weekdays 09:00 to 17:00", 0b001_1111, 9, 17),
    ("22:00 to 06:00", 0b111_1111, 22, 6),
    ("friday 20:00 to 04:00", 0b001_0000, 20, 4),
    ("weekends", 0b110_0000, 0, 0),
];
pub const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    Email,
    Sms,
}

#[derive(Clone, Debug)]
pub struct Program {
    pub segments: [Cond; 2],
    pub journeys: Vec<Journey>,
}

#[derive(Clone, Debug)]
pub struct Journey {
    pub on: Vec<On>,
    pub filter: Option<Cond>,
    /// One run for each amount that comes with the trigger.
    pub per: bool,
    pub reenter: Reenter,
    pub collect: Option<Collect>,
    /// Days.
    pub exit_after: Option<i32>,
    pub exits: Vec<Exit>,
    /// The event, days, and whether it ends the run.
    pub goal: Option<(Pattern, Option<i32>, bool)>,
    /// The topic of its marketing; without, it does none.
    pub topic: Option<usize>,
    pub hours: Option<usize>,
    pub priority: i8,
    /// Percent.
    pub holdout: u32,
    /// What `level` is above `visits` when the steps begin.
    pub level: i64,
    pub body: Vec<Step>,
}

#[derive(Clone, Debug)]
pub struct Collect {
    pub until: Gathering,
    pub most: Option<u32>,
}

#[derive(Clone, Debug)]
pub enum Gathering {
    Minutes(i64),
    Hour(u32),
}

#[derive(Clone, Debug)]
pub enum On {
    Tag(usize),
    Untag(usize),
    Event(Pattern),
    Created,
    /// From, to.
    Plan(Option<usize>, Option<usize>),
    Opened(usize),
    Clicked(usize),
    Bounced(Channel),
    Sent(usize),
    Subscribed(usize),
    Unsubscribed(Option<usize>, Option<Channel>),
    Written(usize),
    /// Any text, on this channel alone.
    WrittenVia(Channel),
    Enters(usize),
    Leaves(usize),
    Reaches(usize),
    /// Days before the renewal, at this hour.
    BeforeRenewal(i32, u32),
    Renewal(u32),
    /// A weekday, at this hour, for a segment.
    Every(usize, u32, Option<usize>),
    EveryDay(u32),
    Call,
}

impl On {
    /// Whether an amount comes with it.
    pub fn has_amount(&self) -> bool {
        matches!(self, Self::Event(_) | Self::Call)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reenter {
    Never,
    Always,
    AfterDays(i32),
    Restart,
}

/// Several things that end a run, and what it still does then.
#[derive(Clone, Debug)]
pub struct Exit {
    pub when: Vec<Leave>,
    pub then: Option<Vec<Step>>,
}

#[derive(Clone, Debug)]
pub enum Leave {
    Event(Pattern),
    When(Cond),
}

/// A declared event, perhaps only with an amount of at least so many.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    pub event: usize,
    pub least: Option<i64>,
}

/// What a wait waits for.
#[derive(Clone, Debug)]
pub enum For {
    Event(Pattern),
    /// The event whose amount is the trigger's.
    SameAmount(usize),
    OpenedFirst,
    ClickedLast,
    ClickedLink,
    OpenedAny,
    Tag(usize),
    PlanTo(usize),
    Enters(usize),
    Leaves(usize),
    Reaches(usize),
    Subscribed(usize),
    Unsubscribed(usize),
    Written(usize),
}

#[derive(Clone, Copy, Debug)]
pub enum Aggregate {
    Sum,
    Average,
    Min,
    Max,
    First,
    Last,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Status {
    Delivered,
    Opened,
    Clicked,
    Replied,
    Bounced,
    Complained,
    Failed,
    Skipped,
}

#[derive(Clone, Debug)]
pub enum Cond {
    Plan(usize),
    VisitsAtLeast(i64),
    VisitsBetween(i64, i64),
    HasTag(usize),
    First(Status),
    Last(Status),
    ClickedLink,
    /// Any mail, so often, within so many days.
    OpenedAny(Option<u32>, i32),
    /// Which, at least so often, within so many days, since entry.
    Did(Pattern, Option<u32>, Option<i32>, bool),
    DidNot(Pattern, i32),
    /// On so many days, within so many.
    DidOnDays(Pattern, u32, i32),
    /// The first since the last of the second.
    DidSince(usize, usize),
    /// So often in a stretch between two moments.
    DidIn(Past, Bound, u32),
    SumIn(Aggregate, Past, i64),
    OpenedAnyIn(Stretch),
    FirstIn(Status, Stretch),
    PlanChangedIn(Stretch),
    CountAtLeast(Pattern, i64),
    DistinctAtLeast(usize, i64),
    SumAtLeast(Aggregate, Pattern, Option<i32>, i64),
    InStage(usize),
    WasInStage(usize, i32),
    InJourney(usize),
    WasInJourney(usize, Option<i32>),
    InSegment(usize),
    WasInSegment(usize, i32),
    /// From, to, within days.
    PlanChanged(Option<usize>, Option<usize>, Option<i32>),
    Consents(usize, Option<Channel>),
    Reachable(Channel),
    Interested(usize),
    ScoreAbove(i64),
    ScoreFrom(i64),
    RenewalWithin(i32),
    Within(usize),
    Weekday(usize),
    Compared(Number, Order, Number),
    Days(Day, Order, Day),
    Named(Text, Match, usize),
    /// What stands behind the `@` of the mail address, of the two that it can have.
    Domain(usize),
    /// From today to the renewal.
    RenewalDays(Order, i64),
    Level(i64),
    Amount(i64),
    Gathered(i64),
    AtLeast(usize, Vec<Cond>),
    Exactly(usize, Vec<Cond>),
    Not(Box<Cond>),
    And(Box<(Cond, Cond)>),
    Or(Box<(Cond, Cond)>),
}

#[derive(Clone, Debug)]
pub enum Step {
    /// The `let` behind the header.
    Level,
    /// The send that has a name; every journey begins with it.
    First,
    Send(usize),
    /// With a subject, and from somebody.
    SendAs(usize, Option<usize>, Option<usize>),
    /// By the first channel that reaches the contact.
    SendBy(Vec<Channel>, usize),
    SendToSales(usize),
    Wait(i32),
    WaitHours(i64),
    /// From so many hours to so many, by chance.
    WaitBetween(i64, i64),
    WaitUntilHour(u32),
    WaitUntilDay(usize, u32),
    WaitUntilWindow(usize),
    /// So many hours inside a window.
    WaitWithin(i64, usize),
    /// Days before the renewal, at an hour; what follows if there is no such moment, or it is past.
    WaitRenewal(i32, u32, Vec<Step>),
    WaitFor {
        what: For,
        from_now: bool,
        hours: i64,
        window: Option<usize>,
        otherwise: Option<Vec<Step>>,
    },
    WaitWhile {
        until: Cond,
        hours: i64,
        otherwise: Option<Vec<Step>>,
    },
    Race(Vec<(For, bool, Vec<Step>)>, i64, Vec<Step>),
    /// Days after the renewal (negative before) and an hour, with what is done then; what follows without a renewal.
    Countdown(Vec<(i32, Option<u32>, Vec<Step>)>, Vec<Step>),
    If(Cond, Vec<Step>, Option<Vec<Step>>),
    Chance(u32, Vec<Step>),
    Choose(Vec<Step>, Vec<Step>),
    /// From 0 to so many, exactly the next, otherwise.
    ChooseVisits(i64, Vec<Step>, Vec<Step>, Vec<Step>),
    Repeat(u32, Option<Cond>, Vec<Step>),
    Split {
        id: usize,
        /// The share of the first side.
        percent: u32,
        sides: Box<(Vec<Step>, Vec<Step>)>,
        /// What it measures, within so many days.
        measure: Option<(Pattern, i32)>,
    },
    AddTag(usize),
    RemoveTag(usize),
    AddVisits(i64),
    Let(usize, Value),
    SetVisits(Number),
    SetName(Text),
    SetRenewalTo(Day),
    SetPlan(usize),
    SetRenewal(i32),
    AddInterest(usize),
    RemoveInterest(usize),
    MoveTo(usize),
    Record(i64),
    RecordValue(Number),
    Subscribe(usize, Option<Channel>, Option<Until>),
    Unsubscribe(Option<usize>, Option<Channel>),
    Suppress,
    Delete,
    Notify,
    /// What follows a hot answer, and what if there is none.
    Call {
        id: usize,
        hours: i64,
        hot: Vec<Step>,
        otherwise: Option<Vec<Step>>,
    },
    /// The days for which the code is good, waited for.
    Voucher {
        id: usize,
        expires: Option<i32>,
    },
    Ask {
        hours: Option<i64>,
        yes: Vec<Step>,
        no: Vec<Step>,
        otherwise: Option<Vec<Step>>,
    },
    Start(usize, i64),
    Stop(usize),
    Label(usize),
    End,
}

/// Until when a consent holds.
#[derive(Clone, Debug)]
pub enum Until {
    Hours(i64),
    Day(Day),
}

/// What happens to the contact.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Tag(usize),
    Untag(usize),
    Event(usize, i64),
    Plan(usize),
    Visits(i64),
    /// The day, after the first.
    Renewal(Option<i32>),
    Name(usize),
    Born(usize),
    Interests(Vec<usize>),
    /// The newest message of this name, and whether a program did it.
    Message(usize, Status, bool),
    Unsubscribed(Option<usize>, Option<Channel>),
    /// For so many hours.
    Subscribed(usize, Option<Channel>, Option<i64>),
    Written(usize, Channel),
    Stage(usize),
    Started(usize, i64),
    /// Which of its addresses the contact has.
    Address(Channel, Option<usize>),
    /// The answer to the newest question but so many; none if it fails.
    Answer(usize, Option<bool>),
    /// The answer of a colleague, about a journey.
    Decision(bool, Option<usize>),
}
