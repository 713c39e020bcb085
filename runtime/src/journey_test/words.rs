//! What happened, in words.

use smol_str::SmolStr;

use crate::core::contact::EndReason;
use crate::core::effect::{NotEntered, Refusal, TraceEvent};
use crate::core::facts::Tags;
use crate::core::input::Answer;

/// Whether a reader of a test's trace wants to see it.
pub(super) const fn matters(event: &TraceEvent) -> bool {
    !matches!(
        event,
        TraceEvent::Step(_)
            | TraceEvent::Decided { .. }
            | TraceEvent::Message { .. }
            | TraceEvent::Woke { .. }
            | TraceEvent::Waiting { .. }
            | TraceEvent::Measured { .. }
    )
}

pub(super) fn event(event: &TraceEvent, journey: &str) -> String {
    match event {
        TraceEvent::Entered { trigger, .. } => format!("enters `{journey}` by {trigger}"),
        TraceEvent::NotEntered { reason } => format!("does not enter `{journey}`: {}", not_entered(reason)),
        TraceEvent::Sent { channel, name, .. } => format!("send {channel} {name}"),
        TraceEvent::Skipped { channel, name, reason, .. } => {
            format!("skipped {channel} {name} because {}", refusal(reason))
        }
        TraceEvent::Deferred { .. } => format!("`{journey}` holds a message until its window opens"),
        TraceEvent::TagAdded(tag) => format!("tag {tag}"),
        TraceEvent::TagRemoved(tag) => format!("untag {tag}"),
        TraceEvent::AttributeSet(attribute, value) => format!("set {attribute} to {value}"),
        TraceEvent::Took { split, side } => format!("path {side} of {split}"),
        TraceEvent::MovedTo { funnel, stage } => format!("stage {funnel}.{stage}"),
        TraceEvent::Recorded(event) => format!("record {event}"),
        TraceEvent::Subscribed { topic, .. } => format!("subscribe {topic}"),
        TraceEvent::Unsubscribed { topic, channel } => {
            let what = if topic.is_empty() { "from everything" } else { topic };
            let via = channel.map(|channel| format!(" via {channel}")).unwrap_or_default();
            format!("unsubscribe {what}{via}")
        }
        TraceEvent::Suppressed(why) => format!("suppress: {why}"),
        TraceEvent::Notified { to, text } => format!("notify {to}: {text}"),
        TraceEvent::Asked { to, text, .. } => format!("ask {to}: {text}"),
        TraceEvent::Voucher { name, .. } => format!("voucher {name}"),
        TraceEvent::Called { service, .. } => format!("call {service}"),
        TraceEvent::Answered { answer: Answer::Given(answer), .. } => format!("answer {answer}"),
        TraceEvent::Answered { answer: Answer::None(why), .. } => format!("no answer: {why}"),
        TraceEvent::GoalReached => format!("goal of `{journey}`"),
        TraceEvent::Moved { to } => format!("`{journey}` goes on in version {to}"),
        TraceEvent::Paused => format!("`{journey}` is paused"),
        TraceEvent::Ended(reason) => format!("end of `{journey}` because {}", why(reason)),
        TraceEvent::Step(_)
        | TraceEvent::Decided { .. }
        | TraceEvent::Message { .. }
        | TraceEvent::Woke { .. }
        | TraceEvent::Waiting { .. }
        | TraceEvent::Measured { .. } => String::new(),
    }
}

fn not_entered(reason: &NotEntered) -> &'static str {
    match reason {
        NotEntered::Trigger { .. } => "the `where` of its trigger does not hold",
        NotEntered::Filter { .. } => "its `where` does not hold",
        NotEntered::Active => "a run is active",
        NotEntered::Never => "it was in before, and `reenter` says never",
        NotEntered::TooEarly { .. } => "it was in too short a time ago",
        NotEntered::Unsubscribed => "it unsubscribed",
        NotEntered::Holdout => "it is held out",
    }
}

/// The word for a refusal, as `expect skipped because` names it.
pub(super) const fn refusal(reason: &Refusal) -> &'static str {
    match reason {
        Refusal::Suppressed => "suppressed",
        Refusal::NoAddress => "no_address",
        Refusal::Unsubscribed => "unsubscribed",
        Refusal::NoConsent => "no_consent",
        Refusal::Cap { .. } => "cap",
        Refusal::Paused => "paused",
    }
}

/// The word for an end, as `expect end because` names it.
pub(super) const fn end(reason: &EndReason) -> &'static str {
    match reason {
        EndReason::Ended => "ended",
        EndReason::Goal => "goal",
        EndReason::Exit(_) | EndReason::ExitCondition | EndReason::ExitAfter => "exit",
        EndReason::Unsubscribed => "unsubscribed",
        EndReason::Restarted => "restarted",
        EndReason::Stopped => "stopped",
        EndReason::Deleted => "deleted",
        EndReason::Migrated => "migrated",
        EndReason::Merged => "merged",
        EndReason::Failed(_) => "failed",
    }
}

fn why(reason: &EndReason) -> String {
    match reason {
        EndReason::Exit(event) => format!("exit {event}"),
        EndReason::Failed(cause) => format!("failed ({cause})"),
        other => end(other).to_owned(),
    }
}

pub(super) fn list(names: &Tags) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.iter().map(SmolStr::as_str).collect::<Vec<_>>().join(", ")
}
