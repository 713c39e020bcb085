//! Tests written in the language: what is given, what happens, and what must follow.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::message::Channel;
use crate::program::{Clause, Program, StatusKind};
use crate::value::{Date, Span, Time, Value};

/// One `test` block, compiled.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TestCase {
    /// What it shows.
    pub title: String,
    /// The file, relative to the project, with `/`.
    pub source: SmolStr,
    /// The line where it begins, from 1.
    pub line: u32,
    /// The contacts; there is at least one.
    pub contacts: Vec<TestContact>,
    /// Its lines, in order.
    pub lines: Vec<TestLine>,
    /// Holds the clauses of expected conditions; it is never run.
    pub checks: Program,
}

/// `given contact ada { .. } consents to offers`
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TestContact {
    /// What the test calls it; `contact` without a name.
    pub name: SmolStr,
    /// Attributes.
    pub attributes: Vec<(SmolStr, Value)>,
    /// Tags.
    pub tags: Vec<SmolStr>,
    /// Topics and channels (every one without) that it consents to.
    pub consents: Vec<(SmolStr, Option<Channel>)>,
    /// Funnels and its stages in them.
    pub stages: Vec<(SmolStr, SmolStr)>,
}

/// Something that happens, or must be so.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TestLine {
    /// Its line in the file, from 1.
    pub line: u32,
    /// The line as written, blanks folded.
    pub text: String,
    /// When; at once without.
    pub moment: Option<TestMoment>,
    /// The contact it is about, by place.
    pub contact: u16,
    /// What.
    pub act: TestAct,
}

/// When a line takes place.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TestMoment {
    /// On the wall clock of the contact. A date without a time is its midnight; a time without a date is the next such
    /// time.
    At(Option<Date>, Option<Time>),
    /// So long after the line before.
    After(Span),
}

/// What a line does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum TestAct {
    /// Something happens.
    Happens(Stimulus),
    /// Something must be so; must not, if it is negated.
    Expects(Expectation, bool),
}

/// What can happen in a test.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Stimulus {
    /// The contact comes into being; until then it was not there.
    Created,
    /// The tag is added.
    Tag(SmolStr),
    /// The tag is removed.
    Untag(SmolStr),
    /// A declared event; the payload is a record.
    Event(SmolStr, Value),
    /// Attributes change.
    Set(SmolStr, Value),
    /// Something happens to the newest message of this name; to the newest of all without.
    Message(StatusKind, Option<SmolStr>, Option<SmolStr>),
    /// The contact consents to a topic.
    Subscribed(SmolStr, Option<Channel>),
    /// The contact unsubscribes from a topic, from everything without; on one channel or all.
    Unsubscribed(Option<SmolStr>, Option<Channel>),
    /// The contact writes to us.
    Inbound(SmolStr, Channel),
    /// The contact comes to a stage of a funnel.
    Moved(SmolStr, SmolStr),
    /// The contact is erased.
    Deleted,
    /// A journey is started for the contact.
    Start(SmolStr, Value),
    /// A colleague answers the oldest open question that knows the answer.
    Decision(SmolStr),
    /// From here on the system answers this to every contact; without, calls of it fail.
    Answers(SmolStr, Option<Value>),
}

/// What a test can expect.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Expectation {
    /// A message is sent at this moment: on this channel, of this name (any without).
    Send(Option<Channel>, Option<SmolStr>),
    /// A message with this text, which stands in the journey, is sent at this moment on this channel.
    SendText(Option<Channel>, SmolStr),
    /// A message is refused at this moment: of this name, for this reason (any without).
    Skipped(Option<SmolStr>, Option<SmolStr>),
    /// A run ends at this moment, for this reason (any without).
    End(Option<SmolStr>),
    /// A run waits; until this moment on the contact's wall clock, if one is given.
    Wait(Option<Date>, Option<Time>),
    /// The contact has the tag.
    Tag(SmolStr),
    /// The contact is in the stage of the funnel.
    Stage(SmolStr, SmolStr),
    /// A split sent the contact to this side at this moment.
    Path(SmolStr),
    /// A run recorded the event at this moment.
    Record(SmolStr),
    /// A run told somebody at this moment: `owner`, `slack`.
    Notify(SmolStr),
    /// A run removed the tag at this moment.
    Untag(SmolStr),
    /// A run recorded consent to the topic at this moment.
    Subscribe(SmolStr),
    /// A run withdrew consent at this moment: to this topic, on this channel (any without).
    Unsubscribe(Option<SmolStr>, Option<Channel>),
    /// A run suppressed the contact at this moment.
    Suppress,
    /// A run of the journey began at this moment.
    Start(SmolStr),
    /// A run of the journey reached its goal at this moment.
    Goal(SmolStr),
    /// The condition holds.
    Holds(Clause),
    /// A run asked this colleague at this moment.
    Ask(SmolStr),
    /// A run got a code of this voucher at this moment.
    Voucher(SmolStr),
    /// A run called the system at this moment.
    Call(SmolStr),
}
