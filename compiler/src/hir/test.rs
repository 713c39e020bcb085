//! Tests as written.

use journey_bytecode::{Channel, Date, Span, Time};
use smol_str::SmolStr;

use super::{EventPattern, Expr, Loc, Name};

/// `test "what it shows" { .. }`
#[derive(Clone, PartialEq, Debug)]
pub struct Test {
    /// What it shows.
    pub title: SmolStr,
    /// The word `test` and the title.
    pub head: Loc,
    /// The contacts that are given.
    pub contacts: Vec<GivenContact>,
    /// What happens and what is expected, in order.
    pub lines: Vec<TestLine>,
    /// Whether the parser could not read all of it.
    pub broken: bool,
}

/// `given contact ada { .. } consents to offers`
#[derive(Clone, PartialEq, Debug)]
pub struct GivenContact {
    /// What the test calls it.
    pub name: Option<Name>,
    /// Its attributes.
    pub attributes: Vec<(Name, Expr)>,
    /// What else it has.
    pub facts: Vec<GivenFact>,
    /// Where it stands.
    pub loc: Loc,
}

/// What a contact is given besides its attributes.
#[derive(Clone, PartialEq, Debug)]
pub enum GivenFact {
    /// `consents to offers via email`
    Consents(Name, Option<Channel>),
    /// `has tag vip`
    HasTag(Name),
    /// `in sales.prospect`
    Stage(Name),
    /// `in journey winback`
    InJourney(Name, Loc),
}

/// A line.
#[derive(Clone, PartialEq, Debug)]
pub struct TestLine {
    /// When.
    pub moment: Option<TestMoment>,
    /// `for ada`
    pub contact: Option<Name>,
    /// What.
    pub act: TestAct,
    /// Where it stands.
    pub loc: Loc,
}

/// When a line takes place.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum TestMoment {
    /// `at 2026-03-02 10:00`
    At(Option<Date>, Option<Time>),
    /// `after 3d`
    After(Span),
}

/// What a line does.
#[derive(Clone, PartialEq, Debug)]
pub enum TestAct {
    /// `tag lead`, `opened story`, `created`, `unsubscribed offers`
    Pattern(EventPattern),
    /// `event purchase { .. }`
    Event(Name, Vec<(Name, Expr)>),
    /// `set plan to pro`
    Set(Name, Expr),
    /// `move to sales.prospect`
    Move(Name),
    /// `delete contact`
    Delete,
    /// `start journey winback with { .. }`
    Start(Name, Vec<(Name, Expr)>),
    /// `answer yes`
    Answer(Name),
    /// `given call crm.update returns { .. }`; without the fields it fails.
    GivenCall(Name, Option<Vec<(Name, Expr)>>),
    /// `expect ..`, and whether it is `expect no ..`
    Expect(Expectation, bool),
    /// Cannot be read; the parser has said so.
    Error,
}

/// What is expected.
#[derive(Clone, PartialEq, Debug)]
pub enum Expectation {
    /// `send email welcome`
    Send(Option<Channel>, Option<Name>),
    /// `send sms "Hi there"`
    SendText(Option<Channel>, Name),
    /// `skipped welcome because cap`
    Skipped(Option<Name>, Option<Name>),
    /// `end because goal`
    End(Option<Name>),
    /// `wait until 2026-03-05 10:00`
    Wait(Option<Date>, Option<Time>),
    /// `tag nurtured`
    Tag(Name),
    /// `path a`
    Path(Name),
    /// `record purchase`
    Record(Name),
    /// `notify owner`
    Notify(Name),
    /// `voucher cart10`
    Voucher(Name),
    /// `untag lead`
    Untag(Name),
    /// `stage sales.prospect`
    Stage(Name),
    /// `subscribe offers`
    Subscribe(Name),
    /// `unsubscribe offers via sms`
    Unsubscribe(Option<Name>, Option<Channel>),
    /// `suppress`
    Suppress,
    /// `start winback`
    Start(Name),
    /// `goal nurture`
    Goal(Name),
    /// `ask owner`
    Ask(Name),
    /// `call crm.update`
    Call(Name),
    /// A condition.
    Condition(Expr),
}
