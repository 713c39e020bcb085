//! A journey in which every name is looked up and every expression has a type. Flow analysis fills in what only the order
//! of steps decides (which message a bare `opened` means); code generation reads the rest off.

mod expr;

pub(crate) use expr::*;
use journey_bytecode::{
    Channel, Colleague, Field, LocalWindow, MessageRef, Number, Purpose, Reenter, RequestKind, SlotIx, Span,
    TriggerKind, Type,
};
use smallvec::SmallVec;
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
#[derive(Clone, Default, PartialEq, Debug)]
pub(crate) enum StepKind {
    /// Sends a message.
    Send(Box<Send>),
    /// Waits.
    Wait(Box<Wait>),
    /// Decides.
    If {
        /// What.
        condition: Box<Expr>,
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
    Set(SmolStr, Box<Expr>),
    /// Sets a local variable.
    Let(SlotIx, Box<Expr>),
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
        until: Option<Box<Expr>>,
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
    #[default]
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
    pub(crate) choices: SmallVec<[(Channel, SmolStr); 1]>,
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
