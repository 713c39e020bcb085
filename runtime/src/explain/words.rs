//! What happened, in words.

use journey_bytecode::Instant;

use crate::core::contact::EndReason;
use crate::core::effect::{NotEntered, Refusal, Seen, TraceEvent, WokenBy};
use crate::core::input::Answer;

/// One line of a trace. A statement that was reached says nothing by itself: what it does follows.
pub(super) fn what(event: &TraceEvent, show: impl Fn(Instant) -> String, fate: impl Fn(u32) -> String) -> String {
    match event {
        TraceEvent::Entered { trigger, .. } => format!("enters by {trigger}"),
        TraceEvent::NotEntered { reason } => format!("does not enter: {}", not_entered(reason, show)),
        TraceEvent::Step(_) => String::new(),
        TraceEvent::Decided { holds: true, .. } => "holds".to_owned(),
        TraceEvent::Decided { holds: false, .. } => "does not hold".to_owned(),
        TraceEvent::Sent { message, channel, name } => {
            format!("message {message}, {channel} {name}: {}", fate(*message))
        }
        TraceEvent::Skipped { channel, name, reason, .. } => format!("not sent, {channel} {name}: {}", refusal(reason)),
        TraceEvent::Deferred { until, reason } => {
            format!("held until {}: {}", show(*until), reason.words())
        }
        TraceEvent::Waiting { until: Instant::NEVER } => "waits for what happens".to_owned(),
        TraceEvent::Waiting { until } => format!("waits until {} at the latest", show(*until)),
        TraceEvent::Woke { by } => match by {
            WokenBy::Deadline => "goes on: the time is up".to_owned(),
            WokenBy::Event(event) => format!("goes on: {event}"),
            WokenBy::Condition => "goes on: the condition holds".to_owned(),
            WokenBy::Window => "goes on: the window is open".to_owned(),
            WokenBy::Exit => "leaves: the steps of its exit follow".to_owned(),
            WokenBy::Answer => "goes on: the answer is there".to_owned(),
            WokenBy::NoAnswer => "goes on: there is no answer".to_owned(),
            WokenBy::Resumed => "goes on: the journey is no longer paused".to_owned(),
        },
        TraceEvent::TagAdded(tag) => format!("adds tag {tag}"),
        TraceEvent::TagRemoved(tag) => format!("removes tag {tag}"),
        TraceEvent::AttributeSet(attribute, value) => format!("sets {attribute} to {value}"),
        TraceEvent::Took { split, side } => format!("takes {side} of {split}"),
        TraceEvent::MovedTo { funnel, stage } => format!("moves to {funnel}.{stage}"),
        TraceEvent::Recorded(event) => format!("records {event}"),
        TraceEvent::Subscribed { topic, channel: None } => format!("subscribes to {topic}"),
        TraceEvent::Subscribed { topic, channel: Some(channel) } => format!("subscribes to {topic} via {channel}"),
        TraceEvent::Unsubscribed { topic, channel } => {
            let what = if topic.is_empty() { "everything" } else { topic };
            let via = channel.map(|channel| format!(" via {channel}")).unwrap_or_default();
            format!("unsubscribes from {what}{via}")
        }
        TraceEvent::Measured { split, side, .. } => format!("does what {split} measures, on side {side}"),
        TraceEvent::Voucher { name, .. } => format!("asks for a code of {name}"),
        TraceEvent::Suppressed(why) => format!("is suppressed: {why}"),
        TraceEvent::Notified { to, .. } => format!("tells {to}"),
        TraceEvent::Asked { to, until: Instant::NEVER, .. } => format!("asks {to}"),
        TraceEvent::Asked { to, until, .. } => format!("asks {to}, and takes an answer until {}", show(*until)),
        TraceEvent::Called { service, until, .. } => {
            format!("calls {service}, and takes its answer until {}", show(*until))
        }
        TraceEvent::Answered { answer: Answer::Given(answer), .. } => format!("is answered: {answer}"),
        TraceEvent::Answered { answer: Answer::None(cause), .. } => format!("gets no answer: {cause}"),
        TraceEvent::Message { message, status, machine } => {
            let by = if *machine { ", by a program" } else { "" };
            format!("message {message}: {}{by}", status.name())
        }
        TraceEvent::GoalReached => "reaches the goal".to_owned(),
        TraceEvent::Moved { to } => format!("goes on in version {to}"),
        TraceEvent::Paused => "stands still: the journey is paused".to_owned(),
        TraceEvent::Ended(reason) => format!("ends: {}", end(reason)),
    }
}

/// What a refused entry saw.
pub(super) fn seen(reason: &NotEntered) -> Option<&[Seen]> {
    match reason {
        NotEntered::Trigger { saw } | NotEntered::Filter { saw } => Some(saw),
        _ => None,
    }
}

fn not_entered(reason: &NotEntered, show: impl Fn(Instant) -> String) -> String {
    match reason {
        NotEntered::Trigger { .. } => "the `where` of its trigger does not hold".to_owned(),
        NotEntered::Filter { .. } => "its `where` does not hold".to_owned(),
        NotEntered::Active => "a run is active".to_owned(),
        NotEntered::Never => "it was in before, and `reenter` says never".to_owned(),
        NotEntered::TooEarly { until } => format!("`reenter` lets it in again from {} on", show(*until)),
        NotEntered::Unsubscribed => "the contact unsubscribed from its topic".to_owned(),
        NotEntered::Holdout => "the contact belongs to those who are held out".to_owned(),
    }
}

fn refusal(reason: &Refusal) -> String {
    match reason {
        Refusal::Suppressed => "the contact is suppressed".to_owned(),
        Refusal::NoAddress => "the contact has no address on this channel".to_owned(),
        Refusal::Unsubscribed => "the contact unsubscribed".to_owned(),
        Refusal::NoConsent => "the contact did not consent to marketing on this channel".to_owned(),
        Refusal::Cap { most } => format!("the policy's cap of {most} is reached"),
        Refusal::Paused => "it fell due while the journey was paused".to_owned(),
    }
}

fn end(reason: &EndReason) -> String {
    match reason {
        EndReason::Ended => "it came to its end".to_owned(),
        EndReason::Goal => "it reached its goal".to_owned(),
        EndReason::Exit(event) => format!("`exit when {event}`"),
        EndReason::ExitCondition => "the condition of `exit when` holds".to_owned(),
        EndReason::ExitAfter => "the time of `exit after` is up".to_owned(),
        EndReason::Unsubscribed => "the contact unsubscribed from its topic".to_owned(),
        EndReason::Restarted => "it was started again".to_owned(),
        EndReason::Stopped => "it was stopped".to_owned(),
        EndReason::Deleted => "the contact was erased".to_owned(),
        EndReason::Migrated => "its place is gone in the version to which runs were moved".to_owned(),
        EndReason::Merged => "the journey had begun earlier under another id of the contact".to_owned(),
        EndReason::Failed(cause) => format!("it failed: {cause}"),
    }
}
