//! `test` blocks.

use super::{
    AstNode, ConsentExpr, ConsentPattern, CreatedPattern, DeleteStep, Expr, ForClause, HasTagExpr, MemberExpr,
    MessagePattern, MoveStep, Name, Path, RecordLiteral, StartStep, StatusPattern, TagPattern, child, children, choice,
    clause, has, views,
};
use crate::kind::SyntaxKind::*;
use crate::tree::Token;

views! {
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

choice! {
    /// A line of a test.
    TestStep {
        /// `given contact ..`
        Contact(GivenContact)
        /// `given call ..`
        Call(GivenCall)
        /// `at .. tag lead`
        Event(TestEvent)
        /// `expect ..`
        Expect(Expect)
    }
}

choice! {
    /// What a contact is given besides its attributes.
    GivenFact {
        /// `consents to offers`
        Consent(ConsentExpr)
        /// `has tag vip`
        HasTag(HasTagExpr)
        /// `in sales.prospect`
        Member(MemberExpr)
    }
}

choice! {
    /// What happens in a test.
    Stimulus {
        /// `event purchase { .. }`
        Event(EventStimulus)
        /// `tag lead`
        Tag(TagPattern)
        /// `opened story`
        Status(StatusPattern)
        /// `unsubscribed offers`
        Consent(ConsentPattern)
        /// `message "STOP" via sms`
        Message(MessagePattern)
        /// `created`
        Created(CreatedPattern)
        /// `set plan to pro`
        Change(AttributeChange)
        /// `move to sales.prospect`
        Move(MoveStep)
        /// `answer yes`
        Answer(AnswerStimulus)
        /// `start journey winback`
        Start(StartStep)
        /// `delete contact`
        Delete(DeleteStep)
    }
}

choice! {
    /// When a line of a test takes place.
    TestMoment {
        /// `at 2026-03-02 10:00`
        At(AtMoment)
        /// `after 3d`
        After(AfterMoment)
    }
}

choice! {
    /// What a test expects.
    Expectation {
        /// `send sms nudge`
        Send(ExpectSend)
        /// `end because goal`
        End(ExpectEnd)
        /// `skipped nudge because cap`
        Skipped(ExpectSkipped)
        /// `wait until 2026-03-05 10:00`
        Wait(ExpectWait)
        /// `tag nurtured`
        Effect(ExpectEffect)
        /// A condition that holds.
        Condition(Expr)
    }
}

impl<'t> Test<'t> {
    /// What it shows.
    pub fn title(self) -> Option<Token<'t>> {
        self.0.token(String)
    }

    /// Its lines.
    pub fn steps(self) -> impl Iterator<Item = TestStep<'t>> {
        children(self.0)
    }
}

impl<'t> GivenContact<'t> {
    /// What the test calls the contact.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// Its attributes.
    pub fn attributes(self) -> Option<RecordLiteral<'t>> {
        child(self.0)
    }

    /// What else it has.
    pub fn facts(self) -> impl Iterator<Item = GivenFact<'t>> {
        children(self.0)
    }
}

impl<'t> GivenCall<'t> {
    /// What is called.
    pub fn endpoint(self) -> Option<Path<'t>> {
        child(self.0)
    }

    /// What it answers.
    pub fn answer(self) -> Option<RecordLiteral<'t>> {
        child(self.0)
    }

    /// Whether it fails.
    pub fn fails(self) -> bool {
        has(self.0, FailsKw)
    }
}

impl<'t> TestEvent<'t> {
    /// When.
    pub fn moment(self) -> Option<TestMoment<'t>> {
        child(self.0)
    }

    /// What happens.
    pub fn stimulus(self) -> Option<Stimulus<'t>> {
        child(self.0)
    }

    /// To whom.
    pub fn contact(self) -> Option<Name<'t>> {
        child::<ForClause<'t>>(self.0)?.name()
    }
}

impl<'t> Expect<'t> {
    /// When.
    pub fn moment(self) -> Option<TestMoment<'t>> {
        child(self.0)
    }

    /// Whether it must not be so: `expect no send`.
    pub fn is_negated(self) -> bool {
        has(self.0, NoKw)
    }

    /// What is expected.
    pub fn expectation(self) -> Option<Expectation<'t>> {
        child(self.0)
    }

    /// Of whom.
    pub fn contact(self) -> Option<Name<'t>> {
        child::<ForClause<'t>>(self.0)?.name()
    }
}

impl<'t> AtMoment<'t> {
    /// The date; without one, the next such time.
    pub fn date(self) -> Option<Token<'t>> {
        self.0.token(Date)
    }

    /// The time.
    pub fn time(self) -> Option<Token<'t>> {
        self.0.token(Time)
    }
}

impl<'t> AfterMoment<'t> {
    /// How long after the line before.
    pub fn duration(self) -> Option<Token<'t>> {
        self.0.token(Duration)
    }
}

impl<'t> EventStimulus<'t> {
    /// The event.
    pub fn event(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// Its payload.
    pub fn fields(self) -> Option<RecordLiteral<'t>> {
        child(self.0)
    }
}

impl<'t> AttributeChange<'t> {
    /// The attribute.
    pub fn attribute(self) -> Option<Path<'t>> {
        self.0.children().next().and_then(Path::cast)
    }

    /// Its new value.
    pub fn value(self) -> Option<Expr<'t>> {
        children(self.0).nth(1)
    }
}

impl<'t> AnswerStimulus<'t> {
    /// The answer.
    pub fn answer(self) -> Option<Name<'t>> {
        child(self.0)
    }
}

impl<'t> ExpectSend<'t> {
    /// The channel; any without one.
    pub fn channel(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// The message's name; any without one.
    pub fn message(self) -> Option<Name<'t>> {
        children(self.0).nth(1)
    }

    /// The message's text.
    pub fn text(self) -> Option<Token<'t>> {
        self.0.token(String)
    }
}

/// `because NAME`
macro_rules! because {
    ($($name:ident)*) => {$(
        impl<'t> $name<'t> {
            /// The reason.
            pub fn reason(self) -> Option<Name<'t>> {
                child::<BecauseClause<'t>>(self.0)?.reason()
            }
        }
    )*};
}

because! { ExpectEnd ExpectSkipped }

impl<'t> BecauseClause<'t> {
    /// The reason.
    pub fn reason(self) -> Option<Name<'t>> {
        child(self.0)
    }
}

impl<'t> ExpectSkipped<'t> {
    /// The message.
    pub fn message(self) -> Option<Name<'t>> {
        child(self.0)
    }
}

impl<'t> ExpectWait<'t> {
    /// The date.
    pub fn date(self) -> Option<Token<'t>> {
        self.0.token(Date)
    }

    /// The time.
    pub fn time(self) -> Option<Token<'t>> {
        self.0.token(Time)
    }
}

impl<'t> ExpectEffect<'t> {
    /// Its word: `tag`, `stage`, `path`, `notify` and so on.
    pub fn word(self) -> Option<Token<'t>> {
        self.0.first_token()
    }

    /// What it is about.
    pub fn subject(self) -> Option<Path<'t>> {
        child(self.0)
    }

    /// The channel of `unsubscribe`; any without one.
    pub fn channel(self) -> Option<Name<'t>> {
        clause::via(self.0)
    }
}
