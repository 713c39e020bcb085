//! Header clauses, and the small clauses that steps share.

use super::{Block, Expr, Field, Name, Path, Pattern, Trigger, child, children, choice, has, nth_token, one_of, views};
use crate::kind::SyntaxKind::*;
use crate::tree::{Node, Token};

views! {
    /// `on tag lead`
    TriggerClause
    /// `where country is DE`
    WhereClause
    /// `per appointment_id`
    PerClause
    /// `reenter after 90d`
    ReenterClause
    /// `collect for 15m per page_id at most 50 as comments`
    CollectClause
    /// `at most 50`
    LimitClause
    /// `exit when purchase`
    ExitClause
    /// `goal purchase within 30d`
    GoalClause
    /// `topic offers`
    TopicClause
    /// `purpose transactional`
    PurposeClause
    /// `hours weekdays 09:00 to 18:00`
    HoursClause
    /// `priority high`
    PriorityClause
    /// `holdout 5%`
    HoldoutClause
    /// `migrate old_step to new_step`
    MigrateClause
    /// `as story`
    AsClause
    /// `with subject "Hello"`
    WithClause
    /// `from "Ada <ada@example.com>"`, `from free`
    FromClause
    /// `to owner`, `to pro`
    ToClause
    /// `via email`
    ViaClause
    /// `at 09:00`
    AtClause
    /// `up to 3d`
    UpToClause
    /// `within weekdays 09:00 to 17:00`
    WindowClause
    /// `expires 3d`
    ExpiresClause
    /// `from now`
    FromNow
    /// `weekdays 09:00 to 17:00`, `22:00 to 06:00`, `saturday, sunday`
    Window
    /// `monday to friday, sunday`
    DaySet
    /// `within 30d`
    WithinClause
    /// `since entry`
    SinceClause
    /// `at least 2 times`
    CountClause
    /// `until purchased`
    UntilClause
    /// `for ada`, `for engaged`
    ForClause
}

choice! {
    /// A line of a journey's header.
    Clause {
        /// `on ..`
        Trigger(TriggerClause)
        /// `where ..`
        Where(WhereClause)
        /// `per ..`
        Per(PerClause)
        /// `reenter ..`
        Reenter(ReenterClause)
        /// `collect ..`
        Collect(CollectClause)
        /// `exit ..`
        Exit(ExitClause)
        /// `goal ..`
        Goal(GoalClause)
        /// `topic ..`
        Topic(TopicClause)
        /// `purpose ..`
        Purpose(PurposeClause)
        /// `hours ..`
        Hours(HoursClause)
        /// `priority ..`
        Priority(PriorityClause)
        /// `holdout ..`
        Holdout(HoldoutClause)
        /// `migrate ..`
        Migrate(MigrateClause)
    }
}

impl<'t> TriggerClause<'t> {
    /// What starts a run.
    pub fn trigger(self) -> Option<Trigger<'t>> {
        child(self.0)
    }
}

impl<'t> WhereClause<'t> {
    /// The condition.
    pub fn condition(self) -> Option<Expr<'t>> {
        child(self.0)
    }
}

impl<'t> PerClause<'t> {
    /// The key.
    pub fn key(self) -> Option<Path<'t>> {
        child(self.0)
    }
}

/// How a contact may enter again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reenter<'t> {
    /// `never`
    Never,
    /// `always`
    Always,
    /// `restart`
    Restart,
    /// `after 90d`, with the duration
    After(Token<'t>),
}

impl<'t> ReenterClause<'t> {
    /// The rule.
    pub fn rule(self) -> Option<Reenter<'t>> {
        let word = one_of(self.0, &[NeverKw, AlwaysKw, RestartKw, AfterKw])?;
        Some(match word.kind() {
            NeverKw => Reenter::Never,
            AlwaysKw => Reenter::Always,
            RestartKw => Reenter::Restart,
            _ => Reenter::After(self.0.token(Duration)?),
        })
    }
}

impl<'t> CollectClause<'t> {
    /// How long to collect: `for 15m`.
    pub fn duration(self) -> Option<Token<'t>> {
        self.0.token(Duration)
    }

    /// The days to collect until, with [`time`](Self::time): `until friday 16:00`.
    pub fn days(self) -> Option<DaySet<'t>> {
        child(self.0)
    }

    /// The time to collect until: `until 18:00`.
    pub fn time(self) -> Option<Token<'t>> {
        self.0.token(Time)
    }

    /// What keeps collections apart.
    pub fn per(self) -> Option<PerClause<'t>> {
        child(self.0)
    }

    /// How many at most.
    pub fn limit(self) -> Option<Token<'t>> {
        child::<LimitClause<'t>>(self.0)?.0.token(Number)
    }

    /// The list's name.
    pub fn name(self) -> Option<Name<'t>> {
        as_name(self.0)
    }
}

choice! {
    /// One of the things that end a run.
    ExitItem {
        /// A happening that only a pattern can say. A bare name, which may be an event's, is an expression.
        Pattern(Pattern)
        /// A condition, or an event's bare name.
        Condition(Expr)
    }
}

impl<'t> ExitClause<'t> {
    /// What ends the run: `exit when a or b`. Empty for the other two forms.
    pub fn items(self) -> impl Iterator<Item = ExitItem<'t>> {
        children(self.0)
    }

    /// What to do then.
    pub fn block(self) -> Option<Block<'t>> {
        child(self.0)
    }

    /// Whether it is `exit on goal`.
    pub fn on_goal(self) -> bool {
        has(self.0, GoalKw)
    }

    /// The longest that a run may last: `exit after 90d`.
    pub fn after(self) -> Option<Token<'t>> {
        self.0.token(Duration)
    }
}

impl<'t> GoalClause<'t> {
    /// What counts as reaching it.
    pub fn pattern(self) -> Option<Pattern<'t>> {
        child(self.0)
    }

    /// Within how long after entry.
    pub fn within(self) -> Option<Token<'t>> {
        within(self.0)
    }
}

/// Clauses that are a word and a name.
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

named! { TopicClause PurposeClause PriorityClause AsClause ViaClause ForClause }

impl<'t> HoursClause<'t> {
    /// When the journey sends.
    pub fn window(self) -> Option<Window<'t>> {
        child(self.0)
    }
}

impl<'t> HoldoutClause<'t> {
    /// How many of the contacts only count.
    pub fn percent(self) -> Option<Token<'t>> {
        self.0.token(Percent)
    }
}

impl<'t> MigrateClause<'t> {
    /// The step's old name.
    pub fn from(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// The step's new name; none if runs there end.
    pub fn to(self) -> Option<Name<'t>> {
        children(self.0).nth(1)
    }

    /// Whether runs there end.
    pub fn to_end(self) -> bool {
        has(self.0, EndKw)
    }
}

impl<'t> WithClause<'t> {
    /// What is set, such as `subject`.
    pub fn name(self) -> Option<Name<'t>> {
        child(self.0)
    }

    /// What it is set to.
    pub fn value(self) -> Option<Expr<'t>> {
        child(self.0)
    }
}

/// Clauses that are a word and a value.
macro_rules! valued {
    ($($name:ident)*) => {$(
        impl<'t> $name<'t> {
            /// The value.
            pub fn value(self) -> Option<Expr<'t>> {
                child(self.0)
            }
        }
    )*};
}

valued! { FromClause ToClause ExpiresClause UntilClause }

impl<'t> AtClause<'t> {
    /// The time.
    pub fn time(self) -> Option<Token<'t>> {
        self.0.token(Time)
    }
}

impl<'t> UpToClause<'t> {
    /// The longest wait.
    pub fn duration(self) -> Option<Token<'t>> {
        self.0.token(Duration)
    }

    /// The window outside of which time does not count.
    pub fn window(self) -> Option<Window<'t>> {
        child::<WindowClause<'t>>(self.0)?.window()
    }
}

impl<'t> WindowClause<'t> {
    /// The window.
    pub fn window(self) -> Option<Window<'t>> {
        child(self.0)
    }
}

impl<'t> Window<'t> {
    /// The days it opens; every day without any.
    pub fn days(self) -> Option<DaySet<'t>> {
        child(self.0)
    }

    /// When it opens; the whole day without.
    pub fn from(self) -> Option<Token<'t>> {
        nth_token(self.0, Time, 0)
    }

    /// When it closes.
    pub fn to(self) -> Option<Token<'t>> {
        nth_token(self.0, Time, 1)
    }
}

impl<'t> DaySet<'t> {
    /// Its parts: a day, `weekdays` or `weekends`, or the first and last day of a range.
    pub fn parts(self) -> impl Iterator<Item = (Token<'t>, Option<Token<'t>>)> {
        let mut tokens = self.0.own_tokens().peekable();
        std::iter::from_fn(move || {
            let first = tokens.find(|token| token.kind().is_day())?;
            let ranged = tokens.next_if(|token| token.kind() == ToKw).is_some();
            let last = ranged.then(|| tokens.next()).flatten();
            Some((first, last))
        })
    }
}

impl<'t> WithinClause<'t> {
    /// How far back.
    pub fn duration(self) -> Option<Token<'t>> {
        self.0.token(Duration)
    }
}

impl<'t> SinceClause<'t> {
    /// Whether it is `since entry`.
    pub fn since_entry(self) -> bool {
        has(self.0, EntryKw)
    }

    /// The beginning, unless it is entry.
    pub fn from(self) -> Option<Expr<'t>> {
        if self.since_entry() { None } else { child(self.0) }
    }

    /// The end.
    pub fn until(self) -> Option<Expr<'t>> {
        let skip = usize::from(!self.since_entry());
        has(self.0, UntilKw).then(|| children(self.0).nth(skip))?
    }
}

/// How a count is compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Bound {
    /// `at least`
    AtLeast,
    /// `at most`
    AtMost,
    /// `exactly`
    Exactly,
}

pub(super) fn bound(node: Node<'_>) -> Option<Bound> {
    let word = one_of(node, &[LeastKw, MostKw, ExactlyKw])?;
    Some(match word.kind() {
        LeastKw => Bound::AtLeast,
        MostKw => Bound::AtMost,
        _ => Bound::Exactly,
    })
}

impl<'t> CountClause<'t> {
    /// How the count is compared.
    pub fn bound(self) -> Option<Bound> {
        bound(self.0)
    }

    /// The number.
    pub fn number(self) -> Option<Token<'t>> {
        self.0.token(Number)
    }

    /// Whether days are counted rather than times: `at least 3 days`.
    pub fn counts_days(self) -> bool {
        one_of(self.0, &[DayKw, DaysKw]).is_some()
    }
}

/// `as NAME` of a node that has it.
pub(super) fn as_name(node: Node<'_>) -> Option<Name<'_>> {
    child::<AsClause<'_>>(node)?.name()
}

/// `via CHANNEL` of a node that has it.
pub(super) fn via(node: Node<'_>) -> Option<Name<'_>> {
    child::<ViaClause<'_>>(node)?.name()
}

/// `at TIME` of a node that has it.
pub(super) fn at_time(node: Node<'_>) -> Option<Token<'_>> {
    child::<AtClause<'_>>(node)?.time()
}

/// `within DURATION` of a node that has it.
pub(super) fn within(node: Node<'_>) -> Option<Token<'_>> {
    child::<WithinClause<'_>>(node)?.duration()
}

/// The fields of a `call` trigger.
pub(super) fn call_fields(node: Node<'_>) -> impl Iterator<Item = Field<'_>> {
    super::item::fields(node)
}
