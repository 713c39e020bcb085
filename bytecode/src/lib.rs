//! What compiler and runtime share: values, the project's schema, programs, and the bundle they travel in.
//!
//! This crate knows neither source text nor databases. A [`Bundle`] is all that a runtime needs to run a project; a
//! [`Program`] is one journey, named by the hash of its content ([`Version`]).

mod bundle;
mod event;
mod listing;
mod message;
mod outside;
pub mod pattern;
mod program;
mod schema;
mod score;
mod test;
mod trigger;
mod value;
mod verify;

pub use bundle::{Bundle, DecodeError, MAGIC};
pub use event::{
    BuiltinEvent, WRITTEN_WORD, builtin_fields, past_change, past_entry, past_journey, past_segment, past_stage,
    written_word,
};
pub use message::{
    AfterCrash, BUILTIN_VARIABLES, CONTENT, Channel, CrashRules, FILTERS, Format, Message, PLACEHOLDERS, Purpose,
    TEMPLATE_TESTS, TemplateVariable, Variant, check_date_format,
};
pub use outside::{Colleague, NOTICE_CHANNEL, Notice, Request, RequestKind};
pub use program::{
    Aggregate, Arm, Clause, Collect, ConstIx, Deadline, EventPattern, Exit, ExitKind, Function, Goal, Handle, HandleIx,
    History, HistoryIx, Measure, MessageHistory, MessageRef, MessagesIx, NameIx, NoticeIx, Op, Pc, Program, Reenter,
    RequestIx, SendDef, SendIx, ShapeIx, SlotIx, SourceMap, Split, SplitIx, StatusKind, StepInfo, StepIx, TextMatch,
    Version, WaitDef, WaitIx,
};
pub use schema::{
    Attribute, Cap, Codes, Event, Field, Holiday, LocalWindow, PUSH, Policy, Rate, Schema, Topic, Voucher, Weekday,
    WeekdaySet,
};
pub use score::{Points, Score, ScoreRule, Scores};
pub use test::{Expectation, Stimulus, TestAct, TestCase, TestContact, TestLine, TestMoment};
pub use trigger::{MessageScope, Trigger, TriggerKind};
pub use value::{Date, Instant, Money, Number, Span, Time, Type, Value};
pub use verify::{MAX_CODE, MAX_STACK, VerifyError, stack_effect, verify};
