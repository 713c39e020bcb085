//! Steps.

use super::{
    AstNode, BestClause, DaySet, ExpiresClause, Expr, FromClause, FromNow, MeasureClause, Name, Path, Pattern,
    RecordLiteral, RunForClause, ToClause, UntilClause, UpToClause, Window, WindowClause, WithClause, child, children,
    choice, clause, has, nth_token, views,
};
use crate::kind::SyntaxKind::*;
use crate::tree::{Node, Token};

views! {
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
    /// `repeat up to 3 times until purchased { .. }`
    RepeatStep
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
}

choice! {
    /// A step.
    Step {
        /// `send ..`
        Send(SendStep)
        /// `wait 2d`
        Wait(WaitStep)
        /// `wait until ..`
        WaitUntil(WaitUntilStep)
        /// `wait for ..`
        WaitFor(WaitForStep)
        /// `wait for first { .. }`
        Race(RaceStep)
        /// `countdown to ..`
        Countdown(CountdownStep)
        /// `if ..`
        If(IfStep)
        /// `choose ..`
        Choose(ChooseStep)
        /// `split ..`
        Split(SplitStep)
        /// `repeat ..`
        Repeat(RepeatStep)
        /// `add tag ..`
        AddTag(AddTagStep)
        /// `remove tag ..`
        RemoveTag(RemoveTagStep)
        /// `add .. to ..`
        Add(AddStep)
        /// `remove .. from ..`
        Remove(RemoveStep)
        /// `set .. to ..`
        Set(SetStep)
        /// `move to ..`
        Move(MoveStep)
        /// `record ..`
        Record(RecordStep)
        /// `subscribe ..`
        Subscribe(SubscribeStep)
        /// `unsubscribe ..`
        Unsubscribe(UnsubscribeStep)
        /// `suppress`
        Suppress(SuppressStep)
        /// `delete contact`
        Delete(DeleteStep)
        /// `notify ..`
        Notify(NotifyStep)
        /// `call ..`
        Call(CallStep)
        /// `voucher ..`
        Voucher(VoucherStep)
        /// `let ..`
        Let(LetStep)
        /// `ask ..`
        Ask(AskStep)
        /// `start journey ..`
        Start(StartStep)
        /// `stop journey ..`
        Stop(StopStep)
        /// `step NAME:`
        Label(StepLabel)
        /// `end`
        End(EndStep)
    }
}

choice! {
    /// One step or a block: what `if`, `else` and a point of a countdown run.
    Body {
        /// `{ .. }`
        Block(Block)
        /// A step alone.
        Step(Step)
    }
}

impl<'t> Body<'t> {
    /// Its steps.
    pub fn steps(self) -> impl Iterator<Item = Step<'t>> {
        let (block, step) = match self {
            Self::Block(block) => (Some(block), None),
            Self::Step(step) => (None, Some(step)),
        };
        step.into_iter().chain(block.into_iter().flat_map(Block::steps))
    }
}

impl<'t> Block<'t> {
    /// Its steps.
    pub fn steps(self) -> impl Iterator<Item = Step<'t>> {
        children(self.0)
    }

    /// Its closing brace.
    pub fn close(self) -> Option<Token<'t>> {
        self.0.token(RBrace)
    }
}

/// `else STEP` of a node that has it.
fn otherwise(node: Node<'_>) -> Option<Body<'_>> {
    child::<ElseBranch<'_>>(node)?.body()
}

/// `up to 3d` of a node that has it.
fn up_to(node: Node<'_>) -> Option<UpToClause<'_>> {
    child(node)
}

impl<'t> ElseBranch<'t> {
    /// What it runs.
    pub fn body(self) -> Option<Body<'t>> {
        child(self.0)
    }
}

/// What a `send` sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MessageSource<'t> {
    /// A message's name.
    Name(Name<'t>),
    /// The text itself.
    Text(Token<'t>),
}

impl<'t> SendStep<'t> {
    /// The channels; the first that reaches the contact is taken.
    pub fn channels(self) -> impl Iterator<Item = Name<'t>> {
        child::<ChannelList<'t>>(self.0).into_iter().flat_map(|list| children(list.0))
    }

    /// The message.
    pub fn message(self) -> Option<MessageSource<'t>> {
        if let Some(name) = child(self.0) {
            return Some(MessageSource::Name(name));
        }
        self.0.token(String).map(MessageSource::Text)
    }

    /// The handle: `as story`. Without one, the message's name is the handle.
    pub fn handle(self) -> Option<Name<'t>> {
        clause::as_name(self.0)
    }

    /// `with subject ".."` and the like.
    pub fn settings(self) -> impl Iterator<Item = WithClause<'t>> {
        children(self.0)
    }

    /// The sender.
    pub fn from(self) -> Option<Expr<'t>> {
        child::<FromClause<'t>>(self.0)?.value()
    }

    /// Whom it goes to, if not to the contact.
    pub fn to(self) -> Option<Expr<'t>> {
        child::<ToClause<'t>>(self.0)?.value()
    }
}

impl<'t> ChannelList<'t> {
    /// The channels.
    pub fn names(self) -> impl Iterator<Item = Name<'t>> {
        children(self.0)
    }
}

impl<'t> WaitStep<'t> {
    /// How long; the least, if [`longest`](Self::longest) is there.
    pub fn duration(self) -> Option<Expr<'t>> {
        child(self.0)
    }

    /// The most, of a random wait: `wait 1h to 3h`.
    pub fn longest(self) -> Option<Expr<'t>> {
        // Most waits have one length: whether there is another is found out sooner.
        children(self.0).nth(1).filter(|_| has(self.0, ToKw))
    }

    /// The window outside of which time does not count: `wait 3d within weekdays`.
    pub fn window(self) -> Option<Window<'t>> {
        child::<WindowClause<'t>>(self.0)?.window()
    }
}

/// What a `wait until` waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment<'t> {
    /// `within weekdays 09:00 to 17:00`
    Window(Window<'t>),
    /// `tuesday 12:00`; without a time, the day's beginning.
    Days(DaySet<'t>, Option<Token<'t>>),
    /// A time, a date or a condition; the type tells. `trigger.starts_at - 1d at 09:00` has a time behind it.
    Value(Expr<'t>, Option<Token<'t>>),
}

impl<'t> WaitUntilStep<'t> {
    /// What it waits for.
    pub fn moment(self) -> Option<Moment<'t>> {
        if let Some(clause) = child::<WindowClause<'t>>(self.0) {
            return clause.window().map(Moment::Window);
        }
        let at = clause::at_time(self.0);
        if let Some(days) = child(self.0) {
            return Some(Moment::Days(days, self.0.token(Time).or(at)));
        }
        child(self.0).map(|value| Moment::Value(value, at))
    }

    /// The longest wait.
    pub fn up_to(self) -> Option<UpToClause<'t>> {
        up_to(self.0)
    }

    /// What runs if the moment is past or unset, or the time is up.
    pub fn otherwise(self) -> Option<Body<'t>> {
        otherwise(self.0)
    }
}

impl<'t> WaitForStep<'t> {
    /// What it waits for.
    pub fn pattern(self) -> Option<Pattern<'t>> {
        child(self.0)
    }

    /// Whether only what happens from now on counts.
    pub fn from_now(self) -> bool {
        child::<FromNow<'t>>(self.0).is_some()
    }

    /// The longest wait.
    pub fn up_to(self) -> Option<UpToClause<'t>> {
        up_to(self.0)
    }

    /// What runs when the time is up.
    pub fn otherwise(self) -> Option<Body<'t>> {
        otherwise(self.0)
    }
}

impl<'t> RaceStep<'t> {
    /// What can happen.
    pub fn arms(self) -> impl Iterator<Item = RaceArm<'t>> {
        children(self.0)
    }

    /// What runs when the time is up.
    pub fn timeouts(self) -> impl Iterator<Item = TimeoutArm<'t>> {
        children(self.0)
    }
}

impl<'t> RaceArm<'t> {
    /// What happens.
    pub fn pattern(self) -> Option<Pattern<'t>> {
        child(self.0)
    }

    /// Whether only what happens from now on counts.
    pub fn from_now(self) -> bool {
        child::<FromNow<'t>>(self.0).is_some()
    }

    /// What it runs.
    pub fn block(self) -> Option<Block<'t>> {
        child(self.0)
    }
}

impl<'t> TimeoutArm<'t> {
    /// How long.
    pub fn duration(self) -> Option<Token<'t>> {
        self.0.token(Duration)
    }

    /// The window outside of which time does not count.
    pub fn window(self) -> Option<Window<'t>> {
        child::<WindowClause<'t>>(self.0)?.window()
    }

    /// What it runs.
    pub fn block(self) -> Option<Block<'t>> {
        child(self.0)
    }
}

impl<'t> CountdownStep<'t> {
    /// The date.
    pub fn date(self) -> Option<Expr<'t>> {
        child(self.0)
    }

    /// Its points as written.
    pub fn points(self) -> impl Iterator<Item = CountdownPoint<'t>> {
        children(self.0)
    }

    /// What runs if the date is unset.
    pub fn otherwise(self) -> Option<Body<'t>> {
        otherwise(self.0)
    }
}

impl<'t> CountdownPoint<'t> {
    /// How long before or after; none for `on the day`.
    pub fn offset(self) -> Option<Token<'t>> {
        self.0.token(Duration)
    }

    /// Whether it is before rather than after.
    pub fn is_before(self) -> bool {
        has(self.0, BeforeKw)
    }

    /// Whether it is `on the day`.
    pub fn on_the_day(self) -> bool {
        has(self.0, OnKw)
    }

    /// The time of day.
    pub fn time(self) -> Option<Token<'t>> {
        clause::at_time(self.0)
    }

    /// What it runs.
    pub fn body(self) -> Option<Body<'t>> {
        child(self.0)
    }
}

impl<'t> IfStep<'t> {
    /// The condition.
    pub fn condition(self) -> Option<Expr<'t>> {
        child(self.0)
    }

    /// What runs if it holds.
    pub fn then(self) -> Option<Body<'t>> {
        child(self.0)
    }

    /// What runs if it does not.
    pub fn otherwise(self) -> Option<Body<'t>> {
        otherwise(self.0)
    }
}

impl<'t> ChooseStep<'t> {
    /// What is looked at.
    pub fn value(self) -> Option<Expr<'t>> {
        child(self.0)
    }

    /// The arms in order.
    pub fn arms(self) -> impl Iterator<Item = ChooseArm<'t>> {
        children(self.0)
    }

    /// What runs if no arm fits.
    pub fn otherwise(self) -> Option<Body<'t>> {
        otherwise(self.0)
    }
}

choice! {
    /// What an arm of `choose` stands for.
    ArmValue {
        /// `9 to 10`
        Range(ValueRange)
        /// A constant.
        Constant(Expr)
    }
}

impl<'t> ChooseArm<'t> {
    /// Its values.
    pub fn values(self) -> impl Iterator<Item = ArmValue<'t>> {
        children(self.0)
    }

    /// What it runs.
    pub fn block(self) -> Option<Block<'t>> {
        child(self.0)
    }
}

impl<'t> ValueRange<'t> {
    /// The least.
    pub fn from(self) -> Option<Expr<'t>> {
        child(self.0)
    }

    /// The greatest, itself included.
    pub fn to(self) -> Option<Expr<'t>> {
        children(self.0).nth(1)
    }
}

impl<'t> SplitStep<'t> {
    /// The split's name.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// Its sides.
    pub fn arms(self) -> impl Iterator<Item = SplitArm<'t>> {
        children(self.0)
    }

    /// What it measures.
    pub fn measure(self) -> Option<MeasureClause<'t>> {
        child(self.0)
    }

    /// How long it runs at least.
    pub fn run_for(self) -> Option<Token<'t>> {
        child::<RunForClause<'t>>(self.0)?.duration()
    }

    /// Whether later entrants go to the winner.
    pub fn then_best(self) -> bool {
        child::<BestClause<'t>>(self.0).is_some()
    }
}

impl<'t> SplitArm<'t> {
    /// Its share.
    pub fn percent(self) -> Option<Token<'t>> {
        self.0.token(Percent)
    }

    /// Its name.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// What it runs.
    pub fn block(self) -> Option<Block<'t>> {
        child(self.0)
    }
}

impl<'t> RepeatStep<'t> {
    /// How often at most.
    pub fn times(self) -> Option<Token<'t>> {
        self.0.token(Number)
    }

    /// What ends it early.
    pub fn until(self) -> Option<Expr<'t>> {
        child::<UntilClause<'t>>(self.0)?.value()
    }

    /// What it runs.
    pub fn block(self) -> Option<Block<'t>> {
        child(self.0)
    }
}

/// Steps that are words and a name.
macro_rules! named {
    ($($name:ident)*) => {$(
        impl<'t> $name<'t> {
            /// The name.
            pub fn name(self) -> Option<Name<'t>> {
                child(self.0)
            }
        }
    )*};
}

named! { AddTagStep RemoveTagStep StopStep StepLabel }

/// Steps that put a value into a list or take it out.
macro_rules! listing {
    ($($name:ident)*) => {$(
        impl<'t> $name<'t> {
            /// The value.
            pub fn value(self) -> Option<Expr<'t>> {
                child(self.0)
            }

            /// The list attribute; a second path, as a value may be one itself.
            pub fn attribute(self) -> Option<Path<'t>> {
                children::<Expr<'t>>(self.0)
                    .nth(1)
                    .and_then(|expr| Path::cast(expr.syntax()))
            }
        }
    )*};
}

listing! { AddStep RemoveStep }

impl<'t> SetStep<'t> {
    /// The attribute.
    pub fn attribute(self) -> Option<Path<'t>> {
        self.0.children().next().and_then(Path::cast)
    }

    /// Its new value.
    pub fn value(self) -> Option<Expr<'t>> {
        children(self.0).nth(1)
    }
}

impl<'t> MoveStep<'t> {
    /// The stage.
    pub fn stage(self) -> Option<Path<'t>> {
        child(self.0)
    }
}

impl<'t> RecordStep<'t> {
    /// The event's name.
    pub fn event(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// Its payload.
    pub fn fields(self) -> Option<RecordLiteral<'t>> {
        child(self.0)
    }
}

impl<'t> SubscribeStep<'t> {
    /// The topic.
    pub fn topic(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// The channel.
    pub fn channel(self) -> Option<Name<'t>> {
        clause::via(self.0)
    }

    /// `with wording ".."` and the like.
    pub fn settings(self) -> impl Iterator<Item = WithClause<'t>> {
        children(self.0)
    }
}

impl<'t> UnsubscribeStep<'t> {
    /// The topic; all of them without one.
    pub fn topic(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// The channel; all of them without one.
    pub fn channel(self) -> Option<Name<'t>> {
        clause::via(self.0)
    }
}

impl<'t> SuppressStep<'t> {
    /// Why.
    pub fn reason(self) -> Option<Token<'t>> {
        self.0.token(String)
    }
}

impl<'t> NotifyStep<'t> {
    /// Who, or through what: `owner`, `slack`.
    pub fn recipient(self) -> Option<Path<'t>> {
        child(self.0)
    }

    /// The place there, such as `"#sales"`, if two texts follow.
    pub fn target(self) -> Option<Token<'t>> {
        nth_token(self.0, String, 1).and(nth_token(self.0, String, 0))
    }

    /// The text.
    pub fn text(self) -> Option<Token<'t>> {
        nth_token(self.0, String, 1).or(nth_token(self.0, String, 0))
    }
}

impl<'t> CallStep<'t> {
    /// What is called.
    pub fn endpoint(self) -> Option<Path<'t>> {
        child(self.0)
    }

    /// What is handed over.
    pub fn fields(self) -> Option<RecordLiteral<'t>> {
        child(self.0)
    }

    /// The answer's name.
    pub fn result(self) -> Option<Name<'t>> {
        clause::as_name(self.0)
    }

    /// How long to try.
    pub fn up_to(self) -> Option<UpToClause<'t>> {
        up_to(self.0)
    }

    /// What runs if it fails.
    pub fn otherwise(self) -> Option<Body<'t>> {
        otherwise(self.0)
    }
}

impl<'t> VoucherStep<'t> {
    /// The voucher.
    pub fn voucher(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// The code's name.
    pub fn code(self) -> Option<Name<'t>> {
        clause::as_name(self.0)
    }

    /// When it expires: a duration or a date.
    pub fn expires(self) -> Option<Expr<'t>> {
        child::<ExpiresClause<'t>>(self.0)?.value()
    }
}

impl<'t> LetStep<'t> {
    /// The value's name.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// The value.
    pub fn value(self) -> Option<Expr<'t>> {
        child(self.0)
    }
}

impl<'t> AskStep<'t> {
    /// Who is asked.
    pub fn recipient(self) -> Option<Path<'t>> {
        child(self.0)
    }

    /// The question.
    pub fn question(self) -> Option<Token<'t>> {
        self.0.token(String)
    }

    /// How long to wait for the answer.
    pub fn up_to(self) -> Option<UpToClause<'t>> {
        up_to(self.0)
    }

    /// The answers.
    pub fn arms(self) -> impl Iterator<Item = AskArm<'t>> {
        children(self.0)
    }

    /// What runs if nobody answers.
    pub fn otherwise(self) -> Option<Body<'t>> {
        otherwise(self.0)
    }
}

impl<'t> AskArm<'t> {
    /// The answer.
    pub fn answer(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// What it runs.
    pub fn block(self) -> Option<Block<'t>> {
        child(self.0)
    }
}

impl<'t> StartStep<'t> {
    /// The journey.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// What is handed over.
    pub fn fields(self) -> Option<RecordLiteral<'t>> {
        child(self.0)
    }
}
