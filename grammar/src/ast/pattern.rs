//! Triggers, and what can happen to a contact.

use super::{
    DaySet, Expr, Field, ForClause, FromClause, Name, Path, ToClause, WhereClause, child, choice, clause, one_of, views,
};
use crate::kind::SyntaxKind::{self, *};
use crate::tree::{Node, Token};

views! {
    /// `call { order: text }`
    CallTrigger
    /// `every monday at 09:00 for engaged`
    ScheduleTrigger
    /// `14d before renewal_date at 09:00`
    DateTrigger
    /// `birthday at 09:00`
    AnniversaryTrigger
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
}

choice! {
    /// Something that happens to a contact.
    Pattern {
        /// `purchase where ..`
        Event(EventPattern)
        /// `opened story`
        Status(StatusPattern)
        /// `tag lead`
        Tag(TagPattern)
        /// `unsubscribed offers`
        Consent(ConsentPattern)
        /// `message "STOP" via sms`
        Message(MessagePattern)
        /// `created`
        Created(CreatedPattern)
        /// `enters engaged`
        Segment(SegmentPattern)
        /// `reaches sales.customer`
        Stage(StagePattern)
        /// `plan changes to pro`
        Change(ChangePattern)
    }
}

choice! {
    /// What starts a run.
    Trigger {
        /// A happening.
        Pattern(Pattern)
        /// `call`
        Call(CallTrigger)
        /// `every monday ..`
        Schedule(ScheduleTrigger)
        /// `14d before renewal_date ..`
        Date(DateTrigger)
        /// `birthday at 09:00`
        Anniversary(AnniversaryTrigger)
    }
}

impl<'t> CallTrigger<'t> {
    /// What the caller hands over.
    pub fn fields(self) -> impl Iterator<Item = Field<'t>> {
        clause::call_fields(self.0)
    }
}

impl<'t> ScheduleTrigger<'t> {
    /// The days: `every monday`.
    pub fn days(self) -> Option<DaySet<'t>> {
        child(self.0)
    }

    /// Whether it is `every day`.
    pub fn every_day(self) -> bool {
        self.0.token(DayKw).is_some()
    }

    /// The interval: `every 2w`.
    pub fn interval(self) -> Option<Token<'t>> {
        self.0.token(Duration)
    }

    /// The day that intervals count from: `from 2026-01-01`.
    pub fn from(self) -> Option<Token<'t>> {
        self.0.token(Date)
    }

    /// The time of day.
    pub fn time(self) -> Option<Token<'t>> {
        clause::at_time(self.0)
    }

    /// The segment: `for engaged`.
    pub fn segment(self) -> Option<Name<'t>> {
        child::<ForClause<'t>>(self.0)?.name()
    }
}

impl<'t> DateTrigger<'t> {
    /// How long before or after.
    pub fn offset(self) -> Option<Token<'t>> {
        self.0.token(Duration)
    }

    /// Whether it is before rather than after.
    pub fn is_before(self) -> bool {
        self.0.token(BeforeKw).is_some()
    }

    /// The date.
    pub fn date(self) -> Option<Path<'t>> {
        child(self.0)
    }

    /// The time of day.
    pub fn time(self) -> Option<Token<'t>> {
        clause::at_time(self.0)
    }
}

impl<'t> AnniversaryTrigger<'t> {
    /// The date whose day comes every year.
    pub fn date(self) -> Option<Path<'t>> {
        child(self.0)
    }

    /// The time of day.
    pub fn time(self) -> Option<Token<'t>> {
        clause::at_time(self.0)
    }
}

impl<'t> EventPattern<'t> {
    /// The event's name.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// Which of its occurrences.
    pub fn filter(self) -> Option<Expr<'t>> {
        child::<WhereClause<'t>>(self.0)?.condition()
    }
}

/// What a status is asked of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessageRef<'t> {
    /// The last message that the run sent.
    Last,
    /// The message with this handle.
    Handle(Name<'t>),
    /// `any email`: every message of a channel, a template or a topic, with the name behind `any`.
    Any(Name<'t>),
}

pub(super) fn message_ref(node: Node<'_>) -> Option<MessageRef<'_>> {
    if let Some(any) = child::<AnyMessage<'_>>(node) {
        return any.name().map(MessageRef::Any);
    }
    Some(child(node).map_or(MessageRef::Last, MessageRef::Handle))
}

pub(super) fn link(node: Node<'_>) -> Option<Token<'_>> {
    child::<LinkClause<'_>>(node)?.0.token(String)
}

impl<'t> AnyMessage<'t> {
    /// The channel, template or topic; `message` for all.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }
}

impl<'t> StatusPattern<'t> {
    /// The status: `opened`, `clicked` and so on.
    pub fn status(self) -> Option<Token<'t>> {
        self.0.first_token()
    }

    /// The message.
    pub fn message(self) -> Option<MessageRef<'t>> {
        message_ref(self.0)
    }

    /// The link.
    pub fn link(self) -> Option<Token<'t>> {
        link(self.0)
    }
}

impl<'t> TagPattern<'t> {
    /// The tag.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// Whether the tag is taken away.
    pub fn is_untag(self) -> bool {
        self.0.token(UntagKw).is_some()
    }
}

impl<'t> ConsentPattern<'t> {
    /// Whether consent is given rather than withdrawn.
    pub fn is_subscribed(self) -> bool {
        self.0.token(SubscribedKw).is_some()
    }

    /// The topic; any without one.
    pub fn topic(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// The channel; any without one.
    pub fn channel(self) -> Option<Name<'t>> {
        clause::via(self.0)
    }
}

impl<'t> MessagePattern<'t> {
    /// What the contact wrote; anything without it.
    pub fn text(self) -> Option<Token<'t>> {
        self.0.token(String)
    }

    /// The channel; any without one.
    pub fn channel(self) -> Option<Name<'t>> {
        clause::via(self.0)
    }

    /// Which of the messages.
    pub fn filter(self) -> Option<Expr<'t>> {
        child::<WhereClause<'t>>(self.0)?.condition()
    }
}

impl<'t> SegmentPattern<'t> {
    /// Whether the contact enters rather than leaves.
    pub fn is_enter(self) -> bool {
        self.0.token(EntersKw).is_some()
    }

    /// The segment.
    pub fn segment(self) -> Option<Path<'t>> {
        child(self.0)
    }
}

impl<'t> StagePattern<'t> {
    /// The stage.
    pub fn stage(self) -> Option<Path<'t>> {
        child(self.0)
    }
}

impl<'t> ChangePattern<'t> {
    /// The attribute.
    pub fn attribute(self) -> Option<Path<'t>> {
        child(self.0)
    }

    /// The old value.
    pub fn from(self) -> Option<Expr<'t>> {
        child::<FromClause<'t>>(self.0)?.value()
    }

    /// The new value.
    pub fn to(self) -> Option<Expr<'t>> {
        child::<ToClause<'t>>(self.0)?.value()
    }
}

/// The words that a status can be.
pub const STATUSES: &[SyntaxKind] =
    &[SentKw, DeliveredKw, OpenedKw, ClickedKw, RepliedKw, BouncedKw, ComplainedKw, FailedKw, SkippedKw];

/// The status word of a node, if it has one.
pub(super) fn status(node: Node<'_>) -> Option<Token<'_>> {
    one_of(node, STATUSES)
}
