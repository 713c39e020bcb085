//! A journey in which every name is looked up and every expression has a type. Flow analysis fills in what only the order
//! of steps decides (which message a bare `opened` means); code generation reads the rest off.

use std::cmp::Ordering;

use journey_bytecode::{
    Aggregate, Channel, Colleague, Field, Function, LocalWindow, MessageRef, Number, Purpose, Reenter, RequestKind,
    SlotIx, Span, StatusKind, TextMatch, Time, TriggerKind, Type, Value, WeekdaySet,
};
use smallvec::{SmallVec, smallvec};
use smol_str::SmolStr;

use crate::hir::Loc;

/// A checked journey.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Journey {
    /// Its name.
    pub(crate) name: SmolStr,
    /// Its doc comment.
    pub(crate) doc: String,
    /// Its first words.
    pub(crate) head: Loc,
    /// What starts a run.
    pub(crate) triggers: Vec<Trigger>,
    /// `where`
    pub(crate) filter: Option<Expr>,
    /// `per`
    pub(crate) key: Option<Expr>,
    /// `reenter`
    pub(crate) reenter: Reenter,
    /// `exit when`
    pub(crate) exits: Vec<Exit>,
    /// `goal`
    pub(crate) goals: Vec<Goal>,
    /// `topic`
    pub(crate) topic: Option<SmolStr>,
    /// `purpose`
    pub(crate) purpose: Option<Purpose>,
    /// `hours`
    pub(crate) hours: Option<LocalWindow>,
    /// `collect`
    pub(crate) collect: Option<Collect>,
    /// `priority`
    pub(crate) priority: i8,
    /// `holdout`
    pub(crate) holdout: u32,
    /// `migrate A to B`; to the end without.
    pub(crate) migrations: Vec<(SmolStr, Option<SmolStr>)>,
    /// The steps.
    pub(crate) body: Block,
    /// Messages with a name, in source order: each name once.
    pub(crate) handles: Vec<SmolStr>,
    /// Local variables, in source order.
    pub(crate) slots: Vec<Slot>,
}

/// A local variable.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Slot {
    /// Its name.
    pub(crate) name: SmolStr,
    /// What it holds.
    pub(crate) ty: Option<Type>,
    /// Whether it may be unset on some way: what somebody outside gave.
    pub(crate) optional: bool,
    /// The fields of an answer.
    pub(crate) answer: Option<Vec<Field>>,
}

/// What starts a run.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Trigger {
    /// What happens.
    pub(crate) kind: On,
    /// `where`
    pub(crate) filter: Option<Expr>,
    /// Where it stands.
    pub(crate) loc: Loc,
}

/// What starts a run.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum On {
    /// Something that happens.
    Event(TriggerKind),
    /// A condition became true.
    Enters(SmolStr, Expr),
    /// A condition became false.
    Leaves(SmolStr, Expr),
    /// A moment of the calendar.
    Moment(Expr),
}

/// `collect`
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Collect {
    /// Until when.
    pub(crate) until: Expr,
    /// How many at most.
    pub(crate) most: Option<u32>,
    /// Where the list goes.
    pub(crate) slot: SlotIx,
}

/// `exit when`, `exit after`
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Exit {
    /// What ends the run.
    pub(crate) kinds: Vec<ExitKind>,
    /// The steps that it still does then.
    pub(crate) then: Option<Block>,
}

/// What ends a run.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum ExitKind {
    /// An event.
    Event(Pattern),
    /// A condition.
    Condition(Expr),
    /// So long after it began.
    After(Span),
}

/// `score NAME { .. }`
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Score {
    /// Its name.
    pub(crate) name: SmolStr,
    /// In how many milliseconds it halves.
    pub(crate) halves: Option<i64>,
    /// What happenings are worth.
    pub(crate) rules: Vec<(Pattern, Number)>,
}

/// `goal`
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Goal {
    /// What counts.
    pub(crate) pattern: Pattern,
    /// Counted from entry.
    pub(crate) within: Option<Span>,
    /// `exit on goal`
    pub(crate) exits: bool,
}

/// Which events are meant.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Pattern {
    /// The event's name.
    pub(crate) event: SmolStr,
    /// Of which message.
    pub(crate) about: About,
    /// Which link.
    pub(crate) link: Option<SmolStr>,
    /// `where`
    pub(crate) filter: Option<Box<Expr>>,
    /// The segment that it is about, which must be watched for it.
    pub(crate) watched: Option<Box<(SmolStr, Expr)>>,
    /// Where it stands.
    pub(crate) loc: Loc,
}

/// Which message a status or event is about.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum About {
    /// The last one of this run; flow analysis settles whether there is one.
    Bare,
    /// Settled.
    Is(MessageRef),
    /// Any message of this name.
    Named(SmolStr),
    /// Any message of this topic.
    Topic(SmolStr),
}

/// Steps in a row.
pub(crate) type Block = Vec<Step>;

/// A step.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Step {
    /// What it does.
    pub(crate) kind: StepKind,
    /// Its first words.
    pub(crate) head: Loc,
    /// How deep it stands in blocks.
    pub(crate) depth: u16,
}

/// What a step does.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum StepKind {
    /// Sends a message.
    Send(Box<Send>),
    /// Waits.
    Wait(Box<Wait>),
    /// Decides.
    If {
        /// What.
        condition: Expr,
        /// If it holds.
        then: Block,
        /// If not.
        otherwise: Block,
    },
    /// Takes the first arm that fits.
    Choose {
        /// What is looked at.
        subject: Box<Expr>,
        /// The arms.
        arms: Vec<(Expr, Block)>,
        /// If none fits.
        otherwise: Option<Block>,
    },
    /// Adds a tag.
    AddTag(SmolStr),
    /// Removes a tag.
    RemoveTag(SmolStr),
    /// Sets an attribute.
    Set(SmolStr, Expr),
    /// Sets a local variable.
    Let(SlotIx, Expr),
    /// Names the place of the step that follows.
    Label(SmolStr),
    /// Continues at the contact's side.
    Split(Box<Split>),
    /// Repeats its steps.
    Repeat {
        /// Counts how often.
        slot: SlotIx,
        /// How often at most.
        times: u32,
        /// What ends it early, asked after each time.
        until: Option<Expr>,
        /// The steps.
        body: Block,
    },
    /// Steps in a row that one statement stands for.
    Sequence(Block),
    /// Moves the contact in a funnel.
    MoveTo(SmolStr, SmolStr),
    /// Lets an event happen: its fields by name.
    Record(SmolStr, Vec<(SmolStr, Expr)>),
    /// Records consent, with what proves it.
    Subscribe(SmolStr, Option<Channel>, Vec<(SmolStr, Expr)>),
    /// Withdraws consent to a topic, to everything without; on one channel or all.
    Unsubscribe(Option<SmolStr>, Option<Channel>),
    /// Erases the contact.
    Delete,
    /// Sends nothing any more, for a reason.
    Suppress(SmolStr),
    /// Asks somebody outside.
    Request(Box<Request>),
    /// Tells a colleague something.
    Notify(Box<Notice>),
    /// Starts another journey.
    StartJourney(SmolStr, Vec<(SmolStr, Expr)>),
    /// Stops a journey.
    StopJourney(SmolStr),
    /// Ends the run.
    End,
    /// Something was wrong with it, and has been said.
    Error,
}

impl StepKind {
    /// Looks at the steps inside, by way.
    pub(crate) fn each_block<'s>(&'s self, mut each: impl FnMut(&'s Block)) {
        match self {
            Self::Wait(wait) => {
                wait.arms.iter().for_each(|arm| each(&arm.then));
                wait.conditions.iter().for_each(|(_, then)| each(then));
                if let Some(Deadline { then, past, .. }) = &wait.deadline {
                    each(then);
                    past.iter().for_each(&mut each);
                }
            }
            Self::If { then, otherwise, .. } => {
                each(then);
                each(otherwise);
            }
            Self::Choose { arms, otherwise, .. } => {
                arms.iter().for_each(|(_, then)| each(then));
                otherwise.iter().for_each(each);
            }
            Self::Split(split) => split.sides.iter().for_each(|(_, _, then)| each(then)),
            Self::Repeat { body, .. } | Self::Sequence(body) => each(body),
            Self::Request(request) => {
                request.arms.iter().for_each(|(_, then)| each(then));
                request.otherwise.iter().for_each(each);
            }
            _ => {}
        }
    }

    /// The steps inside, by way.
    pub(crate) fn blocks(&self) -> SmallVec<[&Block; 4]> {
        let mut blocks = SmallVec::new();
        self.each_block(|block| blocks.push(block));
        blocks
    }

    /// Changes the steps inside, by way.
    pub(crate) fn each_block_mut(&mut self, mut each: impl FnMut(&mut Block)) {
        match self {
            Self::Wait(wait) => {
                wait.arms.iter_mut().for_each(|arm| each(&mut arm.then));
                wait.conditions.iter_mut().for_each(|(_, then)| each(then));
                if let Some(Deadline { then, past, .. }) = &mut wait.deadline {
                    each(then);
                    past.iter_mut().for_each(each);
                }
            }
            Self::If { then, otherwise, .. } => {
                each(then);
                each(otherwise);
            }
            Self::Choose { arms, otherwise, .. } => {
                arms.iter_mut().for_each(|(_, then)| each(then));
                otherwise.iter_mut().for_each(each);
            }
            Self::Split(split) => split.sides.iter_mut().for_each(|(_, _, then)| each(then)),
            Self::Repeat { body, .. } | Self::Sequence(body) => each(body),
            Self::Request(request) => {
                request.arms.iter_mut().for_each(|(_, then)| each(then));
                request.otherwise.iter_mut().for_each(each);
            }
            _ => {}
        }
    }
}

/// What is told to a colleague.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Notice {
    /// Whom.
    pub(crate) to: Colleague,
    /// The message that holds the text.
    pub(crate) message: SmolStr,
    /// The text as written.
    pub(crate) text: SmolStr,
    /// The local variables that it may use.
    pub(crate) seen: Seen,
}

/// The local variables in sight of a message.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Seen {
    /// Their names.
    pub(crate) locals: Vec<(SmolStr, SlotIx)>,
    /// What is known to be set of them; flow analysis says so.
    pub(crate) set: Vec<Place>,
}

/// A question to somebody outside.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Request {
    /// Who is asked, and what for.
    pub(crate) kind: RequestKind,
    /// What is handed over: fields by name.
    pub(crate) fields: Vec<(SmolStr, Expr)>,
    /// When no answer counts any more.
    pub(crate) until: Option<Expr>,
    /// The answers of a person, and what follows each.
    pub(crate) arms: Vec<(SmolStr, Block)>,
    /// The local variables that the question may use.
    pub(crate) seen: Seen,
    /// Where the answer goes.
    pub(crate) slot: Option<SlotIx>,
    /// What follows without an answer; the run fails without.
    pub(crate) otherwise: Option<Block>,
}

/// A split.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Split {
    /// Its name.
    pub(crate) name: SmolStr,
    /// Share in parts of a million, name and steps.
    pub(crate) sides: Vec<(u32, SmolStr, Block)>,
    /// What tells which side is better.
    pub(crate) measure: Option<Measure>,
}

/// What tells which side of a split is better.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Measure {
    /// What counts.
    pub(crate) pattern: Pattern,
    /// For how long, from the split on.
    pub(crate) within: Option<Span>,
    /// The trial's length.
    pub(crate) at_least: Option<Span>,
    /// Whether later contacts go to the winner.
    pub(crate) best: bool,
}

/// A send.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Send {
    /// Channel and message, in the order of preference.
    pub(crate) choices: Vec<(Channel, SmolStr)>,
    /// The name it can be asked about by.
    pub(crate) name: Option<SmolStr>,
    /// That name's number, if a step asks.
    pub(crate) handle: Option<journey_bytecode::HandleIx>,
    /// The subject given here.
    pub(crate) subject: Option<SmolStr>,
    /// The sender given here.
    pub(crate) from: Option<Expr>,
    /// The address of somebody else.
    pub(crate) to: Option<Expr>,
    /// The local variables that messages may use.
    pub(crate) seen: Seen,
}

/// A wait: for its first arm, condition, or the deadline.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Wait {
    /// When it ends by itself.
    pub(crate) deadline: Option<Deadline>,
    /// Events.
    pub(crate) arms: Vec<Arm>,
    /// Conditions.
    pub(crate) conditions: Vec<(Expr, Block)>,
}

/// When a wait ends by itself.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Deadline {
    /// The moment.
    pub(crate) at: Expr,
    /// What follows then.
    pub(crate) then: Block,
    /// Whether the moment must be known, although there is a way for one that is past.
    pub(crate) required: bool,
    /// What follows if the moment was past when the wait began; `then` without.
    pub(crate) past: Option<Block>,
}

/// An event that a wait waits for.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Arm {
    /// Which.
    pub(crate) pattern: Pattern,
    /// Only occurrences after the wait began.
    pub(crate) from_now: bool,
    /// What follows.
    pub(crate) then: Block,
}

/// A typed expression.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Expr {
    /// What it is.
    pub(crate) kind: ExprKind,
    /// Its type; none where something was wrong with it, and has been said.
    pub(crate) ty: Option<Type>,
    /// Where it stands.
    pub(crate) loc: Loc,
}

impl Expr {
    /// What stands for an expression that is wrong.
    pub(crate) const fn error(loc: Loc) -> Self {
        Self { kind: ExprKind::Error, ty: None, loc }
    }

    /// A constant.
    pub(crate) const fn constant(value: Value, ty: Type, loc: Loc) -> Self {
        Self { kind: ExprKind::Const(value), ty: Some(ty), loc }
    }

    /// A truth.
    pub(crate) const fn truth(kind: ExprKind, loc: Loc) -> Self {
        Self { kind, ty: Some(Type::Bool), loc }
    }
}

/// A value that something outside the expression holds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Place {
    /// An attribute of the contact.
    Attribute(SmolStr),
    /// A field of the event that started the run.
    Trigger(SmolStr),
    /// A field of the event at hand.
    Field(SmolStr),
    /// A local variable.
    Slot(SlotIx),
    /// A field of an answer that a local variable holds, and whether every answer has it.
    Answer(SlotIx, SmolStr, bool),
}

/// The kinds of typed expressions.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum ExprKind {
    /// Something was wrong with it, and has been said.
    Error,
    /// A constant.
    Const(Value),
    /// A value that may be unset if the flag says so.
    Place(Place, Optional),
    /// The present moment.
    Now,
    /// The present day.
    Today,
    /// When the contact was created.
    CreatedAt,
    /// When the wait began.
    WaitStart,
    /// The weekday of a moment.
    WeekdayOf(Box<Expr>),
    /// The hour of a moment.
    HourOf(Box<Expr>),
    /// What a function makes of a value.
    Function(Function, Box<Expr>),
    /// A score.
    Score(SmolStr),
    /// A moment between two, drawn once for each wait.
    Between(Box<(Expr, Expr)>),
    /// The moment at which so much time inside the window is over: moment and duration.
    AddWithin(LocalWindow, Box<(Expr, Expr)>),
    /// The first moment, from the one on, that is the time on the day or a whole number of spans later.
    NextEvery(Box<(Expr, Expr)>, Span, Time),
    /// The later one of two moments.
    Later(Box<(Expr, Expr)>),
    /// A list with a value.
    With(Box<(Expr, Expr)>),
    /// A list without a value.
    Without(Box<(Expr, Expr)>),
    /// The next moment, from the first one on, on which the day comes round at the time.
    NextAnniversary(Box<(Expr, Expr)>, Time),
    /// A moment of a day or wall-clock time.
    ToInstant(Box<Expr>),
    /// The day of a moment.
    DayOf(Box<Expr>),
    /// Whether a moment has come.
    Reached(Box<Expr>),
    /// Whether a day comes round on another.
    Anniversary(Box<(Expr, Expr)>),
    /// The next moment when the clock shows this.
    NextAt(WeekdaySet, Box<(Expr, Expr)>),
    /// The next moment inside the window.
    NextWithin(LocalWindow, Box<Expr>),
    /// Truth, turned.
    Not(Box<Expr>),
    /// All of them.
    And(Vec<Expr>),
    /// One of them.
    Or(Vec<Expr>),
    /// A comparison.
    Compare(Comparison, Box<(Expr, Expr)>),
    /// Text in text or value in list: `a contains b`.
    Contains(Box<(Expr, Expr)>),
    /// Text.
    StartsWith(Box<(Expr, Expr)>),
    /// Text.
    EndsWith(Box<(Expr, Expr)>),
    /// Whether one of a list's values is found, or all of them.
    Each(TextMatch, crate::hir::Each, Box<(Expr, Expr)>),
    /// Whether a pattern matches somewhere in a text.
    Matches(Box<Expr>, SmolStr),
    /// How many of the conditions hold, compared with a number.
    NumberOf(Comparison, u32, Vec<Expr>),
    /// Value in list.
    In(Box<(Expr, Expr)>),
    /// Arithmetic, from left to right.
    Arithmetic(Box<Expr>, Vec<(crate::hir::ArithmeticOp, Expr)>),
    /// Whether there is a value.
    IsSet(Box<Expr>),
    /// What history tells.
    History(Box<History>),
    /// The contact's stage in the funnel.
    Stage(SmolStr),
    /// Whether the contact can be written to on the channel.
    Reachable(Channel),
    /// Whether the contact consents to the topic.
    Consents(SmolStr, Option<Channel>),
    /// Whether the contact has a run of the journey.
    InJourney(SmolStr),
    /// Whether the contact had a run of the journey, within a time or ever.
    WasInJourney(SmolStr, Option<Span>),
    /// Whether a stable draw falls into the share, in parts of a million.
    Chance(u32),
    /// Whether the contact has the tag.
    HasTag(SmolStr),
    /// What happened to a message.
    Status(StatusKind, About),
    /// A link clicked in a message.
    ClickedLink(SmolStr, About),
    /// How many messages something happened to.
    Messages(Box<MessageHistory>),
}

/// A question about what became of messages.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct MessageHistory {
    /// What happened.
    pub(crate) status: StatusKind,
    /// To which.
    pub(crate) about: About,
    /// By which link.
    pub(crate) link: Option<SmolStr>,
    /// Since when and until when.
    pub(crate) stretch: Stretch,
}

/// A stretch of the past.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Stretch {
    /// How far back.
    pub(crate) within: Option<Span>,
    /// Only since the run began.
    pub(crate) since_entry: bool,
    /// Only from this moment on.
    pub(crate) since: Option<Expr>,
    /// Only before this moment.
    pub(crate) until: Option<Expr>,
}

impl Stretch {
    /// Whether it is all that ever was.
    pub(crate) const fn is_all(&self) -> bool {
        self.within.is_none() && !self.since_entry && self.since.is_none() && self.until.is_none()
    }
}

/// A question about past events.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct History {
    /// The event.
    pub(crate) event: SmolStr,
    /// Which occurrences count.
    pub(crate) filter: Option<Expr>,
    /// Since when and until when.
    pub(crate) stretch: Stretch,
    /// What is asked.
    pub(crate) aggregate: Aggregate,
    /// The segment that it is about, which must be watched for it.
    pub(crate) watched: Option<(SmolStr, Expr)>,
}

/// Whether a place may be without a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Optional {
    /// It always has one.
    No,
    /// It may be unset.
    Yes,
}

/// How two values compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Expr {
    /// The expressions directly inside.
    pub(crate) fn children(&self) -> SmallVec<[&Self; 4]> {
        match &self.kind {
            ExprKind::WeekdayOf(of)
            | ExprKind::HourOf(of)
            | ExprKind::Function(_, of)
            | ExprKind::Matches(of, _)
            | ExprKind::ToInstant(of)
            | ExprKind::DayOf(of)
            | ExprKind::Reached(of)
            | ExprKind::Not(of)
            | ExprKind::IsSet(of)
            | ExprKind::NextWithin(_, of) => smallvec![&**of],
            ExprKind::NextAt(_, sides)
            | ExprKind::Between(sides)
            | ExprKind::AddWithin(_, sides)
            | ExprKind::NextEvery(sides, ..)
            | ExprKind::Later(sides)
            | ExprKind::With(sides)
            | ExprKind::Without(sides)
            | ExprKind::Each(_, _, sides)
            | ExprKind::NextAnniversary(sides, _)
            | ExprKind::Anniversary(sides)
            | ExprKind::Compare(_, sides)
            | ExprKind::Contains(sides)
            | ExprKind::StartsWith(sides)
            | ExprKind::EndsWith(sides)
            | ExprKind::In(sides) => smallvec![&sides.0, &sides.1],
            ExprKind::And(parts) | ExprKind::Or(parts) | ExprKind::NumberOf(_, _, parts) => parts.iter().collect(),
            ExprKind::Arithmetic(first, rest) => {
                std::iter::once(&**first).chain(rest.iter().map(|(_, operand)| operand)).collect()
            }
            ExprKind::History(history) => {
                history.filter.iter().chain(&history.stretch.since).chain(&history.stretch.until).collect()
            }
            ExprKind::Messages(asked) => asked.stretch.since.iter().chain(&asked.stretch.until).collect(),
            _ => SmallVec::new(),
        }
    }

    /// The expressions directly inside.
    pub(crate) fn children_mut(&mut self) -> SmallVec<[&mut Self; 4]> {
        match &mut self.kind {
            ExprKind::WeekdayOf(of)
            | ExprKind::HourOf(of)
            | ExprKind::Function(_, of)
            | ExprKind::Matches(of, _)
            | ExprKind::ToInstant(of)
            | ExprKind::DayOf(of)
            | ExprKind::Reached(of)
            | ExprKind::Not(of)
            | ExprKind::IsSet(of)
            | ExprKind::NextWithin(_, of) => smallvec![&mut **of],
            ExprKind::NextAt(_, sides)
            | ExprKind::Between(sides)
            | ExprKind::AddWithin(_, sides)
            | ExprKind::NextEvery(sides, ..)
            | ExprKind::Later(sides)
            | ExprKind::With(sides)
            | ExprKind::Without(sides)
            | ExprKind::Each(_, _, sides)
            | ExprKind::NextAnniversary(sides, _)
            | ExprKind::Anniversary(sides)
            | ExprKind::Compare(_, sides)
            | ExprKind::Contains(sides)
            | ExprKind::StartsWith(sides)
            | ExprKind::EndsWith(sides)
            | ExprKind::In(sides) => {
                let (left, right) = &mut **sides;
                smallvec![left, right]
            }
            ExprKind::And(parts) | ExprKind::Or(parts) | ExprKind::NumberOf(_, _, parts) => parts.iter_mut().collect(),
            ExprKind::Arithmetic(first, rest) => {
                std::iter::once(&mut **first).chain(rest.iter_mut().map(|(_, operand)| operand)).collect()
            }
            ExprKind::History(history) => {
                let stretch = &mut history.stretch;
                history.filter.iter_mut().chain(&mut stretch.since).chain(&mut stretch.until).collect()
            }
            ExprKind::Messages(asked) => asked.stretch.since.iter_mut().chain(&mut asked.stretch.until).collect(),
            _ => SmallVec::new(),
        }
    }

    /// Whether this or an expression inside is so.
    pub(crate) fn any(&self, is: &impl Fn(&Self) -> bool) -> bool {
        is(self) || self.children().into_iter().any(|child| child.any(is))
    }

    /// The same expression, standing somewhere else; where it stood before, everything unset was seen to.
    #[must_use]
    pub(crate) fn put_at(mut self, loc: Loc) -> Self {
        self.loc = loc;
        if let ExprKind::Place(_, optional) = &mut self.kind {
            *optional = Optional::No;
        }
        for child in self.children_mut() {
            let moved = std::mem::replace(child, Self::error(loc)).put_at(loc);
            *child = moved;
        }
        self
    }
}

impl Comparison {
    /// What holds when this one does not.
    #[must_use]
    pub(crate) const fn negated(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
        }
    }

    /// Whether it holds between two values.
    pub(crate) fn holds(self, a: &Value, b: &Value) -> bool {
        let order = a.order(b);
        match self {
            Self::Equal => a == b,
            Self::NotEqual => a != b,
            Self::Less => order.is_some_and(Ordering::is_lt),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order.is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }

    /// The same with its sides changed.
    #[must_use]
    pub(crate) const fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }
}
